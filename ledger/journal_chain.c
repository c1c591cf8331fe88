/* SPDX-License-Identifier: MIT */
/* What is hashed, and over what. Pure. */
#include "core/digest.h"
#include "ledger/journal_internal.h"

void bvl_chain_hash(uint64_t seq, const uint8_t prev[BVL_HASH_LEN],
		    const void *bytes, size_t len, uint8_t ret[BVL_HASH_LEN])
{
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.chain.v1");
	bv_digest_u64(&d, "seq", seq);
	bv_digest_bytes(&d, "prev", prev, BVL_HASH_LEN);
	bv_digest_bytes(&d, "event", bytes, len);
	bv_digest_end(&d, ret);
}

void bvl_checkpoint_seal(const struct bvl_checkpoint *c,
			 uint8_t ret[BVL_HASH_LEN])
{
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.checkpoint.v1");
	bv_digest_u64(&d, "seq", c->seq);
	bv_digest_bytes(&d, "hash", c->hash, BVL_HASH_LEN);
	bv_digest_u64(&d, "unix_us", c->unix_us);
	bv_digest_u64(&d, "removed", c->removed);
	bv_digest_bytes(&d, "prev", c->prev, BVL_HASH_LEN);
	bv_digest_end(&d, ret);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bvl_hash_from_hex(const char *hex, uint8_t ret[BVL_HASH_LEN])
{
	for (size_t i = 0; i < BVL_HASH_LEN; i++) {
		const int high = digit(hex[2 * i]);
		const int low = high < 0 ? -1 : digit(hex[2 * i + 1]);

		if (low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return hex[2 * BVL_HASH_LEN] == '\0';
}
