/* SPDX-License-Identifier: MIT */
/*
 * Sessions in great number beside a running holder, a few at a time; of most, the
 * guardian, the leader or both are killed at some moment of opening or closing.
 * After a recovery there is no leaf, guardian, state file or mount of them, the
 * journal verifies, and the holder is as big as it was.
 *
 *   test_many [COUNT [SEED]]       10000 sessions
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/journal_stage.h"

#include <poll.h>
#include <sys/prctl.h>

#define AT_ONCE 4u
#define STEP_MS 60000
#define LOOKS   600u
/* Of the holder over the second half of the sessions, and of many looks at the same
 * journal. Anonymous pages: those of files come and go as the kernel likes. */
#define GROWTH_KIB 64u

enum fate {
	LIVES,
	GUARDIAN,
	LEADER,
	BOTH,
	FATES
};

struct one {
	struct leader l;
	enum fate fate;
	bool at_close; /* killed then, not while opening */
};

static unsigned int count = 10000;
static unsigned int seed;
static struct order order;
static struct {
	unsigned int sessions, confined, killed_guardians, killed_leaders;
} sum;
static pid_t holder;
static uint64_t holder_kib;
static size_t mounts;

static unsigned int pick(unsigned int below)
{
	return (unsigned int)rand_r(&seed) % below;
}

static void program_path(const char *name, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%.4000s", env.helper);
	snprintf(strrchr(ret, '/') + 1, 32, "%s", name);
}

static int run_ctl(const char *verb)
{
	char path[PATH_MAX];
	int status = -1;
	pid_t pid = fork();

	program_path("bvisorctl", path);
	if (pid == 0) {
		(void)dup2(2, 1);
		execl(path, "bvisorctl", verb, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static size_t count_mounts(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t n = 0;

	assert_non_null(f);
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		n += c == '\n';
	fclose(f);
	return n;
}

/* Guardians are children of ours: their leader's first child is gone. */
static pid_t some_guardian(void)
{
	char path[64], text[STAT_LEN];
	pid_t found[16];
	unsigned int n = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	while (n < BV_LEN(found) && fscanf(f, "%d", &pid) == 1) {
		read_stat(pid, text);
		if (pid != holder && strstr(text, "(bvisor-helper)") != NULL)
			found[n++] = pid;
	}
	fclose(f);
	return n == 0 ? 0 : found[pick(n)];
}

static void strike(struct one *o)
{
	nap_ms((long)pick(o->at_close ? 12 : 30));
	if (o->fate == GUARDIAN || o->fate == BOTH) {
		pid_t pid = some_guardian();

		if (pid > 0 && kill(pid, SIGKILL) == 0)
			sum.killed_guardians++;
	}
	if (o->fate == LEADER || o->fate == BOTH) {
		(void)kill(o->l.pid, SIGKILL);
		sum.killed_leaders++;
	}
}

static void send_step(struct one *o, char step)
{
	(void)!write(o->l.to, &step, 1);
}

/* The end of its step; false when it died. */
static bool hear(struct one *o)
{
	struct pollfd p = { .fd = o->l.from, .events = POLLIN };
	char done;

	if (poll(&p, 1, STEP_MS) == 0)
		fail_msg("a session hangs");
	return read(o->l.from, &done, 1) == 1;
}

/* Who was let in sits in its leaf, under the filter. */
static void check_open(const struct one *o)
{
	char cgroup[PATH_MAX];

	cgroup_of(o->l.pid, cgroup);
	if (is_dead(o->l.pid))
		return;
	assert_int_equal(status_value(o->l.pid, "Seccomp"), 2);
	/* A killed guardian's leader may be moved by nobody but a sweep. */
	assert_non_null(strstr(cgroup, "/session-"));
	sum.confined++;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == holder)
			fail_msg("the holder ended");
}

static void some_sessions(void)
{
	struct one all[AT_ONCE];
	bool open[AT_ONCE];

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		all[i].l = start(&order);
		all[i].fate = (enum fate)pick(FATES);
		all[i].at_close = pick(3) == 0;
		send_step(&all[i], 'o');
	}
	for (unsigned int i = 0; i < AT_ONCE; i++)
		if (!all[i].at_close)
			strike(&all[i]);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		open[i] = hear(&all[i]) && all[i].l.view->attested;
		if (open[i]) {
			check_open(&all[i]);
			send_step(&all[i], 'c');
		}
	}
	for (unsigned int i = 0; i < AT_ONCE; i++)
		if (all[i].at_close)
			strike(&all[i]);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		if (open[i])
			(void)hear(&all[i]);
		leader_done(&all[i].l); /* kills it */
	}
	env.leaders_n = 0;
	sum.sessions += AT_ONCE;
	reap();
}

