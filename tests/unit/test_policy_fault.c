/* SPDX-License-Identifier: MIT */
/* Faults of a policy file: the words for each, and that they leave it known
 * whom the file means. */
#include "tests/unit/policy_fixture.h"

/* Faults that leave it known whom the file means. */
static void test_policy__fault_elsewhere__match_known(void **state)
{
	static const struct fault faults[] = {
		{ MAGIC USER "[network]\naccess = deny\n",
		  "p.conf:1: [filesystem] base is missing; one of: system, "
		  "minimal, none" },
		{ MAGIC USER "[filesystem]\nread = /x\n[network]\n"
			     "access = deny\n",
		  "p.conf:4: [filesystem] base is missing; one of: system, "
		  "minimal, none" },
		{ MAGIC USER "[filesystem]\nbase = none\n",
		  "p.conf:1: [network] access is missing; one of: deny, list, "
		  "open" },
		{ MAGIC USER "[filesystem]\nbase = none\n[network]\n"
			     "allow = tcp h 1\n",
		  "p.conf:6: [network] access is missing; one of: deny, list, "
		  "open" },
		{ HEAD "[environment]\nset = A=1\n",
		  "p.conf:8: [environment] policy is missing; one of: exact" },
		{ HEAD "[fds]\nkeep = 3\n",
		  "p.conf:8: [fds] policy is missing; one of: none, only" },
		{ HEAD "[fds]\npolicy = none\nkeep = 3\n",
		  "p.conf:10: [fds] keep: only with policy = only" },
		{ HEAD "allow = tcp h 1\n",
		  "p.conf:8: [network] allow: only with access = list" },
		{ HEAD "acess = deny\n", "p.conf:8: unknown key 'acess' in "
					 "[network]; did you mean 'access'?" },
		{ HEAD "ports = 1\n", "p.conf:8: unknown key 'ports' in "
				      "[network]; known: access, allow" },
		{ HEAD "user = bob\n", "p.conf:8: unknown key 'user' in "
				       "[network]; known: access, allow" },
		{ HEAD "access = deny\n", "p.conf:8: [network] access: stands "
					  "at line 7 already" },
		{ HEAD "junk\n", "p.conf:8: neither [section] nor key = "
				 "value" },
		{ HEAD "Key = x\n", "p.conf:8: a key is a word of small "
				    "letters and _" },
		{ IN("workload", "kind = Wasm"),
		  "p.conf:9: [workload] kind: 'Wasm' is not one of: process, "
		  "wasm" },
		{ IN("workload", "kind ="),
		  "p.conf:9: [workload] kind: no value" },
		{ IN("workload", "kind = wasm"),
		  "p.conf:5: [filesystem] base: a wasm session needs none of "
		  "the system's files; set none" },
		{ FS("[workload]\nkind = wasm\n[session]\nshell = /bin/sh"),
		  "p.conf:11: [session] shell: a wasm session has bvisor-wasm "
		  "and no other" },
		{ IN("spawn", "policy = fork"),
		  "p.conf:9: [spawn] policy: 'fork' is not one of: "
		  "descendants, threads, none" },
		{ IN("temp", "private = true"),
		  "p.conf:9: [temp] private: 'true' is not one of: no, yes" },
		{ IN("session", "no_new_privs = 1"),
		  "p.conf:9: [session] no_new_privs: '1' is not one of: no, "
		  "yes" },
		{ IN("session", "capture = maybe"),
		  "p.conf:9: [session] capture: 'maybe' is not one of: no, "
		  "yes, output, all" },
		{ IN("session", "capture = output\ncapture_max = 65535"),
		  "p.conf:10: [session] capture_max: '65535' is not a size of "
		  "64K or more" },
		{ IN("session", "capture = output\ncapture_max = 16777216T"),
		  "p.conf:10: [session] capture_max: '16777216T' is not a size "
		  "of 64K or more" },
		{ IN("session", "capture = output\ncapture_full = stop"),
		  "p.conf:10: [session] capture_full: 'stop' is not one of: "
		  "end, go-on" },
		{ IN("session", "capture_max = 1M"),
		  "p.conf:9: [session] capture_max: only with capture = output "
		  "or all" },
		{ IN("session", "capture = no\ncapture_full = end"),
		  "p.conf:10: [session] capture_full: only with capture = "
		  "output or all" },
		{ IN("fds", "policy = all"),
		  "p.conf:9: [fds] policy: 'all' is not one of: none, only" },
		{ IN("fds", "keep = 2"),
		  "p.conf:9: [fds] keep: '2' is not a descriptor from 3 to "
		  "1023" },
		{ IN("fds", "keep = 1024"),
		  "p.conf:9: [fds] keep: '1024' is not a descriptor from 3 to "
		  "1023" },
		{ IN("fds", "keep = 03"),
		  "p.conf:9: [fds] keep: '03' is not a descriptor from 3 to "
		  "1023" },
		{ IN("fds", "keep = 3\nkeep = 3"),
		  "p.conf:10: [fds] keep: '3' stands at line 9 already" },
		{ IN("evidence", "require = proof"),
		  "p.conf:9: [evidence] require: 'proof' is not one of: "
		  "terminal-outcome, captured-streams, resource-usage, "
		  "allowed-actions, denied-attempts, filesystem-delta, "
		  "process-tree, network-activity, artifact-lineage, "
		  "mechanism-attestation" },
		{ IN("evidence", "require = process-tree Kil"),
		  "p.conf:9: [evidence] require: 'process-tree Kil' is not a "
		  "claim, or a claim and the name of one requirement" },
		{ IN("evidence", "require = process-tree Kill Kill"),
		  "p.conf:9: [evidence] require: 'process-tree Kill Kill' is "
		  "not a claim, or a claim and the name of one requirement" },
		{ IN("evidence", "require = process-tree Kill\n"
				 "require = process-tree  Kill"),
		  "p.conf:10: [evidence] require: 'process-tree' twice" },
		{ IN("evidence", "require = process-tree\n"
				 "require = process-tree"),
		  "p.conf:10: [evidence] require: 'process-tree' stands at "
		  "line 9 already" },
		{ FS("hide = /"),
		  "p.conf:8: [filesystem] hide: '/' is all there is; name the "
		  "directories below it (nothing is granted that no line "
		  "names)" },
		{ FS("hide = /home\nhide = -/.//."),
		  "p.conf:9: [filesystem] hide: '/.//.' is all there is; name "
		  "the directories below it (nothing is granted that no line "
		  "names)" },
		{ IN("expose", "read = /usr ->"),
		  "p.conf:9: [expose] read: '/usr ->' has no path behind "
		  "'->'" },
		{ IN("expose", "write = /usr\t->"),
		  "p.conf:9: [expose] write: '/usr\t->' has no path behind "
		  "'->'" },
		{ IN("expose", "read = /usr -> ->"),
		  "p.conf:9: [expose] read: '/usr -> ->' has no path behind "
		  "'->'" },
		{ IN("expose", "read = srv"),
		  "p.conf:9: [expose] read: 'srv' does not begin with '/', "
		  "'~' or '%h'" },
		{ IN("expose", "read = /a\nread = /a"),
		  "p.conf:10: [expose] read: '/a' stands at line 9 already" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), true);
}

