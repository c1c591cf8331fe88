/* SPDX-License-Identifier: MIT */
/* [session] capture and what goes with it. */
#include "core/conf.h"
#include "core/num.h"
#include "core/policy_parse.h"

/* A recording that has no room for one screen is none. */
#define CAPTURE_LEAST 65536u

int bv_policy_set_capture(struct bv_policy_parse *p,
			  const struct bv_key_row *row,
			  const struct bv_value *value, struct bv_err *err)
{
	static const char *const names[] = { "no", "yes", "output", "all" };
	size_t i = 0;
	int code = bv_one_of(names, BV_LEN(names), value->text, &i, err);

	(void)row;
	p->policy->capture_line = value->line;
	p->policy->capture_streams = i > 0;
	p->policy->capture_input = i == 3;
	return code;
}

int bv_policy_set_capture_max(struct bv_policy_parse *p,
			      const struct bv_key_row *row,
			      const struct bv_value *value, struct bv_err *err)
{
	(void)row;
	if (bv_parse_size(value->text, &p->policy->capture_max) &&
	    p->policy->capture_max >= CAPTURE_LEAST &&
	    p->policy->capture_max <= INT64_MAX)
		return BV_OK;
	return bv_fail(err, BV_E_CONF, "'%s' is not a size of 64K or more",
		       value->text);
}

int bv_policy_set_capture_full(struct bv_policy_parse *p,
			       const struct bv_key_row *row,
			       const struct bv_value *value, struct bv_err *err)
{
	static const char *const names[] = { "end", "go-on" };
	size_t i = 0;
	int code = bv_one_of(names, BV_LEN(names), value->text, &i, err);

	(void)row;
	p->policy->capture_goes_on = i == 1;
	return code;
}

int bv_policy_check_capture(const struct bv_policy_parse *p, struct bv_err *err)
{
	static const char *const keys[] = { "capture_max", "capture_full" };

	for (size_t i = 0; i < BV_LEN(keys); i++) {
		const struct bv_key_seen *seen =
			bv_policy_seen(p, BV_SECTION_SESSION, keys[i]);

		if (seen->n > 0 && !p->policy->capture_streams)
			return bv_conf_fail(
				err, p->policy->path, seen->line,
				"[session] %s: only with capture = output or "
				"all",
				keys[i]);
	}
	return BV_OK;
}
