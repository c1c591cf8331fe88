/* SPDX-License-Identifier: MIT */
/*
 * The ledger against the support matrix, the mechanisms and recorded machines;
 * the coupling law against every way of breaking it; what its caps do to an
 * admission.
 */
#include "tests/unit/boundary_fixture.h"

#include <stdio.h>

#include "core/cap.h"
#include "core/mechanism.h"
#include "ledger/ledger.h"

#define NOW    UINT64_C(1800000000)
#define FOLDER "tests/data/snapshots/"

static const char *const recorded[] = { "debian-12", "debian-13",
					"linux-6.18-run",
					"container-no-delegation",
					"cgroup-v1" };

/* `key = value`, '#' begins a comment line. */
static void load(const char *name, struct bv_snapshot *ret)
{
	char path[128], line[512];
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s.txt", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s: run from the top folder", path);
	*ret = (struct bv_snapshot){ .n = 0 };
	while (fgets(line, sizeof(line), file)) {
		char *equals = strstr(line, " =");

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || !equals)
			continue;
		*equals = '\0';
		fixture_set(ret, line,
			    equals[2] == ' ' ? equals + 3 : equals + 2);
	}
	fclose(file);
	assert_true(ret->n > 10);
}

static bool is_hex64(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static void check_receipts(const char *name, const struct bvl_entry *e)
{
	for (size_t i = 0; i < e->receipts_n; i++) {
		const struct bvl_receipt *r = &e->receipts[i];

		if (!r->file || !r->test || !r->red || r->red[0] == '\0')
			fail_msg("%s: receipt %zu is not whole", name, i);
		for (size_t j = 0; j < i; j++)
			if (strcmp(e->receipts[j].file, r->file) == 0 &&
			    strcmp(e->receipts[j].test, r->test) == 0)
				fail_msg("%s: receipt %zu stands twice", name,
					 i);
	}
}

static void check_entry(const struct bvl_ledger *l, unsigned int i)
{
	const struct bvl_entry *e = &l->entry[i];
	const char *name = bv_cover_name(i);

	assert_true((unsigned int)e->status < BVL_STATUS_N);
	assert_non_null(e->mechanism);
	assert_non_null(e->why);
	check_receipts(name, e);
	if (e->status == BVL_PROVEN) {
		if (e->receipts_n == 0 || !is_hex64(e->mechanism))
			fail_msg("%s: proven without receipt or mechanism",
				 name);
	} else if (e->why[0] == '\0') {
		fail_msg("%s: neither proven nor said why not", name);
	}
	if (e->status == BVL_WAIVED &&
	    (!e->owner || e->owner[0] == '\0' || e->until_unix == 0))
		fail_msg("%s: waived by nobody, or for ever", name);
}

static void test_ledger__every_row__stated(void **state)
{
	const struct bvl_ledger *const all[] = { bvl_ledger_linux(),
						 bvl_ledger_wasm() };

	(void)state;
	for (size_t l = 0; l < BV_LEN(all); l++)
		for (unsigned int i = 0; i < BV_COVER_N; i++)
			check_entry(all[l], i);
	assert_string_equal(bv_cover_name(BV_COVER_N), "?");
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(bv_cover_name(i),
						bv_cover_name(j));
}

/* One claims what the other has proved, and the other way round. */
static void test_ledger__matrix__agrees(void **state)
{
	const struct bvl_ledger *l = bvl_ledger_linux();

	(void)state;
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		struct bv_way way;
		bool built = bv_support_way(i, 0, &way);
		bool proven = l->entry[i].status == BVL_PROVEN;

		if (i < BV_REQ_N)
			assert_int_equal(
				built,
				bv_support_linux((enum bv_req)i)->enforcement !=
					BV_UNSUPPORTED);
		if (built && !proven)
			fail_msg("%s: the matrix has it, the ledger has no "
				 "proof: ledger/table_linux.c",
				 bv_cover_name(i));
		if (proven && !built)
			fail_msg("%s: proven, and the matrix has nothing",
				 bv_cover_name(i));
	}
}

