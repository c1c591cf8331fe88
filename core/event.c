/* SPDX-License-Identifier: MIT */
/*
 * Events by table: one row a member says its key, its type and where it lives;
 * encoder and decoder both walk the rows, so they cannot disagree on a member.
 */
#include "core/event.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "core/json.h"

#define TEXT_MAX 1024u

static const char *const kind_names[] = {
	[BV_EVENT_STARTED] = "started",
	[BV_EVENT_REPORT] = "report",
	[BV_EVENT_RECOVERY] = "recovery",
	[BV_EVENT_DISPOSITION] = "disposition",
	[BV_EVENT_QUALIFICATION] = "qualification",
	[BV_EVENT_REFUSAL] = "refusal",
};
_Static_assert(BV_LEN(kind_names) == BV_EVENT_N, "every kind has a name");

static const char *const phase_names[] = {
	[BV_DISPOSITION_DECIDED] = "decided",
	[BV_DISPOSITION_APPLIED] = "applied",
	[BV_DISPOSITION_FAILED] = "failed",
};
_Static_assert(BV_LEN(phase_names) == BV_DISPOSITION_PHASE_N, "all named");

const char *bv_event_kind_name(enum bv_event_kind kind)
{
	return (unsigned int)kind < BV_EVENT_N ? kind_names[kind] : "?";
}

const char *bv_disposition_phase_name(enum bv_disposition_phase phase)
{
	return (unsigned int)phase < BV_DISPOSITION_PHASE_N ? phase_names[phase]
							    : "?";
}

enum type {
	TYPE_TEXT, /* const char *, at most TEXT_MAX bytes */
	TYPE_HEX64,
	TYPE_U64, /* at most INT64_MAX */
	TYPE_ENUM,
};

typedef const char *(*name_fn)(unsigned int value);

/* One adapter each: function pointers of other types may not be called. */
static const char *outcome_name(unsigned int v)
{
	return bv_outcome_name((enum bv_outcome)v);
}
static const char *verdict_name(unsigned int v)
{
	return bv_recovery_verdict_name((enum bv_recovery_verdict)v);
}
static const char *phase_name(unsigned int v)
{
	return bv_disposition_phase_name((enum bv_disposition_phase)v);
}
static const char *disposition_name(unsigned int v)
{
	return bv_disposition_name((enum bv_disposition)v);
}
static const char *membrane_name(unsigned int v)
{
	return bv_membrane_name((enum bv_membrane)v);
}

/* What is not a value of the set although it has a name. */
enum {
	ALL_VALUES = 0,
	NO_ZERO = 1
};

struct member {
	const char *key;
	size_t offset;
	enum type type;
	name_fn name;
	unsigned int from, until; /* ENUM: values from..until-1 */
};

#define AT(field) offsetof(struct bv_event, field)
#define TEXT(key, field)                                                       \
	{                                                                      \
		key, AT(field), TYPE_TEXT, NULL, 0, 0                          \
	}
#define HEX64(key, field)                                                      \
	{                                                                      \
		key, AT(field), TYPE_HEX64, NULL, 0, 0                         \
	}
#define U64(key, field)                                                        \
	{                                                                      \
		key, AT(field), TYPE_U64, NULL, 0, 0                           \
	}
#define ENUM(key, field, names, zero, n)                                       \
	{                                                                      \
		key, AT(field), TYPE_ENUM, names, zero, n                      \
	}

static const struct member common[] = {
	TEXT("session", session),
	TEXT("boot_id", boot_id),
	U64("unix_us", unix_us),
};
static const struct member of_started[] = {
	HEX64("plan_id", started.plan_id),
	TEXT("policy", started.policy),
	TEXT("user", started.user),
	U64("leader_pid", started.leader_pid),
	U64("leader_start", started.leader_start),
};
static const struct member of_report[] = {
	HEX64("plan_id", report.plan_id),
	HEX64("sha256", report.sha256),
	ENUM("outcome", report.outcome, outcome_name, ALL_VALUES, BV_OUTCOME_N),
};
static const struct member of_recovery[] = {
	/* none: a living session was adopted, nothing has ended */
	ENUM("verdict", recovery.verdict, verdict_name, ALL_VALUES,
	     BV_RECOVERY_VERDICT_N),
	U64("swept", recovery.swept),
	TEXT("reason", recovery.reason),
};
static const struct member of_disposition[] = {
	TEXT("artifact", disposition.artifact),
	ENUM("phase", disposition.phase, phase_name, ALL_VALUES,
	     BV_DISPOSITION_PHASE_N),
	ENUM("decision", disposition.decision, disposition_name, NO_ZERO,
	     BV_DISPOSITION_N),
	TEXT("reason", disposition.reason),
	TEXT("target", disposition.target),
};
static const struct member of_qualification[] = {
	TEXT("kernel", qualification.kernel),
	TEXT("build", qualification.build),
	U64("passed", qualification.passed),
	U64("failed", qualification.failed),
	U64("skipped", qualification.skipped),
};
static const struct member of_refusal[] = {
	ENUM("membrane", refusal.membrane, membrane_name, NO_ZERO,
	     BV_MEMBRANE_N),
	TEXT("user", refusal.user),
	TEXT("reason", refusal.reason),
};

