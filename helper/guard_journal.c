/* SPDX-License-Identifier: MIT */
/* What the guardian writes into the journal, and when it may not wait. */
#include "helper/guard_internal.h"

#include "helper/log.h"
#include "helper/red.h"

#include <syslog.h>

/* Half of what the module waits for a verdict: others may be writing. */
static unsigned int wait_ms(const struct bvh_guard *g)
{
	return (unsigned int)bvp_deadline_ms(g->request.flags) / 2u;
}

int bvh_guard_say_started(struct bvh_guard *g, struct bv_err *err)
{
	struct bv_event e = {
		.kind = BV_EVENT_STARTED,
		.session = g->id,
		.started = {
			.plan_id = g->adm.plan.id,
			.policy = g->adm.policy->name,
			.user = g->adm.subject.user,
			.leader_pid = (uint64_t)g->leader,
			.leader_start = g->leader_start,
		},
	};

	return bvh_journal_say(g->adm.config.state_dir, wait_ms(g), &e, 1,
			       &g->head, err);
}

/* What is said of this session after its start. */
static int say_more(struct bvh_guard *g, struct bv_event *events, size_t n,
		    struct bv_err *err)
{
	return bvh_journal_say_more(g->adm.config.state_dir, wait_ms(g), g->id,
				    events, n, &g->head, err);
}

static struct bv_event disposition(const struct bvh_guard *g,
				   enum bv_disposition_phase phase,
				   const char *reason)
{
	const enum bv_disposition decision = g->outbox.last.decision;

	return (struct bv_event){
		.kind = BV_EVENT_DISPOSITION,
		.session = g->id,
		.disposition = {
			.artifact = BVH_OUTBOX_ARTIFACT,
			.phase = phase,
			.decision = decision,
			.reason = reason,
			.target = decision == BV_DISPOSITION_PROMOTE
					  ? g->adm.plan.spec->outbox.to
					  : "",
		},
	};
}

int bvh_guard_say_disposition(struct bvh_guard *g, struct bv_err *err)
{
	char reason[BV_ERR_MSG_MAX];
	struct bv_event e;

	/* It may name what the user named. */
	bvh_log_text(g->outbox.last.reason, reason, sizeof(reason));
	e = disposition(g, g->outbox.last.phase, reason);
	return say_more(g, &e, 1, err);
}

/* What the journal did not take when it was time: a report stands in it over no
 * artifact without an end. A decision that it may have already is said again. */
static size_t catch_up(const struct bvh_guard *g, struct bv_event e[2],
		       char reason[BV_ERR_MSG_MAX])
{
	const enum bv_disposition_phase phase = g->outbox.last.phase;
	size_t n = 0;

	bvh_log_text(g->outbox.last.reason, reason, BV_ERR_MSG_MAX);
	if (!g->outbox.decided && phase != BV_DISPOSITION_DECIDED)
		e[n++] = disposition(g, BV_DISPOSITION_DECIDED, "");
	e[n++] = disposition(g, phase, reason);
	return n;
}

void bvh_guard_say_report(struct bvh_guard *g, const char *sha256)
{
	const struct bv_event report = {
		.kind = BV_EVENT_REPORT,
		.session = g->id,
		.report = {
			.plan_id = g->report.plan->id,
			.sha256 = sha256,
			.outcome = g->report.outcome,
		},
	};
	char reason[BV_ERR_MSG_MAX];
	struct bv_err err = { 0 };
	struct bv_event e[3];
	size_t n = g->outbox.unsaid ? catch_up(g, e, reason) : 0;

	e[n++] = report;
	if (bvh_red("journal") || say_more(g, e, n, &err) == BV_OK)
		return;
	bvh_log(LOG_ERR,
		"session=%s its report is sealed, but not in the journal: %s",
		g->id, err.msg);
}

void bvh_guard_say_refusal(struct bvh_guard *g, const char *text)
{
	char reason[BV_ERR_MSG_MAX];
	struct bv_event e = {
		.kind = BV_EVENT_REFUSAL,
		.session = g->id,
		.refusal = {
			.membrane = g->adm.refusal.membrane,
			.user = g->login.user,
			.reason = reason,
		},
	};
	struct bv_err err = { 0 };

	/* Faults before or after the decision are the log's alone. */
	if (g->adm.decision != BVH_DECIDE_REFUSE ||
	    g->adm.refusal.membrane == BV_MEMBRANE_NONE)
		return;
	bvh_log_text(text, reason, sizeof(reason));
	if (bvh_journal_say(g->adm.config.state_dir, wait_ms(g), &e, 1,
			    &g->head, &err) != BV_OK)
		bvh_log(LOG_ERR, "session=%s the refusal is not recorded: %s",
			g->id, err.msg);
}
