/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl: the administrator's side of pam_bvisor. See bvisorctl(8). It
 * decides nothing by itself: admission is the guardian's own code.
 */
#include "helper/ctl/ctl.h"
#include "helper/ctl/out.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "check", bvh_ctl_check, "find what is wrong before a login does" },
	{ "explain", bvh_ctl_explain,
	  "what a login of USER would get, and why" },
	{ "probe", bvh_ctl_probe, "what this machine can enforce" },
	{ "run", bvh_ctl_run, "run a command inside a policy's boundary" },
	{ "ps", bvh_ctl_ps, "live sessions" },
	{ "kill", bvh_ctl_kill, "end a session" },
	{ "qualify", bvh_ctl_qualify, "prove here what is said to be enforced" },
	{ "why", bvh_ctl_why, "which limits a session has met" },
	{ "wasm", bvh_ctl_wasm, "commands of the WebAssembly shell" },
	{ "replay", bvh_ctl_replay, "what a session recorded of its streams" },
	{ "log", bvh_ctl_log, "what happened: the journal" },
	{ "show", bvh_ctl_show, "one session: its events and its report" },
	{ "verify", bvh_ctl_verify,
	  "has the journal, or a report, been touched" },
	{ "export", bvh_ctl_export, "the journal as JSON lines (ECS)" },
	{ "recover", bvh_ctl_recover, "find and end what died unfinished" },
};

static int print_help(FILE *to)
{
	fputs("usage: bvisorctl COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < BV_LEN(commands); i++)
		fprintf(to, "  %-8s  %s\n", commands[i].name, commands[i].what);
	fputs("\n'bvisorctl COMMAND --help' lists a command's options; every "
	      "command takes --json.\n"
	      "See bvisorctl(8), bvisor-policy(5).\n",
	      to);
	return to == stdout ? BVH_CTL_OK : BVH_CTL_USAGE;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return print_help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		puts("bvisorctl (pam_bvisor) " VERSION);
		return BVH_CTL_OK;
	}
	for (size_t i = 0; i < BV_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return bvh_ctl_usage("", "unknown command '%s'", argv[1]);
}

/* A descriptor of ours must never be mistaken for stdin, stdout or stderr. */
static int fill_streams(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status;

	if (fill_streams() != 0)
		return BVH_CTL_FAULT;
	status = dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		bvh_ctl_error("cannot write to standard output");
		return status == BVH_CTL_OK ? BVH_CTL_FAULT : status;
	}
	return status;
}
