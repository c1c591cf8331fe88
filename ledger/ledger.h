/* SPDX-License-Identifier: MIT */
/*
 * The qualification ledger: for every requirement key and budget of a backend,
 * what has been proved of it. Enforcement is what a backend claims for one plan;
 * the status here is what tests have shown, and only what is proved may be
 * called enforced. One table a backend (table_linux.c, table_wasm.c), and no
 * second source. Pure.
 */
#ifndef BVL_LEDGER_H
#define BVL_LEDGER_H

#include "core/cap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bvl_status {
	BVL_INCOMPLETE,  /* not built */
	BVL_FAIL_CLOSED, /* not built on purpose; that it refuses is proved */
	BVL_FAULT_INJECTED, /* shown under planted faults only */
	BVL_WAIVED, /* somebody answers for it, until a day; never for what the
		     * machine lacks */
	BVL_PROVEN, /* from policy text to what the kernel or the disk shows */
	BVL_STATUS_N
};

/* What the machine must offer for the proof to hold on it: pointwise at least,
 * so that a proof goes up to stronger machines and never down. */
#define BVL_NEEDS_SECCOMP  0x0001u
#define BVL_NEEDS_SIGNALS  0x0002u /* landlock ABI 6, or user notification */
#define BVL_NEEDS_TRUNCATE 0x0004u /* landlock ABI 3, or a mount namespace */
#define BVL_NEEDS_MOUNT    0x0008u
#define BVL_NEEDS_NET      0x0010u
#define BVL_NEEDS_CGROUP   0x0020u
#define BVL_NEEDS_KILL     0x0040u
#define BVL_NEEDS_PIDS     0x0080u
#define BVL_NEEDS_MEMORY   0x0100u
#define BVL_NEEDS_BOUNDARY 0x0200u /* run, shell or forcecommand */
#define BVL_NEEDS_SHELL    0x0400u /* shell or forcecommand */

#define BVL_NEEDS_BPF     0x0800u /* programs on a leaf */
#define BVL_NEEDS_SESSION 0x1000u /* a login: not run */

struct bvl_floor {
	uint32_t landlock_abi;
	uint32_t needs; /* BVL_NEEDS_* */
};

/* A test that shows it, and what that test was seen to catch. */
struct bvl_receipt {
	/* "tests/vm/guest/cases/20-escape-fs.sh" and the handle of an attack;
	 * or "tests/unit/test_x.c" and the name of a test function. */
	const char *file;
	const char *test;
	/* The title of a row of tests/red/list (a case's) or of
	 * tests/faults/list (a unit test's): without the guard the test fails. */
	const char *red;
};

struct bvl_entry {
	enum bvl_status status;
	struct bvl_floor floor;
	const char *mechanism; /* 64 hex digits: bv_mechanism_digest(); or "" */
	const struct bvl_receipt *receipts;
	size_t receipts_n;
	const char *why;     /* unless proved: what is missing */
	const char *owner;   /* WAIVED: who answers for it */
	uint64_t until_unix; /* WAIVED: the end of that, seconds */
};

struct bvl_ledger {
	const char *backend;           /* the fact's word: "linux" */
	const struct bvl_entry *entry; /* [BV_COVER_N] */
	/* The digest of the mechanism that carries a row in this build, 64 hex
	 * digits; NULL: nothing is carried. */
	void (*live)(unsigned int cover, char ret[65]);
};

/* The same; "" where nothing is carried, which no entry's is. */
void bvl_live(const struct bvl_ledger *ledger, unsigned int cover,
	      char ret[65]);

const struct bvl_ledger *bvl_ledger_linux(void);
const struct bvl_ledger *bvl_ledger_wasm(void);
/* By a snapshot's backend; NULL: there is none, and nothing is proved. */
const struct bvl_ledger *bvl_ledger_of(const struct bv_snapshot *snap);

const char *bvl_status_name(enum bvl_status s); /* "proven"; "?" */

/* The first thing of the floor that is not there: NULL when it is met.
 * *ret_fact, unless NULL: the fact that shows it. */
const char *bvl_floor_missing(const struct bvl_floor *floor,
			      const struct bv_snapshot *snap,
			      const char **ret_fact);
/* "landlock ABI 3, seccomp, cgroup.kill"; "none". */
void bvl_floor_text(const struct bvl_floor *floor, char *ret, size_t ret_len);

/* The law that couples claim and proof. */
enum bvl_coupling {
	BVL_COUPLED,
	BVL_NO_ENTRY,
	BVL_NOT_PROVEN,
	BVL_WAIVER_OVER,
	BVL_FLOOR_NOT_MET,
	BVL_OTHER_MECHANISM,
	BVL_COUPLING_N
};
const char *bvl_coupling_name(enum bvl_coupling c); /* "not-proven" */

/* One row against this machine: live is the digest of the mechanism that is
 * running. */
enum bvl_coupling bvl_couple(const struct bvl_ledger *ledger,
			     unsigned int cover, const struct bv_snapshot *snap,
			     const char *live, uint64_t now_unix);

/* The law as caps, every row: what is coupled may be enforced, a waiver makes
 * it mediated, all else is unsupported, with the reason. ledger NULL: nothing
 * may. Texts are static. */
void bvl_caps(const struct bvl_ledger *ledger, const struct bv_snapshot *snap,
	      uint64_t now_unix, struct bv_caps *ret);

#endif
