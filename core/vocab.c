/* SPDX-License-Identifier: MIT */
/* The name tables of the vocabulary and the enforcement lattice. */
#include "core/vocab.h"

#include <string.h>

#include "core/err.h"

static const char *const kind_names[] = {
	[BV_KIND_FILESYSTEM] = "Filesystem",
	[BV_KIND_NETWORK_DENY_ALL] = "NetworkDenyAll",
	[BV_KIND_NETWORK_ALLOW_LIST] = "NetworkAllowList",
	[BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS] = "ChildSpawnDenyNewTasks",
	[BV_KIND_CHILD_SPAWN_ALLOW_THREADS] = "ChildSpawnAllowThreads",
	[BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS] = "ChildSpawnAllowDescendants",
	[BV_KIND_ENVIRONMENT] = "Environment",
	[BV_KIND_INHERITED_FDS_NONE] = "InheritedFdsNone",
	[BV_KIND_INHERITED_FDS_ONLY] = "InheritedFdsOnly",
	[BV_KIND_LAUNCH_WORKLOAD] = "LaunchWorkload",
	[BV_KIND_CAPTURE_STREAMS] = "CaptureStreams",
	[BV_KIND_TEMP_ROOT] = "TempRoot",
	[BV_KIND_EXPOSE_PATH] = "ExposePath",
	[BV_KIND_COMMIT_ARTIFACT] = "CommitArtifact",
	[BV_KIND_DISCARD_ARTIFACT] = "DiscardArtifact",
	[BV_KIND_KILL] = "Kill",
	[BV_KIND_LIST_OUTPUTS] = "ListOutputs",
};
_Static_assert(BV_LEN(kind_names) == BV_KIND_N, "every kind has a name");

static const char *const enforcement_names[] = {
	[BV_UNSUPPORTED] = "unsupported",
	[BV_MEDIATED] = "mediated",
	[BV_ENFORCED] = "enforced",
};
_Static_assert(BV_LEN(enforcement_names) == BV_ENFORCEMENT_N, "all named");

static const char *const evidence_names[] = {
	[BV_EV_TERMINAL_OUTCOME] = "terminal-outcome",
	[BV_EV_CAPTURED_STREAMS] = "captured-streams",
	[BV_EV_RESOURCE_USAGE] = "resource-usage",
	[BV_EV_ALLOWED_ACTIONS] = "allowed-actions",
	[BV_EV_DENIED_ATTEMPTS] = "denied-attempts",
	[BV_EV_FILESYSTEM_DELTA] = "filesystem-delta",
	[BV_EV_PROCESS_TREE] = "process-tree",
	[BV_EV_NETWORK_ACTIVITY] = "network-activity",
	[BV_EV_ARTIFACT_LINEAGE] = "artifact-lineage",
	[BV_EV_MECHANISM_ATTESTATION] = "mechanism-attestation",
};
_Static_assert(BV_LEN(evidence_names) == BV_EV_N, "all named");

static const char *const dim_names[] = {
	[BV_DIM_WALL] = "wall",       [BV_DIM_CPU] = "cpu",
	[BV_DIM_MEMORY] = "memory",   [BV_DIM_PROCESSES] = "processes",
	[BV_DIM_HANDLES] = "handles", [BV_DIM_STORAGE] = "storage",
	[BV_DIM_NETWORK] = "network",
};
_Static_assert(BV_LEN(dim_names) == BV_DIM_N, "all named");

static const char *const dim_units[] = {
	[BV_DIM_WALL] = "us",       [BV_DIM_CPU] = "us",
	[BV_DIM_MEMORY] = "bytes",  [BV_DIM_PROCESSES] = "tasks",
	[BV_DIM_HANDLES] = "fds",   [BV_DIM_STORAGE] = "bytes",
	[BV_DIM_NETWORK] = "bytes",
};
_Static_assert(BV_LEN(dim_units) == BV_DIM_N, "every dimension has a unit");

static const char *const membrane_names[] = {
	[BV_MEMBRANE_NONE] = "none",
	[BV_MEMBRANE_CONFIG] = "config",
	[BV_MEMBRANE_UNMATCHED] = "unmatched",
	[BV_MEMBRANE_ACTION] = "action",
	[BV_MEMBRANE_CONFLICT] = "conflict",
	[BV_MEMBRANE_WORKLOAD] = "workload",
	[BV_MEMBRANE_DRIFT] = "profile-drift",
	[BV_MEMBRANE_SUPPORT] = "support",
	[BV_MEMBRANE_EVIDENCE] = "evidence",
	[BV_MEMBRANE_BUDGET] = "budget",
	[BV_MEMBRANE_SCHEDULE] = "schedule",
	[BV_MEMBRANE_DIVERGENCE] = "divergence",
};
_Static_assert(BV_LEN(membrane_names) == BV_MEMBRANE_N, "all named");

