/* SPDX-License-Identifier: MIT */
/*
 * Plans, reports and snapshots taken apart: what was encoded comes back member
 * by member; a member missing, of another type, unknown, out of range or out of
 * order is refused by its name, wherever in the document it is.
 */
#include "tests/unit/report_fixture.h"

#include <stdio.h>

#include "core/decode.h"
#include "core/json.h"
#include "core/report_view.h"
#include "tests/unit/golden.h"

enum document {
	DOC_PLAN,
	DOC_REPORT,
	DOC_SNAPSHOT,
	DOC_N
};

static const char *const golden_names[DOC_N] = {
	[DOC_PLAN] = "plan-debian12",
	[DOC_REPORT] = "report-closed",
	[DOC_SNAPSHOT] = "snapshot-debian12",
};

static json_t *load(enum document doc)
{
	char *text = golden_read(golden_names[doc], ".json");
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	free(text);
	return value;
}

/* A report gets the seal of what it now says: the seal must not be what finds
 * the fault. */
static void reseal(json_t *report)
{
	char digest[65];
	char *text;

	if (!json_object_get(report, "sha256"))
		return;
	json_object_del(report, "sha256");
	assert_int_equal(bv_json_finish(json_incref(report), "t", &text, NULL),
			 BV_OK);
	bv_identity_hex(BV_IDENTITY_REPORT, text, strlen(text), digest);
	json_object_set_new(report, "sha256", json_string(digest));
	free(text);
}

/* Takes the reference. */
static int decode(enum document doc, json_t *value, struct bv_err *err)
{
	static struct bv_plan_view plan;
	struct bv_report_view report;
	struct bv_snapshot snap;
	struct bv_arena arena;
	int code = BV_E_BUG;
	char *text;

	if (doc == DOC_REPORT)
		reseal(value);
	assert_int_equal(bv_json_finish(value, "t", &text, NULL), BV_OK);
	bv_arena_init(&arena, 1u << 20);
	*err = (struct bv_err){ 0 };
	if (doc == DOC_PLAN)
		code = bv_plan_decode(&arena, text, strlen(text), &plan, err);
	else if (doc == DOC_REPORT)
		code = bv_report_decode(&arena, text, strlen(text), &report,
					err);
	else
		code = bv_snapshot_decode(&arena, text, strlen(text), &snap,
					  err);
	bv_arena_done(&arena);
	free(text);
	return code;
}

/* --- a member's place: "admitted[3].kind" ---------------------------------- */

static json_t *descend(json_t *value, const char *path, size_t len)
{
	while (len > 0) {
		char key[64];
		const size_t n = strcspn(path, ".[");
		const size_t key_len = n < len ? n : len;

		assert_true(key_len < sizeof(key));
		memcpy(key, path, key_len);
		key[key_len] = '\0';
		value = json_object_get(value, key);
		assert_non_null(value);
		path += key_len;
		len -= key_len;
		if (len > 0 && *path == '[') {
			const size_t at = strtoul(path + 1, NULL, 10);
			const size_t skip = strcspn(path, "]") + 1;

			value = json_array_get(value, at);
			assert_non_null(value);
			path += skip;
			len -= skip;
		}
		if (len > 0 && *path == '.') {
			path++;
			len--;
		}
	}
	return value;
}

/* Set (value NULL: delete) the member at path. Takes value's reference. */
static void change(json_t *root, const char *path, json_t *value)
{
	const char *dot = strrchr(path, '.');
	const size_t len = dot ? (size_t)(dot - path) : 0;
	json_t *object = descend(root, path, len);
	const char *key = dot ? dot + 1 : path;

	if (value)
		assert_int_equal(json_object_set_new(object, key, value), 0);
	else
		assert_int_equal(json_object_del(object, key), 0);
}

/* --- every member, everywhere ---------------------------------------------- */

static unsigned int members_seen;

static void expect_named(enum document doc, json_t *changed, const char *path,
			 const char *what)
{
	struct bv_err err;
	char want[256];
	const int code = decode(doc, changed, &err);

	if (code != BV_E_PROTO)
		fail_msg("%s %s: code %d, '%s'", path, what, code, err.msg);
	snprintf(want, sizeof(want), ": %s", path);
	if (!strstr(err.msg, want))
		fail_msg("%s %s: '%s'", path, what, err.msg);
}

/* May a value of this JSON type stand where one of the other stood? Null only
 * where the tables say so, which other tests do. */
