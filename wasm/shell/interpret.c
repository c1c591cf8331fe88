/* SPDX-License-Identifier: MIT */
/* A line: parsed whole, then done pipeline by pipeline. */
#include <stdio.h>
#include <string.h>

#include "wasm/shell/shell.h"

/* Words, their expansion, copies of paths. */
#define LINE_ARENA (32u << 20)

/* path against the current directory, without "//", "." and "..". What ".."
 * means is a matter of the text here; the kernel keeps the rest beneath. */
bool bws_path(const struct bws *s, const char *path, char ret[BWS_PATH_MAX])
{
	const char *const parts[] = { path[0] == '/' ? "" : s->cwd, path };
	size_t n = 0;

	for (size_t i = 0; i < BV_LEN(parts); i++) {
		const char *p = parts[i];

		while (*(p += strspn(p, "/")) != '\0') {
			const size_t len = strcspn(p, "/");

			if (len == 2 && p[0] == '.' && p[1] == '.') {
				while (n > 0 && ret[--n] != '/')
					;
			} else if (len != 1 || p[0] != '.') {
				if (len + 2 > BWS_PATH_MAX - n)
					return false;
				ret[n++] = '/';
				memcpy(ret + n, p, len);
				n += len;
			}
			p += len;
		}
	}
	if (n == 0)
		ret[n++] = '/';
	ret[n] = '\0';
	return true;
}

static const char *lookup(void *ctx, const char *name)
{
	static char number[16];
	const struct bws *s = ctx;

	if (strcmp(name, "?") == 0) {
		snprintf(number, sizeof(number), "%d", s->status);
		return number;
	}
	if (strcmp(name, "HOME") == 0)
		return s->who.home;
	if (strcmp(name, "USER") == 0)
		return s->who.user;
	return strcmp(name, "PWD") == 0 ? s->cwd : NULL;
}

int bws_expand(struct bws *s, const struct bw_word *word,
	       struct bv_arena *arena, const char **ret, struct bv_err *err)
{
	return bw_word_expand(arena, word, lookup, s, ret, err);
}

int bws_arguments(struct bws *s, const struct bw_simple *c,
		  struct bv_arena *arena, const char *const **ret,
		  struct bv_err *err)
{
	const char **argv =
		bv_arena_alloc(arena, (c->words + 1) * sizeof(*argv));
	size_t n = 0;

	if (argv == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a command");
	for (const struct bw_word *w = c->word; w != NULL; w = w->next) {
		int code = bws_expand(s, w, arena, &argv[n++], err);

		if (code != BV_OK)
			return code;
	}
	*ret = argv;
	return BV_OK;
}

/* A builtin by itself, or commands. */
static int run(struct bws *s, const struct bw_pipeline *p,
	       struct bv_arena *arena)
{
	const struct bw_simple *c = p->first;
	const char *const *argv = NULL;
	struct bv_err err = { 0 };
	int status = 0;

	if (p->n == 1 && c->in == NULL && c->out == NULL) {
		if (bws_arguments(s, c, arena, &argv, &err) != BV_OK) {
			bws_say("%s", err.msg);
			return BWS_USAGE;
		}
		if (bws_builtin(s, argv, c->words, &status))
			return status;
	}
	return bws_run_pipeline(s, p, arena);
}

int bws_line(struct bws *s, const char *text, size_t len)
{
	struct bw_pipeline *first = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;

	s->interrupted = false;
	bv_arena_init(&arena, LINE_ARENA);
	if (bw_line_parse(&arena, text, len, &first, &err) != BV_OK) {
		bws_say("%s", err.msg);
		s->status = BWS_USAGE;
	}
	for (const struct bw_pipeline *p = first; p && !s->leave; p = p->next) {
		if ((p->when == BW_WHEN_OK && s->status != 0) ||
		    (p->when == BW_WHEN_FAILED && s->status == 0))
			continue;
		s->status = run(s, p, &arena);
		if (s->interrupted) {
			s->status = BWS_INTERRUPT;
			break;
		}
	}
	bv_arena_done(&arena);
	return s->status;
}
