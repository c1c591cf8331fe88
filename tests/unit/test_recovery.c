/* SPDX-License-Identifier: MIT */
/*
 * Recovery: the table of crashes by name, and every small state there is
 * against an oracle that was written from the rules, not from the code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/recovery.h"

struct row {
	const char *name;
	bool started, reported, torn, leader;
	unsigned int orphans;
	struct bv_artifact_view a; /* used when its id is set */
	const char *action;
	const char *verdict;
	bool sweep;
};

#define ART(d, app, fail, prom)                                                \
	{                                                                      \
		.id = "a", .decided = BV_DISPOSITION_##d, .applied = app,      \
		.failed = fail, .promoted = prom                               \
	}

static const struct row rows[] = {
	{ "never started", .action = "absent", .verdict = "none" },
	{ "never started, yet something is left", .orphans = 1,
	  .action = "absent", .verdict = "none", .sweep = true },
	{ "plan sealed, nothing done", .started = true, .action = "roll-back",
	  .verdict = "rolled-back" },
	{ "effect in flight", .started = true, .orphans = 3,
	  .action = "roll-back", .verdict = "rolled-back", .sweep = true },
	{ "guardian dead, session alive", .started = true, .leader = true,
	  .orphans = 3, .action = "adopt", .verdict = "none" },
	{ "an artifact went out before the report", .started = true,
	  .a = ART(PROMOTE, true, false, true), .action = "refuse",
	  .verdict = "canonical-refusal" },
	{ "the same with the session alive", .started = true, .leader = true,
	  .orphans = 1, .a = ART(PROMOTE, true, false, true),
	  .action = "refuse", .verdict = "canonical-refusal", .sweep = true },
	{ "decided before the report, no bytes moved", .started = true,
	  .a = ART(PROMOTE, false, false, false), .action = "roll-back",
	  .verdict = "rolled-back" },
	{ "report written, not whole", .started = true, .torn = true,
	  .action = "refuse", .verdict = "canonical-refusal" },
	{ "a torn report counts for no report", .started = true,
	  .reported = true, .torn = true, .action = "refuse",
	  .verdict = "canonical-refusal" },
	{ "reported", .started = true, .reported = true, .action = "settled",
	  .verdict = "completed" },
	{ "reported, something is left", .started = true, .reported = true,
	  .orphans = 1, .action = "settled", .verdict = "completed",
	  .sweep = true },
	{ "reported, the leader goes on outside", .started = true,
	  .reported = true, .leader = true, .action = "settled",
	  .verdict = "completed" },
	{ "nothing decided", .started = true, .reported = true,
	  .a = ART(NONE, false, false, false), .action = "settled",
	  .verdict = "completed" },
	{ "nothing decided, and out", .started = true, .reported = true,
	  .a = ART(NONE, false, false, true), .action = "refuse",
	  .verdict = "canonical-refusal" },
	{ "a failure without a decision settles nothing", .started = true,
	  .reported = true, .a = ART(NONE, false, true, true),
	  .action = "refuse", .verdict = "canonical-refusal" },
	{ "promote decided", .started = true, .reported = true,
	  .a = ART(PROMOTE, false, false, false),
	  .action = "finish-disposition", .verdict = "completed" },
	{ "promote, bytes out, not recorded", .started = true, .reported = true,
	  .a = ART(PROMOTE, false, false, true), .action = "finish-disposition",
	  .verdict = "completed" },
	{ "promote recorded, bytes gone", .started = true, .reported = true,
	  .a = ART(PROMOTE, true, false, false), .action = "finish-disposition",
	  .verdict = "completed" },
	{ "promote done", .started = true, .reported = true,
	  .a = ART(PROMOTE, true, false, true), .action = "settled",
	  .verdict = "completed" },
	{ "promote failed", .started = true, .reported = true,
	  .a = ART(PROMOTE, false, true, false), .action = "settled",
	  .verdict = "completed" },
	{ "discard decided", .started = true, .reported = true,
	  .a = ART(DISCARD, false, false, false),
	  .action = "finish-disposition", .verdict = "completed" },
	{ "discard done", .started = true, .reported = true,
	  .a = ART(DISCARD, true, false, false), .action = "settled",
	  .verdict = "completed" },
	{ "discard, and out", .started = true, .reported = true,
	  .a = ART(DISCARD, true, false, true), .action = "refuse",
	  .verdict = "canonical-refusal" },
	{ "retain", .started = true, .reported = true,
	  .a = ART(RETAIN, false, false, false), .action = "settled",
	  .verdict = "completed" },
	{ "retain, and out", .started = true, .reported = true,
	  .a = ART(RETAIN, true, false, true), .action = "refuse",
	  .verdict = "canonical-refusal" },
	{ "refuse", .started = true, .reported = true,
	  .a = ART(REFUSE, false, false, false), .action = "settled",
	  .verdict = "completed" },
	{ "refuse, and out", .started = true, .reported = true,
	  .a = ART(REFUSE, false, false, true), .action = "refuse",
	  .verdict = "canonical-refusal" },
};

