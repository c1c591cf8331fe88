/* SPDX-License-Identifier: MIT */
/* Stores: memories, tables, fuel, calls from the host, traps as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "wasm/instance.h"

#define DEFAULT_PAGES      4096u
#define DEFAULT_ENTRIES    (1u << 20)
#define DEFAULT_STACK      (1u << 20)
#define DEFAULT_CALL_DEPTH 65536u

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
	return v == 0 ? otherwise : v;
}

int bw_store_new(const struct bw_store_limits *limits,
		 struct bw_store **ret_store, struct bv_err *err)
{
	static const struct bw_store_limits none;
	struct bw_store *st = calloc(1, sizeof(*st));

	if (limits == NULL)
		limits = &none;
	if (st == NULL)
		return bv_fail(err, BV_E_NOMEM, "out of memory");
	st->limits = (struct bw_store_limits){
		or_default(limits->memory_pages, DEFAULT_PAGES),
		or_default(limits->table_entries, DEFAULT_ENTRIES),
		or_default(limits->stack_slots, DEFAULT_STACK),
		or_default(limits->call_depth, DEFAULT_CALL_DEPTH),
	};
	/* Two frames are the host's own. */
	st->limits.call_depth += 2;
	/* Untouched pages cost nothing. */
	st->stack = malloc(sizeof(*st->stack) * st->limits.stack_slots);
	st->frames = malloc(sizeof(*st->frames) * st->limits.call_depth);
	if (st->stack == NULL || st->frames == NULL) {
		bw_store_free(st);
		return bv_fail(err, BV_E_NOMEM,
			       "no memory for a stack of %u slots",
			       st->limits.stack_slots);
	}
	st->halt[0].op = BW_OP_HALT;
	bw_exec_resolve(st->halt, 1);
	st->distance = bw_exec_distances();
	bw_fuel_set(st, BW_FUEL_UNLIMITED);
	*ret_store = st;
	return BV_OK;
}

void bw_store_free(struct bw_store *store)
{
	uint32_t i;

	if (store == NULL)
		return;
	while (store->instances != NULL) {
		struct bw_instance *inst = store->instances;
		const struct bw_module *m = inst->module;

		store->instances = inst->next;
		if (inst->own_memory.base != NULL)
			munmap(inst->own_memory.base, inst->own_memory.bytes);
		for (i = 0; i < m->ntables - m->nimport_tables; i++)
			if (inst->own_tables != NULL)
				free(inst->own_tables[i].v);
		free(inst->funcs);
		free(inst->own_funcs);
		free(inst->host_funcs);
		free(inst->tables);
		free(inst->own_tables);
		free(inst->globals);
		free(inst->own_globals);
		free(inst->data_dropped);
		free(inst->elem_dropped);
		free(inst);
	}
	free(store->stack);
	free(store->frames);
	free(store);
}

void bw_fuel_set(struct bw_store *store, uint64_t fuel)
{
	store->fuel_start = fuel;
	store->fuel_left = fuel;
}

uint64_t bw_fuel_left(const struct bw_store *store)
{
	return store->fuel_left;
}

uint64_t bw_fuel_used(const struct bw_store *store)
{
	return store->fuel_start - store->fuel_left;
}

bool bw_fuel_charge(struct bw_store *store, uint64_t amount)
{
	bool enough = amount <= store->fuel_left;

	store->fuel_left -= enough ? amount : store->fuel_left;
	return enough;
}

void bw_interrupt_set(struct bw_store *store, const volatile sig_atomic_t *flag)
{
	store->interrupt = flag;
}

/* --- memories ------------------------------------------------------------- */

/* mremap rather than one reservation: only what the guest has counts against
 * RLIMIT_AS. */
