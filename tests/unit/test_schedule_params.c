/* SPDX-License-Identifier: MIT */
/*
 * What each parameter of a plan changes in its schedule, and what the helper
 * refuses before it lowers anything.
 */
#include <stdio.h>

#include "core/digest.h"
#include "tests/unit/schedule_plan.h"

struct turn {
	const char *what;
	void (*fn)(struct fixture *f);
	enum bv_prim changed[6]; /* 0-terminated: the record has none */
};

static void turn_pids(struct fixture *f)
{
	f->policy.budget[BV_DIM_PROCESSES].limit++;
}

static void turn_memory(struct fixture *f)
{
	f->policy.budget[BV_DIM_MEMORY].limit++;
}

static void turn_wall(struct fixture *f)
{
	f->policy.budget[BV_DIM_WALL].limit++;
}

static void turn_storage(struct fixture *f)
{
	f->policy.budget[BV_DIM_STORAGE] =
		(struct bv_budget_request){ .stated = true, .limit = 4096 };
}

static void turn_path(struct fixture *f)
{
	f->fs[1].path = "/srv/datb";
}

static void turn_rights(struct fixture *f)
{
	f->fs[1].rights |= BV_FS_WRITE;
}

static void turn_optional(struct fixture *f)
{
	f->fs[1].optional = true;
}

static void turn_base(struct fixture *f)
{
	f->policy.base = BV_BASE_NONE;
}

static void turn_temp(struct fixture *f)
{
	f->policy.temp_private = false;
}

static void turn_base_path(struct fixture *f)
{
	fixture_set(&f->snap, BV_FACT_CGROUP_BASE, "/sys/fs/cgroup/other");
}

static void turn_abi(struct fixture *f)
{
	fixture_set(&f->snap, BV_FACT_ABI_LANDLOCK, "1");
}

static void turn_arch(struct fixture *f)
{
	fixture_set(&f->snap, BV_FACT_ARCH, "aarch64");
}

static void turn_systemd(struct fixture *f)
{
	fixture_set(&f->snap, BV_FACT_SYSTEMD, "no");
}

static void turn_uid(struct fixture *f)
{
	f->subject.uid++;
}

static void turn_gid(struct fixture *f)
{
	f->subject.gid++;
}

/* Not of the boundary: two sessions of one plan differ in these. */
static void turn_login(struct fixture *f)
{
	f->subject.tty = "pts/3";
	f->subject.rhost = "198.51.100.1";
	f->subject.service = "login";
}

static const struct turn turns[] = {
	{ "pids", turn_pids, { BV_PRIM_CGROUP_PIDS } },
	{ "memory", turn_memory, { BV_PRIM_CGROUP_MEMORY } },
	{ "wall", turn_wall, { BV_PRIM_WALL_TIMER } },
	{ "storage", turn_storage, { BV_PRIM_VIEW_PRIVATE } },
	{ "path",
	  turn_path,
	  { BV_PRIM_VIEW_RECORDS, BV_PRIM_VIEW_HIDE, BV_PRIM_VIEW_READ_ONLY,
	    BV_PRIM_LANDLOCK_RULESET } },
	{ "rights",
	  turn_rights,
	  { BV_PRIM_VIEW_RECORDS, BV_PRIM_VIEW_HIDE, BV_PRIM_VIEW_READ_ONLY,
	    BV_PRIM_LANDLOCK_RULESET } },
	{ "optional",
	  turn_optional,
	  { BV_PRIM_VIEW_RECORDS, BV_PRIM_VIEW_HIDE, BV_PRIM_VIEW_READ_ONLY,
	    BV_PRIM_LANDLOCK_RULESET } },
	{ "base", turn_base, { BV_PRIM_LANDLOCK_RULESET } },
	{ "temp",
	  turn_temp,
	  { BV_PRIM_VIEW_PRIVATE, BV_PRIM_LANDLOCK_RULESET } },
	{ "cgroup base", turn_base_path, { BV_PRIM_CGROUP_LEAF } },
	{ "abi", turn_abi, { BV_PRIM_LANDLOCK_RULESET } },
	{ "arch", turn_arch, { BV_PRIM_SECCOMP_FILTER } },
	{ "systemd", turn_systemd, { BV_PRIM_SECCOMP_FILTER } },
	{ "uid", turn_uid, { BV_PRIM_VIEW_PRIVATE, BV_PRIM_LANDLOCK_RULESET } },
	{ "gid", turn_gid, { BV_PRIM_VIEW_PRIVATE } },
	{ "login", turn_login, { BV_PRIM_RECORD_STARTED } },
};

