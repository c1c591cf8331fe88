/* SPDX-License-Identifier: MIT */
/*
 * A fault at every place of a session's schedule, with the real steps of the
 * boundary: whatever was made by then, nothing of it is left. Witnesses are
 * cgroupfs, /proc/self and a process that sat in the leaf.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper/admission.h"
#include "helper/boundary.h"
#include "tests/live/guard_stage.h"

#define STEPS_MAX 64u

/* One course, and what it is led by. */
struct trip {
	struct bvh_admission adm;
	struct bvh_boundary boundary;
	struct bvh_course course;
	size_t fail_at;
	char leaf[PATH_MAX + 128];
	pid_t inhabitant;
};

/* Placing is done here with a process of the test's; what is left of the
 * session's own steps, test_guard.c sees done and undone. */
static int place(struct bvh_course *c, struct bv_err *err)
{
	struct trip *t = c->owner;

	t->inhabitant = fork();
	if (t->inhabitant == 0) {
		for (;;)
			pause();
	}
	assert_true(t->inhabitant > 0);
	return bvh_leaf_add(&c->boundary->leaf, t->inhabitant, err);
}

static int nothing(struct bvh_course *c, struct bv_err *err)
{
	(void)c;
	(void)err;
	return BV_OK;
}

static const struct bvh_step trip_steps[BV_PRIM_N] = {
	[BV_PRIM_RECORD_STARTED] = { nothing, NULL, false },
	[BV_PRIM_SCOPE_ANCHOR] = { nothing, NULL, false },
	[BV_PRIM_SESSION_STATE] = { nothing, NULL, false },
	[BV_PRIM_CGROUP_PLACE] = { place, NULL, false },
	[BV_PRIM_SESSION_HANDOVER] = { nothing, NULL, false },
	[BV_PRIM_SESSION_WITHDRAW] = { nothing, NULL, false },
	[BV_PRIM_LEADER_ATTEST] = { nothing, NULL, false },
	[BV_PRIM_WALL_TIMER] = { nothing, NULL, false },
	[BV_PRIM_SESSION_RELEASE] = { nothing, NULL, false },
};

static int fail_here(struct bvh_course *c, const struct bv_schedule_entry *e,
		     struct bv_err *err)
{
	const struct trip *t = c->owner;

	if (c->at == t->fail_at)
		return bv_fail(err, BV_E_SYS, "planted after %s", e->id);
	return BV_OK;
}

static struct trip *trip_new(size_t fail_at)
{
	const struct bvh_login login = { "bvt-alice", "sshd", "", "", false };
	struct trip *t = calloc(1, sizeof(*t));
	struct bv_err err = { 0 };

	assert_non_null(t);
	bvh_admission_init(&t->adm);
	bvh_boundary_init(&t->boundary);
	if (bvh_admit(BVH_CONFIG_DIR, &login, "none", &t->adm, &err) != BV_OK)
		fail_msg("%s", err.msg);
	if (t->adm.decision != BVH_DECIDE_ADMIT)
		fail_msg("%s", t->adm.refusal.text);
	t->fail_at = fail_at;
	t->boundary.base = &t->adm.base;
	t->boundary.session_id = "00000000000bac00";
	t->course = (struct bvh_course){
		.plan = &t->adm.plan,
		.boundary = &t->boundary,
		.self = BV_ACTOR_GUARDIAN,
		.steps = trip_steps,
		.owner = t,
		.seen = fail_here,
	};
	snprintf(t->leaf, sizeof(t->leaf), "%s/session-00000000000bac00",
		 env.base);
	return t;
}

static void trip_done(struct trip *t)
{
	bvh_admission_done(&t->adm);
	free(t);
}

/* What the process itself is: where it stands and what it holds. */
struct self_view {
	ino_t mntns;
	ino_t netns;
	char cwd[PATH_MAX];
	size_t fds;
	size_t mounts;
};

