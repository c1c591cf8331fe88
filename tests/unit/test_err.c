/* SPDX-License-Identifier: MIT */
/* Errors as values: codes, words in front, text that is cut and still ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"

static void test_code_name__all_and_none_beyond(void **state)
{
	static const struct {
		int code;
		const char *name;
	} rows[] = {
		{ BV_OK, "OK" },
		{ BV_E_CONF, "CONF" },
		{ BV_E_INVAL, "INVAL" },
		{ BV_E_SYS, "SYS" },
		{ BV_E_NOMEM, "NOMEM" },
		{ BV_E_PROTO, "PROTO" },
		{ BV_E_LIMIT, "LIMIT" },
		{ BV_E_UNSUPPORTED, "UNSUPPORTED" },
		{ BV_E_TIMEOUT, "TIMEOUT" },
		{ BV_E_BUG, "BUG" },
		{ BV_E_REFUSED, "REFUSED" },
		{ BV_E_REFUSED - 1, "?" },
		{ 1, "?" },
		{ INT32_MIN, "?" },
		{ INT32_MAX, "?" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++)
		assert_string_equal(bv_code_name(rows[i].code), rows[i].name);
}

static void test_fail__says_and_returns(void **state)
{
	struct bv_err err = { .sys_errno = 7 };

	(void)state;
	assert_int_equal(bv_fail(&err, BV_E_CONF, "key '%s'", "x"), BV_E_CONF);
	assert_int_equal(err.code, BV_E_CONF);
	assert_int_equal(err.sys_errno, 0);
	assert_string_equal(err.msg, "key 'x'");
	assert_int_equal(bv_fail(NULL, BV_E_LIMIT, "%d", 1), BV_E_LIMIT);
}

static void test_fail_errno__names_it(void **state)
{
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_fail_errno(&err, ENOENT, "open '%s'", "/x"),
			 BV_E_SYS);
	assert_int_equal(err.code, BV_E_SYS);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.msg,
			    "open '/x': ENOENT (No such file or directory)");
	assert_int_equal(bv_fail_errno(&err, 99999, "x"), BV_E_SYS);
	assert_int_equal(err.sys_errno, 99999);
	assert_string_equal(err.msg, "x: errno (unknown error)");
	assert_int_equal(bv_fail_errno(NULL, EPERM, "x"), BV_E_SYS);
}

static void test_ctx__in_front(void **state)
{
	struct bv_err err = { 0 };

	(void)state;
	(void)bv_fail_errno(&err, EPERM, "mount");
	assert_int_equal(bv_ctx(&err, "policy '%s'", "a"), BV_E_SYS);
	assert_int_equal(bv_ctx(&err, "login"), BV_E_SYS);
	assert_int_equal(err.sys_errno, EPERM);
	assert_string_equal(
		err.msg,
		"login: policy 'a': mount: EPERM (Operation not permitted)");
}

static void test_ctx__without_a_failure__bug(void **state)
{
	struct bv_err err = { .msg = "as it was" };

	(void)state;
	assert_int_equal(bv_ctx(&err, "x"), BV_E_BUG);
	assert_string_equal(err.msg, "as it was");
	assert_int_equal(bv_ctx(NULL, "x"), BV_E_BUG);
}

/* The words in front stay; the rest is cut and ends. The struct is followed by
 * nothing here, so a byte too many is the sanitizers' to see. */
static void test_long_text__cut_and_ended(void **state)
{
	char text[2 * BV_ERR_MSG_MAX];
	struct bv_err err = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)bv_fail(&err, BV_E_INVAL, "%s", text);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	assert_int_equal(bv_ctx(&err, "first"), BV_E_INVAL);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	assert_memory_equal(err.msg, "first: aaa", 10);
	assert_int_equal(bv_ctx(&err, "%s", text), BV_E_INVAL);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
	assert_memory_equal(err.msg, text, BV_ERR_MSG_MAX - 1);
	(void)bv_fail_errno(&err, EPERM, "%s", text);
	assert_int_equal(strlen(err.msg), BV_ERR_MSG_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_name__all_and_none_beyond),
		cmocka_unit_test(test_fail__says_and_returns),
		cmocka_unit_test(test_fail_errno__names_it),
		cmocka_unit_test(test_ctx__in_front),
		cmocka_unit_test(test_ctx__without_a_failure__bug),
		cmocka_unit_test(test_long_text__cut_and_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
