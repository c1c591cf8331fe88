/* SPDX-License-Identifier: MIT */
/* State files and records: what is written is read back, what is not ours is
 * not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/session.h"

struct place {
	char dir[64];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "/tmp/bvisor-session.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", p->dir);
	if (system(cmd) != 0)
		return -1;
	free(p);
	return 0;
}

static struct bvh_session_state example(const char *id, uint64_t opened)
{
	struct bvh_session_state s = {
		.user = "al ice\\\"\n\xc3\xa9",
		.policy = "restricted",
		.service = "sshd",
		.tty = "ssh",
		.rhost = "192.0.2.7",
		.leaf = "/sys/fs/cgroup/bvisor/session-x",
		.leader_pid = 4711,
		.leader_start = 99999999999,
		.guardian_pid = 4712,
		.guardian_start = 123,
		.opened_unix_us = opened,
	};

	snprintf(s.id, sizeof(s.id), "%s", id);
	memset(s.plan_id, 'a', BV_PLAN_ID_LEN);
	return s;
}

static void test_state__round_trip__equal(void **state)
{
	const struct place *p = *state;
	struct bvh_session_state in = example("0123456789abcdef", 77);
	struct bvh_session_state out;
	struct bv_err err = { 0 };

	assert_int_equal(bvh_session_write(p->dir, &in, &err), BV_OK);
	assert_int_equal(bvh_session_read(p->dir, in.id, &out, &err), BV_OK);
	assert_string_equal(in.id, out.id);
	assert_string_equal(in.plan_id, out.plan_id);
	assert_string_equal(in.user, out.user);
	assert_string_equal(in.leaf, out.leaf);
	assert_int_equal(in.leader_pid, out.leader_pid);
	assert_true(in.leader_start == out.leader_start);
	assert_int_equal(in.guardian_pid, out.guardian_pid);
	assert_true(in.opened_unix_us == out.opened_unix_us);
	assert_int_equal(bvh_session_remove(p->dir, in.id, &err), BV_OK);
	assert_int_equal(bvh_session_remove(p->dir, in.id, &err), BV_OK);
	/* Nor is there anything of it where no session has been since the boot. */
	assert_int_equal(bvh_session_remove("/proc/none", in.id, &err), BV_OK);
	assert_int_equal(bvh_session_read(p->dir, in.id, &out, &err), BV_E_SYS);
}

static void
test_state__name_that_is_not_utf8__written_all_the_same(void **state)
{
	const struct place *p = *state;
	struct bvh_session_state in = example("0123456789abcdef", 77);
	struct bvh_session_state out;
	struct bv_err err = { 0 };

	snprintf(in.user, sizeof(in.user), "a\xff\xfe");
	assert_int_equal(bvh_session_write(p->dir, &in, &err), BV_OK);
	assert_int_equal(bvh_session_read(p->dir, in.id, &out, &err), BV_OK);
	assert_string_equal(out.user, "a??");
}

static void test_state__bad_id__refused(void **state)
{
	static const char *const bad[] = { "", "../etc/passwd",
					   "0123456789abcdeg",
					   "0123456789ABCDEF", "0123" };
	const struct place *p = *state;
	struct bvh_session_state s;

	for (size_t i = 0; i < BV_LEN(bad); i++)
		assert_int_equal(bvh_session_read(p->dir, bad[i], &s, NULL),
				 BV_E_INVAL);
}

static void test_list__oldest_first_and_torn_files_left_out(void **state)
{
	const struct place *p = *state;
	struct bvh_session_state a = example("000000000000000a", 300);
	struct bvh_session_state b = example("000000000000000b", 100);
	struct bvh_session_state c = example("000000000000000c", 200);
	struct bvh_session_state *all = NULL;
	struct bv_err err = { 0 };
	char path[128];
	size_t n = 0;
	FILE *f;

	assert_int_equal(bvh_session_list(p->dir, &all, &n, &err), BV_OK);
	assert_int_equal(n, 0);
	assert_int_equal(bvh_session_write(p->dir, &a, &err), BV_OK);
	assert_int_equal(bvh_session_write(p->dir, &b, &err), BV_OK);
	assert_int_equal(bvh_session_write(p->dir, &c, &err), BV_OK);
	snprintf(path, sizeof(path), "%s/sessions/000000000000000d.json",
		 p->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("{\"id\":\"000000000000000d\"", f);
	fclose(f);
	assert_int_equal(bvh_session_list(p->dir, &all, &n, &err), BV_OK);
	assert_int_equal(n, 3);
	assert_string_equal(all[0].id, b.id);
	assert_string_equal(all[1].id, c.id);
	assert_string_equal(all[2].id, a.id);
	free(all);
}

static void test_directory__writable_by_others__not_used(void **state)
{
	const struct place *p = *state;
	struct bvh_session_state s = example("0123456789abcdef", 77);
	struct bv_err err = { 0 };

	assert_int_equal(chmod(p->dir, 0777), 0);
	assert_int_equal(bvh_session_write(p->dir, &s, &err), BV_E_CONF);
	assert_non_null(strstr(err.msg, "0777"));
}

static void test_new_id__sixteen_hex_digits_and_never_twice(void **state)
{
	char a[BV_SESSION_ID_LEN + 1];
	char b[BV_SESSION_ID_LEN + 1];

	(void)state;
	assert_int_equal(bvh_session_new_id(a, NULL), BV_OK);
	assert_int_equal(bvh_session_new_id(b, NULL), BV_OK);
	assert_int_equal(strspn(a, "0123456789abcdef"), BV_SESSION_ID_LEN);
	assert_string_not_equal(a, b);
}

static void test_proc_start__same_process_same_number(void **state)
{
	uint64_t a = 0;
	uint64_t b = 0;

	(void)state;
	assert_int_equal(bvh_proc_start(getpid(), &a, NULL), BV_OK);
	assert_int_equal(bvh_proc_start(getpid(), &b, NULL), BV_OK);
	assert_true(a > 0 && a == b);
	assert_int_not_equal(bvh_proc_start(INT32_MAX, &a, NULL), BV_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_state__round_trip__equal,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_state__name_that_is_not_utf8__written_all_the_same,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_state__bad_id__refused,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_list__oldest_first_and_torn_files_left_out, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_directory__writable_by_others__not_used, set_up,
			tear_down),
		cmocka_unit_test(
			test_new_id__sixteen_hex_digits_and_never_twice),
		cmocka_unit_test(test_proc_start__same_process_same_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
