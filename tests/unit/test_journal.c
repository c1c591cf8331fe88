/* SPDX-License-Identifier: MIT */
/*
 * The journal as its writers know it: one fsync an append, many writers at once,
 * writers that are killed, no room, nobody lets go, and rows that grow old.
 */
#include "tests/unit/journal_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* --- syncs are counted where they are asked for ------------------------------------ */

static unsigned int syncs;

/* SQLite calls these through the program's own symbols. */
__attribute__((visibility("default"))) int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

static void test_append__one_sync(void **state)
{
	struct bvl_journal *j;
	struct stage s;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	for (unsigned int i = 1; i <= 20; i++) {
		struct bv_event e;
		char id[17];

		id_of(i, id);
		e = started_event(id);
		if (i % 5 == 0) { /* as a new guardian does */
			bvl_journal_close(&j);
			syncs = 0;
			j = open_stage(&s, BVL_APPEND);
			assert_int_equal(syncs, 0);
		}
		syncs = 0;
		append(j, &e);
		/* The first one begins the write-ahead log. */
		if (i > 1)
			assert_int_equal(syncs, 1);
	}
	bvl_journal_close(&j);
	assert_int_equal(assert_sound(&s), 20);
	stage_done(&s);
}

static void test_tend__the_next_start_still_costs_one(void **state)
{
	struct bvl_journal *j;
	struct stage s;
	unsigned int tended = 0;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	for (unsigned int i = 1; i <= 400; i++) {
		struct bv_event e;
		char id[17];

		id_of(i, id);
		e = started_event(id);
		syncs = 0;
		append(j, &e);
		if (i > 1)
			assert_int_equal(syncs, 1);
		syncs = 0;
		bvl_journal_tend(j);
		tended += syncs > 0;
	}
	assert_in_range(tended, 1, 20);
	bvl_journal_close(&j);
	assert_int_equal(assert_sound(&s), 400);
	stage_done(&s);
}

/* --- what is appended is what is read ------------------------------------------------ */

struct seen {
	unsigned int n;
	char kinds[8][16];
	char last[17];
};

static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct seen *seen = arg;

	(void)err;
	if (seen->n < 8)
		snprintf(seen->kinds[seen->n], 16, "%s",
			 bv_event_kind_name(row->event->kind));
	snprintf(seen->last, sizeof(seen->last), "%s", row->event->session);
	seen->n++;
	return BV_OK;
}

static void test_each__by_session_place_and_time(void **state)
{
	static const char a[] = "00000000000000a0", b[] = "00000000000000b0";
	struct bv_event e[4];
	struct bvl_journal *j;
	struct bvl_session_id *open = NULL;
	struct bv_err err = { 0 };
	struct seen seen = { 0 };
	struct stage s;
	bool known = true;
	size_t n = 0;

	(void)state;
	stage_init(&s);
	e[0] = started_event(a);
	e[1] = started_event(b);
	e[2] = report_event(a, PLAN_B);
	e[3] = (struct bv_event){
		.kind = BV_EVENT_RECOVERY,
		.session = b,
		.boot_id = BOOT,
		.unix_us = 1800000000000000,
		.recovery = { .verdict = BV_RECOVERY_NONE, .reason = "lives" },
	};
	j = open_stage(&s, BVL_APPEND);
	assert_int_equal(bvl_journal_append_all(j, e, 4, &err), BV_OK);
	assert_int_equal(bvl_journal_head(j)->seq, 4);
	assert_int_equal(bvl_journal_each(j,
					  &(struct bvl_query){ .session = a },
					  on_row, &seen, &err),
			 BV_OK);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.kinds[0], "started");
	assert_string_equal(seen.kinds[1], "report");
	/* A beginning is enough. */
	seen.n = 0;
	assert_int_equal(
		bvl_journal_each(j, &(struct bvl_query){ .session = "0000" },
				 on_row, &seen, &err),
		BV_OK);
	assert_int_equal(seen.n, 4);
	seen.n = 0;
	assert_int_equal(bvl_journal_each(j,
					  &(struct bvl_query){ .after_seq = 3 },
					  on_row, &seen, &err),
			 BV_OK);
	assert_int_equal(seen.n, 1);
	seen.n = 0;
	assert_int_equal(
		bvl_journal_each(j,
				 &(struct bvl_query){
					 .since_unix_us = 1750000000000000 },
				 on_row, &seen, &err),
		BV_OK);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.last, b);
	/* Adopted is not ended. */
	assert_int_equal(bvl_journal_open_sessions(j, &open, &n, &err), BV_OK);
	assert_int_equal(n, 1);
	assert_string_equal(open[0].id, b);
	free(open);
	e[3].recovery.verdict = BV_RECOVERY_ROLLED_BACK;
	append(j, &e[3]);
	assert_int_equal(bvl_journal_open_sessions(j, &open, &n, &err), BV_OK);
	assert_int_equal(n, 0);
	free(open);
	assert_int_equal(bvl_journal_knows(j, "00000000000000c0", &known, &err),
			 BV_OK);
	assert_false(known);
	bvl_journal_close(&j);
	stage_done(&s);
}

