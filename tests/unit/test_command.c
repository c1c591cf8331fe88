/* SPDX-License-Identifier: MIT */
/* What a shell of modules tells of a command: on the wire, together, and in the
 * report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/report_view.h"
#include "tests/unit/command_fixture.h"

/* --- the record ------------------------------------------------------------- */

static void test_record__there_and_back__the_same(void **state)
{
	unsigned char bytes[BV_COMMAND_BYTES], again[BV_COMMAND_BYTES];
	struct bv_command c;
	uint64_t seq = 0;

	(void)state;
	bv_command_encode(&sound, 7, bytes);
	assert_int_equal(bv_command_decode(bytes, sizeof(bytes), &c, &seq,
					   NULL),
			 BV_OK);
	assert_int_equal(seq, 7);
	assert_string_equal(c.name, "sort");
	assert_string_equal(c.sha256, sound.sha256);
	assert_int_equal(c.verdict, BV_COMMAND_FUEL);
	assert_int_equal(c.fuel, 3000000);
	assert_int_equal(c.peak_pages, 17);
	bv_command_encode(&c, seq, again);
	assert_memory_equal(bytes, again, sizeof(bytes));
}

/* Each byte that says something, made to say something else. */
static void test_record__anything_else__refused(void **state)
{
	static const struct {
		size_t at;
		unsigned char byte;
		const char *what;
	} cases[] = {
		{ 0, 'X', "the magic" },
		{ 11, 0x80, "a number over the end of numbers" },
		{ 12, BV_COMMAND_VERDICT_N, "a verdict there is not" },
		{ 12, 0xff, "a verdict there is not" },
		{ 14, 2, "a flag that is neither" },
		{ 14, 0, "counts of one that does not count" },
		{ 15, 1, "what is nothing" },
		{ 27, 0x80, "too much fuel" },
		{ 35, 0x80, "too much processor time" },
		{ 43, 0x80, "too much time" },
		{ 44, '\0', "no name" },
		{ 44, '.', "a name that begins otherwise" },
		{ 45, '/', "a path" },
		{ 45, '\n', "a line" },
		{ 45, 0xc3, "another alphabet" },
		{ 60, 'x', "something behind the name" },
		{ 75, 'x', "something at its end" },
		{ 76, 'A', "a digest in capitals" },
		{ 139, '\0', "a digest cut short" },
	};
	unsigned char bytes[BV_COMMAND_BYTES + 1];
	struct bv_command c;
	uint64_t seq;

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		bv_command_encode(&sound, 1, bytes);
		bytes[cases[i].at] = cases[i].byte;
		if (bv_command_decode(bytes, BV_COMMAND_BYTES, &c, &seq,
				      NULL) != BV_E_PROTO)
			fail_msg("%s", cases[i].what);
	}
	bv_command_encode(&sound, 0, bytes);
	assert_int_equal(bv_command_decode(bytes, BV_COMMAND_BYTES, &c, &seq,
					   NULL),
			 BV_E_PROTO);
	bv_command_encode(&sound, 1, bytes);
	bytes[BV_COMMAND_BYTES] = '0'; /* one digit more */
	for (size_t len = 0; len <= sizeof(bytes); len++)
		if (len != BV_COMMAND_BYTES)
			assert_int_equal(bv_command_decode(bytes, len, &c, &seq,
							   NULL),
					 BV_E_PROTO);
}

/* --- together ---------------------------------------------------------------- */

static void test_together__the_first_are_kept_and_all_counted(void **state)
{
	static struct {
		struct bv_commands all;
		char guard[sizeof(struct bv_command)];
	} t;
	struct bv_command c = sound;

	(void)state;
	memset(&t, 0, sizeof(t));
	for (uint32_t i = 0; i < BV_COMMANDS_LISTED + 50; i++) {
		c.peak_pages = i;
		bv_commands_add(&t.all, &c);
	}
	assert_int_equal(t.all.told, BV_COMMANDS_LISTED + 50);
	assert_int_equal(bv_commands_listed(&t.all), BV_COMMANDS_LISTED);
	for (uint32_t i = 0; i < BV_COMMANDS_LISTED; i++)
		assert_int_equal(t.all.list[i].peak_pages, i);
	for (size_t i = 0; i < sizeof(t.guard); i++)
		assert_int_equal(t.guard[i], 0);
	c.fuel = INT64_MAX;
	bv_commands_add(&t.all, &c);
	assert_int_equal(t.all.fuel, INT64_MAX);
	bv_commands_add(&t.all, &c);
	assert_int_equal(t.all.fuel, INT64_MAX);
	c.counted = false;
	bv_commands_add(&t.all, &c);
	assert_int_equal(t.all.fuel, INT64_MAX);
}

/* --- the report --------------------------------------------------------------- */

static void decode(const char *json, struct bv_report_view *view, int want)
{
	struct bv_arena arena;
	struct bv_err err = { 0 };

	bv_arena_init(&arena, 4u << 20);
	if (bv_report_decode(&arena, json, strlen(json), view, &err) != want)
		fail_msg("%s", err.msg);
	if (want != BV_OK)
		assert_non_null(strstr(err.msg, "commands.said_by"));
	if (want == BV_OK) {
		assert_string_equal(view->commands.said_by, BV_REPORT_SAID_BY);
		assert_int_equal(view->commands.list.n, 1);
		assert_int_equal(view->commands.list.v[0].verdict,
				 BV_COMMAND_FUEL);
		assert_int_equal(view->commands.list.v[0].peak_pages, 17);
	}
	bv_arena_done(&arena);
}

static void test_report__commands__whose_word_is_said(void **state)
{
	static struct bv_commands all;
	struct bv_report r = { .session_id = "0123456789abcdef",
			       .commands = &all,
			       .reason = "" };
	struct bv_report_view view;
	char *json = NULL, *at;

	(void)state;
	memset(&all, 0, sizeof(all));
	bv_commands_add(&all, &sound);
	assert_int_equal(bv_report_encode(&r, &json, NULL), BV_OK);
	decode(json, &view, BV_OK);
	/* Not the kernel's, whoever says so. */
	at = strstr(json, BV_REPORT_SAID_BY);
	assert_non_null(at);
	memcpy(at, "the-kernel----", strlen(BV_REPORT_SAID_BY));
	decode(json, &view, BV_E_PROTO);
	free(json);
	/* While it is open nobody knows yet. */
	r.open = true;
	assert_int_equal(bv_report_encode(&r, &json, NULL), BV_OK);
	assert_null(strstr(json, "said_by"));
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record__there_and_back__the_same),
		cmocka_unit_test(test_record__anything_else__refused),
		cmocka_unit_test(
			test_together__the_first_are_kept_and_all_counted),
		cmocka_unit_test(test_report__commands__whose_word_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
