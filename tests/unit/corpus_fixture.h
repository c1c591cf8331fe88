/* SPDX-License-Identifier: MIT */
/* A fuzz target on each kept input: whole, cut and with bits changed. */
#ifndef BV_TESTS_CORPUS_FIXTURE_H
#define BV_TESTS_CORPUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#define INPUT_MAX 65536u

typedef int (*target)(const uint8_t *data, size_t size);

/* Exactly as long as it is, so that a read past its end is seen. */
static inline void replay_bytes(target run, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	(void)run(copy, len);
	free(copy);
}

/* Each input whole, cut at some places and with some bytes changed. */
static inline void replay_file(target run, const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_true(len < sizeof(bytes));
	replay_bytes(run, bytes, len);
	for (size_t cut = 0; cut < len; cut += 1 + len / 23)
		replay_bytes(run, bytes, cut);
	for (size_t at = 0; at < len; at += 1 + len / 61) {
		const uint8_t was = bytes[at];

		bytes[at] = (uint8_t)(was ^ (1u << (at % 8)));
		replay_bytes(run, bytes, len);
		bytes[at] = was;
	}
}

static inline void replay(target run, const char *name, unsigned int at_least)
{
	unsigned int n = 0;
	char path[512];
	DIR *dir;

	snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", name);
	dir = opendir(path);
	if (!dir)
		fail_msg("cannot open %s: run from the top folder", path);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s", name,
			 e->d_name);
		replay_file(run, path);
		n++;
	}
	closedir(dir);
	if (n < at_least)
		fail_msg("%s: %u inputs", name, n);
}

#endif
