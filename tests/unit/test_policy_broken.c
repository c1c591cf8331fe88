/* SPDX-License-Identifier: MIT */
/* Faults that leave it open whom a policy file means, and what is still read. */
#include "tests/unit/policy_fixture.h"

#define NOBODY                                                                 \
	"[match] names no user and no group: it would match everyone; say "    \
	"user = * if that is meant"

/* Faults that leave it open whom the file means. */
static void test_policy__fault_in_match__unknown(void **state)
{
	static const struct fault faults[] = {
		/* the first line, and what stands before a section */
		{ "", "p.conf:1: the first line must be 'bvisor-policy 1'" },
		{ "bvisor-policy 2\n" USER BOUNDARY,
		  "p.conf:1: the first line must be 'bvisor-policy 1'" },
		{ "#\n" HEAD,
		  "p.conf:1: the first line must be 'bvisor-policy 1'" },
		{ "bvisor-config 1\n" USER BOUNDARY,
		  "p.conf:1: the first line must be 'bvisor-policy 1'" },
		{ MAGIC "user = a\n" USER BOUNDARY,
		  "p.conf:2: 'user' before any [section]" },
		{ MAGIC "junk\n" USER BOUNDARY,
		  "p.conf:2: neither [section] nor key = value" },
		/* sections */
		{ HEAD "[spwan]\npolicy = none\n",
		  "p.conf:8: unknown section [spwan]; did you mean 'spawn'?" },
		{ HEAD "[limits]\nx = y\n",
		  "p.conf:8: unknown section [limits]; known: policy, match, "
		  "workload, filesystem, network, spawn, temp, budget, "
		  "environment, fds, evidence, session, expose, outbox" },
		{ HEAD "[match]\nuser = bob\n",
		  "p.conf:8: [match] stands at line 2 already" },
		{ HEAD "[policy]\n[network]\nx = 1\n[policy]\n",
		  "p.conf:9: [network] stands at line 6 already" },
		{ MAGIC "[policy]\n[nope]\n" USER BOUNDARY,
		  "p.conf:3: unknown section [nope]; known: policy, match, "
		  "workload, filesystem, network, spawn, temp, budget, "
		  "environment, fds, evidence, session, expose, outbox" },
		{ HEAD "[match\n", "p.conf:8: not a [section] line" },
		{ HEAD "[ match ]\n", "p.conf:8: not a [section] line" },
		{ HEAD "match]\n",
		  "p.conf:8: neither [section] nor key = value" },
		{ HEAD "[Match]\n", "p.conf:8: not a [section] line" },
		/* bytes, where a section line may have been damaged */
		{ HEAD "[match]\r\n", "p.conf:8: a carriage return; lines end "
				      "with LF alone" },
		{ HEAD "match\x01]\n", "p.conf:8: a control byte" },
		{ HEAD "\xff[match\n", "p.conf:8: bytes that are not UTF-8" },
		/* and in the two sections, and before any */
		{ BAD_MATCH("# \xe4"), "p.conf:4: bytes that are not UTF-8" },
		{ BAD_MATCH("group = x\r"), "p.conf:4: a carriage return; "
					    "lines end with LF alone" },
		{ MAGIC "[policy]\n# \xe4\n" USER BOUNDARY,
		  "p.conf:3: bytes that are not UTF-8" },
		{ MAGIC "# \xe4\n" USER BOUNDARY,
		  "p.conf:2: bytes that are not UTF-8" },
		/* [policy] */
		{ MAGIC "[policy]\naction = deny\n" USER BOUNDARY,
		  "p.conf:3: [policy] action: 'deny' is not one of: confine, "
		  "refuse, exempt" },
		{ MAGIC "[policy]\npriority = 1001\n" USER BOUNDARY,
		  "p.conf:3: [policy] priority: '1001' is not a number from 0 "
		  "to 1000" },
		{ MAGIC "[policy]\npriority = -1\n" USER BOUNDARY,
		  "p.conf:3: [policy] priority: '-1' is not a number from 0 "
		  "to 1000" },
		{ MAGIC "[policy]\npriority = 1\npriority = 1\n" USER BOUNDARY,
		  "p.conf:4: [policy] priority: stands at line 3 already" },
		{ MAGIC "[policy]\nprio = 1\n" USER BOUNDARY,
		  "p.conf:3: unknown key 'prio' in [policy]; known: "
		  "description, action, priority" },
		{ MAGIC "[policy]\ndescription =\n" USER BOUNDARY,
		  "p.conf:3: [policy] description: no value" },
		{ MAGIC "[policy]\njunk\n" USER BOUNDARY,
		  "p.conf:3: neither [section] nor key = value" },
		/* [match] */
		{ MAGIC BOUNDARY, "p.conf:1: " NOBODY },
		{ MAGIC BOUNDARY "[match]\n", "p.conf:6: " NOBODY },
		{ MAGIC BOUNDARY "[match]\nservice = sshd\n",
		  "p.conf:6: " NOBODY },
		{ MAGIC BOUNDARY "[match]\nuser = !bob\ngroup = !x\n",
		  "p.conf:6: " NOBODY },
		{ BAD_MATCH("users = bob"), "p.conf:4: unknown key 'users' in "
					    "[match]; did you mean 'user'?" },
		{ BAD_MATCH("user = alice"), "p.conf:4: [match] user: 'alice' "
					     "stands at line 3 already" },
		{ BAD_MATCH("user = !alice"), "p.conf:4: [match] user: 'alice' "
					      "stands at line 3 already" },
		{ BAD_MATCH("user ="), "p.conf:4: [match] user: no value" },
		{ BAD_MATCH("user = !"), "p.conf:4: [match] user: no value" },
		{ BAD_MATCH("user = !*"), "p.conf:4: [match] user: '!*' "
					  "matches nobody" },
		{ BAD_MATCH("tty = !*"), "p.conf:4: [match] tty: '!*' "
					 "matches nobody" },
		{ BAD_MATCH("user = ! bob"),
		  "p.conf:4: [match] user: ' bob' is not a name of a user or "
		  "group, or '*' (one value a line)" },
		{ BAD_MATCH("user = !!bob"),
		  "p.conf:4: [match] user: '!bob' is not a name of a user or "
		  "group, or '*' (one value a line)" },
		{ BAD_MATCH("user = bob, eve"),
		  "p.conf:4: [match] user: 'bob, eve' is not a name of a user "
		  "or group, or '*' (one value a line)" },
		{ BAD_MATCH("user = bob*"),
		  "p.conf:4: [match] user: 'bob*' is not a name of a user or "
		  "group, or '*' (one value a line)" },
		{ BAD_MATCH("user = \"bob\""),
		  "p.conf:4: [match] user: '\"bob\"' is not a name of a user "
		  "or group, or '*' (one value a line)" },
		{ BAD_MATCH("group = a/b"),
		  "p.conf:4: [match] group: 'a/b' is not a name of a user or "
		  "group, or '*' (one value a line)" },
		{ BAD_MATCH("group = a\tb"),
		  "p.conf:4: [match] group: 'a\tb' is not a name of a user or "
		  "group, or '*' (one value a line)" },
		{ BAD_MATCH("service = ssh*"),
		  "p.conf:4: [match] service: 'ssh*' is not a PAM service "
		  "name (one value a line)" },
		{ BAD_MATCH("service = *"),
		  "p.conf:4: [match] service: '*' is not a PAM service name "
		  "(one value a line)" },
		{ BAD_MATCH("service = a/b"),
		  "p.conf:4: [match] service: 'a/b' is not a PAM service name "
		  "(one value a line)" },
		{ BAD_MATCH("tty = p*s"),
		  "p.conf:4: [match] tty: 'p*s' is not a terminal such as "
		  "tty1, ssh or pts/* (one value a line)" },
		{ BAD_MATCH("tty = /dev/"),
		  "p.conf:4: [match] tty: '/dev/' is not a terminal such as "
		  "tty1, ssh or pts/* (one value a line)" },
		{ BAD_MATCH("tty = pts/**"),
		  "p.conf:4: [match] tty: 'pts/**' is not a terminal such as "
		  "tty1, ssh or pts/* (one value a line)" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), false);
}

