/* SPDX-License-Identifier: MIT */
/*
 * The executor: one function, one handler per register instruction, reached
 * by computed goto over the signed 32-bit distance that each instruction
 * carries. Guest calls push a frame of the store, never one of C. Lowering
 * guarantees that every slot lies in its frame (BW_CHECK asserts it); memory,
 * tables, stack and fuel are checked here.
 */
#include "wasm/internal.h"
#include "wasm/numeric.h"

/* Labels are void pointers; their distances are the point of this file. */
#pragma GCC diagnostic ignored "-Wpointer-arith"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The interrupt flag is looked at when this much fuel is used up; a turn. */
#define FUEL_SLICE ((uint64_t)1 << 20)

#define T_i32    uint32_t
#define T_i64    uint64_t
#define T_f32    float
#define T_f64    double
#define R_i32(v) ((uint32_t)(v))
#define R_i64(v) (v)
#define R_f32(v) bw_f32_of((uint32_t)(v))
#define R_f64(v) bw_f64_of(v)
#define W_i32(v) ((uint64_t)(uint32_t)(v))
#define W_i64(v) ((uint64_t)(v))
#define W_f32(v) ((uint64_t)bw_bits_of_f32(v))
#define W_f64(v) bw_bits_of_f64(v)
/* An immediate operand: i64 ones are sign-extended from 32 bits. */
#define IMM_i32(v) (v)
#define IMM_i64(v) ((uint64_t)(int64_t)(int32_t)(v))

/* What a run of handlers keeps in registers, saved when it stops. */
struct regs {
	const struct bw_insn *ip;
	uint64_t *s;
	struct bw_frame *fr;
	int64_t fuel;
};

static int64_t take_slice(struct bw_store *st)
{
	uint64_t slice =
		st->fuel_left < FUEL_SLICE ? st->fuel_left : FUEL_SLICE;

	st->fuel_left -= slice;
	return (int64_t)slice;
}

/* *fuel went below zero: pay the debt and go on, or say why not. */
static enum bw_trap refill(struct bw_store *st, int64_t *fuel)
{
	uint64_t debt = (uint64_t) - *fuel;

	*fuel = 0;
	if (debt > st->fuel_left) {
		st->fuel_left = 0;
		return BW_TRAP_FUEL;
	}
	st->fuel_left -= debt;
	if (bw_interrupted(st))
		return BW_TRAP_INTERRUPTED;
	*fuel = take_slice(st);
	return BW_TRAP_NONE;
}

static void set_trap(struct bw_store *st, enum bw_trap trap,
		     const struct bw_frame *fr, const struct bw_insn *ip)
{
	const struct bw_func *f = fr->func;
	size_t at = (size_t)(ip - f->code->insns);

	st->trap = (struct bw_trap_info){
		.trap = trap,
		.module = f->inst->module,
		.func = f->index,
		.offset = at < f->code->ninsns ? f->code->pos[at] : 0,
	};
}

#ifdef BW_CHECK
#define CHECK() bw_exec_check(st, fr, ip, s)
#else
#define CHECK() ((void)0)
#endif

#define DISPATCH()                                                             \
	do {                                                                   \
		CHECK();                                                       \
		goto *(&&L_BR + ip->op);                                       \
	} while (0)
#define STEP(n)                                                                \
	do {                                                                   \
		ip += (n);                                                     \
		DISPATCH();                                                    \
	} while (0)
#define NEXT()  STEP(1)
#define NEXT2() STEP(2)
#define JUMP()                                                                 \
	do {                                                                   \
		ip += (int32_t)ip->a;                                          \
		DISPATCH();                                                    \
	} while (0)
#define TRAP(why)                                                              \
	do {                                                                   \
		trap = (why);                                                  \
		goto trapped;                                                  \
	} while (0)
#define TRY(expr)                                                              \
	do {                                                                   \
		trap = (expr);                                                 \
		if (UNLIKELY(trap != BW_TRAP_NONE))                            \
			goto trapped;                                          \
	} while (0)
#define CHARGE(n)                                                              \
	do {                                                                   \
		fuel -= (int64_t)(n);                                          \
		if (UNLIKELY(fuel < 0))                                        \
			TRY(refill(st, &fuel));                                \
	} while (0)
