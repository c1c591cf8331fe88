/* SPDX-License-Identifier: MIT */
/*
 * The node of a user above the leaves, in the kernel: made by many at once,
 * gone when nobody needs it, found by the sweep. Where cgroup v2 has the pids
 * controller, its limit and the reserve as well.
 */
#include "tests/live/live_cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/session.h"
#include "helper/sweep.h"
#include "helper/usernode.h"

#define MANY   6
#define ROUNDS 40

static const struct bvh_leaf_limits none = { .has_pids = false };

static bool there(const char *base, const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	return access(path, F_OK) == 0;
}

/* A session's way through its node, without a process in it. */
static bool once(const struct bvh_cgroup_base *base, const char *leaf_name)
{
	struct bv_err err = { 0 };
	struct bvh_leaf leaf;
	int fd = -1;

	if (bvh_user_node_open(base, "user-64900", &none, &fd, &err) != BV_OK ||
	    bvh_user_leaf_create(base, "user-64900", &none, &fd, leaf_name,
				 &leaf, &err) != BV_OK ||
	    bvh_leaf_remove(&leaf, &err) != BV_OK) {
		fprintf(stderr, "%s: %s\n", leaf_name, err.msg);
		return false;
	}
	bvh_leaf_done(&leaf);
	bvh_close(&fd);
	bvh_user_node_remove(base->fd, "user-64900");
	return true;
}

