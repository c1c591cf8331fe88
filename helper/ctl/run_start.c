/* SPDX-License-Identifier: MIT */
/*
 * From one process to two. The child begins life inside the leaf
 * (CLONE_INTO_CGROUP: moving it there later is the dear way) and, for a caller
 * without privilege, inside namespaces it owns; it waits until its ids are
 * mapped. A user namespace without its map would run the command as nobody, so
 * every failure here reaps the child and nothing has run.
 */
#include "helper/ctl/run.h"

#include "helper/fd.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

static int make_ends(struct bvh_run *r, struct bvh_run_ends *ends,
		     struct bv_err *err)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "pipe");
	r->status_fd = p[0];
	ends->status_fd = p[1];
	if (bvh_boundary_listens(&r->course)) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) !=
		    0)
			return bv_fail_errno(err, errno, "socketpair");
		r->listener_sock = p[0];
		ends->listener_sock = p[1];
	}
	if (r->user_namespace) {
		if (pipe2(p, O_CLOEXEC) != 0)
			return bv_fail_errno(err, errno, "pipe");
		ends->go_fd = p[0];
		ends->go_parent_fd = p[1];
	}
	return BV_OK;
}

static int clone_child(struct bvh_run *r, const struct bvh_run_ends *ends,
		       struct bv_err *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&r->pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	args.flags |= CLONE_INTO_CGROUP;
	args.cgroup = (__u64)r->boundary.leaf.fd;
	if (r->user_namespace)
		args.flags |= CLONE_NEWUSER | CLONE_NEWNS;
	pid = bvh_sys_clone3(&args, sizeof(args));
	if (pid < 0)
		return bv_fail_errno(err, errno, "clone3 into the boundary");
	if (pid == 0)
		bvh_run_child(r, ends);
	r->child = pid;
	return BV_OK;
}

static int write_map(const struct bvh_run *r, const char *file,
		     const char *text, struct bv_err *err)
{
	char path[64];
	bv_auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->child, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return bv_fail_errno(err, errno, "write '%s' to '%s'", text,
				     path);
	return BV_OK;
}

/* uid_map, then setgroups, then gid_map: without "deny" an unprivileged gid_map
 * is refused (CVE-2014-8989). */
static int map_ids(const struct bvh_run *r, struct bv_err *err)
{
	char text[64];
	int code;

	snprintf(text, sizeof(text), "%u %u 1", geteuid(), geteuid());
	code = write_map(r, "uid_map", text, err);
	if (code == BV_OK)
		code = write_map(r, "setgroups", "deny", err);
	snprintf(text, sizeof(text), "%u %u 1", getegid(), getegid());
	if (code == BV_OK)
		code = write_map(r, "gid_map", text, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "user namespace");
}

static void reap(struct bvh_run *r)
{
	siginfo_t info;

	(void)bvh_sys_pidfd_send_signal(r->pidfd, SIGKILL);
	while (waitid(P_PID, (id_t)r->child, &info, WEXITED) != 0 &&
	       errno == EINTR)
		;
	r->child = 0;
}

static int release(struct bvh_run *r, const struct bvh_run_ends *ends,
		   struct bv_err *err)
{
	int code = map_ids(r, err);

	if (code == BV_OK && write(ends->go_parent_fd, "g", 1) != 1)
		code = bv_fail_errno(err, errno, "release the child");
	if (code != BV_OK)
		reap(r);
	return code;
}

static int start_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;
	struct bvh_run_ends ends = { -1, -1, -1, -1 };
	int code;

	r->parent = getpid();
	code = bvh_spawn_build(c->plan->spec->spawn, &r->spawn, err);
	if (code == BV_OK)
		code = make_ends(r, &ends, err);
	if (code == BV_OK)
		code = clone_child(r, &ends, err);
	if (code == BV_OK && r->user_namespace)
		code = release(r, &ends, err);
	/* Ours of the child's: the pipe must end when the child's copy does. */
	bvh_close(&ends.status_fd);
	bvh_close(&ends.listener_sock);
	bvh_close(&ends.go_fd);
	bvh_close(&ends.go_parent_fd);
	return code;
}

/* A child that was waited for is gone already. */
static int start_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;

	(void)err;
	if (r->child > 0)
		reap(r);
	return BV_OK;
}

static int wall_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;
	const uint64_t us = c->lowered.wall_us;
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(us / 1000000u),
			      .tv_nsec = (long)(us % 1000000u) * 1000 },
	};

	r->wall_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->wall_fd < 0 || timerfd_settime(r->wall_fd, 0, &when, NULL) != 0)
		return bv_fail_errno(err, errno, "wall timer");
	return BV_OK;
}

static int wall_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;

	(void)err;
	bvh_close(&r->wall_fd);
	return BV_OK;
}

static int cpu_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;

	return bvh_cpu_watch_start(&r->cpu, c->lowered.cpu_us, c->lowered.cpus,
				   err);
}

static int cpu_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_run *r = c->owner;

	(void)err;
	bvh_cpu_watch_stop(&r->cpu);
	return BV_OK;
}

const struct bvh_step bvh_run_steps[BV_PRIM_N] = {
	[BV_PRIM_USERNS_CREATE] = { start_run, start_undo, false },
	[BV_PRIM_CGROUP_PLACE] = { start_run, start_undo, false },
	[BV_PRIM_CPU_WATCH] = { cpu_run, cpu_undo, false },
	[BV_PRIM_WALL_TIMER] = { wall_run, wall_undo, false },
};
