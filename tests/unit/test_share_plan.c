/* SPDX-License-Identifier: MIT */
/* What is shared with the host, planned, scheduled and reported. */
#include "tests/unit/share_fixture.h"

#include "core/canon.h"
#include "core/decode.h"
#include "core/report_view.h"
#include "tests/unit/golden.h"

/* --- plan and schedule ----------------------------------------------------- */

static void admit(struct fixture *f, struct bv_plan *ret)
{
	struct bv_refusal refusal;

	if (fixture_plan(f, ret, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
}

static void test_plan__round_trip__every_member(void **state)
{
	static struct bv_plan plan;
	static struct bv_plan_view v;
	struct bv_err err = { 0 };
	struct bv_arena arena;
	struct fixture f;
	char *json;

	(void)state;
	fixture_init(&f);
	share(&f);
	admit(&f, &plan);
	assert_int_equal(bv_plan_encode(&plan, &json, &err), BV_OK);
	bv_arena_init(&arena, 1u << 20);
	if (bv_plan_decode(&arena, json, strlen(json), &v, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(v.expose.n, 2);
	assert_string_equal(v.expose.v[0].source, "/srv/pool");
	assert_string_equal(v.expose.v[0].dest, "/mnt/x");
	assert_true(v.expose.v[0].write && !v.expose.v[0].optional);
	assert_true(!v.expose.v[1].write && v.expose.v[1].optional);
	assert_string_equal(v.outbox.path, "/tmp/alice");
	assert_string_equal(v.outbox.to, "/srv/in/1000");
	assert_int_equal(v.outbox.commit, BV_COMMIT_DURABLE);
	assert_int_equal(v.outbox.mode, 0640);
	assert_int_equal(v.outbox.files_max, 9);
	assert_int_equal(v.outbox.depth_max, 2);
	assert_false(v.outbox.owner_user);
	free(json);
	bv_arena_done(&arena);
	fixture_done(&f);
}

/* A change of any one thing changes the plan's id and the digests of just the
 * steps that it is a parameter of. */
static void turn_source(struct fixture *f, struct bv_expose_rule *r)
{
	(void)f;
	r[1].source = "/srv/loop";
}
static void turn_dest(struct fixture *f, struct bv_expose_rule *r)
{
	(void)f;
	r[1].dest = "/mnt/z";
}
static void turn_write(struct fixture *f, struct bv_expose_rule *r)
{
	(void)f;
	r[0].write = true;
}
static void turn_optional(struct fixture *f, struct bv_expose_rule *r)
{
	(void)f;
	r[0].optional = false;
}
static void turn_to(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.to = "/srv/out";
}
static void turn_path(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.path = "/tmp/b";
}
static void turn_commit(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.commit = BV_COMMIT_ATOMIC;
}
static void turn_owner(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.owner_user = true;
}
static void turn_mode(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.mode = 0600;
}
static void turn_files(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.files_max++;
}
static void turn_depth(struct fixture *f, struct bv_expose_rule *r)
{
	(void)r;
	f->policy.outbox.depth_max++;
}

static bool param_differs(const struct bv_plan *a, const struct bv_plan *b,
			  enum bv_prim prim)
{
	const struct bv_schedule_entry *x =
		bv_schedule_find(&a->schedule, prim);
	const struct bv_schedule_entry *y =
		bv_schedule_find(&b->schedule, prim);

	assert_true(x != NULL && y != NULL);
	return memcmp(x->param, y->param, sizeof(x->param)) != 0;
}

static void test_schedule__parameters__each_counts(void **state)
{
	static struct bv_plan one, other;
	static const struct {
		void (*turn)(struct fixture *f, struct bv_expose_rule *r);
		bool outbox; /* else exposed paths */
	} turns[] = {
		{ turn_source, false }, { turn_dest, false },
		{ turn_write, false },  { turn_optional, false },
		{ turn_to, true },      { turn_path, true },
		{ turn_commit, true },  { turn_owner, true },
		{ turn_mode, true },    { turn_files, true },
		{ turn_depth, true },
	};
	struct fixture f, g;

	(void)state;
	fixture_init(&f);
	share(&f);
	admit(&f, &one);
	for (size_t i = 0; i < BV_LEN(turns); i++) {
		struct bv_expose_rule rules[] = { two[0], two[1] };
		const bool outbox = turns[i].outbox;

		fixture_init(&g);
		share(&g);
		g.policy.expose = rules;
		turns[i].turn(&g, rules);
		admit(&g, &other);
		assert_string_not_equal(one.id, other.id);
		for (unsigned int p = 0; p < 5; p++) {
			static const enum bv_prim prims[] = {
				BV_PRIM_OUTBOX_TARGET, BV_PRIM_VIEW_OUTBOX,
				BV_PRIM_VIEW_LEND, BV_PRIM_VIEW_READ_ONLY,
				BV_PRIM_LANDLOCK_RULESET
			};

			if (param_differs(&one, &other, prims[p]) !=
			    (outbox == (p < 2)))
				fail_msg("turn %zu: '%s'", i,
					 bv_universe_linux()->p[prims[p]].id);
		}
		fixture_done(&g);
	}
	fixture_done(&f);
}

static size_t place_of(const struct bv_plan *plan, enum bv_prim prim)
{
	const struct bv_schedule_entry *e =
		bv_schedule_find(&plan->schedule, prim);

	assert_non_null(e);
	return (size_t)(e - plan->schedule.entry);
}

/* Sources are looked up when all covers are on, and before the view turns
 * read-only; the target is undone after the leaf and before the record. */
static void test_schedule__order__forwards_and_back(void **state)
{
	static struct bv_plan plan;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	share(&f);
	f.fs[1] = (struct bv_fs_rule){ "/srv/data", BV_FS_HIDE, 14, false };
	admit(&f, &plan);
	assert_true(place_of(&plan, BV_PRIM_VIEW_HIDE) <
		    place_of(&plan, BV_PRIM_VIEW_LEND));
	assert_true(place_of(&plan, BV_PRIM_VIEW_SERVICES) <
		    place_of(&plan, BV_PRIM_VIEW_LEND));
	assert_true(place_of(&plan, BV_PRIM_VIEW_LEND) <
		    place_of(&plan, BV_PRIM_VIEW_READ_ONLY));
	assert_true(place_of(&plan, BV_PRIM_VIEW_PRIVATE) <
		    place_of(&plan, BV_PRIM_VIEW_OUTBOX));
	assert_true(place_of(&plan, BV_PRIM_RECORD_STARTED) <
		    place_of(&plan, BV_PRIM_OUTBOX_TARGET));
	assert_true(place_of(&plan, BV_PRIM_OUTBOX_TARGET) <
		    place_of(&plan, BV_PRIM_CGROUP_LEAF));
	fixture_done(&f);
}

/* Without any, no step and no member: plans of other policies are as before. */
static void test_plan__nothing_shared__no_member(void **state)
{
	static struct bv_plan plan;
	struct bv_err err = { 0 };
	struct fixture f;
	char *json;

	(void)state;
	fixture_init(&f);
	admit(&f, &plan);
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_VIEW_LEND));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_OUTBOX_TARGET));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_VIEW_OUTBOX));
	assert_int_equal(bv_plan_encode(&plan, &json, &err), BV_OK);
	assert_null(strstr(json, "\"expose\""));
	assert_null(strstr(json, "\"outbox\""));
	free(json);
	fixture_done(&f);
}

