/* SPDX-License-Identifier: MIT */
/*
 * bvisor-shell in a real session of this kernel: a guardian, a leader inside,
 * and the user's shell started by it. What it became is read from /proc by the
 * host and told by the workload itself; the two must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/shell_stage.h"

#include "helper/admission.h"

/* --- environment ----------------------------------------------------------- */

/* Channel A: /proc/PID/environ, read by the host. Channel B: env(1)'s word. */
static void
test_child_env_equals_the_admitted_table_with_no_ambient_leak(void **state)
{
	static const char want[] = "PATH=/usr/bin:/bin\0MARK=exact value\0"
				   "EMPTY=\0TOKEN=" TOKEN;
	char got[4096];
	struct session s;
	size_t n;

	(void)state;
	need_stage();
	session_open(&s, "bvt-env");
	session_start(&s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s.errand->child, "sleep"));
	n = read_proc(s.errand->child, "environ", got, sizeof(got));
	/* dash adds PWD to what it executes; nothing else may be there. */
	assert_true(n >= sizeof(want));
	for (size_t at = 0; at < n; at += strlen(got + at) + 1) {
		bool admitted = strncmp(got + at, "PWD=", 4) == 0;

		for (size_t w = 0; w < sizeof(want); w += strlen(want + w) + 1)
			admitted |= strcmp(got + at, want + w) == 0;
		if (!admitted)
			fail_msg("'%s' was not admitted", got + at);
	}
	kill(s.errand->child, SIGKILL);
	assert_true(WIFSIGNALED(session_wait(&s)));

	EXITED(session_run(&s, "exec env"), 0);
	SAYS(&s, "MARK=exact value\n");
	SAYS(&s, "EMPTY=\n");
	SAYS(&s, "TOKEN=" TOKEN "\n");
	assert_null(strstr(s.out, "SENTINEL"));
	assert_null(strstr(s.out, "LD_PRELOAD"));
	assert_null(strstr(s.out, "ambient"));
	session_end(&s);
}

static bool file_holds(const char *path, const char *text)
{
	char *buf = calloc(1, 1 << 20);
	FILE *f = fopen(path, "re");
	size_t n = f == NULL ? 0 : fread(buf, 1, (1 << 20) - 1, f);
	bool held = memmem(buf, n, text, strlen(text)) != NULL;

	if (f != NULL)
		fclose(f);
	free(buf);
	return held;
}

/* The bytes that the plan's id is the digest of. */
static char *admitted_plan(const char *user)
{
	const struct bvh_login login = { user, "sshd", "", "", false };
	struct bvh_admission *a = calloc(1, sizeof(*a));
	char *json = NULL;

	assert_non_null(a);
	bvh_admission_init(a);
	assert_int_equal(bvh_admit(BVH_CONFIG_DIR, &login, "none", a, NULL),
			 BV_OK);
	assert_int_equal(a->decision, BVH_DECIDE_ADMIT);
	assert_int_equal(bv_plan_encode(&a->plan, &json, NULL), BV_OK);
	bvh_admission_done(a);
	free(a);
	return json;
}

static void
test_a_secret_lease_resolves_but_the_durable_plan_and_report_carry_only_the_ref(
	void **state)
{
	char record[256];
	char live[256];
	struct session s;
	char *plan;

	(void)state;
	need_stage();
	plan = admitted_plan("bvt-env");
	assert_non_null(strstr(plan, "child-token"));
	assert_null(strstr(plan, TOKEN));
	free(plan);
	session_open(&s, "bvt-env");
	EXITED(session_run(&s, "test \"$TOKEN\" = '" TOKEN "'"), 0);
	snprintf(record, sizeof(record), STATE_DIR "/sessions/%s.json",
		 s.l.view->session);
	snprintf(live, sizeof(live), RUN_DIR "/sessions/%s.json",
		 s.l.view->session);
	assert_false(file_holds(record, TOKEN));
	assert_false(file_holds(live, TOKEN));
	session_end(&s);
	assert_false(file_holds(record, TOKEN));
	/* The witness can see: the value stands where it may. */
	assert_true(file_holds(SECRETS "/child-token", TOKEN));
}

static void assert_never_runs(const char *user)
{
	struct session s;
	char ran[64];

	session_open(&s, user);
	EXITED(session_run(&s, "touch ~/ran; echo ran"), 254);
	SAYS(&s, "bvisor-shell: ");
	SAYS(&s, "nothing was run");
	assert_null(strstr(s.out, "lease")); /* inner details are the log's */
	assert_null(strstr(s.out, TOKEN));
	snprintf(ran, sizeof(ran), "/home/%s/ran", user);
	assert_int_equal(access(ran, F_OK), -1);
	session_end(&s);
}

static void
test_an_unresolvable_lease_fails_closed_and_the_target_never_runs(void **state)
{
	(void)state;
	need_stage();
	assert_never_runs("bvt-lost");
}

