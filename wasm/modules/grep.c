/* SPDX-License-Identifier: MIT */
/* grep [-v] TEXT [FILE...]: lines that hold a fixed text */
#include "tool.h"

struct want {
	const char *text;
	int invert, prefix, found;
};

static int search(FILE *f, const char *name, void *ctx)
{
	struct want *w = ctx;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, f)) >= 0) {
		if ((strstr(line, w->text) != NULL) == w->invert)
			continue;
		w->found = 1;
		if (w->prefix)
			printf("%s:", name);
		fputs(line, stdout);
		if (line[n - 1] != '\n')
			putchar('\n');
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	struct want w = { NULL, 0, 0, 0 };
	int at = 1;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		w.invert = 1;
		at = 2;
	}
	if (argc <= at) {
		fputs("usage: grep [-v] TEXT [FILE...]\n", stderr);
		return 2;
	}
	w.text = argv[at++];
	w.prefix = argc - at > 1;
	if (each("grep", argc - at, argv + at, search, &w) != 0)
		return 2;
	return !w.found;
}
