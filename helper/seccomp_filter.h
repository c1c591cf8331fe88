/* SPDX-License-Identifier: MIT */
/*
 * The curated deny list as one BPF program. Default allow: it takes away what
 * no login session needs and what would undo the other mechanisms; it is one
 * layer, never a sandbox by itself. Unknown and foreign ABIs (x32, int 0x80)
 * kill the process.
 */
#ifndef BVH_SECCOMP_FILTER_H
#define BVH_SECCOMP_FILTER_H

#include "core/err.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

struct bvh_seccomp_options {
	bool deny_sockets; /* all families but AF_UNIX and AF_NETLINK route/audit */
	bool notify_signals; /* kernel has no landlock signal scope: ask the guardian */
	bool notify_bus; /* tell the guardian of connects that may be to D-Bus */
	bool plain_sockets; /* internet sockets of tcp and udp alone, and the netlink of deny_sockets */
	bool confirmed_no_new_privs; /* reserved for callers without CAP_SYS_ADMIN */
};

#define BVH_BPF_MAX 4096u

struct bvh_bpf {
	struct sock_filter insn[BVH_BPF_MAX];
	size_t n;
	char sha256_hex[65];
};

int bvh_seccomp_build(const struct bvh_seccomp_options *o, struct bvh_bpf *ret,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
