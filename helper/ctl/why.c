/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl why: which limits a session has met, what that did to it, what it was
 * denied (why_denials.c), and which line of its policy to change. From its record alone, and while it lives from
 * the counters of its leaf; what nobody recorded is said to be unrecorded.
 */
#include "helper/ctl/why.h"
#include "core/json.h"
#include "helper/admission.h"
#include "helper/cgroup.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CAP  (4u << 20)
#define RECORD_MAX (1u << 20)
#define PREFIX_MIN 4u

static const char help[] =
	"usage: bvisorctl why SESSION [--config DIR] [--json]\n\n"
	"Which limits SESSION has met and what it was denied, and what to\n"
	"change in its policy.\n"
	"SESSION is its id (of the log, the report or 'bvisorctl ps'), or at\n"
	"least 4 digits of its beginning.\n\n"
	"  --config DIR  where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 no limit was met and nothing denied that was recorded,\n"
	"1 it was, or there is no such session, 2 usage, 3 fault.\n";

/* One session and what is known of it. */
struct why {
	char state_dir[PATH_MAX];
	char run_dir[PATH_MAX];
	json_t *record;
	struct bvh_leaf_stats live;
	bool lives;
	json_t *limits; /* what is told, see add_limit() */
	unsigned int met;
	json_t *denials; /* see why.h */
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text == NULL ? "" : text;
}

static int find_dirs(const char *config_dir, struct why *w, struct bv_err *err)
{
	struct bv_config config;
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, ARENA_CAP);
	code = bvh_config_load(config_dir, &arena, &config, NULL, NULL, err);
	if (code == BV_OK &&
	    ((size_t)snprintf(w->state_dir, sizeof(w->state_dir), "%s",
			      config.state_dir) >= sizeof(w->state_dir) ||
	     (size_t)snprintf(w->run_dir, sizeof(w->run_dir), "%s",
			      config.run_dir) >= sizeof(w->run_dir)))
		code = bv_fail(err, BV_E_LIMIT, "state_dir is too long");
	bv_arena_done(&arena);
	return code;
}

/* The one record whose name begins so. 0, ENOENT, or EEXIST for several. */
static int find_record(int dir_fd, const char *id, char ret[64])
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const size_t len = strlen(id);
	int found = ENOENT;

	if (dir == NULL) {
		bvh_close(&fd);
		return ENOENT;
	}
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		if (len < PREFIX_MIN || strncmp(e->d_name, id, len) != 0 ||
		    strlen(e->d_name) >= 64 || e->d_name[0] == '.')
			continue;
		if (found != ENOENT) {
			found = EEXIST;
			break;
		}
		found = 0;
		snprintf(ret, 64, "%.63s", e->d_name);
	}
	closedir(dir);
	return found;
}

static int read_record(struct why *w, const char *id, struct bv_err *err)
{
	bv_auto_free char *path = NULL;
	bv_auto_free char *text = malloc(RECORD_MAX + 1);
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	char name[64];
	int found;

	if (text == NULL || asprintf(&path, "%s/sessions", w->state_dir) < 0)
		return bv_fail(err, BV_E_NOMEM, "the record");
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "open '%s'", path);
	found = dir < 0 ? ENOENT : find_record(dir, id, name);
	if (found == EEXIST)
		return bv_fail(err, BV_E_INVAL,
			       "more than one session begins with '%s'", id);
	if (found != 0)
		return bv_fail(err, BV_E_INVAL,
			       "no record of a session '%s': the reason of a "
			       "login that was refused stands in the log alone "
			       "(journalctl _UID=0 -t bvisor-helper)",
			       id);
	if (bvh_dir_file(dir, name, "sessions/", O_RDONLY, &fd, err) != BV_OK)
		return err->code;
	if (fd < 0 || bvh_read_all(fd, text, RECORD_MAX) < 0)
		return bv_fail_errno(err, errno, "read '%s/%s'", path, name);
	w->record = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(w->record))
		return bv_fail(err, BV_E_SYS, "'%s/%s' is no record", path,
			       name);
	return BV_OK;
}

