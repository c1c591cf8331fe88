/* SPDX-License-Identifier: MIT */
/*
 * The Linux universe and the schedules of plans: frozen declarations and orders,
 * and every feasible selection.
 */
#include <stdio.h>

#include "tests/unit/schedule_plan.h"

/* --- the table ------------------------------------------------------------- */

static void test_declarations__are_frozen(void **state)
{
	const struct bv_universe *u = bv_universe_linux();
	size_t changed = 0;

	(void)state;
	assert_int_equal(u->n, BV_PRIM_N);
	for (size_t i = 0; i < u->n; i++) {
		uint8_t now[BV_SHA256_BYTES];

		bv_primitive_digest(u->p, u->n, i, now);
		if (memcmp(now, u->decl[i], sizeof(now)) == 0)
			continue;
		changed++;
		print_message("#\t/* %s */\n#\t{ ", u->p[i].id);
		for (size_t b = 0; b < sizeof(now); b++)
			print_message("0x%02x,%s", now[b],
				      b % 8 == 7 ? "\n#\t  " : " ");
		print_message("},\n");
	}
	if (changed > 0)
		fail_msg("%zu declarations changed: raise their versions and "
			 "freeze them anew in core/primitive_decl.inc",
			 changed);
}

static void test_table__is_sound(void **state)
{
	const struct bv_universe *u = bv_universe_linux();

	(void)state;
	for (size_t i = 0; i < u->n; i++) {
		const struct bv_primitive *p = row(i);
		char tail[16];

		assert_true((unsigned int)p->phase < BV_PHASE_N);
		assert_true(p->witness != NULL && p->witness[0] != '\0');
		assert_memory_equal(p->id, "linux.", 6);
		snprintf(tail, sizeof(tail), ".v%u", p->version);
		assert_string_equal(p->id + strlen(p->id) - strlen(tail), tail);
		assert_int_equal(p->prerequisites >> u->n, 0);
		assert_int_equal(p->conflicts >> u->n, 0);
		assert_int_equal(p->covers >> BV_COVER_N, 0);
		for (size_t j = 0; j < u->n; j++) {
			if (i != j)
				assert_string_not_equal(p->id, row(j)->id);
			if ((p->prerequisites & BV_PRIM_BIT(j)) == 0)
				continue;
			assert_true(row(j)->phase <= p->phase);
			assert_int_equal(p->conflicts & BV_PRIM_BIT(j), 0);
			assert_int_equal(row(j)->conflicts & BV_PRIM_BIT(i), 0);
		}
	}
}

/* Every key and budget the matrix calls built has somebody who carries it. */
static void test_table__covers_what_is_built(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile profile;
	uint64_t covers = 0;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_13, &snap);
	bv_profile_derive(&snap, &profile);
	for (size_t i = 0; i < BV_PRIM_N; i++)
		covers |= row(i)->covers;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		bool built = bv_support_linux((enum bv_req)r)->enforcement !=
			     BV_UNSUPPORTED;

		if (built && !(covers & BV_COVER_REQ(r)))
			fail_msg("nobody carries %s",
				 bv_req_name((enum bv_req)r));
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		if (profile.budget[d].enforcement != BV_UNSUPPORTED)
			assert_true(covers & BV_COVER_BUDGET(d));
	}
}

/* --- frozen orders --------------------------------------------------------- */

static void assert_order(const struct bv_schedule *s, const char *const *want,
			 size_t n)
{
	for (size_t i = 0; i < s->n && i < n; i++) {
		char got[64];

		snprintf(got, sizeof(got), "%s%s",
			 s->entry[i].actor == BV_ACTOR_LEADER ? "L " : "",
			 s->entry[i].id);
		assert_string_equal(got, want[i]);
	}
	assert_int_equal(s->n, n);
}

static void test_order__session_on_debian_12(void **state)
{
	static const char *const want[] = {
		"linux.record.started.v1",    "linux.scope.anchor.v1",
		"linux.session.state.v1",     "linux.cgroup.leaf.v1",
		"linux.cgroup.memory_max.v1", "linux.cgroup.pids_max.v1",
		"linux.netns.create.v1",      "linux.view.create.v1",
		"linux.view.private.v1",      "linux.view.services.v1",
		"linux.view.records.v1",      "linux.view.hide.v1",
		"linux.view.read_only.v1",    "linux.landlock.ruleset.v1",
		"linux.seccomp.filter.v1",    "linux.cgroup.place.v1",
		"linux.session.handover.v1",  "linux.session.withdraw.v1",
		"L linux.netns.enter.v1",     "L linux.view.enter.v1",
		"L linux.no_new_privs.v1",    "L linux.landlock.restrict.v1",
		"L linux.seccomp.install.v1", "linux.leader.attest.v1",
		"linux.wall.timer.v1",        "linux.session.release.v1",
	};
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_order(&plan.schedule, want, BV_LEN(want));
	fixture_done(&f);
}

