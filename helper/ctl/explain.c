/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl explain: the guardian's own admission of a login that has not
 * happened, told whole. No effect but that the cgroup base may be prepared as
 * any login would.
 */
#include "core/json.h"
#include "core/support.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/ledger.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/ctl/peers.h"
#include "helper/ctl/share.h"
#include "helper/ctl/subject.h"
#include "helper/ctl/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bvisorctl explain USER [--service SERVICE] [--rhost HOST]\n"
	"                        [--tty TTY] [--config DIR] [--trace] [--json]\n\n"
	"What a login of USER would get here, and why: the policy that decides,\n"
	"each requirement and budget with its mechanism, or the refusal.\n\n"
	"  --service SERVICE  PAM service (default sshd)\n"
	"  --rhost HOST       where from (default: a local login)\n"
	"  --tty TTY          terminal (default: none; sshd says \"ssh\")\n"
	"  --config DIR       default " BVH_CONFIG_DIR "\n"
	"  --trace            each membrane with its verdict, and the steps\n"
	"  --json             one JSON document\n\n"
	"Exit status: 0 admitted or not confined, 1 refused, 2 usage, 3 fault.\n";

struct options {
	const char *config_dir;
	struct bvh_login login;
	bool json;
	bool trace;
};

/* One admission and, when it was refused, what the machine has to say on each
 * requirement all the same. */
struct answer {
	struct bvh_admission adm;
	struct bv_profile profile;
	struct bv_snapshot snap;
	bool has_profile;
	bool at_open;       /* admitted; what the session names cannot be had */
	struct bv_err home; /* of that, what is absent in the home: a note */
};

static const char *decision_name(enum bvh_decision d)
{
	switch (d) {
	case BVH_DECIDE_ADMIT:
		return "admitted";
	case BVH_DECIDE_UNCONFINED:
		return "not confined";
	case BVH_DECIDE_REFUSE:
		return "refused";
	}
	return "?";
}

/* The requirement or budget a refusal is about, or "". */
static const char *refused_what(const struct bv_refusal *r)
{
	switch (r->membrane) {
	case BV_MEMBRANE_SUPPORT:
	case BV_MEMBRANE_CONFLICT:
		return bv_req_name(r->req);
	case BV_MEMBRANE_EVIDENCE:
		return r->code == BV_REFUSED_EVIDENCE_REQUIREMENT
			       ? bv_req_name(r->req)
			       : "";
	case BV_MEMBRANE_BUDGET:
		return bv_dim_name(r->dim);
	case BV_MEMBRANE_NONE:
	case BV_MEMBRANE_CONFIG:
	case BV_MEMBRANE_UNMATCHED:
	case BV_MEMBRANE_ACTION:
	case BV_MEMBRANE_WORKLOAD:
	case BV_MEMBRANE_DRIFT:
	case BV_MEMBRANE_SCHEDULE:
	case BV_MEMBRANE_DIVERGENCE:
	case BV_MEMBRANE_N:
		break;
	}
	return "";
}

static const struct bv_verdict *verdict_of(const struct answer *a, size_t i)
{
	if (a->adm.decision == BVH_DECIDE_ADMIT)
		return &a->adm.plan.admitted[i].verdict;
	return &a->profile.req[a->adm.spec.req[i].req];
}

/* The requirement that the refusal names. */
static bool is_refused(const struct answer *a, size_t i)
{
	const struct bv_refusal *r = &a->adm.refusal;

	return a->adm.decision == BVH_DECIDE_REFUSE &&
	       (r->membrane == BV_MEMBRANE_SUPPORT ||
		r->membrane == BV_MEMBRANE_CONFLICT) &&
	       r->req == a->adm.spec.req[i].req;
}

/* --- text ----------------------------------------------------------------- */

