/* SPDX-License-Identifier: MIT */
/*
 * The plan's encoding loses nothing: every member comes back as it was, and two
 * plans that differ in one member, whichever, have different bytes.
 */
#include "tests/unit/boundary_fixture.h"

#include <stdio.h>

#include "core/decode.h"

static void admit(struct fixture *f, struct bv_plan *ret)
{
	struct bv_refusal refusal;

	if (fixture_plan(f, ret, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
}

static char *encode(const struct bv_plan *plan)
{
	struct bv_err err = { 0 };
	char *json = NULL;

	if (bv_plan_encode(plan, &json, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return json;
}

static void same_admitted(const struct bv_plan_view *v,
			  const struct bv_plan *plan)
{
	assert_int_equal(v->admitted.n, plan->admitted_n);
	for (size_t i = 0; i < plan->admitted_n; i++) {
		const struct bv_plan_admitted *got = &v->admitted.v[i];
		const struct bv_admitted *a = &plan->admitted[i];

		assert_int_equal(got->kind, a->kind);
		assert_int_equal(got->req, a->req);
		assert_int_equal(got->enforcement, a->verdict.enforcement);
		assert_int_equal(got->evidence, a->verdict.evidence);
		assert_int_equal(got->required_evidence, a->required_evidence);
		assert_string_equal(got->mechanism, a->verdict.mechanism);
	}
}

static void same_budgets(const struct bv_plan_view *v,
			 const struct bv_plan *plan)
{
	size_t n = 0;

	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_admitted_budget *b = &plan->budget[d];
		const struct bv_plan_budget *got = &v->budgets.v[n];

		if (!b->stated)
			continue;
		assert_true(n++ < v->budgets.n);
		assert_int_equal(got->dim, d);
		assert_string_equal(got->unit, bv_dim_unit((enum bv_dim)d));
		assert_true(got->limit == b->limit);
		assert_true(got->minimum == b->minimum);
		assert_int_equal(got->required, b->required);
		assert_int_equal(got->selected, b->selected);
		assert_int_equal(got->required_evidence, b->required_evidence);
		assert_int_equal(got->promised_evidence, b->promised_evidence);
		assert_string_equal(got->mechanism, b->mechanism);
		assert_true(got->sample_us == b->sample_us);
		assert_true(got->max_overshoot == b->max_overshoot);
	}
	assert_int_equal(n, v->budgets.n);
}

static void same_lists(const struct bv_plan_view *v, const struct bv_plan *plan)
{
	const struct bv_spec *spec = plan->spec;
	const struct bv_policy *policy = spec->policy;

	assert_int_equal(v->fs.n, spec->fs_n);
	for (size_t i = 0; i < spec->fs_n; i++) {
		assert_string_equal(v->fs.v[i].path, spec->fs[i].path);
		assert_int_equal(v->fs.v[i].rights, spec->fs[i].rights);
		assert_int_equal(v->fs.v[i].optional, spec->fs[i].optional);
	}
	assert_int_equal(v->env_exact, policy->env_exact);
	assert_int_equal(v->env.n, policy->env_exact ? policy->env_n : 0);
	for (size_t i = 0; i < v->env.n; i++) {
		const struct bv_env_rule *e = &policy->env[i];

		assert_string_equal(v->env.v[i].name, e->name);
		assert_string_equal(e->is_lease ? v->env.v[i].lease
						: v->env.v[i].value,
				    e->value);
		assert_null(e->is_lease ? v->env.v[i].value
					: v->env.v[i].lease);
	}
}

static void same_plan(const struct bv_plan_view *v, const struct bv_plan *plan)
{
	const struct bv_spec *spec = plan->spec;

	assert_string_equal(v->backend,
			    bv_snapshot_get(&plan->snapshot, BV_FACT_BACKEND));
	assert_string_equal(v->policy.name, spec->policy->name);
	assert_string_equal(v->policy.sha256, spec->policy->sha256_hex);
	assert_string_equal(v->subject.user, spec->subject->user);
	assert_int_equal(v->subject.uid, spec->subject->uid);
	assert_int_equal(v->subject.gid, spec->subject->gid);
	assert_string_equal(v->subject.home, spec->subject->home);
	assert_int_equal(v->workload, spec->workload);
	assert_int_equal(v->base, spec->base);
	assert_int_equal(v->network, spec->network);
	assert_int_equal(v->spawn, spec->spawn);
	assert_int_equal(v->temp_private, spec->temp_private);
	assert_int_equal(v->no_new_privs, spec->no_new_privs);
	assert_int_equal(v->required_evidence, spec->evidence);
	assert_string_equal(v->schedule, plan->schedule.digest);
	assert_memory_equal(&v->snapshot, &plan->snapshot,
			    sizeof(plan->snapshot));
	assert_string_equal(v->id, plan->id);
	same_admitted(v, plan);
	same_budgets(v, plan);
	same_lists(v, plan);
}

static void round_trip(struct fixture *f)
{
	static struct bv_plan_view view;
	struct bv_err err = { 0 };
	struct bv_plan plan;
	char *json;

	admit(f, &plan);
	json = encode(&plan);
	if (bv_plan_decode(&f->arena, json, strlen(json), &view, &err) != BV_OK)
		fail_msg("%s", err.msg);
	same_plan(&view, &plan);
	free(json);
}

static void test_plan__decoded__every_member_back(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	round_trip(&f);
	fixture_snapshot(MACHINE_DEBIAN_13, &f.snap);
	round_trip(&f);
	f.fs[1].path = "/srv/\xff\n\x01\\ \xc3\xbf";
	f.subject.home = "/home/\xf0\x9f\x98\x80";
	f.policy.evidence = BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION);
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.base = BV_BASE_MINIMAL;
	round_trip(&f);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	f.policy.env_exact = true;
	round_trip(&f);
	f.policy.env_n = 0;
	f.policy.fs_n = 0;
	round_trip(&f);
	fixture_done(&f);
}

/* --- one member at a time -------------------------------------------------- */

struct subjects {
	struct fixture f;
	struct bv_plan plan;
	struct bv_fs_rule fs[4];
	struct bv_env_rule env[2];
};

static void subjects_init(struct subjects *s)
{
	fixture_init(&s->f);
	fixture_set(&s->f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	s->f.policy.env_exact = true;
	admit(&s->f, &s->plan);
	memcpy(s->fs, s->f.spec.fs, s->f.spec.fs_n * sizeof(s->fs[0]));
	memcpy(s->env, s->f.policy.env, sizeof(s->env));
	s->f.spec.fs = s->fs;
	s->f.policy.env = s->env;
}

/* A member and another value for it, as bytes. */
#define NUMBER(member)                                                         \
	{                                                                      \
#member, offsetof(struct subjects, member),                    \
			sizeof(((struct subjects *)0)->member), NULL           \
	}
#define STRING(member)                                                         \
	{                                                                      \
#member, offsetof(struct subjects, member), 0, "other"         \
	}
#define BUFFER(member)                                                         \
	{                                                                      \
#member, offsetof(struct subjects, member), 1, NULL            \
	}

static const struct {
	const char *name;
	size_t offset;
	size_t size; /* of a number; 0: a const char * */
	const char *text;
} members[] = {
	STRING(f.policy.name),
	BUFFER(f.policy.sha256_hex),
	STRING(f.subject.user),
	NUMBER(f.subject.uid),
	NUMBER(f.subject.gid),
	STRING(f.subject.home),
	NUMBER(f.spec.workload),
	NUMBER(f.spec.base),
	NUMBER(f.spec.network),
	NUMBER(f.spec.spawn),
	NUMBER(f.spec.temp_private),
	NUMBER(f.spec.no_new_privs),
	NUMBER(f.spec.evidence),
	NUMBER(f.policy.env_exact),
	STRING(env[0].name),
	STRING(env[0].value),
	NUMBER(env[0].is_lease),
	STRING(env[1].name),
	STRING(env[1].value),
	NUMBER(env[1].is_lease),
	STRING(fs[0].path),
	NUMBER(fs[0].rights),
	NUMBER(fs[0].optional),
	STRING(fs[3].path),
	NUMBER(fs[3].rights),
	NUMBER(fs[3].optional),
	NUMBER(plan.admitted[0].kind),
	NUMBER(plan.admitted[0].req),
	NUMBER(plan.admitted[0].required_evidence),
	NUMBER(plan.admitted[0].verdict.enforcement),
	NUMBER(plan.admitted[0].verdict.evidence),
	STRING(plan.admitted[0].verdict.mechanism),
	NUMBER(plan.admitted[5].kind),
	NUMBER(plan.admitted[5].req),
	NUMBER(plan.admitted[5].required_evidence),
	NUMBER(plan.admitted[5].verdict.enforcement),
	NUMBER(plan.admitted[5].verdict.evidence),
	STRING(plan.admitted[5].verdict.mechanism),
	NUMBER(plan.budget[BV_DIM_WALL].stated),
	NUMBER(plan.budget[BV_DIM_WALL].limit),
	NUMBER(plan.budget[BV_DIM_WALL].minimum),
	NUMBER(plan.budget[BV_DIM_WALL].required),
	NUMBER(plan.budget[BV_DIM_WALL].selected),
	NUMBER(plan.budget[BV_DIM_WALL].required_evidence),
	NUMBER(plan.budget[BV_DIM_WALL].promised_evidence),
	STRING(plan.budget[BV_DIM_WALL].mechanism),
	NUMBER(plan.budget[BV_DIM_WALL].sample_us),
	NUMBER(plan.budget[BV_DIM_WALL].max_overshoot),
	NUMBER(plan.budget[BV_DIM_MEMORY].limit),
	NUMBER(plan.budget[BV_DIM_PROCESSES].limit),
	BUFFER(plan.schedule.digest),
	BUFFER(plan.snapshot.fact[0].value),
	BUFFER(plan.snapshot.fact[0].key),
	BUFFER(plan.snapshot.fact[9].value),
};

/* Another value of the same kind: the lowest bit the other way. */
static void change(struct subjects *s, size_t i)
{
	char *at = (char *)s + members[i].offset;

	if (members[i].size == 0)
		memcpy(at, &members[i].text, sizeof(members[i].text));
	else
		*at ^= 1;
}

static void test_plan__one_member_differs__other_bytes(void **state)
{
	static char *all[BV_LEN(members) + 1];
	static struct subjects s;

	(void)state;
	for (size_t i = 0; i < BV_LEN(all); i++) {
		subjects_init(&s);
		if (i < BV_LEN(members))
			change(&s, i);
		all[i] = encode(&s.plan);
		for (size_t j = 0; j < i; j++)
			if (strcmp(all[i], all[j]) == 0)
				fail_msg("%s and %s: the same bytes",
					 i < BV_LEN(members) ? members[i].name
							     : "nothing",
					 members[j].name);
		fixture_done(&s.f);
	}
	for (size_t i = 0; i < BV_LEN(all); i++)
		free(all[i]);
}

/* Lists: one more, one less, two in the other order, and a border moved from
 * one text into the next. */
static void test_plan__lists_differ__other_bytes(void **state)
{
	static struct subjects s;
	char *all[6];

	(void)state;
	for (unsigned int i = 0; i < BV_LEN(all); i++) {
		struct bv_fs_rule other;
		struct bv_fact fact;

		subjects_init(&s);
		switch (i) {
		case 0:
			s.f.spec.fs_n--;
			break;
		case 1:
			other = s.fs[0];
			s.fs[0] = s.fs[1];
			s.fs[1] = other;
			break;
		case 2:
			s.plan.admitted_n--;
			break;
		case 3:
			fact = s.plan.snapshot.fact[s.plan.snapshot.n - 1];
			s.plan.snapshot.n--;
			assert_true(fact.key[0] != '\0');
			break;
		case 4:
			s.env[0].name = "LANGC";
			s.env[0].value = ".UTF-8";
			break;
		default:
			break;
		}
		all[i] = encode(&s.plan);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(all[i], all[j]);
		fixture_done(&s.f);
	}
	for (unsigned int i = 0; i < BV_LEN(all); i++)
		free(all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__decoded__every_member_back),
		cmocka_unit_test(test_plan__one_member_differs__other_bytes),
		cmocka_unit_test(test_plan__lists_differ__other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
