/* SPDX-License-Identifier: MIT */
/*
 * Appending: under the one write lock the last row is read, checked against
 * its own hash and against the head file, the new rows follow it and are read
 * again. One commit, one fsync. A journal that was cut or whose last row was
 * touched takes nothing more: the session is refused, and the loss is not
 * papered over.
 */
#include "ledger/journal.h"

#include "core/digest.h"
#include "ledger/journal_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENT_ARENA (64u * 1024u)

struct last_row {
	uint64_t seq;
	uint8_t hash[BVL_HASH_LEN];
	bool sound;
};

/* The one row that it gives; *ret stays NULL when there is none. */
static int only_row(struct bvl_journal *j, const char *sql, sqlite3_stmt **ret,
		    struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(j, sql, &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return BV_OK;
	if (rc != SQLITE_ROW)
		return bvl_sql_fail(j, rc, "read the last row", err);
	*ret = s;
	s = NULL;
	return BV_OK;
}

static int last_event(struct bvl_journal *j, struct last_row *ret,
		      struct bv_err *err)
{
	uint8_t prev[BVL_HASH_LEN], again[BVL_HASH_LEN];
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = only_row(j,
			    "SELECT seq, hash, prev, bytes FROM event "
			    "ORDER BY seq DESC LIMIT 1",
			    &s, err);

	if (code != BV_OK || s == NULL)
		return code;
	ret->seq = (uint64_t)sqlite3_column_int64(s, 0);
	ret->sound =
		bvl_take_hash(s, 1, ret->hash) && bvl_take_hash(s, 2, prev);
	if (ret->sound) {
		bvl_chain_hash(ret->seq, prev, sqlite3_column_blob(s, 3),
			       (size_t)sqlite3_column_bytes(s, 3), again);
		ret->sound = memcmp(again, ret->hash, BVL_HASH_LEN) == 0;
	}
	return BV_OK;
}

static int last_checkpoint(struct bvl_journal *j, struct last_row *ret,
			   struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = only_row(j,
			    "SELECT seq, hash FROM checkpoint "
			    "ORDER BY seq DESC LIMIT 1",
			    &s, err);

	if (code != BV_OK || s == NULL)
		return code;
	ret->seq = (uint64_t)sqlite3_column_int64(s, 0);
	ret->sound = bvl_take_hash(s, 1, ret->hash);
	return BV_OK;
}

int bvl_last(struct bvl_journal *j, uint64_t *ret_seq,
	     uint8_t ret_hash[BVL_HASH_LEN], struct bv_err *err)
{
	struct last_row last = { .seq = 0, .sound = true };
	int code = last_event(j, &last, err);

	if (code == BV_OK && last.seq == 0)
		code = last_checkpoint(j, &last, err);
	if (code != BV_OK)
		return code;
	if (!last.sound)
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s': row %" PRIu64
			       " was changed; bvisorctl verify",
			       j->path, last.seq);
	*ret_seq = last.seq;
	memcpy(ret_hash, last.hash, BVL_HASH_LEN);
	return BV_OK;
}

/* The row that the head names, where later ones are there: a head lags by what a
 * crash kept from it, and by a little always; the row stays the same. *ret_same
 * also where a checkpoint removed it: nobody can tell any more. */
static int is_row_of(struct bvl_journal *j, const struct bvl_head *head,
		     bool *ret_same, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	uint8_t hash[BVL_HASH_LEN];
	char hex[65] = "";
	int code = bvl_sql_prepare(
		j,
		"SELECT hash FROM event WHERE seq = ?1 UNION ALL "
		"SELECT hash FROM checkpoint WHERE seq = ?1 UNION ALL "
		"SELECT NULL WHERE ?1 < (SELECT max(seq) FROM checkpoint)",
		&s, err);
	int rc;

	*ret_same = false;
	if (code != BV_OK)
		return code;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)head->seq);
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return BV_OK;
	if (rc != SQLITE_ROW)
		return bvl_sql_fail(j, rc, "read the head's row", err);
	if (bvl_take_hash(s, 0, hash))
		bv_digest_hex(hash, hex);
	*ret_same = sqlite3_column_type(s, 0) == SQLITE_NULL ||
		    strcmp(hex, head->hash) == 0;
	return BV_OK;
}

/* The head is never ahead of the journal, unless somebody cut it. Where it lags,
 * its row is asked for before it is written over: it may be the last that tells
 * of another chain. */
