/* SPDX-License-Identifier: MIT */
/* The clock of deadlines. */
#ifndef BVH_CLOCK_H
#define BVH_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds; no step of the wall clock moves it. */
static inline int64_t bvh_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