static size_t count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static struct self_view look_at_self(void)
{
	struct self_view v = { .mntns = 0 };
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/mnt", &st), 0);
	v.mntns = st.st_ino;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	v.netns = st.st_ino;
	assert_non_null(getcwd(v.cwd, sizeof(v.cwd)));
	v.fds = count_dir("/proc/self/fd", "");
	v.mounts = count_lines("/proc/self/mountinfo");
	return v;
}

static void assert_unchanged(const struct self_view *a,
			     const struct self_view *b)
{
	assert_int_equal(a->mntns, b->mntns);
	assert_int_equal(a->netns, b->netns);
	assert_string_equal(a->cwd, b->cwd);
	assert_int_equal(a->fds, b->fds);
	assert_int_equal(a->mounts, b->mounts);
}

static size_t position(const struct trip *t, enum bv_prim prim)
{
	const struct bv_schedule *s = &t->adm.plan.schedule;
	const struct bv_schedule_entry *e = bv_schedule_find(s, prim);

	assert_non_null(e);
	return (size_t)(e - s->entry);
}

static void assert_made(const struct trip *t, const struct self_view *before)
{
	const size_t at = t->fail_at;
	const struct bvh_boundary *b = &t->boundary;
	const struct self_view now = look_at_self();

	assert_int_equal(access(t->leaf, F_OK) == 0,
			 at >= position(t, BV_PRIM_CGROUP_LEAF));
	assert_int_equal(b->netns_fd >= 0,
			 at >= position(t, BV_PRIM_NETNS_CREATE));
	assert_int_equal(b->mntns_fd >= 0,
			 at >= position(t, BV_PRIM_VIEW_CREATE));
	assert_int_equal(b->ruleset_fd >= 0,
			 at >= position(t, BV_PRIM_LANDLOCK_RULESET));
	assert_int_equal(b->bpf.n > 0,
			 at >= position(t, BV_PRIM_SECCOMP_FILTER));
	assert_int_equal(t->inhabitant > 0,
			 at >= position(t, BV_PRIM_CGROUP_PLACE));
	/* Whatever it failed in, it is back where it was. */
	assert_int_equal(now.mntns, before->mntns);
	assert_int_equal(now.netns, before->netns);
	assert_string_equal(now.cwd, before->cwd);
	assert_int_equal(now.mounts, before->mounts);
}

static void assert_dead(struct trip *t)
{
	siginfo_t info = { .si_pid = 0 };

	if (t->inhabitant == 0)
		return;
	assert_int_equal(
		waitid(P_PID, (id_t)t->inhabitant, &info, WEXITED | WNOHANG),
		0);
	assert_int_equal(info.si_pid, t->inhabitant);
	assert_int_equal(info.si_code, CLD_KILLED);
	assert_int_equal(info.si_status, SIGKILL);
}

static size_t fail_after(size_t at)
{
	struct trip *t = trip_new(at);
	const struct self_view before = look_at_self();
	struct bv_err err = { 0 };
	const size_t n = t->adm.plan.schedule.n;
	bool ours;
	struct self_view after;

	if (at >= n) {
		trip_done(t);
		return n;
	}
	ours = t->adm.plan.schedule.entry[at].actor == BV_ACTOR_GUARDIAN;
	assert_int_equal(bvh_course_start(&t->course, &err), BV_OK);
	assert_int_equal(bvh_course_run(&t->course, &err),
			 ours ? BV_E_SYS : BV_OK);
	if (ours) {
		assert_non_null(strstr(err.msg, "planted"));
		assert_made(t, &before);
	}
	if (bvh_course_back(&t->course, &err) != BV_OK)
		fail_msg("after %zu: %s", at, err.msg);
	assert_int_not_equal(access(t->leaf, F_OK), 0);
	assert_int_equal(count_dir(env.base, "session-"), 0);
	assert_dead(t);
	after = look_at_self();
	assert_unchanged(&before, &after);
	trip_done(t);
	return n;
}

