/* SPDX-License-Identifier: MIT */
/*
 * The kernel objects of one boundary (leaf, namespaces, ruleset, filter) and
 * the steps that make them: what the guardian and `bvisorctl run` have in
 * common. In which order is the schedule's business, not this file's.
 */
#ifndef BVH_BOUNDARY_H
#define BVH_BOUNDARY_H

#include "helper/cgroup.h"
#include "helper/course.h"
#include "helper/net_bpf.h"
#include "helper/expose.h"
#include "helper/seccomp_filter.h"
#include "helper/usernode.h"

struct bvh_boundary {
	const struct bvh_cgroup_base *base; /* borrowed, set by the owner */
	const char *session_id;             /* likewise */
	struct bvh_leaf leaf;
	bool has_leaf;
	char node[BVH_USER_NODE_MAX]; /* the user's, above the leaf; "" none */
	int node_fd;
	int mntns_fd;
	int netns_fd; /* -1 when the network is open */
	int ruleset_fd;
	struct bvh_bpf bpf;
	struct bvh_net net; /* goes with the leaf */
	struct bvh_exposures exposed;
	int temp_fd; /* the private temp root, where a size is set; else -1 */
};

void bvh_boundary_init(struct bvh_boundary *b); /* every fd -1 */

/* Rows of what makes and unmakes the objects; the others are empty. */
extern const struct bvh_step bvh_boundary_steps[BV_PRIM_N];

/* The leaf's name, before it is there. */
#define BVH_LEAF_NAME_MAX 64u
void bvh_boundary_leaf_name(const char *session_id,
			    char ret[BVH_LEAF_NAME_MAX]);

/* Where it will be, or is, and in which node; once chosen that stays. */
int bvh_boundary_leaf_path(struct bvh_course *c, char *ret, size_t ret_len,
			   struct bv_err *err) BV_MUST_CHECK;

/* cgroup.kill → drain → rmdir, as the leaf's own undo does it. */
int bvh_boundary_leaf_undo(struct bvh_course *c,
			   struct bv_err *err) BV_MUST_CHECK;

/* Its first half: kill and drain, for whoever reads the counters before they
 * go. */
int bvh_boundary_leaf_empty(struct bvh_course *c,
			    struct bv_err *err) BV_MUST_CHECK;

/* The leaf's network programs are there, as the kernel lists them; "" without
 * any. ret: their ids. */
int bvh_boundary_attest_network(struct bvh_course *c, char *ret, size_t ret_len,
				struct bv_err *err) BV_MUST_CHECK;

/* Install with SECCOMP_FILTER_FLAG_NEW_LISTENER? */
bool bvh_boundary_listens(const struct bvh_course *c);

/* What entered the namespaces holds them; close our handles. */
void bvh_boundary_let_go(struct bvh_boundary *b);

#endif
