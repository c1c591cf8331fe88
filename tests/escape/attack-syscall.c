/* SPDX-License-Identifier: MIT */
/*
 * System calls a confined session has no business with: typing into terminals,
 * rings and foreign ABIs that go past the filter, namespaces, mounts, and a
 * program with the setuid bit (EXE). The terminal attacks need one as stdin.
 */
#include "tests/escape/attack.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <termios.h>

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define TREE_CLONE 1u

/* --- the terminal ------------------------------------------------------------ */

static int type_into(struct stage *s, unsigned long command)
{
	char c = ' ';

	if (isatty(0) != 1)
		return untried(s, "stdin is no terminal");
	/* By number: libc's ioctl() would pass all 64 bits as well. */
	return result(syscall(SYS_ioctl, 0, command, &c));
}

static int a_tiocsti(struct stage *s)
{
	return type_into(s, TIOCSTI);
}

/* The kernel reads 32 bits of it (CVE-2019-10063). */
static int a_tiocsti_high(struct stage *s)
{
	return type_into(s, 0x100000000ul | TIOCSTI);
}

static int a_tioclinux(struct stage *s)
{
	return type_into(s, TIOCLINUX);
}

static int a_tioccons(struct stage *s)
{
	return type_into(s, TIOCCONS);
}

/* --- past the filter ----------------------------------------------------------- */

static int a_io_uring(struct stage *s)
{
	unsigned int params[30] = { 0 };

	(void)s;
	return result(syscall(SYS_io_uring_setup, 4, params));
}

#ifdef __x86_64__
static int a_x32(struct stage *s)
{
	(void)s;
	return result(syscall(0x40000000L + SYS_getpid));
}

static int a_int80(struct stage *s)
{
	long rc = 20; /* getpid of i386 */

	(void)s;
	__asm__ volatile("int $0x80"
			 : "+a"(rc)
			 :
			 : "r8", "r9", "r10", "r11", "cc", "memory");
	if (rc > 0)
		return THROUGH;
	return (int)-rc;
}
#endif

/* --- namespaces ------------------------------------------------------------------ */

static int a_unshare_user(struct stage *s)
{
	(void)s;
	return result(unshare(CLONE_NEWUSER));
}

static int a_unshare_mnt(struct stage *s)
{
	(void)s;
	return result(unshare(CLONE_NEWNS));
}

static int reap(struct stage *s, long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return result(pid);
	if (waitpid((pid_t)pid, NULL, 0) < 0)
		return untried(s, "waitpid");
	return THROUGH;
}

static int a_clone_user(struct stage *s)
{
	return reap(s, syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL,
			       NULL, NULL));
}

static int a_clone3_user(struct stage *s)
{
	unsigned long long args[11] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };

	return reap(s, syscall(SYS_clone3, args, sizeof(args)));
}

static int a_setns(struct stage *s)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return untried(s, "no /proc/self/ns/net");
	return result(setns(fd, CLONE_NEWNET));
}

/* --- mounts: as we are, and from a user namespace if there is one ------------------ */

static int a_mount(struct stage *s)
{
	return result(mount("none", s->in, "tmpfs", 0, NULL));
}

static int a_bind(struct stage *s)
{
	return result(mount(s->out, s->in, NULL, MS_BIND, NULL));
}

static int a_umount(struct stage *s)
{
	(void)s;
	return result(umount2("/tmp", MNT_DETACH));
}

static int a_remount(struct stage *s)
{
	(void)s;
	return result(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int a_fsopen(struct stage *s)
{
	(void)s;
	return result(syscall(SYS_fsopen, "tmpfs", 0));
}

static int a_open_tree(struct stage *s)
{
	return result(syscall(SYS_open_tree, AT_FDCWD, s->out, TREE_CLONE));
}

static int a_mount_setattr(struct stage *s)
{
	unsigned long long attr[4] = { 0 };

	(void)s;
	/* clear "read-only" of the root mount */
	attr[1] = 1;
	return result(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, attr,
			      sizeof(attr)));
}

static int in_userns(struct stage *s, int (*attack)(struct stage *))
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return result(-1);
	return attack(s);
}

