/* SPDX-License-Identifier: MIT */
/*
 * The listener of a seccomp filter (seccomp_unotify(2)): calls that wait for a
 * word. What is decided on must be registers, not memory, for a call to go on.
 */
#ifndef BVH_LISTENER_H
#define BVH_LISTENER_H

#include <linux/seccomp.h>
#include <stdbool.h>

struct bvh_judge {
	/* 0: the kernel may go on with it; else the error it is answered with. */
	int (*decide)(void *arg, const struct seccomp_notif *req);
	/* What was decided, once it is sure that the caller still waits; or NULL. */
	void (*told)(void *arg, const struct seccomp_notif *req, int error);
	void *arg;
};

/* Answer what is pending, and no more than some. Never waits. False: the listener
 * is dead, no process has the filter any more. */
bool bvh_listener_serve(int listener_fd, const struct bvh_judge *judge);

#endif
