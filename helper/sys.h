/* SPDX-License-Identifier: MIT */
/*
 * The raw system calls glibc 2.36 has no wrapper for, and the landlock and
 * mount structures newer than Debian 12's headers. Each returns -1 and errno.
 */
#ifndef BVH_SYS_H
#define BVH_SYS_H

#include <linux/openat2.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* landlock(7), through ABI 7 (Linux 6.15). Debian 12's header stops at 3. */
#define BVH_LL_FS_EXECUTE     (1ULL << 0)
#define BVH_LL_FS_WRITE_FILE  (1ULL << 1)
#define BVH_LL_FS_READ_FILE   (1ULL << 2)
#define BVH_LL_FS_READ_DIR    (1ULL << 3)
#define BVH_LL_FS_REMOVE_DIR  (1ULL << 4)
#define BVH_LL_FS_REMOVE_FILE (1ULL << 5)
#define BVH_LL_FS_MAKE_CHAR   (1ULL << 6)
#define BVH_LL_FS_MAKE_DIR    (1ULL << 7)
#define BVH_LL_FS_MAKE_REG    (1ULL << 8)
#define BVH_LL_FS_MAKE_SOCK   (1ULL << 9)
#define BVH_LL_FS_MAKE_FIFO   (1ULL << 10)
#define BVH_LL_FS_MAKE_BLOCK  (1ULL << 11)
#define BVH_LL_FS_MAKE_SYM    (1ULL << 12)
#define BVH_LL_FS_REFER	      (1ULL << 13) /* ABI 2 */
#define BVH_LL_FS_TRUNCATE    (1ULL << 14) /* ABI 3 */
#define BVH_LL_FS_IOCTL_DEV   (1ULL << 15) /* ABI 5 */
#define BVH_LL_NET_BIND_TCP   (1ULL << 0)  /* ABI 4 */
#define BVH_LL_NET_CONNECT_TCP (1ULL << 1) /* ABI 4 */
#define BVH_LL_SCOPE_ABSTRACT_UNIX (1ULL << 0) /* ABI 6 */
#define BVH_LL_SCOPE_SIGNAL	   (1ULL << 1) /* ABI 6 */
#define BVH_LL_RULE_PATH_BENEATH 1
#define BVH_LL_RULE_NET_PORT	 2
#define BVH_LL_VERSION_FLAG	 (1U << 0)
#define BVH_LL_LOG_NEW_EXEC_ON	 (1U << 1) /* restrict_self, ABI 7 */

struct bvh_ll_ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};

struct bvh_ll_path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct bvh_ll_net_port {
	uint64_t allowed_access;
	uint64_t port; /* host byte order */
};

int bvh_sys_landlock_create(const struct bvh_ll_ruleset_attr *attr,
			    size_t size, uint32_t flags);
int bvh_sys_landlock_add(int ruleset_fd, int type, const void *attr,
			 uint32_t flags);
int bvh_sys_landlock_restrict(int ruleset_fd, uint32_t flags);
int bvh_sys_seccomp(unsigned int op, unsigned int flags, void *args);
int bvh_sys_openat2(int dirfd, const char *path, const struct open_how *how);
int bvh_sys_pidfd_open(pid_t pid, unsigned int flags);
int bvh_sys_pidfd_send_signal(int pidfd, int sig);
int bvh_sys_open_tree(int dirfd, const char *path, unsigned int flags);
int bvh_sys_move_mount(int from_dirfd, const char *from, int to_dirfd,
		       const char *to, unsigned int flags);
int bvh_sys_mount_setattr(int dirfd, const char *path, unsigned int flags,
			  uint64_t attr_set, uint64_t attr_clr,
			  uint64_t propagation);
int bvh_sys_fsopen(const char *fs, unsigned int flags);
int bvh_sys_fsconfig(int fd, unsigned int cmd, const char *key,
		     const void *value, int aux);
int bvh_sys_fsmount(int fd, unsigned int flags, unsigned int attrs);
int bvh_sys_close_range(unsigned int first, unsigned int last,
			unsigned int flags);

struct bvh_clone_args; /* linux/sched.h struct clone_args in sys.c's users */
pid_t bvh_sys_clone3(void *clone_args, size_t size);

#endif
