/* SPDX-License-Identifier: MIT */
/* A module of arbitrary bytes: decoded, validated, lowered and, when it is
 * one, run with little fuel. Twice: outcome and fuel must be the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/engine.h"

#define MAX_INPUT  (64u << 10)
#define MAX_VALUES 16

static int echo(void *ctx, struct bw_instance *inst, const uint64_t *args,
		uint64_t *results)
{
	(void)ctx, (void)inst;
	results[0] = args[0];
	return BW_HOST_OK;
}

static const struct bw_host_func hosts[] = { { "h", "f", "i:i", echo, 10 } };

static void call(struct bw_instance *inst, const struct bw_export_info *e,
		 uint64_t *sum)
{
	uint64_t args[MAX_VALUES] = { 3, 1, 65536, 7 };
	uint64_t results[MAX_VALUES] = { 0 };
	enum bw_outcome outcome;

	if (e->sig.nparams > MAX_VALUES || e->sig.nresults > MAX_VALUES)
		return;
	/* Numbers are no references: only null may be handed in. */
	for (uint32_t i = 0; i < e->sig.nparams; i++)
		if (e->sig.types[i] == BW_FUNCREF ||
		    e->sig.types[i] == BW_EXTERNREF)
			args[i] = 0;
	if (bw_call_n(inst, e->name.s, e->name.len, args, e->sig.nparams,
		      results, e->sig.nresults, &outcome, NULL) != BV_OK)
		abort();
	*sum = *sum * 31 + (uint64_t)outcome;
}

static uint64_t run(const struct bw_module *m)
{
	static const struct bw_store_limits limits = { 32, 4096, 8192, 256 };
	struct bw_imports imports = { hosts, 1, NULL, NULL, 0 };
	struct bw_instance *inst;
	struct bw_export_info e;
	struct bw_store *st;
	uint64_t sum = 0;
	uint32_t i;

	if (bw_store_new(&limits, &st, NULL) != BV_OK)
		abort();
	bw_fuel_set(st, 100000);
	if (bw_instance_new(st, m, &imports, &inst, NULL) == BV_OK)
		for (i = 0; i < bw_module_export_count(m) && i < 32; i++) {
			bw_module_export(m, i, &e);
			if (e.kind == BW_KIND_FUNC)
				call(inst, &e, &sum);
		}
	sum = sum * 31 + bw_fuel_used(st);
	bw_store_free(st);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bw_load_limits limits = { MAX_INPUT, 32u << 20 };
	struct bw_module *m;

	if (bw_module_load(data, size, &limits, &m, NULL) != BV_OK)
		return 0;
	if (run(m) != run(m))
		abort();
	bw_module_free(m);
	return 0;
}
