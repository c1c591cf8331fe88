/* SPDX-License-Identifier: MIT */
/* As test_edges.c, of what is lowered and of the schedule. */
#include "tests/unit/schedule_plan.h"

#include <stdio.h>

#include "core/plan.h"

static struct bv_plan plan;

static void test_lowered__what_is_not_stated__nothing(void **state)
{
	struct bv_lowered l;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		f.policy.budget[d].stated = false;
		f.policy.budget[d].limit = 99;
	}
	plan_of(&f, &plan);
	bv_lowered_from_plan(&plan, &l);
	assert_false(l.has_pids || l.has_memory || l.has_wall);
	assert_true(l.pids_max == 0 && l.mem_max_bytes == 0 && l.wall_us == 0);
	assert_true(l.tmp_size_bytes == 0);
	fixture_done(&f);
}

/* Which landlock does what by itself: truncate from 3 on, signals from 6. */
static void test_lowered__landlock_abi__edges(void **state)
{
	static const struct {
		const char *abi;
		bool read_only, notify_signals;
	} rows[] = {
		{ "2", true, true },   { "3", false, true },
		{ "5", false, true },  { "6", false, false },
		{ "7", false, false },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		struct bv_lowered l;

		fixture_set(&f.snap, BV_FACT_ABI_LANDLOCK, rows[i].abi);
		plan_of(&f, &plan);
		bv_lowered_from_plan(&plan, &l);
		assert_int_equal(l.read_only, rows[i].read_only);
		assert_int_equal(l.notify_signals, rows[i].notify_signals);
		assert_int_equal(l.deny_sockets, l.netns);
	}
	fixture_done(&f);
}

static void test_lowered__hides__when_a_rule_does(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (size_t hidden = 0; hidden <= f.policy.fs_n; hidden++) {
		struct bv_lowered l;

		for (size_t i = 0; i < f.policy.fs_n; i++)
			f.fs[i].rights = i == hidden ? BV_FS_HIDE : BV_FS_READ;
		plan_of(&f, &plan);
		bv_lowered_from_plan(&plan, &l);
		assert_int_equal(l.hides, hidden < f.policy.fs_n);
	}
	f.policy.fs_n = 0;
	plan_of(&f, &plan);
	plan.admitted_n = 0;
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		plan.budget[d].stated = false;
	assert_true(bv_schedule_required(&plan) == 0);
	fixture_done(&f);
}

/* More choices than a set has members: one is there twice, be it the last. */
static void test_compile__one_choice_too_many__duplicate(void **state)
{
	static struct bv_primitive p[BV_PRIMITIVE_MAX];
	static uint8_t decl[BV_PRIMITIVE_MAX][BV_SHA256_BYTES];
	static char id[BV_PRIMITIVE_MAX][8];
	struct bv_choice choice[BV_PRIMITIVE_MAX + 1] = { { .index = 0 } };
	const struct bv_universe u = {
		.p = p,
		.n = BV_PRIMITIVE_MAX,
		.decl = (const uint8_t(*)[BV_SHA256_BYTES])decl,
	};
	struct bv_schedule_fault fault;
	struct bv_schedule s;

	(void)state;
	for (uint32_t i = 0; i < BV_PRIMITIVE_MAX; i++) {
		snprintf(id[i], sizeof(id[i]), "p%02u", i);
		p[i] = (struct bv_primitive){ .id = id[i], .version = 1 };
		choice[i].index = i;
	}
	assert_int_equal(
		bv_schedule_compile(&u, choice, BV_PRIMITIVE_MAX, &s, &fault),
		BV_SCHEDULE_OK);
	assert_int_equal(s.n, BV_PRIMITIVE_MAX);
	for (uint32_t i = 0; i < BV_PRIMITIVE_MAX; i += 21) {
		choice[BV_PRIMITIVE_MAX].index = i;
		assert_int_equal(bv_schedule_compile(&u, choice,
						     BV_PRIMITIVE_MAX + 1, &s,
						     &fault),
				 BV_COMPILE_DUPLICATE);
		assert_int_equal(fault.code, BV_COMPILE_DUPLICATE);
		assert_string_equal(fault.a, id[i]);
	}
}

