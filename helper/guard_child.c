/* SPDX-License-Identifier: MIT */
/*
 * commit=child: the leader stays as it was but for the gate (gate.h), and a
 * child of it, root still, comes and asks to be confined. From then on the
 * schedule goes on with that child in the leader's place. Until it comes, and
 * after it failed to, nothing of the leader's becomes anybody but root.
 */
#include "helper/guard_internal.h"

#include "core/num.h"
#include "helper/attest.h"
#include "helper/fd.h"
#include "helper/gate.h"
#include "helper/kernfs.h"
#include "helper/log.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* sshd forks right after the session is opened; a machine may be slow. */
#define CHILD_DEADLINE_US (60u * 1000u * 1000u)
#define LOOK_MS           1000

void bvh_guard_choose_confined(struct bvh_guard *g)
{
	struct bv_lowered *l = &g->course.lowered;

	g->confined = g->leader;
	g->confined_pidfd = g->leader_pidfd;
	g->confined_start = g->leader_start;
	if ((g->request.flags & BVP_FLAG_CHILD) == 0)
		return;
	/* A process has one seccomp listener at most, and here the boundary
	 * itself needs it. */
	if (l->notify_signals) {
		(void)bv_report_observe(&g->report, "commit_in_leader", NULL,
					"commit=child needs landlock ABI 6, "
					"here is %u",
					l->landlock_abi);
		return;
	}
	/* The leader's way to the login manager is its own: it is no member. */
	l->notify_bus = false;
	g->gated = true;
}

/* --- the gate -------------------------------------------------------------- */

static int send_gate(struct bvh_guard *g, struct bv_err *err)
{
	struct sock_filter insn[BVH_GATE_INSN_MAX];
	const struct bvp_reply reply = {
		.flags = BVP_FLAG_CHILD | BVP_FLAG_LISTENER,
		.verdict = BVP_ADMITTED,
		.session = g->id,
		.plan = g->adm.plan.id,
		.log_text = "",
		.user_text = "",
		.trial = "",
		.bpf = insn,
		.bpf_len = (uint32_t)bvh_gate_build(insn),
	};
	size_t len =
		bvp_encode_reply(&reply, g->packet.buf, sizeof(g->packet.buf));

	if (len == 0)
		return bv_fail(err, BV_E_LIMIT, "the verdict is too long");
	return bvh_packet_send(g->sock, g->packet.buf, len, NULL, 0, err);
}

/* The kernel shows one filter more, and we hold its listener. */
static int install_gate(struct bvh_guard *g, struct bv_err *err)
{
	unsigned int before = 0, after = 0;
	struct bvp_header head;
	int code = bvh_attest_filters(g->leader, &before, err);

	if (code == BV_OK)
		code = send_gate(g, err);
	if (code == BV_OK)
		code = bvh_packet_wait(g->sock, g->leader, g->leader_pidfd,
				       bvp_deadline_ms(g->request.flags),
				       &g->packet, err);
	if (code != BV_OK)
		return bv_ctx(err, "the gate");
	g->gate_fd = bvh_fd_take(&g->packet.fd);
	if (bvp_decode_header(g->packet.buf, g->packet.len, &head) != 0 ||
	    head.type != BVP_MSG_COMMITTED || g->gate_fd < 0)
		return bv_fail(err, BV_E_PROTO,
			       "the gate: the PAM module sent no listener");
	code = bvh_attest_filters(g->leader, &after, err);
	if (code == BV_OK && after <= before)
		code = bv_fail(err, BV_E_PROTO,
			       "the gate: leader shows %u filters, had %u",
			       after, before);
	if (code == BV_OK)
		code = bv_report_observe(&g->report, "attested_gate", err,
					 "leader %d, Seccomp_filters=%u",
					 (int)g->leader, after);
	if (code == BV_OK)
		code = bvh_packet_send_plain(g->sock, BVP_MSG_ATTESTED, err);
	return code;
}

bool bvh_guard_on_gate(struct bvh_guard *g)
{
	const struct bvh_leaf *leaf = g->committed ? &g->boundary.leaf : NULL;
	unsigned int refused = 0;
	const bool alive = bvh_gate_serve(g->gate_fd, leaf, &refused);

	if (refused > 0 && !g->gate_told) {
		g->gate_told = true; /* once: it may try for ever */
		(void)bv_report_observe(&g->report, "gate_refused", NULL, "%s",
					"setuid outside of the leaf");
		bvh_log(LOG_WARNING,
			"session=%s a process of sshd outside of the boundary "
			"wanted to become a user: refused",
			g->id);
	}
	if (!alive)
		bvh_close(&g->gate_fd);
	return alive;
}

