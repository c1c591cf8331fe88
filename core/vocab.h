/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary of the boundary contract: every closed set of terms, with one
 * const name table each. Names are what policies, plans, reports and people
 * read; enum numbers never leave the process. Order of an enum is never a
 * ranking: enforcement has bv_enforcement_meet() for that.
 */
#ifndef BV_CORE_VOCAB_H
#define BV_CORE_VOCAB_H

#include <stdbool.h>
#include <stdint.h>

/* The 17 classification keys: what a boundary can be asked for. */
enum bv_kind {
	BV_KIND_FILESYSTEM,
	BV_KIND_NETWORK_DENY_ALL,
	BV_KIND_NETWORK_ALLOW_LIST,
	BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS,
	BV_KIND_CHILD_SPAWN_ALLOW_THREADS,
	BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS,
	BV_KIND_ENVIRONMENT,
	BV_KIND_INHERITED_FDS_NONE,
	BV_KIND_INHERITED_FDS_ONLY,
	BV_KIND_LAUNCH_WORKLOAD,
	BV_KIND_CAPTURE_STREAMS,
	BV_KIND_TEMP_ROOT,
	BV_KIND_EXPOSE_PATH,
	BV_KIND_COMMIT_ARTIFACT,
	BV_KIND_DISCARD_ARTIFACT,
	BV_KIND_KILL,
	BV_KIND_LIST_OUTPUTS,
	BV_KIND_N
};

/* Requirement keys: a kind, with the parameter where meaning differs. These are
 * what a policy asks for, the matrix states and the machine is measured by;
 * the kind is the family they are counted in. A filesystem key without "file"
 * is about a path and all below it; plain Filesystem is the promise that
 * nothing but the declared roots is there. X(name, kind, text) */
#define BV_REQ_ALL(X)                                                          \
	X(FILESYSTEM, FILESYSTEM, "Filesystem")                                \
	X(FS_READ, FILESYSTEM, "Filesystem(read)")                             \
	X(FS_READ_FILE, FILESYSTEM, "Filesystem(read,file)")                   \
	X(FS_WRITE, FILESYSTEM, "Filesystem(write)")                           \
	X(FS_WRITE_FILE, FILESYSTEM, "Filesystem(write,file)")                 \
	X(FS_EXEC, FILESYSTEM, "Filesystem(exec)")                             \
	X(FS_EXEC_FILE, FILESYSTEM, "Filesystem(exec,file)")                   \
	X(FS_HIDE, FILESYSTEM, "Filesystem(hide)")                             \
	X(NETWORK_DENY_ALL, NETWORK_DENY_ALL, "NetworkDenyAll")                \
	X(NETWORK_ALLOW_LIST, NETWORK_ALLOW_LIST, "NetworkAllowList")          \
	X(SPAWN_DENY_NEW_TASKS, CHILD_SPAWN_DENY_NEW_TASKS,                    \
	  "ChildSpawnDenyNewTasks")                                            \
	X(SPAWN_ALLOW_THREADS, CHILD_SPAWN_ALLOW_THREADS,                      \
	  "ChildSpawnAllowThreads")                                            \
	X(SPAWN_ALLOW_DESCENDANTS, CHILD_SPAWN_ALLOW_DESCENDANTS,              \
	  "ChildSpawnAllowDescendants")                                        \
	X(ENVIRONMENT, ENVIRONMENT, "Environment")                             \
	X(ENVIRONMENT_LEASE, ENVIRONMENT, "Environment(lease)")                \
	X(FDS_NONE, INHERITED_FDS_NONE, "InheritedFdsNone")                    \
	X(FDS_ONLY, INHERITED_FDS_ONLY, "InheritedFdsOnly")                    \
	X(LAUNCH_WORKLOAD, LAUNCH_WORKLOAD, "LaunchWorkload")                  \
	X(CAPTURE_STREAMS, CAPTURE_STREAMS, "CaptureStreams")                  \
	X(TEMP_ROOT, TEMP_ROOT, "TempRoot")                                    \
	X(TEMP_ROOT_SIZED, TEMP_ROOT, "TempRoot(sized)")                       \
	X(EXPOSE_RO, EXPOSE_PATH, "ExposePath(ro)")                            \
	X(EXPOSE_RW, EXPOSE_PATH, "ExposePath(rw)")                            \
	X(COMMIT_ATOMIC, COMMIT_ARTIFACT, "CommitArtifact(atomic)")            \
	X(COMMIT_DURABLE, COMMIT_ARTIFACT, "CommitArtifact(durable)")          \
	X(COMMIT_BEST_EFFORT, COMMIT_ARTIFACT,                                 \
	  "CommitArtifact(best-effort-durable)")                               \
	X(DISCARD_ARTIFACT, DISCARD_ARTIFACT, "DiscardArtifact")               \
	X(KILL_ATOMIC, KILL, "Kill(atomic)")                                   \
	X(KILL_BEST_EFFORT, KILL, "Kill(best-effort)")                         \
	X(LIST_OUTPUTS, LIST_OUTPUTS, "ListOutputs")

