/* SPDX-License-Identifier: MIT */
/* The order of a verification, its words, and what is found about files. */
#include "ledger/verify_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
		code = bvl_verify_heads(w, err);
	(void)sqlite3_exec(w->j.db, "COMMIT", NULL, NULL, NULL);
	if (code == BV_OK && w->what->records_dir != NULL)
		code = damage(w, bvl_verify_records(w, err), err);
	return code;
}

static void check_missing(struct bvl_walk *w)
{
	bvl_auto_close int fd = bvl_head_open(w->what->dir, false);
	struct bvl_head head = { .seq = 0 };

	if (fd < 0 && w->what->heads_n == 0)
		return; /* never was one */
	if (fd >= 0 && bvl_head_read(fd, &head) == BVL_HEAD_FINE &&
	    head.seq == 0 && w->what->heads_n == 0)
		return;
	bvl_found(w, BVL_FAULT_DELETED, 0,
		  "'%s' is gone; it had at least %" PRIu64 " rows", w->j.path,
		  head.seq);
}

static int verify(struct bvl_walk *w, struct bv_err *err)
{
	struct bv_err why = { 0 };
	int code;

	if (access(w->j.path, F_OK) != 0 && errno == ENOENT) {
		check_missing(w);
		return BV_OK;
	}
	if (bvl_check_file(w->j.path, &why) != BV_OK)
		bvl_found(w, BVL_FAULT_FILE_EXPOSED, 0, "%.300s", why.msg);
	if (why.code == BV_E_SYS) {
		*err = why;
		return why.code;
	}
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
