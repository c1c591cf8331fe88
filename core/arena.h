/* SPDX-License-Identifier: MIT */
/*
 * A capped bump allocator: everything one admission parses or derives lives in
 * one arena and dies with it. Memory is zeroed. Over the cap: NULL.
 */
#ifndef BV_CORE_ARENA_H
#define BV_CORE_ARENA_H

#include <stddef.h>

struct bv_arena_chunk;

struct bv_arena {
	struct bv_arena_chunk *head;
	size_t used_bytes;
	size_t cap_bytes;
};

void bv_arena_init(struct bv_arena *arena, size_t cap_bytes);
void bv_arena_done(struct bv_arena *arena); /* accepts a zeroed one */

/* Zeroed, aligned for any type; NULL when the cap or memory is exhausted. */
void *bv_arena_alloc(struct bv_arena *arena, size_t size);
char *bv_arena_strdup(struct bv_arena *arena, const char *s);
char *bv_arena_strndup(struct bv_arena *arena, const char *s, size_t len);
char *bv_arena_printf(struct bv_arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
