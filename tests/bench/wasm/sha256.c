/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t k[64], h[8];

static uint32_t rotr(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static void block(const unsigned char *p)
{
	uint32_t w[64], v[8];
	int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^
			w[i - 15] >> 3) +
		       (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^
			w[i - 2] >> 10);
	memcpy(v, h, sizeof(v));
	for (i = 0; i < 64; i++) {
		uint32_t t1 =
			v[7] +
			(rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) +
			((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		uint32_t t2 =
			(rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) +
			((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h[i] += v[i];
}

static uint32_t fraction(double x)
{
	return (uint32_t)((x - floor(x)) * 4294967296.0);
}

int main(void)
{
	static unsigned char data[1 << 20];
	int i, n, d, round;

	for (i = 0, n = 2; i < 64; n++) {
		for (d = 2; d * d <= n && n % d != 0; d++)
			;
		if (d * d <= n)
			continue;
		if (i < 8)
			h[i] = fraction(sqrt(n));
		k[i++] = fraction(cbrt(n));
	}
	for (i = 0; i < (int)sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + (i >> 8));
	for (round = 0; round < 8; round++)
		for (i = 0; i < (int)sizeof(data); i += 64)
			block(data + i);
	for (i = 0; i < 8; i++)
		printf("%08x", (unsigned)h[i]);
	printf("\n");
	return 0;
}
