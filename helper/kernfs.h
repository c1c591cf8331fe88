/* SPDX-License-Identifier: MIT */
/* The small text files of cgroupfs and procfs: one read, one write. */
#ifndef BVH_KERNFS_H
#define BVH_KERNFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole file into ret, NUL-terminated, cut at ret_len - 1. Returns 0 or an
 * errno: callers decide which of them are fine. */
int bvh_kernfs_read(int dirfd, const char *name, char *ret, size_t ret_len);

/* One write(2) of the text; 0 or an errno. */
int bvh_kernfs_write(int dirfd, const char *name, const char *text);

/* Is `word` one of the blank-separated words of text? */
bool bvh_text_has_word(const char *text, const char *word);

/* The number behind "KEY " at the start of a line ("" key: the first line);
 * "max" counts as absent. */
bool bvh_text_number(const char *text, const char *key, uint64_t *ret);

#endif