static void test_fault__after_every_step_nothing_is_left(void **state)
{
	size_t n = 1;

	(void)state;
	need_stage();
	assert_int_equal(chdir("/home"), 0);
	for (size_t at = 0; at < n; at++)
		n = fail_after(at);
	assert_int_equal(chdir("/"), 0);
	print_message("# %zu steps\n", n);
	assert_true(n >= 18);
}

/* The kernel itself says no in the middle of the view: a path to hide that is
 * not there. */
static void test_view_that_cannot_be_filled__we_are_back_outside(void **state)
{
	static const char text[] =
		"bvisor-policy 1\n[match]\nuser = bvt-alice\n"
		"[filesystem]\nbase = system\nhide = /home/no-such-thing\n"
		"[network]\naccess = deny\n";
	struct self_view before, after;
	struct bv_err err = { 0 };
	struct trip *t;

	(void)state;
	need_stage();
	policy("alice", text);
	t = trip_new(STEPS_MAX);
	before = look_at_self();
	assert_int_equal(bvh_course_start(&t->course, &err), BV_OK);
	assert_int_equal(bvh_course_run(&t->course, &err), BV_E_REFUSED);
	assert_memory_equal(err.msg, "/etc/bvisor/policies/alice.conf:6: ", 35);
	assert_int_equal(access(t->leaf, F_OK), 0);
	assert_int_equal(bvh_course_back(&t->course, &err), BV_OK);
	assert_int_not_equal(access(t->leaf, F_OK), 0);
	after = look_at_self();
	assert_unchanged(&before, &after);
	trip_done(t);
	write_policies();
}

static json_t *steps_of(const json_t *record)
{
	return json_object_get(json_object_get(record, "schedule"), "executed");
}

static bool lists(const json_t *record, const char *id)
{
	const json_t *steps = steps_of(record);

	for (size_t i = 0; i < json_array_size(steps); i++)
		if (strcmp(json_string_value(json_array_get(steps, i)), id) ==
		    0)
			return true;
	return false;
}

/* The whole guardian, stopped by a full disk of its own making: no state file
 * can be written, so nothing comes after it. */
static void test_guardian__no_state_file_no_leaf(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	json_t *record;

	(void)state;
	need_stage();
	(void)mkdir(RUN_DIR, 0755);
	must(mount("tmpfs", RUN_DIR, "tmpfs", MS_RDONLY, "mode=0755") == 0,
	     "a run directory that cannot be written");
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->verdict, BVP_FAULT);
	assert_non_null(strstr(l.view->log_text, "linux.session.state.v1"));
	must(umount2(RUN_DIR, MNT_DETACH) == 0, "umount");
	assert_outcome(&l, "supervisor-fault");
	record = record_of(&l);
	assert_true(lists(record, "linux.record.started.v1"));
	assert_true(lists(record, "linux.scope.anchor.v1"));
	assert_false(lists(record, "linux.session.state.v1"));
	assert_false(lists(record, "linux.cgroup.leaf.v1"));
	json_decref(record);
	eventually(nothing_left());
	leader_done(&l);
}

static void test_guardian__report_lists_what_was_executed(void **state)
{
	struct order order = open_as("bvt-alice");
	struct trip *t = NULL;
	const struct bv_schedule *s;
	struct leader l;
	json_t *record;

	(void)state;
	need_stage();
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_true(l.view->attested);
	assert_true(leader_step(&l, 'c'));
	record = record_of(&l);
	t = trip_new(STEPS_MAX); /* the same plan, decided here */
	s = &t->adm.plan.schedule;
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(record, "schedule"), "digest")),
		s->digest);
	assert_int_equal(json_array_size(steps_of(record)), s->n);
	for (size_t i = 0; i < s->n; i++)
		assert_string_equal(
			json_string_value(json_array_get(steps_of(record), i)),
			s->entry[i].id);
	json_decref(record);
	trip_done(t);
	leader_done(&l);
	eventually(nothing_left());
}

