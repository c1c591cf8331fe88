/* SPDX-License-Identifier: MIT */
/*
 * The facts of one session: what was written down (the journal's events, folded),
 * and what is really there, found by looking. Nothing is decided here.
 */
#include "helper/recover_internal.h"

#include "core/canon.h"
#include "core/report_view.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/log.h"
#include "helper/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define REPORT_ARENA (4u * 1024u * 1024u)

uint64_t bvh_recover_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* --- what was written down --------------------------------------------------- */

static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct bvh_case *c = arg;
	const struct bv_event *e = row->event;

	if (strcmp(e->session, c->id) != 0)
		return BV_OK; /* one that begins so */
	if (e->kind == BV_EVENT_STARTED) {
		snprintf(c->user, sizeof(c->user), "%s", e->started.user);
		c->leader = (pid_t)e->started.leader_pid;
		c->leader_start = e->started.leader_start;
		c->opened_unix_us = e->unix_us;
		c->same_boot = strcmp(e->boot_id, c->boot_id) == 0;
	}
	if (e->kind == BV_EVENT_DISPOSITION &&
	    e->disposition.decision == BV_DISPOSITION_PROMOTE)
		snprintf(c->target, sizeof(c->target), "%s",
			 e->disposition.target);
	return bv_run_fold(&c->view, e, err);
}

static int fold(struct bvh_case *c, struct bvl_journal *j, struct bv_err *err)
{
	const struct bvl_query query = { .session = c->id };
	int code =
		j == NULL ? BV_OK : bvl_journal_each(j, &query, on_row, c, err);

	if (code != BV_OK || c->state == NULL)
		return code;
	snprintf(c->user, sizeof(c->user), "%s", c->state->user);
	/* A state file is of this boot: run_dir does not outlive one. */
	if (!c->view.started) {
		c->leader = c->state->leader_pid;
		c->leader_start = c->state->leader_start;
		c->opened_unix_us = c->state->opened_unix_us;
		c->same_boot = true;
	}
	return BV_OK;
}

/* --- the report -------------------------------------------------------------- */

static int open_record(struct bvh_case *c, const char *state_dir,
		       struct bv_err *err)
{
	bv_auto_close int dir = -1;
	char name[32];

	if (bvh_dir_sessions(state_dir, 0700, &dir, NULL) != BV_OK)
		return BV_OK; /* as if there were none */
	snprintf(name, sizeof(name), "%.16s.json", c->id);
	return bvh_dir_file(dir, name, "sessions/", O_RDWR, &c->record_fd, err);
}

/* What has the name of a report and is no file is torn, for a person to look. The
 * lock is the guardian's word that it lives. */
static bool take_record(struct bvh_case *c, const char *state_dir)
{
	struct bv_err err = { 0 };

	if (open_record(c, state_dir, &err) != BV_OK)
		bvh_log(LOG_WARNING, "session=%s passed over: %s", c->id,
			err.msg);
	if (err.code != BV_OK && err.code != BV_E_CONF)
		return false; /* nor is its lock known */
	c->probe.torn_report = err.code == BV_E_CONF;
	return c->record_fd < 0 || bvh_record_lock(c->record_fd);
}

static void take_view(struct bvh_case *c, const struct bv_report_view *v)
{
	if (strcmp(v->session_id, c->id) != 0 ||
	    (v->plan_id != NULL && c->view.plan_id[0] != '\0' &&
	     strcmp(v->plan_id, c->view.plan_id) != 0)) {
		c->probe.torn_report = true; /* somebody else's */
		return;
	}
	c->record_open = v->state == BV_REPORT_OPEN;
	c->record_closed = !c->record_open;
	c->outcome = v->outcome;
	memcpy(c->sha256, v->sha256, sizeof(c->sha256));
	for (size_t i = 0; i < v->budgets.n; i++)
		if (v->budgets.v[i].dim == BV_DIM_WALL &&
		    v->budgets.v[i].stated)
			c->wall_us = v->budgets.v[i].limit;
}

/* An empty file is a report that nobody wrote, after a power cut; anything else
 * that is not whole is torn. */
