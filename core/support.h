/* SPDX-License-Identifier: MIT */
/*
 * What can be enforced: the static Linux matrix (best case, every key
 * stated), the ceiling derived from a snapshot alone, and their meet. What is
 * not built is Unsupported here and therefore refuses.
 */
#ifndef BV_CORE_SUPPORT_H
#define BV_CORE_SUPPORT_H

#include "core/snapshot.h"
#include "core/vocab.h"

#include <stddef.h>

struct bv_verdict {
	enum bv_enforcement enforcement;
	uint32_t evidence; /* BV_EV_BIT set */
	const char
		*mechanism; /* "linux:landlock+read_only_view", static text */
	/* When Unsupported: what is missing and what to do, else "". Static
	 * text, but that missing may point into the snapshot derived from. */
	const char *missing;
	const char *remedy;
	const char *fact[2]; /* keys of the facts that show it, or NULL */
};

struct bv_availability {
	uint64_t available; /* UINT64_MAX: as much as asked */
	enum bv_enforcement enforcement;
	uint32_t evidence;
	const char *mechanism;
	/* How a limit is kept: looked at every sample_us at the latest (0: by
	 * the kernel, at once), and passed by max_overshoot at the most, in its
	 * own unit. */
	uint64_t sample_us;
	uint64_t max_overshoot;
	const char *missing; /* these three as in bv_verdict */
	const char *remedy;
	const char *fact[2];
};

struct bv_profile {
	struct bv_verdict req[BV_REQ_N];
	struct bv_verdict kind[BV_KIND_N]; /* the best of the kind's keys */
	struct bv_availability budget[BV_DIM_N];
};

/* The matrix row of a key; never NULL for a valid one. */
const struct bv_verdict *bv_support_linux(enum bv_req req);

/* One way of doing it, as a machine may have it. */
struct bv_way {
	const char *mechanism;
	enum bv_enforcement enforcement;
	uint32_t evidence;
	uint64_t sample_us;
	uint64_t max_overshoot; /* of one processor */
};

/* The i-th way of a key, or (cover - BV_REQ_N) of a budget, in the order in
 * which they are tried; the first of a key is its matrix row. False past the
 * last: at once for what is not built. */
bool bv_support_way(unsigned int cover, size_t i, struct bv_way *ret);

/* Per axis: the weaker enforcement, the common evidence. The words come from
 * the weaker side; of two that are as weak from b, who knows more of the
 * machine, unless neither can anything: then from a. */
struct bv_verdict bv_verdict_meet(const struct bv_verdict *a,
				  const struct bv_verdict *b);

/* Processors of the machine the snapshot was taken of, 1 when not known. */
uint64_t bv_cpus(const struct bv_snapshot *snap);

/* Ceiling ⊓ matrix for every key and budget, from the snapshot alone, which
 * must outlive the profile. What depends on one spec (storage without a private
 * temp root) is bv_profile_for()'s. Another backend than linux: all
 * Unsupported. */
void bv_profile_derive(const struct bv_snapshot *snap, struct bv_profile *ret);

/* kind[] from req[]: for whoever has changed these. */
void bv_profile_kinds(struct bv_profile *p);

#endif
