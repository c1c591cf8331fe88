/* SPDX-License-Identifier: MIT */
/* What bvisorctl explain says of the paths a session shares with the host. */
#ifndef BVH_CTL_SHARE_H
#define BVH_CTL_SHARE_H

#include "core/spec.h"

void bvh_ctl_say_shared(const struct bv_spec *spec);

#endif
