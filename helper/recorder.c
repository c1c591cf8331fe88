/* SPDX-License-Identifier: MIT */
/* From the fork to the sealed recording; see recorder.h. */
#include "helper/recorder.h"

#include "helper/fd.h"
#include "helper/guard_internal.h"
#include "helper/launch.h"
#include "helper/pass.h"
#include "helper/red.h"
#include "helper/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#define WAIT_MS 5000 /* for bvisor-shell, each step */

#define NOTICE "This session is recorded.\r\n"
#define FULL   "\r\nThe recording of this session is full: it has ended here.\r\n"

struct self {
	const struct bvh_recording *r;
	const struct bv_policy *policy;
	struct bvh_tape tape;
	struct bvh_terminal terminal;
	struct bvh_streams streams;
	struct bvh_relay relay;
};

/* --- the conversation with bvisor-shell ------------------------------------ */

static int wait_for_shell(const struct self *s, struct bv_err *err)
{
	struct pollfd p = { .fd = s->r->sock, .events = POLLIN };

	if (poll(&p, 1, WAIT_MS) == 1 && (p.revents & POLLIN) != 0)
		return BV_OK;
	return bv_fail(err, BV_E_TIMEOUT, "pid %d did not answer",
		       (int)s->r->peer);
}

static int take_given(struct self *s, struct bv_err *err)
{
	char byte = 0;
	int code = wait_for_shell(s, err);

	if (code != BV_OK)
		return code;
	if (bvh_pass_receive(s->r->sock, MSG_DONTWAIT, &byte, 1,
			     s->streams.given, 3) != 1 ||
	    byte != BVH_STREAMS_GIVEN || s->streams.given[0] < 0)
		return bv_fail(err, BV_E_PROTO, "pid %d gave no three streams",
			       (int)s->r->peer);
	return BV_OK;
}

static int send_inner(struct self *s, struct bv_err *err)
{
	const char byte = s->streams.has_terminal ? BVH_STREAMS_TERMINAL
						  : BVH_STREAMS_PIPES;
	int code =
		bvh_pass_send(s->r->sock, &byte, 1, s->streams.inner, 3, err);
	char answer = 0;

	for (int i = 0; i < 3; i++)
		bvh_close(&s->streams.inner[i]);
	if (code == BV_OK)
		code = wait_for_shell(s, err);
	if (code == BV_OK && (recv(s->r->sock, &answer, 1, MSG_DONTWAIT) != 1 ||
			      answer != BVH_STREAMS_TAKEN))
		code = bv_fail(err, BV_E_PROTO, "pid %d took no streams",
			       (int)s->r->peer);
	return code;
}

static int let_go(const struct self *s, struct bv_err *err)
{
	const char byte = BVH_STREAMS_GO;

	return bvh_pass_send(s->r->sock, &byte, 1, NULL, 0, err);
}

/* --- up to the first byte -------------------------------------------------- */

static int settle(struct self *s, struct bv_err *err)
{
	const struct bvh_guard *g = s->r->guard;
	const int keep[] = { s->r->sock, s->r->status, s->r->dir,
			     s->r->peer_pidfd, g->boundary.leaf.fd };
	sigset_t all, heard;

	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) != 0)
		return bv_fail_errno(err, errno, "PR_SET_PDEATHSIG");
	(void)prctl(PR_SET_NAME, "bvisor-record", 0L, 0L, 0L);
	sigfillset(&all);
	sigemptyset(&heard);
	sigaddset(&heard, SIGWINCH);
	sigaddset(&heard, SIGTERM);
	if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
		return bv_fail_errno(err, errno, "block signals");
	if (bvh_recorder_close_others(keep, BV_LEN(keep), err) != BV_OK)
		return BV_E_SYS;
	s->relay.signal_fd = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->relay.signal_fd < 0)
		return bv_fail_errno(err, errno, "signalfd");
	return BV_OK;
}

static int begin_tape(struct self *s, struct bv_err *err)
{
	const struct bvh_guard *g = s->r->guard;
	const struct winsize *size = &s->terminal.size;
	struct timespec now;
	struct bv_cast_head head = {
		.session = g->id,
		.number = s->r->number,
		.terminal = s->streams.has_terminal,
		.input = s->policy->capture_input,
		.columns = size->ws_col > 0 ? size->ws_col : 80,
		.rows = size->ws_row > 0 ? size->ws_row : 24,
	};

	clock_gettime(CLOCK_REALTIME, &now);
	head.unix_s = (uint64_t)now.tv_sec;
	return bvh_tape_begin(&s->tape, s->r->dir, &head, s->r->stored,
			      s->policy->capture_max, err);
}

