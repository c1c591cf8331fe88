/* SPDX-License-Identifier: MIT */
/* What compiler and verifier say of each fault, and what their digests bind. */
#include "tests/unit/schedule_worlds.h"

static struct bv_schedule_fault refused(const struct world *w,
					const size_t *set, size_t n)
{
	struct bv_choice choice[N_MAX];
	struct bv_schedule_fault fault = { 0 };
	struct bv_schedule s;

	memset(choice, 0, sizeof(choice));
	for (size_t i = 0; i < n; i++)
		choice[i].index = (uint32_t)set[i];
	(void)bv_schedule_compile(&w->u, choice, n, &s, &fault);
	return fault;
}

static void test_compile__says_who(void **state)
{
	static const struct {
		size_t world;
		size_t set[N_MAX];
		size_t n;
		const char *text;
	} rows[] = {
		{ 0, { 0, 1, 1 }, 3, "schedule: DuplicatePrimitive: b" },
		{ 0, { 2, 1, 2, 1 }, 4, "schedule: DuplicatePrimitive: b" },
		{ 4, { 1, 0 }, 2, "schedule: ConflictingPrimitives: x, y" },
		{ 4, { 2, 3, 0 }, 3, "schedule: ConflictingPrimitives: w, x9" },
		{ 4, { 3, 1 }, 2, "schedule: ConflictingPrimitives: x9, y" },
		{ 0, { 2 }, 1, "schedule: MissingPrerequisite: a, b" },
		{ 8, { 0, 1 }, 2, "schedule: MissingPrerequisite: a, ?" },
		{ 5, { 0, 1 }, 2, "schedule: PhaseOrderViolation: q, p" },
		{ 6, { 2, 1, 0 }, 3, "schedule: CyclicDependency: a" },
		{ 6, { 3 }, 1, "schedule: CyclicDependency: d" },
		{ 6, { 7 }, 1, "schedule: UnknownPrimitive: ?" },
		{ 6, { 2 }, 1, "schedule: Ok" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		struct bv_schedule_fault fault =
			refused(&worlds[rows[i].world], rows[i].set, rows[i].n);

		bv_schedule_explain(&fault, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void test_verify__says_who(void **state)
{
	static const struct {
		size_t world;
		size_t order[N_MAX];
		size_t n;
		uint64_t required;
		const char *text;
	} rows[] = {
		{ 0, { 9 }, 1, 0, "schedule: IndexOutOfRange" },
		{ 0, { 0, 0 }, 2, 0, "schedule: Duplicate: c" },
		{ 0, { 1 }, 1, 0, "schedule: PrerequisiteMissing: b, c" },
		{ 8, { 0 }, 1, 0, "schedule: PrerequisiteMissing: a, ?" },
		{ 4, { 0, 1 }, 2, 0, "schedule: ConflictCoPresent: x, y" },
		{ 0, { 1, 0 }, 2, 0, "schedule: PrerequisiteOutOfOrder: b, c" },
		{ 1, { 0, 2 }, 2, 0, "schedule: PhaseOutOfOrder: b, z" },
		{ 1,
		  { 2 },
		  1,
		  1,
		  "schedule: RequirementUncovered: "
		  "Filesystem" },
		{ 1,
		  { 2 },
		  1,
		  BV_COVER_BUDGET(BV_DIM_WALL),
		  "schedule: RequirementUncovered: wall" },
		{ 1,
		  { 2 },
		  1,
		  UINT64_C(1) << 63,
		  "schedule: RequirementUncovered: ?" },
		{ 1, { 0, 1 }, 2, 0, "schedule: NonCanonical: b, a" },
		{ 1, { 1, 0 }, 2, 0, "schedule: Ok" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		const struct world *w = &worlds[rows[i].world];
		struct bv_schedule s = schedule_of(w, rows[i].order, rows[i].n);
		struct bv_schedule_fault fault;

		(void)bv_schedule_verify(&w->u, &s, rows[i].required, &fault);
		bv_schedule_explain(&fault, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void test_sizes__beyond_the_set_are_refused(void **state)
{
	static struct bv_choice many[BV_PRIMITIVE_MAX + 1];
	struct bv_universe big = worlds[0].u;
	struct bv_schedule s = { .n = BV_PRIMITIVE_MAX + 1 };
	struct bv_schedule_fault fault;

	(void)state;
	assert_int_equal(bv_schedule_verify(&worlds[0].u, &s, 0, &fault),
			 BV_VERIFY_INDEX);
	assert_int_equal(bv_schedule_compile(&worlds[0].u, many,
					     BV_PRIMITIVE_MAX + 1, &s, &fault),
			 BV_COMPILE_DUPLICATE);
	big.n = BV_PRIMITIVE_MAX + 1;
	s.n = 0;
	assert_int_equal(bv_schedule_verify(&big, &s, 0, &fault),
			 BV_VERIFY_INDEX);
	assert_int_equal(bv_schedule_compile(&big, many, 0, &s, &fault),
			 BV_COMPILE_INDEX);
}

/* A universe as big as they come: a chain through all of it, ids against it. */
static void test_sizes__the_whole_set(void **state)
{
	static struct bv_primitive p[BV_PRIMITIVE_MAX];
	static uint8_t decl[BV_PRIMITIVE_MAX][BV_SHA256_BYTES];
	static char id[BV_PRIMITIVE_MAX][8];
	static struct bv_choice choice[BV_PRIMITIVE_MAX];
	const struct bv_universe u = {
		.p = p,
		.n = BV_PRIMITIVE_MAX,
		.decl = (const uint8_t(*)[BV_SHA256_BYTES])decl,
	};
	struct bv_schedule s;

	(void)state;
	for (size_t i = 0; i < BV_PRIMITIVE_MAX; i++) {
		snprintf(id[i], sizeof(id[i]), "p%02zu", 63 - i);
		p[i].id = id[i];
		p[i].version = 1;
		p[i].prerequisites = i == 0 ? 0 : BV_PRIM_BIT(i - 1);
		choice[i].index = (uint32_t)(i * 37 % BV_PRIMITIVE_MAX);
	}
	for (size_t i = 0; i < BV_PRIMITIVE_MAX; i++)
		bv_primitive_digest(p, BV_PRIMITIVE_MAX, i, decl[i]);
	assert_int_equal(
		bv_schedule_compile(&u, choice, BV_PRIMITIVE_MAX, &s, NULL),
		BV_SCHEDULE_OK);
	assert_int_equal(s.n, BV_PRIMITIVE_MAX);
	for (size_t i = 0; i < BV_PRIMITIVE_MAX; i++)
		assert_int_equal(s.entry[i].index, i);
	assert_int_equal(bv_schedule_verify(&u, &s, 0, NULL), BV_SCHEDULE_OK);
	/* the first and the last bit of a set */
	p[0].conflicts = BV_PRIM_BIT(63);
	assert_int_equal(
		bv_schedule_compile(&u, choice, BV_PRIMITIVE_MAX, &s, NULL),
		BV_COMPILE_CONFLICT);
	assert_int_equal(bv_schedule_verify(&u, &s, 0, NULL),
			 BV_VERIFY_CONFLICT);
	p[0].conflicts = 0;
	p[0].prerequisites = BV_PRIM_BIT(63);
	assert_int_equal(
		bv_schedule_compile(&u, choice, BV_PRIMITIVE_MAX, &s, NULL),
		BV_COMPILE_CYCLE);
	assert_int_equal(bv_schedule_verify(&u, &s, 0, NULL),
			 BV_VERIFY_PREREQUISITE_ORDER);
}

/* --- digests --------------------------------------------------------------- */

static void digest_of(const struct bv_primitive *row, size_t n, size_t i,
		      char ret[2 * BV_SHA256_BYTES + 1])
{
	uint8_t sum[BV_SHA256_BYTES];

	bv_primitive_digest(row, n, i, sum);
	for (size_t b = 0; b < sizeof(sum); b++)
		snprintf(ret + 2 * b, 3, "%02x", sum[b]);
}

static void test_declaration_digest__every_word_counts(void **state)
{
	struct bv_primitive base[N_MAX], other[N_MAX];
	char want[65], got[65];

	(void)state;
	memcpy(base, worlds[4].p, sizeof(base));
	digest_of(base, 4, 0, want);
	for (unsigned int change = 0; change < 9; change++) {
		struct bv_primitive *x = &other[0];

		memcpy(other, base, sizeof(other));
		switch (change) {
		case 0:
			x->id = "xx";
			break;
		case 1:
			x->version = 2;
			break;
		case 2:
			x->phase = BV_PHASE_PLACE;
			break;
		case 3:
			x->covers = BV_COVER_BUDGET(BV_DIM_CPU);
			break;
		case 4:
			x->prerequisites = AFTER(3);
			break;
		case 5:
			x->conflicts = NOT(1) | NOT(2);
			break;
		case 6: /* said by the other side */
			other[3].conflicts |= NOT(0);
			break;
		case 7:
			x->privileges = BV_PRIV_CGROUP;
			break;
		default: /* another conflict instead of the one */
			x->conflicts = NOT(3);
			break;
		}
		digest_of(other, 4, 0, got);
		assert_string_not_equal(got, want);
	}
	/* Which side says it, does not. */
	memcpy(other, base, sizeof(other));
	other[0].conflicts = 0;
	other[1].conflicts = NOT(0);
	digest_of(other, 4, 0, got);
	assert_string_equal(got, want);
	/* Nor where in the universe the rows stand. */
	memcpy(other, base, sizeof(other));
	other[1] = base[3];
	other[3] = base[1];
	other[0].conflicts = NOT(3);
	digest_of(other, 4, 0, got);
	assert_string_equal(got, want);
}

static void test_schedule_digest__every_entry_and_field_counts(void **state)
{
	static const size_t order[] = { 2, 1, 0, 3 };
	struct bv_schedule s = schedule_of(&worlds[1], order, 4);
	char want[65], got[65];

	(void)state;
	bv_schedule_digest(&s, want);
	for (size_t at = 0; at < 4; at++) {
		for (unsigned int field = 0; field < 7; field++) {
			struct bv_schedule other = s;
			struct bv_schedule_entry *e = &other.entry[at];

			switch (field) {
			case 0:
				e->id = "q";
				break;
			case 1:
				e->version++;
				break;
			case 2:
				e->phase = BV_PHASE_OBSERVE;
				break;
			case 3:
				e->actor = BV_ACTOR_LEADER;
				break;
			case 4:
				e->param[31] ^= 1;
				break;
			case 5:
				e->decl[31] ^= 1;
				break;
			default:
				other.n--;
				break;
			}
			bv_schedule_digest(&other, got);
			assert_string_not_equal(got, want);
		}
	}
	bv_schedule_digest(&s, got);
	assert_string_equal(got, want);
}

/* Computed by other hands from the description in digest.h. */
static void test_digests__golden(void **state)
{
	static const size_t order[] = { 0, 1, 2 };
	struct bv_schedule s = schedule_of(&worlds[0], order, 3);
	char got[65];

	(void)state;
	digest_of(worlds[0].p, 3, 0, got);
	assert_string_equal(got, "5a78656c6d222fd709537afcefb115df"
				 "5a2646cd2d1c06458d49cdf168f90342");
	bv_schedule_digest(&s, got);
	assert_string_equal(got, "87b2abb45f2897bbf476e5cf57e31e8b"
				 "c0fcbc53fb5219b78bfd35e5103132ed");
}

static void test_names__all_and_none_beyond(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < BV_SCHEDULE_CODE_N; c++) {
		const char *name =
			bv_schedule_code_name((enum bv_schedule_code)c);

		assert_string_not_equal(name, "?");
		for (unsigned int d = 0; d < c; d++)
			assert_string_not_equal(
				name, bv_schedule_code_name(
					      (enum bv_schedule_code)d));
	}
	assert_string_equal(bv_schedule_code_name(BV_SCHEDULE_CODE_N), "?");
	for (unsigned int p = 0; p < BV_PHASE_N; p++)
		assert_string_not_equal(bv_phase_name((enum bv_phase)p), "?");
	assert_string_equal(bv_phase_name(BV_PHASE_N), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compile__says_who),
		cmocka_unit_test(test_verify__says_who),
		cmocka_unit_test(test_sizes__beyond_the_set_are_refused),
		cmocka_unit_test(test_sizes__the_whole_set),
		cmocka_unit_test(test_declaration_digest__every_word_counts),
		cmocka_unit_test(
			test_schedule_digest__every_entry_and_field_counts),
		cmocka_unit_test(test_digests__golden),
		cmocka_unit_test(test_names__all_and_none_beyond),
	};

	return cmocka_run_group_tests(tests, set_worlds, NULL);
}
