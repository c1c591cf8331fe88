/* SPDX-License-Identifier: MIT */
/*
 * Times one admission of a policy with fifty rules, from its text to the plan's
 * id: parse, resolve, ceiling, normalise, both evaluators, schedule, verify,
 * identify. Prints the median of many runs per step and of the whole, in
 * microseconds. Never a verdict: the machine may be busy.
 *
 *   admission ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/budget.h"
#include "core/decision.h"
#include "core/match.h"
#include "core/plan.h"
#include "core/schedule.h"

#define RULES      50
#define ROUNDS_MAX 100000
#define TARGET_US  300.0

enum step {
	STEP_PARSE,
	STEP_MATCH,
	STEP_SPEC,
	STEP_CEILING,
	STEP_NORMALISE,
	STEP_REFERENCE,
	STEP_TABLE,
	STEP_SCHEDULE,
	STEP_VERIFY,
	STEP_ENCODE,
	STEP_PLAN, /* bv_plan_build(): all after the spec, in one */
	STEP_WHOLE,
	STEP_N
};

static const char *const step_names[STEP_N] = {
	[STEP_PARSE] = "parse the policy",
	[STEP_MATCH] = "match the login",
	[STEP_SPEC] = "resolve to a spec",
	[STEP_CEILING] = "derive the ceiling",
	[STEP_NORMALISE] = "normalise to the record",
	[STEP_REFERENCE] = "evaluator: reference",
	[STEP_TABLE] = "evaluator: table",
	[STEP_SCHEDULE] = "compile the schedule",
	[STEP_VERIFY] = "verify the schedule",
	[STEP_ENCODE] = "encode and identify the plan",
	[STEP_PLAN] = "plan, from spec to id",
	[STEP_WHOLE] = "whole admission, from text to id",
};

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "admission: %s: %s\n", what, why);
	exit(1);
}

/* Fifty [filesystem] rules and every other section that is built. */
static size_t write_policy(char *text, size_t room)
{
	static const char *const rights[] = { "read", "write", "exec" };
	size_t n = (size_t)snprintf(
		text, room,
		"bvisor-policy 1\n[policy]\ndescription = bench\n"
		"[match]\ngroup = staff\nuser = !root\nservice = sshd\n"
		"[network]\naccess = deny\n[temp]\nprivate = yes\n"
		"[budget]\nwall = 8h enforced\nmemory = 2G enforced "
		"evidence=resource-usage\nprocesses = 256 enforced "
		"evidence=resource-usage\n"
		"[evidence]\nrequire = mechanism-attestation\n"
		"[filesystem]\nbase = system\n");

	for (int i = 0; i < RULES; i++)
		n += (size_t)snprintf(text + n, room - n,
				      "%s = %s/project/area-%02d/%%u/part\n",
				      rights[i % 3], i % 5 ? "~" : "/srv", i);
	return n;
}

static void machine(struct bv_snapshot *snap)
{
	static const char *const facts[][2] = {
		{ BV_FACT_ABI_LANDLOCK, "6" },
		{ BV_FACT_SECCOMP_FILTER, "yes" },
		{ BV_FACT_SECCOMP_NOTIFY, "yes" },
		{ BV_FACT_CGROUP_BASE,
		  "/sys/fs/cgroup/system.slice/bvisor.service" },
		{ BV_FACT_CGROUP_SOURCE, "service" },
		{ BV_FACT_CGROUP_CTRL, "cpu memory pids" },
		{ BV_FACT_CGROUP_KILL, "yes" },
		{ BV_FACT_CGROUP_PEAK, "yes" },
		{ BV_FACT_NS_MOUNT, "yes" },
		{ BV_FACT_NS_NET, "yes" },
		{ BV_FACT_NS_USER, "yes" },
		{ BV_FACT_PRIVILEGED, "yes" },
		{ BV_FACT_KERNEL, "6.12.48+deb13-amd64" },
		{ BV_FACT_ARCH, "x86_64" },
		{ BV_FACT_SYSTEMD, "yes" },
		{ BV_FACT_EXEC_BOUNDARY, "none" },
		{ BV_FACT_BACKEND, "linux" },
	};
	struct bv_err err = { 0 };

	*snap = (struct bv_snapshot){ .n = 0 };
	for (size_t i = 0; i < BV_LEN(facts); i++)
		if (bv_snapshot_set(snap, facts[i][0], facts[i][1], &err) !=
		    BV_OK)
			die("snapshot", err.msg);
}

struct bench {
	char text[16384];
	size_t len;
	struct bv_snapshot snap;
	struct bv_subject subject;
	double *us[STEP_N];
	struct bv_plan plan; /* some tens of KiB: not on the stack */
};

