/* SPDX-License-Identifier: MIT */
/*
 * What somebody who may write every file does so that nothing is said: whole files
 * taken away or replaced, a database of another make, words that end early. Each time
 * verification comes to a verdict, and it names what was done.
 */
#include "tests/unit/journal_scene.h"

/* Fails as a hang would: nobody waits for a pipe. */
#define PATIENCE_S 60

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
};

static void test_every_deed__named(void **state)
{
	unsigned int bad = 0;

	(void)state;
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
	/* A guardian that is about to begin has reserved its report. */
	path_in(&s, "sessions/00000000000000aa.json", path);
	log = fopen(path, "we");
	assert_true(log != NULL && fclose(log) == 0);
	path_in(&s, "journal.head", path);
	log = fopen(path, "we");
	assert_non_null(log);
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
		cmocka_unit_test(test_never_was__sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
