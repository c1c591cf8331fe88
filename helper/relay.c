/* SPDX-License-Identifier: MIT */
/* Flows, and the loop around them; see relay.h. */
#include "helper/relay.h"

#include "helper/fd.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* When what was launched has ended, its terminal's last output is on its way;
 * what others go on writing there is not waited for. */
#define QUIET_MS    100
#define LAST_BYTES  262144u /* a little counts as a page */
#define ASK_SIZE_MS 500

/* The digest costs more than all the rest: it waits for a break. */
#define BREAK_MS 50

/* Of one flow, before the others have their turn again. */
#define STEPS_MAX 4u

/* One that writes without end does not keep us. */
#define EMPTY_MAX 64u

/* A terminal's buffer with less room than this is left alone until it has more. */
#define ROOM_MIN (BV_CAST_CHUNK_MAX / 2)

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

struct bvh_flow *bvh_flow_new(int from, int to, enum bv_cast_stream stream,
			      bool recorded, bool of_terminal)
{
	struct bvh_flow *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		bvh_close(&from);
		bvh_close(&to);
		return NULL;
	}
	f->from = from;
	f->to = to;
	f->from_socket = is_socket(from);
	f->to_socket = is_socket(to);
	f->stream = stream;
	f->recorded = recorded;
	f->of_terminal = of_terminal;
	return f;
}

/* --- one flow -------------------------------------------------------------- */

static bool is_over(const struct bvh_flow *f)
{
	return f->from < 0;
}

static bool is_pending(const struct bvh_flow *f)
{
	return f->at < f->n;
}

static size_t room(const struct bvh_flow *f)
{
	return sizeof(f->buf) - (f->n - f->at);
}

/* Is its source to be asked? A pipe holds more than we do, and what waits there
 * comes in one piece. */
static bool takes(const struct bvh_flow *f)
{
	const size_t least = f->of_terminal ? ROOM_MIN : sizeof(f->buf);

	return !is_over(f) && !f->dry && room(f) >= least;
}

static bool is_typing(const struct bvh_flow *f)
{
	return f->of_terminal && f->stream == BV_CAST_IN;
}

/* A socket with something in it is not closed, but reset: its writer would be told by
 * that error instead of by SIGPIPE. And who waits for room is told by an error alone:
 * few do when there is some. */
static void empty(struct bvh_flow *f)
{
	for (unsigned int i = 0; i < EMPTY_MAX; i++)
		if (recv(f->from, f->buf, sizeof(f->buf), MSG_DONTWAIT) <= 0)
			return;
}

/* A socket has two directions, and the other one may be another flow's. */
static void end_flow(struct bvh_flow *f)
{
	if (is_over(f))
		return;
	if (f->to_socket)
		(void)shutdown(f->to, SHUT_WR);
	if (f->from_socket) {
		empty(f);
		(void)shutdown(f->from, SHUT_RD);
		empty(f);
	}
	bvh_close(&f->to);
	bvh_close(&f->from);
	f->at = f->n = 0;
}

static void end_terminal(struct bvh_relay *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->flow[i]->of_terminal)
			end_flow(r->flow[i]);
	bvh_close(&r->master);
}

/* Its source has ended. Of a terminal that is hung up, everything has. */
static void source_ended(struct bvh_relay *r, struct bvh_flow *f)
{
	if (f->of_terminal)
		end_terminal(r);
	else
		end_flow(f);
}

/* Nobody takes it any more. A terminal's output tells when that one is gone. */
static void sink_ended(struct bvh_relay *r, struct bvh_flow *f)
{
	if (f->of_terminal && !is_typing(f))
		end_terminal(r);
	else
		end_flow(f);
}

static ssize_t give_some(const struct bvh_flow *f)
{
	const unsigned char *p = f->buf + f->at;
	const size_t left = f->n - f->at;
	ssize_t n;

	do
		n = f->to_socket
			    ? send(f->to, p, left, MSG_DONTWAIT | MSG_NOSIGNAL)
			    : write(f->to, p, left);
	while (n < 0 && errno == EINTR);
	return n;
}

/* What does not go in one piece has no room there now. */
static void move_out(struct bvh_relay *r, struct bvh_flow *f)
{
	const ssize_t n = is_pending(f) ? give_some(f) : 0;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0 || (n == 0 && is_pending(f))) {
		sink_ended(r, f);
		return;
	}
	f->at += (size_t)n;
	f->dry = f->dry && is_pending(f);
}

