/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a policy, all the way: parse, match, spec, admission
 * on two machines, plan, its canonical bytes, and those read back. What is
 * refused says why; what is admitted has a plan that agrees with itself.
 */
#include <stdlib.h>
#include <string.h>

#include "core/decode.h"
#include "core/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void machine(struct bv_snapshot *snap, const char *exec_boundary)
{
	static const char *const facts[][2] = {
		{ BV_FACT_ABI_LANDLOCK, "6" },
		{ BV_FACT_SECCOMP_FILTER, "yes" },
		{ BV_FACT_SECCOMP_NOTIFY, "yes" },
		{ BV_FACT_CGROUP_BASE, "/sys/fs/cgroup/bvisor" },
		{ BV_FACT_CGROUP_SOURCE, "configured" },
		{ BV_FACT_CGROUP_CTRL, "cpu memory pids" },
		{ BV_FACT_CGROUP_KILL, "yes" },
		{ BV_FACT_CGROUP_PEAK, "yes" },
		{ BV_FACT_NS_MOUNT, "yes" },
		{ BV_FACT_NS_NET, "yes" },
		{ BV_FACT_NS_USER, "yes" },
		{ BV_FACT_PRIVILEGED, "yes" },
		{ BV_FACT_KERNEL, "6.12.0" },
		{ BV_FACT_ARCH, "x86_64" },
		{ BV_FACT_SYSTEMD, "yes" },
		{ BV_FACT_BACKEND, "linux" },
	};

	*snap = (struct bv_snapshot){ .n = 0 };
	for (size_t i = 0; i < BV_LEN(facts); i++)
		if (bv_snapshot_set(snap, facts[i][0], facts[i][1], NULL) !=
		    BV_OK)
			abort();
	if (bv_snapshot_set(snap, BV_FACT_EXEC_BOUNDARY, exec_boundary, NULL) !=
	    BV_OK)
		abort();
}

static void check_plan(struct bv_arena *arena, const struct bv_plan *plan)
{
	static struct bv_plan_view view;
	struct bv_err err = { 0 };
	char *json = NULL;

	if (bv_schedule_recheck(plan, &plan->schedule, &err) != BV_OK ||
	    bv_plan_encode(plan, &json, &err) != BV_OK ||
	    bv_plan_decode(arena, json, strlen(json), &view, &err) != BV_OK ||
	    strcmp(view.id, plan->id) != 0 ||
	    view.admitted.n != plan->admitted_n ||
	    view.fs.n != plan->spec->fs_n)
		abort();
	free(json);
}

static void admit(struct bv_arena *arena, const struct bv_spec *spec,
		  const char *exec_boundary)
{
	static struct bv_plan plan;
	struct bv_refusal refusal;
	struct bv_snapshot snap;
	struct bv_err err = { 0 };

	machine(&snap, exec_boundary);
	if (bv_plan_build(spec, &snap, &plan, &refusal, &err) != BV_OK) {
		if (err.msg[0] == '\0')
			abort();
	} else if (refusal.membrane != BV_MEMBRANE_NONE) {
		if (refusal.membrane == BV_MEMBRANE_DIVERGENCE ||
		    refusal.text[0] == '\0')
			abort();
	} else {
		check_plan(arena, &plan);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bv_subject who = { .user = "alice",
					.uid = 1000,
					.gid = 1000,
					.home = "/home/alice",
					.shell = "/bin/sh",
					.service = "sshd",
					.tty = "pts/1",
					.rhost = "10.1.2.3" };
	struct bv_policy p;
	struct bv_spec spec;
	struct bv_arena arena;
	struct bv_err err = { 0 };

	bv_arena_init(&arena, 16u << 20);
	if (bv_policy_parse(&arena, "p", "p.conf", (const char *)data, size,
			    &p) != BV_OK)
		abort();
	if (!p.broken && p.action != BV_ACTION_EXEMPT) {
		if (bv_spec_build(&arena, &p, &who, &spec, &err) == BV_OK) {
			admit(&arena, &spec, "none");
			admit(&arena, &spec, "run");
		} else if (strncmp(err.msg, "p.conf:", 7) != 0) {
			abort();
		}
	}
	bv_arena_done(&arena);
	return 0;
}
