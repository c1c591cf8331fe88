/* SPDX-License-Identifier: MIT */
/* Blocks, branches, calls and returns. */
#include "wasm/lower.h"
#include "wasm/module.h"

#define OP_UNREACHABLE   0x00
#define OP_NOP           0x01
#define OP_BLOCK         0x02
#define OP_LOOP          0x03
#define OP_IF            0x04
#define OP_ELSE          0x05
#define OP_END           0x0b
#define OP_BR            0x0c
#define OP_BR_IF         0x0d
#define OP_BR_TABLE      0x0e
#define OP_RETURN        0x0f
#define OP_CALL          0x10
#define OP_CALL_INDIRECT 0x11

static struct bw_ctl *top(struct bw_lower *l)
{
	return &l->ctl[l->nctl - 1];
}

static void set_dead(struct bw_lower *l)
{
	l->nval = top(l)->height;
	top(l)->poly = true;
	l->dead = true;
	l->fwd = BW_NONE;
}

/* --- conditions ----------------------------------------------------------- */

/* Pop an i32. A compare that was just emitted for it is taken back and becomes
 * the branch itself. */
static int take_cond(struct bw_lower *l, struct bw_cond *ret)
{
	uint32_t fwd = l->fwd;

	*ret = (struct bw_cond){ BW_OP_BRNZ, BW_OP_BRZ, 0, 0 };
	BW_TRY(bw_pop(l, BW_I32, NULL));
	if (l->dead)
		return BV_OK;
	if (fwd != BW_NONE && l->val[l->nval].kind == BW_VAL_TEMP &&
	    l->code[fwd].a == bw_slot(l, l->nval) &&
	    bw_branch_info[l->code[fwd].op].br != 0) {
		const struct bw_insn *cmp = &l->code[fwd];

		*ret = (struct bw_cond){ bw_branch_info[cmp->op].br,
					 bw_branch_info[cmp->op].inv, cmp->b,
					 cmp->c };
		l->ncode--;
		l->fwd = BW_NONE;
		return BV_OK;
	}
	ret->b = bw_operand(l, l->nval);
	return BV_OK;
}

static uint32_t emit_cond(struct bw_lower *l, const struct bw_cond *cond,
			  bool when)
{
	return bw_emit(l, when ? cond->op : cond->inv, 0, cond->b, cond->c);
}

/* --- labels --------------------------------------------------------------- */

static uint32_t label_arity(const struct bw_ctl *ctl, const uint8_t **ret_types)
{
	*ret_types = ctl->op == OP_LOOP ? ctl->in : ctl->out;
	return ctl->op == OP_LOOP ? ctl->nin : ctl->nout;
}

static void jump_to(struct bw_lower *l, struct bw_ctl *ctl, uint32_t insn)
{
	if (insn == BW_NONE)
		return;
	if (ctl->op == OP_LOOP)
		l->code[insn].a = ctl->loop_at - insn;
	else
		bw_patch_add(l, &ctl->patch, insn);
}

/* Several values must be temporaries before a condition is looked at. */
static bool moves_needed(const struct bw_lower *l, const struct bw_ctl *ctl,
			 uint32_t n)
{
	const struct bw_val *v;

	if (n == 0)
		return false;
	v = &l->val[l->nval - 1];
	return ctl->height + n != l->nval || (n == 1 && v->kind != BW_VAL_TEMP);
}

/* Moving many values is work of its own, as zeroing locals is. */
static void charge_values(struct bw_lower *l, uint32_t n)
{
	bw_charge(l, n / 16);
}

/* Put the top n entries where ctl's label expects them. Ascending order never
 * overwrites a source: each goes down or stays. */
static void move_values(struct bw_lower *l, const struct bw_ctl *ctl,
			uint32_t n)
{
	uint32_t to = bw_slot(l, ctl->height);

	if (l->dead || n == 0)
		return;
	if (n == 1)
		bw_move_to(l, l->nval - 1, to);
	else if (bw_slot(l, l->nval - n) != to)
		(void)bw_emit(l, BW_OP_COPYN, to, bw_slot(l, l->nval - n), n);
}

static int read_label(struct bw_lower *l, struct bw_ctl **ret)
{
	uint32_t depth;

	BW_TRY(bw_read_u32(&l->r, &depth));
	if (depth >= l->nctl)
		return bw_bad(&l->r, "unknown label");
	*ret = &l->ctl[l->nctl - 1 - depth];
	return BV_OK;
}

/* Types of the top entries against a label, which stay on the stack. In live
 * code their places are not touched; in dead code they become temporaries. */
