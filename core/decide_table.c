/* SPDX-License-Identifier: MIT */
/*
 * The shadow evaluator. No branch depends on the record: every slot and every
 * dimension is worked out into bits, one word per membrane; the lowest bit set
 * is the first failure. It shares no code with decide.c and must not.
 */
#include "core/decision.h"

_Static_assert(BV_REQUIREMENT_MAX == 32, "one bit of a word per slot");

/* Bits per dimension in a word of budget failures: the first phase lies below
 * the second as a whole. */
#define PHASE_2  8u
#define OF_PHASE 3u /* capacity, guarantee, evidence */

/* One bit per (backend, workload) that fit. */
#define FIT(backend, workload) (1u << ((backend)*4u + (workload)))
#define FITS                                                                   \
	(FIT(BV_BACKEND_LINUX, BV_WORKLOAD_PROCESS) |                          \
	 FIT(BV_BACKEND_WASM, BV_WORKLOAD_WASM))

/* In the order they are asked, lowest bit first. */
enum bit {
	BIT_CONFIG,
	BIT_UNMATCHED,
	BIT_ACTION,
	BIT_CONFLICT,
	BIT_WORKLOAD,
	BIT_DRIFT,
	BIT_SUPPORT,
	BIT_EVIDENCE,
	BIT_BUDGET,
	BIT_SCHEDULE,
	BIT_ADMIT, /* always set: what is left when nothing failed */
	BIT_N
};

static const uint32_t membrane_of[BIT_N] = {
	[BIT_CONFIG] = BV_MEMBRANE_CONFIG,
	[BIT_UNMATCHED] = BV_MEMBRANE_UNMATCHED,
	[BIT_ACTION] = BV_MEMBRANE_ACTION,
	[BIT_CONFLICT] = BV_MEMBRANE_CONFLICT,
	[BIT_WORKLOAD] = BV_MEMBRANE_WORKLOAD,
	[BIT_DRIFT] = BV_MEMBRANE_DRIFT,
	[BIT_SUPPORT] = BV_MEMBRANE_SUPPORT,
	[BIT_EVIDENCE] = BV_MEMBRANE_EVIDENCE,
	[BIT_BUDGET] = BV_MEMBRANE_BUDGET,
	[BIT_SCHEDULE] = BV_MEMBRANE_SCHEDULE,
	[BIT_ADMIT] = BV_MEMBRANE_NONE,
};

static const uint32_t config_codes[] = { BV_REFUSED_CONFIG_POLICY,
					 BV_REFUSED_CONFIG_ENVIRONMENT };
static const uint32_t conflict_codes[] = { BV_REFUSED_CONFLICT_FAMILY,
					   BV_REFUSED_CONFLICT_TWICE };
static const uint32_t evidence_codes[] = { BV_REFUSED_EVIDENCE_REQUIREMENT,
					   BV_REFUSED_EVIDENCE_SESSION };
static const uint32_t schedule_codes[] = { BV_REFUSED_SCHEDULE_VERIFY,
					   BV_REFUSED_SCHEDULE_COMPILE };
static const uint32_t phase_2_codes[OF_PHASE] = { BV_REFUSED_BUDGET_CAPACITY,
						  BV_REFUSED_BUDGET_GUARANTEE,
						  BV_REFUSED_BUDGET_EVIDENCE };

/* Index of the lowest bit set, `none` when there is none. */
static uint32_t lowest(uint64_t word, uint32_t none)
{
	return (uint32_t)__builtin_ctzll(word | UINT64_C(1) << none);
}

/* All bits or none. */
static uint32_t spread(uint32_t bit)
{
	return 0u - bit;
}

struct slot_words {
	uint64_t conflict;
	uint64_t support;
	uint64_t evidence;
	uint32_t shown;
	uint32_t against; /* of the first conflict */
	uint32_t twice;   /* its kind: the very same key */
};

/* Earlier slots that stand against slot j, and those with its very key. */
static void against(const struct bv_question *q, uint32_t j, uint64_t *ret_all,
		    uint64_t *ret_same)
{
	uint64_t all = 0, same = 0;
	const struct bv_slot *b = &q->slot[j];

	for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++) {
		const struct bv_slot *a = &q->slot[i];
		uint64_t earlier = i < j;
		uint64_t key = (uint64_t)(a->req == b->req) & earlier;
		uint64_t family = (uint64_t)(a->family == b->family) &
				  (uint64_t)(b->family != 0) & earlier;

		same |= key << i;
		all |= (key | family) << i;
	}
	*ret_all = all;
	*ret_same = same;
}

static void scan_slots(const struct bv_question *q, struct slot_words *ret)
{
	struct slot_words w = { 0 };
	uint64_t keys = 0, families = 0, all, same;

	for (uint32_t i = 0; i < BV_REQUIREMENT_MAX; i++) {
		const struct bv_slot *s = &q->slot[i];
		uint64_t used = i < q->slot_n;
		uint64_t key = used << (s->req & 63u);
		/* Family 0 is nobody's: its bit falls away. */
		uint64_t family = (used << (s->family & 31u)) & ~UINT64_C(1);
		uint64_t hit =
			(uint64_t)(((keys & key) | (families & family)) != 0);
		uint64_t lacks = (uint64_t)((s->required_evidence &
					     ~s->available_evidence) != 0);

		keys |= key;
		families |= family;
		w.conflict |= hit << i;
		w.support |= (used & (uint64_t)(s->enforcement == 0)) << i;
		w.evidence |= (used & lacks) << i;
		w.shown |= s->available_evidence & spread((uint32_t)used);
	}
	against(q, lowest(w.conflict, 32) & 31u, &all, &same);
	w.against = lowest(all, 32);
	w.twice = (uint32_t)(same >> (w.against & 31u)) & 1u;
	*ret = w;
}

