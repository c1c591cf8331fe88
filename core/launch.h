/* SPDX-License-Identifier: MIT */
/*
 * The launch plan: what the guardian hands to bvisor-shell, in one canonical
 * form of bytes, so that a digest binds all of it. Little-endian numbers,
 * length-prefixed and NUL-terminated texts, nothing after the last field. It may
 * hold secrets: who made or read the bytes erases them. Pure.
 */
#ifndef BV_CORE_LAUNCH_H
#define BV_CORE_LAUNCH_H

#include "core/env.h"
#include "core/policy.h"

#define BV_LAUNCH_MAGIC "bvisor-launch 1"
#define BV_LAUNCH_MAX   (192u * 1024u) /* the largest environment, and room */

struct bv_launch {
	const char *plan_id;  /* hex, of the admitted plan */
	const char *schedule; /* hex, digest of the schedule it carries out */
	const char *shell;    /* absolute path of what is executed */
	bool env_exact;       /* else the environment stays as it is */
	size_t env_n;
	struct bv_env_entry env[BV_ENV_ENTRIES_MAX]; /* no lease among them */
	/* Of a decoded one: "NAME=VALUE", for execve(2). */
	const char *env_text[BV_ENV_ENTRIES_MAX];
	enum bv_fds fds;
	size_t keep_n;
	uint32_t keep[BV_POLICY_LIST_MAX]; /* strictly ascending */
	enum bv_spawn spawn;
	bool no_new_privs;
	bool has_nofile;
	uint64_t nofile;
};

/* BV_E_INVAL for what bv_launch_decode() would not take; BV_E_LIMIT when it
 * does not fit. */
int bv_launch_encode(const struct bv_launch *l, void *buf, size_t cap,
		     size_t *ret_len, struct bv_err *err) BV_MUST_CHECK;

/* Texts of *ret point into buf. BV_E_PROTO for anything but one whole plan in
 * its one form; no value is in the message. */
int bv_launch_decode(const void *buf, size_t len, struct bv_launch *ret,
		     struct bv_err *err) BV_MUST_CHECK;

#endif
