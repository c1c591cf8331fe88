/* SPDX-License-Identifier: MIT */
/*
 * One function per primitive, each with what takes it back. None knows what
 * came before it or comes after.
 */
#include "helper/boundary.h"

#include "helper/fd.h"
#include "helper/landlock.h"
#include "helper/red.h"
#include "helper/view.h"
#include "helper/view_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* A leaf that does not drain in this time is named in the error. The module
 * waits 2 s for the whole close. */
#define DRAIN_MS 1500

void bvh_boundary_init(struct bvh_boundary *b)
{
	memset(b, 0, sizeof(*b));
	b->leaf.base_fd = -1;
	b->leaf.fd = -1;
	b->node_fd = -1;
	b->mntns_fd = -1;
	b->netns_fd = -1;
	b->ruleset_fd = -1;
	b->temp_fd = -1;
	bvh_net_init(&b->net);
	bvh_exposures_init(&b->exposed);
}

void bvh_boundary_let_go(struct bvh_boundary *b)
{
	bvh_close(&b->netns_fd);
	bvh_close(&b->mntns_fd);
	bvh_close(&b->ruleset_fd);
}

bool bvh_boundary_listens(const struct bvh_course *c)
{
	return c->lowered.notify_signals || c->lowered.notify_bus;
}

void bvh_boundary_leaf_name(const char *session_id, char ret[BVH_LEAF_NAME_MAX])
{
	snprintf(ret, BVH_LEAF_NAME_MAX, BVH_LEAF_PREFIX "%.16s", session_id);
}

/* --- the user's node ------------------------------------------------------- */

static struct bvh_leaf_limits node_limits(const struct bvh_course *c)
{
	return (struct bvh_leaf_limits){
		.has_pids = c->lowered.user_pids_max > 0,
		.pids_max = c->lowered.user_pids_max,
		.has_memory = c->lowered.user_mem_max_bytes > 0,
		.mem_max_bytes = c->lowered.user_mem_max_bytes,
	};
}

static void choose_node(struct bvh_course *c)
{
	const struct bvh_leaf_limits limits = node_limits(c);
	struct bvh_boundary *b = c->boundary;

	if (c->lowered.has_user && b->node[0] == '\0')
		bvh_user_node_choose(b->base, c->plan->spec->subject->uid,
				     &limits, b->node);
}

int bvh_boundary_leaf_path(struct bvh_course *c, char *ret, size_t ret_len,
			   struct bv_err *err)
{
	const struct bvh_boundary *b = c->boundary;
	char leaf[BVH_LEAF_NAME_MAX];

	choose_node(c);
	bvh_boundary_leaf_name(b->session_id, leaf);
	if ((size_t)snprintf(ret, ret_len, "%s%s%s/%s", b->base->path,
			     b->node[0] == '\0' ? "" : "/", b->node,
			     leaf) >= ret_len)
		return bv_fail(err, BV_E_LIMIT, "the leaf's path is too long");
	return BV_OK;
}

static int aggregate_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_leaf_limits limits = node_limits(c);
	struct bvh_boundary *b = c->boundary;

	choose_node(c);
	return bvh_user_node_open(b->base, b->node, &limits, &b->node_fd, err);
}

/* A leaf that could not be removed yet needs its parent for another try. */
static int aggregate_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_boundary *b = c->boundary;

	if (b->has_leaf)
		return bv_fail(err, BV_E_TIMEOUT, "leaf '%s' is still there",
			       b->leaf.name);
	bvh_close(&b->node_fd);
	bvh_user_node_remove(b->base->fd, b->node);
	return BV_OK;
}

/* --- leaf ------------------------------------------------------------------ */