/* Faults behind a [match] that was read whole: they refuse whom it means. */
static void test_policy__fault_elsewhere__match_known(void **state)
{
	static const struct fault faults[] = {
		{ HEAD "[network]\n",
		  "p.conf:8: [network] stands at line 6 already" },
		{ HEAD "[network]\naccess = open\n[policy]\npriority = 7\n",
		  "p.conf:8: [network] stands at line 6 already" },
		{ HEAD "[policy]\n[nope]\nuser = *\n",
		  "p.conf:9: unknown section [nope]; known: policy, match, "
		  "workload, filesystem, network, spawn, temp, budget, "
		  "environment, fds, evidence, session, expose, outbox" },
		{ HEAD "# \x01\n", "p.conf:8: a control byte" },
		{ HEAD "# \xe4\n", "p.conf:8: bytes that are not UTF-8" },
		{ HEAD "allow = \xff\n", "p.conf:8: bytes that are not UTF-8" },
		{ HEAD "allow = x\r\n", "p.conf:8: a carriage return; lines "
					"end with LF alone" },
	};

	(void)state;
	check_faults(faults, BV_LEN(faults), true);
}

/* Reading goes on: the first error stays, [match] is still filled. */
static void test_policy__several_faults__first_kept_match_filled(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, MAGIC "[network]\nacess = x\naccess = y\n[temp]\njunk\n"
			"[policy]\npriority = 700\naction = exempt\n"
			"[match]\nuser = alice\ngroup = !staff\nrhost = -\n"
			"[budget]\nwall = 1\n");
	assert_true(p.policy.broken);
	assert_true(p.policy.match_known);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:3: unknown key 'acess' in [network]; did "
			    "you mean 'access'?");
	assert_int_equal(p.policy.priority, 700);
	assert_int_equal(p.policy.match.user.n, 1);
	assert_int_equal(p.policy.match.group.n, 1);
	assert_true(p.policy.match.group.v[0].negated);
	assert_int_equal(p.policy.match.rhost.n, 1);
	done(&p);
	/* a later fault in [match] takes the knowledge, not the message */
	parse(&p, MAGIC "[network]\nacess = x\n[match]\nuser = a\nuser = ,\n");
	assert_false(p.policy.match_known);
	assert_non_null(strstr(p.policy.error.msg, "p.conf:3:"));
	done(&p);
	/* keys of an unknown section are not counted against the next one */
	parse(&p, MAGIC "[x]\nuser = eve\n[match]\nuser = a\n");
	assert_false(p.policy.match_known);
	assert_int_equal(p.policy.match.user.n, 1);
	assert_string_equal(p.policy.match.user.v[0].text, "a");
	done(&p);
}