static const struct {
	const struct member *rows;
	size_t n;
} members[] = {
#define ROWS(table)                                                            \
	{                                                                      \
		table, BV_LEN(table)                                           \
	}
	[BV_EVENT_STARTED] = ROWS(of_started),
	[BV_EVENT_REPORT] = ROWS(of_report),
	[BV_EVENT_RECOVERY] = ROWS(of_recovery),
	[BV_EVENT_DISPOSITION] = ROWS(of_disposition),
	[BV_EVENT_QUALIFICATION] = ROWS(of_qualification),
	[BV_EVENT_REFUSAL] = ROWS(of_refusal),
};
_Static_assert(BV_LEN(members) == BV_EVENT_N, "every kind states its members");

/* Enums of this project are all represented as unsigned int. */
_Static_assert(sizeof(enum bv_outcome) == sizeof(unsigned int),
	       "an int's size");

/* --- encode ---------------------------------------------------------------- */

static json_t *encode_member(const struct bv_event *e, const struct member *m)
{
	const char *at = (const char *)e + m->offset;
	const char *text;
	unsigned int value;
	uint64_t number;

	switch (m->type) {
	case TYPE_TEXT:
	case TYPE_HEX64:
		memcpy(&text, at, sizeof(text));
		return text == NULL ? NULL : bv_json_text(text);
	case TYPE_U64:
		memcpy(&number, at, sizeof(number));
		return bv_json_u64(number);
	case TYPE_ENUM:
		memcpy(&value, at, sizeof(value));
		return value < m->from || value >= m->until
			       ? NULL
			       : json_string(m->name(value));
	}
	return NULL;
}

static int encode_rows(const struct bv_event *e, const struct member *rows,
		       size_t n, json_t *object, struct bv_err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (json_object_set_new(object, rows[i].key,
					encode_member(e, &rows[i])) != 0)
			return bv_fail(err, BV_E_INVAL,
				       "event '%s': '%s' has no valid value, "
				       "or no memory",
				       bv_event_kind_name(e->kind),
				       rows[i].key);
	}
	return BV_OK;
}

int bv_event_encode(const struct bv_event *event, char **ret_json,
		    struct bv_err *err)
{
	json_t *o;
	int code;

	if ((unsigned int)event->kind >= BV_EVENT_N)
		return bv_fail(err, BV_E_INVAL, "event: unknown kind %u",
			       (unsigned int)event->kind);
	o = json_object();
	if (json_object_set_new(o, "schema", json_integer(BV_EVENT_SCHEMA)) !=
		    0 ||
	    json_object_set_new(o, "event",
				json_string(kind_names[event->kind])) != 0) {
		json_decref(o);
		return bv_fail(err, BV_E_NOMEM, "encode event: no memory");
	}
	code = encode_rows(event, common, BV_LEN(common), o, err);
	if (code == BV_OK)
		code = encode_rows(event, members[event->kind].rows,
				   members[event->kind].n, o, err);
	if (code != BV_OK) {
		json_decref(o);
		return code;
	}
	return bv_json_finish(o, "event", ret_json, err);
}

/* --- decode ---------------------------------------------------------------- */

