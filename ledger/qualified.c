/* SPDX-License-Identifier: MIT */
/* The run record: encoded, decoded and weighed. */
#include "ledger/qualified.h"

#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/json.h"
#include "core/shape.h"

#define WHAT   "qualification"
#define DOMAIN "bvisor.qualification.v1"
#define REMEDY "run `bvisorctl qualify`"

static const char *const result_names[] = {
	[BVL_PASS] = "pass",
	[BVL_FAIL] = "fail",
	[BVL_SKIP] = "skip",
};
_Static_assert(BV_LEN(result_names) == BVL_RESULT_N, "every result");

const char *bvl_result_name(enum bvl_result r)
{
	return (unsigned int)r < BVL_RESULT_N ? result_names[r] : "?";
}

void bvl_build_digest(const struct bvl_qualified_file *files, size_t n,
		      char ret[65])
{
	uint8_t sum[BV_SHA256_BYTES];
	struct bv_digest d;

	bv_digest_begin(&d, "bvisor.build.v1");
	for (size_t i = 0; i < n; i++) {
		bv_digest_text(&d, "name", files[i].name);
		bv_digest_text(&d, "sha256", files[i].sha256);
	}
	bv_digest_end(&d, sum);
	bv_digest_hex(sum, ret);
}

/* --- encode ---------------------------------------------------------------- */

static json_t *file_json(const struct bvl_qualified_file *f)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;

	failed |= bv_json_put(o, "name", bv_json_text(f->name));
	failed |= bv_json_put(o, "sha256", bv_json_text(f->sha256));
	failed |= bv_json_put(o, "dev", bv_json_u64(f->dev));
	failed |= bv_json_put(o, "ino", bv_json_u64(f->ino));
	failed |= bv_json_put(o, "size", bv_json_u64(f->size));
	failed |= bv_json_put(o, "mtime_ns", bv_json_u64(f->mtime_ns));
	failed |= bv_json_put(o, "ctime_ns", bv_json_u64(f->ctime_ns));
	return bv_json_whole(o, failed);
}

static json_t *row_json(const struct bvl_qualified_row *r)
{
	json_t *o = json_object();
	int failed = o ? 0 : -1;

	failed |= bv_json_put(o, "row", bv_json_text(r->row));
	failed |= bv_json_put(o, "mechanism", bv_json_text(r->mechanism));
	failed |= bv_json_put(o, "result",
			      json_string(bvl_result_name(r->result)));
	failed |= bv_json_put(o, "reason", bv_json_text(r->reason));
	return bv_json_whole(o, failed);
}

static int add(json_t *array, json_t *value)
{
	return value ? json_array_append_new(array, value) : -1;
}

static json_t *all_json(const struct bvl_qualified *q)
{
	json_t *o = json_object(), *files = json_array(), *rows = json_array();
	char build[65];
	int failed = o && files && rows ? 0 : -1;

	bvl_build_digest(q->files.v, q->files.n, build);
	for (size_t i = 0; files && i < q->files.n; i++)
		failed |= add(files, file_json(&q->files.v[i]));
	for (size_t i = 0; rows && i < q->rows.n; i++)
		failed |= add(rows, row_json(&q->rows.v[i]));
	failed |= bv_json_put(o, "schema", json_integer(BVL_QUALIFIED_SCHEMA));
	failed |= bv_json_put(o, "kernel", bv_json_text(q->kernel));
	failed |= bv_json_put(o, "version", bv_json_text(q->version));
	failed |= bv_json_put(o, "arch", bv_json_text(q->arch));
	failed |= bv_json_put(o, "boot_id", bv_json_text(q->boot_id));
	failed |= bv_json_put(o, "unix_us", bv_json_u64(q->unix_us));
	failed |= bv_json_put(o, "build", bv_json_text(build));
	failed |= bv_json_put(o, "files", files);
	failed |= bv_json_put(o, "facts", bv_json_facts(&q->facts));
	failed |= bv_json_put(o, "rows", rows);
	return bv_json_whole(o, failed);
}

