/* SPDX-License-Identifier: MIT */
/* WASI: what a guest is given, its descriptors and streams. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/wasi_streams.h"

/* --- arguments ------------------------------------------------------------ */

static void test_wasi_strings__exactly_what_is_given(void **state)
{
	const char *argv[] = { "prog", "", "a b", NULL };
	const char *envp[] = { "A=1", NULL };
	struct bw_wasi_config c = { .argv = argv, .envp = envp };
	struct guest g;

	(void)state;
	start(&g, &c);
	assert_int_equal(CALL(&g, args_sizes_get, RET, RET2), 0);
	assert_int_equal(guest_u32(&g, RET), 3);
	assert_int_equal(guest_u32(&g, RET2), 5 + 1 + 4);
	assert_int_equal(CALL(&g, args_get, RET, TEXT), 0);
	assert_memory_equal(guest_at(&g, TEXT), "prog\0\0a b", 10);
	assert_int_equal(guest_u32(&g, RET), TEXT);
	assert_int_equal(guest_u32(&g, RET + 4), TEXT + 5);
	assert_int_equal(guest_u32(&g, RET + 8), TEXT + 6);
	assert_int_equal(CALL(&g, environ_sizes_get, RET, RET2), 0);
	assert_int_equal(guest_u32(&g, RET), 1);
	assert_int_equal(guest_u32(&g, RET2), 4);
	/* The last byte would lie behind the memory. */
	assert_int_equal(CALL(&g, args_get, RET, GUEST_BYTES - 9), BW_EFAULT);
	assert_int_equal(CALL(&g, args_get, GUEST_BYTES - 11, TEXT), BW_EFAULT);
	assert_int_equal(CALL(&g, args_get, RET, GUEST_BYTES - 10), 0);
	guest_close(&g);
}

static void test_wasi_nothing_given__nothing_open(void **state)
{
	struct bw_wasi_config c = { .stream = {
					    { -1, 0 }, { -1, 0 }, { -1, 0 } } };
	struct guest g;
	uint32_t fd;

	(void)state;
	start(&g, &c);
	assert_int_equal(CALL(&g, args_sizes_get, RET, RET2), 0);
	assert_int_equal(guest_u32(&g, RET), 0);
	/* The host's own descriptors are no numbers of the guest. */
	for (fd = 0; fd < 300; fd++) {
		assert_int_equal(CALL(&g, fd_fdstat_get, fd, RET), BW_EBADF);
		assert_int_equal(CALL(&g, fd_close, fd), BW_EBADF);
	}
	assert_int_equal(CALL(&g, fd_close, UINT32_MAX), BW_EBADF);
	assert_int_equal(CALL(&g, fd_renumber, 0, 1), BW_EBADF);
	guest_close(&g);
}

static void test_wasi_new__bad_configuration__refused(void **state)
{
	struct bw_wasi_preopen p[] = { { "/", -1, true }, { "/", -1, true } };
	struct bw_wasi_config c = { .preopens = p, .npreopens = 1 };
	const char *argv[] = { NULL, NULL };
	char *big = calloc(1, (1 << 20) + 1);
	struct bv_err err = { 0 };
	struct bw_wasi *w;

	(void)state;
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_SYS);
	p[0].fd = open("/proc", O_PATH | O_CLOEXEC);
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_SYS);
	close(p[0].fd);
	p[0].fd = open("/", O_PATH | O_CLOEXEC);
	p[0].guest = "relative";
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_INVAL);
	p[0].guest = "/";
	c.npreopens = 2;
	c.max_fds = 4;
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_LIMIT);
	c = (struct bw_wasi_config){ .argv = argv };
	argv[0] = memset(big, 'x', 1 << 20);
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_LIMIT);
	argv[0] = NULL;
	c.stream[0].fd = p[0].fd; /* a directory */
	assert_int_equal(bw_wasi_new(&c, &w, &err), BV_E_INVAL);
	close(p[0].fd);
	free(big);
}

/* --- streams -------------------------------------------------------------- */

