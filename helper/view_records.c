/* SPDX-License-Identifier: MIT */
/*
 * Login records that are an SQLite database (wtmpdb, Debian 13) are rewritten
 * by the leader at the close, and SQLite makes its journal beside them: the
 * directory must be writable, and it is /var/log. So the session gets a
 * /var/log of its own that root alone can enter, with the record files bound
 * inside: the leader finds them, the user finds a closed door.
 */
#include "helper/view_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/path.h"

#define RECORDS_DIR   "/var/log"
#define DATABASE      "wtmp.db"
#define RECORDS_BYTES (4u << 20) /* for journals; the files are the host's */

static const char *const records[] = { DATABASE,  "wtmp",    "btmp",
				       "lastlog", "faillog", "tallylog" };

/* A policy that names /var/log, or what is above or below, has its own idea
 * of it; the leader then goes without a journal and says so in the log. */
static bool is_the_policys(const struct bv_spec *spec)
{
	for (size_t i = 0; i < spec->fs_n; i++) {
		const char *path = spec->fs[i].path;

		if (strcmp(path, RECORDS_DIR) == 0 ||
		    bvh_path_is_below(path, RECORDS_DIR) ||
		    bvh_path_is_below(RECORDS_DIR, path))
			return true;
	}
	return false;
}

static int clone_records(int dir, int fds[BV_LEN(records)], struct bv_err *err)
{
	for (size_t i = 0; i < BV_LEN(records); i++) {
		int rc = BV_OK;

		if (faccessat(dir, records[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			rc = bvh_mount_clone(dir, records[i], false, &fds[i],
					     err);
		if (rc != BV_OK)
			return rc;
	}
	return BV_OK;
}

static int attach_records(int dir, int fds[BV_LEN(records)], struct bv_err *err)
{
	bv_auto_close int fs_fd = -1;
	int rc = bvh_mount_tmpfs(RECORDS_BYTES, "0700", &fs_fd, err);

	if (rc == BV_OK)
		rc = bvh_mount_attach(fs_fd, dir, RECORDS_DIR, err);
	for (size_t i = 0; i < BV_LEN(records) && rc == BV_OK; i++) {
		if (fds[i] >= 0)
			rc = bvh_mount_keep(fs_fd, records[i], fds[i], err);
	}
	if (rc == BV_OK)
		rc = bvh_mount_restrict(fs_fd, MOUNT_ATTR_NOEXEC, err);
	return rc;
}

int bvh_view_records(const struct bv_spec *spec,
		     const struct bvh_view_options *o, struct bv_err *err)
{
	int fds[BV_LEN(records)] = { -1, -1, -1, -1, -1, -1 };
	bv_auto_close int dir = -1;
	int rc;

	if (o->user_namespace || is_the_policys(spec))
		return BV_OK;
	rc = bvh_path_open_present(RECORDS_DIR, &dir, err);
	if (rc != BV_OK || dir < 0 ||
	    faccessat(dir, DATABASE, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return rc;
	rc = clone_records(dir, fds, err);
	if (rc == BV_OK)
		rc = attach_records(dir, fds, err);
	for (size_t i = 0; i < BV_LEN(records); i++)
		bvh_close(&fds[i]);
	return rc == BV_OK ? BV_OK : bv_ctx(err, "login records");
}
