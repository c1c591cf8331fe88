/* SPDX-License-Identifier: MIT */
/* Events of one run, folded into what is known of it. Idempotent. */
#include "core/event.h"

#include <string.h>

static int fold_plan(struct bv_run_view *view, const char *plan_id,
		     struct bv_err *err)
{
	if (strlen(plan_id) != BV_PLAN_ID_LEN)
		return bv_fail(err, BV_E_INVAL, "fold: '%.80s' is no plan's id",
			       plan_id);
	if (view->plan_id[0] != '\0' && strcmp(view->plan_id, plan_id) != 0)
		return bv_fail(err, BV_E_INVAL,
			       "fold: plan '%s' in a run of plan '%s'", plan_id,
			       view->plan_id);
	memcpy(view->plan_id, plan_id, sizeof(view->plan_id));
	return BV_OK;
}

static int fold_report(struct bv_run_view *view, const struct bv_event *event,
		       struct bv_err *err)
{
	int code;

	if (!view->started)
		return bv_fail(err, BV_E_INVAL, "fold: a report, no start");
	code = fold_plan(view, event->report.plan_id, err);
	if (code == BV_OK)
		view->reported = true;
	return code;
}

static struct bv_artifact_view *artifact_of(struct bv_run_view *view,
					    const char *id)
{
	for (size_t i = 0; i < view->artifact_n; i++)
		if (strcmp(view->artifact[i].id, id) == 0)
			return &view->artifact[i];
	return NULL;
}

static int fold_decided(struct bv_run_view *view, const struct bv_event *event,
			struct bv_err *err)
{
	const char *id = event->disposition.artifact;
	struct bv_artifact_view *a = artifact_of(view, id);

	if (a != NULL && a->decided != BV_DISPOSITION_NONE) {
		if (a->decided == event->disposition.decision)
			return BV_OK;
		return bv_fail(err, BV_E_INVAL,
			       "fold: artifact '%s': '%s' after '%s'", id,
			       bv_disposition_name(event->disposition.decision),
			       bv_disposition_name(a->decided));
	}
	if (a == NULL) {
		if (view->artifact_n == BV_ARTIFACT_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "fold: over %u artifacts",
				       BV_ARTIFACT_MAX);
		if (id[0] == '\0' || strlen(id) > BV_ARTIFACT_ID_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "fold: an artifact's id of %zu bytes",
				       strlen(id));
		a = &view->artifact[view->artifact_n++];
		memcpy(a->id, id, strlen(id) + 1);
	}
	a->decided = event->disposition.decision;
	return BV_OK;
}

static int fold_disposition(struct bv_run_view *view,
			    const struct bv_event *event, struct bv_err *err)
{
	struct bv_artifact_view *a;

	if (event->disposition.phase == BV_DISPOSITION_DECIDED)
		return fold_decided(view, event, err);
	a = artifact_of(view, event->disposition.artifact);
	if (a == NULL || a->decided != event->disposition.decision)
		return bv_fail(
			err, BV_E_INVAL,
			"fold: artifact '%s': '%s' of what was not "
			"decided",
			event->disposition.artifact,
			bv_disposition_phase_name(event->disposition.phase));
	if (event->disposition.phase == BV_DISPOSITION_APPLIED)
		a->applied = true;
	else
		a->failed = true;
	return BV_OK;
}

int bv_run_fold(struct bv_run_view *view, const struct bv_event *event,
		struct bv_err *err)
{
	int code = BV_OK;

	switch (event->kind) {
	case BV_EVENT_STARTED:
		code = fold_plan(view, event->started.plan_id, err);
		if (code == BV_OK)
			view->started = true;
		break;
	case BV_EVENT_REPORT:
		code = fold_report(view, event, err);
		break;
	case BV_EVENT_RECOVERY:
		if (event->recovery.verdict == BV_RECOVERY_NONE)
			view->adopted = true;
		else
			view->recovery_recorded = true;
		break;
	case BV_EVENT_DISPOSITION:
		code = fold_disposition(view, event, err);
		break;
	case BV_EVENT_QUALIFICATION:
	case BV_EVENT_REFUSAL:
	case BV_EVENT_N:
		break;
	}
	return code;
}
