/* SPDX-License-Identifier: MIT */
/*
 * Guardians and leaders that were killed, and what recovery makes of it: who lives
 * is kept, who died unfinished is ended, swept, recorded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/journal_stage.h"

static void test_guardian_killed__adopted_then_rolled_back(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	json_t *record;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	kill_guardian(&l);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(recover_for(l.view->session).adopted, 1);
		assert_int_equal(last_found.what.action, BV_RECOVER_ADOPT);
		/* Said once; nothing of it is touched. */
		assert_int_equal(last_found.recorded, again == 0);
		assert_kinds(l.view->session, "started recovery");
		assert_true(in_leaf(&l, l.pid));
		assert_true(in_leaf(&l, l.view->child));
		assert_int_equal(status_value(l.view->child, "Seccomp"), 2);
		assert_true(state_exists(&l));
	}
	assert_member(l.view->session, "recovery", "verdict", "none");
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	assert_int_equal(recover_for(l.view->session).ended, 1);
	assert_int_equal(last_found.what.action, BV_RECOVER_ROLL_BACK);
	assert_true(last_found.completed);
	assert_true(last_found.swept >= 2);
	assert_true(is_dead(l.view->child));
	assert_false(leaf_exists(&l));
	assert_false(state_exists(&l));
	assert_kinds(l.view->session, "started recovery report recovery");
	assert_member(l.view->session, "recovery", "verdict", "rolled-back");
	record = record_of(&l);
	assert_string_equal(json_string_value(json_object_get(record, "state")),
			    "closed");
	assert_member(l.view->session, "report", "sha256",
		      json_string_value(json_object_get(record, "sha256")));
	json_decref(record);
	/* Nothing more to say. */
	assert_int_equal(recover_for(l.view->session).ended, 0);
	assert_kinds(l.view->session, "started recovery report recovery");
	assert_sound();
	leader_done(&l);
}

static bool has_only_started(const struct leader *l)
{
	char kinds[256];

	kinds_of(l->view->session, kinds);
	return strcmp(kinds, "started") == 0;
}

static void test_both_killed__the_next_session_records_it(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader dead, next;
	pid_t guardian;

	(void)state;
	need_stage();
	dead = opened(&order);
	guardian = guardian_of(&dead);
	kill(guardian, SIGSTOP);
	kill(dead.pid, SIGKILL);
	kill(guardian, SIGKILL);
	eventually(is_dead(dead.pid) && is_dead(guardian));
	/* A guardian in passing has no time to wait for a journal that is busy:
	 * then it is the next one's, or the one's after that. */
	for (int i = 0; i < 20 && has_only_started(&dead); i++) {
		unlink(RUN_DIR "/swept");
		next = opened(&order);
		assert_true(leader_step(&next, 'c'));
		leader_done(&next);
		eventually(guardians_are_gone());
	}
	eventually(!leaf_exists(&dead));
	eventually(nothing_left());
	assert_kinds(dead.view->session, "started report recovery");
	assert_member(dead.view->session, "recovery", "verdict", "rolled-back");
	leader_done(&dead);
	assert_sound();
}

static void test_torn_report__for_a_person_to_look(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	char path[128];

	(void)state;
	need_stage();
	l = opened(&order);
	kill_guardian(&l);
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l.view->session);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(recover_for(l.view->session).refused, 1);
	assert_kinds(l.view->session, "started recovery");
	assert_member(l.view->session, "recovery", "verdict",
		      "canonical-refusal");
	/* As it was found, for whoever looks; the processes are gone. */
	assert_int_equal(truncate(path, 100), 0);
	assert_false(leaf_exists(&l));
	assert_int_equal(recover_for(l.view->session).refused, 0);
	leader_done(&l);
}

/* The kernel takes no order to kill, and the session is reported as ended: who still
 * runs in its leaf is found by the next recovery. */
static void test_leaf_stays__the_next_recovery_sweeps_it(void **state)
{
	struct order order = open_as("bvt-alice");
	char path[2 * PATH_MAX];
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	snprintf(path, sizeof(path), "%s/session-%s/cgroup.kill", env.base,
		 l.view->session);
	assert_int_equal(mount("/dev/full", path, NULL, MS_BIND, NULL), 0);
	assert_true(leader_step(&l, 'c'));
	eventually(guardians_are_gone());
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_false(is_dead(l.view->child));
	assert_true(in_leaf(&l, l.view->child));
	assert_int_equal(status_value(l.view->child, "Seccomp"), 2);
	assert_kinds(l.view->session, "started report");
	(void)recover_for(l.view->session);
	assert_true(is_dead(l.view->child));
	assert_true(nothing_left());
	assert_kinds(l.view->session, "started report recovery");
	assert_sound();
	leader_done(&l);
}

