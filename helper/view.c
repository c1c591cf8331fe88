/* SPDX-License-Identifier: MIT */
/*
 * The session's namespaces, made and left again, and its private directories.
 * What fills the view is a step of the schedule each: what a later one opens by
 * path, it opens in what the earlier ones built.
 */
#include "helper/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/cgroup_mounts.h"
#include "helper/fd.h"
#include "helper/mntns.h"
#include "helper/path.h"
#include "helper/plumbing.h"
#include "helper/red.h"
#include "helper/sys.h"
#include "helper/view_parts.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#define STAGE              "/tmp"
#define RUNTIME_SIZE_BYTES (64u << 20) /* /run/user without a private /tmp */
#define PRIVATE_MAX        8u

struct private_set {
	int fd[PRIVATE_MAX]; /* a mount for each row of bvh_private_dirs */
	dev_t dev;
};

static bool is_wanted(const struct bvh_private_dir *dir,
		      const struct bv_spec *spec)
{
	if (dir->always)
		return !bvh_red("run-user");
	return spec->temp_private && !bvh_red("tmp");
}

static int make_dir(int dirfd, const char *name, unsigned int mode,
		    struct bv_err *err)
{
	/* chmod: the umask is not ours to trust */
	if (mkdirat(dirfd, name, 0700) != 0 ||
	    fchmodat(dirfd, name, (mode_t)mode, 0) != 0)
		return bv_fail_errno(err, errno, "mkdir '%s'", name);
	return BV_OK;
}

