/* SPDX-License-Identifier: MIT */
/* Proofs of the filesystem keys, the private temp root and its size. */
#include "helper/ctl/qualify.h"

#include "helper/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TEMP_LIMIT 1048576 /* of the trial with a size */

/* --- attacks --------------------------------------------------------------- */

static int try_open(const char *path, int flags)
{
	bv_auto_close int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
	char byte;

	if (fd < 0)
		return errno;
	return (flags & O_ACCMODE) == O_RDONLY && read(fd, &byte, 1) < 0 ? errno
									 : 0;
}

static int try_write(const char *path, int flags)
{
	bv_auto_close int fd = open(path, O_WRONLY | flags | O_CLOEXEC, 0600);

	return fd < 0 || write(fd, "x", 1) != 1 ? errno : 0;
}

static int read_outside(const struct bvh_stage *s)
{
	return try_open(bvh_stage_path(s, "outside/secret"), O_RDONLY);
}

static int list_outside(const struct bvh_stage *s)
{
	DIR *dir = opendir(bvh_stage_path(s, "outside"));

	if (dir == NULL)
		return errno;
	closedir(dir);
	return 0;
}

static int climb_outside(const struct bvh_stage *s)
{
	if (chdir(bvh_stage_path(s, "home")) != 0)
		return errno;
	return try_open("../outside/secret", O_RDONLY);
}

static int through_root(const struct bvh_stage *s)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/root%s",
		 bvh_stage_path(s, "outside/secret"));
	return try_open(path, O_RDONLY);
}

/* A link that the user may make leads nowhere else. */
static int through_link(const struct bvh_stage *s)
{
	const char *link = bvh_stage_path(s, "home/link");

	(void)unlink(link);
	if (symlink(bvh_stage_path(s, "outside/secret"), link) != 0)
		return errno;
	return try_open(link, O_RDONLY);
}

static int write_home(const struct bvh_stage *s)
{
	return try_write(bvh_stage_path(s, "home/note"), O_CREAT | O_TRUNC);
}

static int read_granted(const struct bvh_stage *s)
{
	return try_open(bvh_stage_path(s, "readable/file"), O_RDONLY);
}

static int write_readable(const struct bvh_stage *s)
{
	return try_write(bvh_stage_path(s, "readable/file"), O_APPEND);
}

static int append_outside(const struct bvh_stage *s)
{
	return try_write(bvh_stage_path(s, "outside/victim"), O_APPEND);
}

static int create_outside(const struct bvh_stage *s)
{
	const char *path = bvh_stage_path(s, "outside/made");
	int e = try_write(path, O_CREAT | O_EXCL);

	(void)unlink(path);
	return e;
}

static int truncate_outside(const struct bvh_stage *s)
{
	return truncate(bvh_stage_path(s, "outside/victim"), 4) != 0 ? errno
								     : 0;
}

static int rename_outside(const struct bvh_stage *s)
{
	const char *one = bvh_stage_path(s, "outside/victim");
	const char *other = bvh_stage_path(s, "outside/taken");

	if (rename(one, other) != 0)
		return errno;
	return rename(other, one) != 0 ? errno : 0;
}

static int remove_outside(const struct bvh_stage *s)
{
	const char *path = bvh_stage_path(s, "outside/secret");
	bv_auto_close int fd = -1;

	if (unlink(path) != 0)
		return errno;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	return 0;
}

static int make_dir_outside(const struct bvh_stage *s)
{
	const char *path = bvh_stage_path(s, "outside/dir");

	if (mkdir(path, 0700) != 0)
		return errno;
	(void)rmdir(path);
	return 0;
}

/* In a child: it would be over otherwise. The status is an errno, which fits. */
static int execute(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execl(path, "true", (char *)NULL);
		_exit(errno);
	}
	if (pid < 0)
		return errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int execute_granted(const struct bvh_stage *s)
{
	return execute(bvh_stage_path(s, "exec/true"));
}

static int execute_outside(const struct bvh_stage *s)
{
	return execute(bvh_stage_path(s, "outside/true"));
}

