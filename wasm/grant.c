/* SPDX-License-Identifier: MIT */
/* wasm.d/NAME.conf and wasm.conf: tables of keys, all or nothing. */
#include "wasm/grant.h"

#include <string.h>

#include "core/conf.h"
#include "core/num.h"
#include "core/policy_parse.h"
#include "wasm/engine.h"

#define GRANT_MAGIC   "bvisor-wasm 1"
#define SESSION_MAGIC "bvisor-wasm-session 1"

#define MIB (UINT64_C(1) << 20)

/* 65536 pages, all that 32 bits reach. */
#define MEM_MAX_BYTES    (UINT64_C(65536) * BW_PAGE_BYTES)
#define MODULE_MAX_BYTES (64u * MIB)
#define FILES_MIN        4u
#define FILES_MAX        1024u
#define DAY_US           (UINT64_C(86400) * 1000 * 1000)

/* So many functions a C program with little memory may still point to. */
#define TABLE_LEAST_ENTRIES (UINT32_C(1) << 16)
#define ENTRY_BYTES         8u

bool bw_name_valid(const char *name, size_t len)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (len == 0 || len > BW_NAME_MAX || !memchr(first, name[0], 36))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!memchr(rest, name[i], sizeof(rest) - 1))
			return false;
	return true;
}

bool bw_parse_fuel(const char *s, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	const size_t digits = strspn(s, "0123456789");
	char number[24];
	uint64_t value, factor = 1;

	if (digits == 0 || digits >= sizeof(number) || strlen(s + digits) > 1)
		return false;
	if (s[digits] != '\0') {
		const char *at = strchr(suffixes, s[digits]);

		if (at == NULL)
			return false;
		for (; at >= suffixes; at--)
			factor *= 1000;
	}
	memcpy(number, s, digits);
	number[digits] = '\0';
	/* UINT64_MAX means unlimited to the engine. */
	if (!bv_parse_u64(number, 0, UINT64_MAX / factor - 1, &value))
		return false;
	*ret = value * factor;
	return true;
}

/* --- rows ------------------------------------------------------------------ */

struct reading {
	struct bv_arena *arena;
	const char *path;
	struct bw_grant *grant;
	struct bw_session_grant *session;
};

struct row;
typedef int (*row_set)(struct reading *r, const struct row *row,
		       const struct bv_conf_item *item, struct bv_err *err);

struct row {
	const char *section;
	const char *key;
	row_set set;
	bool list;
	size_t at;          /* offset of a number or truth in its struct */
	uint64_t low, high; /* a number's */
};

#define SETTER(name)                                                           \
	static int name(struct reading *r, const struct row *row,              \
			const struct bv_conf_item *item, struct bv_err *err)

static void *target(struct reading *r, size_t at)
{
	return r->grant ? (char *)r->grant + at : (char *)r->session + at;
}

/* A number by its own parser, within the row's bounds. */
static int set_number(struct reading *r, const struct row *row,
		      const char *text, const char *what,
		      bool (*parse)(const char *s, uint64_t *ret),
		      struct bv_err *err)
{
	uint64_t value = 0;

	if (!parse(text, &value))
		return bv_fail(err, BV_E_CONF, "'%s' is not %s", text, what);
	if (value < row->low || value > row->high)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not between %llu and %llu", text,
			       (unsigned long long)row->low,
			       (unsigned long long)row->high);
	memcpy(target(r, row->at), &value, sizeof(value));
	return BV_OK;
}

static bool parse_count(const char *s, uint64_t *ret)
{
	return bv_parse_u64(s, 0, UINT32_MAX, ret);
}

SETTER(set_size)
{
	return set_number(r, row, item->value, "a size (bytes, or K, M, G, T)",
			  bv_parse_size, err);
}

SETTER(set_time)
{
	return set_number(r, row, item->value,
			  "a duration (us, ms, s, min, h, d)",
			  bv_parse_duration, err);
}

SETTER(set_fuel)
{
	return set_number(r, row, item->value,
			  "a number of instructions (K, M, G, T: thousands)",
			  bw_parse_fuel, err);
}

SETTER(set_count)
{
	return set_number(r, row, item->value, "a count", parse_count, err);
}

