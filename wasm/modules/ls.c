/* SPDX-License-Identifier: MIT */
/* ls [DIRECTORY...]: names, sorted, without those that begin with a dot */
#include "tool.h"

#include <dirent.h>
#include <sys/stat.h>

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	char **v = NULL;
	size_t n = 0;

	if (dir == NULL)
		return complain("ls", path);
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		v = realloc(v, (n + 1) * sizeof(*v));
		if (v == NULL || (v[n++] = strdup(d->d_name)) == NULL) {
			fputs("ls: out of memory\n", stderr);
			exit(2);
		}
	}
	closedir(dir);
	if (n > 0)
		qsort(v, n, sizeof(*v), compare);
	for (size_t i = 0; i < n; i++)
		puts(v[i]);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc == 1)
		status = list(".");
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0) {
			status = complain("ls", argv[i]);
			continue;
		}
		if (!S_ISDIR(st.st_mode)) {
			puts(argv[i]);
			continue;
		}
		if (argc > 2)
			printf("%s%s:\n", i > 1 ? "\n" : "", argv[i]);
		status |= list(argv[i]);
	}
	return finish("ls", status);
}
