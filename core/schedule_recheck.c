/* SPDX-License-Identifier: MIT */
/* Before anything is lowered: is the schedule that is about to be carried out
 * the one that the plan gives, entry by entry? */
#include "core/schedule.h"

#include <string.h>

/* Declarations were verified: what an entry is, its index says. */
static int differs(const struct bv_schedule_entry *got,
		   const struct bv_schedule_entry *want, size_t at,
		   struct bv_err *err)
{
	const char *what = NULL;

	if (got->index != want->index)
		what = "primitive";
	else if (got->actor != want->actor)
		what = "actor";
	else if (memcmp(got->param, want->param, sizeof(got->param)) != 0)
		what = "set of parameters";
	if (what == NULL)
		return BV_OK;
	return bv_fail(err, BV_E_BUG,
		       "schedule: entry %zu (%s) has another %s than the plan "
		       "gives",
		       at, want->id, what);
}

static int explain(const struct bv_schedule_fault *fault, struct bv_err *err)
{
	char text[BV_ERR_MSG_MAX];

	bv_schedule_explain(fault, text, sizeof(text));
	return bv_fail(err, BV_E_BUG, "%s", text);
}

int bv_schedule_recheck(const struct bv_plan *plan, const struct bv_schedule *s,
			struct bv_err *err)
{
	struct bv_schedule_fault fault;
	struct bv_schedule again;
	char digest[sizeof(s->digest)];

	if (bv_schedule_check(plan, s, &fault) != BV_SCHEDULE_OK ||
	    bv_schedule_build(plan, &again, &fault) != BV_SCHEDULE_OK)
		return explain(&fault, err);
	if (s->n != again.n)
		return bv_fail(err, BV_E_BUG,
			       "schedule: %zu entries, the plan gives %zu",
			       s->n, again.n);
	for (size_t i = 0; i < s->n; i++) {
		int code = differs(&s->entry[i], &again.entry[i], i, err);

		if (code != BV_OK)
			return code;
	}
	bv_schedule_digest(s, digest);
	if (strcmp(digest, s->digest) != 0)
		return bv_fail(err, BV_E_BUG,
			       "schedule: its entries have digest %s, admitted "
			       "was %.64s",
			       digest, s->digest);
	return BV_OK;
}
