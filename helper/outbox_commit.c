/* SPDX-License-Identifier: MIT */
/*
 * Files of an outbox into the administrator's directory: first to a hidden
 * directory there, which nobody but root can enter, then under their name by
 * one rename. What is seen under the name is whole, whenever the power goes.
 */
#include "helper/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "helper/fd.h"
#include "helper/red.h"

/* One component: a directory of root's that nobody else may write to. */
static int step_into(int *fd, const char *name, const char *path,
		     struct bv_err *err)
{
	bv_auto_close int next = openat(
		*fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (next < 0 || fstat(next, &st) != 0)
		return bv_fail_errno(err, errno, "'%s': '%s'", path, name);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s': '%s' belongs to uid %u with mode %04o; "
			       "only root may be able to change the way there",
			       path, name, (unsigned int)st.st_uid,
			       (unsigned int)(st.st_mode & 07777));
	bvh_close(fd);
	*fd = bvh_fd_take(&next);
	return BV_OK;
}

int bvh_outbox_target_open(const char *path, int *ret_fd, struct bv_err *err)
{
	bv_auto_close int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char copy[4096];
	char *save = NULL;
	int code = BV_OK;
	struct statvfs fs;
	int fd;

	if (at < 0)
		return bv_fail_errno(err, errno, "open '/'");
	if (path[0] != '/' || strlen(path) >= sizeof(copy))
		return bv_fail(err, BV_E_INVAL, "'%.64s' is no absolute path",
			       path);
	memcpy(copy, path, strlen(path) + 1);
	for (char *name = strtok_r(copy, "/", &save);
	     name != NULL && code == BV_OK; name = strtok_r(NULL, "/", &save))
		code = step_into(&at, name, path, err);
	if (code != BV_OK)
		return code;
	if (fstatvfs(at, &fs) != 0)
		return bv_fail_errno(err, errno, "statvfs '%s'", path);
	if ((fs.f_flag & ST_RDONLY) != 0)
		return bv_fail_errno(err, EROFS, "'%s'", path);
	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	*ret_fd = fd;
	return BV_OK;
}

void bvh_outbox_stage_name(const char *session_id,
			   char ret[BVH_OUTBOX_STAGE_MAX])
{
	snprintf(ret, BVH_OUTBOX_STAGE_MAX, ".bvisor-%.16s.part", session_id);
}

/* --- the copy -------------------------------------------------------------- */

struct job {
	int box_fd;
	const struct bvh_outbox_limits *limits;
	const struct bvh_outbox_sink *sink;
	int stage_fd;
	struct bvh_outbox_done done;
};

static int sync_fd(struct job *j, int fd, struct bv_err *err)
{
	if (j->sink->commit == BV_COMMIT_ATOMIC)
		return BV_OK;
	if (fsync(fd) == 0) {
		j->done.synced++;
		return BV_OK;
	}
	if (j->sink->commit != BV_COMMIT_BEST_EFFORT)
		return bv_fail_errno(err, errno, "fsync");
	j->done.unsynced++;
	return BV_OK;
}

/* Each directory above name, made; existing ones are ours. */
static int make_parents(int stage_fd, const char *name, struct bv_err *err)
{
	char path[BV_OUTPUT_NAME_MAX + 1];

	snprintf(path, sizeof(path), "%s", name);
	for (char *s = strchr(path, '/'); s != NULL; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdirat(stage_fd, path, 0700) != 0 && errno != EEXIST)
			return bv_fail_errno(err, errno, "mkdir '%s'", path);
		*s = '/';
	}
	return BV_OK;
}

/* The disk's word, not ours: what was written, opened and read again. */
static int read_back(struct job *j, const struct bv_output *out,
		     struct bv_err *err)
{
	bv_auto_close int fd = bvh_outbox_openat(j->stage_fd, out->name,
						 O_RDONLY | O_NOFOLLOW, 0);
	char sha256[65];
	int code;

	if (fd < 0)
		return bv_fail_errno(err, errno, "open the copy");
	code = bvh_outbox_copy(fd, -1, out->bytes, sha256, err);
	if (code != BV_OK)
		return bv_ctx(err, "the copy");
	if (strcmp(sha256, out->sha256) != 0)
		return bv_fail(err, BV_E_PROTO,
			       "the copy has digest %s, what was copied %s",
			       sha256, out->sha256);
	return BV_OK;
}

/* Owner before mode: chown takes bits away. */
static int hand_over(const struct job *j, int fd, mode_t mode,
		     struct bv_err *err)
{
	if (fchown(fd, j->sink->uid, j->sink->gid) != 0 ||
	    fchmod(fd, mode) != 0)
		return bv_fail_errno(err, errno, "owner and mode");
	return BV_OK;
}

