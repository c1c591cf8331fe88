/* SPDX-License-Identifier: MIT */
/*
 * Snapshot and plan read back from their canonical bytes, into flat views that
 * live in the caller's arena. A reader of a plan need not have the policy, the
 * user or the machine it was made for.
 */
#ifndef BV_CORE_DECODE_H
#define BV_CORE_DECODE_H

#include "core/plan.h"
#include "core/shape.h"

#define BV_SNAPSHOT_SCHEMA 1

/* {"facts":{…},"schema":1}, malloc'ed; and the identity of these bytes. */
int bv_snapshot_encode(const struct bv_snapshot *snap, char **ret_json,
		       struct bv_err *err) BV_MUST_CHECK;
int bv_snapshot_identity(const struct bv_snapshot *snap, char ret[65],
			 struct bv_err *err) BV_MUST_CHECK;
int bv_snapshot_decode(struct bv_arena *arena, const void *bytes, size_t len,
		       struct bv_snapshot *ret,
		       struct bv_err *err) BV_MUST_CHECK;

/* Most of each list; more is refused. */
#define BV_PLAN_FS_MAX  1024u
#define BV_PLAN_ENV_MAX 1024u
#define BV_PLAN_NET_MAX BV_NET_PEER_MAX

struct bv_plan_policy {
	const char *name;
	const char *sha256;
};

struct bv_plan_subject {
	const char *user;
	uint64_t uid;
	uint64_t gid;
	const char *home;
};

struct bv_plan_fs {
	const char *path;
	uint32_t rights; /* BV_FS_* */
	bool optional, has_optional;
};

struct bv_plan_expose {
	const char *source;
	const char *dest;
	bool write;
	bool optional;
};

struct bv_plan_outbox {
	const char *path; /* NULL: there is none */
	enum bv_commit commit;
	const char *to; /* NULL with DISCARD */
	bool owner_user;
	uint64_t mode;
	uint64_t files_max;
	uint64_t depth_max;
};

struct bv_plan_env {
	const char *name;
	const char *value; /* one of these two, the other is NULL */
	const char *lease;
};

struct bv_plan_peer {
	const char *protocol;
	const char *address; /* or network */
	uint64_t port;       /* 0: any */
};

struct bv_plan_admitted {
	enum bv_kind kind;
	enum bv_req req;
	enum bv_enforcement enforcement;
	uint32_t required_evidence;
	uint32_t evidence;
	const char *mechanism;
};

struct bv_plan_budget {
	enum bv_dim dim;
	const char *unit;
	uint64_t limit;
	uint64_t minimum;
	enum bv_enforcement required;
	enum bv_enforcement selected;
	uint32_t required_evidence;
	uint32_t promised_evidence;
	const char *mechanism;
	uint64_t sample_us;
	uint64_t max_overshoot;
};

struct bv_plan_view {
	const char *backend;
	struct bv_plan_policy policy;
	struct bv_plan_subject subject;
	enum bv_workload workload;
	enum bv_base base;
	enum bv_network network;
	struct { /* of a list, and there only */
		const struct bv_plan_peer *v;
		size_t n;
	} peers;
	enum bv_spawn spawn;
	bool temp_private;
	bool no_new_privs;
	bool env_exact; /* false: left as it is, env is empty */
	struct {
		const struct bv_plan_env *v;
		size_t n;
	} env;
	struct {
		const struct bv_plan_fs *v;
		size_t n;
	} fs;
	struct {
		const struct bv_plan_expose *v;
		size_t n;
	} expose;
	struct bv_plan_outbox outbox;
	struct {
		const struct bv_plan_admitted *v; /* ascending by req */
		size_t n;
	} admitted;
	struct {
		const struct bv_plan_budget *v; /* stated ones, ascending */
		size_t n;
	} budgets;
	uint32_t required_evidence;
	const char *schedule; /* digest */
	struct bv_snapshot snapshot;
	char id[BV_PLAN_ID_LEN + 1]; /* of the bytes it was read from */
};

/* Canonical, of this schema, whole and consistent in itself; else BV_E_PROTO
 * with the member's path. */
int bv_plan_decode(struct bv_arena *arena, const void *bytes, size_t len,
		   struct bv_plan_view *ret, struct bv_err *err) BV_MUST_CHECK;

#endif
