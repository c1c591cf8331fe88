/* SPDX-License-Identifier: MIT */
/* Rows of the journal in the order of the chain, from one snapshot. */
#include "ledger/journal.h"

#include "core/digest.h"
#include "ledger/journal_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENT_ARENA (64u * 1024u)

static const char select_rows[] =
	"SELECT seq, hash, bytes FROM event WHERE seq > ?1 ORDER BY seq";

/* By session the index is used: a few rows of many. */
static const char select_session[] =
	"SELECT seq, hash, bytes FROM event INDEXED BY event_session "
	"WHERE session >= ?2 AND session < ?2 || 'g' AND seq > ?1 "
	"ORDER BY seq";

static int give(const struct bvl_journal *j, sqlite3_stmt *s,
		const struct bvl_query *query, bvl_row_fn fn, void *arg,
		struct bv_err *err)
{
	struct bvl_row row = {
		.seq = (uint64_t)sqlite3_column_int64(s, 0),
		.bytes = sqlite3_column_blob(s, 2),
		.len = (size_t)sqlite3_column_bytes(s, 2),
	};
	struct bv_arena arena;
	struct bv_event event;
	char hex[65] = "";
	int code;

	if (sqlite3_column_bytes(s, 1) == (int)BVL_HASH_LEN)
		bv_digest_hex(sqlite3_column_blob(s, 1), hex);
	bv_arena_init(&arena, EVENT_ARENA);
	code = bv_event_decode(&arena, row.bytes, row.len, &event, err);
	if (code != BV_OK)
		(void)bv_ctx(err, "the journal '%s', row %" PRIu64, j->path,
			     row.seq);
	row.hash = hex;
	row.event = &event;
	if (code == BV_OK && event.unix_us >= query->since_unix_us)
		code = fn(arg, &row, err);
	bv_arena_done(&arena);
	return code;
}

int bvl_journal_each(struct bvl_journal *journal, const struct bvl_query *query,
		     bvl_row_fn fn, void *arg, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code;
	int rc;

	bvl_sql_begin_call(journal);
	code = bvl_sql_prepare(
		journal, query->session == NULL ? select_rows : select_session,
		&s, err);
	if (code != BV_OK)
		return code;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)query->after_seq);
	if (query->session != NULL)
		sqlite3_bind_text(s, 2, query->session, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && code == BV_OK)
		code = give(journal, s, query, fn, arg, err);
	if (code == BV_OK && rc != SQLITE_DONE)
		return bvl_sql_fail(journal, rc, "read", err);
	return code;
}

static int add_id(struct bvl_session_id **list, size_t *n, const char *id,
		  struct bv_err *err)
{
	struct bvl_session_id *more;

	if (id == NULL || strlen(id) != BV_SESSION_ID_LEN)
		return BV_OK; /* verification names it */
	more = realloc(*list, (*n + 1) * sizeof(**list));
	if (more == NULL)
		return bv_fail(err, BV_E_NOMEM, "journal: no memory");
	memcpy(more[*n].id, id, BV_SESSION_ID_LEN + 1);
	*list = more;
	*n += 1;
	return BV_OK;
}

/* A recovery that found the session living ended nothing: its verdict is none.
 * Member order is fixed by the canonical form, so text can be asked. */
static const char select_open[] =
	"SELECT DISTINCT session FROM event AS s WHERE kind = 'started' "
	"AND NOT EXISTS (SELECT 1 FROM event AS e "
	"WHERE e.session = s.session AND (e.kind = 'report' OR "
	"(e.kind = 'recovery' AND "
	"instr(CAST(e.bytes AS TEXT), '\"verdict\":\"none\"') = 0))) "
	"ORDER BY seq";

int bvl_journal_open_sessions(struct bvl_journal *journal,
			      struct bvl_session_id **ret, size_t *ret_n,
			      struct bv_err *err)
{
	struct bvl_session_id *list = NULL;
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	size_t n = 0;
	int code;
	int rc;

	bvl_sql_begin_call(journal);
	code = bvl_sql_prepare(journal, select_open, &s, err);
	if (code != BV_OK)
		return code;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && code == BV_OK)
		code = add_id(&list, &n,
			      (const char *)sqlite3_column_text(s, 0), err);
	if (code == BV_OK && rc != SQLITE_DONE)
		code = bvl_sql_fail(journal, rc, "read", err);
	if (code != BV_OK) {
		free(list);
		return code;
	}
	*ret = list;
	*ret_n = n;
	return BV_OK;
}

int bvl_journal_knows(struct bvl_journal *journal, const char *session,
		      bool *ret, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code;
	int rc;

	bvl_sql_begin_call(journal);
	code = bvl_sql_prepare(journal,
			       "SELECT 1 FROM event WHERE session = ?1 LIMIT 1",
			       &s, err);
	if (code != BV_OK)
		return code;
	sqlite3_bind_text(s, 1, session, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return bvl_sql_fail(journal, rc, "read", err);
	*ret = rc == SQLITE_ROW;
	return BV_OK;
}
