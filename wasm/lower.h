/* SPDX-License-Identifier: MIT */
/*
 * Validation and lowering of function bodies, one pass. The operand stack of
 * the guest is virtual: an entry is a temporary in its own frame slot, or a
 * local or a constant not yet copied there. Entries deeper than BW_WINDOW are
 * temporaries always, so that assigning a local looks at few entries.
 *
 * `dead` (no code is emitted) and a control frame's `poly` (its stack yields
 * any type) differ: a block inside dead code checks its own stack strictly.
 */
#ifndef BV_WASM_LOWER_H
#define BV_WASM_LOWER_H

#include "wasm/internal.h"
#include "wasm/reader.h"

#define BW_WINDOW 32u
#define BW_ANY    0u /* the type of what a polymorphic stack yields */

enum bw_val_kind {
	BW_VAL_TEMP,
	BW_VAL_LOCAL,
	BW_VAL_CONST,
};

struct bw_val {
	uint8_t type;
	uint8_t kind;
	uint32_t local;
	uint64_t k;
};

struct bw_ctl {
	uint8_t op; /* of the block; 0: the function */
	bool poly;
	bool dead_entry;
	uint32_t height; /* of the stack below the parameters */
	uint32_t nin, nout;
	const uint8_t *in, *out;
	uint32_t loop_at;    /* loops: where branches go */
	uint32_t patch;      /* list of branches to the end */
	uint32_t else_patch; /* if: the branch taken on zero */
};

struct bw_cond {
	uint16_t op;  /* branch when true */
	uint16_t inv; /* branch when false */
	uint32_t b, c;
};

/* Scratch of a whole load, grown as needed. */
struct bw_lower {
	struct bw_module *m;
	struct bw_reader r;
	const struct bw_sig *sig;
	uint32_t op_at; /* offset of the instruction being read */
	uint8_t *local_type;
	uint32_t nlocals;
	struct bw_val *val;
	uint32_t nval, val_cap, max_height;
	struct bw_ctl *ctl;
	uint32_t nctl, ctl_cap;
	struct bw_insn *code;
	uint32_t *pos;
	uint32_t ncode, code_cap;
	uint32_t fwd; /* instruction that made the top entry, if it is last */
	uint32_t fuel_at; /* FUEL instruction of the block; BW_NONE: entry */
	uint32_t fuel;    /* of the block so far */
	uint32_t entry_fuel;
	bool dead;
	int failed; /* sticky: BV_E_NOMEM or BV_E_LIMIT while emitting */
};

/* What ops.def says about an opcode. */
enum bw_op_kind {
	BW_KIND_NONE,
	BW_KIND_UN,
	BW_KIND_BIN,
	BW_KIND_INT,
	BW_KIND_CMP,
	BW_KIND_LOAD,
	BW_KIND_STORE,
};

struct bw_op_info {
	uint8_t kind;
	uint8_t in;
	uint8_t out;
	uint8_t align;
	uint8_t commutes;
	uint16_t op;
	uint16_t op_imm;
};

#define BW_OP_INFO_N 0x108u
extern const struct bw_op_info bw_op_info[BW_OP_INFO_N];
/* A compare's branch and its inverse, by register op; 0: not a compare. */
struct bw_branch_info {
	uint16_t br;
	uint16_t inv;
};
extern const struct bw_branch_info bw_branch_info[BW_OP_N];

/* One body: l->r spans it. Appends to m->codes[index - nimport_funcs]. */
int bw_lower_func(struct bw_lower *l, uint32_t func);
void bw_lower_done(struct bw_lower *l);

/* lower.c: the stacks and the code */
static inline uint32_t bw_slot(const struct bw_lower *l, uint32_t i)
{
	return l->nlocals + i;
}

uint32_t bw_emit(struct bw_lower *l, uint32_t op, uint32_t a, uint32_t b,
		 uint32_t c);
void bw_emit_word(struct bw_lower *l, uint32_t a, uint32_t b);
void bw_emit_const(struct bw_lower *l, uint32_t slot, uint64_t k);
int bw_push(struct bw_lower *l, uint8_t type);
int bw_push_result(struct bw_lower *l, uint8_t type, uint32_t insn);
int bw_push_many(struct bw_lower *l, const uint8_t *types, uint32_t n);
int bw_pop(struct bw_lower *l, uint8_t want, uint8_t *ret_type);
int bw_pop_many(struct bw_lower *l, const uint8_t *types, uint32_t n);
void bw_materialise(struct bw_lower *l, uint32_t i);
void bw_flush(struct bw_lower *l);
void bw_flush_top(struct bw_lower *l, uint32_t n);
/* The slot to read entry i from. */
uint32_t bw_operand(struct bw_lower *l, uint32_t i);
void bw_local_unref(struct bw_lower *l, uint32_t local);
/* Copy entry i to slot. */
void bw_move_to(struct bw_lower *l, uint32_t i, uint32_t slot);
void bw_charge(struct bw_lower *l, uint32_t fuel);
/* A place that jumps reach: ends the block of fuel, returns the place. */
uint32_t bw_label(struct bw_lower *l);
void bw_patch_add(struct bw_lower *l, uint32_t *head, uint32_t insn);
void bw_patch_to(struct bw_lower *l, uint32_t head, uint32_t at);
int bw_ctl_push(struct bw_lower *l, const struct bw_ctl *ctl);
int bw_type_bad(struct bw_lower *l, uint8_t want, uint8_t got);
const char *bw_type_name(uint8_t type);
bool bw_is_ref(uint8_t type);

/* lower_ctl.c: blocks, branches, calls; lower_misc.c: the others. Each handles
 * its opcodes or sets *ret_known to false. */
int bw_lower_ctl(struct bw_lower *l, uint8_t op, bool *ret_known);
int bw_lower_misc(struct bw_lower *l, uint8_t op, bool *ret_known);
int bw_lower_prefixed(struct bw_lower *l);
int bw_lower_numeric(struct bw_lower *l, const struct bw_op_info *info);
int bw_lower_return(struct bw_lower *l);

#endif
