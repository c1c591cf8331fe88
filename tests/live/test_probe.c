/* SPDX-License-Identifier: MIT */
/* The facts of the probe against what this kernel shows by another way. */
#include "tests/live/live_cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>

#include "helper/probe.h"
#include "helper/sys.h"

static char base_path[PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	live_base_path(base_path, sizeof(base_path), "probe");
	return 0;
}

static void test_probe__facts__are_the_kernels(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_snapshot snap;
	struct bv_err err = { 0 };
	struct utsname uts;
	char file[PATH_MAX + 32];

	(void)state;
	live_base_open(base_path, &base);
	assert_int_equal(bvh_probe(&base, "none", &snap, &err), BV_OK);
	assert_int_equal(uname(&uts), 0);
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_KERNEL),
			    uts.release);
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_ARCH), uts.machine);
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_CGROUP_BASE),
			    base_path);
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_CGROUP_SOURCE),
			    "configured");
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_EXEC_BOUNDARY),
			    "none");
	snprintf(file, sizeof(file), "%s/guardians/pids.max", base_path);
	assert_int_equal(
		bv_snapshot_has_word(&snap, BV_FACT_CGROUP_CTRL, "pids"),
		access(file, F_OK) == 0);
	snprintf(file, sizeof(file), "%s/guardians/cgroup.kill", base_path);
	assert_int_equal(bv_snapshot_is(&snap, BV_FACT_CGROUP_KILL),
			 access(file, F_OK) == 0);
	assert_true(bv_snapshot_is(&snap, BV_FACT_PRIVILEGED));
	bvh_cgroup_base_done(&base);
	live_base_remove(base_path);
}

static int use_abi(void *arg)
{
	/* a right the next ABI would bring is refused by this kernel */
	static const uint64_t newest[] = { 0,
					   BVH_LL_FS_MAKE_SYM,
					   BVH_LL_FS_REFER,
					   BVH_LL_FS_TRUNCATE,
					   0, /* network */
					   BVH_LL_FS_IOCTL_DEV };
	int abi = *(int *)arg;
	struct bvh_ll_ruleset_attr attr = { .handled_access_fs =
						    BVH_LL_FS_EXECUTE };

	for (int i = 1; i <= abi && i < 6; i++)
		attr.handled_access_fs |= newest[i];
	if (abi >= 6)
		attr.scoped = BVH_LL_SCOPE_SIGNAL;
	return LIVE_ERRNO(bvh_sys_landlock_create(&attr, sizeof(attr), 0));
}

static void test_probe__landlock_abi__usable_and_not_more(void **state)
{
	int abi = bvh_probe_landlock_abi();
	int more = abi + 1;

	(void)state;
	LIVE_NEED(abi > 0, "landlock");
	assert_int_equal(live_child(use_abi, &abi), 0);
	if (more == 2 || more == 3 || more == 5 || more == 6)
		assert_int_not_equal(live_child(use_abi, &more), 0);
}

static int try_unshare(void *arg)
{
	return LIVE_ERRNO(unshare(*(int *)arg));
}

static void check_namespaces(const struct bv_snapshot *snap, int extra)
{
	int mount = CLONE_NEWNS | extra, net = CLONE_NEWNET | extra;

	assert_int_equal(bv_snapshot_is(snap, BV_FACT_NS_MOUNT),
			 live_child(try_unshare, &mount) == 0);
	assert_int_equal(bv_snapshot_is(snap, BV_FACT_NS_NET),
			 live_child(try_unshare, &net) == 0);
}

static void test_probe__namespaces__are_there_when_said(void **state)
{
	struct bvh_cgroup_base base;
	struct bv_snapshot snap;

	(void)state;
	bvh_cgroup_base_init(&base);
	assert_int_equal(bvh_probe(&base, "run", &snap, NULL), BV_OK);
	check_namespaces(&snap, 0);
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_CGROUP_BASE), "");
	assert_string_equal(bv_snapshot_get(&snap, BV_FACT_CGROUP_SOURCE),
			    "none");
}

static int probe_as_user(void *arg)
{
	struct bvh_cgroup_base base;
	struct bv_snapshot snap;
	int user = CLONE_NEWUSER;

	(void)arg;
	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	bvh_cgroup_base_init(&base);
	if (bvh_probe(&base, "run", &snap, NULL) != BV_OK)
		return 2;
	if (bv_snapshot_is(&snap, BV_FACT_PRIVILEGED))
		return 3;
	return bv_snapshot_is(&snap, BV_FACT_NS_USER) ==
			       (live_child(try_unshare, &user) == 0)
		       ? 0
		       : 4;
}

static void test_probe__ordinary_user__knows_it(void **state)
{
	(void)state;
	assert_int_equal(live_child(probe_as_user, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe__facts__are_the_kernels),
		cmocka_unit_test(test_probe__landlock_abi__usable_and_not_more),
		cmocka_unit_test(test_probe__namespaces__are_there_when_said),
		cmocka_unit_test(test_probe__ordinary_user__knows_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
