/* SPDX-License-Identifier: MIT */
/* Lists sorted and searched, small integer matrices, a state machine over text,
 * each summed up by a CRC: the mix of CoreMark, none of its text. */
#include <stdint.h>
#include <stdio.h>

#define NODES  200
#define SIDE   24
#define ROUNDS 200

struct node {
	struct node *next;
	uint16_t key, value;
};

static struct node nodes[NODES];
static int16_t a[SIDE][SIDE], b[SIDE][SIDE];

static uint16_t crc(uint16_t sum, uint32_t v)
{
	int bit;

	for (bit = 0; bit < 16; bit++) {
		uint16_t carry = (uint16_t)((sum ^ v) & 1);

		sum = (uint16_t)(sum >> 1 ^ (carry ? 0xa001 : 0));
		v >>= 1;
	}
	return sum;
}

static struct node *merge(struct node *x, struct node *y)
{
	struct node head = { 0 }, *last = &head;

	while (x != NULL && y != NULL) {
		struct node **least = x->key <= y->key ? &x : &y;

		last->next = *least;
		last = *least;
		*least = last->next;
	}
	last->next = x != NULL ? x : y;
	return head.next;
}

static struct node *sort(struct node *list)
{
	struct node *half = list, *end = list, *rest;

	if (list == NULL || list->next == NULL)
		return list;
	while (end->next != NULL && end->next->next != NULL) {
		half = half->next;
		end = end->next->next;
	}
	rest = half->next;
	half->next = NULL;
	return merge(sort(list), sort(rest));
}

static uint16_t lists(uint16_t sum, uint32_t *seed)
{
	struct node *n = NULL;
	int i;

	for (i = 0; i < NODES; i++) {
		*seed = *seed * 1103515245 + 12345;
		nodes[i] = (struct node){ n, (uint16_t)(*seed >> 16),
					  (uint16_t)i };
		n = &nodes[i];
	}
	for (n = sort(n); n != NULL; n = n->next)
		if (n->key % 3 == 0)
			sum = crc(sum, n->value);
	return sum;
}

static uint16_t matrices(uint16_t sum, int round)
{
	int i, j, k;

	for (i = 0; i < SIDE; i++)
		for (j = 0; j < SIDE; j++) {
			a[i][j] = (int16_t)(i * round + j);
			b[i][j] = (int16_t)(j * round - i);
		}
	for (i = 0; i < SIDE; i++)
		for (j = 0; j < SIDE; j++) {
			int32_t v = 0;

			for (k = 0; k < SIDE; k++)
				v += a[i][k] * b[k][j];
			sum = crc(sum, (uint32_t)v);
		}
	return sum;
}

enum state {
	START,
	SIGN,
	DIGITS,
	POINT,
	EXPONENT,
	BAD,
	STATES
};

static enum state step(enum state s, char c)
{
	if (c >= '0' && c <= '9')
		return s == BAD || s == POINT || s == EXPONENT ? s : DIGITS;
	switch (c) {
	case '+':
	case '-':
		return s == START ? SIGN : BAD;
	case '.':
		return s == DIGITS ? POINT : BAD;
	case 'e':
		return s == DIGITS || s == POINT ? EXPONENT : BAD;
	default:
		return BAD;
	}
}

static uint16_t states(uint16_t sum)
{
	static const char text[] = "5012,1234,-874,+122,35.54400,.1234500,-110."
				   "700,+0.64400,5.500e+3,-.123e-2,T0.3e-1F";
	unsigned count[STATES] = { 0 };
	enum state s = START;
	const char *p;
	int i;

	for (p = text; *p != '\0'; p++) {
		if (*p == ',')
			s = START;
		else
			s = step(s, *p);
		count[s]++;
	}
	for (i = 0; i < STATES; i++)
		sum = crc(sum, count[i]);
	return sum;
}

int main(void)
{
	uint32_t seed = 1;
	uint16_t sum = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		sum = lists(sum, &seed);
		sum = matrices(sum, round);
		sum = states(sum);
	}
	printf("%04x\n", sum);
	return 0;
}
