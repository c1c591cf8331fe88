/* SPDX-License-Identifier: MIT */
/*
 * After whatever died: each session that the journal has open, or whose state
 * file says so, and that has no guardian any more, is looked at as it really is
 * (leader, leaf, report), judged by core/recovery alone, and treated so. Every
 * finding is an event in the journal; nothing is repaired silently. A guardian
 * that lives holds the lock of its session's report, so no pid is believed
 * alone: a leader is (boot, pid, start time).
 */
#ifndef BVH_RECOVER_H
#define BVH_RECOVER_H

#include "core/recovery.h"
#include "helper/cgroup.h"
#include "helper/journal.h"
#include "helper/session.h"

/* One session that was found without a guardian. */
struct bvh_recovered {
	char id[BV_SESSION_ID_LEN + 1];
	char user[256]; /* "" not known */
	struct bv_recovery what;
	uint64_t swept;
	bool folded;          /* its sealed report went into the journal */
	bool completed;       /* its open report was ended and sealed */
	bool recorded;        /* the journal has taken what was found */
	struct bvl_head head; /* where; seq 0: not */
	int code;             /* what could not be done, else BV_OK */
	char why_not[BV_ERR_MSG_MAX];
};
typedef void (*bvh_recovered_fn)(void *arg, const struct bvh_recovered *found);

struct bvh_recover {
	const struct bv_config *config;
	const struct bvh_cgroup_base *base;
	unsigned int wait_ms;   /* for other recoveries, and for the journal */
	const char *only;       /* this session, by its id; NULL: all */
	uint64_t swept;         /* … of which so much is swept already */
	bool house;             /* retention and reports of the removed too */
	bvh_recovered_fn found; /* may be NULL; syslog is told anyway */
	void *arg;
};

struct bvh_recover_sum {
	size_t adopted; /* living on, each time it is looked */
	size_t ended;   /* rolled back, or completed */
	size_t refused; /* a person has to look */
	size_t failed;
	uint64_t swept;
	uint64_t removed; /* rows of the journal, by age or size */
};

/* BV_OK: everybody was looked at; the sum tells what was found. An error of the
 * journal is returned after the sweeping, which goes on without it. */
int bvh_recover(const struct bvh_recover *how, struct bvh_recover_sum *ret,
		struct bv_err *err) BV_MUST_CHECK;

/* At the end of a session: the same, unless somebody did it just now. */
void bvh_recover_if_due(const struct bv_config *config,
			const struct bvh_cgroup_base *base);

#endif
