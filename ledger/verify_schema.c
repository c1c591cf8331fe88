/* SPDX-License-Identifier: MIT */
/* The schema, word for word: a guard that was dropped is seen before its rows
 * are. */
#include "ledger/verify_internal.h"

#include <string.h>

static const struct bvl_schema_item *item_of(const char *name)
{
	for (size_t i = 0; i < bvl_schema_n; i++)
		if (strcmp(bvl_schema[i].name, name) == 0)
			return &bvl_schema[i];
	return NULL;
}

static const char *text(sqlite3_stmt *s, int at)
{
	const char *t = (const char *)sqlite3_column_text(s, at);

	return t == NULL ? "" : t;
}

static void check_item(struct bvl_walk *w, sqlite3_stmt *s, uint32_t *seen)
{
	const char *type = text(s, 0);
	const char *name = text(s, 1);
	const struct bvl_schema_item *item = item_of(name);

	if (item == NULL) {
		bvl_found(w, BVL_FAULT_SCHEMA_FOREIGN, 0, "a %.40s '%.80s'",
			  type, name);
		return;
	}
	*seen |= UINT32_C(1) << (item - bvl_schema);
	if (strcmp(item->type, type) != 0 || strcmp(item->sql, text(s, 2)) != 0)
		bvl_found(w, BVL_FAULT_SCHEMA_CHANGED, 0,
			  "%.40s '%.80s' is now: %.160s", type, name,
			  text(s, 2));
}

static int check_number(struct bvl_walk *w, const char *pragma, int64_t want,
			struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(&w->j, pragma, &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return bvl_sql_fail(&w->j, rc, pragma, err);
	if (sqlite3_column_int64(s, 0) != want)
		bvl_found(w, BVL_FAULT_VERSION, 0, "%s is %lld, not %lld",
			  pragma, (long long)sqlite3_column_int64(s, 0),
			  (long long)want);
	return BV_OK;
}

static int check_log(struct bvl_walk *w, struct bv_err *err)
{
	bool has = false;
	int code = bvl_has_log(&w->j, &has, err);

	if (code == BV_OK && !has)
		bvl_found(w, BVL_FAULT_SCHEMA_CHANGED, 0,
			  "it was set to go on without its write-ahead log "
			  "(PRAGMA journal_mode)");
	return code;
}

int bvl_verify_schema(struct bvl_walk *w, struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	uint32_t seen = 0;
	int code = check_number(w, "PRAGMA application_id", BVL_APPLICATION_ID,
				err);
	int rc;

	if (code == BV_OK)
		code = check_number(w, "PRAGMA user_version",
				    BVL_SCHEMA_VERSION, err);
	if (code == BV_OK)
		code = check_log(w, err);
	if (code == BV_OK)
		code = bvl_sql_prepare(&w->j,
				       "SELECT type, name, sql "
				       "FROM sqlite_schema ORDER BY name",
				       &s, err);
	if (code != BV_OK)
		return code;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		check_item(w, s, &seen);
	if (rc != SQLITE_DONE)
		return bvl_sql_fail(&w->j, rc, "read the schema", err);
	for (size_t i = 0; i < bvl_schema_n; i++) {
		if ((seen & UINT32_C(1) << i) != 0)
			continue;
		bvl_found(w,
			  strcmp(bvl_schema[i].type, "trigger") == 0
				  ? BVL_FAULT_TRIGGER_MISSING
				  : BVL_FAULT_SCHEMA_MISSING,
			  0, "no %s '%s'", bvl_schema[i].type,
			  bvl_schema[i].name);
	}
	return BV_OK;
}