/* Of the record's bytes without the seal itself. */
static int seal_of(json_t *unsealed, char ret[65], struct bv_err *err)
{
	uint8_t sum[BV_SHA256_BYTES];
	char *bytes = NULL;
	SHA2_CTX sha;
	int code = bv_json_finish(json_incref(unsealed), WHAT, &bytes, err);

	if (code != BV_OK)
		return code;
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)DOMAIN, sizeof(DOMAIN));
	SHA256Update(&sha, (const uint8_t *)bytes, strlen(bytes));
	SHA256Final(sum, &sha);
	free(bytes);
	bv_digest_hex(sum, ret);
	return BV_OK;
}

int bvl_qualified_encode(const struct bvl_qualified *q, char **ret_json,
			 char ret_sha256[65], struct bv_err *err)
{
	json_t *o = all_json(q);
	int code;

	if (o == NULL)
		return bv_fail(err, BV_E_NOMEM, WHAT ": no memory");
	code = seal_of(o, ret_sha256, err);
	if (code == BV_OK &&
	    bv_json_put(o, "sha256", bv_json_text(ret_sha256)) != 0)
		code = bv_fail(err, BV_E_NOMEM, WHAT ": no memory");
	if (code == BV_OK)
		return bv_json_finish(o, WHAT, ret_json, err);
	json_decref(o);
	return code;
}

/* --- decode ---------------------------------------------------------------- */

static const char *result_name(unsigned int v)
{
	return bvl_result_name((enum bvl_result)v);
}
static const struct bv_shape_set results = { result_name, BVL_RESULT_N };

static const struct bv_shape_row file_rows[] = {
	BV_ROW_TEXT("name", bvl_qualified_file, name, 1, 32),
	BV_ROW_TEXT("sha256", bvl_qualified_file, sha256, 0, 64),
	BV_ROW_U64("dev", bvl_qualified_file, dev, INT64_MAX),
	BV_ROW_U64("ino", bvl_qualified_file, ino, INT64_MAX),
	BV_ROW_U64("size", bvl_qualified_file, size, INT64_MAX),
	BV_ROW_U64("mtime_ns", bvl_qualified_file, mtime_ns, INT64_MAX),
	BV_ROW_U64("ctime_ns", bvl_qualified_file, ctime_ns, INT64_MAX),
};
BV_SHAPE(file_shape, file_rows, bvl_qualified_file, NULL);

static const struct bv_shape_row row_rows[] = {
	BV_ROW_TEXT("row", bvl_qualified_row, row, 1, 64),
	BV_ROW_HEX("mechanism", 0, bvl_qualified_row, mechanism, 64),
	BV_ROW_NAME("result", bvl_qualified_row, result, &results),
	BV_ROW_TEXT("reason", bvl_qualified_row, reason, 0, BV_ERR_MSG_MAX),
};
BV_SHAPE(row_shape, row_rows, bvl_qualified_row, NULL);

static unsigned int cover_from_name(const char *name)
{
	unsigned int i = 0;

	while (i < BV_COVER_N && strcmp(bv_cover_name(i), name) != 0)
		i++;
	return i;
}

/* Rows in the ledger's order, so that none stands twice. */
static int check_all(struct bv_shape_at *at, const void *decoded)
{
	const struct bvl_qualified *q = decoded;
	unsigned int next = 0;
	char build[65];

	bvl_build_digest(q->files.v, q->files.n, build);
	if (strcmp(build, q->build) != 0)
		return bv_shape_fail(at, "build", "is not that of the files");
	for (size_t i = 0; i < q->rows.n; i++) {
		unsigned int cover = cover_from_name(q->rows.v[i].row);

		if (cover >= BV_COVER_N)
			return bv_shape_fail(at, "rows", "unknown '%.64s'",
					     q->rows.v[i].row);
		if (cover < next)
			return bv_shape_fail(at, "rows",
					     "'%.64s' is out of order",
					     q->rows.v[i].row);
		next = cover + 1;
	}
	return BV_OK;
}

