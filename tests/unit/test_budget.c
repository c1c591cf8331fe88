/* SPDX-License-Identifier: MIT */
/* Minimums, the two phases with inclusive bounds, findings. */
#include "tests/unit/boundary_fixture.h"

#include "core/budget.h"
#include "core/report.h"

#define USAGE BV_EV_BIT(BV_EV_RESOURCE_USAGE)
#define TREE  BV_EV_BIT(BV_EV_PROCESS_TREE)

#define LIMIT     100u
#define MINIMUM   10u
#define AVAILABLE 1000u

/* All seven stated and admissible; each test breaks one thing. */
struct case_all {
	struct bv_budget_request request[BV_DIM_N];
	uint64_t minimum[BV_DIM_N];
	struct bv_availability available[BV_DIM_N];
	struct bv_admitted_budget admitted[BV_DIM_N];
};

static void all_fit(struct case_all *c)
{
	*c = (struct case_all){ .minimum = { 0 } };
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		c->request[d] =
			(struct bv_budget_request){ true, LIMIT, BV_ENFORCED,
						    USAGE, d + 1 };
		c->minimum[d] = MINIMUM;
		c->available[d] = (struct bv_availability){
			.available = AVAILABLE,
			.enforcement = BV_ENFORCED,
			.evidence = USAGE | TREE,
			.mechanism = "test:all",
			.missing = "",
			.remedy = "",
		};
	}
}

static enum bv_budget_reason reason_of(const struct bv_decision *d)
{
	static const enum bv_budget_reason reasons[BV_REFUSED_N] = {
		[BV_REFUSED_BUDGET_MINIMUM] = BV_BUDGET_BELOW_MINIMUM,
		[BV_REFUSED_BUDGET_CAPACITY] = BV_BUDGET_CAPACITY,
		[BV_REFUSED_BUDGET_GUARANTEE] = BV_BUDGET_GUARANTEE,
		[BV_REFUSED_BUDGET_EVIDENCE] = BV_BUDGET_EVIDENCE,
	};

	return reasons[d->code];
}

/* Seven lanes before both evaluators, which have to say the same. */
static struct bv_decision adjudicate(struct case_all *c)
{
	struct bv_question q = { .workload = BV_WORKLOAD_PROCESS,
				 .backend = BV_BACKEND_LINUX };
	struct bv_trace trace;

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		q.lane[d] = bv_budget_lane(&c->request[d], c->minimum[d],
					   &c->available[d]);
		c->admitted[d] = bv_budget_admit(&c->request[d], c->minimum[d],
						 &c->available[d]);
	}
	bv_decide(&q, NULL, &trace);
	assert_true(trace.agree);
	return trace.decision;
}

static void expect(struct case_all *c, enum bv_budget_reason reason,
		   unsigned int dim)
{
	struct bv_decision d = adjudicate(c);

	assert_int_equal(reason_of(&d), reason);
	assert_int_equal(d.admit, reason == BV_BUDGET_OK);
	if (reason != BV_BUDGET_OK)
		assert_int_equal(d.dim, dim);
}

static void test_adjudicate__all_fit__admitted(void **state)
{
	struct case_all c;

	(void)state;
	all_fit(&c);
	expect(&c, BV_BUDGET_OK, 0);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		assert_true(c.admitted[d].stated);
		assert_true(c.admitted[d].limit == LIMIT);
		assert_true(c.admitted[d].minimum == MINIMUM);
		assert_int_equal(c.admitted[d].required, BV_ENFORCED);
		assert_int_equal(c.admitted[d].selected, BV_ENFORCED);
		assert_int_equal(c.admitted[d].required_evidence, USAGE);
		assert_int_equal(c.admitted[d].promised_evidence, USAGE | TREE);
		assert_string_equal(c.admitted[d].mechanism, "test:all");
	}
}

