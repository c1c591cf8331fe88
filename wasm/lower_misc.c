/* SPDX-License-Identifier: MIT */
/* Everything that is neither control nor a call: numeric, memory, variables,
 * tables, references, bulk operations. */
#include "wasm/lower.h"
#include "wasm/module.h"

/* --- numeric, loads, stores ----------------------------------------------- */

static bool fits_imm(const struct bw_val *v, uint8_t type)
{
	if (v->kind != BW_VAL_CONST)
		return false;
	return type == BW_I32 || (int64_t)v->k == (int32_t)v->k;
}

/* Two operands were popped; the first is at l->nval. */
static int emit_binary(struct bw_lower *l, const struct bw_op_info *info)
{
	uint32_t x = l->nval, y = l->nval + 1, insn = BW_NONE;
	uint32_t dest = bw_slot(l, x);
	bool has_imm = info->kind != BW_KIND_BIN;

	if (l->dead)
		return bw_push(l, info->out);
	if (has_imm && info->commutes && fits_imm(&l->val[x], info->in) &&
	    l->val[y].kind != BW_VAL_CONST)
		insn = bw_emit(l, info->op_imm, dest, bw_operand(l, y),
			       (uint32_t)l->val[x].k);
	else if (has_imm && fits_imm(&l->val[y], info->in))
		insn = bw_emit(l, info->op_imm, dest, bw_operand(l, x),
			       (uint32_t)l->val[y].k);
	if (insn == BW_NONE) {
		uint32_t b = bw_operand(l, x);

		insn = bw_emit(l, info->op, dest, b, bw_operand(l, y));
	}
	return bw_push_result(l, info->out, insn);
}

static int read_memarg(struct bw_lower *l, uint8_t most, uint32_t *ret_offset)
{
	uint32_t align;

	BW_TRY(bw_read_u32(&l->r, &align));
	if (align >= 32)
		return bw_bad(&l->r, "malformed memop flags");
	BW_TRY(bw_read_u32(&l->r, ret_offset));
	if (!l->m->has_memory)
		return bw_bad(&l->r, "unknown memory");
	if (align > most)
		return bw_bad(&l->r, "alignment must not be larger than "
				     "natural");
	return BV_OK;
}

static int lower_load(struct bw_lower *l, const struct bw_op_info *info)
{
	uint32_t offset, b;

	BW_TRY(read_memarg(l, info->align, &offset));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	b = bw_operand(l, l->nval);
	return bw_push_result(
		l, info->out,
		bw_emit(l, info->op, bw_slot(l, l->nval), b, offset));
}

static int lower_store(struct bw_lower *l, const struct bw_op_info *info)
{
	uint32_t offset, a, b;

	BW_TRY(read_memarg(l, info->align, &offset));
	BW_TRY(bw_pop(l, info->in, NULL));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	b = bw_operand(l, l->nval);
	a = bw_operand(l, l->nval + 1);
	(void)bw_emit(l, info->op, a, b, offset);
	return BV_OK;
}

int bw_lower_numeric(struct bw_lower *l, const struct bw_op_info *info)
{
	uint32_t b;

	switch ((enum bw_op_kind)info->kind) {
	case BW_KIND_NONE: /* reinterpretation: the same bits */
		BW_TRY(bw_pop(l, info->in, NULL));
		if (l->dead)
			return bw_push(l, info->out);
		l->val[l->nval++].type = info->out;
		return BV_OK;
	case BW_KIND_UN:
		BW_TRY(bw_pop(l, info->in, NULL));
		b = bw_operand(l, l->nval);
		return bw_push_result(
			l, info->out,
			bw_emit(l, info->op, bw_slot(l, l->nval), b, 0));
	case BW_KIND_BIN:
	case BW_KIND_INT:
	case BW_KIND_CMP:
		BW_TRY(bw_pop(l, info->in, NULL));
		BW_TRY(bw_pop(l, info->in, NULL));
		return emit_binary(l, info);
	case BW_KIND_LOAD:
		return lower_load(l, info);
	case BW_KIND_STORE:
		return lower_store(l, info);
	}
	return bw_bad(&l->r, "illegal opcode");
}

/* --- parametric ----------------------------------------------------------- */

