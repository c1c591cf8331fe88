/* SPDX-License-Identifier: MIT */
/* Canonical JSON: any bytes become ASCII that tells them apart; SHA-256 against
 * the standard's own vectors; and every allocation of an encoding fails once. */
#include "tests/unit/boundary_fixture.h"

#include <jansson.h>

#include "core/json.h"

static char *shown(const char *text)
{
	char *json = NULL;

	assert_int_equal(bv_json_finish(json_pack("[o]", bv_json_text(text)),
					"test", &json, NULL),
			 BV_OK);
	return json;
}

static void test_text__any_bytes__ascii(void **state)
{
	static const char *const rows[][2] = {
		{ "", "[\"\"]" },
		{ "a b", "[\"a b\"]" },
		{ "\\", "[\"\\\\\\\\\"]" },
		{ "\x7f", "[\"\x7f\"]" },
		{ "\xc3\xa9", "[\"\\u00E9\"]" },
		{ "\xe0\xa0\x80", "[\"\\u0800\"]" },
		{ "\xed\x9f\xbf", "[\"\\uD7FF\"]" },
		{ "\xee\x80\x80", "[\"\\uE000\"]" },
		{ "\xf0\x90\x80\x80", "[\"\\uD800\\uDC00\"]" },
		{ "\xf4\x8f\xbf\xbf", "[\"\\uDBFF\\uDFFF\"]" },
		/* not UTF-8: overlong, surrogates, beyond, cut, alone */
		{ "\x80", "[\"\\\\x80\"]" },
		{ "\xc1\xbf", "[\"\\\\xc1\\\\xbf\"]" },
		{ "\xe0\x9f\xbf", "[\"\\\\xe0\\\\x9f\\\\xbf\"]" },
		{ "\xed\xa0\x80", "[\"\\\\xed\\\\xa0\\\\x80\"]" },
		{ "\xf0\x8f\xbf\xbf", "[\"\\\\xf0\\\\x8f\\\\xbf\\\\xbf\"]" },
		{ "\xf4\x90\x80\x80", "[\"\\\\xf4\\\\x90\\\\x80\\\\x80\"]" },
		{ "\xf5\x80\x80\x80", "[\"\\\\xf5\\\\x80\\\\x80\\\\x80\"]" },
		{ "\xc3", "[\"\\\\xc3\"]" },
		{ "\xc3z", "[\"\\\\xc3z\"]" },
		{ "\xe1\x80", "[\"\\\\xe1\\\\x80\"]" },
		{ "\xe1\x80z", "[\"\\\\xe1\\\\x80z\"]" },
		{ "\xe1\x80\xc0", "[\"\\\\xe1\\\\x80\\\\xc0\"]" },
		{ "\xf1\x80\x80z", "[\"\\\\xf1\\\\x80\\\\x80z\"]" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		char *json = shown(rows[i][0]);

		if (strcmp(json, rows[i][1]) != 0)
			fail_msg("row %zu: %s, want %s", i, json, rows[i][1]);
		free(json);
	}
}

/* Whatever two bytes: another text is another encoding. */
static void test_text__two_bytes__told_apart(void **state)
{
	static char *all[256 * 256];
	size_t n = 0;

	(void)state;
	for (unsigned int a = 1; a < 256; a += 3) {
		for (unsigned int b = 1; b < 256; b += 2) {
			const char text[3] = { (char)a, (char)b, '\0' };

			all[n++] = shown(text);
		}
	}
	for (size_t i = 0; i < n; i += 7)
		for (size_t j = 0; j < i; j++)
			if (strcmp(all[i], all[j]) == 0)
				fail_msg("%zu and %zu: %s", i, j, all[i]);
	while (n > 0)
		free(all[--n]);
}

static void test_numbers__up_to_the_signed_end(void **state)
{
	json_t *v = bv_json_u64(INT64_MAX);

	(void)state;
	assert_int_equal(json_integer_value(v), INT64_MAX);
	json_decref(v);
	assert_null(bv_json_u64((uint64_t)INT64_MAX + 1));
	assert_true(json_is_null(bv_json_text(NULL)));
}

static void test_finish__nothing__no_text(void **state)
{
	struct bv_err err = { 0 };
	char *json = NULL;

	(void)state;
	assert_int_equal(bv_json_finish(NULL, "a thing", &json, &err),
			 BV_E_NOMEM);
	assert_null(json);
	assert_string_equal(err.msg, "encode a thing: no memory, or a number "
				     "over 2^63-1");
}

static void test_sha256__vectors(void **state)
{
	static const struct {
		const char *text;
		const char *hex;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
			 "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039"
		  "a33ce45964ff2167f6ecedd419db06c1" },
	};
	char hex[65];

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		bv_sha256_hex(rows[i].text, strlen(rows[i].text), hex);
		assert_string_equal(hex, rows[i].hex);
	}
}

