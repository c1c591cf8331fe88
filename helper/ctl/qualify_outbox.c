/* SPDX-License-Identifier: MIT */
/*
 * Proofs of the outbox: a user fills one, with what he may not give away among
 * it, and it is settled by the steps of a session's end. What came out of it is
 * read from the disk, by us.
 */
#include "helper/ctl/qualify.h"

#include "core/digest.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX (64u << 10)
#define HOLE      ((off_t)1 << 30)
#define ID        "00c0ffee00c0ffee"
#define RESULT    "forty two"
#define MORE      "more"

static const struct bvh_outbox_limits limits = {
	.files_max = 8,
	.depth_max = 2,
	.bytes_max = BYTES_MAX,
	.uid = BVH_STAGE_UID,
};

struct box {
	int fd, target_fd;
	struct bvh_outbox_list list;
};

static void box_close(struct box *b)
{
	bvh_close(&b->fd);
	bvh_close(&b->target_fd);
	bvh_outbox_list_done(&b->list);
}
#define bv_auto_box __attribute__((cleanup(box_close)))

/* --- what the user does ---------------------------------------------------- */

static int leave(const struct bvh_stage *s, const char *name, const char *text)
{
	bv_auto_close int fd =
		open(bvh_stage_path(s, name),
		     O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : bvh_write_all(fd, text, strlen(text), 0);
}

/* Two files that are his to give, and two ways to what is not. */
static int fill(void *arg)
{
	const struct bvh_stage *s = arg;

	return leave(s, "box/result", RESULT) != 0 ||
	       mkdir(bvh_stage_path(s, "box/sub"), 0700) != 0 ||
	       leave(s, "box/sub/more", MORE) != 0 ||
	       mkfifo(bvh_stage_path(s, "box/fifo"), 0600) != 0 ||
	       symlink(bvh_stage_path(s, "rooted"),
		       bvh_stage_path(s, "box/link")) != 0;
}

static int punch_hole(void *arg)
{
	const struct bvh_stage *s = arg;

	return leave(s, "box/hole", "x") != 0 ||
	       truncate(bvh_stage_path(s, "box/hole"), HOLE) != 0;
}

/* --- the stage's part ------------------------------------------------------ */

/* A tmpfs of this proof's alone, as a session's private temp root is one. */
static int make_dir(const struct bvh_stage *s, const char *name, uid_t uid,
		    struct bv_err *err)
{
	const char *path = bvh_stage_path(s, name);

	if ((mkdir(path, 0700) != 0 && errno != EEXIST) ||
	    mount("bvisor", path, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=1m") != 0 ||
	    chown(path, uid, (gid_t)uid) != 0)
		return bv_fail_errno(err, errno, "make '%s'", path);
	return BV_OK;
}

/* The user's box, a target and a file of root's to reach for. */
static int box_open(const struct bvh_stage *s, struct box *b,
		    struct bv_err *err)
{
	bv_auto_close int rooted = open(bvh_stage_path(s, "rooted"),
					O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int code;

	if (rooted < 0 || bvh_write_all(rooted, "root's", 6, 0) != 0)
		return bv_fail_errno(err, errno, "a file of root's");
	code = make_dir(s, "box", BVH_STAGE_UID, err);
	if (code == BV_OK)
		code = make_dir(s, "target", 0, err);
	if (code != BV_OK)
		return code;
	b->fd = open(bvh_stage_path(s, "box"),
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->fd < 0)
		return bv_fail_errno(err, errno, "open the outbox");
	return bvh_outbox_target_open(bvh_stage_path(s, "target"),
				      &b->target_fd, err);
}

/* Its last descriptor and its mount go, and with them what was in it. */
static int box_drop(const struct bvh_stage *s, struct box *b,
		    struct bv_err *err)
{
	box_close(b);
	if (umount2(bvh_stage_path(s, "box"), MNT_DETACH) != 0 ||
	    umount2(bvh_stage_path(s, "target"), MNT_DETACH) != 0)
		return bv_fail_errno(err, errno, "umount the outbox");
	if (access(bvh_stage_path(s, "box/result"), F_OK) == 0)
		return bv_fail(err, BV_E_SYS, "what was dropped is there");
	return BV_OK;
}

/* --- witnesses ------------------------------------------------------------- */

static int check_text(int dir_fd, const char *name, const char *want,
		      struct bv_err *err)
{
	bv_auto_close int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char got[64];

	if (fd < 0 || bvh_read_all(fd, got, sizeof(got) - 1) < 0)
		return bv_fail_errno(err, errno, "read '%s'", name);
	return strcmp(got, want) == 0
		       ? BV_OK
		       : bv_fail(err, BV_E_SYS, "'%s' is not what it was",
				 name);
}

/* want: its text; NULL: it is not to be taken, for `refused`. */
static int check_output(const struct bvh_outbox_list *list, const char *name,
			const char *want, const char *refused,
			struct bv_err *err)
{
	char sha256[65] = "";

	if (want != NULL)
		bv_sha256_hex(want, strlen(want), sha256);
	for (size_t i = 0; i < list->n; i++) {
		const struct bv_output *out = &list->v[i];

		if (strcmp(out->name, name) != 0)
			continue;
		if (strcmp(out->refused, refused) != 0 ||
		    strcmp(out->sha256, sha256) != 0)
			return bv_fail(err, BV_E_SYS,
				       "'%s' is listed with digest '%s' and "
				       "'%s'",
				       name, out->sha256, out->refused);
		return BV_OK;
	}
	return bv_fail(err, BV_E_SYS, "'%s' is not listed", name);
}

static int check_list(const struct bvh_outbox_list *list, struct bv_err *err)
{
	int code = check_output(list, "result", RESULT, "", err);

	if (code == BV_OK)
		code = check_output(list, "sub/more", MORE, "", err);
	if (code == BV_OK)
		code = check_output(list, "fifo", NULL, "fifo", err);
	if (code == BV_OK)
		code = check_output(list, "link", NULL, "symbolic link", err);
	if (code == BV_OK && (list->n != 4 || list->files != 2))
		code = bv_fail(err, BV_E_SYS, "%zu outputs, %zu to take",
			       list->n, list->files);
	return code;
}

static bool is_at(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int check_target(const struct box *b, bool promoted, struct bv_err *err)
{
	char stage[BVH_OUTBOX_STAGE_MAX];
	bv_auto_close int fd = -1;
	int code;

	bvh_outbox_stage_name(ID, stage);
	if (is_at(b->target_fd, stage) || is_at(b->target_fd, ID) != promoted)
		return bv_fail(err, BV_E_SYS,
			       promoted ? "not promoted, or half of it"
					: "something was promoted");
	if (!promoted)
		return BV_OK;
	fd = openat(b->target_fd, ID, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	code = check_text(fd, "result", RESULT, err);
	if (code == BV_OK)
		code = check_text(fd, "sub/more", MORE, err);
	if (code == BV_OK && (is_at(fd, "link") || is_at(fd, "fifo")))
		code = bv_fail(err, BV_E_SYS, "what is no file was promoted");
	return code;
}

/* --- settling -------------------------------------------------------------- */

static int collect(const struct bvh_stage *s, struct box *b, struct bv_err *err)
{
	int code = box_open(s, b, err);
	char secret[16];
	bv_auto_close int fd = -1;

	if (code == BV_OK && bvh_outside(fill, (void *)(uintptr_t)s) != 0)
		code = bv_fail(err, BV_E_SYS, "control: no outbox to fill");
	if (code != BV_OK)
		return code;
	/* Who follows it gets there: else that it was left shows nothing. */
	fd = open(bvh_stage_path(s, "box/link"), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || bvh_read_all(fd, secret, sizeof(secret) - 1) != 6)
		return bv_fail_errno(err, errno, "control: the link");
	return bvh_outbox_collect(b->fd, &limits, &b->list, err);
}

/* One file beyond the budget, and nothing is taken. */
static int overrun(const struct bvh_stage *s, struct box *b, struct bv_err *err)
{
	struct bv_err why = { 0 };

	bvh_outbox_list_done(&b->list);
	if (bvh_outside(punch_hole, (void *)(uintptr_t)s) != 0)
		return bv_fail(err, BV_E_SYS, "control: no large file");
	if (bvh_outbox_collect(b->fd, &limits, &b->list, &why) == BV_E_LIMIT)
		return BV_OK;
	return bv_fail(err, BV_E_SYS, "more than the budget is taken");
}

static int commit(const struct bvh_stage *s, enum bv_commit how,
		  struct bv_err *err)
{
	bv_auto_box struct box b = { .fd = -1, .target_fd = -1 };
	struct bvh_outbox_done done = { 0 };
	struct bvh_outbox_sink sink = { .session_id = ID,
					.commit = how,
					.mode = 0640 };
	int code = collect(s, &b, err);

	sink.target_fd = b.target_fd;
	if (code == BV_OK)
		code = bvh_outbox_commit(b.fd, &limits, &sink, &b.list, &done,
					 err);
	if (code == BV_OK)
		code = check_list(&b.list, err);
	if (code == BV_OK)
		code = check_target(&b, true, err);
	/* Two files, one directory below, the stage and the target. */
	if (code == BV_OK &&
	    (done.synced != (how == BV_COMMIT_ATOMIC ? 0u : 5u) ||
	     done.unsynced != 0))
		code = bv_fail(err, BV_E_SYS, "%zu synced, %zu not",
			       done.synced, done.unsynced);
	/* What stands there is not replaced. */
	if (code == BV_OK && bvh_outbox_commit(b.fd, &limits, &sink, &b.list,
					       &done, NULL) == BV_OK)
		code = bv_fail(err, BV_E_SYS, "promoted over what was there");
	if (code == BV_OK)
		code = check_target(&b, true, err);
	if (code == BV_OK)
		code = overrun(s, &b, err);
	return code == BV_OK ? box_drop(s, &b, err) : code;
}

BVH_PROOF(commit_atomic)
{
	(void)o;
	return commit(s, BV_COMMIT_ATOMIC, err);
}

BVH_PROOF(commit_durable)
{
	(void)o;
	return commit(s, BV_COMMIT_DURABLE, err);
}

BVH_PROOF(commit_best_effort)
{
	(void)o;
	return commit(s, BV_COMMIT_BEST_EFFORT, err);
}

BVH_PROOF(discard)
{
	bv_auto_box struct box b = { .fd = -1, .target_fd = -1 };
	int code = collect(s, &b, err);

	(void)o;
	if (code == BV_OK)
		code = bvh_outbox_digest(b.fd, &limits, &b.list, err);
	if (code == BV_OK)
		code = check_list(&b.list, err);
	if (code == BV_OK)
		code = check_target(&b, false, err);
	if (code == BV_OK)
		code = overrun(s, &b, err);
	return code == BV_OK ? box_drop(s, &b, err) : code;
}

BVH_PROOF(list_outputs)
{
	bv_auto_box struct box b = { .fd = -1, .target_fd = -1 };
	int code = collect(s, &b, err);

	(void)o;
	if (code == BV_OK)
		code = bvh_outbox_digest(b.fd, &limits, &b.list, err);
	if (code == BV_OK)
		code = check_list(&b.list, err);
	return code == BV_OK ? box_drop(s, &b, err) : code;
}
