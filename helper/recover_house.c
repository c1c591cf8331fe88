/* SPDX-License-Identifier: MIT */
/*
 * Keeping house: rows of the journal that are too old or too many go behind a
 * checkpoint, and with them the reports; an open report whose session never
 * began (its guardian was killed in between) goes too.
 */
#include "helper/recover_internal.h"

#include "core/canon.h"
#include "core/report_view.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define REPORT_ARENA (4u * 1024u * 1024u)
/* Between making a report's file and its `started` lie milliseconds. */
#define YOUNG_S 60
#define DAY_US  (UINT64_C(86400) * 1000000u)

/* --- which rows may go ---------------------------------------------------------- */

struct newest {
	uint64_t unix_us; /* 0: not known */
	bool same_boot;
	const char *boot_id;
	bool found;
};

static int on_first(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	struct newest *n = arg;

	n->unix_us = row->event->unix_us;
	n->same_boot = strcmp(row->event->boot_id, n->boot_id) == 0;
	n->found = true;
	return bv_fail(err, BV_E_LIMIT, "one is enough");
}

/* Is there a row behind that one? One that does not decode is there as well, and says
 * nothing on its time. */
static int is_behind(struct bvl_journal *j, uint64_t seq, struct newest *n,
		     struct bv_err *err)
{
	const struct bvl_query query = { .after_seq = seq };
	struct newest here = { .boot_id = n->boot_id };
	struct bv_err why = { 0 };
	const int code = bvl_journal_each(j, &query, on_first, &here, &why);

	if (!here.found &&
	    (code == BV_E_SYS || code == BV_E_TIMEOUT || code == BV_E_NOMEM)) {
		*err = why;
		return code;
	}
	if (code != BV_OK)
		*n = here;
	n->found = code != BV_OK;
	return BV_OK;
}

/* The last row. The journal is read forwards only, and may be long: looked for in
 * steps that double, then by halves. */
static int find_newest(struct bvl_journal *j, struct newest *n,
		       struct bv_err *err)
{
	uint64_t at = 0, step = 1;
	bool doubles = true;
	int code = bvl_journal_removed(j, &at, err);

	if (code == BV_OK)
		code = is_behind(j, at, n, err);
	if (code != BV_OK || !n->found)
		return code;
	while (code == BV_OK && step > 0) {
		code = is_behind(j, at + step, n, err);
		if (n->found)
			at += step;
		else
			doubles = false;
		doubles = doubles && step < UINT64_C(1) << 61;
		step = doubles ? 2 * step : step / 2;
	}
	return code;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* When the clock says that all of it is too old, nothing has happened for long, or the
 * clock is wrong; it cannot be told which. So the last day that has rows stays. And no
 * boot is older than it is: by rows of this one nothing ages faster than it lasts. */
static uint64_t old_before(const struct newest *n, uint64_t age_us,
			   uint64_t now_us)
{
	const uint64_t span = age_us < DAY_US ? age_us : DAY_US;
	uint64_t ret = less(now_us, age_us);
	struct timespec up;

	if (ret > less(n->unix_us, span))
		ret = less(n->unix_us, span);
	clock_gettime(CLOCK_BOOTTIME, &up);
	if (n->same_boot &&
	    ret > less(n->unix_us + (uint64_t)up.tv_sec * 1000000u, age_us))
		ret = less(n->unix_us + (uint64_t)up.tv_sec * 1000000u, age_us);
	return ret;
}

/* Once, until it is otherwise: the service keeps house each hour. */
static void say_held_back(bool held_back)
{
	static bool is_said;

	if (held_back && !is_said)
		bvh_log(LOG_NOTICE,
			"journal: its newest row is older than journal_age by "
			"the clock: the last day that has rows stays");
	is_said = held_back;
}

static int what_to_keep(const struct bvh_recover *how, struct bvl_journal *j,
			uint64_t now_us, struct bvl_keep *ret,
			struct bv_err *err)
{
	const uint64_t age_us = how->config->journal_age_us;
	char boot_id[BVH_BOOT_ID_LEN + 1];
	struct newest n = { .boot_id = boot_id };
	uint64_t before_us;
	int code;

