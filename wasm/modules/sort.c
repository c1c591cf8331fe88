/* SPDX-License-Identifier: MIT */
/* sort [FILE...]: by bytes */
#include "tool.h"

struct lines {
	char **v;
	size_t n, room;
};

static int take(FILE *f, const char *name, void *ctx)
{
	struct lines *l = ctx;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	(void)name;
	while ((n = getline(&line, &room, f)) >= 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (l->n == l->room) {
			l->room = l->room ? 2 * l->room : 256;
			l->v = realloc(l->v, l->room * sizeof(*l->v));
		}
		if (l->v == NULL) {
			fputs("sort: out of memory\n", stderr);
			exit(2);
		}
		l->v[l->n++] = line;
		line = NULL;
		room = 0;
	}
	free(line);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(int argc, char **argv)
{
	struct lines l = { NULL, 0, 0 };
	int status = each("sort", argc - 1, argv + 1, take, &l);

	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), compare);
	for (size_t i = 0; i < l.n; i++)
		puts(l.v[i]);
	return finish("sort", status);
}
