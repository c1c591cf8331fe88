/* SPDX-License-Identifier: MIT */
/*
 * The crash matrix: the guardian, the leader or both killed at every step of the
 * schedule, forwards and backwards, and at the points between report, journal and
 * sweep; then recovery. One cell a test. Whatever dies when: no session without
 * its boundary, no leaf or state file left, the journal verifies and says what
 * happened, and a second recovery has nothing to add.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/primitive.h"
#include "tests/live/journal_stage.h"

#include "tests/crash/helper_process.h"

#include <sys/prctl.h>

#define CELLS_MAX 400u

static const char *const victims[] = { "self", "leader", "both" };

struct cell {
	char name[160];
	char word[128]; /* for /run/bvisor.red */
	const char *when;
	const char *victim;
};

static struct cell cells[CELLS_MAX];
static struct CMUnitTest tests[CELLS_MAX];
static size_t cells_n;

static void plant_death(const char *word)
{
	write_file("/run/bvisor.red", word);
}

static void no_deaths(void)
{
	(void)unlink("/run/bvisor.red");
}

/* A child of the leader's, and ours when the leader is gone. */
static bool is_guardian(pid_t pid, const void *leader)
{
	char text[STAT_LEN];
	int parent = 0;

	return is_named_helper(pid, text) &&
	       sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1 &&
	       (parent == *(const pid_t *)leader || parent == getpid());
}

static bool a_guardian_runs(pid_t leader)
{
	return find_process(is_guardian, &leader) != 0;
}

/* What is inside stays inside: the leader was released only behind the filter. */
static void check_living(const struct leader *l)
{
	if (is_dead(l->pid) || !l->view->attested)
		return;
	assert_int_equal(status_value(l->pid, "Seccomp"), 2);
}

/* The last word on it, by its rows. */
static void check_history(const char *session)
{
	static const char *const histories[] = {
		"",               /* never began: nothing is recorded */
		"started report", /* its guardian came through */
		"started report recovery",
		"started recovery report recovery", /* adopted before */
		"started recovery",
		/* with an outbox, from its decision on */
		"started disposition disposition report",
		"started disposition disposition report recovery",
		"started disposition recovery disposition report recovery",
		"started disposition recovery",
		"started disposition disposition recovery",
	};
	char got[256];
	bool known = false;

	if (session[0] == '\0')
		return; /* no verdict came: the id is not known to us */
	kinds_of(session, got);
	for (size_t i = 0; i < BV_LEN(histories); i++)
		known |= strcmp(got, histories[i]) == 0;
	if (!known)
		fail_msg("history: %s", got);
}

