/* SPDX-License-Identifier: MIT */
/* Policy text → struct bv_policy: every key with its values, and what must never
 * happen whatever the text is. */
#include "tests/unit/policy_fixture.h"

static void test_policy__least__defaults(void **state)
{
	struct parsed p;
	const struct bv_policy *q = good(&p, HEAD);
	char hex[65];

	(void)state;
	assert_string_equal(q->name, "p");
	assert_string_equal(q->path, "p.conf");
	assert_string_equal(q->description, "");
	assert_int_equal(q->action, BV_ACTION_CONFINE);
	assert_int_equal(q->priority, 100);
	assert_int_equal(q->match.user.n, 1);
	assert_string_equal(q->match.user.v[0].text, "alice");
	assert_int_equal(q->match.user.v[0].line, 3);
	assert_false(q->match.user.v[0].negated);
	assert_int_equal(q->match.group.n + q->match.service.n +
				 q->match.tty.n + q->match.rhost.n,
			 0);
	assert_int_equal(q->workload, BV_WORKLOAD_PROCESS);
	assert_int_equal(q->base, BV_BASE_SYSTEM);
	assert_int_equal(q->base_line, 5);
	assert_int_equal(
		q->fs_n + q->net_n + q->env_n + q->expose_n + q->fds_keep_n, 0);
	assert_int_equal(q->network, BV_NETWORK_DENY);
	assert_int_equal(q->network_line, 7);
	assert_int_equal(q->spawn, BV_SPAWN_DESCENDANTS);
	assert_int_equal(q->spawn_line, 0);
	assert_true(q->temp_private);
	assert_true(q->no_new_privs);
	assert_false(q->capture_streams);
	assert_false(q->env_exact);
	assert_int_equal(q->fds, BV_FDS_UNSTATED);
	assert_int_equal(q->evidence, 0);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		assert_false(q->budget[d].stated);
	bv_sha256_hex(HEAD, strlen(HEAD), hex);
	assert_string_equal(q->sha256_hex, hex);
	done(&p);
}

static void test_policy__head_and_match__taken(void **state)
{
	struct parsed p;
	const struct bv_policy *q =
		good(&p, MAGIC "[policy]\ndescription = Äpfel = gut # ja\n"
			       "action = refuse\npriority = 1000\n"
			       "[match]\nuser = *\nuser = !bob\n"
			       "group = !DOM\\domain users\n"
			       "group = st\xc3\xa4"
			       "ff$\nservice = su-l\n"
			       "tty = !pts/*\nrhost = -\n"
			       "rhost = !*.example.org\n");

	(void)state;
	assert_string_equal(q->description, "Äpfel = gut # ja");
	assert_int_equal(q->action, BV_ACTION_REFUSE);
	assert_int_equal(q->priority, 1000);
	assert_int_equal(q->match.user.n, 2);
	assert_string_equal(q->match.user.v[0].text, "*");
	assert_string_equal(q->match.user.v[1].text, "bob");
	assert_true(q->match.user.v[1].negated);
	assert_int_equal(q->match.user.v[1].line, 8);
	assert_int_equal(q->match.group.n, 2);
	assert_string_equal(q->match.group.v[0].text, "DOM\\domain users");
	assert_true(q->match.group.v[0].negated);
	assert_string_equal(q->match.group.v[1].text, "st\xc3\xa4"
						      "ff$");
	assert_int_equal(q->match.service.n, 1);
	assert_string_equal(q->match.tty.v[0].text, "pts/*");
	assert_true(q->match.tty.v[0].negated);
	assert_string_equal(q->match.rhost.v[0].text, "-");
	assert_false(q->match.rhost.v[0].negated);
	assert_string_equal(q->match.rhost.v[1].text, "*.example.org");
	assert_true(q->match.rhost.v[1].negated);
	done(&p);
}

