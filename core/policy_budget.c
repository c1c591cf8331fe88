/* SPDX-License-Identifier: MIT */
/* [budget] of a policy file: limits in the units of their dimension, what is
 * demanded of them, and the limits over all sessions of a user. */
#include <string.h>

#include "core/num.h"
#include "core/policy_parse.h"

/* The blank-separated words of text, copied. */
int bv_policy_split(struct bv_arena *arena, const char *text,
		    const char *ret[static BV_POLICY_WORDS_MAX], size_t *ret_n,
		    struct bv_err *err)
{
	char *at = bv_arena_strdup(arena, text);
	size_t n = 0;

	if (at == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory for words");
	for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
		if (n == BV_POLICY_WORDS_MAX)
			return bv_fail(err, BV_E_CONF, "more than %u words",
				       BV_POLICY_WORDS_MAX);
		ret[n++] = at;
		at += strcspn(at, " \t");
		if (*at != '\0')
			*at++ = '\0';
	}
	*ret_n = n;
	return BV_OK;
}

static bool parse_count(const char *s, uint64_t *ret)
{
	return bv_parse_u64(s, 0, INT32_MAX, ret);
}

#define DURATION bv_parse_duration, "a duration (us, ms, s, min, h, d)"
#define SIZE     bv_parse_size, "a size (bytes, or K, M, G, T)"
#define COUNT    parse_count, "a count from 0 to 2147483647"

static const struct limit_rule {
	bool (*parse)(const char *s, uint64_t *ret);
	const char *what;
} limit_rules[BV_DIM_N] = {
	[BV_DIM_WALL] = { DURATION }, [BV_DIM_CPU] = { DURATION },
	[BV_DIM_MEMORY] = { SIZE },   [BV_DIM_STORAGE] = { SIZE },
	[BV_DIM_NETWORK] = { SIZE },  [BV_DIM_PROCESSES] = { COUNT },
	[BV_DIM_HANDLES] = { COUNT },
};

int bv_policy_claim(const char *text, uint32_t *set, struct bv_err *err)
{
	const char *names[BV_EV_N];
	size_t i = 0;
	int code;

	for (size_t e = 0; e < BV_EV_N; e++)
		names[e] = bv_evidence_name((enum bv_evidence)e);
	code = bv_one_of(names, BV_LEN(names), text, &i, err);
	if (code != BV_OK)
		return code;
	if (*set & BV_EV_BIT(i))
		return bv_fail(err, BV_E_CONF, "'%s' twice", text);
	*set |= BV_EV_BIT(i);
	return BV_OK;
}

static int budget_word(const char *word, struct bv_budget_request *b,
		       bool *guaranteed, struct bv_err *err)
{
	static const char evidence[] = "evidence=";
	const size_t len = sizeof(evidence) - 1;

	if (strncmp(word, evidence, len) == 0)
		return bv_policy_claim(word + len, &b->evidence, err);
	if (strcmp(word, "enforced") != 0 && strcmp(word, "mediated") != 0)
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not one of: enforced, mediated, "
			       "evidence=NAME",
			       word);
	if (*guaranteed)
		return bv_fail(err, BV_E_CONF,
			       "'%s': the guarantee is stated already", word);
	*guaranteed = true;
	b->guarantee = word[0] == 'e' ? BV_ENFORCED : BV_MEDIATED;
	return BV_OK;
}

BV_POLICY_SETTER(
	bv_policy_set_budget) /* LIMIT [enforced|mediated] [evidence=NAME]... */
{
	const struct limit_rule *rule = &limit_rules[row->arg];
	struct bv_budget_request b = {
		.stated = true,
		.guarantee = BV_ENFORCED,
		.line = value->line,
	};
	const char *word[BV_POLICY_WORDS_MAX];
	bool guaranteed = false;
	size_t n = 0;
	int code = bv_policy_split(p->arena, value->text, word, &n, err);

	if (code == BV_OK && !rule->parse(word[0], &b.limit))
		code = bv_fail(err, BV_E_CONF, "'%s' is not %s", word[0],
			       rule->what);
	for (size_t i = 1; code == BV_OK && i < n; i++)
		code = budget_word(word[i], &b, &guaranteed, err);
	if (code == BV_OK)
		p->policy->budget[row->arg] = b;
	return code;
}

BV_POLICY_SETTER(
	bv_policy_set_user_limit) /* LIMIT, over all sessions of the user */
{
	const struct limit_rule *rule = &limit_rules[row->arg];
	uint64_t limit = 0;

	if (!rule->parse(value->text, &limit) || limit == 0)
		return bv_fail(err, BV_E_CONF, "'%s' is not %s above 0",
			       value->text, rule->what);
	if (row->arg == BV_DIM_PROCESSES) {
		p->policy->user_processes = limit;
		p->policy->user_processes_line = value->line;
	} else {
		p->policy->user_mem_bytes = limit;
		p->policy->user_memory_line = value->line;
	}
	return BV_OK;
}

#define RATE_PERCENT_MAX 100000u /* a thousand processors */

BV_POLICY_SETTER(bv_policy_set_cpu_rate) /* N%, of one processor */
{
	const size_t len = strlen(value->text);
	char number[16];
	uint64_t percent = 0;

	(void)row;
	number[0] = '\0';
	if (len > 1 && len <= sizeof(number) && value->text[len - 1] == '%') {
		memcpy(number, value->text, len - 1);
		number[len - 1] = '\0';
	}
	if (!bv_parse_u64(number, 1, RATE_PERCENT_MAX, &percent))
		return bv_fail(err, BV_E_CONF,
			       "'%s' is not a rate from 1%% to %u%% (of one "
			       "processor)",
			       value->text, RATE_PERCENT_MAX);
	p->policy->cpu_rate_percent = (unsigned int)percent;
	p->policy->cpu_rate_line = value->line;
	return BV_OK;
}
