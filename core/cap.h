/* SPDX-License-Identifier: MIT */
/*
 * What somebody else has to say on the ceiling of a machine: the qualification
 * ledger, as data. Nothing is ever raised by it.
 */
#ifndef BV_CORE_CAP_H
#define BV_CORE_CAP_H

#include "core/primitive.h"
#include "core/support.h"

/* One row: texts as in struct bv_verdict, and "" / NULL when ENFORCED. */
struct bv_cap {
	enum bv_enforcement at_most;
	const char *missing;
	const char *remedy;
	const char *fact[2];
};

/* Requirement keys, then budgets: BV_REQ_N + dimension. */
struct bv_caps {
	struct bv_cap of[BV_COVER_N];
};

void bv_caps_none(struct bv_caps *ret); /* every row may be enforced */

/* Profile ⊓ caps, kinds derived anew. What caps' texts point to must outlive
 * the profile. */
void bv_profile_cap(struct bv_profile *p, const struct bv_caps *caps);

/* "Kill(atomic)", "budget:memory"; "?" out of range. */
const char *bv_cover_name(unsigned int cover);

#endif
