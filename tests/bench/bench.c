/* SPDX-License-Identifier: MIT */
/*
 * Times side by side: every contender once per round, so that a noisy moment
 * of the machine hits all of them alike. Prints median, 95th percentile and
 * the ratio of the medians to the first contender. Never a verdict.
 *
 *   bench ROUNDS NAME CMD ARG... -- NAME CMD ARG... -- ...
 *   bench ROUNDS pam USER NAME SERVICE-DIR/SERVICE -- ...
 *
 * The second form times pam_open_session + pam_close_session, each in a child
 * of its own as sshd and su do.
 */
#include <errno.h>
#include <fcntl.h>
#include <security/pam_appl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTENDERS_MAX 12
#define ROUNDS_MAX     5000

extern char **environ;

struct contender {
	const char *name;
	char **argv;
	double *ms;
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int converse(int n, const struct pam_message **msg,
		    struct pam_response **ret, void *data)
{
	(void)msg;
	(void)data;
	*ret = calloc((size_t)n, sizeof(**ret));
	return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* One login's worth of PAM in a child; the child times itself. */
static double pam_round(const char *user, const char *where)
{
	const char *slash = strrchr(where, '/');
	char dir[256];
	int pipefd[2];
	double ms = -1;

	if (!slash || (size_t)(slash - where) >= sizeof(dir) || pipe(pipefd))
		return -1;
	memcpy(dir, where, (size_t)(slash - where));
	dir[slash - where] = '\0';
	const pid_t pid = fork();
	if (pid == 0) {
		const struct pam_conv conv = { converse, NULL };
		pam_handle_t *pamh = NULL;
		int rc = pam_start_confdir(slash + 1, user, &conv, dir, &pamh);

		if (rc == PAM_SUCCESS) {
			const double start = now_ms();

			rc = pam_open_session(pamh, 0);
			if (rc == PAM_SUCCESS)
				rc = pam_close_session(pamh, 0);
			ms = now_ms() - start;
		}
		if (rc != PAM_SUCCESS)
			ms = -1;
		ssize_t w = write(pipefd[1], &ms, sizeof(ms));
		_exit(w == (ssize_t)sizeof(ms) ? 0 : 1);
	}
	close(pipefd[1]);
	if (read(pipefd[0], &ms, sizeof(ms)) != (ssize_t)sizeof(ms))
		ms = -1;
	close(pipefd[0]);
	waitpid(pid, NULL, 0);
	return ms;
}

static double spawn_round(char *const argv[])
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int status;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", O_WRONLY, 0);
	const double start = now_ms();
	const int rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ?
		       now_ms() - start :
		       -1;
}

static int parse(int argc, char **argv, struct contender *c, int *ret_n)
{
	int n = 0, i = 0;

	while (i < argc && n < CONTENDERS_MAX) {
		c[n].name = argv[i++];
		c[n].argv = &argv[i];
		while (i < argc && strcmp(argv[i], "--") != 0)
			i++;
		if (c[n].argv == &argv[i])
			return -1;
		if (i < argc)
			argv[i++] = NULL;
		n++;
	}
	*ret_n = n;
	return n > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct contender c[CONTENDERS_MAX] = { 0 };
	const char *user = NULL;
	int n = 0, first = 2;

	if (argc > 3 && strcmp(argv[2], "pam") == 0) {
		user = argv[3];
		first = 4;
	}
	const long rounds = argc > first ? strtol(argv[1], NULL, 10) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX ||
	    parse(argc - first, argv + first, c, &n) != 0) {
		fprintf(stderr, "usage: bench ROUNDS NAME CMD... -- ...\n");
		return 2;
	}
	for (int i = 0; i < n; i++) {
		c[i].ms = calloc((size_t)rounds, sizeof(double));
		if (!c[i].ms)
			return 1;
	}
	for (long r = -2; r < rounds; r++) { /* two rounds to warm up */
		for (int i = 0; i < n; i++) {
			const double ms = user ? pam_round(user, c[i].argv[0]) :
						 spawn_round(c[i].argv);

			if (ms < 0) {
				fprintf(stderr, "bench: %s failed\n",
					c[i].name);
				return 1;
			}
			if (r >= 0)
				c[i].ms[r] = ms;
		}
	}
	printf("%-44s %9s %9s %7s\n", "", "median ms", "p95 ms", "ratio");
	double base = 0;
	for (int i = 0; i < n; i++) {
		qsort(c[i].ms, (size_t)rounds, sizeof(double), by_value);
		const double median = c[i].ms[rounds / 2];
		const double p95 = c[i].ms[rounds * 95 / 100];

		if (i == 0)
			base = median;
		printf("%-44s %9.2f %9.2f %7.2f\n", c[i].name, median, p95,
		       base > 0 ? median / base : 0.0);
		free(c[i].ms);
	}
	return 0;
}
