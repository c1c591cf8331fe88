/* SPDX-License-Identifier: MIT */
/*
 * The words of a refusal: where it stands in the policy, what was asked for,
 * the missing fact and what to do. For the log; never shown to the user.
 */
#ifndef BV_CORE_REFUSAL_H
#define BV_CORE_REFUSAL_H

#include "core/decision.h"
#include "core/plan.h"

/* Each fills *ret whole but for the code, which is the evaluators'. snap is
 * where the facts are quoted from. */
void bv_refuse_config(const struct bv_spec *spec, struct bv_refusal *ret);
void bv_refuse_action(const struct bv_spec *spec, struct bv_refusal *ret);
void bv_refuse_conflict(const struct bv_spec *spec,
			const struct bv_requirement *first,
			const struct bv_requirement *second,
			struct bv_refusal *ret);
void bv_refuse_workload(const struct bv_spec *spec,
			const struct bv_snapshot *snap, struct bv_refusal *ret);
/* again: the second probe, the one that differs. */
void bv_refuse_drift(const struct bv_spec *spec, const struct bv_snapshot *snap,
		     const struct bv_snapshot *again, struct bv_refusal *ret);
void bv_refuse_support(const struct bv_spec *spec,
		       const struct bv_snapshot *snap,
		       const struct bv_requirement *req,
		       const struct bv_verdict *verdict,
		       struct bv_refusal *ret);
void bv_refuse_requirement_evidence(const struct bv_spec *spec,
				    const struct bv_requirement *req,
				    const struct bv_verdict *verdict,
				    struct bv_refusal *ret);
/* missing: the claims nothing here gives; available: those that are given. */
void bv_refuse_evidence(const struct bv_spec *spec, uint32_t missing,
			uint32_t available, struct bv_refusal *ret);
void bv_refuse_budget(const struct bv_spec *spec,
		      const struct bv_snapshot *snap, enum bv_dim dim,
		      enum bv_budget_reason reason, uint64_t minimum,
		      const struct bv_availability *available,
		      struct bv_refusal *ret);
void bv_refuse_schedule(const struct bv_spec *spec,
			const struct bv_schedule_fault *fault,
			struct bv_refusal *ret);
void bv_refuse_divergence(const struct bv_spec *spec,
			  const struct bv_trace *trace, struct bv_refusal *ret);

#endif
