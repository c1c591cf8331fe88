/* SPDX-License-Identifier: MIT */
/* The bump allocator: zeroed, aligned, bounded; every way to say no. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "core/arena.h"

/* What does not fit into memory is answered with NULL under the sanitizer as
 * it is without. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_alloc__zeroed_aligned_apart(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 1000, 1, 0, 0, 3 };
	const size_t n = sizeof(sizes) / sizeof(sizes[0]);
	unsigned char *got[sizeof(sizes) / sizeof(sizes[0])];
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < n; i++) {
		got[i] = bv_arena_alloc(&arena, sizes[i]);
		assert_non_null(got[i]);
		assert_int_equal((uintptr_t)got[i] % alignof(max_align_t), 0);
		for (size_t b = 0; b < sizes[i]; b++)
			assert_int_equal(got[i][b], 0);
		memset(got[i], (int)(i + 1), sizes[i]);
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t b = 0; b < sizes[i]; b++)
			assert_int_equal(got[i][b], i + 1);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(got[i], got[j]);
	}
	bv_arena_done(&arena);
}

/* The cap counts what is handed out, rounded up; the last byte of it can be
 * had and the next cannot. */
static void test_alloc__cap_to_the_byte(void **state)
{
	const size_t step = alignof(max_align_t);
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 4 * step);
	assert_non_null(bv_arena_alloc(&arena, 2 * step));
	assert_null(bv_arena_alloc(&arena, 2 * step + 1));
	assert_int_equal(arena.used_bytes, 2 * step);
	assert_non_null(bv_arena_alloc(&arena, step + 1));
	assert_int_equal(arena.used_bytes, 4 * step);
	assert_null(bv_arena_alloc(&arena, 1));
	assert_null(bv_arena_alloc(&arena, 0));
	bv_arena_done(&arena);
	assert_int_equal(arena.used_bytes, 0);
	assert_null(arena.head);
	assert_non_null(bv_arena_alloc(&arena, 4 * step));
	bv_arena_done(&arena);
}

static void test_alloc__larger_than_a_chunk(void **state)
{
	const size_t size = 100000;
	struct bv_arena arena;
	unsigned char *before, *big, *after;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	before = bv_arena_alloc(&arena, 16);
	big = bv_arena_alloc(&arena, size);
	after = bv_arena_alloc(&arena, 16);
	assert_true(before && big && after);
	memset(before, 1, 16);
	memset(big, 2, size);
	memset(after, 3, 16);
	assert_int_equal(before[15], 1);
	assert_int_equal(big[0], 2);
	assert_int_equal(big[size - 1], 2);
	assert_int_equal(after[0], 3);
	bv_arena_done(&arena);
}

/* Chunk after chunk: the sanitizers look at every byte. */
static void test_alloc__many(void **state)
{
	unsigned char *got[3000];
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < 3000; i++) {
		got[i] = bv_arena_alloc(&arena, i % 300 + 1);
		assert_non_null(got[i]);
		memset(got[i], (int)(i % 251), i % 300 + 1);
	}
	for (size_t i = 0; i < 3000; i++) {
		assert_int_equal(got[i][0], i % 251);
		assert_int_equal(got[i][i % 300], i % 251);
	}
	bv_arena_done(&arena);
}

static void test_alloc__no_memory__null_and_nothing_lost(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX,      SIZE_MAX - 1,  SIZE_MAX - 15,
		SIZE_MAX - 16, SIZE_MAX - 31, SIZE_MAX / 4,
	};
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_null(bv_arena_alloc(&arena, sizes[i]));
	assert_int_equal(arena.used_bytes, 0);
	assert_non_null(bv_arena_alloc(&arena, 8));
	assert_null(bv_arena_strndup(&arena, "x", SIZE_MAX - 32));
	bv_arena_done(&arena);
}

static void test_text__copies(void **state)
{
	struct bv_arena arena;
	char source[] = "abcdef";
	char *copy, *part, *made;

	(void)state;
	bv_arena_init(&arena, 4096);
	copy = bv_arena_strdup(&arena, source);
	part = bv_arena_strndup(&arena, source, 3);
	made = bv_arena_printf(&arena, "%s-%d", source, 42);
	memset(source, 'x', sizeof(source) - 1);
	assert_string_equal(copy, "abcdef");
	assert_string_equal(part, "abc");
	assert_string_equal(made, "abcdef-42");
	assert_string_equal(bv_arena_strdup(&arena, ""), "");
	assert_string_equal(bv_arena_printf(&arena, "%s", ""), "");
	bv_arena_done(&arena);
}

static void test_text__no_room__null(void **state)
{
	const wint_t no_character = 0xd800;
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 16);
	assert_null(bv_arena_strdup(&arena, "sixteen bytes ..."));
	assert_null(bv_arena_printf(&arena, "%s", "sixteen bytes ..."));
	/* What the C library cannot write is no text either. */
	assert_null(bv_arena_printf(&arena, "%lc", no_character));
	assert_string_equal(bv_arena_strdup(&arena, "fifteen bytes ."),
			    "fifteen bytes .");
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc__zeroed_aligned_apart),
		cmocka_unit_test(test_alloc__cap_to_the_byte),
		cmocka_unit_test(test_alloc__larger_than_a_chunk),
		cmocka_unit_test(test_alloc__many),
		cmocka_unit_test(test_alloc__no_memory__null_and_nothing_lost),
		cmocka_unit_test(test_text__copies),
		cmocka_unit_test(test_text__no_room__null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
