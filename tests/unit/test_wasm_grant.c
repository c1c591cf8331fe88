/* SPDX-License-Identifier: MIT */
/* wasm.d/NAME.conf and wasm.conf as read, and what a session may use of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/grant.h"
#include "wasm/totals.h"

#define DIGEST                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MAGIC "bvisor-wasm 1\n"
#define HEAD  MAGIC "[module]\ndigest = " DIGEST "\n" /* 3 lines */

static int parse(const char *text, struct bw_grant *g, struct bv_err *err,
		 struct bv_arena *arena)
{
	bv_arena_init(arena, 1u << 20);
	return bw_grant_parse(arena, "n.conf", text, strlen(text), g, err);
}

static void test_grant__least__is_tight(void **state)
{
	struct bv_err err = { 0 };
	struct bv_arena arena;
	struct bw_grant g;

	(void)state;
	assert_int_equal(parse(HEAD, &g, &err, &arena), BV_OK);
	assert_string_equal(g.sha256_hex, DIGEST);
	assert_int_equal(g.dirs, 0);
	assert_int_equal(g.env_n, 0);
	assert_false(g.in);
	assert_false(g.link);
	assert_false(g.symlink);
	assert_true(g.fuel == UINT64_C(10000000000));
	assert_true(g.mem_bytes == 64u << 20);
	assert_int_equal(g.clock, BW_GRANT_CLOCK_REAL);
	assert_false(g.random_fixed);
	bv_arena_done(&arena);
}

static void test_grant__everything__taken(void **state)
{
	struct bv_err err = { 0 };
	struct bv_arena arena;
	struct bw_grant g;

	(void)state;
	assert_int_equal(
		parse(HEAD "description = tells things\n"
			   "[files]\nread = /srv/data\nwrite = -~/work\n"
			   "link = yes\nsymlink = yes\n"
			   "[environment]\nset = A=b = c\nset = AB=\n"
			   "[streams]\nstdin = yes\noutput = 1K\n"
			   "[limits]\nfuel = 3M\ncpu = 2s\nwall = 250ms\n"
			   "memory = 1M\nmodule = 2M\nstorage = 3M\nfiles = 9\n"
			   "[machine]\nclock = coarse\nrandom = fixed\n",
		      &g, &err, &arena),
		BV_OK);
	assert_string_equal(g.description, "tells things");
	assert_int_equal(g.dirs, 2);
	assert_string_equal(g.dir[0].path, "/srv/data");
	assert_false(g.dir[0].writable);
	assert_false(g.dir[0].optional);
	assert_string_equal(g.dir[1].path, "~/work");
	assert_true(g.dir[1].writable);
	assert_true(g.dir[1].optional);
	assert_true(g.link && g.symlink && g.in && g.random_fixed);
	assert_int_equal(g.env_n, 2);
	assert_string_equal(g.env[0], "A=b = c");
	assert_string_equal(g.env[1], "AB=");
	assert_null(g.env[2]);
	assert_true(g.output_bytes == 1024 && g.fuel == 3000000);
	assert_true(g.cpu_us == 2000000 && g.wall_us == 250000);
	assert_true(g.mem_bytes == 1u << 20 && g.module_bytes == 2u << 20);
	assert_true(g.storage_bytes == 3u << 20 && g.files == 9);
	assert_int_equal(g.clock, BW_GRANT_CLOCK_COARSE);
	bv_arena_done(&arena);
}

/* Tables are memory as well: what they may have follows its limit. */
static void test_grant__memory__bounds_tables(void **state)
{
	struct bw_grant g = { .mem_bytes = 1u << 20 };

	(void)state;
	assert_int_equal(bw_grant_table_entries(&g), 1u << 16);
	g.mem_bytes = 64u << 20;
	assert_int_equal(bw_grant_table_entries(&g), 1u << 20);
	g.mem_bytes = UINT64_C(4) << 30;
	assert_int_equal(bw_grant_table_entries(&g), 64u << 20);
}

