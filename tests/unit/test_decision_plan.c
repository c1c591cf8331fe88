/* SPDX-License-Identifier: MIT */
/* The decision as admission makes it: the record of a spec, a planted mismatch,
 * a machine that changed, and the trace that says what was passed. */
#include "tests/unit/boundary_fixture.h"

#include "core/refusal.h"
#include "tests/unit/decision_fixture.h"
#include "tests/unit/outcome_fixture.h"

#define CONF "/etc/bvisor/policies/restricted.conf"

/* --- normalisation --------------------------------------------------------- */

static void test_question__of_a_spec__what_it_says(void **state)
{
	struct bv_question q;
	struct bv_profile p;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req[2].evidence = 0x200;
	f.spec.evidence = 0x4;
	bv_profile_for(&f.spec, &f.snap, &p);
	bv_question_from(&f.spec, &p, &f.snap, NULL, &q);
	assert_int_equal(q.config, BV_CONFIG_SOUND);
	assert_int_equal(q.unmatched, 0);
	assert_int_equal(q.action, BV_ACTION_CONFINE);
	assert_int_equal(q.workload, BV_WORKLOAD_PROCESS);
	assert_int_equal(q.backend, BV_BACKEND_LINUX);
	assert_int_equal(q.required_evidence, 0x4);
	assert_int_equal(q.schedule, BV_SCHEDULE_ACCEPTED);
	assert_int_equal(q.slot_n, f.spec.req_n);
	for (uint32_t i = 0; i < q.slot_n; i++) {
		enum bv_req r = f.spec.req[i].req;

		assert_int_equal(q.slot[i].req, r);
		assert_int_equal(q.slot[i].family, bv_req_family(r));
		assert_int_equal(q.slot[i].enforcement, 2);
		assert_int_equal(q.slot[i].required_evidence,
				 i == 2 ? 0x200 : 0);
		assert_int_equal(q.slot[i].available_evidence,
				 p.req[r].evidence);
	}
	assert_int_equal(q.slot[q.slot_n].available_evidence, 0);
	assert_int_equal(q.lane[BV_DIM_PROCESSES].stated, 1);
	assert_true(q.lane[BV_DIM_PROCESSES].limit == 64);
	assert_true(q.lane[BV_DIM_PROCESSES].minimum == 2);
	assert_true(q.lane[BV_DIM_PROCESSES].available == 4194304);
	assert_int_equal(q.lane[BV_DIM_PROCESSES].required, 2);
	assert_int_equal(q.lane[BV_DIM_CPU].stated, 0);
	assert_true(q.lane[BV_DIM_CPU].minimum == 0);
	fixture_done(&f);
}

static void test_question__other_values__other_codes(void **state)
{
	static const struct {
		const char *backend;
		uint32_t code;
	} backends[] = {
		{ "linux", BV_BACKEND_LINUX },
		{ "wasm", BV_BACKEND_WASM },
		{ "", BV_BACKEND_UNKNOWN },
		{ "linux ", BV_BACKEND_UNKNOWN },
	};
	struct bv_question q;
	struct bv_profile p;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	for (size_t i = 0; i < BV_LEN(backends); i++) {
		fixture_set(&f.snap, BV_FACT_BACKEND, backends[i].backend);
		bv_profile_for(&f.spec, &f.snap, &p);
		bv_question_from(&f.spec, &p, &f.snap, &f.snap, &q);
		assert_int_equal(q.backend, backends[i].code);
		assert_memory_equal(q.probed, q.live, sizeof(q.live));
		assert_true(q.probed[0] != 0);
	}
	f.policy.action = BV_ACTION_REFUSE;
	f.spec.workload = BV_WORKLOAD_WASM;
	bv_question_from(&f.spec, &p, &f.snap, NULL, &q);
	assert_int_equal(q.action, BV_ACTION_REFUSE);
	assert_int_equal(q.workload, BV_WORKLOAD_WASM);
	f.policy.env_exact = true;
	f.env[1].name = "LANG";
	bv_question_from(&f.spec, &p, &f.snap, NULL, &q);
	assert_int_equal(q.config, BV_CONFIG_ENVIRONMENT);
	f.policy.broken = true;
	bv_question_from(&f.spec, &p, &f.snap, NULL, &q);
	assert_int_equal(q.config, BV_CONFIG_POLICY);
	fixture_done(&f);
}

