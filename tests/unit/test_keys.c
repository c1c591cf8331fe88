/* SPDX-License-Identifier: MIT */
/*
 * Keys are injective: policies that mean different things never ask for the
 * same set of keys, and those that mean the same always do. Every variant of
 * every family, all of them combined.
 */
#include "tests/unit/boundary_fixture.h"

#define ACCESS 16u /* which of read, write, exec and hide any rule has */

/* One value a dimension of meaning; together one policy. */
struct variant {
	unsigned int access, network, spawn, environment, fds, temp, capture,
		expose, outbox;
};
#define VARIANTS (ACCESS * 3u * 3u * 3u * 3u * 3u * 2u * 4u * 5u)

static struct variant variant_of(unsigned int i)
{
	struct variant v;

	v.access = i % ACCESS;
	i /= ACCESS;
	v.network = i % 3;
	i /= 3;
	v.spawn = i % 3;
	i /= 3;
	v.environment = i % 3; /* as it is, exact, with a lease */
	i /= 3;
	v.fds = i % 3;
	i /= 3;
	v.temp = i % 3; /* shared, private, of a stated size */
	i /= 3;
	v.capture = i % 2;
	i /= 2;
	v.expose = i % 4; /* neither, read, write, both */
	v.outbox = i / 4; /* none, or one of what becomes of it */
	return v;
}

struct rules {
	struct bv_fs_rule fs[4];
	struct bv_expose_rule expose[2];
	struct bv_env_rule env[2];
};

/* turned: the same, written down in another order. */
static void policy_of(const struct variant *v, bool turned, struct rules *r,
		      struct bv_policy *p)
{
	p->fs_n = 0;
	for (unsigned int b = 0; b < 4; b++) {
		static const char *const path[] = { "/r", "/w", "/x", "/h" };
		unsigned int at = turned ? 3 - b : b;

		if (v->access & 1u << at)
			r->fs[p->fs_n++] =
				(struct bv_fs_rule){ path[at], 1u << at, 10 + b,
						     false };
	}
	p->expose_n = 0;
	for (unsigned int b = 0; b < 2; b++) {
		unsigned int at = turned ? 1 - b : b;

		if (v->expose & 1u << at)
			r->expose[p->expose_n++] = (struct bv_expose_rule){
				.source = "/e",
				.dest = at ? "/dw" : "/dr",
				.line = 20 + b,
				.write = at == 1,
			};
	}
	r->env[turned] = (struct bv_env_rule){ "A", "1", false, 30 };
	r->env[!turned] =
		(struct bv_env_rule){ "B", "2", v->environment == 2, 31 };
	p->fs = r->fs;
	p->expose = r->expose;
	p->env = r->env;
	p->env_n = v->environment ? 2 : 0;
	p->env_exact = v->environment != 0;
	p->network = (enum bv_network)v->network;
	p->spawn = (enum bv_spawn)v->spawn;
	p->fds = (enum bv_fds)v->fds;
	p->temp_private = v->temp != 0;
	p->budget[BV_DIM_STORAGE].stated = v->temp == 2;
	p->capture_streams = v->capture != 0;
	p->outbox.line = v->outbox;
	p->outbox.path = "/tmp/out";
	p->outbox.commit =
		v->outbox ? (enum bv_commit)(v->outbox - 1) : BV_COMMIT_DISCARD;
	p->outbox.to = "/srv/in";
}

static uint64_t keys_of(struct fixture *f, unsigned int i, bool turned)
{
	const struct variant v = variant_of(i);
	struct rules rules;
	uint64_t keys = 0;

	policy_of(&v, turned, &rules, &f->policy);
	fixture_spec(f);
	for (size_t r = 0; r < f->spec.req_n; r++) {
		uint64_t bit = UINT64_C(1) << f->spec.req[r].req;

		assert_true((keys & bit) == 0);
		keys |= bit;
	}
	return keys;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void test_keys__every_combination__injective(void **state)
{
	uint64_t *keys = calloc(VARIANTS, sizeof(*keys));
	struct fixture f;

	(void)state;
	assert_non_null(keys);
	fixture_init(&f);
	for (unsigned int i = 0; i < VARIANTS; i++) {
		keys[i] = keys_of(&f, i, false);
		if (keys_of(&f, i, true) != keys[i])
			fail_msg("variant %u: another order, other keys", i);
		bv_arena_done(&f.arena);
		bv_arena_init(&f.arena, 1024 * 1024);
	}
	qsort(keys, VARIANTS, sizeof(*keys), by_value);
	for (unsigned int i = 1; i < VARIANTS; i++)
		assert_true(keys[i - 1] != keys[i]);
	free(keys);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys__every_combination__injective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
