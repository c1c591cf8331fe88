/* SPDX-License-Identifier: MIT */
/* Texts, and what parses them, for the tests of policy files. */
#ifndef BV_TESTS_POLICY_FIXTURE_H
#define BV_TESTS_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan.h"
#include "core/policy.h"
#include "core/policy_parse.h"

#define MAGIC    "bvisor-policy 1\n"
#define USER     "[match]\nuser = alice\n"
#define BOUNDARY "[filesystem]\nbase = system\n[network]\naccess = deny\n"
#define HEAD     MAGIC USER BOUNDARY /* 7 lines */
#define ARENA    (8u << 20)

struct parsed {
	struct bv_arena arena;
	struct bv_policy policy;
};

static inline void parse_bytes(struct parsed *p, const char *bytes, size_t len)
{
	/* An exact copy: reading past the end is seen, and nothing may point
	 * into the caller's bytes afterwards. */
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	bv_arena_init(&p->arena, ARENA);
	memset(&p->policy, 0x5a, sizeof(p->policy));
	assert_int_equal(bv_policy_parse(&p->arena, "p", "p.conf", copy, len,
					 &p->policy),
			 BV_OK);
	memset(copy, 'X', len);
	free(copy);
}

static inline void parse(struct parsed *p, const char *text)
{
	parse_bytes(p, text, strlen(text));
}

/* A policy that must be whole; done() ends it. */
static inline const struct bv_policy *good(struct parsed *p, const char *text)
{
	parse(p, text);
	if (p->policy.broken)
		fail_msg("'%s': %s", text, p->policy.error.msg);
	assert_true(p->policy.match_known);
	assert_int_equal(p->policy.error.code, BV_OK);
	return &p->policy;
}

static inline void done(struct parsed *p)
{
	bv_arena_done(&p->arena);
}

struct fault {
	const char *text;
	const char *says;
};

/* Each text is broken with just these words, and known as told. */
static inline void check_faults(const struct fault *f, size_t n, bool known)
{
	for (size_t i = 0; i < n; i++) {
		struct parsed p;

		parse(&p, f[i].text);
		if (!p.policy.broken)
			fail_msg("case %zu is taken: '%s'", i, f[i].text);
		assert_int_equal(p.policy.error.code, BV_E_CONF);
		if (strcmp(p.policy.error.msg, f[i].says) != 0)
			fail_msg("case %zu: '%s'\nwant '%s'", i,
				 p.policy.error.msg, f[i].says);
		if (p.policy.match_known != known)
			fail_msg("case %zu: known %d: '%s'", i,
				 p.policy.match_known, f[i].text);
		done(&p);
	}
}

/* One line of a section, at line 9, 8 and 4; variables from line 10 on. */
#define IN(section, line) HEAD "[" section "]\n" line "\n"
#define FS(line)                                                               \
	MAGIC USER                                                             \
		"[network]\naccess = deny\n[filesystem]\nbase = none\n" line   \
		"\n"
#define NET(line)                                                              \
	MAGIC USER                                                             \
		"[filesystem]\nbase = none\n[network]\naccess = list\n" line   \
		"\n"
#define BAD_MATCH(line) MAGIC "[match]\nuser = alice\n" line "\n" BOUNDARY
#define ENV(lines)      HEAD "[environment]\npolicy = exact\n" lines

#endif
