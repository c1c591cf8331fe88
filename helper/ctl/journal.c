/* SPDX-License-Identifier: MIT */
/* The journal as bvisorctl reads it. */
#include "helper/ctl/journal.h"

#include "core/json.h"
#include "core/num.h"
#include "helper/admission.h"
#include "helper/ctl/out.h"
#include "ledger/journal_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARENA_CAP (4u << 20)

int bvh_ctl_dirs_exact(const char *config_dir, struct bvh_ctl_dirs *ret,
		       struct bv_err *err)
{
	bv_arena_init(&ret->arena, ARENA_CAP);
	ret->defaults = false;
	return bvh_config_load(config_dir, &ret->arena, &ret->config, NULL,
			       NULL, err);
}

int bvh_ctl_dirs(const char *config_dir, struct bvh_ctl_dirs *ret,
		 struct bv_err *err)
{
	if (bvh_ctl_dirs_exact(config_dir, ret, err) == BV_OK)
		return BV_OK;
	bvh_ctl_error("%s; going on with the defaults", err->msg);
	*err = (struct bv_err){ 0 };
	ret->defaults = true;
	return bv_config_parse(&ret->arena, "bvisor.conf", NULL, 0,
			       &ret->config, err);
}

void bvh_ctl_dirs_done(struct bvh_ctl_dirs *dirs)
{
	bv_arena_done(&dirs->arena);
}

/* Never was one, or what was is gone? */
static int check_absence(const char *state_dir, const char *path,
			 struct bv_err *err)
{
	char records[PATH_MAX + 16];
	const char *who = NULL;
	bool any = false;
	int code;

	snprintf(records, sizeof(records), "%s/sessions", state_dir);
	code = bvl_journal_any_record(records, &any, err);
	if (bvl_journal_has_head(state_dir))
		who = "its " BVL_HEAD_FILE " is there";
	else if (any)
		who = "reports of its sessions are there";
	if (code != BV_OK || who == NULL)
		return code;
	return bv_fail(err, BV_E_CONF,
		       "the journal '%s' is gone, but %s: run 'bvisorctl "
		       "verify'",
		       path, who);
}

int bvh_ctl_journal(const struct bvh_ctl_dirs *dirs, struct bvl_journal **ret,
		    struct bv_err *err)
{
	char path[PATH_MAX];

	*ret = NULL;
	if (snprintf(path, sizeof(path), "%s/" BVL_JOURNAL_FILE,
		     dirs->config.state_dir) >= (int)sizeof(path))
		return bv_fail(err, BV_E_LIMIT, "state_dir is too long");
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return check_absence(dirs->config.state_dir, path, err);
	return bvh_journal_open(dirs->config.state_dir, BVL_READ,
				BVH_CTL_JOURNAL_WAIT_MS, ret, err);
}

/* --- rows, some of which are damaged ------------------------------------------- */

struct rows {
	bvl_row_fn fn;
	void *arg;
	uint64_t last; /* that was given */
	bool ended;    /* by fn */
};

static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct rows *r = arg;
	const int code = r->fn(r->arg, row, err);

	r->last = row->seq;
	r->ended = code != BV_OK;
	return code;
}

/* Which row did not decode stands in the error's text alone. */
static bool names_row(const struct bv_err *err, uint64_t *ret)
{
	static const char mark[] = "/" BVL_JOURNAL_FILE "', row ";
	const char *at = strstr(err->msg, mark);
	char digits[21] = "";
	size_t n;

	if (at == NULL)
		return false;
	at += sizeof(mark) - 1;
	n = strspn(at, "0123456789");
	if (n >= sizeof(digits) || at[n] != ':')
		return false;
	memcpy(digits, at, n);
	return bv_parse_u64(digits, 1, INT64_MAX, ret);
}

int bvh_ctl_rows(struct bvl_journal *j, uint64_t after, bvl_row_fn fn,
		 void *arg, size_t *ret_damaged, struct bv_err *err)
{
	struct rows r = { .fn = fn, .arg = arg };

	*ret_damaged = 0;
	for (;;) {
		const struct bvl_query query = { .after_seq = r.last };
		uint64_t seq = 0;
		const int code = bvl_journal_each(j, &query, on_row, &r, err);

		if (code == BV_OK || r.ended || !names_row(err, &seq) ||
		    seq <= r.last)
			return code;
		r.last = seq;
		if (seq > after) {
			*ret_damaged += 1;
			bvh_ctl_error("%s", err->msg);
		}
		*err = (struct bv_err){ 0 };
	}
}

/* The thirtieth of February is no other day. Asked of UTC, where each day has all of its
 * hours. */
