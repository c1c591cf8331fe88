/* SPDX-License-Identifier: MIT */
/* The run record: what was written is read, what was changed is not believed,
 * and only a passing row of this kernel and this build counts. */
#include "tests/unit/boundary_fixture.h"

#include "core/mechanism.h"
#include "ledger/qualified.h"

#define ROWS 3
#define SHA  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct stage {
	struct bv_arena arena;
	struct bvl_qualified_file file[3];
	char mechanism[ROWS][65];
	struct bvl_qualified_row row[ROWS];
	struct bvl_qualified q;
	char build[65];
	char *json;
	char sha256[65];
};

static const unsigned int covers[ROWS] = { BV_REQ_FILESYSTEM, BV_REQ_FS_READ,
					   BV_REQ_N + BV_DIM_MEMORY };

static int setup(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));

	bv_arena_init(&s->arena, 1024 * 1024);
	s->file[0] =
		(struct bvl_qualified_file){ "helper", SHA, 1, 2, 3, 4, 5 };
	s->file[1] =
		(struct bvl_qualified_file){ "module", SHA, 1, 3, 3, 4, 5 };
	s->file[2] = (struct bvl_qualified_file){ "shell", "", 0, 0, 0, 0, 0 };
	for (size_t i = 0; i < ROWS; i++) {
		bv_mechanism_digest(covers[i], s->mechanism[i]);
		s->row[i] = (struct bvl_qualified_row){
			.row = bv_cover_name(covers[i]),
			.mechanism = s->mechanism[i],
			.result = BVL_PASS,
			.reason = "",
		};
	}
	s->row[2].result = BVL_SKIP;
	s->row[2].reason = "no memory controller";
	bvl_build_digest(s->file, 3, s->build);
	s->q = (struct bvl_qualified){
		.kernel = "6.12.48+deb13-amd64",
		.version = "#1 SMP Debian 6.12.48-1",
		.arch = "x86_64",
		.boot_id = "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
		.unix_us = 1234567,
		.build = s->build,
	};
	s->q.files.v = s->file;
	s->q.files.n = 3;
	s->q.rows.v = s->row;
	s->q.rows.n = ROWS;
	fixture_snapshot(MACHINE_DEBIAN_13, &s->q.facts);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct stage *s = *state;

	free(s->json);
	bv_arena_done(&s->arena);
	free(s);
	return 0;
}

static size_t encode(struct stage *s)
{
	struct bv_err err = { 0 };

	free(s->json);
	s->json = NULL;
	if (bvl_qualified_encode(&s->q, &s->json, s->sha256, &err) != BV_OK)
		fail_msg("encode: %s", err.msg);
	return strlen(s->json);
}

static int decode(struct stage *s, const char *bytes, size_t len,
		  struct bvl_qualified *ret, struct bv_err *err)
{
	*err = (struct bv_err){ 0 };
	return bvl_qualified_decode(&s->arena, bytes, len, ret, err);
}

static void test_record__round__the_same(void **state)
{
	struct stage *s = *state;
	size_t len = encode(s);
	struct bvl_qualified got;
	struct bv_err err;

	if (decode(s, s->json, len, &got, &err) != BV_OK)
		fail_msg("decode: %s", err.msg);
	assert_string_equal(got.kernel, s->q.kernel);
	assert_string_equal(got.version, s->q.version);
	assert_string_equal(got.build, s->build);
	assert_string_equal(got.sha256, s->sha256);
	assert_int_equal(got.unix_us, 1234567);
	assert_int_equal(got.files.n, 3);
	assert_string_equal(got.files.v[2].sha256, "");
	assert_int_equal(got.files.v[1].ino, 3);
	assert_int_equal(got.rows.n, ROWS);
	assert_int_equal(got.rows.v[2].result, BVL_SKIP);
	assert_string_equal(got.rows.v[2].reason, "no memory controller");
	assert_string_equal(bv_snapshot_get(&got.facts, BV_FACT_ABI_LANDLOCK),
			    "6");
}

/* Every single byte counts, and so does what is missing or behind it. */
static void test_record__tampered__not_believed(void **state)
{
	struct stage *s = *state;
	size_t len = encode(s);
	char *bytes = malloc(len + 2);
	struct bvl_qualified got;
	struct bv_err err;

	for (size_t i = 0; i < len; i++) {
		memcpy(bytes, s->json, len);
		bytes[i] = bytes[i] == '1' ? '2' : '1';
		if (decode(s, bytes, len, &got, &err) == BV_OK)
			fail_msg("byte %zu changed, and believed", i);
		assert_true(err.msg[0] != '\0');
		bv_arena_done(&s->arena);
		bv_arena_init(&s->arena, 1024 * 1024);
	}
	memcpy(bytes, s->json, len);
	bytes[len] = '\n';
	assert_int_not_equal(decode(s, bytes, len - 1, &got, &err), BV_OK);
	assert_int_not_equal(decode(s, bytes, len + 1, &got, &err), BV_OK);
	assert_int_not_equal(decode(s, "", 0, &got, &err), BV_OK);
	free(bytes);
}

/* Sealed by whoever makes records, and wrong all the same. */
static void test_record__rows__known_in_order_once(void **state)
{
	struct stage *s = *state;
	struct bvl_qualified got;
	struct bv_err err;
	size_t len;

	s->row[1].row = "Filesystem(smell)";
	len = encode(s);
	assert_int_not_equal(decode(s, s->json, len, &got, &err), BV_OK);
	assert_non_null(strstr(err.msg, "Filesystem(smell)"));
	s->row[1] = s->row[0];
	len = encode(s);
	assert_int_not_equal(decode(s, s->json, len, &got, &err), BV_OK);
	assert_non_null(strstr(err.msg, "out of order"));
}