uint32_t bw_memory_grow(struct bw_store *st, struct bw_memory *mem,
			uint32_t pages)
{
	uint64_t before = mem->bytes / BW_PAGE_BYTES, after = before + pages;
	uint64_t most = st->limits.memory_pages;
	void *p;

	if (most > BW_MAX_PAGES)
		most = BW_MAX_PAGES;
	if (mem->type.has_max && mem->type.max < most)
		most = mem->type.max;
	if (after > most)
		return UINT32_MAX;
	if (pages == 0)
		return (uint32_t)before;
	if (mem->base == NULL)
		p = mmap(NULL, after * BW_PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		p = mremap(mem->base, mem->bytes, after * BW_PAGE_BYTES,
			   MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return UINT32_MAX;
	mem->base = p;
	mem->bytes = after * BW_PAGE_BYTES;
	return (uint32_t)before;
}

uint64_t bw_const_value(const struct bw_instance *inst,
			const struct bw_const *c)
{
	switch (c->kind) {
	case BW_CONST_VALUE:
		return c->v;
	case BW_CONST_GLOBAL:
		return inst->globals[c->v]->v;
	case BW_CONST_FUNC:
		return (uint64_t)(uintptr_t)inst->funcs[c->v];
	}
	return 0;
}

void *bw_memory_at(struct bw_instance *inst, uint64_t addr, uint64_t len)
{
	uint64_t bytes = bw_memory_bytes(inst);

	if (len > bytes || addr > bytes - len || bytes == 0)
		return NULL;
	return inst->memory->base + addr;
}

uint64_t bw_memory_bytes(const struct bw_instance *inst)
{
	return inst->memory == NULL ? 0 : inst->memory->bytes;
}

/* --- calls ---------------------------------------------------------------- */

static const struct bw_export *find_export(const struct bw_instance *inst,
					   const char *name, size_t len,
					   enum bw_kind kind)
{
	const struct bw_module *m = inst->module;
	uint32_t i;

	for (i = 0; i < m->nexports; i++) {
		const struct bw_export *e = &m->exports[i];

		if (e->kind == kind && e->name.len == len &&
		    memcmp(e->name.s, name, len) == 0)
			return e;
	}
	return NULL;
}

static void finish(struct bw_store *st, enum bw_outcome outcome,
		   uint64_t *results, enum bw_outcome *ret_outcome)
{
	const struct bw_sig *sig = st->entry->sig;

	st->state = outcome == BW_SUSPENDED ? BW_RUN_SUSPENDED : BW_RUN_IDLE;
	if (outcome == BW_DONE && sig->nresults > 0)
		memcpy(results, st->stack, sig->nresults * sizeof(*results));
	*ret_outcome = outcome;
}

enum bw_trap bw_host_trap(int status)
{
	switch (status) {
	case BW_HOST_FUEL:
		return BW_TRAP_FUEL;
	case BW_HOST_INTERRUPTED:
		return BW_TRAP_INTERRUPTED;
	default:
		return BW_TRAP_HOST;
	}
}

int bw_call_host(const struct bw_func *f, struct bw_instance *inst, uint64_t *s)
{
	uint64_t results[BW_HOST_RESULTS] = { 0 };
	uint32_t i;
	int status;

	status = f->host->fn(f->ctx, inst, s, results);
	if (status != BW_HOST_OK)
		return status;
	for (i = 0; i < f->sig->nresults; i++) {
		uint8_t type = f->sig->types[f->sig->nparams + i];

		s[i] = type == BW_I32 || type == BW_F32 ? (uint32_t)results[i]
							: results[i];
	}
	return status;
}

/* An export that is an imported host function has no code to run. */
static enum bw_outcome call_host_entry(struct bw_store *st)
{
	const struct bw_func *f = st->entry;
	uint64_t results[BW_HOST_RESULTS] = { 0 };
	int status = f->host->fn(f->ctx, f->inst, st->stack, results);

	switch (status) {
	case BW_HOST_OK:
		memcpy(st->stack, results, sizeof(results));
		return BW_DONE;
	case BW_HOST_EXIT:
		return BW_EXITED;
	default:
		st->trap.trap = bw_host_trap(status);
		return BW_TRAPPED;
	}
}

static int call_func(struct bw_store *st, const struct bw_func *f,
		     const uint64_t *args, uint64_t *results,
		     enum bw_outcome *ret_outcome, struct bv_err *err)
{
	enum bw_outcome outcome;

	if (st->state != BW_RUN_IDLE)
		return bv_fail(err, BV_E_INVAL, "the store is executing");
	if (f->sig->nparams > st->limits.stack_slots ||
	    st->limits.stack_slots < BW_HOST_RESULTS)
		return bv_fail(err, BV_E_LIMIT, "the stack is too small");
	st->trap = (struct bw_trap_info){ 0 };
	st->entry = f;
	st->state = BW_RUN_RUNNING;
	if (f->sig->nparams > 0)
		memcpy(st->stack, args, f->sig->nparams * sizeof(*args));
	outcome = f->code == NULL ? call_host_entry(st) : bw_exec(st, false);
	finish(st, outcome, results, ret_outcome);
	return BV_OK;
}

int bw_start(struct bw_instance *inst, uint32_t func,
	     enum bw_outcome *ret_outcome, struct bv_err *err)
{
	uint64_t none = 0;

	return call_func(inst->store, inst->funcs[func], &none, &none,
			 ret_outcome, err);
}

int bw_call_n(struct bw_instance *inst, const char *name, size_t name_len,
	      const uint64_t *args, uint32_t nargs, uint64_t *results,
	      uint32_t nresults, enum bw_outcome *ret_outcome,
	      struct bv_err *err)
{
	const struct bw_export *e =
		find_export(inst, name, name_len, BW_KIND_FUNC);
	const struct bw_func *f;

	if (e == NULL)
		return bv_fail(err, BV_E_INVAL, "no function exported as '%s'",
			       name);
	f = inst->funcs[e->index];
	if (f->sig->nparams != nargs || f->sig->nresults != nresults)
		return bv_fail(err, BV_E_INVAL,
			       "'%s' takes %u values and gives %u", name,
			       f->sig->nparams, f->sig->nresults);
	return call_func(inst->store, f, args, results, ret_outcome, err);
}

int bw_call(struct bw_instance *inst, const char *name, const uint64_t *args,
	    uint32_t nargs, uint64_t *results, uint32_t nresults,
	    enum bw_outcome *ret_outcome, struct bv_err *err)
{
	return bw_call_n(inst, name, strlen(name), args, nargs, results,
			 nresults, ret_outcome, err);
}

int bw_resume(struct bw_store *store, uint64_t *results, uint32_t nresults,
	      enum bw_outcome *ret_outcome, struct bv_err *err)
{
	if (store->state != BW_RUN_SUSPENDED)
		return bv_fail(err, BV_E_INVAL, "nothing is suspended");
	if (store->entry->sig->nresults != nresults)
		return bv_fail(err, BV_E_INVAL, "wrong count of results");
	store->state = BW_RUN_RUNNING;
	finish(store, bw_exec(store, true), results, ret_outcome);
	return BV_OK;
}

void bw_turns_set(struct bw_store *store, bool on)
{
	store->turns = on;
}

bool bw_turn_over(const struct bw_store *store)
{
	return store->state == BW_RUN_SUSPENDED && store->turn_over;
}

void bw_abandon(struct bw_store *store)
{
	store->state = BW_RUN_IDLE;
}

int bw_global_get(struct bw_instance *inst, const char *name,
		  uint64_t *ret_value, struct bv_err *err)
{
	const struct bw_export *e =
		find_export(inst, name, strlen(name), BW_KIND_GLOBAL);

	if (e == NULL)
		return bv_fail(err, BV_E_INVAL, "no global exported as '%s'",
			       name);
	*ret_value = inst->globals[e->index]->v;
	return BV_OK;
}

/* --- traps ---------------------------------------------------------------- */

void bw_trap_info(const struct bw_store *store, struct bw_trap_info *ret_info)
{
	*ret_info = store->trap;
	ret_info->fuel_used = bw_fuel_used(store);
}

const char *bw_trap_text(enum bw_trap trap)
{
	static const char *const text[BW_TRAP_N] = {
		[BW_TRAP_NONE] = "no trap",
		[BW_TRAP_UNREACHABLE] = "unreachable",
		[BW_TRAP_DIVIDE_BY_ZERO] = "integer divide by zero",
		[BW_TRAP_INTEGER_OVERFLOW] = "integer overflow",
		[BW_TRAP_CONVERSION] = "invalid conversion to integer",
		[BW_TRAP_MEMORY] = "out of bounds memory access",
		[BW_TRAP_TABLE] = "out of bounds table access",
		[BW_TRAP_UNDEFINED_ELEMENT] = "undefined element",
		[BW_TRAP_NULL_ELEMENT] = "uninitialized element",
		[BW_TRAP_SIGNATURE] = "indirect call type mismatch",
		[BW_TRAP_STACK] = "call stack exhausted",
		[BW_TRAP_FUEL] = "fuel exhausted",
		[BW_TRAP_INTERRUPTED] = "interrupted",
		[BW_TRAP_HOST] = "host function failed",
		[BW_TRAP_BUG] = "internal error",
	};

	return (unsigned)trap < BW_TRAP_N ? text[trap] : "unknown trap";
}

const char *bw_name_text(const struct bw_name *name, char *buf)
{
	uint32_t i, n = name->len;

	if (n > BW_NAME_TEXT - 1)
		n = BW_NAME_TEXT - 1;
	for (i = 0; i < n; i++)
		buf[i] = name->s[i] >= ' ' && name->s[i] < 0x7f ? name->s[i]
								: '?';
	buf[n] = '\0';
	return buf;
}

void bw_trap_format(const struct bw_trap_info *info, char *buf, size_t size)
{
	unsigned long long fuel = info->fuel_used;
	const struct bw_module *m = info->module;
	char text[BW_NAME_TEXT];

	if (m == NULL)
		snprintf(buf, size, "%s after %llu fuel",
			 bw_trap_text(info->trap), fuel);
	else if (bw_module_func_name(m, info->func) == NULL)
		snprintf(buf, size, "%s (func %u, +0x%x) after %llu fuel",
			 bw_trap_text(info->trap), info->func, info->offset,
			 fuel);
	else
		snprintf(buf, size,
			 "%s (func %u \"%s\", +0x%x) after %llu fuel",
			 bw_trap_text(info->trap), info->func,
			 bw_name_text(&m->func_names[info->func], text),
			 info->offset, fuel);
}
