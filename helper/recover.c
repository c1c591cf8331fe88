/* SPDX-License-Identifier: MIT */
/*
 * Recovery: for each session without a guardian the facts, the judgement, the
 * deed, and the word on it in the journal. Deeds come first and can be done
 * twice: who dies between deed and word leaves the session open, and the next
 * recovery finds it again.
 */
#include "helper/recover.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/log.h"
#include "helper/recover_internal.h"
#include "helper/red.h"
#include "helper/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <time.h>

#define LOCK_FILE   "recover.lock"
#define LOCK_NAP_MS 20u
#define DUE_WAIT_MS 500u

/* --- the word ---------------------------------------------------------------- */

/* The journal's events on one case; at most the ends of its artifacts, a report and
 * a recovery. */
struct word {
	struct bv_event event[BV_ARTIFACT_MAX + 2];
	size_t n;
};

static void say_report(struct word *w, const struct bvh_case *c,
		       const char *sha256, enum bv_outcome outcome)
{
	w->event[w->n++] = (struct bv_event){
		.kind = BV_EVENT_REPORT,
		.session = c->id,
		.report = { .plan_id = c->view.plan_id,
			    .sha256 = sha256,
			    .outcome = outcome },
	};
}

static void say_recovery(struct word *w, const struct bvh_case *c,
			 enum bv_recovery_verdict verdict, uint64_t swept,
			 const char *reason)
{
	w->event[w->n++] = (struct bv_event){
		.kind = BV_EVENT_RECOVERY,
		.session = c->id,
		.recovery = { .verdict = verdict,
			      .swept = swept,
			      .reason = reason },
	};
}

static void write_word(struct word *w, struct bvl_journal *j,
		       const struct bvh_case *c, struct bvh_recovered *found,
		       struct bv_err *err)
{
	for (size_t i = 0; i < w->n; i++) {
		w->event[i].boot_id = c->boot_id;
		w->event[i].unix_us = bvh_recover_now_us();
	}
	if (w->n == 0)
		return;
	found->code = bvl_journal_append_all(j, w->event, w->n, err);
	found->recorded = found->code == BV_OK;
	if (found->recorded)
		found->head = *bvl_journal_head(j);
}

/* --- the deed ---------------------------------------------------------------- */

static void sweep(struct bvh_case *c, const struct bvh_recover *how,
		  struct bvh_recovered *found, struct bv_err *err)
{
	uint64_t swept = 0;

	if (found->what.sweep && c->leaf[0] != '\0' && !bvh_red("sweep"))
		found->code = bvh_sweep_leaf(c->leaf, &swept, err);
	found->swept += swept;
	if (found->code == BV_OK)
		found->code = bvh_sweep_files(how->config->run_dir, c->id, err);
}

/* The open report of a session that was rolled back, ended and sealed. */
static int complete(struct bvh_case *c, const struct bvh_recover *how,
		    uint64_t swept, char sha256[65], struct bv_err *err)
{
	bv_auto_free char *json = NULL;
	char detail[128];
	const struct bv_closure closure = {
		.outcome = BV_OUTCOME_SUPERVISOR_FAULT,
		.reason = "its guardian died before the session ended",
		.closed_unix_us = bvh_recover_now_us(),
		.detail = detail,
	};
	int code;

	snprintf(detail, sizeof(detail),
		 "rolled back, %" PRIu64 " processes and leaves swept", swept);
	code = bv_report_complete(c->record, c->record_len, &closure, &json,
				  sha256, err);
	if (code == BV_OK)
		code = bvh_record_write(c->record_fd, json, err);
	if (code == BV_OK)
		code = bvh_record_sync(how->config->state_dir, c->record_fd,
				       err);
	return code;
}

static enum bv_record_state record_state(const struct bvh_case *c)
{
	if (c->record_closed)
		return BV_RECORD_CLOSED;
	return c->record_open ? BV_RECORD_OPEN : BV_RECORD_NONE;
}

static void carry_out(struct bvh_case *c, const struct bvh_recover *how,
		      struct bvl_journal *j,
		      const struct bv_recovery_order *order,
		      struct bvh_recovered *found, struct bv_err *err)
{
	struct word w = { .n = 0 };
	char sha256[65];

