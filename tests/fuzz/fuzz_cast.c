/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a stream that is recorded, in pieces whose sizes they
 * tell themselves, and as a line of a recording. What is recorded is read again
 * as it was; a line is taken or refused with a word.
 */
#include <stdlib.h>
#include <string.h>

#include "core/cast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char cast_text[BV_CAST_TEXT_MAX];

/* The events of len bytes of lines onto got; how much they hold. */
static size_t cast_read_back(size_t len, uint8_t *got)
{
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		const char *line = cast_text + at;
		const char *end = memchr(line, '\n', len - at);
		struct bv_cast_event e;

		if (end == NULL ||
		    bv_cast_read(line, (size_t)(end - line), &e, NULL) != BV_OK)
			abort();
		if (e.what != BV_CAST_DATA || e.stream != BV_CAST_IN)
			abort();
		memcpy(got + n, e.bytes, e.n);
		n += e.n;
		free(e.bytes);
		at += (size_t)(end - line) + 1;
	}
	return n;
}

static void cast_round_trip(const uint8_t *data, size_t size, bool terminal)
{
	struct bv_cast c = { .terminal = terminal };
	uint8_t *got = malloc(size + 1);
	size_t n = 0;

	if (got == NULL)
		return;
	for (size_t at = 0; at < size;) {
		size_t take = (size_t)data[at] + 1;

		if (take > size - at)
			take = size - at;
		n += cast_read_back(bv_cast_put(&c, BV_CAST_IN, at, data + at,
						take, cast_text),
				    got + n);
		at += take;
	}
	n += cast_read_back(bv_cast_end(&c, size, cast_text), got + n);
	if (n != size || memcmp(got, data, size) != 0)
		abort();
	free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bv_err err = { 0 };
	struct bv_cast_head head;
	struct bv_cast_event e;

	if (bv_cast_read((const char *)data, size, &e, &err) != BV_OK &&
	    (err.msg[0] == '\0' || e.bytes != NULL))
		abort();
	free(e.bytes);
	err = (struct bv_err){ 0 };
	if (bv_cast_read_head((const char *)data, size, &head, &err) != BV_OK &&
	    err.msg[0] == '\0')
		abort();
	cast_round_trip(data, size, false);
	cast_round_trip(data, size, true);
	return 0;
}
