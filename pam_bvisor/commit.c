/* SPDX-License-Identifier: MIT */
/* A handful of system calls on what the guardian handed over; see commit.h. */
#include "pam_bvisor/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pam_bvisor/red.h"

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#define LOG_NEW_EXEC_ON (1u << 1) /* landlock ABI 7 */

int bvp_commit_possible(const char **ret_what)
{
	*ret_what = "a program with threads cannot be confined";
	/* unshares nothing: EINVAL unless this thread is the only one */
	return unshare(CLONE_THREAD) != 0 && errno == EINVAL ? EINVAL : 0;
}

/* setns(2) of a mount namespace moves the working directory to its root. */
static int enter_mount_namespace(int fd)
{
	char cwd[PATH_MAX];
	const int known = getcwd(cwd, sizeof(cwd)) != NULL && cwd[0] == '/';

	if (setns(fd, CLONE_NEWNS) != 0)
		return errno;
	if (!known || chdir(cwd) != 0)
		return chdir("/") == 0 ? 0 : errno;
	return 0;
}

/* *ret_listener stays -1 unless one was asked for. */
static int install_filter(const struct bvp_reply *r, int *ret_listener)
{
	const size_t bytes = (size_t)r->bpf_len * sizeof(struct sock_filter);
	const int wants = (r->flags & BVP_FLAG_LISTENER) != 0;
	struct sock_fprog prog;
	long rc;

	if (r->bpf_len == 0 || r->bpf_len > USHRT_MAX)
		return EINVAL;
	prog.len = (unsigned short)r->bpf_len;
	prog.filter = malloc(bytes); /* the packet's bytes are unaligned */
	if (prog.filter == NULL)
		return ENOMEM;
	memcpy(prog.filter, r->bpf, bytes);
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     wants ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0u, &prog);
	free(prog.filter);
	if (rc < 0)
		return errno;
	if (wants)
		*ret_listener = (int)rc; /* O_CLOEXEC by the kernel */
	return 0;
}

/* Landlock shows nowhere; that this fails shows it. */
static uint32_t try_forbidden(const char *path)
{
	int fd;

	if (path[0] == '\0')
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES ? BVP_FLAG_TRIAL_DENIED : 0;
}

int bvp_commit(const struct bvp_commit *c, int *ret_listener,
	       uint32_t *ret_flags, const char **ret_what)
{
	/* asked while /run can still be read */
	const int no_filter = bvp_red("commit-seccomp");
	int e;

	*ret_listener = -1;
	*ret_flags = 0;
	*ret_what = "seccomp filter of the gate";
	if ((c->reply->flags & BVP_FLAG_CHILD) != 0)
		return install_filter(c->reply, ret_listener);
	*ret_what = "setns of the network namespace";
	if (c->netns >= 0 && !bvp_red("commit-netns") &&
	    setns(c->netns, CLONE_NEWNET) != 0)
		return errno;
	*ret_what = "setns of the mount namespace";
	if (c->mntns >= 0 && !bvp_red("commit-mntns")) {
		e = enter_mount_namespace(c->mntns);
		if (e != 0)
			return e;
	}
	*ret_what = "no_new_privs";
	if ((c->reply->flags & BVP_FLAG_NNP) != 0 && !bvp_red("commit-nnp") &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0)
		return errno;
	*ret_what = "landlock_restrict_self";
	if (c->ruleset >= 0 && !bvp_red("commit-landlock") &&
	    syscall(SYS_landlock_restrict_self, c->ruleset,
		    (c->reply->flags & BVP_FLAG_LOG_EXEC) != 0 ? LOG_NEW_EXEC_ON
							       : 0u) != 0)
		return errno;
	*ret_what = "seccomp filter";
	if (!no_filter) {
		e = install_filter(c->reply, ret_listener);
		if (e != 0)
			return e;
	}
	*ret_flags = try_forbidden(c->reply->trial);
	return 0;
}
