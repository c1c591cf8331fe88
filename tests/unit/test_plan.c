/* SPDX-License-Identifier: MIT */
/* Each gate of admission: what it lets through, and its refusal otherwise. */
#include "tests/unit/boundary_fixture.h"

#define USAGE    BV_EV_BIT(BV_EV_RESOURCE_USAGE)
#define ATTESTED BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)
#define OUTCOME  BV_EV_BIT(BV_EV_TERMINAL_OUTCOME)
#define DENIED   BV_EV_BIT(BV_EV_DENIED_ATTEMPTS)

#define CONF "/etc/bvisor/policies/restricted.conf"

/* What a refused or failed decision must leave alone. */
#define UNTOUCHED "not written"

struct decision {
	struct bv_plan plan;
	struct bv_refusal refusal;
};

static enum bv_membrane decide(struct fixture *f, struct decision *d)
{
	strcpy(d->plan.id, UNTOUCHED);
	fixture_plan(f, &d->plan, &d->refusal);
	if (d->refusal.membrane != BV_MEMBRANE_NONE)
		assert_string_equal(d->plan.id, UNTOUCHED);
	return d->refusal.membrane;
}

/* As decide(), but of the spec as it stands. */
static enum bv_membrane decide_spec(struct fixture *f, struct decision *d)
{
	struct bv_err err = { 0 };

	if (bv_plan_build(&f->spec, &f->snap, &d->plan, &d->refusal, &err) !=
	    BV_OK)
		fail_msg("plan: %s", err.msg);
	return d->refusal.membrane;
}

static void assert_says(const struct bv_refusal *r, const char *const *parts)
{
	for (; *parts; parts++)
		if (!strstr(r->text, *parts))
			fail_msg("'%s' lacks '%s'", r->text, *parts);
}
#define SAYS(r, ...)                                                           \
	assert_says((r), (const char *const[]){ __VA_ARGS__, NULL })

static void test_plan__able_machine__admitted(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	assert_string_equal(d.refusal.text, "");
	assert_int_equal(d.plan.admitted_n, f.spec.req_n);
	for (size_t i = 0; i < d.plan.admitted_n; i++) {
		assert_int_equal(d.plan.admitted[i].kind, f.spec.req[i].kind);
		assert_int_equal(d.plan.admitted[i].req, f.spec.req[i].req);
		assert_int_equal(d.plan.admitted[i].verdict.enforcement,
				 BV_ENFORCED);
	}
	assert_int_equal(strlen(d.plan.id), BV_PLAN_ID_LEN);
	assert_ptr_equal(d.plan.spec, &f.spec);
	assert_memory_equal(&d.plan.snapshot, &f.snap, sizeof(f.snap));
	assert_true(d.plan.budget[BV_DIM_PROCESSES].stated);
	assert_true(d.plan.budget[BV_DIM_PROCESSES].minimum == 2);
	assert_false(d.plan.budget[BV_DIM_CPU].stated);
	assert_true(d.plan.budget[BV_DIM_WALL].max_overshoot > 0);
	assert_true(d.plan.schedule.n > 0);
	fixture_done(&f);
}

/* --- conflict -------------------------------------------------------------- */

static struct bv_requirement requirement(enum bv_req req, unsigned int line,
					 const char *key)
{
	return (struct bv_requirement){
		.kind = bv_req_kind(req),
		.line = line,
		.key = key,
		.req = req,
	};
}

static void test_plan__every_pair_of_keys__conflict_in_family_only(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	for (unsigned int i = 0; i < BV_REQ_N * BV_REQ_N; i++) {
		enum bv_req a = (enum bv_req)(i / BV_REQ_N);
		enum bv_req b = (enum bv_req)(i % BV_REQ_N);
		bool family = bv_req_family(a) != BV_FAMILY_NONE &&
			      bv_req_family(a) == bv_req_family(b);

		f.spec.req_n = 2;
		f.spec.req[0] = requirement(a, 5, "[a]");
		f.spec.req[1] = requirement(b, 6, "[b]");
		decide_spec(&f, &d);
		assert_int_equal(d.refusal.membrane == BV_MEMBRANE_CONFLICT,
				 a == b || family);
		if (d.refusal.membrane != BV_MEMBRANE_CONFLICT)
			continue;
		assert_int_equal(d.refusal.req, b);
		assert_int_equal(d.refusal.kind, bv_req_kind(b));
		assert_int_equal(d.refusal.code,
				 a == b ? BV_REFUSED_CONFLICT_TWICE
					: BV_REFUSED_CONFLICT_FAMILY);
		SAYS(&d.refusal, ":6: [b]:", bv_req_name(a), bv_req_name(b),
		     "line 5");
	}
	fixture_done(&f);
}

