/* SPDX-License-Identifier: MIT */
/* The parent while the command lives. */
#include "helper/ctl/run.h"

#include "helper/ctl/out.h"
#include "helper/fd.h"
#include "helper/notify.h"
#include "helper/pass.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

/* A command that was told to go gets this long before it is made to. */
#define GRACE_S 2

enum slot {
	SLOT_CHILD,
	SLOT_STATUS,
	SLOT_SIGNAL,
	SLOT_SOCK,
	SLOT_LISTENER,
	SLOT_WALL,
	SLOT_CPU,
	SLOT_GRACE,
	SLOT_N
};

struct waiting {
	struct bvh_run *r;
	struct bvh_run_end *end;
	struct pollfd p[SLOT_N];
	bool ready; /* BVH_NOTE_READY came */
};

/* The caller's limit is the command's, not ours: filters and state are written
 * to files as well. Where it cannot be changed a write fails, and what there is
 * to undo is undone. */
static int unlimit_files(struct bvh_run *r, struct bv_err *err)
{
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit most;

	if (sigaction(SIGXFSZ, &ignored, &r->file_size) != 0 ||
	    getrlimit(RLIMIT_FSIZE, &r->file_limit) != 0)
		return bv_fail_errno(err, errno, "the limit on file sizes");
	most = (struct rlimit){ r->file_limit.rlim_max,
				r->file_limit.rlim_max };
	r->file_unlimited = setrlimit(RLIMIT_FSIZE, &none) == 0 ||
			    setrlimit(RLIMIT_FSIZE, &most) == 0;
	return BV_OK;
}

