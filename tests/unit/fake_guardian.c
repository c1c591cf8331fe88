/* SPDX-License-Identifier: MIT */
/*
 * What test_module puts in the guardian's place: it reads its part from
 * STAGE/pub/mode, plays it, and writes down in STAGE/pub/log how it was started
 * and what it was sent. It never lives longer than its alarm.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pam_bvisor/wire.h"

#define ALARM_S 150
#define MARK_ERRNO  77 /* what personality(2) answers under the filter */
#define PACKET_HUGE (BVP_WIRE_MAX + 4096u)

struct fake {
	const char *mode;
	int log; /* O_APPEND */
	struct bvp_request req;
	uint16_t type;
	unsigned char in[BVP_WIRE_MAX];
	unsigned char out[PACKET_HUGE];
};

static void note(const struct fake *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(const struct fake *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(f->log, fmt, ap);
	va_end(ap);
}

static int is(const struct fake *f, const char *mode)
{
	return strcmp(f->mode, mode) == 0;
}

static void send_packet(const void *bytes, size_t len, const int *fds,
			size_t fds_n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	if (fds_n > 0) {
		struct cmsghdr *c;

		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fds_n * sizeof(int));
	}
	(void)!sendmsg(BVP_CONTROL_FD, &msg, MSG_NOSIGNAL);
}

/* The length, 0 at the end; *ret_fd is a descriptor that came along or -1. */
static size_t receive(struct fake *f, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int)) +
			 CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = f->in, .iov_len = sizeof(f->in) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	ssize_t n = recvmsg(BVP_CONTROL_FD, &msg, 0);

	*ret_fd = -1;
	if (n <= 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	     c = CMSG_NXTHDR(&msg, c)) {
		struct ucred cred;

		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			note(f, "sender %d %u\n", (int)cred.pid, cred.uid);
		}
	}
	return (size_t)n;
}

static void verdict(struct fake *f, uint32_t v, const char *log_text,
		    const char *user_text)
{
	const struct bvp_reply r = { .verdict = v,
				     .log_text = log_text,
				     .user_text = user_text };

	send_packet(f->out, bvp_encode_reply(&r, f->out, BVP_WIRE_MAX), NULL,
		    0);
}

/* --- how it was started ------------------------------------------------------ */

static void note_descriptors(const struct fake *f)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	note(f, "fds");
	while (d != NULL && (e = readdir(d)) != NULL) {
		const int fd = atoi(e->d_name);

		if (e->d_name[0] != '.' && fd != dirfd(d) && fd != f->log)
			note(f, " %d", fd);
	}
	note(f, "\n");
	closedir(d);
}

static void note_start(const struct fake *f, int argc, char **argv, char **envp)
{
	char cwd[256];
	struct rlimit r;
	struct stat null, st;
	sigset_t mask;
	int blocked = 0, handled = 0, nulls = 0;

	note(f, "pid %d\nsid %d\nargs", (int)getpid(), getsid(0) == getpid());
	for (int i = 0; i < argc; i++)
		note(f, " %s", argv[i]);
	note(f, "\nenv");
	for (char **e = envp; *e != NULL; e++) {
		if (strncmp(*e, "ASAN_", 5) != 0) /* its own re-exec */
			note(f, " %s", *e);
	}
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < 32; sig++) {
		struct sigaction sa;

		blocked += sigismember(&mask, sig) == 1;
		handled += sigaction(sig, NULL, &sa) == 0 &&
			   sa.sa_handler == SIG_IGN;
	}
	stat("/dev/null", &null);
	for (int fd = 0; fd < 3; fd++)
		nulls += fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev;
	note(f, "\ncwd %s\nsignals %d %d\nnull %d\n",
	     getcwd(cwd, sizeof(cwd)) ? cwd : "?", blocked, handled, nulls);
	note(f, "ids %u %u %u %u groups %d\n", getuid(), geteuid(), getgid(),
	     getegid(), getgroups(0, NULL));
	getrlimit(RLIMIT_NOFILE, &r);
	note(f, "nofile %lu\n", (unsigned long)r.rlim_cur);
	getrlimit(RLIMIT_FSIZE, &r);
	note(f, "fsize %d\n", r.rlim_cur == RLIM_INFINITY);
	getrlimit(RLIMIT_CPU, &r);
	note(f, "cpu %d\n", r.rlim_cur == RLIM_INFINITY);
	getrlimit(RLIMIT_CORE, &r);
	note(f, "core %lu\n", (unsigned long)r.rlim_max);
	note(f, "nice %d\n", getpriority(PRIO_PROCESS, 0));
	note(f, "umask %03o\n", (unsigned int)umask(077));
	note_descriptors(f);
}

/* --- a real boundary, small --------------------------------------------------- */

static void note_inode(const struct fake *f, const char *name, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0)
		note(f, "%s %lu\n", name, (unsigned long)st.st_ino);
}

