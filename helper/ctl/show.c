/* SPDX-License-Identifier: MIT */
/* bvisorctl show: one session, its events and its report. */
#include "core/canon.h"
#include "core/json.h"
#include "core/report_view.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/dir.h"
#include "helper/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX_MIN   4u
#define REPORT_ARENA (4u * 1024u * 1024u)

static const char help[] =
	"usage: bvisorctl show SESSION [--config DIR] [--json]\n\n"
	"What the journal has on SESSION, and its report. SESSION is its id, or\n"
	"at least 4 digits of its beginning.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 it is known, 1 it is not, 2 usage, 3 fault.\n";

enum state {
	MISSING,
	OPEN,   /* written at its start, not ended */
	SEALED, /* and the one the journal names, when it names one */
	OTHER,  /* sealed, but not the one the journal names */
	TORN,
};
static const char *const state_names[] = {
	[MISSING] = "missing", [OPEN] = "open",
	[SEALED] = "sealed",   [OTHER] = "not the one in the journal",
	[TORN] = "torn",
};

struct shown {
	char id[BV_SESSION_ID_LEN + 1]; /* "" none yet */
	bool ambiguous;
	bool begun;      /* to be said */
	char sha256[65]; /* that the journal names */
	char user[256];
	json_t *users;
	json_t *events;
	int failed;
	bool json;
	enum state state;
	char *bytes; /* the report's */
	size_t len;
};

/* Whose rows they are, before anything is said of one. */
static int on_session(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct shown *s = arg;

	(void)err;
	if (s->id[0] != '\0' && strcmp(s->id, row->event->session) != 0)
		s->ambiguous = true;
	snprintf(s->id, sizeof(s->id), "%s", row->event->session);
	return BV_OK;
}

static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct shown *s = arg;
	const struct bv_event *e = row->event;
	const char *user = bvh_ctl_user_of(s->users, e);
	char text[1600], at[32];

	(void)err;
	if (!s->begun && !s->json)
		bvh_ctl_say("session      %s\nuser         %s\n", e->session,
			    user[0] == '\0' ? "-" : user);
	s->begun = true;
	if (e->kind == BV_EVENT_REPORT)
		memcpy(s->sha256, e->report.sha256, sizeof(s->sha256));
	if (s->json) {
		s->failed |=
			bvh_ctl_add(s->events, bvh_ctl_row_json(row, user));
		return BV_OK;
	}
	bvh_ctl_event_text(e, text, sizeof(text));
	bvh_ctl_say("%-12s %s  row %" PRIu64 "  %s\n",
		    bv_event_kind_name(e->kind), bvh_ctl_time(e->unix_us, at),
		    row->seq, text);
	return BV_OK;
}

static void read_report(struct shown *s, const char *state_dir)
{
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	struct bv_err err = { 0 };
	char name[32];
	ssize_t n;

	s->bytes = malloc(BV_CANON_BYTES_MAX + 1);
	snprintf(name, sizeof(name), "%.16s.json", s->id);
	if (s->bytes == NULL ||
	    bvh_dir_sessions(state_dir, 0700, &dir, NULL) != BV_OK)
		return;
	if (bvh_dir_file(dir, name, "sessions/", O_RDONLY, &fd, &err) !=
	    BV_OK) {
		bvh_ctl_error("%s", err.msg);
		s->state = TORN;
	}
	if (fd < 0)
		return;
	n = bvh_read_all(fd, s->bytes, BV_CANON_BYTES_MAX);
	s->state = TORN;
	if (n <= 0)
		return;
	s->len = (size_t)n - (s->bytes[n - 1] == '\n' ? 1 : 0);
}

static void say_budgets(const struct bv_report_view *v)
{
	for (size_t i = 0; i < v->budgets.n; i++) {
		const struct bv_report_budget *b = &v->budgets.v[i];
		char limit[40], used[40] = "-";

		if (!b->stated)
			continue;
		bvh_ctl_amount(b->dim, b->limit, limit, sizeof(limit));
		if (b->measured)
			bvh_ctl_amount(b->dim, b->used, used, sizeof(used));
		bvh_ctl_say("budget       %-10s %s of %s, %s\n",
			    bv_dim_name(b->dim), used, limit,
			    bv_finding_name(b->finding));
	}
}

static void say_command(const struct bv_report_command *c)
{
	char fuel[32] = "unknown", pages[32] = "unknown";

	if (c->counted) {
		snprintf(fuel, sizeof(fuel), "%llu",
			 (unsigned long long)c->fuel);
		snprintf(pages, sizeof(pages), "%llu",
			 (unsigned long long)c->peak_pages);
	}
	bvh_ctl_say("command      %s: %s, status %llu, fuel %s, peak pages "
		    "%s, sha256 %s\n",
		    c->name, bv_command_verdict_name(c->verdict),
		    (unsigned long long)c->status, fuel, pages, c->sha256);
}

