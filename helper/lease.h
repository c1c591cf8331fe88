/* SPDX-License-Identifier: MIT */
/*
 * Lease references to values: /etc/bvisor/secrets/<reference>, a file that root
 * alone can read or have written, in directories of which that holds too. Only
 * the reference is ever logged or kept.
 */
#ifndef BVH_LEASE_H
#define BVH_LEASE_H

#include "core/err.h"

#include <stddef.h>

#define BVH_SECRETS_DIR "/etc/bvisor/secrets"
#define BVH_LEASE_MAX   65536u /* bytes of one value */

/* The file's bytes without one newline at the end; malloc'ed, NUL-terminated.
 * bvh_lease_free() erases them. The message names the reference alone. */
int bvh_lease_resolve(const char *reference, char **ret, size_t *ret_len,
		      struct bv_err *err) BV_MUST_CHECK;
void bvh_lease_free(char *value, size_t len); /* NULL is fine */

#endif
