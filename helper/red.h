/* SPDX-License-Identifier: MIT */
/*
 * Planted faults. A red build (make red, -DBV_RED) takes single guards out when
 * /run/bvisor.red names them, so that each escape test can be seen to fail
 * without its guard. In every other build this is the constant false and no
 * trace of it is in the binary.
 */
#ifndef BVH_RED_H
#define BVH_RED_H

#include <stdbool.h>

/*
 * Deaths, for the crash matrix: at the point WHEN (run, undo, at) of STEP, whoever
 * /run/bvisor.red names as self:WHEN:STEP, leader:WHEN:STEP or both:WHEN:STEP is
 * killed on the spot.
 */
#ifdef BV_RED
#include <sys/types.h>

bool bvh_red(const char *guard);
void bvh_red_leader(pid_t leader); /* who "leader" is */
void bvh_red_point(const char *when, const char *step);
#else
#define bvh_red(guard)            false
#define bvh_red_leader(leader)    ((void)0)
#define bvh_red_point(when, step) ((void)0)
#endif

#endif
