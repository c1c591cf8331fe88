/* SPDX-License-Identifier: MIT */
/*
 * The launch plan's bytes: what goes in comes out, there is one form of each,
 * and no change of any byte or length is taken for another plan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/launch.h"

#include <string.h>

static char hex[65];

static void fill(struct bv_launch *l)
{
	memset(l, 0, sizeof(*l));
	memset(hex, 'a', 64);
	l->plan_id = hex;
	l->schedule = hex;
	l->shell = "/bin/sh";
	l->env_exact = true;
	l->env_n = 2;
	l->env[0] = (struct bv_env_entry){ "A", 1, "one=1", 5, false };
	l->env[1] = (struct bv_env_entry){ "EMPTY", 5, "", 0, false };
	l->fds = BV_FDS_ONLY;
	l->keep_n = 2;
	l->keep[0] = 7;
	l->keep[1] = 9;
	l->spawn = BV_SPAWN_THREADS;
	l->no_new_privs = true;
	l->has_nofile = true;
	l->nofile = 64;
}

static size_t encoded(const struct bv_launch *l, unsigned char *buf, size_t cap)
{
	struct bv_err err = { 0 };
	size_t len = 0;

	if (bv_launch_encode(l, buf, cap, &len, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return len;
}

static void test_round_trip__every_field(void **state)
{
	static struct bv_launch l, got;
	unsigned char buf[1024], again[1024];
	size_t len;

	(void)state;
	fill(&l);
	len = encoded(&l, buf, sizeof(buf));
	assert_int_equal(bv_launch_decode(buf, len, &got, NULL), BV_OK);
	assert_string_equal(got.plan_id, l.plan_id);
	assert_string_equal(got.shell, "/bin/sh");
	assert_true(got.env_exact);
	assert_int_equal(got.env_n, 2);
	assert_string_equal(got.env_text[0], "A=one=1");
	assert_string_equal(got.env_text[1], "EMPTY=");
	assert_int_equal(got.fds, BV_FDS_ONLY);
	assert_int_equal(got.keep_n, 2);
	assert_int_equal(got.keep[1], 9);
	assert_int_equal(got.spawn, BV_SPAWN_THREADS);
	assert_true(got.no_new_privs);
	assert_true(got.has_nofile);
	assert_int_equal(got.nofile, 64);
	assert_int_equal(encoded(&got, again, sizeof(again)), len);
	assert_memory_equal(buf, again, len);
}

static void test_decode__no_shorter_and_no_longer(void **state)
{
	static struct bv_launch l, got;
	unsigned char buf[1024] = { 0 };
	size_t len;

	(void)state;
	fill(&l);
	len = encoded(&l, buf, sizeof(buf));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(bv_launch_decode(buf, cut, &got, NULL),
				 BV_E_PROTO);
	assert_int_equal(bv_launch_decode(buf, len + 1, &got, NULL),
			 BV_E_PROTO);
}

/* Whatever byte is changed: refused, or another plan with those very bytes. */
static void test_decode__every_byte_counts(void **state)
{
	static struct bv_launch l, got;
	unsigned char buf[1024], again[1024];
	size_t len;

	(void)state;
	fill(&l);
	len = encoded(&l, buf, sizeof(buf));
	for (size_t at = 0; at < len; at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			buf[at] ^= (unsigned char)(1u << bit);
			if (bv_launch_decode(buf, len, &got, NULL) == BV_OK) {
				assert_int_equal(
					encoded(&got, again, sizeof(again)),
					len);
				assert_memory_equal(buf, again, len);
			}
			buf[at] ^= (unsigned char)(1u << bit);
		}
	}
}

static void refused(const struct bv_launch *l)
{
	unsigned char buf[1024];
	size_t len = 0;

	assert_int_equal(bv_launch_encode(l, buf, sizeof(buf), &len, NULL),
			 BV_E_INVAL);
	assert_int_equal(len, 0);
}

static void test_encode__unsound_plans(void **state)
{
	static struct bv_launch l;

	(void)state;
	fill(&l);
	l.plan_id = "short";
	refused(&l);
	fill(&l);
	l.shell = "sh";
	refused(&l);
	fill(&l);
	l.keep[1] = 7; /* twice */
	refused(&l);
	fill(&l);
	l.keep[0] = 2; /* a standard stream */
	refused(&l);
	fill(&l);
	l.fds = BV_FDS_NONE;
	refused(&l);
	fill(&l);
	l.env_exact = false;
	refused(&l);
	fill(&l);
	l.env[1].name = "A";
	l.env[1].name_len = 1;
	refused(&l);
	fill(&l);
	l.env[0].is_lease = true;
	refused(&l);
	fill(&l);
	l.env[0].value = "a\0b";
	l.env[0].value_len = 3;
	refused(&l);
}

static void test_encode__no_room(void **state)
{
	static struct bv_launch l;
	unsigned char buf[1024];
	size_t len;
	size_t got = 0;

	(void)state;
	fill(&l);
	len = encoded(&l, buf, sizeof(buf));
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(bv_launch_encode(&l, buf, cap, &got, NULL),
				 BV_E_LIMIT);
	assert_int_equal(got, 0);
}

/* The largest environment of the rules fits the largest plan. */
static void test_encode__the_largest_environment_fits(void **state)
{
	static struct bv_launch l;
	static unsigned char buf[BV_LAUNCH_MAX];
	static char name[BV_ENV_ENTRIES_MAX][8], value[512];
	size_t left = BV_ENV_BYTES_MAX;

	(void)state;
	fill(&l);
	memset(value, 'v', sizeof(value));
	l.env_n = BV_ENV_ENTRIES_MAX;
	for (size_t i = 0; i < l.env_n; i++) {
		name[i][0] = 'N';
		name[i][1] = (char)('A' + i / 26 % 26);
		name[i][2] = (char)('A' + i % 26);
		l.env[i] =
			(struct bv_env_entry){ name[i], 3, value, 509, false };
		left -= 512;
	}
	assert_int_equal(left, 0);
	assert_true(encoded(&l, buf, sizeof(buf)) > BV_ENV_BYTES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip__every_field),
		cmocka_unit_test(test_decode__no_shorter_and_no_longer),
		cmocka_unit_test(test_decode__every_byte_counts),
		cmocka_unit_test(test_encode__unsound_plans),
		cmocka_unit_test(test_encode__no_room),
		cmocka_unit_test(test_encode__the_largest_environment_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
