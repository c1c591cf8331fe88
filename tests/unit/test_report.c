/* SPDX-License-Identifier: MIT */
/* What a report says, and that nothing in it can be changed unseen. */
#include "tests/unit/report_fixture.h"

#include <stdio.h>

#include <jansson.h>

#include "core/report_view.h"

static char *encode(const struct bv_report *report)
{
	struct bv_err err = { 0 };
	char *json;

	if (bv_report_encode(report, &json, &err) != BV_OK)
		fail_msg("encode: %s", err.msg);
	return json;
}

static json_t *decode(const struct bv_report *report)
{
	char *json = encode(report);
	json_error_t why;
	json_t *value = json_loads(json, JSON_REJECT_DUPLICATES, &why);

	if (!value)
		fail_msg("%s: %s", why.text, json);
	free(json);
	return value;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!text)
		fail_msg("no text at '%s'", key);
	return text;
}

static const json_t *budget_of(const json_t *o, enum bv_dim dim)
{
	const json_t *budgets = json_object_get(o, "budgets");

	assert_int_equal(json_array_size(budgets), BV_DIM_N);
	return json_array_get(budgets, dim);
}

static void test_report__closed__whole(void **state)
{
	struct ended e;
	json_t *o, *subject, *req;

	(void)state;
	ended_init(&e);
	assert_int_equal(bv_report_observe(&e.report, "cgroup_leaf_prepared",
					   NULL, "pids.max = %d", 64),
			 BV_OK);
	o = decode(&e.report);
	assert_int_equal(json_integer_value(json_object_get(o, "schema")), 2);
	assert_string_equal(text_of(o, "session_id"), "00c0ffee00c0ffee");
	assert_string_equal(text_of(o, "plan_id"), e.plan.id);
	assert_string_equal(text_of(o, "policy"), "restricted");
	assert_string_equal(text_of(o, "state"), "closed");
	assert_string_equal(text_of(o, "outcome"), "completed");
	assert_string_equal(text_of(o, "reason"), "the session was closed");
	assert_true(json_integer_value(json_object_get(o, "opened_unix_us")) ==
		    1700000000000000);
	assert_true(json_integer_value(json_object_get(o, "closed_unix_us")) ==
		    1700000060000000);
	subject = json_object_get(o, "subject");
	assert_string_equal(text_of(subject, "user"), "alice");
	assert_string_equal(text_of(subject, "service"), "sshd");
	assert_string_equal(text_of(subject, "tty"), "ssh");
	assert_string_equal(text_of(subject, "rhost"), "192.0.2.7");
	assert_int_equal(json_integer_value(json_object_get(subject, "uid")),
			 1000);
	req = json_object_get(o, "requirements");
	assert_int_equal(json_array_size(req), e.plan.admitted_n);
	assert_string_equal(text_of(json_array_get(req, 0), "kind"),
			    "Filesystem");
	assert_string_equal(text_of(json_array_get(req, 0), "enforcement"),
			    "enforced");
	assert_string_equal(text_of(json_array_get(req, 0), "mechanism"),
			    "linux:landlock+read_only_view");
	assert_string_equal(
		text_of(json_array_get(json_object_get(o, "observed"), 0),
			"detail"),
		"pids.max = 64");
	json_decref(o);
	fixture_done(&e.f);
}

static void test_report__budgets__seven_with_findings(void **state)
{
	static const struct {
		const char *name;
		const char *finding;
		bool limited;
		bool measured;
	} want[BV_DIM_N] = {
		[BV_DIM_WALL] = { "wall", "within-limit", true, true },
		/* Measured although nobody limited it: the number is given. */
		[BV_DIM_CPU] = { "cpu", "not-requested", false, true },
		[BV_DIM_MEMORY] = { "memory", "observation-unavailable", true,
				    false },
		[BV_DIM_PROCESSES] = { "processes", "limit-reached-enforced",
				       true, true },
		[BV_DIM_HANDLES] = { "handles", "not-requested", false, false },
		[BV_DIM_STORAGE] = { "storage", "not-requested", false, false },
		[BV_DIM_NETWORK] = { "network", "not-requested", false, false },
	};
	struct ended e;
	json_t *o;

	(void)state;
	ended_init(&e);
	o = decode(&e.report);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const json_t *b = budget_of(o, (enum bv_dim)d);

		assert_string_equal(text_of(b, "dimension"), want[d].name);
		assert_string_equal(text_of(b, "finding"), want[d].finding);
		assert_string_equal(text_of(b, "unit"),
				    bv_dim_unit((enum bv_dim)d));
		assert_int_equal(json_is_integer(json_object_get(b, "limit")),
				 want[d].limited);
		assert_int_equal(json_is_integer(json_object_get(b, "used")),
				 want[d].measured);
		/* Unavailable is null, not 0 and not absent. */
		if (!want[d].measured)
			assert_true(json_is_null(json_object_get(b, "used")));
	}
	json_decref(o);
	fixture_done(&e.f);
}