static bool is_listed(const struct turn *t, uint32_t index)
{
	for (size_t i = 0; i < BV_LEN(t->changed) && t->changed[i] != 0; i++)
		if ((uint32_t)t->changed[i] == index)
			return true;
	return false;
}

static void test_parameters__change_their_digest_and_no_other(void **state)
{
	(void)state;
	for (size_t t = 0; t < BV_LEN(turns); t++) {
		struct fixture f, g;
		struct bv_plan before, after;

		fixture_init(&f);
		fixture_init(&g);
		turns[t].fn(&g);
		scheduled(&f, &before);
		scheduled(&g, &after);
		assert_int_equal(before.schedule.n, after.schedule.n);
		for (size_t i = 0; i < before.schedule.n; i++) {
			const struct bv_schedule_entry *a =
				&before.schedule.entry[i];
			const struct bv_schedule_entry *b =
				&after.schedule.entry[i];
			bool differs = memcmp(a->param, b->param,
					      sizeof(a->param)) != 0;

			if (differs != is_listed(&turns[t], a->index))
				fail_msg("%s: %s %s", turns[t].what, a->id,
					 differs ? "changed" : "did not");
		}
		if (turns[t].changed[0] == 0)
			assert_string_equal(before.schedule.digest,
					    after.schedule.digest);
		else
			assert_string_not_equal(before.schedule.digest,
						after.schedule.digest);
		fixture_done(&f);
		fixture_done(&g);
	}
}

static void test_parameters__of_a_run(void **state)
{
	struct fixture f;
	struct bv_plan plan, other;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_LINUX_6_18, &f.snap);
	fixture_set(&f.snap, BV_FACT_PRIVILEGED, "no");
	f.policy.env_exact = true;
	scheduled(&f, &plan);
	for (unsigned int turn = 0; turn < 6; turn++) {
		switch (turn) {
		case 0:
			f.env[0].value = "C";
			break;
		case 1:
			f.env[0].name = "LC_ALL";
			break;
		case 2:
			f.env[1].is_lease = true;
			break;
		case 3:
			f.policy.env_n = 1;
			break;
		case 4:
			f.policy.env_exact = false;
			break;
		default:
			f.subject.gid++;
			break;
		}
		/* a lease is digested, though nothing carries it yet */
		plan_of(&f, &other);
		assert_int_equal(
			bv_schedule_build(&other, &other.schedule, NULL),
			BV_SCHEDULE_OK);
		assert_string_not_equal(plan.schedule.digest,
					other.schedule.digest);
		plan = other;
	}
	fixture_done(&f);
}

/* Computed by other hands: domain, id, then the fields. */
static void test_parameters__golden(void **state)
{
	static const struct {
		enum bv_prim prim;
		const char *param;
	} rows[] = {
		{ BV_PRIM_CGROUP_PIDS, "9dae1852023cc7b38de38ede6e25b210"
				       "5735afcc0e92ec80b5fd2631935708e8" },
		{ BV_PRIM_NO_NEW_PRIVS, "b5b65537aee2916a4ed7929d52d17f10"
					"c5c9b8e3adf445e7fa4d958c1e4a7be9" },
	};
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const struct bv_schedule_entry *e =
			bv_schedule_find(&plan.schedule, rows[i].prim);
		char got[65];

		for (size_t b = 0; b < sizeof(e->param); b++)
			snprintf(got + 2 * b, 3, "%02x", e->param[b]);
		assert_string_equal(got, rows[i].param);
	}
	fixture_done(&f);
}

