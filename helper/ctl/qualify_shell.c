/* SPDX-License-Identifier: MIT */
/*
 * Proofs about what a program is started with. It is executed for real, and
 * while it waits for its input the kernel is asked: /proc/PID/environ, fd,
 * status, ns, cgroup. Once by run's own way and once by bvisor-shell's.
 */
#include "helper/ctl/qualify.h"

#include "helper/attest.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SECRET "the-secret-of-the-proof"

/* --- a program that waits -------------------------------------------------- */

void bvh_watched_close(struct bvh_watched *w)
{
	bvh_close(&w->to_fd);
	bvh_close(&w->from_fd);
}

int bvh_watched_pipes(struct bvh_watched *ret, struct bv_err *err)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "pipe");
	ret->to_fd = in[1];
	if (pipe2(out, O_CLOEXEC) != 0) {
		bvh_close(&in[0]);
		return bv_fail_errno(err, errno, "pipe");
	}
	ret->from_fd = out[0];
	if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
		return bv_fail_errno(err, errno, "dup2");
	bvh_close(&in[0]);
	bvh_close(&out[1]);
	return BV_OK;
}

/* Ours is not among the writers once the child has it. */
static void leave_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	bvh_close(&null);
}

int bvh_watched_until(struct bvh_watched *w, const char *mark, char *ret,
		      size_t len, struct bv_err *err)
{
	size_t used = 0;

	leave_streams();
	ret[0] = '\0';
	for (;;) {
		struct pollfd p = { .fd = w->from_fd, .events = POLLIN };
		ssize_t n;

		if (mark != NULL && strstr(ret, mark) != NULL)
			return BV_OK;
		if (used + 1 >= len)
			return bv_fail(err, BV_E_LIMIT, "it said too much");
		if (poll(&p, 1, BVH_PROOF_WAIT_MS) != 1)
			return bv_fail(err, BV_E_TIMEOUT, "it said nothing");
		n = read(w->from_fd, ret + used, len - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		ret[used] = '\0';
	}
	return mark == NULL ? BV_OK
			    : bv_fail(err, BV_E_SYS,
				      "the program ended before it was up: "
				      "%.200s",
				      ret);
}

/* --- looks ----------------------------------------------------------------- */

/* What the kernel has to show of pid; arg is the look's own. */
typedef int (*look_fn)(const struct bvh_trial *t, const void *arg,
		       struct bv_err *err);

struct bytes {
	const char *v;
	size_t n;
};

static int look_environ(const struct bvh_trial *t, const void *arg,
			struct bv_err *err)
{
	const struct bytes *want = arg;
	char path[64], got[8192];
	bv_auto_close int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)t->run->child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : bvh_read_all(fd, got, sizeof(got) - 1);
	if (n < 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	if ((size_t)n != want->n || memcmp(got, want->v, want->n) != 0)
		return bv_fail(err, BV_E_SYS,
			       "'%s' is not the table of the policy: %zd bytes "
			       "beginning with '%.80s'",
			       path, n, got);
	return BV_OK;
}

/* Bit i: descriptor i is open; bit 63: one above is. */
static int open_set(pid_t pid, uint64_t *ret, struct bv_err *err)
{
	char path[64];
	const struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return bv_fail_errno(err, errno, "open '%s'", path);
	*ret = 0;
	while ((e = readdir(dir)) != NULL) {
		unsigned long fd = strtoul(e->d_name, NULL, 10);

		if (e->d_name[0] != '.')
			*ret |= UINT64_C(1) << (fd < 63 ? fd : 63);
	}
	closedir(dir);
	return BV_OK;
}

static int look_fds(const struct bvh_trial *t, const void *arg,
		    struct bv_err *err)
{
	const uint64_t *want = arg;
	uint64_t got = 0;
	int code = open_set(t->run->child, &got, err);

	if (code == BV_OK && got != *want)
		code = bv_fail(err, BV_E_SYS,
			       "descriptors open in it: set %#llx, not %#llx",
			       (unsigned long long)got,
			       (unsigned long long)*want);
	return code;
}

/* --- by which way ---------------------------------------------------------- */

/* Up, looked at, told to end, and it ends well. */
static int watch(struct bvh_trial *t, struct bvh_watched *w, look_fn look,
		 const void *arg, struct bv_err *err)
{
	char said[1024];
	int code = write(w->to_fd, "up\n", 3) == 3
			   ? BV_OK
			   : bv_fail_errno(err, errno, "write to the program");

	if (code == BV_OK)
		code = bvh_watched_until(w, "up\n", said, sizeof(said), err);
	if (code == BV_OK)
		code = look(t, arg, err);
	bvh_watched_close(w);
	if (code != BV_OK)
		return code;
	code = bvh_trial_wait(t, err);
	if (code == BV_OK && t->end.wait_status != 0)
		code = bv_fail(err, BV_E_SYS, "the program ended with %d",
			       t->end.wait_status);
	return code;
}

static int by_run(const struct bvh_stage *s, struct bvh_outcome *o,
		  const char *lines, look_fn look, const void *arg,
		  struct bv_err *err)
{
	char name[] = "/bin/cat";
	char *argv[] = { name, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	bv_auto_watched struct bvh_watched w = { -1, -1 };
	int code = bvh_watched_pipes(&w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&t, err, "%s", lines);
	if (code == BV_OK)
		code = bvh_trial_begin(&t, NULL, NULL, argv, err);
	if (code == BV_OK)
		code = watch(&t, &w, look, arg, err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

static int by_shell(const struct bvh_stage *s, struct bvh_outcome *o,
		    const char *lines, look_fn look, const void *arg,
		    struct bv_err *err)
{
	char name[] = "cat";
	char *argv[] = { name, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	bv_auto_watched struct bvh_watched w = { -1, -1 };
	int code = bvh_watched_pipes(&w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&t, err, "%s", "");
	if (code == BV_OK)
		code = bvh_launch_in(&t, lines, "/bin/cat", argv, err);
	if (code == BV_OK)
		code = watch(&t, &w, look, arg, err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* --- environment ----------------------------------------------------------- */

#define TABLE_LINES                                                            \
	"[environment]\npolicy = exact\nset = PATH=/usr/bin:/bin\n"            \
	"set = MARK=of the policy\n"
#define TABLE_BYTES "PATH=/usr/bin:/bin\0MARK=of the policy"

BVH_PROOF(environment)
{
	static const struct bytes want = { TABLE_BYTES, sizeof(TABLE_BYTES) };
	int code;

	/* Of ours, and in nobody else's. */
	if (setenv("HOME", "/not/of/the/policy", 1) != 0 ||
	    setenv("LC_PROOF", "not of the policy", 1) != 0)
		return bv_fail_errno(err, errno, "setenv");
	code = by_run(s, o, TABLE_LINES, look_environ, &want, err);
	return code == BV_OK
		       ? by_shell(s, o, TABLE_LINES, look_environ, &want, err)
		       : code;
}

/* A secret where the guardian looks for them, in a view of the machine that
 * goes with this process. */
static int make_secret(struct bv_err *err)
{
	static const char top[] = "/etc/bvisor";
	static const char file[] = BVH_SECRETS_DIR "/proof";
	bv_auto_close int fd = -1;

	if (access(top, F_OK) != 0)
		return bv_fail(err, BV_E_UNSUPPORTED, "there is no %s", top);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 ||
	    mount("bvisor-qualify", top, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0755,size=1m") != 0)
		return bv_fail_errno(err, errno, "mount a tmpfs at '%s'", top);
	if (mkdir(BVH_SECRETS_DIR, 0700) != 0)
		return bv_fail_errno(err, errno, "mkdir " BVH_SECRETS_DIR);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || bvh_write_all(fd, SECRET "\n", sizeof(SECRET), 0) != 0)
		return bv_fail_errno(err, errno, "write '%s'", file);
	return BV_OK;
}

#define LEASE_LINES                                                            \
	"[environment]\npolicy = exact\nset = MARK=of the policy\n"            \
	"lease = TOKEN=proof\n"
#define LEASE_BYTES "MARK=of the policy\0TOKEN=" SECRET

/* A secret that others may read is none, and nothing is launched with it. */
static int open_secret_refused(const struct bvh_stage *s, struct bvh_outcome *o,
			       struct bv_err *err)
{
	char name[] = "cat";
	char *argv[] = { name, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	struct bv_err why = { 0 };
	int code = bvh_trial_plan(&t, err, "%s", "");

	if (code != BV_OK)
		return code;
	if (chmod(BVH_SECRETS_DIR "/proof", 0644) != 0)
		return bv_fail_errno(err, errno, "chmod of the secret");
	if (bvh_launch_in(&t, LEASE_LINES, "/bin/cat", argv, &why) == BV_OK)
		return bv_fail(err, BV_E_SYS,
			       "a secret that everybody reads was given out");
	if (strstr(why.msg, SECRET) != NULL)
		return bv_fail(err, BV_E_SYS, "a message holds the secret");
	return bvh_trial_down(&t, err);
}

BVH_PROOF(lease)
{
	static const struct bytes want = { LEASE_BYTES, sizeof(LEASE_BYTES) };
	int code = make_secret(err);

	if (code == BV_OK)
		code = by_shell(s, o, LEASE_LINES, look_environ, &want, err);
	return code == BV_OK ? open_secret_refused(s, o, err) : code;
}

/* --- descriptors ----------------------------------------------------------- */

#define STREAMS UINT64_C(0x7)

static int open_sentinels(struct bv_err *err)
{
	if (dup2(STDERR_FILENO, BVH_SENTINEL) < 0 ||
	    dup2(STDERR_FILENO, BVH_KEPT) < 0 ||
	    fcntl(BVH_SENTINEL, F_GETFD) != 0 || fcntl(BVH_KEPT, F_GETFD) != 0)
		return bv_fail_errno(err, errno, "open two descriptors more");
	return BV_OK;
}

BVH_PROOF(fds_none)
{
	static const uint64_t want = STREAMS;
	static const char lines[] = "[fds]\npolicy = none\n";
	int code = open_sentinels(err);

	if (code == BV_OK)
		code = by_run(s, o, lines, look_fds, &want, err);
	return code == BV_OK ? by_shell(s, o, lines, look_fds, &want, err)
			     : code;
}

BVH_PROOF(fds_only)
{
	static const uint64_t want = STREAMS | UINT64_C(1) << BVH_KEPT;
	int code = open_sentinels(err);

	return code == BV_OK
		       ? by_shell(s, o, "[fds]\npolicy = only\nkeep = 51\n",
				  look_fds, &want, err)
		       : code;
}

/* --- launch ---------------------------------------------------------------- */

/* What a guardian asks of the kernel before it lets a session begin. */
static int attest(const struct bvh_trial *t, struct bv_err *err)
{
	const struct bvh_boundary *b = &t->run->boundary;
	const struct bvh_expectation want = {
		.leaf = &b->leaf,
		.mntns_fd = b->mntns_fd,
		.netns_fd = b->netns_fd,
		.seccomp = true,
		.seccomp_filters_min = 1,
		.no_new_privs = true,
	};
	struct bv_report *report = calloc(1, sizeof(*report));
	int code = report == NULL
			   ? bv_fail(err, BV_E_NOMEM, "a report")
			   : bvh_attest(t->run->child, &want, report, err);

	free(report);
	return code;
}

static int status_comes_back(const struct bvh_stage *s, struct bvh_outcome *o,
			     struct bv_err *err)
{
	char name[] = "/bin/sh", dash_c[] = "-c";
	char script[] = "echo up; read x; exit 7";
	char *argv[] = { name, dash_c, script, NULL };
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	bv_auto_watched struct bvh_watched w = { -1, -1 };
	char said[64];
	int code = bvh_watched_pipes(&w, err);

	if (code == BV_OK)
		code = bvh_trial_plan(&t, err, "%s", "");
	if (code == BV_OK)
		code = bvh_trial_begin(&t, NULL, NULL, argv, err);
	if (code == BV_OK)
		code = bvh_watched_until(&w, "up\n", said, sizeof(said), err);
	if (code == BV_OK)
		code = attest(&t, err);
	bvh_watched_close(&w);
	if (code == BV_OK)
		code = bvh_trial_wait(&t, err);
	if (code == BV_OK && (!WIFEXITED(t.end.wait_status) ||
			      WEXITSTATUS(t.end.wait_status) != 7))
		code = bv_fail(err, BV_E_SYS,
			       "status 7 came back as wait status %#x",
			       (unsigned int)t.end.wait_status);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* Calls whose arguments are wrong: outside they say so, and what is denied says
 * EPERM before anybody looks at them. 0 stands for "it got that far". */
static int got_far(long rc)
{
	return rc >= 0 || errno == EINVAL || errno == EFAULT || errno == ENOSYS
		       ? 0
		       : errno;
}

static int perf_event(const struct bvh_stage *s)
{
	(void)s;
	return got_far(syscall(SYS_perf_event_open, NULL, 0, -1, -1, ~0UL));
}

static int new_user_namespace(const struct bvh_stage *s)
{
	(void)s;
	/* Not a flag of unshare(2): it is looked at first. */
	return got_far(unshare(CLONE_NEWUSER | CLONE_PARENT_SETTID));
}

static int add_key(const struct bvh_stage *s)
{
	(void)s;
	return got_far(syscall(SYS_add_key, NULL, NULL, NULL, 0, 0));
}

static int ordinary_call(const struct bvh_stage *s)
{
	(void)s;
	return getppid() > 0 ? 0 : EIO;
}

BVH_PROOF(launch)
{
	static const struct bvh_attack all[] = {
		{ "perf_event_open", perf_event, false, 0 },
		{ "a user namespace", new_user_namespace, false, 0 },
		{ "add_key", add_key, false, 0 },
		{ "an ordinary call", ordinary_call, true, 0 },
	};
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "%s", "");

	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_trial_down(&t, err);
	return code == BV_OK ? status_comes_back(s, o, err) : code;
}
