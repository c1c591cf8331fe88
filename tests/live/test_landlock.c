/* SPDX-License-Identifier: MIT */
/*
 * The ruleset, from inside, as root: what stops these children is landlock and
 * nothing else. One directory tree per run: read/ write/ write2/ out/.
 */
#include "tests/live/live.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "helper/landlock.h"
#include "helper/probe.h"
#include "helper/sys.h"

static char top[64];
static char paths[8][128]; /* of the rules */

static const char *const names[] = { "read", "write", "write2", "out" };

static int make_tree(void **state)
{
	char path[128];

	(void)state;
	snprintf(top, sizeof(top), "/var/tmp/bv-landlock.XXXXXX");
	if (mkdtemp(top) == NULL || chmod(top, 0755) != 0 || chdir(top) != 0)
		return -1;
	for (size_t i = 0; i < BV_LEN(names); i++) {
		int fd;

		if (mkdir(names[i], 0777) != 0)
			return -1;
		snprintf(path, sizeof(path), "%s/file", names[i]);
		fd = open(path, O_WRONLY | O_CREAT, 0666);
		if (fd < 0 || write(fd, "text", 4) != 4 || close(fd) != 0)
			return -1;
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", top, names[i]);
	}
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

static struct bv_policy policy = { .path = "test.conf" };
static struct bv_subject subject = {
	.user = "nobody",
	.uid = 65534,
	.gid = 65534,
	.home = "/nonexistent",
	.shell = "/bin/sh",
	.service = "test",
	.tty = "",
	.rhost = "",
};

static struct bv_spec spec_of(const struct bv_fs_rule *fs, size_t n,
			      enum bv_base base)
{
	const struct bv_spec spec = {
		.policy = &policy,
		.subject = &subject,
		.base = base,
		.fs = fs,
		.fs_n = n,
	};

	return spec;
}

struct jail {
	int ruleset_fd;
	int (*fn)(void *);
	void *arg;
};

static int enter(void *arg)
{
	const struct jail *j = arg;

	if (bvh_sys_landlock_restrict(j->ruleset_fd, 0) != 0)
		return 254;
	return j->fn(j->arg);
}

static int confined(int ruleset_fd, int (*fn)(void *), void *arg)
{
	struct jail j = { ruleset_fd, fn, arg };

	return live_child(enter, &j);
}

/* read/ readable, write/ and write2/ writable, nothing else. */
static int usual_ruleset(int abi)
{
	const struct bv_fs_rule fs[] = {
		{ .path = paths[0], .rights = BV_FS_READ },
		{ .path = paths[1], .rights = BV_FS_WRITE },
		{ .path = paths[2], .rights = BV_FS_WRITE },
	};
	struct bv_spec spec = spec_of(fs, BV_LEN(fs), BV_BASE_NONE);
	struct bv_err err = { 0 };
	size_t rules = 0;
	int fd = -1;

	if (bvh_landlock_build(&spec, abi, &fd, &rules, &err) != BV_OK)
		fail_msg("abi %d: %s", abi, err.msg);
	assert_true(rules > BV_LEN(fs));
	return fd;
}

/* --- one attack each: the errno, or 0 when it worked ----------------------- */

static int open_errno(const char *path, int flags)
{
	return LIVE_ERRNO(open(path, flags | O_CLOEXEC, 0600));
}

static int a_read_in(void *arg)
{
	(void)arg;
	return open_errno("read/file", O_RDONLY);
}
static int a_write_in(void *arg)
{
	(void)arg;
	return open_errno("write/new", O_RDWR | O_CREAT);
}
static int a_truncate_in(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(truncate("write/file", 4));
}
static int a_rename_across(void *arg)
{
	(void)arg;
	if (open_errno("write/moving", O_WRONLY | O_CREAT) != 0)
		return 250;
	return LIVE_ERRNO(rename("write/moving", "write2/moved"));
}
static int a_make_all_kinds(void *arg)
{
	(void)arg;
	if (mkdir("write/dir", 0700) != 0 || rmdir("write/dir") != 0)
		return 250;
	if (mkfifo("write/fifo", 0600) != 0 || unlink("write/fifo") != 0)
		return 251;
	if (symlink("file", "write/sym") != 0 || unlink("write/sym") != 0)
		return 252;
	return 0;
}
static int a_null(void *arg)
{
	(void)arg;
	return open_errno("/dev/null", O_RDWR | O_TRUNC);
}
static int a_pty(void *arg)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	struct winsize w;
	int slave;

	(void)arg;
	if (fd < 0 || unlockpt(fd) != 0)
		return 250;
	slave = open(ptsname(fd), O_RDWR | O_NOCTTY);
	return slave < 0 ? errno : LIVE_ERRNO(ioctl(slave, TIOCGWINSZ, &w));
}
static int a_read_out(void *arg)
{
	(void)arg;
	return open_errno("out/file", O_RDONLY);
}
static int a_write_read_root(void *arg)
{
	(void)arg;
	return open_errno("read/file", O_WRONLY);
}
static int a_create_out(void *arg)
{
	(void)arg;
	return open_errno("out/new", O_WRONLY | O_CREAT);
}
static int a_list_out(void *arg)
{
	(void)arg;
	return open_errno("out", O_RDONLY | O_DIRECTORY);
}
static int a_truncate_out(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(truncate("out/file", 0));
}
static int a_truncate_read_root(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(truncate("read/file", 0));
}
static int a_unlink_out(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(unlink("out/file"));
}
static int a_rename_out(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(rename("write/file", "out/taken"));
}
static int a_rename_from_out(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(rename("out/file", "write/taken"));
}
static int a_link_from_out(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(link("out/file", "write/linked"));
}
static int a_symlink(void *arg)
{
	(void)arg;
	if (symlink("../out/file", "write/way-out") != 0)
		return 250;
	return open_errno("write/way-out", O_RDONLY);
}
static int a_proc_root(void *arg)
{
	char path[PATH_MAX];

	(void)arg;
	snprintf(path, sizeof(path), "/proc/self/root%s/file", paths[3]);
	return open_errno(path, O_RDONLY);
}
static int a_o_path(void *arg)
{
	int fd = open("out", O_PATH | O_DIRECTORY);

	(void)arg;
	if (fd < 0)
		return 250; /* landlock lets O_PATH through: that is known */
	return LIVE_ERRNO(openat(fd, "file", O_RDONLY));
}
static int a_o_path_reopen(void *arg)
{
	int fd = open("out/file", O_PATH);
	char path[64];

	(void)arg;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? 250 : open_errno(path, O_RDONLY);
}
static int a_device(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(mknod("write/node", S_IFBLK | 0600, makedev(254, 0)));
}
static int a_exec(void *arg)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)arg;
	execv("/bin/true", argv);
	return errno;
}
static int a_shadow(void *arg)
{
	(void)arg;
	return open_errno("/etc/shadow", O_RDONLY);
}
static int a_mount(void *arg)
{
	(void)arg;
	return LIVE_ERRNO(
		bvh_sys_move_mount(bvh_sys_open_tree(AT_FDCWD, "read", 1), "",
				   AT_FDCWD, "write", 4));
}

