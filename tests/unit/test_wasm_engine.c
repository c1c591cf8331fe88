/* SPDX-License-Identifier: MIT */
/* Fuel, suspension, interruption, imports, limits and traps of the engine.
 * The modules are written out as bytes; what instructions compute is tested by
 * make check-wasm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/engine.h"

#define HEADER 0, 'a', 's', 'm', 1, 0, 0, 0

/* (func (export "f") (param i32) (result i32) (loop
 *   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
 *   (local.get 0))
 * (func (export "r") (result i32) (call 1)) (func (export "d") unreachable)
 * with the name section calling function 2 "die". */
static const uint8_t loops[] = {
	HEADER, 1,    13,  3,    0x60, 1,    0x7f, 1,    0x7f, 0x60, 0,    1,
	0x7f,   0x60, 0,   0,    3,    4,    3,    0,    1,    2,    7,    13,
	3,      1,    'f', 0,    0,    1,    'r',  0,    1,    1,    'd',  0,
	2,      10,   27,  3,    16,   0,    0x03, 0x40, 0x20, 0,    0x41, 1,
	0x6b,   0x22, 0,   0x0d, 0,    0x0b, 0x20, 0,    0x0b, 4,    0,    0x10,
	1,      0x0b, 3,   0,    0x00, 0x0b, 0,    13,   4,    'n',  'a',  'm',
	'e',    1,    6,   1,    2,    3,    'd',  'i',  'e',
};

/* (import "h" "ask" (func (param i32) (result i32)))
 * (memory 1 2) (func (export "f") (param i32) (result i32)
 *   (i32.add (call 0 (local.get 0)) (i32.const 1)))
 * (func (export "g") (param i32) (result i32) (memory.grow (local.get 0))) */
static const uint8_t asks[] = {
	HEADER, 1, 6,    1,    0x60, 1,    0x7f, 1,    0x7f, 2,    9,
	1,      1, 'h',  3,    'a',  's',  'k',  0,    0,    3,    3,
	2,      0, 0,    5,    4,    1,    1,    1,    2,    7,    9,
	2,      1, 'f',  0,    1,    1,    'g',  0,    2,    10,   18,
	2,      9, 0,    0x20, 0,    0x10, 0,    0x41, 1,    0x6a, 0x0b,
	6,      0, 0x20, 0,    0x40, 0,    0x0b,
};

/* (table 60 funcref) (table 30 funcref)
 * (func (export "f") (param i32) (result i32)
 *   (table.grow 0 (ref.null func) (local.get 0)))
 * (func (export "g"), the same with table 1) */
static const uint8_t tables[] = {
	HEADER, 1,    6,    1,    0x60, 1,    0x7f, 1,    0x7f, 3, 3,    2,
	0,      0,    4,    7,    2,    0x70, 0,    60,   0x70, 0, 30,   7,
	9,      2,    1,    'f',  0,    0,    1,    'g',  0,    1, 10,   21,
	2,      9,    0,    0xd0, 0x70, 0x20, 0,    0xfc, 0x0f, 0, 0x0b, 9,
	0,      0xd0, 0x70, 0x20, 0,    0xfc, 0x0f, 1,    0x0b,
};

struct host {
	int status;
	unsigned calls;
};

static int ask(void *ctx, struct bw_instance *inst, const uint64_t *args,
	       uint64_t *results)
{
	struct host *host = ctx;

	(void)inst;
	host->calls++;
	results[0] = args[0] * 2;
	return host->status;
}

static const struct bw_host_func hosts[] = { { "h", "ask", "i:i", ask, 50 } };

struct world {
	struct bw_module *module;
	struct bw_store *store;
	struct bw_instance *inst;
	struct host host;
};

static int open_world(struct world *w, const uint8_t *bytes, size_t len,
		      const struct bw_host_func *list, struct bv_err *err)
{
	struct bw_imports imports = { list,     list == NULL ? 0 : 1,
				      &w->host, NULL,
				      0,        false };
	uint8_t *exact = malloc(len);

	*w = (struct world){ 0 };
	memcpy(exact, bytes, len);
	assert_int_equal(bw_module_load(exact, len, NULL, &w->module, err),
			 BV_OK);
	free(exact);
	assert_int_equal(bw_store_new(NULL, &w->store, err), BV_OK);
	return bw_instance_new(w->store, w->module, &imports, &w->inst, err);
}

static void close_world(struct world *w)
{
	bw_store_free(w->store);
	bw_module_free(w->module);
}

static enum bw_outcome call1(struct world *w, const char *name, uint64_t arg,
			     uint64_t *ret)
{
	enum bw_outcome outcome = BW_TRAPPED;

	assert_int_equal(
		bw_call(w->inst, name, &arg, 1, ret, 1, &outcome, NULL), BV_OK);
	return outcome;
}

