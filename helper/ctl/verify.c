/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl verify: has anything been touched? The whole journal with the reports
 * beside it, against heads seen elsewhere if there are any; or one report's file,
 * by itself, on any machine.
 */
#include "core/canon.h"
#include "core/json.h"
#include "core/num.h"
#include "core/report_view.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/journal.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "ledger/journal_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_ARENA (4u * 1024u * 1024u)
#define HEADS_MAX    (1u << 20)

static const char help[] =
	"usage: bvisorctl verify [--heads FILE] [--config DIR] [--json]\n"
	"       bvisorctl verify REPORT [--json]\n\n"
	"The whole journal and the reports it names; or the one REPORT, which\n"
	"needs no journal, no configuration and no root.\n\n"
	"  --heads FILE  lines of a log with 'journal=SEQ:HASH' in them, which\n"
	"                the journal has to agree with; - is standard input\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 nothing was touched, 1 something was, 2 usage, 3 fault.\n";

struct heads {
	struct bvl_head *v;
	size_t n;
};

/* --- heads out of a log -------------------------------------------------------- */

static bool parse_head(const char *at, struct bvl_head *ret)
{
	char digits[21] = "";
	const size_t n = strspn(at, "0123456789");

	if (n == 0 || n >= sizeof(digits) || at[n] != ':')
		return false;
	memcpy(digits, at, n);
	if (!bv_parse_u64(digits, 1, INT64_MAX, &ret->seq) ||
	    strspn(at + n + 1, "0123456789abcdef") != 64)
		return false;
	memcpy(ret->hash, at + n + 1, 64);
	ret->hash[64] = '\0';
	return true;
}

static int take_line(const char *line, struct heads *heads)
{
	static const char mark[] = "journal=";

	for (const char *at = strstr(line, mark); at != NULL;
	     at = strstr(at + 1, mark)) {
		struct bvl_head head;
		struct bvl_head *more;

		/* A word of its own: others end so too, or stand in what a
		 * user has named. */
		if (at != line && at[-1] != ' ' && at[-1] != '\t')
			continue;
		if (!parse_head(at + sizeof(mark) - 1, &head))
			continue;
		if (heads->n == HEADS_MAX)
			return -1;
		if ((heads->n & (heads->n - 1)) == 0) { /* a power of two */
			more = realloc(heads->v,
				       (2 * heads->n + 1) * sizeof(*more));
			if (more == NULL)
				return -1;
			heads->v = more;
		}
		heads->v[heads->n++] = head;
	}
	return 0;
}

static int read_heads(const char *path, struct heads *heads)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	int why;
	int rc = 0;

	if (f == NULL) {
		bvh_ctl_error("verify: '%s': %s", path, strerrordesc_np(errno));
		return -1;
	}
	while (rc == 0 && getline(&line, &cap, f) > 0)
		rc = take_line(line, heads);
	why = ferror(f) ? errno : 0;
	free(line);
	if (f != stdin)
		fclose(f);
	if (why != 0) {
		bvh_ctl_error("verify: '%s': %s", path, strerrordesc_np(why));
		rc = -1;
	} else if (rc != 0)
		bvh_ctl_error("verify: '%s': too many heads", path);
	else if (heads->n == 0) {
		bvh_ctl_error("verify: '%s' has no 'journal=SEQ:HASH'", path);
		rc = -1;
	}
	return rc;
}

/* --- the journal ---------------------------------------------------------------- */

struct told {
	bool json;
	json_t *list;
	int failed;
};

static void on_finding(void *arg, const struct bvl_finding *f)
{
	struct told *t = arg;
	json_t *o;

	if (!t->json) {
		bvh_ctl_say("%-20s %s\n", bvl_fault_name(f->fault), f->text);
		return;
	}
	o = json_object();
	t->failed |=
		bvh_ctl_put(o, "fault", json_string(bvl_fault_name(f->fault)));
	t->failed |= bvh_ctl_put(
		o, "seq", f->seq == 0 ? json_null() : bv_json_u64(f->seq));
	t->failed |= bvh_ctl_put(o, "text", bv_json_text(f->text));
	t->failed |= bvh_ctl_add(t->list, o);
}

static void tell_plainly(const struct bvl_verdict *v, size_t heads_n)
{
	bvh_ctl_say("%s: %" PRIu64 " rows, %" PRIu64
		    " removed in order, %" PRIu64
		    " reports, %zu heads of a log; head ",
		    v->findings == 0 ? "sound" : "TOUCHED", v->rows, v->removed,
		    v->reports, heads_n);
	if (v->head.seq == 0)
		bvh_ctl_say("none\n");
	else
		bvh_ctl_say("%" PRIu64 ":%s\n", v->head.seq, v->head.hash);
	if (v->heads_removed > 0)
		bvh_ctl_say("%" PRIu64 " of the log's heads are of rows that "
			    "were removed in order\n",
			    v->heads_removed);
	/* After a power cut, or when an older one was put back. */
	if (v->behind > 0)
		bvh_ctl_say("its own " BVL_HEAD_FILE " is %" PRIu64
			    " rows behind: of those a log's heads alone can "
			    "tell\n",
			    v->behind);
}

