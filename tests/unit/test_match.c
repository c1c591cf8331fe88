/* SPDX-License-Identifier: MIT */
/* Whom a policy means, which of several decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/match.h"

#define TAIL "[filesystem]\nbase = system\n[network]\naccess = open\n"

static const char *const alice_groups[] = { "alice", "staff",
					    "Dom\\all users" };

static const struct bv_subject alice = {
	.user = "alice",
	.uid = 1000,
	.gid = 1000,
	.home = "/home/alice",
	.shell = "/bin/sh",
	.groups = alice_groups,
	.groups_n = BV_LEN(alice_groups),
	.service = "sshd",
	.tty = "pts/3",
	.rhost = "10.1.2.3",
};

static void parse(struct bv_arena *arena, const char *name, const char *text,
		  struct bv_policy *ret)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.conf", name);
	assert_int_equal(
		bv_policy_parse(arena, name, path, text, strlen(text), ret),
		BV_OK);
}

/* Does a policy with these lines of [match] match? */
static bool matches(const char *lines, const struct bv_subject *who)
{
	struct bv_policy policy;
	struct bv_arena arena;
	char text[1024];
	bool got;

	bv_arena_init(&arena, 1u << 20);
	snprintf(text, sizeof(text), "bvisor-policy 1\n[match]\n%s" TAIL,
		 lines);
	parse(&arena, "p", text, &policy);
	if (policy.broken)
		fail_msg("'%s': %s", lines, policy.error.msg);
	got = bv_policy_matches(&policy, who);
	bv_arena_done(&arena);
	return got;
}

