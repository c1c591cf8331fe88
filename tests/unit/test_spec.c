/* SPDX-License-Identifier: MIT */
/* Policy × subject → requirements in canonical order and merged rules. */
#include "tests/unit/boundary_fixture.h"

static void assert_reqs(const struct bv_spec *spec, const enum bv_req *want,
			size_t n)
{
	assert_int_equal(spec->req_n, n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(bv_req_name(spec->req[i].req),
				    bv_req_name(want[i]));
		assert_int_equal(spec->req[i].kind, bv_req_kind(want[i]));
	}
}

static void test_spec__barest_policy__always_these(void **state)
{
	static const enum bv_req want[] = {
		BV_REQ_FILESYSTEM,
		BV_REQ_SPAWN_ALLOW_DESCENDANTS,
		BV_REQ_LAUNCH_WORKLOAD,
		BV_REQ_KILL_ATOMIC,
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.fs_n = 0;
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.temp_private = false;
	fixture_spec(&f);
	assert_reqs(&f.spec, want, BV_LEN(want));
	assert_int_equal(f.spec.fs_n, 0);
	fixture_done(&f);
}

static void test_spec__everything_asked__canonical_order(void **state)
{
	static const enum bv_req want[] = {
		BV_REQ_FILESYSTEM,
		BV_REQ_FS_READ,
		BV_REQ_FS_WRITE,
		BV_REQ_FS_EXEC,
		BV_REQ_FS_HIDE,
		BV_REQ_NETWORK_ALLOW_LIST,
		BV_REQ_SPAWN_ALLOW_THREADS,
		BV_REQ_ENVIRONMENT,
		BV_REQ_ENVIRONMENT_LEASE,
		BV_REQ_FDS_ONLY,
		BV_REQ_LAUNCH_WORKLOAD,
		BV_REQ_CAPTURE_STREAMS,
		BV_REQ_TEMP_ROOT_SIZED,
		BV_REQ_EXPOSE_RO,
		BV_REQ_EXPOSE_RW,
		BV_REQ_KILL_ATOMIC,
	};
	struct bv_expose_rule expose[] = {
		{ "/srv", "/srv", 41, false, false },
		{ "/out", "/out", 42, true, false },
		{ "/more", "/more", 43, false, false },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.network = BV_NETWORK_LIST;
	f.policy.spawn = BV_SPAWN_THREADS;
	f.policy.env_exact = true;
	f.env[1].is_lease = true;
	f.policy.fds = BV_FDS_ONLY;
	f.policy.capture_streams = true;
	f.policy.budget[BV_DIM_STORAGE].stated = true;
	f.policy.expose = expose;
	f.policy.expose_n = 3;
	fixture_spec(&f);
	assert_reqs(&f.spec, want, BV_LEN(want));
	for (size_t i = 1; i < f.spec.req_n; i++)
		assert_true(f.spec.req[i - 1].req < f.spec.req[i].req);
	assert_int_equal(f.spec.req[13].line, 41);
	assert_int_equal(f.spec.req[14].line, 42);
	fixture_done(&f);
}

/* The rights that no rule has are not asked for. */
static void test_spec__access__only_what_rules_grant(void **state)
{
	static const struct {
		uint32_t rights;
		enum bv_req req;
	} one[] = {
		{ BV_FS_READ, BV_REQ_FS_READ },
		{ BV_FS_WRITE, BV_REQ_FS_WRITE },
		{ BV_FS_EXEC, BV_REQ_FS_EXEC },
		{ BV_FS_HIDE, BV_REQ_FS_HIDE },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(one); i++) {
		struct bv_fs_rule rules[] = {
			{ "/b", one[i].rights, 9, false },
			{ "/a", one[i].rights, 12, false },
		};
		struct fixture f;

		fixture_init(&f);
		f.policy.fs = rules;
		f.policy.fs_n = 2;
		fixture_spec(&f);
		assert_int_equal(f.spec.req[0].req, BV_REQ_FILESYSTEM);
		assert_int_equal(f.spec.req[1].req, one[i].req);
		assert_int_equal(f.spec.req[1].line, 9);
		assert_int_equal(f.spec.req[2].req, BV_REQ_NETWORK_DENY_ALL);
		fixture_done(&f);
	}
}

/* Each with the line and the key that asked for it. */
static void test_spec__requirement__names_its_line(void **state)
{
	static const struct {
		enum bv_kind kind;
		unsigned int line;
		const char *key;
	} want[] = {
		{ BV_KIND_FILESYSTEM, 11, "[filesystem]" },
		{ BV_KIND_FILESYSTEM, 12, "[filesystem] read" },
		{ BV_KIND_FILESYSTEM, 12, "[filesystem] write" },
		{ BV_KIND_FILESYSTEM, 12, "[filesystem] exec" },
		{ BV_KIND_FILESYSTEM, 15, "[filesystem] hide" },
		{ BV_KIND_NETWORK_DENY_ALL, 18, "[network] access = deny" },
		{ BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS, 21,
		  "[spawn] policy = none" },
		{ BV_KIND_ENVIRONMENT, 30, "[environment] policy = exact" },
		{ BV_KIND_INHERITED_FDS_NONE, 35, "[fds] policy = none" },
		{ BV_KIND_LAUNCH_WORKLOAD, 0, "every session" },
		{ BV_KIND_CAPTURE_STREAMS, 39, "[session] capture" },
		{ BV_KIND_TEMP_ROOT, 24, "[temp] private = yes" },
		{ BV_KIND_KILL, 0, "every session" },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.spawn = BV_SPAWN_NONE;
	f.policy.env_exact = true;
	f.policy.fds = BV_FDS_NONE;
	f.policy.capture_streams = true;
	fixture_spec(&f);
	assert_int_equal(f.spec.req_n, BV_LEN(want));
	for (size_t i = 0; i < BV_LEN(want); i++) {
		assert_int_equal(f.spec.req[i].kind, want[i].kind);
		assert_int_equal(f.spec.req[i].line, want[i].line);
		assert_non_null(strstr(f.spec.req[i].key, want[i].key));
	}
	fixture_done(&f);
}

static void test_spec__base_unstated__line_of_first_rule(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.base_line = 0;
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].line, 12);
	f.policy.fs_n = 1;
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].line, 12);
	f.policy.fs_n = 0;
	fixture_spec(&f);
	assert_int_equal(f.spec.req[0].line, 0);
	fixture_done(&f);
}

