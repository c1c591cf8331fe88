/* SPDX-License-Identifier: MIT */
/* Which policy decides. The order and the rules stand in match.h. */
#include "core/match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef bool (*fits_fn)(const char *value, const struct bv_subject *subject);

static bool fits_user(const char *value, const struct bv_subject *s)
{
	return strcmp(value, "*") == 0 || strcmp(value, s->user) == 0;
}

static bool fits_group(const char *value, const struct bv_subject *s)
{
	if (strcmp(value, "*") == 0)
		return true;
	for (size_t i = 0; i < s->groups_n; i++) {
		if (strcmp(value, s->groups[i]) == 0)
			return true;
	}
	return false;
}

static bool fits_service(const char *value, const struct bv_subject *s)
{
	return strcmp(value, s->service) == 0;
}

static const char *short_tty(const char *tty)
{
	return strncmp(tty, "/dev/", 5) == 0 ? tty + 5 : tty;
}

static bool fits_tty(const char *value, const struct bv_subject *s)
{
	const char *want = short_tty(value);
	const char *tty = short_tty(s->tty);
	size_t len = strlen(want);

	if (len > 0 && want[len - 1] == '*')
		return strncmp(want, tty, len - 1) == 0;
	return strcmp(want, tty) == 0;
}

static bool fits_rhost(const char *value, const struct bv_subject *s)
{
	size_t len = strlen(value);
	size_t have = strlen(s->rhost);

	if (strcmp(value, "-") == 0)
		return have == 0;
	if (bv_cidr_valid(value))
		return bv_cidr_contains(value, s->rhost);
	if (strncmp(value, "*.", 2) == 0)
		return have > len - 1 &&
		       strcasecmp(s->rhost + have - (len - 1), value + 1) == 0;
	return strcasecmp(value, s->rhost) == 0;
}

/* A key holds: no negated value fits, and a plain one does or there is none. */
static bool list_holds(const struct bv_list *list, fits_fn fits,
		       const struct bv_subject *subject)
{
	bool has_plain = false;
	bool fitting = false;

	for (size_t i = 0; i < list->n; i++) {
		const bool fit = fits(list->v[i].text, subject);

		if (list->v[i].negated && fit)
			return false;
		if (!list->v[i].negated) {
			has_plain = true;
			fitting |= fit;
		}
	}
	return fitting || !has_plain;
}

static bool names_user(const struct bv_list *list, const char *user)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!list->v[i].negated && strcmp(list->v[i].text, user) == 0)
			return true;
	}
	return false;
}

bool bv_policy_matches(const struct bv_policy *policy,
		       const struct bv_subject *subject)
{
	const struct bv_match *m = &policy->match;

	if (policy->broken && !policy->match_known)
		return subject->uid != 0;
	if (subject->uid == 0 && !names_user(&m->user, subject->user))
		return false;
	return list_holds(&m->user, fits_user, subject) &&
	       list_holds(&m->group, fits_group, subject) &&
	       list_holds(&m->service, fits_service, subject) &&
	       list_holds(&m->tty, fits_tty, subject) &&
	       list_holds(&m->rhost, fits_rhost, subject);
}

/* A file nobody could read may have meant any priority: it goes first. */
static bool is_unknown(const struct bv_policy *p)
{
	return p->broken && !p->match_known;
}

static int by_order(const void *a, const void *b)
{
	const struct bv_policy *x = a;
	const struct bv_policy *y = b;

	if (is_unknown(x) != is_unknown(y))
		return is_unknown(x) ? -1 : 1;
	if (!is_unknown(x) && x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

void bv_policy_sort(struct bv_policy *policies, size_t n)
{
	if (n > 1)
		qsort(policies, n, sizeof(*policies), by_order);
}

enum bv_match_result bv_match(const struct bv_policy *policies, size_t n,
			      const struct bv_subject *subject,
			      const struct bv_policy **ret_policy)
{
	for (size_t i = 0; i < n; i++) {
		if (!bv_policy_matches(&policies[i], subject))
			continue;
		*ret_policy = &policies[i];
		return policies[i].broken ? BV_MATCH_BROKEN : BV_MATCH_POLICY;
	}
	return BV_MATCH_NONE;
}
