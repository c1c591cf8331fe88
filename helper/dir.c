/* SPDX-License-Identifier: MIT */
/* Small files, by descriptor. */
#include "helper/dir.h"

#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int bvh_dir_file(int dirfd, const char *name, const char *shown, int access,
		 int *ret_fd, struct bv_err *err)
{
	bv_auto_close int fd =
		openat(dirfd, name,
		       access | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	*ret_fd = -1;
	if (fd < 0 && errno == ENOENT)
		return BV_OK;
	/* a link, a socket, a directory */
	if (fd < 0 && errno != ELOOP && errno != ENXIO && errno != EISDIR)
		return bv_fail_errno(err, errno, "open '%s%s'", shown, name);
	if (fd >= 0 && fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "stat '%s%s'", shown, name);
	if (fd < 0 || !S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF, "'%s%s' is no regular file",
			       shown, name);
	*ret_fd = bvh_fd_take(&fd);
	return BV_OK;
}

int bvh_write_all(int fd, const void *buf, size_t len, off_t offset)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

ssize_t bvh_read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	for (;;) {
		/* One byte more than allowed, so that growth is seen. */
		ssize_t n = read(fd, buf + len, cap + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > cap) {
			errno = EFBIG;
			return -1;
		}
	}
	buf[len] = '\0';
	return (ssize_t)len;
}
