/* SPDX-License-Identifier: MIT */
/*
 * Plan → schedule of the Linux backend: which primitives, by whom, with what
 * parameters. A table selects, one function per parameterised primitive writes
 * its parameters into a digest. What the steps are given (struct bv_lowered)
 * and what is digested come from the same place.
 */
#include "core/schedule.h"
#include "core/support_wasm.h"

#include <string.h>

#include "core/digest.h"
#include "core/plan.h"

#define ABI_TRUNCATE     3u /* landlock stops truncate(2) */
#define ABI_SCOPE_SIGNAL 6u /* landlock stops signals leaving the domain */

/* What a row of the selection may ask of the plan. */
#define WHEN_SESSION   0x001u
#define WHEN_RUN       0x002u
#define WHEN_ROOT      0x004u /* a session, or a run with privilege */
#define WHEN_USER      0x008u /* a run without */
#define WHEN_NETNS     0x010u
#define WHEN_HIDE      0x020u
#define WHEN_READ_ONLY 0x040u
#define WHEN_PIDS      0x080u
#define WHEN_MEMORY    0x100u
#define WHEN_WALL      0x200u
#define WHEN_NNP       0x400u
#define WHEN_CPU       0x800u
#define WHEN_HANDLES   0x1000u
#define WHEN_USER_NODE 0x2000u
#define WHEN_SHELL     0x4000u
#define WHEN_SPAWN     0x8000u
#define WHEN_NETWORK   0x10000u
#define WHEN_EXPOSE    0x20000u
#define WHEN_OUTBOX    0x40000u
#define WHEN_CAPTURE   0x80000u

struct selection_row {
	enum bv_prim prim;
	uint32_t when; /* all of these */
	enum bv_actor actor;
};

