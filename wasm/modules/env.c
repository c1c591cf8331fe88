/* SPDX-License-Identifier: MIT */
/* env: the environment it was given, and with arguments those too */
#include "tool.h"

extern char **environ;

int main(int argc, char **argv)
{
	for (char **e = environ; *e != NULL; e++)
		puts(*e);
	for (int i = 1; i < argc; i++)
		printf("%d=[%s]\n", i, argv[i]);
	return finish("env", 0);
}
