/* SPDX-License-Identifier: MIT */
/*
 * Directories of our own (state, records) and small files by descriptor. A
 * directory is used only when it is ours and nobody else may write to it.
 */
#ifndef BVH_DIR_H
#define BVH_DIR_H

#include "core/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Open PATH, absolute or one name below dirfd, made with mode when missing (one
 * level). It must be a directory of the effective user, no symbolic link, not
 * writable by group or others; what is above an absolute one is judged as
 * bvh_path_open_owned() does. shown is the path for messages. */
int bvh_dir_make(int dirfd, const char *path, mode_t mode, const char *shown,
		 int *ret_fd, struct bv_err *err) BV_MUST_CHECK;

/* Would bvh_dir_make() take this absolute path? Nothing is made: *ret_fd is -1
 * when it is not there yet. */
int bvh_dir_try(const char *path, int *ret_fd,
		struct bv_err *err) BV_MUST_CHECK;

/* Open PARENT/sessions, both made as above. */
int bvh_dir_sessions(const char *parent, mode_t mode, int *ret_fd,
		     struct bv_err *err) BV_MUST_CHECK;

/* Open a regular file of that directory, with O_RDONLY or O_RDWR; *ret_fd -1 with
 * BV_OK: there is none. Whatever else has its name (a FIFO would be waited at) is
 * BV_E_CONF. shown stands before the name in messages. */
int bvh_dir_file(int dirfd, const char *name, const char *shown, int access,
		 int *ret_fd, struct bv_err *err) BV_MUST_CHECK;

/* All of buf, from offset on; -1 and errno. */
int bvh_write_all(int fd, const void *buf, size_t len, off_t offset);

/* At most cap bytes of a descriptor into buf, NUL-terminated (buf holds
 * cap + 1). Returns the length or -1 and errno; EFBIG when there is more. */
ssize_t bvh_read_all(int fd, char *buf, size_t cap);

#endif
