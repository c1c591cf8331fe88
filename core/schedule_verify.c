/* SPDX-License-Identifier: MIT */
/*
 * The schedule verifier. It never sorts and never searches: given an order, it
 * says whether that order is the one. Sets are 64-bit words, every rule is one
 * pass, rules are tried in a frozen sequence and the first broken one is told.
 * No code is shared with the compiler, on purpose.
 */
#include "core/schedule.h"

#include <stdbool.h>
#include <string.h>

struct look {
	const struct bv_universe *u;
	const struct bv_schedule *s;
	uint64_t required;
	uint64_t present; /* valid once the indexes are */
	const char *a;
	const char *b;
};

/* A rule returns true when the schedule keeps it. */
typedef bool (*rule_fn)(struct look *k);

static const char *name_of_bit(const struct look *k, uint64_t set)
{
	for (size_t i = 0; i < k->u->n; i++)
		if ((set >> i & 1u) != 0)
			return k->u->p[i].id;
	return "?";
}

static uint64_t own_bit(const struct look *k, size_t at)
{
	return (uint64_t)1 << k->s->entry[at].index;
}

static const struct bv_primitive *declared(const struct look *k, size_t at)
{
	return k->u->p + k->s->entry[at].index;
}

static bool rule_index(struct look *k)
{
	if (k->u->n > BV_PRIMITIVE_MAX || k->s->n > BV_PRIMITIVE_MAX)
		return false;
	for (size_t at = 0; at < k->s->n; at++)
		if (k->s->entry[at].index >= k->u->n)
			return false;
	return true;
}

static bool rule_duplicate(struct look *k)
{
	for (size_t at = 0; at < k->s->n; at++) {
		if ((k->present & own_bit(k, at)) != 0) {
			k->a = declared(k, at)->id;
			return false;
		}
		k->present |= own_bit(k, at);
	}
	return true;
}

static bool rule_declaration(struct look *k)
{
	for (size_t at = 0; at < k->s->n; at++) {
		const struct bv_schedule_entry *e = k->s->entry + at;
		const struct bv_primitive *p = declared(k, at);

		k->a = p->id;
		if (e->id == NULL || strcmp(e->id, p->id) != 0 ||
		    e->version != p->version || e->phase != p->phase ||
		    (unsigned int)e->actor >= BV_ACTOR_N ||
		    memcmp(e->decl, k->u->decl[e->index], sizeof(e->decl)) != 0)
			return false;
	}
	return true;
}

static bool rule_prerequisite_present(struct look *k)
{
	for (size_t at = 0; at < k->s->n; at++) {
		uint64_t lacks = declared(k, at)->prerequisites & ~k->present;

		if (lacks != 0) {
			k->a = declared(k, at)->id;
			k->b = name_of_bit(k, lacks);
			return false;
		}
	}
	return true;
}

static bool rule_conflict(struct look *k)
{
	for (size_t at = 0; at < k->s->n; at++) {
		uint64_t clash = declared(k, at)->conflicts & k->present;

		if (clash != 0) {
			k->a = declared(k, at)->id;
			k->b = name_of_bit(k, clash);
			return false;
		}
	}
	return true;
}

static bool rule_prerequisite_order(struct look *k)
{
	uint64_t before = 0;

	for (size_t at = 0; at < k->s->n; at++) {
		uint64_t late = declared(k, at)->prerequisites & ~before;

		if (late != 0) {
			k->a = declared(k, at)->id;
			k->b = name_of_bit(k, late);
			return false;
		}
		before |= own_bit(k, at);
	}
	return true;
}

static bool rule_phase_order(struct look *k)
{
	for (size_t at = 1; at < k->s->n; at++) {
		if (declared(k, at - 1)->phase > declared(k, at)->phase) {
			k->a = declared(k, at - 1)->id;
			k->b = declared(k, at)->id;
			return false;
		}
	}
	return true;
}

static bool rule_covered(struct look *k)
{
	uint64_t open = k->required;

	for (size_t at = 0; at < k->s->n; at++)
		open &= ~declared(k, at)->covers;
	for (unsigned int bit = 0; bit < 64 && open != 0; bit++) {
		if ((open >> bit & 1u) == 0)
			continue;
		k->a = bit < BV_REQ_N
			       ? bv_req_name((enum bv_req)bit)
			       : bv_dim_name((enum bv_dim)(bit - BV_REQ_N));
		return false;
	}
	return open == 0;
}

/* Members of the universe that would go before this one. */
static uint64_t smaller_than(const struct look *k,
			     const struct bv_primitive *than)
{
	uint64_t set = 0;

	for (size_t i = 0; i < k->u->n; i++) {
		const struct bv_primitive *p = k->u->p + i;
		int id;

		if ((k->present >> i & 1u) == 0)
			continue;
		id = strcmp(p->id, than->id);
		if (p->phase < than->phase ||
		    (p->phase == than->phase &&
		     (id < 0 || (id == 0 && p->version < than->version))))
			set |= (uint64_t)1 << i;
	}
	return set;
}

/* Whoever was passed over although it was smaller must have been waiting for
 * something that comes later. */
static bool rule_canonical(struct look *k)
{
	uint64_t before = 0;

	for (size_t at = 0; at < k->s->n; at++) {
		uint64_t passed = smaller_than(k, declared(k, at)) & ~before;

		for (size_t i = 0; i < k->u->n; i++) {
			if ((passed >> i & 1u) == 0)
				continue;
			if ((k->u->p[i].prerequisites & ~before) == 0) {
				k->a = declared(k, at)->id;
				k->b = k->u->p[i].id;
				return false;
			}
		}
		before |= own_bit(k, at);
	}
	return true;
}

enum bv_schedule_code bv_schedule_verify(const struct bv_universe *u,
					 const struct bv_schedule *s,
					 uint64_t required,
					 struct bv_schedule_fault *ret_fault)
{
	/* The frozen sequence. */
	static const struct {
		enum bv_schedule_code code;
		rule_fn holds;
	} rules[] = {
		{ BV_VERIFY_INDEX, rule_index },
		{ BV_VERIFY_DUPLICATE, rule_duplicate },
		{ BV_VERIFY_DECLARATION, rule_declaration },
		{ BV_VERIFY_MISSING_PREREQUISITE, rule_prerequisite_present },
		{ BV_VERIFY_CONFLICT, rule_conflict },
		{ BV_VERIFY_PREREQUISITE_ORDER, rule_prerequisite_order },
		{ BV_VERIFY_PHASE_ORDER, rule_phase_order },
		{ BV_VERIFY_UNCOVERED, rule_covered },
		{ BV_VERIFY_NON_CANONICAL, rule_canonical },
	};
	enum bv_schedule_code code = BV_SCHEDULE_OK;
	struct look k = { .u = u, .s = s, .required = required };

	for (size_t i = 0; i < BV_LEN(rules) && code == BV_SCHEDULE_OK; i++) {
		k.a = "";
		k.b = "";
		if (!rules[i].holds(&k))
			code = rules[i].code;
	}
	if (ret_fault != NULL)
		*ret_fault = (struct bv_schedule_fault){ code, k.a, k.b };
	return code;
}
