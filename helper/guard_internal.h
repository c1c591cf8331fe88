/* SPDX-License-Identifier: MIT */
/* Shared by guard.c, guard_steps.c, guard_open.c, guard_loop.c, guard_end.c,
 * guard_journal.c, guard_anchor.c, guard_child.c and guard_limits.c; nobody else. */
#ifndef BVH_GUARD_INTERNAL_H
#define BVH_GUARD_INTERNAL_H

#include "core/audit.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "helper/admission.h"
#include "helper/boundary.h"
#include "helper/guard_io.h"
#include "helper/journal.h"
#include "helper/limits.h"
#include "helper/outbox.h"
#include "helper/session.h"

#include <sha2.h>
#include <stdatomic.h>

/* Limits that the kernel keeps, and the counters that tell when. */
enum bvh_hit {
	BVH_HIT_PROCESSES,
	BVH_HIT_MEMORY,
	BVH_HIT_N
};

struct bvh_hit_watch {
	int fd; /* -1: nothing to watch; else POLLPRI when it has changed */
	uint64_t count;
	uint64_t told_us;  /* on the boot clock, 0 never */
	uint64_t again_us; /* not looked at before */
};

/* What records this session's streams; see guard_capture.c. */
#define BVH_RECORDERS_MAX 32u

struct bvh_recorder {
	pid_t pid; /* 0: a free place */
	int fd;    /* what it says; its end is the recorder's */
	pid_t peer;
	int peer_pidfd;
	uint64_t number;
	bool begun, ended;
};

struct bvh_capture {
	int dir_fd; /* -1: nothing is recorded */
	int epoll_fd;
	int manifest_fd;
	uint64_t manifest_size;
	SHA2_CTX manifest_sha;
	_Atomic uint64_t *stored; /* shared with the recorders */
	uint64_t launches, kept, cut, lost;
	struct bvh_recorder recorder[BVH_RECORDERS_MAX];
};

/* The kernel tells nobody of a packet that it drops: looked at by a timer. */
struct bvh_traffic_watch {
	int timer_fd; /* -1: no network budget */
	uint64_t refused;
	uint64_t told_us; /* on the boot clock, 0 never */
};

/* What was said of the outbox last; the one artifact of a session. */
#define BVH_OUTBOX_ARTIFACT "outbox"
struct bvh_guard_disposition {
	enum bv_disposition_phase phase;
	enum bv_disposition decision;
	char reason[BV_ERR_MSG_MAX];
};

/* See guard_outbox.c. */
struct bvh_guard_outbox {
	int target_fd;  /* the administrator's directory; -1: discard */
	int dir_fd;     /* the session's, once it is made */
	bool published; /* what was in it stands at the target */
	bool decided;   /* the journal has the decision */
	bool unsaid;    /* … or else it has not what is `last` */
	struct bvh_guard_disposition last;
	struct bvh_outbox_list list;
};

/* What the shells of a wasm session tell; see guard_wasm.c. */
#define BVH_WASM_SHELLS_MAX 16u

struct bvh_wasm_shell {
	int fd;       /* -1: a free place */
	uint64_t seq; /* of its last record */
};

struct bvh_wasm_watch {
	int epoll_fd;      /* -1: nobody was there yet */
	uint64_t again_us; /* not looked at before */
	struct bvh_wasm_shell shell[BVH_WASM_SHELLS_MAX];
	struct bv_commands told;
};

#define BVH_DENIALS_LISTED 8u
#define BVH_DENIALS_EARLY  4u

/* What was denied, see guard_denials.c. */
struct bvh_denials {
	int fd;          /* -1: nothing can be heard, and why */
	const char *why; /* static */
	uint64_t domain; /* ours, 0 not known yet */
	uint64_t n;      /* denials of this session */
	uint64_t unlisted;
	uint64_t lost;
	uint64_t again_us; /* not looked at before */
	size_t seen_n;
	char seen[BVH_DENIALS_LISTED][160];
	size_t early_n;
	struct bv_audit early[BVH_DENIALS_EARLY];
};

/* What the guardian knows of its one session. Heap: some hundred kilobytes. */
struct bvh_guard {
	int sock;
	pid_t leader;
	int leader_pidfd;
	uint64_t leader_start;
	/* Whom the boundary is put on: the leader, or a child of it. */
	pid_t confined;
	int confined_pidfd; /* the leader's own, or ours to close */
	uint64_t confined_start;
	bool gated;  /* commit=child: the leader has the gate alone */
	int gate_fd; /* … and we its listener, or -1 */
	bool gate_told;
	char id[BV_SESSION_ID_LEN +
		1]; /* of the attempt, then of the session */

	struct bvh_packet request_packet; /* request's strings live in it */
	struct bvp_request request;
	uint16_t request_type;
	struct bvh_login login;
	struct bvh_admission adm;

