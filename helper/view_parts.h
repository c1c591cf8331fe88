/* SPDX-License-Identifier: MIT */
/* The steps that fill a view, and the few mount operations they share. All work
 * on descriptors in a mount namespace that is already our own. */
#ifndef BVH_VIEW_PARTS_H
#define BVH_VIEW_PARTS_H

#include "helper/expose.h"
#include "helper/view.h"

/* A tmpfs not attached anywhere yet, nosuid,nodev. mode in octal text. */
int bvh_mount_tmpfs(uint64_t size_bytes, const char *mode, int *ret_fd,
		    struct bv_err *err) BV_MUST_CHECK;

/* A copy of the tree at `name` below dirfd ("" = dirfd itself), not attached;
 * with the mounts below it when recursive. */
int bvh_mount_clone(int dirfd, const char *name, bool recursive, int *ret_fd,
		    struct bv_err *err) BV_MUST_CHECK;

int bvh_mount_attach(int mount_fd, int target_fd, const char *target,
		     struct bv_err *err) BV_MUST_CHECK;

/* An empty file of that name in fs_fd, with the kept mount on it. */
int bvh_mount_keep(int fs_fd, const char *name, int kept,
		   struct bv_err *err) BV_MUST_CHECK;

/* mkdir -p of `rel` below fs_fd, a file system that nobody else is in yet; the
 * last one a directory or an empty file. */
int bvh_mount_spot(int fs_fd, const char *rel, bool is_dir, int *ret_fd,
		   struct bv_err *err) BV_MUST_CHECK;

/* Add MOUNT_ATTR_* to one mount. */
int bvh_mount_restrict(int mount_fd, uint64_t attrs,
		       struct bv_err *err) BV_MUST_CHECK;

/* Is `path` strictly below the directory `top`? Both normalised. */
bool bvh_path_is_below(const char *path, const char *top);

/* Put "POLICY-FILE:LINE" in front of an error about a rule. */
int bvh_rule_ctx(const struct bv_spec *spec, const struct bv_fs_rule *rule,
		 struct bv_err *err);

/* A rule's path opened; *ret_fd stays -1 (and BV_OK) for an absent optional
 * one. */
int bvh_rule_open(const struct bv_spec *spec, const struct bv_fs_rule *rule,
		  int *ret_fd, struct bv_err *err) BV_MUST_CHECK;

int bvh_view_temp(const struct bv_spec *spec, const struct bvh_view_options *o,
		  struct bv_err *err) BV_MUST_CHECK;
int bvh_view_services(const struct bvh_view_options *o,
		      struct bv_err *err) BV_MUST_CHECK;
int bvh_view_records(const struct bv_spec *spec,
		     const struct bvh_view_options *o,
		     struct bv_err *err) BV_MUST_CHECK;
int bvh_view_hide(const struct bv_spec *spec, struct bv_err *err) BV_MUST_CHECK;
/* x: what was bound before and may be written goes on being writable. */
int bvh_view_read_only(const struct bv_spec *spec,
		       const struct bvh_exposures *x,
		       struct bv_err *err) BV_MUST_CHECK;

#endif
