/* SPDX-License-Identifier: MIT */
/* One line at a time out of borrowed bytes; see conf.h. */
#include "core/conf.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_TEXT "1024"
_Static_assert(BV_CONF_LINE_MAX == 1024u, "LINE_MAX_TEXT says otherwise");

int bv_conf_fail(struct bv_err *err, const char *path, unsigned int line,
		 const char *fmt, ...)
{
	char text[BV_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return bv_fail(err, BV_E_CONF, "%s:%u: %s", path, line, text);
}

void bv_conf_init(struct bv_conf *conf, const char *path, const char *magic,
		  const char *bytes, size_t len)
{
	memset(conf, 0, sizeof(*conf));
	conf->path = path;
	conf->magic = magic;
	conf->at = bytes;
	conf->end = len > 0 ? bytes + len : bytes;
}

/* What is wrong with a line's bytes. */
struct line_fault {
	const char *why;    /* they cannot be text, or NULL */
	const char *hidden; /* what of the first line nobody sees, or NULL */
	bool local;         /* as bv_conf_item's */
};

/* Why a line's bytes cannot be text, or NULL. */
static const char *bad_bytes(const char *line, size_t len)
{
	if (len > BV_CONF_LINE_MAX)
		return "the line is longer than " LINE_MAX_TEXT " bytes";
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)line[i];

		if (c == '\r')
			return "a carriage return; lines end with LF alone";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "a control byte";
		/* U+0080 to U+009F: a terminal may obey them in a message */
		if (c == 0xc2 && i + 1 < len &&
		    ((unsigned char)line[i + 1] & 0xe0) == 0x80)
			return "a control character";
	}
	return bv_utf8_valid(line, len) ? NULL : "bytes that are not UTF-8";
}

/* What an editor does not show: the line that it shows as right is not. */
static const char *hidden_bytes(const char *line, size_t len)
{
	if ((len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) ||
	    (len >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 ||
			  memcmp(line, "\xfe\xff", 2) == 0)))
		return "and before it stands a byte order mark; save the file "
		       "as UTF-8 without one";
	if (memchr(line, '\r', len) != NULL)
		return "and there is a carriage return in it; lines end with "
		       "LF alone (tr -d '\\r' <OLD >NEW)";
	return NULL;
}

/* The same rule as for lines whose bytes are good: nobody meant a section by
 * what holds no bracket. */
static bool holds_bracket(const char *line, size_t len)
{
	return memchr(line, '[', len) != NULL || memchr(line, ']', len) != NULL;
}

/* Copy the next line into conf->text. False at the end of the file. */
static bool take_line(struct bv_conf *conf, struct line_fault *ret)
{
	const char *nl;
	size_t len;

	if (conf->at == conf->end)
		return false;
	nl = memchr(conf->at, '\n', (size_t)(conf->end - conf->at));
	len = nl == NULL ? (size_t)(conf->end - conf->at)
			 : (size_t)(nl - conf->at);
	conf->line++;
	ret->why = bad_bytes(conf->at, len);
	ret->hidden = hidden_bytes(conf->at, len);
	ret->local = !holds_bracket(conf->at, len);
	if (ret->why == NULL) {
		memcpy(conf->text, conf->at, len);
		conf->text[len] = '\0';
	}
	conf->at += len + (nl == NULL ? 0 : 1);
	return true;
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t");
	len = strlen(s);
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		s[--len] = '\0';
	return s;
}

static bool is_word(const char *s)
{
	return s[0] != '\0' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static void bad(const struct bv_conf *conf, struct bv_conf_item *ret,
		struct bv_err *err, const char *why)
{
	ret->type = BV_CONF_BAD;
	bv_conf_fail(err, conf->path, conf->line, "%s", why);
}

/* False: the line is blank or a comment. */
static bool parse_line(struct bv_conf *conf, struct bv_conf_item *ret,
		       struct bv_err *err)
{
	char *s = trim(conf->text);
	char *equals;
	size_t len = strlen(s);

	if (s[0] == '\0' || s[0] == '#')
		return false;
	if (s[0] == '[') {
		ret->type = BV_CONF_SECTION;
		if (s[len - 1] == ']') {
			s[len - 1] = '\0';
			ret->name = s + 1;
		}
		if (ret->name == NULL || !is_word(ret->name))
			bad(conf, ret, err, "not a [section] line");
		return true;
	}
	ret->local = strpbrk(s, "[]") == NULL;
	equals = strchr(s, '=');
	if (equals == NULL) {
		bad(conf, ret, err, "neither [section] nor key = value");
		return true;
	}
	*equals = '\0';
	ret->type = BV_CONF_PAIR;
	ret->name = trim(s);
	ret->value = trim(equals + 1);
	if (!is_word(ret->name))
		bad(conf, ret, err, "a key is a word of small letters and _");
	return true;
}

/* The first line tells the grammar and its version. */
static bool is_magic(const struct bv_conf *conf, const struct line_fault *fault)
{
	return fault->why == NULL && strcmp(conf->text, conf->magic) == 0;
}

/* Told once. */
static void bad_magic(struct bv_conf *conf, const char *hidden,
		      struct bv_conf_item *ret, struct bv_err *err)
{
	ret->line = 1;
	ret->type = BV_CONF_BAD;
	bv_conf_fail(err, conf->path, 1, "the first line must be '%s'%s%s",
		     conf->magic, hidden == NULL ? "" : ", ",
		     hidden == NULL ? "" : hidden);
	conf->magic = NULL;
}

void bv_conf_next(struct bv_conf *conf, struct bv_conf_item *ret,
		  struct bv_err *err)
{
	struct line_fault fault = { 0 };

	memset(ret, 0, sizeof(*ret));
	while (take_line(conf, &fault)) {
		ret->line = conf->line;
		if (conf->magic != NULL) {
			if (!is_magic(conf, &fault)) {
				bad_magic(conf, fault.hidden, ret, err);
				return;
			}
			conf->magic = NULL;
			continue;
		}
		if (fault.why != NULL) {
			ret->local = fault.local;
			bad(conf, ret, err, fault.why);
			return;
		}
		if (parse_line(conf, ret, err))
			return;
	}
	if (conf->magic != NULL) { /* an empty file */
		conf->line = 1;
		bad_magic(conf, NULL, ret, err);
	}
}
