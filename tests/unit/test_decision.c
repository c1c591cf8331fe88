/* SPDX-License-Identifier: MIT */
/* The two evaluators: each membrane swept over its small domain against an
 * oracle of plain words, and their frozen order. */
#include "tests/unit/decision_fixture.h"

static void test_decision__good__admitted(void **state)
{
	struct bv_question q = good_question();

	(void)state;
	expect_admitted(&q);
	q = (struct bv_question){ .workload = BV_WORKLOAD_PROCESS,
				  .backend = BV_BACKEND_LINUX };
	expect_admitted(&q);
}

/* Every set of broken membranes: the first of the frozen order refuses. */
static void test_decision__every_subset__first_membrane(void **state)
{
	static const enum bv_membrane order[] = {
		BV_MEMBRANE_CONFIG,   BV_MEMBRANE_UNMATCHED, BV_MEMBRANE_ACTION,
		BV_MEMBRANE_CONFLICT, BV_MEMBRANE_WORKLOAD,  BV_MEMBRANE_DRIFT,
		BV_MEMBRANE_SUPPORT,  BV_MEMBRANE_EVIDENCE,  BV_MEMBRANE_BUDGET,
		BV_MEMBRANE_SCHEDULE,
	};

	(void)state;
	for (unsigned int set = 0; set < 1u << BV_LEN(order); set++) {
		struct bv_question q = good_question();
		enum bv_membrane want = BV_MEMBRANE_NONE;
		struct bv_decision d;

		for (size_t i = BV_LEN(order); i > 0; i--) {
			if (!(set & 1u << (i - 1)))
				continue;
			break_membrane(&q, order[i - 1]);
			want = order[i - 1];
		}
		d = both(&q);
		assert_int_equal(d.membrane, want);
		assert_int_equal(d.admit, set == 0);
	}
}

/* One case for each code; an enumerator that none reaches fails the test. */
static void test_decision__every_code__reached(void **state)
{
	bool reached[BV_REFUSED_N] = { [BV_REFUSED_DIVERGENCE] = true };

	(void)state;
	for (unsigned int i = 0; i < BV_REFUSED_N; i++) {
		struct bv_question q = good_question();
		struct bv_lane *lane = &q.lane[BV_DIM_NETWORK];
		struct bv_decision d;

		switch ((enum bv_refusal_code)i) {
		case BV_REFUSED_CONFIG_POLICY:
			q.config = BV_CONFIG_POLICY;
			break;
		case BV_REFUSED_CONFIG_ENVIRONMENT:
			break_membrane(&q, BV_MEMBRANE_CONFIG);
			break;
		case BV_REFUSED_UNMATCHED:
			break_membrane(&q, BV_MEMBRANE_UNMATCHED);
			break;
		case BV_REFUSED_ACTION:
			break_membrane(&q, BV_MEMBRANE_ACTION);
			break;
		case BV_REFUSED_CONFLICT_TWICE:
			q.slot[2].req = q.slot[0].req;
			break;
		case BV_REFUSED_CONFLICT_FAMILY:
			break_membrane(&q, BV_MEMBRANE_CONFLICT);
			break;
		case BV_REFUSED_WORKLOAD:
			break_membrane(&q, BV_MEMBRANE_WORKLOAD);
			break;
		case BV_REFUSED_DRIFT:
			break_membrane(&q, BV_MEMBRANE_DRIFT);
			break;
		case BV_REFUSED_SUPPORT:
			break_membrane(&q, BV_MEMBRANE_SUPPORT);
			break;
		case BV_REFUSED_EVIDENCE_REQUIREMENT:
			break_membrane(&q, BV_MEMBRANE_EVIDENCE);
			break;
		case BV_REFUSED_EVIDENCE_SESSION:
			q.required_evidence = 0x10;
			break;
		case BV_REFUSED_BUDGET_MINIMUM:
			lane->limit = 9;
			break;
		case BV_REFUSED_BUDGET_CAPACITY:
			lane->limit = 101;
			break;
		case BV_REFUSED_BUDGET_GUARANTEE:
			lane->enforcement = 1;
			break;
		case BV_REFUSED_BUDGET_EVIDENCE:
			lane->required_evidence = 0x8;
			break;
		case BV_REFUSED_SCHEDULE_COMPILE:
			q.schedule = BV_SCHEDULE_NOT_COMPILED;
			break;
		case BV_REFUSED_SCHEDULE_VERIFY:
			q.schedule = BV_SCHEDULE_NOT_VERIFIED;
			break;
		/* Not of a record: test_decision_plan.c. */
		case BV_REFUSED_DIVERGENCE:
			continue;
		case BV_REFUSED_NOT:
		case BV_REFUSED_N:
			break;
		}
		d = both(&q);
		assert_int_equal(d.code, i);
		reached[d.code] = true;
	}
	for (unsigned int i = 0; i < BV_REFUSED_N; i++)
		if (!reached[i])
			fail_msg("never reached: %s",
				 bv_refusal_code_name((enum bv_refusal_code)i));
}