static const char *const refusal_code_names[] = {
	[BV_REFUSED_NOT] = "not-refused",
	[BV_REFUSED_CONFIG_POLICY] = "policy-invalid",
	[BV_REFUSED_CONFIG_ENVIRONMENT] = "environment-invalid",
	[BV_REFUSED_UNMATCHED] = "unmatched",
	[BV_REFUSED_ACTION] = "action-refuse",
	[BV_REFUSED_CONFLICT_TWICE] = "stated-twice",
	[BV_REFUSED_CONFLICT_FAMILY] = "family-conflict",
	[BV_REFUSED_WORKLOAD] = "workload-incompatible",
	[BV_REFUSED_DRIFT] = "profile-drift",
	[BV_REFUSED_SUPPORT] = "unsupported",
	[BV_REFUSED_EVIDENCE_REQUIREMENT] = "requirement-evidence",
	[BV_REFUSED_EVIDENCE_SESSION] = "session-evidence",
	[BV_REFUSED_BUDGET_MINIMUM] = "below-minimum",
	[BV_REFUSED_BUDGET_CAPACITY] = "capacity",
	[BV_REFUSED_BUDGET_GUARANTEE] = "guarantee",
	[BV_REFUSED_BUDGET_EVIDENCE] = "budget-evidence",
	[BV_REFUSED_SCHEDULE_COMPILE] = "schedule-compile",
	[BV_REFUSED_SCHEDULE_VERIFY] = "schedule-verify",
	[BV_REFUSED_DIVERGENCE] = "evaluator-divergence",
};
_Static_assert(BV_LEN(refusal_code_names) == BV_REFUSED_N, "all named");

static const struct req_row {
	const char *name;
	enum bv_kind kind;
} reqs[] = {
#define ROW(name, kind, text) { text, BV_KIND_##kind },
	BV_REQ_ALL(ROW)
#undef ROW
};
_Static_assert(BV_LEN(reqs) == BV_REQ_N, "every key has name and kind");

static const char *const budget_reason_names[] = {
	[BV_BUDGET_OK] = "ok",
	[BV_BUDGET_BELOW_MINIMUM] = "below-minimum",
	[BV_BUDGET_CAPACITY] = "capacity",
	[BV_BUDGET_GUARANTEE] = "guarantee",
	[BV_BUDGET_EVIDENCE] = "evidence",
};
_Static_assert(BV_LEN(budget_reason_names) == BV_BUDGET_REASON_N, "all named");

static const char *const outcome_names[] = {
	[BV_OUTCOME_COMPLETED] = "completed",
	[BV_OUTCOME_DENIED] = "denied",
	[BV_OUTCOME_FAILED] = "failed",
	[BV_OUTCOME_TIMEOUT] = "timeout",
	[BV_OUTCOME_KILLED] = "killed",
	[BV_OUTCOME_UNSUPPORTED] = "unsupported",
	[BV_OUTCOME_SUPERVISOR_FAULT] = "supervisor-fault",
};
_Static_assert(BV_LEN(outcome_names) == BV_OUTCOME_N, "all named");

static const char *const finding_names[] = {
	[BV_FINDING_WITHIN_LIMIT] = "within-limit",
	[BV_FINDING_LIMIT_REACHED_ENFORCED] = "limit-reached-enforced",
	[BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT] = "exceeded-within-overshoot",
	[BV_FINDING_ENFORCEMENT_FAULT] = "enforcement-fault",
	[BV_FINDING_OBSERVATION_UNAVAILABLE] = "observation-unavailable",
	[BV_FINDING_NOT_REQUESTED] = "not-requested",
};
_Static_assert(BV_LEN(finding_names) == BV_FINDING_N, "all named");

static const char *name_at(const char *const *names, unsigned int n,
			   unsigned int i)
{
	return i < n ? names[i] : "?";
}