static void say_requirements(const struct answer *a)
{
	const struct bv_spec *spec = &a->adm.spec;
	char evidence[256];
	char line[16];

	bvh_ctl_say("\n%-27s %-12s %-36s %-22s %5s  %s\n", "REQUIREMENT",
		    "VERDICT", "MECHANISM", "EVIDENCE", "LINE", "ASKED FOR BY");
	for (size_t i = 0; i < spec->req_n; i++) {
		const struct bv_requirement *req = &spec->req[i];
		const struct bv_verdict *v = verdict_of(a, i);

		snprintf(line, sizeof(line), req->line == 0 ? "-" : "%u",
			 req->line);
		bvh_ctl_say("%-27s %-12s %-36s %-22s %5s  %s%s\n",
			    bv_req_name(req->req),
			    bv_enforcement_name(is_refused(a, i)
							? BV_UNSUPPORTED
							: v->enforcement),
			    v->mechanism,
			    bvh_ctl_evidence(v->evidence, evidence,
					     sizeof(evidence)),
			    line, req->key,
			    is_refused(a, i) ? "   <- refused" : "");
	}
}

/* What stands against budget d: of the plan when there is one. */
static void budget_facts(const struct answer *a, unsigned int d,
			 enum bv_enforcement *ret_here,
			 const char **ret_mechanism)
{
	if (a->adm.decision == BVH_DECIDE_ADMIT) {
		*ret_here = a->adm.plan.budget[d].selected;
		*ret_mechanism = a->adm.plan.budget[d].mechanism;
	} else {
		*ret_here = a->profile.budget[d].enforcement;
		*ret_mechanism = a->profile.budget[d].mechanism;
	}
}

/* By how much it may be passed, where that is not "not at all". */
static void say_overshoot(const struct answer *a, enum bv_dim dim)
{
	const struct bv_availability *here = &a->profile.budget[dim];
	char over[64], every[64];

	if (here->enforcement == BV_UNSUPPORTED || here->max_overshoot == 0)
		return;
	bvh_ctl_say(
		"%-27s passed by %s at the most", "",
		bvh_ctl_amount(dim, here->max_overshoot, over, sizeof(over)));
	if (here->sample_us > 0)
		bvh_ctl_say(", looked at every %s at the latest",
			    bvh_ctl_amount(BV_DIM_WALL, here->sample_us, every,
					   sizeof(every)));
	bvh_ctl_say("\n");
}

/* Over all sessions of the user. */
static void say_user_limits(const struct bv_policy *p)
{
	char amount[64];

	if (p->user_processes > 0)
		bvh_ctl_say("%-27s %-12s over all sessions of the user\n",
			    "user_processes",
			    bvh_ctl_amount(BV_DIM_PROCESSES, p->user_processes,
					   amount, sizeof(amount)));
	if (p->user_mem_bytes > 0)
		bvh_ctl_say("%-27s %-12s over all sessions of the user\n",
			    "user_memory",
			    bvh_ctl_amount(BV_DIM_MEMORY, p->user_mem_bytes,
					   amount, sizeof(amount)));
}

static bool is_refused_budget(const struct answer *a, unsigned int d)
{
	const struct bv_refusal *r = &a->adm.refusal;

	return a->adm.decision == BVH_DECIDE_REFUSE &&
	       r->membrane == BV_MEMBRANE_BUDGET && (unsigned int)r->dim == d;
}

static void say_budgets(const struct answer *a)
{
	const struct bv_spec *spec = &a->adm.spec;
	char amount[64];
	bool any = false;

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_budget_request *b = &spec->budget[d];
		enum bv_enforcement here;
		const char *mechanism;

		if (!b->stated)
			continue;
		if (!any)
			bvh_ctl_say("\n%-27s %-12s %-36s %-12s %9s %5s\n",
				    "BUDGET", "LIMIT", "MECHANISM", "HERE",
				    "ASKED", "LINE");
		any = true;
		budget_facts(a, d, &here, &mechanism);
		bvh_ctl_say("%-27s %-12s %-36s %-12s %9s %5u%s\n",
			    bv_dim_name((enum bv_dim)d),
			    bvh_ctl_amount((enum bv_dim)d, b->limit, amount,
					   sizeof(amount)),
			    mechanism, bv_enforcement_name(here),
			    bv_enforcement_name(b->guarantee), b->line,
			    is_refused_budget(a, d) ? "   <- refused" : "");
		say_overshoot(a, (enum bv_dim)d);
	}
	say_user_limits(spec->policy);
}

