/* SPDX-License-Identifier: MIT */
/*
 * The form of a recording: every byte comes back, whatever it is and however it
 * was cut; the lines are what a player of asciicast v2 reads; and the reader
 * takes nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cast.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char out[BV_CAST_TEXT_MAX];

struct back {
	unsigned char *bytes[BV_CAST_STREAM_N];
	size_t n[BV_CAST_STREAM_N];
	size_t text;   /* events that players show */
	size_t hidden; /* and pass over */
};

static void back_init(struct back *b, size_t cap)
{
	memset(b, 0, sizeof(*b));
	for (size_t i = 0; i < BV_CAST_STREAM_N; i++)
		b->bytes[i] = malloc(cap + 1);
}

static void back_done(struct back *b)
{
	for (size_t i = 0; i < BV_CAST_STREAM_N; i++)
		free(b->bytes[i]);
}

/* What was written, read again. */
static void read_back(struct back *b, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(out + at, '\n', len - at);
		struct bv_cast_event e;
		struct bv_err err = { 0 };

		assert_non_null(end);
		if (bv_cast_read(out + at, (size_t)(end - (out + at)), &e,
				 &err) != BV_OK)
			fail_msg("%s: %.100s", err.msg, out + at);
		assert_int_equal(e.what, BV_CAST_DATA);
		assert_true(e.n > 0);
		memcpy(b->bytes[e.stream] + b->n[e.stream], e.bytes, e.n);
		b->n[e.stream] += e.n;
		if (strstr(out + at, "\", \"") == NULL)
			fail_msg("no event: %.60s", out + at);
		b->text += *(strchr(out + at, '"') + 1) >= 'a';
		b->hidden += *(strchr(out + at, '"') + 1) < 'a';
		free(e.bytes);
		at = (size_t)(end - out) + 1;
	}
}

/* All of it, in pieces of `step`. */
static void round_trip(bool terminal, const unsigned char *p, size_t n,
		       size_t step, struct back *b)
{
	struct bv_cast c = { .terminal = terminal };
	uint64_t at_us = 0;

	back_init(b, n);
	for (size_t at = 0; at < n; at += step, at_us += 999999) {
		const size_t take = n - at < step ? n - at : step;

		read_back(b, bv_cast_put(&c, BV_CAST_OUT, at_us, p + at, take,
					 out));
	}
	read_back(b, bv_cast_end(&c, at_us, out));
	assert_int_equal(b->n[BV_CAST_OUT], n);
	assert_memory_equal(b->bytes[BV_CAST_OUT], p, n);
}

static void test_every_byte__comes_back(void **state)
{
	unsigned char all[65536];
	struct back b;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)(i * 7 + i / 256);
	round_trip(false, all, sizeof(all), sizeof(all), &b);
	back_done(&b);
	round_trip(false, all, 4096, 1, &b);
	back_done(&b);
	round_trip(true, all, sizeof(all), BV_CAST_TERM_MAX, &b);
	back_done(&b);
}

/* The worst that can come fits into the room that is promised. */
static void test_bounds__hold(void **state)
{
	unsigned char worst[BV_CAST_CHUNK_MAX];
	struct bv_cast c = { .terminal = false };

	(void)state;
	memset(worst, 1, sizeof(worst));
	assert_true(bv_cast_put(&c, BV_CAST_OUT, UINT64_C(1) << 49, worst,
				sizeof(worst), out) < BV_CAST_TEXT_MAX);
	c.terminal = true;
	for (size_t i = 0; i < BV_CAST_TERM_MAX; i++)
		worst[i] = i % 2 == 0 ? 0xff : 1;
	assert_true(bv_cast_put(&c, BV_CAST_OUT, UINT64_C(1) << 49, worst,
				BV_CAST_TERM_MAX, out) < BV_CAST_TEXT_MAX);
}

static void test_random__in_any_pieces(void **state)
{
	static const char *const parts[] = {
		"plain",   "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"\xff",    "\xe2",     "\xed\xa0\x80", "\"\\\n",
		"\x1b[0m", "\xf4\x90", "\xc0\x80"
	};
	unsigned char text[3000];
	uint64_t x = 42;

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct back b;
		size_t n = 0;

		while (n < sizeof(text) - 8) {
			const char *part;

			x = x * 6364136223846793005u + 1442695040888963407u;
			part = parts[(x >> 33) % BV_LEN(parts)];
			memcpy(text + n, part, strlen(part));
			n += strlen(part);
		}
		round_trip(i % 2 == 0, text, n, 1 + (size_t)(x >> 40) % 37, &b);
		back_done(&b);
	}
}

/* A character that is cut in two is shown as one. */
static void test_characters__are_not_torn(void **state)
{
	static const unsigned char text[] = "a\xe2\x82\xac z\xc3\xa4";
	struct back b;

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		round_trip(true, text, sizeof(text) - 1, step, &b);
		assert_int_equal(b.hidden, 0);
		back_done(&b);
	}
	/* Streams do not mix. */
	{
		struct bv_cast c = { .terminal = false };

		back_init(&b, 8);
		read_back(&b,
			  bv_cast_put(&c, BV_CAST_OUT, 0, "\xe2\x82", 2, out));
		read_back(&b, bv_cast_put(&c, BV_CAST_ERR, 0, "\xac", 1, out));
		read_back(&b, bv_cast_put(&c, BV_CAST_OUT, 0, "\xac", 1, out));
		assert_int_equal(b.n[BV_CAST_OUT], 3);
		assert_int_equal(b.n[BV_CAST_ERR], 1);
		assert_int_equal(b.hidden, 1);
		back_done(&b);
	}
}

