/* SPDX-License-Identifier: MIT */
/* Commands from their bytes to their end: what stops them, what they used, and
 * a pipeline of suspendable ones in one process. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/wasm_commands.h"
#include "wasm/run.h"

#define CONFIG(command, wasi_config)                                           \
	{                                                                      \
		.bytes = command, .len = sizeof(command),                      \
		.fuel = BW_FUEL_UNLIMITED, .wasi = (wasi_config)               \
	}

static const struct bw_wasi_config bare = {
	.stream = { { -1, 0 }, { -1, 0 }, { -1, 0 } },
};

static struct bw_run_result run(const struct bw_run_config *c)
{
	struct bw_run_result r;
	struct bv_err err = { 0 };

	if (bw_run(c, &r, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return r;
}

static void test_run_recursion__deep__trap_not_crash(void **state)
{
	struct bw_run_config c = CONFIG(command_recurse, &bare);
	struct bw_run_result first = run(&c), second;

	(void)state;
	assert_int_equal(first.outcome, BW_TRAPPED);
	assert_int_equal(first.trap, BW_TRAP_STACK);
	assert_false(first.stopped);
	assert_non_null(
		strstr(first.text, "call stack exhausted (func 0, +0x"));
	second = run(&c);
	assert_int_equal(first.fuel_used, second.fuel_used);
	assert_string_equal(first.text, second.text);
}

static void test_run_memory__grown_to_the_limit__told(void **state)
{
	struct bw_store_limits limits = { .memory_pages = 20 };
	struct bw_run_config c = CONFIG(command_grow, &bare);
	struct bw_run_result r;

	(void)state;
	c.store = &limits;
	r = run(&c);
	assert_int_equal(r.outcome, BW_EXITED);
	assert_int_equal(r.status, 20);
	assert_int_equal(r.peak_pages, 20);
}

static void test_run_address__past_2_32__trap(void **state)
{
	struct bw_run_config c = CONFIG(command_far, &bare);
	struct bw_run_result r = run(&c);

	(void)state;
	assert_int_equal(r.outcome, BW_TRAPPED);
	assert_int_equal(r.trap, BW_TRAP_MEMORY);
}

static void test_run_fuel__spent__exactly(void **state)
{
	struct bw_run_config c = CONFIG(command_spin, &bare);
	struct bw_run_result r;

	(void)state;
	c.fuel = 5000000;
	r = run(&c);
	assert_int_equal(r.outcome, BW_TRAPPED);
	assert_int_equal(r.trap, BW_TRAP_FUEL);
	assert_int_equal(r.fuel_used, 5000000);
}

static volatile sig_atomic_t flag;

static void on_alarm(int sig)
{
	(void)sig;
	flag = 1;
}

static void test_run_interrupt__while_computing__heard(void **state)
{
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct bw_wasi_config wasi = bare;
	struct bw_run_config c = CONFIG(command_spin, &wasi);
	struct bw_run_result r;

	(void)state;
	wasi.interrupt = &flag;
	flag = 0;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	r = run(&c);
	signal(SIGALRM, SIG_DFL);
	assert_int_equal(r.outcome, BW_TRAPPED);
	assert_int_equal(r.trap, BW_TRAP_INTERRUPTED);
}

static void test_run_flood__output_limit__stopped(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bw_wasi_config wasi = bare;
	struct bw_run_config c = CONFIG(command_flood, &wasi);
	struct bw_run_result r;

	(void)state;
	wasi.stream[1] = (struct bw_wasi_stream){ null, BW_STREAM_WRITE };
	wasi.output_bytes = 100000;
	c.fuel = 10000000;
	r = run(&c);
	assert_int_equal(r.outcome, BW_TRAPPED);
	assert_int_equal(r.trap, BW_TRAP_HOST);
	assert_true(r.stopped);
	assert_string_equal(r.text, "output limit of 100000 bytes reached");
	assert_int_equal(r.counts.output_bytes, 100000);
	assert_int_equal(r.counts.peak_fds, 1);
	/* Told that it may not write, it goes on until its fuel ends. */
	wasi.stream[1].flags = BW_STREAM_READ;
	r = run(&c);
	assert_int_equal(r.trap, BW_TRAP_FUEL);
	assert_int_equal(r.counts.output_bytes, 0);
	close(null);
}

static void refused(const void *bytes, size_t len, int code, const char *why)
{
	struct bw_run_config c = { .bytes = bytes,
				   .len = len,
				   .fuel = BW_FUEL_UNLIMITED,
				   .wasi = &bare };
	struct bw_run_result r;
	struct bv_err err = { 0 };

	assert_int_equal(bw_run(&c, &r, &err), code);
	if (strstr(err.msg, why) == NULL)
		fail_msg("%s", err.msg);
}

