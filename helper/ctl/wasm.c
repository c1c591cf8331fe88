/* SPDX-License-Identifier: MIT */
/* bvisorctl wasm: the commands of the restricted shell. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/ctl/wasm.h"

static const char help[] =
	"usage: bvisorctl wasm add [--json] NAME FILE\n"
	"       bvisorctl wasm check [--user USER] [--json] [NAME...]\n"
	"       bvisorctl wasm list [--json]\n"
	"       bvisorctl wasm run [--user USER] [--inline] NAME [ARGUMENT...]\n"
	"\n"
	"The commands of accounts whose shell is bvisor-wasm.\n"
	"\n"
	"  add    put the module FILE into the store as NAME and its digest "
	"into\n"
	"         /etc/bvisor/wasm.d/NAME.conf, which is made when missing\n"
	"  check  look at grants, files, digests and modules as a login would\n"
	"  list   the commands there are\n"
	"  run    run one, as USER or the caller, exactly as the shell does\n"
	"\n"
	"  -u, --user USER  whose directories ~ and %u stand for; with run, "
	"who runs\n"
	"  -i, --inline     with run: in one process, as under [spawn] policy = "
	"none\n"
	"  -j, --json       one JSON document instead of text\n";

struct options {
	const char *user;
	bool json;
	bool inlined;
};

static int fault(const struct bv_err *err)
{
	bvh_ctl_error("wasm: %s", err->msg);
	return err->code == BV_E_CONF || err->code == BV_E_INVAL ||
			       err->code == BV_E_LIMIT ||
			       err->code == BV_E_UNSUPPORTED
		       ? BVH_CTL_NO
		       : BVH_CTL_FAULT;
}

/* --- add ------------------------------------------------------------------- */

static int document(const char *name, const struct bvh_wasm_facts *facts,
		    bool fresh)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= bvh_ctl_put(o, "name", bv_json_text(name));
	failed |= bvh_ctl_put(o, "sha256", bv_json_text(facts->sha256_hex));
	failed |= bvh_ctl_put(o, "bytes", bv_json_u64(facts->bytes));
	failed |= bvh_ctl_put(o, "imports", bv_json_u64(facts->imports));
	failed |= bvh_ctl_put(o, "pages", bv_json_u64(facts->pages));
	failed |= bvh_ctl_put(o, "grant_made", json_boolean(fresh));
	return bvh_ctl_document(stdout, o, failed, BVH_CTL_OK);
}

static int add(int argc, char **argv, const struct options *o)
{
	struct bvh_wasm_facts facts;
	struct bv_err err = { 0 };
	bool fresh = false;

	if (argc != 2 || o->user != NULL)
		return bvh_ctl_usage("wasm ", "wasm add: NAME and FILE");
	umask(022); /* the users' shells read it */
	if (bvh_wasm_add(argv[0], argv[1], &facts, &fresh, &err) != BV_OK)
		return fault(&err);
	if (o->json)
		return document(argv[0], &facts, fresh);
	bvh_ctl_say("%s: %llu bytes, %u imports, %u pages of memory, sha256 "
		    "%s\n",
		    argv[0], (unsigned long long)facts.bytes, facts.imports,
		    facts.pages, facts.sha256_hex);
	bvh_ctl_say("%s/%s/%s.conf %s\n", BWS_CONFIG_DIR, BWS_GRANTS, argv[0],
		    fresh ? "made: it grants no files yet"
			  : "has the new digest");
	return BVH_CTL_OK;
}

/* --- check, list ----------------------------------------------------------- */

static int load(struct bws_store *store, const struct options *o,
		struct bv_err *err)
{
	struct bv_subject who = {
		.shell = "", .service = "", .tty = "", .rhost = ""
	};
	const struct passwd *pw = NULL;

	bws_store_init(store);
	if (o->user == NULL)
		return bws_store_load(store, NULL, err);
	pw = getpwnam(o->user);
	if (pw == NULL)
		return bv_fail(err, BV_E_CONF, "there is no user '%s'",
			       o->user);
	who.user = bv_arena_strdup(&store->arena, pw->pw_name);
	who.home = bws_home(&store->arena, pw->pw_dir);
	who.uid = (uint32_t)pw->pw_uid;
	who.gid = (uint32_t)pw->pw_gid;
	if (who.user == NULL || who.home == NULL)
		return bv_fail(err, BV_E_NOMEM, "no memory");
	return bws_store_load(store, &who, err);
}

static bool is_meant(const struct bws_entry *e, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], e->name) == 0)
			return true;
	return argc == 0;
}

static void say_one(const struct bws_entry *e,
		    const struct bvh_wasm_facts *facts,
		    const struct bv_err *why)
{
	if (why->code != BV_OK)
		bvh_ctl_say("%-16s NOT OK  %s\n", e->name, why->msg);
	else
		bvh_ctl_say("%-16s ok      %.16s  %7llu bytes, %u imports, %u "
			    "pages  %s\n",
			    e->name, facts->sha256_hex,
			    (unsigned long long)facts->bytes, facts->imports,
			    facts->pages, e->grant.description);
}

