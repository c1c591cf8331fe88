/* SPDX-License-Identifier: MIT */
/*
 * A WebAssembly engine: MVP + mutable-globals, sign-extension, saturating
 * conversions, multi-value, bulk-memory, reference-types; at most one memory.
 * A module is untrusted: it is decoded, validated and lowered in one pass
 * under a budget, and runs with explicit bounds checks, without signal
 * handlers, generated machine code or C recursion on guest depth. Everything
 * observable is deterministic: the same module, input and fuel stop at the
 * same instruction.
 *
 * A store owns every instance made in it, one value stack, one fuel account
 * and at most one execution at a time. Not thread-safe.
 */
#ifndef BV_WASM_ENGINE_H
#define BV_WASM_ENGINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define BW_PAGE_BYTES     65536u
#define BW_HOST_RESULTS   16u
#define BW_FUEL_UNLIMITED UINT64_MAX

/* Value types by their binary encoding. A value is one uint64_t: i32 and f32
 * are zero-extended bits, a null reference is 0. */
enum bw_valtype {
	BW_I32 = 0x7f,
	BW_I64 = 0x7e,
	BW_F32 = 0x7d,
	BW_F64 = 0x7c,
	BW_FUNCREF = 0x70,
	BW_EXTERNREF = 0x6f,
};

enum bw_kind {
	BW_KIND_FUNC,
	BW_KIND_TABLE,
	BW_KIND_MEMORY,
	BW_KIND_GLOBAL,
};

struct bw_module;
struct bw_store;
struct bw_instance;

/* --- modules -------------------------------------------------------------- */

/* What loading may cost; a zero field means the default in brackets. */
struct bw_load_limits {
	size_t module_bytes; /* largest module accepted [64 MiB] */
	size_t arena_bytes; /* everything a load allocates and keeps [512 MiB] */
};

/* Decode, validate and lower bytes, which are not kept. BV_E_CONF: malformed
 * or invalid (err says where); BV_E_LIMIT, BV_E_NOMEM: over a budget;
 * BV_E_UNSUPPORTED: a proposal outside the list above. limits may be NULL. */
BV_MUST_CHECK int bw_module_load(const void *bytes, size_t len,
				 const struct bw_load_limits *limits,
				 struct bw_module **ret_module,
				 struct bv_err *err);
void bw_module_free(struct bw_module *module); /* accepts NULL */

struct bw_name {
	const char *s; /* NUL-terminated copy; may hold NUL bytes itself */
	uint32_t len;
};

struct bw_sig {
	uint32_t nparams;
	uint32_t nresults;
	const uint8_t *types; /* params, then results */
};

struct bw_import_info {
	struct bw_name module;
	struct bw_name name;
	enum bw_kind kind;
	struct bw_sig sig; /* functions only */
};

struct bw_export_info {
	struct bw_name name;
	enum bw_kind kind;
	struct bw_sig sig; /* functions only */
};

uint32_t bw_module_import_count(const struct bw_module *module);
void bw_module_import(const struct bw_module *module, uint32_t index,
		      struct bw_import_info *ret_info);
uint32_t bw_module_export_count(const struct bw_module *module);
void bw_module_export(const struct bw_module *module, uint32_t index,
		      struct bw_export_info *ret_info);
bool bw_module_has_memory(const struct bw_module *module,
			  uint32_t *ret_min_pages);
/* From the name section, or NULL. */
const char *bw_module_func_name(const struct bw_module *module, uint32_t func);
size_t bw_module_used_bytes(const struct bw_module *module);

/* --- stores --------------------------------------------------------------- */

/* What running may cost; a zero field means the default in brackets. */
struct bw_store_limits {
	uint32_t memory_pages;  /* of each memory [4096 = 256 MiB] */
	uint32_t table_entries; /* 8 bytes each, all tables [1 Mi] */
	uint32_t stack_slots;   /* 8 bytes each, all frames [1 Mi] */
	uint32_t call_depth;    /* nested calls [65536] */
};

/* limits may be NULL. Fuel starts unlimited. */
BV_MUST_CHECK int bw_store_new(const struct bw_store_limits *limits,
			       struct bw_store **ret_store, struct bv_err *err);
/* Frees every instance made in it; modules must outlive their store. */
void bw_store_free(struct bw_store *store); /* accepts NULL */

/* Fuel: one per WebAssembly instruction (end and else are none), charged for
 * a whole block when it is entered; a block reaches from the start of a
 * function or loop, or from a place where jumps arrive, to the next such place.
 * Leaving it early, by a branch or a trap, gives nothing back. A call costs one
 * more per 16 locals, a branch or return one more per 16 values that it moves,
 * bulk operations one more per 64 bytes or 8 entries, memory.grow 64 per page
 * granted, host calls their own price. Setting it restarts the count. */
void bw_fuel_set(struct bw_store *store, uint64_t fuel);
uint64_t bw_fuel_left(const struct bw_store *store);
uint64_t bw_fuel_used(const struct bw_store *store);
/* Charge from inside a host function. False: exhausted, return BW_HOST_FUEL. */
bool bw_fuel_charge(struct bw_store *store, uint64_t amount);

/* A flag that a signal handler may set: checked at least every 2^20 fuel, and
 * every 16 MiB of one bulk operation; the execution then ends with
 * BW_TRAP_INTERRUPTED. NULL: none. */
void bw_interrupt_set(struct bw_store *store,
		      const volatile sig_atomic_t *flag);

/* Let an execution be suspended each time it has used up 2^20 fuel, at the next
 * block or behind the next host call: so that others have their turn. What it
 * does and costs is the same. */
void bw_turns_set(struct bw_store *store, bool on);

