/* SPDX-License-Identifier: MIT */
/*
 * Journal × crash, explored whole: a guardian's durable steps from the report's
 * file to the row of its end, killed after each, with its leader, without it, or
 * by a power cut that takes what was not synced; then recoveries, each of them
 * killed after each of its own steps. Every state there is gets visited, the pure
 * functions judge, and what has to hold is asked of every state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event.h"

#define PLAN     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROWS_MAX 6u

enum file {
	FILE_NONE,
	FILE_EMPTY, /* made, and nothing in it survived */
	FILE_OPEN,
	FILE_CLOSED, /* by the guardian */
	FILE_ENDED,  /* by a recovery */
	FILE_TORN,
};

enum row {
	ROW_NONE,
	ROW_STARTED,
	ROW_REPORT,       /* the guardian's */
	ROW_REPORT_ENDED, /* a recovery's, of the report it completed */
	ROW_ADOPTED,
	ROW_ROLLED_BACK,
	ROW_COMPLETED,
	ROW_REFUSAL,
};

/* Where the guardian stands; recoveries only run when it is dead. */
enum at {
	AT_BEGIN,
	AT_FILE,    /* the report's file is there, with its blocks */
	AT_STARTED, /* the row is durable */
	AT_LEAF,
	AT_PLACED,  /* the leader is confined */
	AT_CLOSING, /* leaf swept, leader back */
	AT_WRITTEN, /* the end is in the file, not synced */
	AT_SEALED,
	AT_REPORTED,
	AT_DEAD,
};

struct world {
	uint8_t at;
	uint8_t file;
	uint8_t synced; /* the file's content outlives a power cut */
	uint8_t leaf;
	uint8_t leader;   /* lives */
	uint8_t confined; /* the leader is in the leaf */
	uint8_t half;     /* of a recovery that was killed: swept already */
	uint8_t rows_n;
	uint8_t row[ROWS_MAX];
};
_Static_assert(sizeof(struct world) == 14, "no padding: compared as bytes");

static struct world *all;
static size_t all_n, all_cap;

static void visit(const struct world *w)
{
	for (size_t i = 0; i < all_n; i++)
		if (memcmp(&all[i], w, sizeof(*w)) == 0)
			return;
	if (all_n == all_cap) {
		all_cap = all_cap == 0 ? 1024 : 2 * all_cap;
		all = realloc(all, all_cap * sizeof(*all));
		assert_non_null(all);
	}
	all[all_n++] = *w;
}

static void add_row(struct world *w, enum row row)
{
	assert_true(w->rows_n < ROWS_MAX);
	w->row[w->rows_n++] = (uint8_t)row;
}

static bool has_row(const struct world *w, enum row row)
{
	return memchr(w->row, (int)row, w->rows_n) != NULL;
}

/* --- the guardian ------------------------------------------------------------------ */

static void guardian_steps(const struct world *from)
{
	struct world w = *from;

	switch ((enum at)w.at) {
	case AT_BEGIN:
		w.file = FILE_OPEN;
		break;
	case AT_FILE:
		add_row(&w, ROW_STARTED);
		break;
	case AT_STARTED:
		w.leaf = 1;
		break;
	case AT_LEAF:
		w.confined = w.leader;
		break;
	case AT_PLACED:
		w.leaf = 0;
		w.confined = 0;
		break;
	case AT_CLOSING:
		w.file = FILE_CLOSED;
		break;
	case AT_WRITTEN:
		w.synced = 1;
		break;
	case AT_SEALED:
		/* Or the journal takes nothing, and the guardian goes. */
		add_row(&w, ROW_REPORT);
		break;
	case AT_REPORTED:
	case AT_DEAD:
		return;
	}
	w.at++;
	visit(&w);
}

