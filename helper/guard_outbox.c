/* SPDX-License-Identifier: MIT */
/*
 * The outbox and the guardian: the target is opened before anything is done,
 * the directory made in the view, and what lies in it promoted or dropped when
 * the leaf is empty. Nothing is promoted of a session that did not begin, or
 * whose processes do not end.
 */
#include "helper/guard_internal.h"

#include "helper/fd.h"
#include "helper/log.h"
#include "helper/path.h"
#include "helper/red.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

/* Of the module's wait for the close, which is twice as long. */
#define OUTBOX_DRAIN_MS 10000

static const struct bv_outbox *outbox_of(const struct bvh_course *c)
{
	return &c->plan->spec->outbox;
}

int bvh_guard_outbox_target(struct bvh_course *c, struct bv_err *err)
{
	const struct bv_outbox *o = outbox_of(c);
	struct bvh_guard *g = c->owner;
	int code;

	if (o->commit == BV_COMMIT_DISCARD)
		return BV_OK;
	code = bvh_outbox_target_open(o->to, &g->outbox.target_fd, err);
	return code == BV_OK ? BV_OK
			     : bv_ctx(err, "%s:%u: [outbox] to",
				      c->plan->spec->policy->path, o->to_line);
}

/* A directory of the user's in the private temp root, whose size bounds what
 * may be in it: the same file system, or it is not made. */
static int make_box(struct bvh_guard *g, int parent, const char *name,
		    struct bv_err *err)
{
	const struct bv_subject *who = &g->adm.subject;
	bv_auto_close int fd = -1;
	struct stat box, temp;

	if (fstat(parent, &box) != 0 || fstat(g->boundary.temp_fd, &temp) != 0)
		return bv_fail_errno(err, errno, "stat of the temp root");
	if (box.st_dev != temp.st_dev)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "not in the session's private temp root");
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "mkdir '%s'", name);
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, who->uid, who->gid) != 0 ||
	    fchmod(fd, 0700) != 0)
		return bv_fail_errno(err, errno, "directory '%s'", name);
	g->outbox.dir_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_guard_outbox_make(struct bvh_course *c, struct bv_err *err)
{
	const struct bv_outbox *o = outbox_of(c);
	const char *name = strrchr(o->path, '/') + 1;
	bv_auto_close int parent = -1;
	char above[256];
	int code;

	snprintf(above, sizeof(above), "%.*s", (int)(name - o->path - 1),
		 o->path);
	code = bvh_path_open(above, NULL, &parent, err);
	if (code == BV_OK)
		code = make_box(c->owner, parent, name, err);
	return code == BV_OK
		       ? BV_OK
		       : bv_ctx(err, "%s:%u: [outbox] path",
				c->plan->spec->policy->path, o->path_line);
}

/* --- what becomes of it ---------------------------------------------------- */

static const char *const observed_as[] = {
	[BV_DISPOSITION_DECIDED] = "artifact_decided",
	[BV_DISPOSITION_APPLIED] = "artifact_applied",
	[BV_DISPOSITION_FAILED] = "artifact_failed",
};
_Static_assert(BV_LEN(observed_as) == BV_DISPOSITION_PHASE_N, "every phase");

/* The record as it is now, of a session that is not over: durable. */
static int write_open_record(struct bvh_guard *g, struct bv_err *err)
{
	struct bv_report *r = &g->report;
	const uint64_t closed_us = r->closed_unix_us;
	int code;

	if (g->record_fd < 0)
		return BV_OK;
	r->open = true;
	r->closed_unix_us = 0;
	code = bvh_record_seal(g->adm.config.state_dir, g->record_fd, r, NULL,
			       err);
	r->open = false;
	r->closed_unix_us = closed_us;
	return code;
}

/* The one place where a disposition is said, to the report and to the journal:
 * the decision is in both before a byte moves. */
static int dispose(struct bvh_guard *g, enum bv_disposition_phase phase,
		   enum bv_disposition decision, const char *detail,
		   struct bv_err *err)
{
	const bool reasoned = phase == BV_DISPOSITION_FAILED ||
			      decision == BV_DISPOSITION_REFUSE;
	struct bvh_guard_disposition *last = &g->outbox.last;
	int code = bv_report_observe(&g->report, observed_as[phase], err,
				     BVH_OUTBOX_ARTIFACT " %s: %s",
				     bv_disposition_name(decision), detail);

	g->outbox.unsaid = true;
	last->phase = phase;
	last->decision = decision;
	snprintf(last->reason, sizeof(last->reason), "%s",
		 reasoned ? detail : "");
	if (code == BV_OK && phase == BV_DISPOSITION_DECIDED)
		code = write_open_record(g, err);
	if (code != BV_OK)
		return code;
	/* Nothing ends in the journal that was not decided there. */
	if (phase != BV_DISPOSITION_DECIDED && !g->outbox.decided)
		return BV_OK;
	code = bvh_guard_say_disposition(g, err);
	g->outbox.unsaid = code != BV_OK;
	return code == BV_OK ? BV_OK
			     : bv_ctx(err, "not in the journal as '%s'",
				      bv_disposition_phase_name(phase));
}

static int decide(struct bvh_guard *g, enum bv_disposition decision,
		  const char *detail, struct bv_err *err)
{
	int code = dispose(g, BV_DISPOSITION_DECIDED, decision, detail, err);

	g->outbox.decided = code == BV_OK;
	bvh_red_point("at", "decided");
	return bvh_red("outbox-journal") ? BV_OK : code;
}

/* How it ended. What the journal does not take now goes in with the report, or
 * is recovery's to find. */
