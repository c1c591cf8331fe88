/* SPDX-License-Identifier: MIT */
/* Length-prefixed fields into SHA-256 (libmd). */
#include "core/digest.h"

#include <endian.h>
#include <string.h>

static void put_number(struct bv_digest *d, uint64_t v)
{
	const uint64_t be = htobe64(v);

	SHA256Update(&d->sha, (const uint8_t *)&be, sizeof(be));
}

static void put_field(struct bv_digest *d, const char *key, char type)
{
	const size_t len = strlen(key);

	put_number(d, len);
	SHA256Update(&d->sha, (const uint8_t *)key, len);
	SHA256Update(&d->sha, (const uint8_t *)&type, 1);
}

void bv_digest_begin(struct bv_digest *d, const char *domain)
{
	SHA256Init(&d->sha);
	bv_digest_text(d, "domain", domain);
}

void bv_digest_u64(struct bv_digest *d, const char *key, uint64_t v)
{
	put_field(d, key, 'u');
	put_number(d, v);
}

void bv_digest_bytes(struct bv_digest *d, const char *key, const void *bytes,
		     size_t len)
{
	put_field(d, key, 'b');
	put_number(d, len);
	SHA256Update(&d->sha, bytes, len);
}

/* No text is something else than an empty text. */
void bv_digest_text(struct bv_digest *d, const char *key, const char *text)
{
	if (text == NULL) {
		put_field(d, key, 'n');
		return;
	}
	put_field(d, key, 't');
	put_number(d, strlen(text));
	SHA256Update(&d->sha, (const uint8_t *)text, strlen(text));
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
