/* SPDX-License-Identifier: MIT */
/* The plan's identity: same boundary, same id; any change, another one. */
#include "tests/unit/boundary_fixture.h"

#include <stdio.h>

#include <jansson.h>

#define USAGE    BV_EV_BIT(BV_EV_RESOURCE_USAGE)
#define ATTESTED BV_EV_BIT(BV_EV_MECHANISM_ATTESTATION)

#define GOLDEN_PLAN "tests/golden/plan-debian12.json"
#define GOLDEN_PLAN_ID                                                         \
	"c2c084b139bd09f586484a0a12898deaabe461ffef7a115267baf5906ad783af"

static void admit(struct fixture *f, struct bv_plan *ret)
{
	struct bv_refusal refusal;

	if (fixture_plan(f, ret, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
}

static void id_of(struct fixture *f, char ret[BV_PLAN_ID_LEN + 1])
{
	struct bv_plan plan;

	admit(f, &plan);
	memcpy(ret, plan.id, BV_PLAN_ID_LEN + 1);
}

/* One change each; every one of them is another boundary. */
static void change(struct fixture *f, unsigned int which)
{
	static struct bv_fs_rule more[5];

	switch (which) {
	case 0:
		f->policy.name = "other";
		break;
	case 1:
		f->policy.sha256_hex[63] = '0';
		break;
	case 2:
		f->subject.user = "alicf";
		break;
	case 3:
		f->subject.uid = 1001;
		break;
	case 4:
		f->subject.gid = 1001;
		break;
	case 5:
		f->subject.home = "/home/other";
		break;
	case 6:
		f->policy.base = BV_BASE_MINIMAL;
		break;
	case 7:
		f->fs[1].path = "/srv/datb";
		break;
	case 8:
		f->fs[1].rights |= BV_FS_EXEC;
		break;
	case 9:
		f->fs[1].optional = true;
		break;
	case 10:
		f->policy.fs_n = 3;
		break;
	case 11:
		memcpy(more, f->fs, sizeof(f->fs));
		more[4] = (struct bv_fs_rule){ "/a", BV_FS_READ, 16, false };
		f->policy.fs = more;
		f->policy.fs_n = 5;
		break;
	case 12:
		f->policy.network = BV_NETWORK_OPEN;
		break;
	case 13:
		f->policy.temp_private = false;
		break;
	case 14:
		f->policy.no_new_privs = false;
		break;
	case 15:
		f->policy.budget[BV_DIM_WALL].limit++;
		break;
	case 16:
		f->policy.budget[BV_DIM_WALL].stated = false;
		break;
	case 17:
		f->policy.budget[BV_DIM_WALL].guarantee = BV_MEDIATED;
		break;
	case 18:
		f->policy.budget[BV_DIM_WALL].evidence = USAGE;
		break;
	case 19:
		f->policy.budget[BV_DIM_MEMORY].limit--;
		break;
	case 20:
		f->policy.budget[BV_DIM_PROCESSES].limit--;
		break;
	case 21:
		f->policy.budget[BV_DIM_STORAGE] =
			(struct bv_budget_request){ true, 1, BV_ENFORCED, 0,
						    29 };
		break;
	case 22:
		f->policy.evidence = ATTESTED;
		break;
	case 23:
		fixture_set(&f->snap, BV_FACT_KERNEL, "6.1.1");
		break;
	case 24:
		fixture_set(&f->snap, BV_FACT_ABI_LANDLOCK, "3");
		break;
	case 25:
		fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, "run");
		break;
	case 26:
		fixture_set(&f->snap, "new.fact", "");
		break;
	case 27:
		f->policy.budget[BV_DIM_PROCESSES].evidence = 0;
		break;
	case 28:
		fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, "run");
		f->policy.env_exact = true;
		break;
	case 29:
		fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, "run");
		f->policy.env_exact = true;
		f->env[0].value = "C";
		break;
	case 30:
		fixture_set(&f->snap, BV_FACT_EXEC_BOUNDARY, "run");
		f->policy.fds = BV_FDS_NONE;
		break;
	/* Bytes that are not UTF-8 and the text that shows them. */
	case 31:
		f->fs[1].path = "/srv/\xff";
		break;
	case 32:
		f->fs[1].path = "/srv/\\xff";
		break;
	case 33:
		f->fs[1].path = "/srv/\\\\xff";
		break;
	case 34:
		f->fs[1].path = "/srv/\xc3\xbf";
		break;
	case 35:
		f->fs[1].path = "/srv/\xe2\x82";
		break;
	default:
		fail_msg("no change %u", which);
	}
}
#define CHANGES 36u