static void test_grant__faults__refused_with_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "n.conf:1: the first line must be 'bvisor-wasm 1'" },
		{ "bvisor-wasm 2\n",
		  "n.conf:1: the first line must be 'bvisor-wasm 1'" },
		{ MAGIC, "n.conf:1: [module] digest is missing: SHA-256 of the "
			 "module's bytes" },
		{ MAGIC "digest = x\n", "n.conf:2: 'digest' before any "
					"[section]" },
		{ MAGIC "[modul]\n",
		  "n.conf:2: unknown section [modul]; did you mean 'module'?" },
		{ MAGIC "[module]\ndigest = abc\n",
		  "n.conf:3: [module] digest: 'abc' is not 64 small "
		  "hexadecimal digits" },
		{ HEAD "digest = " DIGEST "\n",
		  "n.conf:4: [module] 'digest' stands at line 3 already" },
		{ HEAD "descriptio = x\n",
		  "n.conf:4: unknown key 'descriptio' in [module]; did you "
		  "mean 'description'?" },
		{ HEAD "[files]\nread =\n", "n.conf:5: [files] 'read' has no "
					    "value" },
		{ HEAD "[files]\nread = x\n",
		  "n.conf:5: [files] read: 'x' does not begin with '/', '~' or "
		  "'%h'" },
		{ HEAD "[files]\nread = /a/../b\n",
		  "n.conf:5: [files] read: the path holds '..'" },
		{ HEAD "[files]\nread = /a\nwrite = /a\n",
		  "n.conf:6: [files] write: '/a' stands at line 5 already" },
		{ HEAD "[environment]\nset = A\n",
		  "n.conf:5: [environment] set: 'A' is not NAME=value" },
		{ HEAD "[environment]\nset = =b\n",
		  "n.conf:5: [environment] set: '=b' is not NAME=value" },
		{ HEAD "[environment]\nset = A =b\n",
		  "n.conf:5: [environment] set: 'A =b': a blank before '='" },
		{ HEAD "[environment]\nset = A=b\nset = A=c\n",
		  "n.conf:6: [environment] set: 'A' is set twice" },
		{ HEAD "[streams]\nstdin = maybe\n",
		  "n.conf:5: [streams] stdin: 'maybe' is not one of: no, yes" },
		{ HEAD "[limits]\nfuel = 0\n",
		  "n.conf:5: [limits] fuel: '0' is not between 1 and "
		  "18446744073709551614" },
		{ HEAD "[limits]\nfuel = 1k\n",
		  "n.conf:5: [limits] fuel: '1k' is not a number of "
		  "instructions (K, M, G, T: thousands)" },
		{ HEAD "[limits]\nfuel = 18446744073709551615\n",
		  "n.conf:5: [limits] fuel: '18446744073709551615' is not a "
		  "number of instructions (K, M, G, T: thousands)" },
		{ HEAD "[limits]\nfuel = 99999999999999999T\n",
		  "n.conf:5: [limits] fuel: '99999999999999999T' is not a "
		  "number of instructions (K, M, G, T: thousands)" },
		{ HEAD "[limits]\nmemory = 5G\n",
		  "n.conf:5: [limits] memory: '5G' is not between 65536 and "
		  "4294967296" },
		{ HEAD "[limits]\nwall = 5\n",
		  "n.conf:5: [limits] wall: '5' is not a duration (us, ms, s, "
		  "min, h, d)" },
		{ HEAD "[limits]\nfiles = 3\n",
		  "n.conf:5: [limits] files: '3' is not a count from 4 to "
		  "1024" },
		{ HEAD "[machine]\nclock = fast\n",
		  "n.conf:5: [machine] clock: 'fast' is not one of: real, "
		  "coarse, fixed" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_err err = { 0 };
		struct bv_arena arena;
		struct bw_grant g;
		int code = parse(cases[i].text, &g, &err, &arena);

		if (code != BV_E_CONF || strcmp(err.msg, cases[i].says) != 0)
			fail_msg("case %zu: %d '%s'\nwant '%s'", i, code,
				 err.msg, cases[i].says);
		bv_arena_done(&arena);
	}
}

static void test_grant__too_many__refused(void **state)
{
	static char text[65536];
	struct bv_err err = { 0 };
	struct bv_arena arena;
	struct bw_grant g;
	int n = snprintf(text, sizeof(text), HEAD "[files]\n");

	(void)state;
	for (unsigned int i = 0; i <= BW_GRANT_DIRS_MAX; i++) {
		assert_int_equal(parse(text, &g, &err, &arena), BV_OK);
		bv_arena_done(&arena);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "read = /d/%u\n", i);
	}
	assert_int_equal(parse(text, &g, &err, &arena), BV_E_CONF);
	bv_arena_done(&arena);
	n = snprintf(text, sizeof(text), HEAD "[environment]\n");
	for (unsigned int i = 0; i <= BW_GRANT_ENV_MAX; i++) {
		assert_int_equal(parse(text, &g, &err, &arena), BV_OK);
		bv_arena_done(&arena);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "set = V%u=x\n", i);
	}
	assert_int_equal(parse(text, &g, &err, &arena), BV_E_CONF);
	bv_arena_done(&arena);
	memset(text, '\n', sizeof(text));
	memcpy(text, HEAD, sizeof(HEAD) - 1);
	bv_arena_init(&arena, 1u << 20);
	assert_int_equal(
		bw_grant_parse(&arena, "n.conf", text, sizeof(text), &g, &err),
		BV_OK);
	assert_int_equal(bw_grant_parse(&arena, "n.conf", text,
					sizeof(text) + 1, &g, &err),
			 BV_E_LIMIT);
	bv_arena_done(&arena);
}

