/* SPDX-License-Identifier: MIT */
/* The rules of an environment: each fault, their order, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/env.h"
#include "core/policy.h"

#define LIT(n, v)                                                              \
	{                                                                      \
		n, sizeof(n) - 1, v, sizeof(v) - 1, false                      \
	}
#define LEASE(n, v)                                                            \
	{                                                                      \
		n, sizeof(n) - 1, v, sizeof(v) - 1, true                       \
	}

static void expect(const struct bv_env_entry *entry, size_t n,
		   enum bv_env_code code, size_t index)
{
	struct bv_env_fault f = bv_env_check(entry, n);

	assert_string_equal(bv_env_code_name(f.code), bv_env_code_name(code));
	assert_int_equal(f.index, index);
}

static void test_env__sound__nothing_said(void **state)
{
	static const struct bv_env_entry sound[] = {
		LIT("PATH", "/bin"),   LIT("path", "/bin"),
		LIT("PATH2", ""),      LIT("P", "a=b=c"),
		LEASE("TOKEN", "ref"), LIT(" ", "\n\x01\xff"),
	};

	(void)state;
	expect(NULL, 0, BV_ENV_SOUND, 0);
	expect(sound, BV_LEN(sound), BV_ENV_SOUND, 0);
}

static void test_env__each_fault__its_entry(void **state)
{
	static const struct {
		struct bv_env_entry entry[3];
		enum bv_env_code code;
		size_t index;
	} cases[] = {
		{ { LIT("A", "1"), LIT("", "2"), LIT("C", "3") },
		  BV_ENV_EMPTY_NAME,
		  1 },
		{ { LIT("A", "1"), LIT("B", "2"), LIT("C=D", "3") },
		  BV_ENV_NAME_RESERVED_BYTE,
		  2 },
		{ { LIT("=", "1"), LIT("B", "2"), LIT("C", "3") },
		  BV_ENV_NAME_RESERVED_BYTE,
		  0 },
		{ { LIT("A", "1"), LIT("B\0", "2"), LIT("C", "3") },
		  BV_ENV_NAME_RESERVED_BYTE,
		  1 },
		{ { LIT("A", "1"), LIT("B", "2"), LIT("A", "1") },
		  BV_ENV_DUPLICATE_NAME,
		  2 },
		{ { LIT("A", "1"), LEASE("A", "r"), LIT("C", "1") },
		  BV_ENV_DUPLICATE_NAME,
		  1 },
		{ { LIT("A", "1"), LIT("B", "2\0"), LIT("C", "3") },
		  BV_ENV_VALUE_NUL,
		  1 },
		/* Of a lease the reference is not the value. */
		{ { LIT("A", "1"), LEASE("B", "r\0"), LIT("C", "3") },
		  BV_ENV_SOUND,
		  0 },
		/* Entry by entry; within one: name, bytes, repeat, value. */
		{ { LIT("A", "\0"), LIT("", "2"), LIT("C=", "3") },
		  BV_ENV_VALUE_NUL,
		  0 },
		{ { LIT("A", "1"), LIT("A", "\0"), LIT("", "3") },
		  BV_ENV_DUPLICATE_NAME,
		  1 },
		{ { LIT("A", "1"), LIT("", "\0"), LIT("A", "3") },
		  BV_ENV_EMPTY_NAME,
		  1 },
		{ { LIT("A", "1"), LIT("B=", "\0"), LIT("B=", "3") },
		  BV_ENV_NAME_RESERVED_BYTE,
		  1 },
	};
	bool seen[BV_ENV_CODE_N] = {
		[BV_ENV_TOO_MANY_ENTRIES] = true, [BV_ENV_TOO_MANY_BYTES] = true
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		expect(cases[i].entry, 3, cases[i].code, cases[i].index);
		seen[cases[i].code] = true;
	}
	for (unsigned int c = 0; c < BV_ENV_CODE_N; c++)
		assert_true(seen[c]);
	assert_int_equal(bv_env_check(cases[4].entry, 3).earlier, 0);
	assert_string_equal(bv_env_code_name(BV_ENV_CODE_N), "?");
}

/* n entries of distinct names of four bytes. */
static struct bv_env_entry *many(size_t n, char (*names)[5])
{
	struct bv_env_entry *e = calloc(n, sizeof(*e));

	assert_non_null(e);
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%04u",
			 (unsigned int)i % 10000);
		e[i] = (struct bv_env_entry){ names[i], 4, "", 0, false };
	}
	return e;
}

static void test_env__count__bounded_first(void **state)
{
	static char names[BV_ENV_ENTRIES_MAX + 1][5];
	struct bv_env_entry *e = many(BV_ENV_ENTRIES_MAX + 1, names);

	(void)state;
	expect(e, BV_ENV_ENTRIES_MAX, BV_ENV_SOUND, 0);
	expect(e, BV_ENV_ENTRIES_MAX + 1, BV_ENV_TOO_MANY_ENTRIES,
	       BV_ENV_ENTRIES_MAX);
	/* The count comes before whatever an entry has. */
	e[0].name_len = 0;
	expect(e, BV_ENV_ENTRIES_MAX, BV_ENV_EMPTY_NAME, 0);
	expect(e, BV_ENV_ENTRIES_MAX + 1, BV_ENV_TOO_MANY_ENTRIES,
	       BV_ENV_ENTRIES_MAX);
	free(e);
}

