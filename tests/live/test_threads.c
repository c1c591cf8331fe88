/* SPDX-License-Identifier: MIT */
/*
 * [spawn] threads and none, call by call: what makes a thread works under the
 * first, what makes a process under neither. The attacker is a static program;
 * Go, node and python bring the run-times people use. Stage as in test_shell.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/shell_stage.h"

#define ATTACK "/home/bin/attack-spawn"

static const char *const processes[] = {
	"fork",
#if defined(__x86_64__)
	"fork-raw",
#endif
	"vfork",      "posix-spawn",  "clone",
	"clone-high", "clone-parent", "system",
};
static const char *const threads[] = {
	"pthreads",
#if defined(__x86_64__)
	"go-threads",
#endif
};

#define GO         "/usr/bin/go"
#define GO_SOURCE  "tests/live/go/threads.go"
#define GO_PROGRAM "/home/bin/go-threads"

/* A static program, of the library alone; what Go keeps of it goes with the stage. */
static _Noreturn void build_go(void)
{
	char cache[PATH_MAX + 32], path[PATH_MAX + 32];
	char *argv[] = {
		(char *)(uintptr_t) "go",     (char *)(uintptr_t) "build",
		(char *)(uintptr_t) "-o",     (char *)(uintptr_t)GO_PROGRAM,
		(char *)(uintptr_t)GO_SOURCE, NULL
	};
	char *envp[] = { (char *)(uintptr_t) "PATH=/usr/bin:/bin",
			 (char *)(uintptr_t) "CGO_ENABLED=0",
			 (char *)(uintptr_t) "GO111MODULE=off",
			 (char *)(uintptr_t) "GOPROXY=off",
			 (char *)(uintptr_t) "GOTOOLCHAIN=local",
			 (char *)(uintptr_t) "GOTELEMETRY=off",
			 (char *)(uintptr_t) "GOENV=off",
			 cache,
			 path,
			 NULL };

	snprintf(cache, sizeof(cache), "GOCACHE=%s/go-cache", env.work);
	snprintf(path, sizeof(path), "GOPATH=%s/go-path", env.work);
	execve(GO, argv, envp);
	_exit(127);
}

static void make_go_program(void)
{
	int status = 0;
	pid_t pid;

	if (access(GO, X_OK) != 0)
		return;
	pid = fork();
	if (pid == 0)
		build_go();
	must(waitpid(pid, &status, 0) == pid && status == 0 &&
		     chmod(GO_PROGRAM, 0755) == 0,
	     "go build " GO_SOURCE);
}

static int set_threads(void **state)
{
	char from[PATH_MAX];
	char *argv[] = { (char *)(uintptr_t) "cp", from,
			 (char *)(uintptr_t)ATTACK, NULL };

	if (set_shell_stage(state) != 0)
		return -1;
	if (env.unable != NULL)
		return 0;
	snprintf(from, sizeof(from), "%s", env.helper);
	snprintf(strrchr(from, '/'), 64, "/tests/escape/attack-spawn");
	run_program(argv);
	make_go_program();
	return 0;
}