	found->code = bvh_recover_effects(c, order, w.event, &w.n, err);
	if (found->code != BV_OK)
		return;
	if (order->fold) {
		say_report(&w, c, c->sha256, c->outcome);
		found->folded = true;
	}
	if (order->complete) {
		found->code = complete(c, how, found->swept, sha256, err);
		if (found->code != BV_OK)
			return;
		found->completed = true;
		bvh_red_point("at", "completed");
		say_report(&w, c, sha256, BV_OUTCOME_SUPERVISOR_FAULT);
	}
	if (order->word == BV_WORD_ALWAYS ||
	    (order->word == BV_WORD_IF_SWEPT && found->swept > 0))
		say_recovery(&w, c, order->what.verdict, found->swept,
			     order->reason);
	write_word(&w, j, c, found, err);
	bvh_red_point("at", "recovered");
}

static void act(struct bvh_case *c, const struct bvh_recover *how,
		struct bvl_journal *j, struct bvh_recovered *found,
		struct bv_err *err)
{
	struct bv_recovery_order order;

	bv_recovery_order(&c->view, &c->probe, record_state(c), &order);
	found->what = order.what;
	if (order.leave)
		return;
	if (order.what.action != BV_RECOVER_ADOPT)
		sweep(c, how, found, err);
	bvh_red_point("at", "swept");
	if (found->code != BV_OK || j == NULL)
		return;
	if (c->target_err.code != BV_OK &&
	    order.what.action != BV_RECOVER_ADOPT) {
		/* Where its bytes are has to be seen before it is judged. */
		*err = c->target_err;
		found->code = err->code;
		return;
	}
	carry_out(c, how, j, &order, found, err);
}

/* --- limits that nobody watches any more --------------------------------------- */

static uint64_t boot_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* The kernel keeps every limit of an adopted session but its wall time, which
 * was the guardian's. Its age by two clocks, and the lesser counts: a clock that
 * is set forward ends nobody. */
static bool is_overdue(const struct bvh_case *c)
{
	const uint64_t now = bvh_recover_now_us();
	const uint64_t tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	const uint64_t since_start = boot_us() - c->leader_start * tick_us;
	uint64_t age = now > c->opened_unix_us ? now - c->opened_unix_us : 0;

	if (since_start < age)
		age = since_start;
	return c->wall_us > 0 && age > c->wall_us;
}

static void end_overdue(struct bvh_case *c, const struct bvh_recover *how)
{
	uint64_t swept;

	if (!c->view.started || c->view.reported || !c->probe.leader_lives ||
	    !is_overdue(c))
		return;
	bvh_log(LOG_NOTICE,
		"session=%s adopted, and its wall budget is used up: ended",
		c->id);
	if (c->leaf[0] != '\0')
		(void)!bvh_sweep_leaf(c->leaf, &swept, NULL);
	bvh_case_look(c, how);
}

/* --- one after the other --------------------------------------------------------- */

static void tell(const struct bvh_recover *how, const struct bvh_recovered *f,
		 bool news)
{
	struct bvh_head_text head;
	struct bvh_field user;

	if (news)
		bvh_log(f->code == BV_OK && f->what.action != BV_RECOVER_REFUSE
				? LOG_NOTICE
				: LOG_ERR,
			"session=%s user=%s recovery=%s verdict=%s "
			"swept=%" PRIu64 " %s reason=\"%s%s%s\"",
			f->id, bvh_log_field(f->user, &user),
			bv_recovery_action_name(f->what.action),
			bv_recovery_verdict_name(f->what.verdict), f->swept,
			bvh_journal_head_text(&f->head, &head), f->what.why,
			f->code == BV_OK ? "" : "; not done: ", f->why_not);
	if (how->found != NULL)
		how->found(how->arg, f);
}

static void add_up(struct bvh_recover_sum *sum, const struct bvh_recovered *f)
{
	sum->swept += f->swept;
	if (f->code != BV_OK)
		sum->failed++;
	else if (f->what.action == BV_RECOVER_ADOPT)
		sum->adopted++;
	else if (f->what.action == BV_RECOVER_REFUSE)
		sum->refused++;
	else if (f->recorded || f->swept > 0)
		sum->ended++;
}

static void recover_one(const struct bvh_recover *how, struct bvl_journal *j,
			const char *id, const struct bvh_session_state *state,
			struct bvh_recover_sum *sum)
{
	struct bvh_case *c = calloc(1, sizeof(*c));
	struct bvh_recovered found = { .code = BV_OK, .swept = how->swept };
	struct bv_err err = { 0 };

