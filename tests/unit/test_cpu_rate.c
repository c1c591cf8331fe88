/* SPDX-License-Identifier: MIT */
/* [budget] cpu_rate: the key, what keeps it, and where it is bound. */
#include "tests/unit/boundary_fixture.h"

#include "core/schedule.h"

#include <stdio.h>

#define TEXT                                                                   \
	"bvisor-policy 1\n[match]\nuser = alice\n[filesystem]\nbase = none\n"  \
	"[network]\naccess = open\n[budget]\n"

static void test_policy__values_and_faults(void **state)
{
	static const struct {
		const char *lines;
		unsigned int percent;
		const char *fault; /* NULL: none */
	} cases[] = {
		{ "cpu = 1h mediated\n", 0, NULL },
		{ "cpu = 1h mediated\ncpu_rate = 50%\n", 50, NULL },
		{ "cpu_rate = 200%\ncpu = 1h mediated\n", 200, NULL },
		{ "cpu = 1h mediated\ncpu_rate = 100000%\n", 100000, NULL },
		{ "cpu_rate = 50%\n", 0,
		  "p.conf:9: [budget] cpu_rate: only beside cpu" },
		{ "cpu = 1h mediated\ncpu_rate = 0%\n", 0,
		  "p.conf:10: [budget] cpu_rate: '0%' is not a rate" },
		{ "cpu = 1h mediated\ncpu_rate = 100001%\n", 0,
		  "p.conf:10: [budget] cpu_rate: '100001%' is not a rate" },
		{ "cpu = 1h mediated\ncpu_rate = 50\n", 0,
		  "p.conf:10: [budget] cpu_rate: '50' is not a rate" },
		{ "cpu = 1h mediated\ncpu_rate = %\n", 0,
		  "p.conf:10: [budget] cpu_rate: '%' is not a rate" },
		{ "cpu = 1h mediated\ncpu_rate = 00000000000000000000050%\n", 0,
		  "p.conf:10: [budget] cpu_rate: " },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_arena arena;
		struct bv_policy p;
		char text[512];
		int n = snprintf(text, sizeof(text), TEXT "%s", cases[i].lines);

		bv_arena_init(&arena, 1u << 20);
		assert_int_equal(bv_policy_parse(&arena, "p", "p.conf", text,
						 (size_t)n, &p),
				 BV_OK);
		if (p.broken != (cases[i].fault != NULL))
			fail_msg("case %zu: %s", i, p.error.msg);
		if (cases[i].fault == NULL)
			assert_int_equal(p.cpu_rate_percent, cases[i].percent);
		else if (strncmp(p.error.msg, cases[i].fault,
				 strlen(cases[i].fault)) != 0)
			fail_msg("case %zu: %s", i, p.error.msg);
		bv_arena_done(&arena);
	}
}

static void with_rate(struct fixture *f, unsigned int percent)
{
	fixture_init(f);
	f->policy.cpu_rate_percent = percent;
	f->policy.budget[BV_DIM_CPU] = (struct bv_budget_request){
		.stated = true,
		.limit = 3600000000,
		.guarantee = BV_MEDIATED,
	};
}

static void test_without_the_controller__refused_and_why(void **state)
{
	struct bv_refusal refusal;
	struct bv_plan plan;
	struct fixture f;

	(void)state;
	with_rate(&f, 50);
	fixture_set(&f.snap, BV_FACT_CGROUP_CTRL, "memory pids");
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_BUDGET);
	assert_non_null(strstr(refusal.text, "cpu controller"));
	assert_non_null(strstr(refusal.text, "cpu_rate"));
	fixture_done(&f);
	/* the sampling needs none */
	with_rate(&f, 0);
	fixture_set(&f.snap, BV_FACT_CGROUP_CTRL, "memory pids");
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	fixture_done(&f);
}

static void test_leaf__bound_to_the_rate(void **state)
{
	uint8_t param[2][BV_SHA256_BYTES];
	static const unsigned int rate[2] = { 50, 51 };
	struct bv_refusal refusal;
	struct bv_lowered l;
	struct bv_plan plan;
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		with_rate(&f, rate[i]);
		fixture_set(&f.snap, BV_FACT_CGROUP_CTRL, "cpu memory pids");
		assert_int_equal(fixture_plan(&f, &plan, &refusal),
				 BV_MEMBRANE_NONE);
		bv_lowered_from_plan(&plan, &l);
		assert_int_equal(l.cpu_rate_percent, rate[i]);
		memcpy(param[i],
		       bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_LEAF)
			       ->param,
		       sizeof(param[i]));
		fixture_done(&f);
	}
	assert_memory_not_equal(param[0], param[1], sizeof(param[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__values_and_faults),
		cmocka_unit_test(test_without_the_controller__refused_and_why),
		cmocka_unit_test(test_leaf__bound_to_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
