/* SPDX-License-Identifier: MIT */
/* The wasm matrix: every key stated, and its ceiling. */
#include "core/support_wasm.h"

#include <stddef.h>

enum source {
	LINUX,  /* the session's boundary, as Linux has it */
	LAUNCH, /* that boundary, with bvisor-wasm as the account's shell */
	SHELL,  /* bvisor-wasm itself, as the account's shell */
	NEVER,  /* no mechanism: structurally, or not built */
};

struct row {
	enum source source;
	struct bv_verdict best; /* of LAUNCH, SHELL and NEVER */
};

#define AS_LINUX                                                               \
	{                                                                      \
		LINUX,                                                         \
		{                                                              \
			0                                                      \
		}                                                              \
	}
#define OUT(why, what_to_do)                                                   \
	{                                                                      \
		NEVER,                                                         \
		{                                                              \
			.enforcement = BV_UNSUPPORTED,                         \
			.mechanism = "wasm:none", .missing = (why),            \
			.remedy = (what_to_do)                                 \
		}                                                              \
	}
#define SOLE_PROGRAM                                                           \
	{                                                                      \
		LAUNCH,                                                        \
		{                                                              \
			.enforcement = BV_ENFORCED,                            \
			.evidence = BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION),    \
			.mechanism = "wasm:session_commit+sole_executable",    \
			.missing = "", .remedy = ""                            \
		}                                                              \
	}

#define NOT_BUILT "not built in this release"
#define UNBUILT   OUT(NOT_BUILT, "do not ask for it")
#define NO_EXEC                                                                \
	OUT("no file but bvisor-wasm is executed in a wasm session",           \
	    "remove [filesystem] exec")
/* Its filter is on before it looks at a line, and nothing else is executed. */
#define ONE_TASK                                                               \
	{                                                                      \
		SHELL,                                                         \
		{                                                              \
			.enforcement = BV_ENFORCED,                            \
			.mechanism = "wasm:inline+seccomp_spawn",              \
			.missing = "", .remedy = ""                            \
		}                                                              \
	}
#define NO_THREADS                                                             \
	OUT("modules have no threads",                                         \
	    "set [spawn] policy = none or descendants")
#define BY_GRANT(what_to_do)                                                   \
	OUT("what a module is given is stated in its own file below wasm.d",   \
	    what_to_do)
#define ONLY_STREAMS                                                           \
	OUT("bvisor-wasm closes all but the three streams whatever the "       \
	    "policy says, and nobody else sees to it",                         \
	    "remove [fds]")

/* ROW(key, row); every key of BV_REQ_ALL once. */
#define MATRIX(ROW)                                                            \
	ROW(FILESYSTEM, AS_LINUX)                                              \
	ROW(FS_READ, AS_LINUX)                                                 \
	ROW(FS_READ_FILE, AS_LINUX)                                            \
	ROW(FS_WRITE, AS_LINUX)                                                \
	ROW(FS_WRITE_FILE, AS_LINUX)                                           \
	ROW(FS_EXEC, NO_EXEC)                                                  \
	ROW(FS_EXEC_FILE, NO_EXEC)                                             \
	ROW(FS_HIDE, AS_LINUX)                                                 \
	ROW(NETWORK_DENY_ALL, AS_LINUX)                                        \
	ROW(NETWORK_ALLOW_LIST,                                                \
	    OUT("modules have no sockets", "set [network] access = deny"))     \
	ROW(SPAWN_DENY_NEW_TASKS, ONE_TASK)                                    \
	ROW(SPAWN_ALLOW_THREADS, NO_THREADS)                                   \
	ROW(SPAWN_ALLOW_DESCENDANTS, AS_LINUX)                                 \
	ROW(ENVIRONMENT,                                                       \
	    BY_GRANT("set [environment] there, not in the policy"))            \
	ROW(ENVIRONMENT_LEASE, BY_GRANT("remove [environment]"))               \
	ROW(FDS_NONE, ONLY_STREAMS)                                            \
	ROW(FDS_ONLY, ONLY_STREAMS)                                            \
	ROW(LAUNCH_WORKLOAD, SOLE_PROGRAM)                                     \
	ROW(CAPTURE_STREAMS, OUT(NOT_BUILT, "set [session] capture = no"))     \
	ROW(TEMP_ROOT, AS_LINUX)                                               \
	ROW(TEMP_ROOT_SIZED, AS_LINUX)                                         \
	ROW(EXPOSE_RO, BY_GRANT("remove [expose]"))                            \
	ROW(EXPOSE_RW, BY_GRANT("remove [expose]"))                            \
	ROW(COMMIT_ATOMIC, UNBUILT)                                            \
	ROW(COMMIT_DURABLE, UNBUILT)                                           \
	ROW(COMMIT_BEST_EFFORT, UNBUILT)                                       \
	ROW(DISCARD_ARTIFACT, UNBUILT)                                         \
	ROW(KILL_ATOMIC, AS_LINUX)                                             \
	ROW(KILL_BEST_EFFORT, AS_LINUX)                                        \
	ROW(LIST_OUTPUTS, UNBUILT)

#define MATRIX_ROW(key, ...) [BV_REQ_##key] = __VA_ARGS__,
static const struct row rows[] = { MATRIX(MATRIX_ROW) };

#define KEY_BIT(key, ...) | UINT64_C(1) << BV_REQ_##key
_Static_assert((UINT64_C(0) MATRIX(KEY_BIT)) == (UINT64_C(1) << BV_REQ_N) - 1,
	       "the matrix states every key");

const struct bv_verdict *bv_support_wasm(enum bv_req req)
{
	if ((unsigned int)req >= BV_REQ_N)
		return NULL;
	return rows[req].source == LINUX ? bv_support_linux(req)
					 : &rows[req].best;
}

static const struct bv_verdict without_shell = {
	.enforcement = BV_UNSUPPORTED,
	.mechanism = "wasm:none",
	.missing = "the account's shell is not bvisor-wasm, which alone can be "
		   "executed in a wasm session",
	.remedy = "make " BV_WASM_PATH " the account's shell, or set "
		  "[workload] kind = process",
	.fact = { BV_FACT_EXEC_BOUNDARY },
};

void bv_profile_wasm(const struct bv_snapshot *snap, struct bv_profile *ret)
{
	const bool shell =
		bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY, "wasm");
	const struct bv_verdict *launch = &ret->req[BV_REQ_LAUNCH_WORKLOAD];

	if (!bv_snapshot_has_word(snap, BV_FACT_BACKEND, "wasm"))
		return;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		struct bv_verdict *v = &ret->req[r];

		if (rows[r].source == NEVER)
			*v = rows[r].best;
		else if (rows[r].source != LINUX && !shell)
			*v = without_shell;
		else if (rows[r].source == LAUNCH &&
			 v->enforcement != BV_UNSUPPORTED)
			*v = bv_verdict_meet(v, &rows[r].best);
	}
	/* What a launch lacks, the shell's own filter lacks as well. */
	for (unsigned int r = 0; r < BV_REQ_N; r++)
		if (rows[r].source == SHELL)
			ret->req[r] = launch->enforcement == BV_UNSUPPORTED
					      ? *launch
					      : rows[r].best;
}