static void test_wasm_fuel__exact__and_deterministic(void **state)
{
	struct world w;
	struct bw_trap_info info[2];
	uint64_t out = 7, need;
	int i;

	(void)state;
	assert_int_equal(open_world(&w, loops, sizeof(loops), NULL, NULL),
			 BV_OK);
	bw_fuel_set(w.store, 1000000);
	assert_int_equal(call1(&w, "f", 100, &out), BW_DONE);
	assert_int_equal(out, 0);
	need = bw_fuel_used(w.store);
	/* the loop, five instructions per turn, one local.get after it */
	assert_int_equal(need, 1 + 100 * 5 + 1);
	bw_fuel_set(w.store, need);
	assert_int_equal(call1(&w, "f", 100, &out), BW_DONE);
	assert_int_equal(bw_fuel_left(w.store), 0);
	for (i = 0; i < 2; i++) {
		bw_fuel_set(w.store, need - 1);
		assert_int_equal(call1(&w, "f", 100, &out), BW_TRAPPED);
		bw_trap_info(w.store, &info[i]);
		assert_int_equal(info[i].trap, BW_TRAP_FUEL);
		assert_int_equal(info[i].fuel_used, need - 1);
	}
	assert_int_equal(info[0].offset, info[1].offset);
	assert_int_not_equal(info[0].offset, 0);
	close_world(&w);
}

static void test_wasm_trap__names_function_offset_fuel(void **state)
{
	struct world w;
	struct bw_trap_info info;
	enum bw_outcome outcome;
	char text[128];

	(void)state;
	assert_int_equal(open_world(&w, loops, sizeof(loops), NULL, NULL),
			 BV_OK);
	assert_int_equal(bw_call(w.inst, "d", NULL, 0, NULL, 0, &outcome, NULL),
			 BV_OK);
	assert_int_equal(outcome, BW_TRAPPED);
	bw_trap_info(w.store, &info);
	assert_int_equal(info.trap, BW_TRAP_UNREACHABLE);
	assert_int_equal(info.func, 2);
	assert_int_equal(loops[info.offset], 0x00);
	assert_int_equal(loops[info.offset + 1], 0x0b);
	bw_trap_format(&info, text, sizeof(text));
	assert_non_null(strstr(text, "unreachable (func 2 \"die\", +0x"));
	assert_non_null(strstr(text, "after 1 fuel"));
	close_world(&w);
}

static void test_wasm_recursion__endless__call_stack_exhausted(void **state)
{
	struct world w;
	struct bw_trap_info info;
	enum bw_outcome outcome;
	uint64_t out;

	(void)state;
	assert_int_equal(open_world(&w, loops, sizeof(loops), NULL, NULL),
			 BV_OK);
	assert_int_equal(bw_call(w.inst, "r", NULL, 0, &out, 1, &outcome, NULL),
			 BV_OK);
	assert_int_equal(outcome, BW_TRAPPED);
	bw_trap_info(w.store, &info);
	assert_int_equal(info.trap, BW_TRAP_STACK);
	assert_int_equal(info.func, 1);
	close_world(&w);
}

static void test_wasm_interrupt__flag_set__stops(void **state)
{
	volatile sig_atomic_t flag = 1;
	struct world w;
	struct bw_trap_info info;
	uint64_t out;

	(void)state;
	assert_int_equal(open_world(&w, loops, sizeof(loops), NULL, NULL),
			 BV_OK);
	bw_interrupt_set(w.store, &flag);
	assert_int_equal(call1(&w, "f", 0, &out), BW_TRAPPED); /* 2^32 turns */
	bw_trap_info(w.store, &info);
	assert_int_equal(info.trap, BW_TRAP_INTERRUPTED);
	assert_true(info.fuel_used <= (2u << 20));
	flag = 0;
	assert_int_equal(call1(&w, "f", 3, &out), BW_DONE);
	close_world(&w);
}

static void test_wasm_suspend__resume__host_called_again(void **state)
{
	struct world w;
	enum bw_outcome outcome;
	uint64_t out = 0, direct;

	(void)state;
	assert_int_equal(open_world(&w, asks, sizeof(asks), hosts, NULL),
			 BV_OK);
	bw_fuel_set(w.store, 10000);
	assert_int_equal(call1(&w, "f", 5, &out), BW_DONE);
	assert_int_equal(out, 11);
	direct = bw_fuel_used(w.store);
	assert_int_equal(direct, 4 + 50);

	bw_fuel_set(w.store, 10000);
	w.host = (struct host){ BW_HOST_SUSPEND, 0 };
	assert_int_equal(call1(&w, "f", 6, &out), BW_SUSPENDED);
	assert_int_equal(bw_call(w.inst, "f", &out, 1, &out, 1, &outcome, NULL),
			 BV_E_INVAL);
	assert_int_equal(bw_resume(w.store, &out, 1, &outcome, NULL), BV_OK);
	assert_int_equal(outcome, BW_SUSPENDED);
	w.host.status = BW_HOST_OK;
	assert_int_equal(bw_resume(w.store, &out, 1, &outcome, NULL), BV_OK);
	assert_int_equal(outcome, BW_DONE);
	assert_int_equal(out, 13);
	assert_int_equal(w.host.calls, 3);
	/* A suspended call has not been paid: the account is as if direct. */
	assert_int_equal(bw_fuel_used(w.store), direct);
	assert_int_equal(bw_resume(w.store, &out, 1, &outcome, NULL),
			 BV_E_INVAL);
	close_world(&w);
}