static void test_policy__paths_and_rules__faults(void **state)
{
	static const struct fault faults[] = {
		{ FS("base = none"), "p.conf:8: [filesystem] base: stands at "
				     "line 7 already" },
		{ MAGIC USER "[filesystem]\nbase = all\n",
		  "p.conf:5: [filesystem] base: 'all' is not one of: system, "
		  "minimal, none" },
		{ FS("read = x"), "p.conf:8: [filesystem] read: 'x' does not "
				  "begin with '/', '~' or '%h'" },
		{ FS("read = %u/x"), "p.conf:8: [filesystem] read: '%u/x' does "
				     "not begin with '/', '~' or '%h'" },
		{ FS("read = -"), "p.conf:8: [filesystem] read: '-' does not "
				  "begin with '/', '~' or '%h'" },
		{ FS("read = - /x"), "p.conf:8: [filesystem] read: '- /x' does "
				     "not begin with '/', '~' or '%h'" },
		{ FS("read = --/x"), "p.conf:8: [filesystem] read: '--/x' does "
				     "not begin with '/', '~' or '%h'" },
		{ FS("read = !/x"), "p.conf:8: [filesystem] read: '!/x' does "
				    "not begin with '/', '~' or '%h'" },
		{ FS("read ="), "p.conf:8: [filesystem] read: no value" },
		{ FS("write = ~bob"), "p.conf:8: [filesystem] write: '~bob': "
				      "'~' stands alone or before '/'" },
		{ FS("write = /a/../b"), "p.conf:8: [filesystem] write: "
					 "'/a/../b': the path holds '..'" },
		{ FS("exec = -/a/.."), "p.conf:8: [filesystem] exec: '-/a/..': "
				       "the path holds '..'" },
		{ FS("hide = /%g"), "p.conf:8: [filesystem] hide: '/%g': "
				    "unknown escape; known: %u %U %h %%" },
		{ FS("hide = /a%"), "p.conf:8: [filesystem] hide: '/a%': '%' "
				    "ends the path; '%%' is one '%'" },
		{ FS("read = /x\nread = /x"),
		  "p.conf:9: [filesystem] read: '/x' stands at line 8 "
		  "already" },
		{ NET("allow = tcp h"), "p.conf:8: [network] allow: wants "
					"three words: tcp|udp HOST PORT|*" },
		{ NET("allow = tcp h 1 2"),
		  "p.conf:8: [network] allow: wants three words: tcp|udp HOST "
		  "PORT|*" },
		{ NET("allow = sctp h 1"), "p.conf:8: [network] allow: 'sctp' "
					   "is not one of: tcp, udp" },
		{ NET("allow = TCP h 1"), "p.conf:8: [network] allow: 'TCP' "
					  "is not one of: tcp, udp" },
		{ NET("allow = tcp h 0"), "p.conf:8: [network] allow: '0' is "
					  "not a port from 1 to 65535 or "
					  "'*'" },
		{ NET("allow = tcp h 65536"),
		  "p.conf:8: [network] allow: '65536' is not a port from 1 to "
		  "65535 or '*'" },
		{ NET("allow = tcp h ssh"),
		  "p.conf:8: [network] allow: 'ssh' is not a port from 1 to "
		  "65535 or '*'" },
		{ NET("allow = tcp 10.0.0.1/8 1"),
		  "p.conf:8: [network] allow: '10.0.0.1/8' is not an address, "
		  "CIDR (host bits zero), host name or '*'" },
		{ NET("allow = tcp 10.0.0 1"),
		  "p.conf:8: [network] allow: '10.0.0' is not an address, "
		  "CIDR (host bits zero), host name or '*'" },
		{ NET("allow = tcp *.example 1"),
		  "p.conf:8: [network] allow: '*.example' is not an address, "
		  "CIDR (host bits zero), host name or '*'" },
		{ NET("allow = tcp a..b 1"),
		  "p.conf:8: [network] allow: 'a..b' is not an address, CIDR "
		  "(host bits zero), host name or '*'" },
		{ NET("allow = a b c d e f g h i j k l m"),
		  "p.conf:8: [network] allow: more than 12 words" },
		{ NET("allow = tcp h 1\nallow = tcp h 1"),
		  "p.conf:9: [network] allow: 'tcp h 1' stands at line 8 "
		  "already" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), true);
}

