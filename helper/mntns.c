/* SPDX-License-Identifier: MIT */
/* There and back again; see mntns.h. */
#include "helper/mntns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "helper/fd.h"

int bvh_mntns_save(struct bvh_mntns_home *ret, struct bv_err *err)
{
	bv_auto_close int ns_fd =
		open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	bv_auto_close int cwd_fd = -1;

	if (ns_fd < 0)
		return bv_fail_errno(err, errno, "open '/proc/self/ns/mnt'");
	cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cwd_fd < 0)
		return bv_fail_errno(err, errno, "open the working directory");
	ret->ns_fd = bvh_fd_take(&ns_fd);
	ret->cwd_fd = bvh_fd_take(&cwd_fd);
	return BV_OK;
}

int bvh_mntns_return(struct bvh_mntns_home *home, struct bv_err *err)
{
	int e = setns(home->ns_fd, CLONE_NEWNS) == 0 ? 0 : errno;

	if (e == 0 && fchdir(home->cwd_fd) != 0)
		e = errno;
	bvh_mntns_forget(home);
	if (e != 0) {
		(void)bv_fail_errno(err, e, "return to our mount namespace");
		if (err != NULL)
			err->code = BV_E_BUG;
		return BV_E_BUG;
	}
	return BV_OK;
}

void bvh_mntns_forget(struct bvh_mntns_home *home)
{
	bvh_close(&home->ns_fd);
	bvh_close(&home->cwd_fd);
}
