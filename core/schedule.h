/* SPDX-License-Identifier: MIT */
/*
 * The order in which a plan is carried out. The compiler makes it, the verifier
 * (written apart, schedule_verify.c) accepts it or says which of nine rules it
 * breaks, the helper executes it and, to undo, runs it backwards. Every entry
 * is bound to its primitive's declaration and to its actual parameters, the
 * whole by one digest. Pure.
 */
#ifndef BV_CORE_SCHEDULE_H
#define BV_CORE_SCHEDULE_H

#include "core/err.h"
#include "core/primitive.h"

struct bv_plan;

/* Who carries an entry out. */
enum bv_actor {
	BV_ACTOR_GUARDIAN, /* the helper; bvisorctl itself for a run */
	BV_ACTOR_LEADER, /* the session leader, by its module; a run's child */
	BV_ACTOR_SHELL, /* bvisor-shell, at each launch, as it is handed over */
	BV_ACTOR_N
};

/* One primitive chosen for a plan; order among choices means nothing. */
struct bv_choice {
	uint32_t index; /* in the universe */
	enum bv_actor actor;
	uint8_t param[BV_SHA256_BYTES]; /* of its canonical parameters */
};

struct bv_schedule_entry {
	uint32_t index;
	uint32_t version;
	enum bv_phase phase;
	enum bv_actor actor;
	const char *id; /* the universe's own text */
	uint8_t param[BV_SHA256_BYTES];
	uint8_t decl[BV_SHA256_BYTES];
};

struct bv_schedule {
	struct bv_schedule_entry entry[BV_PRIMITIVE_MAX];
	size_t n;
	char digest[2 * BV_SHA256_BYTES + 1]; /* over all entries, hex */
};

/* First failure wins, in this order. The first five are the compiler's, the
 * rest the verifier's nine. */
enum bv_schedule_code {
	BV_SCHEDULE_OK,
	/* compile */
	BV_COMPILE_DUPLICATE,
	BV_COMPILE_CONFLICT, /* a: the smaller id */
	BV_COMPILE_MISSING_PREREQUISITE,
	BV_COMPILE_PHASE_ORDER, /* b, a's prerequisite, has a later phase */
	BV_COMPILE_CYCLE,
	BV_COMPILE_INDEX, /* before all others: no such primitive */
	/* verify */
	BV_VERIFY_INDEX,
	BV_VERIFY_DUPLICATE,
	BV_VERIFY_DECLARATION,
	BV_VERIFY_MISSING_PREREQUISITE,
	BV_VERIFY_CONFLICT,
	BV_VERIFY_PREREQUISITE_ORDER,
	BV_VERIFY_PHASE_ORDER,
	BV_VERIFY_UNCOVERED,
	BV_VERIFY_NON_CANONICAL,
	BV_SCHEDULE_CODE_N
};

/* What broke, for people. a and b are ids, "" where there is none. */
struct bv_schedule_fault {
	enum bv_schedule_code code;
	const char *a;
	const char *b;
};

/* Any universe, any selection. Gives the code, and *ret only with
 * BV_SCHEDULE_OK; ret_fault may be NULL. */
enum bv_schedule_code bv_schedule_compile(const struct bv_universe *u,
					  const struct bv_choice *choice,
					  size_t n, struct bv_schedule *ret,
					  struct bv_schedule_fault *ret_fault);

/* Is this order the one and only for its set, and does it carry everything
 * required (BV_COVER_* set)? Shares nothing with the compiler. */
enum bv_schedule_code bv_schedule_verify(const struct bv_universe *u,
					 const struct bv_schedule *s,
					 uint64_t required,
					 struct bv_schedule_fault *ret_fault);

/* The digest that s's entries have; s->digest is not looked at. */
void bv_schedule_digest(const struct bv_schedule *s,
			char ret[2 * BV_SHA256_BYTES + 1]);

/* "MissingPrerequisite"; "?" out of range. */
const char *bv_schedule_code_name(enum bv_schedule_code code);

/* --- the Linux backend ----------------------------------------------------- */

/* Parameters of the steps: what the plan says, made up once, in the form the
 * kernel is told. The parameter digests are over these and over the spec. */
struct bv_lowered {
	bool session;        /* a login; else `bvisorctl run` */
	bool user_namespace; /* a run without privilege */
	bool has_pids, has_memory, has_wall, has_cpu, has_handles;
	uint64_t pids_max;
	uint64_t mem_max_bytes;
	bool has_user; /* limits over all sessions of the user; 0: not that */
	uint64_t user_pids_max, user_mem_max_bytes;
	uint64_t wall_us;
	uint64_t cpu_us;
	uint32_t cpu_rate_percent; /* of one processor; 0: none */
	uint64_t cpus; /* how many may use it up at once, at least 1 */
	uint64_t handles_max;
	bool netns;
	bool net_list; /* the plan's spec has the peers */
	bool has_network;
	uint64_t network_bytes;
	bool temp_private;
	uint64_t tmp_size_bytes; /* 0: the kernel's default */
	bool hides;
	bool read_only; /* landlock alone cannot stop truncate */
	uint32_t landlock_abi;
	bool deny_sockets, notify_signals, notify_bus; /* of the filter */
	bool plain_sockets;                            /* likewise */
	bool no_new_privs;
	bool shell;        /* bvisor-shell stands where the shell is started */
	bool exposes;      /* paths of the host are bound into the view */
	bool outbox;       /* settled at the close */
	bool spawn_filter; /* new tasks, or new processes, are denied */
	bool capture;      /* streams go through the guardian's recorders */
};

void bv_lowered_from_plan(const struct bv_plan *plan, struct bv_lowered *ret);

/* What the plan's requirements and stated budgets ask to be covered. */
uint64_t bv_schedule_required(const struct bv_plan *plan);

/* Selection of a plan (its spec, snapshot, admitted and budgets; its id and
 * schedule are not looked at), then compile. The last step of admission is
 *	code = bv_schedule_build(&plan, &plan.schedule, &fault);
 *	if (code == BV_SCHEDULE_OK)
 *		code = bv_schedule_check(&plan, &plan.schedule, &fault);
 * and anything but BV_SCHEDULE_OK refuses (membrane schedule), with
 * bv_schedule_explain() as its text. plan.schedule.digest goes into the plan's
 * encoding. */
enum bv_schedule_code bv_schedule_build(const struct bv_plan *plan,
					struct bv_schedule *ret,
					struct bv_schedule_fault *ret_fault);

/* bv_schedule_verify() against the Linux universe and the plan's needs. */
enum bv_schedule_code bv_schedule_check(const struct bv_plan *plan,
					const struct bv_schedule *s,
					struct bv_schedule_fault *ret_fault);

/* "schedule: MissingPrerequisite: linux.cgroup.place.v1, linux.cgroup.leaf.v1"
 */
void bv_schedule_explain(const struct bv_schedule_fault *fault, char *ret,
			 size_t ret_len);

/* Before anything is lowered: the digest is that of the entries, the entries
 * are those of the plan compiled anew (parameters included), and the verifier
 * accepts them. BV_E_BUG with the difference otherwise. */
int bv_schedule_recheck(const struct bv_plan *plan, const struct bv_schedule *s,
			struct bv_err *err) BV_MUST_CHECK;

const struct bv_schedule_entry *bv_schedule_find(const struct bv_schedule *s,
						 enum bv_prim prim);

#endif
