/* SPDX-License-Identifier: MIT */
/* bvisorctl ps: live sessions, as their state files say and the kernel
 * confirms. */
#include "core/json.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/ctl/sessions.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/sweep.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROCS_MAX (256u * 1024u)

static const char help[] =
	"usage: bvisorctl ps [--config DIR] [--json]\n\n"
	"The live sessions. A session whose guardian is gone is marked stale:\n"
	"its processes are still confined, and 'bvisorctl kill' ends it.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n";

/* pids.current counts tasks; a leaf without the controller shows processes. */
static bool count_tasks(const char *leaf, uint64_t *ret)
{
	bv_auto_close int dir = open(leaf, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bv_auto_free char *text = NULL;
	char number[32];
	uint64_t n = 0;

	if (dir < 0)
		return false;
	if (bvh_kernfs_read(dir, "pids.current", number, sizeof(number)) == 0)
		return bvh_text_number(number, "", ret);
	text = malloc(PROCS_MAX);
	if (text == NULL ||
	    bvh_kernfs_read(dir, "cgroup.procs", text, PROCS_MAX) != 0)
		return false;
	for (const char *s = text; *s != '\0'; s++)
		n += *s == '\n';
	*ret = n;
	return true;
}

static bool lives(const struct bvh_session_state *s)
{
	return bvh_process_lives(s->guardian_pid, s->guardian_start);
}

static uint64_t age_s(const struct bvh_session_state *s)
{
	uint64_t now = (uint64_t)time(NULL);
	uint64_t opened = s->opened_unix_us / 1000000u;

	return now > opened ? now - opened : 0;
}

static void say_age(uint64_t s, char *ret, size_t ret_len)
{
	if (s < 60)
		snprintf(ret, ret_len, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(ret, ret_len, "%" PRIu64 "m%02" PRIu64 "s", s / 60,
			 s % 60);
	else
		snprintf(ret, ret_len, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
			 s / 60 % 60);
}

static void say_one(const struct bvh_session_state *s)
{
	char age[32], tasks[24] = "-";
	uint64_t n;

	say_age(age_s(s), age, sizeof(age));
	if (count_tasks(s->leaf, &n))
		snprintf(tasks, sizeof(tasks), "%" PRIu64, n);
	bvh_ctl_say("%-16s  %-12s %-14s %-10s %8d %6s %8s  %s\n", s->id,
		    s->user, s->policy, s->service, (int)s->leader_pid, tasks,
		    age, lives(s) ? "live" : "stale");
}

static json_t *one_json(const struct bvh_session_state *s, int *failed)
{
	json_t *o = json_object();
	uint64_t n;
	bool known = count_tasks(s->leaf, &n);

	*failed |= bvh_ctl_put(o, "id", bv_json_text(s->id));
	*failed |= bvh_ctl_put(o, "user", bv_json_text(s->user));
	*failed |= bvh_ctl_put(o, "policy", bv_json_text(s->policy));
	*failed |= bvh_ctl_put(o, "plan", bv_json_text(s->plan_id));
	*failed |= bvh_ctl_put(o, "service", bv_json_text(s->service));
	*failed |= bvh_ctl_put(o, "tty", bv_json_text(s->tty));
	*failed |= bvh_ctl_put(o, "rhost", bv_json_text(s->rhost));
	*failed |= bvh_ctl_put(o, "leaf", bv_json_text(s->leaf));
	*failed |= bvh_ctl_put(o, "leader_pid", json_integer(s->leader_pid));
	*failed |=
		bvh_ctl_put(o, "guardian_pid", json_integer(s->guardian_pid));
	*failed |= bvh_ctl_put(o, "opened_unix_us",
			       bv_json_u64(s->opened_unix_us));
	*failed |= bvh_ctl_put(o, "age_s", bv_json_u64(age_s(s)));
	*failed |=
		bvh_ctl_put(o, "tasks", known ? bv_json_u64(n) : json_null());
	*failed |= bvh_ctl_put(o, "stale", json_boolean(!lives(s)));
	return o;
}

static int print_json(const struct bvh_session_state *all, size_t n)
{
	json_t *list = json_array();
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		failed |= bvh_ctl_add(list, one_json(&all[i], &failed));
	return bvh_ctl_document(stdout, list, failed, BVH_CTL_OK);
}

static int show(const char *config_dir, bool json)
{
	struct bvh_session_state *all = NULL;
	struct bv_err err = { 0 };
	size_t n = 0;
	int status = BVH_CTL_OK;

	if (bvh_ctl_sessions(config_dir, NULL, 0, &all, &n, &err) != BV_OK) {
		bvh_ctl_error("%s", err.msg);
		return BVH_CTL_FAULT;
	}
	if (json) {
		status = print_json(all, n);
	} else {
		bvh_ctl_say("%-16s  %-12s %-14s %-10s %8s %6s %8s  %s\n",
			    "SESSION", "USER", "POLICY", "SERVICE", "LEADER",
			    "TASKS", "AGE", "STATE");
		for (size_t i = 0; i < n; i++)
			say_one(&all[i]);
	}
	free(all);
	return status;
}

int bvh_ctl_ps(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "ps",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
		.alone = "see the sessions",
	};
	bool json = false;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	return status >= 0 ? status : show(config_dir, json);
}
