/* SPDX-License-Identifier: MIT */
/* The scene of a crime: a journal of twelve rows with the reports beside it, and
 * the tools of who may write every file. */
#ifndef BV_TESTS_JOURNAL_SCENE_H
#define BV_TESTS_JOURNAL_SCENE_H

#include "tests/unit/journal_fixture.h"
#include "tests/unit/report_fixture.h"

#include "core/digest.h"
#include "core/report_view.h"

#include <fcntl.h>
#include <sqlite3.h>

#define SESSIONS 6u

struct scene {
	struct stage stage;
	struct bvl_head early; /* seen elsewhere, at row 5 */
	struct bvl_head late;  /* the last */
};

/* A sealed report of that session, on disk; its seal. */
static inline void write_report(const struct stage *s, const char *id,
				const char *reason, char sha256[65])
{
	struct ended e;
	struct bv_report_view view;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	char path[160], name[40];
	char *json;
	FILE *f;

	ended_init(&e);
	memcpy(e.report.session_id, id, 17);
	e.report.reason = reason;
	assert_int_equal(bv_report_encode(&e.report, &json, &err), BV_OK);
	bv_arena_init(&arena, 1 << 20);
	assert_int_equal(
		bv_report_decode(&arena, json, strlen(json), &view, &err),
		BV_OK);
	memcpy(sha256, view.sha256, 65);
	bv_arena_done(&arena);
	snprintf(name, sizeof(name), "sessions/%s.json", id);
	path_in(s, name, path);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", json) > 0 && fclose(f) == 0);
	free(json);
	fixture_done(&e.f);
}

static inline void write_record(const struct stage *s, const char *id,
				char sha256[65])
{
	write_report(s, id, "the session was closed", sha256);
}

/* Rows 1..12: a start and a report of each session in turn. */
static inline void scene_init(struct scene *x)
{
	struct bvl_journal *j;

	stage_init(&x->stage);
	j = open_stage(&x->stage, BVL_APPEND);
	for (unsigned int i = 1; i <= SESSIONS; i++) {
		char id[17], sha256[65];
		struct bv_event e;

		id_of(i, id);
		write_record(&x->stage, id, sha256);
		e = started_event(id);
		append(j, &e);
		if (i == 3)
			x->early = *bvl_journal_head(j);
		e = report_event(id, sha256);
		append(j, &e);
	}
	x->late = *bvl_journal_head(j);
	bvl_journal_close(&j);
}

/* --- tools of the trade ---------------------------------------------------------- */