static int check_label(struct bw_lower *l, const struct bw_ctl *ctl,
		       bool keep_any)
{
	const uint8_t *types;
	uint32_t i, n = label_arity(ctl, &types);
	uint32_t height = top(l)->height, at;

	for (i = 0; i < n; i++) {
		uint8_t want = types[n - 1 - i], got = BW_ANY;

		if (l->nval - height > i)
			got = l->val[l->nval - 1 - i].type;
		else if (!top(l)->poly)
			return bv_fail(l->r.err, BV_E_CONF,
				       "type mismatch: expected %s, the stack "
				       "is empty, offset 0x%x",
				       bw_type_name(want), l->op_at);
		if (got != BW_ANY && got != want)
			return bw_type_bad(l, want, got);
	}
	if (!top(l)->poly || keep_any)
		return BV_OK;
	at = l->nval - height < n ? height : l->nval - n;
	l->nval = at;
	for (i = 0; i < n; i++)
		BW_TRY(bw_push(l, types[i]));
	return BV_OK;
}

static int lower_br(struct bw_lower *l)
{
	const uint8_t *types;
	struct bw_ctl *ctl = l->ctl;
	uint32_t n;

	BW_TRY(read_label(l, &ctl));
	BW_TRY(check_label(l, ctl, true));
	if (ctl == l->ctl && !l->dead)
		return bw_lower_return(l);
	n = label_arity(ctl, &types);
	if (n > 1)
		bw_flush_top(l, n);
	if (!l->dead && moves_needed(l, ctl, n))
		charge_values(l, n);
	move_values(l, ctl, n);
	jump_to(l, ctl, bw_emit(l, BW_OP_BR, 0, 0, 0));
	set_dead(l);
	return BV_OK;
}

static int lower_br_if(struct bw_lower *l)
{
	const uint8_t *types;
	struct bw_cond cond;
	struct bw_ctl *ctl = l->ctl;
	uint32_t n, skip, list = BW_NONE;

	BW_TRY(read_label(l, &ctl));
	BW_TRY(take_cond(l, &cond));
	BW_TRY(check_label(l, ctl, false));
	if (l->dead)
		return BV_OK;
	n = label_arity(ctl, &types);
	if (n > 1)
		bw_flush_top(l, n);
	if (!moves_needed(l, ctl, n)) {
		jump_to(l, ctl, emit_cond(l, &cond, true));
		return BV_OK;
	}
	skip = emit_cond(l, &cond, false);
	bw_patch_add(l, &list, skip);
	charge_values(l, n);
	move_values(l, ctl, n);
	jump_to(l, ctl, bw_emit(l, BW_OP_BR, 0, 0, 0));
	bw_patch_to(l, list, l->ncode);
	l->fwd = BW_NONE;
	return BV_OK;
}

/* The words of a table first, each a branch; then, for labels whose values
 * must move, a stub that the word goes to. */
static int lower_br_table(struct bw_lower *l)
{
	struct bw_reader again;
	const uint8_t *types;
	struct bw_ctl *ctl = l->ctl;
	uint32_t i, n, count, first, slot;
	bool moves = false;

	BW_TRY(bw_read_count(&l->r, 1, &count));
	BW_TRY(bw_pop(l, BW_I32, NULL));
	slot = bw_operand(l, l->nval);
	again = l->r;
	for (i = 0; i <= count; i++)
		BW_TRY(read_label(l, &ctl));
	n = label_arity(ctl, &types);
	bw_flush_top(l, l->dead || l->nval < n ? 0 : n);
	l->r = again;
	(void)bw_emit(l, BW_OP_BR_TABLE, slot, count, 0);
	first = l->ncode;
	for (i = 0; i <= count && l->failed == BV_OK; i++)
		(void)bw_emit(l, BW_OP_BR, 0, 0, 0);
	for (i = 0; i <= count; i++) {
		uint32_t stub = BW_NONE;

		BW_TRY(read_label(l, &ctl));
		if (label_arity(ctl, &types) != n)
			return bw_bad(&l->r, "type mismatch: labels of "
					     "different arity");
		BW_TRY(check_label(l, ctl, true));
		if (l->dead)
			continue;
		if (!moves_needed(l, ctl, n)) {
			jump_to(l, ctl, first + i);
			continue;
		}
		moves = true;
		bw_patch_add(l, &stub, first + i);
		bw_patch_to(l, stub, l->ncode);
		move_values(l, ctl, n);
		jump_to(l, ctl, bw_emit(l, BW_OP_BR, 0, 0, 0));
	}
	/* Once: one of them is taken. */
	if (moves)
		charge_values(l, n);
	set_dead(l);
	return BV_OK;
}

/* --- blocks --------------------------------------------------------------- */

static const uint8_t *one_type(uint8_t type)
{
	static const uint8_t types[] = { BW_I32, BW_I64,     BW_F32,
					 BW_F64, BW_FUNCREF, BW_EXTERNREF };
	uint32_t i;

	for (i = 0; i + 1 < BV_LEN(types); i++)
		if (types[i] == type)
			break;
	return &types[i];
}

