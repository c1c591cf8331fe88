/* SPDX-License-Identifier: MIT */
/*
 * The outbox at its limits, and when something breaks in the middle: a death,
 * a copy that is not what was copied.
 */
#include "tests/live/outbox_stage.h"

/* --- bounds ---------------------------------------------------------------- */

static void leave_seventeen(void)
{
	char name[16];

	for (int i = 0; i < 17; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put(name, "x");
	}
}

static void leave_ten_thousand(void)
{
	char name[16];

	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		MUST(symlink("x", name));
	}
}

static void leave_deep(void)
{
	MUST(mkdir("1", 0700));
	MUST(mkdir("1/2", 0700));
	MUST(mkdir("1/2/3", 0700));
	MUST(mkdir("1/2/3/4", 0700));
}

/* A hole of a terabyte takes nothing here and all of the host's disk. */
static void leave_hole(void)
{
	MUST(truncate((put("hole", "x"), "hole"), (off_t)1 << 40));
}

static void leave_two_large(void)
{
	MUST(truncate((put("h1", "x"), "h1"), 700000));
	MUST(truncate((put("h2", "x"), "h2"), 700000));
}

static void test_bounds__passed__nothing_is_taken(void **state)
{
	static const struct {
		void (*leave)(void);
		const char *says;
	} all[] = {
		{ leave_seventeen, "more than 16 files" },
		{ leave_ten_thousand, "more than 4096 entries" },
		{ leave_deep, "directories deeper than 3" },
		{ leave_hole, "more than 1048576 bytes with 'hole'" },
		{ leave_two_large, "more than 1048576 bytes with 'h" },
	};
	const struct bvh_outbox_limits l = limits();

	for (size_t i = 0; i < BV_LEN(all); i++) {
		struct bvh_outbox_list list;
		struct bvh_outbox_done done;
		struct bv_err err = { 0 };

		as_user(all[i].leave);
		assert_int_equal(take(BV_COMMIT_ATOMIC, &l, &list, &done, &err),
				 BV_E_LIMIT);
		if (strstr(err.msg, all[i].says) == NULL)
			fail_msg("'%s' is not '%s'", err.msg, all[i].says);
		assert_true(list.n <= BV_OUTPUTS_MAX);
		assert_int_equal(count(TARGET), 0);
		bvh_outbox_list_done(&list);
		clear(state);
		assert_int_equal(fresh(state), 0);
	}
}

/* The limits themselves are fine. */
static void leave_sixteen_deep(void)
{
	char name[32];

	MUST(mkdir("1", 0700));
	MUST(mkdir("1/2", 0700));
	MUST(mkdir("1/2/3", 0700));
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "1/2/3/f%d", i);
		put(name, "");
		MUST(truncate(name, 65536));
	}
}

static void test_bounds__reached__all_is_taken(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;
	struct bv_err err = { 0 };

	(void)state;
	as_user(leave_sixteen_deep);
	if (take(BV_COMMIT_ATOMIC, &l, &list, &done, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(list.bytes, 1u << 20);
	assert_int_equal(count(TARGET "/" ID "/1/2/3"), 16);
	bvh_outbox_list_done(&list);
}

/* A list of refused ones has an end as well, and says how many it left out. */
static void leave_many_links(void)
{
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		MUST(symlink("x", name));
	}
	put("last", "x");
}

static void test_bounds__refused_ones__counted(void **state)
{
	struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;

	(void)state;
	l.files_max = BV_OUTBOX_FILES_MAX;
	as_user(leave_many_links);
	assert_int_equal(bvh_outbox_collect(box_fd, &l, &list, NULL), BV_OK);
	assert_int_equal(list.files, 1);
	assert_int_equal(list.n, 33);
	assert_int_equal(list.unlisted, 1000 - 32);
	bvh_outbox_list_done(&list);
}

/* --- a crash in between ---------------------------------------------------- */

static void leave_one_large(void)
{
	put("big", "x");
	MUST(truncate("big", 1 << 20));
}

/* A signal in the middle of the copy, which SIGXFSZ sends reliably. */
static int commit_and_die(void *arg)
{
	const struct rlimit small = { 200000, 200000 };
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;

	(void)arg;
	if (setrlimit(RLIMIT_FSIZE, &small) != 0)
		return 1;
	return take(BV_COMMIT_DURABLE, &l, &list, &done, NULL) == BV_OK ? 0 : 2;
}

static void test_crash__in_the_copy__recognisable_and_hidden(void **state)
{
	struct stat st;

	(void)state;
	as_user(leave_one_large);
	assert_int_equal(live_child(commit_and_die, NULL),
			 LIVE_SIGNAL + SIGXFSZ);
	assert_int_equal(count(TARGET), 1);
	assert_int_equal(stat(TARGET "/" ID, &st), -1);
	/* Half a file, where root alone gets in. */
	assert_int_equal(stat(STAGE, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(stat(STAGE "/big", &st), 0);
	assert_true(st.st_size > 0 && st.st_size < 1 << 20);
}

/* Somebody spoils the copy while it is made, or a disk does: what is read back
 * is not what was copied, and it is not promoted. */
static pid_t start_spoiling(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned char c = 1;; c++) {
			int fd = open(STAGE "/big", O_WRONLY | O_CLOEXEC);

			if (fd < 0)
				continue;
			(void)!pwrite(fd, &c, 1, 0);
			close(fd);
		}
	}
	return pid;
}

static void test_readback__copy_spoilt__not_promoted(void **state)
{
	const struct bvh_outbox_limits l = limits();
	unsigned int caught = 0;
	pid_t pid;

	(void)state;
	as_user(leave_one_large);
	pid = start_spoiling();
	for (int i = 0; i < 2000 && caught == 0; i++) {
		struct bvh_outbox_list list;
		struct bvh_outbox_done done;
		struct bv_err err = { 0 };

		if (take(BV_COMMIT_ATOMIC, &l, &list, &done, &err) == BV_OK) {
			assert_int_equal(unlink(TARGET "/" ID "/big"), 0);
			assert_int_equal(rmdir(TARGET "/" ID), 0);
		} else {
			assert_non_null(strstr(err.msg, "the copy has digest"));
			assert_int_equal(count(TARGET), 0);
			caught++;
		}
		bvh_outbox_list_done(&list);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(caught, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bounds__passed__nothing_is_taken),
		TEST(test_bounds__reached__all_is_taken),
		TEST(test_bounds__refused_ones__counted),
		TEST(test_crash__in_the_copy__recognisable_and_hidden),
		TEST(test_readback__copy_spoilt__not_promoted),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