static const struct bv_shape_row all_rows[] = {
	BV_ROW_SCHEMA(BVL_QUALIFIED_SCHEMA),
	BV_ROW_TEXT("kernel", bvl_qualified, kernel, 1, 128),
	BV_ROW_TEXT("version", bvl_qualified, version, 0, 128),
	BV_ROW_TEXT("arch", bvl_qualified, arch, 1, 128),
	BV_ROW_TEXT("boot_id", bvl_qualified, boot_id, 0, 64),
	BV_ROW_U64("unix_us", bvl_qualified, unix_us, INT64_MAX),
	BV_ROW_HEX("build", 0, bvl_qualified, build, 64),
	BV_ROW_LIST("files", bvl_qualified, files, BVL_QUALIFIED_FILES_MAX,
		    &file_shape),
	BV_ROW_FACTS("facts", bvl_qualified, facts),
	BV_ROW_LIST("rows", bvl_qualified, rows, BV_COVER_N, &row_shape),
	BV_ROW_HEX("sha256", 0, bvl_qualified, sha256, 64),
};
BV_SHAPE(all_shape, all_rows, bvl_qualified, check_all);

static int check_seal(const void *bytes, size_t len, const char *seal,
		      struct bv_err *err)
{
	json_t *o = NULL;
	char want[65];
	int code = bv_canon_load(bytes, len, &o, err);

	if (code != BV_OK)
		return code;
	(void)json_object_del(o, "sha256");
	code = seal_of(o, want, err);
	json_decref(o);
	if (code == BV_OK && strcmp(want, seal) != 0)
		code = bv_fail(err, BV_E_PROTO,
			       WHAT ": the seal is not that of the bytes");
	return code;
}

int bvl_qualified_decode(struct bv_arena *arena, const void *bytes, size_t len,
			 struct bvl_qualified *ret, struct bv_err *err)
{
	int code;

	if (len > BVL_QUALIFIED_BYTES_MAX)
		return bv_fail(err, BV_E_LIMIT, WHAT ": over %u bytes",
			       BVL_QUALIFIED_BYTES_MAX);
	code = bv_shape_load(arena, WHAT, &all_shape, bytes, len, ret, err);
	if (code == BV_OK)
		code = check_seal(bytes, len, ret->sha256, err);
	return code;
}

/* --- weighed --------------------------------------------------------------- */

const char *bvl_qualified_differs(const struct bvl_qualified *q,
				  const struct bvl_here *here)
{
	if (strcmp(q->kernel, here->kernel) != 0 ||
	    strcmp(q->version, here->version) != 0 ||
	    strcmp(q->arch, here->arch) != 0)
		return "its qualification is another kernel's";
	if (strcmp(q->build, here->build) != 0)
		return "its qualification is another build's";
	return NULL;
}

static const struct bvl_qualified_row *find_row(const struct bvl_qualified *q,
						unsigned int cover)
{
	for (size_t i = 0; i < q->rows.n; i++)
		if (strcmp(q->rows.v[i].row, bv_cover_name(cover)) == 0)
			return &q->rows.v[i];
	return NULL;
}

/* Why a row is not qualified here; NULL: it is. */
static const char *row_lacks(const struct bvl_ledger *ledger,
			     const struct bvl_qualified *q, unsigned int cover)
{
	const struct bvl_qualified_row *r = find_row(q, cover);
	char live[65];

	if (r == NULL)
		return "this machine has no proof of it";
	if (r->result != BVL_PASS)
		return r->reason[0] ? r->reason : "its proof did not pass here";
	bvl_live(ledger, cover, live);
	return strcmp(r->mechanism, live) == 0
		       ? NULL
		       : "its proof here was of another mechanism";
}

void bvl_qualified_cap(const struct bvl_ledger *ledger,
		       const struct bvl_qualified *q, const char *why,
		       struct bv_caps *ret)
{
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		struct bv_cap *cap = &ret->of[i];
		const char *lacks = q ? row_lacks(ledger, q, i) : why;

		if (cap->at_most == BV_UNSUPPORTED || lacks == NULL)
			continue;
		*cap = (struct bv_cap){
			.at_most = BV_UNSUPPORTED,
			.missing = lacks,
			.remedy = REMEDY,
		};
	}
}
