/* SPDX-License-Identifier: MIT */
/*
 * One recording while it is made: core/cast.h's lines into a file, within what
 * the session may store, and the digest of the file. The digest follows when
 * there is nothing else to do: it costs more than all the rest.
 */
#ifndef BVH_TAPE_H
#define BVH_TAPE_H

#include "core/cast.h"

#include <sha2.h>
#include <stdatomic.h>

struct bvh_tape {
	int fd; /* -1: none */
	struct bv_cast cast;
	uint64_t begun_us; /* on the boot clock */
	uint64_t size, hashed;
	uint64_t bytes[BV_CAST_STREAM_N]; /* of the streams themselves */
	SHA2_CTX sha;
	_Atomic uint64_t *stored; /* by all recordings of the session */
	uint64_t max;
	bool full; /* something did not fit: nothing is added any more */
};

/* Create NUMBER.cast in dir, and begin it. BV_E_LIMIT: there is no room. */
int bvh_tape_begin(struct bvh_tape *t, int dir, const struct bv_cast_head *head,
		   _Atomic uint64_t *stored, uint64_t max,
		   struct bv_err *err) BV_MUST_CHECK;

/* Any number of bytes. All of it is in the file, or the tape is full
 * (BV_E_LIMIT), or the disk is
 * (BV_E_SYS). Of what did not fit only a beginning may be there. */
int bvh_tape_put(struct bvh_tape *t, enum bv_cast_stream stream,
		 const void *bytes, size_t n, struct bv_err *err) BV_MUST_CHECK;
int bvh_tape_resize(struct bvh_tape *t, unsigned int columns, unsigned int rows,
		    struct bv_err *err) BV_MUST_CHECK;

/* Digest a little more; false: it is level with the file. */
bool bvh_tape_hash(struct bvh_tape *t);

/* On the disk, with its digest; closed whatever comes. */
int bvh_tape_end(struct bvh_tape *t, char ret_sha256[65],
		 struct bv_err *err) BV_MUST_CHECK;

#endif
