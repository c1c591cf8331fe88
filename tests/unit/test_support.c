/* SPDX-License-Identifier: MIT */
/* The matrix states every key; recorded machines give the same ceiling. */
#include "tests/unit/boundary_fixture.h"

#include "core/support.h"

#define ATTESTED BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)
#define OUTCOME  BV_EV_BIT(BV_EV_TERMINAL_OUTCOME)
#define LINEAGE  BV_EV_BIT(BV_EV_ARTIFACT_LINEAGE)
#define USAGE    BV_EV_BIT(BV_EV_RESOURCE_USAGE)

/* What this release builds. */
static const bool is_built[BV_REQ_N] = {
	[BV_REQ_FILESYSTEM] = true,
	[BV_REQ_FS_READ] = true,
	[BV_REQ_FS_WRITE] = true,
	[BV_REQ_FS_EXEC] = true,
	[BV_REQ_FS_HIDE] = true,
	[BV_REQ_NETWORK_DENY_ALL] = true,
	[BV_REQ_NETWORK_ALLOW_LIST] = true,
	[BV_REQ_SPAWN_ALLOW_DESCENDANTS] = true,
	[BV_REQ_SPAWN_DENY_NEW_TASKS] = true,
	[BV_REQ_SPAWN_ALLOW_THREADS] = true,
	[BV_REQ_ENVIRONMENT] = true,
	[BV_REQ_ENVIRONMENT_LEASE] = true,
	[BV_REQ_FDS_NONE] = true,
	[BV_REQ_FDS_ONLY] = true,
	[BV_REQ_CAPTURE_STREAMS] = true,
	[BV_REQ_LAUNCH_WORKLOAD] = true,
	[BV_REQ_TEMP_ROOT] = true,
	[BV_REQ_TEMP_ROOT_SIZED] = true,
	[BV_REQ_KILL_ATOMIC] = true,
	[BV_REQ_KILL_BEST_EFFORT] = true,
	[BV_REQ_EXPOSE_RO] = true,
	[BV_REQ_EXPOSE_RW] = true,
	[BV_REQ_COMMIT_ATOMIC] = true,
	[BV_REQ_COMMIT_DURABLE] = true,
	[BV_REQ_COMMIT_BEST_EFFORT] = true,
	[BV_REQ_DISCARD_ARTIFACT] = true,
	[BV_REQ_LIST_OUTPUTS] = true,
};

static void test_matrix__every_key__stated(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		const struct bv_verdict *v = bv_support_linux((enum bv_req)r);

		assert_non_null(v);
		/* A row left out would be all zero: no mechanism at all. */
		assert_non_null(v->mechanism);
		assert_non_null(v->missing);
		assert_non_null(v->remedy);
		assert_int_equal(v->enforcement,
				 is_built[r] ? BV_ENFORCED : BV_UNSUPPORTED);
		if (is_built[r])
			continue;
		assert_int_equal(v->evidence, 0);
		assert_non_null(
			strstr(v->missing, "not built in this release"));
		assert_true(strlen(v->remedy) > 0);
	}
	assert_null(bv_support_linux(BV_REQ_N));
}

/* Per axis, over all triples of verdicts: the meet is a lattice's. */
#define GRADES (3u * 8u)

static struct bv_verdict grade(unsigned int i)
{
	static const enum bv_enforcement e[] = { BV_UNSUPPORTED, BV_MEDIATED,
						 BV_ENFORCED };

	return (struct bv_verdict){ .enforcement = e[i % 3],
				    .evidence = i / 3 };
}

static bool same_grade(struct bv_verdict a, struct bv_verdict b)
{
	return a.enforcement == b.enforcement && a.evidence == b.evidence;
}