static void test_name__valid_or_not(void **state)
{
	static const char *const good[] = {
		"a",
		"7z",
		"a.b_c-d",
		"abcdefghijklmnopqrstuvwxyz012345",
	};
	static const char *const bad[] = {
		"",   ".a",  "-a",  "_a",
		"A",  "a/b", "a b", "\xc3\xa4",
		"aA", "a\n", "..",  "abcdefghijklmnopqrstuvwxyz0123456",
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(good); i++)
		assert_true(bw_name_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < BV_LEN(bad); i++)
		assert_false(bw_name_valid(bad[i], strlen(bad[i])));
	assert_false(bw_name_valid("a\0b", 3));
}

/* --- sessions -------------------------------------------------------------- */

static void test_session__file__taken_or_refused(void **state)
{
	static const char text[] = "bvisor-wasm-session 1\n[session]\n"
				   "fuel = 1G\ncpu = 1min\ncommands = 3\n"
				   "output = 1M\nstorage = 2M\n";
	static const char wrong[] =
		"bvisor-wasm-session 1\n[session]\nwall = 1s\n";
	struct bw_session_grant s;
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bw_session_grant_parse("w", NULL, 0, &s, &err), BV_OK);
	assert_true(s.fuel == UINT64_MAX && s.commands == UINT64_MAX);
	assert_int_equal(
		bw_session_grant_parse("w", text, sizeof(text) - 1, &s, &err),
		BV_OK);
	assert_true(s.fuel == 1000000000 && s.cpu_us == 60000000 &&
		    s.commands == 3 && s.output_bytes == 1u << 20 &&
		    s.storage_bytes == 2u << 20);
	assert_int_equal(
		bw_session_grant_parse("w", wrong, sizeof(wrong) - 1, &s, &err),
		BV_E_CONF);
	assert_string_equal(err.msg,
			    "w:3: unknown key 'wall' in [session]; known: "
			    "fuel, cpu, output, storage, commands");
}

static void test_totals__shares__never_more_than_the_bound(void **state)
{
	const struct bw_session_grant bound = { 1000, 100, 50, 40, 4 };
	const struct bw_grant g = { .fuel = 600,
				    .cpu_us = 60,
				    .output_bytes = 30,
				    .storage_bytes = 30 };
	struct bw_amounts a, b, used = { 100, 10, 5, 0 };
	struct bv_err err = { 0 };
	struct bw_totals t;

	(void)state;
	bw_totals_init(&t, &bound);
	assert_int_equal(bw_totals_take(&t, &g, 1, &a, &err), BV_OK);
	assert_true(a.fuel == 600 && a.cpu_us == 60);
	/* Beside it there is what is left, not what is granted. */
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_OK);
	assert_true(b.fuel == 400 && b.cpu_us == 40 && b.output_bytes == 20 &&
		    b.storage_bytes == 10);
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_E_LIMIT);
	assert_string_equal(err.msg, "the session has used up its fuel");
	/* What was not used comes back. */
	bw_totals_give(&t, &a, &used);
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_OK);
	assert_true(b.fuel == 500 && b.cpu_us == 50);
	assert_true(t.used.fuel == 100 && t.used.output_bytes == 5);
	used.cpu_us = 70; /* a step too much is the next one's loss */
	bw_totals_give(&t, &b, &used);
	assert_true(t.left.cpu_us == 0 && t.left.fuel == 400);
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_E_LIMIT);
	assert_string_equal(err.msg,
			    "the session has used up its processor time");
	t.left.cpu_us = 1;
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_OK);
	assert_int_equal(bw_totals_take(&t, &g, 1, &b, &err), BV_E_LIMIT);
	assert_string_equal(err.msg, "the session has used up its commands");
}