/* What the loader refuses by itself is refused by the same two. */
static void test_question__early__its_own_membrane(void **state)
{
	static const struct {
		enum bv_membrane m;
		enum bv_refusal_code code;
	} cases[] = {
		{ BV_MEMBRANE_CONFIG, BV_REFUSED_CONFIG_POLICY },
		{ BV_MEMBRANE_UNMATCHED, BV_REFUSED_UNMATCHED },
		{ BV_MEMBRANE_ACTION, BV_REFUSED_ACTION },
		{ BV_MEMBRANE_WORKLOAD, BV_REFUSED_WORKLOAD },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_question q;

		memset(&q, 0x5a, sizeof(q));
		bv_question_early(cases[i].m, &q);
		expect_refusal(&q, cases[i].m, cases[i].code, BV_NO_SLOT,
			       BV_NO_SLOT, BV_DIM_N);
		assert_int_equal(q.unmatched,
				 cases[i].m == BV_MEMBRANE_UNMATCHED);
		assert_int_equal(q.action, cases[i].m == BV_MEMBRANE_ACTION
						   ? BV_ACTION_REFUSE
						   : BV_ACTION_CONFINE);
		/* By that alone. */
		if (cases[i].m == BV_MEMBRANE_CONFIG)
			q.config = BV_CONFIG_SOUND;
		if (cases[i].m == BV_MEMBRANE_UNMATCHED)
			q.unmatched = 0;
		if (cases[i].m == BV_MEMBRANE_ACTION)
			q.action = BV_ACTION_CONFINE;
		if (cases[i].m == BV_MEMBRANE_WORKLOAD)
			q.backend = BV_BACKEND_LINUX;
		expect_admitted(&q);
	}
}

/* --- config ---------------------------------------------------------------- */

static void test_plan__broken_policy__its_own_words(void **state)
{
	struct fixture f;
	struct outcome o;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.policy.broken = true;
	strcpy(f.policy.error.msg, "x.conf:3: unknown key");
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_CONFIG);
	assert_int_equal(o.refusal.code, BV_REFUSED_CONFIG_POLICY);
	assert_string_equal(o.refusal.text, "x.conf:3: unknown key");
	fixture_done(&f);
}

static void test_plan__environment_rules__config(void **state)
{
	struct fixture f;
	struct outcome o;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	f.policy.env_exact = true;
	fixture_spec(&f);
	f.env[1].name = "A=B";
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_CONFIG);
	assert_int_equal(o.refusal.code, BV_REFUSED_CONFIG_ENVIRONMENT);
	assert_says(&o.refusal, CONF ":32: [environment]");
	assert_says(&o.refusal, "name-reserved-byte");
	/* No exact environment is asked for: its rules are nobody's. */
	f.policy.env_exact = false;
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_NONE);
	fixture_done(&f);
}

/* A storage limit stands on the private temp root, wherever that is listed. */
static void test_profile_for__storage__needs_temp_root(void **state)
{
	struct bv_profile p;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req_n = 1;
	f.spec.req[1].kind = BV_KIND_TEMP_ROOT; /* nobody's */
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		f.spec.req[0].req = (enum bv_req)r;
		f.spec.req[0].kind = bv_req_kind((enum bv_req)r);
		bv_profile_for(&f.spec, &f.snap, &p);
		assert_int_equal(p.budget[BV_DIM_STORAGE].enforcement,
				 f.spec.req[0].kind == BV_KIND_TEMP_ROOT
					 ? BV_ENFORCED
					 : BV_UNSUPPORTED);
	}
	assert_true(p.budget[BV_DIM_STORAGE].available == UINT64_MAX);
	assert_string_equal(p.budget[BV_DIM_STORAGE].mechanism, "linux:none");
	fixture_done(&f);
}

/* --- evidence of one ------------------------------------------------------- */

static void test_plan__evidence_of_one__demanded_and_kept(void **state)
{
	struct fixture f;
	struct outcome o;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req[1].evidence = BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION);
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_NONE);
	assert_int_equal(o.plan.admitted[1].required_evidence, 0x200);
	/* The budget of processes shows it, but not this requirement. */
	f.spec.req[1].evidence |= BV_EV_BIT(BV_EV_RESOURCE_USAGE);
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_EVIDENCE);
	assert_int_equal(o.refusal.code, BV_REFUSED_EVIDENCE_REQUIREMENT);
	assert_int_equal(o.refusal.req, BV_REQ_FS_READ);
	assert_string_equal(
		o.refusal.text,
		CONF ":12: [filesystem] read: Filesystem(read) cannot show "
		     "resource-usage here: it would show: "
		     "mechanism-attestation; demand only what is shown");
	fixture_done(&f);
}

/* --- schedule -------------------------------------------------------------- */

static void test_refusal__schedule__names_the_fault(void **state)
{
	const struct bv_schedule_fault fault = {
		BV_COMPILE_MISSING_PREREQUISITE,
		"linux.a.v1",
		"linux.b.v1",
	};
	struct bv_refusal r;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	bv_refuse_schedule(&f.spec, &fault, &r);
	assert_int_equal(r.membrane, BV_MEMBRANE_SCHEDULE);
	assert_says(&r, CONF ": schedule: ");
	assert_says(&r, "linux.a.v1");
	assert_says(&r, "linux.b.v1");
	fixture_done(&f);
}

/* --- a planted mismatch ---------------------------------------------------- */

static void lying_admit(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->admit ^= 1;
}
static void lying_membrane(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->membrane = ret->membrane == 1 ? 2 : 1;
}
static void lying_code(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->code++;
}
static void lying_slot(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->slot++;
}
static void lying_against(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->against++;
}
static void lying_dim(const struct bv_question *q, struct bv_decision *ret)
{
	bv_decide_table(q, ret);
	ret->dim++;
}
static void blind(const struct bv_question *q, struct bv_decision *ret)
{
	(void)q;
	*ret = (struct bv_decision){ .admit = 1,
				     .slot = BV_NO_SLOT,
				     .against = BV_NO_SLOT,
				     .dim = BV_DIM_N };
}

