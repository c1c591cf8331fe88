/* SPDX-License-Identifier: MIT */
/*
 * The child between clone3(2) and execve(2): the leader's entries of the
 * schedule, the last of which is the command. Each step that fails is told to
 * the parent and ends the child; there is no way to the command around a step.
 * Nothing is allocated on the way: what could fail for want of memory is done before
 * there is a child. An ordinary user's builds its own view all the same, in
 * namespaces that are nobody's but its own; this program has one thread.
 */
#include "helper/ctl/run.h"

#include "helper/cgroup_mounts.h"
#include "helper/fd.h"
#include "helper/pass.h"
#include "helper/red.h"
#include "helper/sys.h"
#include "helper/view.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define EXIT_CHILD 1 /* never looked at: the notes say what happened */
#define ABI_LOG    7 /* landlock denials of executed programs are audited */

/* A command gets signals as a login shell does. */
#define SECUREBITS                                                             \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |  \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static void note(const struct bvh_run_ends *ends, enum bvh_note_kind kind,
		 const struct bv_err *err)
{
	struct bvh_note n = { .kind = kind };

	if (err != NULL) {
		n.sys_errno = err->sys_errno;
		n.code = err->code;
		memcpy(n.msg, err->msg, sizeof(n.msg));
	}
	if (write(ends->status_fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		_exit(EXIT_CHILD);
}

/* The child of one run. */
struct self {
	struct bvh_run *r;
	const struct bvh_run_ends *ends;
	int proc_fd; /* of before the view, which may hide it */
};

static int await_maps(const struct bvh_run_ends *ends, struct bv_err *err)
{
	int parents = ends->go_parent_fd;
	char go = 0;

	/* Our copy of the parent's end would keep a dead parent's pipe open. */
	bvh_close(&parents);
	if (read(ends->go_fd, &go, 1) != 1)
		return bv_fail(err, BV_E_SYS,
			       "the user namespace was not "
			       "mapped");
	return BV_OK;
}

static int caps_drop(struct bvh_course *c, struct bv_err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { { 0 } };

	(void)c;
	/* EINVAL: the kernel's last capability was the one before. */
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL && cap > CAP_SETPCAP)
			break;
		return bv_fail_errno(err, errno, "drop capability %lu", cap);
	}
	if (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0) != 0)
		return bv_fail_errno(err, errno, "lock the securebits");
	if (syscall(SYS_capset, &head, none) != 0)
		return bv_fail_errno(err, errno, "drop all capabilities");
	return BV_OK;
}

/* What a row of the child's table is given. */
static struct bvh_run *run_of(const struct bvh_course *c)
{
	const struct self *me = c->owner;

	return me->r;
}

static int userns_netns(struct bvh_course *c, struct bv_err *err)
{
	(void)c;
	if (unshare(CLONE_NEWNET) != 0)
		return bv_fail_errno(err, errno, "unshare the network");
	return BV_OK;
}

static int netns_enter(struct bvh_course *c, struct bv_err *err)
{
	if (setns(c->boundary->netns_fd, CLONE_NEWNET) != 0)
		return bv_fail_errno(err, errno, "enter the network namespace");
	return BV_OK;
}

static int view_enter(struct bvh_course *c, struct bv_err *err)
{
	if (setns(c->boundary->mntns_fd, CLONE_NEWNS) != 0)
		return bv_fail_errno(err, errno, "enter the mount namespace");
	return BV_OK;
}

static int send_listener(int sock, int listener, struct bv_err *err)
{
	const char byte = 'l';
	int code = bvh_pass_send(sock, &byte, 1, &listener, 1, err);

	return code == BV_OK ? BV_OK : bv_ctx(err, "the listener");
}

static int core_forbid(struct bvh_course *c, struct bv_err *err)
{
	const struct rlimit no_core = { 0, 0 };

	(void)c;
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return bv_fail_errno(err, errno, "forbid core dumps");
	return BV_OK;
}

static int no_new_privs(struct bvh_course *c, struct bv_err *err)
{
	(void)c;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return bv_fail_errno(err, errno, "no_new_privs");
	return BV_OK;
}

