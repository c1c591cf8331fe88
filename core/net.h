/* SPDX-License-Identifier: MIT */
/*
 * Peers: what the [network] allow lines of a policy come to, as addresses. A
 * name is asked for once, at admission, by the caller; from then on the session
 * has the addresses it had at that moment. The list is a set: sorted, each peer
 * once, so that the order of lines and answers is in no plan. Pure.
 */
#ifndef BV_CORE_NET_H
#define BV_CORE_NET_H

#include "core/arena.h"
#include "core/err.h"
#include "core/policy.h"

#define BV_NET_PEER_MAX 512u /* of one session, names taken apart */
#define BV_NET_NAME_MAX 32u  /* names of one policy */
#define BV_NET_ADDR_MAX 32u  /* addresses of one name */
#define BV_NET_V4_BITS  96u  /* before a v4 address in its mapped form */
#define BV_NET_TCP      6u
#define BV_NET_UDP      17u
#define BV_NET_TEXT_MAX 64u

struct bv_net_addr {
	uint8_t byte[16]; /* v4 as ::ffff:a.b.c.d */
};

/* bits before v4's: no v4 address is inside, whatever the prefix says. */
struct bv_net_peer {
	struct bv_net_addr addr; /* host bits zero */
	uint8_t bits;            /* of the prefix, 0..128 */
	uint8_t proto;           /* BV_NET_TCP, BV_NET_UDP */
	uint16_t port;           /* 0: any */
	unsigned int line;       /* of the policy, the first that names it */
};

struct bv_net_list {
	const struct bv_net_peer *peer;
	size_t n;
	size_t open; /* names that nobody has asked for yet */
};

/* What a name was found to be. */
struct bv_net_name {
	const char *host;
	struct bv_net_addr addr[BV_NET_ADDR_MAX];
	size_t n;
};

/* Address or CIDR, host bits zero. */
bool bv_net_parse(const char *cidr, struct bv_net_addr *ret,
		  unsigned int *ret_bits);

/* The order of a list; 0: the same peer, whatever their lines. */
int bv_net_compare(const struct bv_net_peer *a, const struct bv_net_peer *b);

bool bv_net_is_v4(const struct bv_net_peer *peer);

/* Is what a policy names as a host a name, and not an address, network or *? */
bool bv_net_is_name(const char *host);

/* The names of a policy, each once, in the order of its lines. BV_E_CONF with
 * file:line when there are more than BV_NET_NAME_MAX. */
int bv_net_names(const struct bv_policy *policy,
		 const char *ret[static BV_NET_NAME_MAX], size_t *ret_n,
		 struct bv_err *err) BV_MUST_CHECK;

/* The policy's peers, its names as `name` has them. A name that is not among
 * these is counted in ret->open, one that is there without an address is
 * BV_E_CONF, and so are more peers than BV_NET_PEER_MAX; with file:line. */
int bv_net_pin(struct bv_arena *arena, const struct bv_policy *policy,
	       const struct bv_net_name *name, size_t name_n,
	       struct bv_net_list *ret, struct bv_err *err) BV_MUST_CHECK;

/* "192.0.2.0/24", "2001:db8::1"; no prefix when it is a host's. */
void bv_net_text(const struct bv_net_peer *peer,
		 char ret[static BV_NET_TEXT_MAX]);
const char *bv_net_proto_name(unsigned int proto); /* "tcp", "udp", "?" */

#endif
