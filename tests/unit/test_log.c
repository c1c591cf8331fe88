/* SPDX-License-Identifier: MIT */
/* What reaches syslog cannot forge a line, a key or a terminal sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "helper/log.h"

static void test_field__plain_text__kept(void **state)
{
	struct bvh_field f;

	(void)state;
	assert_string_equal(bvh_log_field("alice@EXAMPLE.org", &f),
			    "alice@EXAMPLE.org");
	assert_string_equal(bvh_log_field("", &f), "-");
}

static void test_field__what_could_forge__escaped(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{ "a b", "a\\x20b" },
		{ "x\nroot logged in", "x\\x0aroot\\x20logged\\x20in" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a policy=other", "a\\x20policy\\x3dother" },
		{ "q\"q", "q\\x22q" },
		{ "b\\x20", "b\\x5cx20" },
		{ "\x7f\x80\xff", "\\x7f\\x80\\xff" },
	};
	struct bvh_field f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(bvh_log_field(rows[i].in, &f), rows[i].out);
}

static void test_field__long__cut_and_marked(void **state)
{
	char in[4096];
	struct bvh_field f;

	(void)state;
	memset(in, '\n', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	bvh_log_field(in, &f);
	assert_int_equal(strlen(f.text), 4 * BVH_FIELD_MAX + 3);
	assert_string_equal(f.text + 4 * BVH_FIELD_MAX, "...");
	in[BVH_FIELD_MAX] = '\0';
	bvh_log_field(in, &f);
	assert_int_equal(strlen(f.text), 4 * BVH_FIELD_MAX);
}

static void test_text__only_the_unprintable_changes(void **state)
{
	char out[32];

	(void)state;
	bvh_log_text("a b=\"c\"\t\n", out, sizeof(out));
	assert_string_equal(out, "a b=\"c\"\\x09\\x0a");
	bvh_log_text("0123456789012345678901234567890123456789", out,
		     sizeof(out));
	assert_true(strlen(out) < sizeof(out));
	assert_memory_equal(out, "0123456789", 10);
}

static void test_fields__read_off_the_line(void **state)
{
	static const struct {
		const char *line, *fields;
	} rows[] = {
		{ "session=00c0 user=alice leader_pid=7 opened in 3 us",
		  "BVISOR_SESSION=00c0\nBVISOR_USER=alice\n"
		  "BVISOR_LEADER_PID=7\n" },
		/* Only the run at the beginning: an error's text cannot add. */
		{ "session=00c0 teardown: user=root", "BVISOR_SESSION=00c0\n" },
		{ "holder: session=00c0", "" },
		{ "session=00c0 reason=\"no \"kill\" user=root\"",
		  "BVISOR_SESSION=00c0\n"
		  "BVISOR_REASON=no \"kill\" user=root\n" },
		{ "session= user=x", "BVISOR_SESSION=\nBVISOR_USER=x\n" },
		{ "Session=1", "" },
		{ "=1", "" },
		{ "", "" },
		{ "abcdefghijklmnopqrstuvwxyzabcdefg=1", "" },
	};
	char buf[512];

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const size_t n = bvh_log_fields(rows[i].line, buf, sizeof(buf));

		assert_int_equal(n, strlen(rows[i].fields));
		assert_memory_equal(buf, rows[i].fields, n);
	}
	/* A user's name as it comes into a line. */
	struct bvh_field f;
	char line[800];

	snprintf(line, sizeof(line), "user=%s x=1",
		 bvh_log_field("eve session=00ff\nMESSAGE=x", &f));
	buf[bvh_log_fields(line, buf, sizeof(buf) - 1)] = '\0';
	assert_string_equal(buf,
			    "BVISOR_USER=eve\\x20session\\x3d00ff\\x0aMESSAGE"
			    "\\x3dx\nBVISOR_X=1\n");
	/* What does not fit is left out whole. */
	assert_int_equal(bvh_log_fields("session=00c0 user=a", buf, 25), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field__plain_text__kept),
		cmocka_unit_test(test_field__what_could_forge__escaped),
		cmocka_unit_test(test_field__long__cut_and_marked),
		cmocka_unit_test(test_text__only_the_unprintable_changes),
		cmocka_unit_test(test_fields__read_off_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
