/* SPDX-License-Identifier: MIT */
/*
 * Verification beside house-keeping: rows go behind a checkpoint, then the reports of
 * their sessions, one by one. What is met of that half done is no finding; what house-
 * keeping would not have done is.
 */
#include "tests/unit/journal_scene.h"

#define US_LATER   UINT64_C(1800000000000000) /* than the scene's reports ended */
#define US_NOT_YET UINT64_C(9000000000000000) /* the year 2255 */

static void add_at(const struct scene *x, const char *id, uint64_t unix_us)
{
	struct bvl_journal *j = open_stage(&x->stage, BVL_APPEND);
	struct bv_event e = started_event(id);

	e.unix_us = unix_us;
	append(j, &e);
	bvl_journal_close(&j);
}

static void write_dated(const struct scene *x, const char *id,
			uint64_t closed_us)
{
	char name[40], path[160];
	struct ended e;
	char *json;
	FILE *f;

	ended_init(&e);
	memcpy(e.report.session_id, id, 17);
	e.report.closed_unix_us = closed_us;
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	snprintf(name, sizeof(name), "sessions/%s.json", id);
	path_in(&x->stage, name, path);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", json) > 0 && fclose(f) == 0);
	free(json);
	fixture_done(&e.f);
}

/* What was written before that time goes. */
static void prune_before(const struct scene *x, uint64_t unix_us, uint64_t want)
{
	const struct bvl_keep keep = { .age_us = 1000 };
	struct bvl_journal *j = open_stage(&x->stage, BVL_APPEND);
	struct bv_err err = { 0 };
	uint64_t removed = 0;

	if (bvl_journal_prune(j, &keep, unix_us + keep.age_us, &removed,
			      &err) != BV_OK)
		fail_msg("prune: %s", err.msg);
	assert_int_equal(removed, want);
	bvl_journal_close(&j);
}

static void remove_record(const struct scene *x, unsigned int n)
{
	char name[40];

	snprintf(name, sizeof(name), "sessions/%016x.json", n);
	remove_file(x, name);
}

/* --- between the rows and the reports ---------------------------------------------- */

static void test_reports_of_removed_rows__outlived(void **state)
{
	struct scene x;
	struct found f;
	char sha256[65];

	(void)state;
	scene_init(&x);
	add_at(&x, "00000000000000f1", US_LATER);
	prune_before(&x, US_LATER, 12);
	verify_with(&x.stage, true, NULL, 0, &f);
	print_found(&f);
	assert_int_equal(f.verdict.findings, 0);
	assert_int_equal(f.verdict.outlived, SESSIONS);
	assert_int_equal(f.verdict.reports, 0);

	/* Ended when rows are kept of, and yet of nobody. */
	stage_done(&x.stage);
	scene_init(&x);
	add_at(&x, "00000000000000f1", 1700000060000000);
	prune_before(&x, 1700000060000000, 12);
	verify_with(&x.stage, true, NULL, 0, &f);
	assert_int_equal(f.faults, UINT64_C(1) << BVL_FAULT_RECORD_UNKNOWN);
	assert_int_equal(f.verdict.findings, SESSIONS);
	stage_done(&x.stage);

	/* Nothing was ever removed: of nobody, however old. */
	scene_init(&x);
	add_at(&x, "00000000000000f1", US_LATER);
	write_record(&x.stage, "00000000000000ee", sha256);
	past_guards(&x, "DELETE FROM event WHERE seq <= 12");
	verify_with(&x.stage, true, NULL, 0, &f);
	assert_true((f.faults & UINT64_C(1) << BVL_FAULT_RECORD_UNKNOWN) != 0);
	assert_int_equal(f.verdict.outlived, 0);
	stage_done(&x.stage);
}

static void test_every_row_removed__outlived(void **state)
{
	struct scene x;
	struct found f;

	(void)state;
	scene_init(&x);
	prune_before(&x, US_LATER, 12);
	verify_with(&x.stage, true, NULL, 0, &f);
	print_found(&f);
	assert_int_equal(f.verdict.findings, 0);
	assert_int_equal(f.verdict.outlived, SESSIONS);
	stage_done(&x.stage);
}

/* By a clock that was ahead: its rows are gone, and nothing tells of what time they
 * were. Without a checkpoint it is of nobody. */
static void test_report_of_a_time_that_is_not_yet__outlived(void **state)
{
	struct scene x;
	struct found f;

	(void)state;
	for (int pruned = 0; pruned < 2; pruned++) {
		scene_init(&x);
		if (pruned == 1)
			prune_before(&x, US_LATER, 12);
		add_at(&x, "00000000000000f1", US_LATER + 1);
		write_dated(&x, "00000000000000ee", US_NOT_YET);
		verify_with(&x.stage, true, NULL, 0, &f);
		print_found(&f);
		assert_int_equal(f.verdict.findings, pruned == 1 ? 0 : 1);
		assert_int_equal(f.verdict.outlived,
				 pruned == 1 ? SESSIONS + 1 : 0);
		stage_done(&x.stage);
	}
}

