/* SPDX-License-Identifier: MIT */
/*
 * Lines for syslog. What a user can choose (names, hosts, terminals) is
 * escaped and cut before it comes near one, so that it cannot forge a second
 * line, a key or a terminal sequence.
 */
#ifndef BVH_LOG_H
#define BVH_LOG_H

#include "core/err.h"

#include <stddef.h>

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

/* The fields of a line: those of the unbroken run of "key=value" words it begins
 * with; reason="…" is the last and goes to the end. Appends to buf, in journald's
 * own form, and returns how much; what does not fit is left out. Pure. */
size_t bvh_log_fields(const char *line, char *buf, size_t cap);

#endif
