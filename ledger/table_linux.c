/* SPDX-License-Identifier: MIT */
/*
 * The ledger of the Linux backend. A receipt is a test that was seen to fail
 * without what it is there for; tests/lint/ledger.sh holds this table to the
 * tests, test_ledger.c to the support matrix and to the mechanisms.
 *
 * A key or budget that is built: give its row a floor, receipts and the digest
 * that test_ledger.c prints. A mechanism that has changed: run its proofs, then
 * put in the new digest.
 */
#include "ledger/table.h"

#define QUALIFY(row)                                                           \
	{                                                                      \
		CASE("53-qualify"), row, QUALIFY_RED                           \
	}
#define QUALIFY_RED "a mechanism that bvisorctl qualify finds broken"

static const struct bvl_receipt filesystem[] = {
	QUALIFY("Filesystem"),
	{ CASE("20-escape-fs"), "list", "reading outside the declared roots" },
	{ CASE("20-escape-fs"), "chdir-relative",
	  "writing outside the declared roots" },
	{ CASE("20-escape-fs"), "symlink-swap", "a symbolic link swapped in" },
	{ CASE("21-escape-fs-internal-sftp"), "sftp-ls",
	  "the same through internal-sftp" },
};
static const struct bvl_receipt fs_read[] = {
	QUALIFY("Filesystem(read)"),
	{ CASE("20-escape-fs"), "read", "reading outside the declared roots" },
	{ CASE("20-escape-fs"), "proc-root",
	  "reading outside the declared roots" },
	{ CASE("21-escape-fs-internal-sftp"), "sftp-get",
	  "the same through internal-sftp" },
};
static const struct bvl_receipt fs_write[] = {
	QUALIFY("Filesystem(write)"),
	{ CASE("20-escape-fs"), "write", "writing outside the declared roots" },
	{ CASE("20-escape-fs"), "create",
	  "writing outside the declared roots" },
	{ CASE("20-escape-fs"), "truncate", "truncate" },
	{ CASE("20-escape-fs"), "rename-over", "rename" },
	{ CASE("20-escape-fs"), "link-out", "link" },
};
static const struct bvl_receipt fs_exec[] = {
	QUALIFY("Filesystem(exec)"),
	{ CASE("20-escape-fs"), "exec", "writing outside the declared roots" },
};
static const struct bvl_receipt fs_hide[] = { QUALIFY("Filesystem(hide)") };
static const struct bvl_receipt deny_all[] = {
	QUALIFY("NetworkDenyAll"),
	{ CASE("23-escape-network"), "tcp4",
	  "outgoing connects under deny-all" },
	{ CASE("23-escape-network"), "udp6",
	  "outgoing connects under deny-all" },
	{ CASE("23-escape-network"), "abstract",
	  "outgoing connects under deny-all" },
	{ CASE("23-escape-network"), "ssh-R-unix", "ssh -L, -R, -D, -W" },
};
static const struct bvl_receipt deny_tasks[] = {
	QUALIFY("ChildSpawnDenyNewTasks"),
};
static const struct bvl_receipt threads[] = {
	QUALIFY("ChildSpawnAllowThreads"),
};
static const struct bvl_receipt descendants[] = {
	QUALIFY("ChildSpawnAllowDescendants"),
	{ CASE("25-escape-cgroup"), "cgroup-parent",
	  "writing any cgroup.procs" },
};
static const struct bvl_receipt environment[] = { QUALIFY("Environment") };
static const struct bvl_receipt lease[] = {
	QUALIFY("Environment(lease)"),
	{ UNIT("test_env"), "test_env__resolved__checked_again",
	  "a lease that was not resolved is let through" },
};
static const struct bvl_receipt fds_none[] = { QUALIFY("InheritedFdsNone") };
static const struct bvl_receipt fds_only[] = { QUALIFY("InheritedFdsOnly") };
static const struct bvl_receipt launch[] = {
	QUALIFY("LaunchWorkload"),
	{ CASE("27-escape-syscalls"), "io-uring", "io_uring" },
	{ CASE("27-escape-syscalls"), "x32", "x32 and int80 calls" },
	{ CASE("33-broken-helper"), "full-disk",
	  "nowhere to write the record" },
};
static const struct bvl_receipt temp_root[] = {
	QUALIFY("TempRoot"),
	{ CASE("20-escape-fs"), "tmp-read",
	  "reading outside the declared roots" },
	{ CASE("20-escape-fs"), "tmp-write",
	  "writing outside the declared roots" },
};
static const struct bvl_receipt temp_sized[] = { QUALIFY("TempRoot(sized)") };
static const struct bvl_receipt kill_atomic[] = {
	QUALIFY("Kill(atomic)"),
	{ CASE("28-survive-logout"), "daemon",
	  "a background process surviving logout" },
	{ CASE("28-survive-logout"), "cut",
	  "a background process surviving logout" },
};
static const struct bvl_receipt kill_best[] = {
	QUALIFY("Kill(best-effort)"),
	{ CASE("28-survive-logout"), "daemon",
	  "a background process surviving logout" },
};
static const struct bvl_receipt wall[] = {
	QUALIFY("budget:wall"),
	{ CASE("32-live-end"), "wall", "a session beyond its wall budget" },
};
static const struct bvl_receipt cpu[] = {
	QUALIFY("budget:cpu"),
	{ CASE("51-budgets"), "cpu", "processor time beyond the budget" },
};
static const struct bvl_receipt memory[] = {
	QUALIFY("budget:memory"),
	{ CASE("51-budgets"), "memory", "memory beyond the limit" },
};
static const struct bvl_receipt processes[] = {
	QUALIFY("budget:processes"),
	{ CASE("22-escape-tasks"), "fork", "more tasks than the limit" },
	{ CASE("22-escape-tasks"), "thread", "more tasks than the limit" },
};
static const struct bvl_receipt handles[] = {
	QUALIFY("budget:handles"),
	{ CASE("51-budgets"), "handles", "descriptors beyond the limit" },
};
static const struct bvl_receipt storage[] = { QUALIFY("budget:storage") };