static bool same_type(json_type given, json_type old)
{
	return given == old || given == JSON_NULL || old == JSON_NULL ||
	       ((given == JSON_TRUE || given == JSON_FALSE) &&
		(old == JSON_TRUE || old == JSON_FALSE));
}

/* "optional" of a filesystem rule is there when it is true, and only then. */
static bool may_be_missing(const char *path)
{
	return strncmp(path, "filesystem[", 11) == 0 &&
	       strcmp(strrchr(path, '.'), ".optional") == 0;
}

static void try_member(enum document doc, const char *path)
{
	static const char *const types[] = { "null",  "true", "-1",
					     "\"?\"", "[{}]", "{\"?\":0}" };
	json_t *whole = load(doc);
	const json_type old = json_typeof(descend(whole, path, strlen(path)));
	json_t *changed = json_deep_copy(whole);
	struct bv_err err;

	members_seen++;
	change(changed, path, NULL);
	if (may_be_missing(path))
		assert_int_equal(decode(doc, changed, &err), BV_OK);
	else
		expect_named(doc, changed, path, "deleted");
	for (size_t i = 0; i < BV_LEN(types); i++) {
		json_t *value = json_loads(types[i], JSON_DECODE_ANY, NULL);
		const json_type given = json_typeof(value);

		changed = json_deep_copy(whole);
		change(changed, path, value);
		if (!same_type(given, old))
			expect_named(doc, changed, path, types[i]);
		else if (decode(doc, changed, &err) != BV_OK)
			assert_int_equal(err.code, BV_E_PROTO);
	}
	json_decref(whole);
}

static void try_object(enum document doc, const char *path)
{
	json_t *changed = load(doc);
	char inside[160];

	snprintf(inside, sizeof(inside), "%s%szzz", path, *path ? "." : "");
	change(changed, inside, json_true());
	expect_named(doc, changed, inside, "added");
}

static void walk(enum document doc, json_t *value, const char *path)
{
	char inside[160];

	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			snprintf(inside, sizeof(inside), "%s[%zu]", path, i);
			walk(doc, json_array_get(value, i), inside);
		}
	} else if (json_is_object(value)) {
		const char *key;
		json_t *child;

		try_object(doc, path);
		json_object_foreach(value, key, child)
		{
			snprintf(inside, sizeof(inside), "%s%s%s", path,
				 *path ? "." : "", key);
			/* A seal is put back by the test itself; facts may be
			 * any. */
			if (strcmp(inside, "sha256") != 0 || doc != DOC_REPORT)
				try_member(doc, inside);
			if (strcmp(key, "facts") != 0 &&
			    (strcmp(key, "snapshot") != 0 || doc != DOC_PLAN))
				walk(doc, child, inside);
		}
	}
}

static void test_decode__every_member__must_be_as_it_is(void **state)
{
	(void)state;
	for (unsigned int d = 0; d < DOC_N; d++) {
		json_t *whole = load((enum document)d);

		members_seen = 0;
		walk((enum document)d, whole, "");
		assert_true(members_seen > (d == DOC_SNAPSHOT ? 1 : 90));
		json_decref(whole);
	}
}

/* --- by name ---------------------------------------------------------------- */

struct bad {
	const char *path;
	const char *value; /* NULL: delete it */
	const char *want;
};

static void expect_bad(enum document doc, const struct bad *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *changed = load(doc);
		struct bv_err err;
		json_t *value = NULL;

		if (rows[i].value) {
			value = json_loads(rows[i].value, JSON_DECODE_ANY,
					   NULL);
			assert_non_null(value);
		}
		change(changed, rows[i].path, value);
		if (decode(doc, changed, &err) != BV_E_PROTO)
			fail_msg("row %zu accepted: %s", i, rows[i].want);
		if (strcmp(err.msg, rows[i].want) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, err.msg,
				 rows[i].want);
	}
}

