/* SPDX-License-Identifier: MIT */
/* Every pair of states tried against the list written down here once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/lifecycle.h"

#define PLAN  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const legal[] = {
	"proposed planned",  "proposed refused",  "proposed faulted",
	"planned started",   "planned refused",   "planned faulted",
	"started running",   "started closing",   "started recovered",
	"running closing",   "running recovered", "closing reported",
	"closing recovered",
};

static void test_every_pair(void **state)
{
	size_t found = 0;

	(void)state;
	for (unsigned int from = 0; from < BV_LIFE_N; from++) {
		for (unsigned int to = 0; to < BV_LIFE_N; to++) {
			char pair[64];
			bool want = false;

			snprintf(pair, sizeof(pair), "%s %s",
				 bv_life_name((enum bv_life)from),
				 bv_life_name((enum bv_life)to));
			for (size_t i = 0; i < BV_LEN(legal); i++)
				want |= strcmp(legal[i], pair) == 0;
			if (bv_life_may((enum bv_life)from, (enum bv_life)to) !=
			    want)
				fail_msg("%s", pair);
			found += want;
		}
	}
	assert_int_equal(found, BV_LEN(legal));
	assert_false(bv_life_may(BV_LIFE_N, BV_LIFE_PROPOSED));
	assert_false(bv_life_may(BV_LIFE_PROPOSED, BV_LIFE_N));
	assert_string_equal(bv_life_name(BV_LIFE_N), "?");
}

static void test_over__nothing_follows(void **state)
{
	(void)state;
	for (unsigned int from = 0; from < BV_LIFE_N; from++) {
		bool follows = false;

		for (unsigned int to = 0; to < BV_LIFE_N; to++)
			follows |= bv_life_may((enum bv_life)from,
					       (enum bv_life)to);
		assert_int_equal(bv_life_is_over((enum bv_life)from), !follows);
	}
	assert_true(bv_life_is_over(BV_LIFE_N));
}

static void test_whole_life(void **state)
{
	struct bv_lifeline line = { 0 };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_life_planned(&line, PLAN, &err), BV_OK);
	assert_int_equal(bv_life_step(&line, BV_LIFE_STARTED, &err), BV_OK);
	assert_int_equal(bv_life_step(&line, BV_LIFE_RUNNING, &err), BV_OK);
	assert_int_equal(bv_life_step(&line, BV_LIFE_CLOSING, &err), BV_OK);
	assert_int_equal(bv_life_reported(&line, PLAN, &err), BV_OK);
	assert_int_equal(line.at, BV_LIFE_REPORTED);
	assert_string_equal(line.plan_id, PLAN);
}

static void test_illegal__refused_with_both_names(void **state)
{
	struct bv_lifeline line = { 0 };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_life_step(&line, BV_LIFE_STARTED, &err), BV_E_BUG);
	assert_string_equal(err.msg, "lifecycle: 'started' after 'proposed'");
	assert_int_equal(line.at, BV_LIFE_PROPOSED);
	assert_int_equal(bv_life_planned(&line, PLAN, &err), BV_OK);
	assert_int_equal(bv_life_planned(&line, OTHER, &err), BV_E_BUG);
	assert_string_equal(line.plan_id, PLAN);
	assert_int_equal(bv_life_step(&line, BV_LIFE_STARTED, &err), BV_OK);
	assert_int_equal(bv_life_step(&line, BV_LIFE_STARTED, &err), BV_E_BUG);
	assert_string_equal(err.msg, "lifecycle: 'started' after 'started'");
	/* a start that is durable cannot become a refusal any more */
	assert_int_equal(bv_life_step(&line, BV_LIFE_REFUSED, &err), BV_E_BUG);
	assert_int_equal(bv_life_reported(&line, PLAN, &err), BV_E_BUG);
	assert_string_equal(err.msg, "lifecycle: 'reported' after 'started'");
}

static void test_step__without_its_plan__refused(void **state)
{
	struct bv_lifeline line = { 0 };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_life_step(&line, BV_LIFE_PLANNED, &err), BV_E_BUG);
	assert_string_equal(err.msg, "lifecycle: 'planned' without a plan");
	line.at = BV_LIFE_CLOSING;
	assert_int_equal(bv_life_step(&line, BV_LIFE_REPORTED, &err), BV_E_BUG);
	assert_string_equal(err.msg, "lifecycle: 'reported' without a plan");
	assert_int_equal(line.at, BV_LIFE_CLOSING);
}

static void test_report__of_another_plan__refused(void **state)
{
	struct bv_lifeline line = { .at = BV_LIFE_CLOSING, .plan_id = PLAN };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_life_reported(&line, OTHER, &err), BV_E_BUG);
	assert_non_null(strstr(err.msg, "a report on plan '" OTHER));
	assert_int_equal(line.at, BV_LIFE_CLOSING);
	assert_int_equal(bv_life_reported(&line, PLAN, &err), BV_OK);
}

static void test_plan_id__malformed__refused(void **state)
{
	static const char *const ids[] = { "", "abc", PLAN "0", "X" };
	struct bv_lifeline line = { 0 };
	struct bv_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < BV_LEN(ids); i++)
		assert_int_equal(bv_life_planned(&line, ids[i], &err),
				 BV_E_BUG);
	assert_int_equal(line.at, BV_LIFE_PROPOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_over__nothing_follows),
		cmocka_unit_test(test_whole_life),
		cmocka_unit_test(test_illegal__refused_with_both_names),
		cmocka_unit_test(test_step__without_its_plan__refused),
		cmocka_unit_test(test_report__of_another_plan__refused),
		cmocka_unit_test(test_plan_id__malformed__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
