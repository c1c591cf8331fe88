/* SPDX-License-Identifier: MIT */
/* What only the whole policy file can show: what is missing, what does not go
 * together, and the contract's rules for an environment, in their order. */
#include <string.h>

#include "core/conf.h"
#include "core/net.h"
#include "core/policy_parse.h"

/* A whole-file fault stands at its section, or at line 1 when there is none. */
static unsigned int line_of(const struct bv_policy_parse *p,
			    enum bv_section section)
{
	return p->section_line[section] == 0 ? 1 : p->section_line[section];
}

/* refuse and exempt have no boundary: a section of one is a mistake. */
static int check_bare(const struct bv_policy_parse *p, struct bv_err *err)
{
	for (unsigned int i = 0; i < BV_SECTION_N; i++) {
		const enum bv_section section = (enum bv_section)i;

		if (p->section_line[i] == 0 || section == BV_SECTION_POLICY ||
		    section == BV_SECTION_MATCH)
			continue;
		return bv_conf_fail(err, p->policy->path, p->section_line[i],
				    "[%s]: a policy with action = %s has no "
				    "boundary; only [policy] and [match]",
				    bv_section_name(section),
				    bv_action_name(p->policy->action));
	}
	return BV_OK;
}

static const struct need {
	enum bv_section section;
	const char *key;
	const char *values;
	bool always; /* else only when the section stands */
} needs[] = {
	{ BV_SECTION_FILESYSTEM, "base", "system, minimal, none", true },
	{ BV_SECTION_NETWORK, "access", "deny, list, open", true },
	{ BV_SECTION_ENVIRONMENT, "policy", "exact", false },
	{ BV_SECTION_FDS, "policy", "none, only", false },
	{ BV_SECTION_OUTBOX, "path", "/tmp/NAME, /var/tmp/NAME, /dev/shm/NAME",
	  false },
	{ BV_SECTION_OUTBOX, "commit",
	  "discard, atomic, durable, best-effort-durable", false },
};

static int check_needs(const struct bv_policy_parse *p, struct bv_err *err)
{
	for (size_t i = 0; i < BV_LEN(needs); i++) {
		const struct need *n = &needs[i];

		if (bv_policy_seen(p, n->section, n->key)->n > 0 ||
		    (!n->always && p->section_line[n->section] == 0))
			continue;
		return bv_conf_fail(
			err, p->policy->path, line_of(p, n->section),
			"[%s] %s is missing; one of: %s",
			bv_section_name(n->section), n->key, n->values);
	}
	return BV_OK;
}

/* The rules and their order are env.h's. A NUL anywhere and '=' in a name
 * cannot be written in this grammar. */
static int check_env(const struct bv_policy_parse *p, struct bv_err *err)
{
	const struct bv_policy *policy = p->policy;
	struct bv_env_fault fault;
	const struct bv_env_rule *rule;

	if (p->env_over_line != 0)
		return bv_conf_fail(err, policy->path, p->env_over_line,
				    "[environment] more than %u variables",
				    BV_ENV_ENTRIES_MAX);
	fault = bv_env_check_policy(policy);
	if (fault.code == BV_ENV_SOUND)
		return BV_OK;
	if (fault.code == BV_ENV_TOO_MANY_BYTES)
		return bv_conf_fail(err, policy->path,
				    line_of(p, BV_SECTION_ENVIRONMENT),
				    "[environment] more than %u bytes of names "
				    "and values",
				    BV_ENV_BYTES_MAX);
	rule = &policy->env[fault.index];
	if (fault.code == BV_ENV_EMPTY_NAME)
		return bv_conf_fail(err, policy->path, rule->line,
				    "[environment] a variable without a name");
	if (fault.code == BV_ENV_DUPLICATE_NAME)
		return bv_conf_fail(err, policy->path, rule->line,
				    "[environment] '%s' stands at line %u "
				    "already",
				    rule->name,
				    policy->env[fault.earlier].line);
	return bv_conf_fail(err, policy->path, rule->line, "[environment] %s",
			    bv_env_code_name(fault.code));
}

/* What is over all sessions cannot be less than what one may have. */
static int check_user_limits(const struct bv_policy *p, struct bv_err *err)
{
	const struct {
		enum bv_dim dim;
		uint64_t limit;
		unsigned int line;
	} all[] = {
		{ BV_DIM_PROCESSES, p->user_processes, p->user_processes_line },
		{ BV_DIM_MEMORY, p->user_mem_bytes, p->user_memory_line },
	};

	for (size_t i = 0; i < BV_LEN(all); i++) {
		const struct bv_budget_request *one = &p->budget[all[i].dim];
		const char *name = bv_dim_name(all[i].dim);

		if (all[i].limit == 0 ||
		    (one->stated && one->limit <= all[i].limit))
			continue;
		return bv_conf_fail(err, p->path, all[i].line,
				    one->stated
					    ? "[budget] user_%s: less than %s"
					    : "[budget] user_%s: only beside "
					      "%s",
				    name, name);
	}
	return BV_OK;
}

