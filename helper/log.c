/* SPDX-License-Identifier: MIT */
/*
 * Lines for syslog, made harmless; and for journald with their fields. The fields
 * are read off the line itself, whose values are escaped before they come into it,
 * so that line and fields cannot say different things.
 */
#include "helper/log.h"

#include "helper/fd.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048u
#define KEY_MAX        32u
#define FIELD_PREFIX   "BVISOR_"
#define NATIVE_SOCKET  "/run/systemd/journal/socket"

static bool is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* The bytes of one character as shown; returns how many. */
static size_t show(char c, bool plain, char ret[5])
{
	if (plain) {
		ret[0] = c;
		ret[1] = '\0';
		return 1;
	}
	return (size_t)snprintf(ret, 5, "\\x%02x",
				(unsigned int)(unsigned char)c);
}

const char *bvh_log_field(const char *value, struct bvh_field *f)
{
	size_t at = 0;
	size_t i;

	for (i = 0; value[i] != '\0' && i < BVH_FIELD_MAX; i++) {
		char c = value[i];
		bool plain = is_printable(c) && strchr(" \"'\\=", c) == NULL;

		at += show(c, plain, f->text + at);
	}
	if (value[i] != '\0')
		memcpy(f->text + at, "...", 4);
	else if (i == 0)
		memcpy(f->text, "-", 2);
	else
		f->text[at] = '\0';
	return f->text;
}

void bvh_log_text(const char *text, char *ret, size_t ret_len)
{
	size_t at = 0;

	for (; *text != '\0' && at + 5 < ret_len; text++)
		at += show(*text, is_printable(*text), ret + at);
	ret[at] = '\0';
}

/* --- fields ------------------------------------------------------------------ */

static const char reason_key[] = "reason=\"";

/* The length of a key at the beginning of word, 0 when it is none. */
static size_t key_len(const char *word)
{
	const size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz_");

	return n <= KEY_MAX && word[n] == '=' ? n : 0;
}

static size_t put_field(char *buf, size_t cap, const char *key, size_t key_n,
			const char *value, size_t value_n)
{
	const size_t all = sizeof(FIELD_PREFIX) - 1 + key_n + 1 + value_n + 1;
	size_t at = sizeof(FIELD_PREFIX) - 1;

	if (all > cap)
		return 0;
	memcpy(buf, FIELD_PREFIX, at);
	for (size_t i = 0; i < key_n; i++)
		buf[at++] = key[i] == '_' ? '_' : (char)(key[i] - 'a' + 'A');
	buf[at++] = '=';
	memcpy(buf + at, value, value_n);
	buf[at + value_n] = '\n';
	return all;
}

size_t bvh_log_fields(const char *line, char *buf, size_t cap)
{
	size_t at = 0;

	for (const char *word = line; *word != '\0';) {
		const size_t key = key_len(word);
		const char *value = word + key + 1;
		size_t n;

		if (key == 0)
			break;
		if (strncmp(word, reason_key, sizeof(reason_key) - 1) == 0) {
			value++;
			n = strlen(value);
			n -= n > 0 && value[n - 1] == '"' ? 1 : 0;
			at += put_field(buf + at, cap - at, word, key, value,
					n);
			break;
		}
		n = strcspn(value, " ");
		at += put_field(buf + at, cap - at, word, key, value, n);
		word = value + n + strspn(value + n, " ");
	}
	return at;
}

/* journald's own socket: one datagram of fields. False: it is not there, or does
 * not take it now. */
static bool send_native(int priority, const char *line)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
				  .sun_path = NATIVE_SOCKET };
	char buf[3 * LINE_MAX_BYTES];
	bv_auto_close int fd = -1;
	size_t at;
	int n = snprintf(buf, sizeof(buf),
			 "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_FACILITY=%d\n"
			 "SYSLOG_IDENTIFIER=bvisor-helper\nSYSLOG_PID=%d\n",
			 line, priority, LOG_AUTHPRIV >> 3, (int)getpid());

	if (n < 0 || (size_t)n >= sizeof(buf))
		return false;
	at = (size_t)n;
	at += bvh_log_fields(line, buf + at, sizeof(buf) - at);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 &&
	       sendto(fd, buf, at, MSG_NOSIGNAL | MSG_DONTWAIT,
		      (const struct sockaddr *)&to, sizeof(to)) == (ssize_t)at;
}

void bvh_log(int priority, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	char safe[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	bvh_log_text(line, safe, sizeof(safe));
	if (!send_native(priority, safe))
		syslog(LOG_AUTHPRIV | priority, "%s", safe);
}
