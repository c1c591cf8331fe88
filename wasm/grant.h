/* SPDX-License-Identifier: MIT */
/*
 * What the administrator grants one command of the restricted shell: the file
 * wasm.d/NAME.conf as read, and wasm.conf, which bounds all commands of a
 * session together. Pure text in, struct out; paths are as written (~ %u %U %h)
 * and nothing is looked up. Grammar: bvisor-wasm.d(5).
 */
#ifndef BV_WASM_GRANT_H
#define BV_WASM_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "wasm/engine.h"

#define BW_NAME_MAX       32u /* bytes of a command's name */
#define BW_GRANT_DIRS_MAX 16u /* preopens of one command */
#define BW_GRANT_ENV_MAX  64u /* variables of one command */
#define BW_GRANT_FILE_MAX (64u * 1024u)
#define BW_COMMANDS_MAX   256u /* files of wasm.d */

/* [a-z0-9][a-z0-9._-]{0,31} */
bool bw_name_valid(const char *name, size_t len);

struct bw_grant_dir {
	const char *path; /* as written, begins with '/', '~' or "%h" */
	bool writable;
	bool optional; /* "-/path": absent is fine */
	unsigned int line;
};

enum bw_grant_clock {
	BW_GRANT_CLOCK_REAL,
	BW_GRANT_CLOCK_COARSE, /* steps of a millisecond */
	BW_GRANT_CLOCK_FIXED,  /* stands still at the start of 2000 */
};

struct bw_grant {
	char sha256_hex[65];     /* of the module's bytes */
	const char *description; /* "" when not stated */
	struct bw_grant_dir dir[BW_GRANT_DIRS_MAX];
	size_t dirs;
	bool link, symlink;
	const char
		*env[BW_GRANT_ENV_MAX + 1]; /* "NAME=value", NULL at the end */
	size_t env_n;
	bool in;                /* may read standard input */
	uint64_t output_bytes;  /* to stdout and stderr */
	uint64_t storage_bytes; /* into files */
	uint64_t fuel;          /* WebAssembly instructions */
	uint64_t cpu_us;
	uint64_t wall_us;
	uint64_t mem_bytes;    /* linear memory, whole pages */
	uint64_t module_bytes; /* largest module that is loaded */
	uint32_t files;        /* open at once */
	enum bw_grant_clock clock;
	bool random_fixed; /* the same bytes every time */
};

/* Any fault is an error with file:line; nothing is half believed. Texts live
 * in arena. */
int bw_grant_parse(struct bv_arena *arena, const char *path, const char *bytes,
		   size_t len, struct bw_grant *ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* How many entries all tables of the module may have: an eighth of its memory
 * beside it, or half a megabyte where that is more. */
uint32_t bw_grant_table_entries(const struct bw_grant *grant);

/* What running the module may cost. */
struct bw_store_limits bw_grant_store_limits(const struct bw_grant *grant);

/* All commands of one session; UINT64_MAX: not bounded. */
struct bw_session_grant {
	uint64_t fuel;
	uint64_t cpu_us;
	uint64_t output_bytes;
	uint64_t storage_bytes;
	uint64_t commands;
};

/* bytes NULL: no file, nothing is bounded. */
int bw_session_grant_parse(const char *path, const char *bytes, size_t len,
			   struct bw_session_grant *ret,
			   struct bv_err *err) BV_MUST_CHECK;

/* "10G" instructions: digits and K, M, G or T, thousands. */
bool bw_parse_fuel(const char *s, uint64_t *ret);

#endif
