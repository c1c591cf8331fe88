/* SPDX-License-Identifier: MIT */
/* Events: the very bytes of each kind, nothing but those bytes accepted, and
 * what a run's events add up to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event.h"

#define PLAN  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BOOT  "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
#define HEAD                                                                   \
	.session = "00c0ffee00c0ffee", .boot_id = BOOT,                        \
	.unix_us = 1700000000000001u

static const struct bv_event samples[] = {
	{ .kind = BV_EVENT_STARTED,
	  HEAD,
	  .started = { PLAN, "restricted", "alice", 4711, 998877 } },
	{ .kind = BV_EVENT_REPORT,
	  HEAD,
	  .report = { PLAN, OTHER, BV_OUTCOME_KILLED } },
	{ .kind = BV_EVENT_RECOVERY,
	  HEAD,
	  .recovery = { BV_RECOVERY_ROLLED_BACK, 3, "the leader is gone" } },
	{ .kind = BV_EVENT_DISPOSITION,
	  HEAD,
	  .disposition = { "out/a", BV_DISPOSITION_FAILED,
			   BV_DISPOSITION_PROMOTE, "no space", "/srv/in" } },
	{ .kind = BV_EVENT_QUALIFICATION,
	  .session = "",
	  .boot_id = BOOT,
	  .unix_us = 5,
	  .qualification = { "6.12.0", "abc", 40, 0, 2 } },
	{ .kind = BV_EVENT_REFUSAL,
	  HEAD,
	  .refusal = { BV_MEMBRANE_SUPPORT, "b\xff\\ob", "no \"kill\"" } },
};
_Static_assert(BV_LEN(samples) == BV_EVENT_N, "one of each kind");

/* Written by hand; may be changed by hand only, with the schema. */
static const char *const golden[] = {
	"{\"boot_id\":\"" BOOT "\",\"event\":\"started\",\"leader_pid\":4711,"
	"\"leader_start\":998877,\"plan_id\":\"" PLAN "\","
	"\"policy\":\"restricted\",\"schema\":1,"
	"\"session\":\"00c0ffee00c0ffee\",\"unix_us\":1700000000000001,"
	"\"user\":\"alice\"}",
	"{\"boot_id\":\"" BOOT "\",\"event\":\"report\","
	"\"outcome\":\"killed\",\"plan_id\":\"" PLAN "\",\"schema\":1,"
	"\"session\":\"00c0ffee00c0ffee\",\"sha256\":\"" OTHER "\","
	"\"unix_us\":1700000000000001}",
	"{\"boot_id\":\"" BOOT "\",\"event\":\"recovery\","
	"\"reason\":\"the leader is gone\",\"schema\":1,"
	"\"session\":\"00c0ffee00c0ffee\",\"swept\":3,"
	"\"unix_us\":1700000000000001,\"verdict\":\"rolled-back\"}",
	"{\"artifact\":\"out/a\",\"boot_id\":\"" BOOT "\","
	"\"decision\":\"promote\",\"event\":\"disposition\","
	"\"phase\":\"failed\",\"reason\":\"no space\",\"schema\":1,"
	"\"session\":\"00c0ffee00c0ffee\",\"target\":\"/srv/in\","
	"\"unix_us\":1700000000000001}",
	"{\"boot_id\":\"" BOOT "\",\"build\":\"abc\","
	"\"event\":\"qualification\",\"failed\":0,\"kernel\":\"6.12.0\","
	"\"passed\":40,\"schema\":1,\"session\":\"\",\"skipped\":2,"
	"\"unix_us\":5}",
	"{\"boot_id\":\"" BOOT "\",\"event\":\"refusal\","
	"\"membrane\":\"support\",\"reason\":\"no \\\"kill\\\"\",\"schema\":1,"
	"\"session\":\"00c0ffee00c0ffee\",\"unix_us\":1700000000000001,"
	"\"user\":\"b\\\\xff\\\\\\\\ob\"}",
};

static char *encode(const struct bv_event *e)
{
	struct bv_err err = { 0 };
	char *json = NULL;

	if (bv_event_encode(e, &json, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return json;
}

static int decode(struct bv_arena *arena, const char *text,
		  struct bv_event *ret, struct bv_err *err)
{
	bv_arena_init(arena, 65536);
	*err = (struct bv_err){ 0 };
	return bv_event_decode(arena, text, strlen(text), ret, err);
}

static void test_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(samples); i++) {
		char *json = encode(&samples[i]);

		assert_string_equal(json, golden[i]);
		free(json);
	}
}