enum bv_req {
#define BV_REQ_ENUM(name, kind, text) BV_REQ_##name,
	BV_REQ_ALL(BV_REQ_ENUM)
#undef BV_REQ_ENUM
	BV_REQ_N
};
_Static_assert(BV_REQ_N <= 64, "sets of keys are 64 bits");

/* Of each family a session takes one policy; keys of none stand side by side. */
enum bv_family {
	BV_FAMILY_NONE,
	BV_FAMILY_NETWORK,
	BV_FAMILY_SPAWN,
	BV_FAMILY_FDS,
	BV_FAMILY_TEMP,
	BV_FAMILY_COMMIT,
	BV_FAMILY_KILL,
	BV_FAMILY_N
};

enum bv_enforcement {
	BV_UNSUPPORTED,
	BV_MEDIATED,
	BV_ENFORCED,
	BV_ENFORCEMENT_N
};

/* Bit numbers are frozen: they are written into plans. */
enum bv_evidence {
	BV_EV_TERMINAL_OUTCOME,
	BV_EV_CAPTURED_STREAMS,
	BV_EV_RESOURCE_USAGE,
	BV_EV_ALLOWED_ACTIONS,
	BV_EV_DENIED_ATTEMPTS,
	BV_EV_FILESYSTEM_DELTA,
	BV_EV_PROCESS_TREE,
	BV_EV_NETWORK_ACTIVITY,
	BV_EV_ARTIFACT_LINEAGE,
	BV_EV_MECHANISM_ATTESTATION,
	BV_EV_N
};
#define BV_EV_BIT(e) ((uint32_t)1 << (e))

/* Canonical order of the seven budgets; admission names the first failure. */
enum bv_dim {
	BV_DIM_WALL,      /* microseconds */
	BV_DIM_CPU,       /* microseconds, whole tree */
	BV_DIM_MEMORY,    /* bytes, peak of the whole tree */
	BV_DIM_PROCESSES, /* tasks, peak, leader included */
	BV_DIM_HANDLES,   /* open descriptors */
	BV_DIM_STORAGE,   /* bytes */
	BV_DIM_NETWORK,   /* bytes, both directions */
	BV_DIM_N
};

/* The gate that refused. Order is the frozen order of admission. */
enum bv_membrane {
	BV_MEMBRANE_NONE, /* not refused */
	BV_MEMBRANE_CONFIG,
	BV_MEMBRANE_UNMATCHED,
	BV_MEMBRANE_ACTION, /* the policy itself says refuse */
	BV_MEMBRANE_CONFLICT,
	BV_MEMBRANE_WORKLOAD,
	BV_MEMBRANE_DRIFT, /* the machine is not the one that was probed */
	BV_MEMBRANE_SUPPORT,
	BV_MEMBRANE_EVIDENCE,
	BV_MEMBRANE_BUDGET,
	BV_MEMBRANE_SCHEDULE,
	BV_MEMBRANE_DIVERGENCE, /* the two evaluators do not agree */
	BV_MEMBRANE_N
};

