/* SPDX-License-Identifier: MIT */
/*
 * The words of a policy file: names of sections and of the closed sets of
 * values, and what a message says when a word is none of them.
 */
#include <stdio.h>
#include <string.h>

#include "core/policy_parse.h"

#define HINT_DISTANCE 2u  /* edits between a typo and what was meant */
#define HINT_WORD     31u /* longer words are not compared */

static const char *const section_names[BV_SECTION_N] = {
	[BV_SECTION_POLICY] = "policy",
	[BV_SECTION_MATCH] = "match",
	[BV_SECTION_WORKLOAD] = "workload",
	[BV_SECTION_FILESYSTEM] = "filesystem",
	[BV_SECTION_NETWORK] = "network",
	[BV_SECTION_SPAWN] = "spawn",
	[BV_SECTION_TEMP] = "temp",
	[BV_SECTION_BUDGET] = "budget",
	[BV_SECTION_ENVIRONMENT] = "environment",
	[BV_SECTION_FDS] = "fds",
	[BV_SECTION_EVIDENCE] = "evidence",
	[BV_SECTION_SESSION] = "session",
	[BV_SECTION_EXPOSE] = "expose",
	[BV_SECTION_OUTBOX] = "outbox",
};

static const char *const action_names[] = {
	[BV_ACTION_CONFINE] = "confine",
	[BV_ACTION_REFUSE] = "refuse",
	[BV_ACTION_EXEMPT] = "exempt",
};
static const char *const base_names[] = {
	[BV_BASE_SYSTEM] = "system",
	[BV_BASE_MINIMAL] = "minimal",
	[BV_BASE_NONE] = "none",
};
static const char *const network_names[] = {
	[BV_NETWORK_DENY] = "deny",
	[BV_NETWORK_LIST] = "list",
	[BV_NETWORK_OPEN] = "open",
};
static const char *const spawn_names[] = {
	[BV_SPAWN_DESCENDANTS] = "descendants",
	[BV_SPAWN_THREADS] = "threads",
	[BV_SPAWN_NONE] = "none",
};
static const char *const workload_names[] = {
	[BV_WORKLOAD_PROCESS] = "process",
	[BV_WORKLOAD_WASM] = "wasm",
};
static const char *const isolation_names[] = {
	[BV_ISOLATION_PROCESS] = "process",
	[BV_ISOLATION_INLINE] = "inline",
};
static const char *const fds_names[] = { "none", "only" };
static const char *const env_names[] = { "exact" };
static const char *const yes_names[] = { "no", "yes" };
static const char *const commit_names[] = {
	[BV_COMMIT_DISCARD] = "discard",
	[BV_COMMIT_ATOMIC] = "atomic",
	[BV_COMMIT_DURABLE] = "durable",
	[BV_COMMIT_BEST_EFFORT] = "best-effort-durable",
};
static const char *const owner_names[] = { "root", "user" };

static const struct words {
	const char *const *names;
	size_t n;
} words[BV_WORDS_N] = {
	[BV_WORDS_ACTION] = { action_names, BV_LEN(action_names) },
	[BV_WORDS_BASE] = { base_names, BV_LEN(base_names) },
	[BV_WORDS_NETWORK] = { network_names, BV_LEN(network_names) },
	[BV_WORDS_SPAWN] = { spawn_names, BV_LEN(spawn_names) },
	[BV_WORDS_WORKLOAD] = { workload_names, BV_LEN(workload_names) },
	[BV_WORDS_ISOLATION] = { isolation_names, BV_LEN(isolation_names) },
	[BV_WORDS_FDS] = { fds_names, BV_LEN(fds_names) },
	[BV_WORDS_ENV] = { env_names, BV_LEN(env_names) },
	[BV_WORDS_YES] = { yes_names, BV_LEN(yes_names) },
	[BV_WORDS_COMMIT] = { commit_names, BV_LEN(commit_names) },
	[BV_WORDS_OWNER] = { owner_names, BV_LEN(owner_names) },
};