/* Somebody's word, and whose. */
static void say_commands(const struct bv_report_commands *c)
{
	if (c->said_by == NULL)
		return;
	bvh_ctl_say("commands     %llu, fuel %llu: by the word of the "
		    "session's own shell\n",
		    (unsigned long long)c->told, (unsigned long long)c->fuel);
	if (c->lost + c->unheard + c->nonsense > 0)
		bvh_ctl_say("commands     %llu not heard of; shells not "
			    "listened to: %llu, ended for nonsense: %llu\n",
			    (unsigned long long)c->lost,
			    (unsigned long long)c->unheard,
			    (unsigned long long)c->nonsense);
	for (size_t i = 0; i < c->list.n; i++)
		say_command(&c->list.v[i]);
	if (c->told > c->list.n)
		bvh_ctl_say("commands     %llu more are not listed\n",
			    (unsigned long long)(c->told - c->list.n));
}

static void say_report(const struct shown *s, const struct bv_report_view *v)
{
	char at[32];

	bvh_ctl_say("report       %s%s%s\n", state_names[s->state],
		    s->state == MISSING || s->state == TORN ? "" : ", sha256 ",
		    s->state == MISSING || s->state == TORN ? "" : v->sha256);
	if (s->state == MISSING || s->state == TORN)
		return;
	if (v->has_subject)
		bvh_ctl_say("login        service %s, tty %s, from %s\n",
			    v->subject.service,
			    v->subject.tty[0] == '\0' ? "-" : v->subject.tty,
			    v->subject.rhost[0] == '\0' ? "here"
							: v->subject.rhost);
	bvh_ctl_say("opened       %s\n", bvh_ctl_time(v->opened_unix_us, at));
	if (v->has_closed)
		bvh_ctl_say("closed       %s\n",
			    bvh_ctl_time(v->closed_unix_us, at));
	if (v->has_outcome)
		bvh_ctl_say("outcome      %s%s%s\n",
			    bv_outcome_name(v->outcome),
			    v->reason[0] == '\0' ? "" : ": ", v->reason);
	say_budgets(v);
	say_commands(&v->commands);
	for (size_t i = 0; i < v->observed.n; i++)
		bvh_ctl_say("observed     %s: %s\n", v->observed.v[i].kind,
			    v->observed.v[i].detail);
}

static int finish(struct shown *s)
{
	struct bv_report_view view = { .session_id = "" };
	struct bv_arena arena;
	json_t *o;
	int failed = s->failed;

	bv_arena_init(&arena, REPORT_ARENA);
	if (s->state == TORN && s->len > 0 &&
	    bv_report_decode(&arena, s->bytes, s->len, &view, NULL) == BV_OK)
		s->state = view.state == BV_REPORT_OPEN ? OPEN
			   : s->sha256[0] != '\0' &&
					   strcmp(s->sha256, view.sha256) != 0
				   ? OTHER
				   : SEALED;
	if (!s->json) {
		say_report(s, &view);
		bv_arena_done(&arena);
		return BVH_CTL_OK;
	}
	o = json_object();
	failed |= bvh_ctl_put(o, "session", json_string(s->id));
	failed |= bvh_ctl_put(o, "events", json_incref(s->events));
	failed |= bvh_ctl_put(o, "report_state",
			      json_string(state_names[s->state]));
	failed |= bvh_ctl_put(o, "report",
			      s->state == MISSING || s->state == TORN
				      ? json_null()
				      : json_loadb(s->bytes, s->len, 0, NULL));
	bv_arena_done(&arena);
	return bvh_ctl_document(stdout, o, failed, BVH_CTL_OK);
}

static int show(const char *config_dir, const char *id, bool json)
{
	const struct bvl_query query = { .session = id };
	struct shown s = { .json = json,
			   .users = json_object(),
			   .events = json_array() };
	struct bvl_journal *j = NULL;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	int status = BVH_CTL_FAULT;
	int code = bvh_ctl_dirs(config_dir, &dirs, &err);

	if (code == BV_OK)
		code = bvh_ctl_journal(&dirs, &j, &err);
	if (code == BV_OK && j != NULL)
		code = bvl_journal_each(j, &query, on_session, &s, &err);
	if (code == BV_OK && j != NULL && s.id[0] != '\0' && !s.ambiguous)
		code = bvl_journal_each(j, &query, on_row, &s, &err);
	if (code != BV_OK) {
		bvh_ctl_error("%s", err.msg);
	} else if (s.id[0] == '\0') {
		bvh_ctl_error("the journal has no session '%s'", id);
		status = BVH_CTL_NO;
	} else if (s.ambiguous) {
		bvh_ctl_error("more than one session begins with '%s'", id);
		status = BVH_CTL_NO;
	} else {
		read_report(&s, dirs.config.state_dir);
		status = finish(&s);
	}
	bvl_journal_close(&j);
	bvh_ctl_dirs_done(&dirs);
	json_decref(s.users);
	json_decref(s.events);
	free(s.bytes);
	return status;
}

int bvh_ctl_show(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "show",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_min = 1,
		.args_max = 1,
		.args = "which SESSION?",
		.alone = "read the journal",
	};
	bool json = false;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	if (status >= 0)
		return status;
	if (strlen(argv[optind]) < PREFIX_MIN)
		return bvh_ctl_usage("show ", "show: which SESSION?");
	return show(config_dir, argv[optind], json);
}
