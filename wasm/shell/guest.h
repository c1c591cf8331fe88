/* SPDX-License-Identifier: MIT */
/*
 * A command's module and what it is given, however it is isolated; for
 * command.c and inline.c, where nothing else of the shell is in its way.
 */
#ifndef BV_WASM_SHELL_GUEST_H
#define BV_WASM_SHELL_GUEST_H

#include "wasm/run.h"
#include "wasm/shell/shell.h"

/* Beside the linear memory: what a load may keep. */
#define BWS_LOAD_ARENA_BYTES (UINT64_C(256) << 20)

struct bws_guest {
	struct bw_wasi_config wasi;
	struct bw_wasi_preopen preopen[BW_GRANT_DIRS_MAX + 1];
	struct bw_load_limits load;
	struct bw_store_limits store;
	struct bw_run_config run;
	int cwd_fd;
};

/* How it runs, beside what it is granted. */
struct bws_guest_way {
	int fd[3]; /* its streams */
	const volatile sig_atomic_t *stop;
	bool turns; /* suspended rather than waiting, and after each turn */
};

/* A redirection: a regular file in one of the command's directories. It keeps
 * its bytes until bws_guest_load. */
int bws_guest_open(const struct bws_store *store, const struct bws_file *f,
		   int *ret, struct bv_err *err) BV_MUST_CHECK;

/* Undone by bws_guest_done. Pointers go from ret into ret: not to be moved. */
void bws_guest_prepare(const struct bws_store *store,
		       const struct bws_command *c,
		       const struct bws_guest_way *way, struct bws_guest *ret);
void bws_guest_done(struct bws_guest *g);

/* Read the module, compare its digest, load it; then empty its output's file. */
int bws_guest_load(struct bws_guest *g, const struct bws_command *c,
		   struct bw_task **ret, struct bv_err *err) BV_MUST_CHECK;

/* Into the command's report: that it was not run, or how it ended. */
void bws_guest_decline(const struct bws_command *c, const struct bv_err *err);
uint32_t bws_guest_tell(const struct bws_command *c, const struct bw_task *task,
			bool cpu_spent); /* the status */

#endif
