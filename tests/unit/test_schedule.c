/* SPDX-License-Identifier: MIT */
/*
 * Schedule compiler and verifier on hand-made universes. The oracle here tries
 * every permutation and compares texts; it knows no sorting and no sets. Every
 * order over every universe is swept, valid or not.
 */
#include "tests/unit/schedule_worlds.h"

/* --- the oracle ------------------------------------------------------------ */

static bool has(const size_t *order, size_t n, size_t who)
{
	for (size_t i = 0; i < n; i++)
		if (order[i] == who)
			return true;
	return false;
}

static bool waits_for(const struct world *w, size_t who, size_t whom)
{
	return (w->p[who].prerequisites >> whom & 1u) != 0;
}

static bool quarrel(const struct world *w, size_t a, size_t b)
{
	return (w->p[a].conflicts >> b & 1u) != 0 ||
	       (w->p[b].conflicts >> a & 1u) != 0;
}

static bool all_there(const struct world *w, const size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 64; j++)
			if (waits_for(w, order[i], j) && !has(order, n, j))
				return false;
	return true;
}

static bool at_peace(const struct world *w, const size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (quarrel(w, order[i], order[j]))
				return false;
	return true;
}

static bool nobody_too_early(const struct world *w, const size_t *order,
			     size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < 64; j++)
			if (waits_for(w, order[i], j) && !has(order, i, j))
				return false;
	return true;
}

static bool phases_rise(const struct world *w, const size_t *order, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (w->p[order[i]].phase > w->p[order[i + 1]].phase)
			return false;
	return true;
}

static bool carries(const struct world *w, const size_t *order, size_t n,
		    uint64_t required)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool found = (required >> bit & 1u) == 0;

		for (size_t i = 0; i < n; i++)
			found |= (w->p[order[i]].covers >> bit & 1u) != 0;
		if (!found)
			return false;
	}
	return true;
}

/* As text, so that comparing whole orders is comparing strings. */
static void spell(const struct world *w, const size_t *order, size_t n,
		  char ret[N_MAX * 16 + 1])
{
	ret[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(ret + strlen(ret), 17, "%02u%4s%010u",
			 (unsigned int)w->p[order[i]].phase, w->p[order[i]].id,
			 w->p[order[i]].version);
}

/* Every permutation of the set; the least that lets nobody start too early.
 * False: there is none. */
static bool least_order(const struct world *w, const size_t *set, size_t n,
			size_t ret[N_MAX])
{
	char best[N_MAX * 16 + 1] = "";
	size_t total = 1;
	bool found = false;

	for (size_t i = 2; i <= n; i++)
		total *= i;
	for (size_t k = 0; k < total; k++) {
		size_t left[N_MAX], order[N_MAX] = { 0 }, rest = k;
		char text[N_MAX * 16 + 1];

		memcpy(left, set, n * sizeof(*set));
		for (size_t i = 0; i < n; i++) {
			size_t at = rest % (n - i);

			rest /= n - i;
			order[i] = left[at];
			left[at] = left[n - i - 1];
		}
		if (!nobody_too_early(w, order, n))
			continue;
		spell(w, order, n, text);
		if (found && strcmp(text, best) >= 0)
			continue;
		found = true;
		strcpy(best, text);
		memcpy(ret, order, n * sizeof(*order));
	}
	return found;
}

static bool twice(const size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has(order, i, order[i]))
			return true;
	return false;
}

static enum bv_schedule_code oracle_verify(const struct world *w,
					   const size_t *order, size_t n,
					   uint64_t required, bool forged)
{
	size_t best[N_MAX];

	for (size_t i = 0; i < n; i++)
		if (order[i] >= w->n)
			return BV_VERIFY_INDEX;
	if (twice(order, n))
		return BV_VERIFY_DUPLICATE;
	if (forged)
		return BV_VERIFY_DECLARATION;
	if (!all_there(w, order, n))
		return BV_VERIFY_MISSING_PREREQUISITE;
	if (!at_peace(w, order, n))
		return BV_VERIFY_CONFLICT;
	if (!nobody_too_early(w, order, n))
		return BV_VERIFY_PREREQUISITE_ORDER;
	if (!phases_rise(w, order, n))
		return BV_VERIFY_PHASE_ORDER;
	if (!carries(w, order, n, required))
		return BV_VERIFY_UNCOVERED;
	if (!least_order(w, order, n, best) ||
	    memcmp(best, order, n * sizeof(*order)) != 0)
		return BV_VERIFY_NON_CANONICAL;
	return BV_SCHEDULE_OK;
}

