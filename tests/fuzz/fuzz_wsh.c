/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: bytes as a line of the restricted shell, and as the file of one of
 * its commands. What is taken keeps its bounds and can be expanded; what is not
 * says why, at a place that exists.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/grant.h"
#include "wasm/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "HOME") == 0 || strcmp(name, "?") == 0 ? name
								   : NULL;
}

static void check_word(struct bv_arena *arena, const struct bw_word *w)
{
	struct bv_err err = { 0 };
	const char *text = NULL;

	if (w == NULL)
		return;
	if (bw_word_expand(arena, w, lookup, NULL, &text, &err) == BV_OK) {
		if (text == NULL || strlen(text) > BW_LINE_BYTES_MAX)
			abort();
	} else if (err.msg[0] == '\0') {
		abort();
	}
}

static void check_line(const char *text, size_t len)
{
	struct bw_pipeline *first = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;
	size_t list = 0;

	bv_arena_init(&arena, 64u << 20);
	if (bw_line_parse(&arena, text, len, &first, &err) != BV_OK &&
	    (first != NULL || err.msg[0] == '\0'))
		abort();
	for (const struct bw_pipeline *p = first; p; p = p->next) {
		size_t n = 0;

		for (const struct bw_simple *c = p->first; c; c = c->next) {
			size_t words = 0;

			for (const struct bw_word *w = c->word; w;
			     w = w->next) {
				check_word(&arena, w);
				words++;
			}
			check_word(&arena, c->in);
			check_word(&arena, c->out);
			if (words == 0 || words != c->words ||
			    words > BW_LINE_WORDS_MAX)
				abort();
			n++;
		}
		if (n == 0 || n != p->n || n > BW_LINE_PIPE_MAX ||
		    ++list > BW_LINE_LIST_MAX)
			abort();
	}
	bv_arena_done(&arena);
}

static void check_grant(const char *text, size_t len)
{
	struct bw_session_grant session;
	struct bv_err err = { 0 };
	struct bv_arena arena;
	struct bw_grant g;

	bv_arena_init(&arena, 4u << 20);
	if (bw_grant_parse(&arena, "n.conf", text, len, &g, &err) == BV_OK) {
		if (strlen(g.sha256_hex) != 64 || g.dirs > BW_GRANT_DIRS_MAX ||
		    g.env_n > BW_GRANT_ENV_MAX || g.env[g.env_n] != NULL ||
		    g.fuel == 0 || g.fuel == UINT64_MAX || g.mem_bytes < 65536)
			abort();
	} else if (strncmp(err.msg, "n.conf:", 7) != 0) {
		abort();
	}
	err = (struct bv_err){ 0 };
	if (bw_session_grant_parse("w", text, len, &session, &err) != BV_OK &&
	    err.msg[0] == '\0')
		abort();
	bv_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	check_line(text, size);
	check_grant(text, size);
	free(text);
	return 0;
}
