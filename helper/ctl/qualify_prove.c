/* SPDX-License-Identifier: MIT */
/*
 * One proof, one process: what a proof breaks is its own, and one that hangs
 * is ended. The last word on what is left behind is ours.
 */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/launch.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define DEADLINE_MS 60000
#define DRAIN_MS    5000

#define BUDGET(name) (BV_REQ_N + BV_DIM_##name)

const bvh_proof_fn bvh_proofs[BV_COVER_N] = {
	[BV_REQ_FILESYSTEM] = bvh_proof_filesystem,
	[BV_REQ_FS_READ] = bvh_proof_fs_read,
	[BV_REQ_FS_WRITE] = bvh_proof_fs_write,
	[BV_REQ_FS_EXEC] = bvh_proof_fs_exec,
	[BV_REQ_FS_HIDE] = bvh_proof_fs_hide,
	[BV_REQ_NETWORK_DENY_ALL] = bvh_proof_deny_all,
	[BV_REQ_NETWORK_ALLOW_LIST] = bvh_proof_allow_list,
	[BV_REQ_SPAWN_DENY_NEW_TASKS] = bvh_proof_deny_tasks,
	[BV_REQ_SPAWN_ALLOW_THREADS] = bvh_proof_threads,
	[BV_REQ_SPAWN_ALLOW_DESCENDANTS] = bvh_proof_descendants,
	[BV_REQ_ENVIRONMENT] = bvh_proof_environment,
	[BV_REQ_ENVIRONMENT_LEASE] = bvh_proof_lease,
	[BV_REQ_FDS_NONE] = bvh_proof_fds_none,
	[BV_REQ_FDS_ONLY] = bvh_proof_fds_only,
	[BV_REQ_LAUNCH_WORKLOAD] = bvh_proof_launch,
	[BV_REQ_CAPTURE_STREAMS] = bvh_proof_capture,
	[BV_REQ_TEMP_ROOT] = bvh_proof_temp_root,
	[BV_REQ_TEMP_ROOT_SIZED] = bvh_proof_storage,
	[BV_REQ_EXPOSE_RO] = bvh_proof_expose_ro,
	[BV_REQ_EXPOSE_RW] = bvh_proof_expose_rw,
	[BV_REQ_COMMIT_ATOMIC] = bvh_proof_commit_atomic,
	[BV_REQ_COMMIT_DURABLE] = bvh_proof_commit_durable,
	[BV_REQ_COMMIT_BEST_EFFORT] = bvh_proof_commit_best_effort,
	[BV_REQ_DISCARD_ARTIFACT] = bvh_proof_discard,
	[BV_REQ_LIST_OUTPUTS] = bvh_proof_list_outputs,
	[BV_REQ_KILL_ATOMIC] = bvh_proof_kill,
	[BV_REQ_KILL_BEST_EFFORT] = bvh_proof_kill,
	[BUDGET(WALL)] = bvh_proof_wall,
	[BUDGET(CPU)] = bvh_proof_cpu,
	[BUDGET(MEMORY)] = bvh_proof_memory,
	[BUDGET(PROCESSES)] = bvh_proof_processes,
	[BUDGET(HANDLES)] = bvh_proof_handles,
	[BUDGET(STORAGE)] = bvh_proof_storage,
	[BUDGET(NETWORK)] = bvh_proof_network,
};

static _Noreturn void prover(const struct bvh_stage *s, unsigned int cover,
			     struct bvh_outcome *o, pid_t parent)
{
	/* What attackers say is nobody's to read. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct bv_err err = { 0 };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || null < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	o->code = bvh_proofs[cover](s, o, &err);
	snprintf(o->text, sizeof(o->text), "%s",
		 o->code == BV_OK ? "" : err.msg);
	o->said = true;
	_exit(0);
}

/* The leaf of a trial whose prover did not come to take it down, or could
 * not. */
static void clean_up(const struct bvh_stage *s, const struct bvh_outcome *o)
{
	struct bvh_leaf leaf = { .base_fd = s->base.fd, .fd = -1 };

	char socket_path[sizeof(BVH_LAUNCH_DIR) + 1 + BV_SESSION_ID_LEN];

	if (o->session[0] == '\0')
		return;
	snprintf(socket_path, sizeof(socket_path), BVH_LAUNCH_DIR "/%s",
		 o->session);
	(void)unlink(socket_path);
	bvh_boundary_leaf_name(o->session, leaf.name);
	leaf.fd = openat(s->base.fd, leaf.name,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf.fd < 0)
		return;
	(void)!bvh_leaf_kill(&leaf, NULL);
	(void)bvh_leaf_drain(&leaf, DRAIN_MS);
	(void)!bvh_leaf_remove(&leaf, NULL);
	bvh_leaf_done(&leaf);
}

/* Everybody whose parent we are, but the prover. By the kernel's list, which none
 * of them can leave. */
static void kill_children(void)
{
	char text[4096], path[64];
	char *save = NULL;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		 (int)getpid());
	if (bvh_kernfs_read(AT_FDCWD, path, text, sizeof(text)) != 0)
		return;
	for (const char *w = strtok_r(text, " \n", &save); w != NULL;
	     w = strtok_r(NULL, " \n", &save))
		(void)kill((pid_t)strtol(w, NULL, 10), SIGKILL);
}

