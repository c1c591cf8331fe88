/* SPDX-License-Identifier: MIT */
/*
 * The course of a schedule: entry by entry forwards, and backwards to undo. It
 * decides nothing: order and actor are the schedule's, the acts come from const
 * tables of steps, one row per primitive. Whoever starts a course has the plan
 * and the schedule checked anew first.
 */
#ifndef BVH_COURSE_H
#define BVH_COURSE_H

#include "core/plan.h"

#include <stdbool.h>

struct bvh_boundary;
struct bvh_course;

typedef int (*bvh_step_fn)(struct bvh_course *c, struct bv_err *err);

/* A row without run in both tables is a primitive its actor cannot do: the
 * course does not start. run undoes what it did when it fails; undo may be
 * called on what is gone already. */
struct bvh_step {
	bvh_step_fn run;
	bvh_step_fn undo;
	bool in_view; /* inside the session's mount namespace */
};

struct bvh_course {
	const struct bv_plan *plan;
	struct bv_lowered lowered;
	struct bvh_boundary *boundary;
	enum bv_actor self;           /* whose entries are ours */
	const struct bvh_step *steps; /* [BV_PRIM_N], before the boundary's */
	void *owner;                  /* of steps and hooks */
	/* An entry of the other actor: it is its turn. NULL: nothing to do. */
	int (*other)(struct bvh_course *c, const struct bv_schedule_entry *e,
		     struct bv_err *err);
	/* After each of ours; a failure counts as the step's. May be NULL. */
	int (*seen)(struct bvh_course *c, const struct bv_schedule_entry *e,
		    struct bv_err *err);
	bool in_view_already; /* self stands in the view it builds */

	size_t next;   /* entries before it had their turn */
	size_t at;     /* the one whose step runs, forwards or backwards */
	uint64_t ran;  /* positions that were carried out */
	uint64_t done; /* … and not undone since */
};

/* The plan's bytes have its id; its schedule is the one it gives, parameters
 * included, and verifies; every entry of ours has a step. Nothing is done
 * yet. The caller has set plan, boundary, self, steps, owner and hooks. */
int bvh_course_start(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;

/* The same for another actor's entries of the plan that `started` was started with,
 * in this process or one cloned from it since: what was checked is not checked
 * again. Allocates nothing. */
int bvh_course_join(struct bvh_course *c, const struct bvh_course *started,
		    struct bv_err *err) BV_MUST_CHECK;

/* All entries from `next` on. Stops at the first failure, with the id in the
 * message; what was done stays done until bvh_course_back(). */
int bvh_course_run(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;

/* Undo everything that is done, last first. Every undo is tried; the first
 * failure is told, and what failed stays done, for another try. */
int bvh_course_back(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;

bool bvh_course_has(const struct bvh_course *c, enum bv_prim prim);

#endif
