/* SPDX-License-Identifier: MIT */
/*
 * The eBPF programs of one leaf, made of its peers and its traffic budget:
 * straight lines with jumps forwards only, no helper but the one that reads a
 * packet, so that what the kernel is given can be read, and run, by a test. The
 * kernel asks a program at each hook; 1 lets through, 0 refuses.
 *
 *   socket   only tcp and udp sockets: no raw, MPTCP, SCTP, ping sockets
 *   connect  where to (TCP fast open and connected datagrams as well)
 *   sendmsg  where to, of each datagram that says so itself
 *   bind     no port of one's own choice: a session serves nobody
 *   in, out  the other end of every packet, then its bytes: what no call shows
 *            (an answer from elsewhere, a socket that listens all the same)
 *
 * The layout of an instruction and of the contexts is the kernel's ABI; where
 * there is a kernel header, helper/net_bpf.c compares them. Pure.
 */
#ifndef BV_CORE_NET_PROGRAM_H
#define BV_CORE_NET_PROGRAM_H

#include "core/net.h"

/* One eBPF instruction, in memory as the kernel takes it. */
struct bv_insn {
	uint8_t code;
	uint8_t regs; /* BV_INSN_REGS() */
	int16_t off;
	int32_t imm;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BV_INSN_REGS(dst, src) ((uint8_t)((dst) | (src) << 4))
#else
#define BV_INSN_REGS(dst, src) ((uint8_t)((dst) << 4 | (src)))
#endif

/* Codes that are used, and none else: bpf_common.h and bpf.h of the kernel. */
enum bv_insn_code {
	BV_LD_IMM64 = 0x18, /* two instructions */
	BV_LDX_W = 0x61,    /* dst = *(u32 *)(src + off) */
	BV_LDX_H = 0x69,
	BV_LDX_B = 0x71,
	BV_XADD = 0xdb,    /* atomic on *(u64 *)(dst + off); imm: what */
	BV_ADD_IMM = 0x07, /* 64 bits */
	BV_ADD_REG = 0x0f,
	BV_NEG = 0x87,
	BV_MOV_IMM = 0xb7,
	BV_MOV_REG = 0xbf,
	BV_MOV32_REG = 0xbc,
	BV_AND32_IMM = 0x54,
	BV_LSH32_IMM = 0x64,
	BV_JA = 0x05,
	BV_JEQ32_IMM = 0x16,
	BV_JNE32_IMM = 0x56,
	BV_JGT_REG = 0x2d, /* 64 bits, unsigned */
	BV_CALL = 0x85,
	BV_EXIT = 0x95,
};

#define BV_XADD_ADD        0x00
#define BV_XADD_FETCH_ADD  0x01
#define BV_PSEUDO_MAP      2 /* of BV_LD_IMM64: the value of map fd imm */
#define BV_HELPER_SKB_LOAD 26

/* Offsets in struct bpf_sock, bpf_sock_addr and __sk_buff. */
#define BV_SOCK_TYPE     8
#define BV_SOCK_PROTOCOL 12
#define BV_ADDR_IP4      4
#define BV_ADDR_IP6      8
#define BV_ADDR_PORT     24
#define BV_ADDR_PROTOCOL 36
#define BV_SKB_LEN       0
#define BV_SKB_PROTOCOL  16

/* The counter's value in its map. */
struct bv_net_counter {
	uint64_t passed_bytes; /* IP packets, headers included; both ways */
	uint64_t refused;      /* packets beyond the budget */
};

enum bv_net_hook {
	BV_NET_SOCKET,
	BV_NET_CONNECT4,
	BV_NET_CONNECT6,
	BV_NET_SENDMSG4,
	BV_NET_SENDMSG6,
	BV_NET_BIND4,
	BV_NET_BIND6,
	BV_NET_IN,
	BV_NET_OUT,
	BV_NET_HOOK_N
};

struct bv_net_rules {
	bool is_list; /* else all is let through that the budget does */
	const struct bv_net_peer *peer;
	size_t peer_n;
	bool is_counted;
	uint64_t limit_bytes;
	int counter_fd; /* an array map with one struct bv_net_counter */
};

#define BV_NET_PROGRAM_MAX 16384u

const char *bv_net_hook_name(enum bv_net_hook hook); /* "connect4"; "?" */

/* Do these rules need a program there? */
bool bv_net_hook_needed(const struct bv_net_rules *rules,
			enum bv_net_hook hook);

/* BV_E_LIMIT when it does not fit, which no list within the limits of net.h
 * makes it. */
int bv_net_program(const struct bv_net_rules *rules, enum bv_net_hook hook,
		   struct bv_insn ret[static BV_NET_PROGRAM_MAX], size_t *ret_n,
		   struct bv_err *err) BV_MUST_CHECK;

#endif
