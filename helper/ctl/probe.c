/* SPDX-License-Identifier: MIT */
/* bvisorctl probe: the facts of this machine and what follows from them, by the
 * guardian's own probe. */
#include "helper/probe.h"
#include "core/json.h"
#include "core/support.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/ledger.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/net_bpf.h"
#include "helper/qualification.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define ARENA_CAP (4u << 20)

static const char help[] =
	"usage: bvisorctl probe [--config DIR] [--json]\n\n"
	"The facts of this machine, and the best each requirement and budget of\n"
	"a policy can get in a PAM session here; what only an account has whose\n"
	"shell is bvisor-shell is marked. Run as root: another user is shown\n"
	"what that user could do.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n";

/* cgroup_base of bvisor.conf; an ordinary user may not be able to read it. */
static int find_facts(const char *config_dir, struct bv_arena *arena,
		      struct bv_config *config, struct bv_snapshot *ret,
		      struct bv_err *err)
{
	struct bvh_cgroup_base base;
	int code;

	bvh_cgroup_base_init(&base);
	code = bvh_config_load(config_dir, arena, config, NULL, NULL, err);
	if (code == BV_OK)
		code = bvh_cgroup_base_find(config->cgroup_base, &base, err);
	if (code == BV_OK)
		code = bvh_probe(&base, "none", ret, err);
	if (code == BV_OK)
		code = bv_snapshot_set_bool(ret, BV_FACT_CGROUP_BPF,
					    bvh_net_works(&base), err);
	bvh_cgroup_base_done(&base);
	return code;
}

/* What the machine can do, and beside it what takes an account's own shell. */
struct findings {
	struct bv_arena arena;
	struct bv_config config;
	struct bv_snapshot snap;
	struct bv_caps caps; /* as for an account that has it */
	struct bv_profile p;
	bool req_by_shell[BV_REQ_N];
	bool kind_by_shell[BV_KIND_N];
};

static struct bvh_ctl_ledger ledger_of(const struct findings *f)
{
	return (struct bvh_ctl_ledger){
		.snap = &f->snap,
		.caps = &f->caps,
		.local = f->config.qualification_local,
		.rows = UINT64_MAX,
	};
}

static bool prefer(struct bv_verdict *v, const struct bv_verdict *with_shell)
{
	if (v->enforcement != BV_UNSUPPORTED ||
	    with_shell->enforcement == BV_UNSUPPORTED)
		return false;
	*v = *with_shell;
	return true;
}

/* The exec boundary is the account's and not the machine's: where a verdict
 * hangs on it alone, the one with bvisor-shell is shown. */
static int derive(struct findings *f, struct bv_err *err)
{
	struct bv_snapshot snap = f->snap;
	struct bv_profile shell;
	int code = bv_snapshot_set(&snap, BV_FACT_EXEC_BOUNDARY, "shell", err);

	if (code != BV_OK)
		return code;
	bv_profile_derive(&f->snap, &f->p);
	bv_profile_derive(&snap, &shell);
	bvh_qualification_caps(&f->config, &snap, &f->arena, &f->caps);
	bv_profile_cap(&f->p, &f->caps);
	bv_profile_cap(&shell, &f->caps);
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		f->req_by_shell[r] = prefer(&f->p.req[r], &shell.req[r]);
	for (unsigned int k = 0; k < BV_KIND_N; k++)
		f->kind_by_shell[k] = prefer(&f->p.kind[k], &shell.kind[k]);
	return BV_OK;
}

static void say_keys(const struct findings *f)
{
	char evidence[256];

	bvh_ctl_say("\n%-36s %-12s %-36s %s\n", "REQUIREMENT", "VERDICT",
		    "MECHANISM", "EVIDENCE, OR WHAT IS MISSING");
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		const struct bv_verdict *v = &f->p.req[r];

		bvh_ctl_say("%-36s %-12s %-36s %s%s\n",
			    bv_req_name((enum bv_req)r),
			    bv_enforcement_name(v->enforcement), v->mechanism,
			    v->enforcement == BV_UNSUPPORTED
				    ? v->missing
				    : bvh_ctl_evidence(v->evidence, evidence,
						       sizeof(evidence)),
			    f->req_by_shell[r] ? " (with bvisor-shell)" : "");
	}
}

static void say_budgets(const struct bv_profile *p)
{
	char amount[64];

	bvh_ctl_say("\n%-36s %-12s %-36s %s\n", "BUDGET", "VERDICT",
		    "MECHANISM", "AT MOST, OR WHAT IS MISSING");
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_availability *a = &p->budget[d];

		bvh_ctl_say(
			"%-36s %-12s %-36s %s\n", bv_dim_name((enum bv_dim)d),
			bv_enforcement_name(a->enforcement), a->mechanism,
			a->enforcement == BV_UNSUPPORTED
				? a->missing
				: bvh_ctl_amount((enum bv_dim)d, a->available,
						 amount, sizeof(amount)));
	}
}