/* The minimal base grants the shell, so there it is a parameter. */
static void test_parameters__shell_where_it_counts(void **state)
{
	static const enum bv_base bases[] = { BV_BASE_SYSTEM, BV_BASE_MINIMAL };

	(void)state;
	for (size_t i = 0; i < BV_LEN(bases); i++) {
		struct fixture f;
		struct bv_plan a, b;

		fixture_init(&f);
		f.policy.base = bases[i];
		scheduled(&f, &a);
		f.subject.shell = "/bin/dash";
		scheduled(&f, &b);
		assert_int_equal(strcmp(a.schedule.digest, b.schedule.digest) !=
					 0,
				 bases[i] == BV_BASE_MINIMAL);
		fixture_done(&f);
	}
}

/* --- each digest, written out once more -------------------------------------- */

static void begin(struct bv_digest *d, enum bv_prim prim)
{
	bv_digest_begin(d, "bvisor.primitive-param.v1");
	bv_digest_text(d, "id", bv_universe_linux()->p[prim].id);
}

static void assert_param(const struct bv_plan *plan, enum bv_prim prim,
			 struct bv_digest *d)
{
	const struct bv_schedule_entry *e =
		bv_schedule_find(&plan->schedule, prim);
	uint8_t want[BV_SHA256_BYTES];

	bv_digest_end(d, want);
	assert_non_null(e);
	if (memcmp(e->param, want, sizeof(want)) != 0)
		fail_msg("%s: other parameters", e->id);
}

static void put_rules(struct bv_digest *d)
{
	static const struct {
		const char *path;
		uint64_t rights;
		uint64_t optional;
	} rules[] = {
		{ "/etc/secret", BV_FS_HIDE, 0 },
		{ "/home/alice", BV_FS_READ | BV_FS_WRITE | BV_FS_EXEC, 0 },
		{ "/opt/tools", BV_FS_READ | BV_FS_EXEC, 1 },
		{ "/srv/data", BV_FS_READ, 0 },
	};
	struct bv_digest r;
	uint8_t sum[BV_SHA256_BYTES];

	bv_digest_begin(&r, "bvisor.filesystem-rules.v1");
	bv_digest_u64(&r, "rules", 4);
	for (size_t i = 0; i < BV_LEN(rules); i++) {
		bv_digest_text(&r, "path", rules[i].path);
		bv_digest_u64(&r, "rights", rules[i].rights);
		bv_digest_u64(&r, "optional", rules[i].optional);
	}
	bv_digest_end(&r, sum);
	bv_digest_bytes(d, "rules", sum, sizeof(sum));
}

static void assert_view(const struct bv_plan *plan, uint64_t user_namespace)
{
	static const enum bv_prim with_rules[] = { BV_PRIM_VIEW_HIDE,
						   BV_PRIM_VIEW_RECORDS };
	struct bv_digest d;

	begin(&d, BV_PRIM_VIEW_PRIVATE);
	bv_digest_u64(&d, "temp", 1);
	bv_digest_u64(&d, "bytes", 0);
	bv_digest_u64(&d, "uid", 1000);
	bv_digest_u64(&d, "gid", 1000);
	assert_param(plan, BV_PRIM_VIEW_PRIVATE, &d);
	begin(&d, BV_PRIM_VIEW_SERVICES);
	bv_digest_u64(&d, "user-namespace", user_namespace);
	assert_param(plan, BV_PRIM_VIEW_SERVICES, &d);
	for (size_t i = 0; i < BV_LEN(with_rules); i++) {
		begin(&d, with_rules[i]);
		bv_digest_u64(&d, "user-namespace", user_namespace);
		put_rules(&d);
		bv_digest_text(&d, "home", "/home/alice");
		assert_param(plan, with_rules[i], &d);
	}
}

