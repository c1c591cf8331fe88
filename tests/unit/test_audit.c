/* SPDX-License-Identifier: MIT */
/* Audit records: what the kernel's documentation shows, and what is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/audit.h"

#define HEAD "audit(1732186800.349:44): "

static bool parse(uint32_t type, const char *text, struct bv_audit *ret)
{
	/* exactly as long as it is: a read beyond is seen by the sanitizer */
	char *copy = malloc(strlen(text) + (text[0] == '\0'));
	bool ok;

	assert_non_null(copy);
	memcpy(copy, text, strlen(text));
	ok = bv_audit_parse(type, copy, strlen(text), ret);
	free(copy);
	return ok;
}

static void test_denied__domain_right_object(void **state)
{
	static const struct {
		const char *text;
		uint64_t domain;
		const char *right, *object;
	} rows[] = {
		{ HEAD "domain=195ba459b blockers=fs.refer path=\"/usr/bin\" "
		       "dev=\"vda2\" ino=351",
		  0x195ba459b, "fs.refer", "/usr/bin" },
		{ HEAD "domain=1 blockers=fs.write_file,fs.truncate "
		       "path=\"/etc/motd\" dev=\"vda2\" ino=1",
		  1, "fs.write_file,fs.truncate", "/etc/motd" },
		/* hexadecimal: "/tmp/a b\n" */
		{ HEAD "domain=2 blockers=fs.read_file "
		       "path=2F746D702F6120620A dev=\"vda2\" ino=1",
		  2, "fs.read_file", "/tmp/a b?" },
		{ HEAD "domain=3 blockers=net.connect_tcp daddr=127.0.0.1 "
		       "dest=8080",
		  3, "net.connect_tcp", "8080/tcp" },
		{ HEAD "domain=3 blockers=net.bind_tcp src=80", 3,
		  "net.bind_tcp", "80/tcp" },
		{ HEAD "domain=4 blockers=scope.signal opid=1 "
		       "ocomm=\"systemd\"",
		  4, "scope.signal", "pid 1" },
		{ HEAD "domain=5 blockers=ptrace", 5, "ptrace", "" },
	};
	struct bv_audit a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(parse(BV_AUDIT_LANDLOCK_ACCESS, rows[i].text, &a));
		assert_int_equal(a.kind, BV_AUDIT_DENIED);
		assert_true(a.domain == rows[i].domain);
		assert_string_equal(a.right, rows[i].right);
		assert_string_equal(a.object, rows[i].object);
	}
}

static void test_domain__who_made_it(void **state)
{
	struct bv_audit a;

	(void)state;
	assert_true(parse(BV_AUDIT_LANDLOCK_DOMAIN,
			  HEAD "domain=195ba459b status=allocated "
			       "mode=enforcing pid=300 uid=0 "
			       "exe=\"/root/sandboxer\" comm=\"sandboxer\"",
			  &a));
	assert_int_equal(a.kind, BV_AUDIT_DOMAIN_BEGUN);
	assert_true(a.domain == 0x195ba459b);
	assert_int_equal(a.pid, 300);
	assert_false(parse(BV_AUDIT_LANDLOCK_DOMAIN,
			   HEAD "domain=195ba459b status=deallocated denials=3",
			   &a));
	assert_false(parse(BV_AUDIT_LANDLOCK_DOMAIN,
			   HEAD "domain=195ba459b status=other pid=300", &a));
}

static void test_killed__pid_and_call(void **state)
{
	struct bv_audit a;

	(void)state;
	assert_true(parse(BV_AUDIT_SECCOMP,
			  HEAD "auid=4294967295 uid=0 gid=0 ses=4294967295 "
			       "pid=7802 comm=\"x\" exe=\"/x\" sig=31 "
			       "arch=c000003e syscall=138 compat=0 "
			       "ip=0x7f code=0x80000000",
			  &a));
	assert_int_equal(a.kind, BV_AUDIT_KILLED);
	assert_int_equal(a.pid, 7802);
	assert_int_equal(a.syscall, 138);
}

/* A name is a user's own text: it is never taken for a key. */
static void test_names__forge_nothing(void **state)
{
	struct bv_audit a;

	(void)state;
	assert_true(parse(BV_AUDIT_LANDLOCK_DOMAIN,
			  HEAD "domain=1 status=allocated pid=300 "
			       "comm=\"pid=1\" exe=\"pid=2\"",
			  &a));
	assert_int_equal(a.pid, 300);
	assert_false(parse(BV_AUDIT_LANDLOCK_DOMAIN,
			   HEAD "domain=1 status=allocated xpid=300", &a));
}

static void test_anything_else__no_record(void **state)
{
	static const char *const bad[] = {
		"",
		"audit",
		"domain=1 blockers=fs.refer",
		HEAD,
		HEAD "domain=1",
		HEAD "domain= blockers=fs.refer",
		HEAD "domain=xyz blockers=fs.refer",
		HEAD "domain=11111111111111111 blockers=fs.refer",
		HEAD "domain=1 blockers=",
		HEAD "domain=1 blockers=FS!",
		HEAD "domain=1 blockers=fs.refer path=\"/usr",
		HEAD "domain=1 blockers=fs.refer path=",
		HEAD "domain=1 blockers=fs.refer path=2F7",
	};
	static char huge[BV_AUDIT_TEXT_MAX + 64];
	struct bv_audit a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse(BV_AUDIT_LANDLOCK_ACCESS, bad[i], &a));
	assert_false(parse(1300, HEAD "domain=1 blockers=fs.refer", &a));
	memset(huge, 'a', sizeof(huge) - 1);
	memcpy(huge, HEAD "domain=1 blockers=fs.refer ",
	       sizeof(HEAD "domain=1 blockers=fs.refer ") - 1);
	assert_false(parse(BV_AUDIT_LANDLOCK_ACCESS, huge, &a));
	huge[BV_AUDIT_TEXT_MAX] = '\0';
	assert_true(parse(BV_AUDIT_LANDLOCK_ACCESS, huge, &a));
}

static void test_remedy__the_line_that_would_allow_it(void **state)
{
	static const struct {
		const char *right, *object, *want;
	} rows[] = {
		{ "fs.read_file", "/srv/x", "[filesystem] read = /srv/x" },
		{ "fs.read_dir", "/srv", "[filesystem] read = /srv" },
		{ "fs.execute", "/srv/x", "[filesystem] exec = /srv/x" },
		{ "fs.make_reg", "/srv", "[filesystem] write = /srv" },
		{ "fs.truncate", "/srv/x", "[filesystem] write = /srv/x" },
		{ "net.connect_tcp", "80/tcp", "[network] access = open" },
		{ "scope.signal", "pid 1", NULL },
		{ "ptrace", "", NULL },
		{ "fs.read_file", "", NULL },
	};
	char buf[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got = bv_audit_remedy(rows[i].right, rows[i].object,
						  buf, sizeof(buf));

		if (rows[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied__domain_right_object),
		cmocka_unit_test(test_domain__who_made_it),
		cmocka_unit_test(test_killed__pid_and_call),
		cmocka_unit_test(test_names__forge_nothing),
		cmocka_unit_test(test_anything_else__no_record),
		cmocka_unit_test(test_remedy__the_line_that_would_allow_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