static void test_match__lists__hold(void **state)
{
	static const struct {
		const char *lines;
		bool want;
	} cases[] = {
		/* user */
		{ "user = alice\n", true },
		{ "user = bob\n", false },
		{ "user = Alice\n", false },
		{ "user = alic\n", false },
		{ "user = alicee\n", false },
		{ "user = *\n", true },
		{ "user = bob\nuser = alice\n", true },
		{ "user = *\nuser = !alice\n", false },
		{ "user = !alice\nuser = *\n", false },
		{ "user = *\nuser = !bob\n", true },
		{ "user = bob\nuser = !carol\n", false },
		/* group */
		{ "group = staff\n", true },
		{ "group = alice\n", true },
		{ "group = Dom\\all users\n", true },
		{ "group = Dom\\all\n", false },
		{ "group = wheel\n", false },
		{ "group = *\n", true },
		{ "group = wheel\ngroup = staff\n", true },
		{ "group = *\ngroup = !staff\n", false },
		{ "group = staff\ngroup = !alice\n", false },
		{ "group = staff\ngroup = !wheel\n", true },
		/* every stated key must hold */
		{ "user = alice\ngroup = wheel\n", false },
		{ "user = bob\ngroup = staff\n", false },
		{ "user = alice\ngroup = staff\n", true },
		{ "user = !bob\ngroup = staff\n", true },
		{ "user = !alice\ngroup = staff\n", false },
		{ "user = alice\ngroup = !staff\n", false },
		{ "user = alice\ngroup = !wheel\n", true },
		/* service */
		{ "user = *\nservice = sshd\n", true },
		{ "user = *\nservice = ssh\n", false },
		{ "user = *\nservice = login\n", false },
		{ "user = *\nservice = login\nservice = sshd\n", true },
		{ "user = *\nservice = !sshd\n", false },
		{ "user = *\nservice = !login\n", true },
		{ "user = *\nservice = sshd\nservice = !login\n", true },
		/* tty */
		{ "user = *\ntty = pts/3\n", true },
		{ "user = *\ntty = /dev/pts/3\n", true },
		{ "user = *\ntty = pts/*\n", true },
		{ "user = *\ntty = /dev/pts/*\n", true },
		{ "user = *\ntty = *\n", true },
		{ "user = *\ntty = pts/3*\n", true },
		{ "user = *\ntty = pts/33\n", false },
		{ "user = *\ntty = pts\n", false },
		{ "user = *\ntty = tty*\n", false },
		{ "user = *\ntty = !pts/*\n", false },
		{ "user = *\ntty = !tty*\n", true },
		{ "user = *\ntty = pts/*\ntty = !pts/3\n", false },
		/* rhost */
		{ "user = *\nrhost = 10.1.2.3\n", true },
		{ "user = *\nrhost = 10.1.2.4\n", false },
		{ "user = *\nrhost = 10.0.0.0/8\n", true },
		{ "user = *\nrhost = 11.0.0.0/8\n", false },
		{ "user = *\nrhost = !10.0.0.0/8\n", false },
		{ "user = *\nrhost = 10.0.0.0/8\nrhost = !10.1.2.0/24\n",
		  false },
		{ "user = *\nrhost = 10.0.0.0/8\nrhost = !10.1.3.0/24\n",
		  true },
		{ "user = *\nrhost = -\n", false },
		{ "user = *\nrhost = !-\n", true },
		{ "user = *\nrhost = host.example\n", false },
		/* all of them */
		{ "user = alice\ngroup = staff\nservice = sshd\n"
		  "tty = pts/*\nrhost = 10.0.0.0/8\n",
		  true },
		{ "user = alice\ngroup = staff\nservice = sshd\n"
		  "tty = pts/*\nrhost = 192.0.2.0/24\n",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		if (matches(cases[i].lines, &alice) != cases[i].want)
			fail_msg("'%s' not %d", cases[i].lines, cases[i].want);
	}
}

static void test_match__tty__prefix_of_either_is_stripped(void **state)
{
	struct bv_subject who = alice;

	(void)state;
	who.tty = "/dev/tty1";
	assert_true(matches("user = *\ntty = tty1\n", &who));
	assert_true(matches("user = *\ntty = /dev/tty1\n", &who));
	assert_true(matches("user = *\ntty = tty*\n", &who));
	assert_false(matches("user = *\ntty = tty2\n", &who));
	who.tty = "";
	assert_false(matches("user = *\ntty = tty*\n", &who));
	assert_true(matches("user = *\ntty = *\n", &who));
	assert_true(matches("user = *\ntty = !tty*\n", &who));
	who.tty = "ssh";
	assert_true(matches("user = *\ntty = ssh\n", &who));
}

static void test_match__no_groups__group_star_still_holds(void **state)
{
	struct bv_subject who = alice;

	(void)state;
	who.groups = NULL;
	who.groups_n = 0;
	assert_false(matches("group = staff\n", &who));
	assert_true(matches("group = *\n", &who));
	assert_true(matches("user = *\ngroup = !staff\n", &who));
}

static void test_match__rhost__names_and_local(void **state)
{
	static const struct {
		const char *rhost, *value;
		bool want;
	} cases[] = {
		{ "", "-", true },
		{ "", "!-", false },
		{ "", "0.0.0.0/0", false },
		{ "", "::/0", false },
		{ "", "!10.0.0.0/8", true },
		{ "", "*.example", false },
		{ "h.example", "h.example", true },
		{ "H.Example", "h.eXample", true },
		{ "h.example", "example", false },
		{ "h.example", "*.example", true },
		{ "a.h.example", "*.example", true },
		{ "A.H.EXAMPLE", "*.example", true },
		{ "example", "*.example", false },
		{ ".example", "*.example", false },
		{ "badexample", "*.example", false },
		{ "h.example.org", "*.example", false },
		{ "h.example", "!*.example", false },
		{ "h.example", "10.0.0.0/8", false },
		{ "h.example", "-", false },
		{ "2001:db8::1", "2001:db8::/32", true },
		{ "2001:db8::1", "2001:DB8:0:0::1", true },
		{ "2001:db9::1", "2001:db8::/32", false },
		{ "::ffff:10.1.2.3", "10.0.0.0/8", true },
		{ "fe80::1%eth0", "fe80::/10", true },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_subject who = alice;
		char lines[128];

		who.rhost = cases[i].rhost;
		snprintf(lines, sizeof(lines), "user = *\nrhost = %s\n",
			 cases[i].value);
		if (matches(lines, &who) != cases[i].want)
			fail_msg("'%s' and '%s'", who.rhost, cases[i].value);
	}
}

static void test_match__uid_0__only_by_its_own_name(void **state)
{
	static const char *const groups[] = { "root", "staff" };
	static const struct {
		const char *user, *lines;
		bool want;
	} cases[] = {
		{ "root", "user = root\n", true },
		{ "root", "user = *\nuser = root\n", true },
		{ "root", "user = root\ngroup = staff\n", true },
		{ "root", "user = root\ngroup = wheel\n", false },
		{ "root", "user = root\nservice = login\n", false },
		{ "root", "user = *\n", false },
		{ "root", "group = root\n", false },
		{ "root", "group = *\n", false },
		{ "root", "user = *\ngroup = root\n", false },
		{ "root", "user = *\nuser = !bob\n", false },
		{ "root", "group = *\nuser = !root\n", false },
		{ "toor", "user = root\n", false }, /* another name of uid 0 */
		{ "toor", "user = toor\n", true },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_subject who = alice;

		who.user = cases[i].user;
		who.uid = 0;
		who.gid = 0;
		who.groups = groups;
		who.groups_n = BV_LEN(groups);
		if (matches(cases[i].lines, &who) != cases[i].want)
			fail_msg("%s and '%s'", who.user, cases[i].lines);
		/* the positive control: the number makes the difference */
		who.uid = 1;
		if (strchr(cases[i].lines, '*') == NULL || cases[i].want)
			continue;
		if (strstr(cases[i].lines, "!root") == NULL)
			assert_true(matches(cases[i].lines, &who));
	}
}

/* --- broken files ------------------------------------------------------------ */

static void test_match__broken__refuses_whom_it_could_mean(void **state)
{
	static const struct {
		const char *text;
		bool known, alice, root;
	} cases[] = {
		/* known: a fault elsewhere, [match] decides */
		{ "bvisor-policy 1\n[match]\nuser = alice\n[network]\nx = y\n",
		  true, true, false },
		{ "bvisor-policy 1\n[match]\nuser = bob\n[network]\nx = y\n",
		  true, false, false },
		{ "bvisor-policy 1\n[network]\nx = y\n[match]\nuser = bob\n",
		  true, false, false },
		{ "bvisor-policy 1\n[match]\nuser = root\n[network]\nx = y\n",
		  true, false, true },
		{ "bvisor-policy 1\n[match]\nuser = *\nuser = !alice\n"
		  "[network]\nx = y\n",
		  true, false, false },
		/* unknown: everybody but uid 0 */
		{ "bvisor-policy 1\n[match]\nuser = bob\nusr = eve\n", false,
		  true, false },
		{ "bvisor-policy 1\n[match]\nuser = root\nusr = eve\n", false,
		  true, false },
		{ "bvisor-policy 2\n[match]\nuser = bob\n", false, true,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_subject root = alice;
		const struct bv_policy *ret = NULL;
		struct bv_policy policy;
		struct bv_arena arena;

		root.user = "root";
		root.uid = 0;
		bv_arena_init(&arena, 1u << 20);
		parse(&arena, "p", cases[i].text, &policy);
		assert_true(policy.broken);
		if (policy.match_known != cases[i].known ||
		    bv_policy_matches(&policy, &alice) != cases[i].alice ||
		    bv_policy_matches(&policy, &root) != cases[i].root)
			fail_msg("case %zu", i);
		assert_int_equal(bv_match(&policy, 1, &alice, &ret),
				 cases[i].alice ? BV_MATCH_BROKEN
						: BV_MATCH_NONE);
		assert_ptr_equal(ret, cases[i].alice ? &policy : NULL);
		bv_arena_done(&arena);
	}
}

static void test_match__unreadable_file__stands_for_everybody(void **state)
{
	struct bv_err why = { .code = BV_E_CONF, .msg = "x.conf: not root's" };
	struct bv_subject root = alice;
	struct bv_policy policy;

	(void)state;
	memset(&policy, 0x5a, sizeof(policy));
	bv_policy_init_broken(&policy, "x", "x.conf", &why);
	assert_true(policy.broken);
	assert_false(policy.match_known);
	assert_string_equal(policy.error.msg, "x.conf: not root's");
	assert_string_equal(policy.name, "x");
	assert_string_equal(policy.path, "x.conf");
	assert_true(bv_policy_matches(&policy, &alice));
	root.uid = 0;
	root.user = "root";
	assert_false(bv_policy_matches(&policy, &root));
}

/* --- order ------------------------------------------------------------------- */

struct entry {
	const char *name;
	unsigned int priority;
	const char *user; /* NULL: the file is broken and unknown */
	bool broken;      /* known, but of no use */
};

static void build(struct bv_arena *arena, const struct entry *e, size_t n,
		  struct bv_policy *ret)
{
	for (size_t i = 0; i < n; i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "bvisor-policy 1\n[policy]\npriority = %u\n"
			 "[match]\n%s = %s\n" TAIL "%s",
			 e[i].priority, e[i].user ? "user" : "x",
			 e[i].user ? e[i].user : "y",
			 e[i].broken ? "[spawn]\npolicy = x\n" : "");
		parse(arena, e[i].name, text, &ret[i]);
		assert_int_equal(ret[i].broken,
				 e[i].broken || e[i].user == NULL);
		assert_int_equal(ret[i].match_known, e[i].user != NULL);
	}
}

static void test_sort__unknown_then_priority_then_name(void **state)
{
	static const struct entry entries[] = {
		{ "b", 100, "*", false },         { "B", 100, "*", false },
		{ "a", 100, "*", false },         { "10", 100, "*", false },
		{ "9", 100, "*", false },         { "low", 0, "*", false },
		{ "top", 1000, "*", false },      { "zz", 0, NULL, false },
		{ "known", 500, "*", true },      { "aa", 1000, NULL, false },
		{ "a-b", 100, "*", false },       { "a.b", 100, "*", false },
		{ "b\xc3\xa4", 100, "*", false },
	};
	static const char *const want[] = { "aa",  "zz",  "top", "known",
					    "10",  "9",   "B",   "a",
					    "a-b", "a.b", "b",   "b\xc3\xa4",
					    "low" };
	struct bv_policy policies[BV_LEN(entries)];
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	for (size_t turn = 0; turn < BV_LEN(entries); turn++) {
		struct entry turned[BV_LEN(entries)];

		for (size_t i = 0; i < BV_LEN(entries); i++)
			turned[i] = entries[(i + turn) % BV_LEN(entries)];
		build(&arena, turned, BV_LEN(turned), policies);
		bv_policy_sort(policies, BV_LEN(policies));
		for (size_t i = 0; i < BV_LEN(want); i++)
			assert_string_equal(policies[i].name, want[i]);
	}
	bv_policy_sort(policies, 0);
	bv_policy_sort(NULL, 0);
	bv_arena_done(&arena);
}

static void test_match__first_in_order_decides(void **state)
{
	static const struct {
		struct entry e[3];
		enum bv_match_result result;
		const char *name;
	} cases[] = {
		/* priority before name */
		{ { { "a", 1, "*", false },
		    { "b", 2, "alice", false },
		    { "c", 3, "bob", false } },
		  BV_MATCH_POLICY,
		  "b" },
		/* a tie: by name, not by how closely it names the user */
		{ { { "b", 7, "alice", false },
		    { "a", 7, "*", false },
		    { "c", 7, "alice", false } },
		  BV_MATCH_POLICY,
		  "a" },
		/* nobody means alice */
		{ { { "a", 1, "bob", false },
		    { "b", 2, "carol", false },
		    { "c", 3, "dave", true } },
		  BV_MATCH_NONE,
		  NULL },
		/* known broken: in its turn only */
		{ { { "a", 500, "alice", true },
		    { "b", 400, "*", false },
		    { "c", 1, "*", false } },
		  BV_MATCH_BROKEN,
		  "a" },
		{ { { "a", 400, "alice", true },
		    { "b", 500, "*", false },
		    { "c", 1, "*", false } },
		  BV_MATCH_POLICY,
		  "b" },
		{ { { "a", 500, "bob", true },
		    { "b", 400, "*", false },
		    { "c", 1, "*", false } },
		  BV_MATCH_POLICY,
		  "b" },
		/* unknown broken: before everything, whatever it says */
		{ { { "z", 0, NULL, false },
		    { "a", 1000, "alice", false },
		    { "b", 1000, "*", true } },
		  BV_MATCH_BROKEN,
		  "z" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		const struct bv_policy *got = NULL;
		struct bv_policy policies[3];
		struct bv_arena arena;

		bv_arena_init(&arena, 1u << 20);
		build(&arena, cases[i].e, 3, policies);
		bv_policy_sort(policies, 3);
		assert_int_equal(bv_match(policies, 3, &alice, &got),
				 cases[i].result);
		if (cases[i].name == NULL)
			assert_null(got);
		else
			assert_string_equal(got->name, cases[i].name);
		bv_arena_done(&arena);
	}
	assert_int_equal(bv_match(NULL, 0, &alice, NULL), BV_MATCH_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match__lists__hold),
		cmocka_unit_test(test_match__tty__prefix_of_either_is_stripped),
		cmocka_unit_test(test_match__no_groups__group_star_still_holds),
		cmocka_unit_test(test_match__rhost__names_and_local),
		cmocka_unit_test(test_match__uid_0__only_by_its_own_name),
		cmocka_unit_test(
			test_match__broken__refuses_whom_it_could_mean),
		cmocka_unit_test(
			test_match__unreadable_file__stands_for_everybody),
		cmocka_unit_test(test_sort__unknown_then_priority_then_name),
		cmocka_unit_test(test_match__first_in_order_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
