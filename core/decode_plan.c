/* SPDX-License-Identifier: MIT */
/* The plan's table: plan_encode.c's members, one row each. */
#include "core/decode.h"

#include <string.h>

#define PATH_BYTES_MAX  4096u
#define NAME_BYTES_MAX  256u
#define VALUE_BYTES_MAX BV_CONF_LINE_MAX

/* Sets that only a plan has. */
static const char *workload_name(unsigned int v)
{
	return bv_workload_name((enum bv_workload)v);
}
static const char *base_name(unsigned int v)
{
	return bv_base_name((enum bv_base)v);
}
static const char *network_name(unsigned int v)
{
	return bv_network_name((enum bv_network)v);
}
static const char *spawn_name(unsigned int v)
{
	return bv_spawn_name((enum bv_spawn)v);
}
static const char *commit_name(unsigned int v)
{
	return bv_commit_name((enum bv_commit)v);
}
static const struct bv_shape_set workloads = { workload_name,
					       BV_WORKLOAD_WASM + 1 };
static const struct bv_shape_set bases = { base_name, BV_BASE_NONE + 1 };
static const struct bv_shape_set networks = { network_name,
					      BV_NETWORK_OPEN + 1 };
static const struct bv_shape_set spawns = { spawn_name, BV_SPAWN_NONE + 1 };
static const struct bv_shape_set commits = { commit_name, BV_COMMIT_N };
static const struct bv_shape_set rights = { bv_fs_set_name, BV_FS_SETS_N };

static const struct bv_shape_row policy_rows[] = {
	BV_ROW_TEXT("name", bv_plan_policy, name, 1, BV_POLICY_NAME_MAX),
	BV_ROW_HEX("sha256", 0, bv_plan_policy, sha256, 64),
};
BV_SHAPE(policy_shape, policy_rows, bv_plan_policy, NULL);

static const struct bv_shape_row subject_rows[] = {
	BV_ROW_TEXT("user", bv_plan_subject, user, 0, NAME_BYTES_MAX),
	BV_ROW_U64("uid", bv_plan_subject, uid, UINT32_MAX),
	BV_ROW_U64("gid", bv_plan_subject, gid, UINT32_MAX),
	BV_ROW_TEXT("home", bv_plan_subject, home, 0, PATH_BYTES_MAX),
};
BV_SHAPE(subject_shape, subject_rows, bv_plan_subject, NULL);

static int check_fs(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_fs *f = decoded;

	if (f->has_optional && !f->optional)
		return bv_shape_fail(at, "optional", "true, or not there");
	return BV_OK;
}
static const struct bv_shape_row fs_rows[] = {
	BV_ROW_TEXT("path", bv_plan_fs, path, 1, PATH_BYTES_MAX),
	BV_ROW_NAME("rights", bv_plan_fs, rights, &rights),
	BV_ROW_BOOL_OPTIONAL("optional", bv_plan_fs, optional, has_optional),
};
BV_SHAPE(fs_shape, fs_rows, bv_plan_fs, check_fs);

/* As bv_net_text() writes it, and no other way. */
static int check_peer(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_peer *p = decoded;
	char text[BV_NET_TEXT_MAX];
	struct bv_net_peer peer;
	unsigned int bits;

	if (strcmp(p->protocol, "tcp") != 0 && strcmp(p->protocol, "udp") != 0)
		return bv_shape_fail(at, "protocol", "unknown '%s'",
				     p->protocol);
	if (!bv_net_parse(p->address, &peer.addr, &bits))
		return bv_shape_fail(at, "address", "not an address: '%s'",
				     p->address);
	peer.bits = (uint8_t)bits;
	bv_net_text(&peer, text);
	if (strcmp(text, p->address) != 0)
		return bv_shape_fail(at, "address", "'%s' is '%s'", p->address,
				     text);
	return BV_OK;
}
static const struct bv_shape_row peer_rows[] = {
	BV_ROW_TEXT("protocol", bv_plan_peer, protocol, 1, 3),
	BV_ROW_TEXT("address", bv_plan_peer, address, 1, BV_NET_TEXT_MAX - 1),
	BV_ROW_U64("port", bv_plan_peer, port, UINT16_MAX),
};
BV_SHAPE(peer_shape, peer_rows, bv_plan_peer, check_peer);

static const struct bv_shape_row expose_rows[] = {
	BV_ROW_TEXT("source", bv_plan_expose, source, 1, PATH_BYTES_MAX),
	BV_ROW_TEXT("dest", bv_plan_expose, dest, 1, PATH_BYTES_MAX),
	BV_ROW_BOOL("write", bv_plan_expose, write),
	BV_ROW_BOOL("optional", bv_plan_expose, optional),
};
BV_SHAPE(expose_shape, expose_rows, bv_plan_expose, NULL);

