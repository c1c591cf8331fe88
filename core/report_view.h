/* SPDX-License-Identifier: MIT */
/*
 * A sealed report, read and verified from its bytes alone: the form, every
 * member, that the findings follow from the witnesses, and the seal.
 */
#ifndef BV_CORE_REPORT_VIEW_H
#define BV_CORE_REPORT_VIEW_H

#include "core/report.h"
#include "core/shape.h"

/* Findings: budgets' own (bv_finding_name) by dimension, requirements' by key. */
#define BV_FINDING_ADMITTED       "requirement-admitted"
#define BV_FINDING_NO_CONFINEMENT "no-confinement"
#define BV_FINDING_SESSION        "session"
#define BV_REPORT_FINDING_MAX     (BV_REQUIREMENT_MAX + BV_DIM_N + 1u)

struct bv_report_finding {
	const char *about;
	const char *finding;
};

/* Bytewise by both. */
void bv_report_findings_sort(struct bv_report_finding *v, size_t n);

struct bv_report_subject {
	const char *user;
	uint64_t uid;
	const char *service;
	const char *tty;
	const char *rhost;
};

struct bv_report_requirement {
	enum bv_kind kind;
	enum bv_req req;
	enum bv_enforcement enforcement;
	const char *mechanism;
};

struct bv_report_required {
	enum bv_enforcement enforcement;
	uint32_t evidence;
};

struct bv_report_supplied {
	enum bv_enforcement enforcement;
	uint32_t evidence;
	const char *mechanism;
	uint64_t sample_us;
	uint64_t max_overshoot;
};

/* The witness of one dimension. */
struct bv_report_budget {
	enum bv_dim dim;
	const char *unit;
	bool stated; /* a limit was asked for */
	uint64_t limit;
	bool has_required;
	struct bv_report_required required;
	bool has_supplied;
	struct bv_report_supplied supplied;
	bool measured;
	uint64_t used;
	bool limit_hit;
	enum bv_finding finding;
};

struct bv_report_schedule {
	const char *digest; /* NULL: there was none */
	struct {
		const char *const *v; /* ids */
		size_t n;
	} executed;
};

struct bv_report_observed {
	const char *kind;
	const char *detail;
};

struct bv_report_output {
	const char *name;
	uint64_t bytes;
	const char *sha256;  /* NULL: its bytes were not read */
	const char *refused; /* "": it was not */
};

struct bv_report_command {
	const char *name;
	const char *sha256;
	enum bv_command_verdict verdict;
	uint64_t status;
	bool counted;
	uint64_t fuel;
	bool has_pages; /* with counted */
	uint64_t peak_pages;
	uint64_t cpu_us;
	uint64_t wall_us;
};

/* What the workload's own shell said: no witness of the kernel's. */
#define BV_REPORT_SAID_BY "workload-shell"
struct bv_report_commands {
	const char *said_by; /* NULL: there is no such part */
	uint64_t told;
	uint64_t fuel;
	uint64_t lost;
	uint64_t unheard;
	uint64_t nonsense;
	struct {
		const struct bv_report_command *v; /* the first ones */
		size_t n;
	} list;
};

enum bv_report_state {
	BV_REPORT_CLOSED,
	BV_REPORT_OPEN,
	BV_REPORT_STATE_N
};

struct bv_report_view {
	const char *session_id;
	const char *plan_id;  /* NULL: refused before there was one */
	const char *snapshot; /* its identity; with plan_id */
	const char *policy;   /* NULL: none was found */
	bool has_subject;
	struct bv_report_subject subject;
	uint64_t opened_unix_us;
	bool has_closed;
	uint64_t closed_unix_us;
	enum bv_report_state state;
	bool has_outcome; /* not while it is open */
	enum bv_outcome outcome;
	const char *reason;
	struct {
		const struct bv_report_requirement *v;
		size_t n;
	} requirements;
	struct {
		const struct bv_report_budget *v; /* all seven, or none */
		size_t n;
	} budgets;
	struct bv_report_schedule schedule;
	struct {
		const struct bv_report_observed *v;
		size_t n;
	} observed;
	struct {
		const struct bv_report_output *v; /* by name */
		size_t n;
	} outputs;
	struct bv_report_commands commands;
	struct {
		const struct bv_report_finding *v;
		size_t n;
	} findings;
	const char *sha256; /* the seal, verified */
};

/* A record's file is these bytes and one line feed, which is no part of them.
 * BV_OK: whole, consistent and sealed. Else what is wrong, by its path; a torn
 * or touched report is BV_E_PROTO. */
int bv_report_decode(struct bv_arena *arena, const void *bytes, size_t len,
		     struct bv_report_view *ret,
		     struct bv_err *err) BV_MUST_CHECK;

/* The same for who only wants to know whether it holds. */
int bv_report_verify(const void *bytes, size_t len,
		     struct bv_err *err) BV_MUST_CHECK;

#endif
