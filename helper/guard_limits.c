/* SPDX-License-Identifier: MIT */
/*
 * The guardian and the budgets: what it keeps itself (processor time, the
 * leader's descriptors), what it measures, and what it tells the user before
 * and when a limit is met.
 */
#include "helper/guard_internal.h"

#include "core/budget.h"
#include "helper/fd.h"
#include "helper/log.h"
#include "helper/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <syslog.h>

#define TELL_EVERY_US (60u * 1000u * 1000u)
#define LOOK_EVERY_US (1000u * 1000u) /* at a counter that keeps changing */

static const struct bv_admitted_budget *budget(const struct bvh_guard *g,
					       enum bv_dim dim)
{
	return &g->adm.plan.budget[dim];
}

void bvh_guard_tell(const struct bvh_guard *g, const char *text)
{
	struct bvh_field user;
	char line[256];
	unsigned int heard;

	snprintf(line, sizeof(line), "pam_bvisor: %s", text);
	heard = bvh_tell(&g->boundary.leaf, g->adm.subject.uid, line);
	bvh_log(LOG_NOTICE, "session=%s user=%s %s; told on %u terminals",
		g->id, bvh_log_field(g->adm.subject.user, &user), text, heard);
}

/* --- processor time -------------------------------------------------------- */

int bvh_guard_cpu_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	return bvh_cpu_watch_start(&g->cpu, c->lowered.cpu_us, c->lowered.cpus,
				   err);
}

int bvh_guard_cpu_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	(void)err;
	bvh_cpu_watch_stop(&g->cpu);
	return BV_OK;
}

bool bvh_guard_on_cpu(struct bvh_guard *g, struct bvh_ending *e)
{
	const struct bvh_cpu_watch *w = &g->cpu;

	*e = (struct bvh_ending){ .keep_leader = false };
	switch (bvh_cpu_watch_look(&g->cpu, &g->boundary.leaf)) {
	case BVH_CPU_BELOW:
		return false;
	case BVH_CPU_BLIND:
		e->outcome = BV_OUTCOME_SUPERVISOR_FAULT;
		e->reason = "the processor time of the session cannot be read";
		return true;
	case BVH_CPU_USED_UP:
		break;
	}
	bvh_guard_tell(g, "the processor time of this session is used up");
	(void)bv_report_observe(&g->report, "cpu_limit_passed", NULL,
				"%" PRIu64 " of %" PRIu64 " us when seen",
				w->used_us, w->limit_us);
	e->outcome = BV_OUTCOME_KILLED;
	e->reason = "the cpu budget is used up";
	return true;
}

/* --- descriptors ----------------------------------------------------------- */

/* Inherited by all that the leader starts; who is not root cannot raise it. */
int bvh_guard_handles_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = bvh_handles_limit(g->confined, c->lowered.handles_max,
				     &g->files_before, err);

	if (code != BV_OK)
		return code;
	return bv_report_observe(&g->report, "attested_handles", err,
				 "RLIMIT_NOFILE of the leader is at most "
				 "%" PRIu64,
				 c->lowered.handles_max);
}

int bvh_guard_handles_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	/* a child of the leader ends with the session, and its pid with it */
	if (g->ending == NULL || !g->ending->keep_leader || g->gated)
		return BV_OK;
	return bvh_handles_restore(g->confined, &g->files_before, err);
}

/* --- what was used --------------------------------------------------------- */

/* Before its mounts go, after the session had its last word. */
int bvh_guard_temp_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct statfs fs;

	(void)err;
	if (g->boundary.temp_fd >= 0 &&
	    fstatfs(g->boundary.temp_fd, &fs) == 0 && fs.f_bfree <= fs.f_blocks)
		g->report.measure[BV_DIM_STORAGE] = (struct bv_measure){
			.available = true,
			.used = (uint64_t)(fs.f_blocks - fs.f_bfree) *
				(uint64_t)fs.f_bsize,
		};
	bvh_close(&g->boundary.temp_fd);
	return BV_OK;
}

/* Linux before 6.11 counts a refusal where it was asked for, newer ones at the
 * cgroup whose limit it was. A leaf that never was full has not refused. */
static bool refused_by_leaf(const struct bvh_guard *g,
			    const struct bvh_leaf_stats *s)
{
	return s->has_pids_events && s->pids_events_max > 0 &&
	       (!s->has_pids_peak ||
		s->pids_peak >= budget(g, BV_DIM_PROCESSES)->limit);
}