static void test_order__least_session_on_debian_13(void **state)
{
	static const char *const want[] = {
		"linux.record.started.v1",      "linux.scope.anchor.v1",
		"linux.session.state.v1",       "linux.cgroup.leaf.v1",
		"linux.view.create.v1",         "linux.view.private.v1",
		"linux.view.services.v1",       "linux.view.records.v1",
		"linux.landlock.ruleset.v1",    "linux.seccomp.filter.v1",
		"linux.cgroup.place.v1",        "linux.session.handover.v1",
		"linux.session.withdraw.v1",    "L linux.view.enter.v1",
		"L linux.landlock.restrict.v1", "L linux.seccomp.install.v1",
		"linux.leader.attest.v1",       "linux.session.release.v1",
	};
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_DEBIAN_13, &f.snap);
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.fs_n = 0;
	f.policy.no_new_privs = false;
	memset(f.policy.budget, 0, sizeof(f.policy.budget));
	scheduled(&f, &plan);
	assert_order(&plan.schedule, want, BV_LEN(want));
	fixture_done(&f);
}

static void test_order__run_with_and_without_privilege(void **state)
{
	static const char *const with[] = {
		"linux.cgroup.leaf.v1",         "linux.cgroup.memory_max.v1",
		"linux.cgroup.pids_max.v1",     "linux.netns.create.v1",
		"linux.view.create.v1",         "linux.view.private.v1",
		"linux.view.services.v1",       "linux.view.records.v1",
		"linux.view.hide.v1",           "linux.landlock.ruleset.v1",
		"linux.seccomp.filter.v1",      "linux.cgroup.place.v1",
		"L linux.netns.enter.v1",       "L linux.view.enter.v1",
		"L linux.core.forbid.v1",       "L linux.no_new_privs.v1",
		"L linux.landlock.restrict.v1", "L linux.seccomp.install.v1",
		"L linux.environment.set.v1",   "L linux.fds.cloexec.v1",
		"linux.wall.timer.v1",          "L linux.run.launch.v1",
	};
	static const char *const without[] = {
		"linux.cgroup.leaf.v1",         "linux.cgroup.memory_max.v1",
		"linux.cgroup.pids_max.v1",     "linux.userns.create.v1",
		"L linux.userns.netns.v1",      "L linux.view.private.v1",
		"L linux.view.services.v1",     "L linux.view.records.v1",
		"L linux.view.hide.v1",         "L linux.landlock.ruleset.v1",
		"L linux.seccomp.filter.v1",    "L linux.caps.drop.v1",
		"L linux.core.forbid.v1",       "L linux.no_new_privs.v1",
		"L linux.landlock.restrict.v1", "L linux.seccomp.install.v1",
		"L linux.environment.set.v1",   "L linux.fds.cloexec.v1",
		"linux.wall.timer.v1",          "L linux.run.launch_user.v1",
	};
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_LINUX_6_18, &f.snap);
	fixture_set(&f.snap, BV_FACT_PRIVILEGED, "yes");
	scheduled(&f, &plan);
	assert_order(&plan.schedule, with, BV_LEN(with));
	fixture_set(&f.snap, BV_FACT_PRIVILEGED, "no");
	f.policy.no_new_privs = false; /* without privilege it is set anyway */
	scheduled(&f, &plan);
	assert_order(&plan.schedule, without, BV_LEN(without));
	fixture_done(&f);
}

/* --- every feasible selection ---------------------------------------------- */

#define KNOBS 12u

static void turn_knobs(struct fixture *f, unsigned int k, const char *abi)
{
	fixture_init(f);
	fixture_set(&f->snap, BV_FACT_ABI_LANDLOCK, abi);
	fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, k & 1 ? "run" : "none");
	fixture_set(&f->snap, BV_FACT_PRIVILEGED, k & 2 ? "no" : "yes");
	fixture_set(&f->snap, BV_FACT_SYSTEMD, k & 4 ? "no" : "yes");
	f->policy.network = k & 8 ? BV_NETWORK_OPEN : BV_NETWORK_DENY;
	f->policy.fs_n = k & 16 ? 3 : 4; /* the last one hides */
	f->policy.budget[BV_DIM_PROCESSES].stated = (k & 32) != 0;
	f->policy.budget[BV_DIM_MEMORY].stated = (k & 64) != 0;
	f->policy.budget[BV_DIM_WALL].stated = (k & 128) != 0;
	f->policy.no_new_privs = (k & 256) != 0;
	f->policy.temp_private = (k & 512) != 0;
	if (k & 2048) {
		f->policy.budget[BV_DIM_CPU] =
			(struct bv_budget_request){ .stated = true,
						    .limit = 1000000,
						    .guarantee = BV_MEDIATED };
		f->policy.budget[BV_DIM_HANDLES] = (struct bv_budget_request){
			.stated = true, .limit = 64, .guarantee = BV_MEDIATED
		};
	}
	if (k & 1024) {
		f->policy.budget[BV_DIM_STORAGE].stated = true;
		f->policy.budget[BV_DIM_STORAGE].limit = 1u << 20;
		if (k & 1) {
			f->policy.env_exact = true;
			f->policy.fds = BV_FDS_NONE;
		}
	}
}

