/* SPDX-License-Identifier: MIT */
/*
 * Runs what wast2json made of the specification's .wast files:
 *   spec FILE.json...
 * Prints one line per file and per failed assertion, and totals. Assertions on
 * the text format do not apply to an engine of the binary one and are counted
 * apart. Exit 1 when an applicable assertion failed.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm/engine.h"

#define MAX_INSTANCES 4096
#define MAX_VALUES    1024

struct counts {
	unsigned ran, passed, failed, text; /* failed: modules as well */
};

struct named {
	char *name;
	struct bw_instance *inst;
};

struct file {
	const char *dir;
	struct bw_store *store;
	struct bw_module *modules[MAX_INSTANCES];
	size_t nmodules;
	struct bw_instance *current;
	struct named by_id[MAX_INSTANCES];
	size_t nby_id;
	struct bw_linked linked[MAX_INSTANCES];
	size_t nlinked;
	struct counts counts;
	const char *what;
	long long line;
};

static int print_nothing(void *ctx, struct bw_instance *inst,
			 const uint64_t *args, uint64_t *results)
{
	(void)ctx, (void)inst, (void)args, (void)results;
	return BW_HOST_OK;
}

static const struct bw_host_func hosts[] = {
	{ "spectest", "print", ":", print_nothing, 1 },
	{ "spectest", "print_i32", "i:", print_nothing, 1 },
	{ "spectest", "print_i64", "I:", print_nothing, 1 },
	{ "spectest", "print_f32", "f:", print_nothing, 1 },
	{ "spectest", "print_f64", "F:", print_nothing, 1 },
	{ "spectest", "print_i32_f32", "if:", print_nothing, 1 },
	{ "spectest", "print_f64_f64", "FF:", print_nothing, 1 },
};

/* The module spectest: functions imported from the host and exported again,
 * globals 666 and 666.6, a table of 10 to 20, a memory of 1 to 2. */
static const uint8_t spectest[] = {
	0,
	'a',
	's',
	'm',
	1,
	0,
	0,
	0,
	/* table, memory */
	4,
	5,
	1,
	0x70,
	1,
	10,
	20,
	5,
	4,
	1,
	1,
	1,
	2,
	/* globals */
	6,
	33,
	4,
	0x7f,
	0,
	0x41,
	0x9a,
	5,
	0x0b,
	0x7e,
	0,
	0x42,
	0x9a,
	5,
	0x0b,
	0x7d,
	0,
	0x43,
	0x66,
	0xa6,
	0x26,
	0x44,
	0x0b,
	0x7c,
	0,
	0x44,
	0xcd,
	0xcc,
	0xcc,
	0xcc,
	0xcc,
	0xd4,
	0x84,
	0x40,
	0x0b,
	/* exports */
	7,
	70,
	6,
	5,
	't',
	'a',
	'b',
	'l',
	'e',
	1,
	0,
	6,
	'm',
	'e',
	'm',
	'o',
	'r',
	'y',
	2,
	0,
	10,
	'g',
	'l',
	'o',
	'b',
	'a',
	'l',
	'_',
	'i',
	'3',
	'2',
	3,
	0,
	10,
	'g',
	'l',
	'o',
	'b',
	'a',
	'l',
	'_',
	'i',
	'6',
	'4',
	3,
	1,
	10,
	'g',
	'l',
	'o',
	'b',
	'a',
	'l',
	'_',
	'f',
	'3',
	'2',
	3,
	2,
	10,
	'g',
	'l',
	'o',
	'b',
	'a',
	'l',
	'_',
	'f',
	'6',
	'4',
	3,
	3,
};