static int allow(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr a = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	const long rc = syscall(SYS_landlock_add_rule, ruleset,
				LANDLOCK_RULE_PATH_BENEATH, &a, 0);

	close(a.parent_fd);
	return rc == 0 ? 0 : -1;
}

/* Everything but STAGE/secret. */
static int make_ruleset(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE
	};
	static const char *const paths[] = { "/usr",
					     "/etc",
					     "/proc",
					     "/dev",
					     BV_STAGE "/pub",
					     BV_STAGE "/pam.d",
					     BV_STAGE "/bvisor-helper" };
	const int fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
				    sizeof(attr), 0);

	for (size_t i = 0; fd >= 0 && i < sizeof(paths) / sizeof(paths[0]); i++)
		(void)allow(fd, paths[i]);
	return fd;
}

static void send_boundary(struct fake *f)
{
	/* clone3 as the real filter answers it; personality as the witness */
	struct sock_filter bpf[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | MARK_ERRNO),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 38),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct bvp_reply r = { .flags = BVP_FD_NETNS | BVP_FD_MNTNS |
					BVP_FD_RULESET | BVP_FLAG_NNP,
			       .verdict = BVP_ADMITTED,
			       .session = "0123456789abcdef",
			       .plan = "feedc0de",
			       .trial = BV_STAGE "/secret",
			       .bpf = bpf,
			       .bpf_len = sizeof(bpf) / sizeof(bpf[0]) };
	int fds[8];
	size_t fds_n = 3;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("cover", BV_STAGE "/pub/cover", "tmpfs", 0, NULL) != 0)
		note(f, "broken: no namespaces\n");
	fds[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fds[1] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	fds[2] = make_ruleset();
	note_inode(f, "net", fds[0]);
	note_inode(f, "mnt", fds[1]);
	if (is(f, "listener"))
		r.flags |= BVP_FLAG_LISTENER;
	if (is(f, "few-fds"))
		fds_n = 2;
	if (is(f, "no-fds"))
		fds_n = 0;
	if (is(f, "more-fds"))
		fds[fds_n++] = dup(fds[0]);
	if (is(f, "many-fds")) {
		while (fds_n < 8)
			fds[fds_n++] = dup(fds[0]);
	}
	if (is(f, "no-ruleset")) {
		r.flags &= ~BVP_FD_RULESET;
		fds_n = 2;
	}
	if (is(f, "wrong-netns"))
		fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (is(f, "wrong-mntns"))
		fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (is(f, "wrong-ruleset"))
		fds[2] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (is(f, "no-filter"))
		r.bpf_len = 0;
	if (is(f, "wrong-filter"))
		bpf[sizeof(bpf) / sizeof(bpf[0]) - 1].code = 0xffff;
	if (is(f, "open-trial"))
		r.trial = BV_STAGE "/pub/mode";
	send_packet(f->out, bvp_encode_reply(&r, f->out, BVP_WIRE_MAX), fds,
		    fds_n);
	for (size_t i = 0; i < fds_n; i++)
		close(fds[i]);
}

static void send_plain(struct fake *f, uint16_t type)
{
	send_packet(f->out, bvp_encode_plain(type, 0, f->out, BVP_WIRE_MAX),
		    NULL, 0);
}

static _Noreturn void hang(void)
{
	for (;;)
		pause();
}

