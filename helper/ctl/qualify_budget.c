/* SPDX-License-Identifier: MIT */
/* Proofs of the budgets: each is overrun for real. */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define TASKS       4
#define TASKS_TRIED 30
#define MEMORY      (32u << 20)
#define MEMORY_MORE (4u * MEMORY)
#define HANDLES     32
#define BURN_US     UINT64_C(8000000) /* of a budget of one second */
#define LONG_S      30                /* a proof is over long before */

/* Of this process, not of the clock: a busy machine makes no difference. */
static uint64_t used_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static int was_killed(const struct bvh_trial *t, const char *what,
		      struct bv_err *err)
{
	if (WIFSIGNALED(t->end.wait_status) &&
	    WTERMSIG(t->end.wait_status) == SIGKILL)
		return BV_OK;
	return bv_fail(err, BV_E_SYS, "%s was not ended (wait status %#x)",
		       what, (unsigned int)t->end.wait_status);
}

/* --- time ------------------------------------------------------------------ */

static int sleep_long(void *arg)
{
	(void)arg;
	sleep(LONG_S);
	return 0;
}

BVH_PROOF(wall)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "[budget]\nwall = 1s enforced\n");

	if (code == BV_OK)
		code = bvh_trial_go(&t, sleep_long, NULL, err);
	if (code == BV_OK)
		code = was_killed(&t, "a session beyond its wall budget", err);
	if (code == BV_OK && !t.end.wall_used_up)
		code = bv_fail(err, BV_E_SYS, "it ended for another reason");
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

static int burn(void *arg)
{
	(void)arg;
	while (used_us() < BURN_US)
		;
	return 0;
}

/* Mediated, and so within what is stated of it. */
BVH_PROOF(cpu)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	struct bvh_leaf_stats stats;
	int code = bvh_trial_plan(&t, err, "[budget]\ncpu = 1s mediated\n");
	uint64_t most;

	if (code == BV_OK)
		code = bvh_trial_go(&t, burn, NULL, err);
	if (code == BV_OK)
		code = was_killed(&t, "a busy loop beyond its cpu budget", err);
	if (code == BV_OK && !t.end.cpu_used_up)
		code = bv_fail(err, BV_E_SYS, "it ended for another reason");
	if (code != BV_OK)
		return code;
	bvh_leaf_read_stats(&t.run->boundary.leaf, &stats);
	most = 1000000u + t.run->adm.plan.budget[BV_DIM_CPU].max_overshoot;
	if (!stats.has_cpu || stats.cpu_us < 1000000u || stats.cpu_us > most)
		return bv_fail(err, BV_E_SYS,
			       "it used %llu us, of 1000000 with at most %llu",
			       (unsigned long long)stats.cpu_us,
			       (unsigned long long)most);
	return bvh_trial_down(&t, err);
}

/* --- memory and tasks ------------------------------------------------------ */

static int touch_memory(void *arg)
{
	const size_t page = 4096;
	char *all = mmap(NULL, MEMORY_MORE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (all == MAP_FAILED)
		return 1;
	for (size_t at = 0; at < MEMORY_MORE; at += page)
		((volatile char *)all)[at] = 1;
	return 0;
}

BVH_PROOF(memory)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	struct bvh_leaf_stats stats;
	int code = bvh_trial_plan(&t, err, "[budget]\nmemory = %u enforced\n",
				  MEMORY);

	if (code == BV_OK && bvh_outside(touch_memory, NULL) != 0)
		code = bv_fail(err, BV_E_SYS,
			       "control: %u bytes are not to be had at all",
			       MEMORY_MORE);
	if (code == BV_OK)
		code = bvh_trial_go(&t, touch_memory, NULL, err);
	if (code == BV_OK)
		code = was_killed(&t, "who took more memory", err);
	if (code != BV_OK)
		return code;
	bvh_leaf_read_stats(&t.run->boundary.leaf, &stats);
	if (!stats.has_memory_events || stats.memory_oom_kills == 0 ||
	    (stats.has_memory_peak && stats.memory_peak_bytes > MEMORY))
		return bv_fail(err, BV_E_SYS,
			       "memory.events and memory.peak of the leaf do "
			       "not show the limit (%llu kills, peak %llu)",
			       (unsigned long long)stats.memory_oom_kills,
			       (unsigned long long)stats.memory_peak_bytes);
	return bvh_trial_down(&t, err);
}

/* How many children can be had beside oneself. */
static int start_tasks(void *arg)
{
	const pid_t parent = getpid();
	int *ret = arg;

	for (int i = 0; i < TASKS_TRIED; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			/* Our parent does not wait: it may be gone by now, and
			 * the signal with it. */
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			if (getppid() == parent)
				sleep(LONG_S);
			_exit(0);
		}
		if (pid > 0)
			++*ret;
	}
	return 0;
}

static int weigh_tasks(const struct bvh_trial *t, int started,
		       struct bv_err *err)
{
	struct bvh_leaf_stats stats;

	bvh_leaf_read_stats(&t->run->boundary.leaf, &stats);
	if (started >= TASKS)
		return bv_fail(err, BV_E_SYS, "%d tasks beside the first",
			       started);
	if (!stats.has_pids_events || stats.pids_events_max == 0 ||
	    (stats.has_pids_peak && stats.pids_peak > TASKS))
		return bv_fail(err, BV_E_SYS,
			       "pids.events and pids.peak of the leaf do not "
			       "show the limit");
	return BV_OK;
}

BVH_PROOF(processes)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int *started = mmap(NULL, sizeof(*started), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int code;

	if (started == MAP_FAILED)
		return bv_fail_errno(err, errno, "shared memory");
	code = bvh_trial_plan(&t, err, "[budget]\nprocesses = %d enforced\n",
			      TASKS);
	if (code == BV_OK &&
	    (bvh_outside(start_tasks, started) != 0 || *started != TASKS_TRIED))
		code = bv_fail(
			err, BV_E_SYS,
			"control: only %d of %d tasks without a boundary",
			*started, TASKS_TRIED);
	*started = 0;
	if (code == BV_OK)
		code = bvh_trial_go(&t, start_tasks, started, err);
	if (code == BV_OK)
		code = weigh_tasks(&t, *started, err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* --- descriptors ----------------------------------------------------------- */

/* The highest descriptor below or at twice the limit; 0: none at all. */
static int open_many(const struct bvh_stage *s)
{
	int highest = 0, got[2 * HANDLES];
	size_t n = 0;
	int e = 0;

	(void)s;
	while (n < BV_LEN(got) && e == 0) {
		got[n] = dup(STDERR_FILENO);
		if (got[n] < 0)
			e = errno;
		else
			highest = got[n++];
	}
	while (n > 0)
		bvh_close(&got[--n]);
	return highest >= HANDLES ? 0 : e;
}

static int raise_limit(const struct bvh_stage *s)
{
	struct rlimit now;

	(void)s;
	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return errno;
	if (now.rlim_max > HANDLES)
		return 0;
	now.rlim_cur = now.rlim_max = 2 * HANDLES;
	return setrlimit(RLIMIT_NOFILE, &now) != 0 ? errno : 0;
}

BVH_PROOF(handles)
{
	static const struct bvh_attack all[] = {
		{ "raising the limit on descriptors", raise_limit, false, 0 },
		{ "a descriptor beyond the limit", open_many, false, EMFILE },
	};
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "[budget]\nhandles = %d mediated\n",
				  HANDLES);

	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}