static int leaf_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_leaf_limits none = { .has_pids = false };
	struct bvh_boundary *b = c->boundary;
	char name[BVH_LEAF_NAME_MAX];
	int code;

	bvh_boundary_leaf_name(b->session_id, name);
	if (c->lowered.has_user) {
		const struct bvh_leaf_limits limits = node_limits(c);

		code = bvh_user_leaf_create(b->base, b->node, &limits,
					    &b->node_fd, name, &b->leaf, err);
	} else {
		code = bvh_leaf_create(b->base, name, &none, &b->leaf, err);
	}
	b->has_leaf = code == BV_OK;
	if (code == BV_OK) {
		const struct bvh_leaf_limits rate = {
			.cpu_rate_percent = c->lowered.cpu_rate_percent,
		};

		code = bvh_leaf_limit(&b->leaf, &rate, err);
		if (code != BV_OK && bvh_boundary_leaf_undo(c, NULL) != BV_OK)
			return bv_ctx(err, "and the leaf stays behind");
	}
	return code;
}

int bvh_boundary_leaf_empty(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_boundary *b = c->boundary;
	int code;

	if (!b->has_leaf)
		return BV_OK;
	code = bvh_leaf_kill(&b->leaf, err);
	if (code == BV_OK && !bvh_leaf_drain(&b->leaf, DRAIN_MS))
		code = bv_fail(err, BV_E_TIMEOUT,
			       "leaf '%s' still holds processes after %d ms",
			       b->leaf.name, DRAIN_MS);
	return code;
}

int bvh_boundary_leaf_undo(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_boundary *b = c->boundary;
	int code;

	if (!b->has_leaf)
		return BV_OK;
	code = bvh_boundary_leaf_empty(c, err);
	if (code == BV_OK)
		code = bvh_leaf_remove(&b->leaf, err);
	if (code == BV_OK) {
		bvh_leaf_done(&b->leaf);
		bvh_net_done(&b->net);
		b->has_leaf = false;
	}
	return code;
}

/* Limits go with their leaf. */
static int memory_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_leaf_limits limits = {
		.has_memory = true,
		.mem_max_bytes = c->lowered.mem_max_bytes,
	};

	return bvh_leaf_limit(&c->boundary->leaf, &limits, err);
}

static int pids_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_leaf_limits limits = {
		.has_pids = true,
		.pids_max = c->lowered.pids_max,
	};

	return bvh_leaf_limit(&c->boundary->leaf, &limits, err);
}

/* So do programs: there is no moment between theirs and its end. */
static int network_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bv_net_rules rules =
		bvh_net_rules(c->plan->spec, c->lowered.has_network,
			      c->lowered.network_bytes);

	return bvh_net_attach(&rules, &c->boundary->leaf, &c->boundary->net,
			      err);
}

int bvh_boundary_attest_network(struct bvh_course *c, char *ret, size_t ret_len,
				struct bv_err *err)
{
	const struct bv_net_rules rules =
		bvh_net_rules(c->plan->spec, c->lowered.has_network,
			      c->lowered.network_bytes);

	return bvh_net_attest(&c->boundary->net, &rules, &c->boundary->leaf,
			      ret, ret_len, err);
}

/* --- namespaces and view --------------------------------------------------- */

static int netns_run(struct bvh_course *c, struct bv_err *err)
{
	return bvh_netns_open(&c->boundary->netns_fd, err);
}

static int netns_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_close(&c->boundary->netns_fd);
	return BV_OK;
}

static int view_run(struct bvh_course *c, struct bv_err *err)
{
	return bvh_view_create(&c->boundary->mntns_fd, err);
}

static int view_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_close(&c->boundary->mntns_fd);
	return BV_OK;
}

/* Mounts of the view go with its namespace. */
static struct bvh_view_options view_options(const struct bvh_course *c)
{
	return (struct bvh_view_options){
		.user_namespace = c->lowered.user_namespace,
		.tmp_size_bytes = c->lowered.tmp_size_bytes,
	};
}

static int private_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_view_options o = view_options(c);
	int code = bvh_view_temp(c->plan->spec, &o, err);

	if (code != BV_OK || o.tmp_size_bytes == 0)
		return code;
	c->boundary->temp_fd =
		open("/tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->boundary->temp_fd < 0)
		return bv_fail_errno(err, errno, "open the private '/tmp'");
	return BV_OK;
}

