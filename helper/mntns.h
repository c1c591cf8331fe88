/* SPDX-License-Identifier: MIT */
/* Into another mount namespace and back. setns(2) to one puts root and working
 * directory to its root, so the latter is kept by descriptor. */
#ifndef BVH_MNTNS_H
#define BVH_MNTNS_H

#include "core/err.h"

struct bvh_mntns_home {
	int ns_fd;
	int cwd_fd;
};

/* Remember where we are. */
int bvh_mntns_save(struct bvh_mntns_home *ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* Go back and close. A failure is BV_E_BUG and the process must not go on: it
 * stands in a namespace that is not its own. err of an earlier failure is kept
 * when going back works (BV_OK). */
int bvh_mntns_return(struct bvh_mntns_home *home,
		     struct bv_err *err) BV_MUST_CHECK;

void bvh_mntns_forget(struct bvh_mntns_home *home); /* closes only */

#endif
