/* SPDX-License-Identifier: MIT */
/* What a record says of single denials; a part of bvisorctl why. */
#ifndef BVH_CTL_WHY_H
#define BVH_CTL_WHY_H

#include <jansson.h>
#include <stdbool.h>

/* Out of the record's observations, for the report of `why`:
 *   { "recorded": bool, "text": why not or how many,
 *     "list": [ { "right", "object", "allowed_by" or null } ] }
 * live: its report is not written yet. NULL: no memory. */
json_t *bvh_why_denials(const json_t *record, bool live);

/* The same for people. */
void bvh_why_say_denials(const json_t *denials, const char *policy);

#endif