static void test_meet__all_triples__laws(void **state)
{
	const struct bv_verdict top = grade(GRADES - 1), bottom = grade(0);

	(void)state;
	for (unsigned int i = 0; i < GRADES; i++) {
		struct bv_verdict a = grade(i);

		assert_true(same_grade(bv_verdict_meet(&a, &a), a));
		assert_true(same_grade(bv_verdict_meet(&a, &top), a));
		assert_true(same_grade(bv_verdict_meet(&a, &bottom), bottom));
		for (unsigned int j = 0; j < GRADES; j++) {
			struct bv_verdict b = grade(j);
			struct bv_verdict ab = bv_verdict_meet(&a, &b);

			assert_true(same_grade(ab, bv_verdict_meet(&b, &a)));
			assert_true(bv_enforcement_strength(ab.enforcement) <=
				    bv_enforcement_strength(a.enforcement));
			assert_int_equal(ab.evidence & ~a.evidence, 0);
			for (unsigned int k = 0; k < GRADES; k++) {
				struct bv_verdict c = grade(k);
				struct bv_verdict bc = bv_verdict_meet(&b, &c);

				assert_true(
					same_grade(bv_verdict_meet(&ab, &c),
						   bv_verdict_meet(&a, &bc)));
			}
		}
	}
}

/* Its words are those of the weaker side. */
static void test_meet__words__of_the_weaker(void **state)
{
	struct bv_verdict none = grade(0), some = grade(1), full = grade(2);

	(void)state;
	none.missing = "none";
	some.missing = "some";
	full.missing = "full";
	assert_string_equal(bv_verdict_meet(&none, &full).missing, "none");
	assert_string_equal(bv_verdict_meet(&full, &none).missing, "none");
	assert_string_equal(bv_verdict_meet(&full, &some).missing, "some");
	assert_string_equal(bv_verdict_meet(&some, &full).missing, "some");
	/* A value that no enum has is as good as nothing. */
	some.enforcement = (enum bv_enforcement)77;
	full.enforcement = (enum bv_enforcement)78;
	assert_int_equal(bv_verdict_meet(&some, &full).enforcement,
			 BV_UNSUPPORTED);
	full = none;
	full.missing = "other";
	assert_string_equal(bv_verdict_meet(&none, &full).missing, "none");
}

/* A machine of another backend is not one of ours, whatever its facts. */
static void test_ceiling__other_backend__all_refused(void **state)
{
	static const char *const other[] = { "wasm2", "", "linux2", "other" };

	(void)state;
	for (size_t i = 0; i < BV_LEN(other); i++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot(MACHINE_DEBIAN_13, &snap);
		fixture_set(&snap, BV_FACT_BACKEND, other[i]);
		bv_profile_derive(&snap, &p);
		for (unsigned int r = 0; r < BV_REQ_N; r++)
			assert_int_equal(p.req[r].enforcement, BV_UNSUPPORTED);
		for (unsigned int d = 0; d < BV_DIM_N; d++)
			assert_int_equal(p.budget[d].enforcement,
					 BV_UNSUPPORTED);
		assert_string_equal(p.req[BV_REQ_KILL_ATOMIC].fact[0],
				    BV_FACT_BACKEND);
	}
}

/* A kind is its strongest key. */
static void test_ceiling__kind__best_of_its_keys(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot((enum fixture_machine_id)m, &snap);
		bv_profile_derive(&snap, &p);
		for (unsigned int k = 0; k < BV_KIND_N; k++) {
			unsigned int best = 0;

			for (unsigned int r = 0; r < BV_REQ_N; r++) {
				unsigned int s = bv_enforcement_strength(
					p.req[r].enforcement);

				if (bv_req_kind((enum bv_req)r) ==
					    (enum bv_kind)k &&
				    s > best)
					best = s;
			}
			assert_int_equal(
				bv_enforcement_strength(p.kind[k].enforcement),
				best);
		}
	}
}

/* The ceiling as well: on a machine of which nothing is known, every kind is
 * Unsupported and says what is missing; no kind is simply forgotten. */
