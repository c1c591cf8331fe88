/* SPDX-License-Identifier: MIT */
/*
 * The programs of a leaf, run here: an interpreter of the instructions they are
 * allowed, against the rules spelled out once more over addresses as text. What
 * the kernel's verifier would refuse (a jump back, an instruction that nothing
 * leads to, an end without an exit) is refused here as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/match.h"
#include "tests/unit/ebpf.h"

#define TCP BV_NET_TCP
#define UDP BV_NET_UDP
#define ICMP 1
#define MPTCP 262

static struct bv_arena arena;

static int set_up(void **state)
{
	(void)state;
	bv_arena_init(&arena, 16u << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bv_arena_done(&arena);
	return 0;
}

/* --- rules and questions ------------------------------------------------------ */

struct list {
	struct bv_net_rule rule[BV_POLICY_LIST_MAX];
	struct bv_policy policy;
	struct bv_net_list pinned;
	struct bv_net_rules rules;
};

static void pin(struct list *l, size_t n)
{
	struct bv_err err = { 0 };

	l->policy = (struct bv_policy){ .name = "p",
					.path = "p.conf",
					.net = l->rule,
					.net_n = n };
	if (bv_net_pin(&arena, &l->policy, NULL, 0, &l->pinned, &err) != BV_OK)
		fail_msg("%s", err.msg);
	l->rules = (struct bv_net_rules){
		.is_list = true,
		.peer = l->pinned.peer,
		.peer_n = l->pinned.n,
	};
}

static struct bv_insn code[BV_NET_PROGRAM_MAX];

static size_t generate(const struct bv_net_rules *r, enum bv_net_hook hook)
{
	struct bv_err err = { 0 };
	size_t n = 0;

	if (bv_net_program(r, hook, code, &n, &err) != BV_OK)
		fail_msg("%s", err.msg);
	verify(code, n);
	return n;
}

static void put32(struct world *w, size_t at, uint32_t v)
{
	memcpy(w->context + at, &v, sizeof(v));
}

