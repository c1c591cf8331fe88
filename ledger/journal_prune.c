/* SPDX-License-Identifier: MIT */
/*
 * Retention. The oldest rows are removed behind a sealed checkpoint that keeps
 * the hash of the last of them, so that what stays still verifies. Never beyond
 * the start of a session that is open: its end has to find its beginning.
 */
#include "ledger/journal.h"

#include "core/digest.h"
#include "ledger/journal_internal.h"

#include <inttypes.h>
#include <string.h>

#define EVENT_ARENA (64u * 1024u)

struct aging {
	uint64_t before_us; /* rows written before this may go */
	uint64_t now_us;
	uint64_t seq; /* the last of a run of such rows */
	bool done;
};

/* A row of a time that is not yet was written by a clock that was wrong: its age is
 * that of the rows around it. */
static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct aging *a = arg;

	if (row->event->unix_us > a->now_us)
		return BV_OK;
	a->done = row->event->unix_us >= a->before_us;
	if (a->done)
		return bv_fail(err, BV_E_LIMIT, "young enough");
	a->seq = row->seq;
	return BV_OK;
}

static int by_age(struct bvl_journal *j, uint64_t age_us, uint64_t now_us,
		  uint64_t *ret, struct bv_err *err)
{
	const struct bvl_query all = { .session = NULL };
	struct aging a = {
		.before_us = now_us > age_us ? now_us - age_us : 0,
		.now_us = now_us,
	};
	int code = bvl_journal_each(j, &all, on_row, &a, err);

	if (code != BV_OK && !a.done)
		return code;
	*ret = a.seq;
	return BV_OK;
}

/* Down to nine tenths of the limit, so that it is not done for each row. */
static int by_size(struct bvl_journal *j, uint64_t limit, uint64_t *ret,
		   struct bv_err *err)
{
	int64_t bytes = 0, rows = 0, first = 0;
	int code = bvl_sql_number(
		j,
		"SELECT (SELECT page_count FROM pragma_page_count) * "
		"(SELECT page_size FROM pragma_page_size) - "
		"(SELECT freelist_count FROM pragma_freelist_count) "
		"* (SELECT page_size FROM pragma_page_size)",
		&bytes, err);

	if (code == BV_OK)
		code = bvl_sql_number(j, "SELECT count(*) FROM event", &rows,
				      err);
	if (code == BV_OK)
		code = bvl_sql_number(j,
				      "SELECT coalesce(min(seq), 1) FROM event",
				      &first, err);
	if (code != BV_OK)
		return code;
	*ret = 0;
	if (bytes <= 0 || rows <= 0 || (uint64_t)bytes <= limit)
		return BV_OK;
	const uint64_t keep =
		(uint64_t)((double)rows * 0.9 * (double)limit / (double)bytes);

	*ret = (uint64_t)first - 1 + (uint64_t)rows - keep;
	return BV_OK;
}

static int not_beyond_open(struct bvl_journal *j, uint64_t *seq,
			   struct bv_err *err)
{
	struct bvl_session_id *open = NULL;
	size_t n = 0;
	int code = bvl_journal_open_sessions(j, &open, &n, err);

	for (size_t i = 0; code == BV_OK && i < n; i++) {
		bvl_auto_stmt sqlite3_stmt *s = NULL;

		code = bvl_sql_prepare(j,
				       "SELECT min(seq) FROM event "
				       "WHERE session = ?1",
				       &s, err);
		if (code != BV_OK)
			break;
		sqlite3_bind_text(s, 1, open[i].id, -1, SQLITE_STATIC);
		if (sqlite3_step(s) == SQLITE_ROW) {
			const uint64_t at =
				(uint64_t)sqlite3_column_int64(s, 0);

			if (at > 0 && *seq >= at)
				*seq = at - 1;
		}
	}
	free(open);
	return code;
}

/* The latest time in what goes, up to row seq. A row that does not decode says nothing
 * on its own. */
static int newest_of(struct bvl_journal *j, uint64_t seq, uint64_t *ret,
		     struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(j, "SELECT bytes FROM event WHERE seq <= ?1",
				   &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct bv_arena arena;
		struct bv_event event;

		bv_arena_init(&arena, EVENT_ARENA);
		if (bv_event_decode(&arena, sqlite3_column_blob(s, 0),
				    (size_t)sqlite3_column_bytes(s, 0), &event,
				    NULL) == BV_OK &&
		    event.unix_us > *ret)
			*ret = event.unix_us;
		bv_arena_done(&arena);
	}
	return rc == SQLITE_DONE ? BV_OK : bvl_sql_fail(j, rc, "read", err);
}

/* --- the checkpoint --------------------------------------------------------- */

static int fill_checkpoint(struct bvl_journal *j, struct bvl_checkpoint *c,
			   struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *row = NULL;
	bvl_auto_stmt sqlite3_stmt *before = NULL;
	int code = bvl_sql_prepare(j,
				   "SELECT hash, (SELECT count(*) FROM event "
				   "WHERE seq <= ?1) FROM event WHERE seq = ?1",
				   &row, err);

	if (code == BV_OK)
		code = bvl_sql_prepare(j,
				       "SELECT seal FROM checkpoint "
				       "ORDER BY seq DESC LIMIT 1",
				       &before, err);
	if (code != BV_OK)
		return code;
	sqlite3_bind_int64(row, 1, (sqlite3_int64)c->seq);
	if (sqlite3_step(row) != SQLITE_ROW || !bvl_take_hash(row, 0, c->hash))
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s': no row %" PRIu64, j->path,
			       c->seq);
	c->removed = (uint64_t)sqlite3_column_int64(row, 1);
	if (sqlite3_step(before) == SQLITE_ROW &&
	    !bvl_take_hash(before, 0, c->prev))
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s': a checkpoint without a seal",
			       j->path);
	return BV_OK;
}