/* --- support --------------------------------------------------------------- */

/* Each key alone, on every machine: admitted exactly where the profile says
 * so, else refused by name with line, key, fact and remedy. */
static bool needs_a_rule(enum bv_req r)
{
	return r == BV_REQ_FS_HIDE || r == BV_REQ_EXPOSE_RO ||
	       r == BV_REQ_EXPOSE_RW || r == BV_REQ_COMMIT_ATOMIC ||
	       r == BV_REQ_COMMIT_DURABLE || r == BV_REQ_COMMIT_BEST_EFFORT ||
	       r == BV_REQ_DISCARD_ARTIFACT || r == BV_REQ_LIST_OUTPUTS;
}

static void one_key(enum fixture_machine_id m, enum bv_req r)
{
	struct bv_profile p;
	struct fixture f;
	struct decision d;

	fixture_init(&f);
	fixture_snapshot(m, &f.snap);
	f.policy.fs_n = 0;
	memset(f.policy.budget, 0, sizeof(f.policy.budget));
	fixture_spec(&f);
	f.spec.req_n = 1;
	f.spec.req[0] = requirement(r, 7, "[x] y = z");
	bv_profile_derive(&f.snap, &p);
	decide_spec(&f, &d);
	if (p.req[r].enforcement == BV_UNSUPPORTED) {
		assert_int_equal(d.refusal.membrane, BV_MEMBRANE_SUPPORT);
		assert_int_equal(d.refusal.req, r);
		SAYS(&d.refusal, CONF ":7: [x] y = z: ", bv_req_name(r),
		     p.req[r].missing, p.req[r].remedy);
	} else {
		/* Some need a rule of their own to be carried out. */
		assert_int_equal(d.refusal.membrane,
				 needs_a_rule(r) ? BV_MEMBRANE_SCHEDULE
						 : BV_MEMBRANE_NONE);
		if (needs_a_rule(r))
			SAYS(&d.refusal, CONF ": schedule: ",
			     "RequirementUncovered: ", bv_req_name(r));
		assert_int_equal(d.refusal.code,
				 needs_a_rule(r) ? BV_REFUSED_SCHEDULE_VERIFY
						 : BV_REFUSED_NOT);
	}
	fixture_done(&f);
}

static void test_plan__each_key_each_machine__verdict_decides(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++)
		for (unsigned int r = 0; r < BV_REQ_N; r++)
			one_key((enum fixture_machine_id)m, (enum bv_req)r);
}

static void test_plan__two_unsupported__first_in_order_named(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	f.policy.spawn = BV_SPAWN_NONE;
	f.policy.capture_streams = true;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_SUPPORT);
	assert_int_equal(d.refusal.kind, BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS);
	fixture_done(&f);
}

static void test_plan__no_delegation__base_search_quoted(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_NO_DELEGATION, &f.snap);
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.fs_n = 3; /* nothing hidden: no mount namespace is needed */
	f.policy.temp_private = false;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_SUPPORT);
	assert_int_equal(d.refusal.kind, BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS);
	SAYS(&d.refusal, CONF ":21: ", "[spawn] policy = descendants",
	     FIXTURE_WHY, "start bvisor.service");
	/* Said once, not once more as a fact. */
	assert_null(strstr(d.refusal.text, "cgroup.why"));
	fixture_done(&f);
}

static void test_plan__lease__environment_refused(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	f.policy.env_exact = true;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	f.env[1].is_lease = true;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_SUPPORT);
	assert_int_equal(d.refusal.kind, BV_KIND_ENVIRONMENT);
	assert_int_equal(d.refusal.req, BV_REQ_ENVIRONMENT_LEASE);
	SAYS(&d.refusal, CONF ":32: [environment] lease: Environment(lease)",
	     "no exec boundary", "make bvisor-shell the account's shell");
	fixture_done(&f);
}

