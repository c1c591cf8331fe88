/* SPDX-License-Identifier: MIT */
/*
 * clone twice. The first child has no exit signal, so nothing is delivered to
 * the host and wait(2) without __WALL does not see it; it makes the guardian
 * with a pidfd, sends that to us and is gone. The guardian is nobody's child
 * but init's (or the nearest subreaper's). Between clone and execve only
 * async-signal-safe calls: the host may have had threads.
 *
 * clone(2) and not clone3(2): containers answer clone3 with ENOSYS, and so does
 * our own filter when a confined process opens a session (su inside one).
 */
#include "pam_bvisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pam_bvisor/message.h"
#include "pam_bvisor/wire.h"

#define EXIT_EXEC     127
#define FD_LIMIT_SANE 1024

#if defined(__s390__) || defined(__CRIS__)
#error "clone(2) has its flags in the second argument here"
#endif
/* Without a stack of its own the child goes on on its copy of ours: fork(2)
 * without libc's handlers. pidfd is for CLONE_PIDFD. */
static pid_t fork_like(unsigned long flags, int *pidfd)
{
	return (pid_t)syscall(SYS_clone, flags, NULL, pidfd, NULL, NULL);
}

/* Without CAP_SYS_RESOURCE (a container) as far as the hard limit lets us. */
static void lift(__rlimit_resource_t resource, rlim_t want)
{
	struct rlimit r = { .rlim_cur = want, .rlim_max = want };

	if (setrlimit(resource, &r) == 0 || getrlimit(resource, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	(void)setrlimit(resource, &r);
}

/* pam_limits ran before us and lowered what the user may have. */
static void sane_limits(void)
{
	const struct rlimit stack = { .rlim_cur = 8u << 20,
				      .rlim_max = RLIM_INFINITY };

	lift(RLIMIT_AS, RLIM_INFINITY);
	lift(RLIMIT_CPU, RLIM_INFINITY);
	lift(RLIMIT_DATA, RLIM_INFINITY);
	lift(RLIMIT_FSIZE, RLIM_INFINITY);
	lift(RLIMIT_NOFILE, FD_LIMIT_SANE);
	lift(RLIMIT_CORE, 0);
	(void)setrlimit(RLIMIT_STACK, &stack);
	(void)setpriority(PRIO_PROCESS, 0, 0);
}

/* su is setuid: its real uid is still the user's, and the kernel puts real ids
 * into SCM_CREDENTIALS. Raw, this process alone. */
static void be_root(void)
{
	(void)syscall(SYS_setgroups, 0, NULL);
	if (syscall(SYS_setresgid, 0, 0, 0) != 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) != 0)
		_exit(EXIT_EXEC);
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)sigaction(
				sig,
				&(struct sigaction){ .sa_handler = SIG_DFL },
				NULL);
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The guardian up to its execve. helper_fd may be any number: it is moved out
 * of the way of 0-3 first. */
static _Noreturn void become_guardian(int control, int helper_fd)
{
	char name[] = "bvisor-helper";
	char verb[] = "guard";
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[] = { name, verb, NULL };
	char *envp[] = { path, NULL };
	int null;

	(void)setsid();
	default_signals();
	control = fcntl(control, F_DUPFD, BVP_CONTROL_FD + 1);
	helper_fd = fcntl(helper_fd, F_DUPFD_CLOEXEC, BVP_CONTROL_FD + 1);
	null = open("/dev/null", O_RDWR);
	if (control < 0 || helper_fd < 0 || null < 0)
		_exit(EXIT_EXEC);
	for (int fd = 0; fd < BVP_CONTROL_FD; fd++) {
		if (null != fd && dup2(null, fd) < 0)
			_exit(EXIT_EXEC);
	}
	if (dup2(control, BVP_CONTROL_FD) < 0)
		_exit(EXIT_EXEC);
	/* all but 0-3; the helper's own descriptor closes on exec */
	if ((helper_fd > BVP_CONTROL_FD + 1 &&
	     syscall(SYS_close_range, BVP_CONTROL_FD + 1, helper_fd - 1, 0) !=
		     0) ||
	    syscall(SYS_close_range, helper_fd + 1, ~0u, 0) != 0 ||
	    chdir("/") != 0)
		_exit(EXIT_EXEC);
	(void)umask(077);
	sane_limits();
	(void)syscall(SYS_execveat, helper_fd, "", argv, envp, AT_EMPTY_PATH);
	_exit(EXIT_EXEC);
}

static _Noreturn void intermediate(int control, int helper_fd)
{
	unsigned char hello[sizeof(struct bvp_header)];
	size_t len;
	int pidfd = -1;
	pid_t pid;

	be_root();
	pid = fork_like(CLONE_PIDFD | SIGCHLD, &pidfd);
	if (pid == 0)
		become_guardian(control, helper_fd);
	if (pid < 0)
		_exit(1);
	len = bvp_encode_plain(BVP_MSG_CHILD, 0, hello, sizeof(hello));
	_exit(bvp_message_send(control, hello, len, pidfd) == 0 ? 0 : 1);
}

/* Root's file, nobody else's to write: what we run in root's name. */
static int open_helper(const char **ret_what)
{
	struct stat st;
	const int fd = open(BV_HELPER_PATH, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	*ret_what = "helper " BV_HELPER_PATH;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return fd;
	*ret_what = "helper " BV_HELPER_PATH
		    " is not a file that root alone can write";
	close(fd);
	errno = EPERM;
	return -1;
}

static int receive_pidfd(int sock, int deadline_ms, int *ret_pidfd)
{
	struct bvp_message *m = malloc(sizeof(*m)); /* too big for a stack */
	struct bvp_header head;
	int e = m == NULL ? ENOMEM : bvp_message_receive(sock, deadline_ms, m);

	if (e == 0) {
		if (bvp_decode_header(m->bytes, m->len, &head) == 0 &&
		    head.type == BVP_MSG_CHILD && m->fds_n == 1) {
			*ret_pidfd = m->fds[0];
		} else {
			bvp_message_close(m);
			e = EPROTO;
		}
	}
	free(m);
	return e;
}

static int clone_guardian(int control, int helper_fd)
{
	sigset_t all, before;
	pid_t pid;
	int e = 0, status;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork_like(0, NULL);
	if (pid == 0)
		intermediate(control, helper_fd);
	if (pid < 0)
		e = errno;
	else
		while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
			;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return e;
}

int bvp_spawn(struct bvp_guardian *ret, int deadline_ms, const char **ret_what)
{
	const int on = 1;
	int pair[2];
	int helper_fd, e;

	ret->sock = -1;
	ret->pidfd = -1;
	*ret_what = "the program that asks is not root's";
	if (geteuid() != 0)
		return EPERM;
	helper_fd = open_helper(ret_what);
	if (helper_fd < 0)
		return errno;
	*ret_what = "control socket";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		e = errno;
		close(helper_fd);
		return e;
	}
	(void)setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	*ret_what = "clone of the guardian";
	e = clone_guardian(pair[1], helper_fd);
	close(helper_fd);
	close(pair[1]);
	if (e == 0) {
		*ret_what = "start of the guardian";
		e = receive_pidfd(pair[0], deadline_ms, &ret->pidfd);
	}
	if (e != 0) {
		close(pair[0]);
		return e;
	}
	ret->sock = pair[0];
	return 0;
}

void bvp_guardian_kill(struct bvp_guardian *g)
{
	if (g->pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, g->pidfd, SIGKILL, NULL,
			      0);
		close(g->pidfd);
	}
	if (g->sock >= 0)
		close(g->sock);
	g->pidfd = -1;
	g->sock = -1;
}
