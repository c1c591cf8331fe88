/* SPDX-License-Identifier: MIT */
/* cp FILE FILE */
#include "tool.h"

int main(int argc, char **argv)
{
	static char buf[65536]; /* a guest's stack is small */
	FILE *from, *to;
	size_t n;

	if (argc != 3) {
		fputs("usage: cp FILE FILE\n", stderr);
		return 2;
	}
	from = fopen(argv[1], "r");
	if (from == NULL)
		return complain("cp", argv[1]);
	to = fopen(argv[2], "w");
	if (to == NULL)
		return complain("cp", argv[2]);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		if (fwrite(buf, 1, n, to) != n)
			return complain("cp", argv[2]);
	if (ferror(from))
		return complain("cp", argv[1]);
	return fclose(to) == 0 ? 0 : complain("cp", argv[2]);
}
