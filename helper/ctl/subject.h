/* SPDX-License-Identifier: MIT */
/* Whom an explanation is about, as lines and as JSON. */
#ifndef BVH_CTL_SUBJECT_H
#define BVH_CTL_SUBJECT_H

#include "core/match.h"
#include "core/policy.h"

#include <jansson.h>

void bvh_ctl_say_subject(const struct bv_subject *s);
json_t *bvh_ctl_subject_json(const struct bv_subject *s, int *failed);
json_t *bvh_ctl_policy_json(const struct bv_policy *p, int *failed);

#endif
