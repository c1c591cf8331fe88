/* SPDX-License-Identifier: MIT */
/* What a spec shares with the host: [expose] and [outbox], for one subject. */
#include "core/spec.h"

#include <stdlib.h>
#include <string.h>

static int by_dest(const void *a, const void *b)
{
	const struct bv_expose_rule *x = a, *y = b;
	const size_t lx = strlen(x->dest), ly = strlen(y->dest);

	/* What holds another one comes first. */
	return lx != ly ? (lx > ly) - (lx < ly) : strcmp(x->dest, y->dest);
}

static bool is_at_or_below(const char *path, const char *top)
{
	const size_t len = strlen(top);

	return strncmp(path, top, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static int check_rule(const struct bv_spec *spec,
		      const struct bv_expose_rule *rule, struct bv_err *err)
{
	const char *file = spec->policy->path;

	if (strcmp(rule->source, "/") == 0 || strcmp(rule->dest, "/") == 0)
		return bv_fail(err, BV_E_CONF,
			       "%s:%u: [expose] '/' is neither exposed nor "
			       "replaced; name what is below it",
			       file, rule->line);
	/* A hidden path's cover is in the copy as well; what would be shown
	 * there is not what either line says. */
	for (size_t i = 0; i < spec->fs_n; i++) {
		const struct bv_fs_rule *fs = &spec->fs[i];

		if ((fs->rights & BV_FS_HIDE) != 0 &&
		    is_at_or_below(fs->path, rule->source))
			return bv_fail(err, BV_E_CONF,
				       "%s:%u: [expose] '%s' holds '%s', which "
				       "line %u hides; expose what is beside "
				       "it",
				       file, rule->line, rule->source, fs->path,
				       fs->line);
	}
	return BV_OK;
}

static int check_dests(const struct bv_spec *spec, struct bv_err *err)
{
	for (size_t i = 1; i < spec->expose_n; i++) {
		const struct bv_expose_rule *a = &spec->expose[i - 1];
		const struct bv_expose_rule *b = &spec->expose[i];

		if (strcmp(a->dest, b->dest) == 0)
			return bv_fail(
				err, BV_E_CONF,
				"%s:%u: [expose] '%s' is the destination of "
				"line %u as well",
				spec->policy->path,
				a->line > b->line ? a->line : b->line, b->dest,
				a->line > b->line ? b->line : a->line);
	}
	return BV_OK;
}

static int expand_expose(struct bv_arena *arena, struct bv_spec *spec,
			 struct bv_err *err)
{
	const struct bv_policy *policy = spec->policy;
	const struct bv_subject *who = spec->subject;
	struct bv_expose_rule *rules;

	if (policy->expose_n == 0)
		return BV_OK;
	rules = bv_arena_alloc(arena, policy->expose_n * sizeof(*rules));
	if (!rules)
		return bv_fail(err, BV_E_NOMEM, "policy '%s': no memory",
			       policy->name);
	for (size_t i = 0; i < policy->expose_n; i++) {
		struct bv_expose_rule *rule = &rules[i];
		int code;

		*rule = policy->expose[i];
		code = bv_expand_path(arena, policy->expose[i].source, who,
				      &rule->source, err);
		if (code == BV_OK)
			code = bv_expand_path(arena, policy->expose[i].dest,
					      who, &rule->dest, err);
		if (code != BV_OK) {
			(void)bv_ctx(err, "%s:%u: [expose]", policy->path,
				     rule->line);
			return code;
		}
		code = check_rule(spec, rule, err);
		if (code != BV_OK)
			return code;
	}
	qsort(rules, policy->expose_n, sizeof(*rules), by_dest);
	spec->expose = rules;
	spec->expose_n = policy->expose_n;
	return check_dests(spec, err);
}

static int expand_outbox(struct bv_arena *arena, struct bv_spec *spec,
			 struct bv_err *err)
{
	const struct bv_policy *policy = spec->policy;
	struct bv_outbox *o = &spec->outbox;
	int code;

	*o = policy->outbox;
	if (o->line == 0)
		return BV_OK;
	code = bv_expand_path(arena, policy->outbox.path, spec->subject,
			      &o->path, err);
	if (code != BV_OK) {
		(void)bv_ctx(err, "%s:%u: [outbox] path", policy->path,
			     o->path_line);
		return code;
	}
	if (o->to == NULL)
		return BV_OK;
	code = bv_expand_path(arena, policy->outbox.to, spec->subject, &o->to,
			      err);
	if (code != BV_OK)
		(void)bv_ctx(err, "%s:%u: [outbox] to", policy->path,
			     o->to_line);
	return code;
}

int bv_spec_share(struct bv_arena *arena, struct bv_spec *spec,
		  struct bv_err *err)
{
	int code = expand_expose(arena, spec, err);

	return code == BV_OK ? expand_outbox(arena, spec, err) : code;
}