static inline sqlite3 *raw(const struct scene *x)
{
	char path[160];
	sqlite3 *db = NULL;

	path_in(&x->stage, "journal.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static inline void sql(const struct scene *x, const char *text)
{
	sqlite3 *db = raw(x);
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The guards are put back afterwards, word for word. */
static inline void past_guards(const struct scene *x, const char *text)
{
	static const char *const names[] = {
		"event_at_the_end",     "event_no_update",
		"event_no_delete",      "checkpoint_no_update",
		"checkpoint_no_delete",
	};
	char saved[BV_LEN(names)][512];
	sqlite3 *db = raw(x);
	char *why = NULL;

	for (size_t i = 0; i < BV_LEN(names); i++) {
		sqlite3_stmt *s = NULL;
		char drop[80];

		assert_int_equal(
			sqlite3_prepare_v2(db,
					   "SELECT sql FROM sqlite_schema "
					   "WHERE name = ?1",
					   -1, &s, NULL),
			SQLITE_OK);
		sqlite3_bind_text(s, 1, names[i], -1, SQLITE_STATIC);
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
		snprintf(saved[i], sizeof(saved[i]), "%s",
			 (const char *)sqlite3_column_text(s, 0));
		sqlite3_finalize(s);
		snprintf(drop, sizeof(drop), "DROP TRIGGER %s", names[i]);
		assert_int_equal(sqlite3_exec(db, drop, NULL, NULL, NULL),
				 SQLITE_OK);
	}
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	for (size_t i = 0; i < BV_LEN(names); i++)
		assert_int_equal(sqlite3_exec(db, saved[i], NULL, NULL, NULL),
				 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The forger's own hash of a row, from the definition. */
static inline void sql_chain(sqlite3_context *c, int n, sqlite3_value **v)
{
	uint8_t sum[32];
	struct bv_digest d;

	(void)n;
	bv_digest_begin(&d, "bvisor.chain.v1");
	bv_digest_u64(&d, "seq", (uint64_t)sqlite3_value_int64(v[0]));
	bv_digest_bytes(&d, "prev", sqlite3_value_blob(v[1]),
			(size_t)sqlite3_value_bytes(v[1]));
	bv_digest_bytes(&d, "event", sqlite3_value_blob(v[2]),
			(size_t)sqlite3_value_bytes(v[2]));
	bv_digest_end(&d, sum);
	sqlite3_result_blob(c, sum, sizeof(sum), SQLITE_TRANSIENT);
}

/* From row `from` on, the chain is made to fit again. */
static inline void rechain(const struct scene *x, int64_t from)
{
	sqlite3 *db = raw(x);

	assert_int_equal(sqlite3_create_function(db, "chain", 3, SQLITE_UTF8,
						 NULL, sql_chain, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TRIGGER event_no_update", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	for (int64_t seq = from; seq <= 12; seq++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "UPDATE event SET prev = coalesce((SELECT hash FROM "
			 "event WHERE seq = %lld), prev) WHERE seq = %lld; "
			 "UPDATE event SET hash = chain(seq, prev, bytes) "
			 "WHERE seq = %lld",
			 (long long)seq - 1, (long long)seq, (long long)seq);
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL),
				 SQLITE_OK);
	}
	assert_int_equal(
		sqlite3_exec(db,
			     "CREATE TRIGGER event_no_update BEFORE UPDATE ON "
			     "event BEGIN SELECT RAISE(ABORT, 'rows are never "
			     "changed'); END",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline void checkpoint_wal(const struct scene *x)
{
	sql(x, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static inline void scribble(const struct scene *x, const char *name, off_t at,
			    const void *bytes, size_t len)
{
	char path[160];
	int fd;

	path_in(&x->stage, name, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static inline void remove_file(const struct scene *x, const char *name)
{
	char path[160];

	path_in(&x->stage, name, path);
	assert_int_equal(unlink(path), 0);
}

/* The head file is brought along too: only a head seen elsewhere tells. */
static inline void fix_head(const struct scene *x)
{
	sqlite3 *db = raw(x);
	sqlite3_stmt *s = NULL;
	char line[160], hex[65];

	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT seq, hash FROM event "
					    "ORDER BY seq DESC LIMIT 1",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	bv_digest_hex(sqlite3_column_blob(s, 1), hex);
	snprintf(line, sizeof(line), "bvisor-journal-head 1 %020lld %s\n",
		 (long long)sqlite3_column_int64(s, 0), hex);
	sqlite3_finalize(s);
	sqlite3_close(db);
	scribble(x, "journal.head", 0, line, strlen(line));
}

static inline void prune_six(const struct scene *x)
{
	struct bvl_journal *j = open_stage(&x->stage, BVL_APPEND);
	const struct bvl_keep keep = { .age_us = 1 };
	struct bv_event e = started_event("00000000000000ff");
	struct bv_err err = { 0 };
	uint64_t removed = 0;

	/* An open session holds everything behind its start. */
	append(j, &e);
	e = report_event("00000000000000ff", PLAN_B);
	append(j, &e);
	assert_int_equal(
		bvl_journal_prune(j, &keep, UINT64_C(1) << 60, &removed, &err),
		BV_OK);
	assert_int_equal(removed, 14);
	for (unsigned int i = 0x20; i < 0x24; i++) {
		char id[17];

		id_of(i, id);
		e = started_event(id);
		append(j, &e);
	}
	bvl_journal_close(&j);
}

/* What the log says of the last pruning. */
static inline struct bvl_head checkpoint_head(const struct scene *x)
{
	struct bvl_head head = { .seq = 0 };
	sqlite3 *db = raw(x);
	sqlite3_stmt *s = NULL;

	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT seq, hash FROM checkpoint "
					    "ORDER BY seq DESC LIMIT 1",
					    -1, &s, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	head.seq = (uint64_t)sqlite3_column_int64(s, 0);
	bv_digest_hex(sqlite3_column_blob(s, 1), head.hash);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return head;
}

/* A checkpoint that seals itself, as anybody can make one. */
static inline void forge_checkpoint(const struct scene *x,
				    const struct bvl_head *at, uint64_t removed)
{
	static const uint8_t none[32];
	uint8_t hash[32], seal[32];
	struct bv_digest d;
	char hex[65], text[320];

	for (size_t i = 0; i < sizeof(hash); i++) {
		char two[3] = { at->hash[2 * i], at->hash[2 * i + 1], '\0' };

		hash[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	bv_digest_begin(&d, "bvisor.checkpoint.v1");
	bv_digest_u64(&d, "seq", at->seq);
	bv_digest_bytes(&d, "hash", hash, 32);
	bv_digest_u64(&d, "unix_us", 1700000000000003);
	bv_digest_u64(&d, "removed", removed);
	bv_digest_bytes(&d, "prev", none, 32);
	bv_digest_end(&d, seal);
	bv_digest_hex(seal, hex);
	snprintf(text, sizeof(text),
		 "INSERT INTO checkpoint VALUES(%llu, x'%.64s', "
		 "1700000000000003, %llu, zeroblob(32), x'%s')",
		 (unsigned long long)at->seq, at->hash,
		 (unsigned long long)removed, hex);
	past_guards(x, text);
}

static inline void put_head(const struct scene *x, const struct bvl_head *head)
{
	char line[160];

	snprintf(line, sizeof(line), "bvisor-journal-head 1 %020llu %.64s\n",
		 (unsigned long long)head->seq, head->hash);
	scribble(x, "journal.head", 0, line, strlen(line));
}

/* Every row and report gone behind a checkpoint of an invented hash, and the head
 * with them: by itself it is a journal whose house was kept. */
static inline void forge_everything(const struct scene *x)
{
	struct bvl_head at = { .seq = 13 };

	memset(at.hash, 'b', 64);
	past_guards(x, "DELETE FROM event");
	forge_checkpoint(x, &at, 13);
	put_head(x, &at);
	for (unsigned int i = 1; i <= SESSIONS; i++) {
		char name[40];

		snprintf(name, sizeof(name), "sessions/%016x.json", i);
		remove_file(x, name);
	}
}

#endif
