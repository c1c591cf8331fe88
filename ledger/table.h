/* SPDX-License-Identifier: MIT */
/*
 * The words a backend's table is written in; for the files table_*.c alone. The
 * includer has receipts[] by name, refuses[] among them, and
 *
 *   #define LEDGER(ROW) ROW(cover, entry) ...
 *   TABLE_OF(LEDGER)
 */
#ifndef BVL_TABLE_H
#define BVL_TABLE_H

#include "ledger/ledger.h"

#include "core/err.h"
#include "core/mechanism.h"
/* The frozen digests, a file of their own: each changes with what it is of. */
#include "ledger/mechanisms.inc"

/* Where a receipt stands. */
#define CASE(name) "tests/vm/guest/cases/" name ".sh"
#define UNIT(name) "tests/unit/" name ".c"

/* Floors. */
#define NEEDS(n) BVL_NEEDS_##n
#define CONFINED (NEEDS(SECCOMP) | NEEDS(TRUNCATE))
#define LEAF     (NEEDS(CGROUP) | NEEDS(KILL))

/* Entries. */
#define PROVEN(abi, set, shown, digest)                                        \
	.status = BVL_PROVEN,                                                  \
	.floor = { .landlock_abi = (abi), .needs = (set) },                    \
	.receipts = (shown), .receipts_n = BV_LEN(shown),                      \
	.mechanism = (digest), .why = ""
#define FAIL_CLOSED(text)                                                      \
	.status = BVL_FAIL_CLOSED, .mechanism = "", .receipts = refuses,       \
	.receipts_n = BV_LEN(refuses), .why = (text)
#define INCOMPLETE                                                             \
	.status = BVL_INCOMPLETE, .mechanism = "",                             \
	.why = "not built in this release"

/* Covers. */
#define REQ(name)    BV_REQ_##name
#define BUDGET(name) (BV_REQ_N + BV_DIM_##name)

/* A row left out is a hole that nobody sees in an array: not here. */
#define TABLE_ENTRY(cover, ...) [cover] = { __VA_ARGS__ },
#define TABLE_BIT(cover, ...)   | UINT64_C(1) << (cover)
#define TABLE_OF(rows)                                                         \
	static const struct bvl_entry entries[] = { rows(TABLE_ENTRY) };       \
	_Static_assert((UINT64_C(0) rows(TABLE_BIT)) ==                        \
			       (UINT64_C(1) << BV_COVER_N) - 1,                \
		       "the ledger states every key and budget");              \
	_Static_assert(BV_LEN(entries) == BV_COVER_N, "and no other");

#endif
