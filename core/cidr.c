/* SPDX-License-Identifier: MIT */
/* Addresses and prefixes as text. inet_pton(3) is a pure function. */
#include <arpa/inet.h>
#include <string.h>

#include "core/match.h"
#include "core/net.h"
#include "core/num.h"

#define V4_BITS 96u /* what stands before a v4 address in its mapped form */

struct prefix {
	unsigned char addr[16]; /* v4 as ::ffff:a.b.c.d */
	unsigned int bits;
};

static bool is_v4(const unsigned char addr[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

static bool parse_addr(const char *text, unsigned char ret[16], bool *ret_v4)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		memset(ret, 0, 10);
		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, &v4, 4);
		*ret_v4 = true;
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return false;
	memcpy(ret, &v6, 16);
	*ret_v4 = false;
	return true;
}

/* Bits beyond the prefix must be zero: 10.1.2.3/8 is somebody's mistake. */
static bool host_bits_zero(const struct prefix *p)
{
	for (unsigned int bit = p->bits; bit < 128; bit++) {
		if (p->addr[bit / 8] & (0x80u >> bit % 8))
			return false;
	}
	return true;
}

static bool parse_prefix(const char *text, struct prefix *ret)
{
	char addr[INET6_ADDRSTRLEN + 1];
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	uint64_t bits;
	bool v4;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (!parse_addr(addr, ret->addr, &v4))
		return false;
	bits = v4 ? 32 : 128;
	if (slash != NULL && !bv_parse_u64(slash + 1, 0, bits, &bits))
		return false;
	ret->bits = (unsigned int)bits + (v4 ? V4_BITS : 0);
	return host_bits_zero(ret);
}

/* The peer's address as sshd gives it: fe80::1%eth0 for a link-local one. */
static bool parse_peer(const char *text, unsigned char ret[16])
{
	char addr[INET6_ADDRSTRLEN + 1];
	const char *zone = strchr(text, '%');
	size_t len = zone == NULL ? strlen(text) : (size_t)(zone - text);
	bool v4;

	if (len >= sizeof(addr) || (zone != NULL && zone[1] == '\0'))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	return parse_addr(addr, ret, &v4) && !(v4 && zone != NULL);
}

bool bv_net_parse(const char *cidr, struct bv_net_addr *ret,
		  unsigned int *ret_bits)
{
	struct prefix p;

	if (!parse_prefix(cidr, &p))
		return false;
	memcpy(ret->byte, p.addr, sizeof(ret->byte));
	*ret_bits = p.bits;
	return true;
}

bool bv_cidr_valid(const char *cidr)
{
	struct prefix p;

	return parse_prefix(cidr, &p);
}

bool bv_cidr_contains(const char *cidr, const char *addr)
{
	unsigned char a[16];
	struct prefix p;

	if (!parse_prefix(cidr, &p) || !parse_peer(addr, a))
		return false;
	if (is_v4(a) && p.bits < V4_BITS) /* ::/0 is every v6 address only */
		return false;
	for (unsigned int bit = 0; bit < p.bits; bit++) {
		const unsigned int mask = 0x80u >> bit % 8;

		if ((a[bit / 8] & mask) != (p.addr[bit / 8] & mask))
			return false;
	}
	return true;
}
