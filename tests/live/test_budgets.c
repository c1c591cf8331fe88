/* SPDX-License-Identifier: MIT */
/*
 * Budgets of a session against this kernel. Two witnesses each: what the kernel
 * shows from outside (cpu.stat, /proc/PID/limits, the far end of a terminal),
 * and what the session's own process ran into. Stage and leader as in
 * test_guard.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/vocab.h"
#include "helper/limits.h"
#include "helper/tell.h"
#include "tests/live/guard_stage.h"

#define BUDGET(lines)                                                          \
	"bvisor-policy 1\n[match]\nuser = bvt-alice\n" CONFINE                 \
	"[budget]\n" lines "\n"

static struct leader opened_with(const char *text)
{
	static struct order order;

	order = open_as("bvt-alice");
	policy("alice", text);
	return opened(&order);
}

static uint64_t cpu_us_of(const struct leader *l)
{
	char path[2 * PATH_MAX];
	unsigned long long us = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/session-%s/cpu.stat", env.base,
		 l->view->session);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "usage_usec %llu", &us) != 1)
		us = 0;
	fclose(f);
	return us;
}

/* One row of the report's budgets. */
static json_t *budget_of(json_t *report, const char *dim)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "budgets"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "dimension")),
			   dim) == 0)
			return row;
	}
	fail_msg("no budget '%s' in the report", dim);
	return NULL;
}

static const char *text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

static bool observed(json_t *report, const char *kind)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(report, "observed"), i, row)
	{
		if (strcmp(text_of(row, "kind"), kind) == 0)
			return true;
	}
	return false;
}

/* --- processor time -------------------------------------------------------- */

static void test_cpu_budget__busy_child_is_ended(void **state)
{
	struct leader l;
	uint64_t seen_us = 0;
	json_t *r, *b;

	(void)state;
	need_stage();
	l = opened_with(BUDGET("cpu = 400ms mediated evidence=resource-usage"));
	assert_true(leader_step(&l, 'b'));
	for (int i = 0; i < 6000 && !is_dead(l.view->child); i++) {
		uint64_t us = cpu_us_of(&l);

		seen_us = us > seen_us ? us : seen_us;
		nap_ms(10);
	}
	assert_true(is_dead(l.view->child));
	eventually(is_dead(l.pid));
	eventually(nothing_left());
	/* The kernel's own count: not long before, not far beyond. */
	assert_true(seen_us >= 200000);
	assert_outcome(&l, "killed");
	r = record_of(&l);
	b = budget_of(r, "cpu");
	assert_string_equal(
		text_of(b, "finding"),
		bv_finding_name(BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT));
	assert_true(json_integer_value(json_object_get(b, "used")) >= 400000);
	assert_true((uint64_t)json_integer_value(json_object_get(b, "used")) >=
		    seen_us);
	assert_true(json_integer_value(json_object_get(b, "used")) < 2400000);
	assert_string_equal(text_of(r, "reason"), "the cpu budget is used up");
	assert_true(observed(r, "cpu_limit_passed"));
	print_message(
		"# cpu: limit 400000 us, used %lld us\n",
		(long long)json_integer_value(json_object_get(b, "used")));
	json_decref(r);
	leader_done(&l);
}

static void test_cpu_budget__idle_session_lives(void **state)
{
	struct leader l;
	json_t *r, *b;

	(void)state;
	need_stage();
	l = opened_with(BUDGET("cpu = 300ms mediated"));
	assert_true(leader_step(&l, 'k'));
	nap_ms(1200);
	assert_false(is_dead(l.view->child));
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	eventually(nothing_left());
	assert_outcome(&l, "completed");
	r = record_of(&l);
	b = budget_of(r, "cpu");
	assert_string_equal(text_of(b, "finding"),
			    bv_finding_name(BV_FINDING_WITHIN_LIMIT));
	json_decref(r);
	leader_done(&l);
}

/* --- descriptors ----------------------------------------------------------- */