static void deaths(const struct world *from)
{
	struct world w = *from;

	if (w.leader) { /* the leader alone, at any time */
		w.leader = w.confined = 0;
		visit(&w);
		w = *from;
	}
	if (w.at != AT_DEAD) { /* the guardian alone */
		w.at = AT_DEAD;
		visit(&w);
		w = *from;
	}
	/* Power cut: nothing lives, cgroups are gone, and what was written but
	 * not synced is there, or not, or in part. */
	w.at = AT_DEAD;
	w.leader = w.confined = w.leaf = w.half = 0;
	if (w.file == FILE_NONE || w.synced || w.file == FILE_TORN ||
	    w.file == FILE_EMPTY) {
		visit(&w);
		return;
	}
	static const uint8_t outcomes[] = { FILE_NONE, FILE_EMPTY, FILE_TORN };

	visit(&w);
	for (size_t i = 0; i < sizeof(outcomes); i++) {
		w.file = outcomes[i];
		visit(&w);
	}
	if (from->file == FILE_CLOSED || from->file == FILE_ENDED) {
		w.file = FILE_OPEN; /* as it was before */
		visit(&w);
	}
}

/* --- a recovery -------------------------------------------------------------------- */

static void fold(const struct world *w, struct bv_run_view *view)
{
	memset(view, 0, sizeof(*view));
	for (size_t i = 0; i < w->rows_n; i++) {
		struct bv_event e = { .session = "s", .boot_id = "b" };
		struct bv_err err = { 0 };

		switch ((enum row)w->row[i]) {
		case ROW_STARTED:
			e.kind = BV_EVENT_STARTED;
			e.started.plan_id = PLAN;
			break;
		case ROW_REPORT:
		case ROW_REPORT_ENDED:
			e.kind = BV_EVENT_REPORT;
			e.report.plan_id = PLAN;
			break;
		case ROW_ADOPTED:
			e.kind = BV_EVENT_RECOVERY;
			e.recovery.verdict = BV_RECOVERY_NONE;
			break;
		case ROW_ROLLED_BACK:
			e.kind = BV_EVENT_RECOVERY;
			e.recovery.verdict = BV_RECOVERY_ROLLED_BACK;
			break;
		case ROW_COMPLETED:
			e.kind = BV_EVENT_RECOVERY;
			e.recovery.verdict = BV_RECOVERY_COMPLETED;
			break;
		case ROW_REFUSAL:
			e.kind = BV_EVENT_RECOVERY;
			e.recovery.verdict = BV_RECOVERY_CANONICAL_REFUSAL;
			break;
		case ROW_NONE:
			fail();
		}
		/* What is in the journal is a history that can have been. */
		if (bv_run_fold(view, &e, &err) != BV_OK)
			fail_msg("%s", err.msg);
	}
}

static void order_of(const struct world *w, struct bv_recovery_order *ret,
		     struct bv_run_view *view)
{
	const struct bv_recovery_probe probe = {
		.torn_report = w->file == FILE_TORN,
		.leader_lives = w->leader,
		.leaf = w->leaf,
		.orphans = w->leaf ? 1u : 0u,
	};
	const enum bv_record_state record =
		w->file == FILE_OPEN ? BV_RECORD_OPEN
		: w->file == FILE_CLOSED || w->file == FILE_ENDED
			? BV_RECORD_CLOSED
			: BV_RECORD_NONE;

	fold(w, view);
	bv_recovery_order(view, &probe, record, ret);
}

static void write_rows(struct world *w, const struct bv_recovery_order *o)
{
	if (o->fold)
		add_row(w,
			w->file == FILE_ENDED ? ROW_REPORT_ENDED : ROW_REPORT);
	if (o->complete)
		add_row(w, ROW_REPORT_ENDED);
	if (o->word == BV_WORD_NONE ||
	    (o->word == BV_WORD_IF_SWEPT && !w->half))
		return;
	switch (o->what.verdict) {
	case BV_RECOVERY_NONE:
		add_row(w, ROW_ADOPTED);
		break;
	case BV_RECOVERY_ROLLED_BACK:
		add_row(w, ROW_ROLLED_BACK);
		break;
	case BV_RECOVERY_COMPLETED:
		add_row(w, ROW_COMPLETED);
		break;
	case BV_RECOVERY_CANONICAL_REFUSAL:
		add_row(w, ROW_REFUSAL);
		break;
	case BV_RECOVERY_VERDICT_N:
		fail();
	}
}

