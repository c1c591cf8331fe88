/* SPDX-License-Identifier: MIT */
/* Owned descriptors: closed when they leave scope; errno survives. */
#ifndef BVH_FD_H
#define BVH_FD_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static inline void bvh_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd); /* never retried: the number is gone on Linux */
	*fd = -1;
	errno = saved;
}

static inline int bvh_fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define bv_auto_close __attribute__((cleanup(bvh_close)))

static inline void bvh_free(void *pp)
{
	free(*(void **)pp);
	*(void **)pp = NULL;
}

#define bv_auto_free __attribute__((cleanup(bvh_free)))

#endif
