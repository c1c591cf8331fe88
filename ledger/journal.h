/* SPDX-License-Identifier: MIT */
/*
 * The session journal: one SQLite database and a hash chain over canonical
 * event bytes. What was appended is on disk when the call returns, and nothing
 * of it can be changed, moved or left out without the chain showing it. Whoever
 * may write the database may also forge a whole new chain: against that the
 * head goes elsewhere (the head file, syslog), and verification is given it.
 *
 * A directory holds journal.db (with -wal and -shm) and journal.head. It must
 * be the caller's own and nobody else's to write; the caller has seen to that.
 */
#ifndef BVL_JOURNAL_H
#define BVL_JOURNAL_H

#include "core/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BVL_JOURNAL_FILE "journal.db"
#define BVL_HEAD_FILE    "journal.head"

/* Where the chain ends: hash of row seq; seq 0 and zeros: nothing yet. */
struct bvl_head {
	uint64_t seq;
	char hash[65];
};

enum bvl_mode {
	BVL_APPEND, /* made when it is missing and was never there */
	BVL_READ,   /* must be there; writes nothing but locks */
};

struct bvl_journal;

/* wait_ms: how long one call may wait for other writers, in all. dir is a path
 * without symbolic links. Unusable (busy, full, cut, no journal of ours):
 * an error that names the file, what is wrong and what to do. */
int bvl_journal_open(const char *dir, enum bvl_mode mode, unsigned int wait_ms,
		     struct bvl_journal **ret,
		     struct bv_err *err) BV_MUST_CHECK;
void bvl_journal_close(struct bvl_journal **journal); /* accepts NULL within */

/* One event, durable when BV_OK is returned; else nothing was appended, unless the
 * disk itself failed: then it may have been, and is not to be counted on. */
int bvl_journal_append(struct bvl_journal *journal,
		       const struct bv_event *event,
		       struct bv_err *err) BV_MUST_CHECK;
/* Several, all or none, at the price of one. */
int bvl_journal_append_all(struct bvl_journal *journal,
			   const struct bv_event *events, size_t n,
			   struct bv_err *err) BV_MUST_CHECK;

/* After an append that nobody waits for: writes a long WAL back into the
 * database. */
void bvl_journal_tend(struct bvl_journal *journal);

/* Of the last append of this connection; seq 0 before. */
const struct bvl_head *bvl_journal_head(const struct bvl_journal *journal);

/* --- reading --------------------------------------------------------------- */

struct bvl_row {
	uint64_t seq;
	const char *hash;  /* 64 hex digits */
	const void *bytes; /* the event, canonical */
	size_t len;
	const struct bv_event *event;
};

/* Borrowed until it returns. Not BV_OK ends the walk with that code. */
typedef int (*bvl_row_fn)(void *arg, const struct bvl_row *row,
			  struct bv_err *err);

struct bvl_query {
	const char *session;    /* NULL: of all; else the id or its beginning */
	uint64_t after_seq;     /* rows behind this one */
	uint64_t since_unix_us; /* not older than this, by their own word */
};

/* In order of the chain, from one snapshot; a row that does not decode is an
 * error that names it. */
int bvl_journal_each(struct bvl_journal *journal, const struct bvl_query *query,
		     bvl_row_fn fn, void *arg,
		     struct bv_err *err) BV_MUST_CHECK;

/* Ids of sessions that were started and have neither a report nor a recovery
 * that ended them; oldest first, malloc'ed. */
struct bvl_session_id {
	char id[BV_SESSION_ID_LEN + 1];
};
int bvl_journal_open_sessions(struct bvl_journal *journal,
			      struct bvl_session_id **ret, size_t *ret_n,
			      struct bv_err *err) BV_MUST_CHECK;

/* Has it any row of that session? */
int bvl_journal_knows(struct bvl_journal *journal, const char *session,
		      bool *ret, struct bv_err *err) BV_MUST_CHECK;

/* --- retention ------------------------------------------------------------- */

struct bvl_removal {
	uint64_t rows;
	struct bvl_head head; /* the checkpoint's: of the last of them */
	uint64_t newest_us;   /* the latest time that one of them was written */
};
typedef void (*bvl_removal_fn)(void *arg, const struct bvl_removal *what);

struct bvl_keep {
	uint64_t age_us; /* 0: for ever */
	uint64_t bytes;  /* of the database; 0: without limit */
	/* NULL, or told of what goes just before the commit: whatever happens then,
	 * there is no checkpoint that it was not told of. Others wait meanwhile. */
	bvl_removal_fn going;
	void *arg;
};

/* Rows that need not be kept are removed behind a sealed checkpoint; that is durable
 * when BV_OK is returned. *ret_removed: so many went, whatever is returned. */
int bvl_journal_prune(struct bvl_journal *journal, const struct bvl_keep *keep,
		      uint64_t now_unix_us, uint64_t *ret_removed,
		      struct bv_err *err) BV_MUST_CHECK;

/* The last row that was ever removed; 0: none was. */
int bvl_journal_removed(struct bvl_journal *journal, uint64_t *ret_seq,
			struct bv_err *err) BV_MUST_CHECK;

#endif