static void test_plan__bad_member__named(void **state)
{
	static const struct bad rows[] = {
		{ "schema", "1",
		  "plan: schema: version 1 is unknown, 2 is known" },
		{ "schema", "3",
		  "plan: schema: version 3 is unknown, 2 is known" },
		{ "schema", "\"2\"", "plan: schema: not an integer" },
		{ "admitted[3].kind", "\"X\"",
		  "plan: admitted[3].kind: unknown 'X'" },
		{ "admitted[3].kind", "\"Kill\"",
		  "plan: admitted[3].kind: 'Kill' is not that of "
		  "'Filesystem(exec)'" },
		{ "admitted[0].enforcement", "\"Enforced\"",
		  "plan: admitted[0].enforcement: unknown 'Enforced'" },
		{ "admitted[9].evidence",
		  "[\"mechanism-attestation\",\"x\\n\"]",
		  "plan: admitted[9].evidence: unknown 'x?'" },
		{ "admitted[9].evidence",
		  "[\"mechanism-attestation\",\"terminal-outcome\"]",
		  "plan: admitted[9].evidence: 'terminal-outcome' out of "
		  "order" },
		{ "admitted[9].evidence",
		  "[\"mechanism-attestation\",\"mechanism-attestation\"]",
		  "plan: admitted[9].evidence: 'mechanism-attestation' out of "
		  "order" },
		{ "admitted[9].evidence", "[1]",
		  "plan: admitted[9].evidence: member 0 is no name" },
		{ "admitted[1].requirement", "\"Filesystem\"",
		  "plan: admitted: 'Filesystem' out of order" },
		{ "admitted[1].requirement", "\"Filesystem(hide)\"",
		  "plan: admitted: 'Filesystem(write)' out of order" },
		{ "admitted[2].mechanism", NULL,
		  "plan: admitted[2].mechanism: missing" },
		{ "admitted[2].more", "0",
		  "plan: admitted[2].more: unknown member" },
		{ "budgets[1].unit", "\"us\"",
		  "plan: budgets[1].unit: not that of 'memory'" },
		{ "budgets[1].limit", "-1",
		  "plan: budgets[1].limit: -1 is not within "
		  "0..9223372036854775807" },
		{ "budgets[1].limit", "null",
		  "plan: budgets[1].limit: not an integer" },
		{ "budgets[2].dimension", "\"wall\"",
		  "plan: budgets[2].unit: not that of 'wall'" },
		{ "budgets", "[1,2,3,4,5,6,7,8]",
		  "plan: budgets: 8 members, over 7" },
		{ "budgets", "[1]", "plan: budgets[0]: not an object" },
		{ "budgets", "{}", "plan: budgets: not a list" },
		{ "filesystem[0].rights", "\"exec write\"",
		  "plan: filesystem[0].rights: unknown 'exec write'" },
		{ "filesystem[0].optional", "false",
		  "plan: filesystem[0].optional: true, or not there" },
		{ "filesystem[0].path", "\"\"",
		  "plan: filesystem[0].path: 0 bytes, not within 1..4096" },
		{ "filesystem[0].path", "\"/\\\\x41\"",
		  "plan: filesystem[0].path: text not in canonical form" },
		{ "filesystem[0].optional", "1",
		  "plan: filesystem[0].optional: not true or false" },
		{ "environment", "[{\"name\":\"A\"}]",
		  "plan: environment[0]: not one of 'value' and 'lease'" },
		{ "environment",
		  "[{\"name\":\"A\",\"value\":\"\",\"lease\":\"b\"}]",
		  "plan: environment[0]: not one of 'value' and 'lease'" },
		{ "environment", "[{\"name\":\"A\",\"value\":null}]",
		  "plan: environment[0].value: not a text" },
		{ "environment", "0", "plan: environment: not a list" },
		{ "subject.uid", "4294967296",
		  "plan: subject.uid: 4294967296 is not within 0..4294967295" },
		{ "subject", "null", "plan: subject: not an object" },
		{ "policy.sha256", "\"00\"",
		  "plan: policy.sha256: not 64 hex digits" },
		{ "schedule",
		  "\"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789"
		  "abcdef\"",
		  "plan: schedule: not 64 hex digits" },
		{ "network", "\"allow\"", "plan: network: unknown 'allow'" },
		{ "network", "3", "plan: network: not a name" },
		{ "backend", "\"wasm\"", "plan: backend: not the snapshot's" },
		{ "snapshot.backend", NULL,
		  "plan: backend: not the snapshot's" },
		{ "snapshot.privileged", "true",
		  "plan: snapshot: 'privileged' is not a text" },
		{ "snapshot.privileged", "\"\\\\y\"",
		  "plan: snapshot: 'privileged': unknown escape at byte 0" },
		{ "extra", "0", "plan: extra: unknown member" },
		{ "e\x01\xc3\xa9", "0", "plan: e???: unknown member" },
	};

	(void)state;
	expect_bad(DOC_PLAN, rows, BV_LEN(rows));
}

