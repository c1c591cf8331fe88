/* SPDX-License-Identifier: MIT */
/* Facts stay sorted, replace one another and never overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/snapshot.h"

static void set(struct bv_snapshot *snap, const char *key, const char *value)
{
	struct bv_err err = { 0 };

	if (bv_snapshot_set(snap, key, value, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

static void test_snapshot__insert_any_order__same_bytes(void **state)
{
	static const char *const keys[] = { "b", "a",   "landlock.abi", "c",
					    "B", "a.b", "cgroup.base" };
	struct bv_snapshot up = { .n = 0 }, down = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < BV_LEN(keys); i++) {
		set(&up, keys[i], keys[i]);
		set(&down, keys[BV_LEN(keys) - 1 - i],
		    keys[BV_LEN(keys) - 1 - i]);
	}
	assert_int_equal(up.n, BV_LEN(keys));
	assert_memory_equal(&up, &down, sizeof(up));
	for (size_t i = 1; i < up.n; i++)
		assert_true(strcmp(up.fact[i - 1].key, up.fact[i].key) < 0);
	for (size_t i = 0; i < BV_LEN(keys); i++)
		assert_string_equal(bv_snapshot_get(&up, keys[i]), keys[i]);
}

static void test_snapshot__set_twice__replaced(void **state)
{
	struct bv_snapshot snap = { .n = 0 }, fresh = { .n = 0 };

	(void)state;
	set(&snap, "k", "a much longer value");
	set(&snap, "k", "v");
	set(&fresh, "k", "v");
	assert_int_equal(snap.n, 1);
	/* Nothing of the longer one is left behind the NUL. */
	assert_memory_equal(&snap, &fresh, sizeof(snap));
}

static void test_snapshot__set_from_own_value__kept(void **state)
{
	struct bv_snapshot snap = { .n = 0 };

	(void)state;
	set(&snap, "b", "x");
	set(&snap, "a", bv_snapshot_get(&snap, "b"));
	assert_string_equal(bv_snapshot_get(&snap, "a"), "x");
	assert_string_equal(bv_snapshot_get(&snap, "b"), "x");
}

static void test_snapshot__bounds__inclusive(void **state)
{
	char key[BV_FACT_KEY_MAX + 1], value[BV_FACT_VALUE_MAX + 1];
	struct bv_snapshot snap = { .n = 0 };
	struct bv_err err = { 0 };

	(void)state;
	memset(key, 'k', sizeof(key));
	memset(value, 'v', sizeof(value));
	key[BV_FACT_KEY_MAX - 1] = '\0';
	value[BV_FACT_VALUE_MAX - 1] = '\0';
	assert_int_equal(bv_snapshot_set(&snap, key, value, &err), BV_OK);
	assert_string_equal(bv_snapshot_get(&snap, key), value);

	key[BV_FACT_KEY_MAX - 1] = 'k';
	key[BV_FACT_KEY_MAX] = '\0';
	assert_int_equal(bv_snapshot_set(&snap, key, "v", &err), BV_E_LIMIT);
	value[BV_FACT_VALUE_MAX - 1] = 'v';
	value[BV_FACT_VALUE_MAX] = '\0';
	assert_int_equal(bv_snapshot_set(&snap, "k", value, &err), BV_E_LIMIT);
	assert_int_equal(bv_snapshot_set(&snap, "", "v", &err), BV_E_LIMIT);
	assert_int_equal(snap.n, 1);
	assert_string_equal(bv_snapshot_get(&snap, "k"), "");
}

static void test_snapshot__full__limit(void **state)
{
	struct bv_snapshot snap = { .n = 0 };
	struct bv_err err = { 0 };
	char key[16];

	(void)state;
	for (unsigned int i = 0; i < BV_FACT_MAX; i++) {
		snprintf(key, sizeof(key), "k%02u", i);
		set(&snap, key, "v");
	}
	assert_int_equal(bv_snapshot_set(&snap, "a", "v", &err), BV_E_LIMIT);
	assert_non_null(strstr(err.msg, "'a'"));
	/* Replacing needs no room. */
	set(&snap, "k00", "w");
	assert_string_equal(bv_snapshot_get(&snap, "k00"), "w");
	assert_int_equal(snap.n, BV_FACT_MAX);
}

static void test_snapshot__numbers__strict(void **state)
{
	static const struct {
		const char *text;
		uint64_t v;
	} cases[] = {
		{ "0", 0 },
		{ "7", 7 },
		{ "18446744073709551615", UINT64_MAX },
		{ "", 0 },
		{ "-1", 0 },
		{ "7x", 0 },
		{ " 7", 0 },
		{ "yes", 0 },
		{ "18446744073709551616", 0 },
	};
	struct bv_snapshot snap = { .n = 0 };

	(void)state;
	assert_int_equal(bv_snapshot_u64(&snap, "n"), 0);
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		set(&snap, "n", cases[i].text);
		assert_true(bv_snapshot_u64(&snap, "n") == cases[i].v);
	}
	assert_int_equal(bv_snapshot_set_u64(&snap, "n", UINT64_MAX, NULL),
			 BV_OK);
	assert_string_equal(bv_snapshot_get(&snap, "n"),
			    "18446744073709551615");
}

static void test_snapshot__booleans__yes_only(void **state)
{
	static const char *const no[] = {
		"no", "", "YES", "yes ", "1", "true"
	};
	struct bv_snapshot snap = { .n = 0 };

	(void)state;
	assert_false(bv_snapshot_is(&snap, "b"));
	for (size_t i = 0; i < BV_LEN(no); i++) {
		set(&snap, "b", no[i]);
		assert_false(bv_snapshot_is(&snap, "b"));
	}
	assert_int_equal(bv_snapshot_set_bool(&snap, "b", true, NULL), BV_OK);
	assert_true(bv_snapshot_is(&snap, "b"));
	assert_int_equal(bv_snapshot_set_bool(&snap, "b", false, NULL), BV_OK);
	assert_string_equal(bv_snapshot_get(&snap, "b"), "no");
}

static void test_snapshot__words__whole_only(void **state)
{
	static const struct {
		const char *value;
		const char *word;
		bool has;
	} cases[] = {
		{ "cpu memory pids", "pids", true },
		{ "cpu memory pids", "cpu", true },
		{ "cpu memory pids", "memory", true },
		{ "pids", "pids", true },
		{ "cpu  pids ", "pids", true },
		{ "cpu memory pids", "pid", false },
		{ "cpu memory pids", "ids", false },
		{ "cpuset", "cpu", false },
		{ "cpu memory", "cpu memory", false },
		{ "cpu", "", false },
		{ "", "pids", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_snapshot snap = { .n = 0 };

		set(&snap, "w", cases[i].value);
		assert_int_equal(
			bv_snapshot_has_word(&snap, "w", cases[i].word),
			cases[i].has);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snapshot__insert_any_order__same_bytes),
		cmocka_unit_test(test_snapshot__set_twice__replaced),
		cmocka_unit_test(test_snapshot__set_from_own_value__kept),
		cmocka_unit_test(test_snapshot__bounds__inclusive),
		cmocka_unit_test(test_snapshot__full__limit),
		cmocka_unit_test(test_snapshot__numbers__strict),
		cmocka_unit_test(test_snapshot__booleans__yes_only),
		cmocka_unit_test(test_snapshot__words__whole_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
