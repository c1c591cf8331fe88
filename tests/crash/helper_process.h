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
 * not. ret: its line of stat. */
static inline bool is_named_helper(pid_t pid, char ret[STAT_LEN])
{
	read_stat(pid, ret);
	return strstr(ret, "(bvisor-helper) ") != NULL && !stat_is_dead(ret);
}

/* One process of which `is` holds, or 0. */
static inline pid_t find_process(bool (*is)(pid_t pid, const void *arg),
				 const void *arg)
{
	DIR *dir = opendir("/proc");
	pid_t found = 0;

	must(dir != NULL, "/proc");
	for (const struct dirent *e = readdir(dir); e != NULL && found == 0;
	     e = readdir(dir)) {
		const pid_t pid = (pid_t)atoi(e->d_name);

		if (pid > 0 && is(pid, arg))
			found = pid;
	}
	closedir(dir);
	return found;
}

/* Somebody else's executes another file. */
static inline bool executes(pid_t pid, const void *file)
{
	const struct stat *want = file;
	char text[STAT_LEN], path[64];
	struct stat st;

	if (!is_named_helper(pid, text))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, &st) != 0 ||
	       (st.st_ino == want->st_ino && st.st_dev == want->st_dev);
}

/* One that executes that helper, or 0. */
static inline pid_t helper_running(const char *helper)
{
	struct stat file;

	must(stat(helper, &file) == 0, helper);
	return find_process(executes, &file);
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
