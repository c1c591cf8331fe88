/* SPDX-License-Identifier: MIT */
/*
 * What the journal costs a login: syncs of one `started`, its time alone, and its
 * time when a hundred guardians come at once. Prints numbers, never a verdict.
 *
 *   journal DIR ROUNDS
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger/journal.h"

#define CROWD  100
#define CROWDS 9 /* the processors' turns differ from one to the next */

static unsigned int syncs;

int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

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

/* As a guardian does: open, append, close. */
static double start_session(const char *dir, unsigned int n)
{
	const double begin = now_ms();
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };
	char id[17];

	snprintf(id, sizeof(id), "%016x", n);
	const struct bv_event e = {
		.kind = BV_EVENT_STARTED,
		.session = id,
		.boot_id = "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
		.unix_us = 1700000000000001,
		.started = { .plan_id = "00112233445566778899aabbccddeeff"
					"00112233445566778899aabbccddeeff",
			     .policy = "restricted",
			     .user = "alice",
			     .leader_pid = 4711,
			     .leader_start = 998877 },
	};

	if (bvl_journal_open(dir, BVL_APPEND, 10000, &j, &err) != BV_OK ||
	    bvl_journal_append(j, &e, &err) != BV_OK) {
		fprintf(stderr, "journal: %s\n", err.msg);
		exit(1);
	}
	const double ms = now_ms() - begin;

	/* Nobody waits for that: with a guardian it is part of its last word. */
	const unsigned int before = syncs;
	bvl_journal_tend(j);
	syncs = before;
	bvl_journal_close(&j);
	return ms;
}

/* own: each has a journal to itself, below dir, which is there already. What that
 * takes is what the processors and the disk take: the rest is waiting for one
 * another. */
static double one_crowd(const char *dir, bool own, unsigned int from,
			double *ms)
{
	char path[4096];
	int gate[2];
	char c;

	if (pipe(gate) != 0)
		exit(1);
	for (unsigned int i = 0; i < CROWD; i++) {
		if (fork() == 0) {
			snprintf(path, sizeof(path), own ? "%s/%u" : "%s", dir,
				 i);
			close(gate[1]);
			while (read(gate[0], &c, 1) > 0)
				;
			ms[i] = start_session(path, from + i);
			_exit(0);
		}
	}
	usleep(200 * 1000);
	close(gate[1]); /* go */
	close(gate[0]);
	while (wait(NULL) > 0)
		;
	qsort(ms, CROWD, sizeof(*ms), by_value);
	return ms[CROWD / 2];
}

/* The median of the crowds' medians, and of their 95th percentiles. */
static double crowds(const char *dir, bool own, unsigned int from, double *ms,
		     double *ret_p95)
{
	double median[CROWDS], p95[CROWDS];

	for (unsigned int i = 0; i < CROWDS; i++) {
		median[i] = one_crowd(dir, own, from + i * CROWD, ms);
		p95[i] = ms[CROWD * 95 / 100];
	}
	qsort(median, CROWDS, sizeof(*median), by_value);
	qsort(p95, CROWDS, sizeof(*p95), by_value);
	*ret_p95 = p95[CROWDS / 2];
	return median[CROWDS / 2];
}

static void make_own(const char *dir)
{
	char path[4096];

	for (unsigned int i = 0; i < CROWD; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		if (mkdir(path, 0700) != 0)
			exit(1);
		(void)start_session(path, 1);
	}
}

int main(int argc, char **argv)
{
	const unsigned int rounds =
		argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 200;
	double *one = calloc(rounds, sizeof(*one));
	double *many = mmap(NULL, CROWD * sizeof(*many), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (argc < 2 || one == NULL || many == MAP_FAILED || rounds < 2)
		return 2;
	(void)start_session(argv[1], 1);
	syncs = 0;
	for (unsigned int i = 0; i < rounds; i++)
		one[i] = start_session(argv[1], 2 + i);
	const double per_start = (double)syncs / rounds;

	qsort(one, rounds, sizeof(*one), by_value);
	double alone_p95, p95;

	make_own(argv[1]);
	const double alone = crowds(argv[1], true, 200000, many, &alone_p95);
	const double median = crowds(argv[1], false, 100000, many, &p95);

	printf("%-44s %9s %9s\n", "", "median ms", "p95 ms");
	printf("%-44s %9.2f %9.2f\n", "journal: 100 at once, a journal each",
	       alone, alone_p95);
	printf("%-44s %9.2f %9.2f\n", "journal: started, alone",
	       one[rounds / 2], one[rounds * 95 / 100]);
	printf("%-44s %9.2f %9.2f\n", "journal: started, 100 at once", median,
	       p95);
	printf("%-44s %9.2f\n", "journal: median over that of one",
	       median - one[rounds / 2]);
	printf("%-44s %9.2f\n", "journal: median over that of one each",
	       median - alone);
	printf("%-44s %9.2f\n", "journal: syncs for one", per_start);
	return 0;
}
