/* SPDX-License-Identifier: MIT */
/*
 * The guardian against this kernel, led by a fake session leader: no PAM, no
 * sshd. Witnesses are cgroupfs, /proc and the files on disk. Everything happens
 * in a private mount namespace with a copy of /etc and a cgroup base of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/guard_stage.h"

/* --- a session ------------------------------------------------------------- */

static void test_open_close__confined_then_nothing_left(void **state)
{
	struct order order = open_as("bvt-alice");
	char before[PATH_MAX];
	char after[PATH_MAX];
	struct leader l;
	struct stat st;
	char path[128];

	(void)state;
	need_stage();
	cgroup_of(getpid(), before);
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	assert_true(in_leaf(&l, l.pid));
	assert_true(in_leaf(&l, l.view->child));
	assert_int_equal(status_value(l.view->child, "Seccomp"), 2);
	assert_int_equal(status_value(l.view->child, "NoNewPrivs"), 1);
	assert_true(leader_step(&l, 'r'));
	assert_int_equal(l.view->read_secret_errno, EACCES);
	assert_int_equal(l.view->see_service_errno, ENOENT);
	assert_true(state_exists(&l));
	snprintf(path, sizeof(path), RUN_DIR "/sessions/%s.json",
		 l.view->session);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Witness that `started` was durable: the record is there, unsealed. */
	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l.view->session);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 >= 32 * 1024);

	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	assert_false(leaf_exists(&l));
	assert_false(state_exists(&l));
	eventually(is_dead(l.view->child));
	cgroup_of(l.pid, after);
	assert_string_equal(after, before);
	assert_outcome(&l, "completed");
	eventually(nothing_left());
	leader_done(&l);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void test_one_after_the_other__times(void **state)
{
	struct order order = open_as("bvt-alice");
	double open_ms[9];
	double close_ms[9];

	(void)state;
	need_stage();
	for (size_t i = 0; i < BV_LEN(open_ms); i++) {
		struct leader l = opened(&order);

		assert_true(leader_step(&l, 'c'));
		assert_true(l.view->closed);
		open_ms[i] = l.view->open_ms;
		close_ms[i] = l.view->close_ms;
		leader_done(&l);
		sweep_stage(NULL);
	}
	qsort(open_ms, BV_LEN(open_ms), sizeof(open_ms[0]), by_size);
	qsort(close_ms, BV_LEN(close_ms), sizeof(close_ms[0]), by_size);
	print_message("# open: least %.1f, median %.1f ms; close: least %.1f, "
		      "median %.1f ms\n",
		      open_ms[0], open_ms[4], close_ms[0], close_ms[4]);
}

static void test_leader_dies__the_rest_dies_with_it(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.view->child));
	eventually(nothing_left());
	assert_outcome(&l, "completed");
	leader_done(&l);
}

static void test_guardian_itself__not_an_easy_victim(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	char path[64];
	char text[16] = "";
	FILE *f;
	pid_t guardian;

	(void)state;
	need_stage();
	l = opened(&order);
	guardian = guardian_of(&l);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)guardian);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	if (env.may_oom_adj)
		assert_string_equal(text, "-900\n");
	assert_false(in_leaf(&l, guardian));
	assert_int_equal(status_value(guardian, "Seccomp"), 0);
	/* Streams, socket, pidfd, leaf, base, record, signals, syslog … and
	 * none of the session's namespaces. */
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)guardian);
	assert_in_range(count_dir(path, ""), 5, 16);
	assert_true(leader_step(&l, 'c'));
	leader_done(&l);
	eventually(nothing_left());
}

static void test_commit__a_lie_is_seen(void **state)
{
	struct order order = open_as("bvt-alice");
	char before[PATH_MAX];
	char after[PATH_MAX];
	struct leader l;

	(void)state;
	need_stage();
	order.honesty = LIES;
	cgroup_of(getpid(), before);
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_false(l.view->attested);
	assert_int_equal(l.view->late_verdict, BVP_FAULT);
	assert_non_null(strstr(l.view->late_text, "namespace"));
	cgroup_of(l.pid, after);
	assert_string_equal(after, before);
	eventually(nothing_left());
	assert_outcome(&l, "supervisor-fault");
	leader_done(&l);
}

static void test_commit__silence_is_given_two_seconds(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	order.honesty = SILENT;
	order.flags = 0;
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_false(l.view->attested);
	assert_int_equal(l.view->late_verdict, BVP_FAULT);
	assert_true(l.view->open_ms > 1900 && l.view->open_ms < 25000);
	eventually(nothing_left());
	leader_done(&l);
}

