/* SPDX-License-Identifier: MIT */
/* wc [FILE...]: lines, words, bytes */
#include "tool.h"

#include <ctype.h>

struct total {
	unsigned long lines, words, bytes;
	int files;
};

static int count(FILE *f, const char *name, void *ctx)
{
	struct total *t = ctx;
	unsigned long lines = 0, words = 0, bytes = 0;
	int c, in = 0;

	while ((c = getc(f)) != EOF) {
		bytes++;
		lines += c == '\n';
		words += !isspace(c) && !in;
		in = !isspace(c);
	}
	printf("%lu %lu %lu%s%s\n", lines, words, bytes,
	       strcmp(name, "-") ? " " : "", strcmp(name, "-") ? name : "");
	t->lines += lines;
	t->words += words;
	t->bytes += bytes;
	t->files++;
	return 0;
}

int main(int argc, char **argv)
{
	struct total t = { 0, 0, 0, 0 };
	int status = each("wc", argc - 1, argv + 1, count, &t);

	if (t.files > 1)
		printf("%lu %lu %lu total\n", t.lines, t.words, t.bytes);
	return finish("wc", status);
}