static void test_adjudicate__each_dimension__each_reason(void **state)
{
	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		struct case_all c;

		all_fit(&c);
		c.request[d].limit = MINIMUM - 1;
		expect(&c, BV_BUDGET_BELOW_MINIMUM, d);
		all_fit(&c);
		c.request[d].limit = AVAILABLE + 1;
		expect(&c, BV_BUDGET_CAPACITY, d);
		all_fit(&c);
		c.available[d].enforcement = BV_MEDIATED;
		expect(&c, BV_BUDGET_GUARANTEE, d);
		all_fit(&c);
		c.request[d].evidence =
			USAGE | BV_EV_BIT(BV_EV_NETWORK_ACTIVITY);
		expect(&c, BV_BUDGET_EVIDENCE, d);
	}
}

static void test_adjudicate__bounds__inclusive(void **state)
{
	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		struct case_all c;

		all_fit(&c);
		c.request[d].limit = MINIMUM;
		expect(&c, BV_BUDGET_OK, 0);
		c.request[d].limit = AVAILABLE;
		expect(&c, BV_BUDGET_OK, 0);
		c.available[d].available = UINT64_MAX;
		c.request[d].limit = UINT64_MAX;
		expect(&c, BV_BUDGET_OK, 0);
		/* Never clamped. */
		assert_true(c.admitted[d].limit == UINT64_MAX);
		c.minimum[d] = 0;
		c.request[d].limit = 0;
		expect(&c, BV_BUDGET_OK, 0);
	}
}

/* The whole small domain of one dimension against an oracle of plain words. */
static void test_adjudicate__one_dimension__swept(void **state)
{
	static const enum bv_enforcement e[] = { BV_UNSUPPORTED, BV_MEDIATED,
						 BV_ENFORCED };
	unsigned int seen[BV_BUDGET_REASON_N] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 4 * 4 * 4 * 2 * 3 * 4 * 4; i++) {
		unsigned int limit = i & 3, minimum = (i >> 2) & 3;
		unsigned int available = (i >> 4) & 3, asked = (i >> 6) & 1;
		unsigned int need = (i >> 7) & 3, give = (i >> 9) & 3;
		unsigned int has = (i >> 11) % 3;
		enum bv_budget_reason want = BV_BUDGET_OK;
		struct case_all c;

		all_fit(&c);
		c.request[BV_DIM_STORAGE] =
			(struct bv_budget_request){ true, limit, e[asked + 1],
						    need, 1 };
		c.minimum[BV_DIM_STORAGE] = minimum;
		c.available[BV_DIM_STORAGE].available = available;
		c.available[BV_DIM_STORAGE].enforcement = e[has];
		c.available[BV_DIM_STORAGE].evidence = give;
		if (limit < minimum)
			want = BV_BUDGET_BELOW_MINIMUM;
		else if (limit > available)
			want = BV_BUDGET_CAPACITY;
		else if (has < asked + 1)
			want = BV_BUDGET_GUARANTEE;
		else if ((need | give) != give)
			want = BV_BUDGET_EVIDENCE;
		expect(&c, want, BV_DIM_STORAGE);
		seen[want]++;
	}
	for (unsigned int r = 0; r < BV_BUDGET_REASON_N; r++)
		assert_true(seen[r] > 0);
}

/* Two dimensions failing in every pair of ways: phase 1 before phase 2, then
 * the canonical order. */
static void break_one(struct case_all *c, unsigned int d,
		      enum bv_budget_reason how)
{
	switch (how) {
	case BV_BUDGET_BELOW_MINIMUM:
		c->request[d].limit = MINIMUM - 1;
		break;
	case BV_BUDGET_CAPACITY:
		c->request[d].limit = AVAILABLE + 1;
		break;
	case BV_BUDGET_GUARANTEE:
		c->available[d].enforcement = BV_UNSUPPORTED;
		break;
	case BV_BUDGET_EVIDENCE:
		c->available[d].evidence = 0;
		break;
	case BV_BUDGET_OK:
	case BV_BUDGET_REASON_N:
		break;
	}
}