SETTER(set_files)
{
	uint64_t value = 0;

	if (!bv_parse_u64(item->value, row->low, row->high, &value))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a count from %llu to %llu",
			       item->value, (unsigned long long)row->low,
			       (unsigned long long)row->high);
	r->grant->files = (uint32_t)value;
	return BV_OK;
}

SETTER(set_yes)
{
	static const char *const words[] = { "no", "yes" };
	size_t i = 0;
	int code = bv_one_of(words, BV_LEN(words), item->value, &i, err);

	if (code == BV_OK)
		*(bool *)target(r, row->at) = i == 1;
	return code;
}

SETTER(set_clock)
{
	static const char *const words[] = { "real", "coarse", "fixed" };
	size_t i = 0;
	int code = bv_one_of(words, BV_LEN(words), item->value, &i, err);

	(void)row;
	r->grant->clock = (enum bw_grant_clock)i;
	return code;
}

SETTER(set_random)
{
	static const char *const words[] = { "real", "fixed" };
	size_t i = 0;
	int code = bv_one_of(words, BV_LEN(words), item->value, &i, err);

	(void)row;
	r->grant->random_fixed = i == 1;
	return code;
}

SETTER(set_digest)
{
	(void)row;
	if (strlen(item->value) != 64 ||
	    item->value[strspn(item->value, "0123456789abcdef")] != '\0')
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not 64 small hexadecimal digits",
			       item->value);
	memcpy(r->grant->sha256_hex, item->value, 65);
	return BV_OK;
}

static int keep(struct reading *r, const char *text, const char **ret,
		struct bv_err *err)
{
	*ret = bv_arena_strdup(r->arena, text);
	return *ret ? BV_OK : bv_fail(err, BV_E_NOMEM, "no memory");
}

SETTER(set_description)
{
	(void)row;
	return keep(r, item->value, &r->grant->description, err);
}

SETTER(set_dir)
{
	struct bw_grant *g = r->grant;
	struct bw_grant_dir dir = {
		.writable = row->low != 0,
		.optional = item->value[0] == '-',
		.line = item->line,
	};
	const char *path = item->value + (dir.optional ? 1 : 0);
	int code;

	if (path[0] != '/' && path[0] != '~' && strncmp(path, "%h", 2) != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' does not begin with '/', '~' or '%%h'",
			       item->value);
	code = bv_path_check(path, err);
	for (size_t i = 0; code == BV_OK && i < g->dirs; i++)
		if (strcmp(g->dir[i].path, path) == 0)
			code = bv_fail(err, BV_E_CONF,
				       "'%s' stands at line %u already", path,
				       g->dir[i].line);
	if (code == BV_OK && g->dirs == BW_GRANT_DIRS_MAX)
		code = bv_fail(err, BV_E_CONF, "more than %u directories",
			       BW_GRANT_DIRS_MAX);
	if (code == BV_OK)
		code = keep(r, path, &dir.path, err);
	if (code == BV_OK)
		g->dir[g->dirs++] = dir;
	return code;
}

SETTER(set_env)
{
	struct bw_grant *g = r->grant;
	const char *equals = strchr(item->value, '=');
	size_t len;

	(void)row;
	if (equals == NULL || equals == item->value)
		return bv_fail(err, BV_E_CONF, "'%s' is not NAME=value",
			       item->value);
	len = (size_t)(equals - item->value);
	if (strcspn(item->value, " \t") < len)
		return bv_fail(err, BV_E_CONF, "'%s': a blank before '='",
			       item->value);
	for (size_t i = 0; i < g->env_n; i++)
		if (strncmp(g->env[i], item->value, len + 1) == 0)
			return bv_fail(err, BV_E_CONF, "'%.*s' is set twice",
				       (int)len, item->value);
	if (g->env_n == BW_GRANT_ENV_MAX)
		return bv_fail(err, BV_E_CONF, "more than %u variables",
			       BW_GRANT_ENV_MAX);
	return keep(r, item->value, &g->env[g->env_n++], err);
}

