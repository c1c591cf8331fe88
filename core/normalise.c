/* SPDX-License-Identifier: MIT */
/*
 * Spec × profile → the record of integers that both evaluators answer, made
 * once; and what is common to their answers: comparison, trace.
 */
#include "core/decision.h"

#include <string.h>

#include "core/budget.h"
#include "core/digest.h"
#include "core/env.h"

/* --- the machine ----------------------------------------------------------- */

/* Not where a fact was found or why not: nothing is decided by that. An empty
 * fact is as good as none (snapshot.h). */
static bool is_basis(const struct bv_fact *fact)
{
	return fact->value[0] != '\0' &&
	       strcmp(fact->key, BV_FACT_CGROUP_SOURCE) != 0 &&
	       strcmp(fact->key, BV_FACT_CGROUP_WHY) != 0;
}

void bv_snapshot_basis(const struct bv_snapshot *snap,
		       uint64_t ret[BV_DIGEST_WORDS])
{
	uint8_t sum[BV_SHA256_BYTES];
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.snapshot-basis.v1");
	for (size_t i = 0; i < snap->n; i++)
		if (is_basis(&snap->fact[i]))
			bv_digest_text(&d, snap->fact[i].key,
				       snap->fact[i].value);
	bv_digest_end(&d, sum);
	/* As numbers, most significant byte first, on any machine. */
	for (unsigned int i = 0; i < BV_SHA256_BYTES; i++)
		ret[i / 8] = (i % 8 == 0 ? 0 : ret[i / 8] << 8) | sum[i];
}

static const char *first_missing(const struct bv_snapshot *in,
				 const struct bv_snapshot *from)
{
	for (size_t i = 0; i < in->n; i++) {
		const struct bv_fact *f = &in->fact[i];
		const char *other = bv_snapshot_get(from, f->key);

		if (is_basis(f) && strcmp(f->value, other) != 0)
			return f->key;
	}
	return NULL;
}

const char *bv_snapshot_drift(const struct bv_snapshot *a,
			      const struct bv_snapshot *b)
{
	const char *one = first_missing(a, b), *other = first_missing(b, a);

	if (!one || !other)
		return one ? one : other;
	return strcmp(one, other) <= 0 ? one : other;
}

static bool spec_has(const struct bv_spec *spec, enum bv_kind kind)
{
	for (size_t i = 0; i < spec->req_n; i++)
		if (spec->req[i].kind == kind)
			return true;
	return false;
}

void bv_profile_for(const struct bv_spec *spec, const struct bv_snapshot *snap,
		    struct bv_profile *ret)
{
	bv_profile_derive(snap, ret);
	if (!spec_has(spec, BV_KIND_TEMP_ROOT))
		ret->budget[BV_DIM_STORAGE] = (struct bv_availability){
			.available = UINT64_MAX,
			.enforcement = BV_UNSUPPORTED,
			.mechanism = "linux:none",
			.missing = "it bounds the private temp root, and the "
				   "policy has none",
			.remedy = "set [temp] private = yes, or remove "
				  "[budget] storage",
		};
	/* A rate is the scheduler's to keep, and part of the cpu budget. */
	if (spec->policy->cpu_rate_percent > 0 &&
	    ret->budget[BV_DIM_CPU].enforcement != BV_UNSUPPORTED &&
	    !bv_snapshot_has_word(snap, BV_FACT_CGROUP_CTRL, "cpu"))
		ret->budget[BV_DIM_CPU] = (struct bv_availability){
			.available = UINT64_MAX,
			.enforcement = BV_UNSUPPORTED,
			.mechanism = "linux:none",
			.missing = "the cpu controller, which keeps cpu_rate, "
				   "is not available to leaves of the base",
			.remedy = "delegate the cpu controller, or remove "
				  "[budget] cpu_rate",
			.fact = { BV_FACT_CGROUP_CTRL },
		};
}

/* --- the record ------------------------------------------------------------ */

static uint32_t backend_of(const struct bv_snapshot *snap)
{
	const char *name = bv_snapshot_get(snap, BV_FACT_BACKEND);

	if (strcmp(name, "linux") == 0)
		return BV_BACKEND_LINUX;
	if (strcmp(name, "wasm") == 0)
		return BV_BACKEND_WASM;
	return BV_BACKEND_UNKNOWN;
}

