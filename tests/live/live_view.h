/* SPDX-License-Identifier: MIT */
/* A session's view without a plan: made, entered, filled, left. */
#ifndef BV_TESTS_LIVE_VIEW_H
#define BV_TESTS_LIVE_VIEW_H

#include <sched.h>

#include "helper/fd.h"
#include "helper/mntns.h"
#include "helper/view_parts.h"
#include "tests/live/live.h"

/* The schedule's steps in the schedule's order, without a plan. */
static inline int fill_view(const struct bv_spec *spec,
			    const struct bvh_view_options *o, bool read_only,
			    struct bv_err *err)
{
	struct bvh_exposures x;
	int rc = bvh_view_temp(spec, o, err);

	if (rc == BV_OK)
		rc = bvh_view_services(o, err);
	if (rc == BV_OK)
		rc = bvh_view_records(spec, o, err);
	if (rc == BV_OK)
		rc = bvh_view_hide(spec, err);
	bvh_exposures_init(&x);
	if (rc == BV_OK)
		rc = bvh_view_lend(spec, &x, err);
	if (rc == BV_OK && read_only)
		rc = bvh_view_read_only(spec, &x, err);
	bvh_exposures_done(&x);
	return rc;
}

static inline int make_view(const struct bv_spec *spec,
			    const struct bvh_view_options *o, bool read_only,
			    int *ret_fd, struct bv_err *err)
{
	struct bvh_mntns_home home = { -1, -1 };
	bv_auto_close int fd = -1;
	int rc = bvh_view_create(&fd, err);

	if (rc != BV_OK)
		return rc;
	assert_int_equal(bvh_mntns_save(&home, NULL), BV_OK);
	assert_int_equal(setns(fd, CLONE_NEWNS), 0);
	rc = fill_view(spec, o, read_only, err);
	assert_int_equal(bvh_mntns_return(&home, NULL), BV_OK);
	if (rc == BV_OK)
		*ret_fd = bvh_fd_take(&fd);
	return rc;
}

#endif
