/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl replay: the recordings of a session, and one of them again. Nothing
 * is shown of a recording that is not what its session's report sealed.
 */
#include "core/cast.h"
#include "core/digest.h"
#include "core/num.h"
#include "helper/admission.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_CAP     (4u << 20)
#define RECORD_MAX    (1u << 20)
#define MANIFEST_MAX  (64u << 20)
#define PREFIX_MIN    4u
#define WAIT_MOST_US  2000000u
#define SEALED_PREFIX "manifest sha256 "

static const char help[] =
	"usage: bvisorctl replay SESSION [NUMBER] [--stream NAME] [--fast]\n"
	"                        [--config DIR] [--json]\n\n"
	"The recordings of SESSION (its id, or at least 4 digits of its\n"
	"beginning); with NUMBER one of them again, when it is what the\n"
	"session's report has sealed.\n\n"
	"  --stream NAME  output (default), error or input\n"
	"  --fast         do not wait; so it is when standard output is no\n"
	"                 terminal\n"
	"  --config DIR   where bvisor.conf is (default " BVH_CONFIG_DIR ")\n"
	"  --json         the list as one JSON document\n\n"
	"Exit status: 0 shown, 1 there is none, or it is not what was sealed,\n"
	"2 usage, 3 fault.\n";

struct replay {
	char state_dir[PATH_MAX];
	char id[BV_SESSION_ID_LEN + 1];
	int dir;
	char *manifest;
	const char *seal; /* NULL: it is what the report says */
	char sealed[65];
};

/* One line of the manifest. */
struct entry {
	uint64_t number, size;
	char sha256[65];
	char kind[16];
	char whole[16];
};

static int find_state_dir(const char *config_dir, struct replay *r,
			  struct bv_err *err)
{
	struct bv_config config;
	struct bv_arena arena;
	int code;

	bv_arena_init(&arena, ARENA_CAP);
	code = bvh_config_load(config_dir, &arena, &config, NULL, NULL, err);
	if (code == BV_OK &&
	    (size_t)snprintf(r->state_dir, sizeof(r->state_dir), "%s",
			     config.state_dir) >= sizeof(r->state_dir))
		code = bv_fail(err, BV_E_LIMIT, "state_dir is too long");
	bv_arena_done(&arena);
	return code;
}

static int open_recordings(struct replay *r, const char *prefix,
			   struct bv_err *err)
{
	bv_auto_free char *path = NULL;
	size_t found = 0;
	DIR *dir;

	if (asprintf(&path, "%s/captures", r->state_dir) < 0)
		return bv_fail(err, BV_E_NOMEM, "the recordings");
	dir = opendir(path);
	for (const struct dirent *e = dir == NULL ? NULL : readdir(dir);
	     e != NULL; e = readdir(dir)) {
		if (strlen(e->d_name) != BV_SESSION_ID_LEN ||
		    strlen(prefix) < PREFIX_MIN ||
		    strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		memcpy(r->id, e->d_name, BV_SESSION_ID_LEN);
		found++;
	}
	if (found == 1)
		r->dir =
			openat(dirfd(dir), r->id,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir != NULL)
		closedir(dir);
	if (found == 0)
		return bv_fail(err, BV_E_INVAL,
			       "nothing is recorded of a session '%s'", prefix);
	if (found > 1)
		return bv_fail(err, BV_E_INVAL,
			       "more than one session begins with '%s'",
			       prefix);
	if (r->dir < 0)
		return bv_fail_errno(err, errno, "open '%s/%s'", path, r->id);
	return BV_OK;
}

/* --- the seal -------------------------------------------------------------- */

/* The digest that the report has of the manifest; "" while there is none. */
static int read_sealed(struct replay *r, struct bv_err *err)
{
	bv_auto_free char *path = NULL;
	bv_auto_free char *text = malloc(RECORD_MAX + 1);
	bv_auto_close int fd = -1;
	const json_t *o;
	json_t *record;
	size_t i;

	if (text == NULL ||
	    asprintf(&path, "%s/sessions/%s.json", r->state_dir, r->id) < 0)
		return bv_fail(err, BV_E_NOMEM, "the report");
	if (bvh_dir_file(AT_FDCWD, path, "", O_RDONLY, &fd, err) != BV_OK)
		return err->code;
	if (fd < 0 || bvh_read_all(fd, text, RECORD_MAX) < 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	record = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_array_foreach(json_object_get(record, "observed"), i, o)
	{
		const char *kind =
			json_string_value(json_object_get(o, "kind"));
		const char *detail =
			json_string_value(json_object_get(o, "detail"));
		const char *at;

		if (kind == NULL || detail == NULL ||
		    strcmp(kind, "streams_captured") != 0)
			continue;
		at = strstr(detail, SEALED_PREFIX);
		if (at != NULL)
			snprintf(r->sealed, sizeof(r->sealed), "%s",
				 at + sizeof(SEALED_PREFIX) - 1);
	}
	json_decref(record);
	return BV_OK;
}

static int read_manifest(struct replay *r, struct bv_err *err)
{
	SHA2_CTX sha;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char got[65];
	bv_auto_close int fd =
		openat(r->dir, "manifest", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	r->manifest = malloc(MANIFEST_MAX + 1);
	if (r->manifest == NULL)
		return bv_fail(err, BV_E_NOMEM, "the manifest");
	n = fd < 0 ? -1 : bvh_read_all(fd, r->manifest, MANIFEST_MAX);
	if (n < 0)
		return bv_fail_errno(err, errno, "read the manifest");
	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)r->manifest, (size_t)n);
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, got);
	if (r->sealed[0] == '\0')
		r->seal = "not sealed: the session lives, or its guardian was "
			  "lost";
	else if (strcmp(got, r->sealed) != 0)
		r->seal = "CHANGED: the manifest is not the one that was "
			  "sealed";
	return BV_OK;
}

