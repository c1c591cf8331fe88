/* SPDX-License-Identifier: MIT */
/*
 * BV_OK of an append is a promise: where SQLite says DONE and the row is not there,
 * or where what is there is another chain's, nothing is promised, and nothing is
 * written over what still tells of it. A head that only lags stops nobody.
 */
#include "tests/unit/journal_scene.h"

#include <sys/syscall.h>

static int append_to(const struct scene *x, size_t n, struct bv_err *err)
{
	const struct bv_event events[] = {
		started_event("00000000000000aa"),
		report_event("00000000000000aa", PLAN_B),
	};
	struct bvl_journal *j = NULL;
	int code = bvl_journal_open(x->stage.dir, BVL_APPEND, 1000, &j, err);

	if (code == BV_OK)
		code = bvl_journal_append_all(j, events, n, err);
	bvl_journal_close(&j);
	return code;
}

/* --- a database that does not keep what it takes --------------------------------- */

static void do_ignore(const struct scene *x)
{
	sql(x, "CREATE TRIGGER z BEFORE INSERT ON event BEGIN SELECT "
	       "RAISE(IGNORE); END");
}
static void do_remove_again(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_delete; CREATE TRIGGER z AFTER INSERT ON "
	       "event BEGIN DELETE FROM event WHERE seq = NEW.seq; END");
}
/* The first of two goes when the second has come. */
static void do_remove_first(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_delete; CREATE TRIGGER z AFTER INSERT ON "
	       "event BEGIN DELETE FROM event WHERE seq = NEW.seq - 1; END");
}
static void do_refile(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_update; CREATE TRIGGER z AFTER INSERT ON "
	       "event BEGIN UPDATE event SET session = '00000000000000bb' "
	       "WHERE seq = NEW.seq; END");
}
static void do_retell(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_update; CREATE TRIGGER z AFTER INSERT ON "
	       "event BEGIN UPDATE event SET bytes = CAST(replace(CAST(bytes "
	       "AS TEXT), 'alice', 'mallo') AS BLOB) WHERE seq = NEW.seq - 1 "
	       "OR seq = NEW.seq; END");
}
static void do_add_one(const struct scene *x)
{
	sql(x, "CREATE TRIGGER z AFTER INSERT ON event WHEN NEW.seq < 20 BEGIN "
	       "INSERT INTO event SELECT NEW.seq + 1, NEW.hash, NEW.hash, "
	       "NEW.kind, NEW.session, NEW.bytes; END");
}

static void test_append__what_is_not_kept_is_not_promised(void **state)
{
	static const struct {
		void (*act)(const struct scene *x);
		size_t n;
	} rows[] = {
		{ do_ignore, 1 },       { do_ignore, 2 },
		{ do_remove_again, 1 }, { do_remove_first, 2 },
		{ do_refile, 1 },       { do_retell, 1 },
		{ do_retell, 2 },       { do_add_one, 1 },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		struct bv_err err = { 0 };
		struct scene x;
		int code;

		scene_init(&x);
		rows[i].act(&x);
		code = append_to(&x, rows[i].n, &err);
		if (code != BV_E_PROTO ||
		    strstr(err.msg, "did not keep what was appended") == NULL ||
		    strstr(err.msg, "sessions/ away together") == NULL)
			fail_msg("row %zu: %d: %s", i, code, err.msg);
		sql(&x, "DROP TRIGGER z");
		/* Nothing of it, and the head where it was. */
		struct bvl_journal *j = open_stage(&x.stage, BVL_READ);
		bool known = true;

		assert_int_equal(
			bvl_journal_knows(j, "00000000000000aa", &known, &err),
			BV_OK);
		assert_false(known);
		bvl_journal_close(&j);
		stage_done(&x.stage);
	}
}

/* --- another chain behind the head ------------------------------------------------ */

/* One more row, well chained, in the database alone. */
static void forge_row(const struct scene *x)
{
	const struct bv_event e = started_event("00000000000000cc");
	struct bvl_journal *j;

	fix_head(x); /* so that it is taken */
	j = open_stage(&x->stage, BVL_APPEND);
	append(j, &e);
	bvl_journal_close(&j);
}

static void test_append__a_rewritten_chain_is_not_written_on(void **state)
{
	const struct bvl_keep keep = { .age_us = 1 };
	struct bv_err err = { 0 };
	struct bvl_journal *j;
	uint64_t removed = 0;
	struct scene x;
	struct found f;

	(void)state;
	scene_init(&x);
	past_guards(&x, "UPDATE event SET bytes = CAST(replace(CAST(bytes AS "
			"TEXT), 'alice', 'mallo') AS BLOB) WHERE seq = 5");
	rechain(&x, 5);
	forge_row(&x);
	put_head(&x, &x.late);
	assert_int_equal(append_to(&x, 1, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "was cut or rewritten"));
	/* Nor removed in order, which would leave the head behind it. */
	j = open_stage(&x.stage, BVL_APPEND);
	err = (struct bv_err){ 0 };
	assert_int_equal(
		bvl_journal_prune(j, &keep, UINT64_C(1) << 60, &removed, &err),
		BV_E_PROTO);
	bvl_journal_close(&j);
	verify_with(&x.stage, true, NULL, 0, &f);
	assert_true((f.faults & UINT64_C(1) << BVL_FAULT_REWRITTEN) != 0);
	stage_done(&x.stage);
}

