/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 over named fields, for what is digested but never stored: domain,
 * then (length, key, type, length, bytes) each, a number (type, value), every
 * length and number in LEB128 (seven bits a byte, the lowest first). Different
 * fields never give the same bytes, whatever the texts hold.
 */
#ifndef BV_CORE_DIGEST_H
#define BV_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include <sha2.h>

struct bv_digest {
	SHA2_CTX sha;
};

void bv_digest_begin(struct bv_digest *d, const char *domain);
void bv_digest_u64(struct bv_digest *d, const char *key, uint64_t v);
void bv_digest_bytes(struct bv_digest *d, const char *key, const void *bytes,
		     size_t len);
void bv_digest_text(struct bv_digest *d, const char *key, const char *text);
void bv_digest_end(struct bv_digest *d, uint8_t ret[32]);

void bv_digest_hex(const uint8_t sum[32], char ret[65]);

#endif
