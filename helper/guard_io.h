/* SPDX-License-Identifier: MIT */
/* Packets of the control socket with credentials and descriptors. */
#ifndef BVH_GUARD_IO_H
#define BVH_GUARD_IO_H

#include "core/err.h"
#include "pam_bvisor/wire.h"

#include <stdbool.h>
#include <sys/types.h>

struct bvh_packet {
	unsigned char buf[BVP_WIRE_MAX];
	size_t len;
	pid_t sender; /* SCM_CREDENTIALS; 0 when the kernel attached none */
	int fd;       /* the first descriptor that rode along, or -1 */
};

enum bvh_receive {
	BVH_RECEIVE_PACKET,
	BVH_RECEIVE_NOTHING, /* none waiting, or one not worth hearing */
	BVH_RECEIVE_END,     /* every copy of the other end is closed */
};

/* Never blocks. A packet that was cut is not worth hearing. */
enum bvh_receive bvh_packet_receive(int sock, struct bvh_packet *ret);

/* The next packet from `from` within deadline_ms. Other senders are not
 * heard. gone_fd (a pidfd) readable ends the waiting too. */
int bvh_packet_wait(int sock, pid_t from, int gone_fd, int deadline_ms,
		    struct bvh_packet *ret, struct bv_err *err) BV_MUST_CHECK;

int bvh_packet_send(int sock, const void *buf, size_t len, const int *fds,
		    size_t fds_n, struct bv_err *err) BV_MUST_CHECK;
/* A message without a body. */
int bvh_packet_send_plain(int sock, enum bvp_msg type,
			  struct bv_err *err) BV_MUST_CHECK;

#endif