static int tell(struct told *t, const struct bvl_verdict *v, size_t heads_n)
{
	const int status = v->findings == 0 ? BVH_CTL_OK : BVH_CTL_NO;
	json_t *o;
	int failed = t->failed;

	if (!t->json) {
		tell_plainly(v, heads_n);
		return status;
	}
	o = json_object();
	failed |= bvh_ctl_put(o, "sound", json_boolean(status == BVH_CTL_OK));
	failed |= bvh_ctl_put(o, "rows", bv_json_u64(v->rows));
	failed |= bvh_ctl_put(o, "removed", bv_json_u64(v->removed));
	failed |= bvh_ctl_put(o, "reports", bv_json_u64(v->reports));
	failed |= bvh_ctl_put(o, "behind", bv_json_u64(v->behind));
	failed |= bvh_ctl_put(o, "seq", bv_json_u64(v->head.seq));
	failed |= bvh_ctl_put(o, "head",
			      v->head.seq == 0 ? json_null()
					       : json_string(v->head.hash));
	failed |= bvh_ctl_put(o, "findings", json_incref(t->list));
	return bvh_ctl_document(stdout, o, failed, status);
}

static int verify_journal(const char *config_dir, const struct heads *heads,
			  bool json)
{
	struct told told = { .json = json, .list = json_array() };
	char dir[PATH_MAX], records[PATH_MAX + 16];
	struct bvl_verify what = { .dir = dir,
				   .records_dir = records,
				   .heads = heads->v,
				   .heads_n = heads->n,
				   .found = on_finding,
				   .arg = &told };
	struct bvl_verdict verdict;
	struct bvh_ctl_dirs dirs;
	struct bv_err err = { 0 };
	int status = BVH_CTL_FAULT;
	int code = bvh_ctl_dirs_exact(config_dir, &dirs, &err);

	if (code == BV_OK)
		code = bvh_journal_dir(dirs.config.state_dir, dir, sizeof(dir),
				       &err);
	if (code == BV_OK) {
		snprintf(records, sizeof(records), "%s/sessions", dir);
		code = bvl_journal_verify(&what, &verdict, &err);
	}
	if (code == BV_OK)
		status = tell(&told, &verdict, heads->n);
	else
		bvh_ctl_error("%s", err.msg);
	json_decref(told.list);
	bvh_ctl_dirs_done(&dirs);
	return status;
}

/* --- one report ------------------------------------------------------------------ */

static int verify_bytes(const char *path, const char *bytes, size_t len,
			bool json)
{
	struct bv_report_view view;
	struct bv_arena arena;
	struct bv_err err = { 0 };
	json_t *o = NULL;
	int failed = 0;
	int status;

	bv_arena_init(&arena, REPORT_ARENA);
	status = bv_report_decode(&arena, bytes, len, &view, &err) == BV_OK
			 ? BVH_CTL_OK
			 : BVH_CTL_NO;
	if (!json && status == BVH_CTL_OK)
		bvh_ctl_say("sealed: session %s, %s, sha256 %s\n",
			    view.session_id,
			    view.has_outcome ? bv_outcome_name(view.outcome)
					     : "open",
			    view.sha256);
	else if (!json)
		bvh_ctl_error("%s: %s", path, err.msg);
	if (json) {
		o = json_object();
		failed |= bvh_ctl_put(o, "sound",
				      json_boolean(status == BVH_CTL_OK));
		failed |= bvh_ctl_put(o, "session",
				      status == BVH_CTL_OK
					      ? bv_json_text(view.session_id)
					      : json_null());
		failed |= bvh_ctl_put(o, "text", bv_json_text(err.msg));
		status = bvh_ctl_document(stdout, o, failed, status);
	}
	bv_arena_done(&arena);
	return status;
}

static int verify_report(const char *path, bool json)
{
	bv_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bv_auto_free char *bytes = malloc(BV_CANON_BYTES_MAX + 1);
	ssize_t n;

	if (fd < 0 || bytes == NULL) {
		bvh_ctl_error("verify: '%s': %s", path, strerrordesc_np(errno));
		return BVH_CTL_FAULT;
	}
	n = bvh_read_all(fd, bytes, BV_CANON_BYTES_MAX);
	if (n < 0) {
		bvh_ctl_error("verify: '%s': %s", path, strerrordesc_np(errno));
		return BVH_CTL_FAULT;
	}
	if (n > 0 && bytes[n - 1] == '\n')
		n--;
	return verify_bytes(path, bytes, (size_t)n, json);
}

int bvh_ctl_verify(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const char *heads_path = NULL;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
		{ "heads", 'H', &heads_path, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "verify",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_max = 1,
		.args = "one REPORT at most",
	};
	struct heads heads = { .n = 0 };
	bool json = false;
	int status = bvh_ctl_options(&syntax, argc, argv, &json);

	if (status >= 0)
		return status;
	if (optind < argc && heads_path != NULL)
		return bvh_ctl_usage("verify ",
				     "verify: no heads with a REPORT");
	if (optind < argc)
		return verify_report(argv[optind], json);
	if (geteuid() != 0) {
		bvh_ctl_error("verify: only root can read the journal");
		return BVH_CTL_FAULT;
	}
	if (heads_path != NULL && read_heads(heads_path, &heads) != 0)
		return BVH_CTL_FAULT;
	status = verify_journal(config_dir, &heads, json);
	free(heads.v);
	return status;
}
