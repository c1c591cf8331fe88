/* SPDX-License-Identifier: MIT */
/* mkdir DIRECTORY... */
#include "tool.h"

#include <sys/stat.h>

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++)
		if (mkdir(argv[i], 0755) != 0)
			status = complain("mkdir", argv[i]);
	return status;
}
