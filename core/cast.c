/* SPDX-License-Identifier: MIT */
/* Streams → lines of a recording; see cast.h. By hand and not by a JSON library:
 * it stands in the way of everything that a session writes. */
#include "core/cast.h"

#include "core/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char codes[BV_CAST_STREAM_N] = {
	[BV_CAST_OUT] = 'o',
	[BV_CAST_ERR] = 'e',
	[BV_CAST_IN] = 'i',
};

#define RAW(code) ((char)((code) - 'a' + 'A')) /* in base64 */

size_t bv_cast_begin(const struct bv_cast_head *head, char *out)
{
	return (size_t)snprintf(
		out, BV_CAST_TEXT_MAX,
		"{\"version\": 2, \"width\": %u, \"height\": %u, "
		"\"timestamp\": %" PRIu64 ", \"bvisor\": {\"session\": "
		"\"%.32s\", \"launch\": %" PRIu64 ", \"terminal\": %s, "
		"\"input\": %s}}\n",
		head->columns, head->rows, head->unix_s, head->session,
		head->number, head->terminal ? "true" : "false",
		head->input ? "true" : "false");
}

static size_t put_time(uint64_t at_us, char code, char *out)
{
	return (size_t)snprintf(out, 64,
				"[%" PRIu64 ".%06" PRIu64 ", \"%c\", \"",
				at_us / 1000000u, at_us % 1000000u, code);
}

static size_t put_end(char *out)
{
	memcpy(out, "\"]\n", 3);
	return 3;
}

/* --- text ------------------------------------------------------------------ */

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Eight at a time: a control byte, one past ASCII, a quote or a backslash shows in
 * the highest bit of some byte (the lowest such byte is never a false one). */
#define EACH(b)     (UINT64_C(0x0101010101010101) * (b))
#define BELOW(w, b) (((w)-EACH(b)) & ~(w)&EACH(0x80))

static bool are_plain(uint64_t w)
{
	return ((w & EACH(0x80)) | BELOW(w, 0x20) | BELOW(w ^ EACH('"'), 1) |
		BELOW(w ^ EACH('\\'), 1)) == 0;
}

/* Copies what needs no escape, from the beginning; returns how much. */
static size_t put_plain(const unsigned char *p, size_t n, char *out)
{
	size_t at = 0;
	uint64_t w;

	for (; n - at >= sizeof(w); at += sizeof(w)) {
		memcpy(&w, p + at, sizeof(w));
		if (!are_plain(w))
			break;
		memcpy(out + at, &w, sizeof(w));
	}
	for (; at < n && is_plain(p[at]); at++)
		out[at] = (char)p[at];
	return at;
}

static size_t put_escaped(unsigned char c, char *out)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *at = c == '\0' ? NULL : strchr(from, c);

	out[0] = '\\';
	if (at != NULL) {
		out[1] = to[at - from];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 0xf];
	return 6;
}

/* Of n bytes as many as are text; returns how many, and what they became. */
static size_t put_text(const unsigned char *p, size_t n, char *out,
		       size_t *ret_len)
{
	size_t at = 0;
	size_t len = 0;

	while (at < n) {
		const size_t run = put_plain(p + at, n - at, out + len);
		size_t sequence;

		at += run;
		len += run;
		if (at == n)
			break;
		sequence = bv_utf8_sequence(p + at, n - at);
		if (sequence == 0)
			break;
		if (sequence > 1) {
			memcpy(out + len, p + at, sequence);
			len += sequence;
		} else {
			len += put_escaped(p[at], out + len);
		}
		at += sequence;
	}
	*ret_len = len;
	return at;
}

/* --- bytes ----------------------------------------------------------------- */

static size_t put_base64(const unsigned char *p, size_t n, char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (; n >= 3; p += 3, n -= 3) {
		out[len++] = digit[p[0] >> 2];
		out[len++] = digit[(p[0] & 3) << 4 | p[1] >> 4];
		out[len++] = digit[(p[1] & 0xf) << 2 | p[2] >> 6];
		out[len++] = digit[p[2] & 0x3f];
	}
	if (n > 0) {
		const unsigned int second = n == 2 ? p[1] : 0;

		out[len++] = digit[p[0] >> 2];
		out[len++] = digit[(p[0] & 3) << 4 | second >> 4];
		out[len++] = n == 2 ? digit[(second & 0xf) << 2] : '=';
		out[len++] = '=';
	}
	return len;
}

