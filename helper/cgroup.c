/* SPDX-License-Identifier: MIT */
/*
 * One leaf: made with its limits or not at all, read, killed, drained and
 * removed. All of it by descriptor below the base.
 */
#include "helper/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "helper/clock.h"
#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/red.h"

#define REMOVE_DEPTH_MAX 64u
#define REMOVE_DIRS_MAX  4096u
#define LOOKS            50u
#define LOOK_NS          (200L * 1000)

static int write_limit(const struct bvh_leaf *leaf, const char *file,
		       const char *text, struct bv_err *err)
{
	int e = bvh_kernfs_write(leaf->fd, file, text);

	if (e == ENOENT)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "the leaf has no %s: its controller is not "
			       "delegated to the cgroup base (see its "
			       "cgroup.controllers)",
			       file);
	if (e != 0)
		return bv_fail_errno(err, e, "write '%s' to %s", text, file);
	return BV_OK;
}

static int write_number(const struct bvh_leaf *leaf, const char *file,
			uint64_t value, struct bv_err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return write_limit(leaf, file, text, err);
}

static int limit_memory(const struct bvh_leaf *leaf, uint64_t max_bytes,
			struct bv_err *err)
{
	int rc = write_number(leaf, "memory.max", max_bytes, err);

	if (rc == BV_OK)
		rc = write_limit(leaf, "memory.oom.group", "1", err);
	/* Without it the limit is one on resident memory only. A kernel built
	 * without swap has neither the file nor the need. */
	if (rc == BV_OK &&
	    (faccessat(leaf->fd, "memory.swap.max", F_OK, 0) == 0 ||
	     access("/proc/swaps", F_OK) == 0))
		rc = write_limit(leaf, "memory.swap.max", "0", err);
	return rc;
}

#define RATE_PERIOD_US 100000u /* the kernel's own */

static int limit_cpu_rate(const struct bvh_leaf *leaf, unsigned int percent,
			  struct bv_err *err)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 " %u",
		 (uint64_t)percent * (RATE_PERIOD_US / 100u), RATE_PERIOD_US);
	return write_limit(leaf, "cpu.max", text, err);
}

int bvh_leaf_limit(const struct bvh_leaf *leaf,
		   const struct bvh_leaf_limits *limits, struct bv_err *err)
{
	int rc = BV_OK;

	if (limits->has_pids && !bvh_red("pids"))
		rc = write_number(leaf, "pids.max", limits->pids_max, err);
	if (rc == BV_OK && limits->has_memory && !bvh_red("memory"))
		rc = limit_memory(leaf, limits->mem_max_bytes, err);
	if (rc == BV_OK && limits->cpu_rate_percent > 0 && !bvh_red("cpu-rate"))
		rc = limit_cpu_rate(leaf, limits->cpu_rate_percent, err);
	return rc;
}

int bvh_leaf_create(const struct bvh_cgroup_base *base, const char *name,
		    const struct bvh_leaf_limits *limits, struct bvh_leaf *ret,
		    struct bv_err *err)
{
	struct bvh_leaf leaf = { .base_fd = base->fd, .fd = -1 };
	size_t len = strlen(name);
	int rc;

	if (base->fd < 0)
		return bv_fail(err, BV_E_UNSUPPORTED, "no cgroup base: %s",
			       base->why);
	if (len == 0 || len >= sizeof(leaf.name) || name[0] == '.' ||
	    strchr(name, '/') != NULL)
		return bv_fail(err, BV_E_INVAL, "'%.64s' is no leaf name",
			       name);
	memcpy(leaf.name, name, len + 1);
	if (mkdirat(base->fd, name, 0755) != 0)
		return bv_fail_errno(err, errno, "mkdir '%s/%s'", base->path,
				     name);
	leaf.fd = openat(base->fd, name,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf.fd < 0)
		rc = bv_fail_errno(err, errno, "open '%s/%s'", base->path,
				   name);
	else
		rc = bvh_leaf_limit(&leaf, limits, err);
	if (rc != BV_OK) {
		bvh_close(&leaf.fd);
		(void)unlinkat(base->fd, name, AT_REMOVEDIR);
		return rc;
	}
	*ret = leaf;
	return BV_OK;
}

int bvh_leaf_add(const struct bvh_leaf *leaf, pid_t pid, struct bv_err *err)
{
	char text[16];
	int e;

	snprintf(text, sizeof(text), "%d", pid);
	e = bvh_kernfs_write(leaf->fd, "cgroup.procs", text);
	if (e != 0)
		return bv_fail_errno(err, e, "move process %d into '%s'", pid,
				     leaf->name);
	return BV_OK;
}

static bool read_number(const struct bvh_leaf *leaf, const char *file,
			const char *key, uint64_t *ret)
{
	char text[2048];

	return bvh_kernfs_read(leaf->fd, file, text, sizeof(text)) == 0 &&
	       bvh_text_number(text, key, ret);
}

