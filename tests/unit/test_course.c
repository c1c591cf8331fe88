/* SPDX-License-Identifier: MIT */
/*
 * The executor with steps that only write down that they were called: order
 * forwards, order backwards, a fault at every place, and what it will not start
 * at all.
 */
#include "helper/boundary.h"
#include "helper/course.h"
#include "tests/unit/boundary_fixture.h"

#define NOWHERE SIZE_MAX
#define UNDO    1000u /* added to a position */
#define OTHER   2000u

struct diary {
	struct fixture f;
	struct bv_plan plan;
	size_t said[4 * BV_PRIMITIVE_MAX];
	size_t n;
	size_t fail_run; /* positions, or NOWHERE */
	size_t fail_undo;
	size_t fail_seen;
	struct bvh_boundary boundary;
	struct bvh_step steps[BV_PRIM_N];
	struct bvh_course c;
};

static void say(struct diary *d, size_t what)
{
	assert_true(d->n < BV_LEN(d->said));
	d->said[d->n++] = what;
}

static int run_it(struct bvh_course *c, struct bv_err *err)
{
	struct diary *d = c->owner;

	if (c->at == d->fail_run)
		return bv_fail(err, BV_E_SYS, "planted");
	say(d, c->at);
	return BV_OK;
}

static int undo_it(struct bvh_course *c, struct bv_err *err)
{
	struct diary *d = c->owner;

	say(d, UNDO + c->at);
	if (c->at == d->fail_undo)
		return bv_fail(err, BV_E_TIMEOUT, "stuck");
	return BV_OK;
}

static int seen_it(struct bvh_course *c, const struct bv_schedule_entry *e,
		   struct bv_err *err)
{
	const struct diary *d = c->owner;

	assert_ptr_equal(e, &c->plan->schedule.entry[c->at]);
	if (c->at == d->fail_seen)
		return bv_fail(err, BV_E_LIMIT, "no room to say it");
	return BV_OK;
}

static int other_it(struct bvh_course *c, const struct bv_schedule_entry *e,
		    struct bv_err *err)
{
	struct diary *d = c->owner;

	assert_int_not_equal(e->actor, c->self);
	if (c->at == d->fail_run)
		return bv_fail(err, BV_E_PROTO, "planted");
	say(d, OTHER + c->at);
	return BV_OK;
}

static struct diary *diary_new(enum bv_actor self)
{
	struct diary *d = calloc(1, sizeof(*d));
	struct bv_refusal refusal;