static void test_ceiling__nothing_known__all_refused_with_reason(void **state)
{
	struct bv_snapshot nothing = { .n = 0 };
	struct bv_profile p;

	(void)state;
	fixture_set(&nothing, BV_FACT_BACKEND, "linux");
	bv_profile_derive(&nothing, &p);
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		assert_int_equal(p.req[r].enforcement, BV_UNSUPPORTED);
		assert_int_equal(p.req[r].evidence, 0);
		assert_string_equal(p.req[r].mechanism, "linux:none");
		assert_true(strlen(p.req[r].missing) > 0);
		assert_true(strlen(p.req[r].remedy) > 0);
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		assert_int_equal(p.budget[d].enforcement, BV_UNSUPPORTED);
		assert_int_equal(p.budget[d].evidence, 0);
		assert_true(p.budget[d].available == UINT64_MAX);
		assert_true(strlen(p.budget[d].missing) > 0);
		assert_true(strlen(p.budget[d].remedy) > 0);
	}
}

struct expected_kind {
	enum bv_kind kind;
	uint32_t evidence;
	const char *mechanism;
};

/* What a guardian with a view of its own shares with the host. */
#define SHARED                                                                 \
	{ BV_KIND_EXPOSE_PATH, ATTESTED, "linux:bind_mount+read_only" },       \
		{ BV_KIND_COMMIT_ARTIFACT, LINEAGE | ATTESTED,                 \
		  "linux:outbox+rename" },                                     \
		{ BV_KIND_DISCARD_ARTIFACT, LINEAGE, "linux:outbox+drop" },    \
	{                                                                      \
		BV_KIND_LIST_OUTPUTS, LINEAGE, "linux:outbox+sha256"           \
	}

/* The kinds each machine enforces; every other one is Unsupported. */
static const struct expected_kind expected[MACHINE_N][BV_KIND_N] = {
	[MACHINE_DEBIAN_12] = {
		{ BV_KIND_FILESYSTEM, ATTESTED, "linux:landlock+read_only_view" },
		{ BV_KIND_NETWORK_DENY_ALL, ATTESTED,
		  "linux:empty_netns+seccomp_families" },
		{ BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS, ATTESTED,
		  "linux:cgroup_leaf" },
		{ BV_KIND_LAUNCH_WORKLOAD, ATTESTED, "linux:session_commit" },
		{ BV_KIND_TEMP_ROOT, ATTESTED, "linux:tmpfs_view" },
		{ BV_KIND_KILL, ATTESTED, "linux:cgroup_kill" },
		SHARED,
	},
	[MACHINE_DEBIAN_13] = {
		{ BV_KIND_FILESYSTEM, ATTESTED, "linux:landlock" },
		{ BV_KIND_NETWORK_DENY_ALL, ATTESTED,
		  "linux:empty_netns+seccomp_families" },
		{ BV_KIND_NETWORK_ALLOW_LIST, ATTESTED,
		  "linux:cgroup_bpf+landlock_ports" },
		{ BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS, ATTESTED,
		  "linux:cgroup_leaf" },
		{ BV_KIND_LAUNCH_WORKLOAD, ATTESTED, "linux:session_commit" },
		{ BV_KIND_TEMP_ROOT, ATTESTED, "linux:tmpfs_view" },
		{ BV_KIND_KILL, ATTESTED, "linux:cgroup_kill" },
		SHARED,
	},
	[MACHINE_LINUX_6_18] = {
		{ BV_KIND_FILESYSTEM, ATTESTED, "linux:landlock" },
		{ BV_KIND_NETWORK_DENY_ALL, ATTESTED,
		  "linux:empty_netns+seccomp_families" },
		{ BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS, ATTESTED,
		  "linux:cgroup_leaf" },
		{ BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS, 0,
		  "linux:run_seccomp_spawn" },
		{ BV_KIND_CHILD_SPAWN_ALLOW_THREADS, 0,
		  "linux:run_seccomp_spawn" },
		{ BV_KIND_ENVIRONMENT, 0, "linux:run_exact_environment" },
		{ BV_KIND_INHERITED_FDS_NONE, 0, "linux:run_close_range" },
		{ BV_KIND_LAUNCH_WORKLOAD, OUTCOME | ATTESTED,
		  "linux:run_launch" },
		{ BV_KIND_TEMP_ROOT, ATTESTED, "linux:tmpfs_view" },
		{ BV_KIND_KILL, ATTESTED, "linux:cgroup_kill" },
		{ BV_KIND_EXPOSE_PATH, 0,
		  "linux:run_bind_mount+read_only" },
	},
	[MACHINE_NO_DELEGATION] = {
		{ BV_KIND_FILESYSTEM, ATTESTED, "linux:landlock" },
		{ BV_KIND_LAUNCH_WORKLOAD, ATTESTED, "linux:session_commit" },
	},
	[MACHINE_CGROUP_V1] = {
		{ BV_KIND_FILESYSTEM, ATTESTED, "linux:landlock" },
		{ BV_KIND_NETWORK_DENY_ALL, ATTESTED,
		  "linux:empty_netns+seccomp_families" },
		{ BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS, ATTESTED,
		  "linux:cgroup_leaf" },
		{ BV_KIND_LAUNCH_WORKLOAD, ATTESTED, "linux:session_commit" },
		{ BV_KIND_TEMP_ROOT, ATTESTED, "linux:tmpfs_view" },
		{ BV_KIND_KILL, ATTESTED, "linux:cgroup_kill" },
		SHARED,
	},
};

