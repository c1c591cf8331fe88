/* SPDX-License-Identifier: MIT */
/* "denied: fs.read_file /srv/x" of a report, and the line that would allow it. */
#include "helper/ctl/why.h"

#include <stdio.h>
#include <string.h>

#include "core/audit.h"
#include "helper/ctl/out.h"

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

/* The detail of the first observation of that kind, or NULL. */
static const char *observed(const json_t *record, const char *kind)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(record, "observed"), i, row)
	{
		if (strcmp(text_of(row, "kind"), kind) == 0)
			return text_of(row, "detail");
	}
	return NULL;
}

static int add_one(json_t *list, const char *detail)
{
	const char *space = strchr(detail, ' ');
	const char *object = space == NULL ? "" : space + 1;
	char right[64], line[512];
	const char *remedy;
	json_t *o = json_object();
	int failed = 0;

	snprintf(right, sizeof(right), "%.*s",
		 space == NULL ? (int)strlen(detail) : (int)(space - detail),
		 detail);
	remedy = bv_audit_remedy(right, object, line, sizeof(line));
	failed |= bvh_ctl_put(o, "right", json_string(right));
	failed |= bvh_ctl_put(o, "object", json_string(object));
	failed |=
		bvh_ctl_put(o, "allowed_by",
			    remedy == NULL ? json_null() : json_string(remedy));
	return failed | bvh_ctl_add(list, o);
}

json_t *bvh_why_denials(const json_t *record, bool live)
{
	const char *count = observed(record, "denials_recorded");
	const char *reason = observed(record, "denials_unrecorded");
	json_t *all = json_object();
	json_t *list = json_array();
	const json_t *row;
	int failed = 0;
	size_t i;

	json_array_foreach(json_object_get(record, "observed"), i, row)
	{
		if (strcmp(text_of(row, "kind"), "denied") == 0)
			failed |= add_one(list, text_of(row, "detail"));
	}
	if (count == NULL && reason == NULL)
		reason = live ? "they come with its report, at its end"
			      : "its guardian did not say why";
	failed |= bvh_ctl_put(all, "recorded", json_boolean(count != NULL));
	failed |= bvh_ctl_put(all, "text",
			      json_string(count != NULL ? count : reason));
	failed |= bvh_ctl_put(all, "list", list);
	if (failed == 0)
		return all;
	json_decref(all);
	return NULL;
}

void bvh_why_say_denials(const json_t *denials, const char *policy)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(denials, "list"), i, row)
	{
		const char *allowed_by = text_of(row, "allowed_by");

		bvh_ctl_say("  denied: %s %s\n", text_of(row, "right"),
			    text_of(row, "object"));
		if (allowed_by[0] != '\0')
			bvh_ctl_say("    '%s' in policies/%s.conf would allow "
				    "it\n",
				    allowed_by, policy);
		else
			bvh_ctl_say("    no line of a policy allows that\n");
	}
	if (json_is_true(json_object_get(denials, "recorded")))
		bvh_ctl_say("  denials of Landlock: %s; those of other calls "
			    "are not recorded\n",
			    text_of(denials, "text"));
	else
		bvh_ctl_say("  single denials of paths, addresses and system "
			    "calls are not recorded: %s; what is granted "
			    "stands in the policy, and 'bvisorctl explain' "
			    "shows it\n",
			    text_of(denials, "text"));
}
