/* SPDX-License-Identifier: MIT */
/* Shared by the qualify*.c files; nobody else. */
#ifndef BVH_CTL_QUALIFY_H
#define BVH_CTL_QUALIFY_H

#include "helper/ctl/run.h"
#include "ledger/qualified.h"

#include <time.h>

/* Who is confined: nobody's account, so that nobody's files are at stake. */
#define BVH_STAGE_UID 65534u
#define BVH_STAGE_GID 65534u

/* How long a proof waits for what has to happen. */
#define BVH_PROOF_WAIT_MS 20000

/*
 * The stage of all proofs: a tmpfs at dir, seen by nobody else, because it is
 * mounted in a mount namespace of our own:
 *	home/      the user's, the one directory every trial lets be written
 *	outside/   everybody's by its mode; no trial lets it be touched
 *	readable/  with hidden/ in it
 *	exec/      a program
 */
struct bvh_stage {
	char dir[PATH_MAX];
	struct bv_config config;
	struct bvh_cgroup_base base;
	struct bv_snapshot snap; /* as a run has it */
};

int bvh_stage_open(const char *config_dir, struct bv_arena *arena,
		   struct bvh_stage *ret, struct bv_err *err) BV_MUST_CHECK;
void bvh_stage_close(struct bvh_stage *s);

/* "DIR/NAME" into a static buffer that the next call but seven reuses: for
 * one-threaded provers. */
const char *bvh_stage_path(const struct bvh_stage *s, const char *name);

/* The caller becomes the one who is confined. */
int bvh_stage_become_user(void);

/* --- one boundary ---------------------------------------------------------- */

/* What the process that proves leaves for the one that waits for it: shared. */
struct bvh_outcome {
	bool said;
	int code; /* BV_OK passed; BV_E_UNSUPPORTED skipped; else failed */
	char text[BV_ERR_MSG_MAX];
	char session[BV_SESSION_ID_LEN + 1]; /* of the trial that is on */
};

struct bvh_trial {
	const struct bvh_stage *stage;
	struct bvh_run *run;
	struct bvh_run_end end;
	int signal_fd;
	struct bvh_outcome *outcome;
};
#define BVH_TRIAL(s, o)                                                        \
	{                                                                      \
		.stage = (s), .signal_fd = -1, .outcome = (o)                  \
	}

/* Policy → plan by the planner itself, not capped by any ledger. lines come
 * behind [filesystem] base and home; network is open and /tmp is the host's
 * unless they say otherwise. What this machine cannot do is BV_E_UNSUPPORTED. */
int bvh_trial_plan(struct bvh_trial *t, struct bv_err *err, const char *fmt,
		   ...) BV_PRINTF(3, 4) BV_MUST_CHECK;

/* The boundary, and in it `inside` or, when that is NULL, the command. The
 * child lives when BV_OK is returned. */
int bvh_trial_begin(struct bvh_trial *t, int (*inside)(void *), void *arg,
		    char **argv, struct bv_err *err) BV_MUST_CHECK;

/* Until the child has ended. Its own faults on the way in are errors. */
int bvh_trial_wait(struct bvh_trial *t, struct bv_err *err) BV_MUST_CHECK;

/* The boundary down again, as at the end of every run. Whatever happened
 * before; also called by the end of the variable's scope. */
int bvh_trial_down(struct bvh_trial *t, struct bv_err *err) BV_MUST_CHECK;
void bvh_trial_done(struct bvh_trial *t);
#define bv_auto_trial __attribute__((cleanup(bvh_trial_done)))

/* What a guardian would plan for a login of the same user by the same policy with
 * these lines, its shell being bvisor-shell; ret is initialised. */
int bvh_trial_login(const struct bvh_trial *t, const char *lines,
		    struct bvh_admission *ret,
		    struct bv_err *err) BV_MUST_CHECK;

/* The three in one, for what needs no look in between. */
int bvh_trial_go(struct bvh_trial *t, int (*inside)(void *), void *arg,
		 struct bv_err *err) BV_MUST_CHECK;

/* --- attacks --------------------------------------------------------------- */

