/* SPDX-License-Identifier: MIT */
/*
 * What the sweeps pass by: first and last elements, what lies beyond the last
 * one, arguments that no parser produces. Each test was written because a small
 * change of the code went unnoticed (tests/mutate). The schedule's are in
 * test_edges_schedule.c.
 */
#include "tests/unit/boundary_fixture.h"

#include "core/budget.h"
#include "core/decision.h"
#include "core/plan.h"

static struct bv_plan plan;

static void test_minimums__one_exposed_to_be_written__wherever(void **state)
{
	(void)state;
	for (size_t at = 0; at < 3; at++) {
		struct bv_expose_rule expose[3] = { { .write = false } };
		struct bv_policy policy = { .expose = expose, .expose_n = 3 };
		struct bv_spec spec = { .policy = &policy, .req_n = 1 };
		uint64_t least[BV_DIM_N];

		spec.req[0].kind = BV_KIND_EXPOSE_PATH;
		bv_budget_minimums(&spec, least);
		assert_true(least[BV_DIM_STORAGE] == 0);
		expose[at].write = true;
		bv_budget_minimums(&spec, least);
		assert_true(least[BV_DIM_STORAGE] == 1);
	}
}

static void both_say(const struct bv_question *q, enum bv_membrane want)
{
	struct bv_trace trace;

	bv_decide(q, NULL, &trace);
	assert_true(trace.agree);
	assert_int_equal(trace.decision.membrane, want);
}

/* Backend and workload are looked up in a table of four by four: what is
 * outside it must not fall back into it. */
static void test_workload__numbers_of_no_enum__no_fit(void **state)
{
	static const uint32_t numbers[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 32, 63, 64, UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(numbers); i++) {
		for (size_t j = 0; j < BV_LEN(numbers); j++) {
			const uint32_t b = numbers[i], w = numbers[j];
			const struct bv_question q = { .backend = b,
						       .workload = w };
			bool fits =
				(b == BV_BACKEND_LINUX &&
				 w == BV_WORKLOAD_PROCESS) ||
				(b == BV_BACKEND_WASM && w == BV_WORKLOAD_WASM);

			both_say(&q, fits ? BV_MEMBRANE_NONE
					  : BV_MEMBRANE_WORKLOAD);
		}
	}
}

/* However many slots are said to count, there are 32 of them. */
static void test_slots__beyond_the_last__not_looked_at(void **state)
{
	struct {
		struct bv_question q;
		struct bv_slot beyond[2];
	} x = { .q = { .backend = BV_BACKEND_LINUX,
		       .workload = BV_WORKLOAD_PROCESS } };

	(void)state;
	for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++)
		x.q.slot[i] = (struct bv_slot){ .req = i, .enforcement = 2 };
	x.beyond[0] = (struct bv_slot){ .req = 0,
					.required_evidence = 1,
					.available_evidence = 2 };
	x.beyond[1] = x.beyond[0];
	for (uint32_t n = BV_REQUIREMENT_MAX; n < 70; n++) {
		x.q.slot_n = n;
		both_say(&x.q, BV_MEMBRANE_NONE);
	}
	x.q.slot_n = UINT32_MAX;
	both_say(&x.q, BV_MEMBRANE_NONE);
	x.q.required_evidence = 2;
	both_say(&x.q, BV_MEMBRANE_EVIDENCE);
}

static void test_basis__facts_beyond_the_last__not_in_it(void **state)
{
	uint64_t clean[BV_DIGEST_WORDS], dirty[BV_DIGEST_WORDS];
	struct bv_snapshot snap;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_12, &snap);
	bv_snapshot_basis(&snap, clean);
	memset(&snap.fact[snap.n], 'x', sizeof(snap.fact[0]) - 1);
	bv_snapshot_basis(&snap, dirty);
	assert_memory_equal(clean, dirty, sizeof(clean));
	snap.fact[0].value[0]++;
	bv_snapshot_basis(&snap, dirty);
	assert_memory_not_equal(clean, dirty, sizeof(clean));
}

