/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a canonical document. What loads is written again as
 * the same bytes; what decodes as a plan, a snapshot or an event agrees with
 * them, and an event is written again as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "core/decode.h"
#include "core/event.h"
#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_bytes(const uint8_t *data, size_t size, char *again)
{
	if (strlen(again) != size || memcmp(again, data, size) != 0)
		abort();
	free(again);
}

/* No code but these, and never without a word. */
static void expect_refused(int code, const struct bv_err *err)
{
	if ((code != BV_E_PROTO && code != BV_E_LIMIT && code != BV_E_CONF &&
	     code != BV_E_UNSUPPORTED && code != BV_E_NOMEM) ||
	    err->msg[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bv_plan_view plan;
	struct bv_snapshot snap;
	struct bv_event event;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	json_t *value = NULL;
	char *again = NULL;
	const int code = bv_canon_load(data, size, &value, &err);

	bv_arena_init(&arena, 8u << 20);
	if (code != BV_OK) {
		expect_refused(code, &err);
	} else {
		if (bv_json_finish(value, "again", &again, &err) != BV_OK)
			abort();
		same_bytes(data, size, again);
	}
	if (bv_plan_decode(&arena, data, size, &plan, &err) == BV_OK &&
	    (code != BV_OK || strlen(plan.id) != BV_PLAN_ID_LEN))
		abort();
	if (bv_snapshot_decode(&arena, data, size, &snap, &err) == BV_OK) {
		if (bv_snapshot_encode(&snap, &again, &err) != BV_OK)
			abort();
		same_bytes(data, size, again);
	}
	err = (struct bv_err){ 0 };
	if (bv_event_decode(&arena, data, size, &event, &err) == BV_OK) {
		if (bv_event_encode(&event, &again, &err) != BV_OK)
			abort();
		same_bytes(data, size, again);
	} else if (err.msg[0] == '\0') {
		abort();
	}
	bv_arena_done(&arena);
	return 0;
}
