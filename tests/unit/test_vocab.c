/* SPDX-License-Identifier: MIT */
/* Every term has one name of its own, and the lattice is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/vocab.h"

/* One signature over all the enums, so that one loop covers every table. */
#define NAMER(fn, type)                                                        \
	static const char *name_of_##fn(unsigned int i)                        \
	{                                                                      \
		return fn((enum type)i);                                       \
	}
NAMER(bv_kind_name, bv_kind)
NAMER(bv_enforcement_name, bv_enforcement)
NAMER(bv_evidence_name, bv_evidence)
NAMER(bv_dim_name, bv_dim)
NAMER(bv_membrane_name, bv_membrane)
NAMER(bv_budget_reason_name, bv_budget_reason)
NAMER(bv_outcome_name, bv_outcome)
NAMER(bv_finding_name, bv_finding)
NAMER(bv_req_name, bv_req)
NAMER(bv_refusal_code_name, bv_refusal_code)

static const struct {
	const char *(*name)(unsigned int i);
	unsigned int n;
} tables[] = {
	{ name_of_bv_kind_name, 17 },     { name_of_bv_enforcement_name, 3 },
	{ name_of_bv_evidence_name, 10 }, { name_of_bv_dim_name, 7 },
	{ name_of_bv_membrane_name, 12 }, { name_of_bv_budget_reason_name, 5 },
	{ name_of_bv_outcome_name, 7 },   { name_of_bv_finding_name, 6 },
	{ name_of_bv_req_name, 30 },      { name_of_bv_refusal_code_name, 19 },
};

static void test_vocab__every_table__unique_names(void **state)
{
	(void)state;
	for (size_t t = 0; t < BV_LEN(tables); t++) {
		for (unsigned int i = 0; i < tables[t].n; i++) {
			const char *name = tables[t].name(i);

			assert_non_null(name);
			assert_string_not_equal(name, "?");
			assert_true(name[0] != '\0');
			for (unsigned int j = 0; j < i; j++)
				assert_string_not_equal(name,
							tables[t].name(j));
		}
	}
}

static void test_vocab__out_of_range__question_mark(void **state)
{
	(void)state;
	for (size_t t = 0; t < BV_LEN(tables); t++) {
		assert_string_equal(tables[t].name(tables[t].n), "?");
		assert_string_equal(tables[t].name(0xffffffffu), "?");
	}
	assert_string_equal(bv_dim_unit(BV_DIM_N), "?");
}

static void test_vocab__names__as_documented(void **state)
{
	(void)state;
	assert_string_equal(bv_kind_name(BV_KIND_NETWORK_DENY_ALL),
			    "NetworkDenyAll");
	assert_string_equal(bv_kind_name(BV_KIND_LIST_OUTPUTS), "ListOutputs");
	assert_string_equal(bv_enforcement_name(BV_ENFORCED), "enforced");
	assert_string_equal(bv_evidence_name(BV_EV_RESOURCE_USAGE),
			    "resource-usage");
	assert_string_equal(bv_dim_name(BV_DIM_PROCESSES), "processes");
	assert_string_equal(bv_membrane_name(BV_MEMBRANE_BUDGET), "budget");
	assert_string_equal(bv_outcome_name(BV_OUTCOME_SUPERVISOR_FAULT),
			    "supervisor-fault");
	assert_string_equal(bv_finding_name(BV_FINDING_NOT_REQUESTED),
			    "not-requested");
}

static void test_vocab__units__one_per_dimension(void **state)
{
	static const char *const units[BV_DIM_N] = {
		"us", "us", "bytes", "tasks", "fds", "bytes", "bytes",
	};

	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		assert_string_equal(bv_dim_unit((enum bv_dim)d), units[d]);
}

/* A key is its kind's name, and a parameter in brackets or none; every kind has
 * a key, and the keys of one kind stand together in the kinds' order. */
static void test_vocab__keys__kind_and_parameter(void **state)
{
	bool seen[BV_KIND_N] = { false };

	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		enum bv_kind kind = bv_req_kind((enum bv_req)r);
		const char *name = bv_req_name((enum bv_req)r);
		const char *of = bv_kind_name(kind);
		size_t len = strlen(of);

		assert_in_range(kind, 0, BV_KIND_N - 1);
		assert_memory_equal(name, of, len);
		if (name[len] != '\0') {
			assert_int_equal(name[len], '(');
			assert_int_equal(name[strlen(name) - 1], ')');
		}
		if (r > 0)
			assert_true(kind >= bv_req_kind((enum bv_req)(r - 1)));
		seen[kind] = true;
	}
	for (unsigned int k = 0; k < BV_KIND_N; k++)
		assert_true(seen[k]);
	assert_int_equal(bv_req_kind(BV_REQ_N), BV_KIND_N);
	assert_string_equal(bv_req_name(BV_REQ_KILL_ATOMIC), "Kill(atomic)");
	assert_string_equal(bv_req_name(BV_REQ_COMMIT_BEST_EFFORT),
			    "CommitArtifact(best-effort-durable)");
}

