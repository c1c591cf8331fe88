/* SPDX-License-Identifier: MIT */
/*
 * Nobody goes on unrecorded: not past the recorder, not without it, not when
 * there is no room; each attacked in a real session of this kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/capture_stage.h"

/* A process of the session's other channel waits for the new terminal, by its
 * name, and keeps it open. */
#define LURK(path)                                                             \
	"import os, time\n"                                                    \
	"open('/home/bvt-output/lurks', 'w').close()\n"                        \
	"while True:\n"                                                        \
	"  try: fd = os.open('" path "', os.O_RDWR | os.O_NOCTTY); break\n"    \
	"  except OSError: pass\n"                                             \
	"open('/home/bvt-output/held', 'w').close()\n"                         \
	"while not os.path.exists('/home/bvt-output/now'): time.sleep(.01)\n"  \
	"r = ''\n"                                                             \
	"try: os.write(fd, b'PAST THE RECORDER'); r += 'wrote '\n"             \
	"except OSError: r += 'cut '\n"                                        \
	"try: os.open('" path "', os.O_RDWR | os.O_NOCTTY); r += 'opened'\n"   \
	"except OSError: r += 'busy'\n"                                        \
	"open('/home/bvt-output/try', 'w').write(r)\n"                         \
	"os.rename('/home/bvt-output/try', '/home/bvt-output/tried')\n"

static void test_terminal__nobody_else_has_it(void **state)
{
	char command[2048], said[64] = "";
	struct login s, lurker;
	FILE *f;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	/* The name it will have. */
	s.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(grantpt(s.master) == 0 && unlockpt(s.master) == 0);
	snprintf(s.call->terminal, sizeof(s.call->terminal), "%s",
		 ptsname(s.master));
	assert_true(chown(s.call->terminal, 0, 0) == 0);
	assert_true(chmod(s.call->terminal, 0600) == 0);
	lurker = s;
	lurker.master = -1;
	snprintf(command, sizeof(command), "exec python3 -c \"$LURK\"");
	f = fopen("/home/bin/lurk.py", "we");
	assert_non_null(f);
	snprintf(command, sizeof(command), LURK("%s"), s.call->terminal,
		 s.call->terminal);
	assert_true(fputs(command, f) >= 0 && fclose(f) == 0);
	snprintf(said, sizeof(said), "%s", s.call->terminal);
	login_pipes(&lurker, "exec python3 /home/bin/lurk.py");
	eventually(access("/home/bvt-output/lurks", F_OK) == 0);
	/* It becomes the user's, as sshd makes it, and the other one has it. */
	snprintf(s.call->terminal, sizeof(s.call->terminal), "%s", said);
	assert_true(chown(said, s.call->uid, s.call->uid) == 0);
	eventually(access("/home/bvt-output/held", F_OK) == 0);
	types(&s, "typed before it began\n");
	login_call(&s, "bvisor-shell",
		   "echo begun; read -r line; echo line:$line; read -r line");
	SHOWS(&s, "line:typed before it began");
	write_file("/home/bvt-output/now", "");
	eventually(access("/home/bvt-output/tried", F_OK) == 0);
	f = fopen("/home/bvt-output/tried", "re");
	said[0] = '\0';
	assert_non_null(f);
	(void)!fgets(said, sizeof(said), f);
	fclose(f);
	assert_string_equal(said, "cut busy");
	types(&s, "\n");
	EXITED(login_wait(&s), 0);
	(void)shows(&s, NULL);
	assert_null(strstr(s.text, "PAST THE RECORDER"));
	login_drop(&lurker);
	login_end(&s);
	login_done(&s);
}

/* The recorder of a launch, by its name, its parent and the order. */
static pid_t recorder_of(const struct login *s)
{
	const pid_t guardian = guardian_of(&s->l);
	DIR *dir = opendir("/proc");
	pid_t found = 0;

	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		const pid_t pid = (pid_t)atoi(e->d_name);

		if (pid > 0 && !is_dead(pid) &&
		    status_value(pid, "PPid") == (uint64_t)guardian &&
		    is_running(pid, "bvisor-record"))
			found = pid;
	}
	closedir(dir);
	assert_true(found > 0); /* kill(2) takes 0 for all of us */
	return found;
}

