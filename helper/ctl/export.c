/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl export: the journal for log shippers, one JSON object a line, in the
 * field names of the Elastic Common Schema; what it has no name for is below
 * "bvisor". --after makes it resumable by the last event.sequence that was taken.
 */
#include "core/json.h"
#include "core/num.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ECS_VERSION "8.11.0"

static const char help[] =
	"usage: bvisorctl export [--after SEQ] [--since T] [--config DIR] "
	"[--json]\n\n"
	"The journal as JSON lines with the field names of the Elastic Common\n"
	"Schema, oldest first.\n\n"
	"  --after SEQ   only what follows this event.sequence\n"
	"  --since T     not older than: 30min, 2h, 3d, '2026-11-27 14:30'\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        changes nothing: it is JSON anyway\n";

/* event.action, .category, .type and .outcome by kind. */
static const struct {
	const char *action;
	const char *category;
	const char *type;
} words[] = {
	[BV_EVENT_STARTED] = { "session-started", "session", "start" },
	[BV_EVENT_REPORT] = { "session-ended", "session", "end" },
	[BV_EVENT_RECOVERY] = { "session-recovered", "session", "info" },
	[BV_EVENT_DISPOSITION] = { "artifact-disposition", "file", "change" },
	[BV_EVENT_QUALIFICATION] = { "host-qualified", "configuration",
				     "info" },
	[BV_EVENT_REFUSAL] = { "session-refused", "authentication", "denied" },
};
_Static_assert(BV_LEN(words) == BV_EVENT_N, "every kind has its words");

static const char *outcome_of(const struct bv_event *e)
{
	switch (e->kind) {
	case BV_EVENT_STARTED:
		return "success";
	case BV_EVENT_REPORT:
		return e->report.outcome == BV_OUTCOME_SUPERVISOR_FAULT
			       ? "failure"
			       : "success";
	case BV_EVENT_REFUSAL:
		return "failure";
	default:
		return "unknown";
	}
}

static const char *reason_of(const struct bv_event *e)
{
	switch (e->kind) {
	case BV_EVENT_RECOVERY:
		return e->recovery.reason;
	case BV_EVENT_DISPOSITION:
		return e->disposition.reason;
	case BV_EVENT_REFUSAL:
		return e->refusal.reason;
	default:
		return "";
	}
}

static json_t *one_of(const char *text)
{
	json_t *array = json_array();

	return bv_json_whole(array,
			     json_array_append_new(array, json_string(text)));
}

static json_t *event_json(const struct bvl_row *row)
{
	const struct bv_event *e = row->event;
	json_t *o = json_object();
	int failed = o == NULL ? -1 : 0;

	failed |= bvh_ctl_put(o, "kind", json_string("event"));
	failed |= bvh_ctl_put(o, "module", json_string("pam_bvisor"));
	failed |= bvh_ctl_put(o, "dataset", json_string("pam_bvisor.journal"));
	failed |= bvh_ctl_put(o, "action", json_string(words[e->kind].action));
	failed |= bvh_ctl_put(o, "category", one_of(words[e->kind].category));
	failed |= bvh_ctl_put(o, "type", one_of(words[e->kind].type));
	failed |= bvh_ctl_put(o, "outcome", json_string(outcome_of(e)));
	failed |= bvh_ctl_put(o, "sequence", bv_json_u64(row->seq));
	failed |= bvh_ctl_put(o, "hash", json_string(row->hash));
	if (reason_of(e)[0] != '\0')
		failed |= bvh_ctl_put(o, "reason", bv_json_text(reason_of(e)));
	return bv_json_whole(o, failed);
}

static json_t *named(const char *key, const char *text)
{
	json_t *o = json_object();

	return bv_json_whole(o, bvh_ctl_put(o, key, bv_json_text(text)));
}

static json_t *process_json(const struct bv_event *e)
{
	json_t *o = json_object();

	return bv_json_whole(
		o, bvh_ctl_put(o, "pid", bv_json_u64(e->started.leader_pid)));
}

static json_t *line_json(const struct bvl_row *row, const char *user)
{
	const struct bv_event *e = row->event;
	json_t *o = json_object();
	json_t *host = json_object();
	char at[40];
	int failed = o == NULL ? -1 : 0;

	failed |= bvh_ctl_put(o, "@timestamp",
			      json_string(bvh_ctl_time_utc(e->unix_us, at)));
	failed |= bvh_ctl_put(o, "ecs", named("version", ECS_VERSION));
	failed |= bvh_ctl_put(o, "event", event_json(row));
	failed |= bvh_ctl_put(o, "service", named("name", "pam_bvisor"));
	failed |= bvh_ctl_put(host, "boot", named("id", e->boot_id));
	failed |= bvh_ctl_put(o, "host", host);
	/* The correlation id, the same in syslog and journald. */
	if (e->session[0] != '\0')
		failed |= bvh_ctl_put(o, "trace", named("id", e->session));
	if (user[0] != '\0')
		failed |= bvh_ctl_put(o, "user",
				      json_pack("{s:s}", "name", user));
	if (e->kind == BV_EVENT_STARTED) {
		failed |= bvh_ctl_put(o, "process", process_json(e));
		failed |= bvh_ctl_put(o, "rule",
				      named("name", e->started.policy));
	}
	failed |= bvh_ctl_put(o, "bvisor",
			      json_loadb(row->bytes, row->len, 0, NULL));
	return bv_json_whole(o, failed);
}

struct shipping {
	uint64_t after;
	uint64_t since_us;
	json_t *users;
};

/* A session's user stands in its start, which may lie before what is asked. */
static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct shipping *s = arg;
	const char *user = bvh_ctl_user_of(s->users, row->event);
	json_t *line;
	char *text;

	if (row->seq <= s->after || row->event->unix_us < s->since_us)
		return BV_OK;
	line = line_json(row, user);
	text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER |
					JSON_ENSURE_ASCII);
	json_decref(line);
	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "export: no memory");
	puts(text);
	free(text);
	return BV_OK;
}

static int ship(const char *config_dir, struct shipping *s)
{
	struct bvl_journal *j = NULL;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	size_t damaged = 0;
	int code = bvh_ctl_dirs(config_dir, &dirs, &err);

	s->users = json_object();
	if (code == BV_OK)
		code = bvh_ctl_journal(&dirs, &j, &err);
	if (code == BV_OK && j != NULL)
		code = bvh_ctl_rows(j, s->after, on_row, s, &damaged, &err);
	bvl_journal_close(&j);
	bvh_ctl_dirs_done(&dirs);
	json_decref(s->users);
	if (code != BV_OK)
		bvh_ctl_error("%s", err.msg);
	return code == BV_OK && damaged == 0 ? BVH_CTL_OK : BVH_CTL_FAULT;
}

int bvh_ctl_export(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const char *since = NULL, *after = NULL;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
		{ "since", 's', &since, NULL },
		{ "after", 'a', &after, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "export",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
		.alone = "read the journal",
	};
	struct shipping s = { .after = 0 };
	const int status = bvh_ctl_options(&syntax, argc, argv, NULL);

	if (status >= 0)
		return status;
	if (since != NULL && !bvh_ctl_since(since, &s.since_us))
		return bvh_ctl_usage("export ", "export: '%s' is no time",
				     since);
	if (after != NULL && !bv_parse_u64(after, 0, INT64_MAX, &s.after))
		return bvh_ctl_usage("export ", "export: '%s' is no number",
				     after);
	return ship(config_dir, &s);
}
