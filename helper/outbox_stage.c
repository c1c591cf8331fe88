/* SPDX-License-Identifier: MIT */
/*
 * What a crash left at a target: is it there under its name, and is there a
 * hidden directory that was being filled? The latter is removed, never
 * promoted. Its names, and near the end its owner, are the user's: every
 * directory is taken back before it is read, and nothing is followed.
 */
#include "helper/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/fd.h"

/* Of what was staged: below the outbox's own depth, with the stage itself. */
#define DEPTH_MAX (BV_OUTBOX_DEPTH_MAX + 1u)

static int is_there(int target_fd, const char *name, bool *ret,
		    struct bv_err *err)
{
	struct stat st;

	*ret = fstatat(target_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return *ret || errno == ENOENT
		       ? BV_OK
		       : bv_fail_errno(err, errno, "look for '%s'", name);
}

int bvh_outbox_look(int target_fd, const char *session_id, bool *ret_promoted,
		    bool *ret_staged, struct bv_err *err)
{
	char stage[BVH_OUTBOX_STAGE_MAX];
	int code = is_there(target_fd, session_id, ret_promoted, err);

	bvh_outbox_stage_name(session_id, stage);
	return code == BV_OK ? is_there(target_fd, stage, ret_staged, err)
			     : code;
}

struct removal {
	size_t entries;
};

static int remove_dir(struct removal *r, int parent_fd, const char *name,
		      unsigned int depth, struct bv_err *err);

static int remove_entry(struct removal *r, int dir_fd, const char *name,
			unsigned int depth, struct bv_err *err)
{
	if (++r->entries > BVH_OUTBOX_ENTRIES_MAX)
		return bv_fail(err, BV_E_LIMIT, "more than %u entries",
			       BVH_OUTBOX_ENTRIES_MAX);
	if (unlinkat(dir_fd, name, 0) == 0)
		return BV_OK;
	if (errno != EISDIR && errno != EPERM)
		return bv_fail_errno(err, errno, "unlink '%.60s'", name);
	return remove_dir(r, dir_fd, name, depth + 1, err);
}

/* Owned by root and closed before it is read: who owned it has no more say in
 * what it holds. */
static int take_back(int parent_fd, const char *name, int *ret_fd,
		     struct bv_err *err)
{
	bv_auto_close int fd = bvh_outbox_openat(
		parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0 || fchown(fd, 0, 0) != 0 || fchmod(fd, 0700) != 0)
		return bv_fail_errno(err, errno, "take '%.60s' back", name);
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

static int empty_dir(struct removal *r, DIR *dir, unsigned int depth,
		     struct bv_err *err)
{
	int code = BV_OK;

	while (code == BV_OK) {
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (e == NULL)
			return errno == 0
				       ? BV_OK
				       : bv_fail_errno(err, errno, "readdir");
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			code = remove_entry(r, dirfd(dir), e->d_name, depth,
					    err);
	}
	return code;
}

/* Depth is bounded, and so is this recursion. */
static int remove_dir(struct removal *r, int parent_fd, const char *name,
		      unsigned int depth, struct bv_err *err)
{
	int fd = -1;
	DIR *dir;
	int code;

	if (depth > DEPTH_MAX)
		return bv_fail(err, BV_E_LIMIT, "directories deeper than %u",
			       DEPTH_MAX);
	code = take_back(parent_fd, name, &fd, err);
	if (code != BV_OK)
		return code;
	dir = fdopendir(fd);
	if (dir == NULL) {
		code = bv_fail_errno(err, errno, "read '%.60s'", name);
		bvh_close(&fd);
		return code;
	}
	code = empty_dir(r, dir, depth, err);
	closedir(dir);
	if (code == BV_OK && unlinkat(parent_fd, name, AT_REMOVEDIR) != 0)
		code = bv_fail_errno(err, errno, "rmdir '%.60s'", name);
	return code;
}

int bvh_outbox_stage_remove(int target_fd, const char *session_id,
			    size_t *ret_entries, struct bv_err *err)
{
	char stage[BVH_OUTBOX_STAGE_MAX];
	struct removal r = { .entries = 0 };
	int code;

	bvh_outbox_stage_name(session_id, stage);
	code = remove_dir(&r, target_fd, stage, 0, err);
	*ret_entries = r.entries;
	if (code == BV_OK && fsync(target_fd) != 0)
		code = bv_fail_errno(err, errno, "fsync of the target");
	return code == BV_OK ? BV_OK : bv_ctx(err, "'%s'", stage);
}
