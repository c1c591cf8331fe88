/* SPDX-License-Identifier: MIT */
/*
 * Whole sessions that share with the host: exposed paths and an outbox, from
 * the verdict to the sealed report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/share_stage.h"

static void test_session__shares_and_promotes(void **state)
{
	struct leader l;
	char sha256[65];
	struct stat st;
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD EXPOSE OUTBOX("durable") TO
		  "owner = user\nmode = 0640\n",
		  use_all);
	assert_int_equal(found->course_read, 0);
	assert_int_equal(found->course_write, EROFS);
	assert_int_equal(found->home_write, 0);
	assert_int_equal(found->pool_write, 0);
	assert_int_equal(found->other_read, EACCES);
	assert_int_equal(stat("/home/pool/mine", &st), 0);
	assert_int_equal(st.st_uid, UID);
	assert_int_equal(promoted(), 0); /* not before the close */
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	eventually(nothing_left());
	assert_outcome(&l, "completed");
	assert_verified(&l);
	r = record_of(&l);
	assert_non_null(strstr(observed(r, "attested_expose"),
			       "2 of 3 paths, 2 mounts"));
	assert_non_null(strstr(observed(r, "artifact_decided"),
			       "outbox promote: 2 files, 13 bytes, durable"));
	assert_non_null(strstr(observed(r, "artifact_applied"), "/home/in/"));
	assert_string_equal(observed(r, "artifact_failed"), "");
	assert_kinds(l.view->session, "started disposition disposition report");
	assert_dispositions(&l, "decided promote, applied promote");
	assert_member(l.view->session, "disposition", "target", "/home/in");
	assert_sound();
	digest_of(&l, "result", sha256);
	assert_string_equal(text_of(output(r, "result"), "sha256"), sha256);
	digest_of(&l, "sub/more", sha256);
	assert_string_equal(text_of(output(r, "sub/more"), "sha256"), sha256);
	assert_string_equal(text_of(output(r, "fifo"), "refused"), "fifo");
	assert_string_equal(text_of(output(r, "link"), "refused"),
			    "symbolic link");
	assert_int_equal(promoted(), 1);
	json_decref(r);
	leader_done(&l);
	clear_target();
}

static void test_discard__listed_and_gone(void **state)
{
	struct leader l;
	char sha256[65];
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD EXPOSE OUTBOX("discard"), use_all);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	assert_verified(&l);
	r = record_of(&l);
	bv_sha256_hex("forty two", 9, sha256);
	assert_string_equal(text_of(output(r, "result"), "sha256"), sha256);
	assert_non_null(strstr(observed(r, "artifact_applied"),
			       "outbox discard: 2 files"));
	assert_dispositions(&l, "decided discard, applied discard");
	assert_int_equal(promoted(), 0);
	json_decref(r);
	leader_done(&l);
}

static void test_nothing_left__nothing_made(void **state)
{
	struct leader l;
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD OUTBOX("atomic") TO, NULL);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	assert_verified(&l);
	r = record_of(&l);
	assert_non_null(strstr(observed(r, "outbox_empty"), "0 entries"));
	assert_int_equal(json_array_size(json_object_get(r, "outputs")), 0);
	assert_dispositions(&l, "");
	assert_int_equal(promoted(), 0);
	json_decref(r);
	leader_done(&l);
}

/* What goes on writing is killed first: the copy is of files that nobody
 * changes any more. The leader is killed too, without a close. */
static void test_writer_left_behind__copied_after_it_ended(void **state)
{
	struct leader l;
	char path[64], sha256[65];
	struct stat st;
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD OUTBOX("best-effort-durable") TO, write_on);
	assert_false(is_dead(found->writer));
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/out/result",
		 (int)found->writer);
	eventually(stat(path, &st) == 0 && st.st_size > 0); /* it is at it */
	kill(l.pid, SIGKILL);
	eventually(is_dead(found->writer));
	eventually(nothing_left());
	assert_verified(&l);
	r = record_of(&l);
	assert_non_null(strstr(observed(r, "artifact_applied"), "promote"));
	digest_of(&l, "result", sha256);
	assert_string_equal(text_of(output(r, "result"), "sha256"), sha256);
	json_decref(r);
	leader_done(&l);
	clear_target();
}

static void test_over_the_budget__refused_whole(void **state)
{
	struct leader l;
	json_t *r;

	(void)state;
	need_stage();
	l = begin(HEAD OUTBOX("atomic") TO, leave_a_hole);
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	eventually(nothing_left());
	assert_verified(&l);
	r = record_of(&l);
	assert_non_null(strstr(observed(r, "artifact_decided"),
			       "outbox refuse: more than 4194304 bytes"));
	assert_dispositions(&l, "decided refuse");
	assert_member(l.view->session, "disposition", "reason",
		      "more than 4194304 bytes with 'hole'");
	assert_string_equal(observed(r, "artifact_applied"), "");
	assert_int_equal(promoted(), 0);
	json_decref(r);
	leader_done(&l);
}

static void assert_fault(const char *text, const char *says)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	policy("alice", text);
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_false(l.view->attested);
	if (strstr(l.view->log_text, says) == NULL &&
	    strstr(l.view->late_text, says) == NULL)
		fail_msg("'%s' '%s' lack '%s'", l.view->log_text,
			 l.view->late_text, says);
	eventually(nothing_left());
	leader_done(&l);
}

static void test_missing__refused_by_line(void **state)
{
	(void)state;
	need_stage();
	assert_fault(HEAD "[outbox]\npath = /tmp/out\ncommit = atomic\n"
			  "to = /home/nix\n",
		     "alice.conf:16: [outbox] to: '/home/nix'");
	assert_fault(HEAD "[outbox]\npath = /tmp/out\ncommit = atomic\n"
			  "to = /home/bvt-alice\n",
		     "only root may be able to change the way there");
	assert_fault(HEAD "[expose]\nread = /home/nix -> /tmp/x\n",
		     "alice.conf:14: open '/home/nix'");
	assert_fault(HEAD "[expose]\nread = /home/course -> /home/nix\n",
		     "alice.conf:14: destination '/home/nix' does not exist");
}

#define TEST(name) cmocka_unit_test_teardown(name, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session__shares_and_promotes),
		TEST(test_discard__listed_and_gone),
		TEST(test_nothing_left__nothing_made),
		TEST(test_writer_left_behind__copied_after_it_ended),
		TEST(test_over_the_budget__refused_whole),
		TEST(test_missing__refused_by_line),
	};

	return cmocka_run_group_tests(tests, set_all, clear_stage);
}
