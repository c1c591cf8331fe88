/* SPDX-License-Identifier: MIT */
/*
 * Out of the leaf by a cgroup.procs: a session of root whose policy lets it write
 * everything tries all ways to one there are. Where it stands then is read from
 * outside, in /proc/PID/cgroup and in /proc/PID/mountinfo; that it ends with the
 * session, from the process table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper/cgroup_mounts.h"
#include "tests/live/guard_stage.h"
#include "tests/live/live.h"

#include <linux/sched.h>
#include <sys/syscall.h>

#define HEAD                                                                   \
	"bvisor-policy 1\n[match]\nuser = root\n[filesystem]\nbase = system\n"

/* Each is the errno it ended with; 0 was let through. -1: not tried. */
enum way {
	PROCS_V2,    /* the root's cgroup.procs */
	PROCS_V1,    /* of each hierarchy of version 1: the first let through */
	PROCS_LEAF,  /* of the own leaf: a move that changes nothing */
	PROCS_BOUND, /* a cgroup.procs bound to another place, alone */
	PROCS_EXPOSED,
	PROCS_OUTSIDE, /* the root's, as the test's process sees it */
	PROCS_INIT,    /* …, as init does */
	MAKE_CHILD,
	CLONE_INTO,
	REMOUNT,
	MOUNT_ANEW,
	WAYS
};

static struct found {
	int e[WAYS];
	char leaf[2 * PATH_MAX]; /* told by the test */
	pid_t survivor;
} * found;

static pid_t outsider;
static const char bound[] = "/run/a place/procs"; /* a blank is escaped */

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int e;

	if (fd < 0)
		return errno;
	e = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return e;
}

static int enter(const char *before, const char *dir)
{
	char path[3 * PATH_MAX];

	snprintf(path, sizeof(path), "%s%s/cgroup.procs", before, dir);
	return write_to(path, "0");
}

static int enter_v1(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	int e = -1;

	while (f != NULL && e != 0 && (m = getmntent(f)) != NULL) {
		if (strcmp(m->mnt_type, "cgroup") == 0)
			e = enter("", m->mnt_dir);
	}
	if (f != NULL)
		endmntent(f);
	return e;
}

/* Asks for no write access to the mount: only the filter is in its way. */
static int clone_into(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .flags = CLONE_INTO_CGROUP };
	int fd = open(env.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long pid;

	args.cgroup = (__u64)fd;
	pid = fd < 0 ? -1 : syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int make_child(void)
{
	char path[3 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/out", found->leaf);
	return mkdir(path, 0755) == 0 ? 0 : errno;
}

/* Last the ways that leave: the survivor is started from wherever we are. */
static void leave(void *arg)
{
	char text[64];

	(void)arg;
	found->e[REMOUNT] = LIVE_ERRNO(
		mount(NULL, env.mount, NULL, MS_REMOUNT | MS_BIND, NULL));
	found->e[MOUNT_ANEW] =
		LIVE_ERRNO(mount("none", "/mnt", "cgroup2", 0, NULL));
	found->e[CLONE_INTO] = clone_into();
	found->e[MAKE_CHILD] = make_child();
	found->e[PROCS_LEAF] = enter("", found->leaf);
	found->e[PROCS_EXPOSED] = enter("", "/home/cg");
	snprintf(text, sizeof(text), "/proc/%d/root", (int)outsider);
	found->e[PROCS_OUTSIDE] = enter(text, env.mount);
	found->e[PROCS_INIT] = enter("/proc/1/root", env.mount);
	found->e[PROCS_BOUND] = write_to(bound, "0");
	found->e[PROCS_V1] = enter_v1();
	found->e[PROCS_V2] = enter("", env.mount);
	found->survivor = leader_spawn();
}

/* The act is a child's, so that the leader itself stays where it is. */
static void leave_in_child(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		leave(arg);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static struct leader session(const char *text)
{
	const struct order order = { .user = "root",
				     .service = "sshd",
				     .type = BVP_MSG_OPEN,
				     .act = leave_in_child };
	struct leader l;

	policy("root", text);
	for (size_t i = 0; i < WAYS; i++)
		found->e[i] = -1;
	found->survivor = 0;
	outsider = getpid();
	l = opened(&order);
	snprintf(found->leaf, sizeof(found->leaf), "%s/session-%s", env.base,
		 l.view->session);
	return l;
}

/* The kernel's words of a process, from outside: lines of cgroup mounts, and
 * those of them that may be written. */
static void mounts_of(pid_t pid, size_t *ret_all, size_t *ret_writable)
{
	char path[64], line[4 * PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	*ret_all = *ret_writable = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		char at[PATH_MAX], flags[256];

		if (strstr(line, " - cgroup ") == NULL &&
		    strstr(line, " - cgroup2 ") == NULL)
			continue;
		*ret_all += 1;
		assert_int_equal(
			sscanf(line, "%*s %*s %*s %*s %4095s %255s", at, flags),
			2);
		*ret_writable += strncmp(flags, "ro", 2) != 0;
	}
	fclose(f);
}

static void assert_inside(const struct leader *l, pid_t pid)
{
	size_t all, writable;

	assert_true(pid > 0);
	assert_true(in_leaf(l, pid));
	mounts_of(pid, &all, &writable);
	assert_true(all > 0);
	assert_int_equal(writable, 0);
}

static const char *observed_mounts(json_t *r)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(r, "observed"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "kind")),
			   "attested_cgroup_mounts") == 0)
			return json_string_value(
				json_object_get(row, "detail"));
	}
	return "";
}

