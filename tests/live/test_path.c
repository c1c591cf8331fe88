/* SPDX-License-Identifier: MIT */
/*
 * bvh_path_open() against the owner of a directory on the way: planted links,
 * FIFOs, and a racer who swaps a link in while root looks.
 */
#include "tests/live/live.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/path.h"

static char top[64];
static char write_dir[80]; /* the user's */

static struct bv_subject subject = { .user = "nobody",
				     .uid = 65534,
				     .gid = 65534 };

static int make_tree(void **state)
{
	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	snprintf(top, sizeof(top), "/var/tmp/bv-path.XXXXXX");
	if (mkdtemp(top) == NULL || chdir(top) != 0 ||
	    mkdir("write", 0755) != 0 || chown("write", 65534, 65534) != 0)
		return -1;
	snprintf(write_dir, sizeof(write_dir), "%s/write", top);
	return 0;
}

static int remove_tree(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/") != 0)
		return -1;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static int open_rule_path(const char *path, int *ret_fd, struct bv_err *err)
{
	return bvh_path_open(path, &subject, ret_fd, err);
}

static void test_path__link_in_a_users_directory__refused(void **state)
{
	struct bv_err err = { 0 };
	char path[256];
	int fd = -1;

	(void)state;
	assert_int_equal(symlink("/etc", "write/upload"), 0);
	snprintf(path, sizeof(path), "%s/upload", write_dir);
	assert_int_equal(open_rule_path(path, &fd, &err), BV_E_CONF);
	assert_non_null(strstr(err.msg, "symbolic link"));
	snprintf(path, sizeof(path), "%s/upload/passwd", write_dir);
	assert_int_equal(open_rule_path(path, &fd, &err), BV_E_CONF);
	assert_int_equal(fd, -1);
	/* the same link where only root could have put it is followed; top
	 * itself lies in /var/tmp, which everybody can write */
	assert_int_equal(open_rule_path("/proc/self/mounts", &fd, &err), BV_OK);
	close(fd);
	assert_int_equal(unlink("write/upload"), 0);
}

/* Root's own links, in root's own directories, are the administrator's. */
static void test_path__link_of_root__followed(void **state)
{
	struct stat lib, usr_lib;
	struct bv_err err = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(lstat("/lib", &lib), 0);
	LIVE_NEED(S_ISLNK(lib.st_mode), "/lib as a link (merged /usr)");
	assert_int_equal(open_rule_path("/lib", &fd, &err), BV_OK);
	assert_int_equal(fstat(fd, &lib), 0);
	assert_int_equal(stat("/usr/lib", &usr_lib), 0);
	assert_int_equal(lib.st_ino, usr_lib.st_ino);
	assert_true(S_ISDIR(lib.st_mode));
	close(fd);
	assert_int_not_equal(open_rule_path("relative", &fd, &err), BV_OK);
}

static void test_path__fifo__does_not_block(void **state)
{
	struct bv_err err = { 0 };
	char path[256];
	int fd = -1;

	(void)state;
	snprintf(path, sizeof(path), "%s/pipe", write_dir);
	assert_int_equal(mkfifo(path, 0666), 0);
	alarm(60);
	assert_int_equal(open_rule_path(path, &fd, &err), BV_OK);
	alarm(0);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static int swap_forever(void *arg)
{
	(void)arg;
	for (;;) {
		if (symlink("/etc", "write/tmp-link") == 0)
			(void)rename("write/tmp-link", "write/race");
		(void)unlink("write/race");
		(void)mkdir("write/race", 0755);
		(void)rmdir("write/race");
	}
	return 0;
}

static void test_path__racing_owner__never_led_outside(void **state)
{
	unsigned int opened = 0, refused = 0;
	bool racing = true;
	struct stat etc, st;
	char path[256];
	pid_t racer;

	(void)state;
	snprintf(path, sizeof(path), "%s/race", write_dir);
	assert_int_equal(stat("/etc", &etc), 0);
	racer = fork();
	if (racer == 0)
		_exit(swap_forever(NULL));
	/* on a busy machine the racer may not run for a while */
	for (time_t end = time(NULL) + 30;
	     racing && time(NULL) < end &&
	     (opened + refused < 30000 || opened == 0 || refused == 0);) {
		int fd = -1;

		if (open_rule_path(path, &fd, NULL) != BV_OK) {
			refused++;
			continue;
		}
		opened++;
		assert_int_equal(fstat(fd, &st), 0);
		close(fd);
		racing = !(st.st_ino == etc.st_ino && st.st_dev == etc.st_dev);
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	assert_true(racing);
	/* both sides of the race were met, or nothing was tested */
	assert_true(opened > 0);
	assert_true(refused > 0);
}

/* --- directories of our own ------------------------------------------------ */

static int make_dir(const char *rel)
{
	struct bv_err err = { 0 };
	bv_auto_close int fd = -1;
	bv_auto_close int tried = -1;
	char path[256];
	int code, try;

	snprintf(path, sizeof(path), "%s/%s", top, rel);
	try = bvh_dir_try(path, &tried, NULL);
	code = bvh_dir_make(AT_FDCWD, path, 0700, path, &fd, &err);
	assert_int_equal(code, try); /* nothing is made of what is refused */
	assert_int_equal(code == BV_OK, fd >= 0);
	if (code != BV_OK)
		assert_non_null(strstr(err.msg, path));
	return code;
}

/* To find nothing, and to be unable to look. */
static void test_path__absent_or_out_of_descriptors__told_apart(void **state)
{
	struct rlimit before;
	struct bv_err err = { 0 };
	char loop[256];
	int fd = -1;

	(void)state;
	assert_int_equal(symlink("loop", "loop"), 0);
	snprintf(loop, sizeof(loop), "%s/loop", top);
	assert_int_equal(bvh_path_open_present("/nowhere/x", &fd, &err), BV_OK);
	assert_int_equal(bvh_path_open_usable("/etc/passwd/x", &fd, &err),
			 BV_OK);
	assert_int_equal(bvh_path_open_usable(loop, &fd, &err), BV_OK);
	assert_int_equal(fd, -1);
	assert_int_not_equal(bvh_path_open_present(loop, &fd, &err), BV_OK);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE,
				   &(struct rlimit){ 0, before.rlim_max }),
			 0);
	const int present = bvh_path_open_present("/etc", &fd, &err);
	const int usable = bvh_path_open_usable("/etc", &fd, &err);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fd, -1);
	assert_int_not_equal(present, BV_OK);
	assert_int_not_equal(usable, BV_OK);
	assert_int_equal(err.sys_errno, EMFILE);
}

