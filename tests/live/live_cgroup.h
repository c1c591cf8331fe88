/* SPDX-License-Identifier: MIT */
/* A cgroup base of the test's own, at the top of the v2 tree, and gone after. */
#ifndef BV_TESTS_LIVE_CGROUP_H
#define BV_TESTS_LIVE_CGROUP_H

#include "tests/live/live.h"

#include <limits.h>
#include <mntent.h>

#include "helper/cgroup.h"

static inline bool live_cgroup_mount(char *ret, size_t ret_len)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false;

	while (f != NULL && !found && (m = getmntent(f)) != NULL) {
		if (strcmp(m->mnt_type, "cgroup2") == 0) {
			snprintf(ret, ret_len, "%s", m->mnt_dir);
			found = true;
		}
	}
	if (f != NULL)
		endmntent(f);
	return found;
}

static inline void live_base_path(char *ret, size_t ret_len, const char *tag)
{
	char mount[256];

	LIVE_NEED(geteuid() == 0, "root");
	LIVE_NEED(live_cgroup_mount(mount, sizeof(mount)), "a cgroup v2 mount");
	snprintf(ret, ret_len, "%s/bv-test-%s-%d", mount, tag, getpid());
}

/* Find (and so make) the base at `path`. */
static inline void live_base_open(const char *path, struct bvh_cgroup_base *ret)
{
	struct bv_err err = { 0 };

	assert_int_equal(bvh_cgroup_base_find(path, ret, &err), BV_OK);
	LIVE_NEED(ret->source == BVH_BASE_CONFIGURED, ret->why);
}

static inline void live_base_remove(const char *path)
{
	char dir[PATH_MAX + 32];

	bool gone = false;

	snprintf(dir, sizeof(dir), "%s/" BVH_GUARDIANS_DIR, path);
	/* Who was waited for may be on its way out of a cgroup still. */
	for (int i = 0; i < 3000 && !gone; i++) {
		(void)rmdir(dir);
		gone = rmdir(path) == 0;
		if (!gone)
			usleep(10000);
	}
	assert_true(gone);
}

/* The v2 line of /proc/PID/cgroup, read here and not by what is tested. */
static inline void live_cgroup_line(pid_t pid, char *ret, size_t ret_len)
{
	char file[64], line[PATH_MAX];
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	f = fopen(file, "re");
	assert_non_null(f);
	ret[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0)
			snprintf(ret, ret_len, "%s", line + 3);
	}
	fclose(f);
}

#endif
