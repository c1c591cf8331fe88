/* SPDX-License-Identifier: MIT */
/*
 * The command's environment. Without an [environment] of the policy a short
 * list is kept and everything else dropped: LD_*, GLIBC_TUNABLES, BASH_ENV,
 * ENV, PYTHON*, PERL5* and what is invented tomorrow are all instructions to
 * the programs inside from somebody outside.
 */
#include "helper/ctl/run.h"

#include "helper/red.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kept[] = { "HOME", "USER", "LOGNAME", "SHELL",
				    "PATH", "TERM", "LANG",    "TZ" };
#define KEPT_PREFIX "LC_"

struct table {
	char **v;
	size_t n, cap;
};

static int append(struct table *t, const char *name, size_t name_len,
		  const char *value, struct bv_err *err)
{
	size_t value_len = strlen(value);
	char *text;

	if (t->n + 1 >= t->cap) {
		size_t cap = t->cap == 0 ? 32 : 2 * t->cap;
		char **v = reallocarray(t->v, cap, sizeof(*v));

		if (v == NULL)
			return bv_fail(err, BV_E_NOMEM, "the environment");
		t->v = v;
		t->cap = cap;
	}
	text = malloc(name_len + 1 + value_len + 1);
	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "the environment");
	memcpy(text, name, name_len);
	text[name_len] = '=';
	memcpy(text + name_len + 1, value, value_len + 1);
	t->v[t->n++] = text;
	t->v[t->n] = NULL;
	return BV_OK;
}

/* Names of the subject's own account, when the command runs as another user. */
static const char *of_account(const struct bvh_run *r, const char *name,
			      size_t len)
{
	const struct bv_subject *s = &r->adm.subject;
	const struct {
		const char *name, *value;
	} account[] = {
		{ "HOME", s->home },
		{ "USER", s->user },
		{ "LOGNAME", s->user },
		{ "SHELL", s->shell },
	};

	if (!r->switch_user)
		return NULL;
	for (size_t i = 0; i < BV_LEN(account); i++) {
		if (strlen(account[i].name) == len &&
		    strncmp(account[i].name, name, len) == 0)
			return account[i].value;
	}
	return NULL;
}

static bool is_kept(const char *name, size_t len)
{
	if (strncmp(name, KEPT_PREFIX, sizeof(KEPT_PREFIX) - 1) == 0)
		return true;
	for (size_t i = 0; i < BV_LEN(kept); i++) {
		if (strlen(kept[i]) == len && strncmp(kept[i], name, len) == 0)
			return true;
	}
	return false;
}

/* The first of two entries of one name is the one getenv(3) finds. */
static bool has(const struct table *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strncmp(t->v[i], name, len) == 0 && t->v[i][len] == '=')
			return true;
	}
	return false;
}

static int keep_some(const struct bvh_run *r, char *const *from,
		     struct table *t, struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; code == BV_OK && i < BV_LEN(kept); i++) {
		size_t len = strlen(kept[i]);
		const char *value = of_account(r, kept[i], len);

		if (value != NULL)
			code = append(t, kept[i], len, value, err);
	}
	for (size_t i = 0; code == BV_OK && from[i] != NULL; i++) {
		const char *equals = strchr(from[i], '=');
		size_t len = equals == NULL ? 0 : (size_t)(equals - from[i]);

		if (len > 0 && is_kept(from[i], len) && !has(t, from[i], len))
			code = append(t, from[i], len, equals + 1, err);
	}
	return code;
}

int bvh_run_environment(struct bvh_run *r, char *const *from,
			struct bv_err *err)
{
	const struct bv_policy *p = r->adm.policy;
	struct table t = { .n = 0 };
	int code = BV_OK;

	if (!p->env_exact || bvh_red("environment"))
		code = keep_some(r, from, &t, err);
	for (size_t i = 0; code == BV_OK && p->env_exact && i < p->env_n; i++)
		code = append(&t, p->env[i].name, strlen(p->env[i].name),
			      p->env[i].value, err);
	if (code == BV_OK && t.v == NULL) {
		t.v = calloc(1, sizeof(*t.v));
		if (t.v == NULL)
			code = bv_fail(err, BV_E_NOMEM, "the environment");
	}
	r->envp = t.v;
	return code;
}

void bvh_run_environment_free(struct bvh_run *r)
{
	for (size_t i = 0; r->envp != NULL && r->envp[i] != NULL; i++)
		free(r->envp[i]);
	free(r->envp);
	r->envp = NULL;
}
