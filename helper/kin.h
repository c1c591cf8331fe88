/* SPDX-License-Identifier: MIT */
/* Who is whose child, by /proc. */
#ifndef BVH_KIN_H
#define BVH_KIN_H

#include <stdbool.h>
#include <sys/types.h>

/* Fields of /proc/PID/stat. */
struct bvh_kin {
	pid_t parent;
	pid_t session;
	unsigned int terminal; /* as the kernel numbers it, 0 none */
};

bool bvh_kin_read(pid_t pid, struct bvh_kin *ret);

/* Is `of` a descendant of pid, or pid itself? */
bool bvh_kin_holds(pid_t pid, pid_t of);

#endif
