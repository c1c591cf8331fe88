/* SPDX-License-Identifier: MIT */
/*
 * The ledger of the wasm backend. Its sessions are Linux sessions in which one
 * program can be executed: what Linux carries is carried by the same mechanism,
 * whose proofs stand in table_linux.c; the receipt here is that it is the same.
 * What WebAssembly has no notion of, or its commands' own files state, stays
 * closed.
 */
#include "ledger/table.h"

/* In sessions of this backend, each with the guard that is taken out. */
#define GUARDS(attack, red)                                                    \
	{                                                                      \
		CASE("57-wasm-guards"), attack, red                            \
	}
/* By the mechanism that Linux sessions have, which is what is compared first. */
#define AS_LINUX                                                               \
	{                                                                      \
		UNIT("test_support_wasm"), "test_ceiling__as_linux__the_same", \
			"wasm backend: files are confined by something else"   \
	}

static const struct bvl_receipt filesystem[] = {
	AS_LINUX,
	GUARDS("read", "wasm: reading outside the declared roots"),
	GUARDS("write", "wasm: writing outside the declared roots"),
};
static const struct bvl_receipt fs_read[] = {
	AS_LINUX,
	GUARDS("read", "wasm: reading outside the declared roots"),
	GUARDS("proc-root", "wasm: reading outside the declared roots"),
};
static const struct bvl_receipt fs_write[] = {
	AS_LINUX,
	GUARDS("write", "wasm: writing outside the declared roots"),
	GUARDS("rename", "wasm: writing outside the declared roots"),
	GUARDS("remove", "wasm: writing outside the declared roots"),
};
static const struct bvl_receipt fs_hide[] = {
	AS_LINUX,
	GUARDS("hide", "wasm: what is hidden"),
};
static const struct bvl_receipt deny_all[] = {
	AS_LINUX,
	GUARDS("connect", "wasm: a connection under deny-all"),
};
static const struct bvl_receipt deny_tasks[] = {
	{ UNIT("test_support_wasm"),
	  "test_policy__isolation__follows_or_is_refused",
	  "wasm backend: a process each where there are no new tasks" },
	GUARDS("tasks", "wasm: a process despite deny-new-tasks"),
};
static const struct bvl_receipt descendants[] = {
	AS_LINUX,
	GUARDS("cut", "wasm: a command surviving its session"),
};
static const struct bvl_receipt launch[] = {
	{ UNIT("test_support_wasm"),
	  "test_plan__wasm_policy__admitted_or_told_why",
	  "wasm backend: admitted without bvisor-wasm" },
	GUARDS("exec", "wasm: another program"),
};
static const struct bvl_receipt temp_root[] = {
	AS_LINUX,
	GUARDS("temp", "wasm: the host's /tmp"),
};
static const struct bvl_receipt temp_sized[] = {
	AS_LINUX,
	GUARDS("storage", "wasm: more in /tmp than its budget"),
};
static const struct bvl_receipt kill_[] = {
	AS_LINUX,
	GUARDS("cut", "wasm: a command surviving its session"),
};
static const struct bvl_receipt wall[] = {
	AS_LINUX,
	GUARDS("wall", "wasm: a session beyond its wall budget"),
};
static const struct bvl_receipt cpu[] = {
	AS_LINUX,
	GUARDS("cpu", "wasm: processor time beyond the budget"),
};
static const struct bvl_receipt processes[] = {
	AS_LINUX,
	GUARDS("processes", "wasm: more commands than tasks"),
};
/* Carried by what those of Linux sessions are, and attacked there. */
static const struct bvl_receipt memory[] = {
	AS_LINUX,
	{ CASE("51-budgets"), "memory", "memory beyond the limit" },
};
static const struct bvl_receipt handles[] = {
	AS_LINUX,
	{ CASE("51-budgets"), "handles", "descriptors beyond the limit" },
};
static const struct bvl_receipt network[] = {
	AS_LINUX,
	{ CASE("56-network-list"), "bytes", "network bytes beyond the budget" },
};
static const struct bvl_receipt refuses[] = {
	{ UNIT("test_support_wasm"), "test_ceiling__as_linux__the_same",
	  "wasm backend: programs may be executed" },
};

#define NO_PROGRAM FAIL_CLOSED("bvisor-wasm alone is executed")
#define NO_THREADS FAIL_CLOSED("a module has no threads")
#define BY_GRANT   FAIL_CLOSED("stated in the command's own file")
#define NO_SOCKET  FAIL_CLOSED("a module has no sockets")

