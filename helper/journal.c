/* SPDX-License-Identifier: MIT */
/* Where the journal is, and one event into it. */
#include "helper/journal.h"

#include "helper/dir.h"
#include "helper/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

int bvh_boot_id(char ret[BVH_BOOT_ID_LEN + 1], struct bv_err *err)
{
	bv_auto_close int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	char text[BVH_BOOT_ID_LEN + 2];

	if (fd < 0 || bvh_read_all(fd, text, sizeof(text) - 1) !=
			      (ssize_t)BVH_BOOT_ID_LEN + 1)
		return bv_fail_errno(err, errno, "read '" BOOT_ID_FILE "'");
	memcpy(ret, text, BVH_BOOT_ID_LEN);
	ret[BVH_BOOT_ID_LEN] = '\0';
	return BV_OK;
}

/* SQLite opens by path. So the directory is opened and checked, and then the
 * kernel is asked what its path is: nobody but us can put another one there. */
int bvh_journal_dir(const char *state_dir, char *ret, size_t ret_len,
		    struct bv_err *err)
{
	bv_auto_close int fd = -1;
	char link[64];
	ssize_t n;
	int code = bvh_dir_make(AT_FDCWD, state_dir, 0700, state_dir, &fd, err);

	if (code != BV_OK)
		return code;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, ret_len);
	if (n < 0)
		return bv_fail_errno(err, errno, "the path of '%s'", state_dir);
	if ((size_t)n >= ret_len || ret[0] != '/')
		return bv_fail(err, BV_E_LIMIT, "'%s': no usable path",
			       state_dir);
	ret[n] = '\0';
	return BV_OK;
}

int bvh_journal_open(const char *state_dir, enum bvl_mode mode,
		     unsigned int wait_ms, struct bvl_journal **ret,
		     struct bv_err *err)
{
	char dir[PATH_MAX];
	int code = bvh_journal_dir(state_dir, dir, sizeof(dir), err);

	if (code != BV_OK)
		return bv_ctx(err, "the journal");
	return bvl_journal_open(dir, mode, wait_ms, ret, err);
}

static uint64_t unix_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* A journal that was begun anew while the session lived does not know its start,
 * and takes no end without one. */
static int check_known(struct bvl_journal *j, const char *session,
		       struct bv_err *err)
{
	bool known = false;
	int code = bvl_journal_knows(j, session, &known, err);

	if (code == BV_OK && !known)
		code = bv_fail(err, BV_E_INVAL,
			       "the journal is another one than at its start");
	return code;
}

/* of: NULL, or whose events they are, which it must know. */
static int say(const char *state_dir, unsigned int wait_ms, const char *of,
	       struct bv_event *events, size_t n, struct bvl_head *ret_head,
	       struct bv_err *err)
{
	char boot_id[BVH_BOOT_ID_LEN + 1];
	struct bvl_journal *j = NULL;
	int code = bvh_boot_id(boot_id, err);

	for (size_t i = 0; i < n; i++) {
		events[i].boot_id = boot_id;
		events[i].unix_us = unix_us();
	}
	if (code == BV_OK)
		code = bvh_journal_open(state_dir, BVL_APPEND, wait_ms, &j,
					err);
	if (code == BV_OK && of != NULL)
		code = check_known(j, of, err);
	if (code == BV_OK)
		code = bvl_journal_append_all(j, events, n, err);
	if (code == BV_OK && ret_head != NULL)
		*ret_head = *bvl_journal_head(j);
	for (size_t i = 0; i < n; i++)
		events[i].boot_id = "";
	/* After a start nobody may be kept waiting. */
	if (code == BV_OK && events[0].kind != BV_EVENT_STARTED)
		bvl_journal_tend(j);
	bvl_journal_close(&j);
	return code;
}

int bvh_journal_say(const char *state_dir, unsigned int wait_ms,
		    struct bv_event *events, size_t n,
		    struct bvl_head *ret_head, struct bv_err *err)
{
	return say(state_dir, wait_ms, NULL, events, n, ret_head, err);
}

int bvh_journal_say_more(const char *state_dir, unsigned int wait_ms,
			 const char *session, struct bv_event *events, size_t n,
			 struct bvl_head *ret_head, struct bv_err *err)
{
	return say(state_dir, wait_ms, session, events, n, ret_head, err);
}

const char *bvh_journal_head_text(const struct bvl_head *head,
				  struct bvh_head_text *ret)
{
	if (head->seq == 0)
		snprintf(ret->text, sizeof(ret->text), "journal=-");
	else
		snprintf(ret->text, sizeof(ret->text), "journal=%" PRIu64 ":%s",
			 head->seq, head->hash);
	return ret->text;
}
