/* SPDX-License-Identifier: MIT */
/*
 * One line to the people in a session: on the terminals its processes run on,
 * and on no other file.
 */
#ifndef BVH_TELL_H
#define BVH_TELL_H

#include "helper/cgroup.h"

/* Writes "\r\nTEXT\r\n" to every controlling terminal of the leaf's processes
 * that is a character device of that number and belongs to uid; never waits.
 * How many heard it. */
unsigned int bvh_tell(const struct bvh_leaf *leaf, uid_t uid, const char *text);

/* Field 7 of a /proc/PID/stat line: the controlling terminal as the kernel
 * numbers it, 0 none. Pure. */
bool bvh_stat_terminal(const char *stat, unsigned int *ret_nr);

/* The path of such a number, false for a kind that no login has. Pure. */
bool bvh_terminal_path(unsigned int nr, char *ret, size_t ret_len);

#endif
