/* SPDX-License-Identifier: MIT */
/*
 * The life of one attempt to confine a login. Whoever runs it says each step
 * before it takes it; a step out of order is refused, and what must not happen
 * (a report without a start, a second start, a report on another plan) cannot
 * be said at all. Pure.
 */
#ifndef BV_CORE_LIFECYCLE_H
#define BV_CORE_LIFECYCLE_H

#include "core/err.h"
#include "core/plan.h"

enum bv_life {
	BV_LIFE_PROPOSED, /* somebody asks for a session */
	BV_LIFE_PLANNED,  /* admitted: there is a plan, nothing was done */
	BV_LIFE_STARTED,  /* `started` is durable; effects may follow */
	BV_LIFE_RUNNING,  /* attested and released */
	BV_LIFE_CLOSING,  /* effects are undone, measures taken */
	/* nothing follows these */
	BV_LIFE_REPORTED,
	BV_LIFE_REFUSED,   /* before any effect, with a reason */
	BV_LIFE_FAULTED,   /* before any effect, by a fault */
	BV_LIFE_RECOVERED, /* its guardian died; recovery wrote the end */
	BV_LIFE_N
};

struct bv_lifeline {
	enum bv_life at;                  /* { 0 } is PROPOSED */
	char plan_id[BV_PLAN_ID_LEN + 1]; /* "" before PLANNED */
};

/* All refuse with BV_E_BUG and both names, and leave *line as it was. */
int bv_life_planned(struct bv_lifeline *line, const char *plan_id,
		    struct bv_err *err) BV_MUST_CHECK;
/* Any step but the two that need a plan's id. */
int bv_life_step(struct bv_lifeline *line, enum bv_life to,
		 struct bv_err *err) BV_MUST_CHECK;
/* A report of another plan is refused. */
int bv_life_reported(struct bv_lifeline *line, const char *plan_id,
		     struct bv_err *err) BV_MUST_CHECK;

bool bv_life_may(enum bv_life from, enum bv_life to);
bool bv_life_is_over(enum bv_life at);
const char *bv_life_name(enum bv_life at); /* "running"; "?" out of range */

#endif
