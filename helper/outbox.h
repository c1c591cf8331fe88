/* SPDX-License-Identifier: MIT */
/*
 * The outbox of a session: a directory in its private temp root whose regular
 * files go to an administrator's directory at the close, or nowhere. All of it
 * runs as root over a tree that the user shaped: every name is looked up by
 * openat2(RESOLVE_BENEATH, NO_SYMLINKS, NO_MAGICLINKS, NO_XDEV) below the
 * directory that was opened when it was made, nothing is opened before its
 * type is known, and all of it has bounds.
 */
#ifndef BVH_OUTBOX_H
#define BVH_OUTBOX_H

#include "core/report.h"

#include <sys/types.h>

#define BVH_OUTBOX_ENTRIES_MAX 4096u /* names looked at */

struct bvh_outbox_limits {
	uint32_t files_max;
	uint32_t depth_max;
	uint64_t bytes_max; /* of all files together, holes counted */
	uid_t uid;          /* whose files they have to be */
};

/* Files to take come with refused "", the others with the reason. */
struct bvh_outbox_list {
	struct bv_output *v; /* by name, ascending */
	size_t n;
	size_t files;    /* of them, to take */
	uint64_t bytes;  /* of those */
	size_t unlisted; /* refused ones that found no room */
	size_t entries;
};

struct bvh_outbox_sink {
	int target_fd;          /* the administrator's directory */
	const char *session_id; /* the name there */
	enum bv_commit commit;
	uid_t uid;
	gid_t gid; /* of what is promoted */
	mode_t mode;
};

/* What became durable, for the report. */
struct bvh_outbox_done {
	size_t synced;   /* files and directories */
	size_t unsynced; /* BEST_EFFORT: fsync that failed */
	bool published;  /* it stands under its name, whatever failed after */
};

/* A directory that is root's alone from '/' on, without symbolic links, on a
 * file system that can be written. */
int bvh_outbox_target_open(const char *path, int *ret_fd,
			   struct bv_err *err) BV_MUST_CHECK;

/* What lies in box_fd. BV_E_LIMIT with the limit that was passed: then nothing
 * is to be taken, and the list says what was seen until there.
 * bvh_outbox_list_done() in any case. */
int bvh_outbox_collect(int box_fd, const struct bvh_outbox_limits *limits,
		       struct bvh_outbox_list *ret,
		       struct bv_err *err) BV_MUST_CHECK;
void bvh_outbox_list_done(struct bvh_outbox_list *list);

/* Digests of what is to be taken, into the list. */
int bvh_outbox_digest(int box_fd, const struct bvh_outbox_limits *limits,
		      struct bvh_outbox_list *list,
		      struct bv_err *err) BV_MUST_CHECK;

/* All of it or nothing: copied to a hidden directory beside the final one,
 * each file's digest read back, then renamed to TARGET/SESSION-ID, which must
 * not be there yet. On failure nothing is left at the target, except when the
 * last step fails, which is only told: the rename stands, durable or not. */
int bvh_outbox_commit(int box_fd, const struct bvh_outbox_limits *limits,
		      const struct bvh_outbox_sink *sink,
		      struct bvh_outbox_list *list, struct bvh_outbox_done *ret,
		      struct bv_err *err) BV_MUST_CHECK;

/* ".bvisor-SESSION-ID.part": left behind only by a crash while it was filled. */
#define BVH_OUTBOX_STAGE_MAX 64u
void bvh_outbox_stage_name(const char *session_id,
			   char ret[BVH_OUTBOX_STAGE_MAX]);

/* What is at the target of a session without a guardian (outbox_stage.c). */
int bvh_outbox_look(int target_fd, const char *session_id, bool *ret_promoted,
		    bool *ret_staged, struct bv_err *err) BV_MUST_CHECK;
/* The staged directory and all in it away, durable; it must be there. */
int bvh_outbox_stage_remove(int target_fd, const char *session_id,
			    size_t *ret_entries,
			    struct bv_err *err) BV_MUST_CHECK;

/* --- shared by outbox_list.c, outbox_copy.c and outbox_commit.c ------------ */

/* A name below dirfd, as the file's head says. */
int bvh_outbox_openat(int dirfd, const char *name, int flags, mode_t mode);

/* A regular file of the user's own with one name, opened to be read; what it
 * is instead in *ret_refused (then BV_OK and *ret_fd stays -1). */
int bvh_outbox_open_file(int box_fd, const char *name, uid_t uid, int *ret_fd,
			 uint64_t *ret_bytes, const char **ret_refused,
			 struct bv_err *err) BV_MUST_CHECK;

/* Exactly `bytes` bytes from one to the other (to_fd -1: nowhere), and their
 * digest; more or fewer are an error. */
int bvh_outbox_copy(int from_fd, int to_fd, uint64_t bytes, char ret_hex[65],
		    struct bv_err *err) BV_MUST_CHECK;

#endif