/* While the state file is there, the counters of the leaf are newer. */
static void look_at_leaf(struct why *w)
{
	struct bvh_leaf leaf = { .base_fd = -1, .fd = -1 };
	struct bvh_session_state s;

	if (bvh_session_read(w->run_dir, text_of(w->record, "session_id"), &s,
			     NULL) != BV_OK)
		return;
	leaf.fd = open(s.leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf.fd < 0)
		return;
	bvh_leaf_read_stats(&leaf, &w->live);
	w->lives = true;
	bvh_leaf_done(&leaf);
}

/* What a live leaf says of a dimension; false: nothing. */
static bool live_use(const struct why *w, enum bv_dim dim, uint64_t *ret_used,
		     bool *ret_hit)
{
	const struct bvh_leaf_stats *s = &w->live;

	*ret_hit = false;
	switch (dim) {
	case BV_DIM_PROCESSES:
		*ret_used = s->pids_peak;
		*ret_hit = s->has_pids_events && s->pids_events_max > 0;
		return w->lives && s->has_pids_peak;
	case BV_DIM_MEMORY:
		*ret_used = s->memory_peak_bytes;
		*ret_hit = s->has_memory_events && s->memory_oom_kills > 0;
		return w->lives && s->has_memory_peak;
	case BV_DIM_CPU:
		*ret_used = s->cpu_us;
		return w->lives && s->has_cpu;
	case BV_DIM_WALL:
	case BV_DIM_HANDLES:
	case BV_DIM_STORAGE:
	case BV_DIM_NETWORK:
	case BV_DIM_N:
		break;
	}
	return false;
}

static bool says_met(const char *finding)
{
	static const enum bv_finding met[] = {
		BV_FINDING_LIMIT_REACHED_ENFORCED,
		BV_FINDING_EXCEEDED_WITHIN_OVERSHOOT,
		BV_FINDING_ENFORCEMENT_FAULT,
	};

	for (size_t i = 0; i < BV_LEN(met); i++) {
		if (strcmp(finding, bv_finding_name(met[i])) == 0)
			return true;
	}
	return false;
}

/* What meeting a limit did to the session. */
static const char *const effects[] = {
	[BV_DIM_WALL] = "the session was ended",
	[BV_DIM_CPU] = "the session was ended",
	[BV_DIM_MEMORY] = "the kernel killed the session",
	[BV_DIM_PROCESSES] = "new processes and threads were refused (EAGAIN)",
	[BV_DIM_HANDLES] = "opening files was refused (EMFILE)",
	[BV_DIM_STORAGE] = "writing to /tmp was refused (ENOSPC)",
	[BV_DIM_NETWORK] = "packets were dropped",
};
_Static_assert(BV_LEN(effects) == BV_DIM_N, "every dimension has an effect");

static int add_limit(struct why *w, const json_t *row)
{
	const json_t *limit = json_object_get(row, "limit");
	const char *finding = text_of(row, "finding");
	json_t *used = json_object_get(row, "used");
	bool met = says_met(finding);
	bool hit = false;
	uint64_t now = 0;
	enum bv_dim dim;
	char line[64];
	json_t *o;
	int failed = 0;

	if (!json_is_integer(limit) ||
	    !bv_dim_from_name(text_of(row, "dimension"), &dim))
		return 0;
	o = json_object();
	used = live_use(w, dim, &now, &hit) ? bv_json_u64(now)
					    : json_incref(used);
	met = met || hit;
	w->met += met ? 1 : 0;
	snprintf(line, sizeof(line), "[budget] %s", bv_dim_name(dim));
	failed |= bvh_ctl_put(o, "dimension", json_string(bv_dim_name(dim)));
	failed |= bvh_ctl_put(o, "unit", json_string(bv_dim_unit(dim)));
	failed |= bvh_ctl_put(o, "limit", json_deep_copy(limit));
	failed |= bvh_ctl_put(o, "used", used);
	failed |= bvh_ctl_put(o, "finding",
			      w->lives ? json_null() : json_string(finding));
	failed |= bvh_ctl_put(o, "met", json_boolean(met));
	failed |= bvh_ctl_put(o, "effect",
			      met ? json_string(effects[dim]) : json_null());
	failed |= bvh_ctl_put(o, "allowed_by", json_string(line));
	return failed | bvh_ctl_add(w->limits, o);
}

static int collect(struct why *w)
{
	const json_t *row;
	size_t i;
	int failed = 0;

	w->limits = json_array();
	json_array_foreach(json_object_get(w->record, "budgets"), i, row)
		failed |= add_limit(w, row);
	return failed;
}

