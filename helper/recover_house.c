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
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#define REPORT_ARENA (4u * 1024u * 1024u)
/* Between making a report's file and its `started` lie milliseconds. */
#define YOUNG_S 60

static int on_first(void *arg, const struct bvl_row *row, struct bv_err *err)
{
	uint64_t *ret = arg;

	*ret = row->event->unix_us;
	return bv_fail(err, BV_E_LIMIT, "one is enough");
}

/* When the oldest row that is kept was written; 0: none was ever removed, so
 * no report may go for its age. */
static uint64_t oldest_us(struct bvl_journal *j)
{
	const struct bvl_query all = { .session = NULL };
	uint64_t removed = 0;
	uint64_t at = 0;

	if (bvl_journal_removed(j, &removed, NULL) != BV_OK || removed == 0)
		return 0;
	(void)!bvl_journal_each(j, &all, on_first, &at, NULL);
	return at;
}

/* Of a session that the journal does not know: may it go? */
static bool may_go(int fd, uint64_t before_us, char *buf, const char **ret_why)
{
	struct bv_report_view view;
	struct bv_arena arena;
	struct stat st;
	bool go = false;
	ssize_t n;

	if (!bvh_record_lock(fd) || fstat(fd, &st) != 0 ||
	    time(NULL) - st.st_mtime < YOUNG_S)
		return false;
	n = bvh_read_all(fd, buf, BV_CANON_BYTES_MAX);
	if (n < 0)
		return false;
	*ret_why = "a session that never began";
	if (n == 0)
		return true;
	if (buf[n - 1] == '\n')
		n--;
	bv_arena_init(&arena, REPORT_ARENA);
	if (bv_report_decode(&arena, buf, (size_t)n, &view, NULL) == BV_OK) {
		go = view.state == BV_REPORT_OPEN;
		if (!go && view.has_closed && view.closed_unix_us < before_us) {
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
			 struct bv_err *err)
{
	const uint64_t before_us = oldest_us(j);
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
	const struct bvl_keep keep = {
		.age_us = how->config->journal_age_us,
		.bytes = how->config->journal_bytes,
	};
	int code = bvl_journal_prune(j, &keep, bvh_recover_now_us(),
				     &sum->removed, err);

	if (code == BV_OK && sum->removed > 0)
		bvh_log(LOG_NOTICE,
			"journal: %" PRIu64 " rows are older or more than "
			"bvisor.conf keeps: removed behind a checkpoint",
			sum->removed);
	return code == BV_OK ? clean_records(how, j, err) : code;
}
	struct bv_err odd = { 0 };
