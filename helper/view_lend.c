/* SPDX-License-Identifier: MIT */
/* [expose]: sources bound to destinations, by descriptor. */
#include "helper/expose.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "helper/fd.h"
#include "helper/path.h"
#include "helper/plumbing.h"
#include "helper/red.h"
#include "helper/sys.h"
#include "helper/view_parts.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

void bvh_exposures_init(struct bvh_exposures *x)
{
	memset(x, 0, sizeof(*x));
	for (size_t i = 0; i < BV_LEN(x->v); i++)
		x->v[i].mount_fd = -1;
}

void bvh_exposures_done(struct bvh_exposures *x)
{
	for (size_t i = 0; i < x->n; i++)
		bvh_close(&x->v[i].mount_fd);
	x->n = 0;
}

/* One call for the tree and all mounts below it; private, or what the host
 * mounts there later would come in without the flags. */
static int seal_tree(int mount_fd, bool write, struct bv_err *err)
{
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	if (bvh_red("expose-flags"))
		attrs = 0;
	if (!write && !bvh_red("expose-ro"))
		attrs |= MOUNT_ATTR_RDONLY;
	if (bvh_sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
				  attrs, 0, MS_PRIVATE) != 0)
		return bv_fail_errno(err, errno, "mount_setattr");
	return BV_OK;
}

/* A device, FIFO or socket shown to a session would be a way out of it. */
static int take_source(const struct bv_expose_rule *rule, int source,
		       struct bvh_exposure *ret, mode_t *ret_mode,
		       struct bv_err *err)
{
	bv_auto_close int fd = -1;
	struct stat st;
	int rc;

	if (fstat(source, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", rule->source);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is neither a directory nor a regular "
			       "file",
			       rule->source);
	rc = bvh_mount_clone(source, "", true, &fd, err);
	if (rc == BV_OK)
		rc = seal_tree(fd, rule->write, err);
	if (rc != BV_OK)
		return rc;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->mount_fd = bvh_fd_take(&fd);
	*ret_mode = st.st_mode;
	return BV_OK;
}

/* The private directory that path is below, or NULL. */
static const char *private_above(const struct bv_spec *spec, const char *path)
{
	for (size_t i = 0; i < bvh_private_dirs_n; i++) {
		const struct bvh_private_dir *dir = &bvh_private_dirs[i];

		if (!dir->always && spec->temp_private &&
		    bvh_path_is_below(path, dir->path))
			return dir->path;
	}
	return NULL;
}

static int make_dest(const char *top, const char *dest, bool is_dir,
		     int *ret_fd, struct bv_err *err)
{
	bv_auto_close int top_fd = -1;
	int rc = bvh_path_open(top, NULL, &top_fd, err);

	if (rc != BV_OK)
		return rc;
	return bvh_mount_spot(top_fd, dest + strlen(top) + 1, is_dir, ret_fd,
			      err);
}

static int open_dest(const struct bv_spec *spec,
		     const struct bv_expose_rule *rule, bool is_dir,
		     int *ret_fd, struct bv_err *err)
{
	const char *top = private_above(spec, rule->dest);
	bv_auto_close int fd = -1;
	struct bv_err why = { 0 };
	struct stat st;
	int rc = bvh_path_open(rule->dest, spec->subject, &fd, &why);

	if (rc != BV_OK && why.sys_errno == ENOENT) {
		if (top != NULL)
			return make_dest(top, rule->dest, is_dir, ret_fd, err);
		return bv_fail(err, BV_E_CONF,
			       "destination '%s' does not exist in the "
			       "session's view; make it, or name one below a "
			       "private /tmp",
			       rule->dest);
	}
	if (rc != BV_OK) {
		if (bvh_path_at_fault(&why))
			why.code = BV_E_CONF;
		if (err != NULL)
			*err = why;
		return why.code;
	}
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", rule->dest);
	if (S_ISDIR(st.st_mode) != is_dir)
		return bv_fail(err, BV_E_CONF,
			       "destination '%s' is %s directory, the source "
			       "is %s",
			       rule->dest, is_dir ? "no" : "a",
			       is_dir ? "one" : "none");
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

static int lend_one(const struct bv_spec *spec,
		    const struct bv_expose_rule *rule, struct bvh_exposure *ret,
		    struct bv_err *err)
{
	const struct bv_fs_rule as_fs = bvh_path_source_rule(rule);
	bv_auto_close int source = -1;
	bv_auto_close int dest = -1;
	mode_t mode = 0;
	int rc = bvh_rule_open(spec, &as_fs, &source, err);

	if (rc != BV_OK || source < 0)
		return rc;
	rc = take_source(rule, source, ret, &mode, err);
	if (rc == BV_OK)
		rc = open_dest(spec, rule, S_ISDIR(mode), &dest, err);
	if (rc == BV_OK)
		rc = bvh_mount_attach(ret->mount_fd, dest, rule->dest, err);
	if (rc == BV_OK)
		return BV_OK;
	rc = bvh_rule_ctx(spec, &as_fs, err);
	if (rc == BV_E_CONF && err != NULL)
		err->code = BV_E_REFUSED; /* the policy's line, not we */
	return rc == BV_E_CONF ? BV_E_REFUSED : rc;
}

int bvh_view_lend(const struct bv_spec *spec, struct bvh_exposures *x,
		  struct bv_err *err)
{
	int rc = BV_OK;

	if (spec->expose_n > BV_LEN(x->v))
		return bv_fail(err, BV_E_BUG, "too many exposed paths");
	bvh_exposures_init(x);
	for (size_t i = 0; i < spec->expose_n && rc == BV_OK; i++) {
		x->n = i + 1;
		rc = lend_one(spec, &spec->expose[i], &x->v[i], err);
	}
	if (rc != BV_OK)
		bvh_exposures_done(x);
	return rc;
}
