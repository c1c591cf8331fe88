/* SPDX-License-Identifier: MIT */
/*
 * What a policy shares with the host, [expose] and [outbox]: grammar and spec.
 */
#include "tests/unit/policy_fixture.h"
#include "tests/unit/share_fixture.h"

/* --- grammar --------------------------------------------------------------- */

#define BOX(lines)                                                             \
	HEAD "[temp]\nprivate = yes\n[budget]\nstorage = 1M\n[outbox]\n" lines \
	     "\n" /* lines from 13 on */

static void test_expose__arrow__source_and_destination(void **state)
{
	static const struct {
		const char *line, *source, *dest;
		bool write, optional;
	} all[] = {
		{ "read = /a", "/a", "/a", false, false },
		{ "write = /a", "/a", "/a", true, false },
		{ "read = -/a -> /b", "/a", "/b", false, true },
		{ "read = /a b ->  /c d", "/a b", "/c d", false, false },
		{ "write = ~/x \t -> %h/y", "~/x", "%h/y", true, false },
		{ "read = /a->b", "/a->b", "/a->b", false, false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(all); i++) {
		char text[256];
		struct parsed p;
		const struct bv_policy *q;

		snprintf(text, sizeof(text), HEAD "[expose]\n%s\n",
			 all[i].line);
		q = good(&p, text);
		assert_int_equal(q->expose_n, 1);
		assert_string_equal(q->expose[0].source, all[i].source);
		assert_string_equal(q->expose[0].dest, all[i].dest);
		assert_int_equal(q->expose[0].write, all[i].write);
		assert_int_equal(q->expose[0].optional, all[i].optional);
		assert_int_equal(q->expose[0].line, 9);
		done(&p);
	}
}

static void test_expose__faults__named(void **state)
{
	static const struct fault all[] = {
		{ IN("expose", "read = a -> /b"),
		  "p.conf:9: [expose] read: 'a' does not begin with '/', '~' "
		  "or '%h'" },
		{ IN("expose", "read = /a -> b"),
		  "p.conf:9: [expose] read: 'b' does not begin with '/', '~' "
		  "or '%h'" },
		{ IN("expose", "write = /a -> -/b"),
		  "p.conf:9: [expose] write: '-/b': only the source may be "
		  "absent" },
		{ IN("expose", "write = /a -> /b -> /c"),
		  "p.conf:9: [expose] write: '/a -> /b -> /c' has more than "
		  "one '->'" },
		{ IN("expose", "read = /a/../b"),
		  "p.conf:9: [expose] read: '/a/../b': the path holds '..'" },
		{ IN("expose", "path = /a"),
		  "p.conf:9: unknown key 'path' in [expose]; known: read, "
		  "write" },
	};
	char text[8192] = HEAD "[expose]\n";
	struct fault many = { text, "p.conf:41: [expose] read: more than 32 "
				    "exposed paths" };

	(void)state;
	check_faults(all, BV_LEN(all), true);
	for (int i = 0; i <= 32; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "read = /a%d\n", i);
	check_faults(&many, 1, true);
}

static void test_outbox__all_keys__and_defaults(void **state)
{
	struct parsed p;
	const struct bv_outbox *o =
		&good(&p, BOX("path = /var/tmp/%u\ncommit = "
			      "best-effort-durable\nto = /srv/in/%U\nowner = "
			      "user\nmode = 0664\nfiles = 256\ndepth = 8"))
			 ->outbox;

	(void)state;
	assert_int_equal(o->line, 12);
	assert_string_equal(o->path, "/var/tmp/%u");
	assert_int_equal(o->commit, BV_COMMIT_BEST_EFFORT);
	assert_string_equal(o->to, "/srv/in/%U");
	assert_true(o->owner_user);
	assert_int_equal(o->mode, 0664);
	assert_int_equal(o->files_max, 256);
	assert_int_equal(o->depth_max, 8);
	done(&p);
	o = &good(&p, BOX("path = /tmp/o\ncommit = discard"))->outbox;
	assert_null(o->to);
	assert_false(o->owner_user);
	assert_int_equal(o->mode, 0600);
	assert_int_equal(o->files_max, 64);
	assert_int_equal(o->depth_max, 4);
	done(&p);
	assert_int_equal(good(&p, HEAD)->outbox.line, 0);
	done(&p);
}

static void test_outbox__faults__named(void **state)
{
#define PATH_SAYS "is not /tmp/NAME, /var/tmp/NAME or /dev/shm/NAME"
#define MODE_SAYS "is not a mode such as 0640, without execute bits"
	static const struct fault all[] = {
		{ BOX("path = /tmp"),
		  "p.conf:13: [outbox] path: '/tmp' " PATH_SAYS },
		{ BOX("path = /tmp/"),
		  "p.conf:13: [outbox] path: '/tmp/' " PATH_SAYS },
		{ BOX("path = /tmp/.x"),
		  "p.conf:13: [outbox] path: '/tmp/.x' " PATH_SAYS },
		{ BOX("path = /tmp/a/b"),
		  "p.conf:13: [outbox] path: '/tmp/a/b' " PATH_SAYS },
		{ BOX("path = /srv/a"),
		  "p.conf:13: [outbox] path: '/srv/a' " PATH_SAYS },
		{ BOX("path = /tmp/a\ncommit = now"),
		  "p.conf:14: [outbox] commit: 'now' is not one of: discard, "
		  "atomic, durable, best-effort-durable" },
		{ BOX("path = /tmp/a\ncommit = atomic\nto = srv"),
		  "p.conf:15: [outbox] to: 'srv' does not begin with '/'" },
		{ BOX("path = /tmp/a\ncommit = atomic\nto = /a/../b"),
		  "p.conf:15: [outbox] to: the path holds '..'" },
		{ BOX("mode = 640"),
		  "p.conf:13: [outbox] mode: '640' " MODE_SAYS },
		{ BOX("mode = 0755"),
		  "p.conf:13: [outbox] mode: '0755' " MODE_SAYS },
		{ BOX("mode = 4644"),
		  "p.conf:13: [outbox] mode: '4644' " MODE_SAYS },
		{ BOX("mode = 0648"),
		  "p.conf:13: [outbox] mode: '0648' " MODE_SAYS },
		{ BOX("owner = me"), "p.conf:13: [outbox] owner: 'me' is not "
				     "one of: root, user" },
		{ BOX("files = 0"), "p.conf:13: [outbox] files: '0' is not a "
				    "number from 1 to 256" },
		{ BOX("files = 257"), "p.conf:13: [outbox] files: '257' is "
				      "not a number from 1 to 256" },
		{ BOX("depth = 9"), "p.conf:13: [outbox] depth: '9' is not a "
				    "number from 1 to 8" },
		{ BOX(""), "p.conf:12: [outbox] path is missing; one of: "
			   "/tmp/NAME, /var/tmp/NAME, /dev/shm/NAME" },
		{ BOX("path = /tmp/a"),
		  "p.conf:12: [outbox] commit is missing; one of: discard, "
		  "atomic, durable, best-effort-durable" },
		{ BOX("path = /tmp/a\ncommit = durable"),
		  "p.conf:14: [outbox] to is missing; the directory that "
		  "commit = durable puts files into" },
		{ BOX("path = /tmp/a\ncommit = discard\nto = /srv"),
		  "p.conf:15: [outbox] to: not with commit = discard" },
		{ HEAD "[temp]\nprivate = no\n[outbox]\npath = /tmp/a\n"
		       "commit = discard\n",
		  "p.conf:11: [outbox] path: only with [temp] private = yes" },
		{ HEAD "[temp]\nprivate = yes\n[outbox]\npath = /tmp/a\n"
		       "commit = discard\n",
		  "p.conf:11: [outbox] path: only with a [budget] storage" },
	};

	(void)state;
	check_faults(all, BV_LEN(all), true);
}

/* --- spec ------------------------------------------------------------------ */

static bool asks(const struct bv_spec *spec, enum bv_req req, unsigned int line)
{
	for (size_t i = 0; i < spec->req_n; i++)
		if (spec->req[i].req == req)
			return spec->req[i].line == line;
	return false;
}

static void test_spec__expanded__outer_first__keys_by_line(void **state)
{
	static const enum bv_req commits[BV_COMMIT_N] = {
		[BV_COMMIT_DISCARD] = BV_REQ_DISCARD_ARTIFACT,
		[BV_COMMIT_ATOMIC] = BV_REQ_COMMIT_ATOMIC,
		[BV_COMMIT_DURABLE] = BV_REQ_COMMIT_DURABLE,
		[BV_COMMIT_BEST_EFFORT] = BV_REQ_COMMIT_BEST_EFFORT,
	};
	struct fixture f;

	(void)state;
	for (unsigned int c = 0; c < BV_COMMIT_N; c++) {
		fixture_init(&f);
		share(&f);
		f.policy.outbox.commit = (enum bv_commit)c;
		fixture_spec(&f);
		assert_int_equal(f.spec.expose_n, 2);
		assert_string_equal(f.spec.expose[0].dest, "/mnt/x");
		assert_string_equal(f.spec.expose[1].source, "/home/alice/in");
		assert_string_equal(f.spec.expose[1].dest, "/mnt/x/y");
		assert_string_equal(f.spec.outbox.path, "/tmp/alice");
		assert_string_equal(f.spec.outbox.to, "/srv/in/1000");
		assert_true(asks(&f.spec, BV_REQ_EXPOSE_RO, 41));
		assert_true(asks(&f.spec, BV_REQ_EXPOSE_RW, 42));
		assert_true(asks(&f.spec, commits[c], 52));
		assert_true(asks(&f.spec, BV_REQ_LIST_OUTPUTS, 51));
		fixture_done(&f);
	}
}

static void assert_no_spec(const struct bv_expose_rule *rules, size_t n,
			   const char *says)
{
	struct bv_err err = { 0 };
	struct fixture f;

	fixture_init(&f);
	f.fs[1] = (struct bv_fs_rule){ "/srv/data", BV_FS_HIDE, 14, false };
	f.policy.expose = rules;
	f.policy.expose_n = n;
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &f.spec, &err),
		BV_E_CONF);
	if (strstr(err.msg, says) == NULL)
		fail_msg("'%s' lacks '%s'", err.msg, says);
	fixture_done(&f);
}