static void assert_ends_with_its_session(struct leader *l)
{
	json_t *r;

	assert_true(leader_step(l, 'c'));
	eventually(is_dead(found->survivor));
	eventually(nothing_left());
	assert_outcome(l, "completed");
	r = record_of(l);
	assert_non_null(strstr(observed_mounts(r), ", all ro"));
	json_decref(r);
	leader_done(l);
}

static void test_write_all__no_way_out_of_the_leaf(void **state)
{
	struct leader l;

	(void)state;
	need_stage();
	l = session(HEAD "write = /\n[network]\naccess = deny\n");
	assert_true(leader_step(&l, 'a'));
	assert_inside(&l, found->survivor);
	assert_inside(&l, l.pid);
	assert_int_equal(found->e[PROCS_V2], EROFS);
	assert_int_equal(found->e[PROCS_LEAF], EROFS);
	assert_int_equal(found->e[PROCS_BOUND], EROFS);
	assert_int_equal(found->e[MAKE_CHILD], EROFS);
	if (found->e[PROCS_V1] != -1) /* there is a hierarchy of version 1 */
		assert_int_equal(found->e[PROCS_V1], EROFS);
	assert_int_equal(found->e[PROCS_OUTSIDE], EACCES);
	assert_int_equal(found->e[PROCS_INIT], EACCES);
	assert_int_equal(found->e[CLONE_INTO], ENOSYS);
	assert_int_equal(found->e[REMOUNT], EPERM);
	assert_int_equal(found->e[MOUNT_ANEW], EPERM);
	assert_ends_with_its_session(&l);
}

static void test_exposed_to_be_read__is_no_way_either(void **state)
{
	struct leader l;
	char text[2 * PATH_MAX];

	(void)state;
	need_stage();
	snprintf(text, sizeof(text),
		 HEAD "write = /\n[network]\naccess = deny\n"
		      "[expose]\nread = %s -> /home/cg\n",
		 env.mount);
	l = session(text);
	assert_true(leader_step(&l, 'a'));
	assert_inside(&l, found->survivor);
	assert_int_equal(found->e[PROCS_EXPOSED], EROFS);
	assert_ends_with_its_session(&l);
}

/* A user's: of root no fault is a refusal. */
static void assert_kept_out(enum bvp_verdict verdict, const char *lines,
			    const char *because)
{
	const struct order order = open_as("bvt-alice");
	char text[2 * PATH_MAX];
	struct leader l;

	snprintf(text, sizeof(text),
		 "bvisor-policy 1\n[match]\nuser = bvt-alice\n"
		 "[network]\naccess = deny\n[filesystem]\nbase = system\n%s\n",
		 lines);
	policy("alice", text);
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, verdict);
	if (strstr(l.view->log_text, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", l.view->log_text,
			 because);
	leader_done(&l);
	eventually(nothing_left());
}

