/* SPDX-License-Identifier: MIT */
/*
 * spec → landlock ruleset descriptor, for ABI 1-7, best rights the kernel has.
 * Paths are opened in the mount namespace the caller is in, so this runs
 * inside the session's view: rules on a private /tmp must name that /tmp.
 */
#ifndef BVH_LANDLOCK_H
#define BVH_LANDLOCK_H

#include "core/spec.h"
#include "helper/expose.h"

/* service picks the plumbing the leader needs after open_session (utmp, wtmp,
 * lastlog, ptmx, /dev/log …). scope_signal: ABI ≥ 6. A rule path that is
 * missing is an error with file:line unless it is optional. `*ret_rules` may
 * be NULL. */
int bvh_landlock_build(const struct bv_spec *spec, int abi, int *ret_ruleset_fd,
		       size_t *ret_rules, struct bv_err *err) BV_MUST_CHECK;

/* Beside it: what was bound into the view, by its descriptors. A rule is on the
 * directory itself and so holds at its own path as well. */
int bvh_landlock_lend(int ruleset_fd, int abi, const struct bv_spec *spec,
		      const struct bvh_exposures *x,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
