/* SPDX-License-Identifier: MIT */
/*
 * Golden bytes. What is encoded today is, byte by byte, what was encoded when
 * the schema was made; each file has its identity beside it. The files are
 * changed by hand only, together with the schema's number.
 */
#include "tests/unit/report_fixture.h"

#include <stdio.h>

#include "core/decode.h"
#include "core/event.h"
#include "core/report_view.h"
#include "tests/unit/golden.h"

static void expect_golden(const char *name, enum bv_identity what,
			  const char *json)
{
	char *want = golden_read(name, ".json");
	char *digest = golden_read(name, ".sha256");
	char hex[65 + 1];

	if (strcmp(json, want) != 0)
		fail_msg("%s: now %s", name, json);
	bv_identity_hex(what, json, strlen(json), hex);
	hex[64] = '\n';
	hex[65] = '\0';
	assert_string_equal(hex, digest);
	free(digest);
	free(want);
}

static void test_golden__snapshots(void **state)
{
	static const struct {
		enum fixture_machine_id id;
		const char *name;
	} rows[] = {
		{ MACHINE_DEBIAN_12, "snapshot-debian12" },
		{ MACHINE_DEBIAN_13, "snapshot-debian13" },
		{ MACHINE_NO_DELEGATION, "snapshot-no-delegation" },
	};

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		struct bv_snapshot snap, again;
		struct bv_arena arena;
		char identity[65], *digest, *json;

		fixture_snapshot(rows[i].id, &snap);
		assert_int_equal(bv_snapshot_encode(&snap, &json, NULL), BV_OK);
		expect_golden(rows[i].name, BV_IDENTITY_SNAPSHOT, json);
		assert_int_equal(bv_snapshot_identity(&snap, identity, NULL),
				 BV_OK);
		digest = golden_read(rows[i].name, ".sha256");
		assert_memory_equal(identity, digest, 64);
		bv_arena_init(&arena, 1u << 20);
		assert_int_equal(bv_snapshot_decode(&arena, json, strlen(json),
						    &again, NULL),
				 BV_OK);
		assert_memory_equal(&again, &snap, sizeof(snap));
		bv_arena_done(&arena);
		free(digest);
		free(json);
	}
}

static void test_golden__plan(void **state)
{
	struct bv_refusal refusal;
	struct bv_plan_view view;
	struct bv_plan plan;
	struct fixture f;
	char *json;

	(void)state;
	fixture_init(&f);
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_NONE);
	assert_int_equal(bv_plan_encode(&plan, &json, NULL), BV_OK);
	expect_golden("plan-debian12", BV_IDENTITY_PLAN, json);
	assert_int_equal(
		bv_plan_decode(&f.arena, json, strlen(json), &view, NULL),
		BV_OK);
	assert_string_equal(view.id, plan.id);
	free(json);
	fixture_done(&f);
}

static void test_golden__reports(void **state)
{
	const struct bv_report refused = {
		.session_id = "0000000000000001",
		.opened_unix_us = 1,
		.closed_unix_us = 2,
		.outcome = BV_OUTCOME_DENIED,
		.reason = "x.conf:3: unknown key",
	};
	struct ended e;
	char *json;

	(void)state;
	ended_init(&e);
	e.report.executed = 0x7;
	assert_int_equal(bv_report_observe(&e.report, "leader_returned", NULL,
					   "%s", "/user.slice"),
			 BV_OK);
	assert_int_equal(bv_report_observe(&e.report, "cgroup_leaf_removed",
					   NULL, "%s", "killed, drained"),
			 BV_OK);
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	/* The identity of the sealed bytes; the seal itself is inside. */
	expect_golden("report-closed", BV_IDENTITY_REPORT, json);
	assert_int_equal(bv_report_verify(json, strlen(json), NULL), BV_OK);
	free(json);
	e.report.open = true;
	e.report.closed_unix_us = 0;
	e.report.observed_n = 0;
	e.report.executed = 0;
	e.report.reason = "";
	memset(e.report.measure, 0, sizeof(e.report.measure));
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	expect_golden("report-open", BV_IDENTITY_REPORT, json);
	assert_int_equal(bv_report_verify(json, strlen(json), NULL), BV_OK);
	free(json);
	assert_int_equal(bv_report_encode(&refused, &json, NULL), BV_OK);
	expect_golden("report-refused", BV_IDENTITY_REPORT, json);
	assert_int_equal(bv_report_verify(json, strlen(json), NULL), BV_OK);
	free(json);
	fixture_done(&e.f);
}

/* Read, written again: the same bytes, the same identity. */
static void test_golden__events(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < BV_EVENT_N; k++) {
		struct bv_err err = { 0 };
		struct bv_event event;
		struct bv_arena arena;
		char name[64];
		char *json, *again;

		snprintf(name, sizeof(name), "event-%s",
			 bv_event_kind_name((enum bv_event_kind)k));
		json = golden_read(name, ".json");
		bv_arena_init(&arena, 1u << 20);
		if (bv_event_decode(&arena, json, strlen(json), &event, &err) !=
		    BV_OK)
			fail_msg("%s: %s", name, err.msg);
		assert_int_equal(event.kind, k);
		assert_int_equal(bv_event_encode(&event, &again, &err), BV_OK);
		expect_golden(name, BV_IDENTITY_EVENT, again);
		assert_string_equal(json, again);
		free(again);
		bv_arena_done(&arena);
		free(json);
	}
}

/* Worked out without our code: printf 'DOMAIN\0{}' | sha256sum */
static void test_identity__domains(void **state)
{
	static const struct {
		const char *domain;
		const char *of_empty_object;
	} rows[] = {
		[BV_IDENTITY_POLICY] = { "",
					 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
		[BV_IDENTITY_PLAN] = { "",
				       "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
		[BV_IDENTITY_REPORT] = { "",
					 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
		[BV_IDENTITY_SNAPSHOT] = { "bvisor.snapshot.v1",
					   "dcc472f8885362004a363542d3a4a10530da2f9313f6a8a1b95488db39d118a2" },
		[BV_IDENTITY_EVENT] = { "bvisor.event.v1",
					"6972d0c6bdbf04f1e301ea7e5a9775f2fbc37d519826ca265a0d537c31898b83" },
	};
	char hex[65];

	(void)state;
	assert_int_equal(BV_LEN(rows), BV_IDENTITY_N);
	for (unsigned int i = 0; i < BV_IDENTITY_N; i++) {
		const enum bv_identity what = (enum bv_identity)i;

		assert_string_equal(bv_identity_domain(what), rows[i].domain);
		bv_identity_hex(what, "{}", 2, hex);
		assert_string_equal(hex, rows[i].of_empty_object);
	}
	assert_string_equal(bv_identity_domain(BV_IDENTITY_N), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden__snapshots),
		cmocka_unit_test(test_golden__plan),
		cmocka_unit_test(test_golden__reports),
		cmocka_unit_test(test_golden__events),
		cmocka_unit_test(test_identity__domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
