/* SPDX-License-Identifier: MIT */
/* Lines and names → a sorted set of peers. */
#include "core/net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDR_BITS 128u

const char *bv_net_proto_name(unsigned int proto)
{
	return proto == BV_NET_TCP ? "tcp" : proto == BV_NET_UDP ? "udp" : "?";
}

static bool is_mapped(const struct bv_net_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr->byte, mapped, sizeof(mapped)) == 0;
}

bool bv_net_is_v4(const struct bv_net_peer *peer)
{
	return peer->bits >= BV_NET_V4_BITS && is_mapped(&peer->addr);
}

bool bv_net_is_name(const char *host)
{
	struct bv_net_addr addr;
	unsigned int bits;

	return strcmp(host, "*") != 0 && !bv_net_parse(host, &addr, &bits);
}

void bv_net_text(const struct bv_net_peer *peer,
		 char ret[static BV_NET_TEXT_MAX])
{
	const bool v4 = bv_net_is_v4(peer);
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(v4 ? AF_INET : AF_INET6,
			peer->addr.byte + (v4 ? 12 : 0), text, sizeof(text));
	if (peer->bits == ADDR_BITS)
		snprintf(ret, BV_NET_TEXT_MAX, "%s", text);
	else
		snprintf(ret, BV_NET_TEXT_MAX, "%s/%u", text,
			 peer->bits - (v4 ? BV_NET_V4_BITS : 0));
}

int bv_net_names(const struct bv_policy *policy,
		 const char *ret[static BV_NET_NAME_MAX], size_t *ret_n,
		 struct bv_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->net_n; i++) {
		const struct bv_net_rule *rule = &policy->net[i];
		size_t at = 0;

		if (!bv_net_is_name(rule->host))
			continue;
		while (at < n && strcmp(ret[at], rule->host) != 0)
			at++;
		if (at < n)
			continue;
		if (n == BV_NET_NAME_MAX)
			return bv_fail(err, BV_E_CONF,
				       "%s:%u: [network] allow: over %u host "
				       "names; write addresses or networks",
				       policy->path, rule->line,
				       BV_NET_NAME_MAX);
		ret[n++] = rule->host;
	}
	*ret_n = n;
	return BV_OK;
}

/* --- collecting ------------------------------------------------------------ */

struct collect {
	const struct bv_policy *policy;
	struct bv_net_peer *peer; /* BV_NET_PEER_MAX of them */
	size_t n;
};

static int add(struct collect *c, const struct bv_net_rule *rule,
	       const struct bv_net_addr *addr, unsigned int bits,
	       struct bv_err *err)
{
	if (c->n == BV_NET_PEER_MAX)
		return bv_fail(err, BV_E_CONF,
			       "%s:%u: [network] allow: over %u peers in all; "
			       "write networks in place of addresses",
			       c->policy->path, rule->line, BV_NET_PEER_MAX);
	c->peer[c->n++] = (struct bv_net_peer){
		.addr = *addr,
		.bits = (uint8_t)bits,
		.proto = strcmp(rule->proto, "udp") == 0 ? BV_NET_UDP
							 : BV_NET_TCP,
		.port = rule->port,
		.line = rule->line,
	};
	return BV_OK;
}

static int add_any(struct collect *c, const struct bv_net_rule *rule,
		   struct bv_err *err)
{
	const struct bv_net_addr v4 = { { [10] = 0xff, [11] = 0xff } };
	const struct bv_net_addr v6 = { { 0 } };
	int code = add(c, rule, &v4, BV_NET_V4_BITS, err);

	return code == BV_OK ? add(c, rule, &v6, 0, err) : code;
}

static int add_name(struct collect *c, const struct bv_net_rule *rule,
		    const struct bv_net_name *name, struct bv_err *err)
{
	int code = BV_OK;

	if (name->n == 0)
		return bv_fail(err, BV_E_CONF,
			       "%s:%u: [network] allow: '%s' has no address "
			       "here; write its addresses, or see that this "
			       "machine can look it up",
			       c->policy->path, rule->line, rule->host);
	for (size_t i = 0; i < name->n && code == BV_OK; i++)
		code = add(c, rule, &name->addr[i], ADDR_BITS, err);
	return code;
}

static int add_rule(struct collect *c, const struct bv_net_rule *rule,
		    const struct bv_net_name *name, size_t name_n, size_t *open,
		    struct bv_err *err)
{
	struct bv_net_addr addr;
	unsigned int bits;

	if (strcmp(rule->host, "*") == 0)
		return add_any(c, rule, err);
	if (bv_net_parse(rule->host, &addr, &bits))
		return add(c, rule, &addr, bits, err);
	for (size_t i = 0; i < name_n; i++)
		if (strcmp(name[i].host, rule->host) == 0)
			return add_name(c, rule, &name[i], err);
	(*open)++;
	return BV_OK;
}

/* --- order ----------------------------------------------------------------- */

static int by_number(unsigned int x, unsigned int y)
{
	return (x > y) - (x < y);
}

int bv_net_compare(const struct bv_net_peer *x, const struct bv_net_peer *y)
{
	int cmp = by_number(x->proto, y->proto);

	if (cmp == 0)
		cmp = memcmp(x->addr.byte, y->addr.byte, sizeof(x->addr.byte));
	if (cmp == 0)
		cmp = by_number(x->bits, y->bits);
	return cmp == 0 ? by_number(x->port, y->port) : cmp;
}

static int by_peer_and_line(const void *a, const void *b)
{
	const struct bv_net_peer *x = a, *y = b;
	int cmp = bv_net_compare(x, y);

	return cmp == 0 ? by_number(x->line, y->line) : cmp;
}

static size_t fold(struct bv_net_peer *peer, size_t n)
{
	size_t kept = 0;

	qsort(peer, n, sizeof(*peer), by_peer_and_line);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || bv_net_compare(&peer[kept - 1], &peer[i]) != 0)
			peer[kept++] = peer[i];
	return kept;
}

int bv_net_pin(struct bv_arena *arena, const struct bv_policy *policy,
	       const struct bv_net_name *name, size_t name_n,
	       struct bv_net_list *ret, struct bv_err *err)
{
	struct collect c = { .policy = policy };
	size_t open = 0;
	int code = BV_OK;

	if (policy->net_n == 0) {
		*ret = (struct bv_net_list){ .n = 0 };
		return BV_OK;
	}
	c.peer = bv_arena_alloc(arena, BV_NET_PEER_MAX * sizeof(*c.peer));
	if (c.peer == NULL)
		return bv_fail(err, BV_E_NOMEM, "policy '%s': no memory",
			       policy->name);
	for (size_t i = 0; i < policy->net_n && code == BV_OK; i++)
		code = add_rule(&c, &policy->net[i], name, name_n, &open, err);
	if (code != BV_OK)
		return code;
	*ret = (struct bv_net_list){ .peer = c.peer,
				     .n = fold(c.peer, c.n),
				     .open = open };
	return BV_OK;
}
