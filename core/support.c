/* SPDX-License-Identifier: MIT */
/*
 * The Linux matrix and the ceiling of one machine. Both are tables: a kind is
 * what its row says, a row that is not there does not compile, and the machine
 * is known through the snapshot only.
 */
#include "core/support.h"

#include "core/budget.h"
#include "core/support_wasm.h"

#include <stddef.h>

#define LINUX_PIDS_MAX  4194304u /* the most pids.max takes on 64 bits */
#define LINUX_BYTES_MAX (UINT64_C(1) << 62)
#define LINUX_WALL_MAX  (UINT64_C(1) << 53) /* now + limit stays in range */
#define LINUX_WALL_OVER UINT64_C(2000000)   /* a step of the guardian's */

#define LINUX_CPUS_MAX  65536u
#define LINUX_FILES_MAX 1073741816u /* sysctl_nr_open's own bound */

/* Shortly before the end the guardian looks every 50 ms; this is for one that
 * gets to run late on a busy machine. */
#define LINUX_CPU_OVER UINT64_C(1000000)

#define NOT_BUILT "not built in this release"
#define ATTESTED  BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)
#define MEASURED  BV_EV_BIT(BV_EV_RESOURCE_USAGE)
#define OUTCOME   BV_EV_BIT(BV_EV_TERMINAL_OUTCOME)
#define STREAMS   BV_EV_BIT(BV_EV_CAPTURED_STREAMS)
#define LINEAGE   BV_EV_BIT(BV_EV_ARTIFACT_LINEAGE)

/* What a mechanism stands on. The first one unmet, in this order, is named. */
enum need {
	NEED_BUILT,   /* never met: there is no mechanism */
	NEED_BACKEND, /* never asked: what there is, is for linux */
	NEED_RUN,
	NEED_SESSION,      /* a guardian that is there at the close */
	NEED_FORCECOMMAND, /* a way past it would not be seen: mediated */
	NEED_SHELL,
	NEED_SECCOMP,
	NEED_LANDLOCK,
	NEED_SIGNALS,
	NEED_MOUNT_NS,
	NEED_HIDE, /* landlock grants below a path and takes nothing back */
	NEED_NET_NS,
	NEED_CGROUP,
	NEED_CGROUP_KILL,
	NEED_PIDS,
	NEED_MEMORY,
	NEED_CGROUP_BPF,
	NEED_TRUNCATE, /* these tell two ways apart and are never named */
	NEED_PORTS,
	NEED_N
};
#define NEED(n) ((uint32_t)1 << (NEED_##n))

struct need_row {
	const char *missing;
	const char *remedy;
	const char *fact[2];
};