static int lower_select(struct bw_lower *l, bool typed)
{
	uint8_t type = BW_ANY, x_type, y_type;
	uint32_t n, b, c, cond, insn;

	if (typed) {
		BW_TRY(bw_read_count(&l->r, 1, &n));
		if (n != 1)
			return bw_bad(&l->r, "invalid result arity");
		BW_TRY(bw_read_valtype(&l->r, &type));
	}
	BW_TRY(bw_pop(l, BW_I32, NULL));
	BW_TRY(bw_pop(l, type, &y_type));
	BW_TRY(bw_pop(l, type, &x_type));
	if (!typed) {
		if (bw_is_ref(x_type) || bw_is_ref(y_type))
			return bw_bad(&l->r, "type mismatch: select of "
					     "references needs a type");
		if (x_type != BW_ANY && y_type != BW_ANY && x_type != y_type)
			return bw_type_bad(l, x_type, y_type);
		type = x_type == BW_ANY ? y_type : x_type;
	}
	if (l->dead)
		return bw_push(l, type);
	b = bw_operand(l, l->nval);
	c = bw_operand(l, l->nval + 1);
	cond = bw_operand(l, l->nval + 2);
	insn = bw_emit(l, BW_OP_SELECT, bw_slot(l, l->nval), b, c);
	bw_emit_word(l, cond, 0);
	return bw_push_result(l, type, insn);
}

/* --- variables ------------------------------------------------------------ */

static int read_local(struct bw_lower *l, uint32_t *ret)
{
	BW_TRY(bw_read_u32(&l->r, ret));
	if (*ret >= l->nlocals)
		return bw_bad(&l->r, "unknown local");
	return BV_OK;
}

static int push_local(struct bw_lower *l, uint32_t local)
{
	BW_TRY(bw_push(l, l->local_type[local]));
	if (!l->dead) {
		l->val[l->nval - 1].kind = BW_VAL_LOCAL;
		l->val[l->nval - 1].local = local;
	}
	return BV_OK;
}

static int push_const(struct bw_lower *l, uint8_t type, uint64_t k)
{
	BW_TRY(bw_push(l, type));
	if (!l->dead) {
		l->val[l->nval - 1].kind = BW_VAL_CONST;
		l->val[l->nval - 1].k = k;
	}
	return BV_OK;
}

/* The popped entry goes to the local. The instruction that just made it writes
 * there directly, unless an older value of the local is still wanted. */
static void assign(struct bw_lower *l, uint32_t local)
{
	uint32_t i = l->nval;

	if (l->dead)
		return;
	bw_local_unref(l, local);
	if (l->fwd != BW_NONE && l->val[i].kind == BW_VAL_TEMP &&
	    l->code[l->fwd].a == bw_slot(l, i))
		l->code[l->fwd].a = local;
	else
		bw_move_to(l, i, local);
	l->fwd = BW_NONE;
}

static int lower_local(struct bw_lower *l, uint8_t op)
{
	uint32_t local;

	BW_TRY(read_local(l, &local));
	if (op == 0x20)
		return push_local(l, local);
	BW_TRY(bw_pop(l, l->local_type[local], NULL));
	assign(l, local);
	return op == 0x22 ? push_local(l, local) : BV_OK;
}

static int lower_global(struct bw_lower *l, uint8_t op)
{
	const struct bw_global_type *g;
	uint32_t index;

	BW_TRY(bw_read_u32(&l->r, &index));
	if (index >= l->m->nglobals)
		return bw_bad(&l->r, "unknown global");
	g = &l->m->globals[index].type;
	if (op == 0x23)
		return bw_push_result(l, g->type,
				      bw_emit(l, BW_OP_GLOBAL_GET,
					      bw_slot(l, l->nval), index, 0));
	if (!g->is_mutable)
		return bw_bad(&l->r, "global is immutable");
	BW_TRY(bw_pop(l, g->type, NULL));
	(void)bw_emit(l, BW_OP_GLOBAL_SET, index, bw_operand(l, l->nval), 0);
	return BV_OK;
}

/* --- tables and memory ---------------------------------------------------- */

static int read_table(struct bw_lower *l, uint32_t *ret)
{
	BW_TRY(bw_read_u32(&l->r, ret));
	if (*ret >= l->m->ntables)
		return bw_bad(&l->r, "unknown table");
	return BV_OK;
}

static int lower_table_access(struct bw_lower *l, uint8_t op)
{
	uint32_t table, a, b;
	uint8_t type;

	BW_TRY(read_table(l, &table));
	type = l->m->tables[table].type;
	if (op == 0x25) {
		BW_TRY(bw_pop(l, BW_I32, NULL));
		b = bw_operand(l, l->nval);
		return bw_push_result(l, type,
				      bw_emit(l, BW_OP_TABLE_GET,
					      bw_slot(l, l->nval), b, table));
	}
	BW_TRY(bw_pop(l, type, NULL));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	a = bw_operand(l, l->nval);
	b = bw_operand(l, l->nval + 1);
	(void)bw_emit(l, BW_OP_TABLE_SET, a, b, table);
	return BV_OK;
}

