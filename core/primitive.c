/* SPDX-License-Identifier: MIT */
/*
 * The Linux universe. Rows are written by hand, their digests frozen below:
 * a changed row without a changed digest (and version) fails the unit tests.
 */
#include "core/primitive.h"

#include <string.h>

#include "core/digest.h"
#include "core/err.h"

#define REQ(r)    BV_COVER_REQ(BV_REQ_##r)
#define BUDGET(d) BV_COVER_BUDGET(BV_DIM_##d)
#define P(name)   BV_PRIM_BIT(BV_PRIM_##name)

static const char *const phase_names[] = {
	[BV_PHASE_RECORD] = "record",
	[BV_PHASE_REGISTER] = "register",
	[BV_PHASE_CONTAIN] = "contain",
	[BV_PHASE_NAMESPACE] = "namespace",
	[BV_PHASE_FS_SETUP] = "fs-setup",
	[BV_PHASE_POLICY_BUILD] = "policy-build",
	[BV_PHASE_PLACE] = "place",
	[BV_PHASE_ENTER] = "enter",
	[BV_PHASE_PRIVILEGE_DROP] = "privilege-drop",
	[BV_PHASE_POLICY_INSTALL] = "policy-install",
	[BV_PHASE_FD_HYGIENE] = "fd-hygiene",
	[BV_PHASE_OBSERVE] = "observe",
	[BV_PHASE_LAUNCH] = "launch",
	[BV_PHASE_SHELL] = "shell",
};
_Static_assert(BV_LEN(phase_names) == BV_PHASE_N, "every phase has a name");

/* Within a phase, where no prerequisite says otherwise, ids decide: the network
 * is entered before the mount view because 'n' comes before 'v'. */
