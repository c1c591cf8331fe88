/* SPDX-License-Identifier: MIT */
/*
 * The spawn policy as one BPF program of its own, installed last, just before
 * the exec: no new task at all, or threads and nothing else.
 */
#ifndef BVH_SPAWN_FILTER_H
#define BVH_SPAWN_FILTER_H

#include "core/policy.h"

#include <linux/filter.h>

#define BVH_SPAWN_BPF_MAX 256u

struct bvh_spawn_bpf {
	struct sock_filter insn[BVH_SPAWN_BPF_MAX];
	size_t n; /* 0: descendants are allowed, nothing to install */
};

int bvh_spawn_build(enum bv_spawn spawn, struct bvh_spawn_bpf *ret,
		    struct bv_err *err) BV_MUST_CHECK;

/* For this process and what it executes. Without CAP_SYS_ADMIN the caller has
 * set no_new_privs. Nothing is allocated. */
int bvh_spawn_install(struct bvh_spawn_bpf *bpf,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
