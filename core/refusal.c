/* SPDX-License-Identifier: MIT */
/* "PATH:LINE: KEY: what is wrong: MISSING (FACTS); REMEDY" in a fixed space. */
#include "core/refusal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/env.h"

#define PATH_SHOWN_MAX 160 /* the end of it */
#define HEAD_MAX       320
#define NAMES_MAX      256

/* Where: "PATH:LINE: KEY", the line only when there is one. */
struct place {
	const char *path;
	unsigned int line;
	const char *key;
};

static void place_text(const struct place *at, char *ret, size_t ret_len)
{
	size_t len = strlen(at->path);
	const char *shown = at->path;
	const char *cut = "";

	if (len > PATH_SHOWN_MAX) {
		shown += len - PATH_SHOWN_MAX;
		cut = "...";
	}
	if (at->line > 0)
		snprintf(ret, ret_len, "%s%s:%u: %s", cut, shown, at->line,
			 at->key);
	else
		snprintf(ret, ret_len, "%s%s: %s", cut, shown, at->key);
}

/* Only the missing part gives way when space is short: line, key and remedy
 * must arrive. */
static void compose(struct bv_refusal *ret, const struct place *at,
		    const char *what, const char *missing, const char *remedy)
{
	char head[HEAD_MAX];
	size_t fixed, len = strlen(missing);
	const char *cut = "";
	int shown;

	place_text(at, head, sizeof(head));
	fixed = strlen(head) + strlen(what) + strlen(remedy) +
		strlen(": : ; ") + 1;
	if (fixed + len > sizeof(ret->text)) {
		cut = "...";
		len = fixed + 3 < sizeof(ret->text)
			      ? sizeof(ret->text) - fixed - 3
			      : 0;
	}
	shown = (int)len;
	snprintf(ret->text, sizeof(ret->text), "%s: %s: %.*s%s; %s", head, what,
		 shown, missing, cut, remedy);
}

/* "MISSING (KEY = VALUE, KEY = VALUE)". */
static void with_facts(const struct bv_snapshot *snap, const char *missing,
		       const char *const fact[2], char *ret, size_t ret_len)
{
	const char *open = " (", *close = "";
	size_t used;

	snprintf(ret, ret_len, "%s", missing);
	for (size_t i = 0; i < 2; i++) {
		const char *value;

		if (!fact[i])
			continue;
		value = bv_snapshot_get(snap, fact[i]);
		/* The words already are the fact. */
		if (value == missing)
			continue;
		used = strlen(ret);
		snprintf(ret + used, ret_len - used, "%s%s = %s", open, fact[i],
			 value[0] ? value : "nothing");
		open = ", ";
		close = ")";
	}
	used = strlen(ret);
	snprintf(ret + used, ret_len - used, "%s", close);
}

static void evidence_text(uint32_t evidence, char *ret, size_t ret_len)
{
	size_t used = 0;

	snprintf(ret, ret_len, "none");
	for (unsigned int e = 0; e < BV_EV_N; e++) {
		if (!(evidence & BV_EV_BIT(e)))
			continue;
		snprintf(ret + used, ret_len - used, "%s%s", used ? " " : "",
			 bv_evidence_name((enum bv_evidence)e));
		used = strlen(ret);
	}
}

static void begin(struct bv_refusal *ret, enum bv_membrane membrane)
{
	*ret = (struct bv_refusal){ .membrane = membrane };
}

/* The rules of an environment are the parser's too: what comes here broken did
 * not come from text. */
void bv_refuse_config(const struct bv_spec *spec, struct bv_refusal *ret)
{
	const struct bv_policy *policy = spec->policy;
	struct place at = { policy->path, policy->env_line, "[environment]" };
	struct bv_env_fault fault;

	begin(ret, BV_MEMBRANE_CONFIG);
	if (policy->broken) {
		snprintf(ret->text, sizeof(ret->text), "%s", policy->error.msg);
		return;
	}
	fault = bv_env_check_policy(policy);
	if (fault.index < policy->env_n && policy->env[fault.index].line > 0)
		at.line = policy->env[fault.index].line;
	compose(ret, &at, "not an environment that can be given",
		bv_env_code_name(fault.code), "mend the entry");
}

void bv_refuse_action(const struct bv_spec *spec, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, 0,
				  "[policy] action = refuse" };

	begin(ret, BV_MEMBRANE_ACTION);
	compose(ret, &at, "the policy refuses this session",
		"that is what it is for",
		"change its action, or its [match], to let the user in");
}

void bv_refuse_conflict(const struct bv_spec *spec,
			const struct bv_requirement *first,
			const struct bv_requirement *second,
			struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, second->line,
				  second->key };
	char what[128], missing[128];

	begin(ret, BV_MEMBRANE_CONFLICT);
	ret->kind = second->kind;
	ret->req = second->req;
	snprintf(what, sizeof(what), "%s contradicts %s",
		 bv_req_name(second->req), bv_req_name(first->req));
	snprintf(missing, sizeof(missing),
		 "a family takes one policy and line %u states another",
		 first->line);
	compose(ret, &at, what, missing, "remove one of the two");
}

