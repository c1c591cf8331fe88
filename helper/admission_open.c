/* SPDX-License-Identifier: MIT */
/*
 * What a policy names and a machine may lack. The steps of a session open it all
 * again, in the session's own view; here it is asked before there is anything to
 * undo, and by those who only want to know.
 */
#include "helper/admission.h"

#include "helper/fd.h"
#include "helper/outbox.h"
#include "helper/path.h"
#include "helper/plumbing.h"

#include <errno.h>
#include <string.h>

struct opening {
	const struct bv_spec *spec;
	bool anybody;
	struct bv_err *home;
};

/* At it or below it, both without a slash at the end. */
static bool is_in(const char *path, const char *top)
{
	size_t n = strlen(top);

	while (n > 0 && top[n - 1] == '/')
		n--;
	return n > 0 && strncmp(path, top, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* The view puts something else there than what we would look at; `own`: that
 * line's place is not meant. */
static bool is_views(const struct bv_spec *spec, const char *path,
		     const struct bv_expose_rule *own)
{
	if (is_in(path, "/var/run/user"))
		return true;
	for (size_t i = 0; i < bvh_private_dirs_n; i++) {
		const struct bvh_private_dir *dir = &bvh_private_dirs[i];

		if ((dir->always || spec->temp_private) &&
		    is_in(path, dir->path))
			return true;
	}
	for (size_t i = 0; i < spec->expose_n; i++) {
		const struct bv_expose_rule *x = &spec->expose[i];

		if (x != own && strcmp(x->source, x->dest) != 0 &&
		    is_in(path, x->dest))
			return true;
	}
	return false;
}

static bool is_personal(const char *text)
{
	return text[0] == '~' || strchr(text, '%') != NULL;
}

/* Does the line name a path of whoever logs in? */
static bool line_is_personal(const struct bv_policy *p, unsigned int line)
{
	for (size_t i = 0; i < p->fs_n; i++) {
		if (p->fs[i].line == line)
			return is_personal(p->fs[i].path);
	}
	for (size_t i = 0; i < p->expose_n; i++) {
		if (p->expose[i].line == line)
			return is_personal(p->expose[i].source) ||
			       is_personal(p->expose[i].dest);
	}
	return false;
}

/* A home may be made before the session begins. */
static bool is_for_later(const struct opening *o, const char *path,
			 const struct bv_err *why)
{
	if (o->home == NULL || !is_in(path, o->spec->subject->home) ||
	    (why->sys_errno != ENOENT && why->sys_errno != ENOTDIR))
		return false;
	if (o->home->code == BV_OK)
		*o->home = *why;
	return true;
}

static int open_rule(const struct opening *o, const struct bv_fs_rule *rule,
		     int *ret_fd, struct bv_err *err)
{
	const struct bv_spec *spec = o->spec;
	struct bv_err why = { 0 };
	int code;

	if (is_views(spec, rule->path, NULL) ||
	    (o->anybody && line_is_personal(spec->policy, rule->line)))
		return BV_OK;
	code = bvh_path_open_rule(spec->policy->path, rule, spec->subject,
				  ret_fd, &why);
	if (code == BV_OK || is_for_later(o, rule->path, &why))
		return BV_OK;
	if (err != NULL)
		*err = why;
	return code;
}

/* The place itself, which has to be there. */
static int open_dest(const struct opening *o, const struct bv_expose_rule *x,
		     struct bv_err *err)
{
	const struct bv_fs_rule rule = { .path = x->dest, .line = x->line };
	const char *file = o->spec->policy->path;
	bv_auto_close int fd = -1;
	struct bv_err why = { 0 };
	int code;

	if (is_views(o->spec, x->dest, x))
		return BV_OK;
	code = bvh_path_open_rule(file, &rule, o->spec->subject, &fd, &why);
	if (code == BV_OK || is_for_later(o, x->dest, &why))
		return BV_OK;
	if (why.sys_errno == ENOENT)
		return bv_fail(err, BV_E_REFUSED,
			       "%s:%u: destination '%s' does not exist; create "
			       "it, or name one below a private /tmp",
			       file, x->line, x->dest);
	if (err != NULL)
		*err = why;
	return code;
}

static int open_exposed(const struct opening *o, const struct bv_expose_rule *x,
			struct bv_err *err)
{
	const struct bv_fs_rule rule = bvh_path_source_rule(x);
	bv_auto_close int source = -1;
	int code = open_rule(o, &rule, &source, err);

	if (code != BV_OK || source < 0 || strcmp(x->source, x->dest) == 0)
		return code;
	return open_dest(o, x, err);
}

static int open_target(const struct opening *o, struct bv_err *err)
{
	const struct bv_outbox *out = &o->spec->outbox;
	const char *stated = o->spec->policy->outbox.to;
	bv_auto_close int fd = -1;
	struct bv_err why = { 0 };

	if (out->line == 0 || out->to == NULL || stated == NULL ||
	    (o->anybody && is_personal(stated)) ||
	    bvh_outbox_target_open(out->to, &fd, &why) == BV_OK)
		return BV_OK;
	return bv_fail(err, bvh_path_at_fault(&why) ? BV_E_REFUSED : why.code,
		       "%s:%u: [outbox] to: %.350s%s", o->spec->policy->path,
		       out->to_line, why.msg,
		       why.sys_errno == ENOENT ? "; create it" : "");
}

int bvh_spec_opens(const struct bv_spec *spec, bool anybody,
		   struct bv_err *home, struct bv_err *err)
{
	const struct opening o = { spec, anybody, home };
	int code = BV_OK;

	for (size_t i = 0; i < spec->fs_n && code == BV_OK; i++) {
		bv_auto_close int fd = -1;

		code = open_rule(&o, &spec->fs[i], &fd, err);
	}
	for (size_t i = 0; i < spec->expose_n && code == BV_OK; i++)
		code = open_exposed(&o, &spec->expose[i], err);
	return code == BV_OK ? open_target(&o, err) : code;
}

/* Other failures are not the policy's: its step meets them again, or not. */
void bvh_admission_open(struct bvh_admission *a, struct bv_err *home)
{
	struct bv_err err = { 0 };

	if (a->decision == BVH_DECIDE_ADMIT &&
	    bvh_spec_opens(&a->spec, false, home, &err) == BV_E_REFUSED)
		bvh_admission_refuse(a, BV_MEMBRANE_CONFIG, "%s", err.msg);
}