static const struct need_row needs[] = {
	[NEED_BUILT] = { NOT_BUILT, "remove it from the policy", { NULL } },
	[NEED_BACKEND] = {
		"nothing is built for this backend",
		"use a machine whose backend is linux",
		{ BV_FACT_BACKEND },
	},
	[NEED_RUN] = {
		"only `bvisorctl run` does it",
		"remove it from the policy",
		{ BV_FACT_EXEC_BOUNDARY },
	},
	[NEED_SESSION] = {
		"`bvisorctl run` does not do it, only a login does",
		"remove [outbox]",
		{ BV_FACT_EXEC_BOUNDARY },
	},
	[NEED_FORCECOMMAND] = {
		"the PAM line names no ForceCommand",
		"set exec_boundary=forcecommand",
		{ BV_FACT_EXEC_BOUNDARY },
	},
	[NEED_SHELL] = {
		"the account has no exec boundary: its shell is not "
		"bvisor-shell, or the service does not start it",
		"make bvisor-shell the account's shell, or the ForceCommand "
		"and set exec_boundary=forcecommand",
		{ BV_FACT_EXEC_BOUNDARY },
	},
	[NEED_SECCOMP] = {
		"the kernel takes no seccomp filter",
		"boot a kernel with CONFIG_SECCOMP_FILTER",
		{ BV_FACT_SECCOMP_FILTER },
	},
	[NEED_LANDLOCK] = {
		"landlock ABI 3 is needed, or 2 with a mount namespace",
		"boot Linux 5.19 or newer with landlock in lsm=",
		{ BV_FACT_ABI_LANDLOCK, BV_FACT_NS_MOUNT },
	},
	[NEED_SIGNALS] = {
		"signals would leave the session: landlock ABI 6 is needed, or "
		"seccomp user notification",
		"boot Linux 5.5 or newer with CONFIG_SECCOMP_FILTER",
		{ BV_FACT_ABI_LANDLOCK, BV_FACT_SECCOMP_NOTIFY },
	},
	[NEED_MOUNT_NS] = {
		"no mount namespace can be made",
		"allow CAP_SYS_ADMIN, or unprivileged user namespaces",
		{ BV_FACT_NS_MOUNT },
	},
	[NEED_HIDE] = {
		"hiding a path needs a mount namespace",
		"remove the hidden paths from [filesystem]",
		{ BV_FACT_NS_MOUNT },
	},
	[NEED_NET_NS] = {
		"no network namespace can be made",
		"allow CAP_SYS_ADMIN and CONFIG_NET_NS, or set [network] "
		"access = open",
		{ BV_FACT_NS_NET },
	},
	[NEED_CGROUP] = {
		"there is no cgroup v2 base to put a session under",
		"start bvisor.service, or set cgroup_base in "
		"bvisor.conf",
		{ BV_FACT_CGROUP_WHY },
	},
	[NEED_CGROUP_KILL] = {
		"cgroup.kill does not work in a leaf",
		"boot Linux 5.14 or newer",
		{ BV_FACT_CGROUP_BASE, BV_FACT_CGROUP_KILL },
	},
	[NEED_PIDS] = {
		"the pids controller is not available to leaves of the base",
		"let bvisor.service delegate it (cgroup v2 must own it), or "
		"remove [budget] processes",
		{ BV_FACT_CGROUP_BASE, BV_FACT_CGROUP_CTRL },
	},
	[NEED_MEMORY] = {
		"the memory controller is not available to leaves of the base",
		"let bvisor.service delegate it (cgroup v2 must own it), or "
		"remove [budget] memory",
		{ BV_FACT_CGROUP_BASE, BV_FACT_CGROUP_CTRL },
	},
	[NEED_CGROUP_BPF] = {
		"no network program can be attached to a leaf",
		"boot a kernel with CONFIG_CGROUP_BPF, as root with CAP_BPF "
		"and CAP_NET_ADMIN",
		{ BV_FACT_CGROUP_BPF, BV_FACT_PRIVILEGED },
	},
	[NEED_TRUNCATE] = {
		"landlock cannot stop truncate",
		"boot Linux 6.2 or newer",
		{ BV_FACT_ABI_LANDLOCK },
	},
	[NEED_PORTS] = {
		"landlock does not know ports",
		"boot Linux 6.7 or newer",
		{ BV_FACT_ABI_LANDLOCK },
	},
};
_Static_assert(BV_LEN(needs) == NEED_N, "every need says what is missing");

static bool landlock_confines(const struct bv_snapshot *snap)
{
	uint64_t abi = bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK);

	/* ABI 2 has no truncate right (Linux 6.2 brought it), so a read-only
	 * mount view has to stand beside it; ABI 1 cannot let rename and link
	 * between directories through at all. */
	return abi >= 3 || (abi == 2 && bv_snapshot_is(snap, BV_FACT_NS_MOUNT));
}

static bool is_met(const struct bv_snapshot *snap, enum need need)
{
	switch (need) {
	case NEED_BUILT:
	case NEED_BACKEND:
		return false;
	case NEED_RUN:
		return bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY, "run");
	case NEED_SESSION:
		return !bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY,
					     "run");
	case NEED_FORCECOMMAND:
		return bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY,
					    "forcecommand");
	case NEED_SHELL:
		return bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY,
					    "shell");
	case NEED_SECCOMP:
		return bv_snapshot_is(snap, BV_FACT_SECCOMP_FILTER);
	case NEED_LANDLOCK:
		return landlock_confines(snap);
	case NEED_SIGNALS:
		return bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) >= 6 ||
		       bv_snapshot_is(snap, BV_FACT_SECCOMP_NOTIFY);
	case NEED_MOUNT_NS:
	case NEED_HIDE:
		return bv_snapshot_is(snap, BV_FACT_NS_MOUNT);
	case NEED_NET_NS:
		return bv_snapshot_is(snap, BV_FACT_NS_NET);
	case NEED_CGROUP:
		return bv_snapshot_get(snap, BV_FACT_CGROUP_BASE)[0] != '\0';
	case NEED_CGROUP_KILL:
		return bv_snapshot_is(snap, BV_FACT_CGROUP_KILL);
	case NEED_PIDS:
		return bv_snapshot_has_word(snap, BV_FACT_CGROUP_CTRL, "pids");
	case NEED_MEMORY:
		return bv_snapshot_has_word(snap, BV_FACT_CGROUP_CTRL,
					    "memory");
	case NEED_CGROUP_BPF:
		return bv_snapshot_is(snap, BV_FACT_CGROUP_BPF);
	case NEED_PORTS:
		return bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) >= 4;
	case NEED_TRUNCATE:
		return bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) >= 3;
	case NEED_N:
		break;
	}
	return false;
}

