/* SPDX-License-Identifier: MIT */
/*
 * Inside of the policy parser: one row per key, one setter per row. The rows
 * stand in policy_keys.c, the words in policy_names.c; reading lines and
 * keeping order is policy.c, what only the whole file shows policy_check.c.
 */
#ifndef BV_CORE_POLICY_PARSE_H
#define BV_CORE_POLICY_PARSE_H

#include "core/env.h"
#include "core/policy.h"

enum bv_section {
	BV_SECTION_POLICY,
	BV_SECTION_MATCH,
	BV_SECTION_WORKLOAD,
	BV_SECTION_FILESYSTEM,
	BV_SECTION_NETWORK,
	BV_SECTION_SPAWN,
	BV_SECTION_TEMP,
	BV_SECTION_BUDGET,
	BV_SECTION_ENVIRONMENT,
	BV_SECTION_FDS,
	BV_SECTION_EVIDENCE,
	BV_SECTION_SESSION,
	BV_SECTION_EXPOSE,
	BV_SECTION_OUTBOX,
	BV_SECTION_N
};

/* The closed sets of values. */
enum bv_words {
	BV_WORDS_ACTION,
	BV_WORDS_BASE,
	BV_WORDS_NETWORK,
	BV_WORDS_SPAWN,
	BV_WORDS_WORKLOAD,
	BV_WORDS_ISOLATION,
	BV_WORDS_FDS,
	BV_WORDS_ENV,
	BV_WORDS_YES, /* no, yes */
	BV_WORDS_COMMIT,
	BV_WORDS_OWNER, /* root, user */
	BV_WORDS_N
};

#define BV_POLICY_KEYS_MAX 64u

/* What has been read of one key. */
struct bv_key_seen {
	struct bv_value *v; /* room for the row's kind, on first use */
	size_t n;
	unsigned int line; /* of the first value */
};

struct bv_policy_parse {
	struct bv_arena *arena;
	struct bv_policy *policy;
	struct bv_key_seen seen[BV_POLICY_KEYS_MAX]; /* by row */
	unsigned int section_line[BV_SECTION_N];     /* 0: not stated */
	struct bv_fs_rule *fs;
	struct bv_net_rule *net;
	struct bv_env_rule *env;
	unsigned int env_over_line; /* of the first entry too many */
	struct bv_expose_rule *expose;
	uint32_t *fds_keep;
};

enum bv_key_kind {
	BV_KEY_ONE,   /* once */
	BV_KEY_LIST,  /* up to BV_POLICY_LIST_MAX, none twice */
	BV_KEY_MATCH, /* as a list, and "!" negates */
	BV_KEY_TABLE, /* the setter keeps and counts them */
};

struct bv_key_row;

/* Check and store one value; err->msg gets the bare reason (no file:line). */
typedef int (*bv_key_set)(struct bv_policy_parse *p,
			  const struct bv_key_row *row,
			  const struct bv_value *value, struct bv_err *err);

struct bv_key_row {
	enum bv_section section;
	const char *key;
	enum bv_key_kind kind;
	bv_key_set set;
	uint32_t arg; /* rights, dimension … whatever set wants */
};

/* --- policy_budget.c ------------------------------------------------------- */

#define BV_POLICY_SETTER(name)                                                 \
	int name(struct bv_policy_parse *p, const struct bv_key_row *row,      \
		 const struct bv_value *value, struct bv_err *err)

BV_POLICY_SETTER(bv_policy_set_budget);     /* row->arg: the dimension */
BV_POLICY_SETTER(bv_policy_set_user_limit); /* likewise */
BV_POLICY_SETTER(bv_policy_set_cpu_rate);

/* --- policy_outbox.c ------------------------------------------------------- */

BV_POLICY_SETTER(bv_policy_set_expose); /* row->arg: 1 to be written */
BV_POLICY_SETTER(bv_policy_set_outbox_path);
BV_POLICY_SETTER(bv_policy_set_outbox_commit);
BV_POLICY_SETTER(bv_policy_set_outbox_to);
BV_POLICY_SETTER(bv_policy_set_outbox_owner);
BV_POLICY_SETTER(bv_policy_set_outbox_mode);
BV_POLICY_SETTER(bv_policy_set_outbox_files);
BV_POLICY_SETTER(bv_policy_set_outbox_depth);

/* What [outbox] needs of the rest of the file, and what it must not have. */
int bv_policy_check_outbox(struct bv_policy_parse *p,
			   struct bv_err *err) BV_MUST_CHECK;

#define BV_POLICY_WORDS_MAX 12u /* a limit, a guarantee, each evidence once */

/* Blank-separated words, copied into the arena. */
int bv_policy_split(struct bv_arena *arena, const char *text,
		    const char *ret[static BV_POLICY_WORDS_MAX], size_t *ret_n,
		    struct bv_err *err) BV_MUST_CHECK;
/* One evidence claim, not twice in the set. */
int bv_policy_claim(const char *text, uint32_t *set,
		    struct bv_err *err) BV_MUST_CHECK;

extern const struct bv_key_row bv_policy_keys[];
extern const size_t bv_policy_keys_n;

const char *bv_section_name(enum bv_section s);
bool bv_section_from_name(const char *name, enum bv_section *ret);

/* The row of [section] key, or NULL. */
const struct bv_key_row *bv_policy_key(enum bv_section section,
				       const char *key);

/* What was read of a key that exists. */
const struct bv_key_seen *bv_policy_seen(const struct bv_policy_parse *p,
					 enum bv_section section,
					 const char *key);

/* The index of text among names; else an error that lists them. */
int bv_one_of(const char *const *names, size_t n, const char *text, size_t *ret,
	      struct bv_err *err) BV_MUST_CHECK;
int bv_policy_word(enum bv_words set, const char *text, size_t *ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* "did you mean 'x'?" when a name is near, else "known: a, b". */
#define BV_HINT_BYTES 192u
void bv_hint(const char *const *names, size_t n, const char *text,
	     char ret[static BV_HINT_BYTES]);
void bv_hint_section(const char *text, char ret[static BV_HINT_BYTES]);

/* "/…", "~…" or "%h…", with a "-" in front when it may be absent. */
int bv_policy_path(const char *text, bool *ret_optional, const char **ret_path,
		   struct bv_err *err) BV_MUST_CHECK;

/* Can text be expanded, whoever logs in? What depends on the user is left. */
int bv_path_check(const char *text, struct bv_err *err) BV_MUST_CHECK;

/* [session] shell: an absolute path, and not bvisor-shell, which would execute
 * itself for ever. */
int bv_policy_set_shell(struct bv_policy_parse *p, const struct bv_key_row *row,
			const struct bv_value *value,
			struct bv_err *err) BV_MUST_CHECK;

/* policy_capture.c */
BV_POLICY_SETTER(bv_policy_set_capture);
BV_POLICY_SETTER(bv_policy_set_capture_max);
BV_POLICY_SETTER(bv_policy_set_capture_full);
int bv_policy_check_capture(const struct bv_policy_parse *p,
			    struct bv_err *err) BV_MUST_CHECK;

/* What only the whole file can show. err with file:line. */
int bv_policy_check(struct bv_policy_parse *p,
		    struct bv_err *err) BV_MUST_CHECK;

#endif
