/* SPDX-License-Identifier: MIT */
/*
 * One system call of one process of a program fails, once: the tracer of the
 * injection sweep. What the tested program asked for is not done; it is told an
 * error. With no fault given every call is counted, which is the list of sites.
 * Order and result lie in memory shared by a file, so that a tracer that stands
 * between the leader and its guardian, as a program of its own, finds them.
 */
#ifndef BV_TESTS_CRASH_INJECT_H
#define BV_TESTS_CRASH_INJECT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define INJECT_FILE      "/run/inject"
#define INJECT_PROCESSES 8u
#define INJECT_CALLS     512u

/* Between two of these calls a program that is not followed from its beginning has
 * its sites. prctl(2) knows no such option. */
#define INJECT_MARK 0x62766d6b

struct inject {
	char program[4096]; /* executed by inject_guardian() */
	/* The order: process counts births below the first, nth from 1. */
	unsigned int process;
	unsigned int nr;
	unsigned int nth; /* 0: nothing fails */
	int error;
	/* The result. */
	bool ready;
	bool hit;
	unsigned int processes;
	unsigned int seen[INJECT_PROCESSES][INJECT_CALLS];
};

static inline struct inject *inject_map(int flags)
{
	int fd = open(INJECT_FILE, O_RDWR | O_CLOEXEC | flags, 0600);
	struct inject *at;

	if (fd < 0 || ftruncate(fd, sizeof(*at)) != 0)
		return NULL;
	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

#ifdef __x86_64__

#define INJECT_HERE 1

struct inject_tracee {
	pid_t pid;
	bool failing; /* between entry and exit of the call that fails */
};

struct inject_tracer {
	struct inject *order;
	bool until_exec; /* who executes is let go; marks arm */
	bool armed;
	struct inject_tracee of[INJECT_PROCESSES];
	unsigned int n;
};

#define INJECT_OPTIONS                                                         \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

static inline unsigned int inject_place(struct inject_tracer *t, pid_t pid)
{
	unsigned int i = 0;

	while (i < t->n && t->of[i].pid != pid)
		i++;
	if (i == t->n && t->n < INJECT_PROCESSES)
		t->of[t->n++] = (struct inject_tracee){ .pid = pid };
	return i; /* INJECT_PROCESSES: one too many, not looked at */
}

/* What ends a process or returns from a signal cannot fail. */
static inline bool inject_can_fail(uint64_t nr)
{
	return nr != SYS_exit && nr != SYS_exit_group &&
	       nr != SYS_rt_sigreturn && nr != SYS_restart_syscall;
}

/* In place of the call getpid(2) is made: no filter forbids it. */
static inline void inject_enter(struct inject_tracer *t, unsigned int at,
				uint64_t nr, uint64_t first)
{
	struct inject *o = t->order;
	struct user_regs_struct regs;
	pid_t pid = t->of[at].pid;

	if (t->until_exec && nr == SYS_prctl && first == INJECT_MARK) {
		t->armed = !t->armed;
		return;
	}
	if (!t->armed || nr >= INJECT_CALLS || !inject_can_fail(nr))
		return;
	o->seen[at][nr]++;
	if (o->nth == 0 || o->hit || at != o->process || nr != o->nr ||
	    o->seen[at][nr] != o->nth ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		return;
	regs.orig_rax = SYS_getpid;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0)
		return;
	t->of[at].failing = true;
	o->hit = true;
}

static inline void inject_leave(struct inject_tracer *t, unsigned int at)
{
	struct user_regs_struct regs;
	pid_t pid = t->of[at].pid;

	if (!t->of[at].failing || ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		return;
	t->of[at].failing = false;
	regs.rax = (unsigned long long)-(long long)t->order->error;
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

static inline void inject_call(struct inject_tracer *t, unsigned int at)
{
	struct __ptrace_syscall_info info;

	if (at >= INJECT_PROCESSES ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, t->of[at].pid, sizeof(info),
		   &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		inject_enter(t, at, info.entry.nr, info.entry.args[0]);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		inject_leave(t, at);
}

/* One stop of a process, and on. */
static inline void inject_stop(struct inject_tracer *t, pid_t pid, int status)
{
	unsigned int at = inject_place(t, pid);
	int sig = WSTOPSIG(status), event = status >> 16;
	enum __ptrace_request go = PTRACE_SYSCALL;

	if (sig == (SIGTRAP | 0x80)) {
		inject_call(t, at);
		sig = 0;
	} else if (event == PTRACE_EVENT_EXEC && t->until_exec) {
		go = PTRACE_DETACH;
		sig = 0;
	} else if (event != 0) {
		t->armed = t->armed || event == PTRACE_EVENT_EXEC;
		if (event == PTRACE_EVENT_STOP && sig != SIGTRAP)
			go = PTRACE_LISTEN;
		sig = 0;
	}
	(void)ptrace(go, pid, NULL, (long)sig);
}

static inline void inject_seize(struct inject_tracer *t, pid_t first)
{
	int status;

	(void)inject_place(t, first);
	if (ptrace(PTRACE_SEIZE, first, NULL, (long)INJECT_OPTIONS) != 0 ||
	    ptrace(PTRACE_INTERRUPT, first, NULL, NULL) != 0 ||
	    waitpid(first, &status, __WALL) != first || !WIFSTOPPED(status))
		_exit(80);
	inject_stop(t, first, status);
	t->order->ready = true;
}

/* Who was seized and whom it makes, to the last one's end. */
static inline void inject_follow(struct inject_tracer *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0 && WIFSTOPPED(status))
			inject_stop(t, pid, status);
		t->order->processes = t->n;
	}
}

/* In the guardian's place: it below us, followed from its first instruction. */
static inline int inject_guardian(void)
{
	struct inject_tracer t = { .order = inject_map(0) };
	int go[2];
	char byte;
	pid_t pid;

	if (t.order == NULL || pipe2(go, O_CLOEXEC) != 0)
		return 81;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			execl(t.order->program, "bvisor-helper", "guard",
			      (char *)NULL);
		_exit(82);
	}
	close(go[0]);
	close(3); /* the control socket: the guardian's end is its alone */
	if (pid < 0)
		return 83;
	inject_seize(&t, pid);
	(void)!write(go[1], "", 1);
	close(go[1]);
	inject_follow(&t);
	return 0;
}

/* A process that is there, between its marks. Returns when it can be led on. */
static inline pid_t inject_process(struct inject *order, pid_t pid)
{
	struct inject_tracer t = { .order = order, .until_exec = true };
	pid_t tracer = fork();

	if (tracer == 0) {
		inject_seize(&t, pid);
		inject_follow(&t);
		_exit(0);
	}
	while (tracer > 0 && !*(volatile bool *)&order->ready &&
	       waitpid(tracer, NULL, WNOHANG) == 0)
		(void)usleep(200);
	return tracer;
}

#else

#define INJECT_HERE 0

static inline int inject_guardian(void)
{
	return 84;
}

static inline pid_t inject_process(struct inject *order, pid_t pid)
{
	(void)order;
	(void)pid;
	return -1;
}

#endif
#endif
