/* SPDX-License-Identifier: MIT */
/* One packet with descriptors, sent or awaited under a deadline. */
#ifndef BVP_MESSAGE_H
#define BVP_MESSAGE_H

#include <stddef.h>

#include "pam_bvisor/wire.h"

struct bvp_message {
	unsigned char bytes[BVP_WIRE_MAX];
	size_t len;
	int fds[BVP_FD_MAX]; /* received close-on-exec; the caller's to close */
	size_t fds_n;
};

/* 0 or an errno. fd -1: none. Never raises SIGPIPE, never blocks. */
int bvp_message_send(int sock, const void *bytes, size_t len, int fd);

/* 0 or an errno: ETIMEDOUT, ECONNRESET when the peer is gone, EPROTO for a cut
 * packet or one that root did not send. */
int bvp_message_receive(int sock, int deadline_ms, struct bvp_message *ret);

void bvp_message_close(struct bvp_message *m); /* its descriptors */

#endif
