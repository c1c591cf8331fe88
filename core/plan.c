/* SPDX-License-Identifier: MIT */
/*
 * The planner: everything is derived again from the snapshot, nobody's earlier
 * verdict is believed. The decision is the two evaluators' (decision.h); here
 * it is asked for, given its words, or made a plan.
 */
#include "core/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/budget.h"
#include "core/cap.h"
#include "core/decision.h"
#include "core/refusal.h"

/* One admission under way. */
struct admission {
	const struct bv_spec *spec;
	const struct bv_snapshot *snap;
	const struct bv_snapshot *again;
	struct bv_profile profile;
	struct bv_question question;
	struct bv_trace trace;
	struct bv_schedule_fault fault; /* when the schedule refuses */
};

static int check_spec(const struct bv_spec *spec, struct bv_err *err)
{
	if (!spec->policy || !spec->subject)
		return bv_fail(err, BV_E_INVAL, "spec without policy or user");
	if (spec->policy->action == BV_ACTION_EXEMPT)
		return bv_fail(err, BV_E_INVAL,
			       "policy '%s' exempts: there is nothing to plan",
			       spec->policy->name);
	if (spec->req_n > BV_REQUIREMENT_MAX)
		return bv_fail(err, BV_E_INVAL, "spec: over %u requirements",
			       BV_REQUIREMENT_MAX);
	if (spec->net.open > 0)
		return bv_fail(err, BV_E_INVAL,
			       "%s: %zu names of [network] allow have not been "
			       "looked up",
			       spec->policy->path, spec->net.open);
	for (size_t i = 0; i < spec->req_n; i++)
		if ((unsigned int)spec->req[i].req >= BV_REQ_N ||
		    bv_req_kind(spec->req[i].req) != spec->req[i].kind)
			return bv_fail(err, BV_E_INVAL,
				       "spec: requirement %zu is unknown", i);
	return BV_OK;
}

static int plan_identify(struct bv_plan *plan, struct bv_err *err)
{
	char *json;
	int r = bv_plan_encode(plan, &json, err);

	if (r != BV_OK)
		return r;
	bv_sha256_hex(json, strlen(json), plan->id);
	free(json);
	return BV_OK;
}

/* What was admitted, as the profile has it. */
static void fill_plan(const struct admission *a, struct bv_plan *plan)
{
	const struct bv_spec *spec = a->spec;
	uint64_t minimum[BV_DIM_N];

	for (size_t i = 0; i < spec->req_n; i++) {
		const struct bv_requirement *r = &spec->req[i];

		plan->admitted[i] = (struct bv_admitted){
			.kind = r->kind,
			.line = r->line,
			.key = r->key,
			.verdict = a->profile.req[r->req],
			.req = r->req,
			.required_evidence = r->evidence,
		};
	}
	plan->admitted_n = spec->req_n;
	bv_budget_minimums(spec, minimum);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		plan->budget[d] = bv_budget_admit(&spec->budget[d], minimum[d],
						  &a->profile.budget[d]);
}

/* The last membrane needs what the others let through. */
static uint32_t schedule_plan(struct admission *a, struct bv_plan *plan)
{
	if (bv_schedule_build(plan, &plan->schedule, &a->fault) !=
	    BV_SCHEDULE_OK)
		return BV_SCHEDULE_NOT_COMPILED;
	if (bv_schedule_check(plan, &plan->schedule, &a->fault) !=
	    BV_SCHEDULE_OK)
		return BV_SCHEDULE_NOT_VERIFIED;
	return BV_SCHEDULE_ACCEPTED;
}

/* Claims that nothing of the session shows, and those that something does. */
static void evidence_of(const struct bv_question *q, uint32_t *ret_missing,
			uint32_t *ret_shown)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < q->slot_n; i++)
		shown |= q->slot[i].available_evidence;
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		shown |= q->lane[d].available_evidence;
	*ret_shown = shown;
	*ret_missing = q->required_evidence & ~shown;
}

static void word_evidence(const struct admission *a, struct bv_refusal *ret)
{
	const struct bv_decision *d = &a->trace.decision;
	uint32_t missing, shown;

	if (d->slot < a->spec->req_n) {
		const struct bv_requirement *r = &a->spec->req[d->slot];

		bv_refuse_requirement_evidence(a->spec, r,
					       &a->profile.req[r->req], ret);
		return;
	}
	evidence_of(&a->question, &missing, &shown);
	bv_refuse_evidence(a->spec, missing, shown, ret);
}

