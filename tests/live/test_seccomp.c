/* SPDX-License-Identifier: MIT */
/*
 * The filter, seen from inside: every denied call is made in a child under it
 * and, as the control, in a child without it, where the kernel must answer
 * something else.
 */
#include "tests/live/live.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "helper/seccomp_filter.h"
#include "helper/sys.h"

static struct bvh_bpf bpf; /* big; tests may have statics */

static int build(void **state)
{
	const struct bvh_seccomp_options o = { .deny_sockets = false };
	struct bv_err err = { 0 };

	(void)state;
	if (bvh_seccomp_build(&o, &bpf, &err) == BV_OK)
		return 0;
	print_error("%s\n", err.msg);
	return -1;
}

static int install(const struct bvh_bpf *p)
{
	struct sock_filter insn[BVH_BPF_MAX];
	struct sock_fprog prog = { .len = (unsigned short)p->n,
				   .filter = insn };

	memcpy(insn, p->insn, p->n * sizeof(insn[0]));
	return bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog);
}

struct attack {
	int (*fn)(void *);
	void *arg;
};

static int under_filter(void *arg)
{
	const struct attack *a = arg;

	if (install(&bpf) != 0)
		return 254;
	return a->fn(a->arg);
}

static int confined(int (*fn)(void *), void *arg)
{
	struct attack a = { fn, arg };

	return live_child(under_filter, &a);
}

struct call {
	const char *name;
	long nr;
	unsigned long a0, a1, a2, a3;
	int want; /* errno under the filter */
};

static int make_call(void *arg)
{
	const struct call *c = arg;

	return LIVE_ERRNO(syscall(c->nr, c->a0, c->a1, c->a2, c->a3, 0, 0)) &
	       0xff;
}

#define BAD (~0ul) /* a pointer or a number that is nothing */

/* Arguments chosen so that without the filter nothing happens, and the errno
 * is another one. */
