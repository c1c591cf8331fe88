/* SPDX-License-Identifier: MIT */
/* Checkpoints and rows: one chain from the first to the last. */
#include "ledger/verify_internal.h"

#include "core/digest.h"

#include <inttypes.h>
#include <string.h>

#define EVENT_ARENA (64u * 1024u)
/* How far away the place of a moved row is looked for. */
#define MOVED_FAR 4096u

static uint64_t take_number(sqlite3_stmt *s, int at)
{
	return (uint64_t)sqlite3_column_int64(s, at);
}

/* SQLite keeps any number there is; rows and checkpoints count from 1. */
static bool is_seq(sqlite3_stmt *s, int at)
{
	return sqlite3_column_int64(s, at) > 0;
}

/* --- checkpoints ------------------------------------------------------------ */

static void check_checkpoint(struct bvl_walk *w, sqlite3_stmt *s,
			     uint8_t seal_before[BVL_HASH_LEN])
{
	struct bvl_checkpoint c = { .seq = take_number(s, 0),
				    .unix_us = take_number(s, 2),
				    .removed = take_number(s, 3) };
	uint8_t seal[BVL_HASH_LEN] = { 0 };
	uint8_t again[BVL_HASH_LEN];

	if (!is_seq(s, 0)) {
		bvl_found(w, BVL_FAULT_ROW_FORM, 0,
			  "there is a checkpoint %lld; the first row is row 1",
			  (long long)sqlite3_column_int64(s, 0));
		return;
	}
	if (!bvl_take_hash(s, 1, c.hash) || !bvl_take_hash(s, 4, c.prev) ||
	    !bvl_take_hash(s, 5, seal)) {
		bvl_found(w, BVL_FAULT_ROW_FORM, c.seq,
			  "checkpoint %" PRIu64 " has columns of another type",
			  c.seq);
		return;
	}
	bvl_checkpoint_seal(&c, again);
	if (memcmp(again, seal, BVL_HASH_LEN) != 0)
		bvl_found(w, BVL_FAULT_CHECKPOINT_SEAL, c.seq,
			  "checkpoint %" PRIu64 " was changed", c.seq);
	if (memcmp(c.prev, seal_before, BVL_HASH_LEN) != 0)
		bvl_found(w, BVL_FAULT_CHECKPOINT_CHAIN, c.seq,
			  "checkpoint %" PRIu64
			  " follows one that is not there",
			  c.seq);
	if (c.removed != c.seq - w->seq)
		bvl_found(w, BVL_FAULT_CHECKPOINT_COUNT, c.seq,
			  "checkpoint %" PRIu64 " counts %" PRId64
			  " rows, there were %" PRIu64,
			  c.seq, (int64_t)c.removed, c.seq - w->seq);
	memcpy(seal_before, seal, BVL_HASH_LEN);
	memcpy(w->hash, c.hash, BVL_HASH_LEN);
	w->seq = c.seq;
	w->after_checkpoint = true;
	w->verdict->removed = c.seq;
}

int bvl_verify_checkpoints(struct bvl_walk *w, struct bv_err *err)
{
	uint8_t seal[BVL_HASH_LEN] = { 0 };
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(&w->j,
				   "SELECT seq, hash, unix_us, removed, prev, "
				   "seal FROM checkpoint ORDER BY seq",
				   &s, err);
	int rc;

	if (code != BV_OK) { /* no such table: the schema has said it */
		*err = (struct bv_err){ 0 };
		return BV_OK;
	}
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		check_checkpoint(w, s, seal);
	return rc == SQLITE_DONE
		       ? BV_OK
		       : bvl_sql_fail(&w->j, rc, "read checkpoints", err);
}

/* --- rows ------------------------------------------------------------------- */

/* A column to find rows by: to SQLite it is all of its bytes. */
struct filed {
	const char *text;
	bool whole; /* text without a NUL within */
};

struct row {
	uint64_t seq;
	uint8_t prev[BVL_HASH_LEN];
	uint8_t hash[BVL_HASH_LEN];
	struct filed kind;
	struct filed session;
	const void *bytes;
	size_t len;
};

