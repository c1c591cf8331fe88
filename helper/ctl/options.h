/* SPDX-License-Identifier: MIT */
/*
 * What a subcommand takes on its command line, as a table; getopt_long(3) reads
 * it. --json and --help (-j, -h) are every subcommand's.
 */
#ifndef BVH_CTL_OPTIONS_H
#define BVH_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* --NAME TEXT, or --NAME alone. */
struct bvh_ctl_option {
	const char *name;
	char letter;       /* the short form */
	const char **text; /* where its argument goes, or NULL: it has none */
	bool *flag;        /* set when it was there */
};

#define BVH_CTL_OPTIONS_MAX 8

struct bvh_ctl_syntax {
	const char *command; /* "kill" */
	const char *help;
	const struct bvh_ctl_option *option;
	size_t option_n;   /* BVH_CTL_OPTIONS_MAX at most */
	bool leading;      /* the first argument ends the options */
	int args_min;      /* arguments, besides the options */
	int args_max;      /* -1: any number */
	const char *args;  /* said when there are fewer or more */
	const char *alone; /* said when the caller is not root; or NULL */
};

/*
 * Returns -1 to go on: options are stored, the first argument is
 * argv[optind]. Otherwise the exit status: help was asked for, or a fault was
 * said on stderr. ret_json may be NULL.
 */
int bvh_ctl_options(const struct bvh_ctl_syntax *s, int argc, char **argv,
		    bool *ret_json);

#endif