/* The first need of the set that this machine does not meet, or NEED_N. */
static enum need first_unmet(const struct bv_snapshot *snap, uint32_t set)
{
	for (unsigned int n = 0; n < NEED_N; n++)
		if ((set & ((uint32_t)1 << n)) && !is_met(snap, (enum need)n))
			return (enum need)n;
	return NEED_N;
}

/* The base's search already says what it missed: its words beat ours. */
static const char *need_missing(const struct bv_snapshot *snap, enum need need)
{
	const char *why = bv_snapshot_get(snap, BV_FACT_CGROUP_WHY);

	return need == NEED_CGROUP && why[0] != '\0' ? why
						     : needs[need].missing;
}

#define NONE "linux:none"
#define UNBUILT_AS(what, what_to_do)                                           \
	.enforcement = BV_UNSUPPORTED, .mechanism = NONE, .missing = (what),   \
	.remedy = (what_to_do)
#define UNBUILT(what_to_do) UNBUILT_AS(NOT_BUILT, what_to_do)
#define NAME_THE_PATH       "name the path: a rule covers what is below it as well"
#define BUILT(how, what)                                                       \
	.enforcement = BV_ENFORCED, .evidence = (what),                        \
	.mechanism = "linux:" how, .missing = "", .remedy = ""

/* ROW(key, verdict); every key of BV_REQ_ALL once. */
#define MATRIX(ROW)                                                            \
	ROW(FILESYSTEM, BUILT("landlock", ATTESTED))                           \
	ROW(FS_READ, BUILT("landlock", ATTESTED))                              \
	ROW(FS_READ_FILE, UNBUILT(NAME_THE_PATH))                              \
	ROW(FS_WRITE, BUILT("landlock", ATTESTED))                             \
	ROW(FS_WRITE_FILE, UNBUILT(NAME_THE_PATH))                             \
	ROW(FS_EXEC, BUILT("landlock", ATTESTED))                              \
	ROW(FS_EXEC_FILE, UNBUILT(NAME_THE_PATH))                              \
	ROW(FS_HIDE, BUILT("masked_view", ATTESTED))                           \
	ROW(NETWORK_DENY_ALL, BUILT("empty_netns+seccomp_families", ATTESTED)) \
	ROW(NETWORK_ALLOW_LIST, BUILT("cgroup_bpf+landlock_ports", ATTESTED))  \
	ROW(SPAWN_DENY_NEW_TASKS, BUILT("seccomp_spawn", 0))                   \
	ROW(SPAWN_ALLOW_THREADS, BUILT("seccomp_spawn", 0))                    \
	ROW(SPAWN_ALLOW_DESCENDANTS, BUILT("cgroup_leaf", ATTESTED))           \
	ROW(ENVIRONMENT, BUILT("exact_environment", 0))                        \
	ROW(ENVIRONMENT_LEASE, BUILT("exact_environment+lease", 0))            \
	ROW(FDS_NONE, BUILT("close_range", 0))                                 \
	ROW(FDS_ONLY, BUILT("close_range", 0))                                 \
	ROW(LAUNCH_WORKLOAD, BUILT("launch", OUTCOME | ATTESTED))              \
	ROW(CAPTURE_STREAMS, BUILT("relay", STREAMS))                          \
	ROW(TEMP_ROOT, BUILT("tmpfs_view", ATTESTED))                          \
	ROW(TEMP_ROOT_SIZED, BUILT("tmpfs_view+size", ATTESTED))               \
	ROW(EXPOSE_RO, BUILT("bind_mount+read_only", ATTESTED))                \
	ROW(EXPOSE_RW, BUILT("bind_mount", ATTESTED))                          \
	ROW(COMMIT_ATOMIC, BUILT("outbox+rename", LINEAGE | ATTESTED))         \
	ROW(COMMIT_DURABLE, BUILT("outbox+fsync+rename", LINEAGE | ATTESTED))  \
	ROW(COMMIT_BEST_EFFORT,                                                \
	    BUILT("outbox+fsync_tried+rename", LINEAGE | ATTESTED))            \
	ROW(DISCARD_ARTIFACT, BUILT("outbox+drop", LINEAGE))                   \
	ROW(KILL_ATOMIC, BUILT("cgroup_kill", ATTESTED))                       \
	ROW(KILL_BEST_EFFORT, BUILT("cgroup_kill", ATTESTED))                  \
	ROW(LIST_OUTPUTS, BUILT("outbox+sha256", LINEAGE))