static void expect_divergence(struct fixture *f, struct bv_evaluators liar)
{
	const struct bv_plan_extra extra = { .evaluators = &liar };
	struct outcome o;

	assert_int_equal(decide(f, &extra, &o), BV_MEMBRANE_DIVERGENCE);
	assert_int_equal(o.refusal.code, BV_REFUSED_DIVERGENCE);
	assert_false(o.trace.agree);
	assert_int_equal(o.trace.decision.admit, 0);
	assert_says(&o.refusal, "the two evaluators do not agree");
	assert_int_equal(bv_trace_passage(&o.trace, BV_MEMBRANE_DIVERGENCE),
			 BV_REFUSED_HERE);
	assert_int_equal(bv_trace_passage(&o.trace, BV_MEMBRANE_CONFIG),
			 BV_NOT_REACHED);
}

/* Each member of the answer, on either side: whatever differs refuses, also
 * what would have been refused anyway. */
static void test_plan__planted_mismatch__refused_by_divergence(void **state)
{
	static const bv_evaluator lies[] = { lying_admit,   lying_membrane,
					     lying_code,    lying_slot,
					     lying_against, lying_dim };

	(void)state;
	for (unsigned int refused = 0; refused < 2; refused++)
		for (size_t i = 0; i < BV_LEN(lies); i++) {
			struct fixture f;

			fixture_init(&f);
			if (refused)
				f.policy.network = BV_NETWORK_LIST;
			fixture_spec(&f);
			expect_divergence(
				&f, (struct bv_evaluators){ bv_decide_reference,
							    lies[i] });
			expect_divergence(
				&f, (struct bv_evaluators){ lies[i],
							    bv_decide_table });
			fixture_done(&f);
		}
}

/* One that lets everything through, on either side. */
static void test_plan__blind_evaluator__refused_by_divergence(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.network = BV_NETWORK_LIST;
	fixture_spec(&f);
	expect_divergence(&f,
			  (struct bv_evaluators){ bv_decide_reference, blind });
	expect_divergence(&f, (struct bv_evaluators){ blind, bv_decide_table });
	fixture_done(&f);
}

/* --- trace ----------------------------------------------------------------- */

static void test_trace__each_membrane__passed_refused_not_reached(void **state)
{
	(void)state;
	for (unsigned int m = BV_MEMBRANE_CONFIG; m < BV_MEMBRANE_DIVERGENCE;
	     m++) {
		struct bv_question q = good_question();
		struct bv_trace t;

		break_membrane(&q, (enum bv_membrane)m);
		bv_decide(&q, NULL, &t);
		for (unsigned int i = BV_MEMBRANE_CONFIG;
		     i < BV_MEMBRANE_DIVERGENCE; i++)
			assert_int_equal(
				bv_trace_passage(&t, (enum bv_membrane)i),
				i < m    ? BV_PASSED
				: i == m ? BV_REFUSED_HERE
					 : BV_NOT_REACHED);
		assert_int_equal(bv_trace_passage(&t, BV_MEMBRANE_DIVERGENCE),
				 BV_PASSED);
	}
}

static void test_trace__admitted_and_unasked(void **state)
{
	struct bv_trace none = { .asked = false };
	struct fixture f;
	struct outcome o;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	assert_int_equal(decide(&f, NULL, &o), BV_MEMBRANE_NONE);
	assert_true(o.trace.asked && o.trace.agree);
	for (unsigned int m = BV_MEMBRANE_CONFIG; m < BV_MEMBRANE_N; m++) {
		assert_int_equal(
			bv_trace_passage(&o.trace, (enum bv_membrane)m),
			BV_PASSED);
		assert_int_equal(bv_trace_passage(&none, (enum bv_membrane)m),
				 BV_NOT_REACHED);
	}
	assert_string_equal(bv_passage_name(BV_PASSED), "passed");
	assert_string_equal(bv_passage_name(BV_REFUSED_HERE), "refused");
	assert_string_equal(bv_passage_name(BV_NOT_REACHED), "not reached");
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question__of_a_spec__what_it_says),
		cmocka_unit_test(test_question__other_values__other_codes),
		cmocka_unit_test(test_question__early__its_own_membrane),
		cmocka_unit_test(test_plan__broken_policy__its_own_words),
		cmocka_unit_test(test_plan__environment_rules__config),
		cmocka_unit_test(test_profile_for__storage__needs_temp_root),
		cmocka_unit_test(test_plan__evidence_of_one__demanded_and_kept),
		cmocka_unit_test(test_refusal__schedule__names_the_fault),
		cmocka_unit_test(
			test_plan__planted_mismatch__refused_by_divergence),
		cmocka_unit_test(
			test_plan__blind_evaluator__refused_by_divergence),
		cmocka_unit_test(
			test_trace__each_membrane__passed_refused_not_reached),
		cmocka_unit_test(test_trace__admitted_and_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
