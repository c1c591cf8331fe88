/* SPDX-License-Identifier: MIT */
/* From the guardian's answer to a verified launch plan. */
#include "helper/shell/shell.h"

#include "helper/fd.h"

#include <string.h>

int bvh_shell_ask(const char *id, struct bvh_shell *s, struct bv_err *err)
{
	struct bvh_answer a = { 0 };
	bv_auto_close int sock = -1;
	bv_auto_close int memfd = -1;
	int code = bvh_shell_reach(id, &sock, err);

	if (code == BV_OK)
		code = bvh_shell_receive(sock, &a, &memfd, err);
	if (code == BV_OK && memfd < 0)
		code = bv_fail(err, BV_E_PROTO, "no launch plan came");
	if (code == BV_OK)
		code = bvh_launch_open(memfd, &a, &s->bytes, err);
	if (code != BV_OK)
		return code;
	s->len = a.len;
	code = bv_launch_decode(s->bytes, s->len, &s->plan, err);
	if (code == BV_OK &&
	    memcmp(s->plan.plan_id, a.plan_id, sizeof(a.plan_id)) != 0)
		code = bv_fail(err, BV_E_PROTO,
			       "the launch plan is of another plan");
	if (code == BV_OK && a.streams != 0)
		code = bvh_shell_streams(sock, err);
	return code;
}
