/* SPDX-License-Identifier: MIT */
/*
 * State files of live sessions. They say who is confined where; nothing is
 * decided from them but which leaf belongs to whom, and only root writes them.
 */
#include "helper/session.h"

#include "core/num.h"
#include "helper/dir.h"
#include "helper/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define STATE_FILE_MAX 16384u

int bvh_session_new_id(char ret[BV_SESSION_ID_LEN + 1], struct bv_err *err)
{
	unsigned char raw[BV_SESSION_ID_LEN / 2];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return bv_fail_errno(err, errno, "getrandom");
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret + 2 * i, 3, "%02x", (unsigned int)raw[i]);
	return BV_OK;
}

static bool id_is_valid(const char *id)
{
	return strlen(id) == BV_SESSION_ID_LEN &&
	       strspn(id, "0123456789abcdef") == BV_SESSION_ID_LEN;
}

/* The text of field 22 of /proc/PID/stat; the name in field 2 may hold
 * anything, so fields are counted from its last ')'. */
static char *stat_starttime(char *text)
{
	char *p = strrchr(text, ')');
	char *end;

	if (p == NULL)
		return NULL;
	for (unsigned int blanks = 0; blanks < 20; blanks++) {
		p = strchr(p + 1, ' ');
		if (p == NULL)
			return NULL;
	}
	p++;
	end = strchr(p, ' ');
	if (end == NULL)
		return NULL;
	*end = '\0';
	return p;
}

int bvh_proc_start(pid_t pid, uint64_t *ret, struct bv_err *err)
{
	char path[64];
	char text[2048];
	char *field;
	bv_auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	if (bvh_read_all(fd, text, sizeof(text) - 1) < 0)
		return bv_fail_errno(err, errno, "read '%s'", path);
	field = stat_starttime(text);
	if (field == NULL || !bv_parse_u64(field, 0, UINT64_MAX, ret))
		return bv_fail(err, BV_E_PROTO, "'%s' has no start time", path);
	return BV_OK;
}

/* --- encoding ------------------------------------------------------------- */

enum field_type {
	FIELD_TEXT,
	FIELD_PID,
	FIELD_U64,
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	size_t size;
};

#define ROW(name, type)                                                        \
	{                                                                      \
#name, type, offsetof(struct bvh_session_state, name),         \
			sizeof(((struct bvh_session_state *)0)->name)          \
	}

static const struct field fields[] = {
	ROW(id, FIELD_TEXT),
	ROW(plan_id, FIELD_TEXT),
	ROW(user, FIELD_TEXT),
	ROW(policy, FIELD_TEXT),
	ROW(service, FIELD_TEXT),
	ROW(tty, FIELD_TEXT),
	ROW(rhost, FIELD_TEXT),
	ROW(leaf, FIELD_TEXT),
	ROW(leader_pid, FIELD_PID),
	ROW(leader_start, FIELD_U64),
	ROW(guardian_pid, FIELD_PID),
	ROW(guardian_start, FIELD_U64),
	ROW(opened_unix_us, FIELD_U64),
};

