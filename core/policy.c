/* SPDX-License-Identifier: MIT */
/*
 * A policy file's bytes → struct bv_policy. The first error is kept; reading
 * goes on, so that [policy] and [match] tell whom a broken file could have
 * meant. Nothing of a broken policy but those two sections is ever used.
 */
#include "core/policy.h"

#include <string.h>

#include "core/conf.h"
#include "core/plan.h"
#include "core/policy_parse.h"

#define PRIORITY_DEFAULT 100u

static void set_defaults(struct bv_policy *p, const char *name,
			 const char *path)
{
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->path = path;
	p->description = "";
	p->priority = PRIORITY_DEFAULT;
	p->action = BV_ACTION_CONFINE;
	p->temp_private = true;
	p->no_new_privs = true;
	p->capture_max = BV_CAPTURE_MAX;
	p->outbox.mode = 0600;
	p->outbox.files_max = 64;
	p->outbox.depth_max = 4;
}

/* The first error stays. An error where it counts makes the match unknown. */
static void note_error(struct bv_policy *p, const struct bv_err *err,
		       bool touches_match)
{
	if (!p->broken)
		p->error = *err;
	p->broken = true;
	if (touches_match)
		p->match_known = false;
}

void bv_policy_init_broken(struct bv_policy *policy, const char *name,
			   const char *path, const struct bv_err *why)
{
	set_defaults(policy, name, path);
	policy->match_known = false;
	note_error(policy, why, true);
}

const struct bv_key_seen *bv_policy_seen(const struct bv_policy_parse *p,
					 enum bv_section section,
					 const char *key)
{
	return &p->seen[bv_policy_key(section, key) - bv_policy_keys];
}

static int fail_key(const struct bv_policy_parse *p,
		    const struct bv_conf_item *item, enum bv_section section,
		    struct bv_err *err)
{
	const char *keys[BV_POLICY_KEYS_MAX];
	char hint[BV_HINT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < bv_policy_keys_n; i++) {
		if (bv_policy_keys[i].section == section)
			keys[n++] = bv_policy_keys[i].key;
	}
	bv_hint(keys, n, item->name, hint);
	return bv_conf_fail(err, p->policy->path, item->line,
			    "unknown key '%s' in [%s]; %s", item->name,
			    bv_section_name(section), hint);
}