/* --- memory runs out --------------------------------------------------------- */

static long left, held;

static void *failing(size_t size)
{
	void *p;

	if (left-- <= 0)
		return NULL;
	p = malloc(size);
	held += p != NULL;
	return p;
}

static void giving_back(void *p)
{
	held -= p != NULL;
	free(p);
}

/* The n-th allocation fails, for every n: an error each time, nothing kept. */
static void test_encode__each_allocation_fails__error(void **state)
{
	static struct bv_plan plan;
	struct bv_refusal refusal;
	struct bv_err err = { 0 };
	struct fixture f;
	long n = 0;
	int code;

	(void)state;
	fixture_init(&f);
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	json_set_alloc_funcs(failing, giving_back);
	do {
		char *json = NULL;

		held = 0;
		left = n++;
		code = bv_plan_encode(&plan, &json, &err);
		if (code == BV_OK) {
			assert_non_null(json);
			giving_back(json);
		} else {
			assert_int_equal(code, BV_E_NOMEM);
			assert_null(json);
		}
		assert_int_equal(held, 0);
	} while (code != BV_OK && n < 100000);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(code, BV_OK);
	assert_true(n > 100);
	fixture_done(&f);
}

/* The same through admission: no plan and no refusal, an error. */
static void test_plan__each_allocation_fails__error(void **state)
{
	static struct bv_plan plan;
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_N };
	struct fixture f;
	long n = 0;
	int code;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	json_set_alloc_funcs(failing, giving_back);
	do {
		struct bv_err err = { 0 };

		plan.id[0] = '?';
		held = 0;
		left = n;
		n += 7;
		code = bv_plan_build(&f.spec, &f.snap, &plan, &refusal, &err);
		if (code != BV_OK) {
			assert_int_equal(code, BV_E_NOMEM);
			assert_int_equal(err.code, BV_E_NOMEM);
			assert_int_equal(plan.id[0], '?');
			assert_int_equal(refusal.membrane, BV_MEMBRANE_N);
			assert_int_equal(held, 0);
		}
	} while (code != BV_OK && n < 100000);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(code, BV_OK);
	assert_int_equal(refusal.membrane, BV_MEMBRANE_NONE);
	assert_true(n > 100);
	fixture_done(&f);
}

static void test_evidence__each_allocation_fails__null(void **state)
{
	json_t *names;
	long n = 0;

	(void)state;
	json_set_alloc_funcs(failing, giving_back);
	do {
		held = 0;
		left = n++;
		names = bv_json_evidence(BV_EV_BIT(BV_EV_N) - 1);
		if (names)
			assert_int_equal(json_array_size(names), BV_EV_N);
		json_decref(names);
		assert_int_equal(held, 0);
	} while (!names && n < 1000);
	json_set_alloc_funcs(malloc, free);
	assert_non_null(names);
	assert_true(n > BV_EV_N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text__any_bytes__ascii),
		cmocka_unit_test(test_text__two_bytes__told_apart),
		cmocka_unit_test(test_numbers__up_to_the_signed_end),
		cmocka_unit_test(test_finish__nothing__no_text),
		cmocka_unit_test(test_sha256__vectors),
		cmocka_unit_test(test_encode__each_allocation_fails__error),
		cmocka_unit_test(test_plan__each_allocation_fails__error),
		cmocka_unit_test(test_evidence__each_allocation_fails__null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
