/* SPDX-License-Identifier: MIT */
/* The virtual operand stack, emission of register code, fuel blocks. */
#include "wasm/lower.h"

#include <stdlib.h>
#include <string.h>

#include "wasm/module.h"

#define i32 BW_I32
#define i64 BW_I64
#define f32 BW_F32
#define f64 BW_F64

/* ops.def says i32 for what F32_ABS and its like do to bits: the types of the
 * few rows whose register form is not their stack type are set right here. */
#define UN_TYPE(opcode, t)                                                     \
	((opcode) == 0x8b || (opcode) == 0x8c   ? f32                          \
	 : (opcode) == 0x99 || (opcode) == 0x9a ? f64                          \
						: (t))
#define BIN_TYPE(opcode, t)                                                    \
	((opcode) == 0x98 ? f32 : (opcode) == 0xa6 ? f64 : (t))

const struct bw_op_info bw_op_info[BW_OP_INFO_N] = {
#define BW_UN(opcode, NAME, t_in, t_out, expr)                                 \
	[opcode] = { .kind = BW_KIND_UN,                                       \
		     .in = UN_TYPE(opcode, t_in),                              \
		     .out = UN_TYPE(opcode, t_out),                            \
		     .op = BW_OP_##NAME },
#define BW_UN_TRAP(opcode, NAME, t_in, t_out, trap, expr)                      \
	[opcode] = { .kind = BW_KIND_UN,                                       \
		     .in = t_in,                                               \
		     .out = t_out,                                             \
		     .op = BW_OP_##NAME },
#define BW_BIN(opcode, NAME, t_in, t_out, expr)                                \
	[opcode] = { .kind = BW_KIND_BIN,                                      \
		     .in = BIN_TYPE(opcode, t_in),                             \
		     .out = BIN_TYPE(opcode, t_out),                           \
		     .op = BW_OP_##NAME },
#define BW_INT(opcode, NAME, type, comm, expr)                                 \
	[opcode] = { .kind = BW_KIND_INT,                                      \
		     .in = type,                                               \
		     .out = type,                                              \
		     .commutes = comm,                                         \
		     .op = BW_OP_##NAME,                                       \
		     .op_imm = BW_OP_##NAME##_I },
#define BW_INT_TRAP(opcode, NAME, type, trap, expr)                            \
	[opcode] = { .kind = BW_KIND_INT,                                      \
		     .in = type,                                               \
		     .out = type,                                              \
		     .op = BW_OP_##NAME,                                       \
		     .op_imm = BW_OP_##NAME##_I },
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	[opcode] = { .kind = BW_KIND_CMP,                                      \
		     .in = type,                                               \
		     .out = i32,                                               \
		     .op = BW_OP_##NAME,                                       \
		     .op_imm = BW_OP_##NAME##_I },
#define BW_LOAD(opcode, NAME, type, ctype, al, as, expr)                       \
	[opcode] = { .kind = BW_KIND_LOAD,                                     \
		     .out = type,                                              \
		     .align = al,                                              \
		     .op = BW_OP_##NAME },
#define BW_STORE(opcode, NAME, type, ctype, al)                                \
	[opcode] = { .kind = BW_KIND_STORE,                                    \
		     .in = type,                                               \
		     .align = al,                                              \
		     .op = BW_OP_##NAME },
#include "wasm/ops.def"
	[0xbc] = { .kind = BW_KIND_NONE, .in = f32, .out = i32 },
	[0xbd] = { .kind = BW_KIND_NONE, .in = f64, .out = i64 },
	[0xbe] = { .kind = BW_KIND_NONE, .in = i32, .out = f32 },
	[0xbf] = { .kind = BW_KIND_NONE, .in = i64, .out = f64 },
};

const struct bw_branch_info bw_branch_info[BW_OP_N] = {
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	[BW_OP_##NAME] = { BW_OP_BR_##NAME, BW_OP_BR_##INVERSE },              \
	[BW_OP_##NAME##_I] = { BW_OP_BR_##NAME##_I, BW_OP_BR_##INVERSE##_I },
#include "wasm/ops.def"
};

#undef i32
#undef i64
#undef f32
#undef f64

bool bw_is_ref(uint8_t type)
{
	return type == BW_FUNCREF || type == BW_EXTERNREF;
}

const char *bw_type_name(uint8_t type)
{
	switch (type) {
	case BW_I32:
		return "i32";
	case BW_I64:
		return "i64";
	case BW_F32:
		return "f32";
	case BW_F64:
		return "f64";
	case BW_FUNCREF:
		return "funcref";
	case BW_EXTERNREF:
		return "externref";
	default:
		return "any";
	}
}

int bw_type_bad(struct bw_lower *l, uint8_t want, uint8_t got)
{
	return bv_fail(l->r.err, BV_E_CONF,
		       "type mismatch: expected %s, got %s, offset 0x%x",
		       bw_type_name(want), bw_type_name(got), l->op_at);
}

/* Double *cap of an array of items up to most; NULL when that is not enough. */
static void *grown(void *p, uint32_t *cap, uint32_t most, size_t size)
{
	uint32_t want = *cap == 0 ? 256 : *cap * 2;
	void *q;

	if (want > most)
		want = most;
	if (want <= *cap)
		return NULL;
	q = realloc(p, want * size);
	if (q != NULL)
		*cap = want;
	return q;
}

/* --- code ----------------------------------------------------------------- */

static bool code_room(struct bw_lower *l)
{
	const struct bv_arena *arena = &l->m->arena;
	size_t left = (arena->cap_bytes - arena->used_bytes) /
		      (sizeof(*l->code) + sizeof(*l->pos));
	uint32_t cap = l->code_cap, most, cap2 = cap;
	struct bw_insn *code;
	uint32_t *pos;

	if (l->ncode < cap)
		return true;
	most = left > INT32_MAX / 2 ? INT32_MAX / 2 : (uint32_t)left;
	code = grown(l->code, &cap, most, sizeof(*code));
	if (code == NULL)
		return false;
	l->code = code;
	pos = grown(l->pos, &cap2, most, sizeof(*pos));
	if (pos == NULL)
		return false;
	l->pos = pos;
	l->code_cap = cap;
	return true;
}

uint32_t bw_emit(struct bw_lower *l, uint32_t op, uint32_t a, uint32_t b,
		 uint32_t c)
{
	if (l->dead)
		return BW_NONE;
	l->fwd = BW_NONE;
	if (!code_room(l)) {
		l->failed = bv_fail(l->r.err, BV_E_LIMIT,
				    "code larger than its budget");
		l->dead = true;
		return BW_NONE;
	}
	l->code[l->ncode] = (struct bw_insn){ (int32_t)op, a, b, c };
	l->pos[l->ncode] = l->op_at;
	return l->ncode++;
}

/* The second word of an instruction; the first stays the last for fwd. */
void bw_emit_word(struct bw_lower *l, uint32_t a, uint32_t b)
{
	(void)bw_emit(l, BW_OP_ILLEGAL, a, b, 0);
}

void bw_emit_const(struct bw_lower *l, uint32_t slot, uint64_t k)
{
	(void)bw_emit(l, BW_OP_CONST, slot, (uint32_t)k, (uint32_t)(k >> 32));
}

void bw_charge(struct bw_lower *l, uint32_t fuel)
{
	if (!l->dead && l->fuel < UINT32_MAX / 2)
		l->fuel += fuel;
}

static void close_block(struct bw_lower *l)
{
	if (l->fuel_at == BW_NONE)
		l->entry_fuel = l->fuel;
	else
		l->code[l->fuel_at].a = l->fuel;
	l->fuel = 0;
}

uint32_t bw_label(struct bw_lower *l)
{
	if (l->dead)
		return BW_NONE;
	l->fwd = BW_NONE;
	if (l->fuel == 0 && l->fuel_at != BW_NONE && l->fuel_at + 1 == l->ncode)
		return l->fuel_at;
	close_block(l);
	l->fuel_at = bw_emit(l, BW_OP_FUEL, 0, 0, 0);
	return l->fuel_at;
}

void bw_patch_add(struct bw_lower *l, uint32_t *head, uint32_t insn)
{
	if (insn == BW_NONE)
		return;
	l->code[insn].a = *head;
	*head = insn;
}

void bw_patch_to(struct bw_lower *l, uint32_t head, uint32_t at)
{
	if (at == BW_NONE)
		return;
	while (head != BW_NONE) {
		uint32_t next = l->code[head].a;

		l->code[head].a = at - head;
		head = next;
	}
}

/* --- the operand stack ---------------------------------------------------- */

static int val_room(struct bw_lower *l)
{
	struct bw_val *val;

	if (l->nval < l->val_cap)
		return BV_OK;
	val = grown(l->val, &l->val_cap, BW_MAX_HEIGHT, sizeof(*val));
	if (val == NULL)
		return bv_fail(l->r.err, BV_E_LIMIT,
			       "operand stack deeper than %u, offset 0x%x",
			       BW_MAX_HEIGHT, l->op_at);
	l->val = val;
	return BV_OK;
}

int bw_push(struct bw_lower *l, uint8_t type)
{
	BW_TRY(val_room(l));
	l->val[l->nval++] = (struct bw_val){ .type = type };
	if (l->nval > l->max_height)
		l->max_height = l->nval;
	return BV_OK;
}

int bw_push_result(struct bw_lower *l, uint8_t type, uint32_t insn)
{
	l->fwd = insn;
	return bw_push(l, type);
}

/* Temporaries; what lies below must be flushed when there are several. */
int bw_push_many(struct bw_lower *l, const uint8_t *types, uint32_t n)
{
	uint32_t i;

	if (n > 1)
		bw_flush(l);
	for (i = 0; i < n; i++)
		BW_TRY(bw_push(l, types[i]));
	return BV_OK;
}

int bw_pop(struct bw_lower *l, uint8_t want, uint8_t *ret_type)
{
	const struct bw_ctl *ctl = &l->ctl[l->nctl - 1];
	uint8_t got = BW_ANY;

	if (l->nval > ctl->height)
		got = l->val[--l->nval].type;
	else if (!ctl->poly)
		return bv_fail(l->r.err, BV_E_CONF,
			       "type mismatch: expected %s, the stack is "
			       "empty, offset 0x%x",
			       bw_type_name(want), l->op_at);
	if (want != BW_ANY && got != BW_ANY && want != got)
		return bw_type_bad(l, want, got);
	if (ret_type != NULL)
		*ret_type = got;
	return BV_OK;
}

int bw_pop_many(struct bw_lower *l, const uint8_t *types, uint32_t n)
{
	while (n > 0)
		BW_TRY(bw_pop(l, types[--n], NULL));
	return BV_OK;
}

/* Entries that were popped keep their place and may still be materialised or
 * read until something is pushed. */
void bw_materialise(struct bw_lower *l, uint32_t i)
{
	struct bw_val *v;

	if (l->dead)
		return;
	v = &l->val[i];
	if (v->kind == BW_VAL_LOCAL)
		(void)bw_emit(l, BW_OP_COPY, bw_slot(l, i), v->local, 0);
	else if (v->kind == BW_VAL_CONST)
		bw_emit_const(l, bw_slot(l, i), v->k);
	v->kind = BW_VAL_TEMP;
}

static uint32_t window_start(const struct bw_lower *l)
{
	return l->nval > BW_WINDOW + 2 ? l->nval - BW_WINDOW - 2 : 0;
}

void bw_flush(struct bw_lower *l)
{
	uint32_t i;

	if (l->dead)
		return;
	for (i = window_start(l); i < l->nval; i++)
		bw_materialise(l, i);
}

void bw_flush_top(struct bw_lower *l, uint32_t n)
{
	uint32_t i, from = window_start(l);

	if (l->dead)
		return;
	if (l->nval - n > from)
		from = l->nval - n;
	for (i = from; i < l->nval; i++)
		bw_materialise(l, i);
}

uint32_t bw_operand(struct bw_lower *l, uint32_t i)
{
	if (l->dead)
		return 0;
	if (l->val[i].kind == BW_VAL_LOCAL)
		return l->val[i].local;
	bw_materialise(l, i);
	return bw_slot(l, i);
}

void bw_local_unref(struct bw_lower *l, uint32_t local)
{
	uint32_t i;

	if (l->dead)
		return;
	for (i = window_start(l); i < l->nval; i++)
		if (l->val[i].kind == BW_VAL_LOCAL && l->val[i].local == local)
			bw_materialise(l, i);
}

void bw_move_to(struct bw_lower *l, uint32_t i, uint32_t slot)
{
	const struct bw_val *v;

	if (l->dead)
		return;
	v = &l->val[i];
	if (v->kind == BW_VAL_CONST)
		bw_emit_const(l, slot, v->k);
	else if (v->kind == BW_VAL_LOCAL && v->local != slot)
		(void)bw_emit(l, BW_OP_COPY, slot, v->local, 0);
	else if (v->kind == BW_VAL_TEMP && bw_slot(l, i) != slot)
		(void)bw_emit(l, BW_OP_COPY, slot, bw_slot(l, i), 0);
}

int bw_ctl_push(struct bw_lower *l, const struct bw_ctl *ctl)
{
	if (l->nctl == l->ctl_cap) {
		struct bw_ctl *p =
			grown(l->ctl, &l->ctl_cap, BW_MAX_NESTING, sizeof(*p));

		if (p == NULL)
			return bv_fail(l->r.err, BV_E_LIMIT,
				       "blocks nested deeper than %u",
				       BW_MAX_NESTING);
		l->ctl = p;
	}
	l->ctl[l->nctl++] = *ctl;
	return BV_OK;
}

/* --- one function --------------------------------------------------------- */

static int read_locals(struct bw_lower *l)
{
	uint32_t i, k, n, groups, total = l->sig->nparams;
	uint8_t type;

	if (l->local_type == NULL)
		l->local_type = malloc(BW_MAX_LOCALS);
	if (l->local_type == NULL)
		return bv_fail(l->r.err, BV_E_NOMEM, "out of memory");
	memcpy(l->local_type, l->sig->types, total);
	BW_TRY(bw_read_count(&l->r, 2, &groups));
	for (i = 0; i < groups; i++) {
		BW_TRY(bw_read_u32(&l->r, &n));
		BW_TRY(bw_read_valtype(&l->r, &type));
		if (n > BW_MAX_LOCALS - total)
			return bv_fail(l->r.err, BV_E_CONF,
				       "too many locals (more than %u)",
				       BW_MAX_LOCALS);
		for (k = 0; k < n; k++)
			l->local_type[total++] = type;
	}
	l->nlocals = total;
	return BV_OK;
}

static int lower_op(struct bw_lower *l)
{
	bool known = true;
	uint8_t op;

	l->op_at = bw_offset(&l->r);
	BW_TRY(bw_read_u8(&l->r, &op));
	if (l->nval > BW_WINDOW)
		bw_materialise(l, l->nval - BW_WINDOW - 1);
	if (op != 0x0b && op != 0x05)
		bw_charge(l, 1);
	if (op >= 0x45 || (op >= 0x28 && op <= 0x3e)) {
		const struct bw_op_info *info = &bw_op_info[op];

		if (info->kind != BW_KIND_NONE || info->in != 0)
			return bw_lower_numeric(l, info);
	}
	if (op == 0xfc)
		return bw_lower_prefixed(l);
	BW_TRY(bw_lower_ctl(l, op, &known));
	if (!known) {
		known = true;
		BW_TRY(bw_lower_misc(l, op, &known));
	}
	if (!known && op >= 0xfb)
		return bv_fail(l->r.err, BV_E_UNSUPPORTED,
			       "opcode 0x%02x is not supported, offset 0x%x",
			       op, l->op_at);
	if (!known)
		return bw_bad(&l->r, "illegal opcode");
	return BV_OK;
}

static int keep(struct bw_lower *l, uint32_t func)
{
	struct bw_module *m = l->m;
	struct bw_code *code = &m->codes[func - m->nimport_funcs];
	struct bw_insn *insns;
	uint32_t *pos;

	insns = bw_module_alloc(m, l->ncode, sizeof(*insns), l->r.err);
	pos = bw_module_alloc(m, l->ncode, sizeof(*pos), l->r.err);
	if (insns == NULL || pos == NULL)
		return BV_E_NOMEM;
	memcpy(insns, l->code, l->ncode * sizeof(*insns));
	memcpy(pos, l->pos, l->ncode * sizeof(*pos));
	bw_exec_resolve(insns, l->ncode);
	code->insns = insns;
	code->pos = pos;
	code->ninsns = l->ncode;
	code->nparams = l->sig->nparams;
	code->nlocals = l->nlocals;
	code->nslots = l->nlocals + l->max_height;
	if (code->nslots < l->sig->nresults)
		code->nslots = l->sig->nresults;
	code->fuel = l->entry_fuel;
	return BV_OK;
}

int bw_lower_func(struct bw_lower *l, uint32_t func)
{
	struct bw_ctl body = { .patch = BW_NONE, .else_patch = BW_NONE };

	l->sig = bw_func_sig(l->m, func);
	l->op_at = bw_offset(&l->r);
	l->nval = l->max_height = l->nctl = l->ncode = l->fuel = 0;
	l->fwd = l->fuel_at = BW_NONE;
	l->dead = false;
	BW_TRY(read_locals(l));
	/* Zeroing them is work of every call. */
	bw_charge(l, l->nlocals / 16);
	body.nout = l->sig->nresults;
	body.out = l->sig->types + l->sig->nparams;
	BW_TRY(bw_ctl_push(l, &body));
	while (l->nctl > 0) {
		BW_TRY(lower_op(l));
		if (l->failed != BV_OK)
			return l->failed;
	}
	if (bw_left(&l->r) != 0)
		return bw_bad(&l->r, "bytes after the end of the body");
	close_block(l);
	return keep(l, func);
}

void bw_lower_done(struct bw_lower *l)
{
	free(l->local_type);
	free(l->val);
	free(l->ctl);
	free(l->code);
	free(l->pos);
}