static void test_plan__hidden_path_without_mount_ns__refused(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_DEBIAN_13, &f.snap);
	fixture_set(&f.snap, BV_FACT_NS_MOUNT, "no");
	f.policy.temp_private = false;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_SUPPORT);
	assert_int_equal(d.refusal.kind, BV_KIND_FILESYSTEM);
	assert_int_equal(d.refusal.req, BV_REQ_FS_HIDE);
	SAYS(&d.refusal, CONF ":15: [filesystem] hide: Filesystem(hide)",
	     "ns.mount = no", "remove the hidden paths");
	f.policy.fs_n = 3;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	fixture_done(&f);
}

/* --- evidence -------------------------------------------------------------- */

static void test_plan__each_claim__shown_or_refused(void **state)
{
	(void)state;
	for (unsigned int run = 0; run < 2; run++)
		for (unsigned int e = 0; e < BV_EV_N; e++) {
			uint32_t shown = ATTESTED | USAGE | (run ? OUTCOME : 0);
			struct fixture f;
			struct decision d;

			fixture_init(&f);
			fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY,
				    run ? "run" : "none");
			f.policy.evidence = BV_EV_BIT(e);
			decide(&f, &d);
			if (shown & BV_EV_BIT(e)) {
				assert_int_equal(d.refusal.membrane,
						 BV_MEMBRANE_NONE);
			} else {
				assert_int_equal(d.refusal.membrane,
						 BV_MEMBRANE_EVIDENCE);
				SAYS(&d.refusal, CONF ":37: [evidence]",
				     bv_evidence_name((enum bv_evidence)e));
			}
			fixture_done(&f);
		}
}

static void test_plan__usage_demanded_without_budget__refused(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	f.policy.evidence = USAGE;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	memset(f.policy.budget, 0, sizeof(f.policy.budget));
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_EVIDENCE);
	SAYS(&d.refusal, "resource-usage", "state the budget");
	fixture_done(&f);
}

/* --- budget ---------------------------------------------------------------- */

