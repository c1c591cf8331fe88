/* SPDX-License-Identifier: MIT */
/*
 * A login service for test_capture.c: launches bvisor-shell as sshd does, on a
 * terminal whose master the test has, or on two sockets of the test's; and reads
 * the recordings from the disk. Included once, after shell_stage.h.
 */
#ifndef BV_TESTS_LIVE_CAPTURE_STAGE_H
#define BV_TESTS_LIVE_CAPTURE_STAGE_H

#include "tests/live/shell_stage.h"

#include "core/cast.h"
#include "core/digest.h"

#include <poll.h>
#include <sys/un.h>
#include <termios.h>

#define CALLS "/home/bin/calls"

/* In memory shared with the leader. */
struct call {
	char terminal[64]; /* "": sockets */
	char output[64];   /* with a terminal: a file beside it, "" none */
	char name[32];
	char command[2048]; /* "": none */
	uid_t uid;
	bool wait;
	pid_t child;
	int status;
};

struct login {
	struct order order;
	struct call *call;
	struct leader l;
	int listener;
	/* Of the last launch. */
	int master; /* of the terminal */
	int io;     /* standard input and output */
	int error;
	pid_t shell;
	char *text; /* what the terminal showed so far */
	size_t text_n;
};

/* --- in the leader --------------------------------------------------------- */

static inline int call_connect(void)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX,
					.sun_path = CALLS };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		_exit(85);
	return fd;
}

static inline void call_streams(const struct call *c)
{
	int fd;

	if (c->terminal[0] != '\0') {
		fd = open(c->terminal, O_RDWR);
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
			_exit(86);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		close(fd);
		if (c->output[0] == '\0')
			return;
		fd = open(c->output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0)
			_exit(87);
		dup2(fd, 1);
		close(fd);
		return;
	}
	fd = call_connect();
	dup2(fd, 0);
	dup2(fd, 1);
	close(fd);
	fd = call_connect();
	dup2(fd, 2);
	close(fd);
}

static inline _Noreturn void call_start(const struct call *shared)
{
	/* The test may write the next one as soon as it has heard of this. */
	struct call own = *shared;
	struct call *c = &own;
	char *argv[] = { c->name,
			 c->command[0] ? (char *)(uintptr_t) "-c" : NULL,
			 c->command, NULL };
	char *envp[] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin",
			 (char *)(uintptr_t) "HOME=/",
			 (char *)(uintptr_t) "PS1=ready> ",
			 (char *)(uintptr_t) "TERM=dumb", NULL };

	setsid();
	call_streams(c);
	if (bvh_sys_close_range(3, ~0u, 0) != 0 || setgroups(0, NULL) != 0 ||
	    setresgid(c->uid, c->uid, c->uid) != 0 ||
	    setresuid(c->uid, c->uid, c->uid) != 0)
		_exit(82);
	signal(SIGPIPE, SIG_DFL);
	execve(SHELL, argv, envp);
	_exit(84);
}

static inline void run_call(void *arg)
{
	struct call *c = arg;
	pid_t pid;

	if (c->wait) {
		if (waitpid(c->child, &c->status, 0) != c->child)
			c->status = -1;
		return;
	}
	pid = fork();
	if (pid == 0)
		call_start(c);
	c->child = pid;
}

/* --- in the test ----------------------------------------------------------- */

static inline void login_open(struct login *s, const char *user)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX,
					.sun_path = CALLS };

	memset(s, 0, sizeof(*s));
	s->call = mmap(NULL, sizeof(*s->call), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(s->call != MAP_FAILED, "mmap");
	s->order = open_as(user);
	s->order.act = run_call;
	s->order.arg = s->call;
	s->call->uid = uid_of(user);
	s->master = s->io = s->error = -1;
	(void)unlink(CALLS);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(s->listener, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
		     listen(s->listener, 8) == 0,
	     CALLS);
	s->l = opened(&s->order);
}

static inline void login_drop(struct login *s)
{
	bvh_close(&s->master);
	bvh_close(&s->io);
	bvh_close(&s->error);
}

static inline void login_call(struct login *s, const char *name,
			      const char *command)
{
	snprintf(s->call->name, sizeof(s->call->name), "%s", name);
	snprintf(s->call->command, sizeof(s->call->command), "%s", command);
	s->call->wait = false;
	assert_true(leader_step(&s->l, 'a'));
	assert_true(s->call->child > 0);
	s->shell = s->call->child;
}

