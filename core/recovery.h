/* SPDX-License-Identifier: MIT */
/*
 * What to do about a session whose guardian is gone: a pure function of what
 * was written down (the view) and what is really there (the probe). Never a
 * silent repair: what does not fit is refused and said.
 */
#ifndef BV_CORE_RECOVERY_H
#define BV_CORE_RECOVERY_H

#include "core/err.h"
#include "core/plan.h"

#include <stdbool.h>

#define BV_ARTIFACT_MAX    32u
#define BV_ARTIFACT_ID_MAX 64u

enum bv_disposition {
	BV_DISPOSITION_NONE, /* nothing was decided */
	BV_DISPOSITION_PROMOTE,
	BV_DISPOSITION_RETAIN,
	BV_DISPOSITION_DISCARD,
	BV_DISPOSITION_REFUSE,
	BV_DISPOSITION_N
};

/* One artifact: what was written down of it, and its bytes. */
struct bv_artifact_view {
	char id[BV_ARTIFACT_ID_MAX + 1];
	enum bv_disposition decided;
	bool applied;
	bool failed;
	bool quarantined; /* probe: bytes in the outbox */
	bool promoted;    /* probe: bytes where they were to go */
};

struct bv_run_view {
	bool started;
	bool reported;
	bool adopted;           /* a recovery found it living */
	bool recovery_recorded; /* a recovery ended it */
	char plan_id[BV_PLAN_ID_LEN + 1];
	struct bv_artifact_view artifact[BV_ARTIFACT_MAX];
	size_t artifact_n;
};

/* Reality, found by looking, never from the view. Artifacts' bytes are filled
 * into the view's rows by the prober. */
struct bv_recovery_probe {
	bool torn_report; /* a report that is no canonical, sealed one */
	bool leader_lives;
	uint64_t orphans; /* processes in the leaf, without the leader */
	bool leaf;        /* the leaf is there, empty or not */
};

enum bv_recovery_verdict {
	BV_RECOVERY_NONE, /* nothing is recorded */
	BV_RECOVERY_COMPLETED,
	BV_RECOVERY_ROLLED_BACK,
	BV_RECOVERY_CANONICAL_REFUSAL,
	BV_RECOVERY_VERDICT_N
};

enum bv_recovery_action {
	BV_RECOVER_ABSENT, /* it never entered the truth */
	BV_RECOVER_ADOPT,  /* the session lives: keep it, watch it */
	BV_RECOVER_ROLL_BACK,
	BV_RECOVER_FINISH_DISPOSITION,
	BV_RECOVER_SETTLED,
	BV_RECOVER_REFUSE, /* hands off; a person has to look */
	BV_RECOVER_ACTION_N
};

struct bv_recovery {
	enum bv_recovery_action action;
	enum bv_recovery_verdict verdict;
	bool sweep;      /* kill what is in the leaf, remove it */
	uint32_t finish; /* bit i: carry out artifact i's decision */
	const char *why; /* static text */
	size_t culprit;  /* REFUSE for an artifact: its index; else MAX */
};

void bv_reconcile(const struct bv_run_view *view,
		  const struct bv_recovery_probe *probe,
		  struct bv_recovery *ret);

/* The report's file, when it is whole and of this run. */
enum bv_record_state {
	BV_RECORD_NONE,
	BV_RECORD_OPEN,   /* as its guardian began it */
	BV_RECORD_CLOSED, /* sealed: its guardian's last word */
};

enum bv_recovery_word {
	BV_WORD_NONE,
	BV_WORD_ALWAYS,
	BV_WORD_IF_SWEPT, /* only when there was something to sweep */
};

/* What to do, and what to write into the journal about it: first how the effects
 * in flight ended, then a report (folded or completed), then a recovery, all in
 * one transaction. Whoever carries it out
 * and dies in the middle finds the same, or less, to do the next time. */
struct bv_recovery_order {
	struct bv_recovery what;
	bool leave;    /* not ours to judge: touch nothing */
	bool fold;     /* the closed report's seal into the journal */
	bool complete; /* end and seal the open report, then its seal */
	/* Bit i: of artifact i, decided and then no more said, the end: its bytes
	 * are where the decision puts them … */
	uint32_t applied;
	/* … or nobody can put them there any more, for they lived in the session;
	 * what was staged is to be removed first. */
	uint32_t failed;
	enum bv_recovery_word word;
	const char *reason; /* of the recovery event */
};

void bv_recovery_order(const struct bv_run_view *view,
		       const struct bv_recovery_probe *probe,
		       enum bv_record_state record,
		       struct bv_recovery_order *ret);

const char *bv_disposition_name(enum bv_disposition d);
const char *bv_recovery_verdict_name(enum bv_recovery_verdict v);
const char *bv_recovery_action_name(enum bv_recovery_action a);

#endif
