/* SPDX-License-Identifier: MIT */
/*
 * [spawn] threads and none, call by call: what makes a thread works under the
 * first, what makes a process under neither. The attacker is a static program;
 * node and python bring the run-times people use. Stage as in test_shell.c.
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

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_outside__every_way_works),
		TEST(test_threads__pthreads_and_gos_run_and_processes_do_not),
		TEST(test_none__not_even_a_thread),
		TEST(test_descendants__both_run),
		TEST(test_threads__node_runs_and_spawns_nothing),
	};

	return cmocka_run_group_tests(tests, set_threads, clear_stage);
}