static const struct call denied[] = {
	{ "mount", SYS_mount, BAD, BAD, BAD, 0, EPERM },
	{ "umount2", SYS_umount2, BAD, 0, 0, 0, EPERM },
	{ "pivot_root", SYS_pivot_root, BAD, BAD, 0, 0, EPERM },
	{ "open_tree", SYS_open_tree, BAD, BAD, 0, 0, EPERM },
	{ "open_tree_attr", 467, BAD, BAD, 0, 0, EPERM },
	{ "move_mount", SYS_move_mount, BAD, BAD, BAD, BAD, EPERM },
	{ "fsopen", SYS_fsopen, BAD, 0, 0, 0, EPERM },
	{ "fsconfig", SYS_fsconfig, BAD, BAD, 0, 0, EPERM },
	{ "fsmount", SYS_fsmount, BAD, 0, 0, 0, EPERM },
	{ "fspick", SYS_fspick, BAD, BAD, 0, 0, EPERM },
	{ "mount_setattr", SYS_mount_setattr, BAD, BAD, 0, 0, EPERM },
	{ "setns", SYS_setns, BAD, 0, 0, 0, EPERM },
	{ "unshare user", SYS_unshare, CLONE_NEWUSER, 0, 0, 0, EPERM },
	{ "unshare mount", SYS_unshare, CLONE_NEWNS, 0, 0, 0, EPERM },
	{ "unshare net", SYS_unshare, CLONE_NEWNET, 0, 0, 0, EPERM },
	{ "unshare pid", SYS_unshare, CLONE_NEWPID, 0, 0, 0, EPERM },
	{ "unshare ipc", SYS_unshare, CLONE_NEWIPC, 0, 0, 0, EPERM },
	{ "unshare uts", SYS_unshare, CLONE_NEWUTS, 0, 0, 0, EPERM },
	{ "unshare cgroup", SYS_unshare, CLONE_NEWCGROUP, 0, 0, 0, EPERM },
	{ "unshare time", SYS_unshare, 0x80, 0, 0, 0, EPERM },
	/* CLONE_THREAD without CLONE_SIGHAND: EINVAL where it is let in */
	{ "clone user", SYS_clone, CLONE_NEWUSER | CLONE_THREAD, 0, 0, 0,
	  EPERM },
	{ "clone mount", SYS_clone, CLONE_NEWNS | CLONE_THREAD, 0, 0, 0,
	  EPERM },
	{ "clone net", SYS_clone, CLONE_NEWNET | CLONE_THREAD, 0, 0, 0, EPERM },
	{ "clone3", SYS_clone3, 0, 0, 0, 0, ENOSYS },
	{ "io_uring_setup", SYS_io_uring_setup, 1, BAD, 0, 0, ENOSYS },
	{ "io_uring_enter", SYS_io_uring_enter, BAD, 1, 0, 0, ENOSYS },
	{ "io_uring_register", SYS_io_uring_register, BAD, BAD, 0, 0, ENOSYS },
	{ "bpf", SYS_bpf, BAD, 0, 0, 0, EPERM },
	{ "perf_event_open", SYS_perf_event_open, BAD, 0, 0, 0, EPERM },
	{ "userfaultfd", SYS_userfaultfd, BAD, 0, 0, 0, EPERM },
	{ "fanotify_init", SYS_fanotify_init, BAD, BAD, 0, 0, EPERM },
	{ "open_by_handle_at", SYS_open_by_handle_at, BAD, BAD, 0, 0, EPERM },
	{ "kexec_load", SYS_kexec_load, 0, BAD, BAD, BAD, EPERM },
	{ "init_module", SYS_init_module, BAD, 0, BAD, 0, EPERM },
	{ "finit_module", SYS_finit_module, BAD, BAD, BAD, 0, EPERM },
	{ "delete_module", SYS_delete_module, BAD, 0, 0, 0, EPERM },
	{ "reboot", SYS_reboot, 0, 0, 0, 0, EPERM },
	{ "swapon", SYS_swapon, BAD, 0, 0, 0, EPERM },
	{ "swapoff", SYS_swapoff, BAD, 0, 0, 0, EPERM },
	{ "acct", SYS_acct, BAD, 0, 0, 0, EPERM },
	{ "syslog", SYS_syslog, BAD, 0, 0, 0, EPERM },
	{ "settimeofday", SYS_settimeofday, BAD, 0, 0, 0, EPERM },
	{ "clock_settime", SYS_clock_settime, 99, BAD, 0, 0, EPERM },
	{ "quotactl", SYS_quotactl, BAD, BAD, 0, 0, EPERM },
	{ "sethostname", SYS_sethostname, BAD, BAD, 0, 0, EPERM },
	{ "add_key", SYS_add_key, BAD, BAD, 0, 0, EPERM },
	{ "request_key", SYS_request_key, BAD, BAD, 0, 0, EPERM },
	{ "keyctl join", SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, BAD, 0, 0,
	  EPERM },
	{ "keyctl read", SYS_keyctl, KEYCTL_READ, 0, 0, 0, EPERM },
	{ "keyctl high bits", SYS_keyctl, 0x100000000ul | KEYCTL_READ, 0, 0, 0,
	  EPERM },
	{ "personality", SYS_personality, READ_IMPLIES_EXEC, 0, 0, 0, EPERM },
	{ "personality high bit", SYS_personality,
	  0x80000000ul | READ_IMPLIES_EXEC, 0, 0, 0, EPERM },
	{ "fcntl stays", SYS_fcntl, BAD, F_SETOWN, 0, 0, EBADF },
	{ "socket vsock", SYS_socket, AF_VSOCK, BAD, BAD, 0, EAFNOSUPPORT },
	{ "socket alg", SYS_socket, AF_ALG, BAD, BAD, 0, EAFNOSUPPORT },
	{ "socket packet", SYS_socket, AF_PACKET, BAD, BAD, 0, EAFNOSUPPORT },
	{ "socketpair inet", SYS_socketpair, AF_INET, SOCK_DGRAM, 0, BAD,
	  EAFNOSUPPORT },
#ifdef __x86_64__
	{ "iopl", SYS_iopl, 99, 0, 0, 0, EPERM },
	{ "ioperm", SYS_ioperm, BAD, 1, 0, 0, EPERM },
	{ "modify_ldt", SYS_modify_ldt, 99, 0, 0, 0, EPERM },
#endif
};

static void test_seccomp__denied_calls__denied(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		struct call c = denied[i];
		int free_errno = live_child(make_call, &c);
		int got = confined(make_call, &c);

		if (got != c.want)
			fail_msg("%s: errno %d, want %d", c.name, got, c.want);
		/* a control that gives the same would prove nothing */
		if (free_errno == c.want && strcmp(c.name, "fcntl stays") != 0)
			fail_msg("%s: errno %d without the filter too", c.name,
				 free_errno);
	}
}

static int unknown_call(void *arg)
{
	(void)arg;
	if (syscall(470) != -1 || errno != ENOSYS)
		return 1;
	if (syscall(100000) != -1 || errno != ENOSYS)
		return 2;
	return syscall(-1) == -1 && errno == ENOSYS ? 0 : 3;
}

