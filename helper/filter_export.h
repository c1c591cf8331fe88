/* SPDX-License-Identifier: MIT */
/* A filter of libseccomp's as instructions of the kernel's. */
#ifndef BVH_FILTER_EXPORT_H
#define BVH_FILTER_EXPORT_H

#include "core/err.h"

#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>

/* At insn, which has room for so many; *ret_n: how many it became. */
int bvh_filter_export(const scmp_filter_ctx ctx, struct sock_filter *insn,
		      size_t room, size_t *ret_n,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
