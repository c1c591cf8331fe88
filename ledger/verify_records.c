/* SPDX-License-Identifier: MIT */
/*
 * The reports beside the journal: each that the journal names is there, sealed,
 * and the one it names. Their names are the sessions' ids.
 */
#include "ledger/verify_internal.h"

#include "core/canon.h"
#include "core/report_view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define STORIES_FIRST 256u
#define REPORT_ARENA  (4u * 1024u * 1024u)

/* --- stories by id ----------------------------------------------------------- */

static bool key_of(const char *id, uint64_t *ret)
{
	uint64_t key = 0;

	if (strlen(id) != BV_SESSION_ID_LEN ||
	    strspn(id, "0123456789abcdef") != BV_SESSION_ID_LEN)
		return false;
	for (size_t i = 0; i < BV_SESSION_ID_LEN; i++) {
		const char c = id[i];

		key = key << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = key;
	return true;
}

/* Ids are random: their own bits do as a hash. cap is a power of two. */
static struct bvl_story *slot_of(struct bvl_story *v, size_t cap, uint64_t key)
{
	size_t i = (size_t)key & (cap - 1);

	while (v[i].used && v[i].key != key)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

static bool grow(struct bvl_stories *all)
{
	const size_t cap = all->cap == 0 ? STORIES_FIRST : 2 * all->cap;
	struct bvl_story *v = calloc(cap, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < all->cap; i++)
		if (all->v[i].used)
			*slot_of(v, cap, all->v[i].key) = all->v[i];
	free(all->v);
	all->v = v;
	all->cap = cap;
	return true;
}

struct bvl_story *bvl_story_of(struct bvl_stories *all, const char *id)
{
	struct bvl_story *story;
	uint64_t key;

	if (!key_of(id, &key) || (2 * all->n >= all->cap && !grow(all)))
		return NULL;
	story = slot_of(all->v, all->cap, key);
	if (!story->used) {
		*story = (struct bvl_story){ .key = key, .used = true };
		all->n++;
	}
	return story;
}

const struct bvl_story *bvl_story_find(const struct bvl_stories *all,
				       const char *id)
{
	const struct bvl_story *story;
	uint64_t key;

	if (all->cap == 0 || !key_of(id, &key))
		return NULL;
	story = slot_of(all->v, all->cap, key);
	return story->used ? story : NULL;
}

/* --- reports ----------------------------------------------------------------- */

/* The file's bytes without the line feed behind them; or -1 and errno, EBADF of
 * what is no file. A pipe is not waited for. */
static int read_report(int dir, const char *name, char *buf, size_t *ret_len)
{
	bvl_auto_close int fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EBADF;
		return -1;
	}
	while (len < BV_CANON_BYTES_MAX + 1) {
		const ssize_t n =
			read(fd, buf + len, BV_CANON_BYTES_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	*ret_len = len;
	return 0;
}

static void check_bytes(struct bvl_walk *w, const char *id, const char *bytes,
			size_t len, const struct bvl_story *story)
{
	struct bv_report_view view;
	struct bv_err why = { 0 };
	struct bv_arena arena;

	bv_arena_init(&arena, REPORT_ARENA);
	if (bv_report_decode(&arena, bytes, len, &view, &why) != BV_OK)
		bvl_found(w, BVL_FAULT_RECORD_TORN, 0,
			  "the report of session %s: %.240s", id, why.msg);
	else if (strcmp(view.sha256, story->sha256) != 0 ||
		 strcmp(view.session_id, id) != 0)
		bvl_found(w, BVL_FAULT_RECORD_OTHER, 0,
			  "the report of session %s is sealed, but is not the "
			  "one in the journal",
			  id);
	else
		w->verdict->reports++;
	bv_arena_done(&arena);
}

/* House-keeping went on while the rows were walked: it removes reports of sessions
 * that the journal keeps no more, and seals that first. */
static int is_pruned_since(struct bvl_walk *w, const char *id, bool *ret,
			   struct bv_err *err)
{
	uint64_t removed = 0;
	bool known = false;
	int code = bvl_journal_removed(&w->j, &removed, err);

	if (code == BV_OK)
		code = bvl_journal_knows(&w->j, id, &known, err);
	*ret = !known && removed > w->verdict->removed;
	return code;
}

static int tell_unread(struct bvl_walk *w, const char *id, int why,
		       struct bv_err *err)
{
	bool pruned = false;
	int code = BV_OK;

	if (why == ENOENT)
		code = is_pruned_since(w, id, &pruned, err);
	if (code == BV_OK && !pruned)
		bvl_found(w,
			  why == ENOENT ? BVL_FAULT_RECORD_MISSING
					: BVL_FAULT_RECORD_TORN,
			  0, "the report of session %s: %s", id,
			  why == EBADF ? "no regular file"
				       : strerrordesc_np(why));
	return code;
}

static int check_reported(struct bvl_walk *w, int dir, char *buf,
			  struct bv_err *err)
{
	int code = BV_OK;

	for (size_t i = 0; code == BV_OK && i < w->stories.cap; i++) {
		const struct bvl_story *story = &w->stories.v[i];
		char id[BV_SESSION_ID_LEN + 1];
		char name[32];
		size_t len = 0;

		if (!story->used || story->sha256[0] == '\0')
			continue;
		snprintf(id, sizeof(id), "%016" PRIx64, story->key);
		snprintf(name, sizeof(name), "%s.json", id);
		if (read_report(dir, name, buf, &len) == 0)
			check_bytes(w, id, buf, len, story);
		else
			code = tell_unread(w, id, errno, err);
	}
	return code;
}

/* Does a file of that name stand for a session? What is gone does not, nor what
 * says "open": a guardian's that is about to begin, or was killed before it did.
 * What cannot be read does. *ret_closed_us: when it ended by its own sealed word,
 * or 0. */
static bool of_session(int dir, const char *name, char *buf,
		       uint64_t *ret_closed_us)
{
	struct bv_report_view view;
	struct bv_arena arena;
	bool open = false;
	size_t len = 0;

	*ret_closed_us = 0;
	if (read_report(dir, name, buf, &len) != 0)
		return errno != ENOENT;
	if (len == 0)
		return false; /* reserved, nothing written yet */
	bv_arena_init(&arena, REPORT_ARENA);
	if (bv_report_decode(&arena, buf, len, &view, NULL) == BV_OK) {
		open = view.state == BV_REPORT_OPEN;
		if (!open && view.has_closed)
			*ret_closed_us = view.closed_unix_us;
	}
	bv_arena_done(&arena);
	return !open;
}

/* The session whose report has that name. */
static bool id_of(const char *name, char ret[BV_SESSION_ID_LEN + 1])
{
	uint64_t key;

	if (strlen(name) != BV_SESSION_ID_LEN + 5 ||
	    strcmp(name + BV_SESSION_ID_LEN, ".json") != 0)
		return false;
	memcpy(ret, name, BV_SESSION_ID_LEN);
	ret[BV_SESSION_ID_LEN] = '\0';
	return key_of(ret, &key);
}

/* Before when a session has to have ended for none of its rows to be kept: the
 * oldest row's time; with no row left, the last pruning's. 0: nothing was ever
 * removed. House-keeping goes by the same. */
static int kept_since_us(struct bvl_walk *w, uint64_t *ret, struct bv_err *err)
{
	int64_t us = 0;
	int code = bvl_sql_number(
		&w->j, "SELECT coalesce(max(unix_us), 0) FROM checkpoint", &us,
		err);

	*ret = us > 0 ? (uint64_t)us : 0;
	if (code == BV_OK && us > 0 && w->first_us > 0 && w->first_us < *ret)
		*ret = w->first_us;
	return code;
}

/* By a clock that was ahead, and of rows that went all the same: house-keeping may
 * have been stopped between the two, and then knows of no more than we. */
static bool is_outlived(uint64_t closed_us, uint64_t since_us)
{
	struct timespec now;

	if (closed_us == 0 || since_us == 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	return closed_us < since_us ||
	       closed_us > (uint64_t)now.tv_sec * 1000000u +
				   (uint64_t)now.tv_nsec / 1000u;
}

static int check_one(struct bvl_walk *w, const char *id, uint64_t closed_us,
		     struct bv_err *err)
{
	uint64_t since_us = 0;
	bool known = false;
	/* It may be younger than what was walked. */
	int code = bvl_journal_knows(&w->j, id, &known, err);

	if (code == BV_OK && !known)
		code = kept_since_us(w, &since_us, err);
	if (code != BV_OK || known)
		return code;
	if (is_outlived(closed_us, since_us))
		w->verdict->outlived++;
	else
		bvl_found(w, BVL_FAULT_RECORD_UNKNOWN, 0,
			  "there is a report of session %s, which the journal "
			  "does not know",
			  id);
	return BV_OK;
}

static int check_unknown(struct bvl_walk *w, DIR *dir, char *buf,
			 struct bv_err *err)
{
	int code = BV_OK;

	for (const struct dirent *e = readdir(dir); e != NULL && code == BV_OK;
	     e = readdir(dir)) {
		char id[BV_SESSION_ID_LEN + 1];
		uint64_t closed_us;

		if (id_of(e->d_name, id) &&
		    bvl_story_find(&w->stories, id) == NULL &&
		    of_session(dirfd(dir), e->d_name, buf, &closed_us))
			code = check_one(w, id, closed_us, err);
	}
	return code;
}

int bvl_journal_any_record(const char *records_dir, bool *ret,
			   struct bv_err *err)
{
	bvl_auto_free char *buf = malloc(BV_CANON_BYTES_MAX + 1);
	DIR *dir = opendir(records_dir);

	*ret = false;
	if (buf == NULL && dir != NULL)
		closedir(dir);
	if (buf == NULL)
		return bv_fail(err, BV_E_NOMEM, "verify: no memory");
	if (dir == NULL)
		return BV_OK;
	for (const struct dirent *e = readdir(dir); e != NULL && !*ret;
	     e = readdir(dir)) {
		char id[BV_SESSION_ID_LEN + 1];
		uint64_t closed_us;

		*ret = id_of(e->d_name, id) &&
		       of_session(dirfd(dir), e->d_name, buf, &closed_us);
	}
	closedir(dir);
	return BV_OK;
}

int bvl_verify_records(struct bvl_walk *w, struct bv_err *err)
{
	DIR *dir = opendir(w->what->records_dir);
	bvl_auto_free char *buf = malloc(BV_CANON_BYTES_MAX + 1);
	const struct bvl_story *any = NULL;
	int code;

	if (buf == NULL) {
		if (dir != NULL)
			closedir(dir);
		return bv_fail(err, BV_E_NOMEM, "verify: no memory");
	}
	for (size_t i = 0; any == NULL && i < w->stories.cap; i++)
		if (w->stories.v[i].used && w->stories.v[i].sha256[0] != '\0')
			any = &w->stories.v[i];
	if (dir == NULL) {
		if (any != NULL)
			bvl_found(w, BVL_FAULT_RECORD_MISSING, 0, "'%s': %s",
				  w->what->records_dir, strerrordesc_np(errno));
		return BV_OK;
	}
	code = check_reported(w, dirfd(dir), buf, err);
	if (code == BV_OK && !w->unreadable)
		code = check_unknown(w, dir, buf, err);
	closedir(dir);
	return code;
}