static void test_policy__budget__faults(void **state)
{
	static const struct fault faults[] = {
		{ IN("budget", "wall = 10"),
		  "p.conf:9: [budget] wall: '10' is not a duration (us, ms, s, "
		  "min, h, d)" },
		{ IN("budget", "cpu = 1m"),
		  "p.conf:9: [budget] cpu: '1m' is not a duration (us, ms, s, "
		  "min, h, d)" },
		{ IN("budget", "memory = 1g"),
		  "p.conf:9: [budget] memory: '1g' is not a size (bytes, or K, "
		  "M, G, T)" },
		{ IN("budget", "storage = -1"),
		  "p.conf:9: [budget] storage: '-1' is not a size (bytes, or "
		  "K, M, G, T)" },
		{ IN("budget", "network = 16777216T"),
		  "p.conf:9: [budget] network: '16777216T' is not a size "
		  "(bytes, or K, M, G, T)" },
		{ IN("budget", "processes = 64K"),
		  "p.conf:9: [budget] processes: '64K' is not a count from 0 "
		  "to 2147483647" },
		{ IN("budget", "handles = 2147483648"),
		  "p.conf:9: [budget] handles: '2147483648' is not a count "
		  "from 0 to 2147483647" },
		{ IN("budget", "processes = enforced"),
		  "p.conf:9: [budget] processes: 'enforced' is not a count "
		  "from 0 to 2147483647" },
		{ IN("budget", "processes = 64 strict"),
		  "p.conf:9: [budget] processes: 'strict' is not one of: "
		  "enforced, mediated, evidence=NAME" },
		{ IN("budget", "processes = 64 unsupported"),
		  "p.conf:9: [budget] processes: 'unsupported' is not one of: "
		  "enforced, mediated, evidence=NAME" },
		{ IN("budget", "processes = 64 enforced mediated"),
		  "p.conf:9: [budget] processes: 'mediated': the guarantee is "
		  "stated already" },
		{ IN("budget", "processes = 64 enforced enforced"),
		  "p.conf:9: [budget] processes: 'enforced': the guarantee is "
		  "stated already" },
		{ IN("budget", "processes = 64 evidence=process-tree "
			       "evidence=process-tree"),
		  "p.conf:9: [budget] processes: 'process-tree' twice" },
		{ IN("budget", "processes = 64 enforced, mediated"),
		  "p.conf:9: [budget] processes: 'enforced,' is not one of: "
		  "enforced, mediated, evidence=NAME" },
		{ IN("budget", "processes = 1\nprocesses = 1"),
		  "p.conf:10: [budget] processes: stands at line 9 already" },
		{ IN("budget", "process = 1"),
		  "p.conf:9: unknown key 'process' in [budget]; did you mean "
		  "'processes'?" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), true);
}

