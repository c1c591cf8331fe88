/* SPDX-License-Identifier: MIT */
/* Shared by recover.c, recover_case.c, recover_effect.c and recover_house.c; nobody
 * else. */
#ifndef BVH_RECOVER_INTERNAL_H
#define BVH_RECOVER_INTERNAL_H

#include "helper/recover.h"

#include <limits.h>

/* One session under examination. */
struct bvh_case {
	const char *id;
	const struct bvh_session_state *state; /* NULL: no state file */
	struct bv_run_view view;
	struct bv_recovery_probe probe;
	char user[256];
	char leaf[PATH_MAX]; /* "" none known */
	bool same_boot;
	pid_t leader;
	uint64_t leader_start;
	int record_fd; /* locked by us; -1: there is none */
	char *record;  /* its bytes, without the line feed; NULL */
	size_t record_len;
	bool record_open, record_closed;
	char sha256[65]; /* of a closed one */
	enum bv_outcome outcome;
	uint64_t opened_unix_us;
	uint64_t wall_us; /* its limit; 0 none */
	char boot_id[BVH_BOOT_ID_LEN + 1];
	char target[PATH_MAX]; /* of what was to be promoted; "" nothing was */
	int target_fd;         /* -1: nothing, or it cannot be looked at … */
	struct bv_err target_err; /* … and why */
	bool staged;              /* bytes of a promotion that was cut off */
};

enum bvh_case_found {
	BVH_CASE_OURS,
	BVH_CASE_GUARDED, /* its guardian lives */
	BVH_CASE_BROKEN,
};

/* Everything there is to know, from the journal (NULL: unusable), the report's
 * file, cgroupfs and /proc. */
enum bvh_case_found bvh_case_open(struct bvh_case *c,
				  const struct bvh_recover *how,
				  struct bvl_journal *j, struct bv_err *err);
void bvh_case_close(struct bvh_case *c);
/* The rows of what was decided on its outbox: is it at the target? What cannot be
 * looked at stands in target_err. */
void bvh_case_look_at_target(struct bvh_case *c);
/* Again, after something was done to it. */
void bvh_case_look(struct bvh_case *c, const struct bvh_recover *how);

/* The judgement's word on effects in flight, and the deed before it: what was
 * staged is gone. Appends at most BV_ARTIFACT_MAX events. */
int bvh_recover_effects(struct bvh_case *c,
			const struct bv_recovery_order *order,
			struct bv_event *events, size_t *n,
			struct bv_err *err) BV_MUST_CHECK;

uint64_t bvh_recover_now_us(void); /* wall clock */

/* Retention, and the files of sessions that are not in the journal. */
int bvh_recover_house(const struct bvh_recover *how, struct bvl_journal *j,
		      struct bvh_recover_sum *sum,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