static void files_of(pid_t pid, uint64_t *ret_soft, uint64_t *ret_hard)
{
	char path[64], text[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_true(bvh_limits_text_files(text, ret_soft, ret_hard));
}

static void test_handles_budget__no_more_than_that(void **state)
{
	uint64_t soft, hard, soft_before, hard_before;
	struct leader l;
	json_t *r;

	(void)state;
	need_stage();
	files_of(getpid(), &soft_before, &hard_before);
	l = opened_with(BUDGET("handles = 32 mediated "
			       "evidence=mechanism-attestation"));
	assert_true(leader_step(&l, 'k'));
	files_of(l.pid, &soft, &hard);
	assert_true(soft == 32 && hard == 32);
	files_of(l.view->child, &soft, &hard);
	assert_true(soft == 32 && hard == 32);
	assert_true(leader_step(&l, 'n'));
	assert_int_equal(l.view->open_errno, EMFILE);
	assert_in_range(l.view->opened_n, 4, 32);
	assert_int_equal(l.view->raise_errno, EPERM);
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	/* The caller of PAM gets back what was its own, where root may raise
	 * what it has lowered (CAP_SYS_RESOURCE). */
	files_of(l.pid, &soft, &hard);
	if (env.may_oom_adj)
		assert_true(soft == soft_before && hard == hard_before);
	eventually(nothing_left());
	r = record_of(&l);
	assert_true(observed(r, "attested_handles"));
	assert_string_equal(
		text_of(budget_of(r, "handles"), "finding"),
		bv_finding_name(BV_FINDING_OBSERVATION_UNAVAILABLE));
	json_decref(r);
	leader_done(&l);
}

/* --- storage --------------------------------------------------------------- */

static void test_storage_budget__what_was_used_is_reported(void **state)
{
	struct leader l;
	json_t *r, *b;

	(void)state;
	need_stage();
	l = opened_with(BUDGET("storage = 8M evidence=resource-usage"));
	assert_true(leader_step(&l, 'm'));
	assert_int_equal(l.view->wrote_bytes, 3 << 20);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	r = record_of(&l);
	b = budget_of(r, "storage");
	assert_in_range(json_integer_value(json_object_get(b, "used")), 3 << 20,
			(3 << 20) + (256 << 10));
	assert_string_equal(text_of(b, "finding"),
			    bv_finding_name(BV_FINDING_WITHIN_LIMIT));
	json_decref(r);
	leader_done(&l);
}

static void test_storage_budget__not_a_byte_more(void **state)
{
	struct leader l;
	json_t *r, *b;

	(void)state;
	need_stage();
	l = opened_with(BUDGET("storage = 1M"));
	assert_true(leader_step(&l, 'm'));
	assert_in_range(l.view->wrote_bytes, 1, 1 << 20);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	r = record_of(&l);
	b = budget_of(r, "storage");
	assert_in_range(json_integer_value(json_object_get(b, "used")),
			l.view->wrote_bytes, 1 << 20);
	json_decref(r);
	leader_done(&l);
}

/* --- words on the terminal ------------------------------------------------- */

/* A terminal of uid; its name for the leader's child. Returns our end. */
static int terminal_for(struct leader *l, uid_t uid)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	assert_int_equal(
		ptsname_r(fd, l->view->terminal, sizeof(l->view->terminal)), 0);
	assert_int_equal(chown(l->view->terminal, uid, (gid_t)-1), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static unsigned int terminal_of(pid_t pid)
{
	char path[64], text[512] = "";
	unsigned int nr = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL ||
	    !bvh_stat_terminal(text, &nr))
		nr = 0;
	if (f != NULL)
		fclose(f);
	return nr;
}

/* A child on a terminal of uid, settled. Returns our end of the terminal. */
static int sits_on_one_of(struct leader *l, uid_t uid)
{
	int fd = terminal_for(l, uid);

	assert_true(leader_step(l, 't'));
	eventually(terminal_of(l->view->child) != 0);
	return fd;
}

/* Everything that has come so far, behind what came before. */
static const char *heard(int fd, char text[512])
{
	size_t len = strlen(text);
	ssize_t n = read(fd, text + len, 511 - len);

	if (n > 0)
		text[len + (size_t)n] = '\0';
	return text;
}

/* The last fifth of 20 s, of which a slow machine may need some. */
static bool told_time(const char *text)
{
	char line[64];

	for (unsigned int s = 0; s < 4; s++) {
		snprintf(line, sizeof(line),
			 "pam_bvisor: %u s left of this session\r", s);
		if (strstr(text, line) != NULL)
			return true;
	}
	return false;
}

static void test_wall_budget__told_before_the_end(void **state)
{
	char mine[512] = "", others[512] = "";
	struct leader l;
	int my_fd, other_fd;

	(void)state;
	need_stage();
	l = opened_with(BUDGET("wall = 20s"));
	my_fd = sits_on_one_of(&l, LEADER_USER);
	other_fd = sits_on_one_of(&l, 0);
	for (int i = 0; i < 6000 && !told_time(heard(my_fd, mine)); i++)
		nap_ms(10);
	if (!told_time(mine))
		fail_msg("the terminal shows '%s'", mine);
	assert_false(is_dead(l.view->child));
	eventually(is_dead(l.view->child) && is_dead(l.pid));
	eventually(nothing_left());
	assert_outcome(&l, "timeout");
	/* A terminal that is not the user's own is left alone. */
	assert_string_equal(heard(other_fd, others), "");
	close(my_fd);
	close(other_fd);
	leader_done(&l);
}

static void test_processes_budget__told_when_met(void **state)
{
	char mine[512] = "";
	struct leader l;
	json_t *r;
	int fd;

	(void)state;
	need_stage();
	if (!env.has_pids) {
		print_message("skip: cgroup v2 has no pids controller here\n");
		skip();
	}
	l = opened_with(BUDGET("processes = 20"));
	fd = sits_on_one_of(&l, LEADER_USER);
	assert_true(leader_step(&l, 'p'));
	assert_int_equal(l.view->fork_errno, EAGAIN);
	assert_in_range(l.view->forks_n, 1, 19);
	eventually(strstr(heard(fd, mine),
			  "pam_bvisor: process limit 20 reached") != NULL);
	assert_true(leader_step(&l, 'c'));
	eventually(nothing_left());
	r = record_of(&l);
	assert_true(observed(r, "process_limit_reached"));
	assert_string_equal(text_of(budget_of(r, "processes"), "finding"),
			    bv_finding_name(BV_FINDING_LIMIT_REACHED_ENFORCED));
	json_decref(r);
	close(fd);
	leader_done(&l);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cpu_budget__busy_child_is_ended),
		TEST(test_cpu_budget__idle_session_lives),
		TEST(test_handles_budget__no_more_than_that),
		TEST(test_storage_budget__what_was_used_is_reported),
		TEST(test_storage_budget__not_a_byte_more),
		TEST(test_wall_budget__told_before_the_end),
		TEST(test_processes_budget__told_when_met),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
