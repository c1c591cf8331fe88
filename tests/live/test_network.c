/* SPDX-License-Identifier: MIT */
/*
 * An allow list on a real leaf of this kernel: every way to reach a peer that it
 * names, and the same ways to one that it does not.
 */
#include "tests/live/net_stage.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* --- what is tried -------------------------------------------------------------- */

enum how {
	CONNECT,
	SENDTO,
	FAST_OPEN,
	BIND,
	DISCONNECT_FIRST,    /* connect to the listed one, then send elsewhere */
	SENDTO_UNSPEC,	     /* AF_UNSPEC with an address in it */
	SOCKET_ONLY,
};

struct attempt {
	const char *name;
	enum how how;
	int family, type, proto;
	const char *to;
	enum side side;
	int want; /* errno, 0 */
};

/* What the leaf's process does. The errno of the first call that failed. */
static int attempt(void *arg)
{
	const struct attempt *a = arg;
	const uint16_t port = outside[a->side].port;
	struct sockaddr_storage sa, first;
	const socklen_t len = fill(&sa, a->to, port);
	int fd;

	if (bvh_leaf_add(&leaf, getpid(), NULL) != BV_OK)
		return 200;
	fd = socket(a->family, a->type, a->proto);
	if (fd < 0)
		return errno;
	switch (a->how) {
	case SOCKET_ONLY:
		return 0;
	case CONNECT:
		return LIVE_ERRNO(connect(fd, (struct sockaddr *)&sa, len));
	case FAST_OPEN:
		return LIVE_ERRNO(sendto(fd, "x", 1, MSG_FASTOPEN,
					 (struct sockaddr *)&sa, len));
	case BIND:
		return LIVE_ERRNO(bind(fd, (struct sockaddr *)&sa, len));
	case DISCONNECT_FIRST:
		(void)fill(&first, a->to, outside[LISTED].port);
		if (connect(fd, (struct sockaddr *)&first, len) != 0)
			return 201;
		return LIVE_ERRNO(
			sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, len));
	case SENDTO_UNSPEC:
		sa.ss_family = AF_UNSPEC;
		return LIVE_ERRNO(
			sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, len));
	case SENDTO:
		return LIVE_ERRNO(
			sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, len));
	}
	return 202;
}

#define T4 AF_INET, SOCK_STREAM, 0
#define T6 AF_INET6, SOCK_STREAM, 0
#define U4 AF_INET, SOCK_DGRAM, 0
#define U6 AF_INET6, SOCK_DGRAM, 0
#define M4 "::ffff:127.0.0.1"

