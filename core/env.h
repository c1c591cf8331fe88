/* SPDX-License-Identifier: MIT */
/*
 * The rules of an exact environment, in their frozen order: the count; then
 * each entry in turn (a name, its bytes, no repeat, no NUL in a literal); then
 * the sum of all bytes. Once more for what leases were resolved to.
 */
#ifndef BV_CORE_ENV_H
#define BV_CORE_ENV_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

#define BV_ENV_ENTRIES_MAX 256u
#define BV_ENV_BYTES_MAX   131072u /* names and values, without '=' and NUL */

struct bv_policy;

struct bv_env_entry {
	const char *name;
	size_t name_len;
	const char
		*value; /* literal, lease reference, or what it resolved to */
	size_t value_len;
	bool is_lease; /* value is a reference: its bytes are not the value's */
};

enum bv_env_code {
	BV_ENV_SOUND,
	BV_ENV_TOO_MANY_ENTRIES,
	BV_ENV_EMPTY_NAME,
	BV_ENV_NAME_RESERVED_BYTE, /* '=' or NUL */
	BV_ENV_DUPLICATE_NAME,     /* byte for byte: PATH is not path */
	BV_ENV_VALUE_NUL,
	BV_ENV_TOO_MANY_BYTES,
	BV_ENV_CODE_N
};

struct bv_env_fault {
	enum bv_env_code code;
	size_t index;   /* the entry, where one is to blame */
	size_t earlier; /* DUPLICATE_NAME: the entry that has it already */
};

/* The first failure; SOUND when there is none. No entries are an environment
 * too: the empty one. */
struct bv_env_fault bv_env_check(const struct bv_env_entry *entry, size_t n);

/* The same for a policy's [environment]. */
struct bv_env_fault bv_env_check_policy(const struct bv_policy *policy);

/* Just before launch, every lease resolved: the rules once more with what the
 * values have become, for a resolver can give anything. BV_E_INVAL or
 * BV_E_LIMIT; the text names the variable and never holds a value. */
int bv_env_check_resolved(const struct bv_env_entry *entry, size_t n,
			  struct bv_err *err) BV_MUST_CHECK;

const char *bv_env_code_name(enum bv_env_code code); /* "duplicate-name" */

#endif
