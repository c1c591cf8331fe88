/* SPDX-License-Identifier: MIT */
/*
 * What somebody who may write every file does so that nothing is said: whole files
 * taken away or replaced, a database of another make, words that end early. Each time
 * verification comes to a verdict, and it names what was done.
 */
#include "tests/unit/journal_scene.h"

#include <signal.h>

/* Who waits for a pipe is woken, and has lost. There are three of them, and a planted
 * fault is not waited for long. */
#define PATIENCE_S 3

static void replace_by_pipe(const struct scene *x, const char *name)
{
	char path[160];

	path_in(&x->stage, name, path);
	(void)unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void open_to_all(const struct scene *x, const char *name)
{
	char path[160];

	path_in(&x->stage, name, path);
	assert_int_equal(chmod(path, 0666), 0);
}

static void remove_records(const struct scene *x)
{
	for (unsigned int i = 1; i <= SESSIONS; i++) {
		char name[40];

		snprintf(name, sizeof(name), "sessions/%016x.json", i);
		remove_file(x, name);
	}
}

/* --- what is done ------------------------------------------------------------------ */

static void do_delete_journal(const struct scene *x)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char path[160], name[40];

	for (size_t i = 0; i < BV_LEN(tails); i++) {
		snprintf(name, sizeof(name), "journal.db%s", tails[i]);
		path_in(&x->stage, name, path);
		(void)unlink(path);
	}
	remove_file(x, "journal.head");
}
/* One unsealed, or no file at all: it stands for a session as well. */
static void do_delete_all_but_junk(const struct scene *x)
{
	do_delete_journal(x);
	remove_records(x);
	replace_by_pipe(x, "sessions/00000000000000ab.json");
}
static void do_leave_log(const struct scene *x)
{
	char path[160];

	remove_file(x, "journal.db");
	remove_file(x, "journal.head");
	path_in(&x->stage, "journal.db-shm", path);
	(void)unlink(path);
	remove_records(x);
}
/* The head is set back to the beginning, which says that there was nothing. */
static void do_delete_behind_new_head(const struct scene *x)
{
	char line[160];

	snprintf(line, sizeof(line), "bvisor-journal-head 1 %020d %064d\n", 0,
		 0);
	scribble(x, "journal.head", 0, line, strlen(line));
	remove_file(x, "journal.db");
}
static void do_pipe(const struct scene *x)
{
	replace_by_pipe(x, "journal.db");
}
static void do_pipe_log(const struct scene *x)
{
	replace_by_pipe(x, "journal.db-wal");
}
static void do_pipe_head(const struct scene *x)
{
	replace_by_pipe(x, "journal.head");
}
static void do_pipe_record(const struct scene *x)
{
	replace_by_pipe(x, "sessions/0000000000000003.json");
}
static void do_pipe_record_of_nobody(const struct scene *x)
{
	replace_by_pipe(x, "sessions/00000000000000ee.json");
}
static void do_directory(const struct scene *x)
{
	char path[160];

	remove_file(x, "journal.db");
	path_in(&x->stage, "journal.db", path);
	assert_int_equal(mkdir(path, 0700), 0);
}
static void do_link(const struct scene *x)
{
	char path[160];

	remove_file(x, "journal.db");
	path_in(&x->stage, "journal.db", path);
	assert_int_equal(symlink("/nowhere", path), 0);
}
static void do_expose_log(const struct scene *x)
{
	open_to_all(x, "journal.db-wal");
}
static void do_expose_head(const struct scene *x)
{
	open_to_all(x, "journal.head");
}

static void do_empty_file(const struct scene *x)
{
	char path[160];

	checkpoint_wal(x);
	path_in(&x->stage, "journal.db", path);
	assert_int_equal(truncate(path, 0), 0);
}
static void do_zeros(const struct scene *x)
{
	static const char zeros[16 * 4096];

	checkpoint_wal(x);
	scribble(x, "journal.db", 0, zeros, sizeof(zeros));
}
static void do_other_database(const struct scene *x)
{
	char path[160];

	remove_file(x, "journal.db");
	remove_file(x, "journal.db-wal");
	sql(x, "CREATE TABLE recipes(name TEXT, salt REAL)");
	path_in(&x->stage, "journal.db", path);
	assert_int_equal(chmod(path, 0600), 0);
}
static void do_drop_events(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_no_delete; DROP TABLE event");
}
static void do_drop_checkpoints(const struct scene *x)
{
	sql(x, "DROP TRIGGER event_at_the_end; DROP TRIGGER event_no_delete; "
	       "DROP TABLE checkpoint");
}
static void do_rename_column(const struct scene *x)
{
	sql(x, "ALTER TABLE event RENAME COLUMN session TO sitting");
}
static void do_rename_hash(const struct scene *x)
{
	sql(x, "ALTER TABLE event RENAME COLUMN hash TO sum");
}
/* To SQL it is another kind, to who reads up to the NUL the same. */
static void do_kind_and_more(const struct scene *x)
{
	past_guards(x, "UPDATE event SET kind = CAST(x'7265706f727400' AS "
		       "TEXT) WHERE kind = 'report' AND seq = 6");
}
static void do_session_and_more(const struct scene *x)
{
	past_guards(x, "UPDATE event SET session = CAST(CAST(session AS BLOB) "
		       "|| x'0041' AS TEXT) WHERE seq = 6");
}
static void do_row_below_zero(const struct scene *x)
{
	past_guards(x, "PRAGMA ignore_check_constraints = ON; INSERT INTO "
		       "event SELECT -5, prev, hash, kind, session, bytes "
		       "FROM event WHERE seq = 1");
}
static void do_checkpoint_below_zero(const struct scene *x)
{
	past_guards(x, "PRAGMA ignore_check_constraints = ON; INSERT INTO "
		       "checkpoint SELECT -5, hash, 0, 1, prev, hash FROM "
		       "event WHERE seq = 1");
}

