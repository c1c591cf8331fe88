/* SPDX-License-Identifier: MIT */
/* The second layer of an allow list: tcp ports by landlock, without any program
 * on a cgroup. */
#include "tests/live/live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "helper/landlock.h"
#include "helper/probe.h"
#include "helper/sys.h"

struct attempt {
	int ruleset_fd;
	bool binds;
	uint16_t port;
};

static int attempt(void *arg)
{
	const struct attempt *a = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(a->port) };
	int fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (a->ruleset_fd >= 0 &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	     bvh_sys_landlock_restrict(a->ruleset_fd, 0) != 0))
		return 254;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	return LIVE_ERRNO((a->binds ? bind : connect)(
		fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int ruleset(enum bv_network network, const struct bv_net_peer *peer,
		   size_t n, int abi)
{
	static const struct bv_policy policy = { .name = "p", .path = "p" };
	static const struct bv_subject who = {
		.user = "nobody",
		.uid = 65534,
		.gid = 65534,
		.home = "/nonexistent",
		.shell = "/bin/sh",
		.service = "test",
		.tty = "",
		.rhost = "",
	};
	const struct bv_spec spec = {
		.policy = &policy,
		.subject = &who,
		.base = BV_BASE_SYSTEM,
		.network = network,
		.net = { .peer = peer, .n = n },
	};
	struct bv_err err = { 0 };
	int fd = -1;

	if (bvh_landlock_build(&spec, abi, &fd, NULL, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return fd;
}

static int tried(int fd, bool binds, uint16_t port)
{
	struct attempt a = { fd, binds, port };

	return live_child(attempt, &a);
}

/* Nobody listens at these ports: ECONNREFUSED is what gets as far as that. */
static void test_ports__of_the_list_and_no_other(void **state)
{
	const struct bv_net_peer peer[] = {
		{ .bits = 128, .proto = BV_NET_TCP, .port = 9 },
		{ .bits = 128, .proto = BV_NET_UDP, .port = 11 },
	};
	int fd;

	(void)state;
	LIVE_NEED(bvh_probe_landlock_abi() >= 4, "landlock ABI 4");
	fd = ruleset(BV_NETWORK_LIST, peer, BV_LEN(peer),
		     bvh_probe_landlock_abi());
	assert_int_equal(tried(-1, false, 11), ECONNREFUSED);
	assert_int_equal(tried(fd, false, 9), ECONNREFUSED);
	assert_int_equal(tried(fd, false, 11), EACCES);
	assert_int_equal(tried(fd, true, 0), 0);
	assert_int_equal(tried(fd, true, 9), EACCES);
	close(fd);
}

static void test_ports__any__only_binding_is_left(void **state)
{
	const struct bv_net_peer peer[] = {
		{ .bits = 128, .proto = BV_NET_TCP, .port = 0 },
	};
	int fd;

	(void)state;
	LIVE_NEED(bvh_probe_landlock_abi() >= 4, "landlock ABI 4");
	fd = ruleset(BV_NETWORK_LIST, peer, 1, bvh_probe_landlock_abi());
	assert_int_equal(tried(fd, false, 11), ECONNREFUSED);
	assert_int_equal(tried(fd, true, 9), EACCES);
	close(fd);
	/* No list, no rule of it. */
	fd = ruleset(BV_NETWORK_OPEN, NULL, 0, bvh_probe_landlock_abi());
	assert_int_equal(tried(fd, false, 11), ECONNREFUSED);
	assert_int_equal(tried(fd, true, 9), 0);
	close(fd);
	/* A kernel before ABI 4 is not asked for what it does not know. */
	fd = ruleset(BV_NETWORK_LIST, peer, 1, 3);
	assert_int_equal(tried(fd, true, 9), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports__of_the_list_and_no_other),
		cmocka_unit_test(test_ports__any__only_binding_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
