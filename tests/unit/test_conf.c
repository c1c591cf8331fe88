/* SPDX-License-Identifier: MIT */
/* The line grammar, and bvisor.conf on top of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/conf.h"
#include "core/utf8.h"

#define MAGIC "m 1"

/* Every item of text as "S:name;" "P:name=value;" "B:message;". */
static void read_items(const char *bytes, size_t len, char *ret, size_t size)
{
	struct bv_conf conf;
	size_t n = 0;

	/* An exact copy, so that reading past the end is seen. */
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	bv_conf_init(&conf, "f", MAGIC, copy, len);
	ret[0] = '\0';
	for (;;) {
		struct bv_conf_item item;
		struct bv_err err = { 0 };
		int w = 0;

		bv_conf_next(&conf, &item, &err);
		if (item.type == BV_CONF_END)
			break;
		if (item.type == BV_CONF_SECTION)
			w = snprintf(ret + n, size - n, "S%u:%s;", item.line,
				     item.name);
		else if (item.type == BV_CONF_PAIR)
			w = snprintf(ret + n, size - n, "P%u:%s=%s;", item.line,
				     item.name, item.value);
		else
			w = snprintf(ret + n, size - n, "B%s%s;",
				     item.local ? "~" : "", err.msg);
		n += (size_t)w;
		assert_true(n < size);
	}
	free(copy);
}

#define BOTH(s) s, sizeof(s) - 1

