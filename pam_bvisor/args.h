/* SPDX-License-Identifier: MIT */
/* The words of the PAM line. */
#ifndef BVP_ARGS_H
#define BVP_ARGS_H

#include <stdbool.h>

struct bvp_args {
	bool debug;
	bool quiet;              /* no line for the user */
	bool forcecommand;       /* exec_boundary=forcecommand */
	bool child;              /* commit=child */
	unsigned int deadline_s; /* deadline=, or 0 */
	const char *unknown;     /* the first word we do not know, or NULL */
	int argc;                /* exempt= is looked up in place */
	const char **argv;
};

void bvp_args_parse(int argc, const char **argv, struct bvp_args *ret);

/* Whom an exempt= names, "@" before a group; NULL for another word and for one
 * without a name. */
const char *bvp_args_exempt_name(const char *arg);

#endif