static void test_a_lease_that_others_may_read_is_none(void **state)
{
	(void)state;
	need_stage();
	assert_never_runs("bvt-loose");
}

/* --- descriptors ----------------------------------------------------------- */

static size_t open_fds(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return count_dir(path, "");
}

static void test_fds_none__the_three_streams_alone(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-env");
	session_start(&s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s.errand->child, "sleep"));
	eventually(open_fds(s.errand->child) == 3); /* ld.so is done */
	assert_false(fd_is_open(s.errand->child, LEAK_FD, NULL));
	assert_false(fd_is_open(s.errand->child, KEPT_FD, NULL));
	kill(s.errand->child, SIGKILL);
	(void)session_wait(&s);
	EXITED(session_run(&s, "(: <&7) 2>/dev/null && exit 1; exit 0"), 0);
	session_end(&s);
}

static void test_fds_only__the_kept_one_and_no_other(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-fds");
	session_start(&s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s.errand->child, "sleep"));
	eventually(open_fds(s.errand->child) == 4); /* ld.so is done */
	assert_true(fd_is_open(s.errand->child, KEPT_FD, "/etc/passwd"));
	assert_false(fd_is_open(s.errand->child, LEAK_FD, NULL));
	assert_false(fd_is_open(s.errand->child, 9, NULL));
	kill(s.errand->child, SIGKILL);
	(void)session_wait(&s);
	EXITED(session_run(&s, "read line <&7 && test -n \"$line\""), 0);
	session_end(&s);
}

static void test_fds_unstated__come_through(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	session_start(&s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s.errand->child, "sleep"));
	/* The control of the two tests above: there was something to close. */
	assert_true(fd_is_open(s.errand->child, LEAK_FD, "/etc/hostname"));
	eventually(open_fds(s.errand->child) == 5); /* ld.so is done */
	kill(s.errand->child, SIGKILL);
	(void)session_wait(&s);
	EXITED(session_run(&s, "exec env"), 0);
	SAYS(&s, SENTINEL "\n");
	session_end(&s);
}

/* --- new tasks ------------------------------------------------------------- */

#define PYTHON(code)                                                           \
	"exec python3 -c \"\nimport os, ctypes, threading\n" code "\""

/* Each way to a process, by its own system call. */
#define WAYS                                                                   \
	"c = ctypes.CDLL(None, use_errno=True)\n"                              \
	"def refused(f):\n"                                                    \
	"    try:\n"                                                           \
	"        r = f()\n"                                                    \
	"    except PermissionError:\n"                                        \
	"        return\n"                                                     \
	"    if r == 0: os._exit(99)\n"                                        \
	"    assert r == -1 and ctypes.get_errno() in (1, 38), (r, f)\n"       \
	"refused(os.fork)\n"                                                   \
	"refused(lambda: os.posix_spawn('/bin/true', ['true'], {}))\n"         \
	"refused(lambda: c.syscall(435, None, 0))\n" /* clone3 */

#if defined(__x86_64__)
#define RAW                                                                    \
	"refused(lambda: c.syscall(57))\n"                                     \
	"refused(lambda: c.syscall(56, 17, 0, 0, 0, 0))\n"
#else
#define RAW "refused(lambda: c.syscall(220, 17, 0, 0, 0, 0))\n"
#endif

static void
test_deny_new_tasks_fork_is_refused_and_host_sees_seccomp_filter(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-deny");
	session_start(&s, "bvisor-shell", "-c", "exec sleep 300");
	eventually(is_running(s.errand->child, "sleep"));
	assert_int_equal(status_value(s.errand->child, "Seccomp"), 2);
	assert_int_equal(status_value(s.errand->child, "NoNewPrivs"), 1);
	/* One more than the session's own. */
	assert_int_equal(status_value(s.errand->child, "Seccomp_filters"),
			 status_value(s.l.pid, "Seccomp_filters") + 1);
	kill(s.errand->child, SIGKILL);
	(void)session_wait(&s);
	EXITED(session_run(&s, PYTHON(WAYS RAW "print('held')\n")), 0);
	SAYS(&s, "held");
	EXITED(session_run(&s, PYTHON("t = threading.Thread(target=print)\n"
				      "try:\n"
				      "    t.start()\n"
				      "except RuntimeError:\n"
				      "    print('no thread either')\n")),
	       0);
	SAYS(&s, "no thread either");
	assert_false(WIFEXITED(session_run(&s, "/bin/true; /bin/true")) &&
		     WEXITSTATUS(s.errand->status) == 0);
	session_end(&s);
}

