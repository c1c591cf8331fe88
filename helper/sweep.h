/* SPDX-License-Identifier: MIT */
/*
 * The hands of recovery (recover.h says what is to be done): what a guardian
 * that was killed left in cgroupfs and in run_dir is removed. Safe to run at any
 * time, from several processes at once.
 */
#ifndef BVH_SWEEP_H
#define BVH_SWEEP_H

#include "helper/cgroup.h"
#include "helper/session.h"

/* Whether nobody did within the last two seconds; if so, it is ours now. */
bool bvh_sweep_is_due(const char *run_dir);

/* Is there a leaf at this path, and how many tasks are in it? */
bool bvh_sweep_look(const char *path, uint64_t *ret_tasks);
/* Kill what is in it, wait, remove it, and the user's node above when that is
 * empty. *ret_swept: its tasks and itself; 0 when there was none. */
int bvh_sweep_leaf(const char *path, uint64_t *ret_swept,
		   struct bv_err *err) BV_MUST_CHECK;
/* The state file and the launch socket of a session. */
int bvh_sweep_files(const char *run_dir, const char *id,
		    struct bv_err *err) BV_MUST_CHECK;

/* Empty leaves that are not young and that no state file names. */
void bvh_sweep_ownerless(const struct bvh_cgroup_base *base,
			 const struct bvh_session_state *all, size_t n);

/* Is it still that process, and no zombie? */
bool bvh_process_lives(pid_t pid, uint64_t start);

#endif
