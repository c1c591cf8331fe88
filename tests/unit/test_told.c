/* SPDX-License-Identifier: MIT */
/* A guardian that is told of commands by whoever has the socket. */
#include "core/report_view.h"
#include "helper/guard_internal.h"

#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/command_fixture.h"

/* --- a guardian -------------------------------------------------------------- */

static struct bvh_guard *guardian(void)
{
	struct bvh_guard *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	snprintf(g->id, sizeof(g->id), "0123456789abcdef");
	bvh_guard_wasm_init(&g->wasm);
	return g;
}

/* A shell's end of a conversation. */
static int shell(struct bvh_guard *g)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_CLOEXEC |
					    SOCK_NONBLOCK,
				    0, pair),
			 0);
	bvh_guard_wasm_hear(&g->wasm, &pair[0]);
	bvh_close(&pair[0]); /* when it was not taken */
	return pair[1];
}

static bool say(int fd, const struct bv_command *c, uint64_t seq)
{
	unsigned char bytes[BV_COMMAND_BYTES];

	bv_command_encode(c, seq, bytes);
	return send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(bytes);
}

static void done(struct bvh_guard *g)
{
	bvh_guard_wasm_stop(g);
	free(g);
}

static void test_guardian__told__kept_in_order(void **state)
{
	struct bvh_guard *g = guardian();
	int a = shell(g), b = shell(g);
	struct bv_command other = sound;

	(void)state;
	snprintf(other.name, sizeof(other.name), "wc");
	assert_true(say(a, &sound, 1));
	bvh_guard_on_wasm(g);
	assert_true(say(b, &other, 1));
	bvh_guard_on_wasm(g);
	/* Its second was never sent. */
	assert_true(say(a, &sound, 3));
	close(a);
	close(b);
	bvh_guard_wasm_stop(g);
	assert_int_equal(g->wasm.told.told, 3);
	assert_int_equal(g->wasm.told.lost, 1);
	assert_int_equal(g->wasm.told.fuel, 9000000);
	assert_int_equal(g->wasm.told.nonsense, 0);
	assert_string_equal(g->wasm.told.list[0].name, "sort");
	assert_string_equal(g->wasm.told.list[1].name, "wc");
	done(g);
}

/* The report's own bytes, read back. */
static size_t report_of(struct bvh_guard *g, struct bv_commands *ret)
{
	struct bv_report r = { .session_id = "0123456789abcdef",
			       .commands = &g->wasm.told,
			       .reason = "" };
	struct bv_err err = { 0 };
	char *json = NULL;
	size_t len;

	if (bv_report_encode(&r, &json, &err) != BV_OK ||
	    bv_report_verify(json, strlen(json), &err) != BV_OK)
		fail_msg("%s", err.msg);
	len = strlen(json);
	free(json);
	*ret = g->wasm.told;
	return len;
}

#define MANY 100000u

/* A hundred thousand: the report stays small, and no call of the guardian's takes
 * more than its share of them. */
static void test_guardian__very_many__bounded(void **state)
{
	struct bvh_guard *g = guardian();
	static struct bv_commands all;
	int fd = shell(g), quiet = shell(g);
	uint64_t sent = 0, calls = 0;

	(void)state;
	while (sent < MANY) {
		while (sent < MANY && say(fd, &sound, sent + 1))
			sent++;
		if (calls == 3) /* is not kept from speaking */
			assert_true(say(quiet, &sound, 1));
		uint64_t before = g->wasm.told.told;
		bvh_guard_on_wasm(g);
		calls++;
		assert_in_range(g->wasm.told.told - before, 1, 65);
		if (g->wasm.told.told - before >= 64)
			assert_true(g->wasm.again_us > 0);
	}
	assert_true(say(quiet, &sound, 2));
	close(fd);
	close(quiet);
	bvh_guard_wasm_stop(g);
	assert_int_equal(g->wasm.told.told, MANY + 2);
	assert_int_equal(g->wasm.told.fuel, (MANY + 2) * UINT64_C(3000000));
	assert_true(report_of(g, &all) <
		    BVH_RECORD_RESERVE + BV_COMMANDS_LISTED * BVH_RECORD_COMMAND);
	done(g);
}

