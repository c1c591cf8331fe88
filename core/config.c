/* SPDX-License-Identifier: MIT */
/* bvisor.conf: one section, a table of keys, all or nothing. */
#include <string.h>

#include "core/conf.h"
#include "core/match.h"
#include "core/num.h"
#include "core/policy_parse.h"
#include "core/spec.h"

#define MAGIC         "bvisor-config 1"
#define SECTION       "bvisor"
#define MESSAGE_BYTES 200u

static const char *const unmatched_names[] = { "allow", "refuse" };

static const char *const qualification_names[] = { "static", "local" };

typedef int (*config_set)(struct bv_config *c, const char *text,
			  struct bv_err *err);

static int set_unmatched(struct bv_config *c, const char *text,
			 struct bv_err *err)
{
	size_t i = 0;
	int code = bv_one_of(unmatched_names, BV_LEN(unmatched_names), text, &i,
			     err);

	if (code != BV_OK)
		return code;
	c->unmatched_refuse = i == 1;
	c->unmatched_stated = true;
	return BV_OK;
}

static int set_qualification(struct bv_config *c, const char *text,
			     struct bv_err *err)
{
	size_t i = 0;
	int code = bv_one_of(qualification_names, BV_LEN(qualification_names),
			     text, &i, err);

	if (code == BV_OK)
		c->qualification_local = i == 1;
	return code;
}

/* Taken as written: nothing is expanded here, so no '~' and no '%'. */
static int check_directory(const char *text, struct bv_err *err)
{
	if (text[0] != '/' || text[strspn(text, "/")] == '\0' ||
	    strchr(text, '%') != NULL)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no absolute path of a directory", text);
	return bv_path_check(text, err);
}

static int set_cgroup_base(struct bv_config *c, const char *text,
			   struct bv_err *err)
{
	c->cgroup_base = text;
	return check_directory(text, err);
}

static int set_state_dir(struct bv_config *c, const char *text,
			 struct bv_err *err)
{
	c->state_dir = text;
	return check_directory(text, err);
}

/* A session has these to itself. What the guardian keeps in run_dir has to be
 * where the leader still sees it: that it may not open it is attested. */
static const char *const private_dirs[] = { "/tmp", "/var/tmp", "/run/user",
					    "/var/run/user" };

static int set_run_dir(struct bv_config *c, const char *text,
		       struct bv_err *err)
{
	int code = check_directory(text, err);

	c->run_dir = text;
	for (size_t i = 0; code == BV_OK && i < BV_LEN(private_dirs); i++) {
		size_t n = strlen(private_dirs[i]);

		if (strncmp(text, private_dirs[i], n) == 0 &&
		    (text[n] == '/' || text[n] == '\0'))
			return bv_fail(err, BV_E_CONF,
				       "'%s' is in or below %s, which every "
				       "session has to itself",
				       text, private_dirs[i]);
	}
	return code;
}

static int set_user_message(struct bv_config *c, const char *text,
			    struct bv_err *err)
{
	if (strlen(text) > MESSAGE_BYTES)
		return bv_fail(err, BV_E_CONF, "over %u bytes", MESSAGE_BYTES);
	c->user_message = text;
	return BV_OK;
}

/* As much as the address of a socket holds. */
#define SOCKET_BYTES 107u

static int set_syslog_socket(struct bv_config *c, const char *text,
			     struct bv_err *err)
{
	if (text[0] != '/' || strlen(text) > SOCKET_BYTES)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no absolute path of a socket, of at "
			       "most %u bytes",
			       text, SOCKET_BYTES);
	c->syslog_socket = text;
	return bv_path_check(text, err);
}

static int set_journal_age(struct bv_config *c, const char *text,
			   struct bv_err *err)
{
	if (!bv_parse_duration(text, &c->journal_age_us))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no duration (30d, 12h; 0: for ever)",
			       text);
	return BV_OK;
}

/* Less would not hold the sessions that are open at one time. */
#define JOURNAL_BYTES_MIN (UINT64_C(1) << 20)

static int set_journal_size(struct bv_config *c, const char *text,
			    struct bv_err *err)
{
	if (!bv_parse_size(text, &c->journal_bytes) ||
	    (c->journal_bytes != 0 && c->journal_bytes < JOURNAL_BYTES_MIN) ||
	    c->journal_bytes > INT64_MAX)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no size from 1M on (256M, 1G; 0: "
			       "without limit)",
			       text);
	return BV_OK;
}

static const struct config_row {
	const char *key;
	config_set set;
} rows[] = {
	{ "unmatched", set_unmatched },
	{ "cgroup_base", set_cgroup_base },
	{ "state_dir", set_state_dir },
	{ "run_dir", set_run_dir },
	{ "user_message", set_user_message },
	{ "journal_age", set_journal_age },
	{ "journal_size", set_journal_size },
	{ "qualification", set_qualification },
	{ "syslog_socket", set_syslog_socket },
};

struct reading {
	struct bv_config config;
	struct bv_arena *arena;
	const char *path;
	unsigned int section_line;
	unsigned int key_line[BV_LEN(rows)];
};