static void test_append__all_or_none(void **state)
{
	struct bv_event e[2] = { started_event("00000000000000a0"),
				 started_event("00000000000000b0") };
	struct bvl_journal *j;
	struct bv_err err = { 0 };
	char *longer = malloc(5000);
	struct stage s;

	(void)state;
	stage_init(&s);
	memset(longer, 'x', 4999);
	longer[4999] = '\0';
	e[1].started.user = longer; /* would not be read again */
	j = open_stage(&s, BVL_APPEND);
	assert_int_not_equal(bvl_journal_append_all(j, e, 2, &err), BV_OK);
	assert_non_null(strstr(err.msg, "'user' is over"));
	bvl_journal_close(&j);
	assert_int_equal(assert_sound(&s), 0);
	free(longer);
	stage_done(&s);
}

/* --- many at once --------------------------------------------------------------------- */

#define WRITERS 16
#define EACH    12

static void write_some(const struct stage *s, unsigned int who, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct bvl_journal *j = NULL;
		struct bv_event e;
		char id[17];

		id_of(who * 1000 + i, id);
		e = started_event(id);
		if (bvl_journal_open(s->dir, BVL_APPEND, 30000, &j, NULL) !=
			    BV_OK ||
		    bvl_journal_append(j, &e, NULL) != BV_OK)
			_exit(1);
		bvl_journal_close(&j);
	}
}

static void test_many_writers__one_chain(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s);
	/* They even race to make it. */
	for (unsigned int w = 1; w <= WRITERS; w++) {
		if (fork() == 0) {
			write_some(&s, w, EACH);
			_exit(0);
		}
	}
	for (unsigned int w = 0; w < WRITERS; w++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(assert_sound(&s), WRITERS * EACH);
	stage_done(&s);
}

/* Each killed writer has written down, in a file, the last row it was told is
 * durable: it must be there. */
static void test_killed_writers__what_was_promised_is_there(void **state)
{
	unsigned int seed = 1;
	struct stage s;

	(void)state;
	stage_init(&s);
	write_some(&s, 0, 1);
	for (unsigned int round = 1; round <= 30; round++) {
		uint64_t promised = 0, rows;
		struct timespec nap;
		int pipes[2];
		pid_t pid;

		assert_int_equal(pipe(pipes), 0);
		pid = fork();
		if (pid == 0) {
			struct bvl_journal *j = open_stage(&s, BVL_APPEND);

			for (unsigned int i = 0;; i++) {
				struct bv_event e;
				char id[17];

				id_of(round * 100000 + i, id);
				e = started_event(id);
				append(j, &e);
				bvl_journal_tend(j);
				if (write(pipes[1], &bvl_journal_head(j)->seq,
					  8) != 8)
					_exit(1);
			}
		}
		close(pipes[1]);
		nap = (struct timespec){
			.tv_nsec = 1000000L + rand_r(&seed) % 9000000,
		};
		nanosleep(&nap, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		for (uint64_t seq; read(pipes[0], &seq, 8) == 8;)
			promised = seq;
		close(pipes[0]);
		rows = assert_sound(&s);
		assert_true(rows >= promised);
	}
	/* And it goes on. */
	write_some(&s, 99, 1);
	assert_sound(&s);
	stage_done(&s);
}

/* --- nobody lets go, no room ------------------------------------------------------------ */

static void test_busy__said_at_the_deadline(void **state)
{
	struct bv_event e = started_event("00000000000000a0");
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };
	sqlite3 *db = NULL;
	char path[160];
	struct stage s;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	append(j, &e);
	bvl_journal_close(&j);
	path_in(&s, "journal.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(bvl_journal_open(s.dir, BVL_APPEND, 50, &j, &err),
			 BV_OK);
	e.session = "00000000000000a1";
	assert_int_equal(bvl_journal_append(j, &e, &err), BV_E_TIMEOUT);
	assert_non_null(strstr(err.msg, "others hold it for over 50 ms"));
	/* Readers are not kept waiting. */
	assert_int_equal(assert_sound(&s), 1);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	append(j, &e);
	bvl_journal_close(&j);
	assert_int_equal(assert_sound(&s), 2);
	stage_done(&s);
}

