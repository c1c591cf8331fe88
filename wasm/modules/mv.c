/* SPDX-License-Identifier: MIT */
/* mv NAME NAME */
#include "tool.h"

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: mv NAME NAME\n", stderr);
		return 2;
	}
	return rename(argv[1], argv[2]) == 0 ? 0 : complain("mv", argv[1]);
}