#define G BV_ACTOR_GUARDIAN
#define L BV_ACTOR_LEADER
#define S BV_ACTOR_SHELL
static const struct selection_row selection[] = {
	{ BV_PRIM_RECORD_STARTED, WHEN_SESSION, G },
	{ BV_PRIM_SCOPE_ANCHOR, WHEN_SESSION, G },
	{ BV_PRIM_SESSION_STATE, WHEN_SESSION, G },
	{ BV_PRIM_OUTBOX_TARGET, WHEN_SESSION | WHEN_OUTBOX, G },
	{ BV_PRIM_CAPTURE_STORE, WHEN_SHELL | WHEN_CAPTURE, G },
	{ BV_PRIM_CGROUP_AGGREGATE, WHEN_USER_NODE, G },
	{ BV_PRIM_CGROUP_LEAF, 0, G },
	{ BV_PRIM_CGROUP_MEMORY, WHEN_MEMORY, G },
	{ BV_PRIM_CGROUP_NETWORK, WHEN_ROOT | WHEN_NETWORK, G },
	{ BV_PRIM_CGROUP_PIDS, WHEN_PIDS, G },
	{ BV_PRIM_NETNS_CREATE, WHEN_ROOT | WHEN_NETNS, G },
	{ BV_PRIM_USERNS_CREATE, WHEN_USER, G },
	{ BV_PRIM_USERNS_NETNS, WHEN_USER | WHEN_NETNS, L },
	{ BV_PRIM_VIEW_CREATE, WHEN_ROOT, G },
	{ BV_PRIM_VIEW_PRIVATE, WHEN_ROOT, G },
	{ BV_PRIM_VIEW_SERVICES, WHEN_ROOT, G },
	{ BV_PRIM_VIEW_RECORDS, WHEN_ROOT, G },
	{ BV_PRIM_VIEW_HIDE, WHEN_ROOT | WHEN_HIDE, G },
	{ BV_PRIM_VIEW_LEND, WHEN_ROOT | WHEN_EXPOSE, G },
	{ BV_PRIM_VIEW_OUTBOX, WHEN_SESSION | WHEN_OUTBOX, G },
	{ BV_PRIM_VIEW_READ_ONLY, WHEN_ROOT | WHEN_READ_ONLY, G },
	{ BV_PRIM_LANDLOCK_RULESET, WHEN_ROOT, G },
	{ BV_PRIM_SECCOMP_FILTER, WHEN_ROOT, G },
	/* Without privilege the child builds what it stands in. */
	{ BV_PRIM_VIEW_PRIVATE, WHEN_USER, L },
	{ BV_PRIM_VIEW_SERVICES, WHEN_USER, L },
	{ BV_PRIM_VIEW_RECORDS, WHEN_USER, L },
	{ BV_PRIM_VIEW_HIDE, WHEN_USER | WHEN_HIDE, L },
	{ BV_PRIM_VIEW_LEND, WHEN_USER | WHEN_EXPOSE, L },
	{ BV_PRIM_VIEW_READ_ONLY, WHEN_USER | WHEN_READ_ONLY, L },
	{ BV_PRIM_LANDLOCK_RULESET, WHEN_USER, L },
	{ BV_PRIM_SECCOMP_FILTER, WHEN_USER, L },
	{ BV_PRIM_CGROUP_PLACE, WHEN_ROOT, G },
	{ BV_PRIM_SESSION_HANDOVER, WHEN_SESSION, G },
	{ BV_PRIM_SESSION_WITHDRAW, WHEN_SESSION, G },
	{ BV_PRIM_NETNS_ENTER, WHEN_ROOT | WHEN_NETNS, L },
	{ BV_PRIM_VIEW_ENTER, WHEN_ROOT, L },
	{ BV_PRIM_CAPS_DROP, WHEN_USER, L },
	{ BV_PRIM_CORE_FORBID, WHEN_RUN, L },
	{ BV_PRIM_NO_NEW_PRIVS, WHEN_NNP, L },
	{ BV_PRIM_HANDLES_LIMIT, WHEN_SESSION | WHEN_HANDLES, G },
	{ BV_PRIM_HANDLES_LIMIT, WHEN_RUN | WHEN_HANDLES, L },
	{ BV_PRIM_LANDLOCK_RESTRICT, 0, L },
	{ BV_PRIM_SECCOMP_INSTALL, 0, L },
	{ BV_PRIM_SPAWN_FILTER, WHEN_RUN | WHEN_SPAWN, L },
	{ BV_PRIM_ENVIRONMENT, WHEN_RUN, L },
	{ BV_PRIM_FDS_CLOEXEC, WHEN_RUN, L },
	{ BV_PRIM_LEADER_ATTEST, WHEN_SESSION, G },
	{ BV_PRIM_CPU_WATCH, WHEN_CPU, G },
	{ BV_PRIM_WALL_TIMER, WHEN_WALL, G },
	{ BV_PRIM_RUN_LAUNCH, WHEN_RUN | WHEN_ROOT, L },
	{ BV_PRIM_RUN_LAUNCH_USER, WHEN_USER, L },
	{ BV_PRIM_SESSION_RELEASE, WHEN_SESSION, G },
	{ BV_PRIM_SHELL_OFFER, WHEN_SHELL, G },
	{ BV_PRIM_SHELL_CAPTURE, WHEN_SHELL | WHEN_CAPTURE, S },
	{ BV_PRIM_SHELL_ENVIRONMENT, WHEN_SHELL, S },
	{ BV_PRIM_SHELL_FDS, WHEN_SHELL, S },
	{ BV_PRIM_SHELL_SPAWN, WHEN_SHELL, S },
};
#undef S
#undef G
#undef L

static bool asks_for(const struct bv_spec *spec, enum bv_kind kind)
{
	for (size_t i = 0; i < spec->req_n; i++)
		if (spec->req[i].kind == kind)
			return true;
	return false;
}

static void lower_budgets(const struct bv_plan *plan, struct bv_lowered *l)
{
	const struct bv_admitted_budget *b = plan->budget;

	l->has_pids = b[BV_DIM_PROCESSES].stated;
	l->pids_max = l->has_pids ? b[BV_DIM_PROCESSES].limit : 0;
	l->has_memory = b[BV_DIM_MEMORY].stated;
	l->mem_max_bytes = l->has_memory ? b[BV_DIM_MEMORY].limit : 0;
	l->has_wall = b[BV_DIM_WALL].stated;
	l->user_pids_max = plan->spec->policy->user_processes;
	l->user_mem_max_bytes = plan->spec->policy->user_mem_bytes;
	l->has_user = l->user_pids_max > 0 || l->user_mem_max_bytes > 0;
	l->wall_us = l->has_wall ? b[BV_DIM_WALL].limit : 0;
	l->has_cpu = b[BV_DIM_CPU].stated;
	l->cpu_us = l->has_cpu ? b[BV_DIM_CPU].limit : 0;
	l->cpu_rate_percent = plan->spec->policy->cpu_rate_percent;
	l->cpus = bv_cpus(&plan->snapshot);
	l->has_handles = b[BV_DIM_HANDLES].stated;
	l->handles_max = l->has_handles ? b[BV_DIM_HANDLES].limit : 0;
	l->has_network = b[BV_DIM_NETWORK].stated;
	l->network_bytes = l->has_network ? b[BV_DIM_NETWORK].limit : 0;
	l->tmp_size_bytes =
		b[BV_DIM_STORAGE].stated ? b[BV_DIM_STORAGE].limit : 0;
}

