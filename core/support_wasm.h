/* SPDX-License-Identifier: MIT */
/*
 * The wasm backend: a Linux session in which the one program that can be
 * executed is bvisor-wasm. What the session's own boundary does is what Linux
 * does; beside it stands what the shell adds and what modules cannot have.
 */
#ifndef BV_CORE_SUPPORT_WASM_H
#define BV_CORE_SUPPORT_WASM_H

#include "core/support.h"

#ifndef BV_WASM_PATH /* the Makefile says where it is installed */
#define BV_WASM_PATH "/usr/bin/bvisor-wasm"
#endif

/* The matrix row of a key; never NULL for a valid one. */
const struct bv_verdict *bv_support_wasm(enum bv_req req);

/* ret->req holds what Linux gives on this machine, and is made what a wasm
 * session gets of it; of another backend's snapshot it stays. */
void bv_profile_wasm(const struct bv_snapshot *snap, struct bv_profile *ret);

#endif
