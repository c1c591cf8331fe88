/* SPDX-License-Identifier: MIT */
/*
 * What the commands of one session of the restricted shell may use together.
 * Each takes its share before it runs, so that those beside it cannot take it
 * too, and gives back what it did not use. Pure.
 */
#ifndef BV_WASM_TOTALS_H
#define BV_WASM_TOTALS_H

#include "wasm/grant.h"

struct bw_amounts {
	uint64_t fuel;
	uint64_t cpu_us;
	uint64_t output_bytes;
	uint64_t storage_bytes;
};

struct bw_totals {
	struct bw_session_grant bound;
	struct bw_amounts left; /* not yet taken */
	struct bw_amounts used;
	uint64_t commands;
	uint64_t wall_us;
	uint64_t unknown_fuel; /* commands whose fuel nobody could tell */
};

void bw_totals_init(struct bw_totals *t, const struct bw_session_grant *s);

/* Take a command's share before it runs, so that those beside it cannot take
 * it too. members: of a pipeline, this one and those whose turn is still to
 * come; none takes more than an equal part of what is left, or the first would
 * leave nothing to the others. BV_E_LIMIT: what is used up; when the first one's
 * share can be taken, so can those of the others. */
int bw_totals_take(struct bw_totals *t, const struct bw_grant *grant,
		   size_t members, struct bw_amounts *ret,
		   struct bv_err *err) BV_MUST_CHECK;
/* It was never begun: as if it had not been taken. */
void bw_totals_undo(struct bw_totals *t, const struct bw_amounts *taken);
/* Give back what of it was not used. */
void bw_totals_give(struct bw_totals *t, const struct bw_amounts *taken,
		    const struct bw_amounts *used);

#endif
