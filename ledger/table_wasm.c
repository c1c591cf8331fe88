/* SPDX-License-Identifier: MIT */
/*
 * The ledger of the wasm backend. Its sessions are Linux sessions in which one
 * program can be executed: what Linux carries is carried by the same mechanism,
 * whose proofs stand in table_linux.c; the receipt here is that it is the same.
 * What WebAssembly has no notion of, or its commands' own files state, stays
 * closed.
 */
#include "ledger/ledger.h"

#include "core/err.h"
#include "core/mechanism.h"

#define UNIT(name) "tests/unit/" name ".c"

static const struct bvl_receipt of_linux[] = {
	{ UNIT("test_support_wasm"), "test_ceiling__as_linux__the_same",
	  "wasm backend: files are confined by something else" },
};
static const struct bvl_receipt launch[] = {
	{ UNIT("test_support_wasm"),
	  "test_plan__wasm_policy__admitted_or_told_why",
	  "wasm backend: admitted without bvisor-wasm" },
};
static const struct bvl_receipt refuses[] = {
	{ UNIT("test_support_wasm"), "test_ceiling__as_linux__the_same",
	  "wasm backend: programs may be executed" },
};

#define NEEDS(n) BVL_NEEDS_##n
#define CONFINED (NEEDS(SECCOMP) | NEEDS(TRUNCATE))
#define LEAF     (NEEDS(CGROUP) | NEEDS(KILL))

#define PROVEN(abi, set, shown, digest)                                        \
	.status = BVL_PROVEN,                                                  \
	.floor = { .landlock_abi = (abi), .needs = (set) },                    \
	.receipts = (shown), .receipts_n = BV_LEN(shown),                      \
	.mechanism = (digest), .why = ""
#define SAME(abi, set, digest) PROVEN(abi, set, of_linux, digest)
#define CLOSED(text)                                                           \
	.status = BVL_FAIL_CLOSED, .mechanism = "", .receipts = refuses,       \
	.receipts_n = BV_LEN(refuses), .why = (text)
#define INCOMPLETE                                                             \
	.status = BVL_INCOMPLETE, .mechanism = "",                             \
	.why = "not built in this release"
#define NO_PROGRAM CLOSED("bvisor-wasm alone is executed")
#define OWN_TASKS  CLOSED("each command is a process of its own")
#define BY_GRANT   CLOSED("stated in the command's own file")
#define NO_SOCKET  CLOSED("a module has no sockets")

/* ROW(cover, entry); every key and budget once. */
#define REQ(name)    BV_REQ_##name
#define BUDGET(name) (BV_REQ_N + BV_DIM_##name)
#define LEDGER(ROW)                                                            \
	ROW(REQ(FILESYSTEM), SAME(2, CONFINED, D_FILESYSTEM))                  \
	ROW(REQ(FS_READ), SAME(2, CONFINED, D_FS_READ))                        \
	ROW(REQ(FS_READ_FILE), INCOMPLETE)                                     \
	ROW(REQ(FS_WRITE), SAME(2, CONFINED, D_FS_WRITE))                      \
	ROW(REQ(FS_WRITE_FILE), INCOMPLETE)                                    \
	ROW(REQ(FS_EXEC), NO_PROGRAM)                                          \
	ROW(REQ(FS_EXEC_FILE), NO_PROGRAM)                                     \
	ROW(REQ(FS_HIDE), SAME(2, CONFINED | NEEDS(MOUNT), D_FS_HIDE))         \
	ROW(REQ(NETWORK_DENY_ALL),                                             \
	    SAME(0, NEEDS(SECCOMP) | NEEDS(NET), D_NETWORK_DENY_ALL))          \
	ROW(REQ(NETWORK_ALLOW_LIST), NO_SOCKET)                                \
	ROW(REQ(SPAWN_DENY_NEW_TASKS), OWN_TASKS)                              \
	ROW(REQ(SPAWN_ALLOW_THREADS), OWN_TASKS)                               \
	ROW(REQ(SPAWN_ALLOW_DESCENDANTS),                                      \
	    SAME(0, LEAF, D_SPAWN_ALLOW_DESCENDANTS))                          \
	ROW(REQ(ENVIRONMENT), BY_GRANT)                                        \
	ROW(REQ(ENVIRONMENT_LEASE), BY_GRANT)                                  \
	ROW(REQ(FDS_NONE), CLOSED("nobody but the shell sees to it"))          \
	ROW(REQ(FDS_ONLY), CLOSED("a module inherits nothing"))                \
	ROW(REQ(LAUNCH_WORKLOAD), PROVEN(0, NEEDS(SECCOMP) | NEEDS(SIGNALS),   \
					 launch, D_LAUNCH_WORKLOAD))           \
	ROW(REQ(CAPTURE_STREAMS), INCOMPLETE)                                  \
	ROW(REQ(TEMP_ROOT), SAME(0, NEEDS(MOUNT), D_TEMP_ROOT))                \
	ROW(REQ(TEMP_ROOT_SIZED), SAME(0, NEEDS(MOUNT), D_TEMP_ROOT_SIZED))    \
	ROW(REQ(EXPOSE_RO), BY_GRANT)                                          \
	ROW(REQ(EXPOSE_RW), BY_GRANT)                                          \
	ROW(REQ(COMMIT_ATOMIC), INCOMPLETE)                                    \
	ROW(REQ(COMMIT_DURABLE), INCOMPLETE)                                   \
	ROW(REQ(COMMIT_BEST_EFFORT), INCOMPLETE)                               \
	ROW(REQ(DISCARD_ARTIFACT), INCOMPLETE)                                 \
	ROW(REQ(KILL_ATOMIC), SAME(0, LEAF, D_KILL_ATOMIC))                    \
	ROW(REQ(KILL_BEST_EFFORT), SAME(0, LEAF, D_KILL_BEST_EFFORT))          \
	ROW(REQ(LIST_OUTPUTS), INCOMPLETE)                                     \
	ROW(BUDGET(WALL), SAME(0, LEAF, D_WALL))                               \
	ROW(BUDGET(CPU), SAME(0, LEAF, D_CPU))                                 \
	ROW(BUDGET(MEMORY), SAME(0, NEEDS(CGROUP) | NEEDS(MEMORY), D_MEMORY))  \
	ROW(BUDGET(PROCESSES),                                                 \
	    SAME(0, NEEDS(CGROUP) | NEEDS(PIDS), D_PROCESSES))                 \
	ROW(BUDGET(HANDLES), SAME(0, NEEDS(SECCOMP), D_HANDLES))               \
	ROW(BUDGET(STORAGE), SAME(0, NEEDS(MOUNT), D_STORAGE))                 \
	ROW(BUDGET(NETWORK), SAME(0, NEEDS(CGROUP) | NEEDS(BPF), D_NETWORK))

#include "ledger/mechanisms.inc"

#define ENTRY(cover, ...) [cover] = { __VA_ARGS__ },
static const struct bvl_entry entries[] = { LEDGER(ENTRY) };

#define BIT(cover, ...) | UINT64_C(1) << (cover)
_Static_assert((UINT64_C(0) LEDGER(BIT)) == (UINT64_C(1) << BV_COVER_N) - 1,
	       "the ledger states every key and budget");
_Static_assert(BV_LEN(entries) == BV_COVER_N, "and no other");

const struct bvl_ledger *bvl_ledger_wasm(void)
{
	static const struct bvl_ledger ledger = { "wasm", entries,
						  bv_mechanism_digest };

	return &ledger;
}
