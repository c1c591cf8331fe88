/* SPDX-License-Identifier: MIT */
/*
 * Paths of the host bound into a session's view ([expose]): nosuid, nodev, and
 * read-only unless the policy says write, the whole tree with the mounts below.
 * What is mounted there later does not arrive.
 */
#ifndef BVH_EXPOSE_H
#define BVH_EXPOSE_H

#include "core/report.h"
#include "core/spec.h"

#include <sys/types.h>

/* In the order of spec->expose. */
struct bvh_exposures {
	struct bvh_exposure {
		int mount_fd; /* of the bound tree; -1: absent and optional */
		dev_t dev;    /* of its root, as the source was opened */
		ino_t ino;
	} v[BV_EXPOSE_MAX];
	size_t n;
};

void bvh_exposures_init(struct bvh_exposures *x); /* every fd -1 */
void bvh_exposures_done(struct bvh_exposures *x);

/* Inside the view, after all that covers: bind every source to its destination.
 * Source and destination are opened once each, links are followed only where
 * root alone could have put them, and both must be a directory or both a file.
 * A destination must exist, but below a private temp directory it is made. */
int bvh_view_lend(const struct bv_spec *spec, struct bvh_exposures *x,
		  struct bv_err *err) BV_MUST_CHECK;

/* From outside: what pid sees at each destination is the source, and
 * /proc/PID/mountinfo shows the flags, of the mounts below it as well. A
 * difference is an error; else one observation. */
int bvh_expose_attest(pid_t pid, const struct bv_spec *spec,
		      const struct bvh_exposures *x, struct bv_report *report,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
