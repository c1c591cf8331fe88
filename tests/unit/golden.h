/* SPDX-License-Identifier: MIT */
/* Golden files: read whole, never written by a test. */
#ifndef BV_TESTS_GOLDEN_H
#define BV_TESTS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>

#define GOLDEN_MAX (64u * 1024u)

/* malloc'ed, NUL-terminated. */
static inline char *golden_read(const char *name, const char *suffix)
{
	char *text = calloc(1, GOLDEN_MAX);
	char path[256];
	FILE *file;
	size_t n;

	assert_non_null(text);
	snprintf(path, sizeof(path), "tests/golden/%s%s", name, suffix);
	file = fopen(path, "rb");
	if (!file)
		fail_msg("cannot open %s: run from the top folder", path);
	n = fread(text, 1, GOLDEN_MAX - 1, file);
	fclose(file);
	assert_true(n > 0 && n < GOLDEN_MAX - 1);
	return text;
}

#endif