/* Why, within the membrane. */
enum bv_refusal_code {
	BV_REFUSED_NOT,
	BV_REFUSED_CONFIG_POLICY,      /* the file does not parse or resolve */
	BV_REFUSED_CONFIG_ENVIRONMENT, /* the rules of an environment */
	BV_REFUSED_UNMATCHED,
	BV_REFUSED_ACTION,
	BV_REFUSED_CONFLICT_TWICE,  /* the same key again */
	BV_REFUSED_CONFLICT_FAMILY, /* another policy of the family */
	BV_REFUSED_WORKLOAD,
	BV_REFUSED_DRIFT,
	BV_REFUSED_SUPPORT,
	BV_REFUSED_EVIDENCE_REQUIREMENT, /* demanded of one requirement */
	BV_REFUSED_EVIDENCE_SESSION,     /* demanded of the whole */
	BV_REFUSED_BUDGET_MINIMUM,
	BV_REFUSED_BUDGET_CAPACITY,
	BV_REFUSED_BUDGET_GUARANTEE,
	BV_REFUSED_BUDGET_EVIDENCE,
	BV_REFUSED_SCHEDULE_COMPILE,
	BV_REFUSED_SCHEDULE_VERIFY,
	BV_REFUSED_DIVERGENCE,
	BV_REFUSED_N
};

enum bv_budget_reason {
	BV_BUDGET_OK,
	BV_BUDGET_BELOW_MINIMUM,
	BV_BUDGET_CAPACITY,
	BV_BUDGET_GUARANTEE,
	BV_BUDGET_EVIDENCE,
	BV_BUDGET_REASON_N
};

enum bv_outcome {
	BV_OUTCOME_COMPLETED,
	BV_OUTCOME_DENIED,
	BV_OUTCOME_FAILED,
	BV_OUTCOME_TIMEOUT,
	BV_OUTCOME_KILLED,
	BV_OUTCOME_UNSUPPORTED,
	BV_OUTCOME_SUPERVISOR_FAULT,
	BV_OUTCOME_N
};

enum bv_finding {
	BV_FINDING_WITHIN_LIMIT,
	BV_FINDING_LIMIT_REACHED_ENFORCED,
	BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT,
	BV_FINDING_ENFORCEMENT_FAULT,
	BV_FINDING_OBSERVATION_UNAVAILABLE,
	BV_FINDING_NOT_REQUESTED,
	BV_FINDING_N
};

/* Names as written in plans and reports ("NetworkDenyAll", "processes",
 * "resource-usage" …). An out-of-range value gives "?". Never NULL. */
const char *bv_kind_name(enum bv_kind kind);
const char *bv_enforcement_name(enum bv_enforcement e);
const char *bv_evidence_name(enum bv_evidence e);
const char *bv_dim_name(enum bv_dim dim);
const char *bv_dim_unit(enum bv_dim dim); /* "us", "bytes", "tasks", "fds" */
const char *bv_membrane_name(enum bv_membrane m);
const char *bv_refusal_code_name(enum bv_refusal_code c);
const char *bv_req_name(enum bv_req req); /* "Kill(atomic)" */
const char *bv_budget_reason_name(enum bv_budget_reason r);
const char *bv_outcome_name(enum bv_outcome o);
const char *bv_finding_name(enum bv_finding f);

/* Out of range: BV_KIND_N, BV_FAMILY_NONE. */
enum bv_kind bv_req_kind(enum bv_req req);
enum bv_family bv_req_family(enum bv_req req);

/* Reverse look-ups by exact name; false and *ret untouched when unknown. */
bool bv_evidence_from_name(const char *name, enum bv_evidence *ret);
bool bv_kind_from_name(const char *name, enum bv_kind *ret);
bool bv_dim_from_name(const char *name, enum bv_dim *ret);
bool bv_enforcement_from_name(const char *name, enum bv_enforcement *ret);

/* Lattice: Enforced is identity, Unsupported absorbs. */
enum bv_enforcement bv_enforcement_meet(enum bv_enforcement a,
					enum bv_enforcement b);
/* 0, 1, 2: strength for inclusive comparison. */
unsigned int bv_enforcement_strength(enum bv_enforcement e);

#endif