/* Whatever a code holds that no enumerator names, it refuses. */
static void test_decision__wild_codes__refuse(void **state)
{
	static const uint32_t wild[] = { 3,   4,   15,          16,
					 255, 256, 0x80000000u, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < BV_LEN(wild); i++) {
		struct bv_question q = good_question();

		q.config = wild[i];
		expect_refusal(&q, BV_MEMBRANE_CONFIG, BV_REFUSED_CONFIG_POLICY,
			       BV_NO_SLOT, BV_NO_SLOT, BV_DIM_N);
		q = good_question();
		q.unmatched = wild[i];
		expect_refusal(&q, BV_MEMBRANE_UNMATCHED, BV_REFUSED_UNMATCHED,
			       BV_NO_SLOT, BV_NO_SLOT, BV_DIM_N);
		q = good_question();
		q.action = wild[i];
		expect_refusal(&q, BV_MEMBRANE_ACTION, BV_REFUSED_ACTION,
			       BV_NO_SLOT, BV_NO_SLOT, BV_DIM_N);
		q = good_question();
		q.schedule = wild[i];
		expect_refusal(&q, BV_MEMBRANE_SCHEDULE,
			       BV_REFUSED_SCHEDULE_VERIFY, BV_NO_SLOT,
			       BV_NO_SLOT, BV_DIM_N);
	}
}

static void test_decision__workload_and_backend__fit(void **state)
{
	(void)state;
	for (uint32_t w = 0; w < 40; w++)
		for (uint32_t b = 0; b < 40; b++) {
			struct bv_question q = good_question();
			bool fits =
				(w == BV_WORKLOAD_PROCESS &&
				 b == BV_BACKEND_LINUX) ||
				(w == BV_WORKLOAD_WASM && b == BV_BACKEND_WASM);

			q.workload = w;
			q.backend = b;
			if (fits)
				expect_admitted(&q);
			else
				expect_refusal(&q, BV_MEMBRANE_WORKLOAD,
					       BV_REFUSED_WORKLOAD, BV_NO_SLOT,
					       BV_NO_SLOT, BV_DIM_N);
		}
}

static void test_decision__drift__every_bit(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 64 * BV_DIGEST_WORDS; i++) {
		struct bv_question q = good_question();

		q.live[i / 64] ^= UINT64_C(1) << i % 64;
		expect_refusal(&q, BV_MEMBRANE_DRIFT, BV_REFUSED_DRIFT,
			       BV_NO_SLOT, BV_NO_SLOT, BV_DIM_N);
		q.probed[i / 64] ^= UINT64_C(1) << i % 64;
		expect_admitted(&q);
	}
}

