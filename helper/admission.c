/* SPDX-License-Identifier: MIT */
/*
 * Steps 1-4, in the frozen order: configuration sound → a policy matches →
 * policy valid → probe → plan. What refuses is a result with a text for the
 * log; what breaks is an error; both keep the user out.
 */
#include "helper/admission.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/net_bpf.h"
#include "helper/probe.h"
#include "helper/qualification.h"
#include "helper/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 256 files of the largest size as structs, with a margin. */
#define ARENA_CAP (64u * 1024u * 1024u)

/* The user manager's sessions share user@.service, which lies outside any
 * leaf: a boundary around the one that opens it would confine nothing. */
#define USER_MANAGER_SERVICE "systemd-user"

void bvh_admission_init(struct bvh_admission *a)
{
	memset(a, 0, sizeof(*a));
	bv_arena_init(&a->arena, ARENA_CAP);
	bv_caps_none(&a->caps);
	bvh_cgroup_base_init(&a->base);
}

void bvh_admission_done(struct bvh_admission *a)
{
	bvh_cgroup_base_done(&a->base);
	bv_arena_done(&a->arena);
}

void bvh_admission_refuse(struct bvh_admission *a, enum bv_membrane membrane,
			  const char *fmt, ...)
{
	struct bv_question q;
	va_list ap;

	a->decision = BVH_DECIDE_REFUSE;
	memset(&a->refusal, 0, sizeof(a->refusal));
	a->refusal.membrane = membrane;
	bv_question_early(membrane, &q);
	bv_decide(&q, NULL, &a->trace);
	a->refusal.code = (enum bv_refusal_code)a->trace.decision.code;
	va_start(ap, fmt);
	vsnprintf(a->refusal.text, sizeof(a->refusal.text), fmt, ap);
	va_end(ap);
}

