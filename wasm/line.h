/* SPDX-License-Identifier: MIT */
/*
 * The language of the restricted shell, small on purpose: words, '..' ".."
 * and backslash, $VAR ${VAR} $? and a leading ~, | < > >>, ; && || and the end
 * of a line. No globbing, no substitution of commands, no functions, no jobs:
 * what looks like one of them is an error and never silently a word. Pure.
 */
#ifndef BV_WASM_LINE_H
#define BV_WASM_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/err.h"

#define BW_LINE_BYTES_MAX (64u * 1024u)
#define BW_LINE_WORDS_MAX 1024u /* of one command */
#define BW_LINE_PIPE_MAX  8u    /* commands of one pipeline */
#define BW_LINE_LIST_MAX  64u   /* pipelines of one line */

/* A word is its pieces one after the other. */
struct bw_piece {
	struct bw_piece *next;
	const char *text; /* literal bytes, or the name of a variable */
	bool variable;
};

struct bw_word {
	struct bw_word *next;
	struct bw_piece *piece; /* NULL: the empty word '' */
};

struct bw_simple {
	struct bw_simple *next; /* reads what this one writes */
	struct bw_word *word;   /* name and arguments; never NULL */
	size_t words;
	struct bw_word *in;  /* < */
	struct bw_word *out; /* > or >> */
	bool append;
};

enum bw_line_when {
	BW_WHEN_ALWAYS,
	BW_WHEN_OK,     /* && */
	BW_WHEN_FAILED, /* || */
};

struct bw_pipeline {
	struct bw_pipeline *next;
	enum bw_line_when when; /* by the status of the one before */
	struct bw_simple *first;
	size_t n;
};

/* *ret_first NULL: nothing to do (blank, a comment). BV_E_CONF: "at 12: why",
 * bytes counted from 1; BV_E_LIMIT, BV_E_NOMEM. text may hold any byte but
 * NUL. */
int bw_line_parse(struct bv_arena *arena, const char *text, size_t len,
		  struct bw_pipeline **ret_first,
		  struct bv_err *err) BV_MUST_CHECK;

/* The value of a variable ("?" among them), or NULL: there is none. */
typedef const char *(*bw_line_lookup)(void *ctx, const char *name);

/* One word, one text: values are not split. BV_E_CONF: an unknown variable;
 * BV_E_LIMIT: longer than BW_LINE_BYTES_MAX. */
int bw_word_expand(struct bv_arena *arena, const struct bw_word *word,
		   bw_line_lookup lookup, void *ctx, const char **ret,
		   struct bv_err *err) BV_MUST_CHECK;

#endif
