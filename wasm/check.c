/* SPDX-License-Identifier: MIT */
/* -DBW_CHECK: every slot of every instruction is asserted before it runs. */
#include "wasm/internal.h"

#ifdef BW_CHECK
#define A 1
#define B 2
#define C 4
#define J 8
#define W 16

static const uint8_t format_of[BW_OP_N] = {
#define BW_CODE(NAME, format) [BW_OP_##NAME] = (format),
#include "wasm/code.def"
#define BW_UN(opcode, NAME, in, out, expr)            [BW_OP_##NAME] = A | B,
#define BW_UN_TRAP(opcode, NAME, in, out, trap, expr) [BW_OP_##NAME] = A | B,
#define BW_BIN(opcode, NAME, in, out, expr)           [BW_OP_##NAME] = A | B | C,
#define BW_INT(opcode, NAME, type, commutes, expr)                             \
	[BW_OP_##NAME] = A | B | C, [BW_OP_##NAME##_I] = A | B,
#define BW_INT_TRAP(opcode, NAME, type, trap, expr)                            \
	[BW_OP_##NAME] = A | B | C, [BW_OP_##NAME##_I] = A | B,
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	[BW_OP_##NAME] = A | B | C, [BW_OP_##NAME##_I] = A | B,                \
	[BW_OP_BR_##NAME] = J | B | C, [BW_OP_BR_##NAME##_I] = J | B,
#define BW_LOAD(opcode, NAME, type, ctype, align, as, expr)                    \
	[BW_OP_##NAME] = A | B,
#define BW_STORE(opcode, NAME, type, ctype, align) [BW_OP_##NAME] = A | B,
#include "wasm/ops.def"
};

static void must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

/* The distances are of the handlers; back to the name of the instruction. */
static uint32_t op_of(const struct bw_store *st, int32_t distance)
{
	uint32_t op;

	for (op = 0; op < BW_OP_N; op++)
		if (st->distance[op] == distance)
			return op;
	__builtin_trap();
}

void bw_exec_check(const struct bw_store *st, const struct bw_frame *fr,
		   const struct bw_insn *ip, const uint64_t *slots)
{
	const struct bw_code *code = fr->func->code;
	uint32_t op, format, n = code->nslots;
	size_t at, end = code->ninsns;

	if (ip == st->halt)
		return;
	must(ip >= code->insns && ip < code->insns + end);
	must(slots >= st->stack &&
	     slots + n <= st->stack + st->limits.stack_slots);
	at = (size_t)(ip - code->insns);
	op = op_of(st, ip->op);
	format = format_of[op];
	must(op != BW_OP_ILLEGAL);
	must((format & A) == 0 || ip->a < n);
	must((format & B) == 0 || ip->b < n);
	must((format & C) == 0 || ip->c < n);
	must((format & W) == 0 || at + 1 < end);
	if ((format & J) != 0)
		must((int64_t)at + (int32_t)ip->a >= 0 &&
		     (int64_t)at + (int32_t)ip->a < (int64_t)end);
	if (op == BW_OP_SELECT)
		must(ip[1].a < n);
	if (op == BW_OP_COPYN)
		must((uint64_t)ip->a + ip->c <= n &&
		     (uint64_t)ip->b + ip->c <= n);
	if (op == BW_OP_RETN)
		must((uint64_t)ip->b + ip->c <= n && ip->c <= n);
	if (op == BW_OP_BR_TABLE)
		must(at + 1 + ip->b < end);
	if (op == BW_OP_CALL || op == BW_OP_CALL_IMPORT ||
	    op == BW_OP_CALL_INDIRECT)
		must(ip->b <= n);
}
#else
typedef int bw_check_is_off; /* a translation unit is never empty */
#endif
