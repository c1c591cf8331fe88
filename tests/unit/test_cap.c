/* SPDX-License-Identifier: MIT */
/* A cap never raises: every key and budget of every recorded machine under every
 * cap, beside what is written out here once more. */
#include "boundary_fixture.h"

#include "core/cap.h"

#define MISSING "what is missing"
#define REMEDY  "what to do"

static const enum bv_enforcement ways[] = { BV_ENFORCED, BV_MEDIATED,
					    BV_UNSUPPORTED };

static void derive(enum fixture_machine_id id, struct bv_snapshot *snap,
		   struct bv_profile *ret)
{
	fixture_snapshot(id, snap);
	bv_profile_derive(snap, ret);
}

static void cap(struct bv_caps *caps, unsigned int cover, enum bv_enforcement e)
{
	bv_caps_none(caps);
	if (e == BV_ENFORCED)
		return;
	caps->of[cover] = (struct bv_cap){
		e, MISSING, REMEDY, { "fact.one", "fact.two" }
	};
}

static enum bv_enforcement weaker(enum bv_enforcement a, enum bv_enforcement b)
{
	if (a == BV_UNSUPPORTED || b == BV_UNSUPPORTED)
		return BV_UNSUPPORTED;
	return a == BV_MEDIATED || b == BV_MEDIATED ? BV_MEDIATED : BV_ENFORCED;
}

static void expect_key(const struct bv_verdict *was,
		       const struct bv_verdict *is, enum bv_enforcement most)
{
	/* As weak as it was, and it can something: the cap says why. */
	const bool theirs =
		was->enforcement != BV_UNSUPPORTED && most != BV_ENFORCED;

	assert_int_equal(is->enforcement, weaker(was->enforcement, most));
	if (is->enforcement == BV_UNSUPPORTED)
		assert_int_equal(is->evidence, 0);
	else
		assert_int_equal(is->evidence, was->evidence);
	assert_string_equal(is->missing, theirs ? MISSING : was->missing);
	assert_string_equal(is->remedy, theirs ? REMEDY : was->remedy);
	if (theirs)
		assert_string_equal(is->fact[0], "fact.one");
	assert_string_equal(is->mechanism, theirs && most == BV_UNSUPPORTED
						   ? "linux:none"
						   : was->mechanism);
}

static void expect_same_key(const struct bv_verdict *a,
			    const struct bv_verdict *b)
{
	assert_int_equal(a->enforcement, b->enforcement);
	assert_int_equal(a->evidence, b->evidence);
	assert_string_equal(a->mechanism, b->mechanism);
	assert_string_equal(a->missing, b->missing);
}

static void expect_same_budget(const struct bv_availability *a,
			       const struct bv_availability *b)
{
	assert_int_equal(a->enforcement, b->enforcement);
	assert_int_equal(a->evidence, b->evidence);
	assert_true(a->available == b->available);
	assert_true(a->sample_us == b->sample_us);
	assert_true(a->max_overshoot == b->max_overshoot);
	assert_string_equal(a->mechanism, b->mechanism);
}

static void test_caps__none__nothing_changes(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_profile was, is;
		struct bv_snapshot snap;
		struct bv_caps caps;

		derive((enum fixture_machine_id)m, &snap, &was);
		is = was;
		bv_caps_none(&caps);
		bv_profile_cap(&is, &caps);
		for (unsigned int r = 0; r < BV_REQ_N; r++)
			expect_same_key(&is.req[r], &was.req[r]);
		for (unsigned int k = 0; k < BV_KIND_N; k++)
			expect_same_key(&is.kind[k], &was.kind[k]);
		for (unsigned int d = 0; d < BV_DIM_N; d++)
			expect_same_budget(&is.budget[d], &was.budget[d]);
	}
}