/* The first requirement counts as the others do. */
static void test_profile__first_requirement__temp_root(void **state)
{
	struct bv_profile profile;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req_n = 1;
	f.spec.req[0] = (struct bv_requirement){ .kind = BV_KIND_TEMP_ROOT,
						 .req = BV_REQ_TEMP_ROOT };
	bv_profile_for(&f.spec, &f.snap, &profile);
	assert_int_equal(profile.budget[BV_DIM_STORAGE].enforcement,
			 BV_ENFORCED);
	f.spec.req[0] = (struct bv_requirement){ .kind = BV_KIND_KILL,
						 .req = BV_REQ_KILL_ATOMIC };
	bv_profile_for(&f.spec, &f.snap, &profile);
	assert_int_equal(profile.budget[BV_DIM_STORAGE].enforcement,
			 BV_UNSUPPORTED);
	fixture_done(&f);
}

/* Whole, whatever was there before, and failing just where it is to. */
static void test_question_early__whole(void **state)
{
	static const enum bv_membrane all[] = {
		BV_MEMBRANE_CONFIG,
		BV_MEMBRANE_UNMATCHED,
		BV_MEMBRANE_ACTION,
		BV_MEMBRANE_WORKLOAD,
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(all); i++) {
		const struct bv_question good = {
			.workload = BV_WORKLOAD_PROCESS,
			.backend = BV_BACKEND_LINUX,
		};
		struct bv_question q, mended;
		struct bv_trace trace;

		memset(&q, 0x5a, sizeof(q));
		bv_question_early(all[i], &q);
		bv_decide(&q, NULL, &trace);
		assert_true(trace.agree);
		assert_int_equal(trace.decision.membrane, all[i]);
		mended = q;
		mended.config = BV_CONFIG_SOUND;
		mended.unmatched = 0;
		mended.action = BV_ACTION_CONFINE;
		mended.backend = BV_BACKEND_LINUX;
		assert_int_equal(mended.workload, good.workload);
		assert_int_equal(mended.slot_n, 0);
		assert_int_equal(mended.required_evidence, 0);
		bv_decide(&mended, NULL, &trace);
		assert_true(trace.decision.admit);
	}
}

static void refused_as_invalid(struct fixture *f)
{
	struct bv_refusal refusal;
	struct bv_err err = { 0 };

	assert_int_equal(
		bv_plan_build(&f->spec, &f->snap, &plan, &refusal, &err),
		BV_E_INVAL);
	assert_int_equal(err.code, BV_E_INVAL);
}

static void test_plan__spec_of_no_parser__invalid(void **state)
{
	const struct bv_policy *policy;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	policy = f.spec.policy;
	f.spec.policy = NULL;
	refused_as_invalid(&f);
	f.spec.policy = policy;
	f.spec.subject = NULL;
	refused_as_invalid(&f);
	f.spec.subject = &f.subject;
	f.spec.req[1].req = BV_REQ_N;
	f.spec.req[1].kind = BV_KIND_N;
	refused_as_invalid(&f);
	f.spec.req[1].req = BV_REQ_KILL_ATOMIC;
	f.spec.req[1].kind = BV_KIND_TEMP_ROOT;
	refused_as_invalid(&f);
	fixture_spec(&f);
	f.spec.req_n = BV_REQUIREMENT_MAX + 1;
	refused_as_invalid(&f);
	fixture_done(&f);
}

/* What one requirement alone would show is told, be it the first. */
static void test_evidence__first_requirement__told(void **state)
{
	struct bv_refusal refusal;
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		f.policy.budget[d].stated = false;
	fixture_spec(&f);
	f.spec.req_n = 1;
	f.spec.evidence = BV_EV_BIT(BV_EV_DENIED_ATTEMPTS);
	assert_int_equal(bv_plan_build(&f.spec, &f.snap, &plan, &refusal, &err),
			 BV_OK);
	assert_int_equal(refusal.membrane, BV_MEMBRANE_EVIDENCE);
	assert_non_null(strstr(refusal.text, "would show: "
					     "mechanism-attestation;"));
	fixture_done(&f);
}

static void says_schedule(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_reference(q, ret);
	*ret = (struct bv_decision){ .membrane = BV_MEMBRANE_SCHEDULE,
				     .code = BV_REFUSED_SCHEDULE_VERIFY,
				     .slot = BV_NO_SLOT,
				     .against = BV_NO_SLOT,
				     .dim = BV_DIM_N };
}

