/* SPDX-License-Identifier: MIT */
/* The one form: it is read back, and nothing else is, with the place where it
 * goes wrong. */
#include "tests/unit/boundary_fixture.h"

#include <stdio.h>

#include "core/canon.h"
#include "core/json.h"
#include "tests/unit/golden.h"

static void expect_good(const char *text)
{
	struct bv_err err = { 0 };
	json_t *value = NULL;
	char *again;

	if (bv_canon_load(text, strlen(text), &value, &err) != BV_OK)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(bv_json_finish(value, "test", &again, NULL), BV_OK);
	assert_string_equal(again, text);
	free(again);
}

static void expect_bad(const char *text, size_t len, const char *want)
{
	struct bv_err err = { 0 };
	json_t *value = NULL;

	if (bv_canon_load(text, len, &value, &err) == BV_OK)
		fail_msg("accepted: %s", text);
	assert_null(value);
	if (strcmp(err.msg, want) != 0)
		fail_msg("%s: '%s', not '%s'", text, err.msg, want);
	assert_int_equal(err.code,
			 strstr(want, "over ") ? BV_E_LIMIT : BV_E_PROTO);
}

static void test_load__canonical__read(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"a\":1,\"b\":[true,false,null,\"\"]}",
		"[-9223372036854775808,9223372036854775807,0,-1]",
		"{\"A\":1,\"B\":2,\"a\":3,\"aa\":4,\"b\":5}",
		"[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\\u00E9\"]",
		"[\"\\uD83D\\uDE00\x7f\"]",
		/* looks like more, is text */
		"[\"1.5e3 {[{[ E\"]",
		"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++)
		expect_good(rows[i]);
}

static void test_load__another_form__refused_at_its_byte(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{ "", "byte 0: no JSON" },
		{ "1", "byte 1: no JSON" },
		{ "\"a\"", "byte 3: no JSON" },
		{ "null", "byte 4: no JSON" },
		{ "{", "byte 1: no JSON" },
		{ "[1,]", "byte 4: no JSON" },
		{ "{\"a\":1}}", "byte 8: no JSON" },
		{ "{\"a\":1}{}", "byte 8: no JSON" },
		{ "[1]x", "byte 4: no JSON" },
		{ "[1]\n", "byte 3: not in canonical form" },
		{ " [1]", "byte 0: not in canonical form" },
		{ "[1, 2]", "byte 3: not in canonical form" },
		{ "{\"a\": 1}", "byte 5: not in canonical form" },
		{ "{\"b\":1,\"a\":2}", "byte 2: not in canonical form" },
		{ "{\"a\":1,\"a\":1}", "byte 10: a key twice" },
		{ "[-0]", "byte 1: not in canonical form" },
		{ "[01]", "byte 2: no JSON" },
		{ "[+1]", "byte 2: no JSON" },
		{ "[1.0]", "byte 2: a number that is no integer" },
		{ "[1e3]", "byte 2: a number that is no integer" },
		{ "[1E3]", "byte 2: a number that is no integer" },
		{ "[-1e-3]", "byte 3: a number that is no integer" },
		{ "[NaN]", "byte 4: no JSON" },
		{ "[9223372036854775808]", "byte 20: no JSON" },
		{ "[-9223372036854775809]", "byte 21: no JSON" },
		{ "[\"\\u0041\"]", "byte 2: not in canonical form" },
		{ "[\"\\u00e9\"]", "byte 6: not in canonical form" },
		{ "[\"\xc3\xa9\"]", "byte 2: not in canonical form" },
		{ "[\"\\/\"]", "byte 2: not in canonical form" },
		{ "[\"\\u001f\"]", "byte 7: not in canonical form" },
		{ "[\"\\u000A\"]", "byte 3: not in canonical form" },
		{ "[\"\\u007F\"]", "byte 2: not in canonical form" },
		{ "[\"\\ud83d\\ude00\"]", "byte 4: not in canonical form" },
		{ "[\"\\uD83D\"]", "byte 9: no JSON" },
		{ "[\"\\u0000\"]", "byte 9: no JSON" },
		{ "[\"\xff\"]", "byte 2: no JSON" },
		{ "[\"\n\"]", "byte 2: no JSON" },
		{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
		  "byte 16: nested over 16 deep" },
		{ "[\"\\", "byte 3: no JSON" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++)
		expect_bad(rows[i].text, strlen(rows[i].text), rows[i].want);
	expect_bad("[1]\0", 4, "byte 4: no JSON");
	expect_bad("\0", 1, "byte 1: no JSON");
}

static void test_load__size__inclusive(void **state)
{
	const size_t len = BV_CANON_BYTES_MAX;
	char *text = malloc(len + 2);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', len + 1);
	memcpy(text, "[\"", 2);
	memcpy(text + len - 2, "\"]", 3);
	expect_good(text);
	memcpy(text + len - 2, "aa\"", 3);
	text[len - 1] = '"';
	text[len] = ']';
	text[len + 1] = '\0';
	expect_bad(text, len + 1, "1048577 bytes, over 1048576");
	free(text);
}