static int write_checkpoint(struct bvl_journal *j,
			    const struct bvl_checkpoint *c, struct bv_err *err)
{
	uint8_t seal[BVL_HASH_LEN];
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(j,
				   "INSERT INTO checkpoint(seq, hash, unix_us, "
				   "removed, prev, seal) "
				   "VALUES(?, ?, ?, ?, ?, ?)",
				   &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	bvl_checkpoint_seal(c, seal);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)c->seq);
	sqlite3_bind_blob(s, 2, c->hash, (int)BVL_HASH_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)c->unix_us);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)c->removed);
	sqlite3_bind_blob(s, 5, c->prev, (int)BVL_HASH_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(s, 6, seal, (int)BVL_HASH_LEN, SQLITE_STATIC);
	rc = sqlite3_step(s);
	return rc == SQLITE_DONE ? BV_OK
				 : bvl_sql_fail(j, rc, "checkpoint", err);
}

static int remove_rows(struct bvl_journal *j, uint64_t seq, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(j, "DELETE FROM event WHERE seq <= ?1", &s,
				   err);
	int rc;

	if (code != BV_OK)
		return code;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	rc = sqlite3_step(s);
	return rc == SQLITE_DONE ? BV_OK
				 : bvl_sql_fail(j, rc, "remove rows", err);
}

static int prune_to(struct bvl_journal *j, struct bvl_checkpoint *c,
		    struct bv_err *err)
{
	uint8_t hash[BVL_HASH_LEN];
	uint64_t last = 0;
	int code = bvl_last(j, &last, hash, err);

	/* What was rewritten is not removed in order: the head may be the last that
	 * tells of it. */
	if (code == BV_OK)
		code = bvl_check_head(j, last, hash, err);
	/* Decided from an older snapshot; the journal only grew since. */
	if (code == BV_OK && c->seq > last)
		code = bv_fail(err, BV_E_BUG, "prune beyond the last row");
	if (code == BV_OK)
		code = fill_checkpoint(j, c, err);
	if (code == BV_OK)
		code = write_checkpoint(j, c, err);
	if (code == BV_OK)
		code = remove_rows(j, c->seq, err);
	return code;
}

static int cut_at(struct bvl_journal *j, const struct bvl_keep *keep,
		  uint64_t now_us, uint64_t *ret, struct bv_err *err)
{
	uint64_t old = 0, large = 0;
	int code = BV_OK;

	if (keep->age_us > 0)
		code = by_age(j, keep->age_us, now_us, &old, err);
	if (code == BV_OK && keep->bytes > 0)
		code = by_size(j, keep->bytes, &large, err);
	*ret = old > large ? old : large;
	if (code == BV_OK && *ret > 0)
		code = not_beyond_open(j, ret, err);
	return code;
}

static void tell(const struct bvl_keep *keep, const struct bvl_checkpoint *c,
		 struct bvl_removal *what)
{
	what->rows = c->removed;
	what->head.seq = c->seq;
	bv_digest_hex(c->hash, what->head.hash);
	if (keep->going != NULL)
		keep->going(keep->arg, what);
}

int bvl_journal_prune(struct bvl_journal *journal, const struct bvl_keep *keep,
		      uint64_t now_unix_us, uint64_t *ret_removed,
		      struct bv_err *err)
{
	struct bvl_checkpoint c = { .unix_us = now_unix_us };
	struct bvl_removal what = { .rows = 0 };
	int64_t first = 0;
	int code = cut_at(journal, keep, now_unix_us, &c.seq, err);

	*ret_removed = 0;
	if (code == BV_OK)
		code = bvl_sql_number(journal,
				      "SELECT coalesce(min(seq), 0) FROM event",
				      &first, err);
	if (code != BV_OK || first == 0 || c.seq < (uint64_t)first)
		return code;
	/* Before the lock: there may be many of them. */
	if (keep->going != NULL)
		code = newest_of(journal, c.seq, &what.newest_us, err);
	bvl_sql_begin_call(journal);
	if (code == BV_OK)
		code = bvl_sql_run(journal, "BEGIN IMMEDIATE", err);
	if (code != BV_OK)
		return code;
	code = prune_to(journal, &c, err);
	if (code == BV_OK)
		tell(keep, &c, &what);
	if (code == BV_OK)
		code = bvl_sql_run(journal, "COMMIT", err);
	if (code != BV_OK) {
		(void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
		return code;
	}
	*ret_removed = c.removed;
	/* Who is told that rows went removes what belonged to them. */
	code = bvl_sync_log(journal, err);
	if (code != BV_OK)
		return code;
	(void)sqlite3_exec(journal->db, "PRAGMA incremental_vacuum", NULL, NULL,
			   NULL);
	(void)sqlite3_wal_checkpoint_v2(journal->db, NULL,
					SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return BV_OK;
}

int bvl_journal_removed(struct bvl_journal *journal, uint64_t *ret_seq,
			struct bv_err *err)
{
	int64_t seq = 0;
	int code;

	bvl_sql_begin_call(journal);
	code = bvl_sql_number(journal,
			      "SELECT coalesce(max(seq), 0) FROM checkpoint",
			      &seq, err);
	*ret_seq = (uint64_t)seq;
	return code;
}
