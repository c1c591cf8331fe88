/* SPDX-License-Identifier: MIT */
/* What one instruction does to much: what it costs, that it is all done, and
 * that an interruption is heard before it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/internal.h"

#define BYTES         (640u * BW_PAGE_BYTES) /* two pieces and a half */
#define ENTRIES       5000000u
#define PIECE_ENTRIES (BW_PIECE_BYTES / 8)

/* (memory 640) (table 5000000 funcref)
 * each (param i32) (result i32), of so many bytes or entries:
 * f: memory.fill 0 with 7; u, d: memory.copy 0 to 1, 1 to 0;
 * F: table.fill 0 with f; C: table.copy 0 to 1; g: table.grow with f;
 * s: table.size, of none */
static const uint8_t bulk[] = {
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60,
	0x01, 0x7f, 0x01, 0x7f, 0x03, 0x08, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x04, 0x07, 0x01, 0x70, 0x00, 0xc0, 0x96, 0xb1, 0x02, 0x05,
	0x04, 0x01, 0x00, 0x80, 0x05, 0x07, 0x1d, 0x07, 0x01, 0x66, 0x00, 0x00,
	0x01, 0x75, 0x00, 0x01, 0x01, 0x64, 0x00, 0x02, 0x01, 0x46, 0x00, 0x03,
	0x01, 0x43, 0x00, 0x04, 0x01, 0x67, 0x00, 0x05, 0x01, 0x73, 0x00, 0x06,
	0x0a, 0x5a, 0x07, 0x0d, 0x00, 0x41, 0x00, 0x41, 0x07, 0x20, 0x00, 0xfc,
	0x0b, 0x00, 0x41, 0x00, 0x0b, 0x0e, 0x00, 0x41, 0x01, 0x41, 0x00, 0x20,
	0x00, 0xfc, 0x0a, 0x00, 0x00, 0x41, 0x00, 0x0b, 0x0e, 0x00, 0x41, 0x00,
	0x41, 0x01, 0x20, 0x00, 0xfc, 0x0a, 0x00, 0x00, 0x41, 0x00, 0x0b, 0x0d,
	0x00, 0x41, 0x00, 0xd2, 0x00, 0x20, 0x00, 0xfc, 0x11, 0x00, 0x41, 0x00,
	0x0b, 0x0e, 0x00, 0x41, 0x01, 0x41, 0x00, 0x20, 0x00, 0xfc, 0x0e, 0x00,
	0x00, 0x41, 0x00, 0x0b, 0x09, 0x00, 0xd2, 0x00, 0x20, 0x00, 0xfc, 0x0f,
	0x00, 0x0b, 0x05, 0x00, 0xfc, 0x10, 0x00, 0x0b,
};

/* Parts of: (memory 640) (table 5000000 funcref)
 * m: memory.init 0 from 0; t: table.init 0 from 0 */
static const uint8_t init_head[] = {
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60,
	0x01, 0x7f, 0x01, 0x7f, 0x03, 0x03, 0x02, 0x00, 0x00, 0x04, 0x07, 0x01,
	0x70, 0x00, 0xc0, 0x96, 0xb1, 0x02, 0x05, 0x04, 0x01, 0x00, 0x80, 0x05,
	0x07, 0x09, 0x02, 0x01, 0x6d, 0x00, 0x00, 0x01, 0x74, 0x00, 0x01,
};
static const uint8_t init_code[] = {
	0x0c, 0x01, 0x01, 0x0a, 0x1f, 0x02, 0x0e, 0x00, 0x41, 0x00, 0x41, 0x00,
	0x20, 0x00, 0xfc, 0x08, 0x00, 0x00, 0x41, 0x00, 0x0b, 0x0e, 0x00, 0x41,
	0x00, 0x41, 0x00, 0x20, 0x00, 0xfc, 0x0c, 0x00, 0x00, 0x41, 0x00, 0x0b,
};

/* $v: 17 constants, 17 results. Each (param i32) (result i32), ends with 16
 * drops and moves the 17 down by one, with 9 and (call $v) in a block of its
 * type: b: br 0; i: br_if 0 of the parameter, unreachable; t: br_table 0 1 of
 * the parameter in two such blocks. */
