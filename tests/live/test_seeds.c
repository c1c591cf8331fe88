/* SPDX-License-Identifier: MIT */
/*
 * The proofs of the reference's own tests, one for one and under its names;
 * those that are not here stand in test_shell.c (environment, leases, the filter
 * seen by the host) and with the ledger (coupling). A skip says what is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper/cgroup.h"
#include "tests/live/shell_stage.h"

/* --- pids.max draws blood ---------------------------------------------------- */

#define CAP           4u
#define FORK_ATTEMPTS 30
#define TEXT(x)       TEXT_(x)
#define TEXT_(x)      #x

/* One number of a file of the leaf: the word after `key`, or the whole. */
static uint64_t leaf_number(const char *dir, const char *file, const char *key)
{
	char path[2 * PATH_MAX], word[64];
	unsigned long long n = UINT64_MAX, value;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	assert_non_null(f);
	if (key == NULL) {
		if (fscanf(f, "%llu", &n) != 1)
			n = UINT64_MAX;
	}
	while (key != NULL && fscanf(f, "%63s %llu", word, &value) == 2) {
		if (strcmp(word, key) == 0)
			n = value;
	}
	fclose(f);
	return n;
}

/* sh moves itself into the leaf and starts far more than the cap allows. Its
 * exit status is not looked at: a fork that was denied makes it complain. */
static void fork_bomb(const char *dir)
{
	static char script[] =
		"echo $$ >\"$0/cgroup.procs\" || exit; i=0; while [ $i -lt " TEXT(
			FORK_ATTEMPTS) " ]; do sleep 30 & i=$((i+1)); done";
	pid_t pid = fork();

	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		execl("/bin/sh", "sh", "-c", script, dir, (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
test_pids_max_genuinely_denies_forks_past_the_cap_or_explicit_skip(void **state)
{
	const struct bvh_leaf_limits limits = { .has_pids = true,
						.pids_max = CAP };
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;
	char dir[2 * PATH_MAX];
	uint64_t denied, current;
	bool killed, drained;

	(void)state;
	need_stage();
	if (!env.has_pids) {
		print_message("skip: cgroup v2 has no pids controller here; "
			      "the guests show it (58-seeds)\n");
		skip();
	}
	bvh_cgroup_base_init(&base);
	assert_int_equal(bvh_cgroup_base_find(env.base, &base, &err), BV_OK);
	assert_int_equal(
		bvh_leaf_create(&base, "bvisor-enforce", &limits, &leaf, &err),
		BV_OK);
	snprintf(dir, sizeof(dir), "%s/bvisor-enforce", env.base);
	assert_int_equal(leaf_number(dir, "pids.max", NULL), CAP);
	assert_int_equal(leaf_number(dir, "pids.events", "max"), 0);
	fork_bomb(dir);
	denied = leaf_number(dir, "pids.events", "max");
	current = leaf_number(dir, "pids.current", NULL);
	/* gone before anything is asserted: a failure leaks no leaf */
	killed = bvh_leaf_kill(&leaf, &err) == BV_OK;
	drained = bvh_leaf_drain(&leaf, 30000);
	assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_cgroup_base_done(&base);
	assert_true(denied > 0);
	assert_true(current <= CAP);
	assert_true(killed);
	assert_true(drained);
	assert_int_equal(access(dir, F_OK), -1);
}

/* --- new tasks ---------------------------------------------------------------- */

static bool has(json_t *report, const char *list, const char *key,
		const char *text)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, list), i, row)
	{
		const char *got = json_string_value(json_object_get(row, key));

		if (got != NULL && strcmp(got, text) == 0)
			return true;
	}
	return false;
}

static json_t *closed_report(struct session *s)
{
	json_t *report;

	assert_true(leader_step(&s->l, 'c'));
	assert_outcome(&s->l, "completed");
	report = record_of(&s->l);
	assert_non_null(json_object_get(report, "closed_unix_us"));
	return report;
}

static void after_close(struct session *s, json_t *report)
{
	json_decref(report);
	leader_done(&s->l);
	munmap(s->errand, sizeof(*s->errand));
	free(s->out);
	eventually(nothing_left());
}

