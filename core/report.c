/* SPDX-License-Identifier: MIT */
/* Session report → canonical JSON sealed with a digest of its own bytes. */
#include "core/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "core/decode.h"
#include "core/json.h"
#include "core/report_view.h"

int bv_report_observe(struct bv_report *report, const char *kind,
		      struct bv_err *err, const char *fmt, ...)
{
	struct bv_observed *o;
	va_list ap;
	int n;

	if (report->observed_n >= BV_OBSERVED_MAX)
		return bv_fail(err, BV_E_LIMIT,
			       "report '%s': over %u observations",
			       report->session_id, BV_OBSERVED_MAX);
	o = &report->observed[report->observed_n];
	va_start(ap, fmt);
	n = vsnprintf(o->detail, sizeof(o->detail), fmt, ap);
	va_end(ap);
	if (n < 0)
		return bv_fail(err, BV_E_BUG, "observation '%s': bad format",
			       kind);
	/* Cut text must be seen to be cut. */
	if ((size_t)n >= sizeof(o->detail))
		memcpy(o->detail + sizeof(o->detail) - 4, "...", 4);
	o->kind = kind;
	report->observed_n++;
	return BV_OK;
}

static json_t *encode_subject(const struct bv_subject *s)
{
	json_t *o;
	int failed;

	if (!s)
		return json_null();
	o = json_object();
	failed = o ? 0 : -1;
	failed |= bv_json_put(o, "user", bv_json_text(s->user));
	failed |= bv_json_put(o, "uid", bv_json_u64(s->uid));
	failed |= bv_json_put(o, "service", bv_json_text(s->service));
	failed |= bv_json_put(o, "tty", bv_json_text(s->tty));
	failed |= bv_json_put(o, "rhost", bv_json_text(s->rhost));
	return bv_json_whole(o, failed);
}

static json_t *encode_requirements(const struct bv_plan *plan)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; plan && i < plan->admitted_n; i++) {
		const struct bv_admitted *a = &plan->admitted[i];
		json_t *o = json_object();

		failed |= bv_json_put(o, "kind",
				      json_string(bv_kind_name(a->kind)));
		failed |= bv_json_put(o, "requirement",
				      json_string(bv_req_name(a->req)));
		failed |= bv_json_put(o, "enforcement",
				      json_string(bv_enforcement_name(
					      a->verdict.enforcement)));
		failed |= bv_json_put(o, "mechanism",
				      bv_json_text(a->verdict.mechanism));
		failed |= json_array_append_new(array, o);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_required(const struct bv_admitted_budget *b)
{
	json_t *o;
	int failed;

	if (!b->stated)
		return json_null();
	o = json_object();
	failed = o ? 0 : -1;
	failed |= bv_json_put(o, "enforcement",
			      json_string(bv_enforcement_name(b->required)));
	failed |= bv_json_put(o, "evidence",
			      bv_json_evidence(b->required_evidence));
	return bv_json_whole(o, failed);
}

/* The guarantee that stands behind the limit, and how it is kept. */
static json_t *encode_supplied(const struct bv_admitted_budget *b)
{
	json_t *o;
	int failed;

	if (!b->stated)
		return json_null();
	o = json_object();
	failed = o ? 0 : -1;
	failed |= bv_json_put(o, "enforcement",
			      json_string(bv_enforcement_name(b->selected)));
	failed |= bv_json_put(o, "evidence",
			      bv_json_evidence(b->promised_evidence));
	failed |= bv_json_put(o, "mechanism", bv_json_text(b->mechanism));
	failed |= bv_json_put(o, "sample_us", bv_json_u64(b->sample_us));
	failed |=
		bv_json_put(o, "max_overshoot", bv_json_u64(b->max_overshoot));
	return bv_json_whole(o, failed);
}

static json_t *encode_budget(enum bv_dim dim,
			     const struct bv_admitted_budget *b,
			     const struct bv_measure *m)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;
	enum bv_finding finding = bv_budget_finding(b, m);

	failed |= bv_json_put(o, "dimension", json_string(bv_dim_name(dim)));
	failed |= bv_json_put(o, "unit", json_string(bv_dim_unit(dim)));
	failed |= bv_json_put(o, "limit",
			      b->stated ? bv_json_u64(b->limit) : json_null());
	failed |= bv_json_put(o, "required", encode_required(b));
	failed |= bv_json_put(o, "supplied", encode_supplied(b));
	/* null: not measured. A number is never made up. */
	failed |= bv_json_put(
		o, "used", m->available ? bv_json_u64(m->used) : json_null());
	failed |= bv_json_put(o, "limit_hit", json_boolean(m->limit_hit));
	failed |= bv_json_put(o, "finding",
			      json_string(bv_finding_name(finding)));
	return bv_json_whole(o, failed);
}

