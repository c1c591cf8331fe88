/* SPDX-License-Identifier: MIT */
/*
 * The walk behind bvh_path_open(): one component at a time, by descriptor, so
 * that what was checked is what is opened.
 */
#include "helper/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/cgroup_mounts.h"
#include "helper/fd.h"
#include "helper/sys.h"

#define LINKS_MAX 40u /* as the kernel's own limit */

struct walk {
	const char *path;    /* as asked for, for messages */
	char rest[PATH_MAX]; /* still to go */
	int fd;              /* where we stand */
	bool trusted;        /* only root could have shaped the way here */
	bool lenient;        /* no privilege to be tricked out of */
	bool owned;          /* nobody but root may move what is passed */
	unsigned int links;
};

static bool is_root_alone(const struct stat *st)
{
	return st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* One component: a link is opened itself, never followed. */
static int open_step(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};

	return bvh_sys_openat2(dirfd, name, &how);
}

/* May somebody else put another thing in its place? In a directory with the
 * sticky bit nobody but the owner of an entry can. */
static int judge_owned(const struct walk *w, const struct stat *st,
		       const char *name, struct bv_err *err)
{
	if (!w->owned || w->lenient)
		return BV_OK;
	if (st->st_uid != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s': '%s' belongs to uid %u, who could put "
			       "another in its place; name one of root's alone",
			       w->path, name, (unsigned int)st->st_uid);
	if (S_ISDIR(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st->st_mode & S_ISVTX) == 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s': '%s' has mode %04o: others could move "
			       "what is in it; chmod go-w, or name another",
			       w->path, name,
			       (unsigned int)(st->st_mode & 07777));
	return BV_OK;
}

static int walk_to_root(struct walk *w, struct bv_err *err)
{
	struct stat st;

	bvh_close(&w->fd);
	w->fd = open_step(AT_FDCWD, "/");
	if (w->fd < 0 || fstat(w->fd, &st) != 0)
		return bv_fail_errno(err, errno, "open '/'");
	/* In a user namespace of our own the real root shows as nobody. */
	w->lenient = geteuid() != 0 || st.st_uid != 0;
	w->trusted = is_root_alone(&st);
	return judge_owned(w, &st, "/", err);
}

/* Put the link's text in front of what is left. */
static int walk_follow(struct walk *w, int link_fd, struct bv_err *err)
{
	char text[PATH_MAX];
	char joined[PATH_MAX];
	ssize_t n = readlinkat(link_fd, "", text, sizeof(text) - 1);
	int len;

	if (n < 0)
		return bv_fail_errno(err, errno, "readlink in '%s'", w->path);
	text[n] = '\0';
	if (++w->links > LINKS_MAX)
		return bv_fail_errno(err, ELOOP, "open '%s'", w->path);
	len = snprintf(joined, sizeof(joined), "%s/%s", text, w->rest);
	if (len < 0 || (size_t)len >= sizeof(joined))
		return bv_fail_errno(err, ENAMETOOLONG, "open '%s'", w->path);
	memcpy(w->rest, joined, (size_t)len + 1);
	return text[0] == '/' ? walk_to_root(w, err) : BV_OK;
}

static int walk_component(struct walk *w, const char *name, struct bv_err *err)
{
	bool untrusted = !w->trusted && !w->lenient;
	bv_auto_close int fd = -1;
	struct stat st;
	int code;

	if (strcmp(name, "..") == 0 && untrusted)
		return bv_fail(err, BV_E_CONF,
			       "'%s': '..' behind a directory that is not "
			       "root's alone; write the real path",
			       w->path);
	fd = open_step(w->fd, name);
	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "open '%s'", w->path);
	code = judge_owned(w, &st, name, err);
	if (code != BV_OK)
		return code;
	if (S_ISLNK(st.st_mode)) {
		/* root's own in a directory with the sticky bit is judged */
		if (untrusted && !w->owned)
			return bv_fail(err, BV_E_CONF,
				       "'%s': '%s' is a symbolic link in a "
				       "directory that is not root's alone, "
				       "whose owner could point it anywhere; "
				       "write the real path",
				       w->path, name);
		return walk_follow(w, fd, err);
	}
	w->trusted = w->trusted && is_root_alone(&st);
	bvh_close(&w->fd);
	w->fd = bvh_fd_take(&fd);
	return BV_OK;
}

/* Cut the first component off w->rest; false at the end. */
static bool walk_next(struct walk *w, char name[NAME_MAX + 2])
{
	const char *s = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(s, "/");

	if (len == 0)
		return false;
	if (len > NAME_MAX)
		len = NAME_MAX + 1; /* the kernel refuses it, not us */
	memcpy(name, s, len);
	name[len] = '\0';
	memmove(w->rest, s + len, strlen(s + len) + 1);
	return true;
}

