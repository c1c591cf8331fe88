/* SPDX-License-Identifier: MIT */
/* The wasm backend's matrix and ceiling, and what a policy of it is admitted
 * to, with and without bvisor-wasm as the account's shell. */
#include <stdio.h>

#include "boundary_fixture.h"
#include "core/match.h"
#include "core/support_wasm.h"

static void test_matrix__every_key__stated(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		const struct bv_verdict *v = bv_support_wasm((enum bv_req)r);
		bool no = v->enforcement == BV_UNSUPPORTED;

		assert_non_null(v->mechanism);
		assert_int_equal(no, v->missing[0] != '\0');
		assert_int_equal(no, v->remedy[0] != '\0');
	}
	assert_null(bv_support_wasm(BV_REQ_N));
}

static void machine(struct bv_snapshot *snap, const char *backend,
		    const char *exec_boundary)
{
	fixture_snapshot(MACHINE_DEBIAN_13, snap);
	fixture_set(snap, BV_FACT_BACKEND, backend);
	fixture_set(snap, BV_FACT_EXEC_BOUNDARY, exec_boundary);
}

/* What the session's own boundary does, Linux does; what is executed, opened
 * or connected besides is nobody's. */
static void test_ceiling__as_linux__the_same(void **state)
{
	static const enum bv_kind out[] = {
		BV_KIND_NETWORK_ALLOW_LIST,
		BV_KIND_CHILD_SPAWN_ALLOW_THREADS,
		BV_KIND_ENVIRONMENT,
		BV_KIND_INHERITED_FDS_NONE,
		BV_KIND_INHERITED_FDS_ONLY,
		BV_KIND_CAPTURE_STREAMS,
		BV_KIND_EXPOSE_PATH,
		BV_KIND_COMMIT_ARTIFACT,
		BV_KIND_DISCARD_ARTIFACT,
		BV_KIND_LIST_OUTPUTS,
	};
	static const enum bv_req same[] = {
		BV_REQ_FILESYSTEM,       BV_REQ_FS_READ,
		BV_REQ_FS_WRITE,         BV_REQ_FS_HIDE,
		BV_REQ_NETWORK_DENY_ALL, BV_REQ_SPAWN_ALLOW_DESCENDANTS,
		BV_REQ_TEMP_ROOT,        BV_REQ_KILL_ATOMIC,
	};
	struct bv_snapshot snap, other;
	struct bv_profile wasm, linux_;

	(void)state;
	machine(&snap, "wasm", "wasm");
	machine(&other, "linux", "wasm");
	bv_profile_derive(&snap, &wasm);
	bv_profile_derive(&other, &linux_);
	for (size_t i = 0; i < BV_LEN(out); i++)
		assert_int_equal(wasm.kind[out[i]].enforcement, BV_UNSUPPORTED);
	for (size_t i = 0; i < BV_LEN(same); i++) {
		assert_int_equal(wasm.req[same[i]].enforcement, BV_ENFORCED);
		assert_string_equal(wasm.req[same[i]].mechanism,
				    linux_.req[same[i]].mechanism);
	}
	assert_int_equal(wasm.req[BV_REQ_FS_EXEC].enforcement, BV_UNSUPPORTED);
	assert_int_equal(wasm.req[BV_REQ_LAUNCH_WORKLOAD].enforcement,
			 BV_ENFORCED);
	assert_string_equal(wasm.req[BV_REQ_LAUNCH_WORKLOAD].mechanism,
			    "wasm:session_commit+sole_executable");
	assert_int_equal(wasm.req[BV_REQ_SPAWN_DENY_NEW_TASKS].enforcement,
			 BV_ENFORCED);
	assert_string_equal(wasm.req[BV_REQ_SPAWN_DENY_NEW_TASKS].mechanism,
			    "wasm:inline+seccomp_spawn");
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		assert_int_equal(wasm.budget[d].enforcement,
				 linux_.budget[d].enforcement);
}

/* A machine without landlock gives a wasm session none either. */
static void test_ceiling__machine_lacks__wasm_lacks(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;

	(void)state;
	machine(&snap, "wasm", "wasm");
	fixture_set(&snap, BV_FACT_ABI_LANDLOCK, "0");
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.req[BV_REQ_FILESYSTEM].enforcement, BV_UNSUPPORTED);
	fixture_set(&snap, BV_FACT_SECCOMP_FILTER, "no");
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.req[BV_REQ_LAUNCH_WORKLOAD].enforcement,
			 BV_UNSUPPORTED);
	assert_int_equal(p.req[BV_REQ_SPAWN_DENY_NEW_TASKS].enforcement,
			 BV_UNSUPPORTED);
	machine(&snap, "wasm", "shell");
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.req[BV_REQ_SPAWN_DENY_NEW_TASKS].enforcement,
			 BV_UNSUPPORTED);
}

static const char policy_text[] = "bvisor-policy 1\n"
				  "[match]\nuser = alice\n"
				  "[workload]\nkind = wasm\n"
				  "[filesystem]\nbase = none\nwrite = ~\n"
				  "[network]\naccess = deny\n"
				  "[budget]\nprocesses = 64\n"
				  "%s";

