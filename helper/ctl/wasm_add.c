/* SPDX-License-Identifier: MIT */
/*
 * A module into the store, its digest into its grants. Each file is written
 * beside the old one and takes its place at once; until both are there the
 * command is refused, and never another module run in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plan.h"
#include "helper/ctl/wasm.h"
#include "helper/dir.h"
#include "helper/fd.h"
#include "helper/trust.h"

#define FILE_MAX_BYTES (64u * 1024u * 1024u)
#define ARENA_BYTES    (1024u * 1024u)

static const char template[] =
	"bvisor-wasm 1\n"
	"# What the command %s of bvisor-wasm is and may do; see "
	"bvisor-wasm.d(5).\n"
	"# As it is: no file, no directory, no standard input, ordinary "
	"limits.\n"
	"[module]\n"
	"digest = %s\n";

static int read_file(const char *path, char **ret, size_t *ret_len,
		     struct bv_err *err)
{
	bv_auto_close int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
		return bv_fail(err, BV_E_CONF,
			       "%s: not a regular file of at most %u bytes",
			       path, FILE_MAX_BYTES);
	*ret = malloc((size_t)st.st_size + 1);
	if (*ret == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s", path);
	n = bvh_read_all(fd, *ret, (size_t)st.st_size);
	if (n < 0)
		return bv_fail_errno(err, errno, "%s", path);
	*ret_len = (size_t)n;
	return BV_OK;
}

/* Made where missing; then the same walk as a login's. */
static int open_own(const char *path, int *ret_fd, struct bv_err *err)
{
	char part[PATH_MAX];
	int code;

	for (const char *at = strchr(path + 1, '/');;
	     at = strchr(at + 1, '/')) {
		const size_t n = at ? (size_t)(at - path) : strlen(path);

		memcpy(part, path, n);
		part[n] = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return bv_fail_errno(err, errno, "make '%s'", part);
		if (at == NULL)
			break;
	}
	code = bvh_trust_dir(path, ret_fd, err);
	if (code == BV_OK && *ret_fd < 0)
		code = bv_fail(err, BV_E_SYS, "'%s' is not there", path);
	return code;
}

static int replace(int dirfd, const char *name, const void *bytes, size_t len,
		   struct bv_err *err)
{
	bv_auto_close int fd = -1;
	char temporary[NAME_MAX];

	snprintf(temporary, sizeof(temporary), ".%.200s.new", name);
	if (unlinkat(dirfd, temporary, 0) != 0 && errno != ENOENT)
		return bv_fail_errno(err, errno, "%s", temporary);
	fd = openat(dirfd, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) != 0 ||
	    bvh_write_all(fd, bytes, len, 0) != 0 || fsync(fd) != 0 ||
	    renameat(dirfd, temporary, dirfd, name) != 0) {
		int saved = errno;

		unlinkat(dirfd, temporary, 0);
		return bv_fail_errno(err, saved, "write '%s'", name);
	}
	return BV_OK;
}

/* --- the grant ------------------------------------------------------------- */

struct grant_file {
	char file[BW_NAME_MAX + 8];
	char path[sizeof(BWS_CONFIG_DIR "/" BWS_GRANTS) + BW_NAME_MAX + 8];
	char *text; /* with the new digest */
	bool fresh;
};

/* The first line that begins with these two words, blanks aside; or NULL. A line feed
 * for the second is the end of the text as well. */
