/* SPDX-License-Identifier: MIT */
/*
 * What a module becomes and what runs it. Private to wasm/ and its tests.
 * Everything of a module lives in its arena and is constant after loading.
 */
#ifndef BV_WASM_INTERNAL_H
#define BV_WASM_INTERNAL_H

#include <string.h>

#include "core/arena.h"
#include "wasm/engine.h"

/* Limits of the implementation, refused at load with BV_E_LIMIT. */
#define BW_MAX_TYPE_VALUES 1000u  /* params, results of one type */
#define BW_MAX_LOCALS      50000u /* of one function, params included */
#define BW_MAX_HEIGHT      50000u /* operand stack of one function */
#define BW_MAX_NESTING     65536u /* blocks in blocks */
#define BW_MAX_PAGES       65536u

#define BW_NONE UINT32_MAX

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "guest memory is little-endian and accessed directly");

/* --- register code -------------------------------------------------------- */

enum bw_op {
#define BW_CODE(NAME, format) BW_OP_##NAME,
#include "wasm/code.def"
#define BW_UN(opcode, NAME, in, out, expr)            BW_OP_##NAME,
#define BW_UN_TRAP(opcode, NAME, in, out, trap, expr) BW_OP_##NAME,
#define BW_BIN(opcode, NAME, in, out, expr)           BW_OP_##NAME,
#define BW_INT(opcode, NAME, type, commutes, expr)                             \
	BW_OP_##NAME, BW_OP_##NAME##_I,
#define BW_INT_TRAP(opcode, NAME, type, trap, expr)                            \
	BW_OP_##NAME, BW_OP_##NAME##_I,
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	BW_OP_##NAME, BW_OP_##NAME##_I, BW_OP_BR_##NAME, BW_OP_BR_##NAME##_I,
#define BW_LOAD(opcode, NAME, type, ctype, align, as, expr) BW_OP_##NAME,
#define BW_STORE(opcode, NAME, type, ctype, align)          BW_OP_##NAME,
#include "wasm/ops.def"
	BW_OP_N
};

/* op: enum bw_op while lowering, then the distance of its handler. */
struct bw_insn {
	int32_t op;
	uint32_t a, b, c;
};
_Static_assert(sizeof(struct bw_insn) == 16, "instructions are 16 bytes");

struct bw_code {
	const struct bw_insn *insns;
	const uint32_t *pos; /* offset in the module of each instruction */
	uint32_t ninsns;
	uint32_t nslots; /* the whole frame */
	uint32_t nparams;
	uint32_t nlocals; /* params included: the others start as zero */
	uint32_t fuel;    /* of the first block */
};

/* --- modules -------------------------------------------------------------- */

struct bw_range {
	uint32_t min;
	uint32_t max;
	bool has_max;
};

struct bw_table_type {
	uint8_t type;
	struct bw_range range;
};

struct bw_global_type {
	uint8_t type;
	bool is_mutable;
};

/* A constant expression. */
enum bw_const_kind {
	BW_CONST_VALUE, /* v: also a null reference */
	BW_CONST_GLOBAL,
	BW_CONST_FUNC,
};

struct bw_const {
	enum bw_const_kind kind;
	uint64_t v;
};

struct bw_import {
	struct bw_name module;
	struct bw_name name;
	enum bw_kind kind;
	uint32_t index; /* in the index space of its kind */
};

struct bw_export {
	struct bw_name name;
	enum bw_kind kind;
	uint32_t index;
};

enum bw_mode {
	BW_ACTIVE,
	BW_PASSIVE,
	BW_DECLARED,
};

struct bw_elem {
	enum bw_mode mode;
	uint8_t type;
	uint32_t table;
	struct bw_const offset;
	uint32_t n;
	const struct bw_const *items;
};

struct bw_data {
	enum bw_mode mode;
	struct bw_const offset;
	uint32_t len;
	const uint8_t *bytes;
};

struct bw_global_def {
	struct bw_global_type type;
	struct bw_const init;
};

struct bw_module {
	struct bv_arena arena;
	uint32_t ntypes, nimports, nexports, nelems, ndatas;
	uint32_t nfuncs, nimport_funcs;
	uint32_t ntables, nimport_tables;
	uint32_t nglobals, nimport_globals;
	bool has_memory, memory_imported, has_start, has_data_count;
	uint32_t start;
	struct bw_range memory;
	struct bw_sig *types;
	struct bw_import *imports;
	struct bw_export *exports;
	uint32_t *func_type;   /* by function: its type's index */
	bool *func_declared;   /* by function: ref.func may name it */
	struct bw_code *codes; /* by function minus nimport_funcs */
	struct bw_table_type *tables;
	struct bw_global_def *globals;
	struct bw_elem *elems;
	struct bw_data *datas;
	struct bw_name *func_names; /* NULL: none */
	uint32_t nfunc_names;
};

/* NULL sets err. */
void *bw_module_alloc(struct bw_module *m, size_t n, size_t size,
		      struct bv_err *err);

static inline const struct bw_sig *bw_func_sig(const struct bw_module *m,
					       uint32_t func)
{
	return &m->types[m->func_type[func]];
}

bool bw_sig_equal(const struct bw_sig *x, const struct bw_sig *y);

/* --- run time ------------------------------------------------------------- */

struct bw_func {
	const struct bw_sig *sig;
	struct bw_instance *inst; /* of definition; the importer's for hosts */
	const struct bw_code *code; /* NULL: a host function */
	const struct bw_host_func *host;
	void *ctx;
	uint32_t index; /* in inst's module */
};

