/* SPDX-License-Identifier: MIT */
/* Small files, by descriptor. */
#include "helper/dir.h"

#include <errno.h>
#include <unistd.h>

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