/* Text of the user database or of PAM need not be UTF-8; jansson wants it. */
static json_t *text_value(const char *s)
{
	json_t *v = json_string(s);
	char safe[4096];
	size_t i;

	if (v != NULL)
		return v;
	for (i = 0; s[i] != '\0' && i < sizeof(safe) - 1; i++)
		safe[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
	safe[i] = '\0';
	return json_string(safe);
}

static json_t *field_encode(const struct field *f,
			    const struct bvh_session_state *s)
{
	const char *at = (const char *)s + f->offset;
	uint64_t u = 0;
	pid_t pid = 0;

	switch (f->type) {
	case FIELD_TEXT:
		return text_value(at);
	case FIELD_PID:
		memcpy(&pid, at, sizeof(pid));
		return json_integer(pid);
	case FIELD_U64:
		memcpy(&u, at, sizeof(u));
		return u > INT64_MAX ? NULL : json_integer((json_int_t)u);
	}
	return NULL;
}

static char *state_encode(const struct bvh_session_state *s)
{
	json_t *root = json_object();
	char *text = NULL;
	bool good = root != NULL;

	for (size_t i = 0; good && i < BV_LEN(fields); i++)
		good = json_object_set_new(root, fields[i].key,
					   field_encode(&fields[i], s)) == 0;
	if (good)
		text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text;
}

static bool field_decode(const struct field *f, const json_t *v,
			 struct bvh_session_state *s)
{
	char *at = (char *)s + f->offset;

	if (f->type == FIELD_TEXT) {
		const char *text = json_string_value(v);

		if (text == NULL || strlen(text) >= f->size)
			return false;
		memcpy(at, text, strlen(text) + 1);
		return true;
	}
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	if (f->type == FIELD_PID) {
		pid_t pid = (pid_t)json_integer_value(v);

		if (json_integer_value(v) > INT_MAX)
			return false;
		memcpy(at, &pid, sizeof(pid));
	} else {
		uint64_t u = (uint64_t)json_integer_value(v);

		memcpy(at, &u, sizeof(u));
	}
	return true;
}

static int state_decode(const char *text, size_t len,
			struct bvh_session_state *ret, struct bv_err *err)
{
	struct bvh_session_state s = { 0 };
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	const char *bad = NULL;

	if (root == NULL)
		return bv_fail(err, BV_E_PROTO, "no JSON: %s", why.text);
	for (size_t i = 0; bad == NULL && i < BV_LEN(fields); i++) {
		if (!field_decode(&fields[i],
				  json_object_get(root, fields[i].key), &s))
			bad = fields[i].key;
	}
	json_decref(root);
	if (bad != NULL)
		return bv_fail(err, BV_E_PROTO, "bad or missing '%s'", bad);
	*ret = s;
	return BV_OK;
}

/* --- files ---------------------------------------------------------------- */

static void file_name(const char *id, char ret[32])
{
	snprintf(ret, 32, "%.16s.json", id);
}

int bvh_session_write(const char *run_dir, const struct bvh_session_state *s,
		      struct bv_err *err)
{
	char name[32];
	char temp[32];
	bv_auto_close int dir = -1;
	bv_auto_close int fd = -1;
	bv_auto_free char *text = NULL;
	int code;

	if (!id_is_valid(s->id))
		return bv_fail(err, BV_E_INVAL, "session id '%.32s'", s->id);
	code = bvh_dir_sessions(run_dir, 0755, &dir, err);
	if (code != BV_OK)
		return code;
	text = state_encode(s);
	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "encode the session state");
	file_name(s->id, name);
	snprintf(temp, sizeof(temp), ".%.16s.new", s->id);
	/* Root alone reads it: it doubles as the file no policy grants, which
	 * the leader tries to open after its commit. */
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s/sessions/%s'",
				     run_dir, temp);
	if (bvh_write_all(fd, text, strlen(text), 0) != 0 ||
	    renameat(dir, temp, dir, name) != 0) {
		code = bv_fail_errno(err, errno, "write '%s/sessions/%s'",
				     run_dir, name);
		unlinkat(dir, temp, 0);
	}
	return code;
}

static int read_at(int dir, const char *name, struct bvh_session_state *ret,
		   struct bv_err *err)
{
	bv_auto_free char *text = malloc(STATE_FILE_MAX + 1);
	bv_auto_close int fd = -1;
	ssize_t len;
	int code;

	if (text == NULL)
		return bv_fail(err, BV_E_NOMEM, "read '%s'", name);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", name);
	len = bvh_read_all(fd, text, STATE_FILE_MAX);
	if (len < 0)
		return bv_fail_errno(err, errno, "read '%s'", name);
	code = state_decode(text, (size_t)len, ret, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "'%s'", name);
}

static int open_existing(const char *run_dir, int *ret_fd, struct bv_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sessions", run_dir);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return bv_fail_errno(err, errno, "open '%s'", path);
	return BV_OK;
}

