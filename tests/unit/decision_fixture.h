/* SPDX-License-Identifier: MIT */
/*
 * A question that everything lets through, and one way for each membrane to
 * fail, for the tests of the two evaluators.
 */
#ifndef BV_TESTS_DECISION_FIXTURE_H
#define BV_TESTS_DECISION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/decision.h"

#define GOOD_SLOTS 3u

static inline struct bv_question good_question(void)
{
	static const enum bv_req reqs[GOOD_SLOTS] = {
		BV_REQ_FILESYSTEM,
		BV_REQ_NETWORK_DENY_ALL,
		BV_REQ_KILL_ATOMIC,
	};
	struct bv_question q = {
		.action = BV_ACTION_CONFINE,
		.workload = BV_WORKLOAD_PROCESS,
		.backend = BV_BACKEND_LINUX,
		.slot_n = GOOD_SLOTS,
		.required_evidence = 0x5,
		.probed = { 1, 2, 3, UINT64_MAX },
		.live = { 1, 2, 3, UINT64_MAX },
	};

	for (unsigned int i = 0; i < GOOD_SLOTS; i++)
		q.slot[i] = (struct bv_slot){
			.req = reqs[i],
			.family = bv_req_family(reqs[i]),
			.enforcement = 2,
			.required_evidence = 0x1,
			.available_evidence = 0x3,
		};
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		q.lane[d] = (struct bv_lane){
			.limit = 50,
			.minimum = 10,
			.available = 100,
			.stated = 1,
			.required = 2,
			.enforcement = 2,
			.required_evidence = 0x4,
			.available_evidence = 0x4,
		};
	return q;
}

/* Make just this membrane refuse. */
static inline void break_membrane(struct bv_question *q, enum bv_membrane m)
{
	switch (m) {
	case BV_MEMBRANE_CONFIG:
		q->config = BV_CONFIG_ENVIRONMENT;
		break;
	case BV_MEMBRANE_UNMATCHED:
		q->unmatched = 1;
		break;
	case BV_MEMBRANE_ACTION:
		q->action = BV_ACTION_REFUSE;
		break;
	case BV_MEMBRANE_CONFLICT:
		q->slot[2].family = q->slot[1].family;
		break;
	case BV_MEMBRANE_WORKLOAD:
		q->workload = BV_WORKLOAD_WASM;
		break;
	case BV_MEMBRANE_DRIFT:
		q->live[3] ^= UINT64_C(1) << 63;
		break;
	case BV_MEMBRANE_SUPPORT:
		q->slot[1].enforcement = 0;
		break;
	case BV_MEMBRANE_EVIDENCE:
		q->slot[2].required_evidence = 0x8;
		break;
	case BV_MEMBRANE_BUDGET:
		q->lane[BV_DIM_HANDLES].available = 49;
		break;
	case BV_MEMBRANE_SCHEDULE:
		q->schedule = BV_SCHEDULE_NOT_VERIFIED;
		break;
	case BV_MEMBRANE_NONE:
	case BV_MEMBRANE_DIVERGENCE:
	case BV_MEMBRANE_N:
		break;
	}
}

/* Both evaluators' common answer. */
static inline struct bv_decision both(const struct bv_question *q)
{
	struct bv_trace t;

	bv_decide(q, NULL, &t);
	if (!t.agree)
		fail_msg("reference %u/%u slot %u against %u dim %u, table "
			 "%u/%u slot %u against %u dim %u",
			 t.reference.membrane, t.reference.code,
			 t.reference.slot, t.reference.against, t.reference.dim,
			 t.table.membrane, t.table.code, t.table.slot,
			 t.table.against, t.table.dim);
	assert_true(bv_decision_equal(&t.decision, &t.reference));
	return t.decision;
}

static inline void expect_refusal(const struct bv_question *q,
				  enum bv_membrane membrane,
				  enum bv_refusal_code code, uint32_t slot,
				  uint32_t against, uint32_t dim)
{
	struct bv_decision d = both(q);

	assert_string_equal(bv_membrane_name((enum bv_membrane)d.membrane),
			    bv_membrane_name(membrane));
	assert_string_equal(bv_refusal_code_name((enum bv_refusal_code)d.code),
			    bv_refusal_code_name(code));
	assert_int_equal(d.admit, 0);
	assert_int_equal(d.slot, slot);
	assert_int_equal(d.against, against);
	assert_int_equal(d.dim, dim);
}

static inline void expect_admitted(const struct bv_question *q)
{
	struct bv_decision d = both(q);

	assert_int_equal(d.admit, 1);
	assert_int_equal(d.membrane, BV_MEMBRANE_NONE);
	assert_int_equal(d.code, BV_REFUSED_NOT);
	assert_int_equal(d.slot, BV_NO_SLOT);
	assert_int_equal(d.against, BV_NO_SLOT);
	assert_int_equal(d.dim, BV_DIM_N);
}

#endif
