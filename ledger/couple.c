/* SPDX-License-Identifier: MIT */
/* Floors and the coupling law. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"

#define REPORT_IT "report it: this build claims what it has not proved"

static const char *const status_names[] = {
	[BVL_INCOMPLETE] = "incomplete",
	[BVL_FAIL_CLOSED] = "fail-closed",
	[BVL_FAULT_INJECTED] = "fault-injected",
	[BVL_WAIVED] = "waived",
	[BVL_PROVEN] = "proven",
};
_Static_assert(BV_LEN(status_names) == BVL_STATUS_N, "every status");

const char *bvl_status_name(enum bvl_status s)
{
	return (unsigned int)s < BVL_STATUS_N ? status_names[s] : "?";
}

/* What a verdict of the law means for the ceiling. */
static const struct coupling_row {
	const char *name;
	const char *missing;
	const char *remedy;
} couplings[] = {
	[BVL_COUPLED] = { "coupled", "", "" },
	[BVL_NO_ENTRY] = { "no-entry", "the ledger has no row for it",
			   "use a machine whose backend is linux" },
	[BVL_NOT_PROVEN] = { "not-proven",
			     "the ledger does not have it as proven",
			     "remove it from the policy" },
	[BVL_WAIVER_OVER] = { "waiver-over", "its waiver has run out",
			      "remove it from the policy" },
	[BVL_FLOOR_NOT_MET] = { "floor-not-met", "", REPORT_IT },
	[BVL_OTHER_MECHANISM] = { "other-mechanism",
				  "it is carried by another mechanism than the "
				  "one that was proved",
				  REPORT_IT },
};
_Static_assert(BV_LEN(couplings) == BVL_COUPLING_N, "every verdict");

const char *bvl_coupling_name(enum bvl_coupling c)
{
	return (unsigned int)c < BVL_COUPLING_N ? couplings[c].name : "?";
}

const struct bvl_ledger *bvl_ledger_of(const struct bv_snapshot *snap)
{
	const struct bvl_ledger *const all[] = { bvl_ledger_linux(),
						 bvl_ledger_wasm() };

	for (size_t i = 0; i < BV_LEN(all); i++)
		if (bv_snapshot_has_word(snap, BV_FACT_BACKEND,
					 all[i]->backend))
			return all[i];
	return NULL;
}

/* --- floors ---------------------------------------------------------------- */

static bool has_boundary(const struct bv_snapshot *snap, const char *word)
{
	return bv_snapshot_has_word(snap, BV_FACT_EXEC_BOUNDARY, word);
}

static bool met_seccomp(const struct bv_snapshot *snap)
{
	return bv_snapshot_is(snap, BV_FACT_SECCOMP_FILTER);
}
static bool met_signals(const struct bv_snapshot *snap)
{
	return bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) >= 6 ||
	       bv_snapshot_is(snap, BV_FACT_SECCOMP_NOTIFY);
}
static bool met_truncate(const struct bv_snapshot *snap)
{
	return bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) >= 3 ||
	       bv_snapshot_is(snap, BV_FACT_NS_MOUNT);
}
static bool met_mount(const struct bv_snapshot *snap)
{
	return bv_snapshot_is(snap, BV_FACT_NS_MOUNT);
}
static bool met_net(const struct bv_snapshot *snap)
{
	return bv_snapshot_is(snap, BV_FACT_NS_NET);
}
static bool met_cgroup(const struct bv_snapshot *snap)
{
	return bv_snapshot_get(snap, BV_FACT_CGROUP_BASE)[0] != '\0';
}
static bool met_kill(const struct bv_snapshot *snap)
{
	return bv_snapshot_is(snap, BV_FACT_CGROUP_KILL);
}
static bool met_pids(const struct bv_snapshot *snap)
{
	return bv_snapshot_has_word(snap, BV_FACT_CGROUP_CTRL, "pids");
}
static bool met_memory(const struct bv_snapshot *snap)
{
	return bv_snapshot_has_word(snap, BV_FACT_CGROUP_CTRL, "memory");
}
static bool met_shell(const struct bv_snapshot *snap)
{
	return has_boundary(snap, "shell") ||
	       has_boundary(snap, "forcecommand");
}
static bool met_bpf(const struct bv_snapshot *snap)
{
	return bv_snapshot_is(snap, BV_FACT_CGROUP_BPF);
}
static bool met_session(const struct bv_snapshot *snap)
{
	return !has_boundary(snap, "run");
}
static bool met_boundary(const struct bv_snapshot *snap)
{
	return has_boundary(snap, "run") || met_shell(snap);
}

static const struct floor_row {
	uint32_t need;
	bool (*met)(const struct bv_snapshot *snap);
	const char *text;
	const char *fact;
} floor_rows[] = {
	{ BVL_NEEDS_SECCOMP, met_seccomp, "seccomp filters",
	  BV_FACT_SECCOMP_FILTER },
	{ BVL_NEEDS_SIGNALS, met_signals,
	  "landlock ABI 6 or seccomp notification", BV_FACT_SECCOMP_NOTIFY },
	{ BVL_NEEDS_TRUNCATE, met_truncate,
	  "landlock ABI 3 or a mount namespace", BV_FACT_NS_MOUNT },
	{ BVL_NEEDS_MOUNT, met_mount, "a mount namespace", BV_FACT_NS_MOUNT },
	{ BVL_NEEDS_NET, met_net, "a network namespace", BV_FACT_NS_NET },
	{ BVL_NEEDS_CGROUP, met_cgroup, "a cgroup v2 base",
	  BV_FACT_CGROUP_BASE },
	{ BVL_NEEDS_KILL, met_kill, "cgroup.kill", BV_FACT_CGROUP_KILL },
	{ BVL_NEEDS_PIDS, met_pids, "the pids controller",
	  BV_FACT_CGROUP_CTRL },
	{ BVL_NEEDS_MEMORY, met_memory, "the memory controller",
	  BV_FACT_CGROUP_CTRL },
	{ BVL_NEEDS_BOUNDARY, met_boundary, "an exec boundary",
	  BV_FACT_EXEC_BOUNDARY },
	{ BVL_NEEDS_BPF, met_bpf, "BPF programs on cgroups",
	  BV_FACT_CGROUP_BPF },
	{ BVL_NEEDS_SESSION, met_session, "a session", BV_FACT_EXEC_BOUNDARY },
	{ BVL_NEEDS_SHELL, met_shell, "bvisor-shell", BV_FACT_EXEC_BOUNDARY },
};

