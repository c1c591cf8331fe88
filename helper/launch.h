/* SPDX-License-Identifier: MIT */
/*
 * The exec boundary's meeting point. For each session whose shell is
 * bvisor-shell the guardian listens at BVH_LAUNCH_DIR/<session id>; who
 * connects says nothing: the kernel says who it is. It is answered with one
 * packet, and with it, when it may launch, the launch plan in a sealed memfd.
 * bvisor-wasm gets no plan, but how its commands are isolated, and leaves the
 * connection open: on it it tells of each command (core/command.h).
 */
#ifndef BVH_LAUNCH_H
#define BVH_LAUNCH_H

#include "core/launch.h"
#include "core/plan.h"

/* Fixed: the shell finds it without reading any configuration, which its
 * boundary may not let it do. */
#define BVH_LAUNCH_RUN  "/run/bvisor"
#define BVH_LAUNCH_NAME "launch"
#define BVH_LAUNCH_DIR  BVH_LAUNCH_RUN "/" BVH_LAUNCH_NAME

#define BVH_ANSWER_MAGIC 0x314c5642u /* "BVL1" */

/* Both sides are of one build on one machine: no byte order. */
struct bvh_answer {
	uint32_t magic;
	uint32_t launch;     /* 1: a memfd rides along; 0: refused */
	uint32_t len;        /* of the plan's bytes */
	uint32_t streams;    /* 1: give them, see below */
	uint32_t inlined;    /* bvisor-wasm: all commands in one process */
	char sha256_hex[65]; /* of the plan's bytes */
	char plan_id[65];    /* that they must name */
	char text[128];      /* refused: for the user, nothing inner */
};

/* Where streams are recorded, one byte each way on the same socket: the three
 * standard streams that the shell was started with, the three it gets for them
 * (a terminal of its own among them, or none), that it has taken them, and that
 * it may go on. */
#define BVH_STREAMS_GIVEN    'S'
#define BVH_STREAMS_TERMINAL 'T'
#define BVH_STREAMS_PIPES    'P'
#define BVH_STREAMS_TAKEN    'R'
#define BVH_STREAMS_GO       'G'

/* The launch plan of an admitted one: leases resolved, shell chosen. NUL-free
 * and within the rules, or an error without any value in it. */
int bvh_launch_make(const struct bv_plan *plan, unsigned char *buf, size_t cap,
		    size_t *ret_len, struct bv_err *err) BV_MUST_CHECK;

/* Bytes into a memfd that nobody can change any more. */
int bvh_launch_seal(const void *bytes, size_t len, int *ret_fd,
		    struct bv_err *err) BV_MUST_CHECK;

/* A memfd's bytes, believed only when all its seals are set and length and
 * digest are the answer's. malloc'ed; bvh_lease_free() erases. */
int bvh_launch_open(int memfd, const struct bvh_answer *a, unsigned char **ret,
		    struct bv_err *err) BV_MUST_CHECK;

#endif
