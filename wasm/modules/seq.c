/* SPDX-License-Identifier: MIT */
/* seq LAST: numbers, one a line */
#include "tool.h"

int main(int argc, char **argv)
{
	long last = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	for (long i = 1; i <= last; i++)
		printf("%ld\n", i);
	return finish("seq", 0);
}
