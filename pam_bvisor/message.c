/* SPDX-License-Identifier: MIT */
/* sendmsg(2), recvmsg(2) and a clock. */
#include "pam_bvisor/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int) * BVP_FD_MAX) +
		 CMSG_SPACE(sizeof(struct ucred))];
};

int bvp_message_send(int sock, const void *bytes, size_t len, int fd)
{
	union control control;
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* sendmsg only reads */
	if (fd >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? errno : 0;
}

static long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int await(int sock, int deadline_ms)
{
	const long long end = now_ms() + deadline_ms;
	struct pollfd p = { .fd = sock, .events = POLLIN };

	for (;;) {
		const long long left = end - now_ms();
		const int n = left <= 0 ? 0 : poll(&p, 1, (int)left);

		if (n > 0)
			return 0;
		if (n == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return errno;
	}
}

static void take_fds(struct cmsghdr *c, struct bvp_message *ret)
{
	const size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (ret->fds_n < BVP_FD_MAX)
			ret->fds[ret->fds_n++] = fd;
		else
			close(fd);
	}
}

int bvp_message_receive(int sock, int deadline_ms, struct bvp_message *ret)
{
	union control control;
	struct iovec iov = { .iov_base = ret->bytes,
			     .iov_len = sizeof(ret->bytes) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	int from_root = 0;
	ssize_t n;
	const int e = await(sock, deadline_ms);

	ret->fds_n = 0;
	ret->len = 0;
	if (e != 0)
		return e;
	do
		n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS)
			take_fds(c, ret);
		if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(cred))) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			from_root = cred.uid == 0;
		}
	}
	ret->len = (size_t)n;
	if (n > 0 && from_root &&
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return 0;
	bvp_message_close(ret);
	return n == 0 ? ECONNRESET : EPROTO;
}

void bvp_message_close(struct bvp_message *m)
{
	for (size_t i = 0; i < m->fds_n; i++)
		close(m->fds[i]);
	m->fds_n = 0;
}
