/* SPDX-License-Identifier: MIT */
/* sleep SECONDS */
#include "tool.h"

#include <time.h>

int main(int argc, char **argv)
{
	struct timespec t = { argc > 1 ? atoi(argv[1]) : 0, 0 };

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
	return 0;
}
