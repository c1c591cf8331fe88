/* SPDX-License-Identifier: MIT */
/* What the small tools share. Compiled for wasm32-wasi, and natively as their
 * own oracle. */
#ifndef BV_MODULES_TOOL_H
#define BV_MODULES_TOOL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int complain(const char *tool, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", tool, what, strerror(errno));
	return 1;
}

/* A write that failed is seen at the end at the latest. */
static inline int finish(const char *tool, int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain(tool, "standard output");
		return 1;
	}
	return status;
}

/* Each file, "-" or none: standard input. */
typedef int (*each_file)(FILE *f, const char *name, void *ctx);

static inline int each(const char *tool, int argc, char **argv, each_file fn,
		       void *ctx)
{
	static char dash[] = "-";
	char *only[] = { dash };
	int status = 0;

	if (argc == 0) {
		argc = 1;
		argv = only;
	}
	for (int i = 0; i < argc; i++) {
		const int in = strcmp(argv[i], "-") == 0;
		FILE *f = in ? stdin : fopen(argv[i], "r");

		if (f == NULL) {
			status = complain(tool, argv[i]);
			continue;
		}
		status |= fn(f, argv[i], ctx);
		if (ferror(f))
			status = complain(tool, argv[i]);
		if (!in)
			fclose(f);
	}
	return finish(tool, status);
}

#endif
