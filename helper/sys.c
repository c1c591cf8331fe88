/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls, and nothing else. The numbers newer than Debian 12's
 * headers are the same on every architecture (asm-generic, from 424 on).
 */
#include "helper/sys.h"

#include <sys/syscall.h>
#include <unistd.h>

int bvh_sys_landlock_create(const struct bvh_ll_ruleset_attr *attr, size_t size,
			    uint32_t flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

int bvh_sys_landlock_add(int ruleset_fd, int type, const void *attr,
			 uint32_t flags)
{
	return (int)syscall(SYS_landlock_add_rule, ruleset_fd, type, attr,
			    flags);
}

int bvh_sys_landlock_restrict(int ruleset_fd, uint32_t flags)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset_fd, flags);
}

int bvh_sys_seccomp(unsigned int op, unsigned int flags, void *args)
{
	return (int)syscall(SYS_seccomp, op, flags, args);
}

int bvh_sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

int bvh_sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int bvh_sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0u);
}

int bvh_sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

int bvh_sys_move_mount(int from_dirfd, const char *from, int to_dirfd,
		       const char *to, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_dirfd, from, to_dirfd, to,
			    flags);
}

/* struct mount_attr of linux/mount.h, whose header fights with sys/mount.h. */
struct mount_attr_v0 {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

int bvh_sys_mount_setattr(int dirfd, const char *path, unsigned int flags,
			  uint64_t attr_set, uint64_t attr_clr,
			  uint64_t propagation)
{
	struct mount_attr_v0 attr = {
		.attr_set = attr_set,
		.attr_clr = attr_clr,
		.propagation = propagation,
	};

	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, &attr,
			    sizeof(attr));
}

int bvh_sys_fsopen(const char *fs, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, fs, flags);
}

int bvh_sys_fsconfig(int fd, unsigned int cmd, const char *key,
		     const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

int bvh_sys_fsmount(int fd, unsigned int flags, unsigned int attrs)
{
	return (int)syscall(SYS_fsmount, fd, flags, attrs);
}

int bvh_sys_close_range(unsigned int first, unsigned int last,
			unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

pid_t bvh_sys_clone3(void *clone_args, size_t size)
{
	return (pid_t)syscall(SYS_clone3, clone_args, size);
}