/* All seven, so that a reader need not know which are left out. */
static json_t *encode_budgets(const struct bv_report *report)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (unsigned int d = 0; report->plan && d < BV_DIM_N; d++)
		failed |= json_array_append_new(
			array,
			encode_budget((enum bv_dim)d, &report->plan->budget[d],
				      &report->measure[d]));
	return bv_json_whole(array, failed);
}

static json_t *encode_observed(const struct bv_report *report)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < report->observed_n; i++) {
		json_t *o = json_object();

		failed |= bv_json_put(o, "kind",
				      bv_json_text(report->observed[i].kind));
		failed |= bv_json_put(o, "detail",
				      bv_json_text(report->observed[i].detail));
		failed |= json_array_append_new(array, o);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_outputs(const struct bv_report *r)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < r->output_n; i++) {
		const struct bv_output *out = &r->output[i];
		const char *sha256 = out->sha256[0] ? out->sha256 : NULL;
		json_t *o = json_object();

		failed |= bv_json_put(o, "name", bv_json_text(out->name));
		failed |= bv_json_put(o, "bytes", bv_json_u64(out->bytes));
		failed |= bv_json_put(o, "sha256", bv_json_text(sha256));
		failed |= bv_json_put(o, "refused", bv_json_text(out->refused));
		failed |= json_array_append_new(array, o);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_command(const struct bv_command *c)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;

	failed |= bv_json_put(o, "name", bv_json_text(c->name));
	failed |= bv_json_put(o, "sha256", bv_json_text(c->sha256));
	failed |= bv_json_put(o, "verdict",
			      json_string(bv_command_verdict_name(c->verdict)));
	failed |= bv_json_put(o, "status", bv_json_u64(c->status));
	failed |= bv_json_put(o, "fuel", c->counted ? bv_json_u64(c->fuel)
						    : json_null());
	failed |= bv_json_put(o, "peak_pages",
			      c->counted ? bv_json_u64(c->peak_pages)
					 : json_null());
	failed |= bv_json_put(o, "cpu_us", bv_json_u64(c->cpu_us));
	failed |= bv_json_put(o, "wall_us", bv_json_u64(c->wall_us));
	return bv_json_whole(o, failed);
}

static json_t *encode_commands(const struct bv_commands *c)
{
	json_t *o = json_object();
	json_t *list = json_array();
	int failed = o ? 0 : -1;

	for (size_t i = 0; i < bv_commands_listed(c); i++)
		failed |= json_array_append_new(list,
						encode_command(&c->list[i]));
	failed |= bv_json_put(o, "said_by", json_string(BV_REPORT_SAID_BY));
	failed |= bv_json_put(o, "told", bv_json_u64(c->told));
	failed |= bv_json_put(o, "fuel", bv_json_u64(c->fuel));
	failed |= bv_json_put(o, "lost", bv_json_u64(c->lost));
	failed |= bv_json_put(o, "unheard", bv_json_u64(c->unheard));
	failed |= bv_json_put(o, "nonsense", bv_json_u64(c->nonsense));
	failed |= bv_json_put(o, "list", list);
	return bv_json_whole(o, failed);
}

static json_t *encode_findings(const struct bv_report *r)
{
	struct bv_report_finding all[BV_REPORT_FINDING_MAX];
	json_t *array = json_array();
	int failed = array ? 0 : -1;
	size_t n = 0;

	for (size_t i = 0; r->plan && i < r->plan->admitted_n; i++)
		all[n++] = (struct bv_report_finding){
			bv_req_name(r->plan->admitted[i].req),
			BV_FINDING_ADMITTED
		};
	if (n == 0)
		all[n++] =
			(struct bv_report_finding){ BV_FINDING_SESSION,
						    BV_FINDING_NO_CONFINEMENT };
	for (unsigned int d = 0; r->plan && d < BV_DIM_N; d++)
		if (r->plan->budget[d].stated)
			all[n++] = (struct bv_report_finding){
				bv_dim_name((enum bv_dim)d),
				bv_finding_name(bv_budget_finding(
					&r->plan->budget[d], &r->measure[d]))
			};
	bv_report_findings_sort(all, n);
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		failed |= bv_json_put(o, "about", json_string(all[i].about));
		failed |=
			bv_json_put(o, "finding", json_string(all[i].finding));
		failed |= json_array_append_new(array, o);
	}
	return bv_json_whole(array, failed);
}

