/* SPDX-License-Identifier: MIT */
/*
 * Step 8: enter what the guardian prepared. Irrevocable, and in an order in
 * which no step takes away what the next one needs: namespaces while mounting
 * and setns are allowed, landlock before the filter that would not let it.
 */
#ifndef BVP_COMMIT_H
#define BVP_COMMIT_H

#include "pam_bvisor/wire.h"

struct bvp_commit {
	const struct bvp_reply *reply;
	int netns, mntns, ruleset; /* -1: not given */
};

/* 0, or an errno when this process cannot be confined as a whole: with threads
 * setns(2) fails, and landlock and seccomp bind the calling thread alone. */
int bvp_commit_possible(const char **ret_what);

/* A gate (BVP_FLAG_CHILD) is its filter alone, and binds no more than that.
 * 0 or an errno with *ret_what naming the step. *ret_listener is the seccomp
 * listener or -1. *ret_flags gets BVP_FLAG_TRIAL_DENIED when the trial open
 * was denied. The working directory is kept where it still exists. */
int bvp_commit(const struct bvp_commit *c, int *ret_listener,
	       uint32_t *ret_flags, const char **ret_what);

#endif
