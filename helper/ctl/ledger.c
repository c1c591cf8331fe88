/* SPDX-License-Identifier: MIT */
/* Rows of the ledger as text and JSON. */
#include "helper/ctl/ledger.h"

#include "core/json.h"
#include "helper/ctl/out.h"
#include "ledger/ledger.h"

struct bvh_ctl_ledger bvh_ctl_ledger_of(const struct bvh_admission *adm,
					const struct bv_snapshot *snap)
{
	const struct bv_spec *spec = &adm->spec;
	struct bvh_ctl_ledger l = {
		.snap = snap,
		.caps = &adm->caps,
		.local = adm->config.qualification_local,
	};

	for (size_t i = 0; i < spec->req_n; i++)
		l.rows |= BV_COVER_REQ(spec->req[i].req);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		if (spec->budget[d].stated)
			l.rows |= BV_COVER_BUDGET(d);
	return l;
}

/* What it comes to on this machine. */
static const char *here(const struct bvh_ctl_ledger *l, unsigned int cover,
			const struct bvl_entry *e)
{
	const struct bv_cap *cap = &l->caps->of[cover];

	if (e->status != BVL_PROVEN && e->status != BVL_WAIVED)
		return e->why;
	if (cap->at_most == BV_UNSUPPORTED)
		return cap->missing;
	return l->local ? "qualified" : "its floor is met";
}

static const struct bvl_entry *entry_of(const struct bvh_ctl_ledger *l,
					unsigned int cover)
{
	const struct bvl_ledger *ledger = bvl_ledger_of(l->snap);

	if (ledger == NULL || (l->rows & UINT64_C(1) << cover) == 0)
		return NULL;
	return &ledger->entry[cover];
}

void bvh_ctl_say_ledger(const struct bvh_ctl_ledger *l)
{
	bvh_ctl_say("\n%-36s %-12s %s\n", "LEDGER", "STATUS", "HERE");
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		const struct bvl_entry *e = entry_of(l, i);

		if (e != NULL)
			bvh_ctl_say("%-36s %-12s %s\n", bv_cover_name(i),
				    bvl_status_name(e->status), here(l, i, e));
	}
}

json_t *bvh_ctl_ledger_json(const struct bvh_ctl_ledger *l, int *failed)
{
	json_t *all = json_object();

	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		const struct bvl_entry *e = entry_of(l, i);
		const char *most;
		char floor[256];
		json_t *one;

		if (e == NULL)
			continue;
		one = json_object();
		most = bv_enforcement_name(l->caps->of[i].at_most);
		bvl_floor_text(&e->floor, floor, sizeof(floor));
		*failed |= bvh_ctl_put(one, "status",
				       json_string(bvl_status_name(e->status)));
		*failed |= bvh_ctl_put(one, "floor", bv_json_text(floor));
		*failed |= bvh_ctl_put(one, "mechanism",
				       bv_json_text(e->mechanism));
		*failed |= bvh_ctl_put(one, "at_most", json_string(most));
		*failed |=
			bvh_ctl_put(one, "here", bv_json_text(here(l, i, e)));
		*failed |= bvh_ctl_put(all, bv_cover_name(i), one);
	}
	return all;
}