static void test_disk_full__refused_and_sound(void **state)
{
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };
	struct stage s;
	int code = BV_OK;
	unsigned int i;
	char *junk;
	int fd;

	(void)state;
	stage_init(&s);
	if (geteuid() != 0 ||
	    mount("tmpfs", s.dir, "tmpfs", 0, "mode=0700,size=2m") != 0) {
		print_message("# missing: a tmpfs of one's own (root)\n");
		stage_done(&s);
		skip();
	}
	j = open_stage(&s, BVL_APPEND);
	for (i = 1; code == BV_OK && i < 5000; i++) {
		struct bv_event e;
		char id[17];

		id_of(i, id);
		e = started_event(id);
		code = bvl_journal_append(j, &e, &err);
	}
	if (code != BV_E_SYS || strstr(err.msg, "full") == NULL)
		print_message("# %d: %s\n", code, err.msg);
	assert_int_equal(code, BV_E_SYS);
	assert_non_null(strstr(err.msg, "the disk is full: make room"));
	assert_int_equal(assert_sound(&s), i - 2);
	/* Room again: it goes on where it stood. */
	bvl_journal_close(&j);
	assert_int_equal(mount("tmpfs", s.dir, "tmpfs", MS_REMOUNT,
			       "mode=0700,size=16m"),
			 0);
	write_some(&s, 99, 1);
	assert_int_equal(assert_sound(&s), i - 1);
	/* Full from the start: nothing is made, and the next try succeeds. */
	assert_int_equal(umount(s.dir), 0);
	assert_int_equal(
		mount("tmpfs", s.dir, "tmpfs", 0, "mode=0700,size=64k"), 0);
	junk = calloc(1, 48 * 1024);
	char path[160];

	path_in(&s, "junk", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, junk, 48 * 1024), 48 * 1024);
	close(fd);
	free(junk);
	assert_int_not_equal(
		bvl_journal_open(s.dir, BVL_APPEND, 1000, &j, &err), BV_OK);
	assert_int_equal(mount("tmpfs", s.dir, "tmpfs", MS_REMOUNT,
			       "mode=0700,size=16m"),
			 0);
	write_some(&s, 1, 1);
	assert_int_equal(assert_sound(&s), 1);
	assert_int_equal(umount(s.dir), 0);
	stage_done(&s);
}

/* --- growing old ------------------------------------------------------------------------ */

static void add_sessions(struct bvl_journal *j, unsigned int from,
			 unsigned int n, uint64_t at_us)
{
	for (unsigned int i = from; i < from + n; i++) {
		struct bv_event e[2];
		char id[17];

		id_of(i, id);
		e[0] = started_event(id);
		e[1] = report_event(id, PLAN_B);
		e[0].unix_us = e[1].unix_us = at_us;
		assert_int_equal(bvl_journal_append_all(j, e, 2, NULL), BV_OK);
	}
}

static void test_prune__a_time_that_is_not_yet(void **state)
{
	const struct bvl_keep keep = { .age_us = 1000 };
	struct bv_err err = { 0 };
	struct bvl_journal *j;
	struct stage s;
	uint64_t removed = 0;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	add_sessions(j, 1, 10, 1000);
	add_sessions(j, 20, 10, 20000); /* the clock was wrong */
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 20); /* nothing tells its age yet */
	add_sessions(j, 40, 10, 2000);
	add_sessions(j, 60, 10, 9000);
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 40); /* it went with those behind it */
	bvl_journal_close(&j);
	stage_done(&s);
}

