/* SPDX-License-Identifier: MIT */
/*
 * Making values in the canonical encoding, whose rules are canon.h's. Text is
 * bytes here (paths, names): what is not UTF-8 is written as \xHH and a
 * backslash is doubled, so that different bytes never encode alike.
 */
#ifndef BV_CORE_JSON_H
#define BV_CORE_JSON_H

#include "core/err.h"
#include "core/snapshot.h"

#include <jansson.h>
#include <stdint.h>

/* Text for json_string(), malloc'ed; NULL: no memory. */
char *bv_json_escape(const char *text);
/* A value for bytes; NULL gives JSON null. NULL return: no memory. */
json_t *bv_json_text(const char *text);
/* NULL return: no memory, or over what JSON readers hold exactly as an
 * integer (INT64_MAX). */
json_t *bv_json_u64(uint64_t v);
/* Array of the claims' names in frozen bit order. */
json_t *bv_json_evidence(uint32_t evidence);

/* Facts by name. */
json_t *bv_json_facts(const struct bv_snapshot *snap);

/* Takes value's reference; -1 also for a NULL one (jansson passes an out of
 * memory through). key is a literal or a fact's name. */
int bv_json_put(json_t *object, const char *key, json_t *value);
/* value, or NULL and value dropped when making it failed on the way. */
json_t *bv_json_whole(json_t *value, int failed);

/* Canonical bytes, malloc'ed. Takes the reference to value, which may be NULL
 * (an out of memory on the way to it). */
int bv_json_finish(json_t *value, const char *what, char **ret_json,
		   struct bv_err *err) BV_MUST_CHECK;

#endif
