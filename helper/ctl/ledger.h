/* SPDX-License-Identifier: MIT */
/* What the qualification ledger says of rows, for explain and probe. */
#ifndef BVH_CTL_LEDGER_H
#define BVH_CTL_LEDGER_H

#include "core/cap.h"
#include "helper/admission.h"

#include <jansson.h>

/* One admission's, or one machine's. */
struct bvh_ctl_ledger {
	const struct bv_snapshot *snap;
	const struct bv_caps *caps;
	bool local;    /* qualification = local */
	uint64_t rows; /* BV_COVER_* set */
};

/* Of what an admission was asked for. */
struct bvh_ctl_ledger bvh_ctl_ledger_of(const struct bvh_admission *adm,
					const struct bv_snapshot *snap);

void bvh_ctl_say_ledger(const struct bvh_ctl_ledger *l);
json_t *bvh_ctl_ledger_json(const struct bvh_ctl_ledger *l, int *failed);

#endif