static void conclude(struct bvh_guard *g, enum bv_disposition_phase phase,
		     enum bv_disposition decision, const char *detail)
{
	struct bv_err why = { 0 };

	bvh_red_point("at", "moved");
	if (dispose(g, phase, decision, detail, &why) != BV_OK)
		bvh_log(LOG_ERR, "session=%s outbox: %s", g->id, why.msg);
	bvh_red_point("at", "concluded");
}

static int promote(struct bvh_guard *g, const struct bv_outbox *o,
		   const struct bvh_outbox_limits *limits, char detail[160],
		   struct bv_err *err)
{
	const struct bv_subject *who = &g->adm.subject;
	const struct bvh_outbox_sink sink = {
		.target_fd = g->outbox.target_fd,
		.session_id = g->id,
		.commit = o->commit,
		.uid = o->owner_user ? who->uid : 0,
		.gid = o->owner_user ? who->gid : 0,
		.mode = (mode_t)o->mode,
	};
	struct bvh_outbox_done done = { 0 };
	int code = bvh_outbox_commit(g->outbox.dir_fd, limits, &sink,
				     &g->outbox.list, &done, err);

	g->outbox.published = done.published;
	if (code == BV_OK)
		snprintf(detail, 160,
			 "%.80s/%s, digests read back, %zu synced, %zu not",
			 o->to, g->id, done.synced, done.unsynced);
	return code;
}

static void tell_outputs(struct bvh_guard *g)
{
	struct bvh_outbox_list *list = &g->outbox.list;

	g->report.has_outputs = true;
	g->report.output = list->v;
	g->report.output_n = list->n;
	if (list->unlisted > 0)
		(void)bv_report_observe(&g->report, "outputs_unlisted", NULL,
					"%zu more that were refused",
					list->unlisted);
}

static int look_into(struct bvh_guard *g,
		     const struct bvh_outbox_limits *limits, struct bv_err *err)
{
	if (g->boundary.has_leaf &&
	    !bvh_leaf_drain(&g->boundary.leaf, OUTBOX_DRAIN_MS))
		return bv_fail(err, BV_E_TIMEOUT,
			       "the session's processes do not end");
	return bvh_outbox_collect(g->outbox.dir_fd, limits, &g->outbox.list,
				  err);
}

/* Why stands in what was observed. */
static void mark_left(struct bvh_outbox_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].refused[0] != '\0')
			continue;
		list->v[i].sha256[0] = '\0';
		list->v[i].refused = "not taken";
	}
}

/* The tmpfs of what is discarded goes with its last descriptor. */
static int carry_out(struct bvh_guard *g, const struct bv_outbox *o,
		     const struct bvh_outbox_limits *limits, struct bv_err *err)
{
	const enum bv_disposition decision = o->commit == BV_COMMIT_DISCARD
						     ? BV_DISPOSITION_DISCARD
						     : BV_DISPOSITION_PROMOTE;
	struct bvh_outbox_list *list = &g->outbox.list;
	char detail[160];
	int code;

	snprintf(detail, sizeof(detail), "%zu files, %" PRIu64 " bytes, %s",
		 list->files, list->bytes, bv_commit_name(o->commit));
	code = decide(g, decision, detail, err);
	if (code == BV_OK)
		code = decision == BV_DISPOSITION_DISCARD
			       ? bvh_outbox_digest(g->outbox.dir_fd, limits,
						   list, err)
			       : promote(g, o, limits, detail, err);
	if (code != BV_OK && !g->outbox.published)
		mark_left(list);
	if (code == BV_OK)
		conclude(g, BV_DISPOSITION_APPLIED, decision, detail);
	else
		conclude(g, BV_DISPOSITION_FAILED, decision, err->msg);
	return code;
}

static int settle(struct bvh_guard *g, const struct bv_outbox *o,
		  struct bv_err *err)
{
	const struct bvh_outbox_limits limits = {
		.files_max = o->files_max,
		.depth_max = o->depth_max,
		.bytes_max = g->course.lowered.tmp_size_bytes,
		.uid = g->adm.subject.uid,
	};
	struct bvh_outbox_list *list = &g->outbox.list;
	int code = look_into(g, &limits, err);

	if (code != BV_OK) {
		struct bv_err second = { 0 };

		mark_left(list);
		if (decide(g, BV_DISPOSITION_REFUSE, err->msg, &second) !=
		    BV_OK)
			bvh_log(LOG_ERR, "session=%s outbox: %s", g->id,
				second.msg);
		return code;
	}
	if (list->files == 0)
		return bv_report_observe(&g->report, "outbox_empty", err,
					 "%zu entries, no file to take",
					 list->entries);
	return carry_out(g, o, &limits, err);
}

/* Did the session begin? Before that nobody of it ran. */
static bool has_begun(const struct bvh_course *c)
{
	const struct bv_schedule *s = &c->plan->schedule;
	const struct bv_schedule_entry *e =
		bv_schedule_find(s, BV_PRIM_SESSION_RELEASE);

	return e != NULL && (c->ran & BV_PRIM_BIT(e - s->entry)) != 0;
}

/* A failure is told and over: the record that follows is sealed once. */
int bvh_guard_outbox_settle(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct bv_err why = { 0 };

	(void)err;
	if (g->outbox.dir_fd >= 0 && has_begun(c)) {
		const int code = settle(g, outbox_of(c), &why);

		if (code != BV_OK) /* a limit that was passed is the user's */
			bvh_log(code == BV_E_LIMIT ? LOG_NOTICE : LOG_ERR,
				"session=%s outbox: %s", g->id, why.msg);
		tell_outputs(g);
	}
	bvh_close(&g->outbox.dir_fd);
	bvh_close(&g->outbox.target_fd);
	return BV_OK;
}
