/* SPDX-License-Identifier: MIT */
/*
 * A pipeline of commands: everything is looked at before anything is started;
 * then one process each, waited for by descriptor, with a deadline. Or, isolated
 * by nothing but the interpreter, all in this process: inline.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/jobs.h"

/* From being told to stop to being killed. */
#define GRACE_NS UINT64_C(8000000)

/* --- before anything starts ------------------------------------------------ */

/* Subsystems of other programs, asked for by a client: say what is meant. */
static bool is_transfer(const char *name)
{
	static const char *const known[] = { "scp",
					     "sftp-server",
					     "rsync",
					     "sftp",
					     "git-upload-pack",
					     "internal-sftp",
					     "git-receive-pack" };
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;

	for (size_t i = 0; i < BV_LEN(known); i++)
		if (strcmp(base, known[i]) == 0)
			return true;
	return false;
}

static int missing(const char *name)
{
	if (is_transfer(name)) {
		bws_record_refusal(
			name); /* of a subsystem nobody sees stderr */
		bws_say("%s: refused: no files are transferred by this "
			"account; it runs the commands that 'help' lists and "
			"nothing else",
			name);
		return BWS_REFUSED;
	}
	if (strchr(name, '/') != NULL)
		bws_say("%s: not found: commands have no path here, and "
			"programs of the host cannot be run; 'help' lists what "
			"can",
			name);
	else
		bws_say("%s: not found; 'help' lists the commands", name);
	return BWS_NOT_FOUND;
}

static int refused(const char *name, const struct bv_err *err)
{
	bws_say("%s: refused: %s", name, err->msg);
	return BWS_REFUSED;
}

static int place_file(struct bws *s, struct job *j, const char *path,
		      bool write, bool append, struct bv_arena *arena,
		      struct bws_file *ret, struct bv_err *err)
{
	char plain[BWS_PATH_MAX];
	const char *copy;

	if (path[0] == '\0' || !bws_path(s, path, plain))
		return bv_fail(err, BV_E_CONF, "'%s' is no path", path);
	copy = bv_arena_strdup(arena, plain);
	if (copy == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory");
	*ret = (struct bws_file){
		.shown = copy,
		.write = write,
		.append = append,
	};
	ret->dir = bws_entry_dir(&s->store, j->command.entry, copy, &ret->rest);
	if (ret->dir == NULL)
		return bv_fail(err, BV_E_CONF,
			       "%s is in no directory of this command ('type "
			       "%s' lists them)",
			       copy, j->name);
	if (write && !ret->dir->writable)
		return bv_fail(err, BV_E_CONF,
			       "%s: this command only reads there", copy);
	return BV_OK;
}

static int add_file(struct bws *s, struct job *j, const struct bw_word *word,
		    bool write, bool append, struct bv_arena *arena,
		    struct bv_err *err)
{
	const char *path = NULL;
	int code;

	if (word == NULL)
		return BV_OK;
	code = bws_expand(s, word, arena, &path, err);
	if (code == BV_OK)
		code = place_file(s, j, path, write, append, arena,
				  write ? &j->command.out : &j->command.in,
				  err);
	return code;
}

/* 0, or the status the whole pipeline has. */
static int look_at(struct jobs *jobs, const struct bw_simple *c, bool piped_in,
		   struct bv_arena *arena)
{
	struct bws *s = jobs->s;
	struct job *j = &jobs->job[jobs->n++];
	struct bv_err err = { 0 };