/* No guardian attests a run: the child asks the kernel itself, as long as it may
 * look everywhere. */
static int look_at_mounts(const struct self *me, struct bv_err *err)
{
	bv_auto_close int fd = openat(me->proc_fd, "thread-self/mountinfo",
				      O_RDONLY | O_CLOEXEC);
	size_t n;

	if (bvh_red("attest"))
		return BV_OK;
	if (fd < 0)
		return bv_fail_errno(err, errno, "open our own mountinfo");
	return bvh_cgroup_mounts_check(fd, &n, err);
}

static int landlock_restrict(struct bvh_course *c, struct bv_err *err)
{
	uint32_t flags =
		c->lowered.landlock_abi >= ABI_LOG ? BVH_LL_LOG_NEW_EXEC_ON : 0;
	int code = look_at_mounts(c->owner, err);

	if (code != BV_OK)
		return code;
	if (bvh_sys_landlock_restrict(c->boundary->ruleset_fd, flags) != 0)
		return bv_fail_errno(err, errno, "landlock_restrict_self");
	return BV_OK;
}

static int seccomp_install(struct bvh_course *c, struct bv_err *err)
{
	const struct self *me = c->owner;
	const bool listens = bvh_boundary_listens(c);
	struct bvh_bpf *bpf = &c->boundary->bpf;
	struct sock_fprog prog = {
		.len = (unsigned short)bpf->n,
		.filter = bpf->insn,
	};
	bv_auto_close int listener = -1;
	int rc = bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER,
				 listens ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0,
				 &prog);

	if (rc < 0)
		return bv_fail_errno(err, errno, "install the seccomp filter");
	if (!listens)
		return BV_OK;
	listener = rc;
	return send_listener(me->ends->listener_sock, listener, err);
}

/* The last filter: nothing after it makes a task. */
static int spawn_filter(struct bvh_course *c, struct bv_err *err)
{
	return bvh_spawn_install(&run_of(c)->spawn, err);
}

static int become_user(const struct bvh_run *r, struct bv_err *err)
{
	const struct bv_subject *s = &r->adm.subject;

	if (!r->switch_user)
		return BV_OK;
	if (setgroups(r->gids_n, r->gids) != 0)
		return bv_fail_errno(err, errno, "setgroups");
	if (setresgid(s->gid, s->gid, s->gid) != 0)
		return bv_fail_errno(err, errno, "setresgid %u", s->gid);
	if (setresuid(s->uid, s->uid, s->uid) != 0)
		return bv_fail_errno(err, errno, "setresuid %u", s->uid);
	return BV_OK;
}

/* After the last change of ids, which clears it. */
static int die_with_parent(const struct bvh_run *r, struct bv_err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return bv_fail_errno(err, errno, "PR_SET_PDEATHSIG");
	if (getppid() != r->parent)
		return bv_fail(err, BV_E_SYS, "bvisorctl is gone");
	return BV_OK;
}

/* The directory may lie outside of what the command may see. */
static void choose_directory(const struct bvh_run *r)
{
	if (r->cwd[0] == '/' && !r->switch_user && chdir(r->cwd) == 0)
		return;
	if (chdir(r->adm.subject.home) != 0)
		(void)!chdir("/");
}

/* Its PATH is the one that is searched. */
static int environment(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	environ = run_of(c)->envp;
	return BV_OK;
}

/* What the caller had open is a way around every rule. The status pipe closes
 * with the rest, at the exec. */
static int fds_cloexec(struct bvh_course *c, struct bv_err *err)
{
	(void)c;
	if (bvh_red("fds"))
		return BV_OK;
	if (bvh_sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "close_range");
	return BV_OK;
}

static int handles_limit(struct bvh_course *c, struct bv_err *err)
{
	struct rlimit before;

	return bvh_handles_limit(0, c->lowered.handles_max, &before, err);
}

/* Is there a file of that name at all on PATH? execvp(3) says EACCES also for
 * a directory of PATH that may not be searched; that is "not found". */
