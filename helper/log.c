/* SPDX-License-Identifier: MIT */
/*
 * Lines for syslog, made harmless; for journald and RFC 5424 with their fields. The
 * fields are read off the line itself, whose values are escaped before they come into it,
 * so that line and fields cannot say different things.
 */
#include "helper/log.h"

#include "helper/fd.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048u
#define KEY_MAX        32u
#define FIELD_PREFIX   "BVISOR_"
#define NATIVE_SOCKET  "/run/systemd/journal/socket"
/* What every receiver of RFC 5424 that is in use takes; the longest line and its
 * fields, all of it escaped, are less. */
#define RFC5424_MAX_BYTES 8192u

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

struct field {
	const char *key, *value;
	size_t key_n, value_n;
};

/* The next of the run of words at *at, which moves on. */
static bool next_field(const char **at, struct field *ret)
{
	const char *word = *at;

	ret->key = word;
	ret->key_n = key_len(word);
	if (ret->key_n == 0)
		return false;
	ret->value = word + ret->key_n + 1;
	if (strncmp(word, reason_key, sizeof(reason_key) - 1) == 0) {
		ret->value++;
		ret->value_n = strlen(ret->value);
		*at = ret->value + ret->value_n; /* it is the last */
		if (ret->value_n > 0 && ret->value[ret->value_n - 1] == '"')
			ret->value_n--;
		return true;
	}
	ret->value_n = strcspn(ret->value, " ");
	*at = ret->value + ret->value_n;
	*at += strspn(*at, " ");
	return true;
}

size_t bvh_log_fields(const char *line, char *buf, size_t cap)
{
	struct field f;
	size_t at = 0;

	while (next_field(&line, &f))
		at += put_field(buf + at, cap - at, f.key, f.key_n, f.value,
				f.value_n);
	return at;
}

/* --- RFC 5424 ---------------------------------------------------------------- */

struct out {
	char *buf;
	size_t at, cap;
	bool full; /* something did not fit: the rest is of no use either */
};

static void put(struct out *o, const char *bytes, size_t n)
{
	o->full = o->full || n > o->cap - o->at;
	if (o->full)
		return;
	memcpy(o->buf + o->at, bytes, n);
	o->at += n;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

/* PARAM-NAME="PARAM-VALUE": '"', '\\' and ']' with a backslash before them. */
static void put_param(struct out *o, const struct field *f)
{
	put_text(o, " ");
	put(o, f->key, f->key_n);
	put_text(o, "=\"");
	for (size_t i = 0; i < f->value_n; i++) {
		if (strchr("\"\\]", f->value[i]) != NULL)
			put_text(o, "\\");
		put(o, f->value + i, 1);
	}
	put_text(o, "\"");
}

static void put_structured_data(struct out *o, const char *line)
{
	struct field f;
	bool any = false;

	while (next_field(&line, &f)) {
		if (!any)
			put_text(o, "[" BVH_LOG_SD_ID);
		any = true;
		put_param(o, &f);
	}
	put_text(o, any ? "]" : "-");
}

/* HOSTNAME is printable and without a blank; "-" stands for none. */
static void put_host(struct out *o, const char *host)
{
	const size_t n = strlen(host);
	bool sound = n > 0;

	for (size_t i = 0; i < n; i++)
		sound = sound && is_printable(host[i]) && host[i] != ' ';
	put_text(o, sound ? host : "-");
}

size_t bvh_log_rfc5424(const struct bvh_log_head *head, const char *line,
		       char *buf, size_t cap)
{
	const time_t s = (time_t)(head->unix_us / 1000000u);
	struct out o = { .buf = buf, .cap = cap };
	char text[64];
	struct tm tm;

	snprintf(text, sizeof(text), "<%d>1 ", LOG_AUTHPRIV | head->priority);
	put_text(&o, text);
	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return 0;
	put_text(&o, text);
	snprintf(text, sizeof(text), ".%06uZ ",
		 (unsigned int)(head->unix_us % 1000000u));
	put_text(&o, text);
	put_host(&o, head->host);
	snprintf(text, sizeof(text), " bvisor-helper %d - ", (int)head->pid);
	put_text(&o, text);
	put_structured_data(&o, line);
	put_text(&o, " ");
	put_text(&o, line);
	return o.full ? 0 : o.at;
}

/* --- where it goes ----------------------------------------------------------- */

/* Of bvisor.conf; empty: nowhere. */
static char also_to[sizeof(((struct sockaddr_un *)0)->sun_path)];

bool bvh_log_also_to(const char *path)
{
	const size_t n = path == NULL ? 0 : strlen(path);

	if (n >= sizeof(also_to))
		return false;
	memcpy(also_to, path == NULL ? "" : path, n + 1);
	return true;
}

/* A receiver that is behind is waited for, but not so that a login notices it
 * much: the line is in the log in any case. */
static void send_rfc5424(int priority, const char *line)
{
	const struct timeval patience = { .tv_usec = 200 * 1000 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct bvh_log_head head = { .priority = priority, .pid = getpid() };
	char buf[RFC5424_MAX_BYTES];
	char host[256] = "";
	bv_auto_close int fd = -1;
	struct timespec ts;
	size_t n;

	if (also_to[0] == '\0')
		return;
	memcpy(to.sun_path, also_to, sizeof(also_to));
	clock_gettime(CLOCK_REALTIME, &ts);
	(void)gethostname(host, sizeof(host) - 1);
	head.unix_us = (uint64_t)ts.tv_sec * 1000000u +
		       (uint64_t)ts.tv_nsec / 1000u;
	head.host = host;
	n = bvh_log_rfc5424(&head, line, buf, sizeof(buf));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n == 0 || fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience));
	(void)!sendto(fd, buf, n, MSG_NOSIGNAL, (const struct sockaddr *)&to,
		      sizeof(to));
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
	send_rfc5424(priority, safe);
	if (!send_native(priority, safe))
		syslog(LOG_AUTHPRIV | priority, "%s", safe);
}