static int make_runtime_dir(int fs_fd, const struct bv_spec *spec,
			    const struct bvh_view_options *o,
			    struct bv_err *err)
{
	const struct bv_subject *who = spec->subject;
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "run-user/%u", who->uid);
	rc = make_dir(fs_fd, name, 0700, err);
	if (rc != BV_OK || o->user_namespace)
		return rc;
	if (fchownat(fs_fd, name, who->uid, who->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return bv_fail_errno(err, errno, "chown '%s'", name);
	return BV_OK;
}

/* One tmpfs holds all private directories, so that its size is the budget of
 * all together. Before Linux 6.15 only an attached mount can be cloned from:
 * it is put on /tmp for that moment. */
static int stage_clones(int fs_fd, struct private_set *set, struct bv_err *err)
{
	bv_auto_close int target = -1;
	int rc = bvh_path_open(STAGE, NULL, &target, err);

	if (rc == BV_OK)
		rc = bvh_mount_attach(fs_fd, target, STAGE, err);
	if (rc != BV_OK)
		return rc;
	for (size_t i = 0; i < bvh_private_dirs_n && rc == BV_OK; i++)
		rc = bvh_mount_clone(fs_fd, bvh_private_dirs[i].name, false,
				     &set->fd[i], err);
	if (umount2(STAGE, MNT_DETACH) != 0 && rc == BV_OK)
		rc = bv_fail_errno(err, errno, "umount '%s'", STAGE);
	return rc;
}

static int make_private(const struct bv_spec *spec,
			const struct bvh_view_options *o,
			struct private_set *set, struct bv_err *err)
{
	uint64_t size =
		spec->temp_private ? o->tmp_size_bytes : RUNTIME_SIZE_BYTES;
	bv_auto_close int fs_fd = -1;
	struct stat st;
	int rc = bvh_mount_tmpfs(bvh_red("tmp-size") ? 0 : size, "0755", &fs_fd,
				 err);

	for (size_t i = 0; i < bvh_private_dirs_n && rc == BV_OK; i++)
		rc = make_dir(fs_fd, bvh_private_dirs[i].name,
			      bvh_private_dirs[i].mode, err);
	if (rc == BV_OK)
		rc = make_runtime_dir(fs_fd, spec, o, err);
	if (rc == BV_OK && fstat(fs_fd, &st) != 0)
		rc = bv_fail_errno(err, errno, "stat of a tmpfs");
	if (rc != BV_OK)
		return rc;
	set->dev = st.st_dev;
	return stage_clones(fs_fd, set, err);
}

/* A target that this machine lacks is skipped; so is one that already leads
 * into ours (/var/tmp as a link to /tmp). */
static int attach_private(const struct private_set *set, size_t i,
			  struct bv_err *err)
{
	const char *path = bvh_private_dirs[i].path;
	bv_auto_close int target = -1;
	struct stat st;
	int rc = bvh_path_open_present(path, &target, err);

	if (rc != BV_OK || target < 0)
		return rc;
	if (fstat(target, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	if (st.st_dev == set->dev)
		return BV_OK;
	return bvh_mount_attach(set->fd[i], target, path, err);
}

int bvh_view_temp(const struct bv_spec *spec, const struct bvh_view_options *o,
		  struct bv_err *err)
{
	struct private_set set = { .dev = 0 };
	int rc;

	for (size_t i = 0; i < PRIVATE_MAX; i++)
		set.fd[i] = -1;
	if (bvh_private_dirs_n > PRIVATE_MAX)
		return bv_fail(err, BV_E_BUG, "too many private directories");
	rc = make_private(spec, o, &set, err);
	for (size_t i = 0; i < bvh_private_dirs_n && rc == BV_OK; i++) {
		if (is_wanted(&bvh_private_dirs[i], spec))
			rc = attach_private(&set, i, err);
	}
	for (size_t i = 0; i < PRIVATE_MAX; i++)
		bvh_close(&set.fd[i]);
	return rc;
}

/* The host's mounts go on arriving, ours never leave. What later steps copy out
 * of the view, they copy as it is sealed here. */
int bvh_view_adopt(struct bv_err *err)
{
	if (bvh_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, 0, 0,
				  MS_SLAVE) != 0)
		return bv_fail_errno(err, errno, "make all mounts slaves");
	return bvh_cgroup_mounts_seal(err);
}

int bvh_view_create(int *ret_mntns_fd, struct bv_err *err)
{
	struct bvh_mntns_home home = { -1, -1 };
	bv_auto_close int ns_fd = -1;
	struct bv_err back = { 0 };
	int rc = bvh_mntns_save(&home, err);

	if (rc != BV_OK)
		return rc;
	if (unshare(CLONE_NEWNS) != 0) {
		rc = bv_fail_errno(err, errno, "unshare the mount namespace");
		bvh_mntns_forget(&home);
		return rc;
	}
	ns_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0)
		rc = bv_fail_errno(err, errno, "open '/proc/self/ns/mnt'");
	else
		rc = bvh_view_adopt(err);
	if (bvh_mntns_return(&home, &back) != BV_OK) {
		if (err != NULL)
			*err = back;
		return BV_E_BUG;
	}
	if (rc == BV_OK)
		*ret_mntns_fd = bvh_fd_take(&ns_fd);
	return rc;
}

int bvh_netns_open(int *ret_netns_fd, struct bv_err *err)
{
	static const char *const self = "/proc/self/ns/net";
	bv_auto_close int home = open(self, O_RDONLY | O_CLOEXEC);
	bv_auto_close int fd = -1;
	int e = 0;

	if (home < 0)
		return bv_fail_errno(err, errno, "open '%s'", self);
	if (bvh_red("netns")) {
		*ret_netns_fd = bvh_fd_take(&home);
		return BV_OK;
	}
	if (unshare(CLONE_NEWNET) != 0)
		return bv_fail_errno(err, errno, "unshare the network");
	fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		e = errno;
	if (setns(home, CLONE_NEWNET) != 0)
		return bv_fail(err, BV_E_BUG,
			       "cannot leave the session's "
			       "network namespace again");
	if (e != 0)
		return bv_fail_errno(err, e, "open '%s'", self);
	*ret_netns_fd = bvh_fd_take(&fd);
	return BV_OK;
}