void bv_lowered_from_plan(const struct bv_plan *plan, struct bv_lowered *ret)
{
	const struct bv_spec *spec = plan->spec;
	const struct bv_snapshot *snap = &plan->snapshot;
	struct bv_lowered l = { 0 };

	l.session = !bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY, "run");
	l.user_namespace =
		!l.session && !bv_snapshot_is(snap, BV_FACT_PRIVILEGED);
	lower_budgets(plan, &l);
	l.netns = asks_for(spec, BV_KIND_NETWORK_DENY_ALL);
	l.deny_sockets = l.netns;
	l.net_list = asks_for(spec, BV_KIND_NETWORK_ALLOW_LIST);
	l.plain_sockets = l.net_list;
	l.temp_private = spec->temp_private;
	for (size_t i = 0; i < spec->fs_n; i++)
		l.hides |= (spec->fs[i].rights & BV_FS_HIDE) != 0;
	l.exposes = spec->expose_n > 0;
	l.outbox = spec->outbox.line != 0;
	l.landlock_abi = (uint32_t)bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK);
	l.read_only = l.landlock_abi < ABI_TRUNCATE;
	l.notify_signals = l.landlock_abi < ABI_SCOPE_SIGNAL;
	l.notify_bus = l.session && bv_snapshot_is(snap, BV_FACT_SYSTEMD);
	l.shell = bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY, "shell") ||
		  bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY,
				       "forcecommand") ||
		  spec->workload == BV_WORKLOAD_WASM;
	l.spawn_filter = asks_for(spec, BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS) ||
			 asks_for(spec, BV_KIND_CHILD_SPAWN_ALLOW_THREADS);
	l.capture = asks_for(spec, BV_KIND_CAPTURE_STREAMS);
	/* Without privilege neither landlock nor seccomp goes without it. */
	l.no_new_privs = spec->no_new_privs || l.user_namespace;
	*ret = l;
}

/* --- parameters ------------------------------------------------------------ */

/* What the parameters of one plan are written from. */
struct source {
	const struct bv_plan *plan;
	const struct bv_spec *spec;
	struct bv_lowered l;
	uint8_t rules[BV_SHA256_BYTES]; /* of all filesystem rules, once */
};

typedef void (*param_fn)(struct bv_digest *d, const struct source *s);

static void digest_rules(struct source *s)
{
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.filesystem-rules.v1");
	bv_digest_u64(&d, "rules", s->spec->fs_n);
	for (size_t i = 0; i < s->spec->fs_n; i++) {
		bv_digest_text(&d, "path", s->spec->fs[i].path);
		bv_digest_u64(&d, "rights", s->spec->fs[i].rights);
		bv_digest_u64(&d, "optional", s->spec->fs[i].optional);
	}
	bv_digest_end(&d, s->rules);
}

static void put_rules(struct bv_digest *d, const struct source *s)
{
	bv_digest_bytes(d, "rules", s->rules, sizeof(s->rules));
}

static void put_peers(struct bv_digest *d, const struct source *s)
{
	const struct bv_net_list *net = &s->spec->net;

	if (!s->l.net_list)
		return;
	bv_digest_u64(d, "peers", net->n);
	for (size_t i = 0; i < net->n; i++) {
		const struct bv_net_peer *p = &net->peer[i];

		bv_digest_u64(d, "protocol", p->proto);
		bv_digest_bytes(d, "address", p->addr.byte,
				sizeof(p->addr.byte));
		bv_digest_u64(d, "bits", p->bits);
		bv_digest_u64(d, "port", p->port);
	}
}

static void param_network(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "list", s->l.net_list);
	put_peers(d, s);
	bv_digest_u64(d, "limited", s->l.has_network);
	bv_digest_u64(d, "bytes", s->l.network_bytes);
}