/* Bit d: below the minimum. Bit PHASE_2 + 3d + i: the i-th of phase 2. */
static uint64_t scan_lanes(const struct bv_question *q, uint32_t *shown)
{
	uint64_t bits = 0;

	for (uint32_t d = 0; d < BV_DIM_N; d++) {
		const struct bv_lane *l = &q->lane[d];
		uint64_t stated = l->stated != 0;
		uint64_t low = l->limit < l->minimum;
		uint64_t over = l->available < l->limit;
		uint64_t weak = (uint64_t)(l->enforcement < l->required) |
				(uint64_t)(l->enforcement == 0);
		uint64_t dark = (uint64_t)((l->required_evidence &
					    ~l->available_evidence) != 0);
		uint64_t later = over | weak << 1 | dark << 2;

		bits |= (stated & low) << d;
		bits |= (later & (0u - stated)) << (PHASE_2 + OF_PHASE * d);
		*shown |= l->available_evidence & spread((uint32_t)stated);
	}
	return bits;
}

static uint32_t drifts(const struct bv_question *q)
{
	uint64_t differ = 0;

	for (uint32_t i = 0; i < BV_DIGEST_WORDS; i++)
		differ |= q->probed[i] ^ q->live[i];
	return differ != 0;
}

static uint32_t misfits(const struct bv_question *q)
{
	uint32_t known = (uint32_t)(q->backend < 4u) & (q->workload < 4u);
	uint32_t at = (q->backend & 3u) * 4u + (q->workload & 3u);

	return 1u ^ (known & FITS >> at);
}

void bv_decide_table(const struct bv_question *q, struct bv_decision *ret)
{
	struct slot_words slots;
	uint64_t lanes, failed;
	uint32_t dark, first, conflict, budget, later;

	scan_slots(q, &slots);
	lanes = scan_lanes(q, &slots.shown);
	dark = (q->required_evidence & ~slots.shown) != 0;
	failed = (uint64_t)(q->config != 0) << BIT_CONFIG |
		 (uint64_t)(q->unmatched != 0) << BIT_UNMATCHED |
		 (uint64_t)(q->action != 0) << BIT_ACTION |
		 (uint64_t)(slots.conflict != 0) << BIT_CONFLICT |
		 (uint64_t)misfits(q) << BIT_WORKLOAD |
		 (uint64_t)drifts(q) << BIT_DRIFT |
		 (uint64_t)(slots.support != 0) << BIT_SUPPORT |
		 (uint64_t)((slots.evidence != 0) | dark) << BIT_EVIDENCE |
		 (uint64_t)(lanes != 0) << BIT_BUDGET |
		 (uint64_t)(q->schedule != 0) << BIT_SCHEDULE;
	first = lowest(failed, BIT_ADMIT);
	conflict = lowest(slots.conflict, BV_NO_SLOT);
	budget = lowest(lanes, 63);
	later = budget >= PHASE_2;

	/* What each membrane would say, were it the first. */
	const uint32_t code[BIT_N] = {
		[BIT_CONFIG] = config_codes[q->config == BV_CONFIG_ENVIRONMENT],
		[BIT_UNMATCHED] = BV_REFUSED_UNMATCHED,
		[BIT_ACTION] = BV_REFUSED_ACTION,
		[BIT_CONFLICT] = conflict_codes[slots.twice],
		[BIT_WORKLOAD] = BV_REFUSED_WORKLOAD,
		[BIT_DRIFT] = BV_REFUSED_DRIFT,
		[BIT_SUPPORT] = BV_REFUSED_SUPPORT,
		[BIT_EVIDENCE] = evidence_codes[slots.evidence == 0],
		[BIT_BUDGET] =
			(phase_2_codes[(budget - PHASE_2 * later) % OF_PHASE] &
			 spread(later)) |
			(BV_REFUSED_BUDGET_MINIMUM & ~spread(later)),
		[BIT_SCHEDULE] =
			schedule_codes[q->schedule == BV_SCHEDULE_NOT_COMPILED],
		[BIT_ADMIT] = BV_REFUSED_NOT,
	};
	const uint32_t slot[BIT_N] = {
		[BIT_CONFIG] = BV_NO_SLOT,
		[BIT_UNMATCHED] = BV_NO_SLOT,
		[BIT_ACTION] = BV_NO_SLOT,
		[BIT_CONFLICT] = conflict,
		[BIT_WORKLOAD] = BV_NO_SLOT,
		[BIT_DRIFT] = BV_NO_SLOT,
		[BIT_SUPPORT] = lowest(slots.support, BV_NO_SLOT),
		[BIT_EVIDENCE] = lowest(slots.evidence, BV_NO_SLOT),
		[BIT_BUDGET] = BV_NO_SLOT,
		[BIT_SCHEDULE] = BV_NO_SLOT,
		[BIT_ADMIT] = BV_NO_SLOT,
	};
	const uint32_t is_conflict = first == BIT_CONFLICT;
	const uint32_t is_budget = first == BIT_BUDGET;
	const uint32_t dim = ((budget - PHASE_2) / OF_PHASE & spread(later)) |
			     (budget & ~spread(later));

	ret->admit = first == BIT_ADMIT;
	ret->membrane = membrane_of[first];
	ret->code = code[first];
	ret->slot = slot[first];
	ret->against = (slots.against & spread(is_conflict)) |
		       (BV_NO_SLOT & ~spread(is_conflict));
	ret->dim = (dim & spread(is_budget)) | (BV_DIM_N & ~spread(is_budget));
}
