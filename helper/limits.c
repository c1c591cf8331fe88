/* SPDX-License-Identifier: MIT */
/* See limits.h. */
#include "helper/limits.h"

#include "core/budget.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/red.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* --- processor time -------------------------------------------------------- */

static int arm(const struct bvh_cpu_watch *w)
{
	const uint64_t in_us =
		bv_cpu_sample_us(w->used_us, w->limit_us, w->cpus);
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(in_us / 1000000u),
			      .tv_nsec = (long)(in_us % 1000000u) * 1000 },
	};

	return timerfd_settime(w->timer_fd, 0, &when, NULL);
}

int bvh_cpu_watch_start(struct bvh_cpu_watch *w, uint64_t limit_us,
			uint64_t cpus, struct bv_err *err)
{
	/* What sleeps uses nothing up: monotonic, not boot time. */
	w->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	w->limit_us = limit_us;
	w->cpus = cpus;
	w->used_us = 0;
	if (w->timer_fd >= 0 && arm(w) == 0)
		return BV_OK;
	(void)bv_fail_errno(err, errno, "timer of the cpu budget");
	bvh_close(&w->timer_fd);
	return BV_E_SYS;
}

void bvh_cpu_watch_stop(struct bvh_cpu_watch *w)
{
	bvh_close(&w->timer_fd);
}

enum bvh_cpu_look bvh_cpu_watch_look(struct bvh_cpu_watch *w,
				     const struct bvh_leaf *leaf)
{
	struct bvh_leaf_stats s;
	uint64_t fired;

	(void)!read(w->timer_fd, &fired, sizeof(fired));
	bvh_leaf_read_stats(leaf, &s);
	if (!s.has_cpu)
		return BVH_CPU_BLIND;
	w->used_us = s.cpu_us;
	if (w->used_us >= w->limit_us && !bvh_red("cpu"))
		return BVH_CPU_USED_UP;
	return arm(w) == 0 ? BVH_CPU_BELOW : BVH_CPU_BLIND;
}

/* --- descriptors ----------------------------------------------------------- */

static bool limit_word(const char **at, uint64_t *ret)
{
	char *end;

	*at += strspn(*at, " ");
	if (strncmp(*at, "unlimited", 9) == 0) {
		*ret = UINT64_MAX;
		*at += 9;
		return true;
	}
	errno = 0;
	*ret = strtoull(*at, &end, 10);
	if (end == *at || errno != 0)
		return false;
	*at = end;
	return true;
}

bool bvh_limits_text_files(const char *text, uint64_t *ret_soft,
			   uint64_t *ret_hard)
{
	static const char name[] = "Max open files";
	const char *at = strstr(text, name);
	uint64_t soft, hard;

	if (at == NULL || (at != text && at[-1] != '\n'))
		return false;
	at += sizeof(name) - 1;
	if (!limit_word(&at, &soft) || !limit_word(&at, &hard))
		return false;
	*ret_soft = soft;
	*ret_hard = hard;
	return true;
}

static int read_back(pid_t pid, uint64_t max, struct bv_err *err)
{
	char path[64], text[4096];
	uint64_t soft, hard;
	int e;

	snprintf(path, sizeof(path), "/proc/%d/limits",
		 (int)(pid == 0 ? getpid() : pid));
	e = bvh_kernfs_read(AT_FDCWD, path, text, sizeof(text));
	if (e != 0)
		return bv_fail_errno(err, e, "read '%s'", path);
	if (!bvh_limits_text_files(text, &soft, &hard))
		return bv_fail(err, BV_E_SYS, "'%s' shows no open files", path);
	if ((soft > max || hard > max) && !bvh_red("handles"))
		return bv_fail(err, BV_E_SYS,
			       "'%s' shows %" PRIu64 " and %" PRIu64
			       " open files, not %" PRIu64,
			       path, soft, hard, max);
	return BV_OK;
}

/* A process lowers its own by the call that the session's filter lets pass. */
static int set_files(pid_t pid, const struct rlimit *l)
{
	return pid == 0 ? setrlimit(RLIMIT_NOFILE, l)
			: prlimit(pid, RLIMIT_NOFILE, l, NULL);
}

int bvh_handles_limit(pid_t pid, uint64_t max, struct rlimit *ret_before,
		      struct bv_err *err)
{
	struct rlimit before, after;
	int code;

	if ((pid == 0 ? getrlimit(RLIMIT_NOFILE, &before)
		      : prlimit(pid, RLIMIT_NOFILE, NULL, &before)) != 0)
		return bv_fail_errno(err, errno,
				     "read the limit of open "
				     "files");
	after = before;
	if (after.rlim_max > max)
		after.rlim_max = (rlim_t)max;
	if (after.rlim_cur > max)
		after.rlim_cur = (rlim_t)max;
	if (!bvh_red("handles") && set_files(pid, &after) != 0)
		return bv_fail_errno(err, errno,
				     "set the limit of open files to %" PRIu64,
				     max);
	*ret_before = before;
	code = pid == 0 ? BV_OK : read_back(pid, max, err);
	if (code != BV_OK)
		(void)set_files(pid, &before);
	return code;
}

int bvh_handles_restore(pid_t pid, const struct rlimit *before,
			struct bv_err *err)
{
	if (set_files(pid, before) != 0 && errno != ESRCH)
		return bv_fail_errno(err, errno,
				     "restore the limit of open "
				     "files");
	return BV_OK;
}