static void put_expose(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "exposed", s->spec->expose_n);
	for (size_t i = 0; i < s->spec->expose_n; i++) {
		const struct bv_expose_rule *e = &s->spec->expose[i];

		bv_digest_text(d, "source", e->source);
		bv_digest_text(d, "dest", e->dest);
		bv_digest_u64(d, "write", e->write);
		bv_digest_u64(d, "optional", e->optional);
	}
}

static void param_outbox(struct bv_digest *d, const struct source *s)
{
	const struct bv_outbox *o = &s->spec->outbox;

	bv_digest_text(d, "path", o->path);
	bv_digest_text(d, "commit", bv_commit_name(o->commit));
	bv_digest_text(d, "to", o->to);
	bv_digest_u64(d, "owner-user", o->owner_user);
	bv_digest_u64(d, "mode", o->mode);
	bv_digest_u64(d, "files", o->files_max);
	bv_digest_u64(d, "depth", o->depth_max);
	bv_digest_u64(d, "bytes", s->l.tmp_size_bytes);
	bv_digest_u64(d, "uid", s->spec->subject->uid);
	bv_digest_u64(d, "gid", s->spec->subject->gid);
}

static void param_leaf(struct bv_digest *d, const struct source *s)
{
	bv_digest_text(
		d, "base",
		bv_snapshot_get(&s->plan->snapshot, BV_FACT_CGROUP_BASE));
	/* Without a rate the leaf is what it was before there were any. */
	if (s->l.cpu_rate_percent > 0)
		bv_digest_u64(d, "cpu-rate", s->l.cpu_rate_percent);
}

static void param_aggregate(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "uid", s->spec->subject->uid);
	bv_digest_u64(d, "tasks", s->l.user_pids_max);
	bv_digest_u64(d, "bytes", s->l.user_mem_max_bytes);
}

static void param_memory(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "bytes", s->l.mem_max_bytes);
}

static void param_pids(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "tasks", s->l.pids_max);
}

static void param_userns(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "uid", s->spec->subject->uid);
	bv_digest_u64(d, "gid", s->spec->subject->gid);
}

static void param_private(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "temp", s->l.temp_private);
	bv_digest_u64(d, "bytes", s->l.tmp_size_bytes);
	bv_digest_u64(d, "uid", s->spec->subject->uid);
	bv_digest_u64(d, "gid", s->spec->subject->gid);
}

static void param_view(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "user-namespace", s->l.user_namespace);
}

static void param_view_rules(struct bv_digest *d, const struct source *s)
{
	param_view(d, s);
	put_rules(d, s);
	bv_digest_text(d, "home", s->spec->subject->home);
}

static void param_lend(struct bv_digest *d, const struct source *s)
{
	param_view(d, s);
	put_expose(d, s);
	bv_digest_u64(d, "temp", s->l.temp_private);
}

static void param_read_only(struct bv_digest *d, const struct source *s)
{
	param_view_rules(d, s);
	if (s->l.exposes)
		put_expose(d, s);
}

static void param_ruleset(struct bv_digest *d, const struct source *s)
{
	const struct bv_subject *who = s->spec->subject;

	put_rules(d, s);
	bv_digest_u64(d, "abi", s->l.landlock_abi);
	bv_digest_text(d, "base", bv_base_name(s->spec->base));
	bv_digest_u64(d, "temp", s->l.temp_private);
	bv_digest_u64(d, "uid", who->uid);
	/* The minimal base grants the shell beside what it names itself. */
	bv_digest_text(d, "shell",
		       s->spec->base == BV_BASE_MINIMAL ? who->shell : NULL);
	if (s->l.shell && s->spec->base == BV_BASE_MINIMAL)
		bv_digest_text(d, "real-shell", s->spec->policy->shell);
	if (s->spec->workload == BV_WORKLOAD_WASM)
		bv_digest_text(d, "sole-executable", BV_WASM_PATH);
	put_peers(d, s); /* whose ports are landlock's as well */
	if (s->l.exposes)
		put_expose(d, s);
}

static void param_filter(struct bv_digest *d, const struct source *s)
{
	bv_digest_text(d, "arch",
		       bv_snapshot_get(&s->plan->snapshot, BV_FACT_ARCH));
	bv_digest_u64(d, "deny-sockets", s->l.deny_sockets);
	bv_digest_u64(d, "notify-signals", s->l.notify_signals);
	bv_digest_u64(d, "notify-bus", s->l.notify_bus);
	if (s->l.plain_sockets)
		bv_digest_u64(d, "plain-sockets", 1);
}