/* Four slots, three keys, three families each. */
static void test_decision__conflict__swept(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 9 * 9 * 9 * 9; i++) {
		const unsigned int code[4] = { i % 9, i / 9 % 9, i / 81 % 9,
					       i / 729 };
		struct bv_question q = good_question();
		unsigned int a = BV_NO_SLOT, b = BV_NO_SLOT;

		q.slot_n = 4;
		q.slot[3] = q.slot[2];
		for (unsigned int s = 0; s < 4; s++) {
			q.slot[s].req = code[s] % 3;
			q.slot[s].family = code[s] / 3;
		}
		for (unsigned int y = 0; y < 4 && b == BV_NO_SLOT; y++)
			for (unsigned int x = 0; x < y && b == BV_NO_SLOT; x++)
				if (code[x] % 3 == code[y] % 3 ||
				    (code[x] / 3 == code[y] / 3 &&
				     code[x] / 3 != 0)) {
					a = x;
					b = y;
				}
		if (b == BV_NO_SLOT)
			expect_admitted(&q);
		else
			expect_refusal(&q, BV_MEMBRANE_CONFLICT,
				       code[a] % 3 == code[b] % 3
					       ? BV_REFUSED_CONFLICT_TWICE
					       : BV_REFUSED_CONFLICT_FAMILY,
				       b, a, BV_DIM_N);
	}
}

/* Two requirements, four strengths each, 16 × 16 sets of evidence demanded of
 * the session and shown by the second. */
static void test_decision__enforcement_and_evidence__swept(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4 * 4 * 16 * 16; i++) {
		unsigned int e0 = i & 3, e1 = i >> 2 & 3;
		unsigned int need = i >> 4 & 15, give = i >> 8 & 15;
		struct bv_question q = good_question();

		q.slot_n = 2;
		memset(q.lane, 0, sizeof(q.lane));
		q.required_evidence = need;
		q.slot[0].enforcement = e0;
		q.slot[1].enforcement = e1;
		q.slot[0].required_evidence = q.slot[1].required_evidence = 0;
		q.slot[0].available_evidence = give & 5;
		q.slot[1].available_evidence = give & 10;
		if (e0 == 0 || e1 == 0)
			expect_refusal(&q, BV_MEMBRANE_SUPPORT,
				       BV_REFUSED_SUPPORT, e0 == 0 ? 0 : 1,
				       BV_NO_SLOT, BV_DIM_N);
		else if ((need | give) != give)
			expect_refusal(&q, BV_MEMBRANE_EVIDENCE,
				       BV_REFUSED_EVIDENCE_SESSION, BV_NO_SLOT,
				       BV_NO_SLOT, BV_DIM_N);
		else
			expect_admitted(&q);
	}
}

/* Of two requirements: each shows its own, however much the other does. */
static void test_decision__evidence_of_one__swept(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8 * 8 * 8 * 8; i++) {
		const unsigned int need[2] = { i & 7, i >> 3 & 7 };
		const unsigned int give[2] = { i >> 6 & 7, i >> 9 & 7 };
		struct bv_question q = good_question();
		uint32_t at = BV_NO_SLOT;

		q.slot_n = 2;
		q.required_evidence = 0;
		for (unsigned int s = 2; s > 0; s--) {
			q.slot[s - 1].required_evidence = need[s - 1];
			q.slot[s - 1].available_evidence = give[s - 1];
			if ((need[s - 1] | give[s - 1]) != give[s - 1])
				at = s - 1;
		}
		if (at == BV_NO_SLOT)
			expect_admitted(&q);
		else
			expect_refusal(&q, BV_MEMBRANE_EVIDENCE,
				       BV_REFUSED_EVIDENCE_REQUIREMENT, at,
				       BV_NO_SLOT, BV_DIM_N);
	}
}

/* A budget shows its use only where it is stated. */
static void test_decision__evidence_of_budget__only_stated(void **state)
{
	(void)state;
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		struct bv_question q = good_question();

		q.required_evidence = 0x20;
		q.lane[d].available_evidence = 0x24;
		expect_admitted(&q);
		q.lane[d].stated = 0;
		expect_refusal(&q, BV_MEMBRANE_EVIDENCE,
			       BV_REFUSED_EVIDENCE_SESSION, BV_NO_SLOT,
			       BV_NO_SLOT, BV_DIM_N);
	}
}

