/* SPDX-License-Identifier: MIT */
/*
 * What is written down for good, one event each, in the canonical encoding: a
 * session began, how it ended, what recovery found, what became of an artifact,
 * what this machine has proved, who was refused. Texts are borrowed when an
 * event is encoded and the arena's when it was decoded.
 */
#ifndef BV_CORE_EVENT_H
#define BV_CORE_EVENT_H

#include "core/arena.h"
#include "core/plan.h"
#include "core/recovery.h"
#include "core/report.h"

#define BV_EVENT_SCHEMA 1

enum bv_event_kind {
	BV_EVENT_STARTED, /* durable before any effect */
	BV_EVENT_REPORT,
	BV_EVENT_RECOVERY,
	BV_EVENT_DISPOSITION,
	BV_EVENT_QUALIFICATION,
	BV_EVENT_REFUSAL,
	BV_EVENT_N
};

enum bv_disposition_phase {
	BV_DISPOSITION_DECIDED, /* durable before any byte moves */
	BV_DISPOSITION_APPLIED,
	BV_DISPOSITION_FAILED,
	BV_DISPOSITION_PHASE_N
};

/* Members that a kind does not have stay 0 / NULL and are not written. */
struct bv_event {
	enum bv_event_kind kind;
	const char *session; /* id; "" for QUALIFICATION */
	const char *boot_id;
	uint64_t unix_us;
	union {
		struct {
			const char *plan_id;
			const char *policy;
			const char *user;
			uint64_t leader_pid;
			uint64_t leader_start; /* ticks after boot */
		} started;
		struct {
			const char *plan_id;
			const char *sha256; /* of the sealed report */
			enum bv_outcome outcome;
		} report;
		struct {
			enum bv_recovery_verdict verdict;
			uint64_t swept; /* processes and leaves */
			const char *reason;
		} recovery;
		struct {
			const char *artifact;
			enum bv_disposition_phase phase;
			enum bv_disposition decision;
			const char *reason; /* FAILED or REFUSE; else "" */
			const char *target; /* of PROMOTE, its directory */
		} disposition;
		struct {
			const char *kernel;
			const char *build;
			uint64_t passed, failed, skipped;
		} qualification;
		struct {
			enum bv_membrane membrane;
			const char *user;
			const char *reason;
		} refusal;
	};
};

const char *bv_event_kind_name(enum bv_event_kind kind);
const char *bv_disposition_phase_name(enum bv_disposition_phase phase);

/* Canonical bytes, malloc'ed; free() them. */
int bv_event_encode(const struct bv_event *event, char **ret_json,
		    struct bv_err *err) BV_MUST_CHECK;

/* Canonical bytes only, of this schema, with just the members of their kind;
 * all else is refused by name. */
int bv_event_decode(struct bv_arena *arena, const void *bytes, size_t len,
		    struct bv_event *ret, struct bv_err *err) BV_MUST_CHECK;

/* An event into what is known of its run. The same event twice changes nothing;
 * one of another plan, a report before its start and a second decision on an
 * artifact are BV_E_INVAL. Kinds that say nothing on the run are let by. */
int bv_run_fold(struct bv_run_view *view, const struct bv_event *event,
		struct bv_err *err) BV_MUST_CHECK;

#endif