static bool next_entry(char **at, struct entry *ret)
{
	char *line = strsep(at, "\n");

	return line != NULL &&
	       sscanf(line, "%" SCNu64 ".cast %64s %" SCNu64 " %15s %15s",
		      &ret->number, ret->sha256, &ret->size, ret->kind,
		      ret->whole) == 5;
}

static int check_file(const struct entry *e, int fd, struct bv_err *err)
{
	static uint8_t step[65536];
	uint8_t sum[SHA256_DIGEST_LENGTH];
	char got[65];
	SHA2_CTX sha;
	ssize_t n;

	SHA256Init(&sha);
	while ((n = read(fd, step, sizeof(step))) > 0)
		SHA256Update(&sha, step, (size_t)n);
	SHA256Final(sum, &sha);
	bv_digest_hex(sum, got);
	if (n < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return bv_fail_errno(err, errno, "read the recording");
	if (strcmp(got, e->sha256) != 0)
		return bv_fail(err, BV_E_INVAL,
			       "%" PRIu64 ".cast is CHANGED: it is not what "
			       "was recorded",
			       e->number);
	return BV_OK;
}

/* --- the list -------------------------------------------------------------- */

static int list(const struct replay *r, bool json)
{
	char *at = r->manifest;
	json_t *root = json_object();
	json_t *all = json_array();
	struct entry e;
	int failed = 0;

	if (!json)
		bvh_ctl_say("session %s: %s\n", r->id,
			    r->seal == NULL ? "as sealed in its report"
					    : r->seal);
	while (next_entry(&at, &e)) {
		json_t *o = json_object();

		if (!json)
			bvh_ctl_say("  %-4" PRIu64 " %-8s %12" PRIu64
				    " bytes  %s\n",
				    e.number, e.kind, e.size, e.whole);
		failed |= bvh_ctl_put(o, "number",
				      json_integer((json_int_t)e.number));
		failed |= bvh_ctl_put(o, "kind", json_string(e.kind));
		failed |= bvh_ctl_put(o, "bytes",
				      json_integer((json_int_t)e.size));
		failed |= bvh_ctl_put(
			o, "cut", json_boolean(strcmp(e.whole, "cut") == 0));
		failed |= bvh_ctl_put(o, "sha256", json_string(e.sha256));
		failed |= bvh_ctl_add(all, o);
	}
	failed |= bvh_ctl_put(root, "session_id", json_string(r->id));
	failed |= bvh_ctl_put(root, "sealed", json_boolean(r->seal == NULL));
	failed |= bvh_ctl_put(root, "recordings", all);
	if (json)
		return bvh_ctl_document(stdout, root, failed, BVH_CTL_OK);
	json_decref(root);
	return BVH_CTL_OK;
}

/* --- once more ------------------------------------------------------------- */

static void wait_us(uint64_t us)
{
	const uint64_t cut = us > WAIT_MOST_US ? WAIT_MOST_US : us;
	const struct timespec ts = { .tv_sec = (time_t)(cut / 1000000u),
				     .tv_nsec = (long)(cut % 1000000u) * 1000 };

	(void)fflush(stdout);
	(void)nanosleep(&ts, NULL);
}

static int play(FILE *f, enum bv_cast_stream stream, bool fast,
		struct bv_err *err)
{
	bv_auto_free char *line = NULL;
	struct bv_cast_head head;
	uint64_t now_us = 0;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, f);
	int code = n > 0 ? bv_cast_read_head(line, (size_t)n - 1, &head, err)
			 : bv_fail(err, BV_E_PROTO, "an empty recording");

	while (code == BV_OK && (n = getline(&line, &cap, f)) > 0) {
		struct bv_cast_event e;

		code = bv_cast_read(line, (size_t)n - 1, &e, err);
		if (code != BV_OK)
			break;
		if (e.what == BV_CAST_DATA && e.stream == stream) {
			if (!fast && e.at_us > now_us)
				wait_us(e.at_us - now_us);
			now_us = e.at_us;
			(void)fwrite(e.bytes, 1, e.n, stdout);
		}
		free(e.bytes);
	}
	return code;
}

