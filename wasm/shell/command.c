/* SPDX-License-Identifier: MIT */
/*
 * One command's process: streams, limits, its own two layers, and only then
 * the bytes of its module. Whatever fails before the module runs declines it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/guest.h"
#include "wasm/shell/red.h"

/* Beside memory and load: the stacks, ourselves. */
#define OWN_BYTES (UINT64_C(96) << 20)
#define OWN_FILES (2 * BW_GRANT_DIRS_MAX + 16u) /* its directories, twice */

static volatile sig_atomic_t stop;
static volatile sig_atomic_t cpu_spent;

static void on_signal(int signal)
{
	if (signal == SIGPROF)
		cpu_spent = 1;
	stop = 1;
}

static void decline(const struct bws_command *c, const struct bv_err *err)
	__attribute__((noreturn));

static void decline(const struct bws_command *c, const struct bv_err *err)
{
	bws_guest_decline(c, err);
	_exit(BWS_REFUSED);
}

/* --- signals and limits ---------------------------------------------------- */

/* INT and TERM stop the guest at its next look (a millisecond); who does not
 * come to look is killed by the shell. */
static int take_signals(struct bv_err *err)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGPROF };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t none;

	sigemptyset(&none);
	for (size_t i = 0; i < BV_LEN(ours); i++)
		if (sigaction(ours[i], &sa, NULL) != 0)
			return bv_fail_errno(err, errno, "sigaction");
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGQUIT, &sa, NULL) != 0 ||
	    sigaction(SIGHUP, &sa, NULL) != 0)
		return bv_fail_errno(err, errno, "sigaction");
	/* A write over RLIMIT_FSIZE is an error; one to nobody its end, but not
	 * before it is told. */
	sa.sa_handler = SIG_IGN;
	if (sigaction(SIGXFSZ, &sa, NULL) != 0 ||
	    sigaction(SIGPIPE, &sa, NULL) != 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		return bv_fail_errno(err, errno, "sigaction");
	return BV_OK;
}

static int set_limit(int what, const char *name, uint64_t soft, uint64_t hard,
		     struct bv_err *err)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0)
		return bv_fail_errno(err, errno, "%s", name);
	if (now.rlim_max > hard)
		now.rlim_max = (rlim_t)hard;
	now.rlim_cur = now.rlim_max > soft ? (rlim_t)soft : now.rlim_max;
	if (setrlimit(what, &now) != 0)
		return bv_fail_errno(err, errno, "%s", name);
	return BV_OK;
}

/* The engine counts fuel and memory by itself; these are the kernel's word
 * should it not. */
static int set_limits(const struct bws_command *c, struct bv_err *err)
{
	const struct bw_grant *g = &c->entry->grant;
	const uint64_t seconds = c->share.cpu_us / 1000000 + 1;
	const uint64_t largest = c->share.output_bytes > c->share.storage_bytes
					 ? c->share.output_bytes
					 : c->share.storage_bytes;
	const uint64_t space = g->mem_bytes + 2 * g->module_bytes +
			       BWS_LOAD_ARENA_BYTES + OWN_BYTES;
	const uint64_t files = g->files + OWN_FILES;
	const struct itimerval cpu = {
		.it_value = { (time_t)(c->share.cpu_us / 1000000),
			      (suseconds_t)(c->share.cpu_us % 1000000) },
	};
	int code = set_limit(RLIMIT_CORE, "RLIMIT_CORE", 0, 0, err);

	if (code == BV_OK)
		code = set_limit(RLIMIT_AS, "RLIMIT_AS", space, space, err);
	if (code == BV_OK)
		code = set_limit(RLIMIT_CPU, "RLIMIT_CPU", seconds, seconds + 1,
				 err);
	if (code == BV_OK)
		code = set_limit(RLIMIT_FSIZE, "RLIMIT_FSIZE", largest, largest,
				 err);
	if (code == BV_OK)
		code = set_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", files, files,
				 err);
	if (code == BV_OK && setitimer(ITIMER_PROF, &cpu, NULL) != 0)
		code = bv_fail_errno(err, errno, "setitimer");
	return code;
}