	*ret = (struct bvl_keep){ .bytes = how->config->journal_bytes };
	if (age_us == 0) /* for ever */
		return BV_OK;
	code = bvh_boot_id(boot_id, err);
	if (code == BV_OK)
		code = find_newest(j, &n, err);
	if (code != BV_OK)
		return code;
	before_us = old_before(&n, age_us, now_us);
	say_held_back(n.unix_us > 0 && n.unix_us < less(now_us, age_us));
	ret->age_us = now_us - before_us;
	return BV_OK;
}

/* --- their removal ---------------------------------------------------------------- */

struct removal {
	uint64_t now_us;
	uint64_t rows;
	uint64_t newest_us; /* of those that went */
};

/* Before it is so: a checkpoint that the log says nothing of would be taken for
 * somebody else's, for good. */
static void on_going(void *arg, const struct bvl_removal *what)
{
	struct removal *r = arg;
	struct bvh_head_text head;

	r->newest_us = what->newest_us;
	bvh_log(LOG_NOTICE,
		"journal: %" PRIu64 " rows are older or more than bvisor.conf "
		"keeps: they go behind a checkpoint %s",
		what->rows, bvh_journal_head_text(&what->head, &head));
}

/* --- reports ----------------------------------------------------------------------- */

/* Reports that were closed before this, of sessions the journal has no row of, were of
 * rows that were removed; 0: none ever was. Where the clock was set back, rows that
 * stay may be dated before those that went. */
static uint64_t reports_before(struct bvl_journal *j, const struct removal *r)
{
	const struct bvl_query all = { .session = NULL };
	struct newest oldest = { .boot_id = "" };
	uint64_t removed = 0;
	int code;

	if (bvl_journal_removed(j, &removed, NULL) != BV_OK || removed == 0)
		return 0;
	code = bvl_journal_each(j, &all, on_first, &oldest, NULL);
	if (code == BV_OK) /* no row is left */
		oldest.unix_us = r->now_us;
	return r->newest_us + 1 > oldest.unix_us ? r->newest_us + 1
						 : oldest.unix_us;
}

/* Closed in a time that is not yet: the clock was ahead. Where house-keeping was stopped
 * behind the rows nothing tells any more that they were of that time. */
static bool is_of_removed(uint64_t closed_us, uint64_t before_us)
{
	return closed_us < before_us ||
	       (before_us > 0 && closed_us > bvh_recover_now_us());
}

/* Of a session that the journal does not know: may it go? */
static bool may_go(int fd, uint64_t before_us, char *buf, const char **ret_why)
{
	struct bv_report_view view;
	struct bv_arena arena;
	struct stat st;
	bool is_young;
	bool go = false;
	time_t age_s;
	ssize_t n;

	if (!bvh_record_lock(fd) || fstat(fd, &st) != 0)
		return false;
	age_s = time(NULL) - st.st_mtime;
	is_young = age_s >= 0 && age_s < YOUNG_S; /* a clock may be set back */
	n = bvh_read_all(fd, buf, BV_CANON_BYTES_MAX);
	if (n < 0)
		return false;
	*ret_why = "a session that never began";
	if (n == 0)
		return !is_young;
	if (buf[n - 1] == '\n')
		n--;
	bv_arena_init(&arena, REPORT_ARENA);
	if (bv_report_decode(&arena, buf, (size_t)n, &view, NULL) == BV_OK) {
		go = view.state == BV_REPORT_OPEN && !is_young;
		if (view.state != BV_REPORT_OPEN && view.has_closed &&
		    is_of_removed(view.closed_unix_us, before_us)) {
			*ret_why = "a session that the journal keeps no more";
			go = true;
		}
	}
	bv_arena_done(&arena);
	return go;
}

static int look_at(int dir, const char *name, struct bvl_journal *j,
		   uint64_t before_us, char *buf, struct bv_err *err)
{
	char id[BV_SESSION_ID_LEN + 1] = "";
	bv_auto_close int fd = -1;
	struct bv_err odd = { 0 };
	const char *why = "";
	bool known = true;
	int code;

	if (strlen(name) != BV_SESSION_ID_LEN + 5 ||
	    strcmp(name + BV_SESSION_ID_LEN, ".json") != 0)
		return BV_OK;
	memcpy(id, name, BV_SESSION_ID_LEN);
	code = bvl_journal_knows(j, id, &known, err);
	if (code != BV_OK || known)
		return code;
	if (bvh_dir_file(dir, name, "sessions/", O_RDWR, &fd, &odd) != BV_OK)
		bvh_log(LOG_WARNING, "session=%s passed over: %s", id, odd.msg);
	if (fd < 0 || !may_go(fd, before_us, buf, &why))
		return BV_OK;
	if (unlinkat(dir, name, 0) == 0)
		bvh_log(LOG_NOTICE, "session=%s removed the report of %s", id,
			why);
	return BV_OK;
}

static int clean_records(const struct bvh_recover *how, struct bvl_journal *j,
			 uint64_t before_us, struct bv_err *err)
{
	bv_auto_free char *buf = malloc(BV_CANON_BYTES_MAX + 1);
	int fd = -1;
	DIR *dir;
	int code = bvh_dir_sessions(how->config->state_dir, 0700, &fd, err);

	if (code != BV_OK)
		return code;
	dir = fdopendir(fd);
	if (buf == NULL || dir == NULL) {
		code = bv_fail(err, BV_E_NOMEM, "recover: no memory");
		if (dir == NULL)
			bvh_close(&fd);
	}
	for (const struct dirent *e = code == BV_OK ? readdir(dir) : NULL;
	     e != NULL && code == BV_OK; e = readdir(dir))
		code = look_at(dirfd(dir), e->d_name, j, before_us, buf, err);
	if (dir != NULL)
		closedir(dir);
	return code;
}

int bvh_recover_house(const struct bvh_recover *how, struct bvl_journal *j,
		      struct bvh_recover_sum *sum, struct bv_err *err)
{
	struct bvl_keep keep;
	struct removal r = { .now_us = bvh_recover_now_us() };
	int code = what_to_keep(how, j, r.now_us, &keep, err);

	keep.going = on_going;
	keep.arg = &r;
	if (code == BV_OK)
		code = bvl_journal_prune(j, &keep, r.now_us, &r.rows, err);
	sum->removed = r.rows;
	return code == BV_OK ? clean_records(how, j, reports_before(j, &r), err)
			     : code;
}