static int check_outbox(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_outbox *o = decoded;

	if ((o->commit == BV_COMMIT_DISCARD) != (o->to == NULL))
		return bv_shape_fail(at, "to",
				     "null with 'discard', and only "
				     "then");
	return BV_OK;
}
static const struct bv_shape_row outbox_rows[] = {
	BV_ROW_TEXT("path", bv_plan_outbox, path, 1, PATH_BYTES_MAX),
	BV_ROW_NAME("commit", bv_plan_outbox, commit, &commits),
	BV_ROW_TEXT_FLAG("to", BV_SHAPE_NULL, bv_plan_outbox, to, 1,
			 PATH_BYTES_MAX),
	BV_ROW_BOOL("owner_user", bv_plan_outbox, owner_user),
	BV_ROW_U64("mode", bv_plan_outbox, mode, 0666),
	BV_ROW_U64("files", bv_plan_outbox, files_max, BV_OUTBOX_FILES_MAX),
	BV_ROW_U64("depth", bv_plan_outbox, depth_max, BV_OUTBOX_DEPTH_MAX),
};
BV_SHAPE(outbox_shape, outbox_rows, bv_plan_outbox, check_outbox);

static int check_env(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_env *e = decoded;

	if (!e->value == !e->lease)
		return bv_shape_fail(at, "", "not one of 'value' and 'lease'");
	return BV_OK;
}
static const struct bv_shape_row env_rows[] = {
	BV_ROW_TEXT("name", bv_plan_env, name, 1, VALUE_BYTES_MAX),
	BV_ROW_TEXT_FLAG("value", BV_SHAPE_OPTIONAL, bv_plan_env, value, 0,
			 VALUE_BYTES_MAX),
	BV_ROW_TEXT_FLAG("lease", BV_SHAPE_OPTIONAL, bv_plan_env, lease, 0,
			 VALUE_BYTES_MAX),
};
BV_SHAPE(env_shape, env_rows, bv_plan_env, check_env);

static int check_admitted(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_admitted *a = decoded;

	if (a->kind != bv_req_kind(a->req))
		return bv_shape_fail(at, "kind", "'%s' is not that of '%s'",
				     bv_kind_name(a->kind),
				     bv_req_name(a->req));
	return BV_OK;
}
static const struct bv_shape_row admitted_rows[] = {
	BV_ROW_NAME("kind", bv_plan_admitted, kind, &bv_shape_kinds),
	BV_ROW_NAME("requirement", bv_plan_admitted, req, &bv_shape_reqs),
	BV_ROW_NAMES("required_evidence", bv_plan_admitted, required_evidence,
		     &bv_shape_evidence),
	BV_ROW_NAME("enforcement", bv_plan_admitted, enforcement,
		    &bv_shape_enforcements),
	BV_ROW_TEXT("mechanism", bv_plan_admitted, mechanism, 0,
		    NAME_BYTES_MAX),
	BV_ROW_NAMES("evidence", bv_plan_admitted, evidence,
		     &bv_shape_evidence),
};
BV_SHAPE(admitted_shape, admitted_rows, bv_plan_admitted, check_admitted);

static int check_budget(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_budget *b = decoded;

	if (strcmp(b->unit, bv_dim_unit(b->dim)) != 0)
		return bv_shape_fail(at, "unit", "not that of '%s'",
				     bv_dim_name(b->dim));
	return BV_OK;
}
static const struct bv_shape_row budget_rows[] = {
	BV_ROW_NAME("dimension", bv_plan_budget, dim, &bv_shape_dims),
	BV_ROW_TEXT("unit", bv_plan_budget, unit, 1, NAME_BYTES_MAX),
	BV_ROW_U64("limit", bv_plan_budget, limit, INT64_MAX),
	BV_ROW_U64("minimum", bv_plan_budget, minimum, INT64_MAX),
	BV_ROW_NAME("required", bv_plan_budget, required,
		    &bv_shape_enforcements),
	BV_ROW_NAME("selected", bv_plan_budget, selected,
		    &bv_shape_enforcements),
	BV_ROW_NAMES("required_evidence", bv_plan_budget, required_evidence,
		     &bv_shape_evidence),
	BV_ROW_NAMES("promised_evidence", bv_plan_budget, promised_evidence,
		     &bv_shape_evidence),
	BV_ROW_TEXT("mechanism", bv_plan_budget, mechanism, 0, NAME_BYTES_MAX),
	BV_ROW_U64("sample_us", bv_plan_budget, sample_us, INT64_MAX),
	BV_ROW_U64("max_overshoot", bv_plan_budget, max_overshoot, INT64_MAX),
};
BV_SHAPE(budget_shape, budget_rows, bv_plan_budget, check_budget);

static void take_peer(const struct bv_plan_peer *from, struct bv_net_peer *ret)
{
	unsigned int bits = 0;

	*ret = (struct bv_net_peer){
		.proto = from->protocol[0] == 'u' ? BV_NET_UDP : BV_NET_TCP,
		.port = (uint16_t)from->port,
	};
	(void)bv_net_parse(from->address, &ret->addr, &bits);
	ret->bits = (uint8_t)bits;
}

