/* SPDX-License-Identifier: MIT */
/* "audit(1732186800.349:44): domain=195ba459b blockers=fs.read_file
 * path="/etc/shadow" dev="vda2" ino=351": words of key=value; see audit.h. */
#include "core/audit.h"

#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/num.h"

struct text {
	const char *at;
	size_t len;
};

/* The value of `key`, which is a whole word's. */
static bool find(struct text t, const char *key, struct text *ret)
{
	const size_t key_len = strlen(key);

	while (t.len > 0) {
		const char *space = memchr(t.at, ' ', t.len);
		const size_t word =
			space == NULL ? t.len : (size_t)(space - t.at);

		if (word > key_len && memcmp(t.at, key, key_len) == 0 &&
		    t.at[key_len] == '=') {
			ret->at = t.at + key_len + 1;
			ret->len = word - key_len - 1;
			return true;
		}
		if (space == NULL)
			break;
		t.at += word + 1;
		t.len -= word + 1;
	}
	return false;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* What is printed goes through other filters; here a text stays one line. */
static char plain(int c)
{
	return c >= 0x20 && c < 0x7f ? (char)c : '?';
}

static bool unquote(struct text v, char *ret, size_t cap)
{
	size_t n = 0;

	if (v.len >= 2 && v.at[0] == '"' && v.at[v.len - 1] == '"') {
		for (size_t i = 1; i < v.len - 1 && n < cap - 1; i++)
			ret[n++] = plain((unsigned char)v.at[i]);
		ret[n] = '\0';
		return true;
	}
	if (v.len == 0 || v.len % 2 != 0)
		return false;
	for (size_t i = 0; i < v.len; i += 2) {
		const int hi = digit(v.at[i]);
		const int lo = digit(v.at[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		if (n < cap - 1)
			ret[n++] = plain(hi * 16 + lo);
	}
	ret[n] = '\0';
	return true;
}

static bool number(struct text t, const char *key, uint64_t *ret)
{
	struct text v;
	char buf[24];

	if (!find(t, key, &v) || v.len >= sizeof(buf))
		return false;
	memcpy(buf, v.at, v.len);
	buf[v.len] = '\0';
	return bv_parse_u64(buf, 0, UINT64_MAX, ret);
}

static bool hex_number(struct text t, const char *key, uint64_t *ret)
{
	struct text v;
	uint64_t n = 0;

	if (!find(t, key, &v) || v.len == 0 || v.len > 16)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		const int d = digit(v.at[i]);

		if (d < 0)
			return false;
		n = n << 4 | (uint64_t)d;
	}
	*ret = n;
	return true;
}

/* "fs.read_file,fs.truncate": letters, dots, underscores. */
static bool right_of(struct text t, char *ret, size_t cap)
{
	struct text v;

	if (!find(t, "blockers", &v) || v.len == 0 || v.len >= cap)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		const char c = v.at[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' &&
		    c != '_' && c != ',')
			return false;
		ret[i] = c;
	}
	ret[v.len] = '\0';
	return true;
}

static bool object_of(struct text t, char *ret, size_t cap)
{
	struct text v;
	uint64_t n;

	ret[0] = '\0';
	if (find(t, "path", &v))
		return unquote(v, ret, cap);
	if (number(t, "dest", &n) || number(t, "src", &n))
		snprintf(ret, cap, "%llu/tcp", (unsigned long long)n);
	else if (number(t, "opid", &n))
		snprintf(ret, cap, "pid %llu", (unsigned long long)n);
	return true;
}

static bool is(struct text t, const char *key, const char *want)
{
	struct text v;

	return find(t, key, &v) && v.len == strlen(want) &&
	       memcmp(v.at, want, v.len) == 0;
}

bool bv_audit_parse(uint32_t type, const char *text, size_t len,
		    struct bv_audit *ret)
{
	struct text t = { .at = text, .len = strnlen(text, len) };

	memset(ret, 0, sizeof(*ret));
	if (t.len > BV_AUDIT_TEXT_MAX || t.len < 6 ||
	    memcmp(t.at, "audit(", 6) != 0)
		return false;
	switch (type) {
	case BV_AUDIT_LANDLOCK_ACCESS:
		ret->kind = BV_AUDIT_DENIED;
		return hex_number(t, "domain", &ret->domain) &&
		       right_of(t, ret->right, sizeof(ret->right)) &&
		       object_of(t, ret->object, sizeof(ret->object));
	case BV_AUDIT_LANDLOCK_DOMAIN:
		ret->kind = BV_AUDIT_DOMAIN_BEGUN;
		return is(t, "status", "allocated") &&
		       hex_number(t, "domain", &ret->domain) &&
		       number(t, "pid", &ret->pid);
	case BV_AUDIT_SECCOMP:
		ret->kind = BV_AUDIT_KILLED;
		return number(t, "pid", &ret->pid) &&
		       number(t, "syscall", &ret->syscall);
	default:
		return false;
	}
}

/* --- what would allow it ------------------------------------------------------- */

/* The first row whose beginning fits the first right that was missing. */
static const struct {
	const char *right;
	const char *key; /* NULL: nothing of a policy */
	bool takes_path;
} remedies[] = {
	{ "fs.execute", "[filesystem] exec = ", true },
	{ "fs.read_", "[filesystem] read = ", true },
	{ "fs.ioctl_dev", "[filesystem] write = ", true },
	{ "fs.", "[filesystem] write = ", true },
	{ "net.", "[network] access = open", false },
};

const char *bv_audit_remedy(const char *right, const char *object, char *buf,
			    size_t buf_len)
{
	for (size_t i = 0; i < BV_LEN(remedies); i++) {
		if (strncmp(right, remedies[i].right,
			    strlen(remedies[i].right)) != 0)
			continue;
		if (remedies[i].takes_path && object[0] != '/')
			return NULL;
		snprintf(buf, buf_len, "%s%s", remedies[i].key,
			 remedies[i].takes_path ? object : "");
		return buf;
	}
	return NULL;
}