/* An address as inet_pton() has it: 4 bytes or 16. */
static size_t address(const char *text, unsigned char ret[16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return 4;
	assert_int_equal(inet_pton(AF_INET6, text, ret), 1);
	return 16;
}

static bool ask_call(const struct bv_net_rules *r, enum bv_net_hook hook,
		     unsigned int proto, const char *to, unsigned int port)
{
	struct world w = { .packet_len = 0 };
	unsigned char addr[16];
	const size_t len = address(to, addr);

	memcpy(w.context + (len == 4 ? BV_ADDR_IP4 : BV_ADDR_IP6), addr, len);
	put32(&w, BV_ADDR_PORT, htons((uint16_t)port));
	put32(&w, BV_ADDR_PROTOCOL, proto);
	return run(code, generate(r, hook), &w) == 1;
}

static bool ask_connect(const struct bv_net_rules *r, unsigned int proto,
			const char *to, unsigned int port)
{
	const bool v6 = strchr(to, ':') != NULL;
	const bool connects =
		ask_call(r, v6 ? BV_NET_CONNECT6 : BV_NET_CONNECT4, proto, to,
			 port);

	assert_int_equal(connects, ask_call(r,
					    v6 ? BV_NET_SENDMSG6
					       : BV_NET_SENDMSG4,
					    proto, to, port));
	return connects;
}

/* A packet of `total` bytes; v4 headers may have options. */
static size_t make_packet(unsigned char packet[128], const char *from,
			  const char *to, unsigned int proto, uint16_t sport,
			  uint16_t dport, size_t options)
{
	unsigned char a[16], b[16];
	const size_t len = address(from, a);
	const size_t head = len == 4 ? 20 + options : 40;
	const uint16_t ports[2] = { htons(sport), htons(dport) };

	memset(packet, 0, 128);
	assert_int_equal(address(to, b), len);
	if (len == 4) {
		packet[0] = (unsigned char)(0x40 | head / 4);
		packet[9] = (unsigned char)proto;
		memcpy(packet + 12, a, 4);
		memcpy(packet + 16, b, 4);
	} else {
		packet[0] = 0x60;
		packet[6] = (unsigned char)proto;
		memcpy(packet + 8, a, 16);
		memcpy(packet + 24, b, 16);
	}
	memcpy(packet + head, ports, sizeof(ports));
	return head + 20;
}

static bool ask_packet(const struct bv_net_rules *r, enum bv_net_hook hook,
		       struct world *w, const unsigned char *packet, size_t len)
{
	const bool v6 = packet[0] >> 4 == 6;

	w->packet = packet;
	w->packet_len = len;
	put32(w, BV_SKB_LEN, (uint32_t)len);
	put32(w, BV_SKB_PROTOCOL, htons(v6 ? 0x86dd : 0x0800));
	return run(code, generate(r, hook), w) == 1;
}

/* Out to the peer, and in from it: the same question. */
static bool ask_packets(const struct bv_net_rules *r, unsigned int proto,
			const char *peer, uint16_t port, size_t options)
{
	const char *own = strchr(peer, ':') ? "2001:db8::77" : "198.51.100.77";
	struct world w = { .packet_len = 0 };
	unsigned char packet[128];
	size_t len = make_packet(packet, own, peer, proto, 40123, port, options);
	const bool out = ask_packet(r, BV_NET_OUT, &w, packet, len);

	len = make_packet(packet, peer, own, proto, port, 40123, options);
	assert_int_equal(ask_packet(r, BV_NET_IN, &w, packet, len), out);
	return out;
}

/* --- one peer, exactly ------------------------------------------------------- */

static void test_connect__one_peer__that_and_no_other(void **state)
{
	static struct list l;
	static const struct {
		unsigned int proto;
		const char *to;
		unsigned int port;
		bool lets;
	} rows[] = {
		{ TCP, "192.0.2.10", 443, true },
		{ TCP, "::ffff:192.0.2.10", 443, true },
		{ TCP, "192.0.2.10", 444, false },
		{ TCP, "192.0.2.10", 0xbb01, false }, /* 443, turned round */
		{ TCP, "192.0.2.11", 443, false },
		{ TCP, "10.2.0.192", 443, false },
		{ TCP, "::ffff:192.0.2.11", 443, false },
		{ TCP, "::192.0.2.10", 443, false },
		{ TCP, "64:ff9b::192.0.2.10", 443, false },
		{ TCP, "0.0.0.0", 443, false },
		{ TCP, "::", 443, false },
		{ UDP, "192.0.2.10", 443, false },
		{ MPTCP, "192.0.2.10", 443, false },
		{ ICMP, "192.0.2.10", 443, false },
		{ 0, "192.0.2.10", 443, false },
	};

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "192.0.2.10", "tcp", 443, 9 };
	pin(&l, 1);
	for (size_t i = 0; i < BV_LEN(rows); i++)
		if (ask_connect(&l.rules, rows[i].proto, rows[i].to,
				rows[i].port) != rows[i].lets)
			fail_msg("%u %s %u", rows[i].proto, rows[i].to,
				 rows[i].port);
}

static void test_connect__networks(void **state)
{
	static struct list l;

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "10.1.128.0/17", "udp", 53, 9 };
	l.rule[1] = (struct bv_net_rule){ "2001:db8:40::/43", "tcp", 0, 10 };
	pin(&l, 2);
	assert_true(ask_connect(&l.rules, UDP, "10.1.128.0", 53));
	assert_true(ask_connect(&l.rules, UDP, "10.1.255.255", 53));
	assert_false(ask_connect(&l.rules, UDP, "10.1.127.255", 53));
	assert_false(ask_connect(&l.rules, UDP, "10.2.128.0", 53));
	assert_true(ask_connect(&l.rules, TCP, "2001:db8:5f:ffff::1", 1));
	assert_true(ask_connect(&l.rules, TCP, "2001:db8:40::", 65535));
	assert_false(ask_connect(&l.rules, TCP, "2001:db8:60::", 1));
	assert_false(ask_connect(&l.rules, TCP, "2001:db8:3f:ffff::", 1));
	assert_false(ask_connect(&l.rules, UDP, "2001:db8:40::", 53));
}

static void test_connect__any_host__of_both_families(void **state)
{
	static struct list l;

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "*", "tcp", 0, 9 };
	l.rule[1] = (struct bv_net_rule){ "192.0.2.1", "tcp", 5, 10 };
	l.rule[2] = (struct bv_net_rule){ "*", "udp", 53, 11 };
	pin(&l, 3);
	assert_true(ask_connect(&l.rules, TCP, "203.0.113.5", 7));
	assert_true(ask_connect(&l.rules, TCP, "2001:db8::5", 7));
	assert_true(ask_connect(&l.rules, TCP, "::ffff:203.0.113.5", 7));
	assert_true(ask_connect(&l.rules, UDP, "2001:db8::5", 53));
	assert_false(ask_connect(&l.rules, UDP, "203.0.113.5", 7));
	/* Every v6 address is that, and no v4 one. */
	l.rule[0].host = "::/0";
	pin(&l, 1);
	assert_true(ask_connect(&l.rules, TCP, "2001:db8::5", 7));
	assert_false(ask_connect(&l.rules, TCP, "::ffff:203.0.113.5", 7));
	assert_false(ask_connect(&l.rules, TCP, "203.0.113.5", 7));
	l.rule[0].host = "0.0.0.0/0";
	pin(&l, 1);
	assert_false(ask_connect(&l.rules, TCP, "2001:db8::5", 7));
	assert_true(ask_connect(&l.rules, TCP, "::ffff:203.0.113.5", 7));
}