/* Without new tasks there is one process for all commands. */
static int check_isolation(struct bv_policy *p, struct bv_err *err)
{
	const bool stated = p->isolation_line != 0;

	if (stated && p->workload != BV_WORKLOAD_WASM)
		return bv_conf_fail(err, p->path, p->isolation_line,
				    "[workload] isolation: only with kind = "
				    "wasm");
	if (p->workload != BV_WORKLOAD_WASM || p->spawn != BV_SPAWN_NONE)
		return BV_OK;
	if (stated && p->isolation == BV_ISOLATION_PROCESS)
		return bv_conf_fail(err, p->path, p->isolation_line,
				    "[workload] isolation = process: each "
				    "command is a process then, and [spawn] "
				    "policy = none (line %u) allows none; set "
				    "inline",
				    p->spawn_line);
	p->isolation = BV_ISOLATION_INLINE;
	return BV_OK;
}

/* One program is executed in such a session, and it is not the system's. */
static int check_wasm(const struct bv_policy_parse *p, struct bv_err *err)
{
	const struct bv_policy *policy = p->policy;

	if (policy->workload != BV_WORKLOAD_WASM)
		return BV_OK;
	if (policy->base != BV_BASE_NONE)
		return bv_conf_fail(err, policy->path, policy->base_line,
				    "[filesystem] base: a wasm session needs "
				    "none of the system's files; set none");
	if (policy->shell != NULL)
		return bv_conf_fail(
			err, policy->path,
			bv_policy_seen(p, BV_SECTION_SESSION, "shell")->line,
			"[session] shell: a wasm session has bvisor-wasm and "
			"no other");
	return BV_OK;
}

/* "/", however it is written. */
static bool is_top(const char *path)
{
	while (path[0] == '/') {
		path += strspn(path, "/");
		if (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
			path++;
	}
	return path[0] == '\0';
}

/* No session can be made without a root: refused here, not at each login. */
static int check_hide(const struct bv_policy *p, struct bv_err *err)
{
	for (size_t i = 0; i < p->fs_n; i++) {
		const struct bv_fs_rule *rule = &p->fs[i];

		if ((rule->rights & BV_FS_HIDE) != 0 && is_top(rule->path))
			return bv_conf_fail(err, p->path, rule->line,
					    "[filesystem] hide: '%s' is all "
					    "there is; name the directories "
					    "below it (nothing is granted that "
					    "no line names)",
					    rule->path);
	}
	return BV_OK;
}

int bv_policy_check(struct bv_policy_parse *p, struct bv_err *err)
{
	const struct bv_policy *policy = p->policy;
	const char *name[BV_NET_NAME_MAX];
	size_t names_n = 0;
	int code;

	if (policy->action != BV_ACTION_CONFINE)
		return check_bare(p, err);
	code = check_needs(p, err);
	if (code != BV_OK)
		return code;
	code = check_hide(policy, err);
	if (code == BV_OK)
		code = check_user_limits(policy, err);
	if (code == BV_OK)
		code = check_wasm(p, err);
	if (code == BV_OK)
		code = check_isolation(p->policy, err);
	if (code != BV_OK)
		return code;
	code = bv_policy_check_capture(p, err);
	if (code != BV_OK)
		return code;
	if (policy->cpu_rate_percent > 0 && !policy->budget[BV_DIM_CPU].stated)
		return bv_conf_fail(err, policy->path, policy->cpu_rate_line,
				    "[budget] cpu_rate: only beside cpu");
	if (policy->net_n > 0 && policy->network != BV_NETWORK_LIST)
		return bv_conf_fail(err, policy->path, policy->net[0].line,
				    "[network] allow: only with access = list");
	code = bv_net_names(policy, name, &names_n, err);
	if (code != BV_OK)
		return code;
	if (policy->fds_keep_n > 0 && policy->fds != BV_FDS_ONLY)
		return bv_conf_fail(
			err, policy->path,
			bv_policy_seen(p, BV_SECTION_FDS, "keep")->line,
			"[fds] keep: only with policy = only");
	code = bv_policy_check_outbox(p, err);
	if (code != BV_OK)
		return code;
	return check_env(p, err);
}