static void test_guardian__nonsense__the_shell_is_not_heard(void **state)
{
	static const char *const words[] = { "x", "",
					     "BVC1 but nothing behind it" };
	struct bvh_guard *g = guardian();
	static struct bv_commands all;
	static char flood[65536];
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		int fd = shell(g);
		const char *word = i < 3 ? words[i] : flood;
		const size_t len = i < 3 ? strlen(word) : sizeof(flood) / 2;

		assert_true(say(fd, &sound, 1));
		if (i == 4) { /* again, and what was before */
			assert_true(say(fd, &sound, 1));
		} else {
			(void)!send(fd, word, len, MSG_NOSIGNAL);
		}
		seen += i != 1; /* an empty packet is the end of it */
		bvh_guard_on_wasm(g);
		bvh_guard_on_wasm(g);
		assert_false(say(fd, &sound, 2)); /* nobody is there */
		close(fd);
	}
	assert_int_equal(g->wasm.told.nonsense, seen);
	assert_int_equal(g->wasm.told.told, 5);
	(void)report_of(g, &all);
	done(g);
}

static void test_guardian__numbers_at_their_end__stay_there(void **state)
{
	struct bvh_guard *g = guardian();
	static struct bv_commands all;
	struct bv_command most = sound;
	int fd = shell(g);

	(void)state;
	most.fuel = most.cpu_us = most.wall_us = INT64_MAX;
	most.peak_pages = UINT32_MAX;
	most.status = 255;
	memset(most.name, 'z', BV_COMMAND_NAME_MAX);
	for (uint64_t i = 0; i < 2; i++)
		assert_true(say(fd, &most, i * INT64_MAX + (i == 0)));
	bvh_guard_on_wasm(g);
	for (size_t i = 0; i < BV_COMMANDS_LISTED; i++)
		bv_commands_add(&g->wasm.told, &most);
	close(fd);
	fd = shell(g);
	assert_true(say(fd, &most, INT64_MAX));
	bvh_guard_on_wasm(g);
	assert_int_equal(g->wasm.told.fuel, INT64_MAX);
	assert_int_equal(g->wasm.told.lost, INT64_MAX);
	assert_true(report_of(g, &all) <
		    BVH_RECORD_RESERVE + BV_COMMANDS_LISTED * BVH_RECORD_COMMAND);
	close(fd);
	done(g);
}

static void test_guardian__too_many_shells__counted(void **state)
{
	struct bvh_guard *g = guardian();
	int fd[BVH_WASM_SHELLS_MAX + 3];

	(void)state;
	for (size_t i = 0; i < BV_LEN(fd); i++)
		fd[i] = shell(g);
	assert_int_equal(g->wasm.told.unheard, 3);
	assert_true(say(fd[0], &sound, 1));
	assert_false(say(fd[BVH_WASM_SHELLS_MAX], &sound, 1));
	bvh_guard_on_wasm(g);
	/* One that leaves makes room. */
	close(fd[0]);
	bvh_guard_on_wasm(g);
	fd[0] = shell(g);
	assert_true(say(fd[0], &sound, 1));
	for (size_t i = 0; i < BV_LEN(fd); i++)
		close(fd[i]);
	bvh_guard_wasm_stop(g);
	assert_int_equal(g->wasm.told.unheard, 3);
	assert_int_equal(g->wasm.told.told, 2);
	done(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guardian__told__kept_in_order),
		cmocka_unit_test(test_guardian__very_many__bounded),
		cmocka_unit_test(
			test_guardian__nonsense__the_shell_is_not_heard),
		cmocka_unit_test(
			test_guardian__numbers_at_their_end__stay_there),
		cmocka_unit_test(test_guardian__too_many_shells__counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
