/* SPDX-License-Identifier: MIT */
/*
 * ProfileSnapshot: the facts one probe found, as sorted key = value text, and
 * nothing else. Every decision about the machine is derived from it alone
 * (support.h), so a recorded snapshot replays to the same verdicts.
 */
#ifndef BV_CORE_SNAPSHOT_H
#define BV_CORE_SNAPSHOT_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BV_FACT_MAX	  48u
#define BV_FACT_KEY_MAX	  40u
#define BV_FACT_VALUE_MAX 256u

/* The keys. Booleans are "yes" / "no"; a missing key counts as "no"/0/"". */
#define BV_FACT_ABI_LANDLOCK   "landlock.abi"	     /* 0 = absent */
#define BV_FACT_SECCOMP_FILTER "seccomp.filter"
#define BV_FACT_SECCOMP_NOTIFY "seccomp.user_notif"  /* incl. CONTINUE */
#define BV_FACT_CGROUP_BASE    "cgroup.base"	     /* path, "" = none */
#define BV_FACT_CGROUP_SOURCE  "cgroup.source"	     /* configured, service, walk-up, own, none */
#define BV_FACT_CGROUP_WHY     "cgroup.why"	     /* when base is "": what was missing */
#define BV_FACT_CGROUP_CTRL    "cgroup.controllers"  /* sorted, space separated: usable in a leaf */
#define BV_FACT_CGROUP_KILL    "cgroup.kill"
#define BV_FACT_CGROUP_PEAK    "cgroup.pids_peak"
#define BV_FACT_CGROUP_BPF     "cgroup.bpf"	     /* network programs; only asked where a policy wants them */
#define BV_FACT_CPUS	       "cpus"		     /* that may be online at once */
#define BV_FACT_NS_MOUNT       "ns.mount"
#define BV_FACT_NS_NET	       "ns.net"
#define BV_FACT_NS_USER	       "ns.user"
#define BV_FACT_PRIVILEGED     "privileged"	     /* helper runs with uid 0 and CAP_SYS_ADMIN */
#define BV_FACT_KERNEL	       "kernel.release"
#define BV_FACT_ARCH	       "kernel.arch"
#define BV_FACT_SYSTEMD	       "systemd"
#define BV_FACT_EXEC_BOUNDARY  "exec_boundary"	     /* none, run, shell, forcecommand, wasm */
#define BV_FACT_BACKEND	       "backend"	     /* linux; wasm: linux with bvisor-wasm alone */

struct bv_fact {
	char key[BV_FACT_KEY_MAX];
	char value[BV_FACT_VALUE_MAX];
};

struct bv_snapshot {
	struct bv_fact fact[BV_FACT_MAX]; /* sorted by key, bytewise */
	size_t n;
};

/* Insert or replace, keeping order. Too long or too many: BV_E_LIMIT. */
int bv_snapshot_set(struct bv_snapshot *snap, const char *key,
		    const char *value, struct bv_err *err) BV_MUST_CHECK;
int bv_snapshot_set_u64(struct bv_snapshot *snap, const char *key, uint64_t v,
			struct bv_err *err) BV_MUST_CHECK;
int bv_snapshot_set_bool(struct bv_snapshot *snap, const char *key, bool v,
			 struct bv_err *err) BV_MUST_CHECK;

const char *bv_snapshot_get(const struct bv_snapshot *snap, const char *key); /* "" when absent */
bool bv_snapshot_is(const struct bv_snapshot *snap, const char *key); /* "yes" */
uint64_t bv_snapshot_u64(const struct bv_snapshot *snap, const char *key);
/* Is `word` one of the space separated words of the value? */
bool bv_snapshot_has_word(const struct bv_snapshot *snap, const char *key,
			  const char *word);

#endif
