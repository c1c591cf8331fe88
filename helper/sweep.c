/* SPDX-License-Identifier: MIT */
/* What dead guardians left. A session with a living leader is not touched: it
 * is still confined, and its user may be in the middle of something. */
#include "helper/sweep.h"

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/launch.h"
#include "helper/log.h"
#include "helper/session.h"
#include "helper/sys.h"
#include "helper/usernode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define SWEEP_DRAIN_MS 1000

/* A leaf younger than this may belong to a guardian that has not written its
 * state file yet; no guardian needs a tenth of it. */
#define YOUNG_S 60

#define SWEEP_EVERY_S 2

/* A zombie is dead, whoever has yet to reap it. */
bool bvh_process_lives(pid_t pid, uint64_t start)
{
	bv_auto_close int fd = bvh_sys_pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = 0;

	return fd >= 0 && bvh_proc_start(pid, &now, NULL) == BV_OK &&
	       now == start && poll(&p, 1, 0) == 0;
}

static bool open_leaf(const char *path, int *ret_parent, struct bvh_leaf *ret)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	bv_auto_close int dir = -1;
	size_t len;

	if (slash == NULL || slash == path)
		return false;
	len = (size_t)(slash - path);
	if (len >= sizeof(parent) ||
	    strncmp(slash + 1, BVH_LEAF_PREFIX, sizeof(BVH_LEAF_PREFIX) - 1) !=
		    0 ||
	    strlen(slash + 1) >= sizeof(ret->name))
		return false;
	memcpy(parent, path, len);
	parent[len] = '\0';
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	ret->fd = openat(dir, slash + 1,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->fd < 0)
		return false;
	snprintf(ret->name, sizeof(ret->name), "%s", slash + 1);
	*ret_parent = bvh_fd_take(&dir);
	ret->base_fd = *ret_parent;
	return true;
}

/* The user's node above the leaf, if there is one and nobody needs it. */
static void remove_node_of(const char *leaf)
{
	char path[PATH_MAX];
	const char *slash = strrchr(leaf, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - leaf);

	if (len == 0 || len >= sizeof(path) ||
	    bvh_user_node_strip(leaf, len) == len)
		return;
	memcpy(path, leaf, len);
	path[len] = '\0';
	(void)rmdir(path);
}

/* As the leaf counts them; without the controller by name. */
static uint64_t count_tasks(const struct bvh_leaf *leaf)
{
	char text[8192];
	uint64_t n = 0;

	if (bvh_kernfs_read(leaf->fd, "pids.current", text, sizeof(text)) ==
		    0 &&
	    bvh_text_number(text, "", &n))
		return n;
	if (bvh_kernfs_read(leaf->fd, "cgroup.procs", text, sizeof(text)) != 0)
		return 0;
	for (const char *s = text; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

bool bvh_sweep_look(const char *path, uint64_t *ret_tasks)
{
	struct bvh_leaf leaf = { .base_fd = -1, .fd = -1 };
	bv_auto_close int parent = -1;

	*ret_tasks = 0;
	if (!open_leaf(path, &parent, &leaf))
		return false;
	*ret_tasks = count_tasks(&leaf);
	bvh_leaf_done(&leaf);
	return true;
}

int bvh_sweep_leaf(const char *path, uint64_t *ret_swept, struct bv_err *err)
{
	struct bvh_leaf leaf = { .base_fd = -1, .fd = -1 };
	bv_auto_close int parent = -1;
	uint64_t tasks;
	int code;

	*ret_swept = 0;
	if (!open_leaf(path, &parent, &leaf))
		return BV_OK;
	tasks = count_tasks(&leaf);
	code = bvh_leaf_kill(&leaf, err);
	if (code == BV_OK && !bvh_leaf_drain(&leaf, SWEEP_DRAIN_MS))
		code = bv_fail(err, BV_E_TIMEOUT,
			       "'%s' still holds processes after %d ms", path,
			       SWEEP_DRAIN_MS);
	if (code == BV_OK)
		code = bvh_leaf_remove(&leaf, err);
	bvh_leaf_done(&leaf);
	if (code != BV_OK)
		return code;
	remove_node_of(path);
	*ret_swept = tasks + 1;
	return BV_OK;
}

int bvh_sweep_files(const char *run_dir, const char *id, struct bv_err *err)
{
	char path[128];

	if (snprintf(path, sizeof(path), BVH_LAUNCH_DIR "/%s", id) <
	    (int)sizeof(path))
		(void)unlink(path);
	return bvh_session_remove(run_dir, id, err);
}

static bool has_state(const struct bvh_session_state *all, size_t n,
		      const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].id, id) == 0)
			return true;
	}
	return false;
}

/* rmdir refuses a leaf that holds processes, so this cannot free anybody. */
static void remove_ownerless(int base_fd, const char *in, bool is_base,
			     const struct bvh_session_state *all, size_t n)
{
	size_t prefix = sizeof(BVH_LEAF_PREFIX) - 1;
	int fd = openat(base_fd, in,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		bvh_close(&fd);
		return;
	}
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		struct stat st;

		/* One step down and no further: nodes hold leaves alone. */
		if (is_base && bvh_user_node_is(e->d_name, strlen(e->d_name))) {
			remove_ownerless(fd, e->d_name, false, all, n);
			bvh_user_node_remove(fd, e->d_name);
			continue;
		}
		if (strncmp(e->d_name, BVH_LEAF_PREFIX, prefix) != 0 ||
		    has_state(all, n, e->d_name + prefix) ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    time(NULL) - st.st_ctime < YOUNG_S)
			continue;
		if (unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0)
			bvh_log(LOG_NOTICE, "removed the empty leaf %s",
				e->d_name);
	}
	closedir(dir);
}

/* Two hundred sessions that end together would each look at two hundred state
 * files: one of them a second does it for all. */
bool bvh_sweep_is_due(const char *run_dir)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_NOW },
					 { .tv_nsec = UTIME_NOW } };
	char path[PATH_MAX];
	bv_auto_close int fd = -1;
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/swept", run_dir) >=
	    (int)sizeof(path))
		return true;
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		fd = open(path,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0600);
		return fd >= 0 || errno != EEXIST;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0)
		return false;
	if (time(NULL) - st.st_mtime < SWEEP_EVERY_S &&
	    time(NULL) >= st.st_mtime)
		return false;
	(void)futimens(fd, now);
	return true;
}

void bvh_sweep_ownerless(const struct bvh_cgroup_base *base,
			 const struct bvh_session_state *all, size_t n)
{
	remove_ownerless(base->fd, ".", true, all, n);
}
