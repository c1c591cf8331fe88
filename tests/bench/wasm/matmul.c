/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#define N 200

static double a[N][N], b[N][N], c[N][N];

int main(void)
{
	double sum = 0;
	int i, j, k;

	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++) {
			a[i][j] = (i * 31 + j * 17) % 97 / 7.0;
			b[i][j] = (i * 13 + j * 29) % 89 / 3.0;
		}
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++) {
			double s = 0;

			for (k = 0; k < N; k++)
				s += a[i][k] * b[k][j];
			c[i][j] = s;
		}
	for (i = 0; i < N; i++)
		sum += c[i][(i * 7) % N];
	printf("%.6f\n", sum);
	return 0;
}