/* There is a list of peers just when the network is one. */
static int check_peers(struct bv_shape_at *at, const struct bv_plan_view *p)
{
	struct bv_net_peer before, peer;

	if ((p->network == BV_NETWORK_LIST) != (p->peers.v != NULL))
		return bv_shape_fail(at, "network_peers", "not as 'network'");
	for (size_t i = 0; i < p->peers.n; i++) {
		take_peer(&p->peers.v[i], &peer);
		if (i > 0 && bv_net_compare(&before, &peer) >= 0)
			return bv_shape_fail(at, "network_peers",
					     "'%s' out of order",
					     p->peers.v[i].address);
		before = peer;
	}
	return BV_OK;
}

/* These lists are sets in canonical order. */
static int check_plan(struct bv_shape_at *at, const void *decoded)
{
	const struct bv_plan_view *p = decoded;

	for (size_t i = 1; i < p->admitted.n; i++)
		if (p->admitted.v[i - 1].req >= p->admitted.v[i].req)
			return bv_shape_fail(at, "admitted",
					     "'%s' out of order",
					     bv_req_name(p->admitted.v[i].req));
	for (size_t i = 1; i < p->budgets.n; i++)
		if (p->budgets.v[i - 1].dim >= p->budgets.v[i].dim)
			return bv_shape_fail(at, "budgets", "'%s' out of order",
					     bv_dim_name(p->budgets.v[i].dim));
	for (size_t i = 0; i < p->expose.n; i++)
		if (i > 0 && strlen(p->expose.v[i - 1].dest) >
				     strlen(p->expose.v[i].dest))
			return bv_shape_fail(at, "expose",
					     "'%.40s' out of order",
					     p->expose.v[i].dest);
	if (strcmp(p->backend,
		   bv_snapshot_get(&p->snapshot, BV_FACT_BACKEND)) != 0)
		return bv_shape_fail(at, "backend", "not the snapshot's");
	return check_peers(at, p);
}
/* There only when something is shared with the host. */
#define BV_ROW_SHARED(k, type, m, max, of)                                     \
	BV_SHAPE_ROW(k, type, BV_SHAPE_OPTIONAL, bv_plan_view, m,              \
		     BV_SHAPE_NO_HAS, 0, max, NULL, of)
static const struct bv_shape_row plan_rows[] = {
	BV_ROW_SCHEMA(BV_PLAN_SCHEMA),
	BV_ROW_TEXT("backend", bv_plan_view, backend, 0, NAME_BYTES_MAX),
	BV_ROW_OBJECT("policy", bv_plan_view, policy, &policy_shape),
	BV_ROW_OBJECT("subject", bv_plan_view, subject, &subject_shape),
	BV_ROW_NAME("workload", bv_plan_view, workload, &workloads),
	BV_ROW_NAME("base", bv_plan_view, base, &bases),
	BV_ROW_LIST("filesystem", bv_plan_view, fs, BV_PLAN_FS_MAX, &fs_shape),
	BV_ROW_SHARED("expose", BV_SHAPE_LIST, expose, BV_EXPOSE_MAX,
		      &expose_shape),
	BV_ROW_SHARED("outbox", BV_SHAPE_OBJECT, outbox, 0, &outbox_shape),
	BV_ROW_NAME("network", bv_plan_view, network, &networks),
	BV_SHAPE_ROW("network_peers", BV_SHAPE_LIST, BV_SHAPE_OPTIONAL,
		     bv_plan_view, peers, BV_SHAPE_NO_HAS, 0, BV_PLAN_NET_MAX,
		     NULL, &peer_shape),
	BV_ROW_NAME("spawn", bv_plan_view, spawn, &spawns),
	BV_ROW_BOOL("temp_private", bv_plan_view, temp_private),
	BV_ROW_BOOL("no_new_privs", bv_plan_view, no_new_privs),
	BV_ROW_LIST_NULL("environment", bv_plan_view, env, env_exact,
			 BV_PLAN_ENV_MAX, &env_shape),
	BV_ROW_LIST("admitted", bv_plan_view, admitted, BV_REQUIREMENT_MAX,
		    &admitted_shape),
	BV_ROW_LIST("budgets", bv_plan_view, budgets, BV_DIM_N, &budget_shape),
	BV_ROW_NAMES("required_evidence", bv_plan_view, required_evidence,
		     &bv_shape_evidence),
	BV_ROW_HEX("schedule", 0, bv_plan_view, schedule, 64),
	BV_ROW_FACTS("snapshot", bv_plan_view, snapshot),
};
BV_SHAPE(plan_shape, plan_rows, bv_plan_view, check_plan);

int bv_plan_decode(struct bv_arena *arena, const void *bytes, size_t len,
		   struct bv_plan_view *ret, struct bv_err *err)
{
	struct bv_plan_view view;
	int code = bv_shape_load(arena, "plan", &plan_shape, bytes, len, &view,
				 err);

	if (code != BV_OK)
		return code;
	bv_identity_hex(BV_IDENTITY_PLAN, bytes, len, view.id);
	*ret = view;
	return BV_OK;
}