	assert_non_null(d);
	fixture_init(&d->f);
	if (fixture_plan(&d->f, &d->plan, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("%s", refusal.text);
	d->fail_run = NOWHERE;
	d->fail_undo = NOWHERE;
	d->fail_seen = NOWHERE;
	bvh_boundary_init(&d->boundary);
	for (size_t i = 0; i < BV_PRIM_N; i++)
		d->steps[i] = (struct bvh_step){ run_it, undo_it, false };
	d->c = (struct bvh_course){
		.plan = &d->plan,
		.boundary = &d->boundary,
		.self = self,
		.steps = d->steps,
		.owner = d,
		.other = other_it,
		.seen = seen_it,
	};
	return d;
}

static void diary_done(struct diary *d)
{
	fixture_done(&d->f);
	free(d);
}

static bool is_ours(const struct diary *d, size_t at)
{
	return d->plan.schedule.entry[at].actor == d->c.self;
}

/* What must stand in the diary when entry `stop` fails (n: nothing does) and
 * all is undone; done: the failing entry's own run had worked. */
static void assert_there_and_back(const struct diary *d, size_t stop, bool done)
{
	size_t n = 0;

	for (size_t at = 0; at < stop + (done ? 1 : 0); at++)
		assert_int_equal(d->said[n++],
				 is_ours(d, at) ? at : OTHER + at);
	for (size_t at = stop + (done ? 1 : 0); at-- > 0;)
		if (is_ours(d, at))
			assert_int_equal(d->said[n++], UNDO + at);
	assert_int_equal(d->n, n);
}

static void test_whole_course__there_and_back(void **state)
{
	static const enum bv_actor actors[] = { BV_ACTOR_GUARDIAN,
						BV_ACTOR_LEADER };

	(void)state;
	for (size_t i = 0; i < BV_LEN(actors); i++) {
		struct diary *d = diary_new(actors[i]);
		const size_t n = d->plan.schedule.n;

		assert_int_equal(bvh_course_start(&d->c, NULL), BV_OK);
		assert_int_equal(d->n, 0);
		assert_int_equal(bvh_course_run(&d->c, NULL), BV_OK);
		assert_int_equal(d->n, n);
		assert_int_equal(d->c.ran, BV_PRIM_BIT(n) - 1);
		assert_int_equal(bvh_course_back(&d->c, NULL), BV_OK);
		assert_there_and_back(d, n, false);
		assert_int_equal(d->c.done, 0);
		assert_int_equal(d->c.ran, BV_PRIM_BIT(n) - 1);
		/* and nothing twice */
		assert_int_equal(bvh_course_back(&d->c, NULL), BV_OK);
		assert_there_and_back(d, n, false);
		diary_done(d);
	}
}

static void test_fault__at_every_place_all_is_undone_backwards(void **state)
{
	(void)state;
	for (size_t stop = 0; stop < 26; stop++) {
		struct diary *d = diary_new(BV_ACTOR_GUARDIAN);
		struct bv_err err = { 0 };

		assert_int_equal(d->plan.schedule.n, 26);
		d->fail_run = stop;
		assert_int_equal(bvh_course_start(&d->c, NULL), BV_OK);
		assert_int_equal(bvh_course_run(&d->c, &err),
				 is_ours(d, stop) ? BV_E_SYS : BV_E_PROTO);
		assert_memory_equal(err.msg, d->plan.schedule.entry[stop].id,
				    strlen(d->plan.schedule.entry[stop].id));
		assert_non_null(strstr(err.msg, "planted"));
		assert_int_equal(d->c.ran, BV_PRIM_BIT(stop) - 1);
		assert_int_equal(bvh_course_back(&d->c, NULL), BV_OK);
		assert_there_and_back(d, stop, false);
		diary_done(d);
	}
}

/* What cannot be told counts as not done right, but is done: it is undone. */
static void test_seen__its_failure_undoes_the_step_too(void **state)
{
	struct diary *d = diary_new(BV_ACTOR_GUARDIAN);

	(void)state;
	d->fail_seen = 9;
	assert_int_equal(bvh_course_start(&d->c, NULL), BV_OK);
	assert_int_equal(bvh_course_run(&d->c, NULL), BV_E_LIMIT);
	assert_int_equal(bvh_course_back(&d->c, NULL), BV_OK);
	assert_there_and_back(d, 9, true);
	diary_done(d);
}

static void
test_undo_that_fails__the_others_are_tried_and_it_again(void **state)
{
	(void)state;
	for (size_t stuck = 0; stuck < 16; stuck++) {
		struct diary *d = diary_new(BV_ACTOR_GUARDIAN);
		const size_t n = d->plan.schedule.n;
		struct bv_err err = { 0 };

		d->fail_undo = stuck;
		assert_int_equal(bvh_course_start(&d->c, NULL), BV_OK);
		assert_int_equal(bvh_course_run(&d->c, NULL), BV_OK);
		assert_int_equal(bvh_course_back(&d->c, &err), BV_E_TIMEOUT);
		assert_non_null(strstr(err.msg, "undo linux."));
		assert_non_null(
			strstr(err.msg, d->plan.schedule.entry[stuck].id));
		assert_there_and_back(d, n, false);
		assert_int_equal(d->c.done, BV_PRIM_BIT(stuck));
		/* the second time, that one alone */
		d->n = 0;
		d->fail_undo = NOWHERE;
		assert_int_equal(bvh_course_back(&d->c, &err), BV_OK);
		assert_int_equal(d->n, 1);
		assert_int_equal(d->said[0], UNDO + stuck);
		assert_int_equal(d->c.done, 0);
		diary_done(d);
	}
}

/* bvisorctl and its child: each its own entries of one schedule. */
static void test_no_other__its_entries_are_passed_over(void **state)
{
	struct diary *d = diary_new(BV_ACTOR_GUARDIAN);
	size_t n = 0;

	(void)state;
	d->c.other = NULL;
	d->c.seen = NULL;
	assert_int_equal(bvh_course_start(&d->c, NULL), BV_OK);
	assert_int_equal(bvh_course_run(&d->c, NULL), BV_OK);
	for (size_t at = 0; at < d->plan.schedule.n; at++) {
		if (!is_ours(d, at)) {
			assert_int_equal(d->c.ran & BV_PRIM_BIT(at), 0);
			continue;
		}
		assert_int_equal(d->said[n++], at);
	}
	assert_int_equal(d->n, n);
	diary_done(d);
}

static void assert_no_start(struct diary *d, const char *because)
{
	struct bv_err err = { 0 };

	assert_int_equal(bvh_course_start(&d->c, &err), BV_E_BUG);
	if (strstr(err.msg, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
	assert_int_equal(d->n, 0);
	diary_done(d);
}

static void test_start__what_differs_is_refused(void **state)
{
	struct diary *d = diary_new(BV_ACTOR_GUARDIAN);

	(void)state;
	d->plan.id[0] = d->plan.id[0] == 'a' ? 'b' : 'a';
	assert_no_start(d, "the plan's bytes have digest");

	d = diary_new(BV_ACTOR_GUARDIAN);
	d->plan.budget[BV_DIM_PROCESSES].limit++;
	assert_no_start(d, "the plan's bytes have digest");

	/* not in the plan's bytes, so the schedule's check must see it */
	d = diary_new(BV_ACTOR_GUARDIAN);
	d->plan.schedule.entry[3].param[4] ^= 1;
	assert_no_start(d, "another set of parameters");

	d = diary_new(BV_ACTOR_GUARDIAN);
	d->plan.schedule.entry[3] = d->plan.schedule.entry[2];
	assert_no_start(d, "Duplicate");

	d = diary_new(BV_ACTOR_GUARDIAN);
	d->steps[BV_PRIM_LEADER_ATTEST].run = NULL;
	assert_no_start(d, "nothing here does 'linux.leader.attest.v1'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_course__there_and_back),
		cmocka_unit_test(
			test_fault__at_every_place_all_is_undone_backwards),
		cmocka_unit_test(test_seen__its_failure_undoes_the_step_too),
		cmocka_unit_test(
			test_undo_that_fails__the_others_are_tried_and_it_again),
		cmocka_unit_test(test_no_other__its_entries_are_passed_over),
		cmocka_unit_test(test_start__what_differs_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
