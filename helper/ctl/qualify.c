/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl qualify: every row that the ledger calls proven, proved once more,
 * here and now, and the outcome kept for admissions that want no less.
 */
#include "helper/ctl/qualify.h"

#include "core/event.h"
#include "core/json.h"
#include "core/mechanism.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/journal.h"
#include "helper/kernfs.h"
#include "helper/log.h"
#include "helper/qualification.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <syslog.h>
#include <unistd.h>

#define ARENA_CAP       (4u << 20)
#define JOURNAL_WAIT_MS 2000

static const char help[] =
	"usage: bvisorctl qualify [--row ROW] [--config DIR] [--json]\n\n"
	"Prove on this machine, with throw-away sessions of nobody's, what the\n"
	"qualification ledger calls proven, and keep the outcome: with\n"
	"'qualification = local' in bvisor.conf an admission counts on nothing\n"
	"else. Run as root; it takes some seconds.\n\n"
	"  --row ROW     this row alone; nothing is kept\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 none failed, 1 at least one failed, 2 usage, 3 fault.\n";

struct options {
	const char *config_dir;
	const char *row;
	bool json;
};

struct outcome {
	char mechanism[65];
	char reason[BV_ERR_MSG_MAX];
};

/* One run. */
struct qualify {
	struct bv_arena arena;
	struct bvh_stage stage;
	struct bvh_build build;
	struct utsname uts;
	char boot_id[64];
	struct outcome of[BV_COVER_N];
	struct bvl_qualified_row row[BV_COVER_N];
	size_t row_n;
	size_t count[BVL_RESULT_N];
	struct bvl_qualified record;
	char sha256[65];
};

static uint64_t now_unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static bool is_wanted(const struct options *o, unsigned int cover)
{
	const struct bvl_entry *e = &bvl_ledger_linux()->entry[cover];

	if (o->row != NULL && strcmp(o->row, bv_cover_name(cover)) != 0)
		return false;
	return e->status == BVL_PROVEN || e->status == BVL_WAIVED;
}

static void prove_all(struct qualify *q, const struct options *o)
{
	for (unsigned int i = 0; i < BV_COVER_N; i++) {
		struct bvl_qualified_row *row = &q->row[q->row_n];

		if (!is_wanted(o, i))
			continue;
		bv_mechanism_digest(i, q->of[i].mechanism);
		row->row = bv_cover_name(i);
		row->mechanism = q->of[i].mechanism;
		row->reason = q->of[i].reason;
		row->result = bvh_prove(&q->stage, i, q->of[i].reason);
		q->count[row->result]++;
		q->row_n++;
		if (!o->json)
			bvh_ctl_say("%-36s %-4s  %s\n", row->row,
				    bvl_result_name(row->result), row->reason);
	}
}

static void fill_record(struct qualify *q)
{
	if (bvh_kernfs_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
			    q->boot_id, sizeof(q->boot_id)) != 0)
		q->boot_id[0] = '\0';
	q->boot_id[strcspn(q->boot_id, "\n")] = '\0';
	q->record = (struct bvl_qualified){
		.kernel = q->uts.release,
		.version = q->uts.version,
		.arch = q->uts.machine,
		.boot_id = q->boot_id,
		.unix_us = now_unix_us(),
		.build = q->build.digest,
		.facts = q->stage.snap,
	};
	q->record.files.v = q->build.file;
	q->record.files.n = BVH_BUILD_FILES;
	q->record.rows.v = q->row;
	q->record.rows.n = q->row_n;
}

/* Into the journal, and for whoever reads the log. */
static int announce(const struct qualify *q, struct bv_err *err)
{
	struct bv_event event = {
		.kind = BV_EVENT_QUALIFICATION,
		.session = "",
		.boot_id = q->boot_id,
		.unix_us = q->record.unix_us,
		.qualification = {
			.kernel = q->record.kernel,
			.build = q->record.build,
			.passed = q->count[BVL_PASS],
			.failed = q->count[BVL_FAIL],
			.skipped = q->count[BVL_SKIP],
		},
	};
	int code = bvh_journal_say(q->stage.config.state_dir, JOURNAL_WAIT_MS,
				   &event, 1, NULL, err);

	bvh_log(q->count[BVL_FAIL] > 0 ? LOG_WARNING : LOG_NOTICE,
		"qualification kernel=%s build=%s passed=%zu failed=%zu "
		"skipped=%zu record=%s",
		q->record.kernel, q->record.build, q->count[BVL_PASS],
		q->count[BVL_FAIL], q->count[BVL_SKIP], q->sha256);
	return code;
}

/* What the proofs were of is what the record says, also when somebody installs
 * another build meanwhile. */
