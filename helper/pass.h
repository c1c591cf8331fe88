/* SPDX-License-Identifier: MIT */
/* Descriptors over a socket, beside the bytes of one message (SCM_RIGHTS, unix(7)). */
#ifndef BVH_PASS_H
#define BVH_PASS_H

#include "core/err.h"

#include <stddef.h>
#include <sys/types.h>

#define BVH_PASS_MAX 4u

/* At least a byte, and n descriptors (BVH_PASS_MAX at the most), which stay the
 * caller's. Whole, or an error; a peer that is gone is no signal. */
int bvh_pass_send(int sock, const void *bytes, size_t len, const int *fds,
		  size_t n, struct bv_err *err) BV_MUST_CHECK;

/* One message of at most len bytes. Returns what recvmsg(2) does, and -1 with
 * EMSGSIZE for one that was cut. Just n descriptors are taken, O_CLOEXEC and the
 * caller's from then on; with fewer or more none is: ret is all -1. flags: MSG_DONTWAIT
 * or 0. */
ssize_t bvh_pass_receive(int sock, int flags, void *bytes, size_t len, int *ret,
			 size_t n);

#endif
