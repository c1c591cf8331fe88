/* SPDX-License-Identifier: MIT */
/*
 * What a restricted shell says of a command it ran, and how it is put on the
 * wire to the guardian. The shell is a process of the session's user: its words
 * are bounded and kept as its words, and nothing is decided by them.
 */
#ifndef BV_CORE_COMMAND_H
#define BV_CORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

enum bv_command_verdict {
	BV_COMMAND_ENDED,       /* by itself: status is its own */
	BV_COMMAND_REFUSED,     /* it was not run */
	BV_COMMAND_TRAP,        /* or another limit of the interpreter */
	BV_COMMAND_FUEL,        /* used up */
	BV_COMMAND_CPU,         /* likewise */
	BV_COMMAND_WALL,        /* likewise */
	BV_COMMAND_INTERRUPTED, /* by the user or the session's end */
	BV_COMMAND_KILLED,      /* ended without a word */
	BV_COMMAND_VERDICT_N
};

const char *bv_command_verdict_name(unsigned int verdict); /* "trap"; "?" */

#define BV_COMMAND_NAME_MAX 32u /* [a-z0-9][a-z0-9._-]* */

struct bv_command {
	char name[BV_COMMAND_NAME_MAX + 1];
	char sha256[65]; /* of the module that was granted */
	enum bv_command_verdict verdict;
	uint32_t status; /* at most 255 */
	bool counted;    /* else fuel and peak_pages are 0 and unknown */
	uint64_t fuel;
	uint32_t peak_pages;
	uint64_t cpu_us;
	uint64_t wall_us;
};

#define BV_COMMAND_BYTES 140u /* of one packet */

/* seq: 1, 2, ... of each shell, so that what did not arrive can be counted. */
void bv_command_encode(const struct bv_command *c, uint64_t seq,
		       unsigned char ret[BV_COMMAND_BYTES]);
/* BV_E_PROTO for whatever bv_command_encode() does not make. */
int bv_command_decode(const void *bytes, size_t len, struct bv_command *ret,
		      uint64_t *ret_seq, struct bv_err *err) BV_MUST_CHECK;

/* --- what is kept of a session --------------------------------------------- */

#define BV_COMMANDS_LISTED 256u /* the first ones */

struct bv_commands {
	uint64_t told;     /* all of them; listed are the first */
	uint64_t fuel;     /* of all that counted it */
	uint64_t lost;     /* said, by their numbers, and never heard */
	uint64_t unheard;  /* shells that nobody could listen to */
	uint64_t nonsense; /* shells that sent what no shell sends */
	struct bv_command list[BV_COMMANDS_LISTED];
};

static inline size_t bv_commands_listed(const struct bv_commands *c)
{
	return c->told < BV_COMMANDS_LISTED ? (size_t)c->told
					    : BV_COMMANDS_LISTED;
}

/* Sums stay at their end rather than begin again. */
void bv_commands_add(struct bv_commands *all, const struct bv_command *c);

#endif