/* Written at home, and run: readable is not executable. */
static int execute_own(const struct bvh_stage *s)
{
	const char *path = bvh_stage_path(s, "home/own");
	bv_auto_close int from =
		open(bvh_stage_path(s, "exec/true"), O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	char buf[65536];
	ssize_t n;

	if (from < 0 || to < 0)
		return errno;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			break;
	bvh_close(&to);
	return n != 0 ? EIO : execute(path);
}

static int read_hidden(const struct bvh_stage *s)
{
	return try_open(bvh_stage_path(s, "readable/hidden/file"), O_RDONLY);
}

static int list_hidden(const struct bvh_stage *s)
{
	DIR *dir = opendir(bvh_stage_path(s, "readable/hidden"));
	const struct dirent *e;
	bool any = false;

	if (dir == NULL)
		return errno;
	while ((e = readdir(dir)) != NULL)
		any |= e->d_name[0] != '.';
	closedir(dir);
	return any ? 0 : ENOENT;
}

/* --- proofs of the keys ---------------------------------------------------- */

static int prove(const struct bvh_stage *s, struct bvh_outcome *o,
		 const struct bvh_attack *attack, size_t n, const char *lines,
		 struct bv_err *err)
{
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "%s", lines);

	if (code == BV_OK)
		code = bvh_attacks_control(s, attack, n, err);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, attack, n, err);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* "KEY = DIR/NAME\n" */
static const char *rule(const struct bvh_stage *s, const char *key,
			const char *name)
{
	static char line[2 * PATH_MAX];

	snprintf(line, sizeof(line), "%s = %s\n", key, bvh_stage_path(s, name));
	return line;
}

BVH_PROOF(filesystem)
{
	static const struct bvh_attack all[] = {
		{ "reading outside the roots", read_outside, false, 0 },
		{ "listing outside the roots", list_outside, false, 0 },
		{ "a path with ..", climb_outside, false, 0 },
		{ "a path through /proc/self/root", through_root, false, 0 },
		{ "reading through a symbolic link", through_link, false, 0 },
		{ "making a file outside", create_outside, false, 0 },
		{ "writing at home", write_home, true, 0 },
	};

	return prove(s, o, all, BV_LEN(all), "", err);
}

BVH_PROOF(fs_read)
{
	static const struct bvh_attack all[] = {
		{ "reading what is granted", read_granted, true, 0 },
		{ "writing what may be read", write_readable, false, 0 },
		{ "reading what is not granted", read_outside, false, 0 },
	};

	return prove(s, o, all, BV_LEN(all), rule(s, "read", "readable"), err);
}

/* The disk is the witness: it is as the control has left it. */
BVH_PROOF(fs_write)
{
	static const struct bvh_attack all[] = {
		{ "appending to a file outside", append_outside, false, 0 },
		{ "making a file outside", create_outside, false, 0 },
		{ "making a directory outside", make_dir_outside, false, 0 },
		{ "truncate(2) outside", truncate_outside, false, 0 },
		{ "renaming a file outside", rename_outside, false, EXDEV },
		{ "removing a file outside", remove_outside, false, 0 },
		{ "writing at home", write_home, true, 0 },
	};
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	const char *victim = bvh_stage_path(s, "outside/victim");
	struct stat before, after;
	int code = bvh_trial_plan(&t, err, "%s", "");

	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (code == BV_OK && stat(victim, &before) != 0)
		code = bv_fail_errno(err, errno, "stat '%s'", victim);
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	if (code == BV_OK && stat(victim, &after) != 0)
		code = bv_fail_errno(err, errno, "stat '%s'", victim);
	if (code == BV_OK &&
	    (before.st_ino != after.st_ino || before.st_size != after.st_size ||
	     before.st_ctim.tv_sec != after.st_ctim.tv_sec ||
	     before.st_ctim.tv_nsec != after.st_ctim.tv_nsec))
		code = bv_fail(err, BV_E_SYS, "'%s' was changed", victim);
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

BVH_PROOF(fs_exec)
{
	static const struct bvh_attack all[] = {
		{ "running what is granted", execute_granted, true, 0 },
		{ "running what is not granted", execute_outside, false, 0 },
		{ "running what was written at home", execute_own, false, 0 },
	};

	return prove(s, o, all, BV_LEN(all), rule(s, "exec", "exec"), err);
}

BVH_PROOF(fs_hide)
{
	static const struct bvh_attack all[] = {
		{ "reading what is hidden", read_hidden, false, ENOENT },
		{ "listing what is hidden", list_hidden, false, ENOENT },
		{ "reading what is beside it", read_granted, true, 0 },
	};
	char lines[5 * PATH_MAX];

	snprintf(lines, sizeof(lines), "%s", rule(s, "read", "readable"));
	snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s",
		 rule(s, "hide", "readable/hidden"));
	return prove(s, o, all, BV_LEN(all), lines, err);
}

/* --- exposed paths --------------------------------------------------------- */

static int read_exposed(const struct bvh_stage *s)
{
	return try_open(bvh_stage_path(s, "outside/secret"), O_RDONLY);
}

static int write_exposed(const struct bvh_stage *s)
{
	return try_write(bvh_stage_path(s, "outside/victim"), O_APPEND);
}

static int read_beside(const struct bvh_stage *s)
{
	return try_open(bvh_stage_path(s, "readable/file"), O_RDONLY);
}

