/* SPDX-License-Identifier: MIT */
/*
 * What a session has beyond a boundary, one function per primitive: record,
 * anchor, state file, placing, handing over, believing the kernel alone that
 * the leader committed, the wall timer, the release.
 */
#include "helper/guard_internal.h"

#include "helper/attest.h"
#include "helper/fd.h"
#include "helper/red.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>

static int record_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = bvh_record_open(g->adm.config.state_dir, &g->report,
				   &g->record_fd, err);

	if (code != BV_OK && !bvh_red("record"))
		return bv_ctx(err, "the record of the session");
	bvh_red_point("at", "reserved");
	/* Room for the end first, then the word that there is a beginning. */
	code = bvh_guard_say_started(g, err);
	if (code != BV_OK && !bvh_red("journal")) {
		bvh_close(&g->record_fd);
		bvh_record_drop(g->adm.config.state_dir, g->id);
		return code;
	}
	bvh_red_point("at", "started");
	return bv_life_step(&g->life, BV_LIFE_STARTED, err);
}

static int anchor_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = bvh_cgroup_of(g->leader, g->first_cgroup,
				 sizeof(g->first_cgroup), err);

	if (code == BV_OK)
		code = bvh_guard_anchor_start(g, err);
	if (code != BV_OK)
		bvh_guard_anchor_end(g);
	return code;
}

static int anchor_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_guard_anchor_end(c->owner);
	return BV_OK;
}

static void copy_cut(char *to, size_t to_len, const char *from)
{
	snprintf(to, to_len, "%s", from);
}

static int state_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	const struct bv_subject *who = &g->adm.subject;
	struct bvh_session_state s = {
		.leader_pid = g->leader,
		.leader_start = g->leader_start,
		.guardian_pid = getpid(),
		.opened_unix_us = g->report.opened_unix_us,
	};
	int code = bvh_proc_start(getpid(), &s.guardian_start, err);

	if (code != BV_OK)
		return code;
	copy_cut(s.id, sizeof(s.id), g->id);
	copy_cut(s.plan_id, sizeof(s.plan_id), g->adm.plan.id);
	copy_cut(s.user, sizeof(s.user), who->user);
	copy_cut(s.policy, sizeof(s.policy), g->adm.policy->name);
	copy_cut(s.service, sizeof(s.service), who->service);
	copy_cut(s.tty, sizeof(s.tty), who->tty);
	copy_cut(s.rhost, sizeof(s.rhost), who->rhost);
	/* The leaf comes after: no sweep ever meets one without an owner. */
	code = bvh_boundary_leaf_path(c, s.leaf, sizeof(s.leaf), err);
	if (code != BV_OK)
		return code;
	code = bvh_session_write(g->adm.config.run_dir, &s, err);
	g->state_written = code == BV_OK;
	return code;
}

static int place_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = bvh_guard_meet_confined(g, err);

	if (code == BV_OK)
		code = bvh_attest_filters(g->confined, &g->filters_before, err);
	if (code == BV_OK)
		code = bvh_leaf_add(&g->boundary.leaf, g->confined, err);
	g->placed = code == BV_OK && !g->gated;
	return code;
}

/* --- the leader's turn ----------------------------------------------------- */

/* Is `path` below (or at) a path whose contents the policy lets be read? */
static bool spec_grants_read(const struct bv_spec *spec, const char *path)
{
	for (size_t i = 0; i < spec->fs_n; i++) {
		const struct bv_fs_rule *rule = &spec->fs[i];
		size_t len = strlen(rule->path);

		/* write and exec imply read in the ruleset */
		if ((rule->rights & (BV_FS_READ | BV_FS_WRITE | BV_FS_EXEC)) ==
		    0)
			continue;
		if (strcmp(rule->path, "/") == 0 ||
		    (strncmp(rule->path, path, len) == 0 &&
		     (path[len] == '/' || path[len] == '\0')))
			return true;
	}
	return false;
}