static int zero_byte(struct bw_lower *l)
{
	uint8_t zero;

	BW_TRY(bw_read_u8(&l->r, &zero));
	if (zero != 0)
		return bw_bad(&l->r, "zero byte expected");
	if (!l->m->has_memory)
		return bw_bad(&l->r, "unknown memory");
	return BV_OK;
}

static int lower_memory_size(struct bw_lower *l, uint8_t op)
{
	uint32_t b;

	BW_TRY(zero_byte(l));
	if (op == 0x3f)
		return bw_push_result(
			l, BW_I32,
			bw_emit(l, BW_OP_MEM_SIZE, bw_slot(l, l->nval), 0, 0));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	b = bw_operand(l, l->nval);
	return bw_push_result(
		l, BW_I32,
		bw_emit(l, BW_OP_MEM_GROW, bw_slot(l, l->nval), b, 0));
}

/* Pop the three operands of a bulk operation and emit it; word_a, word_b go
 * into the second word unless op has none. */
static int emit_bulk(struct bw_lower *l, uint32_t op, uint8_t second,
		     bool has_word, uint32_t word_a, uint32_t word_b)
{
	uint32_t a, b, c;

	BW_TRY(bw_pop(l, BW_I32, NULL));
	BW_TRY(bw_pop(l, second, NULL));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	a = bw_operand(l, l->nval);
	b = bw_operand(l, l->nval + 1);
	c = bw_operand(l, l->nval + 2);
	(void)bw_emit(l, op, a, b, c);
	if (has_word)
		bw_emit_word(l, word_a, word_b);
	return BV_OK;
}

static int read_segment(struct bw_lower *l, bool is_data, uint32_t *ret)
{
	const struct bw_module *m = l->m;

	BW_TRY(bw_read_u32(&l->r, ret));
	if (is_data && !m->has_data_count)
		return bw_bad(&l->r, "data count section required");
	if (*ret >= (is_data ? m->ndatas : m->nelems))
		return bw_bad(&l->r, "unknown segment");
	return BV_OK;
}

static int lower_table_init(struct bw_lower *l)
{
	uint32_t segment, table;

	BW_TRY(read_segment(l, false, &segment));
	BW_TRY(read_table(l, &table));
	if (l->m->elems[segment].type != l->m->tables[table].type)
		return bw_type_bad(l, l->m->tables[table].type,
				   l->m->elems[segment].type);
	return emit_bulk(l, BW_OP_TABLE_INIT, BW_I32, true, table, segment);
}

static int lower_table_copy(struct bw_lower *l)
{
	uint32_t to, from;

	BW_TRY(read_table(l, &to));
	BW_TRY(read_table(l, &from));
	if (l->m->tables[to].type != l->m->tables[from].type)
		return bw_type_bad(l, l->m->tables[to].type,
				   l->m->tables[from].type);
	return emit_bulk(l, BW_OP_TABLE_COPY, BW_I32, true, to, from);
}

static int lower_table_grow(struct bw_lower *l)
{
	uint32_t table, b, c, insn;

	BW_TRY(read_table(l, &table));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	BW_TRY(bw_pop(l, l->m->tables[table].type, NULL));
	b = bw_operand(l, l->nval);
	c = bw_operand(l, l->nval + 1);
	insn = bw_emit(l, BW_OP_TABLE_GROW, bw_slot(l, l->nval), b, c);
	bw_emit_word(l, table, 0);
	return bw_push_result(l, BW_I32, insn);
}

