/* SPDX-License-Identifier: MIT */
/*
 * Admission. bv_plan_build() is the one decision: spec × snapshot → an admitted
 * plan, or a refusal naming the first membrane that failed in the frozen order
 *   config → unmatched → action → conflict → workload → profile drift →
 *   support → evidence → budget → schedule
 * (what the loader finds before there is a spec, it refuses by the first three
 * itself). Two evaluators decide (decision.h); where they differ the refusal is
 * by divergence. Requests are never clamped. Pure.
 */
#ifndef BV_CORE_PLAN_H
#define BV_CORE_PLAN_H

#include "core/schedule.h"
#include "core/spec.h"
#include "core/support.h"

#define BV_PLAN_SCHEMA 2
#define BV_PLAN_ID_LEN 64u

struct bv_caps;
struct bv_evaluators;
struct bv_trace;

struct bv_refusal {
	enum bv_membrane membrane; /* NONE: admitted */
	enum bv_refusal_code code;
	enum bv_req req;   /* SUPPORT, CONFLICT, EVIDENCE of one */
	enum bv_kind kind; /* its kind */
	enum bv_dim dim;   /* BUDGET */
	enum bv_budget_reason reason;
	/* For the log: "/etc/bvisor/policies/x.conf:12: [network] access: NetworkAllowList is not
	 * supported: …missing fact…; …remedy…". Never shown to the user. */
	char text[BV_ERR_MSG_MAX];
};

struct bv_admitted {
	enum bv_kind kind;
	unsigned int line;
	const char *key;
	struct bv_verdict verdict;
	enum bv_req req;            /* the key with its parameter */
	uint32_t required_evidence; /* of this one; within the verdict's */
};

struct bv_admitted_budget {
	bool stated;
	uint64_t limit;
	uint64_t minimum; /* derived */
	enum bv_enforcement required;
	enum bv_enforcement selected;
	uint32_t required_evidence;
	uint32_t promised_evidence;
	const char *mechanism;
	uint64_t sample_us; /* these two as in bv_availability */
	uint64_t max_overshoot;
};

struct bv_plan {
	const struct bv_spec *spec; /* borrowed: outlives the plan */
	struct bv_snapshot snapshot;
	struct bv_admitted admitted[BV_REQUIREMENT_MAX];
	size_t admitted_n;
	struct bv_admitted_budget budget[BV_DIM_N];
	struct bv_schedule schedule; /* compiled, then verified */
	char id[BV_PLAN_ID_LEN +
		1]; /* SHA-256 of the canonical encoding, hex */
};

/* BV_OK: ret_refusal->membrane tells admitted (then *ret_plan is whole) or
 * refused. Negative: a fault, nothing decided — callers refuse. */
int bv_plan_build(const struct bv_spec *spec, const struct bv_snapshot *snap,
		  struct bv_plan *ret_plan, struct bv_refusal *ret_refusal,
		  struct bv_err *err) BV_MUST_CHECK;

/* What admission may be given besides; all of it may be absent. */
struct bv_plan_extra {
	/* A second probe, made just before enforcement: what differs from the
	 * first in anything that decides refuses. */
	const struct bv_snapshot *again;
	/* The ledger's word on the ceiling. */
	const struct bv_caps *caps;
	const struct bv_evaluators *evaluators; /* for tests, see decision.h */
};

/* The same with extra (may be NULL) and, unless ret_trace is NULL, both
 * evaluators' answers; the trace is written whenever BV_OK is returned. */
int bv_plan_decide(const struct bv_spec *spec, const struct bv_snapshot *snap,
		   const struct bv_plan_extra *extra, struct bv_plan *ret_plan,
		   struct bv_refusal *ret_refusal, struct bv_trace *ret_trace,
		   struct bv_err *err) BV_MUST_CHECK;

/* Canonical JSON: sorted keys, compact, no floats. malloc'ed; free() it. */
int bv_plan_encode(const struct bv_plan *plan, char **ret_json,
		   struct bv_err *err) BV_MUST_CHECK;

/* SHA-256 of bytes as 64 lower-case hex digits and a NUL. */
void bv_sha256_hex(const void *bytes, size_t len, char ret[65]);

#endif