int bvh_run_block_signals(struct bvh_run *r, int *ret_signal_fd,
			  struct bv_err *err)
{
	static const int heard[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	sigset_t set;
	int code;

	sigemptyset(&set);
	for (size_t i = 0; i < BV_LEN(heard); i++)
		sigaddset(&set, heard[i]);
	code = unlimit_files(r, err);
	if (code != BV_OK)
		return code;
	/* An inherited "ignore" would reap the child behind our back. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &set, &r->mask) != 0)
		return bv_fail_errno(err, errno, "block signals");
	*ret_signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*ret_signal_fd < 0)
		return bv_fail_errno(err, errno, "signalfd");
	return BV_OK;
}

static int timer(uint64_t in_us, int *ret_fd, struct bv_err *err)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(in_us / 1000000u),
			      .tv_nsec = (long)(in_us % 1000000u) * 1000 },
	};
	bv_auto_close int fd =
		timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &when, NULL) != 0)
		return bv_fail_errno(err, errno, "timer");
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

static void make_die(struct bvh_run *r)
{
	struct bv_err err = { 0 };

	if (r->boundary.has_leaf &&
	    bvh_leaf_kill(&r->boundary.leaf, &err) == BV_OK)
		return;
	(void)bvh_sys_pidfd_send_signal(r->pidfd, SIGKILL);
}

/* The terminal's own keys reach the command without us: it is in the same
 * process group. */
static void on_signal(struct waiting *w)
{
	struct signalfd_siginfo info;
	int sig;

	if (read(w->p[SLOT_SIGNAL].fd, &info, sizeof(info)) !=
	    (ssize_t)sizeof(info))
		return;
	sig = (int)info.ssi_signo;
	if (sig != SIGTERM && sig != SIGHUP)
		return;
	(void)bvh_sys_pidfd_send_signal(w->r->pidfd, sig);
	if (sig == SIGTERM && w->p[SLOT_GRACE].fd < 0 &&
	    timer(GRACE_S * UINT64_C(1000000), &w->p[SLOT_GRACE].fd, NULL) !=
		    BV_OK)
		make_die(w->r);
}

/* False: no more will come. */
static bool on_status(struct waiting *w)
{
	struct bvh_note n;
	ssize_t len = read(w->p[SLOT_STATUS].fd, &n, sizeof(n));

	if (len < 0)
		return errno == EINTR || errno == EAGAIN;
	if (len != (ssize_t)sizeof(n)) {
		w->end->started = w->ready && w->end->note.kind == 0;
		return false;
	}
	n.msg[sizeof(n.msg) - 1] = '\0';
	if (n.kind == BVH_NOTE_READY)
		w->ready = true;
	else
		w->end->note = n;
	return true;
}

static void on_sock(struct waiting *w)
{
	char byte;
	const ssize_t n = bvh_pass_receive(w->p[SLOT_SOCK].fd, MSG_DONTWAIT,
					   &byte, 1, &w->r->listener_fd, 1);

	w->p[SLOT_SOCK].fd = -1;
	/* None: the child died; nobody will ask. */
	if (n == 1)
		w->p[SLOT_LISTENER].fd = w->r->listener_fd;
}

static void on_listener(struct waiting *w)
{
	if (!bvh_notify_serve(w->r->listener_fd, &w->r->boundary.leaf))
		w->p[SLOT_LISTENER].fd = -1;
}

static void on_wall(struct waiting *w)
{
	if (bvh_red("wall")) {
		w->p[SLOT_WALL].fd = -1;
		return;
	}
	w->end->wall_used_up = true;
	w->p[SLOT_WALL].fd = -1;
	make_die(w->r);
}

/* A limit that nobody can watch is no limit: blind ends it as well. */
static void on_cpu(struct waiting *w)
{
	const enum bvh_cpu_look seen =
		bvh_cpu_watch_look(&w->r->cpu, &w->r->boundary.leaf);

	if (seen == BVH_CPU_BELOW)
		return;
	w->end->cpu_used_up = seen == BVH_CPU_USED_UP;
	w->end->cpu_blind = seen == BVH_CPU_BLIND;
	w->p[SLOT_CPU].fd = -1;
	make_die(w->r);
}

static void handle(struct waiting *w)
{
	if (w->p[SLOT_STATUS].revents != 0 && !on_status(w))
		w->p[SLOT_STATUS].fd = -1;
	if (w->p[SLOT_SOCK].revents != 0)
		on_sock(w);
	if (w->p[SLOT_LISTENER].revents != 0)
		on_listener(w);
	if (w->p[SLOT_SIGNAL].revents != 0)
		on_signal(w);
	if (w->p[SLOT_WALL].revents != 0)
		on_wall(w);
	if (w->p[SLOT_CPU].revents != 0)
		on_cpu(w);
	if (w->p[SLOT_GRACE].revents != 0) {
		bvh_close(&w->p[SLOT_GRACE].fd);
		make_die(w->r);
	}
}

/* The child has ended: what it wrote before stands in the pipe, and the pipe
 * has an end, because it was the last one who could write. */
static int finish(struct waiting *w, struct bv_err *err)
{
	while (w->p[SLOT_STATUS].fd >= 0 && on_status(w))
		;
	while (waitpid(w->r->child, &w->end->wait_status, 0) < 0) {
		if (errno != EINTR)
			return bv_fail_errno(err, errno,
					     "wait for the command");
	}
	w->r->child = 0;
	return BV_OK;
}

int bvh_run_wait(struct bvh_run *r, int signal_fd, struct bvh_run_end *ret,
		 struct bv_err *err)
{
	struct waiting w = { .r = r, .end = ret };
	int code;

	for (size_t i = 0; i < SLOT_N; i++)
		w.p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	w.p[SLOT_CHILD].fd = r->pidfd;
	w.p[SLOT_STATUS].fd = r->status_fd;
	w.p[SLOT_SIGNAL].fd = signal_fd;
	w.p[SLOT_SOCK].fd = r->listener_sock;
	w.p[SLOT_WALL].fd = r->wall_fd;
	w.p[SLOT_CPU].fd = r->cpu.timer_fd;
	for (;;) {
		if (poll(w.p, SLOT_N, -1) < 0) {
			if (errno == EINTR)
				continue;
			make_die(r);
			break;
		}
		handle(&w);
		if (w.p[SLOT_CHILD].revents != 0)
			break;
	}
	bvh_close(&w.p[SLOT_GRACE].fd);
	code = finish(&w, err);
	return code;
}