static bool index_of(const char *const *names, unsigned int n, const char *name,
		     unsigned int *ret)
{
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

const char *bv_kind_name(enum bv_kind kind)
{
	return name_at(kind_names, BV_KIND_N, (unsigned int)kind);
}

const char *bv_enforcement_name(enum bv_enforcement e)
{
	return name_at(enforcement_names, BV_ENFORCEMENT_N, (unsigned int)e);
}

const char *bv_evidence_name(enum bv_evidence e)
{
	return name_at(evidence_names, BV_EV_N, (unsigned int)e);
}

const char *bv_dim_name(enum bv_dim dim)
{
	return name_at(dim_names, BV_DIM_N, (unsigned int)dim);
}

const char *bv_dim_unit(enum bv_dim dim)
{
	return name_at(dim_units, BV_DIM_N, (unsigned int)dim);
}

const char *bv_membrane_name(enum bv_membrane m)
{
	return name_at(membrane_names, BV_MEMBRANE_N, (unsigned int)m);
}

const char *bv_refusal_code_name(enum bv_refusal_code c)
{
	return name_at(refusal_code_names, BV_REFUSED_N, (unsigned int)c);
}

const char *bv_req_name(enum bv_req req)
{
	return (unsigned int)req < BV_REQ_N ? reqs[req].name : "?";
}

enum bv_kind bv_req_kind(enum bv_req req)
{
	return (unsigned int)req < BV_REQ_N ? reqs[req].kind : BV_KIND_N;
}

enum bv_family bv_req_family(enum bv_req req)
{
	switch (bv_req_kind(req)) {
	case BV_KIND_NETWORK_DENY_ALL:
	case BV_KIND_NETWORK_ALLOW_LIST:
		return BV_FAMILY_NETWORK;
	case BV_KIND_CHILD_SPAWN_DENY_NEW_TASKS:
	case BV_KIND_CHILD_SPAWN_ALLOW_THREADS:
	case BV_KIND_CHILD_SPAWN_ALLOW_DESCENDANTS:
		return BV_FAMILY_SPAWN;
	case BV_KIND_INHERITED_FDS_NONE:
	case BV_KIND_INHERITED_FDS_ONLY:
		return BV_FAMILY_FDS;
	case BV_KIND_TEMP_ROOT:
		return BV_FAMILY_TEMP;
	case BV_KIND_COMMIT_ARTIFACT:
		return BV_FAMILY_COMMIT;
	case BV_KIND_KILL:
		return BV_FAMILY_KILL;
	case BV_KIND_FILESYSTEM:
	case BV_KIND_ENVIRONMENT:
	case BV_KIND_LAUNCH_WORKLOAD:
	case BV_KIND_CAPTURE_STREAMS:
	case BV_KIND_EXPOSE_PATH:
	case BV_KIND_DISCARD_ARTIFACT:
	case BV_KIND_LIST_OUTPUTS:
	case BV_KIND_N:
		break;
	}
	return BV_FAMILY_NONE;
}

const char *bv_budget_reason_name(enum bv_budget_reason r)
{
	return name_at(budget_reason_names, BV_BUDGET_REASON_N,
		       (unsigned int)r);
}

const char *bv_outcome_name(enum bv_outcome o)
{
	return name_at(outcome_names, BV_OUTCOME_N, (unsigned int)o);
}

const char *bv_finding_name(enum bv_finding f)
{
	return name_at(finding_names, BV_FINDING_N, (unsigned int)f);
}

bool bv_evidence_from_name(const char *name, enum bv_evidence *ret)
{
	unsigned int i;

	if (!index_of(evidence_names, BV_EV_N, name, &i))
		return false;
	*ret = (enum bv_evidence)i;
	return true;
}

bool bv_kind_from_name(const char *name, enum bv_kind *ret)
{
	unsigned int i;

	if (!index_of(kind_names, BV_KIND_N, name, &i))
		return false;
	*ret = (enum bv_kind)i;
	return true;
}

bool bv_dim_from_name(const char *name, enum bv_dim *ret)
{
	unsigned int i;

	if (!index_of(dim_names, BV_DIM_N, name, &i))
		return false;
	*ret = (enum bv_dim)i;
	return true;
}

bool bv_enforcement_from_name(const char *name, enum bv_enforcement *ret)
{
	unsigned int i;

	if (!index_of(enforcement_names, BV_ENFORCEMENT_N, name, &i))
		return false;
	*ret = (enum bv_enforcement)i;
	return true;
}

/* By table, not by enum order; a value out of range counts as Unsupported. */
unsigned int bv_enforcement_strength(enum bv_enforcement e)
{
	switch (e) {
	case BV_ENFORCED:
		return 2;
	case BV_MEDIATED:
		return 1;
	case BV_UNSUPPORTED:
	case BV_ENFORCEMENT_N:
		break;
	}
	return 0;
}

enum bv_enforcement bv_enforcement_meet(enum bv_enforcement a,
					enum bv_enforcement b)
{
	unsigned int sa = bv_enforcement_strength(a);
	unsigned int sb = bv_enforcement_strength(b);

	switch (sa < sb ? sa : sb) {
	case 2:
		return BV_ENFORCED;
	case 1:
		return BV_MEDIATED;
	default:
		return BV_UNSUPPORTED;
	}
}