int bw_lower_prefixed(struct bw_lower *l)
{
	uint32_t sub, x;

	BW_TRY(bw_read_u32(&l->r, &sub));
	if (sub < 8)
		return bw_lower_numeric(l, &bw_op_info[0x100 + sub]);
	switch (sub) {
	case 8:
		BW_TRY(read_segment(l, true, &x));
		BW_TRY(zero_byte(l));
		return emit_bulk(l, BW_OP_MEM_INIT, BW_I32, true, x, 0);
	case 9:
		BW_TRY(read_segment(l, true, &x));
		(void)bw_emit(l, BW_OP_DATA_DROP, x, 0, 0);
		return BV_OK;
	case 10:
		BW_TRY(zero_byte(l));
		BW_TRY(zero_byte(l));
		return emit_bulk(l, BW_OP_MEM_COPY, BW_I32, false, 0, 0);
	case 11:
		BW_TRY(zero_byte(l));
		return emit_bulk(l, BW_OP_MEM_FILL, BW_I32, false, 0, 0);
	case 12:
		return lower_table_init(l);
	case 13:
		BW_TRY(read_segment(l, false, &x));
		(void)bw_emit(l, BW_OP_ELEM_DROP, x, 0, 0);
		return BV_OK;
	case 14:
		return lower_table_copy(l);
	case 15:
		return lower_table_grow(l);
	case 16:
		BW_TRY(read_table(l, &x));
		return bw_push_result(l, BW_I32,
				      bw_emit(l, BW_OP_TABLE_SIZE,
					      bw_slot(l, l->nval), x, 0));
	case 17:
		BW_TRY(read_table(l, &x));
		return emit_bulk(l, BW_OP_TABLE_FILL, l->m->tables[x].type,
				 true, x, 0);
	default:
		return bw_bad(&l->r, "illegal opcode");
	}
}

/* --- references, constants ------------------------------------------------ */

/* eqz and ref.is_null: equality with an immediate zero. */
static int lower_eqz(struct bw_lower *l, uint8_t op)
{
	uint32_t reg_op = op == 0x45 ? BW_OP_I32_EQ_I : BW_OP_I64_EQ_I;
	uint32_t b;
	uint8_t type;

	if (op == 0xd1) {
		BW_TRY(bw_pop(l, BW_ANY, &type));
		if (type != BW_ANY && !bw_is_ref(type))
			return bw_type_bad(l, BW_EXTERNREF, type);
	} else {
		BW_TRY(bw_pop(l, op == 0x45 ? BW_I32 : BW_I64, NULL));
	}
	b = bw_operand(l, l->nval);
	return bw_push_result(l, BW_I32,
			      bw_emit(l, reg_op, bw_slot(l, l->nval), b, 0));
}

static int lower_ref(struct bw_lower *l, uint8_t op)
{
	uint32_t func;
	uint8_t type;

	if (op == 0xd0) {
		BW_TRY(bw_read_valtype(&l->r, &type));
		if (!bw_is_ref(type))
			return bw_bad(&l->r, "malformed reference type");
		return push_const(l, type, 0);
	}
	BW_TRY(bw_read_u32(&l->r, &func));
	if (func >= l->m->nfuncs)
		return bw_bad(&l->r, "unknown function");
	if (!l->m->func_declared[func])
		return bw_bad(&l->r, "undeclared function reference");
	return bw_push_result(
		l, BW_FUNCREF,
		bw_emit(l, BW_OP_REF_FUNC, bw_slot(l, l->nval), func, 0));
}

static int lower_const(struct bw_lower *l, uint8_t op)
{
	uint32_t v32;
	uint64_t v;

	switch (op) {
	case 0x41:
		BW_TRY(bw_read_s32(&l->r, &v32));
		return push_const(l, BW_I32, v32);
	case 0x42:
		BW_TRY(bw_read_s64(&l->r, &v));
		return push_const(l, BW_I64, v);
	case 0x43:
		BW_TRY(bw_read_f32(&l->r, &v32));
		return push_const(l, BW_F32, v32);
	default:
		BW_TRY(bw_read_f64(&l->r, &v));
		return push_const(l, BW_F64, v);
	}
}

int bw_lower_misc(struct bw_lower *l, uint8_t op, bool *ret_known)
{
	switch (op) {
	case 0x1a:
		return bw_pop(l, BW_ANY, NULL);
	case 0x1b:
	case 0x1c:
		return lower_select(l, op == 0x1c);
	case 0x20:
	case 0x21:
	case 0x22:
		return lower_local(l, op);
	case 0x23:
	case 0x24:
		return lower_global(l, op);
	case 0x25:
	case 0x26:
		return lower_table_access(l, op);
	case 0x3f:
	case 0x40:
		return lower_memory_size(l, op);
	case 0x41:
	case 0x42:
	case 0x43:
	case 0x44:
		return lower_const(l, op);
	case 0x45:
	case 0x50:
	case 0xd1:
		return lower_eqz(l, op);
	case 0xd0:
	case 0xd2:
		return lower_ref(l, op);
	default:
		*ret_known = false;
		return BV_OK;
	}
}
