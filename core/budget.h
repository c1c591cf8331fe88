/* SPDX-License-Identifier: MIT */
/*
 * Seven budgets: request (policy), availability (machine) and admitted are
 * three types. Only stated budgets are adjudicated; nothing is clamped. The
 * adjudication itself is the evaluators' (decision.h).
 */
#ifndef BV_CORE_BUDGET_H
#define BV_CORE_BUDGET_H

#include "core/decision.h"
#include "core/plan.h"

/* Derived minimum of each dimension for a spec (reference 2.2). */
void bv_budget_minimums(const struct bv_spec *spec, uint64_t ret[BV_DIM_N]);

/* Request × minimum × availability → what the evaluators look at. Phase 1, all
 * dimensions: limit ≥ minimum. Phase 2, all dimensions: limit ≤ available, then
 * guarantee, then evidence. Bounds are inclusive; phase 1 outranks phase 2. */
struct bv_lane bv_budget_lane(const struct bv_budget_request *request,
			      uint64_t minimum,
			      const struct bv_availability *available);

/* What stands in the plan once the evaluators let it through: the limit as it
 * was asked for, the guarantee there is. */
struct bv_admitted_budget
bv_budget_admit(const struct bv_budget_request *request, uint64_t minimum,
		const struct bv_availability *available);

/* Bounds of the interval at which used processor time is looked at. */
#define BV_CPU_SAMPLE_MIN_US 50000u
#define BV_CPU_SAMPLE_MAX_US 5000000u

/* When to look again: no sooner than what is left can be used up by so many
 * processors at once, within the bounds above. used < limit, cpus > 0. */
uint64_t bv_cpu_sample_us(uint64_t used_us, uint64_t limit_us, uint64_t cpus);

/* "3 h", "12 min", "40 s": what is left, rounded down in a unit of which at
 * least two are there. */
void bv_budget_left_text(uint64_t left_us, char *ret, size_t ret_len);

#endif
