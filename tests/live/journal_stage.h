/* SPDX-License-Identifier: MIT */
/* The stage of the guardians with its journal, read by ourselves, and recovery,
 * called here and now. */
#ifndef BV_TESTS_LIVE_JOURNAL_STAGE_H
#define BV_TESTS_LIVE_JOURNAL_STAGE_H

#include "helper/recover.h"
#include "ledger/journal_verify.h"
#include "tests/live/guard_stage.h"

#include <sqlite3.h>
#include <sys/file.h>

#define JOURNAL STATE_DIR "/journal.db"

/* --- the journal, read by ourselves ------------------------------------------------ */

static inline sqlite3 *raw(void)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(JOURNAL, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 30000);
	return db;
}

/* The rows of a session in order, "started report". */
static inline void kinds_of(const char *session, char ret[256])
{
	sqlite3 *db = raw();
	sqlite3_stmt *s = NULL;

	ret[0] = '\0';
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT kind FROM event WHERE "
					    "session = ?1 ORDER BY seq",
					    -1, &s, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(s, 1, session, -1, SQLITE_STATIC);
	while (sqlite3_step(s) == SQLITE_ROW)
		snprintf(ret + strlen(ret), 256 - strlen(ret), "%s%s",
			 ret[0] == '\0' ? "" : " ",
			 (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
}

#define assert_kinds(session, want)                                            \
	do {                                                                   \
		char got_[256];                                                \
		kinds_of(session, got_);                                       \
		assert_string_equal(got_, want);                               \
	} while (0)

/* The last row of that kind of a session, as JSON. */
static inline json_t *row_of(const char *session, const char *kind)
{
	sqlite3 *db = raw();
	sqlite3_stmt *s = NULL;
	json_t *o = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT bytes FROM event WHERE session = "
				   "?1 AND kind = ?2 ORDER BY seq DESC LIMIT 1",
				   -1, &s, NULL),
		SQLITE_OK);
	sqlite3_bind_text(s, 1, session, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, kind, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		o = json_loadb(sqlite3_column_blob(s, 0),
			       (size_t)sqlite3_column_bytes(s, 0), 0, NULL);
	sqlite3_finalize(s);
	sqlite3_close(db);
	if (o == NULL)
		fail_msg("session %s has no '%s'", session, kind);
	return o;
}

static inline void assert_member(const char *session, const char *kind,
				 const char *key, const char *want)
{
	json_t *o = row_of(session, kind);
	const char *got = json_string_value(json_object_get(o, key));

	assert_non_null(got);
	assert_string_equal(got, want);
	json_decref(o);
}

static inline void on_finding(void *arg, const struct bvl_finding *f)
{
	(void)arg;
	print_message("# %s: %s\n", bvl_fault_name(f->fault), f->text);
}

static inline void assert_sound(void)
{
	const struct bvl_verify what = {
		.dir = STATE_DIR,
		.records_dir = STATE_DIR "/sessions",
		.found = on_finding,
	};
	struct bvl_verdict verdict;
	struct bv_err err = { 0 };

	if (bvl_journal_verify(&what, &verdict, &err) != BV_OK)
		fail_msg("verify: %s", err.msg);
	assert_int_equal(verdict.findings, 0);
}

/* Sessions that the journal has open. */
static inline size_t count_open(void)
{
	struct bvl_session_id *open = NULL;
	struct bvl_journal *j = NULL;
	size_t n = 99;

	assert_int_equal(bvh_journal_open(STATE_DIR, BVL_READ, 30000, &j, NULL),
			 BV_OK);
	assert_int_equal(bvl_journal_open_sessions(j, &open, &n, NULL), BV_OK);
	bvl_journal_close(&j);
	free(open);
	return n;
}

/* --- recovery, here and now ---------------------------------------------------------- */

static struct bvh_recovered last_found;

static inline void on_recovered(void *arg, const struct bvh_recovered *found)
{
	const char *id = arg;

	if (id == NULL || strcmp(found->id, id) == 0)
		last_found = *found;
}

static inline struct bvh_recover_sum recover_for(const char *id)
{
	static char argument[64];
	const struct bv_config config = { .state_dir = STATE_DIR,
					  .run_dir = RUN_DIR };
	struct bvh_cgroup_base base;
	struct bvh_recover_sum sum;
	struct bv_err err = { 0 };

	snprintf(argument, sizeof(argument), "%s", id);
	memset(&last_found, 0, sizeof(last_found));
	assert_int_equal(bvh_cgroup_base_find(env.base, &base, &err), BV_OK);
	const struct bvh_recover how = {
		.config = &config,
		.base = &base,
		.wait_ms = 30000,
		.house = true,
		.found = on_recovered,
		.arg = argument,
	};

	if (bvh_recover(&how, &sum, &err) != BV_OK)
		fail_msg("recover: %s", err.msg);
	bvh_cgroup_base_done(&base);
	return sum;
}

static inline void kill_guardian(const struct leader *l)
{
	pid_t guardian = guardian_of(l);

	assert_int_equal(kill(guardian, SIGKILL), 0);
	eventually(is_dead(guardian));
}

/* `started` rows whose leader is a number that somebody else has now. */
static inline void plant(const char *id, const char *boot_id, pid_t pid,
			 uint64_t start_time)
{
	const struct bv_event e = {
		.kind = BV_EVENT_STARTED,
		.session = id,
		.boot_id = boot_id,
		.unix_us = 1,
		.started = { .plan_id = "00112233445566778899aabbccddeeff"
					"00112233445566778899aabbccddeeff",
			     .policy = "alice",
			     .user = "bvt-alice",
			     .leader_pid = (uint64_t)pid,
			     .leader_start = start_time },
	};
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };

	if (bvh_journal_open(STATE_DIR, BVL_APPEND, 5000, &j, &err) != BV_OK ||
	    bvl_journal_append(j, &e, &err) != BV_OK)
		fail_msg("%s", err.msg);
	bvl_journal_close(&j);
}

#endif
