/* SPDX-License-Identifier: MIT */
/* The rules of an exact environment. */
#include "core/env.h"

#include <string.h>

#include "core/policy.h"

static const char *const code_names[] = {
	[BV_ENV_SOUND] = "sound",
	[BV_ENV_TOO_MANY_ENTRIES] = "too-many-entries",
	[BV_ENV_EMPTY_NAME] = "empty-name",
	[BV_ENV_NAME_RESERVED_BYTE] = "name-reserved-byte",
	[BV_ENV_DUPLICATE_NAME] = "duplicate-name",
	[BV_ENV_VALUE_NUL] = "value-nul",
	[BV_ENV_TOO_MANY_BYTES] = "too-many-bytes",
};
_Static_assert(BV_LEN(code_names) == BV_ENV_CODE_N, "all named");

const char *bv_env_code_name(enum bv_env_code code)
{
	return (unsigned int)code < BV_ENV_CODE_N ? code_names[code] : "?";
}

static bool has_byte(const char *bytes, size_t len, int byte)
{
	return len > 0 && memchr(bytes, byte, len) != NULL;
}

static bool same_name(const struct bv_env_entry *a,
		      const struct bv_env_entry *b)
{
	return a->name_len == b->name_len &&
	       memcmp(a->name, b->name, a->name_len) == 0;
}

static enum bv_env_code check_entry(const struct bv_env_entry *all, size_t i,
				    size_t *ret_earlier)
{
	const struct bv_env_entry *e = &all[i];

	if (e->name_len == 0)
		return BV_ENV_EMPTY_NAME;
	if (has_byte(e->name, e->name_len, '=') ||
	    has_byte(e->name, e->name_len, '\0'))
		return BV_ENV_NAME_RESERVED_BYTE;
	for (size_t j = 0; j < i; j++) {
		if (same_name(&all[j], e)) {
			*ret_earlier = j;
			return BV_ENV_DUPLICATE_NAME;
		}
	}
	if (!e->is_lease && has_byte(e->value, e->value_len, '\0'))
		return BV_ENV_VALUE_NUL;
	return BV_ENV_SOUND;
}

struct bv_env_fault bv_env_check(const struct bv_env_entry *entry, size_t n)
{
	struct bv_env_fault fault = { BV_ENV_SOUND, 0, 0 };
	size_t left = BV_ENV_BYTES_MAX;
	bool over = false;

	if (n > BV_ENV_ENTRIES_MAX) {
		fault.code = BV_ENV_TOO_MANY_ENTRIES;
		fault.index = BV_ENV_ENTRIES_MAX;
		return fault;
	}
	for (size_t i = 0; i < n; i++) {
		const struct bv_env_entry *e = &entry[i];

		fault.code = check_entry(entry, i, &fault.earlier);
		fault.index = i;
		if (fault.code != BV_ENV_SOUND)
			return fault;
		/* By what is left: the sum of two lengths may not be one. */
		over = over || e->name_len > left ||
		       e->value_len > left - e->name_len;
		if (!over)
			left -= e->name_len + e->value_len;
	}
	fault.index = 0;
	if (over)
		fault.code = BV_ENV_TOO_MANY_BYTES;
	return fault;
}

struct bv_env_fault bv_env_check_policy(const struct bv_policy *policy)
{
	struct bv_env_entry entry[BV_ENV_ENTRIES_MAX];
	size_t n = policy->env_n;

	if (n > BV_ENV_ENTRIES_MAX)
		return bv_env_check(NULL, n);
	for (size_t i = 0; i < n; i++) {
		const struct bv_env_rule *rule = &policy->env[i];

		entry[i] = (struct bv_env_entry){
			.name = rule->name,
			.name_len = strlen(rule->name),
			.value = rule->value,
			.value_len = strlen(rule->value),
			.is_lease = rule->is_lease,
		};
	}
	return bv_env_check(entry, n);
}

int bv_env_check_resolved(const struct bv_env_entry *entry, size_t n,
			  struct bv_err *err)
{
	struct bv_env_fault fault;

	for (size_t i = 0; i < n && i < BV_ENV_ENTRIES_MAX; i++)
		if (entry[i].is_lease)
			return bv_fail(err, BV_E_INVAL,
				       "environment: variable %zu is a lease "
				       "that was not resolved",
				       i + 1);
	fault = bv_env_check(entry, n);
	switch (fault.code) {
	case BV_ENV_SOUND:
		return BV_OK;
	case BV_ENV_TOO_MANY_ENTRIES:
		return bv_fail(err, BV_E_LIMIT,
			       "environment: more than %u variables",
			       BV_ENV_ENTRIES_MAX);
	case BV_ENV_TOO_MANY_BYTES:
		return bv_fail(err, BV_E_LIMIT,
			       "environment: more than %u bytes of names and "
			       "values once leases are resolved",
			       BV_ENV_BYTES_MAX);
	case BV_ENV_VALUE_NUL:
		return bv_fail(err, BV_E_INVAL,
			       "environment: the value of '%.*s' holds a NUL",
			       (int)entry[fault.index].name_len,
			       entry[fault.index].name);
	case BV_ENV_EMPTY_NAME:
	case BV_ENV_NAME_RESERVED_BYTE:
	case BV_ENV_DUPLICATE_NAME:
	case BV_ENV_CODE_N:
		break;
	}
	return bv_fail(err, BV_E_INVAL, "environment: variable %zu: %s",
		       fault.index + 1, bv_env_code_name(fault.code));
}
