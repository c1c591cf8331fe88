/* SPDX-License-Identifier: MIT */
/* The order of a verification, its words, and what is found about files. */
#include "ledger/verify_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[] = {
	[BVL_FAULT_DELETED] = "journal-deleted",
	[BVL_FAULT_FILE_EXPOSED] = "file-exposed",
	[BVL_FAULT_NO_DATABASE] = "no-database",
	[BVL_FAULT_PAGE_CORRUPT] = "page-corrupt",
	[BVL_FAULT_HEAD_MISSING] = "head-missing",
	[BVL_FAULT_HEAD_TORN] = "head-torn",
	[BVL_FAULT_VERSION] = "version",
	[BVL_FAULT_SCHEMA_MISSING] = "schema-missing",
	[BVL_FAULT_TRIGGER_MISSING] = "trigger-missing",
	[BVL_FAULT_SCHEMA_CHANGED] = "schema-changed",
	[BVL_FAULT_SCHEMA_FOREIGN] = "schema-foreign",
	[BVL_FAULT_CHECKPOINT_SEAL] = "checkpoint-seal",
	[BVL_FAULT_CHECKPOINT_CHAIN] = "checkpoint-chain",
	[BVL_FAULT_CHECKPOINT_COUNT] = "checkpoint-count",
	[BVL_FAULT_CHECKPOINT_MISSING] = "checkpoint-missing",
	[BVL_FAULT_CHECKPOINT_LINK] = "checkpoint-link",
	[BVL_FAULT_CHECKPOINT_GAP] = "checkpoint-gap",
	[BVL_FAULT_CHECKPOINT_OVERLAP] = "checkpoint-overlap",
	[BVL_FAULT_ROW_FORM] = "row-form",
	[BVL_FAULT_ROW_CHANGED] = "row-changed",
	[BVL_FAULT_ROW_MOVED] = "row-moved",
	[BVL_FAULT_ROW_LINK] = "row-link",
	[BVL_FAULT_ROW_GAP] = "row-gap",
	[BVL_FAULT_EVENT_FORM] = "event-form",
	[BVL_FAULT_KIND] = "filed-kind",
	[BVL_FAULT_SESSION] = "filed-session",
	[BVL_FAULT_STARTED_TWICE] = "started-twice",
	[BVL_FAULT_REPORT_UNSTARTED] = "report-unstarted",
	[BVL_FAULT_REPORT_PLAN] = "report-plan",
	[BVL_FAULT_REPORT_TWICE] = "report-twice",
	[BVL_FAULT_CUT] = "cut",
	[BVL_FAULT_REWRITTEN] = "rewritten",
	[BVL_FAULT_WITNESS_CUT] = "witness-cut",
	[BVL_FAULT_WITNESS_REWRITTEN] = "witness-rewritten",
	[BVL_FAULT_WITNESS_REMOVED] = "witness-removed",
	[BVL_FAULT_RECORD_MISSING] = "record-missing",
	[BVL_FAULT_RECORD_TORN] = "record-torn",
	[BVL_FAULT_RECORD_OTHER] = "record-other",
	[BVL_FAULT_RECORD_UNKNOWN] = "record-unknown",
};
_Static_assert(BV_LEN(names) == BVL_FAULT_N, "every fault has a name");

const char *bvl_fault_name(enum bvl_fault fault)
{
	return (unsigned int)fault < BVL_FAULT_N ? names[fault] : "?";
}

void bvl_found(struct bvl_walk *w, enum bvl_fault fault, uint64_t seq,
	       const char *fmt, ...)
{
	struct bvl_finding f = { .fault = fault, .seq = seq };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	w->verdict->findings++;
	w->what->found(w->what->arg, &f);
}

/* What SQLite cannot read is a finding, not a fault of ours. */
static int damage(struct bvl_walk *w, int code, struct bv_err *err)
{
	if (code != BV_E_PROTO)
		return code;
	bvl_found(w, BVL_FAULT_PAGE_CORRUPT, 0, "%.300s", err->msg);
	*err = (struct bv_err){ 0 };
	return BV_OK;
}

static int check_pages(struct bvl_walk *w, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code =
		bvl_sql_prepare(&w->j, "PRAGMA integrity_check(20)", &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *said = (const char *)sqlite3_column_text(s, 0);

		if (said != NULL && strcmp(said, "ok") != 0)
			bvl_found(w, BVL_FAULT_PAGE_CORRUPT, 0, "%.300s", said);
	}
	return rc == SQLITE_DONE ? BV_OK
				 : bvl_sql_fail(&w->j, rc, "check pages", err);
}

/* SQLITE_NOTADB comes with the first reading. */
static bool is_database(struct bvl_walk *w)
{
	return sqlite3_exec(w->j.db, "SELECT count(*) FROM sqlite_schema", NULL,
			    NULL, NULL) != SQLITE_NOTADB;
}

static int check_parts(struct bvl_walk *w, struct bv_err *err)
{
	static int (*const parts[])(struct bvl_walk *, struct bv_err *) = {
		check_pages,
		bvl_verify_schema,
		bvl_verify_checkpoints,
		bvl_verify_rows,
	};
	int code;

	bvl_verify_read_head(w);
	code = bvl_sql_run(&w->j, "BEGIN", err); /* one snapshot */

	code = damage(w, code, err);
	for (size_t i = 0; code == BV_OK && i < BV_LEN(parts); i++)
		code = damage(w, parts[i](w, err), err);
	if (code == BV_OK)
		code = damage(w, bvl_verify_heads(w, err), err);
	(void)sqlite3_exec(w->j.db, "COMMIT", NULL, NULL, NULL);
	if (code == BV_OK && w->what->records_dir != NULL)
		code = damage(w, bvl_verify_records(w, err), err);
	return code;
}

