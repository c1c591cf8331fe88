/* SPDX-License-Identifier: MIT */
/* A guest with pipes for streams, and where tests put things in its memory. */
#ifndef TESTS_WASI_STREAMS_H
#define TESTS_WASI_STREAMS_H

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/wasi_guest.h"

/* Where things are put in the guest's memory. */
enum {
	VEC = 64,
	RET = 128,
	RET2 = 160,
	TEXT = 1024,
	SUBS = 4096,
	EVENTS = 8192
};

static inline void start(struct guest *g, const struct bw_wasi_config *c)
{
	struct bv_err err = { 0 };

	if (guest_open(g, c, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

/* One vector of n bytes at TEXT. */
static inline void vec(struct guest *g, uint32_t n)
{
	const uint32_t v[2] = { TEXT, n };

	memcpy(guest_at(g, VEC), v, sizeof(v));
}

static inline int write_text(struct guest *g, uint32_t fd, const char *text)
{
	memcpy(guest_at(g, TEXT), text, strlen(text));
	vec(g, (uint32_t)strlen(text));
	return CALL(g, fd_write, fd, VEC, 1, RET);
}

struct pipes {
	int in[2], out[2];
};

static inline struct bw_wasi_config piped(struct pipes *p)
{
	assert_int_equal(pipe2(p->in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(p->out, O_CLOEXEC), 0);
	return (struct bw_wasi_config){
		.stream = { { p->in[0], BW_STREAM_READ },
			    { p->out[1], BW_STREAM_WRITE },
			    { -1, 0 } },
		.output_bytes = BW_WASI_UNLIMITED,
	};
}

static inline void unpipe(struct pipes *p)
{
	close(p->in[0]);
	close(p->in[1]);
	close(p->out[0]);
	close(p->out[1]);
}

#endif
