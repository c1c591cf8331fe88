/* SPDX-License-Identifier: MIT */
/*
 * The gate of a session whose leader stays outside of its boundary
 * (commit=child): a seccomp filter on the leader, and so on all it starts, that
 * asks the guardian before any process gives up being root for good. It lets
 * those through that sit in the session's leaf, where the guardian alone puts
 * them. A dead guardian lets nobody through: the kernel then answers ENOSYS.
 */
#ifndef BVH_GATE_H
#define BVH_GATE_H

#include "helper/cgroup.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#define BVH_GATE_INSN_MAX 48u

/* Real and saved ids to anything but root are asked for: setuid, setreuid,
 * setresuid. Another effective id alone is sshd's own way to touch a user's
 * files, and comes back. Returns the number of instructions. */
size_t bvh_gate_build(struct sock_filter ret[BVH_GATE_INSN_MAX]);

/* Answer what is pending, and no more than some. leaf NULL: nobody has been
 * confined yet, everybody is refused. *ret_refused counts. False: the listener
 * is dead, no process has the gate any more. */
bool bvh_gate_serve(int listener_fd, const struct bvh_leaf *leaf,
		    unsigned int *ret_refused);

#endif
