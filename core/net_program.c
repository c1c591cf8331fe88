/* SPDX-License-Identifier: MIT */
/*
 * Peers → instructions. Registers: r6 the context, r7 the protocol, r8 the port
 * and r2..r5 the address of the other end (r5 alone where it is IPv4), all as
 * they lie in the packet; r1 is for sums, r0 the answer.
 */
#include "core/net_program.h"

#include <arpa/inet.h>
#include <string.h>

#define STREAM 1
#define DGRAM  2

#define ETHER_IP4 0x0800
#define ETHER_IP6 0x86dd
#define HEAD4     20 /* bytes of a header that are read */
#define HEAD6     40

enum reg {
	R0,
	R1,
	R2,
	R3,
	R4,
	R5,
	R6,
	R7,
	R8,
	R9,
	R10, /* the frame's end: what is below it is ours */
};
#define CONTEXT R6
#define PROTO   R7
#define PORT    R8
#define WORD(i) ((enum reg)(R2 + (i)))
#define ADDR4   R5
#define HEAD    (-40)
#define PORT_AT (-48)

static const char *const hook_names[] = {
	[BV_NET_SOCKET] = "socket",     [BV_NET_CONNECT4] = "connect4",
	[BV_NET_CONNECT6] = "connect6", [BV_NET_SENDMSG4] = "sendmsg4",
	[BV_NET_SENDMSG6] = "sendmsg6", [BV_NET_BIND4] = "bind4",
	[BV_NET_BIND6] = "bind6",       [BV_NET_IN] = "in",
	[BV_NET_OUT] = "out",
};
_Static_assert(BV_LEN(hook_names) == BV_NET_HOOK_N, "every hook has a name");

const char *bv_net_hook_name(enum bv_net_hook hook)
{
	return (unsigned int)hook < BV_NET_HOOK_N ? hook_names[hook] : "?";
}

static bool is_packet(enum bv_net_hook hook)
{
	return hook == BV_NET_IN || hook == BV_NET_OUT;
}

bool bv_net_hook_needed(const struct bv_net_rules *rules, enum bv_net_hook hook)
{
	return rules->is_list || (rules->is_counted && is_packet(hook));
}

/* --- a small assembler ------------------------------------------------------ */

struct program {
	struct bv_insn *insn;
	size_t n;
	bool is_over;
};

/* Where jumps meet. Until it is placed each jump's offset holds the jump before
 * it, the last one stands here; -1 ends the chain. */
struct label {
	int last;
};
#define NOWHERE                                                                \
	{                                                                      \
		-1                                                             \
	}

static void put(struct program *p, enum bv_insn_code code, enum reg dst,
		enum reg src, int off, uint32_t imm)
{
	if (p->n == BV_NET_PROGRAM_MAX) {
		p->is_over = true;
		return;
	}
	p->insn[p->n++] = (struct bv_insn){
		.code = (uint8_t)code,
		.regs = BV_INSN_REGS(dst, src),
		.off = (int16_t)off,
		.imm = (int32_t)imm,
	};
}

static void jump(struct program *p, struct label *to, enum bv_insn_code code,
		 enum reg dst, enum reg src, uint32_t imm)
{
	const int at = (int)p->n;

	put(p, code, dst, src, to->last, imm);
	to->last = at;
}

static void place(struct program *p, struct label *here)
{
	int at = here->last;

	if (p->is_over)
		return;
	while (at >= 0) {
		const int before = p->insn[at].off;

		p->insn[at].off = (int16_t)((int)p->n - at - 1);
		at = before;
	}
	here->last = -1;
}

static void answer(struct program *p, uint32_t verdict)
{
	put(p, BV_MOV_IMM, R0, R0, 0, verdict);
	put(p, BV_EXIT, R0, R0, 0, 0);
}

static void wide(struct program *p, enum reg dst, enum reg src, uint64_t v)
{
	put(p, BV_LD_IMM64, dst, src, 0, (uint32_t)v);
	put(p, (enum bv_insn_code)0, R0, R0, 0, (uint32_t)(v >> 32));
}