/* "landlock ABI N": no more than the kernels there are. */
static const char *const abi_texts[] = {
	"",
	"landlock ABI 1",
	"landlock ABI 2",
	"landlock ABI 3",
	"landlock ABI 4",
	"landlock ABI 5",
	"landlock ABI 6",
	"landlock ABI 7",
};

static const char *abi_text(uint32_t abi)
{
	return abi < BV_LEN(abi_texts) ? abi_texts[abi]
				       : "a newer landlock ABI";
}

const char *bvl_floor_missing(const struct bvl_floor *floor,
			      const struct bv_snapshot *snap,
			      const char **ret_fact)
{
	const char *unused;
	const char **fact = ret_fact ? ret_fact : &unused;
	uint32_t known = 0;

	*fact = BV_FACT_ABI_LANDLOCK;
	if (bv_snapshot_u64(snap, BV_FACT_ABI_LANDLOCK) < floor->landlock_abi)
		return abi_text(floor->landlock_abi);
	for (size_t i = 0; i < BV_LEN(floor_rows); i++) {
		const struct floor_row *row = &floor_rows[i];

		known |= row->need;
		*fact = row->fact;
		if ((floor->needs & row->need) && !row->met(snap))
			return row->text;
	}
	*fact = NULL;
	return floor->needs & ~known ? "something that nobody knows" : NULL;
}

void bvl_floor_text(const struct bvl_floor *floor, char *ret, size_t ret_len)
{
	const char *between = "";
	size_t used;

	snprintf(ret, ret_len, "%s",
		 floor->needs == 0 && floor->landlock_abi == 0 ? "none" : "");
	if (floor->landlock_abi > 0) {
		snprintf(ret, ret_len, "%s", abi_text(floor->landlock_abi));
		between = ", ";
	}
	for (size_t i = 0; i < BV_LEN(floor_rows); i++) {
		if (!(floor->needs & floor_rows[i].need))
			continue;
		used = strlen(ret);
		snprintf(ret + used, ret_len - used, "%s%s", between,
			 floor_rows[i].text);
		between = ", ";
	}
}

/* --- the law --------------------------------------------------------------- */

static bool is_proved(const struct bvl_ledger *ledger, unsigned int cover)
{
	return ledger && (ledger->entry[cover].status == BVL_PROVEN ||
			  ledger->entry[cover].status == BVL_WAIVED);
}

enum bvl_coupling bvl_couple(const struct bvl_ledger *ledger,
			     unsigned int cover, const struct bv_snapshot *snap,
			     const char *live, uint64_t now_unix)
{
	const struct bvl_entry *e;

	if (!ledger || cover >= BV_COVER_N)
		return BVL_NO_ENTRY;
	e = &ledger->entry[cover];
	if (e->status == BVL_WAIVED && (!e->owner || now_unix >= e->until_unix))
		return BVL_WAIVER_OVER;
	if (!is_proved(ledger, cover))
		return BVL_NOT_PROVEN;
	if (bvl_floor_missing(&e->floor, snap, NULL))
		return BVL_FLOOR_NOT_MET;
	if (live[0] == '\0' || !e->mechanism || strcmp(e->mechanism, live) != 0)
		return BVL_OTHER_MECHANISM;
	return BVL_COUPLED;
}

void bvl_live(const struct bvl_ledger *ledger, unsigned int cover, char ret[65])
{
	ret[0] = '\0';
	if (is_proved(ledger, cover) && ledger->live != NULL)
		ledger->live(cover, ret);
}

static struct bv_cap cap_of(const struct bvl_ledger *ledger, unsigned int cover,
			    const struct bv_snapshot *snap, uint64_t now_unix)
{
	struct bv_cap cap = { .missing = "", .remedy = "" };
	enum bvl_coupling c;
	char live[65];

	bvl_live(ledger, cover, live);
	c = bvl_couple(ledger, cover, snap, live, now_unix);
	if (c == BVL_COUPLED) {
		cap.at_most = ledger->entry[cover].status == BVL_WAIVED
				      ? BV_MEDIATED
				      : BV_ENFORCED;
		return cap;
	}
	cap.at_most = BV_UNSUPPORTED;
	cap.missing = couplings[c].missing;
	cap.remedy = couplings[c].remedy;
	if (c == BVL_FLOOR_NOT_MET)
		cap.missing = bvl_floor_missing(&ledger->entry[cover].floor,
						snap, &cap.fact[0]);
	return cap;
}

void bvl_caps(const struct bvl_ledger *ledger, const struct bv_snapshot *snap,
	      uint64_t now_unix, struct bv_caps *ret)
{
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		ret->of[i] = cap_of(ledger, i, snap, now_unix);
}