static void test_adjudicate__pairs__first_failure(void **state)
{
	const unsigned int first = BV_BUDGET_BELOW_MINIMUM;

	(void)state;
	for (unsigned int d1 = 0; d1 < BV_DIM_N; d1++)
		for (unsigned int d2 = d1 + 1; d2 < BV_DIM_N; d2++)
			for (unsigned int i = 0; i < 16; i++) {
				enum bv_budget_reason a = first + i / 4;
				enum bv_budget_reason b = first + i % 4;
				bool second = a != BV_BUDGET_BELOW_MINIMUM &&
					      b == BV_BUDGET_BELOW_MINIMUM;
				struct case_all c;

				all_fit(&c);
				break_one(&c, d1, a);
				break_one(&c, d2, b);
				expect(&c, second ? b : a, second ? d2 : d1);
			}
}

/* Within one dimension: capacity, then guarantee, then evidence. */
static void test_adjudicate__one_dimension__phase_2_order(void **state)
{
	struct case_all c;

	(void)state;
	all_fit(&c);
	break_one(&c, BV_DIM_MEMORY, BV_BUDGET_EVIDENCE);
	break_one(&c, BV_DIM_MEMORY, BV_BUDGET_GUARANTEE);
	expect(&c, BV_BUDGET_GUARANTEE, BV_DIM_MEMORY);
	break_one(&c, BV_DIM_MEMORY, BV_BUDGET_CAPACITY);
	expect(&c, BV_BUDGET_CAPACITY, BV_DIM_MEMORY);
	break_one(&c, BV_DIM_MEMORY, BV_BUDGET_BELOW_MINIMUM);
	expect(&c, BV_BUDGET_BELOW_MINIMUM, BV_DIM_MEMORY);
}

static void test_adjudicate__unstated__not_limited(void **state)
{
	struct case_all c;

	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		for (unsigned int how = BV_BUDGET_BELOW_MINIMUM;
		     how < BV_BUDGET_REASON_N; how++) {
			all_fit(&c);
			break_one(&c, d, (enum bv_budget_reason)how);
			c.request[d].stated = false;
			expect(&c, BV_BUDGET_OK, 0);
			assert_false(c.admitted[d].stated);
			assert_true(c.admitted[d].limit == 0);
			assert_int_equal(c.admitted[d].selected,
					 BV_UNSUPPORTED);
			assert_true(c.admitted[d].minimum == MINIMUM);
		}
	}
}

static void
test_adjudicate__asked_mediated__selected_is_what_there_is(void **state)
{
	struct case_all c;

	(void)state;
	all_fit(&c);
	c.request[BV_DIM_PROCESSES].guarantee = BV_MEDIATED;
	expect(&c, BV_BUDGET_OK, 0);
	assert_int_equal(c.admitted[BV_DIM_PROCESSES].required, BV_MEDIATED);
	assert_int_equal(c.admitted[BV_DIM_PROCESSES].selected, BV_ENFORCED);
	/* And a guarantee of nothing cannot smuggle a limit past us. */
	c.request[BV_DIM_PROCESSES].guarantee = BV_UNSUPPORTED;
	c.available[BV_DIM_PROCESSES].enforcement = BV_UNSUPPORTED;
	expect(&c, BV_BUDGET_GUARANTEE, BV_DIM_PROCESSES);
}

static void minimums(const enum bv_kind *kinds, size_t n,
		     uint64_t ret[BV_DIM_N])
{
	struct bv_expose_rule expose[2] = { { .write = false },
					    { .write = true } };
	struct bv_policy policy = { .expose = expose,
				    .expose_n = 2,
				    .fds_keep_n = 5 };
	struct bv_spec spec = { .policy = &policy, .req_n = n };

	for (size_t i = 0; i < n; i++)
		spec.req[i].kind = kinds[i];
	bv_budget_minimums(&spec, ret);
}