static int same_build(const struct qualify *q, struct bv_err *err)
{
	struct bvh_build now;
	int code = bvh_build_identify(NULL, &now, err);

	if (code == BV_OK && strcmp(now.digest, q->build.digest) != 0)
		code = bv_fail(err, BV_E_INVAL,
			       "another build was installed meanwhile; run it "
			       "again");
	return code;
}

static int keep(struct qualify *q, struct bv_err *err)
{
	int code = same_build(q, err);

	fill_record(q);
	if (code == BV_OK)
		code = bvh_qualified_store(q->stage.config.state_dir,
					   &q->record, q->sha256, err);
	return code == BV_OK ? announce(q, err) : code;
}

static void say_end(const struct qualify *q)
{
	bvh_ctl_say("\n%zu passed, %zu failed, %zu skipped\n",
		    q->count[BVL_PASS], q->count[BVL_FAIL], q->count[BVL_SKIP]);
	if (q->sha256[0] == '\0')
		return;
	bvh_ctl_say("kernel  %s\nbuild   %s\nrecord  %s\n", q->record.kernel,
		    q->record.build, q->sha256);
}

static json_t *rows_json(const struct qualify *q, int *failed)
{
	json_t *all = json_object();

	for (size_t i = 0; i < q->row_n; i++) {
		const struct bvl_qualified_row *r = &q->row[i];
		const char *result = bvl_result_name(r->result);
		json_t *one = json_object();

		*failed |= bvh_ctl_put(one, "result", json_string(result));
		*failed |= bvh_ctl_put(one, "reason", bv_json_text(r->reason));
		*failed |= bvh_ctl_put(one, "mechanism",
				       bv_json_text(r->mechanism));
		*failed |= bvh_ctl_put(all, r->row, one);
	}
	return all;
}

static int print_json(const struct qualify *q, int status)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= bvh_ctl_put(o, "rows", rows_json(q, &failed));
	failed |= bvh_ctl_put(o, "passed", bv_json_u64(q->count[BVL_PASS]));
	failed |= bvh_ctl_put(o, "failed", bv_json_u64(q->count[BVL_FAIL]));
	failed |= bvh_ctl_put(o, "skipped", bv_json_u64(q->count[BVL_SKIP]));
	failed |= bvh_ctl_put(o, "kernel", bv_json_text(q->uts.release));
	failed |= bvh_ctl_put(o, "build", bv_json_text(q->build.digest));
	failed |= bvh_ctl_put(o, "record",
			      q->sha256[0] == '\0' ? json_null()
						   : bv_json_text(q->sha256));
	return bvh_ctl_document(stdout, o, failed, status);
}

static int qualify(struct qualify *q, const struct options *o)
{
	struct bv_err err = { 0 };
	int code = bvh_build_identify(NULL, &q->build, &err);
	int status;

	if (code == BV_OK && uname(&q->uts) != 0)
		code = bv_fail(&err, BV_E_SYS, "uname");
	if (code == BV_OK)
		code = bvh_stage_open(o->config_dir, &q->arena, &q->stage,
				      &err);
	if (code == BV_OK)
		prove_all(q, o);
	bvh_stage_close(&q->stage);
	if (code == BV_OK && o->row == NULL)
		code = keep(q, &err);
	if (code != BV_OK) {
		bvh_ctl_error("%s", err.msg);
		return BVH_CTL_FAULT;
	}
	status = q->count[BVL_FAIL] > 0 ? BVH_CTL_NO : BVH_CTL_OK;
	if (o->json)
		return print_json(q, status);
	say_end(q);
	return status;
}

static bool is_row(const char *name)
{
	for (unsigned int i = 0; i < BV_COVER_N; i++)
		if (strcmp(bv_cover_name(i), name) == 0)
			return true;
	return false;
}

/* Returns -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	const struct bvh_ctl_option options[] = {
		{ "row", 'r', &o->row, NULL },
		{ "config", 'c', &o->config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "qualify",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
	};
	const int status = bvh_ctl_options(&syntax, argc, argv, &o->json);

	if (status >= 0)
		return status;
	if (o->row != NULL && !is_row(o->row))
		return bvh_ctl_usage("qualify ", "qualify: no row '%s'",
				     o->row);
	if (geteuid() != 0)
		return bvh_ctl_usage("qualify ", "qualify: only root can");
	return -1;
}

int bvh_ctl_qualify(int argc, char **argv)
{
	struct options o = { .config_dir = BVH_CONFIG_DIR };
	int status = parse(argc, argv, &o);
	struct qualify *q;

	if (status >= 0)
		return status;
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		bvh_ctl_error("no memory");
		return BVH_CTL_FAULT;
	}
	bv_arena_init(&q->arena, ARENA_CAP);
	bvh_cgroup_base_init(&q->stage.base);
	status = qualify(q, &o);
	bv_arena_done(&q->arena);
	free(q);
	return status;
}
