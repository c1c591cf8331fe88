/* SPDX-License-Identifier: MIT */
/*
 * Opening a path that a policy names, as root, where a part of it may lie in a
 * directory the confined user can change: a symbolic link planted there would
 * turn "may write ~/upload" into "may write /etc" (CVE-2025-6020 is of this
 * class). Links are followed only while every directory passed belongs to root
 * alone.
 */
#ifndef BVH_PATH_H
#define BVH_PATH_H

#include "core/match.h"
#include "core/policy.h"

/* O_PATH descriptor of an absolute path; never blocks (FIFO, device). Of a
 * magic link of /proc the text is followed, not the jump. When root may not
 * search (NFS root_squash) it is tried again with the subject's file system
 * uid; subject may be NULL. A caller without privilege has nothing to lose to
 * its own links and follows them. On failure err->sys_errno is ENOENT or
 * ENOTDIR for what is absent. */
int bvh_path_open(const char *path, const struct bv_subject *subject,
		  int *ret_fd, struct bv_err *err) BV_MUST_CHECK;

/* The same, without a subject, of what a machine may lack: *ret_fd stays as it is
 * (and BV_OK) where nothing is there. To be out of descriptors or memory is not to
 * find nothing. */
int bvh_path_open_present(const char *path, int *ret_fd,
			  struct bv_err *err) BV_MUST_CHECK;

/* The same, of what is granted where it can be: *ret_fd stays as it is also where
 * the path is at fault. */
int bvh_path_open_usable(const char *path, int *ret_fd,
			 struct bv_err *err) BV_MUST_CHECK;

/* O_PATH descriptor of a path of our own, of which nobody but root can put any
 * part somewhere else: each directory and each link on the way is root's, and
 * not writable by others unless sticky. A caller without privilege is not asked
 * that. */
int bvh_path_open_owned(const char *path, int *ret_fd,
			struct bv_err *err) BV_MUST_CHECK;

/* What an exposure shows, as a rule. */
static inline struct bv_fs_rule
bvh_path_source_rule(const struct bv_expose_rule *x)
{
	return (struct bv_fs_rule){ .path = x->source,
				    .line = x->line,
				    .rights = x->write ? BV_FS_WRITE : 0,
				    .optional = x->optional };
}

/* Is it the path that a policy names, and not that we are out of something? */
bool bvh_path_at_fault(const struct bv_err *why);

/* A rule's path, for `file`:line. *ret_fd stays as it is (and BV_OK) for an
 * absent optional one. BV_E_REFUSED where the path is at fault, or is to be written
 * and is in a cgroup file system, with file, line and what to do; err->sys_errno
 * as above. */
int bvh_path_open_rule(const char *file, const struct bv_fs_rule *rule,
		       const struct bv_subject *subject, int *ret_fd,
		       struct bv_err *err) BV_MUST_CHECK;

#endif
