/* SPDX-License-Identifier: MIT */
/* [expose] and [outbox] of a policy file: what of the host a session is shown,
 * and where what it leaves goes. */
#include <string.h>

#include "core/conf.h"
#include "core/num.h"
#include "core/policy_parse.h"

#define ARROW " -> "

/* A value has no blank at its end, so the arrow there lacks its own: a path
 * that is called so is not what was meant. */
static bool ends_in_arrow(const char *text)
{
	const size_t len = strlen(text);

	return len > 2 && strcmp(text + len - 2, "->") == 0 &&
	       strchr(" \t", text[len - 3]) != NULL;
}

/* "SOURCE -> DEST", or a SOURCE alone that is shown where it is. */
static int split_arrow(struct bv_arena *arena, const char *text,
		       const char **ret_source, const char **ret_dest,
		       struct bv_err *err)
{
	char *source = bv_arena_strdup(arena, text);
	char *arrow;
	size_t len;

	if (source == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for a path");
	*ret_source = source;
	*ret_dest = NULL;
	if (ends_in_arrow(source))
		return bv_fail(err, BV_E_CONF, "'%s' has no path behind '->'",
			       text);
	arrow = strstr(source, ARROW);
	if (arrow == NULL)
		return BV_OK;
	if (strstr(arrow + 1, ARROW) != NULL)
		return bv_fail(err, BV_E_CONF, "'%s' has more than one '->'",
			       text);
	*ret_dest = arrow + strlen(ARROW);
	*ret_dest += strspn(*ret_dest, " \t");
	for (len = (size_t)(arrow - source);
	     len > 0 && strchr(" \t", source[len - 1]) != NULL;)
		len--;
	source[len] = '\0';
	return BV_OK;
}

BV_POLICY_SETTER(bv_policy_set_expose)
{
	struct bv_expose_rule rule = { .line = value->line,
				       .write = row->arg != 0 };
	struct bv_policy *policy = p->policy;
	const char *source = NULL, *dest = NULL;
	bool optional = false;
	int code = split_arrow(p->arena, value->text, &source, &dest, err);

	if (code == BV_OK)
		code = bv_policy_path(source, &rule.optional, &rule.source,
				      err);
	if (code == BV_OK && dest != NULL)
		code = bv_policy_path(dest, &optional, &rule.dest, err);
	if (code != BV_OK)
		return code;
	if (optional)
		return bv_fail(err, BV_E_CONF,
			       "'%s': only the source may be absent", dest);
	if (dest == NULL)
		rule.dest = rule.source;
	if (policy->expose_n == BV_EXPOSE_MAX)
		return bv_fail(err, BV_E_CONF, "more than %u exposed paths",
			       BV_EXPOSE_MAX);
	if (p->expose == NULL)
		p->expose = bv_arena_alloc(p->arena,
					   BV_EXPOSE_MAX * sizeof(*p->expose));
	if (p->expose == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for rules");
	p->expose[policy->expose_n++] = rule;
	policy->expose = p->expose;
	return BV_OK;
}

/* --- [outbox] -------------------------------------------------------------- */

/* A directory of the session's private temp root, made for it. */
static const char *const parents[] = { "/tmp/", "/var/tmp/", "/dev/shm/" };

BV_POLICY_SETTER(bv_policy_set_outbox_path)
{
	const char *path = value->text;
	int code = bv_path_check(path, err);

	(void)row;
	if (code != BV_OK)
		return code;
	for (size_t i = 0; i < BV_LEN(parents); i++) {
		const size_t len = strlen(parents[i]);
		const char *name = path + len;

		if (strncmp(path, parents[i], len) != 0 || name[0] == '\0' ||
		    name[0] == '.' || strchr(name, '/') != NULL)
			continue;
		p->policy->outbox.path = path;
		p->policy->outbox.path_line = value->line;
		return BV_OK;
	}
	return bv_fail(err, BV_E_CONF,
		       "'%s' is not /tmp/NAME, /var/tmp/NAME or "
		       "/dev/shm/NAME",
		       path);
}

BV_POLICY_SETTER(bv_policy_set_outbox_commit)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_COMMIT, value->text, &i, err);

	(void)row;
	p->policy->outbox.commit = (enum bv_commit)i;
	p->policy->outbox.commit_line = value->line;
	return code;
}

BV_POLICY_SETTER(bv_policy_set_outbox_to)
{
	(void)row;
	if (value->text[0] != '/')
		return bv_fail(err, BV_E_CONF, "'%s' does not begin with '/'",
			       value->text);
	p->policy->outbox.to = value->text;
	p->policy->outbox.to_line = value->line;
	return bv_path_check(value->text, err);
}

BV_POLICY_SETTER(bv_policy_set_outbox_owner)
{
	size_t i = 0;
	int code = bv_policy_word(BV_WORDS_OWNER, value->text, &i, err);

	(void)row;
	p->policy->outbox.owner_user = i == 1;
	return code;
}

/* "0640": four octal digits, nothing that runs and no set-id bit. */
BV_POLICY_SETTER(bv_policy_set_outbox_mode)
{
	const char *text = value->text;
	uint32_t mode = 0;

	(void)row;
	for (size_t i = 0; i < 4 && text[i] >= '0' && text[i] <= '7'; i++)
		mode = mode << 3 | (uint32_t)(text[i] - '0');
	if (strlen(text) != 4 || strspn(text, "01234567") != 4 ||
	    text[0] != '0' || (mode & 0111u) != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a mode such as 0640, without "
			       "execute bits",
			       text);
	p->policy->outbox.mode = mode;
	return BV_OK;
}

static int parse_count(const char *text, uint32_t max, uint32_t *ret,
		       struct bv_err *err)
{
	uint64_t n;

	if (!bv_parse_u64(text, 1, max, &n))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a number from 1 to %u", text, max);
	*ret = (uint32_t)n;
	return BV_OK;
}

BV_POLICY_SETTER(bv_policy_set_outbox_files)
{
	(void)row;
	return parse_count(value->text, BV_OUTBOX_FILES_MAX,
			   &p->policy->outbox.files_max, err);
}

BV_POLICY_SETTER(bv_policy_set_outbox_depth)
{
	(void)row;
	return parse_count(value->text, BV_OUTBOX_DEPTH_MAX,
			   &p->policy->outbox.depth_max, err);
}

int bv_policy_check_outbox(struct bv_policy_parse *p, struct bv_err *err)
{
	struct bv_policy *policy = p->policy;
	struct bv_outbox *o = &policy->outbox;

	o->line = p->section_line[BV_SECTION_OUTBOX];
	if (o->line == 0)
		return BV_OK;
	if (!policy->temp_private)
		return bv_conf_fail(err, policy->path, o->path_line,
				    "[outbox] path: only with [temp] private "
				    "= yes");
	/* What root copies at the close has a bound that somebody stated. */
	if (!policy->budget[BV_DIM_STORAGE].stated)
		return bv_conf_fail(err, policy->path, o->path_line,
				    "[outbox] path: only with a [budget] "
				    "storage");
	if (o->commit == BV_COMMIT_DISCARD && o->to != NULL)
		return bv_conf_fail(err, policy->path, o->to_line,
				    "[outbox] to: not with commit = discard");
	if (o->commit != BV_COMMIT_DISCARD && o->to == NULL)
		return bv_conf_fail(err, policy->path, o->commit_line,
				    "[outbox] to is missing; the directory "
				    "that commit = %s puts files into",
				    bv_commit_name(o->commit));
	return BV_OK;
}