static int say_all(const struct findings *f)
{
	const struct bvh_ctl_ledger ledger = ledger_of(f);
	const struct bv_snapshot *snap = &f->snap;

	for (size_t i = 0; i < snap->n; i++)
		bvh_ctl_say("%-27s %s\n", snap->fact[i].key,
			    snap->fact[i].value[0] == '\0'
				    ? "-"
				    : snap->fact[i].value);
	say_keys(f);
	say_budgets(&f->p);
	bvh_ctl_say_ledger(&ledger);
	return BVH_CTL_OK;
}

static json_t *verdict_json(const struct bv_verdict *v, bool by_shell,
			    int *failed)
{
	const char *name = bv_enforcement_name(v->enforcement);
	json_t *one = json_object();

	*failed |= bvh_ctl_put(one, "verdict", json_string(name));
	*failed |= bvh_ctl_put(one, "mechanism", bv_json_text(v->mechanism));
	*failed |= bvh_ctl_put(one, "evidence", bv_json_evidence(v->evidence));
	*failed |= bvh_ctl_put(one, "missing", bv_json_text(v->missing));
	*failed |= bvh_ctl_put(one, "remedy", bv_json_text(v->remedy));
	*failed |=
		bvh_ctl_put(one, "needs_bvisor_shell", json_boolean(by_shell));
	return one;
}

static json_t *kinds_json(const struct findings *f, int *failed)
{
	json_t *all = json_object();

	for (unsigned int k = 0; k < BV_KIND_N; k++)
		*failed |=
			bvh_ctl_put(all, bv_kind_name((enum bv_kind)k),
				    verdict_json(&f->p.kind[k],
						 f->kind_by_shell[k], failed));
	return all;
}

static json_t *keys_json(const struct findings *f, int *failed)
{
	json_t *all = json_object();

	for (unsigned int r = 0; r < BV_REQ_N; r++)
		*failed |= bvh_ctl_put(
			all, bv_req_name((enum bv_req)r),
			verdict_json(&f->p.req[r], f->req_by_shell[r], failed));
	return all;
}

static json_t *budgets_json(const struct bv_profile *p, int *failed)
{
	json_t *all = json_object();

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_availability *a = &p->budget[d];
		const char *unit = bv_dim_unit((enum bv_dim)d);
		json_t *one = json_object();

		*failed |= bvh_ctl_put(
			one, "verdict",
			json_string(bv_enforcement_name(a->enforcement)));
		*failed |= bvh_ctl_put(one, "mechanism",
				       bv_json_text(a->mechanism));
		*failed |= bvh_ctl_put(one, "unit", json_string(unit));
		*failed |= bvh_ctl_put(one, "available",
				       a->available > INT64_MAX
					       ? json_null()
					       : bv_json_u64(a->available));
		*failed |= bvh_ctl_put(one, "max_overshoot",
				       bv_json_u64(a->max_overshoot));
		*failed |= bvh_ctl_put(one, "sample_us",
				       bv_json_u64(a->sample_us));
		*failed |=
			bvh_ctl_put(one, "missing", bv_json_text(a->missing));
		*failed |= bvh_ctl_put(one, "remedy", bv_json_text(a->remedy));
		*failed |= bvh_ctl_put(all, bv_dim_name((enum bv_dim)d), one);
	}
	return all;
}

static int print_json(const struct findings *f)
{
	const struct bvh_ctl_ledger ledger = ledger_of(f);
	const struct bv_snapshot *snap = &f->snap;
	json_t *root = json_object();
	json_t *facts = json_object();
	int failed = 0;

	for (size_t i = 0; i < snap->n; i++)
		failed |= bvh_ctl_put(facts, snap->fact[i].key,
				      bv_json_text(snap->fact[i].value));
	failed |= bvh_ctl_put(root, "facts", facts);
	failed |= bvh_ctl_put(root, "requirements", kinds_json(f, &failed));
	failed |= bvh_ctl_put(root, "keys", keys_json(f, &failed));
	failed |= bvh_ctl_put(root, "budgets", budgets_json(&f->p, &failed));
	failed |= bvh_ctl_put(root, "ledger",
			      bvh_ctl_ledger_json(&ledger, &failed));
	return bvh_ctl_document(stdout, root, failed, BVH_CTL_OK);
}

int bvh_ctl_probe(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "probe",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
	};
	static struct findings f;
	struct bv_err err = { 0 };
	bool json = false;
	int status = bvh_ctl_options(&syntax, argc, argv, &json);

	if (status >= 0)
		return status;
	status = BVH_CTL_FAULT;
	if (geteuid() != 0)
		bvh_ctl_error("not root: this is what uid %u could do, not a "
			      "login",
			      (unsigned int)geteuid());
	bv_arena_init(&f.arena, ARENA_CAP);
	if (find_facts(config_dir, &f.arena, &f.config, &f.snap, &err) !=
		    BV_OK ||
	    derive(&f, &err) != BV_OK)
		bvh_ctl_error("%s", err.msg);
	else
		status = json ? print_json(&f) : say_all(&f);
	bv_arena_done(&f.arena);
	return status;
}