/* The folder of the states, and the name in it of this one's. */
static int find_state(const char *run_dir, const char *id, int *ret_fd,
		      char name[32], struct bv_err *err)
{
	if (!id_is_valid(id))
		return bv_fail(err, BV_E_INVAL, "session id '%.32s'", id);
	file_name(id, name);
	return open_existing(run_dir, ret_fd, err);
}

int bvh_session_read(const char *run_dir, const char *id,
		     struct bvh_session_state *ret, struct bv_err *err)
{
	bv_auto_close int dir = -1;
	char name[32];
	int code = find_state(run_dir, id, &dir, name, err);

	if (code != BV_OK)
		return code;
	code = read_at(dir, name, ret, err);
	return code == BV_OK ? BV_OK : bv_ctx(err, "in '%s'", run_dir);
}

int bvh_session_remove(const char *run_dir, const char *id, struct bv_err *err)
{
	bv_auto_close int dir = -1;
	char name[32];
	struct bv_err why = { 0 };
	const int code = find_state(run_dir, id, &dir, name, &why);

	/* run_dir does not outlive a boot, and the first login of one makes it. */
	if (code != BV_OK && why.sys_errno == ENOENT)
		return BV_OK;
	if (code != BV_OK) {
		if (err != NULL)
			*err = why;
		return code;
	}
	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "remove '%s/sessions/%s'",
				     run_dir, name);
	return BV_OK;
}

static int by_age(const void *pa, const void *pb)
{
	const struct bvh_session_state *a = pa;
	const struct bvh_session_state *b = pb;

	if (a->opened_unix_us != b->opened_unix_us)
		return a->opened_unix_us < b->opened_unix_us ? -1 : 1;
	return strcmp(a->id, b->id);
}

/* Grow by one; the array is the caller's to free in every case. */
static struct bvh_session_state *append(struct bvh_session_state **all,
					size_t *n, size_t *cap)
{
	if (*n == *cap) {
		size_t more = *cap == 0 ? 16 : 2 * *cap;
		void *p = reallocarray(*all, more, sizeof(**all));

		if (p == NULL)
			return NULL;
		*all = p;
		*cap = more;
	}
	return &(*all)[(*n)++];
}

static bool is_state_name(const char *name)
{
	char id[BV_SESSION_ID_LEN + 1];

	if (strlen(name) != BV_SESSION_ID_LEN + 5 ||
	    strcmp(name + BV_SESSION_ID_LEN, ".json") != 0)
		return false;
	memcpy(id, name, BV_SESSION_ID_LEN);
	id[BV_SESSION_ID_LEN] = '\0';
	return id_is_valid(id);
}

int bvh_session_list(const char *run_dir, struct bvh_session_state **ret,
		     size_t *ret_n, struct bv_err *err)
{
	struct bvh_session_state *all = NULL;
	size_t n = 0;
	size_t cap = 0;
	int dirfd_list = -1;
	DIR *dir;
	int code = open_existing(run_dir, &dirfd_list, NULL);

	*ret = NULL;
	*ret_n = 0;
	if (code != BV_OK)
		return errno == ENOENT
			       ? BV_OK
			       : bv_fail_errno(err, errno, "open '%s/sessions'",
					       run_dir);
	dir = fdopendir(dirfd_list);
	if (dir == NULL) {
		bvh_close(&dirfd_list);
		return bv_fail_errno(err, errno, "read '%s'", run_dir);
	}
	for (const struct dirent *e = readdir(dir); e != NULL;
	     e = readdir(dir)) {
		struct bvh_session_state *s;

		if (!is_state_name(e->d_name))
			continue;
		s = append(&all, &n, &cap);
		if (s == NULL) {
			code = bv_fail(err, BV_E_NOMEM, "list the sessions");
			break;
		}
		/* Gone or torn meanwhile: not a live session. */
		if (read_at(dirfd(dir), e->d_name, s, NULL) != BV_OK)
			n--;
		code = BV_OK;
	}
	closedir(dir);
	if (code != BV_OK) {
		free(all);
		return code;
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_age);
	*ret = all;
	*ret_n = n;
	return BV_OK;
}