#define MATRIX_ROW(key, ...) [BV_REQ_##key] = { __VA_ARGS__ },
static const struct bv_verdict matrix[] = { MATRIX(MATRIX_ROW) };

/* A key left out is a hole that nobody sees in an array: not here. */
#define KEY_BIT(key, ...) | UINT64_C(1) << BV_REQ_##key
#define EVERY_KEY         ((UINT64_C(1) << BV_REQ_N) - 1)
_Static_assert((UINT64_C(0) MATRIX(KEY_BIT)) == EVERY_KEY,
	       "the matrix states every key");

/* One way to do it on a machine. The first row of a key whose needs are met
 * gives mechanism and evidence; when none is, its last row says what to miss. */
struct way {
	enum bv_req req;
	uint32_t needs;
	uint32_t evidence;
	const char *mechanism;
};

#define LANDLOCK (NEED(SECCOMP) | NEED(LANDLOCK))
#define LEAF     (NEED(CGROUP) | NEED(CGROUP_KILL))
#define NET_LIST (NEED(SECCOMP) | NEED(CGROUP) | NEED(CGROUP_BPF))
/* Emptied before anything is promoted, and so it takes a leaf. */
#define OUTBOX (NEED(SESSION) | NEED(MOUNT_NS) | LEAF)

/* The exec boundary of a login: the account's own shell, or a ForceCommand,
 * which the module cannot see and the shell before it can be made to skip. */
#define EXEC_WAYS(WAY, key, needs, how)                                        \
	WAY(key, NEED(FORCECOMMAND) | (needs), 0, "forcecommand_" how)         \
	WAY(key, NEED(SHELL) | (needs), 0, "shell_" how)

