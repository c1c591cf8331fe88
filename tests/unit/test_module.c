/* SPDX-License-Identifier: MIT */
/*
 * The module's own logic in a host process: what it answers to every kind of
 * guardian, and what the host can notice of it. The guardian is
 * tests/unit/fake_guardian.c; the witnesses are the kernel and what that fake
 * saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/module_call.h"

/* --- the object ------------------------------------------------------------- */

static void test_object__loads_at_once_and_shows_entry_points_only(void **state)
{
	static const char *const entries[] = {
		"pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt",
		"pam_sm_open_session", "pam_sm_close_session"
	};
	static const char *const hidden[] = { "bvp_spawn", "bvp_ask",
					      "bvp_commit", "bvp_decode_reply",
					      "pam_sm_chauthtok" };
	void *so = dlopen(BV_MODULE, RTLD_NOW | RTLD_LOCAL);

	(void)state;
	assert_non_null(so);
	for (size_t i = 0; i < LEN(entries); i++)
		assert_non_null(dlsym(so, entries[i]));
	for (size_t i = 0; i < LEN(hidden); i++)
		assert_null(dlsym(so, hidden[i]));
	dlclose(so);
}

/* --- verdicts ----------------------------------------------------------------- */

static void test_unconfined__everybody_in_silently(void **state)
{
	(void)state;
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_int_equal(call(SESSION, USER, 0), PAM_SUCCESS);
	assert_int_equal(call(SESSION, "root", 0), PAM_SUCCESS);
	assert_int_equal(heard->log_lines, 0);
	assert_int_equal(heard->user_lines, 0);
	assert_true(stage_log_has("request admit 0x0 [daemon] [bv] [pts/7] "
				  "[10.0.0.9] [mallory]\n"));
	assert_true(stage_log_has("request open 0x0 [root] [bv] "));
}

static void test_admitted_in_account__has_no_effect(void **state)
{
	(void)state;
	stage_mode("admit-account");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_false(stage_filter_is_on());
}

static void test_joined__in(void **state)
{
	(void)state;
	stage_mode("joined");
	assert_int_equal(call(SESSION, USER, 0), PAM_SUCCESS);
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
}

static void test_refused__by_name_root_too(void **state)
{
	static const char *const users[] = { USER, "root" };

	(void)state;
	stage_mode("refuse");
	for (size_t i = 0; i < LEN(users); i++) {
		assert_int_equal(call(ACCOUNT, users[i], 0), PAM_PERM_DENIED);
		assert_int_equal(call(SESSION, users[i], 0), PAM_SESSION_ERR);
		assert_int_equal(heard->log_lines, 1);
		assert_non_null(strstr(heard->log, "students.conf:7"));
		assert_string_equal(heard->user, "Not today.");
		assert_int_equal(heard->user_lines, 1);
	}
	stage_mode("refuse-mute");
	assert_int_equal(call(SESSION, USER, 0), PAM_SESSION_ERR);
	assert_int_equal(heard->user_lines, 1);
	assert_null(strstr(heard->user, "students"));
}

static void test_refused__quiet_and_silent_say_nothing_to_the_user(void **state)
{
	(void)state;
	stage_mode("refuse");
	assert_int_equal(call(SESSION, USER, PAM_SILENT), PAM_SESSION_ERR);
	assert_int_equal(heard->user_lines, 0);
	assert_int_equal(heard->log_lines, 1);
	stage_service("quiet");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_PERM_DENIED);
	assert_int_equal(heard->user_lines, 0);
	assert_int_equal(heard->log_lines, 1);
}

static void test_texts__cannot_reach_a_terminal_or_forge_a_line(void **state)
{
	(void)state;
	stage_mode("escape");
	assert_int_equal(call(SESSION, USER, 0), PAM_SESSION_ERR);
	assert_int_equal(heard->log_lines, 1);
	assert_non_null(strstr(heard->log, "a\\x1b[2J\\x0aroot logged "
					   "in\\xff%n%s"));
	heard->log[strlen(heard->log) - 1] = '\0'; /* our own end of line */
	for (const char *c = heard->log; *c != '\0'; c++)
		assert_in_range(*c, 0x20, 0x7e);
	for (const char *c = heard->user; *c != '\0'; c++)
		assert_in_range(*c, 0x20, 0x7e);
	assert_in_range(strlen(heard->log), 1, 1100);
}

