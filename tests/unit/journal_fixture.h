/* SPDX-License-Identifier: MIT */
/* A journal in a directory of its own, and what verification says of it. */
#ifndef BV_TESTS_JOURNAL_FIXTURE_H
#define BV_TESTS_JOURNAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/journal.h"
#include "ledger/journal_verify.h"

#define PLAN_A                                                                 \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PLAN_B                                                                 \
	"ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define BOOT "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

struct stage {
	char dir[64];
	char records[96];
};

static inline void stage_init(struct stage *s)
{
	/* Where syncing costs nothing, when there is such a place. */
	snprintf(s->dir, sizeof(s->dir), "%s/bvisor-journal.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->records, sizeof(s->records), "%s/sessions", s->dir);
	assert_int_equal(mkdir(s->records, 0700), 0);
}

static inline void stage_done(struct stage *s)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
	assert_int_equal(system(command), 0);
}

static inline void path_in(const struct stage *s, const char *name,
			   char ret[160])
{
	snprintf(ret, 160, "%s/%s", s->dir, name);
}

static inline void id_of(unsigned int n, char ret[17])
{
	snprintf(ret, 17, "%016x", n);
}

static inline struct bv_event started_event(const char *id)
{
	return (struct bv_event){
		.kind = BV_EVENT_STARTED,
		.session = id,
		.boot_id = BOOT,
		.unix_us = 1700000000000001,
		.started = { .plan_id = PLAN_A,
			     .policy = "restricted",
			     .user = "alice",
			     .leader_pid = 4711,
			     .leader_start = 998877 },
	};
}

static inline struct bv_event report_event(const char *id, const char *sha256)
{
	return (struct bv_event){
		.kind = BV_EVENT_REPORT,
		.session = id,
		.boot_id = BOOT,
		.unix_us = 1700000000000002,
		.report = { .plan_id = PLAN_A,
			    .sha256 = sha256,
			    .outcome = BV_OUTCOME_COMPLETED },
	};
}

static inline struct bvl_journal *open_stage(const struct stage *s,
					     enum bvl_mode mode)
{
	struct bvl_journal *j = NULL;
	struct bv_err err = { 0 };

	if (bvl_journal_open(s->dir, mode, 30000, &j, &err) != BV_OK)
		fail_msg("open: %s", err.msg);
	return j;
}

static inline void append(struct bvl_journal *j, const struct bv_event *e)
{
	struct bv_err err = { 0 };

	if (bvl_journal_append(j, e, &err) != BV_OK)
		fail_msg("append: %s", err.msg);
}

/* What was found: a bit for each fault, and the first text of each. */
struct found {
	uint64_t faults;
	char text[BVL_FAULT_N][320];
	struct bvl_verdict verdict;
};

static inline void on_found(void *arg, const struct bvl_finding *f)
{
	struct found *all = arg;

	if ((all->faults & UINT64_C(1) << f->fault) == 0)
		memcpy(all->text[f->fault], f->text, sizeof(f->text));
	all->faults |= UINT64_C(1) << f->fault;
}

static inline void verify_with(const struct stage *s, bool records,
			       const struct bvl_head *heads, size_t n,
			       struct found *ret)
{
	const struct bvl_verify what = {
		.dir = s->dir,
		.records_dir = records ? s->records : NULL,
		.heads = heads,
		.heads_n = n,
		.found = on_found,
		.arg = ret,
	};
	struct bv_err err = { 0 };

	memset(ret, 0, sizeof(*ret));
	if (bvl_journal_verify(&what, &ret->verdict, &err) != BV_OK)
		fail_msg("verify: %s", err.msg);
}

static inline void print_found(const struct found *f)
{
	for (unsigned int i = 0; i < BVL_FAULT_N; i++)
		if ((f->faults & UINT64_C(1) << i) != 0)
			print_message("# %s: %s\n",
				      bvl_fault_name((enum bvl_fault)i),
				      f->text[i]);
}

static inline uint64_t assert_sound(const struct stage *s)
{
	struct found f;

	verify_with(s, false, NULL, 0, &f);
	if (f.verdict.findings != 0) {
		print_found(&f);
		fail_msg("%zu findings", f.verdict.findings);
	}
	return f.verdict.rows;
}

#endif