/* What was carried out, also when it was undone later. */
static json_t *encode_schedule(const struct bv_report *r)
{
	const struct bv_schedule *s = r->plan ? &r->plan->schedule : NULL;
	json_t *o = json_object();
	json_t *steps = json_array();
	int failed = o ? 0 : -1;

	for (size_t i = 0; s && i < s->n; i++)
		if (r->executed & BV_PRIM_BIT(i))
			failed |= json_array_append_new(
				steps, json_string(s->entry[i].id));
	failed |= bv_json_put(o, "digest", bv_json_text(s ? s->digest : NULL));
	failed |= bv_json_put(o, "executed", steps);
	return bv_json_whole(o, failed);
}

static json_t *encode_body(const struct bv_report *r, const char *snapshot)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;
	const char *outcome = r->open ? NULL : bv_outcome_name(r->outcome);

	failed |= bv_json_put(o, "schema", json_integer(BV_REPORT_SCHEMA));
	failed |= bv_json_put(o, "session_id", bv_json_text(r->session_id));
	failed |= bv_json_put(o, "plan_id",
			      bv_json_text(r->plan ? r->plan->id : NULL));
	failed |= bv_json_put(o, "policy", bv_json_text(r->policy_name));
	failed |= bv_json_put(o, "subject", encode_subject(r->subject));
	failed |= bv_json_put(o, "opened_unix_us",
			      bv_json_u64(r->opened_unix_us));
	failed |= bv_json_put(o, "closed_unix_us",
			      r->closed_unix_us ? bv_json_u64(r->closed_unix_us)
						: json_null());
	failed |= bv_json_put(o, "state",
			      json_string(r->open ? "open" : "closed"));
	failed |= bv_json_put(o, "outcome", bv_json_text(outcome));
	failed |= bv_json_put(o, "reason",
			      bv_json_text(r->reason ? r->reason : ""));
	failed |= bv_json_put(o, "requirements", encode_requirements(r->plan));
	failed |= bv_json_put(o, "budgets", encode_budgets(r));
	failed |= bv_json_put(o, "schedule", encode_schedule(r));
	failed |= bv_json_put(o, "observed", encode_observed(r));
	/* Of a session that had an outbox, when it was settled. */
	if (r->has_outputs)
		failed |= bv_json_put(o, "outputs", encode_outputs(r));
	if (r->commands != NULL && !r->open)
		failed |= bv_json_put(o, "commands",
				      encode_commands(r->commands));
	failed |= bv_json_put(o, "findings", encode_findings(r));
	failed |= bv_json_put(o, "snapshot", bv_json_text(snapshot));
	return bv_json_whole(o, failed);
}

/* A reference to body stays the caller's. */
static int seal(json_t *body, struct bv_err *err)
{
	char digest[65];
	char *text;
	int code = bv_json_finish(json_incref(body), "report", &text, err);

	if (code != BV_OK)
		return code;
	bv_identity_hex(BV_IDENTITY_REPORT, text, strlen(text), digest);
	free(text);
	if (bv_json_put(body, "sha256", json_string(digest)) != 0)
		return bv_fail(err, BV_E_NOMEM, "seal report: no memory");
	return BV_OK;
}

int bv_report_encode(const struct bv_report *report, char **ret_json,
		     struct bv_err *err)
{
	char snapshot[65] = "";
	json_t *body;
	int code = BV_OK;

	if (report->plan)
		code = bv_snapshot_identity(&report->plan->snapshot, snapshot,
					    err);
	if (code != BV_OK)
		return code;
	body = encode_body(report, report->plan ? snapshot : NULL);
	code = seal(body, err);
	if (code != BV_OK) {
		json_decref(body);
		return code;
	}
	return bv_json_finish(body, "report", ret_json, err);
}
