/* SPDX-License-Identifier: MIT */
/*
 * Commands in the shell's own process, for sessions that may have no other: one
 * instance each, in turns, suspended where a process would wait and after every
 * turn. Between them and the shell stands the interpreter alone; what the kernel
 * keeps of a command's process (files, address space, a kill) it keeps here of
 * all of them together. Time is looked after by one timer, whose handler, as that
 * of the interrupt key, sets flags that the interpreter looks at.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/fd.h"
#include "wasm/shell/guest.h"
#include "wasm/shell/jobs.h"
#include "wasm/shell/red.h"

#define WAITS_MAX 1024u  /* descriptors that one command waits for */
#define TICK_US   10000 /* behind the first deadline */

struct stage {
	struct job *job;
	struct bw_task *task; /* NULL: over */
	struct bws_guest guest;
	uint64_t deadline_ns;
	uint64_t cpu_ns;
	uint64_t file_bytes; /* RLIMIT_FSIZE while it runs */
	bool cpu_spent;
	/* For the handlers. */
	volatile sig_atomic_t stop;
	volatile sig_atomic_t reason;
	/* What it waits for, in the set that is polled. */
	size_t at, n;
	uint64_t until_ns;
};

static struct stage stages[BW_LINE_PIPE_MAX];
static size_t stages_n;
static volatile sig_atomic_t ended_by;

/* --- signals and time ------------------------------------------------------ */

static void stop(struct stage *st, int reason)
{
	if (st->reason == 0)
		st->reason = reason;
	st->stop = 1;
}

static void on_signal(int signal)
{
	const int before = errno;

	ended_by = signal;
	for (size_t i = 0; i < stages_n; i++)
		stop(&stages[i], BWS_INTERRUPT);
	errno = before;
}

static void on_alarm(int signal)
{
	const int before = errno;
	const uint64_t now = bws_now_ns();

	(void)signal;
	for (size_t i = 0; i < stages_n; i++)
		if (stages[i].deadline_ns <= now)
			stop(&stages[i], BWS_WALL);
	errno = before;
}

static void set_timer(void)
{
	struct itimerval when = { .it_interval = { 0, TICK_US } };
	uint64_t first = UINT64_MAX, left;
	const uint64_t now = bws_now_ns();

	for (size_t i = 0; i < stages_n; i++)
		if (stages[i].deadline_ns < first)
			first = stages[i].deadline_ns;
	left = first > now ? (first - now) / 1000 + 1 : 1;
	when.it_value.tv_sec = (time_t)(left / 1000000);
	when.it_value.tv_usec = (suseconds_t)(left % 1000000);
	(void)setitimer(ITIMER_REAL, &when, NULL);
}

/* What the shell reads from a descriptor at other times comes to handlers now;
 * without SA_RESTART, so that a call that waits comes back. */
static void signals_on(sigset_t *ret_before)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t none;

	sigemptyset(&none);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = on_alarm;
	(void)sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = SIG_IGN; /* a write over RLIMIT_FSIZE is an error */
	(void)sigaction(SIGXFSZ, &sa, NULL);
	set_timer();
	(void)sigprocmask(SIG_SETMASK, &none, ret_before);
}

static void signals_off(const sigset_t *before)
{
	const struct itimerval never = { 0 };
	struct sigaction sa = { .sa_handler = SIG_IGN };

	(void)sigprocmask(SIG_SETMASK, before, NULL);
	(void)setitimer(ITIMER_REAL, &never, NULL);
	(void)sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = SIG_DFL;
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
}

static uint64_t cpu_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- one command ----------------------------------------------------------- */

static void over(struct stage *st, uint32_t status)
{
	struct job *j = st->job;

	bw_task_free(st->task);
	st->task = NULL;
	bws_guest_done(&st->guest);
	j->status = W_EXITCODE((int)status, 0);
	j->reason = st->reason;
	j->cpu_us = st->cpu_ns / 1000;
	j->wall_us = (bws_now_ns() - j->start_ns) / 1000;
}

static void declined(struct stage *st, const struct bv_err *err)
{
	bws_guest_decline(&st->job->command, err);
	over(st, BWS_REFUSED);
}

/* Its redirections, or its ends of pipes, which it has duplicates of then. */
static int load(struct jobs *jobs, struct stage *st, struct bv_err *err)
{
	const struct bws_store *store = &jobs->s->store;
	struct bws_command *c = &st->job->command;
	struct bws_guest_way way = {
		.fd = { c->stream[0] < 0 ? 0 : c->stream[0],
			c->stream[1] < 0 ? 1 : c->stream[1], 2 },
		.stop = &st->stop,
		.turns = true,
	};
	bv_auto_close int in = -1;
	bv_auto_close int out = -1;
	int code = BV_OK;

	if (c->in.dir != NULL)
		code = bws_guest_open(store, &c->in, &in, err);
	if (code == BV_OK && c->out.dir != NULL)
		code = bws_guest_open(store, &c->out, &out, err);
	if (code != BV_OK)
		return code;
	if (in >= 0)
		way.fd[0] = in;
	if (out >= 0)
		way.fd[1] = out;
	bws_guest_prepare(store, c, &way, &st->guest);
	bws_red_planted(c->argv);
	return bws_guest_load(&st->guest, c, &st->task, err);
}

