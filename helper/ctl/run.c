/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl run: a command inside a policy's boundary, without PAM. Admission
 * and the steps of the boundary are the guardian's own; what a session has
 * beyond them, the record and the second process, a command that somebody waits
 * for does not need, and its schedule does not have.
 */
#include "helper/ctl/run.h"

#include "core/json.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/fd.h"
#include "helper/session.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define SERVICE    "bvisorctl"
#define GROUPS_MAX 65536

static const char help[] =
	"usage: bvisorctl run --policy FILE [--user USER] [--json] [--] "
	"COMMAND [ARG...]\n\n"
	"  --policy FILE  the boundary; its [match] is not consulted\n"
	"  --user USER    run as USER (root only)\n"
	"  --json         a summary as JSON on standard error, at the end\n\n"
	"Exit status: that of COMMAND, or 128 + the signal that ended it;\n"
	"254 refused, 253 something broke (COMMAND did not run), 127 COMMAND\n"
	"not found, 126 it cannot be executed, 2 usage.\n";

struct options {
	const char *policy;
	const char *user;
	bool json;
};

/* Returns -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	const struct bvh_ctl_option options[] = {
		{ "policy", 'p', &o->policy, NULL },
		{ "user", 'u', &o->user, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "run",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.leading = true,
		.args_min = 1,
		.args_max = -1,
		.args = "no COMMAND",
	};
	const int status = bvh_ctl_options(&syntax, argc, argv, &o->json);

	if (status >= 0)
		return status;
	if (o->policy == NULL)
		return bvh_ctl_usage("run ", "run: --policy FILE is missing");
	if (o->user != NULL && geteuid() != 0)
		return bvh_ctl_usage("run ",
				     "run: only root may choose a user");
	return -1;
}

static int own_name(struct bvh_run *r, const char **ret, struct bv_err *err)
{
	/* getpwuid's own storage: one thread, and it is copied at once */
	const struct passwd *pw = getpwuid(geteuid());

	if (pw == NULL)
		return bv_fail(err, BV_E_INVAL,
			       "uid %u is not in the user database",
			       (unsigned int)geteuid());
	*ret = bv_arena_strdup(&r->adm.arena, pw->pw_name);
	return *ret == NULL ? bv_fail(err, BV_E_NOMEM, "own name") : BV_OK;
}

static int admit(struct bvh_run *r, const struct options *o, struct bv_err *err)
{
	struct bvh_login login = { o->user, SERVICE, "", "", false };
	char tty[128];
	int code = BV_OK;

	if (o->user == NULL)
		code = own_name(r, &login.user, err);
	if (code != BV_OK)
		return code;
	if (ttyname_r(STDIN_FILENO, tty, sizeof(tty)) == 0)
		login.tty = tty;
	return bvh_admit_file(o->policy, &login, "run", &r->adm, err);
}

/* All groups of the target user, as a login would set them. */
static int find_groups(struct bvh_run *r, struct bv_err *err)
{
	const struct bv_subject *s = &r->adm.subject;
	int n = 64;

	for (;;) {
		int want = n;
		gid_t *gids = reallocarray(r->gids, (size_t)n, sizeof(*gids));

		if (gids == NULL)
			return bv_fail(err, BV_E_NOMEM, "groups of '%s'",
				       s->user);
		r->gids = gids;
		if (getgrouplist(s->user, s->gid, gids, &want) >= 0) {
			r->gids_n = (size_t)want;
			return BV_OK;
		}
		if (n >= GROUPS_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "'%s' is in more than %d groups",
				       s->user, GROUPS_MAX);
		n = want > n ? want : 2 * n;
	}
}

static int settle_command(struct bvh_run *r, const struct options *o,
			  char **argv, struct bv_err *err)
{
	int code = BV_OK;

	r->argv = argv;
	r->switch_user = o->user != NULL;
	r->user_namespace =
		!bv_snapshot_is(&r->adm.plan.snapshot, BV_FACT_PRIVILEGED);
	if (getcwd(r->cwd, sizeof(r->cwd)) == NULL)
		r->cwd[0] = '\0';
	if (r->switch_user)
		code = find_groups(r, err);
	if (code == BV_OK)
		code = bvh_run_environment(r, environ, err);
	if (code == BV_OK)
		code = bvh_session_new_id(r->id, err);
	return code;
}

/* So that ps shows it, kill finds it and a sweep leaves it alone. An ordinary
 * user's run is the user's own business. */