static void test_crashes__by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct bv_run_view view = { .started = row->started,
					    .reported = row->reported };
		const struct bv_recovery_probe probe = {
			.torn_report = row->torn,
			.leader_lives = row->leader,
			.orphans = row->orphans,
		};
		struct bv_recovery r;

		if (row->a.id[0] != '\0')
			view.artifact[view.artifact_n++] = row->a;
		bv_reconcile(&view, &probe, &r);
		if (strcmp(bv_recovery_action_name(r.action), row->action) !=
			    0 ||
		    strcmp(bv_recovery_verdict_name(r.verdict), row->verdict) !=
			    0 ||
		    r.sweep != row->sweep || r.why[0] == '\0')
			fail_msg("%s: %s, %s, sweep %d: %s", row->name,
				 bv_recovery_action_name(r.action),
				 bv_recovery_verdict_name(r.verdict), r.sweep,
				 r.why);
	}
}

static void test_leaf_alone__is_swept(void **state)
{
	const struct bv_run_view view = { .started = true };
	const struct bv_recovery_probe probe = { .leaf = true };
	struct bv_recovery r;

	(void)state;
	bv_reconcile(&view, &probe, &r);
	assert_true(r.sweep);
}

static void test_several__finish_is_a_set_and_the_culprit_is_named(void **state)
{
	struct bv_run_view view = {
		.started = true,
		.reported = true,
		.artifact = { ART(PROMOTE, false, false, false),
			      ART(RETAIN, false, false, false),
			      ART(DISCARD, false, false, false) },
		.artifact_n = 3,
	};
	const struct bv_recovery_probe probe = { 0 };
	struct bv_recovery r;

	(void)state;
	bv_reconcile(&view, &probe, &r);
	assert_int_equal(r.finish, 1u << 0 | 1u << 2);
	assert_true(r.culprit == SIZE_MAX);
	view.artifact[1].promoted = true;
	bv_reconcile(&view, &probe, &r);
	assert_int_equal(r.action, BV_RECOVER_REFUSE);
	assert_int_equal(r.finish, 0);
	assert_int_equal(r.culprit, 1);
	view.artifact[1].promoted = false;
	view.artifact[1].decided = BV_DISPOSITION_N;
	bv_reconcile(&view, &probe, &r);
	assert_int_equal(r.culprit, 1);
}

/* --- all small states ------------------------------------------------------- */

/* One artifact in 80 states: decision, applied, failed, bytes in either place. */
#define ARTIFACT_STATES 80u

static struct bv_artifact_view artifact_at(unsigned int n)
{
	struct bv_artifact_view a = { .id = "x" };

	a.applied = n & 1u;
	a.failed = n >> 1 & 1u;
	a.quarantined = n >> 2 & 1u;
	a.promoted = n >> 3 & 1u;
	a.decided = (enum bv_disposition)(n >> 4);
	return a;
}

/* The rules as sentences. Bytes out there are right only where promotion was
 * decided; a recorded failure ends any decision. */
static bool is_open(const struct bv_artifact_view *a)
{
	bool promote = a->decided == BV_DISPOSITION_PROMOTE;
	bool discard = a->decided == BV_DISPOSITION_DISCARD;
	bool done = a->applied && (!promote || a->promoted);

	return (promote || discard) && !a->failed && !done;
}

static bool is_wrong(const struct bv_artifact_view *a)
{
	bool failed = a->failed && a->decided != BV_DISPOSITION_NONE;

	return a->promoted && a->decided != BV_DISPOSITION_PROMOTE && !failed;
}

struct tally {
	size_t states;
	size_t of[BV_RECOVER_ACTION_N];
};

