/* SPDX-License-Identifier: MIT */
/*
 * Recorded machines and one ordinary policy, for the tests of spec, support,
 * plan and report. Every test changes its own copy.
 */
#ifndef BV_TESTS_BOUNDARY_FIXTURE_H
#define BV_TESTS_BOUNDARY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan.h"

struct fixture_fact {
	const char *key;
	const char *value;
};

struct fixture_machine {
	const char *name;
	struct fixture_fact fact[20];
};

enum fixture_machine_id {
	MACHINE_DEBIAN_12,
	MACHINE_DEBIAN_13,
	MACHINE_LINUX_6_18,
	MACHINE_NO_DELEGATION,
	MACHINE_CGROUP_V1,
	MACHINE_N
};

#define FIXTURE_WHY                                                            \
	"bvisor.service is not running and no parent of '/user.slice' is "     \
	"delegated"

static const struct fixture_machine fixture_machines[] = {
	[MACHINE_DEBIAN_12] = {
		"Debian 12 guest",
		{
			{ BV_FACT_ABI_LANDLOCK, "2" },
			{ BV_FACT_SECCOMP_FILTER, "yes" },
			{ BV_FACT_SECCOMP_NOTIFY, "yes" },
			{ BV_FACT_CGROUP_BASE,
			  "/sys/fs/cgroup/system.slice/bvisor.service" },
			{ BV_FACT_CGROUP_SOURCE, "service" },
			{ BV_FACT_CGROUP_CTRL, "cpu memory pids" },
			{ BV_FACT_CGROUP_KILL, "yes" },
			{ BV_FACT_CGROUP_PEAK, "yes" },
			{ BV_FACT_CPUS, "2" },
			{ BV_FACT_NS_MOUNT, "yes" },
			{ BV_FACT_NS_NET, "yes" },
			{ BV_FACT_NS_USER, "yes" },
			{ BV_FACT_PRIVILEGED, "yes" },
			{ BV_FACT_KERNEL, "6.1.0-40-amd64" },
			{ BV_FACT_ARCH, "x86_64" },
			{ BV_FACT_SYSTEMD, "yes" },
			{ BV_FACT_EXEC_BOUNDARY, "none" },
			{ BV_FACT_BACKEND, "linux" },
		},
	},
	[MACHINE_DEBIAN_13] = {
		"Debian 13 guest",
		{
			{ BV_FACT_ABI_LANDLOCK, "6" },
			{ BV_FACT_SECCOMP_FILTER, "yes" },
			{ BV_FACT_SECCOMP_NOTIFY, "yes" },
			{ BV_FACT_CGROUP_BASE,
			  "/sys/fs/cgroup/system.slice/bvisor.service" },
			{ BV_FACT_CGROUP_SOURCE, "service" },
			{ BV_FACT_CGROUP_CTRL, "cpu memory pids" },
			{ BV_FACT_CGROUP_KILL, "yes" },
			{ BV_FACT_CGROUP_PEAK, "yes" },
			{ BV_FACT_CGROUP_BPF, "yes" },
			{ BV_FACT_CPUS, "2" },
			{ BV_FACT_NS_MOUNT, "yes" },
			{ BV_FACT_NS_NET, "yes" },
			{ BV_FACT_NS_USER, "yes" },
			{ BV_FACT_PRIVILEGED, "yes" },
			{ BV_FACT_KERNEL, "6.12.48+deb13-amd64" },
			{ BV_FACT_ARCH, "x86_64" },
			{ BV_FACT_SYSTEMD, "yes" },
			{ BV_FACT_EXEC_BOUNDARY, "none" },
			{ BV_FACT_BACKEND, "linux" },
		},
	},
	[MACHINE_LINUX_6_18] = {
		"Linux 6.18, bvisorctl run",
		{
			{ BV_FACT_ABI_LANDLOCK, "7" },
			{ BV_FACT_SECCOMP_FILTER, "yes" },
			{ BV_FACT_SECCOMP_NOTIFY, "no" },
			{ BV_FACT_CGROUP_BASE, "/sys/fs/cgroup/bvisor" },
			{ BV_FACT_CGROUP_SOURCE, "own" },
			{ BV_FACT_CGROUP_CTRL, "cpu io memory pids" },
			{ BV_FACT_CGROUP_KILL, "yes" },
			{ BV_FACT_CGROUP_PEAK, "yes" },
			{ BV_FACT_CPUS, "2" },
			{ BV_FACT_NS_MOUNT, "yes" },
			{ BV_FACT_NS_NET, "yes" },
			{ BV_FACT_KERNEL, "6.18.5" },
			{ BV_FACT_EXEC_BOUNDARY, "run" },
			{ BV_FACT_BACKEND, "linux" },
		},
	},
	[MACHINE_NO_DELEGATION] = {
		"container without delegation",
		{
			{ BV_FACT_ABI_LANDLOCK, "4" },
			{ BV_FACT_SECCOMP_FILTER, "yes" },
			{ BV_FACT_SECCOMP_NOTIFY, "yes" },
			{ BV_FACT_CGROUP_BASE, "" },
			{ BV_FACT_CGROUP_SOURCE, "none" },
			{ BV_FACT_CGROUP_WHY, FIXTURE_WHY },
			{ BV_FACT_NS_MOUNT, "no" },
			{ BV_FACT_NS_NET, "no" },
			{ BV_FACT_KERNEL, "6.8.0" },
			{ BV_FACT_EXEC_BOUNDARY, "none" },
			{ BV_FACT_BACKEND, "linux" },
		},
	},
	[MACHINE_CGROUP_V1] = {
		"cgroup v1 hybrid",
		{
			{ BV_FACT_ABI_LANDLOCK, "7" },
			{ BV_FACT_SECCOMP_FILTER, "yes" },
			{ BV_FACT_SECCOMP_NOTIFY, "yes" },
			{ BV_FACT_CGROUP_BASE, "/sys/fs/cgroup/unified/bvisor" },
			{ BV_FACT_CGROUP_SOURCE, "own" },
			{ BV_FACT_CGROUP_CTRL, "" },
			{ BV_FACT_CGROUP_KILL, "yes" },
			{ BV_FACT_CGROUP_PEAK, "no" },
			{ BV_FACT_CPUS, "2" },
			{ BV_FACT_NS_MOUNT, "yes" },
			{ BV_FACT_NS_NET, "yes" },
			{ BV_FACT_KERNEL, "6.18.5" },
			{ BV_FACT_EXEC_BOUNDARY, "none" },
			{ BV_FACT_BACKEND, "linux" },
		},
	},
};