static void test_conf__lines__items(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} cases[] = {
		/* what is grammar */
		{ BOTH(MAGIC), "" },
		{ BOTH(MAGIC "\n"), "" },
		{ BOTH(MAGIC "\n\n# c\n \t# c\n \t\n"), "" },
		{ BOTH(MAGIC "\n[a]\nk = v\n"), "S2:a;P3:k=v;" },
		{ BOTH(MAGIC "\n[a]\nk = v"), "S2:a;P3:k=v;" },
		{ BOTH(MAGIC "\n\t[a] \n \tk\t=\t v w \t\n"),
		  "S2:a;P3:k=v w;" },
		{ BOTH(MAGIC "\nk=v=w\n"), "P2:k=v=w;" },
		{ BOTH(MAGIC "\nk =\n"), "P2:k=;" },
		{ BOTH(MAGIC "\nk = [x]\n"), "P2:k=[x];" },
		{ BOTH(MAGIC "\nk = v # w\n"), "P2:k=v # w;" },
		{ BOTH(MAGIC "\nk = \"v\\\n"), "P2:k=\"v\\;" },
		{ BOTH(MAGIC "\nk = a\tb\n"), "P2:k=a\tb;" },
		{ BOTH(MAGIC "\nk_x = \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n"),
		  "P2:k_x=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80;" },
		/* the first line */
		{ BOTH(""), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("\n" MAGIC), "Bf:1: the first line must be 'm 1';"
				    "B~f:2: neither [section] nor key = "
				    "value;" },
		{ BOTH("# c\n[a]\n"), "Bf:1: the first line must be 'm 1';"
				      "S2:a;" },
		{ BOTH("m 2\n[a]\n"), "Bf:1: the first line must be 'm 1';"
				      "S2:a;" },
		{ BOTH("m 1 \n"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH(" m 1\n"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("m 1\r\n"),
		  "Bf:1: the first line must be 'm 1', and there is a carriage "
		  "return in it; lines end with LF alone (tr -d '\\r' <OLD "
		  ">NEW);" },
		{ BOTH("m 1\r[a]\rk = v"),
		  "Bf:1: the first line must be 'm 1', and there is a carriage "
		  "return in it; lines end with LF alone (tr -d '\\r' <OLD "
		  ">NEW);" },
		{ BOTH("m 1\0\n"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("M 1\n"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("m 10\n"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("\xef\xbb\xbfm 1\n"),
		  "Bf:1: the first line must be 'm 1', and before it stands a "
		  "byte order mark; save the file as UTF-8 without one;" },
		{ BOTH("\xff\xfem\0 \0"
		       "1\0"),
		  "Bf:1: the first line must be 'm 1', and before it stands a "
		  "byte order mark; save the file as UTF-8 without one;" },
		{ BOTH("\xfe\xff\0m\0 \0"
		       "1"),
		  "Bf:1: the first line must be 'm 1', and before it stands a "
		  "byte order mark; save the file as UTF-8 without one;" },
		{ BOTH("\xef\xbb"), "Bf:1: the first line must be 'm 1';" },
		{ BOTH("\xff"), "Bf:1: the first line must be 'm 1';" },
		/* sections that are none */
		{ BOTH(MAGIC "\n[]\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[a\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[ a ]\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[A]\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[a b]\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[a]]\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[a] # c\n"), "Bf:2: not a [section] line;" },
		{ BOTH(MAGIC "\n[a] k = v\n"), "Bf:2: not a [section] line;" },
		/* local: nobody meant a section by these */
		{ BOTH(MAGIC "\na]\n"), "Bf:2: neither [section] nor key = "
					"value;" },
		{ BOTH(MAGIC "\nword\n"), "B~f:2: neither [section] nor key = "
					  "value;" },
		{ BOTH(MAGIC "\n= v\n"), "B~f:2: a key is a word of small "
					 "letters and _;" },
		{ BOTH(MAGIC "\nK = v\n"), "B~f:2: a key is a word of small "
					   "letters and _;" },
		{ BOTH(MAGIC "\nk x = v\n"), "B~f:2: a key is a word of small "
					     "letters and _;" },
		{ BOTH(MAGIC "\n; c\n"), "B~f:2: neither [section] nor key = "
					 "value;" },
		/* bytes; reading goes on behind each */
		{ BOTH(MAGIC "\nk = a\0b\nl = w\n"),
		  "B~f:2: a control byte;P3:l=w;" },
		{ BOTH(MAGIC "\nk = \x1b[m\n"), "Bf:2: a control byte;" },
		{ BOTH(MAGIC "\nk = \x7f\n"), "B~f:2: a control byte;" },
		{ BOTH(MAGIC "\n# \x01\n"), "B~f:2: a control byte;" },
		{ BOTH(MAGIC "\nk = v\r\nl = w\n"),
		  "B~f:2: a carriage return; lines end with LF alone;P3:l=w;" },
		{ BOTH(MAGIC "\nk = v\rl = w\n"),
		  "B~f:2: a carriage return; lines end with LF alone;" },
		{ BOTH(MAGIC "\nk = \xc2\x9b\n"),
		  "B~f:2: a control character;" },
		{ BOTH(MAGIC "\nk = \xc2\xa0\n"), "P2:k=\xc2\xa0;" },
		{ BOTH(MAGIC "\nk = \xff\nl = w\n"),
		  "B~f:2: bytes that are not UTF-8;P3:l=w;" },
		{ BOTH(MAGIC "\nk = \xc3"),
		  "B~f:2: bytes that are not UTF-8;" },
		{ BOTH(MAGIC "\nk = \xc3\n\xa4 = v\n"),
		  "B~f:2: bytes that are not UTF-8;"
		  "B~f:3: bytes that are not UTF-8;" },
		/* with a bracket it may have been a section */
		{ BOTH(MAGIC "\n[a\0]\n"), "Bf:2: a control byte;" },
		{ BOTH(MAGIC "\n[a]\r\nk = v\n"),
		  "Bf:2: a carriage return; lines end with LF alone;P3:k=v;" },
		{ BOTH(MAGIC "\na\xff]\n"), "Bf:2: bytes that are not UTF-8;" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char got[1024];

		read_items(cases[i].text, cases[i].len, got, sizeof(got));
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("case %zu: '%s' gave '%s'", i, cases[i].text,
				 got);
	}
}

static void test_conf__line_length__1024_is_the_last(void **state)
{
	char text[2 * BV_CONF_LINE_MAX];
	char got[2 * BV_CONF_LINE_MAX];

	(void)state;
	for (size_t len = BV_CONF_LINE_MAX - 1; len <= BV_CONF_LINE_MAX + 1;
	     len++) {
		const size_t head = (size_t)sprintf(text, MAGIC "\nk=");

		memset(text + head, 'v', len - 2);
		memcpy(text + head + len - 2, "\nl=w", 5);
		read_items(text, strlen(text), got, sizeof(got));
		if (len <= BV_CONF_LINE_MAX)
			assert_int_equal(strncmp(got, "P2:k=vvv", 8), 0);
		else
			assert_string_equal(got, "B~f:2: the line is longer "
						 "than 1024 bytes;P3:l=w;");
		assert_non_null(strstr(got, ";P3:l=w;"));
	}
}

static void test_conf__utf8__well_formed_only(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool ok;
	} cases[] = {
		{ BOTH(""), true },
		{ BOTH("a"), true },
		{ BOTH("\xc2\x80"), true },
		{ BOTH("\xdf\xbf"), true },
		{ BOTH("\xe0\xa0\x80"), true },
		{ BOTH("\xed\x9f\xbf"), true },
		{ BOTH("\xee\x80\x80"), true },
		{ BOTH("\xf0\x90\x80\x80"), true },
		{ BOTH("\xf4\x8f\xbf\xbf"), true },
		{ BOTH("\x80"), false },
		{ BOTH("\xc0\x80"), false }, /* overlong NUL */
		{ BOTH("\xc1\xbf"), false },
		{ BOTH("\xe0\x9f\xbf"), false },
		{ BOTH("\xed\xa0\x80"), false }, /* surrogate */
		{ BOTH("\xf0\x8f\xbf\xbf"), false },
		{ BOTH("\xf4\x90\x80\x80"), false }, /* over U+10FFFF */
		{ BOTH("\xf5\x80\x80\x80"), false },
		{ BOTH("\xc2"), false },
		{ BOTH("\xe2\x82"), false },
		{ BOTH("\xf0\x9f\x98"), false },
		{ BOTH("\xc2"
		       "a"),
		  false },
		{ BOTH("\xe2\x82"
		       "a"),
		  false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char *copy = malloc(cases[i].len == 0 ? 1 : cases[i].len);

		assert_non_null(copy);
		memcpy(copy, cases[i].text, cases[i].len);
		if (bv_utf8_valid(copy, cases[i].len) != cases[i].ok)
			fail_msg("case %zu", i);
		free(copy);
	}
}

/* --- bvisor.conf ------------------------------------------------------------ */

#define HEAD "bvisor-config 1\n[bvisor]\n"
#define STARS                                                                  \
	"**************************************************"                   \
	"**************************************************"

static int parse(struct bv_arena *arena, const char *text,
		 struct bv_config *config, struct bv_err *err)
{
	bv_arena_init(arena, 1u << 20);
	return bv_config_parse(arena, "c", text, text ? strlen(text) : 0,
			       config, err);
}

static void assert_defaults(const struct bv_config *c)
{
	assert_false(c->unmatched_refuse);
	assert_false(c->unmatched_stated);
	assert_false(c->qualification_local);
	assert_null(c->cgroup_base);
	assert_null(c->syslog_socket);
	assert_string_equal(c->state_dir, "/var/lib/bvisor");
	assert_string_equal(c->run_dir, "/run/bvisor");
	assert_string_equal(c->user_message,
			    "Your session could not be confined as this host "
			    "requires and was refused.");
	assert_true(c->journal_age_us == UINT64_C(365) * 86400 * 1000000);
	assert_true(c->journal_bytes == UINT64_C(256) << 20);
}

static void test_config__nothing_stated__defaults(void **state)
{
	static const char *const texts[] = { NULL, "bvisor-config 1\n", HEAD };

	(void)state;
	for (size_t i = 0; i < BV_LEN(texts); i++) {
		struct bv_config c = { 0 };
		struct bv_err err = { 0 };
		struct bv_arena arena;

		assert_int_equal(parse(&arena, texts[i], &c, &err), BV_OK);
		assert_defaults(&c);
		bv_arena_done(&arena);
	}
}

static void test_config__all_keys__taken(void **state)
{
	struct bv_config c = { 0 };
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	assert_int_equal(parse(&arena,
			       HEAD "unmatched = refuse\n"
				    "cgroup_base = /sys/fs/cgroup/b\n"
				    "state_dir = /s\nrun_dir = /r/\n"
				    "user_message = No. " STARS "\n"
				    "journal_age = 30d\njournal_size = 1M\n"
				    "qualification = local\n"
				    "syslog_socket = /run/l\n",
			       &c, &err),
			 BV_OK);
	assert_true(c.unmatched_refuse);
	assert_true(c.unmatched_stated);
	assert_string_equal(c.cgroup_base, "/sys/fs/cgroup/b");
	assert_string_equal(c.state_dir, "/s");
	assert_string_equal(c.run_dir, "/r/");
	assert_string_equal(c.user_message, "No. " STARS);
	assert_true(c.qualification_local);
	assert_string_equal(c.syslog_socket, "/run/l");
	assert_true(c.journal_age_us == UINT64_C(30) * 86400 * 1000000);
	assert_true(c.journal_bytes == 1 << 20);
	bv_arena_done(&arena);
	assert_int_equal(parse(&arena,
			       HEAD "journal_age = 0\njournal_size = 0\n", &c,
			       &err),
			 BV_OK);
	assert_true(c.journal_age_us == 0 && c.journal_bytes == 0);
	bv_arena_done(&arena);
	assert_int_equal(parse(&arena,
			       HEAD "syslog_socket = /" STARS "123456\n", &c,
			       &err),
			 BV_OK);
	assert_string_equal(c.syslog_socket, "/" STARS "123456");
	bv_arena_done(&arena);
	assert_int_equal(parse(&arena, HEAD "unmatched = allow\n", &c, &err),
			 BV_OK);
	assert_false(c.unmatched_refuse);
	assert_true(c.unmatched_stated);
	bv_arena_done(&arena);
	/* beside one another, however alike */
	assert_int_equal(parse(&arena,
			       HEAD "state_dir = /run/bvisor2\n"
				    "run_dir = /run/bvis/or\n",
			       &c, &err),
			 BV_OK);
	bv_arena_done(&arena);
	assert_int_equal(
		parse(&arena, HEAD "user_message = " STARS STARS, &c, &err),
		BV_OK);
	bv_arena_done(&arena);
}

static void test_config__fault__line_and_nothing_written(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "c:1: the first line must be 'bvisor-config 1'" },
		{ "bvisor-policy 1\n",
		  "c:1: the first line must be 'bvisor-config 1'" },
		{ "bvisor-config 1\nunmatched = allow\n",
		  "c:2: 'unmatched' before [bvisor]" },
		{ "bvisor-config 1\n[policy]\n",
		  "c:2: unknown section [policy]; known: [bvisor]" },
		{ HEAD "[bvisor]\n", "c:3: [bvisor] stands at line 2 already" },
		{ HEAD "unmatched = deny\n",
		  "c:3: unmatched: 'deny' is not one of: allow, refuse" },
		{ HEAD "unmatched = Allow\n",
		  "c:3: unmatched: 'Allow' is not one of: allow, refuse" },
		{ HEAD "unmatched =\n", "c:3: 'unmatched' has no value" },
		{ HEAD "unmatched = allow\n#\nunmatched = refuse\n",
		  "c:5: 'unmatched' stands at line 3 already" },
		{ HEAD "unmatchd = allow\n",
		  "c:3: unknown key 'unmatchd'; did you mean 'unmatched'?" },
		{ HEAD "colour = red\n",
		  "c:3: unknown key 'colour'; known: unmatched, cgroup_base, "
		  "state_dir, run_dir, user_message, journal_age, journal_size, "
		  "qualification, syslog_socket" },
		{ HEAD "qualification = remote\n",
		  "c:3: qualification: 'remote' is not one of: static, local" },
		{ HEAD "syslog_socket = log\n",
		  "c:3: syslog_socket: 'log' is no absolute path of a socket, "
		  "of at most 107 bytes" },
		{ HEAD "syslog_socket = /run/../log\n",
		  "c:3: syslog_socket: the path holds '..'" },
		{ HEAD "syslog_socket = /" STARS "1234567\n",
		  "c:3: syslog_socket: '/" STARS
		  "1234567' is no absolute path of a socket, of at most 107 "
		  "bytes" },
		{ HEAD "state_dir = var\n",
		  "c:3: state_dir: 'var' is no absolute path of a directory" },
		{ HEAD "state_dir = ~/x\n",
		  "c:3: state_dir: '~/x' is no absolute path of a directory" },
		{ HEAD "state_dir = //\n",
		  "c:3: state_dir: '//' is no absolute path of a directory" },
		{ HEAD "state_dir = /a%u\n",
		  "c:3: state_dir: '/a%u' is no absolute path of a "
		  "directory" },
		{ HEAD "run_dir = /run/../x\n",
		  "c:3: run_dir: the path holds '..'" },
		{ HEAD "run_dir = /run/..\n",
		  "c:3: run_dir: the path holds '..'" },
		{ HEAD "run_dir = /tmp\n",
		  "c:3: run_dir: '/tmp' is in or below /tmp, which every "
		  "session has to itself" },
		{ HEAD "run_dir = /var/tmp/x\n",
		  "c:3: run_dir: '/var/tmp/x' is in or below /var/tmp, which "
		  "every session has to itself" },
		{ HEAD "run_dir = /run/user/0/b\n",
		  "c:3: run_dir: '/run/user/0/b' is in or below /run/user, "
		  "which every session has to itself" },
		{ HEAD "state_dir = /b\nrun_dir = /b\n",
		  "c:4: state_dir '/b' and run_dir '/b' are not apart; name "
		  "two directories, none in the other" },
		{ HEAD "run_dir = /b/./\n\nstate_dir = //b//c\n",
		  "c:5: state_dir '/b/c' and run_dir '/b' are not apart; name "
		  "two directories, none in the other" },
		{ HEAD "run_dir = /var/lib/bvisor/run\n",
		  "c:3: state_dir '/var/lib/bvisor' and run_dir "
		  "'/var/lib/bvisor/run' are not apart; name two directories, "
		  "none in the other" },
		{ HEAD "state_dir = /run\n",
		  "c:3: state_dir '/run' and run_dir '/run/bvisor' are not "
		  "apart; name two directories, none in the other" },
		{ HEAD "cgroup_base = x\n",
		  "c:3: cgroup_base: 'x' is no absolute path of a directory" },
		{ HEAD "user_message = " STARS STARS "*\n",
		  "c:3: user_message: over 200 bytes" },
		{ HEAD "journal_age = 30\n",
		  "c:3: journal_age: '30' is no duration (30d, 12h; 0: for "
		  "ever)" },
		{ HEAD "journal_size = 1023K\n",
		  "c:3: journal_size: '1023K' is no size from 1M on (256M, 1G; "
		  "0: without limit)" },
		{ HEAD "journal_size = x\n",
		  "c:3: journal_size: 'x' is no size from 1M on (256M, 1G; 0: "
		  "without limit)" },
		{ HEAD "junk\n", "c:3: neither [section] nor key = value" },
		{ HEAD "user_message = a\x07\n", "c:3: a control byte" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_config c, before;
		struct bv_err err = { 0 };
		struct bv_arena arena;

		memset(&c, 0x5a, sizeof(c));
		memcpy(&before, &c, sizeof(c));
		if (parse(&arena, cases[i].text, &c, &err) != BV_E_CONF)
			fail_msg("case %zu is taken", i);
		assert_string_equal(err.msg, cases[i].says);
		assert_memory_equal(&c, &before, sizeof(c));
		bv_arena_done(&arena);
	}
}

static void test_config__file_size__256k_is_the_last(void **state)
{
	char *text = malloc(BV_CONF_FILE_MAX + 1);
	struct bv_config c = { 0 };
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', BV_CONF_FILE_MAX + 1);
	memcpy(text, HEAD, strlen(HEAD));
	bv_arena_init(&arena, 4096);
	assert_int_equal(
		bv_config_parse(&arena, "c", text, BV_CONF_FILE_MAX, &c, &err),
		BV_OK);
	assert_int_equal(bv_config_parse(&arena, "c", text,
					 BV_CONF_FILE_MAX + 1, &c, &err),
			 BV_E_CONF);
	assert_string_equal(err.msg,
			    "c:1: the file is longer than 262144 bytes");
	bv_arena_done(&arena);
	free(text);
}

static void test_config__arena_full__no_memory(void **state)
{
	const char *text = HEAD "state_dir = /a/rather/long/directory\n";
	struct bv_config c = { 0 };
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 16);
	assert_int_equal(
		bv_config_parse(&arena, "c", text, strlen(text), &c, &err),
		BV_E_NOMEM);
	assert_null(c.state_dir);
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf__lines__items),
		cmocka_unit_test(test_conf__line_length__1024_is_the_last),
		cmocka_unit_test(test_conf__utf8__well_formed_only),
		cmocka_unit_test(test_config__nothing_stated__defaults),
		cmocka_unit_test(test_config__all_keys__taken),
		cmocka_unit_test(test_config__fault__line_and_nothing_written),
		cmocka_unit_test(test_config__file_size__256k_is_the_last),
		cmocka_unit_test(test_config__arena_full__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