static const struct bvl_receipt allow_list[] = {
	QUALIFY("NetworkAllowList"),
	{ CASE("56-network-list"), "tcp4", "beyond an allow list" },
	{ CASE("56-network-list"), "udp6", "beyond an allow list" },
	{ CASE("56-network-list"), "serve", "beyond an allow list" },
};
static const struct bvl_receipt network[] = {
	QUALIFY("budget:network"),
	{ CASE("56-network-list"), "bytes", "network bytes beyond the budget" },
};
static const struct bvl_receipt expose_ro[] = {
	QUALIFY("ExposePath(ro)"),
	{ CASE("58-share"), "expose-write",
	  "writing what is exposed to be read" },
	{ CASE("58-share"), "expose-node", "a device in an exposed directory" },
};
static const struct bvl_receipt expose_rw[] = {
	QUALIFY("ExposePath(rw)"),
	{ CASE("58-share"), "expose-node", "a device in an exposed directory" },
};
/* Only a session has an outbox; bvisorctl qualify settles one as its end does. */
#define OUTBOX(row)                                                            \
	{                                                                      \
		QUALIFY(row),                                                  \
			{ CASE("58-share"), "outbox-link",                     \
			  "a file of root's through a link in the outbox" },   \
		{                                                              \
			CASE("58-share"), "outbox-bytes",                      \
				"more than the storage budget promoted"        \
		}                                                              \
	}
static const struct bvl_receipt commit_atomic[] =
	OUTBOX("CommitArtifact(atomic)");
static const struct bvl_receipt commit_durable[] =
	OUTBOX("CommitArtifact(durable)");
static const struct bvl_receipt commit_best[] =
	OUTBOX("CommitArtifact(best-effort-durable)");
static const struct bvl_receipt discard[] = OUTBOX("DiscardArtifact");
static const struct bvl_receipt list_outputs[] = OUTBOX("ListOutputs");

/* Only a launch has streams that a guardian relays: no proof of qualify's. */
static const struct bvl_receipt capture[] = {
	{ CASE("56-capture"), "unrecorded",
	  "streams of a session that nobody records" },
	{ CASE("56-capture"), "old-terminal", "a terminal past its recorder" },
	{ CASE("56-capture"), "on-its-own", "a launch whose recorder is dead" },
};

/* That a key which nobody carries is refused. */
static const struct bvl_receipt refuses[] = {
	{ UNIT("test_support"), "test_matrix__every_key__stated",
	  "what is not built is said to be enforced" },
};

#define SETTLED(shown, digest)                                                 \
	PROVEN(0, NEEDS(SESSION) | NEEDS(MOUNT) | LEAF, shown, digest)
#define BY_FILE FAIL_CLOSED("a rule is about a path and all below it")

