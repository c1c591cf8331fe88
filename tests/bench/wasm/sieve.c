/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#define N 4000000

static unsigned char composite[N];

int main(void)
{
	unsigned count = 0, round;
	unsigned long i, k;

	for (round = 0; round < 3; round++) {
		memset(composite, 0, N);
		for (i = 2; i * i < N; i++)
			if (!composite[i])
				for (k = i * i; k < N; k += i)
					composite[k] = 1;
		for (i = 2; i < N; i++)
			count += !composite[i];
	}
	printf("%u\n", count);
	return 0;
}
