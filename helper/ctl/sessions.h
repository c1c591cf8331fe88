/* SPDX-License-Identifier: MIT */
/* What ps and kill share. */
#ifndef BVH_CTL_SESSIONS_H
#define BVH_CTL_SESSIONS_H

#include "helper/session.h"

/* The sessions of the configured run_dir, oldest first; malloc'ed. ret_run_dir
 * may be NULL. A broken bvisor.conf is no reason not to see them: its default
 * is used and said on stderr. */
int bvh_ctl_sessions(const char *config_dir, char *ret_run_dir,
		     size_t run_dir_len, struct bvh_session_state **ret,
		     size_t *ret_n, struct bv_err *err) BV_MUST_CHECK;

#endif
