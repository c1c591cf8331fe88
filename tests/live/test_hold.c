/* SPDX-License-Identifier: MIT */
/* The holder: it says when it is ready, sits in a cgroup of its own, has
 * cleaned up after the dead, and ends when told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper/session.h"
#include "tests/live/guard_stage.h"

#include <poll.h>
#include <sys/un.h>

#define NOTIFY "/run/notify"

static int notify_socket(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = NOTIFY };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)unlink(NOTIFY);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static pid_t start_holder(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setenv("NOTIFY_SOCKET", NOTIFY, 1);
		execl(env.helper, "bvisor-helper", "hold", (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void await_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[64] = "";

	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "READY=1");
}

static void end_holder(pid_t pid)
{
	char path[2 * PATH_MAX];
	int status = -1;

	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	snprintf(path, sizeof(path), "%s/holder", env.base);
	eventually(rmdir(path) == 0 || errno == ENOENT);
}

static void test_hold__ready_in_its_own_cgroup(void **state)
{
	char cgroup[PATH_MAX];
	pid_t pid;
	int fd;

	(void)state;
	need_stage();
	fd = notify_socket();
	pid = start_holder();
	await_ready(fd);
	cgroup_of(pid, cgroup);
	assert_true(strlen(cgroup) > 7);
	assert_string_equal(cgroup + strlen(cgroup) - 7, "/holder");
	end_holder(pid);
	close(fd);
}

/* A session whose leader and guardian are long gone, with a process in it. */
static pid_t plant_orphan(const char *id, pid_t leader, uint64_t start_time)
{
	struct bvh_session_state s = {
		.user = "bvt-alice",
		.policy = "alice",
		.service = "sshd",
		.leader_pid = leader,
		.leader_start = start_time,
		.guardian_pid = 1, /* lives, but started at another time */
		.guardian_start = 1,
		.opened_unix_us = 1,
	};
	char path[sizeof(s.leaf) + 32];
	pid_t pid;

	snprintf(s.id, sizeof(s.id), "%s", id);
	snprintf(s.leaf, sizeof(s.leaf), "%.4000s/session-%s", env.base, id);
	assert_int_equal(mkdir(s.leaf, 0755), 0);
	assert_int_equal(bvh_session_write(RUN_DIR, &s, NULL), BV_OK);
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	snprintf(path, sizeof(path), "%s/cgroup.procs", s.leaf);
	snprintf(s.user, sizeof(s.user), "%d", (int)pid);
	append_file(path, s.user);
	return pid;
}

static void test_hold__sweeps_the_dead_and_spares_the_living(void **state)
{
	char leaf[PATH_MAX + 128];
	uint64_t own_start = 0;
	pid_t dead;
	pid_t living;
	pid_t pid;
	int fd;

	(void)state;
	need_stage();
	assert_int_equal(bvh_proc_start(getpid(), &own_start, NULL), BV_OK);
	dead = plant_orphan("00000000000000aa", 1, 2);
	living = plant_orphan("00000000000000bb", getpid(), own_start);
	fd = notify_socket();
	pid = start_holder();
	await_ready(fd);
	assert_true(is_dead(dead));
	assert_false(is_dead(living));
	assert_false(exists("session-", env.base, "00000000000000aa"));
	assert_true(exists("session-", env.base, "00000000000000bb"));
	assert_false(exists("", RUN_DIR "/sessions", "00000000000000aa.json"));
	assert_true(exists("", RUN_DIR "/sessions", "00000000000000bb.json"));
	end_holder(pid);
	close(fd);
	waitpid(dead, NULL, 0);
	kill(living, SIGKILL);
	waitpid(living, NULL, 0);
	assert_int_equal(bvh_session_remove(RUN_DIR, "00000000000000bb", NULL),
			 BV_OK);
	snprintf(leaf, sizeof(leaf), "%s/session-00000000000000bb", env.base);
	eventually(rmdir(leaf) == 0 || errno == ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold__ready_in_its_own_cgroup),
		cmocka_unit_test(
			test_hold__sweeps_the_dead_and_spares_the_living),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
