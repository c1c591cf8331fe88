/* SPDX-License-Identifier: MIT */
/* The report's table: report.c's members, one row each; then its seal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/report_view.h"

#define NAME_BYTES_MAX   256u
#define DETAIL_BYTES_MAX 4096u

/* What a verification may use of memory; a whole report takes some ten kB. */
#define ARENA_BYTES_MAX (16u * 1024u * 1024u)

static int by_text(const void *pa, const void *pb)
{
	const struct bv_report_finding *a = pa;
	const struct bv_report_finding *b = pb;
	const int cmp = strcmp(a->about, b->about);

	return cmp != 0 ? cmp : strcmp(a->finding, b->finding);
}

void bv_report_findings_sort(struct bv_report_finding *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_text);
}

static const char *state_name(unsigned int v)
{
	return v == BV_REPORT_OPEN ? "open" : "closed";
}
static const struct bv_shape_set states = { state_name, BV_REPORT_STATE_N };

static const struct bv_shape_row subject_rows[] = {
	BV_ROW_TEXT("user", bv_report_subject, user, 0, DETAIL_BYTES_MAX),
	BV_ROW_U64("uid", bv_report_subject, uid, UINT32_MAX),
	BV_ROW_TEXT("service", bv_report_subject, service, 0, DETAIL_BYTES_MAX),
	BV_ROW_TEXT("tty", bv_report_subject, tty, 0, DETAIL_BYTES_MAX),
	BV_ROW_TEXT("rhost", bv_report_subject, rhost, 0, DETAIL_BYTES_MAX),
};
BV_SHAPE(subject_shape, subject_rows, bv_report_subject, NULL);

static int check_requirement(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_requirement *r = decoded;

	if (r->kind != bv_req_kind(r->req))
		return bv_shape_fail(at, "kind", "'%s' is not that of '%s'",
				     bv_kind_name(r->kind),
				     bv_req_name(r->req));
	return BV_OK;
}
static const struct bv_shape_row requirement_rows[] = {
	BV_ROW_NAME("kind", bv_report_requirement, kind, &bv_shape_kinds),
	BV_ROW_NAME("requirement", bv_report_requirement, req, &bv_shape_reqs),
	BV_ROW_NAME("enforcement", bv_report_requirement, enforcement,
		    &bv_shape_enforcements),
	BV_ROW_TEXT("mechanism", bv_report_requirement, mechanism, 0,
		    NAME_BYTES_MAX),
};
BV_SHAPE(requirement_shape, requirement_rows, bv_report_requirement,
	 check_requirement);

static const struct bv_shape_row required_rows[] = {
	BV_ROW_NAME("enforcement", bv_report_required, enforcement,
		    &bv_shape_enforcements),
	BV_ROW_NAMES("evidence", bv_report_required, evidence,
		     &bv_shape_evidence),
};
BV_SHAPE(required_shape, required_rows, bv_report_required, NULL);

static const struct bv_shape_row supplied_rows[] = {
	BV_ROW_NAME("enforcement", bv_report_supplied, enforcement,
		    &bv_shape_enforcements),
	BV_ROW_NAMES("evidence", bv_report_supplied, evidence,
		     &bv_shape_evidence),
	BV_ROW_TEXT("mechanism", bv_report_supplied, mechanism, 0,
		    NAME_BYTES_MAX),
	BV_ROW_U64("sample_us", bv_report_supplied, sample_us, INT64_MAX),
	BV_ROW_U64("max_overshoot", bv_report_supplied, max_overshoot,
		   INT64_MAX),
};
BV_SHAPE(supplied_shape, supplied_rows, bv_report_supplied, NULL);

/* What the witness shows, by the one function that says so. */
static enum bv_finding finding_of(const struct bv_report_budget *b)
{
	const struct bv_admitted_budget budget = {
		.stated = b->stated,
		.limit = b->limit,
		.max_overshoot = b->supplied.max_overshoot,
	};
	const struct bv_measure measure = {
		.available = b->measured,
		.used = b->used,
		.limit_hit = b->limit_hit,
	};

	return bv_budget_finding(&budget, &measure);
}

