/* SPDX-License-Identifier: MIT */
/* Policy × subject → spec: paths expanded and merged, requirements listed. */
#include "core/spec.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_SESSION "every session"

static const char *const network_keys[] = {
	[BV_NETWORK_DENY] = "[network] access = deny",
	[BV_NETWORK_LIST] = "[network] access = list",
	[BV_NETWORK_OPEN] = "[network] access = open",
};

static const char *const spawn_keys[] = {
	[BV_SPAWN_DESCENDANTS] = "[spawn] policy = descendants",
	[BV_SPAWN_THREADS] = "[spawn] policy = threads",
	[BV_SPAWN_NONE] = "[spawn] policy = none",
};

static const enum bv_req spawn_reqs[] = {
	[BV_SPAWN_DESCENDANTS] = BV_REQ_SPAWN_ALLOW_DESCENDANTS,
	[BV_SPAWN_THREADS] = BV_REQ_SPAWN_ALLOW_THREADS,
	[BV_SPAWN_NONE] = BV_REQ_SPAWN_DENY_NEW_TASKS,
};

/* In the order of enum bv_req. */
static const struct access_row {
	uint32_t right;
	enum bv_req req;
	const char *key;
} access_rows[] = {
	{ BV_FS_READ, BV_REQ_FS_READ, "[filesystem] read" },
	{ BV_FS_WRITE, BV_REQ_FS_WRITE, "[filesystem] write" },
	{ BV_FS_EXEC, BV_REQ_FS_EXEC, "[filesystem] exec" },
	{ BV_FS_HIDE, BV_REQ_FS_HIDE, "[filesystem] hide" },
};

static void require(struct bv_spec *spec, enum bv_req req, unsigned int line,
		    const char *key)
{
	spec->req[spec->req_n++] = (struct bv_requirement){
		.kind = bv_req_kind(req),
		.line = line,
		.key = key,
		.req = req,
	};
}

/* Each right that any rule has, by the first line that asks for it. */
static void require_access(struct bv_spec *spec, const struct bv_fs_rule *rule,
			   size_t n, const struct access_row *row)
{
	unsigned int line = 0;
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (!(rule[i].rights & row->right))
			continue;
		if (!any || rule[i].line < line)
			line = rule[i].line;
		any = true;
	}
	if (any)
		require(spec, row->req, line, row->key);
}

static void require_filesystem(struct bv_spec *spec)
{
	const struct bv_policy *p = spec->policy;

	require(spec, BV_REQ_FILESYSTEM,
		p->base_line == 0 && p->fs_n > 0 ? p->fs[0].line : p->base_line,
		"[filesystem]");
	for (size_t i = 0; i < BV_LEN(access_rows); i++)
		require_access(spec, spec->fs, spec->fs_n, &access_rows[i]);
}

static void require_environment(struct bv_spec *spec)
{
	const struct bv_policy *p = spec->policy;

	require(spec, BV_REQ_ENVIRONMENT, p->env_line,
		"[environment] policy = exact");
	for (size_t i = 0; i < p->env_n; i++) {
		if (p->env[i].is_lease) {
			require(spec, BV_REQ_ENVIRONMENT_LEASE, p->env[i].line,
				"[environment] lease");
			return;
		}
	}
}

/* Reading is asked for of what is exposed to be read and no more. */
static void require_expose(struct bv_spec *spec)
{
	const struct bv_policy *p = spec->policy;
	const struct bv_expose_rule *ro = NULL, *rw = NULL;

	for (size_t i = p->expose_n; i > 0; i--) {
		if (p->expose[i - 1].write)
			rw = &p->expose[i - 1];
		else
			ro = &p->expose[i - 1];
	}
	if (ro)
		require(spec, BV_REQ_EXPOSE_RO, ro->line, "[expose] read");
	if (rw)
		require(spec, BV_REQ_EXPOSE_RW, rw->line, "[expose] write");
}

