/* SPDX-License-Identifier: MIT */
/* One line of the restricted shell: bytes to tokens to pipelines. */
#include "wasm/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_FIRST "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define NAME_REST  NAME_FIRST "0123456789"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_PIPE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_SEMI,
	TOKEN_NEWLINE,
	TOKEN_IN,
	TOKEN_OUT,
	TOKEN_APPEND,
};

static const char *const token_names[] = {
	[TOKEN_END] = "the end",
	[TOKEN_WORD] = "a word",
	[TOKEN_PIPE] = "'|'",
	[TOKEN_AND] = "'&&'",
	[TOKEN_OR] = "'||'",
	[TOKEN_SEMI] = "';'",
	[TOKEN_NEWLINE] = "the end of the line",
	[TOKEN_IN] = "'<'",
	[TOKEN_OUT] = "'>'",
	[TOKEN_APPEND] = "'>>'",
};

struct lexer {
	struct bv_arena *arena;
	const char *start, *at, *end;
	const char *token_at; /* where the last token began */
	enum token token;
	struct bw_word *word;   /* TOKEN_WORD */
	struct bw_piece **tail; /* of the word being read */
	char *buf;              /* literal bytes not yet a piece */
	size_t buf_n;
	struct bv_err *err;
};

static int bad(struct lexer *l, const char *where, const char *fmt, ...)
	BV_PRINTF(3, 4);