static int check_budget(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_budget *b = decoded;

	if (strcmp(b->unit, bv_dim_unit(b->dim)) != 0)
		return bv_shape_fail(at, "unit", "not that of '%s'",
				     bv_dim_name(b->dim));
	if (b->stated != b->has_required || b->stated != b->has_supplied)
		return bv_shape_fail(at, "",
				     "'limit', 'required' and 'supplied' come "
				     "together or not at all");
	if (b->finding != finding_of(b))
		return bv_shape_fail(at, "finding",
				     "'%s', but the witness shows '%s'",
				     bv_finding_name(b->finding),
				     bv_finding_name(finding_of(b)));
	return BV_OK;
}
static const struct bv_shape_row budget_rows[] = {
	BV_ROW_NAME("dimension", bv_report_budget, dim, &bv_shape_dims),
	BV_ROW_TEXT("unit", bv_report_budget, unit, 1, NAME_BYTES_MAX),
	BV_ROW_U64_NULL("limit", bv_report_budget, limit, stated),
	BV_ROW_OBJECT_NULL("required", bv_report_budget, required, has_required,
			   &required_shape),
	BV_ROW_OBJECT_NULL("supplied", bv_report_budget, supplied, has_supplied,
			   &supplied_shape),
	BV_ROW_U64_NULL("used", bv_report_budget, used, measured),
	BV_ROW_BOOL("limit_hit", bv_report_budget, limit_hit),
	BV_ROW_NAME("finding", bv_report_budget, finding, &bv_shape_findings),
};
BV_SHAPE(budget_shape, budget_rows, bv_report_budget, check_budget);

static const struct bv_shape_row schedule_rows[] = {
	BV_ROW_HEX("digest", BV_SHAPE_NULL, bv_report_schedule, digest, 64),
	BV_ROW_TEXTS("executed", bv_report_schedule, executed,
		     BV_PRIMITIVE_MAX),
};
BV_SHAPE(schedule_shape, schedule_rows, bv_report_schedule, NULL);

static const struct bv_shape_row observed_rows[] = {
	BV_ROW_TEXT("kind", bv_report_observed, kind, 1, NAME_BYTES_MAX),
	BV_ROW_TEXT("detail", bv_report_observed, detail, 0, DETAIL_BYTES_MAX),
};
BV_SHAPE(observed_shape, observed_rows, bv_report_observed, NULL);

/* What was taken was read; what was refused may have been. */
static int check_output(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_output *o = decoded;

	if (o->sha256 == NULL && o->refused[0] == '\0')
		return bv_shape_fail(at, "sha256",
				     "null of what is not "
				     "refused");
	return BV_OK;
}
static const struct bv_shape_row output_rows[] = {
	BV_ROW_TEXT("name", bv_report_output, name, 1, BV_OUTPUT_NAME_MAX),
	BV_ROW_U64("bytes", bv_report_output, bytes, INT64_MAX),
	BV_ROW_HEX("sha256", BV_SHAPE_NULL, bv_report_output, sha256, 64),
	BV_ROW_TEXT("refused", bv_report_output, refused, 0, NAME_BYTES_MAX),
};
BV_SHAPE(output_shape, output_rows, bv_report_output, check_output);

static int check_command(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_command *c = decoded;

	if (c->counted != c->has_pages)
		return bv_shape_fail(at, "",
				     "'fuel' and 'peak_pages' are known "
				     "together or not at all");
	return BV_OK;
}
static const struct bv_shape_set verdicts = { bv_command_verdict_name,
					      BV_COMMAND_VERDICT_N };
static const struct bv_shape_row command_rows[] = {
	BV_ROW_TEXT("name", bv_report_command, name, 1, BV_COMMAND_NAME_MAX),
	BV_ROW_HEX("sha256", 0, bv_report_command, sha256, 64),
	BV_ROW_NAME("verdict", bv_report_command, verdict, &verdicts),
	BV_ROW_U64("status", bv_report_command, status, 255),
	BV_ROW_U64_NULL("fuel", bv_report_command, fuel, counted),
	BV_ROW_U64_NULL("peak_pages", bv_report_command, peak_pages, has_pages),
	BV_ROW_U64("cpu_us", bv_report_command, cpu_us, INT64_MAX),
	BV_ROW_U64("wall_us", bv_report_command, wall_us, INT64_MAX),
};
BV_SHAPE(command_shape, command_rows, bv_report_command, check_command);