static void say_paths(const struct bv_spec *spec)
{
	bvh_ctl_say("\n%-12s base %s%s\n", "FILESYSTEM",
		    bv_base_name(spec->base), spec->fs_n > 0 ? ", and" : "");
	for (size_t i = 0; i < spec->fs_n; i++) {
		const struct bv_fs_rule *r = &spec->fs[i];

		bvh_ctl_say("%12u %s%s%s%s %s%s\n", r->line,
			    (r->rights & BV_FS_READ) != 0 ? "r" : "-",
			    (r->rights & BV_FS_WRITE) != 0 ? "w" : "-",
			    (r->rights & BV_FS_EXEC) != 0 ? "x" : "-",
			    (r->rights & BV_FS_HIDE) != 0 ? "h" : "-", r->path,
			    r->optional ? " (if it is there)" : "");
	}
	if (spec->workload == BV_WORKLOAD_WASM)
		bvh_ctl_say("%-12s " BV_WASM_PATH " and nothing else; %s\n",
			    "EXECUTABLE", bv_isolation_text(spec->policy));
}

static void say_refusal(const struct bvh_admission *adm)
{
	const struct bv_refusal *r = &adm->refusal;
	const char *what = refused_what(r);

	bvh_ctl_say("%-12s %s%s%s%s%s\n", "refused by",
		    bv_membrane_name(r->membrane), what[0] == '\0' ? "" : ": ",
		    what, r->membrane == BV_MEMBRANE_BUDGET ? ", " : "",
		    r->membrane == BV_MEMBRANE_BUDGET
			    ? bv_budget_reason_name(r->reason)
			    : "");
	bvh_ctl_say("%-12s %s\n", "because", r->text);
}

static void say_all(const struct answer *a, bool trace)
{
	const struct bvh_admission *adm = &a->adm;
	const struct bvh_ctl_ledger ledger = bvh_ctl_ledger_of(adm, &a->snap);

	bvh_ctl_say_subject(&adm->subject);
	if (adm->policy != NULL)
		bvh_ctl_say("%-12s %s (%s)\n", "policy", adm->policy->name,
			    adm->policy->path);
	else
		bvh_ctl_say("%-12s none matches, of %zu\n", "policy",
			    adm->policies_n);
	bvh_ctl_say("%-12s %s\n", "decision", decision_name(adm->decision));
	if (adm->decision == BVH_DECIDE_UNCONFINED)
		bvh_ctl_say("%-12s %s\n", "because", adm->why);
	if (adm->decision == BVH_DECIDE_REFUSE)
		say_refusal(adm);
	if (a->at_open)
		bvh_ctl_say("%-12s the session begins; the account stage lets "
			    "the user pass\n",
			    "when");
	if (a->home.code != BV_OK)
		bvh_ctl_say("%-12s %s; refused unless it is there when the "
			    "session begins, by pam_mkhomedir for one\n",
			    "note", a->home.msg);
	if (adm->decision == BVH_DECIDE_ADMIT)
		bvh_ctl_say("%-12s %s\n%-12s %zu steps, %s\n", "plan",
			    adm->plan.id, "schedule", adm->plan.schedule.n,
			    adm->plan.schedule.digest);
	if (trace)
		bvh_ctl_say_trace(&adm->trace, adm->decision == BVH_DECIDE_ADMIT
						       ? &adm->plan.schedule
						       : NULL);
	if (!a->has_profile)
		return;
	say_requirements(a);
	say_budgets(a);
	bvh_ctl_say_ledger(&ledger);
	say_paths(&adm->spec);
	bvh_ctl_say_peers(&adm->spec);
	bvh_ctl_say_shared(&adm->spec);
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *refusal_json(const struct bv_refusal *r, int *failed)
{
	json_t *o = json_object();
	const char *reason = r->membrane == BV_MEMBRANE_BUDGET
				     ? bv_budget_reason_name(r->reason)
				     : "";

	*failed |= bvh_ctl_put(o, "membrane",
			       json_string(bv_membrane_name(r->membrane)));
	*failed |= bvh_ctl_put(o, "code",
			       json_string(bv_refusal_code_name(r->code)));
	*failed |= bvh_ctl_put(o, "requirement", json_string(refused_what(r)));
	*failed |= bvh_ctl_put(o, "reason", json_string(reason));
	*failed |= bvh_ctl_put(o, "text", bv_json_text(r->text));
	return o;
}

static json_t *requirements_json(const struct answer *a, int *failed)
{
	const struct bv_spec *spec = &a->adm.spec;
	json_t *all = json_array();

	for (size_t i = 0; i < spec->req_n; i++) {
		const struct bv_verdict *v = verdict_of(a, i);
		enum bv_enforcement e =
			is_refused(a, i) ? BV_UNSUPPORTED : v->enforcement;
		json_t *o = json_object();

		*failed |= bvh_ctl_put(
			o, "kind",
			json_string(bv_kind_name(spec->req[i].kind)));
		*failed |=
			bvh_ctl_put(o, "requirement",
				    json_string(bv_req_name(spec->req[i].req)));
		*failed |= bvh_ctl_put(o, "verdict",
				       json_string(bv_enforcement_name(e)));
		*failed |=
			bvh_ctl_put(o, "mechanism", bv_json_text(v->mechanism));
		*failed |= bvh_ctl_put(o, "evidence",
				       bv_json_evidence(v->evidence));
		*failed |= bvh_ctl_put(o, "missing", bv_json_text(v->missing));
		*failed |= bvh_ctl_put(o, "remedy", bv_json_text(v->remedy));
		*failed |=
			bvh_ctl_put(o, "line", json_integer(spec->req[i].line));
		*failed |=
			bvh_ctl_put(o, "key", bv_json_text(spec->req[i].key));
		*failed |= bvh_ctl_add(all, o);
	}
	return all;
}

static json_t *budgets_json(const struct answer *a, int *failed)
{
	json_t *all = json_array();

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_budget_request *b = &a->adm.spec.budget[d];
		const char *name = bv_dim_name((enum bv_dim)d);
		const char *unit = bv_dim_unit((enum bv_dim)d);
		enum bv_enforcement here;
		const char *mechanism;
		json_t *o;

		if (!b->stated)
			continue;
		budget_facts(a, d, &here, &mechanism);
		o = json_object();
		*failed |= bvh_ctl_put(o, "dimension", json_string(name));
		*failed |= bvh_ctl_put(o, "unit", json_string(unit));
		*failed |= bvh_ctl_put(o, "limit", bv_json_u64(b->limit));
		*failed |= bvh_ctl_put(
			o, "asked",
			json_string(bv_enforcement_name(b->guarantee)));
		*failed |= bvh_ctl_put(o, "verdict",
				       json_string(bv_enforcement_name(here)));
		*failed |= bvh_ctl_put(o, "mechanism", bv_json_text(mechanism));
		*failed |= bvh_ctl_put(
			o, "max_overshoot",
			bv_json_u64(a->profile.budget[d].max_overshoot));
		*failed |= bvh_ctl_put(
			o, "sample_us",
			bv_json_u64(a->profile.budget[d].sample_us));
		*failed |= bvh_ctl_put(o, "line", json_integer(b->line));
		*failed |= bvh_ctl_add(all, o);
	}
	return all;
}

