/* SPDX-License-Identifier: MIT */
/* The fact table: sorted by key, so that equal facts are equal bytes. */
#include "core/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"

/* Position of key, or where it belongs; *ret_found tells which. */
static size_t fact_find(const struct bv_snapshot *snap, const char *key,
			bool *ret_found)
{
	size_t lo = 0, hi = snap->n;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(snap->fact[mid].key, key);

		if (cmp == 0) {
			*ret_found = true;
			return mid;
		}
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int bv_snapshot_set(struct bv_snapshot *snap, const char *key,
		    const char *value, struct bv_err *err)
{
	struct bv_fact fact = { 0 };
	size_t key_len = strlen(key), value_len = strlen(value);
	bool found;
	size_t at;

	if (key_len == 0 || key_len >= sizeof(fact.key))
		return bv_fail(err, BV_E_LIMIT,
			       "fact name '%.60s' is empty or over %zu bytes",
			       key, sizeof(fact.key) - 1);
	if (value_len >= sizeof(fact.value))
		return bv_fail(err, BV_E_LIMIT,
			       "fact '%s': value over %zu bytes", key,
			       sizeof(fact.value) - 1);
	memcpy(fact.key, key, key_len);
	memcpy(fact.value, value, value_len);
	at = fact_find(snap, key, &found);
	if (!found) {
		if (snap->n >= BV_FACT_MAX)
			return bv_fail(err, BV_E_LIMIT,
				       "fact '%s': over %u facts", key,
				       BV_FACT_MAX);
		memmove(&snap->fact[at + 1], &snap->fact[at],
			(snap->n - at) * sizeof(fact));
		snap->n++;
	}
	snap->fact[at] = fact;
	return BV_OK;
}

int bv_snapshot_set_u64(struct bv_snapshot *snap, const char *key, uint64_t v,
			struct bv_err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return bv_snapshot_set(snap, key, text, err);
}

int bv_snapshot_set_bool(struct bv_snapshot *snap, const char *key, bool v,
			 struct bv_err *err)
{
	return bv_snapshot_set(snap, key, v ? "yes" : "no", err);
}

const char *bv_snapshot_get(const struct bv_snapshot *snap, const char *key)
{
	bool found;
	size_t at = fact_find(snap, key, &found);

	return found ? snap->fact[at].value : "";
}

bool bv_snapshot_is(const struct bv_snapshot *snap, const char *key)
{
	return strcmp(bv_snapshot_get(snap, key), "yes") == 0;
}

uint64_t bv_snapshot_u64(const struct bv_snapshot *snap, const char *key)
{
	uint64_t v;

	/* What does not read as a number proves nothing: it counts as none. */
	return bv_parse_u64(bv_snapshot_get(snap, key), 0, UINT64_MAX, &v) ? v
									   : 0;
}

bool bv_snapshot_has_word(const struct bv_snapshot *snap, const char *key,
			  const char *word)
{
	const char *p = bv_snapshot_get(snap, key);
	size_t len = strlen(word);

	if (len == 0)
		return false;
	while (*p) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, word, len) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}
