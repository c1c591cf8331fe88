/* SPDX-License-Identifier: MIT */
/*
 * The recorder of one launch: a child of the guardian, beside it and outside of
 * the leaf, which dies with it. It hands the launch plan over, takes the streams
 * that bvisor-shell was started with, gives it others, and relays between the
 * two until they have their ends. By then it has no privilege left, and no
 * system call beyond reading and writing.
 */
#ifndef BVH_RECORDER_H
#define BVH_RECORDER_H

#include "core/launch.h"
#include "helper/relay.h"

struct bvh_guard;

/* To the guardian, one packet each. */
enum bvh_recorded_what {
	BVH_RECORDED_BEGUN,   /* the launch goes on */
	BVH_RECORDED_REFUSED, /* it does not: text says why */
	BVH_RECORDED_ENDED,
};

struct bvh_recorded {
	uint32_t what;
	uint32_t terminal;
	uint32_t end; /* enum bvh_relay_end */
	uint32_t cut; /* some of it is not in the recording */
	uint64_t size;
	char sha256_hex[65];
	char text[160];
};

struct bvh_recording {
	struct bvh_guard *guard; /* a copy: the recorder is a fork */
	pid_t guardian;
	uint64_t number;
	pid_t peer; /* bvisor-shell, and what becomes of it */
	int peer_pidfd;
	int sock;   /* to it */
	int status; /* to the guardian */
	int dir;
	_Atomic uint64_t *stored;
};

_Noreturn void bvh_recorder_main(const struct bvh_recording *r);

/* --- recorder_streams.c ---------------------------------------------------- */

struct bvh_terminal;

struct bvh_streams {
	int given[3]; /* what the launched one was started with; -1 used up */
	int inner[3]; /* what it gets */
	bool has_terminal;
	bool types; /* its standard input is the terminal */
};

/* Look at what was given, make what is given in return, and the flows between
 * (the terminal's come when it is ours). */
int bvh_streams_make(struct bvh_streams *s, struct bvh_terminal *t, pid_t peer,
		     uid_t uid, bool input, struct bvh_relay *relay,
		     struct bv_err *err) BV_MUST_CHECK;
int bvh_streams_terminal(const struct bvh_streams *s, struct bvh_terminal *t,
			 bool input, struct bvh_relay *relay,
			 struct bv_err *err) BV_MUST_CHECK;

/* --- recorder_jail.c ------------------------------------------------------- */

/* No descriptor but the standard streams and these. */
int bvh_recorder_close_others(const int *keep, size_t n,
			      struct bv_err *err) BV_MUST_CHECK;
/* What it writes, it writes with the rights of uid; to signals of that uid it
 * stays root's. No capability, no way back, hardly a system call; and it dies
 * with its parent, which must be that one. */
int bvh_recorder_jail(uid_t uid, gid_t gid, pid_t parent,
		      struct bv_err *err) BV_MUST_CHECK;

#endif