static uint32_t config_of(const struct bv_policy *policy)
{
	if (policy->broken)
		return BV_CONFIG_POLICY;
	if (policy->env_exact &&
	    bv_env_check_policy(policy).code != BV_ENV_SOUND)
		return BV_CONFIG_ENVIRONMENT;
	return BV_CONFIG_SOUND;
}

void bv_question_from(const struct bv_spec *spec,
		      const struct bv_profile *profile,
		      const struct bv_snapshot *snap,
		      const struct bv_snapshot *again, struct bv_question *ret)
{
	uint64_t minimum[BV_DIM_N];

	*ret = (struct bv_question){
		.config = config_of(spec->policy),
		.action = spec->policy->action,
		.workload = spec->workload,
		.backend = backend_of(snap),
		.slot_n = (uint32_t)spec->req_n,
		.required_evidence = spec->evidence,
		.schedule = BV_SCHEDULE_ACCEPTED,
	};
	if (again) {
		bv_snapshot_basis(snap, ret->probed);
		bv_snapshot_basis(again, ret->live);
	}
	for (size_t i = 0; i < spec->req_n; i++) {
		const struct bv_requirement *r = &spec->req[i];
		const struct bv_verdict *v = &profile->req[r->req];

		ret->slot[i] = (struct bv_slot){
			.req = r->req,
			.family = bv_req_family(r->req),
			.enforcement = bv_enforcement_strength(v->enforcement),
			.required_evidence = r->evidence,
			.available_evidence = v->evidence,
		};
	}
	bv_budget_minimums(spec, minimum);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		ret->lane[d] = bv_budget_lane(&spec->budget[d], minimum[d],
					      &profile->budget[d]);
}

void bv_question_early(enum bv_membrane m, struct bv_question *ret)
{
	*ret = (struct bv_question){
		.workload = BV_WORKLOAD_PROCESS,
		.backend = BV_BACKEND_LINUX,
	};
	if (m == BV_MEMBRANE_UNMATCHED)
		ret->unmatched = 1;
	else if (m == BV_MEMBRANE_ACTION)
		ret->action = BV_ACTION_REFUSE;
	else if (m == BV_MEMBRANE_WORKLOAD)
		ret->backend = BV_BACKEND_UNKNOWN;
	else
		ret->config = BV_CONFIG_POLICY;
}

/* --- both answers ---------------------------------------------------------- */

bool bv_decision_equal(const struct bv_decision *a, const struct bv_decision *b)
{
	return a->admit == b->admit && a->membrane == b->membrane &&
	       a->code == b->code && a->slot == b->slot &&
	       a->against == b->against && a->dim == b->dim;
}

void bv_decide(const struct bv_question *q,
	       const struct bv_evaluators *evaluators, struct bv_trace *ret)
{
	static const struct bv_evaluators both = { bv_decide_reference,
						   bv_decide_table };
	const struct bv_evaluators *ask = evaluators ? evaluators : &both;

	*ret = (struct bv_trace){ .asked = true };
	ask->reference(q, &ret->reference);
	ask->table(q, &ret->table);
	ret->agree = bv_decision_equal(&ret->reference, &ret->table);
	ret->decision = ret->reference;
	if (!ret->agree)
		ret->decision = (struct bv_decision){
			.membrane = BV_MEMBRANE_DIVERGENCE,
			.code = BV_REFUSED_DIVERGENCE,
			.slot = BV_NO_SLOT,
			.against = BV_NO_SLOT,
			.dim = BV_DIM_N,
		};
}

/* The answers are compared last of all, but they were always there: a
 * divergence leaves nothing before it that could be relied on. */
enum bv_passage bv_trace_passage(const struct bv_trace *trace,
				 enum bv_membrane m)
{
	if (!trace->asked)
		return BV_NOT_REACHED;
	if (m == BV_MEMBRANE_DIVERGENCE)
		return trace->agree ? BV_PASSED : BV_REFUSED_HERE;
	if (!trace->agree)
		return BV_NOT_REACHED;
	if (trace->decision.admit || (uint32_t)m < trace->decision.membrane)
		return BV_PASSED;
	return (uint32_t)m == trace->decision.membrane ? BV_REFUSED_HERE
						       : BV_NOT_REACHED;
}

const char *bv_passage_name(enum bv_passage p)
{
	switch (p) {
	case BV_PASSED:
		return "passed";
	case BV_REFUSED_HERE:
		return "refused";
	case BV_NOT_REACHED:
		break;
	}
	return "not reached";
}
