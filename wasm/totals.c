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

int bw_totals_take(struct bw_totals *t, const struct bw_grant *grant,
		   struct bw_amounts *ret, struct bv_err *err)
{
	const char *spent = NULL;

	if (t->commands >= t->bound.commands)
		spent = "commands";
	else if (t->left.fuel == 0)
		spent = "fuel";
	else if (t->left.cpu_us == 0)
		spent = "processor time";
	if (spent != NULL)
		return bv_fail(err, BV_E_LIMIT,
			       "the session has used up its %s", spent);
	*ret = (struct bw_amounts){
		.fuel = at_most(grant->fuel, t->left.fuel),
		.cpu_us = at_most(grant->cpu_us, t->left.cpu_us),
		.output_bytes =
			at_most(grant->output_bytes, t->left.output_bytes),
		.storage_bytes =
			at_most(grant->storage_bytes, t->left.storage_bytes),
	};
	t->left.fuel -= ret->fuel;
	t->left.cpu_us -= ret->cpu_us;
	t->left.output_bytes -= ret->output_bytes;
	t->left.storage_bytes -= ret->storage_bytes;
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