static void check_place(struct bvl_walk *w, const struct row *r)
{
	const bool first = w->verdict->first_seq == 0;

	if (r->seq <= w->seq) {
		bvl_found(w, BVL_FAULT_CHECKPOINT_OVERLAP, r->seq,
			  "row %" PRIu64
			  " is there, although checkpoint %" PRIu64
			  " says it was removed",
			  r->seq, w->seq);
		return;
	}
	if (r->seq == w->seq + 1)
		return;
	if (!first)
		bvl_found(w, BVL_FAULT_ROW_GAP, r->seq,
			  "rows %" PRIu64 " to %" PRIu64 " are gone",
			  w->seq + 1, r->seq - 1);
	else if (w->after_checkpoint)
		bvl_found(w, BVL_FAULT_CHECKPOINT_GAP, r->seq,
			  "rows %" PRIu64 " to %" PRIu64
			  " behind the checkpoint are gone",
			  w->seq + 1, r->seq - 1);
	else
		bvl_found(w, BVL_FAULT_CHECKPOINT_MISSING, r->seq,
			  "rows 1 to %" PRIu64
			  " are gone, and no checkpoint says so",
			  r->seq - 1);
}

/* 0: no other place fits. */
static uint64_t place_of(const struct row *r)
{
	const uint64_t from = r->seq > MOVED_FAR ? r->seq - MOVED_FAR : 1;
	uint8_t hash[BVL_HASH_LEN];

	for (uint64_t at = from; at <= r->seq + MOVED_FAR; at++) {
		bvl_chain_hash(at, r->prev, r->bytes, r->len, hash);
		if (memcmp(hash, r->hash, BVL_HASH_LEN) == 0)
			return at;
	}
	return 0;
}

static void check_hash(struct bvl_walk *w, const struct row *r)
{
	const bool adjacent = r->seq == w->seq + 1;
	uint8_t again[BVL_HASH_LEN];
	uint64_t place;

	bvl_chain_hash(r->seq, r->prev, r->bytes, r->len, again);
	if (memcmp(again, r->hash, BVL_HASH_LEN) != 0) {
		place = place_of(r);
		if (place != 0)
			bvl_found(w, BVL_FAULT_ROW_MOVED, r->seq,
				  "row %" PRIu64 " holds what was row %" PRIu64,
				  r->seq, place);
		else
			bvl_found(w, BVL_FAULT_ROW_CHANGED, r->seq,
				  "row %" PRIu64 " was changed", r->seq);
		return;
	}
	if (!adjacent || memcmp(r->prev, w->hash, BVL_HASH_LEN) == 0)
		return; /* a gap has been named */
	if (w->verdict->first_seq == 0 && w->after_checkpoint)
		bvl_found(w, BVL_FAULT_CHECKPOINT_LINK, r->seq,
			  "row %" PRIu64 " does not follow the checkpoint",
			  r->seq);
	else
		bvl_found(w, BVL_FAULT_ROW_LINK, r->seq,
			  "row %" PRIu64 " does not follow row %" PRIu64,
			  r->seq, w->seq);
}

/* --- what the events say ----------------------------------------------------- */

static void tell_started(struct bvl_walk *w, const struct row *r,
			 const struct bv_event *e, struct bvl_story *story)
{
	if (story->started)
		bvl_found(w, BVL_FAULT_STARTED_TWICE, r->seq,
			  "row %" PRIu64 ": session %.20s starts again", r->seq,
			  e->session);
	story->started = true;
	memcpy(story->plan_id, e->started.plan_id, sizeof(story->plan_id));
}

static void tell_report(struct bvl_walk *w, const struct row *r,
			const struct bv_event *e, struct bvl_story *story)
{
	/* Its start may have been removed in order. */
	if (!story->started && !w->after_checkpoint)
		bvl_found(w, BVL_FAULT_REPORT_UNSTARTED, r->seq,
			  "row %" PRIu64 ": a report on session %.20s, which "
			  "was not started",
			  r->seq, e->session);
	if (story->started && strcmp(story->plan_id, e->report.plan_id) != 0)
		bvl_found(w, BVL_FAULT_REPORT_PLAN, r->seq,
			  "row %" PRIu64 ": a report on session %.20s under "
			  "another plan",
			  r->seq, e->session);
	if (story->reported)
		bvl_found(w, BVL_FAULT_REPORT_TWICE, r->seq,
			  "row %" PRIu64 ": a second report on session %.20s",
			  r->seq, e->session);
	story->reported = true;
	memcpy(story->sha256, e->report.sha256, sizeof(story->sha256));
}