/* Another selection of the same length, sound in itself. */
static void test_recheck__another_primitive__said(void **state)
{
	static struct bv_plan one, other;
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_ABI_LANDLOCK, "2");
	f.policy.no_new_privs = false;
	scheduled(&f, &other);
	fixture_set(&f.snap, BV_FACT_ABI_LANDLOCK, "3");
	f.policy.no_new_privs = true;
	scheduled(&f, &one);
	assert_int_equal(one.schedule.n, other.schedule.n);
	assert_int_equal(bv_schedule_recheck(&one, &other.schedule, &err),
			 BV_E_BUG);
	if (!strstr(err.msg, "has another primitive than"))
		fail_msg("%s", err.msg);
	assert_int_equal(bv_schedule_recheck(&one, &one.schedule, &err), BV_OK);
	fixture_done(&f);
}

/* An entry beyond the last is nobody's, whatever stands there. */
static void test_schedule__beyond_the_last__not_looked_at(void **state)
{
	char digest[2 * BV_SHA256_BYTES + 1];
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_true(plan.schedule.n < BV_PRIMITIVE_MAX);
	memset(&plan.schedule.entry[plan.schedule.n], 0x5a,
	       sizeof(plan.schedule.entry[0]));
	assert_int_equal(bv_schedule_check(&plan, &plan.schedule, NULL),
			 BV_SCHEDULE_OK);
	bv_schedule_digest(&plan.schedule, digest);
	assert_string_equal(digest, plan.schedule.digest);
	if (bv_schedule_recheck(&plan, &plan.schedule, &err) != BV_OK)
		fail_msg("%s", err.msg);
	fixture_done(&f);
}

/* Where there is no second name there is an empty one. */
static void test_verify__one_name__other_empty(void **state)
{
	struct bv_schedule_fault fault = { .a = NULL };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_int_equal(bv_schedule_check(&plan, &plan.schedule, &fault),
			 BV_SCHEDULE_OK);
	assert_string_equal(fault.a, "");
	assert_string_equal(fault.b, "");
	plan.schedule.entry[1] = plan.schedule.entry[0];
	fault.b = NULL;
	assert_int_equal(bv_schedule_check(&plan, &plan.schedule, &fault),
			 BV_VERIFY_DUPLICATE);
	assert_string_equal(fault.a, plan.schedule.entry[0].id);
	assert_non_null(fault.b);
	assert_string_equal(fault.b, "");
	plan.schedule.entry[0].index = BV_PRIM_N;
	fault.a = fault.b = NULL;
	assert_int_equal(bv_schedule_check(&plan, &plan.schedule, &fault),
			 BV_VERIFY_INDEX);
	assert_string_equal(fault.a, "");
	assert_string_equal(fault.b, "");
	fixture_done(&f);
}

/* The user namespace maps both ids: either one changes its parameters. */
static void test_parameters__user_namespace__both_ids(void **state)
{
	uint8_t before[BV_SHA256_BYTES];
	const struct bv_schedule_entry *e;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_LINUX_6_18, &f.snap);
	fixture_set(&f.snap, BV_FACT_SECCOMP_NOTIFY, "yes");
	scheduled(&f, &plan);
	e = bv_schedule_find(&plan.schedule, BV_PRIM_USERNS_CREATE);
	assert_non_null(e);
	memcpy(before, e->param, sizeof(before));
	f.subject.gid++;
	scheduled(&f, &plan);
	e = bv_schedule_find(&plan.schedule, BV_PRIM_USERNS_CREATE);
	assert_memory_not_equal(before, e->param, sizeof(before));
	memcpy(before, e->param, sizeof(before));
	f.subject.uid++;
	scheduled(&f, &plan);
	e = bv_schedule_find(&plan.schedule, BV_PRIM_USERNS_CREATE);
	assert_memory_not_equal(before, e->param, sizeof(before));
	fixture_done(&f);
}

static void test_find__every_entry_and_none_beyond(void **state)
{
	struct bv_schedule s;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	s = plan.schedule;
	assert_true(s.n > 3);
	for (size_t i = 0; i < s.n; i++)
		assert_ptr_equal(
			bv_schedule_find(&s, (enum bv_prim)s.entry[i].index),
			&s.entry[i]);
	s.n--;
	assert_null(bv_schedule_find(&s, (enum bv_prim)s.entry[s.n].index));
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lowered__what_is_not_stated__nothing),
		cmocka_unit_test(test_lowered__landlock_abi__edges),
		cmocka_unit_test(test_lowered__hides__when_a_rule_does),
		cmocka_unit_test(test_compile__one_choice_too_many__duplicate),
		cmocka_unit_test(test_recheck__another_primitive__said),
		cmocka_unit_test(test_schedule__beyond_the_last__not_looked_at),
		cmocka_unit_test(test_verify__one_name__other_empty),
		cmocka_unit_test(test_parameters__user_namespace__both_ids),
		cmocka_unit_test(test_find__every_entry_and_none_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
