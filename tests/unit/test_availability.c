/* SPDX-License-Identifier: MIT */
/* What there is of each budget on recorded machines: how it is kept, how it is
 * shown, and how much of it at the most. */
#include "tests/unit/boundary_fixture.h"

#include "core/budget.h"
#include "core/support.h"

#define ATTESTED BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)
#define OUTCOME  BV_EV_BIT(BV_EV_TERMINAL_OUTCOME)
#define USAGE    BV_EV_BIT(BV_EV_RESOURCE_USAGE)

static void test_availability__recorded_machines__all_dimensions(void **state)
{
	static const struct {
		enum bv_enforcement enforcement[BV_DIM_N];
		uint32_t evidence[BV_DIM_N];
	} want[MACHINE_N] = {
		/* wall cpu memory processes handles storage network */
		[MACHINE_DEBIAN_12] = { { BV_ENFORCED, BV_MEDIATED, BV_ENFORCED,
					  BV_ENFORCED, BV_MEDIATED, BV_ENFORCED,
					  BV_UNSUPPORTED },
					{ USAGE, USAGE, USAGE, USAGE, ATTESTED,
					  USAGE, 0 } },
		[MACHINE_DEBIAN_13] = { { BV_ENFORCED, BV_MEDIATED, BV_ENFORCED,
					  BV_ENFORCED, BV_MEDIATED, BV_ENFORCED,
					  BV_ENFORCED },
					{ USAGE, USAGE, USAGE, USAGE, ATTESTED,
					  USAGE, USAGE } },
		[MACHINE_LINUX_6_18] = { { BV_ENFORCED, BV_MEDIATED,
					   BV_ENFORCED, BV_ENFORCED,
					   BV_MEDIATED, BV_ENFORCED,
					   BV_UNSUPPORTED },
					 { USAGE, USAGE, USAGE, USAGE, ATTESTED,
					   USAGE, 0 } },
		[MACHINE_NO_DELEGATION] = { { [BV_DIM_HANDLES] = BV_MEDIATED },
					    { [BV_DIM_HANDLES] = ATTESTED } },
		[MACHINE_CGROUP_V1] = { { BV_ENFORCED, BV_MEDIATED,
					  BV_UNSUPPORTED, BV_UNSUPPORTED,
					  BV_MEDIATED, BV_ENFORCED,
					  BV_UNSUPPORTED },
					{ USAGE, USAGE, 0, 0, ATTESTED, USAGE,
					  0 } },
	};

	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		fixture_snapshot((enum fixture_machine_id)m, &snap);
		bv_profile_derive(&snap, &p);
		for (unsigned int d = 0; d < BV_DIM_N; d++) {
			if (p.budget[d].enforcement != want[m].enforcement[d])
				fail_msg("%s: %s: %s", fixture_machines[m].name,
					 bv_dim_name((enum bv_dim)d),
					 p.budget[d].missing);
			assert_int_equal(p.budget[d].evidence,
					 want[m].evidence[d]);
		}
	}
}

static void test_availability__no_peak__enforced_unmeasured(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_12, &snap);
	fixture_set(&snap, BV_FACT_CGROUP_PEAK, "no");
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.budget[BV_DIM_PROCESSES].enforcement, BV_ENFORCED);
	assert_int_equal(p.budget[BV_DIM_PROCESSES].evidence, 0);
}

/* What the kernel's files do not take is not available. */
static void test_availability__capacity__kernel_bound(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;

	(void)state;
	fixture_snapshot(MACHINE_DEBIAN_12, &snap);
	bv_profile_derive(&snap, &p);
	assert_true(p.budget[BV_DIM_PROCESSES].available == 4194304);
	/* The guardian's timer may be late by a step, the kernel's never. */
	assert_true(p.budget[BV_DIM_WALL].max_overshoot == 2000000);
	assert_true(p.budget[BV_DIM_MEMORY].max_overshoot == 0);
	/* A second of each processor. */
	assert_true(p.budget[BV_DIM_CPU].max_overshoot == 2000000);
	assert_true(p.budget[BV_DIM_CPU].sample_us == 5000000);
	fixture_set(&snap, BV_FACT_CPUS, "64");
	bv_profile_derive(&snap, &p);
	assert_true(p.budget[BV_DIM_CPU].max_overshoot == 64000000);
	assert_true(p.budget[BV_DIM_PROCESSES].max_overshoot == 0);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		if (p.budget[d].enforcement == BV_ENFORCED)
			assert_true(p.budget[d].available <= INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_availability__recorded_machines__all_dimensions),
		cmocka_unit_test(
			test_availability__no_peak__enforced_unmeasured),
		cmocka_unit_test(
			test_availability__capacity__kernel_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