static void test_report__open__no_outcome_yet(void **state)
{
	struct ended e;
	json_t *o;

	(void)state;
	ended_init(&e);
	e.report.open = true;
	e.report.closed_unix_us = 0;
	e.report.reason = NULL;
	o = decode(&e.report);
	assert_string_equal(text_of(o, "state"), "open");
	assert_true(json_is_null(json_object_get(o, "outcome")));
	assert_true(json_is_null(json_object_get(o, "closed_unix_us")));
	assert_string_equal(text_of(o, "reason"), "");
	json_decref(o);
	fixture_done(&e.f);
}

static void test_report__refused_before_plan__still_whole(void **state)
{
	const struct bv_report report = {
		.session_id = "0000000000000001",
		.opened_unix_us = 1,
		.closed_unix_us = 2,
		.outcome = BV_OUTCOME_DENIED,
		.reason = "x.conf:3: unknown key",
	};
	json_t *o = decode(&report);

	(void)state;
	assert_true(json_is_null(json_object_get(o, "plan_id")));
	assert_true(json_is_null(json_object_get(o, "policy")));
	assert_true(json_is_null(json_object_get(o, "subject")));
	assert_int_equal(json_array_size(json_object_get(o, "budgets")), 0);
	assert_int_equal(json_array_size(json_object_get(o, "requirements")),
			 0);
	assert_string_equal(text_of(o, "outcome"), "denied");
	assert_string_equal(text_of(o, "reason"), "x.conf:3: unknown key");
	json_decref(o);
}

static void test_report__every_outcome__named(void **state)
{
	struct ended e;

	(void)state;
	ended_init(&e);
	for (unsigned int i = 0; i < BV_OUTCOME_N; i++) {
		json_t *o;

		e.report.outcome = (enum bv_outcome)i;
		o = decode(&e.report);
		assert_string_equal(text_of(o, "outcome"),
				    bv_outcome_name((enum bv_outcome)i));
		json_decref(o);
	}
	fixture_done(&e.f);
}

/* A reader without our code: take "sha256" out, write the rest canonically,
 * hash it. */
static void test_report__seal__over_the_rest(void **state)
{
	char digest[65], sealed[65];
	struct ended e;
	char *text;
	json_t *o;

	(void)state;
	ended_init(&e);
	o = decode(&e.report);
	snprintf(sealed, sizeof(sealed), "%s", text_of(o, "sha256"));
	json_object_del(o, "sha256");
	text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	bv_sha256_hex(text, strlen(text), digest);
	assert_string_equal(sealed, digest);
	free(text);
	/* A changed number breaks it. */
	json_object_set_new(o, "closed_unix_us", json_integer(1));
	text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	bv_sha256_hex(text, strlen(text), digest);
	assert_string_not_equal(sealed, digest);
	free(text);
	json_decref(o);
	fixture_done(&e.f);
}

static void test_report__encode_twice__same_bytes(void **state)
{
	struct ended e;
	char *a, *b;

	(void)state;
	ended_init(&e);
	a = encode(&e.report);
	b = encode(&e.report);
	assert_string_equal(a, b);
	free(b);
	e.report.measure[BV_DIM_WALL].used++;
	b = encode(&e.report);
	assert_string_not_equal(a, b);
	free(a);
	free(b);
	fixture_done(&e.f);
}

/* A remote host chooses some of these bytes: no line of a log may be forged,
 * and different bytes stay different. */
