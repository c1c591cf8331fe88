/* SPDX-License-Identifier: MIT */
/*
 * Which policy decides about a login. Precedence, frozen:
 *   1. exempt list of the PAM line (the module's business, not here);
 *   2. policies by priority, highest first; equal priorities by name, bytewise;
 *   3. the first whose [match] holds decides; nothing is merged;
 *   4. none: bvisor.conf's `unmatched`.
 * Within [match] every stated key must hold; a key holds when one of its plain
 * values fits (or it has only negated ones) and no negated value fits.
 * uid 0 is matched only by a policy that names its user in `user` literally.
 */
#ifndef BV_CORE_MATCH_H
#define BV_CORE_MATCH_H

#include "core/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who logs in, as the user database and PAM say. All strings borrowed, never
 * NULL ("" when PAM had none). */
struct bv_subject {
	const char *user; /* canonical name of the user database */
	uint32_t uid;
	uint32_t gid;
	const char *home;
	const char *shell;
	const char *const *groups; /* names, all of them, primary included */
	size_t groups_n;
	const char *service;
	const char *tty;
	const char *rhost;
};

enum bv_match_result {
	BV_MATCH_NONE,	 /* no policy: `unmatched` decides */
	BV_MATCH_POLICY, /* *ret_policy decides */
	BV_MATCH_BROKEN, /* *ret_policy is broken and could match: refuse */
};

/* Does this one policy match? For a broken policy: could it? */
bool bv_policy_matches(const struct bv_policy *policy,
		       const struct bv_subject *subject);

/* Sort an array into deciding order (priority, then name; broken policies
 * whose match is unknown first). */
void bv_policy_sort(struct bv_policy *policies, size_t n);

/* policies must be sorted. */
enum bv_match_result bv_match(const struct bv_policy *policies, size_t n,
			      const struct bv_subject *subject,
			      const struct bv_policy **ret_policy);

/* Is `addr` (text of an IPv4/IPv6 address) inside `cidr` (address or
 * address/bits)? v4-mapped v6 addresses count as v4. False on malformed text.
 * bv_cidr_valid: is the text a well-formed address or CIDR (host bits zero)? */
bool bv_cidr_contains(const char *cidr, const char *addr);
bool bv_cidr_valid(const char *cidr);

#endif