static void test_decoded__encodes_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(golden); i++) {
		struct bv_arena arena;
		struct bv_event e;
		struct bv_err err;
		char *json, *again;

		if (decode(&arena, golden[i], &e, &err) != BV_OK)
			fail_msg("%s", err.msg);
		assert_int_equal(e.kind, samples[i].kind);
		assert_true(e.unix_us == samples[i].unix_us);
		json = encode(&e);
		again = encode(&samples[i]);
		assert_string_equal(json, again);
		free(json);
		free(again);
		bv_arena_done(&arena);
	}
}

static void test_any_byte_changed__another_event_or_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(golden); i++) {
		char *text = strdup(golden[i]);
		size_t len = strlen(text);

		assert_non_null(text);
		for (size_t at = 0; at < len; at++) {
			static const char other[] = "\x01 \",{}0a\\-.e";

			for (size_t c = 0; c + 1 < sizeof(other); c++) {
				struct bv_arena arena;
				struct bv_event e;
				struct bv_err err;
				char was = text[at];

				if (was == other[c])
					continue;
				text[at] = other[c];
				if (decode(&arena, text, &e, &err) == BV_OK) {
					char *json = encode(&e);

					assert_string_not_equal(json,
								golden[i]);
					free(json);
				} else {
					assert_true(err.msg[0] != '\0');
				}
				bv_arena_done(&arena);
				text[at] = was;
			}
		}
		free(text);
	}
}

static void test_cut_or_longer__refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < BV_LEN(golden); i++) {
		size_t len = strlen(golden[i]);
		char *longer = malloc(len + 2);
		struct bv_arena arena;
		struct bv_event e;
		struct bv_err err = { 0 };

		assert_non_null(longer);
		for (size_t cut = 0; cut < len; cut++) {
			bv_arena_init(&arena, 65536);
			assert_int_not_equal(bv_event_decode(&arena, golden[i],
							     cut, &e, &err),
					     BV_OK);
			bv_arena_done(&arena);
		}
		for (int c = 0; c < 256; c++) {
			memcpy(longer, golden[i], len);
			longer[len] = (char)c;
			bv_arena_init(&arena, 65536);
			assert_int_not_equal(bv_event_decode(&arena, longer,
							     len + 1, &e, &err),
					     BV_OK);
			bv_arena_done(&arena);
		}
		free(longer);
	}
}

struct bad {
	const char *text;
	const char *why;
};

#define BASE "\"boot_id\":\"b\","
#define REST ",\"schema\":1,\"session\":\"s\",\"swept\":1,\"unix_us\":1,"
#define RECOVERY(verdict, rest)                                                \
	"{" BASE "\"event\":\"recovery\",\"reason\":\"r\"" rest                \
	"\"verdict\":\"" verdict "\"}"

static const struct bad bad[] = {
	{ "[]", "event: 'schema' is not 1" },
	{ "{}", "event: 'schema' is not 1" },
	{ "{\"schema\":2}", "event: 'schema' is not 1" },
	{ "{\"schema\":\"1\"}", "event: 'schema' is not 1" },
	{ "{\"schema\":1}", "event: 'event': unknown ''" },
	{ "{\"event\":\"party\",\"schema\":1}",
	  "event: 'event': unknown 'party'" },
	{ "{\"event\":\"recovery\",\"schema\":1}",
	  "event: 'session' is missing" },
	{ RECOVERY("x", REST), "event: 'verdict': unknown 'x'" },
	{ RECOVERY("completed", ",\"schema\":1,\"session\":\"s\",\"swept\":-1,"
				"\"unix_us\":1,"),
	  "event: 'swept' is no number from 0 on" },
	{ RECOVERY("completed", ",\"schema\":1,\"session\":\"s\","
				"\"swept\":\"1\",\"unix_us\":1,"),
	  "event: 'swept' is no number from 0 on" },
	{ RECOVERY("completed", ",\"schema\":1,\"session\":7,\"swept\":1,"
				"\"unix_us\":1,"),
	  "event: 'session' is no text" },
	{ RECOVERY("completed", ",\"schema\":1,\"session\":\"s\",\"swept\":1,"
				"\"swept2\":1,\"unix_us\":1,"),
	  "event: unknown member 'swept2'" },
	{ "{" BASE "\"event\":\"report\",\"outcome\":\"killed\","
	  "\"plan_id\":\"abc\",\"schema\":1,\"session\":\"s\","
	  "\"sha256\":\"" PLAN "\",\"unix_us\":1}",
	  "event: 'plan_id' is no SHA-256" },
};