static int fail_after;

static void *some_memory(size_t size)
{
	return fail_after-- > 0 ? malloc(size) : NULL;
}

static void test_load__any_allocation_fails__refused(void **state)
{
	static const char text[] = "{\"a\":[1,\"x\\\\y\",{\"b\":null}]}";
	int code = BV_E_NOMEM;

	(void)state;
	for (int n = 0; code != BV_OK; n++) {
		struct bv_err err = { 0 };
		json_t *value = NULL;

		fail_after = n;
		json_set_alloc_funcs(some_memory, free);
		code = bv_canon_load(text, strlen(text), &value, &err);
		json_set_alloc_funcs(malloc, free);
		/* jansson's lexer calls it a bad token. */
		if (code != BV_OK)
			assert_true(code == BV_E_NOMEM || code == BV_E_PROTO);
		assert_int_equal(value != NULL, code == BV_OK);
		json_decref(value);
		assert_true(n < 1000);
	}
}

/* --- golden files: cut, longer, changed ------------------------------------ */

static void test_load__golden_cut_or_longer__refused(void **state)
{
	static const char *const names[] = { "plan-debian12", "report-closed",
					     "snapshot-debian12",
					     "event-refusal" };

	(void)state;
	for (size_t i = 0; i < BV_LEN(names); i++) {
		char *text = golden_read(names[i], ".json");
		const size_t len = strlen(text);
		json_t *value;

		expect_good(text);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(bv_canon_load(text, n, &value, NULL),
					 BV_E_PROTO);
		for (unsigned int c = 0; c < 256; c++) {
			text[len] = (char)c;
			assert_int_equal(
				bv_canon_load(text, len + 1, &value, NULL),
				BV_E_PROTO);
		}
		free(text);
	}
}

/* --- text ------------------------------------------------------------------ */

static void test_text__any_bytes__back_again(void **state)
{
	struct bv_arena arena;
	uint32_t seed = 1;

	(void)state;
	bv_arena_init(&arena, 16u << 20);
	for (unsigned int round = 0; round < 20000; round++) {
		char raw[9];
		const char *back = NULL;
		char *encoded;
		size_t len;

		for (len = 0; len < round % 9; len++) {
			seed = seed * 1664525u + 1013904223u;
			/* bytes that take part in something, mostly */
			raw[len] =
				(char)(seed & 1u << 20
					       ? seed >> 24
					       : (uint32_t) "\\x4f\xc3\xa9\xe2"
							    "\x82"[seed >> 29]);
			if (raw[len] == '\0')
				raw[len] = '\\';
		}
		raw[len] = '\0';
		encoded = bv_json_escape(raw);
		assert_non_null(encoded);
		assert_int_equal(bv_canon_text(&arena, encoded, &back, NULL),
				 BV_OK);
		assert_string_equal(back, raw);
		free(encoded);
	}
	bv_arena_done(&arena);
}

static void test_text__another_form__refused(void **state)
{
	static const struct {
		const char *encoded;
		const char *want;
	} rows[] = {
		{ "\\", "unknown escape at byte 0" },
		{ "a\\n", "unknown escape at byte 1" },
		{ "\\x", "unknown escape at byte 0" },
		{ "\\xf", "unknown escape at byte 0" },
		{ "\\xFF", "unknown escape at byte 0" },
		{ "\\xfg", "unknown escape at byte 0" },
		{ "\\xg0", "unknown escape at byte 0" },
		{ "\\\\\\", "unknown escape at byte 2" },
		{ "\\x41", "text not in canonical form" },
		{ "\\x5c", "text not in canonical form" },
		{ "\\xc3\\xa9", "text not in canonical form" },
		{ "\\x00", "text not in canonical form" },
		{ "a\\x00b", "text not in canonical form" },
	};
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 65536);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const char *back = "untouched";
		struct bv_err err = { 0 };

		assert_int_equal(
			bv_canon_text(&arena, rows[i].encoded, &back, &err),
			BV_E_PROTO);
		assert_string_equal(err.msg, rows[i].want);
		assert_string_equal(back, "untouched");
	}
	bv_arena_done(&arena);
}

static void test_text__arena_full__no_memory(void **state)
{
	const char *back = NULL;
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1);
	assert_int_equal(bv_canon_text(&arena, "abc", &back, NULL), BV_E_NOMEM);
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load__canonical__read),
		cmocka_unit_test(test_load__another_form__refused_at_its_byte),
		cmocka_unit_test(test_load__size__inclusive),
		cmocka_unit_test(test_load__any_allocation_fails__refused),
		cmocka_unit_test(test_load__golden_cut_or_longer__refused),
		cmocka_unit_test(test_text__any_bytes__back_again),
		cmocka_unit_test(test_text__another_form__refused),
		cmocka_unit_test(test_text__arena_full__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