static enum bv_schedule_code oracle_compile(const struct world *w,
					    const size_t *set, size_t n,
					    size_t ret[N_MAX])
{
	for (size_t i = 0; i < n; i++)
		if (set[i] >= w->n)
			return BV_COMPILE_INDEX;
	if (twice(set, n))
		return BV_COMPILE_DUPLICATE;
	if (!at_peace(w, set, n))
		return BV_COMPILE_CONFLICT;
	if (!all_there(w, set, n))
		return BV_COMPILE_MISSING_PREREQUISITE;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (waits_for(w, set[i], set[j]) &&
			    w->p[set[j]].phase > w->p[set[i]].phase)
				return BV_COMPILE_PHASE_ORDER;
	return least_order(w, set, n, ret) ? BV_SCHEDULE_OK : BV_COMPILE_CYCLE;
}

/* --- sweeps ---------------------------------------------------------------- */

/* The k-th order of length n over {0 … w->n}; w->n itself is out of range. */
static void kth(const struct world *w, size_t k, size_t n, size_t ret[N_MAX])
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = k % (w->n + 1);
		k /= w->n + 1;
	}
}

static size_t orders(const struct world *w, size_t n)
{
	size_t total = 1;

	for (size_t i = 0; i < n; i++)
		total *= w->n + 1;
	return total;
}

static void tell(const struct world *w, const size_t *order, size_t n)
{
	print_message("# world \"%s\", order", w->name);
	for (size_t i = 0; i < n; i++)
		print_message(" %zu", order[i]);
	print_message("\n");
}

static void same(const struct world *w, const size_t *order, size_t n,
		 enum bv_schedule_code got, enum bv_schedule_code want)
{
	if (got != want)
		tell(w, order, n);
	assert_string_equal(bv_schedule_code_name(got),
			    bv_schedule_code_name(want));
}

static void test_verify__agrees_with_brute_force(void **state)
{
	size_t reached[BV_SCHEDULE_CODE_N] = { 0 };
	size_t seen = 0;

	(void)state;
	for (size_t w = 0; w < BV_LEN(worlds); w++) {
		const struct world *x = &worlds[w];

		for (size_t n = 0; n <= x->n; n++) {
			for (size_t k = 0; k < orders(x, n); k++) {
				size_t order[N_MAX];
				struct bv_schedule s;

				kth(x, k, n, order);
				s = schedule_of(x, order, n);
				for (uint32_t need = 0; need < 8; need++) {
					enum bv_schedule_code want =
						oracle_verify(x, order, n, need,
							      false);

					same(x, order, n,
					     bv_schedule_verify(&x->u, &s, need,
								NULL),
					     want);
					reached[want]++;
					seen++;
				}
			}
		}
	}
	print_message("# %zu orders\n", seen);
	assert_true(seen > 50000);
	for (unsigned int c = BV_VERIFY_INDEX; c <= BV_VERIFY_NON_CANONICAL;
	     c++) {
		print_message("# %s: %zu\n",
			      bv_schedule_code_name((enum bv_schedule_code)c),
			      reached[c]);
		/* declarations have a sweep of their own */
		assert_true(reached[c] > 0 || c == BV_VERIFY_DECLARATION);
	}
	assert_true(reached[BV_SCHEDULE_OK] > 0);
}

enum forgery {
	FORGE_ID,
	FORGE_NO_ID,
	FORGE_VERSION,
	FORGE_PHASE,
	FORGE_ACTOR,
	FORGE_DIGEST,
	FORGE_DIGEST_END,
	FORGE_N
};

static void forge(struct bv_schedule_entry *e, enum forgery how)
{
	switch (how) {
	case FORGE_ID:
		e->id = "forged";
		break;
	case FORGE_NO_ID:
		e->id = NULL;
		break;
	case FORGE_VERSION:
		e->version++;
		break;
	case FORGE_PHASE:
		e->phase = BV_PHASE_LAUNCH;
		break;
	case FORGE_ACTOR:
		e->actor = BV_ACTOR_N;
		break;
	case FORGE_DIGEST:
		e->decl[0] ^= 1;
		break;
	case FORGE_DIGEST_END:
		e->decl[BV_SHA256_BYTES - 1] ^= 0x80;
		break;
	case FORGE_N:
		break;
	}
}

