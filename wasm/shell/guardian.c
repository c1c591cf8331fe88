/* SPDX-License-Identifier: MIT */
/*
 * The session's guardian: it says how commands are isolated, and is told what
 * each did. The connection stays this process's own: a command's process closes
 * it before it looks at its module.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "helper/fd.h"
#include "helper/shell/reach.h"
#include "wasm/shell/shell.h"

int bws_guardian_ask(struct bws *s, struct bv_err *err)
{
	char id[BVH_SHELL_ID_MAX];
	struct bvh_answer a = { 0 };
	bv_auto_close int sock = -1;
	bv_auto_close int none = -1;
	int code = bvh_shell_session(id, err);

	s->guardian_fd = -1;
	/* Nobody's session: bvisorctl wasm run, a shell without a policy. */
	if (code == BV_E_UNSUPPORTED)
		return BV_OK;
	if (code == BV_OK && s->inlined)
		code = bv_fail(err, BV_E_INVAL,
			       "--inline: the session's policy says that");
	if (code == BV_OK)
		code = bvh_shell_reach(id, &sock, err);
	if (code == BV_OK)
		code = bvh_shell_receive(sock, &a, &none, err);
	if (code != BV_OK)
		return code;
	s->inlined = a.inlined != 0;
	s->guardian_fd = bvh_fd_take(&sock);
	return BV_OK;
}

void bws_guardian_tell(struct bws *s, const struct bws_entry *entry, int status,
		       enum bv_command_verdict verdict,
		       const struct bws_report *counts, uint64_t cpu_us,
		       uint64_t wall_us)
{
	struct bv_command c = {
		.verdict = verdict,
		.status = (uint32_t)status & 0xff,
		.cpu_us = cpu_us,
		.wall_us = wall_us,
	};
	unsigned char bytes[BV_COMMAND_BYTES];

	if (s->guardian_fd < 0)
		return;
	snprintf(c.name, sizeof(c.name), "%.*s", (int)BV_COMMAND_NAME_MAX,
		 entry->name);
	memcpy(c.sha256, entry->grant.sha256_hex, sizeof(c.sha256));
	if (counts != NULL) {
		c.counted = true;
		c.fuel = counts->fuel;
		c.peak_pages = counts->peak_pages;
	}
	bv_command_encode(&c, ++s->told, bytes);
	/* Nobody waits for a guardian that does not listen: the number tells it
	 * what it missed. */
	(void)!send(s->guardian_fd, bytes, sizeof(bytes),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}
