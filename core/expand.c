/* SPDX-License-Identifier: MIT */
/* Paths of a policy for one subject: ~, %u, %U, %h, and a plain shape. */
#include <stdio.h>
#include <string.h>

#include "core/policy_parse.h"
#include "core/spec.h"

#define PATH_BYTES 4096u

struct out {
	char text[PATH_BYTES];
	size_t len;
};

static int put(struct out *o, const char *s, struct bv_err *err)
{
	size_t len = strlen(s);

	if (len >= sizeof(o->text) - o->len)
		return bv_fail(err, BV_E_CONF, "the path is over %u bytes",
			       PATH_BYTES - 1);
	memcpy(o->text + o->len, s, len + 1);
	o->len += len;
	return BV_OK;
}

static int put_home(struct out *o, const struct bv_subject *who,
		    struct bv_err *err)
{
	if (who->home[0] != '/')
		return bv_fail(err, BV_E_CONF,
			       "user '%s' has no absolute home directory",
			       who->user);
	/* Else "write = ~" would open everything to an account without one. */
	if (who->home[strspn(who->home, "/.")] == '\0')
		return bv_fail(err, BV_E_CONF,
			       "user '%s' has '%s' for a home directory, which "
			       "'~' and '%%h' do not stand for",
			       who->user, who->home);
	return put(o, who->home, err);
}

static int put_user(struct out *o, const struct bv_subject *who,
		    struct bv_err *err)
{
	if (who->user[0] == '\0' || strchr(who->user, '/') != NULL ||
	    strcmp(who->user, ".") == 0 || strcmp(who->user, "..") == 0)
		return bv_fail(err, BV_E_CONF,
			       "user name '%s' cannot be a path component",
			       who->user);
	return put(o, who->user, err);
}

static int put_escape(struct out *o, char c, const struct bv_subject *who,
		      struct bv_err *err)
{
	char uid[16];

	switch (c) {
	case 'u':
		return put_user(o, who, err);
	case 'U':
		snprintf(uid, sizeof(uid), "%u", who->uid);
		return put(o, uid, err);
	case 'h':
		return put_home(o, who, err);
	case '%':
		return put(o, "%", err);
	default:
		return bv_fail(err, BV_E_CONF,
			       "unknown escape; known: %%u %%U %%h %%%%");
	}
}

static int substitute(const char *text, const struct bv_subject *who,
		      struct out *o, struct bv_err *err)
{
	int code = BV_OK;

	if (text[0] == '~') {
		if (text[1] != '\0' && text[1] != '/')
			return bv_fail(err, BV_E_CONF,
				       "'~' stands alone or before '/'");
		code = put_home(o, who, err);
		text++;
	}
	for (; code == BV_OK && *text != '\0'; text++) {
		const char one[2] = { *text, '\0' };

		if (*text != '%') {
			code = put(o, one, err);
			continue;
		}
		text++;
		if (*text == '\0')
			return bv_fail(
				err, BV_E_CONF,
				"'%%' ends the path; '%%%%' is one '%%'");
		code = put_escape(o, *text, who, err);
	}
	return code;
}

/* "//", "." and a trailing "/" go; ".." is refused: what it means depends on
 * symlinks nobody has looked at yet. */
static int normalise(const char *from, char *to, struct bv_err *err)
{
	size_t n = 0;

	while (*from != '\0') {
		size_t len;

		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len == 2 && from[0] == '.' && from[1] == '.')
			return bv_fail(err, BV_E_CONF, "the path holds '..'");
		if (len > 0 && !(len == 1 && from[0] == '.')) {
			to[n++] = '/';
			memcpy(to + n, from, len);
			n += len;
		}
		from += len;
	}
	if (n == 0)
		to[n++] = '/';
	to[n] = '\0';
	return BV_OK;
}

/* text → a plain absolute path in ret. */
static int expand(const char *text, const struct bv_subject *subject,
		  char ret[static PATH_BYTES], struct bv_err *err)
{
	struct out o = { .len = 0 };
	int code = substitute(text, subject, &o, err);

	if (code != BV_OK)
		return code;
	if (o.text[0] != '/')
		return bv_fail(err, BV_E_CONF, "not an absolute path");
	return normalise(o.text, ret, err);
}

int bv_expand_path(struct bv_arena *arena, const char *text,
		   const struct bv_subject *subject, const char **ret,
		   struct bv_err *err)
{
	char plain[PATH_BYTES];
	const char *copy;
	int code = expand(text, subject, plain, err);

	if (code != BV_OK) {
		(void)bv_ctx(err, "'%s'", text);
		return code;
	}
	copy = bv_arena_strdup(arena, plain);
	if (copy == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a path");
	*ret = copy;
	return BV_OK;
}

int bv_path_check(const char *text, struct bv_err *err)
{
	static const struct bv_subject anybody = {
		.user = "u",
		.uid = 1,
		.home = "/h",
	};
	char plain[PATH_BYTES];

	return expand(text, &anybody, plain, err);
}