static void test_list__empty__lets_nothing(void **state)
{
	static struct list l;

	(void)state;
	pin(&l, 0);
	assert_int_equal(l.rules.peer_n, 0);
	assert_false(ask_connect(&l.rules, TCP, "127.0.0.1", 1));
	assert_false(ask_connect(&l.rules, UDP, "::1", 1));
	assert_false(ask_packets(&l.rules, TCP, "127.0.0.1", 1, 0));
	assert_false(ask_packets(&l.rules, UDP, "::1", 1, 0));
}

/* --- sockets and ports -------------------------------------------------------- */

static bool ask_socket(const struct bv_net_rules *r, uint32_t type,
		       uint32_t proto)
{
	struct world w = { .packet_len = 0 };

	put32(&w, BV_SOCK_TYPE, type);
	put32(&w, BV_SOCK_PROTOCOL, proto);
	return run(code, generate(r, BV_NET_SOCKET), &w) == 1;
}

static void test_socket__tcp_and_udp__no_other(void **state)
{
	static struct list l;

	(void)state;
	pin(&l, 0);
	for (uint32_t type = 0; type < 16; type++) {
		for (uint32_t proto = 0; proto < 300; proto++) {
			const bool lets = (type == 1 && proto == TCP) ||
					  (type == 2 && proto == UDP);

			assert_int_equal(ask_socket(&l.rules, type, proto),
					 lets);
		}
	}
}

static void test_bind__no_chosen_port(void **state)
{
	static struct list l;

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "*", "tcp", 0, 9 };
	l.rule[1] = (struct bv_net_rule){ "*", "udp", 0, 9 };
	pin(&l, 2);
	for (int hook = BV_NET_BIND4; hook <= BV_NET_BIND6; hook++) {
		assert_true(ask_call(&l.rules, hook, TCP, "127.0.0.1", 0));
		assert_false(ask_call(&l.rules, hook, TCP, "127.0.0.1", 1));
		assert_false(ask_call(&l.rules, hook, UDP, "::1", 256));
		assert_false(ask_call(&l.rules, hook, UDP, "0.0.0.0", 65535));
	}
}

/* --- packets ------------------------------------------------------------------ */

static void test_packet__the_other_end_counts(void **state)
{
	static struct list l;
	struct world w = { .packet_len = 0 };
	unsigned char packet[128];
	size_t len;

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "192.0.2.10", "tcp", 443, 9 };
	l.rule[1] = (struct bv_net_rule){ "2001:db8::/32", "udp", 53, 9 };
	pin(&l, 2);
	for (size_t options = 0; options <= 40; options += 4) {
		assert_true(ask_packets(&l.rules, TCP, "192.0.2.10", 443,
					options));
		assert_false(ask_packets(&l.rules, TCP, "192.0.2.10", 442,
					 options));
	}
	assert_false(ask_packets(&l.rules, UDP, "192.0.2.10", 443, 0));
	assert_false(ask_packets(&l.rules, ICMP, "192.0.2.10", 443, 0));
	assert_true(ask_packets(&l.rules, UDP, "2001:db8::53", 53, 0));
	assert_false(ask_packets(&l.rules, UDP, "2001:db9::53", 53, 0));
	assert_false(ask_packets(&l.rules, TCP, "2001:db8::53", 53, 0));
	/* Not a peer because our own end looks like one. */
	len = make_packet(packet, "192.0.2.10", "203.0.113.1", TCP, 443, 9, 0);
	assert_false(ask_packet(&l.rules, BV_NET_OUT, &w, packet, len));
	assert_true(ask_packet(&l.rules, BV_NET_IN, &w, packet, len));
	/* Cut short, and of neither family. */
	len = make_packet(packet, "192.0.2.10", "203.0.113.1", TCP, 443, 9, 0);
	for (size_t cut = 0; cut < 22; cut++)
		assert_false(ask_packet(&l.rules, BV_NET_IN, &w, packet, cut));
	put32(&w, BV_SKB_PROTOCOL, htons(0x0806));
	assert_int_equal(run(code, generate(&l.rules, BV_NET_IN), &w), 0);
}