static int prove_exposed(const struct bvh_stage *s, struct bvh_outcome *o,
			 const struct bvh_attack *attack, size_t n,
			 const char *key, struct bv_err *err)
{
	char lines[3 * PATH_MAX];

	snprintf(lines, sizeof(lines), "[expose]\n%s", rule(s, key, "outside"));
	return prove(s, o, attack, n, lines, err);
}

BVH_PROOF(expose_ro)
{
	static const struct bvh_attack all[] = {
		{ "reading what is exposed", read_exposed, true, 0 },
		{ "writing what is exposed to be read", write_exposed, false,
		  0 },
		{ "reading what is beside it", read_beside, false, 0 },
	};

	return prove_exposed(s, o, all, BV_LEN(all), "read", err);
}

BVH_PROOF(expose_rw)
{
	static const struct bvh_attack all[] = {
		{ "reading what is exposed", read_exposed, true, 0 },
		{ "writing what is exposed to be written", write_exposed, true,
		  0 },
		{ "reading what is beside it", read_beside, false, 0 },
	};

	return prove_exposed(s, o, all, BV_LEN(all), "write", err);
}

/* --- the temp root --------------------------------------------------------- */

/* Of the host, which is where the prover stands; named after the stage. */
static const char *temp_path(const struct bvh_stage *s, const char *what)
{
	static char path[2][PATH_MAX];
	static unsigned int next;
	char *ret = path[next++ % 2];

	snprintf(ret, sizeof(path[0]), "/tmp/bvisor-%s.%s",
		 strrchr(s->dir, '/') + 1, what);
	return ret;
}

static int read_host_temp(const struct bvh_stage *s)
{
	return try_open(temp_path(s, "host"), O_RDONLY);
}

static int write_temp(const struct bvh_stage *s)
{
	return try_write(temp_path(s, "made"), O_CREAT);
}

static int make_host_file(const struct bvh_stage *s, struct bv_err *err)
{
	const char *path = temp_path(s, "host");
	bv_auto_close int fd = -1;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0 || fchmod(fd, 0644) != 0)
		return bv_fail_errno(err, errno, "make '%s'", path);
	return BV_OK;
}

BVH_PROOF(temp_root)
{
	static const struct bvh_attack all[] = {
		{ "reading the host's /tmp", read_host_temp, false, ENOENT },
		{ "writing to /tmp", write_temp, true, 0 },
	};
	bv_auto_trial struct bvh_trial t = BVH_TRIAL(s, o);
	int code = bvh_trial_plan(&t, err, "[temp]\nprivate = yes\n");

	if (code == BV_OK)
		code = make_host_file(s, err);
	if (code == BV_OK)
		code = bvh_attacks_control(s, all, BV_LEN(all), err);
	if (unlink(temp_path(s, "made")) != 0 && code == BV_OK)
		code = bv_fail(err, BV_E_SYS,
			       "control: nothing came to the host's /tmp");
	if (code == BV_OK)
		code = bvh_attacks_inside(&t, all, BV_LEN(all), err);
	if (unlink(temp_path(s, "made")) == 0 && code == BV_OK)
		code = bv_fail(err, BV_E_SYS,
			       "a file of the session came to the host's /tmp");
	(void)unlink(temp_path(s, "host"));
	return code == BV_OK ? bvh_trial_down(&t, err) : code;
}

/* bytes into one file of /tmp, which goes again; 0 or an errno. */
static int fill_temp(const struct bvh_stage *s, size_t bytes)
{
	const char *path = temp_path(s, "fill");
	static const char block[65536];
	bv_auto_close int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int e = fd < 0 ? errno : 0;

	for (size_t at = 0; e == 0 && at < bytes; at += sizeof(block)) {
		ssize_t n = write(fd, block, sizeof(block));

		if (n != (ssize_t)sizeof(block))
			e = n < 0 ? errno : ENOSPC;
	}
	(void)unlink(path);
	return e;
}

static int fill_below(const struct bvh_stage *s)
{
	return fill_temp(s, TEMP_LIMIT / 2);
}

static int fill_above(const struct bvh_stage *s)
{
	return fill_temp(s, 2 * TEMP_LIMIT);
}

BVH_PROOF(storage)
{
	static const struct bvh_attack all[] = {
		{ "filling /tmp below its size", fill_below, true, 0 },
		{ "filling /tmp beyond its size", fill_above, false, ENOSPC },
	};
	char lines[128];

	snprintf(lines, sizeof(lines),
		 "[temp]\nprivate = yes\n[budget]\nstorage = %d enforced\n",
		 TEMP_LIMIT);
	return prove(s, o, all, BV_LEN(all), lines, err);
}
