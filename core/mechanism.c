/* SPDX-License-Identifier: MIT */
/* Mechanisms as digests, over names and never over numbers of enums. */
#include "core/mechanism.h"

#include <string.h>

#include "core/digest.h"

uint64_t bv_mechanism_primitives(const struct bv_universe *u,
				 unsigned int cover)
{
	uint64_t set = 0, before;

	for (size_t i = 0; cover < BV_COVER_N && i < u->n; i++)
		if (u->p[i].covers & (UINT64_C(1) << cover))
			set |= BV_PRIM_BIT(i);
	do {
		before = set;
		for (size_t i = 0; i < u->n; i++)
			if (set & BV_PRIM_BIT(i))
				set |= u->p[i].prerequisites;
	} while (set != before);
	return set;
}

/* Evidence by name: bit numbers are a plan's business. */
static void put_evidence(struct bv_digest *d, uint32_t evidence)
{
	for (unsigned int e = 0; e < BV_EV_N; e++)
		if (evidence & BV_EV_BIT(e))
			bv_digest_text(d, "evidence",
				       bv_evidence_name((enum bv_evidence)e));
}

static void put_way(struct bv_digest *d, const struct bv_way *way)
{
	bv_digest_text(d, "way", way->mechanism);
	bv_digest_text(d, "verdict", bv_enforcement_name(way->enforcement));
	put_evidence(d, way->evidence);
	bv_digest_u64(d, "sample_us", way->sample_us);
	bv_digest_u64(d, "overshoot", way->max_overshoot);
}

/* The rows of the universe have an order of their own; ids decide here. A
 * declaration's digest has its id in it. */
static void put_primitives(struct bv_digest *d, const struct bv_universe *u,
			   uint64_t set)
{
	size_t sorted[BV_PRIMITIVE_MAX];
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++) {
		size_t at = n;

		if (!(set & BV_PRIM_BIT(i)))
			continue;
		for (;
		     at > 0 && strcmp(u->p[sorted[at - 1]].id, u->p[i].id) > 0;
		     at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = i;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		bv_digest_bytes(d, "declaration", u->decl[sorted[i]],
				sizeof(u->decl[sorted[i]]));
}

void bv_mechanism_digest_in(const struct bv_universe *u, unsigned int cover,
			    char ret[65])
{
	uint8_t sum[BV_SHA256_BYTES];
	struct bv_digest d;
	struct bv_way way;

	bv_digest_begin(&d, "bvisor.mechanism.v1");
	bv_digest_text(&d, "row", bv_cover_name(cover));
	for (size_t i = 0; bv_support_way(cover, i, &way); i++)
		put_way(&d, &way);
	put_primitives(&d, u, bv_mechanism_primitives(u, cover));
	bv_digest_end(&d, sum);
	bv_digest_hex(sum, ret);
}

void bv_mechanism_digest(unsigned int cover, char ret[65])
{
	bv_mechanism_digest_in(bv_universe_linux(), cover, ret);
}
