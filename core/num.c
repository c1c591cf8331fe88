/* SPDX-License-Identifier: MIT */
/* Strict integers with units; tables for the units. */
#include "core/num.h"

#include <stddef.h>
#include <string.h>

#include "core/err.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", UINT64_C(1) << 10 },
	{ "M", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 },
	{ "T", UINT64_C(1) << 40 },
};

static const struct unit time_units[] = {
	{ "us", 1 },
	{ "ms", 1000 },
	{ "s", 1000 * 1000 },
	{ "min", UINT64_C(60) * 1000 * 1000 },
	{ "h", UINT64_C(3600) * 1000 * 1000 },
	{ "d", UINT64_C(86400) * 1000 * 1000 },
};

/* The digits in front; *ret_rest is what follows them. */
static bool parse_digits(const char *s, uint64_t *ret, const char **ret_rest)
{
	uint64_t value = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	}
	if (p == s || (s[0] == '0' && p - s > 1))
		return false;
	*ret = value;
	*ret_rest = p;
	return true;
}

static bool parse_unit(const char *s, const struct unit *units, size_t n,
		       uint64_t *ret)
{
	const char *rest;
	uint64_t value;

	if (!parse_digits(s, &value, &rest))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rest, units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(value, units[i].factor, &value))
			return false;
		*ret = value;
		return true;
	}
	return false;
}

bool bv_parse_u64(const char *s, uint64_t lo, uint64_t hi, uint64_t *ret)
{
	const char *rest;
	uint64_t value;

	if (!parse_digits(s, &value, &rest) || *rest != '\0' || value < lo ||
	    value > hi)
		return false;
	*ret = value;
	return true;
}

bool bv_parse_size(const char *s, uint64_t *ret_bytes)
{
	return parse_unit(s, size_units, BV_LEN(size_units), ret_bytes);
}

bool bv_parse_duration(const char *s, uint64_t *ret_us)
{
	if (strcmp(s, "0") == 0) {
		*ret_us = 0;
		return true;
	}
	return parse_unit(s, time_units, BV_LEN(time_units), ret_us);
}
