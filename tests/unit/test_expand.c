/* SPDX-License-Identifier: MIT */
/* ~, %u, %U, %h for one subject, and the plain shape of the result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy_parse.h"
#include "core/spec.h"

static const struct bv_subject alice = {
	.user = "alice",
	.uid = 1000,
	.gid = 100,
	.home = "/home/alice",
	.shell = "/bin/sh",
	.service = "sshd",
	.tty = "ssh",
	.rhost = "",
};

static int expand(const char *text, const struct bv_subject *who, char *ret,
		  struct bv_err *err)
{
	const char *untouched = "untouched";
	const char *got = untouched;
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, 8192);
	code = bv_expand_path(&arena, text, who, &got, err);
	assert_true((got == untouched) == (code != BV_OK));
	strcpy(ret, got);
	bv_arena_done(&arena);
	return code;
}

static void test_expand__text__absolute_and_plain(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "/srv", "/srv" },
		{ "/", "/" },
		{ "///", "/" },
		{ "/.", "/" },
		{ "/./", "/" },
		{ "/srv/", "/srv" },
		{ "//srv//x///", "/srv/x" },
		{ "/./srv/./x/.", "/srv/x" },
		{ "/...", "/..." },
		{ "/..a/b..", "/..a/b.." },
		{ "/.a", "/.a" },
		{ "~", "/home/alice" },
		{ "~/", "/home/alice" },
		{ "~/.ssh", "/home/alice/.ssh" },
		{ "~//x", "/home/alice/x" },
		{ "%h", "/home/alice" },
		{ "%h/x", "/home/alice/x" },
		{ "/jail%h", "/jail/home/alice" },
		{ "/srv/%u", "/srv/alice" },
		{ "/srv/%u-%U", "/srv/alice-1000" },
		{ "/run/user/%U/x", "/run/user/1000/x" },
		{ "/a%%b", "/a%b" },
		{ "/a%%u", "/a%u" },
		{ "/a%%%u", "/a%alice" },
		{ "/x~", "/x~" },
		{ "/x/~/y", "/x/~/y" },
		{ "/a b/\xc3\xa4", "/a b/\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_err err = { 0 };
		char got[4200];

		if (expand(cases[i].text, &alice, got, &err) != BV_OK)
			fail_msg("'%s': %s", cases[i].text, err.msg);
		assert_string_equal(got, cases[i].want);
		assert_int_equal(bv_path_check(cases[i].text, &err), BV_OK);
	}
}

static void test_expand__wrong_text__refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "'': not an absolute path" },
		{ "srv", "'srv': not an absolute path" },
		{ "./srv", "'./srv': not an absolute path" },
		{ "%u/x", "'%u/x': not an absolute path" },
		{ "%%/x", "'%%/x': not an absolute path" },
		{ "~bob", "'~bob': '~' stands alone or before '/'" },
		{ "~%u", "'~%u': '~' stands alone or before '/'" },
		{ "/..", "'/..': the path holds '..'" },
		{ "/a/../b", "'/a/../b': the path holds '..'" },
		{ "~/..", "'~/..': the path holds '..'" },
		{ "/a/..", "'/a/..': the path holds '..'" },
		{ "/%x", "'/%x': unknown escape; known: %u %U %h %%" },
		{ "/% u", "'/% u': unknown escape; known: %u %U %h %%" },
		{ "/a%", "'/a%': '%' ends the path; '%%' is one '%'" },
		{ "/a%%%", "'/a%%%': '%' ends the path; '%%' is one '%'" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_err err = { 0 };
		char got[64];

		assert_int_equal(expand(cases[i].text, &alice, got, &err),
				 BV_E_CONF);
		assert_string_equal(err.msg, cases[i].says);
		/* and already when the policy is read */
		assert_int_equal(bv_path_check(cases[i].text, NULL), BV_E_CONF);
	}
}