struct bw_global {
	uint64_t v;
	struct bw_global_type type;
};

struct bw_table {
	uint64_t *v; /* struct bw_func pointers or external references */
	uint32_t n;
	uint64_t cap; /* allocated */
	struct bw_table_type type;
};

struct bw_memory {
	uint8_t *base; /* NULL when bytes == 0 */
	uint64_t bytes;
	struct bw_range type;
};

struct bw_instance {
	struct bw_instance *next; /* of the store */
	struct bw_store *store;
	const struct bw_module *module;
	struct bw_func **funcs;
	struct bw_func *own_funcs; /* funcs + nimport_funcs, contiguous */
	struct bw_table **tables;
	struct bw_memory *memory; /* NULL: none */
	struct bw_global **globals;
	bool *data_dropped;
	bool *elem_dropped;
	struct bw_table *own_tables;
	struct bw_global *own_globals;
	struct bw_memory own_memory;
	struct bw_func *host_funcs;
};

struct bw_frame {
	const struct bw_insn *ret_ip;
	uint64_t *ret_slots;
	const struct bw_func *func; /* that runs in this frame */
	struct bw_instance *caller; /* NULL: the same instance */
};

enum bw_run_state {
	BW_RUN_IDLE,
	BW_RUN_RUNNING,
	BW_RUN_SUSPENDED,
};

struct bw_store {
	struct bw_instance *instances;
	struct bw_store_limits limits;
	uint32_t table_entries; /* of all tables; none ever shrinks */
	uint64_t *stack;
	struct bw_frame *frames;
	uint32_t nframes;
	enum bw_run_state state;
	/* Of the execution: what is called, where it stopped. */
	const struct bw_func *entry;
	const struct bw_insn *ip;
	uint64_t *slots;
	struct bw_insn halt[1];
	const int32_t *distance; /* of handlers, by enum bw_op */
	uint64_t fuel_start;
	uint64_t fuel_left;
	const volatile sig_atomic_t *interrupt;
	bool turns, turn_over; /* asked for; why it is suspended */
	uint64_t turn_end;     /* fuel left when a turn is over */
	struct bw_trap_info trap;
};

/* Replace each op by the distance of its handler. */
const int32_t *bw_exec_distances(void);
void bw_exec_resolve(struct bw_insn *insns, uint32_t n);
/* Run st->entry with its arguments in st->stack, or go on where it stopped;
 * results are left in st->stack. */
enum bw_outcome bw_exec(struct bw_store *st, bool resume);
/* Call a host function with its arguments in s, where its results go too. */
int bw_call_host(const struct bw_func *f, struct bw_instance *inst,
		 uint64_t *s);
/* What a host function that gave neither OK, EXIT nor SUSPEND means. */
enum bw_trap bw_host_trap(int status);
/* Abort when the next instruction touches a slot outside its frame. */
void bw_exec_check(const struct bw_store *st, const struct bw_frame *fr,
		   const struct bw_insn *ip, const uint64_t *slots);

/* Pages before, or UINT32_MAX. */
uint32_t bw_memory_grow(struct bw_store *st, struct bw_memory *mem,
			uint32_t pages);
uint64_t bw_const_value(const struct bw_instance *inst,
			const struct bw_const *c);

static inline bool bw_interrupted(const struct bw_store *st)
{
	return st->interrupt != NULL && *st->interrupt != 0;
}

/* --- bulk.c: BW_TRAP_INTERRUPTED between two pieces of what is larger ----- */

#define BW_PIECE_BYTES (16u << 20)

enum bw_trap bw_move_pieces(const struct bw_store *st, void *to,
			    const void *from, uint64_t n);
enum bw_trap bw_fill_pieces(const struct bw_store *st, uint8_t *to, uint8_t v,
			    uint64_t n);

/* n > 0. */
static inline enum bw_trap bw_move(const struct bw_store *st, void *to,
				   const void *from, uint64_t n)
{
	if (n > BW_PIECE_BYTES)
		return bw_move_pieces(st, to, from, n);
	memmove(to, from, n);
	return BW_TRAP_NONE;
}

static inline enum bw_trap bw_fill(const struct bw_store *st, uint8_t *to,
				   uint8_t v, uint64_t n)
{
	if (n > BW_PIECE_BYTES)
		return bw_fill_pieces(st, to, v, n);
	memset(to, v, n);
	return BW_TRAP_NONE;
}

enum bw_trap bw_memory_init(struct bw_instance *inst, uint32_t segment,
			    uint32_t to, uint32_t from, uint32_t n);
/* As large as its type says at least; false: over the limit. */
bool bw_table_new(struct bw_store *st, struct bw_table *t);
/* *ret_before: entries before, or UINT32_MAX when there are none to have. */
enum bw_trap bw_table_grow(struct bw_store *st, struct bw_table *table,
			   uint32_t n, uint64_t v, uint32_t *ret_before);
enum bw_trap bw_table_init(struct bw_instance *inst, uint32_t table,
			   uint32_t segment, uint32_t to, uint32_t from,
			   uint32_t n);
enum bw_trap bw_table_copy(const struct bw_store *st, struct bw_table *to_table,
			   const struct bw_table *from_table, uint32_t to,
			   uint32_t from, uint32_t n);
enum bw_trap bw_table_fill(const struct bw_store *st, struct bw_table *table,
			   uint32_t at, uint64_t v, uint32_t n);

#endif