static void assert_policy(const struct bv_plan *plan, uint64_t abi,
			  const char *arch, uint64_t signals, uint64_t bus)
{
	struct bv_digest d;

	begin(&d, BV_PRIM_LANDLOCK_RULESET);
	put_rules(&d);
	bv_digest_u64(&d, "abi", abi);
	bv_digest_text(&d, "base", "system");
	bv_digest_u64(&d, "temp", 1);
	bv_digest_u64(&d, "uid", 1000);
	bv_digest_text(&d, "shell", NULL);
	assert_param(plan, BV_PRIM_LANDLOCK_RULESET, &d);
	begin(&d, BV_PRIM_SECCOMP_FILTER);
	bv_digest_text(&d, "arch", arch);
	bv_digest_u64(&d, "deny-sockets", 1);
	bv_digest_u64(&d, "notify-signals", signals);
	bv_digest_u64(&d, "notify-bus", bus);
	assert_param(plan, BV_PRIM_SECCOMP_FILTER, &d);
	begin(&d, BV_PRIM_SECCOMP_INSTALL);
	bv_digest_u64(&d, "listener", signals || bus);
	assert_param(plan, BV_PRIM_SECCOMP_INSTALL, &d);
	begin(&d, BV_PRIM_WALL_TIMER);
	bv_digest_u64(&d, "us", 3600000000u);
	assert_param(plan, BV_PRIM_WALL_TIMER, &d);
}

static void test_parameters__of_a_session_written_out(void **state)
{
	struct fixture f;
	struct bv_digest d;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_view(&plan, 0);
	assert_policy(&plan, 2, "x86_64", 1, 1);
	begin(&d, BV_PRIM_CGROUP_LEAF);
	bv_digest_text(&d, "base",
		       "/sys/fs/cgroup/system.slice/bvisor.service");
	assert_param(&plan, BV_PRIM_CGROUP_LEAF, &d);
	begin(&d, BV_PRIM_CGROUP_MEMORY);
	bv_digest_u64(&d, "bytes", 536870912u);
	assert_param(&plan, BV_PRIM_CGROUP_MEMORY, &d);
	begin(&d, BV_PRIM_LEADER_ATTEST);
	bv_digest_u64(&d, "netns", 1);
	bv_digest_u64(&d, "no-new-privs", 1);
	assert_param(&plan, BV_PRIM_LEADER_ATTEST, &d);
	fixture_done(&f);
}

static void test_parameters__of_a_run_written_out(void **state)
{
	struct fixture f;
	struct bv_digest d;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	fixture_snapshot(MACHINE_LINUX_6_18, &f.snap);
	f.policy.env_exact = true;
	f.env[1].is_lease = false;
	scheduled(&f, &plan);
	assert_view(&plan, 1);
	assert_policy(&plan, 7, "", 0, 0);
	begin(&d, BV_PRIM_USERNS_CREATE);
	bv_digest_u64(&d, "uid", 1000);
	bv_digest_u64(&d, "gid", 1000);
	assert_param(&plan, BV_PRIM_USERNS_CREATE, &d);
	begin(&d, BV_PRIM_ENVIRONMENT);
	bv_digest_u64(&d, "exact", 1);
	bv_digest_u64(&d, "entries", 2);
	bv_digest_text(&d, "name", "LANG");
	bv_digest_u64(&d, "lease", 0);
	bv_digest_text(&d, "value", "C.UTF-8");
	bv_digest_text(&d, "name", "TOKEN");
	bv_digest_u64(&d, "lease", 0);
	bv_digest_text(&d, "value", "deploy-token");
	assert_param(&plan, BV_PRIM_ENVIRONMENT, &d);
	fixture_done(&f);
}

/* What the steps are given, beside what is digested. */
static void test_lowered__says_what_the_plan_says(void **state)
{
	static const struct {
		const char *abi;
		bool read_only, signals;
	} rows[] = { { "2", true, true },
		     { "3", false, true },
		     { "5", false, true },
		     { "6", false, false } };
	struct fixture f;
	struct bv_plan plan;
	struct bv_lowered l;

	(void)state;
	fixture_init(&f);
	plan_of(&f, &plan);
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.session && !l.user_namespace && l.netns);
	assert_true(l.deny_sockets && l.temp_private && l.hides);
	assert_true(l.no_new_privs && l.notify_bus);
	assert_true(l.has_pids && l.has_memory && l.has_wall);
	assert_int_equal(l.pids_max, 64);
	assert_int_equal(l.mem_max_bytes, 536870912);
	assert_int_equal(l.wall_us, 3600000000);
	assert_int_equal(l.tmp_size_bytes, 0);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		fixture_set(&plan.snapshot, BV_FACT_ABI_LANDLOCK, rows[i].abi);
		bv_lowered_from_plan(&plan, &l);
		assert_int_equal(l.read_only, rows[i].read_only);
		assert_int_equal(l.notify_signals, rows[i].signals);
	}
	/* A limit that is not stated is none, whatever stands beside it. */
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		plan.budget[d].stated = false;
		plan.budget[d].limit = 7;
	}
	bv_lowered_from_plan(&plan, &l);
	assert_false(l.has_pids || l.has_memory || l.has_wall);
	assert_int_equal(l.pids_max, 0);
	assert_int_equal(l.mem_max_bytes, 0);
	assert_int_equal(l.wall_us, 0);
	assert_int_equal(l.tmp_size_bytes, 0);
	f.spec.req[0].kind = BV_KIND_NETWORK_DENY_ALL;
	f.spec.req_n = 1;
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.netns && l.deny_sockets);
	f.spec.req_n = 0;
	bv_lowered_from_plan(&plan, &l);
	assert_false(l.netns || l.deny_sockets);
	fixture_done(&f);
}