static void test_bad__named(void **state)
{
	struct bv_arena arena;
	struct bv_event e;
	struct bv_err err;

	(void)state;
	for (size_t i = 0; i < BV_LEN(bad); i++) {
		assert_int_not_equal(decode(&arena, bad[i].text, &e, &err),
				     BV_OK);
		assert_string_equal(err.msg, bad[i].why);
		bv_arena_done(&arena);
	}
	assert_int_equal(decode(&arena, RECOVERY("completed", REST), &e, &err),
			 BV_OK);
	bv_arena_done(&arena);
	assert_int_equal(decode(&arena, RECOVERY("none", REST), &e, &err),
			 BV_OK);
	assert_int_equal(e.recovery.verdict, BV_RECOVERY_NONE);
	bv_arena_done(&arena);
}

static void test_text__too_long__refused(void **state)
{
	struct bv_event e = samples[BV_EVENT_RECOVERY];
	struct bv_arena arena;
	struct bv_event got;
	struct bv_err err;
	char reason[1100];
	char *json;

	(void)state;
	memset(reason, 'r', sizeof(reason));
	reason[1024] = '\0';
	e.recovery.reason = reason;
	json = encode(&e);
	assert_int_equal(decode(&arena, json, &got, &err), BV_OK);
	assert_string_equal(got.recovery.reason, reason);
	bv_arena_done(&arena);
	free(json);
	reason[1024] = 'r';
	reason[1025] = '\0';
	json = encode(&e);
	assert_int_equal(decode(&arena, json, &got, &err), BV_E_LIMIT);
	assert_string_equal(err.msg, "event: 'reason' is over 1024 bytes");
	bv_arena_done(&arena);
	free(json);
}

static void test_arena_full__no_memory(void **state)
{
	struct bv_arena arena;
	struct bv_event e;
	struct bv_err err = { 0 };

	(void)state;
	bv_arena_init(&arena, 8);
	assert_int_equal(
		bv_event_decode(&arena, golden[0], strlen(golden[0]), &e, &err),
		BV_E_NOMEM);
	bv_arena_done(&arena);
}

static void test_encode__what_has_no_value__refused(void **state)
{
	struct bv_event e = samples[BV_EVENT_STARTED];
	struct bv_err err = { 0 };
	char *json;

	(void)state;
	e.started.user = NULL;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	assert_non_null(strstr(err.msg, "'user'"));
	e = samples[BV_EVENT_STARTED];
	e.session = NULL;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	e = samples[BV_EVENT_STARTED];
	e.started.leader_pid = UINT64_MAX;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	e = samples[BV_EVENT_RECOVERY];
	e.recovery.verdict = BV_RECOVERY_VERDICT_N;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	e = samples[BV_EVENT_REPORT];
	e.report.outcome = BV_OUTCOME_N;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	e.kind = BV_EVENT_N;
	assert_int_equal(bv_event_encode(&e, &json, &err), BV_E_INVAL);
	assert_string_equal(bv_event_kind_name(BV_EVENT_N), "?");
	assert_string_equal(bv_disposition_phase_name(BV_DISPOSITION_PHASE_N),
			    "?");
}

/* --- the fold --------------------------------------------------------------- */

static struct bv_event disposition(const char *artifact,
				   enum bv_disposition_phase phase,
				   enum bv_disposition decision)
{
	return (struct bv_event){
		.kind = BV_EVENT_DISPOSITION,
		HEAD,
		.disposition = { artifact, phase, decision, "", "" },
	};
}

static void test_fold__twice_is_once(void **state)
{
	const struct bv_event run[] = {
		samples[BV_EVENT_STARTED],
		samples[BV_EVENT_QUALIFICATION],
		samples[BV_EVENT_REFUSAL],
		samples[BV_EVENT_REPORT],
		disposition("a", BV_DISPOSITION_DECIDED,
			    BV_DISPOSITION_PROMOTE),
		disposition("a", BV_DISPOSITION_APPLIED,
			    BV_DISPOSITION_PROMOTE),
		disposition("b", BV_DISPOSITION_DECIDED,
			    BV_DISPOSITION_DISCARD),
		disposition("b", BV_DISPOSITION_FAILED, BV_DISPOSITION_DISCARD),
		samples[BV_EVENT_RECOVERY],
	};
	struct bv_run_view once = { 0 }, twice = { 0 };
	struct bv_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < BV_LEN(run); i++)
		if (bv_run_fold(&once, &run[i], &err) != BV_OK)
			fail_msg("%s", err.msg);
	for (size_t i = 0; i < BV_LEN(run); i++)
		for (int n = 0; n < 2; n++)
			assert_int_equal(bv_run_fold(&twice, &run[i], &err),
					 BV_OK);
	for (size_t i = 0; i < BV_LEN(run); i++)
		assert_int_equal(bv_run_fold(&twice, &run[i], &err), BV_OK);
	assert_memory_equal(&once, &twice, sizeof(once));
	assert_true(once.started && once.reported && once.recovery_recorded);
	assert_string_equal(once.plan_id, PLAN);
	assert_int_equal(once.artifact_n, 2);
	assert_true(once.artifact[0].applied && !once.artifact[0].failed);
	assert_true(once.artifact[1].failed && !once.artifact[1].applied);
}

