/* SPDX-License-Identifier: MIT */
/* A snapshot as a document of its own. */
#include "core/decode.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

struct document {
	struct bv_snapshot facts;
};
static const struct bv_shape_row document_rows[] = {
	BV_ROW_SCHEMA(BV_SNAPSHOT_SCHEMA),
	BV_ROW_FACTS("facts", document, facts),
};
BV_SHAPE(document_shape, document_rows, document, NULL);

int bv_snapshot_encode(const struct bv_snapshot *snap, char **ret_json,
		       struct bv_err *err)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;

	failed |= bv_json_put(o, "schema", json_integer(BV_SNAPSHOT_SCHEMA));
	failed |= bv_json_put(o, "facts", bv_json_facts(snap));
	return bv_json_finish(bv_json_whole(o, failed), "snapshot", ret_json,
			      err);
}

int bv_snapshot_identity(const struct bv_snapshot *snap, char ret[65],
			 struct bv_err *err)
{
	char *json;
	int code = bv_snapshot_encode(snap, &json, err);

	if (code != BV_OK)
		return code;
	bv_identity_hex(BV_IDENTITY_SNAPSHOT, json, strlen(json), ret);
	free(json);
	return BV_OK;
}

int bv_snapshot_decode(struct bv_arena *arena, const void *bytes, size_t len,
		       struct bv_snapshot *ret, struct bv_err *err)
{
	struct document document;
	int code = bv_shape_load(arena, "snapshot", &document_shape, bytes, len,
				 &document, err);

	if (code == BV_OK)
		*ret = document.facts;
	return code;
}
