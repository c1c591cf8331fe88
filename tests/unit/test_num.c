/* SPDX-License-Identifier: MIT */
/* Strict integers, the errors they sit among, and the arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/num.h"
#include "core/plan.h"

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void test_num__u64__strict_and_bounded(void **state)
{
	static const struct {
		const char *text;
		uint64_t lo, hi, want;
		bool ok;
	} cases[] = {
		{ "0", 0, 9, 0, true },
		{ "9", 0, 9, 9, true },
		{ "10", 0, 9, 0, false },
		{ "3", 3, 5, 3, true },
		{ "2", 3, 5, 0, false },
		{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", 0, UINT64_MAX, 0, false },
		{ "99999999999999999999999", 0, UINT64_MAX, 0, false },
		{ "", 0, 9, 0, false },
		{ "00", 0, 9, 0, false },
		{ "01", 0, 9, 0, false },
		{ "+1", 0, 9, 0, false },
		{ "-1", 0, UINT64_MAX, 0, false },
		{ " 1", 0, 9, 0, false },
		{ "1 ", 0, 9, 0, false },
		{ "1x", 0, 9, 0, false },
		{ "0x1", 0, 9, 0, false },
		{ "1e3", 0, 9999, 0, false },
		{ "1.0", 0, 9, 0, false },
		{ "\xd9\xa1", 0, 9, 0, false }, /* ARABIC-INDIC DIGIT ONE */
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		uint64_t got = UNTOUCHED;

		if (bv_parse_u64(cases[i].text, cases[i].lo, cases[i].hi,
				 &got) != cases[i].ok)
			fail_msg("'%s'", cases[i].text);
		assert_true(got == (cases[i].ok ? cases[i].want : UNTOUCHED));
	}
}

typedef bool (*parse_fn)(const char *s, uint64_t *ret);

struct unit_case {
	const char *text;
	uint64_t want;
	bool ok;
};

static void check_units(parse_fn parse, const struct unit_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t got = UNTOUCHED;

		if (parse(c[i].text, &got) != c[i].ok)
			fail_msg("'%s'", c[i].text);
		if (got != (c[i].ok ? c[i].want : UNTOUCHED))
			fail_msg("'%s' gave %ju", c[i].text, (uintmax_t)got);
	}
}

static void test_num__size__binary_units(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", 0, true },
		{ "1", 1, true },
		{ "1K", 1024, true },
		{ "3M", UINT64_C(3) << 20, true },
		{ "2G", UINT64_C(2) << 30, true },
		{ "1T", UINT64_C(1) << 40, true },
		{ "16777215T", UINT64_C(16777215) << 40, true },
		{ "16777216T", 0, false },
		{ "18446744073709551615", UINT64_MAX, true },
		{ "18446744073709551615K", 0, false },
		{ "1k", 0, false },
		{ "1KB", 0, false },
		{ "1KiB", 0, false },
		{ "1 K", 0, false },
		{ "K", 0, false },
		{ "", 0, false },
		{ "01K", 0, false },
		{ "-1K", 0, false },
		{ "1.5G", 0, false },
		{ "1P", 0, false },
	};

	(void)state;
	check_units(bv_parse_size, cases, BV_LEN(cases));
}

static void test_num__duration__suffix_required(void **state)
{
	static const struct unit_case cases[] = {
		{ "0", 0, true },
		{ "0s", 0, true },
		{ "1us", 1, true },
		{ "1ms", 1000, true },
		{ "1s", 1000000, true },
		{ "1min", UINT64_C(60000000), true },
		{ "12h", UINT64_C(43200000000), true },
		{ "1d", UINT64_C(86400000000), true },
		{ "213503982d", UINT64_C(18446744044800000000), true },
		{ "213503983d", 0, false },
		{ "1", 0, false },
		{ "1m", 0, false },
		{ "1S", 0, false },
		{ "1sec", 0, false },
		{ "1 s", 0, false },
		{ "s", 0, false },
		{ "", 0, false },
		{ "1h30min", 0, false },
		{ "00", 0, false },
	};

	(void)state;
	check_units(bv_parse_duration, cases, BV_LEN(cases));
}