static void do_without_log(const struct scene *x)
{
	sql(x, "PRAGMA journal_mode = DELETE");
}
/* Whoever opens it to append makes the log anew, which SQLite then goes by. */
static void do_without_log_for_a_while(const struct scene *x)
{
	struct bvl_journal *j = NULL;

	do_without_log(x);
	assert_int_not_equal(
		bvl_journal_open(x->stage.dir, BVL_APPEND, 1000, &j, NULL),
		BV_OK);
}

static const struct deed {
	const char *what;
	void (*act)(const struct scene *x);
	enum bvl_fault fault;
	bool alone;       /* nothing else may be found */
	const char *says; /* a word of it; NULL: any */
	enum {
		NO_HEADS,
		HEADS
	} heads;
} deeds[] = {
	{ "the journal deleted with its head", do_delete_journal,
	  BVL_FAULT_DELETED, true, "reports of its sessions", NO_HEADS },
	{ "the same, and a report that is none", do_delete_all_but_junk,
	  BVL_FAULT_DELETED, true, "reports of its sessions", NO_HEADS },
	{ "only the write-ahead log is left", do_leave_log, BVL_FAULT_DELETED,
	  true, "beside it", NO_HEADS },
	{ "deleted, the head set back", do_delete_behind_new_head,
	  BVL_FAULT_DELETED, true, NULL, NO_HEADS },
	{ "deleted with its head, one seen elsewhere", do_delete_journal,
	  BVL_FAULT_DELETED, true, "at least 12 rows", HEADS },
	{ "a pipe for a journal", do_pipe, BVL_FAULT_FILE_EXPOSED, true,
	  "no regular file", NO_HEADS },
	{ "a pipe for a write-ahead log", do_pipe_log, BVL_FAULT_FILE_EXPOSED,
	  true, "no regular file", NO_HEADS },
	{ "a pipe for a head", do_pipe_head, BVL_FAULT_HEAD_TORN, false, NULL,
	  NO_HEADS },
	{ "a pipe for a report", do_pipe_record, BVL_FAULT_RECORD_TORN, true,
	  "no regular file", NO_HEADS },
	{ "a pipe for a report of nobody", do_pipe_record_of_nobody,
	  BVL_FAULT_RECORD_UNKNOWN, true, NULL, NO_HEADS },
	{ "a directory for a journal", do_directory, BVL_FAULT_FILE_EXPOSED,
	  true, "no regular file", NO_HEADS },
	{ "a link for a journal", do_link, BVL_FAULT_FILE_EXPOSED, true,
	  "no regular file", NO_HEADS },
	{ "the log opened to others", do_expose_log, BVL_FAULT_FILE_EXPOSED,
	  true, "journal.db-wal", NO_HEADS },
	{ "the head opened to others", do_expose_head, BVL_FAULT_FILE_EXPOSED,
	  true, "journal.head", NO_HEADS },
	{ "nothing in the file", do_empty_file, BVL_FAULT_SCHEMA_MISSING, false,
	  "no table", NO_HEADS },
	{ "zeros in the file", do_zeros, BVL_FAULT_NO_DATABASE, true, NULL,
	  NO_HEADS },
	{ "another database", do_other_database, BVL_FAULT_SCHEMA_FOREIGN,
	  false, "recipes", NO_HEADS },
	{ "the events dropped", do_drop_events, BVL_FAULT_SCHEMA_MISSING, false,
	  "'event", NO_HEADS },
	{ "the checkpoints dropped", do_drop_checkpoints,
	  BVL_FAULT_SCHEMA_MISSING, false, "'checkpoint'", NO_HEADS },
	{ "a column renamed", do_rename_column, BVL_FAULT_SCHEMA_CHANGED, false,
	  NULL, NO_HEADS },
	{ "the hashes' column renamed", do_rename_hash,
	  BVL_FAULT_SCHEMA_CHANGED, false, NULL, NO_HEADS },
	{ "a kind with a NUL behind it", do_kind_and_more, BVL_FAULT_KIND, true,
	  "and more bytes", NO_HEADS },
	{ "a session with a NUL behind it", do_session_and_more,
	  BVL_FAULT_SESSION, true, "and more bytes", NO_HEADS },
	{ "a row below zero", do_row_below_zero, BVL_FAULT_ROW_FORM, false,
	  "row -5", NO_HEADS },
	{ "a checkpoint below zero", do_checkpoint_below_zero,
	  BVL_FAULT_ROW_FORM, false, "checkpoint -5", NO_HEADS },
	{ "set to do without the log", do_without_log, BVL_FAULT_SCHEMA_CHANGED,
	  true, "journal_mode", NO_HEADS },
	{ "the same, and opened since", do_without_log_for_a_while,
	  BVL_FAULT_SCHEMA_CHANGED, true, "journal_mode", NO_HEADS },
};

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_every_deed__named(void **state)
{
	const struct sigaction wake = { .sa_handler = on_alarm };
	unsigned int bad = 0;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &wake, NULL), 0);
	for (size_t i = 0; i < BV_LEN(deeds); i++) {
		const struct deed *d = &deeds[i];
		const uint64_t bit = UINT64_C(1) << d->fault;
		struct scene x;
		struct found f;

		scene_init(&x);
		d->act(&x);
		alarm(PATIENCE_S);
		verify_with(&x.stage, true, &x.late, d->heads == HEADS, &f);
		alarm(0);
		if ((f.faults & bit) == 0 || (d->alone && f.faults != bit) ||
		    (d->says != NULL &&
		     strstr(f.text[d->fault], d->says) == NULL)) {
			print_message("# %s: wanted %s%s (%s)\n", d->what,
				      bvl_fault_name(d->fault),
				      d->alone ? " alone" : "",
				      d->says == NULL ? "" : d->says);
			print_found(&f);
			bad++;
		}
		stage_done(&x.stage);
	}
	assert_int_equal(bad, 0);
}