	*j = (struct job){ .pidfd = -1 };
	j->command = (struct bws_command){
		.module_fd = -1,
		.guardian_fd = s->guardian_fd,
		.stream = { -1, -1 },
		.cwd = s->cwd,
	};
	if (bws_arguments(s, c, arena, &j->command.argv, &err) != BV_OK) {
		bws_say("%s", err.msg);
		return BWS_USAGE;
	}
	j->name = j->command.argv[0];
	if (bws_is_builtin(j->name)) {
		bws_say("%s: refused: a builtin stands alone, without pipes "
			"and redirections",
			j->name);
		return BWS_REFUSED;
	}
	j->command.entry = bws_store_find(&s->store, j->name);
	if (j->command.entry == NULL)
		return missing(j->name);
	/* Whose configuration is wrong is the administrator's business: the
	 * log has the file and line, the user the fact. */
	if (j->command.entry->broken) {
		bws_record(j->command.entry, BWS_REFUSED, NULL, false, 0, 0);
		bv_fail(&err, BV_E_CONF,
			"it is not set up correctly; the log says why");
		return refused(j->name, &err);
	}
	if ((c->in != NULL || piped_in) && !j->command.entry->grant.in) {
		bv_fail(&err, BV_E_CONF, "it takes no standard input");
		return refused(j->name, &err);
	}
	if (add_file(s, j, c->in, false, false, arena, &err) != BV_OK ||
	    add_file(s, j, c->out, true, c->append, arena, &err) != BV_OK)
		return refused(j->name, &err);
	if (bws_module_open(&s->store, j->command.entry, &j->command.module_fd,
			    &err) != BV_OK)
		return refused(j->name, &err);
	return 0;
}

/* --- start ----------------------------------------------------------------- */

static int connect_all(struct jobs *jobs, struct bv_err *err)
{
	for (size_t i = 0; i + 1 < jobs->n; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return bv_fail_errno(err, errno, "pipe");
		jobs->job[i].command.stream[1] = ends[1];
		jobs->job[i + 1].command.stream[0] = ends[0];
	}
	return BV_OK;
}

static void close_streams(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++) {
		struct bws_command *c = &jobs->job[i].command;

		bvh_close(&c->stream[0]);
		bvh_close(&c->stream[1]);
		bvh_close(&c->module_fd);
	}
}

/* Its share of the session's totals, and the time it has. */
static int take(struct jobs *jobs, size_t i, struct bv_err *err)
{
	struct job *j = &jobs->job[i];
	int code = bw_totals_take(&jobs->s->totals, &j->command.entry->grant,
				  jobs->n - i, &j->command.share, err);

	if (code != BV_OK)
		return code;
	j->taken = true;
	j->command.report = &jobs->report[i];
	j->command.parent = getpid();
	j->start_ns = bws_now_ns();
	j->deadline_ns = j->start_ns + j->command.entry->grant.wall_us * 1000;
	return BV_OK;
}

static void untake(struct jobs *jobs, size_t i)
{
	struct job *j = &jobs->job[i];

	if (!j->taken)
		return;
	bw_totals_undo(&jobs->s->totals, &j->command.share);
	j->taken = false;
}

/* Of all of them before one begins: what the session cannot bear is refused,
 * not begun and killed. */
static int take_all(struct jobs *jobs, struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; i < jobs->n && code == BV_OK; i++)
		code = take(jobs, i, err);
	if (code != BV_OK)
		for (size_t i = 0; i < jobs->n; i++)
			untake(jobs, i);
	return code;
}

static int start(struct jobs *jobs, size_t i, struct bv_err *err)
{
	struct job *j = &jobs->job[i];

	fflush(NULL);
	j->pid = fork();
	if (j->pid == 0)
		bws_command_child(&jobs->s->store, &jobs->s->command_bpf,
				  &j->command);
	if (j->pid < 0) {
		j->pid = 0;
		return bv_fail_errno(err, errno, "no process for it");
	}
	jobs->running++;
	j->pidfd = bvh_sys_pidfd_open(j->pid, 0);
	if (j->pidfd < 0)
		return bv_fail_errno(err, errno, "pidfd_open");
	return BV_OK;
}

/* --- wait ------------------------------------------------------------------ */

static void stop(struct job *j, int reason)
{
	if (j->pid == 0 || j->reason != 0)
		return;
	j->reason = reason;
	j->deadline_ns = bws_now_ns() + GRACE_NS;
	kill(j->pid, SIGTERM);
}

/* Deadlines: the first tells a command to stop, the second kills it. Returns
 * the nearest one ahead. */
static uint64_t watch(struct jobs *jobs)
{
	const uint64_t now = bws_now_ns();
	uint64_t nearest = now + UINT64_C(3600) * 1000000000;

	for (size_t i = 0; i < jobs->n; i++) {
		struct job *j = &jobs->job[i];

		if (j->pid != 0 && j->deadline_ns <= now) {
			if (j->reason == 0) {
				stop(j, BWS_WALL);
			} else {
				kill(j->pid, SIGKILL);
				j->deadline_ns = now + GRACE_NS;
			}
		}
		if (j->pid != 0 && j->deadline_ns < nearest)
			nearest = j->deadline_ns;
	}
	return nearest;
}