static void test_record__too_large__refused(void **state)
{
	struct stage *s = *state;
	char *bytes = calloc(1, BVL_QUALIFIED_BYTES_MAX + 1);
	struct bvl_qualified got;
	struct bv_err err;

	assert_int_equal(
		decode(s, bytes, BVL_QUALIFIED_BYTES_MAX + 1, &got, &err),
		BV_E_LIMIT);
	free(bytes);
}

static void test_record__other_kernel_or_build__said(void **state)
{
	struct stage *s = *state;
	const struct bvl_here right = { s->q.kernel, s->q.version, s->q.arch,
					s->build };
	struct bvl_here here = right;

	assert_null(bvl_qualified_differs(&s->q, &here));
	here.kernel = "6.12.49";
	assert_non_null(strstr(bvl_qualified_differs(&s->q, &here), "kernel"));
	here = right;
	here.version = "#2 SMP";
	assert_non_null(strstr(bvl_qualified_differs(&s->q, &here), "kernel"));
	here = right;
	here.arch = "aarch64";
	assert_non_null(strstr(bvl_qualified_differs(&s->q, &here), "kernel"));
	here = right;
	here.build = SHA;
	assert_non_null(strstr(bvl_qualified_differs(&s->q, &here), "build"));
}

static void test_build__each_file__counts(void **state)
{
	struct stage *s = *state;
	char other[65];

	s->file[2].sha256 = SHA;
	bvl_build_digest(s->file, 3, other);
	assert_string_not_equal(other, s->build);
	s->file[2].sha256 = "";
	s->file[2].mtime_ns = 77; /* what it is, not when */
	bvl_build_digest(s->file, 3, other);
	assert_string_equal(other, s->build);
	bvl_build_digest(s->file, 2, other);
	assert_string_not_equal(other, s->build);
}

/* Rows of one backend say nothing on another's, whatever they are called. */
static void test_cap__other_backend__nothing_stays(void **state)
{
	static const struct bvl_entry nothing[BV_COVER_N];
	const struct bvl_ledger other = { "other", nothing, NULL };
	struct stage *s = *state;
	struct bv_caps caps;

	bv_caps_none(&caps);
	bvl_qualified_cap(&other, &s->q, NULL, &caps);
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		assert_int_equal(caps.of[i].at_most, BV_UNSUPPORTED);
}

/* What the ledger lets be enforced on a machine that has all. */
static void ledger_caps(struct bv_caps *caps)
{
	bv_caps_none(caps);
	caps->of[BV_REQ_LIST_OUTPUTS] = (struct bv_cap){
		.at_most = BV_UNSUPPORTED,
		.missing = "the ledger's own",
		.remedy = "none",
	};
}

static void test_cap__passed_rows__stay_and_no_other(void **state)
{
	struct stage *s = *state;
	struct bv_caps caps;

	ledger_caps(&caps);
	bvl_qualified_cap(bvl_ledger_linux(), &s->q, NULL, &caps);
	assert_int_equal(caps.of[BV_REQ_FILESYSTEM].at_most, BV_ENFORCED);
	assert_int_equal(caps.of[BV_REQ_FS_READ].at_most, BV_ENFORCED);
	/* skipped: proves nothing */
	assert_int_equal(caps.of[covers[2]].at_most, BV_UNSUPPORTED);
	assert_string_equal(caps.of[covers[2]].missing, "no memory controller");
	/* no row at all */
	assert_int_equal(caps.of[BV_REQ_FS_WRITE].at_most, BV_UNSUPPORTED);
	assert_non_null(strstr(caps.of[BV_REQ_FS_WRITE].remedy, "qualify"));
	/* what the ledger says stays said */
	assert_string_equal(caps.of[BV_REQ_LIST_OUTPUTS].missing,
			    "the ledger's own");
}

static void test_cap__failed_row_or_other_mechanism__falls(void **state)
{
	struct stage *s = *state;
	struct bv_caps caps;

	s->row[0].result = BVL_FAIL;
	s->row[0].reason = "reading outside the roots went through";
	s->row[1].mechanism = SHA;
	ledger_caps(&caps);
	bvl_qualified_cap(bvl_ledger_linux(), &s->q, NULL, &caps);
	assert_int_equal(caps.of[BV_REQ_FILESYSTEM].at_most, BV_UNSUPPORTED);
	assert_string_equal(caps.of[BV_REQ_FILESYSTEM].missing,
			    "reading outside the roots went through");
	assert_int_equal(caps.of[BV_REQ_FS_READ].at_most, BV_UNSUPPORTED);
	assert_non_null(
		strstr(caps.of[BV_REQ_FS_READ].missing, "another mechanism"));
}

static void test_cap__no_record__nothing_stays(void **state)
{
	struct bv_caps caps;

	(void)state;
	ledger_caps(&caps);
	bvl_qualified_cap(bvl_ledger_linux(), NULL, "no record", &caps);
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		assert_int_equal(caps.of[i].at_most, BV_UNSUPPORTED);
	assert_string_equal(caps.of[0].missing, "no record");
	assert_string_equal(caps.of[BV_REQ_LIST_OUTPUTS].missing,
			    "the ledger's own");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(test_record__round__the_same),
		STAGED(test_record__tampered__not_believed),
		STAGED(test_record__rows__known_in_order_once),
		STAGED(test_record__too_large__refused),
		STAGED(test_record__other_kernel_or_build__said),
		STAGED(test_build__each_file__counts),
		STAGED(test_cap__other_backend__nothing_stays),
		STAGED(test_cap__passed_rows__stay_and_no_other),
		STAGED(test_cap__failed_row_or_other_mechanism__falls),
		cmocka_unit_test(test_cap__no_record__nothing_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
