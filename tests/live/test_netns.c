/* SPDX-License-Identifier: MIT */
/* The session's empty network namespace, from inside. */
#include "tests/live/live.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "helper/view.h"

static int count_interfaces(void)
{
	struct if_nameindex *list = if_nameindex();
	int n = 0, fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq lo = { .ifr_name = "lo" };

	for (struct if_nameindex *i = list; i != NULL && i->if_index != 0; i++)
		n++;
	if_freenameindex(list);
	if (ioctl(fd, SIOCGIFFLAGS, &lo) != 0 || (lo.ifr_flags & IFF_UP) != 0)
		return 200;
	return n;
}

static int enter_and_count(void *arg)
{
	return setns(*(int *)arg, CLONE_NEWNET) != 0 ? 254 : count_interfaces();
}

static void test_netns__empty__only_lo_and_down(void **state)
{
	struct stat before, after;
	struct bv_err err = { 0 };
	int fd = -1;

	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	assert_int_equal(stat("/proc/self/ns/net", &before), 0);
	assert_int_equal(bvh_netns_open(&fd, &err), BV_OK);
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(live_child(enter_and_count, &fd), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netns__empty__only_lo_and_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
