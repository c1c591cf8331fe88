/* SPDX-License-Identifier: MIT */
/*
 * Guardians and their journal against this kernel: what is written when, what a
 * broken journal does to a login, and what recovery makes of guardians and
 * leaders that were killed. Witnesses are cgroupfs, /proc, the rows and the
 * files themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/journal_stage.h"

/* --- what is written when ------------------------------------------------------------- */

static void test_session__started_then_report(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	char path[128];
	json_t *o, *record;
	int fd;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_kinds(l.view->session, "started");
	o = row_of(l.view->session, "started");
	assert_int_equal(json_integer_value(json_object_get(o, "leader_pid")),
			 l.pid);
	assert_string_equal(json_string_value(json_object_get(o, "user")),
			    "bvt-alice");
	assert_string_equal(json_string_value(json_object_get(o, "plan_id")),
			    l.view->plan);
	json_decref(o);
	/* The guardian's word that it lives. */
	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l.view->session);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_false(bvh_record_lock(fd));
	close(fd);
	assert_int_equal(recover_for(l.view->session).adopted, 0);
	assert_kinds(l.view->session, "started");

	assert_true(leader_step(&l, 'c'));
	assert_kinds(l.view->session, "started report");
	record = record_of(&l);
	assert_member(l.view->session, "report", "outcome", "completed");
	assert_member(l.view->session, "report", "sha256",
		      json_string_value(json_object_get(record, "sha256")));
	json_decref(record);
	leader_done(&l);
	eventually(nothing_left());
	assert_sound();
}

/* The first step behind the record fails: it was written before. */
static void test_started__before_any_effect(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	must(mount("tmpfs", RUN_DIR "/sessions", "tmpfs", MS_RDONLY, NULL) == 0,
	     "mount");
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	must(umount2(RUN_DIR "/sessions", MNT_DETACH) == 0, "umount");
	assert_int_equal(l.view->verdict, BVP_FAULT);
	assert_false(leaf_exists(&l));
	assert_kinds(l.view->session, "started report");
	assert_member(l.view->session, "report", "outcome", "supervisor-fault");
	leader_done(&l);
	assert_sound();
}

static void test_refusal__recorded(void **state)
{
	struct order order = open_as("bvt-carol");
	struct leader l;

	(void)state;
	need_stage();
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_REFUSED);
	assert_kinds(l.view->session, "refusal");
	assert_member(l.view->session, "refusal", "user", "bvt-carol");
	assert_member(l.view->session, "refusal", "membrane", "action");
	leader_done(&l);
}

/* --- a journal that takes nothing ------------------------------------------------------- */

static void assert_refused_for(const char *why)
{
	struct order order = open_as("bvt-alice");
	struct order exempt = open_as("bvt-dave");
	struct order root = open_as("root");
	struct leader l;
	const size_t records = count_dir(STATE_DIR "/sessions", "");

	order.flags = 0; /* as long as a busy journal is waited for */
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	if (l.view->verdict != BVP_FAULT ||
	    strstr(l.view->log_text, why) == NULL)
		print_message("# %u: %s\n", l.view->verdict, l.view->log_text);
	assert_int_equal(l.view->verdict, BVP_FAULT);
	assert_non_null(strstr(l.view->log_text, why));
	assert_null(strstr(l.view->user_text, "journal"));
	assert_false(leaf_exists(&l));
	assert_int_equal(count_dir(STATE_DIR "/sessions", ""), records);
	leader_done(&l);
	l = start(&exempt);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_UNCONFINED);
	leader_done(&l);
	l = start(&root);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_UNCONFINED);
	leader_done(&l);
}

static void test_journal_busy__refused_in_time(void **state)
{
	sqlite3 *db;

	(void)state;
	need_stage();
	db = raw();
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_refused_for("others hold it");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
}

static void test_journal_touched__refused(void **state)
{
	(void)state;
	need_stage();
	must(rename(JOURNAL, STATE_DIR "/away") == 0, "rename");
	assert_refused_for("is gone, but 'journal.head' says");
	must(rename(STATE_DIR "/away", JOURNAL) == 0, "rename");
	/* One row, in the log alone. */
	plant("00000000000000d1", "another boot", 1, 1);
	must(rename(STATE_DIR "/journal.db-wal", STATE_DIR "/away") == 0,
	     "rename");
	assert_refused_for("was cut or rewritten");
	must(rename(STATE_DIR "/away", STATE_DIR "/journal.db-wal") == 0,
	     "rename");
	/* The log that SQLite made meanwhile knew nothing. */
	unlink(STATE_DIR "/journal.db-shm");
	assert_sound();
}

static void fill(const char *path)
{
	char junk[4096] = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, junk, sizeof(junk)) == (ssize_t)sizeof(junk))
		;
	close(fd);
}

/* The disk fills up while a session lives: its report is whole, and what it did
 * not need of its reserve takes the journal's last row. */
