/* SPDX-License-Identifier: MIT */
/*
 * Recorded streams in a real session of this kernel: what goes through is what
 * came, ends and statuses are the command's own, the recording gives it back
 * byte by byte, and nobody goes on without it. Witnesses: both ends of the
 * streams, which are the test's, the files on the disk, and /proc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/capture_stage.h"

#include "core/plan.h"

/* --- without a terminal ---------------------------------------------------- */

#define ROUNDS  12u /* of it, and some text: 100 MB */
#define ROUND_S "12"

static void
test_a_hundred_megabytes__come_and_are_recorded_byte_by_byte(void **state)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char got[65], want[65];
	struct login s;
	struct tape t;
	SHA2_CTX sha;

	(void)state;
	need_stage();
	SHA256Init(&sha);
	for (unsigned int i = 0; i < ROUNDS; i++)
		SHA256Update(&sha, blob(), BLOB_N);
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, want);
	login_open(&s, "bvt-output");
	login_pipes(&s, "for i in $(seq " ROUND_S "); do cat " BLOB
			"; done; exit 42");
	assert_int_equal(exchange(s.io, NULL, 0, got), BLOB_N * ROUNDS);
	assert_string_equal(got, want);
	EXITED(login_wait(&s), 42);
	login_end(&s);
	tape_read(&s, 1, &t);
	assert_false(t.head.terminal);
	assert_int_equal(t.head.number, 1);
	assert_int_equal(t.n[BV_CAST_OUT], BLOB_N * ROUNDS);
	assert_string_equal(t.sha[BV_CAST_OUT], want);
	assert_int_equal(t.n[BV_CAST_IN], 0);
	assert_observed(&s, "stream_captured", t.file_sha);
	free(t.text);
	login_done(&s);
}

static void test_both_ways__half_closed_and_errors_apart(void **state)
{
	char got[65], want[65], error[65];
	struct login s;
	struct tape t;

	(void)state;
	need_stage();
	bv_sha256_hex(blob(), BLOB_N, want);
	login_open(&s, "bvt-all");
	login_pipes(&s, "cat; echo to the errors >&2; exit 3");
	/* The end of its input is what ends cat. */
	assert_int_equal(exchange(s.io, blob(), BLOB_N, got), BLOB_N);
	assert_string_equal(got, want);
	assert_int_equal(exchange(s.error, NULL, 0, error), 14);
	EXITED(login_wait(&s), 3);
	login_end(&s);
	tape_read(&s, 1, &t);
	assert_true(t.head.input);
	assert_string_equal(t.sha[BV_CAST_OUT], want);
	assert_string_equal(t.sha[BV_CAST_IN], want);
	assert_string_equal(t.sha[BV_CAST_ERR], error);
	free(t.text);
	login_done(&s);
}

/* As of sshd's own socket: who writes to it next is told by SIGPIPE, who waits for
 * room in it by EPIPE alone, which yes ends with 1 for. */
static bool is_told(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGPIPE
				   : WEXITSTATUS(status) == 1;
}

/* Its reader goes away: the writer is told as it always was. */
static void test_ends__are_handed_on(void **state)
{
	char byte, got[65];
	struct login s;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_pipes(&s, "exec yes");
	assert_int_equal(read(s.io, &byte, 1), 1);
	login_drop(&s);
	assert_true(is_told(login_wait(&s)));
	/* Its output ends, and it still reads. */
	login_pipes(&s, "exec >&- 2>&-; cat >/home/bvt-output/kept");
	assert_int_equal(
		exchange(s.io, (const unsigned char *)"kept\n", 5, got), 0);
	EXITED(login_wait(&s), 0);
	assert_int_equal(access("/home/bvt-output/kept", F_OK), 0);
	/* It ends, and does not read what comes. */
	login_pipes(&s, "exit 9");
	EXITED(login_wait(&s), 9);
	(void)exchange(s.io, blob(), 0, got);
	/* A signal is the status. */
	login_pipes(&s, "kill -KILL $$");
	assert_true(WIFSIGNALED(login_wait(&s)));
	assert_int_equal(WTERMSIG(s.call->status), SIGKILL);
	/* What stays in the background with the streams is waited for. */
	login_pipes(&s, "(sleep 0.3; echo late) & exit 0");
	EXITED(login_wait(&s), 0);
	assert_int_equal(exchange(s.io, NULL, 0, got), 5);
	login_end(&s);
	assert_int_equal(tapes(&s), 5);
	login_done(&s);
}

/* --- with one -------------------------------------------------------------- */

