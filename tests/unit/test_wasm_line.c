/* SPDX-License-Identifier: MIT */
/* The language of the restricted shell: what a line means, and what it is told
 * when it means nothing here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/line.h"

static const char *lookup(void *ctx, const char *name)
{
	(void)ctx;
	if (strcmp(name, "HOME") == 0)
		return "/home/a b";
	if (strcmp(name, "EMPTY") == 0)
		return "";
	return strcmp(name, "?") == 0 ? "7" : NULL;
}

static void add(char *to, const char *text)
{
	strncat(to, text, 4095 - strlen(to));
}

static int add_word(struct bv_arena *arena, const struct bw_word *w, char *to,
		    struct bv_err *err)
{
	const char *text = NULL;
	int code = bw_word_expand(arena, w, lookup, NULL, &text, err);

	if (code == BV_OK) {
		add(to, "[");
		add(to, text);
		add(to, "]");
	}
	return code;
}

/* "[a][b] <[c] | [d] && [e]", or "error: why". */
static void show(const char *line, char to[4096])
{
	static const char *const when[] = { "; ", "&& ", "|| " };
	struct bw_pipeline *first = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, 8u << 20);
	to[0] = '\0';
	code = bw_line_parse(&arena, line, strlen(line), &first, &err);
	for (const struct bw_pipeline *p = first; p && code == BV_OK;
	     p = p->next) {
		add(to, p == first ? "" : when[p->when]);
		for (const struct bw_simple *c = p->first; c && code == BV_OK;
		     c = c->next) {
			add(to, c == p->first ? "" : "| ");
			for (const struct bw_word *w = c->word;
			     w && code == BV_OK; w = w->next)
				code = add_word(&arena, w, to, &err);
			if (code == BV_OK && c->in) {
				add(to, "<");
				code = add_word(&arena, c->in, to, &err);
			}
			if (code == BV_OK && c->out) {
				add(to, c->append ? ">>" : ">");
				code = add_word(&arena, c->out, to, &err);
			}
			add(to, " ");
		}
	}
	if (code != BV_OK) {
		snprintf(to, 4096, "error: %s", err.msg);
		assert_true(err.msg[0] != '\0');
	}
	bv_arena_done(&arena);
}

struct want {
	const char *line, *means;
};

static void check(const struct want *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char got[4096];

		show(w[i].line, got);
		if (strcmp(got, w[i].means) != 0)
			fail_msg("'%s'\n is  '%s'\nwant '%s'", w[i].line, got,
				 w[i].means);
	}
}

static void test_line__sound__means_this(void **state)
{
	static const struct want cases[] = {
		{ "", "" },
		{ "  \t ", "" },
		{ "# only a word", "" },
		{ "a", "[a] " },
		{ "a  b\tc", "[a][b][c] " },
		{ "a '' \"\"", "[a][][] " },
		{ "a 'b  c' \"d  e\" f\\ g", "[a][b  c][d  e][f g] " },
		{ "a'b'\"c\"d\\e", "[abcde] " },
		{ "a '$HOME;|<>&\\' \"\\$HOME \\\" \\\\ \\n\"",
		  "[a][$HOME;|<>&\\][$HOME \" \\ \\n] " },
		{ "a $HOME \"$HOME\" x${HOME}y $?",
		  "[a][/home/a b][/home/a b][x/home/a by][7] " },
		{ "a $EMPTY", "[a][] " },
		{ "a $ $. \"$\"", "[a][$][$.][$] " },
		{ "a ~ ~/b '~' \\~ x~ ~b \"~\"",
		  "[a][/home/a b][/home/a b/b][~][~][x~][~b][~] " },
		{ "a * ? [b] {c,d} !e =f", "[a][*][?][[b]][{c,d}][!e][=f] " },
		{ "a#b #c", "[a#b] " },
		{ "a|b | c", "[a] | [b] | [c] " },
		{ "a;b ; c;", "[a] ; [b] ; [c] " },
		{ "a&&b||c", "[a] && [b] || [c] " },
		{ "a && b # c", "[a] && [b] " },
		{ "a <b >c d", "[a][d]<[b]>[c] " },
		{ ">c a >", "error: at 6: '>' without the name of a file" },
		{ "a>>b", "[a]>>[b] " },
		{ "a 2 >b", "[a][2]>[b] " },
		{ "a x2>b", "[a][x2]>[b] " },
		{ "a\nb\n\nc\n", "[a] ; [b] ; [c] " },
		{ "a |\n b &&\n c", "[a] | [b] && [c] " },
		{ "a \\\n b", "[a][][b] " },
		{ "a \xc3\xa4 \x01", "[a][\xc3\xa4][\x01] " },
	};

	(void)state;
	check(cases, BV_LEN(cases));
}

