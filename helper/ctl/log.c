/* SPDX-License-Identifier: MIT */
/* bvisorctl log: the journal, one line an event. */
#include "core/json.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bvisorctl log [USER] [--since T] [--config DIR] [--json]\n\n"
	"What happened, oldest first: sessions that started, how they ended,\n"
	"who was refused, what recovery found.\n\n"
	"  USER          of this user alone\n"
	"  --since T     not older than: 30min, 2h, 3d, '2026-11-27 14:30'\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n";

struct listing {
	char *user; /* as the chain writes it; NULL: everybody */
	uint64_t since_us;
	json_t *users;
	json_t *list; /* NULL: lines */
	int failed;
};

/* The start may be older than what is asked for: all rows are walked. */
static int on_row(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct listing *l = arg;
	const struct bv_event *e = row->event;
	const char *user = bvh_ctl_user_of(l->users, e);
	char text[1600], at[32];

	(void)err;
	if (e->unix_us < l->since_us ||
	    (l->user != NULL && strcmp(l->user, user) != 0))
		return BV_OK;
	if (l->list != NULL) {
		l->failed |= bvh_ctl_add(l->list, bvh_ctl_row_json(row, user));
		return BV_OK;
	}
	bvh_ctl_event_text(e, text, sizeof(text));
	bvh_ctl_say("%-19s  %-16s  %-13s %-12s %s\n",
		    bvh_ctl_time(e->unix_us, at),
		    e->session[0] == '\0' ? "-" : e->session,
		    bv_event_kind_name(e->kind), user[0] == '\0' ? "-" : user,
		    text);
	return BV_OK;
}

static int list(const char *config_dir, struct listing *l, bool json)
{
	struct bvl_journal *j = NULL;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	size_t damaged = 0;
	int status;
	int code = bvh_ctl_dirs(config_dir, &dirs, &err);

	l->users = json_object();
	l->list = json ? json_array() : NULL;
	if (code == BV_OK)
		code = bvh_ctl_journal(&dirs, &j, &err);
	if (!json && code == BV_OK)
		bvh_ctl_say("%-19s  %-16s  %-13s %-12s %s\n", "TIME", "SESSION",
			    "EVENT", "USER", "WHAT");
	if (code == BV_OK && j != NULL)
		code = bvh_ctl_rows(j, 0, on_row, l, &damaged, &err);
	bvl_journal_close(&j);
	bvh_ctl_dirs_done(&dirs);
	json_decref(l->users);
	if (code != BV_OK) {
		json_decref(l->list);
		bvh_ctl_error("%s", err.msg);
		return BVH_CTL_FAULT;
	}
	status = damaged == 0 ? BVH_CTL_OK : BVH_CTL_FAULT;
	return json ? bvh_ctl_document(stdout, l->list, l->failed, status)
		    : status;
}

int bvh_ctl_log(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const char *since = NULL;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
		{ "since", 's', &since, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "log",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_max = 1,
		.args = "one USER at most",
		.alone = "read the journal",
	};
	struct listing l = { .user = NULL };
	bool json = false;
	int status = bvh_ctl_options(&syntax, argc, argv, &json);

	if (status >= 0)
		return status;
	if (since != NULL && !bvh_ctl_since(since, &l.since_us))
		return bvh_ctl_usage("log ", "log: '%s' is no time", since);
	if (optind < argc) {
		l.user = bv_json_escape(argv[optind]);
		if (l.user == NULL)
			return BVH_CTL_FAULT;
	}
	status = list(config_dir, &l, json);
	free(l.user);
	return status;
}
