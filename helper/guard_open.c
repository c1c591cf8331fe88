/* SPDX-License-Identifier: MIT */
/*
 * Steps 5-9 of a login: the admitted schedule, run forwards. What each entry
 * means stands in guard_steps.c and boundary.c; here nothing has an order.
 */
#include "helper/guard_internal.h"

#include "helper/log.h"

#include <string.h>
#include <syslog.h>

static void start_report(struct bvh_guard *g)
{
	struct bv_report *r = &g->report;

	memcpy(r->session_id, g->id, sizeof(r->session_id));
	if (g->adm.plan.spec->workload == BV_WORKLOAD_WASM)
		r->commands = &g->wasm.told;
	r->plan = &g->adm.plan;
	r->subject = &g->adm.subject;
	r->policy_name = g->adm.policy->name;
	r->opened_unix_us = bvh_unix_us();
	r->open = true;
	r->outcome = BV_OUTCOME_SUPERVISOR_FAULT; /* until it is known */
	r->reason = "";
	g->opened_boot_us = bvh_boot_us();
}

static void log_opened(const struct bvh_guard *g)
{
	struct bvh_field user;
	struct bvh_field service;
	struct bvh_field tty;
	struct bvh_field rhost;
	struct bvh_head_text head;

	bvh_log(LOG_INFO,
		"session=%s user=%s service=%s tty=%s rhost=%s policy=%s "
		"plan=%s leader=%d leaf=%s %s opened in %llu us",
		g->id, bvh_log_field(g->adm.subject.user, &user),
		bvh_log_field(g->adm.subject.service, &service),
		bvh_log_field(g->adm.subject.tty, &tty),
		bvh_log_field(g->adm.subject.rhost, &rhost),
		g->adm.policy->name, g->adm.plan.id, (int)g->leader,
		g->boundary.leaf.name, bvh_journal_head_text(&g->head, &head),
		(unsigned long long)(bvh_boot_us() - g->opened_boot_us));
}

static int start_course(struct bvh_guard *g, struct bv_err *err)
{
	int code;

	g->boundary.base = &g->adm.base;
	g->boundary.session_id = g->id;
	g->course = (struct bvh_course){
		.plan = &g->adm.plan,
		.boundary = &g->boundary,
		.self = BV_ACTOR_GUARDIAN,
		.steps = bvh_guard_steps,
		.owner = g,
		.other = bvh_guard_await,
		.seen = bvh_guard_seen,
	};
	code = bvh_course_start(&g->course, err);
	g->started = code == BV_OK;
	bvh_guard_choose_confined(g);
	return code;
}

int bvh_guard_open(struct bvh_guard *g, struct bv_err *err)
{
	int code;

	start_report(g);
	code = start_course(g, err);
	if (code == BV_OK) {
		bvh_guard_denials_start(g);
		code = bvh_course_run(&g->course, err);
	}
	if (code != BV_OK)
		return code;
	bvh_boundary_let_go(&g->boundary);
	log_opened(g);
	return BV_OK;
}
