/* SPDX-License-Identifier: MIT */
/* SHA-256 by libmd, and the domains of the identities. */
#include <sha2.h>
#include <string.h>

#include "core/canon.h"
#include "core/digest.h"
#include "core/plan.h"

static const char *const domains[] = {
	[BV_IDENTITY_POLICY] = "",
	[BV_IDENTITY_PLAN] = "",
	[BV_IDENTITY_REPORT] = "",
	[BV_IDENTITY_SNAPSHOT] = "bvisor.snapshot.v1",
	[BV_IDENTITY_EVENT] = "bvisor.event.v1",
};
_Static_assert(BV_LEN(domains) == BV_IDENTITY_N, "every identity is stated");

const char *bv_identity_domain(enum bv_identity what)
{
	return (unsigned int)what < BV_IDENTITY_N ? domains[what] : "";
}

void bv_identity_hex(enum bv_identity what, const void *bytes, size_t len,
		     char ret[65])
{
	const char *domain = bv_identity_domain(what);
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	if (*domain)
		SHA256Update(&ctx, (const uint8_t *)domain, strlen(domain) + 1);
	SHA256Update(&ctx, bytes, len);
	SHA256Final(sum, &ctx);
	bv_digest_hex(sum, ret);
}

void bv_sha256_hex(const void *bytes, size_t len, char ret[65])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, bytes, len);
	SHA256Final(sum, &ctx);
	bv_digest_hex(sum, ret);
}
