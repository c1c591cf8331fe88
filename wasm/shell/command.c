/* SPDX-License-Identifier: MIT */
/*
 * One command's process: streams, limits, its own two layers, and only then
 * the bytes of its module. Whatever fails before the module runs declines it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/run.h"
#include "wasm/shell/red.h"
#include "wasm/shell/shell.h"

/* Beside the linear memory: what a load may keep, the stacks, ourselves. */
#define LOAD_ARENA_BYTES (UINT64_C(256) << 20)
#define OWN_BYTES        (UINT64_C(96) << 20)
#define OWN_FILES        (BW_GRANT_DIRS_MAX + 16u)

static struct bw_task *running;
static const struct bws_command *current;
static volatile sig_atomic_t stop;
static volatile sig_atomic_t cpu_spent;

static void on_signal(int signal)
{
	if (signal == SIGPROF)
		cpu_spent = 1;
	stop = 1;
}

static void write_report(const struct bws_command *c, enum bws_phase phase,
			 uint32_t status, const char *text)
{
	volatile struct bws_report *r = c->report;

	for (size_t i = 0; i + 1 < sizeof(r->text); i++) {
		r->text[i] = text[i];
		if (text[i] == '\0')
			break;
	}
	r->status = status;
	r->phase = phase;
}

static void decline(const struct bws_command *c, const struct bv_err *err)
	__attribute__((noreturn));

static void decline(const struct bws_command *c, const struct bv_err *err)
{
	write_report(c, BWS_DECLINED, BWS_REFUSED, err->msg);
	_exit(BWS_REFUSED);
}

static void count(const struct bws_command *c, const struct bw_run_result *r)
{
	c->report->fuel = r->fuel_used;
	c->report->output_bytes = r->counts.output_bytes;
	c->report->storage_bytes = r->counts.storage_bytes;
	c->report->peak_pages = r->peak_pages;
}

/* Its reader has gone. The signal comes out of a write, from inside a host
 * call: the counts are whole, and nothing of the guest runs any more. */
static void on_pipe(int signal)
{
	static struct bw_run_result result;

	if (running == NULL)
		_exit(128 + signal);
	bw_task_result(running, &result);
	count(current, &result);
	write_report(current, BWS_ENDED, 128 + (uint32_t)signal, "");
	_exit(128 + signal);
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
	sa.sa_handler = on_pipe;
	if (sigaction(SIGPIPE, &sa, NULL) != 0)
		return bv_fail_errno(err, errno, "sigaction");
	sa.sa_handler = SIG_DFL;
	if (sigaction(SIGQUIT, &sa, NULL) != 0 ||
	    sigaction(SIGHUP, &sa, NULL) != 0)
		return bv_fail_errno(err, errno, "sigaction");
	sa.sa_handler = SIG_IGN; /* a write over RLIMIT_FSIZE is an error */
	if (sigaction(SIGXFSZ, &sa, NULL) != 0 ||
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
			       LOAD_ARENA_BYTES + OWN_BYTES;
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
	int keep[BW_GRANT_DIRS_MAX + 3];
	size_t n = 0;
	int next = 3;

	keep[n++] = c->module_fd;
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

static int open_file(const struct bws_store *store, const struct bws_file *f,
		     int *ret, struct bv_err *err)
{
	uint64_t flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct open_how how = {
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	bv_auto_close int fd = -1;
	struct stat st;

	if (f->write)
		flags |= O_WRONLY | O_CREAT | (f->append ? O_APPEND : O_TRUNC);
	how.flags = flags;
	how.mode = f->write ? 0644 : 0;
	fd = bvh_sys_openat2(store->mount[f->dir->mount].fd, f->rest, &how);
	if (fd < 0)
		return bv_fail_errno(err, errno, "%s", f->shown);
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s", f->shown);
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "%s: not a regular file",
			       f->shown);
	*ret = bvh_fd_take(&fd);
	return BV_OK;
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
		code = open_file(store, f, &opened, err);
		from = opened;
	}
	if (code == BV_OK && from >= 0 && dup2(from, stream) < 0)
		code = bv_fail_errno(err, errno, "standard stream %d", stream);
	if (f->dir == NULL && from > 2)
		close(from);
	return code;
}

/* --- the module ------------------------------------------------------------ */

/* The directory that relative names begin at, when it is one of the
 * command's. */
static int open_cwd(const struct bws_store *store, const struct bws_command *c,
		    bool *ret_writable)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *rest = NULL;
	const struct bws_dir *dir =
		bws_entry_dir(store, c->entry, c->cwd, &rest);

	if (dir == NULL)
		return -1;
	*ret_writable = dir->writable;
	return bvh_sys_openat2(store->mount[dir->mount].fd, rest, &how);
}