static void BV_PRINTF(2, 3)
	let_through(struct bvh_admission *a, const char *fmt, ...)
{
	va_list ap;

	a->decision = BVH_DECIDE_UNCONFINED;
	va_start(ap, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
}

static void decide_unmatched(struct bvh_admission *a)
{
	if (a->subject.uid == 0)
		let_through(a, "uid 0, and no policy names '%s'",
			    a->subject.user);
	else if (a->config.unmatched_refuse)
		bvh_admission_refuse(
			a, BV_MEMBRANE_UNMATCHED,
			"bvisor.conf: no policy matches user '%s', service "
			"'%s', and unmatched = refuse; add a policy that "
			"matches or set unmatched = allow",
			a->subject.user, a->subject.service);
	else
		let_through(a, "no policy matches, and unmatched = allow");
}

int bvh_probe_spec(const struct bvh_cgroup_base *base,
		   const char *exec_boundary, const struct bv_spec *spec,
		   const struct bv_snapshot *first, struct bv_snapshot *ret,
		   struct bv_err *err)
{
	int code = bvh_probe(base, exec_boundary, ret, err);

	if (code == BV_OK && spec->workload == BV_WORKLOAD_WASM)
		code = bv_snapshot_set(ret, BV_FACT_BACKEND, "wasm", err);
	if (code != BV_OK || !bv_spec_filters_network(spec))
		return code;
	return bv_snapshot_set_bool(
		ret, BV_FACT_CGROUP_BPF,
		first != NULL ? bv_snapshot_is(first, BV_FACT_CGROUP_BPF)
			      : bvh_net_works(base),
		err);
}

/* The plan is made: is the machine still the one it was made for? What comes
 * next has effects. */
static int decide_again(struct bvh_admission *a, const char *exec_boundary,
			const struct bv_snapshot *snapshot, struct bv_err *err)
{
	struct bv_snapshot again = { .n = 0 };
	const struct bv_plan_extra extra = { .again = &again,
					     .caps = &a->caps };
	int code = bvh_probe_spec(&a->base, exec_boundary, &a->spec, snapshot,
				  &again, err);

	if (code != BV_OK || bv_snapshot_drift(snapshot, &again) == NULL)
		return code;
	return bv_plan_decide(&a->spec, snapshot, &extra, &a->plan, &a->refusal,
			      &a->trace, err);
}

/* Spec × this machine → plan or refusal, for a policy that confines. */
static int decide_confine(struct bvh_admission *a, const char *exec_boundary,
			  struct bv_err *err)
{
	const struct bv_plan_extra extra = { .caps = &a->caps };
	struct bv_snapshot snapshot = { .n = 0 };
	struct bv_err why = { 0 };
	int code = bv_spec_build(&a->arena, a->policy, &a->subject, &a->spec,
				 &why);

	if (code == BV_OK)
		code = bvh_resolve_spec(&a->arena, &a->spec, &why);
	if (code == BV_E_CONF) {
		bvh_admission_refuse(a, BV_MEMBRANE_CONFIG, "%s", why.msg);
		return BV_OK;
	}
	if (code != BV_OK) {
		if (err != NULL)
			*err = why;
		return code;
	}
	code = bvh_cgroup_base_find(a->config.cgroup_base, &a->base, err);
	if (code != BV_OK)
		return bv_ctx(err, "cgroup base");
	code = bvh_probe_spec(&a->base, exec_boundary, &a->spec, NULL,
			      &snapshot, err);
	if (code != BV_OK)
		return bv_ctx(err, "probe");
	bvh_qualification_caps(&a->config, &snapshot, &a->arena, &a->caps);
	code = bv_plan_decide(&a->spec, &snapshot, &extra, &a->plan,
			      &a->refusal, &a->trace, err);
	if (code == BV_OK && a->refusal.membrane == BV_MEMBRANE_NONE)
		code = decide_again(a, exec_boundary, &snapshot, err);
	if (code != BV_OK)
		return bv_ctx(err, "plan");
	a->decision = a->refusal.membrane == BV_MEMBRANE_NONE
			      ? BVH_DECIDE_ADMIT
			      : BVH_DECIDE_REFUSE;
	return BV_OK;
}

static int decide_policy(struct bvh_admission *a, const char *exec_boundary,
			 struct bv_err *err)
{
	const struct bv_policy *p = a->policy;

	if (p->broken) {
		bvh_admission_refuse(a, BV_MEMBRANE_CONFIG, "%s", p->error.msg);
		return BV_OK;
	}
	switch (p->action) {
	case BV_ACTION_REFUSE:
		bvh_admission_refuse(a, BV_MEMBRANE_ACTION,
				     "%s: the policy refuses whom it matches",
				     p->path);
		return BV_OK;
	case BV_ACTION_EXEMPT:
		let_through(a, "%s: the policy exempts whom it matches",
			    p->path);
		return BV_OK;
	case BV_ACTION_CONFINE:
		break;
	}
	if (strcmp(a->subject.service, USER_MANAGER_SERVICE) == 0) {
		bvh_admission_refuse(
			a, BV_MEMBRANE_WORKLOAD,
			"%s: the user manager cannot be confined as a session; "
			"its services run in user@.service, outside every "
			"boundary. Exempt the service by a policy (service = "
			"systemd-user) or take the module out of it",
			p->path);
		return BV_OK;
	}
	return decide_confine(a, exec_boundary, err);
}

/* Services that execute the account's shell. cron, at and sudo do not: there
 * bvisor-shell in the user database is a promise that nobody keeps. */
static const char *const shell_services[] = { "login", "remote", "sshd",
					      "su",    "su-l",   "telnet" };

/* What stands between the session's start and its programs. */
static const char *find_exec_boundary(const struct bv_subject *who,
				      const struct bvh_login *login,
				      const char *given)
{
	if (strcmp(given, "none") != 0)
		return given;
	/* Whatever the service starts: nothing else can be executed. */
	if (strcmp(who->shell, BV_WASM_PATH) == 0)
		return "wasm";
	for (size_t i = 0; i < BV_LEN(shell_services); i++) {
		if (strcmp(who->service, shell_services[i]) == 0 &&
		    strcmp(who->shell, BV_SHELL_PATH) == 0)
			return "shell";
	}
	/* sshd's alone, and the administrator's word. */
	return login->forcecommand ? "forcecommand" : given;
}

int bvh_admit(const char *config_dir, const struct bvh_login *login,
	      const char *exec_boundary, struct bvh_admission *a,
	      struct bv_err *err)
{
	int code = bvh_config_load(config_dir, &a->arena, &a->config,
				   &a->policies, &a->policies_n, err);

	if (code == BV_OK)
		code = bvh_subject_load(login, &a->arena, &a->subject, err);
	if (code != BV_OK)
		return code;
	exec_boundary = find_exec_boundary(&a->subject, login, exec_boundary);
	switch (bv_match(a->policies, a->policies_n, &a->subject, &a->policy)) {
	case BV_MATCH_NONE:
		a->policy = NULL;
		decide_unmatched(a);
		return BV_OK;
	case BV_MATCH_BROKEN:
	case BV_MATCH_POLICY:
		return decide_policy(a, exec_boundary, err);
	}
	return bv_fail(err, BV_E_BUG, "match gave no result");
}

/* --- one given file ------------------------------------------------------- */

static int read_any(const char *path, char **ret, size_t *ret_len,
		    struct bv_err *err)
{
	bv_auto_close int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bv_auto_free char *bytes = NULL;
	struct stat st;
	ssize_t len;

	if (fd < 0)
		return bv_fail_errno(err, errno, "%s: open", path);
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s: stat", path);
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "%s: not a regular file", path);
	bytes = malloc(BV_CONF_FILE_MAX + 1);
	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: read", path);
	len = bvh_read_all(fd, bytes, BV_CONF_FILE_MAX);
	if (len < 0 && errno == EFBIG)
		return bv_fail(err, BV_E_LIMIT, "%s: over %u bytes", path,
			       BV_CONF_FILE_MAX);
	if (len < 0)
		return bv_fail_errno(err, errno, "%s: read", path);
	*ret = bytes;
	*ret_len = (size_t)len;
	bytes = NULL;
	return BV_OK;
}