	if (c == NULL)
		return;
	c->id = id;
	c->state = state;
	snprintf(found.id, sizeof(found.id), "%s", id);
	found.what.why = "";
	switch (bvh_case_open(c, how, j, &err)) {
	case BVH_CASE_GUARDED:
		break;
	case BVH_CASE_BROKEN:
		found.code = err.code;
		break;
	case BVH_CASE_OURS:
		end_overdue(c, how);
		act(c, how, j, &found, &err);
		break;
	}
	if (found.what.action != BV_RECOVER_ABSENT || found.swept > 0 ||
	    found.code != BV_OK) {
		snprintf(found.user, sizeof(found.user), "%s", c->user);
		snprintf(found.why_not, sizeof(found.why_not), "%s",
			 found.code == BV_OK ? "" : err.msg);
		add_up(sum, &found);
		tell(how, &found,
		     found.recorded || found.swept > 0 || found.code != BV_OK);
	}
	bvh_case_close(c);
	free(c);
}

static const struct bvh_session_state *
state_of(const struct bvh_session_state *all, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0)
			return &all[i];
	return NULL;
}

static bool is_listed(const struct bvl_session_id *open, size_t n,
		      const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(open[i].id, id) == 0)
			return true;
	return false;
}

static bool is_meant(const struct bvh_recover *how, const char *id)
{
	return how->only == NULL || strcmp(how->only, id) == 0;
}

static int recover_all(const struct bvh_recover *how, struct bvl_journal *j,
		       struct bvh_recover_sum *sum, struct bv_err *err)
{
	struct bvh_session_state *states = NULL;
	struct bvl_session_id *open = NULL;
	size_t states_n = 0, open_n = 0;
	int code =
		bvh_session_list(how->config->run_dir, &states, &states_n, err);

	if (code == BV_OK && j != NULL)
		code = bvl_journal_open_sessions(j, &open, &open_n, err);
	for (size_t i = 0; code == BV_OK && i < open_n; i++)
		if (is_meant(how, open[i].id))
			recover_one(how, j, open[i].id,
				    state_of(states, states_n, open[i].id),
				    sum);
	for (size_t i = 0; code == BV_OK && i < states_n; i++)
		if (is_meant(how, states[i].id) &&
		    !is_listed(open, open_n, states[i].id))
			recover_one(how, j, states[i].id, &states[i], sum);
	if (code == BV_OK && how->only == NULL && how->base->fd >= 0)
		bvh_sweep_ownerless(how->base, states, states_n);
	free(states);
	free(open);
	return code;
}

/* One recovery at a time: two would write the same word twice. */
static int lock(const struct bvh_recover *how, int *ret_fd, struct bv_err *err)
{
	const struct timespec nap = { .tv_nsec = LOCK_NAP_MS * 1000000L };
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	int code = bvh_dir_make(AT_FDCWD, how->config->state_dir, 0700,
				how->config->state_dir, &dir, err);

	if (code != BV_OK)
		return code;
	fd = openat(dir, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return bv_fail_errno(err, errno, "'%s/" LOCK_FILE "'",
				     how->config->state_dir);
	for (unsigned int ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	     ms += LOCK_NAP_MS) {
		if (ms >= how->wait_ms)
			return bv_fail(err, BV_E_TIMEOUT,
				       "another recovery is at work");
		nanosleep(&nap, NULL);
	}
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_recover(const struct bvh_recover *how, struct bvh_recover_sum *ret,
		struct bv_err *err)
{
	struct bvl_journal *j = NULL;
	struct bv_err second = { 0 };
	bv_auto_close int fd = -1;
	int journal;
	int code = lock(how, &fd, err);

	*ret = (struct bvh_recover_sum){ .adopted = 0 };
	/* A full or read-only disk: the dead are swept all the same. */
	if (code == BV_E_TIMEOUT)
		return code;
	journal = code != BV_OK
			  ? code
			  : bvh_journal_open(how->config->state_dir, BVL_APPEND,
					     how->wait_ms, &j, err);
	code = recover_all(how, j, ret, journal == BV_OK ? err : &second);
	if (code == BV_OK && journal == BV_OK && how->house)
		code = bvh_recover_house(how, j, ret, err);
	bvl_journal_close(&j);
	return journal == BV_OK ? code : journal;
}

void bvh_recover_if_due(const struct bv_config *config,
			const struct bvh_cgroup_base *base)
{
	const struct bvh_recover how = {
		.config = config,
		.base = base,
		.wait_ms = DUE_WAIT_MS,
	};
	struct bvh_recover_sum sum;
	struct bv_err err = { 0 };

	if (bvh_sweep_is_due(config->run_dir) &&
	    bvh_recover(&how, &sum, &err) != BV_OK && err.code != BV_E_TIMEOUT)
		bvh_log(LOG_ERR, "recovery: %s", err.msg);
}
