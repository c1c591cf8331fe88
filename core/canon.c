/* SPDX-License-Identifier: MIT */
/*
 * The strict reader. A document is parsed, written again and compared: whatever
 * jansson lets pass that is not the one form shows as a difference.
 */
#include "core/canon.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A real number: jansson would read it, and write it again as it was. */
static bool is_real(const char *p, size_t at)
{
	return p[at] == '.' || p[at] == 'E' ||
	       (p[at] == 'e' && at > 0 && is_digit(p[at - 1]));
}

/* Depth before anything is built, so that the parser's stack is bounded by us. */
static int scan(const char *p, size_t len, struct bv_err *err)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_string = false;
			continue;
		}
		if (is_real(p, i))
			return bv_fail(err, BV_E_PROTO,
				       "byte %zu: a number that is no integer",
				       i);
		if (p[i] == '"')
			in_string = true;
		else if ((p[i] == '}' || p[i] == ']') && depth > 0)
			depth--;
		else if ((p[i] == '{' || p[i] == '[') &&
			 ++depth > BV_CANON_DEPTH_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "byte %zu: nested over %u deep", i,
				       BV_CANON_DEPTH_MAX);
	}
	return BV_OK;
}

/* jansson's own words quote the input: they are not repeated. */
static int fail_parse(const json_error_t *why, struct bv_err *err)
{
	switch (json_error_code(why)) {
	case json_error_unknown:
	case json_error_out_of_memory:
		return bv_fail(err, BV_E_NOMEM, "no memory");
	case json_error_duplicate_key:
		return bv_fail(err, BV_E_PROTO, "byte %d: a key twice",
			       why->position);
	default:
		return bv_fail(err, BV_E_PROTO, "byte %d: no JSON",
			       why->position);
	}
}

static int compare(const char *p, size_t len, const char *again,
		   struct bv_err *err)
{
	const size_t again_len = strlen(again);
	size_t at = 0;

	while (at < len && at < again_len && p[at] == again[at])
		at++;
	if (at == len && at == again_len)
		return BV_OK;
	return bv_fail(err, BV_E_PROTO, "byte %zu: not in canonical form", at);
}

int bv_canon_load(const void *bytes, size_t len, json_t **ret,
		  struct bv_err *err)
{
	json_error_t why = { .position = 0 };
	char *again = NULL;
	json_t *value;
	int code;

	if (len > BV_CANON_BYTES_MAX)
		return bv_fail(err, BV_E_LIMIT, "%zu bytes, over %u", len,
			       BV_CANON_BYTES_MAX);
	code = scan(bytes, len, err);
	if (code != BV_OK)
		return code;
	value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &why);
	if (!value)
		return fail_parse(&why, err);
	code = bv_json_finish(json_incref(value), "again", &again, err);
	if (code == BV_OK)
		code = compare(bytes, len, again, err);
	free(again);
	if (code != BV_OK) {
		json_decref(value);
		return code;
	}
	*ret = value;
	return BV_OK;
}

/* --- text ------------------------------------------------------------------ */

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape at p (which is a backslash) to *ret; its length, 0 when bad. */
static size_t unescape(const char *p, char *ret)
{
	int hi, lo;

	if (p[1] == '\\') {
		*ret = '\\';
		return 2;
	}
	if (p[1] != 'x')
		return 0;
	hi = hex_value(p[2]);
	lo = hi < 0 ? -1 : hex_value(p[3]);
	if (lo < 0)
		return 0;
	*ret = (char)(hi * 16 + lo);
	return 4;
}

/* Is this the form that these bytes are given? \x41 for an 'A' is not. */
static int check_form(const char *bytes, const char *encoded,
		      struct bv_err *err)
{
	char *again = bv_json_escape(bytes);
	bool same;

	if (!again)
		return bv_fail(err, BV_E_NOMEM, "no memory");
	same = strcmp(again, encoded) == 0;
	free(again);
	return same ? BV_OK
		    : bv_fail(err, BV_E_PROTO, "text not in canonical form");
}

int bv_canon_text(struct bv_arena *arena, const char *encoded, const char **ret,
		  struct bv_err *err)
{
	char *bytes = bv_arena_alloc(arena, strlen(encoded) + 1);
	char *out = bytes;
	int code;

	if (!bytes)
		return bv_fail(err, BV_E_NOMEM, "no memory");
	for (const char *p = encoded; *p;) {
		size_t len = 1;

		*out = *p;
		if (*p == '\\')
			len = unescape(p, out);
		if (len == 0)
			return bv_fail(err, BV_E_PROTO,
				       "unknown escape at byte %zu",
				       (size_t)(p - encoded));
		p += len;
		out++;
	}
	*out = '\0';
	code = check_form(bytes, encoded, err);
	if (code == BV_OK)
		*ret = bytes;
	return code;
}