static void word_budget(const struct admission *a, struct bv_refusal *ret)
{
	static const enum bv_budget_reason reasons[] = {
		[BV_REFUSED_BUDGET_MINIMUM] = BV_BUDGET_BELOW_MINIMUM,
		[BV_REFUSED_BUDGET_CAPACITY] = BV_BUDGET_CAPACITY,
		[BV_REFUSED_BUDGET_GUARANTEE] = BV_BUDGET_GUARANTEE,
		[BV_REFUSED_BUDGET_EVIDENCE] = BV_BUDGET_EVIDENCE,
	};
	const struct bv_decision *d = &a->trace.decision;

	bv_refuse_budget(a->spec, a->snap, (enum bv_dim)d->dim,
			 reasons[d->code], a->question.lane[d->dim].minimum,
			 &a->profile.budget[d->dim], ret);
}

/* A decision is numbers: its words come from what it was made of. */
static void word_refusal(const struct admission *a, struct bv_refusal *ret)
{
	const struct bv_decision *d = &a->trace.decision;
	const struct bv_requirement *req = a->spec->req;

	switch ((enum bv_membrane)d->membrane) {
	case BV_MEMBRANE_CONFIG:
		bv_refuse_config(a->spec, ret);
		break;
	case BV_MEMBRANE_ACTION:
		bv_refuse_action(a->spec, ret);
		break;
	case BV_MEMBRANE_CONFLICT:
		bv_refuse_conflict(a->spec, &req[d->against], &req[d->slot],
				   ret);
		break;
	case BV_MEMBRANE_WORKLOAD:
		bv_refuse_workload(a->spec, a->snap, ret);
		break;
	case BV_MEMBRANE_DRIFT:
		bv_refuse_drift(a->spec, a->snap, a->again, ret);
		break;
	case BV_MEMBRANE_SUPPORT:
		bv_refuse_support(a->spec, a->snap, &req[d->slot],
				  &a->profile.req[req[d->slot].req], ret);
		break;
	case BV_MEMBRANE_EVIDENCE:
		word_evidence(a, ret);
		break;
	case BV_MEMBRANE_BUDGET:
		word_budget(a, ret);
		break;
	case BV_MEMBRANE_SCHEDULE:
		bv_refuse_schedule(a->spec, &a->fault, ret);
		break;
	case BV_MEMBRANE_NONE:
	case BV_MEMBRANE_UNMATCHED:
	case BV_MEMBRANE_DIVERGENCE:
	case BV_MEMBRANE_N:
		bv_refuse_divergence(a->spec, &a->trace, ret);
		break;
	}
	ret->code = (enum bv_refusal_code)d->code;
}

int bv_plan_decide(const struct bv_spec *spec, const struct bv_snapshot *snap,
		   const struct bv_plan_extra *extra, struct bv_plan *ret_plan,
		   struct bv_refusal *ret_refusal, struct bv_trace *ret_trace,
		   struct bv_err *err)
{
	const struct bv_evaluators *ask = extra ? extra->evaluators : NULL;
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_NONE };
	struct bv_plan plan = { .spec = spec, .snapshot = *snap };
	struct admission a = {
		.spec = spec,
		.snap = snap,
		.again = extra ? extra->again : NULL,
	};
	int r = check_spec(spec, err);

	if (r != BV_OK)
		return r;
	bv_profile_for(spec, snap, &a.profile);
	if (extra && extra->caps)
		bv_profile_cap(&a.profile, extra->caps);
	bv_question_from(spec, &a.profile, snap, a.again, &a.question);
	bv_decide(&a.question, ask, &a.trace);
	if (a.trace.decision.admit) {
		fill_plan(&a, &plan);
		a.question.schedule = schedule_plan(&a, &plan);
		bv_decide(&a.question, ask, &a.trace);
	}
	if (a.trace.decision.admit)
		r = plan_identify(&plan, err);
	else
		word_refusal(&a, &refusal);
	if (r != BV_OK)
		return r;
	if (a.trace.decision.admit)
		*ret_plan = plan;
	*ret_refusal = refusal;
	if (ret_trace)
		*ret_trace = a.trace;
	return BV_OK;
}

int bv_plan_build(const struct bv_spec *spec, const struct bv_snapshot *snap,
		  struct bv_plan *ret_plan, struct bv_refusal *ret_refusal,
		  struct bv_err *err)
{
	return bv_plan_decide(spec, snap, NULL, ret_plan, ret_refusal, NULL,
			      err);
}