static const struct commit_row {
	enum bv_req req;
	const char *key;
} commit_rows[] = {
	[BV_COMMIT_DISCARD] = { BV_REQ_DISCARD_ARTIFACT,
				"[outbox] commit = discard" },
	[BV_COMMIT_ATOMIC] = { BV_REQ_COMMIT_ATOMIC,
			       "[outbox] commit = atomic" },
	[BV_COMMIT_DURABLE] = { BV_REQ_COMMIT_DURABLE,
				"[outbox] commit = durable" },
	[BV_COMMIT_BEST_EFFORT] = { BV_REQ_COMMIT_BEST_EFFORT,
				    "[outbox] commit = best-effort-durable" },
};
_Static_assert(BV_LEN(commit_rows) == BV_COMMIT_N, "every commit is asked for");

/* In the order of enum bv_req, each key at most once. */
static void list_requirements(struct bv_spec *spec)
{
	const struct bv_policy *p = spec->policy;

	require_filesystem(spec);
	if (p->network == BV_NETWORK_DENY)
		require(spec, BV_REQ_NETWORK_DENY_ALL, p->network_line,
			network_keys[p->network]);
	else if (p->network == BV_NETWORK_LIST)
		require(spec, BV_REQ_NETWORK_ALLOW_LIST, p->network_line,
			network_keys[p->network]);
	require(spec, spawn_reqs[p->spawn], p->spawn_line,
		spawn_keys[p->spawn]);
	if (p->env_exact)
		require_environment(spec);
	if (p->fds == BV_FDS_NONE)
		require(spec, BV_REQ_FDS_NONE, p->fds_line,
			"[fds] policy = none");
	else if (p->fds == BV_FDS_ONLY)
		require(spec, BV_REQ_FDS_ONLY, p->fds_line,
			"[fds] policy = only");
	require(spec, BV_REQ_LAUNCH_WORKLOAD, 0, EVERY_SESSION);
	if (p->capture_streams)
		require(spec, BV_REQ_CAPTURE_STREAMS, p->capture_line,
			"[session] capture");
	if (p->temp_private)
		require(spec,
			p->budget[BV_DIM_STORAGE].stated
				? BV_REQ_TEMP_ROOT_SIZED
				: BV_REQ_TEMP_ROOT,
			p->temp_line, "[temp] private = yes");
	require_expose(spec);
	if (p->outbox.line != 0)
		require(spec, commit_rows[p->outbox.commit].req,
			p->outbox.commit_line,
			commit_rows[p->outbox.commit].key);
	require(spec, BV_REQ_KILL_ATOMIC, 0, EVERY_SESSION);
	if (p->outbox.line != 0)
		require(spec, BV_REQ_LIST_OUTPUTS, p->outbox.path_line,
			"[outbox] path");
}

/* Evidence demanded of a kind that the policy does not ask for would be shown
 * by nobody: a mistake in the text, not a property of the machine. */
static int demand_evidence(struct bv_spec *spec, struct bv_err *err)
{
	const struct bv_kind_evidence *of = spec->policy->of_kind;
	bool shown[BV_KIND_N] = { false };

	for (size_t i = 0; i < spec->req_n; i++) {
		struct bv_requirement *r = &spec->req[i];

		r->evidence = of[r->kind].claims;
		shown[r->kind] = true;
	}
	for (unsigned int k = 0; k < BV_KIND_N; k++)
		if (of[k].claims != 0 && !shown[k])
			return bv_fail(err, BV_E_CONF,
				       "%s:%u: [evidence] require: this policy "
				       "asks for no %s; remove the line",
				       spec->policy->path, of[k].line,
				       bv_kind_name((enum bv_kind)k));
	return BV_OK;
}

static int by_path(const void *a, const void *b)
{
	const struct bv_fs_rule *x = a, *y = b;
	int cmp = strcmp(x->path, y->path);

	if (cmp != 0)
		return cmp;
	return (x->line > y->line) - (x->line < y->line);
}