static const char *amount(const json_t *row, const char *key, char *ret,
			  size_t ret_len)
{
	const json_t *v = json_object_get(row, key);
	enum bv_dim dim;

	if (!json_is_integer(v) ||
	    !bv_dim_from_name(text_of(row, "dimension"), &dim))
		return "not measured";
	return bvh_ctl_amount(dim, (uint64_t)json_integer_value(v), ret,
			      ret_len);
}

static void say(const struct why *w)
{
	const json_t *subject = json_object_get(w->record, "subject");
	const char *policy = text_of(w->record, "policy");
	const json_t *row;
	size_t i;

	bvh_ctl_say("session %s: %s by %s, policy %s\n",
		    text_of(w->record, "session_id"), text_of(subject, "user"),
		    text_of(subject, "service"), policy);
	if (w->lives)
		bvh_ctl_say("  it is live\n");
	else
		bvh_ctl_say("  %s%s%s\n",
			    strcmp(text_of(w->record, "state"), "open") == 0
				    ? "its guardian was lost before the end"
				    : text_of(w->record, "outcome"),
			    text_of(w->record, "reason")[0] != '\0' ? ": " : "",
			    text_of(w->record, "reason"));
	json_array_foreach(w->limits, i, row)
	{
		const bool met = json_is_true(json_object_get(row, "met"));
		char limit[48], used[48];

		bvh_ctl_say("  %s: limit %s, used %s%s%s\n",
			    text_of(row, "dimension"),
			    amount(row, "limit", limit, sizeof(limit)),
			    amount(row, "used", used, sizeof(used)),
			    met ? "; met: " : "",
			    met ? text_of(row, "effect") : "");
		if (met)
			bvh_ctl_say("    raise '%s' in policies/%s.conf\n",
				    text_of(row, "allowed_by"), policy);
	}
	bvh_ctl_say("  %s\n", w->met > 0 ? "that is all of the limits"
					 : "no limit was met");
	bvh_why_say_denials(w->denials, policy);
}

static int print_json(const struct why *w, int failed, int status)
{
	const json_t *subject = json_object_get(w->record, "subject");
	json_t *root = json_object();
	static const char *const copied[] = { "session_id", "policy", "outcome",
					      "reason", "observed" };

	for (size_t i = 0; i < BV_LEN(copied); i++)
		failed |= bvh_ctl_put(
			root, copied[i],
			json_deep_copy(json_object_get(w->record, copied[i])));
	failed |= bvh_ctl_put(root, "user",
			      bv_json_text(text_of(subject, "user")));
	failed |= bvh_ctl_put(root, "live", json_boolean(w->lives));
	failed |= bvh_ctl_put(root, "met", json_integer(w->met));
	failed |= bvh_ctl_put(root, "limits", json_incref(w->limits));
	failed |= bvh_ctl_put(root, "denials", json_incref(w->denials));
	return bvh_ctl_document(stdout, root, failed, status);
}

static bool has_denials(const struct why *w)
{
	return json_array_size(json_object_get(w->denials, "list")) > 0;
}

static int answer(const char *config_dir, const char *id, bool json)
{
	struct why *w = calloc(1, sizeof(*w));
	struct bv_err err = { 0 };
	int code, failed = 0;
	int status = BVH_CTL_FAULT;

	if (w == NULL)
		return BVH_CTL_FAULT;
	code = find_dirs(config_dir, w, &err);
	if (code == BV_OK)
		code = read_record(w, id, &err);
	if (code != BV_OK) {
		bvh_ctl_error("why: %s", err.msg);
		status = code == BV_E_INVAL ? BVH_CTL_NO : BVH_CTL_FAULT;
	} else {
		look_at_leaf(w);
		failed = collect(w);
		w->denials = bvh_why_denials(w->record, w->lives);
		status = w->met > 0 || has_denials(w) ? BVH_CTL_NO : BVH_CTL_OK;
		if (json)
			status = print_json(w, failed, status);
		else
			say(w);
	}
	json_decref(w->denials);
	json_decref(w->limits);
	json_decref(w->record);
	free(w);
	return status;
}

int bvh_ctl_why(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "why",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_min = 1,
		.args_max = 1,
		.args = "takes one SESSION",
		.alone = "see the records",
	};
	bool json = false;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	return status >= 0 ? status : answer(config_dir, argv[optind], json);
}