static void test_named_to_be_written__refused_with_line(void **state)
{
	static const struct {
		const char *before, *below, *after;
		int line;
	} rows[] = {
		{ "[expose]\nwrite = ", "", "", 9 },
		{ "[expose]\nwrite = ", "", " -> /home/cg", 9 },
		{ "[expose]\nwrite = ", "/cgroup.procs", "", 9 },
		{ "write = ~\nwrite = ", "", "", 9 },
	};
	char lines[PATH_MAX + 128], because[PATH_MAX + 128];

	(void)state;
	need_stage();
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		snprintf(lines, sizeof(lines), "%s%s%s%s", rows[i].before,
			 env.mount, rows[i].below, rows[i].after);
		snprintf(because, sizeof(because),
			 "alice.conf:%d: '%s%s' is in a cgroup file system",
			 rows[i].line, env.mount, rows[i].below);
		assert_kept_out(BVP_REFUSED, lines, because);
	}
}

/* What nobody can reach to seal it may come to light when the host unmounts. */
static void test_under_another_mount__refused(void **state)
{
	(void)state;
	need_stage();
	must(mount(env.mount, "/run/covered", NULL, MS_BIND, NULL) == 0 &&
		     mount("none", "/run/covered", "tmpfs", 0, NULL) == 0,
	     "cover");
	assert_kept_out(BVP_FAULT, "write = ~",
			"'/run/covered' lies under another mount");
	must(umount2("/run/covered", 0) == 0 && umount2("/run/covered", 0) == 0,
	     "uncover");
}

/* As of an overlay of hundreds of layers: its own options are not looked at. */
static void test_long_line__read_past(void **state)
{
	bv_auto_close int fd = memfd_create("mountinfo", MFD_CLOEXEC);
	const size_t want = 100u << 10;
	char layer[4096];
	struct bv_err err = { 0 };
	size_t n = 0;

	(void)state;
	assert_true(fd >= 0);
	memset(layer, 'l', sizeof(layer));
	dprintf(fd, "36 25 0:30 / /a rw - overlay o rw,lowerdir=");
	for (size_t at = 0; at < want; at += sizeof(layer))
		assert_int_equal(write(fd, layer, sizeof(layer)),
				 sizeof(layer));
	dprintf(fd, "\n37 25 0:31 / /b ro - cgroup2 cgroup2 rw\n");
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(bvh_cgroup_mounts_check(fd, &n, &err), BV_OK);
	assert_int_equal(n, 1);
	dprintf(fd, "38 25 0:31 / /c rw - cgroup2 cgroup2 rw\n");
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(bvh_cgroup_mounts_check(fd, &n, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "38 on '/c'"));
}

static int set_mounts(void **state)
{
	char procs[PATH_MAX + 16];
	const int code = set_stage(state);

	found = mmap(NULL, sizeof(*found), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (code != 0 || env.unable != NULL)
		return code;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", env.mount);
	must(mkdir("/run/a place", 0755) == 0 &&
		     mkdir("/run/covered", 0755) == 0 &&
		     mkdir("/home/cg", 0755) == 0,
	     "places");
	write_file(bound, "");
	must(mount(procs, bound, NULL, MS_BIND, NULL) == 0, bound);
	return 0;
}

/* One that got out is nobody's any more. */
static int sweep_all(void **state)
{
	if (found != MAP_FAILED && found->survivor > 0)
		kill(found->survivor, SIGKILL);
	(void)unlink("/etc/bvisor/policies/root.conf");
	return sweep_stage(state);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_all__no_way_out_of_the_leaf),
		TEST(test_exposed_to_be_read__is_no_way_either),
		TEST(test_named_to_be_written__refused_with_line),
		TEST(test_under_another_mount__refused),
		TEST(test_long_line__read_past),
	};

	return cmocka_run_group_tests(tests, set_mounts, clear_stage);
}