static void test_run_refused__says_why(void **state)
{
	(void)state;
	refused(command_stranger, sizeof(command_stranger), BV_E_CONF,
		"import 'wasi_snapshot_preview1' 'path_exec'");
	refused(command_library, sizeof(command_library), BV_E_CONF, "_start");
	refused("no module", 9, BV_E_CONF, "offset");
	refused(command_copy, sizeof(command_copy) - 1, BV_E_CONF, "offset");
}

/* --- turns -------------------------------------------------------------------- */

/* How often it was suspended. */
static unsigned in_turns(struct bw_run_config *c, struct bw_run_result *ret)
{
	enum bw_outcome outcome = BW_SUSPENDED;
	struct bw_task *task = NULL;
	unsigned turns = 0;
	uint64_t until = 0;
	struct pollfd fd;

	c->turns = true;
	assert_int_equal(bw_task_new(c, &task, NULL), BV_OK);
	for (;;) {
		assert_int_equal(bw_task_step(task, &outcome, NULL), BV_OK);
		if (outcome != BW_SUSPENDED)
			break;
		/* It waits for nothing. */
		assert_int_equal(bw_task_wait(task, &fd, 1, &until), 0);
		assert_int_equal(until, 1);
		turns++;
	}
	bw_task_result(task, ret);
	bw_task_free(task);
	return turns;
}

static void same(const struct bw_run_result *x, const struct bw_run_result *y)
{
	assert_int_equal(x->outcome, y->outcome);
	assert_int_equal(x->trap, y->trap);
	assert_int_equal(x->fuel_used, y->fuel_used);
	assert_int_equal(x->peak_pages, y->peak_pages);
	assert_string_equal(x->text, y->text);
}

static void test_run_turns__whatever_is_computed__the_same(void **state)
{
	struct bw_run_config all[] = {
		CONFIG(command_spin, &bare),   CONFIG(command_recurse, &bare),
		CONFIG(command_grow, &bare),   CONFIG(command_far, &bare),
		CONFIG(command_begins, &bare), CONFIG(command_flood, &bare),
	};
	struct bw_run_config ends = CONFIG(command_begins, &bare);
	struct bw_run_result whole, turned;

	(void)state;
	ends.fuel = 1u << 30;
	whole = run(&ends);
	assert_int_equal(whole.outcome, BW_DONE);
	assert_true(in_turns(&ends, &turned) > 3);
	same(&whole, &turned);
	for (size_t i = 0; i < BV_LEN(all); i++)
		/* Wherever the account ends in a turn. */
		for (uint64_t fuel = (5u << 20) - 3; fuel < (5u << 20) + 3;
		     fuel++) {
			all[i].fuel = fuel;
			all[i].turns = false;
			whole = run(&all[i]);
			(void)in_turns(&all[i], &turned);
			same(&whole, &turned);
		}
}

static void test_run_turns__computes_or_calls__others_have_theirs(void **state)
{
	struct bw_run_config spin = CONFIG(command_spin, &bare);
	struct bw_run_config flood = CONFIG(command_flood, &bare);
	struct bw_run_result r;

	(void)state;
	spin.fuel = flood.fuel = 10u << 20;
	assert_in_range(in_turns(&spin, &r), 8, 11);
	/* It is told that it may not write, for ever. */
	assert_in_range(in_turns(&flood, &r), 4, 11);
	assert_int_equal(r.trap, BW_TRAP_FUEL);
}

static void test_run_turns__start_function__has_turns_too(void **state)
{
	struct bw_run_config c = CONFIG(command_begins, &bare);
	struct bw_run_result r;

	(void)state;
	assert_true(in_turns(&c, &r) >= 3);
	assert_int_equal(r.outcome, BW_DONE);
}

static void test_run_reader_gone__pipe_ends__as_sigpipe(void **state)
{
	struct bw_wasi_config wasi = bare;
	struct bw_run_config c = CONFIG(command_flood, &wasi);
	struct bw_run_result r;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	wasi.stream[1] = (struct bw_wasi_stream){ ends[1], BW_STREAM_WRITE };
	wasi.output_bytes = BW_WASI_UNLIMITED;
	c.fuel = 1000000;
	r = run(&c);
	assert_int_equal(r.trap, BW_TRAP_FUEL); /* an error, as any other */
	wasi.pipe_ends = true;
	r = run(&c);
	assert_int_equal(r.outcome, BW_EXITED);
	assert_int_equal(r.status, 128 + SIGPIPE);
	assert_int_equal(r.counts.output_bytes, 0);
	close(ends[1]);
}

