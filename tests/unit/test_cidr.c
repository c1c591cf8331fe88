/* SPDX-License-Identifier: MIT */
/* Addresses and prefixes as text: what is one, and what is inside of which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/match.h"

static void test_cidr__valid(void **state)
{
	static const char *const good[] = {
		"0.0.0.0",
		"255.255.255.255",
		"10.1.2.3/32",
		"10.0.0.0/8",
		"0.0.0.0/0",
		"128.0.0.0/1",
		"10.1.2.2/31",
		"::",
		"::1",
		"2001:db8::/32",
		"::/0",
		"fe80::/10",
		"8000::/1",
		"2001:db8::1/128",
		"::ffff:10.0.0.0/104",
		"::ffff:10.1.2.3",
	};
	static const char *const bad[] = {
		"",
		"/8",
		"10",
		"10.1",
		"10.1.2",
		"10.1.2.3.4",
		"10.1.2.256",
		"010.1.2.3",
		"10.1.2.3/33",
		"10.1.2.3/",
		"10.1.2.3/-1",
		"10.0.0.0/08",
		"10.0.0.0/8/8",
		"10.1.2.3/8",
		"10.1.2.3/31",
		" 10.1.2.3",
		"10.1.2.3 ",
		"0x0a.1.2.3",
		"2001:db8::/129",
		":::",
		"1::2::3",
		"2001:db8::1/32",
		"fe80::1%eth0",
		"g::",
		"[::1]",
		"10.0.0.0/8 ",
		"*",
		"-",
		"1.0.0.0/0",
		"::1/0",
		"2001:0db8:0000:0000:0000:0000:0000:00001",
		"1111111111111111111111111111111111111111111111111111111",
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(good); i++) {
		if (!bv_cidr_valid(good[i]))
			fail_msg("'%s' is refused", good[i]);
	}
	for (size_t i = 0; i < BV_LEN(bad); i++) {
		if (bv_cidr_valid(bad[i]))
			fail_msg("'%s' is taken", bad[i]);
		assert_false(bv_cidr_contains(bad[i], "10.1.2.3"));
		assert_false(bv_cidr_contains(bad[i], "::1"));
	}
}

static void test_cidr__contains(void **state)
{
	static const struct {
		const char *cidr, *addr;
		bool want;
	} cases[] = {
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "172.16.0.0/12", "172.31.255.255", true },
		{ "172.16.0.0/12", "172.32.0.0", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "10.1.2.2/31", "10.1.2.3", true },
		{ "10.1.2.2/31", "10.1.2.4", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "128.0.0.0/1", "127.255.255.255", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "::1", "0:0:0:0:0:0:0:1", true },
		{ "::1", "::2", false },
		{ "fe80::/10", "febf::1", true },
		{ "fe80::/10", "fec0::1", false },
		/* a mapped address is the v4 address it carries */
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "10.0.0.0/8", "::ffff:11.1.2.3", false },
		{ "0.0.0.0/0", "::ffff:1.2.3.4", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:0:0/96", "10.1.2.3", true },
		{ "10.1.2.3", "::ffff:a01:203", true },
		/* the families stay apart otherwise */
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.1.2.3", false },
		{ "::/0", "::ffff:10.1.2.3", false },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "::10.1.2.3", false }, /* compatible, not v4 */
		/* a zone says which link, not which address */
		{ "fe80::/10", "fe80::1%eth0", true },
		{ "fe80::1", "fe80::1%2", true },
		{ "fe80::/10", "2001:db8::1%eth0", false },
		{ "fe80::/10", "fe80::1%", false },
		{ "10.0.0.0/8", "10.1.2.3%eth0", false },
		/* no address at all */
		{ "0.0.0.0/0", "", false },
		{ "::/0", "", false },
		{ "0.0.0.0/0", "host.example", false },
		{ "0.0.0.0/0", "10.1.2", false },
		{ "0.0.0.0/0", "10.1.2.3/32", false },
		{ "0.0.0.0/0", " 10.1.2.3", false },
		{ "0.0.0.0/0", "%", false },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		if (bv_cidr_contains(cases[i].cidr, cases[i].addr) !=
		    cases[i].want)
			fail_msg("%s and '%s'", cases[i].cidr, cases[i].addr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cidr__valid),
		cmocka_unit_test(test_cidr__contains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