static const struct expected_kind *expected_for(enum fixture_machine_id m,
						enum bv_kind kind)
{
	for (size_t i = 0; i < BV_KIND_N && expected[m][i].mechanism; i++)
		if (expected[m][i].kind == kind)
			return &expected[m][i];
	return NULL;
}

static void test_ceiling__recorded_machines__all_kinds(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot((enum fixture_machine_id)m, &snap);
		bv_profile_derive(&snap, &p);
		for (unsigned int k = 0; k < BV_KIND_N; k++) {
			const struct bv_verdict *v = &p.kind[k];
			const struct expected_kind *e = expected_for(
				(enum fixture_machine_id)m, (enum bv_kind)k);

			if ((e != NULL) != (v->enforcement == BV_ENFORCED))
				fail_msg("%s: %s is %s: %s",
					 fixture_machines[m].name,
					 bv_kind_name((enum bv_kind)k),
					 bv_enforcement_name(v->enforcement),
					 v->missing);
			if (e) {
				assert_int_equal(v->evidence, e->evidence);
				assert_string_equal(v->mechanism, e->mechanism);
				assert_string_equal(v->missing, "");
			} else {
				assert_int_equal(v->enforcement,
						 BV_UNSUPPORTED);
				assert_int_equal(v->evidence, 0);
				assert_true(strlen(v->missing) > 0);
				assert_true(strlen(v->remedy) > 0);
			}
		}
	}
}

static void test_ceiling__every_machine__below_matrix(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot((enum fixture_machine_id)m, &snap);
		bv_profile_derive(&snap, &p);
		for (unsigned int r = 0; r < BV_REQ_N; r++) {
			const struct bv_verdict *best =
				bv_support_linux((enum bv_req)r);

			assert_true(
				bv_enforcement_strength(p.req[r].enforcement) <=
				bv_enforcement_strength(best->enforcement));
			assert_int_equal(p.req[r].evidence & ~best->evidence,
					 0);
		}
	}
}

