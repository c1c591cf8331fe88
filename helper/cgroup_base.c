/* SPDX-License-Identifier: MIT */
/*
 * The base: the cgroup under which leaves may live. systemd owns the tree
 * (its "single writer" rule), so below it only what it has delegated is used;
 * and only a directory that belongs to us alone, or its owner could move
 * session processes out of their leaf again.
 */
#include "helper/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/kernfs.h"

#define MOUNT_USUAL   "/sys/fs/cgroup"
#define OWN_NAME      "bvisor"
#define WALK_MAX      64u
#define ENABLE_TRIES  5u
#define ENABLE_NAP_NS (10L * 1000 * 1000)

static const char *const source_names[] = {
	[BVH_BASE_NONE] = "none",       [BVH_BASE_CONFIGURED] = "configured",
	[BVH_BASE_SERVICE] = "service", [BVH_BASE_WALK_UP] = "walk-up",
	[BVH_BASE_OWN] = "own",
};

const char *bvh_base_source_name(enum bvh_base_source s)
{
	return (size_t)s < BV_LEN(source_names) ? source_names[s] : "?";
}

void bvh_cgroup_base_init(struct bvh_cgroup_base *base)
{
	memset(base, 0, sizeof(*base));
	base->fd = -1;
}

void bvh_cgroup_base_done(struct bvh_cgroup_base *base)
{
	bvh_close(&base->fd);
}

static bool is_cgroup2(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 &&
	       st.f_type == (__typeof__(st.f_type))CGROUP2_SUPER_MAGIC;
}