static json_t *user_limits_json(const struct bv_policy *p, int *failed)
{
	json_t *o = json_object();

	*failed |= bvh_ctl_put(o, "processes",
			       p->user_processes > 0
				       ? bv_json_u64(p->user_processes)
				       : json_null());
	*failed |= bvh_ctl_put(o, "memory",
			       p->user_mem_bytes > 0
				       ? bv_json_u64(p->user_mem_bytes)
				       : json_null());
	return o;
}

static int print_json(const struct answer *a, int status, bool trace)
{
	const struct bvh_admission *adm = &a->adm;
	const struct bvh_ctl_ledger ledger = bvh_ctl_ledger_of(adm, &a->snap);
	json_t *o = json_object();
	int failed = 0;

	failed |= bvh_ctl_put(o, "decision",
			      json_string(decision_name(adm->decision)));
	failed |= bvh_ctl_put(o, "subject",
			      bvh_ctl_subject_json(&adm->subject, &failed));
	failed |= bvh_ctl_put(o, "policy",
			      bvh_ctl_policy_json(adm->policy, &failed));
	if (adm->decision == BVH_DECIDE_UNCONFINED)
		failed |= bvh_ctl_put(o, "because", bv_json_text(adm->why));
	if (adm->decision == BVH_DECIDE_REFUSE)
		failed |= bvh_ctl_put(o, "refusal",
				      refusal_json(&adm->refusal, &failed));
	if (a->at_open)
		failed |= bvh_ctl_put(o, "stage", json_string("session"));
	if (a->home.code != BV_OK)
		failed |= bvh_ctl_put(o, "note", bv_json_text(a->home.msg));
	if (adm->decision == BVH_DECIDE_ADMIT)
		failed |= bvh_ctl_put(o, "plan", bv_json_text(adm->plan.id));
	if (adm->decision == BVH_DECIDE_ADMIT)
		failed |= bvh_ctl_put(
			o, "schedule",
			bvh_ctl_schedule_json(&adm->plan.schedule, &failed));
	if (trace)
		failed |= bvh_ctl_put(o, "trace",
				      bvh_ctl_trace_json(&adm->trace, &failed));
	if (a->has_profile) {
		failed |= bvh_ctl_put(o, "requirements",
				      requirements_json(a, &failed));
		failed |= bvh_ctl_put(o, "budgets", budgets_json(a, &failed));
		failed |= bvh_ctl_put(o, "ledger",
				      bvh_ctl_ledger_json(&ledger, &failed));
		failed |= bvh_ctl_put(
			o, "user_limits",
			user_limits_json(adm->spec.policy, &failed));
	}
	return bvh_ctl_document(stdout, o, failed, status);
}

