/* SPDX-License-Identifier: MIT */
/* Length-prefixed fields into SHA-256 (libmd). */
#include "core/digest.h"

#include <string.h>

#define KEY_MAX    64u
#define NUMBER_MAX 10u /* 64 bits, seven a byte */

/* Seven bits a byte, the lowest first, the last byte below 128: one form for
 * each number, and none is the beginning of another's. */
static size_t write_number(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

/* The head of a field, and the number behind it when it has one, in one piece:
 * libmd is quicker with few long pieces than with many short ones. */
static void put_head(struct bv_digest *d, const char *key, char type,
		     const uint64_t *number)
{
	uint8_t head[NUMBER_MAX + KEY_MAX + 1 + NUMBER_MAX];
	const size_t len = strlen(key);
	size_t n = write_number(head, len);

	if (len <= KEY_MAX) {
		memcpy(head + n, key, len);
		n += len;
	} else {
		SHA256Update(&d->sha, head, n);
		SHA256Update(&d->sha, (const uint8_t *)key, len);
		n = 0;
	}
	head[n++] = (uint8_t)type;
	if (number != NULL)
		n += write_number(head + n, *number);
	SHA256Update(&d->sha, head, n);
}

void bv_digest_begin(struct bv_digest *d, const char *domain)
{
	SHA256Init(&d->sha);
	bv_digest_text(d, "domain", domain);
}

void bv_digest_u64(struct bv_digest *d, const char *key, uint64_t v)
{
	put_head(d, key, 'u', &v);
}

void bv_digest_bytes(struct bv_digest *d, const char *key, const void *bytes,
		     size_t len)
{
	const uint64_t n = len;

	put_head(d, key, 'b', &n);
	SHA256Update(&d->sha, bytes, len);
}

/* No text is something else than an empty text. */
void bv_digest_text(struct bv_digest *d, const char *key, const char *text)
{
	const uint64_t n = text == NULL ? 0 : strlen(text);

	put_head(d, key, text == NULL ? 'n' : 't', text == NULL ? NULL : &n);
	if (text != NULL)
		SHA256Update(&d->sha, (const uint8_t *)text, n);
}

void bv_digest_end(struct bv_digest *d, uint8_t ret[32])
{
	SHA256Final(ret, &d->sha);
}

void bv_digest_hex(const uint8_t sum[32], char ret[65])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		ret[2 * i] = digits[sum[i] >> 4];
		ret[2 * i + 1] = digits[sum[i] & 0xf];
	}
	ret[64] = '\0';
}
