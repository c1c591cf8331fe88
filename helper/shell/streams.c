/* SPDX-License-Identifier: MIT */
/*
 * The streams of a launch that is recorded. This process stays the one that the
 * login service started and waits for: it changes what it reads from and writes
 * to, and leaves the terminal of its session, which the recorder has from now
 * on.
 */
#include "helper/shell/shell.h"

#include "helper/fd.h"
#include "helper/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int give(int sock, struct bv_err *err)
{
	const int fds[3] = { 0, 1, 2 };
	const char byte = BVH_STREAMS_GIVEN;
	int code = bvh_pass_send(sock, &byte, 1, fds, 3, err);

	return code == BV_OK ? BV_OK : bv_ctx(err, "the streams");
}

static int receive(int sock, char *ret_kind, int ret_fds[3], struct bv_err *err)
{
	if (bvh_pass_receive(sock, 0, ret_kind, 1, ret_fds, 3) != 1 ||
	    ret_fds[0] < 0)
		return bv_fail(err, BV_E_PROTO,
			       "this session's guardian refused the launch");
	return BV_OK;
}

static int say(int sock, char byte, struct bv_err *err)
{
	if (send(sock, &byte, 1, MSG_NOSIGNAL) != 1)
		return bv_fail_errno(err, errno, "the recorder");
	return BV_OK;
}

static int hear_go(int sock, struct bv_err *err)
{
	char byte = 0;
	ssize_t n;

	do
		n = recv(sock, &byte, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1 || byte != BVH_STREAMS_GO)
		return bv_fail(err, BV_E_PROTO,
			       "the recorder of this session failed");
	return BV_OK;
}

/* Out of the terminal that we may have. As the leader of its session we hang it
 * up for ourselves, which would end us. */
static int leave_terminal(struct bv_err *err)
{
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct sigaction before;
	bv_auto_close int fd = -1;
	bool left = false;

	if (getsid(0) != getpid()) {
		if (setsid() < 0)
			return bv_fail(err, BV_E_UNSUPPORTED,
				       "the streams are recorded: a login "
				       "starts this program, no shell");
		return BV_OK;
	}
	if (sigaction(SIGHUP, &ignored, &before) != 0)
		return bv_fail_errno(err, errno, "SIGHUP");
	for (int i = 0; i < 3 && !left; i++)
		left = ioctl(i, TIOCNOTTY) == 0;
	if (!left) {
		fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
		left = fd < 0 ? errno == ENXIO : ioctl(fd, TIOCNOTTY) == 0;
	}
	if (!left || sigaction(SIGHUP, &before, NULL) != 0)
		return bv_fail_errno(err, errno, "leave the terminal");
	return BV_OK;
}

static int enter_terminal(const int fds[3], struct bv_err *err)
{
	int fd = -1;

	for (int i = 0; i < 3; i++)
		if (isatty(fds[i]) == 1)
			fd = fds[i];
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
		return bv_fail_errno(err, errno, "enter the new terminal");
	/* sshd's word on it, where the environment is left as it is. */
	if (getenv("SSH_TTY") != NULL && ttyname(fd) != NULL)
		(void)setenv("SSH_TTY", ttyname(fd), 1);
	return BV_OK;
}

static int put_in_place(int fds[3], struct bv_err *err)
{
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) != i)
			return bv_fail_errno(err, errno, "dup2");
		bvh_close(&fds[i]);
	}
	return BV_OK;
}

int bvh_shell_streams(int sock, struct bv_err *err)
{
	int fds[3] = { -1, -1, -1 };
	char kind = 0;
	int code = give(sock, err);

	if (code == BV_OK)
		code = receive(sock, &kind, fds, err);
	if (code == BV_OK)
		code = leave_terminal(err);
	if (code == BV_OK && kind == BVH_STREAMS_TERMINAL)
		code = enter_terminal(fds, err);
	if (code == BV_OK)
		code = put_in_place(fds, err);
	if (code == BV_OK)
		code = say(sock, BVH_STREAMS_TAKEN, err);
	return code == BV_OK ? hear_go(sock, err) : code;
}
