/* SPDX-License-Identifier: MIT */
/*
 * Which calls make a task. clone3 takes its flags from memory, which no filter
 * sees: for threads it is answered ENOSYS, and libc goes back to clone, whose
 * flags are in a register. x32 and foreign ABIs are libseccomp's bad
 * architecture: killed.
 */
#include "helper/spawn_filter.h"

#include "helper/filter_export.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>

struct row {
	int nr;
	int errno_ret;
	unsigned int args_n;
	struct scmp_arg_cmp arg[1];
};

#define ANY(name, e)                                                           \
	{                                                                      \
		SCMP_SYS(name), e, 0,                                          \
		{                                                              \
			{                                                      \
				0, SCMP_CMP_EQ, 0, 0                           \
			}                                                      \
		}                                                              \
	}

static const struct row none_rows[] = {
	ANY(clone, EPERM),
	ANY(clone3, EPERM),
	ANY(fork, EPERM),
	ANY(vfork, EPERM),
};

#if defined(__s390__) || defined(__CRIS__)
#error "clone(2) has its flags in the second argument here"
#endif
static const struct row threads_rows[] = {
	ANY(clone3, ENOSYS),
	{ SCMP_SYS(clone),
	  EPERM,
	  1,
	  { { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0 } } },
	ANY(fork, EPERM),
	ANY(vfork, EPERM),
};

static int add_rows(scmp_filter_ctx ctx, const struct row *row, size_t n,
		    struct bv_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc;

		/* __PNR_ numbers: this architecture never had the call. */
		if (row[i].nr < 0)
			continue;
		rc = seccomp_rule_add_array(
			ctx, SCMP_ACT_ERRNO((uint32_t)row[i].errno_ret),
			row[i].nr, row[i].args_n, row[i].arg);
		if (rc < 0)
			return bv_fail_errno(err, -rc,
					     "spawn rule for system call %d",
					     row[i].nr);
	}
	return BV_OK;
}

int bvh_spawn_build(enum bv_spawn spawn, struct bvh_spawn_bpf *ret,
		    struct bv_err *err)
{
	scmp_filter_ctx ctx;
	int code;

	ret->n = 0;
	if (spawn == BV_SPAWN_DESCENDANTS || bvh_red("spawn"))
		return BV_OK;
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (ctx == NULL)
		return bv_fail(err, BV_E_NOMEM, "seccomp_init");
	code = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				SCMP_ACT_KILL_PROCESS) == 0
		       ? BV_OK
		       : bv_fail(err, BV_E_SYS, "seccomp attributes");
	if (code == BV_OK && spawn == BV_SPAWN_NONE)
		code = add_rows(ctx, none_rows, BV_LEN(none_rows), err);
	else if (code == BV_OK)
		code = add_rows(ctx, threads_rows, BV_LEN(threads_rows), err);
	if (code == BV_OK)
		code = bvh_filter_export(ctx, ret->insn, BVH_SPAWN_BPF_MAX,
					 &ret->n, err);
	seccomp_release(ctx);
	return code;
}

int bvh_spawn_install(struct bvh_spawn_bpf *bpf, struct bv_err *err)
{
	struct sock_fprog prog = {
		.len = (unsigned short)bpf->n,
		.filter = bpf->insn,
	};

	if (bpf->n == 0)
		return BV_OK;
	if (bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return bv_fail_errno(err, errno, "install the spawn filter");
	return BV_OK;
}
