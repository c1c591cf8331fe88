/* SPDX-License-Identifier: MIT */
/* See usernode.h. */
#include "helper/usernode.h"

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/red.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX  "user-"
#define RESERVE "-reserve"
#define TRIES   20u

bool bvh_user_node_is(const char *name, size_t len)
{
	const size_t prefix = sizeof(PREFIX) - 1;
	const size_t reserve = sizeof(RESERVE) - 1;
	size_t digits = 0;

	if (len <= prefix || memcmp(name, PREFIX, prefix) != 0)
		return false;
	name += prefix;
	len -= prefix;
	while (digits < len && name[digits] >= '0' && name[digits] <= '9')
		digits++;
	return digits > 0 && (digits == len ||
			      (len - digits == reserve &&
			       memcmp(name + digits, RESERVE, reserve) == 0));
}

size_t bvh_user_node_strip(const char *path, size_t len)
{
	size_t at = len;

	while (at > 0 && path[at - 1] != '/')
		at--;
	return at > 0 && bvh_user_node_is(path + at, len - at) ? at - 1 : len;
}

static bool is_reserve(const char *name)
{
	return strstr(name, RESERVE) != NULL;
}

static int open_node(int base_fd, const char *name)
{
	return openat(base_fd, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void bvh_user_node_choose(const struct bvh_cgroup_base *base, uid_t uid,
			  const struct bvh_leaf_limits *limits,
			  char ret[BVH_USER_NODE_MAX])
{
	bv_auto_close int fd = -1;
	char text[32];
	uint64_t now = 0;

	snprintf(ret, BVH_USER_NODE_MAX, PREFIX "%u", (unsigned int)uid);
	fd = open_node(base->fd, ret);
	if (fd < 0 || !limits->has_pids ||
	    bvh_kernfs_read(fd, "pids.current", text, sizeof(text)) != 0 ||
	    !bvh_text_number(text, "", &now))
		return;
	if (now >= limits->pids_max || limits->pids_max - now < BVH_LOGIN_TASKS)
		snprintf(ret, BVH_USER_NODE_MAX, PREFIX "%u" RESERVE,
			 (unsigned int)uid);
}

static int write_number(int fd, const char *file, uint64_t value,
			struct bv_err *err)
{
	char text[24];
	int e;

	snprintf(text, sizeof(text), "%" PRIu64, value);
	e = bvh_kernfs_write(fd, file, text);
	return e == 0 ? BV_OK
		      : bv_fail_errno(err, e,
				      "write '%s' to %s of the user's "
				      "node",
				      text, file);
}

static int limit_node(int fd, const char *name,
		      const struct bvh_leaf_limits *limits, struct bv_err *err)
{
	static const char *const controllers[] = { "+pids", "+memory", "+cpu" };
	int code = BV_OK;

	/* One that is missing is missed by whoever has a limit for it. */
	for (size_t i = 0; i < BV_LEN(controllers); i++)
		(void)!bvh_kernfs_write(fd, "cgroup.subtree_control",
					controllers[i]);
	if (limits->has_pids && !bvh_red("user-limit"))
		code = write_number(fd, "pids.max",
				    is_reserve(name) ? BVH_RESERVE_TASKS
						     : limits->pids_max,
				    err);
	if (code == BV_OK && limits->has_memory && !is_reserve(name))
		code = write_number(fd, "memory.max", limits->mem_max_bytes,
				    err);
	return code;
}

static bool was_removed(int code, const struct bv_err *err)
{
	return code != BV_OK &&
	       (err->sys_errno == ENOENT || err->sys_errno == ENODEV);
}

static int open_once(const struct bvh_cgroup_base *base, const char *name,
		     const struct bvh_leaf_limits *limits, int *ret_fd,
		     struct bv_err *err)
{
	bv_auto_close int fd = -1;
	int code;

	if (mkdirat(base->fd, name, 0755) != 0 && errno != EEXIST)
		return bv_fail_errno(err, errno, "mkdir '%s/%s'", base->path,
				     name);
	fd = open_node(base->fd, name);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s/%s'", base->path,
				     name);
	code = limit_node(fd, name, limits, err);
	if (code == BV_OK)
		*ret_fd = bvh_fd_take(&fd);
	return code;
}

int bvh_user_node_open(const struct bvh_cgroup_base *base, const char *name,
		       const struct bvh_leaf_limits *limits, int *ret_fd,
		       struct bv_err *err)
{
	struct bv_err why = { 0 };
	int code = BV_E_BUG;

	for (unsigned int i = 0; i < TRIES; i++) {
		why = (struct bv_err){ 0 };
		code = open_once(base, name, limits, ret_fd, &why);
		if (!was_removed(code, &why) ||
		    faccessat(base->fd, ".", F_OK, 0) != 0)
			break;
	}
	if (code != BV_OK) {
		bvh_user_node_remove(base->fd, name);
		if (err != NULL)
			*err = why;
	}
	return code;
}

void bvh_user_node_remove(int base_fd, const char *name)
{
	(void)unlinkat(base_fd, name, AT_REMOVEDIR);
}

int bvh_user_leaf_create(const struct bvh_cgroup_base *base, const char *node,
			 const struct bvh_leaf_limits *limits, int *fd,
			 const char *leaf, struct bvh_leaf *ret,
			 struct bv_err *err)
{
	const struct bvh_leaf_limits none = { .has_pids = false };
	struct bvh_cgroup_base parent = *base;
	struct bv_err why = { 0 };
	int code = BV_E_BUG;

	if ((size_t)snprintf(parent.path, sizeof(parent.path), "%s/%s",
			     base->path, node) >= sizeof(parent.path))
		return bv_fail(err, BV_E_LIMIT, "the node's path is too long");
	for (unsigned int i = 0; i < TRIES; i++) {
		why = (struct bv_err){ 0 };
		parent.fd = *fd;
		code = bvh_leaf_create(&parent, leaf, &none, ret, &why);
		if (!was_removed(code, &why))
			break;
		bvh_close(fd);
		code = bvh_user_node_open(base, node, limits, fd, &why);
		if (code != BV_OK)
			break;
	}
	if (code != BV_OK && err != NULL)
		*err = why;
	return code;
}
