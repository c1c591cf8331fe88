/* SPDX-License-Identifier: MIT */
/* spin [COUNT [WORD]]: say WORD, compute for ever (0) or that many rounds; for
 * trying limits */
#include "tool.h"

int main(int argc, char **argv)
{
	unsigned long left = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	volatile unsigned long x = 1;

	if (argc > 2) {
		puts(argv[2]);
		fflush(stdout);
	}
	do
		x = x * 1664525 + 1013904223;
	while (left == 0 || --left > 0);
	printf("%lu\n", x & 0xff);
	return 0;
}
