/* SPDX-License-Identifier: MIT */
/*
 * Base and leaf on this kernel's cgroup v2, whatever controllers it has. The
 * witness is the cgroup file system itself and /proc.
 */
#include "tests/live/live_cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "helper/fd.h"

static char base_path[PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	live_base_path(base_path, sizeof(base_path), "cgroup");
	return 0;
}

static bool exists(const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", base_path, name);
	return access(path, F_OK) == 0;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static const struct bvh_leaf_limits no_limits;

/* A base of our own, and a leaf without limits in it. */
static void begin(const char *name, struct bvh_cgroup_base *base,
		  struct bvh_leaf *leaf)
{
	struct bv_err err = { 0 };

	live_base_open(base_path, base);
	assert_int_equal(bvh_leaf_create(base, name, &no_limits, leaf, &err),
			 BV_OK);
}

/* leaf: NULL when none is left. */
static void finish(struct bvh_cgroup_base *base, struct bvh_leaf *leaf)
{
	struct bv_err err = { 0 };

	if (leaf != NULL) {
		assert_int_equal(bvh_leaf_remove(leaf, &err), BV_OK);
		bvh_leaf_done(leaf);
	}
	bvh_cgroup_base_done(base);
	live_base_remove(base_path);
}

static void put_down(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* No leaf with a limit that cannot be set, and the file's name in the error. */
static void assert_not_made(struct bvh_cgroup_base *base, const char *name,
			    const struct bvh_leaf_limits *limits,
			    const char *file)
{
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;

	assert_int_equal(bvh_leaf_create(base, name, limits, &leaf, &err),
			 BV_E_UNSUPPORTED);
	assert_non_null(strstr(err.msg, file));
	assert_false(exists(name));
}

static void test_base__configured__made_and_probed(void **state)
{
	struct bvh_cgroup_base base;

	(void)state;
	live_base_open(base_path, &base);
	assert_string_equal(base.path, base_path);
	assert_true(exists(BVH_GUARDIANS_DIR));
	assert_int_equal(base.kill, exists(BVH_GUARDIANS_DIR "/cgroup.kill"));
	assert_int_equal(base.pids, exists(BVH_GUARDIANS_DIR "/pids.max"));
	assert_int_equal(base.memory, exists(BVH_GUARDIANS_DIR "/memory.max"));
	finish(&base, NULL);
}

static void test_base__no_cgroup_directory__none_and_why(void **state)
{
	char none[64], below[80];
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };

	(void)state;
	/* A name that nobody else has left there. */
	snprintf(none, sizeof(none), "/var/tmp/bv-no-%d", (int)getpid());
	snprintf(below, sizeof(below), "%s/such", none);
	assert_int_equal(bvh_cgroup_base_find("/var/tmp", &base, &err), BV_OK);
	assert_int_equal(base.source, BVH_BASE_NONE);
	assert_int_equal(base.fd, -1);
	assert_non_null(strstr(base.why, "/var/tmp"));
	assert_int_equal(bvh_cgroup_base_find(below, &base, &err), BV_OK);
	assert_int_equal(base.source, BVH_BASE_NONE);
	assert_int_equal(bvh_cgroup_base_find(none, &base, &err), BV_OK);
	assert_int_equal(base.source, BVH_BASE_NONE);
	assert_int_equal(access(none, F_OK), -1);
}

static int find_default(void *arg)
{
	struct bvh_cgroup_base base;

	(void)arg;
	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	if (bvh_cgroup_base_find(NULL, &base, NULL) != BV_OK)
		return 2;
	return base.source == BVH_BASE_NONE && base.why[0] != '\0' ? 0 : 3;
}

static void test_base__user_without_delegation__none_and_why(void **state)
{
	(void)state;
	assert_int_equal(live_child(find_default, NULL), 0);
}

static void test_base__many_at_once__all_find_it(void **state)
{
	pid_t pid[12];

	(void)state;
	for (size_t i = 0; i < BV_LEN(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			struct bvh_cgroup_base base;
			int rc = bvh_cgroup_base_find(base_path, &base, NULL);

			_exit(rc == BV_OK && base.source == BVH_BASE_CONFIGURED
				      ? 0
				      : 1);
		}
	}
	for (size_t i = 0; i < BV_LEN(pid); i++) {
		int status = -1;

		waitpid(pid[i], &status, 0);
		assert_int_equal(status, 0);
	}
	live_base_remove(base_path);
}

static void test_leaf__whole_life__nothing_left(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	char path[PATH_MAX];
	struct bvh_leaf leaf;
	pid_t pid, outside;
	int status = 0;

	(void)state;
	begin("session-0a", &base, &leaf);
	LIVE_NEED(base.kill, "cgroup.kill");
	pid = sleeper();
	outside = sleeper();
	assert_false(bvh_leaf_holds(&leaf, pid));
	assert_int_equal(bvh_leaf_add(&leaf, pid, &err), BV_OK);
	live_cgroup_line(pid, path, sizeof(path));
	assert_non_null(strstr(path, "/session-0a"));
	assert_true(bvh_leaf_holds(&leaf, pid));
	assert_false(bvh_leaf_holds(&leaf, outside));
	assert_false(bvh_leaf_drain(&leaf, 20));
	assert_int_equal(bvh_leaf_kill(&leaf, &err), BV_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
	assert_false(exists("session-0a"));
	assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK); /* again */
	bvh_leaf_done(&leaf);
	assert_int_equal(kill(outside, 0), 0); /* others are left alone */
	put_down(outside);
	finish(&base, NULL);
}

static void test_leaf__cgroups_inside__removed_too(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;
	pid_t pid;

	(void)state;
	begin("session-0b", &base, &leaf);
	assert_int_equal(mkdirat(leaf.fd, "a", 0755), 0);
	assert_int_equal(mkdirat(leaf.fd, "a/b", 0755), 0);
	assert_int_equal(mkdirat(leaf.fd, "a/c", 0755), 0);
	assert_int_equal(mkdirat(leaf.fd, "d", 0755), 0);
	pid = sleeper();
	{
		char text[16];
		int fd = openat(leaf.fd, "a/b/cgroup.procs",
				O_WRONLY | O_CLOEXEC);

		snprintf(text, sizeof(text), "%d", pid);
		assert_int_equal(write(fd, text, strlen(text)),
				 (ssize_t)strlen(text));
		close(fd);
	}
	assert_true(bvh_leaf_holds(&leaf, pid)); /* deeper down is inside */
	assert_int_not_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
	assert_int_equal(err.sys_errno, EBUSY);
	assert_true(exists("session-0b"));
	put_down(pid);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
	assert_false(exists("session-0b"));
	bvh_leaf_done(&leaf);
	finish(&base, NULL);
}

static void test_leaf__same_tail_elsewhere__not_held(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf leaf, other;
	pid_t pid;

	(void)state;
	begin("session-0c", &base, &leaf);
	assert_int_equal(bvh_leaf_create(&base, "x", &no_limits, &other, &err),
			 BV_OK);
	assert_int_equal(mkdirat(other.fd, "session-0c", 0755), 0);
	{
		struct bvh_leaf fake = { .base_fd = other.fd,
					 .name = "session-0c" };

		fake.fd = openat(other.fd, "session-0c",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		pid = sleeper();
		assert_int_equal(bvh_leaf_add(&fake, pid, &err), BV_OK);
		assert_true(bvh_leaf_holds(&fake, pid));
		assert_false(bvh_leaf_holds(&leaf, pid));
		bvh_leaf_done(&fake);
	}
	put_down(pid);
	assert_true(bvh_leaf_drain(&other, 30000));
	assert_int_equal(bvh_leaf_remove(&other, &err), BV_OK);
	assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_leaf_done(&other);
	finish(&base, NULL);
}

/* A limit that cannot be set is an error and leaves no leaf, or it holds. */
static void test_leaf__cpu_rate__error_or_written(void **state)
{
	const struct bvh_leaf_limits limits = { .cpu_rate_percent = 20 };
	char path[2 * PATH_MAX], text[64] = "";
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;
	FILE *f;

	(void)state;
	live_base_open(base_path, &base);
	if (!base.cpu) {
		assert_not_made(&base, "session-0c", &limits, "cpu.max");
	} else {
		assert_int_equal(bvh_leaf_create(&base, "session-0c", &limits,
						 &leaf, &err),
				 BV_OK);
		snprintf(path, sizeof(path), "%s/session-0c/cpu.max",
			 base_path);
		f = fopen(path, "re");
		assert_non_null(f);
		assert_non_null(fgets(text, sizeof(text), f));
		fclose(f);
		assert_string_equal(text, "20000 100000\n");
		assert_int_equal(bvh_leaf_remove(&leaf, &err), BV_OK);
		bvh_leaf_done(&leaf);
	}
	finish(&base, NULL);
}

static void test_leaf__pids_limit__error_or_enforced(void **state)
{
	const struct bvh_leaf_limits limits = { .has_pids = true,
						.pids_max = 3 };
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf_stats stats;
	struct bvh_leaf leaf;
	int status = 0;
	pid_t pid;

	(void)state;
	live_base_open(base_path, &base);
	if (!base.pids) {
		assert_not_made(&base, "session-0d", &limits, "pids.max");
		bvh_cgroup_base_done(&base);
		live_base_remove(base_path);
		LIVE_NEED(base.pids, "the v2 pids controller (limit refused "
				     "as it must be; enforcement not seen)");
	}
	assert_int_equal(
		bvh_leaf_create(&base, "session-0d", &limits, &leaf, &err),
		BV_OK);
	pid = fork();
	if (pid == 0) {
		int n = 0;

		if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
			_exit(200);
		while (n < 20) {
			pid_t p = fork();

			if (p < 0)
				_exit(n);
			if (p == 0) {
				pause();
				_exit(0);
			}
			n++;
		}
		_exit(201);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 2); /* itself and two more */
	bvh_leaf_read_stats(&leaf, &stats);
	assert_true(stats.has_pids_events && stats.pids_events_max >= 1);
	if (base.pids_peak) {
		assert_true(stats.has_pids_peak);
		assert_int_equal(stats.pids_peak, 3);
	}
	assert_int_equal(bvh_leaf_kill(&leaf, &err), BV_OK);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	finish(&base, &leaf);
}

static void test_leaf__memory_limit__error_or_enforced(void **state)
{
	const struct bvh_leaf_limits limits = { .has_memory = true,
						.mem_max_bytes = 16u << 20 };
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf_stats stats;
	struct bvh_leaf leaf;
	int status = 0;
	pid_t pid;

	(void)state;
	live_base_open(base_path, &base);
	if (!base.memory) {
		assert_not_made(&base, "session-0e", &limits, "memory.max");
		bvh_cgroup_base_done(&base);
		live_base_remove(base_path);
		LIVE_NEED(base.memory, "the v2 memory controller (limit "
				       "refused as it must be; enforcement "
				       "not seen)");
	}
	assert_int_equal(
		bvh_leaf_create(&base, "session-0e", &limits, &leaf, &err),
		BV_OK);
	pid = fork();
	if (pid == 0) {
		volatile char *p;

		if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
			_exit(200);
		p = malloc(64u << 20);
		for (size_t i = 0; p != NULL && i < 64u << 20; i += 4096)
			p[i] = 1;
		_exit(201);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	bvh_leaf_read_stats(&leaf, &stats);
	assert_true(stats.has_memory_events && stats.memory_oom_kills >= 1);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	finish(&base, &leaf);
}

static void test_leaf__bad_or_taken_name__refused(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_err err = { 0 };
	struct bvh_leaf leaf, second;

	(void)state;
	live_base_open(base_path, &base);
	assert_int_equal(
		bvh_leaf_create(&base, "../x", &no_limits, &leaf, &err),
		BV_E_INVAL);
	assert_int_equal(bvh_leaf_create(&base, "", &no_limits, &leaf, &err),
			 BV_E_INVAL);
	assert_int_equal(
		bvh_leaf_create(&base, "session-0f", &no_limits, &leaf, &err),
		BV_OK);
	assert_int_equal(
		bvh_leaf_create(&base, "session-0f", &no_limits, &second, &err),
		BV_E_SYS);
	assert_int_equal(err.sys_errno, EEXIST);
	assert_true(exists("session-0f")); /* the first one's */
	finish(&base, &leaf);
}

static void test_return__home_and_home_gone(void **state)
{
	struct bvh_cgroup_base base;
	char home[PATH_MAX], now[PATH_MAX];
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;
	pid_t pid;

	(void)state;
	begin("session-10", &base, &leaf);
	pid = sleeper();
	assert_int_equal(bvh_cgroup_of(pid, home, sizeof(home), &err), BV_OK);
	live_cgroup_line(pid, now, sizeof(now));
	assert_string_equal(home, now);
	assert_int_equal(bvh_leaf_add(&leaf, pid, &err), BV_OK);
	assert_int_equal(bvh_cgroup_return(&base, home, pid, &err), BV_OK);
	live_cgroup_line(pid, now, sizeof(now));
	assert_string_equal(home, now);
	assert_int_equal(bvh_leaf_add(&leaf, pid, &err), BV_OK);
	assert_int_equal(bvh_cgroup_return(&base, "/bv-gone/x", pid, &err),
			 BV_OK);
	live_cgroup_line(pid, now, sizeof(now));
	assert_non_null(strstr(now, "/" BVH_GUARDIANS_DIR));
	put_down(pid);
	/* the dead need no home */
	assert_int_equal(bvh_cgroup_return(&base, home, pid, &err), BV_OK);
	finish(&base, &leaf);
}

static int join_as_user(void *arg)
{
	const char *procs = arg;
	int fd;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 250;
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? errno : LIVE_ERRNO(write(fd, "0", 1));
}

static void test_leaf__user__cannot_write_cgroup_procs(void **state)
{
	struct bvh_cgroup_base base;
	char procs[PATH_MAX + 64];
	struct bvh_leaf leaf;

	(void)state;
	begin("session-11", &base, &leaf);
	snprintf(procs, sizeof(procs), "%s/session-11/cgroup.procs", base_path);
	assert_int_equal(live_child(join_as_user, procs), EACCES);
	snprintf(procs, sizeof(procs), "%s/guardians/cgroup.procs", base_path);
	assert_int_equal(live_child(join_as_user, procs), EACCES);
	finish(&base, &leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base__configured__made_and_probed),
		cmocka_unit_test(test_base__no_cgroup_directory__none_and_why),
		cmocka_unit_test(
			test_base__user_without_delegation__none_and_why),
		cmocka_unit_test(test_base__many_at_once__all_find_it),
		cmocka_unit_test(test_leaf__whole_life__nothing_left),
		cmocka_unit_test(test_leaf__cgroups_inside__removed_too),
		cmocka_unit_test(test_leaf__same_tail_elsewhere__not_held),
		cmocka_unit_test(test_leaf__cpu_rate__error_or_written),
		cmocka_unit_test(test_leaf__pids_limit__error_or_enforced),
		cmocka_unit_test(test_leaf__memory_limit__error_or_enforced),
		cmocka_unit_test(test_leaf__bad_or_taken_name__refused),
		cmocka_unit_test(test_return__home_and_home_gone),
		cmocka_unit_test(test_leaf__user__cannot_write_cgroup_procs),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
