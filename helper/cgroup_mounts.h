/* SPDX-License-Identifier: MIT */
/*
 * Cgroup file systems in a session's view. Whoever may write a cgroup.procs there
 * moves itself out of its leaf, and with it out of every limit and out of the kill
 * at the end; so all of them are read-only in every view, whatever the policy lets
 * the session write. Nothing of ours writes them from inside: guardians stand
 * outside. The seccomp rows of mounting keep it so, and that of clone3, which
 * would start a child in any cgroup it may merely open (CLONE_INTO_CGROUP asks
 * for the file's permissions, not for the mount's).
 */
#ifndef BVH_CGROUP_MOUNTS_H
#define BVH_CGROUP_MOUNTS_H

#include "core/err.h"

#include <stddef.h>

/* Of the current mount namespace, which is our own already: each mount of cgroup
 * or cgroup2, bound parts as well. One that cannot be reached, under another
 * mount, is a failure. Allocates nothing. */
int bvh_cgroup_mounts_seal(struct bv_err *err) BV_MUST_CHECK;

/* What the kernel says: an open /proc/PID/mountinfo lists none that may be
 * written. *ret_n: how many there are. Allocates nothing. */
int bvh_cgroup_mounts_check(int mountinfo_fd, size_t *ret_n,
			    struct bv_err *err) BV_MUST_CHECK;

/* A policy names `path`, opened as fd, as one to write: BV_E_CONF when that is in
 * a cgroup file system. */
int bvh_cgroup_mounts_refuse(int fd, const char *path,
			     struct bv_err *err) BV_MUST_CHECK;

#endif