static bool is_on_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	while (path != NULL && *path != '\0') {
		int len = (int)strcspn(path, ":");
		int n = snprintf(file, sizeof(file), "%.*s/%s", len, path,
				 name);

		if (n > 0 && (size_t)n < sizeof(file) &&
		    access(file, F_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

static _Noreturn void execute(const struct self *me)
{
	struct bv_err err = { 0 };
	char **argv = me->r->argv;
	int why;

	note(me->ends, BVH_NOTE_READY, NULL);
	if (me->r->inside != NULL) {
		/* As an exec would: what it leaves running holds nobody up. */
		close(me->ends->status_fd);
		_exit(me->r->inside(me->r->inside_arg));
	}
	execvp(argv[0], argv);
	why = errno;
	if (why == EACCES && strchr(argv[0], '/') == NULL &&
	    !is_on_path(argv[0]))
		why = ENOENT;
	(void)bv_fail_errno(&err, why, "cannot execute '%s'", argv[0]);
	note(me->ends, BVH_NOTE_EXEC_FAILED, &err);
	_exit(EXIT_CHILD);
}

static int launch(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_run *r = run_of(c);
	int code = become_user(r, err);

	if (code == BV_OK)
		code = die_with_parent(r, err);
	if (code != BV_OK)
		return code;
	choose_directory(r);
	if (r->file_unlimited && setrlimit(RLIMIT_FSIZE, &r->file_limit) != 0)
		return bv_fail_errno(err, errno, "the limit on file sizes");
	if (sigaction(SIGXFSZ, &r->file_size, NULL) != 0 ||
	    sigprocmask(SIG_SETMASK, &r->mask, NULL) != 0)
		return bv_fail_errno(err, errno, "sigprocmask");
	execute(c->owner);
}

static const struct bvh_step child_steps[BV_PRIM_N] = {
	[BV_PRIM_USERNS_NETNS] = { userns_netns, NULL, false },
	[BV_PRIM_NETNS_ENTER] = { netns_enter, NULL, false },
	[BV_PRIM_VIEW_ENTER] = { view_enter, NULL, false },
	[BV_PRIM_CAPS_DROP] = { caps_drop, NULL, false },
	[BV_PRIM_CORE_FORBID] = { core_forbid, NULL, false },
	[BV_PRIM_NO_NEW_PRIVS] = { no_new_privs, NULL, false },
	[BV_PRIM_LANDLOCK_RESTRICT] = { landlock_restrict, NULL, false },
	[BV_PRIM_SECCOMP_INSTALL] = { seccomp_install, NULL, false },
	[BV_PRIM_SPAWN_FILTER] = { spawn_filter, NULL, false },
	[BV_PRIM_ENVIRONMENT] = { environment, NULL, false },
	[BV_PRIM_HANDLES_LIMIT] = { handles_limit, NULL, false },
	[BV_PRIM_FDS_CLOEXEC] = { fds_cloexec, NULL, false },
	[BV_PRIM_RUN_LAUNCH] = { launch, NULL, false },
	[BV_PRIM_RUN_LAUNCH_USER] = { launch, NULL, false },
};

_Noreturn void bvh_run_child(struct bvh_run *r, const struct bvh_run_ends *ends)
{
	struct self me = { r, ends,
			   open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	struct bvh_course c = {
		.self = BV_ACTOR_LEADER,
		.steps = child_steps,
		.owner = &me,
		.in_view_already = true,
	};
	struct bv_err err = { 0 };
	int code = bvh_course_join(&c, &r->course, &err);

	if (code == BV_OK && r->user_namespace)
		code = await_maps(ends, &err);
	if (code == BV_OK && r->user_namespace)
		code = bvh_view_adopt(&err);
	if (code == BV_OK)
		code = bvh_course_run(&c, &err);
	if (code == BV_OK)
		code = bv_fail(&err, BV_E_BUG, "the schedule has no launch");
	note(ends, BVH_NOTE_FAULT, &err);
	_exit(EXIT_CHILD);
}