/* The list is the beginning of what was told. */
static int check_commands(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_commands *c = decoded;
	const uint64_t listed =
		c->told < BV_COMMANDS_LISTED ? c->told : BV_COMMANDS_LISTED;

	if (strcmp(c->said_by, BV_REPORT_SAID_BY) != 0)
		return bv_shape_fail(at, "said_by", "'%s' is not '%s'",
				     c->said_by, BV_REPORT_SAID_BY);
	if (c->list.n != listed)
		return bv_shape_fail(at, "list", "%zu members of %llu",
				     c->list.n, (unsigned long long)c->told);
	return BV_OK;
}
static const struct bv_shape_row commands_rows[] = {
	BV_ROW_TEXT("said_by", bv_report_commands, said_by, 1, NAME_BYTES_MAX),
	BV_ROW_U64("told", bv_report_commands, told, INT64_MAX),
	BV_ROW_U64("fuel", bv_report_commands, fuel, INT64_MAX),
	BV_ROW_U64("lost", bv_report_commands, lost, INT64_MAX),
	BV_ROW_U64("unheard", bv_report_commands, unheard, INT64_MAX),
	BV_ROW_U64("nonsense", bv_report_commands, nonsense, INT64_MAX),
	BV_ROW_LIST("list", bv_report_commands, list, BV_COMMANDS_LISTED,
		    &command_shape),
};
BV_SHAPE(commands_shape, commands_rows, bv_report_commands, check_commands);

static const struct bv_shape_row finding_rows[] = {
	BV_ROW_TEXT("about", bv_report_finding, about, 1, NAME_BYTES_MAX),
	BV_ROW_TEXT("finding", bv_report_finding, finding, 1, NAME_BYTES_MAX),
};
BV_SHAPE(finding_shape, finding_rows, bv_report_finding, NULL);

/* --- what no row can say --------------------------------------------------- */

static int check_state(struct bv_shape_at *at, const struct bv_report_view *r)
{
	const bool open = r->state == BV_REPORT_OPEN;

	if (open == r->has_outcome)
		return bv_shape_fail(at, "outcome",
				     open ? "of an open session"
					  : "missing in a closed session");
	if (open && r->has_closed)
		return bv_shape_fail(at, "closed_unix_us",
				     "of an open session");
	return BV_OK;
}

/* With a plan all that comes of one, without it nothing. */
static int check_planned(struct bv_shape_at *at, const struct bv_report_view *r)
{
	const bool planned = r->plan_id != NULL;

	if (planned != (r->snapshot != NULL))
		return bv_shape_fail(at, "snapshot",
				     "null without 'plan_id', "
				     "and only then");
	if (planned != (r->schedule.digest != NULL))
		return bv_shape_fail(at, "schedule.digest",
				     "null without 'plan_id', and only then");
	if (!planned && r->requirements.n + r->schedule.executed.n > 0)
		return bv_shape_fail(at, "", "parts of a plan without a plan");
	if (r->budgets.n != (planned ? (size_t)BV_DIM_N : 0))
		return bv_shape_fail(at, "budgets", "%zu members",
				     r->budgets.n);
	return BV_OK;
}

static int check_order(struct bv_shape_at *at, const struct bv_report_view *r)
{
	for (size_t i = 1; i < r->requirements.n; i++)
		if (r->requirements.v[i - 1].req >= r->requirements.v[i].req)
			return bv_shape_fail(
				at, "requirements", "'%s' out of order",
				bv_req_name(r->requirements.v[i].req));
	for (size_t i = 1; i < r->outputs.n; i++)
		if (strcmp(r->outputs.v[i - 1].name, r->outputs.v[i].name) >= 0)
			return bv_shape_fail(at, "outputs",
					     "member %zu out of order", i);
	for (size_t i = 0; i < r->budgets.n; i++)
		if (r->budgets.v[i].dim != (enum bv_dim)i)
			return bv_shape_fail(at, "budgets", "'%s' out of order",
					     bv_dim_name(r->budgets.v[i].dim));
	return BV_OK;
}

static int check_findings(struct bv_shape_at *at,
			  const struct bv_report_view *r)
{
	struct bv_report_finding want[BV_REPORT_FINDING_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->requirements.n; i++)
		want[n++] = (struct bv_report_finding){
			bv_req_name(r->requirements.v[i].req),
			BV_FINDING_ADMITTED
		};
	if (n == 0)
		want[n++] =
			(struct bv_report_finding){ BV_FINDING_SESSION,
						    BV_FINDING_NO_CONFINEMENT };
	for (size_t i = 0; i < r->budgets.n; i++)
		if (r->budgets.v[i].stated)
			want[n++] = (struct bv_report_finding){
				bv_dim_name(r->budgets.v[i].dim),
				bv_finding_name(r->budgets.v[i].finding)
			};
	bv_report_findings_sort(want, n);
	if (r->findings.n != n)
		return bv_shape_fail(at, "findings", "%zu members, %zu follow",
				     r->findings.n, n);
	for (size_t i = 0; i < n; i++)
		if (by_text(&want[i], &r->findings.v[i]) != 0)
			return bv_shape_fail(at, "findings",
					     "member %zu is not '%s: %s'", i,
					     want[i].about, want[i].finding);
	return BV_OK;
}