void bv_refuse_workload(const struct bv_spec *spec,
			const struct bv_snapshot *snap, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, 0, "[workload] kind" };
	const char *backend = bv_snapshot_get(snap, BV_FACT_BACKEND);
	char what[96];

	begin(ret, BV_MEMBRANE_WORKLOAD);
	snprintf(what, sizeof(what),
		 "a %s workload does not fit the %.40s "
		 "backend",
		 bv_workload_name(spec->workload),
		 backend[0] ? backend : "unnamed");
	compose(ret, &at, what, "not built in this release",
		"set [workload] kind = process");
}

void bv_refuse_drift(const struct bv_spec *spec, const struct bv_snapshot *snap,
		     const struct bv_snapshot *again, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, 0, "this machine" };
	const char *key = bv_snapshot_drift(snap, again);
	char missing[BV_ERR_MSG_MAX];
	const char *was, *is;

	begin(ret, BV_MEMBRANE_DRIFT);
	if (!key)
		key = "?";
	was = bv_snapshot_get(snap, key);
	is = bv_snapshot_get(again, key);
	snprintf(missing, sizeof(missing), "%s was %.160s and is %.160s", key,
		 was[0] ? was : "nothing", is[0] ? is : "nothing");
	compose(ret, &at, "it is not what it was when it was probed", missing,
		"try again, and if it stays so compare `bvisorctl probe`");
}

void bv_refuse_support(const struct bv_spec *spec,
		       const struct bv_snapshot *snap,
		       const struct bv_requirement *req,
		       const struct bv_verdict *verdict, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, req->line, req->key };
	char what[96], missing[BV_ERR_MSG_MAX];

	begin(ret, BV_MEMBRANE_SUPPORT);
	ret->kind = req->kind;
	ret->req = req->req;
	snprintf(what, sizeof(what), "%s is not supported here",
		 bv_req_name(req->req));
	with_facts(snap, verdict->missing, verdict->fact, missing,
		   sizeof(missing));
	compose(ret, &at, what, missing, verdict->remedy);
}

void bv_refuse_requirement_evidence(const struct bv_spec *spec,
				    const struct bv_requirement *req,
				    const struct bv_verdict *verdict,
				    struct bv_refusal *ret)
{
	const unsigned int asked = spec->policy->of_kind[req->kind].line;
	const struct place at = { spec->policy->path,
				  asked > 0 ? asked : req->line,
				  asked > 0 ? "[evidence] require" : req->key };
	char names[NAMES_MAX], given[NAMES_MAX], text[NAMES_MAX + 32];
	char what[NAMES_MAX + 96];

	begin(ret, BV_MEMBRANE_EVIDENCE);
	ret->kind = req->kind;
	ret->req = req->req;
	evidence_text(req->evidence & ~verdict->evidence, names, sizeof(names));
	evidence_text(verdict->evidence, given, sizeof(given));
	snprintf(what, sizeof(what), "%s cannot show %s here",
		 bv_req_name(req->req), names);
	snprintf(text, sizeof(text), "it would show: %s", given);
	compose(ret, &at, what, text, "demand only what is shown");
}

void bv_refuse_evidence(const struct bv_spec *spec, uint32_t missing,
			uint32_t available, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path,
				  spec->policy->evidence_line,
				  "[evidence] require" };
	char names[NAMES_MAX], given[NAMES_MAX], text[NAMES_MAX + 32];
	char what[NAMES_MAX + 48];

	begin(ret, BV_MEMBRANE_EVIDENCE);
	evidence_text(missing, names, sizeof(names));
	evidence_text(available, given, sizeof(given));
	snprintf(what, sizeof(what), "%s cannot be shown here", names);
	snprintf(text, sizeof(text), "this session would show: %s", given);
	compose(ret, &at, what, text,
		"demand only what is shown, or state the budget that shows it");
}

/* What a phase-2 failure is called: the demand and what stands against it. */
static void budget_what(const struct bv_budget_request *request,
			const struct bv_availability *available,
			enum bv_budget_reason reason, char *ret, size_t ret_len)
{
	char names[NAMES_MAX];
	bool none = bv_enforcement_strength(available->enforcement) == 0;

	if (reason == BV_BUDGET_GUARANTEE) {
		snprintf(ret, ret_len, "needs %s limit, this machine has %s",
			 request->guarantee == BV_ENFORCED ? "an enforced"
							   : "a mediated",
			 none ? "none" : "a mediated one");
		return;
	}
	evidence_text(request->evidence & ~available->evidence, names,
		      sizeof(names));
	snprintf(ret, ret_len, "needs %s, which is not recorded here", names);
}

#define DROP_EVIDENCE "drop its evidence= from [budget]"

struct words {
	const char *missing;
	const char *remedy;
	const char *fact[2];
};

