/* SPDX-License-Identifier: MIT */
/* The peers of an allow list, as a login would have them now. */
#ifndef BVH_CTL_PEERS_H
#define BVH_CTL_PEERS_H

#include "core/spec.h"

/* A paragraph of its own; nothing where there is no list. */
void bvh_ctl_say_peers(const struct bv_spec *spec);

#endif
