/* SPDX-License-Identifier: MIT */
/*
 * The walk to a secret: every directory opened once, without following a link,
 * and judged by fstat on what was opened.
 */
#include "helper/lease.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAME_LEN_MAX 128u

static const char *const steps[] = { "/", "etc", "bvisor", "secrets" };

static bool is_name(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t len = strlen(text);

	return len > 0 && len <= NAME_LEN_MAX && text[0] != '.' &&
	       strspn(text, allowed) == len;
}

static int open_dir(int *ret_fd, struct bv_err *err)
{
	bv_auto_close int fd = -1;
	struct stat st;

	for (size_t i = 0; i < BV_LEN(steps); i++) {
		bv_auto_close int from = bvh_fd_take(&fd);

		fd = openat(i == 0 ? AT_FDCWD : from, steps[i],
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return bv_fail_errno(err, errno,
					     "open '%s' of " BVH_SECRETS_DIR,
					     steps[i]);
		if (fstat(fd, &st) != 0)
			return bv_fail_errno(err, errno, "stat '%s'", steps[i]);
		if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
			return bv_fail(err, BV_E_CONF,
				       "'%s' of " BVH_SECRETS_DIR
				       ": others than root can write it",
				       steps[i]);
	}
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

/* O_NONBLOCK: a FIFO must not hang a login. */
static int open_secret(const char *name, int *ret_fd, struct bv_err *err)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
			 O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_BENEATH,
	};
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	struct stat st;
	int code = open_dir(&dir, err);

	if (code != BV_OK)
		return code;
	fd = bvh_sys_openat2(dir, name, &how);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open");
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat");
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "no regular file");
	if (st.st_uid != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return bv_fail(err, BV_E_CONF,
			       "owner uid %u, mode %04o: must be root's alone "
			       "(chown root, chmod 0600)",
			       (unsigned int)st.st_uid,
			       (unsigned int)(st.st_mode & 07777));
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_lease_resolve(const char *reference, char **ret, size_t *ret_len,
		      struct bv_err *err)
{
	bv_auto_close int fd = -1;
	char *value = NULL;
	ssize_t len;
	int code;

	if (!is_name(reference))
		return bv_fail(err, BV_E_CONF,
			       "lease: a reference is a file name of "
			       "[A-Za-z0-9._-] in " BVH_SECRETS_DIR);
	code = open_secret(reference, &fd, err);
	if (code != BV_OK)
		return bv_ctx(err, "lease '%s'", reference);
	value = malloc(BVH_LEASE_MAX + 1);
	if (value == NULL)
		return bv_fail(err, BV_E_NOMEM, "lease '%s'", reference);
	len = bvh_read_all(fd, value, BVH_LEASE_MAX);
	if (len < 0) {
		code = bv_fail_errno(err, errno, "lease '%s': read", reference);
		bvh_lease_free(value, BVH_LEASE_MAX + 1);
		return code;
	}
	if (len > 0 && value[len - 1] == '\n')
		value[--len] = '\0';
	*ret = value;
	*ret_len = (size_t)len;
	return BV_OK;
}

void bvh_lease_free(char *value, size_t len)
{
	if (value == NULL)
		return;
	explicit_bzero(value, len);
	free(value);
}
