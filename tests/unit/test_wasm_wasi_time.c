/* SPDX-License-Identifier: MIT */
/* WASI: clocks, random, waiting and what ends it, suspension. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/wasi_streams.h"

#define NS 1000000000ULL

/* --- clocks and random ---------------------------------------------------- */

static uint64_t now_of(struct guest *g, uint32_t id)
{
	assert_int_equal(CALL(g, clock_time_get, id, 0, RET), 0);
	return guest_u64(g, RET);
}

static void test_wasi_clock__policies(void **state)
{
	struct bw_wasi_config c = { .clock = BW_CLOCK_COARSE,
				    .clock_step_ns = 60 * NS };
	struct timespec ts;
	struct guest g;
	uint32_t id;

	(void)state;
	start(&g, &c);
	for (id = 0; id < 4; id++) {
		assert_int_equal(now_of(&g, id) % (60 * NS), 0);
		assert_int_equal(CALL(&g, clock_res_get, id, RET), 0);
		assert_int_equal(guest_u64(&g, RET), 60 * NS);
	}
	assert_int_equal(CALL(&g, clock_time_get, 4, 0, RET), BW_EINVAL);
	guest_close(&g);
	c = (struct bw_wasi_config){ .clock = BW_CLOCK_FIXED,
				     .clock_start_ns = 7 * NS };
	start(&g, &c);
	for (id = 0; id < 4; id++)
		assert_int_equal(now_of(&g, id), 7 * NS);
	guest_close(&g);
	c.clock = BW_CLOCK_REAL;
	start(&g, &c);
	clock_gettime(CLOCK_REALTIME, &ts);
	assert_true(now_of(&g, 0) >= (uint64_t)ts.tv_sec * NS);
	guest_close(&g);
}

static void test_wasi_random__seeded_repeats__real_does_not(void **state)
{
	struct bw_wasi_config c = { .random = BW_RANDOM_SEEDED,
				    .random_seed = 42 };
	uint8_t first[37], second[37];
	struct guest g;
	int round;

	(void)state;
	for (round = 0; round < 4; round++) {
		c.random = round < 2 ? BW_RANDOM_SEEDED : BW_RANDOM_REAL;
		start(&g, &c);
		assert_int_equal(CALL(&g, random_get, TEXT, 37), 0);
		memcpy(round % 2 == 0 ? first : second, guest_at(&g, TEXT), 37);
		assert_int_equal(*guest_at(&g, TEXT + 37), 0);
		assert_int_equal(CALL(&g, random_get, 1, GUEST_BYTES),
				 BW_EFAULT);
		guest_close(&g);
		if (round == 1)
			assert_memory_equal(first, second, 37);
	}
	assert_memory_not_equal(first, second, 37);
}

/* --- waiting -------------------------------------------------------------- */

static void sub_clock(struct guest *g, uint32_t i, uint64_t timeout)
{
	uint8_t *s = guest_at(g, SUBS + i * BW_SUBSCRIPTION_BYTES);
	uint64_t userdata = 100 + i;
	uint32_t id = BW_CLOCKID_MONOTONIC;

	memset(s, 0, BW_SUBSCRIPTION_BYTES);
	memcpy(s, &userdata, 8);
	memcpy(s + 16, &id, 4);
	memcpy(s + 24, &timeout, 8);
}

static void sub_fd(struct guest *g, uint32_t i, uint8_t type, uint32_t fd)
{
	uint8_t *s = guest_at(g, SUBS + i * BW_SUBSCRIPTION_BYTES);

	sub_clock(g, i, 0);
	s[8] = type;
	memcpy(s + 16, &fd, 4);
}

static int poll_for(struct guest *g, uint32_t n)
{
	return CALL(g, poll_oneoff, SUBS, EVENTS, n, RET);
}

/* Of the k-th event: its userdata, error, type. */
static uint64_t event(struct guest *g, uint32_t k, uint16_t *ret_error)
{
	const uint8_t *e = guest_at(g, EVENTS + k * BW_EVENT_BYTES);
	uint64_t userdata;

	memcpy(&userdata, e, 8);
	memcpy(ret_error, e + 8, 2);
	return userdata;
}

