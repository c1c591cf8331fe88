/* SPDX-License-Identifier: MIT */
/*
 * An outbox and a guardian that dies over it, or whose journal takes nothing: what
 * was decided is promoted whole or not at all, and recovery says which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/share_stage.h"

static void recovered(const struct leader *l, enum bv_recovery_action action)
{
	const struct bvh_recover_sum sum = recover_for(l->view->session);

	if (last_found.what.action != action || last_found.code != BV_OK)
		fail_msg("%s: %s",
			 bv_recovery_action_name(last_found.what.action),
			 last_found.why_not);
	assert_int_equal(sum.ended + sum.refused, 1);
	assert_true(last_found.recorded);
}

/* The guardian dies in the middle of the copy: the record on disk says what was
 * decided and not that it was done, and nothing stands under a name. */
static void test_crash__decided_on_disk__not_applied(void **state)
{
	const struct rlimit small = { 300000, 300000 };
	struct rlimit now;
	char path[256];
	struct leader l;
	json_t *r;

	(void)state;
	need_stage();
	/* Else the guardian has to ignore SIGXFSZ. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &now), 0);
	if (now.rlim_max != RLIM_INFINITY && !env.may_oom_adj) {
		print_message("skip: file sizes are limited here\n");
		skip();
	}
	l = begin(HEAD OUTBOX("durable") TO, leave_a_megabyte);
	assert_int_equal(prlimit(guardian_of(&l), RLIMIT_FSIZE, &small, NULL),
			 0);
	assert_true(leader_step(&l, 'c')); /* SIGXFSZ */
	assert_false(l.view->closed);
	eventually(guardians_are_gone());
	assert_false(leaf_exists(&l));
	r = record_of(&l);
	assert_string_equal(text_of(r, "state"), "open");
	assert_non_null(strstr(observed(r, "artifact_decided"), "promote"));
	assert_string_equal(observed(r, "artifact_applied"), "");
	assert_verified(&l);
	assert_int_equal(promoted(), 0);
	snprintf(path, sizeof(path), "/home/in/.bvisor-%s.part/big",
		 l.view->session);
	assert_int_equal(access(path, F_OK), 0);
	json_decref(r);
	assert_dispositions(&l, "decided promote");
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	recovered(&l, BV_RECOVER_ROLL_BACK);
	assert_dispositions(&l, "decided promote, failed promote");
	assert_kinds(l.view->session, "started disposition disposition report "
				      "recovery");
	/* Removed, not promoted; and nothing more to say. */
	assert_int_equal(promoted(), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(recover_for(l.view->session).ended, 0);
	assert_sound();
	leader_done(&l);
	clear_target();
}

/* As a guardian leaves it that dies after the promotion and before the report: its
 * own record as it was then, and no `report` in the journal. */
static struct leader died_before_its_report(const char *how)
{
	static char text[1024];
	struct leader l;

	snprintf(text, sizeof(text), HEAD OUTBOX("%s") TO, how);
	l = begin(text, use_all);
	kill_guardian(&l);
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	return l;
}

static void say(const struct leader *l, enum bv_disposition_phase phase,
		const char *target)
{
	struct bv_event e = {
		.kind = BV_EVENT_DISPOSITION,
		.session = l->view->session,
		.disposition = { "outbox", phase, BV_DISPOSITION_PROMOTE, "",
				 target },
	};

	assert_int_equal(bvh_journal_say(STATE_DIR, 30000, &e, 1, NULL, NULL),
			 BV_OK);
}

/* Bytes went out: nobody undoes it, nobody blesses it. */
static void test_crash__promoted_before_the_report__refused(void **state)
{
	(void)state;
	need_stage();
	for (int applied = 0; applied < 2; applied++) {
		struct leader l = died_before_its_report("atomic");
		char path[128];

		snprintf(path, sizeof(path), "/home/in/%s", l.view->session);
		assert_int_equal(mkdir(path, 0700), 0);
		say(&l, BV_DISPOSITION_DECIDED, "/home/in");
		if (applied)
			say(&l, BV_DISPOSITION_APPLIED, "/home/in");
		recovered(&l, BV_RECOVER_REFUSE);
		assert_member(l.view->session, "recovery", "verdict",
			      "canonical-refusal");
		assert_member(l.view->session, "recovery", "reason",
			      "an artifact went out before the report");
		assert_dispositions(&l, applied ? "decided promote, "
						  "applied promote"
						: "decided promote");
		assert_int_equal(access(path, F_OK), 0);
		assert_int_equal(recover_for(l.view->session).refused, 0);
		leader_done(&l);
		clear_target();
	}
}

/* Where its bytes are has to be seen before a word is said on it. */
static void test_crash__target_away__not_judged_until_it_is_back(void **state)
{
	struct leader l;

	(void)state;
	need_stage();
	l = died_before_its_report("atomic");
	say(&l, BV_DISPOSITION_DECIDED, "/home/in");
	assert_int_equal(rename("/home/in", "/home/away"), 0);
	assert_int_equal(recover_for(l.view->session).failed, 1);
	assert_non_null(strstr(last_found.why_not, "'/home/in'"));
	assert_kinds(l.view->session, "started disposition");
	assert_false(leaf_exists(&l)); /* the dead are swept all the same */
	assert_int_equal(rename("/home/away", "/home/in"), 0);
	recovered(&l, BV_RECOVER_ROLL_BACK);
	assert_dispositions(&l, "decided promote, failed promote");
	leader_done(&l);
}

/* What its user owns already, links out and all, just before the rename. */
static void test_crash__hostile_stage__removed_and_nothing_else(void **state)
{
	struct leader l;
	char stage[128];
	char path[256];
	struct stat st;

	(void)state;
	need_stage();
	l = died_before_its_report("atomic");
	say(&l, BV_DISPOSITION_DECIDED, "/home/in");
	snprintf(stage, sizeof(stage), "/home/in/.bvisor-%s.part",
		 l.view->session);
	assert_int_equal(mkdir(stage, 0755), 0);
	snprintf(path, sizeof(path), "%s/sub", stage);
	assert_int_equal(mkdir(path, 0), 0);
	assert_int_equal(chown(path, UID, UID), 0);
	snprintf(path, sizeof(path), "%s/sub/out", stage);
	assert_int_equal(symlink("/home/course", path), 0);
	snprintf(path, sizeof(path), "%s/hard", stage);
	assert_int_equal(link("/home/course/lesson", path), 0);
	assert_int_equal(chown(stage, UID, UID), 0);
	recovered(&l, BV_RECOVER_ROLL_BACK);
	assert_int_equal(access(stage, F_OK), -1);
	assert_int_equal(stat("/home/course/lesson", &st), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(promoted(), 0);
	leader_done(&l);
}

/* Without the decision in the journal no byte moves; the report says so. */
static void test_journal_takes_no_decision__nothing_promoted(void **state)
{
	static const char *const files[] = { JOURNAL, JOURNAL "-wal",
					     JOURNAL "-shm",
					     STATE_DIR "/journal.head" };
	struct leader l;
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD OUTBOX("durable") TO, use_all);
	/* Another one than at its start, from here on. */
	for (size_t i = 0; i < BV_LEN(files); i++)
		assert_true(unlink(files[i]) == 0 || errno == ENOENT);
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	eventually(nothing_left());
	assert_int_equal(promoted(), 0);
	assert_verified(&l);
	r = record_of(&l);
	assert_non_null(strstr(observed(r, "artifact_failed"),
			       "outbox promote: not in the journal as "
			       "'decided'"));
	assert_string_equal(observed(r, "artifact_applied"), "");
	assert_string_equal(text_of(output(r, "result"), "refused"),
			    "not taken");
	json_decref(r);
	leader_done(&l);
}

#define TEST(name) cmocka_unit_test_teardown(name, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_crash__decided_on_disk__not_applied),
		TEST(test_crash__promoted_before_the_report__refused),
		TEST(test_crash__target_away__not_judged_until_it_is_back),
		TEST(test_crash__hostile_stage__removed_and_nothing_else),
		TEST(test_journal_takes_no_decision__nothing_promoted),
	};

	return cmocka_run_group_tests(tests, set_all, clear_stage);
}