static void test_plan__budget__each_dimension_on_a_real_machine(void **state)
{
	static const struct {
		enum bv_dim dim;
		uint64_t limit;
		enum bv_enforcement guarantee;
		uint32_t evidence;
		enum bv_budget_reason reason;
		const char *says;
	} cases[] = {
		{ BV_DIM_WALL, 0, BV_ENFORCED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "[budget] wall = 0 us: " },
		{ BV_DIM_WALL, 1, BV_ENFORCED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_WALL, UINT64_MAX, BV_ENFORCED, 0, BV_BUDGET_CAPACITY,
		  "the most is" },
		{ BV_DIM_CPU, 0, BV_MEDIATED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "[budget] cpu = 0 us: " },
		{ BV_DIM_CPU, 1, BV_MEDIATED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_CPU, 1, BV_ENFORCED, 0, BV_BUDGET_GUARANTEE,
		  "needs an enforced limit, this machine has a mediated one: "
		  "passing it is noticed and acted on, maybe late; write "
		  "'mediated' behind the limit" },
		{ BV_DIM_MEMORY, 0, BV_ENFORCED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "[budget] memory = 0 bytes: " },
		{ BV_DIM_MEMORY, 1, BV_ENFORCED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_MEMORY, 1, BV_ENFORCED, DENIED, BV_BUDGET_EVIDENCE,
		  "needs denied-attempts, which is not recorded here" },
		{ BV_DIM_PROCESSES, 0, BV_ENFORCED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "[budget] processes = 0: " },
		{ BV_DIM_PROCESSES, 1, BV_ENFORCED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "the least is 2 tasks" },
		{ BV_DIM_PROCESSES, 2, BV_ENFORCED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_PROCESSES, 4194304, BV_ENFORCED, 0, BV_BUDGET_OK, "" },
		{ BV_DIM_PROCESSES, 4194305, BV_ENFORCED, 0, BV_BUDGET_CAPACITY,
		  "the most is 4194304 tasks" },
		{ BV_DIM_HANDLES, 2, BV_MEDIATED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "the least is 3 fds" },
		{ BV_DIM_HANDLES, 3, BV_ENFORCED, 0, BV_BUDGET_GUARANTEE,
		  "[budget] handles = 3: needs an enforced limit, this machine "
		  "has a mediated one" },
		{ BV_DIM_HANDLES, 3, BV_MEDIATED, ATTESTED, BV_BUDGET_OK, "" },
		{ BV_DIM_HANDLES, 3, BV_MEDIATED, USAGE, BV_BUDGET_EVIDENCE,
		  "only mechanism-attestation is" },
		{ BV_DIM_STORAGE, 0, BV_ENFORCED, 0, BV_BUDGET_BELOW_MINIMUM,
		  "the least is 1 bytes" },
		{ BV_DIM_STORAGE, 1, BV_ENFORCED, 0, BV_BUDGET_OK, "" },
		{ BV_DIM_STORAGE, 1, BV_ENFORCED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_STORAGE, 1, BV_ENFORCED, DENIED, BV_BUDGET_EVIDENCE,
		  "only resource-usage is" },
		{ BV_DIM_NETWORK, 0, BV_ENFORCED, USAGE, BV_BUDGET_OK, "" },
		{ BV_DIM_NETWORK, UINT64_C(1) << 62, BV_ENFORCED, USAGE,
		  BV_BUDGET_OK, "" },
		{ BV_DIM_NETWORK, (UINT64_C(1) << 62) + 1, BV_ENFORCED, 0,
		  BV_BUDGET_CAPACITY, "the most is 4611686018427387904 bytes" },
		{ BV_DIM_NETWORK, 1, BV_ENFORCED, DENIED, BV_BUDGET_EVIDENCE,
		  "only resource-usage is" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct fixture f;
		struct decision d;

		fixture_init(&f);
		fixture_set(&f.snap, BV_FACT_CGROUP_BPF, "yes");
		memset(f.policy.budget, 0, sizeof(f.policy.budget));
		f.policy.budget[cases[i].dim] =
			(struct bv_budget_request){ true, cases[i].limit,
						    cases[i].guarantee,
						    cases[i].evidence, 29 };
		decide(&f, &d);
		if (d.refusal.reason != cases[i].reason)
			fail_msg("case %zu: %s", i, d.refusal.text);
		if (cases[i].reason == BV_BUDGET_OK) {
			assert_int_equal(d.refusal.membrane, BV_MEMBRANE_NONE);
		} else {
			assert_int_equal(d.refusal.membrane,
					 BV_MEMBRANE_BUDGET);
			assert_int_equal(d.refusal.dim, cases[i].dim);
			SAYS(&d.refusal, CONF ":29: [budget] ", cases[i].says);
		}
		fixture_done(&f);
	}
}

static void
test_plan__budget_cgroup_v1__names_base_and_controllers(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_CGROUP_V1, &f.snap);
	f.policy.budget[BV_DIM_MEMORY].stated = false;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_BUDGET);
	assert_string_equal(
		d.refusal.text,
		CONF ":28: [budget] processes = 64: needs an enforced limit, "
		     "this machine has none: the pids controller is not "
		     "available to leaves of the base (cgroup.base = "
		     "/sys/fs/cgroup/unified/bvisor, cgroup.controllers = "
		     "nothing); let bvisor.service delegate it (cgroup v2 must "
		     "own it), or remove [budget] processes");
	fixture_done(&f);
}

static void test_plan__budget_no_peak__evidence_refused(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_set(&f.snap, BV_FACT_CGROUP_PEAK, "no");
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_BUDGET);
	assert_int_equal(d.refusal.reason, BV_BUDGET_EVIDENCE);
	SAYS(&d.refusal,
	     CONF ":28: [budget] processes = 64: needs "
		  "resource-usage",
	     "cgroup.pids_peak = no", "boot Linux 6.1");
	f.policy.budget[BV_DIM_PROCESSES].evidence = 0;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	fixture_done(&f);
}

static void test_plan__storage_without_temp_root__bounds_nothing(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	f.policy.budget[BV_DIM_STORAGE] =
		(struct bv_budget_request){ true, 1048576, BV_ENFORCED, 0, 29 };
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	f.policy.temp_private = false;
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_BUDGET);
	SAYS(&d.refusal,
	     ":29: [budget] storage = 1048576 bytes:", "private temp root",
	     "private = yes");
	fixture_done(&f);
}

