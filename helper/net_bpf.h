/* SPDX-License-Identifier: MIT */
/*
 * The network programs of one leaf: made by core/net_program.c, loaded, attached
 * and looked up again with raw bpf(2). They hold for every socket that is made
 * inside the leaf, whoever asks, and end with the leaf, not with us: nothing
 * here detaches. A socket that is older than its owner's move into the leaf (the
 * connection of the login itself) belongs to where it was made.
 */
#ifndef BVH_NET_BPF_H
#define BVH_NET_BPF_H

#include "core/net_program.h"
#include "core/spec.h"
#include "helper/cgroup.h"

#define BVH_NET_TAG 8u

struct bvh_net_prog {
	int fd; /* -1: none at this hook */
	uint32_t id;
	uint8_t tag[BVH_NET_TAG]; /* the kernel's digest of it */
};

struct bvh_net {
	struct bvh_net_prog prog[BV_NET_HOOK_N];
	int counter_fd;      /* -1: nothing is counted */
	char sha256_hex[65]; /* of all instructions, hook after hook */
	size_t n;            /* programs */
};

void bvh_net_init(struct bvh_net *net); /* every fd -1 */
void bvh_net_done(struct bvh_net *net); /* closes; what is attached stays */

/* The rules of a spec; limited: with a traffic budget of limit_bytes. */
struct bv_net_rules bvh_net_rules(const struct bv_spec *spec, bool limited,
				  uint64_t limit_bytes);

/* All programs that the rules need, or an error; then some may be attached, and
 * the leaf is to be removed. */
int bvh_net_attach(const struct bv_net_rules *rules,
		   const struct bvh_leaf *leaf, struct bvh_net *ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* The kernel's word: at each hook the leaf has the program that was loaded for
 * it. Writes their ids as text. */
int bvh_net_attest(const struct bvh_net *net, const struct bv_net_rules *rules,
		   const struct bvh_leaf *leaf, char *ret, size_t ret_len,
		   struct bv_err *err) BV_MUST_CHECK;

/* False: nothing is counted, or it cannot be read. */
bool bvh_net_read(const struct bvh_net *net, struct bv_net_counter *ret);

/* Does it work here? Every kind of program is loaded, and two are attached, in a
 * leaf of their own below the base that is gone again. */
bool bvh_net_works(const struct bvh_cgroup_base *base);

#endif