/* --- a pipeline in one process ------------------------------------------------ */

#define AMOUNT (1u << 20)

struct pipeline {
	int in[2], mid[2], out[2];
	struct bw_wasi_config wasi[2];
	struct bw_task *task[2];
	bool ended[2];
};

static struct bw_wasi_stream end_of(int fd, unsigned flags)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return (struct bw_wasi_stream){ fd, flags | BW_STREAM_SUSPEND };
}

static void pipeline_open(struct pipeline *p)
{
	struct bv_err err = { 0 };
	int i;

	assert_int_equal(pipe2(p->in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(p->mid, O_CLOEXEC), 0);
	assert_int_equal(pipe2(p->out, O_CLOEXEC | O_NONBLOCK), 0);
	for (i = 0; i < 2; i++) {
		struct bw_run_config c = CONFIG(command_copy, &p->wasi[i]);

		p->wasi[i] = bare;
		p->wasi[i].output_bytes = BW_WASI_UNLIMITED;
		p->wasi[i].stream[0] =
			end_of(i == 0 ? p->in[0] : p->mid[0], BW_STREAM_READ);
		p->wasi[i].stream[1] =
			end_of(i == 0 ? p->mid[1] : p->out[1], BW_STREAM_WRITE);
		if (bw_task_new(&c, &p->task[i], &err) != BV_OK)
			fail_msg("%s", err.msg);
	}
	close(p->in[0]);
	close(p->mid[0]);
	close(p->mid[1]);
	close(p->out[1]);
}

/* One turn each; an ended one lets go of its descriptors. */
static void pipeline_turn(struct pipeline *p)
{
	struct bw_run_result r;
	enum bw_outcome outcome;
	struct pollfd fds[2];
	uint64_t until;
	int i;

	for (i = 0; i < 2; i++) {
		if (p->ended[i])
			continue;
		assert_int_equal(bw_task_step(p->task[i], &outcome, NULL),
				 BV_OK);
		if (outcome == BW_SUSPENDED) {
			assert_int_equal(
				bw_task_wait(p->task[i], fds, 2, &until), 1);
			continue;
		}
		assert_int_equal(outcome, BW_DONE);
		bw_task_result(p->task[i], &r);
		assert_int_equal(r.counts.output_bytes, AMOUNT);
		bw_task_free(p->task[i]);
		p->ended[i] = true;
	}
}

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void test_run_pipeline__suspended_in_turns__all_arrives(void **state)
{
	static uint8_t sent[AMOUNT], got[AMOUNT + 1];
	struct pipeline p = { 0 };
	size_t n_sent = 0, n_got = 0;
	ssize_t n;
	uint32_t i;

	(void)state;
	for (i = 0; i < AMOUNT; i++)
		sent[i] = byte_at(i);
	pipeline_open(&p);
	do {
		if (n_sent < AMOUNT) {
			n = write(p.in[1], sent + n_sent, AMOUNT - n_sent);
			n_sent += n > 0 ? (size_t)n : 0;
			if (n_sent == AMOUNT)
				close(p.in[1]);
		}
		pipeline_turn(&p);
		n = read(p.out[0], got + n_got, sizeof(got) - n_got);
		n_got += n > 0 ? (size_t)n : 0;
	} while (n != 0);
	assert_true(p.ended[0] && p.ended[1]);
	assert_int_equal(n_got, AMOUNT);
	assert_memory_equal(sent, got, AMOUNT);
	close(p.out[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_recursion__deep__trap_not_crash),
		cmocka_unit_test(test_run_memory__grown_to_the_limit__told),
		cmocka_unit_test(test_run_address__past_2_32__trap),
		cmocka_unit_test(test_run_fuel__spent__exactly),
		cmocka_unit_test(test_run_interrupt__while_computing__heard),
		cmocka_unit_test(test_run_flood__output_limit__stopped),
		cmocka_unit_test(test_run_refused__says_why),
		cmocka_unit_test(
			test_run_turns__whatever_is_computed__the_same),
		cmocka_unit_test(
			test_run_turns__computes_or_calls__others_have_theirs),
		cmocka_unit_test(
			test_run_turns__start_function__has_turns_too),
		cmocka_unit_test(
			test_run_reader_gone__pipe_ends__as_sigpipe),
		cmocka_unit_test(
			test_run_pipeline__suspended_in_turns__all_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