static enum bv_refusal_code lane_oracle(const struct bv_lane *l)
{
	if (l->stated == 0)
		return BV_REFUSED_NOT;
	if (l->minimum > l->limit)
		return BV_REFUSED_BUDGET_MINIMUM;
	if (l->available < l->limit)
		return BV_REFUSED_BUDGET_CAPACITY;
	if (l->required > l->enforcement || l->enforcement < 1)
		return BV_REFUSED_BUDGET_GUARANTEE;
	if ((l->required_evidence | l->available_evidence) !=
	    l->available_evidence)
		return BV_REFUSED_BUDGET_EVIDENCE;
	return BV_REFUSED_NOT;
}

/* One dimension, all seven of its values over two bits each, stated or not. */
static void test_decision__one_dimension__whole_domain(void **state)
{
	unsigned int seen[BV_REFUSED_N] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 2u << 14; i++) {
		struct bv_question q = good_question();
		struct bv_lane *l = &q.lane[BV_DIM_STORAGE];
		enum bv_refusal_code want;

		*l = (struct bv_lane){
			.limit = i & 3,
			.minimum = i >> 2 & 3,
			.available = i >> 4 & 3,
			.required = i >> 6 & 3,
			.enforcement = i >> 8 & 3,
			.required_evidence = i >> 10 & 3,
			.available_evidence = i >> 12 & 3,
			.stated = i >> 14 & 1,
		};
		want = lane_oracle(l);
		seen[want]++;
		if (want == BV_REFUSED_NOT)
			expect_admitted(&q);
		else
			expect_refusal(&q, BV_MEMBRANE_BUDGET, want, BV_NO_SLOT,
				       BV_NO_SLOT, BV_DIM_STORAGE);
	}
	assert_true(seen[BV_REFUSED_NOT] && seen[BV_REFUSED_BUDGET_MINIMUM] &&
		    seen[BV_REFUSED_BUDGET_CAPACITY] &&
		    seen[BV_REFUSED_BUDGET_GUARANTEE] &&
		    seen[BV_REFUSED_BUDGET_EVIDENCE]);
}

/* Values whose comparison goes wrong when it is signed or cut to 32 bits. */
static void test_decision__lane__extreme_values(void **state)
{
	static const uint64_t v[] = {
		0,
		1,
		UINT32_MAX,
		UINT64_C(1) << 32,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT64_MAX - 1,
		UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(v) * BV_LEN(v) * BV_LEN(v); i++) {
		struct bv_question q = good_question();
		struct bv_lane *l = &q.lane[BV_DIM_WALL];
		enum bv_refusal_code want;

		l->limit = v[i % BV_LEN(v)];
		l->minimum = v[i / BV_LEN(v) % BV_LEN(v)];
		l->available = v[i / BV_LEN(v) / BV_LEN(v)];
		want = lane_oracle(l);
		if (want == BV_REFUSED_NOT)
			expect_admitted(&q);
		else
			expect_refusal(&q, BV_MEMBRANE_BUDGET, want, BV_NO_SLOT,
				       BV_NO_SLOT, BV_DIM_WALL);
	}
}

static void fail_lane(struct bv_lane *l, enum bv_refusal_code how)
{
	switch (how) {
	case BV_REFUSED_BUDGET_MINIMUM:
		l->minimum = 51;
		break;
	case BV_REFUSED_BUDGET_CAPACITY:
		l->available = 49;
		break;
	case BV_REFUSED_BUDGET_GUARANTEE:
		l->enforcement = 1;
		break;
	default:
		l->required_evidence = 0x14;
		break;
	}
}

/* All dimensions in pairs, every pair of reasons: phase 1 before phase 2, then
 * the canonical order. */