/* --- who comes --------------------------------------------------------------- */

/* "Key:\tA\tB…": does every number of the line say `want`? */
static bool status_is(const char *status, const char *key, uint64_t want,
		      unsigned int n)
{
	char line[128], find[32], *save = NULL;
	const char *at;

	snprintf(find, sizeof(find), "\n%s:", key);
	at = strstr(status, find);
	if (at == NULL)
		return false;
	at += strlen(find);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
	for (char *word = strtok_r(line, "\t ", &save); word != NULL;
	     word = strtok_r(NULL, "\t ", &save)) {
		uint64_t got;

		if (n-- == 0 || !bv_parse_u64(word, 0, UINT32_MAX, &got) ||
		    got != want)
			return false;
	}
	return n == 0;
}

/* A child of the leader, with all its ids root's, and one thread. The pidfd is
 * opened first and must be alive after: then all of it was read of that one. */
static int meet_child(struct bvh_guard *g, pid_t pid, struct bv_err *err)
{
	bv_auto_close int pidfd = bvh_sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	char path[64], status[8192];
	uint64_t start = 0;
	int code;

	if (pidfd < 0)
		return bv_fail_errno(err, errno, "pidfd of the child");
	(void)fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (bvh_kernfs_read(AT_FDCWD, path, status, sizeof(status)) != 0)
		return bv_fail(err, BV_E_SYS, "read '%s'", path);
	code = bvh_proc_start(pid, &start, err);
	if (code != BV_OK)
		return code;
	if (poll(&p, 1, 0) != 0 ||
	    !status_is(status, "PPid", (uint64_t)g->leader, 1) ||
	    !status_is(status, "Uid", 0, 4) ||
	    !status_is(status, "Threads", 1, 1))
		return bv_fail(err, BV_E_PROTO,
			       "pid %d, which asks to be confined, is no child "
			       "of the leader %d that is still root",
			       (int)pid, (int)g->leader);
	g->confined = pid;
	g->confined_start = start;
	g->confined_pidfd = bvh_fd_take(&pidfd);
	return bv_report_observe(&g->report, "commit_in_child", err,
				 "pid %d, child of %d", (int)pid,
				 (int)g->leader);
}

/* True: *code is the answer. */
static bool on_child_packet(struct bvh_guard *g, int *code, struct bv_err *err)
{
	struct bvp_header head;

	switch (bvh_packet_receive(g->sock, &g->packet)) {
	case BVH_RECEIVE_NOTHING:
		return false;
	case BVH_RECEIVE_END:
		*code = bv_fail(err, BV_E_PROTO,
				"the PAM module closed the connection");
		return true;
	case BVH_RECEIVE_PACKET:
		break;
	}
	bvh_close(&g->packet.fd);
	if (bvp_decode_header(g->packet.buf, g->packet.len, &head) != 0)
		return false;
	if (head.type == BVP_MSG_HERE) {
		*code = meet_child(g, g->packet.sender, err);
		return true;
	}
	if (head.type != BVP_MSG_CLOSE || g->packet.sender != g->leader)
		return false;
	*code = bv_fail(err, BV_E_PROTO,
			"the session was closed before a child of its leader "
			"came to be confined");
	return true;
}

static int await_child(struct bvh_guard *g, struct bv_err *err)
{
	const uint64_t end = bvh_boot_us() + CHILD_DEADLINE_US;
	struct pollfd p[] = {
		{ .fd = g->sock, .events = POLLIN },
		{ .fd = g->leader_pidfd, .events = POLLIN },
		{ .fd = g->gate_fd, .events = POLLIN },
	};
	int code = BV_OK;

	while (bvh_boot_us() < end) {
		if (poll(p, BV_LEN(p), LOOK_MS) < 0 && errno != EINTR)
			return bv_fail_errno(err, errno, "poll");
		if (p[2].revents != 0 && !bvh_guard_on_gate(g))
			p[2].fd = -1;
		if (p[0].revents != 0 && on_child_packet(g, &code, err))
			return code;
		if (p[1].revents != 0)
			return bv_fail(err, BV_E_PROTO,
				       "the session leader died");
	}
	return bv_fail(err, BV_E_TIMEOUT,
		       "no child of the leader came to be confined");
}

int bvh_guard_meet_confined(struct bvh_guard *g, struct bv_err *err)
{
	int code;

	if (!g->gated)
		return BV_OK;
	code = install_gate(g, err);
	return code == BV_OK ? await_child(g, err) : code;
}

void bvh_guard_confined_done(struct bvh_guard *g)
{
	if (g->gated && g->confined_pidfd != g->leader_pidfd)
		bvh_close(&g->confined_pidfd);
	bvh_close(&g->gate_fd);
}
