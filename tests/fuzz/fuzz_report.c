/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any bytes as a sealed report; and, since nobody finds a seal by
 * chance, the same document with the seal it ought to have.
 */
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "core/json.h"
#include "core/report_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is true of any report that verifies. */
static void check_view(const struct bv_report_view *v)
{
	if (strlen(v->session_id) != BV_SESSION_ID_LEN ||
	    (v->plan_id == NULL) != (v->budgets.n == 0) ||
	    v->has_outcome != (v->state == BV_REPORT_CLOSED) ||
	    v->findings.n > BV_REPORT_FINDING_MAX ||
	    v->observed.n > BV_OBSERVED_MAX)
		abort();
	for (size_t i = 1; i < v->findings.n; i++)
		if (strcmp(v->findings.v[i - 1].about, v->findings.v[i].about) >
		    0)
			abort();
	for (size_t i = 0; i < v->budgets.n; i++)
		if ((unsigned int)v->budgets.v[i].finding >= BV_FINDING_N)
			abort();
}

static int look(const void *bytes, size_t len)
{
	struct bv_report_view view;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	int code;

	bv_arena_init(&arena, 8u << 20);
	code = bv_report_decode(&arena, bytes, len, &view, &err);
	if (code == BV_OK)
		check_view(&view);
	else if (err.msg[0] == '\0')
		abort();
	bv_arena_done(&arena);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char digest[65];
	json_t *value = NULL;
	char *text = NULL;

	if (look(data, size) == BV_OK &&
	    bv_report_verify(data, size, NULL) != BV_OK)
		abort();
	if (bv_canon_load(data, size, &value, NULL) != BV_OK)
		return 0;
	if (json_is_object(value)) {
		json_object_del(value, "sha256");
		if (bv_json_finish(json_incref(value), "t", &text, NULL) !=
		    BV_OK)
			abort();
		bv_identity_hex(BV_IDENTITY_REPORT, text, strlen(text), digest);
		free(text);
		json_object_set_new(value, "sha256", json_string(digest));
		if (bv_json_finish(json_incref(value), "t", &text, NULL) !=
		    BV_OK)
			abort();
		(void)look(text, strlen(text));
		free(text);
	}
	json_decref(value);
	return 0;
}