/* Where meaning differs the key differs: these may not be mixed up. */
static void test_vocab__keys__parameters_told_apart(void **state)
{
	static const struct {
		enum bv_kind kind;
		unsigned int keys;
	} want[] = {
		{ BV_KIND_FILESYSTEM, 8 },      { BV_KIND_ENVIRONMENT, 2 },
		{ BV_KIND_TEMP_ROOT, 2 },       { BV_KIND_EXPOSE_PATH, 2 },
		{ BV_KIND_COMMIT_ARTIFACT, 3 }, { BV_KIND_KILL, 2 },
	};

	(void)state;
	for (unsigned int k = 0; k < BV_KIND_N; k++) {
		unsigned int keys = 0, expect = 1;

		for (unsigned int r = 0; r < BV_REQ_N; r++)
			keys += bv_req_kind((enum bv_req)r) == (enum bv_kind)k;
		for (size_t i = 0; i < BV_LEN(want); i++)
			if (want[i].kind == (enum bv_kind)k)
				expect = want[i].keys;
		assert_int_equal(keys, expect);
	}
}

static void test_vocab__families__one_policy_each(void **state)
{
	static const enum bv_family family[BV_KIND_N] = {
		[BV_KIND_NETWORK_DENY_ALL] = BV_FAMILY_NETWORK,
		[BV_KIND_NETWORK_ALLOW_LIST] = BV_FAMILY_NETWORK,
		[BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS] = BV_FAMILY_SPAWN,
		[BV_KIND_CHILD_SPAWN_ALLOW_THREADS] = BV_FAMILY_SPAWN,
		[BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS] = BV_FAMILY_SPAWN,
		[BV_KIND_INHERITED_FDS_NONE] = BV_FAMILY_FDS,
		[BV_KIND_INHERITED_FDS_ONLY] = BV_FAMILY_FDS,
		[BV_KIND_TEMP_ROOT] = BV_FAMILY_TEMP,
		[BV_KIND_COMMIT_ARTIFACT] = BV_FAMILY_COMMIT,
		[BV_KIND_KILL] = BV_FAMILY_KILL,
	};

	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		assert_int_equal(bv_req_family((enum bv_req)r),
				 family[bv_req_kind((enum bv_req)r)]);
	assert_int_equal(bv_req_family(BV_REQ_N), BV_FAMILY_NONE);
}

/* Membranes are asked in this order: it is part of the contract. */
static void test_vocab__membranes__frozen_order(void **state)
{
	static const char *const order[] = {
		"none",     "config",   "unmatched",     "action",
		"conflict", "workload", "profile-drift", "support",
		"evidence", "budget",   "schedule",      "divergence",
	};

	(void)state;
	assert_int_equal(BV_LEN(order), BV_MEMBRANE_N);
	for (unsigned int m = 0; m < BV_MEMBRANE_N; m++)
		assert_string_equal(bv_membrane_name((enum bv_membrane)m),
				    order[m]);
}

/* The bit numbers are written into plans: they never move. */
static void test_vocab__evidence_bits__frozen(void **state)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} frozen[] = {
		{ "terminal-outcome", 0x001 },
		{ "captured-streams", 0x002 },
		{ "resource-usage", 0x004 },
		{ "allowed-actions", 0x008 },
		{ "denied-attempts", 0x010 },
		{ "filesystem-delta", 0x020 },
		{ "process-tree", 0x040 },
		{ "network-activity", 0x080 },
		{ "artifact-lineage", 0x100 },
		{ "mechanism-attestation", 0x200 },
	};
	enum bv_evidence e;

	(void)state;
	assert_int_equal(BV_LEN(frozen), BV_EV_N);
	for (size_t i = 0; i < BV_LEN(frozen); i++) {
		assert_true(bv_evidence_from_name(frozen[i].name, &e));
		assert_int_equal(BV_EV_BIT(e), frozen[i].bit);
	}
}

