/* SPDX-License-Identifier: MIT */
/* Cgroup file systems, read-only; see cgroup_mounts.h. */
#include "helper/cgroup_mounts.h"

#include "helper/fd.h"
#include "helper/mountinfo.h"
#include "helper/red.h"
#include "helper/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What stands before a file system's own options, which may be longer than this and
 * are not looked at: two paths, where each byte may be escaped into four. */
#define LINE_LEN (64u << 10)

struct lines {
	int fd;
	size_t begin, end;
	bool is_rest; /* what follows belongs to a line that was given */
	char buf[LINE_LEN];
};

/* More bytes behind those that are there. 0 at the end, -1 with errno. */
static ssize_t fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->begin, l->end - l->begin);
	l->end -= l->begin;
	l->begin = 0;
	do {
		n = read(l->fd, l->buf + l->end, sizeof(l->buf) - l->end);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		l->end += (size_t)n;
	return n;
}

/* The next line, or its beginning; NULL at the end or at a failure (*ret_e != 0). */
static char *next_line(struct lines *l, int *ret_e)
{
	for (;;) {
		char *at = l->buf + l->begin;
		char *nl = memchr(at, '\n', l->end - l->begin);
		const bool is_full = l->end - l->begin == sizeof(l->buf);
		const bool is_rest = l->is_rest;
		ssize_t n;

		if (nl != NULL || is_full) {
			l->is_rest = nl == NULL;
			if (nl == NULL)
				nl = l->buf + sizeof(l->buf) - 1;
			*nl = '\0';
			l->begin = (size_t)(nl - l->buf) + 1;
			if (is_rest)
				continue;
			return at;
		}
		n = fill(l);
		if (n <= 0) {
			*ret_e = n < 0 ? errno : l->end > 0 ? EPROTO : 0;
			return NULL;
		}
	}
}

/* "\040" → " ": blanks, newlines and backslashes of a path. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *s = text; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool is_cgroup(const struct bvh_mountinfo *m)
{
	return strcmp(m->type, "cgroup") == 0 ||
	       strcmp(m->type, "cgroup2") == 0;
}

/* The next mount of a cgroup file system; *ret_found false at the end. */
static int next_row(struct lines *l, struct bvh_mountinfo *ret, bool *ret_found,
		    struct bv_err *err)
{
	char *line;
	int e = 0;

	*ret_found = false;
	while ((line = next_line(l, &e)) != NULL) {
		if (!bvh_mountinfo_parse(line, ret) || ret->type == NULL)
			return bv_fail(err, BV_E_PROTO,
				       "mountinfo has a line of another form");
		if (is_cgroup(ret)) {
			unescape(ret->where);
			*ret_found = true;
			return BV_OK;
		}
	}
	return e == 0 ? BV_OK : bv_fail_errno(err, e, "read mountinfo");
}

/* The mount of that number alone: a path leads to the topmost. */
static int seal_one(const struct bvh_mountinfo *r, struct bv_err *err)
{
	bv_auto_close int fd = open(r->where, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statx sx;

	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", r->where);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", r->where);
	if ((sx.stx_mask & STATX_MNT_ID) == 0 || sx.stx_mnt_id != r->id)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "the cgroup mount %" PRIu64
			       " on '%s' lies under "
			       "another mount and cannot be made read-only; "
			       "unmount one of the two",
			       r->id, r->where);
	/* Private: nothing is mounted into it from outside either. */
	if (bvh_sys_mount_setattr(fd, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0,
				  MS_PRIVATE) != 0)
		return bv_fail_errno(err, errno, "mount_setattr '%s'",
				     r->where);
	return BV_OK;
}

/* One that went away meanwhile is no failure: what counts is what the next look
 * finds. The first reason is kept for that. */
static int seal_all(struct bv_err *ret_why, struct bv_err *err)
{
	struct lines l = { .begin = 0 };
	bv_auto_close int fd = -1;
	struct bvh_mountinfo r;
	bool found;
	int code;

	fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open mountinfo");
	l.fd = fd;
	for (;;) {
		code = next_row(&l, &r, &found, err);
		if (code != BV_OK || !found)
			return code;
		if (!bvh_red("cgroup-ro") && seal_one(&r, err) != BV_OK &&
		    ret_why->code == BV_OK)
			*ret_why = *err;
	}
}

int bvh_cgroup_mounts_seal(struct bv_err *err)
{
	struct bv_err why = { 0 }, tmp = { 0 };
	bv_auto_close int fd = -1;
	size_t n = 0;
	int code = seal_all(&why, &tmp);

	if (code == BV_OK && why.code == BV_OK)
		return BV_OK;
	if (code == BV_OK) {
		fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			code = bv_fail_errno(&tmp, errno, "open mountinfo");
		else if (bvh_cgroup_mounts_check(fd, &n, NULL) == BV_OK)
			return BV_OK;
		else
			tmp = why;
	}
	if (err != NULL)
		*err = tmp;
	return tmp.code;
}

int bvh_cgroup_mounts_check(int mountinfo_fd, size_t *ret_n, struct bv_err *err)
{
	struct lines l = { .fd = mountinfo_fd };
	struct bvh_mountinfo r;
	bool found;

	*ret_n = 0;
	for (;;) {
		int code = next_row(&l, &r, &found, err);

		if (code != BV_OK || !found)
			return code;
		if (!bvh_mountinfo_has(&r, "ro"))
			return bv_fail(err, BV_E_PROTO,
				       "the cgroup mount %" PRIu64 " on '%s' "
				       "may be written in the session's view",
				       r.id, r.where);
		*ret_n += 1;
	}
}

int bvh_cgroup_mounts_refuse(int fd, const char *path, struct bv_err *err)
{
	struct statfs st;
	uint32_t type;

	/* A server may say no to root; of a cgroup it is always told. */
	if (fstatfs(fd, &st) != 0)
		return BV_OK;
	type = (uint32_t)st.f_type;
	if (type != CGROUP2_SUPER_MAGIC && type != CGROUP_SUPER_MAGIC)
		return BV_OK;
	return bv_fail(err, BV_E_CONF,
		       "'%s' is in a cgroup file system, which no session may "
		       "write: it would leave its boundary; grant 'read' there",
		       path);
}
