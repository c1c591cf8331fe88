/* SPDX-License-Identifier: MIT */
/* A fixture that shares with the host: two exposed paths and an outbox. */
#ifndef BV_TESTS_SHARE_FIXTURE_H
#define BV_TESTS_SHARE_FIXTURE_H

#include "tests/unit/report_fixture.h"

static const struct bv_expose_rule two[] = {
	{ "~/in/", "/mnt//x/y", 41, false, true },
	{ "/srv/pool", "/mnt/x", 42, true, false },
};

static inline void share(struct fixture *f)
{
	f->policy.expose = two;
	f->policy.expose_n = BV_LEN(two);
	f->policy.budget[BV_DIM_STORAGE] = (struct bv_budget_request){
		.stated = true, .limit = 1u << 20, .guarantee = BV_ENFORCED
	};
	f->policy.outbox = (struct bv_outbox){ .line = 50,
					       .path = "/tmp/%u",
					       .path_line = 51,
					       .commit = BV_COMMIT_DURABLE,
					       .commit_line = 52,
					       .to = "/srv/in/%U",
					       .to_line = 53,
					       .mode = 0640,
					       .files_max = 9,
					       .depth_max = 2 };
}

#endif