static int take_terminal(struct self *s, struct bv_err *err)
{
	struct bvh_terminal *t = &s->terminal;
	int code;

	if (!s->streams.has_terminal)
		return BV_OK;
	code = bvh_terminal_take(t, s->r->peer, &s->r->guard->boundary.leaf,
				 err);
	if (code != BV_OK)
		return code;
	(void)!write(t->outer, NOTICE, sizeof(NOTICE) - 1);
	if (s->streams.types && s->policy->capture_input && t->ahead_n > 0)
		code = bvh_tape_put(&s->tape, BV_CAST_IN, t->ahead, t->ahead_n,
				    err);
	if (code == BV_OK)
		code = bvh_streams_terminal(&s->streams, t,
					    s->policy->capture_input, &s->relay,
					    err);
	return code;
}

static int begin(struct self *s, struct bv_err *err)
{
	struct bvh_guard *g = s->r->guard;
	const struct bv_subject *who = &g->adm.subject;
	int code = settle(s, err);

	if (code == BV_OK)
		code = bvh_guard_hand_over(g, s->r->sock, true, err);
	if (code == BV_OK)
		code = take_given(s, err);
	if (code == BV_OK)
		code = bvh_streams_make(&s->streams, &s->terminal, s->r->peer,
					who->uid, s->policy->capture_input,
					&s->relay, err);
	if (code == BV_OK)
		code = begin_tape(s, err);
	if (code == BV_OK)
		code = send_inner(s, err);
	if (code == BV_OK)
		code = take_terminal(s, err);
	if (code == BV_OK)
		code = bvh_recorder_jail(who->uid, who->gid, s->r->guardian,
					 err);
	return code;
}

/* --- and to the last ------------------------------------------------------- */

static void say(const struct self *s, struct bvh_recorded *m)
{
	m->terminal = s->streams.has_terminal;
	(void)!send(s->r->status, m, sizeof(*m), MSG_NOSIGNAL);
}

static void say_refused(const struct self *s, const struct bv_err *err)
{
	struct bvh_recorded m = { .what = BVH_RECORDED_REFUSED };
	const struct bvh_answer no = {
		.magic = BVH_ANSWER_MAGIC,
		.text = "this session's guardian refused the launch",
	};

	snprintf(m.text, sizeof(m.text), "%.150s", err->msg);
	/* It still waits for the plan, or for its streams: either way this is
	 * not what it waits for. */
	(void)!send(s->r->sock, &no, sizeof(no), MSG_NOSIGNAL | MSG_DONTWAIT);
	say(s, &m);
}

static void end(struct self *s, enum bvh_relay_end how, struct bv_err *err)
{
	struct bvh_recorded m = { .what = BVH_RECORDED_ENDED, .end = how };
	int code;

	if (how == BVH_RELAY_FULL && s->terminal.outer >= 0)
		(void)!write(s->terminal.outer, FULL, sizeof(FULL) - 1);
	bvh_terminal_return(&s->terminal);
	m.cut = s->tape.full || how != BVH_RELAY_DONE;
	code = bvh_tape_end(&s->tape, m.sha256_hex, err);
	if (code != BV_OK)
		m.end = BVH_RELAY_FAULT;
	m.size = s->tape.size;
	if (m.end == BVH_RELAY_FAULT)
		snprintf(m.text, sizeof(m.text), "%.150s", err->msg);
	say(s, &m);
}

_Noreturn void bvh_recorder_main(const struct bvh_recording *r)
{
	static struct self s;
	struct bvh_recorded begun = { .what = BVH_RECORDED_BEGUN };
	struct bv_err err = { 0 };
	int code;

	s.r = r;
	s.policy = r->guard->adm.policy;
	s.tape.fd = -1;
	s.terminal =
		(struct bvh_terminal){ .outer = -1, .master = -1, .slave = -1 };
	for (int i = 0; i < 3; i++)
		s.streams.given[i] = s.streams.inner[i] = -1;
	s.relay.tape = &s.tape;
	s.relay.goes_on = s.policy->capture_goes_on;
	s.relay.peer_pidfd = r->peer_pidfd;
	s.relay.outer = s.relay.master = -1;
	code = begin(&s, &err);
	if (code == BV_OK) {
		say(&s, &begun);
		code = let_go(&s, &err);
	}
	if (code != BV_OK) {
		say_refused(&s, &err);
		_exit(1);
	}
	close(r->sock);
	err = (struct bv_err){ 0 };
	end(&s, bvh_relay_run(&s.relay, &err), &err);
	_exit(0);
}