/* As sshd without a terminal: one socket for in and out, one for errors. */
static inline void login_pipes(struct login *s, const char *command)
{
	login_drop(s);
	s->call->terminal[0] = '\0';
	login_call(s, "bvisor-shell", command);
	s->io = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	s->error = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(s->io >= 0 && s->error >= 0);
}

/* As sshd with one, of a size that nobody else gives. */
static inline void login_terminal(struct login *s, const char *name,
				  const char *command)
{
	const struct winsize size = { .ws_row = 33, .ws_col = 111 };
	const char *path;

	login_drop(s);
	s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(s->master >= 0 && grantpt(s->master) == 0 &&
		    unlockpt(s->master) == 0);
	path = ptsname(s->master);
	assert_true(chown(path, s->call->uid, s->call->uid) == 0);
	assert_true(ioctl(s->master, TIOCSWINSZ, &size) == 0);
	snprintf(s->call->terminal, sizeof(s->call->terminal), "%s", path);
	s->text_n = 0;
	login_call(s, name, command);
}

static inline int login_wait(struct login *s)
{
	s->call->wait = true;
	assert_true(leader_step(&s->l, 'a'));
	return s->call->status;
}

static inline void login_end(struct login *s)
{
	login_drop(s);
	bvh_close(&s->listener);
	assert_true(leader_step(&s->l, 'c'));
	assert_true(s->l.view->closed);
}

static inline void login_done(struct login *s)
{
	leader_done(&s->l);
	munmap(s->call, sizeof(*s->call));
	free(s->text);
	eventually(nothing_left());
}

/* Everything that comes until the other side ends, while input goes out in
 * pieces; then that side is ended as well. What came is digested. */
