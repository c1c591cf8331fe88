/* SPDX-License-Identifier: MIT */
/*
 * The gauntlet: thirteen ways to say less than happened. At each gate an honest
 * session, which must come through all thirteen clean, and a liar, whom that gate
 * and no other must catch. The liar's deed is really done: by the same program,
 * as the same user, in the same place, but left out of the boundary; or to the
 * record, by one who knows how to seal it. The red builds of tests/red/list take
 * the guards out instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/recovery.h"
#include <arpa/inet.h>
#include <poll.h>

#include "tests/live/gauntlet_run.h"

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- what the boundary is for ------------------------------------------------ */

static void G1__enforced_but_the_secret_was_served(void **state)
{
	static const char attack[] = "cat " OPEN_DIR "/secret 2>/dev/null";
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	(void)session_run(&r.s, attack);
	r.t.secret_served = strstr(r.s.out, SECRET) != NULL;
	finish(&r);
	HONEST_IS_CLEAN(&r);
	r.t.secret_served =
		strstr(left_out(uid_of("bvt-plain"), attack), SECRET) != NULL;
	LIAR_IS_CAUGHT(&r, 1);
	done(&r);
}

static int listening(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

/* Our end of the connection: whoever it was got through. */
static bool somebody_came(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	bv_auto_close int fd = -1;

	if (poll(&p, 1, 0) != 1)
		return false;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return fd >= 0;
}

static void G2__a_socket_was_opened_despite_deny(void **state)
{
	bv_auto_close int listener = -1;
	char attack[256];
	uint16_t port;
	struct run r;

	(void)state;
	need_stage();
	listener = listening(&port);
	snprintf(attack, sizeof(attack),
		 "exec python3 -c 'import socket\n"
		 "socket.create_connection((\"127.0.0.1\", %u), 5)' 2>&1",
		 port);
	begin(&r, "bvt-plain");
	(void)session_run(&r.s, attack);
	SAYS(&r.s, "PermissionError"); /* it was tried */
	r.t.socket_opened = somebody_came(listener);
	finish(&r);
	HONEST_IS_CLEAN(&r);
	(void)left_out(uid_of("bvt-plain"), attack);
	r.t.socket_opened = somebody_came(listener);
	LIAR_IS_CAUGHT(&r, 2);
	done(&r);
}

static void G3__a_write_outside_of_the_declared_roots(void **state)
{
	static const char attack[] =
		"echo harm >" OPEN_DIR
		"/written 2>/dev/null; echo mine >/home/bvt-plain/mine";
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	(void)session_run(&r.s, attack);
	r.t.outside_written = there(OPEN_DIR "/written");
	assert_true(there("/home/bvt-plain/mine")); /* it was tried */
	finish(&r);
	HONEST_IS_CLEAN(&r);
	(void)left_out(uid_of("bvt-plain"), attack);
	r.t.outside_written = there(OPEN_DIR "/written");
	LIAR_IS_CAUGHT(&r, 3);
	assert_int_equal(unlink(OPEN_DIR "/written"), 0);
	done(&r);
}

static void G4__a_process_despite_deny_new_tasks(void **state)
{
	static const char attack[] =
		"exec python3 -c 'import os\n"
		"open(\"/home/bvt-deny/tried\", \"w\")\n"
		"if os.fork() == 0: open(\"/home/bvt-deny/forked\", \"w\")' "
		"2>/dev/null";
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-deny");
	(void)session_run(&r.s, attack);
	assert_true(there("/home/bvt-deny/tried"));
	r.t.child_spawned = there("/home/bvt-deny/forked");
	finish(&r);
	HONEST_IS_CLEAN(&r);
	(void)left_out(uid_of("bvt-deny"), attack);
	eventually(there("/home/bvt-deny/forked"));
	r.t.child_spawned = true;
	LIAR_IS_CAUGHT(&r, 4);
	done(&r);
}

static void G5__a_process_that_outlives_its_session(void **state)
{
	char procs[PATH_MAX + 32], pid_text[16];
	struct run r;
	pid_t left;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	assert_true(leader_step(&r.s.l, 'k'));
	left = r.s.l.view->child;
	assert_true(in_leaf(&r.s.l, left));
	finish(&r);
	r.t.orphan_lives = !is_dead(left);
	HONEST_IS_CLEAN(&r);
	done(&r);

	/* root's own hand takes one out of the leaf, and nobody is told */
	begin(&r, "bvt-plain");
	assert_true(leader_step(&r.s.l, 'k'));
	left = r.s.l.view->child;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", env.mount);
	snprintf(pid_text, sizeof(pid_text), "%d", (int)left);
	append_file(procs, pid_text);
	finish(&r);
	r.t.orphan_lives = !is_dead(left);
	LIAR_IS_CAUGHT(&r, 5);
	kill(left, SIGKILL);
	done(&r);
}

/* Does the descriptor stand in /proc of what the shell became? */
static bool leaks(struct session *s)
{
	bool open;

	session_start(s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s->errand->child, "sleep"));
	open = fd_is_open(s->errand->child, LEAK_FD, NULL);
	kill(s->errand->child, SIGKILL);
	(void)session_wait(s);
	return open;
}

