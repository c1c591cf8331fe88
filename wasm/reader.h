/* SPDX-License-Identifier: MIT */
/*
 * Reads the binary format. Every read is checked against the end; a failed one
 * sets err with the offset and leaves the position undefined.
 */
#ifndef BV_WASM_READER_H
#define BV_WASM_READER_H

#include <stdint.h>

#include "core/err.h"

/* Leave the function with the failure of x. */
#define BW_TRY(x)                                                              \
	do {                                                                   \
		int try_rc = (x);                                              \
		if (try_rc != BV_OK)                                           \
			return try_rc;                                         \
	} while (0)

struct bw_reader {
	const uint8_t *base; /* start of the module: offsets count from here */
	const uint8_t *p;
	const uint8_t *end;
	struct bv_err *err;
};

static inline uint32_t bw_left(const struct bw_reader *r)
{
	return (uint32_t)(r->end - r->p);
}

static inline uint32_t bw_offset(const struct bw_reader *r)
{
	return (uint32_t)(r->p - r->base);
}

/* BV_E_CONF with ", offset 0x…" appended. */
int bw_bad(struct bw_reader *r, const char *text);

int bw_read_u8(struct bw_reader *r, uint8_t *ret);
int bw_read_u32(struct bw_reader *r, uint32_t *ret);
int bw_read_s32(struct bw_reader *r, uint32_t *ret); /* two's complement */
int bw_read_s33(struct bw_reader *r, int64_t *ret);
int bw_read_s64(struct bw_reader *r, uint64_t *ret);
int bw_read_f32(struct bw_reader *r, uint32_t *ret);
int bw_read_f64(struct bw_reader *r, uint64_t *ret);
int bw_read_bytes(struct bw_reader *r, uint32_t n, const uint8_t **ret);
/* A count of items of at least min_bytes each: refused when the bytes left
 * cannot hold them. */
int bw_read_count(struct bw_reader *r, uint32_t min_bytes, uint32_t *ret);
/* A length and as many bytes of valid UTF-8. */
int bw_read_name(struct bw_reader *r, const uint8_t **ret, uint32_t *ret_len);

#endif
