/* SPDX-License-Identifier: MIT */
/* Shared by the journal's own files; nobody else. */
#ifndef BVL_JOURNAL_INTERNAL_H
#define BVL_JOURNAL_INTERNAL_H

#include "ledger/journal.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BVL_APPLICATION_ID 0x42564a31 /* "BVJ1" */
#define BVL_SCHEMA_VERSION 1
#define BVL_HASH_LEN       32u
/* Of the write-ahead log, some 40 sessions: what a first opener reads again. */
#define BVL_LOG_PAGES_MAX 256u

/* The reports go with it: a new journal knows none of them. */
#define BVL_REMEDY                                                             \
	"move journal.db*, journal.head and sessions/ away together, as "      \
	"evidence, and a new journal begins (bvisorctl verify says what is "   \
	"wrong)"

struct bvl_journal {
	sqlite3 *db;
	char path[PATH_MAX];
	int head_fd; /* -1: none, reading only */
	unsigned int wait_ms;
	uint64_t deadline_ms; /* of the call that is running */
	unsigned int naps;
	int wal_pages; /* after the last commit of ours */
	struct bvl_head head;
};

/* What the database is made of; the schema is compared word for word. */
struct bvl_schema_item {
	const char *type;
	const char *name;
	const char *sql;
};
extern const struct bvl_schema_item bvl_schema[];
extern const size_t bvl_schema_n;

/* false: the column is no hash. */
static inline bool bvl_take_hash(sqlite3_stmt *s, int at,
				 uint8_t ret[BVL_HASH_LEN])
{
	if (sqlite3_column_type(s, at) != SQLITE_BLOB ||
	    sqlite3_column_bytes(s, at) != (int)BVL_HASH_LEN)
		return false;
	memcpy(ret, sqlite3_column_blob(s, at), BVL_HASH_LEN);
	return true;
}

/* --- chain: pure ------------------------------------------------------------ */

/* What row seq hashes to, behind prev. */
void bvl_chain_hash(uint64_t seq, const uint8_t prev[BVL_HASH_LEN],
		    const void *bytes, size_t len, uint8_t ret[BVL_HASH_LEN]);

struct bvl_checkpoint {
	uint64_t seq;               /* the last row that was removed */
	uint8_t hash[BVL_HASH_LEN]; /* that row's */
	uint64_t unix_us;
	uint64_t removed;
	uint8_t prev[BVL_HASH_LEN]; /* seal of the checkpoint before; zeros */
};
void bvl_checkpoint_seal(const struct bvl_checkpoint *c,
			 uint8_t ret[BVL_HASH_LEN]);

bool bvl_hash_from_hex(const char *hex, uint8_t ret[BVL_HASH_LEN]);

/* --- the head file ---------------------------------------------------------- */

enum bvl_head_state {
	BVL_HEAD_FINE,
	BVL_HEAD_MISSING,
	BVL_HEAD_TORN,
};
/* A new one says "nothing yet". */
int bvl_head_create(const char *dir, struct bv_err *err) BV_MUST_CHECK;
/* Of a head whose maker was killed before it wrote anything. */
void bvl_head_begin(int fd);
int bvl_head_open(const char *dir, bool write); /* fd, or -1 and errno */
enum bvl_head_state bvl_head_read(int fd, struct bvl_head *ret);
/* Was its maker killed before anything was written? */
bool bvl_head_is_blank(int fd);
/* Best effort: a head that lags behind is true as well. */
void bvl_head_write(int fd, const struct bvl_head *head);

/* --- the connection --------------------------------------------------------- */

/* What SQLite says, as an error of this project with what to do. */
int bvl_sql_fail(const struct bvl_journal *j, int rc, const char *what,
		 struct bv_err *err);
int bvl_sql_run(struct bvl_journal *j, const char *sql,
		struct bv_err *err) BV_MUST_CHECK;
int bvl_sql_prepare(struct bvl_journal *j, const char *sql, sqlite3_stmt **ret,
		    struct bv_err *err) BV_MUST_CHECK;
/* The number that a statement of one row gives. */
int bvl_sql_number(struct bvl_journal *j, const char *sql, int64_t *ret,
		   struct bv_err *err) BV_MUST_CHECK;
void bvl_sql_begin_call(struct bvl_journal *j);
/* All of the write-ahead log up to here onto the disk, whoever wrote it. */
int bvl_sync_log(struct bvl_journal *j, struct bv_err *err) BV_MUST_CHECK;

/* The last row, or the last checkpoint where all rows are gone. Inside a
 * transaction of the caller's. */
int bvl_last(struct bvl_journal *j, uint64_t *ret_seq,
	     uint8_t ret_hash[BVL_HASH_LEN], struct bv_err *err) BV_MUST_CHECK;

/* Does the head file agree with a journal that ends there? Inside a transaction of
 * the caller's. */
int bvl_check_head(struct bvl_journal *j, uint64_t seq,
		   const uint8_t hash[BVL_HASH_LEN],
		   struct bv_err *err) BV_MUST_CHECK;

/* Open the file without asking what it holds; READ checks nothing more. */
int bvl_connect(struct bvl_journal *j, bool write,
		struct bv_err *err) BV_MUST_CHECK;
/* Is it, by its own word, a database with a write-ahead log? */
int bvl_has_log(struct bvl_journal *j, bool *ret,
		struct bv_err *err) BV_MUST_CHECK;
/* A regular file of the caller's that nobody else may touch. */
int bvl_check_file(const char *path, struct bv_err *err) BV_MUST_CHECK;

static inline void bvl_finalize(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
	*stmt = NULL;
}
#define bvl_auto_stmt __attribute__((cleanup(bvl_finalize)))

static inline void bvl_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define bvl_auto_close __attribute__((cleanup(bvl_close)))

static inline void bvl_free(void *pp)
{
	free(*(void **)pp);
	*(void **)pp = NULL;
}
#define bvl_auto_free __attribute__((cleanup(bvl_free)))

#endif