/* Room for one more value of a key; the same value twice is an error. */
static int add_value(struct bv_policy_parse *p, const struct bv_key_row *row,
		     const struct bv_value *value, struct bv_err *err)
{
	struct bv_key_seen *seen = &p->seen[row - bv_policy_keys];
	const size_t room = row->kind == BV_KEY_ONE ? 1 : BV_POLICY_LIST_MAX;

	if (seen->n == 0)
		seen->line = value->line;
	if (row->kind == BV_KEY_TABLE) {
		seen->n++;
		return BV_OK;
	}
	if (seen->n > 0 && row->kind == BV_KEY_ONE)
		return bv_fail(err, BV_E_CONF, "stands at line %u already",
			       seen->line);
	for (size_t i = 0; i < seen->n; i++) {
		if (strcmp(seen->v[i].text, value->text) == 0)
			return bv_fail(err, BV_E_CONF,
				       "'%s' stands at line %u already",
				       value->text, seen->v[i].line);
	}
	if (seen->n >= room)
		return bv_fail(err, BV_E_CONF, "more than %zu values", room);
	if (seen->v == NULL)
		seen->v = bv_arena_alloc(p->arena, room * sizeof(*seen->v));
	if (seen->v == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for values");
	seen->v[seen->n++] = *value;
	return BV_OK;
}

static int take_value(struct bv_policy_parse *p, const struct bv_key_row *row,
		      const struct bv_conf_item *item, struct bv_err *err)
{
	struct bv_value value = { .line = item->line };
	const char *text = item->value;
	int code;

	if (row->kind == BV_KEY_MATCH && text[0] == '!') {
		value.negated = true;
		text++;
	}
	if (text[0] == '\0')
		return bv_fail(err, BV_E_CONF, "no value");
	value.text = bv_arena_strdup(p->arena, text);
	if (value.text == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a value");
	code = add_value(p, row, &value, err);
	return code == BV_OK ? row->set(p, row, &value, err) : code;
}

static int take_pair(struct bv_policy_parse *p, const struct bv_conf_item *item,
		     enum bv_section section, struct bv_err *err)
{
	const struct bv_key_row *row = bv_policy_key(section, item->name);
	struct bv_err why = { 0 };
	int code;

	if (row == NULL)
		return fail_key(p, item, section, err);
	code = take_value(p, row, item, &why);
	if (code == BV_OK || code == BV_E_NOMEM)
		return code;
	return bv_conf_fail(err, p->policy->path, item->line, "[%s] %s: %s",
			    bv_section_name(section), row->key, why.msg);
}

static int take_section(struct bv_policy_parse *p,
			const struct bv_conf_item *item, enum bv_section *ret,
			struct bv_err *err)
{
	enum bv_section section;
	char hint[BV_HINT_BYTES];

	*ret = BV_SECTION_N;
	if (!bv_section_from_name(item->name, &section)) {
		bv_hint_section(item->name, hint);
		return bv_conf_fail(err, p->policy->path, item->line,
				    "unknown section [%s]; %s", item->name,
				    hint);
	}
	*ret = section;
	if (p->section_line[section] != 0)
		return bv_conf_fail(err, p->policy->path, item->line,
				    "[%s] stands at line %u already",
				    item->name, p->section_line[section]);
	p->section_line[section] = item->line;
	return BV_OK;
}

static bool decides_match(enum bv_section section)
{
	return section == BV_SECTION_POLICY || section == BV_SECTION_MATCH;
}

/* A second [policy] or [match] says something else than the first; an unknown
 * section may be one of the two mistyped while either is still to come. */
static bool section_touches(const struct bv_policy_parse *p,
			    enum bv_section section)
{
	if (section != BV_SECTION_N)
		return decides_match(section);
	return p->section_line[BV_SECTION_POLICY] == 0 ||
	       p->section_line[BV_SECTION_MATCH] == 0;
}

static void read_items(struct bv_policy_parse *p, struct bv_conf *conf,
		       int *ret_fatal)
{
	enum bv_section section = BV_SECTION_N; /* none, or an unknown one */
	bool any_section = false;

	for (;;) {
		struct bv_conf_item item;
		struct bv_err err = { 0 };
		bool touches = decides_match(section) || !any_section;
		int code = BV_OK;

		bv_conf_next(conf, &item, &err);
		switch (item.type) {
		case BV_CONF_END:
			return;
		case BV_CONF_BAD: /* what may have been a section counts */
			code = BV_E_CONF;
			touches = touches || !item.local;
			break;
		case BV_CONF_SECTION:
			code = take_section(p, &item, &section, &err);
			any_section = true;
			touches = section_touches(p, section);
			break;
		case BV_CONF_PAIR:
			if (section != BV_SECTION_N)
				code = take_pair(p, &item, section, &err);
			else if (!any_section)
				code = bv_conf_fail(
					&err, p->policy->path, item.line,
					"'%s' before any [section]", item.name);
			break;
		}
		if (code == BV_E_NOMEM) {
			*ret_fatal = code;
			return;
		}
		if (code != BV_OK)
			note_error(p->policy, &err, touches);
	}
}

static struct bv_list list_of(const struct bv_policy_parse *p, const char *key)
{
	const struct bv_key_seen *s = bv_policy_seen(p, BV_SECTION_MATCH, key);

	return (struct bv_list){ .v = s->v, .n = s->n };
}

static bool has_plain(const struct bv_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->v[i].negated)
			return true;
	}
	return false;
}

static void finish_match(struct bv_policy_parse *p)
{
	struct bv_policy *policy = p->policy;
	struct bv_match *m = &policy->match;
	const unsigned int line = p->section_line[BV_SECTION_MATCH];
	struct bv_err err = { 0 };

	m->user = list_of(p, "user");
	m->group = list_of(p, "group");
	m->service = list_of(p, "service");
	m->tty = list_of(p, "tty");
	m->rhost = list_of(p, "rhost");
	if (has_plain(&m->user) || has_plain(&m->group))
		return;
	bv_conf_fail(&err, policy->path, line == 0 ? 1 : line,
		     "[match] names no user and no group: it would match "
		     "everyone; say user = * if that is meant");
	note_error(policy, &err, true);
}

int bv_policy_parse(struct bv_arena *arena, const char *name, const char *path,
		    const char *bytes, size_t len, struct bv_policy *ret)
{
	struct bv_policy_parse p = { .arena = arena, .policy = ret };
	struct bv_err err = { 0 };
	struct bv_conf conf;
	int fatal = BV_OK;

	name = bv_arena_strdup(arena, name);
	path = bv_arena_strdup(arena, path);
	if (name == NULL || path == NULL)
		return BV_E_NOMEM;
	set_defaults(ret, name, path);
	if (len > BV_CONF_FILE_MAX) {
		bv_conf_fail(&err, path, 1, "the file is longer than %u bytes",
			     BV_CONF_FILE_MAX);
		note_error(ret, &err, true);
		return BV_OK;
	}
	bv_sha256_hex(bytes == NULL ? "" : bytes, len, ret->sha256_hex);
	ret->match_known = true;
	bv_conf_init(&conf, path, "bvisor-policy 1", bytes, len);
	read_items(&p, &conf, &fatal);
	if (fatal != BV_OK)
		return fatal;
	finish_match(&p);
	if (!ret->broken && bv_policy_check(&p, &err) != BV_OK)
		note_error(ret, &err, false);
	return BV_OK;
}