static void test_wasi_poll__ready_clock_error(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	uint16_t error;

	(void)state;
	start(&g, &c);
	assert_int_equal(poll_for(&g, 0), BW_EINVAL);
	assert_int_equal(poll_for(&g, 100000), BW_EINVAL);
	sub_clock(&g, 0, 1000000);
	sub_fd(&g, 1, BW_EVENT_FD_READ, 0);
	assert_int_equal(poll_for(&g, 2), 0);
	assert_int_equal(guest_u32(&g, RET), 1);
	assert_int_equal(event(&g, 0, &error), 100);
	assert_int_equal(write(p.in[1], "abc", 3), 3);
	sub_clock(&g, 0, 3600 * NS);
	assert_int_equal(poll_for(&g, 2), 0);
	assert_int_equal(guest_u32(&g, RET), 1);
	assert_int_equal(event(&g, 0, &error), 101);
	assert_int_equal(guest_u64(&g, EVENTS + 16), 3);
	/* A bad one is an event at once. */
	sub_fd(&g, 1, BW_EVENT_FD_WRITE, 0);
	sub_fd(&g, 2, BW_EVENT_FD_WRITE, 99);
	assert_int_equal(poll_for(&g, 3), 0);
	assert_int_equal(guest_u32(&g, RET), 2);
	event(&g, 0, &error);
	assert_int_equal(error, BW_ENOTCAPABLE);
	event(&g, 1, &error);
	assert_int_equal(error, BW_EBADF);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_poll__fixed_clock__sleeps_in_no_time(void **state)
{
	struct bw_wasi_config c = { .clock = BW_CLOCK_FIXED };
	struct guest g;

	(void)state;
	start(&g, &c);
	sub_clock(&g, 0, 86400 * NS);
	sub_clock(&g, 1, 2 * 86400 * NS);
	assert_int_equal(poll_for(&g, 2), 0);
	assert_int_equal(guest_u32(&g, RET), 1);
	assert_int_equal(now_of(&g, BW_CLOCKID_MONOTONIC), 86400 * NS);
	guest_close(&g);
}

static volatile sig_atomic_t flag;

static void on_alarm(int sig)
{
	(void)sig;
	flag = 1;
}

/* Every way to wait without end, ended by a signal and by a deadline. */
static void wait_ways(struct guest *g, int way)
{
	vec(g, 8);
	sub_clock(g, 0, 3600 * NS);
	sub_fd(g, 1, BW_EVENT_FD_READ, 0);
	assert_int_equal(way == 0   ? CALL(g, fd_read, 0, VEC, 1, RET)
			 : way == 1 ? poll_for(g, 1)
				    : poll_for(g, 2),
			 -BW_TRAPPED);
}

static void interrupted_in(struct bw_wasi_config *c, bool by_signal, int way)
{
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct bw_trap_info info;
	struct guest g;

	flag = 0;
	c->interrupt = by_signal ? &flag : NULL;
	c->deadline_ns = 0;
	if (!by_signal) {
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		c->deadline_ns = (uint64_t)ts.tv_sec * NS +
				 (uint64_t)ts.tv_nsec + 20000000;
	}
	start(&g, c);
	if (by_signal)
		setitimer(ITIMER_REAL, &soon, NULL);
	wait_ways(&g, way);
	bw_trap_info(g.store, &info);
	assert_int_equal(info.trap, BW_TRAP_INTERRUPTED);
	guest_close(&g);
}

static void test_wasi_wait__signal_or_deadline__ends(void **state)
{
	struct sigaction act = { .sa_handler = on_alarm,
				 .sa_flags = SA_RESTART };
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	int way;

	(void)state;
	sigaction(SIGALRM, &act, NULL);
	for (way = 0; way < 3; way++) {
		interrupted_in(&c, true, way);
		interrupted_in(&c, false, way);
	}
	signal(SIGALRM, SIG_DFL);
	unpipe(&p);
}

/* A writer whose reader does not read: the flag is heard although more is
 * written than the pipe holds. */
static void test_wasi_write__full_pipe__interrupted(void **state)
{
	struct sigaction act = { .sa_handler = on_alarm,
				 .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value = { 0, 50000 } };
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	int i, got = 0;

	(void)state;
	sigaction(SIGALRM, &act, NULL);
	flag = 0;
	c.interrupt = &flag;
	start(&g, &c);
	setitimer(ITIMER_REAL, &soon, NULL);
	for (i = 0; i < 1000 && got == 0; i++) {
		vec(&g, 100000);
		got = CALL(&g, fd_write, 1, VEC, 1, RET);
	}
	assert_int_equal(got, -BW_TRAPPED);
	signal(SIGALRM, SIG_DFL);
	guest_close(&g);
	unpipe(&p);
}

/* --- suspension ----------------------------------------------------------- */

static int resume(struct guest *g)
{
	uint64_t result[1] = { 0 };
	enum bw_outcome outcome = BW_DONE;
	int rc = bw_resume(g->store, result, 1, &outcome, NULL);

	return guest_outcome(rc, outcome, result[0]);
}

static void test_wasi_suspend__instead_of_waiting(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct pollfd fds[4];
	struct guest g;
	uint64_t until, fuel;

	(void)state;
	fcntl(p.in[0], F_SETFL, O_NONBLOCK);
	c.stream[0].flags |= BW_STREAM_SUSPEND;
	start(&g, &c);
	bw_fuel_set(g.store, 1000000);
	vec(&g, 8);
	assert_int_equal(CALL(&g, fd_read, 0, VEC, 1, RET), -BW_SUSPENDED);
	assert_int_equal(bw_wasi_wait(g.wasi, fds, 4, &until), 1);
	assert_int_equal(fds[0].events, POLLIN);
	assert_int_equal(until, 0);
	assert_int_equal(poll(fds, 1, 0), 0);
	fuel = bw_fuel_used(g.store);
	assert_int_equal(resume(&g), -BW_SUSPENDED);
	/* However often it is asked, it costs the same. */
	assert_int_equal(bw_fuel_used(g.store), fuel);
	assert_int_equal(write(p.in[1], "abc", 3), 3);
	assert_int_equal(poll(fds, 1, 0), 1);
	assert_int_equal(resume(&g), 0);
	assert_int_equal(guest_u32(&g, RET), 3);
	/* poll_oneoff: the time counts from its first call. */
	sub_clock(&g, 0, 30000000);
	sub_fd(&g, 1, BW_EVENT_FD_READ, 0);
	assert_int_equal(poll_for(&g, 2), -BW_SUSPENDED);
	assert_int_equal(bw_wasi_wait(g.wasi, fds, 4, &until), 1);
	assert_true(until != 0);
	while (resume(&g) != 0)
		usleep(1000);
	assert_int_equal(guest_u32(&g, RET), 1);
	guest_close(&g);
	unpipe(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wasi_clock__policies),
		cmocka_unit_test(
			test_wasi_random__seeded_repeats__real_does_not),
		cmocka_unit_test(test_wasi_poll__ready_clock_error),
		cmocka_unit_test(
			test_wasi_poll__fixed_clock__sleeps_in_no_time),
		cmocka_unit_test(test_wasi_wait__signal_or_deadline__ends),
		cmocka_unit_test(test_wasi_write__full_pipe__interrupted),
		cmocka_unit_test(test_wasi_suspend__instead_of_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