/* A run has no close that somebody waits for; a budget of nothing holds no
 * outbox. */
static void test_refused__run_and_no_room(void **state)
{
	static struct bv_plan plan;
	struct bv_refusal refusal;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	share(&f);
	fixture_snapshot(MACHINE_LINUX_6_18, &f.snap);
	assert_int_equal(fixture_plan(&f, &plan, &refusal),
			 BV_MEMBRANE_SUPPORT);
	assert_non_null(strstr(refusal.text, ":52: [outbox] commit = durable"));
	assert_non_null(strstr(refusal.text, "only a login does"));
	fixture_done(&f);
	fixture_init(&f);
	share(&f);
	f.policy.budget[BV_DIM_STORAGE].limit = 0;
	assert_int_equal(fixture_plan(&f, &plan, &refusal), BV_MEMBRANE_BUDGET);
	assert_non_null(strstr(refusal.text, "[budget] storage"));
	fixture_done(&f);
}

/* --- golden bytes ---------------------------------------------------------- */

static void expect_golden(const char *name, enum bv_identity what,
			  const char *json)
{
	char *want = golden_read(name, ".json");
	char *digest = golden_read(name, ".sha256");
	char hex[65];

	if (strcmp(json, want) != 0)
		fail_msg("%s: now %s", name, json);
	bv_identity_hex(what, json, strlen(json), hex);
	assert_memory_equal(hex, digest, 64);
	free(digest);
	free(want);
}