static size_t load(const struct scene *x, uint8_t *buf, size_t max)
{
	char path[160];
	size_t n;
	FILE *f;

	path_in(&x->stage, "journal.db", path);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(buf, 1, max, f);
	assert_int_equal(fclose(f), 0);
	return n;
}

/* Each byte of the header, and many of the pages: whatever it says then, it is a
 * verdict (verify_with() asserts that) and the hand is seen wherever it matters. */
static void test_any_byte__a_verdict(void **state)
{
	static uint8_t whole[64 * 4096];
	static const uint8_t others[] = { 0x00, 0xff, 0x03 };
	unsigned int silent = 0;
	struct scene x;
	size_t n;

	(void)state;
	scene_init(&x);
	checkpoint_wal(&x);
	n = load(&x, whole, sizeof(whole));
	assert_in_range(n, 4096, sizeof(whole) - 1);
	for (size_t at = 0; at < n; at += at < 108 ? 1 : 251) {
		for (size_t i = 0; i < BV_LEN(others); i++) {
			struct found f;

			if (whole[at] == others[i])
				continue;
			scribble(&x, "journal.db", (off_t)at, &others[i], 1);
			verify_with(&x.stage, true, NULL, 0, &f);
			silent += f.verdict.findings == 0 &&
				  f.verdict.rows != 2 * SESSIONS;
			scribble(&x, "journal.db", (off_t)at, &whole[at], 1);
		}
	}
	assert_int_equal(silent, 0);
	stage_done(&x.stage);
}

/* Nothing there, or what a maker left who was killed at it: there was no journal. */
static void test_never_was__sound(void **state)
{
	char path[160], zeros[4096] = "";
	struct stage s;
	struct found f;
	FILE *log;

	(void)state;
	stage_init(&s);
	verify_with(&s, true, NULL, 0, &f);
	assert_int_equal(f.verdict.findings, 0);
	assert_int_equal(strspn(f.verdict.head.hash, "0"), 64);
	/* A guardian that is about to begin has reserved its report. */
	path_in(&s, "sessions/00000000000000aa.json", path);
	log = fopen(path, "we");
	assert_true(log != NULL && fclose(log) == 0);
	path_in(&s, "journal.head", path);
	log = fopen(path, "we");
	assert_non_null(log);
	verify_with(&s, true, NULL, 0, &f); /* a head of nothing yet */
	assert_int_equal(f.verdict.findings, 0);
	assert_true(fprintf(log, "bvisor-journal-head 1 %020d %064d\n", 0, 0) >
		    0);
	assert_int_equal(fclose(log), 0);
	path_in(&s, "journal.db-wal", path);
	log = fopen(path, "we");
	assert_non_null(log);
	assert_int_equal(fwrite(zeros, sizeof(zeros), 1, log), 1);
	assert_int_equal(fclose(log), 0);
	verify_with(&s, true, NULL, 0, &f);
	print_found(&f);
	assert_int_equal(f.verdict.findings, 0);
	stage_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_deed__named),
		cmocka_unit_test(test_any_byte__a_verdict),
		cmocka_unit_test(test_never_was__sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
