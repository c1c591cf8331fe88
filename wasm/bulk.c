/* SPDX-License-Identifier: MIT */
/*
 * What one instruction does to any amount of memory or table. It is paid before
 * it begins and may be gigabytes: so it is done in pieces, and the interrupt
 * flag is looked at between them. An execution that ends there leaves behind
 * what is already done.
 */
#include <stdlib.h>
#include <string.h>

#include "wasm/internal.h"

#define ENTRY_BYTES   sizeof(uint64_t)
#define PIECE_ENTRIES (BW_PIECE_BYTES / (uint32_t)ENTRY_BYTES)

static uint32_t piece_of(uint32_t n)
{
	return n < PIECE_ENTRIES ? n : PIECE_ENTRIES;
}

/* --- bytes ---------------------------------------------------------------- */

/* Begins at the end where no piece overwrites what a later one reads. */
enum bw_trap bw_move_pieces(const struct bw_store *st, void *to,
			    const void *from, uint64_t n)
{
	const bool up = (uintptr_t)to <= (uintptr_t)from;
	const uint8_t *f = from;
	uint8_t *t = to;
	uint64_t done, k;

	for (done = 0; done < n; done += k) {
		uint64_t at;

		if (done > 0 && bw_interrupted(st))
			return BW_TRAP_INTERRUPTED;
		k = n - done < BW_PIECE_BYTES ? n - done : BW_PIECE_BYTES;
		at = up ? done : n - done - k;
		memmove(t + at, f + at, k);
	}
	return BW_TRAP_NONE;
}

enum bw_trap bw_fill_pieces(const struct bw_store *st, uint8_t *to, uint8_t v,
			    uint64_t n)
{
	uint64_t done, k;

	for (done = 0; done < n; done += k) {
		if (done > 0 && bw_interrupted(st))
			return BW_TRAP_INTERRUPTED;
		k = n - done < BW_PIECE_BYTES ? n - done : BW_PIECE_BYTES;
		memset(to + done, v, k);
	}
	return BW_TRAP_NONE;
}

enum bw_trap bw_memory_init(struct bw_instance *inst, uint32_t segment,
			    uint32_t to, uint32_t from, uint32_t n)
{
	const struct bw_data *d = &inst->module->datas[segment];
	uint32_t len = inst->data_dropped[segment] ? 0 : d->len;
	struct bw_memory *mem = inst->memory;

	if ((uint64_t)from + n > len || (uint64_t)to + n > mem->bytes)
		return BW_TRAP_MEMORY;
	return n == 0 ? BW_TRAP_NONE
		      : bw_move(inst->store, mem->base + to, d->bytes + from,
				n);
}

/* --- entries -------------------------------------------------------------- */

/* Half as much again: growing by one entry time after time copies little. */
static bool table_room(struct bw_table *t, uint64_t n)
{
	uint64_t cap = t->cap + t->cap / 2;
	uint64_t *p;

	if (n <= t->cap)
		return true;
	if (cap < n)
		cap = n;
	p = realloc(t->v, cap * ENTRY_BYTES);
	if (p == NULL)
		return false;
	t->v = p;
	t->cap = cap;
	return true;
}

bool bw_table_new(struct bw_store *st, struct bw_table *t)
{
	uint32_t n = t->type.range.min;

	if (n > st->limits.table_entries - st->table_entries)
		return false;
	if (n == 0)
		return true;
	t->v = calloc(n, ENTRY_BYTES);
	if (t->v == NULL)
		return false;
	t->n = n;
	t->cap = n;
	st->table_entries += n;
	return true;
}

enum bw_trap bw_table_grow(struct bw_store *st, struct bw_table *table,
			   uint32_t n, uint64_t v, uint32_t *ret_before)
{
	uint64_t after = (uint64_t)table->n + n, most = UINT32_MAX;
	uint32_t before = table->n, i, k;

	if (table->type.range.has_max)
		most = table->type.range.max;
	*ret_before = UINT32_MAX;
	if (after > most || n > st->limits.table_entries - st->table_entries ||
	    !table_room(table, after))
		return BW_TRAP_NONE;
	while (table->n < after) {
		if (table->n > before && bw_interrupted(st))
			return BW_TRAP_INTERRUPTED;
		k = piece_of((uint32_t)after - table->n);
		for (i = 0; i < k; i++)
			table->v[table->n + i] = v;
		/* Never more than is filled: calls follow what is in it. */
		table->n += k;
		st->table_entries += k;
	}
	*ret_before = before;
	return BW_TRAP_NONE;
}

enum bw_trap bw_table_init(struct bw_instance *inst, uint32_t table,
			   uint32_t segment, uint32_t to, uint32_t from,
			   uint32_t n)
{
	const struct bw_elem *e = &inst->module->elems[segment];
	uint32_t len = inst->elem_dropped[segment] ? 0 : e->n;
	struct bw_table *t = inst->tables[table];
	uint32_t i;

	if ((uint64_t)from + n > len || (uint64_t)to + n > t->n)
		return BW_TRAP_TABLE;
	for (i = 0; i < n; i++) {
		if (i > 0 && i % PIECE_ENTRIES == 0 &&
		    bw_interrupted(inst->store))
			return BW_TRAP_INTERRUPTED;
		t->v[to + i] = bw_const_value(inst, &e->items[from + i]);
	}
	return BW_TRAP_NONE;
}

enum bw_trap bw_table_copy(const struct bw_store *st, struct bw_table *to_table,
			   const struct bw_table *from_table, uint32_t to,
			   uint32_t from, uint32_t n)
{
	if ((uint64_t)from + n > from_table->n ||
	    (uint64_t)to + n > to_table->n)
		return BW_TRAP_TABLE;
	return n == 0 ? BW_TRAP_NONE
		      : bw_move(st, to_table->v + to, from_table->v + from,
				n * ENTRY_BYTES);
}

enum bw_trap bw_table_fill(const struct bw_store *st, struct bw_table *table,
			   uint32_t at, uint64_t v, uint32_t n)
{
	uint32_t i, done, k;

	if ((uint64_t)at + n > table->n)
		return BW_TRAP_TABLE;
	for (done = 0; done < n; done += k) {
		if (done > 0 && bw_interrupted(st))
			return BW_TRAP_INTERRUPTED;
		k = piece_of(n - done);
		for (i = 0; i < k; i++)
			table->v[at + done + i] = v;
	}
	return BW_TRAP_NONE;
}
