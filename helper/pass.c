/* SPDX-License-Identifier: MIT */
#include "helper/pass.h"

#include "helper/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room, aligned as a header wants it. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(BVH_PASS_MAX * sizeof(int))];
};

int bvh_pass_send(int sock, const void *bytes, size_t len, const int *fds,
		  size_t n, struct bv_err *err)
{
	union control control = { .room = { 0 } };
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* is only read */
	if (len == 0 || n > BVH_PASS_MAX)
		return bv_fail(err, BV_E_BUG, "a message does not fit");
	if (n > 0) {
		struct cmsghdr *c = &control.head;

		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)len)
		return bv_fail_errno(err, sent < 0 ? errno : EMSGSIZE,
				     "send to the other side");
	return BV_OK;
}

/* All that came, kept or not: whoever sends cannot fill our table. */
static size_t take(struct msghdr *msg, int fds[BVH_PASS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		n = n < BVH_PASS_MAX ? n : BVH_PASS_MAX;
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	return n;
}

ssize_t bvh_pass_receive(int sock, int flags, void *bytes, size_t len, int *ret,
			 size_t n)
{
	union control control;
	struct iovec iov = { bytes, len };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	int fds[BVH_PASS_MAX];
	size_t came;
	ssize_t got;

	for (size_t i = 0; i < n; i++)
		ret[i] = -1;
	do
		got = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	came = take(&msg, fds);
	if (came == n && (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) {
		memcpy(ret, fds, n * sizeof(int));
		return got;
	}
	for (size_t i = 0; i < came; i++)
		bvh_close(&fds[i]);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return got;
	errno = EMSGSIZE;
	return -1;
}