static ssize_t take_some(const struct bvh_flow *f, void *to, size_t most)
{
	ssize_t n;

	do
		n = f->from_socket ? recv(f->from, to, most, MSG_DONTWAIT)
				   : read(f->from, to, most);
	while (n < 0 && errno == EINTR);
	return n;
}

static void make_room(struct bvh_flow *f)
{
	if (f->at == 0)
		return;
	memmove(f->buf, f->buf + f->at, f->n - f->at);
	f->n -= f->at;
	f->at = 0;
}

/* Behind what is pending. A terminal gives a page at a time, and asked at once for
 * the next one it lets its reader wait for a worker of the kernel's: that page
 * comes by itself while this one goes its way. */
static ssize_t take_in(struct bvh_flow *f)
{
	make_room(f);
	return take_some(f, f->buf + f->n, sizeof(f->buf) - f->n);
}

static enum bvh_relay_end record(struct bvh_relay *r, const struct bvh_flow *f,
				 size_t n, struct bv_err *err)
{
	int code;

	if (!f->recorded || (r->tape->full && r->goes_on))
		return BVH_RELAY_DONE;
	code = bvh_tape_put(r->tape, f->stream, f->buf + f->n, n, err);
	if (code == BV_OK || (code == BV_E_LIMIT && r->goes_on))
		return BVH_RELAY_DONE;
	return code == BV_E_LIMIT ? BVH_RELAY_FULL : BVH_RELAY_FAULT;
}

/* *ret: how much came. */
static enum bvh_relay_end move_in(struct bvh_relay *r, struct bvh_flow *f,
				  size_t *ret, struct bv_err *err)
{
	const ssize_t n = take_in(f);
	enum bvh_relay_end end;

	*ret = 0;
	if (n < 0 && errno == EAGAIN)
		return BVH_RELAY_DONE;
	if (n <= 0) { /* EIO: no slave, or no master, any more */
		/* Its end is still there when the rest has gone. */
		f->dry = is_pending(f);
		if (!f->dry)
			source_ended(r, f);
		return BVH_RELAY_DONE;
	}
	end = record(r, f, (size_t)n, err);
	if (end == BVH_RELAY_DONE) {
		f->n += (size_t)n;
		*ret = (size_t)n;
	}
	move_out(r, f);
	return end;
}

/* As long as there is something and room for it, within bounds. */
static enum bvh_relay_end move_along(struct bvh_relay *r, struct bvh_flow *f,
				     size_t *ret, struct bv_err *err)
{
	enum bvh_relay_end end = BVH_RELAY_DONE;
	size_t n = 1;

	for (unsigned int i = 0;
	     i < STEPS_MAX && n > 0 && end == BVH_RELAY_DONE && takes(f); i++) {
		end = move_in(r, f, &n, err);
		*ret += n;
	}
	return end;
}

/* --- the terminal's size --------------------------------------------------- */

static enum bvh_relay_end follow_size(struct bvh_relay *r, struct bv_err *err)
{
	struct winsize now;
	int code = BV_OK;

	if (r->master < 0 || ioctl(r->outer, TIOCGWINSZ, &now) != 0 ||
	    memcmp(&now, &r->size, sizeof(now)) == 0)
		return BVH_RELAY_DONE;
	r->size = now;
	(void)ioctl(r->master, TIOCSWINSZ, &now);
	if (!r->tape->full)
		code = bvh_tape_resize(r->tape, now.ws_col, now.ws_row, err);
	if (code == BV_E_LIMIT)
		return r->goes_on ? BVH_RELAY_DONE : BVH_RELAY_FULL;
	return code == BV_OK ? BVH_RELAY_DONE : BVH_RELAY_FAULT;
}

/* --- the loop -------------------------------------------------------------- */

enum slot {
	SLOT_SIGNAL,
	SLOT_PEER,
	SLOT_FLOW, /* two each: from, to */
	SLOT_N = SLOT_FLOW + 2 * BVH_FLOWS_MAX
};

struct turn {
	struct pollfd p[SLOT_N];
	bool stopping;  /* what is ready, and no more */
	bool peer_gone; /* what was launched has ended */
	uint64_t last;  /* bytes of its terminal since */
	bool lags;      /* the digest, … */
	bool hashing;   /* … which is being made level */
};