static void test_policy__filesystem__rights_order_lines(void **state)
{
	static const struct bv_fs_rule want[] = {
		{ "/r", BV_FS_READ, 8, false },
		{ "~/w", BV_FS_READ | BV_FS_WRITE, 9, false },
		{ "%h/x", BV_FS_READ | BV_FS_EXEC, 10, false },
		{ "/h", BV_FS_HIDE, 11, true },
		{ "/r2", BV_FS_READ, 12, true },
		{ "/r", BV_FS_READ | BV_FS_WRITE, 13, false },
		{ "~", BV_FS_HIDE, 14, false },
	};
	struct parsed p;
	const struct bv_policy *q =
		good(&p, MAGIC USER "[network]\naccess = open\n"
				    "[filesystem]\nbase = none\n"
				    "read = /r\nwrite = ~/w\nexec = %h/x\n"
				    "hide = -/h\nread = -/r2\nwrite = /r\n"
				    "hide = ~\n[expose]\nread = /e\n"
				    "write = -~/f -> /mnt/f\n");

	(void)state;
	assert_int_equal(q->base, BV_BASE_NONE);
	assert_int_equal(q->fs_n, BV_LEN(want));
	for (size_t i = 0; i < BV_LEN(want); i++) {
		assert_string_equal(q->fs[i].path, want[i].path);
		assert_int_equal(q->fs[i].rights, want[i].rights);
		assert_int_equal(q->fs[i].line, want[i].line);
		assert_int_equal(q->fs[i].optional, want[i].optional);
	}
	assert_int_equal(q->expose_n, 2);
	assert_string_equal(q->expose[0].source, "/e");
	assert_string_equal(q->expose[0].dest, "/e");
	assert_false(q->expose[0].write || q->expose[0].optional);
	assert_string_equal(q->expose[1].source, "~/f");
	assert_string_equal(q->expose[1].dest, "/mnt/f");
	assert_true(q->expose[1].write);
	assert_true(q->expose[1].optional);
	done(&p);
}

static void test_policy__network_list__rules(void **state)
{
	static const struct bv_net_rule want[] = {
		{ "host.example", "tcp", 443, 8 },
		{ "10.0.0.0/8", "udp", 53, 9 },
		{ "::1", "tcp", 0, 10 },
		{ "*", "tcp", 65535, 11 },
	};
	struct parsed p;
	const struct bv_policy *q =
		good(&p, MAGIC USER "[filesystem]\nbase = minimal\n"
				    "[network]\naccess = list\n"
				    "allow = tcp host.example 443\n"
				    "allow = udp\t10.0.0.0/8  53\n"
				    "allow = tcp ::1 *\n"
				    "allow = tcp * 65535\n");

	(void)state;
	assert_int_equal(q->base, BV_BASE_MINIMAL);
	assert_int_equal(q->network, BV_NETWORK_LIST);
	assert_int_equal(q->net_n, BV_LEN(want));
	for (size_t i = 0; i < BV_LEN(want); i++) {
		assert_string_equal(q->net[i].host, want[i].host);
		assert_string_equal(q->net[i].proto, want[i].proto);
		assert_int_equal(q->net[i].port, want[i].port);
		assert_int_equal(q->net[i].line, want[i].line);
	}
	done(&p);
	/* an empty list is legal, and is not deny */
	q = good(&p, MAGIC USER "[filesystem]\nbase = none\n"
				"[network]\naccess = list\n");
	assert_int_equal(q->network, BV_NETWORK_LIST);
	assert_int_equal(q->net_n, 0);
	done(&p);
}

static void test_policy__small_sections__taken(void **state)
{
	struct parsed p;
	const struct bv_policy *q = good(
		&p, HEAD "[workload]\nkind = process\n[spawn]\npolicy = threads\n"
			 "[temp]\nprivate = no\n[fds]\npolicy = only\n"
			 "keep = 3\nkeep = 1023\n[evidence]\n"
			 "require = resource-usage\nrequire = process-tree\n"
			 "[session]\nno_new_privs = no\ncapture = yes\n");

	(void)state;
	assert_int_equal(q->workload, BV_WORKLOAD_PROCESS);
	assert_int_equal(q->spawn, BV_SPAWN_THREADS);
	assert_int_equal(q->spawn_line, 11);
	assert_false(q->temp_private);
	assert_int_equal(q->temp_line, 13);
	assert_int_equal(q->fds, BV_FDS_ONLY);
	assert_int_equal(q->fds_line, 15);
	assert_int_equal(q->fds_keep_n, 2);
	assert_int_equal(q->fds_keep[0], 3);
	assert_int_equal(q->fds_keep[1], 1023);
	assert_int_equal(q->evidence, BV_EV_BIT(BV_EV_RESOURCE_USAGE) |
					      BV_EV_BIT(BV_EV_PROCESS_TREE));
	assert_int_equal(q->evidence_line, 19);
	assert_false(q->no_new_privs);
	assert_true(q->capture_streams);
	assert_false(q->capture_input || q->capture_goes_on);
	assert_int_equal(q->capture_max, BV_CAPTURE_MAX);
	assert_int_equal(q->capture_line, 23);
	done(&p);
	q = good(&p, HEAD "[session]\ncapture = all\ncapture_max = 64K\n"
			  "capture_full = go-on\n");
	assert_true(q->capture_streams && q->capture_input);
	assert_true(q->capture_goes_on);
	assert_int_equal(q->capture_max, 65536);
	done(&p);
	q = good(&p, HEAD "[session]\ncapture = output\ncapture_full = end\n");
	assert_true(q->capture_streams);
	assert_false(q->capture_input || q->capture_goes_on);
	done(&p);
	q = good(&p, HEAD "[spawn]\npolicy = none\n[fds]\npolicy = none\n"
			  "[temp]\nprivate = yes\n[session]\ncapture = no\n");
	assert_int_equal(q->spawn, BV_SPAWN_NONE);
	assert_int_equal(q->fds, BV_FDS_NONE);
	assert_true(q->temp_private);
	assert_false(q->capture_streams);
	done(&p);
	q = good(&p, HEAD "[fds]\npolicy = only\n"); /* keeps none */
	assert_int_equal(q->fds, BV_FDS_ONLY);
	assert_int_equal(q->fds_keep_n, 0);
	done(&p);
	/* empty sections that need nothing */
	good(&p, HEAD "[policy]\n[spawn]\n[temp]\n[budget]\n[evidence]\n"
		      "[session]\n[expose]\n[workload]\n");
	done(&p);
}

