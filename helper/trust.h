/* SPDX-License-Identifier: MIT */
/*
 * Files that are believed only where root alone can have written them: every
 * directory and file is opened once, by descriptor, without following a
 * symbolic link, and judged by fstat on what was opened.
 */
#ifndef BVH_TRUST_H
#define BVH_TRUST_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Owner root, no write for group or others; what it is, in *ret_st. */
int bvh_trust(int fd, const char *shown, struct stat *ret_st,
	      struct bv_err *err) BV_MUST_CHECK;

/* Walk an absolute path from the root, judging each component. BV_OK with
 * *ret_fd -1: it does not exist. The descriptor is O_PATH. */
int bvh_trust_dir(const char *path, int *ret_fd,
		  struct bv_err *err) BV_MUST_CHECK;

/* One step down; *fd is replaced. BV_OK with *fd -1: it does not exist.
 * list: readable for fdopendir, else O_PATH. */
int bvh_trust_descend(int *fd, const char *name, const char *shown, bool list,
		      struct bv_err *err) BV_MUST_CHECK;

/* Open a regular file for reading; BV_OK with *ret_fd -1: absent. */
int bvh_trust_file(int dirfd, const char *name, const char *shown,
		   uint64_t max_bytes, int *ret_fd, struct stat *ret_st,
		   struct bv_err *err) BV_MUST_CHECK;

/* The whole of one; malloc'ed. BV_OK with *ret NULL: absent. */
int bvh_trust_read(int dirfd, const char *name, const char *shown,
		   size_t max_bytes, char **ret, size_t *ret_len,
		   struct bv_err *err) BV_MUST_CHECK;

#endif
