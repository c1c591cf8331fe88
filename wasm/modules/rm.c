/* SPDX-License-Identifier: MIT */
/* rm NAME...: files and empty directories */
#include "tool.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	int status = 0;

	for (int i = 1; i < argc; i++) {
		if (unlink(argv[i]) == 0)
			continue;
		if ((errno == EISDIR || errno == EPERM) && rmdir(argv[i]) == 0)
			continue;
		status = complain("rm", argv[i]);
	}
	return status;
}
