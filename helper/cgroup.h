/* SPDX-License-Identifier: MIT */
/*
 * cgroup v2 by file descriptor: the base under which leaves live, one leaf per
 * session, its limits, counters and end. See cgroups(7) and the kernel's
 * Documentation/admin-guide/cgroup-v2.rst. Plain file I/O, no libcgroup.
 */
#ifndef BVH_CGROUP_H
#define BVH_CGROUP_H

#include "core/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BVH_LEAF_PREFIX	  "session-" /* leaf directory: session-<hex id> */
#define BVH_GUARDIANS_DIR "guardians"
#define BVH_HOLDER_DIR	  "holder" /* bvisor.service keeps one process here */

enum bvh_base_source {
	BVH_BASE_NONE,
	BVH_BASE_CONFIGURED,
	BVH_BASE_SERVICE, /* delegated bvisor.service */
	BVH_BASE_WALK_UP, /* a delegated ancestor of our own cgroup */
	BVH_BASE_OWN,	  /* top level, no systemd on this machine */
};

struct bvh_cgroup_base {
	int fd; /* O_PATH|O_DIRECTORY of the base, -1 none */
	char path[PATH_MAX];
	enum bvh_base_source source;
	bool pids, memory, cpu, io; /* controllers a leaf will have */
	bool kill;		    /* cgroup.kill works in a leaf */
	bool pids_peak;
	char why[256]; /* source NONE: what was missing, what to do */
};

void bvh_cgroup_base_init(struct bvh_cgroup_base *base); /* fd = -1 */
void bvh_cgroup_base_done(struct bvh_cgroup_base *base);

/* Find the base: `configured` (or NULL) → delegated bvisor.service → walk up
 * from our own cgroup (root under systemd: only into units with the
 * trusted.delegate / user.delegate xattr; unprivileged: only where mkdir
 * works) → a top-level "bvisor" when systemd is not PID 1 (made when euid is
 * 0). The cgroup2 mount is looked up in /proc/self/mountinfo and checked by
 * statfs magic. Enables pids, memory, cpu for leaves where they are available
 * (moves nothing but ourselves into <base>/guardians first: a base with
 * processes of its own gives EBUSY). Proves cgroup.kill, pids.peak by a
 * throw-away leaf. BV_OK also when none is found (source NONE, why set). */
int bvh_cgroup_base_find(const char *configured, struct bvh_cgroup_base *ret,
			 struct bv_err *err) BV_MUST_CHECK;

/* Move the calling process into <base>/guardians (made when missing). */
int bvh_cgroup_enter_guardians(const struct bvh_cgroup_base *base,
			       struct bv_err *err) BV_MUST_CHECK;

struct bvh_leaf_limits {
	bool has_pids, has_memory;
	uint64_t pids_max;
	uint64_t mem_max_bytes;
	unsigned int cpu_rate_percent; /* of one processor; 0: none */
};

struct bvh_leaf {
	int base_fd; /* borrowed from the base */
	int fd;	     /* O_RDONLY|O_DIRECTORY, usable for CLONE_INTO_CGROUP */
	char name[64];
};

/* mkdir, then every limit; a limit whose file does not exist is an error
 * naming it and the leaf is removed again (never a silent no-op). */
int bvh_leaf_create(const struct bvh_cgroup_base *base, const char *name,
		    const struct bvh_leaf_limits *limits, struct bvh_leaf *ret,
		    struct bv_err *err) BV_MUST_CHECK;
/* Write what is stated; the rest stays as it is. */
int bvh_leaf_limit(const struct bvh_leaf *leaf,
		   const struct bvh_leaf_limits *limits,
		   struct bv_err *err) BV_MUST_CHECK;
int bvh_leaf_add(const struct bvh_leaf *leaf, pid_t pid, struct bv_err *err)
	BV_MUST_CHECK;

struct bvh_leaf_stats {
	bool has_pids_peak, has_pids_events, has_memory_peak, has_cpu,
		has_memory_events;
	uint64_t pids_peak, pids_events_max, memory_peak_bytes, cpu_us,
		memory_oom_kills;
};
void bvh_leaf_read_stats(const struct bvh_leaf *leaf,
			 struct bvh_leaf_stats *ret);

int bvh_leaf_kill(const struct bvh_leaf *leaf, struct bv_err *err) BV_MUST_CHECK;
/* Wait until populated is 0 (poll on cgroup.events); false at the deadline. */
bool bvh_leaf_drain(const struct bvh_leaf *leaf, int deadline_ms);
/* rmdir, sub-cgroups made by the session included; absent is fine. */
int bvh_leaf_remove(struct bvh_leaf *leaf, struct bv_err *err) BV_MUST_CHECK;
void bvh_leaf_done(struct bvh_leaf *leaf); /* closes, removes nothing */

/* The v2 cgroup of a process as /proc/PID/cgroup says ("/system.slice/…"). */
int bvh_cgroup_of(pid_t pid, char *ret, size_t ret_len, struct bv_err *err)
	BV_MUST_CHECK;
/* Is pid a member of the leaf (or a cgroup below it)? */
bool bvh_leaf_holds(const struct bvh_leaf *leaf, pid_t pid);
/* Put a process back to a cgroup path from bvh_cgroup_of(); when that cgroup
 * is gone, into <base>/guardians. */
int bvh_cgroup_return(const struct bvh_cgroup_base *base, const char *path,
		      pid_t pid, struct bv_err *err) BV_MUST_CHECK;

const char *bvh_base_source_name(enum bvh_base_source s);

#endif