static void test_policy__budget__units_guarantee_evidence(void **state)
{
	static const struct bv_budget_request want[BV_DIM_N] = {
		[BV_DIM_WALL] = { true, UINT64_C(43200000000), BV_ENFORCED, 0,
				  9 },
		[BV_DIM_CPU] = { true, 1500000, BV_MEDIATED, 0, 10 },
		[BV_DIM_MEMORY] = { true, UINT64_C(1) << 30, BV_ENFORCED,
				    BV_EV_BIT(BV_EV_RESOURCE_USAGE), 11 },
		[BV_DIM_PROCESSES] = { true, 64, BV_MEDIATED,
				       BV_EV_BIT(BV_EV_RESOURCE_USAGE) |
					       BV_EV_BIT(BV_EV_PROCESS_TREE),
				       12 },
		[BV_DIM_HANDLES] = { true, 0, BV_ENFORCED, 0, 13 },
		[BV_DIM_STORAGE] = { true, 262144, BV_ENFORCED, 0, 14 },
		[BV_DIM_NETWORK] = { true, 1, BV_MEDIATED, 0, 15 },
	};
	struct parsed p;
	const struct bv_policy *q =
		good(&p, HEAD
		     "[budget]\nwall = 12h enforced\ncpu = 1500ms mediated\n"
		     "memory = 1G evidence=resource-usage\n"
		     "processes = 64 evidence=resource-usage \tmediated "
		     "evidence=process-tree\nhandles = 0\n"
		     "storage = 256K\nnetwork = 1 mediated\n");

	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		assert_true(q->budget[d].stated);
		assert_true(q->budget[d].limit == want[d].limit);
		assert_int_equal(q->budget[d].guarantee, want[d].guarantee);
		assert_int_equal(q->budget[d].evidence, want[d].evidence);
		assert_int_equal(q->budget[d].line, want[d].line);
	}
	done(&p);
	/* every evidence there is, once */
	q = good(&p, HEAD "[budget]\nprocesses = 2147483647 enforced "
			  "evidence=terminal-outcome evidence=captured-streams "
			  "evidence=resource-usage evidence=allowed-actions "
			  "evidence=denied-attempts evidence=filesystem-delta "
			  "evidence=process-tree evidence=network-activity "
			  "evidence=artifact-lineage "
			  "evidence=mechanism-attestation\n");
	assert_int_equal(q->budget[BV_DIM_PROCESSES].evidence,
			 BV_EV_BIT(BV_EV_N) - 1);
	done(&p);
}

