/* SPDX-License-Identifier: MIT */
/*
 * The stage of the outbox's tests: a tmpfs that a user fills, a target, and the
 * witnesses that look at the disk. Included once a program.
 */
#ifndef BV_TESTS_LIVE_OUTBOX_STAGE_H
#define BV_TESTS_LIVE_OUTBOX_STAGE_H

#include "tests/live/live.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/digest.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/outbox.h"

#define UID    65534u
#define ROOT   "/home/ob"
#define BOX    ROOT "/box"
#define TARGET ROOT "/in"
#define ID     "00112233aabbccdd"
#define STAGE  TARGET "/.bvisor-" ID ".part"

static int box_fd = -1, target_fd = -1;

static inline int set_up(void **state)
{
	int fd;

	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	umask(022);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("home", "/home", "tmpfs", 0, "mode=0755") != 0)
		return -1;
	if (mkdir(ROOT, 0755) != 0)
		return -1;
	fd = open(ROOT "/secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || write(fd, "secret", 6) != 6 || close(fd) != 0;
}

/* A fresh box and an empty target for each test. */
static inline int fresh(void **state)
{
	(void)state;
	if (mkdir(BOX, 0700) != 0 || mkdir(TARGET, 0755) != 0 ||
	    mount("box", BOX, "tmpfs", MS_NOSUID | MS_NODEV,
		  "size=64m,nr_inodes=40000") != 0 ||
	    mount("in", TARGET, "tmpfs", 0, "mode=0755,size=64m") != 0)
		return -1;
	box_fd = open(BOX, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	target_fd = open(TARGET, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fchown(box_fd, UID, UID);
}

static inline int clear(void **state)
{
	(void)state;
	bvh_close(&box_fd);
	bvh_close(&target_fd);
	return umount2(BOX, MNT_DETACH) != 0 ||
	       umount2(TARGET, MNT_DETACH) != 0 || rmdir(BOX) != 0 ||
	       rmdir(TARGET) != 0;
}

static inline struct bvh_outbox_limits limits(void)
{
	return (struct bvh_outbox_limits){ .files_max = 16,
					   .depth_max = 3,
					   .bytes_max = 1u << 20,
					   .uid = UID };
}

static inline struct bvh_outbox_sink sink(enum bv_commit commit)
{
	return (struct bvh_outbox_sink){ .target_fd = target_fd,
					 .session_id = ID,
					 .commit = commit,
					 .mode = 0640 };
}

/* --- what the user does ---------------------------------------------------- */

static inline void as_user(void (*fn)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (chdir(BOX) != 0 || setgid(UID) != 0 || setuid(UID) != 0)
			_exit(90);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || bvh_write_all(fd, text, strlen(text), 0) != 0)
		_exit(91);
	close(fd);
}

#define MUST(call)                                                             \
	do {                                                                   \
		if ((call) != 0)                                               \
			_exit(92);                                             \
	} while (0)

static inline void leave_two(void)
{
	put("a", "alpha");
	MUST(mkdir("d", 0700));
	MUST(mkdir("d/e", 0700));
	put("d/e/b", "beta");
	MUST(mkdir("empty", 0700));
}

/* --- witnesses ------------------------------------------------------------- */

static inline void assert_file(const char *path, const char *text, uid_t uid,
			       mode_t mode)
{
	bv_auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char got[4097];
	struct stat st;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_true(bvh_read_all(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, text);
}

static inline size_t count(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += strcmp(e->d_name, ".") != 0 &&
		     strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static inline void assert_not_listed(const struct bvh_outbox_list *list,
				     const char *name, const char *why)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i].name, name) != 0)
			continue;
		assert_string_equal(list->v[i].refused, why);
		assert_string_equal(list->v[i].sha256, "");
		return;
	}
	fail_msg("'%s' is not in the list", name);
}

/* All is taken or all fails, in one go as the guardian does it. */
static inline int take(enum bv_commit commit, const struct bvh_outbox_limits *l,
		       struct bvh_outbox_list *list,
		       struct bvh_outbox_done *done, struct bv_err *err)
{
	const struct bvh_outbox_sink s = sink(commit);
	int code = bvh_outbox_collect(box_fd, l, list, err);

	if (code == BV_OK)
		code = bvh_outbox_commit(box_fd, l, &s, list, done, err);
	return code;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, clear)

#endif
