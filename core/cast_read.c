/* SPDX-License-Identifier: MIT */
/* Lines of a recording → bytes again; see cast.h. */
#include "core/cast.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define SECONDS_MAX 1e9 /* thirty years */

static json_t *parse(const char *line, size_t len, struct bv_err *err)
{
	json_error_t why;
	json_t *root;

	if (len == 0 || len > BV_CAST_LINE_MAX) {
		(void)bv_fail(err, BV_E_PROTO, "a line of %zu bytes", len);
		return NULL;
	}
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			  &why);
	if (root == NULL)
		(void)bv_fail(err, BV_E_PROTO, "no JSON: %s", why.text);
	return root;
}

static bool take_uint(const json_t *o, const char *key, uint64_t max,
		      uint64_t *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool take_head(const json_t *root, struct bv_cast_head *ret)
{
	const json_t *ours = json_object_get(root, "bvisor");
	const json_t *terminal = json_object_get(ours, "terminal");
	const json_t *input = json_object_get(ours, "input");
	uint64_t version, columns, rows;

	*ret = (struct bv_cast_head){ .session = NULL };
	if (!take_uint(root, "version", 2, &version) || version != 2 ||
	    !take_uint(root, "width", UINT16_MAX, &columns) ||
	    !take_uint(root, "height", UINT16_MAX, &rows) ||
	    !take_uint(root, "timestamp", INT64_MAX, &ret->unix_s) ||
	    !take_uint(ours, "launch", INT64_MAX, &ret->number) ||
	    !json_is_boolean(terminal) || !json_is_boolean(input))
		return false;
	ret->columns = (unsigned int)columns;
	ret->rows = (unsigned int)rows;
	ret->terminal = json_is_true(terminal);
	ret->input = json_is_true(input);
	return true;
}

int bv_cast_read_head(const char *line, size_t len, struct bv_cast_head *ret,
		      struct bv_err *err)
{
	json_t *root = parse(line, len, err);
	bool fine;

	if (root == NULL)
		return BV_E_PROTO;
	fine = take_head(root, ret);
	json_decref(root);
	return fine ? BV_OK
		    : bv_fail(err, BV_E_PROTO,
			      "no head of a recording of ours");
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* In place of nothing: out has room for 3/4 of the text. One form only. */
static bool from_base64(const char *text, size_t len, unsigned char *out,
			size_t *ret_n)
{
	size_t pad = 0;
	size_t n = 0;

	if (len == 0 || len % 4 != 0)
		return false;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		const size_t digits = i + 4 == len ? 4 - pad : 4;
		uint32_t word = 0;

		for (size_t k = 0; k < 4; k++) {
			const int v = k < digits ? value_of(text[i + k]) : 0;

			if (v < 0)
				return false;
			word = word << 6 | (uint32_t)v;
		}
		if ((digits == 3 && (word & 0xff) != 0) ||
		    (digits == 2 && (word & 0xffff) != 0))
			return false;
		out[n++] = (unsigned char)(word >> 16);
		if (digits > 2)
			out[n++] = (unsigned char)(word >> 8);
		if (digits > 3)
			out[n++] = (unsigned char)word;
	}
	*ret_n = n;
	return true;
}

static bool stream_of(char code, enum bv_cast_stream *ret, bool *ret_raw)
{
	static const char text[] = "oei";
	static const char raw[] = "OEI";
	const char *at = strchr(text, code);

	*ret_raw = at == NULL;
	if (at == NULL)
		at = strchr(raw, code);
	if (at == NULL || code == '\0')
		return false;
	*ret = (enum bv_cast_stream)(at - (*ret_raw ? raw : text));
	return true;
}

static bool take_event(const json_t *root, struct bv_cast_event *ret)
{
	const json_t *at = json_array_get(root, 0);
	const json_t *code = json_array_get(root, 1);
	const json_t *data = json_array_get(root, 2);
	const char *text = json_string_value(data);
	const size_t len = json_string_length(data);
	const double seconds = json_number_value(at);
	bool raw;

	if (json_array_size(root) != 3 || !json_is_number(at) ||
	    !(seconds >= 0 && seconds <= SECONDS_MAX) ||
	    json_string_length(code) != 1 || text == NULL)
		return false;
	ret->at_us = (uint64_t)(seconds * 1e6 + 0.5);
	ret->what = json_string_value(code)[0] == 'r' ? BV_CAST_RESIZE
						      : BV_CAST_OTHER;
	if (!stream_of(json_string_value(code)[0], &ret->stream, &raw))
		return true;
	ret->what = BV_CAST_DATA;
	ret->bytes = malloc(len + 1);
	if (ret->bytes == NULL)
		return false;
	if (raw)
		return from_base64(text, len, ret->bytes, &ret->n);
	memcpy(ret->bytes, text, len);
	ret->n = len;
	return true;
}

int bv_cast_read(const char *line, size_t len, struct bv_cast_event *ret,
		 struct bv_err *err)
{
	json_t *root = parse(line, len, err);
	bool fine;

	*ret = (struct bv_cast_event){ .what = BV_CAST_OTHER };
	if (root == NULL)
		return BV_E_PROTO;
	fine = take_event(root, ret);
	json_decref(root);
	if (fine)
		return BV_OK;
	free(ret->bytes);
	ret->bytes = NULL;
	return bv_fail(err, BV_E_PROTO, "no event of a recording");
}