/* --- descriptors ----------------------------------------------------------- */

/* What is neither a stream nor this command's is closed: the other commands'
 * directories, the store, the line editor's, the log's. */
static int close_others(const struct bws_store *store,
			const struct bws_command *c, struct bv_err *err)
{
	int keep[BW_GRANT_DIRS_MAX + 4];
	size_t n = 0;
	int next = 3;

	keep[n++] = c->module_fd;
	if (bws_red(BWS_RED_CHANNEL))
		keep[n++] = c->guardian_fd;
	for (size_t i = 0; i < c->entry->dirs; i++)
		keep[n++] = store->mount[c->entry->dir[i].mount].fd;
	for (size_t i = 0; i < 2; i++)
		if (c->stream[i] > 2)
			keep[n++] = c->stream[i];
	for (;;) {
		int low = -1;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= next && (low < 0 || keep[i] < low))
				low = keep[i];
		if ((low < 0 || low > next) &&
		    bvh_sys_close_range((unsigned int)next,
					low < 0 ? ~0u : (unsigned int)low - 1,
					0) != 0)
			return bv_fail_errno(err, errno, "close_range");
		if (low < 0)
			return BV_OK;
		next = low + 1;
	}
}

/* Streams 0 and 1 become the redirection's, the pipe's, or stay. */
static int set_stream(const struct bws_store *store,
		      const struct bws_command *c, int stream,
		      struct bv_err *err)
{
	const struct bws_file *f = stream == 0 ? &c->in : &c->out;
	bv_auto_close int opened = -1;
	int from = c->stream[stream];
	int code = BV_OK;

	if (f->dir != NULL) {
		code = bws_guest_open(store, f, &opened, err);
		from = opened;
	}
	if (code == BV_OK && from >= 0 && dup2(from, stream) < 0)
		code = bv_fail_errno(err, errno, "standard stream %d", stream);
	if (f->dir == NULL && from > 2)
		close(from);
	return code;
}

/* --- the module ------------------------------------------------------------ */

static void run(const struct bws_store *store, const struct bws_bpf *bpf,
		const struct bws_command *c)
{
	const struct bws_guest_way way = { .fd = { 0, 1, 2 }, .stop = &stop };
	struct bw_task *task = NULL;
	struct bws_guest g;
	enum bw_outcome outcome;
	struct bv_err err = { 0 };
	int code;

	bws_guest_prepare(store, c, &way, &g);
	code = bws_confine_calls(bpf, &err);
	if (code == BV_OK)
		bws_red_planted(c->argv);
	if (code == BV_OK)
		code = bws_guest_load(&g, c, &task, &err);
	close(c->module_fd);
	if (code == BV_OK) /* nothing suspends: it comes back at its end */
		code = bw_task_step(task, &outcome, &err);
	if (code != BV_OK)
		decline(c, &err);
	_exit((int)bws_guest_tell(c, task, cpu_spent));
}

void bws_command_child(const struct bws_store *store, const struct bws_bpf *bpf,
		       const struct bws_command *c)
{
	struct bv_err err = { 0 };
	int code = BV_OK;

	c->report->phase = BWS_BEGUN;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		code = bv_fail_errno(&err, errno, "PR_SET_PDEATHSIG");
	if (getppid() != c->parent) /* it died before that */
		_exit(BWS_REFUSED);
	if (code == BV_OK)
		code = take_signals(&err);
	if (code == BV_OK)
		code = bws_confine_files(store, c->entry, &err);
	for (int i = 0; i < 2 && code == BV_OK; i++)
		code = set_stream(store, c, i, &err);
	if (code == BV_OK)
		code = close_others(store, c, &err);
	if (code == BV_OK)
		code = set_limits(c, &err);
	if (code == BV_OK)
		run(store, bpf, c);
	decline(c, &err);
}