static void begin(struct jobs *jobs, size_t i)
{
	struct stage *st = &stages[i];
	struct bws_command *c = &jobs->job[i].command;
	const uint64_t before = cpu_now_ns();
	struct bv_err err = { 0 };
	int code;

	c->report->phase = BWS_BEGUN;
	st->guest.cwd_fd = -1;
	code = load(jobs, st, &err);
	bvh_close(&c->stream[0]);
	bvh_close(&c->stream[1]);
	bvh_close(&c->module_fd);
	st->cpu_ns = cpu_now_ns() - before;
	if (code != BV_OK)
		declined(st, &err);
}

static void limit_files(uint64_t bytes)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_FSIZE, &now) != 0)
		return;
	now.rlim_cur = bytes < now.rlim_max ? (rlim_t)bytes : now.rlim_max;
	(void)setrlimit(RLIMIT_FSIZE, &now);
}

static void turn(struct stage *st)
{
	const struct bws_command *c = &st->job->command;
	const uint64_t before = cpu_now_ns();
	enum bw_outcome outcome;
	struct bv_err err = { 0 };
	int code;

	limit_files(st->file_bytes);
	code = bw_task_step(st->task, &outcome, &err);
	st->cpu_ns += cpu_now_ns() - before;
	if (code != BV_OK) {
		declined(st, &err);
	} else if (outcome != BW_SUSPENDED) {
		over(st, bws_guest_tell(c, st->task, st->cpu_spent));
	} else if (st->cpu_ns / 1000 >= c->share.cpu_us) {
		st->cpu_spent = true;
		st->stop = 1;
	}
}

/* --- all of them ----------------------------------------------------------- */

static bool live(void)
{
	for (size_t i = 0; i < stages_n; i++)
		if (stages[i].task != NULL)
			return true;
	return false;
}

static bool may_go_on(const struct stage *st, const struct pollfd *fds,
		      uint64_t now)
{
	if (st->stop || (st->until_ns != 0 && st->until_ns <= now))
		return true;
	for (size_t i = 0; i < st->n; i++)
		if (fds[st->at + i].revents != 0)
			return true;
	return false;
}

/* Until one of them can go on. Signals come while the kernel waits and at no
 * other time here, so that none is missed. */
static void await(struct pollfd *fds)
{
	const uint64_t now = bws_now_ns();
	uint64_t until = now + UINT64_C(3600) * 1000000000;
	struct timespec wait;
	sigset_t all, before;
	size_t n = 0;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	for (size_t i = 0; i < stages_n; i++) {
		struct stage *st = &stages[i];

		st->n = 0;
		if (st->task == NULL)
			continue;
		st->at = n;
		st->n = bw_task_wait(st->task, fds + n, WAITS_MAX,
				     &st->until_ns);
		if (st->n > WAITS_MAX)
			st->n = WAITS_MAX;
		n += st->n;
		if (st->stop)
			until = now;
		else if (st->until_ns != 0 && st->until_ns < until)
			until = st->until_ns;
	}
	until = until > now ? until - now : 0;
	wait = (struct timespec){ (time_t)(until / 1000000000),
				  (long)(until % 1000000000) };
	if (ppoll(fds, n, &wait, &before) < 0)
		for (size_t i = 0; i < n; i++)
			fds[i].revents = 0;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* In the order of the line, each that can its turn. */
static void run_all(void)
{
	static struct pollfd fds[BW_LINE_PIPE_MAX * WAITS_MAX];

	for (size_t i = 0; i < stages_n; i++)
		if (stages[i].task != NULL)
			turn(&stages[i]);
	while (live()) {
		uint64_t now;

		await(fds);
		now = bws_now_ns();
		for (size_t i = 0; i < stages_n; i++)
			if (stages[i].task != NULL &&
			    may_go_on(&stages[i], fds, now))
				turn(&stages[i]);
	}
}

static void prepare(struct jobs *jobs)
{
	memset(stages, 0, sizeof(stages));
	ended_by = 0;
	for (size_t i = 0; i < jobs->n; i++) {
		const struct bw_amounts *share = &jobs->job[i].command.share;

		stages[i].job = &jobs->job[i];
		stages[i].deadline_ns = jobs->job[i].deadline_ns;
		stages[i].file_bytes =
			share->output_bytes > share->storage_bytes
				? share->output_bytes
				: share->storage_bytes;
	}
	stages_n = jobs->n;
}

void bws_inline_run(struct jobs *jobs)
{
	struct rlimit files;
	sigset_t before;

	if (getrlimit(RLIMIT_FSIZE, &files) != 0)
		files.rlim_cur = RLIM_INFINITY;
	prepare(jobs);
	signals_on(&before);
	for (size_t i = 0; i < jobs->n; i++)
		begin(jobs, i);
	run_all();
	signals_off(&before);
	limit_files(files.rlim_cur);
	if (ended_by != 0) {
		jobs->s->interrupted = true;
		if (ended_by != SIGINT)
			jobs->s->ended_by = ended_by;
	}
}