static void test_seccomp__numbers_nobody_knows__enosys(void **state)
{
	(void)state;
	assert_int_equal(confined(unknown_call, NULL), 0);
}

/* --- foreign ABIs ----------------------------------------------------------- */

#ifdef __x86_64__
static int call_x32(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(syscall(0x40000000l | SYS_getpid));
}

static int call_int80(void *arg)
{
	long ret = 20; /* getpid of i386 */

	(void)arg;
	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 :
			 : "memory", "r8", "r9", "r10", "r11");
	return ret > 0 ? 0 : (int)-ret;
}

static void test_seccomp__x32_and_int80__killed(void **state)
{
	(void)state;
	assert_true(live_child(call_x32, NULL) < LIVE_SIGNAL);
	assert_int_equal(confined(call_x32, NULL), LIVE_SIGNAL + SIGSYS);
	assert_int_equal(confined(call_int80, NULL), LIVE_SIGNAL + SIGSYS);
	/* last, so that a kernel without IA32 still proves the above */
	LIVE_NEED(live_child(call_int80, NULL) == 0, "IA32 emulation");
}
#endif

/* --- terminals ------------------------------------------------------------- */

/* A terminal of our own, controlling, with `request` made on it. */
static int tty_ioctl(void *arg)
{
	unsigned long request = *(unsigned long *)arg;
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	char room[64] = "x"; /* in or out, as the request wants */
	int slave;

	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
		return 250;
	if (setsid() < 0)
		return 251;
	slave = open(ptsname(master), O_RDWR);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) != 0)
		return 252;
	return LIVE_ERRNO(syscall(SYS_ioctl, slave, request, room));
}

static void test_seccomp__tty_injection__denied(void **state)
{
	unsigned long sti = TIOCSTI, sti_high = 0x100000000ul | TIOCSTI;
	unsigned long linux_ioctl = TIOCLINUX, cons = TIOCCONS;
	unsigned long winsz = TIOCGWINSZ;
	int got;

	(void)state;
	assert_int_equal(live_child(tty_ioctl, &sti), 0);
	assert_int_equal(live_child(tty_ioctl, &sti_high), 0);
	assert_int_equal(confined(tty_ioctl, &sti), EPERM);
	assert_int_equal(confined(tty_ioctl, &sti_high), EPERM);
	assert_int_equal(confined(tty_ioctl, &linux_ioctl), EPERM);
	assert_int_equal(confined(tty_ioctl, &cons), EPERM);
	got = live_child(tty_ioctl, &linux_ioctl);
	assert_int_not_equal(got, EPERM);
	/* Not everything: a shell asks for the window size. */
	assert_int_equal(confined(tty_ioctl, &winsz), 0);
}

/* --- limits of others --------------------------------------------------------- */

static int limit_other(void *arg)
{
	struct rlimit old;

	(void)arg;
	if (prlimit(getppid(), RLIMIT_CORE, NULL, &old) != 0)
		return 250;
	return LIVE_ERRNO(prlimit(getppid(), RLIMIT_CORE, &old, NULL));
}

static int limit_self(void *arg)
{
	struct rlimit old;

	(void)arg;
	if (getrlimit(RLIMIT_CORE, &old) != 0)
		return 250;
	return LIVE_ERRNO(setrlimit(RLIMIT_CORE, &old));
}

static void test_seccomp__limits_of_another_process__denied(void **state)
{
	(void)state;
	assert_int_equal(live_child(limit_other, NULL), 0);
	assert_int_equal(confined(limit_other, NULL), EPERM);
	assert_int_equal(confined(limit_self, NULL), 0);
}

/* --- what must go on working ------------------------------------------------------- */

static void *nothing(void *arg)
{
	return arg;
}

static int ordinary_life(void *arg)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };
	char *const envp[] = { NULL };
	int status = -1, sv[2];
	pthread_t thread;
	pid_t pid;

	(void)arg;
	if (pthread_create(&thread, NULL, nothing, NULL) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return 1;
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		return 3;
	if (socket(AF_INET, SOCK_STREAM, 0) < 0 ||
	    socket(AF_NETLINK, SOCK_RAW, 0) < 0)
		return 4;
	if (personality(0xffffffff) < 0 || personality(ADDR_NO_RANDOMIZE) < 0)
		return 5;
	if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0) < 0 &&
	    errno == EPERM)
		return 6;
	if (chroot("/") != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return 7;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		return 8;
	return unshare(CLONE_FILES) == 0 ? 0 : 9;
}

