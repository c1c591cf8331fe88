/* SPDX-License-Identifier: MIT */
/*
 * The node of one user between the base and the leaves, for limits over all of
 * the user's sessions: <base>/user-UID/session-ID. Made and removed by many
 * guardians at once, none of which owns it.
 *
 * Beside it a small reserve, <base>/user-UID-reserve: a session that finds the
 * node nearly full goes there, so that a user at the limit can still log in.
 * Over all sessions that makes at most the limit and
 * BVH_RESERVE_TASKS tasks.
 */
#ifndef BVH_USERNODE_H
#define BVH_USERNODE_H

#include "helper/cgroup.h"

#include <sys/types.h>

#define BVH_USER_NODE_MAX 32u
#define BVH_RESERVE_TASKS 16u
/* What a login needs at least: leader, its child, a shell, a command … */
#define BVH_LOGIN_TASKS 8u

/* "user-UID", or with "-reserve" where fewer than BVH_LOGIN_TASKS are left. */
void bvh_user_node_choose(const struct bvh_cgroup_base *base, uid_t uid,
			  const struct bvh_leaf_limits *limits,
			  char ret[BVH_USER_NODE_MAX]);

/* mkdir when it is missing, controllers for leaves, then the limits (of the
 * reserve: its own). The limits of the last session stand. */
int bvh_user_node_open(const struct bvh_cgroup_base *base, const char *name,
		       const struct bvh_leaf_limits *limits, int *ret_fd,
		       struct bv_err *err) BV_MUST_CHECK;

/* rmdir, if nobody needs it; a new session may make it anew at any time. */
void bvh_user_node_remove(int base_fd, const char *name);

/* A leaf below a node. Whoever removed the node meanwhile makes us open it
 * again: *fd may be another one afterwards. */
int bvh_user_leaf_create(const struct bvh_cgroup_base *base, const char *node,
			 const struct bvh_leaf_limits *limits, int *fd,
			 const char *leaf, struct bvh_leaf *ret,
			 struct bv_err *err) BV_MUST_CHECK;

/* Is it the name of a node? (systemd's "user-1000.slice" is not.) Pure. */
bool bvh_user_node_is(const char *name, size_t len);

/* len, or where a trailing "/user-N" of path[0..len) begins. Pure. */
size_t bvh_user_node_strip(const char *path, size_t len);

#endif
