/* SPDX-License-Identifier: MIT */
/* What the commands of one session may use together, and have used. */
#include "wasm/totals.h"

void bw_totals_init(struct bw_totals *t, const struct bw_session_grant *s)
{
	*t = (struct bw_totals){
		.bound = *s,
		.left = {
			.fuel = s->fuel,
			.cpu_us = s->cpu_us,
			.output_bytes = s->output_bytes,
			.storage_bytes = s->storage_bytes,
		},
	};
}

static uint64_t at_most(uint64_t want, uint64_t left)
{
	return want < left ? want : left;
}

/* What none of them can begin without: at least one of it each. */
static int has_enough(const char *what, uint64_t left, size_t members,
		      struct bv_err *err)
{
	if (left >= members)
		return BV_OK;
	if (left == 0)
		return bv_fail(err, BV_E_LIMIT,
			       "the session has used up its %s", what);
	return bv_fail(err, BV_E_LIMIT,
		       "what the session has left of its %s is not enough for "
		       "%zu commands",
		       what, members);
}

/* Taken off what is left, of which there is no end where there is no bound. */
static uint64_t part(uint64_t bound, uint64_t *left, uint64_t want,
		     size_t members)
{
	uint64_t taken;

	if (bound == UINT64_MAX)
		return want;
	taken = at_most(want, *left / members);
	*left -= taken;
	return taken;
}

int bw_totals_take(struct bw_totals *t, const struct bw_grant *grant,
		   size_t members, struct bw_amounts *ret, struct bv_err *err)
{
	const struct bw_session_grant *bound = &t->bound;
	struct bw_amounts *left = &t->left;
	int code = has_enough("commands", t->bound.commands - t->commands,
			      members, err);

	if (code == BV_OK)
		code = has_enough("fuel", left->fuel, members, err);
	if (code == BV_OK)
		code = has_enough("processor time", left->cpu_us, members, err);
	if (code != BV_OK)
		return code;
	*ret = (struct bw_amounts){
		.fuel = part(bound->fuel, &left->fuel, grant->fuel, members),
		.cpu_us = part(bound->cpu_us, &left->cpu_us, grant->cpu_us,
			       members),
		.output_bytes = part(bound->output_bytes, &left->output_bytes,
				     grant->output_bytes, members),
		.storage_bytes =
			part(bound->storage_bytes, &left->storage_bytes,
			     grant->storage_bytes, members),
	};
	t->commands++;
	return BV_OK;
}

/* Unbounded stays unbounded: nothing was taken off the end of the numbers. */
static void give(uint64_t bound, uint64_t *left, uint64_t *total,
		 uint64_t taken, uint64_t used)
{
	*total += used;
	if (bound == UINT64_MAX)
		*left = UINT64_MAX;
	else if (used < taken)
		*left += taken - used;
	else /* a step more than was given: the next has less */
		*left -= at_most(used - taken, *left);
}

void bw_totals_give(struct bw_totals *t, const struct bw_amounts *taken,
		    const struct bw_amounts *used)
{
	give(t->bound.fuel, &t->left.fuel, &t->used.fuel, taken->fuel,
	     used->fuel);
	give(t->bound.cpu_us, &t->left.cpu_us, &t->used.cpu_us, taken->cpu_us,
	     used->cpu_us);
	give(t->bound.output_bytes, &t->left.output_bytes,
	     &t->used.output_bytes, taken->output_bytes, used->output_bytes);
	give(t->bound.storage_bytes, &t->left.storage_bytes,
	     &t->used.storage_bytes, taken->storage_bytes, used->storage_bytes);
}

void bw_totals_undo(struct bw_totals *t, const struct bw_amounts *taken)
{
	const struct bw_amounts nothing = { 0 };

	bw_totals_give(t, taken, &nothing);
	t->commands--;
}