static void check_laws(const struct bv_run_view *v,
		       const struct bv_recovery_probe *p,
		       const struct bv_recovery *r)
{
	bool left = p->orphans > 0 || p->leaf;

	/* LiveOrphanAfterRollback */
	if (r->action == BV_RECOVER_ROLL_BACK && left)
		assert_true(r->sweep);
	/* UndeadBoundary: what was reported is not taken up again */
	if (r->action == BV_RECOVER_ADOPT)
		assert_true(v->started && !v->reported && p->leader_lives &&
			    !r->sweep);
	/* NonCanonicalReopen: nothing torn is completed or rolled back */
	if (p->torn_report && v->started)
		assert_int_equal(r->verdict, BV_RECOVERY_CANONICAL_REFUSAL);
	/* LostCommittedArtifact: bytes that went out are never rolled back */
	for (size_t i = 0; i < v->artifact_n; i++) {
		if (v->artifact[i].promoted)
			assert_int_not_equal(r->action, BV_RECOVER_ROLL_BACK);
		if (r->finish >> i & 1u && v->artifact[i].promoted)
			assert_int_equal(v->artifact[i].decided,
					 BV_DISPOSITION_PROMOTE);
	}
	assert_true((r->verdict == BV_RECOVERY_NONE) ==
		    (r->action == BV_RECOVER_ABSENT ||
		     r->action == BV_RECOVER_ADOPT));
	assert_true((r->finish != 0) ==
		    (r->action == BV_RECOVER_FINISH_DISPOSITION));
}

static void check(const struct bv_run_view *v,
		  const struct bv_recovery_probe *p, struct tally *t)
{
	enum bv_recovery_action want = BV_RECOVER_SETTLED;
	unsigned int out = 0, wrong = 0, open = 0;
	struct bv_recovery r;

	for (size_t i = 0; i < v->artifact_n; i++) {
		out += v->artifact[i].promoted;
		wrong += is_wrong(&v->artifact[i]);
		open += is_open(&v->artifact[i]);
	}
	if (v->reported && open > 0)
		want = BV_RECOVER_FINISH_DISPOSITION;
	if (!v->reported)
		want = p->leader_lives ? BV_RECOVER_ADOPT
				       : BV_RECOVER_ROLL_BACK;
	if (v->reported ? wrong > 0 : out > 0)
		want = BV_RECOVER_REFUSE;
	if (p->torn_report)
		want = BV_RECOVER_REFUSE;
	if (!v->started)
		want = BV_RECOVER_ABSENT;
	bv_reconcile(v, p, &r);
	if (r.action != want)
		fail_msg("%s, wanted %s", bv_recovery_action_name(r.action),
			 bv_recovery_action_name(want));
	check_laws(v, p, &r);
	t->states++;
	t->of[r.action]++;
}

static void test_all_small_states(void **state)
{
	struct tally t = { 0 };

	(void)state;
	for (unsigned int run = 0; run < 64; run++) {
		const struct bv_recovery_probe p = {
			.torn_report = run >> 2 & 1u,
			.leader_lives = run >> 3 & 1u,
			.orphans = run >> 4 & 1u,
			.leaf = run >> 5 & 1u,
		};
		struct bv_run_view v = { .started = run & 1u,
					 .reported = run >> 1 & 1u };

		check(&v, &p, &t);
		for (unsigned int a = 0; a < ARTIFACT_STATES; a++) {
			v.artifact[0] = artifact_at(a);
			v.artifact_n = 1;
			check(&v, &p, &t);
			v.artifact_n = 2;
			for (unsigned int b = 0; b < ARTIFACT_STATES; b++) {
				v.artifact[1] = artifact_at(b);
				check(&v, &p, &t);
			}
		}
	}
	assert_int_equal(t.states, 64u * (1u + 80u + 6400u));
	for (unsigned int a = 0; a < BV_RECOVER_ACTION_N; a++)
		assert_true(t.of[a] > 0);
	printf("# %zu states\n", t.states);
}

/* --- effects in flight ------------------------------------------------------ */

static struct bv_artifact_view
artifact(enum bv_disposition decided, bool applied, bool failed, bool promoted)
{
	return (struct bv_artifact_view){ .id = "outbox",
					  .decided = decided,
					  .applied = applied,
					  .failed = failed,
					  .promoted = promoted };
}

/* Each crash window of an outbox, by the events that were written before it and
 * by where its bytes are. */
