/* SPDX-License-Identifier: MIT */
/*
 * An hour at a terminal in a few seconds: the relay and its tape between two real
 * terminals, one key a second on a clock of the test's own, a hundred megabytes of
 * answers, none of it text for long. Both who replay it, bvisorctl and a reader of
 * asciicast v2 that shares no line with us, give every byte back, at its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/digest.h"
#include "core/plan.h"
#include "helper/fd.h"
#include "helper/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define KEYS     3600u  /* one a second */
#define ANSWER_N 29128u /* bytes to each: 104.9 MB */
#define WAIT_MS  60000
#define SESSION  "0011223344556677"

/* --- the clock of the tape ------------------------------------------------- */

static _Atomic uint64_t *seconds; /* shared with the relay's process */

/* In the place of libc's, for what is linked into this program. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	if (seconds == NULL || id != CLOCK_BOOTTIME)
		return (int)syscall(SYS_clock_gettime, id, ret);
	*ret = (struct timespec){ .tv_sec = (time_t)(1000 + *seconds) };
	return 0;
}

/* --- what is typed and answered -------------------------------------------- */

/* No beginning of a character: that would be recorded with the next key. */
static unsigned char key_of(unsigned int i)
{
	return (unsigned char)((i * 37u + i / 256u) % 0xc0u);
}

/* Text of several kinds and what is none, cut wherever a page ends. */
static void fill_answer(unsigned int i, unsigned char *ret)
{
	static const char *const part[] = {
		"plain words of some length, a line\r\n",
		"\x1b[1;32mgreen\x1b[0m ",
		"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		"\"quoted\\\"\t",
		"\xff\xfe",
		"\xe2\x82",
		"\x01\x02\x7f",
	};
	uint64_t x = i + 1;

	for (size_t n = 0; n < ANSWER_N;) {
		const char *p;
		size_t len;

		x = x * 6364136223846793005u + 1442695040888963407u;
		p = part[(x >> 40) % 64 < 58 ? 0 : (x >> 40) % 7];
		len = strlen(p);
		if (len > ANSWER_N - n)
			len = ANSWER_N - n;
		memcpy(ret + n, p, len);
		n += len;
	}
}

/* --- the stage ------------------------------------------------------------- */

struct pair {
	int master, slave;
};

struct stage {
	char dir[64]; /* "": none */
	int recordings;
	struct pair outer, inner;
	struct bvh_tape tape;
	char typed[65], shown[65]; /* digests of what the test did and saw */
};

/* What the relay's process says at its end. */
struct outcome {
	int end;
	int code;
	uint64_t size;
	char sha256[65];
};

static struct pair open_pair(void)
{
	struct pair p;
	struct termios t;