static void test_terminal__size_job_control_signals_status(void **state)
{
	const struct winsize other = { .ws_row = 44, .ws_col = 122 };
	struct login s;
	struct tape t;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_terminal(&s, "-bvisor-shell", "");
	SHOWS(&s, "This session is recorded.\r\n");
	types(&s, "PS1='ready> '\n"); /* typed while it starts */
	SHOWS(&s, "\nready> ");
	types(&s, "stty size; tty; ps -o tty= -p $$; shopt -q login_shell; "
		  "echo login=$?\n");
	SHOWS(&s, "login=0");
	assert_non_null(strstr(s.text, "33 111\r\n"));
	assert_null(strstr(s.text, s.call->terminal));
	SHOWS(&s, "\nready> ");
	types(&s, "sh -c 'echo on; exec sleep 411'\n");
	SHOWS(&s, "\non\r\n");
	assert_true(in_front("sleep 411"));
	types(&s, "\x1a");
	SHOWS(&s, "Stopped");
	SHOWS(&s, "\nready> ");
	types(&s, "fg\n");
	SHOWS(&s, "exec sleep 411'\r\n");
	assert_true(in_front("sleep 411"));
	types(&s, "\x03");
	SHOWS(&s, "\nready> ");
	types(&s, "echo status=$?\n");
	SHOWS(&s, "status=130");
	SHOWS(&s, "\nready> ");
	types(&s, "trap 'stty size' WINCH; echo trap\n");
	SHOWS(&s, "\ntrap\r\n");
	SHOWS(&s, "\nready> ");
	s.text_n = 0;
	assert_int_equal(ioctl(s.master, TIOCSWINSZ, &other), 0);
	types(&s, "\n");
	SHOWS(&s, "44 122");
	types(&s, "sh -c 'echo reads; exec cat'\n");
	SHOWS(&s, "\nreads\r\n");
	types(&s, "echoed\n");
	SHOWS(&s, "echoed\r\nechoed\r\n");
	types(&s, "\x03");
	SHOWS(&s, "\nready> ");
	types(&s, "stty -echo; echo secret; read x; stty echo\n");
	SHOWS(&s, "\nsecret\r\n");
	types(&s, "unseen-password\n");
	SHOWS(&s, "ready> ");
	types(&s, "exit 7\n");
	EXITED(login_wait(&s), 7);
	assert_true(shows(&s, NULL)); /* and the terminal is hung up */
	login_end(&s);
	tape_read(&s, 1, &t);
	assert_true(t.head.terminal);
	assert_int_equal(t.head.columns, 111);
	assert_int_equal(t.head.rows, 33);
	assert_int_equal(t.resizes, 1);
	assert_int_equal(t.n[BV_CAST_IN], 0);
	assert_non_null(strstr(t.text, "33 111"));
	assert_non_null(strstr(t.text, "echoed\r\nechoed\r\n"));
	assert_null(strstr(t.text, "unseen-password"));
	assert_observed(&s, "stream_captured", t.file_sha);
	assert_observed(&s, "streams_captured", "recordings 1, cut 0, lost 0");
	free(t.text);
	login_done(&s);
}

static void test_terminal__typed_input_only_when_asked_for(void **state)
{
	struct login s;
	struct tape t;

	(void)state;
	need_stage();
	login_open(&s, "bvt-all");
	login_terminal(&s, "bvisor-shell", "read -r line; echo got:$line");
	types(&s, "typed\n");
	SHOWS(&s, "got:typed");
	EXITED(login_wait(&s), 0);
	login_end(&s);
	tape_read(&s, 1, &t);
	assert_int_equal(t.n[BV_CAST_IN], 6);
	free(t.text);
	login_done(&s);
}

/* The client is gone: the shell is hung up. */
static void test_terminal__hang_up(void **state)
{
	struct login s;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_terminal(&s, "bvisor-shell", "echo here; exec sleep 300");
	SHOWS(&s, "here");
	login_drop(&s);
	assert_true(WIFSIGNALED(login_wait(&s)));
	assert_int_equal(WTERMSIG(s.call->status), SIGHUP);
	login_end(&s);
	login_done(&s);
}

/* Output that the shell leaves behind when it ends is shown to the last byte. */
static void test_terminal__last_output(void **state)
{
	struct login s;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	for (int i = 0; i < 5; i++) {
		login_terminal(&s, "bvisor-shell",
			       "seq 20000; echo the very end");
		assert_true(shows(&s, NULL));
		EXITED(login_wait(&s), 0);
		assert_non_null(strstr(s.text, "\n20000\r\nthe very end\r\n"));
	}
	login_end(&s);
	login_done(&s);
}

/* Output that goes to a file (root: su - user -c CMD >FILE), the rest to the
 * terminal. The worst bytes there are, as many as a pipe holds. */
static void test_terminal__and_a_file_beside_it(void **state)
{
	struct login s;
	struct stat st;
	struct tape t;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	snprintf(s.call->output, sizeof(s.call->output),
		 "/home/bvt-output/beside");
	login_terminal(&s, "bvisor-shell",
		       "echo asked >&2; read -r x; printf '\\377\\001%.0s' "
		       "$(seq 100000); echo $x");
	SHOWS(&s, "asked");
	types(&s, "answer\n");
	EXITED(login_wait(&s), 0);
	(void)shows(&s, NULL);
	login_end(&s);
	assert_int_equal(stat("/home/bvt-output/beside", &st), 0);
	assert_int_equal(st.st_size, 200007);
	tape_read(&s, 1, &t);
	assert_true(t.head.terminal);
	assert_int_equal(t.n[BV_CAST_ERR], 200007);
	assert_non_null(strstr(t.text, "asked\r\n"));
	free(t.text);
	login_done(&s);
}

