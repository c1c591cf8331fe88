/* SPDX-License-Identifier: MIT */
/* What every session takes from this machine, whatever its policy: the two
 * directories of bvisor.conf, and a mount view. A login is refused where they cannot
 * be had, and this is the time to say so. */
#include "helper/ctl/check.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/view.h"

#include <sys/stat.h>
#include <unistd.h>

static void try_one(struct bvh_check *check, const char *key, const char *path,
		    int *ret_fd)
{
	struct bv_err err = { 0 };

	if (bvh_dir_try(path, ret_fd, &err) != BV_OK)
		bvh_check_found(check, BVH_CHECK_ERROR,
				"%s/bvisor.conf: %s: %s", check->config_dir,
				key, err.msg);
}

/* Two names may lead to one place; the file alone does not show that. */
static bool is_same(int one, int other)
{
	struct stat a, b;

	return one >= 0 && other >= 0 && fstat(one, &a) == 0 &&
	       fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* As one that lies under another mount of a cgroup file system spoils it. */
static void check_view(struct bvh_check *check)
{
	bv_auto_close int fd = -1;
	struct bv_err err = { 0 };

	if (bvh_view_create(&fd, &err) != BV_OK)
		bvh_check_found(check, BVH_CHECK_ERROR,
				"no session's view can be made: %s", err.msg);
}

void bvh_check_dirs(struct bvh_check *check)
{
	const struct bv_config *c = &check->config;
	bv_auto_close int state = -1;
	bv_auto_close int run = -1;

	/* What another user may do in them says nothing of a login. */
	if (geteuid() != 0)
		return;
	try_one(check, "state_dir", c->state_dir, &state);
	try_one(check, "run_dir", c->run_dir, &run);
	if (is_same(state, run))
		bvh_check_found(check, BVH_CHECK_ERROR,
				"%s/bvisor.conf: state_dir '%s' and run_dir "
				"'%s' are one directory; name two",
				check->config_dir, c->state_dir, c->run_dir);
	check_view(check);
}
