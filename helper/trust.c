/* SPDX-License-Identifier: MIT */
/* Root's own files and directories, by descriptor. */
#include "helper/trust.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int bvh_trust(int fd, const char *shown, struct stat *ret_st,
	      struct bv_err *err)
{
	if (fstat(fd, ret_st) != 0)
		return bv_fail_errno(err, errno, "%s: stat", shown);
	if (ret_st->st_uid != 0)
		return bv_fail(err, BV_E_CONF,
			       "%s: owner is uid %u, must be root (chown root "
			       "%s)",
			       shown, (unsigned int)ret_st->st_uid, shown);
	if ((ret_st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bv_fail(err, BV_E_CONF,
			       "%s: mode %04o lets others than root write it "
			       "(chmod go-w %s)",
			       shown, (unsigned int)(ret_st->st_mode & 07777),
			       shown);
	return BV_OK;
}

static int open_plain(int dirfd, const char *name, uint64_t flags)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return bvh_sys_openat2(dirfd, name, &how);
}

int bvh_trust_descend(int *fd, const char *name, const char *shown, bool list,
		      struct bv_err *err)
{
	bv_auto_close int from = bvh_fd_take(fd);
	bv_auto_close int next = -1;
	struct stat st;
	int code;

	next = open_plain(from, name, (list ? O_RDONLY : O_PATH) | O_DIRECTORY);
	if (next < 0 && errno == ENOENT)
		return BV_OK;
	if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
		return bv_fail(err, BV_E_CONF,
			       "%s: must be a directory, not a symbolic link "
			       "or a file",
			       shown);
	if (next < 0)
		return bv_fail_errno(err, errno, "%s: open", shown);
	code = bvh_trust(next, shown, &st, err);
	if (code == BV_OK)
		*fd = bvh_fd_take(&next);
	return code;
}

int bvh_trust_dir(const char *path, int *ret_fd, struct bv_err *err)
{
	char shown[PATH_MAX];
	bv_auto_close int fd = -1;
	struct stat st;
	size_t len = strlen(path);
	int code;

	if (path[0] != '/' || len >= sizeof(shown))
		return bv_fail(err, BV_E_INVAL, "'%s' is no absolute path",
			       path);
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "/: open");
	code = bvh_trust(fd, "/", &st, err);
	for (size_t at = 1; code == BV_OK && fd >= 0 && at < len;) {
		size_t part = strcspn(path + at, "/");
		char name[NAME_MAX + 1];

		if (part > NAME_MAX)
			return bv_fail(err, BV_E_INVAL, "'%s' is too long",
				       path);
		memcpy(name, path + at, part);
		name[part] = '\0';
		memcpy(shown, path, at + part);
		shown[at + part] = '\0';
		at += part + 1;
		if (part > 0)
			code = bvh_trust_descend(&fd, name, shown, false, err);
	}
	if (code == BV_OK)
		*ret_fd = bvh_fd_take(&fd);
	return code;
}

int bvh_trust_file(int dirfd, const char *name, const char *shown,
		   uint64_t max_bytes, int *ret_fd, struct stat *ret_st,
		   struct bv_err *err)
{
	bv_auto_close int fd = -1;
	int code;

	*ret_fd = -1;
	/* O_NONBLOCK: a FIFO must not hang a login. */
	fd = open_plain(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return BV_OK;
	if (fd < 0 && errno == ELOOP)
		return bv_fail(err, BV_E_CONF, "%s: is a symbolic link", shown);
	if (fd < 0)
		return bv_fail_errno(err, errno, "%s: open", shown);
	code = bvh_trust(fd, shown, ret_st, err);
	if (code != BV_OK)
		return code;
	if (!S_ISREG(ret_st->st_mode))
		return bv_fail(err, BV_E_CONF, "%s: not a regular file", shown);
	if (ret_st->st_size < 0 || (uint64_t)ret_st->st_size > max_bytes)
		return bv_fail(err, BV_E_LIMIT,
			       "%s: %lld bytes, at most %llu are read", shown,
			       (long long)ret_st->st_size,
			       (unsigned long long)max_bytes);
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_trust_read(int dirfd, const char *name, const char *shown,
		   size_t max_bytes, char **ret, size_t *ret_len,
		   struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	bv_auto_close int fd = -1;
	struct stat st;
	ssize_t len;
	int code = bvh_trust_file(dirfd, name, shown, max_bytes, &fd, &st, err);

	*ret = NULL;
	*ret_len = 0;
	if (code != BV_OK || fd < 0)
		return code;
	bytes = malloc(max_bytes + 1);
	if (bytes == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s: read", shown);
	len = bvh_read_all(fd, bytes, max_bytes);
	if (len < 0)
		return bv_fail_errno(err, errno, "%s: read", shown);
	*ret = bytes;
	*ret_len = (size_t)len;
	bytes = NULL;
	return BV_OK;
}