static void test_fold__what_does_not_fit__refused_unchanged(void **state)
{
	struct bv_event other = samples[BV_EVENT_STARTED];
	struct bv_event broken = other;
	struct bv_event report = samples[BV_EVENT_REPORT];
	struct bv_run_view view = { 0 }, before;
	struct bv_err err = { 0 };
	struct bv_event e;

	(void)state;
	other.started.plan_id = OTHER;
	broken.started.plan_id = "abc";
	assert_int_equal(bv_run_fold(&view, &report, &err), BV_E_INVAL);
	assert_int_equal(bv_run_fold(&view, &broken, &err), BV_E_INVAL);
	assert_false(view.started || view.reported);
	assert_int_equal(bv_run_fold(&view, &samples[BV_EVENT_STARTED], &err),
			 BV_OK);
	e = disposition("a", BV_DISPOSITION_DECIDED, BV_DISPOSITION_RETAIN);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_OK);
	before = view;
	assert_int_equal(bv_run_fold(&view, &other, &err), BV_E_INVAL);
	report.report.plan_id = OTHER;
	assert_int_equal(bv_run_fold(&view, &report, &err), BV_E_INVAL);
	e = disposition("a", BV_DISPOSITION_DECIDED, BV_DISPOSITION_PROMOTE);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_E_INVAL);
	assert_string_equal(err.msg,
			    "fold: artifact 'a': 'promote' after 'retain'");
	e = disposition("a", BV_DISPOSITION_APPLIED, BV_DISPOSITION_PROMOTE);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_E_INVAL);
	e = disposition("z", BV_DISPOSITION_FAILED, BV_DISPOSITION_PROMOTE);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_E_INVAL);
	assert_memory_equal(&view, &before, sizeof(view));
}

static void test_fold__limits(void **state)
{
	struct bv_run_view view = { .started = true };
	struct bv_err err = { 0 };
	char name[80];
	struct bv_event e;

	(void)state;
	for (unsigned int i = 0; i <= BV_ARTIFACT_MAX; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		e = disposition(name, BV_DISPOSITION_DECIDED,
				BV_DISPOSITION_RETAIN);
		assert_int_equal(bv_run_fold(&view, &e, &err),
				 i < BV_ARTIFACT_MAX ? BV_OK : BV_E_LIMIT);
	}
	view.artifact_n = 0;
	memset(name, 'n', sizeof(name));
	name[BV_ARTIFACT_ID_MAX] = '\0';
	e = disposition(name, BV_DISPOSITION_DECIDED, BV_DISPOSITION_RETAIN);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_OK);
	name[BV_ARTIFACT_ID_MAX] = 'n';
	name[BV_ARTIFACT_ID_MAX + 1] = '\0';
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_E_LIMIT);
	e = disposition("", BV_DISPOSITION_DECIDED, BV_DISPOSITION_RETAIN);
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_E_LIMIT);
	assert_int_equal(view.artifact_n, 1);
}

/* Bytes of a probed artifact come before anything is decided on it. */
static void test_fold__decision_on_a_probed_artifact(void **state)
{
	struct bv_run_view view = { .started = true,
				    .artifact = { { .id = "a",
						    .quarantined = true } },
				    .artifact_n = 1 };
	struct bv_event e = disposition("a", BV_DISPOSITION_DECIDED,
					BV_DISPOSITION_DISCARD);
	struct bv_err err = { 0 };

	(void)state;
	assert_int_equal(bv_run_fold(&view, &e, &err), BV_OK);
	assert_int_equal(view.artifact_n, 1);
	assert_int_equal(view.artifact[0].decided, BV_DISPOSITION_DISCARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_bytes),
		cmocka_unit_test(test_decoded__encodes_alike),
		cmocka_unit_test(test_any_byte_changed__another_event_or_none),
		cmocka_unit_test(test_cut_or_longer__refused),
		cmocka_unit_test(test_bad__named),
		cmocka_unit_test(test_text__too_long__refused),
		cmocka_unit_test(test_arena_full__no_memory),
		cmocka_unit_test(test_encode__what_has_no_value__refused),
		cmocka_unit_test(test_fold__twice_is_once),
		cmocka_unit_test(
			test_fold__what_does_not_fit__refused_unchanged),
		cmocka_unit_test(test_fold__limits),
		cmocka_unit_test(test_fold__decision_on_a_probed_artifact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
