/* SPDX-License-Identifier: MIT */
/* The guardian's long wait: for the close, the leader's death, the end of the
 * wall budget, the administrator; and the session's signals in between. */
#include "helper/guard_internal.h"

#include "helper/fd.h"
#include "helper/log.h"
#include "helper/notify.h"
#include "helper/red.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <syslog.h>
#include <time.h>

/* Between the leader's turning to the login manager and its close lies that
 * one's answer: pam_systemd(8) waits for it for up to two minutes. A leader that
 * has begun something new meanwhile is not closing. */
#define CLOSE_FOLLOWS_US (120u * 1000u * 1000u)
#define LOOK_EVERY_MS    1000

enum slot {
	SLOT_SOCK,
	SLOT_LEADER,
	SLOT_WALL,
	SLOT_SIGNAL,
	SLOT_LISTENER,
	SLOT_ANCHOR,
	SLOT_CPU,
	SLOT_LAUNCH,
	SLOT_CAPTURE,
	SLOT_TRAFFIC,
	SLOT_GATE,
	SLOT_DENIALS,
	SLOT_WASM,
	SLOT_HIT, /* BVH_HIT_N of them */
	SLOT_N = SLOT_HIT + BVH_HIT_N
};

struct waiting {
	struct pollfd p[SLOT_N];
	int signal_fd;
	bool warned;
	uint64_t look_us; /* when to look after a returned leader again */
};

static int start_signals(struct waiting *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	w->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return w->signal_fd < 0 ? -1 : 0;
}

static void end_by(struct bvh_ending *e, enum bv_outcome outcome,
		   const char *reason, bool keep_leader)
{
	e->outcome = outcome;
	e->reason = reason;
	e->keep_leader = keep_leader;
}

/* Each on_…: true ends the session, with *e filled. */

static bool on_packet(struct bvh_guard *g, struct waiting *w,
		      struct bvh_ending *e)
{
	struct bvp_header head;

	switch (bvh_packet_receive(g->sock, &g->packet)) {
	case BVH_RECEIVE_NOTHING:
		return false;
	case BVH_RECEIVE_END:
		/* Not the end of the session: the leader's death is. */
		w->p[SLOT_SOCK].fd = -1;
		return false;
	case BVH_RECEIVE_PACKET:
		break;
	}
	bvh_close(&g->packet.fd);
	if (g->packet.sender != g->leader && !bvh_red("close-sender"))
		return false;
	if (bvp_decode_header(g->packet.buf, g->packet.len, &head) != 0)
		return false;
	if (head.type == BVP_MSG_OPEN || head.type == BVP_MSG_ADMIT) {
		bvh_guard_second(g, &g->packet);
		return false;
	}
	if (head.type != BVP_MSG_CLOSE)
		return false;
	end_by(e, BV_OUTCOME_COMPLETED, "", true);
	return true;
}

static bool on_wall(struct bvh_guard *g, struct waiting *w,
		    struct bvh_ending *e)
{
	uint64_t fired;

	(void)!read(g->wall_fd, &fired, sizeof(fired));
	if (bvh_boot_us() >= g->wall_end_us && !bvh_red("wall")) {
		end_by(e, BV_OUTCOME_TIMEOUT, "the wall budget is used up",
		       false);
		return true;
	}
	if (!w->warned) {
		w->warned = true;
		bvh_guard_warn_wall(g);
	}
	if (bvh_guard_arm_wall(g, g->wall_end_us) == 0)
		return false;
	end_by(e, BV_OUTCOME_SUPERVISOR_FAULT, "the wall timer broke", false);
	return true;
}

