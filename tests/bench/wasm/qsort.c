/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 60000

static int compare(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

int main(void)
{
	char **list = malloc(N * sizeof(*list)), text[32];
	unsigned seed = 1, i, sum = 0;

	for (i = 0; i < N; i++) {
		seed = seed * 1664525u + 1013904223u;
		snprintf(text, sizeof(text), "key-%08x-%u", seed, i);
		list[i] = malloc(strlen(text) + 1);
		strcpy(list[i], text);
	}
	qsort(list, N, sizeof(*list), compare);
	for (i = 0; i < N; i++)
		sum = sum * 31 + (unsigned char)list[i][7];
	printf("%u %s\n", sum, list[N / 2]);
	return 0;
}