/* The parts of bv_plan_build() one by one, on a plan already made. */
static void time_parts(struct bench *b, const struct bv_spec *spec, long round)
{
	struct bv_profile profile;
	struct bv_question question;
	struct bv_decision decision;
	struct bv_schedule schedule;
	struct bv_schedule_fault fault;
	struct bv_err err = { 0 };
	char *json = NULL, id[65];
	double t[7];

	t[0] = now_us();
	bv_profile_for(spec, &b->snap, &profile);
	t[1] = now_us();
	bv_question_from(spec, &profile, &b->snap, NULL, &question);
	t[2] = now_us();
	bv_decide_reference(&question, &decision);
	t[3] = now_us();
	bv_decide_table(&question, &decision);
	t[4] = now_us();
	if (bv_schedule_build(&b->plan, &schedule, &fault) != BV_SCHEDULE_OK)
		die("schedule", bv_schedule_code_name(fault.code));
	t[5] = now_us();
	if (bv_schedule_check(&b->plan, &schedule, &fault) != BV_SCHEDULE_OK)
		die("schedule", bv_schedule_code_name(fault.code));
	t[6] = now_us();
	if (bv_plan_encode(&b->plan, &json, &err) != BV_OK)
		die("encode", err.msg);
	bv_sha256_hex(json, strlen(json), id);
	const double end = now_us();
	free(json);
	if (!decision.admit || strcmp(id, b->plan.id) != 0)
		die("plan", "the parts do not make the whole");
	if (round < 0)
		return;
	for (unsigned int i = 0; i < 6; i++)
		b->us[STEP_CEILING + i][round] = t[i + 1] - t[i];
	b->us[STEP_ENCODE][round] = end - t[6];
}

static void time_whole(struct bench *b, long round)
{
	struct bv_refusal refusal = { .membrane = BV_MEMBRANE_NONE };
	const struct bv_policy *matched = NULL;
	struct bv_policy policy;
	struct bv_arena arena;
	struct bv_spec spec;
	struct bv_err err = { 0 };

	const double start = now_us();
	bv_arena_init(&arena, 8u << 20);
	if (bv_policy_parse(&arena, "bench", "bench.conf", b->text, b->len,
			    &policy) != BV_OK)
		die("parse", "no memory");
	const double parsed = now_us();
	if (bv_match(&policy, 1, &b->subject, &matched) != BV_MATCH_POLICY)
		die("match", policy.error.msg);
	const double found = now_us();
	if (bv_spec_build(&arena, matched, &b->subject, &spec, &err) != BV_OK)
		die("spec", err.msg);
	const double resolved = now_us();
	if (bv_plan_build(&spec, &b->snap, &b->plan, &refusal, &err) != BV_OK)
		die("plan", err.msg);
	const double end = now_us();
	if (refusal.membrane != BV_MEMBRANE_NONE)
		die("refused", refusal.text);
	if (spec.fs_n != RULES)
		die("policy", "not fifty rules");
	time_parts(b, &spec, round);
	bv_arena_done(&arena);
	if (round < 0)
		return;
	b->us[STEP_PARSE][round] = parsed - start;
	b->us[STEP_MATCH][round] = found - parsed;
	b->us[STEP_SPEC][round] = resolved - found;
	b->us[STEP_PLAN][round] = end - resolved;
	b->us[STEP_WHOLE][round] = end - start;
}

int main(int argc, char **argv)
{
	static const char *const groups[] = { "staff", "users" };
	static struct bench b;
	const long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: admission ROUNDS\n");
		return 2;
	}
	b.len = write_policy(b.text, sizeof(b.text));
	b.subject = (struct bv_subject){
		.user = "alice",
		.uid = 1000,
		.gid = 1000,
		.home = "/home/alice",
		.shell = "/bin/bash",
		.groups = groups,
		.groups_n = BV_LEN(groups),
		.service = "sshd",
		.tty = "ssh",
		.rhost = "192.0.2.7",
	};
	machine(&b.snap);
	for (unsigned int s = 0; s < STEP_N; s++) {
		b.us[s] = calloc((size_t)rounds, sizeof(double));
		if (!b.us[s])
			die("memory", "none");
	}
	for (long r = -20; r < rounds; r++) /* some rounds to warm up */
		time_whole(&b, r);
	printf("%-44s %9s %9s   (%d rules, %zu requirements, %ld rounds)\n",
	       "admission", "median us", "p95 us", RULES, b.plan.admitted_n,
	       rounds);
	for (unsigned int s = 0; s < STEP_N; s++) {
		qsort(b.us[s], (size_t)rounds, sizeof(double), by_value);
		printf("%-44s %9.1f %9.1f", step_names[s], b.us[s][rounds / 2],
		       b.us[s][rounds * 95 / 100]);
		if (s == STEP_WHOLE)
			printf("   (target: under %.0f)", TARGET_US);
		printf("\n");
		free(b.us[s]);
	}
	return 0;
}