/* The state file: it exists, root alone reads it, and no base grants it. */
static void choose_trial(struct bvh_guard *g)
{
	int n = snprintf(g->trial, sizeof(g->trial), "%s/sessions/%s.json",
			 g->adm.config.run_dir, g->id);

	if (n < 0 || (size_t)n >= sizeof(g->trial) || n > (int)BVP_TEXT_MAX ||
	    spec_grants_read(&g->adm.spec, g->trial))
		g->trial[0] = '\0';
}

/* The module commits in this order (bvp_commit()), whatever it is sent. */
static const enum bv_prim wire_order[] = {
	BV_PRIM_NETNS_ENTER,     BV_PRIM_VIEW_ENTER,
	BV_PRIM_NO_NEW_PRIVS,    BV_PRIM_LANDLOCK_RESTRICT,
	BV_PRIM_SECCOMP_INSTALL,
};

/* The schedule asks nothing of the leader that it is not sent or that it would
 * do in another order. */
static int check_wire(const struct bv_schedule *s, struct bv_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->entry[i].actor != BV_ACTOR_LEADER)
			continue;
		while (at < BV_LEN(wire_order) &&
		       s->entry[i].index != (uint32_t)wire_order[at])
			at++;
		if (at++ == BV_LEN(wire_order))
			return bv_fail(err, BV_E_BUG,
				       "the module does no '%s' there",
				       s->entry[i].id);
	}
	return BV_OK;
}

static int send_admitted(struct bvh_guard *g, struct bv_err *err)
{
	const struct bvh_course *c = &g->course;
	const struct bvh_boundary *b = &g->boundary;
	const struct {
		enum bv_prim prim;
		int fd;
		uint32_t bit;
	} all[] = {
		{ BV_PRIM_NETNS_ENTER, b->netns_fd, BVP_FD_NETNS },
		{ BV_PRIM_VIEW_ENTER, b->mntns_fd, BVP_FD_MNTNS },
		{ BV_PRIM_LANDLOCK_RESTRICT, b->ruleset_fd, BVP_FD_RULESET },
	};
	int fds[BVP_FD_MAX];
	size_t fds_n = 0;
	struct bvp_reply reply = {
		.verdict = BVP_ADMITTED,
		.session = g->id,
		.plan = g->adm.plan.id,
		.log_text = "",
		.user_text = "",
		.trial = g->trial,
		.bpf = b->bpf.insn,
		.bpf_len = (uint32_t)b->bpf.n,
	};
	size_t len;

	for (size_t i = 0; i < BV_LEN(all); i++) {
		if (!bvh_course_has(c, all[i].prim))
			continue;
		fds[fds_n++] = all[i].fd;
		reply.flags |= all[i].bit;
	}
	if (bvh_boundary_listens(c))
		reply.flags |= BVP_FLAG_LISTENER;
	if (bvh_course_has(c, BV_PRIM_NO_NEW_PRIVS))
		reply.flags |= BVP_FLAG_NNP;
	if (g->denials.fd >= 0)
		reply.flags |= BVP_FLAG_LOG_EXEC;
	len = bvp_encode_reply(&reply, g->packet.buf, sizeof(g->packet.buf));
	if (len == 0)
		return bv_fail(err, BV_E_LIMIT, "the verdict is too long");
	return bvh_packet_send(g->sock, g->packet.buf, len, fds, fds_n, err);
}

static int handover_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = check_wire(&c->plan->schedule, err);

	if (code != BV_OK)
		return code;
	choose_trial(g);
	return send_admitted(g, err);
}

/* We leave the leader's cgroup (a getty's is killed at logout) while it
 * commits: a move costs the kernel a grace period, and one shortly after
 * another does not. */
static int withdraw_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	return bvh_cgroup_enter_guardians(&g->adm.base, err);
}