static void test_recorder__has_no_rights_and_is_not_the_users(void **state)
{
	char got[PATH_MAX], byte;
	struct login s;
	pid_t pid;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_pipes(&s, "echo x; kill -KILL $(pgrep bvisor-record); "
			"grep -c . /proc/$(pgrep bvisor-record)/environ; "
			"exec sleep 300");
	assert_int_equal(read(s.io, &byte, 1), 1);
	eventually(is_running(s.shell, "sleep"));
	pid = recorder_of(&s);
	assert_true(pid > 0);
	assert_false(in_leaf(&s.l, pid));
	cgroup_of(pid, got);
	assert_non_null(strstr(got, "/guardians"));
	assert_int_equal(status_value(pid, "Seccomp"), 2);
	assert_int_equal(status_value(pid, "NoNewPrivs"), 1);
	assert_int_equal(status_value(pid, "CapEff"), 0);
	assert_int_equal(status_value(pid, "CapPrm"), 0);
	assert_int_equal(status_value(pid, "Uid"), 0); /* the real one */
	login_drop(&s);
	kill(s.shell, SIGKILL);
	(void)login_wait(&s);
	login_end(&s);
	login_done(&s);
}

static void test_recorder_killed__the_launch_ends(void **state)
{
	char got[65], byte;
	struct login s;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	/* One that takes no notice of its streams or of a hang-up. */
	login_pipes(&s, "echo x; trap '' HUP PIPE; exec sleep 300");
	assert_int_equal(read(s.io, &byte, 1), 1);
	eventually(is_running(s.shell, "sleep"));
	kill(recorder_of(&s), SIGKILL);
	assert_true(WIFSIGNALED(login_wait(&s)));
	(void)exchange(s.io, NULL, 0, got);
	login_terminal(&s, "bvisor-shell", "trap '' HUP; echo here; sleep 300");
	SHOWS(&s, "here");
	kill(recorder_of(&s), SIGKILL);
	assert_true(WIFSIGNALED(login_wait(&s)));
	assert_true(shows(&s, NULL));
	login_end(&s);
	assert_observed(&s, "streams_captured", "lost 2");
	login_done(&s);
}

static void test_guardian_killed__no_stream_is_left(void **state)
{
	char got[65], byte;
	struct login s;
	pid_t recorder;

	(void)state;
	need_stage();
	login_open(&s, "bvt-output");
	login_pipes(&s, "echo x; while :; do echo y; sleep 0.01; done");
	assert_int_equal(read(s.io, &byte, 1), 1);
	recorder = recorder_of(&s);
	kill(guardian_of(&s.l), SIGKILL);
	/* Before the streams are read: one that lives on has no end to wait for. */
	eventually(is_dead(recorder));
	(void)exchange(s.io, NULL, 0, got);
	(void)login_wait(&s);
	/* And no new launch. */
	login_pipes(&s, "echo ran");
	EXITED(login_wait(&s), 254);
	kill(s.l.pid, SIGKILL);
	login_drop(&s);
	bvh_close(&s.listener);
	leader_done(&s.l);
	free(s.text);
	swept_by_the_next(s.l.pid);
	munmap(s.call, sizeof(*s.call));
}

static void test_full__the_launch_ends(void **state)
{
	char got[65];
	struct login s;
	struct tape t;
	size_t n;

	(void)state;
	need_stage();
	(void)blob();
	login_open(&s, "bvt-small");
	login_pipes(&s, "trap '' PIPE HUP; cat " BLOB "; sleep 300");
	n = exchange(s.io, NULL, 0, got);
	assert_true(n <= 65536);
	assert_true(WIFSIGNALED(login_wait(&s)));
	/* Nothing was shown that is not recorded. */
	tape_read(&s, 1, &t);
	assert_int_equal(t.n[BV_CAST_OUT], n);
	assert_string_equal(t.sha[BV_CAST_OUT], got);
	free(t.text);
	/* A terminal is told; small writes leave no room at all. */
	login_terminal(&s, "bvisor-shell", "while :; do echo line; done");
	SHOWS(&s, "The recording of this session is full");
	(void)shows(&s, NULL);
	(void)login_wait(&s);
	login_end(&s);
	assert_observed(&s, "streams_captured", "cut 2, lost 0");
	login_done(&s);
}

static void test_full__goes_on_when_the_policy_says_so(void **state)
{
	char got[65];
	struct login s;
	struct tape t;

	(void)state;
	need_stage();
	(void)blob();
	login_open(&s, "bvt-goes");
	login_pipes(&s, "cat " BLOB);
	assert_int_equal(exchange(s.io, NULL, 0, got), BLOB_N);
	EXITED(login_wait(&s), 0);
	login_end(&s);
	tape_read(&s, 1, &t);
	assert_true(t.n[BV_CAST_OUT] <= 65536 && t.file_n <= 65536);
	assert_observed(&s, "streams_captured", "cut 1");
	free(t.text);
	login_done(&s);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_terminal__nobody_else_has_it),
		TEST(test_recorder__has_no_rights_and_is_not_the_users),
		TEST(test_recorder_killed__the_launch_ends),
		TEST(test_guardian_killed__no_stream_is_left),
		TEST(test_full__the_launch_ends),
		TEST(test_full__goes_on_when_the_policy_says_so),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