static const char *name_of(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : "?";
}

const char *bv_action_name(enum bv_action a)
{
	return name_of(action_names, BV_LEN(action_names), a);
}

const char *bv_base_name(enum bv_base b)
{
	return name_of(base_names, BV_LEN(base_names), b);
}

const char *bv_fs_set_name(unsigned int set)
{
	static const char *const names[] = {
		"none",
		"read",
		"write",
		"read write",
		"exec",
		"read exec",
		"write exec",
		"read write exec",
		"hide",
		"read hide",
		"write hide",
		"read write hide",
		"exec hide",
		"read exec hide",
		"write exec hide",
		"read write exec hide",
	};
	_Static_assert(BV_LEN(names) == BV_FS_SETS_N, "every set has a name");

	return name_of(names, BV_LEN(names), set);
}

const char *bv_network_name(enum bv_network n)
{
	return name_of(network_names, BV_LEN(network_names), n);
}

const char *bv_spawn_name(enum bv_spawn s)
{
	return name_of(spawn_names, BV_LEN(spawn_names), s);
}

const char *bv_isolation_name(enum bv_isolation i)
{
	return name_of(isolation_names, BV_LEN(isolation_names), i);
}

const char *bv_isolation_text(const struct bv_policy *p)
{
	return p->isolation == BV_ISOLATION_INLINE
		       ? "all commands in one process"
		       : "a process for each command";
}

const char *bv_workload_name(enum bv_workload w)
{
	return name_of(workload_names, BV_LEN(workload_names), w);
}

const char *bv_commit_name(enum bv_commit c)
{
	return name_of(commit_names, BV_LEN(commit_names), c);
}

const char *bv_section_name(enum bv_section s)
{
	return name_of(section_names, BV_LEN(section_names), s);
}

bool bv_section_from_name(const char *name, enum bv_section *ret)
{
	for (size_t i = 0; i < BV_LEN(section_names); i++) {
		if (strcmp(name, section_names[i]) == 0) {
			*ret = (enum bv_section)i;
			return true;
		}
	}
	return false;
}

/* "a, b, c" */
static void join(const char *const *names, size_t n, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s",
					i == 0 ? "" : ", ", names[i]);
}

int bv_one_of(const char *const *names, size_t n, const char *text, size_t *ret,
	      struct bv_err *err)
{
	char all[BV_HINT_BYTES];

	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return BV_OK;
		}
	}
	join(names, n, all, sizeof(all));
	return bv_fail(err, BV_E_CONF, "'%s' is not one of: %s", text, all);
}

int bv_policy_word(enum bv_words set, const char *text, size_t *ret,
		   struct bv_err *err)
{
	return bv_one_of(words[set].names, words[set].n, text, ret, err);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance of two short words, row by row. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[HINT_WORD + 1];
	const size_t n = strlen(b);

	if (n > HINT_WORD || strlen(a) > HINT_WORD)
		return HINT_WORD;
	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			const unsigned int differs = a[i - 1] != b[j - 1];
			const unsigned int best =
				least(diagonal + differs,
				      least(row[j], row[j - 1]) + 1);

			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[n];
}

void bv_hint(const char *const *names, size_t n, const char *text,
	     char ret[static BV_HINT_BYTES])
{
	unsigned int nearest = HINT_DISTANCE + 1;
	const char *meant = NULL;

	for (size_t i = 0; i < n; i++) {
		const unsigned int d = distance(text, names[i]);

		if (d < nearest) {
			nearest = d;
			meant = names[i];
		}
	}
	if (meant != NULL) {
		snprintf(ret, BV_HINT_BYTES, "did you mean '%s'?", meant);
		return;
	}
	memcpy(ret, "known: ", sizeof("known: "));
	join(names, n, ret + strlen(ret), BV_HINT_BYTES - strlen(ret));
}

void bv_hint_section(const char *text, char ret[static BV_HINT_BYTES])
{
	bv_hint(section_names, BV_LEN(section_names), text, ret);
}