static const uint8_t moves[] = {
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x1a, 0x02, 0x60,
	0x00, 0x11, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f,
	0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x60, 0x01, 0x7f, 0x01, 0x7f,
	0x03, 0x05, 0x04, 0x00, 0x01, 0x01, 0x01, 0x07, 0x0d, 0x03, 0x01, 0x62,
	0x00, 0x01, 0x01, 0x69, 0x00, 0x02, 0x01, 0x74, 0x00, 0x03, 0x0a, 0x84,
	0x01, 0x04, 0x24, 0x00, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01,
	0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01,
	0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01, 0x41, 0x01,
	0x41, 0x01, 0x0b, 0x1b, 0x00, 0x02, 0x00, 0x41, 0x09, 0x10, 0x00, 0x0c,
	0x00, 0x0b, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a,
	0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x0b, 0x1e, 0x00, 0x02, 0x00, 0x41,
	0x09, 0x10, 0x00, 0x20, 0x00, 0x0d, 0x00, 0x00, 0x0b, 0x1a, 0x1a, 0x1a,
	0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a,
	0x1a, 0x0b, 0x22, 0x00, 0x02, 0x00, 0x02, 0x00, 0x41, 0x09, 0x10, 0x00,
	0x20, 0x00, 0x0e, 0x01, 0x00, 0x01, 0x0b, 0x0b, 0x1a, 0x1a, 0x1a, 0x1a,
	0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a, 0x1a,
	0x0b,
};

struct world {
	struct bw_module *module;
	struct bw_store *store;
	struct bw_instance *inst;
	volatile sig_atomic_t flag;
};

static void open_world(struct world *w, const uint8_t *bytes, size_t len)
{
	static const struct bw_store_limits limits = { .table_entries = 16u
									<< 20 };
	struct bv_err err = { 0 };

	*w = (struct world){ 0 };
	if (bw_module_load(bytes, len, NULL, &w->module, &err) != BV_OK ||
	    bw_store_new(&limits, &w->store, &err) != BV_OK ||
	    bw_instance_new(w->store, w->module, NULL, &w->inst, &err) != BV_OK)
		fail_msg("%s", err.msg);
	bw_interrupt_set(w->store, &w->flag);
}

static void close_world(struct world *w)
{
	bw_store_free(w->store);
	bw_module_free(w->module);
}

static uint64_t call(struct world *w, const char *name, uint64_t n)
{
	enum bw_outcome outcome = BW_TRAPPED;
	uint64_t out = 99;

	assert_int_equal(bw_call(w->inst, name, &n, 1, &out, 1, &outcome, NULL),
			 BV_OK);
	assert_int_equal(outcome, BW_DONE);
	return out;
}

/* The flag is set from the beginning. The fuel of all of it is less than a
 * slice: between its pieces alone is it looked at. */
static void interrupted(struct world *w, const char *name, uint64_t n)
{
	enum bw_outcome outcome = BW_DONE;
	struct bw_trap_info info;
	uint64_t out;

	w->flag = 1;
	assert_int_equal(bw_call(w->inst, name, &n, 1, &out, 1, &outcome, NULL),
			 BV_OK);
	assert_int_equal(outcome, BW_TRAPPED);
	bw_trap_info(w->store, &info);
	assert_int_equal(info.trap, BW_TRAP_INTERRUPTED);
	w->flag = 0;
}

static void test_bulk_memory__interrupted__between_pieces(void **state)
{
	struct world w;
	uint8_t *mem;

	(void)state;
	open_world(&w, bulk, sizeof(bulk));
	mem = bw_memory_at(w.inst, 0, BYTES);
	interrupted(&w, "f", BYTES);
	assert_int_equal(mem[BW_PIECE_BYTES - 1], 7);
	assert_int_equal(mem[BW_PIECE_BYTES], 0);
	interrupted(&w, "u", BYTES - 1);
	interrupted(&w, "d", BYTES - 1);
	/* What is one piece is not ended by it. */
	w.flag = 1;
	call(&w, "f", BW_PIECE_BYTES);
	call(&w, "u", BW_PIECE_BYTES);
	close_world(&w);
}

static void test_bulk_memory__pieces__all_of_it(void **state)
{
	uint8_t *mem, *want = malloc(BYTES);
	struct world w;
	uint32_t i;

	(void)state;
	open_world(&w, bulk, sizeof(bulk));
	mem = bw_memory_at(w.inst, 0, BYTES);
	for (i = 0; i < BYTES; i++)
		mem[i] = (uint8_t)(i * 2654435761u >> 24);
	memcpy(want, mem, BYTES);
	call(&w, "u", BYTES - 1);
	memmove(want + 1, want, BYTES - 1);
	assert_int_equal(memcmp(mem, want, BYTES), 0);
	call(&w, "d", BYTES - 1);
	memmove(want, want + 1, BYTES - 1);
	assert_int_equal(memcmp(mem, want, BYTES), 0);
	call(&w, "f", BYTES - 1);
	memset(want, 7, BYTES - 1);
	assert_int_equal(memcmp(mem, want, BYTES), 0);
	close_world(&w);
	free(want);
}