/* Where a block begins; a turn that ends here goes on at go_on. */
#define CHARGE_BLOCK(n, go_on)                                                 \
	do {                                                                   \
		fuel -= (int64_t)(n);                                          \
		if (UNLIKELY(fuel < 0)) {                                      \
			TRY(refill(st, &fuel));                                \
			if (st->turns) {                                       \
				ip = (go_on);                                  \
				goto turn_over;                                \
			}                                                      \
		}                                                              \
	} while (0)
#define RELOAD()                                                               \
	do {                                                                   \
		mem = inst->memory == NULL ? NULL : inst->memory->base;        \
		mem_bytes = inst->memory == NULL ? 0 : inst->memory->bytes;    \
	} while (0)
/* The end of an access: computed in 64 bits, so it cannot wrap. */
#define ADDRESS(size)                                                          \
	uint64_t ea = (uint64_t)(uint32_t)s[ip->b] + ip->c;                    \
	if (UNLIKELY(ea + (size) > mem_bytes))                                 \
	TRAP(BW_TRAP_MEMORY)
#define A s[ip->a]
#define B s[ip->b]
#define C s[ip->c]

/* With st NULL only the handlers' distances are returned. noclone, noinline:
 * a copy would have other distances. */
__attribute__((noinline, noclone)) static const int32_t *
run(struct bw_store *st, struct regs *regs, enum bw_outcome *ret_outcome)
{
	static const int32_t distance[BW_OP_N] = {
#define HANDLER(NAME)         [BW_OP_##NAME] = (int32_t)(&&L_##NAME - &&L_BR),
#define BW_CODE(NAME, format) HANDLER(NAME)
#include "wasm/code.def"
#define BW_UN(opcode, NAME, in, out, expr)            HANDLER(NAME)
#define BW_UN_TRAP(opcode, NAME, in, out, trap, expr) HANDLER(NAME)
#define BW_BIN(opcode, NAME, in, out, expr)           HANDLER(NAME)
#define BW_INT(opcode, NAME, type, commutes, expr)                             \
	HANDLER(NAME) HANDLER(NAME##_I)
#define BW_INT_TRAP(opcode, NAME, type, trap, expr)                            \
	HANDLER(NAME) HANDLER(NAME##_I)
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	HANDLER(NAME)                                                          \
	HANDLER(NAME##_I) HANDLER(BR_##NAME) HANDLER(BR_##NAME##_I)
#define BW_LOAD(opcode, NAME, type, ctype, align, as, expr) HANDLER(NAME)
#define BW_STORE(opcode, NAME, type, ctype, align)          HANDLER(NAME)
#include "wasm/ops.def"
	};
	const struct bw_insn *ip, *ret_ip;
	const uint64_t *stack_end;
	struct bw_frame *fr, *fr_end;
	struct bw_instance *inst;
	const struct bw_func *f;
	uint64_t *s, *ns;
	uint8_t *mem;
	uint64_t mem_bytes;
	int64_t fuel;
	enum bw_trap trap;

	if (st == NULL)
		return distance;
	ip = regs->ip;
	s = regs->s;
	fr = regs->fr;
	fuel = regs->fuel;
	stack_end = st->stack + st->limits.stack_slots;
	fr_end = st->frames + st->limits.call_depth;
	inst = fr->func->inst;
	RELOAD();
	DISPATCH();

/* --- from ops.def --- */
#define BW_UN(opcode, NAME, in, out, expr)                                     \
	L_##NAME:                                                              \
	{                                                                      \
		T_##in x = R_##in(B);                                          \
		A = W_##out(expr);                                             \
		NEXT();                                                        \
	}
#define BW_UN_TRAP(opcode, NAME, in, out, check, expr)                         \
	L_##NAME:                                                              \
	{                                                                      \
		T_##in x = R_##in(B);                                          \
		TRY(check);                                                    \
		A = W_##out(expr);                                             \
		NEXT();                                                        \
	}
#define BINARY(NAME, in, out, yval, expr)                                      \
	L_##NAME:                                                              \
	{                                                                      \
		T_##in x = R_##in(B), y = yval;                                \
		A = W_##out(expr);                                             \
		NEXT();                                                        \
	}
#define BRANCH(NAME, type, yval, expr)                                         \
	L_##NAME:                                                              \
	{                                                                      \
		T_##type x = R_##type(B), y = yval;                            \
		if (expr)                                                      \
			JUMP();                                                \
		NEXT();                                                        \
	}
#define BINARY_TRAP(NAME, type, yval, check, expr)                             \
	L_##NAME:                                                              \
	{                                                                      \
		T_##type x = R_##type(B), y = yval;                            \
		TRY(check);                                                    \
		A = W_##type(expr);                                            \
		NEXT();                                                        \
	}
#define BW_BIN(opcode, NAME, in, out, expr)                                    \
	BINARY(NAME, in, out, R_##in(C), expr)
#define BW_INT(opcode, NAME, type, commutes, expr)                             \
	BINARY(NAME, type, type, R_##type(C), expr)                            \
	BINARY(NAME##_I, type, type, IMM_##type(ip->c), expr)
#define BW_INT_TRAP(opcode, NAME, type, check, expr)                           \
	BINARY_TRAP(NAME, type, R_##type(C), check, expr)                      \
	BINARY_TRAP(NAME##_I, type, IMM_##type(ip->c), check, expr)
#define BW_CMP(opcode, NAME, type, INVERSE, expr)                              \
	BINARY(NAME, type, i32, R_##type(C), expr)                             \
	BINARY(NAME##_I, type, i32, IMM_##type(ip->c), expr)                   \
	BRANCH(BR_##NAME, type, R_##type(C), expr)                             \
	BRANCH(BR_##NAME##_I, type, IMM_##type(ip->c), expr)
#define BW_LOAD(opcode, NAME, type, ctype, align, as, expr)                    \
	L_##NAME:                                                              \
	{                                                                      \
		ctype v;                                                       \
		ADDRESS(sizeof(v));                                            \
		memcpy(&v, mem + ea, sizeof(v));                               \
		A = W_##as(expr);                                              \
		NEXT();                                                        \
	}
#define BW_STORE(opcode, NAME, type, ctype, align)                             \
	L_##NAME:                                                              \
	{                                                                      \
		ctype v = (ctype)A;                                            \
		ADDRESS(sizeof(v));                                            \
		memcpy(mem + ea, &v, sizeof(v));                               \
		NEXT();                                                        \
	}
#include "wasm/ops.def"

	/* --- control --- */
L_UNREACHABLE:
	TRAP(BW_TRAP_UNREACHABLE);
L_FUEL:
	CHARGE_BLOCK(ip->a, ip + 1);
	NEXT();
L_BR:
	JUMP();
L_BRZ:
	if ((uint32_t)B == 0)
		JUMP();
	NEXT();
L_BRNZ:
	if ((uint32_t)B != 0)
		JUMP();
	NEXT();
L_BR_TABLE : {
	uint32_t i = (uint32_t)A;

	ip += 1 + (size_t)(i < ip->b ? i : ip->b);
	JUMP();
}
L_COPY:
	A = B;
	NEXT();
L_COPYN : {
	uint64_t *to = &A;
	const uint64_t *from = &B;
	uint32_t i, n = ip->c;

	for (i = 0; i < n; i++)
		to[i] = from[i];
	NEXT();
}
L_CONST:
	A = (uint64_t)ip->c << 32 | ip->b;
	NEXT();
L_SELECT:
	A = (uint32_t)s[ip[1].a] != 0 ? B : C;
	NEXT2();

	/* --- calls --- */
L_CALL:
	f = &inst->own_funcs[ip->a];
	ns = s + ip->b;
	ret_ip = ip + 1;
	goto enter;
L_CALL_IMPORT:
	f = inst->funcs[ip->a];
	ns = s + ip->b;
	ret_ip = ip + 1;
	goto call_any;
L_CALL_INDIRECT : {
	const struct bw_table *table = inst->tables[ip[1].a];
	uint32_t i = (uint32_t)C;

	if (UNLIKELY(i >= table->n))
		TRAP(BW_TRAP_UNDEFINED_ELEMENT);
	f = (const struct bw_func *)(uintptr_t)table->v[i];
	if (UNLIKELY(f == NULL))
		TRAP(BW_TRAP_NULL_ELEMENT);
	if (UNLIKELY(!bw_sig_equal(f->sig, &inst->module->types[ip->a])))
		TRAP(BW_TRAP_SIGNATURE);
	ns = s + ip->b;
	ret_ip = ip + 2;
	if (LIKELY(f->inst == inst && f->code != NULL))
		goto enter;
}
call_any:
	if (f->code == NULL) {
		int status;

		CHARGE(f->host->fuel);
		/* The host sees and may charge the whole account. */
		st->fuel_left += (uint64_t)fuel;
		status = bw_call_host(f, inst, ns);
		if (UNLIKELY(status != BW_HOST_OK)) {
			fuel = 0;
			if (status == BW_HOST_EXIT) {
				*ret_outcome = BW_EXITED;
				goto stopped;
			}
			if (status == BW_HOST_SUSPEND) {
				st->fuel_left += f->host->fuel;
				*ret_outcome = BW_SUSPENDED;
				goto stopped;
			}
			TRAP(bw_host_trap(status));
		}
		fuel = take_slice(st);
		if (bw_interrupted(st))
			TRAP(BW_TRAP_INTERRUPTED);
		RELOAD();
		ip = ret_ip;
		if (UNLIKELY(st->turns &&
			     st->fuel_left + (uint64_t)fuel <= st->turn_end))
			goto turn_over;
		DISPATCH();
	}
	if (f->inst != inst) {
		if (UNLIKELY((size_t)(stack_end - ns) < f->code->nslots ||
			     fr + 1 == fr_end))
			TRAP(BW_TRAP_STACK);
		fr[1].caller = inst;
		inst = f->inst;
		RELOAD();
		goto pushed;
	}
enter:
	if (UNLIKELY((size_t)(stack_end - ns) < f->code->nslots ||
		     fr + 1 == fr_end))
		TRAP(BW_TRAP_STACK);
	fr[1].caller = NULL;
pushed : {
	const struct bw_code *code = f->code;
	uint32_t i;

	fr++;
	fr->ret_ip = ret_ip;
	fr->ret_slots = s;
	fr->func = f;
	s = ns;
	for (i = code->nparams; i < code->nlocals; i++)
		s[i] = 0;
	ip = code->insns;
	CHARGE_BLOCK(code->fuel, ip);
	DISPATCH();
}
L_RET1:
	s[0] = B;
L_RET0:
	goto leave;
L_RETN : {
	const uint64_t *from = &B;
	uint32_t i, n = ip->c;

	for (i = 0; i < n; i++)
		s[i] = from[i];
}
leave:
	ip = fr->ret_ip;
	s = fr->ret_slots;
	if (UNLIKELY(fr->caller != NULL)) {
		inst = fr->caller;
		RELOAD();
	}
	fr--;
	DISPATCH();

	/* --- variables, memory --- */
L_GLOBAL_GET:
	A = inst->globals[ip->b]->v;
	NEXT();
L_GLOBAL_SET:
	inst->globals[ip->a]->v = B;
	NEXT();
L_MEM_SIZE:
	A = mem_bytes / BW_PAGE_BYTES;
	NEXT();
L_MEM_GROW : {
	uint32_t pages = (uint32_t)B;
	uint32_t before = bw_memory_grow(st, inst->memory, pages);

	RELOAD();
	/* Paid when granted: asking for too much costs nothing. */
	if (before != UINT32_MAX)
		CHARGE((uint64_t)pages * 64);
	A = before;
	NEXT();
}
L_MEM_INIT:
	CHARGE((uint32_t)C / 64);
	TRY(bw_memory_init(inst, ip[1].a, (uint32_t)A, (uint32_t)B,
			   (uint32_t)C));
	NEXT2();
L_MEM_COPY : {
	uint64_t to = (uint32_t)A, from = (uint32_t)B, n = (uint32_t)C;

	CHARGE(n / 64);
	if (UNLIKELY(to + n > mem_bytes || from + n > mem_bytes))
		TRAP(BW_TRAP_MEMORY);
	if (n > 0)
		TRY(bw_move(st, mem + to, mem + from, n));
	NEXT();
}
L_MEM_FILL : {
	uint64_t to = (uint32_t)A, n = (uint32_t)C;

	CHARGE(n / 64);
	if (UNLIKELY(to + n > mem_bytes))
		TRAP(BW_TRAP_MEMORY);
	if (n > 0)
		TRY(bw_fill(st, mem + to, (uint8_t)B, n));
	NEXT();
}
L_DATA_DROP:
	inst->data_dropped[ip->a] = true;
	NEXT();

	/* --- tables, references --- */
L_TABLE_GET : {
	const struct bw_table *table = inst->tables[ip->c];
	uint32_t i = (uint32_t)B;

	if (UNLIKELY(i >= table->n))
		TRAP(BW_TRAP_TABLE);
	A = table->v[i];
	NEXT();
}
L_TABLE_SET : {
	struct bw_table *table = inst->tables[ip->c];
	uint32_t i = (uint32_t)A;

	if (UNLIKELY(i >= table->n))
		TRAP(BW_TRAP_TABLE);
	table->v[i] = B;
	NEXT();
}
L_TABLE_SIZE:
	A = inst->tables[ip->b]->n;
	NEXT();
L_TABLE_GROW : {
	uint32_t n = (uint32_t)C, before;

	TRY(bw_table_grow(st, inst->tables[ip[1].a], n, B, &before));
	if (before != UINT32_MAX)
		CHARGE(n / 8);
	A = before;
	NEXT2();
}
L_TABLE_FILL:
	CHARGE((uint32_t)C / 8);
	TRY(bw_table_fill(st, inst->tables[ip[1].a], (uint32_t)A, B,
			  (uint32_t)C));
	NEXT2();
L_TABLE_COPY:
	CHARGE((uint32_t)C / 8);
	TRY(bw_table_copy(st, inst->tables[ip[1].a], inst->tables[ip[1].b],
			  (uint32_t)A, (uint32_t)B, (uint32_t)C));
	NEXT2();
L_TABLE_INIT:
	CHARGE((uint32_t)C / 8);
	TRY(bw_table_init(inst, ip[1].a, ip[1].b, (uint32_t)A, (uint32_t)B,
			  (uint32_t)C));
	NEXT2();
L_ELEM_DROP:
	inst->elem_dropped[ip->a] = true;
	NEXT();
L_REF_FUNC:
	A = (uint64_t)(uintptr_t)inst->funcs[ip->b];
	NEXT();

	/* --- ends --- */
L_ILLEGAL:
	TRAP(BW_TRAP_BUG); /* the second word of something */
turn_over:
	st->turn_over = true;
	*ret_outcome = BW_SUSPENDED;
	goto stopped;
trapped:
	set_trap(st, trap, fr, ip);
	*ret_outcome = BW_TRAPPED;
	goto stopped;
L_HALT:
	*ret_outcome = BW_DONE;
stopped:
	*regs = (struct regs){ ip, s, fr, fuel };
	return NULL;
}

const int32_t *bw_exec_distances(void)
{
	return run(NULL, NULL, NULL);
}

void bw_exec_resolve(struct bw_insn *insns, uint32_t n)
{
	const int32_t *distance = run(NULL, NULL, NULL);
	uint32_t i;

	for (i = 0; i < n; i++)
		insns[i].op = distance[insns[i].op];
}

/* The first frame, as a call would push it. */
static enum bw_trap enter_first(struct bw_store *st, struct regs *regs)
{
	const struct bw_code *code = st->entry->code;
	uint32_t i;

	st->frames[1] =
		(struct bw_frame){ &st->halt[0], st->stack, st->entry, NULL };
	st->frames[0] = st->frames[1]; /* what HALT returns into */
	regs->fr = &st->frames[1];
	regs->s = st->stack;
	regs->ip = code->insns;
	if (st->limits.stack_slots < code->nslots)
		return BW_TRAP_STACK;
	for (i = code->nparams; i < code->nlocals; i++)
		st->stack[i] = 0;
	regs->fuel -= code->fuel;
	return regs->fuel < 0 ? refill(st, &regs->fuel) : BW_TRAP_NONE;
}

enum bw_outcome bw_exec(struct bw_store *st, bool resume)
{
	const uint64_t left = st->fuel_left;
	struct regs regs = { .fuel = take_slice(st) };
	enum bw_outcome outcome = BW_TRAPPED;
	enum bw_trap trap = BW_TRAP_NONE;

	st->turn_end = left - (uint64_t)regs.fuel;
	st->turn_over = false;
	if (resume) {
		regs.ip = st->ip;
		regs.s = st->slots;
		regs.fr = &st->frames[st->nframes];
	} else {
		trap = enter_first(st, &regs);
	}
	if (trap == BW_TRAP_NONE)
		(void)run(st, &regs, &outcome);
	else
		set_trap(st, trap, regs.fr, regs.ip);
	if (regs.fuel > 0)
		st->fuel_left += (uint64_t)regs.fuel;
	st->ip = regs.ip;
	st->slots = regs.s;
	st->nframes = (uint32_t)(regs.fr - st->frames);
	return outcome;
}