static const char *find_line(const char *text, const char *first, char second)
{
	const size_t n = strlen(first);

	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *word = line + strspn(line, " \t");
		char behind;

		if (strncmp(word, first, n) == 0) {
			behind = word[n + strspn(word + n, " \t")];
			if (behind == second ||
			    (behind == '\0' && second == '\n'))
				return line;
		}
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return NULL;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* The text with its digest line another, or with one in its section, or with
 * that as well; malloc'ed. A text that is wrong stays so. */
static char *with_digest(const char *text, const char *hex)
{
	const char *old = find_line(text, "digest", '=');
	const char *section = find_line(text, "[module]", '\n');
	const char *head = ""; /* between what stays before and the digest */
	const char *from, *to; /* what it takes the place of */
	char *made = NULL;

	if (old != NULL) {
		from = old;
		to = next_line(old);
	} else if (section != NULL) {
		from = to = next_line(section);
		head = from[-1] != '\n' ? "\n" : "";
	} else {
		from = to = text + strlen(text);
		head = from > text && from[-1] != '\n' ? "\n[module]\n"
						       : "[module]\n";
	}
	if (asprintf(&made, "%.*s%sdigest = %s\n%s", (int)(from - text), text,
		     head, hex, to) < 0)
		return NULL;
	return made;
}

static int read_before(const struct grant_file *g, char **ret,
		       struct bv_err *err)
{
	bv_auto_close int dir = -1;
	size_t len = 0;
	int code = bvh_trust_dir(BWS_CONFIG_DIR "/" BWS_GRANTS, &dir, err);

	if (code == BV_OK && dir >= 0)
		code = bvh_trust_read(dir, g->file, g->path, BW_GRANT_FILE_MAX,
				      ret, &len, err);
	if (code == BV_OK && *ret != NULL && strlen(*ret) != len)
		code = bv_fail(err, BV_E_CONF, "%s: holds a NUL byte", g->path);
	return code;
}

/* As it will be, and as a login will read it: what is faulty then is refused
 * now, before anything is written. */
static int compose(const char *name, const char *hex, struct bv_arena *arena,
		   struct grant_file *g, struct bw_grant *ret,
		   struct bv_err *err)
{
	bv_auto_free char *before = NULL;
	int code;

	snprintf(g->file, sizeof(g->file), "%.*s.conf", (int)BW_NAME_MAX, name);
	snprintf(g->path, sizeof(g->path), "%s/%s/%s", BWS_CONFIG_DIR,
		 BWS_GRANTS, g->file);
	code = read_before(g, &before, err);
	if (code != BV_OK)
		return code;
	g->fresh = before == NULL;
	if (before != NULL)
		g->text = with_digest(before, hex);
	else if (asprintf(&g->text, template, name, hex) < 0)
		g->text = NULL;
	if (g->text == NULL)
		return bv_fail(err, BV_E_NOMEM, "%s", g->path);
	return bw_grant_parse(arena, g->path, g->text, strlen(g->text), ret,
			      err);
}

/* --- all of it ------------------------------------------------------------- */

static int check_name(const char *name, struct bv_err *err)
{
	if (!bw_name_valid(name, strlen(name)))
		return bv_fail(err, BV_E_INVAL,
			       "'%s' is no name of a command: "
			       "[a-z0-9][a-z0-9._-]*, at most %u letters",
			       name, BW_NAME_MAX);
	if (bws_is_builtin(name))
		return bv_fail(err, BV_E_INVAL,
			       "'%s' is a builtin of the shell, which would "
			       "be run in its place",
			       name);
	return BV_OK;
}

static int write_both(const char *name, const void *bytes, size_t len,
		      const struct grant_file *g, struct bv_err *err)
{
	bv_auto_close int store = -1;
	bv_auto_close int grants = -1;
	char module[BW_NAME_MAX + 8];
	int code = open_own(BV_WASM_STORE, &store, err);

	snprintf(module, sizeof(module), "%.*s.wasm", (int)BW_NAME_MAX, name);
	if (code == BV_OK)
		code = open_own(BWS_CONFIG_DIR "/" BWS_GRANTS, &grants, err);
	if (code == BV_OK)
		code = replace(store, module, bytes, len, err);
	if (code == BV_OK)
		code = replace(grants, g->file, g->text, strlen(g->text), err);
	return code;
}

int bvh_wasm_add(const char *name, const char *file, struct bvh_wasm_facts *ret,
		 bool *ret_new, struct bv_err *err)
{
	bv_auto_free char *bytes = NULL;
	struct grant_file g = { .text = NULL };
	struct bws_entry entry = { .name = name, .conf = g.path };
	struct bv_arena arena;
	char hex[65];
	size_t len = 0;
	int code = check_name(name, err);

	if (code == BV_OK)
		code = read_file(file, &bytes, &len, err);
	if (code != BV_OK)
		return code;
	bv_sha256_hex(bytes, len, hex);
	bv_arena_init(&arena, ARENA_BYTES);
	code = compose(name, hex, &arena, &g, &entry.grant, err);
	if (code == BV_OK) {
		code = bvh_wasm_examine(&entry, bytes, len, ret, err);
		if (code != BV_OK)
			(void)bv_ctx(err, "%s", file);
	}
	if (code == BV_OK)
		code = write_both(name, bytes, len, &g, err);
	*ret_new = g.fresh;
	bv_arena_done(&arena);
	free(g.text);
	return code;
}