static void test_spec__rules__expanded_and_sorted(void **state)
{
	static const char *const want[] = { "/etc/secret", "/home/alice",
					    "/opt/tools", "/srv/data" };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	assert_int_equal(f.spec.fs_n, BV_LEN(want));
	for (size_t i = 0; i < BV_LEN(want); i++)
		assert_string_equal(f.spec.fs[i].path, want[i]);
	assert_int_equal(f.spec.fs[1].rights,
			 BV_FS_READ | BV_FS_WRITE | BV_FS_EXEC);
	assert_true(f.spec.fs[2].optional);
	/* The policy itself is left as it was. */
	assert_string_equal(f.policy.fs[0].path, "~");
	fixture_done(&f);
}

static void test_spec__same_path__rights_united(void **state)
{
	struct bv_fs_rule rules[] = {
		{ "/srv/data/", BV_FS_EXEC, 9, false },
		{ "~/bin", BV_FS_READ, 8, true },
		{ "/srv/data", BV_FS_READ, 5, true },
		{ "/home/alice/bin", BV_FS_EXEC, 6, true },
		{ "/srv/data", BV_FS_WRITE, 7, true },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.fs = rules;
	f.policy.fs_n = BV_LEN(rules);
	fixture_spec(&f);
	assert_int_equal(f.spec.fs_n, 2);
	assert_string_equal(f.spec.fs[0].path, "/home/alice/bin");
	assert_int_equal(f.spec.fs[0].rights, BV_FS_READ | BV_FS_EXEC);
	assert_true(f.spec.fs[0].optional);
	assert_int_equal(f.spec.fs[0].line, 6);
	assert_string_equal(f.spec.fs[1].path, "/srv/data");
	assert_int_equal(f.spec.fs[1].rights,
			 BV_FS_READ | BV_FS_WRITE | BV_FS_EXEC);
	/* Needed once is needed. */
	assert_false(f.spec.fs[1].optional);
	assert_int_equal(f.spec.fs[1].line, 5);
	fixture_done(&f);
}

static void test_spec__rule_order__same_spec(void **state)
{
	struct bv_fs_rule up[] = { { "/a", BV_FS_READ, 1, false },
				   { "/b", BV_FS_READ, 1, false },
				   { "/a/b", BV_FS_WRITE, 1, false } };
	struct bv_fs_rule down[] = { up[2], up[1], up[0] };
	struct fixture f, g;

	(void)state;
	fixture_init(&f);
	fixture_init(&g);
	f.policy.fs = up;
	g.policy.fs = down;
	f.policy.fs_n = g.policy.fs_n = 3;
	fixture_spec(&f);
	fixture_spec(&g);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(f.spec.fs[i].path, g.spec.fs[i].path);
		assert_int_equal(f.spec.fs[i].rights, g.spec.fs[i].rights);
	}
	fixture_done(&f);
	fixture_done(&g);
}

static void expect_error(struct fixture *f, const char *where, const char *what)
{
	struct bv_spec untouched = { .req_n = 99 };
	struct bv_err err = { 0 };

	assert_int_equal(bv_spec_build(&f->arena, &f->policy, &f->subject,
				       &untouched, &err),
			 BV_E_CONF);
	assert_int_equal(untouched.req_n, 99);
	if (!strstr(err.msg, where) || !strstr(err.msg, what))
		fail_msg("'%s' lacks '%s' or '%s'", err.msg, where, what);
	/* And nobody has to ask why. */
	assert_int_equal(bv_spec_build(&f->arena, &f->policy, &f->subject,
				       &untouched, NULL),
			 BV_E_CONF);
}