static void test_expand__home__must_be_a_place_of_its_own(void **state)
{
	static const struct {
		const char *home, *text;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "/home/alice/", "~/x", "/home/alice/x" },
		{ "/h%u", "~", "/h%u" }, /* not expanded again */
		{ "/h%u", "%h/%u", "/h%u/alice" },
		{ "/.", "/srv", "/srv" },
		{ "", "/srv", "/srv" }, /* unused: no matter */
		{ "", "~", NULL },
		{ "", "/x%h", NULL },
		{ "home", "~", NULL },
		{ "~", "~", NULL },
		{ "/", "~", NULL },
		{ "/", "~/x", NULL },
		{ "/", "/jail%h", NULL },
		{ "//./", "~", NULL },
		{ "/a/../..", "~", NULL },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_subject who = alice;
		struct bv_err err = { 0 };
		char got[64];
		int code;

		who.home = cases[i].home;
		code = expand(cases[i].text, &who, got, &err);
		if ((code == BV_OK) != (cases[i].want != NULL))
			fail_msg("case %zu: %d %s", i, code, err.msg);
		if (cases[i].want != NULL)
			assert_string_equal(got, cases[i].want);
	}
}

static void test_expand__home__error_names_the_user(void **state)
{
	static const char *const homes[] = { "", "home/alice", "/" };

	(void)state;
	for (size_t i = 0; i < BV_LEN(homes); i++) {
		struct bv_subject who = alice;
		struct bv_err err = { 0 };
		char got[64];

		who.home = homes[i];
		assert_int_equal(expand("~", &who, got, &err), BV_E_CONF);
		assert_non_null(strstr(err.msg, "user 'alice'"));
	}
}

static void test_expand__user_name__one_component(void **state)
{
	static const struct {
		const char *user;
		bool ok;
	} cases[] = {
		{ "alice", true },       { "DOM\\al ice", true },
		{ "a@b.example", true }, { "..x", true },
		{ "%U", true },          { "", false },
		{ ".", false },          { "..", false },
		{ "../../etc", false },  { "a/b", false },
		{ "/", false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_subject who = alice;
		struct bv_err err = { 0 };
		char got[64], want[64] = "/srv/";

		who.user = cases[i].user;
		if ((expand("/srv/%u", &who, got, &err) == BV_OK) !=
		    cases[i].ok)
			fail_msg("user '%s'", who.user);
		strcat(want, who.user);
		if (cases[i].ok)
			assert_string_equal(got, want);
		/* also as a part of a component */
		assert_int_equal(expand("/srv/x%u", &who, got, &err) == BV_OK,
				 cases[i].ok);
		/* one that is not used may be anything */
		assert_int_equal(expand("/srv/%U", &who, got, &err), BV_OK);
		assert_string_equal(got, "/srv/1000");
	}
}

static void test_expand__uid__all_of_it(void **state)
{
	struct bv_subject who = alice;
	struct bv_err err = { 0 };
	char got[64];

	(void)state;
	who.uid = UINT32_MAX;
	assert_int_equal(expand("/%U", &who, got, &err), BV_OK);
	assert_string_equal(got, "/4294967295");
}

static void test_expand__length__4095_is_the_last(void **state)
{
	char home[4200];
	char got[4200];

	(void)state;
	for (size_t len = 4094; len <= 4096; len++) {
		struct bv_subject who = alice;
		struct bv_err err = { 0 };

		memset(home, 'h', len);
		home[0] = '/';
		home[len] = '\0';
		who.home = home;
		if (len <= 4095) {
			assert_int_equal(expand("~", &who, got, &err), BV_OK);
			assert_string_equal(got, home);
		} else {
			assert_int_equal(expand("~", &who, got, &err),
					 BV_E_CONF);
		}
		if (len == 4094) {
			assert_int_equal(expand("~/", &who, got, &err), BV_OK);
			assert_int_equal(expand("~/x", &who, got, &err),
					 BV_E_CONF);
		}
	}
}

static void test_expand__arena_full__no_memory(void **state)
{
	const char *got = NULL;
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 8);
	assert_int_equal(bv_expand_path(&arena, "~/x", &alice, &got, &err),
			 BV_E_NOMEM);
	assert_null(got);
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand__text__absolute_and_plain),
		cmocka_unit_test(test_expand__wrong_text__refused),
		cmocka_unit_test(test_expand__home__must_be_a_place_of_its_own),
		cmocka_unit_test(test_expand__home__error_names_the_user),
		cmocka_unit_test(test_expand__user_name__one_component),
		cmocka_unit_test(test_expand__uid__all_of_it),
		cmocka_unit_test(test_expand__length__4095_is_the_last),
		cmocka_unit_test(test_expand__arena_full__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