static void test_err__context__stands_in_front(void **state)
{
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_ctx(&err, "nothing failed"), BV_E_BUG);
	assert_int_equal(bv_ctx(NULL, "nobody asks"), BV_E_BUG);
	assert_int_equal(bv_fail(NULL, BV_E_CONF, "nobody asks"), BV_E_CONF);
	assert_int_equal(bv_fail(&err, BV_E_CONF, "key '%s'", "x"), BV_E_CONF);
	assert_int_equal(bv_ctx(&err, "file %d", 7), BV_E_CONF);
	assert_string_equal(err.msg, "file 7: key 'x'");
	assert_int_equal(bv_fail_errno(&err, ENOENT, "open '%s'", "/x"),
			 BV_E_SYS);
	assert_string_equal(err.msg,
			    "open '/x': ENOENT (No such file or directory)");
	assert_int_equal(err.sys_errno, ENOENT);
	bv_fail_errno(&err, 99999, "odd");
	assert_string_equal(err.msg, "odd: errno (unknown error)");
}

static void test_err__long_text__cut_and_terminated(void **state)
{
	char big[2 * BV_ERR_MSG_MAX];
	struct bv_err err = { 0 };

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	bv_fail(&err, BV_E_CONF, "%s", big);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	bv_ctx(&err, "front");
	assert_int_equal(strncmp(err.msg, "front: aaa", 10), 0);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	bv_ctx(&err, "%s", big);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	bv_fail_errno(&err, EIO, "%s", big);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
}

static void test_err__code_name__never_null(void **state)
{
	(void)state;
	assert_string_equal(bv_code_name(BV_OK), "OK");
	assert_string_equal(bv_code_name(BV_E_CONF), "CONF");
	assert_string_equal(bv_code_name(BV_E_BUG), "BUG");
	assert_string_equal(bv_code_name(BV_E_REFUSED), "REFUSED");
	assert_string_equal(bv_code_name(BV_E_REFUSED - 1), "?");
	assert_string_equal(bv_code_name(1), "?");
	assert_string_equal(bv_code_name(INT_MIN), "?");
	assert_string_equal(bv_code_name(INT_MAX), "?");
}

static void test_arena__alloc__zeroed_aligned_apart(void **state)
{
	struct bv_arena arena;
	unsigned char *last = NULL;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	for (size_t size = 0; size < 700; size++) {
		unsigned char *p = bv_arena_alloc(&arena, size);

		assert_non_null(p);
		assert_true(p != last);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		last = p;
	}
	assert_non_null(bv_arena_alloc(&arena, 100000)); /* over a chunk */
	bv_arena_done(&arena);
	bv_arena_done(&arena);
}

static void test_arena__cap__null_then_smaller_fits(void **state)
{
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 64);
	assert_null(bv_arena_alloc(&arena, 65));
	assert_null(bv_arena_alloc(&arena, SIZE_MAX));
	assert_null(bv_arena_alloc(&arena, SIZE_MAX - 8));
	assert_non_null(bv_arena_alloc(&arena, 48));
	assert_null(bv_arena_alloc(&arena, 17));
	assert_non_null(bv_arena_alloc(&arena, 16));
	assert_null(bv_arena_alloc(&arena, 1));
	assert_null(bv_arena_strdup(&arena, "x"));
	assert_null(bv_arena_printf(&arena, "%d", 1));
	bv_arena_done(&arena);
}

static void test_arena__strings__copied_whole(void **state)
{
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 4096);
	assert_string_equal(bv_arena_strdup(&arena, "abc"), "abc");
	assert_string_equal(bv_arena_strdup(&arena, ""), "");
	assert_string_equal(bv_arena_strndup(&arena, "abcdef", 2), "ab");
	assert_string_equal(bv_arena_printf(&arena, "%s-%d", "x", 42), "x-42");
	bv_arena_done(&arena);
}

/* FIPS 180-2, appendix B. */
static void test_hash__known_answers(void **state)
{
	char hex[65];

	(void)state;
	bv_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	bv_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
				 "27ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_num__u64__strict_and_bounded),
		cmocka_unit_test(test_num__size__binary_units),
		cmocka_unit_test(test_num__duration__suffix_required),
		cmocka_unit_test(test_err__context__stands_in_front),
		cmocka_unit_test(test_err__long_text__cut_and_terminated),
		cmocka_unit_test(test_err__code_name__never_null),
		cmocka_unit_test(test_arena__alloc__zeroed_aligned_apart),
		cmocka_unit_test(test_arena__cap__null_then_smaller_fits),
		cmocka_unit_test(test_arena__strings__copied_whole),
		cmocka_unit_test(test_hash__known_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
