/* SPDX-License-Identifier: MIT */
/*
 * The canonical encoding, and the identities over it. One document has exactly
 * one form; a decoder that finds another one refuses it.
 *
 *  - JSON, one object (or array) and not a byte after it.
 *  - ASCII only, no blank between tokens. In strings: \" \\ \b \f \n \r \t, any
 *    other control byte and everything beyond ASCII as \uXXXX with upper-case
 *    digits (surrogate pairs above U+FFFF); '/' and DEL stand for themselves.
 *  - Members sorted by the bytes of their keys, each key once.
 *  - Integers from -2^63 to 2^63-1: no sign but '-', no leading zero, no
 *    fraction, no exponent, no -0. Nothing is ever a float.
 *  - Text stands for bytes without NUL (paths, names): a byte that is not part
 *    of well-formed UTF-8 is \xHH with lower-case digits, a backslash is
 *    doubled, both before the JSON escapes. So every text has one form too.
 *  - What has a fixed set of values is written by name, sets in the order of
 *    the set, absence as null; no member is left out because it is empty.
 *  - "schema" is a number and is raised with every change of the members or
 *    their meaning; a decoder knows its own version and no other.
 *  - At most BV_CANON_BYTES_MAX bytes, nested at most BV_CANON_DEPTH_MAX deep.
 *
 * json.h makes values in this form; shape.h takes documents apart member by
 * member. Nothing in here opens, waits or asks the clock.
 */
#ifndef BV_CORE_CANON_H
#define BV_CORE_CANON_H

#include "core/arena.h"
#include "core/err.h"

#include <jansson.h>
#include <stddef.h>

#define BV_CANON_BYTES_MAX (1024u * 1024u)
#define BV_CANON_DEPTH_MAX 16u

/* Bytes in canonical form only; the caller's to json_decref(). Anything else is
 * BV_E_PROTO, too much of it BV_E_LIMIT, with the offset of the first byte that
 * is not as it must be. (An allocation that fails within jansson's lexer shows
 * as BV_E_PROTO too: it does not tell them apart.) */
int bv_canon_load(const void *bytes, size_t len, json_t **ret,
		  struct bv_err *err) BV_MUST_CHECK;

/* The bytes that an encoded text stands for (json.h's bv_json_text backwards),
 * in arena. */
int bv_canon_text(struct bv_arena *arena, const char *encoded, const char **ret,
		  struct bv_err *err) BV_MUST_CHECK;

/*
 * What a digest is of. A policy's is what sha256sum says of its file, a plan's
 * id and a report's seal what it says of their canonical bytes (the seal: of the
 * report without its "sha256"), so that anybody can check them. What has no file
 * of its own has a domain instead: SHA-256 over domain, NUL, bytes.
 */
enum bv_identity {
	BV_IDENTITY_POLICY,
	BV_IDENTITY_PLAN,
	BV_IDENTITY_REPORT,
	BV_IDENTITY_SNAPSHOT,
	BV_IDENTITY_EVENT,
	BV_IDENTITY_N
};

/* 64 lower-case hex digits and a NUL. */
void bv_identity_hex(enum bv_identity what, const void *bytes, size_t len,
		     char ret[65]);
/* "bvisor.event.v1"; "" for those without. */
const char *bv_identity_domain(enum bv_identity what);

#endif
