/* SPDX-License-Identifier: MIT */
/*
 * Somebody who may write every file goes at the journal, each time in another
 * way, from the clumsy to the one who knows how the chain is made: what is found
 * is named by the right name. The untouched one is found sound first.
 */
#include "tests/unit/journal_scene.h"

/* --- what is done ------------------------------------------------------------------ */

static void do_change_byte(const struct scene *x)
{
	past_guards(x, "UPDATE event SET bytes = CAST(replace(CAST(bytes AS "
		       "TEXT), 'alice', 'mallo') AS BLOB) WHERE seq = 5");
}
static void do_change_hash(const struct scene *x)
{
	past_guards(x, "UPDATE event SET hash = zeroblob(32) WHERE seq = 5");
}
static void do_change_prev(const struct scene *x)
{
	past_guards(x, "UPDATE event SET prev = zeroblob(32) WHERE seq = 5");
}
static void do_swap(const struct scene *x)
{
	past_guards(x, "UPDATE event SET seq = -1 * seq WHERE 0; "
		       "CREATE TEMP TABLE t AS SELECT * FROM event WHERE seq "
		       "IN (3, 5); UPDATE event SET (prev, hash, kind, "
		       "session, bytes) = (SELECT prev, hash, kind, session, "
		       "bytes FROM t WHERE t.seq = 8 - event.seq) WHERE seq IN "
		       "(3, 5)");
}
static void do_delete_middle(const struct scene *x)
{
	past_guards(x, "DELETE FROM event WHERE seq = 6");
}
static void do_delete_first(const struct scene *x)
{
	past_guards(x, "DELETE FROM event WHERE seq <= 2");
}
static void do_cut(const struct scene *x)
{
	past_guards(x, "DELETE FROM event WHERE seq > 10");
}
static void do_empty(const struct scene *x)
{
	past_guards(x, "DELETE FROM event");
}
static void do_rewrite(const struct scene *x)
{
	do_change_byte(x);
	rechain(x, 5);
}
/* One row, and nothing behind it: its own hash fits. */
static void do_rehash_one(const struct scene *x)
{
	sqlite3 *db;

	do_change_byte(x);
	db = raw(x);
	sqlite3_create_function(db, "chain", 3, SQLITE_UTF8, NULL, sql_chain,
				NULL, NULL);
	assert_int_equal(
		sqlite3_exec(db,
			     "DROP TRIGGER event_no_update; UPDATE event SET "
			     "hash = chain(seq, prev, bytes) WHERE seq = 5; "
			     "CREATE TRIGGER event_no_update BEFORE UPDATE ON "
			     "event BEGIN SELECT RAISE(ABORT, 'rows are never "
			     "changed'); END",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}
static void do_rewrite_all(const struct scene *x)
{
	do_rewrite(x);
	fix_head(x);
}
static void do_cut_all(const struct scene *x)
{
	do_cut(x);
	fix_head(x);
}
static void do_not_canonical(const struct scene *x)
{
	past_guards(x, "UPDATE event SET bytes = CAST(replace(CAST(bytes AS "
		       "TEXT), ',\"event', ', \"event') AS BLOB) "
		       "WHERE seq = 5");
	rechain(x, 5);
}
static void do_kind(const struct scene *x)
{
	past_guards(x, "UPDATE event SET kind = 'refusal' WHERE seq = 5");
}
static void do_session(const struct scene *x)
{
	past_guards(x, "UPDATE event SET session = '00000000000000aa' "
		       "WHERE seq = 5");
}
static void do_start_twice(const struct scene *x)
{
	past_guards(x, "UPDATE event SET (kind, session, bytes) = (SELECT "
		       "kind, session, bytes FROM event WHERE seq = 3) "
		       "WHERE seq = 5");
	rechain(x, 5);
}
static void do_report_twice(const struct scene *x)
{
	past_guards(x, "UPDATE event SET (kind, session, bytes) = (SELECT "
		       "kind, session, bytes FROM event WHERE seq = 2) "
		       "WHERE seq = 4");
	rechain(x, 4);
}
static void do_report_unstarted(const struct scene *x)
{
	past_guards(x, "UPDATE event SET (kind, session, bytes) = (SELECT "
		       "kind, session, bytes FROM event WHERE seq = 8) "
		       "WHERE seq = 3");
	rechain(x, 3);
}
static void do_report_plan(const struct scene *x)
{
	past_guards(x, "UPDATE event SET bytes = CAST(replace(CAST(bytes AS "
		       "TEXT), 'plan_id\":\"00', 'plan_id\":\"ff') AS BLOB) "
		       "WHERE seq = 6");
	rechain(x, 6);
}
static void do_form(const struct scene *x)
{
	sql(x, "PRAGMA ignore_check_constraints = ON; "
	       "DROP TRIGGER event_no_update; "
	       "UPDATE event SET hash = x'00' WHERE seq = 5");
}
static void do_drop_trigger(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_delete");
}
static void do_weak_trigger(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_delete; CREATE TRIGGER event_no_delete "
	       "BEFORE DELETE ON event WHEN 0 BEGIN SELECT RAISE(ABORT, ''); "
	       "END");
}
static void do_foreign_trigger(const struct scene *x)
{
	sql(x, "CREATE TRIGGER helpful AFTER INSERT ON event BEGIN "
	       "SELECT 1; END");
}
static void do_drop_index(const struct scene *x)
{
	sql(x, "DROP INDEX event_session");
}
static void do_version(const struct scene *x)
{
	sql(x, "PRAGMA user_version = 7");
}
static void do_application(const struct scene *x)
{
	sql(x, "PRAGMA application_id = 1");
}
static void do_no_database(const struct scene *x)
{
	checkpoint_wal(x);
	scribble(x, "journal.db", 0, "not a database at all", 21);
}
static void do_page(const struct scene *x)
{
	char junk[2048];

	memset(junk, 0xa5, sizeof(junk));
	checkpoint_wal(x);
	/* The second page on is the tables'. */
	for (off_t at = 4096; at < 4 * 4096; at += 4096)
		scribble(x, "journal.db", at, junk, sizeof(junk));
}
static void do_delete_file(const struct scene *x)
{
	remove_file(x, "journal.db");
}
static void do_delete_wal(const struct scene *x)
{
	remove_file(x, "journal.db-wal");
}
static void do_head_gone(const struct scene *x)
{
	remove_file(x, "journal.head");
}
static void do_head_torn(const struct scene *x)
{
	scribble(x, "journal.head", 30, "xx", 2);
}
static void do_expose(const struct scene *x)
{
	char path[160];

	path_in(&x->stage, "journal.db", path);
	assert_int_equal(chmod(path, 0666), 0);
}
static void do_checkpoint_changed(const struct scene *x)
{
	prune_six(x);
	past_guards(x, "UPDATE checkpoint SET unix_us = unix_us + 1");
}
static void do_checkpoint_gone(const struct scene *x)
{
	prune_six(x);
	past_guards(x, "DELETE FROM checkpoint");
}
static void do_checkpoint_older_gone(const struct scene *x)
{
	struct bvl_journal *j;
	const struct bvl_keep keep = { .age_us = 1 };
	struct bv_event e;
	struct bv_err err = { 0 };
	uint64_t removed = 0;

	prune_six(x);
	j = open_stage(&x->stage, BVL_APPEND);
	for (unsigned int i = 0x20; i < 0x24; i++) {
		char id[17];

		id_of(i, id);
		e = report_event(id, PLAN_B);
		append(j, &e);
	}
	assert_int_equal(
		bvl_journal_prune(j, &keep, UINT64_C(1) << 60, &removed, &err),
		BV_OK);
	assert_int_equal(removed, 8);
	bvl_journal_close(&j);
	past_guards(x, "DELETE FROM checkpoint WHERE seq = 14");
}
static void do_checkpoint_link(const struct scene *x)
{
	struct bvl_head none = { .seq = 14 };

	prune_six(x);
	/* Resealed by one who knows how. */
	memset(none.hash, '0', 64);
	past_guards(x, "DELETE FROM checkpoint");
	forge_checkpoint(x, &none, 14);
}
static void do_checkpoint_gap(const struct scene *x)
{
	prune_six(x);
	past_guards(x, "DELETE FROM event WHERE seq = 15");
}
static void do_checkpoint_count(const struct scene *x)
{
	prune_six(x);
	past_guards(x, "UPDATE checkpoint SET removed = 3");
}
static void do_checkpoint_overlap(const struct scene *x)
{
	prune_six(x);
	past_guards(x, "INSERT INTO event SELECT 14, prev, hash, kind, "
		       "session, bytes FROM event WHERE seq = 15");
}
static void do_record_gone(const struct scene *x)
{
	remove_file(x, "sessions/0000000000000003.json");
}
static void do_record_touched(const struct scene *x)
{
	scribble(x, "sessions/0000000000000003.json", 200, "#", 1);
}
static void do_record_other(const struct scene *x)
{
	char path[160];
	char sha256[65];

	/* Sealed and well, but written later than the journal says. */
	write_record(&x->stage, "0000000000000004", sha256);
	path_in(&x->stage, "sessions/0000000000000003.json", path);
	char from[160];

	path_in(&x->stage, "sessions/0000000000000004.json", from);
	assert_int_equal(rename(from, path), 0);
}
/* The right session, another end. */
static void do_record_retold(const struct scene *x)
{
	char sha256[65];

	write_report(&x->stage, "0000000000000003", "nothing happened", sha256);
}
static void do_record_unknown(const struct scene *x)
{
	char sha256[65];

	write_record(&x->stage, "00000000000000ee", sha256);
}

static const struct tamper {
	const char *what;
	void (*act)(const struct scene *x);
	enum bvl_fault fault;
	bool alone; /* nothing else may be found */
	enum {
		NO_HEADS,
		LATE,
		EARLY
	} heads;
} tampers[] = {
	{ "a byte of an event", do_change_byte, BVL_FAULT_ROW_CHANGED, true,
	  NO_HEADS },
	{ "a row's hash", do_change_hash, BVL_FAULT_ROW_CHANGED, false,
	  NO_HEADS },
	{ "a row's link", do_change_prev, BVL_FAULT_ROW_CHANGED, true,
	  NO_HEADS },
	{ "two rows swapped", do_swap, BVL_FAULT_ROW_MOVED, false, NO_HEADS },
	{ "a row in the middle removed", do_delete_middle, BVL_FAULT_ROW_GAP,
	  true, NO_HEADS },
	{ "the first rows removed", do_delete_first,
	  BVL_FAULT_CHECKPOINT_MISSING, true, NO_HEADS },
	{ "the last rows removed", do_cut, BVL_FAULT_CUT, true, NO_HEADS },
	{ "all rows removed", do_empty, BVL_FAULT_CUT, true, NO_HEADS },
	{ "a row rewritten with its hash", do_rehash_one, BVL_FAULT_ROW_LINK,
	  true, NO_HEADS },
	{ "everything behind a row rewritten", do_rewrite, BVL_FAULT_REWRITTEN,
	  true, NO_HEADS },
	{ "the same with the head, an earlier one seen", do_rewrite_all,
	  BVL_FAULT_WITNESS_REWRITTEN, true, EARLY },
	{ "the last rows removed with the head", do_cut_all,
	  BVL_FAULT_WITNESS_CUT, true, LATE },
	{ "an event that is not canonical", do_not_canonical,
	  BVL_FAULT_EVENT_FORM, false, NO_HEADS },
	{ "filed as another kind", do_kind, BVL_FAULT_KIND, true, NO_HEADS },
	{ "filed under another session", do_session, BVL_FAULT_SESSION, true,
	  NO_HEADS },
	{ "a session that starts twice", do_start_twice,
	  BVL_FAULT_STARTED_TWICE, false, NO_HEADS },
	{ "a second report", do_report_twice, BVL_FAULT_REPORT_TWICE, false,
	  NO_HEADS },
	{ "a report without a start", do_report_unstarted,
	  BVL_FAULT_REPORT_UNSTARTED, false, NO_HEADS },
	{ "a report of another plan", do_report_plan, BVL_FAULT_REPORT_PLAN,
	  false, NO_HEADS },
	{ "a column of another length", do_form, BVL_FAULT_ROW_FORM, false,
	  NO_HEADS },
	{ "a guard dropped", do_drop_trigger, BVL_FAULT_TRIGGER_MISSING, true,
	  NO_HEADS },
	{ "a guard that guards nothing", do_weak_trigger,
	  BVL_FAULT_SCHEMA_CHANGED, true, NO_HEADS },
	{ "somebody else's trigger", do_foreign_trigger,
	  BVL_FAULT_SCHEMA_FOREIGN, true, NO_HEADS },
	{ "the index dropped", do_drop_index, BVL_FAULT_SCHEMA_MISSING, true,
	  NO_HEADS },
	{ "another version", do_version, BVL_FAULT_VERSION, true, NO_HEADS },
	{ "another application", do_application, BVL_FAULT_VERSION, true,
	  NO_HEADS },
	{ "the first page overwritten", do_no_database, BVL_FAULT_NO_DATABASE,
	  true, NO_HEADS },
	{ "pages overwritten", do_page, BVL_FAULT_PAGE_CORRUPT, false,
	  NO_HEADS },
	{ "the database deleted", do_delete_file, BVL_FAULT_DELETED, true,
	  NO_HEADS },
	{ "the write-ahead log deleted", do_delete_wal, BVL_FAULT_CUT, false,
	  NO_HEADS },
	{ "the head deleted", do_head_gone, BVL_FAULT_HEAD_MISSING, true,
	  NO_HEADS },
	{ "the head overwritten", do_head_torn, BVL_FAULT_HEAD_TORN, true,
	  NO_HEADS },
	{ "opened to others", do_expose, BVL_FAULT_FILE_EXPOSED, true,
	  NO_HEADS },
	{ "a checkpoint changed", do_checkpoint_changed,
	  BVL_FAULT_CHECKPOINT_SEAL, true, NO_HEADS },
	{ "a checkpoint removed", do_checkpoint_gone,
	  BVL_FAULT_CHECKPOINT_MISSING, true, NO_HEADS },
	{ "an older checkpoint removed", do_checkpoint_older_gone,
	  BVL_FAULT_CHECKPOINT_CHAIN, false, NO_HEADS },
	{ "a checkpoint of another hash, resealed", do_checkpoint_link,
	  BVL_FAULT_CHECKPOINT_LINK, true, NO_HEADS },
	{ "all removed behind a forged checkpoint", forge_everything,
	  BVL_FAULT_WITNESS_REMOVED, true, LATE },
	{ "rows behind the checkpoint removed", do_checkpoint_gap,
	  BVL_FAULT_CHECKPOINT_GAP, false, NO_HEADS },
	{ "a checkpoint that counts wrong", do_checkpoint_count,
	  BVL_FAULT_CHECKPOINT_COUNT, false, NO_HEADS },
	{ "a row that a checkpoint removed", do_checkpoint_overlap,
	  BVL_FAULT_CHECKPOINT_OVERLAP, false, NO_HEADS },
	{ "a report deleted", do_record_gone, BVL_FAULT_RECORD_MISSING, true,
	  NO_HEADS },
	{ "a byte of a report", do_record_touched, BVL_FAULT_RECORD_TORN, true,
	  NO_HEADS },
	{ "another sealed report in its place", do_record_other,
	  BVL_FAULT_RECORD_OTHER, false, NO_HEADS },
	{ "a report told anew and sealed", do_record_retold,
	  BVL_FAULT_RECORD_OTHER, true, NO_HEADS },
	{ "a report of nobody", do_record_unknown, BVL_FAULT_RECORD_UNKNOWN,
	  true, NO_HEADS },
};

/* Pruned sessions' reports are the service's to remove: these look no further
 * than the journal. */
static bool has_records(const struct tamper *t)
{
	return t->fault >= BVL_FAULT_RECORD_MISSING;
}

static void test_untouched__sound(void **state)
{
	struct scene x;
	struct found f;

	(void)state;
	scene_init(&x);
	const struct bvl_head seen[] = { x.early, x.late };

	verify_with(&x.stage, true, seen, 2, &f);
	print_found(&f);
	assert_int_equal(f.verdict.findings, 0);
	assert_int_equal(f.verdict.rows, 2 * SESSIONS);
	assert_int_equal(f.verdict.first_seq, 1);
	assert_int_equal(f.verdict.reports, SESSIONS);
	assert_int_equal(f.verdict.behind, 0);
	assert_string_equal(f.verdict.head.hash, x.late.hash);
	stage_done(&x.stage);
}

static void test_every_kind__named(void **state)
{
	uint64_t kinds = 0;
	unsigned int bad = 0;

	(void)state;
	for (size_t i = 0; i < BV_LEN(tampers); i++) {
		const struct tamper *t = &tampers[i];
		struct scene x;
		struct found f;

		scene_init(&x);
		t->act(&x);
		verify_with(&x.stage, has_records(t),
			    t->heads == EARLY ? &x.early : &x.late,
			    t->heads == NO_HEADS ? 0 : 1, &f);
		if ((f.faults & UINT64_C(1) << t->fault) == 0 ||
		    (t->alone && f.faults != UINT64_C(1) << t->fault)) {
			print_message("# %s: wanted %s%s\n", t->what,
				      bvl_fault_name(t->fault),
				      t->alone ? " alone" : "");
			print_found(&f);
			bad++;
		}
		kinds |= UINT64_C(1) << t->fault;
		stage_done(&x.stage);
	}
	assert_int_equal(bad, 0);
	/* Each fault there is has been planted. */
	assert_int_equal(kinds, (UINT64_C(1) << BVL_FAULT_N) - 1);
	assert_true(BV_LEN(tampers) >= 25);
}

/* A journal that was touched takes nothing more: the loss is not covered up. */
static void test_append__refused_on_what_was_touched(void **state)
{
	static const struct {
		void (*act)(const struct scene *x);
		const char *says;
	} rows[] = {
		{ do_cut, "was cut or rewritten" },
		{ do_empty, "was cut or rewritten" },
		{ do_rewrite, "was cut or rewritten" },
		{ do_delete_wal, "was cut or rewritten" },
		{ do_delete_file, "is gone, but 'journal.head' says" },
		{ do_head_gone, "journal.head" },
		{ do_head_torn, "'journal.head' is damaged" },
		{ do_no_database, "is no database" },
		{ do_expose, "must be ours alone" },
		{ do_version, "is none of version" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const struct bv_event e = started_event("00000000000000aa");
		struct bvl_journal *j = NULL;
		struct bv_err err = { 0 };
		struct scene x;
		int code;

		scene_init(&x);
		rows[i].act(&x);
		code = bvl_journal_open(x.stage.dir, BVL_APPEND, 1000, &j,
					&err);
		if (code == BV_OK)
			code = bvl_journal_append(j, &e, &err);
		bvl_journal_close(&j);
		if (code == BV_OK || strstr(err.msg, rows[i].says) == NULL)
			fail_msg("row %zu: %d: %s", i, code, err.msg);
		stage_done(&x.stage);
	}
}

/* Through SQLite itself, without dropping anything first. */
static void test_guards__stop_tools(void **state)
{
	static const char *const tries[] = {
		"UPDATE event SET session = ''",
		"DELETE FROM event",
		"DELETE FROM event WHERE seq = 12",
		"INSERT INTO event SELECT 40, prev, hash, kind, session, bytes "
		"FROM event WHERE seq = 1",
		"INSERT OR REPLACE INTO event SELECT 3, prev, hash, kind, "
		"session, bytes FROM event WHERE seq = 1",
		"INSERT INTO event SELECT 13, x'00', hash, kind, session, "
		"bytes FROM event WHERE seq = 1",
	};
	struct scene x;

	(void)state;
	scene_init(&x);
	for (size_t i = 0; i < BV_LEN(tries); i++) {
		sqlite3 *db = raw(&x);

		if (sqlite3_exec(db, tries[i], NULL, NULL, NULL) !=
		    SQLITE_CONSTRAINT)
			fail_msg("not stopped: %s", tries[i]);
		sqlite3_close(db);
	}
	assert_int_equal(assert_sound(&x.stage), 12);
	stage_done(&x.stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched__sound),
		cmocka_unit_test(test_every_kind__named),
		cmocka_unit_test(test_append__refused_on_what_was_touched),
		cmocka_unit_test(test_guards__stop_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
