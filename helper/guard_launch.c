/* SPDX-License-Identifier: MIT */
/*
 * The guardian's half of the exec boundary: it listens for the session's
 * shells. Nothing that comes in over the socket is read; who asks is what the
 * kernel says: the session's user, in this session's leaf, alive all the while.
 */
#include "helper/guard_internal.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/launch.h"
#include "helper/lease.h"
#include "helper/log.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#define BACKLOG 16

/* The user decides how often to ask, not how long the log is. */
#define LAUNCHES_LOGGED   100u
#define REFUSALS_LOGGED   20u
#define REFUSALS_REPORTED 3u

static void socket_path(const struct bvh_guard *g, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), BVH_LAUNCH_DIR "/%s",
		 g->id);
}

/* Entered by everybody, listed by root alone. */
static int make_dir(struct bv_err *err)
{
	bv_auto_close int run = -1;
	bv_auto_close int dir = -1;
	int code = bvh_dir_make(AT_FDCWD, BVH_LAUNCH_RUN, 0755, BVH_LAUNCH_RUN,
				&run, err);

	if (code == BV_OK)
		code = bvh_dir_make(run, BVH_LAUNCH_NAME, 0711, BVH_LAUNCH_DIR,
				    &dir, err);
	/* The guardian's umask took the others' search bit. */
	if (code == BV_OK && (fchmod(run, 0755) != 0 || fchmod(dir, 0711) != 0))
		code = bv_fail_errno(err, errno, "chmod '%s'", BVH_LAUNCH_DIR);
	return code;
}

int bvh_guard_offer(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct sockaddr_un at;
	bv_auto_close int fd = -1;
	int code = make_dir(err);

	if (code != BV_OK)
		return code;
	socket_path(g, &at);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return bv_fail_errno(err, errno, "socket");
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return bv_fail_errno(err, errno, "bind '%s'", at.sun_path);
	/* Connecting takes the right to write: nobody else can fill the queue. */
	if (chown(at.sun_path, g->adm.subject.uid, (gid_t)-1) != 0 ||
	    chmod(at.sun_path, 0600) != 0 || listen(fd, BACKLOG) != 0) {
		code = bv_fail_errno(err, errno, "listen at '%s'", at.sun_path);
		(void)unlink(at.sun_path);
		return code;
	}
	g->launch_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_guard_offer_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct sockaddr_un at;

	bvh_close(&g->launch_fd);
	socket_path(g, &at);
	if (unlink(at.sun_path) != 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "remove '%s'", at.sun_path);
	return BV_OK;
}

/* By descriptor: a pid that is read from and still lives when all is read was
 * never another process. */
static int check_peer(const struct bvh_guard *g, int sock, pid_t *ret_pid,
		      int *ret_pidfd, struct bv_err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bv_auto_close int pidfd = -1;
	struct pollfd p = { .events = POLLIN };

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return bv_fail_errno(err, errno, "SO_PEERCRED");
	pidfd = bvh_sys_pidfd_open(peer.pid, 0);
	if (pidfd < 0)
		return bv_fail_errno(err, errno, "pidfd of %d", (int)peer.pid);
	if (peer.uid != g->adm.subject.uid)
		return bv_fail(err, BV_E_PROTO, "pid %d asks as uid %u",
			       (int)peer.pid, (unsigned int)peer.uid);
	if (!bvh_leaf_holds(&g->boundary.leaf, peer.pid))
		return bv_fail(err, BV_E_PROTO,
			       "pid %d asks from outside the leaf",
			       (int)peer.pid);
	p.fd = pidfd;
	if (poll(&p, 1, 0) != 0)
		return bv_fail(err, BV_E_PROTO, "pid %d is gone",
			       (int)peer.pid);
	*ret_pid = peer.pid;
	*ret_pidfd = bvh_fd_take(&pidfd);
	return BV_OK;
}

static int send_answer(int sock, const struct bvh_answer *a, int fd,
		       struct bv_err *err)
{
	return bvh_packet_send(sock, a, sizeof(*a), &fd, fd < 0 ? 0 : 1, err);
}