struct probe {
	const char *name;
	int (*fn)(void *);
	int want;
	int abi_min; /* below it the kernel cannot stop this */
};

static const struct probe allowed[] = {
	{ "read inside", a_read_in, 0, 1 },
	{ "write inside", a_write_in, 0, 1 },
	{ "truncate inside", a_truncate_in, 0, 1 },
	{ "rename between write roots", a_rename_across, 0, 2 },
	{ "make every harmless kind", a_make_all_kinds, 0, 1 },
	{ "/dev/null", a_null, 0, 1 },
	{ "a pty", a_pty, 0, 1 },
};

static const struct probe stopped[] = {
	{ "read outside", a_read_out, EACCES, 1 },
	{ "write a read root", a_write_read_root, EACCES, 1 },
	{ "create outside", a_create_out, EACCES, 1 },
	{ "list outside", a_list_out, EACCES, 1 },
	{ "truncate outside", a_truncate_out, EACCES, 3 },
	{ "truncate a read root", a_truncate_read_root, EACCES, 3 },
	{ "unlink outside", a_unlink_out, EACCES, 1 },
	{ "rename to outside", a_rename_out, EACCES, 2 },
	{ "rename from outside", a_rename_from_out, EACCES, 2 },
	{ "link from outside", a_link_from_out, EXDEV, 2 },
	{ "symlink to outside", a_symlink, EACCES, 1 },
	{ "/proc/self/root", a_proc_root, EACCES, 1 },
	{ "openat below O_PATH", a_o_path, EACCES, 1 },
	{ "reopen of O_PATH", a_o_path_reopen, EACCES, 1 },
	{ "a device node", a_device, EACCES, 1 },
	{ "exec without the right", a_exec, EACCES, 1 },
	{ "/etc/shadow", a_shadow, EACCES, 1 },
	{ "mount", a_mount, EPERM, 1 },
};

