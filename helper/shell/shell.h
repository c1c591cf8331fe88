/* SPDX-License-Identifier: MIT */
/* Shared by main.c, ask.c, streams.c and launch.c; nobody else. */
#ifndef BVH_SHELL_H
#define BVH_SHELL_H

#include "helper/shell/reach.h"

#define BVH_SHELL_REFUSED 254

struct bvh_shell {
	unsigned char *bytes; /* the launch plan's, with all its secrets */
	size_t len;
	struct bv_launch plan; /* points into them */
	char **argv;
	char name[256]; /* argv[0] of the shell */
	char **envp;
};

/* Connect, receive, verify, decode. */
int bvh_shell_ask(const char *id, struct bvh_shell *s,
		  struct bv_err *err) BV_MUST_CHECK;

/* Give the standard streams to the recorder and take its own in their place. The
 * process leaves the terminal it had, for the new one or for none. */
int bvh_shell_streams(int sock, struct bv_err *err) BV_MUST_CHECK;

/* argv of the real shell: a login shell stays one, -c CMD is passed on, and
 * without arguments sshd's SSH_ORIGINAL_COMMAND is the command. */
int bvh_shell_arguments(int argc, char **argv, struct bvh_shell *s,
			struct bv_err *err) BV_MUST_CHECK;

/* Environment, limits, descriptors, spawn policy, exec: the order in which
 * nothing that is set can get in the way of what comes next. */
void bvh_shell_launch(struct bvh_shell *s, struct bv_err *err);

void bvh_shell_erase(struct bvh_shell *s);

#endif