/* false: it is there, and no regular file. */
static bool check_file(struct bvl_walk *w, const char *path)
{
	struct bv_err why = { 0 };
	struct stat st;

	if (lstat(path, &st) != 0)
		return true; /* what has to be there is asked elsewhere */
	if (bvl_check_file(path, &why) == BV_E_CONF)
		bvl_found(w, BVL_FAULT_FILE_EXPOSED, 0, "%.300s", why.msg);
	return S_ISREG(st.st_mode);
}

/* false: one of what SQLite opens is no regular file. The head is looked at
 * too: who may write it may make a cut journal fit. */
static bool check_files(struct bvl_walk *w)
{
	static const char *const beside[] = { "-wal", "-shm" };
	char name[PATH_MAX + 16];
	bool fit = check_file(w, w->j.path);

	for (size_t i = 0; i < BV_LEN(beside); i++) {
		snprintf(name, sizeof(name), "%s%s", w->j.path, beside[i]);
		fit = check_file(w, name) && fit;
	}
	snprintf(name, sizeof(name), "%s/" BVL_HEAD_FILE, w->what->dir);
	(void)check_file(w, name);
	return fit;
}

/* Of a database that is not there: the log and the index that SQLite makes
 * beside one. A log is made just before its database is, and with zeros; one
 * that says more was written to. */
static bool has_leftovers(const struct bvl_walk *w, bool began)
{
	char name[PATH_MAX + 8], first = 0;
	bvl_auto_close int fd = -1;
	struct stat st;

	snprintf(name, sizeof(name), "%s-shm", w->j.path);
	if (lstat(name, &st) == 0)
		return true;
	snprintf(name, sizeof(name), "%s-wal", w->j.path);
	if (lstat(name, &st) != 0)
		return false;
	if (!began || !S_ISREG(st.st_mode))
		return true;
	fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 || (pread(fd, &first, 1, 0) == 1 && first != 0);
}

/* No journal, and no head that says that it had rows. There never was one only
 * if nothing else of one is there; or it was made just now. */
static int check_never(struct bvl_walk *w, bool began, struct bv_err *err)
{
	const char *left = NULL;
	bool any = false;
	int code = BV_OK;

	if (has_leftovers(w, began))
		left = "what SQLite kept beside it is there";
	else if (w->what->records_dir != NULL)
		code = bvl_journal_any_record(w->what->records_dir, &any, err);
	if (any)
		left = "the reports of its sessions are there";
	if (code == BV_OK && left != NULL && access(w->j.path, F_OK) != 0)
		bvl_found(w, BVL_FAULT_DELETED, 0, "'%s' is gone; %s",
			  w->j.path, left);
	return code;
}

static int check_missing(struct bvl_walk *w, struct bv_err *err)
{
	bvl_auto_close int fd = bvl_head_open(w->what->dir, false);
	struct bvl_head head = { .seq = 0 };
	enum bvl_head_state state = bvl_head_read(fd, &head);
	uint64_t rows = state == BVL_HEAD_FINE ? head.seq : 0;

	if (state == BVL_HEAD_TORN && bvl_head_is_blank(fd))
		state = BVL_HEAD_FINE;
	for (size_t i = 0; i < w->what->heads_n; i++)
		if (w->what->heads[i].seq > rows)
			rows = w->what->heads[i].seq;
	if (rows == 0 && state != BVL_HEAD_TORN)
		return check_never(w, state == BVL_HEAD_FINE, err);
	if (rows == 0)
		bvl_found(w, BVL_FAULT_DELETED, 0,
			  "'%s' is gone, and its head is torn", w->j.path);
	else
		bvl_found(w, BVL_FAULT_DELETED, 0,
			  "'%s' is gone; it had at least %" PRIu64 " rows",
			  w->j.path, rows);
	return BV_OK;
}

static int verify(struct bvl_walk *w, struct bv_err *err)
{
	struct stat st;
	int code;

	if (lstat(w->j.path, &st) != 0) {
		if (errno == ENOENT)
			return check_missing(w, err);
		return bv_fail_errno(err, errno, "the journal '%s'", w->j.path);
	}
	/* What is no file is not opened: a pipe would be waited for. */
	if (!check_files(w))
		return BV_OK;
	code = bvl_connect(&w->j, false, err);
	if (code == BV_E_PROTO || (code == BV_OK && !is_database(w))) {
		bvl_found(w, BVL_FAULT_NO_DATABASE, 0,
			  "'%s' is no SQLite database any more", w->j.path);
		return BV_OK;
	}
	return code == BV_OK ? check_parts(w, err) : code;
}

int bvl_journal_verify(const struct bvl_verify *what, struct bvl_verdict *ret,
		       struct bv_err *err)
{
	struct bvl_walk *w = calloc(1, sizeof(*w));
	int code;

	if (w == NULL)
		return bv_fail(err, BV_E_NOMEM, "verify: no memory");
	*ret = (struct bvl_verdict){ .rows = 0 };
	memset(ret->head.hash, '0', 64);
	w->what = what;
	w->verdict = ret;
	w->j.head_fd = -1;
	w->j.wait_ms = 5000;
	bvl_sql_begin_call(&w->j);
	if (snprintf(w->j.path, sizeof(w->j.path), "%s/" BVL_JOURNAL_FILE,
		     what->dir) >= (int)sizeof(w->j.path))
		code = bv_fail(err, BV_E_LIMIT, "'%s': too long", what->dir);
	else
		code = verify(w, err);
	sqlite3_close(w->j.db);
	free(w->stories.v);
	free(w);
	return code;
}