static void test_golden__plan_and_report(void **state)
{
	static const struct bv_output out[] = {
		{ "a", 12,
		  "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef",
		  "" },
		{ "d/link", 0, "", "symbolic link" },
	};
	static struct bv_plan plan;
	static struct ended e;
	struct fixture f;
	char *json;

	(void)state;
	fixture_init(&f);
	share(&f);
	admit(&f, &plan);
	assert_int_equal(bv_plan_encode(&plan, &json, NULL), BV_OK);
	expect_golden("plan-shared", BV_IDENTITY_PLAN, json);
	free(json);
	fixture_done(&f);
	ended_init(&e);
	e.report.has_outputs = true;
	e.report.output = out;
	e.report.output_n = BV_LEN(out);
	assert_int_equal(bv_report_encode(&e.report, &json, NULL), BV_OK);
	expect_golden("report-outputs", BV_IDENTITY_REPORT, json);
	free(json);
	fixture_done(&e.f);
}

/* --- report ---------------------------------------------------------------- */

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int decode_with(const struct bv_output *out, size_t n,
		       struct bv_arena *arena, struct bv_report_view *ret,
		       struct bv_err *err)
{
	static struct ended e;
	char *json;
	int code;

	ended_init(&e);
	e.report.has_outputs = true;
	e.report.output = out;
	e.report.output_n = n;
	assert_int_equal(bv_report_encode(&e.report, &json, err), BV_OK);
	code = bv_report_decode(arena, json, strlen(json), ret, err);
	free(json);
	fixture_done(&e.f);
	return code;
}

static void test_report__outputs__round_trip(void **state)
{
	static struct bv_report_view v;
	const struct bv_output out[] = {
		{ "a\xff", 12, SHA, "" },
		{ "b/c", 0, "", "fifo" },
	};
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	if (decode_with(out, 2, &arena, &v, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(v.outputs.n, 2);
	assert_string_equal(v.outputs.v[0].name, "a\xff");
	assert_int_equal(v.outputs.v[0].bytes, 12);
	assert_string_equal(v.outputs.v[0].sha256, SHA);
	assert_string_equal(v.outputs.v[1].refused, "fifo");
	assert_null(v.outputs.v[1].sha256);
	if (decode_with(NULL, 0, &arena, &v, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(v.outputs.n, 0);
	bv_arena_done(&arena);
}

static void test_report__outputs__lies_refused(void **state)
{
	static struct bv_report_view v;
	const struct bv_output order[] = { { "b", 1, SHA, "" },
					   { "a", 1, SHA, "" } };
	const struct bv_output twice[] = { { "a", 1, SHA, "" },
					   { "a", 1, SHA, "" } };
	const struct bv_output unread[] = { { "a", 1, "", "" } };
	struct bv_err err = { 0 };
	struct bv_arena arena;

	(void)state;
	bv_arena_init(&arena, 1u << 20);
	assert_int_equal(decode_with(order, 2, &arena, &v, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "outputs: member 1 out of order"));
	assert_int_equal(decode_with(twice, 2, &arena, &v, &err), BV_E_PROTO);
	assert_int_equal(decode_with(unread, 1, &arena, &v, &err), BV_E_PROTO);
	assert_non_null(strstr(err.msg, "outputs[0].sha256"));
	bv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__round_trip__every_member),
		cmocka_unit_test(test_schedule__parameters__each_counts),
		cmocka_unit_test(test_schedule__order__forwards_and_back),
		cmocka_unit_test(test_plan__nothing_shared__no_member),
		cmocka_unit_test(test_refused__run_and_no_room),
		cmocka_unit_test(test_golden__plan_and_report),
		cmocka_unit_test(test_report__outputs__round_trip),
		cmocka_unit_test(test_report__outputs__lies_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