static const struct bv_primitive linux_rows[] = {
	[BV_PRIM_RECORD_STARTED] = {
		.id = "linux.record.started.v1", .version = 1,
		.phase = BV_PHASE_RECORD, .privileges = BV_PRIV_STATE,
		.witness = "the record's file, unsealed",
	},
	[BV_PRIM_SCOPE_ANCHOR] = {
		.id = "linux.scope.anchor.v1", .version = 1,
		.phase = BV_PHASE_REGISTER,
		.prerequisites = P(RECORD_STARTED),
		.privileges = BV_PRIV_CGROUP,
		.witness = "/proc/ANCHOR/cgroup",
	},
	[BV_PRIM_SESSION_STATE] = {
		.id = "linux.session.state.v1", .version = 1,
		.phase = BV_PHASE_REGISTER,
		.prerequisites = P(RECORD_STARTED),
		.privileges = BV_PRIV_STATE,
		.witness = "the state file",
	},
	/* Undone when the leaf is empty and gone: then the outbox is settled,
	 * and the record that says so is sealed after it. */
	[BV_PRIM_OUTBOX_TARGET] = {
		.id = "linux.outbox.target.v1", .version = 1,
		.phase = BV_PHASE_REGISTER,
		.covers = REQ(COMMIT_ATOMIC) | REQ(COMMIT_DURABLE) |
			  REQ(COMMIT_BEST_EFFORT) | REQ(DISCARD_ARTIFACT) |
			  REQ(LIST_OUTPUTS),
		.prerequisites = P(RECORD_STARTED),
		.privileges = BV_PRIV_STATE,
		.witness = "digests of the promoted files, read back",
	},
	/* Its id comes before the leaf's, and so does it, where there is one. */
	[BV_PRIM_CGROUP_AGGREGATE] = {
		.id = "linux.cgroup.aggregate.v1", .version = 1,
		.phase = BV_PHASE_CONTAIN,
		.privileges = BV_PRIV_CGROUP,
		.witness = "pids.max and memory.max of the user's node",
	},
	[BV_PRIM_CGROUP_LEAF] = {
		.id = "linux.cgroup.leaf.v1", .version = 1,
		.phase = BV_PHASE_CONTAIN,
		.covers = REQ(KILL_ATOMIC) | REQ(KILL_BEST_EFFORT) |
			  REQ(SPAWN_ALLOW_DESCENDANTS),
		.privileges = BV_PRIV_CGROUP,
		.witness = "the leaf's directory",
	},
	[BV_PRIM_CGROUP_MEMORY] = {
		.id = "linux.cgroup.memory_max.v1", .version = 1,
		.phase = BV_PHASE_CONTAIN,
		.covers = BUDGET(MEMORY),
		.prerequisites = P(CGROUP_LEAF),
		.privileges = BV_PRIV_CGROUP,
		.witness = "memory.max of the leaf",
	},
	/* Before anybody is in the leaf; the programs end with it. */
	[BV_PRIM_CGROUP_NETWORK] = {
		.id = "linux.cgroup.network.v1", .version = 1,
		.phase = BV_PHASE_CONTAIN,
		.covers = REQ(NETWORK_ALLOW_LIST) | BUDGET(NETWORK),
		.prerequisites = P(CGROUP_LEAF),
		.privileges = BV_PRIV_CGROUP | BV_PRIV_BPF,
		.witness = "the leaf's programs, as the kernel lists them",
	},
	[BV_PRIM_CGROUP_PIDS] = {
		.id = "linux.cgroup.pids_max.v1", .version = 1,
		.phase = BV_PHASE_CONTAIN,
		.covers = BUDGET(PROCESSES),
		.prerequisites = P(CGROUP_LEAF),
		.privileges = BV_PRIV_CGROUP,
		.witness = "pids.max of the leaf",
	},
	[BV_PRIM_NETNS_CREATE] = {
		.id = "linux.netns.create.v1", .version = 1,
		.phase = BV_PHASE_NAMESPACE,
		.conflicts = P(USERNS_CREATE),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "the namespace's inode",
	},
	/* The child of a run without privilege is born into the leaf and into
	 * a user and a mount namespace of its own. */
	[BV_PRIM_USERNS_CREATE] = {
		.id = "linux.userns.create.v1", .version = 1,
		.phase = BV_PHASE_NAMESPACE,
		.prerequisites = P(CGROUP_LEAF),
		.conflicts = P(RECORD_STARTED) | P(NETNS_CREATE) |
			     P(VIEW_CREATE) | P(CGROUP_PLACE),
		.witness = "uid_map of the child",
	},
	[BV_PRIM_USERNS_NETNS] = {
		.id = "linux.userns.netns.v1", .version = 1,
		.phase = BV_PHASE_NAMESPACE,
		.covers = REQ(NETWORK_DENY_ALL),
		.prerequisites = P(USERNS_CREATE),
		.witness = "ns/net of the child",
	},
	[BV_PRIM_VIEW_CREATE] = {
		.id = "linux.view.create.v1", .version = 1,
		.phase = BV_PHASE_NAMESPACE,
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "the namespace's inode",
	},
	[BV_PRIM_VIEW_HIDE] = {
		.id = "linux.view.hide.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.covers = REQ(FS_HIDE),
		.prerequisites = P(VIEW_RECORDS),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "mountinfo of the view",
	},
	/* Sources are looked up in what the session sees, so nothing covered
	 * is uncovered; before the view is made read-only, by its id. */
	[BV_PRIM_VIEW_LEND] = {
		.id = "linux.view.lend.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.covers = REQ(EXPOSE_RO) | REQ(EXPOSE_RW),
		.prerequisites = P(VIEW_RECORDS),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "/proc/LEADER/mountinfo",
	},
	[BV_PRIM_VIEW_OUTBOX] = {
		.id = "linux.view.outbox.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.prerequisites = P(VIEW_PRIVATE) | P(OUTBOX_TARGET),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "the directory's descriptor",
	},
	[BV_PRIM_VIEW_PRIVATE] = {
		.id = "linux.view.private.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.covers = REQ(TEMP_ROOT) | REQ(TEMP_ROOT_SIZED) |
			  BUDGET(STORAGE),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "mountinfo of the view",
	},
	[BV_PRIM_VIEW_READ_ONLY] = {
		.id = "linux.view.read_only.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.prerequisites = P(VIEW_RECORDS),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "mountinfo of the view",
	},
	[BV_PRIM_VIEW_RECORDS] = {
		.id = "linux.view.records.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.prerequisites = P(VIEW_SERVICES),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "mountinfo of the view",
	},
	[BV_PRIM_VIEW_SERVICES] = {
		.id = "linux.view.services.v1", .version = 1,
		.phase = BV_PHASE_FS_SETUP,
		.prerequisites = P(VIEW_PRIVATE),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "mountinfo of the view",
	},
	/* Its paths are those of the finished view. */
	[BV_PRIM_LANDLOCK_RULESET] = {
		.id = "linux.landlock.ruleset.v1", .version = 1,
		.phase = BV_PHASE_POLICY_BUILD,
		.prerequisites = P(VIEW_RECORDS),
		.witness = "the ruleset's descriptor",
	},
	[BV_PRIM_SECCOMP_FILTER] = {
		.id = "linux.seccomp.filter.v1", .version = 1,
		.phase = BV_PHASE_POLICY_BUILD,
		.witness = "digest of the program",
	},
	[BV_PRIM_CGROUP_PLACE] = {
		.id = "linux.cgroup.place.v1", .version = 1,
		.phase = BV_PHASE_PLACE,
		.prerequisites = P(CGROUP_LEAF),
		.privileges = BV_PRIV_CGROUP,
		.witness = "/proc/LEADER/cgroup",
	},
	[BV_PRIM_SESSION_HANDOVER] = {
		.id = "linux.session.handover.v1", .version = 1,
		.phase = BV_PHASE_PLACE,
		.prerequisites = P(SESSION_STATE) | P(VIEW_CREATE) |
				 P(LANDLOCK_RULESET) | P(SECCOMP_FILTER) |
				 P(CGROUP_PLACE),
		.witness = "the module's answer",
	},
	[BV_PRIM_SESSION_WITHDRAW] = {
		.id = "linux.session.withdraw.v1", .version = 1,
		.phase = BV_PHASE_PLACE,
		.prerequisites = P(SESSION_HANDOVER),
		.privileges = BV_PRIV_CGROUP,
		.witness = "/proc/GUARDIAN/cgroup",
	},
	[BV_PRIM_NETNS_ENTER] = {
		.id = "linux.netns.enter.v1", .version = 1,
		.phase = BV_PHASE_ENTER,
		.covers = REQ(NETWORK_DENY_ALL),
		.prerequisites = P(NETNS_CREATE),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "/proc/LEADER/ns/net",
	},
	[BV_PRIM_VIEW_ENTER] = {
		.id = "linux.view.enter.v1", .version = 1,
		.phase = BV_PHASE_ENTER,
		.prerequisites = P(VIEW_CREATE) | P(VIEW_RECORDS),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "/proc/LEADER/ns/mnt",
	},
	[BV_PRIM_CAPS_DROP] = {
		.id = "linux.caps.drop.v1", .version = 1,
		.phase = BV_PHASE_PRIVILEGE_DROP,
		.prerequisites = P(USERNS_CREATE),
		.witness = "CapBnd and CapEff",
	},
	[BV_PRIM_CORE_FORBID] = {
		.id = "linux.core.forbid.v1", .version = 1,
		.phase = BV_PHASE_PRIVILEGE_DROP,
		.witness = "/proc/CHILD/limits",
	},
	/* Behind all that still opens descriptors in the leader. */
	[BV_PRIM_HANDLES_LIMIT] = {
		.id = "linux.handles.nofile.v1", .version = 1,
		.phase = BV_PHASE_FD_HYGIENE,
		.covers = BUDGET(HANDLES),
		.witness = "/proc/LEADER/limits",
	},
	[BV_PRIM_NO_NEW_PRIVS] = {
		.id = "linux.no_new_privs.v1", .version = 1,
		.phase = BV_PHASE_PRIVILEGE_DROP,
		.witness = "NoNewPrivs",
	},
	[BV_PRIM_LANDLOCK_RESTRICT] = {
		.id = "linux.landlock.restrict.v1", .version = 1,
		.phase = BV_PHASE_POLICY_INSTALL,
		.covers = REQ(FILESYSTEM) | REQ(FS_READ) | REQ(FS_READ_FILE) |
			  REQ(FS_WRITE) | REQ(FS_WRITE_FILE) |
			  REQ(FS_EXEC) | REQ(FS_EXEC_FILE),
		.prerequisites = P(LANDLOCK_RULESET),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "a forbidden open that fails",
	},
	[BV_PRIM_SECCOMP_INSTALL] = {
		.id = "linux.seccomp.install.v1", .version = 1,
		.phase = BV_PHASE_POLICY_INSTALL,
		.prerequisites = P(SECCOMP_FILTER) | P(LANDLOCK_RESTRICT),
		.privileges = BV_PRIV_SYS_ADMIN,
		.witness = "Seccomp and Seccomp_filters",
	},
	[BV_PRIM_ENVIRONMENT] = {
		.id = "linux.environment.set.v1", .version = 1,
		.phase = BV_PHASE_FD_HYGIENE,
		.covers = REQ(ENVIRONMENT),
		.witness = "/proc/CHILD/environ",
	},
	[BV_PRIM_FDS_CLOEXEC] = {
		.id = "linux.fds.cloexec.v1", .version = 1,
		.phase = BV_PHASE_FD_HYGIENE,
		.covers = REQ(FDS_NONE),
		.witness = "/proc/CHILD/fd",
	},
	/* After the session's own filter: the last one installed speaks
	 * first. */
	[BV_PRIM_SPAWN_FILTER] = {
		.id = "linux.spawn.filter.v1", .version = 1,
		.phase = BV_PHASE_POLICY_INSTALL,
		.covers = REQ(SPAWN_DENY_NEW_TASKS) | REQ(SPAWN_ALLOW_THREADS),
		.prerequisites = P(SECCOMP_INSTALL),
		.witness = "Seccomp and Seccomp_filters",
	},
	/* The guardian's half of the exec boundary: its socket, before the
	 * session begins. The shell's half is what it hands over there. */
	[BV_PRIM_SHELL_OFFER] = {
		.id = "linux.shell.offer.v1", .version = 1,
		.phase = BV_PHASE_OBSERVE,
		.prerequisites = P(LEADER_ATTEST),
		.privileges = BV_PRIV_STATE,
		.witness = "the socket",
	},
	/* Where recordings go. Undone behind the leaf: by then every stream has
	 * its end, and the recordings are whole. */
	[BV_PRIM_CAPTURE_STORE] = {
		.id = "linux.capture.store.v1", .version = 1,
		.phase = BV_PHASE_REGISTER,
		.prerequisites = P(RECORD_STARTED),
		.privileges = BV_PRIV_STATE,
		.witness = "the session's directory of recordings",
	},
	/* Its id comes first among the shell's: the streams are changed while
	 * its descriptors are still what it was started with. */
	[BV_PRIM_SHELL_CAPTURE] = {
		.id = "linux.shell.capture.v1", .version = 1,
		.phase = BV_PHASE_SHELL,
		.covers = REQ(CAPTURE_STREAMS),
		.prerequisites = P(SHELL_OFFER) | P(CAPTURE_STORE),
		.witness = "/proc/SHELL/fd, and the recording",
	},
	[BV_PRIM_SHELL_ENVIRONMENT] = {
		.id = "linux.shell.environment.v1", .version = 1,
		.phase = BV_PHASE_SHELL,
		.covers = REQ(ENVIRONMENT) | REQ(ENVIRONMENT_LEASE),
		.prerequisites = P(SHELL_OFFER),
		.witness = "/proc/SHELL/environ",
	},
	[BV_PRIM_SHELL_FDS] = {
		.id = "linux.shell.fds.v1", .version = 1,
		.phase = BV_PHASE_SHELL,
		.covers = REQ(FDS_NONE) | REQ(FDS_ONLY),
		.prerequisites = P(SHELL_OFFER),
		.witness = "/proc/SHELL/fd",
	},
	[BV_PRIM_SHELL_SPAWN] = {
		.id = "linux.shell.spawn.v1", .version = 1,
		.phase = BV_PHASE_SHELL,
		.covers = REQ(SPAWN_DENY_NEW_TASKS) | REQ(SPAWN_ALLOW_THREADS),
		.prerequisites = P(SHELL_OFFER) | P(SHELL_ENVIRONMENT) |
				 P(SHELL_FDS),
		.witness = "Seccomp of the shell",
	},
	[BV_PRIM_LEADER_ATTEST] = {
		.id = "linux.leader.attest.v1", .version = 1,
		.phase = BV_PHASE_OBSERVE,
		.prerequisites = P(SESSION_WITHDRAW) | P(VIEW_ENTER) |
				 P(LANDLOCK_RESTRICT) | P(SECCOMP_INSTALL),
		.witness = "/proc/LEADER",
	},
	[BV_PRIM_CPU_WATCH] = {
		.id = "linux.cpu.watch.v1", .version = 1,
		.phase = BV_PHASE_OBSERVE,
		.covers = BUDGET(CPU),
		.prerequisites = P(CGROUP_LEAF),
		.witness = "cpu.stat of the leaf",
	},
	[BV_PRIM_WALL_TIMER] = {
		.id = "linux.wall.timer.v1", .version = 1,
		.phase = BV_PHASE_OBSERVE,
		.covers = BUDGET(WALL),
		.prerequisites = P(CGROUP_LEAF),
		.witness = "the timer's descriptor",
	},
	[BV_PRIM_RUN_LAUNCH] = {
		.id = "linux.run.launch.v1", .version = 1,
		.phase = BV_PHASE_LAUNCH,
		.covers = REQ(LAUNCH_WORKLOAD),
		.prerequisites = P(CGROUP_PLACE) | P(VIEW_ENTER) |
				 P(CORE_FORBID) | P(SECCOMP_INSTALL) |
				 P(ENVIRONMENT) | P(FDS_CLOEXEC),
		.conflicts = P(RUN_LAUNCH_USER) | P(SESSION_RELEASE) |
			     P(RECORD_STARTED),
		.witness = "end of the status pipe",
	},
	[BV_PRIM_RUN_LAUNCH_USER] = {
		.id = "linux.run.launch_user.v1", .version = 1,
		.phase = BV_PHASE_LAUNCH,
		.covers = REQ(LAUNCH_WORKLOAD),
		.prerequisites = P(USERNS_CREATE) | P(CAPS_DROP) |
				 P(CORE_FORBID) | P(NO_NEW_PRIVS) |
				 P(SECCOMP_INSTALL) | P(ENVIRONMENT) |
				 P(FDS_CLOEXEC),
		.conflicts = P(SESSION_RELEASE),
		.witness = "end of the status pipe",
	},
	[BV_PRIM_SESSION_RELEASE] = {
		.id = "linux.session.release.v1", .version = 1,
		.phase = BV_PHASE_LAUNCH,
		.covers = REQ(LAUNCH_WORKLOAD),
		.prerequisites = P(LEADER_ATTEST),
		.witness = "the session itself",
	},
};
_Static_assert(BV_LEN(linux_rows) == BV_PRIM_N, "every primitive has a row");

