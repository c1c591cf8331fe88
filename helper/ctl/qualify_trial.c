/* SPDX-License-Identifier: MIT */
/*
 * One boundary of the proofs. Policy, planner, schedule and steps are those of
 * `bvisorctl run`, which are the guardian's; only the text of the policy is
 * ours and no ledger caps it, for that is what is to be found out.
 */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"
#include "helper/resolve.h"
#include "helper/session.h"
#include "helper/shell/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define POLICY_MAX 8192
#define NAME       "qualify"

/* A red build asks this file which guards are out, also from inside. */
#ifdef BV_RED
#define RED_RULE "read = -/run/bvisor.red\n"
#else
#define RED_RULE ""
#endif

static bool has_section(const char *lines, const char *name)
{
	return strstr(lines, name) != NULL;
}

static int policy_text(const struct bvh_stage *s, const char *lines,
		       char ret[POLICY_MAX], struct bv_err *err)
{
	int n = snprintf(
		ret, POLICY_MAX,
		"bvisor-policy 1\n"
		"[match]\nuser = *\n"
		"[filesystem]\nbase = system\nwrite = %s/home\n"
		"%s%s%s%s",
		s->dir, RED_RULE, lines,
		has_section(lines, "[network]") ? ""
						: "[network]\naccess = open\n",
		has_section(lines, "[temp]") ? "" : "[temp]\nprivate = no\n");

	return n < 0 || n >= POLICY_MAX
		       ? bv_fail(err, BV_E_LIMIT, "the policy is too long")
		       : BV_OK;
}

static void make_subject(struct bvh_admission *adm, const struct bvh_stage *s)
{
	static const char *const groups[] = { "nogroup" };

	adm->subject = (struct bv_subject){
		.user = "bvisor-qualify",
		.uid = BVH_STAGE_UID,
		.gid = BVH_STAGE_GID,
		.home = bv_arena_strdup(&adm->arena, bvh_stage_path(s, "home")),
		.shell = "/bin/sh",
		.groups = groups,
		.groups_n = BV_LEN(groups),
		.service = "bvisorctl",
		.tty = "",
		.rhost = "",
	};
}

/* lines → adm->spec, with the arena's storage. */
static int make_spec(struct bvh_admission *adm, const struct bvh_stage *s,
		     const char *lines, struct bv_err *err)
{
	char text[POLICY_MAX];
	int code = policy_text(s, lines, text, err);

	make_subject(adm, s);
	adm->config = s->config;
	adm->policies = bv_arena_alloc(&adm->arena, sizeof(*adm->policies));
	if (code == BV_OK &&
	    (adm->policies == NULL || adm->subject.home == NULL))
		code = bv_fail(err, BV_E_NOMEM, "the policy");
	if (code == BV_OK)
		code = bv_policy_parse(&adm->arena, NAME, NAME, text,
				       strlen(text), adm->policies);
	if (code != BV_OK)
		return code;
	adm->policies_n = 1;
	adm->policy = adm->policies;
	code = bv_spec_build(&adm->arena, adm->policy, &adm->subject,
			     &adm->spec, err);
	return code == BV_OK ? bvh_resolve_spec(&adm->arena, &adm->spec, err)
			     : code;
}

/* The machine's word against a proof, or ours: only the machine's is a skip. */
static int refused(const struct bv_refusal *r, struct bv_err *err)
{
	bool lacks = r->membrane == BV_MEMBRANE_SUPPORT ||
		     (r->membrane == BV_MEMBRANE_BUDGET &&
		      r->reason == BV_BUDGET_GUARANTEE);

	return bv_fail(err, lacks ? BV_E_UNSUPPORTED : BV_E_BUG, "%s", r->text);
}

static int plan(struct bvh_admission *adm, const struct bv_snapshot *snap,
		struct bv_err *err)
{
	int code =
		bv_plan_build(&adm->spec, snap, &adm->plan, &adm->refusal, err);

	if (code == BV_OK && adm->refusal.membrane != BV_MEMBRANE_NONE)
		code = refused(&adm->refusal, err);
	return code;
}

static int settle(struct bvh_trial *t, struct bv_err *err)
{
	static const gid_t gids[] = { BVH_STAGE_GID };
	struct bvh_run *r = t->run;
	int code = bvh_run_environment(r, environ, err);

	if (code == BV_OK)
		code = bvh_session_new_id(r->id, err);
	r->gids = malloc(sizeof(gids));
	if (code == BV_OK && r->gids == NULL)
		code = bv_fail(err, BV_E_NOMEM, "groups");
	if (code != BV_OK)
		return code;
	memcpy(r->gids, gids, sizeof(gids));
	r->gids_n = BV_LEN(gids);
	r->switch_user = true;
	memcpy(t->outcome->session, r->id, sizeof(r->id));
	return BV_OK;
}

int bvh_trial_plan(struct bvh_trial *t, struct bv_err *err, const char *fmt,
		   ...)
{
	char lines[POLICY_MAX];
	va_list ap;
	int code, n;

	va_start(ap, fmt);
	n = vsnprintf(lines, sizeof(lines), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(lines))
		return bv_fail(err, BV_E_LIMIT, "the policy is too long");
	t->run = bvh_run_new();
	if (t->run == NULL)
		return bv_fail(err, BV_E_NOMEM, "a trial");
	code = make_spec(&t->run->adm, t->stage, lines, err);
	if (code == BV_OK)
		code = plan(&t->run->adm, &t->stage->snap, err);
	t->run->adm.base = t->stage->base;
	if (code == BV_OK)
		code = settle(t, err);
	return code;
}

