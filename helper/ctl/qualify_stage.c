/* SPDX-License-Identifier: MIT */
/*
 * The stage of the proofs. It is mounted where nobody else sees it and goes
 * with our last process, whatever ends that; what is left on the machine then
 * is an empty directory of the run directory.
 */
#include "helper/ctl/qualify.h"

#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/net_bpf.h"
#include "helper/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define PATHS 8

const char *bvh_stage_path(const struct bvh_stage *s, const char *name)
{
	static char path[PATHS][2 * PATH_MAX];
	static unsigned int next;
	char *ret = path[next++ % PATHS];

	snprintf(ret, sizeof(path[0]), "%s/%s", s->dir, name);
	return ret;
}

int bvh_stage_become_user(void)
{
	return setgroups(0, NULL) != 0 ||
			       setresgid(BVH_STAGE_GID, BVH_STAGE_GID,
					 BVH_STAGE_GID) != 0 ||
			       setresuid(BVH_STAGE_UID, BVH_STAGE_UID,
					 BVH_STAGE_UID) != 0
		       ? -1
		       : 0;
}

static int make_dir(const struct bvh_stage *s, const char *name, mode_t mode,
		    uid_t uid, struct bv_err *err)
{
	const char *path = bvh_stage_path(s, name);

	/* chmod: the umask is not ours to trust */
	if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0 ||
	    chown(path, uid, (gid_t)uid) != 0)
		return bv_fail_errno(err, errno, "make '%s'", path);
	return BV_OK;
}

static int make_file(const struct bvh_stage *s, const char *name,
		     const char *text, struct bv_err *err)
{
	const char *path = bvh_stage_path(s, name);
	bv_auto_close int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || bvh_write_all(fd, text, strlen(text), 0) != 0 ||
	    fchmod(fd, 0666) != 0)
		return bv_fail_errno(err, errno, "make '%s'", path);
	return BV_OK;
}

/* A program that needs nothing but what the base grants. */
static int copy_program(const struct bvh_stage *s, const char *name,
			struct bv_err *err)
{
	const char *path = bvh_stage_path(s, name);
	bv_auto_close int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	bv_auto_close int to =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	if (from < 0 || to < 0)
		return bv_fail_errno(err, errno, "copy '/bin/true' to '%s'",
				     path);
	while ((n = pread(from, buf, sizeof(buf), at)) > 0) {
		if (bvh_write_all(to, buf, (size_t)n, at) != 0)
			return bv_fail_errno(err, errno, "write '%s'", path);
		at += n;
	}
	if (n < 0 || fchmod(to, 0755) != 0)
		return bv_fail_errno(err, errno, "copy '/bin/true' to '%s'",
				     path);
	return BV_OK;
}

static int furnish(const struct bvh_stage *s, struct bv_err *err)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
	} dirs[] = {
		{ "home", 0700, BVH_STAGE_UID },
		{ "outside", 0777, 0 },
		{ "readable", 0777, 0 },
		{ "readable/hidden", 0777, 0 },
		{ "exec", 0755, 0 },
	};
	static const char *const files[] = { "outside/secret", "outside/victim",
					     "readable/file",
					     "readable/hidden/file" };
	static const char *const programs[] = { "exec/true", "outside/true" };
	int code = BV_OK;

	for (size_t i = 0; i < BV_LEN(dirs) && code == BV_OK; i++)
		code = make_dir(s, dirs[i].name, dirs[i].mode, dirs[i].uid,
				err);
	for (size_t i = 0; i < BV_LEN(files) && code == BV_OK; i++)
		code = make_file(s, files[i], "untouched\n", err);
	for (size_t i = 0; i < BV_LEN(programs) && code == BV_OK; i++)
		code = copy_program(s, programs[i], err);
	return code;
}

static int mount_stage(struct bvh_stage *s, struct bv_err *err)
{
	bv_auto_close int dir = -1;
	int n = snprintf(s->dir, sizeof(s->dir), "%s/qualify.%d",
			 s->config.run_dir, (int)getpid());
	int code = bvh_dir_make(AT_FDCWD, s->config.run_dir, 0755,
				s->config.run_dir, &dir, err);

	if (code != BV_OK)
		return code;
	if (n < 0 || (size_t)n >= sizeof(s->dir) - NAME_MAX)
		return bv_fail(err, BV_E_LIMIT, "run_dir is too long");
	if (mkdir(s->dir, 0700) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "mkdir '%s'", s->dir);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return bv_fail_errno(err, errno, "a mount namespace");
	if (mount("bvisor-qualify", s->dir, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0755,size=64m") != 0)
		return bv_fail_errno(err, errno, "mount a tmpfs at '%s'",
				     s->dir);
	return BV_OK;
}

int bvh_stage_open(const char *config_dir, struct bv_arena *arena,
		   struct bvh_stage *ret, struct bv_err *err)
{
	int code = bvh_config_load(config_dir, arena, &ret->config, NULL, NULL,
				   err);

	if (code == BV_OK)
		code = bvh_cgroup_base_find(ret->config.cgroup_base, &ret->base,
					    err);
	if (code == BV_OK)
		code = bvh_probe(&ret->base, "run", &ret->snap, err);
	if (code == BV_OK)
		code = bv_snapshot_set_bool(&ret->snap, BV_FACT_CGROUP_BPF,
					    bvh_net_works(&ret->base), err);
	if (code == BV_OK)
		code = mount_stage(ret, err);
	if (code == BV_OK)
		code = furnish(ret, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "the stage");
}

void bvh_stage_close(struct bvh_stage *s)
{
	if (s->dir[0] != '\0') {
		(void)umount2(s->dir, MNT_DETACH);
		(void)rmdir(s->dir);
	}
	bvh_cgroup_base_done(&s->base);
}