#define NAME(name, kind, text) [BV_REQ_##name] = "D_" #name,
static const char *const macro[BV_COVER_N] = {
	BV_REQ_ALL(NAME)[BV_REQ_N + BV_DIM_WALL] = "D_WALL",
	[BV_REQ_N + BV_DIM_CPU] = "D_CPU",
	[BV_REQ_N + BV_DIM_MEMORY] = "D_MEMORY",
	[BV_REQ_N + BV_DIM_PROCESSES] = "D_PROCESSES",
	[BV_REQ_N + BV_DIM_HANDLES] = "D_HANDLES",
	[BV_REQ_N + BV_DIM_STORAGE] = "D_STORAGE",
	[BV_REQ_N + BV_DIM_NETWORK] = "D_NETWORK",
};

static void test_ledger__mechanisms__are_those_that_were_proved(void **state)
{
	unsigned int other = 0;

	(void)state;
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		const struct bvl_entry *e = &bvl_ledger_linux()->entry[i];
		char live[65];

		bv_mechanism_digest(i, live);
		assert_true(is_hex64(live));
		if (e->status != BVL_PROVEN || strcmp(e->mechanism, live) == 0)
			continue;
		other++;
		print_message("#define %s \\\n\t\"%s\"\n", macro[i], live);
	}
	if (other > 0)
		fail_msg("%u mechanisms are others than were proved: run their "
			 "proofs, then put these lines into "
			 "ledger/mechanisms.inc",
			 other);
}

/* --- the law --------------------------------------------------------------- */

/* What a sound build claims of a machine, its ledger has: no row is lower for
 * being capped. */
static void check_coupled(const struct bv_snapshot *snap, const char *name)
{
	const struct bvl_ledger *l = bvl_ledger_of(snap);
	struct bv_profile before, after;
	struct bv_caps caps;

	bv_profile_derive(snap, &before);
	after = before;
	bvl_caps(l, snap, NOW, &caps);
	bv_profile_cap(&after, &caps);
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		if (before.req[r].enforcement != after.req[r].enforcement)
			fail_msg("%s: %s is claimed and not coupled: %s", name,
				 bv_req_name((enum bv_req)r),
				 caps.of[r].missing);
		if (after.req[r].enforcement == BV_UNSUPPORTED)
			assert_string_equal(after.req[r].missing,
					    before.req[r].missing);
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		if (before.budget[d].enforcement != after.budget[d].enforcement)
			fail_msg("%s: budget %s is claimed and not coupled: "
				 "%s",
				 name, bv_dim_name((enum bv_dim)d),
				 caps.of[BV_REQ_N + d].missing);
	for (unsigned int k = 0; k < BV_KIND_N; k++)
		assert_int_equal(before.kind[k].enforcement,
				 after.kind[k].enforcement);
}

static void
test_couple__recorded_machines__nothing_is_claimed_too_much(void **state)
{
	static const char *const boundaries[] = { "none", "run", "shell",
						  "forcecommand" };

	(void)state;
	for (size_t i = 0; i < BV_LEN(recorded); i++)
		for (size_t b = 0; b < BV_LEN(boundaries); b++) {
			struct bv_snapshot snap;

			load(recorded[i], &snap);
			fixture_set(&snap, BV_FACT_EXEC_BOUNDARY,
				    boundaries[b]);
			check_coupled(&snap, recorded[i]);
		}
}

/* The same with each single fact worse. Floors are stated twice, here and in
 * the matrix's needs: this is where they would be seen to differ. */
static void test_couple__each_fact_gone__still_nothing_too_much(void **state)
{
	static const char *const worse[] = {
		"", "no", "0", "1", "2", "3", "5", "cpu", "memory", "pids"
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(recorded); i++) {
		struct bv_snapshot snap;

		load(recorded[i], &snap);
		for (size_t f = 0; f < snap.n; f++)
			for (size_t w = 0; w < BV_LEN(worse); w++) {
				struct bv_snapshot turned = snap;

				fixture_set(&turned, snap.fact[f].key,
					    worse[w]);
				check_coupled(&turned, snap.fact[f].key);
			}
	}
}

