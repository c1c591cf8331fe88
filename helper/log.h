/* SPDX-License-Identifier: MIT */
/*
 * Lines for syslog. What a user can choose (names, hosts, terminals) is
 * escaped and cut before it comes near one, so that it cannot forge a second
 * line, a key or a terminal sequence.
 */
#ifndef BVH_LOG_H
#define BVH_LOG_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BVH_FIELD_MAX 128u

struct bvh_field {
	char text[4 * BVH_FIELD_MAX + 4];
};

/* "key=value" material: what is not printable, a blank, a quote, a backslash or
 * '=' becomes \xNN; cut after BVH_FIELD_MAX bytes with "..."; "" becomes "-".
 * Returns f->text. */
const char *bvh_log_field(const char *value, struct bvh_field *f);

/* A sentence: only what is not printable becomes \xNN, cut to the buffer. */
void bvh_log_text(const char *text, char *ret, size_t ret_len);

/* One line as bvisor-helper, facility authpriv. The whole line is made
 * printable once more. Where journald listens it gets the line with each
 * "key=value" at its beginning as a field BVISOR_KEY of its own; BVISOR_SESSION
 * is one id in every line of a session. Elsewhere syslog gets the line. */
void bvh_log(int priority, const char *fmt, ...) BV_PRINTF(2, 3);

/* From now on each line goes to the datagram socket at path too, as an RFC 5424
 * message; NULL: no more. Of the whole process, and set when bvisor.conf has been
 * read. A socket that is not there, or is full for 0.2 s, gets nothing. False: the
 * path is too long for one. */
bool bvh_log_also_to(const char *path);

/* The fields of a line: those of the unbroken run of "key=value" words it begins
 * with; reason="…" is the last and goes to the end. Appends to buf, in journald's
 * own form, and returns how much; what does not fit is left out. Pure. */
size_t bvh_log_fields(const char *line, char *buf, size_t cap);

/* The same fields as RFC 5424's structured data. The number is the one that is
 * reserved for who has none (RFC 5612). */
#define BVH_LOG_SD_ID "bvisor@32473"

struct bvh_log_head {
	int priority;
	uint64_t unix_us;
	const char *host;
	pid_t pid;
};

/* One message: head, the fields of the line, and the line, which is printable.
 * Returns its length; 0: it does not fit. Pure. */
size_t bvh_log_rfc5424(const struct bvh_log_head *head, const char *line,
		       char *buf, size_t cap);

#endif