static int walk_path(const char *path, bool owned, int *ret_fd,
		     struct bv_err *err)
{
	struct walk w = { .path = path, .fd = -1, .owned = owned };
	char name[NAME_MAX + 2];
	int rc = walk_to_root(&w, err);

	memcpy(w.rest, path, strlen(path) + 1);
	while (rc == BV_OK && walk_next(&w, name)) {
		if (strcmp(name, ".") != 0)
			rc = walk_component(&w, name, err);
	}
	if (rc == BV_OK)
		*ret_fd = bvh_fd_take(&w.fd);
	bvh_close(&w.fd);
	return rc;
}

static int open_as_is(const char *path, int *ret_fd, struct bv_err *err)
{
	/* Most paths hold no link at all: one call. Not O_NOFOLLOW, which
	 * with O_PATH would hand out a link at the end. */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd = bvh_sys_openat2(AT_FDCWD, path, &how);

	if (fd >= 0) {
		*ret_fd = fd;
		return BV_OK;
	}
	if (errno != ELOOP)
		return bv_fail_errno(err, errno, "open '%s'", path);
	return walk_path(path, false, ret_fd, err);
}

int bvh_path_open_owned(const char *path, int *ret_fd, struct bv_err *err)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return bv_fail(err, BV_E_INVAL, "'%.64s' is no absolute path",
			       path);
	return walk_path(path, true, ret_fd, err);
}

int bvh_path_open(const char *path, const struct bv_subject *subject,
		  int *ret_fd, struct bv_err *err)
{
	struct bv_err first = { 0 };
	int rc;

	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return bv_fail(err, BV_E_INVAL, "'%.64s' is no absolute path",
			       path);
	rc = open_as_is(path, ret_fd, &first);
	if (rc != BV_OK && first.sys_errno == EACCES && subject != NULL &&
	    subject->uid != 0 && geteuid() == 0) {
		/* The kernel drops the file capabilities with the fsuid. */
		setfsgid(subject->gid);
		setfsuid(subject->uid);
		rc = open_as_is(path, ret_fd, &first);
		setfsuid(0);
		setfsgid(getegid());
	}
	if (rc != BV_OK && err != NULL)
		*err = first;
	return rc;
}

static bool is_absent(const struct bv_err *why)
{
	return why->sys_errno == ENOENT || why->sys_errno == ENOTDIR;
}

bool bvh_path_at_fault(const struct bv_err *why)
{
	static const int errnos[] = { ENOENT, ENOTDIR, EACCES,      EPERM,
				      ELOOP,  EROFS,   ENAMETOOLONG };

	for (size_t i = 0; i < BV_LEN(errnos); i++) {
		if (why->sys_errno == errnos[i])
			return true;
	}
	return why->code == BV_E_CONF;
}

static int open_unless(const char *path, bool (*excused)(const struct bv_err *),
		       int *ret_fd, struct bv_err *err)
{
	struct bv_err why = { 0 };

	if (bvh_path_open(path, NULL, ret_fd, &why) == BV_OK || excused(&why))
		return BV_OK;
	if (err != NULL)
		*err = why;
	return why.code;
}

int bvh_path_open_present(const char *path, int *ret_fd, struct bv_err *err)
{
	return open_unless(path, is_absent, ret_fd, err);
}

int bvh_path_open_usable(const char *path, int *ret_fd, struct bv_err *err)
{
	return open_unless(path, bvh_path_at_fault, ret_fd, err);
}

int bvh_path_open_rule(const char *file, const struct bv_fs_rule *rule,
		       const struct bv_subject *subject, int *ret_fd,
		       struct bv_err *err)
{
	struct bv_err why = { 0 };
	bv_auto_close int fd = -1;
	int rc = bvh_path_open(rule->path, subject, &fd, &why);
	bool absent = is_absent(&why);
	int sys_errno = why.sys_errno;

	if (rc == BV_OK && (rule->rights & BV_FS_WRITE) != 0)
		rc = bvh_cgroup_mounts_refuse(fd, rule->path, &why);
	if (rc == BV_OK) {
		*ret_fd = bvh_fd_take(&fd);
		return BV_OK;
	}
	if (absent && rule->optional)
		return BV_OK;
	if (bvh_path_at_fault(&why)) {
		char text[BV_ERR_MSG_MAX];

		memcpy(text, why.msg, sizeof(text));
		rc = bv_fail(&why, BV_E_REFUSED, "%.400s%s", text,
			     absent ? "; create it, or put '-' in front" : "");
		why.sys_errno = sys_errno;
	}
	(void)bv_ctx(&why, "%s:%u", file, rule->line);
	if (err != NULL)
		*err = why;
	return rc;
}
