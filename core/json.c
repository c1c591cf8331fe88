/* SPDX-License-Identifier: MIT */
/* Canonical JSON over jansson. */
#include "core/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "core/vocab.h"

char *bv_json_escape(const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *const end = p + strlen(text);
	char *escaped, *out;

	escaped = malloc((size_t)(end - p) * 4 + 1);
	if (!escaped)
		return NULL;
	out = escaped;
	while (p < end) {
		size_t len = bv_utf8_sequence(p, (size_t)(end - p));

		if (len == 0) {
			*out++ = '\\';
			*out++ = 'x';
			*out++ = hex[*p >> 4];
			*out++ = hex[*p & 0xf];
			p++;
			continue;
		}
		if (*p == '\\')
			*out++ = '\\';
		memcpy(out, p, len);
		out += len;
		p += len;
	}
	*out = '\0';
	return escaped;
}

/* Nearly all texts: they are what they escape to. */
static bool needs_no_escape(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80 || *text == '\\')
			return false;
	return true;
}

json_t *bv_json_text(const char *text)
{
	char *escaped;
	json_t *value;

	if (!text)
		return json_null();
	if (needs_no_escape(text))
		return json_string_nocheck(text);
	escaped = bv_json_escape(text);
	if (!escaped)
		return NULL;
	value = json_string(escaped);
	free(escaped);
	return value;
}

int bv_json_put(json_t *object, const char *key, json_t *value)
{
	/* Our own literals: they need no check of their UTF-8. */
	return json_object_set_new_nocheck(object, key, value);
}

json_t *bv_json_whole(json_t *value, int failed)
{
	if (failed) {
		json_decref(value);
		return NULL;
	}
	return value;
}

json_t *bv_json_facts(const struct bv_snapshot *snap)
{
	json_t *object = json_object();
	int failed = object ? 0 : -1;

	for (size_t i = 0; i < snap->n; i++)
		failed |= bv_json_put(object, snap->fact[i].key,
				      bv_json_text(snap->fact[i].value));
	return bv_json_whole(object, failed);
}

json_t *bv_json_u64(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) : NULL;
}

json_t *bv_json_evidence(uint32_t evidence)
{
	json_t *names = json_array();

	for (unsigned int e = 0; names && e < BV_EV_N; e++) {
		if (!(evidence & BV_EV_BIT(e)))
			continue;
		if (json_array_append_new(names,
					  bv_json_text(bv_evidence_name(
						  (enum bv_evidence)e))) != 0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

int bv_json_finish(json_t *value, const char *what, char **ret_json,
		   struct bv_err *err)
{
	char *text = NULL;

	/* ASCII only: a log, a terminal and a digest see the same bytes. */
	if (value)
		text = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT |
						 JSON_ENSURE_ASCII);
	json_decref(value);
	if (!text)
		return bv_fail(err, BV_E_NOMEM,
			       "encode %s: no memory, or a number over 2^63-1",
			       what);
	*ret_json = text;
	return BV_OK;
}