static int check_report(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_report_view *r = decoded;
	int code = check_state(at, r);

	if (code == BV_OK)
		code = check_planned(at, r);
	if (code == BV_OK)
		code = check_order(at, r);
	if (code == BV_OK)
		code = check_findings(at, r);
	return code;
}

static const struct bv_shape_row report_rows[] = {
	BV_ROW_SCHEMA(BV_REPORT_SCHEMA),
	BV_ROW_HEX("session_id", 0, bv_report_view, session_id,
		   BV_SESSION_ID_LEN),
	BV_ROW_HEX("plan_id", BV_SHAPE_NULL, bv_report_view, plan_id,
		   BV_PLAN_ID_LEN),
	BV_ROW_HEX("snapshot", BV_SHAPE_NULL, bv_report_view, snapshot, 64),
	BV_ROW_TEXT_FLAG("policy", BV_SHAPE_NULL, bv_report_view, policy, 1,
			 BV_POLICY_NAME_MAX),
	BV_ROW_OBJECT_NULL("subject", bv_report_view, subject, has_subject,
			   &subject_shape),
	BV_ROW_U64("opened_unix_us", bv_report_view, opened_unix_us, INT64_MAX),
	BV_ROW_U64_NULL("closed_unix_us", bv_report_view, closed_unix_us,
			has_closed),
	BV_ROW_NAME("state", bv_report_view, state, &states),
	BV_ROW_NAME_NULL("outcome", bv_report_view, outcome, has_outcome,
			 &bv_shape_outcomes),
	BV_ROW_TEXT("reason", bv_report_view, reason, 0, DETAIL_BYTES_MAX),
	BV_ROW_LIST("requirements", bv_report_view, requirements,
		    BV_REQUIREMENT_MAX, &requirement_shape),
	BV_ROW_LIST("budgets", bv_report_view, budgets, BV_DIM_N,
		    &budget_shape),
	BV_ROW_OBJECT("schedule", bv_report_view, schedule, &schedule_shape),
	BV_ROW_LIST("observed", bv_report_view, observed, BV_OBSERVED_MAX,
		    &observed_shape),
	BV_SHAPE_ROW("outputs", BV_SHAPE_LIST, BV_SHAPE_OPTIONAL,
		     bv_report_view, outputs, BV_SHAPE_NO_HAS, 0,
		     BV_OUTPUTS_MAX, NULL, &output_shape),
	BV_SHAPE_ROW("commands", BV_SHAPE_OBJECT, BV_SHAPE_OPTIONAL,
		     bv_report_view, commands, BV_SHAPE_NO_HAS, 0, 0, NULL,
		     &commands_shape),
	BV_ROW_LIST("findings", bv_report_view, findings, BV_REPORT_FINDING_MAX,
		    &finding_shape),
	BV_ROW_HEX("sha256", 0, bv_report_view, sha256, 64),
};
BV_SHAPE(report_shape, report_rows, bv_report_view, check_report);

/* --- the seal -------------------------------------------------------------- */

/* The digest is over the document as it was before it got one. */
static int check_seal(json_t *report, const char *sealed, struct bv_err *err)
{
	char digest[65];
	char *text;
	int code;

	(void)json_object_del(report, "sha256");
	code = bv_json_finish(json_incref(report), "report", &text, err);
	if (code != BV_OK)
		return code;
	bv_identity_hex(BV_IDENTITY_REPORT, text, strlen(text), digest);
	free(text);
	if (strcmp(digest, sealed) != 0)
		return bv_fail(err, BV_E_PROTO,
			       "report: seal broken: it says %s, its bytes "
			       "give %s",
			       sealed, digest);
	return BV_OK;
}

int bv_report_decode(struct bv_arena *arena, const void *bytes, size_t len,
		     struct bv_report_view *ret, struct bv_err *err)
{
	struct bv_err own = { 0 };
	struct bv_shape_at at = {
		.arena = arena,
		.what = "report",
		.err = err ? err : &own,
	};
	struct bv_report_view view;
	json_t *report;
	int code = bv_canon_load(bytes, len, &report, at.err);

	if (code != BV_OK)
		return bv_ctx(at.err, "report");
	code = bv_shape_decode(&at, &report_shape, report, &view);
	if (code == BV_OK)
		code = check_seal(report, view.sha256, at.err);
	json_decref(report);
	if (code == BV_OK)
		*ret = view;
	return code;
}

int bv_report_verify(const void *bytes, size_t len, struct bv_err *err)
{
	struct bv_report_view view;
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, ARENA_BYTES_MAX);
	code = bv_report_decode(&arena, bytes, len, &view, err);
	bv_arena_done(&arena);
	return code;
}
