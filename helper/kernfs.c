/* SPDX-License-Identifier: MIT */
/* Small kernel text files; see kernfs.h. */
#include "helper/kernfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "helper/fd.h"

int bvh_kernfs_read(int dirfd, const char *name, char *ret, size_t ret_len)
{
	bv_auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;

	if (fd < 0)
		return errno;
	while (have < ret_len - 1) {
		ssize_t n = read(fd, ret + have, ret_len - 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	ret[have] = '\0';
	return 0;
}

int bvh_kernfs_write(int dirfd, const char *name, const char *text)
{
	size_t len = strlen(text);
	bv_auto_close int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	do {
		n = write(fd, text, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	return (size_t)n == len ? 0 : EIO;
}

bool bvh_text_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = text; *s != '\0'; s += strcspn(s, " \n")) {
		s += strspn(s, " \n");
		if (len != 0 && strcspn(s, " \n") == len &&
		    memcmp(s, word, len) == 0)
			return true;
	}
	return false;
}

bool bvh_text_number(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);
	uint64_t v = 0;

	while (len != 0 && (strncmp(text, key, len) != 0 || text[len] != ' ')) {
		text = strchr(text, '\n');
		if (text == NULL)
			return false;
		text++;
	}
	text += len == 0 ? 0 : len + 1;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return false;
	}
	*ret = v;
	return true;
}
