/* SPDX-License-Identifier: MIT */
/*
 * Planted faults, in red builds only: the guards that /run/bvisor.red names are
 * out. Read anew at each question, so that a test can change its mind.
 */
#include "helper/red.h"

#ifdef BV_RED

#include "helper/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define RED_FILE "/run/bvisor.red"

bool bvh_red(const char *guard)
{
	char buf[1024];
	char *save = NULL;
	bv_auto_close int fd = open(RED_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n <= 0)
		return false;
	buf[n] = '\0';
	for (char *w = strtok_r(buf, " \t\n", &save); w != NULL;
	     w = strtok_r(NULL, " \t\n", &save)) {
		if (strcmp(w, guard) == 0)
			return true;
	}
	return false;
}

static pid_t the_leader;

void bvh_red_leader(pid_t leader)
{
	the_leader = leader;
}

void bvh_red_point(const char *when, const char *step)
{
	char self[160], leader[160], both[160];

	snprintf(self, sizeof(self), "self:%s:%s", when, step);
	snprintf(leader, sizeof(leader), "leader:%s:%s", when, step);
	snprintf(both, sizeof(both), "both:%s:%s", when, step);
	if (the_leader > 0 && (bvh_red(leader) || bvh_red(both)))
		(void)kill(the_leader, SIGKILL);
	if (bvh_red(self) || bvh_red(both))
		(void)kill(getpid(), SIGKILL);
}

#endif