#define UPON 60u /* launches */

/* --- several --------------------------------------------------------------- */

static void test_several__each_its_own_and_none_twice(void **state)
{
	char got[65];
	struct login s, other;
	struct tape t;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_pipes(&s, "read -r x; echo one:$x");
	eventually(tapes(&s) == 1); /* the numbers are in that order */
	other = s;
	other.io = other.error = -1;
	login_pipes(&other, "echo two; " SHELL " -c 'echo inner'; exit 5");
	assert_int_equal(exchange(other.io, NULL, 0, got), 10);
	EXITED(login_wait(&other), 5);
	assert_int_equal(write(s.io, "end\n", 4), 4);
	assert_int_equal(exchange(s.io, NULL, 0, got), 8);
	s.call->child = s.shell;
	EXITED(login_wait(&s), 0);
	login_drop(&other);
	login_end(&s);
	assert_int_equal(tapes(&s), 2); /* the inner one is in the second */
	tape_read(&s, 2, &t);
	assert_non_null(strstr(t.text, "two\ninner\n"));
	free(t.text);
	login_done(&s);
}

/* The end of one meets the beginning of the next: the guardian has both. */
static void test_one_upon_another__each_is_recorded(void **state)
{
	struct login s;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	for (unsigned int i = 0; i < UPON; i++) {
		login_pipes(&s, "echo x; exit 6");
		EXITED(login_wait(&s), 6);
	}
	login_end(&s);
	assert_int_equal(tapes(&s), UPON);
	assert_observed(&s, "streams_captured", "cut 0, lost 0");
	login_done(&s);
}

/* --- shown again ----------------------------------------------------------- */

/* bvisorctl replay: its status, and what it wrote. */
static int replay(const struct login *s, const char *number, const char *stream,
		  char ret[4096])
{
	char ctl[PATH_MAX];
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	snprintf(ctl, sizeof(ctl), "%s", env.helper);
	snprintf(strrchr(ctl, '/'), 16, "/bvisorctl");
	must(pipe(ends) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(ctl, "bvisorctl", "replay", "--stream", stream,
		      s->l.view->session, number, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((got = read(ends[0], ret + n, 4095 - n)) > 0)
		n += (size_t)got;
	ret[n] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void spoil(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char c;

	must(fd >= 0 && pread(fd, &c, 1, at) == 1, path);
	c ^= 1;
	must(pwrite(fd, &c, 1, at) == 1 && close(fd) == 0, path);
}

static void test_replay__what_was_sealed_and_nothing_else(void **state)
{
	char path[256], text[4096];
	struct login s;
	struct stat st;
	char got[65];

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_pipes(&s, "printf 'a\\377b'; echo wrong >&2");
	assert_int_equal(exchange(s.io, NULL, 0, got), 3);
	EXITED(login_wait(&s), 0);
	login_pipes(&s, "echo two");
	assert_int_equal(exchange(s.io, NULL, 0, got), 4);
	EXITED(login_wait(&s), 0);
	login_end(&s);
	EXITED(replay(&s, "1", "output", text), 0);
	assert_memory_equal(text, "a\377b", 4);
	EXITED(replay(&s, "1", "error", text), 0);
	assert_string_equal(text, "wrong\n");
	EXITED(replay(&s, "3", "output", text), 1);
	/* One byte of one recording: the other one is still good. */
	tape_path(&s, 1, path);
	assert_int_equal(stat(path, &st), 0);
	spoil(path, st.st_size - 6);
	EXITED(replay(&s, "1", "output", text), 1);
	assert_string_equal(text, "");
	EXITED(replay(&s, "2", "output", text), 0);
	assert_string_equal(text, "two\n");
	/* A manifest that says so instead. */
	snprintf(path, sizeof(path), STATE_DIR "/captures/%s/manifest",
		 s.l.view->session);
	spoil(path, 10);
	EXITED(replay(&s, "2", "output", text), 1);
	assert_string_equal(text, "");
	login_done(&s);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_hundred_megabytes__come_and_are_recorded_byte_by_byte),
		TEST(test_both_ways__half_closed_and_errors_apart),
		TEST(test_ends__are_handed_on),
		TEST(test_terminal__size_job_control_signals_status),
		TEST(test_terminal__typed_input_only_when_asked_for),
		TEST(test_terminal__hang_up),
		TEST(test_terminal__last_output),
		TEST(test_terminal__and_a_file_beside_it),
		TEST(test_several__each_its_own_and_none_twice),
		TEST(test_one_upon_another__each_is_recorded),
		TEST(test_replay__what_was_sealed_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
