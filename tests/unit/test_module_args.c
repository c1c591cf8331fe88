/* SPDX-License-Identifier: MIT */
/*
 * The words of the PAM line. As test_module.c: the guardian is
 * tests/unit/fake_guardian.c, which says what it was asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "tests/unit/module_call.h"

static void test_arguments__become_flags_of_the_request(void **state)
{
	(void)state;
	stage_service("quiet");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_true(stage_log_has("request admit 0x20 "));
	stage_service("exec_boundary=forcecommand debug");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_true(stage_log_has("request admit 0xc0 "));
	assert_int_equal(heard->log_lines, 1);
	assert_non_null(strstr(heard->log, "no policy matches"));
	stage_service("deadline=7 quiet");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_true(stage_log_has("request admit 0x7000020 "));
	stage_service("deadline=60");
	assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
	assert_true(stage_log_has("request admit 0x3c000000 "));
}

static void test_exempt__in_whatever_is_broken(void **state)
{
	static const char *const in[] = { "exempt=daemon", "exempt=@daemon",
					  "exempt=nobody exempt=daemon",
					  "no_such_word exempt=daemon" };
	static const char *const out[] = { "exempt=nobody",   "exempt=daemo",
					   "exempt=@nogroup", "exempt=@",
					   "exempt=",         "exempt=@daemo" };

	(void)state;
	assert_int_equal(unlink(STAGE_HELPER), 0);
	for (size_t i = 0; i < LEN(in); i++) {
		stage_service(in[i]);
		assert_int_equal(call(ACCOUNT, USER, 0), PAM_SUCCESS);
		assert_int_equal(call(SESSION, USER, 0), PAM_SUCCESS);
		assert_int_equal(heard->log_lines, 0);
	}
	for (size_t i = 0; i < LEN(out); i++) {
		stage_service(out[i]);
		assert_int_equal(call(ACCOUNT, USER, 0), PAM_SYSTEM_ERR);
		assert_int_equal(call(SESSION, USER, 0), PAM_SESSION_ERR);
	}
}

static void test_unknown_argument__refuses_all_but_root(void **state)
{
	static const char *const words[] = { "debgu",
					     "exempt",
					     "exempt=",
					     "exempt=@",
					     "exec_boundary=shell",
					     "quiet=1",
					     "deadline",
					     "deadline=",
					     "deadline=0",
					     "deadline=00",
					     "deadline=61",
					     "deadline=100",
					     "deadline=5s",
					     "deadline=-1" };

	(void)state;
	for (size_t i = 0; i < LEN(words); i++) {
		stage_service(words[i]);
		assert_int_equal(call(ACCOUNT, USER, 0), PAM_SYSTEM_ERR);
		assert_int_equal(call(SESSION, USER, 0), PAM_SESSION_ERR);
		assert_int_equal(heard->log_lines, 1);
		assert_int_equal(heard->user_lines, 1);
		assert_non_null(strstr(heard->log, words[i]));
		assert_int_equal(call(SESSION, "root", 0), PAM_SUCCESS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_arguments__become_flags_of_the_request),
		TEST(test_exempt__in_whatever_is_broken),
		TEST(test_unknown_argument__refuses_all_but_root),
	};

	return cmocka_run_group_tests(tests, stage_build, NULL);
}
