/* SPDX-License-Identifier: MIT */
/*
 * eBPF as far as core/net_program.h goes: an interpreter of its instructions, and
 * the verifier's rules that a program of straight lines can break. Included once.
 */
#ifndef BV_TESTS_EBPF_H
#define BV_TESTS_EBPF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/net_program.h"

struct world {
	unsigned char context[64];
	const unsigned char *packet;
	size_t packet_len;
	struct bv_net_counter counter;
};

static inline unsigned int dst_of(const struct bv_insn *i)
{
	struct bv_insn one = { .regs = BV_INSN_REGS(1, 0) };

	return one.regs == 1 ? i->regs & 15u : i->regs >> 4;
}

static inline unsigned int src_of(const struct bv_insn *i)
{
	struct bv_insn one = { .regs = BV_INSN_REGS(1, 0) };

	return one.regs == 1 ? i->regs >> 4 : i->regs & 15u;
}

static inline uint64_t load(uint64_t from, size_t size)
{
	const unsigned char *at = (const unsigned char *)(uintptr_t)from;
	uint32_t w = 0;
	uint16_t h = 0;

	if (size == 1)
		return at[0];
	if (size == 2) {
		memcpy(&h, at, sizeof(h));
		return h;
	}
	memcpy(&w, at, sizeof(w));
	return w;
}

/* The one helper: 0, or a fault beyond the packet's end. */
static inline uint64_t skb_load(const struct world *w, const uint64_t r[11])
{
	if (r[2] + r[4] > w->packet_len)
		return (uint64_t)-14;
	memcpy((void *)(uintptr_t)r[3], w->packet + r[2], r[4]);
	return 0;
}

static inline uint64_t add(uint64_t *to, uint64_t what)
{
	uint64_t was = *to;

	*to += what;
	return was;
}

static inline uint64_t run(const struct bv_insn *code, size_t n, struct world *w)
{
	unsigned char frame[64];
	uint64_t r[11] = { [1] = (uint64_t)(uintptr_t)w->context,
			   [10] = (uint64_t)(uintptr_t)(frame + 64) };

	for (size_t at = 0; at < n; at++) {
		const struct bv_insn *i = &code[at];
		uint64_t *d = &r[dst_of(i)], s = r[src_of(i)];
		const uint32_t imm = (uint32_t)i->imm;
		const uint64_t wide = (uint64_t)(int64_t)i->imm;
		bool jumps = false;

		assert_true(dst_of(i) < 11);
		switch ((enum bv_insn_code)i->code) {
		case BV_LD_IMM64:
			*d = src_of(i) == BV_PSEUDO_MAP
				     ? (uint64_t)(uintptr_t)&w->counter
				     : imm | (uint64_t)(uint32_t)code[at + 1]
						     .imm << 32;
			at++;
			break;
		case BV_LDX_W:
			*d = load(s + (uint64_t)(int64_t)i->off, 4);
			break;
		case BV_LDX_H:
			*d = load(s + (uint64_t)(int64_t)i->off, 2);
			break;
		case BV_LDX_B:
			*d = load(s + (uint64_t)(int64_t)i->off, 1);
			break;
		case BV_XADD:
			s = add((uint64_t *)(uintptr_t)(*d + (uint64_t)i->off),
				s);
			if (i->imm == BV_XADD_FETCH_ADD)
				r[src_of(i)] = s;
			break;
		case BV_ADD_IMM:
			*d += wide;
			break;
		case BV_ADD_REG:
			*d += s;
			break;
		case BV_NEG:
			*d = 0 - *d;
			break;
		case BV_MOV_IMM:
			*d = wide;
			break;
		case BV_MOV_REG:
			*d = s;
			break;
		case BV_MOV32_REG:
			*d = (uint32_t)s;
			break;
		case BV_AND32_IMM:
			*d = (uint32_t)*d & imm;
			break;
		case BV_LSH32_IMM:
			*d = (uint32_t)*d << imm;
			break;
		case BV_JA:
			jumps = true;
			break;
		case BV_JEQ32_IMM:
			jumps = (uint32_t)*d == imm;
			break;
		case BV_JNE32_IMM:
			jumps = (uint32_t)*d != imm;
			break;
		case BV_JGT_REG:
			jumps = *d > s;
			break;
		case BV_CALL:
			assert_int_equal(i->imm, BV_HELPER_SKB_LOAD);
			r[0] = skb_load(w, r);
			for (size_t k = 1; k < 6; k++)
				r[k] = 0xdeadbeef; /* the call's to spoil */
			break;
		case BV_EXIT:
			return r[0];
		default:
			fail_msg("code %02x at %zu", i->code, at);
		}
		at += jumps ? (size_t)i->off : 0;
	}
	fail_msg("ran over the end");
	return 0;
}

static inline bool is_jump(uint8_t code)
{
	return code == BV_JA || code == BV_JEQ32_IMM || code == BV_JNE32_IMM ||
	       code == BV_JGT_REG;
}

/* Forwards only, so one pass finds what can be reached. */
static inline void verify(const struct bv_insn *code, size_t n)
{
	bool *reached = calloc(n + 2, sizeof(*reached));

	assert_non_null(reached);
	reached[0] = true;
	for (size_t at = 0; at < n; at++) {
		const struct bv_insn *i = &code[at];

		if (!reached[at])
			fail_msg("nothing leads to %zu of %zu", at, n);
		if (is_jump(i->code)) {
			assert_true(i->off >= 0);
			assert_true(at + 1 + (size_t)i->off < n);
			reached[at + 1 + (size_t)i->off] = true;
		}
		if (i->code == BV_LD_IMM64) {
			reached[at + 1] = reached[at + 2] = true;
			at++;
		} else if (i->code != BV_JA && i->code != BV_EXIT) {
			reached[at + 1] = true;
		}
	}
	assert_false(reached[n]);
	free(reached);
}

#endif
