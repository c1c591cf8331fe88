/* SPDX-License-Identifier: MIT */
/* The words of the PAM line. No getopt: its state is the host's. bvisorctl reads
 * them with this too, so nothing here asks libpam. */
#include "pam_bvisor/args.h"

#include <string.h>

#include "pam_bvisor/wire.h"

static const char exempt_key[] = "exempt=";
static const char deadline_key[] = "deadline=";

const char *bvp_args_exempt_name(const char *arg)
{
	if (strncmp(arg, exempt_key, sizeof(exempt_key) - 1) != 0)
		return NULL;
	arg += sizeof(exempt_key) - 1;
	return arg[arg[0] == '@'] == '\0' ? NULL : arg;
}

/* One or two digits, 1 to BVP_DEADLINE_MAX_S; 0 for anything else. */
static unsigned int deadline_of(const char *arg)
{
	unsigned int s = 0;

	if (strncmp(arg, deadline_key, sizeof(deadline_key) - 1) != 0)
		return 0;
	arg += sizeof(deadline_key) - 1;
	for (int i = 0; i < 2 && arg[0] >= '0' && arg[0] <= '9'; i++)
		s = 10 * s + (unsigned int)(*arg++ - '0');
	return arg[0] == '\0' && s <= BVP_DEADLINE_MAX_S ? s : 0;
}

void bvp_args_parse(int argc, const char **argv, struct bvp_args *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->argc = argc;
	ret->argv = argv;
	for (int i = 0; i < argc; i++) {
		const unsigned int deadline_s = deadline_of(argv[i]);

		if (strcmp(argv[i], "debug") == 0)
			ret->debug = true;
		else if (strcmp(argv[i], "quiet") == 0)
			ret->quiet = true;
		else if (strcmp(argv[i], "exec_boundary=forcecommand") == 0)
			ret->forcecommand = true;
		else if (strcmp(argv[i], "commit=child") == 0)
			ret->child = true;
		else if (deadline_s > 0)
			ret->deadline_s = deadline_s;
		else if (bvp_args_exempt_name(argv[i]) == NULL &&
			 ret->unknown == NULL)
			ret->unknown = argv[i];
	}
}