static void test_totals__pipeline__an_equal_part_each(void **state)
{
	const struct bw_session_grant bound = { 10, 1000, 64, 64, 8 };
	const struct bw_grant greedy = { .fuel = 10,
					 .cpu_us = 1000,
					 .output_bytes = 64,
					 .storage_bytes = 64 };
	struct bw_grant modest = greedy;
	struct bw_amounts a[3], used = { 0 };
	struct bv_err err = { 0 };
	struct bw_totals t;

	(void)state;
	modest.fuel = 1;
	bw_totals_init(&t, &bound);
	assert_int_equal(bw_totals_take(&t, &greedy, 3, &a[0], &err), BV_OK);
	assert_true(a[0].fuel == 3 && a[0].cpu_us == 333);
	assert_true(a[0].output_bytes == 21 && a[0].storage_bytes == 21);
	/* What a modest one does not want is there for the next. */
	assert_int_equal(bw_totals_take(&t, &modest, 2, &a[1], &err), BV_OK);
	assert_int_equal(bw_totals_take(&t, &greedy, 1, &a[2], &err), BV_OK);
	assert_true(a[1].fuel == 1 && a[2].fuel == 6);
	assert_true(t.left.fuel == 0 && t.left.output_bytes == 0);
	for (size_t i = 0; i < 3; i++)
		bw_totals_give(&t, &a[i], &used);
	assert_true(t.left.fuel == 10 && t.left.output_bytes == 64);
	assert_int_equal(t.commands, 3);
	/* Never begun. */
	assert_int_equal(bw_totals_take(&t, &greedy, 1, &a[0], &err), BV_OK);
	bw_totals_undo(&t, &a[0]);
	assert_true(t.left.fuel == 10 && t.commands == 3 && t.used.fuel == 0);
}

/* The first is refused, or none: there is nothing to take back. */
static void test_totals__pipeline__all_or_none(void **state)
{
	const struct bw_grant g = { .fuel = 7, .cpu_us = 1000 };

	(void)state;
	for (uint64_t left = 0; left < 40; left++) {
		const struct bw_session_grant bound = { left, left, 0, 0,
							left };
		struct bw_amounts a;
		struct bv_err err = { 0 };
		struct bw_totals t;

		bw_totals_init(&t, &bound);
		for (size_t members = 8; members > 0; members--) {
			int code = bw_totals_take(&t, &g, members, &a, &err);

			assert_int_equal(code, left < 8 ? BV_E_LIMIT : BV_OK);
			if (code != BV_OK)
				break;
			assert_true(a.fuel > 0 && a.cpu_us > 0);
		}
		assert_int_equal(t.commands, left < 8 ? 0 : 8);
		if (left == 5)
			assert_string_equal(
				err.msg,
				"what the session has left of its commands is "
				"not enough for 8 commands");
	}
}

static void test_totals__unbounded__stays_so(void **state)
{
	struct bw_session_grant bound;
	const struct bw_grant g = { .fuel = 600, .cpu_us = 60 };
	const struct bw_grant vast = { .fuel = UINT64_MAX - 1,
				       .cpu_us = 60,
				       .output_bytes = UINT64_MAX - 1 };
	struct bw_amounts a, used = { 500, 70, 1, 1 };
	struct bv_err err = { 0 };
	struct bw_totals t;

	(void)state;
	memset(&bound, 0xff, sizeof(bound));
	bw_totals_init(&t, &bound);
	assert_int_equal(bw_totals_take(&t, &vast, 8, &a, &err), BV_OK);
	assert_true(a.fuel == UINT64_MAX - 1 && a.output_bytes == a.fuel);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bw_totals_take(&t, &g, 1, &a, &err), BV_OK);
		assert_true(a.fuel == 600);
		bw_totals_give(&t, &a, &used);
	}
	assert_true(t.left.fuel == UINT64_MAX && t.used.fuel == 1500);
	assert_true(t.left.cpu_us == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grant__least__is_tight),
		cmocka_unit_test(test_grant__everything__taken),
		cmocka_unit_test(test_grant__memory__bounds_tables),
		cmocka_unit_test(test_grant__faults__refused_with_line),
		cmocka_unit_test(test_grant__too_many__refused),
		cmocka_unit_test(test_name__valid_or_not),
		cmocka_unit_test(test_session__file__taken_or_refused),
		cmocka_unit_test(
			test_totals__shares__never_more_than_the_bound),
		cmocka_unit_test(test_totals__pipeline__an_equal_part_each),
		cmocka_unit_test(test_totals__pipeline__all_or_none),
		cmocka_unit_test(test_totals__unbounded__stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