static void test_allow_threads__threads_run_and_processes_do_not(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-thread");
	EXITED(session_run(
		       &s,
		       PYTHON("done = []\n"
			      "ts = [threading.Thread(target=lambda: "
			      "done.append(threading.get_native_id()))"
			      " for _ in range(8)]\n"
			      "[t.start() for t in ts]\n"
			      "[t.join() for t in ts]\n"
			      "assert len(done) == 8 and os.getpid() not in done\n"
			      "print('threads ran')\n" WAYS RAW
			      "print('held')\n")),
	       0);
	SAYS(&s, "threads ran");
	SAYS(&s, "held");
	session_start(&s, "bvisor-shell", "-c",
		      PYTHON("e = threading.Event()\n"
			     "threading.Thread(target=e.wait).start()\n"));
	eventually(status_value(s.errand->child, "Threads") == 2);
	assert_int_equal(status_value(s.errand->child, "Seccomp"), 2);
	kill(s.errand->child, SIGKILL);
	(void)session_wait(&s);
	session_end(&s);
}

/* The control: without a spawn policy the same attempts succeed. */
static void test_descendants__processes_run(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	EXITED(session_run(&s, PYTHON("p = os.fork()\n"
				      "if p == 0: os._exit(7)\n"
				      "assert os.waitstatus_to_exitcode("
				      "os.waitpid(p, 0)[1]) == 7\n")),
	       0);
	session_end(&s);
}

/* --- the shell in its own place -------------------------------------------- */

static void test_exec__status_signals_and_names_are_the_shells(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	EXITED(session_run(&s, "exit 42"), 42);
	EXITED(session_run(&s, "exit 254"), 254);
	assert_null(strstr(s.out, "bvisor-shell"));
	assert_true(WIFSIGNALED(session_run(&s, "kill -TERM $$")));
	assert_int_equal(WTERMSIG(s.errand->status), SIGTERM);
	EXITED(session_run(&s, "test $$ = \"$(ps -o sid= -p $$ | tr -d ' ')\""),
	       0);
	/* A login shell stays one: its standard input is at its end. */
	session_start(&s, "-bvisor-shell", "", "");
	EXITED(session_wait(&s), 0);
	session_start(&s, "-bvisor-shell", "-c", "echo $0");
	EXITED(session_wait(&s), 0);
	assert_true(s.out[0] == '-');
	/* ForceCommand: no arguments, and sshd's variable. */
	s.errand->original = true;
	session_start(&s, "bvisor-shell", "echo forced; exit 5", "");
	EXITED(session_wait(&s), 5);
	SAYS(&s, "forced");
	session_end(&s);
}

/* --- admission ------------------------------------------------------------- */

static void test_account_without_bvisor_shell__refused(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_prepare(&s, "bvt-none", 0);
	s.l = start(&s.order);
	assert_true(leader_step(&s.l, 'o'));
	assert_int_equal(s.l.view->verdict, BVP_REFUSED);
	assert_non_null(strstr(s.l.view->log_text, "no exec boundary"));
	assert_non_null(strstr(s.l.view->log_text, "bvisor-shell"));
	leader_done(&s.l);
	/* cron does not start the account's shell, whatever it is. */
	session_prepare(&s, "bvt-env", 0);
	s.order.service = "cron";
	s.l = start(&s.order);
	assert_true(leader_step(&s.l, 'o'));
	assert_int_equal(s.l.view->verdict, BVP_REFUSED);
	leader_done(&s.l);
}

static void test_forcecommand__admitted_and_mediated(void **state)
{
	char record[256];
	struct session s;

	(void)state;
	need_stage();
	session_prepare(&s, "bvt-none", BVP_FLAG_FORCECOMMAND);
	s.l = opened(&s.order);
	EXITED(session_run(&s, "exec env"), 0);
	assert_null(strstr(s.out, "SENTINEL"));
	snprintf(record, sizeof(record), STATE_DIR "/sessions/%s.json",
		 s.l.view->session);
	session_end(&s);
	assert_true(file_holds(record, "forcecommand_exact_environment"));
	assert_true(file_holds(record, "\"mediated\""));
	assert_true(file_holds(record, "linux.shell.environment.v1"));
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_child_env_equals_the_admitted_table_with_no_ambient_leak),
		TEST(test_a_secret_lease_resolves_but_the_durable_plan_and_report_carry_only_the_ref),
		TEST(test_an_unresolvable_lease_fails_closed_and_the_target_never_runs),
		TEST(test_a_lease_that_others_may_read_is_none),
		TEST(test_fds_none__the_three_streams_alone),
		TEST(test_fds_only__the_kept_one_and_no_other),
		TEST(test_fds_unstated__come_through),
		TEST(test_deny_new_tasks_fork_is_refused_and_host_sees_seccomp_filter),
		TEST(test_allow_threads__threads_run_and_processes_do_not),
		TEST(test_descendants__processes_run),
		TEST(test_exec__status_signals_and_names_are_the_shells),
		TEST(test_account_without_bvisor_shell__refused),
		TEST(test_forcecommand__admitted_and_mediated),
	};

	return cmocka_run_group_tests(tests, set_shell_stage, clear_stage);
}