/* O_RDONLY, not O_PATH: fgetxattr(2) wants a real descriptor. */
static int open_dir(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* "36 25 0:30 / /sys/fs/cgroup rw … - cgroup2 cgroup2 rw": the fifth field,
 * which the kernel escapes; a mount point with blanks in it is not ours. */
static bool mountinfo_path(char *line, char *ret, size_t ret_len)
{
	char *save = NULL;
	char *field = NULL;

	if (strstr(line, " - cgroup2 ") == NULL)
		return false;
	field = strtok_r(line, " ", &save);
	for (unsigned int i = 0; i < 4 && field != NULL; i++)
		field = strtok_r(NULL, " ", &save);
	if (field == NULL || strchr(field, '\\') != NULL ||
	    strlen(field) >= ret_len)
		return false;
	memcpy(ret, field, strlen(field) + 1);
	return true;
}

/* The cgroup2 mount: /sys/fs/cgroup nearly everywhere, else what mountinfo
 * says. -1 when there is none. */
static int open_mount(char *ret_path, size_t ret_len)
{
	int fd = open_dir(AT_FDCWD, MOUNT_USUAL);
	char line[8192];
	FILE *f;

	snprintf(ret_path, ret_len, "%s", MOUNT_USUAL);
	if (fd >= 0 && is_cgroup2(fd))
		return fd;
	bvh_close(&fd);
	f = fopen("/proc/self/mountinfo", "re");
	while (f != NULL && fd < 0 && fgets(line, sizeof(line), f) != NULL) {
		if (!mountinfo_path(line, ret_path, ret_len))
			continue;
		fd = open_dir(AT_FDCWD, ret_path);
		if (fd >= 0 && !is_cgroup2(fd))
			bvh_close(&fd);
	}
	if (f != NULL)
		fclose(f);
	return fd;
}

int bvh_cgroup_of(pid_t pid, char *ret, size_t ret_len, struct bv_err *err)
{
	char name[64], text[PATH_MAX + 1024];
	size_t len;
	char *line;
	int e;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	e = bvh_kernfs_read(AT_FDCWD, name, text, sizeof(text));
	if (e != 0)
		return bv_fail_errno(err, e, "read '%s'", name);
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (line == NULL)
		return bv_fail(err, BV_E_UNSUPPORTED,
			       "process %d is in no v2 cgroup", pid);
	line += line[0] == '\n' ? 4 : 3;
	len = strcspn(line, "\n");
	if (len >= ret_len)
		return bv_fail(err, BV_E_LIMIT, "cgroup path of %d too long",
			       pid);
	memcpy(ret, line, len);
	ret[len] = '\0';
	return BV_OK;
}

static int move_to(int base_fd, const char *dir, pid_t pid)
{
	char file[PATH_MAX], text[16];

	snprintf(text, sizeof(text), "%d", pid);
	if (snprintf(file, sizeof(file), "%s/cgroup.procs", dir) >=
	    (int)sizeof(file))
		return ENAMETOOLONG;
	return bvh_kernfs_write(base_fd, file, text);
}

static int into_guardians(const struct bvh_cgroup_base *base, pid_t pid,
			  struct bv_err *err)
{
	int e;

	if (mkdirat(base->fd, BVH_GUARDIANS_DIR, 0755) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "mkdir '%s/%s'", base->path,
				     BVH_GUARDIANS_DIR);
	e = move_to(base->fd, BVH_GUARDIANS_DIR, pid);
	if (e != 0)
		return bv_fail_errno(err, e, "move process %d into '%s/%s'",
				     pid, base->path, BVH_GUARDIANS_DIR);
	return BV_OK;
}

int bvh_cgroup_enter_guardians(const struct bvh_cgroup_base *base,
			       struct bv_err *err)
{
	return into_guardians(base, getpid(), err);
}

int bvh_cgroup_return(const struct bvh_cgroup_base *base, const char *path,
		      pid_t pid, struct bv_err *err)
{
	char mount[PATH_MAX];
	bv_auto_close int fd = open_mount(mount, sizeof(mount));
	int e = ENOENT;

	/* "/.." is what a cgroup outside our cgroup namespace reads as. */
	if (fd >= 0 && strncmp(path, "/..", 3) != 0)
		e = move_to(fd,
			    path[0] == '/' && path[1] != '\0' ? path + 1 : ".",
			    pid);
	if (e == 0 || e == ESRCH)
		return BV_OK; /* a dead process is nowhere */
	return into_guardians(base, pid, err);
}

/* The controllers a leaf will have, as the base's subtree_control says. */
static void read_enabled(struct bvh_cgroup_base *base, const char *text)
{
	base->pids = bvh_text_has_word(text, "pids");
	base->memory = bvh_text_has_word(text, "memory");
	base->cpu = bvh_text_has_word(text, "cpu");
	base->io = bvh_text_has_word(text, "io");
}

/* "+pids +memory" of what is there and not yet on; false: nothing to do. */
static bool missing_controllers(const char *have, const char *enabled,
				char *ret, size_t ret_len)
{
	static const char *const wanted[] = { "pids", "memory", "cpu" };
	size_t len = 0;

	for (size_t i = 0; i < BV_LEN(wanted); i++) {
		int n;

		if (!bvh_text_has_word(have, wanted[i]) ||
		    bvh_text_has_word(enabled, wanted[i]))
			continue;
		n = snprintf(ret + len, ret_len - len, "%s+%s",
			     len == 0 ? "" : " ", wanted[i]);
		len += (size_t)n;
	}
	return len != 0;
}

/* We ourselves may be what sits in the base: a delegated scope that
 * `bvisorctl run` was started in. Nothing else is moved. */
static bool leave_base(const struct bvh_cgroup_base *base)
{
	char path[PATH_MAX];
	size_t len, base_len = strlen(base->path);

	if (bvh_cgroup_of(getpid(), path, sizeof(path), NULL) != BV_OK)
		return false;
	len = strlen(path);
	return len > 1 && base_len > len &&
	       strcmp(base->path + base_len - len, path) == 0 &&
	       bvh_cgroup_enter_guardians(base, NULL) == BV_OK;
}

/* Many guardians do this at once; each finds it done or does it. EBUSY may
 * also be the service's holder on its way into its own cgroup: a short wait. */
static int enable_controllers(const struct bvh_cgroup_base *base)
{
	const struct timespec nap = { .tv_nsec = ENABLE_NAP_NS };
	char have[256], enabled[256], add[64];
	int e = 0;

	for (unsigned int i = 0; i < ENABLE_TRIES; i++) {
		e = bvh_kernfs_read(base->fd, "cgroup.controllers", have,
				    sizeof(have));
		if (e == 0)
			e = bvh_kernfs_read(base->fd, "cgroup.subtree_control",
					    enabled, sizeof(enabled));
		if (e != 0 ||
		    !missing_controllers(have, enabled, add, sizeof(add)))
			return e;
		e = bvh_kernfs_write(base->fd, "cgroup.subtree_control", add);
		if (e != EBUSY)
			return e;
		if (!leave_base(base))
			nanosleep(&nap, NULL);
	}
	return e;
}

/* Is this directory ours alone: nobody else can rearrange what is below? */
static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && is_cgroup2(fd);
}