	p.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(p.master >= 0 && grantpt(p.master) == 0 &&
		    unlockpt(p.master) == 0);
	p.slave = open(ptsname(p.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(p.slave >= 0 && tcgetattr(p.slave, &t) == 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(p.slave, TCSANOW, &t), 0);
	return p;
}

static int again(int fd)
{
	int ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	assert_true(ret >= 0);
	return ret;
}

static int make_dir(const char *base, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(mkdir(path, 0700), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_at(const struct stage *s, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int remove_stage(void **state)
{
	const struct stage *s = *state;
	char command[128];

	seconds = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	return s->dir[0] == '\0' ? 0 : system(command);
}

static void make_stage(struct stage *s)
{
	char text[256];
	int fd[4];

	/* A configuration below /tmp would be refused. */
	snprintf(s->dir, sizeof(s->dir), "/var/lib/bvisor-replay.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	fd[0] = make_dir(s->dir, "config");
	fd[1] = make_dir(s->dir, "state");
	fd[2] = make_dir(s->dir, "state/sessions");
	fd[3] = make_dir(s->dir, "state/captures");
	for (size_t i = 0; i < BV_LEN(fd); i++)
		bvh_close(&fd[i]);
	s->recordings = make_dir(s->dir, "state/captures/" SESSION);
	snprintf(text, sizeof(text),
		 "bvisor-config 1\n[bvisor]\nstate_dir = %s/state\n", s->dir);
	write_at(s, "config/bvisor.conf", text);
	s->outer = open_pair();
	s->inner = open_pair();
}

/* --- three processes: the program, the relay, the client ------------------- */

static bool write_out(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		const ssize_t k = write(fd, p, n);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* Answers to each key; its own end is the end of the terminal. */
static _Noreturn void be_program(struct stage *s)
{
	static unsigned char answer[ANSWER_N];
	unsigned char key;

	close(s->inner.master);
	close(s->outer.master);
	close(s->outer.slave);
	for (unsigned int i = 0; i < KEYS; i++) {
		if (read(s->inner.slave, &key, 1) != 1 || key != key_of(i))
			_exit(1);
		fill_answer(i, answer);
		if (!write_out(s->inner.slave, answer, sizeof(answer)))
			_exit(2);
	}
	_exit(0);
}

static void never_block(int fd)
{
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static _Noreturn void be_relay(struct stage *s, int tell)
{
	struct bvh_relay r = { .tape = &s->tape,
			       .peer_pidfd = -1,
			       .outer = s->outer.slave,
			       .told = true };
	struct outcome o = { 0 };
	struct bv_err err = { 0 };
	sigset_t none;

	close(s->inner.slave);
	close(s->outer.master);
	never_block(s->inner.master);
	never_block(s->outer.slave);
	sigemptyset(&none);
	r.signal_fd = signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
	r.master = s->inner.master;
	r.flow[r.n++] =
		bvh_flow_new(again(s->inner.master), again(s->outer.slave),
			     BV_CAST_OUT, true, true);
	r.flow[r.n++] =
		bvh_flow_new(again(s->outer.slave), again(s->inner.master),
			     BV_CAST_IN, true, true);
	o.end = (int)bvh_relay_run(&r, &err);
	o.code = bvh_tape_end(&s->tape, o.sha256, &err);
	o.size = s->tape.size;
	_exit(write(tell, &o, sizeof(o)) == (ssize_t)sizeof(o) ? 0 : 1);
}

/* A key, and all of its answer; then the clock goes on. */
static void be_client(struct stage *s)
{
	static unsigned char answer[ANSWER_N], seen[ANSWER_N];
	SHA2_CTX typed, shown;
	uint8_t sum[SHA256_DIGEST_LENGTH];

	SHA256Init(&typed);
	SHA256Init(&shown);
	for (unsigned int i = 0; i < KEYS; i++) {
		const unsigned char key = key_of(i);

		*seconds = i + 1;
		assert_int_equal(write(s->outer.master, &key, 1), 1);
		SHA256Update(&typed, &key, 1);
		for (size_t n = 0; n < ANSWER_N;) {
			struct pollfd p = { s->outer.master, POLLIN, 0 };
			ssize_t got;

			assert_int_equal(poll(&p, 1, WAIT_MS), 1);
			got = read(s->outer.master, seen + n, ANSWER_N - n);
			if (got <= 0)
				fail_msg("key %u: it ends after %zu bytes", i,
					 n);
			n += (size_t)got;
		}
		fill_answer(i, answer);
		assert_memory_equal(seen, answer, ANSWER_N);
		SHA256Update(&shown, answer, ANSWER_N);
	}
	SHA256Final(sum, &typed);
	bv_digest_hex(sum, s->typed);
	SHA256Final(sum, &shown);
	bv_digest_hex(sum, s->shown);
}

static void an_hour(struct stage *s, struct outcome *ret)
{
	static _Atomic uint64_t stored;
	const struct bv_cast_head head = { .session = SESSION,
					   .number = 1,
					   .terminal = true,
					   .input = true,
					   .columns = 80,
					   .rows = 24 };
	struct bv_err err = { 0 };
	int ends[2], status;
	pid_t program, relay;

	assert_int_equal(bvh_tape_begin(&s->tape, s->recordings, &head, &stored,
					UINT64_C(1) << 32, &err),
			 BV_OK);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	program = fork();
	if (program == 0)
		be_program(s);
	relay = fork();
	if (relay == 0)
		be_relay(s, ends[1]);
	bvh_close(&ends[1]);
	bvh_close(&s->inner.slave);
	bvh_close(&s->inner.master);
	bvh_close(&s->outer.slave);
	be_client(s);
	assert_int_equal(read(ends[0], ret, sizeof(*ret)), sizeof(*ret));
	bvh_close(&ends[0]);
	assert_true(waitpid(program, &status, 0) == program && status == 0);
	assert_true(waitpid(relay, &status, 0) == relay && status == 0);
	bvh_close(&s->outer.master);
}

/* --- those who replay it --------------------------------------------------- */

/* The manifest, and a report that has its digest. */
static void seal(const struct stage *s, const struct outcome *o)
{
	char line[256], sha[65], text[512];

	snprintf(line, sizeof(line), "1.cast %s %" PRIu64 " terminal whole\n",
		 o->sha256, o->size);
	bv_sha256_hex(line, strlen(line), sha);
	write_at(s, "state/captures/" SESSION "/manifest", line);
	snprintf(text, sizeof(text),
		 "{\"observed\": [{\"kind\": \"streams_captured\", \"detail\": "
		 "\"recordings 1, cut 0, lost 0, manifest sha256 %s\"}]}\n",
		 sha);
	write_at(s, "state/sessions/" SESSION ".json", text);
}

/* The digest of what bvisorctl shows. */
static void replayed(const struct stage *s, const char *stream, char ret[65])
{
	char command[PATH_MAX + 256], ctl[PATH_MAX];
	unsigned char buf[65536];
	uint8_t sum[SHA256_DIGEST_LENGTH];
	SHA2_CTX sha;
	ssize_t len = readlink("/proc/self/exe", ctl, sizeof(ctl) - 1);
	size_t n;
	FILE *f;

	assert_true(len > 0);
	ctl[len] = '\0';
	for (int i = 0; i < 3; i++) /* …/tests/live/test_replay */
		*strrchr(ctl, '/') = '\0';
	snprintf(command, sizeof(command),
		 "'%s/bvisorctl' replay --config %s/config --stream %s " SESSION
		 " 1",
		 ctl, s->dir, stream);
	f = popen(command, "re");
	assert_non_null(f);
	SHA256Init(&sha);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		SHA256Update(&sha, buf, n);
	assert_int_equal(pclose(f), 0);
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, ret);
}

/* It knows of the format what is written of it, and of ours the capital letters:
 * digests of what was shown and typed, and whether the key of each second came at
 * that second, and its answer before the next. */
static const char reader[] =
	"import base64, hashlib, json, sys\n"
	"sums = {'o': hashlib.sha256(), 'i': hashlib.sha256()}\n"
	"last, keys, in_time = 0.0, 0, True\n"
	"with open(sys.argv[1], encoding='utf-8', newline='\\n') as f:\n"
	"  head = json.loads(f.readline())\n"
	"  assert head['version'] == 2, head\n"
	"  for line in f:\n"
	"    at, code, data = json.loads(line)\n"
	"    assert at >= last and line.endswith('\\n'), line\n"
	"    last = at\n"
	"    data = data.encode('utf-8') if code in 'oi' else "
	"base64.b64decode(data, validate=True)\n"
	"    sums[code.lower()].update(data)\n"
	"    keys += len(data) if code in 'iI' else 0\n"
	"    in_time = in_time and at == keys\n"
	"print(sums['o'].hexdigest(), sums['i'].hexdigest(), keys, at, in_time)\n";

static void read_by_another(const struct stage *s, char *ret, size_t cap)
{
	char command[512];
	FILE *f;

	write_at(s, "reader.py", reader);
	snprintf(command, sizeof(command),
		 "python3 %s/reader.py %s/state/captures/" SESSION "/1.cast",
		 s->dir, s->dir);
	f = popen(command, "re");
	assert_non_null(f);
	if (fgets(ret, (int)cap, f) == NULL)
		ret[0] = '\0';
	assert_int_equal(pclose(f), 0);
}

static void test_an_hour__is_replayed_byte_by_byte(void **state)
{
	struct stage *s = *state;
	struct outcome o = { 0 };
	char got[65], said[256], want[256];

	if (geteuid() != 0)
		skip();
	seconds = mmap(NULL, sizeof(*seconds), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seconds != MAP_FAILED);
	make_stage(s);
	an_hour(s, &o);
	assert_int_equal(o.code, BV_OK);
	assert_int_equal(o.end, BVH_RELAY_DONE);
	seal(s, &o);
	replayed(s, "output", got);
	assert_string_equal(got, s->shown);
	replayed(s, "input", got);
	assert_string_equal(got, s->typed);
	read_by_another(s, said, sizeof(said));
	snprintf(want, sizeof(want), "%s %s %u %u.0 True\n", s->shown, s->typed,
		 KEYS, KEYS);
	assert_string_equal(said, want);
}

int main(void)
{
	static struct stage s = { .recordings = -1 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate_setup_teardown(
			test_an_hour__is_replayed_byte_by_byte, NULL,
			remove_stage, &s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