void bvh_guard_measure(struct bvh_guard *g)
{
	struct bv_measure *m = g->report.measure;
	struct bvh_leaf_stats s;

	bvh_leaf_read_stats(&g->boundary.leaf, &s);
	m[BV_DIM_PROCESSES] = (struct bv_measure){
		.available = s.has_pids_peak,
		.used = s.pids_peak,
		.limit_hit = refused_by_leaf(g, &s),
	};
	m[BV_DIM_MEMORY] = (struct bv_measure){
		.available = s.has_memory_peak,
		.used = s.memory_peak_bytes,
		.limit_hit = s.has_memory_events && s.memory_oom_kills > 0,
	};
	m[BV_DIM_CPU] = (struct bv_measure){
		.available = s.has_cpu,
		.used = s.cpu_us,
	};
	bvh_guard_measure_network(g);
}

/* --- shortly before, and when ---------------------------------------------- */

void bvh_guard_warn_wall(struct bvh_guard *g)
{
	const uint64_t now_us = bvh_boot_us();
	char left[32], text[96];

	bv_budget_left_text(g->wall_end_us > now_us ? g->wall_end_us - now_us
						    : 0,
			    left, sizeof(left));
	snprintf(text, sizeof(text), "%s left of this session", left);
	bvh_guard_tell(g, text);
}

struct hit_row {
	enum bv_dim dim;
	const char *file;
	const char *event; /* what the report calls it */
};

static const struct hit_row rows[BVH_HIT_N] = {
	[BVH_HIT_PROCESSES] = { BV_DIM_PROCESSES, "pids.events",
				"process_limit_reached" },
	[BVH_HIT_MEMORY] = { BV_DIM_MEMORY, "memory.events",
			     "memory_limit_reached" },
};

static uint64_t count_of(const struct bvh_guard *g, enum bvh_hit kind)
{
	struct bvh_leaf_stats s;

	bvh_leaf_read_stats(&g->boundary.leaf, &s);
	if (kind == BVH_HIT_PROCESSES)
		return s.has_pids_events ? s.pids_events_max : 0;
	/* "max" counts every page that was reclaimed to stay below, which is
	 * no news to anybody. */
	return s.has_memory_events ? s.memory_oom_kills : 0;
}

/* A read makes the kernel forget that the file has changed. */
static void settle(int fd)
{
	char text[512];

	(void)!pread(fd, text, sizeof(text), 0);
}

void bvh_guard_hits_start(struct bvh_guard *g)
{
	for (size_t i = 0; i < BVH_HIT_N; i++) {
		struct bvh_hit_watch *w = &g->hit[i];

		*w = (struct bvh_hit_watch){ .fd = -1 };
		if (!budget(g, rows[i].dim)->stated)
			continue;
		w->fd = openat(g->boundary.leaf.fd, rows[i].file,
			       O_RDONLY | O_CLOEXEC);
		/* Hits while it opened count as well: told at once. */
		if (w->fd >= 0 && count_of(g, (enum bvh_hit)i) == 0)
			settle(w->fd);
	}
}

void bvh_guard_hits_stop(struct bvh_guard *g)
{
	for (size_t i = 0; i < BVH_HIT_N; i++)
		bvh_close(&g->hit[i].fd);
}

static void tell_hit(struct bvh_guard *g, enum bvh_hit kind)
{
	const uint64_t limit = budget(g, rows[kind].dim)->limit;
	struct bvh_leaf_stats s;
	char text[96];

	bvh_leaf_read_stats(&g->boundary.leaf, &s);
	if (kind == BVH_HIT_PROCESSES && g->course.lowered.has_user &&
	    !refused_by_leaf(g, &s))
		snprintf(text, sizeof(text),
			 "process limit of all your sessions reached");
	else if (kind == BVH_HIT_PROCESSES)
		snprintf(text, sizeof(text),
			 "process limit %" PRIu64 " reached", limit);
	else
		snprintf(text, sizeof(text),
			 "memory limit of %" PRIu64 " bytes reached", limit);
	/* Told once a minute, reported once. */
	if (g->hit[kind].told_us == 0)
		(void)bv_report_observe(&g->report, rows[kind].event, NULL,
					"%s", text);
	bvh_guard_tell(g, text);
}

void bvh_guard_on_hit(struct bvh_guard *g, enum bvh_hit kind)
{
	struct bvh_hit_watch *w = &g->hit[kind];
	const uint64_t now_us = bvh_boot_us();
	uint64_t count;

	settle(w->fd);
	count = count_of(g, kind);
	w->again_us = now_us + LOOK_EVERY_US;
	if (count <= w->count)
		return;
	w->count = count;
	if (w->told_us != 0 && now_us - w->told_us < TELL_EVERY_US)
		return;
	tell_hit(g, kind);
	w->told_us = now_us;
}

bool bvh_guard_out_of_memory(const struct bvh_guard *g)
{
	return budget(g, BV_DIM_MEMORY)->stated &&
	       count_of(g, BVH_HIT_MEMORY) > 0;
}
