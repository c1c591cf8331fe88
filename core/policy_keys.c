/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary of a policy file: every key with its setter. bvisor-policy(5)
 * documents these rows one by one, and a lint compares the two.
 */
#include <string.h>

#include "core/match.h"
#include "core/num.h"
#include "core/policy_parse.h"

#define NAME_BYTES   255u
#define PRIORITY_MAX 1000u
#define FD_FIRST     3u
#define FD_LAST      1023u
#define LETTERS      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS       "0123456789"

#define SETTER(name)                                                           \
	static int name(struct bv_policy_parse *p,                             \
			const struct bv_key_row *row,                          \
			const struct bv_value *value, struct bv_err *err)

SETTER(set_description)
{
	(void)row;
	(void)err;
	p->policy->description = value->text;
	return BV_OK;
}

SETTER(set_action)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_ACTION, value->text, &i, err);

	(void)row;
	p->policy->action = (enum bv_action)i;
	return code;
}

SETTER(set_priority)
{
	uint64_t v;

	(void)row;
	if (!bv_parse_u64(value->text, 0, PRIORITY_MAX, &v))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a number from 0 to %u", value->text,
			       PRIORITY_MAX);
	p->policy->priority = (uint32_t)v;
	return BV_OK;
}

enum name_kind {
	NAME_ACCOUNT,
	NAME_SERVICE,
	NAME_TTY
};

static const struct name_rule {
	const char *what;
	const char *ascii;
	bool utf8;
	bool star_alone;
	bool star_last;
} name_rules[] = {
	/* "DOM\\user name", "user@realm", "host$", "DOM+user" */
	[NAME_ACCOUNT] = { "a name of a user or group, or '*'",
			   LETTERS DIGITS "@\\ .-_$+", true, true, false },
	[NAME_SERVICE] = { "a PAM service name", LETTERS DIGITS "._-", false,
			   false, false },
	[NAME_TTY] = { "a terminal such as tty1, ssh or pts/*",
		       LETTERS DIGITS "/.:_-", false, true, true },
};

static bool name_fits(const char *name, const struct name_rule *rule)
{
	size_t len = strlen(name);

	if (rule->star_alone && strcmp(name, "*") == 0)
		return true;
	if (rule->star_last && len > 1 && name[len - 1] == '*')
		len--;
	if (name[0] == ' ' || name[0] == '\t') /* "! alice" */
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)name[i] >= 0x80
			    ? !rule->utf8
			    : !strchr(rule->ascii, name[i]))
			return false;
	}
	return true;
}

SETTER(set_name) /* [match] user, group, service, tty: kept as they are */
{
	const struct name_rule *rule = &name_rules[row->arg];

	(void)p;
	if (strlen(value->text) > NAME_BYTES)
		return bv_fail(err, BV_E_CONF, "a name over %u bytes",
			       NAME_BYTES);
	if (!name_fits(value->text, rule) || strcmp(value->text, "/dev/") == 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not %s (one value a line)", value->text,
			       rule->what);
	if (strcmp(value->text, "*") == 0 && value->negated)
		return bv_fail(err, BV_E_CONF, "'!*' matches nobody");
	return BV_OK;
}

/* Labels of letters, digits and '-' with single dots between them; a text of
 * digits and dots alone is a mistyped address. */
static bool is_hostname(const char *host)
{
	const char *p = host;

	if (strlen(host) > NAME_BYTES || host[strspn(host, DIGITS ".")] == '\0')
		return false;
	for (;;) {
		const size_t n = strspn(p, LETTERS DIGITS "-");

		if (n == 0 || p[0] == '-' || p[n - 1] == '-')
			return false;
		if (p[n] == '\0')
			return true;
		if (p[n] != '.')
			return false;
		p += n + 1;
	}
}

SETTER(set_rhost)
{
	const char *host = value->text;

	(void)p;
	(void)row;
	if (strcmp(host, "-") == 0 || bv_cidr_valid(host))
		return BV_OK;
	if (is_hostname(strncmp(host, "*.", 2) == 0 ? host + 2 : host))
		return BV_OK;
	return bv_fail(err, BV_E_CONF,
		       "'%s' is not an address, CIDR (host bits zero), host "
		       "name, *.domain or '-'",
		       host);
}

SETTER(set_workload)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_WORKLOAD, value->text, &i, err);

	(void)row;
	p->policy->workload = (enum bv_workload)i;
	return code;
}

SETTER(set_isolation)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_ISOLATION, value->text, &i, err);

	(void)row;
	p->policy->isolation = (enum bv_isolation)i;
	p->policy->isolation_line = value->line;
	return code;
}

