/* SPDX-License-Identifier: MIT */
/*
 * The two evaluators over ten million generated records. A record starts out
 * admissible; each membrane is let go with one chance in eight, and what it
 * looks at is then drawn at random from small, edge and wild values. Every
 * membrane, code, slot and dimension has to be hit. BV_DECISION_RECORDS and
 * BV_DECISION_SEED choose another run.
 */
#include "tests/unit/decision_fixture.h"

#include <inttypes.h>

#define RECORDS UINT64_C(10000000)
#define SEED    UINT64_C(0x62766973) /* another one is another run */

static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Near the edges as often as not. */
static uint64_t draw_amount(uint64_t r)
{
	switch (r & 7) {
	case 0:
		return UINT64_MAX - (r >> 3 & 1);
	case 1:
		return (UINT64_C(1) << 63) - (r >> 3 & 1);
	case 2:
		return (UINT64_C(1) << 32) - (r >> 3 & 1);
	case 3:
		return r >> 3;
	default:
		return r >> 3 & 3;
	}
}

static void draw_slots(struct bv_question *q, uint64_t *s, uint32_t loose)
{
	uint64_t r = draw(s);

	q->slot_n = (r & 63) == 0 ? BV_REQUIREMENT_MAX : (uint32_t)(r >> 6 & 7);
	for (uint32_t i = 0; i < q->slot_n; i++) {
		struct bv_slot *t = &q->slot[i];
		uint64_t v = draw(s);

		*t = (struct bv_slot){
			.req = i,
			.enforcement = 1 + (uint32_t)(v & 1),
			.required_evidence = (uint32_t)(v >> 1 & 3),
			.available_evidence = (uint32_t)(v >> 1 & 7) | 0x400,
		};
		if (loose & 1u << BV_MEMBRANE_CONFLICT) {
			t->req = (uint32_t)(v >> 8 & ((v >> 14 & 1) ? 63 : 7));
			t->family =
				(uint32_t)(v >> 15 & ((v >> 20 & 1) ? 31 : 3));
		}
		if (loose & 1u << BV_MEMBRANE_SUPPORT)
			t->enforcement = (uint32_t)(v >> 21 & 3);
		if (loose & 1u << BV_MEMBRANE_EVIDENCE && (v >> 24 & 3) == 0)
			t->required_evidence = (uint32_t)(v >> 26 & 7);
	}
}

static void draw_lanes(struct bv_question *q, uint64_t *s, uint32_t loose)
{
	for (uint32_t d = 0; d < BV_DIM_N; d++) {
		struct bv_lane *l = &q->lane[d];
		uint64_t v = draw(s);

		*l = (struct bv_lane){
			.limit = v >> 8 & 15,
			.available = (v >> 8 & 15) + (v >> 12 & 1),
			.minimum = (v >> 8 & 15) & (v >> 13 & 15),
			.stated = (uint32_t)(v >> 17 & 1),
			.required = 1 + (uint32_t)(v >> 18 & v >> 19 & 1),
			.enforcement = 1 + (uint32_t)(v >> 19 & 1),
			.required_evidence = (uint32_t)(v >> 20 & v >> 24 & 7),
			.available_evidence = (uint32_t)(v >> 20 & 7),
		};
		if (!(loose & 1u << BV_MEMBRANE_BUDGET) || v & 1)
			continue;
		/* One thing of it, or all. */
		if ((v >> 1 & 7) <= 1)
			l->limit = draw_amount(draw(s));
		if ((v >> 1 & 7) == 0 || (v >> 1 & 7) == 2)
			l->minimum = draw_amount(draw(s));
		if ((v >> 1 & 7) == 0 || (v >> 1 & 7) == 3)
			l->available = draw_amount(draw(s));
		if ((v >> 1 & 7) == 0 || (v >> 1 & 7) == 4) {
			l->required = (uint32_t)(v >> 30 & 3);
			l->enforcement = (uint32_t)(v >> 32 & 3);
		}
		if ((v >> 1 & 7) == 0 || (v >> 1 & 7) == 5)
			l->required_evidence = (uint32_t)(v >> 34 & 15);
	}
}

