/* SPDX-License-Identifier: MIT */
/*
 * Lowering primitives: the single acts a boundary is built of, one const row
 * each. A row says when it may happen (phase), what must have happened before
 * (prerequisites), what must not be beside it (conflicts), which requirements
 * it carries and who can see that it worked (witness). Rows hold no code: the
 * helper's step tables do.
 */
#ifndef BV_CORE_PRIMITIVE_H
#define BV_CORE_PRIMITIVE_H

#include "core/vocab.h"

#include <stddef.h>

#define BV_PRIMITIVE_MAX 64u /* of one universe: sets are 64 bits */
#define BV_SHA256_BYTES  32u

/* Order is the frozen order of a login; numbers go into digests. Teardown is
 * no phase: it is the schedule run backwards. */
enum bv_phase {
	BV_PHASE_RECORD,         /* durable `started`, before any effect */
	BV_PHASE_REGISTER,       /* the session can be found and ended */
	BV_PHASE_CONTAIN,        /* leaf and limits */
	BV_PHASE_NAMESPACE,      /* made, not entered */
	BV_PHASE_FS_SETUP,       /* what the mount view holds */
	BV_PHASE_POLICY_BUILD,   /* ruleset and filter, not installed */
	BV_PHASE_PLACE,          /* the leader into the leaf; hand over */
	BV_PHASE_ENTER,          /* the leader into the namespaces */
	BV_PHASE_PRIVILEGE_DROP, /* no_new_privs, capabilities, cores */
	BV_PHASE_POLICY_INSTALL, /* landlock, seccomp */
	BV_PHASE_FD_HYGIENE,     /* descriptors and environment */
	BV_PHASE_OBSERVE,        /* the kernel's word on it */
	BV_PHASE_LAUNCH,         /* the session begins */
	BV_PHASE_SHELL,          /* in it, each time a shell is launched */
	BV_PHASE_N
};

/* What an act takes of the process that does it. */
#define BV_PRIV_CGROUP    0x1u /* write access to the base */
#define BV_PRIV_SYS_ADMIN 0x2u /* in the user namespace it happens in */
#define BV_PRIV_STATE     0x4u /* write access to state and run directory */
#define BV_PRIV_BPF       0x8u /* CAP_BPF and CAP_NET_ADMIN */

/* What a primitive covers: requirement keys and budgets in one set. */
#define BV_COVER_REQ(r)    ((uint64_t)1 << (unsigned int)(r))
#define BV_COVER_BUDGET(d) ((uint64_t)1 << (BV_REQ_N + (unsigned int)(d)))
#define BV_COVER_N         ((unsigned int)BV_REQ_N + (unsigned int)BV_DIM_N)
_Static_assert((unsigned int)BV_REQ_N + (unsigned int)BV_DIM_N <= 64,
	       "sets are 64 bits");

#define BV_PRIM_BIT(i) ((uint64_t)1 << (unsigned int)(i))

struct bv_primitive {
	const char *id;
	uint32_t version; /* raised with every change of its meaning */
	enum bv_phase phase;
	uint64_t covers;        /* BV_COVER_* */
	uint64_t prerequisites; /* BV_PRIM_BIT set within the universe */
	uint64_t conflicts;     /* either side's word is enough */
	uint32_t privileges;    /* BV_PRIV_* */
	const char *witness;    /* what shows that it worked */
};

/* A closed set of primitives that a schedule is made of and checked against.
 * decl[i] is the digest of row i's declaration. */
struct bv_universe {
	const struct bv_primitive *p;
	size_t n; /* at most BV_PRIMITIVE_MAX */
	const uint8_t (*decl)[BV_SHA256_BYTES];
};

/* Rows of the Linux universe. */
enum bv_prim {
	BV_PRIM_RECORD_STARTED,
	BV_PRIM_SCOPE_ANCHOR,
	BV_PRIM_SESSION_STATE,
	BV_PRIM_OUTBOX_TARGET,
	BV_PRIM_CGROUP_AGGREGATE,
	BV_PRIM_CGROUP_LEAF,
	BV_PRIM_CGROUP_MEMORY,
	BV_PRIM_CGROUP_NETWORK,
	BV_PRIM_CGROUP_PIDS,
	BV_PRIM_NETNS_CREATE,
	BV_PRIM_USERNS_CREATE,
	BV_PRIM_USERNS_NETNS,
	BV_PRIM_VIEW_CREATE,
	BV_PRIM_VIEW_HIDE,
	BV_PRIM_VIEW_LEND,
	BV_PRIM_VIEW_OUTBOX,
	BV_PRIM_VIEW_PRIVATE,
	BV_PRIM_VIEW_READ_ONLY,
	BV_PRIM_VIEW_RECORDS,
	BV_PRIM_VIEW_SERVICES,
	BV_PRIM_LANDLOCK_RULESET,
	BV_PRIM_SECCOMP_FILTER,
	BV_PRIM_CGROUP_PLACE,
	BV_PRIM_SESSION_HANDOVER,
	BV_PRIM_SESSION_WITHDRAW,
	BV_PRIM_NETNS_ENTER,
	BV_PRIM_VIEW_ENTER,
	BV_PRIM_CAPS_DROP,
	BV_PRIM_CORE_FORBID,
	BV_PRIM_HANDLES_LIMIT,
	BV_PRIM_NO_NEW_PRIVS,
	BV_PRIM_LANDLOCK_RESTRICT,
	BV_PRIM_SECCOMP_INSTALL,
	BV_PRIM_ENVIRONMENT,
	BV_PRIM_FDS_CLOEXEC,
	BV_PRIM_SPAWN_FILTER,
	BV_PRIM_SHELL_OFFER,
	BV_PRIM_CAPTURE_STORE,
	BV_PRIM_SHELL_CAPTURE,
	BV_PRIM_SHELL_ENVIRONMENT,
	BV_PRIM_SHELL_FDS,
	BV_PRIM_SHELL_SPAWN,
	BV_PRIM_LEADER_ATTEST,
	BV_PRIM_CPU_WATCH,
	BV_PRIM_WALL_TIMER,
	BV_PRIM_RUN_LAUNCH,
	BV_PRIM_RUN_LAUNCH_USER,
	BV_PRIM_SESSION_RELEASE,
	BV_PRIM_N
};
_Static_assert(BV_PRIM_N <= BV_PRIMITIVE_MAX, "sets are 64 bits");

/* The Linux universe with the frozen digests of its declarations. */
const struct bv_universe *bv_universe_linux(void);

/* Digest of one row: domain, id, version, phase, and the sorted ids of covers,
 * prerequisites and conflicts (both directions). Indexes are not in it. */
void bv_primitive_digest(const struct bv_primitive *row, size_t n, size_t i,
			 uint8_t ret[BV_SHA256_BYTES]);

const char *bv_phase_name(enum bv_phase phase); /* "policy-install"; "?" */

#endif