static int read_record(struct bvh_case *c, struct bv_err *err)
{
	struct bv_report_view view;
	struct bv_arena arena;
	ssize_t n;

	if (c->record_fd < 0)
		return BV_OK;
	c->record = malloc(BV_CANON_BYTES_MAX + 1);
	if (c->record == NULL)
		return bv_fail(err, BV_E_NOMEM, "recover: no memory");
	n = bvh_read_all(c->record_fd, c->record, BV_CANON_BYTES_MAX);
	if (n < 0 && errno != EFBIG)
		return bv_fail_errno(err, errno, "read the report of %s",
				     c->id);
	c->probe.torn_report = n < 0;
	if (n <= 0)
		return BV_OK;
	c->record_len = (size_t)n;
	if (c->record[n - 1] == '\n')
		c->record_len--;
	bv_arena_init(&arena, REPORT_ARENA);
	if (bv_report_decode(&arena, c->record, c->record_len, &view, NULL) ==
	    BV_OK)
		take_view(c, &view);
	else
		c->probe.torn_report = true;
	bv_arena_done(&arena);
	return BV_OK;
}

/* --- what is really there ----------------------------------------------------- */

static bool try_leaf(struct bvh_case *c, const char *base, const char *node)
{
	uint64_t tasks;

	if (snprintf(c->leaf, sizeof(c->leaf), "%s/%s%s" BVH_LEAF_PREFIX "%s",
		     base, node, node[0] == '\0' ? "" : "/",
		     c->id) < (int)sizeof(c->leaf) &&
	    bvh_sweep_look(c->leaf, &tasks))
		return true;
	c->leaf[0] = '\0';
	return false;
}

/* The state file names the leaf before it is made; without one, by name. */
static void find_leaf(struct bvh_case *c, const struct bvh_cgroup_base *base)
{
	int fd;
	DIR *dir;

	if (c->state != NULL) {
		snprintf(c->leaf, sizeof(c->leaf), "%s", c->state->leaf);
		return;
	}
	if (base->fd < 0 || try_leaf(c, base->path, ""))
		return;
	fd = openat(base->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		bvh_close(&fd);
		return;
	}
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		if (strncmp(e->d_name, "user-", 5) == 0 &&
		    try_leaf(c, base->path, e->d_name))
			break;
	}
	closedir(dir);
}

static bool leader_is_inside(const struct bvh_case *c)
{
	const char *name = strrchr(c->leaf, '/');
	char path[PATH_MAX];

	return c->probe.leader_lives && name != NULL &&
	       bvh_cgroup_of(c->leader, path, sizeof(path), NULL) == BV_OK &&
	       strstr(path, name) != NULL;
}

void bvh_case_look(struct bvh_case *c, const struct bvh_recover *how)
{
	uint64_t tasks = 0;

	(void)how;
	c->probe.leader_lives = c->same_boot && c->leader > 0 &&
				bvh_process_lives(c->leader, c->leader_start);
	c->probe.leaf = c->leaf[0] != '\0' && bvh_sweep_look(c->leaf, &tasks);
	if (tasks > 0 && leader_is_inside(c))
		tasks--;
	c->probe.orphans = tasks;
}

enum bvh_case_found bvh_case_open(struct bvh_case *c,
				  const struct bvh_recover *how,
				  struct bvl_journal *j, struct bv_err *err)
{
	c->record_fd = -1;
	c->target_fd = -1;
	if (!take_record(c, how->config->state_dir))
		return BVH_CASE_GUARDED;
	/* Of a session without a report ('bvisorctl run'). */
	if (c->state != NULL &&
	    bvh_process_lives(c->state->guardian_pid, c->state->guardian_start))
		return BVH_CASE_GUARDED;
	if (bvh_boot_id(c->boot_id, err) != BV_OK || fold(c, j, err) != BV_OK ||
	    read_record(c, err) != BV_OK)
		return BVH_CASE_BROKEN;
	find_leaf(c, how->base);
	bvh_case_look(c, how);
	bvh_case_look_at_target(c);
	return BVH_CASE_OURS;
}

void bvh_case_close(struct bvh_case *c)
{
	free(c->record);
	c->record = NULL;
	bvh_close(&c->record_fd);
	bvh_close(&c->target_fd);
}
