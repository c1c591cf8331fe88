/* SPDX-License-Identifier: MIT */
/* A decision with all it leaves behind. After boundary_fixture.h. */
#ifndef BV_TESTS_OUTCOME_FIXTURE_H
#define BV_TESTS_OUTCOME_FIXTURE_H

#include "tests/unit/boundary_fixture.h"

#include "core/decision.h"

/* What a refused or failed decision must leave alone. */
#define UNTOUCHED "not written"

struct outcome {
	struct bv_plan plan;
	struct bv_refusal refusal;
	struct bv_trace trace;
};

static inline enum bv_membrane
decide(struct fixture *f, const struct bv_plan_extra *extra, struct outcome *o)
{
	struct bv_err err = { 0 };

	strcpy(o->plan.id, UNTOUCHED);
	if (bv_plan_decide(&f->spec, &f->snap, extra, &o->plan, &o->refusal,
			   &o->trace, &err) != BV_OK)
		fail_msg("plan: %s", err.msg);
	if (o->refusal.membrane != BV_MEMBRANE_NONE)
		assert_string_equal(o->plan.id, UNTOUCHED);
	else
		assert_int_equal(strlen(o->plan.id), BV_PLAN_ID_LEN);
	assert_int_equal(o->refusal.membrane, o->trace.decision.membrane);
	assert_int_equal(o->refusal.code, o->trace.decision.code);
	return o->refusal.membrane;
}

static inline void assert_says(const struct bv_refusal *r, const char *part)
{
	if (!strstr(r->text, part))
		fail_msg("'%s' lacks '%s'", r->text, part);
}

#endif
