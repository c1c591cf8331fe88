/* SPDX-License-Identifier: MIT */
/* One line of /proc/PID/mountinfo, see proc(5). */
#ifndef BVH_MOUNTINFO_H
#define BVH_MOUNTINFO_H

#include <stdbool.h>
#include <stdint.h>

/* The words lie in the line, cut out of it; blanks inside names are escaped. */
struct bvh_mountinfo {
	uint64_t id, parent;
	char *where;
	const char *flags; /* the mount's own: "rw,nosuid,nodev" */
	const char *type;  /* NULL: the line is cut off before it */
};

/* false: it is no such line. */
bool bvh_mountinfo_parse(char *line, struct bvh_mountinfo *ret);

bool bvh_mountinfo_has(const struct bvh_mountinfo *m, const char *flag);

#endif
