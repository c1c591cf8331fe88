/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl kill: ask the guardian to end its session, which it does in order
 * (numbers, kill, report). Where the guardian is gone the leaf is killed from
 * here, and recovery writes down at once what became of it.
 */
#include "core/json.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/ctl/sessions.h"
#include "helper/fd.h"
#include "helper/recover.h"
#include "helper/sweep.h"
#include "helper/sys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS    5000
#define NAP_MS     20
#define PREFIX_MIN 4u

static const char help[] =
	"usage: bvisorctl kill SESSION [--config DIR] [--json]\n\n"
	"End a session: SESSION is its id, or at least 4 digits of its\n"
	"beginning (see 'bvisorctl ps'). Waits up to 5 s until it is gone.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 it is gone, 1 no such session, or it is not gone,\n"
	"2 usage, 3 fault.\n";

enum result {
	ENDED,
	SWEPT, /* its guardian was gone already */
	NO_SUCH,
	AMBIGUOUS,
	STAYS,
	BROKE,
	RESULT_N
};

static const struct {
	const char *name;
	int status;
} results[] = {
	[ENDED] = { "ended", BVH_CTL_OK },
	[SWEPT] = { "swept", BVH_CTL_OK },
	[NO_SUCH] = { "no such session", BVH_CTL_NO },
	[AMBIGUOUS] = { "more than one session begins so", BVH_CTL_NO },
	[STAYS] = { "it is still there", BVH_CTL_NO },
	[BROKE] = { "fault", BVH_CTL_FAULT },
};
_Static_assert(BV_LEN(results) == RESULT_N, "every result has words");

static enum result find(const struct bvh_session_state *all, size_t n,
			const char *id, const struct bvh_session_state **ret)
{
	size_t len = strlen(id);

	*ret = NULL;
	if (len < PREFIX_MIN)
		return NO_SUCH;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(all[i].id, id, len) != 0)
			continue;
		if (*ret != NULL)
			return AMBIGUOUS;
		*ret = &all[i];
	}
	return *ret == NULL ? NO_SUCH : ENDED;
}

static bool is_gone(const char *run_dir, const char *id)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/sessions/%s.json", run_dir, id);
	return access(path, F_OK) != 0;
}

static enum result wait_gone(const char *run_dir, const char *id)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };

	for (int ms = 0; ms < WAIT_MS; ms += NAP_MS) {
		if (is_gone(run_dir, id))
			return ENDED;
		nanosleep(&nap, NULL);
	}
	return is_gone(run_dir, id) ? ENDED : STAYS;
}

static void on_found(void *arg, const struct bvh_recovered *found)
{
	struct bv_err *err = arg;

	if (found->code != BV_OK)
		(void)bv_fail(err, found->code, "%s", found->why_not);
}

/* What is not recorded now is the next recovery's to find. */
static void record_end(const char *config_dir,
		       const struct bvh_session_state *s, uint64_t swept)
{
	struct bvh_recover_sum sum;
	struct bvh_cgroup_base base;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	int code = bvh_ctl_dirs(config_dir, &dirs, &err);

	openlog("bvisor-helper", LOG_PID, LOG_AUTHPRIV);
	bvh_cgroup_base_init(&base);
	if (code == BV_OK) {
		const struct bvh_recover how = {
			.config = &dirs.config,
			.base = &base, /* the leaf is known, and gone */
			.wait_ms = WAIT_MS,
			.only = s->id,
			.swept = swept,
			.found = on_found,
			.arg = &err,
		};

		code = bvh_recover(&how, &sum, &err);
	}
	if (code != BV_OK || err.code != BV_OK)
		bvh_ctl_error("%s: its end is not recorded yet: %s; "
			      "'bvisorctl recover' tries again",
			      s->id, err.msg);
	bvh_cgroup_base_done(&base);
	bvh_ctl_dirs_done(&dirs);
}

static enum result end_stale(const char *config_dir, const char *run_dir,
			     const struct bvh_session_state *s,
			     struct bv_err *err)
{
	uint64_t swept = 0;

	/* Before recovery looks: it keeps who lives. */
	if (bvh_sweep_leaf(s->leaf, &swept, err) != BV_OK)
		return BROKE;
	record_end(config_dir, s, swept);
	return bvh_sweep_files(run_dir, s->id, err) == BV_OK ? SWEPT : BROKE;
}

static enum result end_session(const char *config_dir, const char *run_dir,
			       const struct bvh_session_state *s,
			       struct bv_err *err)
{
	/* By descriptor first, checked after: the number cannot become
	 * another process in between. */
	bv_auto_close int pidfd = bvh_sys_pidfd_open(s->guardian_pid, 0);

	if (pidfd < 0 ||
	    !bvh_process_lives(s->guardian_pid, s->guardian_start)) {
		if (is_gone(run_dir, s->id))
			return ENDED;
		return end_stale(config_dir, run_dir, s, err);
	}
	if (bvh_sys_pidfd_send_signal(pidfd, SIGTERM) != 0 && errno != ESRCH) {
		(void)bv_fail_errno(err, errno, "signal guardian %d",
				    (int)s->guardian_pid);
		return BROKE;
	}
	return wait_gone(run_dir, s->id);
}

static int tell(const char *id, enum result result, bool json,
		const struct bv_err *err)
{
	const char *why = result == BROKE ? err->msg : results[result].name;
	json_t *o;
	int failed = 0;

	if (!json) {
		if (results[result].status == BVH_CTL_OK)
			bvh_ctl_say("%s: %s\n", id, why);
		else
			bvh_ctl_error("%s: %s", id, why);
		return results[result].status;
	}
	o = json_object();
	failed |= bvh_ctl_put(o, "session", bv_json_text(id));
	failed |= bvh_ctl_put(o, "result", bv_json_text(results[result].name));
	failed |= bvh_ctl_put(o, "gone",
			      json_boolean(result == ENDED || result == SWEPT));
	failed |= bvh_ctl_put(o, "text", bv_json_text(why));
	return bvh_ctl_document(stdout, o, failed, results[result].status);
}

static int kill_session(const char *config_dir, const char *id, bool json)
{
	struct bvh_session_state *all = NULL;
	const struct bvh_session_state *s = NULL;
	char run_dir[PATH_MAX];
	struct bv_err err = { 0 };
	enum result result = BROKE;
	size_t n = 0;

	if (bvh_ctl_sessions(config_dir, run_dir, sizeof(run_dir), &all, &n,
			     &err) == BV_OK)
		result = find(all, n, id, &s);
	if (result == ENDED && s != NULL)
		result = end_session(config_dir, run_dir, s, &err);
	const int status = tell(s == NULL ? id : s->id, result, json, &err);

	free(all);
	return status;
}

int bvh_ctl_kill(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "kill",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_min = 1,
		.args_max = 1,
		.args = "which SESSION?",
		.alone = "end a session",
	};
	bool json = false;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	return status >= 0 ? status
			   : kill_session(config_dir, argv[optind], json);
}