SETTER(set_base)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_BASE, value->text, &i, err);

	(void)row;
	p->policy->base = (enum bv_base)i;
	p->policy->base_line = value->line;
	return code;
}

int bv_policy_path(const char *text, bool *ret_optional, const char **ret_path,
		   struct bv_err *err)
{
	const char *path = text[0] == '-' ? text + 1 : text;
	int code;

	if (path[0] != '/' && path[0] != '~' && strncmp(path, "%h", 2) != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' does not begin with '/', '~' or '%%h'",
			       text);
	code = bv_path_check(path, err);
	if (code != BV_OK) {
		(void)bv_ctx(err, "'%s'", text);
		return code;
	}
	*ret_optional = path != text;
	*ret_path = path;
	return BV_OK;
}

static int add_path(struct bv_arena *arena, struct bv_fs_rule **rules,
		    size_t *n, size_t max, const struct bv_value *value,
		    uint32_t rights, struct bv_err *err)
{
	struct bv_fs_rule rule = { .rights = rights, .line = value->line };
	int code = bv_policy_path(value->text, &rule.optional, &rule.path, err);

	if (code != BV_OK)
		return code;
	if (*rules == NULL)
		*rules = bv_arena_alloc(arena, max * sizeof(**rules));
	if (*rules == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for rules");
	(*rules)[(*n)++] = rule;
	return BV_OK;
}

SETTER(set_fs)
{
	int code = add_path(p->arena, &p->fs, &p->policy->fs_n,
			    4u * BV_POLICY_LIST_MAX, value, row->arg, err);

	p->policy->fs = p->fs;
	return code;
}

SETTER(set_network)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_NETWORK, value->text, &i, err);

	(void)row;
	p->policy->network = (enum bv_network)i;
	p->policy->network_line = value->line;
	return code;
}

static int parse_allow(const char *const *word, size_t n,
		       struct bv_net_rule *ret, struct bv_err *err)
{
	uint64_t port = 0;

	if (n != 3)
		return bv_fail(err, BV_E_CONF,
			       "wants three words: tcp|udp HOST PORT|*");
	if (strcmp(word[0], "tcp") != 0 && strcmp(word[0], "udp") != 0)
		return bv_fail(err, BV_E_CONF, "'%s' is not one of: tcp, udp",
			       word[0]);
	if (strcmp(word[1], "*") != 0 && !bv_cidr_valid(word[1]) &&
	    !is_hostname(word[1]))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not an address, CIDR (host bits zero), "
			       "host name or '*'",
			       word[1]);
	if (strcmp(word[2], "*") != 0 &&
	    !bv_parse_u64(word[2], 1, UINT16_MAX, &port))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a port from 1 to %d or '*'",
			       word[2], UINT16_MAX);
	ret->proto = word[0];
	ret->host = word[1];
	ret->port = (uint16_t)port;
	return BV_OK;
}

SETTER(set_allow)
{
	struct bv_net_rule rule = { .line = value->line };
	const char *word[BV_POLICY_WORDS_MAX];
	size_t n = 0;
	int code = bv_policy_split(p->arena, value->text, word, &n, err);

	(void)row;
	if (code == BV_OK)
		code = parse_allow(word, n, &rule, err);
	if (code != BV_OK)
		return code;
	if (p->net == NULL)
		p->net = bv_arena_alloc(p->arena,
					BV_POLICY_LIST_MAX * sizeof(*p->net));
	if (p->net == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for rules");
	p->net[p->policy->net_n++] = rule;
	p->policy->net = p->net;
	return BV_OK;
}

SETTER(set_spawn)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_SPAWN, value->text, &i, err);

	(void)row;
	p->policy->spawn = (enum bv_spawn)i;
	p->policy->spawn_line = value->line;
	return code;
}

static int yes_or_no(const struct bv_value *value, bool *ret,
		     struct bv_err *err)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_YES, value->text, &i, err);

	if (code == BV_OK)
		*ret = i == 1;
	return code;
}

SETTER(set_temp)
{
	(void)row;
	p->policy->temp_line = value->line;
	return yes_or_no(value, &p->policy->temp_private, err);
}

SETTER(set_no_new_privs)
{
	(void)row;
	return yes_or_no(value, &p->policy->no_new_privs, err);
}

SETTER(set_env_policy)
{
	size_t i = 0;

	(void)row;
	p->policy->env_exact = true;
	p->policy->env_line = value->line;
	return bv_policy_word(BV_WORDS_ENV, value->text, &i, err);
}

