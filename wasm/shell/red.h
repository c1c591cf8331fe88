/* SPDX-License-Identifier: MIT */
/*
 * Planted faults of the restricted shell, in red builds only (helper/red.h).
 * What /run/bvisor.red names is read once, at the start: a confined process
 * cannot read it any more.
 */
#ifndef BV_WASM_SHELL_RED_H
#define BV_WASM_SHELL_RED_H

#include <stdbool.h>

#ifdef BV_RED

enum bws_red_word {
	BWS_RED_LANDLOCK, /* wasm-landlock: a command's own layer is out */
	BWS_RED_SECCOMP,  /* wasm-seccomp: a command's own filter is out */
	BWS_RED_PLANT,    /* wasm-plant: a host call has a hole */
	BWS_RED_CHANNEL,  /* wasm-channel: a command keeps the guardian's ear */
	BWS_RED_N
};

void bws_red_read(void);
bool bws_red(enum bws_red_word word);

/* The hole: where the module would run, the attack that argv names does
 * (exec, open FILE, socket, fork, code) and says HARM when it is done. Returns when argv names none. */
void bws_red_planted(const char *const *argv);

#else
#define bws_red_read()        ((void)0)
#define bws_red(word)         false
#define bws_red_planted(argv) ((void)(argv))
#endif

#endif
