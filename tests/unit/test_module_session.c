/* SPDX-License-Identifier: MIT */
/*
 * The module's sessions: what a commit binds, what it does when one breaks, and
 * who may close what. The guardian is tests/unit/fake_guardian.c; the witnesses
 * are the kernel and what that fake saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/module_stage.h"

#define USER       "daemon"
#define LEN(a)     (sizeof(a) / sizeof((a)[0]))
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)

static volatile sig_atomic_t chld_seen;

static void count_chld(int sig)
{
	(void)sig;
	chld_seen++;
}

/* --- the commit ----------------------------------------------------------------- */

static unsigned long inode(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (unsigned long)st.st_ino : 0;
}

static bool status_has(const char *line)
{
	char text[4096] = "";
	const int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strstr(text, line) != NULL;
}

static bool can_open(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_bound(void)
{
	errno = 0;
	return !can_open(STAGE_SECRET) && errno == EACCES &&
	       can_open(BV_STAGE "/pub/mode") && stage_filter_is_on() &&
	       status_has("\nNoNewPrivs:\t1\n") &&
	       status_has("\nSeccomp:\t2\n");
}

static void admit(const void *arg)
{
	const struct sigaction sa = { .sa_handler = count_chld };
	struct host before;
	pam_handle_t *pamh = stage_start(USER);
	const unsigned long net = inode("/proc/self/ns/net");
	const unsigned long mnt = inode("/proc/self/ns/mnt");
	int status;
	pid_t pid;

	(void)arg;
	NEED(chdir("/usr/lib") == 0);
	NEED(sigaction(SIGCHLD, &sa, NULL) == 0);
	NEED(can_open(STAGE_SECRET) && !stage_filter_is_on());
	host_look(&before);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(host_compare(&before, 1) == NULL);
	NEED(chld_seen == 0);
	NEED(heard->log_lines == 0 && heard->user_lines == 0);
	NEED(is_bound());
	NEED(inode("/proc/self/ns/net") == stage_log_number("net"));
	NEED(inode("/proc/self/ns/mnt") == stage_log_number("mnt"));
	NEED(inode("/proc/self/ns/net") != net);
	NEED(inode("/proc/self/ns/mnt") != mnt);
	NEED(access(STAGE_COVER, F_OK) != 0);
	NEED(stage_log_has("committed 0x100\n")); /* the trial was denied */
	pid = fork();
	if (pid == 0)
		_exit(is_bound() ? 0 : 1);
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
	NEED(!stage_log_has("close"));
	NEED(pam_close_session(pamh, PAM_SILENT) == PAM_SUCCESS);
	NEED(stage_log_has("close\n"));
	NEED(host_compare(&before, 0) == NULL);
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS); /* nothing to do */
	NEED(pam_end(pamh, 0) == PAM_SUCCESS);
	NEED(host_compare(&before, 0) == NULL);
}

static void test_admitted__binds_this_process_and_its_children(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(admit, NULL), 0);
}

static void admit_in_a_covered_folder(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	char cwd[64];

	(void)arg;
	NEED(chdir(STAGE_COVER) == 0);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(getcwd(cwd, sizeof(cwd)) != NULL && strcmp(cwd, "/") == 0);
}

static void test_admitted__a_folder_that_is_gone_becomes_the_root(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(admit_in_a_covered_folder, NULL), 0);
}

static void admit_with_listener(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	const int fds = host_count_fds();

	(void)arg;
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(host_count_fds() == fds + 1);
	NEED(stage_log_has("listener anon_inode:seccomp notify\n"));
	NEED(is_bound());
}

static void test_admitted__the_listener_goes_to_the_guardian(void **state)
{
	(void)state;
	stage_mode("listener");
	assert_int_equal(in_child(admit_with_listener, NULL), 0);
}

static void admit_open_trial(const void *arg)
{
	(void)arg;
	NEED(pam_open_session(stage_start(USER), 0) == PAM_SUCCESS);
	NEED(stage_log_has("committed 0x0\n"));
}

