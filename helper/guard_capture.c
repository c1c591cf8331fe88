/* SPDX-License-Identifier: MIT */
/*
 * The guardian's side of recording: a place for the recordings, one recorder for
 * each launch, and what became of them. Each recording is a line of the
 * manifest, with its size and digest; the manifest's own digest is sealed in the
 * report. Whoever is not recorded any more is ended.
 */
#include "helper/guard_internal.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/kin.h"
#include "helper/log.h"
#include "helper/recorder.h"
#include "helper/red.h"
#include "helper/sys.h"

#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>

#define OBSERVED_EACH 4u    /* recordings the report tells one by one */
#define LOGGED_EACH   100u  /* the user decides how many there are */
#define COLLECT_MS    10000 /* for the last digests, at the end */
#define LINE          192u

void bvh_guard_capture_init(struct bvh_capture *c)
{
	c->dir_fd = c->epoll_fd = c->manifest_fd = -1;
	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++)
		c->recorder[i].fd = c->recorder[i].peer_pidfd = -1;
}

/* --- the place ------------------------------------------------------------- */

static int make_place(struct bvh_guard *g, struct bv_err *err)
{
	const char *state_dir = g->adm.config.state_dir;
	bv_auto_close int state = -1;
	bv_auto_close int all = -1;
	int code =
		bvh_dir_make(AT_FDCWD, state_dir, 0700, state_dir, &state, err);

	if (code == BV_OK)
		code = bvh_dir_make(state, "captures", 0700, "captures", &all,
				    err);
	if (code == BV_OK)
		code = bvh_dir_make(all, g->id, 0700, g->id, &g->capture.dir_fd,
				    err);
	if (code != BV_OK)
		return bv_ctx(err, "'%s/captures'", state_dir);
	if (fsync(all) != 0)
		return bv_fail_errno(err, errno, "fsync '%s/captures'",
				     state_dir);
	return BV_OK;
}

static int make_manifest(struct bvh_capture *c, struct bv_err *err)
{
	SHA256Init(&c->manifest_sha);
	c->manifest_fd = openat(
		c->dir_fd, "manifest",
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (c->manifest_fd < 0)
		return bv_fail_errno(err, errno, "create the manifest");
	if (fsync(c->dir_fd) != 0)
		return bv_fail_errno(err, errno, "fsync of the recordings");
	return BV_OK;
}

int bvh_guard_capture_run(struct bvh_course *course, struct bv_err *err)
{
	struct bvh_guard *g = course->owner;
	struct bvh_capture *c = &g->capture;
	int code = make_place(g, err);

	if (code == BV_OK)
		code = make_manifest(c, err);
	if (code != BV_OK)
		return code;
	c->stored = mmap(NULL, sizeof(*c->stored), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->stored == MAP_FAILED) {
		c->stored = NULL;
		return bv_fail_errno(err, errno, "mmap");
	}
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return bv_fail_errno(err, errno, "epoll");
	return BV_OK;
}

/* --- one recorder ---------------------------------------------------------- */

bool bvh_guard_records(const struct bvh_guard *g, pid_t peer)
{
	const struct bvh_capture *c = &g->capture;

	if (c->dir_fd < 0 || bvh_red("capture"))
		return false;
	/* $SHELL of a program that a recorded shell started: what it reads and
	 * writes is that one's, or stays inside. A pid that still lives is the
	 * one it was. */
	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++) {
		const struct bvh_recorder *r = &c->recorder[i];
		struct pollfd p = { .fd = r->peer_pidfd, .events = POLLIN };

		if (r->pid > 0 && r->begun && !r->ended &&
		    bvh_kin_holds(r->peer, peer) && r->peer != peer &&
		    poll(&p, 1, 0) == 0)
			return false;
	}
	return true;
}

static struct bvh_recorder *free_place(struct bvh_capture *c)
{
	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++)
		if (c->recorder[i].pid == 0)
			return &c->recorder[i];
	return NULL;
}