static void test_couple__each_way_of_breaking_it__named(void **state)
{
	static struct bvl_entry entry[BV_COVER_N];
	const struct bvl_ledger l = { "linux", entry, bv_mechanism_digest };
	const unsigned int at = BV_REQ_KILL_ATOMIC;
	struct bvl_entry *e = &entry[at];
	struct bv_snapshot snap;
	char live[65];

	(void)state;
	load("debian-13", &snap);
	bv_mechanism_digest(at, live);
	*e = bvl_ledger_linux()->entry[at];
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW), BVL_COUPLED);
	assert_int_equal(bvl_couple(NULL, at, &snap, live, NOW), BVL_NO_ENTRY);
	assert_int_equal(bvl_couple(&l, BV_COVER_N, &snap, live, NOW),
			 BVL_NO_ENTRY);
	for (unsigned int s = 0; s < BVL_STATUS_N; s++) {
		e->status = (enum bvl_status)s;
		if (s != BVL_PROVEN && s != BVL_WAIVED)
			assert_int_equal(bvl_couple(&l, at, &snap, live, NOW),
					 BVL_NOT_PROVEN);
	}
	e->status = BVL_PROVEN;
	fixture_set(&snap, BV_FACT_CGROUP_KILL, "no");
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW),
			 BVL_FLOOR_NOT_MET);
	fixture_set(&snap, BV_FACT_CGROUP_KILL, "yes");
	live[0] = live[0] == '0' ? '1' : '0';
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW),
			 BVL_OTHER_MECHANISM);
	live[0] = '\0';
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW),
			 BVL_OTHER_MECHANISM);
}

/* Somebody's word, until its day, and then never more than mediated. */
static void test_couple__waiver__mediated_until_its_day(void **state)
{
	static struct bvl_entry entry[BV_COVER_N];
	const struct bvl_ledger l = { "linux", entry, bv_mechanism_digest };
	const unsigned int at = BV_REQ_FS_READ;
	struct bvl_entry *e = &entry[at];
	struct bv_snapshot snap;
	struct bv_caps caps;
	char live[65];

	(void)state;
	load("debian-13", &snap);
	bv_mechanism_digest(at, live);
	*e = bvl_ledger_linux()->entry[at];
	e->status = BVL_WAIVED;
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW), BVL_WAIVER_OVER);
	e->owner = "somebody";
	e->until_unix = NOW + 1;
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW), BVL_COUPLED);
	bvl_caps(&l, &snap, NOW, &caps);
	assert_int_equal(caps.of[at].at_most, BV_MEDIATED);
	bvl_caps(&l, &snap, NOW + 1, &caps);
	assert_int_equal(caps.of[at].at_most, BV_UNSUPPORTED);
	assert_true(caps.of[at].missing[0] != '\0');
	/* What the machine lacks nobody can waive. */
	fixture_set(&snap, BV_FACT_ABI_LANDLOCK, "1");
	assert_int_equal(bvl_couple(&l, at, &snap, live, NOW),
			 BVL_FLOOR_NOT_MET);
}

static void test_floor__pointwise__up_and_never_down(void **state)
{
	struct bvl_floor floor = { .landlock_abi = 3,
				   .needs = BVL_NEEDS_SECCOMP };
	struct bv_snapshot snap;
	const char *fact = NULL;
	char text[256];

	(void)state;
	load("debian-13", &snap);
	assert_null(bvl_floor_missing(&floor, &snap, &fact));
	assert_null(fact);
	fixture_set(&snap, BV_FACT_ABI_LANDLOCK, "2");
	assert_string_equal(bvl_floor_missing(&floor, &snap, &fact),
			    "landlock ABI 3");
	assert_string_equal(fact, BV_FACT_ABI_LANDLOCK);
	fixture_set(&snap, BV_FACT_ABI_LANDLOCK, "99");
	assert_null(bvl_floor_missing(&floor, &snap, &fact));
	fixture_set(&snap, BV_FACT_SECCOMP_FILTER, "no");
	assert_string_equal(bvl_floor_missing(&floor, &snap, &fact),
			    "seccomp filters");
	bvl_floor_text(&floor, text, sizeof(text));
	assert_string_equal(text, "landlock ABI 3, seccomp filters");
	floor = (struct bvl_floor){ .needs = 0 };
	assert_null(bvl_floor_missing(&floor, &snap, NULL));
	bvl_floor_text(&floor, text, sizeof(text));
	assert_string_equal(text, "none");
	/* A need that nobody knows is not met. */
	floor.needs = 0x80000000u;
	assert_non_null(bvl_floor_missing(&floor, &snap, NULL));
}

/* --- mechanisms ------------------------------------------------------------ */