static void G6__a_descriptor_that_was_inherited(void **state)
{
	struct run r, other;

	(void)state;
	need_stage();
	begin(&r, "bvt-env");
	r.t.fd_leaked = leaks(&r.s);
	finish(&r);
	HONEST_IS_CLEAN(&r);
	/* the same start under a policy that closes nothing */
	begin(&other, "bvt-plain");
	r.t.fd_leaked = leaks(&other.s);
	finish(&other);
	LIAR_IS_CAUGHT(&r, 6);
	done(&other);
	done(&r);
}

static void G7__bytes_that_went_out_unsaid(void **state)
{
	char artifact[64], make[96], from[128],
		*argv[] = { (char *)(uintptr_t) "cp", from,
			    (char *)(uintptr_t)OPEN_DIR "/artifact", NULL };
	struct run r;

	(void)state;
	need_stage();
	/* /tmp is the machine's: a name that nobody else has left there */
	snprintf(artifact, sizeof(artifact), "/tmp/bvt-artifact-%d",
		 (int)getpid());
	snprintf(make, sizeof(make), "echo result >%s", artifact);
	begin(&r, "bvt-plain");
	EXITED(session_run(&r.s, make), 0);
	finish(&r);
	r.t.artifact_outside = there(artifact) || there(OPEN_DIR "/artifact");
	HONEST_IS_CLEAN(&r);
	done(&r);

	begin(&r, "bvt-plain");
	EXITED(session_run(&r.s, make), 0);
	snprintf(from, sizeof(from), "/proc/%d/root%s", (int)r.s.l.pid,
		 artifact);
	run_program(argv);
	finish(&r);
	r.t.artifact_outside = there(OPEN_DIR "/artifact");
	LIAR_IS_CAUGHT(&r, 7);
	done(&r);
}

/* --- what the report is for ---------------------------------------------------- */

static void kill_guardian(struct run *r)
{
	const pid_t guardian = guardian_of(&r->s.l);

	assert_int_equal(kill(guardian, SIGKILL), 0);
	eventually(is_dead(guardian));
}

/* The next guardian that ends sweeps, where the last sweep is not too fresh. */
static void sweep_after(struct run *r)
{
	struct run next;

	kill(r->s.l.pid, SIGKILL);
	eventually(is_dead(r->s.l.pid));
	for (int i = 0; i < 20 && leaf_exists(&r->s.l); i++) {
		memset(&next, 0, sizeof(next));
		session_open(&next.s, "bvt-plain");
		assert_true(leader_step(&next.s.l, 'c'));
		leader_done(&next.s.l);
		munmap(next.s.errand, sizeof(*next.s.errand));
		nap_ms(500);
	}
	eventually(!leaf_exists(&r->s.l));
}

static void G8__an_end_without_a_sealed_report(void **state)
{
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	finish(&r);
	HONEST_IS_CLEAN(&r);
	/* a seal that is not of these bytes is none */
	json_object_set_new(r.report, "policy", json_string("another"));
	LIAR_IS_CAUGHT(&r, 8);
	done(&r);

	begin(&r, "bvt-plain");
	kill_guardian(&r);
	kill(r.s.l.pid, SIGKILL);
	eventually(is_dead(r.s.l.pid));
	r.t.terminal = true;
	read_report(&r);
	LIAR_IS_CAUGHT(&r, 8);
	sweep_after(&r);
	done(&r);
}

static void drop_observed(json_t *report, const char *kind)
{
	json_t *all = json_object_get(report, "observed");

	for (size_t i = json_array_size(all); i-- > 0;) {
		if (strcmp(claim_text(json_array_get(all, i), "kind"), kind) ==
		    0)
			json_array_remove(all, i);
	}
}

static void G9__a_denied_attempt_that_was_dropped(void **state)
{
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-lost"); /* its secret does not exist */
	EXITED(session_run(&r.s, "echo ran"), 254);
	SAYS(&r.s, "nothing was run");
	r.t.denied = "launch_refused";
	finish(&r);
	HONEST_IS_CLEAN(&r);
	drop_observed(r.report, "launch_refused");
	reseal(r.report);
	LIAR_IS_CAUGHT(&r, 9);
	done(&r);
}

static void G10__a_mechanism_claimed_that_is_not_there(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader liar;
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	finish(&r);
	HONEST_IS_CLEAN(&r);
	look_at(&r.t, &r.s.l, getpid());
	LIAR_IS_CAUGHT(&r, 10);
	done(&r);

	/* who says so to the guardian is not believed, and nothing is claimed */
	order.honesty = LIES;
	liar = start(&order);
	assert_true(leader_step(&liar, 'o'));
	assert_false(liar.view->attested);
	assert_int_equal(liar.view->late_verdict, BVP_FAULT);
	r.report = record_of(&liar);
	assert_false(admits(r.report, "attested_status"));
	assert_string_equal(claim_text(r.report, "outcome"),
			    "supervisor-fault");
	json_decref(r.report);
	leader_done(&liar);
	eventually(nothing_left());
}

