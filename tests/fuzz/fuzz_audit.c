/* SPDX-License-Identifier: MIT */
/* libFuzzer: any bytes as an audit record; the first two are its type. What comes
 * out is printable text, and its remedy too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void printable(const char *text, size_t cap)
{
	if (strnlen(text, cap) == cap)
		abort();
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bv_audit a;
	char line[600], *text;

	if (size < 2)
		return 0;
	/* no byte more: a read past the end is seen */
	text = malloc(size - 2 > 0 ? size - 2 : 1);
	if (text == NULL)
		return 0;
	memcpy(text, data + 2, size - 2);
	if (bv_audit_parse(data[0] | (uint32_t)data[1] << 8, text, size - 2,
			   &a)) {
		printable(a.right, sizeof(a.right));
		printable(a.object, sizeof(a.object));
		if (bv_audit_remedy(a.right, a.object, line, sizeof(line)) !=
		    NULL)
			printable(line, sizeof(line));
	}
	free(text);
	return 0;
}