static void test_mechanism__whatever_carries_it__is_in_the_digest(void **state)
{
	static uint8_t decl[BV_PRIM_N][BV_SHA256_BYTES];
	static struct bv_primitive rows[BV_PRIM_N];
	const struct bv_universe *u = bv_universe_linux();
	const struct bv_universe changed = { rows, u->n, decl };
	const unsigned int at = BV_REQ_FS_READ;
	char is[65], was[65];
	uint64_t set;

	(void)state;
	memcpy(rows, u->p, sizeof(rows));
	memcpy(decl, u->decl, sizeof(decl));
	bv_mechanism_digest(at, was);
	bv_mechanism_digest_in(&changed, at, is);
	assert_string_equal(is, was);
	set = bv_mechanism_primitives(u, at);
	assert_true(set & BV_PRIM_BIT(BV_PRIM_LANDLOCK_RESTRICT));
	assert_true(set & BV_PRIM_BIT(BV_PRIM_LANDLOCK_RULESET));
	for (unsigned int p = 0; p < BV_PRIM_N; p++) {
		decl[p][0] ^= 1;
		bv_mechanism_digest_in(&changed, at, is);
		assert_int_equal(strcmp(is, was) != 0,
				 (set & BV_PRIM_BIT(p)) != 0);
		decl[p][0] ^= 1;
	}
	rows[BV_PRIM_LANDLOCK_RESTRICT].covers = 0;
	bv_mechanism_digest_in(&changed, at, is);
	assert_string_not_equal(is, was);
	bv_mechanism_digest(BV_REQ_FS_EXEC, is);
	assert_string_not_equal(is, was);
	assert_int_equal(bv_mechanism_primitives(u, BV_COVER_N), 0);
}

/* --- caps in an admission -------------------------------------------------- */

static void test_cap__meet__never_raises(void **state)
{
	struct bv_profile before, after;
	struct bv_snapshot snap;
	struct bv_caps caps;

	(void)state;
	load("cgroup-v1", &snap);
	bv_profile_derive(&snap, &before);
	after = before;
	bv_caps_none(&caps);
	bv_profile_cap(&after, &caps);
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		assert_int_equal(after.req[r].enforcement,
				 before.req[r].enforcement);
		assert_int_equal(after.req[r].evidence, before.req[r].evidence);
		assert_string_equal(after.req[r].mechanism,
				    before.req[r].mechanism);
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		assert_int_equal(after.budget[d].enforcement,
				 before.budget[d].enforcement);
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		caps.of[i] = (struct bv_cap){ .at_most = BV_UNSUPPORTED,
					      .missing = "capped",
					      .remedy = "mend it" };
	bv_profile_cap(&after, &caps);
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		assert_int_equal(after.req[r].enforcement, BV_UNSUPPORTED);
		assert_int_equal(after.req[r].evidence, 0);
		assert_string_equal(after.req[r].missing,
				    before.req[r].enforcement == BV_UNSUPPORTED
					    ? before.req[r].missing
					    : "capped");
	}
	for (unsigned int k = 0; k < BV_KIND_N; k++)
		assert_int_equal(after.kind[k].enforcement, BV_UNSUPPORTED);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		assert_int_equal(after.budget[d].enforcement, BV_UNSUPPORTED);
		assert_int_equal(after.budget[d].evidence, 0);
	}
}

static void test_cap__mediated__weaker_and_still_there(void **state)
{
	struct bv_profile p;
	struct bv_snapshot snap;
	struct bv_caps caps;

	(void)state;
	load("debian-13", &snap);
	bv_profile_derive(&snap, &p);
	bv_caps_none(&caps);
	caps.of[BV_REQ_FS_READ].at_most = BV_MEDIATED;
	caps.of[BV_REQ_N + BV_DIM_MEMORY].at_most = BV_MEDIATED;
	bv_profile_cap(&p, &caps);
	assert_int_equal(p.req[BV_REQ_FS_READ].enforcement, BV_MEDIATED);
	assert_string_equal(p.req[BV_REQ_FS_READ].mechanism, "linux:landlock");
	assert_true(p.req[BV_REQ_FS_READ].evidence != 0);
	assert_int_equal(p.budget[BV_DIM_MEMORY].enforcement, BV_MEDIATED);
	assert_string_equal(p.budget[BV_DIM_MEMORY].mechanism,
			    "linux:cgroup_memory_max");
}

