/* SPDX-License-Identifier: MIT */
/*
 * The guardian: one process per session, root, started by the PAM module with
 * its end of the control socket as descriptor 3. It decides, prepares, places,
 * attests, waits for the end, and takes everything down again.
 */
#ifndef BVH_GUARD_H
#define BVH_GUARD_H

/* Returns the process's exit status: 0 the verdict was delivered (whatever it
 * was) and the session, if any, is over; 1 something broke; 2 not started as
 * a guardian must be. */
int bvh_guard_main(int control_fd);

#endif