static const uint8_t linux_decl[BV_PRIM_N][BV_SHA256_BYTES] = {
#include "core/primitive_decl.inc"
};

static const struct bv_universe linux_universe = {
	.p = linux_rows,
	.n = BV_PRIM_N,
	.decl = linux_decl,
};

const struct bv_universe *bv_universe_linux(void)
{
	return &linux_universe;
}

const char *bv_phase_name(enum bv_phase phase)
{
	return (unsigned int)phase < BV_PHASE_N ? phase_names[phase] : "?";
}

/* Ids into the digest in bytewise order, so that an index means nothing. */
static void put_ids(struct bv_digest *d, const char *key,
		    const struct bv_primitive *row, size_t n, uint64_t set)
{
	while (set != 0) {
		size_t least = n;

		for (size_t i = 0; i < n; i++) {
			if ((set & BV_PRIM_BIT(i)) == 0)
				continue;
			if (least == n || strcmp(row[i].id, row[least].id) < 0)
				least = i;
		}
		if (least == n)
			return;
		bv_digest_text(d, key, row[least].id);
		set &= ~BV_PRIM_BIT(least);
	}
}

static void put_covers(struct bv_digest *d, uint64_t covers)
{
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		if (covers & BV_COVER_REQ(r))
			bv_digest_text(d, "requirement",
				       bv_req_name((enum bv_req)r));
	for (unsigned int b = 0; b < BV_DIM_N; b++)
		if (covers & BV_COVER_BUDGET(b))
			bv_digest_text(d, "budget",
				       bv_dim_name((enum bv_dim)b));
}

void bv_primitive_digest(const struct bv_primitive *row, size_t n, size_t i,
			 uint8_t ret[BV_SHA256_BYTES])
{
	uint64_t conflicts = row[i].conflicts;
	struct bv_digest d;

	for (size_t j = 0; j < n; j++)
		if (row[j].conflicts & BV_PRIM_BIT(i))
			conflicts |= BV_PRIM_BIT(j);
	bv_digest_begin(&d, "bvisor.primitive-decl.v1");
	bv_digest_text(&d, "id", row[i].id);
	bv_digest_u64(&d, "version", row[i].version);
	bv_digest_u64(&d, "phase", row[i].phase);
	put_covers(&d, row[i].covers);
	put_ids(&d, "after", row, n, row[i].prerequisites);
	put_ids(&d, "not-with", row, n, conflicts);
	bv_digest_u64(&d, "privileges", row[i].privileges);
	bv_digest_end(&d, ret);
}