/* --- before lowering ------------------------------------------------------- */

static void assert_rejects(const struct bv_plan *plan,
			   const struct bv_schedule *s, const char *because)
{
	struct bv_err err = { 0 };

	assert_int_equal(bv_schedule_recheck(plan, s, &err), BV_E_BUG);
	if (strstr(err.msg, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

static void test_recheck__says_what_differs(void **state)
{
	struct fixture f;
	struct bv_plan plan;
	struct bv_schedule s;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_int_equal(bv_schedule_recheck(&plan, &plan.schedule, NULL),
			 BV_OK);
	s = plan.schedule;
	s.entry[5].param[0] ^= 1;
	bv_schedule_digest(&s, s.digest);
	assert_rejects(&plan, &s,
		       "entry 5 (linux.cgroup.pids_max.v1) has another "
		       "set of parameters");
	s = plan.schedule;
	s.entry[0].param[31] ^= 1;
	assert_rejects(&plan, &s, "entry 0 (linux.record.started.v1)");
	s = plan.schedule;
	s.entry[18].actor = BV_ACTOR_GUARDIAN;
	bv_schedule_digest(&s, s.digest);
	assert_rejects(&plan, &s, "linux.netns.enter.v1) has another actor");
	s = plan.schedule;
	s.digest[0] = s.digest[0] == '0' ? '1' : '0';
	assert_rejects(&plan, &s, "have digest");
	s = plan.schedule;
	s.entry[0].decl[7] ^= 1;
	assert_rejects(&plan, &s,
		       "DeclarationIntegrity: "
		       "linux.record.started.v1");
	s = plan.schedule;
	s.n--;
	assert_rejects(&plan, &s, "RequirementUncovered: LaunchWorkload");
	/* The plan itself changed after it was admitted. */
	plan.budget[BV_DIM_PROCESSES].limit = 1000;
	assert_rejects(&plan, &plan.schedule, "linux.cgroup.pids_max.v1");
	plan.budget[BV_DIM_PROCESSES].stated = false;
	assert_rejects(&plan, &plan.schedule, "26 entries, the plan gives 25");
	fixture_done(&f);
}

static void test_find__what_is_there(void **state)
{
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	fixture_init(&f);
	scheduled(&f, &plan);
	assert_string_equal(
		bv_schedule_find(&plan.schedule, BV_PRIM_VIEW_HIDE)->id,
		"linux.view.hide.v1");
	assert_ptr_equal(
		bv_schedule_find(&plan.schedule, BV_PRIM_RECORD_STARTED),
		&plan.schedule.entry[0]);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_RUN_LAUNCH));
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_parameters__change_their_digest_and_no_other),
		cmocka_unit_test(test_parameters__of_a_run),
		cmocka_unit_test(test_parameters__golden),
		cmocka_unit_test(test_parameters__shell_where_it_counts),
		cmocka_unit_test(test_parameters__of_a_session_written_out),
		cmocka_unit_test(test_parameters__of_a_run_written_out),
		cmocka_unit_test(test_lowered__says_what_the_plan_says),
		cmocka_unit_test(test_recheck__says_what_differs),
		cmocka_unit_test(test_find__what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
