/* SPDX-License-Identifier: MIT */
/*
 * The session's namespaces from inside, as root and as the user. The test runs
 * in a mount namespace of its own with a /run and a /home made for it, so that
 * nothing of the host is touched or needed.
 */
#include "tests/live/live.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "helper/landlock.h"
#include "helper/mntns.h"
#include "helper/path.h"
#include "helper/probe.h"
#include "helper/sys.h"
#include "tests/live/live_view.h"

#define UID     65534u
#define MIB     (1u << 20)
#define TEXT(s) ((void *)(uintptr_t)(s))

static int bus_socket = -1;

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int rc = fd < 0 || write(fd, "text", 4) != 4 || fchmod(fd, 0666) != 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int make_bus(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	bus_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(bus_socket, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	       chmod(path, 0666) != 0 || listen(bus_socket, 16) != 0;
}

static int set_up(void **state)
{
	static const char *const dirs[] = { "/run/user",   "/run/dbus",
					    "/run/podman", "/home/alice",
					    "/home/bob",   "/home/alice/sub",
					    "/home/site" };

	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	umask(022);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("run", "/run", "tmpfs", 0, "mode=0755") != 0 ||
	    mount("home", "/home", "tmpfs", 0, "mode=0755") != 0 ||
	    mount("tmp", "/tmp", "tmpfs", 0, "mode=1777") != 0)
		return -1;
	for (size_t i = 0; i < BV_LEN(dirs); i++) {
		if (mkdir(dirs[i], 0755) != 0)
			return -1;
	}
	return chown("/home/alice", UID, UID) != 0 ||
	       make_bus("/run/dbus/system_bus_socket") ||
	       make_file("/run/docker.sock") || make_file("/run/utmp") ||
	       make_file("/home/alice/file") || make_file("/home/bob/file") ||
	       make_file("/home/site/file") || make_file("/home/secret") ||
	       make_file("/home/open") || make_file("/tmp/bv-view-outside");
}

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

static struct bv_spec spec_of(const struct bv_fs_rule *fs, size_t n)
{
	const struct bv_spec spec = {
		.policy = &policy,
		.subject = &subject,
		.base = BV_BASE_SYSTEM,
		.fs = fs,
		.fs_n = n,
		.temp_private = true,
	};

	return spec;
}