/* WAY(key, needs, evidence, mechanism); every key at least once. */
#define WAYS(WAY)                                                              \
	WAY(FILESYSTEM, LANDLOCK | NEED(TRUNCATE), ATTESTED, "landlock")       \
	WAY(FILESYSTEM, LANDLOCK, ATTESTED, "landlock+read_only_view")         \
	WAY(FS_READ, LANDLOCK, ATTESTED, "landlock")                           \
	WAY(FS_READ_FILE, NEED(BUILT), 0, "none")                              \
	WAY(FS_WRITE, LANDLOCK | NEED(TRUNCATE), ATTESTED, "landlock")         \
	WAY(FS_WRITE, LANDLOCK, ATTESTED, "landlock+read_only_view")           \
	WAY(FS_WRITE_FILE, NEED(BUILT), 0, "none")                             \
	WAY(FS_EXEC, LANDLOCK, ATTESTED, "landlock")                           \
	WAY(FS_EXEC_FILE, NEED(BUILT), 0, "none")                              \
	WAY(FS_HIDE, LANDLOCK | NEED(HIDE), ATTESTED, "masked_view")           \
	WAY(NETWORK_DENY_ALL, NEED(SECCOMP) | NEED(NET_NS), ATTESTED,          \
	    "empty_netns+seccomp_families")                                    \
	WAY(NETWORK_ALLOW_LIST, NET_LIST | NEED(PORTS), ATTESTED,              \
	    "cgroup_bpf+landlock_ports")                                       \
	WAY(NETWORK_ALLOW_LIST, NET_LIST, ATTESTED, "cgroup_bpf")              \
	WAY(SPAWN_DENY_NEW_TASKS, NEED(RUN) | NEED(SECCOMP), 0,                \
	    "run_seccomp_spawn")                                               \
	EXEC_WAYS(WAY, SPAWN_DENY_NEW_TASKS, NEED(SECCOMP), "seccomp_spawn")   \
	WAY(SPAWN_ALLOW_THREADS, NEED(RUN) | NEED(SECCOMP), 0,                 \
	    "run_seccomp_spawn")                                               \
	EXEC_WAYS(WAY, SPAWN_ALLOW_THREADS, NEED(SECCOMP), "seccomp_spawn")    \
	WAY(SPAWN_ALLOW_DESCENDANTS, LEAF, ATTESTED, "cgroup_leaf")            \
	WAY(ENVIRONMENT, NEED(RUN), 0, "run_exact_environment")                \
	EXEC_WAYS(WAY, ENVIRONMENT, 0, "exact_environment")                    \
	EXEC_WAYS(WAY, ENVIRONMENT_LEASE, 0, "exact_environment+lease")        \
	WAY(FDS_NONE, NEED(RUN), 0, "run_close_range")                         \
	EXEC_WAYS(WAY, FDS_NONE, 0, "close_range")                             \
	EXEC_WAYS(WAY, FDS_ONLY, 0, "close_range")                             \
	WAY(LAUNCH_WORKLOAD, NEED(RUN) | NEED(SECCOMP) | NEED(SIGNALS),        \
	    OUTCOME | ATTESTED, "run_launch")                                  \
	WAY(LAUNCH_WORKLOAD, NEED(SECCOMP) | NEED(SIGNALS), ATTESTED,          \
	    "session_commit")                                                  \
	WAY(CAPTURE_STREAMS, NEED(FORCECOMMAND), STREAMS,                      \
	    "forcecommand_relay")                                              \
	WAY(CAPTURE_STREAMS, NEED(SHELL), STREAMS, "shell_relay")              \
	WAY(TEMP_ROOT, NEED(MOUNT_NS), ATTESTED, "tmpfs_view")                 \
	WAY(TEMP_ROOT_SIZED, NEED(MOUNT_NS), ATTESTED, "tmpfs_view+size")      \
	WAY(EXPOSE_RO, NEED(RUN) | NEED(MOUNT_NS), 0,                          \
	    "run_bind_mount+read_only")                                        \
	WAY(EXPOSE_RO, NEED(MOUNT_NS), ATTESTED, "bind_mount+read_only")       \
	WAY(EXPOSE_RW, NEED(RUN) | NEED(MOUNT_NS), 0, "run_bind_mount")        \
	WAY(EXPOSE_RW, NEED(MOUNT_NS), ATTESTED, "bind_mount")                 \
	WAY(COMMIT_ATOMIC, OUTBOX, LINEAGE | ATTESTED, "outbox+rename")        \
	WAY(COMMIT_DURABLE, OUTBOX, LINEAGE | ATTESTED, "outbox+fsync+rename") \
	WAY(COMMIT_BEST_EFFORT, OUTBOX, LINEAGE | ATTESTED,                    \
	    "outbox+fsync_tried+rename")                                       \
	WAY(DISCARD_ARTIFACT, OUTBOX, LINEAGE, "outbox+drop")                  \
	WAY(KILL_ATOMIC, LEAF, ATTESTED, "cgroup_kill")                        \
	WAY(KILL_BEST_EFFORT, LEAF, ATTESTED, "cgroup_kill")                   \
	WAY(LIST_OUTPUTS, OUTBOX, LINEAGE, "outbox+sha256")