static void fail(struct file *f, const char *why)
{
	f->counts.failed++;
	printf("not ok %s line %lld: %s\n", f->what, f->line, why);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

static uint8_t *slurp(const char *dir, const char *name, size_t *ret_len)
{
	char path[4096];
	uint8_t *bytes = NULL;
	long len = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	in = fopen(path, "rb");
	if (in == NULL)
		return NULL;
	if (fseek(in, 0, SEEK_END) == 0 && (len = ftell(in)) >= 0 &&
	    fseek(in, 0, SEEK_SET) == 0) {
		/* Exactly as long: sanitizers see a read past its end. */
		bytes = malloc(len == 0 ? 1 : (size_t)len);
		if (bytes != NULL &&
		    fread(bytes, 1, (size_t)len, in) != (size_t)len) {
			free(bytes);
			bytes = NULL;
		}
	}
	fclose(in);
	*ret_len = (size_t)len;
	return bytes;
}

/* BV_OK with an instance; else *ret_loaded says whether loading succeeded. */
static int instantiate(struct file *f, const uint8_t *bytes, size_t len,
		       struct bw_instance **ret, bool *ret_loaded,
		       struct bv_err *err)
{
	struct bw_imports imports = { hosts,     BV_LEN(hosts), f,
				      f->linked, f->nlinked,    false };
	struct bw_module *m;
	int rc;

	*ret_loaded = false;
	rc = bw_module_load(bytes, len, NULL, &m, err);
	if (rc != BV_OK)
		return rc;
	*ret_loaded = true;
	f->modules[f->nmodules++] = m;
	return bw_instance_new(f->store, m, &imports, ret, err);
}

static int instantiate_file(struct file *f, const char *name,
			    struct bw_instance **ret, bool *ret_loaded,
			    struct bv_err *err)
{
	size_t len = 0;
	uint8_t *bytes = slurp(f->dir, name, &len);
	int rc;

	*ret_loaded = false;
	if (bytes == NULL)
		return bv_fail(err, BV_E_SYS, "cannot read %s", name);
	rc = instantiate(f, bytes, len, ret, ret_loaded, err);
	free(bytes);
	return rc;
}

static uint64_t value_of(const json_t *v)
{
	const char *type = text_of(v, "type"), *s = text_of(v, "value");

	if (strcmp(s, "null") == 0)
		return 0;
	if (strcmp(type, "externref") == 0)
		return strtoull(s, NULL, 10) + 1;
	return strtoull(s, NULL, 10);
}

static bool result_is(const json_t *v, uint64_t got)
{
	const char *type = text_of(v, "type"), *s = text_of(v, "value");
	bool canonical = strcmp(s, "nan:canonical") == 0;

	if (canonical || strcmp(s, "nan:arithmetic") == 0) {
		if (strcmp(type, "f32") == 0)
			return canonical ? (got & 0x7fffffff) == 0x7fc00000
					 : (got & 0x7fc00000) == 0x7fc00000;
		return canonical ? (got & INT64_MAX) == 0x7ff8000000000000
				 : (got & 0x7ff8000000000000) ==
					   0x7ff8000000000000;
	}
	if (strcmp(type, "funcref") == 0)
		return (strcmp(s, "null") == 0) == (got == 0);
	return got == value_of(v);
}

static struct bw_instance *target(struct file *f, const json_t *action)
{
	const char *id = text_of(action, "module");
	size_t i;

	if (*id == '\0')
		return f->current;
	for (i = f->nby_id; i > 0; i--)
		if (strcmp(f->by_id[i - 1].name, id) == 0)
			return f->by_id[i - 1].inst;
	return NULL;
}

static int act(struct file *f, const json_t *action, uint64_t *results,
	       uint32_t nresults, enum bw_outcome *ret, struct bv_err *err)
{
	struct bw_instance *inst = target(f, action);
	const json_t *field = json_object_get(action, "field");
	uint64_t args[MAX_VALUES];
	json_t *list = json_object_get(action, "args");
	uint32_t i, n = (uint32_t)json_array_size(list);

	if (inst == NULL)
		return bv_fail(err, BV_E_INVAL, "no such instance");
	*ret = BW_DONE;
	if (strcmp(text_of(action, "type"), "get") == 0)
		return bw_global_get(inst, text_of(action, "field"), results,
				     err);
	for (i = 0; i < n; i++)
		args[i] = value_of(json_array_get(list, i));
	return bw_call_n(inst, json_string_value(field),
			 json_string_length(field), args, n, results, nresults,
			 ret, err);
}

static void do_action(struct file *f, const json_t *cmd, bool compare)
{
	json_t *want = json_object_get(cmd, "expected");
	uint32_t i, n = (uint32_t)json_array_size(want);
	uint64_t results[MAX_VALUES] = { 0 };
	struct bv_err err = { 0 };
	enum bw_outcome outcome;
	char text[256];

	f->counts.ran += compare;
	if (act(f, json_object_get(cmd, "action"), results, n, &outcome,
		&err) != BV_OK) {
		fail(f, err.msg);
		return;
	}
	if (outcome != BW_DONE) {
		fail(f, "trapped");
		return;
	}
	for (i = 0; i < n && compare; i++) {
		const json_t *v = json_array_get(want, i);

		if (result_is(v, results[i]))
			continue;
		snprintf(text, sizeof(text), "result %u is %llu, not %s", i,
			 (unsigned long long)results[i], text_of(v, "value"));
		fail(f, text);
		return;
	}
}

/* The suite names traps as its reference interpreter does: ours are these or
 * a beginning of them. */
static bool trap_is(const char *want, const char *got)
{
	return strncmp(want, got, strlen(got)) == 0 ||
	       strncmp(want, got, strlen(want)) == 0;
}

static void do_trap(struct file *f, const json_t *cmd)
{
	json_t *want = json_object_get(cmd, "expected");
	uint64_t results[MAX_VALUES];
	struct bw_trap_info info;
	enum bw_outcome outcome;
	struct bv_err err = { 0 };

	f->counts.ran++;
	if (act(f, json_object_get(cmd, "action"), results,
		(uint32_t)json_array_size(want), &outcome, &err) != BV_OK) {
		fail(f, err.msg);
		return;
	}
	bw_trap_info(f->store, &info);
	if (outcome != BW_TRAPPED)
		fail(f, "did not trap");
	else if (!trap_is(text_of(cmd, "text"), bw_trap_text(info.trap)))
		fail(f, bw_trap_text(info.trap));
}

static void do_module(struct file *f, const json_t *cmd)
{
	const char *id = text_of(cmd, "name");
	struct bw_instance *inst;
	struct bv_err err = { 0 };
	bool loaded;

	f->current = NULL;
	if (instantiate_file(f, text_of(cmd, "filename"), &inst, &loaded,
			     &err) != BV_OK) {
		fail(f, err.msg);
		return;
	}
	f->current = inst;
	if (*id != '\0') {
		f->by_id[f->nby_id].name = strdup(id);
		f->by_id[f->nby_id++].inst = inst;
	}
}

static void do_refused(struct file *f, const json_t *cmd, bool must_load)
{
	struct bw_instance *inst;
	struct bv_err err = { 0 };
	bool loaded;
	int rc;

	if (strcmp(text_of(cmd, "module_type"), "text") == 0) {
		f->counts.text++;
		return;
	}
	f->counts.ran++;
	rc = instantiate_file(f, text_of(cmd, "filename"), &inst, &loaded,
			      &err);
	if (rc == BV_OK)
		fail(f, "accepted");
	else if (loaded != must_load)
		fail(f, loaded ? "loaded" : err.msg);
	else if (rc != BV_E_CONF && !must_load)
		fail(f, err.msg);
}

static void do_register(struct file *f, const json_t *cmd)
{
	struct bw_instance *inst = f->current;
	json_t *action = json_object();

	if (*text_of(cmd, "name") != '\0') {
		json_object_set_new(action, "module",
				    json_string(text_of(cmd, "name")));
		inst = target(f, action);
	}
	json_decref(action);
	if (inst == NULL) {
		fail(f, "nothing to register");
		return;
	}
	f->linked[f->nlinked].name = strdup(text_of(cmd, "as"));
	f->linked[f->nlinked++].inst = inst;
}

static void do_command(struct file *f, const json_t *cmd)
{
	const char *type = text_of(cmd, "type");
	const struct counts before = f->counts;

	f->line = json_integer_value(json_object_get(cmd, "line"));
	if (strcmp(type, "module") == 0)
		do_module(f, cmd);
	else if (strcmp(type, "register") == 0)
		do_register(f, cmd);
	else if (strcmp(type, "action") == 0)
		do_action(f, cmd, false);
	else if (strcmp(type, "assert_return") == 0)
		do_action(f, cmd, true);
	else if (strcmp(type, "assert_trap") == 0 ||
		 strcmp(type, "assert_exhaustion") == 0)
		do_trap(f, cmd);
	else if (strcmp(type, "assert_invalid") == 0 ||
		 strcmp(type, "assert_malformed") == 0)
		do_refused(f, cmd, false);
	else if (strcmp(type, "assert_unlinkable") == 0 ||
		 strcmp(type, "assert_uninstantiable") == 0)
		do_refused(f, cmd, true);
	else
		fail(f, "unknown command");
	if (f->counts.failed == before.failed)
		f->counts.passed += f->counts.ran - before.ran;
}

static struct counts run_file(const char *path)
{
	static const struct bw_store_limits limits = { .memory_pages = 65536,
						       .table_entries = 10u
									<< 20 };
	struct file *f = calloc(1, sizeof(*f));
	char *dir = strdup(path), *slash = strrchr(dir, '/');
	json_t *root = json_load_file(path, JSON_ALLOW_NUL, NULL), *cmd;
	struct counts counts = { 0 };
	struct bw_instance *inst;
	bool loaded;
	size_t i;

	f->what = slash == NULL ? path : path + (slash - dir) + 1;
	f->dir = slash == NULL ? "." : dir;
	if (slash != NULL)
		*slash = '\0';
	if (root == NULL || bw_store_new(&limits, &f->store, NULL) != BV_OK ||
	    instantiate(f, spectest, sizeof(spectest), &inst, &loaded, NULL) !=
		    BV_OK) {
		fail(f, "cannot start");
		goto out;
	}
	f->linked[0].name = strdup("spectest");
	f->linked[0].inst = inst;
	f->nlinked = 1;
	json_array_foreach(json_object_get(root, "commands"), i, cmd)
		do_command(f, cmd);
	printf("%s: %u ran, %u failed, %u text\n", f->what, f->counts.ran,
	       f->counts.failed, f->counts.text);
out:
	counts = f->counts;
	bw_store_free(f->store);
	for (i = 0; i < f->nmodules; i++)
		bw_module_free(f->modules[i]);
	for (i = 0; i < f->nlinked; i++)
		free((void *)(uintptr_t)f->linked[i].name);
	for (i = 0; i < f->nby_id; i++)
		free(f->by_id[i].name);
	json_decref(root);
	free(dir);
	free(f);
	return counts;
}

int main(int argc, char **argv)
{
	struct counts all = { 0 }, one;
	int i;

	for (i = 1; i < argc; i++) {
		one = run_file(argv[i]);
		all.ran += one.ran;
		all.passed += one.passed;
		all.failed += one.failed;
		all.text += one.text;
	}
	printf("%d files: %u of %u applicable assertions pass, %u of the text "
	       "format do not apply\n",
	       argc - 1, all.passed, all.ran, all.text);
	return all.failed == 0 ? 0 : 1;
}