static int open_view(const struct bv_spec *spec, bool read_only)
{
	const struct bvh_view_options o = { .tmp_size_bytes = MIB };
	struct bv_err err = { 0 };
	int fd = -1;

	if (make_view(spec, &o, read_only, &fd, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_true(fd >= 0);
	return fd;
}

struct visit {
	int ns_fd;
	int (*fn)(void *);
	void *arg;
};

static int enter(void *arg)
{
	const struct visit *v = arg;

	if (setns(v->ns_fd, 0) != 0)
		return 254;
	return v->fn(v->arg);
}

static int enter_as_user(void *arg)
{
	const struct visit *v = arg;

	if (setns(v->ns_fd, 0) != 0)
		return 254;
	if (setgid(UID) != 0 || setuid(UID) != 0)
		return 253;
	return v->fn(v->arg);
}

static int inside(int ns_fd, int (*fn)(void *), const char *arg)
{
	struct visit v = { ns_fd, fn, TEXT(arg) };

	return live_child(enter, &v);
}

static int inside_as_user(int ns_fd, int (*fn)(void *), const char *arg)
{
	struct visit v = { ns_fd, fn, TEXT(arg) };

	return live_child(enter_as_user, &v);
}

/* --- what children try ------------------------------------------------------- */

static int a_read(void *arg)
{
	return LIVE_ERRNO(open(arg, O_RDONLY | O_CLOEXEC));
}
static int a_write(void *arg)
{
	return LIVE_ERRNO(open(arg, O_WRONLY | O_CLOEXEC));
}
static int a_create(void *arg)
{
	return LIVE_ERRNO(open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
static int a_truncate(void *arg)
{
	return LIVE_ERRNO(truncate(arg, 0));
}
static int a_connect(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", (const char *)arg);
	return LIVE_ERRNO(connect(fd, (struct sockaddr *)&un, sizeof(un)));
}

/* How many entries a directory shows. */
static int a_count(void *arg)
{
	DIR *d = opendir(arg);
	const struct dirent *e;
	int n = 0;

	if (d == NULL)
		return 200;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int a_fill(void *arg)
{
	static const char block[4096];
	int fd = open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 0; fd >= 0 && i < 1024; i++) {
		if (write(fd, block, sizeof(block)) < 0)
			return errno;
	}
	return fd < 0 ? 200 : 0;
}

/* --- private directories --------------------------------------------------------- */

static void test_view__private_tmp__empty_own_and_bounded(void **state)
{
	struct bv_spec spec = spec_of(NULL, 0);
	int ns = open_view(&spec, false);
	struct stat st;

	(void)state;
	assert_int_equal(a_read((void *)(uintptr_t) "/tmp/bv-view-outside"), 0);
	assert_int_equal(inside(ns, a_read, "/tmp/bv-view-outside"), ENOENT);
	assert_int_equal(inside(ns, a_count, "/tmp"), 0);
	assert_int_equal(inside(ns, a_count, "/dev/shm"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/tmp/own"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/var/tmp/own"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/dev/shm/own"), 0);
	assert_int_equal(inside(ns, a_count, "/tmp"), 1);
	assert_int_equal(stat("/tmp/own", &st), -1);
	/* one budget over all of them */
	assert_int_equal(inside_as_user(ns, a_fill, "/var/tmp/big"), ENOSPC);
	assert_int_equal(inside_as_user(ns, a_fill, "/tmp/big"), ENOSPC);
	close(ns);
}

static void test_view__two_sessions__do_not_meet(void **state)
{
	struct bv_spec spec = spec_of(NULL, 0);
	int one = open_view(&spec, false), two = open_view(&spec, false);

	(void)state;
	assert_int_equal(inside_as_user(one, a_create, "/tmp/agent"), 0);
	assert_int_equal(inside_as_user(one, a_read, "/tmp/agent"), 0);
	assert_int_equal(inside_as_user(two, a_read, "/tmp/agent"), ENOENT);
	close(one);
	close(two);
}

static int check_runtime_dir(void *arg)
{
	struct stat st;

	if (stat("/run/user", &st) != 0 || st.st_uid != 0 ||
	    (st.st_mode & 07777) != 0755)
		return 1;
	if (stat(arg, &st) != 0 || st.st_uid != UID || st.st_gid != UID ||
	    (st.st_mode & 07777) != 0700)
		return 2;
	return 0;
}

static void test_view__runtime_dir__the_users_and_empty(void **state)
{
	struct bv_spec spec = spec_of(NULL, 0);
	int ns;

	(void)state;
	spec.temp_private = false; /* always there */
	assert_int_equal(mkdir("/run/user/65534", 0777), 0);
	assert_false(make_file("/run/user/65534/bus"));
	ns = open_view(&spec, false);
	assert_int_equal(inside(ns, check_runtime_dir, "/run/user/65534"), 0);
	assert_int_equal(inside(ns, a_count, "/run/user/65534"), 0);
	assert_int_equal(inside(ns, a_count, "/run/user"), 1);
	assert_int_equal(inside_as_user(ns, a_create, "/run/user/65534/x"), 0);
	/* and /tmp is the host's when nothing private was asked for */
	assert_int_equal(inside(ns, a_read, "/tmp/bv-view-outside"), 0);
	close(ns);
}

/* --- sockets of services ------------------------------------------------------------ */

static void test_view__bus__root_only(void **state)
{
	static const char *const bus = "/run/dbus/system_bus_socket";
	struct bv_spec spec = spec_of(NULL, 0);
	int ns = open_view(&spec, false);
	struct visit user = { open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC),
			      a_connect, TEXT(bus) };

	(void)state;
	assert_int_equal(live_child(enter_as_user, &user), 0); /* control */
	assert_int_equal(inside(ns, a_connect, bus), 0);
	assert_int_equal(inside_as_user(ns, a_connect, bus), EACCES);
	assert_int_equal(inside_as_user(ns, a_read, "/run/dbus"), EACCES);
	assert_int_equal(inside_as_user(ns, a_read, "/run/podman"), EACCES);
	assert_int_equal(inside_as_user(ns, a_write, "/run/docker.sock"),
			 EACCES);
	assert_int_equal(inside(ns, a_connect, "/run/docker.sock"),
			 ECONNREFUSED);
	close(user.ns_fd);
	close(ns);
}

/* --- hidden paths ----------------------------------------------------------------------- */

static void test_view__hidden__gone_but_for_what_is_granted(void **state)
{
	const struct bv_fs_rule fs[] = {
		{ .path = "/home/alice/sub", .rights = BV_FS_HIDE },
		{ .path = "/home", .rights = BV_FS_HIDE },
		{ .path = "/home/alice", .rights = BV_FS_WRITE },
		{ .path = "/home/site/file", .rights = BV_FS_READ },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs));
	int ns = open_view(&spec, false);

	(void)state;
	assert_int_equal(inside(ns, a_count, "/home"), 2);
	assert_int_equal(inside(ns, a_read, "/home/bob"), ENOENT);
	assert_int_equal(inside(ns, a_read, "/home/secret"), ENOENT);
	assert_int_equal(inside_as_user(ns, a_read, "/home/alice/file"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/home/alice/new"), 0);
	assert_int_equal(inside_as_user(ns, a_read, "/home/site/file"), 0);
	assert_int_equal(inside(ns, a_count, "/home/site"), 1);
	assert_int_equal(inside(ns, a_create, "/home/x"), EROFS);
	assert_int_equal(inside_as_user(ns, a_read, "/home/alice/sub"), EACCES);
	/* the host's own view is as it was */
	assert_int_equal(a_read((void *)(uintptr_t) "/home/bob/file"), 0);
	close(ns);
}

static void test_view__hidden_file__not_even_root(void **state)
{
	const struct bv_fs_rule fs[] = {
		{ .path = "/home/secret", .rights = BV_FS_HIDE },
		{ .path = "/home/bob", .rights = BV_FS_HIDE },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs));
	int ns = open_view(&spec, false);

	(void)state;
	assert_int_equal(inside(ns, a_read, "/home/secret"), EACCES);
	assert_int_equal(inside_as_user(ns, a_read, "/home/secret"), EACCES);
	assert_int_equal(inside(ns, a_count, "/home/bob"), 0);
	assert_int_equal(inside_as_user(ns, a_read, "/home/bob"), EACCES);
	close(ns);
}

static void test_view__hidden_missing__error_and_back_home(void **state)
{
	struct bv_fs_rule fs = { .path = "/home/none",
				 .rights = BV_FS_HIDE,
				 .line = 9 };
	const struct bvh_view_options o = { .user_namespace = false };
	struct bv_spec spec = spec_of(&fs, 1);
	struct bv_err err = { 0 };
	struct stat before, after;
	char cwd[64];
	int ns = -1;

	(void)state;
	assert_int_equal(chdir("/home/site"), 0);
	assert_int_equal(stat("/proc/self/ns/mnt", &before), 0);
	assert_int_equal(make_view(&spec, &o, false, &ns, &err), BV_E_REFUSED);
	assert_int_equal(ns, -1);
	assert_non_null(strstr(err.msg, "test.conf:9"));
	fs.optional = true;
	assert_int_equal(make_view(&spec, &o, false, &ns, &err), BV_OK);
	close(ns);
	assert_int_equal(stat("/proc/self/ns/mnt", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal(cwd, "/home/site");
	assert_int_equal(chdir("/"), 0);
}

/* --- read-only ------------------------------------------------------------------------------ */

static int open_pty_as_sshd(void *arg)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	const char *name;

	(void)arg;
	if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
		return 1;
	name = ptsname(fd);
	if (chown(name, UID, UID) != 0 || chmod(name, 0620) != 0)
		return 2;
	return LIVE_ERRNO(open(name, O_RDWR | O_NOCTTY));
}

static void test_view__read_only__all_but_the_write_roots(void **state)
{
	const struct bv_fs_rule fs[] = {
		{ .path = "/home/alice", .rights = BV_FS_WRITE },
		{ .path = "/home/site/file", .rights = BV_FS_WRITE },
		{ .path = "/home/bob", .rights = BV_FS_READ },
		{ .path = "/home/none",
		  .rights = BV_FS_WRITE,
		  .optional = true },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs));
	int ns = open_view(&spec, true);

	(void)state;
	/* truncate is what this view is for: root, no landlock */
	assert_int_equal(inside(ns, a_truncate, "/home/bob/file"), EROFS);
	assert_int_equal(inside(ns, a_truncate, "/home/secret"), EROFS);
	assert_int_equal(inside(ns, a_write, "/home/secret"), EROFS);
	assert_int_equal(inside(ns, a_create, "/etc/bv-view-test"), EROFS);
	assert_int_equal(inside(ns, a_create, "/usr/bv-view-test"), EROFS);
	assert_int_equal(inside(ns, a_create, "/run/bv-view-test"), EROFS);
	assert_int_equal(inside(ns, a_truncate, "/home/alice/file"), 0);
	assert_int_equal(inside(ns, a_create, "/home/alice/new2"), 0);
	assert_int_equal(inside(ns, a_truncate, "/home/site/file"), 0);
	assert_int_equal(inside(ns, a_create, "/home/site/x"), EROFS);
	/* the plumbing goes on */
	assert_int_equal(inside(ns, a_write, "/run/utmp"), 0);
	assert_int_equal(inside(ns, a_write, "/dev/null"), 0);
	assert_int_equal(inside(ns, a_write, "/proc/self/comm"), 0);
	assert_int_equal(inside(ns, open_pty_as_sshd, NULL), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/tmp/own"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/dev/shm/own"), 0);
	assert_int_equal(inside_as_user(ns, a_create, "/run/user/65534/x"), 0);
	close(ns);
	/* nothing of it outside */
	assert_int_equal(a_truncate((void *)(uintptr_t) "/home/secret"), 0);
}

/* --- with landlock on top: the rules name what the view shows ----------------------- */

struct jail {
	int ns_fd, ruleset_fd;
};

static int jailed_tmp(void *arg)
{
	const struct jail *j = arg;

	if (setns(j->ns_fd, CLONE_NEWNS) != 0 ||
	    bvh_sys_landlock_restrict(j->ruleset_fd, 0) != 0)
		return 254;
	if (a_create((void *)(uintptr_t) "/tmp/in") != 0 ||
	    a_create((void *)(uintptr_t) "/run/user/65534/in") != 0 ||
	    a_create((void *)(uintptr_t) "/home/alice/in") != 0)
		return 1;
	if (a_read((void *)(uintptr_t) "/home/bob/file") != ENOENT)
		return 2;
	/* host's /tmp by a way around the view */
	return a_read((void *)(uintptr_t) "/proc/1/root/tmp/bv-view-outside") ==
			       0
		       ? 3
		       : 0;
}

static void test_view__landlock_inside__fits(void **state)
{
	const struct bv_fs_rule fs[] = {
		{ .path = "/home", .rights = BV_FS_HIDE },
		{ .path = "/home/alice", .rights = BV_FS_WRITE },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs));
	struct jail j = { open_view(&spec, false), -1 };
	struct bvh_mntns_home home = { -1, -1 };
	struct bv_err err = { 0 };
	int abi = bvh_probe_landlock_abi();
	int built;

	(void)state;
	LIVE_NEED(abi > 0, "landlock");
	assert_int_equal(bvh_mntns_save(&home, NULL), BV_OK);
	assert_int_equal(setns(j.ns_fd, CLONE_NEWNS), 0);
	built = bvh_landlock_build(&spec, abi, &j.ruleset_fd, NULL, &err);
	assert_int_equal(bvh_mntns_return(&home, NULL), BV_OK);
	if (built != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(live_child(jailed_tmp, &j), 0);
	close(j.ns_fd);
	close(j.ruleset_fd);
}

/* --- an ordinary user's view (bvisorctl run) ------------------------------------------ */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int build_as_user(void *arg)
{
	const struct bvh_view_options o = { .user_namespace = true,
					    .tmp_size_bytes = MIB };
	const bool read_only = *(bool *)arg;
	const struct bv_fs_rule fs[] = {
		{ .path = "/home/bob", .rights = BV_FS_HIDE },
		{ .path = "/home/secret", .rights = BV_FS_HIDE },
		{ .path = "/home/alice", .rights = BV_FS_WRITE },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs));
	struct bv_err err = { 0 };

	if (setgid(UID) != 0 || setuid(UID) != 0 ||
	    prctl(PR_SET_DUMPABLE, 1) != 0)
		return 250;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return 251;
	if (write_text("/proc/self/setgroups", "deny") ||
	    write_text("/proc/self/uid_map", "65534 65534 1") ||
	    write_text("/proc/self/gid_map", "65534 65534 1"))
		return 252;
	if (bvh_view_adopt(&err) != BV_OK ||
	    fill_view(&spec, &o, read_only, &err) != BV_OK) {
		print_error("%s\n", err.msg);
		return 253;
	}
	if (a_count((void *)(uintptr_t) "/tmp") != 0 ||
	    a_create((void *)(uintptr_t) "/tmp/x") != 0)
		return 1;
	/* it holds the capabilities of its own namespace here, no file's */
	if (a_count((void *)(uintptr_t) "/home/bob") != 0 ||
	    a_read((void *)(uintptr_t) "/home/secret") != EACCES)
		return 2;
	if (a_create((void *)(uintptr_t) "/home/alice/by-user") != 0)
		return 3;
	if (a_connect((void *)(uintptr_t) "/run/dbus/system_bus_socket") == 0)
		return 4;
	if (a_create((void *)(uintptr_t) "/run/user/65534/by-user") != 0)
		return 5;
	if (read_only && a_write((void *)(uintptr_t) "/home/open") != EROFS)
		return 6;
	return 0;
}

static void test_view__user_namespace__same_view(void **state)
{
	bool read_only = false;
	int got = live_child(build_as_user, &read_only);

	(void)state;
	LIVE_NEED(got != 251, "user namespaces for ordinary users");
	assert_int_equal(got, 0);
	read_only = true;
	assert_int_equal(live_child(build_as_user, &read_only), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view__private_tmp__empty_own_and_bounded),
		cmocka_unit_test(test_view__two_sessions__do_not_meet),
		cmocka_unit_test(test_view__runtime_dir__the_users_and_empty),
		cmocka_unit_test(test_view__bus__root_only),
		cmocka_unit_test(
			test_view__hidden__gone_but_for_what_is_granted),
		cmocka_unit_test(test_view__hidden_file__not_even_root),
		cmocka_unit_test(
			test_view__hidden_missing__error_and_back_home),
		cmocka_unit_test(test_view__read_only__all_but_the_write_roots),
		cmocka_unit_test(test_view__landlock_inside__fits),
		cmocka_unit_test(test_view__user_namespace__same_view),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