static void test_policy__environment__in_file_order(void **state)
{
	static const struct bv_env_rule want[] = {
		{ "PATH", "/bin:/usr/bin", false, 10 },
		{ "path", "x", false, 11 },
		{ "TOKEN", "vault/token=1", true, 12 },
		{ "EMPTY", "", false, 13 },
		{ "A", "b = c", false, 14 },
		{ "\xc3\xa4.-", "1", false, 15 },
	};
	struct parsed p;
	const struct bv_policy *q =
		good(&p, HEAD "[environment]\npolicy = exact\n"
			      "set = PATH=/bin:/usr/bin\nset = path=x\n"
			      "lease = TOKEN=vault/token=1\nset = EMPTY=\n"
			      "set = A=b = c\nset = \xc3\xa4.-=1\n");

	(void)state;
	assert_true(q->env_exact);
	assert_int_equal(q->env_line, 9);
	assert_int_equal(q->env_n, BV_LEN(want));
	for (size_t i = 0; i < BV_LEN(want); i++) {
		assert_string_equal(q->env[i].name, want[i].name);
		assert_string_equal(q->env[i].value, want[i].value);
		assert_int_equal(q->env[i].is_lease, want[i].is_lease);
		assert_int_equal(q->env[i].line, want[i].line);
	}
	done(&p);
	q = good(&p, HEAD "[environment]\npolicy = exact\n"); /* empty one */
	assert_true(q->env_exact);
	assert_int_equal(q->env_n, 0);
	done(&p);
}

static void test_policy__no_boundary__two_sections(void **state)
{
	static const char *const actions[] = { "refuse", "exempt" };
	struct parsed p;

	(void)state;
	for (size_t a = 0; a < BV_LEN(actions); a++) {
		for (unsigned int s = 0; s < BV_SECTION_N; s++) {
			const char *name = bv_section_name((enum bv_section)s);
			char text[256], says[256];

			if (s == BV_SECTION_POLICY || s == BV_SECTION_MATCH)
				continue;
			snprintf(text, sizeof(text),
				 MAGIC "[%s]\n[policy]\naction = %s\n" USER,
				 name, actions[a]);
			snprintf(says, sizeof(says),
				 "p.conf:2: [%s]: a policy with action = %s "
				 "has no boundary; only [policy] and [match]",
				 name, actions[a]);
			parse(&p, text);
			assert_true(p.policy.broken);
			assert_true(p.policy.match_known);
			assert_string_equal(p.policy.error.msg, says);
			done(&p);
		}
	}
	good(&p, MAGIC USER "[policy]\naction = refuse\n");
	assert_int_equal(p.policy.action, BV_ACTION_REFUSE);
	done(&p);
	good(&p, MAGIC "[policy]\naction = exempt\n" USER);
	assert_int_equal(p.policy.action, BV_ACTION_EXEMPT);
	done(&p);
}

static void test_policy__names__255_bytes(void **state)
{
	char name[300], text[512];
	struct parsed p;

	(void)state;
	memset(name, 'n', sizeof(name));
	for (int len = 254; len <= 256; len++) {
		snprintf(text, sizeof(text),
			 MAGIC "[match]\nuser = %.*s\n" BOUNDARY, len, name);
		parse(&p, text);
		assert_int_equal(p.policy.broken, len > 255);
		if (len > 255)
			assert_string_equal(p.policy.error.msg,
					    "p.conf:3: [match] user: a name "
					    "over 255 bytes");
		done(&p);
	}
}

/* Every amount of memory but enough: no memory, never another meaning. */
static void test_policy__arena_full__never_half_a_policy(void **state)
{
	static const char text[] =
		MAGIC "[match]\nuser = alice\n[filesystem]\nbase = none\n"
		      "read = /x\n[network]\naccess = list\n"
		      "allow = tcp host.example 22\n[budget]\n"
		      "processes = 64 mediated evidence=process-tree\n"
		      "[environment]\npolicy = exact\nset = A=1\n"
		      "[fds]\npolicy = only\nkeep = 7\n[expose]\nread = /e\n";
	bool enough = false;

	(void)state;
	for (size_t cap = 0; !enough; cap += 16) {
		struct bv_policy p;
		struct bv_arena arena;
		int code;

		assert_true(cap < ARENA);
		bv_arena_init(&arena, cap);
		code = bv_policy_parse(&arena, "p", "p.conf", text,
				       sizeof(text) - 1, &p);
		if (code != BV_OK) {
			assert_int_equal(code, BV_E_NOMEM);
			bv_arena_done(&arena);
			continue;
		}
		enough = true;
		if (p.broken)
			fail_msg("cap %zu: %s", cap, p.error.msg);
		assert_int_equal(p.budget[BV_DIM_PROCESSES].guarantee,
				 BV_MEDIATED);
		assert_int_equal(p.budget[BV_DIM_PROCESSES].evidence,
				 BV_EV_BIT(BV_EV_PROCESS_TREE));
		assert_int_equal(p.net_n + p.fs_n + p.env_n + p.fds_keep_n +
					 p.expose_n,
				 5);
		bv_arena_done(&arena);
	}
}

