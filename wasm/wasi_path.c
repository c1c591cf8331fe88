/* SPDX-License-Identifier: MIT */
/*
 * Paths. The kernel resolves them: beneath the directory they are relative to,
 * whatever others rename meanwhile, without magic links. What makes, removes
 * or renames a name resolves the directory first and names one entry in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "wasm/wasi_internal.h"

/* A rename elsewhere during a resolution makes it fail with EAGAIN. */
#define TRIES 64

enum bw_wasi_errno bw_path_copy(struct bw_instance *inst, uint64_t at,
				uint64_t len, struct bw_path *ret_path)
{
	const char *from = bw_memory_at(inst, at, len);

	if (from == NULL)
		return BW_EFAULT;
	if (len >= sizeof(ret_path->text))
		return BW_ENAMETOOLONG;
	memcpy(ret_path->text, from, len);
	ret_path->text[len] = '\0';
	if (strlen(ret_path->text) != len)
		return BW_EINVAL;
	return len == 0 ? BW_ENOENT : BW_ESUCCESS;
}

/* Regular files there are the kernel's own objects: /proc/self/mem. */
bool bw_on_kernel_fs(int fd)
{
	static const unsigned long magics[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC,
		TRACEFS_MAGIC,      SECURITYFS_MAGIC,    SELINUX_MAGIC,
		CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
		BINFMTFS_MAGIC,     NSFS_MAGIC,          EFIVARFS_MAGIC,
		PSTOREFS_MAGIC,     DEVPTS_SUPER_MAGIC,
	};
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (i = 0; i < BV_LEN(magics); i++)
		if ((unsigned long)fs.f_type == magics[i])
			return true;
	return false;
}

int bw_path_resolve(int dir, const char *path, uint64_t flags, mode_t mode,
		    enum bw_wasi_errno *ret_error)
{
	struct open_how how = {
		.flags = flags,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = 0;

	do {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR) &&
		 ++tries < TRIES);
	*ret_error = BW_ESUCCESS;
	if (fd < 0) {
		/* The kernel's word for a way out. */
		*ret_error =
			errno == EXDEV ? BW_ENOTCAPABLE : bw_wasi_last_errno();
		return -1;
	}
	if (bw_on_kernel_fs(fd)) {
		close(fd);
		errno = EACCES;
		*ret_error = BW_ENOTCAPABLE;
		return -1;
	}
	return fd;
}

/* Where the last name begins, trailing slashes not counted. */
static size_t last_name(const char *path, size_t *ret_end)
{
	size_t end = strlen(path), at;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (at = end; at > 0 && path[at - 1] != '/'; at--)
		;
	*ret_end = end;
	return at;
}

static bool is_dots(const char *name, size_t len)
{
	return (len == 1 && name[0] == '.') ||
	       (len == 2 && name[0] == '.' && name[1] == '.');
}

enum bw_wasi_errno bw_path_place(int dir, const struct bw_path *path,
				 struct bw_place *ret_place)
{
	const uint64_t flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	struct bw_path parent = *path;
	enum bw_wasi_errno e;
	size_t end, at = last_name(path->text, &end);
	int fd;

	if (path->text[0] == '/')
		return BW_ENOTCAPABLE;
	if (is_dots(path->text + at, end - at)) {
		/* No name that can be made or removed; is it even beneath? */
		fd = bw_path_resolve(dir, path->text, flags, 0, &e);
		if (fd >= 0)
			close(fd);
		return fd < 0 ? e : BW_EINVAL;
	}
	memcpy(parent.text + at, ".", 2);
	fd = bw_path_resolve(dir, parent.text, flags, 0, &e);
	if (fd < 0)
		return e;
	ret_place->dir = fd;
	ret_place->slash = path->text[end] == '/';
	memcpy(ret_place->name, path->text + at, strlen(path->text + at) + 1);
	return BW_ESUCCESS;
}
