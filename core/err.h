/* SPDX-License-Identifier: MIT */
/*
 * Errors as values. Every fallible function of the project returns BV_OK or a
 * negative enum bv_code and, when it can say why, fills a caller-owned struct
 * bv_err. Nothing here allocates, logs or keeps state. The first failure wins;
 * callers add context in front while unwinding.
 */
#ifndef BV_CORE_ERR_H
#define BV_CORE_ERR_H

#define BV_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define BV_MUST_CHECK	__attribute__((warn_unused_result))
#define BV_LEN(a)	(sizeof(a) / sizeof((a)[0]))

enum bv_code {
	BV_OK = 0,
	BV_E_CONF = -1,	       /* the administrator's text is wrong */
	BV_E_INVAL = -2,       /* a caller's argument is wrong */
	BV_E_SYS = -3,	       /* the kernel said no: sys_errno says why */
	BV_E_NOMEM = -4,       /* allocation failed or an arena is full */
	BV_E_PROTO = -5,       /* a peer broke the wire protocol */
	BV_E_LIMIT = -6,       /* a size or count is over its bound */
	BV_E_UNSUPPORTED = -7, /* this machine cannot do it */
	BV_E_TIMEOUT = -8,     /* a deadline passed */
	BV_E_BUG = -9,	       /* an invariant of ours does not hold */
	BV_E_REFUSED = -10,    /* what a policy names cannot be had */
};

#define BV_ERR_MSG_MAX 512

/* Caller-owned; initialise with { 0 }. msg is always NUL-terminated. */
struct bv_err {
	int code;      /* enum bv_code */
	int sys_errno; /* errno of a BV_E_SYS, else 0 */
	char msg[BV_ERR_MSG_MAX];
};

/* Set code and message; returns code. err may be NULL. Long text is cut. */
int bv_fail(struct bv_err *err, int code, const char *fmt, ...)
	BV_PRINTF(3, 4);

/* As bv_fail with BV_E_SYS, ": ERRNO-NAME (text)" appended. */
int bv_fail_errno(struct bv_err *err, int sys_errno, const char *fmt, ...)
	BV_PRINTF(3, 4);

/* Put "TEXT: " in front of the message already there; returns err->code, or
 * BV_E_BUG when err is NULL or holds no failure. */
int bv_ctx(struct bv_err *err, const char *fmt, ...) BV_PRINTF(2, 3);

/* The constant's own name without prefix ("CONF", "SYS"), never NULL. */
const char *bv_code_name(int code);

#endif