/* --- one peer, then all of them --------------------------------------------- */

static uint32_t word_of(const uint8_t byte[4])
{
	uint32_t word;

	memcpy(&word, byte, sizeof(word));
	return word;
}

static uint32_t mask_of(unsigned int bits)
{
	return bits == 0 ? 0 : htonl(~UINT32_C(0) << (32 - bits));
}

/* The first `bits` of one word of an address, or on to the next peer. */
static void put_word(struct program *p, struct label *next, enum reg word,
		     const uint8_t byte[4], unsigned int bits)
{
	if (bits == 0)
		return;
	if (bits >= 32) {
		jump(p, next, BV_JNE32_IMM, word, R0, word_of(byte));
		return;
	}
	put(p, BV_MOV32_REG, R1, word, 0, 0);
	put(p, BV_AND32_IMM, R1, R0, 0, mask_of(bits));
	jump(p, next, BV_JNE32_IMM, R1, R0, word_of(byte));
}

/* False: it takes whatever gets there, and the kernel lets no program have
 * instructions that nothing leads to. */
static bool put_peer(struct program *p, const struct bv_net_peer *peer,
		     struct label *accept)
{
	const unsigned int first = bv_net_is_v4(peer) ? 3 : 0;
	struct label next = NOWHERE;

	if (peer->port != 0)
		jump(p, &next, BV_JNE32_IMM, PORT, R0, htons(peer->port));
	for (unsigned int i = first; i < 4; i++)
		put_word(p, &next, WORD(i), peer->addr.byte + 4 * (size_t)i,
			 peer->bits > 32 * i ? peer->bits - 32 * i : 0);
	jump(p, accept, BV_JA, R0, R0, 0);
	if (next.last < 0)
		return false;
	place(p, &next);
	return true;
}

static void put_peers(struct program *p, const struct bv_net_rules *r, bool v4,
		      struct label *accept, struct label *deny)
{
	static const uint8_t protos[] = { BV_NET_TCP, BV_NET_UDP };

	for (size_t i = 0; i < BV_LEN(protos); i++) {
		struct label other = NOWHERE;
		bool goes_on = true;

		jump(p, &other, BV_JNE32_IMM, PROTO, R0, protos[i]);
		for (size_t k = 0; k < r->peer_n && goes_on; k++)
			if (r->peer[k].proto == protos[i] &&
			    bv_net_is_v4(&r->peer[k]) == v4)
				goes_on = put_peer(p, &r->peer[k], accept);
		if (goes_on)
			jump(p, deny, BV_JA, R0, R0, 0);
		place(p, &other);
	}
	jump(p, deny, BV_JA, R0, R0, 0);
}

/* --- calls ------------------------------------------------------------------- */

static void put_socket(struct program *p, struct label *accept,
		       struct label *deny)
{
	struct label dgram = NOWHERE;

	put(p, BV_LDX_W, R2, CONTEXT, BV_SOCK_TYPE, 0);
	put(p, BV_LDX_W, PROTO, CONTEXT, BV_SOCK_PROTOCOL, 0);
	jump(p, &dgram, BV_JEQ32_IMM, R2, R0, DGRAM);
	jump(p, deny, BV_JNE32_IMM, R2, R0, STREAM);
	jump(p, deny, BV_JNE32_IMM, PROTO, R0, BV_NET_TCP);
	jump(p, accept, BV_JA, R0, R0, 0);
	place(p, &dgram);
	jump(p, deny, BV_JNE32_IMM, PROTO, R0, BV_NET_UDP);
	jump(p, accept, BV_JA, R0, R0, 0);
}

static void put_bind(struct program *p, struct label *accept,
		     struct label *deny)
{
	put(p, BV_LDX_W, PORT, CONTEXT, BV_ADDR_PORT, 0);
	jump(p, accept, BV_JEQ32_IMM, PORT, R0, 0);
	jump(p, deny, BV_JA, R0, R0, 0);
}

