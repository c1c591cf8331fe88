/* SPDX-License-Identifier: MIT */
/*
 * The read-only view for kernels whose landlock does not know truncate(2)
 * (ABI 1 and 2): every mount read-only, and the declared write roots bound
 * again on top as they were. What landlock denies stays denied; this only
 * closes the truncation hole.
 */
#include "helper/view_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/path.h"
#include "helper/plumbing.h"
#include "helper/sys.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

struct root {
	const char *path;
	int target; /* where it goes back to */
	int mount_fd;
};

struct roots {
	struct root *v;
	size_t n, cap;
	char tty[128];
};

/* Takes the target descriptor over, also on failure. The copy is made before
 * anything turns read-only and so keeps its flags. */
static int add_root(struct roots *roots, const char *path, int target,
		    struct bv_err *err)
{
	struct root r = { .path = path, .target = target, .mount_fd = -1 };
	int rc = BV_OK;

	if (roots->n == roots->cap)
		rc = bv_fail(err, BV_E_BUG, "more write roots than counted");
	else
		rc = bvh_mount_clone(target, "", true, &r.mount_fd, err);
	if (rc != BV_OK) {
		bvh_close(&r.target);
		return bv_ctx(err, "write root '%s'", path);
	}
	roots->v[roots->n++] = r;
	return BV_OK;
}

static int add_if_there(struct roots *roots, const char *path,
			struct bv_err *err)
{
	int target = -1;
	int rc = bvh_path_open_usable(path, &target, err);

	if (rc != BV_OK || target < 0)
		return rc;
	return add_root(roots, path, target, err);
}

static int add_rules(struct roots *roots, const struct bv_spec *spec,
		     struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < spec->fs_n && rc == BV_OK; i++) {
		const struct bv_fs_rule *rule = &spec->fs[i];
		int target = -1;

		if ((rule->rights & BV_FS_WRITE) == 0)
			continue;
		rc = bvh_rule_open(spec, rule, &target, err);
		if (rc == BV_OK && target >= 0) {
			rc = add_root(roots, rule->path, target, err);
			if (rc != BV_OK)
				(void)bvh_rule_ctx(spec, rule, err);
		}
	}
	return rc;
}

static int add_exposed(struct roots *roots, const struct bv_spec *spec,
		       const struct bvh_exposures *x, struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < x->n && rc == BV_OK; i++) {
		const struct bv_expose_rule *rule = &spec->expose[i];
		int target;

		if (!rule->write || x->v[i].mount_fd < 0)
			continue;
		target = fcntl(x->v[i].mount_fd, F_DUPFD_CLOEXEC, 0);
		if (target < 0)
			return bv_fail_errno(err, errno, "dup of '%s'",
					     rule->dest);
		rc = add_root(roots, rule->dest, target, err);
	}
	return rc;
}

static int collect(struct roots *roots, const struct bv_spec *spec,
		   const struct bvh_exposures *x, struct bv_err *err)
{
	/* procfs: landlock decides there, and it holds no data to truncate */
	int rc = add_if_there(roots, "/proc", err);
	int tty_fd;

	for (size_t i = 0; i < bvh_private_dirs_n && rc == BV_OK; i++) {
		if (spec->temp_private || bvh_private_dirs[i].always)
			rc = add_if_there(roots, bvh_private_dirs[i].path, err);
	}
	for (size_t i = 0; i < bvh_plumbing_n && rc == BV_OK; i++) {
		if (bvh_plumbing[i].view_rw &&
		    bvh_plumbing_has(&bvh_plumbing[i], spec->base))
			rc = add_if_there(roots, bvh_plumbing[i].path, err);
	}
	/* login(1) hands its terminal to the user: chown needs it writable */
	tty_fd = bvh_plumbing_tty_open(spec->subject, roots->tty,
				       sizeof(roots->tty));
	if (tty_fd >= 0 && rc == BV_OK)
		rc = add_root(roots, roots->tty, tty_fd, err);
	else
		bvh_close(&tty_fd);
	if (rc == BV_OK)
		rc = add_rules(roots, spec, err);
	if (rc == BV_OK)
		rc = add_exposed(roots, spec, x, err);
	return rc;
}

/* "write = /": nothing is left to protect. */
static bool may_write_all(const struct bv_spec *spec)
{
	for (size_t i = 0; i < spec->fs_n; i++) {
		if ((spec->fs[i].rights & BV_FS_WRITE) != 0 &&
		    strcmp(spec->fs[i].path, "/") == 0)
			return true;
	}
	return false;
}

int bvh_view_read_only(const struct bv_spec *spec,
		       const struct bvh_exposures *x, struct bv_err *err)
{
	struct roots roots = { .n = 0 };
	int rc;

	if (may_write_all(spec))
		return BV_OK;
	roots.cap = 2 + bvh_private_dirs_n + bvh_plumbing_n + spec->fs_n + x->n;
	roots.v = calloc(roots.cap, sizeof(roots.v[0]));
	if (roots.v == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for write roots");
	rc = collect(&roots, spec, x, err);
	if (rc == BV_OK && bvh_sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE,
						 MOUNT_ATTR_RDONLY, 0, 0) != 0)
		rc = bv_fail_errno(err, errno, "make all mounts read-only");
	for (size_t i = 0; i < roots.n; i++) {
		if (rc == BV_OK)
			rc = bvh_mount_attach(roots.v[i].mount_fd,
					      roots.v[i].target,
					      roots.v[i].path, err);
		bvh_close(&roots.v[i].mount_fd);
		bvh_close(&roots.v[i].target);
	}
	free(roots.v);
	return rc;
}
