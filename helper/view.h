/* SPDX-License-Identifier: MIT */
/*
 * The session's own mount and network namespaces. Built by the guardian, which
 * leaves again; the leader enters by the returned descriptors. Mount view, in
 * order: everything a slave of the host; cgroup file systems read-only;
 * private /tmp and /var/tmp (tmpfs);
 * /run/user an empty tmpfs with the user's own directory; D-Bus directories
 * reachable only by root (a 0700 tmpfs with the socket bound inside: the leader's
 * own pam_systemd still gets through, the user does not); hidden paths covered;
 * and with landlock ABI < 3, which cannot stop truncate(2), everything read-only
 * except the declared write roots and the session plumbing.
 */
#ifndef BVH_VIEW_H
#define BVH_VIEW_H

#include "core/spec.h"

#include <sys/types.h>

struct bvh_view_options {
	bool user_namespace;     /* unprivileged: uid 0 tricks unavailable */
	uint64_t tmp_size_bytes; /* 0: kernel default of half the memory */
};

/* Privileged: unshare, open /proc/self/ns/mnt, go back. On failure the caller
 * is back in its own namespace, or the process must exit (err->code
 * BV_E_BUG). Steps of view_parts.h fill it, from inside. */
int bvh_view_create(int *ret_mntns_fd, struct bv_err *err) BV_MUST_CHECK;

/* Make the *current* mount namespace, already unshared, a view to be filled: a
 * slave, its cgroup file systems read-only. */
int bvh_view_adopt(struct bv_err *err) BV_MUST_CHECK;

/* An empty network namespace (lo down); caller stays in its own. */
int bvh_netns_open(int *ret_netns_fd, struct bv_err *err) BV_MUST_CHECK;

#endif
