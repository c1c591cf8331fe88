/* SPDX-License-Identifier: MIT */
/* trap [STATUS]: end by a trap, or with a status; for trying both */
#include "tool.h"

int main(int argc, char **argv)
{
	if (argc > 1)
		return atoi(argv[1]);
	__builtin_trap();
}