static int read_block_type(struct bw_lower *l, struct bw_ctl *ctl)
{
	struct bw_reader *r = &l->r;
	const struct bw_sig *sig;
	int64_t index;
	uint8_t type;

	if (bw_left(r) > 0 && *r->p == 0x40) {
		r->p++;
		return BV_OK;
	}
	if (bw_left(r) > 0 && (*r->p & 0xc0) == 0x40) {
		BW_TRY(bw_read_valtype(r, &type));
		ctl->out = one_type(type);
		ctl->nout = 1;
		return BV_OK;
	}
	BW_TRY(bw_read_s33(r, &index));
	if (index < 0 || index >= l->m->ntypes)
		return bw_bad(r, "unknown type");
	sig = &l->m->types[index];
	ctl->nin = sig->nparams;
	ctl->in = sig->types;
	ctl->nout = sig->nresults;
	ctl->out = sig->types + sig->nparams;
	return BV_OK;
}

static int lower_block(struct bw_lower *l, uint8_t op)
{
	struct bw_ctl ctl = { .op = op,
			      .patch = BW_NONE,
			      .else_patch = BW_NONE,
			      .dead_entry = l->dead };
	struct bw_cond cond = { 0 };

	BW_TRY(read_block_type(l, &ctl));
	if (op == OP_IF)
		BW_TRY(take_cond(l, &cond));
	bw_flush(l);
	BW_TRY(bw_pop_many(l, ctl.in, ctl.nin));
	ctl.height = l->nval;
	if (op == OP_IF)
		bw_patch_add(l, &ctl.else_patch, emit_cond(l, &cond, false));
	if (op == OP_LOOP)
		ctl.loop_at = bw_label(l);
	l->fwd = BW_NONE;
	BW_TRY(bw_ctl_push(l, &ctl));
	return bw_push_many(l, ctl.in, ctl.nin);
}

/* The results of the innermost block, exactly, in their own slots. */
static int close_results(struct bw_lower *l)
{
	const struct bw_ctl *ctl = top(l);

	if (!l->dead)
		bw_flush_top(l, ctl->nout > l->nval ? l->nval : ctl->nout);
	BW_TRY(bw_pop_many(l, ctl->out, ctl->nout));
	if (l->nval != ctl->height)
		return bv_fail(l->r.err, BV_E_CONF,
			       "type mismatch: values remain at the end of "
			       "the block, offset 0x%x",
			       l->op_at);
	return BV_OK;
}

static int lower_else(struct bw_lower *l)
{
	struct bw_ctl *ctl = top(l);

	if (ctl->op != OP_IF)
		return bw_bad(&l->r, "else without if");
	BW_TRY(close_results(l));
	bw_patch_add(l, &ctl->patch, bw_emit(l, BW_OP_BR, 0, 0, 0));
	l->dead = ctl->dead_entry;
	bw_patch_to(l, ctl->else_patch, bw_label(l));
	ctl->else_patch = BW_NONE;
	ctl->op = OP_ELSE;
	ctl->poly = false;
	return bw_push_many(l, ctl->in, ctl->nin);
}

static int same_types(struct bw_lower *l, const struct bw_ctl *ctl)
{
	uint32_t i;

	if (ctl->nin != ctl->nout)
		return bw_bad(&l->r, "type mismatch: if without else");
	for (i = 0; i < ctl->nin; i++)
		if (ctl->in[i] != ctl->out[i])
			return bw_type_bad(l, ctl->out[i], ctl->in[i]);
	return BV_OK;
}

static void emit_return(struct bw_lower *l, uint32_t n)
{
	uint32_t first = l->nval - n;

	if (n == 0)
		(void)bw_emit(l, BW_OP_RET0, 0, 0, 0);
	else if (n == 1)
		(void)bw_emit(l, BW_OP_RET1, 0, bw_operand(l, first), 0);
	else
		(void)bw_emit(l, BW_OP_RETN, 0, bw_slot(l, first), n);
	charge_values(l, n);
}

int bw_lower_return(struct bw_lower *l)
{
	uint32_t n = l->sig->nresults;

	BW_TRY(check_label(l, l->ctl, true));
	if (!l->dead) {
		if (n > 1)
			bw_flush_top(l, n);
		emit_return(l, n);
	}
	set_dead(l);
	return BV_OK;
}

