/* SPDX-License-Identifier: MIT */
/*
 * What the session does not get to see: sockets of services that would act for
 * the user outside the boundary (D-Bus starts processes through systemd, a
 * container daemon is root), and the policy's hidden paths. landlock cannot
 * stop connect(2) to a socket file before ABI 9, so they are covered.
 */
#include "helper/view_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/path.h"
#include "helper/plumbing.h"
#include "helper/red.h"

#define COVER_SIZE_BYTES (64u << 10)
#define EXPOSED_MAX      32u

struct service {
	const char *path;
	const char *keep; /* what root still reaches inside, or NULL */
};

static const struct service services[] = {
	/* pam_systemd's close, in the leader, talks to logind */
	{ "/run/dbus", "system_bus_socket" },
	{ "/run/acpid.socket", NULL },
	{ "/run/containerd", NULL },
	{ "/run/crio", NULL },
	{ "/run/docker", NULL },
	{ "/run/docker.sock", NULL },
	{ "/run/incus", NULL },
	{ "/run/libvirt", NULL },
	{ "/run/lxd", NULL },
	{ "/run/lxd.socket", NULL },
	{ "/run/podman", NULL },
	{ "/run/snapd.socket", NULL },
	{ "/run/snapd-snap.socket", NULL },
	{ "/run/systemd/private", NULL },
	{ "/var/lib/incus/unix.socket", NULL },
	{ "/var/lib/lxd/unix.socket", NULL },
	{ "/var/snap/lxd/common/lxd/unix.socket", NULL },
};

/* /dev/null on a nodev mount: a file nobody, root included, can open, and a
 * socket nobody can connect to. */
static int cover_file(int target, const char *path, struct bv_err *err)
{
	bv_auto_close int null_fd = -1;
	bv_auto_close int fd = -1;
	int rc = bvh_path_open("/dev/null", NULL, &null_fd, err);

	if (rc == BV_OK)
		rc = bvh_mount_clone(null_fd, "", false, &fd, err);
	if (rc == BV_OK)
		rc = bvh_mount_restrict(fd,
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
						MOUNT_ATTR_NOSUID |
						MOUNT_ATTR_NOEXEC,
					err);
	if (rc == BV_OK)
		rc = bvh_mount_attach(fd, target, path, err);
	return rc;
}

static int attach_cover(int fs_fd, int target, const char *path,
			struct bv_err *err)
{
	int rc = bvh_mount_attach(fs_fd, target, path, err);

	if (rc == BV_OK)
		rc = bvh_mount_restrict(
			fs_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, err);
	return rc;
}

static int cover_dir(int target, const char *path, const char *mode,
		     struct bv_err *err)
{
	bv_auto_close int fs_fd = -1;
	int rc = bvh_mount_tmpfs(COVER_SIZE_BYTES, mode, &fs_fd, err);

	if (rc == BV_OK)
		rc = attach_cover(fs_fd, target, path, err);
	return rc;
}

/* A 0700 directory of root's with the socket alone inside. */
static int cover_but_root(int target, const struct service *svc,
			  struct bv_err *err)
{
	bv_auto_close int fs_fd = -1;
	bv_auto_close int kept = -1;
	int rc;

	if (faccessat(target, svc->keep, F_OK, 0) != 0)
		return cover_dir(target, svc->path, "0700", err);
	rc = bvh_mount_clone(target, svc->keep, false, &kept, err);
	if (rc == BV_OK)
		rc = bvh_mount_tmpfs(COVER_SIZE_BYTES, "0700", &fs_fd, err);
	/* attached first: nothing mounts on what is nowhere */
	if (rc == BV_OK)
		rc = bvh_mount_attach(fs_fd, target, svc->path, err);
	if (rc == BV_OK)
		rc = bvh_mount_keep(fs_fd, svc->keep, kept, err);
	if (rc == BV_OK)
		rc = bvh_mount_restrict(
			fs_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, err);
	return rc;
}

