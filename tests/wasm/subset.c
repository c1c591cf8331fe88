/* SPDX-License-Identifier: MIT */
/* Runs the assertions of subset.txt (its form: subset.mjs): subset FILE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/engine.h"

#define MAX_VALUES 16
#define LEAST      2000 /* fewer: the file is not the one meant */

struct run {
	struct bw_store *store;
	struct bw_module *module;
	struct bw_instance *inst;
	unsigned line, ran, failed;
};

static void fail(struct run *r, const char *why)
{
	printf("# line %u: %s\n", r->line, why);
	r->failed++;
}

static size_t unhex(char *hex, uint8_t *bytes)
{
	size_t n = strlen(hex) / 2, i;
	char pair[3] = { 0 };

	for (i = 0; i < n; i++) {
		memcpy(pair, hex + 2 * i, 2);
		bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

static void drop(struct run *r)
{
	bw_store_free(r->store);
	bw_module_free(r->module);
	r->store = NULL;
	r->module = NULL;
	r->inst = NULL;
}

static void start(struct run *r, char *hex)
{
	uint8_t *bytes = malloc(strlen(hex) / 2 + 1);
	struct bv_err err = { 0 };

	drop(r);
	if (bw_module_load(bytes, unhex(hex, bytes), NULL, &r->module, &err) !=
		    BV_OK ||
	    bw_store_new(NULL, &r->store, &err) != BV_OK ||
	    bw_instance_new(r->store, r->module, NULL, &r->inst, &err) !=
		    BV_OK) {
		fail(r, err.msg);
		r->inst = NULL;
	}
	free(bytes);
}

static bool is(const char *want, uint64_t got)
{
	if (strcmp(want, "nan32") == 0)
		return (got & 0x7fc00000) == 0x7fc00000;
	if (strcmp(want, "nan64") == 0)
		return (got & 0x7ff8000000000000) == 0x7ff8000000000000;
	return strtoull(want, NULL, 16) == got;
}

/* node has one word for some pairs of traps. */
static bool trap_is(const char *want, enum bw_trap got)
{
	static const struct {
		const char *word;
		enum bw_trap one, other;
	} pairs[] = {
		{ "float", BW_TRAP_CONVERSION, BW_TRAP_INTEGER_OVERFLOW },
		{ "table", BW_TRAP_UNDEFINED_ELEMENT, BW_TRAP_TABLE },
		{ "indirect", BW_TRAP_NULL_ELEMENT, BW_TRAP_SIGNATURE },
	};
	size_t i;

	for (i = 0; i < BV_LEN(pairs); i++)
		if (strcmp(want, pairs[i].word) == 0)
			return got == pairs[i].one || got == pairs[i].other;
	return strcmp(want, bw_trap_text(got)) == 0;
}

static uint32_t results_of(const struct run *r, const char *name)
{
	struct bw_export_info e;
	uint32_t i;

	for (i = 0; i < bw_module_export_count(r->module); i++) {
		bw_module_export(r->module, i, &e);
		if (strcmp(e.name.s, name) == 0)
			return e.sig.nresults;
	}
	return 0;
}

static void call(struct run *r, char *text, bool traps)
{
	char *equals = strchr(text, '='), *want, *name, *word;
	uint64_t args[MAX_VALUES], results[MAX_VALUES];
	struct bw_trap_info info;
	struct bv_err err = { 0 };
	enum bw_outcome outcome;
	uint32_t i, n = 0;
	const char *got;

	r->ran++;
	if (r->inst == NULL || equals == NULL) {
		fail(r, "nothing to call");
		return;
	}
	*equals = '\0';
	want = equals + 1 + strspn(equals + 1, " ");
	name = strtok(text, " ");
	while (n < MAX_VALUES && (word = strtok(NULL, " ")) != NULL)
		args[n++] = strtoull(word, NULL, 16);
	if (bw_call(r->inst, name, args, n, results, results_of(r, name),
		    &outcome, &err) != BV_OK) {
		fail(r, err.msg);
		return;
	}
	bw_trap_info(r->store, &info);
	got = bw_trap_text(info.trap);
	if (traps != (outcome == BW_TRAPPED)) {
		fail(r, traps ? "did not trap" : got);
	} else if (traps) {
		if (!trap_is(want, info.trap))
			fail(r, got);
	} else {
		for (i = 0, word = strtok(want, " "); word != NULL;
		     word = strtok(NULL, " "))
			if (i >= MAX_VALUES || !is(word, results[i++])) {
				fail(r, "another result");
				return;
			}
	}
}

int main(int argc, char **argv)
{
	struct run r = { 0 };
	char *line = NULL;
	size_t cap = 0;
	FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (in == NULL) {
		fprintf(stderr, "usage: subset FILE\n");
		return 2;
	}
	while (getline(&line, &cap, in) > 0) {
		r.line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == 'm')
			start(&r, line + 2);
		else if (line[0] == 'f' || line[0] == 't')
			call(&r, line + 2, line[0] == 't');
	}
	drop(&r);
	free(line);
	fclose(in);
	if (r.ran < LEAST)
		fail(&r, "too few assertions");
	printf("1..1\n%sok 1 - own subset: %u of %u assertions pass\n",
	       r.failed == 0 ? "" : "not ", r.ran - r.failed, r.ran);
	return r.failed == 0 ? 0 : 1;
}
