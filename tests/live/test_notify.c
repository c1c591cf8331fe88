/* SPDX-License-Identifier: MIT */
/*
 * Signals of a session on a kernel without landlock's signal scope: a child in
 * a leaf and under the filter, this process its guardian. Every signal goes by
 * the kernel's own hand or not at all; the witness is the errno inside and
 * whether the target lives.
 */
#include "tests/live/live_cgroup.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "helper/notify.h"
#include "helper/seccomp_filter.h"
#include "helper/sys.h"

static struct bvh_bpf bpf;
static struct bvh_cgroup_base base;
static char base_path[PATH_MAX];
static struct bvh_leaf leaf;
static pid_t outsider; /* same uid, outside the leaf */

static int set_up(void **state)
{
	const struct bvh_seccomp_options o = { .notify_signals = true };
	struct bvh_leaf_limits none = { .has_pids = false };
	struct bv_err err = { 0 };

	(void)state;
	live_base_path(base_path, sizeof(base_path), "notify");
	live_base_open(base_path, &base);
	assert_int_equal(
		bvh_leaf_create(&base, "session-aa", &none, &leaf, &err),
		BV_OK);
	assert_int_equal(bvh_seccomp_build(&o, &bpf, &err), BV_OK);
	outsider = fork();
	if (outsider == 0) {
		for (;;)
			pause();
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kill(outsider, SIGKILL);
	waitpid(outsider, NULL, 0);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	assert_int_equal(bvh_leaf_remove(&leaf, NULL), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_cgroup_base_done(&base);
	live_base_remove(base_path);
	return 0;
}

static int install_listener(void)
{
	struct sock_fprog prog = { .len = (unsigned short)bpf.n,
				   .filter = bpf.insn };

	return bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER,
			       SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sock, &msg, 0) != 1)
		_exit(253);
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Whom the last refused signal was for; 0 none since it was cleared. */
static pid_t told;

static void tell(void *arg, pid_t target)
{
	(void)arg;
	told = target;
}

static void no_bus(void *arg)
{
	(void)arg;
}

/* A child in the leaf and under the filter, in a session of its own when
 * asked; served until it is over. */
static int inside(int (*fn)(void *), void *arg, bool own_session)
{
	const struct bvh_notify_watch watch = { .on_bus = no_bus,
						.on_denied = tell };
	int sv[2], listener, status = 0;
	bool alive = true;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv),
			 0);
	pid = fork();
	if (pid == 0) {
		int fd;

		alarm(200); /* a guardian that does not answer must not hang us */
		if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
			_exit(252);
		if (own_session && setsid() < 0)
			_exit(251);
		fd = install_listener();
		if (fd < 0)
			_exit(250);
		send_fd(sv[1], fd);
		close(fd);
		_exit(fn(arg));
	}
	close(sv[1]);
	listener = receive_fd(sv[0]);
	close(sv[0]);
	assert_true(listener >= 0);
	while (alive) {
		struct pollfd p = { .fd = listener, .events = POLLIN };

		(void)poll(&p, 1, 20);
		alive = bvh_notify_serve_watch(listener, &leaf, &watch) &&
			waitpid(pid, &status, WNOHANG) == 0;
	}
	close(listener);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : LIVE_SIGNAL + WTERMSIG(status);
}

struct shot {
	pid_t pid;
	int sig;
};

static int shoot(void *arg)
{
	const struct shot *s = arg;

	return LIVE_ERRNO(kill(s->pid, s->sig));
}

static int queue(void *arg)
{
	const struct shot *s = arg;
	const union sigval v = { .sival_int = 0 };

	return LIVE_ERRNO(sigqueue(s->pid, s->sig, v));
}

static int thread_shot(void *arg)
{
	const struct shot *s = arg;

	if (syscall(SYS_tkill, s->pid, s->sig) == 0 ||
	    syscall(SYS_tgkill, s->pid, s->pid, s->sig) == 0)
		return 0;
	return errno;
}

static void test_notify__outside__refused(void **state)
{
	struct shot kill_it = { outsider, SIGKILL };
	struct shot ask = { outsider, 0 };
	struct shot all = { -1, 0 };
	struct shot group = { -getpgrp(), 0 };
	struct shot nobody = { 4194303, 0 };

	(void)state;
	/* the control: without the boundary these all reach it */
	assert_int_equal(live_child(shoot, &ask), 0);
	assert_int_equal(live_child(shoot, &group), 0);
	assert_int_equal(live_child(queue, &ask), 0);
	assert_int_equal(live_child(thread_shot, &ask), 0);

	told = 0;
	assert_int_equal(inside(shoot, &kill_it, true), EPERM);
	assert_int_equal(told, outsider);
	assert_int_equal(inside(shoot, &ask, true), EPERM);
	assert_int_equal(inside(queue, &kill_it, true), EPERM);
	assert_int_equal(inside(thread_shot, &kill_it, true), EPERM);
	assert_int_equal(inside(shoot, &all, true), EPERM);
	assert_int_equal(inside(shoot, &group, true), EPERM);
	told = 0;
	assert_int_equal(inside(shoot, &nobody, true), ESRCH);
	assert_int_equal(told, 0); /* nobody was denied anybody */
	assert_int_equal(kill(outsider, 0), 0);
}