static void G11__a_crash_sealed_as_completed(void **state)
{
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain"); /* the leader's death is an end, and is said */
	kill(r.s.l.pid, SIGKILL);
	eventually(nothing_left());
	r.t.terminal = true;
	read_report(&r);
	assert_true(admits(r.report, "leader_died_without_close"));
	HONEST_IS_CLEAN(&r);
	done(&r);

	begin(&r, "bvt-plain"); /* the guardian's is none of the session */
	kill_guardian(&r);
	read_report(&r);
	HONEST_IS_CLEAN(&r);
	json_object_set_new(r.report, "state", json_string("closed"));
	json_object_set_new(r.report, "outcome", json_string("completed"));
	reseal(r.report);
	LIAR_IS_CAUGHT(&r, 11);
	sweep_after(&r);
	done(&r);
}

static void G12__a_policy_that_changed_behind_its_plan(void **state)
{
	static const char before[] =
		"bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE;
	char plan_id[BV_PLAN_ID_LEN + 1];
	struct order order = open_as("bvt-alice");
	struct run r = { 0 };

	(void)state;
	need_stage();
	r.s.l = opened(&order);
	plan_now("bvt-alice", plan_id);
	r.t.plan_id = plan_id;
	look_at(&r.t, &r.s.l, r.s.l.pid);
	assert_true(leader_step(&r.s.l, 'c'));
	r.t.terminal = true;
	read_report(&r);
	HONEST_IS_CLEAN(&r);
	/* one right more, under the same name */
	policy("alice", "bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE
			"[temp]\nprivate = no\n");
	plan_now("bvt-alice", plan_id);
	LIAR_IS_CAUGHT(&r, 12);
	policy("alice", before);
	plan_now("bvt-alice", plan_id);
	HONEST_IS_CLEAN(&r);
	leader_done(&r.s.l);
	json_decref(r.report);
	eventually(nothing_left());
}

/* By the rules, from what is on disk and in the kernel; not by bv_reconcile(). */
static const char *classify(const struct run *r, bool leader_lives)
{
	if (is_sealed(r->report))
		return "settled";
	return leader_lives ? "adopt" : "roll-back";
}

static const char *reconciled(const struct run *r, bool leader_lives)
{
	const bool reported =
		strcmp(claim_text(r->report, "state"), "closed") == 0;
	const struct bv_run_view view = { .started = true,
					  .reported = reported };
	const struct bv_recovery_probe probe = {
		.torn_report = reported && !is_sealed(r->report),
		.leader_lives = leader_lives,
		.leaf = leaf_exists(&r->s.l),
	};
	struct bv_recovery to_do;

	bv_reconcile(&view, &probe, &to_do);
	return bv_recovery_action_name(to_do.action);
}

static void G13__a_recovery_of_the_wrong_kind(void **state)
{
	struct run r;

	(void)state;
	need_stage();
	begin(&r, "bvt-plain");
	kill_guardian(&r);
	read_report(&r);
	r.t.recovery = classify(&r, true);
	assert_string_equal(reconciled(&r, true), r.t.recovery);
	HONEST_IS_CLEAN(&r);
	kill(r.s.l.pid, SIGKILL);
	eventually(is_dead(r.s.l.pid));
	r.t.recovery = classify(&r, false);
	assert_string_equal(r.t.recovery, "roll-back");
	assert_string_equal(reconciled(&r, false), r.t.recovery);
	HONEST_IS_CLEAN(&r);
	/* who takes it for settled would leave the rest of it running */
	r.t.recovery = "settled";
	LIAR_IS_CAUGHT(&r, 13);
	/* and a torn report is for a person to look at */
	json_object_set_new(r.report, "state", json_string("closed"));
	assert_string_equal(reconciled(&r, false), "refuse");
	sweep_after(&r);
	done(&r);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(G1__enforced_but_the_secret_was_served),
		TEST(G2__a_socket_was_opened_despite_deny),
		TEST(G3__a_write_outside_of_the_declared_roots),
		TEST(G4__a_process_despite_deny_new_tasks),
		TEST(G5__a_process_that_outlives_its_session),
		TEST(G6__a_descriptor_that_was_inherited),
		TEST(G7__bytes_that_went_out_unsaid),
		TEST(G8__an_end_without_a_sealed_report),
		TEST(G9__a_denied_attempt_that_was_dropped),
		TEST(G10__a_mechanism_claimed_that_is_not_there),
		TEST(G11__a_crash_sealed_as_completed),
		TEST(G12__a_policy_that_changed_behind_its_plan),
		TEST(G13__a_recovery_of_the_wrong_kind),
	};

	return cmocka_run_group_tests(tests, set_gauntlet, clear_stage);
}
