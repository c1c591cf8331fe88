/* SPDX-License-Identifier: MIT */
/* head [-n LINES] [FILE...] */
#include "tool.h"

static int first(FILE *f, const char *name, void *ctx)
{
	long left = *(long *)ctx;
	int c;

	(void)name;
	while (left > 0 && (c = getc(f)) != EOF) {
		putchar(c);
		left -= c == '\n';
	}
	return 0;
}

int main(int argc, char **argv)
{
	long lines = 10;
	int at = 1;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		char *end;

		lines = strtol(argv[2], &end, 10);
		if (*end != '\0' || lines < 0) {
			fprintf(stderr, "head: '%s' is no number\n", argv[2]);
			return 2;
		}
		at = 3;
	}
	return each("head", argc - at, argv + at, first, &lines);
}
