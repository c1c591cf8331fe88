/* SPDX-License-Identifier: MIT */
/*
 * What the database is made of. A row is added at the end and never changed; a
 * row is removed only below a sealed checkpoint. The triggers stop accidents and
 * tools; that nothing was changed is what the chain shows.
 */
#include "ledger/journal_internal.h"

#include "core/err.h"

/* kind and session are copies out of bytes, to find rows by; verified. */
const struct bvl_schema_item bvl_schema[] = {
	{ "table", "event",
	  "CREATE TABLE event("
	  "seq INTEGER PRIMARY KEY CHECK(seq > 0), "
	  "prev BLOB NOT NULL CHECK(length(prev) = 32), "
	  "hash BLOB NOT NULL CHECK(length(hash) = 32), "
	  "kind TEXT NOT NULL, "
	  "session TEXT NOT NULL, "
	  "bytes BLOB NOT NULL) STRICT" },
	{ "table", "checkpoint",
	  "CREATE TABLE checkpoint("
	  "seq INTEGER PRIMARY KEY CHECK(seq > 0), "
	  "hash BLOB NOT NULL CHECK(length(hash) = 32), "
	  "unix_us INTEGER NOT NULL, "
	  "removed INTEGER NOT NULL, "
	  "prev BLOB NOT NULL CHECK(length(prev) = 32), "
	  "seal BLOB NOT NULL CHECK(length(seal) = 32)) STRICT" },
	{ "index", "event_session",
	  "CREATE INDEX event_session ON event(session, kind)" },
	{ "trigger", "event_at_the_end",
	  "CREATE TRIGGER event_at_the_end BEFORE INSERT ON event "
	  "WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM event), "
	  "(SELECT max(seq) FROM checkpoint), 0) "
	  "BEGIN SELECT RAISE(ABORT, 'rows are added at the end'); END" },
	{ "trigger", "event_no_update",
	  "CREATE TRIGGER event_no_update BEFORE UPDATE ON event "
	  "BEGIN SELECT RAISE(ABORT, 'rows are never changed'); END" },
	{ "trigger", "event_no_delete",
	  "CREATE TRIGGER event_no_delete BEFORE DELETE ON event "
	  "WHEN OLD.seq > coalesce((SELECT max(seq) FROM checkpoint), 0) "
	  "BEGIN SELECT RAISE(ABORT, 'no checkpoint seals this row'); END" },
	{ "trigger", "checkpoint_no_update",
	  "CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint "
	  "BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END" },
	{ "trigger", "checkpoint_no_delete",
	  "CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint "
	  "BEGIN SELECT RAISE(ABORT, 'checkpoints are never removed'); END" },
};
const size_t bvl_schema_n = BV_LEN(bvl_schema);