int bvh_trial_begin(struct bvh_trial *t, int (*inside)(void *), void *arg,
		    char **argv, struct bv_err *err)
{
	int code = bvh_run_block_signals(t->run, &t->signal_fd, err);

	t->run->inside = inside;
	t->run->inside_arg = arg;
	t->run->argv = argv;
	return code == BV_OK ? bvh_run_begin(t->run, err) : code;
}

int bvh_trial_wait(struct bvh_trial *t, struct bv_err *err)
{
	int code = bvh_run_wait(t->run, t->signal_fd, &t->end, err);

	if (code == BV_OK && t->end.note.kind != 0)
		code = bv_fail(err, BV_E_SYS, "%s", t->end.note.msg);
	else if (code == BV_OK && !t->end.started)
		code = bv_fail(err, BV_E_SYS,
			       "the child died before it was confined");
	return code;
}

int bvh_trial_down(struct bvh_trial *t, struct bv_err *err)
{
	int code = BV_OK;

	if (t->run != NULL && t->run->started)
		code = bvh_course_back(&t->run->course, err);
	return code;
}

/* The base is the stage's. */
void bvh_trial_done(struct bvh_trial *t)
{
	if (t->run == NULL)
		return;
	(void)!bvh_trial_down(t, NULL);
	if (!t->run->boundary.has_leaf)
		t->outcome->session[0] = '\0';
	bvh_cgroup_base_init(&t->run->adm.base);
	bvh_run_free(t->run);
	t->run = NULL;
	bvh_close(&t->signal_fd);
}

int bvh_trial_go(struct bvh_trial *t, int (*inside)(void *), void *arg,
		 struct bv_err *err)
{
	int code = bvh_trial_begin(t, inside, arg, NULL, err);

	return code == BV_OK ? bvh_trial_wait(t, err) : code;
}

/* --- bvisor-shell's launch ------------------------------------------------- */

/* What goes to the process that takes bvisor-shell's place. */
struct hand_over {
	int memfd;
	struct bvh_answer answer;
	char **argv;
};

/* What a login program leaves open across the exec; run has marked all to be
 * closed there. */
static void inherit_sentinels(void)
{
	(void)fcntl(BVH_SENTINEL, F_SETFD, 0);
	(void)fcntl(BVH_KEPT, F_SETFD, 0);
}

/* As helper/shell/main.c, but for asking: what it would be given is here. */
static int take_over(void *arg)
{
	const struct hand_over *h = arg;
	struct bvh_shell *s = calloc(1, sizeof(*s));
	struct bv_err err = { 0 };
	int code;

	if (s == NULL)
		return BVH_SHELL_REFUSED;
	code = bvh_launch_open(h->memfd, &h->answer, &s->bytes, &err);
	s->len = h->answer.len;
	if (code == BV_OK)
		code = bv_launch_decode(s->bytes, s->len, &s->plan, &err);
	s->argv = h->argv;
	inherit_sentinels();
	if (code == BV_OK)
		bvh_shell_launch(s, &err);
	dprintf(STDOUT_FILENO, "bvisor-shell: %s\n", err.msg);
	return BVH_SHELL_REFUSED;
}

int bvh_trial_login(const struct bvh_trial *t, const char *lines,
		    struct bvh_admission *ret, struct bv_err *err)
{
	struct bv_snapshot snap = t->stage->snap;
	int code = bv_snapshot_set(&snap, BV_FACT_EXEC_BOUNDARY, "shell", err);

	if (code == BV_OK)
		code = make_spec(ret, t->stage, lines, err);
	return code == BV_OK ? plan(ret, &snap, err) : code;
}

/* The guardian's half: the plan of a login with an exec boundary. */
static int make_launch(struct bvh_trial *t, const char *lines,
		       const char *shell, struct hand_over *h,
		       struct bv_err *err)
{
	struct bvh_admission *adm = calloc(1, sizeof(*adm));
	unsigned char *bytes = malloc(BV_LAUNCH_MAX);
	char all[POLICY_MAX];
	size_t len = 0;
	int code;

	if (adm == NULL || bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "a launch plan");
	bvh_admission_init(adm);
	snprintf(all, sizeof(all), "%s[session]\nshell = %s\n", lines, shell);
	code = bvh_trial_login(t, all, adm, err);
	if (code == BV_OK)
		code = bvh_launch_make(&adm->plan, bytes, BV_LAUNCH_MAX, &len,
				       err);
	if (code == BV_OK)
		code = bvh_launch_seal(bytes, len, &h->memfd, err);
	h->answer.launch = 1;
	h->answer.len = (uint32_t)len;
	bv_sha256_hex(bytes, len, h->answer.sha256_hex);
	explicit_bzero(bytes, BV_LAUNCH_MAX);
	free(bytes);
	bvh_admission_done(adm);
	free(adm);
	return code;
}

int bvh_launch_in(struct bvh_trial *t, const char *lines, const char *shell,
		  char **argv, struct bv_err *err)
{
	/* Alive as long as the child may look at it: it has a copy of all. */
	struct hand_over h = { .memfd = -1, .argv = argv };
	int code = make_launch(t, lines, shell, &h, err);

	if (code == BV_OK)
		code = bvh_trial_begin(t, take_over, &h, NULL, err);
	bvh_close(&h.memfd);
	return code;
}
