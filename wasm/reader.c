/* SPDX-License-Identifier: MIT */
/* LEB128, names and counts of the binary format. */
#include "wasm/reader.h"

#include "core/utf8.h"

#include <stdbool.h>
#include <string.h>

int bw_bad(struct bw_reader *r, const char *text)
{
	return bv_fail(r->err, BV_E_CONF, "%s, offset 0x%x", text,
		       bw_offset(r));
}

int bw_read_u8(struct bw_reader *r, uint8_t *ret)
{
	if (r->p == r->end)
		return bw_bad(r, "unexpected end");
	*ret = *r->p++;
	return BV_OK;
}

/* The last byte of a bits-wide number may only carry bits that fit, or, when
 * signed, copies of the sign. */
static bool last_fits(uint8_t byte, unsigned used, bool is_signed)
{
	unsigned high;

	if (used >= 7)
		return true;
	if (!is_signed)
		return (byte >> used) == 0;
	high = (unsigned)(byte & 0x7f) >> (used - 1);
	return high == 0 || high == 0x7fu >> (used - 1);
}

static int read_leb(struct bw_reader *r, unsigned bits, bool is_signed,
		    uint64_t *ret)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t byte = 0;

	for (;;) {
		BW_TRY(bw_read_u8(r, &byte));
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (shift + 7 >= bits) {
			if ((byte & 0x80) != 0)
				return bw_bad(
					r, "integer representation too long");
			if (!last_fits(byte, bits - shift, is_signed))
				return bw_bad(r, "integer too large");
			break;
		}
		shift += 7;
		if ((byte & 0x80) == 0) {
			if (is_signed && (byte & 0x40) != 0)
				v |= ~(uint64_t)0 << shift;
			*ret = v;
			return BV_OK;
		}
	}
	if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64)
		v |= ~(uint64_t)0 << (shift + 7);
	*ret = v;
	return BV_OK;
}

int bw_read_u32(struct bw_reader *r, uint32_t *ret)
{
	uint64_t v;

	if (r->p != r->end && *r->p < 0x80) {
		*ret = *r->p++;
		return BV_OK;
	}
	BW_TRY(read_leb(r, 32, false, &v));
	*ret = (uint32_t)v;
	return BV_OK;
}

int bw_read_s32(struct bw_reader *r, uint32_t *ret)
{
	uint64_t v;

	BW_TRY(read_leb(r, 32, true, &v));
	*ret = (uint32_t)v;
	return BV_OK;
}

int bw_read_s33(struct bw_reader *r, int64_t *ret)
{
	uint64_t v;

	BW_TRY(read_leb(r, 33, true, &v));
	*ret = (int64_t)v;
	return BV_OK;
}

int bw_read_s64(struct bw_reader *r, uint64_t *ret)
{
	return read_leb(r, 64, true, ret);
}

int bw_read_f32(struct bw_reader *r, uint32_t *ret)
{
	const uint8_t *p = r->p;

	BW_TRY(bw_read_bytes(r, 4, &p));
	memcpy(ret, p, 4);
	return BV_OK;
}

int bw_read_f64(struct bw_reader *r, uint64_t *ret)
{
	const uint8_t *p = r->p;

	BW_TRY(bw_read_bytes(r, 8, &p));
	memcpy(ret, p, 8);
	return BV_OK;
}

int bw_read_bytes(struct bw_reader *r, uint32_t n, const uint8_t **ret)
{
	if (n > bw_left(r))
		return bw_bad(r, "unexpected end");
	*ret = r->p;
	r->p += n;
	return BV_OK;
}

int bw_read_count(struct bw_reader *r, uint32_t min_bytes, uint32_t *ret)
{
	uint32_t n;

	BW_TRY(bw_read_u32(r, &n));
	if (n > bw_left(r) / min_bytes)
		return bw_bad(r, "count larger than the bytes left");
	*ret = n;
	return BV_OK;
}

int bw_read_name(struct bw_reader *r, const uint8_t **ret, uint32_t *ret_len)
{
	const uint8_t *p = r->p;
	uint32_t len;

	BW_TRY(bw_read_u32(r, &len));
	BW_TRY(bw_read_bytes(r, len, &p));
	if (!bv_utf8_valid((const char *)p, len))
		return bw_bad(r, "malformed UTF-8 encoding");
	*ret = p;
	*ret_len = len;
	return BV_OK;
}