#define WAY_ROW(key, needs, shows, how)                                        \
	{ BV_REQ_##key, needs, shows, "linux:" how },
static const struct way ways[] = { WAYS(WAY_ROW) };
_Static_assert((UINT64_C(0) WAYS(KEY_BIT)) == EVERY_KEY,
	       "the ceiling states every key");

struct limit_row {
	uint32_t needs;
	uint64_t available;
	enum bv_enforcement enforcement;
	uint64_t sample_us;
	uint64_t max_overshoot;
	uint64_t overshoot_per_cpu;
	const char *mechanism;
	uint32_t shows; /* evidence beside what is measured */
	bool measured;
	const char *measured_if; /* the fact that decides, or NULL */
};

static const struct limit_row limits[] = {
	[BV_DIM_WALL] = { .needs = NEED(CGROUP) | NEED(CGROUP_KILL),
			  .available = LINUX_WALL_MAX,
			  .enforcement = BV_ENFORCED,
			  .max_overshoot = LINUX_WALL_OVER,
			  .mechanism = "linux:guardian_timer+cgroup_kill",
			  .measured = true },
	[BV_DIM_CPU] = { .needs = NEED(CGROUP) | NEED(CGROUP_KILL),
			 .available = LINUX_WALL_MAX,
			 .enforcement = BV_MEDIATED,
			 .sample_us = BV_CPU_SAMPLE_MAX_US,
			 .overshoot_per_cpu = LINUX_CPU_OVER,
			 .mechanism = "linux:cpu_stat_sampling+cgroup_kill",
			 .measured = true },
	/* memory.peak is as old as landlock ABI 2, without which nothing is
	 * admitted at all. */
	[BV_DIM_MEMORY] = { .needs = NEED(CGROUP) | NEED(MEMORY),
			    .available = LINUX_BYTES_MAX,
			    .enforcement = BV_ENFORCED,
			    .mechanism = "linux:cgroup_memory_max",
			    .measured = true },
	[BV_DIM_PROCESSES] = { .needs = NEED(CGROUP) | NEED(PIDS),
			       .available = LINUX_PIDS_MAX,
			       .enforcement = BV_ENFORCED,
			       .mechanism = "linux:cgroup_pids_max",
			       .measured = true,
			       .measured_if = BV_FACT_CGROUP_PEAK },
	/* A limit of each process, not of the session as a whole. */
	[BV_DIM_HANDLES] = { .needs = NEED(SECCOMP),
			     .available = LINUX_FILES_MAX,
			     .enforcement = BV_MEDIATED,
			     .mechanism = "linux:rlimit_nofile(per_process)",
			     .shows = ATTESTED },
	[BV_DIM_STORAGE] = { .needs = NEED(MOUNT_NS),
			     .available = LINUX_BYTES_MAX,
			     .enforcement = BV_ENFORCED,
			     .mechanism = "linux:tmpfs_size(private_temp_only)",
			     .measured = true },
	[BV_DIM_NETWORK] = { .needs = NEED(CGROUP) | NEED(CGROUP_BPF),
			     .available = LINUX_BYTES_MAX,
			     .enforcement = BV_ENFORCED,
			     .mechanism = "linux:cgroup_skb_counter",
			     .measured = true },
};
_Static_assert(BV_LEN(limits) == BV_DIM_N, "every dimension is stated");

static struct bv_verdict unmet_verdict(const struct bv_snapshot *snap,
				       enum need need)
{
	const struct need_row *row = &needs[need];

	return (struct bv_verdict){
		.enforcement = BV_UNSUPPORTED,
		.mechanism = NONE,
		.missing = need_missing(snap, need),
		.remedy = row->remedy,
		.fact = { row->fact[0], row->fact[1] },
	};
}

static enum bv_enforcement way_enforcement(const struct way *w)
{
	return w->needs & NEED(FORCECOMMAND) ? BV_MEDIATED : BV_ENFORCED;
}

static struct bv_verdict ceiling_for(const struct bv_snapshot *snap,
				     enum bv_req req)
{
	struct bv_verdict verdict = unmet_verdict(snap, NEED_BUILT);

	for (size_t i = 0; i < BV_LEN(ways); i++) {
		enum need unmet;

		if (ways[i].req != req)
			continue;
		unmet = first_unmet(snap, ways[i].needs);
		if (unmet == NEED_N)
			return (struct bv_verdict){
				.enforcement = way_enforcement(&ways[i]),
				.evidence = ways[i].evidence,
				.mechanism = ways[i].mechanism,
				.missing = "",
				.remedy = "",
			};
		verdict = unmet_verdict(snap, unmet);
	}
	return verdict;
}

uint64_t bv_cpus(const struct bv_snapshot *snap)
{
	uint64_t n = bv_snapshot_u64(snap, BV_FACT_CPUS);

	/* No machine has more than CPU_SETSIZE knows of by far. */
	return n == 0 ? 1 : n > LINUX_CPUS_MAX ? LINUX_CPUS_MAX : n;
}

static struct bv_availability limit_for(const struct bv_snapshot *snap,
					enum bv_dim dim, bool here)
{
	const struct limit_row *row = &limits[dim];
	enum need unmet = here ? first_unmet(snap, row->needs) : NEED_BACKEND;
	struct bv_verdict no;

	if (unmet == NEED_N) {
		bool measured = row->measured &&
				(!row->measured_if ||
				 bv_snapshot_is(snap, row->measured_if));

		return (struct bv_availability){
			.available = row->available,
			.enforcement = row->enforcement,
			.evidence = row->shows | (measured ? MEASURED : 0),
			.mechanism = row->mechanism,
			.sample_us = row->sample_us,
			.max_overshoot = row->max_overshoot +
					 row->overshoot_per_cpu * bv_cpus(snap),
			.missing = "",
			.remedy = "",
		};
	}
	no = unmet_verdict(snap, unmet);
	return (struct bv_availability){
		.available = UINT64_MAX,
		.enforcement = BV_UNSUPPORTED,
		.mechanism = NONE,
		.missing = no.missing,
		.remedy = no.remedy,
		.fact = { no.fact[0], no.fact[1] },
	};
}

const struct bv_verdict *bv_support_linux(enum bv_req req)
{
	return (unsigned int)req < BV_REQ_N ? &matrix[req] : NULL;
}

static bool key_way(enum bv_req req, size_t i, struct bv_way *ret)
{
	if (matrix[req].enforcement == BV_UNSUPPORTED)
		return false;
	*ret = (struct bv_way){
		.mechanism = matrix[req].mechanism,
		.enforcement = matrix[req].enforcement,
		.evidence = matrix[req].evidence,
	};
	for (size_t w = 0; i > 0 && w < BV_LEN(ways); w++) {
		if (ways[w].req != req)
			continue;
		ret->mechanism = ways[w].mechanism;
		ret->enforcement = way_enforcement(&ways[w]);
		ret->evidence = ways[w].evidence;
		i--;
	}
	return i == 0;
}

bool bv_support_way(unsigned int cover, size_t i, struct bv_way *ret)
{
	const struct limit_row *row;

	if (cover < BV_REQ_N)
		return key_way((enum bv_req)cover, i, ret);
	if (i > 0 || cover - BV_REQ_N >= BV_DIM_N)
		return false;
	row = &limits[cover - BV_REQ_N];
	*ret = (struct bv_way){
		.mechanism = row->mechanism,
		.enforcement = row->enforcement,
		.evidence = row->shows | (row->measured ? MEASURED : 0),
		.sample_us = row->sample_us,
		.max_overshoot = row->max_overshoot + row->overshoot_per_cpu,
	};
	return row->mechanism != NULL;
}

/* The strongest key of a kind stands for it, the first among equals. */
void bv_profile_kinds(struct bv_profile *p)
{
	bool seen[BV_KIND_N] = { false };

	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		enum bv_kind k = bv_req_kind((enum bv_req)r);

		if (!seen[k] ||
		    bv_enforcement_strength(p->req[r].enforcement) >
			    bv_enforcement_strength(p->kind[k].enforcement))
			p->kind[k] = p->req[r];
		seen[k] = true;
	}
}

void bv_profile_derive(const struct bv_snapshot *snap, struct bv_profile *ret)
{
	bool here = bv_snapshot_has_word(snap, BV_FACT_BACKEND, "linux") ||
		    bv_snapshot_has_word(snap, BV_FACT_BACKEND, "wasm");

	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		struct bv_verdict ceiling =
			here ? ceiling_for(snap, (enum bv_req)r)
			     : unmet_verdict(snap, NEED_BACKEND);

		ret->req[r] = bv_verdict_meet(&matrix[r], &ceiling);
	}
	bv_profile_wasm(snap, ret);
	bv_profile_kinds(ret);
	for (unsigned int d = 0; d < BV_DIM_N; d++)
		ret->budget[d] = limit_for(snap, (enum bv_dim)d, here);
}