static void assert_said(const char *out, const char *attack, const char *want)
{
	char line[96];

	snprintf(line, sizeof(line), "ATTEMPT %s: %s\n", attack, want);
	if (strstr(out, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, out);
}

static void all_said(const char *out, const char *const *name, size_t n,
		     const char *want)
{
	for (size_t i = 0; i < n; i++)
		assert_said(out, name[i], want);
}

/* The control: out of every boundary each of them works. */
static void test_outside__every_way_works(void **state)
{
	char out[4096] = "";
	FILE *f;

	(void)state;
	need_stage();
	f = popen(ATTACK " all", "re");
	assert_non_null(f);
	(void)!fread(out, 1, sizeof(out) - 1, f);
	(void)pclose(f);
	all_said(out, processes, BV_LEN(processes), "through");
	all_said(out, threads, BV_LEN(threads), "through");
}

static void
test_threads__pthreads_and_gos_run_and_processes_do_not(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-thread");
	(void)session_run(&s, "exec " ATTACK " all");
	all_said(s.out, processes, BV_LEN(processes), "stopped EPERM");
	assert_said(s.out, "clone3", "stopped ENOSYS");
	all_said(s.out, threads, BV_LEN(threads), "through");
	session_end(&s);
}

static void test_none__not_even_a_thread(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-deny");
	(void)session_run(&s, "exec " ATTACK " all");
	all_said(s.out, processes, BV_LEN(processes), "stopped EPERM");
	all_said(s.out, threads, BV_LEN(threads), "stopped EPERM");
	assert_null(strstr(s.out, "clone3: through"));
	assert_non_null(strstr(s.out, "clone3: stopped"));
	session_end(&s);
}

/* Processes are the control here too: in the session, but without the policy. */
static void test_descendants__both_run(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	session_open(&s, "bvt-plain");
	(void)session_run(&s, "exec " ATTACK " all");
	all_said(s.out, processes, BV_LEN(processes), "through");
	all_said(s.out, threads, BV_LEN(threads), "through");
	session_end(&s);
}

#define NODE "/usr/bin/node"
#define NODE_CODE                                                              \
	"const { Worker } = require(\"worker_threads\");\n"                    \
	"const fs = require(\"fs/promises\");\n"                               \
	"const { spawnSync } = require(\"child_process\");\n"                  \
	"fs.readFile(\"/etc/hostname\").then(() => {\n"                        \
	"  console.log(\"thread pool ran\");\n"                                \
	"  const w = new Worker(\"require(`worker_threads`).parentPort"        \
	".postMessage(6 * 7)\", { eval: true });\n"                            \
	"  w.on(\"message\", (n) => {\n"                                       \
	"    console.log(\"worker said \" + n);\n"                             \
	"    console.log(\"spawn \" + "                                        \
	"(spawnSync(\"/bin/true\").error || { code: \"worked\" }).code);\n"    \
	"  });\n"                                                              \
	"});\n"

static void test_threads__node_runs_and_spawns_nothing(void **state)
{
	struct session s;

	(void)state;
	need_stage();
	if (access(NODE, X_OK) != 0) {
		print_message("skip: " NODE " is not installed\n");
		skip();
	}
	write_file("/home/bvt-thread/threads.js", NODE_CODE);
	must(chmod("/home/bvt-thread/threads.js", 0644) == 0, "chmod");
	session_open(&s, "bvt-thread");
	(void)session_run(&s, "exec " NODE " /home/bvt-thread/threads.js 2>&1");
	SAYS(&s, "thread pool ran\n");
	SAYS(&s, "worker said 42\n");
	SAYS(&s, "spawn EPERM\n");
	session_end(&s);
}

static void need_go(void)
{
	need_stage();
	if (access(GO, X_OK) == 0)
		return;
	print_message("skip: " GO " is not installed\n");
	skip();
}

static void assert_go_ran(const char *out, const char *exec)
{
	const char *const want[] = { "go threads 8\n", "go files worked\n",
				     "go collects true\n", exec,
				     "go threads again 8\n" };

	for (size_t i = 0; i < BV_LEN(want); i++)
		if (strstr(out, want[i]) == NULL)
			fail_msg("no \"%s\" in:\n%s", want[i], out);
}

/* Its process leaves a file: what it says of it is not all there is. */
static bool go_touched(const char *user)
{
	char path[64];

	snprintf(path, sizeof(path), "/home/%s/touched", user);
	return access(path, F_OK) == 0;
}

static int run_go(struct session *s, const char *user)
{
	char command[128];

	snprintf(command, sizeof(command), "exec " GO_PROGRAM " /home/%s 2>&1",
		 user);
	session_open(s, user);
	return session_run(s, command);
}

/* The controls: out of every boundary, and in one without the policy. */
static void test_outside__go_runs_and_spawns(void **state)
{
	char out[4096] = "";
	FILE *f;

	(void)state;
	need_go();
	must(mkdir("/home/outside", 0700) == 0, "mkdir");
	f = popen(GO_PROGRAM " /home/outside 2>&1", "re");
	assert_non_null(f);
	(void)!fread(out, 1, sizeof(out) - 1, f);
	assert_int_equal(pclose(f), 0);
	assert_go_ran(out, "go exec worked\n");
	assert_true(go_touched("outside"));
}

static void test_descendants__go_runs_and_spawns(void **state)
{
	struct session s;

	(void)state;
	need_go();
	assert_int_equal(run_go(&s, "bvt-plain"), 0);
	assert_go_ran(s.out, "go exec worked\n");
	assert_true(go_touched("bvt-plain"));
	session_end(&s);
}

static void test_threads__go_runs_and_spawns_nothing(void **state)
{
	struct session s;

	(void)state;
	need_go();
	assert_int_equal(run_go(&s, "bvt-thread"), 0);
	assert_go_ran(s.out, "go exec EPERM\n");
	assert_false(go_touched("bvt-thread"));
	session_end(&s);
}

/* Its run-time takes a thread before main, and says that it gets none. */
static void test_none__go_does_not_even_begin(void **state)
{
	struct session s;

	(void)state;
	need_go();
	assert_int_not_equal(run_go(&s, "bvt-deny"), 0);
	SAYS(&s, "failed to create new OS thread");
	assert_null(strstr(s.out, "go threads"));
	assert_false(go_touched("bvt-deny"));
	session_end(&s);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outside__every_way_works),
		TEST(test_threads__pthreads_and_gos_run_and_processes_do_not),
		TEST(test_none__not_even_a_thread),
		TEST(test_descendants__both_run),
		TEST(test_threads__node_runs_and_spawns_nothing),
		TEST(test_outside__go_runs_and_spawns),
		TEST(test_descendants__go_runs_and_spawns),
		TEST(test_threads__go_runs_and_spawns_nothing),
		TEST(test_none__go_does_not_even_begin),
	};

	return cmocka_run_group_tests(tests, set_threads, clear_stage);
}