/* --- the course of things ------------------------------------------------- */

/* Did admission get as far as a spec? Then its requirements can be shown. */
static int add_profile(struct answer *a, struct bv_err *err)
{
	const struct bvh_admission *adm = &a->adm;
	int code = BV_OK;

	if (adm->spec.policy == NULL)
		return BV_OK;
	if (adm->decision == BVH_DECIDE_ADMIT)
		a->snap = adm->plan.snapshot;
	else
		code = bvh_probe_spec(&adm->base, "none", &adm->spec, NULL,
				      &a->snap, err);
	if (code != BV_OK)
		return code;
	bv_profile_for(&adm->spec, &a->snap, &a->profile);
	bv_profile_cap(&a->profile, &adm->caps);
	a->has_profile = true;
	return BV_OK;
}

/* As the session of this login would, when it begins. */
static int admit(struct answer *a, const struct options *o, struct bv_err *err)
{
	int code = bvh_admit(o->config_dir, &o->login, "none", &a->adm, err);

	if (code != BV_OK)
		return code;
	/* What another user may open says nothing of a login. */
	if (geteuid() == 0 && a->adm.decision == BVH_DECIDE_ADMIT) {
		bvh_admission_open(&a->adm, &a->home);
		a->at_open = a->adm.decision == BVH_DECIDE_REFUSE;
	}
	return add_profile(a, err);
}

static int answer(struct answer *a, const struct options *o)
{
	struct bv_err err = { 0 };
	int status;

	if (admit(a, o, &err) != BV_OK) {
		bvh_ctl_error("%s", err.msg);
		return BVH_CTL_FAULT;
	}
	status = a->adm.decision == BVH_DECIDE_REFUSE ? BVH_CTL_NO : BVH_CTL_OK;
	if (o->json)
		return print_json(a, status, o->trace);
	say_all(a, o->trace);
	return status;
}

static int parse(int argc, char **argv, struct options *o)
{
	const struct bvh_ctl_option options[] = {
		{ "service", 's', &o->login.service, NULL },
		{ "rhost", 'r', &o->login.rhost, NULL },
		{ "tty", 't', &o->login.tty, NULL },
		{ "config", 'c', &o->config_dir, NULL },
		{ "trace", 'T', NULL, &o->trace },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "explain",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_min = 1,
		.args_max = 1,
		.args = "which USER?",
	};
	const int status = bvh_ctl_options(&syntax, argc, argv, &o->json);

	if (status >= 0)
		return status;
	o->login.user = argv[optind];
	return -1;
}

int bvh_ctl_explain(int argc, char **argv)
{
	struct options o = {
		.config_dir = BVH_CONFIG_DIR,
		.login = { .service = "sshd", .tty = "", .rhost = "" },
	};
	int status = parse(argc, argv, &o);
	struct answer *a;

	if (status >= 0)
		return status;
	if (geteuid() != 0)
		bvh_ctl_error("not root: what follows is decided on what uid "
			      "%u could do, not a login",
			      (unsigned int)geteuid());
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		bvh_ctl_error("no memory");
		return BVH_CTL_FAULT;
	}
	bvh_admission_init(&a->adm);
	status = answer(a, &o);
	bvh_admission_done(&a->adm);
	free(a);
	return status;
}
