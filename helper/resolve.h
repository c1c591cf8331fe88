/* SPDX-License-Identifier: MIT */
/*
 * The names of an allow list, looked up once, as the machine looks up any name
 * (nsswitch.conf, so /etc/hosts as well). getaddrinfo(3) knows no deadline and
 * runs whatever modules the machine has: each name is asked for in a process of
 * its own, all at once, and who has not answered in time is killed.
 */
#ifndef BVH_RESOLVE_H
#define BVH_RESOLVE_H

#include "core/spec.h"

#define BVH_RESOLVE_MS 1000 /* for all names together */

/* Pin the names of an allow list; other specs are left as they are. BV_E_CONF
 * with file:line when a name has no address, or too many, or no answer came. */
int bvh_resolve_spec(struct bv_arena *arena, struct bv_spec *spec,
		     struct bv_err *err) BV_MUST_CHECK;

#endif