/* What would have been shown, told whole and no more. */
static void test_plan__evidence_refused__says_what_is_shown(void **state)
{
	static const struct {
		enum bv_dim dim;
		bool stated;
		const char *shown;
	} cases[] = {
		{ BV_DIM_WALL, false,
		  "this session would show: mechanism-attestation;" },
		{ BV_DIM_WALL, true,
		  "this session would show: resource-usage "
		  "mechanism-attestation;" },
		{ BV_DIM_PROCESSES, true,
		  "this session would show: resource-usage "
		  "mechanism-attestation;" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct fixture f;
		struct decision d;

		fixture_init(&f);
		memset(f.policy.budget, 0, sizeof(f.policy.budget));
		f.policy.budget[cases[i].dim] =
			(struct bv_budget_request){ cases[i].stated, 64,
						    BV_ENFORCED, 0, 29 };
		fixture_spec(&f);
		f.spec.evidence = DENIED;
		f.spec.req_n = 1;
		assert_int_equal(decide_spec(&f, &d), BV_MEMBRANE_EVIDENCE);
		SAYS(&d.refusal, cases[i].shown);
		fixture_done(&f);
	}
}

/* Slots beyond the count are nobody's, and stay empty in the plan. */
static void test_plan__beyond_the_requirements__nothing(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req[f.spec.req_n] = requirement(BV_REQ_N, 1, "[garbage]");
	assert_int_equal(decide_spec(&f, &d), BV_MEMBRANE_NONE);
	assert_null(d.plan.admitted[d.plan.admitted_n].key);
	/* All of them taken: too many of a family, but not too many. */
	for (size_t i = 0; i < BV_REQUIREMENT_MAX; i++)
		f.spec.req[i] =
			requirement((enum bv_req)(i % BV_REQ_N), 1, "[x]");
	f.spec.req_n = BV_REQUIREMENT_MAX;
	assert_int_equal(decide_spec(&f, &d), BV_MEMBRANE_CONFLICT);
	fixture_done(&f);
}

/* --- faults ---------------------------------------------------------------- */

static void test_plan__malformed_spec__fault_not_decision(void **state)
{
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_N };
	struct bv_err err = { 0 };
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	f.spec.req[0].kind = BV_KIND_N;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.req[0].req = BV_REQ_N;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.req[0].req = BV_REQ_FILESYSTEM;
	/* A kind and a key that is not one of its own. */
	f.spec.req[0].kind = BV_KIND_KILL;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.req[0] = requirement(BV_REQ_FILESYSTEM, 1, "[filesystem]");
	f.spec.req_n = BV_REQUIREMENT_MAX + 1;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.req_n = 1;
	f.spec.policy = NULL;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.policy = &f.policy;
	f.spec.subject = NULL;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	f.spec.subject = &f.subject;
	f.policy.action = BV_ACTION_EXEMPT;
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &d.plan, &refusal, &err),
		BV_E_INVAL);
	assert_int_equal(refusal.membrane, BV_MEMBRANE_N);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__able_machine__admitted),
		cmocka_unit_test(
			test_plan__every_pair_of_keys__conflict_in_family_only),
		cmocka_unit_test(
			test_plan__each_key_each_machine__verdict_decides),
		cmocka_unit_test(
			test_plan__two_unsupported__first_in_order_named),
		cmocka_unit_test(test_plan__no_delegation__base_search_quoted),
		cmocka_unit_test(test_plan__lease__environment_refused),
		cmocka_unit_test(
			test_plan__hidden_path_without_mount_ns__refused),
		cmocka_unit_test(test_plan__each_claim__shown_or_refused),
		cmocka_unit_test(
			test_plan__usage_demanded_without_budget__refused),
		cmocka_unit_test(
			test_plan__budget__each_dimension_on_a_real_machine),
		cmocka_unit_test(
			test_plan__budget_cgroup_v1__names_base_and_controllers),
		cmocka_unit_test(test_plan__budget_no_peak__evidence_refused),
		cmocka_unit_test(
			test_plan__storage_without_temp_root__bounds_nothing),
		cmocka_unit_test(
			test_plan__evidence_refused__says_what_is_shown),
		cmocka_unit_test(test_plan__beyond_the_requirements__nothing),
		cmocka_unit_test(test_plan__malformed_spec__fault_not_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
