/* SPDX-License-Identifier: MIT */
/* From the judgement to what is done and written about it. */
#include "core/recovery.h"

static void say(struct bv_recovery_order *o, enum bv_recovery_word word,
		const char *reason)
{
	o->word = word;
	o->reason = reason;
}

static bool is_in_flight(const struct bv_artifact_view *a)
{
	return (a->decided == BV_DISPOSITION_PROMOTE ||
		a->decided == BV_DISPOSITION_DISCARD) &&
	       !a->applied && !a->failed;
}

/* Nothing is promoted by a recovery: the box was a tmpfs that died with its
 * session. So a discard is done, and a promotion was in time or never. */
static void end_in_flight(struct bv_recovery_order *o,
			  const struct bv_run_view *view)
{
	for (size_t i = 0; i < view->artifact_n && i < BV_ARTIFACT_MAX; i++) {
		const struct bv_artifact_view *a = &view->artifact[i];

		if (!is_in_flight(a))
			continue;
		if (a->promoted || a->decided == BV_DISPOSITION_DISCARD)
			o->applied |= (uint32_t)1 << i;
		else
			o->failed |= (uint32_t)1 << i;
	}
}

void bv_recovery_order(const struct bv_run_view *view,
		       const struct bv_recovery_probe *probe,
		       enum bv_record_state record,
		       struct bv_recovery_order *ret)
{
	struct bv_run_view folded = *view;

	*ret = (struct bv_recovery_order){ .word = BV_WORD_NONE };
	/* Its guardian sealed the report and died, or the journal took nothing:
	 * the report is the truth, and goes in first. */
	ret->fold = view->started && !view->reported && !probe->torn_report &&
		    record == BV_RECORD_CLOSED;
	folded.reported |= ret->fold;
	bv_reconcile(&folded, probe, &ret->what);
	ret->reason = ret->what.why;
	switch (ret->what.action) {
	case BV_RECOVER_ABSENT:
		/* Not in this journal, and its leader lives: a run without a
		 * report, or a journal that was begun anew. */
		ret->leave = probe->leader_lives;
		break;
	case BV_RECOVER_ADOPT:
		if (!view->adopted)
			say(ret, BV_WORD_ALWAYS, ret->what.why);
		break;
	case BV_RECOVER_ROLL_BACK:
		if (view->recovery_recorded)
			break;
		ret->complete = record == BV_RECORD_OPEN;
		end_in_flight(ret, view);
		say(ret, BV_WORD_ALWAYS, ret->what.why);
		break;
	case BV_RECOVER_SETTLED:
		if (ret->fold)
			say(ret, BV_WORD_ALWAYS,
			    "the report was sealed, but not in the journal");
		else
			say(ret, BV_WORD_IF_SWEPT,
			    "reported, but something was left");
		break;
	case BV_RECOVER_REFUSE:
		/* Hands off: nothing of it is made true by us. */
		ret->fold = false;
		if (!view->recovery_recorded)
			say(ret, BV_WORD_ALWAYS, ret->what.why);
		break;
	case BV_RECOVER_FINISH_DISPOSITION:
		end_in_flight(ret, view);
		if ((ret->applied | ret->failed) != 0)
			say(ret, BV_WORD_ALWAYS, ret->what.why);
		else if (ret->fold)
			say(ret, BV_WORD_ALWAYS,
			    "the report was sealed, but not in the journal, and "
			    "what was promoted is there no more");
		break;
	case BV_RECOVER_ACTION_N:
		break;
	}
}