/* The head's row is gone, and rows behind it are there: no checkpoint took it. */
static void test_append__a_hole_at_the_head_is_not_written_on(void **state)
{
	struct bv_err err = { 0 };
	struct scene x;

	(void)state;
	scene_init(&x);
	put_head(&x, &x.early);
	past_guards(&x, "DELETE FROM event WHERE seq = 5");
	assert_int_equal(append_to(&x, 1, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "was cut or rewritten"));
	stage_done(&x.stage);
}

/* A crash between the commit and the head, however often; and house-keeping. */
static void test_append__a_head_that_lags_stops_nobody(void **state)
{
	const struct bvl_head none = {
		.hash = "00000000000000000000000000000000"
			"00000000000000000000000000000000",
	};
	struct bv_err err = { 0 };
	struct bvl_head at;
	struct scene x;

	(void)state;
	scene_init(&x);
	put_head(&x, &x.early);
	assert_int_equal(append_to(&x, 1, &err), BV_OK);
	put_head(&x, &none);
	assert_int_equal(append_to(&x, 2, &err), BV_OK);
	stage_done(&x.stage);

	scene_init(&x);
	prune_six(&x); /* rows 1 to 14 are gone */
	put_head(&x, &x.late);
	assert_int_equal(append_to(&x, 1, &err), BV_OK);
	assert_sound(&x.stage);
	at = checkpoint_head(&x);
	put_head(&x, &at);
	assert_int_equal(append_to(&x, 2, &err), BV_OK);
	/* That very row, and another one than was removed. */
	memset(at.hash, 'a', 64);
	put_head(&x, &at);
	assert_int_equal(append_to(&x, 2, &err), BV_E_PROTO);
	stage_done(&x.stage);
}

/* --- a head that is being written -------------------------------------------------- */

/* Once, in the place of the head: the new number, and the old hash. */
static const char *half;

ssize_t seen_half(int fd, void *buf, size_t n, off_t at) __asm__("pread");
__attribute__((visibility("default"))) ssize_t seen_half(int fd, void *buf,
							 size_t n, off_t at)
{
	const ssize_t got = syscall(SYS_pread64, fd, buf, n, at);

	if (half == NULL || got != (ssize_t)strlen(half) ||
	    memcmp(buf, half, 20) != 0)
		return got;
	memcpy(buf, half, (size_t)got);
	half = NULL;
	return got;
}

static void test_append__half_of_a_head_stops_nobody(void **state)
{
	struct bv_err err = { 0 };
	char line[160];
	struct scene x;

	(void)state;
	scene_init(&x);
	snprintf(line, sizeof(line), "bvisor-journal-head 1 %020d %s\n", 12,
		 x.early.hash);
	half = line;
	if (append_to(&x, 1, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_null(half); /* it was seen */
	assert_sound(&x.stage);
	stage_done(&x.stage);
}

/* --- without the write-ahead log --------------------------------------------------- */

static void test_append__refused_without_the_log(void **state)
{
	struct bv_err err = { 0 };
	struct scene x;

	(void)state;
	scene_init(&x);
	sql(&x, "PRAGMA journal_mode = DELETE");
	assert_int_equal(append_to(&x, 1, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "without its write-ahead log"));
	stage_done(&x.stage);
}

/* A table that is gone: said with what to do about it. */
static void test_append__refused_with_a_remedy(void **state)
{
	struct bv_err err = { 0 };
	struct scene x;

	(void)state;
	scene_init(&x);
	sql(&x, "ALTER TABLE event RENAME COLUMN kind TO sort");
	assert_int_equal(append_to(&x, 1, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "it is not made as ours is"));
	assert_non_null(strstr(err.msg, "sessions/ away together"));
	stage_done(&x.stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append__what_is_not_kept_is_not_promised),
		cmocka_unit_test(
			test_append__a_rewritten_chain_is_not_written_on),
		cmocka_unit_test(
			test_append__a_hole_at_the_head_is_not_written_on),
		cmocka_unit_test(test_append__a_head_that_lags_stops_nobody),
		cmocka_unit_test(test_append__half_of_a_head_stops_nobody),
		cmocka_unit_test(test_append__refused_without_the_log),
		cmocka_unit_test(test_append__refused_with_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
