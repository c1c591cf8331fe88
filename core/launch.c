/* SPDX-License-Identifier: MIT */
/* The launch plan's bytes, both ways; see launch.h. */
#include "core/launch.h"

#include <string.h>

struct out {
	unsigned char *buf;
	size_t cap, len;
	bool over;
};

static void put_bytes(struct out *o, const void *bytes, size_t n)
{
	if (n > o->cap - o->len) {
		o->over = true;
		return;
	}
	memcpy(o->buf + o->len, bytes, n);
	o->len += n;
}

static void put_u64(struct out *o, uint64_t v)
{
	unsigned char b[8];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)(v >> (8 * i));
	put_bytes(o, b, sizeof(b));
}

static void put_text(struct out *o, const char *text)
{
	put_u64(o, strlen(text));
	put_bytes(o, text, strlen(text) + 1);
}

static void put_env(struct out *o, const struct bv_env_entry *e)
{
	put_u64(o, e->name_len + 1 + e->value_len);
	put_bytes(o, e->name, e->name_len);
	put_bytes(o, "=", 1);
	put_bytes(o, e->value, e->value_len);
	put_bytes(o, "", 1);
}

/* What both sides hold to be a sound plan. */
static const char *unsound(const struct bv_launch *l)
{
	if (strlen(l->plan_id) != 64 || strlen(l->schedule) != 64)
		return "no plan";
	if (l->shell[0] != '/')
		return "no shell";
	if ((unsigned int)l->fds > BV_FDS_ONLY ||
	    (unsigned int)l->spawn > BV_SPAWN_NONE)
		return "a policy out of range";
	if (l->fds != BV_FDS_ONLY && l->keep_n > 0)
		return "a keep-list without its policy";
	for (size_t i = 0; i < l->keep_n; i++)
		if (l->keep[i] < 3 || (i > 0 && l->keep[i] <= l->keep[i - 1]))
			return "a keep-list out of order";
	if (!l->has_nofile && l->nofile != 0)
		return "a limit without its policy";
	if (!l->env_exact && l->env_n > 0)
		return "variables without their policy";
	if (bv_env_check(l->env, l->env_n).code != BV_ENV_SOUND)
		return "an environment against its rules";
	for (size_t i = 0; i < l->env_n; i++)
		if (l->env[i].is_lease)
			return "an unresolved lease";
	return NULL;
}

int bv_launch_encode(const struct bv_launch *l, void *buf, size_t cap,
		     size_t *ret_len, struct bv_err *err)
{
	struct out o = { .buf = buf, .cap = cap };
	const char *why;

	if (l->env_n > BV_ENV_ENTRIES_MAX || l->keep_n > BV_POLICY_LIST_MAX)
		return bv_fail(err, BV_E_LIMIT, "launch plan: too long a list");
	why = unsound(l);
	if (why != NULL)
		return bv_fail(err, BV_E_INVAL, "launch plan: %s", why);
	put_text(&o, BV_LAUNCH_MAGIC);
	put_text(&o, l->plan_id);
	put_text(&o, l->schedule);
	put_text(&o, l->shell);
	put_u64(&o, l->env_exact);
	put_u64(&o, l->env_n);
	for (size_t i = 0; i < l->env_n; i++)
		put_env(&o, &l->env[i]);
	put_u64(&o, l->fds);
	put_u64(&o, l->keep_n);
	for (size_t i = 0; i < l->keep_n; i++)
		put_u64(&o, l->keep[i]);
	put_u64(&o, l->spawn);
	put_u64(&o, l->no_new_privs);
	put_u64(&o, l->has_nofile);
	put_u64(&o, l->nofile);
	if (o.over)
		return bv_fail(err, BV_E_LIMIT, "launch plan: too long");
	*ret_len = o.len;
	return BV_OK;
}

struct in {
	const unsigned char *at;
	size_t left;
	bool bad;
};

static uint64_t take_u64(struct in *in, uint64_t most)
{
	uint64_t v = 0;

	if (in->bad || in->left < 8) {
		in->bad = true;
		return 0;
	}
	for (size_t i = 0; i < 8; i++)
		v |= (uint64_t)in->at[i] << (8 * i);
	in->at += 8;
	in->left -= 8;
	in->bad = v > most;
	return in->bad ? 0 : v;
}

/* Exactly as long as it says, and no NUL before its end. */
static const char *take_text(struct in *in, size_t *ret_len)
{
	size_t len = (size_t)take_u64(in, BV_LAUNCH_MAX);
	const char *text = (const char *)in->at;

	*ret_len = 0;
	if (in->bad || in->left < len + 1 || text[len] != '\0' ||
	    memchr(text, '\0', len) != NULL) {
		in->bad = true;
		return "";
	}
	in->at += len + 1;
	in->left -= len + 1;
	*ret_len = len;
	return text;
}

static void take_env(struct in *in, struct bv_launch *l)
{
	l->env_n = (size_t)take_u64(in, BV_ENV_ENTRIES_MAX);
	for (size_t i = 0; i < l->env_n && !in->bad; i++) {
		size_t len;
		const char *text = take_text(in, &len);
		const char *equals = memchr(text, '=', len);

		if (equals == NULL) {
			in->bad = true;
			return;
		}
		l->env_text[i] = text;
		l->env[i].name = text;
		l->env[i].name_len = (size_t)(equals - text);
		l->env[i].value = equals + 1;
		l->env[i].value_len = len - l->env[i].name_len - 1;
	}
}

int bv_launch_decode(const void *buf, size_t len, struct bv_launch *ret,
		     struct bv_err *err)
{
	struct in in = { .at = buf, .left = len };
	const char *magic;
	const char *why;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	magic = take_text(&in, &n);
	ret->plan_id = take_text(&in, &n);
	ret->schedule = take_text(&in, &n);
	ret->shell = take_text(&in, &n);
	ret->env_exact = take_u64(&in, 1) != 0;
	take_env(&in, ret);
	ret->fds = (enum bv_fds)take_u64(&in, BV_FDS_ONLY);
	ret->keep_n = (size_t)take_u64(&in, BV_POLICY_LIST_MAX);
	for (size_t i = 0; i < ret->keep_n && !in.bad; i++)
		ret->keep[i] = (uint32_t)take_u64(&in, UINT32_MAX);
	ret->spawn = (enum bv_spawn)take_u64(&in, BV_SPAWN_NONE);
	ret->no_new_privs = take_u64(&in, 1) != 0;
	ret->has_nofile = take_u64(&in, 1) != 0;
	ret->nofile = take_u64(&in, UINT64_MAX);
	if (in.bad || in.left != 0 || strcmp(magic, BV_LAUNCH_MAGIC) != 0)
		return bv_fail(err, BV_E_PROTO, "the launch plan is malformed");
	why = unsound(ret);
	if (why == NULL)
		return BV_OK;
	return bv_fail(err, BV_E_PROTO, "the launch plan has %s", why);
}
