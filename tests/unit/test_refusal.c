/* SPDX-License-Identifier: MIT */
/* The frozen order of the gates, and the words of each refusal in full. */
#include "tests/unit/boundary_fixture.h"

#include <stdio.h>

#include "core/policy_parse.h"

#define USAGE    BV_EV_BIT(BV_EV_RESOURCE_USAGE)
#define ATTESTED BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)
#define DENIED   BV_EV_BIT(BV_EV_DENIED_ATTEMPTS)

#define CONF "/etc/bvisor/policies/restricted.conf"

struct decision {
	struct bv_plan plan;
	struct bv_refusal refusal;
};

static enum bv_membrane decide(struct fixture *f, struct decision *d)
{
	struct bv_err err = { 0 };

	if (bv_plan_build(&f->spec, &f->snap, &d->plan, &d->refusal, &err) !=
	    BV_OK)
		fail_msg("plan: %s", err.msg);
	return d->refusal.membrane;
}

/* Every gate would refuse; mending the one that was named leads to the next. */
static void break_everything(struct fixture *f)
{
	fixture_init(f);
	f->policy.action = BV_ACTION_REFUSE;
	f->policy.workload = BV_WORKLOAD_WASM;
	f->policy.network = BV_NETWORK_LIST;
	f->policy.env_exact = true;
	f->policy.evidence = DENIED;
	f->policy.budget[BV_DIM_PROCESSES].limit = 1;
	f->policy.budget[BV_DIM_MEMORY].limit = UINT64_MAX;
	f->policy.budget[BV_DIM_CPU] =
		(struct bv_budget_request){ true, 60000000, BV_ENFORCED, 0,
					    25 };
	f->policy.budget[BV_DIM_WALL].evidence = USAGE | DENIED;
	fixture_spec(f);
	/* No policy text can say this twice, so it is said here. */
	f->spec.req[f->spec.req_n++] = (struct bv_requirement){
		.kind = BV_KIND_NETWORK_DENY_ALL,
		.line = 99,
		.key = "[network] access = deny",
		.req = BV_REQ_NETWORK_DENY_ALL,
	};
}

static void mend_action(struct fixture *f)
{
	f->policy.action = BV_ACTION_CONFINE;
}
static void mend_conflict(struct fixture *f)
{
	f->spec.req_n--;
}
static void mend_workload(struct fixture *f)
{
	f->spec.workload = BV_WORKLOAD_PROCESS;
}
static void mend_network(struct fixture *f)
{
	for (size_t i = 0; i < f->spec.req_n; i++) {
		if (f->spec.req[i].req != BV_REQ_NETWORK_ALLOW_LIST)
			continue;
		f->spec.req[i].kind = BV_KIND_NETWORK_DENY_ALL;
		f->spec.req[i].req = BV_REQ_NETWORK_DENY_ALL;
	}
}
static void mend_environment(struct fixture *f)
{
	fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, "run");
}
static void mend_evidence(struct fixture *f)
{
	f->spec.evidence = ATTESTED;
}
static void mend_processes(struct fixture *f)
{
	f->spec.budget[BV_DIM_PROCESSES].limit = 2;
}
static void mend_wall(struct fixture *f)
{
	f->spec.budget[BV_DIM_WALL].evidence = USAGE;
}
static void mend_cpu(struct fixture *f)
{
	f->spec.budget[BV_DIM_CPU].guarantee = BV_MEDIATED;
}
static void mend_memory(struct fixture *f)
{
	f->spec.budget[BV_DIM_MEMORY].limit = 1u << 20;
}