/* One fact changed on an able machine, one kind lost (or kept). */
static void test_ceiling__one_fact__decides(void **state)
{
	static const struct {
		enum fixture_machine_id machine;
		const char *key;
		const char *value;
		const char *key2;
		const char *value2;
		enum bv_kind kind;
		enum bv_enforcement enforcement;
		const char *said; /* in missing, or the mechanism */
	} cases[] = {
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "0", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_UNSUPPORTED, "landlock ABI 3" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "1", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_UNSUPPORTED, "landlock ABI 3" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "2", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_ENFORCED,
		  "linux:landlock+read_only_view" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "2",
		  BV_FACT_NS_MOUNT, "no", BV_KIND_FILESYSTEM, BV_UNSUPPORTED,
		  "2 with a mount namespace" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "3",
		  BV_FACT_NS_MOUNT, "no", BV_KIND_FILESYSTEM, BV_ENFORCED,
		  "linux:landlock" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "3", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_ENFORCED, "linux:landlock" },
		{ MACHINE_DEBIAN_13, BV_FACT_SECCOMP_FILTER, "no", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_UNSUPPORTED, "seccomp" },
		{ MACHINE_DEBIAN_13, BV_FACT_SECCOMP_FILTER, "no", NULL, NULL,
		  BV_KIND_NETWORK_DENY_ALL, BV_UNSUPPORTED, "seccomp" },
		{ MACHINE_DEBIAN_13, BV_FACT_SECCOMP_FILTER, "no", NULL, NULL,
		  BV_KIND_LAUNCH_WORKLOAD, BV_UNSUPPORTED, "seccomp" },
		{ MACHINE_DEBIAN_13, BV_FACT_NS_NET, "no", NULL, NULL,
		  BV_KIND_NETWORK_DENY_ALL, BV_UNSUPPORTED,
		  "network namespace" },
		{ MACHINE_DEBIAN_13, BV_FACT_NS_MOUNT, "no", NULL, NULL,
		  BV_KIND_TEMP_ROOT, BV_UNSUPPORTED, "mount namespace" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_KILL, "no", NULL, NULL,
		  BV_KIND_KILL, BV_UNSUPPORTED, "cgroup.kill" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_KILL, "no", NULL, NULL,
		  BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS, BV_UNSUPPORTED,
		  "cgroup.kill" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_BASE, "", NULL, NULL,
		  BV_KIND_KILL, BV_UNSUPPORTED, "no cgroup v2 base" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_BASE, "/", NULL, NULL,
		  BV_KIND_KILL, BV_ENFORCED, "linux:cgroup_kill" },
		/* Signals: either witness of the boundary is enough. */
		{ MACHINE_DEBIAN_13, BV_FACT_SECCOMP_NOTIFY, "no", NULL, NULL,
		  BV_KIND_LAUNCH_WORKLOAD, BV_ENFORCED,
		  "linux:session_commit" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "5", NULL, NULL,
		  BV_KIND_LAUNCH_WORKLOAD, BV_ENFORCED,
		  "linux:session_commit" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "5",
		  BV_FACT_SECCOMP_NOTIFY, "no", BV_KIND_LAUNCH_WORKLOAD,
		  BV_UNSUPPORTED, "signals would leave" },
		{ MACHINE_LINUX_6_18, BV_FACT_EXEC_BOUNDARY, "none", NULL, NULL,
		  BV_KIND_ENVIRONMENT, BV_UNSUPPORTED, "exec boundary" },
		{ MACHINE_LINUX_6_18, BV_FACT_EXEC_BOUNDARY, "none", NULL, NULL,
		  BV_KIND_INHERITED_FDS_NONE, BV_UNSUPPORTED, "exec boundary" },
		{ MACHINE_DEBIAN_12, BV_FACT_EXEC_BOUNDARY, "run", NULL, NULL,
		  BV_KIND_ENVIRONMENT, BV_ENFORCED,
		  "linux:run_exact_environment" },
		/* The login's own: by its shell, or past a shell before it. */
		{ MACHINE_DEBIAN_12, BV_FACT_EXEC_BOUNDARY, "shell", NULL, NULL,
		  BV_KIND_ENVIRONMENT, BV_ENFORCED,
		  "linux:shell_exact_environment" },
		{ MACHINE_DEBIAN_12, BV_FACT_EXEC_BOUNDARY, "shell", NULL, NULL,
		  BV_KIND_INHERITED_FDS_ONLY, BV_ENFORCED,
		  "linux:shell_close_range" },
		{ MACHINE_DEBIAN_13, BV_FACT_EXEC_BOUNDARY, "shell", NULL, NULL,
		  BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS, BV_ENFORCED,
		  "linux:shell_seccomp_spawn" },
		{ MACHINE_DEBIAN_13, BV_FACT_EXEC_BOUNDARY, "shell",
		  BV_FACT_SECCOMP_FILTER, "no",
		  BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS, BV_UNSUPPORTED,
		  "seccomp" },
		{ MACHINE_DEBIAN_13, BV_FACT_EXEC_BOUNDARY, "forcecommand",
		  NULL, NULL, BV_KIND_CHILD_SPAWN_ALLOW_THREADS, BV_MEDIATED,
		  "linux:forcecommand_seccomp_spawn" },
		{ MACHINE_DEBIAN_12, BV_FACT_EXEC_BOUNDARY, "forcecommand",
		  NULL, NULL, BV_KIND_INHERITED_FDS_NONE, BV_MEDIATED,
		  "linux:forcecommand_close_range" },
		{ MACHINE_LINUX_6_18, BV_FACT_EXEC_BOUNDARY, "run", NULL, NULL,
		  BV_KIND_INHERITED_FDS_ONLY, BV_UNSUPPORTED,
		  "no exec boundary" },
		{ MACHINE_DEBIAN_12, BV_FACT_EXEC_BOUNDARY, "shell", NULL, NULL,
		  BV_KIND_CAPTURE_STREAMS, BV_ENFORCED, "linux:shell_relay" },
		{ MACHINE_DEBIAN_13, BV_FACT_EXEC_BOUNDARY, "forcecommand",
		  NULL, NULL, BV_KIND_CAPTURE_STREAMS, BV_MEDIATED,
		  "linux:forcecommand_relay" },
		{ MACHINE_LINUX_6_18, BV_FACT_EXEC_BOUNDARY, "run", NULL, NULL,
		  BV_KIND_CAPTURE_STREAMS, BV_UNSUPPORTED, "no exec boundary" },
		/* A list of peers: with ports from landlock, or without. */
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "4", NULL, NULL,
		  BV_KIND_NETWORK_ALLOW_LIST, BV_ENFORCED,
		  "linux:cgroup_bpf+landlock_ports" },
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "3", NULL, NULL,
		  BV_KIND_NETWORK_ALLOW_LIST, BV_ENFORCED, "linux:cgroup_bpf" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_BPF, "no", NULL, NULL,
		  BV_KIND_NETWORK_ALLOW_LIST, BV_UNSUPPORTED,
		  "no network program can be attached" },
		{ MACHINE_DEBIAN_13, BV_FACT_CGROUP_BASE, "", NULL, NULL,
		  BV_KIND_NETWORK_ALLOW_LIST, BV_UNSUPPORTED,
		  "cgroup v2 base" },
		{ MACHINE_DEBIAN_13, BV_FACT_SECCOMP_FILTER, "no", NULL, NULL,
		  BV_KIND_NETWORK_ALLOW_LIST, BV_UNSUPPORTED, "seccomp" },
		/* A broken number counts as none. */
		{ MACHINE_DEBIAN_13, BV_FACT_ABI_LANDLOCK, "six", NULL, NULL,
		  BV_KIND_FILESYSTEM, BV_UNSUPPORTED, "landlock ABI 3" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_snapshot snap;
		struct bv_profile p;
		const struct bv_verdict *v = &p.kind[cases[i].kind];

		fixture_snapshot(cases[i].machine, &snap);
		fixture_set(&snap, cases[i].key, cases[i].value);
		if (cases[i].key2)
			fixture_set(&snap, cases[i].key2, cases[i].value2);
		bv_profile_derive(&snap, &p);
		if (v->enforcement != cases[i].enforcement)
			fail_msg("case %zu: %s %s", i, v->mechanism,
				 v->missing);
		if (v->enforcement != BV_UNSUPPORTED)
			assert_string_equal(v->mechanism, cases[i].said);
		else
			assert_non_null(strstr(v->missing, cases[i].said));
	}
}