static void test_line__unknown_here__refused(void **state)
{
	static const struct want cases[] = {
		{ "a &", "error: at 3: '&': nothing runs in the background "
			 "here" },
		{ "a & b", "error: at 3: '&': nothing runs in the background "
			   "here" },
		{ "a &> b", "error: at 3: '&>': only standard input and output "
			    "are redirected" },
		{ "a 2>b", "error: at 3: '2>': only standard input and output "
			   "are redirected here" },
		{ "a 0<b", "error: at 3: '0<': only standard input and output "
			   "are redirected here" },
		{ "a >&2", "error: at 3: '>&': no descriptors are duplicated "
			   "here" },
		{ "a << b", "error: at 3: '<<': no text is taken from the line "
			    "itself" },
		{ "a <(b)", "error: at 3: '<(': a command cannot be "
			    "substituted here" },
		{ "a $(b)", "error: at 3: '$(': only $NAME, ${NAME} and $? are "
			    "known here" },
		{ "a \"$(b)\"", "error: at 4: '$(': only $NAME, ${NAME} and $? "
				"are known here" },
		{ "a `b`", "error: at 3: '`' has no use here; quote it to mean "
			   "the character" },
		{ "a \"`b`\"", "error: at 4: '`': a command cannot be "
			       "substituted here" },
		{ "(a)", "error: at 1: '(' has no use here; quote it to mean "
			 "the character" },
		{ "f() b", "error: at 2: '(' has no use here; quote it to mean "
			   "the character" },
		{ "a $1", "error: at 3: '$1': only $NAME, ${NAME} and $? are "
			  "known here" },
		{ "a $$", "error: at 3: '$$': only $NAME, ${NAME} and $? are "
			  "known here" },
		{ "a ${HOME", "error: at 3: '${' without a name and '}'" },
		{ "a ${HOME:-x}", "error: at 3: '${' without a name and '}'" },
		{ "a ${}", "error: at 3: '${': only $NAME, ${NAME} and $? are "
			   "known here" },
		{ "a $NOT", "error: there is no variable 'NOT'" },
		{ "a 'b", "error: at 3: a ' that is not closed" },
		{ "a \"b", "error: at 3: a \" that is not closed" },
		{ "a \\", "error: at 3: a '\\' at the end" },
		{ "| a", "error: at 1: a command is missing before '|'" },
		{ "a |", "error: at 4: a command is missing before the end" },
		{ "a ||", "error: at 5: a command is missing before the end" },
		{ "a && ; b", "error: at 6: a command is missing before ';'" },
		{ "; a", "error: at 1: a command is missing before ';'" },
		{ "a ;; b", "error: at 3: ';;': nothing stands between them" },
		{ "a ; ; b", "error: at 5: a command is missing before ';'" },
		{ "> b", "error: at 1: a command is missing before the end" },
		{ "a > | b", "error: at 3: '>' without the name of a file" },
		{ "a >b >c", "error: at 6: '>' twice for one command" },
		{ "a |& b", "error: at 3: '|&': only standard output goes "
			    "through a pipe" },
	};

	(void)state;
	check(cases, BV_LEN(cases));
}

/* count times the text, then whether it is taken. */
static int repeated(const char *text, size_t count, const char *end)
{
	const size_t n = strlen(text);
	struct bw_pipeline *first = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;
	char *line = malloc(n * count + strlen(end) + 1);
	int code;

	assert_non_null(line);
	for (size_t i = 0; i < count; i++)
		memcpy(line + i * n, text, n);
	memcpy(line + n * count, end, strlen(end) + 1);
	bv_arena_init(&arena, 32u << 20);
	code = bw_line_parse(&arena, line, strlen(line), &first, &err);
	assert_int_equal(code == BV_OK, first != NULL);
	bv_arena_done(&arena);
	free(line);
	return code;
}

static void test_line__bounds__hold_exactly(void **state)
{
	(void)state;
	assert_int_equal(repeated("a ", BW_LINE_WORDS_MAX, ""), BV_OK);
	assert_int_equal(repeated("a ", BW_LINE_WORDS_MAX + 1, ""), BV_E_LIMIT);
	assert_int_equal(repeated("a|", BW_LINE_PIPE_MAX - 1, "a"), BV_OK);
	assert_int_equal(repeated("a|", BW_LINE_PIPE_MAX, "a"), BV_E_LIMIT);
	assert_int_equal(repeated("a;", BW_LINE_LIST_MAX, ""), BV_OK);
	assert_int_equal(repeated("a;", BW_LINE_LIST_MAX, "a"), BV_E_LIMIT);
	assert_int_equal(repeated("a", BW_LINE_BYTES_MAX, ""), BV_OK);
	assert_int_equal(repeated("a", BW_LINE_BYTES_MAX, "a"), BV_E_LIMIT);
}

static void test_line__nul__refused(void **state)
{
	struct bw_pipeline *first = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	assert_int_equal(bw_line_parse(&arena, "a\0b", 3, &first, &err),
			 BV_E_CONF);
	assert_null(first);
	/* No more memory than was given. */
	bv_arena_done(&arena);
	bv_arena_init(&arena, 64);
	assert_int_equal(bw_line_parse(&arena, "abc def ghi", 11, &first, &err),
			 BV_E_NOMEM);
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line__sound__means_this),
		cmocka_unit_test(test_line__unknown_here__refused),
		cmocka_unit_test(test_line__bounds__hold_exactly),
		cmocka_unit_test(test_line__nul__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
