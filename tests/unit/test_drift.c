/* SPDX-License-Identifier: MIT */
/* Profile drift: the machine is probed again, and anything that decides is
 * another than it was. */
#include "tests/unit/boundary_fixture.h"

#include <inttypes.h>

#include "tests/unit/outcome_fixture.h"

#define GOLDEN_BASIS                                                           \
	UINT64_C(0x858e907b6a89108e), UINT64_C(0xd0340b2c5a9e6d8d),            \
		UINT64_C(0xf1adb08c69435487), UINT64_C(0x4dc7b14deec414ba)

static void test_plan__probed_again__same_is_admitted(void **state)
{
	struct bv_snapshot again;
	struct bv_plan_extra extra = { .again = &again };
	struct fixture f;
	struct outcome o, first;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	again = f.snap;
	assert_int_equal(decide(&f, NULL, &first), BV_MEMBRANE_NONE);
	assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_NONE);
	assert_string_equal(o.plan.id, first.plan.id);
	/* Where the base was found and why another was not decide nothing. */
	fixture_set(&again, BV_FACT_CGROUP_SOURCE, "walk-up");
	fixture_set(&again, BV_FACT_CGROUP_WHY, "no reason");
	assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_NONE);
	/* Nor does a fact that is empty differ from one that is not there. */
	fixture_set(&again, "zzz", "");
	assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_NONE);
	assert_null(bv_snapshot_drift(&f.snap, &again));
	fixture_done(&f);
}

/* Each fact in turn is another, is gone, or is new. */
static void test_plan__probed_again__any_fact_refuses(void **state)
{
	struct bv_plan_extra extra;
	struct bv_snapshot again;
	struct fixture f;
	struct outcome o;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	extra = (struct bv_plan_extra){ .again = &again };
	for (size_t i = 0; i < f.snap.n; i++) {
		const char *key = f.snap.fact[i].key;

		if (strcmp(key, BV_FACT_CGROUP_SOURCE) == 0)
			continue;
		again = f.snap;
		fixture_set(&again, key, "other");
		assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_DRIFT);
		assert_int_equal(o.refusal.code, BV_REFUSED_DRIFT);
		assert_says(&o.refusal, key);
		assert_says(&o.refusal, " and is other");
		memmove(&again.fact[i], &again.fact[i + 1],
			(again.n - i - 1) * sizeof(again.fact[0]));
		again.n--;
		assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_DRIFT);
		assert_says(&o.refusal, key);
		assert_says(&o.refusal, " and is nothing");
	}
	again = f.snap;
	fixture_set(&again, "aaa", "1");
	assert_string_equal(bv_snapshot_drift(&f.snap, &again), "aaa");
	assert_string_equal(bv_snapshot_drift(&again, &f.snap), "aaa");
	assert_int_equal(decide(&f, &extra, &o), BV_MEMBRANE_DRIFT);
	assert_says(&o.refusal, "aaa was nothing and is 1");
	fixture_done(&f);
}

/* Of two that differ the first by name, whichever side has it. */
static void test_snapshot_drift__two_facts__first_by_name(void **state)
{
	struct bv_snapshot a = { .n = 0 }, b = { .n = 0 };

	(void)state;
	fixture_set(&a, "same", "1");
	fixture_set(&b, "same", "1");
	assert_null(bv_snapshot_drift(&a, &b));
	fixture_set(&a, "m", "1");
	assert_string_equal(bv_snapshot_drift(&a, &b), "m");
	fixture_set(&b, "n", "1");
	assert_string_equal(bv_snapshot_drift(&a, &b), "m");
	assert_string_equal(bv_snapshot_drift(&b, &a), "m");
	fixture_set(&b, "b", "1");
	assert_string_equal(bv_snapshot_drift(&a, &b), "b");
	assert_string_equal(bv_snapshot_drift(&b, &a), "b");
	fixture_set(&a, "b", "2");
	fixture_set(&a, "a", "2");
	assert_string_equal(bv_snapshot_drift(&a, &b), "a");
	assert_string_equal(bv_snapshot_drift(&b, &a), "a");
}

/* The digest is one that stays: what is compared may come from another
 * process. */
static void test_snapshot_basis__golden(void **state)
{
	static const uint64_t want[BV_DIGEST_WORDS] = { GOLDEN_BASIS };
	uint64_t got[BV_DIGEST_WORDS];
	struct fixture f;

	(void)state;
	fixture_init(&f);
	/* What stands beyond its facts is none of it. */
	f.snap.fact[f.snap.n] = (struct bv_fact){ "zzz", "1" };
	bv_snapshot_basis(&f.snap, got);
	for (unsigned int i = 0; i < BV_DIGEST_WORDS; i++)
		if (got[i] != want[i])
			fail_msg("word %u is %#" PRIx64, i, got[i]);
	fixture_done(&f);
}

static void test_snapshot_drift__beyond_the_facts__nothing(void **state)
{
	struct bv_snapshot a = { .n = 0 }, b;

	(void)state;
	fixture_set(&a, "k", "1");
	b = a;
	a.fact[1] = (struct bv_fact){ "l", "1" };
	assert_null(bv_snapshot_drift(&a, &b));
	assert_null(bv_snapshot_drift(&b, &a));
}

/* A value that moves from one key to the next is another machine too. */
static void test_snapshot_basis__injective(void **state)
{
	static const struct {
		const char *a, *b;
	} values[] = { { "", "" },   { "x", "" },  { "", "x" },
		       { "x", "x" }, { "ab", "" }, { "a", "b" } };
	uint64_t basis[BV_LEN(values)][BV_DIGEST_WORDS];

	(void)state;
	for (size_t i = 0; i < BV_LEN(values); i++) {
		struct bv_snapshot s = { .n = 0 };

		fixture_set(&s, "k1", values[i].a);
		fixture_set(&s, "k2", values[i].b);
		bv_snapshot_basis(&s, basis[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(basis[i], basis[j],
						sizeof(basis[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__probed_again__same_is_admitted),
		cmocka_unit_test(test_plan__probed_again__any_fact_refuses),
		cmocka_unit_test(test_snapshot_drift__two_facts__first_by_name),
		cmocka_unit_test(test_snapshot_basis__golden),
		cmocka_unit_test(
			test_snapshot_drift__beyond_the_facts__nothing),
		cmocka_unit_test(test_snapshot_basis__injective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
