/* SPDX-License-Identifier: MIT */
/*
 * The decision itself, over one record of integers. bv_question_from() makes
 * the record once from spec × profile; two evaluators written apart answer it:
 * decide.c reads like the rules and leaves at the first failure, decide_table.c
 * works out every failure there is without a branch and then picks the first.
 * Both answer every admission. Where they differ nobody is admitted.
 */
#ifndef BV_CORE_DECISION_H
#define BV_CORE_DECISION_H

#include "core/spec.h"
#include "core/support.h"

#define BV_DIGEST_WORDS 4u /* SHA-256 as words */

enum bv_backend {
	BV_BACKEND_UNKNOWN,
	BV_BACKEND_LINUX,
	BV_BACKEND_WASM,
	BV_BACKEND_N
};

enum bv_config_code {
	BV_CONFIG_SOUND,
	BV_CONFIG_POLICY,
	BV_CONFIG_ENVIRONMENT,
};

enum bv_schedule_verdict {
	BV_SCHEDULE_ACCEPTED,
	BV_SCHEDULE_NOT_COMPILED,
	BV_SCHEDULE_NOT_VERIFIED,
};

/* One requirement. */
struct bv_slot {
	uint32_t req;    /* enum bv_req, below 64 */
	uint32_t family; /* enum bv_family, below 32; 0 none */
	uint32_t
		enforcement; /* strength here: 0 none, 1 mediated, 2 enforced */
	uint32_t required_evidence;
	uint32_t available_evidence;
};

/* One dimension. All of it is 0 where no budget is stated. */
struct bv_lane {
	uint64_t limit;
	uint64_t minimum;
	uint64_t available;
	uint32_t stated;      /* 0 or 1 */
	uint32_t required;    /* strength */
	uint32_t enforcement; /* strength here */
	uint32_t required_evidence;
	uint32_t available_evidence;
};

struct bv_question {
	uint32_t config;    /* enum bv_config_code */
	uint32_t unmatched; /* 0: a policy matches */
	uint32_t action;    /* enum bv_action: only 0, confine, is let on */
	uint32_t workload;  /* enum bv_workload */
	uint32_t backend;   /* enum bv_backend */
	uint32_t slot_n;    /* at most BV_REQUIREMENT_MAX count */
	uint32_t required_evidence; /* of the whole session */
	uint32_t schedule;          /* enum bv_schedule_verdict */
	/* What the decision rests on, as probed and as it is now. */
	uint64_t probed[BV_DIGEST_WORDS];
	uint64_t live[BV_DIGEST_WORDS];
	struct bv_lane lane[BV_DIM_N];
	struct bv_slot slot[BV_REQUIREMENT_MAX]; /* beyond slot_n: ignored */
};

#define BV_NO_SLOT BV_REQUIREMENT_MAX

/* One evaluator's whole answer; every member is compared. */
struct bv_decision {
	uint32_t admit;    /* 0 or 1 */
	uint32_t membrane; /* enum bv_membrane, NONE when admitted */
	uint32_t code;     /* enum bv_refusal_code */
	uint32_t slot;     /* conflict, support, evidence; else BV_NO_SLOT */
	uint32_t against;  /* conflict: the earlier slot; else BV_NO_SLOT */
	uint32_t dim;      /* budget: enum bv_dim; else BV_DIM_N */
};

typedef void (*bv_evaluator)(const struct bv_question *q,
			     struct bv_decision *ret);

/* Total: any record gives an answer. */
void bv_decide_reference(const struct bv_question *q, struct bv_decision *ret);
void bv_decide_table(const struct bv_question *q, struct bv_decision *ret);

struct bv_evaluators {
	bv_evaluator reference;
	bv_evaluator table;
};

/* Both answers, and the one that counts: the common one, or a refusal by
 * divergence. */
struct bv_trace {
	struct bv_decision reference;
	struct bv_decision table;
	struct bv_decision decision;
	bool asked; /* false: no question was put */
	bool agree;
};

bool bv_decision_equal(const struct bv_decision *a,
		       const struct bv_decision *b);

/* evaluators NULL: the two above. Another pair is for tests that plant a
 * mismatch. */
void bv_decide(const struct bv_question *q,
	       const struct bv_evaluators *evaluators, struct bv_trace *ret);

/* What a trace says on one membrane. */
enum bv_passage {
	BV_PASSED,
	BV_REFUSED_HERE,
	BV_NOT_REACHED,
};
enum bv_passage bv_trace_passage(const struct bv_trace *trace,
				 enum bv_membrane m);
const char *bv_passage_name(enum bv_passage p); /* "not reached" */

/* Normalise. profile is the ceiling on snap; again is a second probe of the
 * machine, or NULL for none: then live is what was probed. The schedule stands
 * as accepted, it is made of what the other membranes let through. */
void bv_question_from(const struct bv_spec *spec,
		      const struct bv_profile *profile,
		      const struct bv_snapshot *snap,
		      const struct bv_snapshot *again, struct bv_question *ret);

/* A question that fails just at CONFIG, UNMATCHED, ACTION or WORKLOAD: for what
 * the loader finds before there is a spec. Others are BV_MEMBRANE_CONFIG. */
void bv_question_early(enum bv_membrane m, struct bv_question *ret);

/* Ceiling on snap as this spec needs it: what a dimension can bound depends on
 * what the policy asks for. */
void bv_profile_for(const struct bv_spec *spec, const struct bv_snapshot *snap,
		    struct bv_profile *ret);

/* SHA-256 over every fact that is not empty but those that only say where from
 * and why (cgroup.source, cgroup.why). */
void bv_snapshot_basis(const struct bv_snapshot *snap,
		       uint64_t ret[BV_DIGEST_WORDS]);

/* The first fact, by name, that differs in what bv_snapshot_basis() covers;
 * NULL when none does. Points into a or b. */
const char *bv_snapshot_drift(const struct bv_snapshot *a,
			      const struct bv_snapshot *b);

#endif
