/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of the leader, after the commit, read by the guardian
 * from /proc/<pid>: cgroup, namespaces, the mounts of cgroup file systems, Seccomp,
 * NoNewPrivs. Not what the module says of itself.
 */
#ifndef BVH_ATTEST_H
#define BVH_ATTEST_H

#include "core/report.h"
#include "helper/cgroup.h"

struct bvh_expectation {
	const struct bvh_leaf *leaf;
	int mntns_fd, netns_fd; /* -1: not asked for */
	bool seccomp;
	unsigned int seccomp_filters_min; /* filters before + 1 */
	bool no_new_privs;
};

/* How many seccomp filters has pid now ("Seccomp_filters:", Linux 5.9)? */
int bvh_attest_filters(pid_t pid, unsigned int *ret,
		       struct bv_err *err) BV_MUST_CHECK;
/* Every mismatch is an error naming what was expected and what was read;
 * each confirmed step is added to the report as evidence. Landlock has no
 * /proc witness before ABI 7; its restrict_self is proved by ... see attest.c */
int bvh_attest(pid_t pid, const struct bvh_expectation *want,
	       struct bv_report *report, struct bv_err *err) BV_MUST_CHECK;

#endif