static void test_report__hostile_text__escaped(void **state)
{
	static const struct {
		const char *raw;
		const char *shown;
	} cases[] = {
		{ "a\nsshd[1]: Accepted", "\"a\\nsshd[1]: Accepted\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "a\\b", "\"a\\\\\\\\b\"" },
		{ "\x1b[2J", "\"\\u001B[2J\"" },
		{ "\xff\xfe", "\"\\\\xff\\\\xfe\"" },
		{ "\xc0\xaf", "\"\\\\xc0\\\\xaf\"" },
		{ "\xe0\x80\xaf", "\"\\\\xe0\\\\x80\\\\xaf\"" },
		{ "\xed\xa0\x80", "\"\\\\xed\\\\xa0\\\\x80\"" },
		{ "\xf4\x90\x80\x80", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" },
		{ "\xf5\x80\x80\x80", "\"\\\\xf5\\\\x80\\\\x80\\\\x80\"" },
		{ "\xf0\x9f\x98", "\"\\\\xf0\\\\x9f\\\\x98\"" },
		{ "\xf0\x8f\xbf\xbf", "\"\\\\xf0\\\\x8f\\\\xbf\\\\xbf\"" },
		{ "\xe2\x82\xac", "\"\\u20AC\"" },
		{ "\xf0\x9f\x98\x80", "\"\\uD83D\\uDE00\"" },
		{ "\xf4\x8f\xbf\xbf", "\"\\uDBFF\\uDFFF\"" },
	};
	struct ended e;

	(void)state;
	ended_init(&e);
	for (size_t i = 0; i < BV_LEN(cases); i++) {
		char want[128];
		char *json;

		e.f.subject.rhost = cases[i].raw;
		json = encode(&e.report);
		snprintf(want, sizeof(want), "\"rhost\":%s", cases[i].shown);
		if (!strstr(json, want))
			fail_msg("case %zu: '%s' lacks '%s'", i, json, want);
		for (const char *p = json; *p; p++)
			assert_true(*p >= ' ' && *p < 0x7f);
		free(json);
	}
	fixture_done(&e.f);
}

static void test_observe__full__limit(void **state)
{
	struct bv_report report = { .session_id = "x" };
	struct bv_err err = { 0 };

	(void)state;
	for (unsigned int i = 0; i < BV_OBSERVED_MAX; i++)
		assert_int_equal(bv_report_observe(&report, "k", &err, "%u", i),
				 BV_OK);
	assert_int_equal(bv_report_observe(&report, "k", &err, "one more"),
			 BV_E_LIMIT);
	assert_int_equal(report.observed_n, BV_OBSERVED_MAX);
	assert_string_equal(report.observed[BV_OBSERVED_MAX - 1].detail, "31");
}

static void test_observe__too_long__cut_visibly(void **state)
{
	struct bv_report report = { .session_id = "x" };
	char fits[sizeof(report.observed[0].detail)];
	char longer[sizeof(fits) + 1];

	(void)state;
	memset(fits, 'a', sizeof(fits));
	fits[sizeof(fits) - 1] = '\0';
	memset(longer, 'b', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(bv_report_observe(&report, "k", NULL, "%s", fits),
			 BV_OK);
	assert_int_equal(bv_report_observe(&report, "k", NULL, "%s", longer),
			 BV_OK);
	assert_string_equal(report.observed[0].detail, fits);
	assert_int_equal(strlen(report.observed[1].detail), sizeof(fits) - 1);
	assert_non_null(strstr(report.observed[1].detail, "bbb..."));
}

/* A number no JSON reader holds exactly is not written at all. */
static void test_report__number_over_int64__fault(void **state)
{
	struct bv_err err = { 0 };
	struct ended e;
	char *json = NULL;

	(void)state;
	ended_init(&e);
	e.report.measure[BV_DIM_WALL].used = (uint64_t)INT64_MAX + 1;
	assert_int_not_equal(bv_report_encode(&e.report, &json, &err), BV_OK);
	assert_null(json);
	e.report.measure[BV_DIM_WALL].used = INT64_MAX;
	assert_int_equal(bv_report_encode(&e.report, &json, &err), BV_OK);
	assert_non_null(strstr(json, "9223372036854775807"));
	free(json);
	fixture_done(&e.f);
}

/* --- the witness and the verification -------------------------------------- */

static void test_report__witness__limit_and_who_keeps_it(void **state)
{
	const json_t *b, *required, *supplied;
	struct ended e;
	json_t *o;

	(void)state;
	ended_init(&e);
	e.plan.budget[BV_DIM_WALL].sample_us = 7;
	o = decode(&e.report);
	b = budget_of(o, BV_DIM_WALL);
	required = json_object_get(b, "required");
	supplied = json_object_get(b, "supplied");
	assert_string_equal(text_of(required, "enforcement"), "enforced");
	assert_int_equal(json_array_size(json_object_get(required, "evidence")),
			 0);
	assert_string_equal(text_of(supplied, "enforcement"), "enforced");
	assert_string_equal(text_of(supplied, "mechanism"),
			    "linux:guardian_timer+cgroup_kill");
	assert_int_equal(
		json_integer_value(json_object_get(supplied, "sample_us")), 7);
	assert_int_equal(
		json_integer_value(json_object_get(supplied, "max_overshoot")),
		2000000);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(supplied, "evidence"), 0)),
			    "resource-usage");
	assert_true(json_is_false(json_object_get(b, "limit_hit")));
	assert_true(json_is_true(
		json_object_get(budget_of(o, BV_DIM_PROCESSES), "limit_hit")));
	b = budget_of(o, BV_DIM_CPU);
	assert_true(json_is_null(json_object_get(b, "required")));
	assert_true(json_is_null(json_object_get(b, "supplied")));
	json_decref(o);
	fixture_done(&e.f);
}

