/* SPDX-License-Identifier: MIT */
/*
 * Budgets that the kernel does not keep by itself: processor time, sampled from
 * the leaf's cpu.stat (which every v2 cgroup has, with the cpu controller or
 * without), and open descriptors, a limit of each process.
 */
#ifndef BVH_LIMITS_H
#define BVH_LIMITS_H

#include "helper/cgroup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

struct bvh_cpu_watch {
	int timer_fd; /* readable: time to look; -1: no budget */
	uint64_t limit_us;
	uint64_t cpus;
	uint64_t used_us; /* as last seen */
};

/* The first look is timed as if nothing were used yet. */
int bvh_cpu_watch_start(struct bvh_cpu_watch *w, uint64_t limit_us,
			uint64_t cpus, struct bv_err *err) BV_MUST_CHECK;
void bvh_cpu_watch_stop(struct bvh_cpu_watch *w);

enum bvh_cpu_look {
	BVH_CPU_BELOW, /* and the timer is armed anew */
	BVH_CPU_USED_UP,
	BVH_CPU_BLIND, /* cpu.stat or the timer failed: nothing holds */
};
enum bvh_cpu_look bvh_cpu_watch_look(struct bvh_cpu_watch *w,
				     const struct bvh_leaf *leaf);

/* RLIMIT_NOFILE of pid (0: the caller), hard and soft, down to max: what is
 * lower already stays. *ret_before for bvh_handles_restore(). Read back from
 * /proc/PID/limits, a mismatch is an error. */
int bvh_handles_limit(pid_t pid, uint64_t max, struct rlimit *ret_before,
		      struct bv_err *err) BV_MUST_CHECK;
int bvh_handles_restore(pid_t pid, const struct rlimit *before,
			struct bv_err *err) BV_MUST_CHECK;

/* "Max open files" of /proc/PID/limits; UINT64_MAX for "unlimited". Pure. */
bool bvh_limits_text_files(const char *text, uint64_t *ret_soft,
			   uint64_t *ret_hard);

#endif