static int put_one(json_t *list, const struct bws_entry *e,
		   const struct bvh_wasm_facts *facts, const struct bv_err *why)
{
	json_t *o = json_object();
	const bool ok = why->code == BV_OK;
	int failed = 0;

	failed |= bvh_ctl_put(o, "name", bv_json_text(e->name));
	failed |= bvh_ctl_put(o, "ok", json_boolean(ok));
	failed |= bvh_ctl_put(o, "why",
			      ok ? json_null() : bv_json_text(why->msg));
	failed |=
		bvh_ctl_put(o, "sha256",
			    ok ? bv_json_text(facts->sha256_hex) : json_null());
	failed |= bvh_ctl_put(o, "bytes",
			      ok ? bv_json_u64(facts->bytes) : json_null());
	failed |= bvh_ctl_put(o, "fuel",
			      e->broken ? json_null()
					: bv_json_u64(e->grant.fuel));
	return failed | bvh_ctl_add(list, o);
}

/* list says what is wrong as well and is content with it; check is not. */
static int show(int argc, char **argv, const struct options *o, bool strict)
{
	struct bws_store store;
	struct bv_err err = { 0 };
	json_t *list = json_array();
	int failed = 0, status = BVH_CTL_OK;
	const bool loaded = load(&store, o, &err) == BV_OK;

	if (!loaded)
		status = fault(&err);
	for (size_t i = 0; i < store.n && status != BVH_CTL_FAULT; i++) {
		const struct bws_entry *e = &store.entry[i];
		struct bvh_wasm_facts facts = { 0 };
		struct bv_err why = { 0 };

		if (!is_meant(e, argc, argv))
			continue;
		if (bvh_wasm_check_entry(&store, e, &facts, &why) != BV_OK &&
		    strict)
			status = BVH_CTL_NO;
		if (o->json)
			failed |= put_one(list, e, &facts, &why);
		else
			say_one(e, &facts, &why);
	}
	for (int i = 0; i < argc && loaded; i++) {
		if (bws_store_find(&store, argv[i]) != NULL)
			continue;
		bvh_ctl_error("wasm: there is no command '%s'", argv[i]);
		status = BVH_CTL_NO;
	}
	bws_store_done(&store);
	if (o->json)
		return bvh_ctl_document(stdout, list, failed, status);
	json_decref(list);
	return status;
}

/* --- run ------------------------------------------------------------------- */

/* One line in which each argument is itself: 'it'\''s'. malloc'ed. */
static char *quote(int argc, char **argv)
{
	size_t room = 1, n = 0;
	char *line;

	for (int i = 0; i < argc; i++)
		room += 4 * strlen(argv[i]) + 3;
	line = malloc(room);
	if (line == NULL)
		return NULL;
	for (int i = 0; i < argc; i++) {
		line[n++] = '\'';
		for (const char *p = argv[i]; *p != '\0'; p++) {
			if (*p == '\'') {
				memcpy(line + n, "'\\''", 4);
				n += 4;
			} else {
				line[n++] = *p;
			}
		}
		line[n++] = '\'';
		line[n++] = ' ';
	}
	line[n] = '\0';
	return line;
}

static int become(const char *user)
{
	const struct passwd *pw;

	if (user == NULL)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		bvh_ctl_error("wasm: there is no user '%s'", user);
		return -1;
	}
	if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0) {
		bvh_ctl_error("wasm: cannot become '%s': %s", user,
			      strerror(errno));
		return -1;
	}
	return setenv("USER", user, 1) | setenv("HOME", pw->pw_dir, 1);
}

static int run(int argc, char **argv, const struct options *o)
{
	char *line;

	if (argc == 0)
		return bvh_ctl_usage("wasm ", "wasm run: NAME of a command");
	line = quote(argc, argv);
	if (line == NULL || become(o->user) != 0)
		return BVH_CTL_FAULT;
	if (o->inlined)
		execl(BV_WASM_PATH, "bvisor-wasm", "--inline", "-c", line,
		      (char *)NULL);
	else
		execl(BV_WASM_PATH, "bvisor-wasm", "-c", line, (char *)NULL);
	bvh_ctl_error("wasm: cannot run " BV_WASM_PATH ": %s", strerror(errno));
	free(line);
	return BVH_CTL_FAULT;
}

int bvh_ctl_wasm(int argc, char **argv)
{
	struct options o = { 0 };
	const struct bvh_ctl_option options[] = {
		{ "user", 'u', &o.user, NULL },
		{ "inline", 'i', NULL, &o.inlined },
	};
	const char *verb = argc > 1 ? argv[1] : "";
	const struct bvh_ctl_syntax syntax = {
		.command = "wasm",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		/* What follows a command that is run is the command's. */
		.leading = strcmp(verb, "run") == 0,
		.args_max = -1,
	};
	int status;

	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
		fputs(help, stdout);
		return BVH_CTL_OK;
	}
	if (argc > 1) {
		argc--;
		argv++;
	}
	status = bvh_ctl_options(&syntax, argc, argv, &o.json);
	if (status >= 0)
		return status;
	argc -= optind;
	argv += optind;
	if (strcmp(verb, "add") == 0)
		return add(argc, argv, &o);
	if (strcmp(verb, "check") == 0)
		return show(argc, argv, &o, true);
	if (strcmp(verb, "list") == 0)
		return show(argc, argv, &o, false);
	if (strcmp(verb, "run") == 0)
		return run(argc, argv, &o);
	return bvh_ctl_usage("wasm ", "wasm: add, check, list or run");
}