static enum bv_membrane decide(struct fixture *f, const struct bv_caps *caps,
			       struct bv_refusal *ret)
{
	static struct bv_plan plan;
	const struct bv_plan_extra extra = { .caps = caps };
	struct bv_err err = { 0 };

	fixture_spec(f);
	if (bv_plan_decide(&f->spec, &f->snap, &extra, &plan, ret, NULL,
			   &err) != BV_OK)
		fail_msg("plan: %s", err.msg);
	return ret->membrane;
}

static void test_cap__admission__refused_with_row_and_remedy(void **state)
{
	struct bv_refusal refusal;
	struct bv_caps caps;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	bvl_caps(bvl_ledger_of(&f.snap), &f.snap, NOW, &caps);
	assert_int_equal(decide(&f, &caps, &refusal), BV_MEMBRANE_NONE);
	caps.of[BV_REQ_FS_READ] = (struct bv_cap){
		.at_most = BV_UNSUPPORTED,
		.missing = "not proved",
		.remedy = "run `bvisorctl qualify`",
	};
	assert_int_equal(decide(&f, &caps, &refusal), BV_MEMBRANE_SUPPORT);
	assert_int_equal(refusal.req, BV_REQ_FS_READ);
	assert_non_null(strstr(refusal.text, "Filesystem(read)"));
	assert_non_null(strstr(refusal.text, "not proved"));
	assert_non_null(strstr(refusal.text, "run `bvisorctl qualify`"));
	bv_caps_none(&caps);
	caps.of[BV_REQ_N + BV_DIM_MEMORY] = (struct bv_cap){
		.at_most = BV_UNSUPPORTED,
		.missing = "not proved",
		.remedy = "run `bvisorctl qualify`",
	};
	assert_int_equal(decide(&f, &caps, &refusal), BV_MEMBRANE_BUDGET);
	assert_int_equal(refusal.dim, BV_DIM_MEMORY);
	assert_non_null(strstr(refusal.text, "run `bvisorctl qualify`"));
	fixture_done(&f);
}

/* Nothing is proved of a backend that nobody knows. */
static void test_caps__no_ledger__nothing_stays(void **state)
{
	struct bv_snapshot snap;
	struct bv_caps caps;

	(void)state;
	load("debian-13", &snap);
	fixture_set(&snap, BV_FACT_BACKEND, "other");
	assert_null(bvl_ledger_of(&snap));
	bvl_caps(NULL, &snap, NOW, &caps);
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		assert_int_equal(caps.of[i].at_most, BV_UNSUPPORTED);
		assert_true(caps.of[i].missing[0] && caps.of[i].remedy[0]);
	}
	fixture_set(&snap, BV_FACT_BACKEND, "wasm");
	assert_ptr_equal(bvl_ledger_of(&snap), bvl_ledger_wasm());
	for (unsigned int s = 0; s < BVL_STATUS_N; s++)
		assert_string_not_equal(bvl_status_name((enum bvl_status)s),
					"?");
	for (unsigned int c = 0; c < BVL_COUPLING_N; c++)
		assert_string_not_equal(bvl_coupling_name((enum bvl_coupling)c),
					"?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger__every_row__stated),
		cmocka_unit_test(test_ledger__matrix__agrees),
		cmocka_unit_test(
			test_ledger__mechanisms__are_those_that_were_proved),
		cmocka_unit_test(
			test_couple__recorded_machines__nothing_is_claimed_too_much),
		cmocka_unit_test(
			test_couple__each_fact_gone__still_nothing_too_much),
		cmocka_unit_test(test_couple__each_way_of_breaking_it__named),
		cmocka_unit_test(test_couple__waiver__mediated_until_its_day),
		cmocka_unit_test(test_floor__pointwise__up_and_never_down),
		cmocka_unit_test(
			test_mechanism__whatever_carries_it__is_in_the_digest),
		cmocka_unit_test(test_cap__meet__never_raises),
		cmocka_unit_test(test_cap__mediated__weaker_and_still_there),
		cmocka_unit_test(
			test_cap__admission__refused_with_row_and_remedy),
		cmocka_unit_test(test_caps__no_ledger__nothing_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