static int kernel_abi(void)
{
	return bvh_probe_landlock_abi();
}

static void run_table(const struct probe *t, size_t n, int abi)
{
	for (size_t i = 0; i < n; i++) {
		int fd, got;

		if (t[i].abi_min > abi)
			continue;
		assert_int_equal(remove_tree(NULL), 0);
		assert_int_equal(make_tree(NULL), 0);
		fd = usual_ruleset(abi);
		got = confined(fd, t[i].fn, NULL);
		close(fd);
		/* EXDEV is how landlock says "not with these rights" of a
		 * rename or a link */
		if (got == EXDEV && t[i].want == EACCES)
			got = EACCES;
		if (got == EACCES && t[i].want == EXDEV)
			got = EXDEV;
		if (got != t[i].want)
			fail_msg("abi %d: %s: %d, want %d", abi, t[i].name, got,
				 t[i].want);
	}
}

static void test_landlock__inside_the_roots__works(void **state)
{
	(void)state;
	LIVE_NEED(kernel_abi() > 0, "landlock");
	for (int abi = 1; abi <= kernel_abi(); abi++)
		run_table(allowed, BV_LEN(allowed), abi);
}

static void test_landlock__outside_the_roots__stopped(void **state)
{
	(void)state;
	LIVE_NEED(kernel_abi() > 0, "landlock");
	for (int abi = 1; abi <= kernel_abi(); abi++)
		run_table(stopped, BV_LEN(stopped), abi);
}

/* The controls: the same attacks without the ruleset all succeed. */
static void test_landlock__without_it__attacks_succeed(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(stopped); i++) {
		int got;

		if (stopped[i].fn == a_mount)
			continue; /* would mount */
		assert_int_equal(remove_tree(NULL), 0);
		assert_int_equal(make_tree(NULL), 0);
		got = live_child(stopped[i].fn, NULL);
		if (got != 0)
			fail_msg("%s: %d without landlock", stopped[i].name,
				 got);
	}
}

/* --- exec and base profiles -------------------------------------------------------- */

