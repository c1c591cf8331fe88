/* SPDX-License-Identifier: MIT */
/*
 * Planted faults of the module, for red builds (-DBV_RED) alone: a step named
 * in /run/bvisor.red is left out and said to have been done. See helper/red.h.
 */
#ifndef BVP_RED_H
#define BVP_RED_H

#ifdef BV_RED
int bvp_red(const char *step);
#else
#define bvp_red(step) 0
#endif

#endif
