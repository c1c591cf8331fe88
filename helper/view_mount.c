/* SPDX-License-Identifier: MIT */
/* The mount operations the view is made of: the new mount API, on descriptors,
 * so that a path is looked up once. */
#include "helper/view_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/path.h"
#include "helper/sys.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

int bvh_mount_tmpfs(uint64_t size_bytes, const char *mode, int *ret_fd,
		    struct bv_err *err)
{
	bv_auto_close int fs = bvh_sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	bv_auto_close int fd = -1;
	char size[24];
	int rc;

	if (fs < 0)
		return bv_fail_errno(err, errno, "fsopen tmpfs");
	snprintf(size, sizeof(size), "%" PRIu64, size_bytes);
	rc = bvh_sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode, 0);
	if (rc == 0 && size_bytes != 0)
		rc = bvh_sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0);
	if (rc == 0)
		rc = bvh_sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (rc != 0)
		return bv_fail_errno(err, errno, "make a tmpfs of %s bytes",
				     size);
	fd = bvh_sys_fsmount(fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd < 0)
		return bv_fail_errno(err, errno, "fsmount tmpfs");
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_mount_clone(int dirfd, const char *name, bool recursive, int *ret_fd,
		    struct bv_err *err)
{
	unsigned int flags =
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW;
	int fd;

	if (recursive)
		flags |= AT_RECURSIVE;
	if (name[0] == '\0')
		flags |= AT_EMPTY_PATH;
	fd = bvh_sys_open_tree(dirfd, name, flags);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open_tree '%s'", name);
	*ret_fd = fd;
	return BV_OK;
}

int bvh_mount_attach(int mount_fd, int target_fd, const char *target,
		     struct bv_err *err)
{
	if (bvh_sys_move_mount(mount_fd, "", target_fd, "",
			       MOVE_MOUNT_F_EMPTY_PATH |
				       MOVE_MOUNT_T_EMPTY_PATH) != 0)
		return bv_fail_errno(err, errno, "mount on '%s'", target);
	return BV_OK;
}

int bvh_mount_restrict(int mount_fd, uint64_t attrs, struct bv_err *err)
{
	if (bvh_sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH, attrs, 0, 0) !=
	    0)
		return bv_fail_errno(err, errno, "mount_setattr");
	return BV_OK;
}

bool bvh_path_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (strcmp(top, "/") == 0)
		return path[0] == '/' && path[1] != '\0';
	return strncmp(path, top, len) == 0 && path[len] == '/';
}

int bvh_rule_ctx(const struct bv_spec *spec, const struct bv_fs_rule *rule,
		 struct bv_err *err)
{
	return bv_ctx(err, "%s:%u", spec->policy->path, rule->line);
}

int bvh_rule_open(const struct bv_spec *spec, const struct bv_fs_rule *rule,
		  int *ret_fd, struct bv_err *err)
{
	return bvh_path_open_rule(spec->policy->path, rule, spec->subject,
				  ret_fd, err);
}

int bvh_mount_keep(int fs_fd, const char *name, int kept, struct bv_err *err)
{
	bv_auto_close int spot = -1;

	if (mknodat(fs_fd, name, S_IFREG | 0600, 0) != 0)
		return bv_fail_errno(err, errno, "make '%s'", name);
	spot = openat(fs_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (spot < 0)
		return bv_fail_errno(err, errno, "open '%s'", name);
	return bvh_mount_attach(kept, spot, name, err);
}

int bvh_mount_spot(int fs_fd, const char *rel, bool is_dir, int *ret_fd,
		   struct bv_err *err)
{
	char path[PATH_MAX];
	size_t len = strlen(rel);

	if (len >= sizeof(path))
		return bv_fail(err, BV_E_LIMIT, "path too long: '%s'", rel);
	memcpy(path, rel, len + 1);
	for (char *s = strchr(path, '/'); s != NULL; s = strchr(s + 1, '/')) {
		*s = '\0';
		if ((mkdirat(fs_fd, path, 0755) != 0 && errno != EEXIST) ||
		    fchmodat(fs_fd, path, 0755, 0) != 0)
			return bv_fail_errno(err, errno, "mkdir '%s'", path);
		*s = '/';
	}
	if ((is_dir ? mkdirat(fs_fd, path, 0755)
		    : mknodat(fs_fd, path, S_IFREG | 0600, 0)) != 0)
		return bv_fail_errno(err, errno, "make '%s'", path);
	*ret_fd = openat(fs_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	return BV_OK;
}