/* --- what is said of it ----------------------------------------------------------- */

struct said {
	const struct scene *x;
	struct bvl_removal what;
	unsigned int times;
	int64_t rows, checkpoints; /* for everybody else then */
};

static int64_t count(const struct scene *x, const char *text)
{
	sqlite3 *db = raw(x);
	sqlite3_stmt *s = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static void on_going(void *arg, const struct bvl_removal *what)
{
	struct said *said = arg;

	said->what = *what;
	said->times++;
	said->rows = count(said->x, "SELECT count(*) FROM event");
	said->checkpoints = count(said->x, "SELECT count(*) FROM checkpoint");
}

/* … and is the checkpoint's head, whatever the rows are like. */
static void test_prune__is_said_before_it_is_so(void **state)
{
	struct bv_err err = { 0 };
	struct bvl_journal *j;
	struct bvl_head head;
	struct scene x;
	struct said said = { .x = &x };
	const struct bvl_keep keep = {
		.bytes = 1,
		.going = on_going,
		.arg = &said,
	};
	uint64_t removed = 0;

	(void)state;
	scene_init(&x);
	add_at(&x, "00000000000000f1", US_LATER); /* open: it stays */
	past_guards(&x,
		    "UPDATE event SET bytes = x'7b7d' WHERE seq IN (1, 12)");
	j = open_stage(&x.stage, BVL_APPEND);
	if (bvl_journal_prune(j, &keep, 1, &removed, &err) != BV_OK)
		fail_msg("prune: %s", err.msg);
	head = checkpoint_head(&x);
	assert_int_equal(said.times, 1);
	assert_int_equal(said.rows, 13);
	assert_int_equal(said.checkpoints, 0);
	assert_int_equal(removed, 12);
	assert_int_equal(said.what.rows, 12);
	assert_int_equal(said.what.newest_us, 1700000000000002);
	assert_int_equal(said.what.head.seq, 12);
	assert_string_equal(said.what.head.hash, head.hash);
	/* Nothing goes: nothing is said. */
	if (bvl_journal_prune(j, &keep, 1, &removed, &err) != BV_OK)
		fail_msg("prune: %s", err.msg);
	assert_int_equal(said.times, 1);
	bvl_journal_close(&j);
	stage_done(&x.stage);
}

/* --- while it verifies ---------------------------------------------------------------- */

struct race {
	const struct scene *x;
	bool prune;
	bool done;
	struct found found;
};

/* The snapshot is taken, the reports were not looked at yet: now. */
static void on_found_prune(void *arg, const struct bvl_finding *f)
{
	struct race *r = arg;

	on_found(&r->found, f);
	if (r->done || f->fault != BVL_FAULT_WITNESS_CUT)
		return;
	r->done = true;
	if (r->prune)
		prune_before(r->x, US_LATER, 12);
	remove_record(r->x, 2);
	remove_record(r->x, 5);
}

static uint64_t race(bool prune)
{
	const struct bvl_head beyond = { .seq = 99 };
	struct bvl_verdict verdict;
	struct bv_err err = { 0 };
	struct race r = { .prune = prune };
	struct bvl_verify what = {
		.heads = &beyond,
		.heads_n = 1,
		.found = on_found_prune,
		.arg = &r,
	};
	struct scene x;

	scene_init(&x);
	add_at(&x, "00000000000000f1", US_LATER);
	r.x = &x;
	what.dir = x.stage.dir;
	what.records_dir = x.stage.records;
	if (bvl_journal_verify(&what, &verdict, &err) != BV_OK)
		fail_msg("verify: %s", err.msg);
	assert_true(r.done);
	stage_done(&x.stage);
	return r.found.faults & ~(UINT64_C(1) << BVL_FAULT_WITNESS_CUT);
}

static void test_removed_meanwhile__asked_again(void **state)
{
	(void)state;
	assert_int_equal(race(true), 0);
	assert_int_equal(race(false), UINT64_C(1) << BVL_FAULT_RECORD_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_of_removed_rows__outlived),
		cmocka_unit_test(test_every_row_removed__outlived),
		cmocka_unit_test(
			test_report_of_a_time_that_is_not_yet__outlived),
		cmocka_unit_test(test_prune__is_said_before_it_is_so),
		cmocka_unit_test(test_removed_meanwhile__asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