/* clang-format off */
#define AT(field) offsetof(struct bw_grant, field)
static const struct row grant_rows[] = {
	{ "module", "digest", set_digest, false, 0, 0, 0 },
	{ "module", "description", set_description, false, 0, 0, 0 },
	{ "files", "read", set_dir, true, 0, false, 0 },
	{ "files", "write", set_dir, true, 0, true, 0 },
	{ "files", "link", set_yes, false, AT(link), 0, 0 },
	{ "files", "symlink", set_yes, false, AT(symlink), 0, 0 },
	{ "environment", "set", set_env, true, 0, 0, 0 },
	{ "streams", "stdin", set_yes, false, AT(in), 0, 0 },
	{ "streams", "output", set_size, false, AT(output_bytes), 0,
	  UINT64_MAX - 1 },
	{ "limits", "fuel", set_fuel, false, AT(fuel), 1, UINT64_MAX - 1 },
	{ "limits", "cpu", set_time, false, AT(cpu_us), 1000, DAY_US },
	{ "limits", "wall", set_time, false, AT(wall_us), 1000, DAY_US },
	{ "limits", "memory", set_size, false, AT(mem_bytes), BW_PAGE_BYTES,
	  MEM_MAX_BYTES },
	{ "limits", "module", set_size, false, AT(module_bytes), 8,
	  MODULE_MAX_BYTES },
	{ "limits", "storage", set_size, false, AT(storage_bytes), 0,
	  UINT64_MAX - 1 },
	{ "limits", "files", set_files, false, 0, FILES_MIN, FILES_MAX },
	{ "machine", "clock", set_clock, false, 0, 0, 0 },
	{ "machine", "random", set_random, false, 0, 0, 0 },
};
#undef AT
#define AT(field) offsetof(struct bw_session_grant, field)
static const struct row session_rows[] = {
	{ "session", "fuel", set_fuel, false, AT(fuel), 0, UINT64_MAX - 1 },
	{ "session", "cpu", set_time, false, AT(cpu_us), 0, UINT64_MAX - 1 },
	{ "session", "output", set_size, false, AT(output_bytes), 0,
	  UINT64_MAX - 1 },
	{ "session", "storage", set_size, false, AT(storage_bytes), 0,
	  UINT64_MAX - 1 },
	{ "session", "commands", set_count, false, AT(commands), 0,
	  UINT32_MAX },
};
#undef AT
/* clang-format on */

#define ROWS_MAX BV_LEN(grant_rows)

/* --- a file ---------------------------------------------------------------- */

struct table {
	const struct row *row;
	size_t n;
	unsigned int line[ROWS_MAX]; /* where a key was first seen */
	const char *section;         /* the open one; NULL: none yet */
};

static int fail_section(struct reading *r, const struct table *t,
			const struct bv_conf_item *item, struct bv_err *err)
{
	const char *names[ROWS_MAX];
	char hint[BV_HINT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || strcmp(names[n - 1], t->row[i].section) != 0)
			names[n++] = t->row[i].section;
	bv_hint(names, n, item->name, hint);
	return bv_conf_fail(err, r->path, item->line,
			    "unknown section [%s]; %s", item->name, hint);
}

static int fail_key(struct reading *r, const struct table *t,
		    const struct bv_conf_item *item, struct bv_err *err)
{
	const char *names[ROWS_MAX];
	char hint[BV_HINT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->row[i].section, t->section) == 0)
			names[n++] = t->row[i].key;
	bv_hint(names, n, item->name, hint);
	return bv_conf_fail(err, r->path, item->line,
			    "unknown key '%s' in [%s]; %s", item->name,
			    t->section, hint);
}

static int take_section(struct reading *r, struct table *t,
			const struct bv_conf_item *item, struct bv_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->row[i].section, item->name) == 0) {
			t->section = t->row[i].section;
			return BV_OK;
		}
	}
	return fail_section(r, t, item, err);
}