	struct bvh_boundary boundary;
	struct bvh_course course;
	bool started; /* the course has a schedule that was checked */
	const struct bvh_ending *ending; /* set before the course goes back */
	struct bv_lifeline life;
	struct bv_report report;
	char first_cgroup[PATH_MAX]; /* where the leader came from */
	char trial[PATH_MAX];
	bool placed;   /* the leader is in the leaf */
	bool returned; /* … and was moved back: its close has begun */
	uint64_t returned_boot_us;
	pid_t anchor; /* see guard_anchor.c; 0 none */
	int anchor_pidfd;
	bool state_written;
	int record_fd;
	struct bvl_head head; /* of the journal, after our last event */
	int listener_fd;
	int launch_fd; /* where bvisor-shell asks; -1: no exec boundary */
	struct bvh_capture capture;
	struct bvh_wasm_watch wasm;
	uint64_t launches;
	uint64_t launch_refusals;
	bool committed;              /* the module has answered */
	unsigned int filters_before; /* of the confined, before its commit */
	uint32_t commit_flags;       /* BVP_FLAG_* of the answer */
	int wall_fd;                 /* -1: no wall budget */
	uint64_t wall_end_us;        /* on the boot clock */
	struct bvh_cpu_watch cpu;
	struct bvh_hit_watch hit[BVH_HIT_N];
	struct bvh_traffic_watch traffic;
	struct rlimit files_before; /* of the confined */
	struct bvh_guard_outbox outbox;
	uint64_t opened_boot_us;
	struct bvh_denials denials;
	struct bvh_packet packet; /* what came last */
};

/* Why a session ends. */
struct bvh_ending {
	enum bv_outcome outcome;
	const char *reason;
	bool keep_leader; /* moved back and left alone, not killed */
};

/* One verdict to the module; log lines are written here as well. text NULL
 * gives "". */
void bvh_guard_reply(struct bvh_guard *g, enum bvp_verdict verdict,
		     const char *text);

/* The schedule forwards, from the record to the release. On failure the reason
 * stands in err and bvh_guard_end() undoes what was done. */
int bvh_guard_open(struct bvh_guard *g, struct bv_err *err) BV_MUST_CHECK;

/* Until the session ends, whichever way; *ret says how. */
void bvh_guard_loop(struct bvh_guard *g, struct bvh_ending *ret);

/* The schedule backwards, from wherever it stands. Used for the end of a session
 * and to undo one that did not begin; harmless on what is not there. */
void bvh_guard_end(struct bvh_guard *g, const struct bvh_ending *ending);

/* Keep the login manager's scope alive while the leader is in our leaf: one
 * idle process of ours stays there. No scope, nothing to do. */
int bvh_guard_anchor_start(struct bvh_guard *g,
			   struct bv_err *err) BV_MUST_CHECK;
void bvh_guard_anchor_end(struct bvh_guard *g);

/* The leader back into its first cgroup, once. */
void bvh_guard_return_leader(struct bvh_guard *g);
/* What the leader started since, into the leaf; true when there was any. */
bool bvh_guard_take_kin(struct bvh_guard *g);
/* No close came after all: the leader and what it started go into the leaf. */
void bvh_guard_retake_leader(struct bvh_guard *g);

/* The leader, or with commit=child what will come; before the course runs. */
void bvh_guard_choose_confined(struct bvh_guard *g);
/* Waits for that child, when it is one. */
int bvh_guard_meet_confined(struct bvh_guard *g,
			    struct bv_err *err) BV_MUST_CHECK;
/* The gate's listener is readable. False: it is dead. */
bool bvh_guard_on_gate(struct bvh_guard *g);
void bvh_guard_confined_done(struct bvh_guard *g);

/* A second login in the same process: its verdict is sent. */
void bvh_guard_second(struct bvh_guard *g, const struct bvh_packet *packet);