static void param_install(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "listener", s->l.notify_signals || s->l.notify_bus);
}

static void param_environment(struct bv_digest *d, const struct source *s)
{
	const struct bv_policy *p = s->spec->policy;

	bv_digest_u64(d, "exact", p->env_exact);
	bv_digest_u64(d, "entries", p->env_n);
	for (size_t i = 0; i < p->env_n; i++) {
		bv_digest_text(d, "name", p->env[i].name);
		bv_digest_u64(d, "lease", p->env[i].is_lease);
		bv_digest_text(d, "value", p->env[i].value);
	}
}

static void param_spawn(struct bv_digest *d, const struct source *s)
{
	bv_digest_text(d, "arch",
		       bv_snapshot_get(&s->plan->snapshot, BV_FACT_ARCH));
	bv_digest_text(d, "spawn", bv_spawn_name(s->spec->spawn));
}

static void param_shell(struct bv_digest *d, const struct source *s)
{
	const struct bv_admitted_budget *b = &s->plan->budget[BV_DIM_HANDLES];

	bv_digest_text(d, "shell", s->spec->policy->shell);
	if (s->spec->workload == BV_WORKLOAD_WASM)
		bv_digest_text(d, "isolation",
			       bv_isolation_name(s->spec->policy->isolation));
	bv_digest_u64(d, "uid", s->spec->subject->uid);
	bv_digest_u64(d, "limited", b->stated);
	bv_digest_u64(d, "descriptors", b->stated ? b->limit : 0);
}

static void param_capture(struct bv_digest *d, const struct source *s)
{
	const struct bv_policy *p = s->spec->policy;

	bv_digest_u64(d, "input", p->capture_input);
	bv_digest_u64(d, "bytes", p->capture_max);
	bv_digest_u64(d, "goes-on", p->capture_goes_on);
}

static void param_fds(struct bv_digest *d, const struct source *s)
{
	const struct bv_policy *p = s->spec->policy;

	bv_digest_u64(d, "policy", p->fds);
	bv_digest_u64(d, "keeps", p->fds_keep_n);
	for (size_t i = 0; i < p->fds_keep_n; i++)
		bv_digest_u64(d, "keep", p->fds_keep[i]);
}

static void param_attest(struct bv_digest *d, const struct source *s)
{
	if (s->l.exposes)
		put_expose(d, s);
	bv_digest_u64(d, "netns", s->l.netns);
	bv_digest_u64(d, "no-new-privs", s->l.no_new_privs);
	if (s->l.net_list || s->l.has_network)
		bv_digest_u64(d, "network-programs", 1);
}

static void param_wall(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "us", s->l.wall_us);
}

static void param_cpu(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "us", s->l.cpu_us);
	bv_digest_u64(d, "cpus", s->l.cpus);
}

static void param_handles(struct bv_digest *d, const struct source *s)
{
	bv_digest_u64(d, "handles", s->l.handles_max);
}

/* A primitive that is not here has no parameters. */
static const param_fn params[BV_PRIM_N] = {
	[BV_PRIM_CGROUP_AGGREGATE] = param_aggregate,
	[BV_PRIM_CGROUP_LEAF] = param_leaf,
	[BV_PRIM_CGROUP_MEMORY] = param_memory,
	[BV_PRIM_CGROUP_NETWORK] = param_network,
	[BV_PRIM_CGROUP_PIDS] = param_pids,
	[BV_PRIM_USERNS_CREATE] = param_userns,
	[BV_PRIM_VIEW_HIDE] = param_view_rules,
	[BV_PRIM_VIEW_PRIVATE] = param_private,
	[BV_PRIM_OUTBOX_TARGET] = param_outbox,
	[BV_PRIM_VIEW_LEND] = param_lend,
	[BV_PRIM_VIEW_OUTBOX] = param_outbox,
	[BV_PRIM_VIEW_READ_ONLY] = param_read_only,
	[BV_PRIM_VIEW_RECORDS] = param_view_rules,
	[BV_PRIM_VIEW_SERVICES] = param_view,
	[BV_PRIM_LANDLOCK_RULESET] = param_ruleset,
	[BV_PRIM_SECCOMP_FILTER] = param_filter,
	[BV_PRIM_SECCOMP_INSTALL] = param_install,
	[BV_PRIM_ENVIRONMENT] = param_environment,
	[BV_PRIM_SPAWN_FILTER] = param_spawn,
	[BV_PRIM_SHELL_OFFER] = param_shell,
	[BV_PRIM_CAPTURE_STORE] = param_capture,
	[BV_PRIM_SHELL_CAPTURE] = param_capture,
	[BV_PRIM_SHELL_ENVIRONMENT] = param_environment,
	[BV_PRIM_SHELL_FDS] = param_fds,
	[BV_PRIM_SHELL_SPAWN] = param_spawn,
	[BV_PRIM_LEADER_ATTEST] = param_attest,
	[BV_PRIM_CPU_WATCH] = param_cpu,
	[BV_PRIM_HANDLES_LIMIT] = param_handles,
	[BV_PRIM_WALL_TIMER] = param_wall,
};