struct bvh_attack {
	const char *what;
	/* As the user; 0: it worked, else the errno. */
	int (*go)(const struct bvh_stage *s);
	bool works; /* inside the boundary as well: what must not break */
	int also;   /* this errno is a stop too, beside EACCES, EPERM, EROFS */
};

/* Without a boundary every one of them works: else they show nothing. */
int bvh_attacks_control(const struct bvh_stage *s,
			const struct bvh_attack *attack, size_t n,
			struct bv_err *err) BV_MUST_CHECK;
/* In the trial's, planned and not yet begun: stopped, but for what works. */
int bvh_attacks_inside(struct bvh_trial *t, const struct bvh_attack *attack,
		       size_t n, struct bv_err *err) BV_MUST_CHECK;

/* A function in a child without any boundary, as the user; its status, or -1
 * when it was ended otherwise. */
int bvh_outside(int (*fn)(void *), void *arg);

/* --- the proofs ------------------------------------------------------------ */

/* One proof of a row: BV_OK, or what went wrong. */
typedef int (*bvh_proof_fn)(const struct bvh_stage *s, struct bvh_outcome *o,
			    struct bv_err *err);

/* [BV_COVER_N]: NULL is a skip, that is, nothing proved here. */
extern const bvh_proof_fn bvh_proofs[BV_COVER_N];

#define BVH_PROOF(name)                                                        \
	int bvh_proof_##name(const struct bvh_stage *s, struct bvh_outcome *o, \
			     struct bv_err *err)
BVH_PROOF(filesystem);
BVH_PROOF(fs_read);
BVH_PROOF(fs_write);
BVH_PROOF(fs_exec);
BVH_PROOF(fs_hide);
BVH_PROOF(temp_root);
BVH_PROOF(storage);
BVH_PROOF(deny_all);
BVH_PROOF(allow_list);
BVH_PROOF(expose_ro);
BVH_PROOF(expose_rw);
BVH_PROOF(deny_tasks);
BVH_PROOF(threads);
BVH_PROOF(descendants);
BVH_PROOF(kill);
BVH_PROOF(launch);
BVH_PROOF(environment);
BVH_PROOF(lease);
BVH_PROOF(fds_none);
BVH_PROOF(fds_only);
BVH_PROOF(wall);
BVH_PROOF(cpu);
BVH_PROOF(memory);
BVH_PROOF(processes);
BVH_PROOF(handles);
BVH_PROOF(network);
BVH_PROOF(commit_atomic);
BVH_PROOF(commit_durable);
BVH_PROOF(commit_best_effort);
BVH_PROOF(discard);
BVH_PROOF(list_outputs);
BVH_PROOF(capture);

/* One row in a process of its own, within its deadline; what a prover that died
 * left behind is removed. reason is at least BV_ERR_MSG_MAX bytes. */
enum bvl_result bvh_prove(const struct bvh_stage *s, unsigned int cover,
			  char *reason);

/* --- programs to look at --------------------------------------------------- */

/* Open in whoever starts the program, in proofs about descriptors. */
#define BVH_SENTINEL 50
#define BVH_KEPT     51

/* A program in the boundary that waits for its standard input. */
struct bvh_watched {
	int to_fd, from_fd; /* its stdin and stdout */
};
void bvh_watched_close(struct bvh_watched *w);
#define bv_auto_watched __attribute__((cleanup(bvh_watched_close)))

/* Our own stdin and stdout become its: it inherits them. */
int bvh_watched_pipes(struct bvh_watched *ret,
		      struct bv_err *err) BV_MUST_CHECK;
/* Until `mark` has come out of it, at most len - 1 bytes into ret. */
int bvh_watched_until(struct bvh_watched *w, const char *mark, char *ret,
		      size_t len, struct bv_err *err) BV_MUST_CHECK;

/* In the boundary of `t`, planned: bvisor-shell's launch of argv by the launch
 * policy, whose lines may be of the exec boundary. */
int bvh_launch_in(struct bvh_trial *t, const char *lines, const char *shell,
		  char **argv, struct bv_err *err) BV_MUST_CHECK;

#endif
