/* SPDX-License-Identifier: MIT */
/* What the guardian reads of /proc about limits and terminals, and the names of
 * users' nodes: text only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "helper/limits.h"
#include "helper/tell.h"
#include "helper/usernode.h"

#define HEAD                                                                   \
	"Limit                     Soft Limit           Hard Limit           " \
	"Units     \n"                                                         \
	"Max cpu time              unlimited            unlimited            " \
	"seconds   \n"

static void test_limits__open_files__read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t soft, hard;
	} cases[] = {
		{ HEAD
		  "Max open files            1024                 524288   "
		  "            files     \n",
		  true, 1024, 524288 },
		{ HEAD
		  "Max open files            20                   20 files",
		  true, 20, 20 },
		{ HEAD "Max open files            64     unlimited     files\n",
		  true, 64, UINT64_MAX },
		{ "Max open files            3     4     files\n", true, 3, 4 },
		{ HEAD, false, 0, 0 },
		{ "", false, 0, 0 },
		{ HEAD "Max open files            1024", false, 0, 0 },
		{ HEAD "Max open files            files", false, 0, 0 },
		{ HEAD "Not Max open files            3     4", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		uint64_t soft = 0, hard = 0;

		if (bvh_limits_text_files(cases[i].text, &soft, &hard) !=
			    cases[i].ok ||
		    soft != cases[i].soft || hard != cases[i].hard)
			fail_msg("case %zu", i);
	}
}

static void test_stat__terminal__behind_any_name(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned int nr;
	} cases[] = {
		{ "12 (sh) S 1 12 12 34817 12 4194304 0", true, 34817 },
		{ "12 (sh) S 1 12 12 0 -1 4194304 0", true, 0 },
		{ "12 (a) S 1 1 1 9 (b) S 1 12 12 1026 -1 0", true, 1026 },
		{ "12 (a b) c) R 1 12 12 34816 12 0", true, 34816 },
		{ "12 (sh) S 1 12", false, 7 },
		{ "12 sh S 1 12 12 34817", false, 7 },
		{ "", false, 7 },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		unsigned int nr = cases[i].ok ? 0 : 7;

		if (bvh_stat_terminal(cases[i].text, &nr) != cases[i].ok ||
		    nr != cases[i].nr)
			fail_msg("case %zu: %u", i, nr);
	}
}

static void test_terminal__path__known_kinds_only(void **state)
{
	static const struct {
		unsigned int nr;
		const char *path; /* NULL: none */
	} cases[] = {
		{ 0x8800, "/dev/pts/0" },
		{ 0x8803, "/dev/pts/3" },
		{ 0x88ff, "/dev/pts/255" },
		{ 0x00108800, "/dev/pts/256" },
		{ 0x0401, "/dev/tty1" },
		{ 0x043f, "/dev/tty63" },
		{ 0x0440, "/dev/ttyS0" },
		{ 0x0500, NULL },
		{ 0, NULL },
		{ 0x8900, NULL },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char path[64] = "";

		assert_int_equal(
			bvh_terminal_path(cases[i].nr, path, sizeof(path)),
			cases[i].path != NULL);
		if (cases[i].path != NULL)
			assert_string_equal(path, cases[i].path);
	}
}

static void test_node__names__ours_only(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} cases[] = {
		{ "user-0", true },
		{ "user-1000", true },
		{ "user-1000-reserve", true },
		{ "user-", false },
		{ "user-1000.slice", false },
		{ "user-1000-reserved", false },
		{ "user-1000-", false },
		{ "user-x", false },
		{ "session-1000", false },
		{ "guardians", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		if (bvh_user_node_is(cases[i].name, strlen(cases[i].name)) !=
		    cases[i].is)
			fail_msg("'%s'", cases[i].name);
	}
}

static void test_node__strip__the_last_step_only(void **state)
{
	static const struct {
		const char *path;
		const char *want;
	} cases[] = {
		{ "/bvisor/user-1000", "/bvisor" },
		{ "/bvisor/user-1000-reserve", "/bvisor" },
		{ "/bvisor", "/bvisor" },
		{ "/user-1/bvisor", "/user-1/bvisor" },
		{ "/bvisor/user-1000.slice", "/bvisor/user-1000.slice" },
		{ "/user-7", "" },
		{ "user-7", "user-7" },
		{ "/", "/" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		size_t n = bvh_user_node_strip(cases[i].path,
					       strlen(cases[i].path));

		if (n != strlen(cases[i].want) ||
		    strncmp(cases[i].path, cases[i].want, n) != 0)
			fail_msg("'%s': %zu", cases[i].path, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits__open_files__read),
		cmocka_unit_test(test_stat__terminal__behind_any_name),
		cmocka_unit_test(test_terminal__path__known_kinds_only),
		cmocka_unit_test(test_node__names__ours_only),
		cmocka_unit_test(test_node__strip__the_last_step_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