/* --- instances ------------------------------------------------------------ */

enum bw_host_status {
	BW_HOST_OK = 0,
	BW_HOST_EXIT,    /* end the execution: outcome BW_EXITED */
	BW_HOST_SUSPEND, /* return to bw_call's caller; bw_resume calls again */
	BW_HOST_FUEL,    /* trap: fuel exhausted */
	BW_HOST_INTERRUPTED, /* trap: interrupted */
	BW_HOST_TRAP,        /* trap: host function failed */
};

/* args as many as the signature says; results zeroed, BW_HOST_RESULTS long.
 * The memory of inst may be reached through bw_memory_at. */
typedef int (*bw_host_fn)(void *ctx, struct bw_instance *inst,
			  const uint64_t *args, uint64_t *results);

struct bw_host_func {
	const char *module;
	const char *name;
	const char *sig; /* "ii:I": i I f F = i32 i64 f32 f64, p x = refs */
	bw_host_fn fn;
	uint32_t fuel; /* price of one call */
};

/* An instance whose exports satisfy imports from the module called name. */
struct bw_linked {
	const char *name;
	struct bw_instance *inst;
};

struct bw_imports {
	const struct bw_host_func *hosts; /* borrowed by the store */
	size_t nhosts;
	void *ctx; /* handed to every host function */
	const struct bw_linked *linked;
	size_t nlinked;
	bool defer_start; /* to bw_instance_start */
};

/* Resolve imports, allocate, initialise, run the start function. BV_E_CONF: an
 * import that nothing satisfies, named; BV_E_LIMIT: more memory or table than
 * allowed; BV_E_INVAL: initialisation trapped (bw_trap_info). */
BV_MUST_CHECK int bw_instance_new(struct bw_store *store,
				  const struct bw_module *module,
				  const struct bw_imports *imports,
				  struct bw_instance **ret_inst,
				  struct bv_err *err);
struct bw_store *bw_instance_store(struct bw_instance *inst);
const struct bw_module *bw_instance_module(const struct bw_instance *inst);

enum bw_outcome {
	BW_DONE,
	BW_EXITED,
	BW_TRAPPED,
	BW_SUSPENDED,
};

/* The deferred start function as a call of its own; none: BW_DONE. */
BV_MUST_CHECK int bw_instance_start(struct bw_instance *inst,
				    enum bw_outcome *ret_outcome,
				    struct bv_err *err);
/* Call the export name. A funcref argument is 0 or what a call of the same
 * store gave: the engine follows it. nargs and nresults must be the signature's. A trap is
 * an outcome, not an error; results are written for BW_DONE only. */
BV_MUST_CHECK int bw_call(struct bw_instance *inst, const char *name,
			  const uint64_t *args, uint32_t nargs,
			  uint64_t *results, uint32_t nresults,
			  enum bw_outcome *ret_outcome, struct bv_err *err);
/* As bw_call, the name counted (export names may hold NUL). */
BV_MUST_CHECK int bw_call_n(struct bw_instance *inst, const char *name,
			    size_t name_len, const uint64_t *args,
			    uint32_t nargs, uint64_t *results,
			    uint32_t nresults, enum bw_outcome *ret_outcome,
			    struct bv_err *err);
/* Of an execution that is suspended: only its turn is over; it can go on. */
bool bw_turn_over(const struct bw_store *store);
/* After BW_SUSPENDED: the host function that suspended is called again. */
BV_MUST_CHECK int bw_resume(struct bw_store *store, uint64_t *results,
			    uint32_t nresults, enum bw_outcome *ret_outcome,
			    struct bv_err *err);
/* Give a suspended execution up; the store can then be called again. */
void bw_abandon(struct bw_store *store);

BV_MUST_CHECK int bw_global_get(struct bw_instance *inst, const char *name,
				uint64_t *ret_value, struct bv_err *err);

/* Bounds-checked: NULL unless [addr, addr + len) lies in the memory. Valid
 * until guest code runs again. */
void *bw_memory_at(struct bw_instance *inst, uint64_t addr, uint64_t len);
uint64_t bw_memory_bytes(const struct bw_instance *inst); /* 0: no memory */

/* --- traps ---------------------------------------------------------------- */

enum bw_trap {
	BW_TRAP_NONE,
	BW_TRAP_UNREACHABLE,
	BW_TRAP_DIVIDE_BY_ZERO,
	BW_TRAP_INTEGER_OVERFLOW,
	BW_TRAP_CONVERSION,
	BW_TRAP_MEMORY,
	BW_TRAP_TABLE,
	BW_TRAP_UNDEFINED_ELEMENT,
	BW_TRAP_NULL_ELEMENT,
	BW_TRAP_SIGNATURE,
	BW_TRAP_STACK,
	BW_TRAP_FUEL,
	BW_TRAP_INTERRUPTED,
	BW_TRAP_HOST,
	BW_TRAP_BUG, /* an invariant of the engine does not hold */
	BW_TRAP_N
};

struct bw_trap_info {
	enum bw_trap trap;
	const struct bw_module *module; /* NULL: outside any function */
	uint32_t func;                  /* index in that module */
	uint32_t offset;                /* byte offset in the module */
	uint64_t fuel_used;
};

/* Of the last execution. */
void bw_trap_info(const struct bw_store *store, struct bw_trap_info *ret_info);
const char *bw_trap_text(enum bw_trap trap); /* never NULL */
/* "out of bounds memory access (func 41 "run", +0x5104) after 1200 fuel"; names
 * are cut and without control bytes. */
void bw_trap_format(const struct bw_trap_info *info, char *buf, size_t size);

#endif