static void digest_params(const struct source *s, enum bv_prim prim,
			  uint8_t ret[BV_SHA256_BYTES])
{
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.primitive-param.v1");
	bv_digest_text(&d, "id", bv_universe_linux()->p[prim].id);
	if (params[prim] != NULL)
		params[prim](&d, s);
	bv_digest_end(&d, ret);
}

/* --- selection ------------------------------------------------------------- */

static uint32_t circumstances(const struct bv_lowered *l)
{
	const struct {
		bool is;
		uint32_t when;
	} all[] = {
		{ l->session, WHEN_SESSION },
		{ !l->session, WHEN_RUN },
		{ !l->user_namespace, WHEN_ROOT },
		{ l->user_namespace, WHEN_USER },
		{ l->netns, WHEN_NETNS },
		{ l->hides, WHEN_HIDE },
		{ l->read_only, WHEN_READ_ONLY },
		{ l->has_pids, WHEN_PIDS },
		{ l->has_memory, WHEN_MEMORY },
		{ l->has_wall, WHEN_WALL },
		{ l->has_cpu, WHEN_CPU },
		{ l->has_handles, WHEN_HANDLES },
		{ l->has_user, WHEN_USER_NODE },
		{ l->no_new_privs, WHEN_NNP },
		{ l->shell, WHEN_SHELL },
		{ l->spawn_filter, WHEN_SPAWN },
		{ l->net_list || l->has_network, WHEN_NETWORK },
		{ l->exposes, WHEN_EXPOSE },
		{ l->outbox, WHEN_OUTBOX },
		{ l->capture, WHEN_CAPTURE },
	};
	uint32_t set = 0;

	for (size_t i = 0; i < BV_LEN(all); i++)
		set |= all[i].is ? all[i].when : 0;
	return set;
}

enum bv_schedule_code bv_schedule_build(const struct bv_plan *plan,
					struct bv_schedule *ret,
					struct bv_schedule_fault *ret_fault)
{
	struct bv_choice choice[BV_LEN(selection)];
	struct source s = { .plan = plan, .spec = plan->spec };
	uint32_t is;
	size_t n = 0;

	bv_lowered_from_plan(plan, &s.l);
	digest_rules(&s);
	is = circumstances(&s.l);
	for (size_t i = 0; i < BV_LEN(selection); i++) {
		const struct selection_row *row = &selection[i];

		if ((row->when & ~is) != 0)
			continue;
		choice[n].index = row->prim;
		choice[n].actor = row->actor;
		digest_params(&s, row->prim, choice[n].param);
		n++;
	}
	return bv_schedule_compile(bv_universe_linux(), choice, n, ret,
				   ret_fault);
}

uint64_t bv_schedule_required(const struct bv_plan *plan)
{
	uint64_t set = 0;

	for (size_t i = 0; i < plan->admitted_n; i++)
		set |= BV_COVER_REQ(plan->admitted[i].req);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		if (plan->budget[d].stated)
			set |= BV_COVER_BUDGET(d);
	return set;
}

enum bv_schedule_code bv_schedule_check(const struct bv_plan *plan,
					const struct bv_schedule *s,
					struct bv_schedule_fault *ret_fault)
{
	return bv_schedule_verify(bv_universe_linux(), s,
				  bv_schedule_required(plan), ret_fault);
}

const struct bv_schedule_entry *bv_schedule_find(const struct bv_schedule *s,
						 enum bv_prim prim)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->entry[i].index == (uint32_t)prim)
			return &s->entry[i];
	return NULL;
}