/* A reader keeps SQLite from writing the log back, which would sync it by the way. */
static void test_prune__is_durable(void **state)
{
	const struct bvl_keep keep = { .age_us = 1 };
	struct bvl_journal *j;
	sqlite3 *db = NULL;
	char path[160];
	struct stage s;
	uint64_t removed = 0;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	add_sessions(j, 1, 10, 1000);
	path_in(&s, "journal.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA wal_checkpoint(PASSIVE); BEGIN; "
				      "SELECT count(*) FROM event",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	add_sessions(j, 20, 1, 1000); /* it begins anew */
	syncs = 0;
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, NULL),
			 BV_OK);
	assert_int_equal(removed, 22);
	assert_true(syncs > 0);
	sqlite3_close(db);
	bvl_journal_close(&j);
	stage_done(&s);
}

static void test_prune__by_age_up_to_an_open_session(void **state)
{
	const struct bvl_keep keep = { .age_us = 1000 };
	struct bv_event open = started_event("00000000000000ff");
	struct bv_event end = report_event("00000000000000ff", PLAN_B);
	struct bv_err err = { 0 };
	struct bvl_journal *j;
	struct found f;
	struct stage s;
	uint64_t removed = 0;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	add_sessions(j, 1, 10, 1000);
	open.unix_us = 1000;
	append(j, &open);
	add_sessions(j, 20, 10, 1000);
	add_sessions(j, 40, 10, 9000);
	assert_int_equal(bvl_journal_prune(j, &keep, 1500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 0); /* too young, all of them */
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 20); /* up to the open one's start */
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 0);
	append(j, &end);
	assert_int_equal(bvl_journal_prune(j, &keep, 9500, &removed, &err),
			 BV_OK);
	assert_int_equal(removed, 21);
	assert_int_equal(bvl_journal_removed(j, &removed, &err), BV_OK);
	assert_int_equal(removed, 41);
	/* All of it, and the chain goes on behind the checkpoint. */
	assert_int_equal(
		bvl_journal_prune(j, &keep, UINT64_C(1) << 60, &removed, &err),
		BV_OK);
	assert_int_equal(removed, 21);
	add_sessions(j, 60, 2, 1);
	bvl_journal_close(&j);
	verify_with(&s, false, NULL, 0, &f);
	print_found(&f);
	assert_int_equal(f.verdict.findings, 0);
	assert_int_equal(f.verdict.rows, 4);
	assert_int_equal(f.verdict.first_seq, 63);
	assert_int_equal(f.verdict.removed, 62);
	stage_done(&s);
}

static void test_prune__by_size_gives_room_back(void **state)
{
	const struct bvl_keep keep = { .bytes = 256 * 1024 };
	struct bvl_journal *j;
	struct bv_err err = { 0 };
	char path[160];
	struct stat st;
	struct stage s;
	uint64_t removed = 0;

	(void)state;
	stage_init(&s);
	j = open_stage(&s, BVL_APPEND);
	for (unsigned int i = 0; i < 1000; i += 50) {
		add_sessions(j, i + 1, 50, 1000);
		bvl_journal_tend(j);
	}
	assert_int_equal(bvl_journal_prune(j, &keep, 1, &removed, &err), BV_OK);
	assert_true(removed > 500);
	bvl_journal_close(&j);
	path_in(&s, "journal.db", path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= 256 * 1024);
	assert_int_equal(assert_sound(&s), 2000 - removed);
	stage_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append__one_sync),
		cmocka_unit_test(test_tend__the_next_start_still_costs_one),
		cmocka_unit_test(test_each__by_session_place_and_time),
		cmocka_unit_test(test_append__all_or_none),
		cmocka_unit_test(test_many_writers__one_chain),
		cmocka_unit_test(
			test_killed_writers__what_was_promised_is_there),
		cmocka_unit_test(test_busy__said_at_the_deadline),
		cmocka_unit_test(test_disk_full__refused_and_sound),
		cmocka_unit_test(test_prune__by_age_up_to_an_open_session),
		cmocka_unit_test(test_prune__a_time_that_is_not_yet),
		cmocka_unit_test(test_prune__is_durable),
		cmocka_unit_test(test_prune__by_size_gives_room_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