/* "dir/name.conf" → "name"; what is no valid name becomes "file". */
static const char *name_of(struct bv_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash == NULL ? path : slash + 1;
	size_t len = strlen(file);
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (len > 5 && strcmp(file + len - 5, ".conf") == 0)
		len -= 5;
	if (len == 0 || len > BV_POLICY_NAME_MAX || file[0] == '.' ||
	    strspn(file, good) < len)
		return "file";
	return bv_arena_strndup(arena, file, len);
}

/* bvisor.conf for its directories. They are root's: an ordinary user goes by
 * the defaults, and looks for a cgroup of its own. */
static int config_for_run(struct bvh_admission *a, struct bv_err *err)
{
	if (geteuid() == 0)
		return bvh_config_load(BVH_CONFIG_DIR, &a->arena, &a->config,
				       NULL, NULL, err);
	return bv_config_parse(&a->arena, "bvisor.conf", NULL, 0, &a->config,
			       err);
}

int bvh_admit_file(const char *policy_path, const struct bvh_login *login,
		   const char *exec_boundary, struct bvh_admission *a,
		   struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	const char *path = bv_arena_strdup(&a->arena, policy_path);
	const char *name = name_of(&a->arena, policy_path);
	size_t len = 0;
	int code;

	a->policies = bv_arena_alloc(&a->arena, sizeof(*a->policies));
	if (path == NULL || name == NULL || a->policies == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: load", policy_path);
	code = config_for_run(a, err);
	if (code == BV_OK)
		code = read_any(path, &bytes, &len, err);
	if (code == BV_OK)
		code = bv_policy_parse(&a->arena, name, path, bytes, len,
				       a->policies);
	if (code == BV_OK)
		code = bvh_subject_load_account(login, &a->arena, &a->subject,
						err);
	if (code != BV_OK)
		return code;
	a->policies_n = 1;
	a->policy = a->policies;
	return decide_policy(a, exec_boundary, err);
}
