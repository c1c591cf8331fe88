/* SPDX-License-Identifier: MIT */
/* The table of what may follow what, and nothing else. */
#include "core/lifecycle.h"

#include <string.h>

#define TO(state) (1u << (BV_LIFE_##state))

/* Once `started` is durable there is no way back to "nothing happened": what
 * breaks then is closed and reported, or recovered. */
static const unsigned int next[] = {
	[BV_LIFE_PROPOSED] = TO(PLANNED) | TO(REFUSED) | TO(FAULTED),
	[BV_LIFE_PLANNED] = TO(STARTED) | TO(REFUSED) | TO(FAULTED),
	[BV_LIFE_STARTED] = TO(RUNNING) | TO(CLOSING) | TO(RECOVERED),
	[BV_LIFE_RUNNING] = TO(CLOSING) | TO(RECOVERED),
	[BV_LIFE_CLOSING] = TO(REPORTED) | TO(RECOVERED),
	[BV_LIFE_REPORTED] = 0,
	[BV_LIFE_REFUSED] = 0,
	[BV_LIFE_FAULTED] = 0,
	[BV_LIFE_RECOVERED] = 0,
};
_Static_assert(BV_LEN(next) == BV_LIFE_N, "every state is stated");

static const char *const names[] = {
	[BV_LIFE_PROPOSED] = "proposed",   [BV_LIFE_PLANNED] = "planned",
	[BV_LIFE_STARTED] = "started",     [BV_LIFE_RUNNING] = "running",
	[BV_LIFE_CLOSING] = "closing",     [BV_LIFE_REPORTED] = "reported",
	[BV_LIFE_REFUSED] = "refused",     [BV_LIFE_FAULTED] = "faulted",
	[BV_LIFE_RECOVERED] = "recovered",
};
_Static_assert(BV_LEN(names) == BV_LIFE_N, "every state has a name");

const char *bv_life_name(enum bv_life at)
{
	return (unsigned int)at < BV_LIFE_N ? names[at] : "?";
}

bool bv_life_may(enum bv_life from, enum bv_life to)
{
	return (unsigned int)from < BV_LIFE_N && (unsigned int)to < BV_LIFE_N &&
	       (next[from] & 1u << (unsigned int)to) != 0;
}

bool bv_life_is_over(enum bv_life at)
{
	return (unsigned int)at >= BV_LIFE_N || next[at] == 0;
}

static int move(struct bv_lifeline *line, enum bv_life to, struct bv_err *err)
{
	if (!bv_life_may(line->at, to))
		return bv_fail(err, BV_E_BUG, "lifecycle: '%s' after '%s'",
			       bv_life_name(to), bv_life_name(line->at));
	line->at = to;
	return BV_OK;
}

static bool is_plan_id(const char *id)
{
	return strlen(id) == BV_PLAN_ID_LEN &&
	       strspn(id, "0123456789abcdef") == BV_PLAN_ID_LEN;
}

int bv_life_planned(struct bv_lifeline *line, const char *plan_id,
		    struct bv_err *err)
{
	int code;

	if (!is_plan_id(plan_id))
		return bv_fail(err, BV_E_BUG, "lifecycle: '%s' is no plan's id",
			       plan_id);
	code = move(line, BV_LIFE_PLANNED, err);
	if (code == BV_OK)
		memcpy(line->plan_id, plan_id, sizeof(line->plan_id));
	return code;
}

int bv_life_step(struct bv_lifeline *line, enum bv_life to, struct bv_err *err)
{
	if (to == BV_LIFE_PLANNED || to == BV_LIFE_REPORTED)
		return bv_fail(err, BV_E_BUG, "lifecycle: '%s' without a plan",
			       bv_life_name(to));
	return move(line, to, err);
}

int bv_life_reported(struct bv_lifeline *line, const char *plan_id,
		     struct bv_err *err)
{
	if (strcmp(line->plan_id, plan_id) != 0)
		return bv_fail(err, BV_E_BUG,
			       "lifecycle: a report on plan '%s', not on '%s'",
			       plan_id, line->plan_id);
	return move(line, BV_LIFE_REPORTED, err);
}
