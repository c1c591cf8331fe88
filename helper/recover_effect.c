/* SPDX-License-Identifier: MIT */
/*
 * Effects in flight: what was decided on an outbox before its guardian died.
 * Bytes that were on their way are removed and that is written down; what
 * arrived is left alone. Recovery promotes nothing.
 */
#include "helper/recover_internal.h"

#include "helper/fd.h"
#include "helper/log.h"
#include "helper/outbox.h"

#include <string.h>
#include <syslog.h>

void bvh_case_look_at_target(struct bvh_case *c)
{
	bool promoted = false;
	int code;

	if (c->target[0] == '\0')
		return;
	code = bvh_outbox_target_open(c->target, &c->target_fd, &c->target_err);
	if (code == BV_OK)
		code = bvh_outbox_look(c->target_fd, c->id, &promoted,
				       &c->staged, &c->target_err);
	if (code != BV_OK) {
		(void)bv_ctx(&c->target_err,
			     "whether its outbox was promoted cannot be seen "
			     "(give the directory back, or an empty one in its "
			     "place)");
		return;
	}
	for (size_t i = 0; i < c->view.artifact_n; i++) {
		struct bv_artifact_view *a = &c->view.artifact[i];

		if (a->decided != BV_DISPOSITION_PROMOTE)
			continue;
		a->promoted = promoted;
		a->quarantined = c->staged;
	}
}

static struct bv_event end_of(const struct bvh_case *c, size_t i,
			      enum bv_disposition_phase phase,
			      const char *reason)
{
	const struct bv_artifact_view *a = &c->view.artifact[i];
	const bool promotes = a->decided == BV_DISPOSITION_PROMOTE;

	return (struct bv_event){
		.kind = BV_EVENT_DISPOSITION,
		.session = c->id,
		.disposition = { .artifact = a->id,
				 .phase = phase,
				 .decision = a->decided,
				 .reason = reason,
				 .target = promotes ? c->target : "" },
	};
}

static int remove_stage(struct bvh_case *c, struct bv_err *err)
{
	size_t entries = 0;
	int code = bvh_outbox_stage_remove(c->target_fd, c->id, &entries, err);

	if (code != BV_OK)
		return bv_ctx(err, "'%.120s'", c->target);
	c->staged = false;
	bvh_log(LOG_NOTICE,
		"session=%s removed what a promotion to '%s' that was cut off "
		"had staged: %zu entries",
		c->id, c->target, entries);
	return BV_OK;
}

int bvh_recover_effects(struct bvh_case *c,
			const struct bv_recovery_order *order,
			struct bv_event *events, size_t *n, struct bv_err *err)
{
	const char *reason = c->staged ? "its guardian died while it was "
					 "copied; the copy is removed"
				       : "its guardian died before it was "
					 "carried out";
	int code = BV_OK;

	if (order->failed != 0 && c->staged)
		code = remove_stage(c, err);
	for (size_t i = 0; i < c->view.artifact_n && code == BV_OK; i++) {
		const uint32_t bit = (uint32_t)1 << i;

		if ((order->applied & bit) != 0)
			events[(*n)++] =
				end_of(c, i, BV_DISPOSITION_APPLIED, "");
		else if ((order->failed & bit) != 0)
			events[(*n)++] =
				end_of(c, i, BV_DISPOSITION_FAILED, reason);
	}
	return code;
}