static void test_disk_fills_up__the_report_is_not_lost(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	(void)mkdir(STATE_DIR, 0700);
	must(mount("tmpfs", STATE_DIR, "tmpfs", 0, "mode=0700,size=4m") == 0,
	     "mount");
	l = opened(&order);
	fill(STATE_DIR "/junk");
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	assert_outcome(&l, "completed");
	assert_kinds(l.view->session, "started report");
	assert_sound();
	leader_done(&l);
	must(umount2(STATE_DIR, MNT_DETACH) == 0, "umount");
}

/* The journal takes nothing at the close: recovery folds the sealed report in. */
static void test_journal_busy_at_the_close__folded_later(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	sqlite3 *db;

	(void)state;
	need_stage();
	order.flags = 0; /* as long as a busy journal is waited for */
	l = opened(&order);
	db = raw();
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_outcome(&l, "completed");
	eventually(nothing_left());
	/* Its guardian may have found it itself, in its last sweep. */
	(void)recover_for(l.view->session);
	assert_kinds(l.view->session, "started report recovery");
	assert_member(l.view->session, "report", "outcome", "completed");
	assert_member(l.view->session, "recovery", "verdict", "completed");
	assert_sound();
	leader_done(&l);
}

/* --- the tool ------------------------------------------------------------------------------ */

static int ctl(const char *arguments, char *ret, size_t ret_len)
{
	char command[PATH_MAX + 256];
	FILE *f;
	size_t n;
	int status;

	snprintf(command, sizeof(command), "%.*s/bvisorctl %s 2>&1",
		 (int)(strrchr(env.helper, '/') - env.helper), env.helper,
		 arguments);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(ret, 1, ret_len - 1, f);
	ret[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_ctl__log_show_verify_export(void **state)
{
	struct order order = open_as("bvt-alice");
	static char text[1 << 20];
	char argument[128];
	struct leader l;
	json_t *o;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'c'));
	assert_int_equal(ctl("log bvt-alice --since 1h", text, sizeof(text)),
			 0);
	assert_non_null(strstr(text, l.view->session));
	assert_null(strstr(text, "bvt-carol"));
	assert_int_equal(ctl("log --json", text, sizeof(text)), 0);
	o = json_loads(text, 0, NULL);
	assert_true(json_array_size(o) > 2);
	json_decref(o);
	snprintf(argument, sizeof(argument), "show %.8s", l.view->session);
	assert_int_equal(ctl(argument, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "report       sealed"));
	assert_non_null(strstr(text, "outcome      completed"));
	assert_int_equal(ctl("show 0123456789abcdef", text, sizeof(text)), 1);
	assert_int_equal(ctl("verify", text, sizeof(text)), 0);
	assert_memory_equal(text, "sound", 5);
	snprintf(argument, sizeof(argument),
		 "verify " STATE_DIR "/sessions/%s.json", l.view->session);
	assert_int_equal(ctl(argument, text, sizeof(text)), 0);
	assert_int_equal(ctl("verify /etc/passwd", text, sizeof(text)), 1);
	assert_int_equal(ctl("export", text, sizeof(text)), 0);
	for (char *save = NULL, *line = strtok_r(text, "\n", &save);
	     line != NULL; line = strtok_r(NULL, "\n", &save)) {
		o = json_loads(line, 0, NULL);
		assert_non_null(json_object_get(o, "@timestamp"));
		assert_non_null(json_object_get(json_object_get(o, "event"),
						"sequence"));
		json_decref(o);
	}
	leader_done(&l);
}

static void test_ctl__verify_against_a_log(void **state)
{
	static char text[1 << 16];
	const char *head;
	FILE *f;

	(void)state;
	need_stage();
	assert_int_equal(ctl("verify", text, sizeof(text)), 0);
	head = strstr(text, "head ");
	assert_non_null(head);
	f = fopen("/run/heads", "we");
	fprintf(f, "Nov 27 host bvisor-helper[1]: session=x journal=%s\n",
		head + 5);
	fclose(f);
	assert_int_equal(ctl("verify --heads /run/heads", text, sizeof(text)),
			 0);
	f = fopen("/run/heads", "we");
	fprintf(f, "journal=99999:%064d\n", 0);
	fclose(f);
	assert_int_equal(ctl("verify --heads /run/heads", text, sizeof(text)),
			 1);
	assert_non_null(strstr(text, "witness-cut"));
	assert_int_equal(ctl("recover", text, sizeof(text)), 0);
}

#define TEST(test) cmocka_unit_test_teardown(test, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session__started_then_report),
		TEST(test_started__before_any_effect),
		TEST(test_refusal__recorded),
		TEST(test_journal_busy__refused_in_time),
		TEST(test_journal_touched__refused),
		TEST(test_disk_fills_up__the_report_is_not_lost),
		TEST(test_journal_busy_at_the_close__folded_later),
		TEST(test_ctl__log_show_verify_export),
		TEST(test_ctl__verify_against_a_log),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