/* ROW(cover, entry); every key and budget once. */
#define LEDGER(ROW)                                                            \
	ROW(REQ(FILESYSTEM), PROVEN(2, CONFINED, filesystem, D_FILESYSTEM))    \
	ROW(REQ(FS_READ), PROVEN(2, CONFINED, fs_read, D_FS_READ))             \
	ROW(REQ(FS_READ_FILE), INCOMPLETE)                                     \
	ROW(REQ(FS_WRITE), PROVEN(2, CONFINED, fs_write, D_FS_WRITE))          \
	ROW(REQ(FS_WRITE_FILE), INCOMPLETE)                                    \
	ROW(REQ(FS_EXEC), NO_PROGRAM)                                          \
	ROW(REQ(FS_EXEC_FILE), NO_PROGRAM)                                     \
	ROW(REQ(FS_HIDE),                                                      \
	    PROVEN(2, CONFINED | NEEDS(MOUNT), fs_hide, D_FS_HIDE))            \
	ROW(REQ(NETWORK_DENY_ALL), PROVEN(0, NEEDS(SECCOMP) | NEEDS(NET),      \
					  deny_all, D_NETWORK_DENY_ALL))       \
	ROW(REQ(NETWORK_ALLOW_LIST), NO_SOCKET)                                \
	ROW(REQ(SPAWN_DENY_NEW_TASKS),                                         \
	    PROVEN(0, NEEDS(SECCOMP) | NEEDS(SESSION), deny_tasks,             \
		   D_SPAWN_DENY_NEW_TASKS))                                    \
	ROW(REQ(SPAWN_ALLOW_THREADS), NO_THREADS)                              \
	ROW(REQ(SPAWN_ALLOW_DESCENDANTS),                                      \
	    PROVEN(0, LEAF, descendants, D_SPAWN_ALLOW_DESCENDANTS))           \
	ROW(REQ(ENVIRONMENT), BY_GRANT)                                        \
	ROW(REQ(ENVIRONMENT_LEASE), BY_GRANT)                                  \
	ROW(REQ(FDS_NONE), FAIL_CLOSED("nobody but the shell sees to it"))     \
	ROW(REQ(FDS_ONLY), FAIL_CLOSED("a module inherits nothing"))           \
	ROW(REQ(LAUNCH_WORKLOAD), PROVEN(0, NEEDS(SECCOMP) | NEEDS(SIGNALS),   \
					 launch, D_LAUNCH_WORKLOAD))           \
	ROW(REQ(CAPTURE_STREAMS), INCOMPLETE)                                  \
	ROW(REQ(TEMP_ROOT), PROVEN(0, NEEDS(MOUNT), temp_root, D_TEMP_ROOT))   \
	ROW(REQ(TEMP_ROOT_SIZED),                                              \
	    PROVEN(0, NEEDS(MOUNT), temp_sized, D_TEMP_ROOT_SIZED))            \
	ROW(REQ(EXPOSE_RO), BY_GRANT)                                          \
	ROW(REQ(EXPOSE_RW), BY_GRANT)                                          \
	ROW(REQ(COMMIT_ATOMIC), INCOMPLETE)                                    \
	ROW(REQ(COMMIT_DURABLE), INCOMPLETE)                                   \
	ROW(REQ(COMMIT_BEST_EFFORT), INCOMPLETE)                               \
	ROW(REQ(DISCARD_ARTIFACT), INCOMPLETE)                                 \
	ROW(REQ(KILL_ATOMIC), PROVEN(0, LEAF, kill_, D_KILL_ATOMIC))           \
	ROW(REQ(KILL_BEST_EFFORT), PROVEN(0, LEAF, kill_, D_KILL_BEST_EFFORT)) \
	ROW(REQ(LIST_OUTPUTS), INCOMPLETE)                                     \
	ROW(BUDGET(WALL), PROVEN(0, LEAF, wall, D_WALL))                       \
	ROW(BUDGET(CPU), PROVEN(0, LEAF, cpu, D_CPU))                          \
	ROW(BUDGET(MEMORY),                                                    \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(MEMORY), memory, D_MEMORY))        \
	ROW(BUDGET(PROCESSES),                                                 \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(PIDS), processes, D_PROCESSES))    \
	ROW(BUDGET(HANDLES), PROVEN(0, NEEDS(SECCOMP), handles, D_HANDLES))    \
	ROW(BUDGET(STORAGE), PROVEN(0, NEEDS(MOUNT), temp_sized, D_STORAGE))   \
	ROW(BUDGET(NETWORK),                                                   \
	    PROVEN(0, NEEDS(CGROUP) | NEEDS(BPF), network, D_NETWORK))

TABLE_OF(LEDGER)

const struct bvl_ledger *bvl_ledger_wasm(void)
{
	static const struct bvl_ledger ledger = { "wasm", entries,
						  bv_mechanism_digest };

	return &ledger;
}
