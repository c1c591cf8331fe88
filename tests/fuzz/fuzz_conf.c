/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as a policy and as bvisor.conf. */
#include <stdlib.h>
#include <string.h>

#include "core/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bv_subject who = { .user = "alice",
					.uid = 1000,
					.home = "/home/alice",
					.service = "sshd",
					.tty = "pts/1",
					.rhost = "10.1.2.3" };
	const char *bytes = (const char *)data;
	struct bv_config config;
	struct bv_policy p;
	struct bv_arena arena;
	struct bv_err err = { 0 };

	bv_arena_init(&arena, 8u << 20);
	if (bv_policy_parse(&arena, "p", "p.conf", bytes, size, &p) != BV_OK)
		abort();
	if (p.broken != (p.error.code != BV_OK) ||
	    (!p.broken && (!p.match_known || size > BV_CONF_FILE_MAX)) ||
	    (p.broken && strncmp(p.error.msg, "p.conf:", 7) != 0))
		abort();
	if (!p.match_known && !bv_policy_matches(&p, &who))
		abort();
	(void)bv_policy_matches(&p, &who);
	if (bv_config_parse(&arena, "c", bytes, size, &config, &err) != BV_OK &&
	    strncmp(err.msg, "c:", 2) != 0)
		abort();
	bv_arena_done(&arena);
	return 0;
}
