/* SPDX-License-Identifier: MIT */
/* Escaped text to syslog and to the user; the only caller of either. */
#include "pam_bvisor/log.h"

#include <security/pam_ext.h>
#include <stdio.h>

#define ESCAPED_MAX 1024

static void escape(const char *text, char ret[ESCAPED_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0' && n < ESCAPED_MAX - 5; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c < 0x7f) {
			ret[n++] = (char)c;
			continue;
		}
		ret[n++] = '\\';
		ret[n++] = 'x';
		ret[n++] = digits[c >> 4];
		ret[n++] = digits[c & 0xf];
	}
	ret[n] = '\0';
}

void bvp_log(pam_handle_t *pamh, int priority, const char *what,
	     const char *text)
{
	char plain[ESCAPED_MAX];

	escape(text, plain);
	pam_syslog(pamh, priority, "%s%s%s", what, plain[0] ? ": " : "", plain);
}

void bvp_tell_user(pam_handle_t *pamh, const char *text)
{
	char plain[ESCAPED_MAX];

	escape(text, plain);
	pam_error(pamh, "%s", plain);
}
