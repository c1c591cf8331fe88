/* SPDX-License-Identifier: MIT */
/*
 * The form of a recording: asciicast v2, one JSON value a line, so that every
 * player of that format shows a terminal. Two things are added, which players
 * pass over: events of the streams that a terminal does not have, and bytes
 * that are no UTF-8, in base64. Every byte of a stream is in exactly one event,
 * in order: what was recorded can be had again bit by bit. Pure.
 */
#ifndef BV_CORE_CAST_H
#define BV_CORE_CAST_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bv_cast_stream {
	BV_CAST_OUT, /* "o": what the terminal shows, or standard output */
	BV_CAST_ERR, /* "e": standard error that is no terminal */
	BV_CAST_IN,  /* "i": what was typed, or standard input */
	BV_CAST_STREAM_N
};

#define BV_CAST_CHUNK_MAX 65536u /* bytes of a stream at a time */
#define BV_CAST_TERM_MAX  4096u  /* the same of a terminal */
/* What a chunk can become at the most: a control byte takes six; of a terminal
 * each byte may be an event of its own. */
#define BV_CAST_TEXT_MAX 524288u
#define BV_CAST_LINE_MAX BV_CAST_TEXT_MAX

struct bv_cast {
	bool terminal;
	/* The beginning of a character whose end has not come yet. */
	struct {
		unsigned char b[4];
		size_t n;
	} kept[BV_CAST_STREAM_N];
};

struct bv_cast_head {
	const char *session; /* hex: printable */
	uint64_t number;     /* of the launch, from 1 */
	bool terminal;
	bool input;      /* is recorded too */
	uint64_t unix_s; /* when it began */
	unsigned int columns, rows;
};

/* Each writes into out, which has room for BV_CAST_TEXT_MAX, and returns how
 * much. at_us: since the beginning; never less than before. */
size_t bv_cast_begin(const struct bv_cast_head *head, char *out);
/* At most BV_CAST_CHUNK_MAX bytes, of a terminal BV_CAST_TERM_MAX. */
size_t bv_cast_put(struct bv_cast *c, enum bv_cast_stream stream,
		   uint64_t at_us, const void *bytes, size_t n, char *out);
size_t bv_cast_resize(uint64_t at_us, unsigned int columns, unsigned int rows,
		      char *out);
/* What was kept, at the end. */
size_t bv_cast_end(struct bv_cast *c, uint64_t at_us, char *out);

enum bv_cast_what {
	BV_CAST_DATA,
	BV_CAST_RESIZE,
	BV_CAST_OTHER, /* of a player's, to be passed over */
};

struct bv_cast_event {
	enum bv_cast_what what;
	uint64_t at_us;
	enum bv_cast_stream stream;
	unsigned char *bytes; /* malloc'ed, of data */
	size_t n;
};

/* One line without its line feed, the first one and the others; BV_E_PROTO for
 * what was not written by the above. */
int bv_cast_read_head(const char *line, size_t len, struct bv_cast_head *ret,
		      struct bv_err *err) BV_MUST_CHECK;
int bv_cast_read(const char *line, size_t len, struct bv_cast_event *ret,
		 struct bv_err *err) BV_MUST_CHECK;

#endif
