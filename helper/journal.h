/* SPDX-License-Identifier: MIT */
/*
 * This machine's journal: <state_dir>/journal.db, in a directory that is ours
 * alone. What the guardian, the service and bvisorctl append goes through here.
 */
#ifndef BVH_JOURNAL_H
#define BVH_JOURNAL_H

#include "ledger/journal.h"

#define BVH_BOOT_ID_LEN 36u

/* Of the boot that runs: with it a pid and its start time are an identity. */
int bvh_boot_id(char ret[BVH_BOOT_ID_LEN + 1],
		struct bv_err *err) BV_MUST_CHECK;

/* The directory of the journal without symbolic links, checked to be ours. */
int bvh_journal_dir(const char *state_dir, char *ret, size_t ret_len,
		    struct bv_err *err) BV_MUST_CHECK;

int bvh_journal_open(const char *state_dir, enum bvl_mode mode,
		     unsigned int wait_ms, struct bvl_journal **ret,
		     struct bv_err *err) BV_MUST_CHECK;

/* Open, append, close: durable when it returns BV_OK. boot_id and unix_us of
 * the events are filled in. ret_head may be NULL. */
int bvh_journal_say(const char *state_dir, unsigned int wait_ms,
		    struct bv_event *events, size_t n,
		    struct bvl_head *ret_head,
		    struct bv_err *err) BV_MUST_CHECK;

/* The same for events of a session that was started: BV_E_INVAL when this journal
 * has no row of it, and nothing is appended. */
int bvh_journal_say_more(const char *state_dir, unsigned int wait_ms,
			 const char *session, struct bv_event *events, size_t n,
			 struct bvl_head *ret_head,
			 struct bv_err *err) BV_MUST_CHECK;

/* "journal=SEQ:HASH" for a log line: the chain's head, seen elsewhere. */
struct bvh_head_text {
	char text[96];
};
const char *bvh_journal_head_text(const struct bvl_head *head,
				  struct bvh_head_text *ret);

#endif
