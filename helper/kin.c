/* SPDX-License-Identifier: MIT */
/* See kin.h. */
#include "helper/kin.h"

#include "helper/kernfs.h"
#include "helper/tell.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define GENERATIONS_MAX 256u

bool bvh_kin_read(pid_t pid, struct bvh_kin *ret)
{
	char path[64], stat[512];
	const char *at;
	int parent, session;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (bvh_kernfs_read(AT_FDCWD, path, stat, sizeof(stat)) != 0)
		return false;
	at = strrchr(stat, ')');
	if (at == NULL ||
	    sscanf(at + 1, " %*c %d %*d %d", &parent, &session) != 2 ||
	    !bvh_stat_terminal(stat, &ret->terminal))
		return false;
	ret->parent = parent;
	ret->session = session;
	return true;
}

bool bvh_kin_holds(pid_t pid, pid_t of)
{
	struct bvh_kin kin;

	for (unsigned int i = 0; i < GENERATIONS_MAX && of > 1; i++) {
		if (of == pid)
			return true;
		if (!bvh_kin_read(of, &kin))
			return false;
		of = kin.parent;
	}
	return false;
}
