/* SPDX-License-Identifier: MIT */
/* Descriptors over a socket: just as many as were agreed on, or none; what else
 * comes is closed, and a message that was cut is no message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/pass.h"

static int pair[2];

static int set_up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void send_ok(size_t n)
{
	const int fds[BVH_PASS_MAX] = { pair[0], pair[1], pair[0], pair[1] };
	struct bv_err err = { 0 };

	if (bvh_pass_send(pair[0], "text", 4, fds, n, &err) != BV_OK)
		fail_msg("%s", err.msg);
}

static void test_each_number__arrives(void **state)
{
	char text[4];
	int fds[BVH_PASS_MAX];
	struct stat sent, came;

	(void)state;
	for (size_t n = 0; n <= BVH_PASS_MAX; n++) {
		send_ok(n);
		assert_int_equal(bvh_pass_receive(pair[1], 0, text, 4, fds, n),
				 4);
		assert_memory_equal(text, "text", 4);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(fstat(pair[i % 2], &sent), 0);
			assert_int_equal(fstat(fds[i], &came), 0);
			assert_int_equal(sent.st_ino, came.st_ino);
			assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
			close(fds[i]);
		}
	}
}

static void test_another_number__none_is_taken_or_kept(void **state)
{
	const size_t before = open_files();
	char text[4];
	int fds[BVH_PASS_MAX];

	(void)state;
	for (size_t sent = 0; sent <= BVH_PASS_MAX; sent++) {
		for (size_t wanted = 0; wanted <= BVH_PASS_MAX; wanted++) {
			if (sent == wanted)
				continue;
			send_ok(sent);
			assert_int_equal(bvh_pass_receive(pair[1], 0, text, 4,
							  fds, wanted),
					 4);
			for (size_t i = 0; i < wanted; i++)
				assert_int_equal(fds[i], -1);
			assert_int_equal(open_files(), before);
		}
	}
}

static void test_cut__is_no_message(void **state)
{
	const size_t before = open_files();
	char text[3];
	int fd = 0;

	(void)state;
	send_ok(1);
	assert_int_equal(bvh_pass_receive(pair[1], 0, text, 3, &fd, 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(fd, -1);
	assert_int_equal(open_files(), before);
}

static void test_nothing_there__says_so(void **state)
{
	char text[4];
	int fd = 0;

	(void)state;
	assert_int_equal(
		bvh_pass_receive(pair[1], MSG_DONTWAIT, text, 4, &fd, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fd, -1);
	shutdown(pair[0], SHUT_WR);
	assert_int_equal(bvh_pass_receive(pair[1], 0, text, 4, &fd, 1), 0);
	assert_int_equal(fd, -1);
}

static void test_what_cannot_be_sent__is_an_error(void **state)
{
	const int fds[BVH_PASS_MAX + 1] = { 0 };
	const int bad = -1;
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bvh_pass_send(pair[0], "", 0, NULL, 0, &err),
			 BV_E_BUG);
	assert_int_equal(
		bvh_pass_send(pair[0], "x", 1, fds, BVH_PASS_MAX + 1, &err),
		BV_E_BUG);
	assert_int_equal(bvh_pass_send(pair[0], "x", 1, &bad, 1, &err),
			 BV_E_SYS);
	/* And no signal. */
	close(pair[1]);
	assert_int_equal(bvh_pass_send(pair[0], "x", 1, NULL, 0, &err),
			 BV_E_SYS);
	pair[1] = -1;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_each_number__arrives),
		TEST(test_another_number__none_is_taken_or_kept),
		TEST(test_cut__is_no_message),
		TEST(test_nothing_there__says_so),
		TEST(test_what_cannot_be_sent__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
