/* SPDX-License-Identifier: MIT */
/* A command's record: to bytes, from bytes that anybody may have made. */
#include "core/command.h"

#include <string.h>

#define MAGIC UINT64_C(0x31435642) /* "BVC1" */

static const char *const verdict_names[] = {
	[BV_COMMAND_ENDED] = "ended",
	[BV_COMMAND_REFUSED] = "refused",
	[BV_COMMAND_TRAP] = "trap",
	[BV_COMMAND_FUEL] = "fuel",
	[BV_COMMAND_CPU] = "cpu",
	[BV_COMMAND_WALL] = "wall",
	[BV_COMMAND_INTERRUPTED] = "interrupted",
	[BV_COMMAND_KILLED] = "killed",
};
_Static_assert(BV_LEN(verdict_names) == BV_COMMAND_VERDICT_N, "each verdict");

const char *bv_command_verdict_name(unsigned int verdict)
{
	return verdict < BV_COMMAND_VERDICT_N ? verdict_names[verdict] : "?";
}

/* --- the wire: little-endian numbers, then texts padded with NULs ----------- */

enum place {
	AT_MAGIC = 0,
	AT_SEQ = 4,
	AT_VERDICT = 12,
	AT_STATUS = 13,
	AT_COUNTED = 14,
	AT_ZERO = 15,
	AT_PAGES = 16,
	AT_FUEL = 20,
	AT_CPU = 28,
	AT_WALL = 36,
	AT_NAME = 44,
	AT_SHA256 = AT_NAME + BV_COMMAND_NAME_MAX,
	AT_END = AT_SHA256 + 64,
};
_Static_assert(AT_END == BV_COMMAND_BYTES, "all of a packet");

static void put(unsigned char *to, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)from[i] << (8 * i);
	return v;
}

void bv_command_encode(const struct bv_command *c, uint64_t seq,
		       unsigned char ret[BV_COMMAND_BYTES])
{
	memset(ret, 0, BV_COMMAND_BYTES);
	put(ret + AT_MAGIC, MAGIC, 4);
	put(ret + AT_SEQ, seq, 8);
	put(ret + AT_VERDICT, c->verdict, 1);
	put(ret + AT_STATUS, c->status, 1);
	put(ret + AT_COUNTED, c->counted, 1);
	put(ret + AT_PAGES, c->peak_pages, 4);
	put(ret + AT_FUEL, c->fuel, 8);
	put(ret + AT_CPU, c->cpu_us, 8);
	put(ret + AT_WALL, c->wall_us, 8);
	memcpy(ret + AT_NAME, c->name, strnlen(c->name, BV_COMMAND_NAME_MAX));
	memcpy(ret + AT_SHA256, c->sha256, strnlen(c->sha256, 64));
}

/* A name, and behind it nothing. */
static bool take_name(const unsigned char *from, char *ret)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n;

	memcpy(ret, from, BV_COMMAND_NAME_MAX);
	ret[BV_COMMAND_NAME_MAX] = '\0';
	n = strlen(ret);
	for (size_t i = n; i < BV_COMMAND_NAME_MAX; i++)
		if (ret[i] != '\0')
			return false;
	return n > 0 && strspn(ret, letters) == n && ret[0] != '.' &&
	       ret[0] != '_' && ret[0] != '-';
}

static bool take_sha256(const unsigned char *from, char *ret)
{
	memcpy(ret, from, 64);
	ret[64] = '\0';
	return strspn(ret, "0123456789abcdef") == 64;
}

/* What no shell counts to is a number that no document holds either. */
static bool sound(const struct bv_command *c, uint64_t seq)
{
	return c->fuel <= INT64_MAX && c->cpu_us <= INT64_MAX &&
	       c->wall_us <= INT64_MAX && seq > 0 && seq <= INT64_MAX &&
	       (c->counted || (c->fuel == 0 && c->peak_pages == 0));
}

int bv_command_decode(const void *bytes, size_t len, struct bv_command *ret,
		      uint64_t *ret_seq, struct bv_err *err)
{
	const unsigned char *from = bytes;
	struct bv_command c = { 0 };

	if (len != BV_COMMAND_BYTES || get(from + AT_MAGIC, 4) != MAGIC)
		return bv_fail(err, BV_E_PROTO, "no record of a command");
	if (from[AT_VERDICT] >= BV_COMMAND_VERDICT_N || from[AT_COUNTED] > 1 ||
	    from[AT_ZERO] != 0)
		return bv_fail(err, BV_E_PROTO, "a record of another kind");
	c.verdict = (enum bv_command_verdict)from[AT_VERDICT];
	c.status = from[AT_STATUS];
	c.counted = from[AT_COUNTED] == 1;
	c.peak_pages = (uint32_t)get(from + AT_PAGES, 4);
	c.fuel = get(from + AT_FUEL, 8);
	c.cpu_us = get(from + AT_CPU, 8);
	c.wall_us = get(from + AT_WALL, 8);
	*ret_seq = get(from + AT_SEQ, 8);
	if (!sound(&c, *ret_seq))
		return bv_fail(err, BV_E_PROTO, "a number out of bounds");
	if (!take_name(from + AT_NAME, c.name) ||
	    !take_sha256(from + AT_SHA256, c.sha256))
		return bv_fail(err, BV_E_PROTO, "no name, or no digest");
	*ret = c;
	return BV_OK;
}

void bv_commands_add(struct bv_commands *all, const struct bv_command *c)
{
	if (all->told < BV_COMMANDS_LISTED)
		all->list[all->told] = *c;
	if (all->told < INT64_MAX)
		all->told++;
	if (c->counted && c->fuel > (uint64_t)INT64_MAX - all->fuel)
		all->fuel = INT64_MAX;
	else if (c->counted)
		all->fuel += c->fuel;
}
