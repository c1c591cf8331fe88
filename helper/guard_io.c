/* SPDX-License-Identifier: MIT */
/*
 * The control socket. The session's processes hold copies of the module's end
 * (every fork of the leader has one), so nothing that comes in is heard unless
 * the kernel says that the leader itself sent it.
 */
#include "helper/guard_io.h"

#include "helper/clock.h"
#include "helper/fd.h"
#include "helper/pass.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static void take_descriptors(const struct cmsghdr *c, struct bvh_packet *ret)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd = -1;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (ret->fd < 0)
			ret->fd = fd;
		else
			bvh_close(&fd);
	}
}

static void take_control(struct msghdr *msg, struct bvh_packet *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			take_descriptors(c, ret);
		} else if (c->cmsg_type == SCM_CREDENTIALS &&
			   c->cmsg_len == CMSG_LEN(sizeof(cred))) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			ret->sender = cred.pid;
		}
	}
}

/* recvmsg() gives 0 for an empty packet and for the end alike. */
static bool is_hung_up(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* The packet waits: a kernel short of memory for a moment makes nobody deaf. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == ENOMEM || error == ENOBUFS;
}

enum bvh_receive bvh_packet_receive(int sock, struct bvh_packet *ret)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred)) +
			 CMSG_SPACE(BVP_FD_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = ret->buf,
			     .iov_len = sizeof(ret->buf) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t n;

	ret->len = 0;
	ret->sender = 0;
	ret->fd = -1;
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return is_passing(errno) ? BVH_RECEIVE_NOTHING
					 : BVH_RECEIVE_END;
	take_control(&msg, ret);
	if (n == 0 || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		bvh_close(&ret->fd);
		return n == 0 && is_hung_up(sock) ? BVH_RECEIVE_END
						  : BVH_RECEIVE_NOTHING;
	}
	ret->len = (size_t)n;
	return BVH_RECEIVE_PACKET;
}

int bvh_packet_wait(int sock, pid_t from, int gone_fd, int deadline_ms,
		    struct bvh_packet *ret, struct bv_err *err)
{
	int64_t end = bvh_now_ms() + deadline_ms;
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN },
			       { .fd = gone_fd, .events = POLLIN } };

	for (;;) {
		int64_t left = end - bvh_now_ms();

		if (left <= 0)
			return bv_fail(err, BV_E_TIMEOUT,
				       "the PAM module did not answer within "
				       "%d ms",
				       deadline_ms);
		if (poll(p, BV_LEN(p), (int)left) < 0 && errno != EINTR)
			return bv_fail_errno(err, errno, "poll");
		if (p[1].revents != 0)
			return bv_fail(err, BV_E_PROTO,
				       "the session leader died");
		if (p[0].revents == 0)
			continue;
		switch (bvh_packet_receive(sock, ret)) {
		case BVH_RECEIVE_PACKET:
			if (ret->sender == from)
				return BV_OK;
			bvh_close(&ret->fd);
			break;
		case BVH_RECEIVE_NOTHING:
			break;
		case BVH_RECEIVE_END:
			return bv_fail(err, BV_E_PROTO,
				       "the PAM module closed the connection");
		}
	}
}

int bvh_packet_send(int sock, const void *buf, size_t len, const int *fds,
		    size_t fds_n, struct bv_err *err)
{
	int code = bvh_pass_send(sock, buf, len, fds, fds_n, err);

	return code == BV_OK ? BV_OK : bv_ctx(err, "to the PAM module");
}

int bvh_packet_send_plain(int sock, enum bvp_msg type, struct bv_err *err)
{
	unsigned char buf[64];
	size_t len = bvp_encode_plain((uint16_t)type, 0, buf, sizeof(buf));

	return bvh_packet_send(sock, buf, len, NULL, 0, err);
}