/* "" when admitted. */
static void decide(const char *more, const char *exec_boundary, char ret[512])
{
	const struct bv_subject alice = { .user = "alice",
					  .uid = 1000,
					  .gid = 1000,
					  .home = "/home/alice",
					  .shell = BV_WASM_PATH,
					  .service = "sshd",
					  .tty = "ssh",
					  .rhost = "" };
	static struct bv_plan plan;
	struct bv_refusal refusal;
	struct bv_snapshot snap;
	struct bv_policy policy;
	struct bv_arena arena;
	struct bv_spec spec;
	char text[1024];
	int n = snprintf(text, sizeof(text), policy_text, more);

	bv_arena_init(&arena, 4u << 20);
	machine(&snap, "wasm", exec_boundary);
	assert_int_equal(bv_policy_parse(&arena, "p", "/p.conf", text,
					 (size_t)n, &policy),
			 BV_OK);
	if (policy.broken)
		fail_msg("%s", policy.error.msg);
	assert_int_equal(bv_spec_build(&arena, &policy, &alice, &spec, NULL),
			 BV_OK);
	assert_int_equal(bv_plan_build(&spec, &snap, &plan, &refusal, NULL),
			 BV_OK);
	ret[0] = '\0';
	if (refusal.membrane != BV_MEMBRANE_NONE)
		snprintf(ret, 512, "%s", refusal.text);
	bv_arena_done(&arena);
}

static void test_plan__wasm_policy__admitted_or_told_why(void **state)
{
	static const struct {
		const char *more, *exec_boundary, *says;
	} cases[] = {
		{ "", "wasm", NULL },
		{ "[temp]\nprivate = yes\n", "wasm", NULL },
		{ "", "shell", "the account's shell is not bvisor-wasm" },
		{ "", "none", "the account's shell is not bvisor-wasm" },
		{ "", "run", "the account's shell is not bvisor-wasm" },
		{ "[fds]\npolicy = none\n", "wasm", "remove [fds]" },
		{ "[spawn]\npolicy = none\n", "wasm", NULL },
		{ "[spawn]\npolicy = none\n", "shell",
		  "the account's shell is not bvisor-wasm" },
		{ "[spawn]\npolicy = threads\n", "wasm",
		  "modules have no threads" },
		{ "[environment]\npolicy = exact\nset = A=b\n", "wasm",
		  "set [environment] there, not in the policy" },
		{ "[fds]\npolicy = only\nkeep = 5\n", "wasm",
		  "whatever the policy says" },
		{ "[session]\ncapture = yes\n", "wasm", "CaptureStreams" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char got[512];

		decide(cases[i].more, cases[i].exec_boundary, got);
		if (cases[i].says == NULL ? got[0] != '\0'
					  : !strstr(got, cases[i].says))
			fail_msg("case %zu: '%s'", i, got);
	}
}

/* How commands are isolated: as stated, else as the spawn policy needs it. */
static void test_policy__isolation__follows_or_is_refused(void **state)
{
	static const struct {
		const char *workload, *more, *says;
		enum bv_isolation isolation;
	} cases[] = {
		{ "kind = wasm\n", "", NULL, BV_ISOLATION_PROCESS },
		{ "kind = wasm\nisolation = process\n", "", NULL,
		  BV_ISOLATION_PROCESS },
		{ "kind = wasm\nisolation = inline\n", "", NULL,
		  BV_ISOLATION_INLINE },
		{ "kind = wasm\n", "[spawn]\npolicy = none\n", NULL,
		  BV_ISOLATION_INLINE },
		{ "kind = wasm\nisolation = inline\n",
		  "[spawn]\npolicy = none\n", NULL, BV_ISOLATION_INLINE },
		{ "kind = wasm\nisolation = process\n",
		  "[spawn]\npolicy = none\n",
		  "/p.conf:6: [workload] isolation = process: each command is "
		  "a process then, and [spawn] policy = none (line 10) allows "
		  "none; set inline",
		  BV_ISOLATION_PROCESS },
		{ "kind = process\nisolation = inline\n", "",
		  "only with kind = wasm", BV_ISOLATION_INLINE },
		{ "kind = wasm\nisolation = fork\n", "", "'fork'",
		  BV_ISOLATION_PROCESS },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_policy policy;
		struct bv_arena arena;
		char text[512];
		int n = snprintf(text, sizeof(text),
				 "bvisor-policy 1\n[match]\nuser = alice\n"
				 "[workload]\n%s[filesystem]\nbase = none\n%s"
				 "[network]\naccess = deny\n",
				 cases[i].workload, cases[i].more);

		bv_arena_init(&arena, 4u << 20);
		assert_int_equal(bv_policy_parse(&arena, "p", "/p.conf", text,
						 (size_t)n, &policy),
				 BV_OK);
		if (policy.broken != (cases[i].says != NULL) ||
		    (policy.broken && !strstr(policy.error.msg, cases[i].says)))
			fail_msg("case %zu: '%s'", i, policy.error.msg);
		if (!policy.broken)
			assert_int_equal(policy.isolation, cases[i].isolation);
		bv_arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix__every_key__stated),
		cmocka_unit_test(test_ceiling__as_linux__the_same),
		cmocka_unit_test(test_ceiling__machine_lacks__wasm_lacks),
		cmocka_unit_test(test_plan__wasm_policy__admitted_or_told_why),
		cmocka_unit_test(test_policy__isolation__follows_or_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
