/* SPDX-License-Identifier: MIT */
/*
 * A guest whose every move is the test's: a module of one memory that exports,
 * for each function of WASI, a function which hands its parameters on. Built
 * from wasm/wasi.def; used by unit tests and the fuzz target.
 */
#ifndef TESTS_WASI_GUEST_H
#define TESTS_WASI_GUEST_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/wasi.h"
#include "wasm/wasi_abi.h"

struct guest {
	struct bw_module *module;
	struct bw_store *store;
	struct bw_instance *inst;
	struct bw_wasi *wasi;
};

static const struct {
	const char *name;
	const char *sig;
} guest_funcs[] = {
#define WASI(name, sig, fuel) { #name, sig },
#include "wasm/wasi.def"
#undef WASI
};
#define GUEST_FUNCS  BV_LEN(guest_funcs)
#define GUEST_PAGES  2u
#define GUEST_BYTES  (GUEST_PAGES * BW_PAGE_BYTES)
#define GUEST_MODULE "wasi_snapshot_preview1"

/* --- the module ----------------------------------------------------------- */

struct guest_bytes {
	uint8_t b[16384];
	size_t n;
};

static void guest_byte(struct guest_bytes *g, size_t v)
{
	if (g->n == sizeof(g->b))
		abort();
	g->b[g->n++] = (uint8_t)v;
}

static void guest_leb(struct guest_bytes *g, size_t v)
{
	for (; v >= 128; v >>= 7)
		guest_byte(g, (v & 127) | 128);
	guest_byte(g, v);
}

static void guest_put(struct guest_bytes *g, const void *from, size_t n)
{
	const uint8_t *p = from;
	size_t i;

	for (i = 0; i < n; i++)
		guest_byte(g, p[i]);
}

static void guest_name(struct guest_bytes *g, const char *s)
{
	guest_leb(g, strlen(s));
	guest_put(g, s, strlen(s));
}

static void guest_section(struct guest_bytes *g, uint8_t id,
			  const struct guest_bytes *body)
{
	guest_byte(g, id);
	guest_leb(g, body->n);
	guest_put(g, body->b, body->n);
}

static size_t guest_params(size_t i)
{
	return (size_t)(strchr(guest_funcs[i].sig, ':') - guest_funcs[i].sig);
}

static size_t guest_results(size_t i)
{
	return strlen(guest_funcs[i].sig) - guest_params(i) - 1;
}

static void guest_type(struct guest_bytes *g, size_t i)
{
	size_t k;

	guest_byte(g, 0x60);
	guest_leb(g, guest_params(i));
	for (k = 0; k < guest_params(i); k++)
		guest_byte(g, guest_funcs[i].sig[k] == 'I' ? BW_I64 : BW_I32);
	guest_leb(g, guest_results(i));
	for (k = 0; k < guest_results(i); k++)
		guest_byte(g, BW_I32);
}

/* No locals; each parameter; call i. */
static void guest_body(struct guest_bytes *g, size_t i)
{
	size_t k;

	guest_leb(g, 1 + 2 * guest_params(i) + 2 + 1);
	guest_byte(g, 0);
	for (k = 0; k < guest_params(i); k++) {
		guest_byte(g, 0x20);
		guest_byte(g, k);
	}
	guest_byte(g, 0x10);
	guest_byte(g, i);
	guest_byte(g, 0x0b);
}

static void guest_module(struct guest_bytes *g)
{
	static struct guest_bytes types, imports, funcs, memory, exports, code;
	size_t i;

	types.n = imports.n = funcs.n = memory.n = exports.n = code.n = g->n =
		0;
	guest_put(g, "\0asm\1\0\0\0", 8);
	guest_leb(&types, GUEST_FUNCS);
	guest_leb(&imports, GUEST_FUNCS);
	guest_leb(&funcs, GUEST_FUNCS);
	guest_leb(&exports, GUEST_FUNCS);
	guest_leb(&code, GUEST_FUNCS);
	for (i = 0; i < GUEST_FUNCS; i++) {
		guest_type(&types, i);
		guest_name(&imports, GUEST_MODULE);
		guest_name(&imports, guest_funcs[i].name);
		guest_byte(&imports, 0);
		guest_byte(&imports, i);
		guest_byte(&funcs, i);
		guest_name(&exports, guest_funcs[i].name);
		guest_byte(&exports, 0);
		guest_leb(&exports, GUEST_FUNCS + i);
		guest_body(&code, i);
	}
	guest_put(&memory, (const uint8_t[]){ 1, 0, GUEST_PAGES }, 3);
	guest_section(g, 1, &types);
	guest_section(g, 2, &imports);
	guest_section(g, 3, &funcs);
	guest_section(g, 5, &memory);
	guest_section(g, 7, &exports);
	guest_section(g, 10, &code);
}

/* --- its life ------------------------------------------------------------- */

/* NULL or what failed, in err. */
static int guest_open(struct guest *g, const struct bw_wasi_config *config,
		      struct bv_err *err)
{
	static const struct bw_store_limits limits = { .stack_slots = 1024,
						       .call_depth = 16 };
	static struct guest_bytes bytes;
	struct bw_imports imports;
	int rc;

	*g = (struct guest){ 0 };
	guest_module(&bytes);
	rc = bw_module_load(bytes.b, bytes.n, NULL, &g->module, err);
	if (rc == BV_OK)
		rc = bw_wasi_new(config, &g->wasi, err);
	if (rc == BV_OK)
		rc = bw_store_new(&limits, &g->store, err);
	if (rc != BV_OK)
		return rc;
	bw_interrupt_set(g->store, config->interrupt);
	bw_wasi_imports(g->wasi, &imports);
	return bw_instance_new(g->store, g->module, &imports, &g->inst, err);
}

static void guest_close(struct guest *g)
{
	bw_store_free(g->store);
	bw_module_free(g->module);
	bw_wasi_free(g->wasi);
}

static size_t guest_find(const char *name)
{
	size_t i;

	for (i = 0; i < GUEST_FUNCS; i++)
		if (strcmp(guest_funcs[i].name, name) == 0)
			return i;
	abort();
}

/* The function's own result, or minus the outcome when there is none. */
static int guest_outcome(int rc, enum bw_outcome outcome, uint64_t result)
{
	if (rc != BV_OK)
		abort();
	return outcome == BW_DONE ? (int)result : -(int)outcome;
}

static int guest_call_v(struct guest *g, size_t i, const uint64_t *args)
{
	uint64_t result[1] = { 0 };
	enum bw_outcome outcome = BW_DONE;
	int rc = bw_call(g->inst, guest_funcs[i].name, args,
			 (uint32_t)guest_params(i), result,
			 (uint32_t)guest_results(i), &outcome, NULL);

	return guest_outcome(rc, outcome, result[0]);
}

/* Arguments as uint64_t, as many as the function has. */
#define CALL(g, name, ...)                                                     \
	guest_call_v(g, guest_find(#name), (const uint64_t[]){ __VA_ARGS__ })

static inline uint8_t *guest_at(struct guest *g, uint32_t at)
{
	return (uint8_t *)bw_memory_at(g->inst, 0, GUEST_BYTES) + at;
}

static inline uint32_t guest_u32(struct guest *g, uint32_t at)
{
	uint32_t v;

	memcpy(&v, guest_at(g, at), sizeof(v));
	return v;
}

static inline uint64_t guest_u64(struct guest *g, uint32_t at)
{
	uint64_t v;

	memcpy(&v, guest_at(g, at), sizeof(v));
	return v;
}

#endif
