/* SPDX-License-Identifier: MIT */
/*
 * One command: the bytes of a module, its limits and what it may reach, run
 * from _start to its end. bw_run does it in one call; a task can be suspended
 * (BW_STREAM_SUSPEND) and several run in turns in one process.
 */
#ifndef BV_WASM_RUN_H
#define BV_WASM_RUN_H

#include "wasm/wasi.h"

struct bw_run_config {
	const void *bytes; /* not kept */
	size_t len;
	const struct bw_load_limits *load;   /* NULL: defaults */
	const struct bw_store_limits *store; /* NULL: defaults */
	uint64_t fuel;                       /* or BW_FUEL_UNLIMITED */
	const struct bw_wasi_config *wasi;   /* its interrupt flag is also
						  looked at while computing */
	bool turns; /* suspend it, too, when others should have their turn */
};

struct bw_run_result {
	enum bw_outcome outcome; /* BW_DONE, BW_EXITED, BW_TRAPPED */
	uint32_t status;         /* exit code; 0 for BW_DONE */
	enum bw_trap trap;
	bool stopped; /* BW_TRAP_HOST because of an output limit */
	/* For BW_TRAPPED one line without newline or control bytes:
	 * "fuel exhausted (func 41 "run", +0x5104) after 1200 fuel". */
	char text[256];
	uint64_t fuel_used;
	uint32_t peak_pages;
	struct bw_wasi_counts counts;
};

struct bw_task;

/* Does the module export what a command begins with? BV_E_CONF else. */
BV_MUST_CHECK int bw_command_check(const struct bw_module *module,
				   struct bv_err *err);

/* Load, instantiate; nothing of the guest has run.
 * BV_E_CONF: not a module, unknown import (named), no _start; BV_E_LIMIT,
 * BV_E_UNSUPPORTED, BV_E_NOMEM, BV_E_INVAL as the engine says. */
BV_MUST_CHECK int bw_task_new(const struct bw_run_config *config,
			      struct bw_task **ret_task, struct bv_err *err);
/* Run until it ends or, BW_SUSPENDED, waits or its turn is over. Not to be called after its end. */
BV_MUST_CHECK int bw_task_step(struct bw_task *task,
			       enum bw_outcome *ret_outcome,
			       struct bv_err *err);
/* What it waits for: see bw_wasi_wait. After a turn nothing, and a deadline that
 * has passed. */
size_t bw_task_wait(const struct bw_task *task, struct pollfd *fds, size_t max,
		    uint64_t *ret_deadline_ns);
/* After the last step, or so far. */
void bw_task_result(const struct bw_task *task,
		    struct bw_run_result *ret_result);
void bw_task_free(struct bw_task *task); /* accepts NULL */

/* All of it, waiting where a task would be suspended. An error (no result)
 * means that the command never began. */
BV_MUST_CHECK int bw_run(const struct bw_run_config *config,
			 struct bw_run_result *ret_result, struct bv_err *err);

#endif
