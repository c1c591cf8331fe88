/* SPDX-License-Identifier: MIT */
/* One ended session, for the tests of the report. */
#ifndef BV_TESTS_REPORT_FIXTURE_H
#define BV_TESTS_REPORT_FIXTURE_H

#include "tests/unit/boundary_fixture.h"

#include "core/report.h"

/* An ended session of the fixture's policy. */
struct ended {
	struct fixture f;
	struct bv_plan plan;
	struct bv_report report;
};

static inline void ended_init(struct ended *e)
{
	struct bv_refusal refusal;

	fixture_init(&e->f);
	if (fixture_plan(&e->f, &e->plan, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
	e->report = (struct bv_report){
		.session_id = "00c0ffee00c0ffee",
		.plan = &e->plan,
		.subject = &e->f.subject,
		.policy_name = "restricted",
		.opened_unix_us = 1700000000000000u,
		.closed_unix_us = 1700000060000000u,
		.outcome = BV_OUTCOME_COMPLETED,
		.reason = "the session was closed",
	};
	e->report.measure[BV_DIM_WALL] =
		(struct bv_measure){ true, 60000000u, false };
	e->report.measure[BV_DIM_PROCESSES] =
		(struct bv_measure){ true, 64, true };
	e->report.measure[BV_DIM_CPU] =
		(struct bv_measure){ true, 1234, false };
}

#endif
