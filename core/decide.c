/* SPDX-License-Identifier: MIT */
/*
 * The reference evaluator: the rules in their frozen order, one function each,
 * and out at the first failure. Written to be read; decide_table.c checks it.
 */
#include "core/decision.h"

#include <stddef.h>

typedef bool (*rule_fn)(const struct bv_question *q, struct bv_decision *ret);

static bool refuse(struct bv_decision *ret, enum bv_membrane membrane,
		   enum bv_refusal_code code)
{
	ret->admit = 0;
	ret->membrane = membrane;
	ret->code = code;
	return false;
}

static uint32_t slots_of(const struct bv_question *q)
{
	return q->slot_n < BV_REQUIREMENT_MAX ? q->slot_n : BV_REQUIREMENT_MAX;
}

static bool rule_config(const struct bv_question *q, struct bv_decision *ret)
{
	if (q->config == BV_CONFIG_SOUND)
		return true;
	if (q->config == BV_CONFIG_ENVIRONMENT)
		return refuse(ret, BV_MEMBRANE_CONFIG,
			      BV_REFUSED_CONFIG_ENVIRONMENT);
	return refuse(ret, BV_MEMBRANE_CONFIG, BV_REFUSED_CONFIG_POLICY);
}

static bool rule_unmatched(const struct bv_question *q, struct bv_decision *ret)
{
	return q->unmatched == 0 ||
	       refuse(ret, BV_MEMBRANE_UNMATCHED, BV_REFUSED_UNMATCHED);
}

static bool rule_action(const struct bv_question *q, struct bv_decision *ret)
{
	return q->action == BV_ACTION_CONFINE ||
	       refuse(ret, BV_MEMBRANE_ACTION, BV_REFUSED_ACTION);
}

static bool rule_conflict(const struct bv_question *q, struct bv_decision *ret)
{
	for (uint32_t j = 1; j < slots_of(q); j++) {
		for (uint32_t i = 0; i < j; i++) {
			const struct bv_slot *a = &q->slot[i], *b = &q->slot[j];
			bool twice = a->req == b->req;

			if (!twice &&
			    (a->family == 0 || a->family != b->family))
				continue;
			ret->slot = j;
			ret->against = i;
			return refuse(ret, BV_MEMBRANE_CONFLICT,
				      twice ? BV_REFUSED_CONFLICT_TWICE
					    : BV_REFUSED_CONFLICT_FAMILY);
		}
	}
	return true;
}

static bool rule_workload(const struct bv_question *q, struct bv_decision *ret)
{
	if (q->workload == BV_WORKLOAD_PROCESS &&
	    q->backend == BV_BACKEND_LINUX)
		return true;
	if (q->workload == BV_WORKLOAD_WASM && q->backend == BV_BACKEND_WASM)
		return true;
	return refuse(ret, BV_MEMBRANE_WORKLOAD, BV_REFUSED_WORKLOAD);
}

static bool rule_drift(const struct bv_question *q, struct bv_decision *ret)
{
	for (uint32_t w = 0; w < BV_DIGEST_WORDS; w++)
		if (q->probed[w] != q->live[w])
			return refuse(ret, BV_MEMBRANE_DRIFT, BV_REFUSED_DRIFT);
	return true;
}

static bool rule_support(const struct bv_question *q, struct bv_decision *ret)
{
	for (uint32_t i = 0; i < slots_of(q); i++) {
		if (q->slot[i].enforcement >= 1)
			continue;
		ret->slot = i;
		return refuse(ret, BV_MEMBRANE_SUPPORT, BV_REFUSED_SUPPORT);
	}
	return true;
}

/* Each requirement shows its own; then the session, to which every requirement
 * and every stated budget adds what it shows. */
static bool rule_evidence(const struct bv_question *q, struct bv_decision *ret)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < slots_of(q); i++) {
		const struct bv_slot *s = &q->slot[i];

		shown |= s->available_evidence;
		if ((s->required_evidence & ~s->available_evidence) == 0)
			continue;
		ret->slot = i;
		return refuse(ret, BV_MEMBRANE_EVIDENCE,
			      BV_REFUSED_EVIDENCE_REQUIREMENT);
	}
	for (uint32_t d = 0; d < BV_DIM_N; d++)
		if (q->lane[d].stated != 0)
			shown |= q->lane[d].available_evidence;
	if ((q->required_evidence & ~shown) != 0)
		return refuse(ret, BV_MEMBRANE_EVIDENCE,
			      BV_REFUSED_EVIDENCE_SESSION);
	return true;
}

static enum bv_refusal_code lane_code(const struct bv_lane *l)
{
	if (l->limit > l->available)
		return BV_REFUSED_BUDGET_CAPACITY;
	if (l->enforcement < l->required)
		return BV_REFUSED_BUDGET_GUARANTEE;
	/* A guarantee nobody asked for is still one that must exist: a stated
	 * limit that nothing upholds would be a promise to the reader. */
	if (l->enforcement == 0)
		return BV_REFUSED_BUDGET_GUARANTEE;
	if ((l->required_evidence & ~l->available_evidence) != 0)
		return BV_REFUSED_BUDGET_EVIDENCE;
	return BV_REFUSED_NOT;
}

/* Two phases over all dimensions: the first outranks the second entirely. */
static bool rule_budget(const struct bv_question *q, struct bv_decision *ret)
{
	for (uint32_t d = 0; d < BV_DIM_N; d++) {
		if (q->lane[d].stated == 0 ||
		    q->lane[d].limit >= q->lane[d].minimum)
			continue;
		ret->dim = d;
		return refuse(ret, BV_MEMBRANE_BUDGET,
			      BV_REFUSED_BUDGET_MINIMUM);
	}
	for (uint32_t d = 0; d < BV_DIM_N; d++) {
		enum bv_refusal_code code = q->lane[d].stated == 0
						    ? BV_REFUSED_NOT
						    : lane_code(&q->lane[d]);

		if (code == BV_REFUSED_NOT)
			continue;
		ret->dim = d;
		return refuse(ret, BV_MEMBRANE_BUDGET, code);
	}
	return true;
}

static bool rule_schedule(const struct bv_question *q, struct bv_decision *ret)
{
	if (q->schedule == BV_SCHEDULE_ACCEPTED)
		return true;
	return refuse(ret, BV_MEMBRANE_SCHEDULE,
		      q->schedule == BV_SCHEDULE_NOT_COMPILED
			      ? BV_REFUSED_SCHEDULE_COMPILE
			      : BV_REFUSED_SCHEDULE_VERIFY);
}

/* The frozen order. */
static const rule_fn rules[] = {
	rule_config,   rule_unmatched, rule_action,  rule_conflict,
	rule_workload, rule_drift,     rule_support, rule_evidence,
	rule_budget,   rule_schedule,
};

void bv_decide_reference(const struct bv_question *q, struct bv_decision *ret)
{
	*ret = (struct bv_decision){
		.admit = 1,
		.membrane = BV_MEMBRANE_NONE,
		.code = BV_REFUSED_NOT,
		.slot = BV_NO_SLOT,
		.against = BV_NO_SLOT,
		.dim = BV_DIM_N,
	};
	for (size_t i = 0; i < BV_LEN(rules); i++)
		if (!rules[i](q, ret))
			return;
}
