/* SPDX-License-Identifier: MIT */
/*
 * What has been proved, brought to bear on an admission: the ledger's law, and
 * with `qualification = local` the run record of this kernel and this build,
 * <state_dir>/qualification/<kernel release>.json, root's alone.
 */
#ifndef BVH_QUALIFICATION_H
#define BVH_QUALIFICATION_H

#include "core/policy.h"
#include "ledger/qualified.h"

#include <limits.h>

/* The files that do the confining, as they are installed. */
#define BVH_BUILD_FILES 3u

struct bvh_build {
	struct bvl_qualified_file file[BVH_BUILD_FILES];
	char sha256[BVH_BUILD_FILES][65];
	char digest[65];
};

/* known (may be NULL): a record whose digests are taken for files that have not
 * been touched since. In a guardian the helper is the program that is running,
 * whatever is installed by now. */
int bvh_build_identify(const struct bvl_qualified *known, struct bvh_build *ret,
		       struct bv_err *err) BV_MUST_CHECK;

/* Durable before it returns, and whole or not at all. */
int bvh_qualified_store(const char *state_dir, const struct bvl_qualified *q,
			char ret_sha256[65], struct bv_err *err) BV_MUST_CHECK;

/* Of the running kernel. BV_OK with *ret_found false: there is none. */
int bvh_qualified_load(const char *state_dir, struct bv_arena *arena,
		       struct bvl_qualified *ret, bool *ret_found,
		       struct bv_err *err) BV_MUST_CHECK;

/* The caps of an admission: never an error, what cannot be read caps all. What
 * ret points to lives in arena. */
void bvh_qualification_caps(const struct bv_config *config,
			    const struct bv_snapshot *snap,
			    struct bv_arena *arena, struct bv_caps *ret);

#endif
