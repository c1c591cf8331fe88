/* SPDX-License-Identifier: MIT */
/* Derived minimums, the records of a budget, and what was found at the end. */
#include "core/budget.h"

#include "core/report.h"

#include <inttypes.h>
#include <stdio.h>

static void at_least(uint64_t *minimum, uint64_t v)
{
	if (*minimum < v)
		*minimum = v;
}

/* What one requirement cannot do without. Handles add up, the rest do not. */
static void minimum_of(const struct bv_spec *spec, enum bv_kind kind,
		       uint64_t min[BV_DIM_N])
{
	switch (kind) {
	case BV_KIND_LAUNCH_WORKLOAD:
		at_least(&min[BV_DIM_WALL], 1);
		at_least(&min[BV_DIM_CPU], 1);
		at_least(&min[BV_DIM_MEMORY], 1);
		at_least(&min[BV_DIM_PROCESSES], 1);
		min[BV_DIM_HANDLES] += 3;
		break;
	case BV_KIND_CAPTURE_STREAMS:
		min[BV_DIM_HANDLES] += 3; /* stdin, stdout, stderr */
		break;
	case BV_KIND_TEMP_ROOT:
	case BV_KIND_COMMIT_ARTIFACT:
		at_least(&min[BV_DIM_STORAGE], 1);
		break;
	case BV_KIND_EXPOSE_PATH:
		for (size_t i = 0; i < spec->policy->expose_n; i++)
			if (spec->policy->expose[i].write)
				at_least(&min[BV_DIM_STORAGE], 1);
		break;
	case BV_KIND_CHILD_SPAWN_ALLOW_THREADS:
	case BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS:
		at_least(&min[BV_DIM_PROCESSES], 2);
		break;
	case BV_KIND_INHERITED_FDS_ONLY:
		min[BV_DIM_HANDLES] += spec->policy->fds_keep_n;
		break;
	case BV_KIND_NETWORK_ALLOW_LIST:
		at_least(&min[BV_DIM_NETWORK], 1);
		break;
	case BV_KIND_FILESYSTEM:
	case BV_KIND_NETWORK_DENY_ALL:
	case BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS:
	case BV_KIND_ENVIRONMENT:
	case BV_KIND_INHERITED_FDS_NONE:
	case BV_KIND_DISCARD_ARTIFACT:
	case BV_KIND_KILL:
	case BV_KIND_LIST_OUTPUTS:
	case BV_KIND_N:
		break;
	}
}

void bv_budget_minimums(const struct bv_spec *spec, uint64_t ret[BV_DIM_N])
{
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		ret[d] = 0;
	for (size_t i = 0; i < spec->req_n; i++)
		minimum_of(spec, spec->req[i].kind, ret);
}

struct bv_lane bv_budget_lane(const struct bv_budget_request *request,
			      uint64_t minimum,
			      const struct bv_availability *available)
{
	if (!request->stated)
		return (struct bv_lane){ .stated = 0 };
	return (struct bv_lane){
		.limit = request->limit,
		.minimum = minimum,
		.available = available->available,
		.stated = 1,
		.required = bv_enforcement_strength(request->guarantee),
		.enforcement = bv_enforcement_strength(available->enforcement),
		.required_evidence = request->evidence,
		.available_evidence = available->evidence,
	};
}

struct bv_admitted_budget
bv_budget_admit(const struct bv_budget_request *request, uint64_t minimum,
		const struct bv_availability *available)
{
	if (!request->stated)
		return (struct bv_admitted_budget){ .minimum = minimum,
						    .mechanism = "" };
	return (struct bv_admitted_budget){
		.stated = true,
		.limit = request->limit,
		.minimum = minimum,
		.required = request->guarantee,
		/* What the machine has, not what was asked for. */
		.selected = available->enforcement,
		.required_evidence = request->evidence,
		.promised_evidence = available->evidence,
		.mechanism = available->mechanism,
		.sample_us = available->sample_us,
		.max_overshoot = available->max_overshoot,
	};
}

/* Over the limit, but by no more than was stated beforehand? The limit's own
 * size must not make the sum wrap. */
static bool within_overshoot(const struct bv_admitted_budget *budget,
			     uint64_t used)
{
	return used - budget->limit <= budget->max_overshoot;
}

enum bv_finding bv_budget_finding(const struct bv_admitted_budget *budget,
				  const struct bv_measure *measure)
{
	if (!budget->stated)
		return BV_FINDING_NOT_REQUESTED;
	/* A peak never passes a hard limit, so the peak cannot tell whether the
	 * limit was met: the kernel's event counter can, and comes first. */
	if (measure->limit_hit)
		return BV_FINDING_LIMIT_REACHED_ENFORCED;
	if (!measure->available)
		return BV_FINDING_OBSERVATION_UNAVAILABLE;
	if (measure->used <= budget->limit)
		return BV_FINDING_WITHIN_LIMIT;
	return within_overshoot(budget, measure->used)
		       ? BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT
		       : BV_FINDING_ENFORCEMENT_FAULT;
}

uint64_t bv_cpu_sample_us(uint64_t used_us, uint64_t limit_us, uint64_t cpus)
{
	uint64_t left = used_us < limit_us ? limit_us - used_us : 0;
	uint64_t in = cpus > 0 ? left / cpus : left;

	if (in < BV_CPU_SAMPLE_MIN_US)
		return BV_CPU_SAMPLE_MIN_US;
	return in > BV_CPU_SAMPLE_MAX_US ? BV_CPU_SAMPLE_MAX_US : in;
}

void bv_budget_left_text(uint64_t left_us, char *ret, size_t ret_len)
{
	const uint64_t s = left_us / 1000000u;

	if (s >= 2u * 3600u)
		snprintf(ret, ret_len, "%" PRIu64 " h", s / 3600u);
	else if (s >= 2u * 60u)
		snprintf(ret, ret_len, "%" PRIu64 " min", s / 60u);
	else
		snprintf(ret, ret_len, "%" PRIu64 " s", s);
}
