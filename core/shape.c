/* SPDX-License-Identifier: MIT */
/* One walk for all tables. Its depth is the tables', not the input's. */
#include "core/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/snapshot.h"
#include "core/vocab.h"

_Static_assert(sizeof(enum bv_kind) == sizeof(unsigned int) &&
		       sizeof(enum bv_outcome) == sizeof(unsigned int),
	       "NAME stores an unsigned int");

/* One adapter each: a function must be called by its own type. */
#define SET(set, function, type, count)                                        \
	static const char *set##_name(unsigned int value)                      \
	{                                                                      \
		return function((enum type)value);                             \
	}                                                                      \
	const struct bv_shape_set bv_shape_##set = { set##_name, count };

SET(kinds, bv_kind_name, bv_kind, BV_KIND_N)
SET(reqs, bv_req_name, bv_req, BV_REQ_N)
SET(enforcements, bv_enforcement_name, bv_enforcement, BV_ENFORCEMENT_N)
SET(evidence, bv_evidence_name, bv_evidence, BV_EV_N)
SET(dims, bv_dim_name, bv_dim, BV_DIM_N)
SET(findings, bv_finding_name, bv_finding, BV_FINDING_N)
SET(outcomes, bv_outcome_name, bv_outcome, BV_OUTCOME_N)