static void
test_a_deny_new_tasks_spec_runs_through_the_execute_path_or_skip(void **state)
{
	struct session s;
	json_t *r;

	(void)state;
	need_stage();
	session_open(&s, "bvt-deny");
	(void)session_run(&s, "echo before_fork=ok; /bin/echo after_fork=ok "
			      "2>/dev/null; true");
	SAYS(&s, "before_fork=ok");
	assert_null(strstr(s.out, "after_fork=ok"));
	r = closed_report(&s);
	assert_true(has(r, "requirements", "requirement",
			"ChildSpawnDenyNewTasks"));
	assert_true(has(r, "observed", "kind", "exec_boundary_launch"));
	after_close(&s, r);
}

/* Where it cannot be had nobody gets in, and nothing runs. */
static void
test_allow_threads_fails_closed_at_admission_the_target_never_runs(void **state)
{
	struct order order = open_as("bvt-none");
	struct leader l;

	(void)state;
	need_stage();
	policy("bvt-none", "bvisor-policy 1\n[match]\nuser = bvt-none\n" CONFINE
			   "[spawn]\npolicy = threads\n");
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_REFUSED);
	assert_non_null(strstr(l.view->log_text, "ChildSpawnAllowThreads"));
	assert_non_null(strstr(l.view->log_text, "bvisor-shell"));
	assert_false(leaf_exists(&l));
	leader_done(&l);
	policy("bvt-none", "bvisor-policy 1\n[match]\nuser = bvt-none\n" CONFINE
			   "[environment]\npolicy = exact\n");
}

static void
test_allow_descendants_is_cgroup_confined_and_cgroup_kill_drains_the_tree_or_skip(
	void **state)
{
	struct session s;
	json_t *r;
	pid_t pid;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	EXITED(session_run(&s, "(setsid sleep 1000 >/dev/null 2>&1 & echo $!); "
			       "echo spawned=descendant"),
	       0);
	SAYS(&s, "spawned=descendant");
	pid = (pid_t)strtol(s.out, NULL, 10);
	assert_true(pid > 1);
	assert_false(is_dead(pid));
	assert_true(in_leaf(&s.l, pid)); /* the host's word */
	r = closed_report(&s);
	assert_true(is_dead(pid));
	assert_false(leaf_exists(&s.l));
	assert_true(has(r, "observed", "kind", "cgroup_leaf_prepared"));
	assert_true(has(r, "observed", "kind", "cgroup_leaf_removed"));
	assert_false(has(r, "observed", "kind", "teardown_incomplete"));
	after_close(&s, r);
}

static void
test_an_allow_descendants_spec_runs_through_the_execute_path_or_skip(
	void **state)
{
	struct session s;
	json_t *r;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	EXITED(session_run(&s, "/bin/echo ran"), 0);
	SAYS(&s, "ran");
	r = closed_report(&s);
	assert_true(has(r, "requirements", "requirement",
			"ChildSpawnAllowDescendants"));
	after_close(&s, r);
}

/* --- environment ---------------------------------------------------------------- */

static void
test_a_contract_invalid_policy_is_refused_before_execution(void **state)
{
	struct order order = open_as("bvt-loose");
	struct leader l;

	(void)state;
	need_stage();
	policy("bvt-loose",
	       "bvisor-policy 1\n[match]\nuser = bvt-loose\n" CONFINE
	       "[environment]\npolicy = exact\nset = TWICE=1\n"
	       "set = TWICE=2\n");
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_REFUSED);
	assert_non_null(strstr(l.view->log_text, "bvt-loose.conf:"));
	assert_non_null(strstr(l.view->log_text, "TWICE"));
	assert_false(leaf_exists(&l));
	leader_done(&l);
	policy("bvt-loose",
	       "bvisor-policy 1\n[match]\nuser = bvt-loose\n" CONFINE
	       "[environment]\npolicy = exact\nlease = TOKEN=readable-by-all\n");
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pids_max_genuinely_denies_forks_past_the_cap_or_explicit_skip),
		TEST(test_a_deny_new_tasks_spec_runs_through_the_execute_path_or_skip),
		TEST(test_allow_threads_fails_closed_at_admission_the_target_never_runs),
		TEST(test_allow_descendants_is_cgroup_confined_and_cgroup_kill_drains_the_tree_or_skip),
		TEST(test_an_allow_descendants_spec_runs_through_the_execute_path_or_skip),
		TEST(test_a_contract_invalid_policy_is_refused_before_execution),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