static void put_target4(struct program *p, const struct bv_net_rules *r,
			struct label *accept, struct label *deny)
{
	put(p, BV_LDX_W, PROTO, CONTEXT, BV_ADDR_PROTOCOL, 0);
	put(p, BV_LDX_W, PORT, CONTEXT, BV_ADDR_PORT, 0);
	put(p, BV_LDX_W, ADDR4, CONTEXT, BV_ADDR_IP4, 0);
	put_peers(p, r, true, accept, deny);
}

/* An IPv6 socket reaches IPv4 by ::ffff:a.b.c.d; the rules for a.b.c.d hold. */
static void put_target6(struct program *p, const struct bv_net_rules *r,
			struct label *accept, struct label *deny)
{
	struct label native = NOWHERE;

	put(p, BV_LDX_W, PROTO, CONTEXT, BV_ADDR_PROTOCOL, 0);
	put(p, BV_LDX_W, PORT, CONTEXT, BV_ADDR_PORT, 0);
	for (int i = 0; i < 4; i++)
		put(p, BV_LDX_W, WORD(i), CONTEXT, BV_ADDR_IP6 + 4 * i, 0);
	jump(p, &native, BV_JNE32_IMM, WORD(0), R0, 0);
	jump(p, &native, BV_JNE32_IMM, WORD(1), R0, 0);
	jump(p, &native, BV_JNE32_IMM, WORD(2), R0, htonl(0xffff));
	put_peers(p, r, true, accept, deny);
	place(p, &native);
	put_peers(p, r, false, accept, deny);
}

/* --- packets ------------------------------------------------------------------ */

/* `len` bytes of the packet, from r2 on, to the frame's `to`. */
static void put_load(struct program *p, int to, uint32_t len,
		     struct label *deny)
{
	put(p, BV_MOV_REG, R1, CONTEXT, 0, 0);
	put(p, BV_MOV_REG, R3, R10, 0, 0);
	put(p, BV_ADD_IMM, R3, R0, 0, (uint32_t)to);
	put(p, BV_MOV_IMM, R4, R0, 0, len);
	put(p, BV_CALL, R0, R0, 0, BV_HELPER_SKB_LOAD);
	jump(p, deny, BV_JNE32_IMM, R0, R0, 0);
}

/* Of a packet that comes in the other end is where it is from. */
static void put_packet4(struct program *p, const struct bv_net_rules *r,
			bool in, struct label *accept, struct label *deny)
{
	put(p, BV_MOV_IMM, R2, R0, 0, 0);
	put_load(p, HEAD, HEAD4, deny);
	put(p, BV_LDX_B, R2, R10, HEAD, 0); /* the header's words */
	put(p, BV_AND32_IMM, R2, R0, 0, 0xf);
	put(p, BV_LSH32_IMM, R2, R0, 0, 2);
	put(p, BV_ADD_IMM, R2, R0, 0, in ? 0 : 2);
	put_load(p, PORT_AT, 2, deny);
	put(p, BV_LDX_B, PROTO, R10, HEAD + 9, 0);
	put(p, BV_LDX_H, PORT, R10, PORT_AT, 0);
	put(p, BV_LDX_W, ADDR4, R10, HEAD + (in ? 12 : 16), 0);
	put_peers(p, r, true, accept, deny);
}

/* Extension headers in front of tcp or udp are let by nobody. */
static void put_packet6(struct program *p, const struct bv_net_rules *r,
			bool in, struct label *accept, struct label *deny)
{
	put(p, BV_MOV_IMM, R2, R0, 0, 0);
	put_load(p, HEAD, HEAD6, deny);
	put(p, BV_MOV_IMM, R2, R0, 0, HEAD6 + (in ? 0 : 2));
	put_load(p, PORT_AT, 2, deny);
	put(p, BV_LDX_B, PROTO, R10, HEAD + 6, 0);
	put(p, BV_LDX_H, PORT, R10, PORT_AT, 0);
	for (int i = 0; i < 4; i++)
		put(p, BV_LDX_W, WORD(i), R10, HEAD + (in ? 8 : 24) + 4 * i, 0);
	put_peers(p, r, false, accept, deny);
}