static void test_budget__passes_up_to_the_limit(void **state)
{
	const struct bv_net_rules r = {
		.is_counted = true,
		.limit_bytes = 100,
		.counter_fd = 7,
	};
	struct world w = { .packet_len = 0 };
	unsigned char packet[128];

	(void)state;
	(void)make_packet(packet, "192.0.2.1", "192.0.2.2", ICMP, 0, 0, 0);
	assert_true(ask_packet(&r, BV_NET_OUT, &w, packet, 40));
	assert_true(ask_packet(&r, BV_NET_IN, &w, packet, 59));
	assert_int_equal(w.counter.passed_bytes, 99);
	assert_false(ask_packet(&r, BV_NET_IN, &w, packet, 2));
	assert_int_equal(w.counter.passed_bytes, 99);
	assert_int_equal(w.counter.refused, 1);
	assert_true(ask_packet(&r, BV_NET_OUT, &w, packet, 1));
	assert_false(ask_packet(&r, BV_NET_OUT, &w, packet, 1));
	assert_int_equal(w.counter.passed_bytes, 100);
	assert_int_equal(w.counter.refused, 2);
	for (int h = 0; h < BV_NET_HOOK_N; h++)
		assert_int_equal(bv_net_hook_needed(&r, h),
				 h == BV_NET_IN || h == BV_NET_OUT);
}

static void test_budget__beyond_32_bits(void **state)
{
	const struct bv_net_rules r = {
		.is_counted = true,
		.limit_bytes = UINT64_C(1) << 40,
		.counter_fd = 7,
	};
	struct world w = { .counter = { .passed_bytes = r.limit_bytes - 30 } };
	unsigned char packet[128];

	(void)state;
	(void)make_packet(packet, "192.0.2.1", "192.0.2.2", UDP, 1, 2, 0);
	assert_true(ask_packet(&r, BV_NET_OUT, &w, packet, 30));
	assert_false(ask_packet(&r, BV_NET_OUT, &w, packet, 28));
	assert_true(w.counter.passed_bytes == r.limit_bytes);
}

/* What the list stops is not in the count. */
static void test_budget__beside_a_list(void **state)
{
	static struct list l;
	struct world w = { .packet_len = 0 };
	unsigned char packet[128];
	size_t len;

	(void)state;
	l.rule[0] = (struct bv_net_rule){ "192.0.2.10", "tcp", 443, 9 };
	pin(&l, 1);
	l.rules.is_counted = true;
	l.rules.limit_bytes = 40;
	len = make_packet(packet, "192.0.2.10", "203.0.113.1", UDP, 443, 9, 0);
	assert_false(ask_packet(&l.rules, BV_NET_IN, &w, packet, len));
	assert_int_equal(w.counter.passed_bytes, 0);
	assert_int_equal(w.counter.refused, 0);
	len = make_packet(packet, "192.0.2.10", "203.0.113.1", TCP, 443, 9, 0);
	assert_true(ask_packet(&l.rules, BV_NET_IN, &w, packet, len));
	assert_false(ask_packet(&l.rules, BV_NET_IN, &w, packet, len));
	assert_int_equal(w.counter.passed_bytes, 40);
	assert_int_equal(w.counter.refused, 1);
}

/* --- many, at random ------------------------------------------------------------ */

static uint32_t seed = 20251127;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Few enough that rules and questions meet. */
static const char *random_addr(char ret[64], bool v6)
{
	if (v6)
		snprintf(ret, 64, "2001:db8:%x::%x", below(3) << 14, below(4));
	else
		snprintf(ret, 64, "10.%u.%u.%u", below(2) * 128, below(2) * 64,
			 below(4));
	return ret;
}

static void random_rule(struct bv_net_rule *r)
{
	static const unsigned int bits6[] = { 0, 30, 34, 48, 127, 128 };
	static const unsigned int bits4[] = { 0, 7, 9, 18, 31, 32 };
	const bool v6 = below(2) == 1;
	char text[64], host[80];

	do {
		snprintf(host, sizeof(host), "%s/%u", random_addr(text, v6),
			 v6 ? bits6[below(6)] : bits4[below(6)]);
	} while (!bv_cidr_valid(host));
	r->host = bv_arena_strdup(&arena, below(40) == 0 ? "*" : host);
	r->proto = below(2) == 1 ? "tcp" : "udp";
	r->port = (uint16_t)below(4);
	r->line = 1;
}