static void test_ceiling__no_base__says_why(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;

	(void)state;
	fixture_snapshot(MACHINE_NO_DELEGATION, &snap);
	bv_profile_derive(&snap, &p);
	assert_string_equal(p.kind[BV_KIND_KILL].missing, FIXTURE_WHY);
	assert_string_equal(
		p.kind[BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS].missing,
		FIXTURE_WHY);
	assert_string_equal(p.budget[BV_DIM_PROCESSES].missing, FIXTURE_WHY);
}

/* --- ways ------------------------------------------------------------------- */

static void test_way__of_a_key__the_matrix_first(void **state)
{
	struct bv_way way;
	size_t n = 0;

	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		const struct bv_verdict *row = bv_support_linux((enum bv_req)r);
		const bool built = row->enforcement != BV_UNSUPPORTED;

		assert_int_equal(bv_support_way(r, 0, &way), built);
		if (!built)
			continue;
		assert_string_equal(way.mechanism, row->mechanism);
		assert_int_equal(way.enforcement, row->enforcement);
		assert_int_equal(way.evidence, row->evidence);
	}
	while (bv_support_way(BV_REQ_ENVIRONMENT, n, &way))
		n++;
	assert_int_equal(n, 4); /* the matrix, run, forcecommand, shell */
	assert_true(bv_support_way(BV_REQ_ENVIRONMENT, 2, &way));
	assert_string_equal(way.mechanism,
			    "linux:forcecommand_exact_environment");
	assert_int_equal(way.enforcement, BV_MEDIATED);
	assert_true(bv_support_way(BV_REQ_ENVIRONMENT, 3, &way));
	assert_string_equal(way.mechanism, "linux:shell_exact_environment");
	assert_int_equal(way.enforcement, BV_ENFORCED);
	assert_false(bv_support_way(BV_REQ_FS_READ_FILE, 0, &way));
}