static void test_vocab__from_name__inverse(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < BV_EV_N; i++) {
		enum bv_evidence e = BV_EV_N;

		assert_true(bv_evidence_from_name(
			bv_evidence_name((enum bv_evidence)i), &e));
		assert_int_equal(e, i);
	}
	for (unsigned int i = 0; i < BV_DIM_N; i++) {
		enum bv_dim d = BV_DIM_N;

		assert_true(bv_dim_from_name(bv_dim_name((enum bv_dim)i), &d));
		assert_int_equal(d, i);
	}
	for (unsigned int i = 0; i < BV_ENFORCEMENT_N; i++) {
		enum bv_enforcement e = BV_ENFORCEMENT_N;

		assert_true(bv_enforcement_from_name(
			bv_enforcement_name((enum bv_enforcement)i), &e));
		assert_int_equal(e, i);
	}
}

static void test_vocab__from_name_unknown__untouched(void **state)
{
	static const char *const bad[] = {
		"",    "?",     "Wall",     "wall ",          " wall",
		"wal", "walls", "ENFORCED", "resource_usage",
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(bad); i++) {
		enum bv_evidence e = BV_EV_N;
		enum bv_dim d = BV_DIM_N;
		enum bv_enforcement f = BV_ENFORCEMENT_N;

		assert_false(bv_evidence_from_name(bad[i], &e));
		assert_false(bv_dim_from_name(bad[i], &d));
		assert_false(bv_enforcement_from_name(bad[i], &f));
		assert_int_equal(e, BV_EV_N);
		assert_int_equal(d, BV_DIM_N);
		assert_int_equal(f, BV_ENFORCEMENT_N);
	}
}

static const enum bv_enforcement all[] = { BV_UNSUPPORTED, BV_MEDIATED,
					   BV_ENFORCED };

static void test_lattice__all_triples__laws(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(all); i++) {
		enum bv_enforcement a = all[i];

		assert_int_equal(bv_enforcement_meet(a, a), a);
		assert_int_equal(bv_enforcement_meet(a, BV_ENFORCED), a);
		assert_int_equal(bv_enforcement_meet(a, BV_UNSUPPORTED),
				 BV_UNSUPPORTED);
		for (size_t j = 0; j < BV_LEN(all); j++) {
			enum bv_enforcement b = all[j];
			enum bv_enforcement ab = bv_enforcement_meet(a, b);

			assert_int_equal(ab, bv_enforcement_meet(b, a));
			assert_true(bv_enforcement_strength(ab) <=
				    bv_enforcement_strength(a));
			assert_true(ab == a || ab == b);
			for (size_t k = 0; k < BV_LEN(all); k++) {
				enum bv_enforcement c = all[k];

				assert_int_equal(
					bv_enforcement_meet(ab, c),
					bv_enforcement_meet(
						a, bv_enforcement_meet(b, c)));
			}
		}
	}
}

static void test_lattice__strength__ordered(void **state)
{
	(void)state;
	assert_int_equal(bv_enforcement_strength(BV_UNSUPPORTED), 0);
	assert_int_equal(bv_enforcement_strength(BV_MEDIATED), 1);
	assert_int_equal(bv_enforcement_strength(BV_ENFORCED), 2);
}

/* A value that no enum has is as good as nothing. */
static void test_lattice__out_of_range__absorbs(void **state)
{
	const enum bv_enforcement wild = (enum bv_enforcement)77;

	(void)state;
	assert_int_equal(bv_enforcement_strength(wild), 0);
	assert_int_equal(bv_enforcement_meet(wild, BV_ENFORCED),
			 BV_UNSUPPORTED);
	assert_int_equal(bv_enforcement_meet(BV_ENFORCED, BV_ENFORCEMENT_N),
			 BV_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vocab__every_table__unique_names),
		cmocka_unit_test(test_vocab__out_of_range__question_mark),
		cmocka_unit_test(test_vocab__names__as_documented),
		cmocka_unit_test(test_vocab__units__one_per_dimension),
		cmocka_unit_test(test_vocab__keys__kind_and_parameter),
		cmocka_unit_test(test_vocab__keys__parameters_told_apart),
		cmocka_unit_test(test_vocab__families__one_policy_each),
		cmocka_unit_test(test_vocab__membranes__frozen_order),
		cmocka_unit_test(test_vocab__evidence_bits__frozen),
		cmocka_unit_test(test_vocab__from_name__inverse),
		cmocka_unit_test(test_vocab__from_name_unknown__untouched),
		cmocka_unit_test(test_lattice__all_triples__laws),
		cmocka_unit_test(test_lattice__strength__ordered),
		cmocka_unit_test(test_lattice__out_of_range__absorbs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
