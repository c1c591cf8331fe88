/* SPDX-License-Identifier: MIT */
/*
 * Reconciliation. Whole runs first, then each artifact by one table: what was
 * decided × was it carried out × are bytes where only a promotion puts them.
 */
#include "core/recovery.h"

_Static_assert(BV_ARTIFACT_MAX <= 32, "one bit each");

static const char *const disposition_names[] = {
	[BV_DISPOSITION_NONE] = "none",
	[BV_DISPOSITION_PROMOTE] = "promote",
	[BV_DISPOSITION_RETAIN] = "retain",
	[BV_DISPOSITION_DISCARD] = "discard",
	[BV_DISPOSITION_REFUSE] = "refuse",
};
_Static_assert(BV_LEN(disposition_names) == BV_DISPOSITION_N, "all named");

static const char *const verdict_names[] = {
	[BV_RECOVERY_NONE] = "none",
	[BV_RECOVERY_COMPLETED] = "completed",
	[BV_RECOVERY_ROLLED_BACK] = "rolled-back",
	[BV_RECOVERY_CANONICAL_REFUSAL] = "canonical-refusal",
};
_Static_assert(BV_LEN(verdict_names) == BV_RECOVERY_VERDICT_N, "all named");

static const char *const action_names[] = {
	[BV_RECOVER_ABSENT] = "absent",
	[BV_RECOVER_ADOPT] = "adopt",
	[BV_RECOVER_ROLL_BACK] = "roll-back",
	[BV_RECOVER_FINISH_DISPOSITION] = "finish-disposition",
	[BV_RECOVER_SETTLED] = "settled",
	[BV_RECOVER_REFUSE] = "refuse",
};
_Static_assert(BV_LEN(action_names) == BV_RECOVER_ACTION_N, "all named");

const char *bv_disposition_name(enum bv_disposition d)
{
	return (unsigned int)d < BV_DISPOSITION_N ? disposition_names[d] : "?";
}

const char *bv_recovery_verdict_name(enum bv_recovery_verdict v)
{
	return (unsigned int)v < BV_RECOVERY_VERDICT_N ? verdict_names[v] : "?";
}

const char *bv_recovery_action_name(enum bv_recovery_action a)
{
	return (unsigned int)a < BV_RECOVER_ACTION_N ? action_names[a] : "?";
}

static void say(struct bv_recovery *r, enum bv_recovery_action action,
		enum bv_recovery_verdict verdict, const char *why)
{
	r->action = action;
	r->verdict = verdict;
	r->why = why;
}

static void refuse(struct bv_recovery *r, size_t culprit, const char *why)
{
	r->culprit = culprit;
	r->finish = 0;
	say(r, BV_RECOVER_REFUSE, BV_RECOVERY_CANONICAL_REFUSAL, why);
}

enum fate {
	SETTLED,
	FINISH,
	REFUSED,
};

/* Of a reported run. A failure that was recorded is an end as well. */
static enum fate fate_of(const struct bv_artifact_view *a)
{
	/* [decided][promoted bytes][applied]; promotion is what moves bytes */
	static const enum fate fates[BV_DISPOSITION_N][2][2] = {
		[BV_DISPOSITION_NONE] = { { SETTLED, SETTLED },
					  { REFUSED, REFUSED } },
		[BV_DISPOSITION_PROMOTE] = { { FINISH, FINISH },
					     { FINISH, SETTLED } },
		[BV_DISPOSITION_RETAIN] = { { SETTLED, SETTLED },
					    { REFUSED, REFUSED } },
		[BV_DISPOSITION_DISCARD] = { { FINISH, SETTLED },
					     { REFUSED, REFUSED } },
		[BV_DISPOSITION_REFUSE] = { { SETTLED, SETTLED },
					    { REFUSED, REFUSED } },
	};

	if ((unsigned int)a->decided >= BV_DISPOSITION_N)
		return REFUSED;
	if (a->failed && a->decided != BV_DISPOSITION_NONE)
		return SETTLED;
	return fates[a->decided][a->promoted][a->applied];
}

static void reconcile_reported(const struct bv_run_view *view,
			       struct bv_recovery *r)
{
	for (size_t i = 0; i < view->artifact_n && i < BV_ARTIFACT_MAX; i++) {
		switch (fate_of(&view->artifact[i])) {
		case SETTLED:
			break;
		case FINISH:
			r->finish |= (uint32_t)1 << i;
			break;
		case REFUSED:
			refuse(r, i,
			       "bytes of an artifact are where nobody decided "
			       "to put them");
			return;
		}
	}
	if (r->finish != 0)
		say(r, BV_RECOVER_FINISH_DISPOSITION, BV_RECOVERY_COMPLETED,
		    "what was decided on an artifact is not carried out yet");
	else
		say(r, BV_RECOVER_SETTLED, BV_RECOVERY_COMPLETED,
		    "reported, and nothing is open");
}

/* Bytes that went out before the report did: nobody may undo or bless them. */
static bool sacred(const struct bv_run_view *view, size_t *ret_at)
{
	for (size_t i = 0; i < view->artifact_n && i < BV_ARTIFACT_MAX; i++) {
		if (view->artifact[i].promoted) {
			*ret_at = i;
			return true;
		}
	}
	return false;
}

void bv_reconcile(const struct bv_run_view *view,
		  const struct bv_recovery_probe *probe,
		  struct bv_recovery *ret)
{
	size_t at;

	*ret = (struct bv_recovery){ .culprit = SIZE_MAX };
	if (!view->started)
		say(ret, BV_RECOVER_ABSENT, BV_RECOVERY_NONE,
		    "no start is recorded");
	else if (probe->torn_report)
		refuse(ret, SIZE_MAX, "the report is torn");
	else if (view->reported)
		reconcile_reported(view, ret);
	else if (sacred(view, &at))
		refuse(ret, at, "an artifact went out before the report");
	else if (probe->leader_lives)
		say(ret, BV_RECOVER_ADOPT, BV_RECOVERY_NONE,
		    "the session lives, its guardian does not");
	else
		say(ret, BV_RECOVER_ROLL_BACK, BV_RECOVERY_ROLLED_BACK,
		    "started, never reported, and the leader is gone");
	/* Nothing of ours runs on outside of a session that is kept. */
	ret->sweep = ret->action != BV_RECOVER_ADOPT &&
		     (probe->orphans > 0 || probe->leaf);
}