static void test_bulk_table__interrupted__between_pieces(void **state)
{
	const struct bw_table *t;
	struct world w;
	uint32_t i;

	(void)state;
	open_world(&w, bulk, sizeof(bulk));
	t = w.inst->tables[0];
	interrupted(&w, "F", ENTRIES);
	assert_true(t->v[PIECE_ENTRIES - 1] != 0);
	assert_true(t->v[PIECE_ENTRIES] == 0);
	interrupted(&w, "C", ENTRIES - 1);
	interrupted(&w, "g", 2 * PIECE_ENTRIES + 1);
	/* What it has grown by is filled, and counts; the rest is not there. */
	assert_int_equal(call(&w, "s", 0), ENTRIES + PIECE_ENTRIES);
	for (i = ENTRIES; i < t->n; i++)
		assert_true(t->v[i] == t->v[0]);
	assert_int_equal(w.store->table_entries, t->n);
	assert_int_equal(call(&w, "g", (16u << 20) - t->n + 1), UINT32_MAX);
	call(&w, "F", ENTRIES);
	call(&w, "C", ENTRIES - 1);
	for (i = 0; i < ENTRIES; i++)
		assert_true(t->v[i] == t->v[ENTRIES]);
	assert_int_equal(call(&w, "g", 2 * PIECE_ENTRIES + 1),
			 ENTRIES + PIECE_ENTRIES);
	close_world(&w);
}

/* By one entry again and again: each time it would be copied, for one fuel. */
static void test_bulk_table__grown_by_one__has_room(void **state)
{
	const struct bw_table *t;
	struct world w;
	uint32_t i, moved = 0;

	(void)state;
	open_world(&w, bulk, sizeof(bulk));
	t = w.inst->tables[0];
	for (i = 0; i < 10000; i++) {
		uint64_t cap = t->cap;

		assert_int_equal(call(&w, "g", 1), ENTRIES + i);
		moved += t->cap != cap;
	}
	assert_int_equal(moved, 1);
	close_world(&w);
}

static size_t leb(uint8_t *to, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		to[i] = (uint8_t)(0x80 | (v >> 7 * i & 0x7f));
	to[4] = (uint8_t)(v >> 28);
	return 5;
}

/* A passive segment each of all that memory and table hold. */
static size_t init_module(uint8_t *b)
{
	size_t n = sizeof(init_head);

	memcpy(b, init_head, n);
	b[n++] = 9;
	n += leb(b + n, 3 + 5 + ENTRIES);
	memcpy(b + n, "\1\1\0", 3);
	n += 3;
	n += leb(b + n, ENTRIES);
	memset(b + n, 0, ENTRIES);
	n += ENTRIES;
	memcpy(b + n, init_code, sizeof(init_code));
	n += sizeof(init_code);
	b[n++] = 11;
	n += leb(b + n, 2 + 5 + BYTES);
	memcpy(b + n, "\1\1", 2);
	n += 2;
	n += leb(b + n, BYTES);
	memset(b + n, 'x', BYTES);
	return n + BYTES;
}

static void test_bulk_init__pieces__interrupted_or_all_of_it(void **state)
{
	uint8_t *bytes = malloc(BYTES + ENTRIES + 1024), *mem;
	const struct bw_table *t;
	struct world w;

	(void)state;
	open_world(&w, bytes, init_module(bytes));
	free(bytes);
	mem = bw_memory_at(w.inst, 0, BYTES);
	t = w.inst->tables[0];
	interrupted(&w, "m", BYTES);
	assert_int_equal(mem[BW_PIECE_BYTES - 1], 'x');
	assert_int_equal(mem[BW_PIECE_BYTES], 0);
	interrupted(&w, "t", ENTRIES);
	assert_true(t->v[PIECE_ENTRIES - 1] != 0);
	assert_true(t->v[PIECE_ENTRIES] == 0);
	call(&w, "m", BYTES);
	assert_int_equal(mem[BYTES - 1], 'x');
	call(&w, "t", ENTRIES);
	assert_true(t->v[ENTRIES - 1] != 0);
	close_world(&w);
}

static uint64_t price(struct world *w, const char *name, uint64_t arg)
{
	bw_fuel_set(w->store, 1000);
	assert_int_equal(call(w, name, arg), 1);
	return bw_fuel_used(w->store);
}

/* One more per 16 values that a branch or a return moves, however many labels
 * a table of branches has. $v: 17 constants and its return, 16 drops. */
static void test_bulk_values__branch_and_return__paid(void **state)
{
	const unsigned rest = 17 + 1 + 16;
	struct world w;

	(void)state;
	open_world(&w, moves, sizeof(moves));
	assert_int_equal(price(&w, "b", 0), rest + 4 + 1);
	assert_int_equal(price(&w, "i", 1), rest + 6 + 1);
	assert_int_equal(price(&w, "t", 0), rest + 6 + 1);
	assert_int_equal(price(&w, "t", 1), rest + 6 + 1);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_memory__interrupted__between_pieces),
		cmocka_unit_test(test_bulk_memory__pieces__all_of_it),
		cmocka_unit_test(test_bulk_table__interrupted__between_pieces),
		cmocka_unit_test(test_bulk_table__grown_by_one__has_room),
		cmocka_unit_test(
			test_bulk_init__pieces__interrupted_or_all_of_it),
		cmocka_unit_test(test_bulk_values__branch_and_return__paid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