static const struct {
	enum bv_membrane membrane;
	const char *text;
	void (*mend)(struct fixture *f);
} ladder[] = {
	{ BV_MEMBRANE_ACTION,
	  CONF ": [policy] action = refuse: the policy refuses this session: "
	       "that is what it is for; change its action, or its [match], to "
	       "let the user in",
	  mend_action },
	{ BV_MEMBRANE_CONFLICT,
	  CONF ":99: [network] access = deny: NetworkDenyAll contradicts "
	       "NetworkAllowList: a family takes one policy and line 18 states "
	       "another; remove one of the two",
	  mend_conflict },
	{ BV_MEMBRANE_WORKLOAD,
	  CONF
	  ": [workload] kind: a wasm workload does not fit the linux "
	  "backend: not built in this release; set [workload] kind = process",
	  mend_workload },
	{ BV_MEMBRANE_SUPPORT,
	  CONF
	  ":18: [network] access = list: NetworkAllowList is not supported "
	  "here: no network program can be attached to a leaf (cgroup.bpf = "
	  "nothing, privileged = yes); boot a kernel with CONFIG_CGROUP_BPF, "
	  "as root with CAP_BPF and CAP_NET_ADMIN",
	  mend_network },
	{ BV_MEMBRANE_SUPPORT,
	  CONF
	  ":30: [environment] policy = exact: Environment is not supported here: the "
	  "account has no exec boundary: its shell is not bvisor-shell, or "
	  "the service does not start it (exec_boundary = none); make "
	  "bvisor-shell the account's shell, or the ForceCommand and set "
	  "exec_boundary=forcecommand",
	  mend_environment },
	{ BV_MEMBRANE_EVIDENCE,
	  CONF ":37: [evidence] require: denied-attempts cannot be shown here: "
	       "this session would show: terminal-outcome resource-usage "
	       "mechanism-attestation; demand only what is shown, or state the "
	       "budget that shows it",
	  mend_evidence },
	/* Below the minimum comes before all else, though wall and cpu come
	 * first by name. */
	{ BV_MEMBRANE_BUDGET,
	  CONF ":28: [budget] processes = 1: too little for what the policy "
	       "lets run: the least is 2 tasks; raise it, or remove the line",
	  mend_processes },
	{ BV_MEMBRANE_BUDGET,
	  CONF
	  ":26: [budget] wall = 3600000000 us: needs denied-attempts, which "
	  "is not recorded here: only resource-usage is; drop its evidence= "
	  "from [budget]",
	  mend_wall },
	{ BV_MEMBRANE_BUDGET,
	  CONF ":25: [budget] cpu = 60000000 us: needs an enforced limit, "
	       "this machine has a mediated one: passing it is noticed and "
	       "acted on, maybe late; write 'mediated' behind the limit",
	  mend_cpu },
	{ BV_MEMBRANE_BUDGET,
	  CONF ":27: [budget] memory = 18446744073709551615 bytes: more than "
	       "this machine can bound: the most is 4611686018427387904 bytes; "
	       "lower it, or remove the line",
	  mend_memory },
};

static void test_plan__first_failure__frozen_order(void **state)
{
	struct fixture f;
	struct decision d;

	(void)state;
	break_everything(&f);
	for (size_t i = 0; i < BV_LEN(ladder); i++) {
		enum bv_membrane m = decide(&f, &d);

		assert_string_equal(d.refusal.text, ladder[i].text);
		assert_string_equal(bv_membrane_name(m),
				    bv_membrane_name(ladder[i].membrane));
		ladder[i].mend(&f);
	}
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_NONE);
	fixture_done(&f);
}

static void test_refusal__long_path_and_fact__remedy_arrives(void **state)
{
	static const char *const parts[] = {
		"pp.conf:21: ",
		"[spawn] policy = descendants",
		"ChildSpawnAllowDescendants",
		"wwwwwwww...; ",
		"cgroup_base in bvisor.conf",
	};
	char path[600], why[BV_FACT_VALUE_MAX];
	struct fixture f;
	struct decision d;

	(void)state;
	fixture_init(&f);
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	strcpy(path + sizeof(path) - 6, ".conf");
	memset(why, 'w', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	fixture_set(&f.snap, BV_FACT_CGROUP_BASE, "");
	fixture_set(&f.snap, BV_FACT_CGROUP_WHY, why);
	f.policy.path = path;
	fixture_spec(&f);
	assert_int_equal(decide(&f, &d), BV_MEMBRANE_SUPPORT);
	for (size_t i = 0; i < BV_LEN(parts); i++)
		if (!strstr(d.refusal.text, parts[i]))
			fail_msg("'%s' lacks '%s'", d.refusal.text, parts[i]);
	assert_true(strlen(d.refusal.text) < BV_ERR_MSG_MAX);
	fixture_done(&f);
}

/* Every "[section] key" that words of ours send the reader to is one that the
 * grammar has. */
static void assert_keys_exist(const char *text)
{
	for (const char *p = strchr(text, '['); p; p = strchr(p + 1, '[')) {
		char section[32], key[32];
		enum bv_section id;
		int n = sscanf(p, "[%31[a-z]] %31[a-z_]", section, key);

		assert_true(n >= 1);
		if (!bv_section_from_name(section, &id))
			fail_msg("no section [%s]: %s", section, text);
		/* "[budget] processes" names a key, "[budget]; or" none. */
		if (n == 2 && !bv_policy_key(id, key))
			fail_msg("no key [%s] %s: %s", section, key, text);
	}
}

static void test_refusal__keys__exist_in_grammar(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		assert_keys_exist(bv_support_linux((enum bv_req)r)->remedy);
	for (size_t i = 0; i < BV_LEN(ladder); i++)
		assert_keys_exist(ladder[i].text);
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot((enum fixture_machine_id)m, &snap);
		bv_profile_derive(&snap, &p);
		for (unsigned int r = 0; r < BV_REQ_N; r++)
			assert_keys_exist(p.req[r].remedy);
		for (unsigned int d = 0; d < BV_DIM_N; d++)
			assert_keys_exist(p.budget[d].remedy);
	}
}

