/* SPDX-License-Identifier: MIT */
/* The end of a report, written by somebody else than who began it. */
#include "core/report.h"

#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "core/json.h"
#include "core/report_view.h"

static bool is_open(const json_t *report)
{
	const char *state = json_string_value(json_object_get(report, "state"));

	return state != NULL && strcmp(state, "open") == 0;
}

static int observe(json_t *report, const char *detail)
{
	json_t *all = json_object_get(report, "observed");
	json_t *o;
	int failed;

	if (json_array_size(all) >= BV_OBSERVED_MAX)
		return 0; /* the reason says it as well */
	o = json_object();
	failed = o == NULL ? -1 : 0;
	failed |= bv_json_put(o, "kind", json_string("recovered"));
	failed |= bv_json_put(o, "detail", bv_json_text(detail));
	return json_array_append_new(all, bv_json_whole(o, failed));
}

static int close_report(json_t *report, const struct bv_closure *how)
{
	int failed = json_object_del(report, "sha256");

	failed |= bv_json_put(report, "state", json_string("closed"));
	failed |= bv_json_put(report, "closed_unix_us",
			      bv_json_u64(how->closed_unix_us));
	failed |= bv_json_put(report, "outcome",
			      json_string(bv_outcome_name(how->outcome)));
	failed |= bv_json_put(report, "reason", bv_json_text(how->reason));
	failed |= observe(report, how->detail);
	return failed;
}

/* A reference to report stays the caller's. */
static int seal(json_t *report, char sha256[65], char **ret_json,
		struct bv_err *err)
{
	char *text = NULL;
	int code = bv_json_finish(json_incref(report), "report", &text, err);

	if (code != BV_OK)
		return code;
	bv_identity_hex(BV_IDENTITY_REPORT, text, strlen(text), sha256);
	free(text);
	if (bv_json_put(report, "sha256", json_string(sha256)) != 0)
		return bv_fail(err, BV_E_NOMEM, "seal report: no memory");
	return bv_json_finish(json_incref(report), "report", ret_json, err);
}

int bv_report_complete(const void *bytes, size_t len,
		       const struct bv_closure *how, char **ret_json,
		       char ret_sha256[65], struct bv_err *err)
{
	json_t *report = NULL;
	char *json = NULL;
	int code = bv_report_verify(bytes, len, err);

	if (code == BV_OK)
		code = bv_canon_load(bytes, len, &report, err);
	if (code == BV_OK && !is_open(report))
		code = bv_fail(err, BV_E_INVAL, "the report is closed already");
	if (code == BV_OK && close_report(report, how) != 0)
		code = bv_fail(err, BV_E_NOMEM, "close report: no memory");
	if (code == BV_OK)
		code = seal(report, ret_sha256, &json, err);
	json_decref(report);
	if (code == BV_OK)
		code = bv_report_verify(json, strlen(json), err);
	if (code != BV_OK) {
		free(json);
		return bv_ctx(err, "complete the report");
	}
	*ret_json = json;
	return BV_OK;
}