void bvh_leaf_read_stats(const struct bvh_leaf *leaf,
			 struct bvh_leaf_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->has_pids_peak =
		read_number(leaf, "pids.peak", "", &ret->pids_peak);
	ret->has_pids_events =
		read_number(leaf, "pids.events", "max", &ret->pids_events_max);
	ret->has_memory_peak =
		read_number(leaf, "memory.peak", "", &ret->memory_peak_bytes);
	ret->has_cpu =
		read_number(leaf, "cpu.stat", "usage_usec", &ret->cpu_us);
	ret->has_memory_events = read_number(leaf, "memory.events", "oom_kill",
					     &ret->memory_oom_kills);
}

int bvh_leaf_kill(const struct bvh_leaf *leaf, struct bv_err *err)
{
	int e;

	if (bvh_red("kill"))
		return BV_OK;
	e = bvh_kernfs_write(leaf->fd, "cgroup.kill", "1");
	if (e != 0)
		return bv_fail_errno(err, e, "write '1' to '%s/cgroup.kill'",
				     leaf->name);
	return BV_OK;
}

bool bvh_leaf_drain(const struct bvh_leaf *leaf, int deadline_ms)
{
	bv_auto_close int fd =
		openat(leaf->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t end = bvh_now_ms() + deadline_ms;
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	const struct timespec nap = { .tv_nsec = LOOK_NS };
	unsigned int looks = 0;

	/* Gone altogether is as empty as can be. */
	if (fd < 0)
		return errno == ENOENT || errno == ENODEV;
	for (;;) {
		char text[256];
		uint64_t populated;
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		int64_t left = end - bvh_now_ms();

		if (n < 0)
			return errno == ENODEV;
		text[n] = '\0';
		if (!bvh_text_number(text, "populated", &populated))
			return false;
		if (populated == 0)
			return true;
		if (left <= 0)
			return false;
		/* The kernel tells of the change no more often than every
		 * 10 ms: at first it is quicker to look again. */
		if (looks++ < LOOKS) {
			nanosleep(&nap, NULL);
			continue;
		}
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return false;
	}
}

/* Name of the first sub-directory of dirfd into ret; false when none. */
static bool first_subdir(int dirfd, char ret[NAME_MAX + 1])
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	bool found = false;

	if (dir == NULL) {
		bvh_close(&fd);
		return false;
	}
	while (!found && (d = readdir(dir)) != NULL) {
		if (d->d_type != DT_DIR || strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		snprintf(ret, NAME_MAX + 1, "%s", d->d_name);
		found = true;
	}
	closedir(dir);
	return found;
}

/* Down the first branches to a cgroup without children, and remove that one.
 * 0, ENOENT when `name` is gone, or the errno of the removal. */
static int remove_deepest(int base_fd, const char *name, bool *ret_was_top)
{
	bv_auto_close int parent = fcntl(base_fd, F_DUPFD_CLOEXEC, 0);
	char step[NAME_MAX + 1];
	unsigned int depth = 0;

	if (parent < 0)
		return errno;
	snprintf(step, sizeof(step), "%s", name);
	for (;;) {
		char below[NAME_MAX + 1];
		int fd =
			openat(parent, step,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return errno;
		if (++depth > REMOVE_DEPTH_MAX || !first_subdir(fd, below)) {
			bvh_close(&fd);
			break;
		}
		bvh_close(&parent);
		parent = fd;
		memcpy(step, below, sizeof(step));
	}
	*ret_was_top = depth == 1;
	return unlinkat(parent, step, AT_REMOVEDIR) == 0 ? 0 : errno;
}

int bvh_leaf_remove(struct bvh_leaf *leaf, struct bv_err *err)
{
	bool was_top = false;
	int e = 0;

	if (unlinkat(leaf->base_fd, leaf->name, AT_REMOVEDIR) == 0 ||
	    errno == ENOENT)
		return BV_OK;
	for (unsigned int i = 0; i < REMOVE_DIRS_MAX && e == 0; i++) {
		e = remove_deepest(leaf->base_fd, leaf->name, &was_top);
		if (e == 0 && was_top)
			return BV_OK;
	}
	if (e == ENOENT && faccessat(leaf->base_fd, leaf->name, F_OK, 0) != 0)
		return BV_OK;
	return bv_fail_errno(err, e != 0 ? e : EBUSY, "rmdir leaf '%s'",
			     leaf->name);
}

void bvh_leaf_done(struct bvh_leaf *leaf)
{
	bvh_close(&leaf->fd);
	leaf->base_fd = -1;
}

/* The leaf's own path ends with the process's: a process deeper down is cut to
 * the leaf first. Only root can make the same tail nearer to the top. */
bool bvh_leaf_holds(const struct bvh_leaf *leaf, pid_t pid)
{
	char link[64], own[PATH_MAX + 1], path[PATH_MAX];
	size_t len = strlen(leaf->name), own_len;
	char *at = path;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", leaf->fd);
	n = readlink(link, own, sizeof(own) - 1);
	if (n <= 0 || bvh_cgroup_of(pid, path, sizeof(path), NULL) != BV_OK)
		return false;
	own[n] = '\0';
	own_len = (size_t)n;
	while ((at = strstr(at, leaf->name)) != NULL) {
		if (at != path && at[-1] == '/' &&
		    (at[len] == '\0' || at[len] == '/'))
			break;
		at++;
	}
	if (at == NULL)
		return false;
	at[len] = '\0';
	len = strlen(path);
	return own_len > len && strcmp(own + own_len - len, path) == 0;
}
