/* SPDX-License-Identifier: MIT */
/* What the support matrix claims, one cell a line: "kind NAME built|unbuilt" and
 * "budget NAME built|unbuilt", and what of it: the strongest enforcement. */
#include "core/support.h"

#include <stdio.h>
#include <string.h>

/* With no fact known everything is refused; what is not built says so first. */
static bool is_unbuilt(const char *missing)
{
	return strncmp(missing, "not built", strlen("not built")) == 0;
}

int main(void)
{
	struct bv_snapshot bare = { .n = 0 };
	struct bv_profile p;

	if (bv_snapshot_set(&bare, BV_FACT_BACKEND, "linux", NULL) != BV_OK)
		return 1;
	bv_profile_derive(&bare, &p);
	for (unsigned int k = 0; k < BV_KIND_N; k++) {
		enum bv_enforcement best = BV_UNSUPPORTED;

		for (unsigned int r = 0; r < BV_REQ_N; r++) {
			const struct bv_verdict *v =
				bv_support_linux((enum bv_req)r);

			if (bv_req_kind((enum bv_req)r) == (enum bv_kind)k &&
			    bv_enforcement_strength(v->enforcement) >
				    bv_enforcement_strength(best))
				best = v->enforcement;
		}
		printf("kind %s %s %s\n", bv_kind_name((enum bv_kind)k),
		       best == BV_UNSUPPORTED ? "unbuilt" : "built",
		       bv_enforcement_name(best));
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		printf("budget %s %s -\n", bv_dim_name((enum bv_dim)d),
		       is_unbuilt(p.budget[d].missing) ? "unbuilt" : "built");
	return 0;
}