/* su without a new session: the group is shared with whoever ran su. */
static void test_notify__own_group_with_outsiders__refused(void **state)
{
	struct shot group = { 0, 0 };

	(void)state;
	assert_int_equal(inside(shoot, &group, false), EPERM);
	assert_int_equal(inside(shoot, &group, true), 0);
}

static void *raise_in_thread(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)raise(SIGUSR1);
}

static int family_life(void *arg)
{
	pthread_t thread;
	void *ret = NULL;
	int status = 0;
	pid_t pid;

	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	if (raise(SIGUSR1) != 0 || kill(getpid(), SIGUSR1) != 0)
		return 1;
	if (pthread_create(&thread, NULL, raise_in_thread, NULL) != 0 ||
	    pthread_kill(thread, 0) != 0 || pthread_join(thread, &ret) != 0 ||
	    ret != NULL)
		return 2;
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	(void)setpgid(pid, pid);
	/* job control: the group of a job */
	if (kill(-pid, SIGTERM) != 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM)
		return 3;
	/* gone, and said so */
	return kill(pid, 0) == -1 && errno == ESRCH ? 0 : 4;
}

static int abort_self(void *arg)
{
	(void)arg;
	abort();
}

static void test_notify__inside__goes_through(void **state)
{
	(void)state;
	assert_int_equal(live_child(family_life, NULL), 0);
	assert_int_equal(inside(family_life, NULL, true), 0);
	assert_int_equal(inside(abort_self, NULL, true), LIVE_SIGNAL + SIGABRT);
}

static int drop_and_shoot_root(void *arg)
{
	pid_t root_one = fork();
	int got;

	(void)arg;
	if (root_one == 0) {
		alarm(200);
		pause();
		_exit(0);
	}
	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 200;
	got = LIVE_ERRNO(kill(root_one, SIGKILL));
	return got;
}

/* Letting go on is not sending: the kernel's own permission still counts. */
static void test_notify__others_uid_inside__kernel_refuses(void **state)
{
	(void)state;
	assert_int_equal(inside(drop_and_shoot_root, NULL, true), EPERM);
	assert_int_equal(bvh_leaf_kill(&leaf, NULL), BV_OK);
	assert_true(bvh_leaf_drain(&leaf, 30000));
}

static int by_proxy(void *arg)
{
	int fd = bvh_sys_pidfd_open(*(pid_t *)arg, 0);
	struct f_owner_ex owner = { F_OWNER_PID, *(pid_t *)arg };
	int sv[2], pid = *(pid_t *)arg;

	if (fd < 0)
		return 200;
	if (bvh_sys_pidfd_send_signal(fd, 0) == 0 || errno != ENOSYS)
		return 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		return 201;
	if (fcntl(sv[0], F_SETOWN, pid) == 0 || errno != EPERM)
		return 2;
	if (fcntl(sv[0], F_SETOWN_EX, &owner) == 0 || errno != EPERM)
		return 3;
	if (fcntl(sv[0], F_SETSIG, SIGKILL) == 0 || errno != EPERM)
		return 4;
	if (ioctl(sv[0], FIOSETOWN, &pid) == 0 || errno != EPERM)
		return 5;
	if (ioctl(sv[0], SIOCSPGRP, &pid) == 0 || errno != EPERM)
		return 6;
	return 0;
}

static void test_notify__pidfd_and_sigio__refused(void **state)
{
	(void)state;
	assert_int_equal(live_child(by_proxy, &outsider), 1);
	assert_int_equal(inside(by_proxy, &outsider, true), 0);
}

static int flood(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		if (kill(getpid(), 0) != 0)
			return 1;
	}
	return 0;
}

static void test_notify__many_requests__all_served(void **state)
{
	(void)state;
	assert_int_equal(inside(flood, NULL, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify__outside__refused),
		cmocka_unit_test(
			test_notify__own_group_with_outsiders__refused),
		cmocka_unit_test(test_notify__inside__goes_through),
		cmocka_unit_test(
			test_notify__others_uid_inside__kernel_refuses),
		cmocka_unit_test(test_notify__pidfd_and_sigio__refused),
		cmocka_unit_test(test_notify__many_requests__all_served),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
