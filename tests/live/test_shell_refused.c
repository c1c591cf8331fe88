/* SPDX-License-Identifier: MIT */
/*
 * bvisor-shell when nothing may be run: nobody to ask, not the one who may, or
 * a launch plan that is not what it should be. What it must not run leaves its
 * witness on the disk or in the status.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/shell_stage.h"

#include "helper/launch.h"

#include <sys/un.h>

/* --- nobody to ask --------------------------------------------------------- */

static void test_no_guardian__nothing_is_run(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	kill(guardian_of(&s.l), SIGKILL);
	eventually(guardians_are_gone());
	EXITED(session_run(&s, "echo ran"), 254);
	SAYS(&s, "does not answer");
	assert_null(strstr(s.out, "ran\n"));
	kill(s.l.pid, SIGKILL);
	leader_done(&s.l);
	munmap(s.errand, sizeof(*s.errand));
	free(s.out);
	/* The next one's guardian sweeps: leaf, state and socket. */
	swept_by_the_next(s.l.pid);
	assert_int_equal(count_dir("/run/bvisor/launch", ""), 0);
}

static int run_outside(uid_t uid, const char *procs)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		int fd = procs == NULL ? -1 : open(procs, O_WRONLY);

		if (procs != NULL && write(fd, "0", 1) != 1)
			_exit(70);
		close(fd);
		if (setgroups(0, NULL) != 0 ||
		    (uid != 0 && setresuid(uid, uid, uid) != 0))
			_exit(71);
		fd = open("/dev/null", O_RDWR);
		dup2(fd, 1);
		dup2(fd, 2);
		execl(SHELL, "bvisor-shell", "-c", "exit 0", (char *)NULL);
		_exit(72);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_no_session__nothing_is_run(void **state)
{
	(void)state;
	need_stage();
	EXITED(run_outside(UID_BASE + 4, NULL), 254);
}

/* Asks at the socket of a session as somebody, from somewhere. */
static uint32_t ask_as(uid_t uid, const char *id, const char *procs)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int said[2];
	uint32_t launch = 77;
	pid_t pid;

	snprintf(at.sun_path, sizeof(at.sun_path), BVH_LAUNCH_DIR "/%s", id);
	must(pipe(said) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		struct bvh_answer a = { .launch = 78 };
		int fd = procs == NULL ? -1 : open(procs, O_WRONLY);

		if (procs != NULL && write(fd, "0", 1) != 1)
			_exit(70);
		if (uid != 0 && setresuid(uid, uid, uid) != 0)
			_exit(71);
		fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
			(void)!recv(fd, &a, sizeof(a), 0);
		(void)!write(said[1], &a.launch, sizeof(a.launch));
		_exit(0);
	}
	close(said[1]);
	assert_int_equal(read(said[0], &launch, sizeof(launch)),
			 sizeof(launch));
	close(said[0]);
	waitpid(pid, NULL, 0);
	return launch;
}

static void test_foreign_uid_and_foreign_leaf__refused(void **state)
{
	char procs[2 * PATH_MAX];
	struct session s;
	const char *id;

	(void)state;
	need_stage();
	session_open(&s, "bvt-env");
	id = s.l.view->session;
	snprintf(procs, sizeof(procs), "%s/session-%s/cgroup.procs", env.base,
		 id);
	assert_int_equal(ask_as(uid_of("bvt-env"), id, procs), 1);
	assert_int_equal(ask_as(uid_of("bvt-env"), id, NULL), 0);
	/* Another user does not even get to ask. */
	assert_int_equal(ask_as(uid_of("bvt-fds"), id, procs), 78);
	assert_int_equal(ask_as(0, id, procs), 0);
	EXITED(run_outside(uid_of("bvt-fds"), procs), 254);
	session_end(&s);
}

/* --- a guardian that lies -------------------------------------------------- */

enum lie {
	HONEST_PLAN,
	OTHER_DIGEST,
	OTHER_PLAN,
	NO_SEALS,
	NO_PLAN,
	CUT
};

#define LIARS_ID "00000000000bad00"

static void answer_falsely(int sock, enum lie lie)
{
	struct bvh_answer a = { .magic = BVH_ANSWER_MAGIC, .launch = 1 };
	struct bv_launch *l = calloc(1, sizeof(*l));
	unsigned char bytes[1024];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &a, sizeof(a) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	char id[65];
	size_t len = 0;
	int fd = -1;

	memset(id, 'a', 64);
	id[64] = '\0';
	l->plan_id = id;
	l->schedule = id;
	l->shell = "/bin/true";
	assert_int_equal(bv_launch_encode(l, bytes, sizeof(bytes), &len, NULL),
			 BV_OK);
	bv_sha256_hex(bytes, len, a.sha256_hex);
	memcpy(a.plan_id, id, sizeof(id));
	a.len = (uint32_t)len;
	/* Of the schedule's name: nothing but the digest tells. */
	if (lie == OTHER_DIGEST)
		*(unsigned char *)memmem(bytes + 100, len - 100, id, 64) = 'b';
	if (lie == OTHER_PLAN)
		a.plan_id[0] = 'b';
	if (lie == CUT)
		iov.iov_len = sizeof(a) - 1;
	if (lie == NO_SEALS) {
		fd = memfd_create("unsealed", MFD_CLOEXEC);
		must(write(fd, bytes, len) == (ssize_t)len, "write");
	} else {
		assert_int_equal(bvh_launch_seal(bytes, len, &fd, NULL), BV_OK);
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (lie == NO_PLAN)
		msg.msg_controllen = 0;
	(void)!sendmsg(sock, &msg, 0);
	close(fd);
	free(l);
}

static int run_with_liar(int listener, const char *procs, enum lie lie)
{
	pid_t pid = fork();
	int status = -1;
	int sock;

	if (pid == 0)
		_exit(WEXITSTATUS(run_outside(UID_BASE + 4, procs)));
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	answer_falsely(sock, lie);
	close(sock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_tampered_launch_plan__refused(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char leaf[PATH_MAX + 128];
	char procs[PATH_MAX + 192];
	int fd;

	(void)state;
	need_stage();
	snprintf(at.sun_path, sizeof(at.sun_path), BVH_LAUNCH_DIR "/" LIARS_ID);
	snprintf(leaf, sizeof(leaf), "%s/session-" LIARS_ID, env.base);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", leaf);
	must(mkdir(leaf, 0755) == 0, leaf);
	(void)mkdir(BVH_LAUNCH_RUN, 0755);
	(void)mkdir(BVH_LAUNCH_DIR, 0711);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		     chmod(at.sun_path, 0666) == 0 && listen(fd, 4) == 0,
	     at.sun_path);
	/* /bin/true runs when nothing is wrong with it. */
	EXITED(run_with_liar(fd, procs, HONEST_PLAN), 0);
	for (unsigned int lie = OTHER_DIGEST; lie <= CUT; lie++)
		EXITED(run_with_liar(fd, procs, (enum lie)lie), 254);
	close(fd);
	unlink(at.sun_path);
	eventually(rmdir(leaf) == 0 || errno == ENOENT);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_guardian__nothing_is_run),
		TEST(test_no_session__nothing_is_run),
		TEST(test_foreign_uid_and_foreign_leaf__refused),
		TEST(test_tampered_launch_plan__refused),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
