/* SPDX-License-Identifier: MIT */
/* Directories of our own, by descriptor. Apart from dir.c, which the shells
 * have as well: they make none. */
#include "helper/dir.h"

#include "helper/fd.h"
#include "helper/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory that a path of ours stands in, judged on the way, and the
 * path's last part. A relative path is one name below dirfd, which was judged. */
static int open_parent(int dirfd, const char *path, const char *shown,
		       int *ret_fd, char name[NAME_MAX + 1], struct bv_err *err)
{
	char above[PATH_MAX];
	size_t len = strlen(path);
	const char *last;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (len >= sizeof(above))
		return bv_fail_errno(err, ENAMETOOLONG, "'%s'", shown);
	memcpy(above, path, len);
	above[len] = '\0';
	last = strrchr(above, '/') == NULL ? above : strrchr(above, '/') + 1;
	if (last[0] == '\0' || strlen(last) > NAME_MAX)
		return bv_fail(err, BV_E_INVAL, "'%s' names no directory",
			       shown);
	memcpy(name, last, strlen(last) + 1);
	if (path[0] != '/') {
		*ret_fd = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return *ret_fd >= 0 ? BV_OK
				    : bv_fail_errno(err, errno, "'%s'", shown);
	}
	above[last - above] = '\0';
	return bvh_path_open_owned(above, ret_fd, err);
}

static int open_ours(int dirfd, const char *name, const char *shown,
		     int *ret_fd, struct bv_err *err)
{
	bv_auto_close int fd = openat(
		dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return bv_fail_errno(err, errno, "open directory '%s'", shown);
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", shown);
	if (st.st_uid != geteuid())
		return bv_fail(
			err, BV_E_CONF,
			"directory '%s' belongs to uid %u, not to uid %u",
			shown, (unsigned int)st.st_uid,
			(unsigned int)geteuid());
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bv_fail(err, BV_E_CONF,
			       "directory '%s' has mode %04o: others may write "
			       "to it",
			       shown, (unsigned int)(st.st_mode & 07777));
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_dir_make(int dirfd, const char *path, mode_t mode, const char *shown,
		 int *ret_fd, struct bv_err *err)
{
	bv_auto_close int parent = -1;
	char name[NAME_MAX + 1];
	int code = open_parent(dirfd, path, shown, &parent, name, err);

	if (code != BV_OK) {
		(void)bv_ctx(err, "directory '%s'", shown);
		return code;
	}
	if (mkdirat(parent, name, mode) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "make directory '%s'", shown);
	return open_ours(parent, name, shown, ret_fd, err);
}

int bvh_dir_try(const char *path, int *ret_fd, struct bv_err *err)
{
	bv_auto_close int parent = -1;
	char name[NAME_MAX + 1];
	struct bv_err why = { 0 };
	struct stat st;
	int code = open_parent(AT_FDCWD, path, path, &parent, name, &why);

	*ret_fd = -1;
	/* a file on the way is one in the way of mkdir(2) as well */
	if (code == BV_OK && fstat(parent, &st) == 0 && !S_ISDIR(st.st_mode))
		code = bv_fail_errno(&why, ENOTDIR, "what is above it");
	if (code == BV_OK) {
		code = open_ours(parent, name, path, ret_fd, &why);
		if (code != BV_OK && why.sys_errno == ENOENT)
			return BV_OK;
	} else {
		(void)bv_ctx(&why, "directory '%s'", path);
	}
	if (code != BV_OK && err != NULL)
		*err = why;
	return code;
}

int bvh_dir_sessions(const char *parent, mode_t mode, int *ret_fd,
		     struct bv_err *err)
{
	bv_auto_close int fd = -1;
	int code = bvh_dir_make(AT_FDCWD, parent, mode, parent, &fd, err);

	if (code != BV_OK)
		return code;
	code = bvh_dir_make(fd, "sessions", mode, "sessions", ret_fd, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "in '%s'", parent);
}