static void test_wasm_host__every_status__its_outcome(void **state)
{
	static const struct {
		int status;
		enum bw_outcome outcome;
		enum bw_trap trap;
	} cases[] = {
		{ BW_HOST_OK, BW_DONE, BW_TRAP_NONE },
		{ BW_HOST_EXIT, BW_EXITED, BW_TRAP_NONE },
		{ BW_HOST_TRAP, BW_TRAPPED, BW_TRAP_HOST },
		{ BW_HOST_FUEL, BW_TRAPPED, BW_TRAP_FUEL },
	};
	struct world w;
	struct bw_trap_info info;
	uint64_t out;
	size_t i;

	(void)state;
	assert_int_equal(open_world(&w, asks, sizeof(asks), hosts, NULL),
			 BV_OK);
	for (i = 0; i < BV_LEN(cases); i++) {
		w.host.status = cases[i].status;
		assert_int_equal(call1(&w, "f", 1, &out), cases[i].outcome);
		bw_trap_info(w.store, &info);
		assert_int_equal(info.trap, cases[i].trap);
	}
	close_world(&w);
}

static void test_wasm_import__unknown_or_other_type__named(void **state)
{
	static const struct bw_host_func other[] = { { "h", "ask", "I:i", ask,
						       1 } };
	struct bv_err err = { 0 };
	struct world w;

	(void)state;
	assert_int_equal(open_world(&w, asks, sizeof(asks), NULL, &err),
			 BV_E_CONF);
	assert_string_equal(err.msg, "import 'h' 'ask': unknown");
	close_world(&w);
	assert_int_equal(open_world(&w, asks, sizeof(asks), other, &err),
			 BV_E_CONF);
	assert_string_equal(err.msg, "import 'h' 'ask': known with another "
				     "signature");
	close_world(&w);
}

static void test_wasm_memory__grow_and_reach__bounded(void **state)
{
	struct world w;
	uint64_t out;
	uint8_t *p;

	(void)state;
	assert_int_equal(open_world(&w, asks, sizeof(asks), hosts, NULL),
			 BV_OK);
	p = bw_memory_at(w.inst, 65535, 1);
	assert_non_null(p);
	*p = 42;
	assert_null(bw_memory_at(w.inst, 65535, 2));
	assert_null(bw_memory_at(w.inst, UINT64_MAX, 2));
	assert_null(bw_memory_at(w.inst, 2, UINT64_MAX));
	assert_int_equal(call1(&w, "g", 1, &out), BW_DONE);
	assert_int_equal(out, 1);
	p = bw_memory_at(w.inst, 65535, 65537);
	assert_non_null(p);
	assert_int_equal(*p, 42);
	assert_int_equal(call1(&w, "g", 1, &out), BW_DONE);
	assert_int_equal(out, UINT32_MAX); /* over its own maximum */
	close_world(&w);
}

/* 90 entries to begin with. */
static void open_tables(struct world *w, uint32_t most)
{
	const struct bw_store_limits limits = { .table_entries = most };

	*w = (struct world){ 0 };
	assert_int_equal(
		bw_module_load(tables, sizeof(tables), NULL, &w->module, NULL),
		BV_OK);
	assert_int_equal(bw_store_new(&limits, &w->store, NULL), BV_OK);
}

static int instance(struct world *w)
{
	return bw_instance_new(w->store, w->module, NULL, &w->inst, NULL);
}