static void test_identity__boot_pid_and_start_time(void **state)
{
	char boot_id[BVH_BOOT_ID_LEN + 1];
	uint64_t own = 0;

	(void)state;
	need_stage();
	assert_int_equal(bvh_boot_id(boot_id, NULL), BV_OK);
	assert_int_equal(bvh_proc_start(getpid(), &own, NULL), BV_OK);
	plant("00000000000000c1", boot_id, getpid(), own);
	plant("00000000000000c2", boot_id, getpid(), own + 1);
	plant("00000000000000c3", "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
	      getpid(), own);
	assert_int_equal(recover_for("").adopted, 1);
	assert_member("00000000000000c1", "recovery", "verdict", "none");
	assert_member("00000000000000c2", "recovery", "verdict", "rolled-back");
	assert_member("00000000000000c3", "recovery", "verdict", "rolled-back");
	/* No report is invented where none was begun. */
	assert_kinds("00000000000000c3", "started recovery");
	/* Ours ended, as far as the journal knows: not looked at again. */
	plant("00000000000000c4", boot_id, 1, 1);
	assert_int_equal(recover_for("").ended, 1);
}

/* After a power cut, before the first login: there is no folder of sessions yet. */
static void test_new_boot__what_was_open_is_ended(void **state)
{
	char away[] = RUN_DIR "/away";

	(void)state;
	need_stage();
	plant("00000000000000c5", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", 1, 1);
	must(rename(RUN_DIR "/sessions", away) == 0 || errno == ENOENT, away);
	assert_int_equal(recover_for("").ended, 1);
	must(rename(away, RUN_DIR "/sessions") == 0 || errno == ENOENT, away);
	assert_kinds("00000000000000c5", "started recovery");
}

static void test_wall_budget__ends_an_adopted_session(void **state)
{
	struct order order = open_as("bvt-frank"); /* wall = 5s */
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	kill_guardian(&l);
	assert_true(in_leaf(&l, l.pid));
	for (int i = 0; i < 400 && !is_dead(l.pid); i++) {
		(void)recover_for(l.view->session);
		nap_ms(100);
	}
	assert_true(is_dead(l.pid));
	assert_false(leaf_exists(&l));
	assert_member(l.view->session, "recovery", "verdict", "rolled-back");
	leader_done(&l);
	assert_sound();
}

/* bvisorctl kill of a session whose guardian is gone and whose leader is not: at
 * once, with its row and its report. */
static void test_stale_session_killed__recorded_at_once(void **state)
{
	struct order order = open_as("bvt-alice");
	char ctl[PATH_MAX];
	struct leader l;
	int status = -1;
	json_t *record;
	pid_t pid;

	(void)state;
	need_stage();
	l = opened(&order);
	kill_guardian(&l);
	snprintf(ctl, sizeof(ctl), "%s", env.helper);
	snprintf(strrchr(ctl, '/'), 16, "/bvisorctl");
	pid = fork();
	if (pid == 0) {
		execl(ctl, "bvisorctl", "kill", l.view->session, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	eventually(is_dead(l.pid));
	assert_kinds(l.view->session, "started report recovery");
	assert_member(l.view->session, "recovery", "verdict", "rolled-back");
	assert_false(leaf_exists(&l));
	assert_false(state_exists(&l));
	record = record_of(&l);
	assert_string_equal(json_string_value(json_object_get(record, "state")),
			    "closed");
	json_decref(record);
	record = row_of(l.view->session, "recovery");
	assert_true(json_integer_value(json_object_get(record, "swept")) >= 2);
	json_decref(record);
	leader_done(&l);
	assert_sound();
}

#define TEST(test) cmocka_unit_test_teardown(test, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_guardian_killed__adopted_then_rolled_back),
		TEST(test_both_killed__the_next_session_records_it),
		TEST(test_torn_report__for_a_person_to_look),
		TEST(test_leaf_stays__the_next_recovery_sweeps_it),
		TEST(test_identity__boot_pid_and_start_time),
		TEST(test_new_boot__what_was_open_is_ended),
		TEST(test_wall_budget__ends_an_adopted_session),
		TEST(test_stale_session_killed__recorded_at_once),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
