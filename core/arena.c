/* SPDX-License-Identifier: MIT */
/* The bump allocator. Chunks grow as asked; all of it is freed at once. */
#include "core/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (16u * 1024u)

struct bv_arena_chunk {
	struct bv_arena_chunk *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

void bv_arena_init(struct bv_arena *arena, size_t cap_bytes)
{
	arena->head = NULL;
	arena->used_bytes = 0;
	arena->cap_bytes = cap_bytes;
}

void bv_arena_done(struct bv_arena *arena)
{
	while (arena->head != NULL) {
		struct bv_arena_chunk *next = arena->head->next;

		free(arena->head);
		arena->head = next;
	}
	arena->used_bytes = 0;
}

static struct bv_arena_chunk *grow(struct bv_arena *arena, size_t size)
{
	size_t want = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	struct bv_arena_chunk *chunk;

	if (want > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + want);
	if (chunk == NULL)
		return NULL;
	chunk->size = want;
	chunk->next = arena->head;
	arena->head = chunk;
	return chunk;
}

void *bv_arena_alloc(struct bv_arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct bv_arena_chunk *chunk = arena->head;
	void *ret;

	if (size == 0)
		size = 1;
	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (size > arena->cap_bytes - arena->used_bytes)
		return NULL;
	if (chunk == NULL || size > chunk->size - chunk->used)
		chunk = grow(arena, size);
	if (chunk == NULL)
		return NULL;
	ret = chunk->bytes + chunk->used;
	chunk->used += size;
	arena->used_bytes += size;
	return ret;
}

char *bv_arena_strndup(struct bv_arena *arena, const char *s, size_t len)
{
	char *copy = bv_arena_alloc(arena, len + 1);

	if (copy != NULL)
		memcpy(copy, s, len); /* the rest is zero already */
	return copy;
}

char *bv_arena_strdup(struct bv_arena *arena, const char *s)
{
	return bv_arena_strndup(arena, s, strlen(s));
}

char *bv_arena_printf(struct bv_arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	text = bv_arena_alloc(arena, (size_t)n + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}
