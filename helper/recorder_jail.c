/* SPDX-License-Identifier: MIT */
/* What a recorder gives up before the first byte comes; see recorder.h. */
#include "helper/recorder.h"

#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEEP_MAX 8u

static int by_number(const void *a, const void *b)
{
	const int x = *(const int *)a;
	const int y = *(const int *)b;

	return (x > y) - (x < y);
}

int bvh_recorder_close_others(const int *keep, size_t n, struct bv_err *err)
{
	int sorted[KEEP_MAX + 1];
	unsigned int next = 3;

	if (n > KEEP_MAX)
		return bv_fail(err, BV_E_BUG, "too many descriptors to keep");
	for (size_t i = 0; i < n; i++)
		sorted[i] = keep[i];
	qsort(sorted, n, sizeof(*sorted), by_number);
	for (size_t i = 0; i < n; i++) {
		const unsigned int fd = (unsigned int)sorted[i];

		if (fd > next && bvh_sys_close_range(next, fd - 1, 0) != 0)
			return bv_fail_errno(err, errno, "close_range");
		if (fd >= next)
			next = fd + 1;
	}
	if (bvh_sys_close_range(next, ~0u, 0) != 0)
		return bv_fail_errno(err, errno, "close_range");
	return BV_OK;
}

static int drop(uid_t uid, gid_t gid, pid_t parent, struct bv_err *err)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (setgroups(0, NULL) != 0 || setresgid(0, gid, 0) != 0 ||
	    setresuid(0, uid, 0) != 0)
		return bv_fail_errno(err, errno, "take the user's rights");
	if (syscall(SYS_capset, &head, none) != 0)
		return bv_fail_errno(err, errno, "capset");
	/* With other rights the kernel forgets whose death is ours. */
	if (!bvh_red("capture-death") &&
	    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) != 0)
		return bv_fail_errno(err, errno, "PR_SET_PDEATHSIG");
	if (getppid() != parent)
		return bv_fail(err, BV_E_SYS, "the guardian is gone");
	/* And another effective uid may have made it readable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return bv_fail_errno(err, errno, "prctl");
	return BV_OK;
}

static const int calls[] = {
	SCMP_SYS(read),       SCMP_SYS(write),        SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),     SCMP_SYS(sendmsg),      SCMP_SYS(poll),
	SCMP_SYS(ppoll),      SCMP_SYS(close),        SCMP_SYS(shutdown),
	SCMP_SYS(pread64),    SCMP_SYS(pwrite64),     SCMP_SYS(fsync),
	SCMP_SYS(brk),        SCMP_SYS(munmap),       SCMP_SYS(clock_gettime),
	SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
};

/* Of terminals: their size and their settings. */
static const unsigned long commands[] = {
	TIOCGWINSZ, TIOCSWINSZ, TCGETS, TCSETS, TIOCNXCL,
};

int bvh_recorder_jail(uid_t uid, gid_t gid, pid_t parent, struct bv_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx == NULL ? -ENOMEM : 0;
	int code;

	for (size_t i = 0; i < BV_LEN(calls) && rc == 0; i++)
		rc = calls[i] < 0 ? 0
				  : seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
						     calls[i], 0);
	for (size_t i = 0; i < BV_LEN(commands) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_EQ, commands[i]));
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	code = rc == 0 ? drop(uid, gid, parent, err)
		       : bv_fail_errno(err, -rc, "the recorder's filter");
	if (code == BV_OK) {
		rc = seccomp_load(ctx);
		if (rc != 0)
			code = bv_fail_errno(err, -rc, "the recorder's filter");
	}
	if (ctx != NULL)
		seccomp_release(ctx);
	return code;
}