/* Each budget sound, the list not. */
static void test_plan__budgets_out_of_order__named(void **state)
{
	json_t *o = load(DOC_PLAN);
	json_t *budgets = json_object_get(o, "budgets");
	struct bv_err err;

	(void)state;
	json_array_append(budgets, json_array_get(budgets, 0));
	json_array_remove(budgets, 0);
	assert_int_equal(decode(DOC_PLAN, o, &err), BV_E_PROTO);
	assert_string_equal(err.msg, "plan: budgets: 'wall' out of order");
}

static void test_report__bad_member__named(void **state)
{
	static const struct bad rows[] = {
		{ "schema", "1",
		  "report: schema: version 1 is unknown, 2 is known" },
		{ "session_id", "\"00c0ffee00c0ffeg\"",
		  "report: session_id: not 16 hex digits" },
		{ "state", "\"ended\"", "report: state: unknown 'ended'" },
		{ "state", "\"open\"", "report: outcome: of an open session" },
		{ "outcome", "null",
		  "report: outcome: missing in a closed session" },
		{ "plan_id", "null",
		  "report: snapshot: null without 'plan_id', and only then" },
		{ "snapshot", "null",
		  "report: snapshot: null without 'plan_id', and only then" },
		{ "schedule.digest", "null",
		  "report: schedule.digest: null without 'plan_id', and only "
		  "then" },
		{ "schedule.executed", "[1]",
		  "report: schedule.executed: member 0 is no text" },
		{ "schedule.executed", "[\"a\",\"\\\\q\"]",
		  "report: schedule.executed: member 1: unknown escape at "
		  "byte 0" },
		{ "schedule.executed", "7",
		  "report: schedule.executed: not a list" },
		{ "budgets", "[]", "report: budgets: 0 members" },
		{ "budgets[0].dimension", "\"cpu\"",
		  "report: budgets: 'cpu' out of order" },
		{ "budgets[0].unit", "\"s\"",
		  "report: budgets[0].unit: not that of 'wall'" },
		{ "budgets[0].required", "null",
		  "report: budgets[0]: 'limit', 'required' and 'supplied' come "
		  "together or not at all" },
		{ "budgets[1].limit", "7",
		  "report: budgets[1]: 'limit', 'required' and 'supplied' come "
		  "together or not at all" },
		{ "budgets[3].supplied", "null",
		  "report: budgets[3]: 'limit', 'required' and 'supplied' come "
		  "together or not at all" },
		/* What the witness shows is not what is said of it. */
		{ "budgets[0].used", "3600000001",
		  "report: budgets[0].finding: 'within-limit', but the witness "
		  "shows 'exceeded-within-overshoot'" },
		{ "budgets[0].used", "3602000001",
		  "report: budgets[0].finding: 'within-limit', but the witness "
		  "shows 'enforcement-fault'" },
		{ "budgets[0].limit_hit", "true",
		  "report: budgets[0].finding: 'within-limit', but the witness "
		  "shows 'limit-reached-enforced'" },
		{ "budgets[2].finding", "\"within-limit\"",
		  "report: budgets[2].finding: 'within-limit', but the witness "
		  "shows 'observation-unavailable'" },
		{ "requirements[0].kind", "\"Kill\"",
		  "report: requirements[0].kind: 'Kill' is not that of "
		  "'Filesystem'" },
		{ "requirements[1].requirement", "\"Filesystem(hide)\"",
		  "report: requirements: 'Filesystem(write)' out of order" },
		{ "findings", "[]", "report: findings: 0 members, 13 follow" },
		{ "findings[12].finding", "\"limit-reached-enforced\"",
		  "report: findings: member 12 is not 'wall: within-limit'" },
		{ "findings[12].about", "\"cpu\"",
		  "report: findings: member 12 is not 'wall: within-limit'" },
		{ "subject.uid", "-1",
		  "report: subject.uid: -1 is not within 0..4294967295" },
		{ "observed[0].detail", "0",
		  "report: observed[0].detail: not a text" },
	};
	static const struct bad open_rows[] = {
		{ "closed_unix_us", "5",
		  "report: closed_unix_us: of an open session" },
	};
	struct bv_err err;
	json_t *o;

	(void)state;
	expect_bad(DOC_REPORT, rows, BV_LEN(rows));
	o = load(DOC_REPORT);
	change(o, "state", json_string("open"));
	change(o, "outcome", json_null());
	assert_int_equal(decode(DOC_REPORT, o, &err), BV_E_PROTO);
	assert_string_equal(err.msg, open_rows[0].want);
	/* Parts of a plan in a report without one. */
	o = load(DOC_REPORT);
	change(o, "plan_id", json_null());
	change(o, "snapshot", json_null());
	change(o, "schedule.digest", json_null());
	assert_int_equal(decode(DOC_REPORT, o, &err), BV_E_PROTO);
	assert_string_equal(err.msg, "report: parts of a plan without a plan");
}

