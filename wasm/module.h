/* SPDX-License-Identifier: MIT */
/* Between the parts of loading: section readers, by section id. */
#ifndef BV_WASM_MODULE_H
#define BV_WASM_MODULE_H

#include "wasm/internal.h"
#include "wasm/reader.h"

typedef int (*bw_section_fn)(struct bw_module *m, struct bw_reader *r);

extern const bw_section_fn bw_sections[13];

int bw_read_valtype(struct bw_reader *r, uint8_t *ret);

#endif