int bvl_check_head(struct bvl_journal *j, uint64_t seq,
		   const uint8_t hash[BVL_HASH_LEN], struct bv_err *err)
{
	struct bvl_head head;
	bool same = true;
	char hex[65];
	int code = BV_OK;

	if (bvl_head_read(j->head_fd, &head) != BVL_HEAD_FINE)
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s': '" BVL_HEAD_FILE
			       "' is damaged; bvisorctl verify",
			       j->path);
	bv_digest_hex(hash, hex);
	if (head.seq > 0 && head.seq < seq)
		code = is_row_of(j, &head, &same, err);
	if (code != BV_OK)
		return code;
	if (head.seq > seq || !same ||
	    (head.seq == seq && strcmp(head.hash, hex) != 0))
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s' was cut or rewritten: it ends "
			       "at row %" PRIu64 ", its head says %" PRIu64
			       "; bvisorctl verify",
			       j->path, seq, head.seq);
	return BV_OK;
}

static int insert(struct bvl_journal *j, sqlite3_stmt *s, uint64_t seq,
		  uint8_t hash[BVL_HASH_LEN], const struct bv_event *event,
		  const char *bytes, struct bv_err *err)
{
	uint8_t next[BVL_HASH_LEN];
	const size_t len = strlen(bytes);
	int rc;

	bvl_chain_hash(seq, hash, bytes, len, next);
	sqlite3_reset(s);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	sqlite3_bind_blob(s, 2, hash, (int)BVL_HASH_LEN, SQLITE_TRANSIENT);
	sqlite3_bind_blob(s, 3, next, (int)BVL_HASH_LEN, SQLITE_TRANSIENT);
	sqlite3_bind_text(s, 4, bv_event_kind_name(event->kind), -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(s, 5, event->session, -1, SQLITE_TRANSIENT);
	sqlite3_bind_blob(s, 6, bytes, (int)len, SQLITE_TRANSIENT);
	rc = sqlite3_step(s);
	if (rc != SQLITE_DONE)
		return bvl_sql_fail(j, rc, "append", err);
	memcpy(hash, next, BVL_HASH_LEN);
	return BV_OK;
}

/* --- what stands there now --------------------------------------------------- */

static bool is_text(sqlite3_stmt *s, int at, const char *want)
{
	const void *t = sqlite3_column_text(s, at);
	const size_t len = strlen(want);

	return t != NULL && (size_t)sqlite3_column_bytes(s, at) == len &&
	       memcmp(t, want, len) == 0;
}

/* Row seq as it was given, behind hash, which becomes its own. */
static bool is_there(sqlite3_stmt *s, uint64_t seq, uint8_t hash[BVL_HASH_LEN],
		     const struct bv_event *event)
{
	uint8_t next[BVL_HASH_LEN], kept[BVL_HASH_LEN];

	bvl_chain_hash(seq, hash, sqlite3_column_blob(s, 2),
		       (size_t)sqlite3_column_bytes(s, 2), next);
	if ((uint64_t)sqlite3_column_int64(s, 0) != seq ||
	    !bvl_take_hash(s, 1, kept) || memcmp(kept, next, BVL_HASH_LEN) != 0)
		return false;
	memcpy(hash, next, BVL_HASH_LEN);
	return is_text(s, 3, bv_event_kind_name(event->kind)) &&
	       is_text(s, 4, event->session);
}

/* SQLite says DONE of a row that a trigger ignored, removed again or changed:
 * what was appended behind row seq is read again before it is promised. */
static int check_there(struct bvl_journal *j, sqlite3_stmt *s, uint64_t seq,
		       const uint8_t before[BVL_HASH_LEN],
		       const uint8_t after[BVL_HASH_LEN],
		       const struct bv_event *events, size_t n,
		       struct bv_err *err)
{
	uint8_t hash[BVL_HASH_LEN];
	bool there = true;
	size_t i = 0;
	int rc;

	memcpy(hash, before, BVL_HASH_LEN);
	sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && there) {
		there = i < n && is_there(s, seq + 1 + i, hash, &events[i]);
		i++;
	}
	if (there && rc != SQLITE_DONE)
		return bvl_sql_fail(j, rc, "read what was appended", err);
	if (!there || i != n || memcmp(hash, after, BVL_HASH_LEN) != 0)
		return bv_fail(
			err, BV_E_PROTO,
			"the journal '%s' did not keep what was appended "
			"behind row %" PRIu64 ": " BVL_REMEDY,
			j->path, seq);
	return BV_OK;
}

/* Prepared before the lock: that reads the schema and compiles the triggers, most
 * of the work there is. */
struct appending {
	sqlite3_stmt *insert, *again;
};

static int prepare(struct bvl_journal *j, struct appending *a,
		   struct bv_err *err)
{
	int code = bvl_sql_prepare(j,
				   "INSERT INTO event(seq, prev, hash, kind, "
				   "session, bytes) VALUES(?, ?, ?, ?, ?, ?)",
				   &a->insert, err);

	if (code != BV_OK)
		return code;
	return bvl_sql_prepare(j,
			       "SELECT seq, hash, bytes, kind, session "
			       "FROM event WHERE seq > ?1 ORDER BY seq",
			       &a->again, err);
}

