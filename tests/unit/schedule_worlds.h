/* SPDX-License-Identifier: MIT */
/* Hand-made universes for the tests of compiler and verifier. Included once. */
#ifndef BV_TESTS_SCHEDULE_WORLDS_H
#define BV_TESTS_SCHEDULE_WORLDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/schedule.h"

#define N_MAX 5u

#define AFTER(i) BV_PRIM_BIT(i)
#define NOT(i)   BV_PRIM_BIT(i)

struct world {
	const char *name;
	struct bv_primitive p[N_MAX];
	size_t n;
	uint8_t decl[N_MAX][BV_SHA256_BYTES];
	struct bv_universe u;
};

#define PRIM(id_, phase_, after_, not_, covers_)                               \
	{                                                                      \
		.id = (id_), .version = 1, .phase = (enum bv_phase)(phase_),   \
		.prerequisites = (after_), .conflicts = (not_),                \
		.covers = (covers_), .witness = "none"                         \
	}

static struct world worlds[] = {
	{ .name = "a chain, ids against it",
	  .p = { PRIM("c", 0, 0, 0, 1), PRIM("b", 0, AFTER(0), 0, 0),
		 PRIM("a", 1, AFTER(1), 0, 2) },
	  .n = 3 },
	{ .name = "nothing but ids and phases",
	  .p = { PRIM("b", 1, 0, 0, 1), PRIM("a", 1, 0, 0, 2),
		 PRIM("z", 0, 0, 0, 4), PRIM("y", 2, 0, 0, 0) },
	  .n = 4 },
	{ .name = "a diamond",
	  .p = { PRIM("m", 0, AFTER(1) | AFTER(2), 0, 1),
		 PRIM("z", 0, AFTER(3), 0, 0), PRIM("n", 0, AFTER(3), 0, 2),
		 PRIM("o", 0, 0, 0, 0) },
	  .n = 4 },
	{ .name = "a small one waits for a big one",
	  .p = { PRIM("a", 0, AFTER(1), 0, 0), PRIM("q", 0, 0, 0, 0),
		 PRIM("b", 0, 0, 0, 0), PRIM("c", 0, AFTER(0), 0, 3),
		 PRIM("r", 0, 0, 0, 0) },
	  .n = 5 },
	{ .name = "conflicts, each said by one side",
	  .p = { PRIM("x", 0, 0, NOT(1), 1), PRIM("y", 0, 0, 0, 1),
		 PRIM("w", 1, AFTER(0), 0, 2),
		 PRIM("x9", 1, 0, NOT(1) | NOT(2), 2) },
	  .n = 4 },
	{ .name = "a prerequisite in a later phase",
	  .p = { PRIM("p", 1, 0, 0, 1), PRIM("q", 0, AFTER(0), 0, 2),
		 PRIM("r", 0, 0, 0, 0) },
	  .n = 3 },
	{ .name = "two that wait for each other, one for itself",
	  .p = { PRIM("a", 0, AFTER(1), 0, 0), PRIM("b", 0, AFTER(0), 0, 0),
		 PRIM("c", 0, 0, 0, 1), PRIM("d", 0, AFTER(3), 0, 0) },
	  .n = 4 },
	{ .name = "two versions of one",
	  .p = { { .id = "a", .version = 2, .witness = "none" },
		 { .id = "a", .version = 1, .witness = "none" },
		 { .id = "a", .version = 10, .covers = 1, .witness = "none" } },
	  .n = 3 },
	{ .name = "waits for what no universe has",
	  .p = { PRIM("a", 0, AFTER(2), 0, 1), PRIM("b", 0, AFTER(63), 0, 1) },
	  .n = 2 },
};

static inline int set_worlds(void **state)
{
	(void)state;
	for (size_t w = 0; w < BV_LEN(worlds); w++) {
		struct world *x = &worlds[w];

		for (size_t i = 0; i < x->n; i++)
			bv_primitive_digest(x->p, x->n, i, x->decl[i]);
		x->u = (struct bv_universe){
			.p = x->p,
			.n = x->n,
			.decl = (const uint8_t(*)[BV_SHA256_BYTES])x->decl,
		};
	}
	return 0;
}

static inline struct bv_schedule schedule_of(const struct world *w,
					     const size_t *order, size_t n)
{
	struct bv_schedule s = { .n = n };

	s.entry[n].index = UINT32_MAX; /* must not be looked at */
	for (size_t i = 0; i < n; i++) {
		s.entry[i].index = (uint32_t)order[i];
		if (order[i] >= w->n)
			continue;
		s.entry[i].id = w->p[order[i]].id;
		s.entry[i].version = w->p[order[i]].version;
		s.entry[i].phase = w->p[order[i]].phase;
		memcpy(s.entry[i].decl, w->decl[order[i]],
		       sizeof(s.entry[i].decl));
	}
	return s;
}

#endif
