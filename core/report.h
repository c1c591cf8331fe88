/* SPDX-License-Identifier: MIT */
/*
 * The report of one session: what was admitted, what the kernel showed, how it
 * ended. A number that was not measured is "unavailable", never invented.
 */
#ifndef BV_CORE_REPORT_H
#define BV_CORE_REPORT_H

#include "core/command.h"
#include "core/plan.h"

#define BV_REPORT_SCHEMA  2
#define BV_SESSION_ID_LEN 16u /* hex digits */
#define BV_OBSERVED_MAX   32u

struct bv_observed {
	const char *kind; /* "cgroup_leaf_prepared", "attested_seccomp" … */
	char detail[160];
};

/* One entry of an outbox: a path relative to it. */
#define BV_OUTPUT_NAME_MAX 255u
#define BV_OUTPUTS_MAX     (BV_OUTBOX_FILES_MAX + 32u)

struct bv_output {
	char name[BV_OUTPUT_NAME_MAX + 1];
	uint64_t bytes;
	char sha256[65];     /* "": its bytes were not read */
	const char *refused; /* why it was left, "" when it was not */
};

struct bv_measure {
	bool available;
	uint64_t used;
	bool limit_hit; /* the kernel's own counter says a request was refused */
};

struct bv_report {
	char session_id[BV_SESSION_ID_LEN + 1];
	const struct bv_plan *plan; /* NULL: refused before a plan existed */
	const struct bv_subject *subject;
	const char *policy_name;
	uint64_t opened_unix_us;
	uint64_t closed_unix_us; /* 0 while open */
	enum bv_outcome outcome;
	bool open;          /* a `started` record: outcome not known yet */
	const char *reason; /* one line: why it ended or was refused, or "" */
	struct bv_measure measure[BV_DIM_N];
	struct bv_observed observed[BV_OBSERVED_MAX];
	size_t observed_n;
	bool has_outputs;               /* an outbox was settled */
	const struct bv_output *output; /* by name, ascending */
	size_t output_n;
	/* Of a session whose shell tells of its commands: its own words. */
	const struct bv_commands *commands;
	uint64_t executed; /* positions of the plan's schedule carried out */
};

/* Append a fact; silently drops nothing: BV_E_LIMIT when full. */
int bv_report_observe(struct bv_report *report, const char *kind,
		      struct bv_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

enum bv_finding bv_budget_finding(const struct bv_admitted_budget *budget,
				  const struct bv_measure *measure);

/* The sealed report: canonical JSON with its own "sha256" member over the rest.
 * Budgets are witnesses (limit, what was required, what was supplied and by what,
 * what was used, the finding); observations keep their order, findings are
 * sorted. malloc'ed; free() it. report_view.h reads and verifies it. */
int bv_report_encode(const struct bv_report *report, char **ret_json,
		     struct bv_err *err) BV_MUST_CHECK;

/* How a session ended whose guardian did not live to say it. */
struct bv_closure {
	enum bv_outcome outcome;
	const char *reason;
	uint64_t closed_unix_us;
	const char *detail; /* of the observation "recovered" */
};

/* The bytes of an open report → the sealed one that ends it: what was admitted
 * and seen stays, what nobody measured stays unavailable. A report that is not
 * open is BV_E_INVAL. malloc'ed; free() it. */
int bv_report_complete(const void *bytes, size_t len,
		       const struct bv_closure *how, char **ret_json,
		       char ret_sha256[65], struct bv_err *err) BV_MUST_CHECK;

#endif