struct guest {
	struct bw_wasi_config wasi;
	struct bw_wasi_preopen preopen[BW_GRANT_DIRS_MAX + 1];
	struct bw_load_limits load;
	struct bw_store_limits store;
	struct bw_run_config run;
	int cwd_fd;
};

static void prepare(const struct bws_store *store, const struct bws_command *c,
		    struct guest *g)
{
	const struct bw_grant *grant = &c->entry->grant;
	bool writable = false;
	size_t n = 0;

	*g = (struct guest){
		.wasi = {
			.argv = c->argv,
			.envp = grant->env,
			.stream = { { 0, grant->in ? BW_STREAM_READ : 0 },
				    { 1, BW_STREAM_WRITE },
				    { 2, BW_STREAM_WRITE } },
			.preopens = g->preopen,
			.clock = (enum bw_clock_policy)grant->clock,
			.clock_start_ns = UINT64_C(946684800) * 1000000000,
			.random = grant->random_fixed ? BW_RANDOM_SEEDED
						      : BW_RANDOM_REAL,
			.allow_link = grant->link,
			.allow_symlink = grant->symlink,
			.output_bytes = c->share.output_bytes,
			.storage_bytes = c->share.storage_bytes,
			.max_fds = grant->files,
			.interrupt = &stop,
		},
		.load = { .module_bytes = grant->module_bytes,
			  .arena_bytes = LOAD_ARENA_BYTES },
		.store = { .memory_pages =
				   (uint32_t)(grant->mem_bytes /
					      BW_PAGE_BYTES) },
		.run = { .load = &g->load,
			 .store = &g->store,
			 .fuel = c->share.fuel,
			 .wasi = &g->wasi },
	};
	g->cwd_fd = open_cwd(store, c, &writable);
	/* libc of a guest takes a relative name for one below "/". */
	if (g->cwd_fd >= 0)
		g->preopen[n++] =
			(struct bw_wasi_preopen){ "/", g->cwd_fd, writable };
	for (size_t i = 0; i < c->entry->dirs; i++) {
		const struct bws_mount *m =
			&store->mount[c->entry->dir[i].mount];

		g->preopen[n++] =
			(struct bw_wasi_preopen){ m->path, m->fd,
						  c->entry->dir[i].writable };
	}
	g->wasi.npreopens = n;
}

static void tell(const struct bws_command *c, const struct bw_run_result *r)
{
	const char *text = r->text;
	enum bws_phase phase = BWS_ENDED;
	uint32_t status = r->status & 0xff;

	count(c, r);
	if (r->outcome == BW_TRAPPED) {
		phase = BWS_STOPPED;
		status = BWS_TRAP;
		if (r->trap == BW_TRAP_FUEL)
			status = BWS_SPENT;
		if (r->trap == BW_TRAP_INTERRUPTED)
			status = cpu_spent ? BWS_SPENT : BWS_INTERRUPT;
		if (cpu_spent)
			text = "its processor time is used up";
	}
	write_report(c, phase, status, text);
	_exit((int)status);
}

static void run(const struct bws_store *store, const struct bws_bpf *bpf,
		const struct bws_command *c)
{
	static struct bw_run_result result;
	enum bw_outcome outcome;
	struct bv_err err = { 0 };
	void *bytes = NULL;
	struct guest g;
	int code;

	prepare(store, c, &g);
	code = bws_confine_calls(bpf, &err);
	if (code == BV_OK)
		bws_red_planted(c->argv);
	if (code == BV_OK)
		code = bws_module_read(c->module_fd, c->entry, &bytes,
				       &g.run.len, &err);
	close(c->module_fd);
	g.run.bytes = bytes;
	if (code == BV_OK)
		code = bw_task_new(&g.run, &running, &err);
	if (code == BV_OK) /* no stream suspends: it comes back at its end */
		code = bw_task_step(running, &outcome, &err);
	if (code != BV_OK)
		decline(c, &err);
	bw_task_result(running, &result);
	tell(c, &result);
}

void bws_command_child(const struct bws_store *store, const struct bws_bpf *bpf,
		       const struct bws_command *c)
{
	struct bv_err err = { 0 };
	int code = BV_OK;

	current = c;
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