static bool spelled_out(const struct list *l, size_t n, unsigned int proto,
			const char *to, uint16_t port)
{
	for (size_t i = 0; i < n; i++) {
		const struct bv_net_rule *r = &l->rule[i];

		if (strcmp(r->proto, proto == TCP ? "tcp" : "udp") == 0 &&
		    (r->port == 0 || r->port == port) &&
		    (strcmp(r->host, "*") == 0 || bv_cidr_contains(r->host, to)))
			return true;
	}
	return false;
}

static void test_program__random_lists__as_the_lines_say(void **state)
{
	static struct list l;
	unsigned int lets = 0, asked = 0;

	(void)state;
	for (unsigned int round = 0; round < 400; round++) {
		const size_t n = below(round % 40 == 0 ? 100 : 8);

		for (size_t i = 0; i < n; i++)
			random_rule(&l.rule[i]);
		pin(&l, n);
		for (unsigned int q = 0; q < 12; q++) {
			const unsigned int proto = below(2) == 1 ? TCP : UDP;
			const uint16_t port = (uint16_t)(1 + below(4));
			char to[64];
			bool want;

			random_addr(to, below(2) == 1);
			want = spelled_out(&l, n, proto, to, port);
			if (ask_connect(&l.rules, proto, to, port) != want ||
			    ask_packets(&l.rules, proto, to, port, 0) != want)
				fail_msg("round %u: %s port %u", round, to,
					 port);
			lets += want;
			asked++;
		}
	}
	/* Both answers were seen often. */
	assert_true(lets > asked / 10 && lets < asked * 9 / 10);
}

static void test_program__longest_list__fits(void **state)
{
	static struct bv_net_peer peer[BV_NET_PEER_MAX];
	const struct bv_net_rules r = { .is_list = true,
					.peer = peer,
					.peer_n = BV_NET_PEER_MAX,
					.is_counted = true,
					.limit_bytes = 1 };

	(void)state;
	for (size_t i = 0; i < BV_NET_PEER_MAX; i++)
		peer[i] = (struct bv_net_peer){
			.addr = { { 0x20, [1] = (uint8_t)i,
				    [2] = (uint8_t)(i >> 8), [15] = 1 } },
			.bits = 127,
			.proto = TCP,
			.port = 1,
		};
	for (int h = 0; h < BV_NET_HOOK_N; h++)
		assert_true(generate(&r, h) < BV_NET_PROGRAM_MAX);
}

/* More than any list can hold: said, and nothing written beyond the room. */
static void test_program__too_long__refused(void **state)
{
	static struct bv_net_peer peer[4 * BV_NET_PEER_MAX];
	const struct bv_net_rules r = { .is_list = true,
					.peer = peer,
					.peer_n = BV_LEN(peer),
					.is_counted = true,
					.limit_bytes = 1 };
	struct bv_err err = { 0 };
	size_t n = 7;

	(void)state;
	for (size_t i = 0; i < BV_LEN(peer); i++)
		peer[i] = (struct bv_net_peer){
			.addr = { { 0x20, [1] = (uint8_t)i,
				    [2] = (uint8_t)(i >> 8), [15] = 2 } },
			.bits = 127,
			.proto = UDP,
			.port = 1,
		};
	assert_int_equal(bv_net_program(&r, BV_NET_IN, code, &n, &err),
			 BV_E_LIMIT);
	assert_string_equal(err.msg,
			    "the in program is over 16384 instructions");
	assert_int_equal(n, 7);
	assert_string_equal(bv_net_hook_name(BV_NET_HOOK_N), "?");
	assert_string_equal(bv_net_proto_name(1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect__one_peer__that_and_no_other),
		cmocka_unit_test(test_connect__networks),
		cmocka_unit_test(test_connect__any_host__of_both_families),
		cmocka_unit_test(test_list__empty__lets_nothing),
		cmocka_unit_test(test_socket__tcp_and_udp__no_other),
		cmocka_unit_test(test_bind__no_chosen_port),
		cmocka_unit_test(test_packet__the_other_end_counts),
		cmocka_unit_test(test_budget__passes_up_to_the_limit),
		cmocka_unit_test(test_budget__beyond_32_bits),
		cmocka_unit_test(test_budget__beside_a_list),
		cmocka_unit_test(test_program__random_lists__as_the_lines_say),
		cmocka_unit_test(test_program__longest_list__fits),
		cmocka_unit_test(test_program__too_long__refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
