/* SPDX-License-Identifier: MIT */
/*
 * The streams of a launch. They come from a process of the user's: nothing is
 * believed of a descriptor but what the kernel says of it, and nothing is opened
 * anew with more than it could do itself.
 */
#include "helper/recorder.h"

#include "helper/fd.h"
#include "helper/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PIPE_BYTES 262144

static const char *const names[3] = { "standard input", "standard output",
				      "standard error" };

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino &&
	       (x.st_mode & S_IFMT) == (y.st_mode & S_IFMT);
}

/* May it be read (i = 0) or written? */
static bool allows(int fd, int i)
{
	const int flags = fcntl(fd, F_GETFL);
	const int mode = flags & O_ACCMODE;

	return flags >= 0 && (flags & O_PATH) == 0 &&
	       (mode == O_RDWR || mode == (i == 0 ? O_RDONLY : O_WRONLY));
}

/* A pipe in a description of its own, so that it never blocks us while others
 * that have it are left as they were. A socket is told with each call. */
static int own(int *fd, int i, const struct stat *st, struct bv_err *err)
{
	char path[64];
	int type = 0;
	socklen_t len = sizeof(type);
	int again;

	if (S_ISSOCK(st->st_mode)) {
		if (getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
		    type != SOCK_STREAM)
			return bv_fail(err, BV_E_UNSUPPORTED,
				       "%s is a socket without a stream",
				       names[i]);
		return BV_OK;
	}
	if (S_ISREG(st->st_mode) || S_ISCHR(st->st_mode))
		return BV_OK;
	if (!S_ISFIFO(st->st_mode))
		return bv_fail(err, BV_E_UNSUPPORTED, "%s is no stream",
			       names[i]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	again = open(path, (i == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK |
				   O_NOCTTY | O_CLOEXEC);
	if (again < 0)
		return bv_fail_errno(err, errno, "%s", names[i]);
	bvh_close(fd);
	*fd = again;
	return BV_OK;
}

static int add_flow(struct bvh_relay *relay, int from, int to,
		    enum bv_cast_stream stream, bool recorded, bool of_terminal,
		    struct bv_err *err)
{
	struct bvh_flow *f;

	if (from < 0 || to < 0) {
		const int why = errno;

		bvh_close(&from);
		bvh_close(&to);
		return bv_fail_errno(err, why, "a descriptor of a stream");
	}
	f = bvh_flow_new(from, to, stream, recorded, of_terminal);
	if (f == NULL)
		return bv_fail(err, BV_E_NOMEM, "a stream");
	relay->flow[relay->n++] = f;
	return BV_OK;
}

/* What stands in a stream's place, ends[0] to read. A socket in a socket's: one
 * who writes into a pipe and one who reads it keep each other out of it for as
 * long as either copies, and burn a processor waiting. */
static int make_pair(const struct stat *st, int i, int ends[2],
		     struct bv_err *err)
{
	if (i > 0 && S_ISSOCK(st->st_mode)) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) !=
		    0)
			return bv_fail_errno(err, errno, "socketpair");
		(void)shutdown(ends[0], SHUT_WR);
		return BV_OK;
	}
	if (pipe2(ends, O_CLOEXEC) != 0)
		return bv_fail_errno(err, errno, "pipe");
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	return BV_OK;
}

/* One that is no terminal: a pipe or a socket in its place. */
static int pipe_one(struct bvh_streams *s, int i, bool input,
		    struct bvh_relay *relay, struct bv_err *err)
{
	const int ours = i == 0 ? 1 : 0;
	int ends[2];
	struct stat st;
	int code;