static void test_trial__that_opens_is_told_to_the_guardian(void **state)
{
	(void)state;
	stage_mode("open-trial");
	assert_int_equal(in_child(admit_open_trial, NULL), 0);
}

static void *idle(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void admit_with_thread(const void *arg)
{
	struct host before;
	pam_handle_t *pamh = stage_start(USER);
	pthread_t thread;

	(void)arg;
	NEED(pthread_create(&thread, NULL, idle, NULL) == 0);
	host_look(&before);
	NEED(pam_open_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(host_compare(&before, 0) == NULL);
	NEED(strstr(heard->log, "threads") != NULL);
	NEED(!stage_filter_is_on() && can_open(STAGE_SECRET));
}

static void test_host__with_threads__refused_untouched(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(admit_with_thread, NULL), 0);
}

struct broken {
	const char *mode;
	const char *log;
	bool root_in; /* nothing was entered: root is let in */
};

static void commit_breaks(const void *arg)
{
	const struct broken *b = arg;
	pam_handle_t *pamh = stage_start(USER);
	struct host before;

	host_look(&before);
	NEED(pam_open_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(host_compare(&before, 0) == NULL);
	NEED(heard->log_lines == 1 && heard->user_lines == 1);
	NEED(strstr(heard->log, b->log) != NULL);
	NEED(b->root_in != (strstr(heard->log, "stays confined") != NULL ||
			    strncmp(b->mode, "attest", 6) == 0));
	(void)pam_close_session(pamh, 0); /* libpam's word, not the module's */
	NEED(pam_end(pamh, PAM_SESSION_ERR) == PAM_SUCCESS);
	NEED(host_compare(&before, 0) == NULL);
}

static void commit_breaks_for_root(const void *arg)
{
	const struct broken *b = arg;

	memset(heard, 0, sizeof(*heard));
	NEED(pam_open_session(stage_start("root"), 0) ==
	     (b->root_in ? PAM_SUCCESS : PAM_SESSION_ERR));
	NEED(!b->root_in || !stage_filter_is_on());
}

static void test_commit__that_breaks__refuses(void **state)
{
	static const struct broken rows[] = {
		{ "no-fds", "Protocol error", true },
		{ "few-fds", "Protocol error", true },
		{ "more-fds", "Protocol error", true },
		{ "many-fds", "Protocol error", true },
		{ "no-ruleset", "Protocol error", true },
		{ "wrong-netns", "network namespace", false },
		{ "wrong-mntns", "mount namespace", false },
		{ "wrong-ruleset", "landlock", false },
		{ "no-filter", "seccomp", false },
		{ "wrong-filter", "seccomp", false },
		{ "attest-exit", "the guardian ended", false },
		{ "attest-refused", "another namespace", false },
		{ "attest-fault", "no trial", false },
		{ "attest-unconfined", "Protocol error", false },
		{ "attest-closed", "Protocol error", false },
		{ "attest-hang", "the deadline passed", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		stage_reset();
		stage_mode(rows[i].mode);
		if (in_child(commit_breaks, &rows[i]) != 0 ||
		    in_child(commit_breaks_for_root, &rows[i]) != 0)
			fail_msg("%s", rows[i].mode);
		assert_true(stage_is_empty());
	}
}

/* --- more than one open ---------------------------------------------------------- */

static void open_twice(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	struct host before;

	(void)arg;
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	host_look(&before);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(stage_log_has("second open\n")); /* the same guardian */
	NEED(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS);
	NEED(stage_log_has("second admit\n"));
	stage_mode("second-refused");
	NEED(pam_open_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(strstr(heard->log, "another plan") != NULL);
	stage_mode("second-admitted"); /* cannot be */
	NEED(pam_open_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(host_compare(&before, 0) == NULL);
	stage_mode("joined");
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
	NEED(!stage_log_has("close"));
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
	NEED(stage_log_has("close\n"));
	NEED(host_compare(&before, -1) == NULL);
}

static void test_second_open__counted_and_closed_once(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(open_twice, NULL), 0);
}

/* su inside a session: another handle, and the filter's clone3 is ENOSYS. */
static void open_inside(const void *arg)
{
	pam_handle_t *outer = stage_start(USER), *inner;
	struct host before;

	(void)arg;
	NEED(pam_open_session(outer, 0) == PAM_SUCCESS);
	stage_mode("joined");
	inner = stage_start("nobody");
	NEED(inner != NULL);
	host_look(&before);
	NEED(pam_open_session(inner, 0) == PAM_SUCCESS);
	NEED(pam_close_session(inner, 0) == PAM_SUCCESS);
	NEED(!stage_log_has("close"));
	NEED(pam_end(inner, 0) == PAM_SUCCESS);
	NEED(host_compare(&before, 0) == NULL);
	NEED(pam_close_session(outer, 0) == PAM_SUCCESS);
	NEED(stage_log_has("close\n"));
}

static void test_open__inside_a_boundary__asks_another_guardian(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(open_inside, NULL), 0);
}

/* --- forked copies of the handle ---------------------------------------------------- */

static void close_in_copy(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	const int fds = host_count_fds();
	int fd = -1, status;
	pid_t pid;

	(void)arg;
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(host_count_fds() == fds + 1);
	for (int i = 3; i < 64 && fd < 0; i++) {
		struct stat st;

		if (fstat(i, &st) == 0 && S_ISSOCK(st.st_mode))
			fd = i;
	}
	NEED(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
		/* its number is another file's by now */
		NEED(dup2(2, fd) == fd);
		NEED(pam_end(pamh, PAM_SUCCESS) == PAM_SUCCESS);
		NEED(fcntl(fd, F_GETFD) >= 0);
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
	NEED(!stage_log_has("close"));
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
	NEED(stage_log_has("close\n"));
}

static void test_forked_copy__closes_nothing(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(close_in_copy, NULL), 0);
}

static void end_without_close(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	const int fds = host_count_fds();

	(void)arg;
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(pam_end(pamh, 0) == PAM_SUCCESS);
	NEED(host_count_fds() == fds);
	NEED(!stage_log_has("close")); /* the guardian watches us */
}

static void test_end__without_close__only_lets_go(void **state)
{
	(void)state;
	stage_mode("admit");
	assert_int_equal(in_child(end_without_close, NULL), 0);
	assert_true(stage_is_empty());
	assert_true(stage_log_has("eof\n"));
}

/* --- a close that is not answered ----------------------------------------------------- */

static void close_unanswered(const void *arg)
{
	const struct broken *b = arg;
	pam_handle_t *pamh = stage_start(USER);
	const int fds = host_count_fds();

	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	stage_mode(b->mode);
	NEED(pam_close_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(heard->log_lines == 1 && heard->user_lines == 0);
	NEED(strstr(heard->log, b->log) != NULL);
	NEED(host_count_fds() == fds);
	NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
}

static void test_close__not_answered__is_an_error_once(void **state)
{
	static const struct broken rows[] = {
		{ "close-exit", "the guardian ended", false },
		{ "close-garbage", "Protocol error", false },
		{ "close-hang", "the deadline passed", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		stage_reset();
		stage_mode("admit");
		if (in_child(close_unanswered, &rows[i]) != 0)
			fail_msg("%s", rows[i].mode);
	}
	/* the last one hangs: not ours to kill any more, but this test's */
	assert_false(stage_is_empty());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_admitted__binds_this_process_and_its_children),
		TEST(test_admitted__a_folder_that_is_gone_becomes_the_root),
		TEST(test_admitted__the_listener_goes_to_the_guardian),
		TEST(test_trial__that_opens_is_told_to_the_guardian),
		TEST(test_host__with_threads__refused_untouched),
		TEST(test_commit__that_breaks__refuses),
		TEST(test_second_open__counted_and_closed_once),
		TEST(test_open__inside_a_boundary__asks_another_guardian),
		TEST(test_forked_copy__closes_nothing),
		TEST(test_end__without_close__only_lets_go),
		TEST(test_close__not_answered__is_an_error_once),
	};

	return cmocka_run_group_tests(tests, stage_build, NULL);
}
