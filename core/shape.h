/* SPDX-License-Identifier: MIT */
/*
 * Documents taken apart by tables: one row says a member's key, its type, its
 * bounds and where it goes. Every member must be there and nothing else; what is
 * wrong is named by its path: "plan: admitted[3].kind: unknown 'X'". A new
 * member is a new row.
 */
#ifndef BV_CORE_SHAPE_H
#define BV_CORE_SHAPE_H

#include "core/canon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bv_shape_type {
	BV_SHAPE_SCHEMA, /* exactly hi; nothing is stored. Comes first */
	BV_SHAPE_BOOL,   /* bool */
	BV_SHAPE_U64,    /* uint64_t, lo..hi */
	BV_SHAPE_TEXT,   /* const char *, bytes, lo..hi of them */
	BV_SHAPE_HEX,    /* const char *, hi lower-case hex digits */
	BV_SHAPE_NAME,   /* an enum, by a name of the set */
	BV_SHAPE_NAMES,  /* uint32_t: bits of a set, in the set's order */
	BV_SHAPE_OBJECT, /* a struct in place, by `of` */
	BV_SHAPE_LIST,   /* struct bv_shape_list of at most hi structs `of` */
	BV_SHAPE_TEXTS,  /* struct bv_shape_list of at most hi const char * */
	BV_SHAPE_FACTS,  /* struct bv_snapshot */
};

/* flags */
#define BV_SHAPE_NULL     0x1u /* null: left at 0 and, with `has`, *has false */
#define BV_SHAPE_OPTIONAL 0x2u /* may be missing: left at 0 */

/* A closed set of names; value i is called name(i). */
struct bv_shape_set {
	const char *(*name)(unsigned int value);
	unsigned int n;
};

/* A view declares its lists as struct { const struct x *v; size_t n; }. */
struct bv_shape_list {
	const void *v;
	size_t n;
};

#define BV_SHAPE_NO_HAS SIZE_MAX

struct bv_shape_row {
	const char *key;
	enum bv_shape_type type;
	uint32_t flags;
	size_t offset;
	size_t has; /* of a bool that says "not null"; or BV_SHAPE_NO_HAS */
	uint64_t lo, hi;
	const struct bv_shape_set *set;
	const struct bv_shape *of;
};

/* Where the decoder stands, and for whom. */
struct bv_shape_at {
	struct bv_arena *arena;
	const char *what; /* "plan" */
	char path[128];   /* "admitted[3]." */
	struct bv_err *err;
};

struct bv_shape {
	const struct bv_shape_row *row;
	size_t row_n;
	size_t size; /* of the struct */
	/* What no row can say, once all rows hold; or NULL. */
	int (*check)(struct bv_shape_at *at, const void *decoded);
};

/* Rows and shapes: key, struct, member, bounds. */
#define BV_SHAPE_ROW(k, type, flags, s, m, has, lo, hi, set, of)               \
	{                                                                      \
		k, type, flags, offsetof(struct s, m), has, lo, hi, set, of    \
	}
#define BV_ROW_SCHEMA(version)                                                 \
	{                                                                      \
		"schema", BV_SHAPE_SCHEMA, 0, 0, BV_SHAPE_NO_HAS, 0, version,  \
			NULL, NULL                                             \
	}
#define BV_ROW_BOOL(k, s, m)                                                   \
	BV_SHAPE_ROW(k, BV_SHAPE_BOOL, 0, s, m, BV_SHAPE_NO_HAS, 0, 0, NULL,   \
		     NULL)
#define BV_ROW_BOOL_OPTIONAL(k, s, m, h)                                       \
	BV_SHAPE_ROW(k, BV_SHAPE_BOOL, BV_SHAPE_OPTIONAL, s, m,                \
		     offsetof(struct s, h), 0, 0, NULL, NULL)
#define BV_ROW_U64(k, s, m, hi)                                                \
	BV_SHAPE_ROW(k, BV_SHAPE_U64, 0, s, m, BV_SHAPE_NO_HAS, 0, hi, NULL,   \
		     NULL)
#define BV_ROW_U64_NULL(k, s, m, h)                                            \
	BV_SHAPE_ROW(k, BV_SHAPE_U64, BV_SHAPE_NULL, s, m,                     \
		     offsetof(struct s, h), 0, INT64_MAX, NULL, NULL)
