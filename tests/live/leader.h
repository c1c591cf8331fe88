/* SPDX-License-Identifier: MIT */
/*
 * A session leader without PAM: it does what the module does, or only claims
 * to. It runs in a process of its own and is led by the test over a pipe pair,
 * one byte a step, so that the test can look at the kernel in between.
 */
#ifndef BV_TESTS_LIVE_LEADER_H
#define BV_TESTS_LIVE_LEADER_H

#include "helper/fd.h"
#include "helper/sys.h"
#include "pam_bvisor/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum honesty {
	HONEST,
	LIES,   /* says COMMITTED, did nothing */
	SILENT, /* never answers the verdict */
};

struct order {
	const char *user;
	const char *service;
	uint16_t type; /* BVP_MSG_OPEN or BVP_MSG_ADMIT */
	enum honesty honesty;
	const char *place_in;   /* a cgroup.procs to enter first, or NULL */
	uint32_t flags;         /* of the request */
	void (*act)(void *arg); /* step 'a' */
	void *arg;
};

/* In memory shared with the test. */
struct leader_view {
	uint32_t verdict;
	uint32_t flags;
	char session[64];
	char plan[80];
	char log_text[BVP_TEXT_MAX + 1];
	char user_text[BVP_TEXT_MAX + 1];
	bool attested;
	bool closed;
	bool inner_exec_ok;
	uint32_t second_verdict;
	char second_text[BVP_TEXT_MAX + 1];
	uint32_t late_verdict;
	char late_text[BVP_TEXT_MAX + 1];
	pid_t child;
	double open_ms;
	double close_ms;
	int read_secret_errno;
	int see_service_errno;
	dev_t tmp_dev;
	/* What a user's process found of its limits. */
	int opened_n;
	int open_errno;
	int raise_errno;
	int forks_n;
	int fork_errno;
	long wrote_bytes;
	char terminal[64]; /* set by the test, for step t */
};

struct leader {
	pid_t pid;
	int to;   /* the test writes steps here */
	int from; /* and reads a byte when each is done */
	struct leader_view *view;
};

struct leader_self {
	int sock;
	int in;
	int out;
	const struct order *order;
	struct leader_view *view;
	const char *helper;
	int fds[BVP_FD_MAX];
	size_t fds_n;
	unsigned char buf[BVP_WIRE_MAX];
	struct bvp_reply reply;
};

static inline double leader_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static inline void leader_start_guardian(struct leader_self *s)
{
	int pair[2];
	const int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		_exit(90);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	(void)setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	if (fork() == 0) { /* twice, so that init reaps the guardian */
		if (fork() == 0) {
			dup2(pair[1], BVP_CONTROL_FD);
			execl(s->helper, "bvisor-helper", "guard",
			      (char *)NULL);
			_exit(91);
		}
		_exit(0);
	}
	wait(NULL);
	close(pair[1]);
	s->sock = pair[0];
}

static inline bool leader_send_request(struct leader_self *s, uint16_t type,
				       const char *user)
{
	const struct bvp_request req = { .flags = s->order->flags,
					 .user = user,
					 .service = s->order->service,
					 .tty = "ssh",
					 .rhost = "192.0.2.7",
					 .ruser = "" };
	size_t len = bvp_encode_request(type, &req, s->buf, sizeof(s->buf));

	return len > 0 &&
	       send(s->sock, s->buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The next packet; descriptors into s->fds. 0 at the end. */
static inline size_t leader_receive(struct leader_self *s)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct ucred)) +
			 CMSG_SPACE(sizeof(s->fds))];
	} control;
	struct iovec iov = { s->buf, sizeof(s->buf) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t n = recvmsg(s->sock, &msg, MSG_CMSG_CLOEXEC);

	s->fds_n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); n > 0 && c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		s->fds_n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(s->fds, CMSG_DATA(c), s->fds_n * sizeof(int));
	}
	return n > 0 ? (size_t)n : 0;
}

static inline bool leader_verdict(struct leader_self *s)
{
	size_t n = leader_receive(s);
	struct leader_view *v = s->view;

	if (n == 0 || bvp_decode_reply(s->buf, n, &s->reply) != 0)
		return false;
	v->verdict = s->reply.verdict;
	v->flags = s->reply.flags;
	snprintf(v->session, sizeof(v->session), "%s", s->reply.session);
	snprintf(v->plan, sizeof(v->plan), "%s", s->reply.plan);
	snprintf(v->log_text, sizeof(v->log_text), "%s", s->reply.log_text);
	snprintf(v->user_text, sizeof(v->user_text), "%s", s->reply.user_text);
	return true;
}

/* The four system calls, in the module's order. Returns the COMMITTED flags;
 * *ret_listener is -1 without one. */
