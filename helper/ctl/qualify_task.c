/* SPDX-License-Identifier: MIT */
/* Proofs about tasks: spawn policies, the leaf that holds all descendants, and
 * the end that none of them escapes. */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define DAEMONS  4
#define DAEMON_S 90 /* longer than any proof */

/* --- spawn policies -------------------------------------------------------- */

static int reap(pid_t pid)
{
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(0);
	while (waitpid(pid, NULL, 0) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static int by_fork(const struct bvh_stage *s)
{
	(void)s;
	return reap(fork());
}

/* posix_spawn is vfork-like: CLONE_VM | CLONE_VFORK. */
static int by_spawn(const struct bvh_stage *s)
{
	char name[] = "/bin/true";
	char *argv[] = { name, NULL };
	pid_t pid;
	int e = posix_spawn(&pid, name, NULL, NULL, argv, environ);

	(void)s;
	return e != 0 ? e : reap(pid);
}

static int by_clone3(const struct bvh_stage *s)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	(void)s;
	return reap(bvh_sys_clone3(&args, sizeof(args)));
}

#ifdef SYS_vfork
/* As the number, not through the C library: nothing is done in the child but
 * its end. */
static int by_fork_number(const struct bvh_stage *s)
{
	(void)s;
	return reap((pid_t)syscall(SYS_fork));
}
#define BY_NUMBER { "fork by its number", by_fork_number, false, ENOSYS },
#else
#define BY_NUMBER
#endif

static void *idle(void *arg)
{
	return arg;
}

static int by_thread(const struct bvh_stage *s)
{
	pthread_t thread;
	int e = pthread_create(&thread, NULL, idle, NULL);

	(void)s;
	return e != 0 ? e : pthread_join(thread, NULL);
}

/* What bvisor-shell starts is under the same rule: its shell cannot fork. */
static int shell_cannot_fork(const struct bvh_stage *s, struct bvh_outcome *o,
			     const char *lines, struct bv_err *err)
{
	char name[] = "sh", dash_c[] = "-c";
	char script[] = "echo up; read x; (echo forked); echo end";
	char *argv[] = { name, dash_c, script, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	bv_auto_watched struct bvh_watched w = { -1, -1 };
	char said[1024];
	int code = bvh_watched_pipes(&w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&t, err, "%s", "");
	if (code == BV_OK)
		code = bvh_launch_in(&t, lines, "/bin/sh", argv, err);
	if (code == BV_OK)
		code = bvh_watched_until(&w, "up\n", said, sizeof(said), err);
	if (code == BV_OK && write(w.to_fd, "\n", 1) != 1)
		code = bv_fail_errno(err, errno, "write to the shell");
	if (code == BV_OK)
		code = bvh_watched_until(&w, NULL, said, sizeof(said), err);
	bvh_watched_close(&w);
	if (code == BV_OK)
		code = bvh_trial_wait(&t, err);
	if (code == BV_OK && strstr(said, "forked") != NULL)
		code = bv_fail(err, BV_E_SYS,
			       "a shell started by bvisor-shell can fork");
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

static int prove_spawn(const struct bvh_stage *s, struct bvh_outcome *o,
		       const struct bvh_attack *attack, size_t n,
		       const char *lines, struct bv_err *err)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "%s", lines);

	if (code == BV_OK)
		code = bvh_attacks_control(s, attack, n, err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, attack, n, err);
	if (code == BV_OK)
		code = bvh_trial_down(&t, err);
	return code == BV_OK ? shell_cannot_fork(s, o, lines, err) : code;
}

#define NO_PROCESSES                                                           \
	{ "fork", by_fork, false, 0 }, { "posix_spawn", by_spawn, false, 0 },  \
		{ "clone3", by_clone3, false, ENOSYS }, BY_NUMBER

BVH_PROOF(deny_tasks)
{
	static const struct bvh_attack all[] = {
		NO_PROCESSES{ "a thread", by_thread, false, EAGAIN },
	};

	return prove_spawn(s, o, all, BV_LEN(all), "[spawn]\npolicy = none\n",
			   err);
}

BVH_PROOF(threads)
{
	static const struct bvh_attack all[] = {
		NO_PROCESSES{ "a thread", by_thread, true, 0 },
	};

	return prove_spawn(s, o, all, BV_LEN(all),
			   "[spawn]\npolicy = threads\n", err);
}

/* --- descendants and their end --------------------------------------------- */

/* One that does what it can to stay: its own session, no parent, no signals. */
static void start_daemon(void)
{
	sigset_t all;

	if (fork() != 0)
		return;
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	/* Not for ever, should even the last word on it be missed. */
	sleep(DAEMON_S);
	_exit(0);
}

static int leave_daemons(void *arg)
{
	(void)arg;
	for (int i = 0; i < DAEMONS; i++)
		start_daemon();
	while (wait(NULL) > 0)
		;
	return 0;
}

struct daemons {
	int pidfd[DAEMONS];
	size_t n;
};

static void daemons_end(struct daemons *d)
{
	for (size_t i = 0; i < d->n; i++) {
		(void)bvh_sys_pidfd_send_signal(d->pidfd[i], SIGKILL);
		bvh_close(&d->pidfd[i]);
	}
	d->n = 0;
}

/* Members of the leaf, by the kernel's list. */
static int find_daemons(const struct bvh_trial *t, struct daemons *d,
			struct bv_err *err)
{
	char text[4096];
	char *save = NULL;
	int e = bvh_kernfs_read(t->run->boundary.leaf.fd, "cgroup.procs", text,
				sizeof(text));

	if (e != 0)
		return bv_fail_errno(err, e, "read cgroup.procs of the leaf");
	for (const char *line = strtok_r(text, "\n", &save);
	     line != NULL && d->n < DAEMONS;
	     line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);
		int fd = pid > 0 ? bvh_sys_pidfd_open(pid, 0) : -1;

		if (fd >= 0)
			d->pidfd[d->n++] = fd;
	}
	return d->n == DAEMONS ? BV_OK
			       : bv_fail(err, BV_E_SYS,
					 "of %d descendants the leaf holds %zu",
					 DAEMONS, d->n);
}