/* The contract's rules, one by one and in their order. */
static void test_policy__environment__faults(void **state)
{
	static const struct fault faults[] = {
		{ ENV("set = A\n"), "p.conf:10: [environment] set: 'A' is not "
				    "NAME=value" },
		{ ENV("lease = A\n"), "p.conf:10: [environment] lease: 'A' is "
				      "not NAME=REF" },
		{ ENV("lease = A=\n"), "p.conf:10: [environment] lease: 'A=' "
				       "names no lease" },
		{ ENV("set = A = 1\n"), "p.conf:10: [environment] set: 'A = 1':"
					" a blank before '='" },
		{ ENV("set = A\tB=1\n"), "p.conf:10: [environment] set: "
					 "'A\tB=1': a blank before '='" },
		{ ENV("set =\n"), "p.conf:10: [environment] set: no value" },
		{ HEAD "[environment]\npolicy = inherit\n",
		  "p.conf:9: [environment] policy: 'inherit' is not one of: "
		  "exact" },
		{ ENV("set = =1\n"), "p.conf:10: [environment] a variable "
				     "without a name" },
		{ ENV("set = A=1\nset = A=1\n"),
		  "p.conf:11: [environment] 'A' stands at line 10 already" },
		{ ENV("set = A=1\nlease = A=x\n"),
		  "p.conf:11: [environment] 'A' stands at line 10 already" },
		/* entry by entry: the earlier entry's fault wins */
		{ ENV("set = A=1\nset = A=2\nset = =1\n"),
		  "p.conf:11: [environment] 'A' stands at line 10 already" },
		{ ENV("set = =1\nset = A=1\nset = A=2\n"),
		  "p.conf:10: [environment] a variable without a name" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), true);
}

/* n variables of value_len bytes each, half of them leases, after
 * the lines in first. */
static void parse_env(struct parsed *p, const char *first, unsigned int n,
		      size_t value_len)
{
	char *text = malloc(BV_CONF_FILE_MAX);
	size_t len = (size_t)snprintf(text, BV_CONF_FILE_MAX, ENV("%s"), first);

	assert_non_null(text);
	for (unsigned int i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, BV_CONF_FILE_MAX - len,
					"%s = V%03u=", i % 2 ? "lease" : "set",
					i);
		assert_true(len + value_len + 2 < BV_CONF_FILE_MAX);
		memset(text + len, 'v', value_len);
		len += value_len;
		text[len++] = '\n';
		text[len] = '\0';
	}
	parse(p, text);
	free(text);
}