/* The guardian's rows: what a session has beyond a boundary. */
extern const struct bvh_step bvh_guard_steps[BV_PRIM_N];
/* Hooks of the course: the leader's turn, and what the report is told. */
int bvh_guard_await(struct bvh_course *c, const struct bv_schedule_entry *e,
		    struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_seen(struct bvh_course *c, const struct bv_schedule_entry *e,
		   struct bv_err *err) BV_MUST_CHECK;
/* Undoing halves that belong to the end, see guard_end.c. */
int bvh_guard_undo_record(struct bvh_course *c,
			  struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_undo_leaf(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_undo_place(struct bvh_course *c,
			 struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_undo_state(struct bvh_course *c,
			 struct bv_err *err) BV_MUST_CHECK;

/* The exec boundary's socket, and one who asks there: guard_launch.c. */
int bvh_guard_offer(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_offer_undo(struct bvh_course *c,
			 struct bv_err *err) BV_MUST_CHECK;
void bvh_guard_launch(struct bvh_guard *g);
/* The plan, to who is checked already; streams: and what to give in return. */
int bvh_guard_hand_over(const struct bvh_guard *g, int sock, bool streams,
			struct bv_err *err) BV_MUST_CHECK;
void bvh_guard_launched(struct bvh_guard *g, pid_t pid);
void bvh_guard_launch_refused(struct bvh_guard *g, const char *why);

/* --- guard_capture.c ------------------------------------------------------- */

void bvh_guard_capture_init(struct bvh_capture *c);
/* The row's halves. */
int bvh_guard_capture_run(struct bvh_course *c,
			  struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_capture_undo(struct bvh_course *c,
			   struct bv_err *err) BV_MUST_CHECK;
/* Are this launch's streams to be recorded? Not again inside of one that is. */
bool bvh_guard_records(const struct bvh_guard *g, pid_t peer);
/* A recorder for it, which takes the conversation over. */
int bvh_guard_record(struct bvh_guard *g, int sock, pid_t peer, int *peer_pidfd,
		     struct bv_err *err) BV_MUST_CHECK;
/* Recorders have something to say. */
void bvh_guard_on_recorders(struct bvh_guard *g);

/* --- guard_wasm.c ----------------------------------------------------------- */

void bvh_guard_wasm_init(struct bvh_wasm_watch *w);
/* Takes the socket of one that was checked and answered, when it has a place. */
void bvh_guard_wasm_hear(struct bvh_wasm_watch *w, int *sock);
/* Shells have something to say. */
void bvh_guard_on_wasm(struct bvh_guard *g);
/* The last words, and the end of it. */
void bvh_guard_wasm_stop(struct bvh_guard *g);

/* --- guard_journal.c ------------------------------------------------------- */

/* `started`, durable; without it nothing may have an effect. */
int bvh_guard_say_started(struct bvh_guard *g,
			  struct bv_err *err) BV_MUST_CHECK;
/* The outbox's last disposition, durable. */
int bvh_guard_say_disposition(struct bvh_guard *g,
			      struct bv_err *err) BV_MUST_CHECK;
/* The sealed report's digest. What the journal does not take is logged: the
 * report is on disk, and recovery folds it in. */
void bvh_guard_say_report(struct bvh_guard *g, const char *sha256);
/* A matched user who was refused. */
void bvh_guard_say_refusal(struct bvh_guard *g, const char *text);

/* Arm the wall timer's next firing, absolute on the boot clock. */
int bvh_guard_arm_wall(const struct bvh_guard *g, uint64_t at_us);

/* --- guard_limits.c -------------------------------------------------------- */

/* The rows' halves. */
int bvh_guard_cpu_run(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_cpu_undo(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_handles_run(struct bvh_course *c,
			  struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_handles_undo(struct bvh_course *c,
			   struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_temp_undo(struct bvh_course *c, struct bv_err *err) BV_MUST_CHECK;

/* guard_network.c: what the leaf's programs are, have counted and have dropped. */
int bvh_guard_attest_network(struct bvh_guard *g,
			     struct bv_err *err) BV_MUST_CHECK;
void bvh_guard_measure_network(struct bvh_guard *g);
void bvh_guard_traffic_start(struct bvh_guard *g);
void bvh_guard_traffic_stop(struct bvh_guard *g);
void bvh_guard_on_traffic(struct bvh_guard *g);

/* To whoever reads: the user on the terminals, the administrator in syslog. */
void bvh_guard_tell(const struct bvh_guard *g, const char *text);
/* --- guard_outbox.c -------------------------------------------------------- */

/* The target, before any effect; settled when that is undone. */
int bvh_guard_outbox_target(struct bvh_course *c,
			    struct bv_err *err) BV_MUST_CHECK;
int bvh_guard_outbox_settle(struct bvh_course *c,
			    struct bv_err *err) BV_MUST_CHECK;
/* The directory, inside the view. */
int bvh_guard_outbox_make(struct bvh_course *c,
			  struct bv_err *err) BV_MUST_CHECK;

/* Numbers of the leaf into the report, while it stands. */
void bvh_guard_measure(struct bvh_guard *g);

/* The cpu timer fired: true ends the session. */
bool bvh_guard_on_cpu(struct bvh_guard *g, struct bvh_ending *e);

/* Four fifths of the wall budget are gone. */
void bvh_guard_warn_wall(struct bvh_guard *g);

/* Open and close the counters of stated budgets; without them hits are only
 * found at the end. */
void bvh_guard_hits_start(struct bvh_guard *g);
void bvh_guard_hits_stop(struct bvh_guard *g);
/* The counter has changed: a line to the user, to syslog, into the report. */
void bvh_guard_on_hit(struct bvh_guard *g, enum bvh_hit kind);
/* Did the kernel kill for want of memory? */
bool bvh_guard_out_of_memory(const struct bvh_guard *g);

/* --- guard_denials.c ------------------------------------------------------- */

/* Listen, from before the commit on; what cannot be heard is said. */
void bvh_guard_denials_start(struct bvh_guard *g);
void bvh_guard_on_denials(struct bvh_guard *g);
void bvh_guard_denials_stop(struct bvh_guard *g);
/* A signal that the guardian itself refused (no Landlock scope): no audit needed. */
void bvh_guard_note_signal(struct bvh_guard *g, pid_t target);

uint64_t bvh_unix_us(void);
uint64_t bvh_boot_us(void); /* runs on while the machine sleeps */

#endif