/* On a terminal little is lost to a player for one byte that is no text. */
static void test_terminal__text_around_bytes_is_text(void **state)
{
	static const unsigned char text[] = "before \xe4 after\n";
	struct back b;

	(void)state;
	round_trip(true, text, sizeof(text) - 1, sizeof(text), &b);
	assert_int_equal(b.text, 2);
	assert_int_equal(b.hidden, 1);
	back_done(&b);
}

/* What the format of the players says: JSON, and three things in each event. */
static void test_form__is_asciicast_v2(void **state)
{
	const struct bv_cast_head head = { .session = "0123456789abcdef",
					   .number = 3,
					   .terminal = true,
					   .input = true,
					   .unix_s = 1700000000,
					   .columns = 132,
					   .rows = 43 };
	struct bv_cast c = { .terminal = true };
	struct bv_cast_head back;
	struct bv_cast_event e;
	json_t *j;
	size_t len = bv_cast_begin(&head, out);

	(void)state;
	assert_int_equal(out[len - 1], '\n');
	j = json_loadb(out, len, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 2);
	assert_int_equal(json_integer_value(json_object_get(j, "width")), 132);
	assert_int_equal(json_integer_value(json_object_get(j, "height")), 43);
	json_decref(j);
	assert_int_equal(bv_cast_read_head(out, len - 1, &back, NULL), BV_OK);
	assert_int_equal(back.number, 3);
	assert_true(back.terminal && back.input);
	assert_int_equal(back.columns, 132);
	assert_int_equal(back.unix_s, 1700000000);

	len = bv_cast_put(&c, BV_CAST_OUT, 61000042, "\033[1m\"x\"\r\n", 9,
			  out);
	out[len] = '\0';
	assert_string_equal(
		out, "[61.000042, \"o\", \"\\u001b[1m\\\"x\\\"\\r\\n\"]\n");
	len = bv_cast_put(&c, BV_CAST_IN, 1, "\xff\x00", 2, out);
	out[len] = '\0';
	assert_string_equal(out, "[0.000001, \"I\", \"/w==\"]\n"
				 "[0.000001, \"i\", \"\\u0000\"]\n");
	len = bv_cast_resize(7, 80, 24, out);
	assert_int_equal(bv_cast_read(out, len - 1, &e, NULL), BV_OK);
	assert_int_equal(e.what, BV_CAST_RESIZE);
	assert_int_equal(e.at_us, 7);
}

static void test_reader__takes_nothing_else(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"[1.0, \"o\"]",
		"[1.0, \"o\", 3]",
		"[-1.0, \"o\", \"x\"]",
		"[1e12, \"o\", \"x\"]",
		"[\"1\", \"o\", \"x\"]",
		"[1.0, \"oo\", \"x\"]",
		"[1.0, \"o\", \"x\", 1]",
		"[1.0, \"o\", \"x\"",
		"[1.0, \"o\", \"x\"] x",
		"[1.0, \"O\", \"abc\"]",
		"[1.0, \"O\", \"\"]",
		"[1.0, \"O\", \"ab=c\"]",
		"[1.0, \"O\", \"====\"]",
		"[1.0, \"O\", \"ab-_\"]",
		"[1.0, \"O\", \"/x==\"]", /* bits behind the last byte */
		"[1.0, \"O\", \"//9=\"]",
	};
	static const char *const bad_heads[] = {
		"[]",
		"{}",
		"{\"version\": 1, \"width\": 1, \"height\": 1, \"timestamp\": 1, "
		"\"bvisor\": {\"launch\": 1, \"terminal\": true, \"input\": "
		"true}}",
		"{\"version\": 2, \"width\": 1, \"height\": 1, \"timestamp\": 1}",
		"{\"version\": 2, \"width\": -1, \"height\": 1, \"timestamp\": "
		"1, \"bvisor\": {\"launch\": 1, \"terminal\": true, \"input\": "
		"true}}",
	};
	struct bv_cast_head head;
	struct bv_cast_event e;

	(void)state;
	for (size_t i = 0; i < BV_LEN(bad); i++) {
		if (bv_cast_read(bad[i], strlen(bad[i]), &e, NULL) == BV_OK)
			fail_msg("taken: %s", bad[i]);
		assert_null(e.bytes);
	}
	for (size_t i = 0; i < BV_LEN(bad_heads); i++)
		if (bv_cast_read_head(bad_heads[i], strlen(bad_heads[i]), &head,
				      NULL) == BV_OK)
			fail_msg("taken: %s", bad_heads[i]);
	/* An event of a later player's is passed over. */
	assert_int_equal(bv_cast_read("[1, \"m\", \"mark\"]", 16, &e, NULL),
			 BV_OK);
	assert_int_equal(e.what, BV_CAST_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte__comes_back),
		cmocka_unit_test(test_bounds__hold),
		cmocka_unit_test(test_random__in_any_pieces),
		cmocka_unit_test(test_characters__are_not_torn),
		cmocka_unit_test(test_terminal__text_around_bytes_is_text),
		cmocka_unit_test(test_form__is_asciicast_v2),
		cmocka_unit_test(test_reader__takes_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