/* One byte of a whole policy changed, dropped or doubled: never a crash, and
 * a policy that is whole has kept what makes it one. */
static void mutate(char *text, size_t len, size_t at, unsigned int how)
{
	static const char with[] = "\n[]=!#~%/-\0\xff 9z";

	if (how < sizeof(with) - 1)
		text[at] = with[how];
	else if (how == sizeof(with) - 1)
		memmove(text + at, text + at + 1, len - at - 1);
	else
		memmove(text + at + 1, text + at, len - at - 1);
}

static void test_policy__mutants__whole_or_broken(void **state)
{
	static const char text[] =
		MAGIC "[policy]\naction = confine\npriority = 7\n[match]\n"
		      "user = alice\ngroup = !x\nrhost = 10.0.0.0/8\n"
		      "[filesystem]\nbase = system\nwrite = ~\nread = %h/a\n"
		      "[network]\naccess = list\nallow = tcp h 22\n"
		      "[budget]\nwall = 1h enforced evidence=process-tree\n"
		      "[environment]\npolicy = exact\nset = A=1\n";
	const size_t len = sizeof(text) - 1;
	size_t whole = 0, broken = 0;
	char copy[sizeof(text)];

	(void)state;
	for (size_t at = 0; at < len; at++) {
		for (unsigned int how = 0; how < 18; how++) {
			struct parsed p;

			memcpy(copy, text, sizeof(text));
			mutate(copy, len, at, how);
			parse_bytes(&p, copy, len);
			if (p.policy.broken) {
				broken++;
				assert_int_equal(strncmp(p.policy.error.msg,
							 "p.conf:", 7),
						 0);
			} else {
				whole++;
				assert_true(p.policy.match_known);
				assert_true(p.policy.match.user.n +
						    p.policy.match.group.n >
					    0);
				assert_int_equal(
					strncmp(copy, MAGIC, strlen(MAGIC)), 0);
			}
			done(&p);
		}
	}
	assert_true(whole > 100);
	assert_true(broken > 1000);
}

static void test_policy__names_of_words__never_null(void **state)
{
	(void)state;
	assert_string_equal(bv_action_name(BV_ACTION_EXEMPT), "exempt");
	assert_string_equal(bv_base_name(BV_BASE_MINIMAL), "minimal");
	assert_string_equal(bv_network_name(BV_NETWORK_LIST), "list");
	assert_string_equal(bv_spawn_name(BV_SPAWN_NONE), "none");
	assert_string_equal(bv_workload_name(BV_WORKLOAD_WASM), "wasm");
	assert_string_equal(bv_action_name((enum bv_action)77), "?");
	assert_string_equal(bv_base_name((enum bv_base)77), "?");
	assert_string_equal(bv_section_name(BV_SECTION_N), "?");
}

/* A key that is in the table but cannot be written is a mistake of ours. */
static void test_policy__keys__unique_in_their_section(void **state)
{
	(void)state;
	for (size_t i = 0; i < bv_policy_keys_n; i++) {
		const struct bv_key_row *row = &bv_policy_keys[i];
		enum bv_section section = BV_SECTION_N;

		assert_non_null(row->set);
		assert_ptr_equal(bv_policy_key(row->section, row->key), row);
		assert_true(bv_section_from_name(bv_section_name(row->section),
						 &section));
		assert_int_equal(section, row->section);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__least__defaults),
		cmocka_unit_test(test_policy__head_and_match__taken),
		cmocka_unit_test(test_policy__filesystem__rights_order_lines),
		cmocka_unit_test(test_policy__network_list__rules),
		cmocka_unit_test(test_policy__small_sections__taken),
		cmocka_unit_test(test_policy__budget__units_guarantee_evidence),
		cmocka_unit_test(test_policy__environment__in_file_order),
		cmocka_unit_test(test_policy__no_boundary__two_sections),
		cmocka_unit_test(test_policy__names__255_bytes),
		cmocka_unit_test(test_policy__arena_full__never_half_a_policy),
		cmocka_unit_test(test_policy__mutants__whole_or_broken),
		cmocka_unit_test(test_policy__names_of_words__never_null),
		cmocka_unit_test(test_policy__keys__unique_in_their_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