	if (fstat(s->given[i], &st) != 0 || !allows(s->given[i], i))
		return bv_fail(err, BV_E_UNSUPPORTED, "%s cannot be %s",
			       names[i], i == 0 ? "read" : "written");
	if (is_null(&st)) {
		s->inner[i] = bvh_fd_take(&s->given[i]);
		return BV_OK;
	}
	if (i == 2 && s->given[1] >= 0 && is_same(s->given[1], s->given[2])) {
		s->inner[2] = fcntl(s->inner[1], F_DUPFD_CLOEXEC, 3);
		return s->inner[2] < 0 ? bv_fail_errno(err, errno, "dup")
				       : BV_OK;
	}
	code = own(&s->given[i], i, &st, err);
	if (code != BV_OK)
		return code;
	code = make_pair(&st, i, ends, err);
	if (code != BV_OK)
		return code;
	(void)fcntl(ends[ours], F_SETFL, O_NONBLOCK);
	s->inner[i] = ends[1 - ours];
	/* Beside a terminal "o" is what that one shows. */
	if (i == 0)
		return add_flow(relay, fcntl(s->given[0], F_DUPFD_CLOEXEC, 3),
				ends[1], BV_CAST_IN, input, false, err);
	return add_flow(relay, ends[0], fcntl(s->given[i], F_DUPFD_CLOEXEC, 3),
			i == 2 || s->has_terminal ? BV_CAST_ERR : BV_CAST_OUT,
			true, false, err);
}

/* All terminals among them are one, or it is not clear what is shown where. */
static int find_terminal(struct bvh_streams *s, bool is[3], int *ret,
			 struct bv_err *err)
{
	*ret = -1;
	for (int i = 0; i < 3; i++) {
		is[i] = bvh_terminal_is(s->given[i]);
		if (!is[i])
			continue;
		if (*ret >= 0 && !is_same(*ret, s->given[i]))
			return bv_fail(err, BV_E_UNSUPPORTED,
				       "the streams are of two terminals");
		*ret = s->given[i];
	}
	s->has_terminal = *ret >= 0;
	s->types = is[0];
	return BV_OK;
}

int bvh_streams_make(struct bvh_streams *s, struct bvh_terminal *t, pid_t peer,
		     uid_t uid, bool input, struct bvh_relay *relay,
		     struct bv_err *err)
{
	bool is[3];
	int terminal;
	int code = find_terminal(s, is, &terminal, err);

	if (code == BV_OK && s->has_terminal)
		code = bvh_terminal_open(t, terminal, peer, uid, err);
	for (int i = 0; i < 3 && code == BV_OK; i++) {
		if (!is[i]) {
			code = pipe_one(s, i, input, relay, err);
			continue;
		}
		s->inner[i] = fcntl(t->slave, F_DUPFD_CLOEXEC, 3);
		if (s->inner[i] < 0)
			code = bv_fail_errno(err, errno, "dup");
	}
	/* What is used is the flows' or the terminal's by now. */
	for (int i = 0; i < 3; i++)
		bvh_close(&s->given[i]);
	return code;
}

int bvh_streams_terminal(const struct bvh_streams *s, struct bvh_terminal *t,
			 bool input, struct bvh_relay *relay,
			 struct bv_err *err)
{
	struct bvh_flow *typing;
	int code;

	relay->outer = t->outer;
	relay->master = bvh_fd_take(&t->master);
	relay->size = t->size;
	relay->told = t->leads;
	code = add_flow(relay, fcntl(relay->master, F_DUPFD_CLOEXEC, 3),
			fcntl(t->outer, F_DUPFD_CLOEXEC, 3), BV_CAST_OUT, true,
			true, err);
	if (code != BV_OK || !s->types)
		return code;
	code = add_flow(relay, fcntl(t->outer, F_DUPFD_CLOEXEC, 3),
			fcntl(relay->master, F_DUPFD_CLOEXEC, 3), BV_CAST_IN,
			input, true, err);
	if (code != BV_OK)
		return code;
	typing = relay->flow[relay->n - 1];
	memcpy(typing->buf, t->ahead, t->ahead_n);
	typing->n = t->ahead_n;
	return BV_OK;
}