#define BV_ROW_TEXT(k, s, m, lo, hi)                                           \
	BV_SHAPE_ROW(k, BV_SHAPE_TEXT, 0, s, m, BV_SHAPE_NO_HAS, lo, hi, NULL, \
		     NULL)
#define BV_ROW_TEXT_FLAG(k, flag, s, m, lo, hi)                                \
	BV_SHAPE_ROW(k, BV_SHAPE_TEXT, flag, s, m, BV_SHAPE_NO_HAS, lo, hi,    \
		     NULL, NULL)
#define BV_ROW_HEX(k, flag, s, m, n)                                           \
	BV_SHAPE_ROW(k, BV_SHAPE_HEX, flag, s, m, BV_SHAPE_NO_HAS, 0, n, NULL, \
		     NULL)
#define BV_ROW_NAME(k, s, m, set)                                              \
	BV_SHAPE_ROW(k, BV_SHAPE_NAME, 0, s, m, BV_SHAPE_NO_HAS, 0, 0, set,    \
		     NULL)
#define BV_ROW_NAME_NULL(k, s, m, h, set)                                      \
	BV_SHAPE_ROW(k, BV_SHAPE_NAME, BV_SHAPE_NULL, s, m,                    \
		     offsetof(struct s, h), 0, 0, set, NULL)
#define BV_ROW_TEXTS(k, s, m, max)                                             \
	BV_SHAPE_ROW(k, BV_SHAPE_TEXTS, 0, s, m, BV_SHAPE_NO_HAS, 0, max,      \
		     NULL, NULL)
#define BV_ROW_NAMES(k, s, m, set)                                             \
	BV_SHAPE_ROW(k, BV_SHAPE_NAMES, 0, s, m, BV_SHAPE_NO_HAS, 0, 0, set,   \
		     NULL)
#define BV_ROW_OBJECT(k, s, m, of)                                             \
	BV_SHAPE_ROW(k, BV_SHAPE_OBJECT, 0, s, m, BV_SHAPE_NO_HAS, 0, 0, NULL, \
		     of)
#define BV_ROW_OBJECT_NULL(k, s, m, h, of)                                     \
	BV_SHAPE_ROW(k, BV_SHAPE_OBJECT, BV_SHAPE_NULL, s, m,                  \
		     offsetof(struct s, h), 0, 0, NULL, of)
#define BV_ROW_LIST(k, s, m, max, of)                                          \
	BV_SHAPE_ROW(k, BV_SHAPE_LIST, 0, s, m, BV_SHAPE_NO_HAS, 0, max, NULL, \
		     of)
#define BV_ROW_LIST_NULL(k, s, m, h, max, of)                                  \
	BV_SHAPE_ROW(k, BV_SHAPE_LIST, BV_SHAPE_NULL, s, m,                    \
		     offsetof(struct s, h), 0, max, NULL, of)
#define BV_ROW_FACTS(k, s, m)                                                  \
	BV_SHAPE_ROW(k, BV_SHAPE_FACTS, 0, s, m, BV_SHAPE_NO_HAS, 0, 0, NULL,  \
		     NULL)
#define BV_SHAPE(name, rows, s, fn)                                            \
	static const struct bv_shape name = { rows, BV_LEN(rows),              \
					      sizeof(struct s), fn }

/* BV_E_PROTO, "plan: admitted[3].kind: unknown 'X'". key may be "". */
int bv_shape_fail(struct bv_shape_at *at, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* object's members into *ret, which is zeroed before. */
int bv_shape_decode(struct bv_shape_at *at, const struct bv_shape *shape,
		    json_t *object, void *ret) BV_MUST_CHECK;

/* Canonical bytes of a document of that shape. */
int bv_shape_load(struct bv_arena *arena, const char *what,
		  const struct bv_shape *shape, const void *bytes, size_t len,
		  void *ret, struct bv_err *err) BV_MUST_CHECK;

/* Sets that more than one document has. */
extern const struct bv_shape_set bv_shape_kinds, bv_shape_reqs,
	bv_shape_enforcements, bv_shape_evidence, bv_shape_dims,
	bv_shape_findings, bv_shape_outcomes;

#endif