int bvh_guard_record(struct bvh_guard *g, int sock, pid_t peer, int *peer_pidfd,
		     struct bv_err *err)
{
	struct bvh_capture *c = &g->capture;
	struct bvh_recorder *r = free_place(c);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = r };
	const pid_t guardian = getpid();
	int pair[2];
	pid_t pid;

	if (r == NULL)
		return bv_fail(err, BV_E_LIMIT,
			       "more than %u launches are recorded at a time",
			       BVH_RECORDERS_MAX);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return bv_fail_errno(err, errno, "socketpair");
	pid = epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, pair[0], &event) == 0
		      ? fork()
		      : -1;
	if (pid == 0) {
		const struct bvh_recording self = {
			.guard = g,
			.guardian = guardian,
			.number = c->launches + 1,
			.peer = peer,
			.peer_pidfd = *peer_pidfd,
			.sock = sock,
			.status = pair[1],
			.dir = c->dir_fd,
			.stored = c->stored,
		};

		bvh_recorder_main(&self);
	}
	if (pid < 0) {
		(void)bv_fail_errno(err, errno, "fork of a recorder");
		bvh_close(&pair[0]);
		bvh_close(&pair[1]);
		return BV_E_SYS;
	}
	bvh_close(&pair[1]);
	*r = (struct bvh_recorder){
		.pid = pid,
		.fd = pair[0],
		.peer = peer,
		.peer_pidfd = bvh_fd_take(peer_pidfd),
		.number = ++c->launches,
	};
	return BV_OK;
}

/* --- what became of it ----------------------------------------------------- */

static void add_to_manifest(struct bvh_capture *c, const struct bvh_recorder *r,
			    const struct bvh_recorded *m)
{
	char line[LINE];
	const int n = snprintf(line, sizeof(line),
			       "%" PRIu64 ".cast %s %" PRIu64 " %s %s\n",
			       r->number, m->sha256_hex, m->size,
			       m->terminal != 0 ? "terminal" : "pipes",
			       m->cut != 0 ? "cut" : "whole");

	if (n <= 0 || (size_t)n >= sizeof(line) ||
	    bvh_write_all(c->manifest_fd, line, (size_t)n,
			  (off_t)c->manifest_size) != 0) {
		c->lost++;
		return;
	}
	SHA256Update(&c->manifest_sha, (const uint8_t *)line, (size_t)n);
	c->manifest_size += (uint64_t)n;
	c->kept++;
	c->cut += m->cut != 0 ? 1 : 0;
}

/* Nothing of it is recorded any more: it does not go on. */
static void end_launched(const struct bvh_guard *g,
			 const struct bvh_recorder *r, const char *why)
{
	bvh_log(LOG_ERR,
		"session=%s recording %" PRIu64 ": %s; pid %d is ended", g->id,
		r->number, why, (int)r->peer);
	if (!bvh_red("capture-kill"))
		(void)bvh_sys_pidfd_send_signal(r->peer_pidfd, SIGKILL);
}

static void on_ended(struct bvh_guard *g, struct bvh_recorder *r,
		     const struct bvh_recorded *m)
{
	struct bvh_capture *c = &g->capture;

	r->ended = true;
	add_to_manifest(c, r, m);
	if (r->number <= LOGGED_EACH)
		bvh_log(LOG_INFO,
			"session=%s recording=%" PRIu64 " bytes=%" PRIu64
			" sha256=%s%s",
			g->id, r->number, m->size, m->sha256_hex,
			m->cut != 0 ? " cut" : "");
	if (c->kept <= OBSERVED_EACH)
		(void)bv_report_observe(
			&g->report, "stream_captured", NULL,
			"%" PRIu64 ".cast, %" PRIu64 " bytes%s, sha256 %.64s",
			r->number, m->size, m->cut != 0 ? ", cut" : "",
			m->sha256_hex);
	if (m->end == BVH_RELAY_FULL)
		end_launched(g, r, "no room for more");
	else if (m->end == BVH_RELAY_FAULT)
		end_launched(g, r, m->text);
}

static void on_message(struct bvh_guard *g, struct bvh_recorder *r,
		       struct bvh_recorded *m)
{
	m->sha256_hex[sizeof(m->sha256_hex) - 1] = '\0';
	m->text[sizeof(m->text) - 1] = '\0';
	switch ((enum bvh_recorded_what)m->what) {
	case BVH_RECORDED_BEGUN:
		r->begun = true;
		bvh_guard_launched(g, r->peer);
		break;
	case BVH_RECORDED_REFUSED:
		r->ended = true;
		bvh_guard_launch_refused(g, m->text);
		break;
	case BVH_RECORDED_ENDED:
		on_ended(g, r, m);
		break;
	}
}

