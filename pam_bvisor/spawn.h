/* SPDX-License-Identifier: MIT */
/*
 * Start the guardian so that the host process never notices: no SIGCHLD, no
 * zombie, no child that its wait(2) could meet (cron waits for any child).
 */
#ifndef BVP_SPAWN_H
#define BVP_SPAWN_H

struct bvp_guardian {
	int sock;  /* our end of the control pair, O_CLOEXEC */
	int pidfd; /* to end it when it misses a deadline, or -1 */
};

/* 0, or an errno; *ret_what then names the step that failed. On success the
 * guardian's own end of the pair is open in the guardian alone. */
int bvp_spawn(struct bvp_guardian *ret, int deadline_ms, const char **ret_what);

/* SIGKILL by pidfd, close both. Accepts -1. */
void bvp_guardian_kill(struct bvp_guardian *g);

#endif
