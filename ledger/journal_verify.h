/* SPDX-License-Identifier: MIT */
/*
 * Does the journal say what was written into it? From the files alone: pages,
 * schema, checkpoints, chain, events, the sealed reports beside it; and against
 * heads that were seen elsewhere. Everything that is found is named, the walk
 * goes on behind it.
 */
#ifndef BVL_JOURNAL_VERIFY_H
#define BVL_JOURNAL_VERIFY_H

#include "ledger/journal.h"

enum bvl_fault {
	/* the files */
	BVL_FAULT_DELETED,      /* no journal.db, though there was one */
	BVL_FAULT_FILE_EXPOSED, /* not ours alone, or no regular file */
	BVL_FAULT_NO_DATABASE,  /* the first page is no journal's */
	BVL_FAULT_PAGE_CORRUPT, /* SQLite finds pages damaged */
	BVL_FAULT_HEAD_MISSING, /* journal.head is gone */
	BVL_FAULT_HEAD_TORN,    /* journal.head is none */
	/* the schema */
	BVL_FAULT_VERSION,         /* application id or version changed */
	BVL_FAULT_SCHEMA_MISSING,  /* a table or index of ours is gone */
	BVL_FAULT_TRIGGER_MISSING, /* a guard of ours is gone */
	BVL_FAULT_SCHEMA_CHANGED,  /* it is there, and another one */
	BVL_FAULT_SCHEMA_FOREIGN,  /* something that is not ours */
	/* checkpoints */
	BVL_FAULT_CHECKPOINT_SEAL,    /* changed after it was sealed */
	BVL_FAULT_CHECKPOINT_CHAIN,   /* one before it is gone or another */
	BVL_FAULT_CHECKPOINT_COUNT,   /* counts other rows than it sealed */
	BVL_FAULT_CHECKPOINT_MISSING, /* rows are gone, none seals that */
	BVL_FAULT_CHECKPOINT_LINK,    /* the first row does not follow it */
	BVL_FAULT_CHECKPOINT_GAP,     /* rows behind it are gone */
	BVL_FAULT_CHECKPOINT_OVERLAP, /* rows it says were removed */
	/* rows */
	BVL_FAULT_ROW_FORM,    /* columns of another type or length */
	BVL_FAULT_ROW_CHANGED, /* does not have its own hash */
	BVL_FAULT_ROW_MOVED,   /* another row's content */
	BVL_FAULT_ROW_LINK,    /* does not follow the one before */
	BVL_FAULT_ROW_GAP,     /* rows before it are gone */
	BVL_FAULT_EVENT_FORM,  /* no canonical event, though well hashed */
	BVL_FAULT_KIND,        /* filed under another kind */
	BVL_FAULT_SESSION,     /* filed under another session */
	/* what the events say together */
	BVL_FAULT_STARTED_TWICE,
	BVL_FAULT_REPORT_UNSTARTED,
	BVL_FAULT_REPORT_PLAN, /* of another plan than the start */
	BVL_FAULT_REPORT_TWICE,
	/* heads */
	BVL_FAULT_CUT,               /* ends before its own head */
	BVL_FAULT_REWRITTEN,         /* another row at its own head */
	BVL_FAULT_WITNESS_CUT,       /* ends before a head seen elsewhere */
	BVL_FAULT_WITNESS_REWRITTEN, /* another row at such a head */
	BVL_FAULT_WITNESS_REMOVED, /* rows of such heads went behind a checkpoint
				    * that none of them is of */
	/* reports */
	BVL_FAULT_RECORD_MISSING,
	BVL_FAULT_RECORD_TORN,    /* no sealed report any more */
	BVL_FAULT_RECORD_OTHER,   /* sealed, but not the one in the journal */
	BVL_FAULT_RECORD_UNKNOWN, /* of a session without a row */
	BVL_FAULT_N
};

const char *bvl_fault_name(enum bvl_fault fault); /* "row-changed" */

struct bvl_finding {
	enum bvl_fault fault;
	uint64_t seq;   /* 0: of no row */
	char text[320]; /* one line: what, where */
};
typedef void (*bvl_finding_fn)(void *arg, const struct bvl_finding *finding);

struct bvl_verify {
	const char *dir;
	const char *records_dir;      /* NULL: reports are not looked at */
	const struct bvl_head *heads; /* seen elsewhere: syslog */
	size_t heads_n;
	bvl_finding_fn found;
	void *arg;
};

struct bvl_verdict {
	uint64_t rows;
	uint64_t first_seq; /* 0: no row */
	uint64_t removed;   /* rows behind checkpoints */
	uint64_t reports;   /* looked at, and fine */
	uint64_t outlived;  /* reports of sessions whose rows were removed in
			       * order: house-keeping's to remove */
	uint64_t behind;    /* rows that the head file does not know yet */
	/* Of the heads seen elsewhere: a row's or a checkpoint's that is there;
	 * of rows that a checkpoint removed, which nobody can tell. */
	uint64_t heads_agree, heads_removed;
	struct bvl_head head; /* of the last row; seq 0 and zeros: none */
	size_t findings;
};

/* BV_OK: it could be looked at; *ret tells what was found. No journal at all,
 * and never one, is BV_OK without rows. */
int bvl_journal_verify(const struct bvl_verify *what, struct bvl_verdict *ret,
		       struct bv_err *err) BV_MUST_CHECK;

/* Is there a head in the journal's folder that says it had rows, or that cannot be
 * read? */
bool bvl_journal_has_head(const char *dir);

/* Is there the report of a session that began, whoever knows of it? No such folder
 * has none. */
int bvl_journal_any_record(const char *records_dir, bool *ret,
			   struct bv_err *err) BV_MUST_CHECK;

#endif