static void finalize(struct appending *a)
{
	sqlite3_finalize(a->insert);
	sqlite3_finalize(a->again);
}

static int append_within(struct bvl_journal *j, const struct appending *a,
			 const struct bv_event *events, char *const *bytes,
			 size_t n, struct bvl_head *ret, struct bv_err *err)
{
	uint8_t before[BVL_HASH_LEN] = { 0 }, hash[BVL_HASH_LEN];
	uint64_t seq = 0;
	int code = bvl_last(j, &seq, before, err);

	if (code == BV_OK)
		code = bvl_check_head(j, seq, before, err);
	memcpy(hash, before, BVL_HASH_LEN);
	for (size_t i = 0; code == BV_OK && i < n; i++)
		code = insert(j, a->insert, seq + 1 + i, hash, &events[i],
			      bytes[i], err);
	if (code == BV_OK)
		code = check_there(j, a->again, seq, before, hash, events, n,
				   err);
	ret->seq = seq + n;
	bv_digest_hex(hash, ret->hash);
	return code;
}

int bvl_sync_log(struct bvl_journal *j, struct bv_err *err)
{
	sqlite3_file *log = NULL;
	int rc = sqlite3_file_control(j->db, "main",
				      SQLITE_FCNTL_JOURNAL_POINTER, &log);

	if (rc == SQLITE_OK && (log == NULL || log->pMethods == NULL))
		return bv_fail(err, BV_E_BUG, "the journal '%s' has no log",
			       j->path);
	if (rc == SQLITE_OK)
		rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_OK ? BV_OK : bvl_sql_fail(j, rc, "sync", err);
}

static int append_encoded(struct bvl_journal *j, const struct bv_event *events,
			  char *const *bytes, size_t n, struct bv_err *err)
{
	struct bvl_head head = { .seq = 0 };
	struct appending a = { NULL, NULL };
	int code = prepare(j, &a, err);

	if (code == BV_OK)
		code = bvl_sql_run(j, "BEGIN IMMEDIATE", err);
	if (code != BV_OK) {
		finalize(&a);
		return code;
	}
	code = append_within(j, &a, events, bytes, n, &head, err);
	finalize(&a);
	if (code == BV_OK)
		code = bvl_sql_run(j, "COMMIT", err);
	if (code != BV_OK) {
		(void)sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
		return code;
	}
	/* Readers may see it before it is durable; who appended is told after. */
	code = bvl_sync_log(j, err);
	if (code != BV_OK)
		return code;
	j->head = head;
	bvl_head_write(j->head_fd, &head);
	return BV_OK;
}

/* What could not be read again would stand in the chain for ever. */
static int encode(const struct bv_event *event, char **ret, struct bv_err *err)
{
	struct bv_arena arena;
	struct bv_event again;
	int code = bv_event_encode(event, ret, err);

	if (code != BV_OK)
		return code;
	bv_arena_init(&arena, EVENT_ARENA);
	code = bv_event_decode(&arena, *ret, strlen(*ret), &again, err);
	bv_arena_done(&arena);
	return code;
}

int bvl_journal_append_all(struct bvl_journal *journal,
			   const struct bv_event *events, size_t n,
			   struct bv_err *err)
{
	char **bytes = calloc(n == 0 ? 1 : n, sizeof(*bytes));
	int code = BV_OK;

	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "journal: no memory");
	/* Before the lock: nobody waits for an encoder. */
	for (size_t i = 0; code == BV_OK && i < n; i++)
		code = encode(&events[i], &bytes[i], err);
	bvl_sql_begin_call(journal);
	if (code == BV_OK && n > 0)
		code = append_encoded(journal, events, bytes, n, err);
	for (size_t i = 0; i < n; i++)
		free(bytes[i]);
	free(bytes);
	return code;
}

int bvl_journal_append(struct bvl_journal *journal,
		       const struct bv_event *event, struct bv_err *err)
{
	return bvl_journal_append_all(journal, event, 1, err);
}

/* The write behind the checkpoint begins the WAL anew and pays for it (its
 * header is synced too), so that the next `started` costs one fsync. */
void bvl_journal_tend(struct bvl_journal *journal)
{
	char sql[96];

	if (journal->wal_pages < (int)BVL_LOG_PAGES_MAX)
		return;
	bvl_sql_begin_call(journal);
	snprintf(sql, sizeof(sql),
		 "BEGIN IMMEDIATE; PRAGMA user_version = %d; COMMIT",
		 BVL_SCHEMA_VERSION);
	if (sqlite3_wal_checkpoint_v2(journal->db, NULL,
				      SQLITE_CHECKPOINT_PASSIVE, NULL,
				      NULL) == SQLITE_OK)
		(void)sqlite3_exec(journal->db, sql, NULL, NULL, NULL);
}