static size_t row_of(const char *key)
{
	size_t i = 0;

	while (i < BV_LEN(rows) && strcmp(key, rows[i].key) != 0)
		i++;
	return i;
}

static int fail_key(const struct reading *r, const struct bv_conf_item *item,
		    struct bv_err *err)
{
	const char *keys[BV_LEN(rows)];
	char hint[BV_HINT_BYTES];

	for (size_t i = 0; i < BV_LEN(rows); i++)
		keys[i] = rows[i].key;
	bv_hint(keys, BV_LEN(keys), item->name, hint);
	return bv_conf_fail(err, r->path, item->line, "unknown key '%s'; %s",
			    item->name, hint);
}

static int take_pair(struct reading *r, const struct bv_conf_item *item,
		     struct bv_err *err)
{
	struct bv_err why = { 0 };
	const char *text;
	size_t i;

	if (r->section_line == 0)
		return bv_conf_fail(err, r->path, item->line,
				    "'%s' before [" SECTION "]", item->name);
	i = row_of(item->name);
	if (i == BV_LEN(rows))
		return fail_key(r, item, err);
	if (r->key_line[i] != 0)
		return bv_conf_fail(err, r->path, item->line,
				    "'%s' stands at line %u already",
				    item->name, r->key_line[i]);
	r->key_line[i] = item->line;
	if (item->value[0] == '\0')
		return bv_conf_fail(err, r->path, item->line,
				    "'%s' has no value", item->name);
	text = bv_arena_strdup(r->arena, item->value);
	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: no memory", r->path);
	if (rows[i].set(&r->config, text, &why) != BV_OK)
		return bv_conf_fail(err, r->path, item->line, "%s: %s",
				    item->name, why.msg);
	return BV_OK;
}

static int take_section(struct reading *r, const struct bv_conf_item *item,
			struct bv_err *err)
{
	if (strcmp(item->name, SECTION) != 0)
		return bv_conf_fail(err, r->path, item->line,
				    "unknown section [%s]; known: [" SECTION
				    "]",
				    item->name);
	if (r->section_line != 0)
		return bv_conf_fail(err, r->path, item->line,
				    "[" SECTION "] stands at line %u already",
				    r->section_line);
	r->section_line = item->line;
	return BV_OK;
}

static int read_all(struct reading *r, const char *bytes, size_t len,
		    struct bv_err *err)
{
	struct bv_conf conf;
	int code = BV_OK;

	bv_conf_init(&conf, r->path, MAGIC, bytes, len);
	while (code == BV_OK) {
		struct bv_conf_item item;

		bv_conf_next(&conf, &item, err);
		if (item.type == BV_CONF_END)
			break;
		if (item.type == BV_CONF_BAD)
			return BV_E_CONF;
		code = item.type == BV_CONF_SECTION
			       ? take_section(r, &item, err)
			       : take_pair(r, &item, err);
	}
	return code;
}

/* The plain form, without which one directory has many names. */
static int plain(struct reading *r, const char *text, const char **ret,
		 struct bv_err *err)
{
	/* As bv_path_check() has it, which both have passed. */
	static const struct bv_subject anybody = {
		.user = "u",
		.uid = 1,
		.home = "/h",
	};

	return bv_expand_path(r->arena, text, &anybody, ret, err);
}

static bool holds(const char *dir, const char *path)
{
	const size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* Both keep a file of each session in sessions/: what removes the one of a
 * session that is over would take its report, and what lists the ones would
 * meet the others. */
static int check_apart(struct reading *r, struct bv_err *err)
{
	const unsigned int state = r->key_line[row_of("state_dir")];
	const unsigned int run = r->key_line[row_of("run_dir")];
	const char *state_dir = NULL, *run_dir = NULL;
	int code = plain(r, r->config.state_dir, &state_dir, err);

	if (code == BV_OK)
		code = plain(r, r->config.run_dir, &run_dir, err);
	if (code != BV_OK ||
	    (!holds(state_dir, run_dir) && !holds(run_dir, state_dir)))
		return code;
	return bv_conf_fail(err, r->path, state > run ? state : run,
			    "state_dir '%s' and run_dir '%s' are not apart; "
			    "name two directories, none in the other",
			    state_dir, run_dir);
}

int bv_config_parse(struct bv_arena *arena, const char *path, const char *bytes,
		    size_t len, struct bv_config *ret, struct bv_err *err)
{
	struct reading r = {
		.arena = arena,
		.path = path,
		.config = {
			.state_dir = "/var/lib/bvisor",
			.run_dir = "/run/bvisor",
			.user_message = "Your session could not be confined as "
					"this host requires and was refused.",
			.journal_age_us = UINT64_C(365) * 86400 * 1000000,
			.journal_bytes = UINT64_C(256) << 20,
		},
	};
	int code = BV_OK;

	if (len > BV_CONF_FILE_MAX)
		return bv_conf_fail(err, path, 1,
				    "the file is longer than %u bytes",
				    BV_CONF_FILE_MAX);
	if (bytes != NULL)
		code = read_all(&r, bytes, len, err);
	if (code == BV_OK)
		code = check_apart(&r, err);
	if (code == BV_OK)
		*ret = r.config;
	return code;
}
