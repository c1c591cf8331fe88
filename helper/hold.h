/* SPDX-License-Identifier: MIT */
/*
 * The holder: the one process of bvisor.service. systemd prunes a delegated
 * cgroup that is empty; this keeps it, sets it up once, and cleans up after
 * guardians that died with the last boot of the service.
 */
#ifndef BVH_HOLD_H
#define BVH_HOLD_H

/* Returns the exit status at SIGTERM, or at once when there is no base. */
int bvh_hold_main(void);

#endif
