/* SPDX-License-Identifier: MIT */
/*
 * Heads that were seen elsewhere, and rows that were removed: what the log says of
 * each checkpoint stands for the rows behind it, and nothing else does.
 */
#include "tests/unit/journal_scene.h"

#define REMOVED_BIT (UINT64_C(1) << BVL_FAULT_WITNESS_REMOVED)

static void verify_heads(const struct scene *x, const struct bvl_head *heads,
			 size_t n, struct found *ret)
{
	verify_with(&x->stage, false, heads, n, ret);
	assert_int_equal(ret->faults & ~REMOVED_BIT, 0);
}

static void test_forged_checkpoint__needs_a_witness(void **state)
{
	struct scene x;
	struct found f;

	(void)state;
	scene_init(&x);
	forge_everything(&x);
	const struct bvl_head seen[] = { x.early, x.late };

	/* Sound by itself: this is what heads elsewhere are for. */
	verify_with(&x.stage, true, NULL, 0, &f);
	assert_int_equal(f.faults, 0);
	verify_heads(&x, seen, 2, &f);
	assert_int_equal(f.faults, REMOVED_BIT);
	assert_int_equal(f.verdict.findings, 1);
	assert_int_equal(f.verdict.heads_agree, 0);
	assert_int_equal(f.verdict.heads_removed, 2);
	assert_non_null(strstr(f.text[BVL_FAULT_WITNESS_REMOVED],
			       "checkpoint 13 removed the rows of 2 heads"));
	stage_done(&x.stage);
}

static void test_house_keeping__stands_for_what_it_removed(void **state)
{
	struct scene x;
	struct found f;

	(void)state;
	scene_init(&x);
	prune_six(&x);
	const struct bvl_head seen[] = { x.early, x.late, checkpoint_head(&x) };
	struct bvl_head other = seen[2];

	verify_heads(&x, seen, 3, &f);
	assert_int_equal(f.faults, 0);
	assert_int_equal(f.verdict.heads_agree, 1);
	assert_int_equal(f.verdict.heads_removed, 2);
	/* Without its line, or with another of that number. */
	verify_heads(&x, seen, 2, &f);
	assert_int_equal(f.faults, REMOVED_BIT);
	memset(other.hash, 'c', 64);
	verify_with(&x.stage, false, &other, 1, &f);
	assert_int_equal(f.faults, UINT64_C(1) << BVL_FAULT_WITNESS_REWRITTEN);
	/* No head of what it removed: nothing to stand for. */
	verify_heads(&x, NULL, 0, &f);
	assert_int_equal(f.faults, 0);
	stage_done(&x.stage);
}

/* A forged checkpoint between two that house-keeping wrote. */
static void test_each_checkpoint__a_witness_of_its_own(void **state)
{
	const struct bvl_keep keep = { .age_us = 1 };
	struct bvl_head seen[3];
	struct bv_err err = { 0 };
	struct bvl_journal *j;
	struct scene x;
	struct found f;
	uint64_t removed = 0;

	(void)state;
	scene_init(&x);
	prune_six(&x);
	seen[0] = checkpoint_head(&x);
	j = open_stage(&x.stage, BVL_APPEND);
	for (unsigned int i = 0x20; i < 0x24; i++) {
		struct bv_event e;
		char id[17];

		id_of(i, id);
		e = report_event(id, PLAN_B);
		append(j, &e);
		seen[1] = *bvl_journal_head(j);
	}
	const struct bv_event last = started_event("0000000000000030");

	append(j, &last);
	const struct bv_event end = report_event("0000000000000030", PLAN_B);

	append(j, &end);
	assert_int_equal(
		bvl_journal_prune(j, &keep, UINT64_C(1) << 60, &removed, &err),
		BV_OK);
	bvl_journal_close(&j);
	/* Of a row that the second removed, with the first's word only. */
	verify_heads(&x, seen, 2, &f);
	assert_int_equal(f.faults, REMOVED_BIT);
	seen[2] = checkpoint_head(&x);
	verify_heads(&x, seen, 3, &f);
	assert_int_equal(f.faults, 0);
	assert_int_equal(f.verdict.heads_agree, 2);
	assert_int_equal(f.verdict.heads_removed, 1);
	stage_done(&x.stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forged_checkpoint__needs_a_witness),
		cmocka_unit_test(
			test_house_keeping__stands_for_what_it_removed),
		cmocka_unit_test(test_each_checkpoint__a_witness_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
