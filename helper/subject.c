/* SPDX-License-Identifier: MIT */
/*
 * PAM's words → a subject, by the user database. One getpwnam_r, one
 * getgrouplist, one getgrgid_r per group: nothing is enumerated, so a directory
 * server with a hundred thousand accounts costs what a small one does.
 */
#include "helper/admission.h"

#include "helper/fd.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_NAME_MAX 255u
#define GROUPS_MAX    65536
#define NSS_BUF_MIN   4096u
#define NSS_BUF_MAX   (16u * 1024u * 1024u) /* one group can be that long */

struct nss_buf {
	char *p;
	size_t len;
};

/* Doubles the buffer; false when that is out of the question. */
static bool nss_grow(struct nss_buf *b)
{
	size_t len = b->len == 0 ? NSS_BUF_MIN : 2 * b->len;
	char *p;

	if (len > NSS_BUF_MAX)
		return false;
	p = realloc(b->p, len);
	if (p == NULL)
		return false;
	b->p = p;
	b->len = len;
	return true;
}

static int find_user(const char *name, struct nss_buf *b, struct passwd *pw,
		     struct bv_err *err)
{
	struct passwd *found = NULL;
	int error = ERANGE;

	while (error == ERANGE) {
		if (!nss_grow(b))
			return bv_fail(err, BV_E_NOMEM,
				       "user database: the entry of '%s'",
				       name);
		do
			error = getpwnam_r(name, pw, b->p, b->len, &found);
		while (error == EINTR);
	}
	/* Some services answer "not found" with one of these. */
	if (found == NULL && (error == 0 || error == ENOENT || error == ESRCH ||
			      error == EBADF || error == EPERM))
		return bv_fail(err, BV_E_INVAL,
			       "user '%s' is not in the user database", name);
	if (found == NULL)
		return bv_fail_errno(err, error, "user database: look up '%s'",
				     name);
	return BV_OK;
}

/* malloc'ed list of the user's group ids, the primary one included. */
static int find_gids(const char *user, gid_t gid, gid_t **ret, int *ret_n,
		     struct bv_err *err)
{
	int cap = 64;

	for (;;) {
		bv_auto_free gid_t *gids = calloc((size_t)cap, sizeof(*gids));
		int n = cap;

		if (gids == NULL)
			return bv_fail(err, BV_E_NOMEM, "groups of '%s'", user);
		if (getgrouplist(user, gid, gids, &n) >= 0) {
			*ret = gids;
			*ret_n = n;
			gids = NULL;
			return BV_OK;
		}
		if (cap >= GROUPS_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "'%s' is in more than %d groups", user,
				       GROUPS_MAX);
		/* n says how many there are; older glibc left it as it was. */
		cap = n > cap ? n : 2 * cap;
		if (cap > GROUPS_MAX)
			cap = GROUPS_MAX;
	}
}

/* The name, or "#gid" for a group that has none. */
static const char *group_name(gid_t gid, struct nss_buf *b,
			      struct bv_arena *arena)
{
	struct group gr;
	struct group *found = NULL;
	int error;

	for (;;) {
		error = getgrgid_r(gid, &gr, b->p, b->len, &found);
		if (error == ERANGE && nss_grow(b))
			continue;
		if (error != EINTR)
			break;
	}
	if (error == 0 && found != NULL)
		return bv_arena_strdup(arena, gr.gr_name);
	return bv_arena_printf(arena, "#%u", (unsigned int)gid);
}

static int load_groups(const struct passwd *pw, struct bv_arena *arena,
		       struct bv_subject *s, struct bv_err *err)
{
	bv_auto_free gid_t *gids = NULL;
	struct nss_buf b = { 0 };
	const char **names;
	int n = 0;
	int code = find_gids(pw->pw_name, pw->pw_gid, &gids, &n, err);

	if (code != BV_OK)
		return code;
	names = bv_arena_alloc(arena, (size_t)(n + 1) * sizeof(*names));
	if (names == NULL || !nss_grow(&b))
		code = bv_fail(err, BV_E_NOMEM, "groups of '%s'", pw->pw_name);
	for (int i = 0; code == BV_OK && i < n; i++) {
		names[i] = group_name(gids[i], &b, arena);
		if (names[i] == NULL)
			code = bv_fail(err, BV_E_NOMEM, "groups of '%s'",
				       pw->pw_name);
	}
	free(b.p);
	if (code != BV_OK)
		return code;
	s->groups = names;
	s->groups_n = (size_t)n;
	return BV_OK;
}

static const char *keep(struct bv_arena *arena, const char *text)
{
	return bv_arena_strdup(arena, text == NULL ? "" : text);
}

/* The strings of the password entry and of PAM, into the arena. */
static int load_strings(const struct passwd *pw, const struct bvh_login *login,
			struct bv_arena *arena, struct bv_subject *s,
			struct bv_err *err)
{
	const char *tty = login->tty == NULL ? "" : login->tty;

	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	s->user = keep(arena, pw->pw_name);
	s->home = keep(arena, pw->pw_dir);
	s->shell = keep(arena, pw->pw_shell);
	s->service = keep(arena, login->service);
	s->tty = keep(arena, tty);
	s->rhost = keep(arena, login->rhost);
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	if (s->user == NULL || s->home == NULL || s->shell == NULL ||
	    s->service == NULL || s->tty == NULL || s->rhost == NULL)
		return bv_fail(err, BV_E_NOMEM, "subject '%s'", pw->pw_name);
	return BV_OK;
}

static int load(const struct bvh_login *login, bool with_groups,
		struct bv_arena *arena, struct bv_subject *ret,
		struct bv_err *err)
{
	const char *user = login->user == NULL ? "" : login->user;
	struct bv_subject s = { 0 };
	struct nss_buf b = { 0 };
	struct passwd pw;
	int code;

	if (user[0] == '\0')
		return bv_fail(err, BV_E_INVAL, "PAM names no user");
	if (strlen(user) > USER_NAME_MAX)
		return bv_fail(err, BV_E_LIMIT,
			       "a user name of %zu bytes, at most %u are taken",
			       strlen(user), USER_NAME_MAX);
	code = find_user(user, &b, &pw, err);
	if (code == BV_OK && strlen(pw.pw_name) > USER_NAME_MAX)
		code = bv_fail(err, BV_E_LIMIT,
			       "the canonical name of '%s' is too long", user);
	if (code == BV_OK)
		code = load_strings(&pw, login, arena, &s, err);
	if (code == BV_OK && with_groups)
		code = load_groups(&pw, arena, &s, err);
	free(b.p);
	if (code == BV_OK)
		*ret = s;
	return code;
}

int bvh_subject_load(const struct bvh_login *login, struct bv_arena *arena,
		     struct bv_subject *ret, struct bv_err *err)
{
	return load(login, true, arena, ret, err);
}

int bvh_subject_load_account(const struct bvh_login *login,
			     struct bv_arena *arena, struct bv_subject *ret,
			     struct bv_err *err)
{
	return load(login, false, arena, ret, err);
}