/* top lies in /var/tmp, which has the sticky bit; write is another user's. */
static void test_dir__above_it__nobody_else_may_move_it(void **state)
{
	(void)state;
	assert_int_equal(make_dir("mine"), BV_OK);
	assert_int_equal(make_dir("mine//./below/"), BV_OK);
	assert_int_equal(mkdir("write/root", 0755), 0);
	assert_int_equal(make_dir("write/root"), BV_E_CONF);
	assert_int_equal(make_dir("write/root/s"), BV_E_CONF);
	assert_int_not_equal(access("write/root/s", F_OK), 0);
	/* others write to it; with the sticky bit what is root's stays put */
	assert_int_equal(mkdir("open", 0755), 0);
	assert_int_equal(chmod("open", 0777), 0);
	assert_int_equal(make_dir("open/s"), BV_E_CONF);
	assert_int_equal(chmod("open", 0775), 0);
	assert_int_equal(make_dir("open/s"), BV_E_CONF);
	assert_int_equal(chmod("open", 01777), 0);
	assert_int_equal(make_dir("open/s"), BV_OK);
	assert_int_equal(chown("open/s", 65534, 65534), 0);
	assert_int_equal(make_dir("open/s"), BV_E_CONF);
	assert_int_equal(make_dir("open/s/s"), BV_E_CONF);
	/* links: whoever owns one points it */
	assert_int_equal(symlink("mine", "link"), 0);
	assert_int_equal(make_dir("link/s"), BV_OK);
	assert_int_equal(lchown("link", 65534, 65534), 0);
	assert_int_equal(make_dir("link/s"), BV_E_CONF);
	assert_int_equal(symlink(write_dir, "led"), 0);
	assert_int_equal(make_dir("led/root"), BV_E_CONF);
}

static void test_dir__what_is_no_directory__refused(void **state)
{
	int fd;

	(void)state;
	fd = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(make_dir("file"), BV_E_SYS);
	assert_int_equal(make_dir("file/s"), BV_E_SYS);
	assert_int_equal(make_dir("missing/s"), BV_E_SYS);
	fd = 7;
	assert_int_equal(bvh_dir_try("/", &fd, NULL), BV_E_INVAL);
	assert_int_equal(fd, -1);
	assert_int_equal(bvh_dir_try("/bvisor-no-such", &fd, NULL), BV_OK);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_path__link_in_a_users_directory__refused,
			make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(
			test_path__link_of_root__followed, make_tree,
			remove_tree),
		cmocka_unit_test_setup_teardown(test_path__fifo__does_not_block,
						make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(
			test_path__racing_owner__never_led_outside, make_tree,
			remove_tree),
		cmocka_unit_test_setup_teardown(
			test_path__absent_or_out_of_descriptors__told_apart,
			make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(
			test_dir__above_it__nobody_else_may_move_it, make_tree,
			remove_tree),
		cmocka_unit_test_setup_teardown(
			test_dir__what_is_no_directory__refused, make_tree,
			remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