static int write_state(struct bvh_run *r, struct bv_err *err)
{
	const struct bv_subject *who = &r->adm.subject;
	struct bvh_session_state s = {
		.leader_pid = r->child,
		.guardian_pid = getpid(),
	};
	struct timespec now;
	int code;

	if (r->user_namespace)
		return BV_OK;
	clock_gettime(CLOCK_REALTIME, &now);
	s.opened_unix_us =
		(uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
	code = bvh_proc_start(s.guardian_pid, &s.guardian_start, err);
	if (code == BV_OK)
		code = bvh_proc_start(s.leader_pid, &s.leader_start, err);
	if (code != BV_OK)
		return code;
	snprintf(s.id, sizeof(s.id), "%s", r->id);
	snprintf(s.plan_id, sizeof(s.plan_id), "%s", r->adm.plan.id);
	snprintf(s.user, sizeof(s.user), "%s", who->user);
	snprintf(s.policy, sizeof(s.policy), "%s", r->adm.policy->name);
	snprintf(s.service, sizeof(s.service), "%s", who->service);
	snprintf(s.tty, sizeof(s.tty), "%s", who->tty);
	code = bvh_boundary_leaf_path(&r->course, s.leaf, sizeof(s.leaf), err);
	if (code != BV_OK)
		return code;
	code = bvh_session_write(r->adm.config.run_dir, &s, err);
	r->state_written = code == BV_OK;
	return code;
}

static int start_course(struct bvh_run *r, struct bv_err *err)
{
	int code;

	r->boundary.base = &r->adm.base;
	r->boundary.session_id = r->id;
	r->course = (struct bvh_course){
		.plan = &r->adm.plan,
		.boundary = &r->boundary,
		.self = BV_ACTOR_GUARDIAN,
		.steps = bvh_run_steps,
		.owner = r,
	};
	code = bvh_course_start(&r->course, err);
	r->started = code == BV_OK;
	return code;
}

int bvh_run_begin(struct bvh_run *r, struct bv_err *err)
{
	int code = start_course(r, err);

	return code == BV_OK ? bvh_course_run(&r->course, err) : code;
}

static int start_and_wait(struct bvh_run *r, struct bvh_run_end *end,
			  struct bv_err *err)
{
	bv_auto_close int signal_fd = -1;
	struct bv_err state = { 0 };
	int code = bvh_run_block_signals(r, &signal_fd, err);

	if (code == BV_OK)
		code = bvh_run_begin(r, err);
	if (code != BV_OK)
		return code;
	bvh_boundary_let_go(&r->boundary);
	/* Not being shown by ps is no reason to kill a confined command. */
	if (write_state(r, &state) != BV_OK)
		bvh_ctl_error("not in 'bvisorctl ps': %s", state.msg);
	return bvh_run_wait(r, signal_fd, end, err);
}

/* Everything down again, whatever happened before. */
static void clean_up(struct bvh_run *r)
{
	struct bv_err late = { 0 };

	if (r->started && bvh_course_back(&r->course, &late) != BV_OK)
		bvh_ctl_error("teardown: %s", late.msg);
	if (r->state_written &&
	    bvh_session_remove(r->adm.config.run_dir, r->id, &late) != BV_OK)
		bvh_ctl_error("state file: %s", late.msg);
}

static int command_status(const struct bvh_run_end *end)
{
	if (WIFEXITED(end->wait_status))
		return WEXITSTATUS(end->wait_status);
	return 128 + WTERMSIG(end->wait_status);
}

/* What the ending means; says it unless there is nothing to say. */
static int judge(const struct bvh_run_end *end, const char **ret_text)
{
	if (end->note.kind == BVH_NOTE_FAULT) {
		*ret_text = end->note.msg;
		return end->note.code == BV_E_REFUSED ? BVH_RUN_REFUSED
						      : BVH_RUN_FAULT;
	}
	if (end->note.kind == BVH_NOTE_EXEC_FAILED) {
		*ret_text = end->note.msg;
		return end->note.sys_errno == ENOENT ? BVH_RUN_NOT_FOUND
						     : BVH_RUN_NO_EXEC;
	}
	if (!end->started) {
		*ret_text = "the child died before it was confined; the "
			    "command did not run";
		return BVH_RUN_FAULT;
	}
	*ret_text = end->wall_used_up  ? "the wall budget is used up"
		    : end->cpu_used_up ? "the cpu budget is used up"
		    : end->cpu_blind   ? "the used processor time cannot be "
					 "read"
				       : "";
	return command_status(end);
}

/* null: nothing was decided, something broke before. */
static json_t *decision_json(const struct bvh_run *r)
{
	if (!r->decided)
		return json_null();
	return json_string(r->adm.decision == BVH_DECIDE_ADMIT ? "admitted"
							       : "refused");
}

static void tell(const struct bvh_run *r, const struct options *o,
		 const struct bvh_run_end *end, int status, const char *text)
{
	json_t *root;
	int failed = 0;

	if (!o->json) {
		if (text[0] != '\0')
			bvh_ctl_error("%s", text);
		return;
	}
	root = json_object();
	failed |= bvh_ctl_put(root, "decision", decision_json(r));
	failed |= bvh_ctl_put(root, "plan", bv_json_text(r->adm.plan.id));
	failed |= bvh_ctl_put(root, "session", bv_json_text(r->id));
	failed |= bvh_ctl_put(root, "status", json_integer(status));
	failed |= bvh_ctl_put(root, "started",
			      json_boolean(end != NULL && end->started));
	failed |= bvh_ctl_put(root, "wall_used_up",
			      json_boolean(end != NULL && end->wall_used_up));
	failed |= bvh_ctl_put(root, "cpu_used_up",
			      json_boolean(end != NULL && end->cpu_used_up));
	failed |= bvh_ctl_put(root, "text", bv_json_text(text));
	(void)bvh_ctl_document(stderr, root, failed, status);
}

static int execute(struct bvh_run *r, const struct options *o, char **argv)
{
	struct bvh_run_end end = { .wait_status = 0 };
	struct bv_err err = { 0 };
	const char *text = err.msg;
	int status = BVH_RUN_FAULT;
	int code = settle_command(r, o, argv, &err);

	if (code == BV_OK)
		code = start_and_wait(r, &end, &err);
	if (code == BV_OK)
		status = judge(&end, &text);
	else if (code == BV_E_REFUSED)
		status = BVH_RUN_REFUSED;
	if (!end.started && status == BVH_RUN_REFUSED)
		r->adm.decision = BVH_DECIDE_REFUSE;
	clean_up(r);
	tell(r, o, &end, status, text);
	return status;
}

static int admit_and_execute(struct bvh_run *r, const struct options *o,
			     char **argv)
{
	struct bv_err err = { 0 };

	if (admit(r, o, &err) != BV_OK) {
		tell(r, o, NULL, BVH_RUN_FAULT, err.msg);
		return BVH_RUN_FAULT;
	}
	r->decided = true;
	bvh_admission_open(&r->adm, NULL);
	switch (r->adm.decision) {
	case BVH_DECIDE_REFUSE:
		tell(r, o, NULL, BVH_RUN_REFUSED, r->adm.refusal.text);
		return BVH_RUN_REFUSED;
	case BVH_DECIDE_UNCONFINED:
		r->adm.decision = BVH_DECIDE_REFUSE;
		tell(r, o, NULL, BVH_RUN_REFUSED,
		     "the policy exempts: there is no boundary to run in");
		return BVH_RUN_REFUSED;
	case BVH_DECIDE_ADMIT:
		break;
	}
	return execute(r, o, argv);
}

struct bvh_run *bvh_run_new(void)
{
	struct bvh_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	bvh_admission_init(&r->adm);
	bvh_boundary_init(&r->boundary);
	r->pidfd = -1;
	r->status_fd = -1;
	r->listener_sock = -1;
	r->listener_fd = -1;
	r->wall_fd = -1;
	r->cpu.timer_fd = -1;
	return r;
}

void bvh_run_free(struct bvh_run *r)
{
	bvh_close(&r->pidfd);
	bvh_close(&r->status_fd);
	bvh_close(&r->listener_sock);
	bvh_close(&r->listener_fd);
	bvh_run_environment_free(r);
	free(r->gids);
	bvh_admission_done(&r->adm);
	free(r);
}

int bvh_ctl_run(int argc, char **argv)
{
	struct options o = { 0 };
	int status = parse(argc, argv, &o);
	struct bvh_run *r;

	if (status >= 0)
		return status;
	r = bvh_run_new();
	if (r == NULL) {
		bvh_ctl_error("no memory");
		return BVH_RUN_FAULT;
	}
	status = admit_and_execute(r, &o, argv + optind);
	bvh_run_free(r);
	return status;
}