static void test_close__from_a_child_is_not_heard(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'f'));
	nap_ms(300);
	assert_true(leaf_exists(&l));
	assert_true(in_leaf(&l, l.pid));
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	leader_done(&l);
	eventually(nothing_left());
}

static void test_second_open__same_plan_only(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 's'));
	assert_int_equal(l.view->second_verdict, BVP_JOINED);
	assert_true(leader_step(&l, 'S'));
	assert_int_equal(l.view->second_verdict, BVP_REFUSED);
	assert_non_null(
		strstr(l.view->second_text, "may not change its boundary"));
	assert_true(leader_step(&l, 'c'));
	assert_true(l.view->closed);
	leader_done(&l);
	eventually(nothing_left());
}

static void test_inside_a_leaf__another_guardian_agrees(void **state)
{
	struct order outer_order = open_as("bvt-alice");
	struct order inner_order = open_as("bvt-alice");
	struct order other_order = open_as("bvt-frank");
	char procs[2 * PATH_MAX];
	struct leader outer;
	struct leader inner;
	struct leader other;

	(void)state;
	need_stage();
	outer = opened(&outer_order);
	snprintf(procs, sizeof(procs), "%s/session-%s/cgroup.procs", env.base,
		 outer.view->session);
	inner_order.place_in = procs;
	other_order.place_in = procs;
	inner = start(&inner_order);
	assert_true(leader_step(&inner, 'o'));
	assert_int_equal(inner.view->verdict, BVP_JOINED);
	assert_string_equal(inner.view->session, outer.view->session);
	leader_done(&inner);
	other = start(&other_order);
	assert_true(leader_step(&other, 'o'));
	assert_int_equal(other.view->verdict, BVP_REFUSED);
	assert_non_null(
		strstr(other.view->log_text, "may not change its boundary"));
	leader_done(&other);
	assert_true(leader_step(&outer, 'c'));
	leader_done(&outer);
	eventually(nothing_left());
}

/* --- ends by force --------------------------------------------------------- */

static void test_wall_budget__kills_the_leader_too(void **state)
{
	struct order order = open_as("bvt-frank");
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	nap_ms(500);
	assert_false(is_dead(l.view->child));
	eventually(is_dead(l.view->child) && is_dead(l.pid));
	eventually(nothing_left());
	assert_outcome(&l, "timeout");
	leader_done(&l);
}

static void test_sigterm_to_guardian__ends_the_session(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	(void)state;
	need_stage();
	l = opened(&order);
	assert_true(leader_step(&l, 'k'));
	kill(guardian_of(&l), SIGTERM);
	eventually(is_dead(l.view->child) && is_dead(l.pid));
	eventually(nothing_left());
	assert_outcome(&l, "killed");
	leader_done(&l);
}

static void test_guardian_and_leader_killed__the_next_one_sweeps(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader dead;

	(void)state;
	need_stage();
	dead = opened(&order);
	assert_true(leader_step(&dead, 'k'));
	kill(guardian_of(&dead), SIGKILL);
	eventually(guardians_are_gone());
	/* The session stays confined, whoever watches. */
	assert_true(in_leaf(&dead, dead.view->child));
	assert_int_equal(status_value(dead.view->child, "Seccomp"), 2);
	kill(dead.pid, SIGKILL);
	swept_by_the_next(dead.pid);
	assert_true(is_dead(dead.view->child));
	leader_done(&dead);
}

/* --- verdicts -------------------------------------------------------------- */

static struct leader asked(const char *user, const char *service, uint16_t type)
{
	struct order order = { .user = user, .service = service, .type = type };
	struct leader l = start(&order);

	assert_true(leader_step(&l, 'o'));
	return l;
}

