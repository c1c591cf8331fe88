/* SPDX-License-Identifier: MIT */
/*
 * The schedule compiler: checks in a frozen order (duplicate, conflict, missing
 * prerequisite, phase, cycle), then Kahn's sort taking the smallest ready
 * (phase, id, version). Whatever the order of the choices, the answer, or the
 * fault, is the same.
 */
#include "core/schedule.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/digest.h"

static const char *const code_names[] = {
	[BV_SCHEDULE_OK] = "Ok",
	[BV_COMPILE_DUPLICATE] = "DuplicatePrimitive",
	[BV_COMPILE_CONFLICT] = "ConflictingPrimitives",
	[BV_COMPILE_MISSING_PREREQUISITE] = "MissingPrerequisite",
	[BV_COMPILE_PHASE_ORDER] = "PhaseOrderViolation",
	[BV_COMPILE_CYCLE] = "CyclicDependency",
	[BV_COMPILE_INDEX] = "UnknownPrimitive",
	[BV_VERIFY_INDEX] = "IndexOutOfRange",
	[BV_VERIFY_DUPLICATE] = "Duplicate",
	[BV_VERIFY_DECLARATION] = "DeclarationIntegrity",
	[BV_VERIFY_MISSING_PREREQUISITE] = "PrerequisiteMissing",
	[BV_VERIFY_CONFLICT] = "ConflictCoPresent",
	[BV_VERIFY_PREREQUISITE_ORDER] = "PrerequisiteOutOfOrder",
	[BV_VERIFY_PHASE_ORDER] = "PhaseOutOfOrder",
	[BV_VERIFY_UNCOVERED] = "RequirementUncovered",
	[BV_VERIFY_NON_CANONICAL] = "NonCanonical",
};
_Static_assert(BV_LEN(code_names) == BV_SCHEDULE_CODE_N, "codes have names");

const char *bv_schedule_code_name(enum bv_schedule_code code)
{
	return (unsigned int)code < BV_SCHEDULE_CODE_N ? code_names[code] : "?";
}

void bv_schedule_explain(const struct bv_schedule_fault *fault, char *ret,
			 size_t ret_len)
{
	const char *a = fault->a == NULL ? "" : fault->a;
	const char *b = fault->b == NULL ? "" : fault->b;

	snprintf(ret, ret_len, "schedule: %s%s%s%s%s",
		 bv_schedule_code_name(fault->code), a[0] == '\0' ? "" : ": ",
		 a, b[0] == '\0' ? "" : ", ", b);
}

/* One compilation. Choices sorted by (phase, id, version, index). */
struct compile {
	const struct bv_universe *u;
	const struct bv_choice *sorted[BV_PRIMITIVE_MAX];
	size_t n;
	struct bv_schedule_fault *fault;
};

static const struct bv_primitive *row_of(const struct compile *c, size_t at)
{
	return &c->u->p[c->sorted[at]->index];
}

static bool goes_before(const struct bv_primitive *x,
			const struct bv_primitive *y)
{
	int by = (int)x->phase - (int)y->phase;

	if (by == 0)
		by = strcmp(x->id, y->id);
	if (by == 0)
		return x->version < y->version;
	return by < 0;
}

static enum bv_schedule_code fail(struct compile *c, enum bv_schedule_code code,
				  const char *a, const char *b)
{
	*c->fault = (struct bv_schedule_fault){ code, a, b };
	return code;
}

static const char *id_at(const struct compile *c, size_t index)
{
	return index < c->u->n ? c->u->p[index].id : "?";
}

/* Insertion keeps the array sorted: a few dozen at most. */
static enum bv_schedule_code
take_choices(struct compile *c, const struct bv_choice *choice, size_t n)
{
	if (c->u->n > BV_PRIMITIVE_MAX)
		return fail(c, BV_COMPILE_INDEX, "?", "");
	for (size_t i = 0; i < n; i++)
		if (choice[i].index >= c->u->n)
			return fail(c, BV_COMPILE_INDEX, "?", "");
	for (size_t i = 0; i < n; i++) {
		const struct bv_primitive *row = &c->u->p[choice[i].index];
		size_t at = c->n;

		if (at == BV_PRIMITIVE_MAX) /* then one is there twice */
			return fail(c, BV_COMPILE_DUPLICATE, row->id, "");
		while (at > 0 && goes_before(row, row_of(c, at - 1))) {
			c->sorted[at] = c->sorted[at - 1];
			at--;
		}
		c->sorted[at] = &choice[i];
		c->n++;
	}
	return BV_SCHEDULE_OK;
}

/* Sorted, the same lie side by side. */
static enum bv_schedule_code check_duplicate(struct compile *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (c->sorted[i]->index == c->sorted[i - 1]->index)
			return fail(c, BV_COMPILE_DUPLICATE, row_of(c, i)->id,
				    "");
	return BV_SCHEDULE_OK;
}

static enum bv_schedule_code tell_conflict(struct compile *c, const char *x,
					   const char *y)
{
	return strcmp(x, y) < 0 ? fail(c, BV_COMPILE_CONFLICT, x, y)
				: fail(c, BV_COMPILE_CONFLICT, y, x);
}

