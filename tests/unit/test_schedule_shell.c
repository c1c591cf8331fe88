/* SPDX-License-Identifier: MIT */
/*
 * The exec boundary in the schedule: who does what, after what, bound to which
 * parameters; and that a plan that asks for it is covered by nothing else.
 */
#include <string.h>

#include "tests/unit/schedule_plan.h"

static const enum bv_prim shells[] = { BV_PRIM_SHELL_CAPTURE,
				       BV_PRIM_SHELL_ENVIRONMENT,
				       BV_PRIM_SHELL_FDS, BV_PRIM_SHELL_SPAWN };
static const uint32_t kept[] = { 7, 9 };
static const uint32_t other_kept[] = { 7, 8 };

/* Everything that needs it at once. */
static void fill(struct fixture *f, const char *boundary)
{
	fixture_init(f);
	fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, boundary);
	f->policy.env_exact = true;
	f->env[1].is_lease = true;
	f->policy.fds = BV_FDS_ONLY;
	f->policy.fds_keep = kept;
	f->policy.fds_keep_n = BV_LEN(kept);
	f->policy.spawn = BV_SPAWN_THREADS;
	f->policy.capture_streams = true;
	f->policy.capture_max = BV_CAPTURE_MAX;
}

static size_t at(const struct bv_plan *plan, enum bv_prim prim)
{
	const struct bv_schedule_entry *e =
		bv_schedule_find(&plan->schedule, prim);

	assert_non_null(e);
	return (size_t)(e - plan->schedule.entry);
}

static void test_shell__offered_before_the_release_done_after(void **state)
{
	static struct bv_plan plan;
	struct bv_refusal refusal;
	struct fixture f;

	(void)state;
	fill(&f, "shell");
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	assert_true(at(&plan, BV_PRIM_LEADER_ATTEST) <
		    at(&plan, BV_PRIM_SHELL_OFFER));
	assert_true(at(&plan, BV_PRIM_SHELL_OFFER) <
		    at(&plan, BV_PRIM_SESSION_RELEASE));
	assert_int_equal(
		plan.schedule.entry[at(&plan, BV_PRIM_SHELL_OFFER)].actor,
		BV_ACTOR_GUARDIAN);
	for (size_t i = 0; i < BV_LEN(shells); i++) {
		assert_true(at(&plan, BV_PRIM_SESSION_RELEASE) <
			    at(&plan, shells[i]));
		assert_int_equal(
			plan.schedule.entry[at(&plan, shells[i])].actor,
			BV_ACTOR_SHELL);
	}
	/* Recordings have their place before anything can be recorded, and are
	 * whole when it is undone: the leaf is empty by then. */
	assert_true(at(&plan, BV_PRIM_RECORD_STARTED) <
		    at(&plan, BV_PRIM_CAPTURE_STORE));
	assert_true(at(&plan, BV_PRIM_CAPTURE_STORE) <
		    at(&plan, BV_PRIM_CGROUP_LEAF));
	/* The streams are changed before any descriptor is closed. */
	for (size_t i = 1; i < BV_LEN(shells); i++)
		assert_true(at(&plan, BV_PRIM_SHELL_CAPTURE) <
			    at(&plan, shells[i]));
	/* The filter is the last thing: what came before needs no task. */
	assert_int_equal(at(&plan, BV_PRIM_SHELL_SPAWN), plan.schedule.n - 1);
	for (size_t i = 0; i < plan.admitted_n; i++)
		assert_int_equal(plan.admitted[i].verdict.enforcement,
				 BV_ENFORCED);
	fixture_done(&f);
}

static void test_forcecommand__the_same_acts_mediated(void **state)
{
	static struct bv_plan shell, forced;
	struct bv_refusal refusal;
	struct fixture f;
	size_t mediated = 0;

	(void)state;
	fill(&f, "shell");
	assert_int_equal(fixture_plan(&f, &shell, &refusal), BV_MEMBRANE_NONE);
	fixture_done(&f);
	fill(&f, "forcecommand");
	assert_int_equal(fixture_plan(&f, &forced, &refusal), BV_MEMBRANE_NONE);
	assert_string_equal(shell.schedule.digest, forced.schedule.digest);
	assert_string_not_equal(shell.id, forced.id);
	for (size_t i = 0; i < forced.admitted_n; i++)
		mediated +=
			forced.admitted[i].verdict.enforcement == BV_MEDIATED;
	/* environment, lease, fds, spawn, capture */
	assert_int_equal(mediated, 5);
	fixture_done(&f);
}

