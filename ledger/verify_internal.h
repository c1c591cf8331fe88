/* SPDX-License-Identifier: MIT */
/* Shared by the verification's own files; nobody else. */
#ifndef BVL_VERIFY_INTERNAL_H
#define BVL_VERIFY_INTERNAL_H

#include "ledger/journal_internal.h"
#include "ledger/journal_verify.h"

/* What the events said of one session. */
struct bvl_story {
	uint64_t key; /* the id as a number */
	bool used;
	bool started;
	bool reported;
	char plan_id[BV_PLAN_ID_LEN + 1];
	char sha256[65]; /* of the report, "" none */
};

/* By id; grows, never shrinks. */
struct bvl_stories {
	struct bvl_story *v;
	size_t cap, n;
};
/* New ones are zeroed; NULL: no memory, or no session's id. */
struct bvl_story *bvl_story_of(struct bvl_stories *all, const char *id);
const struct bvl_story *bvl_story_find(const struct bvl_stories *all,
				       const char *id);

struct bvl_walk {
	const struct bvl_verify *what;
	struct bvl_verdict *verdict;
	struct bvl_journal j;
	struct bvl_stories stories;
	uint64_t seq;               /* of the row before; or of a checkpoint */
	uint8_t hash[BVL_HASH_LEN]; /* what the next row has to follow */
	bool after_checkpoint;
	bool unreadable; /* the rows could not be asked for: what is missing there
			  * says nothing about reports */
	uint64_t first_us; /* when the first row was written, by its word */
	/* The journal's own, read before the rows: it lags, never leads. */
	enum bvl_head_state head_state;
	struct bvl_head own;
};

void bvl_found(struct bvl_walk *w, enum bvl_fault fault, uint64_t seq,
	       const char *fmt, ...) BV_PRINTF(4, 5);

void bvl_verify_read_head(struct bvl_walk *w);
int bvl_verify_schema(struct bvl_walk *w, struct bv_err *err) BV_MUST_CHECK;
int bvl_verify_checkpoints(struct bvl_walk *w,
			   struct bv_err *err) BV_MUST_CHECK;
int bvl_verify_rows(struct bvl_walk *w, struct bv_err *err) BV_MUST_CHECK;
int bvl_verify_heads(struct bvl_walk *w, struct bv_err *err) BV_MUST_CHECK;
int bvl_verify_records(struct bvl_walk *w, struct bv_err *err) BV_MUST_CHECK;

#endif
