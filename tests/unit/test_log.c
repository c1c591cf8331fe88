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

/* --- RFC 5424 ---------------------------------------------------------------- */

static const struct bvh_log_head head = {
	.priority = 5, /* notice; authpriv is 10: 10 * 8 + 5 */
	.unix_us = 1700000000000001,
	.host = "host-a",
	.pid = 4711,
};
#define HEAD "<85>1 2023-11-14T22:13:20.000001Z host-a bvisor-helper 4711 - "

static void test_rfc5424__head_fields_and_line(void **state)
{
	static const struct {
		const char *line, *message;
	} rows[] = {
		{ "session=00c0 user=alice leader_pid=7 opened in 3 us",
		  HEAD "[bvisor@32473 session=\"00c0\" user=\"alice\" "
		       "leader_pid=\"7\"] session=00c0 user=alice "
		       "leader_pid=7 opened in 3 us" },
		{ "holder: base x", HEAD "- holder: base x" },
		{ "", HEAD "- " },
		/* What ends a value, an element or the escape itself. */
		{ "session=1 user=a\\x20]b reason=\"no \"x\" [y]\"",
		  HEAD "[bvisor@32473 session=\"1\" user=\"a\\\\x20\\]b\" "
		       "reason=\"no \\\"x\\\" [y\\]\"] session=1 "
		       "user=a\\x20]b reason=\"no \"x\" [y]\"" },
	};
	char buf[1024];

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const size_t n = bvh_log_rfc5424(&head, rows[i].line, buf,
						 sizeof(buf) - 1);

		buf[n] = '\0';
		assert_string_equal(buf, rows[i].message);
	}
}

static void test_rfc5424__a_host_that_is_no_word__none(void **state)
{
	static const char *const hosts[] = { "", "a b", "a\nb", "\xc3\xa4" };
	struct bvh_log_head h = head;
	char buf[256];

	(void)state;
	for (size_t i = 0; i < BV_LEN(hosts); i++) {
		h.host = hosts[i];
		buf[bvh_log_rfc5424(&h, "x", buf, sizeof(buf) - 1)] = '\0';
		assert_string_equal(buf,
				    "<85>1 2023-11-14T22:13:20.000001Z - "
				    "bvisor-helper 4711 - - x");
	}
}

/* All of it or nothing; and the longest line there is, each byte of it
 * escaped, fits what is sent. */
static void test_rfc5424__room(void **state)
{
	char buf[8192], line[2048] = "session=00c0 a=";
	const size_t whole = sizeof(HEAD "- x") - 1;

	(void)state;
	for (size_t cap = 0; cap <= whole + 1; cap++) {
		memset(buf, '#', sizeof(buf));
		assert_int_equal(bvh_log_rfc5424(&head, "x", buf, cap),
				 cap >= whole ? whole : 0);
		assert_int_equal(buf[cap], '#');
	}
	memset(line + strlen(line), ']', sizeof(line) - strlen(line) - 1);
	assert_true(bvh_log_rfc5424(&head, line, buf, sizeof(buf)) > 0);
	for (size_t i = 0; i + 4 < sizeof(line); i += 4)
		memcpy(line + i, "a=] ", 4);
	assert_true(bvh_log_rfc5424(&head, line, buf, sizeof(buf)) > 0);
	for (size_t i = 0; i + 3 < sizeof(line); i += 3)
		memcpy(line + i, "a= ", 3);
	assert_true(bvh_log_rfc5424(&head, line, buf, sizeof(buf)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field__plain_text__kept),
		cmocka_unit_test(test_field__what_could_forge__escaped),
		cmocka_unit_test(test_field__long__cut_and_marked),
		cmocka_unit_test(test_text__only_the_unprintable_changes),
		cmocka_unit_test(test_fields__read_off_the_line),
		cmocka_unit_test(test_rfc5424__head_fields_and_line),
		cmocka_unit_test(
			test_rfc5424__a_host_that_is_no_word__none),
		cmocka_unit_test(test_rfc5424__room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
