/* SPDX-License-Identifier: MIT */
/*
 * [expose] against this kernel: real binds in a view, tried from inside as root
 * and as the user, and attacked through what the user owns on the way.
 */
#include "tests/live/live.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "tests/live/live_view.h"

#define UID     65534u
#define TEXT(s) ((void *)(uintptr_t)(s))

static struct bv_policy policy = { .path = "test.conf" };
static struct bv_subject subject = {
	.user = "nobody",
	.uid = UID,
	.gid = UID,
	.home = "/home/alice",
	.shell = "/bin/sh",
	.service = "test",
	.tty = "",
	.rhost = "",
};

static int make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = fd < 0 || write(fd, "text", 4) != 4 || fchmod(fd, mode) != 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int set_up(void **state)
{
	static const char *const dirs[] = {
		"/home/alice", "/home/src",      "/home/src/below",
		"/home/dst",   "/home/src/deep", "/home/etc",
	};

	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	umask(022);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("home", "/home", "tmpfs", 0, "mode=0755") != 0 ||
	    mount("tmp", "/tmp", "tmpfs", 0, "mode=1777") != 0)
		return -1;
	for (size_t i = 0; i < BV_LEN(dirs); i++)
		if (mkdir(dirs[i], 0755) != 0)
			return -1;
	/* A second file system below the source, writable and with devices. */
	return mount("below", "/home/src/below", "tmpfs", 0, "mode=0777") ||
	       make_file("/home/src/file", 0666) ||
	       make_file("/home/src/below/file", 0666) ||
	       make_file("/home/etc/shadow", 0644) ||
	       make_file("/home/dst/spot", 0644) ||
	       make_file("/home/src/setuid", 04755) ||
	       mknod("/home/src/null", S_IFCHR | 0666, makedev(1, 3)) ||
	       chmod("/home/src", 0777) || chmod("/home/src/null", 0666) ||
	       mkfifo("/home/fifo", 0666) ||
	       chown("/home/alice", UID, UID) != 0;
}

static struct bv_spec spec_of(const struct bv_expose_rule *rules, size_t n)
{
	return (struct bv_spec){ .policy = &policy,
				 .subject = &subject,
				 .base = BV_BASE_SYSTEM,
				 .expose = rules,
				 .expose_n = n,
				 .temp_private = true };
}

#define RULE(s, d, w, ...)                                                     \
	{                                                                      \
		.source = s, .dest = d, .line = 7, .write = w, __VA_ARGS__     \
	}

static const struct bvh_view_options options = { .tmp_size_bytes = 1u << 20 };