/* Its end of the socket is closed: it is gone, or about to be. */
static void let_go(struct bvh_guard *g, struct bvh_recorder *r)
{
	if (!r->ended) {
		g->capture.lost++;
		end_launched(g, r, "its recorder died");
	}
	/* A recorder that was forked meanwhile may still have a copy of it, and
	 * that would go on waking this place up, whosever it is by then. */
	(void)epoll_ctl(g->capture.epoll_fd, EPOLL_CTL_DEL, r->fd, NULL);
	(void)kill(r->pid, SIGKILL); /* our child, not yet waited for */
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	bvh_close(&r->fd);
	bvh_close(&r->peer_pidfd);
	*r = (struct bvh_recorder){ .fd = -1, .peer_pidfd = -1 };
}

static void hear(struct bvh_guard *g, struct bvh_recorder *r)
{
	struct bvh_recorded m;

	for (;;) {
		const ssize_t n = recv(r->fd, &m, sizeof(m), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n != (ssize_t)sizeof(m)) {
			let_go(g, r);
			return;
		}
		on_message(g, r, &m);
	}
}

void bvh_guard_on_recorders(struct bvh_guard *g)
{
	struct epoll_event event[BVH_RECORDERS_MAX];
	const int n =
		epoll_wait(g->capture.epoll_fd, event, (int)BV_LEN(event), 0);

	for (int i = 0; i < n; i++) {
		struct bvh_recorder *r = event[i].data.ptr;

		if (r->pid > 0)
			hear(g, r);
	}
}

/* --- the end --------------------------------------------------------------- */

static bool any_left(const struct bvh_capture *c)
{
	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++)
		if (c->recorder[i].pid > 0)
			return true;
	return false;
}

/* The leaf is empty: every recorder comes to its end, but one whose outer side
 * does not take what is pending. */
static void collect(struct bvh_guard *g)
{
	struct bvh_capture *c = &g->capture;
	const uint64_t until = bvh_boot_us() + COLLECT_MS * 1000u;

	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++)
		if (c->recorder[i].pid > 0)
			(void)kill(c->recorder[i].pid, SIGTERM);
	while (any_left(c) && bvh_boot_us() < until) {
		struct pollfd p = { .fd = c->epoll_fd, .events = POLLIN };

		if (poll(&p, 1, 100) > 0)
			bvh_guard_on_recorders(g);
	}
	for (size_t i = 0; i < BVH_RECORDERS_MAX; i++)
		if (c->recorder[i].pid > 0)
			let_go(g, &c->recorder[i]);
}

/* Nothing was launched, maybe nothing began: nothing to keep. */
static void remove_place(const struct bvh_guard *g)
{
	bv_auto_free char *path = NULL;

	if (asprintf(&path, "%s/captures/%s", g->adm.config.state_dir, g->id) <
	    0)
		return;
	(void)unlinkat(g->capture.dir_fd, "manifest", 0);
	(void)rmdir(path);
}

int bvh_guard_capture_undo(struct bvh_course *course, struct bv_err *err)
{
	struct bvh_guard *g = course->owner;
	struct bvh_capture *c = &g->capture;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char sha[65];
	int code = BV_OK;

	if (c->dir_fd < 0)
		return BV_OK;
	collect(g);
	if (c->manifest_fd >= 0) {
		if (fsync(c->manifest_fd) != 0 || fsync(c->dir_fd) != 0)
			code = bv_fail_errno(err, errno,
					     "fsync of the manifest");
		SHA256Final(sum, &c->manifest_sha);
		bv_digest_hex(sum, sha);
		(void)bv_report_observe(&g->report, "streams_captured", NULL,
					"recordings %" PRIu64 ", cut %" PRIu64
					", lost %" PRIu64
					", manifest sha256 %s",
					c->kept, c->cut, c->lost, sha);
	}
	if (c->launches == 0)
		remove_place(g);
	if (c->stored != NULL)
		(void)munmap(c->stored, sizeof(*c->stored));
	c->stored = NULL;
	bvh_close(&c->manifest_fd);
	bvh_close(&c->epoll_fd);
	bvh_close(&c->dir_fd);
	return code;
}