static void read_mode(char *buf, size_t len)
{
	const int fd = open(BV_STAGE "/pub/mode", O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? 0 : read(fd, buf, len - 1);

	close(fd);
	buf[n > 0 ? n : 0] = '\0';
}

/* The session: heard until the leader's end, or CLOSE. */
static void guard(struct fake *f)
{
	struct bvp_header h;
	char mode[64];
	size_t len;
	int fd;

	while ((len = receive(f, &fd)) > 0) {
		if (bvp_decode_request(f->in, len, &f->type, &f->req) == 0) {
			note(f, "second %s\n",
			     f->type == BVP_MSG_OPEN ? "open" : "admit");
			read_mode(mode, sizeof(mode));
			if (strcmp(mode, "second-admitted") == 0)
				verdict(f, BVP_ADMITTED, "", "");
			else if (strcmp(mode, "second-refused") == 0)
				verdict(f, BVP_REFUSED, "another plan", "no");
			else
				verdict(f, BVP_JOINED, "", "");
			continue;
		}
		if (bvp_decode_header(f->in, len, &h) != 0 ||
		    h.type != BVP_MSG_CLOSE)
			continue;
		note(f, "close\n");
		read_mode(mode, sizeof(mode));
		if (strcmp(mode, "close-hang") == 0)
			hang();
		if (strcmp(mode, "close-garbage") == 0)
			send_packet("?", 1, NULL, 0);
		else if (strcmp(mode, "close-exit") != 0)
			send_plain(f, BVP_MSG_CLOSED);
		return;
	}
	note(f, "eof\n");
}

static void admit(struct fake *f)
{
	struct bvp_header h;
	char path[64], what[64] = "";
	size_t len;
	int fd;

	send_boundary(f);
	len = receive(f, &fd);
	if (len == 0 || bvp_decode_header(f->in, len, &h) != 0 ||
	    h.type != BVP_MSG_COMMITTED) {
		note(f, "not committed\n");
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && readlink(path, what, sizeof(what) - 1) > 0)
		note(f, "listener %s\n", what);
	note(f, "committed 0x%x\n", h.flags);
	if (is(f, "attest-hang"))
		hang();
	else if (is(f, "attest-exit"))
		return;
	else if (is(f, "attest-refused"))
		verdict(f, BVP_REFUSED, "another namespace", "sorry");
	else if (is(f, "attest-fault"))
		verdict(f, BVP_FAULT, "attestation: no trial", "");
	else if (is(f, "attest-unconfined"))
		verdict(f, BVP_UNCONFINED, "", "");
	else if (is(f, "attest-closed"))
		send_plain(f, BVP_MSG_CLOSED);
	else
		send_plain(f, BVP_MSG_ATTESTED);
	guard(f);
}

/* --- misbehaviour before a verdict -------------------------------------------- */

static void broken_packet(struct fake *f)
{
	const struct bvp_reply r = { .verdict = BVP_UNCONFINED };
	size_t len = bvp_encode_reply(&r, f->out, BVP_WIRE_MAX);
	struct bvp_header h;

	memcpy(&h, f->out, sizeof(h));
	if (is(f, "garbage"))
		memset(f->out, 0xa5, len);
	else if (is(f, "short"))
		len -= 1;
	else if (is(f, "long"))
		f->out[len++] = 0;
	else if (is(f, "magic"))
		h.magic ^= 1;
	else if (is(f, "version"))
		h.version++;
	else if (is(f, "type"))
		h.type = BVP_MSG_ATTESTED;
	else if (is(f, "verdict"))
		f->out[sizeof(h)] = 9;
	else if (is(f, "empty"))
		len = 0;
	else if (is(f, "huge"))
		len = PACKET_HUGE;
	if (!is(f, "garbage"))
		memcpy(f->out, &h, sizeof(h));
	send_packet(f->out, len, NULL, 0);
}

static void text_for_a_terminal(struct fake *f)
{
	char text[BVP_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "a\x1b[2J\nroot logged in\xff%n%s", 25);
	verdict(f, BVP_REFUSED, text, text);
}

static void play(struct fake *f)
{
	if (is(f, "unconfined"))
		verdict(f, BVP_UNCONFINED, "no policy matches", "");
	else if (is(f, "joined"))
		verdict(f, BVP_JOINED, "", "");
	else if (is(f, "refuse"))
		verdict(f, BVP_REFUSED, "students.conf:7: pids: no controller",
			"Not today.");
	else if (is(f, "refuse-mute"))
		verdict(f, BVP_REFUSED, "students.conf:7", "");
	else if (is(f, "fault"))
		verdict(f, BVP_FAULT, "no space left", "Not today.");
	else if (is(f, "escape"))
		text_for_a_terminal(f);
	else if (is(f, "hang"))
		hang();
	else if (is(f, "kill"))
		(void)raise(SIGKILL);
	else if (is(f, "other-uid")) {
		if (setresuid(1, 1, 1) == 0)
			verdict(f, BVP_UNCONFINED, "", "");
	} else if (is(f, "admit-account"))
		verdict(f, BVP_ADMITTED, "", "");
	else if (is(f, "garbage") || is(f, "short") || is(f, "long") ||
		 is(f, "magic") || is(f, "version") || is(f, "type") ||
		 is(f, "verdict") || is(f, "empty") || is(f, "huge"))
		broken_packet(f);
	else
		admit(f);
}

int main(int argc, char **argv, char **envp)
{
	struct fake *f = calloc(1, sizeof(*f));
	char mode[64];
	size_t len;
	int fd;

	alarm(ALARM_S);
	if (f == NULL)
		return 1;
	read_mode(mode, sizeof(mode));
	f->mode = mode;
	f->log = open(BV_STAGE "/pub/log",
		      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	note_start(f, argc, argv, envp);
	if (is(f, "exit"))
		_exit(0);
	if (is(f, "garbage-first"))
		send_packet("?", 1, NULL, 0);
	len = receive(f, &fd);
	if (bvp_decode_request(f->in, len, &f->type, &f->req) != 0)
		note(f, "no request\n");
	else
		note(f, "request %s 0x%x [%s] [%s] [%s] [%s] [%s]\n",
		     f->type == BVP_MSG_OPEN ? "open" : "admit", f->req.flags,
		     f->req.user, f->req.service, f->req.tty, f->req.rhost,
		     f->req.ruser);
	play(f);
	note(f, "end\n");
	_exit(0); /* a leak report would need what is not there */
}
