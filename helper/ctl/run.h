/* SPDX-License-Identifier: MIT */
/* Shared by run.c, run_env.c, run_start.c, run_child.c, run_wait.c; nobody
 * else. */
#ifndef BVH_CTL_RUN_H
#define BVH_CTL_RUN_H

#include "core/report.h"
#include "helper/admission.h"
#include "helper/boundary.h"
#include "helper/limits.h"
#include "helper/spawn_filter.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

/* What the child says before it is the command, one write(2) each (less than
 * PIPE_BUF). The pipe's end without BVH_NOTE_READY means that it died on the
 * way; the end after it, that execve(2) worked. */
enum bvh_note_kind {
	BVH_NOTE_READY = 1,
	BVH_NOTE_FAULT,
	BVH_NOTE_EXEC_FAILED,
};

struct bvh_note {
	uint32_t kind; /* enum bvh_note_kind */
	int32_t sys_errno;
	int32_t code; /* enum bv_code */
	char msg[BV_ERR_MSG_MAX];
};

/* One run. Heap: some hundred kilobytes. */
struct bvh_run {
	struct bvh_admission adm;
	struct bvh_boundary boundary;
	struct bvh_course course;
	bool decided; /* admission came to an end: adm.decision holds */
	bool started; /* the course has a schedule that was checked */
	char id[BV_SESSION_ID_LEN + 1];
	bool user_namespace; /* the caller has no privilege to build with */
	bool state_written;

	/* The command, all of it settled before the child exists; or, in its
	 * place, what the child does instead: its return is the status. */
	int (*inside)(void *arg);
	void *inside_arg;
	char **argv;
	char **envp;
	char cwd[PATH_MAX]; /* "" unknown */
	bool switch_user;
	gid_t *gids;
	size_t gids_n;
	sigset_t mask;              /* the caller's, restored for the command */
	struct sigaction file_size; /* … and what it did on SIGXFSZ */
	struct rlimit file_limit;   /* … from this size on */
	bool file_unlimited;        /* the limit is to be restored as well */
	struct bvh_spawn_bpf spawn; /* the child's last filter */

	/* The parent's ends. */
	pid_t parent;
	pid_t child;
	int pidfd;
	int status_fd;     /* the child's notes */
	int listener_sock; /* brings the seccomp listener, or -1 */
	int listener_fd;
	int wall_fd; /* -1: no wall budget */
	struct bvh_cpu_watch cpu;
};

/* How it ended. */
struct bvh_run_end {
	int wait_status;
	bool started; /* the command was executed */
	bool wall_used_up;
	bool cpu_used_up;
	bool cpu_blind;       /* … could not be seen any more */
	struct bvh_note note; /* kind 0: none but READY came */
};

struct bvh_run *bvh_run_new(void); /* NULL: no memory */
void bvh_run_free(struct bvh_run *r);

/* Admitted and settled: the boundary, and the child in it. What was done stays
 * until bvh_course_back(&r->course), also after a failure. */
int bvh_run_begin(struct bvh_run *r, struct bv_err *err) BV_MUST_CHECK;

/* The command's environment into r->envp, NULL-terminated, malloc'ed: the
 * policy's exact table, or the few variables a session keeps. */
int bvh_run_environment(struct bvh_run *r, char *const *from,
			struct bv_err *err) BV_MUST_CHECK;
void bvh_run_environment_free(struct bvh_run *r);

/* The child's ends of what the parent made for it. */
struct bvh_run_ends {
	int status_fd;
	int listener_sock; /* -1: no listener is asked for */
	int go_fd;         /* end of file: go; -1: nothing to wait for */
	int go_parent_fd;  /* the parent's copy, closed by the child */
};

/* bvisorctl's rows of the schedule: the clone into the leaf (and, without
 * privilege, into a user namespace), and the wall timer. */
extern const struct bvh_step bvh_run_steps[BV_PRIM_N];

/* The child, from clone3(2) to execve(2), by the leader's entries of the same
 * schedule; never returns. */
_Noreturn void bvh_run_child(struct bvh_run *r,
			     const struct bvh_run_ends *ends);

/* Signals blocked and descriptor-ready, before the child exists. */
int bvh_run_block_signals(struct bvh_run *r, int *ret_signal_fd,
			  struct bv_err *err) BV_MUST_CHECK;

/* Until the command has ended: passes signals on, judges its signals where
 * landlock cannot, ends it when its time is up. */
int bvh_run_wait(struct bvh_run *r, int signal_fd, struct bvh_run_end *ret,
		 struct bv_err *err) BV_MUST_CHECK;

#endif