static int64_t count_rows(void)
{
	sqlite3 *db = raw();
	sqlite3_stmt *s = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM event", -1, &s,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static void say_left(const struct leader *l)
{
	if (!nothing_left())
		print_message("# left of %s: %zu leaves, %zu states, guardians "
			      "%d; last: %s %s, code %d %s\n",
			      l->view->session, count_dir(env.base, "session-"),
			      count_dir(RUN_DIR "/sessions", ""),
			      !guardians_are_gone(), last_found.id,
			      bv_recovery_action_name(last_found.what.action),
			      last_found.code, last_found.why_not);
}

/* Whoever was to die is dead: what recovery makes of it, and not more. */
static void check_aftermath(const struct cell *cell, const struct leader *l)
{
	int64_t rows;

	check_living(l);
	eventually(is_dead(l->pid) || strcmp(cell->victim, "leader") != 0);
	eventually(!a_guardian_runs(l->pid));
	no_deaths();
	/* With the leader as it is: kept, when it lives in its leaf. */
	(void)recover_for("");
	check_living(l);
	kill(l->pid, SIGKILL);
	eventually(is_dead(l->pid));
	(void)recover_for("");
	say_left(l);
	assert_true(nothing_left());
	assert_int_equal(count_open(), 0);
	check_history(l->view->session);
	assert_sound();
	rows = count_rows();
	(void)recover_for("");
	assert_int_equal(count_rows(), rows);
}

static void test_cell(void **state)
{
	const struct cell *cell = *state;
	struct order order = open_as("bvt-alice");
	struct leader l;

	need_stage();
	plant_death(cell->word);
	l = start(&order);
	if (leader_step(&l, 'o') && l.view->attested)
		(void)leader_step(&l, 'c'); /* its close; it may die in it */
	check_aftermath(cell, &l);
	leader_done(&l);
}

/* --- an effect in flight ----------------------------------------------------- */

#define TARGET "/home/in"

static void leave_result(void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (pid == 0) {
		leader_drop();
		int fd = open("/tmp/out/result", O_WRONLY | O_CREAT | O_CLOEXEC,
			      0600);
		_exit(fd < 0 || write(fd, "42", 2) != 2);
	}
	waitpid(pid, NULL, 0);
}

/* Between the decision on an outbox and the report: whole at its target, or not at
 * all, and never by recovery. */
static void test_outbox_cell(void **state)
{
	const struct cell *cell = *state;
	const bool dies_before = (strstr(cell->word, "decided") != NULL ||
				  strstr(cell->word, "staged") != NULL) &&
				 strcmp(cell->victim, "leader") != 0;
	struct order order = open_as("bvt-alice");
	char path[128];
	struct leader l;

	need_stage();
	policy("alice", "bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE
			"[temp]\nprivate = yes\n[budget]\nstorage = 4M\n"
			"[outbox]\npath = /tmp/out\ncommit = durable\n"
			"to = " TARGET "\n");
	must(mkdir(TARGET, 0755) == 0 || errno == EEXIST, TARGET);
	order.act = leave_result;
	l = opened(&order);
	assert_true(leader_step(&l, 'a'));
	plant_death(cell->word);
	(void)leader_step(&l, 'c');
	check_aftermath(cell, &l);
	snprintf(path, sizeof(path), TARGET "/%s/result", l.view->session);
	assert_int_equal(access(path, F_OK) == 0, !dies_before);
	snprintf(path, sizeof(path), TARGET "/.bvisor-%s.part",
		 l.view->session);
	assert_int_equal(access(path, F_OK), -1);
	leader_done(&l);
	write_policies();
}

/* A recovery that is itself killed, and the next one. */
static void test_recovery_cell(void **state)
{
	const struct cell *cell = *state;
	struct order order = open_as("bvt-alice");
	struct leader l;
	int status = 0;
	pid_t pid;

	need_stage();
	l = opened(&order);
	kill_guardian(&l);
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	plant_death(cell->word);
	pid = fork();
	if (pid == 0) {
		(void)recover_for("");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	no_deaths();
	(void)recover_for("");
	assert_true(nothing_left());
	assert_int_equal(count_open(), 0);
	assert_kinds(l.view->session, "started report recovery");
	assert_sound();
	leader_done(&l);
}

static void add_cell(const char *victim, const char *when, const char *step,
		     CMUnitTestFunction run)
{
	struct cell *c = &cells[cells_n];

	must(cells_n < CELLS_MAX, "too many cells");
	c->victim = victim;
	c->when = when;
	snprintf(c->word, sizeof(c->word), "%s:%s:%s", victim, when, step);
	snprintf(c->name, sizeof(c->name), "%s killed, %s %s", victim, when,
		 step);
	tests[cells_n++] = (struct CMUnitTest){
		.name = c->name,
		.test_func = run,
		.teardown_func = sweep_stage,
		.initial_state = c,
	};
}

/* The leader takes it, and the kernel takes it back with the leader. */
static bool is_leaders(const char *step)
{
	const struct bv_universe *u = bv_universe_linux();

	for (size_t i = 0; i < u->n; i++)
		if (strncmp(step, u->p[i].id, strlen(u->p[i].id)) == 0)
			return u->p[i].phase == BV_PHASE_ENTER ||
			       u->p[i].phase == BV_PHASE_PRIVILEGE_DROP ||
			       u->p[i].phase == BV_PHASE_POLICY_INSTALL;
	return false;
}

/* One session that nobody kills tells the steps. */
static void scout(void **state)
{
	static const char *const points[] = { "reserved", "started", "sealed",
					      "reported" };
	static const char *const of_outbox[] = { "decided", "staged", "moved",
						 "concluded" };
	static const char *const of_recovery[] = { "swept", "completed",
						   "recovered" };
	struct order order = open_as("bvt-alice");
	struct leader l;
	json_t *record, *executed, *step;
	size_t i;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'c'));
	record = record_of(&l);
	executed = json_object_get(json_object_get(record, "schedule"),
				   "executed");
	for (size_t v = 0; v < BV_LEN(victims); v++) {
		json_array_foreach(executed, i, step)
		{
			add_cell(victims[v], "run", json_string_value(step),
				 test_cell);
			if (!is_leaders(json_string_value(step)))
				add_cell(victims[v], "undo",
					 json_string_value(step), test_cell);
		}
		for (i = 0; i < BV_LEN(points); i++)
			add_cell(victims[v], "at", points[i], test_cell);
		for (i = 0; i < BV_LEN(of_outbox); i++)
			add_cell(victims[v], "at", of_outbox[i],
				 test_outbox_cell);
	}
	for (i = 0; i < BV_LEN(of_recovery); i++)
		add_cell("self", "at", of_recovery[i], test_recovery_cell);
	json_decref(record);
	leader_done(&l);
	eventually(nothing_left());
	print_message("# %zu cells\n", cells_n);
	assert_true(cells_n >= 60);
}

int main(void)
{
	const struct CMUnitTest first[] = {
		cmocka_unit_test_teardown(scout, sweep_stage),
	};
	int failed;

	/* Guardians whose leader died become children of ours. */
	must(prctl(PR_SET_CHILD_SUBREAPER, 1UL) == 0, "subreaper");
	(void)set_stage(NULL);
	failed = cmocka_run_group_tests(first, NULL, NULL);
	if (failed == 0 && cells_n > 0)
		failed = _cmocka_run_group_tests("cells", tests, cells_n, NULL,
						 NULL);
	(void)clear_stage(NULL);
	return failed;
}
