/* SPDX-License-Identifier: MIT */
/*
 * BoundarySpec: what one login is to be given, a policy resolved against a
 * subject. Paths are absolute and expanded; requirements are listed once each,
 * in canonical order (enum bv_req). Still nothing about the machine.
 */
#ifndef BV_CORE_SPEC_H
#define BV_CORE_SPEC_H

#include "core/match.h"
#include "core/net.h"
#include "core/policy.h"

#define BV_REQUIREMENT_MAX 32u

struct bv_requirement {
	enum bv_kind kind;
	unsigned int line; /* of the policy, 0 = always asked for */
	const char *key;   /* "[network] access" … for messages */
	enum bv_req req;   /* one of kind's: the parameter */
	uint32_t evidence; /* BV_EV_BIT set demanded of this one */
};

struct bv_spec {
	const struct bv_policy *policy;
	const struct bv_subject *subject;
	enum bv_workload workload;
	enum bv_base base;
	const struct bv_fs_rule *fs; /* expanded; normalised absolute paths */
	size_t fs_n;
	const struct bv_expose_rule *expose; /* expanded; outer ones first */
	size_t expose_n;
	struct bv_outbox outbox; /* line 0: none */
	enum bv_network network;
	struct bv_net_list net; /* of an allow list */
	enum bv_spawn spawn;
	bool temp_private;
	bool no_new_privs;
	bool env_has_lease; /* a value of [environment] is a lease reference */
	struct bv_requirement req[BV_REQUIREMENT_MAX];
	size_t req_n;
	struct bv_budget_request budget[BV_DIM_N];
	uint32_t evidence;
};

/* Expand "~" (leading), %u (name), %U (uid), %h (home), %% in text. Refuses
 * unknown escapes, an empty or relative result, "..", "." and empty components
 * are normalised away ("//", trailing "/"), a user name holding '/' . */
int bv_expand_path(struct bv_arena *arena, const char *text,
		   const struct bv_subject *subject, const char **ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* Give an allow list the addresses of its names. bv_spec_build() leaves them
 * open, and a spec with open names is planned by nobody. */
int bv_spec_pin(struct bv_arena *arena, struct bv_spec *spec,
		const struct bv_net_name *name, size_t name_n,
		struct bv_err *err) BV_MUST_CHECK;

/* Does it need programs on its leaf: an allow list, or a traffic budget? */
bool bv_spec_filters_network(const struct bv_spec *spec);

/* Rules of the same path are merged (rights united); hide with any other right
 * on the same path is an error. Errors carry file:line. */
int bv_spec_build(struct bv_arena *arena, const struct bv_policy *policy,
		  const struct bv_subject *subject, struct bv_spec *ret,
		  struct bv_err *err) BV_MUST_CHECK;

/* The half of bv_spec_build() about what is shared with the host: expose and
 * outbox, when policy, subject and fs are there. */
int bv_spec_share(struct bv_arena *arena, struct bv_spec *spec,
		  struct bv_err *err) BV_MUST_CHECK;

#endif