int bv_shape_fail(struct bv_shape_at *at, const char *key, const char *fmt, ...)
{
	char text[256];
	size_t len = strlen(at->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (*key)
		return bv_fail(at->err, BV_E_PROTO, "%s: %s%.40s: %s", at->what,
			       at->path, key, text);
	/* Of the object itself: its path without the dot. */
	if (len == 0)
		return bv_fail(at->err, BV_E_PROTO, "%s: %s", at->what, text);
	return bv_fail(at->err, BV_E_PROTO, "%s: %.*s: %s", at->what,
		       (int)len - 1, at->path, text);
}

static int no_memory(struct bv_shape_at *at)
{
	return bv_fail(at->err, BV_E_NOMEM, "%s: no memory", at->what);
}

/* Input chooses these bytes: what is shown of them is short and printable. */
static const char *shown(const char *text, char ret[41])
{
	size_t i;

	for (i = 0; text[i] && i < 40; i++)
		ret[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	ret[i] = '\0';
	return ret;
}

static bool set_find(const struct bv_shape_set *set, const char *name,
		     unsigned int *ret)
{
	for (unsigned int i = 0; i < set->n; i++) {
		if (strcmp(set->name(i), name) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

typedef int (*decoder)(struct bv_shape_at *at, const struct bv_shape_row *row,
		       json_t *value, char *ret);

static int decode_schema(struct bv_shape_at *at, const struct bv_shape_row *row,
			 json_t *value, char *ret)
{
	(void)ret;
	if (!json_is_integer(value))
		return bv_shape_fail(at, row->key, "not an integer");
	if (json_integer_value(value) != (json_int_t)row->hi)
		return bv_shape_fail(at, row->key,
				     "version %lld is unknown, %llu is known",
				     (long long)json_integer_value(value),
				     (unsigned long long)row->hi);
	return BV_OK;
}

static int decode_bool(struct bv_shape_at *at, const struct bv_shape_row *row,
		       json_t *value, char *ret)
{
	const bool b = json_is_true(value);

	if (!json_is_boolean(value))
		return bv_shape_fail(at, row->key, "not true or false");
	memcpy(ret, &b, sizeof(b));
	return BV_OK;
}

static int decode_u64(struct bv_shape_at *at, const struct bv_shape_row *row,
		      json_t *value, char *ret)
{
	json_int_t got = json_integer_value(value);
	uint64_t n = (uint64_t)got;

	if (!json_is_integer(value))
		return bv_shape_fail(at, row->key, "not an integer");
	if (got < 0 || n < row->lo || n > row->hi)
		return bv_shape_fail(
			at, row->key, "%lld is not within %llu..%llu",
			(long long)got, (unsigned long long)row->lo,
			(unsigned long long)row->hi);
	memcpy(ret, &n, sizeof(n));
	return BV_OK;
}

static int decode_text(struct bv_shape_at *at, const struct bv_shape_row *row,
		       json_t *value, char *ret)
{
	const char *encoded = json_string_value(value);
	struct bv_err why = { 0 };
	const char *text;
	size_t len;

	if (!encoded)
		return bv_shape_fail(at, row->key, "not a text");
	if (bv_canon_text(at->arena, encoded, &text, &why) != BV_OK)
		return why.code == BV_E_NOMEM
			       ? no_memory(at)
			       : bv_shape_fail(at, row->key, "%s", why.msg);
	len = strlen(text);
	if (len < row->lo || len > row->hi)
		return bv_shape_fail(at, row->key,
				     "%zu bytes, not within %llu..%llu", len,
				     (unsigned long long)row->lo,
				     (unsigned long long)row->hi);
	memcpy(ret, &text, sizeof(text));
	return BV_OK;
}

static int decode_hex(struct bv_shape_at *at, const struct bv_shape_row *row,
		      json_t *value, char *ret)
{
	const char *text = json_string_value(value);

	if (!text)
		return bv_shape_fail(at, row->key, "not a text");
	if (strlen(text) != row->hi ||
	    strspn(text, "0123456789abcdef") != row->hi)
		return bv_shape_fail(at, row->key, "not %llu hex digits",
				     (unsigned long long)row->hi);
	text = bv_arena_strdup(at->arena, text);
	if (!text)
		return no_memory(at);
	memcpy(ret, &text, sizeof(text));
	return BV_OK;
}

static int decode_name(struct bv_shape_at *at, const struct bv_shape_row *row,
		       json_t *value, char *ret)
{
	const char *name = json_string_value(value);
	unsigned int found;
	char show[41];

	if (!name)
		return bv_shape_fail(at, row->key, "not a name");
	if (!set_find(row->set, name, &found))
		return bv_shape_fail(at, row->key, "unknown '%s'",
				     shown(name, show));
	memcpy(ret, &found, sizeof(found));
	return BV_OK;
}

static int decode_names(struct bv_shape_at *at, const struct bv_shape_row *row,
			json_t *value, char *ret)
{
	uint32_t bits = 0;
	char show[41];

	if (!json_is_array(value))
		return bv_shape_fail(at, row->key, "not a list");
	for (size_t i = 0; i < json_array_size(value); i++) {
		const char *name = json_string_value(json_array_get(value, i));
		unsigned int found;

		if (!name)
			return bv_shape_fail(at, row->key,
					     "member %zu is no name", i);
		if (!set_find(row->set, name, &found))
			return bv_shape_fail(at, row->key, "unknown '%s'",
					     shown(name, show));
		/* All bits above the last one: twice is out of order too. */
		if (bits >> found != 0)
			return bv_shape_fail(at, row->key, "'%s' out of order",
					     shown(name, show));
		bits |= (uint32_t)1 << found;
	}
	memcpy(ret, &bits, sizeof(bits));
	return BV_OK;
}

/* Go down one level; the old end of the path, or SIZE_MAX when it is too long
 * (which only a table could make it). */
static size_t enter(struct bv_shape_at *at, const char *key, size_t index,
		    bool indexed)
{
	const size_t mark = strlen(at->path);
	const size_t room = sizeof(at->path) - mark;
	int n;

	if (indexed)
		n = snprintf(at->path + mark, room, "%s[%zu].", key, index);
	else
		n = snprintf(at->path + mark, room, "%s.", key);
	if (n >= 0 && (size_t)n < room)
		return mark;
	at->path[mark] = '\0';
	return SIZE_MAX;
}

static int decode_object(struct bv_shape_at *at, const struct bv_shape_row *row,
			 json_t *value, char *ret)
{
	const size_t mark = enter(at, row->key, 0, false);
	int code;

	if (mark == SIZE_MAX)
		return bv_shape_fail(at, row->key, "nested too deep");
	code = bv_shape_decode(at, row->of, value, ret);
	at->path[mark] = '\0';
	return code;
}

static int decode_list(struct bv_shape_at *at, const struct bv_shape_row *row,
		       json_t *value, char *ret)
{
	struct bv_shape_list list = { .n = json_array_size(value) };
	const size_t size = row->of->size;
	int code = BV_OK;
	char *v;

	if (!json_is_array(value))
		return bv_shape_fail(at, row->key, "not a list");
	if (list.n > row->hi)
		return bv_shape_fail(at, row->key, "%zu members, over %llu",
				     list.n, (unsigned long long)row->hi);
	v = bv_arena_alloc(at->arena, list.n * size + 1);
	if (!v)
		return no_memory(at);
	for (size_t i = 0; i < list.n && code == BV_OK; i++) {
		const size_t mark = enter(at, row->key, i, true);

		if (mark == SIZE_MAX)
			return bv_shape_fail(at, row->key, "nested too deep");
		code = bv_shape_decode(at, row->of, json_array_get(value, i),
				       v + i * size);
		at->path[mark] = '\0';
	}
	list.v = v;
	if (code == BV_OK)
		memcpy(ret, &list, sizeof(list));
	return code;
}

static int decode_texts(struct bv_shape_at *at, const struct bv_shape_row *row,
			json_t *value, char *ret)
{
	struct bv_shape_list list = { .n = json_array_size(value) };
	const char **v;

	if (!json_is_array(value))
		return bv_shape_fail(at, row->key, "not a list");
	if (list.n > row->hi)
		return bv_shape_fail(at, row->key, "%zu members, over %llu",
				     list.n, (unsigned long long)row->hi);
	v = bv_arena_alloc(at->arena, (list.n + 1) * sizeof(*v));
	if (!v)
		return no_memory(at);
	for (size_t i = 0; i < list.n; i++) {
		const char *text = json_string_value(json_array_get(value, i));
		struct bv_err why = { 0 };

		if (!text)
			return bv_shape_fail(at, row->key,
					     "member %zu is no text", i);
		if (bv_canon_text(at->arena, text, &v[i], &why) != BV_OK)
			return why.code == BV_E_NOMEM
				       ? no_memory(at)
				       : bv_shape_fail(at, row->key,
						       "member %zu: %s", i,
						       why.msg);
	}
	list.v = v;
	memcpy(ret, &list, sizeof(list));
	return BV_OK;
}

/* The facts' own rules (length, number, order) are bv_snapshot_set()'s. */
static int decode_facts(struct bv_shape_at *at, const struct bv_shape_row *row,
			json_t *value, char *ret)
{
	struct bv_snapshot *snap = (struct bv_snapshot *)(void *)ret;
	struct bv_err why = { 0 };

	if (!json_is_object(value))
		return bv_shape_fail(at, row->key, "not an object");
	for (void *i = json_object_iter(value); i;
	     i = json_object_iter_next(value, i)) {
		const char *key = json_object_iter_key(i);
		const char *encoded =
			json_string_value(json_object_iter_value(i));
		const char *text;
		char show[41];

		if (!encoded)
			return bv_shape_fail(at, row->key, "'%s' is not a text",
					     shown(key, show));
		if (bv_canon_text(at->arena, encoded, &text, &why) != BV_OK ||
		    bv_snapshot_set(snap, key, text, &why) != BV_OK)
			return why.code == BV_E_NOMEM
				       ? no_memory(at)
				       : bv_shape_fail(at, row->key, "'%s': %s",
						       shown(key, show),
						       why.msg);
	}
	return BV_OK;
}

static const decoder decoders[] = {
	[BV_SHAPE_SCHEMA] = decode_schema, [BV_SHAPE_BOOL] = decode_bool,
	[BV_SHAPE_U64] = decode_u64,       [BV_SHAPE_TEXT] = decode_text,
	[BV_SHAPE_HEX] = decode_hex,       [BV_SHAPE_NAME] = decode_name,
	[BV_SHAPE_NAMES] = decode_names,   [BV_SHAPE_OBJECT] = decode_object,
	[BV_SHAPE_LIST] = decode_list,     [BV_SHAPE_TEXTS] = decode_texts,
	[BV_SHAPE_FACTS] = decode_facts,
};

static int decode_row(struct bv_shape_at *at, const struct bv_shape_row *row,
		      const json_t *object, char *base)
{
	json_t *value = json_object_get(object, row->key);
	const bool has = value && !json_is_null(value);

	if (!value)
		return row->flags & BV_SHAPE_OPTIONAL
			       ? BV_OK
			       : bv_shape_fail(at, row->key, "missing");
	if (row->has != BV_SHAPE_NO_HAS)
		memcpy(base + row->has, &has, sizeof(has));
	if (!has && row->flags & BV_SHAPE_NULL)
		return BV_OK;
	return decoders[row->type](at, row, value, base + row->offset);
}

static int refuse_unknown(struct bv_shape_at *at, const struct bv_shape *shape,
			  json_t *object)
{
	for (void *i = json_object_iter(object); i;
	     i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);
		char show[41];
		size_t r = 0;

		while (r < shape->row_n && strcmp(shape->row[r].key, key) != 0)
			r++;
		if (r == shape->row_n)
			return bv_shape_fail(at, shown(key, show),
					     "unknown member");
	}
	return BV_OK;
}

int bv_shape_decode(struct bv_shape_at *at, const struct bv_shape *shape,
		    json_t *object, void *ret)
{
	int code = BV_OK;

	memset(ret, 0, shape->size);
	if (!json_is_object(object))
		return bv_shape_fail(at, "", "not an object");
	for (size_t i = 0; i < shape->row_n && code == BV_OK; i++)
		code = decode_row(at, &shape->row[i], object, ret);
	if (code == BV_OK)
		code = refuse_unknown(at, shape, object);
	if (code == BV_OK && shape->check)
		code = shape->check(at, ret);
	return code;
}

int bv_shape_load(struct bv_arena *arena, const char *what,
		  const struct bv_shape *shape, const void *bytes, size_t len,
		  void *ret, struct bv_err *err)
{
	struct bv_err own = { 0 };
	struct bv_shape_at at = {
		.arena = arena,
		.what = what,
		.err = err ? err : &own,
	};
	json_t *object;
	int code = bv_canon_load(bytes, len, &object, at.err);

	if (code != BV_OK)
		return bv_ctx(at.err, "%s", what);
	code = bv_shape_decode(&at, shape, object, ret);
	json_decref(object);
	return code;
}
