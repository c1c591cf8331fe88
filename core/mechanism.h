/* SPDX-License-Identifier: MIT */
/*
 * What a requirement or budget is carried by, as one digest: each way it may be
 * done, and the declarations of the primitives that cover it, with all that
 * these stand on. The ledger has it frozen: another way of doing it is another
 * mechanism, for which nothing is proved yet.
 */
#ifndef BV_CORE_MECHANISM_H
#define BV_CORE_MECHANISM_H

#include "core/cap.h"

/* The primitives of a cover and their prerequisites, transitively, as a
 * BV_PRIM_BIT set. */
uint64_t bv_mechanism_primitives(const struct bv_universe *u,
				 unsigned int cover);

/* Of the Linux backend, 64 hex digits. A row that is not built has one too. */
void bv_mechanism_digest(unsigned int cover, char ret[65]);
/* The same over another universe. */
void bv_mechanism_digest_in(const struct bv_universe *u, unsigned int cover,
			    char ret[65]);

#endif
