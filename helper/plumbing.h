/* SPDX-License-Identifier: MIT */
/*
 * What every session is granted beside its policy's own rules: the base
 * profiles, and the plumbing that the session leader (sshd, login, su, cron)
 * goes on using after it was confined. Plain tables: this is the list an
 * auditor reads. Rows whose path is absent here are skipped.
 */
#ifndef BVH_PLUMBING_H
#define BVH_PLUMBING_H

#include "core/spec.h"

enum bvh_grant {
	BVH_GRANT_LIST, /* directory listings, contents not */
	BVH_GRANT_READ,
	BVH_GRANT_EXEC,   /* and read */
	BVH_GRANT_WRITE,  /* and read; create, remove, rename, truncate */
	BVH_GRANT_DEVICE, /* read, write, ioctl */
	BVH_GRANT_CLOSED, /* write, where root alone can enter the directory */
	BVH_GRANT_N
};

struct bvh_plumbing_row {
	const char *path;
	uint32_t bases; /* bits 1 << enum bv_base that have the row */
	enum bvh_grant grant;
	bool view_rw; /* stays writable in a read-only mount view */
};

extern const struct bvh_plumbing_row bvh_plumbing[];
extern const size_t bvh_plumbing_n;

static inline bool bvh_plumbing_has(const struct bvh_plumbing_row *row,
				    enum bv_base base)
{
	return ((row->bases >> (unsigned int)base) & 1u) != 0;
}

/* The private directories of every session, in the order they are made.
 * always: also without [temp] private. */
struct bvh_private_dir {
	const char *path;
	const char *name; /* below the session's own tmpfs */
	unsigned int mode;
	bool always;
};

extern const struct bvh_private_dir bvh_private_dirs[];
extern const size_t bvh_private_dirs_n;

/* The leader's terminal when PAM named one under /dev: its O_PATH descriptor,
 * and the path into ret. -1 when there is none (sshd says "ssh"). */
int bvh_plumbing_tty_open(const struct bv_subject *subject, char *ret_path,
			  size_t ret_len);

#endif