static void test_report__findings__sorted(void **state)
{
	const char *last = "";
	const json_t *findings;
	struct ended e;
	json_t *o;

	(void)state;
	ended_init(&e);
	o = decode(&e.report);
	findings = json_object_get(o, "findings");
	assert_int_equal(json_array_size(findings), e.plan.admitted_n + 3);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const char *about =
			text_of(json_array_get(findings, i), "about");

		assert_true(strcmp(last, about) < 0);
		last = about;
	}
	json_decref(o);
	fixture_done(&e.f);
}

/* Read back whole. */
static void test_report__decoded__every_member_back(void **state)
{
	struct bv_report_view v;
	struct bv_err err = { 0 };
	struct ended e;
	char *json;

	(void)state;
	ended_init(&e);
	e.report.executed = 0x5;
	e.f.subject.rhost = "\xff \xff";
	assert_int_equal(bv_report_observe(&e.report, "b", NULL, "1\n"), BV_OK);
	assert_int_equal(bv_report_observe(&e.report, "a", NULL, "2"), BV_OK);
	json = encode(&e.report);
	if (bv_report_decode(&e.f.arena, json, strlen(json), &v, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_string_equal(v.session_id, e.report.session_id);
	assert_string_equal(v.plan_id, e.plan.id);
	assert_string_equal(v.policy, "restricted");
	assert_true(v.has_subject);
	assert_string_equal(v.subject.user, "alice");
	assert_int_equal(v.subject.uid, 1000);
	assert_string_equal(v.subject.service, "sshd");
	assert_string_equal(v.subject.tty, "ssh");
	assert_string_equal(v.subject.rhost, "\xff \xff");
	assert_true(v.opened_unix_us == e.report.opened_unix_us);
	assert_true(v.has_closed);
	assert_true(v.closed_unix_us == e.report.closed_unix_us);
	assert_int_equal(v.state, BV_REPORT_CLOSED);
	assert_true(v.has_outcome);
	assert_int_equal(v.outcome, BV_OUTCOME_COMPLETED);
	assert_string_equal(v.reason, "the session was closed");
	assert_int_equal(v.requirements.n, e.plan.admitted_n);
	for (size_t i = 0; i < v.requirements.n; i++) {
		assert_int_equal(v.requirements.v[i].req,
				 e.plan.admitted[i].req);
		assert_int_equal(v.requirements.v[i].enforcement,
				 e.plan.admitted[i].verdict.enforcement);
		assert_string_equal(v.requirements.v[i].mechanism,
				    e.plan.admitted[i].verdict.mechanism);
	}
	assert_int_equal(v.budgets.n, BV_DIM_N);
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_admitted_budget *b = &e.plan.budget[d];
		const struct bv_report_budget *w = &v.budgets.v[d];
		const struct bv_measure *m = &e.report.measure[d];

		assert_int_equal(w->stated, b->stated);
		assert_true(w->limit == b->limit);
		assert_int_equal(w->required.enforcement, b->required);
		assert_int_equal(w->required.evidence, b->required_evidence);
		assert_int_equal(w->supplied.enforcement, b->selected);
		assert_int_equal(w->supplied.evidence, b->promised_evidence);
		assert_true(w->supplied.max_overshoot == b->max_overshoot);
		assert_int_equal(w->measured, m->available);
		assert_true(w->used == m->used);
		assert_int_equal(w->limit_hit, m->limit_hit);
		assert_int_equal(w->finding, bv_budget_finding(b, m));
	}
	assert_string_equal(v.schedule.digest, e.plan.schedule.digest);
	assert_int_equal(v.schedule.executed.n, 2);
	assert_string_equal(v.schedule.executed.v[1],
			    e.plan.schedule.entry[2].id);
	assert_int_equal(v.observed.n, 2);
	assert_string_equal(v.observed.v[0].kind, "b"); /* not sorted */
	assert_string_equal(v.observed.v[0].detail, "1\n");
	assert_string_equal(v.observed.v[1].kind, "a");
	free(json);
	fixture_done(&e.f);
}

/* Whichever byte is another one, whatever it is now: it is no report. */
static void test_verify__any_byte_changed__refused(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x02, 0x04,
					       0x10, 0x20, 0x80 };
	struct ended e;
	char *json;
	size_t len;

	(void)state;
	ended_init(&e);
	json = encode(&e.report);
	len = strlen(json);
	assert_int_equal(bv_report_verify(json, len, NULL), BV_OK);
	for (size_t i = 0; i < len; i++) {
		for (size_t f = 0; f < BV_LEN(flips); f++) {
			json[i] ^= (char)flips[f];
			if (bv_report_verify(json, len, NULL) == BV_OK)
				fail_msg("byte %zu, flip %zu: verifies", i, f);
			json[i] ^= (char)flips[f];
		}
	}
	assert_int_equal(bv_report_verify(json, len, NULL), BV_OK);
	free(json);
	fixture_done(&e.f);
}