static void test_verify__every_forged_declaration_in_every_order(void **state)
{
	(void)state;
	for (size_t w = 0; w < BV_LEN(worlds); w++) {
		const struct world *x = &worlds[w];
		const size_t n = x->n < 3 ? x->n : 3;

		for (size_t k = 0; k < orders(x, n); k++) {
			for (size_t at = 0; at < n * FORGE_N; at++) {
				struct bv_schedule_fault fault;
				struct bv_schedule s;
				size_t order[N_MAX];
				enum bv_schedule_code got;

				kth(x, k, n, order);
				s = schedule_of(x, order, n);
				forge(&s.entry[at / FORGE_N],
				      (enum forgery)(at % FORGE_N));
				got = bv_schedule_verify(&x->u, &s, 0, &fault);
				same(x, order, n, got,
				     oracle_verify(x, order, n, 0, true));
				assert_int_equal(fault.code, got);
				if (got == BV_VERIFY_DECLARATION)
					assert_string_equal(
						fault.a,
						x->p[order[at / FORGE_N]].id);
			}
		}
	}
}

static void test_compile__agrees_with_brute_force(void **state)
{
	size_t reached[BV_SCHEDULE_CODE_N] = { 0 };

	(void)state;
	for (size_t w = 0; w < BV_LEN(worlds); w++) {
		const struct world *x = &worlds[w];

		for (size_t n = 0; n <= x->n; n++) {
			for (size_t k = 0; k < orders(x, n); k++) {
				struct bv_choice choice[N_MAX + 1];
				struct bv_schedule s = { .n = 99 };
				size_t set[N_MAX], best[N_MAX];
				enum bv_schedule_code got, want;

				kth(x, k, n, set);
				memset(choice, 0, sizeof(choice));
				for (size_t i = 0; i < n; i++)
					choice[i].index = (uint32_t)set[i];
				choice[n].index = UINT32_MAX; /* not read */
				want = oracle_compile(x, set, n, best);
				got = bv_schedule_compile(&x->u, choice, n, &s,
							  NULL);
				same(x, set, n, got, want);
				reached[got]++;
				if (got != BV_SCHEDULE_OK) {
					assert_int_equal(s.n, 99);
					continue;
				}
				assert_int_equal(s.n, n);
				for (size_t i = 0; i < n; i++)
					assert_int_equal(s.entry[i].index,
							 best[i]);
				assert_int_equal(
					bv_schedule_verify(&x->u, &s, 0, NULL),
					BV_SCHEDULE_OK);
			}
		}
	}
	for (unsigned int c = BV_SCHEDULE_OK; c <= BV_COMPILE_INDEX; c++)
		assert_true(reached[c] > 0);
}

/* The same set in any order gives the same schedule, or the same complaint. */
static void test_compile__order_of_the_choices_means_nothing(void **state)
{
	(void)state;
	for (size_t w = 0; w < BV_LEN(worlds); w++) {
		const struct world *x = &worlds[w];

		for (size_t set = 0; set < (size_t)1 << x->n; set++) {
			struct bv_schedule_fault first = { 0 }, fault;
			struct bv_schedule a = { .n = 0 }, b;
			struct bv_choice choice[N_MAX];
			size_t n = 0;

			memset(choice, 0, sizeof(choice));
			for (size_t i = 0; i < x->n; i++) {
				if ((set >> i & 1u) == 0)
					continue;
				choice[n].param[0] = (uint8_t)i;
				choice[n++].index = (uint32_t)i;
			}
			(void)bv_schedule_compile(&x->u, choice, n, &a, &first);
			for (size_t turn = 0; turn < 2 * n; turn++) {
				struct bv_choice t = choice[turn % n];

				choice[turn % n] = choice[(turn + 1) % n];
				choice[(turn + 1) % n] = t;
				b = (struct bv_schedule){ .n = 0 };
				(void)bv_schedule_compile(&x->u, choice, n, &b,
							  &fault);
				assert_int_equal(fault.code, first.code);
				assert_string_equal(fault.a, first.a);
				assert_string_equal(fault.b, first.b);
				assert_string_equal(a.digest, b.digest);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify__agrees_with_brute_force),
		cmocka_unit_test(
			test_verify__every_forged_declaration_in_every_order),
		cmocka_unit_test(test_compile__agrees_with_brute_force),
		cmocka_unit_test(
			test_compile__order_of_the_choices_means_nothing),
	};

	return cmocka_run_group_tests(tests, set_worlds, NULL);
}
