/* SPDX-License-Identifier: MIT */
/*
 * Steps 1-4 of a login, without effect: load /etc/bvisor, map the subject,
 * probe, plan. The guardian, `bvisorctl explain` and `bvisorctl run` all call
 * this one path, so what explain says is what a login gets.
 */
#ifndef BVH_ADMISSION_H
#define BVH_ADMISSION_H

#include "core/cap.h"
#include "core/decision.h"
#include "core/plan.h"
#include "helper/cgroup.h"

#define BVH_CONFIG_DIR "/etc/bvisor"

enum bvh_decision {
	BVH_DECIDE_ADMIT,
	BVH_DECIDE_UNCONFINED, /* exempt policy, uid 0, unmatched = allow */
	BVH_DECIDE_REFUSE,
};

/* PAM's words, untrusted. */
struct bvh_login {
	const char *user, *service, *tty, *rhost;
	bool forcecommand;
};

/* Big: allocate it on the heap or statically in main.c. */
struct bvh_admission {
	struct bv_arena arena;
	struct bv_config config;
	struct bv_policy *policies; /* sorted */
	size_t policies_n;
	struct bv_subject subject;
	const struct bv_policy *policy; /* the deciding one, or NULL */
	struct bvh_cgroup_base base;
	struct bv_caps caps; /* of a policy that confines, once probed */
	struct bv_spec spec;
	struct bv_plan plan;
	struct bv_refusal refusal; /* membrane and text when REFUSE */
	struct bv_trace trace;     /* asked unless UNCONFINED */
	enum bvh_decision decision;
	char why[BV_ERR_MSG_MAX]; /* UNCONFINED: which rule let it through */
};

/* Load bvisor.conf and every .conf of policies/ from config_dir (opened by fd, every
 * component root-owned and not group/other writable). A missing directory
 * means no policies and defaults. bvisor.conf broken: error, callers refuse all
 * but uid 0. ret_policies NULL: bvisor.conf alone. From then on this process logs
 * to the syslog_socket of the file as well. */
int bvh_config_load(const char *config_dir, struct bv_arena *arena,
		    struct bv_config *ret_config,
		    struct bv_policy **ret_policies, size_t *ret_n,
		    struct bv_err *err) BV_MUST_CHECK;

/* User database → subject: getpwnam_r, getgrouplist, names by getgrgid_r. */
int bvh_subject_load(const struct bvh_login *login, struct bv_arena *arena,
		     struct bv_subject *ret, struct bv_err *err) BV_MUST_CHECK;
/* The same without groups: enough where no [match] is consulted, and much the
 * dearest part of it. */
int bvh_subject_load_account(const struct bvh_login *login,
			     struct bv_arena *arena, struct bv_subject *ret,
			     struct bv_err *err) BV_MUST_CHECK;

void bvh_admission_init(struct bvh_admission *a);
void bvh_admission_done(struct bvh_admission *a);

/* The decision taken back: a refusal by that gate, as of admission itself. */
void bvh_admission_refuse(struct bvh_admission *a, enum bv_membrane membrane,
			  const char *fmt, ...) BV_PRINTF(3, 4);

/* Can what the spec names be opened here? Nothing is done with it. What only a
 * session's view has is not looked for: its steps find it or refuse. anybody:
 * paths that hang on who logs in are passed over. home, unless NULL: what is
 * absent at or below the home is told there, the first of it, and does not
 * refuse: pam_mkhomedir makes it. BV_E_REFUSED with "FILE:LINE: …" and what to
 * do. */
int bvh_spec_opens(const struct bv_spec *spec, bool anybody,
		   struct bv_err *home, struct bv_err *err) BV_MUST_CHECK;

/* The same for a login that is admitted and whose session begins now: refused
 * where it does not open. */
void bvh_admission_open(struct bvh_admission *a, struct bv_err *home);

/* exec_boundary: "run", or "none", which becomes "shell" where the account's
 * shell is bvisor-shell and "forcecommand" where the PAM line says so.
 *
 * All four steps. BV_OK: a->decision holds (for REFUSE a->refusal). Negative:
 * fault; callers refuse everybody but uid 0. The probe and cgroup base are only
 * touched when a confining policy matched. */
int bvh_admit(const char *config_dir, const struct bvh_login *login,
	      const char *exec_boundary, struct bvh_admission *a,
	      struct bv_err *err) BV_MUST_CHECK;

/* The facts that a spec is decided on: bvh_probe(), and what takes a trial that
 * only some policies are worth. first: of an earlier probe for the same spec, or
 * NULL; its trial is not done again, because what follows is the thing itself. */
int bvh_probe_spec(const struct bvh_cgroup_base *base,
		   const char *exec_boundary, const struct bv_spec *spec,
		   const struct bv_snapshot *first, struct bv_snapshot *ret,
		   struct bv_err *err) BV_MUST_CHECK;

/* The same with one given policy file (bvisorctl run --policy FILE): its
 * [match] is not consulted. The file need not be root's. */
int bvh_admit_file(const char *policy_path, const struct bvh_login *login,
		   const char *exec_boundary, struct bvh_admission *a,
		   struct bv_err *err) BV_MUST_CHECK;

#endif