static void test_decision__dimensions_in_pairs__first_failure(void **state)
{
	static const enum bv_refusal_code how[] = {
		BV_REFUSED_BUDGET_MINIMUM,
		BV_REFUSED_BUDGET_CAPACITY,
		BV_REFUSED_BUDGET_GUARANTEE,
		BV_REFUSED_BUDGET_EVIDENCE,
	};

	(void)state;
	for (unsigned int d1 = 0; d1 < BV_DIM_N; d1++)
		for (unsigned int d2 = d1 + 1; d2 < BV_DIM_N; d2++)
			for (unsigned int i = 0; i < 16; i++) {
				struct bv_question q = good_question();
				bool later = i / 4 != 0 && i % 4 == 0;

				fail_lane(&q.lane[d1], how[i / 4]);
				fail_lane(&q.lane[d2], how[i % 4]);
				expect_refusal(&q, BV_MEMBRANE_BUDGET,
					       how[later ? i % 4 : i / 4],
					       BV_NO_SLOT, BV_NO_SLOT,
					       later ? d2 : d1);
			}
}

/* What stands beyond slot_n is nobody's; a count beyond the array is cut. */
static void test_decision__slot_count__respected(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= BV_REQUIREMENT_MAX; n++) {
		struct bv_question q = good_question();

		q.required_evidence = 0;
		for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++)
			q.slot[i] =
				(struct bv_slot){ .req = i, .enforcement = 1 };
		q.slot_n = n;
		expect_admitted(&q);
		for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++) {
			q.slot[i].enforcement = 0;
			if (i < n)
				expect_refusal(&q, BV_MEMBRANE_SUPPORT,
					       BV_REFUSED_SUPPORT, i,
					       BV_NO_SLOT, BV_DIM_N);
			else
				expect_admitted(&q);
			q.slot[i].enforcement = 1;
		}
	}
	for (uint32_t n = BV_REQUIREMENT_MAX + 1; n != 0; n <<= 1) {
		struct bv_question q = good_question();

		q.slot_n = n;
		both(&q);
	}
}

static void test_decision__last_slots__conflict_found(void **state)
{
	struct bv_question q = good_question();

	(void)state;
	for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++)
		q.slot[i] = (struct bv_slot){ .req = i,
					      .enforcement = 1,
					      .available_evidence = 7 };
	q.slot_n = BV_REQUIREMENT_MAX;
	q.slot[30].family = q.slot[31].family = 31;
	expect_refusal(&q, BV_MEMBRANE_CONFLICT, BV_REFUSED_CONFLICT_FAMILY, 31,
		       30, BV_DIM_N);
	q.slot[31].req = 63;
	q.slot[0].req = 63;
	expect_refusal(&q, BV_MEMBRANE_CONFLICT, BV_REFUSED_CONFLICT_TWICE, 31,
		       0, BV_DIM_N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decision__good__admitted),
		cmocka_unit_test(test_decision__every_subset__first_membrane),
		cmocka_unit_test(test_decision__every_code__reached),
		cmocka_unit_test(test_decision__wild_codes__refuse),
		cmocka_unit_test(test_decision__workload_and_backend__fit),
		cmocka_unit_test(test_decision__drift__every_bit),
		cmocka_unit_test(test_decision__conflict__swept),
		cmocka_unit_test(
			test_decision__enforcement_and_evidence__swept),
		cmocka_unit_test(test_decision__evidence_of_one__swept),
		cmocka_unit_test(
			test_decision__evidence_of_budget__only_stated),
		cmocka_unit_test(test_decision__one_dimension__whole_domain),
		cmocka_unit_test(test_decision__lane__extreme_values),
		cmocka_unit_test(
			test_decision__dimensions_in_pairs__first_failure),
		cmocka_unit_test(test_decision__slot_count__respected),
		cmocka_unit_test(test_decision__last_slots__conflict_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