static bool is_delegated(int fd)
{
	char v[8];

	return (fgetxattr(fd, "trusted.delegate", v, sizeof(v)) == 1 &&
		v[0] == '1') ||
	       (fgetxattr(fd, "user.delegate", v, sizeof(v)) == 1 &&
		v[0] == '1');
}

static bool has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

/* Take fd as the base and learn what leaves under it can do. The guardians'
 * cgroup is the probe: a real child of the base, as a leaf will be. */
static int adopt(struct bvh_cgroup_base *base, int fd, const char *path,
		 enum bvh_base_source source)
{
	char enabled[256] = "";
	int e;

	base->fd = fd;
	base->source = source;
	snprintf(base->path, sizeof(base->path), "%s", path);
	if (mkdirat(fd, BVH_GUARDIANS_DIR, 0755) != 0 && errno != EEXIST)
		e = errno;
	else
		e = enable_controllers(base);
	if (e != 0) {
		snprintf(base->why, sizeof(base->why), "%.120s: %s%s", path,
			 strerrordesc_np(e),
			 e == EBUSY ? ": processes sit in the base itself; "
				      "move them into a child cgroup"
				    : "");
		bvh_close(&base->fd);
		base->source = BVH_BASE_NONE;
		return e;
	}
	base->why[0] = '\0';
	(void)bvh_kernfs_read(fd, "cgroup.subtree_control", enabled,
			      sizeof(enabled));
	read_enabled(base, enabled);
	base->kill =
		faccessat(fd, BVH_GUARDIANS_DIR "/cgroup.kill", F_OK, 0) == 0;
	base->pids_peak =
		faccessat(fd, BVH_GUARDIANS_DIR "/pids.peak", F_OK, 0) == 0;
	return 0;
}

static void find_configured(const char *configured,
			    struct bvh_cgroup_base *base)
{
	bool made = geteuid() == 0 && mkdir(configured, 0755) == 0;
	int fd = open_dir(AT_FDCWD, configured);

	if (fd < 0) {
		snprintf(base->why, sizeof(base->why), "cgroup_base %.120s: %s",
			 configured, strerrordesc_np(errno));
		return;
	}
	if (!is_ours(fd)) {
		if (made)
			(void)rmdir(configured);
		snprintf(base->why, sizeof(base->why),
			 "cgroup_base %.120s is no cgroup v2 directory that "
			 "belongs to root alone",
			 configured);
		bvh_close(&fd);
		return;
	}
	(void)adopt(base, fd, configured, BVH_BASE_CONFIGURED);
}

static bool find_service(int mount_fd, const char *mount,
			 struct bvh_cgroup_base *base)
{
	static const char *const units[] = {
		"system.slice/bvisor.service",
		"bvisor.slice/bvisor.service",
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < BV_LEN(units); i++) {
		int fd = open_dir(mount_fd, units[i]);

		if (fd < 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", mount, units[i]) >=
			    (int)sizeof(path) ||
		    !is_ours(fd) || !is_delegated(fd)) {
			snprintf(base->why, sizeof(base->why),
				 "%s has no Delegate= or is not root's alone",
				 units[i]);
			bvh_close(&fd);
			continue;
		}
		return adopt(base, fd, path, BVH_BASE_SERVICE) == 0;
	}
	return false;
}

/* From our own cgroup towards the top: the first that is ours and, where
 * systemd rules, delegated. The mount's own root is never taken. */