static int decode_text(struct bv_arena *arena, const struct member *m,
		       const json_t *v, char *at, struct bv_err *err)
{
	const char *text = json_string_value(v);
	const char *copy;
	int code;

	if (text == NULL)
		return bv_fail(err, BV_E_CONF, "'%s' is no text", m->key);
	if (strlen(text) > TEXT_MAX)
		return bv_fail(err, BV_E_LIMIT, "'%s' is over %u bytes", m->key,
			       TEXT_MAX);
	if (m->type == TYPE_HEX64 &&
	    (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64))
		return bv_fail(err, BV_E_CONF, "'%s' is no SHA-256", m->key);
	code = bv_canon_text(arena, text, &copy, err);
	if (code != BV_OK)
		return bv_ctx(err, "'%s'", m->key);
	memcpy(at, &copy, sizeof(copy));
	return BV_OK;
}

static int decode_enum(const struct member *m, const json_t *v, char *at,
		       struct bv_err *err)
{
	const char *text = json_string_value(v);

	for (unsigned int value = m->from; text && value < m->until; value++) {
		if (strcmp(m->name(value), text) != 0)
			continue;
		memcpy(at, &value, sizeof(value));
		return BV_OK;
	}
	return bv_fail(err, BV_E_CONF, "'%s': unknown '%.40s'", m->key,
		       text ? text : "");
}

static int decode_u64(const struct member *m, const json_t *v, char *at,
		      struct bv_err *err)
{
	uint64_t number;

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return bv_fail(err, BV_E_CONF, "'%s' is no number from 0 on",
			       m->key);
	number = (uint64_t)json_integer_value(v);
	memcpy(at, &number, sizeof(number));
	return BV_OK;
}

static int decode_rows(struct bv_arena *arena, const struct member *rows,
		       size_t n, const json_t *object, struct bv_event *e,
		       struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; i < n && code == BV_OK; i++) {
		const struct member *m = &rows[i];
		const json_t *v = json_object_get(object, m->key);
		char *at = (char *)e + m->offset;

		if (v == NULL)
			return bv_fail(err, BV_E_CONF, "'%s' is missing",
				       m->key);
		switch (m->type) {
		case TYPE_TEXT:
		case TYPE_HEX64:
			code = decode_text(arena, m, v, at, err);
			break;
		case TYPE_U64:
			code = decode_u64(m, v, at, err);
			break;
		case TYPE_ENUM:
			code = decode_enum(m, v, at, err);
			break;
		}
	}
	return code;
}

static bool is_of(const struct member *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key, key) == 0)
			return true;
	return false;
}

static int check_keys(json_t *object, enum bv_event_kind kind,
		      struct bv_err *err)
{
	for (void *i = json_object_iter(object); i;
	     i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);

		if (strcmp(key, "schema") != 0 && strcmp(key, "event") != 0 &&
		    !is_of(common, BV_LEN(common), key) &&
		    !is_of(members[kind].rows, members[kind].n, key))
			return bv_fail(err, BV_E_CONF, "unknown member '%.40s'",
				       key);
	}
	return BV_OK;
}

static int decode_kind(const json_t *object, enum bv_event_kind *ret,
		       struct bv_err *err)
{
	const json_t *schema = json_object_get(object, "schema");
	const char *name = json_string_value(json_object_get(object, "event"));

	if (!json_is_integer(schema) ||
	    json_integer_value(schema) != BV_EVENT_SCHEMA)
		return bv_fail(err, BV_E_UNSUPPORTED, "'schema' is not %d",
			       BV_EVENT_SCHEMA);
	for (unsigned int k = 0; name && k < BV_EVENT_N; k++) {
		if (strcmp(kind_names[k], name) == 0) {
			*ret = (enum bv_event_kind)k;
			return BV_OK;
		}
	}
	return bv_fail(err, BV_E_CONF, "'event': unknown '%.40s'",
		       name ? name : "");
}

int bv_event_decode(struct bv_arena *arena, const void *bytes, size_t len,
		    struct bv_event *ret, struct bv_err *err)
{
	struct bv_event e = { .unix_us = 0 };
	json_t *object = NULL;
	int code = bv_canon_load(bytes, len, &object, err);

	if (code == BV_OK)
		code = decode_kind(object, &e.kind, err);
	if (code == BV_OK)
		code = check_keys(object, e.kind, err);
	if (code == BV_OK)
		code = decode_rows(arena, common, BV_LEN(common), object, &e,
				   err);
	if (code == BV_OK)
		code = decode_rows(arena, members[e.kind].rows,
				   members[e.kind].n, object, &e, err);
	json_decref(object);
	if (code != BV_OK)
		return bv_ctx(err, "event");
	*ret = e;
	return BV_OK;
}
