/* SPDX-License-Identifier: MIT */
/* Errors as values: formatting only, into the caller's own struct. */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
	[-BV_OK] = "OK",
	[-BV_E_CONF] = "CONF",
	[-BV_E_INVAL] = "INVAL",
	[-BV_E_SYS] = "SYS",
	[-BV_E_NOMEM] = "NOMEM",
	[-BV_E_PROTO] = "PROTO",
	[-BV_E_LIMIT] = "LIMIT",
	[-BV_E_UNSUPPORTED] = "UNSUPPORTED",
	[-BV_E_TIMEOUT] = "TIMEOUT",
	[-BV_E_BUG] = "BUG",
	[-BV_E_REFUSED] = "REFUSED",
};

const char *bv_code_name(int code)
{
	if (code > 0 || code <= -(int)BV_LEN(code_names))
		return "?";
	return code_names[-code];
}

int bv_fail(struct bv_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	err->sys_errno = 0;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return code;
}

int bv_fail_errno(struct bv_err *err, int sys_errno, const char *fmt, ...)
{
	const char *name = strerrorname_np(sys_errno);
	const char *text = strerrordesc_np(sys_errno);
	va_list ap;
	size_t len;

	if (err == NULL)
		return BV_E_SYS;
	err->code = BV_E_SYS;
	err->sys_errno = sys_errno;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s (%s)",
		 name == NULL ? "errno" : name,
		 text == NULL ? "unknown error" : text);
	return BV_E_SYS;
}

int bv_ctx(struct bv_err *err, const char *fmt, ...)
{
	char text[2 * BV_ERR_MSG_MAX];
	va_list ap;
	size_t len;

	if (err == NULL || err->code == BV_OK)
		return BV_E_BUG;
	va_start(ap, fmt);
	vsnprintf(text, BV_ERR_MSG_MAX, fmt, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", err->msg);
	memcpy(err->msg, text, sizeof(err->msg) - 1); /* cut, keep the NUL */
	err->msg[sizeof(err->msg) - 1] = '\0';
	return err->code;
}