/* A player that passes the event over should lose little of a terminal's text;
 * what is no text in a pipe is seldom followed by any. */
static size_t raw_stretch(const struct bv_cast *c, const unsigned char *p,
			  size_t n)
{
	size_t len = 1;

	if (!c->terminal)
		return n;
	while (len < n && p[len] >= 0x80 &&
	       bv_utf8_sequence(p + len, n - len) == 0)
		len++;
	return len;
}

/* --- events ---------------------------------------------------------------- */

static size_t put_raw_event(char code, uint64_t at_us, const unsigned char *p,
			    size_t n, char *out)
{
	size_t len = put_time(at_us, RAW(code), out);

	len += put_base64(p, n, out + len);
	return len + put_end(out + len);
}

/* The longest text at p as an event; none when there is none. */
static size_t put_text_event(char code, uint64_t at_us, const unsigned char *p,
			     size_t n, char *out, size_t *ret_len)
{
	size_t len = put_time(at_us, code, out);
	size_t text;
	const size_t taken = put_text(p, n, out + len, &text);

	*ret_len = taken == 0 ? 0 : len + text + put_end(out + len + text);
	return taken;
}

/* May what is here be the beginning of a character? */
static bool is_beginning(const unsigned char *p, size_t n)
{
	const size_t whole = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || n >= whole)
		return false;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Complete what was kept from the bytes that came; how many it took. */
static size_t complete(struct bv_cast *c, enum bv_cast_stream stream,
		       uint64_t at_us, const unsigned char *p, size_t n,
		       char *out, size_t *ret_len)
{
	unsigned char *kept = c->kept[stream].b;
	size_t have = c->kept[stream].n;
	size_t taken = 0;

	*ret_len = 0;
	while (have > 0 && taken < n) {
		kept[have++] = p[taken++];
		if (bv_utf8_sequence(kept, have) == have) {
			(void)put_text_event(codes[stream], at_us, kept, have,
					     out, ret_len);
			have = 0;
		} else if (!is_beginning(kept, have)) {
			/* The last one belongs to what comes. */
			taken--;
			*ret_len = put_raw_event(codes[stream], at_us, kept,
						 have - 1, out);
			have = 0;
		}
	}
	c->kept[stream].n = have;
	return taken;
}

size_t bv_cast_put(struct bv_cast *c, enum bv_cast_stream stream,
		   uint64_t at_us, const void *bytes, size_t n, char *out)
{
	const unsigned char *p = bytes;
	size_t len = 0;
	size_t at = complete(c, stream, at_us, p, n, out, &len);

	while (at < n) {
		size_t more;
		size_t stretch;

		at += put_text_event(codes[stream], at_us, p + at, n - at,
				     out + len, &more);
		len += more;
		if (at == n)
			break;
		if (is_beginning(p + at, n - at)) {
			memcpy(c->kept[stream].b, p + at, n - at);
			c->kept[stream].n = n - at;
			break;
		}
		stretch = raw_stretch(c, p + at, n - at);
		len += put_raw_event(codes[stream], at_us, p + at, stretch,
				     out + len);
		at += stretch;
	}
	return len;
}

size_t bv_cast_resize(uint64_t at_us, unsigned int columns, unsigned int rows,
		      char *out)
{
	size_t len = put_time(at_us, 'r', out);

	len += (size_t)snprintf(out + len, 32, "%ux%u", columns, rows);
	return len + put_end(out + len);
}

size_t bv_cast_end(struct bv_cast *c, uint64_t at_us, char *out)
{
	size_t len = 0;

	for (unsigned int s = 0; s < BV_CAST_STREAM_N; s++) {
		if (c->kept[s].n > 0)
			len += put_raw_event(codes[s], at_us, c->kept[s].b,
					     c->kept[s].n, out + len);
		c->kept[s].n = 0;
	}
	return len;
}