static void test_way__of_a_budget__one_and_the_ceilings(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;
	struct bv_way way;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_13, &snap);
	bv_profile_derive(&snap, &p);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_availability *b = &p.budget[d];

		assert_true(bv_support_way(BV_REQ_N + d, 0, &way));
		assert_string_equal(way.mechanism, b->mechanism);
		assert_int_equal(way.enforcement, b->enforcement);
		assert_int_equal(way.evidence, b->evidence);
		assert_true(way.sample_us == b->sample_us);
		assert_true(way.max_overshoot > 0 || b->max_overshoot == 0);
		assert_true(way.max_overshoot <= b->max_overshoot);
		assert_false(bv_support_way(BV_REQ_N + d, 1, &way));
	}
	assert_true(bv_support_way(BV_REQ_N + BV_DIM_CPU, 0, &way));
	assert_int_equal(way.enforcement, BV_MEDIATED);
	assert_true(way.max_overshoot > 0);
	assert_false(bv_support_way(BV_COVER_N, 0, &way));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix__every_key__stated),
		cmocka_unit_test(test_meet__all_triples__laws),
		cmocka_unit_test(test_meet__words__of_the_weaker),
		cmocka_unit_test(test_ceiling__other_backend__all_refused),
		cmocka_unit_test(test_ceiling__kind__best_of_its_keys),
		cmocka_unit_test(
			test_ceiling__nothing_known__all_refused_with_reason),
		cmocka_unit_test(test_ceiling__recorded_machines__all_kinds),
		cmocka_unit_test(test_ceiling__every_machine__below_matrix),
		cmocka_unit_test(test_ceiling__one_fact__decides),
		cmocka_unit_test(test_ceiling__no_base__says_why),
		cmocka_unit_test(test_way__of_a_key__the_matrix_first),
		cmocka_unit_test(test_way__of_a_budget__one_and_the_ceilings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