/* From the administrator's text to the refusal: the line it names is the line
 * that asked for it. Line 9 is what each case adds. */
#define POLICY_TEXT                                                            \
	"bvisor-policy 1\n[match]\nuser = alice\n[filesystem]\nbase = "        \
	"system\n[network]\naccess = %s\n[%s]\n%s\n"

static void test_refusal__from_text__names_the_line(void **state)
{
	static const struct {
		const char *access;
		const char *section;
		const char *line;
		const char *says; /* NULL: admitted */
	} cases[] = {
		{ "open", "temp", "private = yes", NULL },
		{ "list", "temp", "private = yes",
		  "/p.conf:7: [network] access = list: NetworkAllowList" },
		{ "open", "spawn", "policy = none",
		  "/p.conf:9: [spawn] policy = none: ChildSpawnDenyNewTasks" },
		{ "open", "spawn", "policy = threads",
		  "/p.conf:9: [spawn] policy = threads: "
		  "ChildSpawnAllowThreads" },
		{ "open", "spawn", "policy = descendants", NULL },
		{ "open", "environment", "policy = exact",
		  "/p.conf:9: [environment] policy = exact: Environment" },
		{ "open", "fds", "policy = none",
		  "/p.conf:9: [fds] policy = none: InheritedFdsNone" },
		{ "open", "session", "capture = yes",
		  "/p.conf:9: [session] capture: CaptureStreams is not supported "
		  "here: the account has no exec boundary" },
		{ "open", "session", "capture = no", NULL },
		{ "open", "expose", "read = /srv", NULL },
		{ "open", "expose", "write = /srv -> /mnt", NULL },
		{ "open", "evidence", "require = denied-attempts",
		  "/p.conf:9: [evidence] require: denied-attempts" },
		{ "open", "evidence", "require = mechanism-attestation", NULL },
		{ "open", "evidence", "require = mechanism-attestation Kill",
		  NULL },
		{ "open", "evidence", "require = terminal-outcome Kill",
		  "/p.conf:9: [evidence] require: Kill(atomic) cannot show "
		  "terminal-outcome here: it would show: "
		  "mechanism-attestation; demand only what is shown" },
		{ "open", "budget", "processes = 1",
		  "/p.conf:9: [budget] processes = 1: too little" },
		{ "open", "budget", "processes = 64 evidence=resource-usage",
		  NULL },
		{ "open", "budget", "cpu = 1s mediated", NULL },
		{ "open", "budget", "cpu = 1s",
		  "/p.conf:9: [budget] cpu = 1000000 us: needs an enforced" },
		{ "open", "budget", "handles = 64 mediated", NULL },
		{ "open", "budget", "network = 1M mediated",
		  "/p.conf:9: [budget] network = 1048576 bytes: needs a "
		  "mediated" },
		{ "open", "budget", "storage = 1M", NULL },
		{ "open", "budget", "storage = 0",
		  "/p.conf:9: [budget] storage = 0 bytes: too little" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct fixture f;
		struct decision d;
		char text[512];
		int n = snprintf(text, sizeof(text), POLICY_TEXT,
				 cases[i].access, cases[i].section,
				 cases[i].line);

		fixture_init(&f);
		assert_int_equal(bv_policy_parse(&f.arena, "p", "/p.conf", text,
						 (size_t)n, &f.policy),
				 BV_OK);
		if (f.policy.broken)
			fail_msg("case %zu: %s", i, f.policy.error.msg);
		fixture_spec(&f);
		decide(&f, &d);
		if (!cases[i].says != (d.refusal.membrane == BV_MEMBRANE_NONE))
			fail_msg("case %zu: '%s'", i, d.refusal.text);
		if (cases[i].says && strncmp(d.refusal.text, cases[i].says,
					     strlen(cases[i].says)) != 0)
			fail_msg("case %zu: '%s'", i, d.refusal.text);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__first_failure__frozen_order),
		cmocka_unit_test(
			test_refusal__long_path_and_fact__remedy_arrives),
		cmocka_unit_test(test_refusal__keys__exist_in_grammar),
		cmocka_unit_test(test_refusal__from_text__names_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