static bool on_signal(struct waiting *w, struct bvh_ending *e)
{
	struct signalfd_siginfo info;

	if (read(w->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	end_by(e, BV_OUTCOME_KILLED, "ended by the administrator", false);
	return true;
}

static bool on_leader(struct bvh_guard *g, struct bvh_ending *e)
{
	if (bvh_red("leader-death"))
		return false;
	(void)bv_report_observe(&g->report, "leader_died_without_close", NULL,
				"pid %d", (int)g->leader);
	/* memory.oom.group: with the one process all of them. */
	if (bvh_guard_out_of_memory(g))
		end_by(e, BV_OUTCOME_KILLED,
		       "the kernel ended the session: over its memory limit",
		       false);
	else
		end_by(e, BV_OUTCOME_COMPLETED,
		       "the session leader ended without closing the session",
		       false);
	return true;
}

/* The leader turns to the login manager. Before its first child that is part
 * of opening; later it is the close. */
static void on_bus(void *arg)
{
	struct bvh_guard *g = arg;
	struct bvh_leaf_stats s;

	bvh_leaf_read_stats(&g->boundary.leaf, &s);
	if (!s.has_pids_peak || s.pids_peak > 1)
		bvh_guard_return_leader(g);
}

static void on_denied(void *arg, pid_t target)
{
	bvh_guard_note_signal(arg, target);
}

static bool on_anchor(struct bvh_ending *e)
{
	end_by(e, BV_OUTCOME_KILLED, "ended by the login manager", false);
	return true;
}

static void earlier(uint64_t *at_us, uint64_t other_us)
{
	if (other_us < *at_us)
		*at_us = other_us;
}

/* How long poll may wait: a leader that was returned is looked after, and a
 * counter that was just read is left alone for a moment. */
static int poll_ms(const struct bvh_guard *g, struct waiting *w)
{
	const uint64_t now_us = bvh_boot_us();
	uint64_t at_us = UINT64_MAX;

	if (g->returned)
		at_us = now_us + LOOK_EVERY_MS * 1000u;
	for (size_t i = 0; i < BVH_HIT_N; i++) {
		const struct bvh_hit_watch *hit = &g->hit[i];
		const bool rests = hit->again_us > now_us;

		w->p[SLOT_HIT + i].fd = rests ? -1 : hit->fd;
		if (rests)
			earlier(&at_us, hit->again_us);
	}
	w->p[SLOT_DENIALS].fd = g->denials.fd;
	if (g->denials.again_us > now_us) {
		w->p[SLOT_DENIALS].fd = -1;
		earlier(&at_us, g->denials.again_us);
	}
	/* Made when the first shell comes. */
	w->p[SLOT_WASM].fd = g->wasm.epoll_fd;
	if (g->wasm.again_us > now_us) {
		w->p[SLOT_WASM].fd = -1;
		earlier(&at_us, g->wasm.again_us);
	}
	if (at_us == UINT64_MAX)
		return -1;
	return (int)((at_us - now_us) / 1000u) + 1;
}

/* A leader that was moved back is out of the leaf until it closes. */
static void look_after_leader(struct bvh_guard *g, struct waiting *w)
{
	const uint64_t now = bvh_boot_us();

	if (!g->returned || now < w->look_us)
		return;
	w->look_us = now + LOOK_EVERY_MS * 1000u;
	if (bvh_guard_take_kin(g) ||
	    now - g->returned_boot_us >= CLOSE_FOLLOWS_US)
		bvh_guard_retake_leader(g);
}

static void on_listener(struct bvh_guard *g, struct waiting *w)
{
	const struct bvh_notify_watch watch = {
		.leader = g->leader,
		.on_bus = on_bus,
		.on_denied = on_denied,
		.arg = g,
	};

	if (bvh_notify_serve_watch(g->listener_fd, &g->boundary.leaf, &watch))
		return;
	bvh_close(&g->listener_fd);
	w->p[SLOT_LISTENER].fd = -1;
}

/* The close is looked at before the leader's death: when both are there, the
 * session ended in order. */
static bool handle(struct bvh_guard *g, struct waiting *w, struct bvh_ending *e)
{
	if (w->p[SLOT_LISTENER].revents != 0)
		on_listener(g, w);
	for (size_t i = 0; i < BVH_HIT_N; i++) {
		if (w->p[SLOT_HIT + i].revents != 0)
			bvh_guard_on_hit(g, (enum bvh_hit)i);
	}
	if (w->p[SLOT_CAPTURE].revents != 0)
		bvh_guard_on_recorders(g);
	if (w->p[SLOT_TRAFFIC].revents != 0)
		bvh_guard_on_traffic(g);
	if (w->p[SLOT_GATE].revents != 0 && !bvh_guard_on_gate(g))
		w->p[SLOT_GATE].fd = -1;
	if (w->p[SLOT_DENIALS].revents != 0)
		bvh_guard_on_denials(g);
	if (w->p[SLOT_WASM].revents != 0)
		bvh_guard_on_wasm(g);
	if (w->p[SLOT_LAUNCH].revents != 0)
		bvh_guard_launch(g);
	if (w->p[SLOT_SOCK].revents != 0 && on_packet(g, w, e))
		return true;
	if (w->p[SLOT_LEADER].revents != 0 && on_leader(g, e))
		return true;
	if (w->p[SLOT_SIGNAL].revents != 0 && on_signal(w, e))
		return true;
	if (w->p[SLOT_ANCHOR].revents != 0 && on_anchor(e))
		return true;
	if (w->p[SLOT_CPU].revents != 0 && bvh_guard_on_cpu(g, e))
		return true;
	return w->p[SLOT_WALL].revents != 0 && on_wall(g, w, e);
}

void bvh_guard_loop(struct bvh_guard *g, struct bvh_ending *ret)
{
	struct waiting w = { .signal_fd = -1 };

	if (start_signals(&w) != 0) {
		end_by(ret, BV_OUTCOME_SUPERVISOR_FAULT,
		       "the guardian could not set up its signals", false);
	} else {
		w.p[SLOT_SOCK].fd = g->sock;
		w.p[SLOT_LEADER].fd = g->leader_pidfd;
		w.p[SLOT_WALL].fd = g->wall_fd;
		w.p[SLOT_SIGNAL].fd = w.signal_fd;
		w.p[SLOT_LISTENER].fd = g->listener_fd;
		w.p[SLOT_LAUNCH].fd = g->launch_fd;
		w.p[SLOT_CAPTURE].fd = g->capture.epoll_fd;
		w.p[SLOT_GATE].fd = g->gate_fd;
		w.p[SLOT_ANCHOR].fd = g->anchor > 0 ? g->anchor_pidfd : -1;
		w.p[SLOT_CPU].fd = g->cpu.timer_fd;
		bvh_guard_hits_start(g);
		bvh_guard_traffic_start(g);
		w.p[SLOT_TRAFFIC].fd = g->traffic.timer_fd;
		for (size_t i = 0; i < SLOT_N; i++)
			w.p[i].events = i < SLOT_HIT ? POLLIN : POLLPRI;
		if (bvh_red("leader-death"))
			w.p[SLOT_LEADER].fd = -1;
		for (;;) {
			const int n = poll(w.p, SLOT_N, poll_ms(g, &w));

			if (n < 0) {
				if (errno == EINTR)
					continue;
				end_by(ret, BV_OUTCOME_SUPERVISOR_FAULT,
				       "poll failed", false);
				break;
			}
			look_after_leader(g, &w);
			if (handle(g, &w, ret))
				break;
		}
	}
	bvh_guard_traffic_stop(g);
	bvh_guard_hits_stop(g);
	bvh_close(&w.signal_fd);
}
