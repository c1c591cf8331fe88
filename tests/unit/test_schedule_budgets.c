/* SPDX-License-Identifier: MIT */
/* Budgets that the guardian keeps: their steps, and what those are given. */
#include "tests/unit/boundary_fixture.h"

#include "core/digest.h"
#include "core/schedule.h"

static void begin(struct bv_digest *d, enum bv_prim prim)
{
	bv_digest_begin(d, "bvisor.primitive-param.v1");
	bv_digest_text(d, "id", bv_universe_linux()->p[prim].id);
}

static void assert_param(const struct bv_plan *plan, enum bv_prim prim,
			 struct bv_digest *d)
{
	const struct bv_schedule_entry *e =
		bv_schedule_find(&plan->schedule, prim);
	uint8_t want[BV_SHA256_BYTES];

	bv_digest_end(d, want);
	assert_non_null(e);
	assert_memory_equal(e->param, want, sizeof(want));
}

static void scheduled(struct fixture *f, struct bv_plan *ret)
{
	struct bv_refusal refusal;

	if (fixture_plan(f, ret, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
}

static void test_parameters__of_cpu_and_handles(void **state)
{
	const struct bv_budget_request cpu = { true, 9000000, BV_MEDIATED, 0,
					       40 };
	const struct bv_budget_request handles = { true, 64, BV_MEDIATED, 0,
						   41 };
	struct fixture f;
	struct bv_digest d;
	struct bv_plan plan;
	struct bv_lowered l;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	bv_lowered_from_plan(&plan, &l);
	assert_false(l.has_cpu);
	assert_false(l.has_handles);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_CPU_WATCH));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_HANDLES_LIMIT));
	fixture_done(&f);

	fixture_init(&f);
	f.policy.budget[BV_DIM_CPU] = cpu;
	f.policy.budget[BV_DIM_HANDLES] = handles;
	scheduled(&f, &plan);
	begin(&d, BV_PRIM_CPU_WATCH);
	bv_digest_u64(&d, "us", 9000000);
	bv_digest_u64(&d, "cpus", 2);
	assert_param(&plan, BV_PRIM_CPU_WATCH, &d);
	begin(&d, BV_PRIM_HANDLES_LIMIT);
	bv_digest_u64(&d, "handles", 64);
	assert_param(&plan, BV_PRIM_HANDLES_LIMIT, &d);
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.has_cpu && l.has_handles);
	assert_true(l.cpu_us == 9000000 && l.cpus == 2);
	assert_true(l.handles_max == 64);
	/* The leader's, by the guardian, once its filter is in. */
	assert_int_equal(
		bv_schedule_find(&plan.schedule, BV_PRIM_HANDLES_LIMIT)->actor,
		BV_ACTOR_GUARDIAN);
	assert_true(bv_schedule_find(&plan.schedule, BV_PRIM_HANDLES_LIMIT) >
		    bv_schedule_find(&plan.schedule, BV_PRIM_SECCOMP_INSTALL));
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters__of_cpu_and_handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