static void test_in_flight__ended_once_never_promoted(void **state)
{
	static const struct {
		const char *name;
		enum bv_disposition decided;
		bool applied, failed, promoted;
		enum bv_record_state record;
		enum bv_recovery_action action;
		bool says_applied, says_failed;
	} windows[] = {
		{ "decided", BV_DISPOSITION_PROMOTE, false, false, false,
		  BV_RECORD_OPEN, BV_RECOVER_ROLL_BACK, false, true },
		{ "renamed", BV_DISPOSITION_PROMOTE, false, false, true,
		  BV_RECORD_OPEN, BV_RECOVER_REFUSE, false, false },
		{ "applied", BV_DISPOSITION_PROMOTE, true, false, true,
		  BV_RECORD_OPEN, BV_RECOVER_REFUSE, false, false },
		{ "failed", BV_DISPOSITION_PROMOTE, false, true, false,
		  BV_RECORD_OPEN, BV_RECOVER_ROLL_BACK, false, false },
		{ "sealed, applied", BV_DISPOSITION_PROMOTE, true, false, true,
		  BV_RECORD_CLOSED, BV_RECOVER_SETTLED, false, false },
		{ "sealed, not said", BV_DISPOSITION_PROMOTE, false, false,
		  true, BV_RECORD_CLOSED, BV_RECOVER_FINISH_DISPOSITION, true,
		  false },
		{ "sealed, failed, not said", BV_DISPOSITION_PROMOTE, false,
		  false, false, BV_RECORD_CLOSED, BV_RECOVER_FINISH_DISPOSITION,
		  false, true },
		{ "sealed, fetched", BV_DISPOSITION_PROMOTE, true, false, false,
		  BV_RECORD_CLOSED, BV_RECOVER_FINISH_DISPOSITION, false,
		  false },
		{ "discarding", BV_DISPOSITION_DISCARD, false, false, false,
		  BV_RECORD_OPEN, BV_RECOVER_ROLL_BACK, true, false },
		{ "refused", BV_DISPOSITION_REFUSE, false, false, false,
		  BV_RECORD_OPEN, BV_RECOVER_ROLL_BACK, false, false },
	};
	const struct bv_recovery_probe gone = { .leaf = false };

	(void)state;
	for (size_t i = 0; i < BV_LEN(windows); i++) {
		struct bv_run_view v = { .started = true, .artifact_n = 1 };
		struct bv_recovery_order o;

		v.artifact[0] =
			artifact(windows[i].decided, windows[i].applied,
				 windows[i].failed, windows[i].promoted);
		bv_recovery_order(&v, &gone, windows[i].record, &o);
		if (o.what.action != windows[i].action ||
		    (o.applied != 0) != windows[i].says_applied ||
		    (o.failed != 0) != windows[i].says_failed)
			fail_msg("%s: %s, applied %x, failed %x",
				 windows[i].name,
				 bv_recovery_action_name(o.what.action),
				 o.applied, o.failed);
		/* That it was looked at is said each time, and once. */
		assert_int_equal(o.word, BV_WORD_ALWAYS);
		assert_int_equal(o.fold, windows[i].record == BV_RECORD_CLOSED);
		v.artifact[0].applied |= o.applied != 0;
		v.artifact[0].failed |= o.failed != 0;
		v.reported |= o.fold || o.complete;
		v.recovery_recorded = true;
		bv_recovery_order(&v, &gone, windows[i].record, &o);
		assert_int_equal(o.applied | o.failed, 0);
		assert_int_not_equal(o.word, BV_WORD_ALWAYS);
	}
}

static void test_in_flight__of_several_their_bits(void **state)
{
	const struct bv_recovery_probe gone = { .leaf = false };
	struct bv_run_view v = { .started = true, .artifact_n = 4 };
	struct bv_recovery_order o;

	(void)state;
	v.artifact[0] = artifact(BV_DISPOSITION_RETAIN, false, false, false);
	v.artifact[1] = artifact(BV_DISPOSITION_PROMOTE, false, false, false);
	v.artifact[2] = artifact(BV_DISPOSITION_DISCARD, false, false, false);
	v.artifact[3] = artifact(BV_DISPOSITION_PROMOTE, false, true, false);
	bv_recovery_order(&v, &gone, BV_RECORD_NONE, &o);
	assert_int_equal(o.failed, 1u << 1);
	assert_int_equal(o.applied, 1u << 2);
	/* Who lives is left alone, and so is what is in flight. */
	bv_recovery_order(&v,
			  &(struct bv_recovery_probe){ .leader_lives = true },
			  BV_RECORD_OPEN, &o);
	assert_int_equal(o.what.action, BV_RECOVER_ADOPT);
	assert_int_equal(o.failed | o.applied, 0);
}

static void test_names__out_of_range(void **state)
{
	(void)state;
	assert_string_equal(bv_disposition_name(BV_DISPOSITION_N), "?");
	assert_string_equal(bv_disposition_name(BV_DISPOSITION_RETAIN),
			    "retain");
	assert_string_equal(bv_recovery_verdict_name(BV_RECOVERY_VERDICT_N),
			    "?");
	assert_string_equal(bv_recovery_action_name(BV_RECOVER_ACTION_N), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crashes__by_name),
		cmocka_unit_test(test_leaf_alone__is_swept),
		cmocka_unit_test(
			test_several__finish_is_a_set_and_the_culprit_is_named),
		cmocka_unit_test(test_all_small_states),
		cmocka_unit_test(test_in_flight__ended_once_never_promoted),
		cmocka_unit_test(test_in_flight__of_several_their_bits),
		cmocka_unit_test(test_names__out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