static int cover_service(const struct service *svc,
			 const struct bvh_view_options *o, struct bv_err *err)
{
	bv_auto_close int target = -1;
	struct bv_err why = { 0 };
	struct stat st;

	if (bvh_path_open_present(svc->path, &target, &why) != BV_OK) {
		/* Without privilege the session gets no further than we. */
		if (o->user_namespace && why.sys_errno == EACCES)
			return BV_OK;
		if (err != NULL)
			*err = why;
		return why.code;
	}
	if (target < 0)
		return BV_OK;
	if (fstat(target, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", svc->path);
	if (!S_ISDIR(st.st_mode))
		return cover_file(target, svc->path, err);
	if (svc->keep == NULL || o->user_namespace)
		return cover_dir(target, svc->path, "0000", err);
	return cover_but_root(target, svc, err);
}

int bvh_view_services(const struct bvh_view_options *o, struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < BV_LEN(services) && rc == BV_OK; i++)
		rc = cover_service(&services[i], o, err);
	return rc;
}

/* Paths the policy grants below one it hides ("hide /home, write ~"): taken
 * out before the cover goes on, put back into it after. */
struct exposed {
	int mount_fd[EXPOSED_MAX];
	const char *path[EXPOSED_MAX];
	bool is_dir[EXPOSED_MAX];
	size_t n;
};

static bool is_exposed(const struct exposed *x, const char *path)
{
	for (size_t i = 0; i < x->n; i++) {
		if (strcmp(path, x->path[i]) == 0 ||
		    bvh_path_is_below(path, x->path[i]))
			return true;
	}
	return false;
}

static int expose_one(struct exposed *x, int fd, const char *path,
		      struct bv_err *err)
{
	struct stat st;
	int rc;

	if (x->n == EXPOSED_MAX)
		return bv_fail(err, BV_E_LIMIT,
			       "more than %u granted paths below a hidden one",
			       EXPOSED_MAX);
	if (fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	rc = bvh_mount_clone(fd, "", true, &x->mount_fd[x->n], err);
	if (rc != BV_OK)
		return rc;
	x->path[x->n] = path;
	x->is_dir[x->n] = S_ISDIR(st.st_mode);
	x->n++;
	return BV_OK;
}

/* rules are sorted by length, so what holds another one comes first. */
static int collect_exposed(const struct bv_spec *spec,
			   const struct bv_fs_rule *const *rules,
			   const char *hidden, struct exposed *x,
			   struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < spec->fs_n && rc == BV_OK; i++) {
		bv_auto_close int fd = -1;

		if ((rules[i]->rights & BV_FS_HIDE) != 0 ||
		    !bvh_path_is_below(rules[i]->path, hidden) ||
		    is_exposed(x, rules[i]->path))
			continue;
		rc = bvh_rule_open(spec, rules[i], &fd, err);
		if (rc == BV_OK && fd >= 0)
			rc = expose_one(x, fd, rules[i]->path, err);
	}
	return rc;
}

static int cover_exposing(int target, const char *path, const struct exposed *x,
			  struct bv_err *err)
{
	size_t skip = strlen(path) + 1;
	bv_auto_close int fs_fd = -1;
	int rc = bvh_mount_tmpfs(COVER_SIZE_BYTES, "0755", &fs_fd, err);

	if (rc == BV_OK)
		rc = bvh_mount_attach(fs_fd, target, path, err);
	for (size_t i = 0; i < x->n && rc == BV_OK; i++) {
		bv_auto_close int spot = -1;

		rc = bvh_mount_spot(fs_fd, x->path[i] + skip, x->is_dir[i],
				    &spot, err);
		if (rc == BV_OK)
			rc = bvh_mount_attach(x->mount_fd[i], spot, x->path[i],
					      err);
	}
	if (rc == BV_OK)
		rc = bvh_mount_restrict(
			fs_fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, err);
	return rc;
}

static int hide_target(const struct bv_spec *spec,
		       const struct bv_fs_rule *const *rules, const char *path,
		       int target, struct bv_err *err)
{
	struct exposed x = { .n = 0 };
	struct stat st;
	int rc;

	if (strcmp(path, "/") == 0)
		return bv_fail(err, BV_E_CONF, "'/' cannot be hidden");
	if (fstat(target, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return cover_file(target, path, err);
	rc = collect_exposed(spec, rules, path, &x, err);
	if (rc == BV_OK)
		rc = x.n == 0 ? cover_dir(target, path, "0000", err)
			      : cover_exposing(target, path, &x, err);
	for (size_t i = 0; i < x.n; i++)
		bvh_close(&x.mount_fd[i]);
	return rc;
}

static int by_length(const void *a, const void *b)
{
	const struct bv_fs_rule *const *ra = a;
	const struct bv_fs_rule *const *rb = b;
	size_t la = strlen((*ra)->path), lb = strlen((*rb)->path);

	return (la > lb) - (la < lb);
}

static int hide_all(const struct bv_spec *spec,
		    const struct bv_fs_rule *const *rules, struct bv_err *err)
{
	int rc = BV_OK;

	for (size_t i = 0; i < spec->fs_n && rc == BV_OK; i++) {
		bv_auto_close int target = -1;

		if ((rules[i]->rights & BV_FS_HIDE) == 0)
			continue;
		rc = bvh_rule_open(spec, rules[i], &target, err);
		if (rc != BV_OK || target < 0)
			continue;
		rc = hide_target(spec, rules, rules[i]->path, target, err);
		if (rc != BV_OK)
			(void)bvh_rule_ctx(spec, rules[i], err);
	}
	return rc;
}

int bvh_view_hide(const struct bv_spec *spec, struct bv_err *err)
{
	const struct bv_fs_rule **rules;
	size_t hides = 0;
	int rc;

	for (size_t i = 0; i < spec->fs_n; i++)
		hides += (spec->fs[i].rights & BV_FS_HIDE) != 0;
	if (hides == 0 || bvh_red("hide"))
		return BV_OK;
	rules = calloc(spec->fs_n, sizeof(rules[0]));
	if (rules == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for %zu rules",
			       spec->fs_n);
	for (size_t i = 0; i < spec->fs_n; i++)
		rules[i] = &spec->fs[i];
	/* A hidden directory before what is hidden inside it. */
	qsort(rules, spec->fs_n, sizeof(rules[0]), by_length);
	rc = hide_all(spec, rules, err);
	free(rules);
	return rc;
}
