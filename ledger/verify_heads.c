/* SPDX-License-Identifier: MIT */
/*
 * The chain against its heads: the journal's own, and those that were seen elsewhere.
 * A head whose row was removed in order says nothing by itself; who removed it left a
 * head in the log as well, that of the checkpoint.
 */
#include "ledger/verify_internal.h"

#include "core/digest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A checkpoint, and what heads that were seen elsewhere say of it. */
struct seal {
	uint64_t seq;
	char hash[65];
	bool witnessed; /* one of them is its own */
	uint64_t heads; /* so many are of rows that it removed */
	uint64_t last;  /* of these */
};

struct chain {
	sqlite3_stmt *row;  /* NULL: the schema is not whole */
	struct seal *seals; /* by seq */
	size_t n;
};

static int add_seal(struct chain *c, sqlite3_stmt *s, struct bv_err *err)
{
	uint8_t hash[BVL_HASH_LEN];
	struct seal *more;

	if (sqlite3_column_int64(s, 0) <= 0)
		return BV_OK;           /* named where checkpoints are */
	if ((c->n & (c->n - 1)) == 0) { /* a power of two */
		more = realloc(c->seals, (2 * c->n + 1) * sizeof(*more));
		if (more == NULL)
			return bv_fail(err, BV_E_NOMEM, "verify: no memory");
		c->seals = more;
	}
	c->seals[c->n] = (struct seal){
		.seq = (uint64_t)sqlite3_column_int64(s, 0),
	};
	if (bvl_take_hash(s, 1, hash))
		bv_digest_hex(hash, c->seals[c->n].hash);
	c->n++;
	return BV_OK;
}

/* That it cannot be asked is the schema's finding. */
static int open_chain(struct bvl_walk *w, struct chain *c, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(&w->j,
				   "SELECT seq, hash FROM checkpoint "
				   "ORDER BY seq",
				   &s, err);
	int rc = SQLITE_DONE;

	if (code == BV_OK)
		code = bvl_sql_prepare(&w->j,
				       "SELECT hash FROM event WHERE seq = ?1",
				       &c->row, err);
	if (code != BV_OK) {
		*err = (struct bv_err){ 0 };
		return BV_OK;
	}
	while (code == BV_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		code = add_seal(c, s, err);
	if (code == BV_OK && rc != SQLITE_DONE)
		code = bvl_sql_fail(&w->j, rc, "read checkpoints", err);
	return code;
}

static void close_chain(struct chain *c)
{
	sqlite3_finalize(c->row);
	free(c->seals);
}

/* The one that removed that row, or is of it; NULL: none. */
static struct seal *seal_of(const struct chain *c, uint64_t seq)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (c->seals[mid].seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low < c->n ? &c->seals[low] : NULL;
}

enum fit {
	FITS,
	CUT,
	OTHER,
	REMOVED, /* behind a checkpoint: nobody can tell */
	UNKNOWN, /* it cannot be asked */
};

static enum fit fit_of(struct bvl_walk *w, const struct chain *c,
		       const struct bvl_head *head)
{
	const struct seal *seal = seal_of(c, head->seq);
	uint8_t hash[BVL_HASH_LEN];
	char hex[65] = "";
	enum fit fit = REMOVED;

	if (head->seq > w->seq)
		return CUT;
	if (head->seq == 0)
		return FITS;
	if (c->row == NULL)
		return UNKNOWN;
	sqlite3_bind_int64(c->row, 1, (sqlite3_int64)head->seq);
	if (sqlite3_step(c->row) == SQLITE_ROW) {
		if (bvl_take_hash(c->row, 0, hash))
			bv_digest_hex(hash, hex);
		fit = strcmp(hex, head->hash) == 0 ? FITS : OTHER;
	} else if (seal != NULL && seal->seq == head->seq) {
		fit = strcmp(seal->hash, head->hash) == 0 ? FITS : OTHER;
	}
	sqlite3_reset(c->row);
	return fit;
}

static enum fit check_head(struct bvl_walk *w, const struct chain *c,
			   const struct bvl_head *head, bool own)
{
	const char *whose = own ? "its own head" : "a head seen elsewhere";
	const enum fit fit = fit_of(w, c, head);

	if (fit == CUT)
		bvl_found(w, own ? BVL_FAULT_CUT : BVL_FAULT_WITNESS_CUT,
			  head->seq,
			  "it ends at row %" PRIu64 ", %s is row %" PRIu64,
			  w->seq, whose, head->seq);
	if (fit == OTHER)
		bvl_found(w,
			  own ? BVL_FAULT_REWRITTEN
			      : BVL_FAULT_WITNESS_REWRITTEN,
			  head->seq, "row %" PRIu64 " is another than %s says",
			  head->seq, whose);
	return fit;
}

void bvl_verify_read_head(struct bvl_walk *w)
{
	bvl_auto_close int fd = bvl_head_open(w->what->dir, false);

	w->head_state = bvl_head_read(fd, &w->own);
}

static void check_own(struct bvl_walk *w, const struct chain *c)
{
	switch (w->head_state) {
	case BVL_HEAD_MISSING:
		bvl_found(w, BVL_FAULT_HEAD_MISSING, 0,
			  "'%s/" BVL_HEAD_FILE "' is gone", w->what->dir);
		break;
	case BVL_HEAD_TORN:
		bvl_found(w, BVL_FAULT_HEAD_TORN, 0,
			  "'%s/" BVL_HEAD_FILE "' is no head", w->what->dir);
		break;
	case BVL_HEAD_FINE:
		(void)check_head(w, c, &w->own, true);
		if (w->own.seq < w->seq)
			w->verdict->behind = w->seq - w->own.seq;
		break;
	}
}

static void check_witness(struct bvl_walk *w, const struct chain *c,
			  const struct bvl_head *head)
{
	const enum fit fit = check_head(w, c, head, false);
	struct seal *seal = seal_of(c, head->seq);

	w->verdict->heads_agree += fit == FITS;
	w->verdict->heads_removed += fit == REMOVED;
	if (seal == NULL || head->seq == 0)
		return;
	if (seal->seq == head->seq && strcmp(seal->hash, head->hash) == 0)
		seal->witnessed = true;
	if (fit != REMOVED)
		return;
	seal->heads++;
	if (head->seq > seal->last)
		seal->last = head->seq;
}

/* A checkpoint seals itself, so anybody can make one; house-keeping says of its own
 * in the log. Where that log has heads of rows that went, it has to have the head of
 * what they went behind, of each. */
static void check_seals(struct bvl_walk *w, const struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct seal *seal = &c->seals[i];

		if (seal->heads == 0 || seal->witnessed)
			continue;
		bvl_found(w, BVL_FAULT_WITNESS_REMOVED, seal->seq,
			  "checkpoint %" PRIu64 " removed the rows of %" PRIu64
			  " heads seen elsewhere, the last of them row %" PRIu64
			  ", and none of those heads is the checkpoint's",
			  seal->seq, seal->heads, seal->last);
	}
}

int bvl_verify_heads(struct bvl_walk *w, struct bv_err *err)
{
	struct chain c = { .row = NULL };
	int code = open_chain(w, &c, err);

	if (code == BV_OK) {
		check_own(w, &c);
		for (size_t i = 0; i < w->what->heads_n; i++)
			check_witness(w, &c, &w->what->heads[i]);
		check_seals(w, &c);
		w->verdict->head.seq = w->seq;
		bv_digest_hex(w->hash, w->verdict->head.hash);
	}
	close_chain(&c);
	return code;
}
