/* SPDX-License-Identifier: MIT */
/*
 * The session's terminal and the one that a launch gets in its place. Where the
 * launched process leads the session of its terminal (a login), the recorder
 * takes that terminal over: afterwards no other process can have it open, nor
 * open it. Of a terminal that is somebody else's (su) it only borrows it.
 */
#ifndef BVH_TERMINAL_H
#define BVH_TERMINAL_H

#include "core/err.h"
#include "helper/cgroup.h"

#include <sys/ioctl.h>
#include <termios.h>

#define BVH_TERMINAL_AHEAD 4096u

struct bvh_terminal {
	int outer; /* the session's, in a description of our own; -1 none */
	int master, slave;
	bool leads;   /* whom it is for leads its session */
	bool own;     /* it belongs to the session's user */
	bool console; /* it stays when the session is gone */
	struct termios before;
	struct winsize size;
	/* Typed before it was ours. */
	char ahead[BVH_TERMINAL_AHEAD];
	size_t ahead_n;
};

/* fd, of the process peer, is the session's terminal. Opens a pair of the same
 * settings and size for uid. */
int bvh_terminal_open(struct bvh_terminal *t, int fd, pid_t peer, uid_t uid,
		      struct bv_err *err) BV_MUST_CHECK;

/* peer has left it: make it raw, and ours. Whatever else of the leaf may hold it
 * open is cut off. */
int bvh_terminal_take(struct bvh_terminal *t, pid_t peer,
		      const struct bvh_leaf *leaf,
		      struct bv_err *err) BV_MUST_CHECK;

/* As it was, and closed. */
void bvh_terminal_return(struct bvh_terminal *t);

/* A character device that is a terminal of a kind that logins have. */
bool bvh_terminal_is(int fd);

#endif
