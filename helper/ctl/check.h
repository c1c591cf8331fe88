/* SPDX-License-Identifier: MIT */
/* Shared by check.c, check_*.c and wasm_check.c; nobody else. */
#ifndef BVH_CTL_CHECK_H
#define BVH_CTL_CHECK_H

#include "helper/admission.h"

#include <jansson.h>

enum bvh_check_level {
	BVH_CHECK_ERROR,   /* logins are refused for it */
	BVH_CHECK_WARNING, /* probably not what was meant */
	BVH_CHECK_NOTE,
	BVH_CHECK_LEVEL_N
};

struct bvh_check {
	const char *config_dir;
	bool json;
	json_t *findings; /* when json */
	int failed;       /* a finding could not be kept */
	size_t count[BVH_CHECK_LEVEL_N];

	struct bv_arena arena;
	struct bv_config config;
	struct bv_policy *policies; /* in deciding order */
	size_t policies_n;
};

void bvh_check_found(struct bvh_check *check, enum bvh_check_level level,
		     const char *fmt, ...) BV_PRINTF(3, 4);

/* Policies that never decide; that name nobody there is; that this machine
 * refuses; users who linger. */
void bvh_check_policies(struct bvh_check *check);

/* state_dir, run_dir and a view, as a session would take them. */
void bvh_check_dirs(struct bvh_check *check);

/* The lines of /etc/pam.d. */
void bvh_check_pam(struct bvh_check *check);

/* The commands of bvisor-wasm, when there is a policy for it. */
void bvh_check_wasm(struct bvh_check *check);

/* Is there a policy that confines anybody? */
bool bvh_check_confines(const struct bvh_check *check);

#endif
