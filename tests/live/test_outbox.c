/* SPDX-License-Identifier: MIT */
/*
 * The outbox on a real tmpfs, filled by a user who means harm, and promoted to
 * a real directory. Witness is the disk: what stands at the target afterwards.
 */
#include "tests/live/outbox_stage.h"

/* --- promotion ------------------------------------------------------------- */

static void test_commit__each_kind__whole_tree_with_digests(void **state)
{
	static const struct {
		enum bv_commit commit;
		size_t synced; /* 2 files, d, d/e twice, stage, target */
	} all[] = {
		{ BV_COMMIT_ATOMIC, 0 },
		{ BV_COMMIT_DURABLE, 6 },
		{ BV_COMMIT_BEST_EFFORT, 6 },
	};
	const struct bvh_outbox_limits l = limits();

	as_user(leave_two);
	for (size_t i = 0; i < BV_LEN(all); i++) {
		struct bvh_outbox_list list;
		struct bvh_outbox_done done;
		struct bv_err err = { 0 };
		char want[65];

		if (take(all[i].commit, &l, &list, &done, &err) != BV_OK)
			fail_msg("%s", err.msg);
		assert_int_equal(list.files, 2);
		assert_int_equal(list.bytes, 9);
		assert_int_equal(done.synced, all[i].synced);
		assert_int_equal(done.unsynced, 0);
		assert_true(done.published);
		assert_string_equal(list.v[0].name, "a");
		bv_sha256_hex("alpha", 5, want);
		assert_string_equal(list.v[0].sha256, want);
		bv_sha256_hex("beta", 4, want);
		assert_string_equal(list.v[1].sha256, want);
		assert_file(TARGET "/" ID "/a", "alpha", 0, 0640);
		assert_file(TARGET "/" ID "/d/e/b", "beta", 0, 0640);
		assert_int_equal(count(TARGET), 1);
		assert_int_equal(count(TARGET "/" ID), 2); /* no "empty" */
		bvh_outbox_list_done(&list);
		clear(state);
		assert_int_equal(fresh(state), 0);
		as_user(leave_two);
	}
}

static void test_commit__owner_user__files_and_directories(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_sink s = sink(BV_COMMIT_ATOMIC);
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;
	struct stat st;

	(void)state;
	s.uid = UID;
	s.gid = UID;
	s.mode = 0604;
	as_user(leave_two);
	assert_int_equal(bvh_outbox_collect(box_fd, &l, &list, NULL), BV_OK);
	assert_int_equal(bvh_outbox_commit(box_fd, &l, &s, &list, &done, NULL),
			 BV_OK);
	assert_file(TARGET "/" ID "/d/e/b", "beta", UID, 0604);
	assert_int_equal(stat(TARGET "/" ID "/d/e", &st), 0);
	assert_int_equal(st.st_uid, UID);
	assert_int_equal(st.st_mode & 07777, 0705);
	bvh_outbox_list_done(&list);
}

/* What is there already is not replaced, and nothing is left beside it. */
static void test_commit__name_taken__nothing_moves(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;
	struct bv_err err = { 0 };

	(void)state;
	as_user(leave_two);
	assert_int_equal(mkdir(TARGET "/" ID, 0700), 0);
	assert_int_not_equal(take(BV_COMMIT_DURABLE, &l, &list, &done, &err),
			     BV_OK);
	assert_int_equal(err.sys_errno, EEXIST);
	assert_false(done.published);
	assert_int_equal(count(TARGET), 1);
	assert_int_equal(count(TARGET "/" ID), 0);
	bvh_outbox_list_done(&list);
}

/* No room at the target: all or nothing. */
static void test_commit__target_full__nothing_left(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;
	struct bv_err err = { 0 };

	(void)state;
	as_user(leave_two);
	/* Room for the stage, a, d and d/e; not for d/e/b. */
	assert_int_equal(mount("none", TARGET, NULL, MS_REMOUNT, "nr_inodes=5"),
			 0);
	assert_int_not_equal(take(BV_COMMIT_ATOMIC, &l, &list, &done, &err),
			     BV_OK);
	assert_int_equal(err.sys_errno, ENOSPC);
	assert_int_equal(count(TARGET), 0);
	bvh_outbox_list_done(&list);
}

/* --- attacks --------------------------------------------------------------- */

static void leave_traps(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	put("fine", "fine");
	MUST(symlink(ROOT "/secret", "link"));
	MUST(symlink("/", "root"));
	MUST(symlink("fine", "inner"));
	MUST(mkfifo("fifo", 0600));
	MUST(fd < 0);
	MUST(bind(fd, (struct sockaddr *)&un, sizeof(un)));
	put("two", "names");
	MUST(link("two", "names"));
	put("bad\nname", "x");
	put("\xff", "x");
}

