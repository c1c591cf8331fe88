/* SPDX-License-Identifier: MIT */
/*
 * Signals on kernels without landlock's signal scope (ABI < 6): the filter
 * sends kill(2) and its kin here, and only targets inside the leaf go through.
 * CONTINUE is sound because the arguments are registers, not memory
 * (seccomp_unotify(2), NOTES); kill(-1) is refused outright.
 */
#ifndef BVH_NOTIFY_H
#define BVH_NOTIFY_H

#include "helper/cgroup.h"

/*
 * The leader's close of its PAM session. pam_systemd asks logind to release
 * the session, and logind wants to find the asking process in the session's
 * own cgroup, while it is in our leaf; our own close comes later in the stack.
 * So the filter tells of connects with a long address, and the leader's to the
 * login manager calls on_bus before it goes on.
 */
struct bvh_notify_watch {
	pid_t leader;
	void (*on_bus)(void *arg);
	/* A signal that was refused, to that pid (negative: a group). */
	void (*on_denied)(void *arg, pid_t target);
	void *arg;
};

/* As bvh_notify_serve; watch may be NULL. */
bool bvh_notify_serve_watch(int listener_fd, const struct bvh_leaf *leaf,
			    const struct bvh_notify_watch *watch);

/* Serve every request pending on the listener. False: the listener is dead
 * (POLLHUP, all filter users gone). */
bool bvh_notify_serve(int listener_fd, const struct bvh_leaf *leaf);

#endif