/* deadline 0: now. */
static bool has_ended(int pidfd, int deadline_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, deadline_ms) == 1;
}

static int all_gone(const struct bvh_stage *s, const char *leaf,
		    const struct daemons *d, struct bv_err *err)
{
	for (size_t i = 0; i < d->n; i++)
		if (!has_ended(d->pidfd[i], BVH_PROOF_WAIT_MS))
			return bv_fail(err, BV_E_SYS,
				       "a descendant outlived the session");
	if (faccessat(s->base.fd, leaf, F_OK, 0) == 0)
		return bv_fail(err, BV_E_SYS, "the leaf is still there");
	return BV_OK;
}

/* The leader has ended, the daemons have not: that is the control. */
static int all_alive(const struct daemons *d, struct bv_err *err)
{
	for (size_t i = 0; i < d->n; i++)
		if (has_ended(d->pidfd[i], 0))
			return bv_fail(err, BV_E_SYS,
				       "control: a daemon ended by itself");
	return BV_OK;
}

static int prove_end(const struct bvh_stage *s, struct bvh_outcome *o,
		     struct bv_err *err)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	struct daemons d = { .n = 0 };
	char leaf[BVH_LEAF_NAME_MAX];
	int code = bvh_trial_plan(&t, err, "%s", "");

	if (code == BV_OK)
		code = bvh_trial_go(&t, leave_daemons, NULL, err);
	if (code == BV_OK)
		code = find_daemons(&t, &d, err);
	if (code == BV_OK)
		code = all_alive(&d, err);
	if (code == BV_OK) {
		memcpy(leaf, t.run->boundary.leaf.name, sizeof(leaf));
		code = bvh_trial_down(&t, err);
	}
	if (code == BV_OK)
		code = all_gone(s, leaf, &d, err);
	daemons_end(&d);
	return code;
}

BVH_PROOF(descendants)
{
	return prove_end(s, o, err);
}

BVH_PROOF(kill)
{
	return prove_end(s, o, err);
}