static void put_packet(struct program *p, const struct bv_net_rules *r, bool in,
		       struct label *accept, struct label *deny)
{
	struct label not_ip4 = NOWHERE;

	put(p, BV_LDX_W, R2, CONTEXT, BV_SKB_PROTOCOL, 0);
	jump(p, &not_ip4, BV_JNE32_IMM, R2, R0, htons(ETHER_IP4));
	put_packet4(p, r, in, accept, deny);
	place(p, &not_ip4);
	jump(p, deny, BV_JNE32_IMM, R2, R0, htons(ETHER_IP6));
	put_packet6(p, r, in, accept, deny);
}

/* Add first, look, take back: two processors never pass more than the limit
 * between them. */
static void put_count(struct program *p, const struct bv_net_rules *r)
{
	struct label over = NOWHERE;

	wide(p, R1, (enum reg)BV_PSEUDO_MAP, (uint32_t)r->counter_fd);
	put(p, BV_LDX_W, R3, CONTEXT, BV_SKB_LEN, 0);
	put(p, BV_MOV_REG, R2, R3, 0, 0);
	put(p, BV_XADD, R1, R2, offsetof(struct bv_net_counter, passed_bytes),
	    BV_XADD_FETCH_ADD);
	put(p, BV_ADD_REG, R2, R3, 0, 0);
	wide(p, R4, R0, r->limit_bytes);
	jump(p, &over, BV_JGT_REG, R2, R4, 0);
	answer(p, 1);
	place(p, &over);
	put(p, BV_NEG, R3, R0, 0, 0);
	put(p, BV_XADD, R1, R3, offsetof(struct bv_net_counter, passed_bytes),
	    BV_XADD_ADD);
	put(p, BV_MOV_IMM, R2, R0, 0, 1);
	put(p, BV_XADD, R1, R2, offsetof(struct bv_net_counter, refused),
	    BV_XADD_ADD);
	answer(p, 0);
}

/* --- whole programs ------------------------------------------------------------ */

static void put_filter(struct program *p, const struct bv_net_rules *r,
		       enum bv_net_hook hook, struct label *accept,
		       struct label *deny)
{
	switch (hook) {
	case BV_NET_SOCKET:
		put_socket(p, accept, deny);
		break;
	case BV_NET_CONNECT4:
	case BV_NET_SENDMSG4:
		put_target4(p, r, accept, deny);
		break;
	case BV_NET_CONNECT6:
	case BV_NET_SENDMSG6:
		put_target6(p, r, accept, deny);
		break;
	case BV_NET_BIND4:
	case BV_NET_BIND6:
		put_bind(p, accept, deny);
		break;
	case BV_NET_IN:
	case BV_NET_OUT:
		put_packet(p, r, hook == BV_NET_IN, accept, deny);
		break;
	case BV_NET_HOOK_N:
		break;
	}
}

int bv_net_program(const struct bv_net_rules *rules, enum bv_net_hook hook,
		   struct bv_insn ret[static BV_NET_PROGRAM_MAX], size_t *ret_n,
		   struct bv_err *err)
{
	struct label accept = NOWHERE, deny = NOWHERE;
	struct program p = { .insn = ret };
	bool is_reached = true;

	put(&p, BV_MOV_REG, CONTEXT, R1, 0, 0);
	if (rules->is_list) {
		put_filter(&p, rules, hook, &accept, &deny);
		place(&p, &deny);
		answer(&p, 0);
		is_reached = accept.last >= 0;
		place(&p, &accept);
	}
	if (is_reached && rules->is_counted && is_packet(hook))
		put_count(&p, rules);
	else if (is_reached)
		answer(&p, 1);
	if (p.is_over)
		return bv_fail(err, BV_E_LIMIT,
			       "the %s program is over %u instructions",
			       bv_net_hook_name(hook), BV_NET_PROGRAM_MAX);
	*ret_n = p.n;
	return BV_OK;
}