/* Its words are its own, though no plan is known that the schedule refuses. */
static void test_plan__schedule_refuses__said(void **state)
{
	const struct bv_evaluators both = { says_schedule, says_schedule };
	const struct bv_plan_extra extra = { .evaluators = &both };
	struct bv_refusal refusal;
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	assert_int_equal(bv_plan_decide(&f.spec, &f.snap, &extra, &plan,
					&refusal, NULL, &err),
			 BV_OK);
	assert_int_equal(refusal.membrane, BV_MEMBRANE_SCHEDULE);
	assert_int_equal(refusal.code, BV_REFUSED_SCHEDULE_VERIFY);
	assert_non_null(strstr(refusal.text, "schedule"));
	fixture_done(&f);
}

static void test_ceiling__shortest_base__is_one(void **state)
{
	struct bv_profile profile;
	struct bv_snapshot snap;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_12, &snap);
	fixture_set(&snap, BV_FACT_CGROUP_BASE, "/");
	bv_profile_derive(&snap, &profile);
	assert_int_equal(profile.req[BV_REQ_KILL_ATOMIC].enforcement,
			 BV_ENFORCED);
	fixture_set(&snap, BV_FACT_CGROUP_BASE, "");
	bv_profile_derive(&snap, &profile);
	assert_int_equal(profile.req[BV_REQ_KILL_ATOMIC].enforcement,
			 BV_UNSUPPORTED);
}

/* The line of [filesystem]: of the base, or of the first rule, or none. */
static void test_spec__filesystem__its_line(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].req, BV_REQ_FILESYSTEM);
	assert_int_equal(f.spec.req[0].line, f.policy.base_line);
	f.policy.base_line = 0;
	f.policy.fs_n = 1;
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].line, f.fs[0].line);
	f.policy.fs_n = 0;
	f.policy.fs = NULL;
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].line, 0);
	fixture_done(&f);
}

static void test_spec__enums_out_of_range__refused(void **state)
{
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.network = (enum bv_network)(BV_NETWORK_OPEN + 1);
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &f.spec, &err),
		BV_E_BUG);
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.spawn = (enum bv_spawn)(BV_SPAWN_NONE + 1);
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &f.spec, &err),
		BV_E_BUG);
	f.policy.spawn = BV_SPAWN_NONE;
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &f.spec, &err),
		BV_OK);
	fixture_done(&f);
}

static void test_spec__first_variable_is_a_lease__known(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	assert_false(f.spec.env_has_lease);
	f.env[0].is_lease = true;
	fixture_spec(&f);
	assert_true(f.spec.env_has_lease);
	fixture_done(&f);
}

/* Memory for rules and paths may run out at every point; then it is said, and
 * nothing is half a spec. */
static void test_spec__arena_full_anywhere__no_memory(void **state)
{
	const struct bv_policy *untouched = (const void *)state;
	size_t refused = 0;
	int code = BV_E_NOMEM;

	for (size_t cap = 0; code != BV_OK && cap < 65536; cap += 16) {
		struct bv_err err = { 0 };
		struct bv_arena arena;
		struct bv_spec spec = { .policy = untouched };
		struct fixture f;

		fixture_init(&f);
		bv_arena_init(&arena, cap);
		code = bv_spec_build(&arena, &f.policy, &f.subject, &spec,
				     &err);
		if (code != BV_OK) {
			assert_int_equal(code, BV_E_NOMEM);
			assert_int_equal(err.code, BV_E_NOMEM);
			assert_ptr_equal(spec.policy, untouched);
			refused++;
		}
		bv_arena_done(&arena);
		fixture_done(&f);
	}
	assert_int_equal(code, BV_OK);
	assert_true(refused > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_minimums__one_exposed_to_be_written__wherever),
		cmocka_unit_test(test_workload__numbers_of_no_enum__no_fit),
		cmocka_unit_test(test_slots__beyond_the_last__not_looked_at),
		cmocka_unit_test(test_basis__facts_beyond_the_last__not_in_it),
		cmocka_unit_test(test_profile__first_requirement__temp_root),
		cmocka_unit_test(test_question_early__whole),
		cmocka_unit_test(test_plan__spec_of_no_parser__invalid),
		cmocka_unit_test(test_evidence__first_requirement__told),
		cmocka_unit_test(test_plan__schedule_refuses__said),
		cmocka_unit_test(test_ceiling__shortest_base__is_one),
		cmocka_unit_test(test_spec__filesystem__its_line),
		cmocka_unit_test(test_spec__enums_out_of_range__refused),
		cmocka_unit_test(test_spec__first_variable_is_a_lease__known),
		cmocka_unit_test(test_spec__arena_full_anywhere__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
