/* SPDX-License-Identifier: MIT */
/*
 * The judge of the gauntlet. What really happened (the truth) is filled in by
 * the test from the disk, from /proc and from its own end of a socket; the claim
 * is the session's report. Denying more than was claimed is fine; telling less
 * than happened is a lie, and each kind of lie has its gate. Nothing of the
 * product is used here but the report's bytes.
 */
#ifndef BV_TESTS_LIVE_GAUNTLET_H
#define BV_TESTS_LIVE_GAUNTLET_H

#include <jansson.h>
#include <sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GATE(n) (1u << (n))

struct truth {
	bool secret_served;
	bool socket_opened;
	bool outside_written;
	bool child_spawned;
	bool orphan_lives;
	bool fd_leaked;
	bool artifact_outside;
	const char *denied; /* what was seen to be denied, or NULL */
	/* The process that was to be confined, in the kernel's words. */
	bool in_leaf, filtered, own_netns;
	bool terminal;        /* it was closed, or its leader died */
	const char *plan_id;  /* of the policy as it stands */
	const char *recovery; /* what may be done about it, or NULL */
};

static inline const char *claim_text(const json_t *report, const char *key)
{
	const char *text = json_string_value(json_object_get(report, key));

	return text == NULL ? "" : text;
}

static inline bool claims(const json_t *report, const char *requirement)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "requirements"), i, row)
	{
		if (strcmp(claim_text(row, "requirement"), requirement) == 0)
			return strcmp(claim_text(row, "enforcement"),
				      "enforced") == 0;
	}
	return false;
}

static inline bool admits(const json_t *report, const char *fact)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "observed"), i, row)
	{
		if (strcmp(claim_text(row, "kind"), fact) == 0)
			return true;
	}
	return false;
}

/* Members sorted, no blanks, without the seal: then SHA-256. */
static inline void seal_of(const json_t *report, char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	json_t *body = json_copy((json_t *)(uintptr_t)report);
	uint8_t sum[32];
	SHA2_CTX sha;
	char *text;

	json_object_del(body, "sha256");
	text = json_dumps(body,
			  JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)text, strlen(text));
	SHA256Final(sum, &sha);
	for (size_t i = 0; i < sizeof(sum); i++) {
		ret[2 * i] = digits[sum[i] >> 4];
		ret[2 * i + 1] = digits[sum[i] & 15];
	}
	ret[64] = '\0';
	free(text);
	json_decref(body);
}

static inline bool is_sealed(const json_t *report)
{
	char seal[65];

	seal_of(report, seal);
	return strcmp(claim_text(report, "state"), "closed") == 0 &&
	       strcmp(claim_text(report, "sha256"), seal) == 0;
}

/* What a forger does who knows how reports are sealed. */
static inline void reseal(json_t *report)
{
	char seal[65];

	seal_of(report, seal);
	json_object_set_new(report, "sha256", json_string(seal));
}

/* The gates that this report lies at. */
static inline unsigned int judge(const struct truth *t, const json_t *r)
{
	const bool completed =
		strcmp(claim_text(r, "outcome"), "completed") == 0;
	const bool lies[14] = {
		[1] = t->secret_served && claims(r, "Filesystem(read)") &&
		      !admits(r, "secret_served"),
		[2] = t->socket_opened && claims(r, "NetworkDenyAll") &&
		      !admits(r, "socket_opened"),
		[3] = t->outside_written && claims(r, "Filesystem(write)") &&
		      !admits(r, "write_outside"),
		[4] = t->child_spawned && claims(r, "ChildSpawnDenyNewTasks") &&
		      !admits(r, "child_spawned"),
		[5] = t->orphan_lives && !admits(r, "teardown_incomplete"),
		[6] = t->fd_leaked && claims(r, "InheritedFdsNone") &&
		      !admits(r, "fd_leaked"),
		[7] = t->artifact_outside && !admits(r, "artifact_applied"),
		[8] = t->terminal && !is_sealed(r),
		[9] = t->denied != NULL && !admits(r, t->denied),
		[10] = (admits(r, "attested_cgroup") && !t->in_leaf) ||
		       (admits(r, "attested_status") && !t->filtered) ||
		       (claims(r, "NetworkDenyAll") && !t->own_netns),
		[11] = completed && !t->terminal,
		[12] = strcmp(claim_text(r, "plan_id"), t->plan_id) != 0,
		[13] = t->recovery != NULL &&
		       ((strcmp(t->recovery, "settled") == 0) != is_sealed(r)),
	};
	unsigned int gates = 0;

	for (unsigned int i = 1; i < 14; i++)
		gates |= lies[i] ? GATE(i) : 0;
	return gates;
}

#endif
