/* SPDX-License-Identifier: MIT */
/* bvisorctl recover: what bvisor.service does at its start, now and aloud. */
#include "helper/recover.h"

#include "core/json.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define WAIT_MS 10000u

static const char help[] =
	"usage: bvisorctl recover [--config DIR] [--json]\n\n"
	"Look at every session that has no guardian any more: what lives is\n"
	"kept, what died unfinished is ended, swept and recorded. bvisor.service\n"
	"does the same at its start and every minute.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 nothing is left to do, 1 a person has to look,\n"
	"2 usage, 3 fault.\n";

struct told {
	bool json;
	json_t *list;
	int failed;
};

static void on_found(void *arg, const struct bvh_recovered *f)
{
	struct told *t = arg;
	json_t *o;

	if (!t->json) {
		bvh_ctl_say("%-16s  %-18s %-17s %" PRIu64 " swept  %s%s%s\n",
			    f->id, bv_recovery_action_name(f->what.action),
			    bv_recovery_verdict_name(f->what.verdict), f->swept,
			    f->what.why,
			    f->code == BV_OK ? "" : "; not done: ", f->why_not);
		return;
	}
	o = json_object();
	t->failed |= bvh_ctl_put(o, "session", json_string(f->id));
	t->failed |= bvh_ctl_put(o, "user", bv_json_text(f->user));
	t->failed |= bvh_ctl_put(
		o, "action",
		json_string(bv_recovery_action_name(f->what.action)));
	t->failed |= bvh_ctl_put(
		o, "verdict",
		json_string(bv_recovery_verdict_name(f->what.verdict)));
	t->failed |= bvh_ctl_put(o, "swept", bv_json_u64(f->swept));
	t->failed |= bvh_ctl_put(o, "folded", json_boolean(f->folded));
	t->failed |= bvh_ctl_put(o, "completed", json_boolean(f->completed));
	t->failed |= bvh_ctl_put(o, "recorded", json_boolean(f->recorded));
	t->failed |= bvh_ctl_put(o, "why", bv_json_text(f->what.why));
	t->failed |= bvh_ctl_put(o, "not_done", bv_json_text(f->why_not));
	t->failed |= bvh_ctl_add(t->list, o);
}

static int tell(const struct told *t, const struct bvh_recover_sum *s)
{
	const int status = s->refused + s->failed > 0 ? BVH_CTL_NO : BVH_CTL_OK;
	int failed = t->failed;
	json_t *o;

	if (!t->json) {
		bvh_ctl_say("%zu living kept, %zu ended, %zu for a person to "
			    "look at, %zu not done, %" PRIu64
			    " processes and leaves swept, %" PRIu64
			    " old rows removed\n",
			    s->adopted, s->ended, s->refused, s->failed,
			    s->swept, s->removed);
		return status;
	}
	o = json_object();
	failed |= bvh_ctl_put(o, "adopted", bv_json_u64(s->adopted));
	failed |= bvh_ctl_put(o, "ended", bv_json_u64(s->ended));
	failed |= bvh_ctl_put(o, "refused", bv_json_u64(s->refused));
	failed |= bvh_ctl_put(o, "failed", bv_json_u64(s->failed));
	failed |= bvh_ctl_put(o, "swept", bv_json_u64(s->swept));
	failed |= bvh_ctl_put(o, "removed", bv_json_u64(s->removed));
	failed |= bvh_ctl_put(o, "sessions", json_incref(t->list));
	return bvh_ctl_document(stdout, o, failed, status);
}

static int recover(const char *config_dir, bool json)
{
	struct told told = { .json = json, .list = json_array() };
	struct bvh_recover_sum sum = { .adopted = 0 };
	struct bvh_cgroup_base base;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	int status;
	int code = bvh_ctl_dirs(config_dir, &dirs, &err);

	openlog("bvisor-helper", LOG_PID, LOG_AUTHPRIV);
	bvh_cgroup_base_init(&base);
	if (code == BV_OK)
		code = bvh_cgroup_base_find(dirs.config.cgroup_base, &base,
					    &err);
	if (code == BV_OK && dirs.defaults)
		bvh_ctl_error("recover: nothing of the journal is removed: "
			      "what to keep stands in bvisor.conf");
	if (code == BV_OK) {
		const struct bvh_recover how = {
			.config = &dirs.config,
			.base = &base,
			.wait_ms = WAIT_MS,
			.house = !dirs.defaults,
			.found = on_found,
			.arg = &told,
		};

		code = bvh_recover(&how, &sum, &err);
	}
	/* What was done before it failed is told too. */
	status = tell(&told, &sum);
	if (code != BV_OK) {
		status = BVH_CTL_FAULT;
		bvh_ctl_error("recover: %s", err.msg);
	}
	json_decref(told.list);
	bvh_cgroup_base_done(&base);
	bvh_ctl_dirs_done(&dirs);
	return status;
}

int bvh_ctl_recover(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "recover",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
		.alone = "end sessions",
	};
	bool json = false;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	return status >= 0 ? status : recover(config_dir, json);
}