static void test_wasm_tables__all_together__bounded(void **state)
{
	struct world w;
	uint64_t out;

	(void)state;
	open_tables(&w, 89);
	assert_int_equal(instance(&w), BV_E_LIMIT);
	close_world(&w);
	open_tables(&w, 100);
	assert_int_equal(instance(&w), BV_OK);
	assert_int_equal(call1(&w, "f", 11, &out), BW_DONE);
	assert_int_equal(out, UINT32_MAX);
	assert_int_equal(call1(&w, "f", UINT32_MAX, &out), BW_DONE);
	assert_int_equal(out, UINT32_MAX);
	assert_int_equal(call1(&w, "f", 4, &out), BW_DONE);
	assert_int_equal(out, 60);
	assert_int_equal(call1(&w, "g", 7, &out), BW_DONE);
	assert_int_equal(out, UINT32_MAX);
	assert_int_equal(call1(&w, "g", 6, &out), BW_DONE);
	assert_int_equal(out, 30);
	assert_int_equal(call1(&w, "g", 1, &out), BW_DONE);
	assert_int_equal(out, UINT32_MAX);
	assert_int_equal(call1(&w, "g", 0, &out), BW_DONE);
	assert_int_equal(out, 36);
	close_world(&w);
	/* Those of another instance count as well. */
	open_tables(&w, 190);
	assert_int_equal(instance(&w), BV_OK);
	assert_int_equal(call1(&w, "f", 11, &out), BW_DONE);
	assert_int_equal(instance(&w), BV_E_LIMIT);
	close_world(&w);
}

static void test_wasm_limits__module_and_memory__refused(void **state)
{
	static const struct bw_load_limits bytes = { sizeof(asks) - 1, 0 };
	static const struct bw_load_limits arena = { 0, 64 };
	struct bw_module *m = NULL;
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bw_module_load(asks, sizeof(asks), &bytes, &m, &err),
			 BV_E_LIMIT);
	assert_int_equal(bw_module_load(asks, sizeof(asks), &arena, &m, &err),
			 BV_E_NOMEM);
	assert_null(m);
}

/* 65537 blocks in blocks: refused, without recursion. */
static void test_wasm_load__nesting__limited(void **state)
{
	static const uint8_t head[] = {
		HEADER, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0,
	};
	enum {
		BLOCKS = 70000,
		BODY = 1 + BLOCKS * 3 + 1
	};
	/* section 10 of a count, a size of three bytes and the body */
	uint8_t *bytes = malloc(sizeof(head) + 8 + BODY), *p = bytes;
	struct bw_module *m = NULL;
	struct bv_err err = { 0 };
	int i;

	(void)state;
	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	*p++ = 10;
	for (i = 0; i < 2; i++) {
		uint32_t n = i == 0 ? BODY + 4 : BODY;

		*p++ = (uint8_t)(0x80 | (n & 127));
		*p++ = (uint8_t)(0x80 | (n >> 7 & 127));
		*p++ = (uint8_t)(n >> 14);
		if (i == 0)
			*p++ = 1;
	}
	*p++ = 0;
	for (i = 0; i < BLOCKS; i++) {
		*p++ = 0x02;
		*p++ = 0x40;
	}
	memset(p, 0x0b, BLOCKS + 1);
	p += BLOCKS + 1;
	assert_int_equal(
		bw_module_load(bytes, (size_t)(p - bytes), NULL, &m, &err),
		BV_E_LIMIT);
	assert_non_null(strstr(err.msg, "blocks nested deeper than 65536"));
	free(bytes);
}

/* Every prefix is refused and every changed byte is survived. */
static void test_wasm_load__cut_or_changed__survived(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x40, 0x7f, 0x80, 0xff };
	struct bw_module *m;
	uint8_t *copy;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(asks); i++) {
		copy = malloc(i == 0 ? 1 : i);
		memcpy(copy, asks, i);
		m = NULL;
		if (bw_module_load(copy, i, NULL, &m, NULL) == BV_OK)
			bw_module_free(m); /* a cut between sections */
		else
			assert_null(m);
		free(copy);
	}
	copy = malloc(sizeof(asks));
	for (i = 0; i < sizeof(asks); i++)
		for (k = 0; k < sizeof(values); k++) {
			memcpy(copy, asks, sizeof(asks));
			copy[i] = values[k];
			m = NULL;
			if (bw_module_load(copy, sizeof(asks), NULL, &m,
					   NULL) == BV_OK)
				bw_module_free(m);
		}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wasm_fuel__exact__and_deterministic),
		cmocka_unit_test(test_wasm_trap__names_function_offset_fuel),
		cmocka_unit_test(
			test_wasm_recursion__endless__call_stack_exhausted),
		cmocka_unit_test(test_wasm_interrupt__flag_set__stops),
		cmocka_unit_test(test_wasm_suspend__resume__host_called_again),
		cmocka_unit_test(test_wasm_host__every_status__its_outcome),
		cmocka_unit_test(
			test_wasm_import__unknown_or_other_type__named),
		cmocka_unit_test(test_wasm_memory__grow_and_reach__bounded),
		cmocka_unit_test(test_wasm_tables__all_together__bounded),
		cmocka_unit_test(test_wasm_limits__module_and_memory__refused),
		cmocka_unit_test(test_wasm_load__nesting__limited),
		cmocka_unit_test(test_wasm_load__cut_or_changed__survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