static void draw_rest(struct bv_question *q, uint64_t *s, uint32_t loose)
{
	uint64_t r = draw(s);
	bool wasm = r & 1;

	q->config = loose & 1u << BV_MEMBRANE_CONFIG ? r >> 1 & 3 : 0;
	q->unmatched = loose & 1u << BV_MEMBRANE_UNMATCHED ? r >> 3 & 1 : 0;
	q->action = loose & 1u << BV_MEMBRANE_ACTION ? r >> 4 & 3 : 0;
	q->schedule = loose & 1u << BV_MEMBRANE_SCHEDULE ? r >> 6 & 3 : 0;
	q->workload = wasm ? BV_WORKLOAD_WASM : BV_WORKLOAD_PROCESS;
	q->backend = wasm ? BV_BACKEND_WASM : BV_BACKEND_LINUX;
	if (loose & 1u << BV_MEMBRANE_WORKLOAD) {
		q->workload = r >> 8 & 3;
		q->backend = r >> 10 & 7;
	}
	q->required_evidence = 0;
	if (loose & 1u << BV_MEMBRANE_EVIDENCE)
		q->required_evidence = r >> 13 & r >> 17 & 15;
	for (uint32_t w = 0; w < BV_DIGEST_WORDS; w++)
		q->live[w] = q->probed[w] = r;
	if (loose & 1u << BV_MEMBRANE_DRIFT)
		q->live[r >> 21 & 3] ^= UINT64_C(1) << (r >> 23 & 63);
}

struct hits {
	uint64_t membrane[BV_MEMBRANE_N];
	uint64_t code[BV_REFUSED_N];
	uint64_t slot[BV_NO_SLOT + 1];
	uint64_t against[BV_NO_SLOT + 1];
	uint64_t dim[BV_DIM_N + 1];
};

static void count(struct hits *h, const struct bv_decision *d)
{
	h->membrane[d->membrane]++;
	h->code[d->code]++;
	h->slot[d->slot]++;
	h->against[d->against]++;
	h->dim[d->dim]++;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void differ(uint64_t at, uint64_t before, const struct bv_decision *a,
		   const struct bv_decision *b)
{
	fail_msg("record %" PRIu64 " (seed %#" PRIx64
		 "): reference %s/%s slot %u against %u dim %u, table %s/%s "
		 "slot %u against %u dim %u",
		 at, before, bv_membrane_name((enum bv_membrane)a->membrane),
		 bv_refusal_code_name((enum bv_refusal_code)a->code), a->slot,
		 a->against, a->dim,
		 bv_membrane_name((enum bv_membrane)b->membrane),
		 bv_refusal_code_name((enum bv_refusal_code)b->code), b->slot,
		 b->against, b->dim);
}

static void assert_all_hit(const struct hits *h)
{
	for (unsigned int m = 0; m < BV_MEMBRANE_DIVERGENCE; m++)
		if (h->membrane[m] == 0)
			fail_msg("never: %s",
				 bv_membrane_name((enum bv_membrane)m));
	for (unsigned int c = 0; c < BV_REFUSED_DIVERGENCE; c++)
		if (h->code[c] == 0)
			fail_msg("never: %s",
				 bv_refusal_code_name((enum bv_refusal_code)c));
	for (unsigned int i = 0; i <= BV_NO_SLOT; i++)
		assert_true(h->slot[i] > 0);
	for (unsigned int d = 0; d <= BV_DIM_N; d++)
		assert_true(h->dim[d] > 0);
	assert_true(h->against[0] > 0 && h->against[5] > 0);
}

static void test_decision__generated_records__evaluators_agree(void **state)
{
	const uint64_t records = setting("BV_DECISION_RECORDS", RECORDS);
	const uint64_t seed = setting("BV_DECISION_SEED", SEED);
	struct bv_question q = { .slot_n = 0 };
	struct hits hits = { .membrane = { 0 } };
	uint64_t s = seed;

	(void)state;
	for (uint64_t i = 0; i < records; i++) {
		const uint64_t before = s;
		const uint64_t r = draw(&s);
		const uint32_t loose = (uint32_t)(r & r >> 16 & r >> 32);
		struct bv_decision a, b;

		draw_slots(&q, &s, loose);
		draw_lanes(&q, &s, loose);
		draw_rest(&q, &s, loose);
		bv_decide_reference(&q, &a);
		bv_decide_table(&q, &b);
		if (!bv_decision_equal(&a, &b))
			differ(i, before, &a, &b);
		count(&hits, &a);
	}
	printf("# %" PRIu64 " records, seed %#" PRIx64 ", %" PRIu64
	       " admitted; evaluators agree\n",
	       records, seed, hits.membrane[BV_MEMBRANE_NONE]);
	if (records >= RECORDS)
		assert_all_hit(&hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_decision__generated_records__evaluators_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