static void test_minimums__each_kind__table(void **state)
{
	/* wall cpu memory processes handles storage network */
	static const uint64_t want[BV_KIND_N][BV_DIM_N] = {
		[BV_KIND_NETWORK_ALLOW_LIST] = { 0, 0, 0, 0, 0, 0, 1 },
		[BV_KIND_CHILD_SPAWN_ALLOW_THREADS] = { 0, 0, 0, 2, 0, 0, 0 },
		[BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS] = { 0, 0, 0, 2, 0, 0,
							    0 },
		[BV_KIND_INHERITED_FDS_ONLY] = { 0, 0, 0, 0, 5, 0, 0 },
		[BV_KIND_LAUNCH_WORKLOAD] = { 1, 1, 1, 1, 3, 0, 0 },
		[BV_KIND_CAPTURE_STREAMS] = { 0, 0, 0, 0, 3, 0, 0 },
		[BV_KIND_TEMP_ROOT] = { 0, 0, 0, 0, 0, 1, 0 },
		[BV_KIND_EXPOSE_PATH] = { 0, 0, 0, 0, 0, 1, 0 },
		[BV_KIND_COMMIT_ARTIFACT] = { 0, 0, 0, 0, 0, 1, 0 },
	};
	uint64_t got[BV_DIM_N];

	(void)state;
	for (unsigned int k = 0; k < BV_KIND_N; k++) {
		const enum bv_kind kind = (enum bv_kind)k;

		minimums(&kind, 1, got);
		assert_memory_equal(got, want[k], sizeof(got));
	}
	minimums(NULL, 0, got);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		assert_true(got[d] == 0);
}

static void test_minimums__together__max_but_handles_add(void **state)
{
	static const enum bv_kind kinds[] = {
		BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS,
		BV_KIND_INHERITED_FDS_ONLY,
		BV_KIND_LAUNCH_WORKLOAD,
		BV_KIND_CAPTURE_STREAMS,
		BV_KIND_TEMP_ROOT,
	};
	static const uint64_t want[BV_DIM_N] = { 1, 1, 1, 2, 11, 1, 0 };
	uint64_t got[BV_DIM_N];

	(void)state;
	minimums(kinds, BV_LEN(kinds), got);
	assert_memory_equal(got, want, sizeof(got));
}

static void test_minimums__expose_read_only__no_storage(void **state)
{
	struct bv_expose_rule expose = { .write = false };
	struct bv_policy policy = { .expose = &expose, .expose_n = 1 };
	struct bv_spec spec = { .policy = &policy, .req_n = 1 };
	uint64_t got[BV_DIM_N];

	(void)state;
	spec.req[0].kind = BV_KIND_EXPOSE_PATH;
	bv_budget_minimums(&spec, got);
	assert_true(got[BV_DIM_STORAGE] == 0);
}