/* Whether what is left when one entry goes can be noticed without the plan. */
static size_t take_one_out(const struct bv_plan *plan)
{
	const struct bv_schedule *whole = &plan->schedule;
	size_t unnoticed = 0;

	for (size_t out = 0; out < whole->n; out++) {
		struct bv_schedule s = *whole;

		memmove(&s.entry[out], &s.entry[out + 1],
			(s.n - out - 1) * sizeof(s.entry[0]));
		s.n--;
		bv_schedule_digest(&s, s.digest);
		if (bv_schedule_check(plan, &s, NULL) == BV_SCHEDULE_OK)
			unnoticed++;
		assert_int_equal(bv_schedule_recheck(plan, &s, NULL), BV_E_BUG);
	}
	return unnoticed;
}

static void swap_two(const struct bv_plan *plan)
{
	for (size_t i = 0; i + 1 < plan->schedule.n; i++) {
		struct bv_schedule s = plan->schedule;
		struct bv_schedule_entry t = s.entry[i];

		s.entry[i] = s.entry[i + 1];
		s.entry[i + 1] = t;
		bv_schedule_digest(&s, s.digest);
		assert_int_not_equal(bv_schedule_check(plan, &s, NULL),
				     BV_SCHEDULE_OK);
		assert_int_equal(bv_schedule_recheck(plan, &s, NULL), BV_E_BUG);
	}
}

static void test_selections__all_are_accepted(void **state)
{
	static const char *const abis[] = { "2", "3", "5", "6", "7" };
	size_t seen = 0;

	(void)state;
	for (size_t a = 0; a < BV_LEN(abis); a++) {
		for (unsigned int k = 0; k < 1u << KNOBS; k++) {
			struct fixture f;
			struct bv_plan plan;
			uint64_t covers = 0;

			turn_knobs(&f, k, abis[a]);
			scheduled(&f, &plan);
			assert_int_equal(bv_schedule_recheck(
						 &plan, &plan.schedule, NULL),
					 BV_OK);
			for (size_t i = 0; i < plan.schedule.n; i++)
				covers |= row(plan.schedule.entry[i].index)
						  ->covers;
			assert_int_equal(bv_schedule_required(&plan) & ~covers,
					 0);
			if (k % 64 == a) {
				(void)take_one_out(&plan);
				swap_two(&plan);
			}
			fixture_done(&f);
			seen++;
		}
	}
	print_message("# %zu selections\n", seen);
}

/* What is not chained by prerequisites or coverage, by name. */
static void test_one_entry_out__what_only_the_plan_knows(void **state)
{
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	/* anchor, read_only, no_new_privs: the verifier alone cannot miss
	 * them, the recheck against the plan does */
	assert_int_equal(take_one_out(&plan), 3);
	fixture_done(&f);
}

/* A requirement the schedule does not carry is named. */
static void test_uncovered__each_requirement(void **state)
{
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	for (unsigned int bit = 0; bit < BV_COVER_N; bit++) {
		struct bv_schedule_fault fault;
		uint64_t covers = 0;
		enum bv_schedule_code code;

		for (size_t i = 0; i < plan.schedule.n; i++)
			covers |= row(plan.schedule.entry[i].index)->covers;
		code = bv_schedule_verify(bv_universe_linux(), &plan.schedule,
					  (uint64_t)1 << bit, &fault);
		if (covers >> bit & 1u) {
			assert_int_equal(code, BV_SCHEDULE_OK);
			continue;
		}
		assert_int_equal(code, BV_VERIFY_UNCOVERED);
		assert_string_equal(
			fault.a,
			bit < BV_REQ_N
				? bv_req_name((enum bv_req)bit)
				: bv_dim_name((enum bv_dim)(bit - BV_REQ_N)));
	}
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declarations__are_frozen),
		cmocka_unit_test(test_table__is_sound),
		cmocka_unit_test(test_table__covers_what_is_built),
		cmocka_unit_test(test_order__session_on_debian_12),
		cmocka_unit_test(test_order__least_session_on_debian_13),
		cmocka_unit_test(test_order__run_with_and_without_privilege),
		cmocka_unit_test(test_selections__all_are_accepted),
		cmocka_unit_test(test_one_entry_out__what_only_the_plan_knows),
		cmocka_unit_test(test_uncovered__each_requirement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