static int private_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_close(&c->boundary->temp_fd);
	return BV_OK;
}

static int services_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_view_options o = view_options(c);

	return bvh_red("dbus") ? BV_OK : bvh_view_services(&o, err);
}

static int records_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_view_options o = view_options(c);

	return bvh_view_records(c->plan->spec, &o, err);
}

static int hide_run(struct bvh_course *c, struct bv_err *err)
{
	return bvh_view_hide(c->plan->spec, err);
}

static int lend_run(struct bvh_course *c, struct bv_err *err)
{
	return bvh_view_lend(c->plan->spec, &c->boundary->exposed, err);
}

static int lend_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_exposures_done(&c->boundary->exposed);
	return BV_OK;
}

static int read_only_run(struct bvh_course *c, struct bv_err *err)
{
	return bvh_red("view-ro")
		       ? BV_OK
		       : bvh_view_read_only(c->plan->spec,
					    &c->boundary->exposed, err);
}

/* --- ruleset and filter ---------------------------------------------------- */

static int ruleset_run(struct bvh_course *c, struct bv_err *err)
{
	struct bvh_boundary *b = c->boundary;
	const int abi = (int)c->lowered.landlock_abi;
	int code = bvh_landlock_build(c->plan->spec, abi, &b->ruleset_fd, NULL,
				      err);

	if (code == BV_OK)
		code = bvh_landlock_lend(b->ruleset_fd, abi, c->plan->spec,
					 &b->exposed, err);
	if (code != BV_OK)
		bvh_close(&b->ruleset_fd);
	return code;
}

static int ruleset_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	bvh_close(&c->boundary->ruleset_fd);
	return BV_OK;
}

static int filter_run(struct bvh_course *c, struct bv_err *err)
{
	const struct bvh_seccomp_options o = {
		.deny_sockets = c->lowered.deny_sockets,
		.notify_signals = c->lowered.notify_signals,
		.notify_bus = c->lowered.notify_bus,
		.plain_sockets = c->lowered.plain_sockets,
	};

	return bvh_seccomp_build(&o, &c->boundary->bpf, err);
}

static int filter_undo(struct bvh_course *c, struct bv_err *err)
{
	(void)err;
	c->boundary->bpf.n = 0;
	return BV_OK;
}

const struct bvh_step bvh_boundary_steps[BV_PRIM_N] = {
	[BV_PRIM_CGROUP_AGGREGATE] = { aggregate_run, aggregate_undo, false },
	[BV_PRIM_CGROUP_LEAF] = { leaf_run, bvh_boundary_leaf_undo, false },
	[BV_PRIM_CGROUP_MEMORY] = { memory_run, NULL, false },
	[BV_PRIM_CGROUP_NETWORK] = { network_run, NULL, false },
	[BV_PRIM_CGROUP_PIDS] = { pids_run, NULL, false },
	[BV_PRIM_NETNS_CREATE] = { netns_run, netns_undo, false },
	[BV_PRIM_VIEW_CREATE] = { view_run, view_undo, false },
	[BV_PRIM_VIEW_PRIVATE] = { private_run, private_undo, true },
	[BV_PRIM_VIEW_SERVICES] = { services_run, NULL, true },
	[BV_PRIM_VIEW_RECORDS] = { records_run, NULL, true },
	[BV_PRIM_VIEW_HIDE] = { hide_run, NULL, true },
	[BV_PRIM_VIEW_LEND] = { lend_run, lend_undo, true },
	[BV_PRIM_VIEW_READ_ONLY] = { read_only_run, NULL, true },
	[BV_PRIM_LANDLOCK_RULESET] = { ruleset_run, ruleset_undo, true },
	[BV_PRIM_SECCOMP_FILTER] = { filter_run, filter_undo, false },
};
