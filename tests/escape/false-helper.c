/* SPDX-License-Identifier: MIT */
/*
 * A helper gone wrong, put in the place of the real one, which lies beside it as
 * bvisor-helper.real. /run/bvisor.false says how:
 *
 *   hang         never answer
 *   exit         end at once
 *   garbage      answer nonsense
 *   kill MS      be the real one, and be killed after so many milliseconds
 *   memory KIB   be the real one with so much address space
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REAL "/usr/libexec/bvisor-helper.real"

static void be_real(char **argv)
{
	execv(REAL, argv);
	_exit(126);
}

static void kill_later(pid_t victim, long ms)
{
	if (fork() != 0)
		return;
	close(3);
	usleep((useconds_t)ms * 1000u);
	kill(victim, SIGKILL);
	_exit(0);
}

int main(int argc, char **argv)
{
	char how[32] = "";
	long n = 0;
	FILE *f = fopen("/run/bvisor.false", "re");

	(void)argc;
	if (f == NULL || fscanf(f, "%31s %ld", how, &n) < 1)
		return 1;
	fclose(f);
	if (strcmp(how, "hang") == 0) {
		for (;;)
			pause();
	} else if (strcmp(how, "garbage") == 0) {
		char noise[200];

		memset(noise, 0x5a, sizeof(noise));
		(void)!send(3, noise, sizeof(noise), 0);
		sleep(1);
	} else if (strcmp(how, "kill") == 0) {
		kill_later(getpid(), n);
		be_real(argv);
	} else if (strcmp(how, "memory") == 0) {
		const struct rlimit as = { (rlim_t)n * 1024u,
					   (rlim_t)n * 1024u };

		(void)setrlimit(RLIMIT_AS, &as);
		be_real(argv);
	}
	return 1;
}