/* An account that has it, and a policy that does not need it. */
static void test_shell__offered_whatever_the_policy_asks(void **state)
{
	static struct bv_plan plan;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "shell");
	scheduled(&f, &plan);
	(void)at(&plan, BV_PRIM_SHELL_OFFER);
	/* What is not asked for is not recorded. */
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_CAPTURE_STORE));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_SHELL_CAPTURE));
	fixture_done(&f);
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_SHELL_OFFER));
	fixture_done(&f);
}

/* Each entry taken out alone leaves something uncovered, or has no ground. */
static void test_verify__no_act_can_be_left_out(void **state)
{
	static const enum bv_prim all[] = { BV_PRIM_SHELL_OFFER,
					    BV_PRIM_CAPTURE_STORE,
					    BV_PRIM_SHELL_CAPTURE,
					    BV_PRIM_SHELL_ENVIRONMENT,
					    BV_PRIM_SHELL_FDS,
					    BV_PRIM_SHELL_SPAWN };
	static struct bv_plan plan;
	struct bv_schedule_fault fault;
	struct fixture f;

	(void)state;
	fill(&f, "shell");
	for (size_t i = 0; i < BV_LEN(all); i++) {
		size_t out;

		scheduled(&f, &plan);
		out = at(&plan, all[i]);
		memmove(&plan.schedule.entry[out],
			&plan.schedule.entry[out + 1],
			(plan.schedule.n - out - 1) *
				sizeof(plan.schedule.entry[0]));
		plan.schedule.n--;
		assert_int_not_equal(
			bv_schedule_check(&plan, &plan.schedule, &fault),
			BV_SCHEDULE_OK);
		assert_int_not_equal(
			bv_schedule_recheck(&plan, &plan.schedule, NULL),
			BV_OK);
	}
	fixture_done(&f);
}

static void spoil(struct fixture *f, unsigned int which)
{
	switch (which) {
	case 0:
		f->env[0].value = "C";
		break;
	case 1:
		f->env[1].value = "other-token";
		break;
	case 2:
		f->env[1].is_lease = false;
		break;
	case 3:
		f->policy.fds_keep = other_kept;
		break;
	case 4:
		f->policy.fds_keep_n = 1;
		break;
	case 5:
		f->policy.fds = BV_FDS_NONE;
		break;
	case 6:
		f->policy.spawn = BV_SPAWN_NONE;
		break;
	case 7:
		f->policy.shell = "/bin/dash";
		break;
	case 8:
		f->subject.uid = 1001;
		break;
	case 9:
		f->policy.capture_input = true;
		break;
	case 10:
		f->policy.capture_goes_on = true;
		break;
	case 11:
		f->policy.capture_max++;
		break;
	}
}
#define SPOILS 12u

static void test_params__each_word_of_the_launch_is_bound(void **state)
{
	static struct bv_plan plan, other;
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < SPOILS; i++) {
		fill(&f, "shell");
		scheduled(&f, &plan);
		spoil(&f, i);
		scheduled(&f, &other);
		if (strcmp(plan.schedule.digest, other.schedule.digest) == 0)
			fail_msg("change %u is not bound", i);
		fixture_done(&f);
	}
}

static void test_run__spawn_filter_after_the_sessions_own(void **state)
{
	static struct bv_plan plan;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	f.policy.spawn = BV_SPAWN_NONE;
	scheduled(&f, &plan);
	assert_true(at(&plan, BV_PRIM_SECCOMP_INSTALL) <
		    at(&plan, BV_PRIM_SPAWN_FILTER));
	assert_true(at(&plan, BV_PRIM_SPAWN_FILTER) <
		    at(&plan, BV_PRIM_RUN_LAUNCH));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_SHELL_OFFER));
	fixture_done(&f);
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	scheduled(&f, &plan);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_SPAWN_FILTER));
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_shell__offered_before_the_release_done_after),
		cmocka_unit_test(test_forcecommand__the_same_acts_mediated),
		cmocka_unit_test(test_shell__offered_whatever_the_policy_asks),
		cmocka_unit_test(test_verify__no_act_can_be_left_out),
		cmocka_unit_test(test_params__each_word_of_the_launch_is_bound),
		cmocka_unit_test(test_run__spawn_filter_after_the_sessions_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
