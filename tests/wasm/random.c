/* SPDX-License-Identifier: MIT */
/*
 * Our half of the differential test: random FILE.wasm... calls every exported
 * function of each with fixed arguments and prints what random.mjs repeats in
 * node: "file PATH", then per call its logged values and "call NAME PARAMS =
 * RESULTS" or "... trap". NaN is "nan": JavaScript keeps no more of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/engine.h"

#define MAX_VALUES 64

static bool is_nan(uint8_t type, uint64_t v)
{
	if (type == BW_F32)
		return (v & 0x7fffffff) > 0x7f800000;
	return type == BW_F64 && (v & INT64_MAX) > 0x7ff0000000000000;
}

static void show(uint8_t type, uint64_t v)
{
	if (is_nan(type, v))
		printf(" nan");
	else if (type == BW_FUNCREF || type == BW_EXTERNREF)
		printf(v == 0 ? " null" : " ref");
	else
		printf(" %llx", (unsigned long long)v);
}

static int log_value(void *ctx, struct bw_instance *inst, const uint64_t *args,
		     uint64_t *results)
{
	(void)inst, (void)results;
	printf("log");
	show(*(const uint8_t *)ctx, args[0]);
	printf("\n");
	return BW_HOST_OK;
}

/* The context is one for all: each wrapper names its type. */
#define LOG(name, type)                                                        \
	static int name(void *ctx, struct bw_instance *inst,                   \
			const uint64_t *args, uint64_t *results)               \
	{                                                                      \
		uint8_t t = type;                                              \
		(void)ctx;                                                     \
		return log_value(&t, inst, args, results);                     \
	}
LOG(log_i32, BW_I32)
LOG(log_i64, BW_I64)
LOG(log_f32, BW_F32)
LOG(log_f64, BW_F64)

#define M "fuzzing-support"
static const struct bw_host_func hosts[] = {
	{ M, "log-i32", "i:", log_i32, 1 },
	{ M, "log-i64", "I:", log_i64, 1 },
	{ M, "log-f32", "f:", log_f32, 1 },
	{ M, "log-f64", "F:", log_f64, 1 },
};

static uint64_t argument(uint8_t type)
{
	switch (type) {
	case BW_I32:
		return 12345;
	case BW_I64:
		return (uint64_t)-7;
	case BW_F32:
		return 0x3fc00000; /* 1.5 */
	case BW_F64:
		return 0xc002000000000000; /* -2.25 */
	default:
		return 0;
	}
}

static void call(struct bw_instance *inst, const struct bw_export_info *e)
{
	uint64_t args[MAX_VALUES], results[MAX_VALUES];
	enum bw_outcome outcome;
	uint32_t i;

	if (e->sig.nparams > MAX_VALUES || e->sig.nresults > MAX_VALUES)
		return;
	for (i = 0; i < e->sig.nparams; i++)
		args[i] = argument(e->sig.types[i]);
	if (bw_call(inst, e->name.s, args, e->sig.nparams, results,
		    e->sig.nresults, &outcome, NULL) != BV_OK)
		return;
	printf("call %s :", e->name.s);
	for (i = 0; i < e->sig.nparams + e->sig.nresults; i++)
		printf("%s%02x", i == e->sig.nparams ? ":" : "",
		       e->sig.types[i]);
	printf("%s =", e->sig.nresults == 0 ? ":" : "");
	if (outcome != BW_DONE)
		printf(" trap");
	for (i = 0; i < e->sig.nresults && outcome == BW_DONE; i++)
		show(e->sig.types[e->sig.nparams + i], results[i]);
	printf("\n");
}

static void run(const uint8_t *bytes, size_t len)
{
	struct bw_imports imports = {
		hosts, BV_LEN(hosts), NULL, NULL, 0, false
	};
	struct bw_module *m = NULL;
	struct bw_store *st = NULL;
	struct bw_instance *inst;
	struct bw_export_info e;
	struct bv_err err = { 0 };
	uint32_t i;

	if (bw_module_load(bytes, len, NULL, &m, &err) != BV_OK) {
		printf("refused %s\n", err.msg);
		return;
	}
	if (bw_store_new(NULL, &st, &err) != BV_OK ||
	    bw_instance_new(st, m, &imports, &inst, &err) != BV_OK) {
		printf("start %s\n", err.msg);
	} else {
		for (i = 0; i < bw_module_export_count(m); i++) {
			bw_module_export(m, i, &e);
			if (e.kind == BW_KIND_FUNC)
				call(inst, &e);
		}
	}
	bw_store_free(st);
	bw_module_free(m);
}

/* -l: only whether it is a module. */
static void load(const uint8_t *bytes, size_t len)
{
	struct bw_module *m = NULL;

	printf("%s\n", bw_module_load(bytes, len, NULL, &m, NULL) == BV_OK
			       ? "accepted"
			       : "refused");
	bw_module_free(m);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[1 << 20];
	bool load_only = argc > 1 && strcmp(argv[1], "-l") == 0;
	int i;

	for (i = load_only ? 2 : 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "rb");
		size_t len;

		if (in == NULL)
			continue;
		len = fread(bytes, 1, sizeof(bytes), in);
		fclose(in);
		printf("file %s\n", argv[i]);
		if (load_only)
			load(bytes, len);
		else
			run(bytes, len);
	}
	return 0;
}