static void test_attack__traps__left_and_named(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;
	struct bvh_outbox_done done;
	struct bv_err err = { 0 };
	int fd;

	(void)state;
	as_user(leave_traps);
	/* Root's file in the box: somebody else's, whoever may read it. */
	fd = openat(box_fd, "roots", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	alarm(120); /* a FIFO that is opened blocking would end the test */
	if (take(BV_COMMIT_ATOMIC, &l, &list, &done, &err) != BV_OK)
		fail_msg("%s", err.msg);
	alarm(0);
	assert_int_equal(list.files, 1);
	assert_not_listed(&list, "link", "symbolic link");
	assert_not_listed(&list, "root", "symbolic link");
	assert_not_listed(&list, "inner", "symbolic link");
	assert_not_listed(&list, "fifo", "fifo");
	assert_not_listed(&list, "sock", "socket");
	assert_not_listed(&list, "two", "has more than one name");
	assert_not_listed(&list, "names", "has more than one name");
	assert_not_listed(&list, "roots", "belongs to another user");
	assert_not_listed(&list, "bad\nname", "name is no text");
	assert_not_listed(&list, "\xff", "name is no text");
	assert_int_equal(count(TARGET "/" ID), 1);
	assert_file(TARGET "/" ID "/fine", "fine", 0, 0640);
	bvh_outbox_list_done(&list);
}

/* Something mounted inside is another file system, and stays out. */
static void test_attack__mount_inside__not_entered(void **state)
{
	const struct bvh_outbox_limits l = limits();
	struct bvh_outbox_list list;

	(void)state;
	as_user(leave_two);
	assert_int_equal(mount("x", BOX "/empty", "tmpfs", 0, ""), 0);
	assert_int_equal(chown(BOX "/empty", UID, UID), 0);
	assert_int_equal(bvh_outbox_collect(box_fd, &l, &list, NULL), BV_OK);
	assert_not_listed(&list, "empty", "another file system");
	assert_int_equal(list.files, 2);
	bvh_outbox_list_done(&list);
	assert_int_equal(umount(BOX "/empty"), 0);
}

/* A file, a link and a FIFO of one name, swapped as fast as can be by somebody
 * who still has the directory. No secret byte ever gets out, and no wait. */
static pid_t start_swapping(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(BOX) != 0 || setgid(UID) != 0 || setuid(UID) != 0)
			_exit(90);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		put("file", "file");
		MUST(symlink(ROOT "/secret", "other"));
		MUST(mkfifo("third", 0600));
		for (;;) {
			(void)renameat2(AT_FDCWD, "file", AT_FDCWD, "other",
					RENAME_EXCHANGE);
			(void)renameat2(AT_FDCWD, "file", AT_FDCWD, "third",
					RENAME_EXCHANGE);
		}
	}
	return pid;
}

static void test_attack__swap__no_secret_no_wait(void **state)
{
	const struct bvh_outbox_limits l = limits();
	unsigned int taken = 0;
	pid_t pid;

	(void)state;
	pid = start_swapping();
	while (count(BOX) < 3)
		usleep(1000);
	alarm(240);
	for (int i = 0; i < 400; i++) {
		struct bvh_outbox_list list;
		struct bvh_outbox_done done;

		if (take(BV_COMMIT_ATOMIC, &l, &list, &done, NULL) == BV_OK) {
			for (size_t f = 0; f < list.n; f++) {
				char path[512];

				if (list.v[f].refused[0] != '\0')
					continue;
				snprintf(path, sizeof(path),
					 TARGET "/" ID "/%s", list.v[f].name);
				assert_file(path, "file", 0, 0640);
				assert_int_equal(unlink(path), 0);
				taken++;
			}
			assert_int_equal(rmdir(TARGET "/" ID), 0);
		}
		assert_int_equal(count(TARGET), 0);
		bvh_outbox_list_done(&list);
	}
	alarm(0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	print_message("# swapped: %u files taken, each the user's own\n",
		      taken);
}

/* --- the target ------------------------------------------------------------ */

static void test_target__anybody_elses_way__refused(void **state)
{
	int fd = -1;
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bvh_outbox_target_open(TARGET, &fd, &err), BV_OK);
	bvh_close(&fd);
	assert_int_equal(mkdir(TARGET "/u", 0755), 0);
	assert_int_equal(mkdir(TARGET "/u/in", 0755), 0);
	assert_int_equal(symlink(TARGET "/u", TARGET "/l"), 0);
	assert_int_equal(bvh_outbox_target_open(TARGET "/u/in", &fd, &err),
			 BV_OK);
	bvh_close(&fd);
	assert_int_not_equal(bvh_outbox_target_open(TARGET "/l/in", &fd, &err),
			     BV_OK);
	assert_int_equal(chown(TARGET "/u", UID, UID), 0);
	assert_int_equal(bvh_outbox_target_open(TARGET "/u/in", &fd, &err),
			 BV_E_CONF);
	assert_non_null(strstr(err.msg, "only root may be able to change"));
	assert_int_equal(chown(TARGET "/u", 0, 0), 0);
	assert_int_equal(chmod(TARGET "/u/in", 01777), 0);
	assert_int_equal(bvh_outbox_target_open(TARGET "/u/in", &fd, &err),
			 BV_E_CONF);
	assert_int_equal(chmod(TARGET "/u/in", 0755), 0);
	assert_int_equal(
		mount("none", TARGET, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_not_equal(bvh_outbox_target_open(TARGET "/u/in", &fd, &err),
			     BV_OK);
	assert_int_equal(err.sys_errno, EROFS);
	assert_int_not_equal(bvh_outbox_target_open(TARGET "/no", &fd, &err),
			     BV_OK);
	assert_int_equal(fd, -1);
	assert_int_equal(mount("none", TARGET, NULL, MS_REMOUNT, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit__each_kind__whole_tree_with_digests),
		TEST(test_commit__owner_user__files_and_directories),
		TEST(test_commit__name_taken__nothing_moves),
		TEST(test_commit__target_full__nothing_left),
		TEST(test_attack__traps__left_and_named),
		TEST(test_attack__mount_inside__not_entered),
		TEST(test_attack__swap__no_secret_no_wait),
		TEST(test_target__anybody_elses_way__refused),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
