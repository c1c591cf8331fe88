/* SPDX-License-Identifier: MIT */
/* See terminal.h. */
#include "helper/terminal.h"

#include "helper/fd.h"
#include "helper/kernfs.h"
#include "helper/kin.h"
#include "helper/red.h"
#include "helper/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define PROCS_MAX 65536u

/* As /proc numbers terminals. */
static unsigned int number_of(dev_t dev)
{
	const unsigned int minor_nr = minor(dev);

	return (minor_nr & 0xffu) | major(dev) << 8 | (minor_nr & ~0xffu) << 12;
}

bool bvh_terminal_is(int fd)
{
	char path[64];
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && isatty(fd) == 1 &&
	       bvh_terminal_path(number_of(st.st_rdev), path, sizeof(path));
}

/* Another description of the same terminal: its flags are ours alone. What fd
 * may not do, this may not either. */
static int reopen(int fd)
{
	char path[64];

	if ((fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH)) != O_RDWR) {
		errno = EACCES;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

static int open_pair(struct bvh_terminal *t, uid_t uid, struct bv_err *err)
{
	const int unlocked = 0;

	t->master =
		open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (t->master < 0)
		return bv_fail_errno(err, errno, "open '/dev/ptmx'");
	if (ioctl(t->master, TIOCSPTLCK, &unlocked) != 0)
		return bv_fail_errno(err, errno, "unlock the new terminal");
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->slave < 0)
		return bv_fail_errno(err, errno, "open the new terminal");
	if (fchown(t->slave, uid, (gid_t)-1) != 0 ||
	    fchmod(t->slave, 0620) != 0 ||
	    tcsetattr(t->slave, TCSANOW, &t->before) != 0 ||
	    ioctl(t->master, TIOCSWINSZ, &t->size) != 0)
		return bv_fail_errno(err, errno, "set up the new terminal");
	return BV_OK;
}

int bvh_terminal_open(struct bvh_terminal *t, int fd, pid_t peer, uid_t uid,
		      struct bv_err *err)
{
	struct bvh_kin kin;
	struct stat st;

	*t = (struct bvh_terminal){ .outer = -1, .master = -1, .slave = -1 };
	t->outer = reopen(fd);
	if (t->outer < 0 || fstat(t->outer, &st) != 0 ||
	    tcgetattr(t->outer, &t->before) != 0 ||
	    ioctl(t->outer, TIOCGWINSZ, &t->size) != 0)
		return bv_fail_errno(err, errno, "the session's terminal");
	if (!bvh_kin_read(peer, &kin))
		return bv_fail(err, BV_E_PROTO, "pid %d is gone", (int)peer);
	t->leads = kin.session == peer && kin.terminal == number_of(st.st_rdev);
	t->own = st.st_uid == uid;
	t->console = major(st.st_rdev) < 128;
	return open_pair(t, uid, err);
}

/* --- taking it over -------------------------------------------------------- */

/* Is everything in the leaf peer itself, or was it there before the user had
 * any process: the services that led to it? */
static bool is_alone(pid_t peer, const struct bvh_leaf *leaf)
{
	bv_auto_free char *procs = malloc(PROCS_MAX);
	char *save = NULL;

	if (procs == NULL ||
	    bvh_kernfs_read(leaf->fd, "cgroup.procs", procs, PROCS_MAX) != 0 ||
	    strlen(procs) == PROCS_MAX - 1)
		return false;
	for (const char *pid = strtok_r(procs, "\n", &save); pid != NULL;
	     pid = strtok_r(NULL, "\n", &save))
		if (!bvh_kin_holds((pid_t)atoi(pid), peer))
			return false;
	return true;
}

static int make_raw(const struct bvh_terminal *t, struct bv_err *err)
{
	struct termios raw = t->before;

	cfmakeraw(&raw);
	raw.c_cflag = t->before.c_cflag;
	if (tcsetattr(t->outer, TCSANOW, &raw) != 0)
		return bv_fail_errno(err, errno, "make the terminal raw");
	return BV_OK;
}

/* Whoever has it open loses it; we open it again. A hang-up forgets settings
 * and what was typed: that is read before. */
static int cut_off(struct bvh_terminal *t, struct bv_err *err)
{
	ssize_t n;
	int fd;

	do {
		n = read(t->outer, t->ahead + t->ahead_n,
			 sizeof(t->ahead) - t->ahead_n);
		t->ahead_n += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (ioctl(t->outer, TIOCVHANGUP) != 0)
		return bv_fail_errno(err, errno, "hang the terminal up");
	fd = reopen(t->outer);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open the terminal again");
	bvh_close(&t->outer);
	t->outer = fd;
	(void)ioctl(t->outer, TIOCSWINSZ, &t->size);
	return make_raw(t, err);
}

int bvh_terminal_take(struct bvh_terminal *t, pid_t peer,
		      const struct bvh_leaf *leaf, struct bv_err *err)
{
	int code;

	bvh_close(&t->slave);
	/* First: from here on nobody without privilege can open it. */
	if (t->own && !bvh_red("capture-take") &&
	    ioctl(t->outer, TIOCEXCL) != 0)
		return bv_fail_errno(err, errno, "TIOCEXCL");
	code = make_raw(t, err);
	if (code != BV_OK || !t->leads)
		return code;
	if (!is_alone(peer, leaf) && !bvh_red("capture-take"))
		code = cut_off(t, err);
	/* Its signals come to us: the size, the hang-up. */
	if (code == BV_OK && (setsid() < 0 || ioctl(t->outer, TIOCSCTTY, 1)))
		code = bv_fail_errno(err, errno, "TIOCSCTTY");
	return code;
}

void bvh_terminal_return(struct bvh_terminal *t)
{
	if (t->outer >= 0) {
		(void)tcsetattr(t->outer, TCSANOW, &t->before);
		/* Of a pseudo-terminal it stays until both ends are closed. */
		if (t->own && t->console)
			(void)ioctl(t->outer, TIOCNXCL);
	}
	bvh_close(&t->outer);
	bvh_close(&t->master);
	bvh_close(&t->slave);
}