/* Fold the rules of one path, which lie side by side, into one. */
static int merge_rules(const struct bv_policy *policy, struct bv_fs_rule *rules,
		       size_t n, size_t *ret_n, struct bv_err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct bv_fs_rule *last = kept ? &rules[kept - 1] : NULL;

		if (!last || strcmp(last->path, rules[i].path) != 0) {
			rules[kept++] = rules[i];
			continue;
		}
		if ((last->rights ^ rules[i].rights) & BV_FS_HIDE)
			return bv_fail(err, BV_E_CONF,
				       "%s:%u: [filesystem] '%s' is both "
				       "hidden and allowed (line %u); remove "
				       "one of the two",
				       policy->path, rules[i].line,
				       rules[i].path, last->line);
		last->rights |= rules[i].rights;
		/* Needed once is needed. */
		last->optional = last->optional && rules[i].optional;
	}
	*ret_n = kept;
	return BV_OK;
}

static int expand_rules(struct bv_arena *arena, const struct bv_policy *policy,
			const struct bv_subject *subject, struct bv_spec *spec,
			struct bv_err *err)
{
	struct bv_fs_rule *rules;
	size_t n = 0;
	int r;

	if (policy->fs_n == 0)
		return BV_OK;
	rules = bv_arena_alloc(arena, policy->fs_n * sizeof(*rules));
	if (!rules)
		return bv_fail(err, BV_E_NOMEM, "policy '%s': no memory",
			       policy->name);
	for (size_t i = 0; i < policy->fs_n; i++) {
		const struct bv_fs_rule *rule = &policy->fs[i];

		if ((rule->rights & BV_FS_HIDE) && rule->rights != BV_FS_HIDE)
			return bv_fail(err, BV_E_CONF,
				       "%s:%u: [filesystem] '%s' is both "
				       "hidden and allowed; remove one of the "
				       "two",
				       policy->path, rule->line, rule->path);
		rules[i] = *rule;
		r = bv_expand_path(arena, rule->path, subject, &rules[i].path,
				   err);
		if (r != BV_OK) {
			(void)bv_ctx(err, "%s:%u: [filesystem]", policy->path,
				     rule->line);
			return r;
		}
	}
	qsort(rules, policy->fs_n, sizeof(*rules), by_path);
	r = merge_rules(policy, rules, policy->fs_n, &n, err);
	if (r != BV_OK)
		return r;
	spec->fs = rules;
	spec->fs_n = n;
	return BV_OK;
}

int bv_spec_pin(struct bv_arena *arena, struct bv_spec *spec,
		const struct bv_net_name *name, size_t name_n,
		struct bv_err *err)
{
	if (spec->network != BV_NETWORK_LIST)
		return BV_OK;
	return bv_net_pin(arena, spec->policy, name, name_n, &spec->net, err);
}

bool bv_spec_filters_network(const struct bv_spec *spec)
{
	return spec->network == BV_NETWORK_LIST ||
	       spec->budget[BV_DIM_NETWORK].stated;
}

int bv_spec_build(struct bv_arena *arena, const struct bv_policy *policy,
		  const struct bv_subject *subject, struct bv_spec *ret,
		  struct bv_err *err)
{
	struct bv_spec spec = {
		.policy = policy,
		.subject = subject,
		.workload = policy->workload,
		.base = policy->base,
		.network = policy->network,
		.spawn = policy->spawn,
		.temp_private = policy->temp_private,
		.no_new_privs = policy->no_new_privs,
		.evidence = policy->evidence,
	};
	int r;

	if (policy->broken)
		return bv_fail(err, BV_E_CONF, "%s", policy->error.msg);
	if ((unsigned int)policy->network > BV_NETWORK_OPEN ||
	    (unsigned int)policy->spawn > BV_SPAWN_NONE ||
	    (unsigned int)policy->outbox.commit >= BV_COMMIT_N)
		return bv_fail(err, BV_E_BUG, "%s: value out of range",
			       policy->path);
	r = expand_rules(arena, policy, subject, &spec, err);
	if (r == BV_OK)
		r = bv_spec_share(arena, &spec, err);
	if (r != BV_OK)
		return r;
	for (size_t i = 0; i < policy->env_n; i++)
		spec.env_has_lease |= policy->env[i].is_lease;
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		spec.budget[d] = policy->budget[d];
	r = bv_spec_pin(arena, &spec, NULL, 0, err);
	if (r != BV_OK)
		return r;
	list_requirements(&spec);
	r = demand_evidence(&spec, err);
	if (r != BV_OK)
		return r;
	*ret = spec;
	return BV_OK;
}
