/* SPDX-License-Identifier: MIT */
/* What lies in an outbox: a bounded walk over a tree that the user shaped. */
#include "helper/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/utf8.h"
#include "helper/fd.h"
#include "helper/red.h"
#include "helper/sys.h"

int bvh_outbox_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	if (bvh_red("outbox-links"))
		how.resolve = 0;
	return bvh_sys_openat2(dirfd, name, &how);
}

/* Why a thing is not taken; NULL when it is. */
static const char *refused_for(const struct stat *st, uid_t uid)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFLNK:
		return "symbolic link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "device";
	}
	if (bvh_red("outbox-owner"))
		return NULL;
	if (st->st_uid != uid)
		return "belongs to another user";
	return st->st_nlink == 1 ? NULL : "has more than one name";
}

int bvh_outbox_open_file(int box_fd, const char *name, uid_t uid, int *ret_fd,
			 uint64_t *ret_bytes, const char **ret_refused,
			 struct bv_err *err)
{
	const int follow = bvh_red("outbox-links") ? 0 : O_NOFOLLOW;
	bv_auto_close int look =
		bvh_outbox_openat(box_fd, name, O_PATH | follow, 0);
	bv_auto_close int fd = -1;
	struct stat st, again;

	if (look < 0 || fstat(look, &st) != 0)
		return bv_fail_errno(err, errno, "open '%s'", name);
	*ret_bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	*ret_refused = refused_for(&st, uid);
	if (*ret_refused != NULL)
		return BV_OK;
	/* Swapped for a FIFO in between: opening one to read does not wait
	 * with O_NONBLOCK, and what was opened is looked at again. */
	fd = bvh_outbox_openat(box_fd, name,
			       O_RDONLY | follow | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0 || fstat(fd, &again) != 0)
		return bv_fail_errno(err, errno, "open '%s'", name);
	if (again.st_dev != st.st_dev || again.st_ino != st.st_ino ||
	    !S_ISREG(again.st_mode))
		return bv_fail(err, BV_E_PROTO,
			       "'%s' was changed while it was looked at", name);
	*ret_bytes = (uint64_t)again.st_size;
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

/* --- the walk -------------------------------------------------------------- */

struct walk {
	int box_fd;
	const struct bvh_outbox_limits *limits;
	struct bvh_outbox_list *list;
	size_t room;
};

/* Names go to the target and into the report as they are: UTF-8 without
 * control bytes, and not too long. */
static bool is_fine_name(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;

	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s == 0x7f)
			return false;
	return bv_utf8_valid(name, strlen(name));
}

static void list_refused(struct walk *w, const char *name, uint64_t bytes,
			 const char *why)
{
	struct bvh_outbox_list *list = w->list;
	struct bv_output *out;

	if (list->n == w->room ||
	    list->n - list->files >= w->room - w->limits->files_max) {
		list->unlisted++;
		return;
	}
	out = &list->v[list->n++];
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->bytes = bytes;
	out->sha256[0] = '\0';
	out->refused = why;
}

static int list_file(struct walk *w, const char *name, uint64_t bytes,
		     struct bv_err *err)
{
	struct bvh_outbox_list *list = w->list;
	const struct bvh_outbox_limits *limits = w->limits;
	struct bv_output *out;

	if (list->files == limits->files_max)
		return bv_fail(err, BV_E_LIMIT, "more than %u files",
			       limits->files_max);
	if (bytes > limits->bytes_max - list->bytes && !bvh_red("outbox-bytes"))
		return bv_fail(err, BV_E_LIMIT,
			       "more than %" PRIu64 " bytes with '%.60s'",
			       limits->bytes_max, name);
	out = &list->v[list->n++];
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->bytes = bytes;
	out->refused = "";
	list->files++;
	list->bytes += bytes;
	return BV_OK;
}

static int walk_dir(struct walk *w, const char *prefix, uint32_t depth,
		    struct bv_err *err);

