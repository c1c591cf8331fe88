/* SPDX-License-Identifier: MIT */
/*
 * bvisor-helper: what runs as root beside a session. Not for people; see
 * bvisor-helper(8).
 */
#include "helper/guard.h"
#include "helper/hold.h"
#include "pam_bvisor/wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

static int print_version(void)
{
	printf("bvisor-helper (pam_bvisor) %s, protocol %u\n", VERSION,
	       BVP_WIRE_VERSION);
	return 0;
}

static const char usage[] =
	"usage: bvisor-helper guard | hold | --version | --help\n"
	"guard is started by pam_bvisor with its control socket as descriptor "
	"3,\n"
	"hold by bvisor.service\n";

static int print_help(void)
{
	fputs(usage, stdout);
	return 0;
}

static int guard(void)
{
	return bvh_guard_main(BVP_CONTROL_FD);
}

static int hold(void)
{
	if (geteuid() != 0) {
		fputs("bvisor-helper: hold runs as root only\n", stderr);
		return 2;
	}
	return bvh_hold_main();
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "guard", guard },
	{ "hold", hold },
	{ "--version", print_version },
	{ "--help", print_help },
};

int main(int argc, char **argv)
{
	if (argc == 2) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]);
		     i++) {
			if (strcmp(argv[1], commands[i].name) == 0)
				return commands[i].run();
		}
	}
	fputs(usage, stderr);
	return 2;
}
