/* SPDX-License-Identifier: MIT */
/* bvisorctl explain --trace: the membranes one by one, and the steps. */
#ifndef BVH_CTL_TRACE_H
#define BVH_CTL_TRACE_H

#include "core/decision.h"
#include "core/schedule.h"

#include <jansson.h>

/* schedule: of an admitted plan, or NULL. */
void bvh_ctl_say_trace(const struct bv_trace *trace,
		       const struct bv_schedule *schedule);

/* New references; *failed as in bvh_ctl_put(). */
json_t *bvh_ctl_trace_json(const struct bv_trace *trace, int *failed);
json_t *bvh_ctl_schedule_json(const struct bv_schedule *s, int *failed);

#endif