static void test_snapshot__bad_member__named(void **state)
{
	static const struct bad rows[] = {
		{ "schema", "2",
		  "snapshot: schema: version 2 is unknown, 1 is known" },
		{ "facts", "[]", "snapshot: facts: not an object" },
		{ "facts.systemd", "1",
		  "snapshot: facts: 'systemd' is not a text" },
		{ "facts.x23456789x123456789x123456789x123456789", "\"\"",
		  "snapshot: facts: 'x23456789x123456789x123456789x123456789': "
		  "fact name 'x23456789x123456789x123456789x123456789' is "
		  "empty or over 39 bytes" },
		{ "more", "1", "snapshot: more: unknown member" },
	};

	(void)state;
	expect_bad(DOC_SNAPSHOT, rows, 3);
	expect_bad(DOC_SNAPSHOT, rows + 4, 1);
}

static void test_decode__form_and_top__named(void **state)
{
	static struct bv_plan_view plan;
	struct bv_report_view report;
	struct bv_snapshot snap;
	struct bv_arena arena;
	struct bv_err err = { 0 };

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	assert_int_equal(bv_plan_decode(&arena, "{ }", 3, &plan, &err),
			 BV_E_PROTO);
	assert_string_equal(err.msg, "plan: byte 1: not in canonical form");
	err = (struct bv_err){ 0 };
	assert_int_equal(bv_report_decode(&arena, "[1]", 3, &report, &err),
			 BV_E_PROTO);
	assert_string_equal(err.msg, "report: not an object");
	err = (struct bv_err){ 0 };
	assert_int_equal(bv_report_decode(&arena, "{}\n", 3, &report, &err),
			 BV_E_PROTO);
	assert_string_equal(err.msg, "report: byte 2: not in canonical form");
	err = (struct bv_err){ 0 };
	assert_int_equal(bv_snapshot_decode(&arena, "{}", 2, &snap, &err),
			 BV_E_PROTO);
	assert_string_equal(err.msg, "snapshot: schema: missing");
	/* Without an err nothing breaks. */
	assert_int_equal(bv_plan_decode(&arena, "{}", 2, &plan, NULL),
			 BV_E_PROTO);
	assert_int_equal(bv_report_decode(&arena, "[]", 2, &report, NULL),
			 BV_E_PROTO);
	bv_arena_done(&arena);
}

/* Whatever room there is, it is enough or the fault says so. */
static void test_decode__arena_full__no_memory(void **state)
{
	char *plan_text = golden_read("plan-debian12", ".json");
	char *report_text = golden_read("report-closed", ".json");
	static struct bv_plan_view plan;
	struct bv_report_view report;
	unsigned int enough = 0;

	(void)state;
	for (size_t cap = 0; cap < 65536; cap += 61) {
		struct bv_arena arena;
		int code;

		bv_arena_init(&arena, cap);
		code = bv_plan_decode(&arena, plan_text, strlen(plan_text),
				      &plan, NULL);
		assert_true(code == BV_OK || code == BV_E_NOMEM);
		enough += code == BV_OK;
		bv_arena_done(&arena);
		bv_arena_init(&arena, cap);
		code = bv_report_decode(&arena, report_text,
					strlen(report_text), &report, NULL);
		assert_true(code == BV_OK || code == BV_E_NOMEM);
		enough += code == BV_OK;
		bv_arena_done(&arena);
	}
	assert_true(enough > 0);
	free(report_text);
	free(plan_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode__every_member__must_be_as_it_is),
		cmocka_unit_test(test_plan__bad_member__named),
		cmocka_unit_test(test_plan__budgets_out_of_order__named),
		cmocka_unit_test(test_report__bad_member__named),
		cmocka_unit_test(test_snapshot__bad_member__named),
		cmocka_unit_test(test_decode__form_and_top__named),
		cmocka_unit_test(test_decode__arena_full__no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