static inline uint32_t leader_commit(struct leader_self *s, int *ret_listener)
{
	static struct sock_filter insn[4096];
	struct sock_fprog prog = { (unsigned short)s->reply.bpf_len, insn };
	unsigned int flags = 0;
	uint32_t said = 0;
	size_t at = 0;
	int fd;

	memcpy(insn, s->reply.bpf, s->reply.bpf_len * sizeof(*insn));
	if ((s->view->flags & BVP_FD_NETNS) != 0 &&
	    setns(s->fds[at++], CLONE_NEWNET) != 0)
		_exit(92);
	if (setns(s->fds[at++], CLONE_NEWNS) != 0)
		_exit(93);
	if ((s->view->flags & BVP_FLAG_NNP) != 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(94);
	if (bvh_sys_landlock_restrict(s->fds[at++],
				      (s->view->flags & BVP_FLAG_LOG_EXEC) != 0
					      ? BVH_LL_LOG_NEW_EXEC_ON
					      : 0) != 0)
		_exit(95);
	fd = open(s->reply.trial, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		said |= BVP_FLAG_TRIAL_DENIED;
	if ((s->view->flags & BVP_FLAG_LISTENER) != 0)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	*ret_listener = bvh_sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (*ret_listener < 0)
		_exit(96);
	if (flags == 0)
		*ret_listener = -1;
	return said;
}

static inline void leader_say_committed(struct leader_self *s, uint32_t flags,
					int listener)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	unsigned char buf[64];
	struct iovec iov = { buf, bvp_encode_plain(BVP_MSG_COMMITTED, flags,
						   buf, sizeof(buf)) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (listener >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &listener, sizeof(int));
	}
	if (sendmsg(s->sock, &msg, MSG_NOSIGNAL) < 0)
		_exit(97);
}

static inline void leader_open(struct leader_self *s)
{
	struct leader_view *v = s->view;
	double start = leader_now_ms();
	struct bvp_header head;
	int listener = -1;
	uint32_t said = 0;
	size_t n;

	leader_start_guardian(s);
	if (!leader_send_request(s, s->order->type, s->order->user) ||
	    !leader_verdict(s) || v->verdict != BVP_ADMITTED ||
	    s->order->type == BVP_MSG_ADMIT)
		return;
	if (s->order->honesty == HONEST)
		said = leader_commit(s, &listener);
	else if (s->order->honesty == LIES)
		said = BVP_FLAG_TRIAL_DENIED;
	if (s->order->honesty != SILENT)
		leader_say_committed(s, said, listener);
	for (size_t i = 0; i < s->fds_n; i++)
		close(s->fds[i]);
	n = leader_receive(s);
	v->open_ms = leader_now_ms() - start;
	v->attested = n > 0 && bvp_decode_header(s->buf, n, &head) == 0 &&
		      head.type == BVP_MSG_ATTESTED;
	if (!v->attested && n > 0 &&
	    bvp_decode_reply(s->buf, n, &s->reply) == 0) {
		v->late_verdict = s->reply.verdict;
		snprintf(v->late_text, sizeof(v->late_text), "%s",
			 s->reply.log_text);
	}
}

static inline void leader_close(struct leader_self *s)
{
	unsigned char buf[64];
	size_t len = bvp_encode_plain(BVP_MSG_CLOSE, 0, buf, sizeof(buf));
	double start = leader_now_ms();
	struct bvp_header head;
	size_t n;

	if (send(s->sock, buf, len, MSG_NOSIGNAL) < 0)
		return;
	n = leader_receive(s);
	s->view->close_ms = leader_now_ms() - start;
	s->view->closed = n > 0 && bvp_decode_header(s->buf, n, &head) == 0 &&
			  head.type == BVP_MSG_CLOSED;
}

/* A child of the leader holds the descriptor too: it tries to close. */
static inline void leader_forge_close(struct leader_self *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		unsigned char buf[64];
		size_t len =
			bvp_encode_plain(BVP_MSG_CLOSE, 0, buf, sizeof(buf));

		/* A CLOSE, then an empty packet that looks like the end. */
		(void)!send(s->sock, buf, len, MSG_NOSIGNAL);
		(void)!send(s->sock, buf, 0, MSG_NOSIGNAL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static inline void leader_second(struct leader_self *s, const char *user)
{
	size_t n;

	if (!leader_send_request(s, BVP_MSG_OPEN, user))
		return;
	n = leader_receive(s);
	if (n == 0 || bvp_decode_reply(s->buf, n, &s->reply) != 0)
		return;
	s->view->second_verdict = s->reply.verdict;
	snprintf(s->view->second_text, sizeof(s->view->second_text), "%s",
		 s->reply.log_text);
}

static inline pid_t leader_spawn(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		setsid();
		for (;;)
			pause();
	}
	return pid;
}

#define LEADER_USER 64900u

static inline void leader_drop(void)
{
	if (setresgid(LEADER_USER, LEADER_USER, LEADER_USER) != 0 ||
	    setresuid(LEADER_USER, LEADER_USER, LEADER_USER) != 0)
		_exit(99);
}

/* Uses a processor up, for good. */
static inline pid_t leader_spin(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		leader_drop();
		for (volatile unsigned long n = 0;; n++)
			;
	}
	return pid;
}

/* As the user: descriptors until there are no more, then a higher limit. */
static inline void leader_open_many(struct leader_self *s)
{
	const struct rlimit more = { 4096, 4096 };
	pid_t pid = fork();

	if (pid == 0) {
		int fd = 0;

		leader_drop();
		while (s->view->opened_n < 4000 && (fd = dup(0)) >= 0)
			s->view->opened_n = fd + 1;
		s->view->open_errno = fd < 0 ? errno : 0;
		s->view->raise_errno =
			setrlimit(RLIMIT_NOFILE, &more) == 0 ? 0 : errno;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* As the user: children until there are no more. */
static inline void leader_fork_many(struct leader_self *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		leader_drop();
		while (s->view->forks_n < 400) {
			pid_t one = fork();

			if (one == 0) {
				for (;;)
					pause();
			}
			if (one < 0) {
				s->view->fork_errno = errno;
				break;
			}
			s->view->forks_n++;
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

/* A child with the terminal that the test has made for it. */
static inline pid_t leader_sit_down(struct leader_self *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		signal(SIGHUP, SIG_IGN);
		setsid();
		fd = open(s->view->terminal, O_RDWR);
		if (fd < 0)
			_exit(90);
		(void)ioctl(fd, TIOCSCTTY, 0);
		leader_drop();
		for (;;)
			pause();
	}
	return pid;
}

static inline void leader_fill_temp(struct leader_self *s)
{
	static const char block[65536] = { 1 };
	int fd = open("/tmp/filling", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n = 1;

	for (int i = 0; i < 48 && n > 0; i++) {
		n = write(fd, block, sizeof(block));
		s->view->wrote_bytes += n > 0 ? n : 0;
	}
	close(fd);
}

static inline dev_t leader_dev_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_dev : 0;
}

/* Steps: b use a processor up, n descriptors, p processes, t a child with a
 * terminal, m 3 MiB into /tmp; o open, k spawn a lasting child, f forge a close, s second open by the
 * same user, S by another, r read a secret, a an act of the test's, c close, x leave. */
static inline void leader_main(struct leader_self *s)
{
	char step;

	while (read(s->in, &step, 1) == 1) {
		switch (step) {
		case 'o':
			leader_open(s);
			break;
		case 'k':
			s->view->child = leader_spawn();
			break;
		case 'f':
			leader_forge_close(s);
			break;
		case 's':
			leader_second(s, s->order->user);
			break;
		case 'S':
			leader_second(s, "bvt-frank");
			break;
		case 'r':
			s->view->read_secret_errno =
				open("/run/secret", O_RDONLY) < 0 ? errno : 0;
			s->view->see_service_errno =
				access("/run/docker/inside", F_OK) < 0 ? errno
								       : 0;
			s->view->tmp_dev = leader_dev_of("/tmp");
			break;
		case 'b':
			s->view->child = leader_spin();
			break;
		case 'n':
			leader_open_many(s);
			break;
		case 'p':
			leader_fork_many(s);
			break;
		case 't':
			s->view->child = leader_sit_down(s);
			break;
		case 'm':
			leader_fill_temp(s);
			break;
		case 'c':
			leader_close(s);
			break;
		case 'a':
			s->order->act(s->order->arg);
			break;
		case 'x':
			_exit(0);
		}
		(void)!write(s->out, &step, 1);
	}
	_exit(0);
}

static inline struct leader leader_new(const struct order *order,
				       const char *helper)
{
	struct leader l = { 0 };
	int to[2];
	int from[2];

	l.view = mmap(NULL, sizeof(*l.view), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l.view == MAP_FAILED || pipe2(to, O_CLOEXEC) != 0 ||
	    pipe2(from, O_CLOEXEC) != 0)
		abort();
	l.pid = fork();
	if (l.pid == 0) {
		struct leader_self *s = calloc(1, sizeof(*s));
		int procs =
			order->place_in == NULL
				? -1
				: open(order->place_in, O_WRONLY | O_CLOEXEC);

		if (s == NULL || (order->place_in != NULL &&
				  (procs < 0 || write(procs, "0", 1) != 1)))
			_exit(98);
		close(to[1]);
		close(from[0]);
		s->in = to[0];
		s->out = from[1];
		s->order = order;
		s->view = l.view;
		s->helper = helper;
		leader_main(s);
	}
	close(to[0]);
	close(from[1]);
	l.to = to[1];
	l.from = from[0];
	return l;
}

/* One step; false when the leader died in it. */
static inline bool leader_step(struct leader *l, char step)
{
	char done;

	return write(l->to, &step, 1) == 1 && read(l->from, &done, 1) == 1;
}

static inline void leader_done(struct leader *l)
{
	close(l->to);
	close(l->from);
	kill(l->pid, SIGKILL);
	munmap(l->view, sizeof(*l->view));
}

#endif
