/* SPDX-License-Identifier: MIT */
/* What can be said of policies before anybody logs in. */
#include "helper/ctl/check.h"

#include "core/plan.h"
#include "helper/net_bpf.h"
#include "helper/probe.h"
#include "helper/qualification.h"
#include "helper/resolve.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINGER_DIR "/var/lib/systemd/linger"

/* --- policies that never decide ------------------------------------------- */

static bool holds_value(const struct bv_list *list, const struct bv_value *v)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].negated == v->negated &&
		    strcmp(list->v[i].text, v->text) == 0)
			return true;
	}
	return false;
}

static bool has_kind(const struct bv_list *list, bool negated)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].negated == negated)
			return true;
	}
	return false;
}

static bool names(const struct bv_list *list, const char *text)
{
	const struct bv_value v = { .text = text };

	return holds_value(list, &v);
}

/* Does `first` hold wherever `later` does? Told only where the texts show it;
 * networks inside networks are not looked at. */
static bool covers(const struct bv_list *first, const struct bv_list *later)
{
	if (first->n == 0 || (names(first, "*") && !has_kind(first, true)))
		return true;
	/* Without a plain value everybody is meant but the negated. */
	if (has_kind(first, false) && !has_kind(later, false))
		return false;
	for (size_t i = 0; i < later->n; i++) {
		if (!later->v[i].negated && has_kind(first, false) &&
		    !holds_value(first, &later->v[i]))
			return false;
	}
	for (size_t i = 0; i < first->n; i++) {
		if (first->v[i].negated && !holds_value(later, &first->v[i]))
			return false;
	}
	return true;
}

static bool shadows(const struct bv_policy *first,
		    const struct bv_policy *later)
{
	const struct bv_match *a = &first->match, *b = &later->match;

	/* uid 0 is matched by name only. */
	if (names(&b->user, "root") && !names(&a->user, "root"))
		return false;
	return covers(&a->user, &b->user) && covers(&a->group, &b->group) &&
	       covers(&a->service, &b->service) && covers(&a->tty, &b->tty) &&
	       covers(&a->rhost, &b->rhost);
}

static void check_shadowed(struct bvh_check *check)
{
	const struct bv_policy *p = check->policies;

	for (size_t later = 1; later < check->policies_n; later++) {
		for (size_t first = 0; first < later; first++) {
			if (p[first].broken || p[later].broken ||
			    !shadows(&p[first], &p[later]))
				continue;
			bvh_check_found(check, BVH_CHECK_WARNING,
					"%s never decides: '%s' (priority %u) "
					"comes first and matches the same",
					p[later].path, p[first].name,
					p[first].priority);
			break;
		}
	}
}

/* --- names that nobody has ------------------------------------------------- */

static bool is_user(const char *name)
{
	return getpwnam(name) != NULL;
}

static bool is_group(const char *name)
{
	return getgrnam(name) != NULL;
}

/* Such a name is valid and matches nobody, above all two names on one line. */
static void check_known(struct bvh_check *check, const struct bv_policy *p,
			const struct bv_list *list, const char *kind,
			bool (*known)(const char *name))
{
	for (size_t i = 0; i < list->n; i++) {
		const struct bv_value *v = &list->v[i];

		if (strcmp(v->text, "*") == 0 || known(v->text))
			continue;
		bvh_check_found(check, BVH_CHECK_WARNING,
				"%s:%u: [match] %s: this machine knows no %s "
				"'%s'%s",
				p->path, v->line, kind, kind, v->text,
				strpbrk(v->text, " \t,") == NULL
					? ""
					: "; one value a line, each with its "
					  "own key");
	}
}

static void check_names(struct bvh_check *check)
{
	for (size_t i = 0; i < check->policies_n; i++) {
		const struct bv_policy *p = &check->policies[i];

		if (p->broken)
			continue;
		check_known(check, p, &p->match.user, "user", is_user);
		check_known(check, p, &p->match.group, "group", is_group);
	}
}

/* --- policies this machine refuses ---------------------------------------- */

/* The machine as an account with the right shell would meet it. */
static int machine_for(const struct bv_policy *p,
		       const struct bv_snapshot *snap, struct bv_snapshot *ret,
		       struct bv_err *err)
{
	int code = BV_OK;

	*ret = *snap;
	if (p->workload == BV_WORKLOAD_WASM) {
		code = bv_snapshot_set(ret, BV_FACT_BACKEND, "wasm", err);
		if (code == BV_OK)
			code = bv_snapshot_set(ret, BV_FACT_EXEC_BOUNDARY,
					       "wasm", err);
	}
	return code;
}