static bool find_walk_up(int mount_fd, const char *mount,
			 struct bvh_cgroup_base *base)
{
	/* Root never guesses: without the mark this could be a session's leaf
	 * (su inside a session) or a service's cgroup. */
	bool need_delegation = geteuid() == 0 || has_systemd();
	char path[PATH_MAX], full[PATH_MAX * 2];

	if (bvh_cgroup_of(getpid(), path, sizeof(path), NULL) != BV_OK ||
	    path[0] != '/' || strncmp(path, "/..", 3) == 0)
		return false;
	for (unsigned int i = 0; i < WALK_MAX && path[1] != '\0'; i++) {
		char *slash = strrchr(path, '/');
		int fd = open_dir(mount_fd, path + 1);

		/* a guardian that looks again already sits in a base */
		if (fd >= 0 && is_ours(fd) &&
		    strcmp(slash + 1, BVH_GUARDIANS_DIR) != 0 &&
		    (!need_delegation || is_delegated(fd))) {
			snprintf(full, sizeof(full), "%s%s", mount, path);
			if (strlen(full) < sizeof(base->path) &&
			    adopt(base, fd, full, BVH_BASE_WALK_UP) == 0)
				return true;
			fd = -1; /* adopt closed it */
		}
		bvh_close(&fd);
		slash[slash == path ? 1 : 0] = '\0';
	}
	return false;
}

/* No systemd: nobody else manages this tree, so a cgroup of our own at the
 * top. The true root may hold processes and delegate controllers all the same;
 * a container's root may not, and then the leaves go without them. */
static bool find_own(int mount_fd, const char *mount,
		     struct bvh_cgroup_base *base)
{
	struct bvh_cgroup_base top = { .fd = mount_fd };
	char path[PATH_MAX];
	int fd;

	if (geteuid() != 0 || has_systemd())
		return false;
	if (snprintf(path, sizeof(path), "%s/%s", mount, OWN_NAME) >=
	    (int)sizeof(path))
		return false;
	fd = open_dir(mount_fd, OWN_NAME);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(mount_fd, OWN_NAME, 0755) != 0 && errno != EEXIST)
			snprintf(base->why, sizeof(base->why),
				 "mkdir %.120s: %s", path,
				 strerrordesc_np(errno));
		fd = open_dir(mount_fd, OWN_NAME);
	}
	if (fd < 0 || !is_ours(fd)) {
		bvh_close(&fd);
		return false;
	}
	(void)enable_controllers(&top);
	return adopt(base, fd, path, BVH_BASE_OWN) == 0;
}

static void say_why(struct bvh_cgroup_base *base)
{
	const char *why;

	if (base->why[0] != '\0')
		return;
	if (geteuid() != 0)
		why = "no cgroup here is ours to divide; try "
		      "systemd-run --user --scope -p Delegate=yes";
	else if (has_systemd())
		why = "bvisor.service is not running; systemctl enable --now "
		      "bvisor.service, or set cgroup_base in bvisor.conf";
	else
		why = "the cgroup v2 tree cannot be written; set cgroup_base "
		      "in bvisor.conf";
	snprintf(base->why, sizeof(base->why), "%s", why);
}

int bvh_cgroup_base_find(const char *configured, struct bvh_cgroup_base *ret,
			 struct bv_err *err)
{
	char mount[PATH_MAX];
	bv_auto_close int mount_fd = open_mount(mount, sizeof(mount));

	(void)err;
	bvh_cgroup_base_init(ret);
	if (mount_fd < 0) {
		snprintf(ret->why, sizeof(ret->why),
			 "no cgroup v2 is mounted (systemd.unified_cgroup_"
			 "hierarchy=1 on the kernel command line)");
		return BV_OK;
	}
	if (configured != NULL) {
		/* The administrator's word: nothing else is tried. */
		find_configured(configured, ret);
		say_why(ret);
		return BV_OK;
	}
	if (!(geteuid() == 0 && find_service(mount_fd, mount, ret)) &&
	    !find_walk_up(mount_fd, mount, ret) &&
	    !find_own(mount_fd, mount, ret))
		say_why(ret);
	return BV_OK;
}