static enum bv_schedule_code check_conflict(struct compile *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j < c->n; j++) {
			const struct bv_primitive *x = row_of(c, i);
			const struct bv_primitive *y = row_of(c, j);

			if (x->conflicts & BV_PRIM_BIT(c->sorted[j]->index))
				return tell_conflict(c, x->id, y->id);
		}
	}
	return BV_SCHEDULE_OK;
}

static enum bv_schedule_code check_prerequisites(struct compile *c)
{
	uint64_t present = 0;

	for (size_t i = 0; i < c->n; i++)
		present |= BV_PRIM_BIT(c->sorted[i]->index);
	for (size_t i = 0; i < c->n; i++) {
		const uint64_t missing = row_of(c, i)->prerequisites & ~present;

		for (size_t j = 0; j < BV_PRIMITIVE_MAX; j++)
			if (missing & BV_PRIM_BIT(j))
				return fail(c, BV_COMPILE_MISSING_PREREQUISITE,
					    row_of(c, i)->id, id_at(c, j));
	}
	return BV_SCHEDULE_OK;
}

static enum bv_schedule_code check_phases(struct compile *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct bv_primitive *row = row_of(c, i);

		for (size_t j = 0; j < c->n; j++) {
			const struct bv_primitive *pre = row_of(c, j);

			if ((row->prerequisites &
			     BV_PRIM_BIT(c->sorted[j]->index)) != 0 &&
			    pre->phase > row->phase)
				return fail(c, BV_COMPILE_PHASE_ORDER, row->id,
					    pre->id);
		}
	}
	return BV_SCHEDULE_OK;
}

static void add_entry(const struct compile *c, size_t at, struct bv_schedule *s)
{
	const struct bv_choice *choice = c->sorted[at];
	const struct bv_primitive *row = row_of(c, at);
	struct bv_schedule_entry *e = &s->entry[s->n++];

	*e = (struct bv_schedule_entry){
		.index = choice->index,
		.version = row->version,
		.phase = row->phase,
		.actor = choice->actor,
		.id = row->id,
	};
	memcpy(e->param, choice->param, sizeof(e->param));
	memcpy(e->decl, c->u->decl[choice->index], sizeof(e->decl));
}

/* The choices lie sorted: the first ready one is the smallest ready one. */
static enum bv_schedule_code sort(struct compile *c, struct bv_schedule *s)
{
	bool taken[BV_PRIMITIVE_MAX] = { false };
	uint64_t done = 0;

	while (s->n < c->n) {
		size_t at = c->n;
		size_t left = c->n;

		for (size_t i = c->n; i-- > 0;) {
			if (taken[i])
				continue;
			left = i;
			if ((row_of(c, i)->prerequisites & ~done) == 0)
				at = i;
		}
		if (at == c->n)
			return fail(c, BV_COMPILE_CYCLE, row_of(c, left)->id,
				    "");
		taken[at] = true;
		done |= BV_PRIM_BIT(c->sorted[at]->index);
		add_entry(c, at, s);
	}
	return BV_SCHEDULE_OK;
}

enum bv_schedule_code bv_schedule_compile(const struct bv_universe *u,
					  const struct bv_choice *choice,
					  size_t n, struct bv_schedule *ret,
					  struct bv_schedule_fault *ret_fault)
{
	static enum bv_schedule_code (*const checks[])(struct compile *) = {
		check_duplicate,
		check_conflict,
		check_prerequisites,
		check_phases,
	};
	struct bv_schedule_fault unused;
	struct compile c = { .u = u, .fault = ret_fault ? ret_fault : &unused };
	struct bv_schedule s = { .n = 0 };
	enum bv_schedule_code code = take_choices(&c, choice, n);

	for (size_t i = 0; i < BV_LEN(checks) && code == BV_SCHEDULE_OK; i++)
		code = checks[i](&c);
	if (code == BV_SCHEDULE_OK)
		code = sort(&c, &s);
	if (code != BV_SCHEDULE_OK)
		return code;
	*c.fault = (struct bv_schedule_fault){ BV_SCHEDULE_OK, "", "" };
	bv_schedule_digest(&s, s.digest);
	*ret = s;
	return BV_SCHEDULE_OK;
}

void bv_schedule_digest(const struct bv_schedule *s,
			char ret[2 * BV_SHA256_BYTES + 1])
{
	uint8_t sum[BV_SHA256_BYTES];
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.schedule.v1");
	bv_digest_u64(&d, "entries", s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct bv_schedule_entry *e = &s->entry[i];

		bv_digest_text(&d, "id", e->id);
		bv_digest_u64(&d, "version", e->version);
		bv_digest_u64(&d, "phase", e->phase);
		bv_digest_u64(&d, "actor", e->actor);
		bv_digest_bytes(&d, "param", e->param, sizeof(e->param));
		bv_digest_bytes(&d, "decl", e->decl, sizeof(e->decl));
	}
	bv_digest_end(&d, sum);
	bv_digest_hex(sum, ret);
}