/* --- faults ------------------------------------------------------------------- */

/* Others are refused and learn nothing; root gets in and the log says so. */
static void assert_fault(const char *what, const char *log)
{
	static const struct {
		enum which which;
		int rc;
	} rows[] = { { ACCOUNT, PAM_SYSTEM_ERR },
		     { SESSION, PAM_SESSION_ERR } };

	for (size_t i = 0; i < LEN(rows); i++) {
		int rc = call(rows[i].which, USER, 0);

		if (rc != rows[i].rc || heard->log_lines != 1 ||
		    heard->log_level != STAGE_ERR || heard->user_lines != 1 ||
		    strstr(heard->log, log) == NULL ||
		    strstr(heard->user, BV_STAGE) != NULL)
			fail_msg("%s: %d, %d lines: %s to the user: %s", what,
				 rc, heard->log_lines, heard->log, heard->user);
		rc = call(rows[i].which, "root", 0);
		if (rc != PAM_SUCCESS || heard->log_lines != 1 ||
		    heard->log_level != STAGE_CRIT || heard->user_lines != 0 ||
		    strstr(heard->log, "root is let in unconfined") == NULL ||
		    strstr(heard->log, log) == NULL)
			fail_msg("root, %s: %d, %d lines: %s", what, rc,
				 heard->log_lines, heard->log);
	}
}

