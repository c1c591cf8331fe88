/* SPDX-License-Identifier: MIT */
/*
 * The relay of a launch whose streams are recorded: what comes from one side is
 * in the recording before the other side sees it. Each direction is a flow of
 * its own with one buffer, so that a reader who is slow slows down its writer
 * and nobody else; ends and refusals are handed on to the other side. A terminal's
 * takes in while it still has something to give: the kernel's terminals hold
 * twelve kilobytes, and two of them in turn would stand still half of the time.
 */
#ifndef BVH_RELAY_H
#define BVH_RELAY_H

#include "helper/tape.h"

#include <sys/ioctl.h>

/* Standard input, output, error; and a terminal's output beside them. */
#define BVH_FLOWS_MAX 4u

struct bvh_flow {
	int from, to; /* owned, never blocking; -1: over */
	bool from_socket, to_socket;
	enum bv_cast_stream stream;
	bool recorded;
	bool of_terminal;
	bool dry;     /* no more for now, and something still has to go */
	size_t at, n; /* what of buf still has to go: recorded */
	unsigned char buf[BV_CAST_CHUNK_MAX];
};

enum bvh_relay_end {
	BVH_RELAY_DONE,  /* all streams have their ends */
	BVH_RELAY_FULL,  /* no room for more, and nothing goes on unrecorded */
	BVH_RELAY_FAULT, /* it cannot be recorded */
};

struct bvh_relay {
	struct bvh_flow *flow[BVH_FLOWS_MAX];
	size_t n;
	struct bvh_tape *tape;
	bool goes_on;   /* when the tape is full */
	int peer_pidfd; /* of what was launched */
	int signal_fd;  /* SIGWINCH, SIGTERM: come to an end */
	int outer;      /* the session's terminal, -1 none; borrowed */
	int master;     /* of the launched one's; closed with its flows */
	bool told;      /* SIGWINCH comes when the size changes */
	struct winsize size;
};

/* A flow between two descriptors, which it owns from now on. NULL: no memory;
 * they are closed. */
struct bvh_flow *bvh_flow_new(int from, int to, enum bv_cast_stream stream,
			      bool recorded, bool of_terminal);

/* err says what the fault was. */
enum bvh_relay_end bvh_relay_run(struct bvh_relay *r, struct bv_err *err);

#endif