int bvh_guard_hand_over(const struct bvh_guard *g, int sock, bool streams,
			struct bv_err *err)
{
	struct bvh_answer a = { .magic = BVH_ANSWER_MAGIC,
				.launch = 1,
				.streams = streams ? 1 : 0 };
	unsigned char *bytes = malloc(BV_LAUNCH_MAX);
	bv_auto_close int fd = -1;
	size_t len = 0;
	int code;

	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "launch plan");
	code = bvh_launch_make(&g->adm.plan, bytes, BV_LAUNCH_MAX, &len, err);
	if (code == BV_OK)
		code = bvh_launch_seal(bytes, len, &fd, err);
	if (code == BV_OK) {
		a.len = (uint32_t)len;
		bv_sha256_hex(bytes, len, a.sha256_hex);
		memcpy(a.plan_id, g->adm.plan.id, sizeof(a.plan_id));
	}
	bvh_lease_free((char *)bytes, BV_LAUNCH_MAX);
	return code == BV_OK ? send_answer(sock, &a, fd, err) : code;
}

/* A shell of modules: no plan, and it goes on to speak. */
static int answer_wasm(struct bvh_guard *g, int *sock, struct bv_err *err)
{
	const struct bv_policy *p = g->adm.plan.spec->policy;
	const struct bvh_answer a = {
		.magic = BVH_ANSWER_MAGIC,
		.launch = 1,
		.inlined = p->isolation == BV_ISOLATION_INLINE &&
			   !bvh_red("wasm-inline"),
	};
	int code = send_answer(*sock, &a, -1, err);

	if (code == BV_OK)
		bvh_guard_wasm_hear(&g->wasm, sock);
	return code;
}

/* The first one is told in the report. */
void bvh_guard_launched(struct bvh_guard *g, pid_t pid)
{
	const struct bv_schedule *s = &g->adm.plan.schedule;

	if (g->launches < LAUNCHES_LOGGED)
		bvh_log(LOG_INFO, "session=%s launch by pid %d",
			g->id, (int)pid);
	if (g->launches++ > 0)
		return;
	for (size_t i = 0; i < s->n; i++)
		if (s->entry[i].actor == BV_ACTOR_SHELL)
			g->course.ran |= BV_PRIM_BIT(i);
	g->report.executed = g->course.ran;
	(void)bv_report_observe(&g->report, "exec_boundary_launch", NULL,
				"%s pid %d",
				g->report.commands != NULL
					? "isolation told to"
					: "plan handed to",
				(int)pid);
}

void bvh_guard_launch_refused(struct bvh_guard *g, const char *why)
{
	if (g->launch_refusals++ >= REFUSALS_LOGGED)
		return;
	bvh_log(LOG_ERR, "session=%s launch refused: %s", g->id, why);
	if (g->launch_refusals <= REFUSALS_REPORTED)
		(void)bv_report_observe(&g->report, "launch_refused", NULL,
					"%.150s", why);
}

void bvh_guard_launch(struct bvh_guard *g)
{
	bv_auto_close int sock =
		accept4(g->launch_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct bvh_answer no = { .magic = BVH_ANSWER_MAGIC };
	bv_auto_close int pidfd = -1;
	struct bv_err err = { 0 };
	pid_t pid = 0;
	int code;

	if (sock < 0)
		return;
	code = check_peer(g, sock, &pid, &pidfd, &err);
	if (code == BV_OK &&
	    g->adm.plan.spec->workload == BV_WORKLOAD_WASM) {
		code = answer_wasm(g, &sock, &err);
		if (code == BV_OK)
			bvh_guard_launched(g, pid);
	} else if (code == BV_OK && bvh_guard_records(g, pid)) {
		code = bvh_guard_record(g, sock, pid, &pidfd, &err);
		if (code == BV_OK)
			return; /* the recorder goes on from here */
	} else if (code == BV_OK) {
		code = bvh_guard_hand_over(g, sock, false, &err);
		if (code == BV_OK)
			bvh_guard_launched(g, pid);
	}
	if (code == BV_OK)
		return;
	bvh_guard_launch_refused(g, err.msg);
	snprintf(no.text, sizeof(no.text),
		 "this session's guardian refused the launch");
	(void)!send_answer(sock, &no, -1, &err);
}