static void test_node__leaf_below_it__and_both_gone(void **state)
{
	struct bvh_cgroup_base base;
	struct bvh_leaf leaf;
	char path[PATH_MAX], line[PATH_MAX];
	int fd = -1;
	pid_t pid;

	(void)state;
	live_base_path(path, sizeof(path), "node");
	live_base_open(path, &base);
	assert_int_equal(
		bvh_user_node_open(&base, "user-64900", &none, &fd, NULL),
		BV_OK);
	assert_int_equal(bvh_user_leaf_create(&base, "user-64900", &none, &fd,
					      "session-a", &leaf, NULL),
			 BV_OK);
	assert_true(there(path, "user-64900/session-a"));
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_int_equal(bvh_leaf_add(&leaf, pid, NULL), BV_OK);
	live_cgroup_line(pid, line, sizeof(line));
	assert_non_null(strstr(line, "/user-64900/session-a"));
	assert_true(bvh_leaf_holds(&leaf, pid));
	/* Somebody lives there: another guardian's rmdir does no harm. */
	bvh_user_node_remove(base.fd, "user-64900");
	assert_true(there(path, "user-64900/session-a"));
	assert_int_equal(bvh_leaf_kill(&leaf, NULL), BV_OK);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	waitpid(pid, NULL, 0);
	assert_int_equal(bvh_leaf_remove(&leaf, NULL), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_close(&fd);
	bvh_user_node_remove(base.fd, "user-64900");
	assert_false(there(path, "user-64900"));
	bvh_cgroup_base_done(&base);
	live_base_remove(path);
}

/* The node goes away between its opening and the leaf's mkdir. */
static void test_node__removed_under_us__made_again(void **state)
{
	struct bvh_cgroup_base base;
	struct bvh_leaf leaf;
	char path[PATH_MAX];
	int fd = -1;

	(void)state;
	live_base_path(path, sizeof(path), "again");
	live_base_open(path, &base);
	assert_int_equal(
		bvh_user_node_open(&base, "user-64900", &none, &fd, NULL),
		BV_OK);
	bvh_user_node_remove(base.fd, "user-64900");
	assert_false(there(path, "user-64900"));
	assert_int_equal(bvh_user_leaf_create(&base, "user-64900", &none, &fd,
					      "session-b", &leaf, NULL),
			 BV_OK);
	assert_true(there(path, "user-64900/session-b"));
	assert_int_equal(bvh_leaf_remove(&leaf, NULL), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_close(&fd);
	bvh_user_node_remove(base.fd, "user-64900");
	bvh_cgroup_base_done(&base);
	live_base_remove(path);
}

static void test_node__many_at_once__none_fails_none_stays(void **state)
{
	struct bvh_cgroup_base base;
	char path[PATH_MAX];
	pid_t pid[MANY];

	(void)state;
	live_base_path(path, sizeof(path), "many");
	live_base_open(path, &base);
	for (int i = 0; i < MANY; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			char name[32];
			bool fine = true;

			snprintf(name, sizeof(name), "session-%d", i);
			for (int r = 0; r < ROUNDS && fine; r++)
				fine = once(&base, name);
			_exit(fine ? 0 : 1);
		}
	}
	for (int i = 0; i < MANY; i++) {
		int status = -1;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_false(there(path, "user-64900"));
	bvh_cgroup_base_done(&base);
	live_base_remove(path);
}

/* A session whose guardian and leader are gone, in a node. */
static void test_sweep__leaf_in_a_node__and_the_node(void **state)
{
	struct bvh_session_state s = { .leader_pid = 1, .guardian_pid = 1 };
	char path[PATH_MAX], run[] = "/tmp/bv-usernode.XXXXXX";
	char file[PATH_MAX];
	struct bvh_cgroup_base base;
	struct bvh_leaf leaf;
	struct bv_err err = { 0 };
	uint64_t swept = 0;
	int fd = -1;
	pid_t pid;

	(void)state;
	live_base_path(path, sizeof(path), "sweep");
	live_base_open(path, &base);
	assert_non_null(mkdtemp(run));
	assert_int_equal(chmod(run, 0755), 0);
	assert_int_equal(
		bvh_user_node_open(&base, "user-64900", &none, &fd, NULL),
		BV_OK);
	assert_int_equal(bvh_user_leaf_create(&base, "user-64900", &none, &fd,
					      "session-0123456789abcdef", &leaf,
					      NULL),
			 BV_OK);
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_int_equal(bvh_leaf_add(&leaf, pid, NULL), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_close(&fd);
	snprintf(s.id, sizeof(s.id), "0123456789abcdef");
	snprintf(s.leaf, sizeof(s.leaf), "%.3000s/user-64900/session-%s", path,
		 s.id);
	if (bvh_session_write(run, &s, &err) != BV_OK)
		fail_msg("%s", err.msg);
	if (bvh_sweep_leaf(s.leaf, &swept, &err) != BV_OK ||
	    bvh_sweep_files(run, s.id, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(there(path, "user-64900"));
	snprintf(file, sizeof(file), "%s/sessions/%s.json", run, s.id);
	assert_int_not_equal(access(file, F_OK), 0);
	/* Nor does an empty node that nobody remembers stay. */
	assert_int_equal(mkdirat(base.fd, "user-7", 0755), 0);
	assert_int_equal(mkdirat(base.fd, "user-7.slice", 0755), 0);
	bvh_sweep_ownerless(&base, NULL, 0);
	assert_false(there(path, "user-7"));
	assert_true(there(path, "user-7.slice"));
	assert_int_equal(unlinkat(base.fd, "user-7.slice", AT_REMOVEDIR), 0);
	snprintf(file, sizeof(file), "%s/sessions", run);
	(void)rmdir(file);
	snprintf(file, sizeof(file), "%s/swept", run);
	(void)unlink(file);
	assert_int_equal(rmdir(run), 0);
	bvh_cgroup_base_done(&base);
	live_base_remove(path);
}

static void test_node__full__the_next_goes_to_the_reserve(void **state)
{
	const struct bvh_leaf_limits limits = { .has_pids = true,
						.pids_max = 10 };
	char path[PATH_MAX], name[BVH_USER_NODE_MAX], text[32];
	struct bvh_cgroup_base base;
	struct bvh_leaf leaf;
	int fd = -1;
	pid_t pid[4];

	(void)state;
	live_base_path(path, sizeof(path), "full");
	live_base_open(path, &base);
	if (!base.pids) {
		bvh_cgroup_base_done(&base);
		live_base_remove(path);
		LIVE_NEED(false, "the pids controller in cgroup v2");
	}
	bvh_user_node_choose(&base, 64900, &limits, name);
	assert_string_equal(name, "user-64900");
	assert_int_equal(bvh_user_node_open(&base, name, &limits, &fd, NULL),
			 BV_OK);
	assert_int_equal(bvh_user_leaf_create(&base, name, &limits, &fd,
					      "session-c", &leaf, NULL),
			 BV_OK);
	for (size_t i = 0; i < BV_LEN(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			for (;;)
				pause();
		}
		assert_int_equal(bvh_leaf_add(&leaf, pid[i], NULL), BV_OK);
	}
	bvh_user_node_choose(&base, 64900, &limits, name);
	assert_string_equal(name, "user-64900-reserve");
	assert_int_equal(bvh_leaf_kill(&leaf, NULL), BV_OK);
	assert_true(bvh_leaf_drain(&leaf, 30000));
	for (size_t i = 0; i < BV_LEN(pid); i++)
		waitpid(pid[i], NULL, 0);
	assert_int_equal(bvh_leaf_remove(&leaf, NULL), BV_OK);
	bvh_leaf_done(&leaf);
	bvh_close(&fd);
	bvh_user_node_remove(base.fd, "user-64900");
	assert_int_equal(bvh_user_node_open(&base, name, &limits, &fd, NULL),
			 BV_OK);
	assert_true(pread(openat(fd, "pids.max", O_RDONLY), text, 3, 0) == 3);
	assert_memory_equal(text, "16\n", 3);
	bvh_close(&fd);
	bvh_user_node_remove(base.fd, name);
	bvh_cgroup_base_done(&base);
	live_base_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node__leaf_below_it__and_both_gone),
		cmocka_unit_test(test_node__removed_under_us__made_again),
		cmocka_unit_test(
			test_node__many_at_once__none_fails_none_stays),
		cmocka_unit_test(test_sweep__leaf_in_a_node__and_the_node),
		cmocka_unit_test(test_node__full__the_next_goes_to_the_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