/* One answer stands for all that the leader was to do. */
int bvh_guard_await(struct bvh_course *c, const struct bv_schedule_entry *e,
		    struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct bvp_header head;
	int code;

	(void)e;
	if (g->committed)
		return BV_OK;
	code = bvh_packet_wait(g->sock, g->confined, g->confined_pidfd,
			       bvp_deadline_ms(g->request.flags), &g->packet,
			       err);
	if (code != BV_OK)
		return bv_ctx(err, "waiting for the commit");
	g->listener_fd = bvh_fd_take(&g->packet.fd);
	if (bvp_decode_header(g->packet.buf, g->packet.len, &head) != 0 ||
	    head.type != BVP_MSG_COMMITTED)
		return bv_fail(err, BV_E_PROTO,
			       "the PAM module could not commit");
	if (bvh_boundary_listens(c) && g->listener_fd < 0 && !bvh_red("attest"))
		return bv_fail(err, BV_E_PROTO,
			       "the PAM module sent no seccomp listener");
	if (!bvh_boundary_listens(c))
		bvh_close(&g->listener_fd);
	g->commit_flags = head.flags;
	g->committed = true;
	return BV_OK;
}

/* --- the kernel's word ----------------------------------------------------- */

static int attest_trial(struct bvh_guard *g, struct bv_err *err)
{
	if (g->trial[0] == '\0')
		return bv_report_observe(&g->report, "landlock_trial", err,
					 "none: the policy grants reading %s",
					 g->adm.config.run_dir);
	if ((g->commit_flags & BVP_FLAG_TRIAL_DENIED) == 0)
		return bv_fail(err, BV_E_PROTO,
			       "landlock: the leader could open '%s', which "
			       "no rule grants",
			       g->trial);
	return bv_report_observe(&g->report, "attested_landlock", err,
				 "opening %.120s was denied", g->trial);
}

static int attest_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	const struct bvh_expectation want = {
		.leaf = &g->boundary.leaf,
		.mntns_fd = g->boundary.mntns_fd,
		.netns_fd = bvh_course_has(c, BV_PRIM_NETNS_ENTER)
				    ? g->boundary.netns_fd
				    : -1,
		.seccomp = bvh_course_has(c, BV_PRIM_SECCOMP_INSTALL),
		.seccomp_filters_min = g->filters_before + 1,
		.no_new_privs = bvh_course_has(c, BV_PRIM_NO_NEW_PRIVS),
	};
	uint64_t start = 0;
	int code;

	if (bvh_red("attest"))
		return BV_OK;
	code = bvh_attest(g->confined, &want, &g->report, err);
	if (code == BV_OK)
		code = bvh_proc_start(g->confined, &start, err);
	if (code == BV_OK)
		code = bvh_guard_attest_network(g, err);
	if (code != BV_OK)
		return code;
	if (start != g->confined_start)
		return bv_fail(err, BV_E_PROTO,
			       "pid %d is another process by now",
			       (int)g->confined);
	if (bvh_course_has(c, BV_PRIM_VIEW_LEND))
		code = bvh_expose_attest(g->confined, c->plan->spec,
					 &g->boundary.exposed, &g->report, err);
	return code == BV_OK ? attest_trial(g, err) : code;
}

/* --- beginning ------------------------------------------------------------- */

int bvh_guard_arm_wall(const struct bvh_guard *g, uint64_t at_us)
{
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at_us / 1000000u),
			      .tv_nsec = (long)(at_us % 1000000u) * 1000 },
	};

	return timerfd_settime(g->wall_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* The first firing is the warning's. */
static int wall_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	const uint64_t limit_us = c->lowered.wall_us;

	if (limit_us > UINT64_MAX / 2 - g->opened_boot_us)
		return BV_OK; /* longer than any machine runs */
	g->wall_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (g->wall_fd < 0)
		return bv_fail_errno(err, errno, "wall timer");
	g->wall_end_us = g->opened_boot_us + limit_us;
	if (bvh_guard_arm_wall(g, g->wall_end_us - limit_us / 5) == 0)
		return BV_OK;
	bvh_close(&g->wall_fd);
	return bv_fail_errno(err, errno, "arm the wall timer");
}