static void assert_refused(const char *user, const char *service,
			   const char *because)
{
	struct leader l = asked(user, service, BVP_MSG_OPEN);

	assert_int_equal(l.view->verdict, BVP_REFUSED);
	if (strstr(l.view->log_text, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", l.view->log_text,
			 because);
	/* The user learns an id and nothing of the policy. */
	assert_non_null(strstr(l.view->user_text, l.view->session));
	assert_null(strstr(l.view->user_text, "/etc"));
	assert_null(strstr(l.view->user_text, "polic"
					      "ies/"));
	leader_done(&l);
	eventually(nothing_left());
}

static void test_refusals__say_where_and_why(void **state)
{
	(void)state;
	need_stage();
	assert_refused("bvt-carol", "sshd", "/etc/bvisor/policies/carol.conf");
	assert_refused("bvt-eve", "sshd", "/etc/bvisor/policies/eve.conf:5");
	assert_refused("bvt-alice", "systemd-user",
		       "the user manager cannot be confined as a session");
}

static void test_processes_budget__refused_without_pids(void **state)
{
	(void)state;
	need_stage();
	if (env.has_pids) {
		print_message("skip: cgroup v2 has the pids controller here\n");
		skip();
	}
	assert_refused("bvt-bob", "sshd", "pids");
}

static void test_processes_budget__written_into_the_leaf(void **state)
{
	struct order order = open_as("bvt-bob");
	char path[2 * PATH_MAX];
	struct leader l;

	(void)state;
	need_stage();
	if (!env.has_pids) {
		print_message("skip: cgroup v2 has no pids controller here\n");
		skip();
	}
	l = opened(&order);
	snprintf(path, sizeof(path), "%s/session-%s/pids.max", env.base,
		 l.view->session);
	assert_true(file_has_word(path, "50"));
	assert_true(leader_step(&l, 'c'));
	leader_done(&l);
	eventually(nothing_left());
}

static void test_unconfined__exempt_unmatched_and_root(void **state)
{
	static const char *const free_ones[] = { "bvt-dave", "bvt-grace",
						 "root" };

	(void)state;
	need_stage();
	for (size_t i = 0; i < BV_LEN(free_ones); i++) {
		struct leader l = asked(free_ones[i], "sshd", BVP_MSG_OPEN);

		assert_int_equal(l.view->verdict, BVP_UNCONFINED);
		assert_string_equal(l.view->user_text, "");
		leader_done(&l);
	}
	eventually(nothing_left());
}

static void test_admit__decides_and_does_nothing(void **state)
{
	struct leader l;

	(void)state;
	need_stage();
	l = asked("bvt-alice", "sshd", BVP_MSG_ADMIT);
	assert_int_equal(l.view->verdict, BVP_ADMITTED);
	assert_int_equal(strlen(l.view->plan), 64);
	assert_int_equal(l.view->flags, 0);
	assert_int_equal(count_dir(env.base, "session-"), 0);
	leader_done(&l);
	eventually(nothing_left());
}

static void test_unknown_user__fault(void **state)
{
	struct leader l;

	(void)state;
	need_stage();
	l = asked("bvt-nobody-such", "sshd", BVP_MSG_OPEN);
	assert_int_equal(l.view->verdict, BVP_FAULT);
	assert_non_null(strstr(l.view->log_text, "not in the user database"));
	leader_done(&l);
}

/* --- configuration that cannot be trusted ---------------------------------- */

static void assert_fault(const char *user, const char *because)
{
	struct leader l = asked(user, "sshd", BVP_MSG_OPEN);

	assert_int_equal(l.view->verdict, BVP_FAULT);
	if (strstr(l.view->log_text, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", l.view->log_text,
			 because);
	leader_done(&l);
	eventually(nothing_left());
}

static void test_config__untrusted_file_refuses_all_but_root(void **state)
{
	struct leader l;

	(void)state;
	need_stage();
	policy("zed", "bvisor-policy 1\n[match]\nuser = nobody\n" CONFINE);
	must(chmod("/etc/bvisor/policies/zed.conf", 0666) == 0, "chmod");
	assert_refused("bvt-grace", "sshd", "mode 0666");
	l = asked("root", "sshd", BVP_MSG_OPEN);
	assert_int_equal(l.view->verdict, BVP_UNCONFINED);
	leader_done(&l);
	must(chmod("/etc/bvisor/policies/zed.conf", 0644) == 0, "chmod");
	must(chown("/etc/bvisor/policies/zed.conf", 64900, 0) == 0, "chown");
	assert_refused("bvt-grace", "sshd", "owner is uid 64900");
	must(unlink("/etc/bvisor/policies/zed.conf") == 0, "unlink");
	must(symlink("alice.conf", "/etc/bvisor/policies/zed.conf") == 0, "ln");
	assert_refused("bvt-grace", "sshd", "symbolic link");
	must(unlink("/etc/bvisor/policies/zed.conf") == 0, "unlink");
	must(mkfifo("/etc/bvisor/policies/zed.conf", 0600) == 0, "mkfifo");
	assert_refused("bvt-grace", "sshd", "not a regular file");
	must(unlink("/etc/bvisor/policies/zed.conf") == 0, "unlink");
	write_file("/etc/bvisor/policies/zed.conf", "");
	must(truncate("/etc/bvisor/policies/zed.conf", 300000) == 0, "grow");
	assert_refused("bvt-grace", "sshd", "300000 bytes");
	must(rename("/etc/bvisor/policies/zed.conf",
		    "/etc/bvisor/policies/z d.conf") == 0,
	     "rename");
	assert_refused("bvt-grace", "sshd", "[A-Za-z0-9._-]");
	must(unlink("/etc/bvisor/policies/z d.conf") == 0, "unlink");
	write_file("/etc/bvisor/policies/.zed.conf", "nonsense");
	write_file("/etc/bvisor/policies/zed.conf~", "nonsense");
	l = asked("bvt-grace", "sshd", BVP_MSG_OPEN);
	assert_int_equal(l.view->verdict, BVP_UNCONFINED);
	leader_done(&l);
	must(unlink("/etc/bvisor/policies/.zed.conf") == 0, "unlink");
	must(unlink("/etc/bvisor/policies/zed.conf~") == 0, "unlink");
}

static void test_config__untrusted_directory_is_a_fault(void **state)
{
	(void)state;
	need_stage();
	must(chmod("/etc/bvisor/policies", 0777) == 0, "chmod");
	assert_fault("bvt-grace", "/etc/bvisor/policies: mode 0777");
	must(chmod("/etc/bvisor/policies", 0755) == 0, "chmod");
	must(chmod("/etc/bvisor", 0775) == 0, "chmod");
	assert_fault("bvt-grace", "/etc/bvisor: mode 0775");
	must(chmod("/etc/bvisor", 0755) == 0, "chmod");
	must(chmod("/etc/bvisor/bvisor.conf", 0666) == 0, "chmod");
	assert_fault("bvt-grace", "/etc/bvisor/bvisor.conf: mode 0666");
	must(chmod("/etc/bvisor/bvisor.conf", 0644) == 0, "chmod");
}

static void test_record__no_room_no_session(void **state)
{
	(void)state;
	need_stage();
	(void)mkdir(STATE_DIR, 0700);
	must(mount("tmpfs", STATE_DIR, "tmpfs", MS_RDONLY, "mode=0700") == 0,
	     "mount");
	assert_fault("bvt-alice", STATE_DIR);
	must(umount2(STATE_DIR, MNT_DETACH) == 0, "umount");
	must(mount("tmpfs", STATE_DIR, "tmpfs", 0, "mode=0700,size=16k") == 0,
	     "mount");
	assert_fault("bvt-alice", "ENOSPC");
	assert_int_equal(count_dir(STATE_DIR "/sessions", ""), 0);
	must(umount2(STATE_DIR, MNT_DETACH) == 0, "umount");
}

static void test_start__refused_without_a_control_socket(void **state)
{
	pid_t pid;
	int status = 0;

	(void)state;
	need_stage();
	for (int with_pipe = 0; with_pipe < 2; with_pipe++) {
		pid = fork();
		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, 2);
			if (with_pipe == 1)
				dup2(null, 3);
			else
				close(3);
			execl(env.helper, "bvisor-helper", "guard",
			      (char *)NULL);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 2);
	}
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_close__confined_then_nothing_left),
		TEST(test_one_after_the_other__times),
		TEST(test_leader_dies__the_rest_dies_with_it),
		TEST(test_guardian_itself__not_an_easy_victim),
		TEST(test_commit__a_lie_is_seen),
		TEST(test_commit__silence_is_given_two_seconds),
		TEST(test_close__from_a_child_is_not_heard),
		TEST(test_second_open__same_plan_only),
		TEST(test_inside_a_leaf__another_guardian_agrees),
		TEST(test_wall_budget__kills_the_leader_too),
		TEST(test_sigterm_to_guardian__ends_the_session),
		TEST(test_guardian_and_leader_killed__the_next_one_sweeps),
		TEST(test_refusals__say_where_and_why),
		TEST(test_processes_budget__refused_without_pids),
		TEST(test_processes_budget__written_into_the_leaf),
		TEST(test_unconfined__exempt_unmatched_and_root),
		TEST(test_admit__decides_and_does_nothing),
		TEST(test_unknown_user__fault),
		TEST(test_config__untrusted_file_refuses_all_but_root),
		TEST(test_config__untrusted_directory_is_a_fault),
		TEST(test_record__no_room_no_session),
		TEST(test_start__refused_without_a_control_socket),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