/* Fills p; false when every flow is over. */
static bool prepare(const struct bvh_relay *r, struct turn *t)
{
	bool any = false;
	bool terminal = false;

	for (size_t i = 0; i < r->n; i++) {
		const struct bvh_flow *f = r->flow[i];
		struct pollfd *from = &t->p[SLOT_FLOW + 2 * i];
		struct pollfd *to = from + 1;
		const bool pending = is_pending(f);

		any |= !is_over(f);
		terminal |= !is_over(f) && f->of_terminal;
		*from = (struct pollfd){ .fd = takes(f) ? f->from : -1,
					 .events = POLLIN };
		/* A master without a slave hangs up while there still is
		 * something to read: its reader finds the end. */
		*to = (struct pollfd){ .fd = is_typing(f) && !pending ? -1
								      : f->to,
				       .events = pending ? POLLOUT : 0 };
	}
	t->p[SLOT_SIGNAL] = (struct pollfd){ r->signal_fd, POLLIN, 0 };
	t->p[SLOT_PEER] =
		(struct pollfd){ terminal && !t->peer_gone ? r->peer_pidfd : -1,
				 POLLIN, 0 };
	return any;
}

static bool terminal_pending(const struct bvh_relay *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->flow[i]->of_terminal && !is_typing(r->flow[i]) &&
		    is_pending(r->flow[i]))
			return true;
	return false;
}

static bool terminal_lives(const struct bvh_relay *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->flow[i]->of_terminal && !is_over(r->flow[i]))
			return true;
	return false;
}

static int timeout_ms(const struct bvh_relay *r, const struct turn *t)
{
	if (t->stopping || t->hashing)
		return 0;
	if (t->peer_gone && terminal_lives(r) && !terminal_pending(r))
		return QUIET_MS;
	if (t->lags)
		return BREAK_MS;
	return r->told || !terminal_lives(r) ? -1 : ASK_SIZE_MS;
}

static void on_signal(const struct bvh_relay *r, struct turn *t)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		t->stopping |= info.ssi_signo == SIGTERM;
}

/* Nothing was ready. True: it is over. */
static bool on_quiet(struct bvh_relay *r, struct turn *t)
{
	if (t->stopping)
		return true;
	if (t->peer_gone && terminal_lives(r) && !terminal_pending(r)) {
		end_terminal(r);
	} else if (t->hashing || t->lags) {
		t->lags = false;
		t->hashing = bvh_tape_hash(r->tape);
	}
	return false;
}

static enum bvh_relay_end handle(struct bvh_relay *r, struct turn *t, size_t i,
				 struct bv_err *err)
{
	struct bvh_flow *f = r->flow[i];
	const struct pollfd *from = &t->p[SLOT_FLOW + 2 * i];
	const struct pollfd *to = from + 1;
	enum bvh_relay_end end = BVH_RELAY_DONE;
	size_t n = 0;

	if (is_over(f))
		return BVH_RELAY_DONE;
	if ((to->revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		sink_ended(r, f);
	else if ((to->revents & POLLOUT) != 0)
		move_out(r, f);
	if (from->revents != 0)
		end = move_along(r, f, &n, err);
	if (t->peer_gone && f->of_terminal && !is_typing(f)) {
		if (from->revents != 0)
			t->last += n > BV_CAST_TERM_MAX ? n : BV_CAST_TERM_MAX;
		if (t->last > LAST_BYTES)
			end_terminal(r);
	}
	return end;
}

static enum bvh_relay_end run_turn(struct bvh_relay *r, struct turn *t,
				   struct bv_err *err)
{
	enum bvh_relay_end end = BVH_RELAY_DONE;

	if (t->p[SLOT_PEER].revents != 0)
		t->peer_gone = true;
	if (t->p[SLOT_SIGNAL].revents != 0) {
		on_signal(r, t);
		end = follow_size(r, err);
	}
	for (size_t i = 0; i < r->n && end == BVH_RELAY_DONE; i++)
		end = handle(r, t, i, err);
	t->lags = true;
	t->hashing = false;
	return end;
}

enum bvh_relay_end bvh_relay_run(struct bvh_relay *r, struct bv_err *err)
{
	struct turn t = { .lags = true };
	enum bvh_relay_end end = BVH_RELAY_DONE;

	while (end == BVH_RELAY_DONE && prepare(r, &t)) {
		const int n = poll(t.p, SLOT_N, timeout_ms(r, &t));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)bv_fail_errno(err, errno, "poll");
			end = BVH_RELAY_FAULT;
		} else if (n == 0) {
			if (on_quiet(r, &t))
				break;
			end = follow_size(r, err);
		} else {
			end = run_turn(r, &t, err);
		}
	}
	for (size_t i = 0; i < r->n; i++)
		end_flow(r->flow[i]);
	return end;
}
