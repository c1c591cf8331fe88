/* SPDX-License-Identifier: MIT */
/*
 * An hour at a terminal, as a session: a login shell on a terminal, the keys that
 * somebody types in an hour, ten a second, a hundred megabytes of answers; from
 * the guardian to bvisorctl. The keys are as many, the hour is not as long
 * (test_replay.c has the times). Witnesses: the terminal, whose master is the
 * test's, and the file on the disk. Stage as in test_capture.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/capture_stage.h"

#define KEYS     36000u /* ten a second */
#define KEYS_S   "36000"
#define ANSWER   2913u /* bytes to each: 104.9 MB */
#define ANSWER_S "2913"
#define AHEAD    256u /* keys without an answer */
#define WAIT_MS  60000
#define NOTICE   "This session is recorded.\r\n"

/* Lines, with what is no ASCII and what is no text. */
#define PROGRAM                                                                \
	"import os, sys, tty\n"                                                \
	"def answer(key):\n"                                                   \
	"    b = bytearray(0x20 + (key * 7 + i * 31) % 95\n"                   \
	"                  for i in range(" ANSWER_S "))\n"                    \
	"    for i in range(78, len(b) - 1, 80): b[i:i + 2] = b'\\r\\n'\n"     \
	"    b[100:103] = b'\\xc3\\xa9\\xff'\n"                                \
	"    b[200] = key\n"                                                   \
	"    return bytes(b)\n"                                                \
	"answers = [answer(key) for key in range(256)]\n"                      \
	"tty.setraw(0)\n"                                                      \
	"os.write(1, b'begin\\n')\n"                                           \
	"left = " KEYS_S "\n"                                                  \
	"while left:\n"                                                        \
	"    for key in os.read(0, left):\n"                                   \
	"        left -= 1\n"                                                  \
	"        out = answers[key]\n"                                         \
	"        while out: out = out[os.write(1, out):]\n"

static unsigned char key_of(size_t i)
{
	return (unsigned char)(i * 37 + 11);
}

static void fill_answer(unsigned char key, unsigned char ret[ANSWER])
{
	for (size_t i = 0; i < ANSWER; i++)
		ret[i] = (unsigned char)(0x20 + (key * 7u + i * 31) % 95);
	for (size_t i = 78; i < ANSWER - 1; i += 80)
		memcpy(ret + i, "\r\n", 2);
	memcpy(ret + 100, "\xc3\xa9\xff", 3);
	ret[200] = key;
}

struct hour {
	SHA2_CTX typed, shown;
	size_t typed_n, shown_n;
	size_t keys, answered; /* bytes of answers */
};

static void add_typed(struct hour *h, const void *bytes, size_t n)
{
	SHA256Update(&h->typed, bytes, n);
	h->typed_n += n;
}

static void add_shown(struct hour *h, const void *bytes, size_t n)
{
	SHA256Update(&h->shown, bytes, n);
	h->shown_n += n;
}

static void type_some(struct hour *h, int master)
{
	unsigned char some[AHEAD];
	const size_t ahead = h->keys - h->answered / ANSWER;
	size_t n =
		KEYS - h->keys < AHEAD - ahead ? KEYS - h->keys : AHEAD - ahead;
	ssize_t taken;

	for (size_t i = 0; i < n; i++)
		some[i] = key_of(h->keys + i);
	taken = write(master, some, n);
	if (taken < 0 && errno == EAGAIN)
		return;
	assert_true(taken > 0);
	add_typed(h, some, (size_t)taken);
	h->keys += (size_t)taken;
}

static void see_some(struct hour *h, int master)
{
	static unsigned char want[256][ANSWER];
	static unsigned char seen[65536];
	ssize_t n = read(master, seen, sizeof(seen));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail_msg("it ends after %zu bytes", h->answered);
	if (h->answered == 0)
		for (unsigned int key = 0; key < 256; key++)
			fill_answer((unsigned char)key, want[key]);
	add_shown(h, seen, (size_t)n);
	for (size_t at = 0; at < (size_t)n;) {
		const size_t from = h->answered % ANSWER;
		const size_t left = (size_t)n - at;
		const size_t take = left < ANSWER - from ? left : ANSWER - from;

		assert_memory_equal(seen + at,
				    want[key_of(h->answered / ANSWER)] + from,
				    take);
		at += take;
		h->answered += take;
	}
}

