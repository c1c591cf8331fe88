/* SPDX-License-Identifier: MIT */
/* The shell's own commands. They open nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/num.h"
#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/shell.h"

typedef int (*builtin_fn)(struct bws *s, const char *const *argv, size_t argc);

static int help(struct bws *s, const char *const *argv, size_t argc);

static int pwd(struct bws *s, const char *const *argv, size_t argc)
{
	(void)argv;
	(void)argc;
	printf("%s\n", s->cwd);
	return 0;
}

/* Somewhere that some command can reach: nowhere else is of use. */
static int cd(struct bws *s, const char *const *argv, size_t argc)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	char to[BWS_PATH_MAX];
	bool reached;

	if (argc > 2)
		return bws_say("usage: cd [DIRECTORY]"), BWS_USAGE;
	if (!bws_path(s, argc == 2 ? argv[1] : s->who.home, to))
		return bws_say("cd: the path is too long"), 1;
	reached = strcmp(to, s->who.home) == 0;
	errno = 0;
	for (size_t i = 0; i < s->store.n && !reached; i++) {
		const char *rest = NULL;
		const struct bws_dir *dir =
			bws_entry_dir(&s->store, &s->store.entry[i], to, &rest);
		bv_auto_close int fd = -1;

		if (dir == NULL)
			continue;
		fd = bvh_sys_openat2(s->store.mount[dir->mount].fd, rest, &how);
		reached = fd >= 0;
	}
	if (!reached) {
		bws_say("cd: %s: %s", to,
			errno != 0 ? strerror(errno)
				   : "no command of this account reaches it");
		return 1;
	}
	memcpy(s->cwd, to, sizeof(to));
	return 0;
}

static int leave(struct bws *s, const char *const *argv, size_t argc)
{
	uint64_t status = (uint64_t)s->status;

	if (argc > 2 || (argc == 2 && !bv_parse_u64(argv[1], 0, 255, &status)))
		return bws_say("usage: exit [STATUS 0 to 255]"), BWS_USAGE;
	s->leave = true;
	return (int)status;
}

static void print_time(const char *what, uint64_t us)
{
	printf("  %-9s %llu.%03llu s\n", what,
	       (unsigned long long)(us / 1000000),
	       (unsigned long long)(us / 1000 % 1000));
}

static int describe(struct bws *s, const char *name)
{
	const struct bws_entry *e = bws_store_find(&s->store, name);
	const struct bw_grant *g;

	if (bws_is_builtin(name)) {
		printf("%s is a builtin of the shell\n", name);
		return 0;
	}
	if (e == NULL)
		return bws_say("type: %s: not found", name), 1;
	if (e->broken) {
		printf("%s is not set up correctly and is refused\n", name);
		return 1;
	}
	g = &e->grant;
	printf("%s is a WebAssembly module\n", name);
	if (g->description[0] != '\0')
		printf("  %s\n", g->description);
	printf("  sha256    %s\n", g->sha256_hex);
	for (size_t i = 0; i < e->dirs; i++)
		printf("  %-9s %s\n", e->dir[i].writable ? "writes" : "reads",
		       s->store.mount[e->dir[i].mount].path);
	printf("  stdin     %s\n", g->in ? "yes" : "no");
	printf("  fuel      %llu instructions\n", (unsigned long long)g->fuel);
	print_time("cpu", g->cpu_us);
	print_time("wall", g->wall_us);
	printf("  memory    %llu bytes\n", (unsigned long long)g->mem_bytes);
	printf("  output    %llu bytes\n", (unsigned long long)g->output_bytes);
	printf("  storage   %llu bytes\n",
	       (unsigned long long)g->storage_bytes);
	return 0;
}

static int type(struct bws *s, const char *const *argv, size_t argc)
{
	int status = 0;

	if (argc < 2)
		return bws_say("usage: type NAME..."), BWS_USAGE;
	for (size_t i = 1; i < argc; i++)
		status |= describe(s, argv[i]);
	return status;
}

static void print_total(const char *what, uint64_t used, uint64_t bound,
			const char *unit)
{
	char of[48] = "no limit";

	if (bound != UINT64_MAX)
		snprintf(of, sizeof(of), "of %llu", (unsigned long long)bound);
	printf("%-9s %20llu  %s %s\n", what, (unsigned long long)used, of,
	       unit);
}

static int limits(struct bws *s, const char *const *argv, size_t argc)
{
	const struct bw_totals *t = &s->totals;

	(void)argv;
	(void)argc;
	printf("used by all commands of this session:\n");
	print_total("commands", t->commands, t->bound.commands, "");
	print_total("fuel", t->used.fuel, t->bound.fuel, "instructions");
	print_total("cpu", t->used.cpu_us, t->bound.cpu_us, "us");
	print_total("wall", t->wall_us, UINT64_MAX, "us");
	print_total("output", t->used.output_bytes, t->bound.output_bytes,
		    "bytes");
	print_total("storage", t->used.storage_bytes, t->bound.storage_bytes,
		    "bytes");
	if (t->unknown_fuel > 0)
		printf("%llu ended without telling; they count as if they had "
		       "used all they might\n",
		       (unsigned long long)t->unknown_fuel);
	return 0;
}

static int history(struct bws *s, const char *const *argv, size_t argc)
{
	(void)argv;
	(void)argc;
	if (s->edit == NULL)
		return bws_say("history: only at a terminal"), 1;
	bws_edit_history(s->edit);
	return 0;
}

static const struct {
	const char *name;
	builtin_fn run;
	const char *what;
} builtins[] = {
	{ "help", help, "this list" },
	{ "cd", cd, "[DIRECTORY] go there, or home" },
	{ "pwd", pwd, "where relative names begin" },
	{ "exit", leave, "[STATUS] end the session" },
	{ "type", type, "NAME... what a command is and what it is given" },
	{ "limits", limits, "what this session has used" },
	{ "history", history, "the lines typed so far" },
};
#define ONE(name) +1
_Static_assert(BV_LEN(builtins) == 0 BWS_BUILTINS(ONE),
	       "BWS_BUILTINS names each");
#undef ONE

static int help(struct bws *s, const char *const *argv, size_t argc)
{
	(void)argv;
	(void)argc;
	printf("builtins:\n");
	for (size_t i = 0; i < BV_LEN(builtins); i++)
		printf("  %-14s %s\n", builtins[i].name, builtins[i].what);
	printf("commands:\n");
	for (size_t i = 0; i < s->store.n; i++)
		if (!s->store.entry[i].broken)
			printf("  %-14s %s\n", s->store.entry[i].name,
			       s->store.entry[i].grant.description);
	printf("also: 'quotes' \"quotes\" $HOME $PWD $USER $? | < > >> ; && "
	       "||\n");
	return 0;
}

bool bws_builtin(struct bws *s, const char *const *argv, size_t argc,
		 int *ret_status)
{
	for (size_t i = 0; i < BV_LEN(builtins); i++) {
		if (strcmp(builtins[i].name, argv[0]) != 0)
			continue;
		*ret_status = builtins[i].run(s, argv, argc);
		if (fflush(stdout) != 0 && *ret_status == 0)
			*ret_status = 1;
		return true;
	}
	return false;
}
