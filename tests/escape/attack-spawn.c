/* SPDX-License-Identifier: MIT */
/*
 * Each way to a new task, one call each, in this very process: under a policy
 * that denies new processes there is no child to try them in. "go-threads" is
 * what the Go runtime does: raw clone(2), no libc, a stack of its own. Linked
 * statically. A task that came to be ends at once.
 */
#include "tests/escape/attack.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/syscall.h>

/* In the child of a call that copies the process: nothing but the end. */
static int came_to_be(pid_t pid)
{
	const int e = errno;

	if (pid == 0)
		syscall(SYS_exit_group, 0);
	if (pid > 0)
		(void)waitpid(pid, NULL, __WALL);
	errno = e;
	return result(pid);
}

static int a_fork(struct stage *s)
{
	(void)s;
	return came_to_be(fork());
}

#ifdef SYS_fork
static int a_fork_raw(struct stage *s)
{
	(void)s;
	return came_to_be((pid_t)syscall(SYS_fork));
}
#endif

/* volatile: the child runs on this stack first */
static int a_vfork(struct stage *s)
{
	volatile pid_t pid;

	(void)s;
	pid = vfork();
	if (pid == 0)
		_exit(0);
	return came_to_be(pid);
}

static int a_posix_spawn(struct stage *s)
{
	char name[] = "true", *argv[] = { name, NULL };
	pid_t pid = 0;
	int e = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);

	(void)s;
	if (e == 0)
		(void)waitpid(pid, NULL, 0);
	return e;
}

static int a_system(struct stage *s)
{
	int status;

	(void)s;
	errno = 0;
	status = system("exit 0"); /* what is tried here is the call */
	return status == 0 ? THROUGH : result(-1);
}

static int a_clone(struct stage *s)
{
	(void)s;
	return came_to_be((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

/* The filter looks at 32 of the register's 64 bits, as the kernel does. */
static int a_clone_high(struct stage *s)
{
	(void)s;
	return came_to_be((pid_t)syscall(
		SYS_clone, UINT64_C(0x1000000000) | SIGCHLD, 0, 0, 0, 0));
}

static int a_clone_parent(struct stage *s)
{
	(void)s;
	return came_to_be(
		(pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
}

static int clone3_with(uint64_t flags, uint64_t exit_signal)
{
	struct clone_args args = { .flags = flags, .exit_signal = exit_signal };

	return came_to_be((pid_t)syscall(SYS_clone3, &args, sizeof(args)));
}

static int a_clone3(struct stage *s)
{
	(void)s;
	return clone3_with(0, SIGCHLD);
}

/* --- threads ------------------------------------------------------------------ */

static void *count(void *n)
{
	(void)__atomic_add_fetch((int *)n, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static int a_pthreads(struct stage *s)
{
	pthread_t t[8];
	int n = 0;

	(void)s;
	for (int i = 0; i < 8; i++) {
		const int e = pthread_create(&t[i], NULL, count, &n);

		if (e != 0)
			return e;
	}
	for (int i = 0; i < 8; i++)
		(void)pthread_join(t[i], NULL);
	return n == 8 ? THROUGH : untried(s, "threads that did not run");
}

#if defined(__x86_64__)
#define GO_FLAGS                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM |   \
	 CLONE_THREAD)

/* The child stores 1 and ends; it never returns from here. */
static long go_clone(void *stack_end, int *ran)
{
	register int *flag __asm__("r12") = ran;
	long rc;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "movl $1, (%%r12)\n\t"
			 "xor %%edi, %%edi\n\t"
			 "movl %[nr_exit], %%eax\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(rc)
			 : "0"((long)SYS_clone), "D"((long)GO_FLAGS),
			   "S"(stack_end), "d"(0L),
			   "r"(flag), [nr_exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return rc;
}

static int a_go_threads(struct stage *s)
{
	static _Alignas(16) char stack[4][16384];
	static int ran[4];

	for (int i = 0; i < 4; i++) {
		const long rc = go_clone(stack[i] + sizeof(stack[i]), &ran[i]);

		if (rc < 0)
			return (int)-rc;
	}
	for (int i = 0; i < 4; i++) {
		for (long n = 0;
		     __atomic_load_n(&ran[i], __ATOMIC_SEQ_CST) == 0; n++) {
			if (n > 100000000)
				return untried(s, "a thread did not run");
			(void)sched_yield();
		}
	}
	return THROUGH;
}
#endif

static const struct attack attacks[] = {
	{ "fork", a_fork },
#ifdef SYS_fork
	{ "fork-raw", a_fork_raw },
#endif
	{ "vfork", a_vfork },
	{ "posix-spawn", a_posix_spawn },
	{ "system", a_system },
	{ "clone", a_clone },
	{ "clone-high", a_clone_high },
	{ "clone-parent", a_clone_parent },
	{ "clone3", a_clone3 },
	{ "pthreads", a_pthreads },
#if defined(__x86_64__)
	{ "go-threads", a_go_threads },
#endif
};

/* attack_main() runs each in a child, which is what is to be impossible. */
int main(int argc, char **argv)
{
	struct stage s = { .pid = 0 };
	int worst = 0;

	for (int i = 1; i < argc; i++) {
		for (size_t k = 0; k < sizeof(attacks) / sizeof(attacks[0]);
		     k++) {
			struct verdict v = { UNTRIED, "" };
			int status;

			if (strcmp(argv[i], "all") != 0 &&
			    strcmp(argv[i], attacks[k].name) != 0)
				continue;
			s.why = v.why;
			v.code = attacks[k].run(&s);
			status = say(attacks[k].name, &v);
			worst = status > worst ? status : worst;
		}
	}
	return worst;
}
