/* SPDX-License-Identifier: MIT */
/* What log, show, export, verify and recover share. */
#ifndef BVH_CTL_JOURNAL_H
#define BVH_CTL_JOURNAL_H

#include "helper/journal.h"

#include <jansson.h>
#include <limits.h>

#define BVH_CTL_JOURNAL_WAIT_MS 5000u

/* The configured directories. A broken bvisor.conf is no reason not to look: the
 * defaults are used then, and that is said on stderr. What removes or judges must
 * not go by them. */
struct bvh_ctl_dirs {
	struct bv_arena arena;
	struct bv_config config;
	bool defaults; /* for bvisor.conf is broken */
};
int bvh_ctl_dirs(const char *config_dir, struct bvh_ctl_dirs *ret,
		 struct bv_err *err) BV_MUST_CHECK;
void bvh_ctl_dirs_done(struct bvh_ctl_dirs *dirs);

/* The same for what must not go by the defaults: a broken bvisor.conf is an error. */
int bvh_ctl_dirs_exact(const char *config_dir, struct bvh_ctl_dirs *ret,
		       struct bv_err *err) BV_MUST_CHECK;

/* The journal for reading; *ret NULL with BV_OK: there is none yet. One that was there
 * and is gone is an error. */
int bvh_ctl_journal(const struct bvh_ctl_dirs *dirs, struct bvl_journal **ret,
		    struct bv_err *err) BV_MUST_CHECK;

/* All rows. One behind `after` that does not decode is said on stderr and counted, one
 * before it passed over; the rest is given all the same. */
int bvh_ctl_rows(struct bvl_journal *j, uint64_t after, bvl_row_fn fn,
		 void *arg, size_t *ret_damaged,
		 struct bv_err *err) BV_MUST_CHECK;

/* "90s", "2h", "3d": so long ago; "2026-11-27", "2026-11-27 14:30[:05]": local
 * time. */
bool bvh_ctl_since(const char *text, uint64_t *ret_unix_us);

/* "2026-11-27 14:30:05", local; and as RFC 3339 in UTC with microseconds. */
const char *bvh_ctl_time(uint64_t unix_us, char ret[32]);
const char *bvh_ctl_time_utc(uint64_t unix_us, char ret[40]);

/* Whose session it was, in the encoding of the chain (bv_json_escape): filled by
 * `started` and `refusal`, asked by the rest. "" not known. */
const char *bvh_ctl_user_of(json_t *users, const struct bv_event *event);

/* The event as it stands in the chain, and "seq", "hash" and "user". */
json_t *bvh_ctl_row_json(const struct bvl_row *row, const char *user);

/* One line on what it says: "outcome completed". */
void bvh_ctl_event_text(const struct bv_event *event, char *ret,
			size_t ret_len);

#endif