/* ROW(cover, entry); every key and budget once. */
#define LEDGER(ROW)                                                            \
	ROW(REQ(FILESYSTEM), PROVEN(2, CONFINED, filesystem, D_FILESYSTEM))    \
	ROW(REQ(FS_READ), PROVEN(2, CONFINED, fs_read, D_FS_READ))             \
	ROW(REQ(FS_READ_FILE), BY_FILE)                                        \
	ROW(REQ(FS_WRITE), PROVEN(2, CONFINED, fs_write, D_FS_WRITE))          \
	ROW(REQ(FS_WRITE_FILE), BY_FILE)                                       \
	ROW(REQ(FS_EXEC), PROVEN(2, CONFINED, fs_exec, D_FS_EXEC))             \
	ROW(REQ(FS_EXEC_FILE), BY_FILE)                                        \
	ROW(REQ(FS_HIDE),                                                      \
	    PROVEN(2, CONFINED | NEEDS(MOUNT), fs_hide, D_FS_HIDE))            \
	ROW(REQ(NETWORK_DENY_ALL), PROVEN(0, NEEDS(SECCOMP) | NEEDS(NET),      \
					  deny_all, D_NETWORK_DENY_ALL))       \
	ROW(REQ(NETWORK_ALLOW_LIST),                                           \
	    PROVEN(0, NEEDS(SECCOMP) | NEEDS(CGROUP) | NEEDS(BPF), allow_list, \
		   D_NETWORK_ALLOW_LIST))                                      \
	ROW(REQ(SPAWN_DENY_NEW_TASKS),                                         \
	    PROVEN(0, NEEDS(SECCOMP) | NEEDS(BOUNDARY), deny_tasks,            \
		   D_SPAWN_DENY_NEW_TASKS))                                    \
	ROW(REQ(SPAWN_ALLOW_THREADS),                                          \
	    PROVEN(0, NEEDS(SECCOMP) | NEEDS(BOUNDARY), threads,               \
		   D_SPAWN_ALLOW_THREADS))                                     \
	ROW(REQ(SPAWN_ALLOW_DESCENDANTS),                                      \
	    PROVEN(0, LEAF, descendants, D_SPAWN_ALLOW_DESCENDANTS))           \
	ROW(REQ(ENVIRONMENT),                                                  \
	    PROVEN(0, NEEDS(BOUNDARY), environment, D_ENVIRONMENT))            \
	ROW(REQ(ENVIRONMENT_LEASE),                                            \
	    PROVEN(0, NEEDS(SHELL), lease, D_ENVIRONMENT_LEASE))               \
	ROW(REQ(FDS_NONE), PROVEN(0, NEEDS(BOUNDARY), fds_none, D_FDS_NONE))   \
	ROW(REQ(FDS_ONLY), PROVEN(0, NEEDS(SHELL), fds_only, D_FDS_ONLY))      \
	ROW(REQ(LAUNCH_WORKLOAD), PROVEN(0, NEEDS(SECCOMP) | NEEDS(SIGNALS),   \
					 launch, D_LAUNCH_WORKLOAD))           \
	ROW(REQ(CAPTURE_STREAMS),                                              \
	    PROVEN(0, NEEDS(SHELL), capture, D_CAPTURE_STREAMS))               \
	ROW(REQ(TEMP_ROOT), PROVEN(0, NEEDS(MOUNT), temp_root, D_TEMP_ROOT))   \
	ROW(REQ(TEMP_ROOT_SIZED),                                              \
	    PROVEN(0, NEEDS(MOUNT), temp_sized, D_TEMP_ROOT_SIZED))            \
	ROW(REQ(EXPOSE_RO), PROVEN(0, NEEDS(MOUNT), expose_ro, D_EXPOSE_RO))   \
	ROW(REQ(EXPOSE_RW), PROVEN(0, NEEDS(MOUNT), expose_rw, D_EXPOSE_RW))   \
	ROW(REQ(COMMIT_ATOMIC), SETTLED(commit_atomic, D_COMMIT_ATOMIC))       \
	ROW(REQ(COMMIT_DURABLE), SETTLED(commit_durable, D_COMMIT_DURABLE))    \
	ROW(REQ(COMMIT_BEST_EFFORT),                                           \
	    SETTLED(commit_best, D_COMMIT_BEST_EFFORT))                        \
	ROW(REQ(DISCARD_ARTIFACT), SETTLED(discard, D_DISCARD_ARTIFACT))       \
	ROW(REQ(KILL_ATOMIC), PROVEN(0, LEAF, kill_atomic, D_KILL_ATOMIC))     \
	ROW(REQ(KILL_BEST_EFFORT),                                             \
	    PROVEN(0, LEAF, kill_best, D_KILL_BEST_EFFORT))                    \
	ROW(REQ(LIST_OUTPUTS), SETTLED(list_outputs, D_LIST_OUTPUTS))          \
	ROW(BUDGET(WALL), PROVEN(0, LEAF, wall, D_WALL))                       \
	ROW(BUDGET(CPU), PROVEN(0, LEAF, cpu, D_CPU))                          \
	ROW(BUDGET(MEMORY),                                                    \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(MEMORY), memory, D_MEMORY))        \
	ROW(BUDGET(PROCESSES),                                                 \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(PIDS), processes, D_PROCESSES))    \
	ROW(BUDGET(HANDLES), PROVEN(0, NEEDS(SECCOMP), handles, D_HANDLES))    \
	ROW(BUDGET(STORAGE), PROVEN(0, NEEDS(MOUNT), storage, D_STORAGE))      \
	ROW(BUDGET(NETWORK),                                                   \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(BPF), network, D_NETWORK))

TABLE_OF(LEDGER)

const struct bvl_ledger *bvl_ledger_linux(void)
{
	static const struct bvl_ledger ledger = { "linux", entries,
						  bv_mechanism_digest };

	return &ledger;
}
