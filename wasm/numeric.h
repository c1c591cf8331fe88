/* SPDX-License-Identifier: MIT */
/* What the expressions of ops.def need beyond C operators. */
#ifndef BV_WASM_NUMERIC_H
#define BV_WASM_NUMERIC_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "wasm/engine.h"

static inline float bw_f32_of(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t bw_bits_of_f32(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline double bw_f64_of(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint64_t bw_bits_of_f64(double f)
{
	uint64_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/* A NaN result is a quiet NaN; libm's rounding may pass a signalling one. */
static inline float bw_quiet32(float f)
{
	return f != f ? bw_f32_of(bw_bits_of_f32(f) | 0x400000u) : f;
}

static inline double bw_quiet64(double f)
{
	return f != f ? bw_f64_of(bw_bits_of_f64(f) | 0x8000000000000u) : f;
}

static inline enum bw_trap bw_div_u_trap(uint64_t y)
{
	return y == 0 ? BW_TRAP_DIVIDE_BY_ZERO : BW_TRAP_NONE;
}

static inline enum bw_trap bw_div_s32_trap(uint32_t x, uint32_t y)
{
	if (y == UINT32_MAX && x == 0x80000000u)
		return BW_TRAP_INTEGER_OVERFLOW;
	return bw_div_u_trap(y);
}

static inline enum bw_trap bw_div_s64_trap(uint64_t x, uint64_t y)
{
	if (y == UINT64_MAX && x == 0x8000000000000000u)
		return BW_TRAP_INTEGER_OVERFLOW;
	return bw_div_u_trap(y);
}

/* MIN % -1 overflows in C and is 0 here. */
static inline uint32_t bw_rem_s32(uint32_t x, uint32_t y)
{
	return y == UINT32_MAX ? 0 : (uint32_t)((int32_t)x % (int32_t)y);
}

static inline uint64_t bw_rem_s64(uint64_t x, uint64_t y)
{
	return y == UINT64_MAX ? 0 : (uint64_t)((int64_t)x % (int64_t)y);
}

/* The bounds are exact in double: a value strictly between them truncates to
 * an integer in range. */
static inline enum bw_trap bw_trunc_trap(double x, int above, int below)
{
	if (above && below)
		return BW_TRAP_NONE;
	return x != x ? BW_TRAP_CONVERSION : BW_TRAP_INTEGER_OVERFLOW;
}

static inline enum bw_trap bw_trunc_s32_trap(double x)
{
	return bw_trunc_trap(x, x > -2147483649.0, x < 2147483648.0);
}

static inline enum bw_trap bw_trunc_u32_trap(double x)
{
	return bw_trunc_trap(x, x > -1.0, x < 4294967296.0);
}

static inline enum bw_trap bw_trunc_s64_trap(double x)
{
	return bw_trunc_trap(x, x >= -9223372036854775808.0,
			     x < 9223372036854775808.0);
}

static inline enum bw_trap bw_trunc_u64_trap(double x)
{
	return bw_trunc_trap(x, x > -1.0, x < 18446744073709551616.0);
}

static inline uint32_t bw_sat_s32(double x)
{
	if (bw_trunc_s32_trap(x) == BW_TRAP_NONE)
		return (uint32_t)(int32_t)x;
	return x != x ? 0 : x < 0 ? 0x80000000u : 0x7fffffffu;
}

static inline uint32_t bw_sat_u32(double x)
{
	if (bw_trunc_u32_trap(x) == BW_TRAP_NONE)
		return (uint32_t)x;
	return x != x || x < 0 ? 0 : UINT32_MAX;
}

static inline uint64_t bw_sat_s64(double x)
{
	if (bw_trunc_s64_trap(x) == BW_TRAP_NONE)
		return (uint64_t)(int64_t)x;
	return x != x ? 0 : x < 0 ? 0x8000000000000000u : 0x7fffffffffffffffu;
}

static inline uint64_t bw_sat_u64(double x)
{
	if (bw_trunc_u64_trap(x) == BW_TRAP_NONE)
		return (uint64_t)x;
	return x != x || x < 0 ? 0 : UINT64_MAX;
}

/* A NaN operand makes a NaN, -0 is less than 0. */
static inline float bw_min32(float x, float y)
{
	if (x != x || y != y)
		return x + y;
	if (x == y)
		return bw_f32_of(bw_bits_of_f32(x) | bw_bits_of_f32(y));
	return x < y ? x : y;
}

static inline float bw_max32(float x, float y)
{
	if (x != x || y != y)
		return x + y;
	if (x == y)
		return bw_f32_of(bw_bits_of_f32(x) & bw_bits_of_f32(y));
	return x > y ? x : y;
}

static inline double bw_min64(double x, double y)
{
	if (x != x || y != y)
		return x + y;
	if (x == y)
		return bw_f64_of(bw_bits_of_f64(x) | bw_bits_of_f64(y));
	return x < y ? x : y;
}

static inline double bw_max64(double x, double y)
{
	if (x != x || y != y)
		return x + y;
	if (x == y)
		return bw_f64_of(bw_bits_of_f64(x) & bw_bits_of_f64(y));
	return x > y ? x : y;
}

#endif