static bool is_a_day(const struct tm *tm)
{
	struct tm same = *tm;

	return timegm(&same) != (time_t)-1 && same.tm_mday == tm->tm_mday &&
	       same.tm_mon == tm->tm_mon;
}

bool bvh_ctl_since(const char *text, uint64_t *ret_unix_us)
{
	static const char *const forms[] = { "%Y-%m-%d %H:%M:%S",
					     "%Y-%m-%dT%H:%M:%S",
					     "%Y-%m-%d %H:%M", "%Y-%m-%d" };
	const uint64_t now = (uint64_t)time(NULL) * 1000000u;
	uint64_t ago;

	if (bv_parse_duration(text, &ago)) {
		*ret_unix_us = ago > now ? 0 : now - ago;
		return true;
	}
	for (size_t i = 0; i < BV_LEN(forms); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, forms[i], &tm);
		time_t at;

		if (end == NULL || *end != '\0')
			continue;
		if (!is_a_day(&tm))
			return false;
		at = mktime(&tm);
		if (at < 0)
			return false;
		*ret_unix_us = (uint64_t)at * 1000000u;
		return true;
	}
	return false;
}

const char *bvh_ctl_time(uint64_t unix_us, char ret[32])
{
	const time_t at = (time_t)(unix_us / 1000000u);
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(ret, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, 32, "?");
	return ret;
}

const char *bvh_ctl_time_utc(uint64_t unix_us, char ret[40])
{
	const time_t at = (time_t)(unix_us / 1000000u);
	char whole[24];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(ret, 40, "?");
	else
		snprintf(ret, 40, "%s.%06" PRIu64 "Z", whole,
			 unix_us % 1000000u);
	return ret;
}

const char *bvh_ctl_user_of(json_t *users, const struct bv_event *event)
{
	const char *name = NULL;
	const char *known;

	if (event->kind == BV_EVENT_STARTED)
		name = event->started.user;
	else if (event->kind == BV_EVENT_REFUSAL)
		name = event->refusal.user;
	if (name != NULL)
		(void)json_object_set_new(users, event->session,
					  bv_json_text(name));
	known = json_string_value(json_object_get(users, event->session));
	return known == NULL ? "" : known;
}

json_t *bvh_ctl_row_json(const struct bvl_row *row, const char *user)
{
	json_t *o = json_loadb(row->bytes, row->len, 0, NULL);
	int failed = o == NULL ? -1 : 0;

	failed |= bvh_ctl_put(o, "seq", bv_json_u64(row->seq));
	failed |= bvh_ctl_put(o, "hash", json_string(row->hash));
	if (json_object_get(o, "user") == NULL)
		failed |= bvh_ctl_put(o, "user",
				      user[0] == '\0' ? json_null()
						      : json_string(user));
	return bv_json_whole(o, failed);
}

void bvh_ctl_event_text(const struct bv_event *e, char *ret, size_t ret_len)
{
	switch (e->kind) {
	case BV_EVENT_STARTED:
		snprintf(ret, ret_len, "policy %s, plan %.16s, leader %" PRIu64,
			 e->started.policy, e->started.plan_id,
			 e->started.leader_pid);
		break;
	case BV_EVENT_REPORT:
		snprintf(ret, ret_len, "%s, report %.16s",
			 bv_outcome_name(e->report.outcome), e->report.sha256);
		break;
	case BV_EVENT_RECOVERY:
		snprintf(
			ret, ret_len, "%s, %" PRIu64 " swept: %s",
			e->recovery.verdict == BV_RECOVERY_NONE
				? "adopted"
				: bv_recovery_verdict_name(e->recovery.verdict),
			e->recovery.swept, e->recovery.reason);
		break;
	case BV_EVENT_DISPOSITION:
		snprintf(ret, ret_len, "%s %s %s%s%s%s%s",
			 e->disposition.artifact,
			 bv_disposition_phase_name(e->disposition.phase),
			 bv_disposition_name(e->disposition.decision),
			 e->disposition.target[0] == '\0' ? "" : " to ",
			 e->disposition.target,
			 e->disposition.reason[0] == '\0' ? "" : ": ",
			 e->disposition.reason);
		break;
	case BV_EVENT_QUALIFICATION:
		snprintf(ret, ret_len,
			 "kernel %s: %" PRIu64 " passed, %" PRIu64
			 " failed, %" PRIu64 " skipped",
			 e->qualification.kernel, e->qualification.passed,
			 e->qualification.failed, e->qualification.skipped);
		break;
	case BV_EVENT_REFUSAL:
		snprintf(ret, ret_len, "%s: %s",
			 bv_membrane_name(e->refusal.membrane),
			 e->refusal.reason);
		break;
	case BV_EVENT_N:
		snprintf(ret, ret_len, "?");
		break;
	}
}
