/* SPDX-License-Identifier: MIT */
/* Capping: the same meet as that of matrix and ceiling. */
#include "core/cap.h"

#include "core/err.h"

#define NONE "linux:none"

static const char *const budget_names[] = {
	[BV_DIM_WALL] = "budget:wall",
	[BV_DIM_CPU] = "budget:cpu",
	[BV_DIM_MEMORY] = "budget:memory",
	[BV_DIM_PROCESSES] = "budget:processes",
	[BV_DIM_HANDLES] = "budget:handles",
	[BV_DIM_STORAGE] = "budget:storage",
	[BV_DIM_NETWORK] = "budget:network",
};
_Static_assert(BV_LEN(budget_names) == BV_DIM_N, "every budget has a name");

const char *bv_cover_name(unsigned int cover)
{
	if (cover < BV_REQ_N)
		return bv_req_name((enum bv_req)cover);
	return cover < BV_COVER_N ? budget_names[cover - BV_REQ_N] : "?";
}

void bv_caps_none(struct bv_caps *ret)
{
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		ret->of[i] = (struct bv_cap){
			.at_most = BV_ENFORCED,
			.missing = "",
			.remedy = "",
		};
}

struct bv_verdict bv_verdict_meet(const struct bv_verdict *a,
				  const struct bv_verdict *b)
{
	unsigned int sa = bv_enforcement_strength(a->enforcement);
	unsigned int sb = bv_enforcement_strength(b->enforcement);
	struct bv_verdict meet = sa < sb || sa == 0 ? *a : *b;

	meet.enforcement = bv_enforcement_meet(a->enforcement, b->enforcement);
	meet.evidence = a->evidence & b->evidence;
	return meet;
}

static void cap_key(struct bv_verdict *v, const struct bv_cap *cap)
{
	const struct bv_verdict most = {
		.enforcement = cap->at_most,
		.evidence = v->evidence,
		.mechanism =
			cap->at_most == BV_UNSUPPORTED ? NONE : v->mechanism,
		.missing = cap->missing,
		.remedy = cap->remedy,
		.fact = { cap->fact[0], cap->fact[1] },
	};

	*v = bv_verdict_meet(v, &most);
	if (v->enforcement == BV_UNSUPPORTED)
		v->evidence = 0;
}

static void cap_budget(struct bv_availability *a, const struct bv_cap *cap)
{
	if (a->enforcement == BV_UNSUPPORTED)
		return;
	a->enforcement = bv_enforcement_meet(a->enforcement, cap->at_most);
	if (a->enforcement != BV_UNSUPPORTED)
		return;
	*a = (struct bv_availability){
		.available = UINT64_MAX,
		.enforcement = BV_UNSUPPORTED,
		.mechanism = NONE,
		.missing = cap->missing,
		.remedy = cap->remedy,
		.fact = { cap->fact[0], cap->fact[1] },
	};
}

void bv_profile_cap(struct bv_profile *p, const struct bv_caps *caps)
{
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		cap_key(&p->req[r], &caps->of[r]);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		cap_budget(&p->budget[d], &caps->of[BV_REQ_N + d]);
	bv_profile_kinds(p);
}
