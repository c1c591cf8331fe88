/* SPDX-License-Identifier: MIT */
/*
 * The state files of live sessions, <run_dir>/sessions/<id>.json, for ps, kill
 * and a second open; and the reports under <state_dir>/sessions/<id>.json,
 * space for which is reserved before any effect (a full disk refuses a login,
 * it never loses a report).
 */
#ifndef BVH_SESSION_H
#define BVH_SESSION_H

#include "core/report.h"

#include <sys/types.h>

struct bvh_session_state {
	char id[BV_SESSION_ID_LEN + 1];
	char plan_id[BV_PLAN_ID_LEN + 1];
	char user[256];
	char policy[BV_POLICY_NAME_MAX + 1];
	char service[64];
	char tty[64];
	char rhost[256];
	char leaf[4096]; /* absolute cgroupfs path */
	pid_t leader_pid;
	uint64_t leader_start; /* /proc/PID/stat field 22 */
	pid_t guardian_pid;
	uint64_t guardian_start;
	uint64_t opened_unix_us;
};

int bvh_session_new_id(char ret[BV_SESSION_ID_LEN + 1],
		       struct bv_err *err) BV_MUST_CHECK; /* getrandom */
int bvh_proc_start(pid_t pid, uint64_t *ret, struct bv_err *err) BV_MUST_CHECK;

/* Atomic: temporary file + rename. Directories are made 0755 root. */
int bvh_session_write(const char *run_dir, const struct bvh_session_state *s,
		      struct bv_err *err) BV_MUST_CHECK;
int bvh_session_read(const char *run_dir, const char *id,
		     struct bvh_session_state *ret,
		     struct bv_err *err) BV_MUST_CHECK;
int bvh_session_remove(const char *run_dir, const char *id,
		       struct bv_err *err) BV_MUST_CHECK;
/* Every readable state file, oldest first; malloc'ed array. */
int bvh_session_list(const char *run_dir, struct bvh_session_state **ret,
		     size_t *ret_n, struct bv_err *err) BV_MUST_CHECK;

/* The report's file. open reserves BVH_RECORD_RESERVE bytes, writes the open
 * report and keeps the file locked as long as *ret_fd is open; it is not synced,
 * the journal's `started` is what has to be durable. seal replaces the content
 * in place and syncs; ret_sha256 (or NULL) is the report's seal. Files are 0600 in a 0700
 * directory. */
#define BVH_RECORD_RESERVE (32u * 1024u)
/* … and so much for each name an outbox may be listed with: four bytes a byte
 * where one has to be escaped. */
#define BVH_RECORD_OUTPUT (4u * 256u + 256u)
/* … and for each command that a shell may tell of. */
#define BVH_RECORD_COMMAND 384u
int bvh_record_open(const char *state_dir, const struct bv_report *report,
		    int *ret_fd, struct bv_err *err) BV_MUST_CHECK;
int bvh_record_seal(const char *state_dir, int fd,
		    const struct bv_report *report, char ret_sha256[65],
		    struct bv_err *err) BV_MUST_CHECK;
/* The whole file for this process, as long as it lives and closes no descriptor
 * of the file; false: another one has it. */
bool bvh_record_lock(int fd);
/* Canonical text in the place of what the file holds; json is lent. */
int bvh_record_write(int fd, char *json, struct bv_err *err) BV_MUST_CHECK;
int bvh_record_sync(const char *state_dir, int fd,
		    struct bv_err *err) BV_MUST_CHECK;
/* Of a session that never began. */
void bvh_record_drop(const char *state_dir, const char *id);

#endif
