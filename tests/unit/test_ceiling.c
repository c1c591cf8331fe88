/* SPDX-License-Identifier: MIT */
/*
 * Recorded machines: tests/data/snapshots/NAME.txt holds the facts of a probe
 * as `key = value`, NAME.ceiling the whole ceiling that has to come of them,
 * one line for each key and each budget. The snapshot alone decides: the same
 * facts in another order, or read twice, are the same ceiling.
 */
#include "tests/unit/boundary_fixture.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/support.h"

#define FOLDER "tests/data/snapshots/"

static const struct recorded {
	const char *name;
	enum fixture_machine_id machine;
} recorded[] = {
	{ "debian-12", MACHINE_DEBIAN_12 },
	{ "debian-13", MACHINE_DEBIAN_13 },
	{ "linux-6.18-run", MACHINE_LINUX_6_18 },
	{ "container-no-delegation", MACHINE_NO_DELEGATION },
	{ "cgroup-v1", MACHINE_CGROUP_V1 },
};

struct text {
	char bytes[16384];
	size_t n;
};

static void read_text(const char *name, const char *end, struct text *ret)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), FOLDER "%s%s", name, end);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s: run from the top folder", path);
	ret->n = fread(ret->bytes, 1, sizeof(ret->bytes) - 1, file);
	fclose(file);
	assert_true(ret->n > 0 && ret->n < sizeof(ret->bytes) - 1);
	ret->bytes[ret->n] = '\0';
}

/* `key = value`, '#' begins a comment line. A key may stand once. */
static void load(const char *name, struct bv_snapshot *ret)
{
	static struct text text;
	char *save, *line;

	read_text(name, ".txt", &text);
	*ret = (struct bv_snapshot){ .n = 0 };
	for (line = strtok_r(text.bytes, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *equals = strstr(line, " =");
		size_t before = ret->n;

		if (line[0] == '#')
			continue;
		if (!equals)
			fail_msg("%s: '%s'", name, line);
		*equals = '\0';
		fixture_set(ret, line,
			    equals[2] == ' ' ? equals + 3 : equals + 2);
		assert_int_equal(ret->n, before + 1);
	}
}

static void BV_PRINTF(2, 3) add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->bytes + t->n, sizeof(t->bytes) - t->n, fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(t->bytes) - t->n);
	t->n += (size_t)n;
}

static void add_evidence(struct text *t, uint32_t evidence)
{
	const char *comma = "";

	add(t, " [");
	for (unsigned int e = 0; e < BV_EV_N; e++) {
		if (!(evidence & BV_EV_BIT(e)))
			continue;
		add(t, "%s%s", comma, bv_evidence_name((enum bv_evidence)e));
		comma = ",";
	}
	add(t, "]");
}

static void add_why(struct text *t, enum bv_enforcement e, const char *missing,
		    const char *remedy)
{
	if (e == BV_UNSUPPORTED)
		add(t, " %s; %s", missing, remedy);
	add(t, "\n");
}

static void render(const struct bv_profile *p, struct text *ret)
{
	ret->n = 0;
	for (unsigned int r = 0; r < BV_REQ_N; r++) {
		const struct bv_verdict *v = &p->req[r];

		add(ret, "%s %s %s", bv_req_name((enum bv_req)r),
		    bv_enforcement_name(v->enforcement), v->mechanism);
		add_evidence(ret, v->evidence);
		add_why(ret, v->enforcement, v->missing, v->remedy);
	}
	for (unsigned int d = 0; d < BV_DIM_N; d++) {
		const struct bv_availability *a = &p->budget[d];

		add(ret,
		    "budget %s %s %s at most %" PRIu64 " sample %" PRIu64
		    " overshoot %" PRIu64,
		    bv_dim_name((enum bv_dim)d),
		    bv_enforcement_name(a->enforcement), a->mechanism,
		    a->available, a->sample_us, a->max_overshoot);
		add_evidence(ret, a->evidence);
		add_why(ret, a->enforcement, a->missing, a->remedy);
	}
}

static void test_ceiling__recorded__whole_ceiling(void **state)
{
	static struct text want, got;

	(void)state;
	for (size_t i = 0; i < BV_LEN(recorded); i++) {
		struct bv_snapshot snap;
		struct bv_profile p;

		load(recorded[i].name, &snap);
		bv_profile_derive(&snap, &p);
		render(&p, &got);
		read_text(recorded[i].name, ".ceiling", &want);
		if (strcmp(got.bytes, want.bytes) != 0)
			fail_msg("%s: the ceiling is\n%s", recorded[i].name,
				 got.bytes);
	}
}

/* The machines of the other tests are these. */
static void test_ceiling__recorded__fixtures_of_the_tests(void **state)
{
	(void)state;
	assert_int_equal(BV_LEN(recorded), MACHINE_N);
	for (size_t i = 0; i < BV_LEN(recorded); i++) {
		struct bv_snapshot file, fixture;

		load(recorded[i].name, &file);
		fixture_snapshot(recorded[i].machine, &fixture);
		assert_int_equal(file.n, fixture.n);
		for (size_t f = 0; f < file.n; f++) {
			assert_string_equal(file.fact[f].key,
					    fixture.fact[f].key);
			assert_string_equal(file.fact[f].value,
					    fixture.fact[f].value);
		}
	}
}

static void test_ceiling__facts_in_any_order__same(void **state)
{
	static struct text one, other;

	(void)state;
	for (size_t i = 0; i < BV_LEN(recorded); i++) {
		struct bv_snapshot snap, turned = { .n = 0 };
		struct bv_profile p;

		load(recorded[i].name, &snap);
		for (size_t f = snap.n; f > 0; f--)
			fixture_set(&turned, snap.fact[f - 1].key,
				    snap.fact[f - 1].value);
		bv_profile_derive(&snap, &p);
		render(&p, &one);
		bv_profile_derive(&turned, &p);
		render(&p, &other);
		assert_string_equal(one.bytes, other.bytes);
	}
}

/* No key of the contract is without an effect of its own on some machine, or
 * says that it is not built: the parameters are told apart. */
static void test_ceiling__parameters__told_apart(void **state)
{
	struct bv_snapshot snap;
	struct bv_profile p;

	(void)state;
	load("debian-12", &snap);
	bv_profile_derive(&snap, &p);
	/* Truncate is what ABI 2 does not stop: only writing needs the view. */
	assert_string_equal(p.req[BV_REQ_FS_READ].mechanism, "linux:landlock");
	assert_string_equal(p.req[BV_REQ_FS_WRITE].mechanism,
			    "linux:landlock+read_only_view");
	assert_int_equal(p.req[BV_REQ_FS_READ_FILE].enforcement,
			 BV_UNSUPPORTED);
	load("debian-13", &snap);
	fixture_set(&snap, BV_FACT_NS_MOUNT, "no");
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.req[BV_REQ_FS_WRITE].enforcement, BV_ENFORCED);
	assert_int_equal(p.req[BV_REQ_FS_HIDE].enforcement, BV_UNSUPPORTED);
	load("linux-6.18-run", &snap);
	bv_profile_derive(&snap, &p);
	assert_int_equal(p.req[BV_REQ_ENVIRONMENT].enforcement, BV_ENFORCED);
	assert_int_equal(p.req[BV_REQ_ENVIRONMENT_LEASE].enforcement,
			 BV_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling__recorded__whole_ceiling),
		cmocka_unit_test(test_ceiling__recorded__fixtures_of_the_tests),
		cmocka_unit_test(test_ceiling__facts_in_any_order__same),
		cmocka_unit_test(test_ceiling__parameters__told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