static void test_policy__nul__does_not_end_the_file(void **state)
{
	static const char text[] = HEAD "\0\n[spawn]\npolicy = none\n";
	static const char hidden[] = HEAD "\0[match]\nuser = *\n";
	struct parsed p;

	(void)state;
	parse_bytes(&p, text, sizeof(text) - 1);
	assert_string_equal(p.policy.error.msg, "p.conf:8: a control byte");
	assert_true(p.policy.match_known);
	assert_int_equal(p.policy.spawn, BV_SPAWN_NONE); /* it was read */
	done(&p);
	parse_bytes(&p, hidden, sizeof(hidden) - 1);
	assert_string_equal(p.policy.error.msg, "p.conf:8: a control byte");
	assert_false(p.policy.match_known);
	done(&p);
}

static void test_policy__file_size__256k_is_the_last(void **state)
{
	char *text = malloc(BV_CONF_FILE_MAX + 1);
	struct parsed p;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', BV_CONF_FILE_MAX + 1);
	memcpy(text, HEAD, strlen(HEAD));
	parse_bytes(&p, text, BV_CONF_FILE_MAX);
	assert_false(p.policy.broken);
	done(&p);
	parse_bytes(&p, text, BV_CONF_FILE_MAX + 1);
	assert_true(p.policy.broken);
	assert_false(p.policy.match_known);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:1: the file is longer than 262144 bytes");
	done(&p);
	free(text);
}

static void test_policy__line_length__1024_is_the_last(void **state)
{
	char text[4096], path[1100];
	struct parsed p;

	(void)state;
	memset(path, 'x', sizeof(path));
	for (int len = 1023; len <= 1025; len++) {
		/* "read = /" is 8 bytes */
		snprintf(text, sizeof(text), FS("read = /%.*s"), len - 8, path);
		parse(&p, text);
		if (len <= 1024) {
			assert_false(p.policy.broken);
			assert_int_equal(strlen(p.policy.fs[0].path), len - 7);
		} else {
			assert_string_equal(p.policy.error.msg,
					    "p.conf:8: the line is longer "
					    "than 1024 bytes");
			assert_true(p.policy.match_known);
		}
		done(&p);
	}
	/* a section line behind 1024 blanks is one all the same */
	snprintf(text, sizeof(text), HEAD "%1030s[match]\nuser = *\n", "");
	parse(&p, text);
	assert_string_equal(p.policy.error.msg,
			    "p.conf:8: the line is longer than 1024 bytes");
	assert_false(p.policy.match_known);
	done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__fault_in_match__unknown),
		cmocka_unit_test(test_policy__fault_elsewhere__match_known),
		cmocka_unit_test(
			test_policy__several_faults__first_kept_match_filled),
		cmocka_unit_test(test_policy__nul__does_not_end_the_file),
		cmocka_unit_test(test_policy__file_size__256k_is_the_last),
		cmocka_unit_test(test_policy__line_length__1024_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