static int copy_file(struct job *j, struct bv_output *out, struct bv_err *err)
{
	bv_auto_close int from = -1;
	bv_auto_close int to = -1;
	const char *why = NULL;
	uint64_t bytes = 0;
	int code = bvh_outbox_open_file(j->box_fd, out->name, j->limits->uid,
					&from, &bytes, &why, err);

	if (code == BV_OK && why != NULL)
		code = bv_fail(err, BV_E_PROTO, "%s", why);
	if (code == BV_OK)
		code = make_parents(j->stage_fd, out->name, err);
	if (code != BV_OK)
		return code;
	to = bvh_outbox_openat(j->stage_fd, out->name,
			       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (to < 0)
		return bv_fail_errno(err, errno, "create the copy");
	code = bvh_outbox_copy(from, to, out->bytes, out->sha256, err);
	if (code == BV_OK)
		code = hand_over(j, to, j->sink->mode, err);
	if (code == BV_OK)
		code = sync_fd(j, to, err);
	return code == BV_OK ? read_back(j, out, err) : code;
}

/* --- the directories ------------------------------------------------------- */

static mode_t dir_mode(mode_t mode)
{
	return mode | (mode & 0444) >> 2;
}

typedef int (*dir_fn)(struct job *j, const char *path, struct bv_err *err);

/* fn for every directory between the stage and the files, inner ones first;
 * more than once where files share one. */
static int each_dir(struct job *j, const struct bvh_outbox_list *list,
		    dir_fn fn, struct bv_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		char path[BV_OUTPUT_NAME_MAX + 1];

		if (list->v[i].refused[0] != '\0')
			continue;
		snprintf(path, sizeof(path), "%s", list->v[i].name);
		for (char *s = strrchr(path, '/'); s != NULL;
		     s = strrchr(path, '/')) {
			int code;

			*s = '\0';
			code = fn(j, path, err);
			if (code != BV_OK)
				return code;
		}
	}
	return BV_OK;
}

static int finish_dir(struct job *j, const char *path, struct bv_err *err)
{
	bv_auto_close int fd = bvh_outbox_openat(
		j->stage_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int code;

	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	code = hand_over(j, fd, dir_mode(j->sink->mode), err);
	return code == BV_OK ? sync_fd(j, fd, err) : code;
}

static int drop_dir(struct job *j, const char *path, struct bv_err *err)
{
	(void)err;
	(void)unlinkat(j->stage_fd, path, AT_REMOVEDIR);
	return BV_OK;
}

/* Only what we made, by the names we gave it. */
static void drop_stage(struct job *j, const struct bvh_outbox_list *list,
		       const char *stage)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].refused[0] == '\0')
			(void)unlinkat(j->stage_fd, list->v[i].name, 0);
	/* A directory goes with the last file below it. */
	(void)!each_dir(j, list, drop_dir, NULL);
	(void)unlinkat(j->sink->target_fd, stage, AT_REMOVEDIR);
}

/* --- all of it ------------------------------------------------------------- */

static int fill_stage(struct job *j, struct bvh_outbox_list *list,
		      struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; i < list->n && code == BV_OK; i++) {
		if (list->v[i].refused[0] != '\0')
			continue;
		code = copy_file(j, &list->v[i], err);
		if (code != BV_OK)
			(void)bv_ctx(err, "'%.60s'", list->v[i].name);
	}
	if (code == BV_OK)
		code = each_dir(j, list, finish_dir, err);
	if (code == BV_OK)
		code = hand_over(j, j->stage_fd, dir_mode(j->sink->mode), err);
	return code == BV_OK ? sync_fd(j, j->stage_fd, err) : code;
}

/* Under its name now stands what was staged. */
static int check_final(const struct job *j, struct bv_err *err)
{
	bv_auto_close int fd =
		bvh_outbox_openat(j->sink->target_fd, j->sink->session_id,
				  O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	struct stat want, got;

	if (fd < 0 || fstat(fd, &got) != 0 || fstat(j->stage_fd, &want) != 0)
		return bv_fail_errno(err, errno, "open what was promoted");
	if (want.st_dev != got.st_dev || want.st_ino != got.st_ino)
		return bv_fail(err, BV_E_PROTO,
			       "something else stands where it was promoted "
			       "to");
	return BV_OK;
}

static int publish(struct job *j, const char *stage, struct bv_err *err)
{
	const struct bvh_outbox_sink *sink = j->sink;

	if (renameat2(sink->target_fd, stage, sink->target_fd, sink->session_id,
		      RENAME_NOREPLACE) != 0)
		return bv_fail_errno(err, errno, "rename to '%s'",
				     sink->session_id);
	return BV_OK;
}

int bvh_outbox_commit(int box_fd, const struct bvh_outbox_limits *limits,
		      const struct bvh_outbox_sink *sink,
		      struct bvh_outbox_list *list, struct bvh_outbox_done *ret,
		      struct bv_err *err)
{
	struct job j = {
		.box_fd = box_fd, .limits = limits, .sink = sink, .stage_fd = -1
	};
	char stage[BVH_OUTBOX_STAGE_MAX];
	int code;

	bvh_outbox_stage_name(sink->session_id, stage);
	if (mkdirat(sink->target_fd, stage, 0700) != 0)
		return bv_fail_errno(err, errno, "mkdir '%s'", stage);
	j.stage_fd = openat(sink->target_fd, stage,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (j.stage_fd < 0) {
		code = bv_fail_errno(err, errno, "open '%s'", stage);
		(void)unlinkat(sink->target_fd, stage, AT_REMOVEDIR);
		return code;
	}
	code = fill_stage(&j, list, err);
	bvh_red_point("at", "staged");
	if (code == BV_OK)
		code = publish(&j, stage, err);
	j.done.published = code == BV_OK;
	if (code != BV_OK)
		drop_stage(&j, list, stage);
	/* From here on it is there: what fails is said, nothing is taken
	 * back. */
	if (code == BV_OK)
		code = check_final(&j, err);
	if (code == BV_OK)
		code = sync_fd(&j, sink->target_fd, err);
	bvh_close(&j.stage_fd);
	*ret = j.done;
	return code;
}