static void test_cap__a_key__that_key_alone(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile was;

		derive((enum fixture_machine_id)m, &snap, &was);
		for (unsigned int r = 0; r < BV_REQ_N * BV_LEN(ways); r++) {
			const unsigned int key = r / BV_LEN(ways);
			const enum bv_enforcement most = ways[r % BV_LEN(ways)];
			struct bv_profile is = was;
			struct bv_caps caps;

			cap(&caps, key, most);
			bv_profile_cap(&is, &caps);
			for (unsigned int o = 0; o < BV_REQ_N; o++) {
				if (o != key)
					expect_same_key(&is.req[o],
							&was.req[o]);
			}
			expect_key(&was.req[key], &is.req[key], most);
			for (unsigned int d = 0; d < BV_DIM_N; d++)
				expect_same_budget(&is.budget[d],
						   &was.budget[d]);
		}
	}
}

static void test_cap__a_budget__that_budget_alone(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINE_N; m++) {
		struct bv_snapshot snap;
		struct bv_profile was;

		derive((enum fixture_machine_id)m, &snap, &was);
		for (unsigned int i = 0; i < BV_DIM_N * BV_LEN(ways); i++) {
			const unsigned int d = i / BV_LEN(ways);
			const enum bv_enforcement most = ways[i % BV_LEN(ways)];
			const struct bv_availability *b = &was.budget[d];
			struct bv_profile is = was;
			struct bv_caps caps;

			cap(&caps, BV_REQ_N + d, most);
			bv_profile_cap(&is, &caps);
			assert_int_equal(is.budget[d].enforcement,
					 weaker(b->enforcement, most));
			for (unsigned int o = 0; o < BV_DIM_N; o++)
				if (o != d)
					expect_same_budget(&is.budget[o],
							   &was.budget[o]);
			for (unsigned int r = 0; r < BV_REQ_N; r++)
				expect_same_key(&is.req[r], &was.req[r]);
			if (b->enforcement == BV_UNSUPPORTED ||
			    most != BV_UNSUPPORTED)
				continue;
			assert_string_equal(is.budget[d].missing, MISSING);
			assert_string_equal(is.budget[d].remedy, REMEDY);
			assert_string_equal(is.budget[d].fact[1], "fact.two");
			assert_int_equal(is.budget[d].evidence, 0);
		}
	}
}

/* A kind is as good as the best of its keys that is left. */
static void test_cap__every_key_of_a_kind__the_kind_too(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile was, is;
	struct bv_caps caps;

	(void)state;
	derive(MACHINE_DEBIAN_13, &snap, &was);
	for (unsigned int k = 0; k < BV_KIND_N; k++) {
		is = was;
		bv_caps_none(&caps);
		for (unsigned int r = 0; r < BV_REQ_N; r++)
			if (bv_req_kind((enum bv_req)r) == (enum bv_kind)k)
				caps.of[r].at_most = BV_UNSUPPORTED;
		bv_profile_cap(&is, &caps);
		for (unsigned int o = 0; o < BV_KIND_N; o++)
			if (o != k)
				expect_same_key(&is.kind[o], &was.kind[o]);
		assert_int_equal(is.kind[k].enforcement, BV_UNSUPPORTED);
	}
}

static void test_names__all_and_none_beyond(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		assert_string_equal(bv_cover_name(r),
				    bv_req_name((enum bv_req)r));
	assert_string_equal(bv_cover_name(BV_REQ_N), "budget:wall");
	assert_string_equal(bv_cover_name(BV_REQ_N + BV_DIM_NETWORK),
			    "budget:network");
	assert_string_equal(bv_cover_name(BV_COVER_N), "?");
	assert_string_equal(bv_cover_name(UINT32_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caps__none__nothing_changes),
		cmocka_unit_test(test_cap__a_key__that_key_alone),
		cmocka_unit_test(test_cap__a_budget__that_budget_alone),
		cmocka_unit_test(test_cap__every_key_of_a_kind__the_kind_too),
		cmocka_unit_test(test_names__all_and_none_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
