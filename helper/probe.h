/* SPDX-License-Identifier: MIT */
/* What can this machine do? Found by doing, in throw-away processes, never by
 * reading a version number. */
#ifndef BVH_PROBE_H
#define BVH_PROBE_H

#include "core/snapshot.h"
#include "helper/cgroup.h"

/* exec_boundary: "none", "shell" or "forcecommand" for a PAM session, "run" for
 * bvisorctl run. base must have been found already. */
int bvh_probe(const struct bvh_cgroup_base *base, const char *exec_boundary,
	      struct bv_snapshot *ret, struct bv_err *err) BV_MUST_CHECK;
int bvh_probe_landlock_abi(void); /* 0 = absent or disabled at boot */

#endif