static void test_spec__what_does_not_go_together__refused(void **state)
{
	const struct bv_expose_rule root = { "/", "/mnt", 60, false, false };
	const struct bv_expose_rule over = { "/srv", "/", 60, false, false };
	const struct bv_expose_rule holds = { "/srv", "/mnt", 60, false,
					      false };
	const struct bv_expose_rule is = { "/srv/data", "/mnt", 60, false,
					   false };
	const struct bv_expose_rule beside = { "/srv/dat", "/mnt", 60, false,
					       false };
	const struct bv_expose_rule same[] = {
		{ "/a", "/mnt/x", 60, false, false },
		{ "/b", "/mnt//x/", 61, true, false },
	};
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	assert_no_spec(&root, 1, ":60: [expose] '/' is neither exposed");
	assert_no_spec(&over, 1, ":60: [expose] '/' is neither exposed");
	assert_no_spec(&holds, 1,
		       ":60: [expose] '/srv' holds '/srv/data', "
		       "which line 14 hides");
	assert_no_spec(&is, 1, "which line 14 hides");
	assert_no_spec(same, 2,
		       ":61: [expose] '/mnt/x' is the destination of "
		       "line 60 as well");
	fixture_init(&f);
	f.fs[1] = (struct bv_fs_rule){ "/srv/data", BV_FS_HIDE, 14, false };
	f.policy.expose = &beside;
	f.policy.expose_n = 1;
	assert_int_equal(
		bv_spec_build(&f.arena, &f.policy, &f.subject, &f.spec, &err),
		BV_OK);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expose__arrow__source_and_destination),
		cmocka_unit_test(test_expose__faults__named),
		cmocka_unit_test(test_outbox__all_keys__and_defaults),
		cmocka_unit_test(test_outbox__faults__named),
		cmocka_unit_test(
			test_spec__expanded__outer_first__keys_by_line),
		cmocka_unit_test(test_spec__what_does_not_go_together__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
