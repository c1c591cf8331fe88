/* SPDX-License-Identifier: MIT */
/*
 * journal.head: where the chain ended when somebody last looked. Written after
 * each append, never ahead of it, so that a journal that ends before its head
 * was cut. One line of fixed length, overwritten in place.
 */
#include "ledger/journal_internal.h"

#include "core/num.h"
#include "ledger/journal_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_LEN 108u /* "bvisor-journal-head 1 " 20 digits " " 64 digits */
static const char magic[] = "bvisor-journal-head 1 ";
#define MAGIC_LEN (sizeof(magic) - 1)
_Static_assert(MAGIC_LEN + 20 + 1 + 64 + 1 == LINE_LEN, "the line's length");

static int path_of(const char *dir, char ret[PATH_MAX])
{
	const int n = snprintf(ret, PATH_MAX, "%s/" BVL_HEAD_FILE, dir);

	if (n > 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int bvl_head_open(const char *dir, bool write)
{
	char path[PATH_MAX];

	if (path_of(dir, path) != 0)
		return -1;
	/* A pipe in its place is no head, and is not waited for. */
	return open(path, (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW |
				  O_NONBLOCK | O_CLOEXEC);
}

void bvl_head_write(int fd, const struct bvl_head *head)
{
	char line[LINE_LEN + 1];

	snprintf(line, sizeof(line), "%s%020" PRIu64 " %.64s\n", magic,
		 head->seq, head->hash);
	(void)!pwrite(fd, line, LINE_LEN, 0);
}

void bvl_head_begin(int fd)
{
	struct bvl_head none = { .seq = 0 };
	struct stat st;

	memset(none.hash, '0', 64);
	if (fstat(fd, &st) == 0 && st.st_size == 0)
		bvl_head_write(fd, &none);
}

int bvl_head_create(const char *dir, struct bv_err *err)
{
	char path[PATH_MAX];
	bvl_auto_close int fd = -1;

	if (path_of(dir, path) == 0)
		fd = open(path,
			  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			  0600);
	if (fd < 0 && errno == EEXIST)
		return BV_OK; /* somebody else was first */
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s'", path);
	bvl_head_begin(fd);
	if (fsync(fd) != 0)
		return bv_fail_errno(err, errno, "fsync '%s'", path);
	return BV_OK;
}

/* 20 digits with leading zeros, which no number of ours has elsewhere. */
static bool parse_seq(const char *digits, uint64_t *ret)
{
	char text[21];
	size_t skip = 0;

	memcpy(text, digits, 20);
	text[20] = '\0';
	while (skip < 19 && text[skip] == '0')
		skip++;
	return bv_parse_u64(text + skip, 0, INT64_MAX, ret);
}

static bool parse(const char *line, struct bvl_head *ret)
{
	uint8_t raw[BVL_HASH_LEN];
	struct bvl_head head;

	if (memcmp(line, magic, MAGIC_LEN) != 0 ||
	    !parse_seq(line + MAGIC_LEN, &head.seq) ||
	    line[MAGIC_LEN + 20] != ' ' || line[LINE_LEN - 1] != '\n')
		return false;
	memcpy(head.hash, line + MAGIC_LEN + 21, 64);
	head.hash[64] = '\0';
	if (!bvl_hash_from_hex(head.hash, raw))
		return false;
	*ret = head;
	return true;
}

static bool read_line(int fd, char ret[LINE_LEN + 1])
{
	return pread(fd, ret, LINE_LEN + 1, 0) == (ssize_t)LINE_LEN;
}

enum bvl_head_state bvl_head_read(int fd, struct bvl_head *ret)
{
	char line[LINE_LEN + 1], again[LINE_LEN + 1];

	if (fd < 0)
		return BVL_HEAD_MISSING;
	/* A writer may be in the middle of it, and half of the one line with half of
	 * the other is well formed: what two in a row have seen counts. */
	for (unsigned int i = 0; i < 20; i++) {
		if (read_line(fd, line) && read_line(fd, again) &&
		    memcmp(line, again, LINE_LEN) == 0 && parse(line, ret))
			return BVL_HEAD_FINE;
		usleep(500);
	}
	return BVL_HEAD_TORN;
}

bool bvl_head_is_blank(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

bool bvl_journal_has_head(const char *dir)
{
	bvl_auto_close int fd = bvl_head_open(dir, false);
	struct bvl_head head;

	if (fd < 0)
		return errno != ENOENT;
	if (bvl_head_read(fd, &head) == BVL_HEAD_FINE)
		return head.seq > 0;
	return !bvl_head_is_blank(fd);
}
