/* SPDX-License-Identifier: MIT */
/* The executor; see course.h. */
#include "helper/course.h"

#include "helper/boundary.h"
#include "helper/fd.h"
#include "helper/mntns.h"
#include "helper/red.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Own rows first, half by half: an owner may add to an undo alone. */
static struct bvh_step step_of(const struct bvh_course *c,
			       const struct bv_schedule_entry *e)
{
	const struct bvh_step *base = &bvh_boundary_steps[e->index];
	struct bvh_step s = c->steps[e->index];

	if (s.run == NULL) {
		s.run = base->run;
		s.in_view = base->in_view;
	}
	if (s.undo == NULL)
		s.undo = base->undo;
	s.in_view = s.in_view && !c->in_view_already;
	return s;
}

/* The plan that is lowered is the plan that was admitted, byte by byte. */
static int check_plan(const struct bv_plan *plan, struct bv_err *err)
{
	bv_auto_free char *json = NULL;
	char id[BV_PLAN_ID_LEN + 1];
	int code = bv_plan_encode(plan, &json, err);

	if (code != BV_OK)
		return code;
	bv_sha256_hex(json, strlen(json), id);
	if (strcmp(id, plan->id) != 0)
		return bv_fail(err, BV_E_BUG,
			       "the plan's bytes have digest %s, admitted was "
			       "%s",
			       id, plan->id);
	return BV_OK;
}

/* At the first entry, each of ours with a step. */
static int begin(struct bvh_course *c, struct bv_err *err)
{
	const struct bv_schedule *s = &c->plan->schedule;

	for (size_t i = 0; i < s->n; i++) {
		if (s->entry[i].actor == c->self &&
		    step_of(c, &s->entry[i]).run == NULL)
			return bv_fail(err, BV_E_BUG,
				       "schedule: nothing here does '%s'",
				       s->entry[i].id);
	}
	c->next = 0;
	c->ran = 0;
	c->done = 0;
	return BV_OK;
}

int bvh_course_start(struct bvh_course *c, struct bv_err *err)
{
	int code = check_plan(c->plan, err);

	if (code == BV_OK)
		code = bv_schedule_recheck(c->plan, &c->plan->schedule, err);
	if (code == BV_OK)
		code = begin(c, err);
	if (code == BV_OK)
		bv_lowered_from_plan(c->plan, &c->lowered);
	return code;
}

int bvh_course_join(struct bvh_course *c, const struct bvh_course *started,
		    struct bv_err *err)
{
	c->plan = started->plan;
	c->boundary = started->boundary;
	c->lowered = started->lowered;
	return begin(c, err);
}

bool bvh_course_has(const struct bvh_course *c, enum bv_prim prim)
{
	return bv_schedule_find(&c->plan->schedule, prim) != NULL;
}

/* Consecutive steps inside the view share one stay. */
struct stay {
	struct bvh_mntns_home home;
	bool inside;
};

static int go_in(struct stay *stay, int mntns_fd, struct bv_err *err)
{
	int code;

	if (stay->inside)
		return BV_OK;
	code = bvh_mntns_save(&stay->home, err);
	if (code != BV_OK)
		return code;
	if (setns(mntns_fd, CLONE_NEWNS) != 0) {
		code = bv_fail_errno(err, errno, "enter the session's view");
		bvh_mntns_forget(&stay->home);
		return code;
	}
	stay->inside = true;
	return BV_OK;
}

/* A failure to come back outranks everything: BV_E_BUG. */
static int come_out(struct stay *stay, int code, struct bv_err *err)
{
	struct bv_err back = { 0 };

	if (!stay->inside)
		return code;
	stay->inside = false;
	if (bvh_mntns_return(&stay->home, &back) == BV_OK)
		return code;
	if (err != NULL)
		*err = back;
	return BV_E_BUG;
}

static int run_entry(struct bvh_course *c, struct stay *stay, size_t at,
		     struct bv_err *err)
{
	const struct bv_schedule_entry *e = &c->plan->schedule.entry[at];
	struct bvh_step step;
	int code = BV_OK;

	/* In its own time, at each launch. */
	if (e->actor == BV_ACTOR_SHELL)
		return BV_OK;
	bvh_red_point("run", e->id);
	if (e->actor != c->self) {
		if (c->other == NULL)
			return BV_OK;
		code = come_out(stay, BV_OK, err);
		if (code == BV_OK)
			code = c->other(c, e, err);
		if (code == BV_OK)
			c->ran |= BV_PRIM_BIT(at);
		return code;
	}
	step = step_of(c, e);
	code = step.in_view ? go_in(stay, c->boundary->mntns_fd, err)
			    : come_out(stay, BV_OK, err);
	if (code == BV_OK)
		code = step.run(c, err);
	if (code != BV_OK)
		return code;
	c->ran |= BV_PRIM_BIT(at);
	c->done |= BV_PRIM_BIT(at);
	return c->seen == NULL ? BV_OK : c->seen(c, e, err);
}

int bvh_course_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bv_schedule *s = &c->plan->schedule;
	struct stay stay = { .home = { -1, -1 } };
	int code = BV_OK;

	while (c->next < s->n && code == BV_OK) {
		const size_t at = c->next++;

		c->at = at;
		code = run_entry(c, &stay, at, err);
		/* what the policy is at fault for begins with its line */
		if (code != BV_OK && code != BV_E_REFUSED)
			(void)bv_ctx(err, "%s", s->entry[at].id);
	}
	return come_out(&stay, code, err);
}

int bvh_course_back(struct bvh_course *c, struct bv_err *err)
{
	int first = BV_OK;

	for (size_t at = c->next; at-- > 0;) {
		const struct bv_schedule_entry *e =
			&c->plan->schedule.entry[at];
		struct bv_err why = { 0 };
		struct bvh_step step;
		int code = BV_OK;

		if ((c->done & BV_PRIM_BIT(at)) == 0)
			continue;
		c->at = at;
		bvh_red_point("undo", e->id);
		step = step_of(c, e);
		if (step.undo != NULL)
			code = step.undo(c, &why);
		if (code == BV_OK) {
			c->done &= ~BV_PRIM_BIT(at);
			continue;
		}
		if (first == BV_OK) {
			first = bv_ctx(&why, "undo %s", e->id);
			if (err != NULL)
				*err = why;
		}
	}
	return first;
}
