/* SPDX-License-Identifier: MIT */
/* Whether a guardian runs anywhere on this machine, and what it waits for. */
#ifndef BV_TESTS_CRASH_HELPER_PROCESS_H
#define BV_TESTS_CRASH_HELPER_PROCESS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/live/guard_stage.h"

/* By its name: what a process executes is gone before it is dead, and its locks are
 * not. Somebody else's executes another file. */
static inline bool is_helper(const char *pid, const struct stat *file)
{
	char path[64], text[256] = "";
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	if (strstr(text, "(bvisor-helper) ") == NULL ||
	    strstr(text, ") Z ") != NULL || strstr(text, ") X ") != NULL)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/exe", pid);
	return stat(path, &st) != 0 ||
	       (st.st_ino == file->st_ino && st.st_dev == file->st_dev);
}

/* One of them, or 0. */
static inline pid_t helper_running(const char *helper)
{
	DIR *dir = opendir("/proc");
	struct stat file;
	pid_t pid = 0;

	must(dir != NULL && stat(helper, &file) == 0, "/proc");
	for (const struct dirent *e = readdir(dir); e != NULL && pid == 0;
	     e = readdir(dir))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
		    is_helper(e->d_name, &file))
			pid = (pid_t)atoi(e->d_name);
	closedir(dir);
	return pid;
}

/* What a process waits for, as far as the kernel says. */
static inline void tell_process(pid_t pid)
{
	static const char *const files[] = { "stat", "wchan", "syscall",
					     "stack", "cgroup" };
	char path[64], text[1024];

	for (size_t i = 0; i < BV_LEN(files); i++) {
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n < 0 ? 0 : n] = '\0';
		for (char *p = text; *p != '\0'; p++)
			*p = *p == '\n' ? ' ' : *p;
		print_message("# %s: %s\n", path, text);
	}
}

#endif
