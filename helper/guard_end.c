/* SPDX-License-Identifier: MIT */
/*
 * Steps 11 and 12: the schedule backwards. The leader goes where it came from
 * (the other modules' close wants to find it there), the numbers are read while
 * the leaf still stands, then kill, drain, rmdir, and at last the sealed report.
 */
#include "helper/guard_internal.h"

#include "helper/fd.h"
#include "helper/log.h"
#include "helper/red.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

static void return_leader(struct bvh_guard *g)
{
	char now[PATH_MAX] = "?";

	bvh_guard_return_leader(g);
	if (!g->returned)
		return;
	(void)!bvh_cgroup_of(g->leader, now, sizeof(now), NULL);
	(void)bv_report_observe(&g->report, "leader_returned", NULL, "%.150s",
				now);
}

int bvh_guard_undo_place(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	(void)err;
	if (g->ending->keep_leader)
		return_leader(g);
	return BV_OK;
}

int bvh_guard_undo_leaf(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code;

	if (g->boundary.has_leaf)
		bvh_guard_measure(g);
	code = bvh_boundary_leaf_empty(c, err);
	/* What ran until it was killed has used processor time until then. */
	if (code == BV_OK && g->boundary.has_leaf)
		bvh_guard_measure(g);
	if (code == BV_OK)
		code = bvh_boundary_leaf_undo(c, err);
	if (code == BV_OK)
		(void)bv_report_observe(&g->report, "cgroup_leaf_removed", NULL,
					"%s", "killed, drained, removed");
	else
		(void)bv_report_observe(&g->report, "teardown_incomplete", NULL,
					"%.150s", err->msg);
	return code;
}

int bvh_guard_undo_state(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	/* By it the next recovery finds the leaf that would not go: its report is
	 * in the journal by then, and nothing else asks for it. */
	if (g->boundary.has_leaf && !bvh_red("state-stays"))
		return bv_fail_errno(err, EBUSY, "its leaf '%s' is still there",
				     g->boundary.leaf.name);
	return bvh_session_remove(g->adm.config.run_dir, g->id, err);
}

static void finish_report(struct bvh_guard *g)
{
	const struct bvh_ending *ending = g->ending;
	struct bv_report *r = &g->report;

	r->open = false;
	r->closed_unix_us = bvh_unix_us();
	r->outcome = ending->outcome;
	r->reason = ending->reason == NULL ? "" : ending->reason;
	r->measure[BV_DIM_WALL] = (struct bv_measure){
		.available = true,
		.used = bvh_boot_us() - g->opened_boot_us,
		.limit_hit = ending->outcome == BV_OUTCOME_TIMEOUT,
	};
}

/* The last thing undone: what the others left to be said is in the report. */
int bvh_guard_undo_record(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	char sha256[65];
	int code = bv_life_reported(&g->life, g->report.plan->id, err);

	if (code != BV_OK)
		return code;
	bvh_guard_wasm_stop(g);
	finish_report(g);
	if (g->record_fd < 0)
		return BV_OK;
	code = bvh_record_seal(g->adm.config.state_dir, g->record_fd,
			       &g->report, sha256, err);
	bvh_red_point("at", "sealed");
	if (code == BV_OK)
		bvh_guard_say_report(g, sha256);
	bvh_red_point("at", "reported");
	/* Only now may others take us for dead. */
	bvh_close(&g->record_fd);
	return code;
}

static const char *number(char ret[24], bool available, uint64_t value)
{
	if (!available)
		return "-";
	snprintf(ret, 24, "%" PRIu64, value);
	return ret;
}

static const char *used(const struct bvh_guard *g, enum bv_dim dim,
			char ret[24])
{
	const struct bv_measure *m = &g->report.measure[dim];

	return number(ret, m->available, m->used);
}

static const char *limit(const struct bvh_guard *g, enum bv_dim dim,
			 char ret[24])
{
	const struct bv_admitted_budget *b = &g->adm.plan.budget[dim];

	return number(ret, b->stated, b->limit);
}

/* The first budget whose limit was met, "-" none. */
static const char *limit_hit(const struct bvh_guard *g)
{
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_admitted_budget *b = &g->adm.plan.budget[d];
		const struct bv_measure *m = &g->report.measure[d];

		if (b->stated &&
		    (m->limit_hit || (m->available && m->used > b->limit)))
			return bv_dim_name((enum bv_dim)d);
	}
	return "-";
}

static void log_ended(const struct bvh_guard *g)
{
	const struct bv_report *r = &g->report;
	struct bvh_field user;
	struct bvh_field service;
	struct bvh_head_text head;
	char n[12][24];

	bvh_log(r->outcome == BV_OUTCOME_SUPERVISOR_FAULT ? LOG_ERR : LOG_INFO,
		"session=%s user=%s service=%s policy=%s plan=%s outcome=%s "
		"processes=%s/%s memory_bytes=%s/%s cpu_us=%s/%s "
		"wall_us=%s/%s storage_bytes=%s/%s network_bytes=%s/%s "
		"limit_hit=%s %s reason=\"%s\"",
		g->id, bvh_log_field(g->adm.subject.user, &user),
		bvh_log_field(g->adm.subject.service, &service),
		g->adm.policy->name, g->adm.plan.id,
		bv_outcome_name(r->outcome), used(g, BV_DIM_PROCESSES, n[0]),
		limit(g, BV_DIM_PROCESSES, n[1]), used(g, BV_DIM_MEMORY, n[2]),
		limit(g, BV_DIM_MEMORY, n[3]), used(g, BV_DIM_CPU, n[4]),
		limit(g, BV_DIM_CPU, n[5]), used(g, BV_DIM_WALL, n[6]),
		limit(g, BV_DIM_WALL, n[7]), used(g, BV_DIM_STORAGE, n[8]),
		limit(g, BV_DIM_STORAGE, n[9]), used(g, BV_DIM_NETWORK, n[10]),
		limit(g, BV_DIM_NETWORK, n[11]), limit_hit(g),
		bvh_journal_head_text(&g->head, &head), r->reason);
}

void bvh_guard_end(struct bvh_guard *g, const struct bvh_ending *ending)
{
	struct bv_err err = { 0 };

	g->ending = ending;
	if (bv_life_may(g->life.at, BV_LIFE_CLOSING))
		(void)!bv_life_step(&g->life, BV_LIFE_CLOSING, &err);
	bvh_guard_denials_stop(g);
	finish_report(g); /* for the log, whether there is a record or not */
	if (g->started && bvh_course_back(&g->course, &err) != BV_OK)
		bvh_log(LOG_ERR, "session=%s teardown: %s", g->id, err.msg);
	bvh_close(&g->listener_fd);
	log_ended(g);
}