static void test_plan_id__any_change__another_id(void **state)
{
	char id[CHANGES + 1][BV_PLAN_ID_LEN + 1];

	(void)state;
	for (unsigned int i = 0; i <= CHANGES; i++) {
		struct fixture f;

		fixture_init(&f);
		if (i < CHANGES)
			change(&f, i);
		id_of(&f, id[i]);
		fixture_done(&f);
		for (unsigned int j = 0; j < i; j++)
			if (strcmp(id[i], id[j]) == 0)
				fail_msg("changes %u and %u: same id", i, j);
	}
}

static void test_plan_id__same_boundary__same_id(void **state)
{
	static const char *const groups[] = { "alice", "wheel" };
	char a[BV_PLAN_ID_LEN + 1], b[BV_PLAN_ID_LEN + 1];
	struct fixture f, g;

	(void)state;
	fixture_init(&f);
	id_of(&f, a);
	id_of(&f, b);
	assert_string_equal(a, b);
	fixture_init(&g);
	g.subject.tty = "/dev/pts/3";
	g.subject.rhost = "";
	g.subject.service = "su";
	g.subject.groups = groups;
	g.subject.groups_n = 2;
	g.policy.description = "another text";
	id_of(&g, b);
	assert_string_equal(a, b);
	fixture_done(&f);
	fixture_done(&g);
}

static void test_plan_encode__golden__bytes_and_id(void **state)
{
	static char want[16384];
	char digest[65];
	struct bv_plan plan;
	struct fixture f;
	char *json;
	FILE *file;
	size_t n;

	(void)state;
	fixture_init(&f);
	admit(&f, &plan);
	assert_int_equal(bv_plan_encode(&plan, &json, NULL), BV_OK);
	file = fopen(GOLDEN_PLAN, "rb");
	if (!file)
		fail_msg("cannot open %s: run from the top folder",
			 GOLDEN_PLAN);
	n = fread(want, 1, sizeof(want) - 1, file);
	fclose(file);
	want[n] = '\0';
	assert_string_equal(json, want);
	bv_sha256_hex(json, strlen(json), digest);
	assert_string_equal(plan.id, digest);
	assert_string_equal(plan.id, GOLDEN_PLAN_ID);
	free(json);
	fixture_done(&f);
}

/* Another reader's view: it parses, every number is an integer, the keys are
 * sorted, nothing but ASCII, and writing it again gives the same bytes. */
static void test_plan_encode__canonical__stable(void **state)
{
	struct bv_plan plan;
	struct fixture f;
	char *json, *again;
	json_t *value;

	(void)state;
	fixture_init(&f);
	f.fs[1].path = "/srv/\xff\n\x01\\ \xc3\xbf";
	admit(&f, &plan);
	assert_int_equal(bv_plan_encode(&plan, &json, NULL), BV_OK);
	for (const char *p = json; *p; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
	assert_non_null(
		strstr(json, "/srv/\\\\xff\\n\\u0001\\\\\\\\ \\u00FF\""));
	value = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(value);
	again = json_dumps(value,
			   JSON_SORT_KEYS | JSON_COMPACT | JSON_ENSURE_ASCII);
	assert_string_equal(again, json);
	free(again);
	free(json);
	json_decref(value);
	fixture_done(&f);
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

/* A plan that cannot be identified is no plan: a fault, nothing written. */
static void test_plan_id__no_memory__fault(void **state)
{
	struct bv_plan plan = { .id = "untouched" };
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_N };
	struct bv_err err = { 0 };
	struct fixture f;
	int code;

	(void)state;
	fixture_init(&f);
	fixture_spec(&f);
	json_set_alloc_funcs(no_memory, free);
	code = bv_plan_build(&f.spec, &f.snap, &plan, &refusal, &err);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(code, BV_E_NOMEM);
	assert_string_equal(plan.id, "untouched");
	assert_int_equal(refusal.membrane, BV_MEMBRANE_N);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan_id__any_change__another_id),
		cmocka_unit_test(test_plan_id__same_boundary__same_id),
		cmocka_unit_test(test_plan_encode__golden__bytes_and_id),
		cmocka_unit_test(test_plan_encode__canonical__stable),
		cmocka_unit_test(test_plan_id__no_memory__fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