/* Here only the shape of the line; the rules of an environment hold for all
 * of it, in an order of their own: bv_policy_check(). */
SETTER(set_env)
{
	const char *equals = strchr(value->text, '=');
	struct bv_env_rule rule = {
		.is_lease = row->arg != 0,
		.line = value->line,
	};

	if (equals == NULL)
		return bv_fail(err, BV_E_CONF, "'%s' is not NAME=%s",
			       value->text, rule.is_lease ? "REF" : "value");
	if (memchr(value->text, ' ', (size_t)(equals - value->text)) ||
	    memchr(value->text, '\t', (size_t)(equals - value->text)))
		return bv_fail(err, BV_E_CONF, "'%s': a blank before '='",
			       value->text);
	if (rule.is_lease && equals[1] == '\0')
		return bv_fail(err, BV_E_CONF, "'%s' names no lease",
			       value->text);
	if (p->policy->env_n == BV_ENV_ENTRIES_MAX) {
		if (p->env_over_line == 0)
			p->env_over_line = value->line;
		return BV_OK;
	}
	rule.name = bv_arena_strndup(p->arena, value->text,
				     (size_t)(equals - value->text));
	rule.value = equals + 1;
	if (p->env == NULL)
		p->env = bv_arena_alloc(p->arena,
					BV_ENV_ENTRIES_MAX * sizeof(*p->env));
	if (rule.name == NULL || p->env == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a variable");
	p->env[p->policy->env_n++] = rule;
	p->policy->env = p->env;
	return BV_OK;
}

SETTER(set_fds)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_FDS, value->text, &i, err);

	(void)row;
	p->policy->fds = i == 0 ? BV_FDS_NONE : BV_FDS_ONLY;
	p->policy->fds_line = value->line;
	return code;
}

SETTER(set_keep)
{
	uint64_t fd;

	(void)row;
	if (!bv_parse_u64(value->text, FD_FIRST, FD_LAST, &fd))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a descriptor from %u to %u",
			       value->text, FD_FIRST, FD_LAST);
	if (p->fds_keep == NULL)
		p->fds_keep = bv_arena_alloc(
			p->arena, BV_POLICY_LIST_MAX * sizeof(*p->fds_keep));
	if (p->fds_keep == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for descriptors");
	p->fds_keep[p->policy->fds_keep_n++] = (uint32_t)fd;
	p->policy->fds_keep = p->fds_keep;
	return BV_OK;
}

SETTER(set_evidence) /* CLAIM [KIND] */
{
	struct bv_kind_evidence *of;
	const char *word[BV_POLICY_WORDS_MAX];
	enum bv_kind kind;
	size_t n = 0;
	int code = bv_policy_split(p->arena, value->text, word, &n, err);

	(void)row;
	if (code != BV_OK)
		return code;
	if (n < 2) {
		if (p->policy->evidence_line == 0)
			p->policy->evidence_line = value->line;
		return bv_policy_claim(value->text, &p->policy->evidence, err);
	}
	if (n > 2 || !bv_kind_from_name(word[1], &kind))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a claim, or a claim and the name "
			       "of one requirement",
			       value->text);
	of = &p->policy->of_kind[kind];
	of->line = of->line == 0 ? value->line : of->line;
	return bv_policy_claim(word[0], &of->claims, err);
}

/* clang-format off */
#define ONE(section, key, set, arg)  { section, key, BV_KEY_ONE, set, arg }
#define MANY(section, key, set, arg) { section, key, BV_KEY_LIST, set, arg }
#define MATCH(key, set, arg) { BV_SECTION_MATCH, key, BV_KEY_MATCH, set, arg }
#define ENV(key, arg) { BV_SECTION_ENVIRONMENT, key, BV_KEY_TABLE, set_env, arg }