static int end_function(struct bw_lower *l)
{
	struct bw_ctl *ctl = l->ctl;

	if (ctl->patch == BW_NONE) {
		BW_TRY(check_label(l, ctl, true));
		if (!l->dead) {
			if (ctl->nout > 1)
				bw_flush_top(l, ctl->nout);
			if (l->nval != ctl->nout)
				return close_results(l);
			emit_return(l, ctl->nout);
			l->dead = true;
		}
		BW_TRY(close_results(l));
	} else {
		BW_TRY(close_results(l));
		l->dead = false;
		bw_patch_to(l, ctl->patch, bw_label(l));
		BW_TRY(bw_push_many(l, ctl->out, ctl->nout));
		emit_return(l, ctl->nout);
	}
	l->nctl = 0;
	return BV_OK;
}

static int lower_end(struct bw_lower *l)
{
	struct bw_ctl *ctl = top(l);
	const uint8_t *out = ctl->out;
	uint32_t nout = ctl->nout;

	if (l->nctl == 1)
		return end_function(l);
	if (ctl->op == OP_IF)
		BW_TRY(same_types(l, ctl));
	BW_TRY(close_results(l));
	if (ctl->op == OP_IF && ctl->else_patch != BW_NONE) {
		/* Two lists become one: the false branch skips the arm. */
		uint32_t arm = ctl->else_patch;

		bw_patch_add(l, &ctl->patch, arm);
	}
	if (ctl->patch != BW_NONE) {
		l->dead = false;
		bw_patch_to(l, ctl->patch, bw_label(l));
	} else if (ctl->op == OP_LOOP) {
		/* What follows is not paid again by every turn. */
		(void)bw_label(l);
	}
	l->fwd = BW_NONE;
	l->nctl--;
	return bw_push_many(l, out, nout);
}

/* --- calls ---------------------------------------------------------------- */

static int call_args(struct bw_lower *l, const struct bw_sig *sig,
		     uint32_t *ret_base)
{
	if (!l->dead && l->nval >= sig->nparams)
		bw_flush_top(l, sig->nparams);
	if (sig->nresults > 1)
		bw_flush(l);
	BW_TRY(bw_pop_many(l, sig->types, sig->nparams));
	*ret_base = bw_slot(l, l->nval);
	return BV_OK;
}

static int lower_call(struct bw_lower *l)
{
	const struct bw_module *m = l->m;
	const struct bw_sig *sig;
	uint32_t func, base;

	BW_TRY(bw_read_u32(&l->r, &func));
	if (func >= m->nfuncs)
		return bw_bad(&l->r, "unknown function");
	sig = bw_func_sig(m, func);
	BW_TRY(call_args(l, sig, &base));
	if (func < m->nimport_funcs)
		(void)bw_emit(l, BW_OP_CALL_IMPORT, func, base, 0);
	else
		(void)bw_emit(l, BW_OP_CALL, func - m->nimport_funcs, base, 0);
	return bw_push_many(l, sig->types + sig->nparams, sig->nresults);
}

static int lower_call_indirect(struct bw_lower *l)
{
	const struct bw_module *m = l->m;
	const struct bw_sig *sig;
	uint32_t type, table, base, slot;

	BW_TRY(bw_read_u32(&l->r, &type));
	BW_TRY(bw_read_u32(&l->r, &table));
	if (table >= m->ntables)
		return bw_bad(&l->r, "unknown table");
	if (m->tables[table].type != BW_FUNCREF)
		return bw_type_bad(l, BW_FUNCREF, m->tables[table].type);
	if (type >= m->ntypes)
		return bw_bad(&l->r, "unknown type");
	sig = &m->types[type];
	BW_TRY(bw_pop(l, BW_I32, NULL));
	slot = bw_operand(l, l->nval);
	BW_TRY(call_args(l, sig, &base));
	(void)bw_emit(l, BW_OP_CALL_INDIRECT, type, base, slot);
	bw_emit_word(l, table, 0);
	return bw_push_many(l, sig->types + sig->nparams, sig->nresults);
}

int bw_lower_ctl(struct bw_lower *l, uint8_t op, bool *ret_known)
{
	switch (op) {
	case OP_UNREACHABLE:
		(void)bw_emit(l, BW_OP_UNREACHABLE, 0, 0, 0);
		set_dead(l);
		return BV_OK;
	case OP_NOP:
		return BV_OK;
	case OP_BLOCK:
	case OP_LOOP:
	case OP_IF:
		return lower_block(l, op);
	case OP_ELSE:
		return lower_else(l);
	case OP_END:
		return lower_end(l);
	case OP_BR:
		return lower_br(l);
	case OP_BR_IF:
		return lower_br_if(l);
	case OP_BR_TABLE:
		return lower_br_table(l);
	case OP_RETURN:
		return bw_lower_return(l);
	case OP_CALL:
		return lower_call(l);
	case OP_CALL_INDIRECT:
		return lower_call_indirect(l);
	default:
		*ret_known = false;
		return BV_OK;
	}
}