static const struct attempt attempts[] = {
	{ "tcp", CONNECT, T4, V4, LISTED, 0 },
	{ "tcp over IPv6", CONNECT, T6, V6, LISTED, 0 },
	{ "tcp mapped", CONNECT, T6, M4, LISTED, 0 },
	{ "tcp fast open", FAST_OPEN, T4, V4, LISTED, 0 },
	{ "udp", SENDTO, U4, V4, LISTED, 0 },
	{ "udp connected", CONNECT, U4, V4, LISTED, 0 },
	{ "udp over IPv6", SENDTO, U6, V6, LISTED, 0 },
	{ "udp mapped", SENDTO, U6, M4, LISTED, 0 },
	{ "udp, no family", SENDTO_UNSPEC, U4, V4, LISTED, 0 },
	{ "tcp, other port", CONNECT, T4, V4, OTHER, EPERM },
	{ "tcp over IPv6, other port", CONNECT, T6, V6, OTHER, EPERM },
	{ "tcp mapped, other port", CONNECT, T6, M4, OTHER, EPERM },
	{ "tcp, other address", CONNECT, T4, "127.0.0.2", LISTED, EPERM },
	{ "tcp, any address", CONNECT, T4, "0.0.0.0", LISTED, EPERM },
	{ "tcp over IPv6, any address", CONNECT, T6, "::", LISTED, EPERM },
	{ "tcp fast open, other port", FAST_OPEN, T4, V4, OTHER, EPERM },
	{ "tcp fast open over IPv6", FAST_OPEN, T6, V6, OTHER, EPERM },
	{ "udp, other port", SENDTO, U4, V4, OTHER, EPERM },
	{ "udp connected, other port", CONNECT, U4, V4, OTHER, EPERM },
	{ "udp over IPv6, other port", SENDTO, U6, V6, OTHER, EPERM },
	{ "udp mapped, other port", SENDTO, U6, M4, OTHER, EPERM },
	{ "udp from connected to other", DISCONNECT_FIRST, U4, V4, OTHER,
	  EPERM },
	{ "udp6 from connected to other", DISCONNECT_FIRST, U6, V6, OTHER,
	  EPERM },
	{ "udp, no family, other port", SENDTO_UNSPEC, U4, V4, OTHER, EPERM },
	{ "bind tcp", BIND, T4, "127.0.0.3", LISTED, EPERM },
	{ "bind udp", BIND, U4, "127.0.0.3", LISTED, EPERM },
	{ "bind tcp mapped", BIND, T6, "::ffff:127.0.0.3", LISTED, EPERM },
	{ "bind udp mapped", BIND, U6, "::ffff:127.0.0.3", OTHER, EPERM },
	{ "raw", SOCKET_ONLY, AF_INET, SOCK_RAW, IPPROTO_ICMP, V4, LISTED,
	  EPERM },
	{ "raw6", SOCKET_ONLY, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, V4, LISTED,
	  EPERM },
};

/* The control first: without programs all of it goes through. */
static void test_list__lets_exactly_that_through(void **state)
{
	const struct bv_net_rules rules = list_rules();
	struct bvh_net net;

	(void)state;
	make_leaf();
	(void)arrived(&outside[OTHER]);
	for (size_t i = 0; i < BV_LEN(attempts); i++) {
		struct attempt a = attempts[i];
		const int got = live_child(attempt, &a);

		if (got == EPERM)
			fail_msg("%s: EPERM without a program", a.name);
	}
	assert_true(arrived(&outside[OTHER]) > 5);
	(void)arrived(&outside[LISTED]);
	attach(&rules, &net);
	assert_int_equal(net.n, BV_NET_HOOK_N);
	for (size_t i = 0; i < BV_LEN(attempts); i++) {
		struct attempt a = attempts[i];
		const int got = live_child(attempt, &a);

		if (got != a.want)
			fail_msg("%s: errno %d, want %d", a.name, got, a.want);
	}
	assert_int_equal(arrived(&outside[OTHER]), 0);
	assert_true(arrived(&outside[LISTED]) >= 5);
	bvh_net_done(&net);
	/* Their descriptors are closed: the leaf has them all the same. */
	for (size_t i = 0; i < BV_LEN(attempts); i++) {
		struct attempt a = attempts[i];

		if (a.want == EPERM)
			assert_int_equal(live_child(attempt, &a), EPERM);
	}
	remove_leaf();
}

static void test_list__other_protocols__no_socket(void **state)
{
	static const struct {
		int family, type, proto;
	} rows[] = {
		{ AF_INET, SOCK_STREAM, IPPROTO_MPTCP },
		{ AF_INET6, SOCK_STREAM, IPPROTO_MPTCP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP },
	};
	const struct bv_net_rules rules = list_rules();
	struct bvh_net net;

	(void)state;
	make_leaf();
	attach(&rules, &net);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		struct attempt a = { .how = SOCKET_ONLY,
				     .family = rows[i].family,
				     .type = rows[i].type,
				     .proto = rows[i].proto,
				     .to = V4 };
		/* What this kernel was not built with, nobody gets. */
		assert_true(live_child(attempt, &a) != 0);
	}
	bvh_net_done(&net);
	remove_leaf();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list__lets_exactly_that_through),
		cmocka_unit_test(test_list__other_protocols__no_socket),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