/* A lie about the commit: all was run but the last three. */
static void test_guardian__a_lie_shows_how_far_it_came(void **state)
{
	struct order order = open_as("bvt-alice");
	struct leader l;
	json_t *record;

	(void)state;
	need_stage();
	order.honesty = LIES;
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	assert_int_equal(l.view->late_verdict, BVP_FAULT);
	assert_non_null(strstr(l.view->late_text, "linux.leader.attest.v1"));
	eventually(nothing_left());
	record = record_of(&l);
	assert_true(lists(record, "linux.session.withdraw.v1"));
	assert_false(lists(record, "linux.leader.attest.v1"));
	assert_false(lists(record, "linux.session.release.v1"));
	json_decref(record);
	leader_done(&l);
}

#define READS(path)                                                            \
	"bvisor-policy 1\n[match]\nuser = bvt-alice\n[filesystem]\n"           \
	"base = system\nread = " path "\n[network]\naccess = deny\n"
#define CREATE_IT "create it, or put '-' in front"

/* Refused, not broken: the text begins with the line and ends with what to do. */
static void assert_path_refused(const struct leader *l)
{
	static const char file[] = "/etc/bvisor/policies/alice.conf:6: ";

	assert_int_equal(l->view->verdict, BVP_REFUSED);
	if (strncmp(l->view->log_text, file, strlen(file)) != 0)
		fail_msg("'%s'", l->view->log_text);
	assert_non_null(strstr(l->view->log_text, CREATE_IT));
}

static struct leader asked(uint16_t type)
{
	struct order order = open_as("bvt-alice");
	struct leader l;

	order.type = type;
	l = start(&order);
	assert_true(leader_step(&l, 'o'));
	return l;
}

/* At account it may still be made; at the session nothing begins without it. */
static void test_path_not_there__refused_when_the_session_begins(void **state)
{
	struct leader l;
	char path[PATH_MAX];

	(void)state;
	need_stage();
	policy("alice", READS("/nonexistent/dir"));
	l = asked(BVP_MSG_ADMIT);
	assert_int_equal(l.view->verdict, BVP_ADMITTED);
	leader_done(&l);
	l = asked(BVP_MSG_OPEN);
	assert_path_refused(&l);
	snprintf(path, sizeof(path), STATE_DIR "/sessions/%s.json",
		 l.view->session);
	assert_int_not_equal(access(path, F_OK), 0);
	leader_done(&l);
	eventually(nothing_left());
	policy("alice", READS("-/nonexistent/dir"));
	l = asked(BVP_MSG_OPEN);
	assert_int_equal(l.view->verdict, BVP_ADMITTED);
	leader_done(&l);
	eventually(nothing_left());
	/* what is absent in the view alone is met by the step that opens it */
	policy("alice", READS("/tmp/nonexistent"));
	l = asked(BVP_MSG_OPEN);
	assert_path_refused(&l);
	assert_outcome(&l, "denied");
	leader_done(&l);
	eventually(nothing_left());
	write_policies();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			test_fault__after_every_step_nothing_is_left,
			sweep_stage),
		cmocka_unit_test_teardown(
			test_view_that_cannot_be_filled__we_are_back_outside,
			sweep_stage),
		cmocka_unit_test_teardown(test_guardian__no_state_file_no_leaf,
					  sweep_stage),
		cmocka_unit_test_teardown(
			test_guardian__report_lists_what_was_executed,
			sweep_stage),
		cmocka_unit_test_teardown(
			test_guardian__a_lie_shows_how_far_it_came,
			sweep_stage),
		cmocka_unit_test_teardown(
			test_path_not_there__refused_when_the_session_begins,
			sweep_stage),
	};

	return cmocka_run_group_tests(tests, set_stage, clear_stage);
}
