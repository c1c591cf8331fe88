/* SPDX-License-Identifier: MIT */
/* Limits over all sessions of a user: the two keys and their step. */
#include "tests/unit/boundary_fixture.h"

#include "core/digest.h"
#include "core/schedule.h"

#include <stdio.h>

#define TEXT                                                                   \
	"bvisor-policy 1\n[match]\nuser = alice\n[filesystem]\nbase = none\n"  \
	"[network]\naccess = open\n[budget]\n"

static void test_policy__keys__values_and_faults(void **state)
{
	static const struct {
		const char *lines;
		uint64_t tasks, bytes;
		const char *fault; /* NULL: none */
	} cases[] = {
		{ "processes = 64\n", 0, 0, NULL },
		{ "processes = 64\nuser_processes = 200\n", 200, 0, NULL },
		{ "user_processes = 64\nprocesses = 64\n", 64, 0, NULL },
		{ "memory = 1G\nuser_memory = 2G\n", 0, 2147483648, NULL },
		{ "processes = 64\nuser_processes = 63\n", 0, 0,
		  "p.conf:10: [budget] user_processes: less than processes" },
		{ "user_processes = 200\n", 0, 0,
		  "p.conf:9: [budget] user_processes: only beside processes" },
		{ "processes = 9\nuser_memory = 2G\n", 0, 0,
		  "p.conf:10: [budget] user_memory: only beside memory" },
		{ "memory = 3G\nuser_memory = 2G\n", 0, 0,
		  "p.conf:10: [budget] user_memory: less than memory" },
		{ "processes = 9\nuser_processes = 0\n", 0, 0,
		  "p.conf:10: [budget] user_processes: '0' is not a count" },
		{ "processes = 9\nuser_processes = 20 mediated\n", 0, 0,
		  "p.conf:10: [budget] user_processes: '20 mediated' is not" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		struct bv_arena arena;
		struct bv_policy p;
		char text[512];
		int n = snprintf(text, sizeof(text), TEXT "%s", cases[i].lines);

		bv_arena_init(&arena, 1u << 20);
		assert_int_equal(bv_policy_parse(&arena, "p", "p.conf", text,
						 (size_t)n, &p),
				 BV_OK);
		if (p.broken != (cases[i].fault != NULL))
			fail_msg("case %zu: %s", i, p.error.msg);
		if (cases[i].fault == NULL) {
			assert_true(p.user_processes == cases[i].tasks);
			assert_true(p.user_mem_bytes == cases[i].bytes);
		} else if (strncmp(p.error.msg, cases[i].fault,
				   strlen(cases[i].fault)) != 0) {
			fail_msg("case %zu: %s", i, p.error.msg);
		}
		bv_arena_done(&arena);
	}
}

static size_t place_of(const struct bv_schedule *s, enum bv_prim prim)
{
	const struct bv_schedule_entry *e = bv_schedule_find(s, prim);

	assert_non_null(e);
	return (size_t)(e - s->entry);
}

static void test_schedule__node_before_leaf_with_its_limits(void **state)
{
	const struct bv_schedule_entry *e;
	struct bv_refusal refusal;
	uint8_t want[BV_SHA256_BYTES];
	struct bv_lowered l;
	struct bv_digest d;
	struct bv_plan plan;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_AGGREGATE));
	bv_lowered_from_plan(&plan, &l);
	assert_false(l.has_user);
	fixture_done(&f);

	fixture_init(&f);
	f.policy.user_processes = 200;
	f.policy.user_mem_bytes = 1u << 30;
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	e = bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_AGGREGATE);
	assert_true(place_of(&plan.schedule, BV_PRIM_CGROUP_AGGREGATE) <
		    place_of(&plan.schedule, BV_PRIM_CGROUP_LEAF));
	assert_int_equal(e->actor, BV_ACTOR_GUARDIAN);
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.has_user && l.user_pids_max == 200 &&
		    l.user_mem_max_bytes == 1u << 30);
	bv_digest_begin(&d, "bvisor.primitive-param.v1");
	bv_digest_text(&d, "id", "linux.cgroup.aggregate.v1");
	bv_digest_u64(&d, "uid", 1000);
	bv_digest_u64(&d, "tasks", 200);
	bv_digest_u64(&d, "bytes", 1u << 30);
	bv_digest_end(&d, want);
	assert_memory_equal(e->param, want, sizeof(want));
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__keys__values_and_faults),
		cmocka_unit_test(
			test_schedule__node_before_leaf_with_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
