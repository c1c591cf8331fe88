/* SPDX-License-Identifier: MIT */
/*
 * What bvisorctl says: results on stdout as text or one JSON document, errors
 * on stderr. Names, paths and texts of others are made printable first, so
 * that none of them can write to the administrator's terminal.
 */
#ifndef BVH_CTL_OUT_H
#define BVH_CTL_OUT_H

#include "core/err.h"
#include "core/vocab.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* "bvisorctl: TEXT" on stderr. */
void bvh_ctl_error(const char *fmt, ...) BV_PRINTF(1, 2);
/* The same, with "try 'bvisorctl COMMAND --help'". Returns BVH_CTL_USAGE. */
int bvh_ctl_usage(const char *command, const char *fmt, ...) BV_PRINTF(2, 3);

/* printf to stdout; the whole text is made printable, newlines stay. */
void bvh_ctl_say(const char *fmt, ...) BV_PRINTF(1, 2);

/* The names of an evidence set, blank separated, "-" for none. */
const char *bvh_ctl_evidence(uint32_t evidence, char *ret, size_t ret_len);
/* "64 tasks", "8 h", "512 MiB": a limit as people write it. */
const char *bvh_ctl_amount(enum bv_dim dim, uint64_t v, char *ret,
			   size_t ret_len);

/* object[key] = value, taking value; -1 also when either is NULL. */
int bvh_ctl_put(json_t *object, const char *key, json_t *value);
int bvh_ctl_add(json_t *array, json_t *value);

/* Print one document and drop it. failed: it could not be built whole. Returns
 * status, or BVH_CTL_FAULT when it cannot be printed. */
int bvh_ctl_document(FILE *to, json_t *root, int failed, int status);

#endif
