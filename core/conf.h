/* SPDX-License-Identifier: MIT */
/*
 * The line grammar shared by bvisor.conf and the policies: a magic first line,
 * [section], key = value, whole-line # comments, blank lines. No quoting, no
 * escapes, no continuation, no includes: what stands there is what it means.
 */
#ifndef BV_CORE_CONF_H
#define BV_CORE_CONF_H

#include "core/err.h"
#include "core/policy.h"

#include <stdbool.h>
#include <stddef.h>

enum bv_conf_type {
	BV_CONF_END,
	BV_CONF_SECTION, /* name */
	BV_CONF_PAIR,    /* name = value */
	BV_CONF_BAD,     /* err says what is wrong; reading goes on */
};

struct bv_conf {
	const char *path;
	const char *at;
	const char *end;
	const char *magic; /* of the first line; NULL once it was seen */
	unsigned int line; /* of the item last returned, from 1 */
	char text[BV_CONF_LINE_MAX + 1];
};

struct bv_conf_item {
	enum bv_conf_type type;
	unsigned int line;
	bool local; /* BV_CONF_BAD: cannot have been meant as a [section] */
	const char *name; /* borrowed from the reader until the next call */
	const char *value;
};

/* bytes are borrowed and need no NUL. */
void bv_conf_init(struct bv_conf *conf, const char *path, const char *magic,
		  const char *bytes, size_t len);

/* The next section or pair; comments and blank lines are passed over. A wrong
 * line gives BV_CONF_BAD with "path:line: why" in err. A wrong first line
 * gives BV_CONF_BAD once, line 1. */
void bv_conf_next(struct bv_conf *conf, struct bv_conf_item *ret,
		  struct bv_err *err);

/* err = "path:line: text". Returns BV_E_CONF. */
int bv_conf_fail(struct bv_err *err, const char *path, unsigned int line,
		 const char *fmt, ...) BV_PRINTF(4, 5);

#endif
