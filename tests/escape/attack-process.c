/* SPDX-License-Identifier: MIT */
/*
 * Touching a process of the same uid outside the session (PID): it blocks all
 * signals, so that what reaches it can be read in /proc/PID/status, by us and by
 * whoever watches. "attack-process victim" is that process.
 */
#include "tests/escape/attack.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void be_victim(void)
{
	sigset_t all;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* What Yama may forbid is not what is tested here. */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	(void)setpgid(0, 0);
	for (;;)
		pause();
}

static int is_pending_in(const char *line, int sig)
{
	unsigned long long mask = strtoull(line, NULL, 16);

	return (int)((mask >> (unsigned int)(sig - 1)) & 1u);
}

static int is_pending(const struct stage *s, int sig)
{
	char path[64];
	char line[256];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "SigPnd:", 7) == 0 ||
		    strncmp(line, "ShdPnd:", 7) == 0)
			found |= is_pending_in(line + 7, sig);
	}
	fclose(f);
	return found;
}

/* What arrived counts, not what the call said. */
static int signalled(struct stage *s, int sig, long rc)
{
	int e = rc < 0 ? errno : EPERM;
	int pending = is_pending(s, sig);

	if (pending < 0)
		return untried(s, "cannot see the victim");
	return pending == 1 ? THROUGH : e;
}

static int a_kill(struct stage *s)
{
	int sig = SIGRTMIN + 1;

	return signalled(s, sig, kill(s->pid, sig));
}

static int a_tkill(struct stage *s)
{
	int sig = SIGRTMIN + 2;

	return signalled(s, sig, syscall(SYS_tkill, s->pid, sig));
}

static int a_tgkill(struct stage *s)
{
	int sig = SIGRTMIN + 3;

	return signalled(s, sig, syscall(SYS_tgkill, s->pid, s->pid, sig));
}

static int a_sigqueue(struct stage *s)
{
	const union sigval value = { .sival_int = 1 };
	int sig = SIGRTMIN + 4;

	return signalled(s, sig, sigqueue(s->pid, sig, value));
}

static int a_tgsigqueue(struct stage *s)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	int sig = SIGRTMIN + 5;

	info.si_signo = sig;
	return signalled(
		s, sig,
		syscall(SYS_rt_tgsigqueueinfo, s->pid, s->pid, sig, &info));
}

static int a_pidfd_signal(struct stage *s)
{
	int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	int sig = SIGRTMIN + 6;

	if (fd < 0)
		return result(fd);
	return signalled(s, sig,
			 syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0));
}

/* /proc/PID is a pidfd too. */
static int a_procfd_signal(struct stage *s)
{
	char path[64];
	int sig = SIGRTMIN + 7;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", (int)s->pid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return result(fd);
	return signalled(s, sig,
			 syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0));
}

/* The kernel signals for us when the pipe becomes readable. */
static int a_sigio(struct stage *s)
{
	int sig = SIGRTMIN + 8;
	int fd[2];
	int flags;

	if (pipe(fd) != 0)
		return untried(s, "no pipe");
	if (fcntl(fd[0], F_SETOWN, s->pid) != 0 ||
	    fcntl(fd[0], F_SETSIG, sig) != 0)
		return result(-1);
	flags = fcntl(fd[0], F_GETFL);
	if (fcntl(fd[0], F_SETFL, flags | O_ASYNC) != 0)
		return untried(s, "no O_ASYNC");
	(void)!write(fd[1], "x", 1);
	usleep(100000);
	return signalled(s, sig, 0);
}

/* Both are ignored by whoever does not block them: no harm to our own. */
static int a_kill_group(struct stage *s)
{
	return signalled(s, SIGWINCH, kill(-getpgid(s->pid), SIGWINCH));
}

static int a_kill_all(struct stage *s)
{
	return signalled(s, SIGURG, kill(-1, SIGURG));
}

static int a_ptrace_attach(struct stage *s)
{
	long rc = ptrace(PTRACE_ATTACH, s->pid, NULL, NULL);
	int answer = result(rc);

	if (rc == 0) {
		(void)waitpid(s->pid, NULL, __WALL);
		(void)ptrace(PTRACE_DETACH, s->pid, NULL, NULL);
	}
	return answer;
}

static int a_ptrace_seize(struct stage *s)
{
	return result(ptrace(PTRACE_SEIZE, s->pid, NULL, NULL));
}

/* An address that is mapped in any process: its own [vdso] or stack. */
static unsigned long mapped_in(const struct stage *s)
{
	/* Ours will do: the attempt is judged before the address is. */
	return (unsigned long)(const void *)s;
}

static int a_vm_readv(struct stage *s)
{
	char buf[8];
	const struct iovec own = { buf, sizeof(buf) };
	const struct iovec other = { (void *)mapped_in(s), sizeof(buf) };
	long rc = process_vm_readv(s->pid, &own, 1, &other, 1, 0);

	return rc < 0 && errno == EFAULT ? THROUGH : result(rc);
}

static int a_vm_writev(struct stage *s)
{
	char buf[8] = "harm";
	const struct iovec own = { buf, sizeof(buf) };
	const struct iovec other = { (void *)mapped_in(s), sizeof(buf) };
	long rc = process_vm_writev(s->pid, &own, 1, &other, 1, 0);

	return rc < 0 && errno == EFAULT ? THROUGH : result(rc);
}

static int open_proc(const struct stage *s, const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)s->pid, what);
	return open(path, flags | O_CLOEXEC);
}

static int a_proc_mem(struct stage *s)
{
	return result(open_proc(s, "mem", O_RDWR));
}

static int a_proc_environ(struct stage *s)
{
	char c;
	int fd = open_proc(s, "environ", O_RDONLY);

	return fd < 0 ? result(fd) : result(read(fd, &c, 1));
}

static int a_pidfd_getfd(struct stage *s)
{
	int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);

	if (fd < 0)
		return result(fd);
	return result(syscall(SYS_pidfd_getfd, fd, 9, 0));
}

static int a_prlimit(struct stage *s)
{
	const struct rlimit none = { 16, 4096 };

	return result(prlimit(s->pid, RLIMIT_NOFILE, &none, NULL));
}

static const struct attack attacks[] = {
	{ "kill", a_kill },
	{ "tkill", a_tkill },
	{ "tgkill", a_tgkill },
	{ "sigqueue", a_sigqueue },
	{ "tgsigqueue", a_tgsigqueue },
	{ "pidfd-signal", a_pidfd_signal },
	{ "procfd-signal", a_procfd_signal },
	{ "sigio", a_sigio },
	{ "kill-group", a_kill_group },
	{ "kill-all", a_kill_all },
	{ "ptrace-attach", a_ptrace_attach },
	{ "ptrace-seize", a_ptrace_seize },
	{ "vm-readv", a_vm_readv },
	{ "vm-writev", a_vm_writev },
	{ "proc-mem", a_proc_mem },
	{ "proc-environ", a_proc_environ },
	{ "pidfd-getfd", a_pidfd_getfd },
	{ "prlimit", a_prlimit },
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "victim") == 0)
		be_victim();
	return attack_main(argc, argv, attacks,
			   sizeof(attacks) / sizeof(attacks[0]));
}
