/* SPDX-License-Identifier: MIT */
/* See tell.h. A name that PAM was told is not trusted, nor needed: sshd's is
 * "ssh" at the time. The kernel knows who sits where. */
#include "helper/tell.h"

#include "helper/fd.h"
#include "helper/kernfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TERMINALS_MAX 8u
#define PROCS_MAX     256u /* looked at; the rest sits on the same terminals */

#define MAJOR_TTY 4u
#define MAJOR_PTS 136u
#define SERIAL    64u /* minor of ttyS0 */

bool bvh_stat_terminal(const char *stat, unsigned int *ret_nr)
{
	/* The name may hold blanks and brackets; behind its end: state, ppid,
	 * pgrp, session, tty_nr. */
	const char *at = strrchr(stat, ')');
	int nr;

	if (at == NULL || sscanf(at + 1, " %*c %*d %*d %*d %d", &nr) != 1)
		return false;
	*ret_nr = (unsigned int)nr;
	return true;
}

static unsigned int major_of(unsigned int nr)
{
	return nr >> 8 & 0xfffu;
}

static unsigned int minor_of(unsigned int nr)
{
	return (nr & 0xffu) | (nr >> 12 & 0xfff00u);
}

bool bvh_terminal_path(unsigned int nr, char *ret, size_t ret_len)
{
	const unsigned int minor_nr = minor_of(nr);

	if (major_of(nr) == MAJOR_PTS)
		snprintf(ret, ret_len, "/dev/pts/%u", minor_nr);
	else if (major_of(nr) == MAJOR_TTY && minor_nr < SERIAL)
		snprintf(ret, ret_len, "/dev/tty%u", minor_nr);
	else if (major_of(nr) == MAJOR_TTY)
		snprintf(ret, ret_len, "/dev/ttyS%u", minor_nr - SERIAL);
	else
		return false;
	return true;
}

/* Not more than once each. */
static size_t add(unsigned int nr[TERMINALS_MAX], size_t n, unsigned int one)
{
	for (size_t i = 0; i < n; i++) {
		if (nr[i] == one)
			return n;
	}
	if (one != 0 && n < TERMINALS_MAX)
		nr[n++] = one;
	return n;
}

static size_t find_terminals(const struct bvh_leaf *leaf,
			     unsigned int nr[TERMINALS_MAX])
{
	char procs[16 * PROCS_MAX];
	char *save = NULL;
	char *end;
	size_t n = 0;

	if (bvh_kernfs_read(leaf->fd, "cgroup.procs", procs, sizeof(procs)) !=
	    0)
		return 0;
	end = strrchr(procs, '\n'); /* what stands behind it may be cut */
	if (end == NULL)
		return 0;
	*end = '\0';
	for (const char *pid = strtok_r(procs, "\n", &save); pid != NULL;
	     pid = strtok_r(NULL, "\n", &save)) {
		char path[64], stat[512];
		unsigned int one;

		snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
		if (bvh_kernfs_read(AT_FDCWD, path, stat, sizeof(stat)) == 0 &&
		    bvh_stat_terminal(stat, &one))
			n = add(nr, n, one);
	}
	return n;
}

static bool tell_one(unsigned int nr, uid_t uid, const char *line)
{
	bv_auto_close int fd = -1;
	struct stat st;
	char path[64];

	if (!bvh_terminal_path(nr, path, sizeof(path)))
		return false;
	fd = open(path,
		  O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(major_of(nr), minor_of(nr)) ||
	    st.st_uid != uid || isatty(fd) == 0)
		return false;
	return write(fd, line, strlen(line)) > 0;
}

unsigned int bvh_tell(const struct bvh_leaf *leaf, uid_t uid, const char *text)
{
	unsigned int nr[TERMINALS_MAX];
	unsigned int heard = 0;
	char line[256];
	size_t n = find_terminals(leaf, nr);

	snprintf(line, sizeof(line), "\r\n%.240s\r\n", text);
	for (size_t i = 0; i < n; i++)
		heard += tell_one(nr[i], uid, line) ? 1 : 0;
	return heard;
}