static inline void fixture_set(struct bv_snapshot *snap, const char *key,
			       const char *value)
{
	assert_int_equal(bv_snapshot_set(snap, key, value, NULL), BV_OK);
}

static inline void fixture_snapshot(enum fixture_machine_id id,
				    struct bv_snapshot *ret)
{
	*ret = (struct bv_snapshot){ .n = 0 };
	for (const struct fixture_fact *f = fixture_machines[id].fact; f->key;
	     f++)
		fixture_set(ret, f->key, f->value);
}

struct fixture {
	struct bv_arena arena;
	struct bv_fs_rule fs[4];
	struct bv_env_rule env[2];
	struct bv_policy policy;
	struct bv_subject subject;
	struct bv_spec spec;
	struct bv_snapshot snap;
};

/* A policy that Debian 12 and 13 can enforce whole. */
static inline void fixture_init(struct fixture *f)
{
	*f = (struct fixture){
		.fs = {
			{ "~", BV_FS_READ | BV_FS_WRITE | BV_FS_EXEC, 12, false },
			{ "/srv/data", BV_FS_READ, 13, false },
			{ "/opt/tools", BV_FS_READ | BV_FS_EXEC, 14, true },
			{ "/etc/secret", BV_FS_HIDE, 15, false },
		},
		.env = {
			{ "LANG", "C.UTF-8", false, 31 },
			{ "TOKEN", "deploy-token", false, 32 },
		},
		.policy = {
			.name = "restricted",
			.path = "/etc/bvisor/policies/restricted.conf",
			.description = "",
			.action = BV_ACTION_CONFINE,
			.priority = 100,
			.workload = BV_WORKLOAD_PROCESS,
			.base = BV_BASE_SYSTEM,
			.base_line = 11,
			.fs_n = 4,
			.network = BV_NETWORK_DENY,
			.network_line = 18,
			.spawn = BV_SPAWN_DESCENDANTS,
			.spawn_line = 21,
			.temp_private = true,
			.temp_line = 24,
			.no_new_privs = true,
			.env_n = 2,
			.env_line = 30,
			.fds_line = 35,
			.evidence_line = 37,
			.capture_line = 39,
			.sha256_hex = "0123456789abcdef0123456789abcdef"
				      "0123456789abcdef0123456789abcdef",
		},
		.subject = {
			.user = "alice",
			.uid = 1000,
			.gid = 1000,
			.home = "/home/alice",
			.shell = "/bin/bash",
			.service = "sshd",
			.tty = "ssh",
			.rhost = "192.0.2.7",
		},
	};
	f->policy.fs = f->fs;
	f->policy.env = f->env;
	f->policy.budget[BV_DIM_WALL] =
		(struct bv_budget_request){ true, 3600000000u, BV_ENFORCED, 0,
					    26 };
	f->policy.budget[BV_DIM_MEMORY] =
		(struct bv_budget_request){ true, 536870912u, BV_ENFORCED,
					    BV_EV_BIT(BV_EV_RESOURCE_USAGE),
					    27 };
	f->policy.budget[BV_DIM_PROCESSES] = (struct bv_budget_request){
		true, 64, BV_ENFORCED, BV_EV_BIT(BV_EV_RESOURCE_USAGE), 28
	};
	bv_arena_init(&f->arena, 1024 * 1024);
	fixture_snapshot(MACHINE_DEBIAN_12, &f->snap);
}

static inline void fixture_done(struct fixture *f)
{
	bv_arena_done(&f->arena);
}

static inline void fixture_spec(struct fixture *f)
{
	struct bv_err err = { 0 };

	if (bv_spec_build(&f->arena, &f->policy, &f->subject, &f->spec, &err) !=
	    BV_OK)
		fail_msg("spec: %s", err.msg);
}

/* Policy → spec → decision. Returns the membrane; plan only when admitted. */
static inline enum bv_membrane fixture_plan(struct fixture *f,
					    struct bv_plan *ret_plan,
					    struct bv_refusal *ret_refusal)
{
	struct bv_err err = { 0 };

	fixture_spec(f);
	if (bv_plan_build(&f->spec, &f->snap, ret_plan, ret_refusal, &err) !=
	    BV_OK)
		fail_msg("plan: %s", err.msg);
	return ret_refusal->membrane;
}

#endif