/* Between two looks: the smallest of some. */
static uint64_t holder_size(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < 20; i++) {
		const uint64_t now = status_value(holder, "RssAnon");

		least = now < least ? now : least;
		nap_ms(100);
	}
	return least;
}

static void test_sessions(void **state)
{
	(void)state;
	need_stage();
	print_message("# seed %u\n", seed);
	mounts = count_mounts();
	while (sum.sessions < count / 2)
		some_sessions();
	holder_kib = holder_size();
	while (sum.sessions < count)
		some_sessions();
	print_message("# %u sessions, %u seen confined; %u guardians and %u "
		      "leaders killed\n",
		      sum.sessions, sum.confined, sum.killed_guardians,
		      sum.killed_leaders);
	assert_true(sum.killed_guardians > count / 10);
	assert_true(sum.killed_leaders > count / 10);
	assert_true(sum.confined > count / 10);
}

static void test_nothing_left(void **state)
{
	(void)state;
	need_stage();
	for (int i = 0; i < STEP_MS / 100 && some_guardian() != 0; i++) {
		nap_ms(100);
		reap();
	}
	assert_int_equal(some_guardian(), 0);
	assert_int_equal(run_ctl("recover"), 0);
	assert_int_equal(count_dir(env.base, "session-"), 0);
	assert_int_equal(count_dir(RUN_DIR "/sessions", ""), 0);
	assert_true(guardians_are_gone());
	assert_int_equal(count_mounts(), mounts);
	assert_int_equal(count_open(), 0);
}

static void test_verify(void **state)
{
	(void)state;
	need_stage();
	assert_int_equal(run_ctl("verify"), 0);
}

/* What the holder does each time it looks, at the journal of all these sessions. */
static void test_looks(void **state)
{
	uint64_t before = 0, now;

	(void)state;
	need_stage();
	for (unsigned int i = 0; i < LOOKS; i++) {
		(void)recover_for("");
		if (i == LOOKS / 2) /* an allocator takes a while to settle */
			before = status_value(getpid(), "RssAnon");
	}
	now = status_value(getpid(), "RssAnon");
	print_message("# %u looks: %llu KiB, then %llu\n", LOOKS,
		      (unsigned long long)before, (unsigned long long)now);
	assert_true(before > 0 && now <= before + GROWTH_KIB);
}

static void test_holder(void **state)
{
	uint64_t now;

	(void)state;
	need_stage();
	assert_false(is_dead(holder));
	now = holder_size();
	print_message("# the holder's memory: %llu KiB, then %llu\n",
		      (unsigned long long)holder_kib, (unsigned long long)now);
	assert_true(holder_kib > 0 && now <= holder_kib + GROWTH_KIB);
	assert_int_equal(kill(holder, SIGTERM), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
}

static void start_holder(void)
{
	holder = fork();
	if (holder == 0) {
		execl(env.helper, "bvisor-helper", "hold", (char *)NULL);
		_exit(127);
	}
}

static void end_holder(void)
{
	char path[PATH_MAX + 96];

	(void)kill(holder, SIGKILL);
	(void)waitpid(holder, NULL, 0);
	(void)sweep_stage(NULL); /* what a failed test left */
	snprintf(path, sizeof(path), "%s/holder", env.base);
	for (int i = 0; i < 300 && rmdir(path) != 0 && errno == EBUSY; i++)
		nap_ms(10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_holder),
	};
	int failed;

	if (argc > 1)
		count = (unsigned int)atoi(argv[1]);
	seed = argc > 2 ? (unsigned int)atoi(argv[2]) : (unsigned int)getpid();
	order = open_as("bvt-alice");
	/* Guardians become children of ours. */
	must(prctl(PR_SET_CHILD_SUBREAPER, 1UL) == 0, "subreaper");
	(void)signal(SIGPIPE, SIG_IGN); /* a step for a dead leader */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)set_stage(NULL);
	if (env.unable == NULL)
		start_holder();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (env.unable == NULL)
		end_holder();
	(void)clear_stage(NULL);
	return failed;
}