static void take_signal(struct jobs *jobs)
{
	struct signalfd_siginfo si;

	if (read(jobs->s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo != SIGINT)
		jobs->s->ended_by = (int)si.ssi_signo;
	/* Even when what runs ends by itself before it is told to. */
	jobs->s->interrupted = true;
	for (size_t i = 0; i < jobs->n; i++)
		stop(&jobs->job[i], BWS_INTERRUPT);
}

static void reap(struct jobs *jobs, struct job *j)
{
	struct rusage usage = { 0 };
	pid_t got;

	do
		got = wait4(j->pid, &j->status, 0, &usage);
	while (got < 0 && errno == EINTR);
	j->wall_us = (bws_now_ns() - j->start_ns) / 1000;
	j->cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
			    1000000 +
		    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	j->pid = 0;
	bvh_close(&j->pidfd);
	jobs->running--;
}

static void wait_all(struct jobs *jobs)
{
	while (jobs->running > 0) {
		struct pollfd fds[BW_LINE_PIPE_MAX + 1];
		const uint64_t until = watch(jobs), now = bws_now_ns();
		const uint64_t left = until > now ? until - now : 0;
		const struct timespec wait = {
			.tv_sec = (time_t)(left / 1000000000),
			.tv_nsec = (long)(left % 1000000000),
		};

		for (size_t i = 0; i < jobs->n; i++)
			fds[i] = (struct pollfd){ jobs->job[i].pidfd, POLLIN,
						  0 };
		fds[jobs->n] = (struct pollfd){ jobs->s->signal_fd, POLLIN, 0 };
		if (ppoll(fds, jobs->n + 1, &wait, NULL) < 0 && errno != EINTR)
			memset(fds, 0, sizeof(fds));
		if (fds[jobs->n].revents != 0)
			take_signal(jobs);
		for (size_t i = 0; i < jobs->n; i++)
			if (jobs->job[i].pid != 0 &&
			    (fds[i].revents != 0 || jobs->job[i].pidfd < 0))
				reap(jobs, &jobs->job[i]);
	}
}

/* --- afterwards ------------------------------------------------------------ */

/* Ended by a signal: what it was. */
static int signalled(const struct job *j)
{
	const int sig = WTERMSIG(j->status);

	switch (sig) {
	case SIGXCPU:
		bws_say("%s: its processor time is used up", j->name);
		return BWS_SPENT;
	case SIGSYS:
		bws_say("%s: ended: it made a system call that no command "
			"makes; please report it",
			j->name);
		return 128 + SIGSYS;
	default:
		bws_say("%s: ended by signal %d", j->name, sig);
		return 128 + sig;
	}
}

static int stopped(const struct job *j)
{
	const struct bw_grant *g = &j->command.entry->grant;

	if (j->reason == BWS_INTERRUPT) {
		bws_say("%s: interrupted", j->name);
		return BWS_INTERRUPT;
	}
	bws_say("%s: its time of %llu.%03llu s is over", j->name,
		(unsigned long long)(g->wall_us / 1000000),
		(unsigned long long)(g->wall_us / 1000 % 1000));
	return BWS_WALL;
}

/* One clear line on stderr for whatever is not the module's own status. */
static int judge(const struct job *j, const struct bws_report *r, bool told)
{
	if (told && r->phase == BWS_ENDED)
		return (int)(r->status & 0xff);
	if (r->phase == BWS_DECLINED && WIFEXITED(j->status)) {
		bws_say("%s: refused: %s", j->name, r->text);
		return BWS_REFUSED;
	}
	if (j->reason != 0)
		return stopped(j);
	if (!WIFEXITED(j->status))
		return signalled(j);
	if (told && r->status == BWS_INTERRUPT)
		bws_say("%s: interrupted", j->name);
	else if (told && r->status == BWS_SPENT)
		bws_say("%s: %s", j->name, r->text);
	else if (told)
		bws_say("%s: trap: %s", j->name, r->text);
	else
		bws_say("%s: ended without a word", j->name);
	return told ? (int)(r->status & 0xff) : BWS_TRAP;
}

/* The same in one word. */
static enum bv_command_verdict verdict_of(const struct job *j,
					  const struct bws_report *r, bool told)
{
	if (told && r->phase == BWS_ENDED)
		return BV_COMMAND_ENDED;
	if (r->phase == BWS_DECLINED && WIFEXITED(j->status))
		return BV_COMMAND_REFUSED;
	if (j->reason != 0)
		return j->reason == BWS_INTERRUPT ? BV_COMMAND_INTERRUPTED
						  : BV_COMMAND_WALL;
	if (!WIFEXITED(j->status))
		return WTERMSIG(j->status) == SIGXCPU ? BV_COMMAND_CPU
						      : BV_COMMAND_KILLED;
	if (told && r->status == BWS_INTERRUPT)
		return BV_COMMAND_INTERRUPTED;
	if (told && r->status == BWS_SPENT)
		return r->cpu_spent ? BV_COMMAND_CPU : BV_COMMAND_FUEL;
	return told ? BV_COMMAND_TRAP : BV_COMMAND_KILLED;
}

static int settle(struct jobs *jobs, size_t i)
{
	struct job *j = &jobs->job[i];
	struct bw_totals *t = &jobs->s->totals;
	struct bws_report r = jobs->report[i];
	struct bw_amounts used = { .cpu_us = j->cpu_us };
	bool told;
	int status;

	r.text[sizeof(r.text) - 1] = '\0';
	told = WIFEXITED(j->status) &&
	       (r.phase == BWS_ENDED || r.phase == BWS_STOPPED);
	if (told) {
		used.fuel = r.fuel;
		used.output_bytes = r.output_bytes;
		used.storage_bytes = r.storage_bytes;
	} else if (r.phase != BWS_DECLINED) {
		/* Nobody knows: as if all of it. */
		used = j->command.share;
		used.cpu_us = j->cpu_us;
		t->unknown_fuel++;
	}
	status = judge(j, &r, told);
	bw_totals_give(t, &j->command.share, &used);
	t->wall_us += j->wall_us;
	bws_record(j->command.entry, status, &r, told, j->cpu_us, j->wall_us);
	bws_guardian_tell(jobs->s, j->command.entry, status,
			  verdict_of(j, &r, told), told ? &r : NULL, j->cpu_us,
			  j->wall_us);
	return status;
}

/* Each in a process of its own, to the end. */
static int run_processes(struct jobs *jobs, struct bv_err *err)
{
	int code = take_all(jobs, err);

	for (size_t i = 0; i < jobs->n && code == BV_OK; i++)
		code = start(jobs, i, err);
	close_streams(jobs);
	for (size_t i = 0; i < jobs->n && code != BV_OK; i++) {
		if (jobs->job[i].pid != 0)
			kill(jobs->job[i].pid, SIGKILL);
		else
			untake(jobs, i);
	}
	wait_all(jobs);
	return code;
}

static int run_inline(struct jobs *jobs, struct bv_err *err)
{
	int code = take_all(jobs, err);

	if (code == BV_OK) {
		fflush(NULL);
		bws_inline_run(jobs);
	}
	return code;
}

static int run_all(struct jobs *jobs)
{
	struct bv_err err = { 0 };
	int status = 0, code = connect_all(jobs, &err);

	if (code == BV_OK)
		code = jobs->s->inlined ? run_inline(jobs, &err)
					: run_processes(jobs, &err);
	close_streams(jobs);
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->job[i].taken)
			status = settle(jobs, i);
	if (code == BV_E_LIMIT) {
		bws_say("%s", err.msg);
		return BWS_SPENT;
	}
	return code == BV_OK ? status : refused(jobs->job[0].name, &err);
}

int bws_run_pipeline(struct bws *s, const struct bw_pipeline *p,
		     struct bv_arena *arena)
{
	struct jobs jobs = { .s = s };
	const size_t room = BW_LINE_PIPE_MAX * sizeof(*jobs.report);
	int status = 0;

	for (const struct bw_simple *c = p->first; c && status == 0;
	     c = c->next)
		status = look_at(&jobs, c, c != p->first, arena);
	if (status == 0) {
		jobs.report = mmap(NULL, room, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (jobs.report == MAP_FAILED) {
			bws_say("no memory for a command");
			status = BWS_REFUSED;
		} else {
			status = run_all(&jobs);
			munmap(jobs.report, room);
		}
	}
	close_streams(&jobs);
	return status;
}