static void test_guardian__that_misbehaves__refuses_all_but_root(void **state)
{
	static const struct {
		const char *mode;
		const char *log;
	} rows[] = {
		{ "fault", "no space left" },
		{ "exit", "the guardian ended" },
		{ "kill", "the guardian ended" },
		{ "empty", "the guardian ended" },
		{ "garbage", "Protocol error" },
		{ "garbage-first", "Protocol error" },
		{ "short", "Protocol error" },
		{ "long", "Protocol error" },
		{ "magic", "Protocol error" },
		{ "version", "Protocol error" },
		{ "type", "Protocol error" },
		{ "verdict", "Protocol error" },
		{ "huge", "Protocol error" },
		{ "other-uid", "Protocol error" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		stage_mode(rows[i].mode);
		assert_fault(rows[i].mode, rows[i].log);
	}
}

static void helper_missing(void)
{
	assert_int_equal(unlink(STAGE_HELPER), 0);
}
static void helper_link(void)
{
	helper_missing();
	assert_int_equal(symlink(BV_FAKE, STAGE_HELPER), 0);
}
static void helper_folder(void)
{
	helper_missing();
	assert_int_equal(mkdir(STAGE_HELPER, 0755), 0);
}
static void helper_group_writes(void)
{
	assert_int_equal(chmod(STAGE_HELPER, 0775), 0);
}
static void helper_others_write(void)
{
	assert_int_equal(chmod(STAGE_HELPER, 0757), 0);
}
static void helper_of_another(void)
{
	assert_int_equal(chown(STAGE_HELPER, 1, 0), 0);
}
static void helper_not_executable(void)
{
	assert_int_equal(chmod(STAGE_HELPER, 0644), 0);
}
static void helper_empty(void)
{
	assert_int_equal(truncate(STAGE_HELPER, 0), 0);
}

static void test_helper__not_as_it_must_be__refuses_all_but_root(void **state)
{
	static const struct {
		const char *what;
		void (*make)(void);
		const char *log;
	} rows[] = {
		{ "missing", helper_missing, "No such file" },
		{ "a link", helper_link, "root alone" },
		{ "a folder", helper_folder, "root alone" },
		{ "g+w", helper_group_writes, "root alone" },
		{ "o+w", helper_others_write, "root alone" },
		{ "owned by uid 1", helper_of_another, "root alone" },
		{ "not executable", helper_not_executable, "guardian ended" },
		{ "empty", helper_empty, "guardian ended" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		stage_reset();
		rows[i].make();
		assert_fault(rows[i].what, rows[i].log);
		assert_false(stage_log_has("pid"));
	}
}

static void count_alarm(int sig)
{
	(void)sig;
}

/* Interrupted all the time, and still on time. */
static void hang(unsigned int seconds)
{
	const long long deadline_ms =
		seconds > 0 ? seconds * 1000 : DEADLINE_MS;
	const struct sigaction sa = { .sa_handler = count_alarm };
	const struct itimerval often = { { 0, 7000 }, { 0, 7000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction before;
	long long start, took;
	int rc;

	stage_mode("hang");
	if (seconds > 0) {
		char word[32];

		snprintf(word, sizeof(word), "deadline=%u", seconds);
		stage_service(word);
	}
	assert_int_equal(sigaction(SIGALRM, &sa, &before), 0);
	start = now_ms();
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	rc = call(SESSION, USER, 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	took = now_ms() - start;
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(rc, PAM_SESSION_ERR);
	/* and not when the fake one gives up */
	assert_in_range(took, deadline_ms - 100, deadline_ms + 20000);
	assert_non_null(strstr(heard->log, "the deadline passed"));
	assert_true(stage_is_empty()); /* the kernel says so: it was killed */

	assert_int_equal(call(ACCOUNT, "root", 0), PAM_SUCCESS);
	assert_int_equal(heard->log_level, STAGE_CRIT);
}

static void test_guardian__that_hangs__killed_at_the_deadline(void **state)
{
	(void)state;
	hang(0);
}

static void test_guardian__that_hangs__at_the_deadline_of_the_line(void **state)
{
	(void)state;
	hang(4);
}

static void open_as_uid_1(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);

	(void)arg;
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS); /* loads it as root */
	NEED(setresuid(1, 1, 1) == 0);
	NEED(pam_open_session(pamh, 0) == PAM_SESSION_ERR);
	NEED(strstr(heard->log, "not root's") != NULL);
}

static void test_host__that_is_not_root__told_why(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_as_uid_1, NULL), 0);
}

/* --- arguments ---------------------------------------------------------------- */

static void test_unknown_user__not_asked_about(void **state)
{
	(void)state;
	assert_int_equal(call(ACCOUNT, "no-such-user", 0), PAM_USER_UNKNOWN);
	assert_int_equal(call(SESSION, "no-such-user", 0), PAM_USER_UNKNOWN);
	assert_false(stage_log_has("pid"));
}

static void test_auth__neither_helps_nor_harms(void **state)
{
	pam_handle_t *pamh = stage_start(USER);

	(void)state;
	assert_non_null(pamh);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_SERVICE, "bv-auth"),
			 PAM_SUCCESS);
	pam_end(pamh, 0);
	assert_false(stage_log_has("pid"));
}

/* --- what the host can notice --------------------------------------------------- */

static volatile sig_atomic_t chld_seen;

static void count_chld(int sig)
{
	(void)sig;
	chld_seen++;
}

static void open_with_handler(const void *arg)
{
	const struct sigaction sa = { .sa_handler = count_chld };
	pam_handle_t *pamh;
	sigset_t usr1;
	struct host before;

	(void)arg;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
	NEED(sigaction(SIGCHLD, &sa, NULL) == 0);
	(void)umask(027);
	NEED(chdir("/usr/lib") == 0);
	pamh = stage_start(USER);
	host_look(&before);
	for (int i = 0; i < 20; i++) {
		NEED(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS);
		NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
		NEED(pam_close_session(pamh, 0) == PAM_SUCCESS);
	}
	NEED(host_compare(&before, 0) == NULL);
	NEED(chld_seen == 0);
}

static void test_host__hears_no_child(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_with_handler, NULL), 0);
}

