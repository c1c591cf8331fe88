/* SPDX-License-Identifier: MIT */
/*
 * The plan's canonical bytes: everything that decides what is enforced, for
 * whom, and on what machine. Not in it: what differs between two sessions of the
 * same boundary (tty, rhost, service, time). The id is over these bytes.
 */
#include "core/plan.h"

#include "core/json.h"

/* Rules are many and sets of rights few: one text each, shared by its rules. */
static json_t *encode_fs(const struct bv_spec *spec)
{
	json_t *set[BV_FS_SETS_N] = { NULL };
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < spec->fs_n; i++) {
		const uint32_t rights = spec->fs[i].rights % BV_FS_SETS_N;
		json_t *rule = json_object();

		if (!set[rights])
			set[rights] = json_string(bv_fs_set_name(rights));
		failed |= bv_json_put(rule, "path",
				      bv_json_text(spec->fs[i].path));
		failed |= bv_json_put(rule, "rights", json_incref(set[rights]));
		if (spec->fs[i].optional)
			failed |= bv_json_put(rule, "optional", json_true());
		failed |= json_array_append_new(array, rule);
	}
	for (size_t i = 0; i < BV_LEN(set); i++)
		json_decref(set[i]);
	return bv_json_whole(array, failed);
}

/* Only a list has this member: nothing, and no list, are not the same. */
static json_t *encode_peers(const struct bv_net_list *net)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < net->n; i++) {
		const struct bv_net_peer *p = &net->peer[i];
		const char *proto = bv_net_proto_name(p->proto);
		char text[BV_NET_TEXT_MAX];
		json_t *peer = json_object();

		bv_net_text(p, text);
		failed |= bv_json_put(peer, "protocol", json_string(proto));
		failed |= bv_json_put(peer, "address", bv_json_text(text));
		failed |= bv_json_put(peer, "port", bv_json_u64(p->port));
		failed |= json_array_append_new(array, peer);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_expose(const struct bv_spec *spec)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < spec->expose_n; i++) {
		const struct bv_expose_rule *e = &spec->expose[i];
		json_t *rule = json_object();

		failed |= bv_json_put(rule, "source", bv_json_text(e->source));
		failed |= bv_json_put(rule, "dest", bv_json_text(e->dest));
		failed |= bv_json_put(rule, "write", json_boolean(e->write));
		failed |= bv_json_put(rule, "optional",
				      json_boolean(e->optional));
		failed |= json_array_append_new(array, rule);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_outbox(const struct bv_outbox *o)
{
	json_t *object = json_object();
	int failed = object ? 0 : -1;

	failed |= bv_json_put(object, "path", bv_json_text(o->path));
	failed |= bv_json_put(object, "commit",
			      json_string(bv_commit_name(o->commit)));
	failed |= bv_json_put(object, "to", bv_json_text(o->to));
	failed |=
		bv_json_put(object, "owner_user", json_boolean(o->owner_user));
	failed |= bv_json_put(object, "mode", bv_json_u64(o->mode));
	failed |= bv_json_put(object, "files", bv_json_u64(o->files_max));
	failed |= bv_json_put(object, "depth", bv_json_u64(o->depth_max));
	return bv_json_whole(object, failed);
}

/* null: the environment is left as it is. */
static json_t *encode_environment(const struct bv_policy *policy)
{
	json_t *array;
	int failed;

	if (!policy->env_exact)
		return json_null();
	array = json_array();
	failed = array ? 0 : -1;
	for (size_t i = 0; i < policy->env_n; i++) {
		json_t *entry = json_object();

		failed |= bv_json_put(entry, "name",
				      bv_json_text(policy->env[i].name));
		failed |= bv_json_put(
			entry, policy->env[i].is_lease ? "lease" : "value",
			bv_json_text(policy->env[i].value));
		failed |= json_array_append_new(array, entry);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_admitted(const struct bv_plan *plan)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (size_t i = 0; i < plan->admitted_n; i++) {
		const struct bv_admitted *a = &plan->admitted[i];
		json_t *entry = json_object();

		failed |= bv_json_put(entry, "kind",
				      json_string(bv_kind_name(a->kind)));
		failed |= bv_json_put(entry, "requirement",
				      json_string(bv_req_name(a->req)));
		failed |= bv_json_put(entry, "required_evidence",
				      bv_json_evidence(a->required_evidence));
		failed |= bv_json_put(entry, "enforcement",
				      json_string(bv_enforcement_name(
					      a->verdict.enforcement)));
		failed |= bv_json_put(entry, "mechanism",
				      bv_json_text(a->verdict.mechanism));
		failed |= bv_json_put(entry, "evidence",
				      bv_json_evidence(a->verdict.evidence));
		failed |= json_array_append_new(array, entry);
	}
	return bv_json_whole(array, failed);
}

/* Stated budgets only: the others are not limited. */
static json_t *encode_budgets(const struct bv_plan *plan)
{
	json_t *array = json_array();
	int failed = array ? 0 : -1;

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_admitted_budget *b = &plan->budget[d];
		const char *name = bv_dim_name((enum bv_dim)d);
		const char *unit = bv_dim_unit((enum bv_dim)d);
		json_t *entry;

		if (!b->stated)
			continue;
		entry = json_object();
		failed |= bv_json_put(entry, "dimension", json_string(name));
		failed |= bv_json_put(entry, "unit", json_string(unit));
		failed |= bv_json_put(entry, "limit", bv_json_u64(b->limit));
		failed |=
			bv_json_put(entry, "minimum", bv_json_u64(b->minimum));
		failed |= bv_json_put(
			entry, "required",
			json_string(bv_enforcement_name(b->required)));
		failed |= bv_json_put(
			entry, "selected",
			json_string(bv_enforcement_name(b->selected)));
		failed |= bv_json_put(entry, "required_evidence",
				      bv_json_evidence(b->required_evidence));
		failed |= bv_json_put(entry, "promised_evidence",
				      bv_json_evidence(b->promised_evidence));
		failed |= bv_json_put(entry, "mechanism",
				      bv_json_text(b->mechanism));
		failed |= bv_json_put(entry, "sample_us",
				      bv_json_u64(b->sample_us));
		failed |= bv_json_put(entry, "max_overshoot",
				      bv_json_u64(b->max_overshoot));
		failed |= json_array_append_new(array, entry);
	}
	return bv_json_whole(array, failed);
}

static json_t *encode_policy(const struct bv_policy *policy)
{
	json_t *object = json_object();
	int failed = object ? 0 : -1;

	failed |= bv_json_put(object, "name", bv_json_text(policy->name));
	failed |=
		bv_json_put(object, "sha256", bv_json_text(policy->sha256_hex));
	return bv_json_whole(object, failed);
}

static json_t *encode_subject(const struct bv_subject *subject)
{
	json_t *object = json_object();
	int failed = object ? 0 : -1;

	failed |= bv_json_put(object, "user", bv_json_text(subject->user));
	failed |= bv_json_put(object, "uid", bv_json_u64(subject->uid));
	failed |= bv_json_put(object, "gid", bv_json_u64(subject->gid));
	failed |= bv_json_put(object, "home", bv_json_text(subject->home));
	return bv_json_whole(object, failed);
}

int bv_plan_encode(const struct bv_plan *plan, char **ret_json,
		   struct bv_err *err)
{
	const struct bv_spec *spec = plan->spec;
	const char *backend = bv_snapshot_get(&plan->snapshot, BV_FACT_BACKEND);
	json_t *o = json_object();
	int failed = o ? 0 : -1;

	failed |= bv_json_put(o, "schema", json_integer(BV_PLAN_SCHEMA));
	failed |= bv_json_put(o, "backend", bv_json_text(backend));
	failed |= bv_json_put(o, "policy", encode_policy(spec->policy));
	failed |= bv_json_put(o, "subject", encode_subject(spec->subject));
	failed |= bv_json_put(o, "workload",
			      json_string(bv_workload_name(spec->workload)));
	failed |= bv_json_put(o, "base", json_string(bv_base_name(spec->base)));
	failed |= bv_json_put(o, "filesystem", encode_fs(spec));
	failed |= bv_json_put(o, "network",
			      json_string(bv_network_name(spec->network)));
	if (spec->network == BV_NETWORK_LIST)
		failed |= bv_json_put(o, "network_peers",
				      encode_peers(&spec->net));
	failed |= bv_json_put(o, "spawn",
			      json_string(bv_spawn_name(spec->spawn)));
	failed |= bv_json_put(o, "temp_private",
			      json_boolean(spec->temp_private));
	failed |= bv_json_put(o, "no_new_privs",
			      json_boolean(spec->no_new_privs));
	failed |=
		bv_json_put(o, "environment", encode_environment(spec->policy));
	/* Members of what is shared with the host are there when anything is. */
	if (spec->expose_n > 0)
		failed |= bv_json_put(o, "expose", encode_expose(spec));
	if (spec->outbox.line != 0)
		failed |=
			bv_json_put(o, "outbox", encode_outbox(&spec->outbox));
	failed |= bv_json_put(o, "admitted", encode_admitted(plan));
	failed |= bv_json_put(o, "budgets", encode_budgets(plan));
	failed |= bv_json_put(o, "required_evidence",
			      bv_json_evidence(spec->evidence));
	failed |=
		bv_json_put(o, "schedule", bv_json_text(plan->schedule.digest));
	failed |= bv_json_put(o, "snapshot", bv_json_facts(&plan->snapshot));
	return bv_json_finish(bv_json_whole(o, failed), "plan", ret_json, err);
}