static void test_env__bytes__bounded_last(void **state)
{
	static char names[2][5];
	char *big = malloc(BV_ENV_BYTES_MAX);
	struct bv_env_entry *e = many(2, names);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', BV_ENV_BYTES_MAX);
	e[0].value = big;
	e[0].value_len = BV_ENV_BYTES_MAX - 8;
	expect(e, 2, BV_ENV_SOUND, 0);
	/* A reference counts as many bytes as it has. */
	e[0].is_lease = true;
	expect(e, 2, BV_ENV_SOUND, 0);
	e[1].value = "y";
	e[1].value_len = 1;
	expect(e, 2, BV_ENV_TOO_MANY_BYTES, 0);
	e[1].value_len = 0;
	e[0].value_len++;
	expect(e, 2, BV_ENV_TOO_MANY_BYTES, 0);
	/* What an entry has comes before the sum. */
	e[1].name = names[0];
	expect(e, 2, BV_ENV_DUPLICATE_NAME, 1);
	free(e);
	free(big);
}

static void test_env__policy__its_rules(void **state)
{
	struct bv_env_rule rules[BV_ENV_ENTRIES_MAX];
	struct bv_policy p = { .env = rules, .env_n = 2 };

	(void)state;
	rules[0] = (struct bv_env_rule){ "A", "1", false, 7 };
	rules[1] = (struct bv_env_rule){ "B", "ref", true, 8 };
	assert_int_equal(bv_env_check_policy(&p).code, BV_ENV_SOUND);
	rules[1].name = "A";
	assert_int_equal(bv_env_check_policy(&p).code, BV_ENV_DUPLICATE_NAME);
	p.env_n = BV_ENV_ENTRIES_MAX + 1;
	assert_int_equal(bv_env_check_policy(&p).code, BV_ENV_TOO_MANY_ENTRIES);
	p.env_n = 0;
	assert_int_equal(bv_env_check_policy(&p).code, BV_ENV_SOUND);
}

/* A resolver can give anything; the text never repeats what it gave. */
static void test_env__resolved__checked_again(void **state)
{
	static const struct {
		struct bv_env_entry entry[2];
		int code;
		const char *says;
	} cases[] = {
		{ { LIT("A", "1"), LIT("TOKEN", "sesame") }, BV_OK, "" },
		{ { LIT("A", "1"), LEASE("TOKEN", "ref") },
		  BV_E_INVAL,
		  "variable 2 is a lease that was not resolved" },
		{ { LIT("A", "1"), LIT("TOKEN", "ses\0ame") },
		  BV_E_INVAL,
		  "the value of 'TOKEN' holds a NUL" },
		{ { LIT("TOKEN", "1"), LIT("TOKEN", "sesame") },
		  BV_E_INVAL,
		  "variable 2: duplicate-name" },
		{ { LIT("A", "1"), LIT("", "sesame") },
		  BV_E_INVAL,
		  "variable 2: empty-name" },
		{ { LIT("A=", "1"), LIT("B", "sesame") },
		  BV_E_INVAL,
		  "variable 1: name-reserved-byte" },
	};
	static char names[BV_ENV_ENTRIES_MAX + 1][5];
	struct bv_env_entry *e = many(BV_ENV_ENTRIES_MAX + 1, names);
	char *big = calloc(1, BV_ENV_BYTES_MAX + 1);
	struct bv_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		err = (struct bv_err){ 0 };
		assert_int_equal(bv_env_check_resolved(cases[i].entry, 2, &err),
				 cases[i].code);
		if (!strstr(err.msg, cases[i].says) ||
		    strstr(err.msg, "sesame"))
			fail_msg("case %zu: '%s'", i, err.msg);
	}
	assert_int_equal(bv_env_check_resolved(e, BV_ENV_ENTRIES_MAX + 1, &err),
			 BV_E_LIMIT);
	assert_int_equal(bv_env_check_resolved(e, BV_ENV_ENTRIES_MAX, &err),
			 BV_OK);
	assert_non_null(big);
	memset(big, 'x', BV_ENV_BYTES_MAX);
	e[3].value = big;
	e[3].value_len = BV_ENV_BYTES_MAX;
	assert_int_equal(bv_env_check_resolved(e, 5, &err), BV_E_LIMIT);
	assert_int_equal(bv_env_check_resolved(NULL, 0, NULL), BV_OK);
	free(e);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env__sound__nothing_said),
		cmocka_unit_test(test_env__each_fault__its_entry),
		cmocka_unit_test(test_env__count__bounded_first),
		cmocka_unit_test(test_env__bytes__bounded_last),
		cmocka_unit_test(test_env__policy__its_rules),
		cmocka_unit_test(test_env__resolved__checked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
