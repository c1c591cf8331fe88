/* SPDX-License-Identifier: MIT */
/* Between instances and the store that runs them. */
#ifndef BV_WASM_INSTANCE_H
#define BV_WASM_INSTANCE_H

#include "wasm/internal.h"
#include "wasm/reader.h"

/* Call a function without parameters or results by index. */
int bw_start(struct bw_instance *inst, uint32_t func,
	     enum bw_outcome *ret_outcome, struct bv_err *err);

/* A name of a module for people: what is not printable ASCII becomes '?', what
 * is long is cut. Returns buf. */
#define BW_NAME_TEXT 80u
const char *bw_name_text(const struct bw_name *name, char *buf);

#endif