static int a_userns_mount(struct stage *s)
{
	return in_userns(s, a_mount);
}

static int a_userns_bind(struct stage *s)
{
	return in_userns(s, a_bind);
}

static int a_userns_fsopen(struct stage *s)
{
	return in_userns(s, a_fsopen);
}

static int a_userns_umount(struct stage *s)
{
	return in_userns(s, a_umount);
}

/* --- the rest ------------------------------------------------------------------------ */

static int a_add_key(struct stage *s)
{
	(void)s;
	return result(syscall(SYS_add_key, "user", "bvisor-attack", "x", 1,
			      KEY_SPEC_USER_KEYRING));
}

static int a_bpf(struct stage *s)
{
	unsigned int attr[32] = { 2, 4, 4, 1 }; /* an array map */

	(void)s;
	return result(syscall(SYS_bpf, 0, attr, sizeof(attr)));
}

static int a_perf(struct stage *s)
{
	unsigned int attr[32] = { 1, sizeof(attr) }; /* software clock */

	(void)s;
	return result(syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
}

static int a_userfaultfd(struct stage *s)
{
	(void)s;
	return result(syscall(SYS_userfaultfd, 1)); /* user mode only */
}

/* EXE is owned by root with the setuid bit and says its effective uid. */
static int a_setuid(struct stage *s)
{
	char said[16] = "";
	FILE *f = NULL;
	int fd[2];
	pid_t pid;

	if (pipe(fd) != 0)
		return untried(s, "no pipe");
	pid = fork();
	if (pid < 0)
		return untried(s, "fork");
	if (pid == 0) {
		char *const argv[] = { s->exe, NULL, NULL };

		(void)dup2(fd[1], 1);
		execv(s->exe, argv);
		_exit(126);
	}
	close(fd[1]);
	f = fdopen(fd[0], "r");
	if (f == NULL || fgets(said, sizeof(said), f) == NULL)
		return untried(s, "the setuid program said nothing");
	(void)waitpid(pid, NULL, 0);
	return strcmp(said, "0\n") == 0 ? THROUGH : EPERM;
}

static int say_euid(void)
{
	printf("%u\n", (unsigned int)geteuid());
	return 0;
}

static const struct attack attacks[] = {
	{ "tiocsti", a_tiocsti },
	{ "tiocsti-high", a_tiocsti_high },
	{ "tioclinux", a_tioclinux },
	{ "tioccons", a_tioccons },
	{ "io-uring", a_io_uring },
#ifdef __x86_64__
	{ "x32", a_x32 },
	{ "int80", a_int80 },
#endif
	{ "unshare-user", a_unshare_user },
	{ "unshare-mnt", a_unshare_mnt },
	{ "clone-user", a_clone_user },
	{ "clone3-user", a_clone3_user },
	{ "setns", a_setns },
	{ "mount", a_mount },
	{ "bind", a_bind },
	{ "umount", a_umount },
	{ "remount", a_remount },
	{ "fsopen", a_fsopen },
	{ "open-tree", a_open_tree },
	{ "mount-setattr", a_mount_setattr },
	{ "userns-mount", a_userns_mount },
	{ "userns-bind", a_userns_bind },
	{ "userns-fsopen", a_userns_fsopen },
	{ "userns-umount", a_userns_umount },
	{ "add-key", a_add_key },
	{ "bpf", a_bpf },
	{ "perf", a_perf },
	{ "userfaultfd", a_userfaultfd },
	{ "setuid", a_setuid },
};

int main(int argc, char **argv)
{
	/* A copy of this program with the setuid bit is started with no
	 * argument. */
	if (argc == 1)
		return say_euid();
	return attack_main(argc, argv, attacks,
			   sizeof(attacks) / sizeof(attacks[0]));
}