static void test_spec__hidden_and_allowed__error_with_line(void **state)
{
	struct bv_fs_rule rules[] = {
		{ "/srv", BV_FS_READ, 5, false },
		{ "/srv/", BV_FS_HIDE, 9, false },
	};
	struct bv_fs_rule one = { "/srv", BV_FS_HIDE | BV_FS_READ, 7, false };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.fs = rules;
	f.policy.fs_n = 2;
	expect_error(&f, "restricted.conf:9:", "hidden and allowed (line 5)");
	f.policy.fs = &one;
	f.policy.fs_n = 1;
	expect_error(&f, "restricted.conf:7:", "hidden and allowed");
	fixture_done(&f);
}

static void test_spec__hidden_twice__merged(void **state)
{
	struct bv_fs_rule rules[] = {
		{ "/srv", BV_FS_HIDE, 5, false },
		{ "/srv/", BV_FS_HIDE, 9, false },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.fs = rules;
	f.policy.fs_n = 2;
	fixture_spec(&f);
	assert_int_equal(f.spec.fs_n, 1);
	assert_int_equal(f.spec.fs[0].rights, BV_FS_HIDE);
	fixture_done(&f);
}

static void test_spec__path_not_expandable__error_with_line(void **state)
{
	struct bv_fs_rule rule = { "relative/path", BV_FS_READ, 17, false };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.fs = &rule;
	f.policy.fs_n = 1;
	expect_error(&f, "restricted.conf:17:", "relative/path");
	fixture_done(&f);
}

static void test_spec__broken_policy__its_own_words(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.broken = true;
	f.policy.error = (struct bv_err){
		.code = BV_E_CONF,
		.msg = "/etc/bvisor/policies/restricted.conf:3: unknown key",
	};
	expect_error(&f, "restricted.conf:3:", "unknown key");
	fixture_done(&f);
}

static void test_spec__lease__flagged(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.env_exact = true;
	fixture_spec(&f);
	assert_false(f.spec.env_has_lease);
	f.env[1].is_lease = true;
	fixture_spec(&f);
	assert_true(f.spec.env_has_lease);
	f.env[0].is_lease = true;
	f.env[1].is_lease = false;
	fixture_spec(&f);
	assert_true(f.spec.env_has_lease);
	fixture_done(&f);
}

static void test_spec__budgets_and_evidence__taken_over(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.evidence = BV_EV_BIT(BV_EV_RESOURCE_USAGE);
	fixture_spec(&f);
	assert_int_equal(f.spec.evidence, BV_EV_BIT(BV_EV_RESOURCE_USAGE));
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		assert_int_equal(f.spec.budget[d].stated,
				 f.policy.budget[d].stated);
		assert_true(f.spec.budget[d].limit == f.policy.budget[d].limit);
	}
	fixture_done(&f);
}

/* Of a kind: each of its keys has to show it. */
static void test_spec__evidence_of_kind__on_its_keys(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.policy.of_kind[BV_KIND_FILESYSTEM] =
		(struct bv_kind_evidence){ 5, 7 };
	f.policy.of_kind[BV_KIND_KILL] = (struct bv_kind_evidence){ 2, 8 };
	fixture_spec(&f);
	for (size_t i = 0; i < f.spec.req_n; i++) {
		enum bv_kind k = f.spec.req[i].kind;

		assert_int_equal(f.spec.req[i].evidence,
				 k == BV_KIND_FILESYSTEM ? 5
				 : k == BV_KIND_KILL     ? 2
							 : 0);
	}
	f.policy.of_kind[BV_KIND_ENVIRONMENT] =
		(struct bv_kind_evidence){ 1, 9 };
	expect_error(&f, "restricted.conf:9: [evidence] require",
		     "asks for no Environment");
	fixture_done(&f);
}

static void test_spec__arena_full__no_memory(void **state)
{
	struct bv_spec spec;
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	bv_arena_done(&f.arena);
	bv_arena_init(&f.arena, 16);
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &spec, &err),
		BV_E_NOMEM);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec__barest_policy__always_these),
		cmocka_unit_test(test_spec__everything_asked__canonical_order),
		cmocka_unit_test(test_spec__access__only_what_rules_grant),
		cmocka_unit_test(test_spec__requirement__names_its_line),
		cmocka_unit_test(test_spec__base_unstated__line_of_first_rule),
		cmocka_unit_test(test_spec__rules__expanded_and_sorted),
		cmocka_unit_test(test_spec__same_path__rights_united),
		cmocka_unit_test(test_spec__rule_order__same_spec),
		cmocka_unit_test(
			test_spec__hidden_and_allowed__error_with_line),
		cmocka_unit_test(test_spec__hidden_twice__merged),
		cmocka_unit_test(
			test_spec__path_not_expandable__error_with_line),
		cmocka_unit_test(test_spec__broken_policy__its_own_words),
		cmocka_unit_test(test_spec__lease__flagged),
		cmocka_unit_test(test_spec__budgets_and_evidence__taken_over),
		cmocka_unit_test(test_spec__evidence_of_kind__on_its_keys),
		cmocka_unit_test(test_spec__arena_full__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