static int walk_entry(struct walk *w, const char *name, uint32_t depth,
		      struct bv_err *err)
{
	const char *why = NULL;
	uint64_t bytes = 0;
	struct stat st;
	bv_auto_close int look =
		bvh_outbox_openat(w->box_fd, name, O_PATH | O_NOFOLLOW, 0);
	bv_auto_close int fd = -1;
	int code;

	if (look < 0 && errno == EXDEV) { /* something mounted there */
		list_refused(w, name, 0, "another file system");
		return BV_OK;
	}
	if (look < 0 || fstat(look, &st) != 0)
		return bv_fail_errno(err, errno, "open '%s'", name);
	if (S_ISDIR(st.st_mode)) {
		if (depth == w->limits->depth_max)
			return bv_fail(err, BV_E_LIMIT,
				       "directories deeper than %u",
				       w->limits->depth_max);
		return walk_dir(w, name, depth + 1, err);
	}
	code = bvh_outbox_open_file(w->box_fd, name, w->limits->uid, &fd,
				    &bytes, &why, err);
	if (code != BV_OK)
		return code;
	if (why != NULL) {
		list_refused(w, name, bytes, why);
		return BV_OK;
	}
	return list_file(w, name, bytes, err);
}

static int take_name(struct walk *w, const char *prefix, const char *name,
		     uint32_t depth, struct bv_err *err)
{
	char path[BV_OUTPUT_NAME_MAX + 1];
	const int n = snprintf(path, sizeof(path), "%s%s%s", prefix,
			       prefix[0] == '\0' ? "" : "/", name);

	if (++w->list->entries > BVH_OUTBOX_ENTRIES_MAX)
		return bv_fail(err, BV_E_LIMIT, "more than %u entries",
			       BVH_OUTBOX_ENTRIES_MAX);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		w->list->unlisted++;
		return BV_OK;
	}
	if (!is_fine_name(name)) {
		list_refused(w, path, 0, "name is no text");
		return BV_OK;
	}
	return walk_entry(w, path, depth, err);
}

/* Depth is bounded, and so is this recursion. */
static int walk_dir(struct walk *w, const char *prefix, uint32_t depth,
		    struct bv_err *err)
{
	int fd = bvh_outbox_openat(w->box_fd, prefix[0] == '\0' ? "." : prefix,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int code = BV_OK;

	if (dir == NULL) {
		code = bv_fail_errno(err, errno, "read '%s'", prefix);
		bvh_close(&fd);
		return code;
	}
	while (code == BV_OK) {
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (e == NULL) {
			if (errno != 0)
				code = bv_fail_errno(err, errno, "read '%s'",
						     prefix);
			break;
		}
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			code = take_name(w, prefix, e->d_name, depth, err);
	}
	closedir(dir);
	return code;
}

static int by_name(const void *a, const void *b)
{
	const struct bv_output *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Each name once, whatever a directory says while it is changed. */
static void sort(struct bvh_outbox_list *list)
{
	size_t kept = 0;

	qsort(list->v, list->n, sizeof(list->v[0]), by_name);
	for (size_t i = 0; i < list->n; i++) {
		if (kept > 0 && by_name(&list->v[kept - 1], &list->v[i]) == 0) {
			list->files -= list->v[i].refused[0] == '\0';
			continue;
		}
		list->v[kept++] = list->v[i];
	}
	list->n = kept;
}

int bvh_outbox_collect(int box_fd, const struct bvh_outbox_limits *limits,
		       struct bvh_outbox_list *ret, struct bv_err *err)
{
	struct walk w = { .box_fd = box_fd,
			  .limits = limits,
			  .list = ret,
			  .room = BV_OUTPUTS_MAX };
	int code;

	memset(ret, 0, sizeof(*ret));
	if (limits->files_max > BV_OUTBOX_FILES_MAX)
		return bv_fail(err, BV_E_BUG, "too many files to list");
	ret->v = calloc(w.room, sizeof(ret->v[0]));
	if (ret->v == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for %zu names",
			       w.room);
	code = walk_dir(&w, "", 0, err);
	sort(ret);
	return code;
}

void bvh_outbox_list_done(struct bvh_outbox_list *list)
{
	free(list->v);
	memset(list, 0, sizeof(*list));
}
