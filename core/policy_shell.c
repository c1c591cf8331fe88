/* SPDX-License-Identifier: MIT */
/* The keys of the exec boundary that are no budget and no table. */
#include "core/policy_parse.h"

#include <string.h>

int bv_policy_set_shell(struct bv_policy_parse *p, const struct bv_key_row *row,
			const struct bv_value *value, struct bv_err *err)
{
	const char *name = strrchr(value->text, '/');

	(void)row;
	if (value->text[0] != '/' || name[1] == '\0' ||
	    strcmp(name, "/bvisor-shell") == 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is no absolute path of a shell",
			       value->text);
	p->policy->shell = value->text;
	return BV_OK;
}
