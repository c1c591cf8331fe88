/* SPDX-License-Identifier: MIT */
/* A report that somebody else ends: what was admitted stays, the rest says so. */
#include "tests/unit/report_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "core/report_view.h"

static const struct bv_closure closure = {
	.outcome = BV_OUTCOME_SUPERVISOR_FAULT,
	.reason = "its guardian died",
	.closed_unix_us = 1700000099000000u,
	.detail = "rolled back, 3 swept",
};

static char *open_report(struct ended *e)
{
	struct bv_err err = { 0 };
	char *json = NULL;

	ended_init(e);
	e->report.open = true;
	e->report.closed_unix_us = 0;
	e->report.reason = "";
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		e->report.measure[d] = (struct bv_measure){ .used = 0 };
	if (bv_report_encode(&e->report, &json, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return json;
}

static void test_complete__sealed_and_the_rest_unchanged(void **state)
{
	char sha256[65] = "";
	struct bv_report_view view;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	struct ended e;
	char *open = open_report(&e);
	json_t *before = json_loads(open, 0, NULL), *after;
	static const char *const same[] = { "session_id",   "plan_id",
					    "policy",	    "subject",
					    "requirements", "opened_unix_us",
					    "budgets",	    "schedule",
					    "findings",	    "snapshot" };
	char *json = NULL;

	(void)state;
	if (bv_report_complete(open, strlen(open), &closure, &json, sha256,
			       &err) != BV_OK)
		fail_msg("%s", err.msg);
	bv_arena_init(&arena, 1 << 20);
	assert_int_equal(
		bv_report_decode(&arena, json, strlen(json), &view, &err),
		BV_OK);
	assert_int_equal(view.state, BV_REPORT_CLOSED);
	assert_int_equal(view.outcome, BV_OUTCOME_SUPERVISOR_FAULT);
	assert_string_equal(view.reason, "its guardian died");
	assert_true(view.closed_unix_us == 1700000099000000u);
	assert_string_equal(view.sha256, sha256);
	assert_string_equal(view.observed.v[view.observed.n - 1].detail,
			    "rolled back, 3 swept");
	bv_arena_done(&arena);
	after = json_loads(json, 0, NULL);
	for (size_t i = 0; i < BV_LEN(same); i++)
		assert_true(json_equal(json_object_get(before, same[i]),
				       json_object_get(after, same[i])));
	json_decref(before);
	json_decref(after);
	free(json);
	free(open);
	fixture_done(&e.f);
}

static void test_complete__only_what_is_open_and_whole(void **state)
{
	char sha256[65];
	struct bv_err err = { 0 };
	struct ended e;
	char *open = open_report(&e);
	char *json = NULL, *again = NULL;

	(void)state;
	assert_int_equal(bv_report_complete(open, strlen(open) - 1, &closure,
					    &json, sha256, &err),
			 BV_E_PROTO);
	assert_null(json);
	strstr(open, "restricted")[0] = 'R';
	assert_int_equal(bv_report_complete(open, strlen(open), &closure,
					    &json, sha256, &err),
			 BV_E_PROTO);
	strstr(open, "Restricted")[0] = 'r';
	assert_int_equal(bv_report_complete(open, strlen(open), &closure,
					    &json, sha256, &err),
			 BV_OK);
	assert_int_equal(bv_report_complete(json, strlen(json), &closure,
					    &again, sha256, &err),
			 BV_E_INVAL);
	assert_non_null(strstr(err.msg, "closed already"));
	assert_null(again);
	free(json);
	free(open);
	fixture_done(&e.f);
}

/* No room for one more observation: the reason says it alone. */
static void test_complete__observations_full(void **state)
{
	char sha256[65];
	struct bv_err err = { 0 };
	struct ended e;
	char *open, *json = NULL;
	json_t *o;

	(void)state;
	free(open_report(&e));
	while (bv_report_observe(&e.report, "seen", NULL, "%s", "x") == BV_OK)
		;
	assert_int_equal(bv_report_encode(&e.report, &open, &err), BV_OK);
	assert_int_equal(bv_report_complete(open, strlen(open), &closure,
					    &json, sha256, &err),
			 BV_OK);
	o = json_loads(json, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(o, "observed")),
			 BV_OBSERVED_MAX);
	json_decref(o);
	free(json);
	free(open);
	fixture_done(&e.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete__sealed_and_the_rest_unchanged),
		cmocka_unit_test(test_complete__only_what_is_open_and_whole),
		cmocka_unit_test(test_complete__observations_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
