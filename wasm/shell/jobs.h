/* SPDX-License-Identifier: MIT */
/* The commands of one pipeline while they run; for jobs.c and inline.c. */
#ifndef BV_WASM_SHELL_JOBS_H
#define BV_WASM_SHELL_JOBS_H

#include <time.h>

#include "wasm/shell/shell.h"

struct job {
	struct bws_command command;
	const char *name;
	pid_t pid; /* 0: not started or reaped; of a process of its own */
	int pidfd;
	uint64_t start_ns, deadline_ns;
	int reason; /* BWS_WALL, BWS_INTERRUPT or 0: why it was told to stop */
	int status; /* of wait4, or as wait4 would have it */
	uint64_t cpu_us, wall_us;
	bool taken; /* a share of the totals */
};

struct jobs {
	struct bws *s;
	struct job job[BW_LINE_PIPE_MAX];
	size_t n;
	struct bws_report *report; /* of each; shared with processes */
	size_t running;
};

static inline uint64_t bws_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* inline.c: those that have taken their shares, in this process and in turns,
 * to their ends. */
void bws_inline_run(struct jobs *jobs);

#endif