static void test_policy__environment__caps(void **state)
{
	struct parsed p;

	(void)state;
	parse_env(&p, "", 256, 1);
	assert_false(p.policy.broken);
	assert_int_equal(p.policy.env_n, 256);
	assert_string_equal(p.policy.env[255].name, "V255");
	done(&p);
	parse_env(&p, "", 257, 1);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:266: [environment] more than 256 "
			    "variables");
	assert_true(p.policy.match_known);
	done(&p);
	parse_env(&p, "", 300, 1); /* the first too many is named */
	assert_int_equal(strncmp(p.policy.error.msg, "p.conf:266:", 11), 0);
	assert_int_equal(p.policy.env_n, 256);
	done(&p);
	/* the count comes before any entry's own fault */
	parse_env(&p, "set = =1\nset = V001=x\n", 255, 1);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:266: [environment] more than 256 "
			    "variables");
	done(&p);
	/* 256 * (4 + 508) bytes is the most; '=' does not count */
	parse_env(&p, "", 256, 508);
	assert_false(p.policy.broken);
	done(&p);
	parse_env(&p, "", 256, 509);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:8: [environment] more than 131072 bytes "
			    "of names and values");
	done(&p);
	/* the sum comes last */
	parse_env(&p, "set = V001=x\n", 255, 600);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:12: [environment] 'V001' stands at line "
			    "10 already");
	done(&p);
}

static void test_policy__rhost__addresses_and_names(void **state)
{
	static const char *const yes[] = {
		"-",
		"!-",
		"10.1.2.3",
		"10.0.0.0/8",
		"::1",
		"2001:db8::/32",
		"host",
		"h-1.example.org",
		"*.example.org",
		"!*.org",
		"3com.com",
		"A.B",
	};
	static const char *const no[] = {
		"*",          "*.",     "10.1.2.3/8", "10.1.2", "10.1.2.3.4",
		"1.2.3.4/33", "*.10.1", "*.*.x",      "a*.x",   "a..b",
		".a",         "a.",     "-a",         "a-",     "a.-b",
		"a_b",        "a b",    "a/24",       "a:22",   "fe80::1%eth0",
		"[::1]",
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < BV_LEN(yes); i++) {
		char text[256];

		snprintf(text, sizeof(text), BAD_MATCH("rhost = %s"), yes[i]);
		good(&p, text);
		done(&p);
	}
	for (size_t i = 0; i < BV_LEN(no); i++) {
		char text[256], says[256];

		snprintf(text, sizeof(text), BAD_MATCH("rhost = %s"), no[i]);
		snprintf(says, sizeof(says),
			 "p.conf:4: [match] rhost: '%s' is not an address, "
			 "CIDR (host bits zero), host name, *.domain or '-'",
			 no[i]);
		parse(&p, text);
		if (!p.policy.broken)
			fail_msg("'%s' is taken", no[i]);
		assert_string_equal(p.policy.error.msg, says);
		assert_false(p.policy.match_known);
		done(&p);
	}
}

static void test_policy__list__128_values(void **state)
{
	char text[16384];
	struct parsed p;

	(void)state;
	for (unsigned int n = 127; n <= 129; n++) {
		int len = snprintf(text, sizeof(text), "%s", FS("hide = /x"));

		for (unsigned int i = 0; i < n; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"read = /%u\nwrite = /%u\n"
					"exec = /%u\n",
					i, i, i);
		parse(&p, text);
		assert_int_equal(p.policy.broken, n > 128);
		assert_int_equal(p.policy.fs_n, 1 + 3 * (n > 128 ? 128 : n));
		if (n > 128)
			assert_string_equal(p.policy.error.msg,
					    "p.conf:393: [filesystem] read: "
					    "more than 128 values");
		done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__fault_elsewhere__match_known),
		cmocka_unit_test(test_policy__paths_and_rules__faults),
		cmocka_unit_test(test_policy__budget__faults),
		cmocka_unit_test(test_policy__environment__faults),
		cmocka_unit_test(test_policy__environment__caps),
		cmocka_unit_test(test_policy__rhost__addresses_and_names),
		cmocka_unit_test(test_policy__list__128_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