static void test_wasi_streams__only_their_own_way(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	char got[8] = { 0 };

	(void)state;
	start(&g, &c);
	assert_int_equal(write_text(&g, 1, "hello"), 0);
	assert_int_equal(guest_u32(&g, RET), 5);
	assert_int_equal(read(p.out[0], got, sizeof(got)), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(write_text(&g, 0, "x"), BW_ENOTCAPABLE);
	assert_int_equal(CALL(&g, fd_read, 1, VEC, 1, RET), BW_ENOTCAPABLE);
	assert_int_equal(write(p.in[1], "in", 2), 2);
	vec(&g, 8);
	assert_int_equal(CALL(&g, fd_read, 0, VEC, 1, RET), 0);
	assert_int_equal(guest_u32(&g, RET), 2);
	assert_memory_equal(guest_at(&g, TEXT), "in", 2);
	assert_int_equal(CALL(&g, fd_seek, 0, 0, 0, RET), BW_ESPIPE);
	assert_int_equal(CALL(&g, fd_pread, 0, VEC, 1, 0, RET), BW_ENOTCAPABLE);
	assert_int_equal(CALL(&g, fd_filestat_set_size, 1, 0), BW_ENOTCAPABLE);
	/* Closed in the guest, not in the host. */
	assert_int_equal(CALL(&g, fd_close, 1), 0);
	assert_int_equal(write_text(&g, 1, "x"), BW_EBADF);
	assert_int_equal(write(p.out[1], "y", 1), 1);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_stream__not_granted__refused(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;

	(void)state;
	c.stream[0].flags = 0;
	start(&g, &c);
	assert_int_equal(write(p.in[1], "in", 2), 2);
	vec(&g, 8);
	assert_int_equal(CALL(&g, fd_read, 0, VEC, 1, RET), BW_ENOTCAPABLE);
	assert_int_equal(CALL(&g, fd_fdstat_get, 0, RET), 0);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_stream__flags__open_file_untouched(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	int before;

	(void)state;
	before = fcntl(p.in[0], F_GETFL);
	start(&g, &c);
	assert_int_equal(CALL(&g, fd_fdstat_set_flags, 0, BW_FDF_NONBLOCK), 0);
	assert_int_equal(fcntl(p.in[0], F_GETFL), before);
	vec(&g, 8);
	assert_int_equal(CALL(&g, fd_read, 0, VEC, 1, RET), BW_EAGAIN);
	assert_int_equal(CALL(&g, fd_fdstat_set_flags, 1, BW_FDF_APPEND),
			 BW_ENOTSUP);
	assert_int_equal(CALL(&g, fd_fdstat_set_flags, 1, 32), BW_EINVAL);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_output__flood__ends_the_guest(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct bw_wasi_counts n;
	struct bw_trap_info info;
	struct guest g;
	char got[16];

	(void)state;
	c.output_bytes = 10;
	start(&g, &c);
	assert_int_equal(write_text(&g, 1, "1234567"), 0);
	assert_int_equal(guest_u32(&g, RET), 7);
	assert_int_equal(write_text(&g, 1, "abcdefg"), 0);
	assert_int_equal(guest_u32(&g, RET), 3);
	assert_null(bw_wasi_stopped_by(g.wasi));
	assert_int_equal(write_text(&g, 1, "z"), -BW_TRAPPED);
	bw_trap_info(g.store, &info);
	assert_int_equal(info.trap, BW_TRAP_HOST);
	assert_string_equal(bw_wasi_stopped_by(g.wasi),
			    "output limit of 10 bytes reached");
	bw_wasi_counts(g.wasi, &n);
	assert_int_equal(n.output_bytes, 10);
	assert_int_equal(read(p.out[0], got, sizeof(got)), 10);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_vectors__hostile__refused_before_anything(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	const uint32_t over[4] = { TEXT, 4, 0xfffffff0, 0x20 };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct guest g;
	char got[8];

	(void)state;
	c.stream[2] = (struct bw_wasi_stream){ null, BW_STREAM_WRITE };
	start(&g, &c);
	/* The second vector ends past 2^32: nothing of the first is written. */
	memcpy(guest_at(&g, VEC), over, sizeof(over));
	assert_int_equal(CALL(&g, fd_write, 1, VEC, 2, RET), BW_EFAULT);
	assert_int_equal(CALL(&g, fd_write, 1, VEC, 0x20000000, RET),
			 BW_EINVAL);
	assert_int_equal(CALL(&g, fd_write, 1, GUEST_BYTES - 4, 1, RET),
			 BW_EFAULT);
	vec(&g, 4);
	assert_int_equal(CALL(&g, fd_write, 1, VEC, 1, GUEST_BYTES - 3),
			 BW_EFAULT);
	/* Nobody looks at what /dev/null is given: the range alone counts. */
	vec(&g, GUEST_BYTES - TEXT);
	assert_int_equal(CALL(&g, fd_write, 2, VEC, 1, RET), 0);
	vec(&g, GUEST_BYTES - TEXT + 1);
	assert_int_equal(CALL(&g, fd_write, 2, VEC, 1, RET), BW_EFAULT);
	vec(&g, UINT32_MAX);
	assert_int_equal(CALL(&g, fd_write, 2, VEC, 1, RET), BW_EFAULT);
	close(null);
	fcntl(p.out[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(read(p.out[0], got, sizeof(got)), -1);
	assert_int_equal(errno, EAGAIN);
	guest_close(&g);
	unpipe(&p);
}

/* --- descriptors ---------------------------------------------------------- */

static void test_wasi_rights__only_narrower(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	uint64_t base;

	(void)state;
	start(&g, &c);
	assert_int_equal(CALL(&g, fd_fdstat_get, 1, RET), 0);
	base = guest_u64(&g, RET + 8);
	assert_int_equal(
		CALL(&g, fd_fdstat_set_rights, 1, base | BW_R_FD_READ, 0),
		BW_ENOTCAPABLE);
	assert_int_equal(CALL(&g, fd_fdstat_set_rights, 1, base, 1),
			 BW_ENOTCAPABLE);
	assert_int_equal(
		CALL(&g, fd_fdstat_set_rights, 1, base & ~BW_R_FD_WRITE, 0), 0);
	assert_int_equal(write_text(&g, 1, "x"), BW_ENOTCAPABLE);
	assert_int_equal(CALL(&g, fd_fdstat_set_rights, 1, base, 0),
			 BW_ENOTCAPABLE);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_renumber__moves_rights_and_all(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;

	(void)state;
	start(&g, &c);
	assert_int_equal(CALL(&g, fd_renumber, 0, 0), 0);
	assert_int_equal(CALL(&g, fd_renumber, 0, 5), BW_EBADF);
	assert_int_equal(CALL(&g, fd_renumber, 0, 1), 0);
	assert_int_equal(write_text(&g, 1, "x"), BW_ENOTCAPABLE);
	assert_int_equal(write_text(&g, 0, "x"), BW_EBADF);
	assert_int_equal(write(p.in[1], "in", 2), 2);
	vec(&g, 8);
	assert_int_equal(CALL(&g, fd_read, 1, VEC, 1, RET), 0);
	guest_close(&g);
	unpipe(&p);
}

static void test_wasi_sockets__processes__refused(void **state)
{
	struct pipes p;
	struct bw_wasi_config c = piped(&p);
	struct guest g;
	int pair[2];

	(void)state;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c.stream[2] =
		(struct bw_wasi_stream){ pair[0],
					 BW_STREAM_READ | BW_STREAM_WRITE };
	start(&g, &c);
	/* As sshd's streams without a terminal are: for data only. */
	assert_int_equal(write_text(&g, 2, "x"), 0);
	assert_int_equal(CALL(&g, sock_send, 2, VEC, 1, 0, RET), BW_ENOTSUP);
	assert_int_equal(CALL(&g, sock_accept, 2, 0, RET), BW_ENOTSUP);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(CALL(&g, sock_accept, 0, 0, RET), BW_ENOTSOCK);
	assert_int_equal(CALL(&g, sock_recv, 0, VEC, 1, 0, RET, RET2),
			 BW_ENOTSOCK);
	assert_int_equal(CALL(&g, sock_send, 1, VEC, 1, 0, RET), BW_ENOTSOCK);
	assert_int_equal(CALL(&g, sock_shutdown, 1, 3), BW_ENOTSOCK);
	assert_int_equal(CALL(&g, sock_shutdown, 77, 3), BW_EBADF);
	assert_int_equal(CALL(&g, proc_raise, 9), BW_ENOSYS);
	assert_int_equal(CALL(&g, sched_yield, 0), 0);
	assert_int_equal(CALL(&g, proc_exit, 77), -BW_EXITED);
	assert_int_equal(bw_wasi_exit_code(g.wasi), 77);
	guest_close(&g);
	unpipe(&p);
}

/* --- anything at all ------------------------------------------------------ */

/* Every function with every argument at each edge: nothing but an error
 * number, an exit or a trap, and the memory behind stays whole (sanitizers). */
static void test_wasi_hostile__every_function__survived(void **state)
{
	static const uint64_t edges[] = {
		0,          1, 3, GUEST_BYTES - 1, GUEST_BYTES, UINT32_MAX - 7,
		UINT32_MAX,
	};
	struct bw_wasi_preopen pre = { "/", open("/tmp", O_PATH), false };
	struct bw_wasi_config c = { .preopens = &pre,
				    .clock = BW_CLOCK_FIXED,
				    .stream = {
					    { -1, 0 }, { -1, 0 }, { -1, 0 } } };
	uint64_t args[9];
	struct guest g;
	size_t i, k, e, f;

	(void)state;
	start(&g, &c);
	for (i = 0; i < GUEST_FUNCS; i++)
		for (e = 0; e < BV_LEN(edges); e++)
			for (k = 0; k <= guest_params(i); k++) {
				for (f = 0; f < 9; f++)
					args[f] = f == 0 ? 3 : edges[e];
				if (k < guest_params(i))
					args[k] =
						edges[(e + 3) % BV_LEN(edges)];
				assert_true(guest_call_v(&g, i, args) <= 76);
			}
	guest_close(&g);
	close(pre.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wasi_strings__exactly_what_is_given),
		cmocka_unit_test(test_wasi_nothing_given__nothing_open),
		cmocka_unit_test(test_wasi_new__bad_configuration__refused),
		cmocka_unit_test(test_wasi_streams__only_their_own_way),
		cmocka_unit_test(test_wasi_stream__not_granted__refused),
		cmocka_unit_test(test_wasi_stream__flags__open_file_untouched),
		cmocka_unit_test(test_wasi_output__flood__ends_the_guest),
		cmocka_unit_test(
			test_wasi_vectors__hostile__refused_before_anything),
		cmocka_unit_test(test_wasi_rights__only_narrower),
		cmocka_unit_test(test_wasi_renumber__moves_rights_and_all),
		cmocka_unit_test(test_wasi_sockets__processes__refused),
		cmocka_unit_test(test_wasi_hostile__every_function__survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
