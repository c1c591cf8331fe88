/* SPDX-License-Identifier: MIT */
/*
 * How a session's shell finds its guardian, whichever shell it is: bvisor-shell
 * for a launch plan, bvisor-wasm for how its commands are isolated and to tell of
 * them.
 */
#ifndef BVH_SHELL_REACH_H
#define BVH_SHELL_REACH_H

#include "helper/launch.h"

#define BVH_SHELL_ID_MAX 33
#define BVH_SHELL_WAIT_S 5 /* for the guardian, each step */

/* The id of the session this process stands in, by its own cgroup.
 * BV_E_UNSUPPORTED: in none. */
int bvh_shell_session(char ret[BVH_SHELL_ID_MAX],
		      struct bv_err *err) BV_MUST_CHECK;

/* Connect to it; who listens is root. */
int bvh_shell_reach(const char *id, int *ret_fd,
		    struct bv_err *err) BV_MUST_CHECK;

/* Its answer, a refusal being an error; *ret_fd: -1 when none came. */
int bvh_shell_receive(int sock, struct bvh_answer *ret, int *ret_fd,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