static void test_finding__table(void **state)
{
	static const struct {
		bool stated;
		enum bv_enforcement selected;
		bool available;
		uint64_t used;
		bool limit_hit;
		enum bv_finding want;
	} cases[] = {
		{ false, BV_ENFORCED, true, 999, true,
		  BV_FINDING_NOT_REQUESTED },
		{ false, BV_UNSUPPORTED, false, 0, false,
		  BV_FINDING_NOT_REQUESTED },
		{ true, BV_ENFORCED, false, 0, false,
		  BV_FINDING_OBSERVATION_UNAVAILABLE },
		{ true, BV_MEDIATED, false, 0, false,
		  BV_FINDING_OBSERVATION_UNAVAILABLE },
		{ true, BV_ENFORCED, true, 0, false, BV_FINDING_WITHIN_LIMIT },
		{ true, BV_ENFORCED, true, 99, false, BV_FINDING_WITHIN_LIMIT },
		{ true, BV_ENFORCED, true, 100, false,
		  BV_FINDING_WITHIN_LIMIT },
		/* The peak is at the limit, but only the counter tells. */
		{ true, BV_ENFORCED, true, 100, true,
		  BV_FINDING_LIMIT_REACHED_ENFORCED },
		{ true, BV_ENFORCED, true, 50, true,
		  BV_FINDING_LIMIT_REACHED_ENFORCED },
		/* A counter without a peak is still an observation. */
		{ true, BV_ENFORCED, false, 0, true,
		  BV_FINDING_LIMIT_REACHED_ENFORCED },
		{ true, BV_ENFORCED, true, 101, false,
		  BV_FINDING_ENFORCEMENT_FAULT },
		/* Mediated: as far over as was stated beforehand. */
		{ true, BV_MEDIATED, true, 101, false,
		  BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT },
		{ true, BV_MEDIATED, true, 105, false,
		  BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT },
		{ true, BV_MEDIATED, true, 106, false,
		  BV_FINDING_ENFORCEMENT_FAULT },
		{ true, BV_MEDIATED, true, UINT64_MAX, false,
		  BV_FINDING_ENFORCEMENT_FAULT },
		{ true, BV_MEDIATED, true, 100, false,
		  BV_FINDING_WITHIN_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		const struct bv_admitted_budget b = {
			.stated = cases[i].stated,
			.limit = LIMIT,
			.selected = cases[i].selected,
			.sample_us = 100000,
			.max_overshoot =
				cases[i].selected == BV_MEDIATED ? 5 : 0,
		};
		const struct bv_measure m = { cases[i].available, cases[i].used,
					      cases[i].limit_hit };

		if (bv_budget_finding(&b, &m) != cases[i].want)
			fail_msg("case %zu: %s", i,
				 bv_finding_name(bv_budget_finding(&b, &m)));
	}
}

/* Whatever the processors do, the next look comes before twice what is left is
 * used up, or after 50 ms. */
static void test_cpu_sample__bounds_and_between(void **state)
{
	static const struct {
		uint64_t used, limit, cpus, want;
	} cases[] = {
		{ 0, 3600000000, 2, 5000000 },
		{ 0, 20000000, 2, 5000000 },
		{ 0, 10000000, 2, 5000000 },
		{ 0, 9999998, 2, 4999999 },
		{ 0, 9999998, 1, 5000000 },
		{ 4000000, 5000000, 4, 250000 },
		{ 4900000, 5000000, 1, 100000 },
		{ 4950000, 5000000, 1, 50000 },
		{ 4999999, 5000000, 64, 50000 },
		{ 5000000, 5000000, 1, 50000 },
		{ 6000000, 5000000, 1, 50000 },
		{ 0, UINT64_MAX, 1, 5000000 },
		{ 0, 1, 0, 50000 },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		uint64_t got = bv_cpu_sample_us(cases[i].used, cases[i].limit,
						cases[i].cpus);

		if (got != cases[i].want)
			fail_msg("case %zu: %llu", i, (unsigned long long)got);
	}
}

static void test_left__words(void **state)
{
	static const struct {
		uint64_t us;
		const char *want;
	} cases[] = {
		{ 0, "0 s" },
		{ 999999, "0 s" },
		{ 1000000, "1 s" },
		{ 119999999, "119 s" },
		{ 120000000, "2 min" },
		{ 12 * UINT64_C(60000000) + 59000000, "12 min" },
		{ 119 * UINT64_C(60000000), "119 min" },
		{ UINT64_C(7198000000), "119 min" },
		{ 120 * UINT64_C(60000000), "2 h" },
		{ UINT64_C(10799000000), "2 h" },
		{ 48 * UINT64_C(3600000000), "48 h" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char text[32];

		bv_budget_left_text(cases[i].us, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adjudicate__all_fit__admitted),
		cmocka_unit_test(test_adjudicate__each_dimension__each_reason),
		cmocka_unit_test(test_adjudicate__bounds__inclusive),
		cmocka_unit_test(test_adjudicate__one_dimension__swept),
		cmocka_unit_test(test_adjudicate__pairs__first_failure),
		cmocka_unit_test(test_adjudicate__one_dimension__phase_2_order),
		cmocka_unit_test(test_adjudicate__unstated__not_limited),
		cmocka_unit_test(
			test_adjudicate__asked_mediated__selected_is_what_there_is),
		cmocka_unit_test(test_minimums__each_kind__table),
		cmocka_unit_test(test_minimums__together__max_but_handles_add),
		cmocka_unit_test(test_minimums__expose_read_only__no_storage),
		cmocka_unit_test(test_finding__table),
		cmocka_unit_test(test_cpu_sample__bounds_and_between),
		cmocka_unit_test(test_left__words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