static int take_pair(struct reading *r, struct table *t,
		     const struct bv_conf_item *item, struct bv_err *err)
{
	struct bv_err why = { 0 };
	size_t i = 0;
	int code;

	if (t->section == NULL)
		return bv_conf_fail(err, r->path, item->line,
				    "'%s' before any [section]", item->name);
	while (i < t->n && (strcmp(t->row[i].section, t->section) != 0 ||
			    strcmp(t->row[i].key, item->name) != 0))
		i++;
	if (i == t->n)
		return fail_key(r, t, item, err);
	if (t->line[i] != 0 && !t->row[i].list)
		return bv_conf_fail(err, r->path, item->line,
				    "[%s] '%s' stands at line %u already",
				    t->section, item->name, t->line[i]);
	t->line[i] = item->line;
	if (item->value[0] == '\0')
		return bv_conf_fail(err, r->path, item->line,
				    "[%s] '%s' has no value", t->section,
				    item->name);
	code = t->row[i].set(r, &t->row[i], item, &why);
	if (code == BV_E_CONF)
		return bv_conf_fail(err, r->path, item->line, "[%s] %s: %s",
				    t->section, item->name, why.msg);
	if (code != BV_OK)
		return bv_fail(err, code, "%s: %s", r->path, why.msg);
	return BV_OK;
}

static int read_file(struct reading *r, struct table *t, const char *magic,
		     const char *bytes, size_t len, struct bv_err *err)
{
	struct bv_conf conf;
	struct bv_conf_item item;
	int code = BV_OK;

	if (len > BW_GRANT_FILE_MAX)
		return bv_fail(err, BV_E_LIMIT, "%s: over %u bytes", r->path,
			       BW_GRANT_FILE_MAX);
	bv_conf_init(&conf, r->path, magic, bytes, len);
	while (code == BV_OK) {
		bv_conf_next(&conf, &item, err);
		if (item.type == BV_CONF_END)
			return BV_OK;
		if (item.type == BV_CONF_BAD)
			return BV_E_CONF;
		code = item.type == BV_CONF_SECTION
			       ? take_section(r, t, &item, err)
			       : take_pair(r, t, &item, err);
	}
	return code;
}

int bw_grant_parse(struct bv_arena *arena, const char *path, const char *bytes,
		   size_t len, struct bw_grant *ret, struct bv_err *err)
{
	struct bw_grant g = {
		.description = "",
		.output_bytes = 64 * MIB,
		.storage_bytes = 64 * MIB,
		.fuel = UINT64_C(10000000000),
		.cpu_us = UINT64_C(60) * 1000 * 1000,
		.wall_us = UINT64_C(300) * 1000 * 1000,
		.mem_bytes = 64 * MIB,
		.module_bytes = 16 * MIB,
		.files = 64,
	};
	struct reading r = { .arena = arena, .path = path, .grant = &g };
	struct table t = { .row = grant_rows, .n = BV_LEN(grant_rows) };
	int code = read_file(&r, &t, GRANT_MAGIC, bytes, len, err);

	if (code != BV_OK)
		return code;
	if (g.sha256_hex[0] == '\0')
		return bv_conf_fail(err, path, 1,
				    "[module] digest is missing: SHA-256 "
				    "of the module's bytes");
	*ret = g;
	return BV_OK;
}

uint32_t bw_grant_table_entries(const struct bw_grant *grant)
{
	uint64_t n = grant->mem_bytes / 8 / ENTRY_BYTES;

	return n < TABLE_LEAST_ENTRIES ? TABLE_LEAST_ENTRIES : (uint32_t)n;
}

struct bw_store_limits bw_grant_store_limits(const struct bw_grant *grant)
{
	return (struct bw_store_limits){
		.memory_pages = (uint32_t)(grant->mem_bytes / BW_PAGE_BYTES),
		.table_entries = bw_grant_table_entries(grant),
	};
}

int bw_session_grant_parse(const char *path, const char *bytes, size_t len,
			   struct bw_session_grant *ret, struct bv_err *err)
{
	struct bw_session_grant s = {
		.fuel = UINT64_MAX,
		.cpu_us = UINT64_MAX,
		.output_bytes = UINT64_MAX,
		.storage_bytes = UINT64_MAX,
		.commands = UINT64_MAX,
	};
	struct reading r = { .path = path, .session = &s };
	struct table t = { .row = session_rows, .n = BV_LEN(session_rows) };
	int code = bytes == NULL
			   ? BV_OK
			   : read_file(&r, &t, SESSION_MAGIC, bytes, len, err);

	if (code == BV_OK)
		*ret = s;
	return code;
}