static inline size_t exchange(int fd, const unsigned char *input, size_t left,
			      char ret_sha[65])
{
	unsigned char buf[65536];
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX sha;
	size_t got = 0;

	SHA256Init(&sha);
	if (left == 0)
		shutdown(fd, SHUT_WR);
	for (;;) {
		struct pollfd p = { fd,
				    (short)(POLLIN | (left > 0 ? POLLOUT : 0)),
				    0 };
		ssize_t n;

		assert_true(poll(&p, 1, 60000) > 0);
		if ((p.revents & POLLOUT) != 0 && left > 0) {
			n = send(fd, input, left < 50000 ? left : 50000,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n > 0) {
				input += n;
				left -= (size_t)n;
			}
			if (left == 0)
				shutdown(fd, SHUT_WR);
		}
		if ((p.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		SHA256Update(&sha, buf, (size_t)n);
		got += (size_t)n;
	}
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, ret_sha);
	return got;
}

/* Wait until the terminal shows a text, NULL: until it is hung up. */
static inline bool shows(struct login *s, const char *text)
{
	const double end = leader_now_ms() + 60000;

	s->text = realloc(s->text, 1 << 20);
	while (leader_now_ms() < end) {
		struct pollfd p = { s->master, POLLIN, 0 };
		ssize_t n;

		s->text[s->text_n] = '\0';
		if (text != NULL && strstr(s->text, text) != NULL)
			return true;
		if (poll(&p, 1, 10) <= 0)
			continue;
		n = read(s->master, s->text + s->text_n,
			 (1 << 20) - 1 - s->text_n);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return text == NULL;
		s->text_n += (size_t)n;
	}
	return false;
}

#define SHOWS(s, want)                                                         \
	do {                                                                   \
		if (!shows((s), (want)))                                       \
			fail_msg("not \"%s\" but \"%s\"", (want), (s)->text);  \
	} while (0)

/* The shell says what it continues before it hands the terminal over. */
static inline bool in_front(const char *command_line)
{
	char test[200];

	snprintf(test, sizeof(test),
		 "ps -o stat= -p \"$(pgrep -fx '%s')\" | grep -q '^[SR].*+'",
		 command_line);
	for (int i = 0; i < 400; i++) {
		if (system(test) == 0)
			return true;
		usleep(100000);
	}
	return false;
}

static inline void types(struct login *s, const char *text)
{
	assert_int_equal(write(s->master, text, strlen(text)), strlen(text));
	s->text_n = 0;
}

/* Half of it text, half what no text is; on the disk too. */
#define BLOB   "/home/bin/blob"
#define BLOB_N (8u << 20)

static inline unsigned char *blob(void)
{
	static const unsigned char text[12] = "abc \n\t\"\\\033[0\xc3";
	static unsigned char *bytes;
	uint64_t x = 88172645463325252u;
	FILE *f;

	if (bytes != NULL)
		return bytes;
	bytes = malloc(BLOB_N);
	must(bytes != NULL, "malloc");
	for (size_t i = 0; i < BLOB_N; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[i] = i / 262144 % 2 == 0 ? text[x % sizeof(text)]
					       : (unsigned char)(x >> 24);
	}
	f = fopen(BLOB, "we");
	must(f != NULL && fwrite(bytes, 1, BLOB_N, f) == BLOB_N &&
		     fclose(f) == 0 && chmod(BLOB, 0644) == 0,
	     BLOB);
	return bytes;
}

/* --- recordings ------------------------------------------------------------ */

struct tape {
	struct bv_cast_head head;
	size_t n[BV_CAST_STREAM_N];
	char sha[BV_CAST_STREAM_N][65];
	char file_sha[65];
	size_t file_n;
	size_t resizes;
	uint64_t last_us;
	char *text; /* the output's beginning */
};

static inline void tape_path(const struct login *s, unsigned int number,
			     char ret[256])
{
	snprintf(ret, 256, STATE_DIR "/captures/%s/%u.cast", s->l.view->session,
		 number);
}

static inline void tape_read(const struct login *s, unsigned int number,
			     struct tape *t)
{
	SHA2_CTX sha[BV_CAST_STREAM_N], whole;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	size_t cap = 0, text_n = 0;
	char *line = NULL;
	char path[256];
	struct stat st;
	ssize_t n;
	FILE *f;

	memset(t, 0, sizeof(*t));
	t->text = calloc(1, 65537);
	tape_path(s, number, path);
	f = fopen(path, "re");
	if (f == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fstat(fileno(f), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	SHA256Init(&whole);
	for (unsigned int i = 0; i < BV_CAST_STREAM_N; i++)
		SHA256Init(&sha[i]);
	for (size_t at = 0; (n = getline(&line, &cap, f)) > 0; at++) {
		struct bv_cast_event e = { .what = BV_CAST_OTHER };
		struct bv_err err = { 0 };
		const size_t len = (size_t)n - 1;
		const int code =
			at == 0 ? bv_cast_read_head(line, len, &t->head, &err)
				: bv_cast_read(line, len, &e, &err);

		if (code != BV_OK || line[len] != '\n')
			fail_msg("line %zu: %s", at + 1, err.msg);
		SHA256Update(&whole, (const uint8_t *)line, (size_t)n);
		t->file_n += (size_t)n;
		t->resizes += at > 0 && e.what == BV_CAST_RESIZE;
		if (at == 0 || e.what != BV_CAST_DATA)
			continue;
		assert_true(e.at_us >= t->last_us);
		t->last_us = e.at_us;
		SHA256Update(&sha[e.stream], e.bytes, e.n);
		t->n[e.stream] += e.n;
		if (e.stream == BV_CAST_OUT && text_n < 65536) {
			const size_t take =
				e.n < 65536 - text_n ? e.n : 65536 - text_n;

			memcpy(t->text + text_n, e.bytes, take);
			text_n += take;
		}
		free(e.bytes);
	}
	fclose(f);
	free(line);
	for (unsigned int i = 0; i < BV_CAST_STREAM_N; i++) {
		SHA256Final(sum, &sha[i]);
		bv_digest_hex(sum, t->sha[i]);
	}
	SHA256Final(sum, &whole);
	bv_digest_hex(sum, t->file_sha);
}

static inline size_t tapes(const struct login *s)
{
	char path[256];

	snprintf(path, sizeof(path), STATE_DIR "/captures/%s",
		 s->l.view->session);
	return count_dir(path, "") - count_dir(path, "manifest");
}

/* The details of observations of that kind, from the sealed report. */
static inline void assert_observed(const struct login *s, const char *kind,
				   const char *part)
{
	json_t *j = record_of(&s->l);
	const json_t *o;
	size_t i;
	bool found = false;

	json_array_foreach(json_object_get(j, "observed"), i, o)
	{
		const char *k = json_string_value(json_object_get(o, "kind"));
		const char *d = json_string_value(json_object_get(o, "detail"));

		found |= strcmp(k, kind) == 0 && strstr(d, part) != NULL;
	}
	if (!found) {
		char *text = json_dumps(json_object_get(j, "observed"), 0);

		fail_msg("no %s with '%s' in %s", kind, part, text);
	}
	json_decref(j);
}

#endif