static void test_verify__tampered__named(void **state)
{
	static const struct {
		const char *text;
		const char *instead;
		const char *want; /* how it begins */
	} rows[] = {
		{ "\"uid\":1000", "\"uid\":1001", "report: seal broken: " },
		{ "\"alice\"", "\"alicf\"", "report: seal broken: " },
		{ "\"completed\"", "\"denied\"", "report: seal broken: " },
		{ "\"sha256\":\"", "\"sha256\":\"g",
		  "report: sha256: not 64 hex digits" },
		{ "\"used\":60000000", "\"used\":60000001",
		  "report: seal broken: " },
		{ "\"used\":60000000", "\"used\":null",
		  "report: budgets[0].finding: " },
		{ "\"used\":60000000", "\"used\":6e7",
		  "report: byte 319: a number that is no integer" },
		{ "\"observed\":[]", "\"observed\":[ ]", "report: byte " },
		{ "\"observed\":[],", "", "report: observed: missing" },
		{ "\"state\":\"closed\"", "\"state\":\"closed\",\"x\":1",
		  "report: byte " },
	};
	struct ended e;
	char *json;

	(void)state;
	ended_init(&e);
	json = encode(&e.report);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const char *at = strstr(json, rows[i].text);
		char changed[16384];
		struct bv_err err = { 0 };

		assert_non_null(at);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - json),
			 json, rows[i].instead, at + strlen(rows[i].text));
		assert_int_not_equal(
			bv_report_verify(changed, strlen(changed), &err),
			BV_OK);
		if (strncmp(err.msg, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("row %zu: '%s'", i, err.msg);
	}
	free(json);
	fixture_done(&e.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report__closed__whole),
		cmocka_unit_test(test_report__budgets__seven_with_findings),
		cmocka_unit_test(test_report__open__no_outcome_yet),
		cmocka_unit_test(test_report__refused_before_plan__still_whole),
		cmocka_unit_test(test_report__every_outcome__named),
		cmocka_unit_test(test_report__seal__over_the_rest),
		cmocka_unit_test(test_report__encode_twice__same_bytes),
		cmocka_unit_test(test_report__hostile_text__escaped),
		cmocka_unit_test(test_observe__full__limit),
		cmocka_unit_test(test_observe__too_long__cut_visibly),
		cmocka_unit_test(test_report__number_over_int64__fault),
		cmocka_unit_test(test_report__witness__limit_and_who_keeps_it),
		cmocka_unit_test(test_report__findings__sorted),
		cmocka_unit_test(test_report__decoded__every_member_back),
		cmocka_unit_test(test_verify__any_byte_changed__refused),
		cmocka_unit_test(test_verify__tampered__named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
