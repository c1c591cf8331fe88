/* SPDX-License-Identifier: MIT */
/* A plan of the fixture's policy with its schedule. Included once. */
#ifndef BV_TESTS_SCHEDULE_PLAN_H
#define BV_TESTS_SCHEDULE_PLAN_H

#include "core/schedule.h"
#include "tests/unit/boundary_fixture.h"

static inline const struct bv_primitive *row(size_t i)
{
	return &bv_universe_linux()->p[i];
}

/* Admitted as asked: the other membranes are not this test's. */
static inline void plan_of(struct fixture *f, struct bv_plan *ret)
{
	fixture_spec(f);
	*ret = (struct bv_plan){ .spec = &f->spec, .snapshot = f->snap };
	for (size_t i = 0; i < f->spec.req_n; i++)
		ret->admitted[i].req = f->spec.req[i].req;
	ret->admitted_n = f->spec.req_n;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		ret->budget[d].stated = f->spec.budget[d].stated;
		ret->budget[d].limit = f->spec.budget[d].limit;
	}
}

static inline void scheduled(struct fixture *f, struct bv_plan *ret)
{
	struct bv_schedule_fault fault;
	char text[256];

	plan_of(f, ret);
	if (bv_schedule_build(ret, &ret->schedule, &fault) != BV_SCHEDULE_OK ||
	    bv_schedule_check(ret, &ret->schedule, &fault) != BV_SCHEDULE_OK) {
		bv_schedule_explain(&fault, text, sizeof(text));
		fail_msg("%s", text);
	}
}

#endif