/* Its steps one by one; each state in between may be its last. */
static struct world recover(const struct world *from, bool keep)
{
	struct bv_recovery_order o;
	struct bv_run_view view;
	struct world w = *from;

	order_of(&w, &o, &view);
	w.half = 0;
	if (o.leave)
		return w;
	if (o.what.action != BV_RECOVER_ADOPT && o.what.sweep) {
		w.leaf = 0;
		w.half = 1;
		if (w.confined)
			w.leader = w.confined = 0;
		if (keep) {
			struct world dead = w;

			dead.half = 0; /* the next one knows nothing of it */
			visit(&dead);
		}
	}
	if (o.complete) {
		w.file = FILE_ENDED;
		w.synced = 1;
		if (keep) {
			struct world dead = w;

			dead.half = 0;
			visit(&dead);
			dead.synced = 0; /* killed before the sync */
			visit(&dead);
		}
	}
	write_rows(&w, &o);
	w.half = 0;
	return w;
}

/* --- what has to hold ----------------------------------------------------------------- */

static unsigned int count(const struct world *w, enum row a, enum row b)
{
	unsigned int n = 0;

	for (size_t i = 0; i < w->rows_n; i++)
		n += w->row[i] == (uint8_t)a || w->row[i] == (uint8_t)b;
	return n;
}

static void check_always(const struct world *w)
{
	struct bv_run_view view;

	fold(w, &view);
	if (w->leaf || w->confined)
		assert_true(has_row(w, ROW_STARTED));
	assert_true(count(w, ROW_REPORT, ROW_REPORT_ENDED) <= 1);
	assert_true(count(w, ROW_ADOPTED, ROW_ADOPTED) <= 1);
	assert_true(count(w, ROW_ROLLED_BACK, ROW_REFUSAL) <= 1);
	/* A guardian's last word that is safe is never replaced by ours. */
	if (has_row(w, ROW_REPORT_ENDED))
		assert_false(has_row(w, ROW_REPORT));
}

static void check_recovered(const struct world *before, const struct world *w)
{
	const struct world again = recover(w, false);
	const bool started = has_row(before, ROW_STARTED);
	struct bv_run_view view;

	check_always(w);
	fold(w, &view);
	/* Once is enough. */
	assert_memory_equal(&again, w, sizeof(again));
	if (before->leader && before->confined && before->file != FILE_TORN &&
	    !view.reported) {
		/* A living session is kept as it is, and that is said. */
		assert_true(w->leader && w->confined && w->leaf);
		assert_true(has_row(w, ROW_ADOPTED));
		return;
	}
	if (!w->leader)
		assert_false(w->leaf);
	if (started && !w->leader)
		assert_true(view.reported || view.recovery_recorded);
	/* Sealed before the crash: completed, in its own words. */
	if (started && before->file == FILE_CLOSED && before->synced &&
	    !has_row(before, ROW_REPORT_ENDED)) {
		assert_true(has_row(w, ROW_REPORT));
		assert_false(has_row(w, ROW_ROLLED_BACK) &&
			     !has_row(before, ROW_ROLLED_BACK));
	}
	if (started && before->file == FILE_TORN && !view.reported)
		assert_true(has_row(w, ROW_REFUSAL) ||
			    has_row(w, ROW_ROLLED_BACK));
	if (!started)
		assert_int_equal(w->rows_n, 0);
}

static void test_every_crash__every_recovery(void **state)
{
	const struct world begin = { .at = AT_BEGIN, .leader = 1 };
	size_t recovered = 0;

	(void)state;
	visit(&begin);
	for (size_t i = 0; i < all_n; i++) {
		const struct world w = all[i]; /* the array moves */

		check_always(&w);
		guardian_steps(&w);
		deaths(&w);
		if (w.at == AT_DEAD) {
			const struct world after = recover(&w, true);

			check_recovered(&w, &after);
			visit(&after);
			recovered++;
		}
	}
	print_message("# %zu states, %zu recoveries\n", all_n, recovered);
	assert_true(all_n > 70);
	assert_true(recovered > 50);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_crash__every_recovery),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