static void test_seccomp__ordinary_program__works(void **state)
{
	(void)state;
	assert_int_equal(live_child(ordinary_life, NULL), 0);
	assert_int_equal(confined(ordinary_life, NULL), 0);
}

/* --- no network --------------------------------------------------------------------- */

static const struct call sockets[] = {
	{ "inet", SYS_socket, AF_INET, SOCK_STREAM, 0, 0, EPERM },
	{ "inet udp", SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, EPERM },
	{ "inet6", SYS_socket, AF_INET6, SOCK_STREAM, 0, 0, EPERM },
	{ "unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0 },
	{ "netlink route", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0, 0 },
	{ "netlink sock_diag", SYS_socket, AF_NETLINK, SOCK_RAW, 4, 0, EPERM },
	{ "netlink uevent", SYS_socket, AF_NETLINK, SOCK_RAW, 15, 0, EPERM },
};

static void test_seccomp__no_network__only_unix_and_route(void **state)
{
	const struct bvh_seccomp_options o = { .deny_sockets = true };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bvh_seccomp_build(&o, &bpf, &err), BV_OK);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct call c = sockets[i];
		int got = confined(make_call, &c);

		if (got != c.want)
			fail_msg("%s: errno %d, want %d", c.name, got, c.want);
		if (live_child(make_call, &c) == EPERM)
			fail_msg("%s: EPERM without the filter", c.name);
	}
	assert_int_equal(build(NULL), 0);
}

/* --- a list of peers ---------------------------------------------------------------- */

static const struct call plain[] = {
	{ "tcp", SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0 },
	{ "tcp by name", SYS_socket, AF_INET6, SOCK_STREAM, 6, 0, 0 },
	{ "udp", SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 17, 0, 0 },
	{ "unix", SYS_socket, AF_UNIX, SOCK_SEQPACKET, 0, 0, 0 },
	{ "netlink route", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0, 0 },
	{ "mptcp", SYS_socket, AF_INET, SOCK_STREAM, 262, 0, EPERM },
	{ "mptcp6", SYS_socket, AF_INET6, SOCK_STREAM, 262, 0, EPERM },
	{ "sctp", SYS_socket, AF_INET, SOCK_STREAM, 132, 0, EPERM },
	{ "sctp packets", SYS_socket, AF_INET, SOCK_SEQPACKET, 0, 0, EPERM },
	{ "udplite", SYS_socket, AF_INET6, SOCK_DGRAM, 136, 0, EPERM },
	{ "raw", SYS_socket, AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1, 0, EPERM },
	{ "raw6", SYS_socket, AF_INET6, SOCK_RAW, 58, 0, EPERM },
	{ "dccp", SYS_socket, AF_INET, SOCK_DCCP, 0, 0, EPERM },
	{ "netlink sock_diag", SYS_socket, AF_NETLINK, SOCK_RAW, 4, 0, EPERM },
	{ "vsock", SYS_socket, 40, SOCK_STREAM, 0, 0, EAFNOSUPPORT },
	{ "packet", SYS_socket, AF_PACKET, SOCK_RAW, 0, 0, EAFNOSUPPORT },
};

static void test_seccomp__list_of_peers__tcp_and_udp_alone(void **state)
{
	const struct bvh_seccomp_options o = { .plain_sockets = true };
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bvh_seccomp_build(&o, &bpf, &err), BV_OK);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct call c = plain[i];
		int got = confined(make_call, &c);

		if (got != c.want)
			fail_msg("%s: errno %d, want %d", c.name, got, c.want);
	}
	assert_int_equal(build(NULL), 0);
}

static void test_seccomp__program__same_every_time(void **state)
{
	char before[65];

	(void)state;
	memcpy(before, bpf.sha256_hex, sizeof(before));
	assert_int_equal(strlen(before), 64);
	assert_int_equal(build(NULL), 0);
	assert_string_equal(before, bpf.sha256_hex);
	assert_true(bpf.n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seccomp__denied_calls__denied),
		cmocka_unit_test(test_seccomp__numbers_nobody_knows__enosys),
#ifdef __x86_64__
		cmocka_unit_test(test_seccomp__x32_and_int80__killed),
#endif
		cmocka_unit_test(test_seccomp__tty_injection__denied),
		cmocka_unit_test(
			test_seccomp__limits_of_another_process__denied),
		cmocka_unit_test(test_seccomp__ordinary_program__works),
		cmocka_unit_test(test_seccomp__no_network__only_unix_and_route),
		cmocka_unit_test(
			test_seccomp__list_of_peers__tcp_and_udp_alone),
		cmocka_unit_test(test_seccomp__program__same_every_time),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