static int bad(struct lexer *l, const char *where, const char *fmt, ...)
{
	char text[BV_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return bv_fail(l->err, BV_E_CONF, "at %zu: %s",
		       (size_t)(where - l->start) + 1, text);
}

static int no_memory(struct lexer *l)
{
	return bv_fail(l->err, BV_E_NOMEM, "no memory for this line");
}

static bool is_one_of(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* --- words ----------------------------------------------------------------- */

static int add_piece(struct lexer *l, const char *text, size_t len,
		     bool variable)
{
	struct bw_piece *p = bv_arena_alloc(l->arena, sizeof(*p));

	if (p == NULL)
		return no_memory(l);
	p->text = bv_arena_strndup(l->arena, text, len);
	if (p->text == NULL)
		return no_memory(l);
	p->variable = variable;
	*l->tail = p;
	l->tail = &p->next;
	return BV_OK;
}

static int flush(struct lexer *l)
{
	const size_t n = l->buf_n;

	l->buf_n = 0;
	return n == 0 ? BV_OK : add_piece(l, l->buf, n, false);
}

static int add_variable(struct lexer *l, const char *name, size_t len)
{
	const int code = flush(l);

	return code == BV_OK ? add_piece(l, name, len, true) : code;
}

/* At '$'. A '$' that begins nothing is itself, as in other shells. */
static int read_dollar(struct lexer *l, bool quoted)
{
	const char *wrong =
		quoted ? "(!@*#$-0123456789" : "(!@*#$-'\"0123456789";
	const char *dollar = l->at++;
	const size_t left = (size_t)(l->end - l->at);
	const bool braced = left > 0 && l->at[0] == '{';
	const char *name = l->at + (braced ? 1 : 0);
	const char *p = name;

	if (p < l->end && *p == '?') {
		p++;
	} else if (p < l->end && is_one_of(NAME_FIRST, *p)) {
		while (p < l->end && is_one_of(NAME_REST, *p))
			p++;
	} else if (braced || (left > 0 && is_one_of(wrong, l->at[0]))) {
		return bad(l, dollar,
			   "'$%c': only $NAME, ${NAME} and $? are known here",
			   l->at[0]);
	} else {
		l->buf[l->buf_n++] = '$';
		return BV_OK;
	}
	if (braced && (p == l->end || *p != '}'))
		return bad(l, dollar, "'${' without a name and '}'");
	l->at = p + (braced ? 1 : 0);
	return add_variable(l, name, (size_t)(p - name));
}

static int read_single(struct lexer *l)
{
	const char *from = ++l->at;
	const char *to = memchr(from, '\'', (size_t)(l->end - from));

	if (to == NULL)
		return bad(l, from - 1, "a ' that is not closed");
	memcpy(l->buf + l->buf_n, from, (size_t)(to - from));
	l->buf_n += (size_t)(to - from);
	l->at = to + 1;
	return BV_OK;
}

static int read_double(struct lexer *l)
{
	const char *open = l->at++;
	int code = BV_OK;

	while (code == BV_OK && l->at < l->end && *l->at != '"') {
		if (*l->at == '$') {
			code = read_dollar(l, true);
			continue;
		}
		if (*l->at == '`')
			return bad(l, l->at,
				   "'`': a command cannot be "
				   "substituted here");
		if (*l->at == '\\' && l->at + 1 < l->end &&
		    is_one_of("\\\"$`", l->at[1]))
			l->at++;
		l->buf[l->buf_n++] = *l->at++;
	}
	if (code == BV_OK && l->at == l->end)
		return bad(l, open, "a \" that is not closed");
	l->at++;
	return code;
}

/* '\' and a newline are nothing; before any other byte it is that byte. */
static int read_backslash(struct lexer *l)
{
	if (l->at + 1 == l->end)
		return bad(l, l->at, "a '\\' at the end");
	if (l->at[1] != '\n')
		l->buf[l->buf_n++] = l->at[1];
	l->at += 2;
	return BV_OK;
}

/* "~" alone or before '/', unquoted and first, is $HOME. */
static int read_tilde(struct lexer *l)
{
	const char *next = l->at + 1;

	if (next < l->end && !is_one_of(" \t\n/|&;<>", *next)) {
		l->buf[l->buf_n++] = *l->at++;
		return BV_OK;
	}
	l->at++;
	return add_variable(l, "HOME", 4);
}

static bool all_digits(const char *from, const char *to)
{
	for (const char *p = from; p < to; p++)
		if (*p < '0' || *p > '9')
			return false;
	return to > from;
}

static int read_word(struct lexer *l)
{
	const char *from = l->at;
	int code = *l->at == '~' ? read_tilde(l) : BV_OK;

	while (code == BV_OK && l->at < l->end &&
	       !is_one_of(" \t\n|;<>&", *l->at)) {
		const char c = *l->at;

		if (c == '\'')
			code = read_single(l);
		else if (c == '"')
			code = read_double(l);
		else if (c == '\\')
			code = read_backslash(l);
		else if (c == '$')
			code = read_dollar(l, false);
		else if (c == '`' || c == '(' || c == ')')
			code = bad(l, l->at,
				   "'%c' has no use here; quote it to mean the "
				   "character",
				   c);
		else
			l->buf[l->buf_n++] = *l->at++;
	}
	/* "2>file" is no word 2 before a '>'. */
	if (code == BV_OK && l->at < l->end && is_one_of("<>", *l->at) &&
	    all_digits(from, l->at))
		return bad(l, from,
			   "'%.*s%c': only standard input and output are "
			   "redirected here",
			   (int)(l->at - from), from, *l->at);
	return code == BV_OK ? flush(l) : code;
}

/* --- tokens ---------------------------------------------------------------- */

static bool take(struct lexer *l, const char *text)
{
	const size_t len = strlen(text);

	if ((size_t)(l->end - l->at) < len || memcmp(l->at, text, len) != 0)
		return false;
	l->at += len;
	return true;
}

static const struct {
	const char *text;
	enum token token;
	const char *wrong; /* why it is refused, or NULL */
} operators[] = {
	/* longest first */
	{ "&&", TOKEN_AND, NULL },
	{ "&>", TOKEN_END, "only standard input and output are redirected" },
	{ "&", TOKEN_END, "nothing runs in the background here" },
	{ "||", TOKEN_OR, NULL },
	{ "|&", TOKEN_END, "only standard output goes through a pipe" },
	{ "|", TOKEN_PIPE, NULL },
	{ ";;", TOKEN_END, "nothing stands between them" },
	{ ";", TOKEN_SEMI, NULL },
	{ "\n", TOKEN_NEWLINE, NULL },
	{ "<<", TOKEN_END, "no text is taken from the line itself" },
	{ "<&", TOKEN_END, "no descriptors are duplicated here" },
	{ "<>", TOKEN_END, "a file is read or written" },
	{ "<(", TOKEN_END, "a command cannot be substituted here" },
	{ "<", TOKEN_IN, NULL },
	{ ">>", TOKEN_APPEND, NULL },
	{ ">&", TOKEN_END, "no descriptors are duplicated here" },
	{ ">|", TOKEN_END, "'>' does the same" },
	{ ">(", TOKEN_END, "a command cannot be substituted here" },
	{ ">", TOKEN_OUT, NULL },
};

static void skip_blanks(struct lexer *l)
{
	while (l->at < l->end && is_one_of(" \t", *l->at))
		l->at++;
	if (l->at < l->end && *l->at == '#')
		while (l->at < l->end && *l->at != '\n')
			l->at++;
}

static int next(struct lexer *l)
{
	skip_blanks(l);
	l->token_at = l->at;
	l->token = TOKEN_END;
	if (l->at == l->end)
		return BV_OK;
	for (size_t i = 0; i < BV_LEN(operators); i++) {
		if (!take(l, operators[i].text))
			continue;
		l->token = operators[i].token;
		if (operators[i].wrong != NULL)
			return bad(l, l->token_at, "'%s': %s",
				   operators[i].text, operators[i].wrong);
		return BV_OK;
	}
	l->token = TOKEN_WORD;
	l->word = bv_arena_alloc(l->arena, sizeof(*l->word));
	if (l->word == NULL)
		return no_memory(l);
	l->tail = &l->word->piece;
	return read_word(l);
}

/* --- commands -------------------------------------------------------------- */

static int skip_newlines(struct lexer *l)
{
	int code = BV_OK;

	while (code == BV_OK && l->token == TOKEN_NEWLINE)
		code = next(l);
	return code;
}

static int parse_redirect(struct lexer *l, struct bw_simple *c)
{
	const enum token kind = l->token;
	const char *at = l->token_at;
	struct bw_word **to = kind == TOKEN_IN ? &c->in : &c->out;
	int code = next(l);

	if (code != BV_OK)
		return code;
	if (l->token != TOKEN_WORD)
		return bad(l, at, "%s without the name of a file",
			   token_names[kind]);
	if (*to != NULL)
		return bad(l, at, "%s twice for one command",
			   token_names[kind]);
	*to = l->word;
	if (kind != TOKEN_IN)
		c->append = kind == TOKEN_APPEND;
	return next(l);
}

static int parse_simple(struct lexer *l, struct bw_simple **ret)
{
	struct bw_simple *c = bv_arena_alloc(l->arena, sizeof(*c));
	struct bw_word **tail;
	const char *at = l->token_at;
	int code = BV_OK;

	if (c == NULL)
		return no_memory(l);
	tail = &c->word;
	while (code == BV_OK) {
		if (l->token == TOKEN_WORD) {
			if (c->words == BW_LINE_WORDS_MAX)
				return bv_fail(l->err, BV_E_LIMIT,
					       "more than %u words in one "
					       "command",
					       BW_LINE_WORDS_MAX);
			*tail = l->word;
			tail = &l->word->next;
			c->words++;
			code = next(l);
		} else if (l->token == TOKEN_IN || l->token == TOKEN_OUT ||
			   l->token == TOKEN_APPEND) {
			code = parse_redirect(l, c);
		} else {
			break;
		}
	}
	if (code == BV_OK && c->words == 0)
		return bad(l, at, "a command is missing before %s",
			   token_names[l->token]);
	*ret = c;
	return code;
}

static int parse_pipeline(struct lexer *l, struct bw_pipeline *p)
{
	struct bw_simple **tail = &p->first;

	for (;;) {
		int code;

		if (p->n == BW_LINE_PIPE_MAX)
			return bv_fail(l->err, BV_E_LIMIT,
				       "more than %u commands in a pipeline",
				       BW_LINE_PIPE_MAX);
		code = parse_simple(l, tail);
		if (code != BV_OK)
			return code;
		tail = &(*tail)->next;
		p->n++;
		if (l->token != TOKEN_PIPE)
			return BV_OK;
		code = next(l);
		if (code == BV_OK)
			code = skip_newlines(l);
		if (code != BV_OK)
			return code;
	}
}

/* What stands between two pipelines; *ret_more: another one must follow. */
static int parse_separator(struct lexer *l, enum bw_line_when *ret,
			   bool *ret_more)
{
	const enum token token = l->token;
	int code;

	*ret = BW_WHEN_ALWAYS;
	*ret_more = false;
	if (token == TOKEN_END)
		return BV_OK;
	code = next(l);
	if (code == BV_OK)
		code = skip_newlines(l);
	if (token == TOKEN_AND || token == TOKEN_OR) {
		*ret = token == TOKEN_AND ? BW_WHEN_OK : BW_WHEN_FAILED;
		*ret_more = true;
	}
	return code;
}

static int parse_list(struct lexer *l, struct bw_pipeline **ret_first)
{
	struct bw_pipeline **tail = ret_first;
	enum bw_line_when when = BW_WHEN_ALWAYS;
	bool more = false;
	size_t n = 0;
	int code = next(l);

	if (code == BV_OK)
		code = skip_newlines(l);
	while (code == BV_OK && (more || l->token != TOKEN_END)) {
		struct bw_pipeline *p = bv_arena_alloc(l->arena, sizeof(*p));

		if (p == NULL)
			return no_memory(l);
		if (n++ == BW_LINE_LIST_MAX)
			return bv_fail(l->err, BV_E_LIMIT,
				       "more than %u commands in one line",
				       BW_LINE_LIST_MAX);
		p->when = when;
		code = parse_pipeline(l, p);
		if (code != BV_OK)
			return code;
		*tail = p;
		tail = &p->next;
		code = parse_separator(l, &when, &more);
	}
	return code;
}

int bw_line_parse(struct bv_arena *arena, const char *text, size_t len,
		  struct bw_pipeline **ret_first, struct bv_err *err)
{
	struct lexer l = {
		.arena = arena,
		.start = text,
		.at = text,
		.end = text + len,
		.err = err,
	};
	int code;

	*ret_first = NULL;
	if (len > BW_LINE_BYTES_MAX)
		return bv_fail(err, BV_E_LIMIT, "a line over %u bytes",
			       BW_LINE_BYTES_MAX);
	if (len > 0 && memchr(text, '\0', len) != NULL)
		return bv_fail(err, BV_E_CONF, "at 1: a NUL byte in the line");
	/* No token is longer than the line. */
	l.buf = bv_arena_alloc(arena, len + 1);
	if (l.buf == NULL)
		return no_memory(&l);
	code = parse_list(&l, ret_first);
	if (code != BV_OK)
		*ret_first = NULL;
	return code;
}

/* --- expansion ------------------------------------------------------------- */

static int piece_value(const struct bw_piece *p, bw_line_lookup lookup,
		       void *ctx, const char **ret, struct bv_err *err)
{
	*ret = p->variable ? lookup(ctx, p->text) : p->text;
	if (*ret == NULL)
		return bv_fail(err, BV_E_CONF, "there is no variable '%s'",
			       p->text);
	return BV_OK;
}

int bw_word_expand(struct bv_arena *arena, const struct bw_word *word,
		   bw_line_lookup lookup, void *ctx, const char **ret,
		   struct bv_err *err)
{
	const char *value;
	size_t len = 0, at = 0;
	char *text;

	for (const struct bw_piece *p = word->piece; p; p = p->next) {
		int code = piece_value(p, lookup, ctx, &value, err);

		if (code != BV_OK)
			return code;
		len += strlen(value);
		if (len > BW_LINE_BYTES_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "a word grows over %u bytes",
				       BW_LINE_BYTES_MAX);
	}
	text = bv_arena_alloc(arena, len + 1);
	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a word");
	for (const struct bw_piece *p = word->piece; p; p = p->next) {
		size_t n;

		if (piece_value(p, lookup, ctx, &value, err) != BV_OK)
			return BV_E_BUG;
		n = strlen(value);
		memcpy(text + at, value, n);
		at += n;
	}
	*ret = text;
	return BV_OK;
}