/* cron waits for any child; with SIGCHLD ignored the kernel reaps. */
static void open_beside_a_child(const void *arg)
{
	pam_handle_t *pamh = stage_start(USER);
	int status;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (pid == 0)
		_exit(7);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(wait(&status) == pid && WEXITSTATUS(status) == 7);
	NEED(wait(&status) == -1 && errno == ECHILD);
	signal(SIGCHLD, SIG_IGN);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
	NEED(waitpid(-1, &status, __WALL) == -1 && errno == ECHILD);
}

static void test_host__waits_for_its_own_children_only(void **state)
{
	(void)state;
	assert_int_equal(in_child(open_beside_a_child, NULL), 0);
}

/* The soft one: to raise a hard limit is not every build machine's right. */
static void limit(__rlimit_resource_t resource, rlim_t to)
{
	struct rlimit r;

	NEED(getrlimit(resource, &r) == 0);
	r.rlim_cur = to;
	NEED(setrlimit(resource, &r) == 0);
}

/* A host in disorder, as pam_limits and su leave it behind. */
static void open_in_disorder(const void *arg)
{
	pam_handle_t *pamh;
	sigset_t all;
	gid_t group = 12;

	(void)arg;
	for (int i = 0; i < 20; i++)
		NEED(dup(2) >= 0); /* not close-on-exec */
	NEED(setgroups(1, &group) == 0);
	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_FSIZE, 4096);
	limit(RLIMIT_CPU, 64);
	limit(RLIMIT_CORE, 1 << 20);
	NEED(setpriority(PRIO_PROCESS, 0, 5) == 0);
	NEED(chdir("/usr") == 0);
	(void)umask(0);
	sigfillset(&all);
	NEED(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	setenv("LD_LIBRARY_PATH", "/nowhere", 1);
	setenv("BV_HELPER_PATH", "/bin/false", 1);
	pamh = stage_start(USER);
	NEED(setresuid(1, 0, 0) == 0);
	close(0); /* the control socket will be among 0-2 */
	close(1);
	NEED(pam_open_session(pamh, 0) == PAM_SUCCESS);
}

static void test_guardian__starts_clean_whatever_the_host_is(void **state)
{
	static const char *const seen[] = {
		"sid 1\n",
		"args bvisor-helper guard\n",
		"env PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
		"cwd /\n",
		"signals 0 0\n",
		"null 3\n",
		"ids 0 0 0 0 groups 0\n",
		"nofile 1024\n",
		"fsize 1\n",
		"cpu 1\n",
		"core 0\n",
		"nice 0\n",
		"umask 077\n",
		"fds 0 1 2 3\n",
		"request open ",
	};
	char log[8192];

	(void)state;
	assert_int_equal(in_child(open_in_disorder, NULL), 0);
	for (size_t i = 0; i < LEN(seen); i++) {
		if (!stage_log_has(seen[i]))
			fail_msg("not seen: %s in%s", seen[i],
				 stage_log(log, sizeof(log)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_object__loads_at_once_and_shows_entry_points_only),
		TEST(test_unconfined__everybody_in_silently),
		TEST(test_admitted_in_account__has_no_effect),
		TEST(test_joined__in),
		TEST(test_refused__by_name_root_too),
		TEST(test_refused__quiet_and_silent_say_nothing_to_the_user),
		TEST(test_texts__cannot_reach_a_terminal_or_forge_a_line),
		TEST(test_guardian__that_misbehaves__refuses_all_but_root),
		TEST(test_helper__not_as_it_must_be__refuses_all_but_root),
		TEST(test_guardian__that_hangs__killed_at_the_deadline),
		TEST(test_guardian__that_hangs__at_the_deadline_of_the_line),
		TEST(test_host__that_is_not_root__told_why),
		TEST(test_unknown_user__not_asked_about),
		TEST(test_auth__neither_helps_nor_harms),
		TEST(test_host__hears_no_child),
		TEST(test_host__waits_for_its_own_children_only),
		TEST(test_guardian__starts_clean_whatever_the_host_is),
	};

	return cmocka_run_group_tests(tests, stage_build, NULL);
}