static int view_of(const struct bv_spec *spec, bool read_only)
{
	struct bv_err err = { 0 };
	int fd = -1;

	if (make_view(spec, &options, read_only, &fd, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return fd;
}

/* Building it fails with these words, at the policy's line. */
static void assert_refused(const struct bv_expose_rule *rule, const char *says)
{
	struct bv_spec spec = spec_of(rule, 1);
	struct bv_err err = { 0 };
	int fd = -1;

	assert_int_not_equal(make_view(&spec, &options, false, &fd, &err),
			     BV_OK);
	if (strstr(err.msg, "test.conf:7: ") != err.msg ||
	    strstr(err.msg, says) == NULL)
		fail_msg("'%s' lacks '%s'", err.msg, says);
	assert_int_equal(fd, -1);
}

/* --- from inside ----------------------------------------------------------- */

struct visit {
	int ns_fd;
	bool as_user;
	int (*fn)(const char *path);
	const char *path;
};

static int visit_child(void *arg)
{
	const struct visit *v = arg;

	if (setns(v->ns_fd, CLONE_NEWNS) != 0)
		return 254;
	if (v->as_user && (setgid(UID) != 0 || setuid(UID) != 0))
		return 253;
	return v->fn(v->path);
}

static int as_root(int ns, int (*fn)(const char *), const char *path)
{
	struct visit v = { ns, false, fn, path };

	return live_child(visit_child, &v);
}

static int as_user(int ns, int (*fn)(const char *), const char *path)
{
	struct visit v = { ns, true, fn, path };

	return live_child(visit_child, &v);
}

static int a_read(const char *path)
{
	return LIVE_ERRNO(open(path, O_RDONLY | O_CLOEXEC));
}

static int a_write(const char *path)
{
	return LIVE_ERRNO(open(path, O_WRONLY | O_CLOEXEC));
}

static int a_create(const char *path)
{
	return LIVE_ERRNO(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int a_truncate(const char *path)
{
	return LIVE_ERRNO(truncate(path, 0));
}

/* The mount's flags, as the kernel tells who stands there. */
static int a_flags(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return 200;
	return ((fs.f_flag & ST_RDONLY) != 0) |
	       ((fs.f_flag & ST_NOSUID) != 0) << 1 |
	       ((fs.f_flag & ST_NODEV) != 0) << 2;
}

#define RO     1
#define NOSUID 2
#define NODEV  4

static void test_read__not_written_by_anybody__below_neither(void **state)
{
	const struct bv_expose_rule r[] = { RULE("/home/src", "/home/dst",
						 false) };
	struct bv_spec spec = spec_of(r, 1);
	int ns = view_of(&spec, false);

	(void)state;
	assert_int_equal(as_user(ns, a_read, "/home/dst/file"), 0);
	assert_int_equal(as_user(ns, a_read, "/home/dst/below/file"), 0);
	/* Root included: it is the mount that says no. */
	assert_int_equal(as_user(ns, a_write, "/home/dst/file"), EROFS);
	assert_int_equal(as_root(ns, a_write, "/home/dst/file"), EROFS);
	assert_int_equal(as_root(ns, a_truncate, "/home/dst/file"), EROFS);
	assert_int_equal(as_root(ns, a_create, "/home/dst/new"), EROFS);
	assert_int_equal(as_root(ns, a_write, "/home/dst/below/file"), EROFS);
	assert_int_equal(as_root(ns, a_create, "/home/dst/below/new"), EROFS);
	/* The same files by their own path: the control. */
	assert_int_equal(as_root(ns, a_write, "/home/src/below/file"), 0);
	assert_int_equal(as_root(ns, a_flags, "/home/dst"),
			 RO | NOSUID | NODEV);
	assert_int_equal(as_root(ns, a_flags, "/home/dst/below"),
			 RO | NOSUID | NODEV);
	assert_int_equal(as_root(ns, a_read, "/home/dst/null"), EACCES);
	assert_int_equal(as_root(ns, a_read, "/home/src/null"), 0);
	close(ns);
}

static void test_write__written__nosuid_nodev_all_the_same(void **state)
{
	const struct bv_expose_rule r[] = { RULE("/home/src", "/home/dst",
						 true) };
	struct bv_spec spec = spec_of(r, 1);
	struct stat st;

	(void)state;
	/* On kernels with a read-only view as well. */
	for (int read_only = 0; read_only < 2; read_only++) {
		int ns = view_of(&spec, read_only);

		assert_int_equal(as_user(ns, a_write, "/home/dst/file"), 0);
		assert_int_equal(as_user(ns, a_create, "/home/dst/made"), 0);
		assert_int_equal(as_root(ns, a_flags, "/home/dst"),
				 NOSUID | NODEV);
		assert_int_equal(as_root(ns, a_flags, "/home/dst/below"),
				 NOSUID | NODEV);
		assert_int_equal(as_root(ns, a_read, "/home/dst/null"), EACCES);
		if (read_only)
			assert_int_equal(
				as_root(ns, a_write, "/home/etc/shadow"),
				EROFS);
		close(ns);
		assert_int_equal(stat("/home/src/made", &st), 0);
		assert_int_equal(st.st_uid, UID);
		assert_int_equal(unlink("/home/src/made"), 0);
	}
}

/* Inside what may be written, on kernels with a read-only view and without: the
 * mount's own flag holds when the write root is put back on top. */
static void test_read__inside_a_write_root__still_read_only(void **state)
{
	const struct bv_fs_rule fs[] = {
		{ .path = "/home/alice", .rights = BV_FS_READ | BV_FS_WRITE }
	};
	const struct bv_expose_rule r[] = { RULE("/home/src", "/home/alice/src",
						 false) };
	struct bv_spec spec = spec_of(r, 1);

	(void)state;
	spec.fs = fs;
	spec.fs_n = 1;
	assert_int_equal(mkdir("/home/alice/src", 0755), 0);
	for (int read_only = 0; read_only < 2; read_only++) {
		int ns = view_of(&spec, read_only);

		assert_int_equal(as_user(ns, a_read, "/home/alice/src/file"),
				 0);
		assert_int_equal(as_root(ns, a_write, "/home/alice/src/file"),
				 EROFS);
		assert_int_equal(
			as_root(ns, a_truncate, "/home/alice/src/below/file"),
			EROFS);
		assert_int_equal(as_user(ns, a_create, "/home/alice/own"), 0);
		assert_int_equal(as_root(ns, a_flags, "/home/alice/src"),
				 RO | NOSUID | NODEV);
		close(ns);
	}
	assert_int_equal(rmdir("/home/alice/src"), 0);
}

/* The exposed copy is the session's: what the host mounts later stays out, or
 * it would be there without the flags. */
static void test_later_mount__does_not_arrive(void **state)
{
	const struct bv_expose_rule r[] = { RULE("/home/src", "/home/dst",
						 false) };
	struct bv_spec spec = spec_of(r, 1);
	int ns;

	(void)state;
	assert_int_equal(mount("none", "/home", NULL, MS_SHARED, NULL), 0);
	ns = view_of(&spec, false);
	assert_int_equal(mount("late", "/home/src/deep", "tmpfs", 0, ""), 0);
	assert_false(make_file("/home/src/deep/late", 0666));
	assert_int_equal(as_root(ns, a_read, "/home/src/deep/late"), 0);
	assert_int_equal(as_root(ns, a_read, "/home/dst/deep/late"), ENOENT);
	assert_int_equal(umount("/home/src/deep"), 0);
	assert_int_equal(mount("none", "/home", NULL, MS_PRIVATE, NULL), 0);
	close(ns);
}

static void test_dest__made_below_private_tmp_only(void **state)
{
	const struct bv_expose_rule r[] = {
		RULE("/home/src/file", "/tmp/a/b/file", false),
		RULE("/home/src", "/tmp/a/src", false),
	};
	const struct bv_expose_rule no = RULE("/home/src", "/home/none", false);
	const struct bv_expose_rule file =
		RULE("/home/src", "/home/dst/spot", false);
	const struct bv_expose_rule dir =
		RULE("/home/src/file", "/home/dst", false);
	struct bv_spec spec = spec_of(r, 2);
	int ns = view_of(&spec, false);

	(void)state;
	assert_int_equal(as_user(ns, a_read, "/tmp/a/b/file"), 0);
	assert_int_equal(as_user(ns, a_write, "/tmp/a/b/file"), EROFS);
	assert_int_equal(as_user(ns, a_read, "/tmp/a/src/below/file"), 0);
	assert_int_equal(as_user(ns, a_create, "/tmp/a/mine"), EACCES);
	close(ns);
	assert_int_equal(access("/tmp/a", F_OK), -1); /* not on the host */
	assert_refused(&no, "destination '/home/none' does not exist");
	assert_refused(&file, "is no directory, the source is one");
	assert_refused(&dir, "is a directory, the source is none");
	spec = spec_of(&r[1], 1);
	spec.temp_private = false;
	assert_int_not_equal(make_view(&spec, &options, false, &ns, NULL),
			     BV_OK);
	assert_int_equal(access("/tmp/a", F_OK), -1);
}

static void test_source__absent_or_of_another_kind(void **state)
{
	const struct bv_expose_rule absent =
		RULE("/home/nix", "/home/dst", false);
	const struct bv_expose_rule fifo =
		RULE("/home/fifo", "/home/dst/spot", false);
	const struct bv_expose_rule device =
		RULE("/home/src/null", "/home/dst/spot", true);
	const struct bv_expose_rule skip[] = {
		RULE("/home/nix", "/home/dst", false, .optional = true),
		RULE("/home/src", "/tmp/src", false),
	};
	struct bv_spec spec = spec_of(skip, 2);
	int ns;

	(void)state;
	assert_refused(&absent, "open '/home/nix'");
	assert_refused(&fifo, "neither a directory nor a regular file");
	assert_refused(&device, "neither a directory nor a regular file");
	ns = view_of(&spec, false);
	assert_int_equal(as_root(ns, a_flags, "/home/dst"), 0);
	assert_int_equal(as_user(ns, a_read, "/tmp/src/file"), 0);
	close(ns);
}

/* --- attack: what the user owns on the way (D2) ---------------------------- */

static void test_attack__link_in_users_directory__refused(void **state)
{
	const struct bv_expose_rule source =
		RULE("/home/alice/share", "/home/dst", true);
	const struct bv_expose_rule dest =
		RULE("/home/src", "/home/alice/share", true);
	const struct bv_expose_rule through =
		RULE("/home/alice/share/shadow", "/home/dst/spot", true);

	(void)state;
	assert_int_equal(symlink("/home/etc", "/home/alice/share"), 0);
	assert_refused(&source, "is a symbolic link in a directory that is "
				"not root's alone");
	assert_refused(&dest, "is a symbolic link");
	assert_refused(&through, "is a symbolic link");
	assert_int_equal(unlink("/home/alice/share"), 0);
	/* Root's own links are followed: the control. */
	assert_int_equal(symlink("/home/src", "/home/link"), 0);
	{
		const struct bv_expose_rule r[] = { RULE("/home/link",
							 "/home/dst", false) };
		struct bv_spec spec = spec_of(r, 1);
		int ns = view_of(&spec, false);

		assert_int_equal(as_user(ns, a_read, "/home/dst/file"), 0);
		close(ns);
	}
	assert_int_equal(unlink("/home/link"), 0);
}

/* The user swaps a directory and a link under root's hands, as fast as can be:
 * what ends up exposed is never what the link names. */
static int swapper(void *arg)
{
	(void)arg;
	if (setgid(UID) != 0 || setuid(UID) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return 1;
	for (;;)
		(void)renameat2(AT_FDCWD, "/home/alice/dir", AT_FDCWD,
				"/home/alice/link", RENAME_EXCHANGE);
	return 0;
}

static void test_attack__link_swapped_in__never_exposed(void **state)
{
	const struct bv_expose_rule r[] = { RULE("/home/alice/dir", "/home/dst",
						 true) };
	struct bv_spec spec = spec_of(r, 1);
	unsigned int made = 0, refused = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(mkdir("/home/alice/dir", 0755), 0);
	assert_int_equal(chown("/home/alice/dir", UID, UID), 0);
	assert_int_equal(symlink("/home/etc", "/home/alice/link"), 0);
	pid = fork();
	if (pid == 0)
		_exit(swapper(NULL));
	for (int i = 0; i < 150; i++) {
		struct bv_err err = { 0 };
		int ns = -1;

		if (make_view(&spec, &options, false, &ns, &err) != BV_OK) {
			assert_non_null(strstr(err.msg, "test.conf:7"));
			refused++;
			continue;
		}
		made++;
		assert_int_equal(as_root(ns, a_read, "/home/dst/shadow"),
				 ENOENT);
		close(ns);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	print_message("# swapped: %u exposed, %u refused\n", made, refused);
	assert_true(made + refused == 150);
	(void)unlink("/home/alice/link");
	(void)rmdir("/home/alice/link");
	(void)unlink("/home/alice/dir");
	(void)rmdir("/home/alice/dir");
}

/* --- the guardian's witness ------------------------------------------------- */

static int attest_child(const struct bv_spec *spec, struct bvh_exposures *x,
			int ns, uint64_t change, const char *where,
			struct bv_err *err)
{
	static struct bv_report report;
	int pair[2];
	pid_t pid;
	char c = 0;
	int rc;

	report.observed_n = 0;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) { /* stands where a session's leader would */
		if (setns(ns, CLONE_NEWNS) != 0)
			_exit(1);
		/* behind the guardian's back, from inside */
		if (change != 0 &&
		    mount("none", where, NULL, MS_REMOUNT | MS_BIND | change,
			  NULL) != 0)
			_exit(2);
		if (change == 0 && where != NULL &&
		    mount("none", where, "tmpfs",
			  MS_NOSUID | MS_NODEV | MS_RDONLY, NULL) != 0)
			_exit(3);
		(void)!write(pair[1], "x", 1);
		pause();
		_exit(0);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &c, 1), 1);
	rc = bvh_expose_attest(pid, spec, x, &report, err);
	if (rc == BV_OK)
		assert_string_equal(report.observed[0].kind, "attested_expose");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pair[0]);
	return rc;
}

static void test_attest__kernels_word__liar_is_caught(void **state)
{
	static struct bvh_exposures x;
	const struct bv_expose_rule r[] = {
		RULE("/home/src", "/home/dst", false),
		RULE("/home/src/file", "/home/dst/setuid", true),
	};
	static const struct {
		uint64_t change;
		const char *where, *says;
	} lies[] = {
		{ 0, NULL, NULL }, /* the control */
		{ MS_NOSUID | MS_NODEV, "/home/dst", "not ro,nosuid,nodev" },
		{ MS_RDONLY | MS_NODEV, "/home/dst", "nosuid,nodev" },
		{ MS_RDONLY | MS_NOSUID, "/home/dst/below", "nosuid,nodev" },
		{ MS_NODEV | MS_RDONLY, "/home/dst/setuid", "nosuid,nodev" },
		{ 0, "/home/dst", "another file" }, /* covered */
	};
	struct bv_spec spec = spec_of(r, BV_LEN(r));

	(void)state;
	/* Each in an ordinary view and in a read-only one. */
	for (size_t at = 0; at < 2 * BV_LEN(lies); at++) {
		const size_t i = at / 2;
		struct bvh_mntns_home home = { -1, -1 };
		struct bv_err err = { 0 };
		int ns = -1, rc;

		assert_int_equal(bvh_view_create(&ns, &err), BV_OK);
		assert_int_equal(bvh_mntns_save(&home, NULL), BV_OK);
		assert_int_equal(setns(ns, CLONE_NEWNS), 0);
		rc = bvh_view_lend(&spec, &x, &err);
		if (rc == BV_OK && at % 2 == 1)
			rc = bvh_view_read_only(&spec, &x, &err);
		assert_int_equal(bvh_mntns_return(&home, NULL), BV_OK);
		if (rc != BV_OK)
			fail_msg("%s", err.msg);
		rc = attest_child(&spec, &x, ns, lies[i].change, lies[i].where,
				  &err);
		if (lies[i].says == NULL && rc != BV_OK)
			fail_msg("honest, but: %s", err.msg);
		if (lies[i].says != NULL &&
		    (rc == BV_OK || strstr(err.msg, lies[i].says) == NULL))
			fail_msg("lie %zu: %d '%s'", i, rc, err.msg);
		bvh_exposures_done(&x);
		close(ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_read__not_written_by_anybody__below_neither),
		cmocka_unit_test(
			test_write__written__nosuid_nodev_all_the_same),
		cmocka_unit_test(
			test_read__inside_a_write_root__still_read_only),
		cmocka_unit_test(test_later_mount__does_not_arrive),
		cmocka_unit_test(test_dest__made_below_private_tmp_only),
		cmocka_unit_test(test_source__absent_or_of_another_kind),
		cmocka_unit_test(test_attack__link_in_users_directory__refused),
		cmocka_unit_test(test_attack__link_swapped_in__never_exposed),
		cmocka_unit_test(test_attest__kernels_word__liar_is_caught),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