/* What outlived its prover is our child by now (PR_SET_CHILD_SUBREAPER), whatever
 * it did to get away: daemons of a proof whose guard is broken, or that was ended
 * at its deadline before it came to end them. None of them is a session's. */
static void end_orphans(void)
{
	const struct timespec nap = { .tv_nsec = 5 * 1000 * 1000 };

	for (int i = 0; i < DRAIN_MS / 5; i++) {
		const pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno != EINTR)
			return;
		if (pid != 0)
			continue; /* it may have left us its own */
		kill_children();
		(void)nanosleep(&nap, NULL);
	}
}

/* Its end, or the deadline. */
static void await(pid_t pid, struct bvh_outcome *o)
{
	bv_auto_close int pidfd = bvh_sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int rc;

	do
		rc = poll(&p, 1, DEADLINE_MS);
	while (rc < 0 && errno == EINTR);
	if (rc == 0) {
		(void)kill(pid, SIGKILL);
		o->code = BV_E_TIMEOUT;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static enum bvl_result result_of(const struct bvh_outcome *o, char *reason)
{
	snprintf(reason, BV_ERR_MSG_MAX, "%s", o->text);
	if (!o->said) {
		snprintf(reason, BV_ERR_MSG_MAX, "%s",
			 o->code == BV_E_TIMEOUT
				 ? "the proof did not come to an end"
				 : "the proof died");
		return BVL_FAIL;
	}
	if (o->code == BV_OK)
		return BVL_PASS;
	return o->code == BV_E_UNSUPPORTED ? BVL_SKIP : BVL_FAIL;
}

/* What the machine lacks for the row, by the ceiling of a run or, for what only
 * bvisor-shell does, of a login with it; NULL: nothing. */
static const char *lacks(const struct bvh_stage *s, unsigned int cover,
			 struct bv_profile *p)
{
	struct bv_snapshot snap = s->snap;

	bv_profile_derive(&s->snap, p);
	if (cover >= BV_REQ_N)
		return p->budget[cover - BV_REQ_N].enforcement == BV_UNSUPPORTED
			       ? p->budget[cover - BV_REQ_N].missing
			       : NULL;
	if (p->req[cover].enforcement != BV_UNSUPPORTED)
		return NULL;
	if (bv_snapshot_set(&snap, BV_FACT_EXEC_BOUNDARY, "shell", NULL) ==
	    BV_OK)
		bv_profile_derive(&snap, p);
	return p->req[cover].enforcement == BV_UNSUPPORTED
		       ? p->req[cover].missing
		       : NULL;
}

enum bvl_result bvh_prove(const struct bvh_stage *s, unsigned int cover,
			  char *reason)
{
	struct bvh_outcome *o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum bvl_result result = BVL_FAIL;
	struct bv_profile profile;
	const pid_t self = getpid();
	const char *missing = lacks(s, cover, &profile);
	pid_t pid;

	if (missing != NULL) {
		snprintf(reason, BV_ERR_MSG_MAX, "%s", missing);
		result = BVL_SKIP;
	} else if (bvh_proofs[cover] == NULL) {
		snprintf(reason, BV_ERR_MSG_MAX,
			 "bvisorctl qualify has no proof of it");
		result = BVL_SKIP;
	} else if (o == MAP_FAILED ||
		   prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
		   (pid = fork()) < 0) {
		snprintf(reason, BV_ERR_MSG_MAX, "no process for the proof");
	} else {
		if (pid == 0)
			prover(s, cover, o, self);
		await(pid, o);
		clean_up(s, o);
		end_orphans();
		result = result_of(o, reason);
	}
	if (o != MAP_FAILED)
		(void)munmap(o, sizeof(*o));
	return result;
}
