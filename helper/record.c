/* SPDX-License-Identifier: MIT */
/*
 * The report of one session, in a file whose blocks are taken before the session
 * has any effect: a disk which fills up later cannot lose it, even when the
 * journal takes nothing more; recovery folds it into the journal then. Until the
 * end it need not outlive a power cut (the session does not either, and the
 * journal has its start), so beginning costs no fsync here. The guardian holds
 * the file's lock as long as it lives: the kernel's own word on that.
 */
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/session.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_seal(const char *json, char ret[65], struct bv_err *err)
{
	json_t *report = json_loads(json, 0, NULL);
	const char *seal = json_string_value(json_object_get(report, "sha256"));
	const bool whole = seal != NULL && strlen(seal) == 64;

	if (whole)
		memcpy(ret, seal, 65);
	json_decref(report);
	return whole ? BV_OK : bv_fail(err, BV_E_BUG, "a report without seal");
}

/* In the place of whatever the file held. */
int bvh_record_write(int fd, char *json, struct bv_err *err)
{
	const size_t len = strlen(json);
	int code = BV_OK;

	json[len] = '\n'; /* in the place of the NUL */
	if (bvh_write_all(fd, json, len + 1, 0) != 0)
		code = bv_fail_errno(err, errno, "write the record");
	else if (ftruncate(fd, (off_t)len + 1) != 0)
		code = bv_fail_errno(err, errno, "cut the record to its size");
	json[len] = '\0';
	return code;
}

static int write_report(int fd, const struct bv_report *report,
			char ret_sha256[65], struct bv_err *err)
{
	bv_auto_free char *json = NULL;
	int code = bv_report_encode(report, &json, err);

	if (code == BV_OK && ret_sha256 != NULL)
		code = take_seal(json, ret_sha256, err);
	return code == BV_OK ? bvh_record_write(fd, json, err) : code;
}

/* Blocks beyond the end of the file, so that cutting it to its text keeps
 * them (FALLOC_FL_KEEP_SIZE). */
static int reserve(int fd, const struct bv_report *report, struct bv_err *err)
{
	const struct bv_plan *plan = report->plan;
	off_t bytes = BVH_RECORD_RESERVE;

	if (plan != NULL && plan->spec->outbox.line != 0)
		bytes += (off_t)BV_OUTPUTS_MAX * BVH_RECORD_OUTPUT;
	if (report->commands != NULL)
		bytes += (off_t)BV_COMMANDS_LISTED * BVH_RECORD_COMMAND;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0)
		return BV_OK;
	if (errno == EOPNOTSUPP) /* such a file system reserves nothing */
		return BV_OK;
	return bv_fail_errno(err, errno, "reserve %lld bytes for the record",
			     (long long)bytes);
}

/* Of the process, not of the descriptor: what it forks does not keep it. */
bool bvh_record_lock(int fd)
{
	const struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &all) == 0;
}

int bvh_record_open(const char *state_dir, const struct bv_report *report,
		    int *ret_fd, struct bv_err *err)
{
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	char name[32];
	int code = bvh_dir_sessions(state_dir, 0700, &dir, err);

	if (code != BV_OK)
		return code;
	snprintf(name, sizeof(name), "%.16s.json", report->session_id);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s/sessions/%s'",
				     state_dir, name);
	if (!bvh_record_lock(fd))
		code = bv_fail_errno(err, errno, "lock");
	/* Cut first, reserve after: ftruncate would free what lies beyond. */
	if (code == BV_OK)
		code = write_report(fd, report, NULL, err);
	if (code == BV_OK)
		code = reserve(fd, report, err);
	if (code != BV_OK) {
		unlinkat(dir, name, 0);
		return bv_ctx(err, "'%s/sessions/%s'", state_dir, name);
	}
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_record_sync(const char *state_dir, int fd, struct bv_err *err)
{
	bv_auto_close int dir = -1;
	int code = bvh_dir_sessions(state_dir, 0700, &dir, err);

	if (code != BV_OK)
		return code;
	if (fsync(fd) != 0)
		return bv_fail_errno(err, errno, "fsync of the record");
	if (fsync(dir) != 0)
		return bv_fail_errno(err, errno, "fsync of its directory");
	return BV_OK;
}

int bvh_record_seal(const char *state_dir, int fd,
		    const struct bv_report *report, char ret_sha256[65],
		    struct bv_err *err)
{
	int code = write_report(fd, report, ret_sha256, err);

	return code == BV_OK ? bvh_record_sync(state_dir, fd, err) : code;
}

void bvh_record_drop(const char *state_dir, const char *id)
{
	bv_auto_close int dir = -1;
	char name[32];

	snprintf(name, sizeof(name), "%.16s.json", id);
	if (bvh_dir_sessions(state_dir, 0700, &dir, NULL) == BV_OK)
		(void)unlinkat(dir, name, 0);
}
