/* SPDX-License-Identifier: MIT */
/*
 * bvisor-shell: the login shell, or ForceCommand, of accounts whose policy says
 * what a program is started with. It asks the guardian of the session it stands
 * in, sets what it is told, and executes the real shell in its own place: exit
 * status, signals, terminal and job control are the shell's own. Whatever
 * goes wrong, it ends with 254 and nothing was run.
 */
#include "helper/shell/shell.h"

#include "helper/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

/* A stream that is missing would be the next thing opened. */
static int fill_streams(struct bv_err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			return bv_fail(err, BV_E_SYS,
				       "standard stream %d is closed", fd);
	}
	return BV_OK;
}

static int settle(int argc, char **argv, struct bvh_shell *s,
		  struct bv_err *err)
{
	char id[BVH_SHELL_ID_MAX];
	int code = fill_streams(err);

	/* What it is told is not for other processes of the user. */
	if (code == BV_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		code = bv_fail_errno(err, errno, "PR_SET_DUMPABLE");
	if (code == BV_OK)
		code = bvh_shell_session(id, err);
	if (code == BV_OK)
		code = bvh_shell_ask(id, s, err);
	if (code == BV_OK)
		code = bvh_shell_arguments(argc, argv, s, err);
	return code;
}

int main(int argc, char **argv)
{
	static struct bvh_shell s;
	struct bv_err err = { 0 };
	int code = argc > 0 ? settle(argc, argv, &s, &err)
			    : bv_fail(&err, BV_E_INVAL, "no name");

	if (code == BV_OK)
		bvh_shell_launch(&s, &err); /* returns only when it fails */
	bvh_shell_erase(&s);
	fprintf(stderr, "bvisor-shell: %s; nothing was run\n", err.msg);
	return BVH_SHELL_REFUSED;
}