/* What every session of a policy needs, when it is the same for everybody. */
static void check_opens(struct bvh_check *check, const struct bv_spec *spec)
{
	struct bv_err err = { 0 };

	if (geteuid() != 0) /* whom much is closed that is open to a session */
		return;
	if (bvh_spec_opens(spec, true, NULL, &err) != BV_OK)
		bvh_check_found(check, BVH_CHECK_WARNING,
				"'%s' refuses whom it matches on this machine: "
				"%s",
				spec->policy->name, err.msg);
}

static void try_policy(struct bvh_check *check, const struct bv_policy *p,
		       const struct bv_snapshot *probed)
{
	static const char *const groups[] = { "user" };
	/* Nobody in particular: none of this one's own paths is opened. */
	const struct bv_subject anybody = {
		.user = "user",
		.uid = 1000,
		.gid = 1000,
		.home = "/home/user",
		.shell = "/bin/sh",
		.groups = groups,
		.groups_n = 1,
		.service = "sshd",
		.tty = "",
		.rhost = "",
	};
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_NONE };
	struct bv_plan *plan = calloc(1, sizeof(*plan));
	struct bv_snapshot snap;
	struct bv_caps caps;
	const struct bv_plan_extra extra = { .caps = &caps };
	struct bv_err err = { 0 };
	struct bv_spec spec;
	int code = plan == NULL ? bv_fail(&err, BV_E_NOMEM, "plan")
				: machine_for(p, probed, &snap, &err);

	if (code == BV_OK)
		bvh_qualification_caps(&check->config, &snap, &check->arena,
				       &caps);
	if (code == BV_OK)
		code = bv_spec_build(&check->arena, p, &anybody, &spec, &err);
	if (code == BV_OK)
		code = bvh_resolve_spec(&check->arena, &spec, &err);
	if (code == BV_OK)
		code = bv_plan_decide(&spec, &snap, &extra, plan, &refusal,
				      NULL, &err);
	if (code != BV_OK)
		bvh_check_found(check, BVH_CHECK_ERROR, "%s", err.msg);
	else if (refusal.membrane != BV_MEMBRANE_NONE)
		bvh_check_found(check, BVH_CHECK_WARNING,
				"'%s' refuses whom it matches on this machine: "
				"%s",
				p->name, refusal.text);
	else
		check_opens(check, &spec);
	free(plan);
}

static void check_enforceable(struct bvh_check *check)
{
	struct bvh_cgroup_base base;
	struct bv_snapshot snap = { .n = 0 };
	struct bv_err err = { 0 };

	/* Another user's facts are not those of a login. */
	if (geteuid() != 0 || !bvh_check_confines(check))
		return;
	bvh_cgroup_base_init(&base);
	if (bvh_cgroup_base_find(check->config.cgroup_base, &base, &err) !=
		    BV_OK ||
	    bvh_probe(&base, "none", &snap, &err) != BV_OK ||
	    bv_snapshot_set_bool(&snap, BV_FACT_CGROUP_BPF,
				 bvh_net_works(&base), &err) != BV_OK) {
		bvh_check_found(check, BVH_CHECK_ERROR, "probe: %s", err.msg);
	} else {
		for (size_t i = 0; i < check->policies_n; i++) {
			const struct bv_policy *p = &check->policies[i];

			if (!p->broken && p->action == BV_ACTION_CONFINE)
				try_policy(check, p, &snap);
		}
	}
	bvh_cgroup_base_done(&base);
}

/* --- users whose programs run without a session --------------------------- */

static void check_linger(struct bvh_check *check)
{
	DIR *dir = opendir(LINGER_DIR);
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		const struct bvh_login login = { e->d_name, "sshd", "", "",
						 false };
		const struct bv_policy *p = NULL;
		struct bv_subject who;

		if (e->d_name[0] == '.' ||
		    bvh_subject_load(&login, &check->arena, &who, NULL) !=
			    BV_OK ||
		    bv_match(check->policies, check->policies_n, &who, &p) !=
			    BV_MATCH_POLICY ||
		    p->action != BV_ACTION_CONFINE)
			continue;
		bvh_check_found(check, BVH_CHECK_WARNING,
				"'%s' lingers: units of the user run outside "
				"any session of '%s'; loginctl disable-linger "
				"%s",
				who.user, p->name, who.user);
	}
	if (dir != NULL)
		closedir(dir);
}

void bvh_check_policies(struct bvh_check *check)
{
	bvh_check_dirs(check);
	check_shadowed(check);
	check_names(check);
	check_enforceable(check);
	check_linger(check);
}