static int wall_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;

	(void)err;
	bvh_close(&g->wall_fd);
	return BV_OK;
}

static int release_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	int code = bv_life_step(&g->life, BV_LIFE_RUNNING, err);

	return code == BV_OK
		       ? bvh_packet_send_plain(g->sock, BVP_MSG_ATTESTED, err)
		       : code;
}

int bvh_guard_seen(struct bvh_course *c, const struct bv_schedule_entry *e,
		   struct bv_err *err)
{
	struct bvh_guard *g = c->owner;
	struct bv_report *r = &g->report;

	r->executed = c->ran;
	switch ((enum bv_prim)e->index) {
	case BV_PRIM_CGROUP_AGGREGATE:
		return bv_report_observe(r, "user_node_prepared", err, "%s",
					 g->boundary.node);
	case BV_PRIM_CGROUP_LEAF:
		return bv_report_observe(r, "cgroup_leaf_prepared", err, "%s",
					 g->boundary.leaf.name);
	case BV_PRIM_CGROUP_NETWORK:
		return bv_report_observe(r, "network_programs_prepared", err,
					 "%zu, sha256 %s", g->boundary.net.n,
					 g->boundary.net.sha256_hex);
	case BV_PRIM_LANDLOCK_RULESET:
		return bv_report_observe(r, "landlock_ruleset_prepared", err,
					 "abi %u", c->lowered.landlock_abi);
	case BV_PRIM_SECCOMP_FILTER:
		return bv_report_observe(r, "seccomp_filter_prepared", err,
					 "sha256 %s",
					 g->boundary.bpf.sha256_hex);
	default: /* shows in the list of executed steps alone */
		return BV_OK;
	}
}

const struct bvh_step bvh_guard_steps[BV_PRIM_N] = {
	[BV_PRIM_RECORD_STARTED] = { record_run, bvh_guard_undo_record, false },
	[BV_PRIM_SCOPE_ANCHOR] = { anchor_run, anchor_undo, false },
	[BV_PRIM_SESSION_STATE] = { state_run, bvh_guard_undo_state, false },
	[BV_PRIM_CGROUP_LEAF] = { NULL, bvh_guard_undo_leaf, false },
	[BV_PRIM_CGROUP_PLACE] = { place_run, bvh_guard_undo_place, false },
	[BV_PRIM_SESSION_HANDOVER] = { handover_run, NULL, false },
	[BV_PRIM_SESSION_WITHDRAW] = { withdraw_run, NULL, false },
	[BV_PRIM_VIEW_PRIVATE] = { NULL, bvh_guard_temp_undo, false },
	[BV_PRIM_OUTBOX_TARGET] = { bvh_guard_outbox_target,
				    bvh_guard_outbox_settle, false },
	[BV_PRIM_VIEW_OUTBOX] = { bvh_guard_outbox_make, NULL, true },
	[BV_PRIM_HANDLES_LIMIT] = { bvh_guard_handles_run,
				    bvh_guard_handles_undo, false },
	[BV_PRIM_CPU_WATCH] = { bvh_guard_cpu_run, bvh_guard_cpu_undo, false },
	[BV_PRIM_LEADER_ATTEST] = { attest_run, NULL, false },
	[BV_PRIM_WALL_TIMER] = { wall_run, wall_undo, false },
	[BV_PRIM_CAPTURE_STORE] = { bvh_guard_capture_run,
				    bvh_guard_capture_undo, false },
	[BV_PRIM_SHELL_OFFER] = { bvh_guard_offer, bvh_guard_offer_undo,
				  false },
	[BV_PRIM_SESSION_RELEASE] = { release_run, NULL, false },
};