/* What would have to be there for the use of this budget to be shown. */
static const struct words unmeasured[] = {
	[BV_DIM_WALL] = { "only resource-usage is", DROP_EVIDENCE, { NULL } },
	[BV_DIM_CPU] = { "only resource-usage is", DROP_EVIDENCE, { NULL } },
	[BV_DIM_MEMORY] = { "only resource-usage is", DROP_EVIDENCE, { NULL } },
	[BV_DIM_PROCESSES] = { "the peak of tasks is its one witness",
			       "boot Linux 6.1 or newer, or " DROP_EVIDENCE,
			       { BV_FACT_CGROUP_PEAK } },
	[BV_DIM_HANDLES] = { "only mechanism-attestation is",
			     DROP_EVIDENCE,
			     { NULL } },
	[BV_DIM_STORAGE] = { "only resource-usage is",
			     DROP_EVIDENCE,
			     { NULL } },
	[BV_DIM_NETWORK] = { "only resource-usage is",
			     DROP_EVIDENCE,
			     { NULL } },
};
_Static_assert(BV_LEN(unmeasured) == BV_DIM_N, "every dimension has words");

void bv_refuse_budget(const struct bv_spec *spec,
		      const struct bv_snapshot *snap, enum bv_dim dim,
		      enum bv_budget_reason reason, uint64_t minimum,
		      const struct bv_availability *available,
		      struct bv_refusal *ret)
{
	const struct bv_budget_request *request = &spec->budget[dim];
	char key[96], what[NAMES_MAX + 64], missing[BV_ERR_MSG_MAX];
	const struct place at = { spec->policy->path, request->line, key };
	const char *unit = bv_dim_unit(dim);
	bool counted = dim == BV_DIM_PROCESSES || dim == BV_DIM_HANDLES;
	struct words words = { available->missing,
			       available->remedy,
			       { available->fact[0], available->fact[1] } };

	begin(ret, BV_MEMBRANE_BUDGET);
	ret->dim = dim;
	ret->reason = reason;
	snprintf(key, sizeof(key), "[budget] %s = %" PRIu64 "%s%s",
		 bv_dim_name(dim), request->limit, counted ? "" : " ",
		 counted ? "" : unit);
	switch (reason) {
	case BV_BUDGET_BELOW_MINIMUM:
		snprintf(missing, sizeof(missing),
			 "the least is %" PRIu64 " %s", minimum, unit);
		compose(ret, &at, "too little for what the policy lets run",
			missing, "raise it, or remove the line");
		return;
	case BV_BUDGET_CAPACITY:
		snprintf(missing, sizeof(missing), "the most is %" PRIu64 " %s",
			 available->available, unit);
		compose(ret, &at, "more than this machine can bound", missing,
			"lower it, or remove the line");
		return;
	case BV_BUDGET_EVIDENCE:
		words = unmeasured[dim];
		break;
	case BV_BUDGET_GUARANTEE:
		if (bv_enforcement_strength(available->enforcement) == 0)
			break;
		words.missing =
			"passing it is noticed and acted on, maybe late";
		words.remedy = "write 'mediated' behind the limit";
		break;
	case BV_BUDGET_OK:
	case BV_BUDGET_REASON_N:
		break;
	}
	budget_what(request, available, reason, what, sizeof(what));
	with_facts(snap, words.missing, words.fact, missing, sizeof(missing));
	compose(ret, &at, what, missing, words.remedy);
}

void bv_refuse_schedule(const struct bv_spec *spec,
			const struct bv_schedule_fault *fault,
			struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, 0, "schedule" };
	char missing[BV_ERR_MSG_MAX];

	begin(ret, BV_MEMBRANE_SCHEDULE);
	bv_schedule_explain(fault, missing, sizeof(missing));
	compose(ret, &at, "there is no order to carry it out in", missing,
		"report this as a bug");
}

static void decision_text(const struct bv_decision *d, char *ret,
			  size_t ret_len)
{
	snprintf(ret, ret_len,
		 "%s/%s slot %" PRIu32 " against %" PRIu32 " dimension %" PRIu32
		 " admit %" PRIu32,
		 bv_membrane_name((enum bv_membrane)d->membrane),
		 bv_refusal_code_name((enum bv_refusal_code)d->code), d->slot,
		 d->against, d->dim, d->admit);
}

void bv_refuse_divergence(const struct bv_spec *spec,
			  const struct bv_trace *trace, struct bv_refusal *ret)
{
	const struct place at = { spec->policy->path, 0, "decision" };
	char one[128], other[128], missing[sizeof(one) + sizeof(other) + 32];

	begin(ret, BV_MEMBRANE_DIVERGENCE);
	decision_text(&trace->reference, one, sizeof(one));
	decision_text(&trace->table, other, sizeof(other));
	snprintf(missing, sizeof(missing), "reference %s, table %s", one,
		 other);
	compose(ret, &at, "the two evaluators do not agree", missing,
		"report this as a bug");
}