static int replay(const struct replay *r, uint64_t number,
		  enum bv_cast_stream stream, bool fast, struct bv_err *err)
{
	char *at = r->manifest;
	struct entry e = { .number = 0 };
	char name[32];
	FILE *f;
	int fd;
	int code;

	if (r->seal != NULL && r->sealed[0] != '\0')
		return bv_fail(err, BV_E_INVAL, "session %s: %s", r->id,
			       r->seal);
	while (e.number != number)
		if (!next_entry(&at, &e))
			return bv_fail(err, BV_E_INVAL,
				       "session %s has no recording %" PRIu64
				       " that has ended",
				       r->id, number);
	snprintf(name, sizeof(name), "%" PRIu64 ".cast", number);
	fd = openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (f == NULL)
		return bv_fail_errno(err, errno, "open '%s'", name);
	code = check_file(&e, fd, err);
	if (code == BV_OK)
		code = play(f, stream, fast, err);
	fclose(f);
	return code;
}

static int answer(const char *config_dir, const char *id, uint64_t number,
		  enum bv_cast_stream stream, bool fast, bool json)
{
	static struct replay r = { .dir = -1 };
	struct bv_err err = { 0 };
	int status = BVH_CTL_OK;
	int code = find_state_dir(config_dir, &r, &err);

	if (code == BV_OK)
		code = open_recordings(&r, id, &err);
	if (code == BV_OK)
		code = read_sealed(&r, &err);
	if (code == BV_OK)
		code = read_manifest(&r, &err);
	if (code == BV_OK && number == 0)
		status = list(&r, json);
	else if (code == BV_OK)
		code = replay(&r, number, stream, fast, &err);
	free(r.manifest);
	bvh_close(&r.dir);
	if (code == BV_OK)
		return status;
	bvh_ctl_error("replay: %s", err.msg);
	return code == BV_E_INVAL || code == BV_E_PROTO ? BVH_CTL_NO
							: BVH_CTL_FAULT;
}

static bool stream_named(const char *name, enum bv_cast_stream *ret)
{
	static const char *const names[BV_CAST_STREAM_N] = {
		[BV_CAST_OUT] = "output",
		[BV_CAST_ERR] = "error",
		[BV_CAST_IN] = "input",
	};

	for (unsigned int i = 0; i < BV_CAST_STREAM_N; i++)
		if (strcmp(names[i], name) == 0) {
			*ret = (enum bv_cast_stream)i;
			return true;
		}
	return false;
}

int bvh_ctl_replay(int argc, char **argv)
{
	const char *config_dir = BVH_CONFIG_DIR;
	const char *name = NULL;
	bool fast = isatty(STDOUT_FILENO) != 1;
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &config_dir, NULL },
		{ "stream", 's', &name, NULL },
		{ "fast", 'f', NULL, &fast },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "replay",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args_min = 1,
		.args_max = 2,
		.args = "takes one SESSION",
		.alone = "see the recordings",
	};
	enum bv_cast_stream stream = BV_CAST_OUT;
	bool json = false;
	uint64_t number = 0;
	const int status = bvh_ctl_options(&syntax, argc, argv, &json);

	if (status >= 0)
		return status;
	if (name != NULL && !stream_named(name, &stream))
		return bvh_ctl_usage("replay ", "replay: no stream '%s'", name);
	if (optind + 2 == argc &&
	    !bv_parse_u64(argv[optind + 1], 1, INT64_MAX, &number))
		return bvh_ctl_usage("replay ", "replay: '%s' is no number",
				     argv[optind + 1]);
	return answer(config_dir, argv[optind], number, stream, fast, json);
}