static int check_story(struct bvl_walk *w, const struct row *r,
		       const struct bv_event *e, struct bv_err *err)
{
	struct bvl_story *story;

	if (e->kind == BV_EVENT_QUALIFICATION)
		return BV_OK; /* of no session */
	story = bvl_story_of(&w->stories, e->session);
	if (story == NULL && strlen(e->session) != BV_SESSION_ID_LEN) {
		bvl_found(w, BVL_FAULT_EVENT_FORM, r->seq,
			  "row %" PRIu64 ": '%.20s' is no session's id", r->seq,
			  e->session);
		return BV_OK;
	}
	if (story == NULL)
		return bv_fail(err, BV_E_NOMEM, "verify: no memory");
	if (e->kind == BV_EVENT_STARTED)
		tell_started(w, r, e, story);
	else if (e->kind == BV_EVENT_REPORT)
		tell_report(w, r, e, story);
	return BV_OK;
}

static void check_filed(struct bvl_walk *w, const struct row *r,
			const struct bv_event *e)
{
	const char *kind = bv_event_kind_name(e->kind);

	if (!r->kind.whole || strcmp(r->kind.text, kind) != 0)
		bvl_found(w, BVL_FAULT_KIND, r->seq,
			  "row %" PRIu64 " is filed as '%.20s'%s, but is a "
			  "'%s'",
			  r->seq, r->kind.text,
			  r->kind.whole ? "" : " and more bytes", kind);
	if (!r->session.whole || strcmp(r->session.text, e->session) != 0)
		bvl_found(w, BVL_FAULT_SESSION, r->seq,
			  "row %" PRIu64 " is filed under session '%.20s'%s, "
			  "but is of '%.20s'",
			  r->seq, r->session.text,
			  r->session.whole ? "" : " and more bytes",
			  e->session);
}

static int check_event(struct bvl_walk *w, const struct row *r,
		       struct bv_err *err)
{
	struct bv_err why = { 0 };
	struct bv_arena arena;
	struct bv_event e;
	int code = BV_OK;

	bv_arena_init(&arena, EVENT_ARENA);
	if (bv_event_decode(&arena, r->bytes, r->len, &e, &why) != BV_OK) {
		bvl_found(w, BVL_FAULT_EVENT_FORM, r->seq,
			  "row %" PRIu64 ": %.240s", r->seq, why.msg);
	} else {
		if (w->verdict->first_seq == 0)
			w->first_us = e.unix_us;
		check_filed(w, r, &e);
		code = check_story(w, r, &e, err);
	}
	bv_arena_done(&arena);
	return code;
}

static struct filed take_filed(sqlite3_stmt *s, int at)
{
	const char *t = (const char *)sqlite3_column_text(s, at);
	const struct filed none = { .text = "", .whole = false };

	if (t == NULL || sqlite3_column_type(s, at) != SQLITE_TEXT)
		return none;
	return (struct filed){
		.text = t,
		.whole = strlen(t) == (size_t)sqlite3_column_bytes(s, at),
	};
}

static int check_row(struct bvl_walk *w, sqlite3_stmt *s, struct bv_err *err)
{
	struct row r = { .seq = take_number(s, 0),
			 .kind = take_filed(s, 3),
			 .session = take_filed(s, 4) };
	int code = BV_OK;

	if (!is_seq(s, 0)) {
		bvl_found(w, BVL_FAULT_ROW_FORM, 0,
			  "there is a row %lld; the first is row 1",
			  (long long)sqlite3_column_int64(s, 0));
		return BV_OK; /* of no place in the chain */
	}
	check_place(w, &r);
	if (!bvl_take_hash(s, 1, r.prev) || !bvl_take_hash(s, 2, r.hash) ||
	    sqlite3_column_type(s, 5) != SQLITE_BLOB) {
		bvl_found(w, BVL_FAULT_ROW_FORM, r.seq,
			  "row %" PRIu64 " has columns of another type or "
			  "length",
			  r.seq);
	} else {
		r.bytes = sqlite3_column_blob(s, 5);
		r.len = (size_t)sqlite3_column_bytes(s, 5);
		check_hash(w, &r);
		code = check_event(w, &r, err);
	}
	if (w->verdict->first_seq == 0)
		w->verdict->first_seq = r.seq;
	w->verdict->rows++;
	w->seq = r.seq;
	memcpy(w->hash, r.hash, BVL_HASH_LEN);
	return code;
}

int bvl_verify_rows(struct bvl_walk *w, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(&w->j,
				   "SELECT seq, prev, hash, kind, session, "
				   "bytes FROM event ORDER BY seq",
				   &s, err);
	int rc;

	if (code != BV_OK) {
		w->unreadable = true;
		*err = (struct bv_err){ 0 };
		return BV_OK;
	}
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && code == BV_OK)
		code = check_row(w, s, err);
	if (code == BV_OK && rc != SQLITE_DONE)
		return bvl_sql_fail(&w->j, rc, "read rows", err);
	return code;
}