const struct bv_key_row bv_policy_keys[] = {
	ONE(BV_SECTION_POLICY, "description", set_description, 0),
	ONE(BV_SECTION_POLICY, "action", set_action, 0),
	ONE(BV_SECTION_POLICY, "priority", set_priority, 0),
	MATCH("user", set_name, NAME_ACCOUNT),
	MATCH("group", set_name, NAME_ACCOUNT),
	MATCH("service", set_name, NAME_SERVICE),
	MATCH("tty", set_name, NAME_TTY),
	MATCH("rhost", set_rhost, 0),
	ONE(BV_SECTION_WORKLOAD, "kind", set_workload, 0),
	ONE(BV_SECTION_WORKLOAD, "isolation", set_isolation, 0),
	ONE(BV_SECTION_FILESYSTEM, "base", set_base, 0),
	MANY(BV_SECTION_FILESYSTEM, "read", set_fs, BV_FS_READ),
	MANY(BV_SECTION_FILESYSTEM, "write", set_fs, BV_FS_READ | BV_FS_WRITE),
	MANY(BV_SECTION_FILESYSTEM, "exec", set_fs, BV_FS_READ | BV_FS_EXEC),
	MANY(BV_SECTION_FILESYSTEM, "hide", set_fs, BV_FS_HIDE),
	ONE(BV_SECTION_NETWORK, "access", set_network, 0),
	MANY(BV_SECTION_NETWORK, "allow", set_allow, 0),
	ONE(BV_SECTION_SPAWN, "policy", set_spawn, 0),
	ONE(BV_SECTION_TEMP, "private", set_temp, 0),
	ONE(BV_SECTION_BUDGET, "wall", bv_policy_set_budget, BV_DIM_WALL),
	ONE(BV_SECTION_BUDGET, "cpu", bv_policy_set_budget, BV_DIM_CPU),
	ONE(BV_SECTION_BUDGET, "memory", bv_policy_set_budget, BV_DIM_MEMORY),
	ONE(BV_SECTION_BUDGET, "processes", bv_policy_set_budget, BV_DIM_PROCESSES),
	ONE(BV_SECTION_BUDGET, "handles", bv_policy_set_budget, BV_DIM_HANDLES),
	ONE(BV_SECTION_BUDGET, "storage", bv_policy_set_budget, BV_DIM_STORAGE),
	ONE(BV_SECTION_BUDGET, "network", bv_policy_set_budget, BV_DIM_NETWORK),
	ONE(BV_SECTION_BUDGET, "user_processes", bv_policy_set_user_limit,
	    BV_DIM_PROCESSES),
	ONE(BV_SECTION_BUDGET, "user_memory", bv_policy_set_user_limit, BV_DIM_MEMORY),
	ONE(BV_SECTION_BUDGET, "cpu_rate", bv_policy_set_cpu_rate, 0),
	ONE(BV_SECTION_ENVIRONMENT, "policy", set_env_policy, 0),
	ENV("set", 0),
	ENV("lease", 1),
	ONE(BV_SECTION_FDS, "policy", set_fds, 0),
	MANY(BV_SECTION_FDS, "keep", set_keep, 0),
	MANY(BV_SECTION_EVIDENCE, "require", set_evidence, 0),
	ONE(BV_SECTION_SESSION, "no_new_privs", set_no_new_privs, 0),
	ONE(BV_SECTION_SESSION, "capture", bv_policy_set_capture, 0),
	ONE(BV_SECTION_SESSION, "capture_max", bv_policy_set_capture_max, 0),
	ONE(BV_SECTION_SESSION, "capture_full", bv_policy_set_capture_full, 0),
	ONE(BV_SECTION_SESSION, "shell", bv_policy_set_shell, 0),
	MANY(BV_SECTION_EXPOSE, "read", bv_policy_set_expose, 0),
	MANY(BV_SECTION_EXPOSE, "write", bv_policy_set_expose, 1),
	ONE(BV_SECTION_OUTBOX, "path", bv_policy_set_outbox_path, 0),
	ONE(BV_SECTION_OUTBOX, "commit", bv_policy_set_outbox_commit, 0),
	ONE(BV_SECTION_OUTBOX, "to", bv_policy_set_outbox_to, 0),
	ONE(BV_SECTION_OUTBOX, "owner", bv_policy_set_outbox_owner, 0),
	ONE(BV_SECTION_OUTBOX, "mode", bv_policy_set_outbox_mode, 0),
	ONE(BV_SECTION_OUTBOX, "files", bv_policy_set_outbox_files, 0),
	ONE(BV_SECTION_OUTBOX, "depth", bv_policy_set_outbox_depth, 0),
};
/* clang-format on */
const size_t bv_policy_keys_n = BV_LEN(bv_policy_keys);

_Static_assert(BV_LEN(bv_policy_keys) <= BV_POLICY_KEYS_MAX,
	       "bv_policy_parse.seen is too small");

const struct bv_key_row *bv_policy_key(enum bv_section section, const char *key)
{
	for (size_t i = 0; i < bv_policy_keys_n; i++) {
		if (bv_policy_keys[i].section == section &&
		    strcmp(bv_policy_keys[i].key, key) == 0)
			return &bv_policy_keys[i];
	}
	return NULL;
}
