/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's audit says of denials, on a socket of the multicast group
 * that anybody with CAP_AUDIT_READ may listen to: nothing is taken away from
 * auditd, nothing is switched on. Landlock tells since ABI 7 (Linux 6.15), and
 * only while audit is on; seccomp tells of the calls it kills for.
 */
#ifndef BVH_DENIALS_H
#define BVH_DENIALS_H

#include "core/audit.h"
#include "core/err.h"

/* Is there anything to be heard on this kernel, now? Then a socket, else -1 and
 * *ret_why a static text. */
int bvh_denials_open(unsigned int landlock_abi, const char **ret_why);

enum bvh_denials_read {
	BVH_DENIALS_RECORD,
	BVH_DENIALS_NOTHING,
	BVH_DENIALS_LOST, /* the kernel dropped some: we were too slow */
	BVH_DENIALS_BROKEN,
};

/* Never blocks. Records of other forms are passed over. */
enum bvh_denials_read bvh_denials_read(int fd, struct bv_audit *ret);

#endif