static void type_and_see(struct hour *h, int master)
{
	while (h->answered < (size_t)KEYS * ANSWER) {
		const bool types = h->keys < KEYS &&
				   h->keys - h->answered / ANSWER < AHEAD;
		struct pollfd p = { master,
				    (short)(POLLIN | (types ? POLLOUT : 0)),
				    0 };

		assert_true(poll(&p, 1, WAIT_MS) > 0);
		if ((p.revents & POLLOUT) != 0)
			type_some(h, master);
		if ((p.revents & ~POLLOUT) != 0)
			see_some(h, master);
	}
}

/* What it was told and what it shows up to the program's first word. */
static void begin(struct login *s, struct hour *h)
{
	static const char line[] = "exec python3 /home/bvt-all/hour.py\n";
	const char *after;

	SHOWS(s, "$ ");
	after = strstr(s->text, NOTICE);
	assert_non_null(after);
	assert_ptr_equal(after, s->text);
	after += strlen(NOTICE);
	add_shown(h, after, s->text_n - strlen(NOTICE));
	types(s, line);
	add_typed(h, line, strlen(line));
	SHOWS(s, "begin\n");
	add_shown(h, s->text, s->text_n);
	s->text_n = 0;
}

static void replayed(const struct login *s, const char *stream, char ret[65])
{
	char command[PATH_MAX + 128];
	FILE *f;

	snprintf(command, sizeof(command),
		 "%.*s/bvisorctl replay --stream %s %s 1 | sha256sum",
		 (int)(strrchr(env.helper, '/') - env.helper), env.helper,
		 stream, s->l.view->session);
	f = popen(command, "re");
	assert_non_null(f);
	assert_int_equal(fread(ret, 1, 64, f), 64);
	ret[64] = '\0';
	assert_int_equal(pclose(f), 0);
}

static void test_an_hours_keys__and_a_hundred_megabytes(void **state)
{
	struct hour h = { .keys = 0 };
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char typed[65], shown[65], got[65];
	struct login s;
	struct tape t;

	(void)state;
	need_stage();
	SHA256Init(&h.typed);
	SHA256Init(&h.shown);
	write_file("/home/bvt-all/hour.py", PROGRAM);
	must(chmod("/home/bvt-all/hour.py", 0644) == 0, "chmod");
	login_open(&s, "bvt-all");
	login_terminal(&s, "-bvisor-shell", "");
	begin(&s, &h);
	type_and_see(&h, s.master);
	assert_true(shows(&s, NULL));
	add_shown(&h, s.text, s.text_n);
	EXITED(login_wait(&s), 0);
	login_end(&s);
	SHA256Final(sum, &h.typed);
	bv_digest_hex(sum, typed);
	SHA256Final(sum, &h.shown);
	bv_digest_hex(sum, shown);
	tape_read(&s, 1, &t);
	assert_true(t.head.terminal && t.head.input);
	assert_int_equal(t.n[BV_CAST_IN], h.typed_n);
	assert_int_equal(t.n[BV_CAST_OUT], h.shown_n);
	assert_true(h.shown_n > 100000000);
	assert_string_equal(t.sha[BV_CAST_IN], typed);
	assert_string_equal(t.sha[BV_CAST_OUT], shown);
	assert_observed(&s, "stream_captured", t.file_sha);
	replayed(&s, "input", got);
	assert_string_equal(got, typed);
	replayed(&s, "output", got);
	assert_string_equal(got, shown);
	free(t.text);
	login_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			test_an_hours_keys__and_a_hundred_megabytes,
			sweep_stage),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