static int build_base(enum bv_base base, const struct bv_fs_rule *fs, size_t n)
{
	struct bv_spec spec = spec_of(fs, n, base);
	struct bv_err err = { 0 };
	int fd = -1;

	if (bvh_landlock_build(&spec, kernel_abi(), &fd, NULL, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return fd;
}

static int run_sh(void *arg)
{
	const char *command = arg;

	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	return 200 + (errno == EACCES ? 1 : 0);
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void test_landlock__bases__give_what_they_say(void **state)
{
	int fd;

	(void)state;
	LIVE_NEED(kernel_abi() > 0, "landlock");
	fd = build_base(BV_BASE_SYSTEM, NULL, 0);
	assert_int_equal(confined(fd, run_sh, text("ls /usr >/dev/null")), 0);
	assert_int_equal(
		confined(fd, run_sh, text("cat /etc/hosts >/dev/null")), 0);
	assert_int_not_equal(confined(fd, run_sh, text("ls /root 2>/dev/null")),
			     0);
	assert_int_not_equal(
		confined(fd, run_sh,
			 text("exec 2>/dev/null; echo >/etc/bv-test")),
		0);
	close(fd);
	fd = build_base(BV_BASE_MINIMAL, NULL, 0);
	/* the user's own shell, and no other program */
	assert_int_equal(confined(fd, run_sh, text("exit 7")), 7);
	assert_int_equal(confined(fd, run_sh, text("/bin/ls / 2>/dev/null")),
			 126);
	assert_int_not_equal(
		confined(fd, run_sh,
			 text("exec 2>/dev/null; read x </etc/shadow")),
		0);
	close(fd);
	fd = build_base(BV_BASE_NONE, NULL, 0);
	assert_int_equal(confined(fd, run_sh, text("exit 7")), 201);
	close(fd);
}

static void test_landlock__file_rules__files_only(void **state)
{
	char in[160], out[160], command[400];
	struct bv_fs_rule fs[1];
	int fd;

	(void)state;
	LIVE_NEED(kernel_abi() > 0, "landlock");
	snprintf(in, sizeof(in), "%s/file", paths[1]);
	snprintf(out, sizeof(out), "%s/other", paths[1]);
	fs[0] = (struct bv_fs_rule){ .path = in,
				     .rights = BV_FS_WRITE | BV_FS_EXEC };
	fd = build_base(BV_BASE_SYSTEM, fs, 1);
	snprintf(command, sizeof(command), "echo x >%s", in);
	assert_int_equal(confined(fd, run_sh, command), 0);
	snprintf(command, sizeof(command), "echo x 2>/dev/null >%s", out);
	assert_int_not_equal(confined(fd, run_sh, command), 0);
	close(fd);
}

/* --- missing paths ------------------------------------------------------------------- */

static void test_landlock__missing_path__error_unless_optional(void **state)
{
	struct bv_fs_rule fs = { .path = "/nonexistent/x",
				 .rights = BV_FS_READ,
				 .line = 12 };
	struct bv_spec spec = spec_of(&fs, 1, BV_BASE_NONE);
	struct bv_err err = { 0 };
	int fd = -1;

	(void)state;
	LIVE_NEED(kernel_abi() > 0, "landlock");
	assert_int_not_equal(
		bvh_landlock_build(&spec, kernel_abi(), &fd, NULL, &err),
		BV_OK);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(err.msg, "test.conf:12"));
	assert_non_null(strstr(err.msg, "/nonexistent/x"));
	fs.optional = true;
	assert_int_equal(
		bvh_landlock_build(&spec, kernel_abi(), &fd, NULL, &err),
		BV_OK);
	close(fd);
}

/* --- scopes ------------------------------------------------------------------------------ */

static int signal_parent(void *arg)
{
	pid_t own;

	(void)arg;
	own = fork();
	if (own == 0) {
		pause();
		_exit(0);
	}
	if (own < 0 || kill(own, SIGKILL) != 0 || waitpid(own, NULL, 0) != own)
		return 250; /* one's own child may always be signalled */
	return LIVE_ERRNO(kill(getppid(), 0));
}

static int abstract_connect(void *arg)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int len = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%s",
			   (const char *)arg);

	return LIVE_ERRNO(
		connect(fd, (struct sockaddr *)&un,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				    (size_t)len)));
}

static void test_landlock__scopes__signals_and_abstract_sockets(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char name[64];
	int fd, sock, len;

	(void)state;
	LIVE_NEED(kernel_abi() >= 6, "landlock ABI 6 (scopes)");
	len = snprintf(name, sizeof(name), "bv-test-%d", getpid());
	memcpy(un.sun_path + 1, name, (size_t)len);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(sock, (struct sockaddr *)&un,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				 (size_t)len)),
		0);
	assert_int_equal(listen(sock, 8), 0);
	fd = usual_ruleset(kernel_abi());
	assert_int_equal(live_child(signal_parent, NULL), 0);
	assert_int_equal(confined(fd, signal_parent, NULL), EPERM);
	assert_int_equal(live_child(abstract_connect, name), 0);
	assert_int_equal(confined(fd, abstract_connect, name), EPERM);
	close(fd);
	close(sock);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_landlock__inside_the_roots__works),
		IN_TREE(test_landlock__outside_the_roots__stopped),
		IN_TREE(test_landlock__without_it__attacks_succeed),
		IN_TREE(test_landlock__bases__give_what_they_say),
		IN_TREE(test_landlock__file_rules__files_only),
		IN_TREE(test_landlock__missing_path__error_unless_optional),
		IN_TREE(test_landlock__scopes__signals_and_abstract_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
