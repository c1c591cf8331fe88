/* SPDX-License-Identifier: MIT */
/*
 * The record of one run of `bvisorctl qualify`: which kernel, which build, what
 * the machine showed, and of each proved row of the ledger whether its proof
 * passed here. Canonical JSON with a seal; whoever reads one checks it whole.
 * Pure.
 */
#ifndef BVL_QUALIFIED_H
#define BVL_QUALIFIED_H

#include "core/arena.h"
#include "ledger/ledger.h"

#define BVL_QUALIFIED_SCHEMA    1
#define BVL_QUALIFIED_BYTES_MAX (64u * 1024u)
#define BVL_QUALIFIED_FILES_MAX 8u

enum bvl_result {
	BVL_PASS,
	BVL_FAIL,
	BVL_SKIP, /* the machine lacks something: proves nothing */
	BVL_RESULT_N
};
const char *bvl_result_name(enum bvl_result r);

struct bvl_qualified_row {
	const char *row;       /* bv_cover_name() */
	const char *mechanism; /* 64 hex digits, of what was running */
	enum bvl_result result;
	const char *reason; /* unless PASS */
};

/* One file of the build. What identifies it cheaply is there so that a login
 * need not read it all again; what it is, is its digest. */
struct bvl_qualified_file {
	const char *name;   /* "helper" */
	const char *sha256; /* 64 hex digits; "" when there is no such file */
	uint64_t dev, ino, size, mtime_ns, ctime_ns;
};

struct bvl_qualified {
	const char *kernel;  /* uname: release */
	const char *version; /* … and version: a rebuilt kernel is another */
	const char *arch;
	const char *boot_id;
	uint64_t unix_us;
	const char *build; /* bvl_build_digest() of the files */
	struct {
		const struct bvl_qualified_file *v;
		size_t n;
	} files;
	struct bv_snapshot facts;
	struct {
		const struct bvl_qualified_row *v;
		size_t n;
	} rows;
	const char *sha256; /* of a decoded one */
};

/* Names and digests of the files. */
void bvl_build_digest(const struct bvl_qualified_file *files, size_t n,
		      char ret[65]);

/* Canonical bytes with their seal, malloc'ed; free() them. ret_sha256 gets the
 * seal. */
int bvl_qualified_encode(const struct bvl_qualified *q, char **ret_json,
			 char ret_sha256[65], struct bv_err *err) BV_MUST_CHECK;

/* Canonical bytes, every member, known rows once each, build and seal right; or
 * an error that says what is not. */
int bvl_qualified_decode(struct bv_arena *arena, const void *bytes, size_t len,
			 struct bvl_qualified *ret,
			 struct bv_err *err) BV_MUST_CHECK;

/* Where it has to hold. */
struct bvl_here {
	const char *kernel, *version, *arch;
	const char *build;
};

/* What of the record is not so here; NULL: it is about this kernel and build.
 * Static text. */
const char *bvl_qualified_differs(const struct bvl_qualified *q,
				  const struct bvl_here *here);

/* Caps ⊓ the record: of what may be enforced stays what passed here, with the
 * mechanism that is running. q NULL: nothing stays, because of why (which must
 * outlive ret, as must q). */
void bvl_qualified_cap(const struct bvl_ledger *ledger,
		       const struct bvl_qualified *q, const char *why,
		       struct bv_caps *ret);

#endif
