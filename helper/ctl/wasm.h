/* SPDX-License-Identifier: MIT */
/* Shared by the files of `bvisorctl wasm`; nobody else. */
#ifndef BVH_CTL_WASM_H
#define BVH_CTL_WASM_H

#include "wasm/shell/shell.h"

/* What a module asks for, seen by the engine that will run it. */
struct bvh_wasm_facts {
	uint64_t bytes;
	uint32_t imports;
	uint32_t pages; /* its memory begins with */
	char sha256_hex[65];
};

/* Decode, validate and instantiate within the entry's limits: nothing of it
 * runs. BV_E_CONF, BV_E_LIMIT, BV_E_INVAL, BV_E_UNSUPPORTED: no module that the
 * restricted shell would begin, and why. */
int bvh_wasm_examine(const struct bws_entry *entry, const void *bytes,
		     size_t len, struct bvh_wasm_facts *ret,
		     struct bv_err *err) BV_MUST_CHECK;

/* The module of an entry: its file, its digest, itself. */
int bvh_wasm_check_entry(const struct bws_store *store,
			 const struct bws_entry *entry,
			 struct bvh_wasm_facts *ret,
			 struct bv_err *err) BV_MUST_CHECK;

/* FILE into the store as NAME, and its digest into NAME's grants. */
int bvh_wasm_add(const char *name, const char *file, struct bvh_wasm_facts *ret,
		 bool *ret_new, struct bv_err *err) BV_MUST_CHECK;

#endif
